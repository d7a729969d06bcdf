// The wiring of Umzug: it decides what is to run and in which order, and runs it.

import { type InputMigrations, MigrationError, Umzug, type UmzugStorage } from 'umzug'

/**
 * Umzug without its own bookkeeping. It records a migration after it ran, in a second step; between the two a crash
 * would leave a migration applied and not recorded. Here the ledger's row is written by the migration's own
 * transaction, so that there is nothing left for the storage to log.
 */
class CommittedElsewhere implements UmzugStorage {
  readonly #executed: string[]
  constructor(executed: string[]) {
    this.#executed = executed
  }
  async executed(): Promise<string[]> {
    return this.#executed
  }
  async logMigration(): Promise<void> {}
  async unlogMigration(): Promise<void> {}
}

class Runner extends Umzug {
  /** Umzug wraps what a migration throws; its callers want the cause. */
  protected override async runCommand<T>(...args: Parameters<Umzug['runCommand']>): Promise<T> {
    try {
      return (await super.runCommand(...args)) as T
    } catch (error) {
      throw error instanceof MigrationError ? error.cause : error
    }
  }
}

/** An Umzug over `migrations`, in their order, of which those named in `executed` are not to be run. */
export function createUmzug(migrations: InputMigrations<object>, executed: string[]): Umzug {
  return new Runner({ migrations, storage: new CommittedElsewhere(executed), context: {}, logger: undefined })
}
