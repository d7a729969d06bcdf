// Liquibase: changesets, with conditions and contexts. schemagate runs none of it.

import type { Tool } from './tool.ts'

export const liquibase: Tool = {
  name: 'liquibase',
  title: 'Liquibase',
  not: 'refused: formatted SQL, and changelogs in XML, YAML or JSON',
  tables: ['databasechangelog', 'databasechangeloglock'],
  contents: [
    {
      pattern: /^(?:\s|--[^\n]*\n)*--\s*liquibase formatted sql\b/i,
      what: 'is SQL formatted for Liquibase, whose changesets and conditions schemagate does not know. Write plain SQL, one file for each change: `liquibase update-sql` prints it. For a database that has these changes, `schemagate baseline NAME` then records them as applied.',
    },
  ],
  code: [{ pattern: /\.(?:xml|ya?ml|json)$/i, text: /databaseChangeLog/ }],
}
