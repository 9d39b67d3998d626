"""Session objects that exist on one backend only: where, and when they end.

A temporary table, a lock, a LISTEN cannot be repeated on another link: statements that
need it must go where it is, and when that link is lost, so is it: an error says so.
On PostgreSQL and SQLite a rollback undoes what a transaction has made or dropped of
some kinds (the others last at once: PREPARE, session locks, CLOSE); MySQL undoes none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from routedb.session.savepoint_log import SavepointLog
from routedb.sql.session_objects import EVERY, RELATIONS, ObjectKind, SessionObject

# What a rollback undoes where it undoes anything: made, and dropped or ended.
UNDONE_FREED = frozenset({*RELATIONS, ObjectKind.LISTEN})
UNDONE_MADE = UNDONE_FREED | {ObjectKind.CURSOR}
# Their loss matters only to a statement that needs them.
_NOT_MISSED = frozenset({ObjectKind.VALUE, ObjectKind.RESULT})
# Names of the server's own catalogs, which list what a session has.
CATALOG = "pg_catalog"
_SHOWN_IN = {
    **dict.fromkeys(RELATIONS, CATALOG),
    ObjectKind.PREPARED: "pg_prepared_statements",
    ObjectKind.CURSOR: "pg_cursors",
}


class Pin(NamedTuple):
    """One session object that exists on one node only, as `connection.pins` shows it.

    `name` is None where the statement gave no identifier: the key of a lock is a value,
    and values are not shown.
    """

    kind: ObjectKind
    name: str | None
    node: str

    def __str__(self) -> str:
        return f"{SessionObject(self.kind, self.name or '')} on {self.node}"


class Held(NamedTuple):
    """A session object and its node. `key` tells locks apart and is never shown."""

    obj: SessionObject
    key: str
    node: int


class _Change(NamedTuple):
    held: Held
    before: int  # how often it was held


class Pins:
    """The session objects of one virtual connection. Threads may share it: loops run
    over copies.

    `version` goes up with every change. `names` are those of temporary relations, and
    of catalogs that list what is here.
    """

    __slots__ = (
        "_ending",
        "_gone",
        "_held",
        "_on_change",
        "last_insert_node",
        "lost",
        "names",
        "uncommitted",
        "version",
    )

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self._on_change = on_change  # called after every change
        self.version = 0
        self.names: frozenset[str] = frozenset()
        self.uncommitted: SavepointLog[_Change] = SavepointLog()
        self.lost: list[SessionObject] = []  # with their links, and not yet reported
        self._held: dict[Held, int] = {}  # the last one that was made stands last
        self._ending: set[Held] = set()  # ON COMMIT DROP
        self._gone: set[SessionObject] = (
            set()
        )  # lost; reported only to a statement that needs it
        # The node that ran the last INSERT, which may have given this session a key.
        self.last_insert_node = -1

    def __bool__(self) -> bool:
        return bool(self._held or self._gone or self.last_insert_node >= 0)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held))

    def hold(
        self,
        obj: SessionObject,
        node: int,
        key: str = "",
        is_undone: bool = False,
        is_ending: bool = False,
    ) -> None:
        """Note that `obj` was made on `node`, an id; `key` tells locks apart.

        `is_undone`: a rollback of the open transaction undoes it. `is_ending`: so does
        its commit.
        """
        held = Held(obj, key, node)
        count = self._held.pop(held, 0)
        if is_undone:
            self.uncommitted.add(_Change(held, count))
        if is_ending:
            self._ending.add(held)
            self.uncommitted.is_used = True  # there is something to end
        # Session locks are counted by the server too; the others are there or not.
        self._held[held] = count + 1 if obj.kind is ObjectKind.LOCK else 1
        self._gone = {gone for gone in self._gone if gone.kind is not obj.kind}
        self._changed()

    def free(
        self, obj: SessionObject, node: int, key: str = "", is_undone: bool = False
    ) -> None:
        """Note that `obj` on `node`, with this `key`, has ended, or with EVERY all of
        its kind; its loss is not reported any more.

        `is_undone`: a rollback of the open transaction brings it back.
        """
        self.lost = [lost for lost in self.lost if not _is_one_of(lost, obj)]
        for held in self.find(obj):
            is_meant = obj.name == EVERY or held.key == key
            if held.node == node and is_meant:
                count = self._held.pop(held, 0)
                if is_undone:
                    self.uncommitted.add(_Change(held, count))
                if count > 1 and obj.name != EVERY:
                    self._held[held] = count - 1
        self._changed()

    def find(self, obj: SessionObject) -> list[Held]:
        """Return what is held of this name, in the order it was made; without a name
        all that may be meant."""
        return [held for held in self if _is_one_of(held.obj, obj)]

    @property
    def listens(self) -> list[Held]:
        """The channels of LISTEN. Notifications come with the answers to statements,
        so reads must run where they arrive."""
        return self.find(SessionObject(ObjectKind.LISTEN)) if self._held else []

    @property
    def settings(self) -> list[Held]:
        """What was set under names that nobody knows. Any read may depend on it."""
        return self.find(SessionObject(ObjectKind.SETTING)) if self._held else []

    def node_of(self, obj: SessionObject, key: str = "") -> int:
        """Return the id of the node that has `obj` with this `key`, where a statement
        that needs it must run; -1 when none has."""
        found = self.find(obj)
        found = [held for held in found if held.key == key] or found
        if found:
            return found[-1].node
        return self.last_insert_node if obj.kind is ObjectKind.VALUE else -1

    def must_keep(self, node: int) -> bool:
        """Tell whether `node` has session objects that matter to statements which do
        not name them, so that its link must not be replaced."""
        return any(h.node == node and h.obj.kind not in _NOT_MISSED for h in self)

    def has_unread(self, node: int) -> bool:
        """Tell whether rows are still to be read from `node`."""
        return any(h.node == node for h in self.find(SessionObject(ObjectKind.UNREAD)))

    def is_gone(self, obj: SessionObject) -> bool:
        """Tell whether `obj`, which a statement needs, was lost with its link."""
        return SessionObject(obj.kind) in self._gone

    def lose(self, node: int) -> None:
        """Note that the link to `node` is lost, with all session objects there.

        What the open transaction has made there goes with the transaction.
        """
        if any(change.held.node == node for change in self.uncommitted.items):
            self.rollback()
        for held in self:
            if held.node == node:
                self._held.pop(held, None)
                if held.obj.kind in _NOT_MISSED:
                    self._gone.add(SessionObject(held.obj.kind))
                elif held.obj not in self.lost:
                    self.lost.append(held.obj)
        if self.last_insert_node == node:
            self.last_insert_node = -1
            self._gone.add(SessionObject(ObjectKind.VALUE))
        self._changed()

    def clear(self, node: int) -> None:
        """Note that the session on `node` was emptied: DISCARD ALL."""
        for held in self:
            if held.node == node:
                self._held.pop(held, None)
        self.last_insert_node = (
            -1 if self.last_insert_node == node else self.last_insert_node
        )
        self._gone.clear()
        self._changed()

    def pop_lost(self) -> str:
        """Return what was lost, as text for an error, and forget it."""
        named = ", ".join(sorted(map(str, self.lost)))
        self.lost.clear()
        self._changed()
        return named

    def commit(self) -> None:
        """Keep what the transaction did, except what ends with it."""
        self.uncommitted.pop_all()
        if self._ending:
            for held in self._ending:
                self._held.pop(held, None)
            self._ending.clear()
            self._changed()

    def rollback(self) -> None:
        """Undo what the transaction did."""
        self._undo(self.uncommitted.pop_all())
        self._ending.clear()

    def rollback_to(self, name: str) -> None:
        """Undo what was done since savepoint `name`."""
        self._undo(self.uncommitted.rollback_to(name))

    def _undo(self, changes: list[_Change]) -> None:
        for held, count in reversed(changes):
            self._held.pop(held, None)
            if count:
                self._held[held] = count
        if changes:
            self._changed()

    def _changed(self) -> None:
        self.version += 1
        objects = [held.obj for held in self]
        kinds = {obj.kind for obj in objects}
        names = {obj.name for obj in objects if obj.kind in RELATIONS}
        shown = {_SHOWN_IN[kind] for kind in kinds if kind in _SHOWN_IN}
        self.names = frozenset(names | shown)
        self._on_change()


def _is_one_of(held: SessionObject, meant: SessionObject) -> bool:
    """Tell whether `held` may be what a statement calls `meant`. Temporary relations
    share one space of names."""
    if held.kind in RELATIONS and meant.kind in RELATIONS:
        return meant.name in (held.name, EVERY)
    # Of a variable that is called by a string the name is not known: it may be any.
    names = ("", EVERY, held.name, *([meant.name] if not held.name else ()))
    return held.kind is meant.kind and meant.name in names
