"""Names of tables and functions among the tokens, folded as the dialect folds."""

from __future__ import annotations

from collections.abc import Callable

from routedb.sql.scanner.lexer import LITERAL, QUOTED, Tokens
from routedb.sql.statement import Table


def _lower_ascii(name: str) -> str:
    """Fold as PostgreSQL does in UTF-8: letters beyond ASCII stay what they are."""
    return (
        name.lower()
        if name.isascii()
        else "".join(c.lower() if c.isascii() else c for c in name)
    )


def _as_written(name: str) -> str:
    return name


# Unquoted, and quoted. MySQL's names of databases and tables are case-sensitive on
# Linux; SQLite's never are, quoted or not.
_FOLD: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "postgresql": (_lower_ascii, _as_written),
    "mysql": (_as_written, _as_written),
    "sqlite": (_lower_ascii, _lower_ascii),
}


def is_name(token: str) -> bool:
    """Tell whether a token of `Tokens.upper` is a word or a quoted name.

    A word may begin with a digit on MySQL; a number is LITERAL, whatever it was.
    """
    first = token[:1]
    return (
        first.isalpha()
        or token == QUOTED
        or first == "_"
        or (first.isdigit() and token != LITERAL)
    )


def folded_name(tokens: Tokens, at: int, dialect: str) -> str:
    """Return the name at `at` as the database knows it."""
    return fold_identifier(
        tokens.raw[at], dialect, is_quoted=tokens.upper[at] == QUOTED
    )


def fold_identifier(word: str, dialect: str, *, is_quoted: bool) -> str:
    """Return a name, written in quotes or not, as the database knows it."""
    return _FOLD[dialect][is_quoted](word)


def read_name(tokens: Tokens, at: int, dialect: str) -> tuple[Table | None, int]:
    """Return the dotted name that begins at `at`, and where it ends.

    Of three words the first names PostgreSQL's own database, and says nothing.
    """
    upper = tokens.upper
    if not is_name(upper[at]):
        return None, at
    words = [folded_name(tokens, at, dialect)]
    at += 1
    while upper[at] == "." and (is_name(upper[at + 1]) or upper[at + 1] == "0"):
        words.append(folded_name(tokens, at + 1, dialect))
        at += 2
    return Table(words[-2] if len(words) > 1 else None, words[-1]), at
