// A text as one word of a shell's command, for commands that a person may copy.

/** As it is where no shell has a meaning for any of its characters, else in single quotes. */
export function shellWord(text: string): string {
  return /^[\w.@%+=:,/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
