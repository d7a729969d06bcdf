// The page in a real browser: dark and light, on a phone, without scripts, and live. Its screenshots are kept beside other
// artifacts, to be looked at. It runs where a Chromium is, and every night: to install one takes longer than a minute.

import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { gateService } from './fixtures.ts'

const found = spawnSync('sh', ['-c', 'command -v chromium || command -v google-chrome'], { encoding: 'utf8' })
const executablePath = found.stdout.trim()
if (executablePath === '' && process.env.TEST_BROWSER === 'required')
  throw new Error('The test of the page in a browser is required, but neither chromium nor google-chrome is installed.')
const screenshots = join(root, '.schemagate/artifacts/gate-service')

const first = {
  '0001_organizations.sql': 'create table organizations (id int primary key, name text);\n',
  '0002_users.sql': 'create table users (id int primary key, email text unique);\nselect pg_sleep(0.05);\n',
  '0003_tickets.sql': '-- schemagate:breaking\ncreate table tickets (id int, title text);\nselect pg_sleep(0.12);\n',
}

describe.skipIf(executablePath === '')('the page in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    await mkdir(screenshots, { recursive: true })
  })
  afterAll(() => browser?.close())

  /** A database with some history, with one migration that the app knows and the database does not. */
  async function stack(database: ScratchDatabase) {
    const dir = await folder(first)
    const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, LOG_FORMAT: 'json' }
    const up = () => schemagate(['up'], { env })
    await up()
    await write(dir, { '0004_activity.sql': 'alter table tickets add at timestamptz;\nselect 1/0;\n' })
    await up()
    await write(dir, { '0004_activity.sql': 'alter table tickets add at timestamptz;\n' })
    const { stdout } = await schemagate(['manifest'], { env })
    return { gate: await gateService({ url: database.url, manifest: JSON.parse(stdout) }), up }
  }

  /** A page, which must ask for nothing but this service and complain of nothing. */
  async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options)
    const complaints: string[] = []
    onTestFinished(async () => {
      await context.close()
      expect(complaints).toEqual([])
    })
    const page = await context.newPage()
    page.on('request', request => {
      if (!request.url().startsWith(`${url}/`)) complaints.push(`asks for ${request.url()}`)
    })
    page.on('console', message => complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(String(error)))
    await page.goto(url)
    return page
  }

  async function violations(page: Page): Promise<string[]> {
    // by the debugger, which the page's policy does not concern
    await page.evaluate(axe.source)
    const { violations: found } = await page.evaluate<axe.AxeResults>('axe.run()')
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  }

  test('it is live, readable for everyone in dark and light, and fits a phone', { timeout: 120_000 }, async ({
    database,
  }) => {
    const { gate, up } = await stack(database)
    const desktop = await open(gate.url, { viewport: { width: 1100, height: 900 }, colorScheme: 'light' })
    const phone = await open(gate.url, { viewport: { width: 375, height: 800 }, colorScheme: 'dark' })
    for (const [page, name] of [
      [desktop, 'light'],
      [phone, 'phone-dark'],
    ] as const) {
      await page.getByText('Closed', { exact: false }).first().waitFor()
      await page.locator('#runs td').first().waitFor()
      await page.screenshot({ path: join(screenshots, `closed-${name}.png`), fullPage: true })
      expect(await violations(page)).toEqual([])
    }
    expect(await phone.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375)
    expect(await desktop.locator('#pending code').allTextContents()).toEqual(['0004_activity'])

    expect((await up()).code).toBe(0)
    for (const [page, name] of [
      [desktop, 'light'],
      [phone, 'phone-dark'],
    ] as const) {
      await page.locator('.gate.open').waitFor()
      expect(await page.title()).toBe('Open · schemagate')
      await page.locator('#applied').getByText('0004_activity').waitFor()
      await page.screenshot({ path: join(screenshots, `open-${name}.png`), fullPage: true })
      expect(await violations(page)).toEqual([])
    }
  })

  test('it works without scripts, and loads itself again', { timeout: 60_000 }, async ({ database }) => {
    const { gate, up } = await stack(database)
    const page = await open(gate.url, { javaScriptEnabled: false })
    await page.locator('.gate.closed').waitFor()
    expect((await up()).code).toBe(0)
    await page.locator('.gate.open').waitFor({ timeout: 20_000 })
  })
})
