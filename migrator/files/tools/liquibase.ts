// Liquibase: changesets, with conditions and contexts. schemagate runs none of it.

import { headOf } from './head.ts'
import type { Tool } from './tool.ts'

const blankOrComment = /\s+|--[^\n]*(?:\n|$)/y
const formatted = /^[ \t]*--[ \t]*liquibase formatted sql\b/im

export const liquibase: Tool = {
  name: 'liquibase',
  title: 'Liquibase',
  not: 'refused: formatted SQL, and changelogs in XML, YAML or JSON',
  tables: ['databasechangelog', 'databasechangeloglock'],
  contents: [
    {
      isIn: source => formatted.test(headOf(source, blankOrComment)),
      what: 'is SQL formatted for Liquibase, whose changesets and conditions schemagate does not know. Write plain SQL, one file for each change: `liquibase update-sql` prints it. For a database that has these changes, `schemagate baseline NAME` then records them as applied.',
    },
  ],
  code: [{ pattern: /\.(?:xml|ya?ml|json)$/i, text: /databaseChangeLog/ }],
}
