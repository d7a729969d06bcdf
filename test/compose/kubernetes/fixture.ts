// The fixture `pods`: objects of docker/kubernetes, run by podman against the Postgres of a stack.

import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { stringify } from 'yaml'
import type { ProcessOutput } from 'zx'
import { freePort } from '../../../scripts/lib/free-port.ts'
import {
  type KubernetesObject,
  type Overlay,
  only,
  pods as podsOf,
  render,
  values,
  whyNoKubectl,
} from '../../helpers/kubernetes.ts'
import { openPodman, type Podman, whyNoPodman } from '../../helpers/podman.ts'
import { keepArtifacts } from '../scenario/artifacts.ts'
import { root } from '../scenario/project.ts'
import { current } from '../scenario/releases.ts'
import { test as base } from '../scenario/stack.ts'
import { succeeds } from '../scenario/steps.ts'

export interface PodContainer {
  readonly status: 'created' | 'running' | 'exited' | 'stopped'
  readonly exitCode: number
  readonly user: string
  readonly readOnly: boolean
  readonly effectiveCapabilities: readonly string[]
  readonly environment: readonly string[]
}

export interface Pods {
  /** The overlay's objects, with the stack's Postgres as the database. */
  render(overlay: Overlay): Promise<KubernetesObject[]>
  /**
   * Runs one Deployment's pod, or one Job's, as `kubectl apply` of these objects would: with the ConfigMap and Secrets
   * beside it. Ends when the pod's init containers have ended; fails when one of them did.
   */
  play(objects: readonly KubernetesObject[], options: PlayOptions): Promise<ProcessOutput>
  /** A pod's container, undefined if there is none. */
  container(pod: string, name: string): Promise<PodContainer | undefined>
  logs(pod: string, name: string): Promise<Record<string, unknown>[]>
  /** Waits until a pod that ran to its end has done so, and gives the container's exit code. */
  wait(pod: string, name: string): Promise<number>
  remove(pod: string): Promise<void>
  /** A copy of the real migrations with this file added, in a folder of the host. */
  migrationsWith(file: string, text: string): Promise<string>
}

export interface PlayOptions {
  readonly kind: 'Deployment' | 'Job'
  /** Another name for it. */
  readonly name?: string
  /** Where the app listens. */
  readonly port?: number
  /** A folder of the host that init containers have instead of the image's own migrations. */
  readonly migrations?: string
}

const owner = 'development-only-owner'

/** Gives the test `pods`, with Postgres up and empty, and skips it with the reason where podman cannot run. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of what a fixture needs.
  .extend('podman', { scope: 'file' }, async ({}, { onCleanup }): Promise<Podman | string> => {
    const why = inject('whyNoCompose') ?? (await whyNoKubectl()) ?? (await whyNoPodman())
    if (why !== undefined && process.env.TEST_KUBERNETES === 'required')
      throw new Error(`The pods are required, but ${why}.`)
    if (why !== undefined) return why
    const podman = await openPodman([current.app.image, current.migrator.image])
    onCleanup(() => podman.remove())
    return podman
  })
  .extend('pods', async ({ podman, stack, skip, task }, { onCleanup }): Promise<Pods> => {
    if (typeof podman === 'string') return skip(podman)
    const port = await freePort()
    await stack.override({ postgres: { ports: [`127.0.0.1:${port}:5432`], environment: { POSTGRES_PASSWORD: owner } } })
    await succeeds(stack, 'up', '--detach', '--wait', 'postgres')
    const folder = await mkdtemp(join(tmpdir(), `${stack.project}-pods-`))
    await chmod(folder, 0o755)
    onCleanup(async () => {
      if (task.result?.state === 'fail') await keepArtifacts(task, await artifactsOf(podman))
      await podman.run('pod', 'rm', '--all', '--force', '--time', '0')
      await rm(folder, { recursive: true, force: true })
    })
    return podsOn(podman, `${port}`, folder)
  })

function podsOn(podman: Podman, databasePort: string, folder: string): Pods {
  let count = 0
  return {
    render: overlay =>
      render(overlay, {
        tag: current.app.image.split(':')[1]!,
        database: { ...values.database, PGHOST: '127.0.0.1', PGPORT: databasePort },
        secrets: { ...values.secrets, 'owner-password': owner },
      }),
    play: async (objects, options) => {
      count += 1
      const file = join(folder, `play-${count}.yaml`)
      await writeFile(
        file,
        forPodman(objects, options)
          .map(object => stringify(object))
          .join('---\n'),
      )
      return podman.run('kube', 'play', file)
    },
    container: async (pod, name) => {
      const { exitCode, stdout } = await podman.run('container', 'inspect', `${pod}-pod-${name}`)
      if (exitCode !== 0) return undefined
      const [found] = JSON.parse(stdout) as Inspected[]
      const { State: state, Config: config, HostConfig: host, EffectiveCaps: capabilities } = found!
      return {
        status: state.Status,
        exitCode: state.ExitCode,
        user: config.User,
        readOnly: host.ReadonlyRootfs,
        effectiveCapabilities: capabilities ?? [],
        environment: config.Env,
      }
    },
    logs: async (pod, name) => {
      const { stdout, stderr } = await podman.run('logs', `${pod}-pod-${name}`)
      return `${stdout}\n${stderr}`.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
    },
    wait: async (pod, name) => Number((await podman.run('wait', `${pod}-pod-${name}`)).stdout),
    remove: async pod => {
      await podman.run('pod', 'rm', '--force', '--time', '0', `${pod}-pod`)
    },
    migrationsWith: async (file, text) => {
      const dir = join(folder, 'migrations')
      await cp(join(root, 'migrator/migrations'), dir, { recursive: true })
      await writeFile(join(dir, file), text)
      return dir
    },
  }
}

interface Inspected {
  readonly State: { readonly Status: PodContainer['status']; readonly ExitCode: number }
  readonly Config: { readonly User: string; readonly Env: string[] }
  readonly HostConfig: { readonly ReadonlyRootfs: boolean }
  readonly EffectiveCaps: string[] | null
}

/** What podman has not of a cluster is taken out; all else stays as the cluster would get it. */
function forPodman(objects: readonly KubernetesObject[], options: PlayOptions): KubernetesObject[] {
  const { kind, name, port, migrations } = options
  const chosen = structuredClone(objects.filter(object => ['ConfigMap', 'Secret', kind].includes(object.kind)))
  const played = chosen.find(object => object.kind === kind)!
  // Else an init container that ended well is removed at once, and its log with it.
  played.metadata.annotations = { 'io.podman.annotations.init.container.type': 'always' }
  if (name !== undefined) played.metadata.name = name
  // One volume for all pods that name the same Secret is overwritten while pods that use it run.
  const own = (secret: string) => `${secret}-${played.metadata.name}`
  for (const { metadata } of only('Secret', chosen)) metadata!.name = own(metadata!.name!)
  for (const deployment of only('Deployment', chosen)) deployment.spec!.replicas = 1
  for (const [, , spec] of podsOf(chosen)) {
    // No network of its own has to be made, and the database is the host's.
    spec.hostNetwork = true
    for (const { secret } of spec.volumes ?? []) {
      if (!secret) continue
      secret.secretName = own(secret.secretName!)
      // There is no fsGroup: the files belong to root.
      delete secret.defaultMode
    }
    for (const container of spec.containers) {
      // Each becomes a curl command within the container, which has none.
      delete container.startupProbe
      delete container.livenessProbe
      delete container.readinessProbe
      if (port === undefined) continue
      for (const variable of container.env ?? []) if (variable.name === 'PORT') variable.value = `${port}`
      delete container.ports
    }
    if (migrations === undefined) continue
    spec.volumes?.push({ name: 'migrations', hostPath: { path: migrations } })
    for (const { volumeMounts } of spec.initContainers ?? [])
      volumeMounts?.push({ name: 'migrations', mountPath: '/migrations', readOnly: true })
  }
  return chosen
}

async function artifactsOf(podman: Podman): Promise<Record<string, ProcessOutput>> {
  const names = (await podman.run('ps', '--all', '--format', '{{.Names}}')).stdout.trim().split('\n')
  const logs = names
    .filter(name => !name.endsWith('-infra'))
    .map(async name => [`log-${name}`, await podman.run('logs', '--tail', '100', name)] as const)
  return { ps: await podman.run('ps', '--all'), ...Object.fromEntries(await Promise.all(logs)) }
}
