#!/bin/sh
while true; do psql -Atc 'select * from things' 2>&1; sleep 0.2; done
