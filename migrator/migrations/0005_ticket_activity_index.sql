-- The ticket list is sorted by activity. The table is written to all the time, so the index is built beside the traffic.

-- migrate:up transaction:false

create index concurrently tickets_activity_idx on tickets (organization_id, last_activity_at desc, id desc);

-- migrate:down transaction:false

drop index concurrently tickets_activity_idx;
