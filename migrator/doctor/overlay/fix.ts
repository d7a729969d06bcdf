// --fix: an overlay that takes the findings away, checked by reading the stack with it.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RefusedError } from '../../errors.ts'
import { type DiagnoseOptions, type Diagnosis, diagnose, type Finding } from '../diagnose.ts'
import type { Patch } from './patch.ts'
import { mergePatches, overlayName, overlayText } from './write.ts'

export interface Fix {
  /** The overlay, as it was named beside the other files; undefined where it could change nothing. */
  readonly file: string | undefined
  readonly text: string
  /** What is left with it. */
  readonly left: readonly Finding[]
}

/** A change can bring another finding to light, as a new one-shot that a second app must wait for. */
const mostRounds = 5

/**
 * Writes the overlay into the project's folder.
 * @throws RefusedError where there is another file of that name
 */
export async function fix(diagnosis: Diagnosis, options: DiagnoseOptions): Promise<Fix> {
  const { compose } = diagnosis.stack
  const path = join(compose.directory, overlayName)
  const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  let current = diagnosis
  let patches: Patch[] = []
  let text = ''
  try {
    for (let round = 0; round < mostRounds; round++) {
      const more = patchesOf(current.findings)
      patches = [...patches, ...more]
      if (patches.length === 0) return { file: undefined, text: '', left: diagnosis.findings }
      const next = overlayText(mergePatches(patches), compose.files)
      if (next === text) break
      text = next
      if (before !== undefined && before !== text && round === 0 && !isOurs(before)) throw exists(path)
      writeFileSync(path, text)
      current = await diagnose([...compose.files, path], options)
    }
  } catch (error) {
    // a half-made overlay is worse than none
    if (before !== undefined) writeFileSync(path, before)
    else rmSync(path, { force: true })
    throw error
  }
  return { file: path, text, left: current.findings }
}

/** The first line of what this command writes: it may write it again. */
function isOurs(text: string): boolean {
  return text.startsWith('# Written by `schemagate doctor --fix`')
}

function exists(path: string): RefusedError {
  return new RefusedError(
    `${path} is there already, and doctor did not write it. Give it to doctor as a further file, or put it away.`,
  )
}

function patchesOf(findings: readonly Finding[]): Patch[] {
  return findings.flatMap(({ patch }) => (patch ? [patch] : []))
}
