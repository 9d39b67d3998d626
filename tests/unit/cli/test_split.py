"""Scripts are cut where a statement ends, and nowhere else."""

from __future__ import annotations

import pytest

from routedb.sql import classify, split

SCRIPTS = [
    ("sqlite", []),
    ("sqlite", ["SELECT 1"]),
    ("sqlite", ["SELECT 1", "SELECT 2"]),
    ("sqlite", ["SELECT ';', \"a;b\", [c;d], `e;f`", "SELECT 2"]),
    ("sqlite", ["SELECT 1 -- one; two\n", "SELECT 2"]),
    ("sqlite", ["/* routedb: role=writer */ SELECT 1", "-- two;\nSELECT 2"]),
    ("sqlite", ["BEGIN", "INSERT INTO t VALUES (1)", "END", "SELECT 1"]),
    ("sqlite", ["SELECT CASE WHEN 1 THEN 2 END", "SELECT 2"]),
    (
        "sqlite",
        [
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET n = CASE WHEN 1 "
            "THEN 2 ELSE 3 END; DELETE FROM c; END",
            "SELECT 1",
        ],
    ),
    (
        "mysql",
        [
            "CREATE DEFINER=`root`@`localhost` PROCEDURE p() BEGIN IF 1 THEN SELECT 1; "
            "END IF; WHILE 0 DO SELECT 2; END WHILE; CASE 1 WHEN 1 THEN SELECT 1; "
            "END CASE; END",
            "SELECT 1",
        ],
    ),
    ("mysql", ["SELECT '\\';', \"a;b\"", "SELECT 2 # a;b\n"]),
    ("mysql", ["/*!40101 SET NAMES utf8 */", "SELECT 1"]),
    ("postgresql", ["SELECT $$a;b$$, $x$;$$;$x$", "SELECT E'\\';'"]),
    ("postgresql", ["/* a /* ; */ ; */ SELECT 1", "SELECT 2"]),
    ("postgresql", ["CREATE RULE r AS ON INSERT TO t DO (NOTIFY a; NOTIFY b)"]),
    (
        "postgresql",
        [
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
            "SELECT 1",
        ],
    ),
]


@pytest.mark.parametrize(("dialect", "statements"), SCRIPTS)
def test_a_script_is_cut_between_its_statements(dialect, statements):
    expected = [statement.strip() for statement in statements]
    assert split(";\n".join(statements), dialect) == expected
    assert split("".join(f"{s};" for s in statements), dialect) == expected


@pytest.mark.parametrize("script", ["", " \n", ";;", "-- nothing\n;", "/* ; */"])
def test_there_is_no_statement_in_comments_and_space(script):
    assert split(script, "postgresql") == []


def test_an_open_quote_takes_the_rest():
    assert split("SELECT 1; SELECT 'a; SELECT 2", "sqlite") == [
        "SELECT 1",
        "SELECT 'a; SELECT 2",
    ]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("BEGIN NOT DEFERRABLE; SELECT 1", ["BEGIN NOT DEFERRABLE", "SELECT 1"]),
        (
            "BEGIN NOT ATOMIC SELECT 1; SELECT 2; END; SELECT 3",
            ["BEGIN NOT ATOMIC SELECT 1; SELECT 2; END", "SELECT 3"],
        ),
    ],
)
def test_a_block_of_mariadb_is_one_statement(script, expected):
    assert split(script, "mysql") == expected
    assert classify(script, "mysql").parts == len(expected)
