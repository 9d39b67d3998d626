"""Which characters a name is made of, how long it may be, and what U&"…" means."""

from __future__ import annotations

import pytest

from routedb.sql import Table, classify

from .seen import seen


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM €, b", "plain read: €, b"),
        ("SELECT * FROM s.€, a€1, €2 x", "plain read: s.€, a€1, €2"),
        ("SELECT * FROM 😀 JOIN 👍🏽 ON 1 = 1, b", "plain read: 😀, 👍🏽, b"),
        ("SELECT €(1), a€(2), €1(3) FROM b", "read: b; asks €, a€, €1"),
        ("SELECT x FROM ´x´, «y», b", "plain read: ´x´, «y», b"),
        ("SELECT 1 FROM a\u00a0b, c", "plain read: a\u00a0b, c"),
        ("SELECT 1 FROM\u3000a", "plain read"),
        ("SELECT x FROM unıon, b", "plain read: unıon, b"),
        ("SELECT x FROM a ſelect, b", "plain read: a, b"),
        ("SELECT x FROM ñandú, Ñ, ß", "plain read: ñandú, Ñ, ß"),
        ("INSERT INTO € (a€, €) SELECT €.x FROM € AS €", "write: +€"),
        ("UPDATE €x SET €y = €z.€ FROM €z", "write: +€x, €z"),
        ("DELETE FROM €", "write: +€"),
        ("WITH € AS (SELECT * FROM a€) SELECT * FROM €", "plain read: a€"),
        ("DROP TABLE €, 表", None),
        ("CREATE TABLE ☃ (☃ int)", None),
        ("SELECT '€' AS €, 1€ FROM a", "plain read: a"),
    ],
)
def test_every_character_beyond_ascii_may_be_in_a_name(sql, dialect, expected):
    if expected is None:
        expected = {"DROP": "ddl: +€, +表", "CREATE": "ddl: +☃"}[sql.split()[0]]
        expected += "; tx commit" * (dialect == "mysql")
    assert seen(sql, dialect) == expected


def test_a_number_in_a_name_is_no_literal():
    one, other = classify("SELECT * FROM €1"), classify("SELECT * FROM €2")
    assert (one.tables, other.tables) == ((Table(None, "€1"),), (Table(None, "€2"),))


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ('SELECT * FROM U&"d\\0061t\\+000061"', ["data"]),
        ("SELECT * FROM u&\"d!0061ta\" UESCAPE '!'", ["data"]),
        ("SELECT * FROM U&\"d!0061ta\"  uescape\n'!' x, b WHERE y = 5", ["data", "b"]),
        ("SELECT * FROM U&\"d!!a\" UESCAPE '!', c", ["d!a", "c"]),
        ("SELECT * FROM U&\"d\\0061\" UESCAPE '!'", ["d\\0061"]),
        ("SELECT * FROM U&\"$D83D$DE00\" UESCAPE '$'", ["😀"]),
        ('SELECT * FROM U&"\\D83D\\DE00"', ["😀"]),
        (
            'SELECT * FROM U&"a""b" UESCAPE \'.\', U&"c.0064" UESCAPE \'.\'',
            ['a"b', "cd"],
        ),
        ("SELECT * FROM s.U&\"d*0061ta\" UESCAPE '*'", ["s.data"]),
        ("DELETE FROM U&\"d!0061ta\" UESCAPE '!' WHERE x = '!'", ["data"]),
        ("SELECT U&'d!0061ta' UESCAPE '!' FROM a", ["a"]),
        ("SELECT x FROM a WHERE U&\"y!0061\" UESCAPE '!' = 1", ["a"]),
    ],
)
def test_a_name_of_code_points_is_the_name(sql, names):
    assert [str(table) for table in classify(sql).tables] == names


LONG = "n" * 70
CUT = "n" * 63


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        (f"SELECT * FROM {LONG}", [CUT]),
        (f'SELECT * FROM "{LONG.upper()}"', [CUT.upper()]),
        (f"SELECT * FROM {LONG.upper()}.{LONG}", [f"{CUT}.{CUT}"]),
        (f"WITH {LONG} AS (SELECT 1) SELECT * FROM {LONG}x, b", ["b"]),
        (f"SELECT * FROM {'é' * 40}", ["é" * 31]),
        (f"SELECT * FROM a{'é' * 40}", ["a" + "é" * 31]),
        (f"SELECT * FROM {'€' * 22}", ["€" * 21]),
        (f'SELECT * FROM "{"😀" * 16}"', ["😀" * 15]),
        (f"UPDATE {CUT} SET x = 1", [CUT]),
        (f"DROP TABLE {LONG}, b", [CUT, "b"]),
        (f"CREATE TEMP TABLE {LONG} (x int)", [CUT]),
        (f'SELECT * FROM U&"{LONG}"', [CUT]),
    ],
)
def test_postgresql_keeps_63_bytes_of_a_name(sql, names):
    assert [str(table) for table in classify(sql).tables] == names
    assert all(held.name in names for held in classify(sql).holds)


@pytest.mark.parametrize("dialect", ["mysql", "sqlite"])
def test_other_servers_cut_no_name(dialect):
    assert classify(f"SELECT * FROM {LONG}", dialect).tables == (Table(None, LONG),)
