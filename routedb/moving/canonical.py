"""The text by which the verifier compares a row, the same on every engine.

It is not the copier's: a value that the copier spells wrongly on both ways would else
agree with itself. Each value is written with its length, so that no two rows have one
text. Numbers of floating point have no such text in two engines: where the engines
differ, they come to the client, which reads them as numbers.
"""

from __future__ import annotations

from routedb.moving.pairs import Field, Pair
from routedb.moving.spelling import name
from routedb.moving.types import Kind

_APART = (Kind.FLOAT, Kind.DOUBLE)
BUCKET_DIGITS = 3  # hexadecimal, of the digest of a key


def apart(pair: Pair) -> tuple[Field, ...]:
    """Return the fields of `pair` that are compared in the client."""
    engines = (pair.from_engine, pair.to_engine)
    values = tuple(field for field in pair.fields if is_by_value(field))
    if pair.from_engine == pair.to_engine:
        return values
    kinds = (*_APART, Kind.DECIMAL) if "sqlite" in engines else _APART
    return tuple(f for f in pair.fields if f.kind in kinds or f in values)


def is_by_value(field: Field) -> bool:
    """Tell whether `field` is JSON that the target stores as values, not as a text."""
    to, of = (text.startswith("jsonb") for text in (field.to_type, field.from_type))
    return field.kind is Kind.JSON and to and not of


def row_digest(pair: Pair, at_target: bool) -> str:
    """Return the expression of a row's digest at one end of `pair`, `at_target` or at
    its source."""
    left_out = apart(pair)
    fields = [field for field in pair.fields if field not in left_out]
    return _digest(pair, fields, at_target)


def bucket(pair: Pair, at_target: bool) -> str:
    """Return the expression of the bucket that a row's key falls into, at one end of
    `pair`, `at_target` or at its source."""
    digest = _digest(pair, list(pair.key_fields), at_target)
    return f"substr({digest}, 1, {BUCKET_DIGITS})"


def key_digest(pair: Pair, at_target: bool) -> str:
    """Return the expression of the digest of a row's key at one end of `pair`,
    `at_target` or not: it tells rows apart at both ends alike, however keys are
    spelt."""
    return _digest(pair, list(pair.key_fields), at_target)


def floats(pair: Pair, at_target: bool) -> list[str]:
    """Return the expressions of the fields of `pair` that are compared in the client,
    as texts, `at_target` or at the source."""
    engine = pair.to_engine if at_target else pair.from_engine
    made = []
    for field in apart(pair):
        column = name(engine, field.name)
        if field.kind is Kind.DECIMAL:
            made.append(f"CAST({column} AS {'CHAR' if engine == 'mysql' else 'TEXT'})")
        elif engine == "sqlite":
            made.append(column)
        elif field.kind is Kind.JSON:
            is_mine = engine == "postgresql"
            text = f"{column}::text" if is_mine else f"CONVERT({column} USING utf8mb4)"
            made.append(text)
        elif engine == "postgresql":
            made.append(f"{column}::float8::text")
        else:
            made.append(f"CAST(CAST({column} AS DOUBLE) AS CHAR)")
    return made


def sum_of_digests(engine: str, digest: str) -> str:
    """Return the expression that adds 60 bits of each row's `digest` at `engine`."""
    if engine == "postgresql":
        return f"sum(('x' || left({digest}, 15))::bit(60)::bigint)"
    if engine == "sqlite":
        return f"routedb_sum({digest})"
    return f"SUM(CAST(CONV(LEFT({digest}, 15), 16, 10) AS UNSIGNED))"


def _digest(pair: Pair, fields: list[Field], at_target: bool) -> str:
    engine = pair.to_engine if at_target else pair.from_engine
    texts = []
    for field in fields:
        column = name(engine, field.name)
        if engine == "postgresql":
            text = _in_postgresql(field, column)
            texts.append(f"coalesce(length({text}) || ':' || {text}, '-')")
        elif engine == "sqlite":
            text = _in_sqlite(field, column)
            texts.append(f"coalesce(length({text}) || ':' || {text}, '-')")
        else:
            type_text = field.to_type if at_target else field.from_type
            text = _in_mysql(field, column, type_text)
            texts.append(f"IFNULL(CONCAT(CHAR_LENGTH({text}), ':', {text}), '-')")
    if not texts:
        return "''"
    if engine == "postgresql":
        return f"md5({' || '.join(texts)})"
    if engine == "sqlite":
        return f"routedb_md5({' || '.join(texts)})"
    return f"MD5(CONCAT({', '.join(texts)}))"


def _in_postgresql(field: Field, column: str) -> str:
    kind = field.kind
    if kind is Kind.STAMP:
        return f"to_char({column}, 'YYYY-MM-DD HH24:MI:SS.US')"
    if kind is Kind.INSTANT:
        return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    if kind in (Kind.SPAN, Kind.CLOCK):
        return f"(extract(epoch FROM {column})::numeric(20, 6))::text"
    if kind is Kind.BYTES:
        return f"encode({column}, 'hex')"
    if kind is Kind.CHAR:
        return f"rtrim({column}::text, ' ')"
    if kind is Kind.BOOL:
        return f"{column}::int::text"
    if kind is Kind.INET:
        return f"host({column})"
    return f"{column}::text"


_STORED = {Kind.INTEGER: "integer", Kind.BOOL: "integer", Kind.BYTES: "blob"}


def _in_sqlite(field: Field, column: str) -> str:
    """What is not stored as its column declares has a text that nothing else has."""
    kind = field.kind
    text = column
    if kind in (Kind.STAMP, Kind.INSTANT):
        places = f"substr(substr({column}, 21) || '000000', 1, 6)"
        text = f"substr({column}, 1, 19) || '.' || {places}"
    elif kind is Kind.CLOCK:
        seconds = " + ".join(
            f"{size} * substr({column}, {place}, 2)"
            for place, size in ((1, 3600), (4, 60), (7, 1))
        )
        places = f"substr(substr({column}, 10) || '000000', 1, 6)"
        text = f"({seconds}) || '.' || {places}"
    elif kind is Kind.BYTES:
        text = f"lower(hex({column}))"
    elif kind is Kind.CHAR:
        text = f"rtrim({column}, ' ')"
    elif kind in _STORED:
        text = f"CAST({column} AS TEXT)"
    stored = _STORED.get(kind, "text")
    return (
        f"(CASE typeof({column}) WHEN 'null' THEN NULL WHEN '{stored}' THEN {text} "
        f"ELSE typeof({column}) || ' ' || quote({column}) END)"
    )


def _in_mysql(field: Field, column: str, type_text: str) -> str:
    kind = field.kind
    if kind in (Kind.STAMP, Kind.INSTANT):
        return f"DATE_FORMAT({column}, '%Y-%m-%d %H:%i:%s.%f')"
    if kind in (Kind.SPAN, Kind.CLOCK):
        seconds = f"TIME_TO_SEC(CAST({column} AS TIME(6)))"
        return f"CAST(CAST({seconds} AS DECIMAL(20, 6)) AS CHAR)"
    if kind is Kind.BYTES:
        return f"LOWER(HEX({column}))"
    if kind is Kind.CHAR:
        return f"TRIM(TRAILING ' ' FROM CONVERT({column} USING utf8mb4))"
    if kind is Kind.BITS:
        size = "".join(each for each in type_text if each.isdigit()) or "1"
        return f"LPAD(BIN({column} + 0), {size}, '0')"
    if kind is Kind.INTEGER:
        return f"CAST({column} + 0 AS CHAR)"  # without the zeros of ZEROFILL
    if kind in (Kind.TEXT, Kind.JSON):
        return f"CONVERT({column} USING utf8mb4)"
    return f"CAST({column} AS CHAR)"
