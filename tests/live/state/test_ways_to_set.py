"""More ways to set a value on PostgreSQL: what is set is set on every node, what is not
run sets nothing, and no question of ours raises."""

from __future__ import annotations

import io
from typing import Any

import pytest

import routedb
from tests.live.state.nodes import everywhere, on_all
from tests.support.later import one_of
from tests.support.server_rig import Rig

# A name, how it is asked for, and two values.
KINDS = [
    ("search_path", "SHOW search_path", ("one", "two")),
    ("my.own", "SHOW my.own", ("a b", "it is")),
    ("work_mem", "SHOW work_mem", ("5MB", "7MB")),
]
CALL = "set_config('{n}', '{v}', false)"

# {n} is the name, {v} the value, {e} the name with all letters escaped.
SET: dict[str, tuple[str, ...]] = {
    "dollar quotes": ("SELECT set_config($${n}$$, $a${v}$a$, false)",),
    "an escape string": ("SELECT set_config(E'{n}', '{v}', false)",),
    "escapes": ("SELECT set_config({e}, '{v}', false)",),
    "capitals": ("SELECT SET_CONFIG(upper('{n}'), '{v}', false)",),
    "a quoted function": ("SELECT \"set_config\"('{n}', '{v}', false)",),
    "comments": ("SELECT pg_catalog . set_config/**/('{n}'/* a */, '{v}', false)",),
    "beside another": (
        "SELECT set_config('DateStyle', 'ISO', false), "
        "set_config(concat('{n}'), '{v}', false)",
    ),
    "a table": ("SELECT * FROM " + CALL + " AS s",),
    "LATERAL": (
        "SELECT s FROM (VALUES ('{v}')) x (v), LATERAL set_config('{n}', x.v, false) s",
    ),
    "EXECUTE": ("PREPARE p AS SELECT " + CALL, "EXECUTE p", "DEALLOCATE p"),
    "EXECUTE with a value": (
        "PREPARE p (text) AS SELECT set_config('{n}', $1, false)",
        "EXECUTE p('{v}')",
        "DEALLOCATE p",
    ),
    "EXECUTE with a name": (
        "PREPARE p (text, text) AS SELECT set_config($1, $2, false)",
        "EXECUTE p('{n}', '{v}')",
        "DEALLOCATE p",
    ),
    "EXECUTE in a transaction": (
        *("PREPARE p AS SELECT " + CALL, "BEGIN", "EXECUTE p", "COMMIT"),
        "DEALLOCATE p",
    ),
    "FETCH": ("BEGIN", "DECLARE c CURSOR FOR SELECT " + CALL, "FETCH c", "COMMIT"),
    "MOVE": ("BEGIN", "DECLARE c CURSOR FOR SELECT " + CALL, "MOVE c", "COMMIT"),
    "a cursor with hold": (
        "DECLARE c CURSOR WITH HOLD FOR SELECT " + CALL,
        "CLOSE c",
    ),
    "DO with a call": ("DO $$ BEGIN PERFORM " + CALL + "; END $$",),
    "DO with SET": ("DO $$ BEGIN SET {n} = '{v}'; END $$",),
    "EXPLAIN ANALYZE": ("EXPLAIN ANALYZE SELECT " + CALL,),
    "CREATE TABLE AS": (
        "CREATE TABLE public.made AS SELECT " + CALL + " AS a",
        "DROP TABLE public.made",
    ),
    "INSERT": ("INSERT INTO public.t SELECT 1 WHERE " + CALL + " = 'no'",),
    "UPDATE": (
        "INSERT INTO public.t VALUES (1)",
        "UPDATE public.t SET id = id WHERE " + CALL + " = 'no'",
    ),
    "RETURNING": (
        "INSERT INTO public.t VALUES (1)",
        "UPDATE public.t SET id = id RETURNING " + CALL,
    ),
    "CASE": ("SELECT CASE WHEN true THEN " + CALL + " END",),
    "VALUES": ("VALUES (" + CALL + ")",),
    "local, of NULL": ("SELECT set_config('{n}', '{v}', NULL)",),
    "local, of a condition": ("SELECT set_config('{n}', '{v}', 1 = 0)",),
    "UNION": ("SELECT 'a' UNION ALL SELECT " + CALL,),
    "a subquery": ("SELECT (SELECT " + CALL + ")",),
    "ORDER BY": ("SELECT 1 FROM (SELECT 1) x ORDER BY " + CALL,),
    "COPY": ("COPY (SELECT " + CALL + ") TO STDOUT",),
    "FROM CURRENT of what was local": (
        *("BEGIN", "SET LOCAL {n} = '{v}'", "SET {n} FROM CURRENT", "COMMIT"),
    ),
    "FROM CURRENT in a text": ("SET {n} = '{v}'; SET {n} FROM CURRENT",),
    "FROM CURRENT with words between": (
        "SET {n} = '{v}'",
        "set session {n} from /* c */ current -- so",
    ),
    "FROM CURRENT in a transaction": (
        *("BEGIN", "SET {n} = '{v}'", "SET {n} FROM CURRENT ;", "COMMIT"),
    ),
    "a read-only transaction": ("BEGIN READ ONLY", "SELECT " + CALL, "COMMIT"),
}
NOT_SET: dict[str, tuple[str, ...]] = {
    "EXPLAIN": ("EXPLAIN SELECT " + CALL,),
    "a query that nobody asks": ("WITH x AS (SELECT " + CALL + ") SELECT 1",),
    "a view": (
        "CREATE VIEW public.made AS SELECT " + CALL + " AS a",
        "DROP VIEW public.made",
    ),
    "WITH NO DATA": (
        "CREATE TABLE public.made AS SELECT " + CALL + " AS a WITH NO DATA",
        "DROP TABLE public.made",
    ),
    "a cursor that nobody fetches": (
        *("BEGIN", "DECLARE c CURSOR FOR SELECT " + CALL, "COMMIT"),
    ),
    "a string": ("SELECT 'set_config(''{n}'', ''{v}'', false)'",),
    "no row": ("SELECT " + CALL + " WHERE false",),
    "no row to change": ("UPDATE public.t SET id = length(" + CALL + ") WHERE false",),
    "OR": ("SELECT true OR " + CALL + " IS NULL",),
    "an unknown name in a transaction": (
        "BEGIN",
        "SELECT CASE WHEN false THEN set_config('no.such', '{v}', false) END",
        *("SELECT 1", "COMMIT"),
    ),
    "a computed name in a transaction": (
        "BEGIN",
        "SELECT CASE WHEN false THEN set_config('no.such' || 'x', '{v}', false) END",
        *("SELECT 1", "COMMIT"),
    ),
    "local FROM CURRENT": (
        *("BEGIN", "SET LOCAL {n} = '{v}'", "SET LOCAL {n} FROM CURRENT", "COMMIT"),
    ),
    "FROM CURRENT that is undone": (
        *("BEGIN", "SET LOCAL {n} = '{v}'", "SET {n} FROM CURRENT", "ROLLBACK"),
    ),
    "EXECUTE that is undone": (
        *("BEGIN", "PREPARE p AS SELECT " + CALL, "EXECUTE p", "ROLLBACK"),
        "DEALLOCATE p",
    ),
    "DO that is undone": (
        *("BEGIN", "DO $$ BEGIN PERFORM " + CALL + "; END $$", "ROLLBACK"),
    ),
    "local by a condition": ("SELECT set_config('{n}', '{v}', 1 = 1)",),
    "a savepoint": (
        *("BEGIN", "SAVEPOINT a", "SELECT " + CALL, "ROLLBACK TO a", "COMMIT"),
    ),
}


@pytest.fixture
def connection(pg_connect) -> routedb.Connection:
    """A connection in autocommit mode."""
    return pg_connect()


@pytest.mark.parametrize("way", one_of(12, SET))
def test_what_is_set_is_set_on_every_node(connection, pg_rig: Rig, way):
    for name, ask, values in KINDS:
        for value in values:
            do(connection, SET[way], name, value)
            assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, value), name


@pytest.mark.parametrize("way", one_of(9, NOT_SET))
def test_what_is_not_set_stays_as_it_was(connection, pg_rig: Rig, way):
    for name, ask, (value, other) in KINDS:
        do(connection, ("SET {n} = '{v}'",), name, value)
        do(connection, NOT_SET[way], name, other)
        assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, value), name


def do(connection: Any, texts: tuple[str, ...], name: str, value: str) -> None:
    escaped = "E'" + "".join(f"\\x{ord(each):02x}" for each in name) + "'"
    for text in texts:
        sql = text.format(n=name, v=value, e=escaped)
        if sql.startswith("COPY"):
            connection.cursor().copy_expert(sql, io.StringIO())
        else:
            connection.cursor().execute(sql)
