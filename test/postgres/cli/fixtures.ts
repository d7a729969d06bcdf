// What the tests of the commands share: three migrations, and a command line on a database and a folder.

import { schemagate } from '../../helpers/cli.ts'
import type { ScratchDatabase } from '../../helpers/database.ts'

export const files = {
  '1_users.sql': '-- migrate:up\ncreate table users (id int);\n-- migrate:down\ndrop table users;\n',
  '2_index.sql': '-- schemagate:breaking\n-- migrate:up\ncreate index concurrently users_id on users (id);\n',
  '3_code.ts':
    'export const up = ({ query }: { query(text: string): Promise<unknown> }) => query("create table code ()")\n',
}

/** Runs commands as processes. */
export function on(database: ScratchDatabase, dir: string) {
  return (...args: string[]) => {
    const rest = args.indexOf('--')
    const own = rest === -1 ? args : args.slice(0, rest)
    return schemagate([...own, '--dir', dir, ...args.slice(own.length)], { env: { DATABASE_URL: database.url } })
  }
}

/** The names of all relations that are not Postgres' own. */
export async function relations(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relnamespace::regnamespace::text !~ '^(pg_|information)' order by 1`,
  )
  return rows.map(({ name }) => name)
}
