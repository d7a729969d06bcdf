// Tools whose migrations are programs, or descriptions in their own format. None is read; errors name the tool.

import { blankOrComment, headOf } from './head.ts'
import type { Tool } from './tool.ts'

const sequelize: Tool = {
  name: 'sequelize',
  title: 'Sequelize',
  module: /\bqueryInterface\b|\bsequelize\b/i,
  tables: ['SequelizeMeta'],
}

const typeorm: Tool = { name: 'typeorm', title: 'TypeORM', module: /\b(MigrationInterface|QueryRunner)\b/i }

const mikroOrm: Tool = {
  name: 'mikro-orm',
  title: 'MikroORM',
  module: /@mikro-orm\//,
  tables: ['mikro_orm_migrations'],
  code: [{ pattern: /(?:^|\/)Migration\d+.*\.[cm]?[jt]s$/, text: /@mikro-orm\// }],
}

const lucid: Tool = {
  name: 'lucid',
  title: 'Lucid',
  module: /@adonisjs\/lucid|@ioc:Adonis\/Lucid/,
  tables: ['adonis_schema', 'adonis_schema_versions'],
}

/** Where Sequelize's is not what it is given. */
const umzug: Tool = { name: 'umzug', title: 'Umzug', module: /\bup\b[^()]*\(\s*\{[^}]*\bcontext\b/ }

const dbMigrate: Tool = {
  name: 'db-migrate',
  title: 'db-migrate',
  module:
    /\bdb,\s*(?:callback|cb|done)\b|\bdb\.(?:runSql|(?:create|drop|rename)Table|(?:add|remove|rename|change)(?:Column|Index|ForeignKey))\b/,
}

const kysely: Tool = {
  name: 'kysely',
  title: 'Kysely',
  module: /\bkysely\b|\bdb\.schema\b/i,
  tables: ['kysely_migration', 'kysely_migration_lock'],
}

const knex: Tool = {
  name: 'knex',
  title: 'Knex',
  module: /\bknex\b/i,
  tables: ['knex_migrations', 'knex_migrations_lock'],
}

const rails: Tool = {
  name: 'rails',
  title: 'Rails',
  tables: ['ar_internal_metadata'],
  code: [{ pattern: /\.rb$/i, text: /\bActiveRecord::Migration\b/ }],
}

const sequel: Tool = {
  name: 'sequel',
  title: 'Sequel',
  tables: ['schema_info'],
  code: [{ pattern: /\.rb$/i, text: /\bSequel\.migration\b/ }],
}

const django: Tool = {
  name: 'django',
  title: 'Django',
  tables: ['django_migrations'],
  code: [{ pattern: /\.py$/i, text: /\bdjango\.db\b/ }],
}

const alembic: Tool = {
  name: 'alembic',
  title: 'Alembic',
  tables: ['alembic_version'],
  code: [{ pattern: /\.py$/i, text: /\bdown_revision\b|\bfrom alembic\b|\bimport alembic\b/ }],
}

const yoyo: Tool = {
  name: 'yoyo',
  title: 'yoyo',
  tables: ['_yoyo_migration', '_yoyo_log'],
  code: [{ pattern: /\.py$/i, text: /\byoyo\b/ }],
}

const ecto: Tool = {
  name: 'ecto',
  title: 'Ecto',
  code: [{ pattern: /\.exs?$/i, text: /\bEcto\.Migration\b/ }],
}

const laravel: Tool = {
  name: 'laravel',
  title: 'Laravel',
  code: [{ pattern: /\.php$/i, text: /\bIlluminate\\Database\b/ }],
}

const doctrine: Tool = {
  name: 'doctrine',
  title: 'Doctrine',
  tables: ['doctrine_migration_versions'],
  code: [{ pattern: /\.php$/i, text: /\bDoctrine\\Migrations\b|\bAbstractMigration\b(?![\s\S]*\bPhinx\b)/ }],
}

const phinx: Tool = {
  name: 'phinx',
  title: 'Phinx',
  tables: ['phinxlog'],
  code: [{ pattern: /\.php$/i, text: /\bPhinx\\/ }],
}

const efCore: Tool = {
  name: 'ef-core',
  title: 'EF Core',
  tables: ['__EFMigrationsHistory'],
  code: [{ pattern: /\.cs$/i, text: /\bEntityFrameworkCore\b/ }],
}

const pop: Tool = {
  name: 'pop',
  title: 'Pop (soda)',
  tables: ['schema_migration'],
  code: [{ pattern: /\.fizz$/i }],
}

const pgroll: Tool = {
  name: 'pgroll',
  title: 'pgroll',
  code: [{ pattern: /\.(?:json|ya?ml)$/i, text: /(?:^|[{,])\s*"?operations"?\s*:/m }],
}

const reshape: Tool = {
  name: 'reshape',
  title: 'Reshape',
  code: [{ pattern: /\.(?:toml|json)$/i, text: /^\s*\[\[actions\]\]|"actions"\s*:/m }],
}

/** Its files are SQL; what stands in their first comments only it can do. */
const codd: Tool = {
  name: 'codd',
  title: 'codd',
  contents: [
    {
      isIn: source => /^--[ \t]*codd-(?:connection|env-vars):/m.test(headOf(source, blankOrComment)),
      what: 'is for another connection, or has variables, as its line `-- codd-...:` says, and only codd goes by that. Write the values themselves; if it is for another database, leave it out with --ignore.',
    },
  ],
}

const upgrade = /^-- (?:v(\d+) -> )?v(\d+)(?: \(compatible with v\d+\+\))?: /

/** Its files are SQL; which of them a database gets, and which lines, only it knows. */
const dbutil: Tool = {
  name: 'dbutil',
  title: "mautrix's dbutil",
  contents: [
    {
      isIn(source) {
        const [, from, to] = upgrade.exec(source) ?? []
        return from !== undefined && Number(to) !== Number(from) + 1
      },
      what: "is run by mautrix's dbutil in place of the files for the versions between, as its first line (`-- v... -> v...:`) says; schemagate would run both. Copy what a new database needs into a folder of its own: this file without that line, then those that begin where it ends.",
    },
    {
      isIn: source => upgrade.test(source) && otherLines.test(source),
      what: "has lines for one kind of database (`-- only: ...`), and only mautrix's dbutil goes by that. Leave in it what is for Postgres.",
    },
  ],
}

/** Those for another database, and those for Postgres that are comments to all others. */
const otherLines = /^[ \t]*-- only: (?:sqlite\b(?!.*\(lines? commented\))|postgres\b.*\(lines? commented\))/m

export const codeTools: readonly Tool[] = [
  ...[sequelize, umzug, typeorm, mikroOrm, lucid, dbMigrate, kysely, knex],
  ...[rails, sequel, django, alembic, yoyo, ecto, laravel, phinx, doctrine, efCore, pop, pgroll, reshape, codd, dbutil],
]
