"""What is known of a statement as one line, so that tests are tables of lines.

`write: +a, b; tx commit; session temp; asks f` is a write to a that also reads b,
commits, makes something temporary and calls f, which no list has. "plain" stands before
the kind when the statement may run on a replica.
"""

from __future__ import annotations

from routedb.sql import Statement, classify


def seen(sql: str | bytes, dialect: str = "postgresql", **functions: str) -> str:
    return line(classify(sql, dialect, functions or None))


def line(statement: Statement) -> str:
    plain = "plain " if statement.read_only else ""
    tables = [f"{'+' * (t in statement.writes)}{t}" for t in statement.tables]
    parts = [f"{plain}{statement.kind}" + (f": {', '.join(tables)}" if tables else "")]
    for name, values in (
        ("tx", [step.effect.value for step in statement.tx]),
        ("session", [effect.value for effect in statement.session]),
        ("asks", [str(function) for function in statement.asks]),
    ):
        if values:
            parts.append(f"{name} {', '.join(values)}")
    return "; ".join(parts)
