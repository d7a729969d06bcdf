// A database's schema as deterministic text: two databases with equal dumps were migrated to the same end.

import pg from 'pg'

export interface DumpOptions {
  /** Schemas that are left out, besides Postgres' own: the ledger's, whose rows carry times and ids. */
  readonly exclude?: readonly string[]
  /** Also who owns each object and who may do what with it. */
  readonly grants?: boolean
}

/** One line or block for each object of the schema, sorted. The client's session is left as it was. */
export async function dumpCatalog(client: pg.ClientBase, options: DumpOptions = {}): Promise<string> {
  const { exclude = ['schemagate'], grants = false } = options
  const parts = grants ? [...objects, ...privileges] : objects
  // An empty search_path makes every pg_get_...def() qualify its names.
  await client.query("begin read only; set local search_path to ''; set local jit = off")
  try {
    const { rows } = await client.query<{ line: string }>(
      `select line from (${parts.join('\nunion all\n')}) as o(line) order by line collate pg_catalog."C"`,
      [exclude],
    )
    return rows.map(({ line }) => line).join('\n')
  } finally {
    await client.query('rollback')
  }
}

/** The same for a connection string. */
export async function dumpDatabase(url: string, options?: DumpOptions): Promise<string> {
  const client = new pg.Client({ connectionString: url, application_name: 'test' })
  await client.connect()
  try {
    return await dumpCatalog(client, options)
  } finally {
    await client.end()
  }
}

/** A namespace that is the user's. */
const own = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and n.nspname <> all ($1::text[])`
/** An object that was not brought by an extension: the extension's own line stands for those. */
const free = (catalog: string, alias: string) =>
  `not exists (select from pg_catalog.pg_depend d where d.deptype = 'e' and d.classid = 'pg_catalog.${catalog}'::regclass and d.objid = ${alias}.oid)`
const classes = `pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace and ${own} and ${free('pg_class', 'c')}`

const objects = [
  `select format('schema %I', n.nspname) from pg_catalog.pg_namespace n where ${own} and ${free('pg_namespace', 'n')}`,

  `select format('extension %I %s in %I', e.extname, e.extversion, n.nspname)
   from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql'`,

  `select format('%s %I.%I persistence=%s rls=%s/%s options=%s partition=%s of=%s key=%s populated=%s',
     case c.relkind when 'r' then 'table' when 'p' then 'partitioned-table' when 'f' then 'foreign-table'
       when 'v' then 'view' when 'm' then 'materialized-view' when 'c' then 'composite' end,
     n.nspname, c.relname, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
     pg_get_expr(c.relpartbound, c.oid),
     (select string_agg(i.inhparent::regclass::text || case when i.inhdetachpending then ' (detaching)' else '' end, ', ' order by i.inhseqno)
      from pg_catalog.pg_inherits i where i.inhrelid = c.oid),
     case c.relkind when 'p' then pg_get_partkeydef(c.oid) end, c.relispopulated)
   from ${classes} where c.relkind in ('r', 'p', 'f', 'v', 'm', 'c')`,

  `select format('column %I.%I %s %I %s%s%s%s%s%s', n.nspname, c.relname,
     lpad((row_number() over (partition by c.oid order by a.attnum))::text, 3, '0'), a.attname,
     format_type(a.atttypid, a.atttypmod),
     case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation::text else '' end,
     case when a.attnotnull then ' not null' else '' end,
     coalesce(case a.attgenerated when '' then ' default ' else format(' generated %s ', a.attgenerated) end || pg_get_expr(ad.adbin, ad.adrelid), ''),
     case a.attidentity when '' then '' else format(' identity %s', a.attidentity) end,
     case when a.attstorage <> t.typstorage or a.attcompression <> '' then format(' storage %s%s', a.attstorage, a.attcompression) else '' end)
   from ${classes} join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     join pg_catalog.pg_type t on t.oid = a.atttypid
     left join pg_catalog.pg_attrdef ad on ad.adrelid = c.oid and ad.adnum = a.attnum
   where c.relkind in ('r', 'p', 'f', 'v', 'm', 'c')`,

  `select format('constraint %s %I %s%s', coalesce(k.conrelid::regclass::text, k.contypid::regtype::text), k.conname,
     pg_get_constraintdef(k.oid), case when k.convalidated then '' else ' [not validated]' end)
   from pg_catalog.pg_constraint k join pg_catalog.pg_namespace n on n.oid = k.connamespace and ${own} where ${free('pg_constraint', 'k')}
     and (k.conrelid = 0 or exists (select from pg_catalog.pg_class c where c.oid = k.conrelid and ${free('pg_class', 'c')}))
     and (k.contypid = 0 or exists (select from pg_catalog.pg_type y where y.oid = k.contypid and ${free('pg_type', 'y')}))`,

  `select format('index %s%s%s%s%s', pg_get_indexdef(i.indexrelid),
     case when i.indisvalid then '' else ' INVALID' end, case when i.indisready then '' else ' NOT-READY' end,
     case when i.indisclustered then ' clustered' else '' end, case when i.indisreplident then ' replica-identity' else '' end)
   from ${classes} join pg_catalog.pg_index i on i.indrelid = c.oid`,

  `select format('view-source %I.%I %s', n.nspname, c.relname, pg_get_viewdef(c.oid)) from ${classes} where c.relkind in ('v', 'm')`,

  `select format('function %s', case when p.prokind = 'a' then p.oid::regprocedure::text || ' aggregate' else pg_get_functiondef(p.oid) end)
   from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace and ${own} where ${free('pg_proc', 'p')}`,

  `select format('trigger %s [%s]', pg_get_triggerdef(t.oid), t.tgenabled)
   from ${classes} join pg_catalog.pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal`,

  `select format('rule %s [%s]', pg_get_ruledef(r.oid), r.ev_enabled)
   from ${classes} join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.rulename <> '_RETURN'`,

  `select format('policy %I on %I.%I %s %s to %s using %s check %s', p.polname, n.nspname, c.relname, p.polcmd, p.polpermissive,
     (select string_agg(case r when 0 then 'public' else r::regrole::text end, ', ' order by r) from unnest(p.polroles) r),
     pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
   from ${classes} join pg_catalog.pg_policy p on p.polrelid = c.oid`,

  `select format('sequence %I.%I %s start %s by %s from %s to %s cache %s%s owned by %s', n.nspname, c.relname, s.seqtypid::regtype,
     s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, case when s.seqcycle then ' cycle' else '' end,
     (select d.refobjid::regclass::text || '.' || a.attname from pg_catalog.pg_depend d
      join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
        and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjsubid > 0))
   from ${classes} join pg_catalog.pg_sequence s on s.seqrelid = c.oid`,

  `select format('type %I.%I %s %s', n.nspname, t.typname, t.typtype, case t.typtype
     when 'e' then (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid)
     when 'd' then format_type(t.typbasetype, t.typtypmod) || case when t.typnotnull then ' not null' else '' end || coalesce(' default ' || t.typdefault, '')
     when 'r' then (select r.rngsubtype::regtype::text from pg_catalog.pg_range r where r.rngtypid = t.oid) end)
   from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace and ${own}
   where t.typtype in ('e', 'd', 'r') and ${free('pg_type', 't')}`,

  `select format('statistics %s', pg_get_statisticsobjdef(s.oid))
   from pg_catalog.pg_statistic_ext s join pg_catalog.pg_namespace n on n.oid = s.stxnamespace and ${own}`,

  `select format('operator %s %s', o.oid::regoperator, o.oprcode)
   from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace and ${own} where ${free('pg_operator', 'o')}`,

  `select format('cast %s to %s with %s %s', k.castsource::regtype, k.casttarget::regtype, k.castfunc::regproc, k.castcontext)
   from pg_catalog.pg_cast k where k.oid >= 16384 and ${free('pg_cast', 'k')}`,

  `select format('collation %I.%I %s %s %s', n.nspname, k.collname, k.collprovider, k.collcollate, k.collisdeterministic)
   from pg_catalog.pg_collation k join pg_catalog.pg_namespace n on n.oid = k.collnamespace and ${own} where ${free('pg_collation', 'k')}`,

  `select format('text-search %I.%I', n.nspname, k.cfgname)
   from pg_catalog.pg_ts_config k join pg_catalog.pg_namespace n on n.oid = k.cfgnamespace and ${own} where ${free('pg_ts_config', 'k')}`,

  `select format('event-trigger %I %s %s %s', e.evtname, e.evtevent, e.evtfoid::regproc, e.evtenabled) from pg_catalog.pg_event_trigger e`,

  `select format('publication %I all=%s %s', p.pubname, p.puballtables,
     (select string_agg(r.prrelid::regclass::text, ', ' order by r.prrelid::regclass::text) from pg_catalog.pg_publication_rel r where r.prpubid = p.oid))
   from pg_catalog.pg_publication p`,

  `select format('server %I %s', s.srvname, s.srvoptions) from pg_catalog.pg_foreign_server s`,

  `select format('comment %s %s %L', o.type, o.identity, d.description)
   from pg_catalog.pg_description d, pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) o
   where d.objoid >= 16384 and o.identity is not null and (o.schema is null or (o.schema !~ '^pg_' and o.schema <> all ($1::text[])))
     and not exists (select from pg_catalog.pg_depend x where x.deptype = 'e' and x.classid = d.classoid and x.objid = d.objoid)
     and o.type <> 'extension'`,
]

/** Access rights, one line for each right, whatever order they were given in. */
const privileges = [
  `select format('owner schema %I %s', n.nspname, n.nspowner::regrole) from pg_catalog.pg_namespace n where ${own}`,
  `select format('owner %I.%I %s', n.nspname, c.relname, c.relowner::regrole) from ${classes} where c.relkind not in ('i', 'I', 't')`,
  `select format('owner function %s %s', p.oid::regprocedure, p.proowner::regrole)
   from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace and ${own} where ${free('pg_proc', 'p')}`,
  `select format('grant %s on schema %I to %s', a.privilege_type, n.nspname, case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
   from pg_catalog.pg_namespace n, aclexplode(n.nspacl) a where ${own}`,
  `select format('grant %s on %I.%I to %s', a.privilege_type, n.nspname, c.relname, case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
   from ${classes}, aclexplode(c.relacl) a`,
  `select format('grant %s on %I.%I.%I to %s', x.privilege_type, n.nspname, c.relname, a.attname, case x.grantee when 0 then 'public' else x.grantee::regrole::text end)
   from ${classes} join pg_catalog.pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) x`,
  `select format('grant %s on function %s to %s', a.privilege_type, p.oid::regprocedure, case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
   from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace and ${own}, aclexplode(p.proacl) a where ${free('pg_proc', 'p')}`,
  `select format('default grant %s on %s in %s by %s to %s', a.privilege_type, d.defaclobjtype,
     case d.defaclnamespace when 0 then 'all' else d.defaclnamespace::regnamespace::text end, d.defaclrole::regrole,
     case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
   from pg_catalog.pg_default_acl d, aclexplode(d.defaclacl) a`,
]
