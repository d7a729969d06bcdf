// The app's password on its way to Postgres, and the statements that put its role right.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkAppRole } from '../../../migrator/app-role/index.ts'
import { saslprep } from '../../../migrator/app-role/saslprep.ts'
import { scramVerifier, verifies } from '../../../migrator/app-role/scram.ts'
import type { RoleAttributes, RoleState } from '../../../migrator/app-role/state.ts'
import { alterRole, createRole, ledgerStatements, roleNotes } from '../../../migrator/app-role/statements.ts'
import { UsageError } from '../../../migrator/errors.ts'

describe('a verifier', () => {
  test('is the one that RFC 7677 gives for its example', async () => {
    // Section 3: user "user", password "pencil". The keys follow from the proofs that it prints.
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
    expect(await scramVerifier('pencil', 4096, salt)).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    )
  })

  // more iterations than the server's own are derived aside
  test.for([100, 5_000])(
    'is known for its own password and no other, and has a salt of its own each time: %i',
    async iterations => {
      const verifier = await scramVerifier('secret', iterations)
      expect(verifier).toMatch(new RegExp(`^SCRAM-SHA-256\\$${iterations}:`))
      expect(await verifies(verifier, 'secret')).toBe(true)
      expect(await verifies(verifier, 'Secret')).toBe(false)
      expect(await scramVerifier('secret', iterations)).not.toBe(verifier)
      for (const other of ['', 'md5aaaa', 'SCRAM-SHA-256$x:y$z:w', verifier.slice(0, -2)]) {
        expect(await verifies(other, 'secret')).toBe(false)
      }
    },
  )
})

describe('saslprep', () => {
  test('does what RFC 4013 shows', () => {
    for (const [password, prepared] of [
      ['I\u00adX', 'IX'],
      ['user', 'user'],
      ['USER', 'USER'],
      ['\u00aa', 'a'],
      ['\u2168', 'IX'],
      ['a\u00a0b', 'a b'],
      ['ä', 'ä'],
      ['a\u0308', 'ä'],
      // As it is, in every client: nothing of it changes.
      ['pässword \u{1f3ab}', 'pässword \u{1f3ab}'],
    ]) {
      expect(saslprep(password!)).toBe(prepared)
    }
  })

  test('leaves ASCII as it is, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), password => {
        expect(saslprep(password)).toBe(password)
      }),
    )
  })

  test('gives nothing where clients would not agree', () => {
    for (const password of ['\u00ad', 'ﬁ\u200e', 'ﬁ\ue000', 'ﬁ\u0007', 'ﬁ\u{1f3ab}']) {
      expect(saslprep(password)).toBeUndefined()
    }
  })
})

const fine: RoleAttributes = {
  superuser: false,
  createdb: false,
  createrole: false,
  replication: false,
  bypassrls: false,
  login: true,
  expired: false,
  noConnections: false,
  owns: null,
  ownsHarmless: null,
  memberOf: [],
}
const state: RoleState = {
  me: 'owner',
  sessionUser: 'owner',
  superuser: false,
  readsPasswords: false,
  database: 'd',
  scramIterations: 4096,
  role: fine,
  remembers: true,
  readsLedger: true,
  lackingOnLedger: [],
  excess: [],
  settings: { set: [], unseen: [] },
  schemas: [],
}

describe('the statements', () => {
  test('name only what is wrong', () => {
    expect(createRole('a"b')).toBe('create role "a""b"')
    expect(alterRole('app', fine, undefined)).toBeUndefined()
    expect(alterRole('app', fine, 'v')).toBe(`alter role "app" password 'v'`)
    expect(alterRole('app', { ...fine, login: false, createdb: true, expired: true }, undefined)).toBe(
      `alter role "app" login valid until 'infinity' nocreatedb`,
    )
    expect(ledgerStatements('app', state)).toEqual([])
  })

  test('put right what is the ledger’s, and the rest is told', () => {
    const much: RoleState = {
      ...state,
      role: { ...fine, ownsHarmless: 'large object 7', noConnections: true },
      lackingOnLedger: ['usage on schema s'],
      excess: [
        { kind: 'table', name: 's.ledger', privileges: ['delete'], revocable: true, ledger: true },
        { kind: 'table', name: 'x.ledger', privileges: ['delete', 'insert'], revocable: false, ledger: true },
        { kind: 'schema', name: 'public', privileges: ['create'], revocable: true, ledger: false },
      ],
    }
    expect(ledgerStatements('app', much)).toEqual([
      'revoke delete on table s.ledger from "app", public',
      'grant usage on schema s to "app"',
    ])
    expect(roleNotes('app', much)).toEqual([
      'The role app can do more than an app should: delete, insert on table x.ledger, create on schema public. Revoke it, from app or from PUBLIC, unless you want it so.',
      "The role app owns large object 7. An app's role need not own anything.",
      'The role app has connection limit 0: no app can log in. To undo it: alter role app connection limit -1',
    ])
  })
})

test('a setting that cannot work is told before any database is asked, without the password', () => {
  checkAppRole({ role: 'app', password: 'x' })
  checkAppRole({ role: 'pgapp', password: 'x' })
  for (const role of ['', 'pg_x', 'Public', 'x'.repeat(64)]) {
    expect(() => checkAppRole({ role, password: 'a-secret' })).toThrow(UsageError)
  }
  for (const password of ['', 'a-secret\0', 'a-secret-ﬁ\u{1f3ab}']) {
    expect(() => checkAppRole({ role: 'app', password })).toThrow(UsageError)
    expect(() => checkAppRole({ role: 'app', password })).not.toThrow('a-secret')
  }
})
