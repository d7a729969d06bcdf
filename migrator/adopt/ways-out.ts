// What to do where a history cannot be taken over file by file.

import type { HistoryTable, History as ToolHistory } from '../../gate/histories/history.ts'
import { quotedTable } from '../../gate/histories/index.ts'
import { summary } from '../../gate/histories/summary.ts'
import { shellWord } from '../text/shell-word.ts'

/** None of what the history has is in the folder: it is another one, or the tool's migrations are code. */
export function otherFolder(dir: string, history: ToolHistory, ledgerSchema: string): string {
  const { tool, schema, table } = history.table
  const named = tool.tables.includes(table) ? '' : ` --history ${shellWord(`${schema}.${table}`)}`
  const { newest } = summary(history)
  const what = `None of the migrations that ${tool.title} has applied (newest ${newest}) is in ${dir}.`
  if (!tool.code) return `${what} Name their folder with --dir (SCHEMAGATE_DIR).`
  const lines = [
    `${what} Those of ${tool.title} are code, which only ${tool.title} can run. ${tool.unread ? 'Two' : 'Three'} ways:`,
    keyless.has(tool.name)
      ? `- Write them as SQL, ${asSql[tool.name]}; then schemagate baseline NAME, with the newest that is applied.`
      : `- Write them as SQL under the names that ${tool.title} has for them${asSql[tool.name] ? `, ${asSql[tool.name]}` : ''}; then schemagate adopt.`,
    ...(tool.unread
      ? []
      : [
          `- Let ${tool.title} go on migrating, and gate on its history: schemagate follow --follow ${tool.name}${named} --dir FOLDER.`,
        ]),
    `- Begin with a file of what is there, and write what comes as SQL: ${asOneFile(history.table, ledgerSchema)}.`,
  ]
  return lines.join('\n')
}

/** Code of the tool's is in the folder, and would be recorded as it is. @param names of those migrations; not empty */
export function staysCode(source: HistoryTable, names: readonly string[], ledgerSchema: string): string {
  const what = names.length === 1 ? `${names[0]} is` : `${names.length} of these migrations (as ${names[0]}) are`
  return (
    `${what} code that only ${source.tool.title} can run: recorded here, and no new database can be made of this folder. ` +
    `Write the code as SQL, under the same names, before you adopt; or begin with a file of what is there, in a folder of its own: ${asOneFile(source, ledgerSchema)}.`
  )
}

/** Without owners, who have other names elsewhere; without what schemagate makes itself, and the history, on which it may have a trigger. */
function asOneFile(source: HistoryTable, ledgerSchema: string): string {
  const tables = [source.table, ...source.beside].map(table => shellWord(quotedTable({ ...source, table })))
  const without = [
    `--exclude-schema ${shellWord(ledgerSchema)}`,
    ...tables.map(name => `--exclude-table ${name}`),
  ].join(' ')
  return `pg_dump --schema-only --no-owner ${without} > 0001_baseline.sql; schemagate baseline 0001_baseline`
}

/** Tools whose migrations have no names that a file could have. */
const keyless: ReadonlySet<string> = new Set(['django', 'liquibase'])

/** How the tool itself writes a migration as SQL. */
const asSql: Readonly<Record<string, string>> = {
  alembic: 'one file for each step: alembic upgrade A:B --sql > 0002_B.sql',
  django: 'one file for each: python manage.py sqlmigrate APP NAME',
  'ef-core': 'one file for each step: dotnet ef migrations script A B',
  liquibase: 'as liquibase update-sql prints it',
}
