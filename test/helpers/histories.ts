// Databases as other tools leave them: the history tables in test/fixtures/histories, and what their files make.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ScratchDatabase } from './database.ts'

const fixtures = join(import.meta.dirname, '../fixtures/histories')

/** Tools of which there is a history to read, by their names. */
export const historyFixtures: readonly string[] = readdirSync(fixtures).sort()

/** What makes the history's table and its rows. */
export function historySql(tool: string): string {
  return readFileSync(join(fixtures, tool, 'history.sql'), 'utf8')
}

/** Who made that table: the tool itself, in a run, or its documented DDL. The file's first line says more. */
function historyOrigin(tool: string): 'the tool' | 'its source' {
  return historySql(tool).startsWith('-- What ') ? 'the tool' : 'its source'
}

/** The folder of migrations that goes with it. */
export function historyFolder(tool: string): string {
  return join(fixtures, tool, 'migrations')
}

/** What the four migrations of each folder make. */
export const livingSchema = ['accounts', 'posts', 'comments', 'tags']
  .map(table => `create table ${table} (id bigint generated always as identity primary key, name text not null);\n`)
  .join('')

/** The rows of every table, as text. */
export async function allRows(database: ScratchDatabase): Promise<string> {
  const { rows } = await database.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c where c.relkind = 'r'
       and c.relnamespace::regnamespace::text !~ '^(pg_|information)' order by 1`,
  )
  const texts = await Promise.all(
    rows.map(async ({ name }) => {
      const { rows } = await database.query(
        `select coalesce(json_agg(t::text order by t::text), '[]') as all from ${name} t`,
      )
      return `${name} ${JSON.stringify(rows[0])}`
    }),
  )
  return texts.join('\n')
}

/** Prints what each tool's history has come to, case by case. */
export function printMatrix(
  headline: string,
  cases: readonly { readonly title: string }[],
  matrix: ReadonlyMap<string, readonly string[]>,
): void {
  const lines = [
    ['', 'table by', ...cases.map(({ title }) => title)],
    ...[...matrix].map(([tool, cells]) => [tool, historyOrigin(tool), ...cells]),
  ]
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map(line => line[i]!.length)))
  const aligned = lines.map(line => line.map((cell, i) => cell.padEnd(widths[i]!)).join('  '))
  console.log(`${headline}:\n${aligned.join('\n')}`)
}
