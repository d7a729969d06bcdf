// Flyway: `V1__name.sql`, `U1__name.sql`, `R__name.sql` and `B1__name.sql`, by version.

import type { Named } from '../file-name.ts'
import { readName } from '../layouts.ts'
import { compareNames, compareVersions } from '../order.ts'
import type { Compare, Listing, Tool } from './tool.ts'

const baseline = /^B(\d+(?:[._]\d+)*)__.*\.sql$/s

// a baseline has all that its own version has
const byVersion: Compare = (a, b) =>
  Number(a.kind === 'repeatable') - Number(b.kind === 'repeatable') ||
  compareVersions(a.version, b.version) ||
  Number(a.name.startsWith('B')) - Number(b.name.startsWith('B')) ||
  compareNames(a.name, b.name)

const isOwn = (named: Named | undefined): boolean => named?.layout === 'flyway' || named?.layout === 'repeatable'

export const flyway: Tool = {
  name: 'flyway',
  title: 'Flyway',
  reads:
    '`V1__users.sql`, `U1__users.sql`, `R__views.sql`; `B2__base.sql` on an empty ledger; `executeInTransaction=false` in `V1__users.sql.conf`. By version',
  not: 'other `.sql` files are left out with a warning; refused: one version twice, `V1_users.sql`, callbacks (`afterMigrate.sql`), Java, `${placeholders}`, `shouldExecute` in a `.conf`, files in folders inside',
  tables: ['flyway_schema_history', 'schema_version'],
  recursive: /^[VURB].*__.*\.sql$/s,
  leavesStrays: true,
  slips: /^[VUB]\d/i,
  refusesTwice: true,
  recognise(listing: Listing) {
    if (!listing.files.some(name => /^[VURB]/.test(name))) return false
    const named = listing.files.map(name => flyway.nameFile!(name) ?? readName(name))
    const up = named.filter(n => n?.direction === 'up' && n.layout !== 'code' && n.layout !== 'repeatable')
    return up.filter(isOwn).length * 2 > up.length
  },
  nameFile(fileName) {
    const version = baseline.exec(fileName)?.[1]
    if (version === undefined) return undefined
    return {
      name: fileName.slice(0, -'.sql'.length),
      layout: 'flyway',
      direction: 'up',
      version: version.split(/[._]/).map(BigInt),
      standsIn: true,
    }
  },
  takes: named => isOwn(named) || named.layout === 'code',
  order: () => byVersion,
  inTransaction: (entry, listing) =>
    !/^\s*executeInTransaction\s*=\s*false\b/im.test(listing.text(`${entry}.conf`) ?? ''),
  leavesOpen(entry, listing) {
    const condition = /^\s*shouldExecute\s*=[ \t]*(.*)/im.exec(listing.text(`${entry}.conf`) ?? '')?.[1]?.trim()
    return condition === undefined || /^true$/i.test(condition)
      ? undefined
      : `has \`shouldExecute=${condition}\` in ${entry}.conf, which only Flyway goes by. If it is to be run, remove that line; otherwise leave it out: --ignore '${entry}'`
  },
  placeholders: [
    {
      pattern: /\$\{[^}\n]{0,1000}\}/,
      anywhere: /\$\{flyway:[^}\n]{0,1000}\}/,
      what: 'is a placeholder of Flyway; schemagate does not fill it in. Write the value itself; or, if Flyway leaves it as it is (placeholderReplacement=false), name no tool: --layout native.',
    },
  ],
  refusedNames: [
    {
      // but for the names of graphile-migrate's
      pattern: /^(before|after)(?!(?:Reset|AllMigrations|Current)\.sql$)[A-Z]\w*(__.*)?\.sql$/s,
      what: 'is a callback of Flyway, which schemagate does not call. Put what is to be done again after a change into an R__ file, and move this one out of the migrations folder.',
    },
  ],
  code: [{ pattern: /^(?:[VUB]\d+(?:[._]\d+)*|R)__.*\.(?:java|kt|groovy|scala|class|sh|bash|ps1|bat|cmd|py)$/s }],
}
