// What `kubectl apply -k` would send for one of docker/kubernetes' overlays, with an operator's own values in it.

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Deployment } from 'kubernetes-types/apps/v1.d.ts'
import type { Job } from 'kubernetes-types/batch/v1.d.ts'
import type { ConfigMap, PodSpec, PodTemplateSpec, Secret, Service } from 'kubernetes-types/core/v1.d.ts'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { $ } from 'zx'
import { root } from '../../scripts/lib/root.ts'

export type Overlay = 'job' | 'init'

/** The kinds that the overlays are made of. */
export interface Kinds {
  ConfigMap: ConfigMap
  Secret: Secret
  Service: Service
  Deployment: Deployment
  PodDisruptionBudget: PodDisruptionBudget
  Job: Job
}

export type KubernetesObject = Kinds[keyof Kinds] & { kind: keyof Kinds; metadata: { name: string } }

/** What the operator fills in. */
export interface Values {
  readonly tag: string
  /** Where the images are pulled from; undefined: by their plain names. */
  readonly registry?: string
  readonly database: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<'owner-password' | 'app-password' | 'jwt-secret', string>>
}

export const values: Values = {
  tag: 'test',
  database: { PGHOST: 'postgres.example.com', PGPORT: '5432', PGDATABASE: 'tickets' },
  secrets: {
    'owner-password': "owner's secret word",
    'app-password': "app's secret word",
    'jwt-secret': 'a secret for tokens that is long enough',
  },
}

/** Why nothing can be rendered here; undefined if it can. What the overlays use came with kustomize 5. */
export async function whyNoKubectl(): Promise<string | undefined> {
  const { exitCode, stdout } = await $({ quiet: true, nothrow: true })`kubectl version --client --output json`
  if (exitCode !== 0) return 'there is no kubectl'
  const { clientVersion }: { clientVersion: { minor: string } } = JSON.parse(stdout)
  const oldest = 27
  return Number.parseInt(clientVersion.minor, 10) < oldest ? `kubectl is older than 1.${oldest}` : undefined
}

/** @throws Error with kubectl's message if the overlay cannot be built. */
export async function render(
  overlay: Overlay,
  { tag, registry, database, secrets }: Values = values,
): Promise<KubernetesObject[]> {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-kubernetes-'))
  try {
    await cp(join(root, 'docker/kubernetes'), folder, { recursive: true, filter: path => !path.endsWith('/secrets') })
    await mkdir(join(folder, overlay, 'secrets'))
    for (const [name, text] of Object.entries(secrets)) {
      await writeFile(join(folder, overlay, 'secrets', name), `${text}\n`)
    }
    await edit(join(folder, 'base/kustomization.yaml'), ({ configMapGenerator: [map] }) => {
      map.literals = Object.entries(database).map(([name, value]) => `${name}=${value}`)
    })
    await edit(join(folder, overlay, 'kustomization.yaml'), ({ images, labels = [] }) => {
      for (const image of images)
        Object.assign(image, { newTag: tag }, registry && { newName: `${registry}/${image.name}` })
      // in the file it is the images' tag, by an alias
      for (const { pairs } of labels) pairs['app.kubernetes.io/version'] = tag
    })
    const { exitCode, stdout, stderr } = await $({
      quiet: true,
      nothrow: true,
    })`kubectl kustomize ${join(folder, overlay)}`
    if (exitCode !== 0) throw new Error(`kubectl kustomize ${overlay}: ${stderr}`)
    return parseAllDocuments(stdout).map(document => document.toJSON())
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a kustomization file as it was parsed.
async function edit(file: string, change: (kustomization: any) => void): Promise<void> {
  const kustomization = parse(await readFile(file, 'utf8'))
  change(kustomization)
  await writeFile(file, stringify(kustomization))
}

/** All objects of one kind. */
export function only<Kind extends keyof Kinds>(kind: Kind, objects: readonly KubernetesObject[]): Kinds[Kind][] {
  return objects.filter(object => object.kind === kind) as Kinds[Kind][]
}

/** The pods that a Deployment or a Job makes, by its name. */
export function pods(objects: readonly KubernetesObject[]): [name: string, template: PodTemplateSpec, spec: PodSpec][] {
  return [...only('Deployment', objects), ...only('Job', objects)].map(({ metadata, spec }) => [
    metadata!.name!,
    spec!.template,
    spec!.template.spec!,
  ])
}
