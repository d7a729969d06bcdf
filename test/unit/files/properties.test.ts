// Properties of what is read from a folder: order, names, marks, checksums, durations.

import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../migrator/errors.ts'
import { checksum, normalise } from '../../../migrator/files/checksum.ts'
import { readFolderName, readName } from '../../../migrator/files/layouts.ts'
import { readMarks, readParts } from '../../../migrator/files/marks.ts'
import { compareMigrations, compareVersions } from '../../../migrator/files/order.ts'
import { formatDuration, parseDuration } from '../../../migrator/text/durations.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 200 })

describe('order', () => {
  const migration = fc.record({
    name: fc.string({ unit: 'grapheme', maxLength: 6 }),
    version: fc.array(fc.bigInt({ min: 0n, max: 12n }), { maxLength: 3 }),
    kind: fc.constantFrom('sql', 'code', 'repeatable'),
  })

  test('is a total order: antisymmetric, transitive, and equal only for the same name and number', () => {
    fc.assert(
      fc.property(migration, migration, migration, (a, b, c) => {
        expect(Math.sign(compareMigrations(a, b)) + Math.sign(compareMigrations(b, a))).toBe(0)
        if (compareMigrations(a, b) <= 0 && compareMigrations(b, c) <= 0)
          expect(compareMigrations(a, c)).toBeLessThanOrEqual(0)
        if (compareMigrations(a, b) === 0) expect(a.name).toBe(b.name)
      }),
      { numRuns: 2_000 },
    )
  })

  test('does not depend on the order in which files are found', () => {
    const unique = fc.uniqueArray(migration, { selector: m => m.name, maxLength: 12 })
    fc.assert(
      fc.property(
        unique.chain(all => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => {
          expect(shuffled.sort(compareMigrations)).toEqual([...all].sort(compareMigrations))
        },
      ),
    )
  })

  test('is by value, however many zeros or digits', () => {
    const number = fc.bigInt({ min: 0n, max: 10n ** 40n })
    const written = fc.tuple(
      number,
      fc.integer({ min: 0, max: 5 }),
      fc.constantFrom('_x.sql', '.up.sql', ' y.ts', '.sql'),
    )
    fc.assert(
      fc.property(written, written, ([a, zerosA, endA], [b, zerosB, endB]) => {
        const one = readName(`${'0'.repeat(zerosA)}${a}${endA}`)!
        const other = readName(`${'0'.repeat(zerosB)}${b}${endB}`)!
        expect(one.version).toEqual([a])
        expect(compareVersions(one.version, other.version)).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
    )
  })
})

test("any file name is a migration's or is not, and nothing else happens", () => {
  fc.assert(
    fc.property(
      anyText,
      fc.constantFrom('', '.sql', '.up.sql', '.down.sql', '.ts', '.mjs', '.d.ts'),
      (stem, ending) => {
        const named = readName(stem + ending)
        readFolderName(stem)
        if (named && named.layout !== 'flyway') expect(stem + ending).toContain(named.name)
        if (/^\d/.test(stem) && ending === '.sql') expect(named).toBeDefined()
      },
    ),
    { numRuns: 1_000 },
  )
})

describe('marks', () => {
  const line = fc.oneof(
    fc.constantFrom(
      ...['-- migrate:up', '-- migrate:down', '--migrate:up transaction:false', '-- migrate:upp', '-- migrate:up foo'],
      ...[
        '-- +goose Up',
        '-- +goose Down',
        '-- +goose NO TRANSACTION',
        '-- +goose StatementBegin',
        '-- +migrate Up notransaction',
      ],
      ...[
        '-- Up Migration',
        '---- Down Migration',
        '-- schemagate:breaking',
        '-- schemagate:breking',
        '-- schemagate:lock-timeout 5s',
      ],
      ...[
        '-- schemagate:statement-timeout x',
        '// migrate:up transaction:false',
        '/*',
        '*/',
        '/* one line */',
        'select 1;',
        '$$',
        "'",
      ],
      ...[
        '',
        '\t',
        '-- just a comment',
        '  -- migrate:down transaction:false',
        'create function f() as $$',
        '-- no-transaction',
      ],
    ),
    anyText,
  )
  const file = fc
    .tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'))
    .map(([lines, end]) => lines.join(end))

  test('of any text are read, or refused with the file and the line', () => {
    fc.assert(
      fc.property(file, text => {
        try {
          const { up, down } = readParts('f.sql', text)
          expect(up.start).toBeGreaterThanOrEqual(0)
          expect(up.end).toBeGreaterThanOrEqual(up.start)
          expect(up.end).toBeLessThanOrEqual(text.length)
          if (down) {
            // some tools let the down part stand first
            expect(down.start >= up.end || up.start >= down.end).toBe(true)
            expect(Math.max(up.end, down.end)).toBe(text.length)
          }
          readMarks('f.sql', text)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
          const [, number] = /^f\.sql, line (\d+): /.exec(String(error instanceof Error && error.message)) ?? []
          expect(Number(number)).toBeGreaterThanOrEqual(1)
          expect(Number(number)).toBeLessThanOrEqual(text.split(/\r\n|\n|\r/).length)
        }
      }),
      { numRuns: 3_000 },
    )
  })

  test('mean the same with CRLF', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), lines => {
        const clean = lines.map(text => text.replaceAll(/[\r\n]/g, ''))
        const outcome = (text: string) => {
          try {
            const { up, down } = readParts('f.sql', text)
            return [
              up.marks,
              down?.marks,
              normalise(text.slice(up.start, up.end)),
              down && normalise(text.slice(down.start, down.end)),
            ]
          } catch (error) {
            return error instanceof Error && error.message.replaceAll('\r', '')
          }
        }
        expect(outcome(clean.join('\r\n'))).toEqual(outcome(clean.join('\n')))
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('the checksum', () => {
  const body = anyText.map(text => text.replaceAll('\r', '').replaceAll('\uFEFF', ''))

  test('does not mind CRLF, a byte-order mark or a missing last newline', () => {
    fc.assert(
      fc.property(
        body.filter(text => !text.endsWith('\n') && text !== ''),
        text => {
          const windows = text.replaceAll('\n', '\r\n')
          for (const same of [`${text}\n`, windows, `${windows}\r\n`, `\uFEFF${text}`, `\uFEFF${windows}\r\n`])
            expect(checksum(same)).toBe(checksum(text))
        },
      ),
    )
  })

  test('minds everything else', () => {
    fc.assert(
      fc.property(body, fc.nat(), fc.constantFrom(' ', 'x', '\t', "'"), (text, place, more) => {
        const at = place % (text.length + 1)
        expect(checksum(text.slice(0, at) + more + text.slice(at))).not.toBe(checksum(text))
      }),
    )
    expect(checksum('a\n\nb')).not.toBe(checksum('a\nb'))
    expect(checksum('A')).not.toBe(checksum('a'))
  })
})

describe('durations', () => {
  test('are read in each unit, and written so that a person reads them', () => {
    const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, '': 1 } as const
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 596 }), fc.constantFrom('ms', 's', 'm', 'h', ''), (n, unit) => {
        expect(parseDuration(`${n}${unit}`)).toBe(n * units[unit])
      }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_147_483_647 }), ms => {
        expect(formatDuration(ms)).toMatch(
          /^(\d{1,3} ms|\d\.\d s|[1-5]?\d s|[1-5]?\d min [1-5]?\d s|\d+ h [1-5]?\d min)$/,
        )
      }),
    )
    expect(
      ['12', '999', '1000', '3400', '59999', '60000', '125000', '3600000'].map(Number).map(formatDuration),
    ).toEqual([...['12 ms', '999 ms', '1.0 s', '3.4 s', '1 min 0 s', '1 min 0 s', '2 min 5 s', '1 h 0 min']])
  })

  test('of any other text are none', () => {
    for (const text of ['', ' ', '5 m m', '-5s', '1e3', '5sec', '0x10', '1_000', 'Infinity', '999999h', '5,5s', '.5s'])
      expect(parseDuration(text), text).toBeUndefined()
    fc.assert(
      fc.property(anyText, text => {
        const value = parseDuration(text)
        if (value !== undefined) expect(Number.isInteger(value) && value >= 0 && value <= 2_147_483_647).toBe(true)
      }),
    )
  })
})

test('the checksum of a long text, which is hashed in pieces, is that of the text as a whole', () => {
  // no piece ends where another would: line ends and characters are cut at every place in turn
  for (const unit of ['\r\n', 'é🎉\r\n'])
    for (const lead of ['', 'a', '\uFEFF']) {
      const text = lead + unit.repeat(Math.ceil(1_100_000 / unit.length))
      expect(checksum(text)).toBe(hash('sha256', normalise(text)))
      expect(checksum(`${text}x`)).toBe(hash('sha256', normalise(`${text}x`)))
    }
})
