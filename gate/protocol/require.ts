// The gate for apps in any language: SQL functions that raise an error unless the database fits the app.

import { historyTools } from '../histories/index.ts'
import { quoteIdent, quoteLiteral } from '../postgres/quote.ts'
import { notedOnLedger, whereEmptied } from './emptied.ts'
import { ledgerTable, manifestTable } from './ledger.ts'
import { isAnyNotedGone, replacedExpression } from './replaced.ts'
import { isSubscribed, subscribedDetail } from './subscribed.ts'

/** The SQLSTATEs that `require` raises: exit codes 6 and 7 with SG before them. */
export const requireStates = { diverged: 'SG006', notReady: 'SG007' } as const

/**
 * The statements that make the two functions in the ledger's schema; repeatable. Both return true or raise.
 *
 * - `require(head text)`: the migration `head` and all before it are applied, and none after it breaks older apps.
 * - `require(manifest jsonb)`: the whole comparison that a gate makes, with checksums. The text of a manifest is
 *   understood as well, for drivers that send every string as text.
 *
 * Rows hidden by row level security are not taken for missing ones; the gate of a Node app tells the two apart in its own
 * query (gate/reading/ledger-query.ts).
 *
 * They run with the rights of the calling role, which needs `usage` on the schema and `select` on the ledger.
 */
export function requireFunctionDdl(schema: string): string {
  const define = (parameter: string, body: string) =>
    `create or replace function ${quoteIdent(schema)}.require(${parameter}) returns boolean
language plpgsql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $require$
${body}
$require$;`
  return [define('manifest jsonb', requireManifest(schema)), define('head text', requireHead(schema))].join('\n\n')
}

function requireManifest(schema: string): string {
  const ledger = ledgerTable(schema)
  return `declare
  diverged text[];
  unknown text[];
  migrating text[];
  missing text[];
  emptied text;
begin
  if jsonb_typeof(manifest) is distinct from 'object' or (manifest->'version') is distinct from '1'::jsonb
    or jsonb_typeof(manifest->'migrations') is distinct from 'array' then
    raise exception using errcode = 'invalid_parameter_value', message = 'schemagate: this is not a manifest',
      hint = 'Give the JSON that "schemagate manifest" prints.';
  end if;
  if jsonb_array_length(manifest->'migrations') = 0 then
    raise exception using errcode = 'invalid_parameter_value', message = 'schemagate: this manifest has no migrations, and fits any database',
      hint = 'Make it again: schemagate manifest > FILE.';
  end if;

  ${requireWhole(ledger)}
  -- The same judgement as the gate's own; "earlier": a repeatable migration has moved on from what the app knows.
  select array_agg(name order by place) filter (where differs and not repeatable),
    array_agg(name order by position) filter (where breaking and (not known or earlier)),
    array_agg(name order by place) filter (where known and state = 'running' and (not differs or earlier)),
    array_agg(name order by place) filter (where state is null or differs and repeatable and not earlier)
  into diverged, unknown, migrating, missing
  from (
    select coalesce(m.name, l.name) as name, m.ordinality as place, l.position, l.breaking, l.state,
      m.name is not null as known, m.kind is not distinct from 'repeatable' as repeatable,
      l.name = m.name and l.checksum is distinct from m.checksum as differs,
      coalesce(m.kind = 'repeatable' and l.checksum <> m.checksum and l.journal->'earlier' ? m.checksum, false) as earlier
    from rows from (jsonb_to_recordset(manifest->'migrations') as (name text, checksum text, kind text))
      with ordinality as m (name, checksum, kind, ordinality)
    full join ${ledger} l on l.name = m.name
  ) as pairs;

  if diverged is not null then
    raise exception using errcode = '${requireStates.diverged}',
      message = format('schemagate: diverged: the database has applied %s with other content than this app was built with', diverged[1]),
      detail = 'Migrations: ' || array_to_string(diverged, ', '),
      hint = 'This app and this database come from different histories.';
  elsif unknown is not null then
    raise exception using errcode = '${requireStates.notReady}',
      message = format('schemagate: too-old: the database has %s, which breaks apps that do not know it', unknown[1]),
      detail = 'Migrations: ' || array_to_string(unknown, ', '),
      hint = 'Start an app that was built with it.';
  elsif migrating is not null then
    raise exception using errcode = '${requireStates.notReady}',
      message = format('schemagate: migrating: %s is running, or was interrupted', migrating[1]),
      detail = 'Migrations: ' || array_to_string(migrating, ', '),
      hint = 'The next run of the migrator finishes it.';
  elsif missing is not null and row_security_active(${regclass(ledger)}) then
    ${raiseHidden}
  elsif missing is not null then
    raise exception using errcode = '${requireStates.notReady}',
      message = format('schemagate: %s: the database lacks %s',
        case when exists (select from ${ledger}) then 'behind' ${foreign(schema)} else 'unmigrated' end, missing[1]),
      detail = 'Migrations: ' || array_to_string(missing, ', '),
      hint = 'Run the migrator that was built with this app: schemagate up.';
  end if;
  ${requireTables(schema)}
  return true;
end`
}

function requireHead(schema: string): string {
  const ledger = ledgerTable(schema)
  return `declare
  found_position bigint;
  offender text;
  emptied text;
begin
  if head is null or head = '' then
    raise exception using errcode = 'invalid_parameter_value', message = 'schemagate: require needs the name of a migration',
      hint = 'The newest one that the app was built with, such as 0003_x, or a manifest.';
  end if;
  if ltrim(head, E' \\t\\r\\n') like '{%' then
    return ${quoteIdent(schema)}.require(head::jsonb);
  end if;

  ${requireWhole(ledger)}
  -- of one that was applied after newer ones, the place in the order: the app need not know those
  select coalesce((l.journal->>'late')::bigint, l.position) into found_position from ${ledger} l where l.name = head;
  if found_position is null and row_security_active(${regclass(ledger)}) then
    ${raiseHidden}
  end if;
  if found_position is null then
    select l.name into offender from ${ledger} l where l.state = 'applied' order by l.position desc limit 1;
    raise exception using errcode = '${requireStates.notReady}',
      message = format('schemagate: %s: the database lacks %s', case when offender is not null then 'behind' ${foreign(schema)} else 'unmigrated' end, head),
      detail = coalesce('The newest migration that it has is ' || offender || '.', 'Its ledger is empty.'),
      hint = 'Run the migrator that was built with this app: schemagate up.';
  end if;

  select l.name into offender from ${ledger} l where l.breaking and l.position > found_position and l.name <> head order by l.position limit 1;
  if offender is not null then
    raise exception using errcode = '${requireStates.notReady}',
      message = format('schemagate: too-old: the database has %s, which breaks apps that do not know it', offender),
      detail = format('It came after %s, the newest that this app knows.', head),
      hint = 'Start an app that was built with it.';
  end if;

  select l.name into offender from ${ledger} l
  where l.state = 'running' and (l.position <= found_position or l.name = head) order by l.position limit 1;
  if offender is not null then
    raise exception using errcode = '${requireStates.notReady}',
      message = format('schemagate: migrating: %s is running, or was interrupted', offender),
      detail = format('This app was built with migrations up to %s.', head),
      hint = 'The next run of the migrator finishes it.';
  end if;
  ${requireTables(schema)}
  return true;
end`
}

const raiseHidden = `raise exception using errcode = '${requireStates.notReady}',
      message = 'schemagate: hidden: row level security hides rows of the ledger from this role, so that an empty one cannot be told from a full one',
      hint = 'Run the migrator, which switches it off for the ledger: schemagate up.';`

/** The ledger is whole, and its own database's: as the gate's own look has it. */
function requireWhole(ledger: string): string {
  return `if not exists (select from pg_index where indrelid = ${regclass(ledger)} and indisprimary) then
    raise exception using errcode = '${requireStates.notReady}',
      message = 'schemagate: migrating: the ledger has no primary key: it is being restored',
      hint = 'If no restore is under way it was restored in part: restore it again.';
  end if;
  if ${isSubscribed(regclass(ledger))} then
    ${raiseSubscribed(ledger)}
  end if;`
}

/** What is applied has not lost its tables. */
function requireTables(schema: string): string {
  const raise = `raise exception using errcode = '${requireStates.notReady}',
        message = format('schemagate: unmigrated: no table of what is applied is left in %s', emptied),
        detail = 'The schema was dropped, emptied or restored beside its ledger.',
        hint = 'schemagate status says what can be done.';`
  return `${whereEmptied(notedOnLedger(schema), raise)}
  if has_table_privilege(${regclass(manifestTable(schema))}, 'select') then
    if ${isAnyNotedGone(schema)} then
      emptied := ${replacedExpression(schema)};
      if emptied is not null then
        ${raise}
      end if;
    end if;
  end if;`
}

/**
 * A branch of a CASE: another tool has migrated the database. By the names of tables alone: an empty ledger beside such a
 * table says enough, and an app's role may not read it.
 */
function foreign(schema: string): string {
  const names = [...new Set(historyTools.flatMap(tool => (tool.distinctive || tool.ownName ? tool.tables : [])))]
  return `when exists (select from pg_class where relkind in ('r', 'p') and relnamespace <> ${quoteLiteral(quoteIdent(schema))}::regnamespace
          and relname in (${names.map(quoteLiteral).join(', ')})) then 'foreign'`
}

function regclass(table: string): string {
  return `${quoteLiteral(table)}::regclass`
}

/** The statement that raises what is wrong with a table whose rows come from another database. */
export function raiseSubscribed(table: string): string {
  return `raise exception using errcode = '${requireStates.notReady}',
      message = ${quoteLiteral(`schemagate: unmigrated: the rows of ${table} come from another database`)}, detail = ${quoteLiteral(subscribedDetail(table))};`
}
