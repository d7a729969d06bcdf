begin;
create table things (id int);
select no_such_column from things;
