// Folders that this user may not write, as in a checkout of another user's, or one that is mounted read-only.

import { access, constants, mkdir } from 'node:fs/promises'

/** Makes the folder where it is not there. The error's code if it cannot be written, undefined if it can. */
export async function whyUnwritable(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
    return undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'EROFS'].includes(String(error.code)))
      return String(error.code)
    throw error
  }
}
