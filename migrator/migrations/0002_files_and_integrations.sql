-- Files that hang on tickets, and the services that an organisation is connected with.

-- migrate:up

create table files (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  ticket_id uuid,
  uploaded_by uuid references users (id) on delete set null,
  name text not null check (char_length(name) between 1 and 255),
  content_type text not null check (content_type ~ '^[^/ ]+/[^/ ]+$'),
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 bytea check (octet_length(sha256) = 32),
  storage_key text not null unique,
  state text not null default 'pending' check (state in ('pending', 'stored', 'deleted')),
  created_at timestamptz not null default now(),
  -- A file has its checksum as soon as it is there.
  check (state <> 'stored' or sha256 is not null),
  foreign key (organization_id, ticket_id) references tickets (organization_id, id)
    on delete set null (ticket_id)
);

create index files_ticket_idx on files (organization_id, ticket_id);
create index files_uploaded_by_idx on files (uploaded_by);

create table integrations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  kind text not null check (kind in ('email', 'slack', 'webhook', 'jira')),
  name text not null check (char_length(name) between 1 and 100),
  state text not null default 'enabled' check (state in ('enabled', 'disabled', 'failing')),
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  -- The name of the secret in the secret store, never the secret.
  secret_ref text,
  created_by uuid references users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, kind, name)
);

create index integrations_created_by_idx on integrations (created_by);

create trigger integrations_updated before update of name, state, settings, secret_ref on integrations
  for each row execute function set_updated_at();

-- migrate:down

drop table integrations;
drop table files;
