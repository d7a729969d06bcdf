// Whether the test of an `if` or a `case` in a script holds, as far as the values in it are known.

/** The text with its variables' values; undefined where one is not known. */
type Expand = (text: string) => string | undefined

/** @param condition one of `ShellCommand.conditions`; @returns undefined where it is not known */
export function holds(condition: string, expand: Expand): boolean | undefined {
  const otherwise = /^! \( (.*) \)$/s.exec(condition)
  if (otherwise) return not(holds(otherwise[1]!, expand))
  const choice = /^case (.*) in (.*)$/s.exec(condition)
  if (choice) {
    const subject = expand(choice[1]!)
    if (subject === undefined) return undefined
    return choice[2]!.split('|').some(pattern => pattern === subject || pattern === '*')
  }
  // `[ a ] && [ b ]` is `[[ a && b ]]`
  const [, negated, tests] =
    /^(!\s+)?\[\[?\s+(.*?)\s+\]\]?$/s.exec(condition.replace(/\s\]\]?(\s+(?:&&|\|\|)\s+)\[\[?\s/g, '$1')) ?? []
  if (tests === undefined) return undefined
  const [first, ...others] = tests.split(/\s+(&&|\|\|)\s+/)
  if (others.length === 0) return negated ? not(test(first!, expand)) : test(first!, expand)
  const operators = new Set(others.filter((_, i) => i % 2 === 0))
  // a `!` may be for one of them or for all
  if (operators.size > 1 || /(^|\s)!\s/.test(condition)) return undefined
  const values = [first!, ...others.filter((_, i) => i % 2 === 1)].map(one => test(one, expand))
  const decides = operators.has('||')
  if (values.includes(decides)) return decides
  return values.includes(undefined) ? undefined : !decides
}

function not(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value
}

/** What stands between the brackets. */
function test(text: string, expand: Expand): boolean | undefined {
  // other commands beside it, or several tests in one
  if (/(^|\s)(\[\[?|\]\]?|-[ao]|;)(\s|$)/.test(text)) return undefined
  const unary = /^-([nz])\s+(.*)$/.exec(text)
  if (unary) {
    const value = expand(unary[2]!)
    return value === undefined ? undefined : (value !== '') === (unary[1] === 'n')
  }
  const [, left, operator, right] = /^(.*?)\s+(==?|!=|-eq|-ne)\s+(.*)$/.exec(text) ?? []
  if (operator === undefined) return undefined
  const [a, b] = [expand(left!), expand(right!)]
  if (a === undefined || b === undefined) return undefined
  return (a === b) === (operator !== '!=' && operator !== '-ne')
}
