create table more_things (id int);
