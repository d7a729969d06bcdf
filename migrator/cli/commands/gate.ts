// `gate`: the gate as a service of its own, until a signal ends it.

import { readSecret } from '../../../gate/postgres/secret.ts'
import { exitCodes, InterruptedError, UsageError } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { manifestOption } from '../shared-options.ts'

export const gateCommand = defineCommand({
  name: 'gate',
  summary: 'serves /ready, /live, /metrics and a page: the gate for apps in any language, behind a proxy that asks',
  description:
    "It connects as the app's role. Without --manifest the gate is that of the migrations folder. The token is asked for by the page and the metrics; it can also be in SCHEMAGATE_GATE_TOKEN or SCHEMAGATE_GATE_TOKEN_FILE.",
  logsToStdout: true,
  database: true,
  follows: true,
  positionals: { names: [], required: 0 },
  options: {
    manifest: manifestOption,
    listen: {
      flag: 'listen',
      variable: 'SCHEMAGATE_GATE_LISTEN',
      kind: 'text',
      placeholder: 'HOST:PORT',
      default: '127.0.0.1:8080',
      help: 'where to listen; in the image 0.0.0.0:8080',
    },
    hold: {
      flag: 'hold',
      variable: 'SCHEMAGATE_GATE_HOLD',
      kind: 'duration',
      placeholder: 'TIME',
      default: '0',
      help: "how long a proxy's request waits for a closed gate to open before it gets 503; a health check never waits",
    },
    drain: {
      flag: 'drain',
      variable: 'SCHEMAGATE_GATE_DRAIN',
      kind: 'duration',
      placeholder: 'TIME',
      default: '5s',
      help: 'how long a request that was let through may take: for so long after its last 200 a breaking migration waits',
    },
    tokenFile: {
      flag: 'token-file',
      kind: 'text',
      placeholder: 'FILE',
      help: 'a file with the token that the page and the metrics ask for',
    },
    token: {
      variable: 'SCHEMAGATE_GATE_TOKEN',
      kind: 'secret',
      help: 'the token that the page and the metrics ask for',
    },
  },
  async run({ settings, options, log, signal }) {
    const { serve } = await import('../../gate-service/serve.ts')
    const { parseListenAddress } = await import('../../gate-service/listen.ts')
    const { manifestToServe } = await import('../../gate-service/manifest.ts')
    await serve({
      connection: settings.target,
      manifest: await manifestToServe(settings, options.manifest, log),
      schema: settings.schema,
      address: parseListenAddress(options.listen),
      hold: options.hold,
      drain: options.drain,
      token: options.tokenFile === undefined ? options.token : readTokenFile(options.tokenFile),
      log,
      signal,
    })
    // a signal is how a service ends; an error that nothing caught is not
    if (signal.aborted && !(signal.reason instanceof InterruptedError)) throw signal.reason
    return exitCodes.done
  },
})

function readTokenFile(file: string): string {
  const problems: string[] = []
  const token = readSecret({ '--token_FILE': file }, '--token', problems)
  if (token === undefined) throw new UsageError(problems.join('\n').replaceAll('--token_FILE', '--token-file'))
  return token
}
