// Kill points of what a run does besides applying: reverting, and making the role that the app logs in with.

import pg from 'pg'
import { expect, inject } from 'vitest'
import { test } from '../../helpers/database.ts'
import { type Stage, tryPoint, undisturbed } from '../../helpers/kill-point.ts'
import { inScratch, judge, pointsOf, timeout, tryAll } from '../../helpers/kill-run.ts'
import { folder } from '../../helpers/migrations.ts'

const reversible = {
  '0001_base.sql': 'create table tally (step text); create table t (a int, b int); insert into t values (1, 1);',
  '0002_column.sql': `-- migrate:up
alter table t add column c int; insert into tally values ('0002');
-- migrate:down
delete from tally where step = '0002'; alter table t drop column c;
`,
  '0003_index.sql': `-- migrate:up
create index concurrently t_a on t (a);
insert into tally values ('0003');
-- migrate:down
drop index concurrently t_a;
delete from tally where step = '0003';
`,
  '0004_code.mjs': `
export async function up({ query }) { await query("insert into tally values ('0004')"); await query('create table u ()') }
export async function down({ query }) { await query("delete from tally where step = '0004'"); await query('drop table u') }
`,
  '0005_pair.up.sql': "create view v as select a from t; insert into tally values ('0005');",
  '0005_pair.down.sql': "delete from tally where step = '0005'; drop view v;",
}

for (const cause of ['SIGKILL', 'cut'] as const) {
  test(`a \`down\` struck by ${cause} at any message is finished by the next \`down\`, and undone by the next \`up\``, {
    timeout,
  }, async ({ admin }) => {
    const started = performance.now()
    const dir = await folder(reversible)
    const server = inject('postgres').url
    const command = ['down', '--to', '0001_base', '--yes']
    await inScratch(admin, server, async (migrated, template) => {
      const full = await undisturbed({ url: migrated, dir })
      const scratch = <T>(use: (url: string) => Promise<T>) => inScratch(admin, server, use, template)
      const reference = await scratch(url => undisturbed({ url, dir, command }))
      const points = pointsOf(cause, reference.messages.length, 4)
      const outcomes = await tryAll(points, 3, point =>
        scratch(url =>
          point.index % 8 < 4
            ? tryPoint({ url, dir, command }, point, reference.end)
            : tryPoint({ url, dir, command, next: ['up'] }, point, full.end),
        ),
      )
      judge(`down, ${cause}`, outcomes, started)
    })
  })
}

test('a run with nothing to do goes on when it loses its connection', { timeout }, async ({ admin }) => {
  const started = performance.now()
  const dir = await folder({ '0001_t.sql': 'create table tally (step text);', '0002_u.sql': 'create table u ();' })
  const server = inject('postgres').url
  await inScratch(admin, server, async (migrated, template) => {
    await undisturbed({ url: migrated, dir })
    const reference = await inScratch(admin, server, url => undisturbed({ url, dir }), template)
    // neither a lock nor a look at anything but the ledger
    expect(reference.messages.length).toBeLessThan(12)
    const outcomes = await tryAll(pointsOf('cut', reference.messages.length, 1), 3, point =>
      inScratch(admin, server, url => tryPoint({ url, dir }, point, reference.end), template),
    )
    judge('nothing to do, cut', outcomes, started)
  })
})

test('a run killed while it makes the role of the app leaves that to the next one', { timeout }, async ({ admin }) => {
  const started = performance.now()
  const dir = await folder({
    '0001_t.sql': "create table tally (step text); create table t (id serial); insert into tally values ('0001');",
    '0002_function.sql':
      "create function f() returns int language sql as 'select 1'; insert into tally values ('0002');",
  })
  const server = inject('postgres').url
  const inOwnRole = <T>(use: (stage: Stage & { role: string }) => Promise<T>) => {
    let role = ''
    return inScratch(admin, server, (url, name) => {
      role = `${name}_app`
      return use({ url, dir, role, env: { SCHEMAGATE_APP_ROLE: role, SCHEMAGATE_APP_PASSWORD: 'of-the-app' } })
    }).finally(() => admin.query(`drop role if exists ${role}`))
  }
  const reference = await inOwnRole(undisturbed)
  expect(reference.end.catalog).toContain('to the_role')
  const outcomes = await tryAll(pointsOf('SIGKILL', reference.messages.length, 4), 3, point =>
    inOwnRole(async own => {
      const outcome = await tryPoint(own, point, reference.end)
      const url = new URL(own.url)
      url.username = own.role
      url.password = 'of-the-app'
      const client = new pg.Client(url.href)
      await client.connect()
      await client.query('select * from t')
      await client.end()
      return outcome
    }),
  )
  judge('app role', outcomes, started)
})
