"""Whatever a session's settings make of quotes: a text on sharded tables does what it
does on one database with all rows, or is refused. Its literals choose no shard."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

import routedb
from routedb import errors
from tests.live.conftest import FIXTURES
from tests.support.later import later

pytestmark = pytest.mark.live

ROWS = [(n, n % 4, f"n{n}") for n in range(12)]
# To a server that reads a backslash as an escape; to another the literal ends at it.
ESCAPING = [
    r"UPDATE items SET note = 'x\' WHERE owner = 1 -- ' WHERE owner = 2",
    r"UPDATE items SET note = 'x\' -- ' WHERE id > 3",
    r"DELETE FROM items WHERE note = 'x\' OR owner = 1 -- ' OR owner = 2",
    r"INSERT INTO items VALUES (20, 1, 'a\'), (21, 2, \'b')",
    r"INSERT INTO items VALUES (22, 2, 'a\' /* routedb: shard=0 */ , \'b')",
    r"INSERT INTO items SELECT 30 + id, owner, 'y\' FROM items -- ' FROM items "
    "WHERE owner = 1",
    r"SELECT id FROM items WHERE note <> 'x\' AND owner = 1 -- ' ORDER BY id",
    r"SELECT count(*) FROM items WHERE owner = 2 OR note = 'x\' OR owner = 1 -- '",
    r"SELECT note, 'x\' /* routedb: shard=0 */ , \'' FROM items ORDER BY id",
    r"SELECT max(id) FROM items WHERE note = 'a\'' OR owner = 3 OR note = ' -- '",
]
# The other way round.
PLAIN = [
    r"UPDATE items SET note = 'x\' WHERE owner = 1 -- ' WHERE owner = 2",
    r"DELETE FROM items WHERE owner = 3 AND note <> 'x\' -- ' OR owner = 2",
    r"INSERT INTO items VALUES (20, 1, 'a\'), (21, 2, 'b\')",
    r"SELECT id FROM items WHERE note <> 'x\' AND owner = 1 -- ' ORDER BY id",
    r"SELECT id FROM items WHERE note <> '\' AND owner IN (1, 2) ORDER BY id",
]
ANSI = [
    'SELECT "id" FROM items WHERE "owner" = 1 OR note = \'"\' ORDER BY "id"',
    'UPDATE items SET "note" = \'"\' WHERE "owner" = 2',
    'DELETE FROM items WHERE "owner" = "id"',
]
# A dollar tag may have letters beyond ASCII.
TAGS = [
    "SELECT id FROM items WHERE note <> $é$ ' OR owner = 1 -- $é$ ORDER BY id",
    "UPDATE items SET note = $é$ WHERE owner = 1 -- $é$ WHERE owner = 2",
    "INSERT INTO items VALUES (40, 2, $ü1$/* routedb: shard=0 */$ü1$)",
]
CASES = [
    ("postgresql", "SET standard_conforming_strings = off", ESCAPING),
]
MORE = [
    ("postgresql", "SELECT hide()", ESCAPING),
    ("postgresql", "SET standard_conforming_strings = on", PLAIN + TAGS),
    ("mariadb", "SET sql_mode = 'NO_BACKSLASH_ESCAPES'", PLAIN),
    ("mariadb", "SET sql_mode = ''", ESCAPING),
    ("mariadb", "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", PLAIN + ANSI),
]
REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError, errors.HintError)
HIDE = (
    "CREATE FUNCTION hide() RETURNS text LANGUAGE sql AS "
    "$$ SELECT set_config('standard_conforming_strings', 'off', false) $$"
)


@pytest.mark.parametrize(
    ("engine", "setting", "texts"), [*CASES, *later(MORE)], ids=lambda v: str(v)[:50]
)
def test_a_text_does_what_it_does_on_one_database(request, engine, setting, texts):
    first = request.getfixturevalue(FIXTURES[engine])
    with first.cluster.database() as more, first.cluster.database() as whole:
        for database in (first, more, whole):
            database.execute("CREATE TABLE items (id int, owner int, note varchar(99))")
            if engine == "postgresql":
                database.execute(HIDE)
        dsns = [each.writer_dsn for each in (first, more)]
        rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
        source: dict[str, Any] = {
            "databases": {"shop": {"shards": [[dsn] for dsn in dsns]}},
            "default": "shop",
            "tables": {"items": rule},
        }
        with (
            routedb.Cluster(source) as cluster,
            closing(whole.cluster.writer.connect(whole.name)) as raw,
        ):
            raw.autocommit = True
            servers = (raw, (first, more))
            done = [_is_done(cluster, setting, text, *servers) for text in texts]
    assert any(done) is (setting != "SELECT hide()")  # which makes the modes unknown


def _is_done(cluster: Any, setting: str, text: str, raw: Any, shards: Any) -> bool:
    """Tell whether it is answered, as on the one database, and not refused."""
    one = raw.cursor()
    one.execute("DELETE FROM items")
    with closing(cluster.connect(autocommit=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("DELETE FROM items")
        for row in ROWS:
            for each in (one, cursor):
                each.execute("INSERT INTO items VALUES (%s, %s, %s)", row)
        one.execute(setting)
        hidden = "/* routedb: shard=0 */ " if setting.startswith("SELECT") else ""
        cursor.execute(hidden + setting)
        one.execute(text)
        is_read = bool(one.description)
        expected = list(one.fetchall()) if is_read else one.rowcount
        there = _rows(one)
        try:
            cursor.execute(text)
            found = list(cursor.fetchall()) if is_read else cursor.rowcount
        except REFUSALS:
            assert sorted(_all(shards)) == sorted(ROWS)
            return False
        assert found == expected, text
    assert sorted(_all(shards)) == there, text
    return True


def _rows(cursor: Any) -> list[Any]:
    cursor.execute("SELECT id, owner, note FROM items")
    return sorted(tuple(row) for row in cursor.fetchall())


def _all(shards: Any) -> list[Any]:
    return [
        tuple(row)
        for shard in shards
        for row in shard.execute("SELECT id, owner, note FROM items")
    ]
