-- +goose Up
alter table users add column full_name text not null default '';

-- +goose Down
alter table users drop column full_name;
