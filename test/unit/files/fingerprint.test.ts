// A folder's fingerprint: what has another meaning has another one, and what would take more to tell has none that is noted.

import { appendFile, cp, mkdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { type FolderOptions, readFolder, readFolderInTurns } from '../../../migrator/files/folder.ts'
import { folder } from '../../helpers/migrations.ts'

const files = {
  '1_a.sql': 'create table a ();\n',
  '2_b.up.sql': 'create table b ();\n',
  '2_b.down.sql': 'drop table b;\n',
  '3_c.mjs': 'export async function up() {}\n',
  '4_d/up.sql': 'create table d ();\n',
  'R__v.sql': 'create or replace view v as select 1;\n',
  'README.md': 'Read me.\n',
  '.gitkeep': '',
}

/** In a folder of its own, for what is beside it. */
async function made(more: Record<string, string> = {}): Promise<string> {
  const above = await folder(
    Object.fromEntries(Object.entries({ ...files, ...more }).map(([name, text]) => [join('own', name), text])),
  )
  return join(above, 'own')
}

async function fingerprintOf(dir: string, options?: FolderOptions): Promise<string | undefined> {
  return (await readFolderInTurns(dir, options)).fingerprint
}

async function isCovered(dir: string, options?: FolderOptions): Promise<boolean> {
  const read = await readFolderInTurns(dir, options)
  expect([...read.checksums()].length).toBeGreaterThan(0)
  return read.isCovered
}

test('is the same for the same folder, wherever it is and whenever it was written', async () => {
  const dir = await made()
  const before = await fingerprintOf(dir)
  expect(before).toMatch(/^[0-9a-f]{64}$/)
  await cp(dir, `${dir}-copy`, { recursive: true })
  await utimes(join(`${dir}-copy`, '1_a.sql'), 1, 1)
  expect(await fingerprintOf(`${dir}-copy`)).toBe(before)
  expect(await isCovered(dir)).toBe(true)
})

const changes: Record<string, (dir: string) => Promise<unknown>> = {
  'a file is edited, and keeps its length': dir => writeFile(join(dir, '1_a.sql'), 'create table x ();\n'),
  'a byte-order mark': async dir =>
    writeFile(join(dir, '1_a.sql'), `\uFEFF${await readFile(join(dir, '1_a.sql'), 'utf8')}`),
  'a last line end': dir => appendFile(join(dir, '1_a.sql'), '\n'),
  'a file in a folder': dir => writeFile(join(dir, '4_d/up.sql'), 'create table x ();\n'),
  'a code migration': dir => writeFile(join(dir, '3_c.mjs'), 'export async function up() { }\n'),
  'a repeatable one': dir => appendFile(join(dir, 'R__v.sql'), '-- again\n'),
  'one more file': dir => writeFile(join(dir, '5_e.sql'), ''),
  'one less': dir => rm(join(dir, '1_a.sql')),
  'another name': dir => rename(join(dir, '1_a.sql'), join(dir, '1_x.sql')),
  "two with each other's content": async dir => {
    await rename(join(dir, '1_a.sql'), join(dir, 'x'))
    await rename(join(dir, '2_b.up.sql'), join(dir, '1_a.sql'))
    await rename(join(dir, 'x'), join(dir, '2_b.up.sql'))
  },
  'the same bytes, divided otherwise': async dir => {
    await writeFile(join(dir, '1_a.sql'), `${files['1_a.sql']}create`)
    await writeFile(join(dir, '2_b.up.sql'), files['2_b.up.sql'].slice('create'.length))
  },
  'a link in place of a file': async dir => {
    await rename(join(dir, '1_a.sql'), join(dir, '..', 'a.sql'))
    await symlink(join(dir, '..', 'a.sql'), join(dir, '1_a.sql'))
  },
  'a folder in place of a file': async dir => {
    await rm(join(dir, 'README.md'))
    await mkdir(join(dir, 'README.md'))
  },
  // by `.diesel_lock` a folder is recognised as Diesel's, if it is a file
  'a hidden folder in place of a hidden file': async dir => {
    await rm(join(dir, '.gitkeep'))
    await mkdir(join(dir, '.gitkeep'))
  },
  'a file of another tool': dir => writeFile(join(dir, 'atlas.sum'), 'h1:\n'),
  'a file in a folder that was none': dir => writeFile(join(dir, '4_d/metadata.toml'), 'run_in_transaction = false\n'),
  'a settings file beside the folder': dir => writeFile(join(dir, '../config.toml'), 'project_id = "x"\n'),
}

for (const [what, change] of Object.entries(changes))
  test(`is another one: ${what}`, async () => {
    const dir = await made()
    const before = await fingerprintOf(dir)
    await change(dir)
    expect(await fingerprintOf(dir)).not.toBe(before)
  })

test('is another one with other options', async () => {
  const dir = await made()
  const options: FolderOptions[] = [
    {},
    { layout: 'native' },
    { ignore: ['5_*'] },
    { layout: 'native', ignore: ['5_*'] },
  ]
  const all = await Promise.all(options.map(one => fingerprintOf(dir, one)))
  expect(new Set(all).size).toBe(options.length)
})

test('is that of the text of a settings file that was consulted, too', async () => {
  const journal = (when: number) =>
    JSON.stringify({
      version: '7',
      dialect: 'postgresql',
      entries: [{ idx: 0, when, tag: '0000_a', breakpoints: true }],
    })
  const dir = await folder({ '0000_a.sql': 'create table a ();', 'meta/_journal.json': journal(1) })
  const before = await fingerprintOf(dir)
  expect(before).toBeDefined()
  expect(await isCovered(dir)).toBe(true)
  await writeFile(join(dir, 'meta/_journal.json'), journal(2))
  expect(await fingerprintOf(dir)).not.toBe(before)
})

for (const [what, more] of [
  ['a warning, which each run gives', { '6_f.test.ts': '' }],
  ['a file whose text tells what it is', { '6_f.json': '{}' }],
  ['a file for which the memory is to be checked', { '7_g.sql': `-- ${'x'.repeat(9 << 20)}` }],
  [
    'more bytes than are read at once',
    Object.fromEntries([7, 8, 9].map(n => [`${n}_g.sql`, `-- ${'x'.repeat(6 << 20)}`])),
  ],
] as const)
  test(`does not tell all: ${what}`, async () => {
    const dir = await made(more)
    expect(await isCovered(dir)).toBe(false)
  })

test('does not tell all: a link to such a file, within a folder', async () => {
  const dir = await made({ '5_e/README.md': '' })
  expect(await isCovered(dir)).toBe(true)
  await symlink('nowhere', join(dir, '5_e/e.json'))
  expect(await isCovered(dir)).toBe(false)
})

test('tells all of a folder with settings files, which are read where their migrations are applied', async () => {
  for (const [name, setting, text] of [
    ['V1__a.sql', 'V1__a.sql.conf', 'executeInTransaction=false\n'],
    ['2024-01-01-000000_a/up.sql', '2024-01-01-000000_a/metadata.toml', 'run_in_transaction = false\n'],
  ] as const) {
    const dir = await folder({ [name]: 'select 1;', [setting]: text })
    expect(await isCovered(dir)).toBe(true)
    expect(readFolder(dir)[0]!.marks).toMatchObject({ transaction: false })
  }
})

test('a large file is refused where the memory is too small for it', async () => {
  const dir = await made({ '7_g.sql': `-- ${'x'.repeat(9 << 20)}` })
  const memory = vi.spyOn(process, 'constrainedMemory').mockReturnValue(1 << 20)
  try {
    await expect(readFolderInTurns(dir)).rejects.toThrow(/7_g\.sql has 10 MB, which needs about \d+ MB of memory/)
  } finally {
    memory.mockRestore()
  }
})

test('the bytes are not held beside the texts that were made of them', async () => {
  const dir = await made({ '7_g.sql': `-- ${'x'.repeat(7 << 20)}` })
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const read = await readFolderInTurns(dir)
  expect(read.migrations().length).toBeGreaterThan(0)
  await vi.waitFor(() => {
    collect()
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(7 << 20)
  })
  expect(read.fingerprint).toBe(await fingerprintOf(dir))
})

test('there is none of folders within folders, nor of links', async () => {
  const dir = await made({ '4_d/deeper/notes.md': '' })
  expect(await fingerprintOf(dir)).toBeUndefined()
  const linked = await made()
  await changes['a link in place of a file']!(linked)
  expect(await fingerprintOf(linked)).toBeUndefined()
})
