// The manifest: which migrations an image was built with. Both images carry one, made from the same files.

import { readFileSync } from 'node:fs'

/** One migration as an image knows it. `checksum` is sha256, hex, of the file's normalised text. */
export interface ManifestEntry {
  readonly name: string
  readonly checksum: string
  readonly kind: 'sql' | 'code' | 'repeatable'
  /** Applications that do not know this migration must not run on it (`-- schemagate:breaking`). */
  readonly breaking: boolean
}

/** What `schemagate manifest` prints: the migrations, oldest first; `head` is the newest, null if there is none. */
export interface Manifest {
  readonly version: 1
  readonly head: string | null
  readonly migrations: readonly ManifestEntry[]
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
    text = readFileSync(file, 'utf8')
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
  if (manifest.version !== 1) {
    throw new ManifestError(`its version is ${JSON.stringify(manifest.version)}, and only version 1 is known here`)
  }
  if (!Array.isArray(manifest.migrations)) throw new ManifestError('"migrations" is not an array')
  const migrations = manifest.migrations.map((entry: unknown, index) => parseEntry(entry, `migrations[${index}]`))
  if (migrations.length === 0) throw new ManifestError(NO_MIGRATIONS)
  const names = new Set<string>()
  for (const { name } of migrations) {
    if (names.has(name)) throw new ManifestError(`the migration ${JSON.stringify(name)} is in it twice`)
    names.add(name)
  }
  return { version: 1, head: parseHead(manifest.head, names), migrations }
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
