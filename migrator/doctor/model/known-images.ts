// Images whose part in a stack is known by their name.

import type { Image } from '../compose/image.ts'
import type { Service } from '../compose/service.ts'

/** Servers that are Postgres. The last part of the name is compared, else owner and name. */
const postgresNames =
  /^(postgres|postgresql|postgis|pgvector|pgvecto-rs|vchord-postgres|vchord-suite|timescaledb|timescaledb-ha|timescaledb-docker-ha|spilo(-\d+)?|citus|paradedb|pgroonga|alloydbomni|enterprisedb|pgautoupgrade|postgresql-repmgr|postgresql-ha|postgresml|orioledb|postgres-(ssl|ai|documentdb|ferretdb)|pgduckdb|pg_duckdb|crunchy-postgres(-gis)?|postgresql-\d+(-centos\d+|-c\d+s)?|postgres-?\d+|docker-postgres|postgres-(pgvector|postgis|cron|partman|vector|wal2json|extended|multiple-db|hll)|pg-?(1\d))$/
const postgresRepositories =
  /^(supabase\/postgres|apache\/age|immich-app\/postgres|ankane\/pgvector|tensorchord\/.*postgres.*|kartoza\/postgis|tembo\/.*|sameersbn\/postgresql|mattermost\/.*postgres|pgmq\/pg\d+-pgmq|quay\/.*postgresql.*|zalan?do\/spilo.*|cloudnative-pg\/.*|percona\/percona-distribution-postgresql|debezium\/(postgres|example-postgres)|electricsql\/postgres)$/
/** What such a name must not have: these only talk to one. */
const notServers = /(exporter|backup|postgrest|meta|admin|bouncer|pgpool|client|dump|operator|migrat|restore|proxy|ui$)/

/** A Postgres server, of whichever publisher; not a tool that only has Postgres in its name. */
export function isPostgresImage({ repository, name }: Image): boolean {
  if (notServers.test(name)) return false
  return postgresNames.test(name) || postgresRepositories.test(repository)
}

/** Servers of other databases: of them doctor says nothing. */
export function isOtherDatabase({ repository, name }: Image): boolean {
  return (
    /^(mysql|mysql-server|mariadb|percona|percona-server|mongo|mongodb|mongodb-community-server|mssql-server|oracle-xe|oracle-free|cockroach|yugabyte|clickhouse-server|clickhouse|cassandra|scylla|couchdb|couchbase|neo4j|arangodb|surrealdb|rqlite|questdb|influxdb|tidb|vitess|dynamodb-local|edgedb|gel|dgraph|db2)$/.test(
      name,
    ) || /mssql|cockroachdb/.test(repository)
  )
}

/** They look at a database, copy it or measure it, and serve no application from it. */
export function isTool({ name }: Image): boolean {
  return (
    /(exporter|backup|pg-?dump|pgbackrest|wal-g|pgadmin|schemaspy|schemacrawler|wait-for|wait4x|postgres-meta)/.test(
      name,
    ) ||
    /^(adminer|pgweb|pghero|phppgadmin|cloudbeaver|dbeaver|dbgate|sqlpad|chartbrew|drizzle-gateway|studio|(prisma|drizzle|postgres|supabase)-?studio|barman|pgwatch\d*|pganalyze|collector|pgbadger|pgcopydb|metabase|redash|superset|agent|alloy|datadog-agent|telegraf|netdata|opentelemetry-collector\S*|otel-collector\S*|zabbix-agent\d*|restic|kopia|borg\S*|autoheal|watchtower|dozzle|portainer\S*|ofelia|tbls|toxiproxy|connect|kafka-connect\S*|maxwell|pgsync)$/.test(
      name,
    )
  )
}

/** Poolers and proxies in front of the database: a client of one is a client of the database. */
export function isPooler({ name }: Image): boolean {
  return /(pgbouncer|pgpool|odyssey|pgcat|supavisor|pgdog|pg-?proxy)/.test(name)
}

/** What passes requests on to applications. */
export function isProxy(image: Image): boolean {
  return isPlainProxy(image) || /caddy|nginx/.test(image.name)
}

/** A proxy without an application in its image. */
export function isPlainProxy({ name }: Image): boolean {
  return /^(nginx|nginx-unprivileged|openresty|caddy|traefik|haproxy|envoy|httpd|apache|nginx-proxy|nginx-proxy-manager|swag|apisix|cloudflared|ngrok|oauth2-proxy|https-portal)$/.test(
    name,
  )
}

/**
 * The database that a product uses, where its own variable names no other; it shares a server with the project's app.
 * Parts of Supabase that migrate a schema of their own count as with a database of their own.
 */
export function ownDatabase({ image, environment }: Service): string | undefined {
  const [, part] = /(?:^|\/)supabase\/(gotrue|storage-api|realtime)$/.exec(image?.repository ?? '') ?? []
  if (part !== undefined) return part
  if (image && /^temporalio\//.test(image.repository)) return environment.DBNAME ?? 'temporal'
  if (image && /^(kong|kong-gateway)$/.test(image.name)) return environment.KONG_PG_DATABASE ?? 'kong'
  return undefined
}

/** Caches, brokers, mail catchers and stores of secrets: they serve nothing from a database, whatever they are told of it. */
export function isStore({ name }: Image): boolean {
  return /^(redis|redis-stack|redis-stack-server|valkey|keydb|dragonfly|memcached|rabbitmq|nats|mosquitto|minio|mailhog|mailpit|maildev|vault|openbao|consul|etcd)$/.test(
    name,
  )
}

/** Parts of a stack that have no business with a relational database, whatever they wait for. */
export function isInfrastructure({ repository, name }: Image): boolean {
  return /^(redis|redis-stack|redis-stack-server|valkey|keydb|dragonfly|memcached|rabbitmq|kafka|cp-.*|redpanda|zookeeper|nats|nats-streaming|mosquitto|emqx|minio|mc|seaweedfs|mailhog|mailpit|mailcatcher|maildev|smtp4dev|smtp|postfix|docker-mailserver|elasticsearch|opensearch|opensearch-dashboards|kibana|logstash|meilisearch|typesense|solr|sonic|prometheus|alertmanager|loki|promtail|tempo|jaeger|all-in-one|zipkin|cadvisor|node-exporter|vector|fluentd|fluent-bit|certbot|localstack|vault|consul|etcd|standalone-chrome|chrome|browserless|chromium|ollama|qdrant|weaviate|milvus|chroma|gotenberg|tika|imgproxy|tailscale|busybox|alpine|hello-world|whoami|collabora|code|onlyoffice|documentserver|turn|coturn|livekit-server|registry|phpmyadmin|mongo-express|redisinsight|redis-commander|asynqmon|soketi|centrifugo|mercure|docker-socket-proxy|ryuk|trino)$/.test(
    repository.startsWith('confluentinc/') ? 'kafka' : name,
  )
}
