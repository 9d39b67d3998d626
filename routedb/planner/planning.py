"""The order in which the ways of answering are tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from routedb.planner.catalog import Catalog, Cluster, Sharded, Whole
from routedb.planner.clock_words import check_clock
from routedb.planner.joins import NotSpread, check_dialects
from routedb.planner.loads import load_plan
from routedb.planner.moments import check_repeated, find_moments
from routedb.planner.partials import partial_plan
from routedb.planner.plans import Fragment, GroupsPlan, Merge, Refusal, Slot, Spread
from routedb.planner.references import References, check_statement
from routedb.planner.source_text import Refused, read_source, refuse
from routedb.planner.streams import stream_plan

_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)


def make_plan(
    source: str,
    dialect: str,
    catalog: Catalog,
    cluster: Cluster,
    functions: Mapping[str, str],
    by_rows: bool,
) -> GroupsPlan | Refusal:
    """Return the plan: see `routedb.planner.plan`, which has `source`, `dialect`,
    `catalog`, `cluster`, `functions` and `by_rows` as well."""
    try:
        tables = check_statement(source, dialect, functions)
        timed = find_moments(source, dialect)
        text = read_source(timed.source, dialect)
        if not isinstance(text.tree, _QUERIES):
            refuse("unknown grammar", f"{text.tree.key.upper()} is not understood here")
        _check_joins(text.tree, dialect)
        references = References(text, catalog, cluster)
        if {use.table for use in references.uses} != set(tables):
            refuse("unknown grammar", "its tables cannot be told for certain")
        made = _best(references, cluster, by_rows)
        if made.merge is Merge.ONE:  # whose own time it is
            (fragment,) = made.fragments
            as_written = read_source(source, dialect).edited(())
            return replace(made, fragments=(replace(fragment, text=as_written),))
        check_repeated(text)
        check_clock(references)
        return made.with_moments(timed.moments) if timed.moments else made
    except Refused as exc:
        return exc.refusal
    except RecursionError:
        return Refusal("unknown grammar", "the statement is nested too deeply")


def _check_joins(tree: exp.Expr, dialect: str) -> None:
    """MySQL has no FULL JOIN, and takes FULL for the name of the table before it."""
    if dialect == "mysql":
        for join in tree.find_all(exp.Join):
            if join.side.upper() == "FULL":
                refuse("FULL JOIN", "FULL JOIN is not MySQL's: FULL is a name there")


def _best(references: References, cluster: Cluster, by_rows: bool) -> GroupsPlan:
    """Return the first of the ways that is open: each needs less than the next."""
    alone = _on_one(references, cluster)
    if alone is not None:
        return alone
    if by_rows:
        return load_plan(references, cluster, ("the program makes the values",))
    try:
        streamed = stream_plan(references, cluster)
    except NotSpread as exc:
        return _grouped(references, cluster, str(exc))
    if isinstance(streamed.limit, Slot) or isinstance(streamed.offset, Slot):
        return replace(streamed, otherwise=load_plan(references, cluster, ()))
    return streamed


def _grouped(references: References, cluster: Cluster, kept: str) -> GroupsPlan:
    try:
        check_dialects(references, cluster)
        return replace(partial_plan(references), kept=(kept,))
    except NotSpread as exc:
        return load_plan(references, cluster, (kept, str(exc)))


def _on_one(references: References, cluster: Cluster) -> GroupsPlan | None:
    """Return the plan of a text whose tables are all, in whole, on one group."""
    text = references.text
    databases = {use.placement.database for use in references.uses}
    if len(databases) != 1:
        return None
    (database,) = databases
    if cluster.databases[database].dialect != text.dialect:
        return None
    is_sharded = cluster.databases[database].groups > 1
    wholes = [isinstance(use.placement, Whole) for use in references.uses]
    if is_sharded and any(wholes):
        refuse("unknown table", f"database {database} is sharded, its table not")
    if any(isinstance(use.placement, Sharded) for use in references.uses):
        return None
    fragment = Fragment(database, text.edited(()), Spread.ANY)
    return GroupsPlan(text.dialect, (fragment,), Merge.ONE)
