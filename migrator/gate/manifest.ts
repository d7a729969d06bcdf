// The manifest: which migrations an image was built with. Both images carry one, made from the same files.

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
