alter table users add column full_name text not null default '';
