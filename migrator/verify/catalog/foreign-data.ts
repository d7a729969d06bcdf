// Foreign data: wrappers, servers, user mappings. The tables are with the tables.

import { functionName, guardedOptions, type Kinds, literal, roleName } from './kind.ts'

const notSecret = "o.option_name !~* 'password|secret|token|key|credential'"

export const foreignData: Kinds = () => [
  {
    kind: literal('foreign data wrapper'),
    catalog: 'pg_foreign_data_wrapper',
    oid: 'w.oid',
    from: 'pg_foreign_data_wrapper w',
    name: "format('%I', w.fdwname)",
    owner: 'w.fdwowner',
    grants: { list: 'w.fdwacl', type: "'F'", owner: 'w.fdwowner' },
    properties: { handler: functionName('w.fdwhandler'), validator: functionName('w.fdwvalidator') },
    more: [guardedOptions('w.fdwoptions', notSecret)],
  },
  {
    kind: literal('server'),
    catalog: 'pg_foreign_server',
    oid: 's.oid',
    from: 'pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw',
    name: "format('%I', s.srvname)",
    owner: 's.srvowner',
    grants: { list: 's.srvacl', type: "'S'", owner: 's.srvowner' },
    properties: { wrapper: "format('%I', w.fdwname)", type: 's.srvtype', version: 's.srvversion' },
    more: [guardedOptions('s.srvoptions', notSecret)],
  },
  {
    kind: literal('user mapping'),
    catalog: 'pg_user_mapping',
    oid: 'u.umid',
    from: 'pg_user_mappings u',
    name: `format('for %s on server %I', ${roleName('u.umuser')}, u.srvname)`,
    parent: "format('server %I', u.srvname)",
    within: { catalog: 'pg_foreign_server', oid: 'u.srvid' },
    // any option may be a secret, and only the mapping's own role and the server's owner are shown them
    more: [guardedOptions('u.umoptions', "o.option_name = 'user'")],
  },
]
