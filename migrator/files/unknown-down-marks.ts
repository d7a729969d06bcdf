// Comment lines that look like the mark of a down part, in an unknown form: the SQL below them must not be run.

import { scan } from '../sql/scan.ts'
import { insideText } from './code-and-text.ts'
import { tools } from './tools/index.ts'

/** Words for undoing. */
const back =
  /^(?:downs?|undos?|rollbacks?|rolled|reverts?|reverted|reverting|reverse|downgrades?|backwards?|unapply|uninstall|teardown)$/
/** Other words of such a heading. */
const ordinary =
  /^(?:migrat(?:e|es|ion|ions)|sql|scripts?|sections?|parts?|steps?|changes|statements?|commands?|queries|begins?|starts?|here|below|db|database|schema|evolutions?|block|code|name|for|of)$/

const toolNames: ReadonlySet<string> = new Set(tools.map(({ name }) => name))
/** A heading over the part that is run. */
const upHeading =
  /^[ \t]*(?:--+|#+|\/\/+)[\s=*+-]*(?:migrat\w+\W+)?(?:up|ups|upgrade|forwards?|apply)\W*(?:migration|part|script|section)?\W*$/im

// a line comment, or a block comment that is all of its lines
const comment = /^[ \t]*(?:(?:--|#|\/\/)[^\r\n]*|\/\*[^*]{0,80}\*+\/[ \t]*)$/gm
const hint = /down|undo|roll|rever[st]|backward|unapply|uninstall|teardown/i

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
  const isText = insideText(source)
  const divided = upHeading.test(source)
  comment.lastIndex = from
  for (let match = comment.exec(source); match && match.index < to; match = comment.exec(source)) {
    const text = match[0].trim()
    if (!hint.test(text)) continue
    if (!isHeading(text) && !(divided && beginsAsHeading(text)) && !also.some(mark => mark.test(text))) continue
    // first, since the rest of the file is read for what is left
    if (isText(match.index)) continue
    const end = match.index + match[0].length
    if (headsComments(source.slice(end, to))) continue
    if (scan(source.slice(end, to)).code.trim() === '') continue
    return { offset: match.index + match[0].search(/\S/), text }
  }
  return undefined
}

/** Words and nothing else: of undoing, and others that such a heading has. */
function isHeading(text: string): boolean {
  // SQL that is commented out
  if (/;\W*$/.test(text)) return false
  const bare = withoutSign(text)
  const words = wordsOf(bare)
  const first = words.findIndex(isBack)
  // by itself it may be what a function is called
  if (first === -1 || words.join() === 'reverse') return false
  // a word after a sign is the name of a tool: `+soda down`, `@migrate.down`
  const own = /^[+@!:%&$[({<]\s*[a-z]/i.test(bare) && first > 0 ? words.slice(1) : words
  return own.every(word => isBack(word) || ordinary.test(word) || toolNames.has(word))
}

/** In a file with a heading over its up part, a line that begins as one of the down part would: `-- DOWN: drop users`. */
function beginsAsHeading(text: string): boolean {
  if (/;\W*$/.test(text)) return false
  const words = wordsOf(withoutSign(text))
  return isBack(words.find(word => !ordinary.test(word)) ?? '')
}

function withoutSign(text: string): string {
  return text.replace(/^(?:--+|#+|\/\/+|\/\*+)\s*/, '')
}

function wordsOf(text: string): readonly string[] {
  return (
    text
      .toLowerCase()
      .replaceAll(/\broll\s+back/g, 'rollback')
      .match(/[a-z]+/g) ?? []
  )
}

function isBack(word: string): boolean {
  return back.test(word)
}

/** Below it is a block of comments with SQL in it, and then nothing or a blank line. */
function headsComments(below: string): boolean {
  const [block = ''] = /^(?:\r?\n[ \t]*--[^\n]*)+/.exec(below) ?? []
  return /;[ \t\r]*$/m.test(block) && /^(?:[ \t\r]*\n[ \t]*\r?\n|[ \t\r\n]*$)/.test(below.slice(block.length))
}
