// The app's password on its way to Postgres, and the statements that put its role right.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../migrator/errors.ts'
import type { Facts, RoleAttributes } from '../../migrator/roles/facts.ts'
import { saslprep } from '../../migrator/roles/saslprep.ts'
import { scramVerifier, verifies } from '../../migrator/roles/scram.ts'
import { alterRole, createRole, grants, notes } from '../../migrator/roles/statements.ts'
import { checkAppRole } from '../../migrator/roles.ts'

describe('a verifier', () => {
  test('is the one that RFC 7677 gives for its example', async () => {
    // Section 3: user "user", password "pencil". The keys follow from the proofs that it prints.
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
    expect(await scramVerifier('pencil', 4096, salt)).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    )
  })

  test('is known for its own password and no other, and has a salt of its own each time', async () => {
    const verifier = await scramVerifier('secret', 100)
    expect(await verifies(verifier, 'secret')).toBe(true)
    expect(await verifies(verifier, 'Secret')).toBe(false)
    expect(await scramVerifier('secret', 100)).not.toBe(verifier)
    for (const other of ['', 'md5aaaa', 'SCRAM-SHA-256$x:y$z:w', verifier.slice(0, -2)]) {
      expect(await verifies(other, 'secret')).toBe(false)
    }
  })
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
  owns: null,
  memberOf: [],
}
const facts: Facts = {
  me: 'owner',
  sessionUser: 'owner',
  superuser: false,
  readsPasswords: false,
  database: 'd',
  scramIterations: 4096,
  role: fine,
  lacking: [],
  defaults: [],
  excess: [],
}

describe('the statements', () => {
  test('name only what is wrong', () => {
    expect(createRole('a"b', `v'`)).toBe(`create role "a""b" login password 'v'''`)
    expect(alterRole('app', fine, undefined)).toBeUndefined()
    expect(alterRole('app', fine, 'v')).toBe(`alter role "app" password 'v'`)
    expect(alterRole('app', { ...fine, login: false, createdb: true, expired: true }, undefined)).toBe(
      `alter role "app" login valid until 'infinity' nocreatedb`,
    )
    expect(grants('app', facts)).toEqual([])
  })

  test('do what can be done, and the rest is told', () => {
    const table = { kind: 'table', privileges: ['select'] } as const
    const much: Facts = {
      ...facts,
      lacking: [
        { ...table, name: 'public.a', grantable: true },
        ...Array.from({ length: 7 }, (_, i) => ({ ...table, name: `public.x${i}`, grantable: false })),
      ],
      defaults: [{ schema: 'public', kind: 'tables', privileges: ['insert', 'select'] }],
      excess: [
        { kind: 'schema', name: 'public', privileges: ['create'], revocable: true },
        { kind: 'database', name: 'd', privileges: ['create'], revocable: false },
      ],
    }
    expect(grants('app', much)).toEqual([
      'revoke create on schema public from "app", public',
      'grant select on table public.a to "app"',
      'alter default privileges in schema public grant insert, select on tables to "app"',
    ])
    expect(notes('app', much)).toEqual([
      'The role app was not granted what belongs to other roles than owner: table public.x0, table public.x1, table public.x2, table public.x3, table public.x4 and 2 more. Their owners can grant it.',
      'The role app can do more than an app should, and owner cannot revoke it: create on database d. The owner can.',
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
