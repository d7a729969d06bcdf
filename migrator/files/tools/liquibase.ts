// Liquibase: changesets, with conditions and contexts of their own. Nothing of it can be run here.

import type { Tool } from './tool.ts'

export const liquibase: Tool = {
  name: 'liquibase',
  title: 'Liquibase',
  not: 'refused: formatted SQL, and changelogs in XML, YAML or JSON',
  tables: ['databasechangelog', 'databasechangeloglock'],
  contents: [
    {
      pattern: /^(?:\s|--[^\n]*\n)*--\s*liquibase formatted sql\b/i,
      what: 'is SQL formatted for Liquibase, with changesets and conditions that mean nothing here. Write plain SQL, one file for each change: `liquibase update-sql` prints it. For a database that has them, `schemagate baseline NAME` then records them as applied.',
    },
  ],
  code: [{ pattern: /\.(?:xml|ya?ml|json)$/i, text: /databaseChangeLog/ }],
}
