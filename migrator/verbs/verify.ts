// `verify`: the live schema against what the migrations make, or against a snapshot. Changes nothing in the project's own.

import { readFileSync } from 'node:fs'
import { asText, readNamedText } from '../../gate/postgres/read-file.ts'
import { readTarget, type Target } from '../../gate/postgres/target.ts'
import { knownHistories } from '../adopt/known-histories.ts'
import { NotReadyError, UsageError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { allowEmptied } from '../ledger/history.ts'
import type { Session } from '../postgres/session.ts'
import { type Engine, withFilesAndSession, withSession } from '../run/engine.ts'
import { readHistory, reading, requireAgreement } from '../run/history.ts'
import { noteResult } from '../verify/cache.ts'
import type { Catalog } from '../verify/catalog/catalog.ts'
import { readCatalog } from '../verify/catalog/read.ts'
import { compare } from '../verify/compare.ts'
import type { Difference } from '../verify/difference.ts'
import { expectedCatalog } from '../verify/expected.ts'
import { isIgnored, withoutGivenSchemas, withoutHistories } from '../verify/leave-out.ts'
import { asUpgraded, otherMajor } from '../verify/other-major.ts'
import { appRoles, withoutOwnGrants } from '../verify/own-grants.ts'
import { parseSnapshot } from '../verify/snapshot.ts'

/** What `verify` takes. */
export interface VerifyOptions {
  /** The URL of a server for the scratch database; without one it is the live database's own server. */
  readonly scratchUrl?: string | undefined
  /** The file of a snapshot, to compare with instead of what the migrations make; `-` is standard input. */
  readonly expect?: string | undefined
  /** Globs of what may differ: see `isIgnored` in verify/leave-out.ts. */
  readonly ignore?: readonly string[] | undefined
}

/** What `verify` has found. No differences: the live schema is the expected one. */
export interface Verification {
  readonly comparedWith: 'migrations' | 'snapshot'
  /** The role that migrates. */
  readonly role: string
  /** Names of the migrations that were taken as applied; none with a snapshot. */
  readonly migrations: readonly string[]
  /** Names of those that were not, since they are pending. */
  readonly pending: readonly string[]
  readonly differences: readonly Difference[]
  /** What is no drift, and may still matter. */
  readonly notes: readonly Difference[]
  /** How many differences were ignored. */
  readonly ignored: number
}

/**
 * Compares the live schema. With files: those that the ledger has as applied.
 * @throws DivergedError if ledger and files disagree, NotReadyError if nothing is applied, UsageError if the snapshot cannot
 *   be read, and as {@link expectedCatalog}.
 */
export async function verify(engine: Engine, options: VerifyOptions = {}): Promise<Verification> {
  if (options.expect !== undefined) {
    const expected = parseSnapshot(read(options.expect), options.expect)
    return withSession(engine, session => verifySchema(engine, session, { expected }, options))
  }
  return withFilesAndSession(engine, async (files, session) => {
    const history = await readHistory(engine, files, session)
    requireAgreement(allowEmptied(history))
    const applied = new Set(history.applied.map(({ name }) => name))
    const migrations = files.filter(({ name }) => applied.has(name))
    if (migrations.length === 0)
      throw new NotReadyError(
        'Nothing is applied, so there is nothing to verify. Apply the migrations (schemagate up); or compare with a snapshot (--expect FILE).',
      )
    const pending = history.pending.map(({ name }) => name)
    return { ...(await verifySchema(engine, session, { migrations }, options)), pending }
  })
}

/**
 * Compares the live schema with what these migrations make, whatever a ledger says of them (for `adopt` and `baseline`), or
 * with a catalogue. Errors as {@link expectedCatalog}.
 */
export async function verifySchema(
  engine: Engine,
  session: Session,
  against: { readonly migrations: readonly Migration[] } | { readonly expected: Catalog },
  { scratchUrl, ignore = [] }: Pick<VerifyOptions, 'scratchUrl' | 'ignore'> = {},
): Promise<Verification> {
  const scratch = scratchUrl === undefined ? undefined : scratchTarget(scratchUrl)
  const { schema, target } = engine.settings
  const fromFiles = 'migrations' in against
  const made = fromFiles ? await expectedCatalog(engine, session, against.migrations, scratch) : against.expected
  const { found, histories, roles } = await reading(engine, session, async () => ({
    found: await readCatalog(session),
    histories: await knownHistories(session, schema),
    roles: await appRoles(session, schema),
  }))
  const warning = otherMajor(made, found)
  if (warning) engine.log.warn({}, warning)
  const expected = withoutHistories(asUpgraded(made, found.serverVersion), histories, found)
  const own = withoutGivenSchemas(withoutHistories(found, histories), expected)
  const live = withoutOwnGrants(own, expected, roles)
  const { differences, notes } = compare(live, expected)
  const told = differences.filter(difference => !isIgnored(difference, ignore))
  if (fromFiles) await noteResult(session, schema, told.length, engine.log)
  return {
    comparedWith: fromFiles ? 'migrations' : 'snapshot',
    role: target.user,
    migrations: fromFiles ? against.migrations.map(({ name }) => name) : [],
    pending: [],
    differences: told,
    notes: notes.filter(note => !isIgnored(note, ignore)),
    ignored: differences.length - told.length,
  }
}

/** The live schema, for a later comparison: without other tools' histories, and without what schemagate gave an app's role. */
export async function snapshot(engine: Engine): Promise<Catalog> {
  return withSession(engine, session =>
    reading(engine, session, async () => {
      const histories = await knownHistories(session, engine.settings.schema)
      const catalog = withoutHistories(await readCatalog(session), histories)
      const roles = await appRoles(session, engine.settings.schema)
      return withoutOwnGrants(catalog, { ...catalog, objects: [] }, roles)
    }),
  )
}

function scratchTarget(url: string): Target {
  const problems: string[] = []
  const target = readTarget(url, {}, undefined, problems, 'migrator', '--scratch-url (SCHEMAGATE_SCRATCH_URL)')
  if (!target) throw new UsageError(problems.join('\n'))
  return target
}

function read(file: string): string {
  try {
    return file === '-' ? asText(readFileSync(0)) : readNamedText(file)
  } catch (cause) {
    throw new UsageError(
      `The snapshot ${file} cannot be read: ${cause instanceof Error ? cause.message : cause}. Write it: schemagate verify --snapshot > FILE`,
      { cause },
    )
  }
}
