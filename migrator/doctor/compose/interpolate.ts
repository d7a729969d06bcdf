// Compose's interpolation: ${NAME}, ${NAME:-default} and the other forms, in every text of a file.

/** Variables by name; one that is not there is unset. */
export type Variables = Readonly<Record<string, string | undefined>>

const start = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*))/g

/** Defaults in defaults: deeper than any honest one, and what is below stays as it is. */
const deepest = 100

/** The variable's value; what every object has, such as `constructor`, is no variable. */
export function valueIn(variables: Variables, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined
}

/**
 * The text as Compose would make it. A variable that is unset and has no default is left as `${NAME}`: it is not known,
 * and two places that name it hold the same. Compose would put nothing there.
 * Rules: https://docs.docker.com/reference/compose-file/interpolation/
 */
export function interpolate(text: string, variables: Variables, depth = 0): string {
  return depth > deepest ? text : replaceVariables(text, (_, name, rest) => expand(name, rest, variables, depth))
}

/**
 * Puts something else in the place of each variable, and one dollar sign in the place of two.
 * @param replace is given the whole, `${NAME:-default}`, and its parts: the name, and `:-default`
 */
export function replaceVariables(text: string, replace: (whole: string, name: string, rest: string) => string): string {
  if (!text.includes('$')) return text
  let result = ''
  let at = 0
  let closings: ReadonlyMap<number, number> | undefined
  start.lastIndex = 0
  for (let match = start.exec(text); match; match = start.exec(text)) {
    result += text.slice(at, match.index)
    const [whole, dollar, plain, braced] = match
    let end = match.index + whole.length
    if (dollar) result += '$'
    else if (plain) result += replace(whole, plain, '')
    else {
      closings ??= closingBraces(text)
      const close = closings.get(match.index + 1)
      if (close === undefined) result += whole
      else {
        result += replace(text.slice(match.index, close + 1), braced!, text.slice(end, close))
        end = close + 1
      }
    }
    at = end
    start.lastIndex = end
  }
  return result + text.slice(at)
}

/** Where the braces that `${` opens are closed, by where they are. */
function closingBraces(text: string): ReadonlyMap<number, number> {
  const closings = new Map<number, number>()
  const open: number[] = []
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{' && text[i - 1] === '$') open.push(i)
    else if (text[i] === '}' && open.length > 0) closings.set(open.pop()!, i)
  }
  return closings
}

function expand(name: string, rest: string, variables: Variables, depth: number): string {
  const value = valueIn(variables, name)
  const [, operator = '', word = ''] = /^(:?[-+?]?)([\s\S]*)$/.exec(rest)!
  const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined
  switch (operator.at(-1)) {
    case '-':
      return isSet ? value! : interpolate(word, variables, depth + 1)
    case '+':
      return isSet ? interpolate(word, variables, depth + 1) : ''
    default:
      return value ?? `\${${name}}`
  }
}

/** Every text in a value, interpolated; keys are left, as Compose leaves them. */
export function interpolateAll(value: unknown, variables: Variables): unknown {
  return inTexts(value, text => interpolate(text, variables))
}

/** Nothing interpolated; but a variable that only another folder's `.env` has is asked for. @param by who has it there */
export function askForAll(value: unknown, names: ReadonlySet<string>, by: string): unknown {
  if (names.size === 0) return value
  return inTexts(value, text =>
    replaceVariables(
      text.replaceAll('$$', () => '$$$$'),
      (whole, name) => (names.has(name) ? `\${${name}:?as ${by} has it}` : whole),
    ),
  )
}

function inTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map(item => inTexts(item, change))
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inTexts(item, change)]))
  }
  return value
}
