// A migration that is only written down: in a comment of the compose file, or in the README beside it.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Compose } from '../compose/load.ts'
import { readSmall } from '../startup/build-context.ts'
import { migrationIn } from '../startup/tools.ts'

export interface Documented {
  readonly file: string
  readonly line: number
  readonly command: string
}

const known = new WeakMap<Compose, { found: Documented | undefined }>()

/** The first `docker compose run|exec ... MIGRATION` that a person is asked to type. */
export function documentedMigration(compose: Compose): Documented | undefined {
  const entry = known.get(compose) ?? { found: find(compose) }
  known.set(compose, entry)
  return entry.found
}

function find(compose: Compose): Documented | undefined {
  for (const { file, text } of compose.documents) {
    const comments = text.split('\n').map(line => /(?:^|\s)#(.*)$/.exec(line)?.[1] ?? '')
    const found = inLines(comments, file)
    if (found) return found
  }
  for (const name of readmes(compose.directory)) {
    const found = inLines((readSmall(join(compose.directory, name)) ?? '').split('\n'), name)
    if (found) return found
  }
  return undefined
}

function inLines(lines: readonly string[], file: string): Documented | undefined {
  for (const [i, line] of lines.entries()) {
    const match =
      /docker(?:-|\s+)compose\s+(?:-\S+\s+\S+\s+)*(?:run|exec)\s+(?:(?:-\w+|--[\w-]+(?:=\S+)?)\s+)*[\w.-]+\s+([^`#"]+)/.exec(
        line,
      )
    if (match && migrationIn(match[1]!.trim())) return { file, line: i + 1, command: match[0].trim() }
  }
  return undefined
}

function readmes(directory: string): string[] {
  try {
    return readdirSync(directory).filter(name => /^readme(\.(md|rst|txt))?$/i.test(name))
  } catch {
    return []
  }
}
