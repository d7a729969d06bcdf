// The tools whose folders are known, and the questions about all of them.

import { didYouMean } from '../../../gate/did-you-mean.ts'
import { atlas } from './atlas.ts'
import { cigogne } from './cigogne.ts'
import { codeTools } from './code-tools.ts'
import { dbmate } from './dbmate.ts'
import { diesel } from './diesel.ts'
import { drizzle } from './drizzle.ts'
import { flyway } from './flyway.ts'
import { golangMigrate } from './golang-migrate.ts'
import { goose, micrate } from './goose.ts'
import { graphileMigrate } from './graphile-migrate.ts'
import { hasura } from './hasura.ts'
import { liquibase } from './liquibase.ts'
import { morph } from './morph.ts'
import { mybatis } from './mybatis.ts'
import { native } from './native.ts'
import { nodePgMigrate } from './node-pg-migrate.ts'
import { play } from './play.ts'
import { postgrator } from './postgrator.ts'
import { postgresMigrations } from './postgres-migrations.ts'
import { prisma } from './prisma.ts'
import { rambler } from './rambler.ts'
import { refinery } from './refinery.ts'
import { sqitch } from './sqitch.ts'
import { sqlMigrate } from './sql-migrate.ts'
import { sqlx } from './sqlx.ts'
import { supabase } from './supabase.ts'
import { tern } from './tern.ts'
import type { Listing, Tool } from './tool.ts'

/** Those whose folders are read. Where two could recognise a folder, the first one does. */
export const layouts: readonly Tool[] = [
  native,
  ...[dbmate, golangMigrate, goose, micrate, sqlMigrate, nodePgMigrate],
  ...[drizzle, prisma, hasura, diesel, sqlx, flyway, refinery, atlas],
  ...[graphileMigrate, postgresMigrations, postgrator, play, tern, mybatis, rambler, morph, supabase, cigogne],
]

export const tools: readonly Tool[] = [...layouts, liquibase, sqitch, ...codeTools]

/** The tool of that name, as it is written after `--layout`. */
export function layoutNamed(name: string): Tool | undefined {
  return layouts.find(tool => tool.name === name)
}

/** What is wrong with a name after `--layout`, as the end of a sentence; undefined: nothing. */
export function layoutProblem(name: string): string | undefined {
  if (layoutNamed(name)) return undefined
  const known = layouts.map(tool => tool.name)
  const refused = tools.find(tool => tool.name === name)
  if (refused) return `is "${name}", whose migrations only ${refused.title} itself can run.`
  return `is "${name}", but must be one of ${known.join(', ')}.${didYouMean(name.toLowerCase(), known)}`
}

/** The tool whose folder this certainly is, by what is in it; its files' marks are another question. */
export function recognise(listing: Listing): Tool | undefined {
  return layouts.find(tool => tool.recognise?.(listing))
}

/** What is wrong with a folder of a tool that is not read, as the end of a sentence that begins with the folder's name. */
export function refusedWhole(listing: Listing): string | undefined {
  return liquibase.refuses?.(listing) ?? sqitch.refuses?.(listing)
}

/** The tool whose folder this may be, where nothing says whose it certainly is. */
export function presume(listing: Listing): Tool | undefined {
  return layouts.find(tool => tool.presume?.(listing))
}

/** The tool whose file this certainly is, by its text. */
export function ownerOf(source: string): Tool | undefined {
  return layouts.find(tool => tool.ownsFile?.(source))
}

/** The tools that have a history table of that name (`schema.table` or `table`). */
export function toolsWithTable(table: string): readonly Tool[] {
  const ofName = (wanted: string) => tools.filter(tool => tool.tables?.includes(wanted))
  const exact = ofName(table)
  return exact.length > 0 ? exact : ofName(table.slice(table.lastIndexOf('.') + 1))
}
