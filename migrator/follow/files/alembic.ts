// Alembic: a Python file for each revision, which names the revisions that it is built on.
// https://github.com/sqlalchemy/alembic: script/base.py (which files are read), script/revision.py (how they hang together).

import { UsageError } from '../../errors.ts'
import { type Literal, literalOf } from '../python/literal.ts'
import { type Binding, type PythonModule, readPython } from '../python/module.ts'
import { unreadable } from '../unreadable.ts'
import { revisionFiles } from './alembic-locations.ts'
import type { FollowedReader } from './reader.ts'
import { type Revision, revisionChain } from './revision-chain.ts'

export const alembic: FollowedReader = async (dir, options) =>
  revisionChain(revisionFiles(dir, options).map(file => readRevision(readPython(file))))

/** A name that says the revision by itself, as Alembic 0.1 had it. */
const legacyName = /(?:^|\/)([a-f0-9]+)\.py$/

function readRevision(module: PythonModule): Revision {
  const { file } = module
  const written = bound(module, 'revision')
  const legacy = legacyName.exec(file)?.[1]
  if (!written && legacy === undefined)
    throw new UsageError(
      `${file} has no \`revision\`, and Alembic refuses such a file. Move it out of the folder, or leave it out: --ignore; or name the folder of the revisions with --dir.`,
    )
  const revision = written ? only(string, module, written, 'a string') : legacy!
  if (/[@+-]/.test(revision) || revision === '')
    throw new UsageError(
      `${file} has the revision ${JSON.stringify(revision)}, which Alembic refuses: it may not be empty nor have @, - or +.`,
    )
  const down = bound(module, 'down_revision')
  if (!down)
    throw new UsageError(`${file} has no \`down_revision\`, which Alembic needs: None, for the first revision.`)
  const depends = bound(module, 'depends_on')
  const labels = bound(module, 'branch_labels')
  return {
    file,
    revision,
    down: only(strings, module, down, 'None, a string or a tuple of strings'),
    depends: depends ? only(strings, module, depends, 'None, a string or a tuple of strings') : [],
    // a label that is computed is missed only where another revision names it
    labels: (labels?.value && strings(literalOf(labels.value))) ?? [],
  }
}

/** The last binding of a name in the module itself: what Alembic finds when the file has run. */
function bound(module: PythonModule, name: string): Binding | undefined {
  const bindings = module.bindings.filter(({ names, block }) => names.includes(name) && isOutside(block))
  const last = bindings.at(-1)
  const conditional = bindings.find(({ block }) => block.kind === 'condition')
  if (conditional)
    throw unreadable(
      module,
      conditional.start,
      `sets \`${name}\` under a condition, which only Python could tell`,
      'Set it once, outside of any block.',
    )
  return last
}

/** Neither in a function nor in a class, where it would be another name. */
function isOutside(block: Binding['block']): boolean {
  for (let at: Binding['block'] | undefined = block; at; at = at.parent)
    if (at.kind === 'function' || at.kind === 'class') return false
  return true
}

function only<T>(
  read: (value: Literal | undefined) => T | undefined,
  module: PythonModule,
  binding: Binding,
  form: string,
): T {
  const value = binding.value && read(literalOf(binding.value))
  if (value !== undefined) return value
  throw unreadable(
    module,
    binding.start,
    `computes \`${binding.names.join(', ')}\`, and schemagate does not run Python`,
    `Write ${form}.`,
  )
}

function string(value: Literal | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function strings(value: Literal | undefined): readonly string[] | undefined {
  if (value === null) return []
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) return undefined
  const texts = value.filter(each => typeof each === 'string')
  return texts.length === value.length ? texts : undefined
}
