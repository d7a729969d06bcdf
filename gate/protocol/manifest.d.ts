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
export declare class ManifestError extends Error {
  readonly name = 'ManifestError'
}
/** @throws ManifestError if the manifest has no migrations. */
export declare function requireMigrations(manifest: Manifest): void
/**
 * Reads and checks a manifest file. Synchronous, for an app reads it once, before it listens.
 * @throws ManifestError naming the file and what is wrong with it.
 */
export declare function readManifest(file: string): Manifest
/**
 * Checks that a value is a manifest, and returns it with nothing but a manifest's fields.
 * @throws ManifestError that names the first field that is wrong.
 */
export declare function parseManifest(value: unknown): Manifest
