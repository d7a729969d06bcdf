-- From here on every ticket has its last activity. Each step is short: a constraint that is not checked yet, the check
-- of all rows under a lock that lets reads and writes pass, then NOT NULL, which Postgres takes from the constraint
-- without reading the table again. In one transaction the first step's lock would be held through the second.

-- migrate:up transaction:false

alter table tickets add constraint tickets_last_activity_at_present check (last_activity_at is not null) not valid;
alter table tickets validate constraint tickets_last_activity_at_present;
alter table tickets alter column last_activity_at set not null;
alter table tickets drop constraint tickets_last_activity_at_present;

-- migrate:down

alter table tickets alter column last_activity_at drop not null;
