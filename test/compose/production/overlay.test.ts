// The production overlay: what it says of every service, and what Docker then says of the containers that run.

import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { $ } from 'zx'
import { environment, root } from '../scenario/project.ts'
import { current } from '../scenario/releases.ts'
import { type Inspected, type Production, test } from './fixture.ts'

interface Service {
  readonly image: string
  readonly build?: object
  readonly user?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly { readonly source: string }[]
  readonly networks?: Readonly<Record<string, unknown>>
  readonly ports?: readonly { readonly target: number }[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly restart?: string
  readonly stop_grace_period?: string
  readonly mem_limit?: string
  readonly pids_limit?: number
  readonly pull_policy?: string
  readonly logging?: { readonly options: Readonly<Record<string, string>> }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string; readonly restart?: boolean }>>
  readonly healthcheck?: { readonly test: readonly string[] }
}

interface Config {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

async function configOf(production: Production, ...args: string[]): Promise<Config> {
  const { exitCode, stdout, stderr } = await production.compose(
    current,
    ...args,
    '--profile',
    '*',
    'config',
    '--format',
    'json',
  )
  expect(exitCode, stderr).toBe(0)
  return JSON.parse(stdout)
}

/** What is long-lived, and what runs once. */
const running = ['postgres', 'app', 'app-2', 'proxy']
const once = ['migrator', 'backup']

/** Names of variables whose value would be one. */
const secretName = /PASSWORD|SECRET|TOKEN|KEY|DATABASE_URL/

const combinations = { 'without TLS to Postgres': [], 'with TLS to Postgres': ['-f', 'docker/compose.tls.yml'] }

describe.for(Object.entries(combinations))('the overlay, %s,', ([, files]) => {
  test('confines every service', async ({ production }) => {
    const { services } = await configOf(production, ...files)
    expect(Object.keys(services).sort()).toEqual([...running, ...once].sort())
    for (const [name, service] of Object.entries(services)) {
      expect(service, name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        restart: once.includes(name) ? 'no' : 'unless-stopped',
        logging: { options: { 'max-size': expect.any(String), 'max-file': expect.any(String) } },
      })
      expect(service.user, name).toMatch(/^(postgres|[1-9]\d*:[1-9]\d*)$/)
      expect(service.cap_add ?? [], name).toEqual(name === 'proxy' ? ['NET_BIND_SERVICE'] : [])
      expect(Number(service.mem_limit), name).toBeGreaterThan(0)
      expect(service.pids_limit, name).toBeGreaterThan(0)
    }
  })

  test('gives secrets as files, to those who need them, and puts none into an environment', async ({ production }) => {
    const { services, secrets } = await configOf(production, ...files)
    for (const [name, { environment = {} }] of Object.entries(services))
      for (const [variable, value] of Object.entries(environment))
        if (secretName.test(variable)) {
          expect(variable, name).toMatch(/_FILE$/)
          expect(value, name).toMatch(/^\/run\/secrets\//)
        }
    const given = Object.entries(services).map(([name, service]) => [
      name,
      service.secrets?.map(({ source }) => source).sort(),
    ])
    expect(Object.fromEntries(given)).toMatchObject({
      postgres: expect.arrayContaining(['owner_password']),
      migrator: expect.arrayContaining(['app_password', 'owner_password']),
      app: expect.not.arrayContaining(['owner_password']),
      'app-2': expect.not.arrayContaining(['owner_password']),
      proxy: undefined,
    })
    expect(Object.keys(secrets)).toEqual(expect.arrayContaining(['app_password', 'jwt_secret', 'owner_password']))
  })

  test('keeps the database on a network that leads nowhere, and publishes the proxy alone', async ({ production }) => {
    const { services, networks } = await configOf(production, ...files)
    expect(networks.database?.internal).toBe(true)
    const on = (name: string) => Object.keys(services[name]?.networks ?? {})
    expect(on('postgres')).toEqual(['database'])
    expect(on('migrator')).toEqual(['database'])
    expect(on('backup')).toEqual(['database'])
    expect(on('proxy')).not.toContain('database')
    for (const [name, { ports }] of Object.entries(services))
      expect(
        ports?.map(({ target }) => target),
        name,
      ).toEqual(name === 'proxy' ? [8080] : undefined)
  })

  test('has two replicas alike, of the same release as the migrator, behind the gate', async ({ production }) => {
    const { services } = await configOf(production, ...files)
    const { app, 'app-2': second, migrator } = services
    expect(second).toEqual(app)
    expect(app?.depends_on?.migrator).toMatchObject({ condition: 'service_completed_successfully', restart: true })
    expect(app?.depends_on?.postgres).toMatchObject({ condition: 'service_healthy' })
    const tag = (image = '') => image.slice(image.lastIndexOf(':'))
    expect(tag(app?.image)).toBe(tag(migrator?.image))
    expect(app?.pull_policy).toBe(migrator?.pull_policy)
    // Longer than the migrator takes to roll back, than the app serves on and drains, than Postgres writes a checkpoint.
    expect([migrator, app, services.postgres].map(service => service?.stop_grace_period)).toEqual([
      '30s',
      '20s',
      '1m0s',
    ])
    expect(services.postgres?.healthcheck?.test.join(' ')).toContain('select 1')
  })
})

test('images that a deploy builds carry its tag as their version', async ({ production, onTestFinished }) => {
  const images = ['schemagate-app:7.7.7', 'schemagate-migrator:7.7.7']
  onTestFinished(async () => {
    await production.docker('image', 'rm', ...images)
  })
  const release = { app: { image: images[0]! }, migrator: { image: images[1]! } }
  const { code, output } = await production.run('deploy', release, '--build', '--dry-run')
  expect(code, output).toBe(0)
  expect(output).toContain('7.7.7, version 7.7.7')
})

test('the overlay does not start without a release', async ({ production }) => {
  const { IMAGE_TAG: _, ...env } = environment
  const files = ['-f', 'docker-compose.yml', '-f', 'docker/compose.prod.yml']
  const config = await $({
    cwd: root,
    env: { ...env, COMPOSE_ENV_FILES: '/dev/null' },
    quiet: true,
    nothrow: true,
  })`docker compose -p ${production.project} ${files} config`
  expect(config.exitCode).not.toBe(0)
  expect(config.stderr).toContain('name the release')
})

describe('the running stack', () => {
  test('is as confined as the overlay says, shows no secret, and keeps the database to itself', async ({
    production,
  }) => {
    const { code, output } = await production.run('deploy', current)
    expect(code, output).toBe(0)

    const shown: string[] = []
    for (const service of running) {
      const [container] = await production.inspect(service)
      expectConfined(service, container)
      shown.push(JSON.stringify(container), (await production.docker('logs', container?.Id ?? '')).stdout)
    }
    for (const { image } of [current.app, current.migrator])
      shown.push(
        (await production.docker('history', '--no-trunc', image)).stdout,
        (await production.docker('image', 'inspect', image)).stdout,
      )
    shown.push(output)
    for (const [name, value] of production.secrets)
      expect(
        shown.some(text => text.includes(value)),
        name,
      ).toBe(false)

    // The port is open where it should be, so that the same question elsewhere means something.
    const [postgres] = await production.inspect('postgres')
    const address = Object.values(postgres?.NetworkSettings.Networks ?? {})[0]?.IPAddress ?? ''
    expect(await reaches(production, 'database', address, 5432)).toBe('open')
    for (const network of ['outside', 'web']) {
      expect(await reaches(production, network, address, 5432), network).toBe('closed')
      expect(await reaches(production, network, 'postgres', 5432), network).toBe('closed')
    }
    // And nothing on that network gets out.
    const [proxy] = await production.inspect('proxy')
    const outside = proxy?.NetworkSettings.Networks[`${production.project}_outside`]?.IPAddress ?? ''
    expect(await reaches(production, 'outside', outside, 8080)).toBe('open')
    expect(await reaches(production, 'database', outside, 8080)).toBe('closed')
  })
})

function expectConfined(service: string, container: Inspected | undefined): void {
  expect(container?.Config.User, service).toMatch(/^(postgres|1000:1000)$/)
  expect(container?.HostConfig, service).toMatchObject({
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    RestartPolicy: { Name: 'unless-stopped' },
    LogConfig: { Config: { 'max-size': '10m' } },
  })
  expect(container?.HostConfig.Memory, service).toBeGreaterThan(0)
  expect(container?.HostConfig.PidsLimit, service).toBeGreaterThan(0)
}

/** Whether a container on one of the project's networks can connect. */
async function reaches(production: Production, network: string, host: string, port: number): Promise<string> {
  const connect = `const s = require('net').connect({ host: '${host}', port: ${port}, timeout: 2000 }); const end = word => { console.log(word); process.exit() }; s.on('connect', () => end('open')); s.on('error', () => end('closed')); s.on('timeout', () => end('closed'))`
  const args = [
    'run',
    '--rm',
    '--network',
    `${production.project}_${network}`,
    '--entrypoint',
    'node',
    current.app.image,
    '-e',
    connect,
  ]
  return (await production.docker(...args)).stdout.trim()
}

test('with TLS to Postgres every client checks its certificate, and takes no other', async ({ production, skip }) => {
  if (process.getuid?.() !== 0) skip('only root can give the key to the user of Postgres')
  const { folder } = production
  const openssl = $({ cwd: folder, quiet: true })
  const authority = async (name: string) =>
    openssl`openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=${name} -keyout ${name}.key -out ${name}.crt`
  await authority('ca')
  await authority('other')
  await openssl`openssl req -newkey rsa:2048 -nodes -subj /CN=postgres -addext subjectAltName=DNS:postgres -keyout server.key -out server.csr`
  await openssl`openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out server.crt`
  await openssl`chown 999 server.key`
  await openssl`chmod 0400 server.key`

  const { code, output } = await production.run('deploy', current, '--file', 'docker/compose.tls.yml')
  expect(code, output).toBe(0)
  const clear = `select count(*) from pg_stat_activity join pg_stat_ssl using (pid) where client_addr is not null and not ssl`
  expect(await production.sql(clear)).toBe('0')
  const secured = `select count(*) > 2 from pg_stat_activity join pg_stat_ssl using (pid) where usename = 'app' and ssl`
  expect(await production.sql(secured)).toBe('t')
  expect((await production.run('restore', current, '--list', '--file', 'docker/compose.tls.yml')).code).toBe(0)

  await copyFile(join(folder, 'other.crt'), join(folder, 'ca.crt'))
  const refused = await production.run('deploy', current, '--file', 'docker/compose.tls.yml')
  expect(refused.code, refused.output).toBe(9)
  expect(refused.output).toContain('certificate')
})

test('what the overlay mounts is there, in the form that its reader wants', async ({ production }) => {
  const caddyfile = join(root, 'docker/Caddyfile')
  const caddy = ['run', '--rm', '--network', 'none', '--volume', `${caddyfile}:/etc/caddy/Caddyfile:ro`, 'caddy:2']
  const validated = await production.docker(
    ...caddy,
    'caddy',
    'validate',
    '--config',
    '/etc/caddy/Caddyfile',
    '--adapter',
    'caddyfile',
  )
  expect(validated.exitCode, validated.stderr).toBe(0)
  // Caddy asks each second: the app has to go on serving for longer than that.
  const text = await readFile(caddyfile, 'utf8')
  const interval = Number(/health_interval (\d+)s/.exec(text)?.[1])
  const { services } = await configOf(production)
  expect(Number(services.app?.environment?.SHUTDOWN_DELAY_MS)).toBeGreaterThanOrEqual(2 * interval * 1_000)
})
