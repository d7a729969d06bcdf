// What the migrator says in its JSON log, for people.

/** The message of its last line, which names the cause of a failure; undefined if it said nothing. */
export function lastMessage(log: string): string | undefined {
  const lines = log.split('\n').filter(text => text.startsWith('{') && text.includes('"msg"'))
  const said: { event?: string; err?: { message?: string }; msg: string }[] = lines.map(line => JSON.parse(line))
  // A run ends with a line of its own, which says how many were applied.
  const { err, msg } = said.findLast(({ event }) => event !== 'run') ?? {}
  return err?.message ?? msg
}
