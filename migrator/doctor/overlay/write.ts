// An overlay's text: a patch as a file that Compose merges with the files that it is for.

import { dirname, join } from 'node:path'
import { Document, isMap, type Node, Scalar } from 'yaml'
import { migratorImageVariable } from '../../settings/image-variables.ts'
import { isValues } from '../compose/merge.ts'
import { Override, type Patch, reset } from '../patches/patch.ts'

export const overlayName = 'compose.schemagate.yml'

/** Who writes an overlay, and under which name. */
export interface Writer {
  readonly by: string
  readonly name: string
}

/** An overlay is beside the first file that it is for. @param files as they were named */
export function besideFirst([first = '-']: readonly string[], name: string): string {
  return first === '-' ? name : join(dirname(first), name)
}

/** The text of the file. @param files those that it is laid over, as they were named */
export function overlayText(patch: Patch, files: readonly string[], { by, name }: Writer): string {
  const services = Object.fromEntries(
    Object.entries(patch.services).map(([name, service]) => [name, toNodeValue(service)]),
  )
  const volumes = patch.volumes && Object.keys(patch.volumes).length > 0 ? { volumes: patch.volumes } : {}
  // an older reader takes a bare `no` for false
  const document = new Document({ services: {}, ...volumes }, { compat: 'yaml-1.1', version: '1.2' })
  document.setIn(['services'], toNode(document, services))
  const image = JSON.stringify(services).includes(migratorImageVariable)
  const build = image
    ? `
 Its migrator's image is built before, once: npm install --prefix /tmp/schemagate schemagate
 docker build --tag schemagate-migrator /tmp/schemagate/node_modules/schemagate`
    : ''
  document.commentBefore = ` Written by \`schemagate ${by}\`, to be laid over ${files.join(' and ')}:
 docker compose ${[...files, besideFirst(files, name)].map(file => `-f ${file}`).join(' ')} up --detach --wait${build}
 To undo it, delete this file${by === 'init' ? ', and the line of .env that names it' : ''}.`
  return document.toString({ lineWidth: 0 })
}

/** Without what is undefined. */
function toNodeValue(value: unknown): unknown {
  if (value instanceof Override || !isValues(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, toNodeValue(item)]])),
  )
}

function toNode(document: Document, value: unknown): Node {
  if (value === reset) return tagged(new Scalar(null), '!reset')
  if (value instanceof Override) return tagged(document.createNode(value.value) as Node, '!override')
  if (!isValues(value)) return document.createNode(value) as Node
  const map = document.createNode({}) as Node
  if (isMap(map)) for (const [key, item] of Object.entries(value)) map.set(key, toNode(document, item))
  return map
}

function tagged(node: Node, tag: string): Node {
  node.tag = tag
  return node
}
