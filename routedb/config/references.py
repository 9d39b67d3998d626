"""References between tables: what a foreign key would say where no database can."""

from __future__ import annotations

import re

from routedb.config.document import Document, Path
from routedb.config.mask import mask_name
from routedb.config.model import KeyColumns, Reference

_NAME = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|[^\s."`(),]+)'
_TABLE = rf"{_NAME}(?:\.{_NAME})?"
_LISTED = re.compile(rf"({_TABLE})\s*\(\s*({_NAME}(?:\s*,\s*{_NAME})*)\s*\)")
_DOTTED = re.compile(rf"({_TABLE})\.({_NAME})")
_EACH = re.compile(_NAME)


def build(document: Document) -> tuple[Reference, ...]:
    """Return the references of `document`, in the order of the file.

    Raises ConfigError for a text that names no columns, and for two sides of which one
    has more columns than the other.
    """
    found = []
    for child, parent in document.filled.get("references", {}).items():
        path: Path = ("references", child)
        if not isinstance(parent, str):
            document.refuse(path, 'expected a string such as "customers.id"')
        reference = Reference(
            _columns(document, path, child), _columns(document, path, parent)
        )
        if len(reference.child.columns) != len(reference.parent.columns):
            document.refuse(
                path,
                f"{child} are {len(reference.child.columns)} columns, {parent} are "
                f"{len(reference.parent.columns)}",
                found=False,
            )
        found.append(reference)
    return tuple(found)


def recorded(child: str, parent: str) -> Reference | None:
    """Return the reference that was recorded as these two texts, which are as in the
    configuration: `child` and `parent`; None where they are not."""
    sides = [_LISTED.fullmatch(text) for text in (child, parent)]
    keys = [KeyColumns(m[1], tuple(_EACH.findall(m[2]))) for m in sides if m]
    if len(keys) < len(sides) or len(keys[0].columns) != len(keys[1].columns):
        return None
    return Reference(*keys)


def _columns(document: Document, path: Path, text: str) -> KeyColumns:
    """Read `table.column`, or `table(column, column)`."""
    match = _LISTED.fullmatch(text.strip()) or _DOTTED.fullmatch(text.strip())
    if match is None:
        document.refuse(
            path,
            f"{mask_name(text)!r} names no columns: write table.column, or "
            "table(column, column); a schema may stand before the table",
            found=False,
        )
    return KeyColumns(match[1], tuple(_EACH.findall(match[2])))
