"""What each word of a query does to the reader that meets it."""

from __future__ import annotations

from routedb.sql.parser.periods import read_period
from routedb.sql.parser.reader import Handlers, QueryReader, State
from routedb.sql.parser.variables import system_variable, user_variable
from routedb.sql.scanner.keywords import (
    BEFORE_TABLE,
    ENDS_FROM,
    NO_ALIAS,
    QUERY_STARTS,
    word_set,
)
from routedb.sql.scanner.lexer import (
    LITERAL,
    STRING,
    SYSTEM_VARIABLE,
    USER_VARIABLE,
    UnreadableStatement,
)
from routedb.sql.session_objects import ObjectKind
from routedb.sql.statement import Kind, SessionEffect

_CHANGES = word_set("INSERT REPLACE UPDATE DELETE MERGE")


def _open(reader: QueryReader) -> None:
    frame = reader.frame
    following = reader.upper[reader.at + 1]
    if frame.state is State.CTES:  # ( SELECT … ) behind WITH …
        frame.state = State.EXPRESSION
    if following in QUERY_STARTS and not _is_word(reader):
        reader.open(State.EXPRESSION, is_query=True)
    elif frame.state is State.TABLE:
        reader.open(State.TABLE, is_query=True)
    else:
        reader.open(State.EXPRESSION, is_query=False)


def _is_word(reader: QueryReader) -> bool:
    """`(replace(x, …`, `(merge, …`, `ONLY (values)`: a name, not a statement."""
    word, following = reader.upper[reader.at + 1 : reader.at + 3]
    if word == "VALUES" and following == "(":
        return False
    is_change = word in _CHANGES or word == "VALUES"
    return is_change and reader.names[reader.at + 2] is None


def _close(reader: QueryReader) -> None:
    if not reader.frames:
        raise UnreadableStatement("a bracket is closed that was not opened")
    closed = reader.frame
    reader.frame = reader.frames.pop()
    reader.at += 1
    if closed.cte:
        reader.frame.scope.ctes[closed.cte] = reader.at
    elif reader.frame.state is State.TABLE:  # a derived table or a bracketed join
        reader.frame.state = State.TABLES
        if reader.upper[reader.at] not in NO_ALIAS:
            reader.alias()


def _comma(reader: QueryReader) -> None:
    frame = reader.frame
    reader.at += 1
    if frame.state is State.CTES:
        frame.state = State.CTE
    elif frame.state in (State.TABLES, State.ON):
        frame.state = State.TABLE


def _with(reader: QueryReader) -> None:
    reader.at += 1
    is_called_so = reader.is_cte(reader.at)
    is_recursive = reader.upper[reader.at] == "RECURSIVE" and not is_called_so
    if not reader.is_cte(reader.at + is_recursive):
        return
    reader.at += is_recursive
    if reader.frame.verb in _CHANGES:
        reader.enter()
    # SQLite takes RECURSIVE for granted: each may name itself and those behind it.
    reader.frame.scope.is_recursive |= is_recursive or reader.dialect == "sqlite"
    reader.frame.state = State.CTE
    reader.frame.is_query = True


def _select(reader: QueryReader) -> None:
    reader.frame.state = State.EXPRESSION
    reader.frame.is_query = True
    if reader.frame.verb in ("", "WITH", "("):
        reader.frame.verb = "SELECT"
    reader.at += 1


def _verb(reader: QueryReader) -> None:
    """A data-modifying verb counts only behind its common table expressions."""
    if reader.frame.state is State.CTES:
        reader.frame.state = State.EXPRESSION
        reader.begin()
    elif reader.upper[reader.at + 1] == "(":
        reader.name()  # the function insert() or replace()
    else:
        reader.at += 1


def _table(reader: QueryReader) -> None:
    reader.at += 1
    frame = reader.frame
    before = reader.upper[reader.at - 2] if reader.at > 1 else ""
    if (before in BEFORE_TABLE or frame.state is State.CTES) and reader.names[
        reader.at
    ] is not None:
        frame.state = State.TABLE


_ENDS = ("FIRST", "LAST")  # of a window's rows


def _from(reader: QueryReader) -> None:
    upper, at = reader.upper, reader.at
    reader.at += 1
    is_distinct = upper[at - 1] == "DISTINCT" and upper[at - 2] in ("IS", "NOT")
    if upper[at + 1] in _ENDS and _counts_from(reader, at):
        reader.at = upper.index("OVER", at) + 1
    elif reader.frame.is_query and not is_distinct:
        reader.frame.state = State.TABLE


def _counts_from(reader: QueryReader, at: int) -> bool:
    """Tell MySQL's `NTH_VALUE(a, 2) FROM FIRST OVER w` from a table of that name."""
    following = reader.upper[at + 2 :]
    is_over = following[0] == "OVER" or following[1:3] == ["NULLS", "OVER"]
    return is_over and reader.dialect == "mysql"


def _join(reader: QueryReader) -> None:
    reader.at += 1
    if reader.frame.state in (State.TABLES, State.ON):
        reader.frame.state = State.TABLE


def _on(reader: QueryReader) -> None:
    reader.at += 1
    if reader.upper[reader.at] in ("CONFLICT", "DUPLICATE") and (
        reader.frame.verb in ("INSERT", "REPLACE")
    ):
        reader.frame.state = State.EXPRESSION
        reader.frame.scope = reader.frame.own
        reader.at += 1
    elif reader.frame.state is State.TABLES:
        reader.frame.state = State.ON


def _using(reader: QueryReader) -> None:
    reader.at += 1
    if reader.frame.state is State.TABLES:
        reader.skip_bracket()


def _when(reader: QueryReader) -> None:
    reader.at += 1
    if reader.upper[reader.at] == "MATCHED" or reader.upper[reader.at + 1] == "MATCHED":
        reader.frame.state = State.EXPRESSION


def _ends_from(reader: QueryReader) -> None:
    reader.frame.clause = reader.upper[reader.at]
    reader.frame.state = State.EXPRESSION
    reader.at += 1


def _set(reader: QueryReader) -> None:
    """SET of a change; that of SEARCH and CYCLE is behind WITH; a function; a name."""
    if reader.frame.state is State.CTES:
        reader.at += 1
    elif reader.frame.verb == "SELECT" or (
        reader.upper[reader.at + 1] == "(" and not _follows_update(reader)
    ):
        reader.name()
    else:
        _ends_from(reader)


def _follows_update(reader: QueryReader) -> bool:
    """`UPDATE t SET (a, b) = …`, `DO UPDATE SET (a, b) = …`."""
    is_first = reader.frame.verb == "UPDATE" and reader.frame.state is State.TABLES
    return is_first or reader.upper[reader.at - 1] == "UPDATE"


def _values(reader: QueryReader) -> None:
    reader.at += 1
    if reader.frame.state is State.CTES:
        reader.frame.state = State.EXPRESSION


def _returning(reader: QueryReader) -> None:
    reader.builder.is_returning |= not reader.frames
    reader.frame.scope = reader.frame.own
    _ends_from(reader)


def _as(reader: QueryReader) -> None:
    """Behind AS stands an alias with columns, a type with its length, or a window;
    a type also behind a cast's ::."""
    reader.at += 1
    if reader.names[reader.at] is not None:
        _, reader.at = reader.tokens.read_name(reader.at)
    elif reader.frame.clause == "WINDOW":
        return
    reader.skip_bracket()


def _skip_word(reader: QueryReader) -> None:
    """ONLY, LATERAL: nothing but a word before a table."""
    reader.at += 1


def _rows(reader: QueryReader) -> None:
    """`ROWS FROM (f(…), g(…))`: calls, not tables."""
    is_calls = reader.upper[reader.at + 1 : reader.at + 3] == ["FROM", "("]
    if reader.frame.state is State.TABLE and is_calls:
        reader.at += 2
        reader.frame.state = State.TABLES
        reader.open(State.EXPRESSION, is_query=False)
    else:
        reader.name()


_LOCKS = word_set("UPDATE SHARE NO KEY")


def _for(reader: QueryReader) -> None:
    if read_period(reader):
        return
    reader.at += 1
    if reader.upper[reader.at] in ("JOIN", "ORDER", "GROUP"):  # USE INDEX FOR JOIN (i)
        reader.at += 1 + (reader.upper[reader.at + 1] == "BY")
        reader.skip_bracket()
        return
    if reader.upper[reader.at] not in _LOCKS or not reader.frame.is_query:
        return
    reader.builder.mark(Kind.LOCK, "locks rows")
    reader.frame.state = State.EXPRESSION
    while reader.upper[reader.at] in _LOCKS:
        reader.at += 1


def _before(reader: QueryReader) -> None:
    """MariaDB's DELETE HISTORY FROM t BEFORE SYSTEM_TIME …"""
    if reader.upper[reader.at + 1] == "SYSTEM_TIME" and reader.frame.verb == "DELETE":
        reader.at += 2
        reader.frame.state = State.EXPRESSION
    else:
        reader.name()


def _lock(reader: QueryReader) -> None:
    if reader.upper[reader.at + 1 : reader.at + 4] == ["IN", "SHARE", "MODE"]:
        reader.builder.mark(Kind.LOCK, "locks rows")
        reader.frame.state = State.EXPRESSION
        reader.at += 3
    reader.at += 1


def _into(reader: QueryReader) -> None:
    """SELECT … INTO: a new table on PostgreSQL, variables or a file on MySQL."""
    reader.at += 1
    if reader.frame.verb in _CHANGES or not reader.frame.is_query:
        return
    into = _into_table if reader.dialect == "postgresql" else _into_variables
    into(reader)


_BEFORE_INTO = word_set("TEMPORARY TEMP UNLOGGED TABLE LOCAL GLOBAL")
# Behind one of these words they say that it is the name: all are reserved.
_AFTER_INTO = {"", ".", ")"} | word_set(
    "FROM WHERE GROUP HAVING WINDOW ORDER LIMIT OFFSET FETCH FOR UNION INTERSECT EXCEPT"
)


def _into_table(reader: QueryReader) -> None:
    upper = reader.upper
    is_temporary = False
    reader.builder.mark(Kind.DDL, "creates a table")
    while upper[reader.at] in _BEFORE_INTO and upper[reader.at + 1] not in _AFTER_INTO:
        if upper[reader.at].startswith("TEMP"):
            reader.builder.touch(SessionEffect.TEMP)
            is_temporary = True
        reader.at += 1
    table = reader.name_at()
    reader.builder.write(table)
    if is_temporary or table.schema == "pg_temp":
        reader.builder.hold(ObjectKind.TABLE, table.name)


def _into_variables(reader: QueryReader) -> None:
    if reader.upper[reader.at] in ("OUTFILE", "DUMPFILE"):
        reader.builder.mark(Kind.WRITE, "writes a file on the server")
    else:
        reader.builder.mark(Kind.READ, "sets variables")
        reader.builder.touch(SessionEffect.VARIABLE)
        while reader.upper[reader.at] in (USER_VARIABLE, ","):
            if reader.upper[reader.at] == USER_VARIABLE:
                reader.builder.hold(ObjectKind.VARIABLE, reader.raw[reader.at].lower())
            reader.at += 1
    reader.frame.state = State.EXPRESSION


def _literal(reader: QueryReader) -> None:
    """No literal is a table, except SQLite's 'name', which a shape does not hold.

    Nor may a parameter be one: what the driver puts there cannot be seen.
    """
    if reader.frame.state is State.TABLE:
        raise UnreadableStatement("a literal or a parameter stands for a table")
    reader.at += 1


def _in(reader: QueryReader) -> None:
    """SQLite takes a table without brackets: `x IN t`, `x IN documents('term')`."""
    reader.at += 1
    if reader.dialect == "sqlite" and reader.names[reader.at] is not None:
        table, end = reader.tokens.read_name(reader.at)
        if table is not None and reader.upper[end] == "(":
            reader.virtual_table(table, reader.at)
        elif table is not None:
            reader.frame.scope.references.append((table, reader.at, ""))
            reader.at = end


def _escape(reader: QueryReader) -> None:
    """ODBC's `{oj a LEFT JOIN b}`, `{fn now()}`: a word that says what follows."""
    reader.at += 1 + (reader.names[reader.at + 1] is not None)


def _found_rows(reader: QueryReader) -> None:
    reader.at += 1
    if reader.dialect == "mysql":
        reader.builder.mark(Kind.READ, "counts rows for FOUND_ROWS()")
        reader.builder.touch(SessionEffect.VARIABLE)


def _value(reader: QueryReader) -> None:
    """MariaDB's NEXT VALUE FOR s and PREVIOUS VALUE FOR s."""
    if reader.upper[reader.at + 1 : reader.at + 3] != ["VALUE", "FOR"]:
        reader.name()
        return
    is_next = reader.upper[reader.at] == "NEXT"
    kind = Kind.WRITE if is_next else Kind.READ
    reader.builder.mark(
        kind, f"asks for the {reader.raw[reader.at]} value of a sequence"
    )
    reader.builder.touch(SessionEffect.VARIABLE)
    (reader.builder.hold if is_next else reader.builder.need)(ObjectKind.VALUE)
    reader.at += 3


WORD_HANDLERS: Handlers = {
    "(": _open,
    ")": _close,
    ",": _comma,
    "::": _as,
    "WITH": _with,
    "SELECT": _select,
    "VALUES": _values,
    "TABLE": _table,
    "FROM": _from,
    "JOIN": _join,
    "STRAIGHT_JOIN": _join,
    "ON": _on,
    "USING": _using,
    "WHEN": _when,
    "AS": _as,
    "IN": _in,
    "ONLY": _skip_word,
    "LATERAL": _skip_word,
    "ROWS": _rows,
    "FOR": _for,
    "LOCK": _lock,
    "BEFORE": _before,
    "INTO": _into,
    "INSERT": _verb,
    "REPLACE": _verb,
    "UPDATE": _verb,
    "DELETE": _verb,
    "MERGE": _verb,
    LITERAL: _literal,
    STRING: _literal,
    "{": _escape,
    "SQL_CALC_FOUND_ROWS": _found_rows,
    "NEXT": _value,
    "PREVIOUS": _value,
    USER_VARIABLE: user_variable,
    SYSTEM_VARIABLE: system_variable,
    **dict.fromkeys(ENDS_FROM, _ends_from),
    "RETURNING": _returning,
    "SET": _set,
}
