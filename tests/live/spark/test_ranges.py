"""Ranges of keys and slots for connections: without pyspark, on every machine."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

import routedb
from routedb.integrations.spark.finding import layout_of
from routedb.integrations.spark.ranges import key_of, lanes_of
from routedb.integrations.spark.request import Request
from routedb.integrations.spark.sessions import Session, read_somewhere
from routedb.integrations.spark.slots import slot
from routedb.integrations.spark.source import source_of

ROWS = 1000


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A configuration of one file, whose column k has one value in every tenth row."""
    dsn = f"sqlite:///{tmp_path}/a.db"
    with closing(routedb.connect(dsn, autocommit=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE v (id INTEGER PRIMARY KEY, k INT)")
        marks = ", ".join(f"({n}, {7 if n % 10 == 0 else n * n})" for n in range(ROWS))
        cursor.execute(f"INSERT INTO v VALUES {marks}")
    file = tmp_path / "routedb.toml"
    file.write_text(f'[databases.main]\nnodes = ["{dsn}"]\n', encoding="utf-8")
    return str(file)


def sizes(path: str, chosen: str | None, where: str = "") -> list[list[int]]:
    request = Request(source_of(path), "v")
    layout = layout_of(request)
    config = request.source.load()

    def ask(session: Session) -> list[list[int]]:
        key = key_of("sqlite", layout.fields, layout.primary_key, chosen, True)
        found = lanes_of(session, layout.text, key, where, 30, 4)
        count = "SELECT count(*) FROM v WHERE {}"
        also = where or "1"
        return [
            [session.run(count.format(f"{also} AND {r}"))[0][0] for r in lane.ranges]
            for lane in found
        ]

    (group,) = config.groups
    return read_somewhere(config.databases["main"], group, 4, 0, ask)


@pytest.mark.parametrize(
    ("chosen", "where"), [(None, ""), ("k", ""), ("k", "id >= 500")]
)
def test_ranges_are_even_by_any_key(path, chosen, where):
    found = sizes(path, chosen, where)
    rows = ROWS if not where else ROWS - 500
    counts = [sum(lane) for lane in found]
    assert len(found) == 4
    assert sum(counts) == rows
    assert all(abs(count - rows / 4) <= 0.2 * rows / 4 for count in counts)
    assert all(size <= 30 for lane in found for size in lane)


def test_no_more_hold_slots_of_a_node_than_there_are(path):
    (node,) = source_of(path).load().nodes
    holding: set[int] = set()
    most = []
    first_two = threading.Barrier(2)

    def work(is_first: bool) -> None:
        with slot(node, 2) as number:
            assert number not in holding
            holding.add(number)
            most.append(len(holding))
            if is_first:
                first_two.wait()
            holding.discard(number)

    threads = [threading.Thread(target=work, args=(at < 2,)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 2
    others = [threading.Thread(target=work, args=(False,)) for _ in range(6)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    assert max(most) == 2
    assert len(most) == 8
