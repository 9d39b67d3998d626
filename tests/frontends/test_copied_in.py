"""COPY … FROM STDIN into sharded and reference tables."""

from __future__ import annotations

import io
import random
from typing import Any

import psycopg2
import pytest

import routedb
from tests.frontends.merged_world import World

_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)
FORMATS = [
    "",
    "WITH (FORMAT csv)",
    "WITH (FORMAT csv, HEADER)",
    "WITH (FORMAT csv, HEADER match, DELIMITER ';', NULL 'none')",
    "(DELIMITER '|', NULL '')",
    "WITH CSV HEADER QUOTE '~' ESCAPE AS '^'",
    "DELIMITER AS ',' NULL AS 'n''o'",
]
COLUMNS = ["", "(id, owner, price, name, seen)", "(seen, name, owner, id)"]
_SIGNS = ["a", "é", ",", ";", '"', "\\", "\n", "\t", "|", "~", "^", " ", "'"]


def _file(world: World, rng: random.Random, columns: str, form: str) -> str:
    """Return rows of chance as PostgreSQL writes them."""
    cursor = world.one.cursor()
    cursor.execute("CREATE TEMP TABLE made (LIKE items) ON COMMIT DROP")
    for number in range(40):
        name = "".join(rng.choices(_SIGNS, k=rng.randint(0, 9)))
        cursor.execute(
            "INSERT INTO made VALUES (%s, %s, %s, %s, %s)",
            (
                100 + number,
                rng.randint(-3, 9),
                rng.choice([None, "1.50"]),
                rng.choice([None, name, "\\.", "none", "NULL"]),
                rng.choice([None, "2024-05-06"]),
            ),
        )
    file = io.StringIO()
    form = form.replace("HEADER match", "HEADER")
    listed = columns.strip("()") or "*"
    cursor.copy_expert(f"COPY (SELECT {listed} FROM made) TO STDOUT {form}", file)
    world.one.rollback()
    return file.getvalue()


def _copied(connection: Any, sql: str, file: Any) -> Any:
    cursor = connection.cursor()
    try:
        cursor.copy_expert(sql, file)
        told: Any = (cursor.rowcount, cursor.statusmessage)
        cursor.execute("SELECT * FROM items ORDER BY id, owner")
        return told, cursor.fetchall()
    except _REFUSALS:
        raise
    except psycopg2.Error as exc:
        return type(exc).__mro__[1].__name__
    finally:
        connection.rollback()


@pytest.mark.parametrize("form", FORMATS)
def test_lines_are_dealt_as_one_database_has_them(pg_world, monkeypatch, form):
    rng = random.Random(form)
    pg_world.routed.autocommit = False
    monkeypatch.setattr("routedb.merge.copied_in._PIECE", rng.randint(1, 99))
    monkeypatch.setattr("routedb.merge.copied_in.BLOCK", rng.choice([1, 300, 10_000]))
    for columns in COLUMNS:
        made = _file(pg_world, rng, columns, form)
        sql = f"COPY items {columns} FROM STDIN {form}"
        for text in (made, made.rstrip("\n"), made + "\\.\nno row\n"):
            got = _copied(pg_world.routed, sql, io.BytesIO(text.encode()))
            expected = _copied(pg_world.one, sql, io.StringIO(text))
            assert got == expected, (sql, text)
            assert len(got) == 2


WRONG = {
    "1000\t1\t\\N\t\\N\t\\N\n1001\t1\tx\t\\N\t\\N\n": 2,
    "1000\t1\t\\N\ttoo long a name\t\\N\n": 1,
    "1000\t0\t\\N\ta\\\nb\t\\N\n1001\t1\t1\t\\N\t\\N\n1002\t3\t1\n": 4,
    "1000\n": 1,
    "1\t1\t\\N\t\\N\t\\N\n": 1,
}


@pytest.mark.parametrize("text", WRONG)
def test_an_error_tells_the_line(pg_world, text):
    pg_world.routed.autocommit = False
    got = _copied(pg_world.routed, "COPY items FROM STDIN", io.StringIO(text))
    assert got == _copied(pg_world.one, "COPY items FROM STDIN", io.StringIO(text))
    with pytest.raises(psycopg2.Error) as told:
        pg_world.routed.cursor().copy_expert("COPY items FROM STDIN", io.StringIO(text))
    assert f"line {WRONG[text]} of the file" in str(vars(told.value)["__notes__"])
    pg_world.routed.rollback()


def test_all_or_nothing_in_autocommit(pg_world, monkeypatch):
    monkeypatch.setattr("routedb.merge.copied_in.BLOCK", 1)
    cursor = pg_world.routed.cursor()
    with pytest.raises(psycopg2.DataError):
        cursor.copy_expert(
            "COPY items (id, owner, price) FROM STDIN",
            io.StringIO("100\t1\t1\n101\t2\t1\n102\t3\tx\n"),
        )
    cursor.execute("SELECT count(*) FROM items")
    assert cursor.fetchone() == (12,)


def test_copy_from_and_reference_tables(pg_world):
    pg_world.routed.autocommit = False
    for table, columns, text in (
        ("items", ("owner", "id"), "1;100\n2;101\n"),
        ("places", None, "7;x\\;y\n8;-\n"),
    ):
        found = []
        for connection in pg_world:
            cursor = connection.cursor()
            cursor.copy_from(
                io.StringIO(text), table, sep=";", null="-", columns=columns
            )
            told = cursor.rowcount
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")
            found.append((told, cursor.fetchall()))
            connection.rollback()
        assert found[0] == found[1]


def test_where_triggers_look_each_shard_has_one_statement(pg_world, monkeypatch):
    monkeypatch.setattr("routedb.merge.copied_in.BLOCK", 1)
    pg_world.routed.autocommit = False
    cursor = pg_world.routed.cursor()
    for shard in (0, 1):
        cursor.execute(
            f"/* routedb: shard={shard} */ CREATE FUNCTION pg_temp.seen() RETURNS "
            "trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE items SET name = "
            "(SELECT count(*) FROM items) WHERE id = 100; RETURN NULL; END $$"
        )
        cursor.execute(
            f"/* routedb: shard={shard} */ CREATE TRIGGER seen AFTER INSERT ON items "
            "FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.seen()"
        )
    cursor.copy_expert(
        "COPY items (id, owner) FROM STDIN", io.StringIO("100\t1\n101\t1\n102\t1\n")
    )
    cursor.execute("SELECT name FROM items WHERE id = 100 AND owner = 1")
    (name,) = cursor.fetchone()
    cursor.execute("SELECT count(*) FROM items WHERE owner IN (1, 3)")
    assert int(name) == cursor.fetchone()[0]
    pg_world.routed.rollback()


REFUSED = {
    ("COPY items FROM STDIN WITH (FORMAT binary)", ""): "binary",
    ("COPY items (id) FROM STDIN", "1\n"): "no value for the shard key",
    ("COPY items (id, owner) FROM STDIN", "1\t1\n2\t\\N\n"): "line 2 .*NULL",
    ("COPY items (id, owner) FROM STDIN", "1\t1.0\n"): "line 1 .*no plain integer",
    ("COPY items (id, owner) FROM STDIN", "1\t1\r\n2\t1\n"): "another end",
    ("COPY items FROM STDIN (ENCODING 'latin1')", ""): "latin1",
    ("COPY items FROM STDIN (FREEZE)", ""): "FREEZE",
    ("COPY items FROM '/tmp/file'", ""): "COPY",
}


@pytest.mark.parametrize(("sql", "text"), REFUSED)
def test_what_is_refused(pg_world, sql, text):
    pg_world.routed.autocommit = False
    with pytest.raises(routedb.Error, match=REFUSED[sql, text]):
        pg_world.routed.cursor().copy_expert(sql, io.StringIO(text))
    pg_world.routed.rollback()
