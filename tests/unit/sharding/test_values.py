"""Keys that a column holds to be equal are on one shard, or are refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

import routedb
from routedb.config.buckets import BUCKETS, text_of
from routedb.config.model import ShardFunction
from routedb.sharding import shard_for_key_hint, shard_of
from routedb.sharding.keys.values import canonical
from tests.support.sharded import rule

ID = UUID("0d3f9c2e-8f5b-4a59-9c1d-2f6f0a7b1c3e")


class Int64:
    """What numpy's integer looks like."""

    def __init__(self, value: int) -> None:
        self._value = value

    def item(self) -> int:
        return self._value


Int64.__module__ = "numpy"


class Indexed:
    """An integer by protocol only."""

    def __index__(self) -> int:
        return 1


EQUAL: list[tuple[str | None, list[Any]]] = [
    (None, [1, "1", 1.0, Decimal("1"), Decimal("1.00"), True, Int64(1), Indexed(),
            "01", "+1", " 1 ", "1.0", "1e0", b"1", bytearray(b"1"), memoryview(b"1"),
            "\uff11"]),
    (None, [0, "0", -0.0, 0.0, "-0", Decimal("-0"), False, "0.000", "00"]),
    (None, [-7, "-7", -7.0, Decimal("-7"), Int64(-7)]),
    (None, [2**63, str(2**63), Decimal(2**63)]),
    (None, [10**20, "1e20", Decimal("1E+20")]),
    (None, ["A", "a", "a ", " a", "á", "Á", "a\u0301", "\uff41", b"A"]),
    (None, ["straße", "STRASSE", "strasse", "STRAẞE", "strase"]),
    (None, ["a\tb", "ab", "a\x00b", "a\u200bb", "a\u00adb"]),
    (None, ["ⱢA", "ɫa"]),
    (None, ["Σ", "σ", "ς"]),
    (None, ["😀", "😁"]),
    (None, ["İ", "i"]),
    (None, ["é", "e\u0301", "E"]),
    (None, ["か", "カ", "ｶ"]),
    (None, [ID, str(ID), str(ID).upper(), ID.hex, f"{{{ID}}}", str(ID).encode()]),
    (None, [dt.date(2024, 1, 2), "2024-01-02", "2024-1-2",
            dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, 10, 30),
            "2024-01-02 10:30:00", "20240102", 20240102]),
    (None, ["\\x6162", b"ab", "AB"]),
    ("integer", [1, "1", 1.0, Decimal("1.0"), True, Int64(1), "1e0", b"1"]),
    ("numeric", [1.5, "1.5", Decimal("1.50"), "15e-1"]),
    ("text", ["A", "a", "á ", b"a"]),
    ("text", [str(ID), ID]),
    ("text", ["2024-01-02", dt.date(2024, 1, 2)]),
    ("uuid", [ID, str(ID), ID.hex, ID.bytes, str(ID).upper()]),
    ("date", [dt.date(2024, 1, 2), "2024-01-02", dt.datetime(2024, 1, 2, 10)]),
    ("timestamp", [dt.datetime(2024, 1, 2), "2024-01-02", "2024-01-02T00:00:00",
                   dt.date(2024, 1, 2), "2024-01-02 0:00"]),
    ("timestamp", [dt.datetime(2024, 1, 2, 3, 4, 5, 600000),
                   "2024-01-02 03:04:05.6", "2024-01-02 03:04:05.600000"]),
    ("boolean", [True, "t", "TRUE", "yes", "on", 1, "1"]),
    ("boolean", [False, "f", "off", 0, "0"]),
    ("bytes", [b"ab", bytearray(b"ab"), memoryview(b"ab"), "\\x6162", "ab"]),
]  # fmt: skip


@pytest.mark.parametrize(("key_type", "values"), EQUAL)
def test_equal_keys_have_one_form(key_type: str | None, values: list[Any]) -> None:
    forms = {canonical(value, key_type) for value in values}
    assert len(forms) == 1


DIFFERENT: list[tuple[str | None, list[Any]]] = [
    (None, [1, 10, -1, "a", "b", 2**63, ID, dt.date(2024, 1, 2), "1a", b"\xff"]),
    ("numeric", [1, 1.5, Decimal("1.05"), 15, "Infinity", "NaN"]),
    ("text", ["1", "1.0", "01", "a", "aa"]),
    ("timestamp", ["2024-01-02", "2024-01-02 00:00:01", "2024-01-02 00:00:00.1"]),
    ("bytes", [b"a", b"A", b""]),
]


@pytest.mark.parametrize(("key_type", "values"), DIFFERENT)
def test_forms_are_not_coarser_than_needed(
    key_type: str | None, values: list[Any]
) -> None:
    forms = {canonical(value, key_type) for value in values}
    assert len(forms) == len(values)


REFUSED: list[tuple[str | None, Any]] = [
    (None, None),
    (None, 1.5),
    (None, "1.5"),
    (None, Decimal("0.1")),
    (None, 2.0**63),
    ("integer", -(2.0**63)),
    (None, float("nan")),
    (None, float("inf")),
    (None, [1]),
    (None, (1,)),
    (None, {}),
    (None, object()),
    (None, dt.time(10)),
    (None, dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc)),
    (None, "2024-01-02 10:00:00+02"),
    (None, dt.datetime(2024, 1, 2, 23, 59, 59, 999999)),
    ("integer", "a"),
    ("integer", 1.5),
    ("integer", "1.5"),
    ("integer", ""),
    ("integer", float("inf")),
    ("integer", ID),
    ("integer", b"\xff"),
    ("integer", "1" + "e999999"),
    ("numeric", "1,5"),
    ("text", 1),
    ("text", True),
    ("text", b"\xff"),
    ("uuid", "0d3f"),
    ("uuid", 1),
    ("date", "yesterday"),
    ("date", 20240102),
    ("timestamp", "2024-01-02 10:00:00Z"),
    ("timestamp", "2024-01-02 10:00:00.1234567"),
    ("boolean", 2),
    ("boolean", "maybe"),
    ("bytes", "\\a"),
    ("bytes", 1),
]


@pytest.mark.parametrize(("key_type", "value"), REFUSED)
def test_a_value_that_cannot_be_a_key_is_refused(
    key_type: str | None, value: Any
) -> None:
    with pytest.raises(routedb.ShardError, match="shard key: a value of type"):
        shard_of(ShardFunction("hash", key_type), value, 4)


def test_a_refusal_never_shows_the_value() -> None:
    with pytest.raises(routedb.ShardError) as caught:
        shard_of(ShardFunction("hash", "integer"), "4111-1111", 4)
    assert "4111" not in str(caught.value)
    assert "key_type is integer" in str(caught.value)


# Keys and their buckets. These may never change: rows lie where they say.
STABLE: list[tuple[Any, str | None, int]] = [
    (1, None, 3850), (2, None, 5938), (42, "integer", 3222), (-1, None, 9383),
    (2**63, None, 15959), ("alice", None, 12626), ("alice", "text", 12626),
    (ID, None, 5184), (ID, "uuid", 5184), (dt.date(2024, 1, 2), "date", 9767),
    (True, "boolean", 3850), (b"\x00\xff", "bytes", 1004),
    (Decimal("1.5"), "numeric", 6629),
    (dt.datetime(2024, 1, 2, 3, 4, 5), "timestamp", 10279),
]  # fmt: skip


@pytest.mark.parametrize(("value", "key_type", "expected"), STABLE)
def test_hashes_stay_what_they_are(
    value: Any, key_type: str | None, expected: int
) -> None:
    function = ShardFunction("hash", key_type)
    assert shard_of(function, value, BUCKETS) == expected  # a bucket for each shard
    for shards in (1, 3, 1000):
        assert shard_of(function, value, shards) == expected * shards // BUCKETS


@pytest.mark.parametrize(("value", "key_type", "expected"), STABLE)
def test_a_map_says_which_shard_has_a_bucket(value, key_type, expected):
    owners = [(bucket * 7) % 5 for bucket in range(BUCKETS)]
    function = ShardFunction("hash", key_type, buckets=text_of(owners, 5))
    assert shard_of(function, value, 5) == expected * 7 % 5


def test_a_directory_has_some_keys_and_the_others_go_as_it_says():
    tenants = ((42, 43), (), ())
    directory = ShardFunction("directory", "integer", values=tenants, otherwise="hash")
    hashed = ShardFunction("hash", "integer")
    for key in (42, "42", 43):
        assert shard_of(directory, key, 3) == 0
    for key in (1, 7, 44, 1000):
        assert shard_of(directory, key, 3) == shard_of(hashed, key, 3)
    refusing = ShardFunction("directory", "integer", values=tenants, otherwise="refuse")
    assert shard_of(refusing, 43, 3) == 0
    with pytest.raises(routedb.ShardError, match="is on no shard's list"):
        shard_of(refusing, 44, 3)


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 16])
def test_hashes_spread_evenly(shards: int) -> None:
    counts = [0] * shards
    for key in range(4000):
        counts[shard_of(ShardFunction("hash"), key, shards)] += 1
    assert min(counts) > 0.85 * 4000 / shards


RANGES: list[tuple[tuple[Any, ...], str | None, list[tuple[Any, int]]]] = [
    ((10, 20), None, [(-5, 0), (9, 0), (10, 1), ("19", 1), (20, 2), (10**30, 2)]),
    ((10, 20), "integer", [(9, 0), ("10", 1), (20.0, 2)]),
    ((Decimal("1.5"), 3), "numeric", [(1, 0), (1.5, 1), ("2.9", 1), (3, 2)]),
    (("g", "p"), "text", [("Ann", 0), ("g", 1), ("Olga", 1), ("P", 2), ("zoe", 2)]),
    (("2024-01-01", "2025-01-01"), "date",
     [("2023-12-31", 0), (dt.date(2024, 1, 1), 1), (dt.date(2025, 5, 5), 2)]),
    ((dt.datetime(2024, 1, 1, 12), dt.datetime(2025, 1, 1)), "timestamp",
     [("2024-01-01 11:59:59", 0), ("2024-01-01 12:00", 1), ("2025-01-01", 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("bounds", "key_type", "expected"), RANGES)
def test_a_range_holds_its_lower_bound(
    bounds: tuple[Any, ...], key_type: str | None, expected: list[tuple[Any, int]]
) -> None:
    function = ShardFunction("range", key_type, bounds=bounds)
    assert [(v, shard_of(function, v, 3)) for v, _ in expected] == expected


def test_a_list_names_the_shard_of_each_key() -> None:
    function = ShardFunction("list", values=(("de", "AT"), ("fr",), (1, 2)))
    found = [shard_of(function, key, 3) for key in ("DE", "at", "fr", "1", 2.0)]
    assert found == [0, 0, 1, 2, 2]
    with pytest.raises(routedb.ShardError, match="on no shard's list"):
        shard_of(function, "uk", 3)


def test_modulo_takes_negative_keys_as_mathematics_does() -> None:
    modulo = ShardFunction("modulo")
    assert [shard_of(modulo, key, 4) for key in (-1, "-1", -4, 2**63)] == [3, 3, 0, 0]
    with pytest.raises(routedb.ShardError, match="is no integer"):
        shard_of(modulo, "a", 4)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (ShardFunction("list", values=(("a",), ("A",))), "same key as one of another"),
        (ShardFunction("list", "integer", values=(("a",), ())), "is no number"),
        (ShardFunction("range", "integer", bounds=("x",)), "is no number"),
        (ShardFunction("range", bounds=(1.5,)), "is no whole number"),
    ],
)
def test_a_rule_whose_own_values_are_no_keys_is_refused(
    function: ShardFunction, why: str
) -> None:
    with pytest.raises(routedb.ShardError, match=why):
        shard_of(function, 1, 2)


HINTS: list[tuple[str | None, str, Any]] = [
    (None, "42", 42),
    ("integer", "42", 42),
    ("text", "Alice", "alice"),
    ("uuid", str(ID), ID),
    ("date", "2024-01-02", dt.date(2024, 1, 2)),
]


@pytest.mark.parametrize(
    ("extra", "found"),
    [
        ({"function": "range", "bounds": ["B", "a"]}, "not above the one before"),
        ({"function": "range", "bounds": [1, 2], "key_type": "date"}, "key_type date"),
        ({"values": [["a"], ["b"], ["A"]]}, "same key as one of another shard"),
    ],
)
def test_a_function_that_tells_no_keys_is_refused_at_connect(
    extra: dict[str, Any], found: str
) -> None:
    source = {
        "databases": {"orders": {"shards": [[f"sqlite:///{n}.db"] for n in "abc"]}},
        "tables": {"t": {"database": "orders", "shard_key": "k", **extra}},
    }
    with pytest.raises(routedb.ConfigError, match=found) as caught:
        routedb.Cluster(source)
    assert 'tables."t"' in str(caught.value)


@pytest.mark.parametrize(("key_type", "text", "value"), HINTS)
def test_a_hint_names_the_shard_of_the_key_it_spells(
    key_type: str | None, text: str, value: Any
) -> None:
    function = ShardFunction("hash", key_type)
    named = shard_for_key_hint(rule("orders", "customer_id", function), text, 64)
    assert named == shard_of(function, value, 64)


def test_a_hint_that_is_no_key_is_refused_by_name() -> None:
    orders = rule("orders", "customer_id", ShardFunction("modulo"))
    with pytest.raises(routedb.ShardError, match="hint key=: as customer_id of table"):
        shard_for_key_hint(orders, "alice", 4)
