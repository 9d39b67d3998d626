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
# What is set where it is set alone: a name that is put together is listed by no catalog
# where it is the user's own, and a cursor WITH HOLD sets when COMMIT reads it out. So
# the session reads there. {a} and {z} are the name in two parts, {r} is it in reverse.
SET_THERE: dict[str, tuple[str, ...]] = {
    "a name put together": ("SELECT set_config('{a}' || '{z}', '{v}', false)",),
    "a name by format": (
        "SELECT set_config(format('%s%s', '{a}', '{z}'), '{v}', false)",
    ),
    "a name by reverse": ("SELECT set_config(reverse('{r}'), '{v}', false)",),
    "a name by replace": (
        "SELECT set_config(replace('{a}-{z}', '-', ''), '{v}', false)",
    ),
    "a name of rows": (
        "SELECT set_config(string_agg(x, '' ORDER BY n), '{v}', false) "
        "FROM (VALUES (1, '{a}'), (2, '{z}')) s (n, x)",
    ),
    "a name of a subquery": (
        "SELECT set_config((SELECT '{a}' || '{z}'), '{v}', false)",
    ),
    "a name put together in DO": (
        "DO $$ BEGIN PERFORM set_config('{a}' || '{z}', '{v}', false); END $$",
    ),
    "a name put together for EXECUTE in DO": (
        "DO $$ BEGIN EXECUTE $a$SET {a}$a$ || $a${z} = '{v}'$a$; END $$",
    ),
    "a name put together for EXECUTE": (
        "PREPARE p AS SELECT set_config('{a}' || '{z}', '{v}', false)",
        *("EXECUTE p", "DEALLOCATE p"),
    ),
    "EXECUTE with a name put together": (
        "PREPARE p (text, text) AS SELECT set_config($1, $2, false)",
        *("EXECUTE p('{a}' || '{z}', '{v}')", "DEALLOCATE p"),
    ),
    "a name put together in a write": (
        "INSERT INTO public.t SELECT 1 WHERE set_config('{a}' || '{z}', '{v}', false) "
        "= 'no'",
    ),
    "a name of a column": (
        "SELECT set_config(n, '{v}', false) FROM (VALUES ('{a}' || '{z}')) s (n)",
    ),
    "a name put together in a transaction": (
        *("BEGIN", "SELECT set_config('{a}' || '{z}', '{v}', false)", "COMMIT"),
    ),
    "a name put together, and FETCH": (
        *(
            "BEGIN",
            "DECLARE c CURSOR FOR SELECT set_config('{a}' || '{z}', '{v}', false)",
        ),
        *("FETCH c", "COMMIT"),
    ),
    "a name put together WITH HOLD": (
        "DECLARE c CURSOR WITH HOLD FOR "
        "SELECT set_config('{a}' || '{z}', '{v}', false)",
        "CLOSE c",
    ),
    "a cursor with hold, made at COMMIT": (
        *("BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT " + CALL),
        *("COMMIT", "CLOSE c"),
    ),
    "a cursor with hold, made at END": (
        *("BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT " + CALL),
        *("END", "CLOSE c"),
    ),
    "a cursor with hold in a text": (
        "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT " + CALL + "; COMMIT; CLOSE c",
    ),
    "a cursor with hold, and a chain": (
        *("BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT " + CALL),
        *("COMMIT AND CHAIN", "COMMIT", "CLOSE c"),
    ),
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
    "a name put together that is undone": (
        *("BEGIN", "SELECT set_config('{a}' || '{z}', '{v}', false)", "ROLLBACK"),
    ),
    "a name put together in what is only prepared": (
        "PREPARE p AS SELECT set_config('{a}' || '{z}', '{v}', false)",
        "DEALLOCATE p",
    ),
    "a cursor with hold that is undone": (
        *("BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT " + CALL, "ROLLBACK"),
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


@pytest.mark.parametrize("way", one_of(9, SET_THERE))
def test_what_is_set_there_alone_is_read_there(connection, pg_rig: Rig, way):
    for name, ask, values in KINDS:
        for value in values:
            do(connection, SET_THERE[way], name, value)
            for role in (None, "replica"):
                with connection.using(role=role, consistency="eventual"):
                    cursor = connection.cursor()
                    cursor.execute(ask)
                assert cursor.fetchall() == [(value,)], (name, role)
    assert "setting of an unknown name on writer" in map(str, connection.pins)


def test_a_name_in_a_computed_call_that_does_not_run(connection, pg_rig: Rig):
    do(connection, ("SET {n} = '{v}'",), "my.own", "a")
    texts = (
        "BEGIN",
        "SELECT CASE WHEN false THEN set_config('no.such' || 'x', 'b', false) END",
        *("SELECT 1", "COMMIT"),
    )
    do(connection, texts, "", "")
    cursor = connection.cursor()
    cursor.execute("SHOW my.own")
    assert cursor.fetchall() == [("a",)]


def test_after_reset_all_any_node_answers_again(connection, pg_rig: Rig):
    do(connection, SET_THERE["a name put together"], "my.own", "a")
    do(connection, ("RESET ALL",), "", "")
    assert connection.pins == ()
    ask = "SELECT current_setting('my.own', true)"
    assert set(everywhere(connection, pg_rig, ask).values()) <= {None, ""}


@pytest.mark.parametrize("way", one_of(9, NOT_SET))
def test_what_is_not_set_stays_as_it_was(connection, pg_rig: Rig, way):
    for name, ask, (value, other) in KINDS:
        do(connection, ("SET {n} = '{v}'",), name, value)
        do(connection, NOT_SET[way], name, other)
        assert everywhere(connection, pg_rig, ask) == on_all(pg_rig, value), name


def do(connection: Any, texts: tuple[str, ...], name: str, value: str) -> None:
    escaped = "E'" + "".join(f"\\x{ord(each):02x}" for each in name) + "'"
    for text in texts:
        half = len(name) // 2 + 1
        parts = {"a": name[:half], "z": name[half:], "r": name[::-1]}
        sql = text.format(n=name, v=value, e=escaped, **parts)
        if sql.startswith("COPY"):
            connection.cursor().copy_expert(sql, io.StringIO())
        else:
            connection.cursor().execute(sql)
