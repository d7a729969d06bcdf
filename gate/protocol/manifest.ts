// The manifest: which migrations an image was built with. Both images carry one, made from the same files.

import { historyToolProblem } from '../histories/tool-names.ts'
import { readNamedText } from '../postgres/read-file.ts'

/** One migration as an image knows it. */
export interface ManifestEntry {
  /** The file's or folder's name without its ending; the key of the ledger. */
  readonly name: string
  /** Of the file's normalised text: sha256 in hex. */
  readonly checksum: string
  /** `repeatable`: applied again whenever its content changes, as Flyway's `R__` files are. */
  readonly kind: 'sql' | 'code' | 'repeatable'
  /** Applications that do not know this migration must not run on it (`-- schemagate:breaking`). */
  readonly breaking: boolean
}

/** Of migrations that schemagate applies. */
export interface LedgerManifest {
  readonly version: 1
  /** The newest migration's name; null if there is none. */
  readonly head: string | null
  /** Oldest first. */
  readonly migrations: readonly ManifestEntry[]
}

/** One migration of another tool, as its files tell. */
export interface FollowedMigration {
  /** What the tool's history knows it by, in the form that {@link ../histories/history.ts HistoryEntry.key} has. */
  readonly key: string
  /** As people know it: the file's name as a rule. */
  readonly name: string
  /** Of a tool whose history has only heads (Alembic): the keys on which it is built. */
  readonly after?: readonly string[]
  /** Keys of the migrations for which it stands in (Django's squashed ones): applied when all of them are. */
  readonly replaces?: readonly string[]
}

/** Of migrations that another tool applies, and goes on applying. */
export interface FollowedManifest {
  readonly version: 2
  /** Whose history, and where it is. */
  readonly follow: {
    /** As it is written after `--follow`. */
    readonly tool: string
    /** `schema.table` of its history, where that is not the tool's usual one. */
    readonly history?: string
  }
  /** The newest migration's name. */
  readonly head: string | null
  /** In the tool's order. */
  readonly migrations: readonly FollowedMigration[]
}

/** Which migrations an app was built with: what `schemagate manifest` prints. */
export type Manifest = LedgerManifest | FollowedManifest

/** Whether another tool applies the migrations. */
export function isFollowed(manifest: Manifest): manifest is FollowedManifest {
  return manifest.version === 2
}

/** A manifest that cannot be used: the file is missing, not JSON, or not a manifest. The message says which and where. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
}

/** A gate for nothing would open on any database. The migrator itself refuses an empty folder. */
const NO_MIGRATIONS = '"migrations" is empty, and an app that was built with none fits any database'

/** @throws ManifestError if the manifest has no migrations. */
export function requireMigrations(manifest: Manifest): void {
  if (manifest.migrations.length > 0) return
  throw new ManifestError(`The manifest cannot be used: ${NO_MIGRATIONS}. Make it again: schemagate manifest > FILE`)
}

/**
 * Reads and checks a manifest file. Synchronous, for an app reads it once, before it listens.
 * @throws ManifestError naming the file and what is wrong with it.
 */
export function readManifest(file: string): Manifest {
  let text: string
  try {
    text = readNamedText(file)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ManifestError(
      `The manifest ${file} cannot be read: ${why}. The build makes it: schemagate manifest > FILE`,
      {
        cause,
      },
    )
  }
  try {
    return parseManifest(JSON.parse(text))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ManifestError(`${file} is not a manifest: ${why}. Make it again: schemagate manifest > FILE`, { cause })
  }
}

/**
 * Checks that a value is a manifest, and returns it with nothing but a manifest's fields.
 * @throws ManifestError that names the first field that is wrong.
 */
export function parseManifest(value: unknown): Manifest {
  const manifest = object(value, 'the manifest')
  const { version } = manifest
  if (version === 2) return parseFollowed(manifest)
  if (version !== 1) {
    throw new ManifestError(`its version is ${JSON.stringify(version)}, and only versions 1 and 2 are known here`)
  }
  const migrations = parseMigrations(manifest.migrations, parseEntry)
  return { version, head: parseHead(manifest.head, distinct(migrations, 'name')), migrations }
}

function parseFollowed(manifest: Record<string, unknown>): FollowedManifest {
  const { tool, history } = object(manifest.follow, '"follow"')
  if (typeof tool !== 'string') throw new ManifestError('follow.tool is not a name')
  const problem = historyToolProblem(tool)
  if (problem !== undefined) throw new ManifestError(`follow.tool ${problem}`)
  if (history !== undefined && !isTableName(history)) throw new ManifestError('follow.history is not SCHEMA.TABLE')
  const migrations = parseMigrations(manifest.migrations, parseFollowedMigration)
  const keys = distinct(migrations, 'key')
  for (const { name, after = [] } of migrations) {
    const unknown = after.find(key => !keys.has(key))
    if (unknown !== undefined)
      throw new ManifestError(`${JSON.stringify(name)} is built on ${JSON.stringify(unknown)}, which is not in it`)
  }
  return {
    version: 2,
    follow: { tool, ...(history !== undefined && { history }) },
    head: parseHead(manifest.head, distinct(migrations, 'name')),
    migrations,
  }
}

function parseMigrations<Entry>(
  list: unknown,
  parse: (entry: unknown, where: string) => Entry,
): readonly [Entry, ...Entry[]] {
  if (!Array.isArray(list)) throw new ManifestError('"migrations" is not an array')
  const [first, ...others] = list.map((entry: unknown, index) => parse(entry, `migrations[${index}]`))
  if (first === undefined) throw new ManifestError(NO_MIGRATIONS)
  return [first, ...others]
}

/** @throws ManifestError if two migrations have the same. */
function distinct<Field extends string>(
  migrations: readonly { readonly [F in Field]: string }[],
  field: Field,
): ReadonlySet<string> {
  const values = new Set<string>()
  for (const { [field]: value } of migrations) {
    if (values.has(value)) throw new ManifestError(`the migration ${JSON.stringify(value)} is in it twice`)
    values.add(value)
  }
  return values
}

function isTableName(text: unknown): text is string {
  return typeof text === 'string' && /^[^.]+\.[^.]+$/.test(text)
}

function parseFollowedMigration(value: unknown, where: string): FollowedMigration {
  const { key, name, after, replaces } = object(value, where)
  if (typeof key !== 'string' || key === '') throw new ManifestError(`${where}.key is not a key`)
  if (typeof name !== 'string' || name === '') throw new ManifestError(`${where}.name is not a name`)
  for (const [field, keys] of Object.entries({ after, replaces })) {
    if (keys === undefined) continue
    if (!Array.isArray(keys) || keys.some(each => typeof each !== 'string' || each === ''))
      throw new ManifestError(`${where}.${field} is not an array of keys`)
  }
  return { key, name, ...keysOf('after', after), ...keysOf('replaces', replaces) }
}

function keysOf(field: 'after' | 'replaces', keys: unknown): Partial<FollowedMigration> {
  return Array.isArray(keys) && keys.length > 0 ? { [field]: keys.map(String) } : {}
}

function parseHead(head: unknown, names: ReadonlySet<string>): string {
  if (typeof head === 'string' && names.has(head)) return head
  throw new ManifestError(`"head" is ${JSON.stringify(head)}, which is none of its ${names.size} migrations`)
}

function parseEntry(value: unknown, where: string): ManifestEntry {
  const { name, checksum, kind, breaking } = object(value, where)
  if (typeof name !== 'string' || name === '') throw new ManifestError(`${where}.name is not a name`)
  if (typeof checksum !== 'string' || !/^[0-9a-f]{64}$/.test(checksum)) {
    throw new ManifestError(`${where}.checksum is not a sha256 in hex`)
  }
  if (kind !== 'sql' && kind !== 'code' && kind !== 'repeatable') {
    throw new ManifestError(`${where}.kind is ${JSON.stringify(kind)}, not sql, code or repeatable`)
  }
  if (typeof breaking !== 'boolean') throw new ManifestError(`${where}.breaking is not true or false`)
  return { name, checksum, kind, breaking }
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ManifestError(`${what} is not an object`)
  }
  return { ...value }
}
