// doctor against compose files as the public ones are, read without docker.

import { expect, test } from 'vitest'
import { corpus, findingsOf } from '../../helpers/doctor-corpus.ts'

test('the corpus is large enough to tell', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(60)
  expect(corpus.every(({ expected, path }) => expected.length > 0 || path !== '')).toBe(true)
})

test.for(corpus)('$name', async file => {
  expect(await findingsOf(file, false)).toEqual(file.expected)
})
