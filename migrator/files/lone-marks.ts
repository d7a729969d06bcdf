// Comment lines that look like the mark of a down part, in no form that is known: below them nothing should be run.

import { scan } from '../sql/scan.ts'

/** Words that name the way back. */
const back = /^(?:downs?|undos?|rollbacks?|rolled|reverts?|reverted|reverting|downgrades?|backwards?|unapply|teardown)$/
/** Words that a heading may have besides. */
const besides =
  /^(?:migrat(?:e|es|ion|ions)|sql|scripts?|sections?|parts?|steps?|changes|statements?|commands?|queries|begins?|starts?|here|below|db|database|schema|evolutions?|block|code)$/

// a line comment, or a block comment that is all of its lines
const comment = /^[ \t]*(?:(?:--|#|\/\/)[^\n]*|\/\*[^*]{0,80}\*+\/[ \t]*\r?)$/gm
const hint = /down|undo|roll|revert|backward|unapply|teardown/i

/**
 * The first such line before SQL: `-- Down`, `-- [rollback]`, `--- undo migration ---`, `-- +soda Down`. A sentence that
 * has such words is none (`-- Down payments`), nor is a heading over SQL that is commented out.
 * @param from only what stands behind it is looked at; `to` is where the part ends.
 * @param also what else is taken for such a line.
 */
export function findLoneMark(
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
  // a word with a sign before it is the name of a tool: `+soda down`, `@migrate.down`
  const own = /^[+@!:%&$[({<]\s*[a-z]/i.test(bare) && at > 0 ? others.slice(1) : others
  return own.every(word => besides.test(word))
}

/** Under it stands a block of comments with SQL in it, and then nothing, or a blank line. */
function headsComments(below: string): boolean {
  const [block = ''] = /^(?:\r?\n[ \t]*--[^\n]*)+/.exec(below) ?? []
  return /;[ \t\r]*$/m.test(block) && /^(?:[ \t\r]*\n[ \t]*\r?\n|[ \t\r\n]*$)/.test(below.slice(block.length))
}

/** In a function's body, a string or a block comment: what looks like a mark there is not one. */
export function isInsideText(source: string, offset: number): boolean {
  const open = scan(source.slice(0, offset)).unclosed
  // a quote that is never closed is a mistake of the part in which it stands, and hides no mark
  return open !== undefined && scan(source).unclosed?.offset !== open.offset
}
