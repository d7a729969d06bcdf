// podman as an engine for Kubernetes manifests, with images, containers and settings of its own in a temporary folder.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { $, type ProcessOutput } from 'zx'
import { commandOf } from '../../scripts/lib/process/mark.ts'

/** Works without systemd and with what limits a container may set; the lock file would else be the machine's. */
const containersConf = `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
`

export interface Podman {
  /** `podman ARGS`; a non-zero exit code is a result, not an exception. */
  run(...args: string[]): Promise<ProcessOutput>
  /** Removes whatever it ran and holds. */
  remove(): Promise<void>
}

/** Why manifests cannot be run here; undefined if they can. Secrets as volumes came with 4.4, Jobs with 5. */
export async function whyNoPodman(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'podman is used as root here'
  const quietly = $({ quiet: true, nothrow: true })
  const { exitCode, stdout } = await quietly`podman version --format ${'{{.Client.Version}}'}`
  if (exitCode !== 0) return 'there is no podman'
  const [major = 0] = stdout.split('.').map(Number)
  if (major < 5) return `podman is older than 5: ${stdout.trim()}`
  for (const program of ['runc', 'catatonit']) {
    const places = `/usr/libexec/podman:${process.env.PATH}`
    const found = await $({ quiet: true, nothrow: true, env: { ...process.env, PATH: places } })`command -v ${program}`
    if (found.exitCode !== 0) return `podman has no ${program}`
  }
  return undefined
}

/** Every folder is named after the process that made it, so that a later run can remove what a killed one left. */
const prefix = 'schemagate-podman-'

/** @throws Error if podman does not start, or the images, which Docker has, cannot be copied into it. */
export async function openPodman(images: readonly string[]): Promise<Podman> {
  await removeLeftovers()
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
  await writeFile(join(folder, 'containers.conf'), containersConf)
  const { podman, sh, options } = await podmanIn(folder)
  const loaded = await sh`set -o pipefail; docker save ${images} | podman ${options} load --quiet`
  if (loaded.exitCode !== 0) {
    await podman.remove()
    throw new Error(`podman could not take over ${images.join(' and ')}: ${loaded.stderr}`)
  }
  // Makes the image that every pod stands on, which two that come first at once would both make.
  await sh`podman ${options} pod create --name first`
  await sh`podman ${options} pod rm --force first`
  return podman
}

async function podmanIn(folder: string) {
  const env = { ...process.env, CONTAINERS_CONF: join(folder, 'containers.conf'), PODMAN_IGNORE_CGROUPSV1_WARNING: '1' }
  const sh = $({ env, quiet: true, nothrow: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const places = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--tmpdir', join(folder, 'tmp')]
  // Where the temporary folder is itself on an overlay, another one cannot be put on it.
  let driver = ['--storage-driver', 'overlay']
  if ((await sh`podman ${places} ${driver} info`).exitCode !== 0) driver = ['--storage-driver', 'vfs']
  const options = [...places, ...driver]
  const podman: Podman = {
    run: (...args) => sh`podman ${options} ${args}`,
    remove: async () => {
      await sh`podman ${options} pod rm --all --force --time 0`
      await sh`podman ${options} system reset --force`
      await rm(folder, { recursive: true, force: true })
    },
  }
  return { podman, sh, options }
}

async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix) || (await commandOf(Number.parseInt(name.slice(prefix.length), 10)))) continue
    const { podman } = await podmanIn(join(tmpdir(), name))
    await podman.remove()
  }
}
