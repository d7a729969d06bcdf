// The forms in which findings are printed.

import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { diagnose } from '../../../migrator/doctor/diagnose.ts'
import { shownOverlay } from '../../../migrator/doctor/overlay/shown.ts'
import { renderGithub } from '../../../migrator/doctor/render/github.ts'
import { renderJson } from '../../../migrator/doctor/render/json.ts'
import { renderSarif } from '../../../migrator/doctor/render/sarif.ts'
import { renderText } from '../../../migrator/doctor/render/text.ts'

const stdin = `services:
  db:
    image: postgres
  migrate:
    image: migrate/migrate:v4
    command: -path /m -database postgres://u:hunter2@db/d up
  app:
    image: app:1
    environment: { DATABASE_URL: "postgres://u:hunter2@db/d" }
  # schemagate-ignore: ungated-client it is asked by nobody
  other:
    image: app:1
    environment: { DATABASE_URL: "postgres://u:hunter2@db/d" }
`
const diagnosis = await diagnose(['-'], { cwd: '/', env: {}, docker: false, stdin })

test('text has errors first, each with service, file and line, and the reason once a rule', () => {
  const text = renderText(diagnosis, { color: false, width: 80, all: false })
  const heads = text.split('\n').filter(line => /^(error|warning|note) /.test(line))
  expect(heads[0]).toBe('error ungated-client app  -:7')
  expect(heads.map(line => line.split(' ')[0])).not.toContain('note')
  expect(text.match(/Why: It starts before Postgres answers/g)).toHaveLength(1)
  expect(text).toMatch(/^1 error, \d+ warnings\. \d+ notes with --all\. 1 silenced by a comment\.$/m)
  expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThanOrEqual(80)
  const coloured = renderText(diagnosis, { color: true, width: 80, all: false })
  expect(coloured).not.toBe(text)
  expect(stripVTControlCharacters(coloured)).toBe(text)
})

test('no form shows a password', () => {
  const forms = [
    renderText(diagnosis, { color: false, width: 80, all: true }),
    renderJson(diagnosis, true),
    renderSarif(diagnosis, true),
    renderGithub(diagnosis, true),
  ]
  for (const form of forms) expect(form).not.toContain('hunter2')
})

test('json has every finding with its place', () => {
  const { findings, counts, silenced } = JSON.parse(renderJson(diagnosis, false))
  expect(findings[0]).toMatchObject({
    rule: 'ungated-client',
    severity: 'error',
    service: 'app',
    file: '-',
    line: 7,
    column: 3,
  })
  expect(counts).toMatchObject({ error: 1, silenced: 1 })
  expect(silenced).toHaveLength(1)
})

test('sarif has rules, results by their index, and what is silenced as suppressed', () => {
  const { version, runs } = JSON.parse(renderSarif(diagnosis, false))
  expect(version).toBe('2.1.0')
  const [{ tool, results }] = runs
  for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex].id).toBe(ruleId)
  expect(results[0]).toMatchObject({
    ruleId: 'ungated-client',
    level: 'error',
    locations: [{ physicalLocation: { artifactLocation: { uri: '-' }, region: { startLine: 7, startColumn: 3 } } }],
  })
  expect(results.filter((result: object) => 'suppressions' in result)).toHaveLength(1)
})

test('github has a command for each, with nothing that could end it early', () => {
  const lines = renderGithub(diagnosis, true).split('\n')
  expect(lines[0]).toMatch(/^::error file=-,line=7,col=3,title=ungated-client::app uses db/)
  for (const line of lines) expect(line).toMatch(/^::(error|warning|notice) (?:[^:\n]*)::.+$/)
})

test('no form has a character that a terminal would obey', async () => {
  const stdin =
    'services:\n  db: { image: "postgres:17" }\n  "a\\e[31m\\x9b31m\\r": { image: a, environment: { PGHOST: db } }\n'
  const hostile = await diagnose(['-'], { cwd: '/', env: {}, docker: false, stdin })
  const [json, sarif] = [renderJson(hostile, true), renderSarif(hostile, true)]
  const texts = [json, sarif, renderGithub(hostile, true), renderText(hostile, { color: false, width: 80, all: true })]
  for (const text of [...texts, shownOverlay('services: { "a\u009b31m": {} }')])
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  expect(JSON.stringify(JSON.parse(json))).toContain('\u009b31m')
  expect(JSON.stringify(JSON.parse(sarif))).toContain('\u009b31m')
})
