"""Views, with their queries in their place.

A view over sharded tables shows on each shard what it makes of that shard's rows. What
one database would show is its query over all rows. So each use of the view becomes that
query in brackets, under the name that the view has there; the text is planned then as
if it had been written like that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from routedb.planner.plans import Refusal
from routedb.planner.references import TABLE_ARGS, bare_columns, is_cte
from routedb.planner.source_text import Edit, Refused, SourceText, read_source, refuse
from routedb.sharding.analysis.column_scope import NameFolding
from routedb.sql import Table

_TABLE = re.compile(r"\bTABLE\s*\Z", re.IGNORECASE).search


def expand_views(
    source: str, dialect: str, queries: Mapping[Table, str]
) -> str | Refusal:
    """Return the text `source`, in `dialect`, with `queries` in the place of views: see
    `routedb.planner.with_views`."""
    try:
        text = read_source(source, dialect)
        _check_hidden(text, NameFolding(dialect), queries)
        edits = list(_edits(text, NameFolding(dialect), queries))
        if not edits:
            refuse("view over shards", "where its views stand is not certain")
        return text.edited(edits).sql
    except Refused as exc:
        return exc.refusal


def without_uses(source: str, dialect: str, queries: Mapping[Table, str]) -> str:
    """Return the text `source`, in `dialect`, with `queries` in the place of tables,
    where it has some of them. Raises Refused where that is not certain."""
    text = read_source(source, dialect)
    names = NameFolding(dialect)
    _check_hidden(text, names, queries)
    _check_spelt(text, names, queries)
    edits = list(_edits(text, names, queries))
    return text.edited(edits).sql if edits else source


def _check_spelt(
    text: SourceText, names: NameFolding, queries: Mapping[Table, str]
) -> None:
    """Refuse a table that may be one of these under another schema's name."""
    known = {table.name for table in queries}
    for node in text.tree.find_all(exp.Table):
        if isinstance(node.this, exp.Identifier):
            table = names.full(node)
            if table.name in known and table not in queries:
                refuse("rows that move", f"{table}: whose rows move is not certain")


def _edits(
    text: SourceText, names: NameFolding, queries: Mapping[Table, str]
) -> Iterator[Edit]:
    for node in text.tree.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier):
            continue
        view = names.full(node)
        if view.schema is None and is_cte(names, node, view.name):
            continue
        if view in queries:
            _check_use(text, names, node, view)
            yield _edit(text, names, node, queries[view])


def _check_hidden(
    text: SourceText, names: NameFolding, queries: Mapping[Table, str]
) -> None:
    """Refuse a name of WITH that a table of a view has: it would hide that."""
    named = {names.table(cte.args["alias"].this) for cte in text.tree.find_all(exp.CTE)}
    if not named:
        return
    for view, query in queries.items():
        for node in read_source(query, text.dialect).tree.find_all(exp.Table):
            if names.table(node.this) in named:
                name = names.table(node.this)
                refuse("view over shards", f"WITH {name} hides a table of view {view}")


def _edit(text: SourceText, names: NameFolding, node: exp.Table, query: str) -> Edit:
    start, end = text.span(node.this)
    written = text.source[start:end]
    schema = node.args.get("db")
    if schema is not None:
        start, _ = text.span(schema)
    if isinstance(node.parent, exp.In):  # SQLite's x IN view
        return Edit(start, end, f"(SELECT * FROM ({query}))")
    command = _TABLE(text.masked.code, 0, start)
    if command is not None:  # TABLE view
        return Edit(command.start(), end, f"SELECT * FROM ({query}) AS {written}")
    alias = node.args.get("alias")
    is_named = alias is not None and bool(names.table(alias.this))
    return Edit(start, end, f"({query})" if is_named else f"({query}) AS {written}")


def _check_use(
    text: SourceText, names: NameFolding, node: exp.Table, view: Table
) -> None:
    """Refuse a use of a `view` in whose place its query would be something else."""
    if not TABLE_ARGS.issuperset(name for name, value in node.args.items() if value):
        refuse("table modifier", f"view {view}: what is written after its name")
    alias = node.args.get("alias")
    called = (names.table(alias.this) if alias is not None else "") or view.name
    if text.dialect == "postgresql":
        for column in bare_columns(text.tree):
            if names.table(column.this) == called:
                refuse(
                    "view over shards", f"{called} is a row of view {view}, as a value"
                )
        return
    if _names_a_column(node):
        refuse(
            "view over shards",
            f"a column is called after its text, in which is view {view}: name it",
        )


def _names_a_column(node: exp.Expr) -> bool:
    """Tell whether a column of a result may be called after a text with `node` in it
    (MySQL, SQLite)."""
    while node.parent is not None:
        if isinstance(node.parent, exp.Alias):
            return False
        if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
            return True
        node = node.parent
    return False
