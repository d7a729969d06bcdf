// What says that a connection is lost, so that trying again may help.

import pg from 'pg'
import { expect, test } from 'vitest'
import { isConnectionLoss } from '../../../gate/postgres/sqlstate.ts'

function pooler(message: string): Error {
  return Object.assign(new pg.DatabaseError(message, 0, 'error'), { code: '08P01', severity: 'FATAL' })
}

test.for([
  ['server conn crashed?', true],
  ['invalid server parameter', true],
  ['no more connections allowed (max_client_conn)', true],
  ['the database system is starting up', true],
  ['the database system is not yet accepting connections', true],
  ['sorry, too many clients already', true],
  ['too many connections for role "owner"', true],
  ['remaining connection slots are reserved for non-replication superuser connections', true],
  ['query_wait_timeout', true],
  ['client_login_timeout (server down)', true],
  ['unsupported startup parameter: search_path', false],
] as const)('PgBouncer\'s "%s": %s', ([message, isLoss]) => {
  expect(isConnectionLoss(pooler(message))).toBe(isLoss)
})

test.for([
  ['connect', true],
  ['open', false],
] as const)('what is not there at "%s": %s', ([syscall, isLoss]) => {
  expect(isConnectionLoss(Object.assign(new Error('ENOENT'), { code: 'ENOENT', syscall }))).toBe(isLoss)
})
