// Single statements: whether they change what is the whole server's, or another one's.

import type { Node } from 'libpg-query'

/** What of a statement reaches beyond its database, as the subject of a sentence; undefined: nothing. */
export function reachOf(node: Node): string | undefined {
  const [tag, statement] = Object.entries(node)[0] ?? []
  if (tag === undefined || !isFields(statement)) return undefined
  return statements[tag] ?? byObject(tag, statement) ?? bySource(tag, statement) ?? reachingCall(statement)
}

type Fields = Readonly<Record<string, unknown>>

const statements: Readonly<Record<string, string>> = {
  CreateRoleStmt: 'CREATE ROLE',
  AlterRoleStmt: 'ALTER ROLE',
  AlterRoleSetStmt: 'ALTER ROLE ... SET',
  DropRoleStmt: 'DROP ROLE',
  GrantRoleStmt: 'a grant of a role',
  ReassignOwnedStmt: 'REASSIGN OWNED',
  DropOwnedStmt: 'DROP OWNED',
  CreatedbStmt: 'CREATE DATABASE',
  DropdbStmt: 'DROP DATABASE',
  AlterDatabaseStmt: 'ALTER DATABASE',
  AlterDatabaseSetStmt: 'ALTER DATABASE ... SET',
  AlterDatabaseRefreshCollStmt: 'ALTER DATABASE',
  CreateTableSpaceStmt: 'CREATE TABLESPACE',
  DropTableSpaceStmt: 'DROP TABLESPACE',
  AlterTableSpaceOptionsStmt: 'ALTER TABLESPACE',
  AlterSystemStmt: 'ALTER SYSTEM',
  CreateSubscriptionStmt: 'CREATE SUBSCRIPTION',
  AlterSubscriptionStmt: 'ALTER SUBSCRIPTION',
  DropSubscriptionStmt: 'DROP SUBSCRIPTION',
  CreateForeignServerStmt: 'a foreign server',
  CreateForeignTableStmt: 'a foreign table',
  ImportForeignSchemaStmt: 'IMPORT FOREIGN SCHEMA',
  LoadStmt: 'LOAD',
}

/** Objects of the whole server, in statements that take any. */
const shared: Readonly<Record<string, string>> = {
  OBJECT_DATABASE: 'a database',
  OBJECT_ROLE: 'a role',
  OBJECT_TABLESPACE: 'a tablespace',
  OBJECT_SUBSCRIPTION: 'a subscription',
  OBJECT_PARAMETER_ACL: 'a parameter of the server',
}

const verbs: Readonly<Record<string, string>> = {
  CommentStmt: 'a comment on',
  SecLabelStmt: 'a security label of',
  GrantStmt: 'a grant on',
  RenameStmt: 'the new name of',
  AlterOwnerStmt: 'the new owner of',
  DropStmt: 'the drop of',
}

function byObject(tag: string, statement: Fields): string | undefined {
  const verb = verbs[tag]
  const type = statement.objtype ?? statement.objectType ?? statement.renameType ?? statement.removeType
  const object = shared[String(type)]
  return verb && object && `${verb} ${object}`
}

/** Languages whose functions stay inside. */
const harmless: ReadonlySet<string> = new Set(['sql', 'plpgsql', 'internal', 'plperl', 'pltcl', 'plv8'])

/** What reads or runs something else: a program, a file of the server's, a language without bounds. */
function bySource(tag: string, statement: Fields): string | undefined {
  if (tag === 'CopyStmt') {
    if (statement.is_program) return 'COPY with a program'
    return statement.filename === undefined || statement.is_from ? undefined : 'COPY to a file of the server'
  }
  if (tag !== 'CreateFunctionStmt' && tag !== 'DoStmt') return undefined
  const language = languageOf(statement)
  return language === undefined || harmless.has(language)
    ? undefined
    : `the language ${language}, which may do anything`
}

/** The language that is named in the options of CREATE FUNCTION or DO, in small letters. */
export function languageOf(statement: Fields): string | undefined {
  const language = option(statement, 'language')
  return typeof language === 'string' ? language.toLowerCase() : undefined
}

/** The text of an option of CREATE FUNCTION or DO. */
export function option(statement: Fields, name: string): unknown {
  for (const { DefElem } of nodesIn(statement.options ?? statement.args)) {
    if (!isFields(DefElem) || DefElem.defname !== name || !isFields(DefElem.arg)) continue
    const { String: text, List: texts } = DefElem.arg
    if (isFields(text)) return text.sval
    if (isFields(texts)) return nodesIn(texts.items).map(({ String: one }) => (isFields(one) ? one.sval : undefined))[0]
  }
  return undefined
}

/** Functions that change what is outside of their database. */
const reaching =
  /^(?:dblink.*|lo_export|pg_(?:create_(?:physical|logical)_replication_slot|copy_(?:physical|logical)_replication_slot|drop_replication_slot|replication_slot_advance|replication_origin_\w+|terminate_backend|cancel_backend|reload_conf|rotate_logfile|switch_wal|promote|wal_replay_\w+|file_\w+|backup_\w+|create_restore_point|log_backend_memory_contexts))$/

/** The name is that of such a function. */
export const isReaching = (name: string) => reaching.test(name)

/** The first call of such a function, wherever it stands in the statement. */
function reachingCall(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    for (const one of value) {
      const found = reachingCall(one)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isFields(value)) return undefined
  for (const [tag, child] of Object.entries(value)) {
    if (tag === 'FuncCall' && isFields(child)) {
      const { String: last } = nodesIn(child.funcname).at(-1) ?? {}
      const name = isFields(last) ? String(last.sval) : ''
      if (isReaching(name)) return `a call of ${name}`
    }
    const found = reachingCall(child)
    if (found !== undefined) return found
  }
  return undefined
}

/** Whether a value of the parse tree is a node, or a node's fields. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The nodes of a list in the parse tree; none where it is no list. */
export function nodesIn(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : []
}
