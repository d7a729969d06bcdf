// The scripts that a command calls: in the build context, or by their name in package.json.

import type { Service } from '../compose/service.ts'
import type { BuildContext } from './build-context.ts'

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

/** `npm start`, `yarn run start:prod`: the script of that name in package.json. */
export function packageScript(words: readonly string[], context: BuildContext): string | undefined {
  const [tool = '', ...rest] = words
  if (!/^(npm|pnpm|yarn|bun)$/.test(tool)) return undefined
  const name = rest.find(word => !word.startsWith('-') && word !== 'run' && word !== 'run-script')
  if (name === undefined) return undefined
  const text = context.script('package.json')
  if (text === undefined) return undefined
  try {
    const { scripts = {} } = JSON.parse(text) as { scripts?: Record<string, string> }
    const script = scripts[name]
    const before = scripts[`pre${name}`]
    return script === undefined ? undefined : [before, script].filter(Boolean).join(' && ')
  } catch {
    return undefined
  }
}
