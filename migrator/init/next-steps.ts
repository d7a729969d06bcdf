// What init leaves to do: the image that migrates, and the gate, since an overlay orders nothing but the start.

import { join, relative, resolve } from 'node:path'
import type { Stack } from '../doctor/model/stack.ts'
import { readSmall } from '../doctor/startup/build-context.ts'
import type { Brought, Choice } from './plan.ts'

/** For a terminal, with an empty line before and behind it. */
export function nextSteps({ compose }: Stack, { database, way, brought }: Choice): string {
  const env =
    'COMPOSE_FILE in .env has plain `docker compose` take the overlay. Where .env is not in the repository, every checkout and every server needs that line.'
  const gate =
    'Compose orders a start by `up` alone. After a restart, a reboot or a restored backup it is the gate that keeps an app from serving: in the app (docs/gate.md), or before it (docs/gate-service.md)'
  // what migrates is the project's own, or schemagate already
  if (way === undefined || way.command !== undefined)
    return `\n${env}\n\n${gate}; where another tool migrates, with \`schemagate follow\` (docs/follow.md).\n`
  const context = database.apps[0]?.context.context ?? compose.directory
  const mounts = brought?.mounts ?? [{ source: way.folder, target: '/migrations' }]
  const copies = mounts.map(({ source, target }) => [relative(context, resolve(compose.directory, source)), target])
  return `
The migrator's image is built once:

  npm install --save-dev schemagate
  docker build --tag schemagate-migrator node_modules/schemagate
${way.writtenFor === undefined ? '' : instead(way.writtenFor)}${brought ? taken(brought) : ''}
${env}

${gate}.
${[compose.directory, context].some(hasDriver) ? linesOfGate(copies) : ''}`
}

/** Two tools with one folder: the other one would find tables that it has not made. */
function instead(tool: string): string {
  return `
The files are ${tool}'s, and schemagate applies them from now on: switch ${tool} off where the app starts it. A database that ${tool} has migrated is taken over once, with the command \`adopt\` of the migrator. To keep ${tool}: init --command COMMAND, and \`schemagate follow\` (docs/follow.md).
`
}

/** A database that exists already has the tables, and no ledger. */
function taken({ migrator }: Brought): string {
  return `
A database that has been started with these files has their tables already. It is taken over once, before its next \`up\`; NAME is the newest of them that it has:

  docker compose run --rm ${migrator} baseline NAME
`
}

/** A Node project, with a driver that the gate guards. */
function hasDriver(directory: string): boolean {
  const file = join(directory, 'package.json')
  return /"(pg|knex|sequelize|drizzle-orm|kysely|typeorm)"/.test(readSmall(file) ?? '')
}

/** @param copies of the migrations, from the app's build context */
function linesOfGate(copies: readonly (readonly string[])[]): string {
  return `
  npm install schemagate-gate

  FROM schemagate-migrator AS manifest                # in the app's Dockerfile, so that each build has its own
${copies.map(([from, to]) => `  COPY ${from} ${to}`).join('\n')}
  RUN node /schemagate/schemagate.cjs manifest > /tmp/manifest.json
  ...
  COPY --from=manifest /tmp/manifest.json manifest.json

  import { createGate, gateMiddleware, readManifest } from 'schemagate-gate'
  const gate = createGate({ url: process.env.DATABASE_URL, manifest: readManifest('manifest.json') })
  app.use(gateMiddleware(gate))     // Express; before all that it is to keep closed
`
}
