"""Lists of names: columns, types and options in brackets, tables behind commas."""

from __future__ import annotations

from routedb.sql.scanner.keywords import QUERY_STARTS, word_set
from routedb.sql.scanner.lexer import LITERAL, STRING, Tokens

_MARKS = frozenset({",", ".", "*", "=", "-", "+", LITERAL, STRING})


def names_end(tokens: Tokens, at: int) -> int:
    """Return the end of the bracket that opens at `at`, if it holds nothing to be read.

    That is names, types with their lengths and literals, all of `tokens`: no call, no
    query, no operator. Else `at` is returned, for the caller to read what is in there.
    """
    upper, names, close = tokens.upper, tokens.names, tokens.close
    end = close[at]
    first = at + 1
    if upper[first] in QUERY_STARTS and upper[first + 1] not in (",", ")"):
        return at
    place = first
    while place < end:
        if names[place] is not None or upper[place] in _MARKS:
            place += 1
        elif upper[place] == "(" and _is_length(tokens, place):
            place = close[place] + 1
        elif upper[place].startswith("&") and upper[place + 1] == "(":
            place += 1
        else:
            return at
    return end + 1


def _is_length(tokens: Tokens, at: int) -> bool:
    """Tell `a numeric(10, 2)`, `b text[]`, `c[1]` from a call and its arguments."""
    upper, names = tokens.upper, tokens.names
    inside = range(at + 1, tokens.close[at])
    if upper[at - 1].endswith("&"):  # of a subscript
        return all(upper[place] in _BOUNDS for place in inside)
    if any(upper[place] not in _BOUNDS and names[place] is None for place in inside):
        return False
    start = at - 1
    while upper[start - 1] == ".":
        start -= 2
    while upper[start - 1] in _TYPE_WORDS:
        start -= 1
    return names[start - 1] is not None and upper[start - 2] in ("(", ",")


# "^" stands for the colon of `[1:2]`, and figures may be left as they are written.
_BOUNDS = frozenset({",", "-", "^", LITERAL, STRING})
# Those before the bracket of `a timestamp(3) with time zone`, `b character varying(5)`.
_TYPE_WORDS = word_set("NATIONAL CHARACTER CHAR BIT INTERVAL DAY HOUR MINUTE TO")
