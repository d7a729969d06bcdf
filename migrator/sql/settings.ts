// What a statement sets for those after it, and how to set it again where a file runs in several transactions.

import type { Node } from 'libpg-query'
import type { Statement } from './parse.ts'

/** A statement that sets something; it is sent again at the beginning of each later transaction. */
export interface Setting {
  readonly text: string
  /** What is set, as the grammar names it (`search_path`, `role`); undefined where it may be several. */
  readonly name?: string | undefined
  /** It holds until the end of its transaction only. */
  readonly local: boolean
  /** The same for the whole session: a statement outside of a transaction has no local settings. */
  readonly session: string
}

/**
 * What a statement sets. `unknown`: its text does not show what, so that it cannot be set again. Undefined: nothing.
 */
export function settingOf({ node, text }: Statement): Setting | 'unknown' | undefined {
  if ('VariableSetStmt' in node) {
    const local = node.VariableSetStmt.is_local === true
    return {
      text,
      name: node.VariableSetStmt.kind === 'VAR_SET_MULTI' ? undefined : node.VariableSetStmt.name,
      local,
      session: local ? text.replace(/^set(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)+local\b/i, 'set session') : text,
    }
  }
  if ('ConstraintsSetStmt' in node)
    return node.ConstraintsSetStmt.deferred ? undefined : { text, local: true, session: 'select 1' }
  if (!/\bset_config\b/i.test(text) && !/\bset\s+local\b/i.test(text)) return undefined
  const calls = 'SelectStmt' in node ? setConfigCalls(node.SelectStmt) : undefined
  if (!calls) return 'unknown'
  let session = text
  let local = false
  for (const { isLocal, location } of calls.toReversed()) {
    if (!isLocal) continue
    local = true
    const before = Buffer.from(text).subarray(0, location).toString('utf8').length
    session = session.slice(0, before) + session.slice(before).replace(/^(?:true|'[^']*')/i, 'false')
  }
  return { text, local, session }
}

/**
 * The settings after one more, without those that it makes void: a role that was reset may be gone by the time at which it
 * would be set again.
 */
export function withSetting(settings: readonly Setting[], setting: Setting): readonly Setting[] {
  const { name, local } = setting
  if (name === undefined) return [...settings, setting]
  // it resets the role, too
  const names = name === 'session_authorization' ? [name, 'role'] : [name]
  return [...settings.filter(s => !(s.name !== undefined && names.includes(s.name) && (s.local || !local))), setting]
}

/** The calls of a `select set_config(...), ...` that does nothing else; undefined of any other statement. */
function setConfigCalls(select: Extract<Node, { SelectStmt: unknown }>['SelectStmt']) {
  const { targetList, ...rest } = select
  const plain = ['limitOption', 'op', 'groupDistinct']
  if (!targetList || Object.keys(rest).some(key => !plain.includes(key))) return undefined
  const calls: { readonly isLocal: boolean; readonly location: number }[] = []
  for (const target of targetList) {
    const value = 'ResTarget' in target ? target.ResTarget.val : undefined
    if (!value || !('FuncCall' in value)) return undefined
    const name = value.FuncCall.funcname?.at(-1)
    if (!name || !('String' in name) || name.String.sval !== 'set_config') return undefined
    const flag = value.FuncCall.args?.[2]
    if (!flag || !('A_Const' in flag)) return undefined
    const { boolval, sval, location } = flag.A_Const
    const isLocal = boolval ? boolval.boolval === true : /^\s*(?:t|y|on|1)/i.test(sval?.sval ?? '')
    calls.push({ isLocal, location: location ?? 0 })
  }
  return calls
}

/** The modes of a `SET TRANSACTION ...`. */
export function transactionModes({ node, text }: Statement): string | undefined {
  if (!('VariableSetStmt' in node) || node.VariableSetStmt.name !== 'TRANSACTION') return undefined
  return /^set\s+(?:local\s+)?transaction\s+(.*)$/is.exec(withoutComments(text))?.[1]?.trim()
}

/** The modes after BEGIN: `isolation level serializable`. */
export function beginOptions(text: string): string {
  return withoutComments(text)
    .replace(/^(begin|start)(\s+(work|transaction))?/i, '')
    .trim()
}

/**
 * Each comment as a space. For what holds no strings, such as a statement that sets a number: in one, `--` would be a
 * comment.
 */
function withoutComments(text: string): string {
  return text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
}

const none = /^\s*0+\s*[a-z]*\s*$/i

/**
 * True for `SET lock_timeout = 0`, with which every pg_dump begins, and for RESET and set_config() to the same effect: a later
 * statement could wait for a lock for ever, and everybody else would queue behind it. Such statements are not sent; a mark
 * sets a migration's own limit.
 */
export function liftsLockTimeout({ node, text }: Statement): boolean {
  if ('VariableSetStmt' in node) {
    const { name, kind } = node.VariableSetStmt
    if (name !== 'lock_timeout') return false
    if (kind === 'VAR_RESET' || kind === 'VAR_SET_DEFAULT') return true
    return /(?:=|\bto\b)\s*(?:0+|'\s*0+\s*[a-z]*\s*')\s*$/i.test(withoutComments(text))
  }
  if (!('SelectStmt' in node) || setConfigCalls(node.SelectStmt)?.length !== 1) return false
  const call = /set_config\s*\(\s*'lock_timeout'\s*,\s*'([^']*)'/i.exec(withoutComments(text))
  return call !== null && none.test(call[1]!)
}

/**
 * True for `SET client_encoding` and `SET NAMES`: what is sent is UTF-8, whatever a dump's bytes were before it was
 * saved as that.
 */
export function setsEncoding({ node }: Statement): boolean {
  return 'VariableSetStmt' in node && node.VariableSetStmt.name === 'client_encoding'
}
