// Sqitch: scripts in the order of its plan, whatever their names. schemagate reads no plan.

import type { Listing, Tool } from './tool.ts'

const planName = 'sqitch.plan'

/** The names of its changes, without their folders; other lines are tags (`@v1`), settings and comments. */
const changesOf = (plan: string): ReadonlySet<string> =>
  new Set(
    [...plan.matchAll(/^[ \t]*[+-]?([^\s%#@+-]\S*)/gm)].map(([, name]) => name!.slice(name!.lastIndexOf('/') + 1)),
  )

/** True if the plan beside or above the folder is one of its scripts. */
function isPlanned(listing: Listing): boolean {
  return ['../', '../../'].some(above => {
    const plan = listing.text(`${above}${planName}`)
    if (plan === undefined) return false
    const changes = changesOf(plan)
    // what stands before @ is a script that has been reworked since
    return listing.files.some(file => changes.has(/^(.+?)(?:@.*)?\.sql$/.exec(file)?.[1] ?? ''))
  })
}

export const sqitch: Tool = {
  name: 'sqitch',
  title: 'Sqitch',
  not: 'refused: the order of its scripts is in `sqitch.plan`',
  tables: ['sqitch.changes', 'sqitch.tags', 'sqitch.events'],
  refuses(listing) {
    if (!listing.files.includes(planName) && !isPlanned(listing)) return undefined
    return (
      `has scripts of Sqitch, which runs them in the order of ${planName}; schemagate does not read that. Copy those of its ` +
      'folder deploy into a folder of their own, with numbers in that order (0001_users.sql; one that was reworked, as ' +
      'users@v1.sql, before users.sql); or, if their own numbers are in that order: --layout native.'
    )
  },
}
