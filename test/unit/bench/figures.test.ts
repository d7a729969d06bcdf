// What a bench finds: which figure is over its limit, and how the table and the picture tell it.

import { expect, test } from 'vitest'
import { type Figure, isOver } from '../../../scripts/bench/frame/figures.ts'
import { plot } from '../../../scripts/bench/frame/plot.ts'
import { markdownTable, textTable } from '../../../scripts/bench/frame/table.ts'

const ratio = (ours: number, theirs: number, limit: number): Figure => ({
  ...{ group: 'no-op', what: 'a <run>', unit: 'ms', than: 'node & pg' },
  ...{ ours, theirs, limit },
})
const alone: Figure = { group: 'gate', what: 'enter', ours: 80, unit: 'ns', limit: 100 }
const known: Figure = { group: 'gate', what: 'a look', ours: 2.5, unit: 'ms' }

test('a comparison is held by its ratio, another figure by itself, and no number is within no limit', () => {
  expect(isOver(ratio(230, 100, 2.3))).toBe(false)
  expect(isOver(ratio(231, 100, 2.3))).toBe(true)
  expect(isOver(ratio(0, 0, 2.3))).toBe(true)
  expect(isOver(alone)).toBe(false)
  expect(isOver({ ...alone, ours: 101 })).toBe(true)
  expect(isOver({ ...known, ours: 1e9 })).toBe(false)
})

test('the tables have each figure beside its floor, with its limit', () => {
  const figures = [ratio(300, 100, 2.3), alone, known]
  expect(textTable(figures)).toMatch(/^a <run> +300 ms +node & pg +100 ms +3\.00 +2\.30 +OVER$/m)
  expect(textTable(figures)).toMatch(/^enter +80\.0 ns +100 ns +ok$/m)
  expect(markdownTable(figures)).toContain('| a <run> | 300 ms | node & pg | 100 ms | 3.00 | 2.30 |')
})

test('the picture says in words what it shows, and is the same for the same figures', () => {
  const figures = [ratio(300, 100, 2.3), alone, known]
  const svg = plot(figures)
  expect(plot(figures)).toBe(svg)
  expect(svg).toContain('<title id="title">')
  expect(svg).toContain('no-op, a &lt;run&gt;: 300 ms beside 100 ms of node &amp; pg, ratio 3.00, limit 2.30')
  expect(svg.match(/class="over"/g)).toHaveLength(1)
  expect(svg.match(/class="ours"/g)).toHaveLength(1)
  // a figure without a limit has no bar
  expect(svg).not.toContain('a look')
})
