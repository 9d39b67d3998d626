"""Which columns of a table a query in Spark's SQL may need.

Spark tells no source of Python's. A column that a text does not name anywhere is not
needed, unless something in it stands for all columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from routedb.integrations.spark.layout import Layout

_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_COUNTED = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)
# A star that is no multiplication, and what else has the columns of a whole table.
_ALL = re.compile(
    r"(?:\bselect|\bdistinct|\ball|[,.(])\s*\*|\bnatural\b|\btable\b|\|>|"
    r"\A(?!.*\bselect\b)",
    re.IGNORECASE | re.DOTALL,
).search


def columns_of(text: str, layout: Layout) -> tuple[str, ...]:
    """Return the columns of `layout` that the query `text` may need, at least one."""
    names = tuple(field.name for field in layout.fields)
    plain = _COUNTED.sub(" ", _COMMENT.sub(" ", text))
    if _ALL(plain):
        return names
    # A query of count(*) alone needs rows, and no column.
    return _named(names, plain) or (layout.primary_key or names)[:1]


def _named(names: Sequence[str], text: str) -> tuple[str, ...]:
    return tuple(name for name in names if is_named(name, text))


def is_named(name: str, text: str) -> bool:
    """Tell whether `name` is a word of `text`."""
    return (
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None
    )
