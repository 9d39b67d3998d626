"""From a text to its Statement, once per shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import islice

from routedb.sql.catalog.functions import FunctionCatalog
from routedb.sql.catalog.system_tables import has_server_view, is_catalog
from routedb.sql.parser.builder import StatementBuilder, gravest
from routedb.sql.parser.dispatch import VERB_READERS
from routedb.sql.parser.hints import parse_hints
from routedb.sql.scanner import long_text
from routedb.sql.scanner.executable import is_mixed, variants
from routedb.sql.scanner.lexer import Tokens, UnreadableStatement, statements
from routedb.sql.scanner.shape import FAULT, HINT, Scan, scan
from routedb.sql.session_objects import ObjectKind
from routedb.sql.statement import Kind, Statement


class Classifier:
    """Classifies texts of one dialect and remembers what it said of their shapes.

    Shared by threads: a look-up is one read of a dict; two threads that classify a new
    shape at once do so twice, with the same result.
    """

    def __init__(
        self,
        dialect: str,
        functions: Mapping[str, str] | None = None,
        max_shapes: int = 10_000,
        lexis: str | None = None,
    ) -> None:
        """Make a classifier of texts in `dialect`: "postgresql", "mysql" or "sqlite".

        `functions` says of functions that no list has whether they "read", "write" or
        use the "session". `max_shapes` are remembered; with 0 none, for a caller who
        remembers them. `lexis` is the way to write of the sessions' settings
        (`scanner.patterns`), None for that without any. Raises ValueError for another
        dialect.
        """
        if dialect not in VERB_READERS:
            known = ", ".join(VERB_READERS)
            raise ValueError(f"dialect {dialect!r} is not known; known are {known}")
        self.dialect = dialect
        self.max_shapes = max_shapes
        self._lexis = dialect if lexis is None else lexis
        self._functions = FunctionCatalog(dialect, functions)
        self._readers = VERB_READERS[dialect]
        self._known: dict[str, Statement] = {}

    def scan(self, sql: str) -> Scan:
        """Take `sql` apart; of a long one not its runs of literals. Never raises."""
        if len(sql) > long_text.LONG and self._lexis == self.dialect:
            short = long_text.shorten(sql, self.dialect)
            if short is not None:
                found = scan(short, self.dialect)
                return found._replace(parts=[sql], is_whole=False, counted="")
        return scan(sql, self._lexis)

    def statement(self, scan: Scan) -> Statement:
        """Return what is known of a text that has been taken apart. Never raises."""
        if not self.max_shapes:
            return self._classify(scan.shape)
        statement = self._known.get(scan.shape)
        if statement is None:
            statement = self._classify(scan.shape)
            self._keep(scan.shape, statement)
        return statement

    def _keep(self, shape: str, statement: Statement) -> None:
        known = self._known
        if len(known) >= self.max_shapes:
            # list() of a dict is one step for other threads; pop forgives their pops.
            for old in list(islice(known.copy(), max(1, self.max_shapes // 4))):
                known.pop(old, None)
        known[shape] = statement

    def _classify(self, shape: str) -> Statement:
        if shape.startswith(FAULT):
            return Statement(Kind.UNKNOWN, "", reason=shape.removeprefix(FAULT))
        hints = None
        if shape.startswith(HINT):
            hints, shape = parse_hints(shape)
        if self.dialect == "mysql" and "/*" in shape:
            statement = self._read_variants(shape)
        else:
            try:
                statement = self._read(shape)
            except _UNREADABLE as problem:
                statement = _unknown(_reason(problem))
        return replace(statement, hints=hints) if hints else statement

    def _read_variants(self, text: str) -> Statement:
        """Return the graver of what a text is with and without its executable comments.

        It is a plain read when it is one in both, and they are for every server.
        """
        found: list[Statement] = []
        unknown: list[Statement] = []
        for variant in variants(text):
            try:
                statement = self._read(variant)
            except _UNREADABLE as problem:
                statement = _unknown(_reason(problem))
            (unknown if statement.kind is Kind.UNKNOWN else found).append(statement)
        doing = [statement for statement in found if statement.kind is not Kind.EMPTY]
        graver = [statement for statement in doing if not statement.read_only]
        statement = next(iter(graver + doing + found + unknown))
        if statement.read_only and unknown:
            return unknown[0]
        if statement.read_only and is_mixed(text):
            return _unknown("its comments are for servers of several versions")
        return statement

    def _read(self, text: str) -> Statement:
        parts, count = statements(text, self.dialect)
        if not parts:
            return Statement(Kind.EMPTY, "", parts=0)
        first = self._build(parts[0])
        for tokens in parts[1:]:
            _merge(first, self._build(tokens))
        is_plain = first.kind in _PLAIN and not first.reason and not first.session
        is_about_server = has_server_view(first.tables, self.dialect)
        if is_about_server:  # perhaps about one backend, by its number
            first.need(ObjectKind.BACKEND)
        reason = first.reason
        if first.asks and not reason:
            reason = f"calls {next(iter(first.asks))}, which no list of functions has"
        return Statement(
            kind=first.kind,
            verb=first.verb,
            read_only=is_plain and not first.asks,
            tables=tuple(first.tables),
            writes=tuple(first.writes),
            tx=tuple(first.tx),
            session=tuple(first.session),
            settings=tuple(first.settings),
            asks=tuple(first.asks) if is_plain else (),
            parts=count,
            is_returning=first.is_returning,
            reads_server_views=is_about_server,
            asks_server=first.asks_server
            and all(is_catalog(table, self.dialect) for table in first.tables),
            reason=reason,
            holds=tuple(first.holds),
            frees=tuple(first.frees),
            needs=tuple(first.needs),
            is_dropped_on_commit=first.is_dropped_on_commit,
            renames=tuple(first.renames),
        )

    def _build(self, tokens: Tokens) -> StatementBuilder:
        builder = StatementBuilder(self.dialect, self._functions)
        builder.verb = verb = tokens.upper[0]
        try:
            read = self._readers.get(verb)
            if read is None:
                raise UnreadableStatement(f"{tokens.raw[0][:40]!r} begins no statement")
            read(tokens, builder)
            gap = tokens.gap()
            if gap < tokens.end:
                raise UnreadableStatement(f"{tokens.raw[gap][:40]!r} is not understood")
        except _UNREADABLE as problem:
            builder.give_up(_reason(problem))
        return builder

    def spans(self, sql: str) -> list[tuple[str, str]]:
        """Say how each part of `sql` was read: for tests of the reader.

        Returns pairs of "read", "name list", "option list" or "unread", and the words,
        in the order of the text; for MySQL as if executable comments were run.
        """
        _, shape = parse_hints(self.scan(sql).shape)
        text = variants(shape)[0] if self.dialect == "mysql" else shape
        found: list[tuple[str, str]] = []
        for tokens in statements(text, self.dialect)[0]:
            self._build(tokens)
            found += tokens.accounted()
        return found


# Kinds that may be plain reads, when nothing speaks against it.
_PLAIN = frozenset({Kind.READ, Kind.EXPLAIN, Kind.COPY})


def _merge(first: StatementBuilder, other: StatementBuilder) -> None:
    """Add to what is known of one statement that of the next in the text."""
    first.kind = gravest(first.kind, other.kind)
    first.reason = first.reason or other.reason
    first.tables.update(other.tables)
    first.writes.update(other.writes)
    first.absorb(other)
    first.asks.update(other.asks)
    first.tx += other.tx
    first.is_returning |= other.is_returning


# Beside the first, not a statement that a server would take; never an error of ours.
_UNREADABLE = (UnreadableStatement, LookupError, ValueError, RecursionError)


def _reason(problem: Exception) -> str:
    is_said = isinstance(problem, UnreadableStatement)
    return str(problem) if is_said else f"it cannot be read ({problem!r})"


def _unknown(reason: str) -> Statement:
    return Statement(Kind.UNKNOWN, "", reason=reason)


def classify(
    sql: str | bytes,
    dialect: str = "postgresql",
    functions: Mapping[str, str] | None = None,
) -> Statement:
    """Say what `sql` is, without connecting to anything. Never raises for bad SQL.

    `dialect` is "postgresql", "mysql" or "sqlite", another one a ValueError;
    `functions` says of functions that no list has whether they "read", "write" or use
    the "session". To classify many texts make one `Classifier` and keep it: it
    remembers shapes.
    """
    text = sql.decode("utf-8", "surrogateescape") if isinstance(sql, bytes) else sql
    classifier = _shared(dialect) if not functions else Classifier(dialect, functions)
    return classifier.statement(classifier.scan(text))


@cache
def _shared(dialect: str) -> Classifier:
    return Classifier(dialect)
