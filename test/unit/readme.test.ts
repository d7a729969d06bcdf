import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { exitCodes } from '../../migrator/errors.ts'
import { withGeneratedParts } from '../../scripts/docs.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

test('the README lists the commands and options that there are', () => {
  expect(readme).toBe(withGeneratedParts(readme))
})

test('the README explains every exit code', () => {
  const explained = readme
    .split('\n')
    .flatMap(line => /^\| ([\d, ]+) \|/.exec(line)?.[1]?.split(', ') ?? [])
    .map(Number)
  expect(explained.toSorted((a, b) => a - b)).toEqual(Object.values(exitCodes).toSorted((a, b) => a - b))
})
