// Operators that any role could make in `public` before Postgres 15: where one of them fits an expression better than
// pg_catalog's, it runs with the rights of whoever asks (CVE-2018-1058).
// https://www.postgresql.org/docs/current/typeconv-oper.html

const types = [
  ...['text', 'name', '"char"', 'oid', 'regclass', 'regnamespace', 'regproc', 'regtype', 'int2', 'int4', 'int8'],
  ...['numeric', 'float8', 'bool', 'uuid', 'timestamptz', 'interval', 'json', 'jsonb', 'text[]', 'name[]', 'oid[]'],
  ...['int2[]', 'int2vector', 'oidvector'],
]
const comparisons = ['=', '<>', '<', '>', '<=', '>=', '?', '@>', '~', '!~', '~~', '!~~']
const others = ['||', '->', '->>', '+', '-', '*', '/', '#>', '&']

const list = (names: readonly string[]) => `array[${names.map(name => `'${name}'`).join()}]`

/** One for each operator and pair of types that pg_catalog does not have just so; to call it is an error. */
export const strangers = `do $$ declare l text; r text; o text; begin
  foreach l in array ${list(types)} loop foreach r in array ${list(types)} loop
    execute format('create function public.compared(%s, %s) returns bool language plpgsql as $f$ begin raise ''a stranger: %s, %s in %%'', current_query(); end $f$', l, r, l, r);
    execute format('create function public.changed(%s, %s) returns %s language plpgsql as $f$ begin raise ''a stranger: %s, %s in %%'', current_query(); end $f$', l, r, l, l, r);
    foreach o in array ${list([...comparisons, ...others])} loop
      if not exists (select from pg_operator where oprname = o::name and oprleft = l::regtype::oid and oprright = r::regtype::oid) then
        execute format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.%s)', o, l, r,
          case when o = any (${list(comparisons)}) then 'compared' else 'changed' end);
      end if;
    end loop; end loop; end loop; end $$`
