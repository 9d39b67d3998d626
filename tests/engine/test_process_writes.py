"""`consistency = "process"`: what the process wrote, by whatever configuration."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import routedb
from routedb.adapters import fake
from routedb.engine.shared.core import Core
from routedb.events import NodeAnswered
from routedb.topology import Role
from tests.support.fake_rig import Rig, farm

WRITE, READ = "INSERT INTO t VALUES (1)", "SELECT a FROM t"


@contextmanager
def two(first: dict[str, Any], nodes: list[str]) -> Iterator[tuple[Rig, Rig]]:
    """Two clusters of one process on the same servers, in another order."""
    with farm(**first) as rig:
        others = {name: rig.servers[name] for name in nodes}
        yield rig, Rig(others, consistency="process")


def write(rig: Rig, autocommit: bool = True) -> None:
    connection = rig.connect(autocommit)
    connection.cursor().execute(WRITE)
    connection.commit()
    connection.close()


def read(rig: Rig) -> str:
    cursor = rig.connect(True).cursor()
    cursor.execute(READ)
    assert cursor.node is not None
    return str(cursor.node.name)


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("order", [["r2", "w", "r1"], ["w", "r1", "r2"], ["w", "r2"]])
@pytest.mark.parametrize("consistency", ["session", "process", "eventual", "strong"])
def test_a_write_by_another_configuration_is_seen(consistency, order, autocommit):
    with two({"consistency": consistency}, order) as (first, second):
        assert read(second) != "w"
        write(first, autocommit)
        assert read(second) == "w"


def test_a_write_before_the_cluster_was_made_is_seen():
    with farm() as rig:
        write(rig)
        assert read(Rig(rig.servers, consistency="process")) == "w"


def test_a_cluster_of_the_writer_alone_tells_too():
    with farm() as rig:
        alone = Rig({"w": rig.w}, consistency="session")
        second = Rig(rig.servers, consistency="process")
        assert read(second) != "w"
        write(alone)
        assert read(second) == "w"


def test_other_servers_are_not_concerned():
    with farm() as rig, fake.Server("x") as x, fake.Server("y", role="replica") as y:
        other = Rig({"x": x, "y": y}, consistency="process")
        write(rig)
        assert read(other) == "y"


def test_runtimes_of_other_servers_cost_nothing():
    with farm() as rig, fake.Server("x") as x:
        other = Rig({"x": x}, consistency="process")
        write(rig)
        assert rig.core.noted_writes == {0: ()}
        assert not other.core.process_wrote_at


def test_each_later_write_is_told_until_the_other_is_closed():
    with two({}, ["w", "r1"]) as (first, second):
        write(first)
        for _ in range(3):
            assert first.core.noted_writes.keys() == {0}
            second.core.process_wrote_at.clear()
            write(first)
            assert second.core.process_wrote_at.keys() == {0}
        second.core.close()
        second.core.process_wrote_at.clear()
        write(first)
        assert not second.core.process_wrote_at


def test_a_cluster_that_is_gone_is_not_kept_by_those_that_told_it():
    with farm() as rig:
        second = Rig(rig.servers, consistency="process")
        write(rig)
        [[(reference, _)]] = rig.core.noted_writes.values()
        assert reference() is second.core
        del second
        gc.collect()
        assert reference() is None


def test_writes_that_were_not_numbered_are_known_once_the_server_is():
    """Both have written since the first was numbered, and so has the first again."""
    with farm() as rig, fake.Server("x") as x, fake.Server("y", role="replica") as y:
        say(rig.core, system="1")
        other = Rig({"x": x, "y": y}, consistency="process")
        write(rig)
        write(other)
        write(rig)
        other.core.process_wrote_at.clear()
        say(other.core, system="1")
        assert other.core.process_wrote_at


def test_a_write_before_the_one_that_wrote_knew_its_server():
    with farm() as rig, fake.Server("x") as x, fake.Server("y", role="replica") as y:
        other = Rig({"x": x, "y": y}, consistency="process")
        say(other.core, system="1")
        write(rig)
        assert not other.core.process_wrote_at
        say(rig.core, system="1")
        assert other.core.process_wrote_at


def test_what_was_known_before_is_not_taken_for_a_new_write():
    """A new cluster knows of the write by the address, then by the server's name."""
    with farm() as rig:
        say(rig.core, system="1")
        write(rig)
        late = Rig(rig.servers, consistency="process")
        before = dict(late.core.process_wrote_at)
        assert before
        say(late.core, system="1")
        assert late.core.process_wrote_at == before


@pytest.mark.parametrize("is_told_first", [True, False])
def test_servers_that_say_who_they_are_later_are_known(is_told_first):
    """The same server by two names: its own name for itself tells so."""
    with farm() as rig, fake.Server("x") as x, fake.Server("y", role="replica") as y:
        other = Rig({"x": x, "y": y}, consistency="process")
        if is_told_first:
            say(rig.core, system="1")
            say(other.core, system="1")
        write(rig)
        assert bool(other.core.process_wrote_at) == is_told_first
        say(rig.core, system="1")
        say(other.core, system="1")
        write(rig)
        assert other.core.process_wrote_at


def test_a_write_before_it_was_known_whose_server_that_is():
    with farm() as rig, fake.Server("x") as x, fake.Server("y", role="replica") as y:
        say(rig.core, system="1")
        write(rig)
        other = Rig({"x": x, "y": y}, consistency="process")
        assert not other.core.process_wrote_at
        say(other.core, system="1")
        assert other.core.process_wrote_at


def say(core: Core, system: str) -> None:
    """Have each server of `core` tell its system."""
    [group] = core.topology.groups
    for view in group.nodes:
        assert view.answer is not None
        answer = view.answer._replace(system=system)
        core.publish(NodeAnswered(view.id, view.generation, answer, core.clock()))


def test_a_connection_of_its_own_session_only_is_not_concerned():
    with farm() as first:
        second = Rig(first.servers, consistency="session", reads="replica")
        write(first)
        assert read(second) != "w"


def test_a_closed_cluster_is_told_no_more():
    with farm() as rig:
        second = Rig(rig.servers, consistency="process")
        second.core.close()
        write(rig)
        assert not second.core.process_wrote_at


@pytest.mark.parametrize("is_made_later", [True, False])
def test_an_old_writer_is_known_to_all_when_one_knows_it(is_made_later):
    """The other one has never heard of the node that was promoted."""
    with farm() as rig:
        nodes = {"w": rig.w, "r2": rig.r2}
        if not is_made_later:
            other = Rig(nodes, failover_timeout="1s")
            write(other)
        promote(rig)
        if is_made_later:
            other = Rig(nodes, failover_timeout="1s")
        other.look()
        with pytest.raises(routedb.NoNodeError):
            write(other)
        write(rig)
        assert rig.r1.texts[-1] == WRITE


def test_one_that_is_closed_knows_nothing_any_more():
    with farm() as rig:
        promote(rig)
        rig.core.close()
        write(Rig({"w": rig.w, "r2": rig.r2}))


def test_other_servers_have_other_histories():
    with farm() as rig, fake.Server("x") as x, fake.Server("y", role="replica") as y:
        promote(rig)
        write(Rig({"x": x, "y": y}))


def test_the_new_writer_is_one_for_all():
    with farm() as rig:
        promote(rig)
        write(Rig({"r2": rig.r2, "r1": rig.r1}))
        assert WRITE in rig.r1.texts


def promote(rig: Rig) -> None:
    """Promote `r1`; the old writer goes on."""
    rig.r1.role = Role.WRITER
    rig.r1.history = "2"
    rig.look()
