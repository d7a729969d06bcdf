// --image: entrypoint and command of an image, as the engine on this machine knows them. Nothing is pulled.

import { execFile } from 'node:child_process'
import type { ImageConfig } from './startup/startup.ts'

/** Undefined where there is no engine, or no such image on it. */
export function inspectImage(image: string): Promise<ImageConfig | undefined> {
  return new Promise(done => {
    execFile(
      'docker',
      ['image', 'inspect', '--format', '{{json .Config}}', '--', image],
      { timeout: 20_000 },
      (error, stdout) => {
        if (error) return done(undefined)
        try {
          const { Entrypoint: entrypoint, Cmd: cmd } = JSON.parse(stdout) as Record<string, string[] | null>
          done({ entrypoint: entrypoint ?? undefined, cmd: cmd ?? undefined })
        } catch {
          done(undefined)
        }
      },
    )
  })
}
