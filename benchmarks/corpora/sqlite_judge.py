"""What SQLite itself says of a statement, through its authorizer.

Each script runs in a database in memory, so that its tables are there when its later
statements are compiled. A statement is judged by what SQLite asks leave for when it
compiles it: it is a *read* when that is only to read, and to call functions that leave
nothing behind. Of pragmas those are reads that are given no value, or that only take
the name of a table.

The *tables* are those that it asks leave to read or change in the statement's own name,
not in that of a view or a trigger. Of a table that no column is taken from it asks
nothing, so others that are there and whose name is in the text may be named too, and of
definitions any. Those of statements that name a view, or change what foreign keys point
to, are not judged: there what is behind the text is asked for as well.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Sequence

from benchmarks.corpora.verdict import Name, Verdict

_OK, _DENY = sqlite3.SQLITE_OK, sqlite3.SQLITE_DENY
_ROWS = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
_READS = {
    *(sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION),
    sqlite3.SQLITE_RECURSIVE,
}
_NAMES_FIRST = {
    *(sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_TEMP_TABLE),
    *(sqlite3.SQLITE_CREATE_VIEW, sqlite3.SQLITE_CREATE_TEMP_VIEW),
    *(sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_TEMP_TABLE),
    *(sqlite3.SQLITE_DROP_VIEW, sqlite3.SQLITE_DROP_TEMP_VIEW),
    *(sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_DROP_VTABLE),
}
_NAMES_SECOND = {
    *(sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_TEMP_INDEX),
    *(sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_CREATE_TEMP_TRIGGER),
    sqlite3.SQLITE_ALTER_TABLE,
}
# White space and comments.
_LEAD = r"(?:\s|--[^\n]*\n|/\*[\s\S]*?\*/)*"
_ACTS = re.compile(
    rf"{_LEAD}(create|drop|alter|reindex|analyze|vacuum|detach|insert|replace|update|delete)\b",
    re.IGNORECASE,
).match
_DEFINES = re.compile(
    rf"{_LEAD}(explain\s+(query\s+plan\s+)?)?(create|drop|alter|reindex|analyze|vacuum)\b",
    re.IGNORECASE,
).match
_CHANGES = re.compile(r"\b(insert|replace|update|delete|drop)\b", re.IGNORECASE).search
_WITH = re.compile(r"\bwith\b", re.IGNORECASE).search
_EXPLAINS = re.compile(rf"{_LEAD}explain\b", re.IGNORECASE).match
_PRAGMA = re.compile(r"\bpragma\b", re.IGNORECASE).search
_IS_READING = re.compile(rf"{_LEAD}(select|values|with|explain)\b", re.IGNORECASE).match
_ATTACHES = re.compile(rf"{_LEAD}attach\b", re.IGNORECASE).match

# Every database has these; and what stands for a function is no table.
_OWN = re.compile(
    r"sqlite_\w+|pragma_\w+|json_each|json_tree|dbstat|generate_series|bytecode"
    r"|tables_used|completion|fsdir|\w*_tcl|carray\Z"
).match
_SCHEMAS = {
    *("sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"),
}
_SESSION_FUNCTIONS = {
    *("last_insert_rowid", "changes", "total_changes", "load_extension"),
    *("fts3_tokenizer", "optimize"),
}
# Given the name of a table, an index or a function, or a limit to their rows; or they
# pay no heed to a value.
_ASKING_PRAGMAS = {
    *("table_info", "table_xinfo", "table_list", "index_list", "index_info"),
    *("index_xinfo", "foreign_key_list", "foreign_key_check", "integrity_check"),
    *("quick_check", "freelist_count", "data_version", "page_count"),
}
_ACTING_PRAGMAS = {
    *("wal_checkpoint", "incremental_vacuum", "optimize", "shrink_memory"),
}
_RELATIONS = "SELECT lower(name) FROM {} WHERE type IN ('table', 'view')"
_VIEWS = "SELECT lower(name) FROM {} WHERE type = 'view'"
_LIMIT_S = 1.0


class SQLiteJudge:
    """Runs each script in a new database in memory."""

    def __init__(self) -> None:
        self._database: sqlite3.Connection | None = None
        self._has_keys = False
        self._relations: frozenset[str] | None = None
        self._views: frozenset[str] = frozenset()
        self._until = 0.0

    def start(self, script: Sequence[str]) -> None:
        """Open a new database for `script`."""
        self.close()
        # A statement kept by the driver would not be compiled again.
        database = sqlite3.connect(
            ":memory:", isolation_level=None, cached_statements=0
        )
        database.execute("PRAGMA hard_heap_limit = 200000000")
        database.set_progress_handler(self._is_late, 10_000)
        self._database = database
        self._has_keys = any("references" in text.lower() for text in script)
        self._relations = None

    def judge(self, text: str) -> Verdict | None:
        """Judge the next statement, and run it; None when SQLite refuses it."""
        if _ATTACHES(text):
            return None  # what a file of that name holds is nobody's business here
        seen = _Seen(has_ctes=_WITH(text) is not None)
        explained = text if _EXPLAINS(text) else f"EXPLAIN {text}"
        # What stands for a function is defined when it is first named.
        if not (self._run(explained, None) and self._run(explained, seen)):
            return None
        relations = self._named(text)
        if not _IS_READING(text) or seen.writes:
            self._run(text, None)
            self._relations = None
        tables = frozenset(seen.tables)
        is_indirect = relations & self._views or (self._has_keys and _CHANGES(text))
        return Verdict(
            self._is_read(text, seen),
            None if is_indirect or _PRAGMA(text) else tables,
            None if _DEFINES(text) else self._others(seen, relations),
        )

    def name(self, schema: str | None, name: str) -> Name:
        """Return the name alone: which database a bare one is in, is not said."""
        return None, name.lower()

    def close(self) -> None:
        """Close the database of the last script."""
        if self._database is not None:
            self._database.close()

    def _is_read(self, text: str, seen: _Seen) -> bool | None:
        if _EXPLAINS(text):  # nothing is run but what a pragma does at once
            return None if _PRAGMA(text) else True
        return False if _ACTS(text) else seen.is_read

    def _others(self, seen: _Seen, relations: frozenset[str]) -> frozenset[Name]:
        """Of a table that no column is taken from SQLite may ask nothing; and the one
        that lists the others has four names."""
        names = relations | seen.hidden | _SCHEMAS
        return frozenset((None, name) for name in names)

    def _named(self, text: str) -> frozenset[str]:
        """Return the tables and views that are there and whose name is in the text."""
        if self._relations is None:
            self._relations = self._ask(_RELATIONS)
            self._views = self._ask(_VIEWS)
        lower = text.lower()
        return frozenset(name for name in self._relations if name in lower)

    def _ask(self, sql: str) -> frozenset[str]:
        assert self._database is not None
        found: set[str] = set()
        for place in ("sqlite_master", "sqlite_temp_master"):
            try:
                rows = self._database.execute(sql.format(place))
                found.update(name for (name,) in rows if name)
            except sqlite3.Error:  # a schema that a test has damaged on purpose
                continue
        return frozenset(found)

    def _is_late(self) -> bool:
        return time.monotonic() > self._until

    def _run(self, text: str, seen: _Seen | None) -> bool:
        assert self._database is not None
        self._until = time.monotonic() + _LIMIT_S
        self._database.set_authorizer(seen.note if seen else _only_here)
        try:
            self._database.execute(text).fetchmany(1000)
        except sqlite3.ProgrammingError as problem:  # parameters without values
            return "binding" in str(problem).lower()
        except (sqlite3.Error, sqlite3.Warning, ValueError, ArithmeticError):
            return False
        except MemoryError:
            return False
        finally:
            self._database.set_authorizer(None)
        return True


def _only_here(action: int, *about: str | None) -> int:
    return _DENY if action == sqlite3.SQLITE_ATTACH else _OK


class _Seen:
    """What SQLite has asked leave for while it compiled one statement."""

    def __init__(self, has_ctes: bool) -> None:
        self.has_ctes = has_ctes
        self.tables: set[Name] = set()
        self.hidden: set[str] = set()  # of views and triggers
        self.is_read: bool | None = True
        self.writes = False

    def note(
        self,
        action: int,
        first: str | None,
        second: str | None,
        schema: str | None,
        by: str | None,
    ) -> int:
        if action == sqlite3.SQLITE_ATTACH:
            return _DENY
        if action == sqlite3.SQLITE_PRAGMA:
            self._pragma((first or "").lower(), second)
        elif action not in _READS:
            self.is_read = False
            self.writes = True
        elif action == sqlite3.SQLITE_FUNCTION and second in _SESSION_FUNCTIONS:
            self.is_read = False
        if action == sqlite3.SQLITE_READ or action in _ROWS or action in _NAMES_FIRST:
            # Of a table without a column's name; that is asked of an expression too.
            is_whole = action == sqlite3.SQLITE_READ and not second and self.has_ctes
            self._table(first, by or is_whole)
        elif action in _NAMES_SECOND:
            self._table(second, by)
        return _OK

    def _pragma(self, name: str, value: str | None) -> None:
        if name in _ACTING_PRAGMAS or (
            value is not None and name not in _ASKING_PRAGMAS
        ):
            self.is_read = False
            self.writes = True

    def _table(self, name: str | None, by: str | bool | None) -> None:
        if name is None:
            return
        if by or _OWN(name.lower()):
            self.hidden.add(name.lower())
        else:
            self.tables.add((None, name.lower()))
