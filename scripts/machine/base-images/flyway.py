"""The stand-in for flyway/flyway: `migrate` from /flyway/sql, and the history table that Flyway keeps."""

import re
import sys
import zlib
from pathlib import Path

import psycopg

options = dict(word[1:].split("=", 1) for word in sys.argv[1:] if word.startswith("-"))
if sys.argv[-1] != "migrate":
    sys.exit("this stand-in knows `migrate` alone")
url = options["url"].removeprefix("jdbc:")


def version_of(file: Path) -> str:
    return re.match(r"V(.+?)__", file.name)[1].replace("_", ".")


def checksum(text: str) -> int:
    crc = zlib.crc32("".join(re.split(r"\r\n|\r|\n", text)).encode())
    return crc - 2**32 if crc >= 2**31 else crc


with psycopg.connect(url, user=options["user"], password=options["password"], autocommit=True) as connection:
    connection.execute(
        """create table if not exists flyway_schema_history (
             installed_rank integer not null primary key,
             version varchar(50),
             description varchar(200) not null,
             type varchar(20) not null,
             script varchar(1000) not null,
             checksum integer,
             installed_by varchar(100) not null,
             installed_on timestamp not null default now(),
             execution_time integer not null,
             success boolean not null)"""
    )
    applied = {version for (version,) in connection.execute("select version from flyway_schema_history where success")}
    files = sorted(Path("/flyway/sql").glob("V*.sql"), key=lambda f: [int(part) for part in version_of(f).split(".")])
    for file in files:
        version, text = version_of(file), file.read_text()
        if version in applied:
            continue
        description = file.stem.split("__", 1)[1].replace("_", " ")
        row = (version, description, file.name, checksum(text), options["user"])
        try:
            with connection.transaction():
                connection.execute(text)
                connection.execute(
                    """insert into flyway_schema_history
                       select coalesce(max(installed_rank), 0) + 1, %s, %s, 'SQL', %s, %s, %s, now(), 1, true
                       from flyway_schema_history""",
                    row,
                )
        except psycopg.Error as error:
            sys.exit(f"ERROR: Migration {file.name} failed: {error}")
        print(f"Migrating schema to version {version} - {description}")
