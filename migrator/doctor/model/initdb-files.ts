// Which files that Postgres reads once make a schema, and which only roles, databases and extensions.

import { readFileSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { asList } from '../compose/merge.ts'
import type { Mount } from '../compose/service.ts'
import type { BuildContext } from '../startup/build-context.ts'
import type { Member } from './member.ts'
import { isMigrations } from './recognise.ts'

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

/**
 * What has to be mounted for the migrator of this repository to run what was mounted there, in the same order; undefined
 * where it cannot: scripts, archives, psql's own commands, a folder whose files have no numbers, or
 * are in another order by them.
 */
export function asMigrations(mounts: readonly Mount[], context: BuildContext): string[] | undefined {
  const [first, ...others] = mounts.toSorted((a, b) => (a.target < b.target ? -1 : 1))
  if (first === undefined) return undefined
  if (first.target === folder) {
    const files = context.mounted(first.source)
    const isWhole = others.length === 0 && (files === undefined || isReadable(files))
    return isWhole ? [`${first.source}:/migrations:ro`] : undefined
  }
  const names = [first, ...others].map(({ target }) => basename(target))
  const areFiles = mounts.every(({ source, target }) => {
    const files = context.mounted(source) ?? []
    return dirname(target) === folder && target.endsWith('.sql') && files.every(isSql)
  })
  if (!areFiles) return undefined
  const isOrdered = isByNumber(names)
  const named = (name: string, i: number) => (isOrdered ? name : `${String(i + 1).padStart(4, '0')}_${name}`)
  return [first, ...others].map(({ source }, i) => `${source}:/migrations/${named(names[i]!, i)}:ro`)
}

/** A folder that means the same to the migrator. */
function isReadable(files: readonly string[]): boolean {
  const ran = files.filter(file => /\.(sql|sh)(\.\w+)?$/.test(file))
  const isFlat = new Set(files.map(file => dirname(file))).size === 1
  return (
    ran.every(isSql) && isFlat && isByNumber(ran.map(file => basename(file)).sort()) && isMigrations(dirname(files[0]!))
  )
}

/** The names, which are sorted as text, are numbered in that order: `10_` comes before `2_` there. */
function isByNumber(names: readonly string[]): boolean {
  const numbers = names.map(name => Number(/^V?(\d+)/.exec(name)?.[1]))
  return numbers.every((number, i) => number >= (numbers[i - 1] ?? 0))
}

/** And no more than SQL: psql has commands of its own, but for the two that pg_dump writes. */
function isSql(file: string): boolean {
  if (!file.endsWith('.sql')) return false
  try {
    if (statSync(file).size > enough) return true
    return !/^\s*\\(?!(un)?restrict\b)[a-z!]|\\g(exec|set)?\b/m.test(readFileSync(file, 'utf8'))
  } catch {
    return false
  }
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
    const stat = statSync(file)
    if (!stat.isFile()) return saysSchema(file, basename(file))
    if (stat.size > enough) return true
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
