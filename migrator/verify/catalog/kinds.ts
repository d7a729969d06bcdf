// All kinds of objects, in the order in which an operator wants to read of them.

import { casts } from './casts.ts'
import { collations } from './collations.ts'
import { columns } from './columns.ts'
import { constraints } from './constraints.ts'
import { extensions } from './extensions.ts'
import { foreignData } from './foreign-data.ts'
import { functions } from './functions.ts'
import { indexes } from './indexes.ts'
import type { Kinds } from './kind.ts'
import { languages } from './languages.ts'
import { operators } from './operators.ts'
import { policies } from './policies.ts'
import { privileges } from './privileges.ts'
import { publications } from './publications.ts'
import { rules } from './rules.ts'
import { schemas } from './schemas.ts'
import { sequences } from './sequences.ts'
import { statistics } from './statistics.ts'
import { tables } from './tables.ts'
import { textSearch } from './text-search.ts'
import { triggers } from './triggers.ts'
import { types } from './types.ts'
import { views } from './views.ts'

export const kinds: readonly Kinds[] = [
  extensions,
  schemas,
  types,
  tables,
  columns,
  constraints,
  indexes,
  sequences,
  views,
  functions,
  triggers,
  rules,
  policies,
  statistics,
  operators,
  casts,
  collations,
  textSearch,
  languages,
  foreignData,
  publications,
  privileges,
]
