// Which files of a mount make a schema, and which only roles, databases and extensions.

import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { BuildContext } from '../model/build-context.ts'
import type { Mount } from '../model/service.ts'

const folder = '/docker-entrypoint-initdb.d'
/** A dump of gigabytes tells by its first part what it is. */
const enough = 1024 * 1024

/** The files of this mount that are a schema; empty where it goes elsewhere or makes none. */
export function initdbFiles({ source, target, type }: Mount, context: BuildContext): readonly string[] {
  if (!target.startsWith(folder) || type === 'volume' || source === '') return []
  const files = context.mounted(source)
  if (files === undefined || files.length === 0) return saysSchema(source, target) ? [source] : []
  return files.filter(makesSchema)
}

/** By what it does; what cannot be read is judged by its name. */
function makesSchema(file: string): boolean {
  if (!/\.(sql|sh|sql\.(gz|xz|zst))$/.test(file)) return false
  if (!/\.(sql|sh)$/.test(file)) return true
  try {
    if (statSync(file).size > enough) return true
    const text = readFileSync(file, 'utf8')
      .replace(/--.*$/gm, '')
      .replace(/\/\*[\s\S]*?\*\//g, '')
    return /\b(create\s+(unlogged\s+)?table|alter\s+table|create\s+(or\s+replace\s+)?(materialized\s+)?view|create\s+type|insert\s+into)\b|\bpg_restore\b|\bpsql\b.*-f\s/i.test(
      text,
    )
  } catch {
    return saysSchema(file, basename(file))
  }
}

/** Names of what makes no schema. */
const harmless =
  /(role|user|grant|extension|database|create[-_]?db|createdb|multi|init[-_]?db|privilege|permission|config|\.conf)/i

function saysSchema(source: string, target: string): boolean {
  const text = `${source} ${target.slice(folder.length)}`
  if (/migrat|schema|tables?\b|structure|dump|seed|\bV\d+__|\d{3,}[_-]\w+\.sql|\bddl\b/i.test(text)) return true
  const name = basename(source)
  return /\.sql$/.test(name) && !harmless.test(name)
}
