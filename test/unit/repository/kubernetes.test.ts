// The objects that docker/kubernetes makes: what the API server would refuse, and what it would take but must not be.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Container, PodSpec, PodTemplateSpec } from 'kubernetes-types/core/v1.d.ts'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../../scripts/lib/root.ts'
import {
  type KubernetesObject,
  type Overlay,
  only,
  pods,
  render,
  values,
  whyNoKubectl,
} from '../../helpers/kubernetes.ts'
import { schemaErrors } from '../../helpers/kubernetes-schema.ts'
import { brokenRules } from '../../helpers/pod-security.ts'

const whyNot = await whyNoKubectl()
if (whyNot !== undefined && process.env.TEST_KUBERNETES === 'required')
  throw new Error(`The tests of the Kubernetes manifests are required, but ${whyNot}.`)

const overlays: readonly Overlay[] = ['job', 'init']

const containersOf = ({ initContainers = [], containers }: PodSpec): Container[] => [...initContainers, ...containers]

describe.skipIf(whyNot)(`Kubernetes${whyNot ? ` (skipped: ${whyNot})` : ''}`, () => {
  const rendered = {} as Record<Overlay, KubernetesObject[]>
  beforeAll(async () => {
    for (const overlay of overlays) rendered[overlay] = await render(overlay)
  })

  describe.for(overlays)('overlay %s', overlay => {
    test('has only fields that Kubernetes knows, and all that it demands', async () => {
      expect(await schemaErrors(rendered[overlay])).toEqual([])
    })

    test('is admitted where Pod Security is enforced as restricted', () => {
      for (const [name, template] of pods(rendered[overlay])) expect(brokenRules(template), name).toEqual([])
    })

    test('is stricter than that: no write access, no token of the cluster, fixed user, limited memory', () => {
      for (const [name, , spec] of pods(rendered[overlay])) {
        expect(spec, name).toMatchObject({
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsUser: 1000, runAsGroup: 1000 },
        })
        for (const { securityContext, resources } of containersOf(spec)) {
          expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true })
          expect(resources).toMatchObject({
            requests: { cpu: expect.anything() },
            limits: { memory: expect.anything() },
          })
        }
      }
    })

    test('refers only to what it has', () => {
      const objects = rendered[overlay]
      const [configMaps, secrets] = (['ConfigMap', 'Secret'] as const).map(kind =>
        only(kind, objects).map(({ metadata }) => metadata!.name!),
      )
      for (const [, , spec] of pods(objects)) {
        const { volumes = [] } = spec
        const mounted = containersOf(spec).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))
        expect([...new Set(mounted)].toSorted()).toEqual(volumes.map(({ name }) => name).toSorted())
        for (const { secret } of volumes) if (secret) expect(secrets).toContain(secret.secretName)
        for (const { envFrom = [], ports = [], livenessProbe, readinessProbe, startupProbe } of containersOf(spec)) {
          expect(envFrom.length).toBe(1)
          for (const { configMapRef } of envFrom) expect(configMaps).toContain(configMapRef?.name)
          for (const probe of [livenessProbe, readinessProbe, startupProbe])
            if (probe) expect(ports.map(({ name }) => name)).toContain(probe.httpGet?.port)
        }
      }
      const [service] = only('Service', objects)
      const [budget] = only('PodDisruptionBudget', objects)
      const [deployment] = only('Deployment', objects)
      const { labels } = deployment!.spec!.template.metadata!
      for (const selector of [
        service!.spec!.selector,
        budget!.spec!.selector?.matchLabels,
        deployment!.spec!.selector.matchLabels,
      ])
        expect(labels).toMatchObject(selector!)
      for (const job of only('Job', objects)) expect(job.spec!.template.metadata!.labels).not.toMatchObject(labels!)
    })

    test('takes app and migrator from one release', async () => {
      const { images: named } = parse(
        await readFile(join(root, 'docker/kubernetes', overlay, 'kustomization.yaml'), 'utf8'),
      )
      expect(new Set(named.map(({ newTag }: { newTag: string }) => newTag)).size).toBe(1)
      const images = pods(rendered[overlay]).flatMap(([, , spec]) => containersOf(spec).map(({ image }) => image))
      expect([...new Set(images)].toSorted()).toEqual(['schemagate-app:test', 'schemagate-migrator:test'])
    })

    test("has secrets in files only, and the owner's nowhere near the app", () => {
      const objects = rendered[overlay].filter(({ kind }) => kind !== 'Secret')
      const text = JSON.stringify(objects)
      for (const secret of Object.values(values.secrets)) {
        expect(text).not.toContain(secret)
        expect(text).not.toContain(Buffer.from(secret).toString('base64'))
      }
      const names = containersOf(deploymentOf(rendered[overlay])).flatMap(({ env = [] }) => env.map(({ name }) => name))
      expect(names.filter(name => /PASSWORD|SECRET/.test(name) && !name.endsWith('_FILE'))).toEqual([])
      const [app] = deploymentOf(rendered[overlay]).containers
      expect(app!.volumeMounts!.map(({ name }) => name).toSorted()).toEqual(['app-secrets', 'tmp'])
    })

    test('keeps a stopping pod until it has let others know and has ended its requests', () => {
      const { containers, terminationGracePeriodSeconds } = deploymentOf(rendered[overlay])
      const delay = Number(containers[0]!.env!.find(({ name }) => name === 'SHUTDOWN_DELAY_MS')?.value)
      expect(delay).toBeGreaterThanOrEqual(5_000)
      // What the app itself takes for requests under way, and for letting go.
      expect(terminationGracePeriodSeconds! * 1000).toBeGreaterThan(delay + 5_000 + 1_000)
    })

    test('names no namespace', () => {
      for (const { metadata } of rendered[overlay]) expect(metadata.namespace).toBeUndefined()
    })

    test('replaces pods without a gap', () => {
      const [deployment] = only('Deployment', rendered[overlay])
      expect(deployment!.spec).toMatchObject({
        replicas: 2,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      })
    })
  })

  test('each release has a Job of its own, since a Job cannot be changed', async () => {
    const names = async (tag: string, registry = {}) =>
      only('Job', await render('job', { ...values, tag, ...registry })).map(job => job.metadata!.name)
    expect(await names('1.2.3')).toEqual(['migrator-1.2.3'])
    expect(await names('1.2.4')).toEqual(['migrator-1.2.4'])
    // a colon that is not the tag's
    expect(await names('1.2.4', { registry: 'registry.example.com:5000/shop' })).toEqual(['migrator-1.2.4'])
    const { images, labels } = parse(await readFile(join(root, 'docker/kubernetes/job/kustomization.yaml'), 'utf8'))
    expect(labels[0].pairs).toEqual({ 'app.kubernetes.io/version': images[0].newTag })
  })

  test('the Job tries again after just those exit codes that docs/operating.md says are worth it', async () => {
    const page = await readFile(join(root, 'docs/operating.md'), 'utf8')
    const [, chapter = ''] = /^## Exit codes$(.*?)^## /ms.exec(page) ?? []
    const table = [...chapter.matchAll(/^\| ([\d, ]+) \| .* \| (.*) \|$/gm)]
    const hopeless = table.flatMap(([, codes, again]) => (again === 'yes' ? [] : codes!.split(', ').map(Number)))
    const [job] = only('Job', rendered.job)
    const rules = job!.spec!.podFailurePolicy!.rules.filter(({ action }) => action === 'FailJob')
    expect(rules.flatMap(({ onExitCodes }) => onExitCodes!.values)).toEqual(hopeless)
  })

  test('another password is another Secret, so that pods are replaced', async () => {
    const names = (objects: KubernetesObject[]) => only('Secret', objects).map(secret => secret.metadata!.name)
    const changed = await render('init', { ...values, secrets: { ...values.secrets, 'app-password': 'changed' } })
    const [before, after] = [names(rendered.init), names(changed)]
    expect(after.filter(name => before.includes(name))).toHaveLength(1)
  })

  test('without the secrets there is nothing to apply', async () => {
    await expect(render('job', { ...values, secrets: {} as typeof values.secrets })).rejects.toThrow('secrets/')
  })

  describe('the schemas', () => {
    const wrong: Record<string, [change: (pod: PodTemplateSpec) => void, complaint: string]> = {
      'a misspelt field of the pod': [
        ({ spec }) => Object.assign(spec!, { terminationGracePeriodSecond: 30 }),
        `"terminationGracePeriodSecond"' does not exist`,
      ],
      'a misspelt field deep inside': [
        ({ spec }) => Object.assign(spec!.containers[0]!.securityContext!, { readOnlyRootFileSystem: true }),
        `"readOnlyRootFileSystem"' does not exist`,
      ],
      'a field in the wrong place': [
        ({ spec }) => Object.assign(spec!, { readinessProbe: {} }),
        `"readinessProbe"' does not exist`,
      ],
      'a number in quotes': [
        ({ spec }) => Object.assign(spec!, { terminationGracePeriodSeconds: '30' }),
        "Type 'string' is not assignable to type 'number'",
      ],
      'an environment variable that is no text': [
        ({ spec }) => Object.assign(spec!.containers[0]!.env![0]!, { value: 8000 }),
        "Type 'number' is not assignable to type 'string'",
      ],
      'a required field left out': [
        ({ spec }) => Object.assign(spec!.containers[0]!, { name: undefined }),
        "Property 'name' is missing",
      ],
    }
    test.for(Object.entries(wrong))('refuse %s', async ([, [change, complaint]]) => {
      const objects = structuredClone(rendered.init)
      const [deployment] = only('Deployment', objects)
      change(deployment!.spec!.template)
      expect(await schemaErrors(objects)).toEqual([expect.stringContaining(complaint)])
    })
  })

  describe('restricted', () => {
    const broken: Record<string, (pod: PodTemplateSpec, container: Container) => void> = {
      HostProcess: ({ spec }) => Object.assign(spec!.securityContext!, { windowsOptions: { hostProcess: true } }),
      'Host Namespaces': ({ spec }) => Object.assign(spec!, { hostNetwork: true }),
      'Privileged Containers': (_, { securityContext }) => Object.assign(securityContext!, { privileged: true }),
      'Host Ports': (_, container) => Object.assign(container, { ports: [{ containerPort: 1, hostPort: 1 }] }),
      'Host Probes / Lifecycle Hooks': (_, container) =>
        Object.assign(container, { livenessProbe: { tcpSocket: { host: 'elsewhere', port: 1 } } }),
      AppArmor: ({ spec }) => Object.assign(spec!.securityContext!, { appArmorProfile: { type: 'Unconfined' } }),
      SELinux: (_, { securityContext }) => Object.assign(securityContext!, { seLinuxOptions: { user: 'root' } }),
      '/proc Mount Type': (_, { securityContext }) => Object.assign(securityContext!, { procMount: 'Unmasked' }),
      Sysctls: ({ spec }) =>
        Object.assign(spec!.securityContext!, { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] }),
      'Volume Types': ({ spec }) => spec!.volumes!.push({ name: 'more', nfs: { server: 'a', path: '/' } }),
      'Privilege Escalation': (_, container) => delete container.securityContext!.allowPrivilegeEscalation,
      'Running as Non-root': ({ spec }) => delete spec!.securityContext!.runAsNonRoot,
      'Running as Non-root user': (_, { securityContext }) => Object.assign(securityContext!, { runAsUser: 0 }),
      Seccomp: ({ spec }) => delete spec!.securityContext!.seccompProfile,
      Capabilities: (_, { securityContext }) => Object.assign(securityContext!.capabilities!, { add: ['SYS_ADMIN'] }),
    }
    test.for(Object.entries(broken))('refuses what breaks the rule %s', ([rule, breakIt]) => {
      const template = structuredClone(only('Deployment', rendered.init)[0]!.spec!.template)
      breakIt(template, template.spec!.initContainers![0]!)
      expect(brokenRules(template)).toEqual([rule])
    })

    test('refuses a hostPath', () => {
      const template = structuredClone(only('Deployment', rendered.init)[0]!.spec!.template)
      template.spec!.volumes!.push({ name: 'more', hostPath: { path: '/' } })
      expect(brokenRules(template)).toEqual(['HostPath Volumes', 'Volume Types'])
    })

    test('refuses a container without a security context', () => {
      const template = structuredClone(only('Deployment', rendered.init)[0]!.spec!.template)
      delete template.spec!.containers[0]!.securityContext
      expect(brokenRules(template)).toEqual(['Privilege Escalation', 'Capabilities'])
    })
  })
})

function deploymentOf(objects: readonly KubernetesObject[]): PodSpec {
  return only('Deployment', objects)[0]!.spec!.template.spec!
}
