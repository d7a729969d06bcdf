// Liquibase: changesets, with conditions and contexts. schemagate runs none of it.

import { blankOrComment, headOf } from './head.ts'
import type { Listing, Tool } from './tool.ts'

const formatted = /^[ \t]*--[ \t]*liquibase formatted sql\b/im

/** As Spring Boot has it. */
const masters = ['yaml', 'yml', 'xml', 'json'].map(ending => `../db.changelog-master.${ending}`)

/** The changelog beside the folder's files, or the one above that names some of them. */
function changelogOf(listing: Listing): string | undefined {
  const textOf = (file: string) => {
    const text = listing.text(file) ?? ''
    return text.includes('databaseChangeLog') ? text : ''
  }
  // a numbered one is a migration that is refused by its name
  const beside = listing.files.find(file => /^[^\d.].*\.(?:xml|ya?ml|json)$/i.test(file) && textOf(file) !== '')
  return beside ?? masters.find(file => namesAny(textOf(file), listing.files))
}

function namesAny(text: string, files: readonly string[]): boolean {
  return text !== '' && files.some(file => /\.sql$/i.test(file) && text.includes(file))
}

export const liquibase: Tool = {
  name: 'liquibase',
  title: 'Liquibase',
  not: 'refused: formatted SQL, changelogs in XML, YAML or JSON, and numbered files beside one',
  tables: ['databasechangelog', 'databasechangeloglock'],
  refuses(listing) {
    const changelog = changelogOf(listing)
    return changelog === undefined || !listing.files.some(file => /^\d.*\.sql$/is.test(file))
      ? undefined
      : `has files of Liquibase, which runs what ${changelog} says, in its order; schemagate does not read that. \`liquibase update-sql\` prints the SQL: keep that in a folder of its own; or, if all of these files are to be run by their numbers: --layout native.`
  },
  contents: [
    {
      isIn: source => formatted.test(headOf(source, blankOrComment)),
      what: 'is SQL formatted for Liquibase, whose changesets and conditions schemagate does not know. Write plain SQL, one file for each change: `liquibase update-sql` prints it. For a database that has these changes, `schemagate baseline NAME` then records them as applied.',
    },
  ],
  code: [{ pattern: /\.(?:xml|ya?ml|json)$/i, text: /databaseChangeLog/ }],
}
