// Comment lines that look like the mark of a down part, in an unknown form: the SQL below them must not be run.

import { scan } from '../sql/scan.ts'

/** Words for undoing. */
const back = /^(?:downs?|undos?|rollbacks?|rolled|reverts?|reverted|reverting|downgrades?|backwards?|unapply|teardown)$/
/** Other words of such a heading. */
const ordinary =
  /^(?:migrat(?:e|es|ion|ions)|sql|scripts?|sections?|parts?|steps?|changes|statements?|commands?|queries|begins?|starts?|here|below|db|database|schema|evolutions?|block|code)$/

// a line comment, or a block comment that is all of its lines
const comment = /^[ \t]*(?:(?:--|#|\/\/)[^\n]*|\/\*[^*]{0,80}\*+\/[ \t]*\r?)$/gm
const hint = /down|undo|roll|revert|backward|unapply|teardown/i

/**
 * The first such line with SQL after it: `-- Down`, `-- [rollback]`, `--- undo migration ---`, `-- +soda Down`. A sentence
 * with such words does not count (`-- Down payments`), nor does a heading over SQL that is commented out.
 * @param from where the search begins; it ends at `to`.
 * @param also other forms of such a line.
 */
export function findUnknownDownMark(
  source: string,
  from: number,
  to: number,
  also: readonly RegExp[] = [],
): { readonly offset: number; readonly text: string } | undefined {
  if (!hint.test(source)) return undefined
  comment.lastIndex = from
  for (let match = comment.exec(source); match && match.index < to; match = comment.exec(source)) {
    const text = match[0].trim()
    if (!hint.test(text) || !(isHeading(text) || also.some(mark => mark.test(text)))) continue
    const end = match.index + match[0].length
    if (headsComments(source.slice(end, to))) continue
    if (scan(source.slice(end, to)).code.trim() === '') continue
    if (isInsideText(source, match.index)) continue
    return { offset: match.index + match[0].search(/\S/), text }
  }
  return undefined
}

function isHeading(text: string): boolean {
  // SQL that is commented out
  if (/;\W*$/.test(text)) return false
  const bare = text.replace(/^(?:--+|#+|\/\/+|\/\*+)\s*/, '')
  const words = bare.toLowerCase().match(/[a-z]+/g) ?? []
  const at = words.findIndex((word, i) => back.test(word) || (word === 'roll' && words[i + 1] === 'back'))
  if (at === -1) return false
  const others = words.filter((_word, i) => i !== at && !(words[at] === 'roll' && i === at + 1))
  // a word after a sign is the name of a tool: `+soda down`, `@migrate.down`
  const own = /^[+@!:%&$[({<]\s*[a-z]/i.test(bare) && at > 0 ? others.slice(1) : others
  return own.every(word => ordinary.test(word))
}

/** Below it is a block of comments with SQL in it, and then nothing or a blank line. */
function headsComments(below: string): boolean {
  const [block = ''] = /^(?:\r?\n[ \t]*--[^\n]*)+/.exec(below) ?? []
  return /;[ \t\r]*$/m.test(block) && /^(?:[ \t\r]*\n[ \t]*\r?\n|[ \t\r\n]*$)/.test(below.slice(block.length))
}

/** True in a function's body, a string or a block comment: what looks like a mark there is none. */
export function isInsideText(source: string, offset: number): boolean {
  const open = scan(source.slice(0, offset)).unclosed
  // a quote without an end is a mistake in its own part, and hides no mark of the next one
  return open !== undefined && scan(source).unclosed?.offset !== open.offset
}
