// Which database a command talks to: the URL, libpq's variables, or in a checkout of schemagate the stack that runs.

import { readSecret } from '../../gate/postgres/secret.ts'
import { hasLibpqVariables, readTarget, type Target } from '../../gate/postgres/target.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Set by the launcher in a checkout: a script that prints, as JSON, libpq's variables for the stack of `npm run up`. */
export const runningStackVariable = 'SCHEMAGATE_RUNNING_STACK'

interface Found {
  readonly problems: string[]
  readonly secrets: string[]
  /** What gave the URL, where that is not DATABASE_URL. */
  readonly source: string | undefined
}

/** The database that is configured. Problems are added to `problems`; every password that was seen to `secrets`. */
export function databaseOf(
  url: string | undefined,
  env: Env,
  { problems, secrets, source }: Found,
): Target | undefined {
  const password = readSecret(env, 'PGPASSWORD', problems)
  if (password !== undefined) secrets.push(password)
  if (url !== undefined || hasLibpqVariables(env)) return readTarget(url, env, password, problems, 'migrator', source)
  // a file that is named and cannot be read is a problem already
  if (env.DATABASE_URL_FILE) return undefined
  const stack = runningStack(env)
  const target = stack && readTarget(undefined, stack, stack.PGPASSWORD, problems)
  if (stack?.PGPASSWORD) secrets.push(stack.PGPASSWORD)
  if (target)
    return Object.assign(target, {
      notes: ['no database is configured; this is that of the stack which `npm run up` started'],
    })
  problems.push(
    'No database is configured. Set DATABASE_URL (postgres://user:password@host:5432/database), DATABASE_URL_FILE or the PG* variables.',
  )
  return undefined
}

function runningStack(env: Env): Env | undefined {
  const script = env[runningStackVariable]
  if (!script) return undefined
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const { stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return stdout ? JSON.parse(stdout) : undefined
}
