// The settings of the engine, derived from the table of options.

import type { Target } from '../../gate/postgres/target.ts'
import type { ValuesOf } from './option.ts'
import type { options } from './options.ts'

type Values = ValuesOf<typeof options>

/** Options that become a part of another setting, or concern the log. */
type Elsewhere = 'databaseUrl' | 'appRole' | 'appPassword' | 'appSchemas' | 'logLevel' | 'logFormat'

/** What the engine runs by; times are milliseconds. */
export interface Settings extends Omit<Values, Elsewhere> {
  readonly target: Target
  readonly appRole: AppRoleOptions | undefined
}

/** The role that the app logs in with. */
export interface AppRoleOptions {
  readonly name: string
  readonly password: string | undefined
  /** The schemas in which it is given rights; all but ledgers if undefined. */
  readonly schemas?: readonly string[] | undefined
}

/** Settings from the options' values. */
export function settingsOf(values: Values, target: Target): Settings {
  // without the secrets: they are not enumerable
  return { ...values, target, appRole: appRole(values) }
}

/** The password is not enumerable, so that no log and no inspection shows it. */
function appRole({ appRole: name, appPassword: value, appSchemas }: Values): AppRoleOptions | undefined {
  if (name === undefined) return undefined
  const role = { name, password: undefined, schemas: appSchemas.length > 0 ? appSchemas : undefined }
  return Object.defineProperty(role, 'password', { value, enumerable: false })
}
