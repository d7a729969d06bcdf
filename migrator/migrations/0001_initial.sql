-- The ticket service's first schema: who there is, whom they work for, and what they talk about.

-- migrate:up

create table organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null check (char_length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table users (
  id uuid primary key default gen_random_uuid(),
  email text not null check (char_length(email) between 3 and 254 and position('@' in email) > 1),
  password_hash text not null,
  full_name text not null check (char_length(full_name) between 1 and 200),
  state text not null default 'active' check (state in ('active', 'disabled')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- One account per address, however it is capitalised. The application looks users up by lower(email) too.
create unique index users_email_key on users (lower(email));

create table memberships (
  organization_id uuid not null references organizations (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  role text not null default 'member' check (role in ('owner', 'admin', 'agent', 'member')),
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);

create index memberships_user_id_idx on memberships (user_id);

create table tickets (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  title text not null check (char_length(title) between 1 and 200),
  description text not null default '' check (char_length(description) <= 20000),
  status text not null default 'open' check (status in ('open', 'pending', 'resolved', 'closed')),
  priority text not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
  created_by uuid references users (id) on delete set null,
  assignee_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  closed_at timestamptz,
  check ((status = 'closed') = (closed_at is not null)),
  -- What hangs on a ticket refers to both columns, so that it cannot belong to another organisation than its ticket.
  unique (organization_id, id),
  -- Only a member can be assigned; one who leaves gives their tickets back.
  foreign key (organization_id, assignee_id) references memberships (organization_id, user_id)
    on delete set null (assignee_id)
);

create index tickets_created_by_idx on tickets (created_by);
create index tickets_assignee_idx on tickets (organization_id, assignee_id);
create index tickets_status_idx on tickets (organization_id, status);

create table ticket_comments (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  ticket_id uuid not null,
  author_id uuid references users (id) on delete set null,
  visibility text not null default 'public' check (visibility in ('public', 'internal')),
  body text not null check (char_length(body) between 1 and 20000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (organization_id, ticket_id) references tickets (organization_id, id) on delete cascade
);

create index ticket_comments_ticket_idx on ticket_comments (organization_id, ticket_id, created_at);
create index ticket_comments_author_id_idx on ticket_comments (author_id);

-- What was done, by whom, to what. `entity_id` has no foreign key: the log outlives what it tells of.
create table audit_log (
  id bigint generated always as identity primary key,
  organization_id uuid references organizations (id) on delete cascade,
  actor_id uuid references users (id) on delete set null,
  action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
  entity_id uuid,
  detail jsonb not null default '{}' check (jsonb_typeof(detail) = 'object'),
  created_at timestamptz not null default now()
);

create index audit_log_organization_idx on audit_log (organization_id, created_at);
create index audit_log_actor_id_idx on audit_log (actor_id);

create function set_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end
$$;

create trigger organizations_updated before update of name on organizations
  for each row execute function set_updated_at();
create trigger users_updated before update of email, password_hash, full_name, state on users
  for each row execute function set_updated_at();
create trigger tickets_updated before update of title, description, status, priority, assignee_id on tickets
  for each row execute function set_updated_at();
create trigger ticket_comments_updated before update of visibility, body on ticket_comments
  for each row execute function set_updated_at();

-- migrate:down

drop table audit_log;
drop table ticket_comments;
drop table tickets;
drop table memberships;
drop table users;
drop table organizations;
drop function set_updated_at();
