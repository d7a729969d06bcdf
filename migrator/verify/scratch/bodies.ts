// What a DO block or a function holds: the statements in its body, and those that it makes at run time.

import type { Node } from 'libpg-query'
import { parseStatements } from '../../sql/parse.ts'
import { isFields, isReaching, languageOf, nodesIn, option } from './statements.ts'

export interface Body {
  readonly language: string
  readonly source: string
  /** A DO block; a function runs when it is called. */
  readonly runs: boolean
}

/** The body that a statement brings as text. */
export function bodyOf(node: Node): Body | undefined {
  const [statement, runs] =
    'DoStmt' in node ? [node.DoStmt, true] : 'CreateFunctionStmt' in node ? [node.CreateFunctionStmt, false] : []
  if (!isFields(statement)) return undefined
  const source = option(statement, 'as')
  if (typeof source !== 'string') return undefined
  return { language: languageOf(statement) ?? (runs ? 'plpgsql' : 'sql'), source, runs: runs === true }
}

export interface PlpgsqlParts {
  readonly statements: readonly string[]
  /** The expressions of EXECUTE. */
  readonly dynamic: readonly string[]
}

/** The SQL in a DO block or a PL/pgSQL function, by its own grammar; undefined if that does not take it. */
export async function plpgsqlParts(statement: string): Promise<PlpgsqlParts | undefined> {
  const { loadModule, parsePlPgSQLSync } = await import('libpg-query')
  await loadModule()
  let tree: unknown
  try {
    tree = parsePlPgSQLSync(statement)
  } catch {
    return undefined
  }
  const statements: string[] = []
  const dynamic: string[] = []
  collect(tree, false, statements, dynamic)
  return { statements, dynamic }
}

/** Of a whole statement, an expression (2), or an assignment to a variable (3 and more). */
function asStatement(query: string, parseMode: number): string {
  if (parseMode === 0) return query
  return `select ${parseMode < 3 ? query : query.replace(/^.*?:?=/s, '')}`
}

/** Kinds of statements whose `query` is an expression of which the result is run. */
const executes = /^PLpgSQL_stmt_dyn/

function collect(value: unknown, isDynamic: boolean, statements: string[], dynamic: string[]): void {
  if (Array.isArray(value)) for (const one of value) collect(one, false, statements, dynamic)
  if (!isFields(value)) return
  for (const [key, child] of Object.entries(value)) {
    if (key === 'PLpgSQL_expr' && isFields(child) && typeof child.query === 'string') {
      if (isDynamic) dynamic.push(child.query)
      else statements.push(asStatement(child.query, Number(child.parseMode ?? 0)))
    } else if (executes.test(key) && isFields(child)) {
      const { query, dynquery, ...rest } = child
      collect(query ?? dynquery, true, statements, dynamic)
      collect(rest, false, statements, dynamic)
    } else collect(child, false, statements, dynamic)
  }
}

/**
 * The statement that an expression makes, as far as its first literal tells: `'create table ' || name`, `format('alter
 * table %I ...', name)`. `inside` where that begins a statement on an object of the database; undefined where it tells too
 * little.
 */
export function dynamicSql(expression: string): Node | 'inside' | undefined {
  const [parsed] = parseStatements(`select ${expression}`) ?? []
  const text = parsed && firstLiteral(parsed.node)
  if (text === undefined) return undefined
  // placeholders of format() as names, values and text
  const filled = text
    .replace(/%(?:\d+\$)?I/g, 'x')
    .replace(/%(?:\d+\$)?L/g, "'x'")
    .replace(/%(?:\d+\$)?s/g, 'x')
  const whole = statementOf(filled)
  if (whole) return whole
  if (expression.match(/\w+/g)?.some(word => isReaching(word))) return undefined
  // where a name goes on
  const begun = statementOf(`${filled} x`)
  if (begun) return begun
  const [, verb = '', object = ''] = /^\s*(\w+)\s+(?:or\s+replace\s+)?(\w*)/i.exec(filled) ?? []
  // UPDATE names no kind: it is a table
  const isInside =
    verb.toLowerCase() === 'update' || (inside.has(verb.toLowerCase()) && objects.has(object.toLowerCase()))
  return isInside ? 'inside' : undefined
}

const statementOf = (sql: string) => parseStatements(sql)?.[0]?.node

/** Verbs and objects that stay in the database, for a statement whose end is not known. */
const inside: ReadonlySet<string> = new Set([
  'create',
  'alter',
  'drop',
  'comment',
  'truncate',
  'analyze',
  'reindex',
  'refresh',
  'insert',
  'delete',
  'select',
  'lock',
  'cluster',
  'vacuum',
])
const objects: ReadonlySet<string> = new Set(
  'table index view materialized function procedure trigger policy sequence type schema unique constraint into from on domain rule statistics aggregate unlogged count max min'.split(
    ' ',
  ),
)

/** The leftmost text of a chain of `||`, or of format()'s first argument. */
function firstLiteral(node: unknown): string | undefined {
  if (!isFields(node)) return undefined
  const { SelectStmt, A_Expr, FuncCall, A_Const } = node
  if (isFields(SelectStmt)) {
    const { ResTarget } = nodesIn(SelectStmt.targetList)[0] ?? {}
    return isFields(ResTarget) ? firstLiteral(ResTarget.val) : undefined
  }
  if (isFields(A_Const) && isFields(A_Const.sval)) return String(A_Const.sval.sval ?? '')
  if (isFields(A_Expr)) return firstLiteral(A_Expr.lexpr)
  if (!isFields(FuncCall)) return undefined
  const { String: name } = nodesIn(FuncCall.funcname).at(-1) ?? {}
  const known = isFields(name) && ['format', 'concat'].includes(String(name.sval))
  return known ? firstLiteral(nodesIn(FuncCall.args)[0]) : undefined
}
