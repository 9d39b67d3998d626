"""Statements made by chance of the constructs that `split_statements` has not.

Each construct is a method that makes one, for the dialects that have it; `Made` says
which it was. What they answer is certain, as there: what strings values together says
in which order, and what is cut says a total one.
"""

# ruff: noqa: E501  (a query is a line)

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from tests.support.split_statements import Column, Made, Statements

_POSTGRESQL, _MYSQL, _SQLITE = "postgresql", "mysql", "sqlite"
_ALL = (_POSTGRESQL, _MYSQL, _SQLITE)
_SHARE = 0.5  # of the statements; the others are those of `Statements`
# Of each table: a key, a number, a text. `id` is the primary key of all.
_TABLES = {
    "orders": ("cust", "amount", "note"),
    "items": ("cust", "qty", "sku"),
    "visits": ("usr", "cust", "page"),
    "regions": ("cust", "cust", "name"),
    "leads": ("cust", "score", "src"),
    "stock": ("level", "level", "sku"),
}
_TYPED = ("facts", "deeds")
_COLLATIONS = {
    _POSTGRESQL: ('"C"', '"POSIX"'),
    _MYSQL: ("utf8mb4_general_ci", "utf8mb4_bin"),
    _SQLITE: ("NOCASE", "BINARY"),
}


class _Table(NamedTuple):
    """A table as FROM has it, with its columns as the text names them."""

    text: str
    key: str
    number: str
    words: str
    id: str

    @property
    def columns(self) -> list[Column]:
        names = (self.key, self.number, self.words, self.id)
        return [
            Column(name, type_)
            for name, type_ in zip(names, ("int", "int", "text", "int"), strict=True)
        ]


class WideStatements(Statements):
    """Makes statements of a `dialect`, by `rng`; `own_types`: its tables of types have
    the columns that are PostgreSQL's alone."""

    def __init__(self, rng: Random, dialect: str, own_types: bool = False) -> None:
        super().__init__(rng)
        self._dialect = dialect
        self._constructs: list[tuple[str, Callable[[], str]]] = [
            (name, getattr(self, f"_{name}"))
            for name, dialects in _CONSTRUCTS.items()
            if dialect in dialects and (own_types or name not in _OWN)
        ]
        self._order: tuple[int, ...] = ()
        self._tail = ""  # the last ORDER BY, which may not have been taken

    def one(self) -> Made:
        if not self._chance(_SHARE):
            return super().one()
        self._values, self._aliases, self._ctes = [], 0, []
        self._is_near = self._chance(0.5)
        self._order, self._tail = (), ""
        name, make = self.rng.choice(self._constructs)
        text = make()  # which says what it is in the order of
        order = self._order if self._tail in text else ()
        return self._bound(text, order)._replace(construct=name.replace("_", " "))

    # -- parts -------------------------------------------------------------------------

    def _table(self, name: str = "") -> _Table:
        self._aliases += 1
        near = ("orders", "items", "orders", "items", "regions")
        name = name or self.rng.choice(near if self._is_near else tuple(_TABLES))
        alias = f"t{self._aliases}"
        columns = (f"{alias}.{each}" for each in (*_TABLES[name], "id"))
        return _Table(f"{name} {alias}", *columns)

    def _typed(self) -> tuple[str, str]:
        """A table of many types, and its alias."""
        self._aliases += 1
        alias = f"f{self._aliases}"
        return f"{self.rng.choice(_TYPED)} {alias}", alias

    def _two(self, *kinds: str) -> tuple[str, _Table, _Table]:
        """Two tables that are joined, mostly by their keys."""
        one, two = self._table(), self._table()
        left = self.rng.choice((one.key, one.key, one.number, one.id))
        right = self.rng.choice((two.key, two.key, two.number, two.id))
        if self._is_near:
            left, right = one.key, two.key
        kind = self.rng.choice(kinds or ("JOIN", "JOIN", "LEFT JOIN"))
        return f"{one.text} {kind} {two.text} ON {left} = {right}", one, two

    def _if(self, *tables: _Table, part: float = 0.6) -> str:
        columns = [column for table in tables for column in table.columns]
        return f" WHERE {self._predicate(columns)}" * self._chance(part)

    def _sorted(self, *numbers: int) -> str:
        """ORDER BY these columns, numbered from 0."""
        words = ("", "", " DESC", " ASC")
        self._order = numbers
        self._tail = " ORDER BY " + ", ".join(
            f"{number + 1}{self.rng.choice(words)}" for number in numbers
        )
        return self._tail

    def _any_of(self, *texts: str) -> str:
        return self.rng.choice(texts)

    def _by(self, *, pg: str, my: str, lite: str) -> str:
        return {_POSTGRESQL: pg, _MYSQL: my, _SQLITE: lite}[self._dialect]

    def _mark(self, value: Any) -> str:
        """A parameter of this value."""
        self._values.append(value)
        return f"{{{len(self._values) - 1}}}"

    # -- queries -----------------------------------------------------------------------

    def _recursion(self) -> str:
        t, more = self._table(), self._table()
        start = f"SELECT {t.id}, 0 FROM {t.text}{self._if(t)}"
        step = self._any_of(
            "SELECT n + 1, d + 1 FROM r WHERE d < 3",
            f"SELECT {more.id}, d + 1 FROM r JOIN {more.text} ON {more.key} = n "
            "WHERE d < 2",
        )
        word = "UNION" if "JOIN" in step else self._any_of("UNION", "UNION ALL")
        last = self._table()
        return (
            f"WITH RECURSIVE r (n, d) AS ({start} {word} {step}) "
            + self._any_of(
                f"SELECT n, count({last.id}) FROM r LEFT JOIN {last.text} "
                f"ON {last.key} = n GROUP BY n",
                "SELECT n, d FROM r",
                f"SELECT {last.id}, {last.key} FROM {last.text} "
                f"WHERE {last.key} IN (SELECT n FROM r)",
            )
            + self._sorted(0, 1)
        )

    def _grouping_sets(self) -> str:
        text, one, two = self._two()
        a, b = one.key, two.number
        shown = f"{a}, {b}, count(*), sum({one.number}), max({two.words})"
        if self._dialect == _MYSQL:
            return (
                f"SELECT {shown} FROM {text}{self._if(one, two)} "
                f"GROUP BY {a}, {b} WITH ROLLUP"
            )
        sets = self._any_of(
            f"ROLLUP ({a}, {b})",
            f"CUBE ({a}, {b})",
            f"GROUPING SETS (({a}), ({b}), ())",
            f"{a}, ROLLUP ({b})",
            f"GROUPING SETS (({a}, {b}), ({a}))",
        )
        having = f" HAVING count(*) > {self._value('int')}" * self._chance(0.3)
        return (
            f"SELECT {shown}, grouping({a}, {b}) FROM {text}"
            f"{self._if(one, two)} GROUP BY {sets}{having}"
        )

    def _filter(self) -> str:
        text, one, two = self._two()
        only = self._predicate(one.columns + two.columns)
        aggregate = self._any_of(
            "count(*)", f"sum({one.number})", f"min({two.words})", f"avg({one.number})",
            f"count(DISTINCT {two.number})", f"max({one.id} - 1)",
        )  # fmt: skip
        key = self._any_of(one.key, two.number, f"coalesce({one.number}, 0)")
        having = ""
        if self._chance(0.3):
            having = f" HAVING count(*) FILTER (WHERE {self._predicate(one.columns)})>1"
        return (
            f"SELECT {key}, {aggregate} FILTER (WHERE {only}), count(*) FROM {text}"
            f"{self._if(one, two)} GROUP BY {key}{having}{self._sorted(0)}"
        )

    def _within_group(self) -> str:
        text, one, two = self._two()
        sort = f"(ORDER BY {one.number}{self._any_of('', ' DESC')})"
        aggregate = self._any_of(
            f"percentile_cont(0.5) WITHIN GROUP {sort}",
            f"percentile_disc({self._any_of('0.25', '0.9')}) WITHIN GROUP {sort}",
            f"mode() WITHIN GROUP {sort}",
            f"rank(2) WITHIN GROUP {sort}",
            f"percentile_disc(ARRAY[0.1, 0.5]) WITHIN GROUP {sort}",
        )
        if self._chance(0.4):
            return f"SELECT {aggregate} FROM {text}{self._if(one, two)}"
        return (
            f"SELECT {two.key}, {aggregate} FROM {text}{self._if(one, two)} "
            f"GROUP BY {two.key}{self._sorted(0)}"
        )

    def _strung(self) -> str:
        text, one, two = self._two("JOIN")
        if self._dialect == _MYSQL:
            word = self._any_of("", "DISTINCT ")
            aggregate = (
                f"group_concat({word}{one.words} ORDER BY {one.words} "
                f"{self._any_of('', 'DESC ')}SEPARATOR '{self._any_of(',', '; ')}')"
            )
        else:
            aggregate = self._any_of(
                f"string_agg({one.words}, ',' ORDER BY {one.words}, {one.id})",
                f"string_agg(DISTINCT {two.words}, '-' ORDER BY {two.words})",
                f"array_agg({one.number} ORDER BY {one.id}, {two.id})",
                f"array_agg(DISTINCT {two.number} ORDER BY {two.number} DESC)",
                f"json_agg({one.number} ORDER BY {one.id}, {two.id})::text",
                f"jsonb_agg(DISTINCT {two.number})",
                f"jsonb_object_agg({one.id}, {one.number})",
            )
        if self._chance(0.4):
            return f"SELECT {aggregate} FROM {text}{self._if(one, two)}"
        return (
            f"SELECT {one.key}, {aggregate} FROM {text}{self._if(one, two)} "
            f"GROUP BY {one.key}{self._sorted(0)}"
        )

    def _distinct_on(self) -> str:
        text, one, two = self._two()
        self._order = (0,)
        return (
            f"SELECT DISTINCT ON ({one.key}) {one.key}, {one.id}, {two.id}, "
            f"{two.words} FROM {text}{self._if(one, two)} ORDER BY {one.key}, "
            f"{one.number} {self._any_of('', 'DESC NULLS LAST', 'NULLS FIRST')}, "
            f"{one.id}, {two.id}"
        )

    def _ties(self) -> str:
        text, one, two = self._two()
        sort = self._any_of(one.key, f"{one.number} DESC", one.id)
        self._order = (0,)
        return (
            f"SELECT {sort.partition(' ')[0]}, {one.id}, {two.words} FROM {text}"
            f"{self._if(one, two)} ORDER BY {sort} "
            f"FETCH FIRST {self.rng.randrange(1, 5)} ROWS WITH TIES"
        )

    def _lateral(self) -> str:
        one, two = self._table(), self._table()
        condition = f"{two.key} {self._any_of('=', '=', '<')} {one.key}"
        inner = self._any_of(
            f"SELECT {two.id} AS a, {two.words} AS b FROM {two.text} WHERE {condition} "
            f"ORDER BY {two.number} NULLS FIRST, {two.id} LIMIT 2",
            f"SELECT count(*) AS a, max({two.words}) AS b FROM {two.text} "
            f"WHERE {condition}",
            f"SELECT {one.number} + 1 AS a, {one.words} AS b",
        )
        join = self._any_of(", LATERAL ({}) x", " LEFT JOIN LATERAL ({}) x ON true",
                            " CROSS JOIN LATERAL ({}) x")  # fmt: skip
        return (
            f"SELECT {one.id}, x.a, x.b FROM {one.text}{join.format(inner)}"
            f"{self._if(one)}{self._sorted(0, 1)}"
        )

    def _quantified(self) -> str:
        one, two = self._table(), self._table()
        inner = f"SELECT {two.number} FROM {two.text}{self._if(two)}"
        if self._chance(0.3):
            inner += (
                f" {'AND' if ' WHERE ' in inner else 'WHERE'} {two.key} = {one.key}"
            )
        word = self._any_of("ANY", "ALL", "SOME")
        not_ = self._any_of("", "", "NOT ")
        return (
            f"SELECT {one.id}, {one.words} FROM {one.text} WHERE "
            f"{not_}{one.number} {self._comparison()} {word} ({inner})"
            f"{self._sorted(0)}"
        )

    def _nested_sets(self) -> str:
        def part() -> str:
            t = self._table()
            return f"SELECT {t.key} AS a, {t.words} AS b FROM {t.text}{self._if(t)}"

        words = ("UNION", "UNION ALL", "EXCEPT", "INTERSECT")
        first, second, third = (self.rng.choice(words) for _ in range(3))
        if self._dialect == _SQLITE:
            pairs = [
                f"SELECT * FROM ({part()} {word} {part()})" for word in (first, third)
            ]
        else:
            pairs = [f"({part()} {word} {part()})" for word in (first, third)]
        text = f"{pairs[0]} {second} {pairs[1]}"
        if self._chance(0.4):
            return f"{text}{self._sorted(0, 1)} LIMIT {self.rng.randrange(1, 6)}"
        if self._chance(0.3):
            return f"SELECT b, count(*) FROM ({text}) q GROUP BY b{self._sorted(0)}"
        return text + self._sorted(self.rng.randrange(2))

    def _frames(self) -> str:
        text, one, two = self._two("JOIN")
        last = f"{one.id}, {two.id}"
        part = f"PARTITION BY {self._any_of(one.key, two.words)} " * self._chance(0.7)
        bounds = self._any_of(
            "1 PRECEDING AND CURRENT ROW",
            "UNBOUNDED PRECEDING AND 1 FOLLOWING",
            "CURRENT ROW AND UNBOUNDED FOLLOWING",
            "2 PRECEDING AND 1 PRECEDING",
        )
        units = ("ROWS",) if self._dialect == _MYSQL else ("ROWS", "ROWS", "GROUPS")
        frame = f"{self.rng.choice(units)} BETWEEN {bounds}"
        if self._dialect != _MYSQL and self._chance(0.2):
            frame += f" EXCLUDE {self._any_of('CURRENT ROW', 'TIES', 'NO OTHERS')}"
        if self._chance(0.2):
            last, frame = one.id, "RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING"
        over = f"({part}ORDER BY {last} {frame})"
        plain = f"({part}ORDER BY {one.id}, {two.id})"
        function = self._any_of(
            f"sum({one.number}) OVER {over}",
            f"count(*) OVER {over}",
            f"max({two.number}) OVER {over}",
            f"lag({one.number}) OVER {plain}",
            f"lead({one.words}, 2) OVER {plain}",
            f"row_number() OVER {plain}",
            f"ntile(3) OVER {plain}",
            f"first_value({two.words}) OVER {plain}",
            f"cume_dist() OVER {plain}",
        )
        if self._chance(0.25):
            function = function.partition(" OVER ")[0] + " OVER w"
            tail = f" WINDOW w AS {plain}"
        else:
            tail = ""
        return (
            f"SELECT {one.id}, {two.id}, {function} FROM {text}{self._if(one, two)}"
            f"{tail}{self._sorted(0, 1)}"
        )

    def _order_by(self) -> str:
        text, one, two = self._two()
        first = self._any_of(
            f"{one.number} %% 3", f"coalesce({one.words}, 'zz')", f"- {one.number}",
            f"CASE WHEN {self._predicate(one.columns)} THEN 1 ELSE 0 END",
            f"{one.number} IS NULL", f"length({two.words})", f"{two.number} * 2",
        )  # fmt: skip
        nulls = "" if self._dialect == _MYSQL else self._any_of(
            "", " NULLS FIRST", " NULLS LAST"
        )  # fmt: skip
        cut = ""
        if self._chance(0.5):
            cut = f" LIMIT {self.rng.randrange(1, 7)}"
            cut += f" OFFSET {self.rng.randrange(3)}" * self._chance(0.4)
        if cut or self._chance(0.5):
            self._order = (0, 1)
        return (
            f"SELECT {one.id}, {two.id}, {two.words} FROM {text}{self._if(one, two)} "
            f"ORDER BY {first}{self._any_of('', ' DESC')}{nulls}, 1, 2{cut}"
        )

    def _collate(self) -> str:
        text, one, two = self._two()
        name = self.rng.choice(_COLLATIONS[self._dialect])
        collated = f"{one.words} COLLATE {name}"
        return self._any_of(
            f"SELECT {one.id}, {two.words} FROM {text} WHERE {collated} "
            f"{self._comparison()} {self._value('text')} ORDER BY 1",
            f"SELECT {one.id}, {two.id} FROM {text}{self._if(one)} "
            f"ORDER BY {collated}, 1, 2 LIMIT 5",
            f"SELECT count(*), count(DISTINCT {collated}) FROM {text}",
            f"SELECT {one.id} FROM {one.text} WHERE {collated} IN "
            f"(SELECT {two.words} FROM {two.text})",
        )

    def _cases(self) -> str:
        text, one, two = self._two()
        most = self._by(pg="greatest", my="greatest", lite="max")
        shown = self._any_of(
            f"CASE {one.number} WHEN 1 THEN 'x' WHEN {self._value('int')} THEN "
            f"{two.words} ELSE 'z' END",
            f"CASE WHEN {self._predicate(one.columns)} THEN {one.number} "
            f"WHEN {self._predicate(two.columns)} THEN 2.5 END",
            f"nullif({one.number}, {two.number})",
            f"{most}({one.number}, {two.number}, 1)",
            f"coalesce({two.words}, {one.words}, {self._value('text')})",
        )
        if self._chance(0.4):
            return (
                f"SELECT {shown}, count(*), sum({one.id}) FROM {text}"
                f"{self._if(one, two)} GROUP BY {shown}"
            )
        return (
            f"SELECT {one.id}, {shown} FROM {text}{self._if(one, two)}{self._sorted(0)}"
        )

    def _casts(self) -> str:
        text, one, two = self._two()
        shown = self._any_of(
            *self._by(
                pg=f"{one.number}::text§CAST({one.number} AS numeric(6,2))"
                f"§{one.number}::double precision / 3§CAST({two.words} AS varchar(1))"
                f"§{one.words}::char(3)§{one.number}::bigint§({one.number} > 1)::int"
                f"§({one.number} + 0.5)::int§'7'::int + {one.number}",
                my=f"CAST({one.number} AS CHAR)§CAST({one.number} AS DECIMAL(6,2))"
                f"§CAST({one.number} AS UNSIGNED) %% 5§CAST({two.words} AS CHAR(1))"
                f"§CAST({one.number} AS DOUBLE) / 4§'7' + {one.number}",
                lite=f"CAST({one.number} AS TEXT)§CAST({one.number} AS REAL)"
                f"§CAST({two.words} AS INTEGER)§CAST({one.number} + 0.5 AS INTEGER)"
                f"§'7' + {one.number}§typeof({two.words})",
            ).split("§")
        )
        return self._any_of(
            f"SELECT {one.id}, {shown} FROM {text}{self._if(one, two)}",
            f"SELECT {shown}, count(*) FROM {text}{self._if(one, two)} GROUP BY {shown}",
            f"SELECT max({shown}), min({shown}) FROM {text}{self._if(one, two)}",
        )

    def _days(self) -> str:
        text, f = self._typed()
        shown = self._any_of(
            *self._by(
                pg=f"{f}.day + 7§{f}.day - date '2024-02-01'§{f}.seen + interval '1 day'"
                f"§date_trunc('month', {f}.seen)§extract(year FROM {f}.day)"
                f"§{f}.seen - interval '90 minutes'§to_char({f}.day, 'YYYY-MM')"
                f"§extract(dow FROM {f}.seen)::int§{f}.seen::date§age({f}.seen, {f}.day)",
                my=f"{f}.day + INTERVAL 7 DAY§DATEDIFF({f}.day, '2024-02-01')"
                f"§{f}.seen - INTERVAL 90 MINUTE§YEAR({f}.day)§DATE({f}.seen)"
                f"§DATE_FORMAT({f}.day, '%%Y-%%m')§TIMESTAMPDIFF(HOUR, {f}.day, {f}.seen)"
                f"§LAST_DAY({f}.day)§EXTRACT(MONTH FROM {f}.seen)",
                lite=f"date({f}.day, '+7 days')§strftime('%%Y-%%m', {f}.seen)"
                f"§julianday({f}.day) - julianday('2024-02-01')§date({f}.seen)"
                f"§datetime({f}.seen, '-90 minutes')",
            ).split("§")
        )
        day = self._by(pg="date '2024-02-10'", my="DATE '2024-02-10'",
                       lite="'2024-02-10'")  # fmt: skip
        where = self._any_of(
            "", f" WHERE {f}.day {self._comparison()} {day}",
            f" WHERE {f}.seen BETWEEN {self._mark(datetime(2024, 1, 20, 7, 30))} "
            f"AND {self._mark(datetime(2024, 3, 1))}",
        )  # fmt: skip
        return self._any_of(
            f"SELECT {f}.id, {shown} FROM {text}{where} ORDER BY 1",
            f"SELECT {shown}, count(*), max({f}.seen) FROM {text}{where} "
            f"GROUP BY {shown}",
            f"SELECT min({shown}), max({f}.day) FROM {text}{where}",
        )

    def _parameters(self) -> str:
        text, f = self._typed()
        values: list[tuple[str, Any]] = [
            ("id", self.rng.choice((3, 2**40, -1, None))),
            ("cust", self.rng.choice((1, None, 2.0))),
            ("day", date(2024, self.rng.randrange(1, 4), 10)),
            ("seen", datetime(2024, 2, self.rng.randrange(1, 28), 7, 30)),
            ("raw", self.rng.choice((b"", b"a\x00\xff", b"abc"))),
            ("note", self.rng.choice(("a", "it's", "%", "\\", "é", ""))),
        ]
        if self._dialect != _SQLITE:  # whose driver has none
            values.append(("total", Decimal(self.rng.randrange(-100, 900)) / 100))
        values.append(("ok", self._chance(0.5)))
        name, value = self.rng.choice(values)
        column = f"{f}.{name}"
        test = f"{column} {self._comparison()} {self._mark(value)}"
        if isinstance(value, int) and not isinstance(value, bool):
            listed = self.rng.sample(range(-2, 8), 3)
            if self._dialect == _POSTGRESQL and self._chance(0.4):
                test = f"{column} = ANY({self._mark(listed)})"
            elif self._dialect != _SQLITE and self._chance(0.3):
                test = f"{column} IN {self._mark(tuple(listed))}"
        shown = self._any_of(f"{column}", "count(*)", f"{self._mark(value)}")
        if shown == "count(*)":
            return (
                f"SELECT count(*), min({f}.total), max({f}.id) FROM {text} WHERE {test}"
            )
        return f"SELECT {f}.id, {shown} FROM {text} WHERE {test} ORDER BY 1"

    def _types(self) -> str:
        """Columns of each type in groups, joins, order and sets."""
        text, f = self._typed()
        more, g = self._typed()
        name = self._any_of("day", "seen", "total", "ok", "raw", "note")
        column = f"{f}.{name}"
        two = f"{text} JOIN {more} ON {f}.{name} = {g}.{name}"
        return self._any_of(
            f"SELECT {column}, count(*) FROM {text} GROUP BY {column} ORDER BY 1",
            f"SELECT DISTINCT {column} FROM {two} ORDER BY 1",
            f"SELECT {f}.id, {g}.id, {column} FROM {two} ORDER BY 1, 2 LIMIT 7",
            f"SELECT {column} FROM {text} EXCEPT SELECT {g}.{name} FROM {more}",
            f"SELECT {f}.id, {column} FROM {text} ORDER BY 2, 1 LIMIT 6",
            f"SELECT {f}.id FROM {text} WHERE {column} NOT IN "
            f"(SELECT {g}.{name} FROM {more} WHERE {g}.{name} IS NOT NULL)",
            f"SELECT sum({f}.total), avg({f}.total), count(DISTINCT {column}) FROM {text}",
            f"SELECT {f}.cust, sum({f}.total), max({f}.day), min({f}.seen) FROM {text} "
            f"GROUP BY {f}.cust ORDER BY 1",
            f"SELECT * FROM {text} ORDER BY {f}.id LIMIT 4",
            f"SELECT {f}.id, rank() OVER (ORDER BY {column}) FROM {text}",
        )

    def _own(self) -> str:
        """Arrays, JSON, ranges, uuid, instants of PostgreSQL's."""
        self._aliases += 1
        f = f"f{self._aliases}"
        text = f"facts {f}"
        other = self._table()
        joined = f"{text} JOIN {other.text} ON {other.key} = {f}.cust"
        return self._any_of(
            f"SELECT {f}.id, {f}.tags, {f}.tags[1] FROM {text} WHERE {f}.tags @> "
            f"ARRAY[{self.rng.randrange(-1, 6)}] ORDER BY 1",
            f"SELECT u, count(*) FROM {text}, unnest({f}.tags) u GROUP BY u ORDER BY u",
            f"SELECT {f}.id, cardinality({f}.tags), {f}.tags || {f}.id FROM {joined}",
            f"SELECT {f}.id FROM {text} WHERE {self._value('int')} = ANY({f}.tags)",
            f"SELECT {f}.doc ->> 'a', count(*) FROM {text} GROUP BY 1 ORDER BY 1",
            f"SELECT {f}.id, {f}.doc FROM {joined} WHERE {f}.doc @> "
            f"jsonb_build_object('a', {self.rng.randrange(6)})",
            f"SELECT DISTINCT {f}.doc -> 'b' FROM {joined}",
            f"SELECT {f}.id, k, v FROM {text}, jsonb_each_text({f}.doc) e (k, v)",
            f"SELECT {f}.id, lower({f}.span) FROM {text} WHERE {f}.span && "
            f"int4range(3, {self.rng.randrange(4, 9)}) ORDER BY 1",
            f"SELECT {f}.span, count(*) FROM {joined} GROUP BY 1 ORDER BY 1",
            f"SELECT max({f}.uid::text), count(DISTINCT {f}.uid) FROM {joined}",
            f"SELECT {f}.id, {f}.at FROM {text} WHERE {f}.at > "
            "timestamptz '2024-02-01 00:00+00' ORDER BY 2, 1",
            f"SELECT {f}.uid, {other.words} FROM {joined} ORDER BY 1, {other.id} LIMIT 5",
            f"SELECT array_agg({f}.uid ORDER BY {f}.id) FROM {joined}",
            f"SELECT {f}.id FROM {text} WHERE {f}.tags = {self._mark([1, 2])} "
            f"OR {f}.doc ->> 'a' = {self._mark('1')}",
            f"SELECT range_agg({f}.span ORDER BY {f}.id) FROM {joined}",
        )

    def _json(self) -> str:
        text, one, two = self._two()
        shown = self._any_of(
            *self._by(
                pg=f"jsonb_build_object('a', {one.number}) ->> 'a'"
                f"§to_jsonb({one.words})§json_build_array({one.number}, {one.id})::text",
                my=f"JSON_EXTRACT(JSON_OBJECT('a', {one.number}), '$.a')"
                f"§JSON_ARRAY({one.number}, {one.id})§JSON_QUOTE({one.words})",
                lite=f"json_extract(json_object('a', {one.number}), '$.a')"
                f"§json_array({one.number}, {one.id})§json_quote({one.words})",
            ).split("§")
        )
        return self._any_of(
            f"SELECT {one.id}, {shown} FROM {text}{self._if(one, two)}{self._sorted(0)}",
            f"SELECT count(*) FROM {text} WHERE {shown} IS NOT NULL",
        )

    def _values_of_a_list(self) -> str:
        t = self._table()
        more = self._any_of("JOIN", "LEFT JOIN")
        rows = f"VALUES (1, 'x'), ({self._value('int')}, 'y')"
        if self._dialect == _MYSQL and self._chance(0.7):  # MySQL has no such VALUES
            rows = f"SELECT 1, 'x' UNION ALL SELECT {self._value('int')}, 'y'"
        start = f"WITH v (k, w) AS ({rows})"
        return self._any_of(
            f"{start} SELECT {t.id}, v.w FROM v {more} {t.text} ON {t.key} = v.k"
            f"{self._if(t)}",
            f"{start} SELECT v.w, count({t.id}) FROM v LEFT JOIN {t.text} "
            f"ON {t.number} = v.k GROUP BY v.w",
            f"{start} SELECT {t.id} FROM {t.text} WHERE {t.key} NOT IN "
            "(SELECT k FROM v WHERE k IS NOT NULL)",
        )

    def _row_values(self) -> str:
        one, two = self._table(), self._table()
        pair = f"({one.key}, {one.number})"
        same = self._by(
            pg=f"{one.number} IS NOT DISTINCT FROM {two.number}",
            my=f"{one.number} <=> {two.number}",
            lite=f"{one.number} IS {two.number}",
        )
        return self._any_of(
            f"SELECT {one.id} FROM {one.text} WHERE {pair} IN "
            f"(SELECT {two.key}, {two.number} FROM {two.text}{self._if(two)})",
            f"SELECT {one.id} FROM {one.text} WHERE {pair} "
            f"{self._any_of('=', '<>', '<', '>=')} (2, 3)",
            f"SELECT {one.id}, {two.id} FROM {one.text} JOIN {two.text} ON {same}",
            f"SELECT {one.id} FROM {one.text} WHERE {pair} IN ((1, 2), (3, 3), (0, 1))",
        )

    def _using(self) -> str:
        one = self._any_of("orders", "items")
        two = self._any_of("items", "regions", "leads", "visits")
        kind = self._any_of("JOIN", "LEFT JOIN", "RIGHT JOIN")
        if one == two:
            two = "leads"
        return self._any_of(
            f"SELECT cust, count(*) FROM {one} {kind} {two} USING (cust) GROUP BY cust"
            f"{self._sorted(0)}",
            f"SELECT cust, {one}.id, {two}.id FROM {one} {kind} {two} USING (cust)",
            f"SELECT * FROM (SELECT cust, id FROM {one}) a NATURAL JOIN "
            f"(SELECT cust, id AS other FROM {two}) b",
            f"SELECT id, cust FROM {one} NATURAL JOIN (SELECT id FROM {two}) b",
        )

    def _nested(self) -> str:
        one, two, three = self._table(), self._table(), self._table()
        link = self._any_of(
            f"{three.key} = {one.key}", f"{three.id} = {one.number}",
            f"{three.key} = {two.number}",
        )  # fmt: skip
        exists = (
            f"EXISTS (SELECT 1 FROM {two.text} WHERE {two.key} = {one.key} AND "
            f"{self._any_of('', 'NOT ')}EXISTS (SELECT 1 FROM {three.text} WHERE {link}))"
        )
        scalar = (
            f"(SELECT {two.words} FROM {two.text} WHERE {two.key} = {one.key} "
            f"ORDER BY {two.id} {self._any_of('', 'DESC ')}LIMIT 1)"
        )
        return self._any_of(
            f"SELECT {one.id} FROM {one.text} WHERE {exists}{self._sorted(0)}",
            f"SELECT {one.id}, {scalar} FROM {one.text}{self._if(one)}{self._sorted(0)}",
            f"SELECT {one.key}, count(*) FROM {one.text} GROUP BY {one.key} HAVING "
            f"count(*) > (SELECT avg({two.number}) FROM {two.text})",
            f"SELECT {one.id} FROM {one.text} ORDER BY (SELECT count(*) FROM {two.text} "
            f"WHERE {two.key} = {one.key}), {one.id}",
            f"SELECT {one.id} FROM {one.text} WHERE {one.number} = (SELECT "
            f"max({two.number}) FROM {two.text} WHERE {two.key} = {one.key})",
        )

    def _aggregates(self) -> str:
        text, one, two = self._two()
        shown = self._any_of(
            *self._by(
                pg=f"round(stddev({one.number}), 6)§variance({one.id})"
                f"§bool_and({one.number} > 1)§bit_or({one.number})§every({two.id} > 0)"
                f"§count(DISTINCT ({one.key}, {two.number}))§regr_count({one.id}, {two.id})"
                f"§sum({one.number}::numeric(8,2))§avg({one.number} / 2.0)"
                f"§max({one.number}::text)§min({one.words} || 'x')",
                my=f"round(stddev({one.number}), 6)§bit_or({one.id})"
                f"§count(DISTINCT {one.key}, {two.number})§sum({one.number} / 2)"
                f"§round(variance({one.id}), 6)§max(concat({one.words}, 'x'))"
                f"§sum({one.number} > 1)",
                lite=f"total({one.number})§sum({one.number} > 1)"
                f"§max({one.words} || 'x')§avg({one.number} * 2)§sum({one.number} / 2)",
            ).split("§")
        )
        key = self._any_of(one.key, two.number, one.words)
        return self._any_of(
            f"SELECT {shown} FROM {text}{self._if(one, two)}",
            f"SELECT {key}, {shown} FROM {text}{self._if(one, two)} GROUP BY {key}"
            f"{self._sorted(0)}",
        )

    def _texts(self) -> str:
        text, one, two = self._two()
        shown = self._any_of(
            f"upper({one.words})", f"length({one.words})",
            f"substr({one.words}, 1, 1)", f"replace({one.words}, 'b', 'c')",
            self._by(pg=f"{one.words} || {two.words}",
                     my=f"concat({one.words}, {two.words})",
                     lite=f"{one.words} || {two.words}"),
        )  # fmt: skip
        where = self._any_of(
            f"{one.words} LIKE '%%b%%'", f"{one.words} NOT LIKE '_'",
            f"{one.words} LIKE 'x!%%' ESCAPE '!'", f"lower({one.words}) = 'b'",
            self._by(pg=f"{one.words} ~ '^[ab]'", my=f"{one.words} REGEXP '^[ab]'",
                     lite=f"{one.words} GLOB '[ab]*'"),
            self._by(pg=f"{one.words} ILIKE 'B%%'", my=f"{one.words} LIKE BINARY 'b%%'",
                     lite=f"instr({one.words}, 'b') > 0"),
        )  # fmt: skip
        return self._any_of(
            f"SELECT {one.id}, {shown} FROM {text} WHERE {where}{self._sorted(0)}",
            f"SELECT {shown}, count(*) FROM {text} WHERE {where} GROUP BY {shown}",
            f"SELECT count(*) FROM {text} WHERE NOT ({where})",
        )

    def _made_rows(self) -> str:
        t = self._table()
        rows = self._by(
            pg="generate_series(1, 4) g (n)",
            my="JSON_TABLE('[1,2,3,4]', '$[*]' COLUMNS (n INT PATH '$')) g",
            lite="(SELECT value AS n FROM json_each('[1,2,3,4]')) g",
        )
        return (
            f"SELECT g.n, count({t.id}), sum({t.number}) FROM {rows} LEFT JOIN {t.text} "
            f"ON {t.key} = g.n GROUP BY g.n{self._sorted(0)}"
        )

    def _whole_table(self) -> str:
        name = self._any_of(*_TABLES)
        return f"TABLE {name}{self._sorted(0)} LIMIT {self.rng.randrange(1, 9)}"

    def _cut_inside(self) -> str:
        one, two = self._table(), self._table()
        inner = (
            f"SELECT {one.key} AS k, {one.id} AS n FROM {one.text}{self._if(one)} "
            f"ORDER BY {one.number} DESC, {one.id} LIMIT {self.rng.randrange(1, 8)}"
        )
        return self._any_of(
            f"SELECT q.n, {two.words} FROM ({inner}) q JOIN {two.text} ON {two.key} = q.k",
            f"SELECT q.k, count(*) FROM ({inner}) q GROUP BY q.k",
            f"WITH q AS ({inner}) SELECT count(*), max(n) FROM q",
        )


# The name of each method, and the dialects that have the construct.
_CONSTRUCTS = {
    "recursion": _ALL,
    "grouping_sets": (_POSTGRESQL, _MYSQL),
    "filter": (_POSTGRESQL, _SQLITE),
    "within_group": (_POSTGRESQL,),
    "strung": (_POSTGRESQL, _MYSQL),
    "distinct_on": (_POSTGRESQL,),
    "ties": (_POSTGRESQL, _MYSQL),
    "lateral": (_POSTGRESQL,),
    "quantified": (_POSTGRESQL, _MYSQL),
    "nested_sets": _ALL,
    "frames": _ALL,
    "order_by": _ALL,
    "collate": _ALL,
    "cases": _ALL,
    "casts": _ALL,
    "days": _ALL,
    "parameters": _ALL,
    "types": _ALL,
    "own": (_POSTGRESQL,),
    "json": _ALL,
    "values_of_a_list": _ALL,
    "row_values": _ALL,
    "using": _ALL,
    "nested": _ALL,
    "aggregates": _ALL,
    "texts": _ALL,
    "made_rows": _ALL,
    "whole_table": (_POSTGRESQL,),
    "cut_inside": _ALL,
}
_OWN = frozenset({"own"})
