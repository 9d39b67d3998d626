"""Texts that may read the clock without saying so, and are refused then.

`now()` and its like are asked once and stand in the text as values: see `moments`,
which knows `'today'::date` as well. What is left depends on types that the text does
not say.
"""

from __future__ import annotations

import re

from sqlglot import exp

from routedb.planner.moments import HIDDEN
from routedb.planner.references import References
from routedb.planner.source_text import refuse

# Where a literal beside a column of texts is a text.
_COMPARING = (exp.Binary, exp.In, exp.Between, exp.Tuple)
_TEXTS = ("text", "character", '"char"', "name", "citext", "bpchar", "varchar")
# Calls of SQLite with a literal of three letters, and its quotes.
_WITH_THREE_LETTERS = re.compile(
    r"\b(date|time|datetime|julianday|strftime|unixepoch|timediff)\s*\("
    r"[^()]*\x01\x02{4}",
    re.IGNORECASE,
).finditer
_OF_NO_TIME = re.compile(r"\bstrftime\s*\(\s*\x01\x02*\s*\)", re.IGNORECASE).search


def check_clock(references: References) -> None:
    """Raise `Refused` for what may read the clock in the text of `references`."""
    check = _CHECKS.get(references.text.dialect)
    if check is not None:
        check(references)


def _postgresql(references: References) -> None:
    tree = references.text.tree
    for call in tree.find_all(exp.Anonymous):
        if call.name.lower() == "age" and len(call.expressions) == 1:
            refuse(
                "reads the clock",
                "age(x) is counted up to today: write age(CURRENT_DATE, x)",
            )
    for literal in tree.find_all(exp.Literal):
        if (
            literal.is_string
            and HIDDEN(literal.this)
            and not _is_text(references, literal)
        ):
            refuse(
                "reads the clock",
                f"'{literal.this}' may be a time by the clock: say its type, as in "
                f"'{literal.this}'::date",
            )


def _is_text(references: References, literal: exp.Literal) -> bool:
    parent = literal.parent
    if isinstance(parent, exp.Alias | exp.Select | exp.Like | exp.ILike | exp.DPipe):
        return True
    if isinstance(parent, exp.Cast):
        return parent.is_type("text", "varchar", "char")
    if not isinstance(parent, _COMPARING):
        return False
    columns = list(parent.find_all(exp.Column))
    return bool(columns) and all(_is_of_texts(references, each) for each in columns)


def _is_of_texts(references: References, column: exp.Column) -> bool:
    name = references.names.column(column.this)
    types = [use.by_name[name].type for use in references.uses if name in use.by_name]
    return bool(types) and all(type_.startswith(_TEXTS) for type_ in types)


def _sqlite(references: References) -> None:
    """What is left of 'now' beside the time that `moments` knows."""
    code, source = references.text.masked.code, references.text.source
    for call in _WITH_THREE_LETTERS(code):
        if source[call.end() - len("'now'") : call.end()].lower() == "'now'":
            refuse("reads the clock", f"'now' in {call[1]}(): write CURRENT_TIMESTAMP")
    if _OF_NO_TIME(code):
        refuse("reads the clock", "strftime() of no time is that of the clock")


_CHECKS = {"postgresql": _postgresql, "sqlite": _sqlite}
