"""What PostgreSQL's own parser says of a statement: the judge of `routedb.classify`.

pglast wraps that parser. Nothing here is shared with routedb.sql. The definitions:

A *read* is a SELECT, VALUES or TABLE without INTO, without FOR UPDATE or FOR SHARE and
without a data-modifying WITH; EXPLAIN of anything without ANALYZE, and with it of a
read; SHOW; COPY to the client of a table or a read. It must call no function that
writes, uses the session or runs a query that it is given as a text: of the built-in
ones those matched by WRITING, of the others those that the suite itself creates and
does not declare IMMUTABLE or STABLE. All else is a *write*: also SET, BEGIN, PREPARE,
DECLARE, EXPLAIN EXECUTE and what else is not for a replica.

The *tables* are all relations of the tree that are tables, views or foreign tables,
with common table expressions left out by the scopes of the manual; not sequences,
indexes, types, and not what the bodies of routines name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pglast.ast
from pglast import Error, enums, parser

from benchmarks.corpora.verdict import Name, Verdict

ast: Any = pglast.ast  # its types say None of what every node of a kind has

WRITING = re.compile(
    r"(nextval|setval|currval|lastval|set_config|setseed|pg_notify"
    r"|lo_\w+|lowrite|loread|pg_(try_)?advisory_\w+|txid_current|pg_current_xact_id"
    r"|query_to_xml\w*|cursor_to_xml\w*|ts_stat|currtid2?|pg_my_temp_schema"
    r"|pg_listening_channels|\w+_if_assigned|pg_stat_clear_snapshot|pg_(switch|create|drop|copy|promote|reload|rotate)"
    r"_\w+|pg_logical_slot_\w+|pg_logical_emit_message|pg_replication_\w+|pg_stat_reset\w*"
    r"|pg_terminate_backend|pg_cancel_backend|pg_log_backend_memory_contexts"
    r"|pg_(start|stop)_backup|pg_backup_\w+|brin_\w*summarize\w*|gin_clean_pending_list"
    r"|pg_(restore|clear)_\w+_stats|pg_stat_force_next_flush|pg_export_snapshot|pg_import_system_collations)\Z"
).match

_MAKES_FUNCTION = re.compile("function|procedure", re.IGNORECASE).search


class PostgreSQLJudge:
    """Judges by the tree alone: what a script has done before it does not matter."""

    def __init__(self, scripts: Sequence[Sequence[str]]) -> None:
        """`scripts` are all that will be judged: they create functions."""
        texts = (text for script in scripts for text in script)
        trees = (_parse(text) for text in texts if _MAKES_FUNCTION(text))
        made = (created_volatile(tree) for tree in trees if tree)
        self._volatile = frozenset(name for name in made if name)

    def start(self, script: Sequence[str]) -> None:
        """Do nothing: there is no state."""

    def judge(self, text: str) -> Verdict | None:
        """Judge a statement; None when PostgreSQL's parser refuses it."""
        tree = _parse(text)
        return None if tree is None else judge(tree, self._volatile)

    def name(self, schema: str | None, name: str) -> Name:
        """Return the name as it is."""
        return schema, name

    def close(self) -> None:
        """Do nothing: nothing was started."""


def _parse(text: str) -> Any:
    try:
        (tree,) = parser.parse_sql(text)
    except (Error, ValueError, RecursionError):
        return None
    return tree.stmt


def judge(tree: Any, volatile: frozenset[str]) -> Verdict:
    """Judge a parsed statement. `volatile` are functions that the corpus creates."""
    return Verdict(_is_read(tree, volatile), frozenset(_tables(tree, frozenset())))


def created_volatile(tree: Any) -> str | None:
    """Return the name of the function that `tree` creates, unless it only reads."""
    if not isinstance(tree, ast.CreateFunctionStmt):
        return None
    for option in tree.options or ():
        if option.defname == "volatility" and option.arg.sval != "volatile":
            return None
    return str(tree.funcname[-1].sval)


def _is_read(tree: Any, volatile: frozenset[str]) -> bool:
    if isinstance(tree, ast.ExplainStmt):
        if isinstance(tree.query, ast.ExecuteStmt):  # the session's
            return False
        return not _is_analyzed(tree) or _is_read(tree.query, volatile)
    if isinstance(tree, ast.VariableShowStmt):
        return True
    if isinstance(tree, ast.CopyStmt):
        if tree.is_from or tree.filename or tree.is_program:
            return False
        return tree.query is None or _is_read(tree.query, volatile)
    return isinstance(tree, ast.SelectStmt) and not any(
        _spoils(node, volatile) for node in _nodes(tree)
    )


def _is_analyzed(tree: Any) -> bool:
    for option in tree.options or ():
        if option.defname == "analyze":
            value = option.arg
            said = getattr(value, "sval", None) or getattr(value, "boolval", True)
            return said not in ("off", "false", False)
    return False


_CHANGES = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)


def _spoils(node: Any, volatile: frozenset[str]) -> bool:
    """Tell whether this node of a SELECT makes it more than a read."""
    if isinstance(node, ast.FuncCall):
        name = node.funcname[-1].sval
        if name == "ts_rewrite":  # with two arguments it runs the second
            return len(node.args) < 3
        return bool(WRITING(name)) or name in volatile
    return isinstance(node, (*_CHANGES, ast.IntoClause, ast.LockingClause))


def _nodes(value: object) -> Iterator[Any]:
    if isinstance(value, ast.Node):
        yield value
        for attribute in value:
            yield from _nodes(getattr(value, attribute))
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


# -- tables --------------------------------------------------------------------------

_T = enums.ObjectType
_TABLES = {
    *(_T.OBJECT_TABLE, _T.OBJECT_VIEW, _T.OBJECT_MATVIEW, _T.OBJECT_FOREIGN_TABLE),
}
_ON_TABLES = {_T.OBJECT_RULE, _T.OBJECT_TRIGGER, _T.OBJECT_POLICY}
_COLUMN_LIKE = {_T.OBJECT_COLUMN, _T.OBJECT_TABCONSTRAINT, *_ON_TABLES}
_OF_TABLE = _TABLES | _COLUMN_LIKE


def _tables(value: object, hidden: frozenset[str]) -> Iterator[Name]:
    if isinstance(value, tuple):
        for item in value:
            yield from _tables(item, hidden)
    elif isinstance(value, ast.RangeVar):
        if value.schemaname or value.relname not in hidden:
            yield value.schemaname, value.relname
    elif isinstance(value, ast.Node):
        special = _SPECIAL.get(type(value))
        if special is not None:
            yield from special(value, hidden)
        else:
            yield from _children(value, hidden)


def _children(node: Any, hidden: frozenset[str], *without: str) -> Iterator[Name]:
    for attribute in node:
        if attribute not in without:
            yield from _tables(getattr(node, attribute), hidden)


def _with(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
    """A query with common table expressions; the target of a change is never one."""
    target = getattr(node, "relation", None)
    if target is not None:
        yield target.schemaname, target.relname
    clause = node.withClause
    inner = hidden
    if clause is not None:
        names = frozenset(cte.ctename for cte in clause.ctes)
        inner = hidden | names if clause.recursive else hidden
        for cte in clause.ctes:
            yield from _tables(cte.ctequery, inner)
            inner |= {cte.ctename}
    yield from _children(node, inner, "withClause", "relation")


def _nothing(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
    return iter(())


def _by_type(attribute: str) -> Callable[[Any, frozenset[str]], Iterator[Name]]:
    def tables(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
        if getattr(node, attribute) in _OF_TABLE:
            yield from _children(node, hidden)

    return tables


def _dotted(names: tuple[Any, ...]) -> Name:
    words = [name.sval for name in names]
    return (words[-2] if len(words) > 1 else None), words[-1]


def _drop(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
    for names in node.objects:
        if node.removeType in _TABLES:
            yield _dotted(names)
        elif node.removeType in _ON_TABLES:
            yield _dotted(names[:-1])


def _comment(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
    if node.objtype in _TABLES:
        yield _dotted(node.object)
    elif node.objtype in _COLUMN_LIKE and len(node.object) > 1:
        yield _dotted(node.object[:-1])


def _sequence(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
    """OWNED BY names the column of a table, or nothing by one word: NONE."""
    for option in node.options or ():
        if option.defname == "owned_by" and len(option.arg) > 1:
            yield _dotted(option.arg[:-1])


def _grant(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
    if node.objtype is _T.OBJECT_TABLE:
        yield from _tables(node.objects, hidden)


def _reindex(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
    if node.kind == enums.ReindexObjectType.REINDEX_OBJECT_TABLE:
        yield from _tables(node.relation, hidden)


def _select_into(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
    yield node.rel.schemaname, node.rel.relname


def _import(node: Any, hidden: frozenset[str]) -> Iterator[Name]:
    """LIMIT TO names what is made here; EXCEPT what is there and is not."""
    kind = enums.ImportForeignSchemaType.FDW_IMPORT_SCHEMA_LIMIT_TO
    if node.list_type == kind:
        for table in node.table_list:
            yield node.local_schema, table.relname


_SPECIAL: dict[type, Callable[..., Iterator[Name]]] = {
    ast.SelectStmt: _with,
    ast.InsertStmt: _with,
    ast.UpdateStmt: _with,
    ast.DeleteStmt: _with,
    ast.MergeStmt: _with,
    ast.LockingClause: _nothing,  # FOR UPDATE OF alias
    ast.CreateSeqStmt: _sequence,
    ast.AlterSeqStmt: _sequence,
    ast.AlterExtensionContentsStmt: _comment,
    ast.CompositeTypeStmt: _nothing,
    ast.CreateFunctionStmt: _nothing,
    ast.ImportForeignSchemaStmt: _import,
    ast.TypeName: _nothing,
    ast.ConstraintsSetStmt: _nothing,  # names of constraints
    ast.IntoClause: _select_into,
    ast.DropStmt: _drop,
    ast.CommentStmt: _comment,
    ast.SecLabelStmt: _comment,
    ast.GrantStmt: _grant,
    ast.ReindexStmt: _reindex,
    ast.AlterTableStmt: _by_type("objtype"),
    ast.RenameStmt: lambda node, hidden: (
        _children(node, hidden)
        if node.renameType in _OF_TABLE
        and (node.renameType is not _T.OBJECT_COLUMN or node.relationType in _TABLES)
        else iter(())
    ),
    ast.AlterObjectSchemaStmt: _by_type("objectType"),
    ast.AlterObjectDependsStmt: _by_type("objectType"),
}
