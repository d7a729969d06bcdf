// Triggers of tables and views, and of the database's own events.

import { functionName, inheritedFrom, type Kinds, literal, relation, relations, withExtension, words } from './kind.ts'

/** What fires in an ordinary session needs no word. */
const states = { D: 'disabled', R: 'fires on replicas only', A: 'fires always' }

export const triggers: Kinds = () => [
  {
    kind: literal('trigger'),
    catalog: 'pg_trigger',
    oid: 't.oid',
    from: `${relations('rpfv')} join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal`,
    name: "format('%I.%I.%I', n.nspname, c.relname, t.tgname)",
    parent: relation,
    within: { catalog: 'pg_class', oid: 'c.oid' },
    properties: {
      definition: 'pg_get_triggerdef(t.oid)',
      state: words('t.tgenabled', states),
      'inherited from': inheritedFrom('t.tgparentid <> 0', 'trigger', 't.tgname'),
    },
    more: [withExtension('pg_trigger', 't.oid')],
  },
  {
    kind: literal('event trigger'),
    catalog: 'pg_event_trigger',
    oid: 'e.oid',
    from: 'pg_event_trigger e',
    name: "format('%I', e.evtname)",
    owner: 'e.evtowner',
    properties: {
      event: 'e.evtevent',
      function: functionName('e.evtfoid'),
      tags: "(select string_agg(x.tag, ', ' order by x.tag) from unnest(e.evttags) x(tag))",
      state: words('e.evtenabled', states),
    },
  },
]
