"""Definitions of the user's own: which statement runs when, and what holds what."""

import pytest

from routedb import errors
from routedb.moving.definitions import Column, ForeignKey, Index, Table
from routedb.moving.holding import Held, held
from routedb.moving.own_table import against, foreign_keys_against, too_early
from routedb.moving.script import script_of
from routedb.moving.types import Kind

PARTS = [
    ("postgresql", "CREATE TABLE t (a text DEFAULT 'UNIQUE; KEY')", "tables"),
    ("postgresql", "ALTER TABLE ONLY t ADD CONSTRAINT k PRIMARY KEY (a)", "tables"),
    ("postgresql", "COMMENT ON TABLE t IS 'FOREIGN KEY'", "tables"),
    ("postgresql", "CREATE SEQUENCE s", "tables"),
    ("postgresql", "create unique index i on t (a)", "indexes"),
    ("postgresql", "ALTER TABLE t\n  ADD UNIQUE (a)", "indexes"),
    ("mysql", "ALTER TABLE t ADD KEY (a)", "indexes"),
    ("postgresql", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p", "foreign_keys"),
    ("mysql", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (a)", "tables"),
]


@pytest.mark.parametrize(("engine", "text", "part"), PARTS)
def test_when_a_statement_is_run(engine, text, part):
    script = script_of(f"SET x = 1; -- a comment\n{text};", engine)
    (found,) = getattr(script, part)
    assert found.endswith(text)
    assert script.statements == (found,)


@pytest.mark.parametrize(
    "text",
    [
        *("DROP TABLE t", "INSERT INTO t VALUES (1)", "CREATE TRIGGER x", "SELECT 1"),
        *("CREATE TABLE t AS SELECT 1", "CREATE TABLE t (a int) SELECT 1"),
    ],
)
def test_what_defines_no_table_is_refused(text):
    with pytest.raises(errors.ConfigError, match="the definitions may have"):
        script_of(text, "mysql")


_UTF8 = "utf8mb4_nopad_bin"
_ZONED = "timestamp with time zone"
HELD = [
    # source, its type, target, the type there, kind, what the target refuses
    ("mysql", "int(11)", "postgresql", "bigint", Kind.INTEGER, ""),
    ("mysql", "int(11)", "postgresql", "numeric(10,0)", Kind.INTEGER, ""),
    ("mysql", "bigint(20)", "mysql", "int(11)", Kind.INTEGER, "NOT BETWEEN -21474"),
    ("mysql", "tinyint(1)", "postgresql", "boolean", Kind.BOOL, "NOT IN (0, 1)"),
    ("postgresql", "boolean", "mysql", "tinyint(1)", Kind.BOOL, ""),
    ("mysql", "decimal(9,2)", "postgresql", "numeric(12,2)", Kind.DECIMAL, ""),
    ("mysql", "decimal(9,2)", "postgresql", "numeric", Kind.DECIMAL, ""),
    ("mysql", "decimal(9,2)", "postgresql", "numeric(4,2)", Kind.DECIMAL, ">= 1e2"),
    ("mysql", "varchar(20)", "postgresql", "text", Kind.TEXT, ""),
    ("postgresql", "character varying(9)", "mysql", "varchar(20)", Kind.TEXT, ""),
    ("mysql", "datetime(6)", "postgresql", _ZONED, Kind.INSTANT, ""),
    ("postgresql", _ZONED, "mysql", "datetime(6)", Kind.INSTANT, ""),
    ("postgresql", "timestamp without time zone", "mysql", "timestamp(6)", Kind.INSTANT,
     "'1970-01-01 00:00:01' AND"),
    ("mysql", "time(6)", "postgresql", "time without time zone", Kind.CLOCK,
     "NOT BETWEEN '00:00:00'"),
    ("mysql", "varbinary(9)", "mysql", "blob", Kind.BYTES, ""),
    ("postgresql", "jsonb", "postgresql", "json", Kind.JSON, ""),
    ("mysql", "uuid", "postgresql", "uuid", Kind.UUID, ""),
]  # fmt: skip


def column(engine, type_text, **more):
    is_text = engine == "mysql" and "char" in type_text
    return Column("c", type_text, **{"collation": _UTF8 if is_text else None, **more})


@pytest.mark.parametrize(("source", "was", "target", "becomes", "kind", "beyond"), HELD)
def test_what_holds_a_value(source, was, target, becomes, kind, beyond):
    found = held(column(source, was), source, column(target, becomes), target)
    assert isinstance(found, Held)
    assert found.kind is kind
    assert beyond in found.beyond
    assert bool(beyond) == bool(found.beyond)


NOT_HELD = [
    ("mysql", "decimal(9,2)", "postgresql", "numeric(9,1)", "would round"),
    ("postgresql", "numeric", "postgresql", "numeric(9,1)", "would round"),
    (
        "mysql",
        "datetime(6)",
        "postgresql",
        "timestamp(3) with time zone",
        "would round",
    ),
    ("mysql", "varchar(20)", "postgresql", "character varying(10)", "does not hold"),
    ("mysql", "text", "mysql", "varchar(9)", "does not hold"),
    ("postgresql", "text", "mysql", "text", "does not hold"),
    ("mysql", "int(11)", "postgresql", "boolean", "only tinyint(1)"),
    ("mysql", "int(11)", "postgresql", "text", "does not hold"),
    ("mysql", "double", "postgresql", "real", "does not hold"),
    ("mysql", "varchar(9)", "postgresql", "character(9)", "does not hold"),
    ("postgresql", "bytea", "mysql", "blob", "does not hold"),
    ("mysql", "varbinary(4)", "mysql", "binary(4)", "fills values up"),
    ("mysql", "bit(3)", "postgresql", "bit(4)", "another size"),
    ("mysql", "int(11)", "mysql", "year(4)", "does not hold"),
    ("postgresql", "integer[]", "postgresql", "text", "does not hold"),
]


@pytest.mark.parametrize(("source", "was", "target", "becomes", "said"), NOT_HELD)
def test_what_does_not_hold_a_value(source, was, target, becomes, said):
    own = column(target, becomes, collation=_UTF8 if target == "mysql" else None)
    found = held(column(source, was), source, own, target)
    assert isinstance(found, str)
    assert said in found


def test_another_character_set_does_not_hold_a_text():
    own = column("mysql", "longtext", collation="latin1_swedish_ci")
    said = held(column("postgresql", "text"), "postgresql", own, "mysql")
    assert said == "its character set is not utf8mb4 (latin1_swedish_ci)"


ID = Column("id", "integer", is_nullable=False)
MY_ID = Column("id", "int(11)", is_nullable=False)


def tables(mine=(), theirs=(), engine="postgresql", **more):
    source = Table("t", "mysql", columns=(MY_ID, *mine), key=("id",))
    first = ID if engine == "postgresql" else MY_ID
    own = Table("t", engine, **{"columns": (first, *theirs), "key": ("id",), **more})
    return source, own


AGAINST = [
    ({"key": ()}, "the primary key is none at the target, not id"),
    ({"mine": [Column("v", "int(11)")]}, "v: is not there"),
    (
        {"theirs": [Column("v", "integer", is_nullable=False)]},
        "v: is not at the source, and has no DEFAULT",
    ),
    (
        {
            "mine": [Column("v", "int", generated="1")],
            "theirs": [Column("v", "integer")],
        },
        "v: is generated at the source: let it be so",
    ),
    (
        {
            "mine": [Column("v", "int")],
            "theirs": [Column("v", "integer", generated="1")],
        },
        "v: is generated there, and is not at the source",
    ),
    ({"oddities": ("it is unlogged",)}, "the target's own it is unlogged"),
    (
        {
            "engine": "mysql",
            "mine": [Column("v", "varchar(9)", collation="utf8mb4_bin")],
            "theirs": [Column("v", "varchar(9)", collation="utf8mb4_general_ci")],
            "indexes": (Index("i", ("v",), is_unique=True),),
        },
        "v: in a key of the target, which compares it by utf8mb4_general_ci: two rows "
        "of the source may be one there",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("more", "said"), AGAINST)
def test_what_stands_against_a_table(more, said):
    assert against(*tables(**more)) == [said]


def test_a_table_with_more_columns_that_fill_themselves_is_taken():
    more = [Column("a", "integer"), Column("b", "text", False, "''")]
    assert against(*tables(theirs=more)) == []


def test_what_is_there_too_early():
    key = ForeignKey("f", "t", ("id",), "p", ("id",))
    _, own = tables(indexes=(Index("u", ("id",), True),), foreign_keys=(key,))
    said = too_early(own)
    assert [each.split(" is there")[0] for each in said] == [
        "its unique index u",
        "its foreign key f",
    ]


def test_a_foreign_key_that_the_source_has_not_or_that_acts():
    plain = ForeignKey("f", "t", ("id",), "p", ("id",))
    acting = ForeignKey("f", "t", ("id",), "p", ("id",), on_delete="CASCADE")
    source, own = tables(foreign_keys=(plain,))
    said = "its foreign key f is not at the source"
    assert foreign_keys_against(source, own) == [said]
    source = Table("t", "mysql", foreign_keys=(plain,))
    assert foreign_keys_against(source, own) == []
    _, own = tables(foreign_keys=(acting,))
    (said,) = foreign_keys_against(source, own)
    assert said.startswith("its foreign key f acts ON DELETE or ON UPDATE")
