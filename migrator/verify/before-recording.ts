// The check of `adopt --verify` and `baseline --verify`: what would be recorded has to be what the database has.

import { NotReadyError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import type { Session } from '../postgres/session.ts'
import type { Engine } from '../run/engine.ts'
import { type VerifyOptions, verifySchema } from '../verbs/verify.ts'
import { asText } from './report.ts'

/** Whether the live schema is looked at before anything is recorded, and how. */
export interface VerifyFirst extends Pick<VerifyOptions, 'scratchUrl' | 'ignore'> {
  /**
   * Compare the live schema with what the migrations make that are recorded; record nothing where they differ. Default
   * false.
   */
  readonly verify?: boolean | undefined
}

/**
 * For migrations that are about to be recorded without being run.
 * @throws NotReadyError with the differences, if the live schema is not what they make; errors as {@link verifySchema}.
 */
export async function requireVerified(
  engine: Engine,
  session: Session,
  migrations: readonly Migration[],
  options: VerifyFirst,
): Promise<void> {
  const result = await verifySchema(engine, session, { migrations }, options)
  if (result.differences.length > 0)
    throw new NotReadyError(
      `Nothing was recorded: the live schema is not what these migrations make.\n${asText({ ...result, pending: [] })}`,
    )
}
