// Which migrations the gate asks for: those of a manifest, of the folder, or of the tool that is followed.

import type { Manifest } from '../../gate/protocol/manifest.ts'
import { readFolder } from '../files/folder.ts'
import { manifestOf } from '../files/manifest.ts'
import { manifestAsked } from '../follow/compare.ts'
import type { Log } from '../log.ts'
import { folderOptions } from '../run/engine.ts'
import type { Settings } from '../settings/settings.ts'

/** @throws UsageError if the manifest or the folder cannot be used. */
export async function manifestToServe(settings: Settings, file: string | undefined, log: Log): Promise<Manifest> {
  const asked = await manifestAsked({ settings, log }, file)
  return asked ?? manifestOf(readFolder(settings.dir, folderOptions(settings, log)))
}
