// Scenarios of the action for other repositories: it says yes to a stack that is gated, and no to every other.

import { chmod, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, describe, expect, inject } from 'vitest'
import { parse } from 'yaml'
import { $, type ProcessOutput } from 'zx'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { write } from '../../helpers/migrations.ts'
import { type Action, readActions, readWorkflows, stepsOf } from '../../helpers/workflows.ts'
import { environment, projectPrefix, root } from '../scenario/project.ts'

const folder = '.github/actions/smoke'
const action: Action = parse((await readActions())[`${folder}/action.yml`]!)

/** What this repository's own jobs hand to it. */
const [ourRequests, ourBroken] = stepsOf((await readWorkflows())['.github/workflows/ci.yml']!)
  .filter(({ uses }) => uses === `./${folder}`)
  .map(step => step.with ?? {})

interface Repository {
  /** A copy of the example's migrations. */
  readonly migrations: string
  readonly port: number
  /** Adds to the compose file what another repository's would have. */
  override(yaml: string): Promise<void>
  /** Runs the action as GitHub would, with these inputs besides those that keep the stack to itself. */
  smoke(inputs: Record<string, unknown>): Promise<ProcessOutput>
  /** The names of everything that there is of the stack. */
  leftovers(): Promise<string>
}

let count = 0

/** The example stack, with the images under test in place of building them, and a port and a project of its own. */
const test = base.extend('repository', async ({ skip }, { onCleanup }): Promise<Repository> => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  count += 1
  const project = `${projectPrefix}${process.pid}-action-${count}`
  const port = await freePort()
  const scratch = await mkdtemp(join(tmpdir(), `${project}-`))
  // The containers' user reads what is mounted from here.
  await chmod(scratch, 0o755)
  const migrations = join(scratch, 'migrations')
  await cp(join(root, 'migrator/migrations'), migrations, { recursive: true })
  const files = [join(root, 'docker-compose.yml')]
  const override = async (yaml: string) => {
    const file = join(scratch, `override-${files.length}.yml`)
    await writeFile(file, yaml)
    files.push(file)
  }
  await override('services: { migrator: { build: !reset null }, app: { build: !reset null } }')
  const run = $({ cwd: root, quiet: true, nothrow: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const env = {
    ...environment,
    APP_PORT: `${port}`,
    COMPOSE_ENV_FILES: '/dev/null',
    GITHUB_ACTION_PATH: join(root, folder),
  }
  onCleanup(async () => {
    // The action itself has taken it down, unless it failed to.
    const left = await run`docker compose -p ${project} down --volumes --remove-orphans --timeout 2`
    await rm(scratch, { recursive: true, force: true })
    if (left.exitCode !== 0) throw new Error(`${project} could not be taken down.\n${left.stderr}`)
  })
  return {
    migrations,
    port,
    override,
    smoke: inputs => {
      const given = {
        project,
        'compose-files': files.join(':'),
        'health-url': `http://127.0.0.1:${port}/health`,
        ...inputs,
      }
      const [script, variables] = asGitHubWould(given)
      return run({ env: { ...env, ...variables } })`bash --noprofile --norc -eo pipefail -c ${script}`
    },
    leftovers: async () => {
      const label = `label=com.docker.compose.project=${project}`
      const kinds = [
        ['ps', '--all'],
        ['volume', 'ls'],
        ['network', 'ls'],
        ['image', 'ls'],
      ]
      const listed = await Promise.all(kinds.map(kind => run`docker ${kind} --quiet --filter ${label}`))
      return listed.map(({ stdout }) => stdout).join('')
    },
  }
})

/** The step that smokes: its script, and the variables in which it gets the inputs. */
function asGitHubWould(given: Record<string, unknown>): [script: string, env: Record<string, string>] {
  const step = action.runs.steps.find(({ run }) => run?.includes('smoke.sh'))
  const value = (_: string, name: string) => String(given[name] ?? action.inputs[name]?.default ?? '')
  const entries = Object.entries(step!.env!).map(([name, text]) => [
    name,
    text.replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, value),
  ])
  return [step!.run!, Object.fromEntries(entries)]
}

describe('the smoke action', () => {
  test("brings the stack up, sends this repository's own requests, and leaves nothing behind", async ({
    repository,
  }) => {
    const { exitCode, stdout, stderr } = await repository.smoke(ourRequests!)
    expect(exitCode, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/200 \S+\/health\n201 \S+\/register\n409 \S+\/register\n401 \S+\/login\n200 \S+\/login\n/)
    // The token that it got.
    expect(stdout + stderr).not.toContain('eyJ')
    expect(await repository.leftovers()).toBe('')
  })

  test('fails when a request has another answer, and shows the answer and the logs', async ({ repository }) => {
    const requests = 'expect 404 "$URL/health/live"\nexpect 200 "$URL/health/live"'
    const { exitCode, stdout, stderr } = await repository.smoke({ requests })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('expected 404: {')
    expect(stdout.match(/\/health\/live\n/g)).toHaveLength(1)
    expect(stdout).toContain('"event":"listening"')
    expect(stderr).toContain('a request did not get the answer that was expected')
    expect(await repository.leftovers()).toBe('')
  })

  test("leaves the compose file's own URL and BODY as they are", async ({ repository }) => {
    await repository.override('services: { app: { labels: { of: "${URL:-the file} ${BODY:-alone}" } } }')
    const requests = `docker inspect --format '{{.Config.Labels.of}}' "$(docker compose ps --quiet app)"`
    const { exitCode, stdout, stderr } = await repository.smoke({ requests })
    expect(exitCode, stdout + stderr).toBe(0)
    expect(stdout).toContain('\nthe file alone\n')
  })

  test('fails when the stack does not come up in time', async ({ repository }) => {
    await repository.override('services: { app: { healthcheck: { test: ["CMD", "false"], start_period: 300s } } }')
    const { exitCode, stderr } = await repository.smoke({ timeout: 15 })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('the stack did not come up within 15 s')
    expect(await repository.leftovers()).toBe('')
  })

  test('touches nothing when something answers at the health URL already', async ({ repository }) => {
    await using _ = createServer((_, response) => response.end()).listen(repository.port, '127.0.0.1')
    const { exitCode, stdout, stderr } = await repository.smoke({})
    expect(exitCode).toBe(1)
    expect(stderr).toContain('answers at')
    expect(stdout).not.toContain('=== up')
  })
})

describe('the smoke action with a broken migration', () => {
  /** As a team has it that bakes its migrations into an image of its own. */
  const baked = ({ migrations }: Repository) => `
services:
  migrator:
    image: !reset null
    build: !override
      context: ${migrations}
      dockerfile_inline: |
        FROM schemagate-migrator:${environment.IMAGE_TAG}
        COPY . /migrations
`
  const mounted = ({ migrations }: Repository) =>
    `services: { migrator: { volumes: ["${migrations}:/migrations:ro"] } }`

  test('succeeds where nothing serves then, and removes the migration and the image again', async ({ repository }) => {
    await repository.override(baked(repository))
    const { exitCode, stdout, stderr } = await repository.smoke({
      ...ourBroken,
      'broken-migration-in': repository.migrations,
    })
    expect(exitCode, stdout + stderr).toBe(0)
    expect(stdout).toContain('ended with 5')
    expect(await readdir(repository.migrations)).toEqual(await readdir(join(root, 'migrator/migrations')))
    expect(await repository.leftovers()).toBe('')
  })

  test.for([
    ["Flyway's", 'V1__users.sql'],
    ["Prisma's", '20260301090000_users/migration.sql'],
    ['a folder of pairs', '000001_users.up.sql'],
  ] as const)('adds a migration in the form that the others have: %s', async ([, file], { repository }) => {
    const { migrations } = repository
    await rm(migrations, { recursive: true })
    await write(migrations, { [file]: 'create table users (id integer);\n' })
    await repository.override(baked(repository))
    const { exitCode, stdout, stderr } = await repository.smoke({ 'broken-migration-in': migrations })
    expect(exitCode, stdout + stderr).toBe(0)
    expect(stdout).toContain('ended with 5')
    expect(await readdir(migrations, { recursive: true })).toEqual(expect.arrayContaining([file]))
    expect(await readdir(migrations)).toHaveLength(1)
  })

  test('fails when the app does not wait for the migrator', async ({ repository }) => {
    await repository.override(mounted(repository))
    await repository.override(`
services:
  app:
    depends_on: { migrator: { condition: service_started, restart: false } }
    healthcheck: { test: ["CMD", "true"] }
`)
    const { exitCode, stderr } = await repository.smoke({ 'broken-migration-in': repository.migrations })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('started in spite of it')
  })

  test('fails when the migrator does not have the folder', async ({ repository }) => {
    const { exitCode, stderr } = await repository.smoke({ 'broken-migration-in': repository.migrations })
    expect(exitCode).toBe(1)
    expect(stderr).toContain(`the migrator did not fail: is ${repository.migrations} what it is built from`)
  })

  test('fails when the migrator ends with another code than 5', async ({ repository }) => {
    await repository.override(mounted(repository))
    await repository.override('services: { migrator: { environment: { PGPASSWORD: wrong } } }')
    const { exitCode, stderr } = await repository.smoke({ 'broken-migration-in': repository.migrations })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('the migrator must end with 5, but: exited 9')
  })
})
