// Kill points in folders of other tools: whatever their forms, a run that was killed is finished by the next one.

import { inject } from 'vitest'
import { test } from '../helpers/database.ts'
import { type KillPoint, type Moment, type Outcome, tryPoint, undisturbed } from '../helpers/kill-point.ts'
import { inScratch, judge, long, pointsOf, timeout } from '../helpers/kill-run.ts'
import { folder } from '../helpers/migrations.ts'
import { journal } from '../helpers/tool-folders.ts'

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
}

const moments: readonly Moment[] = ['before', 'after', 'answered']

test('a run killed at any message is finished by the next one, in a folder of each tool', { timeout }, async ({
  admin,
}) => {
  const started = performance.now()
  const server = inject('postgres').url
  const outcomes: Outcome[] = []
  for (const [i, files] of Object.values(folders).entries()) {
    const dir = await folder(files)
    const reference = await inScratch(admin, server, url => undisturbed({ url, dir }))
    const all = reference.messages.length
    // one point a folder, further on in each; where a migration stands in for others, one more behind it
    const indices = [...new Set([Math.ceil((all * (i + 2)) / 11), ...(i < 2 ? [all - 3] : [])])]
    const points = long
      ? pointsOf('SIGKILL', all, 1)
      : indices.map((index, n): KillPoint => ({ cause: 'SIGKILL', moment: moments[(i + n) % 3] ?? 'before', index }))
    for (const point of points)
      outcomes.push(await inScratch(admin, server, url => tryPoint({ url, dir }, point, reference.end)))
  }
  judge('folders of each tool', outcomes, started)
})
