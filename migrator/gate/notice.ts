// What a migrator tells on the ledger's channel. Whatever it says, a gate looks; two of the events it acts upon at once.

export interface Notice {
  /**
   * `breaking`: a migration that older apps cannot live with is about to be applied. `reverting`: one that apps may rely
   * on is about to be undone. `released`: the run that said so has ended, or has thought better of it.
   */
  readonly event: 'breaking' | 'reverting' | 'released' | 'other'
  readonly migration: string | undefined
}

/** Reads a payload; anything that is not understood is a reason to look, and no more. */
export function readNotice(payload: string): Notice {
  let value: unknown
  try {
    value = JSON.parse(payload)
  } catch {
    return { event: 'other', migration: undefined }
  }
  if (typeof value !== 'object' || value === null) return { event: 'other', migration: undefined }
  const event = 'event' in value ? value.event : undefined
  const migration = 'migration' in value && typeof value.migration === 'string' ? value.migration : undefined
  if (event === 'released') return { event, migration }
  if ((event === 'breaking' || event === 'reverting') && migration !== undefined) return { event, migration }
  return { event: 'other', migration }
}
