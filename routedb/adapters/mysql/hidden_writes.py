"""Ask the catalog of MySQL or MariaDB whether a read may have written by what it names.

From every name in the text, in whatever schema, the views and stored routines of these
names are read, and every name in their texts is followed in turn. A routine that
declares that it may write, or whose body cannot be seen or has a word that writes, ends
the search; so does a built-in function that does not only read, one that is loaded, and
a table that is another server's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from routedb.sql.classifier import Classifier
from routedb.sql.scanner.names import calls_in, names_in
from routedb.sql.statement import Statement, Table

# Engines that keep their rows on this server.
_ENGINES = (
    "InnoDB",
    "MyISAM",
    "Aria",
    "MEMORY",
    "ARCHIVE",
    "CSV",
    "BLACKHOLE",
    "MRG_MyISAM",
    "ROCKSDB",
    "PERFORMANCE_SCHEMA",
    "SEQUENCE",
)
_READING = ("NO SQL", "READS SQL DATA")  # what a routine declares that only reads
# Declarations bind nobody: what a body does is told by its words.
_WRITING = frozenset(
    [
        "insert",
        "update",
        "delete",
        "replace",
        "call",
        "load",
        "truncate",
        "create",
        "drop",
        "alter",
        "rename",
        "prepare",
        "execute",
        "nextval",
        "setval",
        "next",
        "get_lock",
        "release_lock",
        "release_all_locks",
        "outfile",
        "dumpfile",
        "lock",
        "handler",
        "last_insert_id",
        "import",
    ]
)

_COMMENT = re.compile(r"/\*.*?\*/|(?:--|#)[^\n]*", re.DOTALL).sub

# Each has a list of names as its parameter.
_OWN_SCHEMAS = "('information_schema', 'performance_schema', 'mysql', 'sys')"
_VIEWS = f"""
SELECT view_definition FROM information_schema.views
WHERE table_name IN %s AND table_schema NOT IN {_OWN_SCHEMAS}
"""  # noqa: S608  (constants)
_ROUTINES = f"""
SELECT routine_name, routine_type, sql_data_access, routine_definition
FROM information_schema.routines
WHERE routine_name IN %s AND routine_schema NOT IN {_OWN_SCHEMAS}
"""  # noqa: S608
_REMOTE = """
SELECT count(*) FROM information_schema.tables
WHERE table_name IN %s AND engine IS NOT NULL AND engine NOT IN %s
"""
_KNOWN = """
SELECT table_schema, table_name FROM information_schema.tables WHERE table_name IN %s
"""

Ask = Callable[[str, Sequence[Any]], Iterable[tuple[Any, ...]]]


def is_plain(ask: Ask, text: str, tables: Sequence[Table]) -> bool:
    """Tell whether a read of `text`, without literals, that names `tables` certainly
    writes nothing. `ask` runs a query with parameters and returns its rows; what it
    raises goes through."""
    if not _are_known(ask, tables):
        return False
    names, calls = names_in(text), calls_in(text)
    seen: set[str] = set()
    while new := names - seen:
        seen |= new
        if list(ask(_REMOTE, (sorted(new), _ENGINES))) != [(0,)]:
            return False
        texts = _texts_behind(ask, new, calls & new)
        if texts is None:
            return False
        for each in texts:
            names |= names_in(each)
            # A comment may stand before the parenthesis of a call, or have the call.
            calls |= calls_in(each) | calls_in(_COMMENT(" ", each))
    return True


def _are_known(ask: Ask, tables: Sequence[Table]) -> bool:
    if not tables:
        return True
    rows = list(ask(_KNOWN, (sorted({table.name for table in tables}),)))
    schemas = {(str(schema).lower(), str(name).lower()) for schema, name in rows}
    names = {name for _, name in schemas}
    return all(
        table.name.lower() in names
        if table.schema is None
        else (table.schema.lower(), table.name.lower()) in schemas
        for table in tables
    )


def _texts_behind(ask: Ask, names: set[str], calls: set[str]) -> list[str] | None:
    """Return the texts of the views and routines of these names; None when one of them
    may write, or cannot be seen."""
    texts = []
    for (definition,) in ask(_VIEWS, (sorted(names),)):
        statement = _read_of(definition)
        # A view runs with its definer's rights, but shows what this user may see.
        if statement is None or not _are_known(ask, statement.tables):
            return None
        functions = {function.name.lower() for function in statement.asks}
        if not functions <= _routines(ask, functions):
            return None
        texts.append(definition)
    for name, kind, access, body in ask(_ROUTINES, (sorted(names),)):
        if kind == "FUNCTION" and name.lower() not in calls:
            continue  # a column of that name
        if kind == "PROCEDURE":
            continue  # a read calls none
        if access not in _READING or not body or names_in(body) & _WRITING:
            return None
        texts.append(body)
    return texts


def _read_of(definition: str) -> Statement | None:
    """Return what a view reads; None where it is no read, or is not shown to this
    user."""
    classifier = _classifier()
    statement = classifier.statement(classifier.scan(definition))
    return statement if statement.read_only or statement.asks else None


def _routines(ask: Ask, names: set[str]) -> set[str]:
    """Return those that are stored: a function that is loaded from a library is not."""
    if not names:
        return set()
    return {row[0].lower() for row in ask(_ROUTINES, (sorted(names),))}


@cache
def _classifier() -> Classifier:
    return Classifier("mysql")
