// The files that a service's image is built from or that are mounted into it: its Dockerfile, its scripts.

import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import type { Mount, Service } from '../compose/service.ts'
import { type DockerImage, parseDockerfile } from './dockerfile.ts'

/** Scripts are small; what is larger is a program. */
const largestScript = 256 * 1024

/** A folder with more of them was not mounted for its scripts. */
const mostFiles = 1_000

/** Never fails: what cannot be read, or is no text, is as if it were not there. */
export class BuildContext {
  readonly #directory: string
  readonly #service: Service
  readonly context: string | undefined
  readonly image: DockerImage | undefined

  constructor(service: Service, directory: string) {
    this.#service = service
    this.#directory = directory
    const { build } = service
    const context = build && !/^(https?:|git@|github\.com|ssh:|\$\{)/.test(build.context) ? build.context : undefined
    this.context = context === undefined ? undefined : resolve(directory, context)
    this.image = this.#readImage()
  }

  /** Where the app's own files may be: the context, and the folder of its Dockerfile, which is the app's where several share a context. */
  get folders(): readonly string[] {
    const { context } = this
    if (context === undefined) return []
    return [dirname(resolve(context, this.#service.build?.dockerfile ?? 'Dockerfile')), context]
  }

  /** The text of a script by its path in the container, undefined where it is not here. */
  script(path: string): string | undefined {
    if (path === '' || path.includes('$') || /^(https?:|-)/.test(path)) return undefined
    const isThis = ({ target }: Mount) =>
      target === path || (!path.startsWith('/') && target.endsWith(`/${clean(path)}`))
    const inline = [...this.#service.mounts, ...this.copied()].find(one => one.text !== undefined && isThis(one))
    if (inline) return inline.text
    for (const candidate of this.#candidates(path)) {
      const text = readSmall(candidate)
      if (text !== undefined) return text
    }
    return undefined
  }

  /** The texts of the files that a pattern names in the container: `/etc/supervisor/conf.d/*.conf`. */
  scripts(pattern: string, isMeant = (name: string) => name.endsWith(extname(pattern))): string[] {
    const folder = dirname(pattern)
    return [...this.#service.mounts, ...this.copied()].flatMap(({ source, target, type, text }) => {
      const isInside = target.startsWith(`${folder}/`) && isMeant(target)
      if (text !== undefined) return isInside ? [text] : []
      const below = `${folder}/`.startsWith(`${target.replace(/\/$/, '')}/`) ? folder.slice(target.length) : undefined
      if (type !== 'bind' || (!isInside && below === undefined)) return []
      const files = this.mounted(join(resolve(this.#directory, source), below ?? '')) ?? []
      return files.filter(file => isInside || isMeant(file)).flatMap(file => readSmall(file) ?? [])
    })
  }

  /**
   * Files of a bind mount, by their paths on the host: the file itself, or those of the folder. Undefined where it
   * cannot be read.
   */
  mounted(source: string): readonly string[] | undefined {
    const path = resolve(this.#directory, source.replace(/^~(?=\/|$)/, process.env.HOME ?? '~'))
    try {
      return statSync(path).isDirectory() ? filesIn(path) : [path]
    } catch {
      return undefined
    }
  }

  /** What the Dockerfile brings into the image, as if it were mounted there. */
  copied(): Mount[] {
    const { context } = this
    return (this.image?.copies ?? []).flatMap(({ from, to, text }): Mount[] => {
      if (text !== undefined) return [{ source: from, target: to, type: 'config', text }]
      if (context === undefined) return []
      const isPattern = /[*?[]/.test(from) && !/\*\*|\.\./.test(from)
      const sources = isPattern ? globSync(from.replace(/^\/+/, ''), { cwd: context }) : [from]
      return sources.map(source => ({ source: join(context, source), target: to, type: 'bind' }))
    })
  }

  /** Most exact first: what is mounted there, what COPY brings there, then the path's tail in the context. */
  #candidates(path: string): string[] {
    const candidates: string[] = []
    for (const { source, target, type } of this.#service.mounts) {
      if (type !== 'bind' || source.includes('$')) continue
      const host = resolve(this.#directory, source)
      if (path === target) candidates.push(host)
      else if (path.startsWith(`${target.replace(/\/$/, '')}/`)) candidates.push(join(host, path.slice(target.length)))
      else if (!path.startsWith('/')) candidates.push(join(host, clean(path)))
    }
    if (this.context === undefined) return candidates
    for (const { from, to } of this.image?.copies ?? []) {
      // without a folder it is found in one of PATH's
      const isNamed = !to.endsWith('/') && (to === path || (!path.includes('/') && basename(to) === path))
      const isThis = basename(from) === basename(path) || isNamed
      if (isThis) candidates.push(join(this.context, from))
      else if (path.startsWith(to)) candidates.push(join(this.context, from, path.slice(to.length)))
    }
    const parts = clean(path)
      .split('/')
      .filter(part => part !== '' && part !== '..')
    for (let i = 0; i < parts.length; i++) candidates.push(join(this.context, ...parts.slice(i)))
    return candidates
  }

  #readImage(): DockerImage | undefined {
    const { build } = this.#service
    if (!build) return undefined
    if (build.inline !== undefined) return parseDockerfile(build.inline, build.target)
    if (this.context === undefined) return undefined
    const text = readSmall(resolve(this.context, build.dockerfile ?? 'Dockerfile'))
    return text === undefined ? undefined : parseDockerfile(text, build.target)
  }
}

function clean(path: string): string {
  return path.replace(/^\.\//, '')
}

/** The nearest come first. A link to a folder is not followed: it may lead back. */
function filesIn(folder: string): string[] {
  const files: string[] = []
  const folders = [folder]
  for (const inside of folders) {
    if (files.length > mostFiles || folders.length > mostFiles) break
    for (const entry of readdirSync(inside, { withFileTypes: true })) {
      const path = join(inside, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (statSync(path, { throwIfNoEntry: false })?.isFile()) files.push(path)
    }
  }
  return files
}

/** The text of a script or another small file, undefined where it is none. */
export function readSmall(path: string): string | undefined {
  try {
    if (!existsSync(path)) return undefined
    const stat = statSync(path)
    if (!stat.isFile() || stat.size > largestScript) return undefined
    const text = readFileSync(path, 'utf8')
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}
