"""The stand-in for migrate/migrate: `-path FOLDER -database URL up`, and the history table that golang-migrate keeps."""

import re
import sys
from pathlib import Path

import psycopg

options = {sys.argv[i]: sys.argv[i + 1] for i in range(1, len(sys.argv) - 1, 2)}
if sys.argv[-1] != "up":
    sys.exit("this stand-in knows `up` alone")
files = {int(re.match(r"\d+", f.name)[0]): f for f in Path(options["-path"]).glob("*.up.sql")}

with psycopg.connect(options["-database"], autocommit=True) as connection:
    connection.execute("create table if not exists schema_migrations (version bigint not null primary key, dirty boolean not null)")
    row = connection.execute("select version, dirty from schema_migrations").fetchone()
    if row and row[1]:
        sys.exit(f"error: Dirty database version {row[0]}. Fix and force version.")

    def record(version: int, dirty: bool) -> None:
        with connection.transaction():
            connection.execute("truncate schema_migrations")
            connection.execute("insert into schema_migrations (version, dirty) values (%s, %s)", (version, dirty))

    for version in sorted(v for v in files if row is None or v > row[0]):
        record(version, True)
        try:
            connection.execute(files[version].read_text())
        except psycopg.Error as error:
            sys.exit(f"error: migration failed: {error}")
        record(version, False)
        print(f"{version}/u {files[version].name}")
