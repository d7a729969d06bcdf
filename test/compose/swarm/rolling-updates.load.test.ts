// Scenarios of docker/stack.yml on a real Swarm: one story, each test going on where the one before it ended.

import { describe, expect } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { beginLoad } from '../production/load.ts'
import { registerAndLogIn } from '../scenario/client.ts'
import { current, failing, newer } from '../scenario/releases.ts'
import { type Service, type Swarm, type TaskContainer, test } from './fixture.ts'

const within = { timeout: 120_000, interval: 500 }

/** The tasks that are there to stay: the migrator's is over, and only what is left of it can be asked. */
const services: Service[] = ['postgres', 'migrator', 'app', 'proxy']

async function running(swarm: Swarm): Promise<string[]> {
  const containers = await swarm.containers('app')
  return containers.flatMap(({ Id: id, State: state }) => (state.Status === 'running' ? [id] : [])).sort()
}

async function newest(swarm: Swarm, service: Service): Promise<TaskContainer> {
  const [container] = await swarm.containers(service)
  expect(container, `${service} has no container`).toBeDefined()
  return container!
}

describe('a stack on Swarm', () => {
  test('comes up from nothing, with everything started at once', async ({ swarm }) => {
    await swarm.deploy(current)
    await eventually(() => swarm.heads(), within)
    await registerAndLogIn(swarm.url)
    const migrator = await newest(swarm, 'migrator')
    expect(migrator.State).toMatchObject({ Status: 'exited', ExitCode: 0 })
    // Both replicas waited by themselves, and are what they waited for.
    await eventually(async () => expect(await running(swarm)).toHaveLength(2), within)
    for (const app of await swarm.containers('app')) {
      const events = await eventually(async () => {
        const found = (await swarm.logs(app)).map(({ event }) => event)
        expect(found).toContain('listening')
        return found
      })
      expect(events.slice(0, events.indexOf('listening'))).toEqual(expect.arrayContaining(['matches', 'exec']))
    }
  })

  test('has no secret in any environment, and nothing that its tasks do not need', async ({ swarm }) => {
    for (const service of services) {
      const container = await newest(swarm, service)
      const { stdout: spec } = await swarm.docker('service', 'inspect', `${swarm.name}_${service}`)
      const { stdout: history } = await swarm.docker(
        'history',
        '--no-trunc',
        JSON.parse(spec)[0].Spec.TaskTemplate.ContainerSpec.Image,
      )
      const shown = JSON.stringify(container) + spec + history
      for (const [name, value] of swarm.secrets) expect(shown.includes(value), `${service} shows ${name}`).toBe(false)
      expect(container.Config.Env.filter(entry => /^[A-Z_]*(PASSWORD|SECRET)=/.test(entry))).toEqual([])
      expect(container.Config.User).toMatch(/^(1000:1000|postgres)$/)
      expect(container.HostConfig, service).toMatchObject({
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        CapAdd: service === 'proxy' ? ['CAP_NET_BIND_SERVICE'] : null,
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } },
      })
      expect(container.HostConfig.Memory, service).toBeGreaterThan(0)
      expect(container.HostConfig.PidsLimit, service).toBeGreaterThan(0)
    }
  })

  test('has an app that is what it waited for: process 1, an ordinary user without any right to become more', async ({
    swarm,
  }) => {
    const { Id: id } = await newest(swarm, 'app')
    const one = async (file: string) => (await swarm.docker('exec', id, 'cat', `/proc/1/${file}`)).stdout
    expect((await one('cmdline')).split('\0').slice(1)).toEqual(['app/main.cjs', ''])
    const status = await one('status')
    expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m)
    expect(status).toMatch(/^CapBnd:\t0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    const environment = await one('environ')
    expect(environment).toContain('PGPASSWORD_FILE=')
    for (const [name, value] of swarm.secrets) expect(environment.includes(value), name).toBe(false)
  })

  test('lets the app reach the database, and not the proxy', async ({ swarm }) => {
    const { Id: postgres } = await newest(swarm, 'postgres')
    const { stdout } = await swarm.docker('exec', postgres, 'hostname', '-I')
    const addresses = stdout.trim().split(' ')
    // As an intruder in the service would: from its own place in the network, by name and by address. A connection
    // alone says nothing, since some networks answer for every address; a server that is asked for TLS says S or N.
    const reaches = async (service: Service) => {
      const place = `container:${(await newest(swarm, service)).Id}`
      const code = `for (const host of process.argv.slice(1)) require('net').connect({ host, port: 5432, timeout: 2000 })
        .on('connect', function () { this.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])) })
        .on('data', function (answer) { if (/^[SN]$/.test(answer)) console.log('Postgres'); this.destroy() })
        .on('timeout', function () { this.destroy() }).on('error', () => {})`
      const args = ['--rm', '--network', place, '--entrypoint', 'node', current.app.image, '-e', code]
      const { exitCode, stdout, stderr } = await swarm.docker('run', ...args, 'postgres', ...addresses)
      expect(exitCode, stderr).toBe(0)
      return stdout.includes('Postgres')
    }
    expect(await reaches('app')).toBe(true)
    expect(await reaches('proxy')).toBe(false)
  })

  test('runs the job with every deploy, and leaves alone what did not change', async ({ swarm }) => {
    const before = await running(swarm)
    await swarm.deploy(current)
    await eventually(async () => {
      const runs = await swarm.containers('migrator')
      expect(runs.map(({ State: state }) => `${state.Status} ${state.ExitCode}`)).toEqual(['exited 0', 'exited 0'])
    }, within)
    expect(await running(swarm)).toEqual(before)
  })

  test('updates under load to a release with a migration, and no request fails', async ({ swarm, task }) => {
    const before = await running(swarm)
    const load = await beginLoad(swarm.url)
    await swarm.deploy(await newer())
    await eventually(async () => {
      expect(await swarm.updateState()).toBe('completed')
      expect(await swarm.heads()).toEqual({ app: '9001_notes', database: '9001_notes' })
    }, within)
    await load.verdict(task.name)
    // Told to stop, the old ones stopped by themselves, in their time.
    await eventually(async () => {
      const old = (await swarm.containers('app')).filter(({ Id: id }) => before.includes(id))
      expect(old.map(({ State: state }) => `${state.Status} ${state.ExitCode}`)).toEqual(['exited 0', 'exited 0'])
      expect(await running(swarm)).toHaveLength(2)
    }, within)
  })

  test('keeps the old release under load when a migration fails, and no request fails', async ({ swarm, task }) => {
    const before = await running(swarm)
    const load = await beginLoad(swarm.url)
    await swarm.deploy(await failing(), { WAIT_TIMEOUT: '15s' })
    await eventually(async () => expect(await swarm.updateState()).toBe('rollback_completed'), within)
    expect(await swarm.heads()).toEqual({ app: '9001_notes', database: '9001_notes' })
    await load.verdict(task.name)
    // Not one of those that served was stopped; the one that should have come after them never served.
    expect(await running(swarm)).toEqual(before)
    const rejected = await newest(swarm, 'app')
    expect(rejected.State).toMatchObject({ Status: 'exited', ExitCode: 7 })
    const events = (await swarm.logs(rejected)).map(({ event }) => event)
    expect(events).toContain('waiting')
    expect(events).not.toContain('listening')
    const run = await newest(swarm, 'migrator')
    expect(run.State).toMatchObject({ Status: 'exited', ExitCode: 5 })
  })
})
