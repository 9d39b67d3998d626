"""What the runner says when it cannot answer exactly."""

from __future__ import annotations

from routedb import errors
from routedb.routing.plan import ParsedText
from routedb.sql.scanner.shape import may_depend


class NotMerged(Exception):  # noqa: N818  (never leaves this package)
    """The rows that came cannot be merged exactly; the text says why."""


class NamedByRows(NotMerged):
    """A column is called after a text that has rows in it."""


class NotOwn(NotMerged):
    """Values have to be looked at that the program makes: where the rest is worked out
    over the rows as they are stored, they need not be."""


def not_merged(refusal: errors.Error, exc: NotMerged) -> errors.Error:
    """Return the error `refusal` with what `exc` says added."""
    return type(refusal)(f"{refusal}. It is not merged, either: {exc}")


def check_reading(text: ParsedText) -> None:
    """Raise NotMerged where the session's settings decide what is a literal and what is
    a name in `text`: planning reads texts as sessions usually do."""
    dialect, lexis = text.plan.dialect, text.scan.dialect
    if lexis != dialect and may_depend(text.source, dialect):
        raise NotMerged(
            "sql_mode or standard_conforming_strings changes what its quotes mean; set "
            "it back, or write the text without backslashes and double quotes"
        )
