// The packages as npm publishes them: packed, installed in an empty project, and the Node versions that they are for.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cleanEnvironment } from './process.ts'

export const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** Runs a program to its end. @throws with its output if it fails. */
export async function execute(
  command: string,
  args: readonly string[],
  { cwd, env, node = process.execPath }: { cwd: string; env?: NodeJS.ProcessEnv; node?: string },
): Promise<string> {
  const path = [dirname(node), process.env.PATH].join(delimiter)
  try {
    const { stdout } = await run(command, [...args], {
      cwd,
      env: cleanEnvironment({ ...env, PATH: path }),
      maxBuffer: 10_000_000,
    })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = Object(error)
    throw new Error(`${command} ${args.join(' ')} failed in ${cwd}\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** Packs the package in a folder of the workspace. Gives the tarball's path. */
export async function pack(folder: 'gate' | 'migrator', into: string): Promise<string> {
  const printed = await execute('npm', ['pack', '--silent', '--pack-destination', into], { cwd: join(root, folder) })
  return join(into, printed.trim())
}

/** Unpacks a tarball to a folder. */
export async function unpack(tarball: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await execute('tar', ['-xzf', tarball, '--strip-components=1'], { cwd: folder })
}

/** The paths of all files in a folder, relative to it. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** An empty project with these packages, installed by the npm that goes with `node`; engines are held to. */
export async function emptyProject(node: string, ...packages: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'schemagate-project-'))
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const options = ['--engine-strict', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await execute('npm', ['install', ...options, ...packages], { cwd: folder, node })
  return folder
}

/** What a project has installed: how many packages, and their size in bytes. */
export async function installed(project: string): Promise<{ packages: number; bytes: number }> {
  const folder = join(project, 'node_modules')
  const files = await filesIn(folder)
  const sizes = await Promise.all(files.map(async file => (await stat(join(folder, file))).size))
  const manifest = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/
  return {
    packages: files.filter(file => manifest.test(`node_modules/${file}`)).length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  }
}

/** A Node of another major version: a package of npm's, kept in node_modules/.cache. */
export async function nodeOf(major: number): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const kept = join(root, 'node_modules/.cache/nodes', String(major))
  const binary = join(kept, 'node_modules/node/bin/node')
  if (existsSync(binary)) return binary
  await mkdir(dirname(kept), { recursive: true })
  const folder = await mkdtemp(`${kept}-`)
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  const name = `node@npm:node-${process.platform}-${process.arch}@${major}`
  await execute('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', name], { cwd: folder })
  await rename(folder, kept).catch(async error => {
    // another test has put its own there
    if (!existsSync(binary)) throw error
    await rm(folder, { recursive: true })
  })
  return binary
}
