// Files that are written into a project: all of them or none.

import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { UsageError } from '../../../migrator/errors.ts'
import { writeFiles } from '../../../migrator/files/write-files.ts'
import { folder } from '../../helpers/migrations.ts'

test('where one file cannot be written, all are as they were', async () => {
  const dir = await folder({ '.env': 'A=1\n', 'overlay.yml': 'old', 'taken/x.yml': '' })
  const at = (name: string) => join(dir, name)
  const all = [
    { path: at('new.yml'), text: 'new', as: 'new' },
    { path: at('.github/workflows/smoke.yml'), text: 'new', as: 'new' },
    { path: at('.env'), text: 'B=2\n', as: 'appended' },
  ] as const
  for (const last of [
    { path: at('overlay.yml/in-a-file'), text: '', as: 'new' },
    { path: at('overlay.yml'), text: '', as: 'new' },
    { path: at('taken'), text: '', as: 'replaced' },
    { path: at('nowhere'), text: '', as: 'appended' },
  ] as const) {
    expect(() => writeFiles([...all, last])).toThrow(UsageError)
    expect(readdirSync(dir).sort()).toEqual(['.env', 'overlay.yml', 'taken'])
    expect(readFileSync(at('.env'), 'utf8')).toBe('A=1\n')
    expect(readFileSync(at('overlay.yml'), 'utf8')).toBe('old')
  }
  writeFiles([...all, { path: at('overlay.yml'), text: 'whole', as: 'replaced' }])
  expect(readdirSync(dir).sort()).toEqual(['.env', '.github', 'new.yml', 'overlay.yml', 'taken'])
  expect(readFileSync(at('.env'), 'utf8')).toBe('A=1\nB=2\n')
  expect(readFileSync(at('overlay.yml'), 'utf8')).toBe('whole')
})

test('a file that is replaced through a link stays where it is', async () => {
  const dir = await folder({ 'real/overlay.yml': 'old' })
  symlinkSync('real/overlay.yml', join(dir, 'overlay.yml'))
  writeFiles([{ path: join(dir, 'overlay.yml'), text: 'whole', as: 'replaced' }])
  expect(readFileSync(join(dir, 'real/overlay.yml'), 'utf8')).toBe('whole')
  writeFileSync(join(dir, 'overlay.yml'), 'through the link')
  expect(readFileSync(join(dir, 'real/overlay.yml'), 'utf8')).toBe('through the link')
})
