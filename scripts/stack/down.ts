// `npm run down`: stops the example stack, whichever way it was brought up.

import { join } from 'node:path'
import { report } from '../lib/command/report.ts'
import { removeDataDir } from '../lib/postgres/data.ts'
import { dockerStack } from './docker.ts'
import { stackOptions } from './options.ts'
import { defaultState, forget, readRunning, stopRunning } from './running.ts'
import { whyNoEngine } from './ways.ts'

const help = `
Usage: npm run down -- [options]

Stops whatever \`npm run up\` brought up. The data is kept unless it is asked for otherwise.

  --volumes, -v     remove the data too
  --docker          only the Docker stack
  --embedded        only the embedded one
  --state FOLDER    as given to \`up\` (default: .schemagate)
  --project NAME    as given to \`up\` (default: schemagate)
`

await report(async () => {
  const defaults = { state: defaultState, project: 'schemagate' }
  const options = stackOptions(help, { volumes: { type: 'boolean', short: 'v' } }, defaults)
  if (!options) return 0
  const volumes = options.given.volumes === true
  const kept = volumes ? 'Its data is gone too.' : 'Its data is kept (--volumes removes it).'
  const noEngine = options.way === 'embedded' ? undefined : await whyNoEngine()
  if (options.way === 'docker' && noEngine !== undefined) throw new Error(`Docker cannot be used: ${noEngine}.`)
  let stopped = false
  if (options.way !== 'docker') {
    const running = await readRunning(options.state)
    if (running && (await stopRunning(running))) {
      console.log(`Stopped the embedded stack at ${running.url}. ${kept}`)
      stopped = true
    }
    await forget(options.state)
    if (volumes) await removeDataDir(join(options.state, 'postgres'))
  }
  if (options.way !== 'embedded' && noEngine === undefined) {
    const stack = dockerStack({ project: options.project })
    if (volumes || (await stack.exists())) {
      const existed = await stack.exists()
      await stack.down({ volumes })
      if (existed) console.log(`Stopped the Docker stack ${options.project}. ${kept}`)
      stopped ||= existed
    }
  }
  if (!stopped)
    console.log(noEngine === undefined ? 'Nothing is up.' : `Nothing is up without Docker, and ${noEngine}.`)
  return 0
})
