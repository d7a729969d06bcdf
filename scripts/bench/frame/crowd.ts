// Many gates, or many plain connections, on one database, in a process of their own.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

export interface Task {
  readonly what: 'gates' | 'connections'
  readonly count: number
  readonly url: string
  /** How many migrations the gates were built with. */
  readonly applied: number
  /** Milliseconds to wait once all are there. */
  readonly settle: number
}

export interface Question {
  /** Plain connections begin to ask `select 1`, so many times a second. */
  readonly ask?: number
}

/** The first message has the memory that was taken, in bytes; the others what was counted. */
export type Reply = Gathered | Counted

interface Gathered {
  readonly rss: number
  /** On V8's heap and beside it. */
  readonly heap: number
}

interface Counted {
  /** How often each question was asked, by its beginning. */
  readonly asked: Readonly<Record<string, number>>
  /** How many gates are open. */
  readonly open: number
}

export interface Crowd extends Gathered {
  count(question?: Question): Promise<Counted>
  leave(): Promise<void>
}

/** Milliseconds until a crowd has to be there: one that loads the server more than it can bear never is. */
const PATIENCE = 180_000

/** Resolves when all have connected, and every gate has opened. @throws Error if that takes too long. */
export async function gather(task: Task): Promise<Crowd> {
  const child = fork(new URL('./crowd-process.ts', import.meta.url), [JSON.stringify(task)], {
    execArgv: ['--expose-gc'],
  })
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  const memory = await answer<Gathered>(child)
  clearTimeout(late)
  return {
    ...memory,
    count: async (question = {}) => {
      child.send(question)
      return answer<Counted>(child)
    },
    leave: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function answer<Message extends Reply>(child: ChildProcess): Promise<Message> {
  const ended = once(child, 'exit').then(([code, signal]) => {
    if (signal === 'SIGKILL') throw new Error(`the crowd was not there after ${PATIENCE / 1_000} s`)
    throw new Error(`the crowd's process ended with ${code}`)
  })
  ended.catch(() => {})
  const [message] = await Promise.race([once(child, 'message'), ended])
  return message
}
