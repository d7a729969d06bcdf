// What the tests of the app's rights share: an owner's database, runs with an app's role, and the rights that came of them.

import type pg from 'pg'
import { createMigrator } from '../../../migrator/index.ts'
import type { Log } from '../../../migrator/log.ts'
import type { RunResult } from '../../../migrator/run/result.ts'
import { dumpCatalog } from '../../helpers/catalog.ts'
import type { ScratchDatabase } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'

export const password = 'app-password'

export type Files = Readonly<Record<string, string>>

export interface RunOptions {
  readonly to?: string
  readonly schema?: string
  readonly schemas?: readonly string[]
  /** Another app's role. */
  readonly role?: string
  /** The connection string of another role than the owner, which migrates. */
  readonly url?: string
}

export interface Owned {
  readonly owner: string
  readonly role: string
  readonly url: string
  /** Adds the files and runs `up` with the app's role. `@app`, `@owner` and `@db` in them stand for the names. */
  up(files: Files, options?: RunOptions): Promise<RunResult & { readonly told: readonly string[] }>
  /** As the app's role. */
  connect(role?: string): Promise<pg.Client>
  connectOwner(): Promise<pg.Client>
  /** The role's rights: "public.t: arwd" as Postgres abbreviates them, for tables, columns, sequences and schemas. */
  rights(role?: string): Promise<string[]>
  /** Everything that anyone may do, with the names taken out. */
  acls(): Promise<string>
  query: ScratchDatabase['query']
  named(sql: string): string
}

/** A database whose owner is no superuser and may make roles. */
export async function owned(database: ScratchDatabase): Promise<Owned> {
  const owner = database.role('owner')
  const role = database.role('app')
  await database.query(`create role ${owner} login password 'owner-password' createrole`)
  await database.query(`alter database ${database.name} owner to ${owner}`)
  const url = database.urlFor(owner, 'owner-password')
  const dir = await folder({})
  const named = (sql: string) =>
    sql
      .replaceAll('@app', role)
      .replaceAll('@owner', owner)
      .replaceAll('@db', database.name)
      .replaceAll('@other', database.role('other'))
  return {
    owner,
    role,
    url,
    named,
    query: database.query,
    async up(files, { to, schema, schemas, role: other, url: login = url } = {}) {
      await write(dir, Object.fromEntries(Object.entries(files).map(([name, sql]) => [name, named(sql)])))
      const told: string[] = []
      const tell = (_fields: object, text: string) => void told.push(text)
      const log: Log = { debug: () => {}, info: tell, warn: tell, error: tell }
      const result = await createMigrator({ databaseUrl: login, dir, schema, onForeignTables: 'run', log }).up({
        to,
        appRole: { name: other ?? role, password, schemas },
      })
      return { ...result, told }
    },
    connect: (as = role) => database.connect({ user: as, password }),
    connectOwner: () => database.connect({ user: owner, password: 'owner-password' }),
    async rights(of = role) {
      const { rows } = await database.query<{ line: string }>(RIGHTS, [of])
      return rows.map(({ line }) => line)
    },
    async acls() {
      const client = await database.connect()
      const text = await dumpCatalog(client, { grants: true, exclude: ['schemagate'] })
      return text
        .split('\n')
        .filter(line => /^(default )?grant |^owner /.test(line))
        .join('\n')
        .replaceAll(database.name, 'x')
    },
  }
}

const abbreviated = `string_agg(case privilege_type when 'SELECT' then 'r' when 'INSERT' then 'a' when 'UPDATE' then 'w' when 'DELETE' then 'd'
  when 'USAGE' then 'U' when 'CREATE' then 'C' when 'TRUNCATE' then 'D' when 'EXECUTE' then 'X' else privilege_type end, '' order by privilege_type)`

const RIGHTS = `select object || ': ' || ${abbreviated} as line from (
  select n.nspname::text as object, x.privilege_type, x.grantee from pg_namespace n, aclexplode(n.nspacl) x
  union all select c.oid::regclass::text, x.privilege_type, x.grantee from pg_class c, aclexplode(c.relacl) x
  union all select c.oid::regclass || '.' || a.attname, x.privilege_type, x.grantee
    from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) x
  union all select p.oid::regprocedure::text, x.privilege_type, x.grantee from pg_proc p, aclexplode(p.proacl) x
) o join pg_roles r on r.oid = o.grantee where r.rolname = $1 and object !~ '^schemagate' group by object order by object`

/** The SQLSTATE that a statement fails with, or `done`. */
export async function attempt(client: pg.Client, sql: string): Promise<string> {
  return client.query(sql).then(
    () => 'done',
    (error: pg.DatabaseError) => error.code ?? error.message,
  )
}

export const DENIED = '42501'
