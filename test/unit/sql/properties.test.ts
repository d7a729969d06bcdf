// Properties of what is done with SQL: statements, steps, places, and telling code from text, held against the grammar.

import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { findPlaceholder } from '../../../migrator/files/placeholders.ts'
import { placeAt, toOffset } from '../../../migrator/sql/excerpt.ts'
import { wholeText } from '../../../migrator/sql/packets.ts'
import { loadParser, parseStatements } from '../../../migrator/sql/parse.ts'
import { scan } from '../../../migrator/sql/scan.ts'
import { split } from '../../../migrator/sql/split.ts'
import { planSql } from '../../../migrator/sql/steps.ts'
import { findTemplateInName, findUnsupported } from '../../../migrator/sql/unsupported.ts'

beforeAll(loadParser)

const odd = fc.constantFrom('', 'é', '日本', '🎉', "''", '"', ';', '--', '/*', '$$', '\\', '{{ x }}', ':y', '\t')
const words = fc.array(odd, { maxLength: 4 }).map(parts => parts.join(' '))
const statement = fc.oneof(
  words.map(text => `select '${text.replaceAll('"', '""')}'`),
  words.map(text => `select 1 as "x${text.replaceAll('"', '""')}"`),
  words.map(text => `do $q$ begin perform '${text}'; end $q$`),
  words.map(text => `create function f() returns text language sql as $a$ select '${text}' $a$`),
  words.map(text =>
    `select E'\\'${text.replaceAll('\\', '')}' || $tag é$ $$ ; ${text.replaceAll('$', '')} $tag é$`.replaceAll(
      'tag é',
      'tagé',
    ),
  ),
  fc.constantFrom(
    'create table t (id int)',
    'vacuum t',
    'create index concurrently i on t (id)',
    'set search_path to a, b',
    'select 1/*a;b*/+2',
    'select 1 as a$b$c$d$',
    "select E'a\\\\' \n 'b\\'; c'",
    'create function h() returns int begin atomic select 1 as "a", case when true then 1 end; select 2; end',
    `create function i() returns int begin atomic select 1 as ${'a'.repeat(40)}, case when true then 1 end; select 2; end`,
    'create rule r as on insert to t do also (insert into u values (1); insert into v values (2))',
    'create function g() returns int begin atomic select case when true then 1 end; select 2 as end, t.case from t; end',
    'create procedure p() language sql begin atomic delete from t; insert into t values (1); end',
    'select $1 + $2, 1e5, 0x1F, U&"d\\0061t" from t',
    "create type mood as enum ('begin', 'atomic')",
  ),
)
const gap = fc.constantFrom('', ' ', '\n', '\r\n', ' -- é; no "end\n', "/* 日本; /* nested */ ' */", '\n\n\t')
const script = fc.array(fc.tuple(gap, statement, gap), { minLength: 1, maxLength: 8 }).map(parts => ({
  statements: parts.map(([, sql]) => sql),
  sql: parts.map(([before, sql, after]) => `${before}${sql}${after};`).join(''),
}))

describe('statements', () => {
  test('are found whole, each once, where they stand', () => {
    fc.assert(
      fc.property(script, ({ sql, statements }) => {
        const found = parseStatements(sql) ?? []
        expect(found).toHaveLength(statements.length)
        // what a comment behind it leaves is all that may follow
        for (const [i, { text }] of found.entries()) expect(text.startsWith(statements[i]!)).toBe(true)
        for (const { start, end, text } of found) expect(sql.slice(start, end)).toBe(text)
      }),
      { numRuns: 500 },
    )
  })

  test('joined to steps are still all there, once and in place', () => {
    const begin = fc.constantFrom('begin', 'BEGIN WORK', 'start transaction isolation level serializable')
    const block = fc
      .tuple(
        begin,
        fc.array(fc.constantFrom("select 'é🎉;'", 'create table t (id int)', 'do $$ begin null; end $$'), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.constantFrom('commit', 'end', 'rollback'),
      )
      .map(([open, inner, close]) => [open, ...inner, close])
    const one = statement.map(sql => [sql])
    fc.assert(
      fc.property(fc.array(fc.oneof(block, one), { minLength: 1, maxLength: 5 }), gap, (parts, between) => {
        const sql = parts.map(part => part.join(`;${between}`)).join(`;${between}\n`)
        const plan = planSql(sql, false)
        expect(plan).toMatchObject({ transaction: false })
        if (!plan || plan.transaction) return
        const control = /^(begin|start|commit|end$|rollback)/i
        const all = parts.flat().filter(text => !control.test(text))
        // a position in a step is a position in the file
        const sent = plan.steps.flatMap(step => {
          const text = wholeText(sql, step)
          expect(text).toHaveLength(step.end - step.start)
          return [...split(text)].map(({ start, end }) => {
            expect(sql.startsWith(text.slice(start, end), step.start + start)).toBe(true)
            return text.slice(start, end)
          })
        })
        expect(sent).toHaveLength(all.length)
        for (const [i, text] of sent.entries()) expect(text.startsWith(all[i]!)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('of a file in one transaction keep every place, also where its own BEGIN and COMMIT are taken away', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('begin', 'BEGIN /* é */ WORK', 'start transaction read write'),
        fc.array(fc.constantFrom("select 'é🎉;'", 'select 1'), { minLength: 1, maxLength: 4 }),
        gap,
        (begin, inner, between) => {
          const sql = [begin, ...inner, 'commit'].join(`;${between}`)
          const plan = planSql(sql, true)
          expect(plan).toMatchObject({ transaction: true })
          if (!plan?.transaction) return
          const text = wholeText(sql, plan)
          expect(text).toHaveLength(sql.length)
          const bodies = inner.join(`;${between}`)
          expect(text.indexOf(bodies)).toBe(sql.indexOf(bodies))
          expect(plan.begin).toBe(begin.includes('read write') ? 'read write' : '')
        },
      ),
    )
  })
})

describe('statements without the grammar', () => {
  test('are those that the grammar finds', () => {
    fc.assert(
      fc.property(script, ({ sql }) => {
        const found = [...split(sql)].map(({ start }) => start)
        expect(found).toEqual(parseStatements(sql)?.map(({ start }) => start))
      }),
      { numRuns: 1_000 },
    )
  })

  // libpg_query takes no comment between the parts of a string; the server does
  test('hold a string that goes on behind a comment', () => {
    const string = "E'a' -- and;\n-- or'\n 'b\\'; c'"
    expect([...split(`select ${string}; select 2`)].map(({ end }) => end)).toEqual([
      7 + string.length,
      17 + string.length,
    ])
  })

  test('end before the data of a COPY, and begin again behind it', () => {
    const data = fc
      .array(fc.constantFrom('1\tit is; "', "'", '\\N', '\\.x', '', '$$', '/*', '-- x', '\\\\.'), { maxLength: 5 })
      .map(lines => lines.map(line => `${line}\n`).join(''))
    const copy = 'COPY public.t (a, "b;b") FROM stdin WITH (DELIMITER \';\')'
    fc.assert(
      fc.property(gap, data, fc.constantFrom('\n', '\r\n'), statement, (before, lines, newline, after) => {
        const sql = `${before}\n${copy}; -- data${newline}${lines}\\.${newline}${after};`
        const [first, second, ...more] = [...split(sql)]
        expect(sql.slice(first?.start, first?.end)).toBe(copy)
        expect(sql.slice(first?.data?.start, first?.data?.end)).toBe(lines)
        expect(sql.slice(second?.start).startsWith(after)).toBe(true)
        expect(more).toEqual([])
        expect(scan(sql).unclosed).toBeUndefined()
        expect(scan(`${copy};\n${lines}`).unclosed).toMatchObject({ what: 'data of COPY' })
      }),
    )
  })
})

describe('telling code from text', () => {
  test('agrees with the grammar: what stands outside of quotes and comments parses to the same statements', () => {
    fc.assert(
      fc.property(script, ({ sql }) => {
        const { code, unclosed } = scan(sql)
        expect(unclosed).toBeUndefined()
        expect(code).toHaveLength(sql.length)
        // a semicolon that is left in the code ends a statement, and no other does, but for those in a body or a rule
        fc.pre(!/atomic|create rule/.test(sql))
        expect(code.replaceAll(/"[^"]*"/g, '').split(';').length - 1).toBe(parseStatements(sql)?.length)
      }),
      { numRuns: 500 },
    )
  })

  test('of any text ends, and keeps length and lines', () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      '$$',
      '$a$',
      '/*',
      '*/',
      '--',
      '\n',
      '\\',
      'E',
      'x',
      ':',
      ';',
      '🎉',
      '$',
      '\r\n',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece, { maxLength: 30 }).map(p => p.join('')),
        ),
        sql => {
          const { code, unclosed } = scan(sql)
          expect(code).toHaveLength(sql.length)
          expect(code.replaceAll(/[^\n]/g, '')).toBe(sql.replaceAll(/[^\n]/g, ''))
          if (unclosed) expect(sql.slice(unclosed.offset)).toMatch(/^('|"|\/\*|\$)/)
          // what is not closed for us is not taken by the grammar, and the other way round as far as quotes go
          if (unclosed) expect(parseStatements(sql)).toBeUndefined()
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('blames no text that the grammar takes', () => {
    fc.assert(
      fc.property(script, ({ sql, statements }) => {
        // but for a template in a quoted name, which the grammar takes as it is
        fc.pre(!statements.some(text => text.startsWith('select 1 as') && text.includes('{{')))
        expect(findUnsupported(sql)).toBeUndefined()
        expect(findTemplateInName(sql)).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })
})

test.for(['${', '{{', '{%', '<%', '"${', '"${" '])('marks without an end, %s, take no longer than the text', mark => {
  const sql = `select ${mark.repeat(100_000)}`
  const started = performance.now()
  findUnsupported(sql)
  findTemplateInName(sql)
  findPlaceholder(sql, 'flyway')
  // it was a minute
  expect(performance.now() - started).toBeLessThan(8_000)
})

describe('places', () => {
  const text = fc
    .array(fc.constantFrom('a', 'é', '日', '🎉', '\t', '\n', '\r\n', ' '), { maxLength: 60 })
    .map(parts => parts.join(''))

  test('of a character are its line and column, counted in characters', () => {
    fc.assert(
      fc.property(text, fc.nat(), (source, n) => {
        const characters = [...source]
        const index = n % (characters.length + 1)
        const offset = toOffset(source, index + 1)
        expect(offset).toBe(characters.slice(0, index).join('').length)
        // between a CR and its LF nothing stands
        if (characters[index - 1] === '\r') return
        const before = characters.slice(0, index).join('').split(/\r?\n/)
        const place = placeAt('f.sql', source, offset)
        expect(place.line).toBe(before.length)
        expect(place.column).toBe([...before.at(-1)!].length + 1)
        const shown = place.excerpt.split('\n')
        expect(shown.filter(line => line.startsWith('>'))).toHaveLength(1)
        expect(shown.filter(line => /^ *\| *\s*\^$/.test(line))).toHaveLength(1)
      }),
      { numRuns: 1_000 },
    )
  })

  test('in a line of ten thousand characters are shown with what is around them', () => {
    const source = `${'x'.repeat(9_000)} HERE ${'y'.repeat(1_000)}`
    const { excerpt, column } = placeAt('f.sql', source, 9_001)
    expect(column).toBe(9_002)
    const [line, caret] = excerpt.split('\n')
    expect(line!.length).toBeLessThan(200)
    expect(line!.slice(caret!.indexOf('^'))).toMatch(/^HERE y/)
  })
})
