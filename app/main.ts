// The example service: starts whatever state the database is in, serves while the gate is open, and stops when told to.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate, type Gate, type GateStatus, type Manifest, readManifest } from 'schemagate-gate'
import { openPool } from './database.ts'
import { openProbe } from './health.ts'
import { type Logger, openLog } from './log.ts'
import { buildServer } from './server.ts'
import { readSettings, type Settings, SettingsError } from './settings.ts'
import { drainOf } from './shutdown.ts'

/** How long requests under way may take to end; `docker stop` kills after ten seconds. */
const drainTimeout = 5_000

/** How long connections to the database may take to close, and how long after that the process may stay. */
const releaseTimeout = 250

// From the first moment: as PID 1, a process without a listener ignores these signals. By hand: close-with-grace ends the
// process itself, with other exit codes.
const signal = firstSignal()

main()

async function main(): Promise<void> {
  const settings = settingsOrExit()
  if (!settings) return
  const manifest = manifestOrExit(settings.manifest)
  if (!manifest) return
  const log = await openLog(settings)
  for (const note of settings.connection.notes ?? []) log.info({ event: 'setting' }, note)
  if (settings.jwtSecretIsTemporary)
    log.warn(
      'JWT_SECRET is not set: made one up, so tokens end with this process. Production refuses to start like this.',
    )

  const stop = await start(settings, manifest, log)
  if (!stop) return
  const name = await signal
  log.info({ event: 'stopping', signal: name }, `stopping: ${name}`)
  await stop()
  log.info({ event: 'stopped' }, 'stopped')
  setTimeout(() => {
    log.warn('resources still open after shutdown; forcing exit')
    process.exit(0)
  }, releaseTimeout).unref()
}

/** Starts listening. Gives the way to stop, or undefined if it could not start. */
async function start(settings: Settings, manifest: Manifest, log: Logger): Promise<(() => Promise<void>) | undefined> {
  const pool = openPool(settings.connection, log, { application_name: 'tickets' })
  const gate = createGate({ connection: settings.connection, manifest, schema: settings.ledgerSchema })
  const probe = openProbe(settings.connection, gate, log)
  const stopLogging = logChanges(gate, log)

  const isStopping = () => drain.hasBegun
  const app = await buildServer({ settings, log, pool, probe: probe.probe, gate, isStopping })
  const drain = drainOf(app.server)
  const release = async () => {
    stopLogging()
    const closed = Promise.all([gate.close(), probe.close(), pool.end()])
    // Without a limit, closing waits for a server that no longer answers until the network gives up.
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, releaseTimeout)
    await Promise.race([closed, late])
    clearTimeout(timer)
  }
  try {
    await app.ready()
    // Not `app.listen`, which logs lines of its own about it.
    app.server.listen({ host: settings.host, port: settings.port })
    await once(app.server, 'listening')
  } catch (error) {
    log.fatal({ err: error }, `cannot listen on ${settings.host}:${settings.port}`)
    process.exitCode = 1
    await release()
    return undefined
  }
  const { address, port } = boundTo(app.server.address())
  log.info({ event: 'listening', host: address, port, head: manifest.head }, `listening on ${address}:${port}`)

  return async () => {
    drain.begin()
    // A load balancer needs a moment to learn from /health that it should send its requests elsewhere.
    await pause(settings.shutdownDelay)
    await Promise.all([app.close(), drain.finish(drainTimeout)])
    await release()
  }
}

/** Logs every change of the gate, until what it returns is called. */
function logChanges(gate: Gate, log: Logger): () => void {
  const logChange = ({ state, detail, head, database, cause }: GateStatus) => {
    const line = { event: 'gate', state, head, database, ...(cause && { err: cause }) }
    if (state === 'open') log.info(line, detail)
    else log.warn(line, detail)
  }
  gate.on('change', logChange)
  return () => gate.off('change', logChange)
}

function boundTo(address: string | AddressInfo | null): { address: string; port: number } {
  return typeof address === 'object' && address !== null ? address : { address: String(address), port: 0 }
}

function settingsOrExit(): Settings | undefined {
  try {
    return readSettings(process.env)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
    return undefined
  }
}

function manifestOrExit(file: string): Manifest | undefined {
  try {
    return readManifest(file)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    process.stderr.write(`The app cannot start: ${reason} (in a checkout: npm run build)\n`)
    process.exitCode = 2
    return undefined
  }
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    let isStopping = false
    const stop = (name: NodeJS.Signals, code: number) => {
      if (isStopping) process.exit(code)
      isStopping = true
      resolve(name)
    }
    process.on('SIGTERM', () => stop('SIGTERM', 143))
    process.on('SIGINT', () => stop('SIGINT', 130))
  })
}
