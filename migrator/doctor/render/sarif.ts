// Findings as SARIF 2.1.0, which code hosts show beside the line.

import { escapeInJson } from '../../text/escape-controls.ts'
import { version } from '../../version.ts'
import type { Diagnosis, Finding } from '../diagnose.ts'
import { rules } from '../rules/index.ts'
import type { Rule } from '../rules/rule.ts'

/** Its form: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
export function renderSarif({ findings, silenced }: Diagnosis, all: boolean): string {
  const shown = findings.filter(({ severity }) => all || severity !== 'note')
  const used = rules.filter(rule => [...shown, ...silenced].some(finding => finding.rule === rule))
  const results = [
    ...shown.map(finding => toResult(finding, used)),
    ...silenced.map(finding => ({ ...toResult(finding, used), suppressions: [{ kind: 'inSource' }] })),
  ]
  const driver = { name: 'schemagate doctor', semanticVersion: version, rules: used.map(toDescriptor) }
  return escapeInJson(
    JSON.stringify(
      {
        $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
        version: '2.1.0',
        runs: [{ tool: { driver }, results }],
      },
      null,
      2,
    ),
  )
}

function toDescriptor({ id, title, why, fix, severity }: Rule) {
  return {
    id,
    shortDescription: { text: plain(title) },
    fullDescription: { text: plain(why) },
    help: { text: plain(fix), markdown: fix },
    defaultConfiguration: { level: severity },
  }
}

function toResult({ rule, severity, place, what, service }: Finding, used: readonly Rule[]) {
  return {
    ruleId: rule.id,
    ruleIndex: used.indexOf(rule),
    level: severity,
    message: { text: `${what} ${plain(rule.fix)}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(place.file.replaceAll('\\', '/')) },
          region: { startLine: place.line, startColumn: place.column },
        },
        ...(service === undefined ? {} : { logicalLocations: [{ name: service, kind: 'resource' }] }),
      },
    ],
  }
}

function plain(text: string): string {
  return text.replaceAll('`', '')
}
