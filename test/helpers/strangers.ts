// Operators and functions that any role could make in `public` before Postgres 15: where one of them fits an expression better
// than pg_catalog's, it runs with the rights of whoever asks (CVE-2018-1058).
// https://www.postgresql.org/docs/current/typeconv-oper.html, https://www.postgresql.org/docs/current/typeconv-func.html

const types = [
  ...['text', 'name', '"char"', 'oid', 'regclass', 'regnamespace', 'regproc', 'regtype', 'int2', 'int4', 'int8'],
  ...['numeric', 'float8', 'bool', 'uuid', 'timestamptz', 'interval', 'json', 'jsonb', 'text[]', 'name[]', 'oid[]'],
  ...['int2[]', 'int2vector', 'oidvector', 'varchar'],
]
const comparisons = ['=', '<>', '<', '>', '<=', '>=', '?', '@>', '<@', '&&', '~', '!~', '~~', '!~~']
const others = ['||', '->', '->>', '+', '-', '*', '/', '#>', '&']

const list = (names: readonly string[]) => `array[${names.map(name => `'${name}'`).join()}]`

/** Told in the log, too: an error in a question of schemagate's own may be passed over. */
const body = "begin raise warning ''a stranger: %1$s in %%'', current_query(); raise ''a stranger: %1$s''; end"

const make = (returns: string, what: string, types: string, ...values: string[]) =>
  `execute format('create function public.${what} returns ${returns} language plpgsql as $f$ ${body} $f$', ${[types, ...values].join(', ')});`

/** One for each operator and pair of types that pg_catalog does not have just so; to call it is an error. */
const operators = `do $$ declare l text; r text; o text; begin
  foreach l in array ${list(types)} loop foreach r in array ${list(types)} loop
    ${make('bool', 'compared(%2$s, %3$s)', "format('%s, %s', l, r)", 'l', 'r')}
    ${make('%2$s', 'changed(%2$s, %3$s)', "format('%s, %s', l, r)", 'l', 'r')}
    foreach o in array ${list([...comparisons, ...others])} loop
      if not exists (select from pg_catalog.pg_operator where oprname = o::name and oprleft = l::regtype::oid and oprright = r::regtype::oid) then
        execute format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.%s)', o, l, r,
          case when o = any (${list(comparisons)}) then 'compared' else 'changed' end);
      end if;
    end loop; end loop; end loop; end $$;`

/** One for each function of pg_catalog's that takes several types, or texts, and each type that it does not take just so. */
const functions = `do $$ declare f record; begin
  for f in select distinct p.proname as name, t.types from pg_catalog.pg_proc p,
    lateral (select l as types from unnest(${list(types)}) l where p.pronargs = 1
      union all select l || ', ' || r from unnest(${list(['text', 'name', 'varchar'])}) l, unnest(${list(types)}) r where p.pronargs = 2) t
    where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind <> 'p' and p.proname !~ '^(pg_|lo_|text|name|varchar|bpchar)'
      and p.proargtypes[0]::regtype::text in ('text', '"any"', 'anyelement', 'anyarray', 'anynonarray', 'anycompatible', 'anycompatiblearray')
      and to_regprocedure(format('pg_catalog.%I(%s)', p.proname, t.types)) is null
  loop
    ${make('text', '%2$I(%3$s)', "format('%s(%s)', f.name, f.types)", 'f.name', 'f.types')}
  end loop; end $$;`

/** The functions first: what makes them would be caught by the operators. */
export const strangers = functions + operators
