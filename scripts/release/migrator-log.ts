// What the migrator says in its JSON log, for people.

/** The message of its last line; undefined if it said nothing. */
export function lastMessage(log: string): string | undefined {
  const line = log.split('\n').findLast(text => text.startsWith('{') && text.includes('"msg"'))
  if (line === undefined) return undefined
  const { err, msg }: { err?: { message?: string }; msg: string } = JSON.parse(line)
  return err?.message ?? msg
}
