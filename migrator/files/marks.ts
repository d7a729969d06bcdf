// The marks of a migration file: comment lines that divide it into parts, and say how these are to be run.

import { basename } from 'node:path'
import { closest, didYouMean } from '../../gate/did-you-mean.ts'
import { UsageError } from '../errors.ts'
import { placeAt } from '../sql/excerpt.ts'
import { parseDuration } from '../text/durations.ts'
import { firstCode, insideText } from './code-and-text.ts'
import type { Marks } from './migration.ts'
import { tools } from './tools/index.ts'
import type { Dialect, Tool } from './tools/tool.ts'

/**
 * A stretch of a file. `source`, if set, is the file with blanks in place of what belongs to the other direction in
 * between.
 */
interface Part {
  readonly start: number
  readonly end: number
  readonly marks: Marks
  readonly source?: string
}

/** The up and the down part of a file, and its marks. */
export interface MarkedParts {
  readonly up: Part
  readonly down?: Part
  /** The tool whose marks divide it, or say how it is run. */
  readonly tool?: Tool
}

type Direction = 'up' | 'down'

/**
 * How tools mark the parts of one file. A file without known marks is all up, and its down part would be run right after the
 * up part: the marks of every tool have to be known.
 */
const dialects: readonly (Dialect & { readonly tool: Tool })[] = tools.flatMap(tool =>
  tool.dialect ? [{ ...tool.dialect, tool }] : [],
)

/**
 * The marks for a new file: those of the newest of these texts that has any. Undefined: they have none, and their own tool
 * would run a down part together with the up part.
 */
export function marksLike(texts: readonly string[]): readonly [up: string, down: string] | undefined {
  const written = dialects.flatMap(dialect => (dialect.written ? [dialect.written] : []))
  if (texts.length === 0) return written[0]
  for (const text of texts.toReversed()) {
    const found = new Set([...lines(text)].map(line => line.text.trim().toLowerCase()))
    const marks = written.find(([up, down]) => found.has(down.toLowerCase()) || (up && found.has(up.toLowerCase())))
    if (marks) return marks
  }
  return undefined
}

/** The marks of a down part; one that does not divide its file leaves that in doubt. */
export const downMarks: readonly RegExp[] = dialects.flatMap(({ down }) => (down ? [down] : []))

/** Those that could be sentences as well. */
export const looseDownMarks: readonly RegExp[] = dialects.flatMap(({ loose }) => (loose ? [loose.down] : []))

const words = new Set(['schemagate:', ...dialects.flatMap(dialect => dialect.words)])
const anyMark = new RegExp(
  `^[ \\t]*(?=--|//|#)[^\\r\\n]*(?:${[...words].map(word => word.replace(/[^\w\s]/g, '\\$&')).join('|')})`,
  'im',
)
const schemagateMark = /^(?:--|\/\/)\s*schemagate:(\S*)\s*(.*)$/
const knownMarks = ['breaking', 'lock-timeout', 'statement-timeout']

interface Line {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** The marks of a code migration, in `//` comments. @throws UsageError as {@link readParts}. */
export function readMarks(file: string, source: string): Marks {
  return readParts(file, source).up.marks
}

/**
 * The marks of a file that is all down. The mark of a part (`-- Down Migration`) is only a heading there and divides nothing;
 * its transaction option counts.
 * @throws UsageError on a mark that is unknown or misplaced.
 */
export function readDownMarks(file: string, source: string): Marks {
  return readParts(file, source, true).up.marks
}

interface SectionStart {
  readonly direction: Direction | 'end'
  readonly line: Line
  readonly dialect: Dialect
  transaction: boolean
}

/**
 * Finds the up and the down part of a marked file and reads its marks.
 * @throws UsageError on a mark that is unknown, misplaced or given twice.
 */
export function readParts(file: string, source: string, undivided = false): MarkedParts {
  if (anyMark.test(source)) return new MarkedFile(file, source, undivided).parts()
  return { up: { start: 0, end: source.length, marks: { transaction: true, breaking: false } } }
}

/** One file with marks, read line by line. */
class MarkedFile {
  readonly #file: string
  readonly #source: string
  readonly #undivided: boolean
  /** The dialects whose marks could be sentences as well, and are marks in this file. */
  readonly #loose: readonly Dialect[]
  readonly #common: { -readonly [K in keyof Marks]?: Marks[K] } = {}
  readonly #sections: SectionStart[] = []
  #tool: Tool | undefined
  #noTransaction = false
  /** Where the up part begins, as far as it is known. */
  #from = 0

  constructor(file: string, source: string, undivided: boolean) {
    this.#file = file
    this.#source = source
    this.#undivided = undivided
    this.#loose = dialects.filter(dialect => dialect.loose?.in(basename(file), source))
    const isText = insideText(source)
    for (const line of lines(source)) {
      const text = line.text.trim()
      // marks of Play, and comments over them, begin with #
      if (/^(?:--|\/\/|#)/.test(text) && !isText(line.start)) this.#readComment(line, text)
    }
  }

  /** What the marks divide the file into. */
  parts(): MarkedParts {
    const base: Marks = { transaction: true, breaking: false, ...this.#common }
    const first = this.#sections.find(s => s.direction === 'down')
    const hasUp = this.#sections.some(s => s.direction === 'up')
    if (first?.dialect.up && !hasUp && this.#sqlBefore(first.line) === undefined)
      this.#fail(first.line, 'the file has a down part but no up part. Put `-- migrate:up` before its SQL.')
    const part = (direction: Direction) => partOf(direction, this.#source, this.#sections, base, this.#noTransaction)
    // some tools mark only the beginning of the down part: everything before it is up
    const up = hasUp
      ? part('up')!
      : {
          start: 0,
          end: first?.line.start ?? this.#source.length,
          marks: { ...base, transaction: !this.#noTransaction },
        }
    const down = part('down')
    return { up, ...(down && { down }), ...(this.#tool && { tool: this.#tool }) }
  }

  #readComment(line: Line, text: string): void {
    const section = sectionMark(text, this.#loose)
    if (section) {
      this.#beginSection(section, line, text)
      return
    }
    const outside = dialects.find(d => d.noTransaction?.test(text))
    if (outside) {
      this.#noTransaction = true
      this.#tool ??= outside.tool
      return
    }
    const meant = misspelt(text)
    if (meant) this.#fail(line, `unknown mark \`${text}\`.${meant}`)
    if (/^(--|\/\/)\s*migrate:/.test(text) && this.#sqlBefore(line) === undefined)
      this.#fail(line, `unknown mark \`${text}\`: \`migrate:up\` and \`migrate:down\` are known.`)
    const mark = schemagateMark.exec(text)
    if (mark) this.#readOwnMark(line, text, mark[1]!, mark[2]!.trim())
  }

  /** A mark that divides the file. */
  #beginSection({ dialect, direction, options }: Section, line: Line, text: string): void {
    const transaction = transactionOption(options, option =>
      this.#fail(line, `unknown option \`${option}\` in \`${text}\`: only \`transaction:false\` is known.`),
    )
    this.#tool ??= dialect.tool
    if (this.#undivided) {
      this.#noTransaction ||= !transaction
      return
    }
    const sections = this.#sections
    const same = sections.filter(s => s.direction === direction)
    const alike = sections.every(s => s.dialect === dialect)
    if (same.length > 0 && direction !== 'end' && !(dialect.repeats && alike))
      this.#fail(line, `a second mark \`${text}\`: a file has one up part and one down part. Split it into two files.`)
    if (direction === 'up' && same.length === 0 && sections.length > 0 && !(dialect.eitherOrder && alike))
      this.#fail(line, `the up part comes after the down part. Put \`${text}\` and its SQL first.`)
    const belongsToNone = sections.length === 0 && (direction === 'up' || hasLater(this.#source, line.end, dialect))
    const lost = belongsToNone ? this.#sqlBefore(line) : undefined
    if (lost !== undefined) this.#fail(lost, `the SQL before \`${text}\` belongs to no part. Move it below the mark.`)
    sections.push({ direction, line, transaction, dialect })
    if (direction === 'up') this.#from = line.end
  }

  /** A mark of schemagate's own: `-- schemagate:breaking`. */
  #readOwnMark(line: Line, text: string, name: string, value: string): void {
    if (!knownMarks.includes(name))
      this.#fail(line, `unknown mark \`${text}\`.${didYouMean(name, knownMarks, 'schemagate:')}`)
    if (this.#sqlBefore(line) !== undefined || this.#sections.some(s => s.direction === 'down'))
      this.#fail(
        line,
        `the mark \`${text}\` comes after SQL, and marks come before it. Move it to the top of the file.`,
      )
    if (name === 'breaking') {
      if (value !== '') this.#fail(line, `\`schemagate:breaking\` takes no value, but has \`${value}\`.`)
      this.#common.breaking = true
    } else {
      const ms = parseDuration(value)
      if (ms === undefined) this.#fail(line, `\`${value}\` is not a duration: write 500ms, 30s, 5m or 1h.`)
      this.#common[name === 'lock-timeout' ? 'lockTimeout' : 'statementTimeout'] = ms
    }
  }

  /** Where SQL of the up part begins before this line; undefined where there is none. */
  #sqlBefore(line: Line): number | undefined {
    return firstCode(this.#source, this.#from, line.start)
  }

  #fail(at: Line | number, message: string): never {
    const { line } = placeAt(this.#file, this.#source, typeof at === 'number' ? at : at.start)
    throw new UsageError(`${this.#file}, line ${line}: ${message}`)
  }
}

/** The part of one direction: from its first mark to the end of its last section. */
function partOf(
  direction: Direction,
  source: string,
  sections: readonly SectionStart[],
  base: Marks,
  noTransaction: boolean,
): Part | undefined {
  const stretches = sections.map((section, i) => ({
    section,
    start: section.line.end,
    end: sections[i + 1]?.line.start ?? source.length,
  }))
  const own = stretches.filter(({ section }) => section.direction === direction)
  const [first] = own
  const last = own.at(-1)
  if (!first || !last) return undefined
  const marks = { ...base, transaction: own.every(({ section }) => section.transaction) && !noTransaction }
  const between = stretches.filter(s => s.start > first.start && s.start < last.start && !own.includes(s))
  let text = source
  for (const { start, end } of between)
    text = text.slice(0, start) + text.slice(start, end).replace(/[^\r\n]/g, ' ') + text.slice(end)
  // a mark that begins with # (Play) is no comment to Postgres
  for (const { section } of stretches.filter(s => s.start > first.start && s.start <= last.start))
    if (/^\s*#/.test(section.line.text))
      text =
        text.slice(0, section.line.start) + section.line.text.replace(/[^\r\n]/g, ' ') + text.slice(section.line.end)
  return { start: first.start, end: last.end, marks, ...(text !== source && { source: text }) }
}

interface Section {
  readonly direction: Direction | 'end'
  readonly options: string
  readonly dialect: Dialect & { readonly tool: Tool }
}

function sectionMark(text: string, loose: readonly Dialect[]): Section | undefined {
  const comment = text.startsWith('//') ? `--${text.slice(2)}` : text
  for (const dialect of dialects) {
    for (const direction of ['up', 'down'] as const) {
      const match =
        dialect[direction]?.exec(comment) ?? (loose.includes(dialect) ? dialect.loose?.[direction].exec(comment) : null)
      if (match) return { direction, options: match[1]!, dialect }
    }
    if (dialect.end?.test(comment)) return { direction: 'end', options: '', dialect }
  }
  return undefined
}

/**
 * What looks like the mark of a part, by the words that only a mark begins with, a tool's name or sign: `+goose`,
 * `migrate:`.
 */
const markLike: readonly { readonly begin: string; readonly pattern: RegExp }[] = [...words]
  .filter(word => /^\+|:$/.test(word) && word !== 'schemagate:')
  .map(word => {
    const [begin, between] = word.endsWith(':') ? [word, ''] : [`${word} `, '\\s+']
    const mark = `^(?:--|//)\\s*${word.replace(/\W/g, '\\$&')}${between}([a-z]+)\\s*(?:transaction:.*)?$`
    return { begin, pattern: new RegExp(mark, 'i') }
  })

/** A mark of a part that is misspelt, as a question what was meant: the SQL below a down part's would be run. */
function misspelt(text: string): string | undefined {
  for (const { begin, pattern } of markLike) {
    const [, name] = pattern.exec(text) ?? []
    const meant = name && closest(name.toLowerCase(), ['up', 'down'])
    if (meant && meant[0] === name[0]?.toLowerCase()) return ` Did you mean ${begin}${meant}?`
  }
  return undefined
}

/** True if the up part comes after the down part: SQL before both then belongs to none. */
function hasLater(source: string, offset: number, { up, eitherOrder }: Dialect): boolean {
  if (!up || !eitherOrder) return false
  return [...lines(source.slice(offset))].some(({ text }) => up.test(text.trim()))
}

function transactionOption(options: string, unknown: (option: string) => never): boolean {
  let transaction = true
  for (const option of options.split(/\s+/).filter(Boolean)) {
    if (/^transaction:(true|false)$/.test(option)) transaction = option.endsWith('true')
    else if (option.toLowerCase() === 'notransaction') transaction = false
    else unknown(option)
  }
  return transaction
}

/** As Postgres ends a comment: a carriage return alone does, too. */
const lineEnd = /\r\n|\n|\r/g

function* lines(source: string): Generator<Line> {
  let start = 0
  for (const match of source.matchAll(lineEnd)) {
    const end = match.index + match[0].length
    yield { text: source.slice(start, end), start, end }
    start = end
  }
  if (start < source.length) yield { text: source.slice(start), start, end: source.length }
}
