// Scenarios of --try: what it reports of a stack whose migrations fail, and that it touches nothing that lives beside it.

import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, describe, expect, inject } from 'vitest'
import { $, type ProcessOutput } from 'zx'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { type Outcome, trial } from '../../../migrator/doctor/trial/trial.ts'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { eventually } from '../../helpers/eventually.ts'
import { type Running, startProcess } from '../../helpers/process.ts'
import { environment, projectPrefix, root } from '../scenario/project.ts'

interface Living {
  readonly folder: string
  /** `docker compose ARGS` on the stack that lives here. */
  compose(...args: string[]): Promise<ProcessOutput>
  /** A trial in this process, with little patience. */
  tryOut(said?: string[]): Promise<readonly Outcome[]>
  /** `schemagate doctor ARGS` as a process. */
  doctor(...args: string[]): Running
}

let count = 0

/** The stack's database, up and with a row and a file in it; the rest is not started. */
const test = base.extend('living', async ({ skip }, { onCleanup }): Promise<Living> => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  count += 1
  const name = `${projectPrefix}${process.pid}-trial-${count}`
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  await cp(join(import.meta.dirname, 'trial'), folder, { recursive: true })
  for (const shared of ['archive', 'uploads']) {
    await mkdir(join(folder, shared))
    await chmod(join(folder, shared), 0o777)
  }
  await $`chmod -R a+rX ${folder}`
  const env = { ...environment, PROJECT: name, DB_PORT: `${await freePort()}`, APP_PORT: `${await freePort()}` }
  const run = $({ cwd: folder, env, quiet: true, nothrow: true })
  const compose: Living['compose'] = (...args) => run`docker compose -p ${name} ${args}`
  onCleanup(async () => {
    await compose('down', '--volumes', '--remove-orphans', '--timeout', '1')
    await run`docker volume rm ${name}-living`
    await run`docker network rm ${name}-outside`
    await rm(folder, { recursive: true, force: true })
  })
  await run`docker volume create ${name}-living`
  await run`docker network create ${name}-outside`
  return {
    folder,
    compose,
    tryOut: async (said = []) => {
      const { stack } = await diagnose([], { cwd: folder, env, docker: true })
      const say = (text: string) => void said.push(text)
      return trial(stack, { env, signal: new AbortController().signal, say, settle: 1_500 })
    },
    doctor: (...args) =>
      startProcess([process.execPath, join(root, 'migrator/cli/main.ts'), 'doctor', ...args], {
        cwd: folder,
        env,
        timeout: 120_000,
      }),
  }
})

/** The trials' projects that have left something behind, whatever kind it is of. */
async function leftovers(project: string): Promise<string> {
  const label = `label=com.docker.compose.project=${project}`
  const kinds = [
    ['ps', '--all'],
    ['volume', 'ls'],
    ['network', 'ls'],
    ['image', 'ls'],
  ]
  const listed = await Promise.all(kinds.map(kind => $({ quiet: true })`docker ${kind} --quiet --filter ${label}`))
  return listed.map(({ stdout }) => stdout).join('')
}

function projectIn(text: string): string {
  return /up as (schemagate-doctor-\d+-\w+)/.exec(text)![1]!
}

const row = ['exec', '-T', 'db', 'psql', '-U', 'owner', '-d', 'app', '-Atc', 'select * from living'] as const

describe('doctor --try', () => {
  test('names the services that run although no migration can succeed, and leaves the living stack alone', async ({
    living,
  }) => {
    const up = await living.compose('up', '--detach', '--wait', 'db')
    expect(up.exitCode, up.stderr).toBe(0)
    await living.compose(...row.slice(0, -1), "create table living as select 'here' as value")
    const log = await readFile(join(living.folder, 'archive/log'), 'utf8')

    const said: string[] = []
    const outcomes = await living.tryOut(said)
    expect(Object.fromEntries(outcomes.map(({ service, state }) => [service, state]))).toEqual({
      gated: 'not started',
      open: 'answers',
      guarded: 'refuses',
      worker: 'runs',
      'self-migrating': 'ended',
    })
    const details = Object.fromEntries(outcomes.map(({ service, detail }) => [service, detail]))
    expect(details.open).toBe('port 8000: HTTP/1.1 200 OK')
    expect(details['self-migrating']).toContain('after its migration failed')

    expect(await leftovers(projectIn(said.join('\n')))).toBe('')
    expect((await living.compose(...row)).stdout.trim()).toBe('here')
    expect(await readFile(join(living.folder, 'archive/log'), 'utf8')).toBe(log)
    expect(await readdir(join(living.folder, 'uploads'))).toEqual([])
  })

  test('waits for a database without a health check, which compose does not', async ({ living }) => {
    const web = 'image: node:26-trixie-slim\n    command: sleep 100\n    stop_grace_period: 0s\n    depends_on: [db]'
    await writeFile(
      join(living.folder, 'compose.yml'),
      `services:\n  db:\n    image: postgres:17\n    environment: { POSTGRES_PASSWORD: x }\n  web:\n    ${web}\n    environment: { DATABASE_URL: postgres://postgres:x@db/postgres }\n`,
    )
    expect(await living.tryOut()).toMatchObject([{ service: 'web', state: 'runs' }])
  })

  test('takes down what it has started when it is interrupted', async ({ living }) => {
    const doctor = living.doctor('--try')
    const project = await eventually(() => projectIn(doctor.stderr))
    await eventually(async () => expect(await leftovers(project)).not.toBe(''), { timeout: 30_000 })
    doctor.kill('SIGINT')
    const { code, stderr } = await doctor.ended
    expect(code, stderr).toBe(130)
    expect(await leftovers(project)).toBe('')
    expect((await readdir(tmpdir())).filter(name => name.startsWith('schemagate-doctor-'))).toEqual([])
  })

  test('tells what one has left that was killed, and how to take it down', async ({ living }) => {
    const killed = living.doctor('--try')
    const project = await eventually(() => projectIn(killed.stderr))
    await eventually(async () => expect(await leftovers(project)).not.toBe(''), { timeout: 30_000 })
    killed.kill('SIGKILL')
    await killed.ended
    const next = living.doctor('--try')
    await eventually(() => projectIn(next.stderr))
    next.kill('SIGINT')
    const { stderr } = await next.ended
    const command = `docker compose -p ${project} down --volumes --remove-orphans`
    expect(stderr).toContain(`${project} is still there: a trial that was killed has left it`)
    expect(stderr).toContain(command)
    await eventually(
      async () => {
        await $({ quiet: true })`bash -c ${command}`
        expect(await leftovers(project)).toBe('')
      },
      { timeout: 30_000 },
    )
    const last = living.doctor('--try')
    await eventually(() => projectIn(last.stderr))
    last.kill('SIGINT')
    await last.ended
    expect((await readdir(tmpdir())).filter(name => name.toLowerCase() === project)).toEqual([])
  })

  test.runIf(process.env.TEST_LONG)(
    'ends with 7 where something runs, with 0 where nothing does, with 2 where it cannot tell',
    async ({ living }) => {
      const open = await living.doctor('--try').ended
      expect(open.code, open.stderr).toBe(7)
      expect(open.stderr).toMatch(/^BAD {2}open: answers, port 8000: HTTP\/1.1 200 OK$/m)
      expect(open.stderr).toMatch(/^well gated: not started$/m)

      const without = (names: string[]) => names.map(name => `  ${name}: !reset null\n`).join('')
      await writeFile(join(living.folder, 'gated.yml'), `services:\n${without(['open', 'worker'])}`)
      const gated = await living.doctor('compose.yml', 'gated.yml', '--try').ended
      expect(gated.code, gated.stderr).toBe(0)
      expect(gated.stderr).toContain('Nothing runs on an unmigrated database.')

      const unheard = `services:
  db:
    environment: { PGDATA: /tmp/data }
    entrypoint: [bash, -c, "gosu postgres initdb -U owner && exec gosu postgres postgres -c listen_addresses=*"]
    healthcheck: { test: [CMD-SHELL, "psql -h 127.0.0.1 -U owner -d postgres -Atqc 'select 1'"] }
`
      await writeFile(join(living.folder, 'unheard.yml'), unheard)
      const unknown = await living.doctor('compose.yml', 'unheard.yml', '--try').ended
      expect(unknown.code, unknown.stderr).toBe(2)
      expect(unknown.stderr).toContain('its migrations cannot be made to fail')
      for (const { stderr } of [open, gated, unknown]) expect(await leftovers(projectIn(stderr))).toBe('')
    },
  )
})
