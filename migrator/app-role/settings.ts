// `ALTER ROLE app SET ...`: settings of the app's role that would keep it from working on the migrated schema.

/** A setting of the role's, for this database or for all. */
export interface RoleSetting {
  readonly name: string
  readonly value: string
  /** Made with `in database`, and here. */
  readonly here: boolean
}

export interface Settings {
  readonly set: readonly RoleSetting[]
  /** Schemas with tables on the migrator's own search path, and not on the role's: names in SQL would not be found. */
  readonly unseen: readonly string[]
}

/** The elements of a search path; names in it may be quoted. */
const pathOf = (text: string) => `pg_catalog.btrim(pg_catalog.unnest(pg_catalog.string_to_array(${text}, ',')), ' "')`

/** An expression for {@link Settings} as jsonb, in a query that has the role as `app` and the database as `here`. */
export const settingsExpression = `(
  with effective as (
    select distinct on (1) pg_catalog.split_part(kv, '=', 1) as name,
      pg_catalog.substr(kv, pg_catalog.strpos(kv, '=') + 1) as value, d.setdatabase <> '0' as here
    from app, here, pg_catalog.pg_db_role_setting d, pg_catalog.unnest(d.setconfig) as kv
    where d.setrole = app.oid and d.setdatabase in ('0', here.oid)
    order by 1, d.setdatabase <> '0' desc)
  select pg_catalog.jsonb_build_object(
    'set', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', name, 'value', value, 'here', here)
      order by name), '[]') from effective),
    'unseen', (select coalesce(pg_catalog.jsonb_agg(s.nspname order by s.nspname), '[]')
      from effective e, pg_catalog.pg_namespace s
      where e.name = 'search_path'
        and s.nspname in (select ${pathOf('p.reset_val')} from pg_catalog.pg_settings p where p.name = 'search_path')
        and s.nspname not in (select case when w.x = '$user' then $1 else w.x end from (select ${pathOf('e.value')} as x) as w)
        and exists (select from pg_catalog.pg_class c where c.relnamespace = s.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')))))`

/** Milliseconds in which hardly any query of an app ends. */
const tooShort = 100

const timeouts = new Set(['statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout'])

/** What is wrong with the role's own settings, each with what to type. */
export function settingNotes(role: string, database: string, { set, unseen }: Settings): string[] {
  return set.flatMap(({ name, value, here }) => {
    const why = reason(name, value, unseen)
    if (why === undefined) return []
    const where = here ? ` in database ${database}` : ''
    return [
      `The role ${role} has its own ${name} = ${value}${where}: ${why} To undo it: alter role ${role}${where} reset ${name}`,
    ]
  })
}

function reason(name: string, value: string, unseen: readonly string[]): string | undefined {
  if (name === 'search_path' && unseen.length > 0)
    return `the tables in ${unseen.join(', ')} are not found without their schema, as the migrations find them.`
  if (name === 'role' && value !== 'none')
    return 'it acts with the rights of another role, and not with those it was granted.'
  if (/^(default_transaction_read_only|transaction_read_only)$/.test(name) && isOn(value))
    return 'it can write nothing.'
  if (name === 'row_security' && !isOn(value)) return 'its queries on tables with row security fail.'
  if (timeouts.has(name)) {
    const ms = milliseconds(value)
    if (ms !== undefined && ms > 0 && ms < tooShort) return 'hardly any query ends in that time.'
  }
  return undefined
}

function isOn(value: string): boolean {
  const word = value.trim().toLowerCase()
  return word === '1' || word === 'on' || (word.length > 0 && ('true'.startsWith(word) || 'yes'.startsWith(word)))
}

const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time as Postgres writes it, with milliseconds as the unit of a bare number. */
function milliseconds(value: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*$/.exec(value)
  return match === null ? undefined : Number(match[1]) * (units[match[2] ?? 'ms'] ?? 1)
}
