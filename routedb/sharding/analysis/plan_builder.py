"""From a text to its plan: sqlglot's tree, built once per shape, and a walk over it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sqlglot import exp

from routedb.config.model import TableRule
from routedb.sharding.analysis.column_scope import NameFolding
from routedb.sharding.analysis.definitions import (
    check_definition,
    read_tokens,
    verb_of,
)
from routedb.sharding.analysis.dml_analysis import DmlAnalysis, InsertedRows
from routedb.sharding.analysis.merging import MergeAnalysis
from routedb.sharding.analysis.predicates import PredicateReader
from routedb.sharding.analysis.views import check_view
from routedb.sharding.columns import TableColumns
from routedb.sharding.keys.value_terms import HERE, without_here
from routedb.sharding.refusals import EACH, WAYS, refuse
from routedb.sharding.rewrite.completion import Completion, completion_of
from routedb.sharding.rewrite.masking import FIRST, MaskedText, TaggedText, mask, tag
from routedb.sharding.rewrite.rows import (
    RowPlan,
    RowSpan,
    find_rows,
    row_terms,
    rows_start,
    whole_scan,
)
from routedb.sharding.rewrite.trees import trees_of
from routedb.sharding.shard_plan import KeyUse, ShardPlan, is_apart_from_transactions
from routedb.sql import Scan, Table

_DIALECTS = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}

_VERB = re.compile(r"[\s(]*(\w*)").match
_EXPLAIN = re.compile(
    r"\s*(?:EXPLAIN|DESCRIBE|DESC)\s+(?:\([^()]*\)\s*|QUERY\s+PLAN\s+"
    r"|ANALY[SZ]E\s+|VERBOSE\s+|EXTENDED\s+|FORMAT\s*=\s*\w+\s+)*",
    re.IGNORECASE,
).match
_OVERRIDING = re.compile(r"\bOVERRIDING\s+(?:SYSTEM|USER)\s+VALUE\b", re.IGNORECASE).sub
_MODIFIERS = re.compile(
    r"\b(INSERT|REPLACE|UPDATE|DELETE)\s+(?:(?:LOW_PRIORITY|HIGH_PRIORITY|DELAYED|IGNORE"
    r"|QUICK(?=\s+(?:IGNORE\s+)?FROM\b)|OR\s+(?:ABORT|FAIL|IGNORE|REPLACE|ROLLBACK))\s+)+",
    re.IGNORECASE,
).sub
_REPLACE = re.compile(r"\s*REPLACE\b", re.IGNORECASE).sub
_SEVERAL = re.compile(r";(?=\s*[^\s;])").search
# What lets a row of VALUES read a table: then each row is looked at, not the first.
_READS = re.compile(r"\b(?:SELECT|TABLE|WITH|VALUES|FROM)\b", re.IGNORECASE).search
# What gives each copy of a reference table another value. The time of the statement is
# asked once for all (engine/run/times.py).
_VARIES = re.compile(
    r"\b(?:(?:random\w*|rand|gen_random_\w+|uuid\w*|sys_guid|nextval|currval|lastval"
    r"|clock_timestamp|timeofday|timediff|sysdate|last_insert_rowid|last_insert_id"
    rf"|txid_current\w*|pg_current_xact_id\w*)\s*\(|strftime\s*\(\s*[^{FIRST}\s]"
    r"|age\s*\([^,()]*\))",
    re.IGNORECASE,
).search

# What ties an UPDATE or DELETE to one server: numbers that each draws for itself, where
# a row lies, what its rows leave in a variable, a cursor, and what ends a transaction.
_TIED = re.compile(
    r"\b(?:nextval|setval|currval|lastval|last_insert_id|last_insert_rowid|row_count"
    r"|changes|total_changes|found_rows|get_lock|pg_(?:try_)?advisory\w*"
    r"|txid_current\w*|pg_current_xact_id\w*|pg_backend_pid|connection_id)\s*\("
    r"|\b(?:ctid|tableoid|xmin|xmax|cmin|cmax|rowid|_rowid_|oid|current\s+of"
    r"|or\s+(?:fail|rollback))\b|:=",
    re.IGNORECASE,
).search

_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
_CHANGES = frozenset({"INSERT", "REPLACE", "UPDATE", "DELETE"})
# What is done to the tables of every shard, as they are.
_UPKEEP = {
    "postgresql": frozenset({"ANALYZE", "VACUUM", "REINDEX", "CLUSTER", "LOCK"}),
    "mysql": frozenset({"ANALYZE", "OPTIMIZE"}),
    "sqlite": frozenset({"ANALYZE", "REINDEX"}),
}
_REFUSED = {
    **dict.fromkeys(
        ("CREATE", "ALTER", "DROP", "ANALYZE", "VACUUM")
        + ("REINDEX", "CLUSTER", "OPTIMIZE", "REPAIR", "CHECK"),
        "is for every shard, and one statement on all of them is not available",
    ),
    "COPY": "moves rows of several shards at once, which is not available",
    "LOAD": "moves rows of several shards at once, which is not available",
    "LOCK": "locks on one server only, and the table's rows are on several",
}


class _PreparedText(NamedTuple):
    """A text ready for sqlglot."""

    masked: MaskedText
    start: int  # where the statement begins, after EXPLAIN
    verb: str
    is_explained: bool
    is_run: bool  # not merely explained
    rows: list[RowSpan]


def build_plan(
    source: str,
    scan: Scan,
    dialect: str,
    rules: Mapping[Table, TableRule],
    columns: Mapping[Table, TableColumns],
) -> ShardPlan:
    """Return the plan of the text `source`: see `routedb.sharding.analyse`, which has
    `scan`, `dialect`, `rules` and `columns` as well."""
    masked = mask(source, whole_scan(source, scan))
    if _SEVERAL(masked.code):
        refuse("several statements in one text: send them one by one")
    defining = _definition(masked, scan, dialect, rules)
    if defining is not None:
        return defining
    text = _prepare(masked, dialect, rules)
    tree, tagged = _parse(text, dialect)
    names = NameFolding(dialect)
    reader = PredicateReader(tagged.terms, dialect)
    analysis = MergeAnalysis(names, rules, reader, columns)
    try:
        is_each = text.start == 0 and _TIED(masked.code) is None
        analysis.statement(tree, bool(text.rows), is_each)
    except RecursionError:
        refuse("the statement is nested too deeply")
    _check_found(analysis, rules)
    _check_reference(analysis, masked)
    rows = _row_plan(analysis, text, scan, dialect)
    uses, each_uses = _uses(analysis)
    return ShardPlan(
        verb=text.verb,
        dialect=dialect,
        key_uses=uses,
        each_uses=each_uses,
        key_changes=tuple(analysis.key_changes),
        is_write=bool(analysis.written_references) and text.is_run,
        rows=rows,
        counts_literals=not scan.is_whole
        and bool(analysis.key_uses or analysis.key_changes),
        positional_count=masked.positional_count,
        has_named=masked.has_named,
    )


def _uses(analysis: DmlAnalysis) -> tuple[tuple[KeyUse, ...], tuple[KeyUse, ...]]:
    """Return the uses of keys as they are for a statement as a whole, and for each of
    several shards; none where it cannot run on each."""
    uses = analysis.key_uses
    plain = tuple(use._replace(condition=without_here(use.condition)) for use in uses)
    bound = [use.condition is HERE or use not in plain for use in uses]
    if not any(bound):
        return plain, ()
    first = bound.index(True)  # of the rows that are changed
    return plain, (uses[first], *uses[:first], *uses[first + 1 :])


def _definition(
    masked: MaskedText, scan: Scan, dialect: str, rules: Mapping[Table, TableRule]
) -> ShardPlan | None:
    """Return the plan of a definition, which is for every shard; None of other texts.
    Raises ShardError for one that they could not keep to."""
    tokens = read_tokens(scan)
    verb = verb_of(tokens) if tokens is not None else ""
    if tokens is None or not verb:
        return _upkeep(masked, dialect)
    check_definition(tokens, verb, dialect, rules)
    if verb == "CREATE VIEW":
        text = _PreparedText(masked, 0, verb, False, True, [])
        check_view(_parse(text, dialect)[0], dialect, rules)
    return ShardPlan(
        verb=verb,
        dialect=dialect,
        is_write=True,
        is_apart=is_apart_from_transactions(masked.code.lstrip(), dialect),
        positional_count=masked.positional_count,
        has_named=masked.has_named,
    )


def _upkeep(masked: MaskedText, dialect: str) -> ShardPlan | None:
    """Return the plan of VACUUM and its like, which are for every shard; None of other
    texts."""
    found = _VERB(masked.code)
    verb = found[1].upper() if found else ""
    if verb not in _UPKEEP[dialect]:
        return None
    return ShardPlan(
        verb=verb,
        dialect=dialect,
        is_write=True,
        is_apart=is_apart_from_transactions(masked.code.lstrip(), dialect),
        positional_count=masked.positional_count,
        has_named=masked.has_named,
    )


def _prepare(
    masked: MaskedText, dialect: str, rules: Mapping[Table, TableRule]
) -> _PreparedText:
    code = masked.code
    if dialect == "mysql" and "||" in code:
        refuse("what || means depends on MySQL's sql_mode: write OR or CONCAT")
    explain = _EXPLAIN(code)
    start = explain.end() if explain else 0
    found = _VERB(code, start)
    verb = found[1].upper() if found else ""
    if verb not in _QUERIES and verb not in _CHANGES and verb != "MERGE":
        _refuse_verb(verb, rules)
    first = rows_start(code) if verb in _CHANGES or verb == "WITH" else -1
    rows = find_rows(code, first) if first >= 0 else []
    is_run = not start or "ANALY" in code[:start].upper()
    return _PreparedText(masked, start, verb, explain is not None, is_run, rows)


def _refuse_verb(verb: str, rules: Mapping[Table, TableRule]) -> None:
    named = ", ".join(map(str, rules))
    if verb in _REFUSED:
        refuse(f"{verb} on {named} {_REFUSED[verb]}", EACH)
    refuse(f"{verb or 'the statement'} on {named}: its shard is not found", WAYS)


def _parse(text: _PreparedText, dialect: str) -> tuple[exp.Expr, TaggedText]:
    """Return the tree. Of many rows alike only the first is in it."""
    masked, rows = text.masked, text.rows
    end = len(masked.source)
    spans: tuple[tuple[int, int], ...] = ((text.start, end),)
    if len(rows) > 1 and not _READS(masked.code[rows[0].start : rows[-1].end]):
        spans = ((text.start, rows[0].end), (rows[-1].end, end))
    # sqlglot reads nothing but a string in some places, as behind INTERVAL.
    for quoted in (False, True):
        tagged = tag(masked, spans, quoted)
        sql = _simplify(tagged.text, text.verb, dialect)
        trees = trees_of(sql, _DIALECTS[dialect])
        if trees is not None and len(trees) == 1:
            return trees[0], tagged
    return refuse(
        f"{text.verb}: its grammar is not understood well enough to find the shard; "
        "write it more simply"
    )


def _simplify(sql: str, verb: str, dialect: str) -> str:
    """Drop words that sqlglot does not know, and that do not matter here."""
    if dialect == "postgresql":
        return _OVERRIDING(" ", sql)
    sql = _MODIFIERS(r"\1 ", sql)
    return _REPLACE("INSERT", sql, 1) if verb == "REPLACE" else sql


def _check_found(analysis: DmlAnalysis, rules: Mapping[Table, TableRule]) -> None:
    missed = [str(table) for table in rules if table not in analysis.found]
    if missed:
        refuse(f"it is not certain how table {', '.join(missed)} is used")


def _check_reference(analysis: DmlAnalysis, masked: MaskedText) -> None:
    """Every copy of a reference table must get the same rows."""
    if not analysis.written_references:
        return
    named = ", ".join(analysis.written_references)
    if analysis.key_uses or analysis.inserted is not None:
        refuse(
            f"reference table {named} is written on every shard, and the statement "
            "also uses a sharded table: read that first, then write",
            "",
        )
    varies = _VARIES(masked.code)
    if varies:
        refuse(
            f"reference table {named} is written on every shard, and "
            f"{varies[0].rstrip('( ')} would give each copy a value of its own: pass "
            "the value as a parameter",
            "",
        )


def _row_plan(
    analysis: DmlAnalysis, text: _PreparedText, scan: Scan, dialect: str
) -> RowPlan | None:
    inserted = analysis.inserted
    if inserted is None:
        return None
    key, ordinal, width, because = inserted[:4]
    if text.is_explained:
        because = "it is explained"
    completion = None
    if inserted.known is not None:
        given = len(text.rows[0].commas) + 1
        if dialect == "postgresql" and not inserted.is_named:
            width = min(given, width)  # the columns behind them have their defaults
            ordinal = ordinal if ordinal < width else -1
        completion = _completion(inserted, ordinal, width, dialect)
    constant = None if completion is None else completion.constant
    terms = row_terms(text.masked, text.rows, key, ordinal, width, constant)
    kept = terms if scan.is_whole else None
    return RowPlan(key, ordinal, width, kept, because, completion)


def _completion(
    inserted: InsertedRows, ordinal: int, width: int, dialect: str
) -> Completion | None:
    """Return what the text leaves to the catalog. Raises ShardError where that does not
    tell the key."""
    known, key = inserted.known, inserted.key
    assert known is not None
    name = next(name for name in known.names if name.lower() == key.column.lower())
    added = None if ordinal >= 0 else known.constants.get(name)
    if ordinal < 0 and added is None:
        refuse(
            f"INSERT into {key.table} gives no value for its shard key {key.column}: "
            "nothing says which shard the rows are for",
            "",
        )
    names = () if inserted.is_named else known.names[:width]
    return completion_of(names, name, added, dialect)
