// What a verification found, as text and as JSON.

import { quoteIdent } from '../../gate/postgres/quote.ts'
import { escapeLine } from '../text/escape-controls.ts'
import type { Verification } from '../verbs/verify.ts'
import { migratorRole } from './catalog/catalog.ts'
import type { Difference } from './difference.ts'
import { type WithRemedy, withRemedies } from './run-order.ts'
import { textDiff } from './text-diff.ts'
import { longTexts, migrationsAsSource, sentence, snapshotAsSource, subject } from './wording.ts'

/** For a person. */
export function asText(result: Verification): string {
  const { differences, notes, ignored, pending, migrations, role, comparedWith } = result
  const named = (text: string) => text.replaceAll(migratorRole, () => role)
  const lines = withRemedies(differences).flatMap(({ difference, remedy }) => [
    escapeLine(sentence(difference, sourceOf(result))),
    ...(diffOf(difference) ?? []).map(line => `    ${line}`),
    ...(remedy ?? []).map(sql => `  put right by: ${runnable(sql, role)}`),
  ])
  const owner = otherOwner(differences)
  const aside = [
    ...(owner === undefined
      ? []
      : [
          `note: ${role}, as which this ran, is taken for the role that migrates. If that is ${owner}, run this as ${owner}: the owners are right then.`,
        ]),
    ...notes.map(note => `note: ${escapeLine(noteOf(note))}`),
    ...(pending.length > 0 ? [`note: pending, and not compared: ${pending.join(', ')}`] : []),
    ...(ignored > 0 ? [`note: ${count(ignored, 'difference')} ignored`] : []),
  ]
  const with_ =
    comparedWith === 'snapshot'
      ? 'the snapshot'
      : `what ${count(migrations.length, 'migration')} make${migrations.length === 1 ? 's' : ''}`
  const end =
    differences.length === 0
      ? `the schema is as expected: compared with ${with_}`
      : `${count(differences.length, 'difference')} from ${with_}. What should stay belongs in a migration; what is known can be left out with SCHEMAGATE_VERIFY_IGNORE, or --ignore of \`verify\`.`
  return named([...lines, ...aside, end].join('\n'))
}

/** For a program. */
export function asJson(result: Verification): object {
  const { comparedWith, migrations, pending, differences, notes, ignored, role } = result
  const named = (text: string) => text.replaceAll(migratorRole, () => role)
  const plain = ({ difference, remedy }: WithRemedy) => {
    const { change, kind, name, property, found, expected } = difference
    const diff = diffOf(difference)
    return {
      ...{ change, kind, name, property, found, expected },
      message: named(sentence(difference, sourceOf(result))),
      ...(diff && { diff }),
      ...(remedy && { remedy: remedy.map(sql => runnable(sql, role)) }),
    }
  }
  return {
    state: differences.length === 0 ? 'as-expected' : 'drift',
    comparedWith,
    migrations,
    pending,
    differences: withRemedies(differences).map(plain),
    notes: notes.map(note => ({ kind: note.kind, name: note.name, message: noteOf(note) })),
    ignored,
  }
}

/** The role that owns what the role that migrates should own, where it is one and the same role of several objects. */
function otherOwner(differences: readonly Difference[]): string | undefined {
  const owned = differences.filter(({ property, expected }) => property === 'owner' && expected === migratorRole)
  const owners = new Set(owned.map(({ found }) => String(found)))
  return owned.length > 1 && owners.size === 1 ? [...owners][0] : undefined
}

const runnable = (remedy: string, role: string) => remedy.replaceAll(migratorRole, () => quoteIdent(role))

function sourceOf({ comparedWith }: Verification) {
  return comparedWith === 'snapshot' ? snapshotAsSource : migrationsAsSource
}

function diffOf(difference: Difference): string[] | undefined {
  const texts = longTexts(difference)
  return texts && textDiff(texts.expected, texts.found)
}

function noteOf(note: Difference): string {
  return `${subject(note)}: the columns are the same in another order: ${[note.found ?? []].flat().join(', ')}`
}

const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`
