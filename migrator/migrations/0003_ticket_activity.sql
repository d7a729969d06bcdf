-- When a ticket was last touched: by a change, or by a comment. What exists is filled in by 0004.

-- migrate:up

-- Two steps on purpose: with the default in ADD COLUMN, every old ticket would claim to have been touched just now.
alter table tickets add column last_activity_at timestamptz;
alter table tickets alter column last_activity_at set default now();

create function touch_ticket() returns trigger language plpgsql as $$
begin
  new.last_activity_at := now();
  return new;
end
$$;

create trigger tickets_touched before update of title, description, status, priority, assignee_id on tickets
  for each row execute function touch_ticket();

create function touch_commented_ticket() returns trigger language plpgsql as $$
begin
  update tickets set last_activity_at = now()
  where organization_id = new.organization_id and id = new.ticket_id;
  return null;
end
$$;

create trigger ticket_comments_touch after insert on ticket_comments
  for each row execute function touch_commented_ticket();

-- migrate:down

drop trigger ticket_comments_touch on ticket_comments;
drop function touch_commented_ticket();
drop trigger tickets_touched on tickets;
drop function touch_ticket();
alter table tickets drop column last_activity_at;
