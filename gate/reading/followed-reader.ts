// Reads the history of the tool that is followed, over a session, and compares it with the manifest.

import { Followed } from '../protocol/followed.ts'
import type { FollowedManifest } from '../protocol/manifest.ts'
import type { Queryable } from './queryable.ts'
import type { Reading, SchemaReader } from './schema-reader.ts'

/** The reader for a manifest of version 2. Errors are those of {@link Followed.read}. */
export class FollowedReader implements SchemaReader {
  /** A lock on the tool's own table would keep that tool from changing it, or make it wait. */
  readonly fence = undefined
  readonly #followed: Followed

  constructor(manifest: FollowedManifest, schema: string) {
    this.#followed = new Followed(manifest, schema)
  }

  async read(session: Queryable, also: string): Promise<Reading> {
    const answer = await this.#followed.read(session, also)
    return { verdict: answer.verdict, databaseHead: answer.head, version: answer.version, also: answer.also }
  }

  /** A version is what the rows say. */
  sessionsEnded(): void {}
}
