// The example app as its tests need it: the real process, on a database that the real migrator has migrated.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { test as base, expect, inject, onTestFinished } from 'vitest'
import { schemagate } from './cli.ts'
import { eventually } from './eventually.ts'
import { cleanEnvironment, type Environment, type Running, startProcess } from './process.ts'

export const jwtSecret = 'a secret of the tests, long enough for HS256'

export interface RunningApp extends Running {
  readonly url: string
  /** One request; a body that is no string or bytes is sent as JSON. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>
}

export interface RequestOptions {
  readonly body?: unknown
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The answer's JSON, read by path so that a test fails on what is missing: `answer.get('organization', 'id')`. */
  get(...path: (string | number)[]): unknown
}

/**
 * Starts the app without waiting for it. The caller ends it.
 * @param within a command line before its own, that becomes the process.
 */
export function spawnApp(env: Environment, within: readonly string[] = []): Running {
  const own = { HOST: '127.0.0.1', PORT: '0', LOG_FORMAT: 'json', JWT_SECRET: jwtSecret, ...env }
  return startProcess([...within, process.execPath, 'app/main.ts'], { env: cleanEnvironment(own) })
}

/** Starts the app and waits until its port answers, whatever the gate says; killed after the test. */
export async function startApp(env: Environment): Promise<RunningApp> {
  const { app, kill } = await launch(env)
  onTestFinished(kill)
  return app
}

async function launch(env: Environment) {
  const process = spawnApp(env)
  const kill = async () => {
    process.child.kill('SIGKILL')
    await process.ended
  }
  try {
    const port = await eventually(() => {
      if (process.child.exitCode !== null) throw new Error(`the app ended: ${process.stderr}`)
      const line = process.lines.find(({ event }) => event === 'listening')
      if (!line) throw new Error(`the app does not listen yet: ${process.stderr}`)
      return String(line.port)
    })
    const url = `http://127.0.0.1:${port}`
    const app: RunningApp = Object.create(process, {
      url: { value: url },
      request: { value: (method: string, path: string, options = {}) => request(url, method, path, options) },
    })
    return { app, kill }
  } catch (error) {
    await kill()
    throw error
  }
}

async function request(url: string, method: string, path: string, options: RequestOptions): Promise<Answer> {
  const { body, token, headers = {} } = options
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: isRaw ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    get: (...path) =>
      path.reduce<unknown>((value, key) => {
        if (typeof value !== 'object' || value === null || !(key in value)) throw new Error(`no ${key} in ${text}`)
        return Reflect.get(value, key)
      }, JSON.parse(text)),
  }
}

/** Waits until the app says that it is healthy. */
export async function healthy(app: RunningApp): Promise<void> {
  await eventually(async () => {
    const { status, text } = await app.request('GET', '/health')
    expect(status, text).toBe(200)
  })
}

/** Applies the example's migrations with the real migrator. */
export async function migrate(url: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const result = await schemagate(['up'], { env: { DATABASE_URL: url, LOG_FORMAT: 'json', ...env } })
  expect(result.code, result.stdout + result.stderr).toBe(0)
}

/** Writes the manifest of the example's migrations, as the build does, and gives its path. */
export async function writeManifest(folder: string): Promise<string> {
  const { code, stdout, stderr } = await schemagate(['manifest'])
  expect(code, stderr).toBe(0)
  const file = join(folder, 'manifest.json')
  await writeFile(file, stdout)
  return file
}

export interface AppFixture extends RunningApp {
  readonly database: pg.Pool
  /** The environment that the app was started with. */
  readonly env: Readonly<Record<'DATABASE_URL' | 'SCHEMAGATE_MANIFEST' | 'AUTH_RATE_LIMIT', string>>
}

/** `manifest`, for apps that a test starts itself, and `app`: healthy, on a database of this file's own. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from this pattern
  .extend('manifest', { scope: 'file' }, async ({}, { onCleanup }) => {
    const folder = await mkdtemp(join(tmpdir(), 'schemagate-app-'))
    onCleanup(() => rm(folder, { recursive: true }))
    return writeManifest(folder)
  })
  .extend('app', { scope: 'file' }, async ({ manifest }, { onCleanup }): Promise<AppFixture> => {
    const admin = new pg.Client({ connectionString: inject('postgres').url })
    await admin.connect()
    const name = `app_${randomBytes(6).toString('hex')}`
    await admin.query(`create database ${name}`)
    const url = new URL(inject('postgres').url)
    url.pathname = `/${name}`
    const role = `${name}_role`
    const password = 'a password for the app'
    await migrate(url.href, { SCHEMAGATE_APP_ROLE: role, SCHEMAGATE_APP_PASSWORD: password })
    const database = new pg.Pool({ connectionString: url.href, max: 4 })
    // The database is dropped under what the pool has not closed yet.
    database.on('error', () => {})
    url.username = role
    url.password = encodeURIComponent(password)
    const env = { DATABASE_URL: url.href, SCHEMAGATE_MANIFEST: manifest, AUTH_RATE_LIMIT: '0' }
    const { app, kill } = await launch(env)
    onCleanup(async () => {
      await kill()
      await database.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.query(`drop role if exists ${role}`)
      await admin.end()
    })
    await healthy(app)
    return Object.create(app, { database: { value: database }, env: { value: env } })
  })

let registered = 0

/** Somebody new: what they registered with, their token, their organisation. */
export async function newUser(app: RunningApp) {
  const credentials = {
    email: `user${++registered}-${randomBytes(4).toString('hex')}@example.org`,
    password: 'a good password',
  }
  const user = await app.request('POST', '/api/v1/auth/register', { body: { ...credentials, full_name: 'Some One' } })
  expect(user.status, user.text).toBe(201)
  const login = await app.request('POST', '/api/v1/auth/login', { body: credentials })
  expect(login.status, login.text).toBe(200)
  return {
    ...credentials,
    id: String(user.get('id')),
    organizationId: String(user.get('organization', 'id')),
    token: String(login.get('access_token')),
  }
}

/** What every refusal must look like. */
export function expectProblem(answer: Answer, status: number): void {
  expect(answer.status, answer.text).toBe(status)
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  expect(JSON.parse(answer.text)).toMatchObject({
    type: 'about:blank',
    status,
    title: expect.any(String),
    detail: expect.any(String),
  })
}
