"""Ask SQLite whether a read may do more by what it names.

From every name in the text the views of these names are followed. A function or a
collation of the program's own, and a table of a module that is not known, may do
anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from routedb.sql.scanner.names import names_in

_SCHEMAS = "SELECT name FROM pragma_database_list"
_OBJECTS = (
    "SELECT lower(name), sql FROM {}.sqlite_master WHERE type IN ('table', 'view')"
)
_OWN_FUNCTIONS = (
    "SELECT lower(name) FROM pragma_function_list GROUP BY 1 HAVING min(builtin) = 0"
)
_OWN_COLLATIONS = (
    "SELECT lower(name) FROM pragma_collation_list "
    "WHERE lower(name) NOT IN ('binary', 'nocase', 'rtrim')"
)
_strings = re.compile(r"'((?:[^']|'')+)'").findall  # which may be names in a view
_MODULES = frozenset({"fts3", "fts4", "fts5", "rtree", "rtree_i32", "geopoly"})
_module_of = re.compile(
    r"\s*CREATE\s+VIRTUAL\s+TABLE\b.*?\bUSING\s+(\w+)", re.IGNORECASE | re.DOTALL
).match

Ask = Callable[[str], list[tuple[Any, ...]]]


def is_plain(ask: Ask, text: str) -> bool:
    """Tell whether a read of `text`, without literals, certainly writes nothing. `ask`
    runs a query and returns its rows; what it raises goes through."""
    objects: dict[str, list[str]] = {}
    for (schema,) in ask(_SCHEMAS):
        quoted = '"' + str(schema).replace('"', '""') + '"'
        for name, sql in ask(_OBJECTS.format(quoted)):
            objects.setdefault(name, []).append(sql or "")
    own = {name for (name,) in ask(_OWN_FUNCTIONS)}
    own |= {name for (name,) in ask(_OWN_COLLATIONS)}
    names, seen = names_in(text), set[str]()
    while new := names - seen:
        seen |= new
        if own & new:
            return False
        for sql in (sql for name in new for sql in objects.get(name, ())):
            found = _module_of(sql)
            if found is None:
                names |= names_in(sql)
                names |= {each.replace("''", "'").lower() for each in _strings(sql)}
            elif found[1].lower() not in _MODULES:
                return False
    return True
