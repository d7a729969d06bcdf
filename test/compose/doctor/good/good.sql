create table if not exists things (id int);
