"""The times behind a table: FOR SYSTEM_TIME … and FOR PORTION OF p FROM … TO ….

Their FROM, TO and AND begin no clause of the query, and no table is due behind them, so
the expressions between them are measured first: what follows the last is the table's
alias, or the next table, or a clause.
"""

from __future__ import annotations

from routedb.sql.parser.reader import QueryReader, State
from routedb.sql.scanner.keywords import word_set
from routedb.sql.scanner.lexer import (
    LITERAL,
    STRING,
    SYSTEM_VARIABLE,
    USER_VARIABLE,
    UnreadableStatement,
)

_VALUES = frozenset({LITERAL, STRING, USER_VARIABLE, SYSTEM_VARIABLE})
_WORD_OPERATORS = word_set("DIV MOD COLLATE")
_PREFIXES = word_set("BINARY TRANSACTION TIMESTAMP DATE TIME INTERVAL")
_NO_OPERATORS = frozenset({"", ",", ")", ";", "(", *_VALUES})


def read_period(reader: QueryReader) -> bool:
    """Read the period behind the table at whose FOR `reader` stands; False: none is."""
    upper, at = reader.upper, reader.at
    is_named = upper[at - 1] != ")"  # else it is behind a query in brackets
    if reader.frame.state is not State.TABLES:
        return False
    if upper[at + 1] == "SYSTEM_TIME":
        at += 2
    elif upper[at + 1 : at + 3] == ["PORTION", "OF"]:
        _, at = reader.tokens.read_name(at + 3)
    else:
        return False
    frame = reader.frame
    for word in _bounds(reader, at):
        reader.at = at + len(word.split())
        frame.state = State.EXPRESSION
        at = _expression_end(reader, reader.at)
        reader.read_until(at)
    reader.at = at + (upper[at] == "ALL")
    frame.state = State.TABLES
    alias = reader.alias()
    if alias and is_named and frame.scope.references:
        table, place, _ = frame.scope.references[-1]
        frame.scope.references[-1] = (table, place, alias)
    return True


def _bounds(reader: QueryReader, at: int) -> tuple[str, ...]:
    """Return the words before each bound of the period that begins at `at`."""
    upper = reader.upper
    if upper[at : at + 2] == ["AS", "OF"]:
        return ("AS OF",)
    if upper[at] == "(":  # PostgreSQL: PORTION OF p (range)
        return ("",)
    if upper[at] == "ALL":
        return ()
    if upper[at] in ("FROM", "BETWEEN"):
        return (upper[at], "TO" if upper[at] == "FROM" else "AND")
    raise UnreadableStatement(f"{reader.raw[at]!r} begins no period")


def _expression_end(reader: QueryReader, at: int) -> int:
    """Return where the expression ends that begins at `at`: operands, and operators
    between them."""
    upper, names = reader.upper, reader.names
    while True:
        at = _operand_end(reader, at)
        is_mark = names[at] is None and upper[at] not in _NO_OPERATORS
        if not (is_mark or upper[at] in _WORD_OPERATORS):
            return at
        at += 1


def _operand_end(reader: QueryReader, at: int) -> int:
    """Return where the operand ends that begins at `at`."""
    upper, names, close = reader.upper, reader.names, reader.tokens.close
    while names[at] is None and upper[at] not in _NO_OPERATORS:  # a sign
        at += 1
    if upper[at] == "INTERVAL" and upper[at + 1] != "(":  # and its unit
        return _expression_end(reader, at + 1) + 1
    if upper[at] in _PREFIXES and _begins_operand(reader, at + 1):
        return _operand_end(reader, at + 1)
    if upper[at] == "CASE":
        return _case_end(reader, at)
    if upper[at] == "(":
        return close[at] + 1
    if upper[at] in _VALUES:
        return at + 1
    name, end = reader.tokens.read_name(at)
    if name is None:
        raise UnreadableStatement(f"no expression begins at {reader.raw[at]!r}")
    if upper[end] == "(":
        return close[end] + 1
    return end + (upper[end] in (LITERAL, STRING))  # date'…', _utf8'…'


def _begins_operand(reader: QueryReader, at: int) -> bool:
    """Tell whether a value is named at `at`, so that the word before is no name."""
    word = reader.upper[at]
    return word in _VALUES or (reader.names[at] is not None and word != "TO")


def _case_end(reader: QueryReader, at: int) -> int:
    depth = 0
    while reader.upper[at]:
        depth += (reader.upper[at] == "CASE") - (reader.upper[at] == "END")
        at = reader.tokens.close.get(at, at) + 1
        if not depth:
            return at
    raise UnreadableStatement("CASE has no END")
