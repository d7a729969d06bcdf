// `require` where another tool migrates: the same functions, over that tool's history and the published manifests.

import type { HistoryTable } from '../histories/history.ts'
import { quotedTable } from '../histories/index.ts'
import { quoteIdent, quoteLiteral } from '../postgres/quote.ts'
import { notedOn, whereEmptied } from './emptied.ts'
import { followedOid, followedTable, isMigrationsTable } from './followed.ts'
import { notifySql } from './notifications.ts'
import { raiseSubscribed, requireStates } from './require.ts'
import { isSubscribed } from './subscribed.ts'

/**
 * The statements that make the functions in the ledger's schema; repeatable. No object of theirs depends on the history's
 * table: its tool may drop or change it.
 *
 * - `require(manifest jsonb)`: the comparison that a gate makes.
 * - `require(head text)`: the same for the published manifest with that head, or up to that migration, by name or by key.
 * - `followed_history()`: what the history says, as keys. `followed_changed()`: the trigger's function.
 */
export function requireFollowedDdl(schema: string, history: HistoryTable): string {
  const s = quoteIdent(schema)
  const define = (signature: string, how: string, body: string) =>
    // the planner takes a manifest for thousands of rows, and would compile the query for longer than it runs
    `create or replace function ${s}.${signature} ${how} set search_path = pg_catalog, pg_temp set jit = off as ${quoteLiteral(body)};`
  return [
    define('followed_history() returns table (key text, state text)', 'language sql stable', historyKeysSql(history)),
    define('require(manifest jsonb) returns boolean', 'language plpgsql stable', requireManifest(schema, history)),
    define('require(head text) returns boolean', 'language plpgsql stable', requireHead(schema)),
    define('followed_changed() returns trigger', 'language plpgsql', changed(schema)),
  ].join('\n')
}

/** The trigger on the history's table. */
export const followedTrigger = 'schemagate_followed'

/** The statement that makes it: gates look at once, instead of at their next poll. */
export function followedTriggerSql(schema: string, history: HistoryTable): string {
  return `create trigger ${followedTrigger} after insert or update or delete or truncate on ${quotedTable(history)} for each statement execute function ${quoteIdent(schema)}.followed_changed();`
}

/** A query for the keys of a history, and what it says of each. */
function historyKeysSql(history: HistoryTable): string {
  const { sql, order } = history.tool
  const { key, state = "'applied'", newestOfKey } = sql
  const columns = `(${key})::text as key, ${state} as state`
  const from = `from ${quotedTable(history)} as t`
  const place = `pg_catalog.row_number() over (order by ${order}) as place`
  const rows = newestOfKey
    ? `select distinct on (${key}) ${columns}, ${place} ${from} order by ${key}, place desc`
    : `select ${columns}, ${place} ${from}`
  return `select h.key, h.state from (${rows}) as h where h.key is not null and h.state is not null order by h.place`
}

/** Whatever happens here, the statement of the tool that has fired it goes on. */
function changed(schema: string): string {
  return `begin
  -- the queue for notifications is full only where a listener has stopped reading: no reason to fail a commit
  if pg_notification_queue_usage() < 0.5 then
    ${notifySql(schema, { event: 'history' }).replace(/^select/, 'perform')}
  end if;
  return null;
exception when others then
  return null;
end`
}

const dotted = "'^[0-9]+([.][0-9]+)*$'"

function requireManifest(schema: string, history: HistoryTable): string {
  const { tool } = history
  const s = quoteIdent(schema)
  const table = quoteLiteral(quotedTable(history))
  const name = quoteLiteral(`${history.schema}.${history.table}`)
  const title = quoteLiteral(tool.title)
  const fields = '(key text, name text, after jsonb, replaces jsonb)'
  const implied = tool.heads ? `k.after || k.replaces` : 'k.replaces'
  const notReady = (what: string, more: string) =>
    `raise exception using errcode = '${requireStates.notReady}', message = format('schemagate: ${what}), ${more};`
  return `declare
  applied_keys text[];
  highest text;
  halfway text[];
  missing text[];
  unknown text[];
  emptied text;
begin
  if jsonb_typeof(manifest) is distinct from 'object' or manifest->'follow'->>'tool' is distinct from ${quoteLiteral(tool.name)}
    or jsonb_typeof(manifest->'migrations') is distinct from 'array' or jsonb_array_length(manifest->'migrations') = 0 then
    raise exception using errcode = 'invalid_parameter_value',
      message = format('schemagate: this is no manifest of migrations of %s, which migrates this database', ${title}),
      hint = 'Give the JSON that "schemagate manifest --follow ${tool.name}" prints.';
  end if;

  begin
    select array_agg(h.key) filter (where h.state in ('applied', 'up-to')), max(h.key) filter (where h.state = 'up-to'),
      array_agg(h.key) filter (where h.state = 'unfinished')
    into applied_keys, highest, halfway from ${s}.followed_history() h;
  exception when undefined_table or undefined_column or invalid_schema_name then
    ${notReady(`unmigrated: %s is gone, the history of %s', ${name}, ${title}`, `hint = 'Run its migrations.'`)}
  end;
  if ${isSubscribed(`${table}::regclass`)} then
    ${raiseSubscribed(quotedTable(history))}
  end if;
  if halfway is not null then
    ${notReady(`migrating: %s was begun by %s and not finished', halfway[1], ${title}`, `detail = 'Migrations: ' || array_to_string(halfway, ', '), hint = 'schemagate follow tells the way out.'`)}
  end if;

  with recursive known as (
    select m.key, m.name, coalesce(m.after, '[]') as after, coalesce(m.replaces, '[]') as replaces, m.place, true as expected
    from rows from (jsonb_to_recordset(manifest->'migrations') as ${fields}) with ordinality as m (key, name, after, replaces, place)
    union all
    select p.key, p.name, coalesce(p.after, '[]'), coalesce(p.replaces, '[]'), null, false
    from ${followedTable(schema)} f, jsonb_to_recordset(f.manifest->'migrations') as p ${fields}
  ),
  -- once for all builds: they are joined with each step down
  implied (key, below) as (
    select distinct k.key, below.key from known k, jsonb_array_elements_text(${implied}) as below (key)
  ),
  has (key) as (
    (select a.key from unnest(applied_keys) a (key)${tool.byApp ? notTakenBack : ''}
    union
    select k.key from known k where case when k.key ~ ${dotted} and highest ~ ${dotted}
      then string_to_array(k.key, '.')::numeric[] <= string_to_array(highest, '.')::numeric[] else k.key collate "C" <= highest end)
    union
    select i.below from has join implied i on i.key = has.key
  ),
  -- as an array: the planner takes these keys for billions of rows, and would hash them in as many files
  reached (keys) as (select array_agg(has.key) filter (where has.key is not null) from has),
  named (keys, own) as (
    select array_agg(n.key), array_agg(n.key) filter (where n.expected)
    from (select k.key, k.expected from known k
      union select r.key, k.expected from known k, jsonb_array_elements_text(k.replaces) r (key)) n where n.key is not null
  )
  select (select array_agg(k.name order by k.place) from known k
      where k.expected and (k.key in (select unnest(h.keys) from reached h)) is not true
        and not (jsonb_array_length(k.replaces) > 0
          and not exists (select from jsonb_array_elements_text(k.replaces) r (key) where (r.key in (select unnest(h.keys) from reached h)) is not true))),
    (select array_agg(a.key) from unnest(applied_keys) with ordinality a (key, place)
      where a.key not in (select unnest(n.keys) from named n)${ofThisBuild(tool)})
  into missing, unknown;

  ${whereEmptied(
    notedOn(followedOid(schema)),
    `if missing is null or unknown is null then
        ${notReady(`unmigrated: no table of what is applied is left in %s', emptied`, `detail = 'The schema was dropped or emptied beside its history.', hint = 'schemagate follow says what can be done.'`)}
      end if;`,
    isMigrationsTable(history),
  )}
  if missing is null then
    return true;
  elsif row_security_active(${table}::regclass) then
    ${notReady(`hidden: row level security hides rows of %s from this role', ${name}`, `hint = 'Let this role see all of them: a policy for select, using (true).'`)}
  elsif unknown is not null then
    raise exception using errcode = '${requireStates.diverged}',
      message = format('schemagate: diverged: the database lacks %s, and has %s, which no published manifest has', missing[1], unknown[1]),
      detail = 'Migrations: ' || array_to_string(missing || unknown, ', '),
      hint = 'A newer release publishes what it has with schemagate follow; otherwise this is another history.';
  end if;
  ${notReady(`%s: the database lacks %s', case when applied_keys is null then 'unmigrated' else 'behind' end, missing[1]`, `detail = 'Migrations: ' || array_to_string(missing, ', '), hint = format('Run the migrations of %s that were built with this app.', ${title})`)}
end`
}

/** Rows of squashes that were taken back, as `compare` has it. */
const notTakenBack = `
      where a.key not in (select k.key from known k, jsonb_array_elements_text(k.replaces) r (key) where r.key <> all (applied_keys))
        or a.key in (select k.key from known k where jsonb_array_length(k.replaces) = 0)`

/** Which of the applied migrations that no manifest has count, as `compare` has it. */
function ofThisBuild({ byApp, heads, chronological }: HistoryTable['tool']): string {
  if (heads) return ''
  const ofItsApp = byApp ? " and split_part(own.key, '.', 1) = split_part(a.key, '.', 1)" : ''
  // not before the last that is applied of this build
  const later = chronological
    ? `
        and a.place > (select coalesce(max(own.place), 0) from unnest(applied_keys) with ordinality own (key, place)
          where own.key not like 'R\\_\\_%'${ofItsApp} and own.key in (select unnest(n.own) from named n))`
    : ''
  if (byApp)
    return `${later}
        and exists (select from known k where split_part(k.key, '.', 1) = split_part(a.key, '.', 1))`
  // older than all of this build: a squash has deleted their files
  return `${later}
        and exists (select from known k where k.expected and case when k.key ~ ${dotted} and a.key ~ ${dotted}
          then string_to_array(k.key, '.')::numeric[] < string_to_array(a.key, '.')::numeric[]
          else k.key collate "C" < a.key collate "C" end)`
}

function requireHead(schema: string): string {
  const s = quoteIdent(schema)
  return `declare
  wanted text := head;
  build jsonb;
begin
  if wanted is null or wanted = '' then
    raise exception using errcode = 'invalid_parameter_value', message = 'schemagate: require needs the name of a migration',
      hint = 'The newest one that the app was built with, or a manifest.';
  end if;
  if ltrim(wanted, E' \\t\\r\\n') like '{%' then
    return ${s}.require(wanted::jsonb);
  end if;

  select f.manifest into build from ${followedTable(schema)} f, jsonb_array_elements(f.manifest->'migrations') m
  where m->>'name' = f.head and wanted in (f.head, m->>'key') order by f.published_at desc limit 1;
  if build is null then
    -- no build's newest: what the newest build with it has up to there
    select jsonb_set(f.manifest, '{migrations}',
      (select jsonb_agg(m.value order by m.place) from jsonb_array_elements(f.manifest->'migrations') with ordinality m (value, place)
        where m.place <= found.place)) into build
    from ${followedTable(schema)} f, jsonb_array_elements(f.manifest->'migrations') with ordinality found (value, place)
    where wanted in (found.value->>'name', found.value->>'key') order by f.published_at desc limit 1;
  end if;
  if build is null then
    raise exception using errcode = '${requireStates.notReady}',
      message = format('schemagate: behind: no published manifest has %s', wanted),
      hint = 'Run schemagate follow with the build that has it.';
  end if;
  return ${s}.require(build);
end`
}
