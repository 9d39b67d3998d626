"""The table rules: parsed, given to their databases, checked against one another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product
from typing import TYPE_CHECKING, Any, NoReturn

from routedb import errors
from routedb.config.model import DatabaseConfig, ShardFunction, TableRule

if TYPE_CHECKING:
    from routedb.config.entries import TableEntry

FUNCTIONS = ("hash", "modulo", "range", "list")
KEY_TYPES = (
    "integer",
    "numeric",
    "text",
    "uuid",
    "date",
    "timestamp",
    "boolean",
    "bytes",
)
_PART = re.compile(r'"((?:[^"]|"")+)"|`([^`]+)`|([^."`]+)')
_NAME = re.compile(rf"(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))?")
_WILD = re.compile(r"\[!?[^\]]+\]|[*?]")
# What a wildcard may stand for, to see whether one glob covers all that another can
# match. The characters are from the private use area: no rule names them.
_SAMPLES = {"*": ("", "\ue000", "\ue001\ue002"), "?": ("\ue000", "\ue001")}


def build(
    tables: Mapping[str, Any],
    databases: Mapping[str, DatabaseConfig],
    source: str,
    dialect: str,
) -> tuple[TableRule, ...]:
    """Return the rules in the order of the file.

    Names are folded as `dialect`, the one texts are read in, folds them; a part in
    quotes is kept as it is. Raises ConfigError for a table with two homes, a rule that
    can never match, a database that does not exist, and shard keys without shards.
    """
    rules: list[TableRule] = []
    for pattern, raw in tables.items():
        rule = _rule(pattern, raw, databases, source, dialect)
        _check_reachable(rule, rules, source)
        rules.append(rule)
    for name, database in databases.items():
        if database.is_sharded:
            _check_one_way(name, rules, source)
    return tuple(rules)


def covers(general: TableRule, special: TableRule) -> bool:
    """Tell whether `general` matches whatever `special` can match."""
    if general.schema is not None and (
        special.schema is None or not _covers(general.schema, special.schema)
    ):
        return False
    return _covers(general.name, special.name)


def _rule(
    pattern: str,
    raw: Any,
    databases: Mapping[str, DatabaseConfig],
    source: str,
    dialect: str,
) -> TableRule:
    path = f'tables."{pattern}"'
    schema, name = _split(pattern, path, source, dialect)
    if isinstance(raw, str):
        raw = {"database": raw}
    from routedb.config.entries import TableEntry, convert  # noqa: PLC0415

    entry = convert(raw, TableEntry, path, source)
    if entry.database not in databases:
        _refuse(
            source,
            f"{path}.database",
            f"no database {entry.database!r}; configured are {', '.join(databases)}",
        )
    database = databases[entry.database]
    _check_sharding(entry, database, path, source)
    function = None
    if entry.shard_key is not None:
        function = _function(entry, len(database.groups), path, source)
    key = entry.shard_key
    if key is not None and dialect != "mysql":
        key = key.strip('"') if key.startswith('"') else key.lower()
    return TableRule(
        pattern, schema, name, entry.database, key, function, entry.reference
    )


def _split(
    pattern: str, path: str, source: str, dialect: str
) -> tuple[str | None, str]:
    """Split schema.name; quotes keep a dot or capitals from being read."""
    parts = []
    if _NAME.fullmatch(pattern):
        for quoted, ticked, plain in _PART.findall(pattern):
            folded = plain if dialect == "mysql" else plain.lower()
            parts.append(folded or ticked or quoted.replace('""', '"'))
    if not parts:
        _refuse(source, path, "no table name or glob; write name or schema.name")
    return (parts[0] if len(parts) > 1 else None), parts[-1]


def _check_reachable(
    rule: TableRule, earlier: Sequence[TableRule], source: str
) -> None:
    path = f'tables."{rule.pattern}"'
    for other in earlier:
        if (other.schema, other.name) == (rule.schema, rule.name):
            _refuse(
                source,
                path,
                f"this table has two homes: {other.database} by {other.pattern!r} and "
                f"{rule.database} by {rule.pattern!r}",
            )
        if covers(other, rule):
            _refuse(
                source,
                path,
                f"can never match: {other.pattern!r} above it matches everything that "
                "it can; put the more special rule first",
            )


def _check_sharding(
    entry: TableEntry, database: DatabaseConfig, path: str, source: str
) -> None:
    sharding = ("function", "key_type", "bounds", "values")
    given = [key for key in sharding if getattr(entry, key) is not None]
    if not database.is_sharded:
        if entry.shard_key is not None or entry.reference or given:
            key = "shard_key" if entry.shard_key is not None else "reference"
            _refuse(
                source,
                f"{path}.{given[0] if given and not entry.reference else key}",
                f"database {entry.database!r} is not sharded; give it shards = […]",
            )
        return
    if (entry.shard_key is None) == (not entry.reference):
        _refuse(
            source,
            path,
            f"database {entry.database!r} is sharded: a table there needs either "
            'shard_key = "column" or reference = true',
        )
    if entry.reference and given:
        _refuse(source, f"{path}.{given[0]}", "a reference table has no shard function")


def _function(entry: TableEntry, shards: int, path: str, source: str) -> ShardFunction:
    name = entry.function or (
        "range" if entry.bounds is not None else "list" if entry.values else "hash"
    )
    if name not in FUNCTIONS:
        _refuse(
            source,
            f"{path}.function",
            f"{name!r}; allowed are {', '.join(FUNCTIONS)}",
        )
    if entry.key_type is not None and entry.key_type not in KEY_TYPES:
        _refuse(
            source,
            f"{path}.key_type",
            f"{entry.key_type!r}; allowed are {', '.join(KEY_TYPES)}",
        )
    for key, owner in (("bounds", "range"), ("values", "list")):
        given = getattr(entry, key) is not None
        if given != (name == owner):
            what = f"belongs to function = {owner!r}" if given else "is missing"
            _refuse(source, f"{path}.{key}", what)
    if name == "range":
        _check_bounds(entry.bounds or [], shards, path, source)
    if name == "list":
        _check_values(entry.values or [], shards, path, source)
    return ShardFunction(
        name,
        entry.key_type,
        tuple(entry.bounds or ()),
        tuple(tuple(keys) for keys in entry.values or ()),
    )


def _check_bounds(bounds: list[Any], shards: int, path: str, source: str) -> None:
    where = f"{path}.bounds"
    if len(bounds) != shards - 1:
        _refuse(
            source,
            where,
            f"{shards} shards need {shards - 1} bounds between, found {len(bounds)}",
        )
    _check_one_type(bounds, where, source)
    if any(a >= b for a, b in zip(bounds, bounds[1:], strict=False)):
        _refuse(source, where, f"must rise, found {bounds!r}")


def _check_values(values: list[list[Any]], shards: int, path: str, source: str) -> None:
    where = f"{path}.values"
    if len(values) != shards:
        _refuse(
            source, where, f"{shards} shards need {shards} lists, found {len(values)}"
        )
    flat = [key for keys in values for key in keys]
    _check_one_type(flat, where, source)
    for key in flat:
        if flat.count(key) > 1:
            _refuse(source, where, f"{key!r} stands there twice")


def _check_one_type(values: list[Any], where: str, source: str) -> None:
    kinds = sorted({type(value).__name__ for value in values})
    if len(kinds) > 1:
        _refuse(source, where, f"mixes types: {', '.join(kinds)}")


def _check_one_way(name: str, rules: Sequence[TableRule], source: str) -> None:
    if not any(rule.database == name for rule in rules):
        _refuse(
            source,
            f"databases.{name}",
            "is sharded, but no rule under [tables] puts a table there",
        )


def _covers(general: str, special: str) -> bool:
    """Try what `special` can be against `general`: every wildcard stands for several
    samples, among them characters that only a wildcard can match."""
    parts = _WILD.split(special)
    choices = [_samples(wild) for wild in _WILD.findall(special)]
    for chosen in product(*choices):
        text = parts[0] + "".join(
            sample + part for sample, part in zip(chosen, parts[1:], strict=True)
        )
        if not fnmatchcase(text, general):
            return False
    return True


def _samples(wild: str) -> tuple[str, ...]:
    if wild in _SAMPLES:
        return _SAMPLES[wild]
    inside = wild[1:-1]
    return ("\ue000",) if inside.startswith("!") else tuple(inside.replace("-", ""))


def _refuse(source: str, path: str, what: str) -> NoReturn:
    raise errors.ConfigError(f"{source}: {path}: {what}") from None
