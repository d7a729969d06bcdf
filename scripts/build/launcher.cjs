#!/usr/bin/env node
// Starts the command line with V8's code cache: what an earlier run has compiled is not compiled again.
//
// V8 checks a cache's version, flags and source length, and nothing else. So a cache is named by the code that it was made
// of, and it is read only where no other user could have written it.

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  console.error(`schemagate needs Node ${OLDEST_NODE} or newer, and this is ${process.version}.`)
  process.exit(2)
}

const fs = require('node:fs')
const { join } = require('node:path')
const vm = require('node:vm')

const code = join(__dirname, 'cli')
const caches = join(__dirname, 'cache')
/** What the names of all chunks begin with: it tells builds apart. */
const build = buildIn(code)
const cache = join(caches, `${build}-${process.version}-${process.arch}`)
const mayUseCache = isPrivate(caches) && isPrivate(cache)
/** The chunks of this run by their name: what each exports, and its script. */
const chunks = new Map()

try {
  load('./cli.cjs')
} catch (error) {
  if (error.code !== 'ENOENT') throw error
  endNotWhole(error.path)
}

// what an `up` has run is what the next one needs
if (process.argv[2] === 'up') process.once('exit', keep)

function buildIn(folder) {
  const main = fs.existsSync(folder) && fs.readdirSync(folder).find(name => name.endsWith('-cli.cjs'))
  return main ? main.slice(0, 16) : endNotWhole(folder)
}

function endNotWhole(path) {
  console.error(`A part of schemagate itself is gone: ${path}. Install it again.`)
  process.exit(2)
}

/** Of this user or of root, and for no other one to write. Windows does not say. */
function isPrivate(path) {
  try {
    return isOwn(fs.lstatSync(path), 'isDirectory')
  } catch {
    return false
  }
}

function isOwn(stat, kind) {
  const me = process.getuid?.()
  return stat[kind]() && me !== undefined && (stat.uid === me || stat.uid === 0) && (stat.mode & 0o022) === 0
}

/** A script of `vm` has no `import()` of its own; the build has this one's name put in its place. */
function importModule(specifier) {
  return import(specifier)
}

function load(name) {
  const known = chunks.get(name)
  if (known) return known.module.exports
  const filename = join(code, `${build}-${name.slice(2)}`)
  const cachedData = read(name)
  // the build has made it a function, in ASCII
  const script = new vm.Script(fs.readFileSync(filename, 'latin1'), { filename, cachedData })
  const module = { exports: {} }
  chunks.set(name, { module, script, isCached: cachedData !== undefined && !script.cachedDataRejected })
  const required = id => (id.startsWith('./') ? load(id) : require(id))
  script.runInThisContext().call(module.exports, module.exports, required, module, filename, code, importModule)
  return module.exports
}

function read(name) {
  if (!mayUseCache) return undefined
  let fd
  try {
    fd = fs.openSync(join(cache, name), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW)
    return isOwn(fs.fstatSync(fd), 'isFile') ? fs.readFileSync(fd) : undefined
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

/** Keeps the code of a run that ended well for the next one, where there is a place for it. */
function keep(exitCode) {
  const missing = [...chunks].filter(([, { isCached }]) => !isCached)
  if (exitCode !== 0 || missing.length === 0) return
  try {
    fs.mkdirSync(cache, { recursive: true, mode: 0o755 })
    fs.accessSync(cache, fs.constants.W_OK)
    if (!isPrivate(caches) || !isPrivate(cache)) return
    for (const [name, { script }] of missing) {
      const unfinished = join(cache, `${name}.${process.pid}`)
      fs.writeFileSync(unfinished, script.createCachedData(), { mode: 0o644, flag: 'wx' })
      fs.renameSync(unfinished, join(cache, name))
    }
  } catch {
    // a folder that cannot be written: the code is compiled at each start
  }
}
