// Secrets from a variable or from a file that a variable names (`*_FILE`, the convention of Docker's images).

import { readNamedText } from './read-file.ts'

/**
 * The value of `NAME`, or the content of the file that `NAME_FILE` names, without the newlines at its end, as the shell's
 * `$(<file)` in Docker's images reads it.
 * @param problems where a sentence is added for what is wrong, such as both being set or a file that cannot be read; the
 * result is undefined then. None holds a secret.
 */
export function readSecret(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  problems: string[],
): string | undefined {
  const value = env[name] || undefined
  const file = env[`${name}_FILE`] || undefined
  if (file === undefined) return value
  if (value !== undefined) {
    problems.push(`${name} and ${name}_FILE are both set. Unset one of them.`)
    return undefined
  }
  try {
    const content = readNamedText(file).replace(/(?:\r?\n)+$/, '')
    if (content === '') problems.push(`${name}_FILE: ${file} is empty.`)
    else if (content.includes('\0')) problems.push(`${name}_FILE: ${file} has a NUL byte.`)
    else return content
  } catch (error) {
    problems.push(`${name}_FILE: ${file} ${whyUnreadable(error)}`)
  }
  return undefined
}

function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return 'does not exist. Is the secret mounted?'
    case 'EISDIR':
      return 'is a folder. Docker makes one where the mounted file is missing on the host.'
    case 'EACCES':
      return (
        `cannot be read by user ${process.getuid?.() ?? '?'} (EACCES). A compose file secret keeps its owner and mode ` +
        'from the host: make it readable there, with chown or chmod.'
      )
    default:
      return `cannot be read (${code ?? message}).`
  }
}
