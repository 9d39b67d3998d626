"""Which database a text needs without sessions."""

from __future__ import annotations

import pytest

from routedb.sql import classify
from routedb.sql.emptied import ANY, VERBS, emptied_database

NEEDS = {
    "DROP DATABASE x": "x",
    "drop database X;": "x",
    'DROP DATABASE IF EXISTS "X y" WITH (FORCE)': "X y",
    "/* c */ DROP -- x\n DATABASE x (FORCE)": "x",
    'DROP DATABASE U&"d\\0061t"': "dat",
    "DROP DATABASE if": "if",
    "DROP DATABASE %s": ANY,
    "ALTER DATABASE x RENAME TO y": "x",
    "ALTER DATABASE rename RENAME TO x": "rename",
    "ALTER DATABASE x SET TABLESPACE t": "x",
    "ALTER DATABASE x SET tablespace_of_mine TO 1": None,
    "ALTER DATABASE x SET work_mem = 1": None,
    "ALTER DATABASE x OWNER TO rename": None,
    "ALTER DATABASE x WITH CONNECTION LIMIT 5": None,
    "ALTER DATABASE x RESET ALL": None,
    "ALTER DATABASE x REFRESH COLLATION VERSION": None,
    "CREATE DATABASE y": "template1",
    "CREATE DATABASE template": "template1",
    "CREATE DATABASE y TEMPLATE x": "x",
    "CREATE DATABASE y OWNER z TEMPLATE = x": "x",
    "CREATE DATABASE y WITH TEMPLATE DEFAULT ENCODING 'UTF8'": "template1",
    "CREATE DATABASE y TEMPLATE 'x'": ANY,
    "CREATE DATABASE y TEMPLATE": ANY,
    'create database y with owner = template template = "Q" strategy file_copy': "Q",
    "create database y connection limit = -1 template x": "x",
    "create database y connection limit 5 is_template true template x": "x",
    "create database y lc_collate 'C' locale_provider icu template template0": (
        "template0"
    ),
}


@pytest.mark.parametrize(("text", "database"), NEEDS.items(), ids=NEEDS)
def test_the_database(text, database):
    assert classify(text).verb in VERBS
    assert emptied_database(text) == database


@pytest.mark.parametrize(
    "text",
    [
        *(
            "DROP SCHEMA x",
            "DROP TABLE x",
            "CREATE SCHEMA y",
            "ALTER TABLE x RENAME TO y",
        ),
        *(
            "SELECT 'DROP DATABASE x'",
            "COMMENT ON DATABASE x IS 'y'",
            "REINDEX DATABASE x",
        ),
        *("GRANT CONNECT ON DATABASE x TO y", "DROP OWNED BY x", "-- DROP DATABASE x"),
    ],
)
def test_texts_that_need_none(text):
    assert classify(text).verb not in VERBS
