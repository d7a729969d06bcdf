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
