"""The table rules: read, resolved to their databases, checked for conflicts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from routedb.config import globs
from routedb.config.document import Document, Path
from routedb.config.model import ClusterConfig, DatabaseConfig, RowsMoving, TableRule
from routedb.config.shard_functions import SHARDING_KEYS, read_function
from routedb.sql.scanner.identifiers import fold_identifier

_PART = re.compile(r'"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|([^."`\s]+)')
_NAME = re.compile(rf"(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))?")

# The schema that a name without one stands for: the two spell the same table.
_OWN_SCHEMA = {"postgresql": "public", "mysql": None, "sqlite": "main"}


def tables_document(
    label: str, tables: Mapping[str, Any], config: ClusterConfig
) -> Document:
    """Return `tables`, of the shape of the section `[tables]`, as a document that is
    called `label` in errors; the databases are those of `config`. Raises ConfigError
    for another shape."""
    from routedb.config.schema import check_shape  # noqa: PLC0415  (msgspec)

    databases: dict[str, Any] = {}
    for name, database in config.databases.items():
        databases[name] = {"shards" if database.is_sharded else "nodes": []}
    content = {"tables": tables, "databases": databases}
    document = Document(label, content, {}, {})
    check_shape(document, document.written)
    return document


def build(
    document: Document, databases: Mapping[str, DatabaseConfig], dialect: str
) -> tuple[TableRule, ...]:
    """Return the rules of `document` in the order of the file.

    `databases` are those that rules may name. Names are folded as `dialect`, the one
    that texts are read in, folds them. Raises
    ConfigError for a table with two homes, a rule that can never match, a database that
    does not exist, and a shard key that cannot be used or is missing.
    """
    rules: list[TableRule] = []
    for pattern in document.filled.get("tables", {}):
        rule = read_rule(document, pattern, databases, dialect)
        for earlier in rules:
            _check_homes(document, earlier, rule, dialect)
        rules.append(rule)
    _check_reachable(document, rules)
    return tuple(rules)


# -- one rule --------------------------------------------------------------------------


def read_rule(
    document: Document,
    pattern: str,
    databases: Mapping[str, DatabaseConfig],
    dialect: str,
) -> TableRule:
    """Return the rule of `document` that is written for `pattern`; `databases` and
    `dialect` are as for `build`. Raises ConfigError."""
    path: Path = ("tables", pattern)
    schema, name = split_name(document, path, pattern, dialect)
    entry = document.value(path)
    if isinstance(entry, str):
        document.choose(path, entry, databases, "databases")
        entry = {"database": entry}
    else:
        document.choose((*path, "database"), entry["database"], databases, "databases")
    database = databases[entry["database"]]
    _check_sharding(document, path, entry, database)
    key = entry.get("shard_key")
    return TableRule(
        pattern,
        schema,
        name,
        database.name,
        None if key is None else _column(document, path, key, dialect),
        None
        if key is None
        else read_function(document, path, entry, len(database.groups)),
        entry.get("reference", False),
        _moving(entry.get("moving")),
    )


def _moving(said: Mapping[str, Any] | None) -> RowsMoving | None:
    if said is None:
        return None
    key = tuple(str(each) for each in said.get("key", ()))
    return RowsMoving(str(said.get("hidden", "")), key, int(said.get("guard", 0)))


def split_name(
    document: Document, path: Path, pattern: str, dialect: str
) -> tuple[str | None, str]:
    """Split the `pattern` at `path` of `document` into schema and name, folded as
    `dialect` folds. Raises ConfigError for what is neither.

    Quotes keep a dot, a blank or capitals as they are; wildcards are wildcards inside
    them too.
    """
    parts = [_unquoted(found, dialect) for found in _PART.findall(pattern)]
    if not _NAME.fullmatch(pattern):
        what = "a table is written name or schema.name, each with globs or in quotes"
        document.refuse(path, what, found=False)
    for part in parts:
        try:
            globs.parse(part)
        except ValueError as exc:
            document.refuse(path, f"can never match: {exc}", found=False)
    return (parts[0] if len(parts) > 1 else None), parts[-1]


def _unquoted(found: Sequence[str], dialect: str) -> str:
    quoted, ticked, plain = found
    if plain:
        return fold_identifier(plain, dialect, is_quoted=False)
    name = quoted.replace('""', '"') or ticked.replace("``", "`")
    return fold_identifier(name, dialect, is_quoted=True)


def _column(document: Document, path: Path, key: str, dialect: str) -> str:
    """Fold the name of a shard key, which may stand in quotes."""
    match = _PART.fullmatch(key)
    if match is None:
        document.refuse((*path, "shard_key"), "expected the name of one column")
    return _unquoted(match.groups(""), dialect)


def _check_sharding(
    document: Document, path: Path, entry: Mapping[str, Any], database: DatabaseConfig
) -> None:
    has_key, is_reference = "shard_key" in entry, entry.get("reference", False)
    given = [key for key in SHARDING_KEYS if key in entry]
    if not database.is_sharded:
        keys = ["shard_key"] * has_key + ["reference"] * is_reference + given
        if keys:
            what = f"database {database.name!r} is not sharded; give it shards = […]"
            document.refuse((*path, keys[0]), f"{what}, or remove this key")
    elif has_key == is_reference:
        document.refuse(
            path,
            f"database {database.name!r} is sharded: a table there has either "
            'shard_key = "column" or reference = true',
        )
    elif is_reference and given:
        what = "a reference table is whole on every shard and has no shard function"
        document.refuse((*path, given[0]), what)


# -- rules against one another ---------------------------------------------------------


def _check_homes(
    document: Document, earlier: TableRule, rule: TableRule, dialect: str
) -> None:
    """Refuse two homes: one table spelled twice, or with and without its schema."""
    if (earlier.schema, earlier.name) == (rule.schema, rule.name):
        same = True
    else:
        own = _OWN_SCHEMA[dialect]
        schemas = {earlier.schema or own, rule.schema or own}
        same = (
            schemas == {own}
            and own is not None
            and earlier.name == rule.name
            and earlier.database != rule.database
            and globs.is_literal(rule.name)
        )
    if same:
        document.refuse(
            ("tables", rule.pattern),
            f"this table has two homes: {earlier.database} by {earlier.pattern!r} and "
            f"{rule.database} by {rule.pattern!r}; keep one of the two rules",
            found=False,
        )


def _check_reachable(document: Document, rules: Sequence[TableRule]) -> None:
    """Refuse a rule when those above it match every table that it can match."""
    above: list[tuple[TableRule, globs.Glob, globs.Glob]] = []
    for rule in rules:
        name = globs.parse(rule.name)
        # A rule without a schema matches any, and so does one whose schema is a star.
        table = (*globs.parse(rule.schema or "*"), globs.SEPARATOR, *name)
        near = [(r, whole) for r, whole, n in above if globs.may_meet(n, name)]
        if near and globs.covers([whole for _, whole in near], table):
            hiding = " and ".join(repr(r.pattern) for r in _needed(near, table))
            document.refuse(
                ("tables", rule.pattern),
                f"can never match: {hiding} above it match everything that it can; "
                "put the more special rule first",
                found=False,
            )
        above.append((rule, table, name))


def _needed(
    rules: list[tuple[TableRule, globs.Glob]], table: globs.Glob
) -> list[TableRule]:
    """Leave out the rules without which the others still cover `table`."""
    kept = list(rules)
    for rule in reversed(rules):
        others = [each for each in kept if each is not rule]
        if globs.covers([whole for _, whole in others], table):
            kept = others
    return [rule for rule, _ in kept]
