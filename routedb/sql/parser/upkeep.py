"""Work on tables by name: TRUNCATE, VACUUM, REINDEX, RENAME, IMPORT, BACKUP …"""

from __future__ import annotations

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.dml import read_query
from routedb.sql.parser.name_lists import (
    AFTER_DROP,
    names_end,
    pass_over,
    pass_words,
    read_tables,
    take_values,
    write_table,
    write_tables,
)
from routedb.sql.scanner.keywords import word_set
from routedb.sql.scanner.lexer import Tokens, UnreadableStatement
from routedb.sql.session_objects import ObjectKind
from routedb.sql.statement import Kind, SessionEffect, TxEffect, TxStep


def maintain(tokens: Tokens, builder: StatementBuilder) -> None:
    """TRUNCATE, VACUUM, ANALYZE, CLUSTER, OPTIMIZE …: work on tables by name."""
    upper = tokens.upper
    builder.mark(Kind.DDL, f"{upper[0].lower()}s tables")
    if builder.dialect == "mysql":
        builder.tx.append(TxStep(TxEffect.COMMIT))
    if upper[0] == "VACUUM" and builder.dialect == "sqlite":
        _vacuum_sqlite(tokens, builder)
        return
    at = _maintained_at(tokens, builder.dialect)
    tokens.take(0, at)
    is_other = upper[0] == "REINDEX" and "TABLE" not in upper[1:at]
    if is_other and builder.dialect == "postgresql":  # an index, or this database
        pass_over(tokens, builder, at)
        return
    if upper[0] == "CLUSTER" and "ON" in upper:  # CLUSTER index ON table, of old
        at = upper.index("ON") + 1
    end = write_tables(tokens, builder, at)
    tokens.take(0, end)
    if builder.dialect == "postgresql":
        at = pass_words(tokens, end, _AFTER_TABLES)
        tokens.take(end, at + (upper[at - 1] == "USING"))
    else:
        take_values(tokens, end)


_MAINTENANCE = {
    "postgresql": word_set("TABLE FULL FREEZE VERBOSE ANALYZE ANALYSE CONCURRENTLY"),
    "sqlite": word_set(""),
}
_NOT_LOGGED = word_set("LOCAL NO_WRITE_TO_BINLOG")
_MAINTAINED = word_set("TABLE TABLES VIEW")
_AFTER_TABLES = word_set(
    "RESTART CONTINUE IDENTITY CASCADE RESTRICT USING WITH NO DATA"
)


def _maintained_at(tokens: Tokens, dialect: str) -> int:
    """Find the first table: behind options and the words of `dialect`.

    Those of PostgreSQL are reserved, but for MATERIALIZED VIEW, which only REFRESH has.
    """
    upper = tokens.upper
    if upper[0] == "REFRESH":
        return 3
    if dialect == "mysql":
        at = 1 + (upper[0] != "TRUNCATE" and upper[1] in _NOT_LOGGED)
        is_said = upper[at] == "TABLE" if upper[0] == "TRUNCATE" else True
        return at + (is_said and upper[at] in _MAINTAINED)
    has_options = upper[1] == "(" and upper[0] != "TRUNCATE"
    at = names_end(tokens, 1) if has_options else 1
    words = _MAINTENANCE[dialect]
    while upper[at] in words:
        at += 1
    return at


def _vacuum_sqlite(tokens: Tokens, builder: StatementBuilder) -> None:
    """SQLite's VACUUM [schema] [INTO file]: no table, but the file may be a query's."""
    at = 1 + (tokens.upper[1] != "INTO" and tokens.names[1] is not None)
    tokens.take(0, at + (tokens.upper[at] == "INTO"))
    if tokens.upper[at] == "INTO":
        read_query(tokens, builder, at + 1)


def import_schema(tokens: Tokens, builder: StatementBuilder) -> None:
    """PostgreSQL's IMPORT FOREIGN SCHEMA: LIMIT TO (a, b) names what is made here."""
    upper = tokens.upper
    builder.mark(Kind.DDL, "defines")
    pass_over(tokens, builder, 0)
    if upper[4:7] != ["LIMIT", "TO", "("]:
        return
    tables, end = read_tables(tokens, 7, builder.dialect)
    while upper[end] and upper[end] != "INTO":
        end += 1
    schema, _ = tokens.read_name(end + 1)
    if schema is None:
        raise UnreadableStatement("IMPORT FOREIGN SCHEMA without INTO")
    builder.write(*(table._replace(schema=schema.name) for table in tables))


def backup(tokens: Tokens, builder: StatementBuilder) -> None:
    """MariaDB's BACKUP STAGE and BACKUP LOCK: locks of the session on the server."""
    upper = tokens.upper
    builder.mark(Kind.LOCK, "locks for a backup")
    builder.touch(SessionEffect.LOCK)
    builder.tx.append(TxStep(TxEffect.COMMIT))
    end = 3 if upper[1] == "STAGE" else 2
    if upper[1] == "LOCK":
        table, end = tokens.read_name(2)
        if table is not None:
            builder.tables[table] = None
    tokens.take(0, end)
    if upper[1] == "UNLOCK" or upper[1:3] == ["STAGE", "END"]:
        builder.free(ObjectKind.TABLE_LOCK)
    else:
        builder.hold(ObjectKind.TABLE_LOCK)


def cache_index(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's `CACHE INDEX a INDEX (i), b IN k` and `LOAD INDEX INTO CACHE a, b`."""
    upper = tokens.upper
    builder.mark(Kind.DDL, "acts on the server")
    builder.tx.append(TxStep(TxEffect.COMMIT))
    at = 2 if upper[0] == "CACHE" else 4
    tokens.take(0, at)
    while at < tokens.end:
        table, end = tokens.read_name(at)
        if table is None:
            raise UnreadableStatement(f"{upper[0]} INDEX without a table")
        builder.tables[table] = None
        while upper[end] and upper[end] not in (",", "IN"):  # PARTITION (p) INDEX (i)
            end = tokens.close.get(end, end) + 1
        end = tokens.end if upper[end] == "IN" else end + 1
        tokens.take(at, min(end, tokens.end))
        at = end


_LISTS_NONE = word_set("WITH FOR")


def flush(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's FLUSH: TABLES a, b WITH READ LOCK, and FOR EXPORT, are locks of the
    session, which UNLOCK TABLES ends."""
    upper = tokens.upper
    builder.mark(Kind.DDL, "acts on the server")
    builder.tx.append(TxStep(TxEffect.COMMIT))
    at = 1 + (upper[1] in ("LOCAL", "NO_WRITE_TO_BINLOG"))
    if upper[at] not in ("TABLE", "TABLES"):
        pass_over(tokens, builder, 0)
        return
    at += 1
    if upper[at] not in _LISTS_NONE:
        tables, at = read_tables(tokens, at, builder.dialect)
        builder.tables.update(dict.fromkeys(tables))
    tokens.take(0, at)
    if upper[at] in _LISTS_NONE:
        builder.touch(SessionEffect.LOCK)
        builder.hold(ObjectKind.TABLE_LOCK)
    take_values(tokens, at)


def rename(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's RENAME TABLE a TO b, c TO d."""
    builder.mark(Kind.DDL, "renames tables")
    builder.tx.append(TxStep(TxEffect.COMMIT))
    at = 1
    if tokens.upper[1] not in ("TABLE", "TABLES"):  # an account
        pass_over(tokens, builder, 0)
        return
    while at == 1 or tokens.upper[at] in ("TO", ","):
        _, end = write_table(tokens, builder, at + 1)
        at = pass_words(tokens, end, AFTER_DROP)
    tokens.take(0, at)
