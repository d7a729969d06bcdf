// The line at the foot of a terminal: what is written when, and that other lines stay whole.

import { afterEach, expect, test, vi } from 'vitest'
import { canMove, ProgressLine } from '../../../migrator/cli/progress-line.ts'
import { redactor } from '../../../migrator/text/redact.ts'

const clear = '\r\u001B[K'

function line(columns: number, secrets: string[] = []) {
  vi.useFakeTimers({ now: 0, toFake: ['performance', 'setInterval', 'clearInterval'] })
  const stream = { columns }
  const written: string[] = []
  const shown = new ProgressLine(stream, text => void written.push(text), redactor(secrets))
  return { shown, written, stream }
}

afterEach(() => {
  vi.useRealTimers()
})

const progress = { migration: '0001_x', since: 0, phase: 'scanning' }

test('the time goes on between two shows, four times a second and more', () => {
  const { shown, written } = line(80)
  shown.show(progress)
  vi.advanceTimersByTime(1_000)
  shown.clear()
  const frames = written.map(text => text.replace(clear, ''))
  expect(frames.length).toBeGreaterThanOrEqual(5)
  expect(frames.length).toBeLessThanOrEqual(12)
  expect(frames[0]).toBe('0001_x: 0 ms; scanning')
  expect(frames.at(-2)).toBe('0001_x: 1.0 s; scanning')
  expect(written.at(-1)).toBe(clear)
  vi.advanceTimersByTime(5_000)
  expect(written.at(-1)).toBe(clear)
  expect(vi.getTimerCount()).toBe(0)
})

test('it is as wide as the window, which may change, and never breaks', () => {
  const { shown, written, stream } = line(12)
  shown.show(progress)
  expect(written.at(-1)).toBe(`${clear}0001_x: 0 m`)
  stream.columns = 9
  shown.show(progress)
  expect(written.at(-1)).toBe(`${clear}0001_x: `)
  stream.columns = 0
  shown.show(progress)
  expect(written.at(-1)).toBe(`${clear}0001_x: 0 ms; scanning`)
  stream.columns = 8
  // two columns each; a half is not shown
  shown.show({ ...progress, migration: '日本語日本語' })
  expect(written.at(-1)).toBe(`${clear}日本語`)
  shown.clear()
})

test('it is erased once before other lines, and drawn again below', () => {
  const { shown, written } = line(80)
  shown.erase()
  expect(written).toEqual([])
  shown.show(progress)
  shown.erase()
  shown.erase()
  expect(written.filter(text => text === clear)).toHaveLength(1)
  vi.advanceTimersByTime(400)
  expect(written.at(-1)).toBe(`${clear}0001_x: 400 ms; scanning`)
  shown.clear()
})

test('what a code migration writes to the terminal itself begins on a line of its own', () => {
  const { shown, written } = line(80)
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    written.push(String(text))
    return true
  })
  shown.show(progress)
  process.stdout.write('hello\n')
  expect(written.slice(1)).toEqual([clear, 'hello\n'])
  shown.clear()
  process.stdout.write('bye\n')
  expect(written.slice(1)).toEqual([clear, 'hello\n', 'bye\n'])
  write.mockRestore()
})

test('a secret in a statement is not shown', () => {
  const { shown, written } = line(80, ['hunter22'])
  shown.show({ ...progress, statement: 'select hunter22' })
  expect(written.at(-1)).toBe(`${clear}0001_x: 0 ms; scanning; select ***`)
  shown.clear()
})

test.for<[boolean, NodeJS.ProcessEnv, boolean]>([
  [true, { TERM: 'xterm' }, true],
  // no colours are no reason for no line
  [true, { TERM: 'xterm', NO_COLOR: '1' }, true],
  [true, {}, true],
  [true, { TERM: 'dumb' }, false],
  [true, { CI: 'true' }, false],
  [false, { TERM: 'xterm' }, false],
])('a terminal: %s, with %o: %s', ([isTTY, env, moves]) => {
  expect(canMove(Object.assign(Object.create(process.stdout), { isTTY }), env)).toBe(moves)
})
