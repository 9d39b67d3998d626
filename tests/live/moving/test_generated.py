"""Ten thousand rows of every type, made by chance with a fondness for the edges: the
same after the copy, after the stream and after the stream back, by the oracle of
`test_types`, which is not the verifier."""

from __future__ import annotations

import os
from random import Random
from typing import Any
from uuid import UUID

import pytest

from routedb import move
from tests.live.moving.conftest import open_world
from tests.live.moving.test_types import MARIADB, TYPES, seen
from tests.live.moving.world import World

ROWS = int(os.environ.get("ROUTEDB_MOVED_ROWS", "10000"))
_AT_ONCE = 250
_LETTERS = "aZ09 '\"\\\t\n\r%_äß€𝄞,;:{}[]\x01\x7f"
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32}

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def literal(rng: Random, type_text: str, edges: list[str], is_mariadb: bool) -> str:
    """A literal of a type: NULL, one of its `edges`, or one made by chance."""
    if rng.random() < 0.1:
        return "NULL"
    made = None if rng.random() < 0.3 else _made(rng, type_text, is_mariadb)
    return rng.choice(edges) if made is None else made


def _made(rng: Random, type_text: str, is_mariadb: bool) -> str | None:
    base = type_text.split("(", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    sizes = [int(each) for each in _arguments(type_text)]
    if "[" in type_text or base in ("enum", "set", "year", "inet6"):
        return None
    if base in _BITS or base == "bigint":
        return str(_whole(rng, _BITS.get(base, 64), "unsigned" in type_text))
    if base in ("decimal", "numeric") and sizes:
        places = sizes[1]
        number = rng.randrange(10 ** rng.randint(1, sizes[0]))
        text = str(number).rjust(places + 1, "0")
        return f"{rng.choice(['', '-'])}{text[:-places]}.{text[-places:]}"
    if base in ("float", "real"):
        return f"{rng.choice('+-')}{rng.uniform(1, 9):.7f}e{rng.randint(-30, 30)}"
    if base == "double":
        return f"{rng.choice('+-')}{rng.uniform(1, 9):.16f}e{rng.randint(-290, 290)}"
    if base in ("char", "character", "varchar", "text"):
        return _text(rng, sizes[0] if sizes else 300, is_mariadb)
    if base in ("binary", "varbinary", "blob", "bytea"):
        return _bytes(rng, sizes[0] if sizes else 300, base == "binary", is_mariadb)
    return _of_time(rng, type_text, base, is_mariadb)


def _of_time(rng: Random, type_text: str, base: str, is_mariadb: bool) -> str | None:
    day = f"{rng.randint(1, 28):02}"
    date = f"{rng.randint(1000, 9999)}-{rng.randint(1, 12):02}-{day}"
    clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
    part = f".{rng.randrange(10**6):06}" if type_text != "datetime" else ""
    if base == "date":
        return f"'{date}'"
    if base == "datetime" or type_text == "timestamp":
        return f"'{date} {clock}{part}'"
    if base in ("timestamp", "timestamptz"):
        year = rng.randint(1971, 2037)
        zone = "" if is_mariadb else "+00"
        return f"'{year}-{rng.randint(1, 12):02}-{day} {clock}{part}{zone}'"
    if base == "time":
        return f"'{clock}{part}'"
    if base == "boolean":
        return rng.choice(["true", "false"])
    if base == "uuid":
        # Of a variant that there is: MariaDB refuses others.
        return f"'{UUID(int=rng.getrandbits(128), version=4)}'"
    if base == "bit":
        size = int((_arguments(type_text) or ["1"])[0])
        text = f"{rng.getrandbits(size):0{size}b}"
        return f"b'{text}'" if is_mariadb else f"B'{text}'"
    return None


def _arguments(type_text: str) -> list[str]:
    if "(" not in type_text:
        return []
    inner = type_text.split("(")[1].split(")", maxsplit=1)[0].split(",")
    return inner if all(each.strip().isdigit() for each in inner) else []


def _whole(rng: Random, bits: int, is_unsigned: bool) -> int:
    low = 0 if is_unsigned else -(2 ** (bits - 1))
    high = low + 2**bits - 1
    near = rng.choice([low, high, 0 if low else 1])
    number = near + rng.randint(-3, 3) if rng.random() < 0.5 else rng.randint(low, high)
    return min(max(number, low), high)


def _text(rng: Random, most: int, is_mariadb: bool) -> str:
    text = "".join(rng.choice(_LETTERS) for _ in range(rng.randint(0, min(most, 60))))
    text = text.replace("'", "''")
    return "'" + (text.replace("\\", "\\\\") if is_mariadb else text) + "'"


def _bytes(rng: Random, most: int, is_full: bool, is_mariadb: bool) -> str:
    size = most if is_full else rng.randint(0, min(most, 60))
    text = rng.randbytes(size).hex()
    return f"X'{text}'" if is_mariadb else rf"'\x{text}'"


def fill(world: World, where: str, types: dict[str, list[str]], first: int, count: int,
         rng: Random, is_mariadb: bool) -> None:  # fmt: skip
    database = {"old": world.old, "new": world.new}[where]
    for start in range(first, first + count, _AT_ONCE):
        rows = []
        for key in range(start, min(start + _AT_ONCE, first + count)):
            made = [literal(rng, *each, is_mariadb) for each in types.items()]
            rows.append(f"({key}, {', '.join(made)})")
        database.execute(f"INSERT INTO t VALUES {', '.join(rows)}")


@pytest.mark.parametrize("direction", ["my-pg", "pg-my", "pg-pg", "my-my"])
def test_generated_rows_are_the_same_all_the_way(request, direction):
    types: dict[str, Any] = TYPES[direction]
    is_mariadb = types is MARIADB
    rng = Random(direction)
    with open_world(request, direction) as world:
        columns = [f"c{n} {each}" for n, each in enumerate(types)]
        world.old.execute(f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(columns)})")
        fill(world, "old", types, 0, ROWS // 2, rng, is_mariadb)
        world.start(tables=["t"], chunk_rows=ROWS // 7)
        assert seen(world, "new") == seen(world, "old")
        fill(world, "old", types, ROWS, ROWS // 2, rng, is_mariadb)
        for key in rng.sample(range(ROWS // 2), ROWS // 20):
            name, edges = rng.choice(list(enumerate(types.items())))
            value = literal(rng, *edges, is_mariadb)
            world.old.execute(f"UPDATE t SET c{name} = {value} WHERE id = {key}")
        move.verify(world.config, "m")
        before = seen(world, "old")
        assert seen(world, "new") == before
        assert len(before) == ROWS // 2 * 2
        move.switch(world.config, "m")
        names = ", ".join(f"c{n}" for n in range(len(types)))
        world.new.execute(
            f"INSERT INTO t (id, {names}) SELECT id + {10 * ROWS}, {names} FROM t"
        )
        move.undo(world.config, "m")
        after = seen(world, "old")
        assert after == seen(world, "new")
        shifted = {key - 10 * ROWS: row for key, row in after.items()}
        assert {key: row for key, row in shifted.items() if key >= 0} == before
