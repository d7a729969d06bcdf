// Releases: pairs of images like those under test, built with other migrations.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { $ } from 'zx'
import { environment, root } from './project.ts'

/** The images of one release, as an override of the compose file names them. */
export interface Release {
  readonly app: { readonly image: string }
  readonly migrator: { readonly image: string }
}

const tag = environment.IMAGE_TAG

/** The release under test itself. */
export const current: Release = {
  app: { image: `schemagate-app:${tag}` },
  migrator: { image: `schemagate-migrator:${tag}` },
}

/** Both images get their manifest from the same files, as in the real Dockerfile; the rest of them is as it was. */
const dockerfile = `
FROM ${current.migrator.image} AS files
COPY migrations /migrations
RUN node /schemagate/schemagate.cjs manifest >/tmp/manifest.json

FROM ${current.migrator.image} AS migrator
COPY migrations /migrations
COPY --from=files /tmp/manifest.json /schemagate/

FROM ${current.app.image} AS app
COPY --from=files /tmp/manifest.json /app/dist/
`

/** Builds a release with these files added to the real migrations. A second time it is in the engine's cache. */
async function release(
  name: string,
  files: Readonly<Record<string, string>>,
  { appRuns = '' }: { readonly appRuns?: string } = {},
): Promise<Release> {
  const context = await mkdtemp(join(tmpdir(), 'schemagate-release-'))
  const build = async (target: 'app' | 'migrator') => {
    const image = `schemagate-${target}:${tag}-${name}`
    await $({ cwd: context, quiet: true })`docker build --quiet --target ${target} --tag ${image} .`
    return { image }
  }
  try {
    // Instead of the app itself.
    const entrypoint = appRuns === '' ? '' : `ENTRYPOINT ["node", "-e", ${JSON.stringify(appRuns)}]\n`
    await writeFile(join(context, 'Dockerfile'), dockerfile + entrypoint)
    await cp(join(root, 'migrator/migrations'), join(context, 'migrations'), { recursive: true })
    for (const [file, text] of Object.entries(files)) await writeFile(join(context, 'migrations', file), text)
    return { migrator: await build('migrator'), app: await build('app') }
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

const notes = {
  '9001_notes.sql': `-- migrate:up
create table notes (id bigint generated always as identity primary key, body text not null);
alter table tickets add column note_count integer not null default 0;
`,
}

/** What is new in it harms no older app. It fails where there is a table `notes` already. */
export const newer = () => release('newer', notes)

/** The one after it, which can never be applied. */
export const failing = () =>
  release('failing', { ...notes, '9002_fails.sql': '-- migrate:up\ninsert into notes (body) values (null);\n' })

const moment = {
  '9001_moment.sql': `-- schemagate:breaking
-- migrate:up
create table moment as select clock_timestamp() as at;
`,
}

/** Apps that do not know its migration must not run on it. It leaves behind when it ran. */
export const breaking = () => release('breaking', moment)

/** Another history: a migration that every release has, with other content. */
export const rewritten = async () => {
  const file = '0002_files_and_integrations.sql'
  const text = await readFile(join(root, 'migrator/migrations', file), 'utf8')
  return release('rewritten', { [file]: `${text}\n-- An afterthought.\n` })
}

const neverHealthy = {
  appRuns: "console.log('stuck'); process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)",
}

/** The same as `newer`, with an app that never becomes healthy. */
export const stuck = () => release('stuck', notes, neverHealthy)

/** The one after `breaking`, which breaks as well, and whose app never becomes healthy. */
export const stuckBreaking = () =>
  release(
    'stuck-breaking',
    { ...moment, '9002_again.sql': '-- schemagate:breaking\n-- migrate:up\ndrop table moment;\n' },
    neverHealthy,
  )

/** Two migrations that end only once there is a table `go`: one in a transaction, and one that runs step by step. */
export const halting = () =>
  release('halting', {
    '9001_whole.sql': `-- migrate:up
create table whole (id int);
select pg_sleep(60) where to_regclass('public.go') is null;
`,
    '9002_steps.sql': `-- migrate:up transaction:false
create table first_step (id int);
select pg_sleep(60) where (select count(*) from go) < 2;
create table second_step (id int);
`,
  })
