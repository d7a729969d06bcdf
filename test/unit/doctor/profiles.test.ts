// Overlays of stacks with profiles: Compose takes them with every profile, and with none.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { makeOverlay } from '../../../migrator/doctor/overlay/fix.ts'
import { overlayName } from '../../../migrator/doctor/overlay/write.ts'
import { writtenFolder } from '../../helpers/written-folder.ts'

/** The overlay's text, the services that each choice of profiles starts, and the errors that are left. */
async function overlaid(services: string, ...choices: readonly string[]) {
  const cwd = writtenFolder({ 'compose.yml': `services:\n${services}` })
  const options = { cwd, env: {}, docker: false }
  const { text, result } = await makeOverlay(await diagnose([], options), options)
  writeFileSync(join(cwd, overlayName), text)
  const started = choices.map(choice => {
    const profiles = choice.split(' ').flatMap(one => (one === '' ? [] : ['--profile', one]))
    const files = ['-f', 'compose.yml', '-f', overlayName]
    const config = spawnSync('docker', ['compose', ...profiles, ...files, 'config', '--services'], { cwd })
    return config.status === 0 ? config.stdout.toString().trim().split('\n').sort().join(' ') : `${config.stderr}`
  })
  const errors = result.findings.filter(({ severity }) => severity === 'error')
  return { text, started, errors: errors.map(({ rule, service }) => `${rule.id} ${service}`) }
}

const db = (profiles: string) =>
  `  db: { image: "postgres:17", environment: { POSTGRES_PASSWORD: "\${PW}" }${profiles} }\n`
const app = (name: string, profiles: string, command = './server') =>
  `  ${name}: { image: a, command: ${command}, environment: { PGHOST: db }${profiles} }\n`
const of = (...names: readonly string[]) => `, profiles: [${names.join(', ')}]`

test('a migrator below a profile gets the profiles of its applications', async () => {
  const { started, errors } = await overlaid(
    `${db(of('a', 'b'))}${app('migrate', of('a'), 'alembic upgrade head')}${app('one', of('a'))}${app('two', of('b'))}`,
    ...['', 'a', 'b', 'a b'],
  )
  expect(started).toEqual(['', 'db migrate one', 'db migrate two', 'db migrate one two'])
  expect(errors).toEqual([])
})

test.for([
  ['b', 'two'],
  ['', 'two'],
  ['a', undefined],
] as const)(
  'a migrator below the profile a is told with the apps that start without it: one below %j',
  async ([other, told]) => {
    const gate = ', depends_on: { migrate: { condition: service_completed_successfully } }'
    const migrate = app('migrate', of('a'), 'alembic upgrade head')
    const two = app('two', other === '' ? '' : of(other))
    const cwd = writtenFolder({
      'compose.yml': `services:\n${db('')}${migrate}${app('one', of('a') + gate)}${two}`,
    })
    const { findings } = await diagnose([], { cwd, env: {}, docker: false })
    const what = findings.find(({ rule }) => rule.id === 'migrator-by-hand')?.what
    expect(what).toBe(told && `migrate is below the profile a, so ${told} can be started without it.`)
  },
)

test('an application below no profile takes it away', async () => {
  const { started, errors } = await overlaid(
    `${db('')}${app('migrate', of('tools'), 'alembic upgrade head')}${app('one', '')}`,
    '',
  )
  expect(started).toEqual(['db migrate one'])
  expect(errors).toEqual([])
})

test('an application that a profile starts without the database can be started so, and is told', async () => {
  const { started, errors } = await overlaid(
    `${db(of('a'))}${app('migrate', of('a'), 'alembic upgrade head')}${app('one', of('a'))}${app('two', of('b'))}`,
    ...['', 'a', 'b'],
  )
  expect(started).toEqual(['', 'db migrate one', 'two'])
  expect(errors).toEqual(['migrator-by-hand migrate'])
})

test('a one-shot of an application is below its profiles', async () => {
  const { started, errors } = await overlaid(
    `${db(of('a'))}${app('one', of('a'), 'sh -c "alembic upgrade head && ./server"')}`,
    ...['', 'a'],
  )
  expect(started).toEqual(['', 'db one one-migrate'])
  expect(errors).toEqual([])
})

test('a migrator for the files of a database is below its profiles', async () => {
  const mounts = ', volumes: ["./001_schema.sql:/docker-entrypoint-initdb.d/001_schema.sql"], profiles: [a]'
  const { started, errors } = await overlaid(`${db(mounts)}${app('one', of('a'))}`, ...['', 'a'])
  expect(started).toEqual(['', 'db migrator one'])
  expect(errors).toEqual([])
})
