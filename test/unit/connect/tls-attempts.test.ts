// The ways in which a connection is tried, by sslmode, and which refusal lets the next one be tried.

import { expect, test } from 'vitest'
import type { Endpoint, Target } from '../../../gate/postgres/target.ts'
import { isTlsRefusal, tlsAttempts } from '../../../gate/postgres/tls.ts'

const endpoint: Endpoint = { host: 'db', port: 5432 }
const attempts = (target: Partial<Target>, at = endpoint) =>
  // no certificate of whoever runs the tests
  tlsAttempts({ sslCert: false, ...target } as Target, at).map(attempt => attempt !== false)

const bound = { channelBinding: 'require', methods: undefined } as NonNullable<Target['authentication']>

test.for([
  ['disable', {}, [false]],
  ['allow', {}, [false, true]],
  ['prefer', {}, [true]],
  ['require', {}, [true]],
  // without TLS there is nothing to bind a login to
  ['allow', { authentication: bound }, [true]],
  ['prefer', { authentication: bound }, [true]],
] as const)('sslmode=%s tries with TLS or without', ([sslMode, more, expected]) => {
  expect(attempts({ sslMode, ...more })).toEqual(expected)
  expect(attempts({ sslMode, ...more }, { ...endpoint, host: '/run/postgresql' })).toEqual([false])
})

test('the next way is tried where the server lets nobody in without TLS, and for no other reason', () => {
  const refusal = (code: string) => Object.assign(new Error('no pg_hba.conf entry'), { code })
  expect(isTlsRefusal(refusal('28000'), false)).toBe(true)
  expect(isTlsRefusal(refusal('28P01'), false)).toBe(false)
  expect(isTlsRefusal(refusal('28000'), { rejectUnauthorized: false })).toBe(false)
  expect(isTlsRefusal(refusal('28000'), true)).toBe(false)
})

test("an app's own certificate is read unless sslcertmode is disable", () => {
  expect(attempts({ sslMode: 'require', sslCert: false })).toEqual([true])
  expect(() => attempts({ sslMode: 'require', sslCert: '/nowhere/c.crt', sslKey: '/nowhere/c.key' })).toThrow(
    'sslcert: /nowhere/c.crt cannot be read (ENOENT).',
  )
})
