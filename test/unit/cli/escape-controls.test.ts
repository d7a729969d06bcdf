// Control characters in what is printed: names and messages may hold any.

import { expect, test } from 'vitest'
import { escapeControls } from '../../../migrator/text/escape-controls.ts'

test('a name cannot move the cursor or colour the terminal', () => {
  expect(escapeControls('0001_\u001B[2J\r\u0007\u009B31m_größe\n\tline')).toBe(
    '0001_\\x1b[2J\\x0d\\x07\\x9b31m_größe\n\tline',
  )
})

test('a name cannot end a line, nor turn the direction of what stands behind it', () => {
  expect(escapeControls('0001_\u202Elqs.txt\u2069_\u2028_\u200F\u05D0')).toBe(
    '0001_\\u202elqs.txt\\u2069_\\u2028_\u200F\u05D0',
  )
})
