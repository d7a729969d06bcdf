// Several hosts in a connection string, taken apart for a driver that can read only one.

import { expect, test } from 'vitest'
import { hostsInQuery, hostsOf, requireKind, rounds, WrongServerError } from '../../../gate/postgres/hosts.ts'

test.for([
  ['postgres://u:p@a:1,b:2/d?x=y', ['postgres://u:p@a:1/d?x=y', 'postgres://u:p@b:2/d?x=y']],
  ['postgres://u:p@a,b:2/d', ['postgres://u:p@a/d?', 'postgres://u:p@b:2/d?']],
  ['postgres://u@[::1]:1,%2Frun%2Fpg/d', ['postgres://u@[::1]:1/d?', 'postgres://u@%2Frun%2Fpg/d?']],
  ['postgres://u:a,b@c@a,b/d', ['postgres://u:a,b@c@a/d?', 'postgres://u:a,b@c@b/d?']],
  [
    'postgresql:///d?host=a,::1,/run/pg&port=1&user=u',
    ['postgresql://a:1/d?user=u', 'postgresql://[::1]:1/d?user=u', 'postgresql://%2Frun%2Fpg:1/d?user=u'],
  ],
  ['postgres://u@elsewhere:9/d?host=a,b&port=1,', ['postgres://u@a:1/d?', 'postgres://u@b/d?']],
] as const)('%s names one after the other', ([url, urls]) => {
  expect(hostsOf(url).urls).toEqual(urls)
  // the same hosts in the form that a URL can hold
  const inQuery = hostsInQuery(url)
  expect(URL.canParse(inQuery)).toBe(true)
  const names = (list: readonly string[]) => list.map(one => /\/\/(?:.*@)?([^/]*)\//.exec(one)?.[1])
  expect(names(hostsOf(inQuery).urls)).toEqual(names(urls))
})

test.for(['postgres://u:p@a:1/d?x=y', 'postgres:///d?host=/run/pg', 'postgresql://u@[::1]/d', 'socket:/run/pg?db=d'])(
  '%s has one host and is left as it is',
  url => {
    expect(hostsOf(url)).toEqual({ urls: [url], attributes: 'any' })
    expect(hostsInQuery(url)).toBe(url)
  },
)

test('of several hosts one that takes writes is wanted, unless something else is said', () => {
  expect(hostsOf('postgres://a,b/d').attributes).toBe('read-write')
  expect(hostsOf('postgres://a,b/d?target_session_attrs=any').attributes).toBe('any')
  expect(hostsOf('postgres://a/d?target_session_attrs=standby').attributes).toBe('standby')
})

test('what cannot be taken apart is refused, and the password is not repeated', () => {
  for (const wrong of ['postgres://u:hush@a,b/d?port=1,2,3', 'postgres://u:hush@a/d?target_session_attrs=master']) {
    expect(() => hostsOf(wrong)).toThrow(TypeError)
    expect(() => hostsOf(wrong)).not.toThrow('hush')
  }
})

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
