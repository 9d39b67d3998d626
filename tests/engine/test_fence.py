"""An old writer, overtaken by a promotion: nothing of ours ends there as done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import routedb
from routedb.adapters import fake
from routedb.topology.snapshot import Role
from tests.support.fake_rig import Rig, farm, node_of

WRITE = "INSERT INTO t VALUES (1)"


@pytest.fixture
def rig() -> Iterator[Rig]:
    with farm() as rig:
        yield rig


def promote(rig: Rig) -> None:
    """Promote `r1`; the old writer takes writes all the while."""
    rig.r1.role = Role.WRITER
    rig.r1.history = "2"


def test_a_transaction_of_before_the_promotion_is_rolled_back_at_its_commit(rig):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(WRITE)
    assert node_of(cursor) == "w"
    promote(rig)
    rig.look()
    rig.forget()
    with pytest.raises(routedb.TransactionLost, match="w is not the writer any more"):
        connection.commit()
    assert rig.logs() == {"w": ["ROLLBACK"]}
    check_usable(rig, connection)


def test_one_that_wrote_nothing_ends_as_ever(rig):
    connection = rig.connect(autocommit=False)
    connection.cursor().execute("SELECT a FROM t FOR UPDATE")
    connection.rollback()
    connection.cursor().execute("SELECT a FROM t")
    promote(rig)
    rig.look()
    connection.commit()


@pytest.fixture
def promoted_during(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the promotion happen and be seen while the old writer is at work on a text:
    it was paused, and goes on."""

    def during(text: str) -> None:
        use = fake.Link.use

        def late(link: fake.Link, sent: str, params: Any = None) -> None:
            use(link, sent, params)
            if sent == text:
                monkeypatch.undo()
                promote(rig)
                rig.look()

        monkeypatch.setattr(fake.Link, "use", late)

    return during


def test_a_write_that_the_old_writer_acknowledges_is_not_believed(rig, promoted_during):
    connection = rig.connect()
    cursor = connection.cursor()
    promoted_during(WRITE)
    with pytest.raises(routedb.OutcomeUnknown, match="w acknowledged INSERT"):
        cursor.execute(WRITE)
    check_usable(rig, connection)


def test_nor_is_a_commit(rig, promoted_during):
    connection = rig.connect(autocommit=False)
    connection.cursor().execute(WRITE)
    promoted_during("COMMIT")
    with pytest.raises(routedb.OutcomeUnknown, match="w acknowledged the commit"):
        connection.commit()
    check_usable(rig, connection)


def check_usable(rig, connection):
    rig.forget()
    cursor = connection.cursor()
    cursor.execute(WRITE)
    connection.commit()
    assert node_of(cursor) == "r1"
    assert WRITE not in rig.w.texts
    assert rig.core.loads == [0] * len(rig.core.nodes)


def test_new_work_goes_to_the_new_writer_at_once(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute(WRITE)
    promote(rig)
    rig.look()
    cursor.execute(WRITE)
    assert node_of(cursor) == "r1"
