// What can have become of the histories in test/fixtures/histories, in SQL.

import type { ScratchDatabase } from './database.ts'
import { historySql } from './histories.ts'

/** Tools that keep the newest alone. */
export const newestOnly = new Set(['golang-migrate', 'tern', 'alembic'])
/** Takes the newest two of four migrations out of each history. */
export const newestTwoGone: Readonly<Record<string, string>> = {
  alembic: `update alembic_version set version_num = 'b2b2b2b2b2b2'`,
  atlas: `delete from atlas_schema_revisions.atlas_schema_revisions where version > '20240103'`,
  dbmate: `delete from schema_migrations where version > '20240103'`,
  'db-migrate': 'delete from migrations where id > 2',
  diesel: `delete from __diesel_schema_migrations where version > '20240103'`,
  django: `delete from django_migrations where name > '0003'`,
  drizzle: 'delete from drizzle.__drizzle_migrations where id > 2',
  ecto: 'delete from schema_migrations where version > 20240103000000 - 1',
  'ef-core': `delete from "__EFMigrationsHistory" where "MigrationId" > '20240103'`,
  flyway: `delete from flyway_schema_history where version in ('1.10', '2.1')`,
  'golang-migrate': 'update schema_migrations set version = 2',
  goose: 'delete from goose_db_version where version_id > 2',
  'graphile-migrate': `delete from graphile_migrate.migrations where filename > '000003'`,
  knex: 'delete from knex_migrations where id > 2',
  kysely: `delete from kysely_migration where name > '20240103'`,
  laravel: 'delete from migrations where id > 2',
  ley: 'delete from migrations where id > 2',
  liquibase: 'delete from databasechangelog where orderexecuted > 2',
  lucid: 'delete from adonis_schema where id > 2',
  'mikro-orm': 'delete from mikro_orm_migrations where id > 2',
  morph: 'delete from db_migrations where version > 2',
  'node-pg-migrate': 'delete from pgmigrations where id > 2',
  play: 'delete from play_evolutions where id > 2',
  postgrator: 'delete from schemaversion where version > 2',
  'postgres-migrations': 'delete from migrations where id > 2',
  prisma: `delete from _prisma_migrations where migration_name > '20240103'`,
  rails: `delete from schema_migrations where version > '20240103'`,
  refinery: 'delete from refinery_schema_history where version > 2',
  sequelize: `delete from "SequelizeMeta" where name > '20240103'`,
  'sql-migrate': `delete from gorp_migrations where id > '20240103'`,
  sqitch: `delete from sqitch.changes where change in ('comments', 'tags')`,
  sqlx: 'delete from _sqlx_migrations where version > 20240103000000 - 1',
  supabase: `delete from supabase_migrations.schema_migrations where version > '20240103'`,
  tern: 'update schema_version set version = 2',
  typeorm: 'delete from migrations where id > 2',
  yoyo: `delete from _yoyo_migration where migration_id > '0003'`,
}

/** Leaves the newest migration half-done, or the tool's lock held, and the exit code that this has. */
export const halfDone: Readonly<Record<string, readonly [sql: string, code: number]>> = {
  atlas: [`update atlas_schema_revisions.atlas_schema_revisions set applied = 0 where version like '20240104%'`, 6],
  flyway: [`update flyway_schema_history set success = false where version = '2.1'`, 6],
  'golang-migrate': ['update schema_migrations set dirty = true', 6],
  'graphile-migrate': [`insert into graphile_migrate.current (content) values ('select 1')`, 4],
  knex: ['update knex_migrations_lock set is_locked = 1', 4],
  play: [`update play_evolutions set state = 'applying_up', last_problem = 'no such table' where id = 4`, 6],
  prisma: [`update _prisma_migrations set finished_at = null where migration_name like '20240104%'`, 6],
  sqlx: ['update _sqlx_migrations set success = false where version = 20240104000000', 6],
  yoyo: ['insert into yoyo_lock values (1, now(), 1)', 4],
}

/** Histories that are in a schema of their own. */
export const ownSchema = new Set(['atlas', 'drizzle', 'graphile-migrate', 'sqitch', 'supabase'])

/** Empties the database: the public schema as a new database has it, and nothing else. */
export async function emptied(database: ScratchDatabase): Promise<void> {
  await database.query(`do $$ declare s text; begin
    for s in select nspname from pg_namespace where nspname !~ '^(pg_|information_schema)' loop execute format('drop schema %I cascade', s); end loop;
    create schema public; end $$`)
}

export function elsewhere(tool: string): string {
  return `create schema ops; ${historySql(tool).replaceAll('public.', 'ops.')}`
}
