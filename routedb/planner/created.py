"""CREATE TABLE … AS and SELECT … INTO, taken apart.

The query goes its own way over the groups. What its columns are is told by the server:
`shape_of` is the query over relations without rows, as `loads` makes them, whose types
and collations are those of the tables. Only the text is divided; SELECT … INTO t is the
statement CREATE TABLE t AS with the query that has no INTO.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from routedb.errors import ShardError
from routedb.planner.catalog import Catalog, Cluster
from routedb.planner.change import Created
from routedb.planner.loads import load_plan
from routedb.planner.pieces import NAME, QUERY, Token, piece, strung, tokens_of
from routedb.planner.plans import Bound, GroupsPlan, Refusal
from routedb.planner.references import References, check_statement
from routedb.planner.source_text import Refused, read_source, refuse
from routedb.sharding.rewrite.masking import MaskedText, mask
from routedb.sql import scan

_TABLE = rf"({NAME}(?:\s*\.\s*{NAME})?)"
_MYSQL_NAME = r"`[^`]+`"
_MYSQL_TABLE = rf"({_MYSQL_NAME}(?:\s*\.\s*(?:{_MYSQL_NAME}|{NAME}))?)"
_HEAD = re.compile(
    r"CREATE\s+(?:(?:GLOBAL|LOCAL)\s+)?(?:(TEMP|TEMPORARY)\s+|UNLOGGED\s+)?TABLE\s+"
    rf"(IF\s+NOT\s+EXISTS\s+)?(?:{_TABLE}|{_MYSQL_TABLE})",
    re.IGNORECASE,
).match
_INTO = re.compile(
    rf"\s+((?:(TEMP|TEMPORARY|UNLOGGED)\s+)?(?:TABLE\s+)?){_TABLE}", re.IGNORECASE
).match
_FILLED = {("WITH", "DATA"): True, ("WITH", "NO", "DATA"): False}
_TEMPORARY = frozenset({"TEMP", "TEMPORARY"})


def created_by(source: str, dialect: str) -> Created | Refusal | None:
    """Return the parts of a statement that makes a table of a query: see
    `routedb.planner.take_apart`, which has `source` and `dialect` as well."""
    try:
        masked = mask(source, scan(source, dialect))
        tokens = [token for token in tokens_of(masked) if token.depth == 0]
        if tokens and tokens[-1].word == ";":
            tokens.pop()
        words = [token.word for token in tokens]
        if words[:1] == ["CREATE"] and "TABLE" in words:
            made = _created(masked, tokens, dialect)
        elif words[:1] in (["SELECT"], ["WITH"]) and "INTO" in words:
            made = _selected(masked, tokens[words.index("INTO")], _end(masked))
        else:
            return None
        return made
    except Refused as exc:
        return exc.refusal
    except ShardError as exc:
        return Refusal("unknown grammar", str(exc))


def shape_of(
    source: str,
    dialect: str,
    catalog: Catalog,
    cluster: Cluster,
    functions: Mapping[str, str],
) -> GroupsPlan | Refusal:
    """Return the plan whose remainder has the columns of the query `source`: see
    `routedb.planner.plan`, which has `dialect`, `catalog`, `cluster` and `functions` as
    well."""
    try:
        tables = check_statement(source, dialect, functions)
        references = References(read_source(source, dialect), catalog, cluster)
        if {use.table for use in references.uses} != set(tables):
            refuse("unknown grammar", "its tables cannot be told for certain")
        return load_plan(references, cluster, ())
    except Refused as exc:
        return exc.refusal


def _created(
    masked: MaskedText, tokens: Sequence[Token], dialect: str
) -> Created | None:
    found = _HEAD(masked.source, tokens[0].start)
    start = next((n for n, token in enumerate(tokens) if token.word == "AS"), None)
    if start is None or len(tokens) < start + 2:
        return None
    if found is None or tokens[start].start < found.end():
        refuse("unknown grammar", "what stands before its query is not understood")
    if dialect == "mysql" and tokens[start - 1].word == ")":
        refuse("CREATE TABLE AS", "columns or keys beside those of its query")
    first = tokens[start + 1]
    if first.word not in QUERY and first.word != "(":
        refuse("CREATE TABLE AS", f"a table is made of a query, not of {first.word}")
    end, is_filled = _end(masked), True
    for words, filled in _FILLED.items():
        rest = tokens[-len(words) :]
        if tuple(token.word for token in rest) == words and rest[0] is not first:
            end, is_filled = rest[0].start, filled
    before = piece(masked, found.start(), first.start)
    after = piece(masked, end, _end(masked))
    if before.slots:
        refuse("parameter", "a parameter stands before its query")
    if_absent, place = None, 3 if found[3] else 4
    named_to = found.end(place) - found.start()
    if found[2]:
        if_absent = before.sql
        at, to = found.start(2) - found.start(), found.end(2) - found.start()
        before = Bound(before.sql[:at] + before.sql[to:])
        named_to -= to - at
    query = piece(masked, first.start, end)
    is_temporary = found[1] is not None
    return Created(
        before, query, after, if_absent, is_filled, found[place], is_temporary, named_to
    )


def _selected(masked: MaskedText, into: Token, end: int) -> Created:
    found = _INTO(masked.source, into.end)
    if found is None:
        refuse("unknown grammar", "what stands after INTO is not understood")
    head = piece(masked, 0, into.start)
    tail = piece(masked, found.end(), end)
    query = Bound(strung(head.sql, tail.sql), (*head.slots, *tail.slots))
    word = (found[2] or "").upper()
    before = Bound(strung("CREATE", word, "TABLE", found[3], "AS "))
    is_temporary = word in _TEMPORARY
    return Created(before, query, Bound(""), None, True, found[3], is_temporary)


def _end(masked: MaskedText) -> int:
    """Return where the text ends, or the semicolon begins."""
    code = masked.code.rstrip()
    return len(code) - 1 if code.endswith(";") else len(masked.source)
