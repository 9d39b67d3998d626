"""What the columns of a table would be that MySQL or MariaDB makes of a query.

They take NOT NULL, defaults, lengths and collations from the columns of the tables. So
the query runs over temporary tables that are defined as those are, without rows, on a
link of our own, and the server says what it has made of it.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.transactions.aside import ask_aside
from routedb.merge import bringing, mysql_tables
from routedb.merge.refused import NotMerged
from routedb.merge.scratch import scratch_link
from routedb.merge.table_answer import Shape
from routedb.merge.tables_work import settings_for
from routedb.planner import Created, GroupsPlan, Relation
from routedb.sql.scanner.identifiers import quote_identifier

_NAME = "routedb_shape"
_TABLE = re.compile(
    r"CREATE (?:TEMPORARY )?TABLE `(?:[^`]|``)+` \(\n(.*?)\n\)(.*)\Z", re.S
).match
_COLUMN = re.compile(r"  (`(?:[^`]|``)+`) (.*)").fullmatch
# What no temporary table has, and no column of a query takes.
_LEFT_OUT = ("  CONSTRAINT ", "  FULLTEXT KEY ", "  SPATIAL KEY ")
_CHARSET = re.compile(r"DEFAULT CHARSET=\w+(?: COLLATE=\w+)?").search


def shape_of(
    session: Session, target: Link, made: Created, plan: GroupsPlan, params: Any
) -> Shape:
    """Return the columns of the table that is `made` by `plan` with `params` on the
    node of `target`, a link of `session`: each name, and its definition. Raises
    NotMerged, and what the driver raises."""
    remainder = plan.remainder
    assert remainder is not None  # of every plan for a shape
    defined = [_definition(session, plan, each) for each in remainder.relations]
    options = made.before.sql[made.named_to :]
    values = remainder.text.bind(params)
    sql = f"CREATE TEMPORARY TABLE {_NAME}{options} {remainder.text.sql}"
    if not values:
        sql = plain(sql, params)
    texts, shown = settings_for(session, target.node)
    with scratch_link(session, target.node) as link:
        try:
            before = mysql_tables.begin(link, texts, shown)
            for text in defined:
                link.run(text)
            mysql_tables.ready(link, before)
            link.ask(bringing.execute, sql, values)
            ((_, answer),) = link.run(f"SHOW CREATE TABLE {_NAME}")
        except NotMerged:
            raise
        except Exception as exc:
            link.classify_error(exc)  # which makes it routedb's as well
            raise
    found = (_COLUMN(line) for line in _lines(_text(answer))[0])
    columns = [(each[1], each[2]) for each in found if each is not None]
    return [(remainder.original(_bare(name)), type_) for name, type_ in columns]


def plain(sql: str, params: Any) -> str:
    """Return a part of a text with `params`, which may be none, as one without any."""
    return sql if params is None else sql.replace("%%", "%")


def is_there(session: Session, link: Link, made: Created) -> bool:
    """Tell whether `made` makes a table that is there on `link` of `session`."""
    asked = partial(Link.run, sql=f"SHOW CREATE TABLE {made.target}")
    try:
        rows = ask_aside(session.transaction, link, asked)
    except Exception as exc:
        if exc.args[:1] == (1146,):  # there is none
            return False
        raise
    is_temporary = _text(rows[0][1]).startswith("CREATE TEMPORARY ")
    return is_temporary or not made.is_temporary


def _definition(session: Session, plan: GroupsPlan, relation: Relation) -> str:
    """Return the text that makes a relation a temporary table, defined as its own."""
    database = session.core.config.databases[plan.fragments[relation.fragment].database]
    if database.dialect != "mysql":
        return mysql_tables.definition(relation.name, relation.columns)
    assert relation.table is not None  # each is loaded from one
    schema, name = relation.table.schema, relation.table.name
    place = "" if schema is None else f"{quote_identifier(schema, 'mysql')}."
    asked = f"SHOW CREATE TABLE {place}{quote_identifier(name, 'mysql')}"
    link = find_node.writer(session.links, database.groups[0].id)
    rows = ask_aside(session.transaction, link, partial(Link.run, sql=asked))
    lines, rest = _lines(_text(rows[0][1]))
    kept = [line for line in lines if not line.startswith(_LEFT_OUT)]
    charset = _CHARSET(rest)
    body = ",\n".join(kept)
    tail = "" if charset is None else f" {charset[0]}"
    return f"CREATE TEMPORARY TABLE {relation.name} (\n{body}\n) ENGINE=InnoDB{tail}"


def _lines(definition: str) -> tuple[list[str], str]:
    """Return the lines of a table's definition, without their commas, and what stands
    behind them. Raises NotMerged for what is no table's."""
    found = _TABLE(definition)
    if found is None:
        raise NotMerged("how a table of its query is defined is not understood")
    return [line.removesuffix(",") for line in found[1].split("\n")], found[2]


def _bare(quoted: str) -> str:
    return quoted[1:-1].replace("``", "`")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
