// One kill point: a run is stopped at one message to the server, another run follows, and the end is compared.

import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { EmbeddedPostgres } from '../../scripts/lib/postgres/server.ts'
import { dumpCatalog } from './catalog.ts'
import { type CliResult, type RunningCli, schemagate, start } from './cli.ts'
import { tcpProxy, type Verdict } from './tcp-proxy.ts'
import type { ClientMessage } from './wire.ts'

/**
 * What happens to the run:
 * - `SIGKILL`: the process is gone, and the server learns of it by the closed socket alone;
 * - `SIGTERM`: the process is asked to stop;
 * - `cut`: the connection is gone for both sides, and the process lives on;
 * - `crash`: the server stops at once, and is started again.
 */
export type Cause = 'SIGKILL' | 'SIGTERM' | 'cut' | 'crash'

/** When: before the server has the message, when it has it, or when it has answered and the answer is lost. */
export type Moment = 'before' | 'after' | 'answered'

export interface KillPoint {
  readonly cause: Cause
  readonly moment: Moment
  /** The n-th message of the run, over all its connections, from 1. */
  readonly index: number
}

/** A kill point that a statement's text names: how many messages come before it is the machine's business. */
export type NamedPoint = Omit<KillPoint, 'index'> & { readonly statement: string }

/** Where a database stands: all that two runs which came to the same end have in common. */
export interface Standing {
  readonly catalog: string
  readonly ledger: readonly object[]
  readonly tally: readonly object[]
  readonly manifest: unknown
  /** What `follow` has published. */
  readonly followed: readonly object[]
}

export interface Outcome {
  readonly point: KillPoint | NamedPoint
  /** The message at which it happened; undefined if the run was over before. */
  readonly at: string | undefined
  /** What was wrong; undefined if all was well. */
  readonly failure: string | undefined
}

const cuts = { before: 'cut-before', after: 'cut-after', answered: 'cut-after-answer' } as const

export interface Stage {
  /** A connection string for a database of its own. */
  readonly url: string
  readonly dir: string
  /** The command that is struck; `up` by default. */
  readonly command?: readonly string[]
  /** The command that must put everything right; the same by default. */
  readonly next?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A role whose rights are compared, too, whatever its name is. */
  readonly role?: string
  /** Needed for `crash`. */
  readonly server?: EmbeddedPostgres
}

/** The messages that an undisturbed run sends, however long it takes, and where it ends. */
export async function undisturbed(stage: Stage): Promise<{ messages: readonly ClientMessage[]; end: Standing }> {
  const { url, dir, command = ['up'], env } = stage
  const proxy = await tcpProxy(url)
  const run = await schemagate([...command, '--dir', dir], { env: { ...env, DATABASE_URL: proxy.url(url) } })
  await proxy.close()
  if (run.code !== 0) throw new Error(`the undisturbed run failed with ${run.code}:\n${run.stdout}${run.stderr}`)
  // how often the connection that looks on asks is a matter of time, and another run may ask less
  const lookingOn = new Set(
    proxy.messages.flatMap(({ type, bytes, connection }) =>
      type === 'startup' && bytes.includes('schemagate watch') ? [connection] : [],
    ),
  )
  const messages = proxy.messages.filter(({ connection }) => !lookingOn.has(connection))
  return { messages, end: await standing(stage) }
}

/** Tries one kill point, and holds the end against `expected`. */
export async function tryPoint(stage: Stage, point: KillPoint | NamedPoint, expected: Standing): Promise<Outcome> {
  const { url, dir, env, command = ['up'], next = command } = stage
  let at: string | undefined
  let struck = 0
  let back: Promise<void> | undefined
  let run: RunningCli | undefined
  const strike = async (): Promise<Verdict> => {
    struck = performance.now()
    switch (point.cause) {
      case 'cut':
        return cuts[point.moment]
      case 'SIGKILL':
        if (point.moment === 'before') run?.kill('SIGKILL')
        else setImmediate(() => run?.kill('SIGKILL'))
        return cuts[point.moment]
      case 'SIGTERM':
        if (point.moment === 'before') {
          run?.kill('SIGTERM')
          await sleep(5)
        } else setTimeout(() => run?.kill('SIGTERM'), point.moment === 'after' ? 0 : 5)
        return 'forward'
      case 'crash': {
        const crash = async () => {
          await stage.server?.crash()
          await stage.server?.start()
        }
        if (point.moment === 'before') {
          back = crash()
          return 'cut-before'
        }
        back = sleep(point.moment === 'after' ? 0 : 3).then(crash)
        return point.moment === 'after' ? 'forward' : 'cut-after-answer'
      }
    }
  }
  const proxy = await tcpProxy(url, {
    onMessage: async message => {
      if (at !== undefined || !isAt(message, point)) return 'forward'
      at = `${message.type} ${message.sql?.replaceAll(/\s+/g, ' ').slice(0, 4_000) ?? ''}`
      return strike()
    },
  })
  const said: string[] = []
  try {
    run = start([...command, '--dir', dir], { env: { ...env, DATABASE_URL: proxy.url(url) } })
    const first = await run.ended
    said.push(`first run: ${first.code ?? first.signal}\n${first.stdout}${first.stderr}`)
    const wrong = at === undefined ? undefined : judgeFirst(point.cause, first, performance.now() - struck)
    await back
    if (wrong) throw new Error(wrong)
    const second = await schemagate([...next, '--dir', dir], { env: { ...env, DATABASE_URL: url } })
    said.push(`second run: ${second.code ?? second.signal}\n${second.stdout}${second.stderr}`)
    if (second.code !== 0) throw new Error(`the second run ended with ${second.code ?? second.signal}`)
    const difference = differenceOf(await standing(stage), expected)
    if (difference) throw new Error(difference)
    return { point, at, failure: undefined }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { point, at, failure: `${describePoint(point)} (${at?.slice(0, 300)}): ${why}\n${said.join('\n')}` }
  } finally {
    await proxy.close()
  }
}

function isAt({ index, sql }: ClientMessage, point: KillPoint | NamedPoint): boolean {
  return 'index' in point ? index === point.index : sql?.includes(point.statement) === true
}

export function describePoint(point: KillPoint | NamedPoint): string {
  return `${point.cause} ${point.moment} ${'index' in point ? `message ${point.index}` : point.statement}`
}

/** What the run that was struck must have come to. */
function judgeFirst(cause: Cause, { code, signal, lines }: CliResult, tookMs: number): string | undefined {
  if (cause === 'SIGKILL') return signal === 'SIGKILL' || code === 0 ? undefined : `the killed run ended with ${code}`
  if (cause === 'SIGTERM') {
    // it may have come too late to be heard
    if (code !== 143 && code !== 0 && signal !== 'SIGTERM') return `the run told to stop ended with ${code ?? signal}`
    if (tookMs > 2_500) return `the run told to stop took ${Math.round(tookMs)} ms`
    const last = lines.at(-1)
    if (code === 143 && last?.event !== 'run') return `its last line was no summary: ${JSON.stringify(last)}`
    return undefined
  }
  return code === 0 ? undefined : `the run did not converge by itself: it ended with ${code ?? signal}`
}

/** Where a database stands now. */
export async function standing({ url, role }: Pick<Stage, 'url' | 'role'>): Promise<Standing> {
  const client = new pg.Client({ connectionString: url, application_name: 'test' })
  await client.connect()
  try {
    const dump = await dumpCatalog(client, { exclude: [], grants: role !== undefined })
    const catalog = role === undefined ? dump : dump.replaceAll(role, 'the_role')
    const ledger = await client.query<object>(
      'select name, checksum, kind, breaking, state, journal from schemagate.ledger order by position',
    )
    const tally = await client.query<object>(
      'select step, count(*)::int as times from tally group by step order by step',
    )
    // OIDs are each database's own
    const manifest = await client.query<{ manifest: unknown; shapes: unknown }>(
      `select manifest - 'tables' as manifest, (select jsonb_object_agg(s.key || '.' || t.key, t.value->>1)
         from jsonb_each(manifest->'tables'->'schemas') s cross join jsonb_each(s.value->'tables') t) as shapes
       from schemagate.manifest`,
    )
    const [there] = (
      await client.query<{ there: boolean }>(
        `select to_regclass('schemagate.schemagate_followed') is not null as there`,
      )
    ).rows
    const followed = there!.there
      ? (
          await client.query<object>(
            'select head, tool, history_table, manifest, functions from schemagate.schemagate_followed order by head',
          )
        ).rows
      : []
    return { catalog, ledger: ledger.rows, tally: tally.rows, manifest: manifest.rows, followed }
  } finally {
    await client.end()
  }
}

/** In words, the first thing in which two ends differ. */
function differenceOf(actual: Standing, expected: Standing): string | undefined {
  for (const part of ['tally', 'ledger', 'manifest', 'followed', 'catalog'] as const) {
    const [is, should] = [lines(actual[part]), lines(expected[part])]
    const missing = should.filter(line => !is.includes(line))
    const extra = is.filter(line => !should.includes(line))
    if (is.join('\n') !== should.join('\n'))
      return `the ${part} differs.\nmissing:\n${missing.join('\n')}\ntoo much:\n${extra.join('\n')}`
  }
  return undefined
}

function lines(part: unknown): string[] {
  return typeof part === 'string' ? part.split('\n') : Array.isArray(part) ? part.map(row => JSON.stringify(row)) : []
}
