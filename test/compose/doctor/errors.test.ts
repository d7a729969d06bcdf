// What each error rule of doctor's says, seen on a real engine, and no longer after --fix.

import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, describe, expect, inject, vi } from 'vitest'
import { $, type ProcessOutput } from 'zx'
import { type Diagnosis, diagnose } from '../../../migrator/doctor/diagnose.ts'
import { makeOverlay, writeOverlay } from '../../../migrator/doctor/overlay/fix.ts'
import { overlayName } from '../../../migrator/doctor/overlay/write.ts'
import { environment, projectPrefix } from '../scenario/project.ts'

interface Project {
  readonly folder: string
  /** `docker compose ARGS` on these files, as a project of its own. */
  compose(files: readonly string[], ...args: string[]): Promise<ProcessOutput>
  diagnose(files: readonly string[]): Promise<Diagnosis>
  /** Writes the overlay, and returns the files with it. */
  fix(files: readonly string[]): Promise<string[]>
  /** `created`, `running`, `exited`, or nothing. */
  state(files: readonly string[], service: string): Promise<string>
}

let count = 0

const test = base.extend('project', async ({ skip }, { onCleanup }): Promise<Project> => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  count += 1
  const name = `${projectPrefix}${process.pid}-doctor-${count}`
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  await cp(import.meta.dirname, folder, { recursive: true })
  await $`chmod -R a+rX ${folder}`
  const env = { ...environment, SCHEMAGATE_MIGRATOR_IMAGE: `schemagate-migrator:${environment.IMAGE_TAG}` }
  const run = $({ cwd: folder, env, quiet: true, nothrow: true })
  const compose: Project['compose'] = (files, ...args) =>
    run`docker compose -p ${name} ${files.flatMap(file => ['-f', file])} ${args}`
  const options = { cwd: folder, env, docker: true }
  onCleanup(async () => {
    await run`docker compose -p ${name} down --volumes --remove-orphans --timeout 1`
    await rm(folder, { recursive: true, force: true })
  })
  return {
    folder,
    compose,
    diagnose: files => diagnose(files, options),
    fix: async files => {
      const { text, result } = await makeOverlay(await diagnose(files, options), options)
      expect(errorsOf(result)).toEqual([])
      return [...files, writeOverlay(result.stack.compose, overlayName, text)]
    },
    state: async (files, service) =>
      (await compose(files, 'ps', '--all', '--format', '{{.State}}', service)).stdout.trim(),
  }
})

/** `RULE SERVICE` of each error. */
function errorsOf({ findings }: Diagnosis): string[] {
  return findings.filter(({ severity }) => severity === 'error').map(({ rule, service }) => `${rule.id} ${service}`)
}

describe('an error of doctor', () => {
  test('is an app that runs on an unmigrated database, and with the overlay does not start', async ({ project }) => {
    const files = ['stack.yml']
    const apps = ['app-a', 'app-b', 'worker-c', 'app-d', 'app-e']
    expect(errorsOf(await project.diagnose(files)).toSorted()).toEqual([
      'chain-ignores-failure app-e',
      'migrator-by-hand migrate-d',
      'one-shot-short-form app-b',
      'sibling-ungated worker-c',
      'ungated-client app-a',
    ])
    await project.compose(files, 'up', '--detach')
    await vi.waitFor(
      async () => {
        for (const app of apps) {
          expect(await project.state(files, app), app).toBe('running')
          expect((await project.compose(files, 'logs', app)).stdout, app).toContain('relation "things" does not exist')
        }
      },
      { timeout: 60_000, interval: 500 },
    )
    expect((await project.compose(files, 'down', '--volumes', '--timeout', '1')).exitCode).toBe(0)

    const fixed = await project.fix(files)
    const up = await project.compose(fixed, 'up', '--detach')
    expect(up.exitCode).not.toBe(0)
    for (const app of [...apps, 'app-c']) expect(await project.state(fixed, app), app).toBe('created')
  })

  test('is a migrator that is started again for ever: up does not end, and with the overlay it does', async ({
    project,
  }) => {
    const files = ['restarts.yml']
    expect(errorsOf(await project.diagnose(files))).toEqual(['one-shot-restarts migrate'])
    const up = project.compose(files, 'up', '--detach')
    let ended = false
    void up.then(() => {
      ended = true
    })
    const id = async () => (await project.compose(files, 'ps', '--all', '--quiet', 'migrate')).stdout.trim()
    await vi.waitFor(
      async () => {
        const { stdout } = await $({
          nothrow: true,
          quiet: true,
        })`docker inspect --format ${'{{.RestartCount}}'} ${await id()}`
        expect(Number(stdout)).toBeGreaterThan(2)
      },
      { timeout: 60_000, interval: 500 },
    )
    expect(ended).toBe(false)
    expect(await project.state(files, 'app')).toBe('created')
    await project.compose(files, 'down', '--volumes', '--timeout', '1')
    await up

    const fixed = await project.fix(files)
    expect((await project.compose(fixed, 'up', '--detach')).exitCode).toBe(0)
    expect(await project.state(fixed, 'app')).toBe('running')
  })

  test('is a schema of the first start, to which nothing is ever added; the overlay has a migrator', async ({
    project,
  }) => {
    const files = ['initdb.yml']
    expect(errorsOf(await project.diagnose(files))).toEqual(['initdb-migration db'])
    const tables = async (with_: readonly string[]) =>
      (
        await project.compose(
          with_,
          'exec',
          '-T',
          'app',
          'psql',
          '-Atc',
          "select string_agg(relname, ' ' order by relname) from pg_class where relname in ('things', 'more_things')",
        )
      ).stdout.trim()
    expect((await project.compose(files, 'up', '--detach', '--wait')).exitCode).toBe(0)
    expect(await tables(files)).toBe('things')
    await cp(join(project.folder, '0002_more_things.sql'), join(project.folder, 'schema/0002_more_things.sql'))
    expect((await project.compose(files, 'up', '--detach', '--wait', '--force-recreate')).exitCode).toBe(0)
    expect(await tables(files)).toBe('things')
    await project.compose(files, 'down', '--volumes', '--timeout', '1')

    const fixed = await project.fix(files)
    const up = await project.compose(fixed, 'up', '--detach')
    expect(up.exitCode, up.stderr).toBe(0)
    expect(await tables(fixed)).toBe('more_things things')
  })

  test('is a word that other readers take for false', async ({ project }) => {
    const text = 'services:\n  db:\n    image: postgres:17\n    restart: no\n'
    const options = { cwd: project.folder, env: environment, docker: true, stdin: text }
    expect(errorsOf(await diagnose(['-'], options))).toEqual(['unquoted-no db'])
    const { parse } = await import('yaml')
    expect(parse(text, { version: '1.1' }).services.db.restart).toBe(false)
    const quoted = text.replace('restart: no', 'restart: "no"')
    expect(errorsOf(await diagnose(['-'], { ...options, stdin: quoted }))).toEqual([])
    expect(parse(quoted, { version: '1.1' }).services.db.restart).toBe('no')
  })
})
