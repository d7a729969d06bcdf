// Whether the test of an `if` or a `case` in a script holds, as far as the values in it are known.

import { longestCondition } from './shell.ts'

/** The text with its variables' values; undefined where one is not known. */
type Expand = (text: string) => string | undefined

/** @param condition one of `ShellCommand.conditions`; @returns undefined where it is not known */
export function holds(condition: string, expand: Expand): boolean | undefined {
  if (condition.length > longestCondition) return undefined
  const otherwise = /^! \( (.*) \)$/s.exec(condition)
  if (otherwise) return not(holds(otherwise[1]!, expand))
  const choice = /^case (.*) in (.*)$/s.exec(condition)
  if (choice) {
    const subject = expand(choice[1]!)
    if (subject === undefined) return undefined
    return any(choice[2]!.split('|').map(pattern => matches(subject, pattern)))
  }
  // `[ a ] && [ b ]` and `[ a -a b ]` are `[[ a && b ]]`
  const joined = condition
    .replace(/\s-([ao])\s/g, (_, letter) => (letter === 'a' ? ' && ' : ' || '))
    .replace(/\s\]\]?(\s+(?:&&|\|\|)\s+)\[\[?\s/g, '$1')
  const [, negated, tests] = /^(!\s+)?\[\[?\s+(.*?)\s+\]\]?$/s.exec(joined) ?? []
  if (tests === undefined) return undefined
  const [first, ...others] = tests.split(/\s+(&&|\|\|)\s+/)
  if (others.length === 0) return negated ? not(test(first!, expand)) : test(first!, expand)
  const operators = new Set(others.filter((_, i) => i % 2 === 0))
  // a `!` may be for one of them or for all
  if (operators.size > 1 || /(^|\s)!\s/.test(condition)) return undefined
  const values = [first!, ...others.filter((_, i) => i % 2 === 1)].map(one => test(one, expand))
  return operators.has('||') ? any(values) : not(any(values.map(not)))
}

function any(values: readonly (boolean | undefined)[]): boolean | undefined {
  return values.includes(true) || (values.includes(undefined) ? undefined : false)
}

function not(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value
}

/** What stands between the brackets. */
function test(text: string, expand: Expand): boolean | undefined {
  // other commands beside it
  if (/(^|\s)(\[\[?|\]\]?|;)(\s|$)/.test(text)) return undefined
  const unary = /^-([nz])\s+(.*)$/.exec(text)
  if (unary) {
    const value = expand(unary[2]!)
    return value === undefined ? undefined : (value !== '') === (unary[1] === 'n')
  }
  const [, left, operator, right] = /^(.*?)\s+(==?|!=|-eq|-ne)\s+(.*)$/.exec(text) ?? []
  if (operator === undefined) return undefined
  const [a, b] = [expand(left!), expand(right!)]
  // a pattern in `[[ ]]`, and text in `[ ]`
  if (a === undefined || b === undefined || /[*?]/.test(b)) return undefined
  return (a === b) === (operator !== '!=' && operator !== '-ne')
}

/** A pattern of a case, with a `*` at its ends or none. */
function matches(text: string, pattern: string): boolean | undefined {
  const [, before, part, behind] = /^(\*?)([^*?[\\]*)(\*?)$/.exec(pattern) ?? []
  if (part === undefined) return undefined
  if (before) return behind ? text.includes(part) : text.endsWith(part)
  return behind ? text.startsWith(part) : text === part
}
