// What a reader of the sources may count on, as CONTRIBUTING and STYLE promise it.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'

const sources = globSync('{gate,migrator,app,scripts,test}/**/*.{ts,cjs}', {
  cwd: root,
  exclude: path => /(^|\/)(node_modules|dist(\.\d+)?|fixtures)(\/|$)/.test(path),
}).map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))

test('every file opens with a sentence that says what it is for', () => {
  expect(sources.length).toBeGreaterThan(500)
  const without = sources.filter(({ text }) => !/^(#!.*\n+)?(\/\/ |\/\*\* ?)\S/.test(text))
  expect(without.map(({ file }) => file)).toEqual([])
})

/** The names of exports that have no docstring right above, among those that `pattern` matches. */
function undocumented(folders: RegExp, pattern: RegExp): string[] {
  return sources
    .filter(({ file }) => folders.test(file))
    .flatMap(({ file, text }) => {
      const lines = text.split('\n')
      return lines.flatMap((line, i) =>
        pattern.test(line) && !lines[i - 1]?.endsWith('*/') ? [`${file}:${i + 1} ${line}`] : [],
      )
    })
}

test('every exported function and class says what it does', () => {
  // not those in the text of a migration that a program writes
  const written = /files\/create\.ts:|bench\/batch\.ts:/
  const found = undocumented(
    /^(gate|migrator|app|scripts)\/(?!migrations\/)/,
    /^export (abstract )?(async )?(function|class) ?\*? /,
  )
  expect(found.filter(place => !written.test(place))).toEqual([])
})

test("every type and option of the gate's says what it is", () => {
  expect(undocumented(/^gate\//, /^export (type \w+|interface)/)).toEqual([])
})
