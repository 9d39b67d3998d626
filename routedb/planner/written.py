"""A statement that writes what a query reads, taken apart: INSERT … SELECT.

The query goes its own way over the groups; what stands before and after it is sent to
the one group that the target is on, around the rows that came. Only the text is
divided: no part of it is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from routedb.errors import ShardError
from routedb.planner.pieces import NAME, QUERY, Token, piece, tokens_of
from routedb.planner.plans import Bound, Refusal, Slot, Written
from routedb.planner.source_text import Refused, SourceText, read_source, refuse
from routedb.sharding.analysis.column_scope import NameFolding
from routedb.sharding.rewrite.masking import MaskedText, mask
from routedb.sql import scan
from routedb.sql.scanner.identifiers import fold_column

_ANY_NAME = rf"(?:{NAME}|`[^`]+`)"
_HEAD = re.compile(
    r"\s*(?:(?:OR\s+\w+|IGNORE|LOW_PRIORITY|HIGH_PRIORITY)\s+)?(?:INTO\s+)?"
    rf"({_ANY_NAME}(?:\s*\.\s*{_ANY_NAME})?)(?:\s+AS\s+{_ANY_NAME})?"
    rf"()\s*(?:\(((?:\s*{_ANY_NAME}\s*,)*\s*{_ANY_NAME}\s*)\)\s*)?"
    r"(?:OVERRIDING\s+\w+\s+VALUE\s*)?",
    re.IGNORECASE,
).fullmatch
_QUOTES = frozenset('"`')
_CONFLICT = re.compile(r"\bON\s+(?:CONFLICT|DUPLICATE)\b", re.IGNORECASE).search
_VALUES = frozenset({"VALUES", "VALUE", "SET", "DEFAULT"})
_CONFLICTS = frozenset({"CONFLICT", "DUPLICATE"})
_STRINGS = (exp.Null, exp.RawString, exp.ByteString)


def parts_of(source: str, dialect: str) -> Written | Refusal | None:
    """Return the parts of an INSERT or REPLACE: see `routedb.planner.take_apart`, which
    has `source` and `dialect` as well."""
    try:
        return _parts_of(source, dialect)
    except Refused as exc:
        return exc.refusal
    except ShardError as exc:
        return Refusal("unknown grammar", str(exc))


def _parts_of(source: str, dialect: str) -> Written | None:
    masked = mask(source, scan(source, dialect))
    tokens = tokens_of(masked)
    verb = next((t for t in tokens if t.depth == 0 and _is_verb(t)), None)
    if verb is None:
        return None
    start = _query_start(tokens[tokens.index(verb) + 1 :])
    if start is None:
        return None
    end = _query_end([t for t in tokens if t.start >= start], len(source))
    query = piece(masked, start, end)
    before, after = piece(masked, verb.start, start), piece(masked, end, len(source))
    if tokens[0] is not verb:
        if dialect == "mysql":
            refuse("unknown grammar", "MySQL has no WITH before INSERT")
        head = _leading(tokens, verb, masked)
        if "SELECT" in masked.code[end:].upper():
            refuse("WITH", "a query after ON CONFLICT or RETURNING may name its WITH")
        query = Bound(f"{head.sql} {query.sql}", (*head.slots, *query.slots))
    if dialect == "mysql":
        _check_duplicates(after.sql)
    text = read_source(query.sql, dialect)
    target, columns, listed_at = _target(source[verb.end : start], dialect)
    untyped = tuple(_untyped(text, query))
    divides = text.tree.find(exp.Div, exp.IntDiv, exp.Avg) is not None
    listed_at += verb.end - verb.start
    return Written(before, query, after, untyped, target, columns, divides, listed_at)


def _is_verb(token: Token) -> bool:
    return token.word in ("INSERT", "REPLACE")


def _query_start(tokens: Sequence[Token]) -> int | None:
    """Return where the query begins in what follows the verb. A list of columns in
    brackets begins with no such word."""
    for number, token in enumerate(tokens):
        if token.depth == 0 and token.word in _VALUES:
            return None
        if token.depth == 0 and token.word in QUERY:
            return token.start
        if token.depth == 0 and token.word == "(":
            rest = [each.word for each in tokens[number + 1 :]]
            first = next((word for word in rest if word != "("), "")
            if first in QUERY:
                return token.start
    return None


def _query_end(tokens: Sequence[Token], length: int) -> int:
    for number, token in enumerate(tokens):
        if token.depth:
            continue
        following = tokens[number + 1].word if number + 1 < len(tokens) else ""
        is_conflict = token.word == "ON" and following in _CONFLICTS
        if is_conflict or token.word in ("RETURNING", ";"):
            return token.start
    return length


def _target(head: str, dialect: str) -> tuple[str, tuple[str, ...] | None, int]:
    """Return the table that is named between the verb and the query, as it is written,
    the columns after it, folded, and where these would stand; ("", None, 0) where that
    is not understood."""
    found = _HEAD(head)
    if found is None:
        return "", None, 0
    listed = found[3]
    if listed is None:
        return found[1], None, found.end(2)
    names = (_column(name.strip(), dialect) for name in listed.split(","))
    return found[1], tuple(names), found.end(2)


def _column(name: str, dialect: str) -> str:
    mark = name[0]
    is_quoted = mark in _QUOTES
    plain = name[1:-1].replace(mark * 2, mark) if is_quoted else name
    return fold_column(plain, dialect, is_quoted=is_quoted)


def _leading(tokens: Sequence[Token], verb: Token, masked: MaskedText) -> Bound:
    first = tokens[0]
    if first.word != "WITH":
        refuse("unknown grammar", "what stands before its first word is not understood")
    return piece(masked, first.start, verb.start)


def _check_duplicates(after: str) -> None:
    """Refuse what may name a column of the query in ON DUPLICATE KEY UPDATE: there
    those of its tables are to be seen, too, and of the rows that came they are not."""
    text = read_source(f"INSERT INTO t SELECT 1 {after}", "mysql")
    conflict = text.tree.args.get("conflict")
    for column in () if conflict is None else conflict.find_all(exp.Column):
        is_assigned = column.parent is not None and column.arg_key == "this"
        if text.slot(column) is None and not (
            is_assigned and isinstance(column.parent, exp.EQ)
        ):
            name = column.sql(dialect="mysql")
            refuse("ON DUPLICATE KEY", f"{name} may be the query's: VALUES() is clear")


def assigned_columns(after: str, dialect: str) -> frozenset[str] | Refusal | None:
    """Return the columns that a conflict gives other values than those that were to be
    inserted: see `routedb.planner.assigned_on_conflict`, which has `after` and
    `dialect` as well."""
    if not _CONFLICT(after):
        return None
    try:
        text = read_source(f"INSERT INTO t SELECT 1 {after}", dialect)
        conflict = text.tree.args.get("conflict")
        if conflict is None:
            refuse("ON CONFLICT", "what is done about a conflict is not understood")
        return frozenset(_assigned(conflict.expressions or (), dialect))
    except Refused as exc:
        return exc.refusal


def _assigned(nodes: Sequence[exp.Expr], dialect: str) -> Iterator[str]:
    names = NameFolding(dialect)
    for node in nodes:
        target = node.this if isinstance(node, exp.EQ) else None
        if not isinstance(target, exp.Column | exp.Identifier):
            refuse("ON CONFLICT", "SET of something that is no column")
        column = target.this if isinstance(target, exp.Column) else target
        name = names.column(column)
        value = node.expression
        is_same = False
        if isinstance(value, exp.Column) and value.args.get("table") is not None:
            is_proposed = value.args["table"].name.lower() == "excluded"
            is_same = is_proposed and names.column(value.this) == name
        elif isinstance(value, exp.Anonymous) and value.name.upper() == "VALUES":
            inner = value.expressions[0]
            inner = inner.this if isinstance(inner, exp.Column) else inner
            is_same = names.column(inner) == name
        if not is_same:
            yield name


def _untyped(text: SourceText, query: Bound) -> Iterator[tuple[int, Slot | None]]:
    """Yield the columns without a type. Set operations and DISTINCT give them one."""
    select = text.tree.unnest() if isinstance(text.tree, exp.Subquery) else text.tree
    if not isinstance(select, exp.Select) or select.args.get("distinct"):
        return
    shown = select.expressions
    stars = [number for number, each in enumerate(shown) if each.is_star]
    for number, each in enumerate(shown):
        node = each.unalias()
        while isinstance(node, exp.Paren):
            node = node.this
        slot = text.slot(node)
        is_string = isinstance(node, exp.Literal) and node.is_string
        if slot is None and not is_string and not isinstance(node, _STRINGS):
            continue
        if len(stars) > 1 and stars[0] < number < stars[-1]:
            refuse("a literal between stars", "a literal between two stars")
        place = number - len(shown) if stars and number > stars[0] else number
        yield place, None if slot is None else _original(slot, query)


def _original(slot: Slot, query: Bound) -> Slot:
    """Return the statement's own slot for one of the query's text."""
    if isinstance(slot.place, str):
        return slot
    found = query.slots[slot.place]
    assert isinstance(found, Slot)
    return found
