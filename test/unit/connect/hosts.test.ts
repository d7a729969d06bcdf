// Several hosts: which kinds of servers each target_session_attrs takes.

import { expect, test } from 'vitest'
import { requireKind, rounds, WrongServerError } from '../../../gate/postgres/hosts.ts'

const primary = { standby: false, read_only: false }
const careful = { standby: false, read_only: true }
const standby = { standby: true, read_only: true }

test.for([
  ['any', [primary, careful, standby]],
  ['read-write', [primary]],
  ['read-only', [careful, standby]],
  ['primary', [primary, careful]],
  ['standby', [standby]],
] as const)('%s takes the servers that libpq documents', ([wanted, suiting]) => {
  for (const kind of [primary, careful, standby]) {
    const ask = () => requireKind(kind, wanted)
    if (suiting.some(one => one === kind)) expect(ask).not.toThrow()
    else expect(ask).toThrow(WrongServerError)
  }
})

test('prefer-standby goes through all hosts for a standby, and then takes any', () => {
  expect(rounds('prefer-standby')).toEqual(['standby', 'any'])
  expect(rounds('primary')).toEqual(['primary'])
})
