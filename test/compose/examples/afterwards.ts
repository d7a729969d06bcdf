// A migration that its tool takes back while the stack runs.

import { expect } from 'vitest'
import { $ } from 'zx'
import { eventually } from '../../helpers/eventually.ts'
import type { Project } from './fixture.ts'

/** `alembic downgrade`: the gate closes, and opens again after the upgrade. */
export async function closesOnDowngrade(project: Project): Promise<void> {
  const id = (await project.compose('ps', '--quiet', 'gate')).stdout.trim()
  const template = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const address = (await $({ quiet: true })`docker inspect --format ${template} ${id}`).stdout.trim()
  const ready = async () => (await fetch(`http://${address}:8080/ready`)).status
  expect(await ready()).toBe(200)
  const downgrade = await project.compose('exec', '-T', 'api', 'alembic', 'downgrade', '-1')
  const since = performance.now()
  expect(downgrade.exitCode, downgrade.stderr).toBe(0)
  await eventually(async () => expect(await ready()).toBe(503), { timeout: 3_000 })
  console.log(`the gate was closed ${Math.round(performance.now() - since)} ms after alembic downgrade had ended`)
  await project.compose('exec', '-T', 'api', 'alembic', 'upgrade', 'head')
  await eventually(async () => expect(await ready()).toBe(200))
}

/** `migrate accounts zero`: what is asked at the next start says no. */
export async function tellsOfUnapplied(project: Project): Promise<void> {
  const follow = () => project.compose('run', '--rm', '--no-deps', 'follow')
  expect((await follow()).exitCode).toBe(0)
  const zero = await project.compose('exec', '-T', 'web', 'python3', 'manage.py', 'migrate', 'accounts', 'zero')
  expect(zero.exitCode, zero.stderr).toBe(0)
  const { exitCode, stdout, stderr } = await follow()
  expect(exitCode).toBe(7)
  expect(stdout + stderr).toContain('The database lacks accounts.0001_initial')
}
