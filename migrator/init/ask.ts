// The questions of init, on a terminal: only what the project does not tell.

import { cancel, confirm, isCancel, select } from '@clack/prompts'
import { UsageError } from '../errors.ts'

/** Answers without questions, as `--yes` gives them: the first of each. */
export interface Asking {
  readonly isInteractive: boolean
  readonly print: (text: string) => void
}

type Labelled<T> = readonly [label: string, value: T]

/**
 * One of several; the only one is not asked for. Without a terminal it is the first, and that is said.
 * @param flag the option that names another
 * @throws UsageError where it was called off
 */
export async function choose<T>(
  message: string,
  choices: readonly Labelled<T>[],
  { isInteractive, print }: Asking,
  flag: string,
): Promise<T> {
  const [first] = choices
  if (first === undefined) throw new UsageError(`${message} There is none.`)
  if (choices.length === 1) return first[1]
  if (!isInteractive) {
    print(`${message} The first of ${choices.map(([label]) => label).join(', ')}; ${flag} names another.`)
    return first[1]
  }
  const answer = await select({ message, options: choices.map(([label], i) => ({ label, value: String(i) })) })
  if (isCancel(answer)) throw calledOff()
  return choices[Number(answer)]![1]
}

/** Yes or no; without a terminal, yes. @throws UsageError where it was called off. */
export async function agree(message: string, { isInteractive }: Asking): Promise<boolean> {
  if (!isInteractive) return true
  const answer = await confirm({ message })
  if (isCancel(answer)) throw calledOff()
  return answer
}

function calledOff(): UsageError {
  cancel('Nothing was written.')
  return new UsageError('Called off; nothing was written.')
}
