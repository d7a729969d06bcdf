// The compose files of test/fixtures/doctor, each with the findings that a person expects of it in its first lines.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { diagnose } from '../../migrator/doctor/diagnose.ts'

const folder = join(import.meta.dirname, '../fixtures/doctor')

export interface CorpusFile {
  readonly name: string
  readonly path: string
  /** `RULE SERVICE`, errors and warnings, sorted. */
  readonly expected: readonly string[]
}

export const corpus: readonly CorpusFile[] = readdirSync(folder).map(entry => {
  const inFolder = join(folder, entry, 'compose.yml')
  const path = existsSync(inFolder) ? inFolder : join(folder, entry)
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line.startsWith('# expect '))
  const expected = lines.map(line => line.slice('# expect '.length)).filter(line => line !== 'nothing')
  return { name: entry.replace(/\.yml$/, ''), path, expected: expected.toSorted() }
})

/** Errors and warnings that doctor finds in it, in the same form. */
export async function findingsOf({ path }: CorpusFile, docker: boolean): Promise<string[]> {
  const env = docker ? { PATH: process.env.PATH, HOME: process.env.HOME } : {}
  const { findings } = await diagnose([path], { cwd: dirname(path), env, docker })
  return findings
    .filter(({ severity }) => severity !== 'note')
    .map(({ rule, service }) => `${rule.id} ${service}`)
    .toSorted()
}
