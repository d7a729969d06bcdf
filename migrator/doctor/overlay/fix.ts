// --fix: an overlay that takes the findings away, checked by reading the stack with it.

import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { RefusedError } from '../../errors.ts'
import { temporaryFolder, writeFiles } from '../../files/write-files.ts'
import type { Compose } from '../compose/load.ts'
import { type DiagnoseOptions, type Diagnosis, diagnose, type Finding } from '../diagnose.ts'
import { mergePatches } from '../patches/merge.ts'
import type { Patch } from '../patches/patch.ts'
import { readSmall } from '../startup/build-context.ts'
import { withinProfiles } from './profiles.ts'
import { withRestarts } from './restarts.ts'
import { overlayName, overlayText, type Writer } from './write.ts'

export interface Overlay {
  /** Empty where it could change nothing. */
  readonly text: string
  /** What is found with it. */
  readonly result: Diagnosis
}

/** Beside an overlay that doctor did not write. */
const furtherName = overlayName.replace('.yml', '.doctor.yml')

/** A change can bring another finding to light, as a new one-shot that a second app must wait for. */
const mostRounds = 5

/**
 * Makes the overlay's text; nothing is written into the project.
 * @param initial changes besides those that take findings away
 */
export async function makeOverlay(
  diagnosis: Diagnosis,
  options: DiagnoseOptions,
  initial: readonly Patch[] = [],
  writer: Writer = { by: 'doctor --fix', name: overlayNameOf(diagnosis.stack.compose, options.cwd) },
): Promise<Overlay> {
  const { files } = diagnosis.stack.compose
  const folder = temporaryFolder('schemagate-overlay-')
  const trial = join(folder, writer.name)
  let patches: readonly Patch[] = initial
  let overlay: Overlay = { text: '', result: diagnosis }
  try {
    for (let round = 0; round < mostRounds; round++) {
      if (round > 0 || initial.length === 0) patches = [...patches, ...patchesOf(overlay.result.findings)]
      const patch = withRestarts(withinProfiles(mergePatches(patches), diagnosis.stack), diagnosis.stack)
      const text = Object.keys(patch.services).length === 0 ? '' : overlayText(patch, files, writer)
      if (text === overlay.text) break
      writeFiles([{ path: trial, text, as: 'replaced' }])
      overlay = { text, result: await diagnose([...files, trial], options) }
    }
    return overlay
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * The name of a stack's overlay, beside its first file: where init's, or one of the project's own, is among the files, it is
 * laid over that.
 */
export function overlayNameOf({ directory, files }: Compose, cwd: string): string {
  const usual = join(directory, overlayName)
  return files.some(name => resolve(cwd, name) === usual) && !isOwn(usual) ? furtherName : overlayName
}

/**
 * Writes the overlay into the project's folder, and returns its path.
 * @throws RefusedError where there is another file of that name
 */
export function writeOverlay({ directory }: Compose, name: string, text: string): string {
  const path = join(directory, name)
  if (existsSync(path) && !isOwn(path))
    throw new RefusedError(
      `${path} is there already, and doctor did not write it. Give it to doctor as a further file, or put it away.`,
    )
  writeFiles([{ path, text, as: 'replaced' }])
  return path
}

/** Its first line is what `--fix` writes: it may write it again. */
export function isOwn(path: string): boolean {
  return readSmall(path)?.startsWith('# Written by `schemagate doctor --fix`') ?? false
}

function patchesOf(findings: readonly Finding[]): Patch[] {
  return findings.flatMap(({ patch }) => (patch ? [patch] : []))
}
