"""Ask a group's writer what became of a transaction whose commit was not answered.

The query has a connection of its own: the virtual connection's links have settings and
transactions of the user's. All waiting ends at `failover_timeout`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from routedb import errors
from routedb.adapters.base import Commits, Raw
from routedb.adapters.start_thread import start_thread
from routedb.config.mask import mask
from routedb.engine.links.find_node import cannot_open
from routedb.engine.links.links import Links
from routedb.engine.shared.error_origin import is_from_program
from routedb.session import Action, CommitOutcome, Moment, outcome_of
from routedb.topology.commit_status import CommitNote, StatusReply

_PAUSE_S = 0.05  # between two queries
# A session that has not noticed the end of its client stays in its transaction until
# the server's keep-alive ends it, in hours. It gets this long to run what was sent.
_GRACE_S = 1.0

Verdict = tuple[CommitOutcome, str]  # with the reason, for an error


def ask(links: Links, group: int, note: CommitNote) -> Verdict:
    """Return the outcome of the transaction in `note`, and the reason as text.

    `group` is the id of the group whose writer is asked, `links` are the connection's.
    Without an answer in time the outcome is UNKNOWN.
    """
    core = links.core
    database = core.config.databases[core.groups[group].database]
    return _Inquiry(
        links, group, note, core.clock() + database.failover_timeout_s
    ).run()


class _Inquiry:
    def __init__(
        self, links: Links, group: int, note: CommitNote, deadline: float
    ) -> None:
        self._links = links
        self._core = links.core
        self._group = group
        self._note = note
        self._deadline = deadline
        self._patience_ends = self._core.clock() + _GRACE_S
        self._has_ended_it = False
        self._last = "no writer has answered"

    def run(self) -> Verdict:
        while True:
            try:
                node = self._core.await_writer(self._group, self._deadline)
            except errors.Error as exc:
                return CommitOutcome.UNKNOWN, str(exc)
            try:
                verdict = self._ask(node)
            except Exception as exc:
                if is_from_program(exc):
                    raise
                action = cannot_open(self._links, node, exc, Moment.FINDING_WRITER)
                self._last = mask(str(exc)).strip()
                if action is not Action.AWAIT_WRITER:
                    return (
                        CommitOutcome.UNKNOWN,
                        f"{self._name(node)} does not say: {self._last}",
                    )
            else:
                if verdict is not None:
                    return verdict
            if self._core.clock() >= self._deadline:
                return CommitOutcome.UNKNOWN, f"failover_timeout is over: {self._last}"
            self._pause()

    def _ask(self, node: int) -> Verdict | None:
        """Ask one node until the outcome is final; None: time is over, or it is no
        writer now."""
        with self._asking(node) as (commits, raw):
            while self._core.clock() < self._deadline:
                seen = commits.sight(raw, self._note)
                if seen is None:
                    self._last = f"{self._name(node)} is not the writer now"
                    return None
                found = outcome_of(self._note, seen)
                if found is not CommitOutcome.PENDING:
                    return self._conclude(found, seen, self._name(node))
                self._last = f"it is still in progress on {self._name(node)}"
                if self._core.clock() >= self._patience_ends:
                    self._has_ended_it |= commits.end(raw, self._note)
                self._pause()
        return None

    def _conclude(self, found: CommitOutcome, seen: StatusReply, name: str) -> Verdict:
        said = f"{name} says of transaction {self._note.xid} {seen.status.value!r}"
        if found is CommitOutcome.COMMITTED and self._has_ended_it:
            # It had got the commit at the last moment after all, and may have been cut
            # short in waiting for its synchronous replica.
            return CommitOutcome.UNKNOWN, f"{said}, but its session was ended meanwhile"
        if found is CommitOutcome.UNKNOWN:
            said += ", which proves nothing here: that id may be another transaction's"
        return found, said

    @contextmanager
    def _asking(self, node: int) -> Iterator[tuple[Commits, Raw]]:
        """Open a connection that is shut down when time is over."""
        core = self._core
        config = core.nodes[node]
        adapter = core.adapter(config)
        commits = adapter.commits
        assert commits is not None  # it has noted the transaction
        database = core.config.databases[config.database]
        left_s = self._deadline - core.clock()
        raw = alarm = None
        try:
            raw = adapter.connect(config, min(database.connect_timeout_s, left_s))
            alarm = threading.Timer(max(left_s, 0.0), adapter.interrupt, [raw])
            alarm.daemon = True
            start_thread(alarm)
            yield commits, raw
        finally:
            if alarm is not None:
                alarm.cancel()  # before the socket's number can be another's
            if raw is not None:
                adapter.close(raw)

    def _pause(self) -> None:
        until = min(self._deadline, self._core.clock() + _PAUSE_S)
        self._core.await_news(self._core.topology.version, until)

    def _name(self, node: int) -> str:
        return self._core.nodes[node].name
