// A catalogue as a file: canonical JSON with the version of its format, which diffs and merges well.

import { UsageError } from '../errors.ts'
import type { Catalog, CatalogObject, Value } from './catalog/catalog.ts'

/** Raised when kinds or properties change their meaning. */
export const snapshotFormat = 1

interface Snapshot {
  readonly format: typeof snapshotFormat
  readonly serverVersion: number
  readonly objects: readonly CatalogObject[]
}

/** One line for each object, properties sorted. */
export function printSnapshot({ serverVersion, objects }: Catalog): string {
  const lines = objects.map(({ kind, name, parent, properties }) => {
    const sorted = Object.fromEntries(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)))
    return JSON.stringify({ kind, name, ...(parent !== undefined && { parent }), properties: sorted })
  })
  return `{"format": ${snapshotFormat}, "serverVersion": ${serverVersion}, "objects": [\n${lines.join(',\n')}\n]}\n`
}

/** @throws UsageError if the text is no snapshot, or one of another format; `source` names it in the message. */
export function parseSnapshot(text: string, source = 'the snapshot'): Catalog {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`${source} is not JSON: ${cause instanceof Error ? cause.message : cause}. ${wayOut}`, {
      cause,
    })
  }
  if (!isRecord(value) || typeof value.format !== 'number')
    throw new UsageError(`${source} is not a snapshot of a schema. ${wayOut}`)
  if (value.format !== snapshotFormat)
    throw new UsageError(
      `${source} has the format ${value.format}, and this release reads ${snapshotFormat}. ${value.format > snapshotFormat ? 'Use the release that wrote it, or a newer one' : wayOut}`,
    )
  if (!isSnapshot(value))
    throw new UsageError(`${source} is damaged: objects without kind, name or properties. ${wayOut}`)
  return { serverVersion: value.serverVersion, objects: value.objects }
}

const wayOut = 'Write it again: schemagate verify --snapshot > FILE'

function isSnapshot(value: Record<string, unknown>): value is Record<string, unknown> & Snapshot {
  return typeof value.serverVersion === 'number' && Array.isArray(value.objects) && value.objects.every(isObject)
}

function isObject(value: unknown): value is CatalogObject {
  if (!isRecord(value)) return false
  const { kind, name, parent, properties } = value
  return (
    typeof kind === 'string' &&
    typeof name === 'string' &&
    (parent === undefined || typeof parent === 'string') &&
    isRecord(properties) &&
    Object.values(properties).every(isValue)
  )
}

function isValue(value: unknown): value is Value {
  return typeof value === 'string' || (Array.isArray(value) && value.every(one => typeof one === 'string'))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
