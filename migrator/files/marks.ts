// The marks of a migration file: comment lines, before its SQL, that say how it is to be run.

import { parseDuration } from '../durations.ts'
import { UsageError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { scan } from '../sql/scan.ts'

export interface Marks {
  /** False: do not wrap in a transaction. */
  readonly transaction: boolean
  /** Apps that do not know this migration must not run on it. */
  readonly breaking: boolean
  /** This migration's own limits, in milliseconds. */
  readonly lockTimeout?: number
  readonly statementTimeout?: number
}

/** Where a file's up and down SQL stand, and its marks. */
export interface MarkedParts {
  readonly up: { readonly start: number; readonly end: number; readonly marks: Marks }
  readonly down?: { readonly start: number; readonly end: number; readonly marks: Marks }
}

type Direction = 'up' | 'down'

/**
 * How tools mark the two parts of one file. dbmate's marks are ours; the others are read too, because a file "without
 * marks is all up": to take one of theirs for that would run its down part right after its up part.
 */
const dialects: readonly { up?: RegExp; down?: RegExp; noTransaction?: RegExp; repeats?: true }[] = [
  { up: /^--\s*migrate:up\b(.*)$/, down: /^--\s*migrate:down\b(.*)$/ },
  {
    up: /^--\s*\+(?:goose|micrate)\s+up\b(.*)$/i,
    down: /^--\s*\+(?:goose|micrate)\s+down\b(.*)$/i,
    noTransaction: /^--\s*\+goose\s+no\s+transaction\s*$/i,
  },
  // sql-migrate joins what stands under several marks of one direction
  { up: /^--\s*\+migrate\s+up\b(.*)$/i, down: /^--\s*\+migrate\s+down\b(.*)$/i, repeats: true },
  { up: /^--[\s-]*up\s+migration()\s*$/i, down: /^--[\s-]*down\s+migration()\s*$/i },
  { up: /^--\s*rambler\s+up()\s*$/i, down: /^--\s*rambler\s+down()\s*$/i },
  // tern and MyBatis mark only where the down part begins
  { down: /^--[\s-]*create above\s*\/\s*drop below()[\s-]*$/i },
  { down: /^--\s*\/\/\s*@undo()\s*$/i },
  // sqlx, graphile-migrate, Atlas, postgres-migrations and Mattermost's morph have files for one direction, and this one mark
  { noTransaction: /^--!?\s*no-transaction\s*$/i },
  { noTransaction: /^--\s*atlas:txmode\s+none\s*$/i },
  { noTransaction: /^--\s*postgres-migrations\s+disable-transaction\s*$/i },
  { noTransaction: /^--\s*morph:nontransactional\s*$/i },
]

/** The lines that begin the parts, as tools write them into a new file. */
const written: readonly (readonly [up: string, down: string])[] = [
  ['-- migrate:up', '-- migrate:down'],
  ['-- +goose Up', '-- +goose Down'],
  ['-- +migrate Up', '-- +migrate Down'],
  ['-- Up Migration', '-- Down Migration'],
  ['-- rambler up', '-- rambler down'],
  ['', '---- create above / drop below ----'],
]

/**
 * The marks of a new file beside those with such texts: those of the newest that has any. Undefined: they have none,
 * and their own tool, if there is one, would run a down part together with the up part.
 */
export function marksLike(texts: readonly string[]): readonly [up: string, down: string] | undefined {
  if (texts.length === 0) return written[0]
  for (const text of texts.toReversed()) {
    const lines = new Set(text.split('\n').map(line => line.trim().toLowerCase()))
    const marks = written.find(([up, down]) => lines.has(down.toLowerCase()) || (up && lines.has(up.toLowerCase())))
    if (marks) return marks
  }
  return undefined
}

const anyMark =
  /^[ \t]*(--|\/\/)[ \t]*(migrate:|schemagate:|!?[ \t]*no-transaction|\+(?:goose|micrate|migrate)\s|rambler\s|\/\/[ \t]*@undo|atlas:|postgres-migrations\s|morph:|[\s-]*(?:(?:up|down)\s+migration|create above)\b)/im
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
 * The marks of a file that is all down. What elsewhere begins a part is but a heading there (`-- Down Migration`), and
 * splits nothing; what it says of the transaction counts.
 * @throws UsageError on a mark that is unknown or misplaced.
 */
export function readDownMarks(file: string, source: string): Marks {
  return readParts(file, source, true).up.marks
}

/**
 * Finds the up and the down part of a marked file and reads its marks.
 * @throws UsageError on a mark that is unknown, misplaced or given twice.
 */
export function readParts(file: string, source: string, undivided = false): MarkedParts {
  const whole = { start: 0, end: source.length }
  if (!anyMark.test(source)) return { up: { ...whole, marks: { transaction: true, breaking: false } } }

  const fail: (line: Line, message: string) => never = (line, message) => {
    throw new UsageError(`${file}, line ${lineNumber(source, line.start)}: ${message}`)
  }
  const common: { -readonly [K in keyof Marks]?: Marks[K] } = {}
  const sections: { direction: Direction; start: number; line: Line; transaction: boolean; needsUp: boolean }[] = []
  let sqlSeen: Line | undefined
  let inBlockComment = false
  let implicit = true
  let noTransaction = false

  for (const line of lines(source)) {
    const text = line.text.trim()
    if (inBlockComment) {
      inBlockComment = !text.includes('*/')
      continue
    }
    if (text === '') continue
    const isComment = text.startsWith('--') || text.startsWith('//')
    if (!isComment) {
      if (text.startsWith('/*')) inBlockComment = !text.includes('*/')
      else sqlSeen ??= line
      continue
    }

    const section = sectionMark(text)
    if (section && isInsideText(source, line.start)) continue
    if (section) {
      const transaction = transactionOption(section.options, option =>
        fail(line, `unknown option \`${option}\` in \`${text}\`: only \`transaction:false\` is known.`),
      )
      if (undivided) {
        noTransaction ||= !transaction
        continue
      }
      const last = sections.at(-1)
      if (section.repeats && last?.direction === section.direction) {
        last.transaction &&= transaction
        continue
      }
      if (sections.some(s => s.direction === section.direction))
        fail(line, `a second mark \`${text}\`: a file has one up part and one down part. Split it into two files.`)
      if (section.direction === 'up' && sections.length > 0)
        fail(line, 'the up part stands after the down part. Put `-- migrate:up` first.')
      if (sections.length === 0 && sqlSeen && section.direction === 'up')
        fail(sqlSeen, 'SQL stands before `-- migrate:up`, so it belongs to no part. Move it below the mark.')
      implicit = false
      const { direction, needsUp } = section
      sections.push({ direction, start: line.end, line, transaction, needsUp })
      if (section.direction === 'up') sqlSeen = undefined
      continue
    }
    if (dialects.some(d => d.noTransaction?.test(text))) {
      noTransaction = true
      continue
    }
    if (/^(--|\/\/)\s*migrate:/.test(text) && !sqlSeen)
      fail(line, `unknown mark \`${text}\`: \`migrate:up\` and \`migrate:down\` are known.`)

    const mark = schemagateMark.exec(text)
    if (!mark) continue
    const name = mark[1]!
    const value = mark[2]!.trim()
    if (!knownMarks.includes(name)) {
      const guess = nearest(name, knownMarks)
      fail(line, `unknown mark \`${text}\`${guess ? `: did you mean \`schemagate:${guess}\`?` : ''}`)
    }
    if (sqlSeen || sections.some(s => s.direction === 'down'))
      fail(line, `the mark \`${text}\` stands after SQL: marks stand before it. Move it to the top of the file.`)
    if (name === 'breaking') {
      if (value !== '') fail(line, `\`schemagate:breaking\` takes no value, but has \`${value}\`.`)
      common.breaking = true
    } else {
      const ms = parseDuration(value)
      if (ms === undefined) fail(line, `\`${value}\` is not a duration: write 500ms, 30s, 5m or 1h.`)
      common[name === 'lock-timeout' ? 'lockTimeout' : 'statementTimeout'] = ms
    }
  }

  const base: Marks = { transaction: true, breaking: false, ...common }
  const up = sections.find(s => s.direction === 'up')
  const down = sections.find(s => s.direction === 'down')
  if (down?.needsUp && !up && !sqlBefore(source, down.line.start))
    fail(down.line, 'the file has a down part but no up part. Put `-- migrate:up` before its SQL.')
  const upMarks = { ...base, transaction: (up?.transaction ?? true) && !noTransaction }
  return {
    up: { start: up && !implicit ? up.start : 0, end: down ? down.line.start : source.length, marks: upMarks },
    ...(down && {
      down: {
        start: down.start,
        end: source.length,
        marks: { ...base, transaction: down.transaction && !noTransaction },
      },
    }),
  }
}

interface Section {
  readonly direction: Direction
  readonly options: string
  /** Its tool marks the up part as well. */
  readonly needsUp: boolean
  /** The mark may stand again within its part. */
  readonly repeats: boolean
}

function sectionMark(text: string): Section | undefined {
  const comment = text.startsWith('//') ? `--${text.slice(2)}` : text
  for (const dialect of dialects) {
    for (const direction of ['up', 'down'] as const) {
      const match = dialect[direction]?.exec(comment)
      if (match)
        return {
          direction,
          options: match[1]!,
          needsUp: dialect.up !== undefined,
          repeats: dialect.repeats === true,
        }
    }
  }
  return undefined
}

/** In a function's body, a string or a block comment: what looks like a mark there is not one. */
function isInsideText(source: string, offset: number): boolean {
  const open = scan(source.slice(0, offset)).unclosed
  // a quote that is never closed is a mistake of the part in which it stands, and hides no mark
  return open !== undefined && scan(source).unclosed?.offset !== open.offset
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

function* lines(source: string): Generator<Line> {
  let start = 0
  while (start < source.length) {
    const newline = source.indexOf('\n', start)
    const end = newline === -1 ? source.length : newline + 1
    yield { text: source.slice(start, end), start, end }
    start = end
  }
}

function lineNumber(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length
}

function sqlBefore(source: string, end: number): boolean {
  return source
    .slice(0, end)
    .split('\n')
    .some(line => line.trim() !== '' && !line.trim().startsWith('--'))
}
