// What the server tells of a session that works: its row in pg_stat_activity, and in one of the pg_stat_progress views.

/** A row of a progress view, with names in place of OIDs where the session that looks can see them. */
export interface Report {
  readonly view: 'create_index' | 'cluster' | 'repack' | 'vacuum' | 'analyze' | 'copy'
  readonly relation: string | null
  readonly index: string | null
  readonly phase?: string
  readonly command?: string
  /** Its counters. */
  readonly [column: string]: unknown
}

export interface Activity {
  readonly state: string | null
  readonly waitType: string | null
  readonly waitEvent: string | null
  readonly report: Report | null
}

/** Which session is looked at: by its process, or behind a pooler by its name, since its processes change. */
export type Whom = { readonly pid: number } | { readonly applicationName: string }

/** The question about a session, for a server of this version (`server_version_num`), and its one parameter. */
export function activityQuery(whom: Whom): { text: (version: number) => string; values: unknown[] } {
  const isProcess = 'pid' in whom
  const where = isProcess
    ? 'a.pid = $1'
    : `a.application_name = $1 and a.state <> 'idle' and a.datname = pg_catalog.current_database()`
  return {
    values: [isProcess ? whom.pid : whom.applicationName],
    // a session has a row in one of the views at most, and those after it are not read
    text: version =>
      `select a.state, a.wait_event_type as "waitType", a.wait_event as "waitEvent",
              coalesce(${viewsOf(version).map(reportOf).join(', ')}) as report
         from pg_catalog.pg_stat_activity a where ${where} limit 2`,
  }
}

/** CLUSTER is a form of REPACK since PostgreSQL 19, and COPY is reported since 14. */
function viewsOf(version: number): Report['view'][] {
  return [
    ...(['create_index', version >= 190_000 ? 'repack' : 'cluster', 'vacuum', 'analyze'] as const),
    ...(version >= 140_000 ? (['copy'] as const) : []),
  ]
}

function reportOf(view: Report['view']): string {
  const index = { create_index: 'index_relid', cluster: 'cluster_index_relid', repack: 'repack_index_relid' }
  const named = view in index ? nameOf(`v.${index[view as keyof typeof index]}`) : 'null'
  return `(select pg_catalog.to_jsonb(v) || pg_catalog.jsonb_build_object('view', '${view}', 'relation', ${nameOf('v.relid')}, 'index', ${named})
            from pg_catalog.pg_stat_progress_${view} v where v.pid = a.pid)`
}

/** Null for what a transaction has made that is not committed yet: its OID would be shown instead. */
function nameOf(oid: string): string {
  return `(select c.oid::pg_catalog.regclass::text from pg_catalog.pg_class c where c.oid = ${oid})`
}
