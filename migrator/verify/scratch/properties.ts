// What a scratch database has of the live one: encoding, locale, tablespace, and settings that were made for the database.

import { quoteIdent, quoteLiteral } from '../../../gate/postgres/quote.ts'
import { codeOf, sqlstate } from '../../../gate/postgres/sqlstate.ts'
import type { Session } from '../../postgres/session.ts'

interface Properties {
  readonly encoding: string
  readonly collate: string
  readonly ctype: string
  readonly provider: string | null
  readonly locale: string | null
  readonly rules: string | null
  readonly tablespace: string | null
}

/** The options of CREATE DATABASE. The template holds nothing, whatever a project has put into its own. */
export async function databaseLike(live: Session, server: Session): Promise<string> {
  const { version } = live.greeting
  const provider =
    version >= 150000 ? "case d.datlocprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end" : 'null'
  const locale = version >= 170000 ? 'd.datlocale' : version >= 150000 ? 'd.daticulocale' : 'null'
  const { rows } = await live.query<Properties>(
    `select pg_catalog.pg_encoding_to_char(d.encoding)::text as encoding, d.datcollate as collate, d.datctype as ctype,
        ${provider} as provider, ${locale} as locale, ${version >= 160000 ? 'd.daticurules' : 'null'} as rules,
        case when pg_catalog.has_tablespace_privilege(s.oid, 'create') then s.spcname::text end as tablespace
       from pg_catalog.pg_database d join pg_catalog.pg_tablespace s on s.oid = d.dattablespace
      where d.datname = pg_catalog.current_database()`,
  )
  const { encoding, collate, ctype, provider: by, locale: name, rules, tablespace } = rows[0]!
  return [
    `template template0 encoding ${quoteLiteral(encoding)} lc_collate ${quoteLiteral(collate)} lc_ctype ${quoteLiteral(ctype)}`,
    ...(by === null ? [] : [`locale_provider ${by}`]),
    ...(name === null ? [] : [`${by === 'icu' ? 'icu_locale' : 'builtin_locale'} ${quoteLiteral(name)}`]),
    ...(rules === null ? [] : [`icu_rules ${quoteLiteral(rules)}`]),
    // a copy of files waits for a checkpoint of the whole server
    ...(version >= 150000 ? ['strategy wal_log'] : []),
    // to name it takes a right on it, also for the server's default, which comes by itself
    ...(server !== live || tablespace === null ? [] : [`tablespace ${quoteIdent(tablespace)}`]),
  ].join(' ')
}

/** Whose value is a list, and is stored with its quotes. */
const lists: ReadonlySet<string> = new Set([
  'search_path',
  'temp_tablespaces',
  'local_preload_libraries',
  'session_preload_libraries',
  'unix_socket_directories',
])

/** `alter database ... set` and `alter role ... in database ... set`: under which search path the migrations ran, for one. */
export async function databaseSettings(live: Session, server: Session, name: string): Promise<void> {
  const { rows } = await live.query<{ setting: string }>(
    `select pg_catalog.unnest(s.setconfig) as setting from pg_catalog.pg_db_role_setting s
       join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = pg_catalog.current_database()
      where s.setrole = '0' or s.setrole = (select oid from pg_catalog.pg_roles where rolname = current_user)
      order by s.setrole`,
  )
  for (const { setting } of rows) {
    const at = setting.indexOf('=')
    const [key, value] = [setting.slice(0, at), setting.slice(at + 1)]
    const written = lists.has(key) ? value || "''" : quoteLiteral(value)
    const parameter = key.split('.').map(quoteIdent).join('.')
    await server.query(`alter database ${quoteIdent(name)} set ${parameter} to ${written}`).catch(error => {
      // what only a superuser may set is about the server: logs, libraries
      if (codeOf(error) !== sqlstate.insufficientPrivilege) throw error
    })
  }
}
