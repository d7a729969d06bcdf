// Is the database exactly as the files say? One question, for the run that has nothing to do, which is nearly every one.

import { quoteIdent } from '../../gate/postgres/quote.ts'
import { codeOf, isConnectionLoss } from '../../gate/postgres/sqlstate.ts'
import { tablesIn, tablesStand } from '../../gate/protocol/emptied.ts'
import { ledgerTable, manifestTable } from '../../gate/protocol/ledger.ts'
import { isAnyGone, isOfThisLedger } from '../../gate/protocol/replaced.ts'
import { plainRole, type RoleAnswer } from '../app-role/plain.ts'
import type { MigrationsFolder } from '../files/folder.ts'
import { digestOf, digestSql, headSql } from '../ledger/digest.ts'
import { firstLook, type LookedAt } from '../ledger/first-look.ts'
import type { LedgerTable } from '../ledger/table.ts'
import { currentVersion } from '../ledger/versions.ts'
import type { Session } from '../postgres/session.ts'
import type { AppRoleOptions } from '../settings/settings.ts'
import type { Engine } from './engine.ts'

/** What the session's first question asks besides: whether the question of {@link findUpToDate} can be asked at all. */
export function askedFirst(schema: string): string {
  return `pg_catalog.json_build_object('ledger', ${firstLook(schema)},
    'readsPasswords', pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'select'))`
}

interface FirstAnswer {
  readonly ledger: readonly LookedAt[] | null
  readonly readsPasswords: boolean
}

interface Answer {
  readonly version: number
  /** Every row is applied. */
  readonly applied: boolean
  readonly digest: string
  readonly head: string
  readonly published: boolean
  readonly known: KnownFolder | null
  readonly adopted: boolean
  /** The tables that migrations made are there, as far as one of each schema tells, and are those of the last run. */
  readonly standing: boolean
  /** Null where no role was asked for, or there is none of its name. */
  readonly role: RoleAnswer | null
}

/** What the migrator that published last has noted of its folder, a fact that cannot grow old: docs/decisions/known-folder.md. */
export interface KnownFolder {
  readonly fingerprint: string
  /** As {@link digestOf} has it. */
  readonly digest: string
}

/** What there is to note of a folder; undefined where its fingerprint does not tell all. */
export function knownFolder(folder: MigrationsFolder): KnownFolder | undefined {
  const digest = digestOf(folder.checksums())
  const { fingerprint } = folder
  return fingerprint !== undefined && folder.isCovered ? { fingerprint, digest } : undefined
}

/** A database that is exactly as the files say. */
export interface UpToDate {
  readonly head: string
  /** Another tool's history was taken over, and may have moved on. */
  readonly adopted: boolean
  /** The manifest of these files is what apps are told. */
  readonly published: boolean
}

/** What of an engine it takes to ask. */
interface Asking extends Pick<Engine, 'signal'> {
  readonly settings: Pick<Engine['settings'], 'schema'>
}

/**
 * Every file is applied as it is now, nothing else is, the ledger is this release's own and hides nothing, the tables are
 * there, and the app's role, if one is given, is as it should be. Undefined where any of it is otherwise or cannot be said
 * in one question: what it is, the longer way finds out.
 * @param reading awaited once the question is on its way: it is read while the server answers.
 */
export async function findUpToDate(
  { settings: { schema }, signal }: Asking,
  reading: Promise<MigrationsFolder>,
  session: Session,
  appRole?: AppRoleOptions,
): Promise<UpToDate | undefined> {
  const first = session.greeting.answer as FirstAnswer | null
  const tables = new Map((first?.ledger ?? []).map(looked => [looked.table, looked]))
  if (!isPlain(tables)) return undefined
  if (appRole && !(first?.readsPasswords && tables.has('schemagate_app_roles'))) return undefined
  const role = appRole && plainRole(appRole, schema)
  const asking = session.query<{ [K in keyof Answer]: Answer[K] }>(
    question(schema, tables.get('ledger')!.comment, role?.sql),
  )
  asking.catch(() => {})
  const folder = await reading
  const { fingerprint } = folder
  const digest = fingerprint === undefined ? digestOf(folder.checksums()) : undefined
  try {
    const { rows } = await asking
    const answer = rows[0]!
    const { version, applied, head, published, adopted, standing, known } = answer
    if (version !== currentVersion || !applied || !standing) return undefined
    const isKnown = fingerprint !== undefined && known?.fingerprint === fingerprint && known.digest === answer.digest
    if (!isKnown && answer.digest !== (digest ?? digestOf(folder.checksums()))) return undefined
    if (role && !(await role.isAsItShouldBe(answer.role))) return undefined
    return { head, published, adopted }
  } catch (error) {
    signal.throwIfAborted()
    // the longer way connects again, and says what is not there or not allowed (classes 42 and 3F)
    if (isConnectionLoss(error) || /^(?:42|3F)/.test(codeOf(error) ?? '')) return undefined
    throw error
  }
}

const asked = ['ledger', 'manifest', 'ledger_version', 'runs', 'adoption'] as const satisfies readonly LedgerTable[]

/** All of the ledger is there and readable: the question fails for no reason that shows in the server's log. */
function isPlain(tables: ReadonlyMap<LedgerTable, LookedAt>): boolean {
  return asked.every(name => tables.get(name)?.readable) && [...tables.values()].every(({ plain }) => plain)
}

function question(schema: string, comment: string | null, role = 'null'): string {
  const s = quoteIdent(schema)
  return `select (select pg_catalog.max(version) from ${s}.ledger_version) as version, l.applied, l.digest, ${headSql(schema)} as head,
    coalesce(m.published_at >= l.newest and pg_catalog.jsonb_array_length(m.migrations) = l.count and ${isOfThisLedger('m.tables', schema)}, false) as published,
    m.folder as known,
    exists (select from ${s}.adoption) as adopted, ${tablesStand(tablesIn(comment))} and not ${isAnyGone('m.tables')} as standing, ${role} as role
  from (select pg_catalog.count(*), pg_catalog.bool_and(state = 'applied') as applied, pg_catalog.max(applied_at) as newest, ${digestSql} as digest
    from ${ledgerTable(schema)}) as l
  left join (select published_at, x.* from ${manifestTable(schema)}
    cross join lateral pg_catalog.jsonb_to_record(manifest) as x (migrations pg_catalog.jsonb, folder pg_catalog.jsonb, tables pg_catalog.jsonb)) as m on true`
}
