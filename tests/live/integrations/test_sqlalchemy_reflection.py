"""What SQLAlchemy finds of tables that rules deal over several databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    inspect,
)

pytestmark = pytest.mark.engine_in_turn


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def engine(request, tmp_path) -> Iterator[Any]:
    """An engine whose tables old_* are in another database than the others."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            dsns = [f"sqlite:///{tmp_path}/{name}.db" for name in ("main", "old")]
        else:
            fixture = "mariadb" if request.param == "mysql" else request.param
            servers = request.getfixturevalue(fixture)
            made = [stack.enter_context(servers.database()) for _ in range(2)]
            dsns = [each.writer_dsn for each in made]
        source = {
            "default": "main",
            "databases": {"main": {"nodes": dsns[:1]}, "old": {"nodes": dsns[1:]}},
            "tables": {"old_*": "old"},
        }
        routed = create_engine("routedb://", connect_args={"source": source})
        stack.callback(routed.dispose)
        # A transaction writes to one file.
        is_lite = request.param == "sqlite"
        yield (
            routed.execution_options(isolation_level="AUTOCOMMIT")
            if is_lite
            else (routed)
        )


def _metadata() -> MetaData:
    metadata = MetaData()
    Table("item", metadata, Column("id", Integer, primary_key=True),
          Column("name", String(20), index=True))  # fmt: skip
    Table("old_item", metadata, Column("id", Integer, primary_key=True),
          Column("code", String(9), unique=True))  # fmt: skip
    Table("old_part", metadata, Column("id", Integer, primary_key=True),
          Column("item", ForeignKey("old_item.id")))  # fmt: skip
    return metadata


def test_tables_are_found_where_they_are(engine):
    metadata = _metadata()
    for _ in range(2):  # the second time they are there
        metadata.create_all(engine)
    found = inspect(engine)
    assert sorted(found.get_table_names()) == ["item", "old_item", "old_part"]
    assert found.has_table("old_item")
    assert not found.has_table("old_nothing")
    assert [each["name"] for each in found.get_columns("old_item")] == ["id", "code"]
    assert found.get_pk_constraint("old_part")["constrained_columns"] == ["id"]
    (key,) = found.get_foreign_keys("old_part")
    assert (key["referred_table"], key["constrained_columns"]) == ("old_item", ["item"])
    names = ["item", "old_item", "old_part"]
    several = [name for _, name in found.get_multi_columns(filter_names=names)]
    assert sorted(several) == names
    every = [name for _, name in found.get_multi_columns()]
    assert sorted(every) == names
    seen = Table("old_item", MetaData(), autoload_with=engine)
    assert seen.columns.keys() == ["id", "code"]
    reflected = MetaData()
    reflected.reflect(engine)
    assert sorted(reflected.tables) == names
    old = engine.execution_options(routedb_using="old")
    assert sorted(inspect(old).get_table_names()) == names[1:]


def test_a_table_where_no_statement_would_find_it_is_in_no_list(engine):
    with engine.execution_options(routedb_using="old").begin() as connection:
        connection.exec_driver_sql("CREATE TABLE item (id int)")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id int)")
    found = inspect(engine)
    assert found.get_table_names() == ["other"]
    assert [name for _, name in found.get_multi_columns()] == ["other"]
    assert not found.has_table("item")


def test_an_index_is_made_and_dropped_where_its_table_is(engine):
    metadata = _metadata()
    metadata.create_all(engine)
    index = Index("codes", metadata.tables["old_item"].c.code)
    index.create(engine)
    index.create(engine, checkfirst=True)
    names = [each["name"] for each in inspect(engine).get_indexes("old_item")]
    assert "codes" in names
    metadata.drop_all(engine)
    assert inspect(engine).get_table_names() == []
