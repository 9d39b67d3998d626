"""What a literal stands for, and literals whose value is not certain."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import routedb
from routedb.sql.scanner.literals import UnreadableLiteral, read_literal
from tests.support.sharded import shard

READ: list[tuple[str, str, Any]] = [
    ("postgresql", "1", 1),
    ("postgresql", "007", 7),
    ("postgresql", "1.50", Decimal("1.50")),
    ("postgresql", ".5", Decimal("0.5")),
    ("postgresql", "1e3", Decimal(1000)),
    ("postgresql", "99999999999999999999", 99999999999999999999),
    ("postgresql", "''", ""),
    ("postgresql", "'it''s'", "it's"),
    ("postgresql", "E'a\\n\\'\\\\''b'", "a\n'\\'b"),
    ("postgresql", "e'\\x41\\101\\u00e9\\U0001F600'", "AAé😀"),
    ("postgresql", "$$it's$$", "it's"),
    ("postgresql", "$q$a$$b$q$", "a$$b"),
    ("mysql", "'it''s'", "it's"),
    ("mysql", "'it\\'s \\\"x\\\" \\n\\0\\Z\\%\\_\\q'", 'it\'s "x" \n\0\x1a\\%\\_q'),
    ("mysql", '"it""s"', 'it"s'),
    ("mysql", "X'4142'", b"AB"),
    ("mysql", "9007199254740993", 9007199254740993),
    ("mysql", "1e3", Decimal(1000)),
    ("sqlite", "'a\\n'", "a\\n"),
    ("sqlite", "x'4142'", b"AB"),
]


@pytest.mark.parametrize(("dialect", "text", "value"), READ)
def test_a_literal_is_read_as_its_dialect_reads_it(
    dialect: str, text: str, value: Any
) -> None:
    found = read_literal(text, dialect)
    assert (type(found), found) == (type(value), value)


UNREADABLE = [
    ("postgresql", "'a\\n'"),
    ("postgresql", "U&'d\\0061t'"),
    ("postgresql", "B'0101'"),
    ("postgresql", "X'41'"),
    ("postgresql", "N'a'"),
    ("postgresql", "e'\\xe9'"),
    ("postgresql", "0x1F"),
    ("postgresql", "1_000"),
    ("postgresql", "1e99999"),
    ("mysql", "0x1F"),
    ("mysql", "b'0101'"),
    ("mysql", "N'a'"),
    ("mysql", "9007199254740993e0"),
    ("sqlite", "9007199254740993.0"),
    ("sqlite", "9223372036854775808"),
    ("sqlite", "x'4'"),
    ("sqlite", "0x1F"),
]


@pytest.mark.parametrize(("dialect", "text"), UNREADABLE)
def test_a_literal_whose_value_is_not_certain_is_not_read(
    dialect: str, text: str
) -> None:
    with pytest.raises(UnreadableLiteral):
        read_literal(text, dialect)


KEYS: list[tuple[str, str, Any, int]] = [
    ("postgresql", "E'5'", None, 1),
    ("postgresql", "$$5$$", None, 1),
    ("postgresql", "'5'::text", None, 1),
    ("postgresql", "5.0", None, 1),
    ("postgresql", "5e0", (), 1),
    ("mysql", '"5"', None, 1),
    ("mysql", "X'35'", None, 1),
    ("sqlite", "'5'", {}, 1),
]


@pytest.mark.parametrize(("dialect", "text", "params", "expected"), KEYS)
def test_a_literal_names_the_shard(
    dialect: str, text: str, params: Any, expected: int
) -> None:
    sql = f"select * from orders where customer_id = {text}"
    assert shard(sql, params, dialect) == expected


@pytest.mark.parametrize("text", ["0x05", "1_0", "B'101'", "U&'5'"])
def test_a_key_that_cannot_be_read_is_refused_by_name(text: str) -> None:
    with pytest.raises(routedb.ShardError, match=r"orders\.customer_id: the value"):
        shard(f"select * from orders where customer_id = {text}")


def test_a_percent_sign_in_a_literal_is_doubled_only_beside_parameters() -> None:
    with pytest.raises(routedb.ShardError, match="with a placeholder inside"):
        shard("select * from orders where customer_id = '%s'", ("5",))
