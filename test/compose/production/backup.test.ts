// docker/backup.sh, as deploy and restore run it: what a dump holds, and what a restore must not lose.

import { expect } from 'vitest'
import { current, newer } from '../scenario/releases.ts'
import { type Production, test } from './fixture.ts'
import { timeout } from './steps.ts'

test('a restore finds its dump, although the one that it takes before would push it out', { timeout }, async ({
  production,
}) => {
  await bringUpDatabase(production)
  const dumps = Array.from({ length: 10 }, (_, i) => `202601${10 + i}T000000Z-before-x`)
  for (const name of dumps) await backup(production, [], 'dump', name)
  const [oldest = ''] = dumps

  const { code, output } = await production.run('restore', current, '--from', oldest, '--yes')
  expect(code, output).toBe(0)
  const listed = (await production.run('restore', current, '--list')).output
  for (const name of dumps) expect(listed).toContain(name)
  // The next deploy that takes one removes what is too much.
  await backup(production, [], 'prune')
  const kept = (await production.run('restore', current, '--list')).output.trim().split('\n')
  expect(kept).toHaveLength(10)
  expect(kept[0]).toContain('before-restore')
  expect(kept.join()).not.toContain(oldest)
})

test('what belonged to a role belongs to it again, also where the role is gone', { timeout }, async ({
  production,
}) => {
  await bringUpDatabase(production)
  await production.sql(`create role "a Reader" login; create table seen (id int); alter table seen enable row level security;
    alter table seen owner to "a Reader"; create policy all_of_it on seen to "a Reader" using (true);
    create function harmless() returns int language sql security definer as 'select 1';
    alter function harmless() owner to "a Reader"; revoke all on function harmless() from public`)
  const owners = `select string_agg(pg_get_userbyid(owner), ',') from
    (select relowner from pg_class where relname = 'seen' union all select proowner from pg_proc where proname = 'harmless') as o (owner)`
  const everybody = `select has_function_privilege('public', 'harmless()', 'execute')`
  await backup(production, [], 'dump', 'with-roles')

  // The second time on a server that never had the roles.
  for (const isGone of [false, true]) {
    if (isGone)
      for (const role of ['"a Reader"', 'app']) await production.sql(`drop owned by ${role}; drop role ${role}`)
    const { code, output } = await production.run('restore', current, '--from', 'with-roles', '--yes', '--no-backup')
    expect(code, output).toBe(0)
    expect(output).not.toContain('!')
    const [, old] = /the previous database is now (tickets_before_\w+)$/m.exec(output) ?? []
    await production.sql(`drop database ${old}`)
    expect(await production.sql(owners)).toBe('a Reader,a Reader')
    expect(await production.sql(everybody)).toBe('f')
    const logins = `select string_agg(rolname, ',' order by rolname) from pg_roles where rolcanlogin and rolname in ('a Reader', 'app')`
    expect(await production.sql(logins)).toBe(isGone ? 'app' : 'a Reader,app')
  }
})

test('a dump that is ahead of the release is restored for it, and one that disagrees with it is told as that', {
  timeout,
}, async ({ production }) => {
  await bringUpDatabase(production, await newer())
  await backup(production, [], 'dump', 'ahead')
  await production.sql(`update schemagate.ledger set checksum = repeat('0', 64) where name like '0002%'`)
  await backup(production, [], 'dump', 'edited')
  const restore = (name: string) => production.run('restore', current, '--from', name, '--yes', '--no-backup')

  await production.sql('alter role app nologin')
  const ahead = await restore('ahead')
  expect(ahead.code, ahead.output).toBe(0)
  expect(ahead.output).toContain('Restored: the database is at 9001_notes. It is ahead of test')
  expect(await production.sql(`select rolcanlogin from pg_roles where rolname = 'app'`)).toBe('t')

  const edited = await restore('edited')
  expect(edited.code, edited.output).toBe(1)
  expect(edited.output).toMatch(/The dump is restored, but .*disagree[\s\S]*0002_files_and_integrations/)
})

test('a database with any name is restored', { timeout }, async ({ production }) => {
  await bringUpDatabase(production)
  // The longest that there is, twice: a name that is made longer would be this database's own.
  for (const name of [`it's "a"=b ${'x'.repeat(52)}`, `x${'ß'.repeat(31)}`]) {
    expect(Buffer.byteLength(name)).toBe(63)
    const within = (statement: string) => psql(production, name, statement)
    await psql(production, 'postgres', `create database "${name.replaceAll('"', '""')}"`)
    await within('create table things (id int); insert into things values (1)')
    const variables = ['--env', `PGDATABASE=${name}`]
    await backup(production, variables, 'dump', 'one')
    await within('insert into things values (2)')
    const old = await backup(production, variables, 'restore', 'one')
    expect(await within('select count(*) from things')).toBe('1')
    expect(await psql(production, old, 'select count(*) from things')).toBe('2')
  }
})

async function bringUpDatabase(production: Production, release = current): Promise<void> {
  for (const args of [
    ['up', '--detach', '--no-deps', '--wait', 'postgres'],
    ['run', '--rm', '--no-deps', '-T', 'migrator', 'up'],
  ]) {
    const { exitCode, stdout, stderr } = await production.compose(release, ...args)
    expect(exitCode, stdout + stderr).toBe(0)
  }
}

/** A command of backup.sh, which must end well; returns what it printed. */
async function backup(production: Production, options: readonly string[], ...args: string[]): Promise<string> {
  const run = await production.compose(current, 'run', '--rm', '--no-deps', '-T', ...options, 'backup', ...args)
  expect(run.exitCode, run.stdout + run.stderr).toBe(0)
  return run.stdout.trim()
}

async function psql(production: Production, database: string, statement: string): Promise<string> {
  const [postgres] = await production.inspect('postgres')
  const command = ['psql', '-X', '-U', 'owner', '-v', 'ON_ERROR_STOP=1', '-Atqc', statement]
  const { exitCode, stdout, stderr } = await production.docker(
    ...['exec', '--env', `PGDATABASE=${database}`, postgres?.Id ?? '', ...command],
  )
  expect(exitCode, stderr).toBe(0)
  return stdout.trim()
}
