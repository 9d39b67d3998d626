"""Tables with every type of an engine, with values at the edges: the same after the
copy, after the stream and after the stream back, by an oracle that is not the verifier:
the servers' own comparison of what each made of the same literals."""

from __future__ import annotations

import struct
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from routedb import move
from tests.live.moving.conftest import open_world
from tests.live.moving.world import World
from tests.support.later import later

# Type at the source, literals there.
MARIADB = {
    "tinyint": ["-128", "127", "0"],
    "tinyint unsigned": ["0", "255"],
    "smallint unsigned": ["65535"],
    "mediumint": ["-8388608", "8388607"],
    "int": ["-2147483648", "2147483647"],
    "int(10) unsigned zerofill": ["42", "4294967295"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "bigint unsigned": ["18446744073709551615"],
    "decimal(20,6)": ["-12345678901234.567890", "0.000001", "0"],
    "float": ["0.1", "-3.4e38", "1.17549e-38", "16777217"],
    "double": ["0.1", "1.7976931348623157e308", "-2.2250738585072014e-308", "1e15"],
    "char(5)": ["'a  '", "'äöü'", "''"],
    "varchar(40)": [
        *("'a\\tb\\nc\\rd'", "'\\\\N'", "'it''s'", "' x '", "''", "'\\\\'"),
        *("'𝄞 \\b\\Z'", "'\\\\x41'", r"'a\\tb'"),
    ],
    "text": ["REPEAT('x\\t', 3000)", "'NULL'"],
    "binary(4)": ["X'00ff'", "X'5c0a0d09'"],
    "varbinary(20)": ["X''", "X'00010203ff5c'", "'\\\\'"],
    "blob": ["REPEAT(X'00ff', 2000)"],
    "date": ["'1000-01-01'", "'9999-12-31'"],
    "datetime(6)": ["'1000-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"],
    "datetime": ["'2024-02-29 12:00:00'"],
    "timestamp(6) NULL": ["'1970-01-02 00:00:00.5'", "'2037-12-31 23:59:59.999999'"],
    "time(6)": [
        "'-838:59:58.999999'",
        "'838:59:59'",
        "'00:00:00.000001'",
        "'-00:00:01'",
    ],
    "year": ["1901", "2155"],
    "bit(5)": ["b'10101'", "0"],
    "bit(64)": ["18446744073709551615", "1"],
    "enum('a','it''s','c d')": ["'it''s'", "'c d'"],
    "set('x','y','z')": ["'x,z'", "''"],
    "json": ['\'{"a": [1, 2.50, "\\\\u00e4\\\\n"]}\'', "'null'"],
    "uuid": ["'123e4567-e89b-12d3-a456-426655440000'"],
    "inet6": ["'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'"],
}
POSTGRESQL = {
    "smallint": ["-32768", "32767"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "numeric(30,10)": ["-12345678901234567890.0123456789", "0"],
    "real": ["0.1", "-3.4028235e38", "1.1754944e-38"],
    "double precision": ["0.1", "1.7976931348623157e308", "5e-324", "1e15"],
    "boolean": ["true", "false"],
    "character(5)": ["'a'", "'äöü'", "''"],
    "varchar(40)": [
        *(r"E'a\tb\nc\rd\b\f\x0b'", r"'\N'", "'it''s'", "' x '", "''", r"'\'"),
        *("'𝄞'", r"'\x41'"),
    ],
    "text": ["repeat('x\t', 3000)", "'NULL'"],
    "bytea": [r"'\x'", r"'\x00ff5c0a0d09'", r"decode(repeat('00ff', 2000), 'hex')"],
    "date": ["'1000-01-01'", "'9999-12-31'"],
    "timestamp": ["'1000-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"],
    "timestamptz": ["'1970-01-02 00:00:00.5+00'", "'2037-12-31 23:59:59.999999+00'"],
    "time": ["'00:00:00.000001'", "'23:59:59.999999'"],
    "bit(5)": ["B'10101'", "B'00000'"],
    "json": ['\'{"a": [1, 2.50,   "\\u00e4\\n"]}\'', "'null'"],
    "jsonb": ['\'{"a": [1, 2.50, "x"]}\''],
    "uuid": ["'123e4567-e89b-12d3-a456-426655440000'"],
}
ONLY_POSTGRESQL = {
    "numeric": ["'NaN'", "123456789012345678901234567890.1234567890123"],
    "real": ["'NaN'", "'-Infinity'"],
    "interval": ["'-1 mon 3 days 04:05:06.7'"],
    "timestamptz": ["'infinity'", "'0044-03-15 BC'"],
    "integer[]": ["'{1,NULL,3}'", "'{{1,2},{3,4}}'"],
    "text[]": [r"""'{"a\\b","c,d",NULL,"NULL"}'"""],
    "inet": ["'192.168.0.1/24'", "'2001:db8::1'"],
    "int4range": ["'[1,5)'", "'empty'"],
    "tsvector": ["'a:1 b:2'"],
    "xml": ["'<a/>'"],
    "timetz": ["'12:00:00+05'"],
    "point": ["'(1,2.5)'"],
    "bit varying(9)": ["B'101'"],
    "money": ["'12.34'"],
}
TYPES = {
    "my-pg": MARIADB,
    "my-my": MARIADB,
    "pg-my": POSTGRESQL,
    "pg-pg": POSTGRESQL | ONLY_POSTGRESQL,
}


@pytest.mark.parametrize("direction", ["my-pg", "pg-pg", *later(["pg-my", "my-my"])])
def test_values_are_the_same_after_copy_stream_and_stream_back(request, direction):
    types = TYPES[direction]
    with open_world(request, direction) as world:
        columns = [f"c{n} {each}" for n, each in enumerate(types)]
        world.old.execute(f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(columns)})")
        rows = fill(world, types, 0)
        world.start(tables=["t"], chunk_rows=5)
        assert seen(world, "new") == seen(world, "old")
        fill(world, types, 100)
        world.old.execute(f"DELETE FROM t WHERE id = {rows - 1}")
        move.verify(world.config, "m")
        assert seen(world, "new") == seen(world, "old")
        before = seen(world, "old")
        move.switch(world.config, "m")
        for where in ("old", "new"):
            assert seen(world, where) == before
        # All rows again, as the target has them, by the stream back.
        names = ", ".join(f"c{n}" for n in range(len(types)))
        world.new.execute(
            f"INSERT INTO t (id, {names}) SELECT id + 1000, {names} FROM t"
        )
        world.new.execute("DELETE FROM t WHERE id = 100")
        move.undo(world.config, "m")
        assert seen(world, "old") == seen(world, "new")
        shifted = {key - 1000: row for key, row in seen(world, "old").items()}
        assert {k: r for k, r in shifted.items() if k >= 0} == before


def fill(world: World, types: dict[str, list[str]], first: int) -> int:
    """Insert a row for each edge of each type; return how many."""
    most = max(len(values) for values in types.values())
    for n in range(most):
        values = [values[n] if n < len(values) else "NULL" for values in types.values()]
        world.old.execute(f"INSERT INTO t VALUES ({first + n}, {', '.join(values)})")
    return most


def seen(world: World, where: str) -> dict[int, list[Any]]:
    """All rows as the driver reads them, in one form for both engines."""
    session = world.session(where)
    try:
        kinds = types_of(session)
        # MariaDB shows six digits of a float, of the nine that it has.
        columns = [
            f"CAST({name} AS DOUBLE)" if kind == "float" else name
            for name, kind in kinds.items()
        ]
        with closing(session.adapter.exact_cursor(session.raw)) as cursor:
            cursor.execute(f"SELECT {', '.join(columns)} FROM t ORDER BY id")
            rows = list(cursor.fetchall())
    finally:
        session.close()
    return {
        int(row[0]): [
            plain(v, kind)
            for v, kind in zip(row[1:], list(kinds.values())[1:], strict=True)
        ]
        for row in rows
    }


def types_of(session: Any) -> dict[str, str]:
    schema = "current_schema()" if session.engine == "postgresql" else "DATABASE()"
    rows = session.run(
        "SELECT column_name, data_type FROM information_schema.columns "
        f"WHERE table_name = 't' AND table_schema = {schema} ORDER BY ordinal_position"
    )
    return dict(rows)


def plain(value: Any, kind: str) -> Any:
    """One form of a value, whatever the engine and its driver."""
    if value is None:
        return None
    if kind in ("bytea", "binary", "varbinary", "blob", "longblob"):
        return bytes.fromhex(value[2:]) if isinstance(value, str) else bytes(value)
    if kind == "bit":
        if isinstance(value, bytes):
            return int.from_bytes(value, "big")
        return int(value, 2)
    if kind in ("float", "real"):
        number = float(value)
        return struct.pack("f", number).hex() if number == number else "nan"
    if kind in ("double", "double precision"):
        return float(value).hex()
    text = value.decode() if isinstance(value, bytes) else str(value)
    if kind.startswith(("timestamp", "datetime")) and text[0].isdigit():
        text = text.removesuffix("+00")
        head, _, places = text.partition(".")
        return f"{head}.{places:<06}" if "BC" not in text else text
    if kind in ("time", "time without time zone", "interval"):
        head, _, places = text.partition(".")
        sign = "-" * head.startswith("-")
        parts = head.lstrip("-").split(":")
        if len(parts) == 3 and parts[0].isdigit():
            hours = ":".join(f"{int(part):02d}" for part in parts)
            return f"{sign}{hours}.{places:<06}"
        return text
    if kind in ("numeric", "decimal", "bigint", "int", "integer", "smallint"):
        return Decimal(text) if text != "NaN" else text
    if kind in ("tinyint", "mediumint", "year", "boolean"):
        return {"t": 1, "f": 0, "True": 1, "False": 0}.get(text) or int(
            text if text not in ("f", "False") else 0
        )
    if kind in ("char", "character"):
        return text.rstrip(" ")
    return text
