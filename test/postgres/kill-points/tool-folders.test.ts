// Kill points in folders of other tools: whatever their forms, a run that was killed is finished by the next one.

import { inject } from 'vitest'
import { test } from '../../helpers/database.ts'
import {
  type KillPoint,
  type Moment,
  type NamedPoint,
  type Outcome,
  tryPoint,
  undisturbed,
} from '../../helpers/kill-point.ts'
import { inScratch, judge, long, pointsOf, seed, timeout } from '../../helpers/kill-run.ts'
import { folder } from '../../helpers/migrations.ts'
import { journal } from '../../helpers/tool-folders.ts'

const count = (step: string) => `insert into tally (step) values ('${step}');\n`
const first = 'create table tally (step text not null);\ncreate table t (a int);\n'
const alone = 'create index concurrently t_a on t (a);\n'

const folders: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // one stands in for two, and those are recorded
  flyway: {
    'V1__a.sql': 'select 1/0;',
    'V2__b.sql': 'select 1/0;',
    'B2__base.sql': `${first}${count('B2')}`,
    'V3__c.sql': `${alone}${count('V3')}`,
    'V3__c.sql.conf': 'executeInTransaction=false\n',
    'R__z.sql': count('R'),
  },
  atlas: {
    '1.sql': 'select 1/0;',
    '2.sql': `-- atlas:checkpoint\n\n${first}${count('2')}`,
    '3.sql': count('3'),
    'atlas.sum': '',
  },
  drizzle: {
    '0000_a.sql': `create table tally (step text not null)\n--> statement-breakpoint\ncreate table t (a int)\n`,
    '0001_attic.sql': 'select 1/0;',
    '0002_c.sql': `insert into tally values ('2')\n--> statement-breakpoint\n${alone}`,
    'meta/_journal.json': journal('0000_a', '0002_c'),
  },
  play: {
    '1.sql': `# --- !Ups\n${first}\n# --- !Downs\ndrop table t;\n`,
    '2.sql': `# --- !Ups\n${count('2')}# --- !Downs\nselect 1/0;\n# --- !Ups\n${count('2b')}`,
  },
  diesel: {
    '2024-01-01-000000_a/up.sql': first,
    '2024-01-02-000000_b/up.sql': `${alone}${count('b')}`,
    '2024-01-02-000000_b/metadata.toml': 'run_in_transaction = false\n',
  },
  'sql-migrate': {
    '1.sql': `-- +migrate Down\nselect 1/0;\n-- +migrate Up\n${first}`,
    '2.sql': `-- +migrate Up notransaction\n${alone}-- +migrate Down\nselect 1/0;\n-- +migrate Up\n${count('2')}`,
  },
  postgrator: { '1.do.a.sql': first, '1.undo.a.sql': 'drop table t;', '2.do.sql': count('2') },
  prisma: { '20240915000000_a/migration.sql': first, '20241231_b/migration.sql': count('b') },
  dbmate: {
    '20240101000000_a.sql': `-- migrate:up\n${first}-- migrate:down\nselect 1/0;\n`,
    '20240102000000_b.sql': `-- migrate:up transaction:false\n${alone}${count('b')}-- migrate:down\nselect 1/0;\n`,
  },
  'golang-migrate': {
    '1_a.up.sql': first,
    '1_a.down.sql': 'select 1/0;',
    '2_b.up.sql': `begin;\n${count('b')}commit;\n`,
    '2_b.down.sql': 'select 1/0;',
  },
  goose: {
    '1_a.sql': `-- +goose Up\n${first}-- +goose Down\nselect 1/0;\n`,
    '2_b.sql': `-- +goose NO TRANSACTION\n-- +goose Up\n${alone}${count('b')}-- +goose Down\nselect 1/0;\n`,
  },
  'node-pg-migrate': {
    '1700000000000_a.sql': `-- Down Migration\nselect 1/0;\n-- Up Migration\n${first}`,
    '1700000000001_b.sql': `-- Up Migration\n${count('b')}-- Down Migration\nselect 1/0;\n`,
  },
  sqlx: { '1_a.sql': first, '2_b.sql': `-- no-transaction\n${alone}${count('b')}` },
  tern: {
    '001_a.sql': `${first}---- create above / drop below ----\nselect 1/0;\n`,
    '002_b.sql': `---- tern: disable-tx ----\n${alone}${count('b')}---- create above / drop below ----\nselect 1/0;\n`,
  },
  mybatis: {
    '20240101000000_a.sql': `${first}-- //@UNDO\nselect 1/0;\n`,
    '20240102000000_b.sql': `${count('b')}-- //@UNDO\nselect 1/0;\n`,
  },
  rambler: {
    '01_a.sql': `-- rambler up\n${first}-- rambler down\nselect 1/0;\n`,
    '02_b.sql': `-- rambler up\n${count('b')}-- rambler down\nselect 1/0;\n`,
  },
  cigogne: {
    '20240101000000-a.sql': `--- migration:up\n${first}--- migration:down\nselect 1/0;\n--- migration:end\n`,
    '20240102000000-b.sql': `--- migration:up\n${count('b')}--- migration:down\nselect 1/0;\n--- migration:end\n`,
  },
  'graphile-migrate': {
    '000001.sql': `--! Previous: -\n--! Hash: sha1:0000000000000000000000000000000000000000\n\n${first}`,
    '000002.sql': `--! Previous: sha1:0000000000000000000000000000000000000000\n--! Hash: sha1:1111111111111111111111111111111111111111\n\n${count('2')}`,
  },
  'postgres-migrations': {
    '1_a.sql': first,
    '2_b.sql': `-- postgres-migrations disable-transaction\n${alone}${count('b')}`,
  },
  hasura: {
    '1700000000000_a/up.sql': first,
    '1700000000000_a/down.sql': 'select 1/0;',
    '1700000000001_b/up.sql': count('b'),
  },
  morph: { '000001_a.up.sql': first, '000002_b.up.sql': `-- morph:nontransactional\n${alone}${count('b')}` },
  refinery: { 'V1__a.sql': first, 'V2__b.sql': count('b') },
  supabase: { '20240101000000_a.sql': first, '20240102000000_b.sql': count('b') },
  micrate: {
    '1_a.sql': `-- +micrate Up\n${first}-- +micrate Down\nselect 1/0;\n`,
    '2_b.sql': `-- +micrate Up\n${count('b')}-- +micrate Down\nselect 1/0;\n`,
  },
}

/** Of what stands in for older migrations: struck when it is committed, and those are not yet recorded. */
const standsIn: Readonly<Record<string, string>> = { flyway: `values ('B2')`, atlas: `values ('2')` }

const moments: readonly Moment[] = ['before', 'after', 'answered']

test('a run killed at any message is finished by the next one, in a folder of each tool', { timeout }, async ({
  admin,
}) => {
  const started = performance.now()
  const server = inject('postgres').url
  const outcomes: Outcome[] = []
  for (const [i, [tool, files]] of Object.entries(folders).entries()) {
    const statement = standsIn[tool]
    // half of the others in an ordinary run, by the seed
    if (!long && statement === undefined && i % 2 !== seed % 2) continue
    const dir = await folder(files)
    const reference = await inScratch(admin, server, url => undisturbed({ url, dir }))
    const all = reference.messages.length
    // one point a folder, further on in each
    const one: KillPoint = {
      cause: 'SIGKILL',
      moment: moments[i % 3] ?? 'before',
      index: Math.ceil((all * ((i % 9) + 1)) / 10),
    }
    const points: (KillPoint | NamedPoint)[] = long ? pointsOf('SIGKILL', all, 1) : [one]
    if (statement !== undefined) points.push({ cause: 'SIGKILL', moment: 'answered', statement })
    for (const point of points)
      outcomes.push(await inScratch(admin, server, url => tryPoint({ url, dir }, point, reference.end)))
  }
  judge('folders of each tool', outcomes, started)
})
