// What the action does with `doctor: true`, run as GitHub would run it.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, describe, expect } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../../scripts/lib/root.ts'
import { cleanEnvironment, type Ended, startProcess } from '../../helpers/process.ts'
import { type Action, readActions, type Step } from '../../helpers/workflows.ts'

const folder = '.github/actions/smoke'
const action: Action = parse((await readActions())[`${folder}/action.yml`]!)
const stepOf = (matches: (step: Step) => boolean) => action.runs.steps.find(matches)!
const doctor = stepOf(({ run }) => run?.includes('doctor.sh') ?? false)
const upload = stepOf(({ uses }) => uses?.includes('upload-sarif') ?? false)

interface Checkout {
  /** Runs the step in the folder `app` of a repository whose compose file has this text. */
  run(
    compose: string,
    inputs?: Record<string, string>,
  ): Promise<Ended & { readonly outputs: string; sarif(): Promise<Sarif> }>
}

interface Sarif {
  readonly runs: readonly [
    { results: { ruleId: string; locations: { physicalLocation: { artifactLocation: { uri: string } } }[] }[] },
  ]
}

const test = base.extend('checkout', async ({ task }, { onCleanup }): Promise<Checkout> => {
  const workspace = await mkdtemp(join(tmpdir(), `doctor-action-${task.id}-`))
  onCleanup(() => rm(workspace, { recursive: true }))
  return {
    run: async (compose, inputs = {}) => {
      await mkdir(join(workspace, 'app'), { recursive: true })
      await writeFile(join(workspace, 'app/compose.yml'), compose)
      const outputs = join(workspace, 'outputs')
      await writeFile(outputs, '')
      const given: Record<string, string> = {
        'doctor-command': `${process.execPath} ${root}/migrator/cli/main.ts doctor`,
        ...inputs,
      }
      const value = (_: string, name: string) => given[name] ?? action.inputs[name]?.default ?? ''
      const env = Object.entries(doctor.env!).map(([name, text]) => [
        name,
        text.replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, value).replace('${{ runner.temp }}', workspace),
      ])
      const github = { GITHUB_WORKSPACE: workspace, GITHUB_OUTPUT: outputs, GITHUB_ACTION_PATH: join(root, folder) }
      const ended = await startProcess(['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c', doctor.run!], {
        cwd: join(workspace, 'app'),
        env: cleanEnvironment({ ...Object.fromEntries(env), ...github }),
        timeout: 30_000,
      }).ended
      return {
        ...ended,
        outputs: await readFile(outputs, 'utf8'),
        sarif: async () => JSON.parse(await readFile(join(workspace, 'schemagate.sarif'), 'utf8')),
      }
    },
  }
})

const database = 'services:\n  db:\n    image: postgres:17\n'
const app = `  migrate:
    image: migrate/migrate:v4
    command: -path /m -database postgres://u@db/d up
  app:
    image: app:1
    environment: { DATABASE_URL: "postgres://u@db/d" }
`

// two processes a scenario, from their sources
describe('the action with doctor: true', { timeout: 60_000 }, () => {
  test('fails where there are errors, with annotations and SARIF by paths of the repository', async ({ checkout }) => {
    const { code, stdout, outputs, sarif } = await checkout.run(database + app)
    expect(code).toBe(7)
    expect(stdout).toMatch(/^::error file=app\/compose\.yml,line=7,col=3,title=ungated-client::/m)
    const [error] = (await sarif()).runs[0].results
    expect(error).toMatchObject({
      ruleId: 'ungated-client',
      locations: [{ physicalLocation: { artifactLocation: { uri: 'app/compose.yml' } } }],
    })
    expect(outputs).toMatch(/^sarif=.*schemagate\.sarif$/m)
  })

  test('succeeds where there are only warnings, of the files that it is told', async ({ checkout }) => {
    const { code, stdout, outputs } = await checkout.run(database, { 'compose-files': 'compose.yml:compose.yml' })
    expect(code).toBe(0)
    expect(stdout).toContain('title=no-db-healthcheck::')
    expect(stdout).not.toContain('::error')
    expect(outputs).toContain('sarif=')
  })

  test('fails with 2 where a file cannot be read, and has nothing to upload', async ({ checkout }) => {
    const { code, stderr, outputs } = await checkout.run('services: [')
    expect(code).toBe(2)
    expect(stderr).toContain('compose.yml:1:12: this is no YAML')
    expect(outputs).toBe('')
  })

  test('uploads what the step says that it has written, also when it has failed', () => {
    expect(upload).toMatchObject({
      if: "always() && steps.doctor.outputs.sarif != ''",
      with: { sarif_file: '${{ steps.doctor.outputs.sarif }}' },
    })
    expect(doctor).toMatchObject({ id: 'doctor' })
  })
})
