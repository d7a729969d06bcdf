// A machine of its own for a process, as far as the network goes: a namespace whose packets can be dropped.

import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

const run = promisify(execFile)

export interface NetworkNamespace {
  /** The host's address as the namespace sees it. */
  readonly host: string
  /** The namespace's own address. */
  readonly address: string
  /** What to put before a command line for it to run in there. */
  readonly enter: readonly string[]
  /** Drops all packets from now on without a reset, as a machine that lost its power does. */
  vanish(): Promise<void>
}

/** Why this machine lets us make no namespaces, or undefined. */
export async function whyNoNamespaces(): Promise<string | undefined> {
  const name = `sgtest${process.pid}`
  try {
    await run('iptables', ['--version'])
    await run('ip', ['netns', 'add', name])
    await run('ip', ['netns', 'exec', name, 'iptables', '-A', 'OUTPUT', '-j', 'DROP'])
    return undefined
  } catch (error) {
    return `no network namespaces here: ${error instanceof Error ? error.message.trim().split('\n').at(-1) : error}`
  } finally {
    await run('ip', ['netns', 'del', name]).catch(() => {})
  }
}

/** Makes a namespace with a wire to the host; gone after the test. */
export async function networkNamespace(): Promise<NetworkNamespace> {
  const id = `${process.pid.toString(36)}${randomInt(36 ** 3).toString(36)}`.slice(-8)
  const [name, outside, inside] = [`sg${id}`, `sgo${id}`, `sgi${id}`]
  // TEST-NET-3, reserved for documentation: a pair of addresses out of 64
  const base = randomInt(64) * 4
  const [host, address] = [`203.0.113.${base + 1}`, `203.0.113.${base + 2}`]
  await run('ip', ['netns', 'add', name])
  onTestFinished(async () => {
    await run('ip', ['link', 'del', outside]).catch(() => {})
    await run('ip', ['netns', 'del', name]).catch(() => {})
  })
  const within = (...command: string[]) => run('ip', ['netns', 'exec', name, ...command])
  await run('ip', ['link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', name])
  await run('ip', ['addr', 'add', `${host}/30`, 'dev', outside])
  await run('ip', ['link', 'set', outside, 'up'])
  await within('ip', 'addr', 'add', `${address}/30`, 'dev', inside)
  await within('ip', 'link', 'set', inside, 'up')
  await within('ip', 'link', 'set', 'lo', 'up')
  return {
    host,
    address,
    enter: ['ip', 'netns', 'exec', name],
    vanish: async () => {
      await within('iptables', '-I', 'INPUT', '-j', 'DROP')
      await within('iptables', '-I', 'OUTPUT', '-j', 'DROP')
    },
  }
}
