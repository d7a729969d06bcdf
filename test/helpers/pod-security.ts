// The Pod Security Standard "restricted", rule by rule, as an API server with `enforce: restricted` applies it.
// Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (Kubernetes 1.34); "restricted" includes
// "baseline". Fields that the rules let be absent may be absent here, too.

import type { Container, PodSpec, PodTemplateSpec } from 'kubernetes-types/core/v1.d.ts'

interface Pod {
  readonly spec: PodSpec
  readonly annotations: Readonly<Record<string, string>>
  readonly containers: readonly Container[]
}

/** Whether a pod keeps the rule; named as in the documentation. */
const rules: Readonly<Record<string, (pod: Pod) => boolean>> = {
  // Baseline
  HostProcess: ({ spec, containers }) =>
    [spec, ...containers].every(({ securityContext }) => !securityContext?.windowsOptions?.hostProcess),
  'Host Namespaces': ({ spec }) => !spec.hostNetwork && !spec.hostPID && !spec.hostIPC,
  'Privileged Containers': ({ containers }) => containers.every(({ securityContext }) => !securityContext?.privileged),
  'HostPath Volumes': ({ spec }) => spec.volumes?.every(volume => !volume.hostPath) ?? true,
  'Host Ports': ({ containers }) => containers.every(({ ports }) => ports?.every(port => !port.hostPort) ?? true),
  'Host Probes / Lifecycle Hooks': ({ containers }) =>
    containers.every(({ livenessProbe, readinessProbe, startupProbe, lifecycle }) =>
      [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].every(
        handler => !handler?.httpGet?.host && !handler?.tcpSocket?.host,
      ),
    ),
  AppArmor: ({ spec, annotations, containers }) =>
    Object.keys(annotations).every(name => !name.startsWith('container.apparmor.security.beta.kubernetes.io/')) &&
    [spec, ...containers].every(({ securityContext }) => securityContext?.appArmorProfile?.type !== 'Unconfined'),
  SELinux: ({ spec, containers }) =>
    [spec, ...containers].every(({ securityContext }) => {
      const { type, user, role } = securityContext?.seLinuxOptions ?? {}
      const types = ['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']
      return types.includes(type ?? '') && !user && !role
    }),
  '/proc Mount Type': ({ containers }) =>
    containers.every(({ securityContext }) => (securityContext?.procMount ?? 'Default') === 'Default'),
  Sysctls: ({ spec }) => (spec.securityContext?.sysctls ?? []).length === 0,
  // Restricted
  'Volume Types': ({ spec }) => {
    const allowed = [
      'configMap',
      'csi',
      'downwardAPI',
      'emptyDir',
      'ephemeral',
      'persistentVolumeClaim',
      'projected',
      'secret',
    ]
    return (spec.volumes ?? []).every(({ name: _, ...source }) =>
      Object.keys(source).every(type => allowed.includes(type)),
    )
  },
  'Privilege Escalation': ({ containers }) =>
    containers.every(({ securityContext }) => securityContext?.allowPrivilegeEscalation === false),
  'Running as Non-root': ({ spec, containers }) =>
    containers.every(({ securityContext }) => securityContext?.runAsNonRoot ?? spec.securityContext?.runAsNonRoot),
  'Running as Non-root user': ({ spec, containers }) =>
    [spec, ...containers].every(({ securityContext }) => securityContext?.runAsUser !== 0),
  Seccomp: ({ spec, containers }) =>
    containers.every(({ securityContext }) => {
      const type = (securityContext?.seccompProfile ?? spec.securityContext?.seccompProfile)?.type
      return type === 'RuntimeDefault' || type === 'Localhost'
    }) && spec.securityContext?.seccompProfile?.type !== 'Unconfined',
  Capabilities: ({ containers }) =>
    containers.every(({ securityContext }) => {
      const { add = [], drop = [] } = securityContext?.capabilities ?? {}
      return drop.includes('ALL') && add.every(capability => capability === 'NET_BIND_SERVICE')
    }),
}

/** The rules that the pod breaks. */
export function brokenRules({ metadata, spec }: PodTemplateSpec): string[] {
  const { initContainers = [], containers } = spec!
  const pod = { spec: spec!, annotations: metadata?.annotations ?? {}, containers: [...initContainers, ...containers] }
  return Object.entries(rules).flatMap(([rule, isKept]) => (isKept(pod) ? [] : [rule]))
}
