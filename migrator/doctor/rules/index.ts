// All rules, in the order in which doctor reports: what lets a wrong schema be served comes first.

import { appHealthcheckWithoutSchema } from './app-healthcheck-without-schema.ts'
import { chainIgnoresFailure } from './chain-ignores-failure.ts'
import { dbShortForm } from './db-short-form.ts'
import { fixedStep } from './fixed-step.ts'
import { floatingTag } from './floating-tag.ts'
import { healthcheckAsksNothing } from './healthcheck-asks-nothing.ts'
import { healthcheckBySocket } from './healthcheck-by-socket.ts'
import { healthcheckOtherDatabase } from './healthcheck-other-database.ts'
import { healthcheckUnused } from './healthcheck-unused.ts'
import { initdbMigration } from './initdb-migration.ts'
import { migrateInApp } from './migrate-in-app.ts'
import { migratorByHand } from './migrator-by-hand.ts'
import { noDbHealthcheck } from './no-db-healthcheck.ts'
import { noMigrationSeen } from './no-migration-seen.ts'
import { noVolume } from './no-volume.ts'
import { obsoleteVersion } from './obsolete-version.ts'
import { oneRole } from './one-role.ts'
import { oneShotIdles } from './one-shot-idles.ts'
import { oneShotRestarts } from './one-shot-restarts.ts'
import { oneShotShortForm } from './one-shot-short-form.ts'
import { passwordInUrl } from './password-in-url.ts'
import { passwordLiteral } from './password-literal.ts'
import { portPublished } from './port-published.ts'
import { replicasMigrate } from './replicas-migrate.ts'
import { restartTrue } from './restart-true.ts'
import type { Rule } from './rule.ts'
import { shortPatience } from './short-patience.ts'
import { siblingUngated } from './sibling-ungated.ts'
import { slowHealthcheck } from './slow-healthcheck.ts'
import { ungatedClient } from './ungated-client.ts'
import { unquotedNo } from './unquoted-no.ts'
import { waitBySleep } from './wait-by-sleep.ts'

export const rules: readonly Rule[] = [
  ungatedClient,
  oneShotShortForm,
  siblingUngated,
  migratorByHand,
  initdbMigration,
  chainIgnoresFailure,
  oneShotRestarts,
  oneShotIdles,
  unquotedNo,
  noMigrationSeen,
  migrateInApp,
  replicasMigrate,
  noDbHealthcheck,
  healthcheckUnused,
  healthcheckBySocket,
  healthcheckAsksNothing,
  healthcheckOtherDatabase,
  slowHealthcheck,
  shortPatience,
  dbShortForm,
  waitBySleep,
  noVolume,
  appHealthcheckWithoutSchema,
  fixedStep,
  oneRole,
  passwordLiteral,
  passwordInUrl,
  portPublished,
  floatingTag,
  restartTrue,
  obsoleteVersion,
]
