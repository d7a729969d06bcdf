// A migration that fails, whichever tool runs it: a database in which every DDL statement is an error.

import type { Member } from '../model/member.ts'
import type { Docker } from './docker.ts'

/** What stands in the log of everything that has tried. */
export const brokenOnPurpose = 'broken on purpose by schemagate doctor --try'

const trigger = 'schemagate_doctor_fails'

/** Where the server's image takes scripts from on its first start: the last of them, so that the others can still work. */
export const scriptTarget = '/docker-entrypoint-initdb.d/zzzz-schemagate-doctor.sh'

/** Every database that is there by then, and template1, from which later ones are made. */
export const script = `#!/bin/sh
user="\${POSTGRES_USER:-\${POSTGRESQL_USERNAME:-postgres}}"
for database in $(psql -U "$user" -d template1 -Atc 'select datname from pg_database where datallowconn'); do
  psql -v ON_ERROR_STOP=1 -q -U "$user" -d "$database" <<'SQL'
create function public.${trigger}() returns event_trigger language plpgsql as
  $$ begin raise exception '${brokenOnPurpose}'; end $$;
create event trigger ${trigger} on ddl_command_start execute function public.${trigger}();
SQL
done
`

/** Whether the server has taken the script: an image that reads no such folder has not. */
export async function isBroken({ service }: Member, compose: Docker): Promise<boolean> {
  const ask = `psql -U "\${POSTGRES_USER:-\${POSTGRESQL_USERNAME:-postgres}}" -d template1 -Atc "select 1 from pg_event_trigger where evtname = '${trigger}'"`
  const { stdout } = await compose(['exec', '-T', service.name, 'sh', '-c', ask])
  return stdout.trim() === '1'
}
