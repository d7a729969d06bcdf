// A trial works on what it has made itself: a stack that names any other database is refused.

import { RefusedError } from '../../errors.ts'
import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'

/** Databases and queues of every kind, by their URLs. */
const databaseUrl =
  /\b(?:jdbc:)?(?:postgres(?:ql)?|postgis|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|clickhouse|sqlserver|mssql|oracle|cockroachdb|nats|kafka)(?:\+\w+)?:\/\/(?:[^\s/@]*@)?(\[[^\]]*\]|[\w.${}-]+)/gi

/** Variables whose value is a database's host. */
const hostVariable =
  /(^|_)(PG|PSQL|POSTGRES\w*|DB|DATABASE|SQL|MYSQL|MARIADB|MONGO\w*|REDIS|CLICKHOUSE)(_\w+?)?_*(HOST|HOSTNAME|HOSTADDR|SERVER|ADDR|ADDRESS|ENDPOINT)$/i

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|0\.0\.0\.0)$/i

/** @throws RefusedError that names the service, the variable and the host */
export function refuseOutside(stack: Stack): void {
  const members = [...stack.members.values()]
  const inside = new Set(
    members.flatMap(({ service }) => [...service.hostNames, ...service.links.keys()]).map(host => host.toLowerCase()),
  )
  for (const member of members) {
    for (const [host, where] of hostsOf(member)) {
      // a server that speaks of itself
      const isItself = /database$/.test(member.role) && loopback.test(host)
      if (!inside.has(host.toLowerCase()) && !isItself) throw refusal(`${member.service.name} (${where})`, host)
    }
    const outside = member.uses.find(use => use.isOutside)
    if (outside) throw refusal(member.service.name, outside.server)
  }
}

function* hostsOf({ service }: Member): Generator<[host: string, where: string]> {
  const hooks = [...service.preStart, ...service.postStart]
  const variables = [service, ...hooks].flatMap(({ environment }) => Object.entries(environment))
  for (const [key, value] of variables) {
    for (const [, host = ''] of value.matchAll(databaseUrl)) yield [host, key]
    if (!hostVariable.test(key) || /^\/|:\/\/|\s/.test(value)) continue
    for (const part of value.split(',')) {
      const host = part.replace(/:\d+$/, '')
      if (host !== '') yield [host, key]
    }
  }
  for (const line of [service.command, service.entrypoint, ...hooks.map(({ command }) => command)]) {
    const text = typeof line === 'string' ? line : (line ?? []).join(' ')
    for (const [, host = ''] of text.matchAll(databaseUrl)) yield [host, 'its command']
  }
}

function refusal(where: string, host: string): RefusedError {
  return new RefusedError(
    `${where} names the database host ${host}, which is no service of the file: a trial could write to a living database. Nothing was started. Try it with a database in the file.`,
  )
}
