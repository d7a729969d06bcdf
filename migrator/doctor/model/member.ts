// A service in the stack: its part there, what it runs, and the databases that it uses.

import type { Service } from '../compose/service.ts'
import type { BuildContext } from '../startup/build-context.ts'
import type { ServiceMigration } from '../startup/migrating.ts'
import type { Startup } from '../startup/step.ts'

/** `tool` looks at a database or copies it; `other` has nothing to do with one. */
export type Role = 'database' | 'migrator' | 'app' | 'gate' | 'proxy' | 'pooler' | 'tool' | 'other-database' | 'other'

/** A database that a service uses: the server, and the name of the database on it where it is known. */
export interface Use {
  /** A service's name, or a host outside of the stack. */
  readonly server: string
  readonly isOutside: boolean
  readonly database: string | undefined
  readonly user: string | undefined
  /** False: only `depends_on` says so. */
  readonly isNamed: boolean
}

export interface Member {
  readonly service: Service
  readonly context: BuildContext
  readonly startup: Startup
  readonly migration: ServiceMigration | undefined
  readonly role: Role
  readonly uses: readonly Use[]
}

/** A member whose part in the stack is still being found out. */
export type Draft = { -readonly [K in keyof Member]: Member[K] }
