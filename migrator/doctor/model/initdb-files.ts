// Which files that Postgres reads once make a schema, and which only roles, databases and extensions.

import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { asList } from '../compose/merge.ts'
import type { Mount } from '../compose/service.ts'
import type { BuildContext } from '../startup/build-context.ts'
import type { Member } from './member.ts'

const folder = '/docker-entrypoint-initdb.d'
/** A dump of gigabytes tells by its first part what it is. */
const enough = 1024 * 1024

/** What brings a schema to the folder, and its files' names. */
export interface InitdbSchema {
  readonly mount: Mount
  readonly names: readonly string[]
  /** Where the service says so. */
  readonly path: readonly (string | number)[]
}

/** Mounts, configs and what the Dockerfile copies. */
export function initdbSchemas({ service, context }: Pick<Member, 'service' | 'context'>): InitdbSchema[] {
  const { mounts, values } = service
  const volumes = asList(values.volumes).length
  const configs = mounts.length - asList(values.configs).length
  const given = mounts.map((mount, i) => ({
    mount,
    path: i < volumes ? ['volumes', i] : ['configs', i - configs],
  }))
  const built = context.copied().map(mount => ({ mount, path: ['build'] }))
  return [...given, ...built].flatMap(({ mount, path }) => {
    const names = schemaFiles(mount, context)
    return names.length > 0 ? [{ mount, names, path }] : []
  })
}

function schemaFiles({ source, target, type, text }: Mount, context: BuildContext): readonly string[] {
  if (!target.startsWith(folder) || type === 'volume' || source === '') return []
  if (text !== undefined) return makesSchema(text) ? [basename(target)] : []
  const files = context.mounted(source)
  const found =
    files === undefined || files.length === 0
      ? [source].filter(() => saysSchema(source, target))
      : files.filter(isSchema)
  return found.map(file => basename(file))
}

/** By what it does; what cannot be read is judged by its name. */
function isSchema(file: string): boolean {
  if (!/\.(sql|sh|sql\.(gz|xz|zst))$/.test(file)) return false
  if (!/\.(sql|sh)$/.test(file)) return true
  try {
    if (statSync(file).size > enough) return true
    return makesSchema(readFileSync(file, 'utf8'))
  } catch {
    return saysSchema(file, basename(file))
  }
}

function makesSchema(text: string): boolean {
  const bare = text.replace(/--.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '')
  return /\b(create\s+(unlogged\s+)?table|alter\s+table|create\s+(or\s+replace\s+)?(materialized\s+)?view|create\s+type|insert\s+into)\b|\bpg_restore\b|\bpsql\b.*-f\s/i.test(
    bare,
  )
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
