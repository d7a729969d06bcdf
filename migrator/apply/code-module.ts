// A code migration's file as a module: loading it, and where in it an error arose.

import { readFileSync, realpathSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { types } from 'node:util'
import { UsageError } from '../errors.ts'
import { otherApi } from '../files/foreign-code.ts'
import type { Migration } from '../files/migration.ts'
import { tools } from '../files/tools/index.ts'
import type { Engine } from '../run/engine.ts'
import { type Place, placeAt } from '../sql/excerpt.ts'
import { messageOfThrown, readableThrown } from '../text/thrown.ts'
import type { MigrationModule } from './code-context.ts'
import { untilAborted } from './until-aborted.ts'

/** Milliseconds after which the log names a module that is still being loaded: it may await a promise that never settles. */
const longLoad = 10_000

/** Loads the module and checks its shape. @throws UsageError */
export async function loadModule(
  { name, file }: Migration,
  { signal, log }: Pick<Engine, 'signal' | 'log'>,
): Promise<MigrationModule> {
  let module: Partial<MigrationModule>
  const timer = setTimeout(() => {
    log.warn(
      { event: 'loading', migration: name },
      `${file} is still being loaded: something is awaited at its top level, outside of \`up\`. The run goes on when that comes to its end.`,
    )
  }, longLoad).unref()
  try {
    module = exportsOf(await keepingFolder(() => untilAborted(signal, import(pathToFileURL(file).href))))
  } catch (thrown) {
    signal.throwIfAborted()
    const error = readableThrown(thrown)
    const place = placeIn(file, error) ?? (error instanceof SyntaxError ? placeOfSyntaxError(file, error) : undefined)
    const at = place ? `, line ${place.line}, column ${place.column}` : ''
    const message = messageOfThrown(error)
    const foreign = foreignModule(file)
    throw new UsageError(`${file}${at} cannot be loaded: ${message}${foreign && `. ${foreign}`}`, {
      cause: error,
      place,
    })
  } finally {
    clearTimeout(timer)
  }
  if (typeof module.up !== 'function')
    throw new UsageError(
      `${file} exports no function \`up\`: write \`export async function up(context) { ... }\`. ${foreignModule(file)}`.trim(),
    )
  for (const name of ['up', 'down'] as const)
    if (types.isGeneratorFunction(module[name]))
      throw new UsageError(
        `${file}: \`${name}\` is a generator, of which a call runs nothing. Write it as \`async function ${name}\`, without the asterisk.`,
      )
  if (module.down !== undefined && typeof module.down !== 'function')
    throw new UsageError(`${file} exports a \`down\` that is no function.`)
  return module as MigrationModule
}

/** Runs what may change this process' folder, as zx' cd() does, and changes back: the paths of other migrations may be relative. */
export async function keepingFolder<Result>(work: () => Promise<Result>): Promise<Result> {
  const folder = process.cwd()
  try {
    return await work()
  } finally {
    process.chdir(folder)
  }
}

/** Of CommonJS what it has exported: of `module.exports = { ... }` not every name is an export to a module that imports it. */
function exportsOf(imported: object): Partial<MigrationModule> {
  const whole = 'module.exports' in imported ? imported['module.exports'] : undefined
  return typeof whole === 'object' && whole !== null ? whole : imported
}

/** A sentence for the message of a failure, where the module looks like another tool's; else nothing. */
export function foreignModule(file: string): string {
  const source = sourceOf(file)
  const tool = source === undefined ? undefined : tools.find(({ module }) => module?.test(source))
  return tool ? otherApi(tool) : ''
}

/** Whether it has a down part; a code migration's module is loaded for that. @throws UsageError if it cannot be. */
export async function isReversible(migration: Migration, engine: Pick<Engine, 'signal' | 'log'>): Promise<boolean> {
  return migration.kind === 'code'
    ? (await loadModule(migration, engine)).down !== undefined
    : migration.down !== undefined
}

/** The innermost place in the migration's own file, from an error's stack. */
export function placeIn(file: string, error: unknown): Place | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  // a link is resolved before it is loaded
  const paths = [file, resolve(file), real(file)].flatMap(path => [path, pathToFileURL(path).href])
  const frame = stack.split('\n').find(line => /^\s*at /.test(line) && paths.some(path => line.includes(path)))
  const at = /:(\d+):(\d+)\)?$/.exec(frame ?? '')
  return at ? placeAtLine(file, Number(at[1]), Number(at[2])) : undefined
}

/**
 * Node shows the place of a syntax error as it does on a terminal: for TypeScript in the stack, for JavaScript with
 * --check.
 */
function placeOfSyntaxError(file: string, error: SyntaxError): Place | undefined {
  const shown = /^\S.*:\d+\n/.test(error.stack ?? '')
    ? (error.stack ?? '')
    : process
        .getBuiltinModule('node:child_process')
        .spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', timeout: 5_000 }).stderr
  const [first = '', ...excerpt] = shown.slice(Math.max(0, shown.indexOf(basename(file)))).split('\n')
  const line = /:(\d+)$/.exec(first)?.[1]
  const caret = excerpt.find(text => /^\s*\^+\s*$/.test(text)) ?? '^'
  return line === undefined ? undefined : placeAtLine(file, Number(line), caret.indexOf('^') + 1)
}

/** Lines and columns from 1, columns in UTF-16 as JavaScript counts them. */
function placeAtLine(file: string, line: number, column: number): Place | undefined {
  const source = sourceOf(file)?.replace(/^\uFEFF/, '')
  if (source === undefined) return undefined
  const before = source.split('\n').slice(0, line - 1)
  return placeAt(file, source, before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1)
}

/** Undefined if the file is gone since it was loaded, as where its folder was replaced while the run went on. */
function sourceOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function real(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}
