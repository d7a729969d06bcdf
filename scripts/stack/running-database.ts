// Prints, as JSON, the variables of the owner's connection to the stack that `npm run up` started; nothing if none runs.
// `npx schemagate` in a checkout asks it where no database is configured.

import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { root } from '../lib/root.ts'
import { type OwnerConnection, readRunning } from './running.ts'

/** The stack without Docker: its record says so. */
async function ofEmbedded(state: string): Promise<OwnerConnection | undefined> {
  const running = await readRunning(state)
  return running?.processes.postgres && running.owner
}

/** The stack on Docker. Its Postgres is published nowhere; on Linux a container's own address is reached from the host. */
async function ofDocker(project: string): Promise<OwnerConnection | undefined> {
  const labels = [`project=${project}`, `project.working_dir=${root.replace(/\/$/, '')}`, 'service=postgres']
  const filters = labels.flatMap(label => ['--filter', `label=com.docker.compose.${label}`])
  const id = (await docker('ps', '--quiet', ...filters)).split('\n')[0]
  if (!id) return undefined
  const [container]: Container[] = JSON.parse(await docker('inspect', id))
  const env = new Map(container?.Config.Env.map(text => [text.split('=', 1)[0]!, text.replace(/^[^=]*=/, '')]))
  const address = Object.values(container?.NetworkSettings.Networks ?? {}).find(network => network.IPAddress)?.IPAddress
  if (!address || !(await answers(address, 5432))) return undefined
  return {
    PGHOST: address,
    PGPORT: '5432',
    PGDATABASE: env.get('POSTGRES_DB') ?? 'postgres',
    PGUSER: env.get('POSTGRES_USER') ?? 'postgres',
    PGPASSWORD: env.get('POSTGRES_PASSWORD') ?? '',
  }
}

interface Container {
  readonly Config: { readonly Env: readonly string[] }
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> }
}

/** Its output; empty if there is no docker, or no such thing. */
async function docker(...args: string[]): Promise<string> {
  const run = promisify(execFile)('docker', args, { timeout: 5_000 })
  return run.then(({ stdout }) => stdout.trim()).catch(() => '')
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: 500 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

const { values } = parseArgs({
  options: {
    state: { type: 'string', default: join(root, '.schemagate') },
    project: { type: 'string', default: 'schemagate' },
  },
})
const connection = (await ofEmbedded(values.state)) ?? (await ofDocker(values.project))
if (connection) console.log(JSON.stringify(connection))
