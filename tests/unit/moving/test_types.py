"""The type table, both ways."""

import pytest

from routedb.moving.defaults import default_text
from routedb.moving.definitions import Column
from routedb.moving.types import Kind, Mapped, kind_of, mapped

TO_POSTGRESQL = [
    ("tinyint(1)", "smallint", Kind.INTEGER),
    ("tinyint(3) unsigned", "smallint", Kind.INTEGER),
    ("smallint(6)", "smallint", Kind.INTEGER),
    ("smallint(5) unsigned", "integer", Kind.INTEGER),
    ("mediumint(9)", "integer", Kind.INTEGER),
    ("int(11)", "integer", Kind.INTEGER),
    ("int(10) unsigned zerofill", "bigint", Kind.INTEGER),
    ("bigint(20)", "bigint", Kind.INTEGER),
    ("bigint(20) unsigned", "numeric(20)", Kind.INTEGER),
    ("year(4)", "smallint", Kind.INTEGER),
    ("decimal(10,2)", "numeric(10,2)", Kind.DECIMAL),
    ("float", "real", Kind.FLOAT),
    ("double", "double precision", Kind.DOUBLE),
    ("char(3)", "char(3)", Kind.CHAR),
    ("varchar(20)", "varchar(20)", Kind.TEXT),
    ("mediumtext", "text", Kind.TEXT),
    ("varbinary(16)", "bytea", Kind.BYTES),
    ("longblob", "bytea", Kind.BYTES),
    ("date", "date", Kind.DATE),
    ("datetime", "timestamp(0)", Kind.STAMP),
    ("datetime(6)", "timestamp(6)", Kind.STAMP),
    ("timestamp(3)", "timestamp(3) with time zone", Kind.INSTANT),
    ("time(6)", "interval", Kind.SPAN),
    ("bit(3)", "bit(3)", Kind.BITS),
    ("uuid", "uuid", Kind.UUID),
    ("inet6", "inet", Kind.INET),
]
TO_MARIADB = [
    ("smallint", "smallint", Kind.INTEGER),
    ("integer", "int", Kind.INTEGER),
    ("bigint", "bigint", Kind.INTEGER),
    ("numeric(10,2)", "decimal(10,2)", Kind.DECIMAL),
    ("real", "float", Kind.FLOAT),
    ("double precision", "double", Kind.DOUBLE),
    ("boolean", "tinyint(1)", Kind.BOOL),
    ("bytea", "longblob", Kind.BYTES),
    ("date", "date", Kind.DATE),
    ("timestamp without time zone", "datetime(6)", Kind.STAMP),
    ("timestamp(3) without time zone", "datetime(3)", Kind.STAMP),
    ("timestamp with time zone", "timestamp(6)", Kind.INSTANT),
    ("time without time zone", "time(6)", Kind.CLOCK),
    ("uuid", "uuid", Kind.UUID),
    ("jsonb", "json", Kind.JSON),
    ("bit(5)", "bit(5)", Kind.BITS),
]


@pytest.mark.parametrize(("was", "becomes", "kind"), TO_POSTGRESQL)
def test_what_a_type_of_mariadb_becomes(was, becomes, kind):
    to = mapped(Column("c", was), "mysql", "postgresql")
    assert isinstance(to, Mapped)
    assert (to.type, to.kind) == (becomes, kind)
    assert kind_of(Column("c", was), "mysql") in (kind, Kind.SAME)


@pytest.mark.parametrize(("was", "becomes", "kind"), TO_MARIADB)
def test_what_a_type_of_postgresql_becomes(was, becomes, kind):
    to = mapped(Column("c", was), "postgresql", "mysql")
    assert isinstance(to, Mapped)
    assert (to.type, to.kind) == (becomes, kind)
    assert kind_of(Column("c", was), "postgresql") in (kind, Kind.SAME)


def test_labels_become_a_condition():
    column = Column("c", "enum('a','it''s')", labels=("a", "it's"))
    to = mapped(column, "mysql", "postgresql")
    assert to == Mapped("text", Kind.TEXT, "{} IN ('a', 'it''s')")
    column = Column("c", "set('a','b')", labels=("a", "b"))
    to = mapped(column, "mysql", "postgresql")
    assert isinstance(to, Mapped)
    assert to.check == "string_to_array({}, ',') <@ ARRAY['a', 'b']::text[]"


@pytest.mark.parametrize(
    ("was", "said"),
    [
        ("integer[]", "MariaDB has no type for integer[]"),
        ("interval", "MariaDB has no type for interval"),
        ("tsvector", "MariaDB has no type for tsvector"),
        ("timestamptz[]", "MariaDB has no type for timestamptz[]"),
        ("numeric", "numeric without a precision holds more digits than MariaDB's"),
        ("numeric(70,2)", "numeric(70,2) holds more digits than MariaDB's decimal"),
        ("time with time zone", "MariaDB has no type for time with time zone"),
        ("bit varying(5)", "MariaDB has no type for bit varying(5)"),
    ],
)
def test_what_mariadb_cannot_hold_is_refused(was, said):
    to = mapped(Column("c", was), "postgresql", "mysql")
    assert isinstance(to, str)
    assert to.startswith(said)


def test_what_postgresql_cannot_hold_is_refused():
    to = mapped(Column("c", "geometry"), "mysql", "postgresql")
    assert to == "PostgreSQL has no type for geometry"


def test_a_column_without_case_is_told_of():
    column = Column("c", "varchar(3)", collation="utf8mb4_general_ci")
    to = mapped(column, "mysql", "postgresql")
    assert isinstance(to, Mapped)
    assert "compares without case at the source (utf8mb4_general_ci)" in to.note


@pytest.mark.parametrize(
    ("type_text", "default", "source", "target", "becomes"),
    [
        ("int(11)", "5", "mysql", "postgresql", "5"),
        ("int(11)", "NULL", "mysql", "postgresql", ""),
        ("varchar(9)", "'it''s'", "mysql", "postgresql", "'it''s'"),
        ("varchar(9)", r"'a\\b'", "mysql", "postgresql", r"'a\b'"),
        ("bit(3)", "b'101'", "mysql", "postgresql", "b'101'"),
        ("bit(3)", "b'1'", "mysql", "postgresql", "b'001'"),
        (
            *("datetime(6)", "current_timestamp(6)", "mysql"),
            *("postgresql", "CURRENT_TIMESTAMP"),
        ),
        ("uuid", "uuid()", "mysql", "postgresql", "gen_random_uuid()"),
        ("text", "(1 + 2)", "mysql", "postgresql", None),
        ("text", "'a'::text", "postgresql", "mysql", "'a'"),
        ("integer", "'-5'::integer", "postgresql", "mysql", "'-5'"),
        ("boolean", "true", "postgresql", "mysql", "1"),
        ("text", r"'a\b'::text", "postgresql", "mysql", r"'a\\b'"),
        (
            *("timestamp with time zone", "now()", "postgresql"),
            *("mysql", "CURRENT_TIMESTAMP(6)"),
        ),
        ("integer", "f(1)", "postgresql", "mysql", None),
        ("integer", "f(1)", "postgresql", "postgresql", "f(1)"),
    ],
)
def test_defaults(type_text, default, source, target, becomes):
    column = Column("c", type_text, default=default)
    assert default_text(column, source, target) == becomes
