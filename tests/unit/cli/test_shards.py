"""`routedb shards`, and what `routedb check` says of shards that differ."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing

import psycopg2
import pytest

from routedb.cli.demo.shop import Shop
from routedb.cli.shards import skew
from tests.support.later import one_of
from tests.unit.cli.conftest import fill

INSERT = "INSERT INTO orders (id, customer_id) VALUES"
TABLE = """\
shard      node      rows  size  more rows  more bytes  hottest
───────────────────────────────────────────────────────────────
orders[0]  orders-0  0     24kB  +0         +0B
orders[1]  orders-1  2     24kB  +2         +0B         orders
orders[2]  orders-2  1     24kB  +1         +0B         orders
orders[3]  orders-3  0     24kB  +0         +0B

orders[0]   0
orders[1]  ████████████████████████████████████████ 2
orders[2]  ████████████████████ 1
orders[3]   0
orders: the fullest shard has 2.67 times the average

"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Shop(tmp_path)
    made.build()
    return made


def test_what_is_there_and_what_came_since(shell, shop):
    first = shell("shards", shop.config)
    assert first.exit_code == 0, first.output
    assert "more rows" not in first.stdout
    shell("sql", shop.config, "-c", f"{INSERT} (1, 5), (2, 5), (3, 6)")
    assert shell("shards", shop.config).stdout == TABLE
    (kept,) = (shop.folder / "state").rglob("*.json")
    assert kept.parts[-3:-1] == ("routedb", "shards")


def test_as_json(shell, shop, tmp_path):
    state = tmp_path / "own.json"
    words = ("shards", shop.config, "--format", "json", "--state", state, "--exact")
    first = json.loads(shell(*words).stdout)
    assert first["since"] is None
    shell("sql", shop.config, "-c", f"{INSERT} (1, 4), (2, 8)")
    found = json.loads(shell(*words).stdout)
    assert found["since"] > 0
    shards = found["databases"]["orders"]["shards"]
    assert found["databases"]["orders"]["skew"] == 4
    assert [each["rows"] for each in shards] == [2, 0, 0, 0]
    assert [each["more_rows"] for each in shards] == [2, 0, 0, 0]
    assert [each["node"] for each in shards] == [f"orders-{n}" for n in range(4)]
    assert [t["name"] for t in shards[0]["tables"]] == ["items", "orders"]
    assert shards[0]["hottest"] == ["orders"]


@pytest.mark.parametrize("content", one_of(3, ["", "[]", "{", "null", "{}"]))
def test_a_broken_file_is_as_none(shell, shop, tmp_path, content):
    state = tmp_path / "own.json"
    state.write_text(content)
    result = shell("shards", shop.config, "--state", state)
    assert result.exit_code == 0, result.output
    assert "more rows" not in result.stdout


def test_a_file_that_cannot_be_written_is_said(shell, shop, tmp_path):
    state = tmp_path / "main.db" / "own.json"  # inside a file
    result = shell("shards", shop.config, "--state", state)
    assert result.exit_code == 0
    assert "the figures are not kept" in result.stderr


def test_without_shards_there_is_nothing_to_show(shell, config):
    result = shell("shards", config)
    assert (result.exit_code, "has shards" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("rows", "expected"), [([0, 0], 1), ([5, 5], 1), ([9, 1], 1.8), ([4], 1)]
)
def test_skew(rows, expected):
    assert skew(rows) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE orders ADD COLUMN note TEXT", "note TEXT"),
        ("ALTER TABLE items RENAME COLUMN n TO pieces", "pieces INT"),
        ("DROP TABLE items", "shard 2 has no such table"),
        ("ALTER TABLE countries ADD COLUMN size INT", "table countries differs"),
        ("CREATE TABLE free (id INT)", ""),
    ],
)
def test_check_tells_of_shards_that_differ(shell, shop, change, said):
    assert shell("check", shop.config).exit_code == 0
    fill(shop.folder / "orders-2.db", change)
    result = shell("check", shop.config)
    assert result.exit_code == (1 if said else 0)
    assert said in result.stderr
    if said:
        assert "shard 0 has (" in result.stderr
        assert said in shell("check", shop.config, "--json").stdout


def test_on_postgresql(shell, postgresql, tmp_path):
    with ExitStack() as stack:
        dsns = [stack.enter_context(postgresql.database()).writer_dsn for _ in "ab"]
        for number, dsn in enumerate(dsns):
            raw = stack.enter_context(closing(psycopg2.connect(dsn)))
            raw.cursor().execute(
                "CREATE TABLE items (id int, owner int); INSERT INTO items "
                f"SELECT n, {number} FROM generate_series(1, {10 * (number + 1)}) n"
            )
            raw.commit()
        config = tmp_path / "two.toml"
        config.write_text(
            f"[databases.shop]\nshards = {json.dumps([[dsn] for dsn in dsns])}\n"
            '[tables]\nitems = { database = "shop", shard_key = "owner" }\n'
        )
        words = ("shards", config, "--state", tmp_path / "own.json", "--exact")
        result = shell(*words, "--format", "json")
        assert result.exit_code == 0, result.output
        shop = json.loads(result.stdout)["databases"]["shop"]
        assert [each["rows"] for each in shop["shards"]] == [10, 20]
        assert all(each["bytes"] > 1000 for each in shop["shards"])
        raw.cursor().execute("ALTER TABLE items ALTER owner TYPE bigint")
        raw.commit()
        result = shell("check", config)
        assert (result.exit_code, "owner bigint" in result.stderr) == (1, True)


def test_buckets_are_shown_by_each_map_in_use(shell, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "routedb.toml"
    nodes = [f"sqlite:///{tmp_path}/{number}.db" for number in range(2)]
    path.write_text(
        f"[databases.o]\nshards = {nodes!r}\n[tables]\n"
        "a = { database = 'o', shard_key = 'id' }\n"
        "b = { database = 'o', shard_key = 'id' }\n"
        "c = { database = 'o', shard_key = 'id', "
        "buckets = [['0-9', '11-16383'], [10]] }\n"
    )
    shown = shell("shards", path).stdout
    assert (
        "o: buckets of a, b\n"
        "  o[0]   8,192  0-8191\n"
        "  o[1]   8,192  8192-16383\n"
        "o: buckets of c\n"
        "  o[0]  16,383  0-9,11-16383\n"
        "  o[1]       1  10\n"
    ) in shown
    maps = json.loads(shell("shards", path, "--format", "json").stdout)
    assert maps["databases"]["o"]["maps"][1] == {
        "tables": ["c"],
        "shards": [
            {"buckets": 16_383, "runs": "0-9,11-16383"},
            {"buckets": 1, "runs": "10"},
        ],
    }
