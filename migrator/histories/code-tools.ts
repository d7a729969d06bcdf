// Tools whose migrations are code: their histories can be taken over where the same migrations stand here as SQL or code.

import { alembic } from '../../gate/histories/alembic.ts'
import { dbMigrate } from '../../gate/histories/db-migrate.ts'
import { django } from '../../gate/histories/django.ts'
import { ecto } from '../../gate/histories/ecto.ts'
import { efCore, efCoreSnakeCase } from '../../gate/histories/ef-core.ts'
import { knex } from '../../gate/histories/knex.ts'
import { kysely } from '../../gate/histories/kysely.ts'
import { laravel } from '../../gate/histories/laravel.ts'
import { ley } from '../../gate/histories/ley.ts'
import { liquibase } from '../../gate/histories/liquibase.ts'
import { lucid } from '../../gate/histories/lucid.ts'
import { mikroOrm } from '../../gate/histories/mikro-orm.ts'
import { rails } from '../../gate/histories/rails.ts'
import { sequelize } from '../../gate/histories/sequelize.ts'
import { typeorm } from '../../gate/histories/typeorm.ts'
import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { byName, byNumber, crcOf, type FilesTool, insert, remove, writtenNumber } from './tool.ts'

const railsSalt = 2053462845n

export const codeTools: readonly FilesTool[] = [
  // `alembic upgrade A:B --sql > 0002_B.sql` changes alembic_version itself
  { tool: alembic, keyOf: ({ name }) => name.replace(/^\d+_/, '') },
  { tool: django, keyOf: () => undefined },
  { tool: liquibase, keyOf: () => undefined },
  {
    tool: rails,
    keyOf: byNumber,
    lockKeys: (_, database) => [(railsSalt * BigInt(crcOf(database))).toString()],
    writeRow: ({ table, file }) => insert(table, { version: writtenNumber(file) }),
    removeRow: ({ table, file }) => remove(table, 'version', writtenNumber(file)),
  },
  {
    tool: ecto,
    keyOf: byNumber,
    writeRow: ({ table, file }) =>
      insert(table, { version: file.key, inserted_at: "pg_catalog.timezone('UTC', pg_catalog.clock_timestamp())" }),
    removeRow: ({ table, file }) => remove(table, 'version', file.key),
  },
  {
    tool: laravel,
    keyOf: byName,
    writeRow: ({ table, file }) => insert(table, { migration: quoteLiteral(file.key), batch: '1' }),
    removeRow: ({ table, file }) => remove(table, 'migration', quoteLiteral(file.key)),
  },
  { tool: knex, keyOf: byName },
  // src/migration/runner.ts: acquireLock
  { tool: lucid, keyOf: byName, lockKeys: () => ['1'] },
  { tool: sequelize, keyOf: byName },
  { tool: dbMigrate, keyOf: byName },
  { tool: ley, keyOf: byName },
  // adapter of Postgres: held for the whole run
  { tool: kysely, keyOf: byName, lockKeys: () => ['3853314791062309107'] },
  // of Migration20240101000000_users
  { tool: mikroOrm, keyOf: byNumber, rowKey: key => /\d+/.exec(key)?.[0] ?? key },
  // the file's name has the time, and the class's only in another form
  { tool: typeorm, keyOf: byNumber, rowKey: key => key.slice(0, key.indexOf('.')) },
  { tool: efCore, keyOf: byName },
  { tool: efCoreSnakeCase, keyOf: byName },
]
