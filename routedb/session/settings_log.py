"""The session settings that every link of a connection must have, and in what order.

`SET` and similar statements run on one link; the text is kept here and run on the other
links, those open now and those opened later, before their next statement. On PostgreSQL
a SET inside a transaction is undone by its rollback (manual, SET), so it counts only
from the commit on; a rollback to a savepoint undoes what was set since. MySQL and
SQLite settings hold at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from routedb.session.savepoint_log import SavepointLog


class Setting(NamedTuple):
    """One text to run on every link of its engine."""

    engine: str
    sql: str
    params: Any = None
    names: tuple[str, ...] = ()  # what it sets; () or ("*",) when that is not certain
    database: str | None = None  # only links of this database (USE); None: all
    isolation: str | None = None  # the default level that it has set, if it has


class Clear(NamedTuple):
    """A text that resets what was set on an engine, except some names."""

    engine: str
    sql: str
    keeps: frozenset[str] = frozenset()
    names: tuple[str, ...] = ("*",)


class SettingsLog:
    """The replay log of one virtual connection. Its owner holds the lock.

    `version` goes up with every change; a link that carries an older number needs
    `since(engine, database, number)` before its next statement.
    """

    __slots__ = (
        "_cleared",
        "_log",
        "_on_change",
        "has_untold_later",
        "is_set_later",
        "set_later",
        "uncommitted",
        "version",
    )

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self._on_change = on_change  # called when the version goes up
        self.version = 0
        self._log: list[tuple[int, Setting]] = []
        self.uncommitted: SavepointLog[Setting | Clear] = (
            SavepointLog()
        )  # what the transaction has set
        self._cleared: dict[str, int] = {}
        # Something is prepared, or declared, that sets values once it runs; and the
        # names of the user's own among them.
        self.is_set_later = False
        self.set_later: tuple[str, ...] = ()
        self.has_untold_later = False  # or under a name that its text does not tell

    def add(self, setting: Setting, transactional: bool) -> None:
        """Note `setting`, which has run; a `transactional` one counts after
        `commit()`."""
        if transactional:
            self.uncommitted.add(setting)
        else:
            self._append(setting)

    def add_later(self, names: tuple[str, ...], are_all: bool) -> None:
        """Note that something sets values once it runs, these names among them;
        `are_all`: there are no others of the user's own."""
        self.is_set_later = True
        self.has_untold_later = self.has_untold_later or not are_all
        self.set_later = tuple(dict.fromkeys((*self.set_later, *names)))

    def clear(self, clear: Clear, transactional: bool = False) -> None:
        """Forget what was set on an engine, and run the text of `clear` on every open
        link.

        A `transactional` one counts after `commit()`. For DISCARD ALL, and for RESET
        ALL, which keeps the role (PostgreSQL manual, RESET). A link opened later has
        nothing to reset and gets only what is kept.
        """
        if transactional:
            self.uncommitted.add(clear)
        else:
            self._clear(clear)

    def commit(self) -> None:
        """Make what the transaction set count."""
        for change in self.uncommitted.pop_all():
            if isinstance(change, Clear):
                self._clear(change)
            else:
                self._append(change)

    def rollback(self) -> None:
        """Drop what the transaction set."""
        self.uncommitted.pop_all()

    def since(self, engine: str, database: str, version: int) -> list[Setting]:
        """Return what a link that has run all up to `version` must still run.

        `engine` and `database` are the link's; `version` is -1 for a new link.
        """
        start = self._cleared.get(engine, 0) if version < 0 else version
        return [
            s
            for v, s in self._log
            if v > start and s.engine == engine and s.database in (None, database)
        ]

    @property
    def isolation(self) -> str | None:
        """The default isolation level that was set last, None when none was."""
        if not self._log:
            return None
        levels = [s.isolation for _, s in self._log if s.isolation is not None]
        return levels[-1] if levels else None

    def touches(self, name: str) -> bool:
        """Tell whether a text that has run may have set `name`."""
        logged = [setting for _, setting in self._log]
        return any(
            {name, "*"} & set(s.names) for s in (*logged, *self.uncommitted.items)
        )

    def _clear(self, clear: Clear) -> None:
        engine, log = clear.engine, self._log
        kept = [s for _, s in log if s.engine == engine and clear.keeps & set(s.names)]
        self._log = [(v, s) for v, s in log if s.engine != engine]
        self._append(Setting(engine, clear.sql))
        self._cleared[engine] = self.version
        for setting in kept:
            self._append(setting)

    def _append(self, setting: Setting) -> None:
        if setting.names and "*" not in setting.names:
            self._log = [
                (v, s)
                for v, s in self._log
                if (s.engine, s.database, s.names)
                != (setting.engine, setting.database, setting.names)
            ]
        self.version += 1
        self._log.append((self.version, setting))
        self._on_change()
