// The scripts that a command calls: in the build context, or by their name in package.json.

import type { Service } from '../compose/service.ts'
import type { BuildContext } from './build-context.ts'
import type { Line } from './line.ts'

/** The text of the shell script that these words call. */
export function scriptOf(words: readonly string[], service: Service, context: BuildContext): string | undefined {
  const isShell = /^(.*\/)?(sh|bash|ash|dash|zsh|source|\.)$/.test(words[0] ?? '')
  const file = isShell ? words.slice(1).find(word => !word.startsWith('-')) : words[0]
  if (file === undefined || (!isShell && !/[./]|entrypoint|start|run/.test(file))) return undefined
  const path = file.startsWith('/') || service.workingDir === undefined ? file : `${service.workingDir}/${file}`
  const text = context.script(path) ?? context.script(file)
  if (text === undefined) return undefined
  const [, program = '', argument = ''] = /^#![ \t]*(\S+)(?:[ \t]+(\S+))?/.exec(text) ?? []
  const interpreter = /(^|\/)env$/.test(program) ? argument : program
  const isOther = interpreter !== '' && !/(sh|bash|ash|dash|zsh|with-contenv)$/.test(interpreter)
  return isOther || (interpreter === '' && !isShell && !/\.(sh|bash)$|entrypoint/.test(file)) ? undefined : text
}

/** `npm start`, `yarn run start:prod`, `npm run typeorm -- migration:run`: the script of that name, with what it is given. */
export function packageScript({ words, sources }: Line, context: BuildContext): string | undefined {
  const [tool = ''] = words
  if (!/^(npm|pnpm|yarn|bun)$/.test(tool)) return undefined
  const at = words.findIndex((word, i) => i > 0 && !word.startsWith('-') && word !== 'run' && word !== 'run-script')
  const name = words[at]
  if (name === undefined) return undefined
  const text = context.script('package.json')
  if (text === undefined) return undefined
  try {
    const { scripts = {} } = JSON.parse(text) as { scripts?: Record<string, string> }
    const script = scripts[name]
    const before = scripts[`pre${name}`]
    if (script === undefined) return undefined
    return [before, [script, ...argumentsAfter(sources.slice(at + 1), tool)].join(' ')].filter(Boolean).join(' && ')
  } catch {
    return undefined
  }
}

/** What the script is given: npm keeps the options before `--` to itself. */
function argumentsAfter(sources: readonly string[], tool: string): readonly string[] {
  const end = sources.indexOf('--')
  const own = end < 0 ? sources : sources.slice(0, end)
  const given = tool === 'npm' ? own.filter(source => !source.startsWith('-')) : own
  return end < 0 ? given : [...given, ...sources.slice(end + 1)]
}
