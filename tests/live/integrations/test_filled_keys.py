"""ORMs that leave keys to the database, on sharded tables whose rule fills them."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Any

import pytest
from sqlalchemy import BigInteger, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import routedb
from routedb.ids import parts
from tests.live.integrations.project import Project
from tests.live.integrations.test_django import ENGINE

DDL = (
    "CREATE TABLE shop_item (id bigint PRIMARY KEY, name varchar(50) NOT NULL, "
    "facts {} , made {})"
)
FACTS = {"postgresql": "jsonb", "mysql": "json"}
MADE = {"postgresql": "timestamptz", "mysql": "datetime(6)"}

pytestmark = pytest.mark.engine_in_turn


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "shop_item"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


@pytest.fixture(params=["postgresql", "mysql"])
def engine(request) -> str:
    name: str = request.param
    return name


@pytest.fixture
def source(engine, request) -> Any:
    """Two shards with the table, whose key is filled."""
    with ExitStack() as stack:
        fixture = "mariadb" if engine == "mysql" else engine
        servers = request.getfixturevalue(fixture)
        made = [stack.enter_context(servers.database()) for _ in range(2)]
        dsns = [each.writer_dsn for each in made]
        for dsn in dsns:
            with closing(routedb.connect(dsn)) as plain:
                ddl = DDL.format(FACTS[engine], MADE[engine])
                plain.cursor().execute(ddl)
                plain.commit()
        yield {
            "default": "shop",
            "id_node": 3,
            "databases": {"shop": {"shards": [[dsn] for dsn in dsns]}},
            "tables": {
                "shop_item": {"database": "shop", "shard_key": "id", "id": "id"}
            },
        }


def test_sqlalchemy(engine, source):
    routed = create_engine(f"routedb+{engine}://", connect_args={"source": source})
    with Session(routed) as session:
        items = [Item(name=f"n{number}") for number in range(6)]
        session.add_all(items)
        session.flush()
        keys = {item.name: item.id for item in items}
        session.add(Item(name="last"))
        session.commit()
        assert all(parts(key).node == 3 for key in keys.values())
        found = {row.name: row.id for row in session.scalars(select(Item))}
        assert found.pop("last") > max(keys.values())
        assert found == keys
        assert session.get(Item, keys["n3"]).name == "n3"  # type: ignore[union-attr]  # it is there
    routed.dispose()


DJANGO = """
keys = [Item.objects.create(name=f"n{n}").pk for n in range(4)]
with transaction.atomic():
    made = Item.objects.bulk_create([Item(name="a"), Item(name="b")])
more = [each.pk for each in made]
there = sorted(Item.objects.values_list("pk", flat=True))
found = [keys, more, there, Item.objects.get(pk=keys[2]).name]
"""


def test_django(engine, source, tmp_path):
    options = {"routedb": source}
    project = Project(tmp_path, ENGINE=f"{ENGINE}.{engine}", OPTIONS=options)
    keys, more, there, name = project.run(DJANGO)
    assert sorted(keys + [key for key in more if key is not None]) == there
    assert all(parts(key).node == 3 for key in there)
    assert (len(there), name) == (6, "n2")


ON_FILES = """
from django.db.models import Count, Max
from django.utils import timezone
keys = [Item.objects.create(name=f"n{n}", facts={"n": n}).pk for n in range(6)]
item = Item.objects.get(pk=keys[2])
item.name = "saved"
item.save()
today = timezone.localdate(item.made)  # not UTC's
items = Item.objects.order_by("-name")
days = list(Item.objects.dates("made", "day"))
found = [
    [each.name for each in items],
    [each.name for each in items[1:3]],
    [each.facts["n"] for each in items.filter(name__startswith="n")],
    type(items[0].made).__name__,
    Item.objects.count(),
    Item.objects.aggregate(last=Max("made"))["last"] == max(i.made for i in items),
    [each.isoformat() for each in days] == [today.isoformat()],
    Item.objects.filter(made__date=today).count(),
    list(Item.objects.values("name").annotate(n=Count("pk")).order_by("name"))[0],
    Item.objects.filter(pk__in=keys[:2]).delete()[0],
    Item.objects.first().pk == min(keys[2:]),
]
"""


def test_django_on_files(tmp_path):
    """Its cursors are of its own class, and have question marks and converters."""
    dsns = [f"sqlite:///{tmp_path}/{name}.db" for name in "ab"]
    for dsn in dsns:
        with closing(routedb.connect(dsn, autocommit=True)) as plain:
            plain.cursor().execute(DDL.format("text", "datetime"))
    rule = {"database": "shop", "shard_key": "id", "id": "id"}
    source = {
        "default": "shop",
        "id_node": 3,
        "databases": {"shop": {"shards": [[dsn] for dsn in dsns]}},
        "tables": {"shop_item": rule},
    }
    folder = tmp_path / "project"
    project = Project(folder, ENGINE=f"{ENGINE}.sqlite3", OPTIONS={"routedb": source})
    assert project.run(ON_FILES) == [
        ["saved", "n5", "n4", "n3", "n1", "n0"],
        ["n5", "n4"],
        [5, 4, 3, 1, 0],
        "datetime",
        6,
        True,
        True,
        6,
        {"name": "n0", "n": 1},
        2,
        True,
    ]
