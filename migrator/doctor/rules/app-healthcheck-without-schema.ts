// An app's health check that is green while the app can answer nothing.

import { neverFails } from '../model/database-health.ts'
import type { Rule } from './rule.ts'

export const appHealthcheckWithoutSchema: Rule = {
  id: 'app-healthcheck-without-schema',
  severity: 'warning',
  title: "The app's health check asks a static page, an open port or a process, or never fails (`|| exit 0`).",
  why: 'A proxy sends users to an app that cannot serve, and `service_healthy` says nothing of the schema.',
  fix: "The gate's `/health`, or a query: `select schemagate.require(...)`.",
  *check(stack) {
    for (const { service, role } of stack.members.values()) {
      if (role !== 'app' || service.healthcheck === undefined || service.healthcheck === 'off') continue
      const { test } = service.healthcheck
      if (test.length === 0) continue
      const asks = onlyAsks(test.slice(1).join(' '))
      const does = neverFails(test) ? 'never fails' : asks === undefined ? undefined : `asks ${asks}`
      if (does === undefined) continue
      yield {
        service: service.name,
        path: ['healthcheck', 'test'],
        what: `The health check of ${service.name} ${does}, which is well also where the schema is not.`,
      }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:17
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
    healthcheck:
      test: curl -f http://localhost:3000/
`,
    passes: `services:
  db:
    image: postgres:17
  app:
    image: example/app:1
    environment:
      DATABASE_URL: postgres://app@db/app
    healthcheck:
      test: curl -f http://localhost:3000/health
`,
  },
}

function onlyAsks(text: string): string | undefined {
  // by a URL, or by a request that is written out for an open connection
  const urls = [...text.matchAll(/https?:\/\/[^\s'"`,;)|]+|\b(?:GET|HEAD) \/\S*(?= HTTP)/g)].map(([url]) => url)
  if (urls.length > 0) return urls.every(isStatic) ? 'a page that needs no database' : undefined
  if (/\b(pgrep|pidof|ps\s+(aux|-ef|ax|-e)|kill\s+-0|supervisorctl\s+status)\b/.test(text))
    return 'whether a process runs'
  if (/\b(nc|ncat)\b.*-\w*z|\/dev\/tcp\/|\bss\s+-|\bnetstat\b|socket\.create_connection|\.connect\(\(/.test(text))
    return 'whether a port is open'
  if (/^\s*test\s+-[fe]\s+\S+\s*$/.test(text)) return 'nothing'
  return undefined
}

function isStatic(url: string): boolean {
  const path = url.replace(/^(https?:\/\/[^/?#]*|GET |HEAD )/, '').replace(/[?#].*$/, '')
  return path === '' || path === '/' || /\.(html?|ico|txt|png|svg|css|js)$/.test(path)
}
