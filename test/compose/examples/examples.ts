// The projects of examples/: how each is asked, and what breaks its second migration.

import { closesOnDowngrade, tellsOfUnapplied } from './afterwards.ts'
import type { Project } from './fixture.ts'

export interface Example {
  readonly name: string
  /** The service that its compose file lets serve on an unmigrated database. */
  readonly app: string
  /** The second migration, and a text that fails in its place. */
  readonly migration: string
  readonly broken: string
  /** The one-shot in which the tool runs, where schemagate takes its place. */
  readonly migrator?: string
  /** What is seen when the tool takes a migration back. */
  afterwards?(project: Project): Promise<void>
  /** What its images are built from or run, besides Postgres. */
  readonly images: readonly string[]
  /** Run with every change; the others with TEST_LONG=1. */
  readonly isSample: boolean
}

const sql = 'alter table accounts add column full_name text;\n'
const debian = 'debian:trixie-slim'

export const examples: readonly Example[] = [
  {
    name: 'fastapi-alembic',
    app: 'api',
    migration: 'migrations/versions/9b2e7d61c804_full_name.py',
    broken: `from alembic import op

revision = "9b2e7d61c804"
down_revision = "4f1c0a52d3b7"


def upgrade() -> None:
    op.execute("${sql.trim()}")
`,
    afterwards: closesOnDowngrade,
    images: [debian],
    isSample: true,
  },
  {
    name: 'django',
    app: 'web',
    migration: 'accounts/migrations/0002_profile_full_name.py',
    broken: `from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL("${sql.trim()}")]
`,
    afterwards: tellsOfUnapplied,
    images: [debian],
    isSample: false,
  },
  {
    name: 'prisma',
    app: 'web',
    migration: 'prisma/migrations/20260402101500_full_name/migration.sql',
    broken: sql,
    migrator: 'migrate',
    images: ['node:26-trixie-slim'],
    isSample: false,
  },
  {
    name: 'goose',
    app: 'api',
    migration: 'migrations/00002_full_name.sql',
    broken: `-- +goose Up\n${sql}`,
    migrator: 'goose',
    images: [debian, 'ghcr.io/kukymbr/goose-docker:3.26.0'],
    isSample: false,
  },
  {
    name: 'golang-migrate',
    app: 'api',
    migration: 'migrations/000002_full_name.up.sql',
    broken: sql,
    migrator: 'migrate',
    images: [debian, 'migrate/migrate:v4.18.3'],
    isSample: true,
  },
  {
    name: 'flyway',
    app: 'reports',
    migration: 'sql/V2__full_name.sql',
    broken: sql,
    migrator: 'flyway',
    images: [debian, 'flyway/flyway:11'],
    isSample: false,
  },
]
