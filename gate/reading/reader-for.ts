// Which table a gate reads: the ledger, or the history of the tool that is followed.

import { isFollowed, type Manifest } from '../protocol/manifest.ts'
import { FollowedReader } from './followed-reader.ts'
import { LedgerReader } from './ledger-reader.ts'
import type { SchemaReader } from './schema-reader.ts'

/** The reader for a manifest. `schema` is the ledger's; for a followed tool, that of the published manifests. */
export function readerFor(manifest: Manifest, schema: string): SchemaReader {
  return isFollowed(manifest) ? new FollowedReader(manifest, schema) : new LedgerReader(manifest, schema)
}
