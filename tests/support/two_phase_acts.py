"""What is done with transactions over several fake databases, interrupted at any line.

After each, and after a second one in the clean-up of the first: once recovery has gone
round, all databases have it or none has, nothing is prepared any more, what the program
was told is so, and the connection goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import routedb

# Not when it is used: the lines of an import that is interrupted come again, and again.
from routedb import run as run_transaction
from tests.support.fake_pair import Pair
from tests.support.inject import Injection


class Act(NamedTuple):
    """What is interrupted, in a transaction on databases of these names."""

    names: str
    before: Callable[[Pair, Any], object]
    do: Callable[[Pair, Any], object]
    autocommit: bool = False
    may_commit: bool = True


def write_all(world: Pair, connection: Any) -> None:
    world.transfer(connection, *world.servers)


def write_first(world: Pair, connection: Any) -> None:
    world.transfer(connection, "a")


def begin_and_write(world: Pair, connection: Any) -> None:
    connection.cursor().execute("BEGIN")
    write_all(world, connection)


def write_and_commit(world: Pair, connection: Any) -> None:
    """Also where recovery, which the core does by itself, has come in between."""
    for _ in range(20):
        world.forget()
        begin_and_write(world, connection)
        try:
            connection.commit()
            return
        except routedb.TransactionLost:
            continue
    raise AssertionError("it cannot be committed")


def write_to_a_savepoint(world: Pair, connection: Any) -> None:
    write_all(world, connection)
    connection.cursor().execute("SAVEPOINT s")
    world.transfer(connection, "b")


def commit(world: Pair, connection: Any) -> None:
    connection.commit()


def nothing(world: Pair, connection: Any) -> None:
    return


def run(world: Pair, connection: Any) -> None:
    run_transaction(connection, partial(write_all, world))


def texts(text: str) -> Callable[[Pair, Any], object]:
    return lambda world, connection: connection.cursor().execute(text)


ACTS = {
    "commit": Act("ab", write_all, commit),
    "commit of three": Act("abc", write_all, commit),
    "commit by text": Act("ab", begin_and_write, texts("COMMIT"), autocommit=True),
    "rollback": Act("abc", write_all, lambda _, c: c.rollback(), may_commit=False),
    "rollback by text": Act(
        "ab", begin_and_write, texts("ROLLBACK"), autocommit=True, may_commit=False
    ),
    "second write": Act(
        "ab", write_first, texts("UPDATE t_b SET v = 1"), may_commit=False
    ),
    "savepoint": Act("ab", write_all, texts("SAVEPOINT s"), may_commit=False),
    "rollback to": Act(
        "ab", write_to_a_savepoint, texts("ROLLBACK TO SAVEPOINT s"), may_commit=False
    ),
    "close": Act("ab", write_all, lambda _, c: c.close(), may_commit=False),
    "run()": Act("ab", nothing, run),
}


def has_committed(world: Pair, is_begun: bool = False) -> set[bool]:
    """Whether each database has committed anything since its log was emptied. With
    `is_begun` only `a` was written to before that; others count if they are since."""
    logs = {name: server.texts for name, server in world.servers.items()}
    return {
        any(text.startswith("COMMIT") for text in texts)
        for name, texts in logs.items()
        if not is_begun or name == "a" or any(t.startswith("UPDATE") for t in texts)
    }


def interrupt(
    world: Pair, act: Act, at: int, kind: type[BaseException], then: int = 0
) -> bool:
    """Interrupt `act` at its line event `at`, and `then` lines later again; check.
    False when it has fewer."""
    connection = world.connect(act.autocommit)
    write_and_commit(world, connection)
    act.before(world, connection)
    world.forget()
    injection = Injection(at, kind, then)
    came = injection.run(lambda: act.do(world, connection))
    try:
        injection.check_made(came)
        check(world, act, connection, is_done=came is None, again=at % 3)
    except BaseException as failure:
        raise AssertionError(f"{at}, {then}: {injection.place}") from failure
    finally:
        with suppress(routedb.Error):
            connection.close()
    return injection.has_fired_again if then else injection.has_fired


def check(world: Pair, act: Act, connection: Any, is_done: bool, again: int) -> None:
    told: bool | None = act.may_commit if is_done else None
    if not (is_done or connection.closed) and again:
        told = _end(connection, act, is_commit=again == 1)
    world.recover()
    assert world.prepared == {}
    if act.before is not write_first:  # the second may not have run, and that be enough
        assert len(has_committed(world)) == 1, "some have it, some have not"
    if told is not None:
        assert has_committed(world, act.before is write_first) == {told}
    if not connection.closed:
        connection.rollback()
        write_and_commit(world, connection)
        assert has_committed(world) == {True}
        assert world.prepared == {}
    for server in world.servers.values():
        for link in server.links:
            assert link.closed or not link.in_transaction


def _end(connection: Any, act: Act, is_commit: bool) -> bool | None:
    """Do what the program does next; return whether it is committed, None when that is
    not said."""
    if not is_commit:
        connection.rollback()
        return None if act.may_commit else False
    try:
        connection.commit()
    except routedb.TransactionLost:
        return False
    except routedb.OutcomeUnknown:
        return None
    return True if act.do is commit else None  # else not all may have been written
