"""What is done with a connection to fake servers, interrupted at any line.

The servers keep what was committed, so that what comes afterwards is compared with what
was there: our state is the server's, whatever the program does next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import pytest

import routedb
from routedb.adapters import fake
from tests.support.fake_rig import farm
from tests.support.inject import Injection


class Books:
    """What each fake server has committed, and what its links have open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.committed: list[tuple[str, str]] = []
        self.open: dict[fake.Link, list[tuple[str, str]]] = {}
        use, end = fake.Link.use, fake.Link.end
        books = self

        def used(link, text, params=None):
            for piece in text.split("; "):
                use(link, piece, params)
                books.note(link, piece)

        def ended(link, text):
            use(link, text)
            link.in_transaction = False
            books.note(link, text)

        assert end is not ended
        monkeypatch.setattr(fake.Link, "use", used)
        monkeypatch.setattr(fake.Link, "end", ended)

    def note(self, link: fake.Link, text: str) -> None:
        pending = self.open.setdefault(link, [])
        if text.startswith("INSERT"):
            pending.append((link.server.name, text))
        if not link.in_transaction:
            if not text.startswith("ROLLBACK"):
                self.committed += pending
            pending.clear()

    @property
    def pending(self) -> list[tuple[str, str]]:
        return [
            each for link, some in self.open.items() if not link.closed for each in some
        ]

    def forget(self) -> None:
        self.committed.clear()
        self.open.clear()


@contextmanager
def kept_books() -> Iterator[Books]:
    """Have fake servers keep books."""
    with pytest.MonkeyPatch.context() as patch:
        yield Books(patch)


def check(connection, is_twice=False):
    """What links have open is the transaction's; nothing else is open anywhere. After
    two signals, `is_twice`, a branch's link may be dropped."""
    session = connection.session
    branches = set(session.transaction.branches.values())
    known = {link.raw: link for link in session.links}
    for server in fake.SERVERS.values():
        for raw in server.links:
            if raw.in_transaction and not raw.closed:
                assert known.get(raw) in branches, f"{server.name} has one open"
    for link in branches:
        if is_twice and link.raw.closed:
            continue
        assert link in set(session.links)
        assert not link.raw.closed
        assert link.raw.in_transaction or not link.raw.mode.autocommit


class Act(NamedTuple):
    """What is interrupted, and how the connection came there."""

    autocommit: bool
    before: tuple[str, ...]
    what: str


ACTS = {
    "commit": Act(False, ("INSERT INTO t VALUES (1)",), "commit()"),
    "commit of a read": Act(False, ("SELECT 1",), "commit()"),
    "commit of a setting": Act(
        False, ("SET a = 1", "INSERT INTO t VALUES (1)"), "commit()"
    ),
    "commit while handling": Act(
        False, ("INSERT INTO t VALUES (1)",), "commit() while handling an error"
    ),
    "rollback": Act(False, ("INSERT INTO t VALUES (1)",), "rollback()"),
    "commit text": Act(True, ("BEGIN", "INSERT INTO t VALUES (1)"), "COMMIT"),
    "rollback text": Act(True, ("BEGIN", "INSERT INTO t VALUES (1)"), "ROLLBACK"),
    "commit text, implicit": Act(False, ("INSERT INTO t VALUES (1)",), "COMMIT"),
    "chain": Act(True, ("BEGIN", "INSERT INTO t VALUES (1)"), "COMMIT AND CHAIN"),
    "begin text": Act(True, (), "BEGIN"),
    "first write": Act(False, (), "INSERT INTO t VALUES (1)"),
    "first write after BEGIN": Act(True, ("BEGIN",), "INSERT INTO t VALUES (1)"),
    "write": Act(False, ("INSERT INTO t VALUES (0)",), "INSERT INTO t VALUES (1)"),
    "write in a text transaction": Act(
        True, ("BEGIN", "INSERT INTO t VALUES (0)"), "INSERT INTO t VALUES (1)"
    ),
    "autocommit write": Act(True, (), "INSERT INTO t VALUES (1)"),
    "autocommit write again": Act(
        True, ("INSERT INTO t VALUES (0)",), "INSERT INTO t VALUES (1)"
    ),
    "autocommit read": Act(True, (), "SELECT a FROM t"),
    "autocommit read again": Act(True, ("SELECT a FROM t",), "SELECT a FROM t"),
    "savepoint": Act(False, ("INSERT INTO t VALUES (0)",), "SAVEPOINT s"),
    "rollback to": Act(
        False, ("INSERT INTO t VALUES (0)", "SAVEPOINT s"), "ROLLBACK TO s"
    ),
    "release": Act(False, ("INSERT INTO t VALUES (0)", "SAVEPOINT s"), "RELEASE s"),
    "setting": Act(True, (), "SET a = 1"),
    "setting in a transaction": Act(False, ("INSERT INTO t VALUES (0)",), "SET a = 1"),
    "temporary table": Act(True, (), "CREATE TEMP TABLE z (i int)"),
    "several statements": Act(True, (), "BEGIN; INSERT INTO t VALUES (1); COMMIT"),
    "several, one left open": Act(True, (), "BEGIN; INSERT INTO t VALUES (1)"),
    "many": Act(True, (), "executemany INSERT INTO t VALUES (1)"),
    "many in a transaction": Act(
        False, ("INSERT INTO t VALUES (0)",), "executemany INSERT INTO t VALUES (1)"
    ),
    "autocommit on": Act(False, (), "autocommit = True"),
    "autocommit off": Act(True, (), "autocommit = False"),
}


def commit_while_handling(connection):
    """The error that is being handled has nothing to do with the commit."""
    try:
        raise fake.OperationalError("of another connection")
    except fake.OperationalError:
        connection.commit()


def do(connection, cursor, what):
    """Do it as a program would."""
    if what == "commit()":
        connection.commit()
    elif what == "commit() while handling an error":
        commit_while_handling(connection)
    elif what == "rollback()":
        connection.rollback()
    elif what.startswith("executemany "):
        cursor.executemany(what.partition(" ")[2], [(1,), (2,)])
    elif what.startswith("autocommit = "):
        connection.autocommit = what.endswith("True")
    else:
        cursor.execute(what)


AFTERMATHS = ["rollback", "again", "go on", "close"]


def go_on(books, connection, cursor, act, aftermath, is_twice=False):
    """After the exception: whatever the program does next, nothing is lost that it was
    told of, nothing comes back that was undone."""
    was = list(books.committed)
    if aftermath == "close":
        connection.close()
        assert books.committed == was
        return
    if aftermath == "rollback":
        connection.rollback()
        assert books.committed == was
    elif aftermath == "again" and act.what.startswith("commit()"):
        _commit_again(books, connection, act, is_twice)
        connection.rollback()
        was = list(books.committed)
    check(connection, is_twice)
    _write(books, connection, cursor, was)


def _commit_again(books, connection, act, is_twice):
    texts = [text for text in act.before if text.startswith("INSERT")]
    try:
        connection.commit()
    except routedb.TransactionLost:
        assert not books.committed
    except routedb.OutcomeUnknown:
        assert is_twice, "a fake link always tells"
    else:
        assert [text for _, text in books.committed] == texts


def _write(books, connection, cursor, was):
    """The next write and commit leave just that, or are refused."""
    try:
        cursor.execute("INSERT INTO t VALUES (9)")
    except routedb.Error:
        connection.rollback()
        check(connection)
        cursor.execute("INSERT INTO t VALUES (9)")
    pending = books.pending
    connection.commit()
    assert not books.pending
    assert books.committed == was + pending or books.committed == [
        *was,
        ("w", "INSERT INTO t VALUES (9)"),
    ]
    assert ("w", "INSERT INTO t VALUES (9)") in books.committed
    check(connection)
    connection.rollback()
    cursor.execute("SELECT a FROM t")
    assert cursor.node.name == "w"


def interrupt(books, act, at, kind, aftermath, then=0):
    """Raise `kind` at line event `at` of the act, and again `then` lines later where
    that is not 0; False when it has fewer."""
    books.forget()
    with farm() as rig:
        connection = rig.connect(act.autocommit)
        cursor = connection.cursor()
        if act.what[0].isupper():
            connection.session.learn(act.what)  # reading texts changes no state
        for text in act.before:
            do(connection, cursor, text)
        injection = Injection(at, kind, then)
        came = injection.run(lambda: do(connection, cursor, act.what))
        if not injection.has_fired or (then and not injection.has_fired_again):
            return False
        try:
            injection.check_made(came)
            came = None
            if not then:  # what a second signal leaves in frames, the collector takes
                injection.check_freed()
            check(connection, bool(then))
            go_on(books, connection, cursor, act, aftermath, bool(then))
        except BaseException as failure:
            raise AssertionError(f"{at}, {then}: {injection.place}") from failure
        with suppress(routedb.Error):
            connection.close()
    return True
