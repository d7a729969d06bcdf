// A database whose data ends with its container.

import type { Image } from '../compose/image.ts'
import { parseImage } from '../compose/image.ts'
import { databases } from '../model/checked-databases.ts'
import type { Member } from '../model/member.ts'
import type { Stack } from '../model/stack.ts'
import type { Rule } from './rule.ts'

export const noVolume: Rule = {
  id: 'no-volume',
  severity: 'warning',
  title:
    "There is no volume at PGDATA's folder: none, one that is declared and not mounted, a path in the wrong case, or `/var/lib/postgresql/data` with an image of 18 or newer.",
  why: 'A new container is an unmigrated database, and an app that is restarted alone meets it.',
  fix: 'Mount a volume at `/var/lib/postgresql/data`; from 18 on at `/var/lib/postgresql`. It is empty: what a running database has, take along with `pg_dumpall` before you do.',
  *check(stack) {
    for (const member of databases(stack)) {
      const what = problemOf(member, stack)
      if (what === undefined) continue
      // no patch: over a running database a new volume is an empty one
      yield { service: member.service.name, path: ['volumes'], what }
    }
  },
  examples: {
    violates: `services:
  db:
    image: postgres:18
    volumes:
      - data:/var/lib/postgresql/data
volumes:
  data:
`,
    passes: `services:
  db:
    image: postgres:17-alpine
    volumes:
      - data:/var/lib/postgresql/data
volumes:
  data:
`,
  },
}

function problemOf(member: Member, { compose }: Stack): string | undefined {
  const { service } = member
  const { name, mounts, environment } = service
  const folders = dataFolders(member)
  const clean = (path: string) => path.replace(/\/+$/, '') || '/'
  const lasting = mounts.filter(({ type, source }) => type !== 'tmpfs' && source !== '')
  const holds = (target: string) => folders.some(folder => folder === target || isAbove(target, folder, member))
  if (lasting.some(({ target }) => holds(clean(target)) || target.includes('$'))) return undefined
  const cased = lasting.find(({ target }) => folders.includes(clean(target).toLowerCase()))
  if (cased) return `${name} mounts ${cased.target}, and its data is in ${folders[0]}: upper and lower case differ.`
  const version = majorOf(imageOf(member))
  const old = lasting.find(({ target }) => /^\/var\/lib\/postgresql(\/data)?$/.test(clean(target)))
  if (old && environment.PGDATA === undefined && version !== undefined) {
    return `${name} mounts ${clean(old.target)}, and Postgres ${version} keeps its data in ${folders[0]}.`
  }
  const other = lasting.find(
    ({ target }) => /postgres|pg[-_]?data|pgsql/i.test(target) && !/initdb|\.(conf|sh|sql)$|\/etc\//.test(target),
  )
  // PGDATA may be in an env file that is not here
  if (environment.PGDATA === undefined && service.missingEnvFiles.length > 0 && other) return undefined
  if (other) return `${name} mounts ${clean(other.target)}, and its data is in ${folders[0]}.`
  const unused = Object.keys(compose.volumes).find(
    volume =>
      /db|postgres|pg|data/i.test(volume) &&
      !Object.values(compose.services).some(({ volumes }) => JSON.stringify(volumes ?? []).includes(volume)),
  )
  return `The data of ${name} ends with its container${unused === undefined ? '' : `: the volume ${unused} is declared and not mounted`}.`
}

/** Where the image keeps its data: the first is where to mount, the others do as well. */
function dataFolders(member: Member): string[] {
  const { environment } = member.service
  const image = imageOf(member)
  const pgdata = environment.PGDATA ?? member.context.image?.environment.PGDATA
  if (pgdata !== undefined) return [pgdata.replace(/\/+$/, '')]
  const { repository = '', name = '' } = image ?? {}
  // copied to a registry of the project's own, or built on it, it is still called postgresql
  const isBitnami = name === 'postgresql' && member.service.mounts.some(({ target }) => /^\/bitnami\//.test(target))
  if (/^bitnami/.test(repository) || isBitnami) return ['/bitnami/postgresql']
  if (/timescaledb-ha|timescaledb-docker-ha/.test(name))
    return ['/home/postgres/pgdata/data', '/var/lib/postgresql/data']
  if (/spilo/.test(name)) return ['/home/postgres/pgdata']
  if (/kartoza|sameersbn/.test(repository)) return ['/var/lib/postgresql']
  if (/crunchy|postgres-operator/.test(repository)) return ['/pgdata']
  if (/^(rhel|centos|sclorg|fedora|ubi)/.test(repository)) return ['/var/lib/pgsql/data']
  const version = majorOf(image)
  if (version !== undefined && version >= 18 && !/^(supabase|tembo)\//.test(repository))
    return ['/var/lib/postgresql', `/var/lib/postgresql/${version}`, `/var/lib/postgresql/${version}/docker`]
  return version === undefined ? ['/var/lib/postgresql/data', '/var/lib/postgresql'] : ['/var/lib/postgresql/data']
}

/** A mount above the folder holds it, unless the image declares a volume of its own at the folder. */
function isAbove(target: string, folder: string, member: Member): boolean {
  if (!folder.startsWith(`${target === '/' ? '' : target}/`)) return false
  const declared = '/var/lib/postgresql/data'
  const version = majorOf(imageOf(member))
  const isShadowed =
    version !== undefined &&
    version < 18 &&
    (folder === declared || folder.startsWith(`${declared}/`)) &&
    target !== declared &&
    declared.startsWith(target)
  return !isShadowed
}

function imageOf({ service, context }: Member): Image | undefined {
  return service.image && !service.build
    ? service.image
    : context.image?.base === undefined
      ? service.image
      : parseImage(context.image.base)
}

/** The major version that a tag names: `17`, `16-alpine`, `pg17`, `latest-pg16`, `15-3.4`. */
function majorOf(image: Image | undefined): number | undefined {
  if (!image) return undefined
  const [, named] = /(?:^|-)pg\.?(\d{1,2})(?:\D|$)/.exec(image.tag) ?? []
  const [, leading] = /^v?(\d{1,2})(?:[.-]|$)/.exec(image.tag) ?? []
  const isPlain = /^(postgres|postgresql|postgis|pgvector|postgis-\w+)$/.test(image.name)
  const version = Number(named ?? (isPlain || image.repository.startsWith('immich-app/') ? leading : undefined))
  return Number.isNaN(version) || version < 8 ? undefined : version
}
