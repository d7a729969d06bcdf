// Python that is read and not run: the values of its literals, and the blocks in which its names are bound.

import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../migrator/errors.ts'
import { literalOf } from '../../../migrator/follow/python/literal.ts'
import { readPython } from '../../../migrator/follow/python/module.ts'
import { tokens } from '../../../migrator/follow/python/tokens.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

const literal = (expression: string) => literalOf(tokens(expression))

describe('a literal', () => {
  // the second column is what Python 3.11's ast.literal_eval gives
  test.for([
    [`'a'`, 'a'],
    [`"it's"`, "it's"],
    [`'''a'b''c'''`, "a'b''c"],
    [`"""a\nb"""`, 'a\nb'],
    [`'a' "b" r'\\n'`, 'ab\\n'],
    [`'\\x41\\u00e9\\n\\q\\101'`, 'A\u00e9\n\\qA'],
    [`'a\\\nb'`, 'ab'],
    [`u'a'`, 'a'],
    [`f'a{{b}}'`, 'a{b}'],
    ['None', null],
    ['True', true],
    ['()', []],
    [`('a')`, 'a'],
    [`('a',)`, ['a']],
    [`'a', 'b'`, ['a', 'b']],
    [`('a', # first\n 'b')`, ['a', 'b']],
    [`[('a', 'b')]`, [['a', 'b']]],
    [`['a']`, ['a']],
    [
      `{'a': None, 'b': 'c',}`,
      {
        entries: [
          ['a', null],
          ['b', 'c'],
        ],
      },
    ],
  ] as const)('%s', ([expression, value]) => {
    expect(literal(expression)).toEqual(value)
  })

  test.for([
    `b'a'`,
    `f'{x}'`,
    'x',
    'f()',
    `'a' + 'b'`,
    `'a' 'b'.strip()`,
    `'a' if x else 'b'`,
    `['a', x]`,
    `'\\N{BULLET}'`,
    '1',
    `('a'`,
    `'a')`,
  ])('is not %s', expression => {
    expect(literal(expression)).toBeUndefined()
  })

  test('is not what is nested beyond measure, and takes no time', () => {
    expect(literal(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).toBeUndefined()
    expect(() => tokens(`f'${'{f"'.repeat(100_000)}'`)).toThrow('too deep')
  })
})

describe('an f-string', () => {
  test.for([
    `f"{x["a"]}"`,
    `f'{x!r:>{width}}'`,
    `f"{x:'>10}"`,
    `f'{ {"a": 1}["a"] }'`,
    `f"{a if b else"c"}"`,
    `f'''{\n x # a comment with ' and }\n}'''`,
  ])('ends where Python ends it: %s', text => {
    expect(tokens(`${text} + last`).map(({ kind }) => kind)).toEqual(['string', 'operator', 'name'])
  })
})

describe('a module', () => {
  const bindings = (text: string) => {
    const dir = writtenFolder({ 'a.py': text })
    return readPython(`${dir}/a.py`).bindings.map(({ names, value, block }) => [
      names.join(),
      value === undefined ? undefined : literalOf(value),
      block.kind,
    ])
  }

  test('binds names in blocks', () => {
    const text = [
      '"""',
      "revision = 'docstring'",
      '"""',
      "# revision = 'comment'",
      "revision: str = 'a'",
      'down: Union[str, None] = \\',
      "    'b'",
      "x = y = 'c'; z = 'd'",
      'if a == b: w = "e"',
      'class A(B):',
      "    label = 'f'",
      '',
      '# a comment that ends no block',
      '    def g(self):',
      "        label = 'h'",
      "    other = 'i'",
      'from .a import (b as c, d)',
      'import e.f',
      "total += 'j'",
      "last.name = 'k'",
    ].join('\n')
    expect(bindings(text)).toEqual([
      ['revision', 'a', 'module'],
      ['down', 'b', 'module'],
      ['x,y', 'c', 'module'],
      ['z', 'd', 'module'],
      ['w', 'e', 'condition'],
      ['label', 'f', 'class'],
      ['label', 'h', 'function'],
      ['other', 'i', 'class'],
      ['c,d', undefined, 'module'],
      ['e', undefined, 'module'],
      ['total', undefined, 'module'],
    ])
  })

  test('is read alike with CRLF, a byte-order mark and tabs', () => {
    expect(bindings("\uFEFFclass A:\r\n\tb = 'c'\r\nd = 'e'\r\n")).toEqual([
      ['b', 'c', 'class'],
      ['d', 'e', 'module'],
    ])
  })

  test('that ends inside of a string is refused with its place', () => {
    const dir = writtenFolder({ 'a.py': "a = 'b'\nc = 'd\ne = 1\n" })
    expect(() => readPython(`${dir}/a.py`)).toThrow(UsageError)
    expect(() => readPython(`${dir}/a.py`)).toThrow(/a\.py:2 has a string that does not end/)
  })
})
