"""The sources of a statement that changes rows, where they are on other groups.

As in `loads`, a use of such a table becomes a relation, and in the text only the name
is exchanged. The table that is changed stays what it is, and so do those that each of
its groups has: the text with the rows of the others in it is one for these groups.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from sqlglot import exp

from routedb.errors import ShardError
from routedb.planner.catalog import Catalog, Cluster, Copied, Placement, Whole
from routedb.planner.loads import load_plan
from routedb.planner.plans import GroupsPlan, Refusal
from routedb.planner.references import References, Use
from routedb.planner.source_text import Refused, SourceText, read_source, refuse
from routedb.sql import Table

_CHANGES = (exp.Update, exp.Delete, exp.Insert)


def sources_of(
    source: str,
    dialect: str,
    catalog: Catalog,
    cluster: Cluster,
    written: Table,
    keeps_home: bool,
) -> GroupsPlan | Refusal | None:
    """Return what is read for a change: see `routedb.planner.changed_sources`, which
    has `source`, `dialect`, `catalog`, `cluster`, `written` and `keeps_home`."""
    try:
        text = read_source(source, dialect)
        if not isinstance(text.tree, _CHANGES):
            refuse("unknown grammar", f"{text.tree.key.upper()} is not understood here")
        if text.tree.find(exp.Lock) is not None:
            refuse("locks", "it locks rows, and those of several groups are not")
        _drop_targets(text, dialect)
        references = References(text, catalog, cluster)
        target = _target(references, written)
        home = target.placement
        _find_clauses(references, target)
        references.uses = [
            use
            for use in references.uses
            if use is not target and not _stays(use, home, keeps_home)
        ]
        if not references.uses:
            return None
        made = load_plan(references, cluster, (), has_sideways=False)
        return replace(made, kept=("the table that is changed stays where it is",))
    except Refused as exc:
        return exc.refusal
    except ShardError as exc:
        return Refusal("unknown grammar", str(exc))
    except RecursionError:
        return Refusal("unknown grammar", "the statement is nested too deeply")


def _drop_targets(text: SourceText, dialect: str) -> None:
    """Forget the names before FROM or USING in a DELETE of MySQL's of several tables:
    what follows says which tables they are."""
    if dialect == "mysql" and isinstance(text.tree, exp.Delete):
        text.tree.set("tables", None)
        if text.tree.args.get("using"):
            text.tree.set("this", None)


def _target(references: References, written: Table) -> Use:
    """Return the use of a table that is the changed one."""
    tree = references.text.tree
    node = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    found = [use for use in references.uses if use.node is node]
    if references.text.dialect == "mysql" and not isinstance(tree, exp.Insert):
        found = [
            use
            for use in references.uses
            if use.table == written and use.node.find_ancestor(exp.Select) is None
        ]
    if len(found) != 1 or found[0].table != written:
        refuse("unknown grammar", f"which use of {written} is changed is not certain")
    return found[0]


def _find_clauses(references: References, target: Use) -> None:
    """Let tables beside the changed one be read as those of a SELECT with the same
    clauses: columns that are named nowhere stay away, and conditions of UPDATE … FROM
    go down. A column that the changed table has as well is refused by the server where
    it is written without a table."""
    for use in references.uses:
        if use.select is None and use is not target and not _is_list(use):
            use.select = cast(exp.Select, references.text.tree)
            use.wants_all = references.takes_all(use)


def _is_list(use: Use) -> bool:
    return isinstance(use.node.parent, exp.In)


def _stays(use: Use, home: Placement, keeps_home: bool) -> bool:
    """Tell whether each group with rows that are changed has what it needs of a use:
    all of it, or, where that is to be tried, its part."""
    if use.placement.database != home.database:
        return False
    return keeps_home or isinstance(use.placement, Copied | Whole)
