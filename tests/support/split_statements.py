"""Statements made by chance over the tables of `split_world`.

What they answer is certain: no LIMIT without a total order, no column beside an
aggregate, no function of chance, and of `tag`, where 'b' and 'B' are equal, only what
does not show which of the two was taken.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any, NamedTuple

from tests.support.split_world import TYPED, WORLD

_MARK = re.compile(r"\{(\d+)\}")
_TYPES = {"INTEGER": "int", "REAL": "real", "TEXT": "text"}
_PLAIN = tuple(name for name in WORLD if name not in TYPED)


class Made(NamedTuple):
    """A statement, its parameters, and the columns that its rows are in the order of,
    numbered from 0; and what it is made to have."""

    sql: str
    params: list[Any] | dict[str, Any] | None
    order: tuple[int, ...]
    construct: str = "joins, groups, windows, sets"


class Column(NamedTuple):
    name: str
    type: str


_NOTHING = Column("NULL", "int")  # what a query sees that shows no star


class Statements:
    """Makes statements, by `rng`."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._values: list[Any] = []
        self._aliases = 0
        self._is_near = False  # tables of the shards, mostly joined by their keys
        self._ctes: list[tuple[str, list[Column]]] = []

    def one(self) -> Made:
        """Make one statement."""
        self._values, self._aliases, self._ctes = [], 0, []
        self._is_near = self._chance(0.6)
        head = self._with() if self._chance(0.15 - 0.1 * self._is_near) else ""
        body, types = self._query(2, [])
        order: tuple[int, ...] = ()
        tail = ""
        if self._chance(0.6):
            numbers = [number for number, type_ in enumerate(types) if type_]
            self.rng.shuffle(numbers)
            limited = self._chance(0.5) and all(types)
            if not limited:
                numbers = numbers[: self.rng.randrange(len(numbers)) + 1]
            tail = " ORDER BY " + ", ".join(self._ordered(each) for each in numbers)
            order = tuple(numbers)
            if limited:
                tail += f" LIMIT {self._value_of(self.rng.randrange(8))}"
                if self._chance(0.4):
                    tail += f" OFFSET {self._value_of(self.rng.randrange(4))}"
        sql = head + body + tail
        return self._bound(sql, order)

    def _bound(self, sql: str, order: tuple[int, ...]) -> Made:
        """Number the parameters as they stand: they were made in another order."""
        pieces = _MARK.split(sql)
        values = [self._values[int(number)] for number in pieces[1::2]]
        if not values:
            return Made(sql.replace("%%", "%"), None, order)
        if self._chance(0.8):
            return Made(_MARK.sub("%s", sql), values, order)
        places = iter(range(len(values)))
        text = _MARK.sub(lambda _: f"%(p{next(places)})s", sql)
        return Made(text, {f"p{n}": v for n, v in enumerate(values)}, order)

    def _ordered(self, number: int) -> str:
        words = self.rng.choice(("", "", " DESC", " ASC", " NULLS LAST"))
        return f"{number + 1}{words}"

    def _with(self) -> str:
        parts = []
        for _ in range(self.rng.randrange(2) + 1):
            body, types = self._select(1, [_NOTHING], distinct=True)
            name = f"w{len(self._ctes)}"
            columns = [Column(f"c{n}", type_) for n, type_ in enumerate(types)]
            names = ", ".join(column.name for column in columns)
            parts.append(f"{name} ({names}) AS ({body})")
            self._ctes.append((name, columns))
        return f"WITH {', '.join(parts)} "

    def _query(self, depth: int, outer: list[Column]) -> tuple[str, list[str]]:
        body, types = self._select(depth, outer, distinct=True)
        while all(types) and self._chance(0.12):
            word = self.rng.choice(("UNION", "UNION ALL", "INTERSECT", "EXCEPT"))
            more, _ = self._select(depth - 1, outer, distinct=False, want=types)
            body += f" {word} {more}"
        return body, types

    def _select(
        self,
        depth: int,
        outer: list[Column],
        distinct: bool,
        want: list[str] | None = None,
    ) -> tuple[str, list[str]]:
        source, columns = self._from(depth)
        where = f" WHERE {self._where(columns, depth, outer)}" * self._chance(0.7)
        style = self.rng.random()
        if want is None and not outer and self._chance(0.08):
            return self._starred(columns, source, where)
        if want is not None or style < 0.45:
            shown = self._plain(columns, depth, want)
            word = "DISTINCT " if distinct and self._chance(0.2) else ""
            return self._joined(word, shown, source, where, "")
        if style < 0.6:
            shown = [self._aggregate(columns) for _ in range(self.rng.randrange(3) + 1)]
            return self._joined("", shown, source, where, "")
        if style < 0.85:
            return self._grouped(columns, source, where)
        shown = [*self._plain(columns, depth, None), self._window(columns)]
        return self._joined("", shown, source, where, "")

    def _starred(
        self, columns: list[Column], source: str, where: str
    ) -> tuple[str, list[str]]:
        """A star, of all or of one table. `tag` is in no order: 'b' is not 'B'."""
        prefix = self.rng.choice(columns).name.partition(".")[0]
        if self._chance(0.5):
            columns = [c for c in columns if c.name.partition(".")[0] == prefix]
            star = f"{prefix}.*"
        else:
            star = "*"
        types = ["" if c.name.endswith(".tag") else c.type for c in columns]
        return f"SELECT {star} FROM {source}{where}", types

    def _joined(
        self,
        word: str,
        shown: list[tuple[str, str]],
        source: str,
        where: str,
        tail: str,
    ) -> tuple[str, list[str]]:
        items = [
            f"{text} AS n{number}" if self._chance(0.3) else text
            for number, (text, _) in enumerate(shown)
        ]
        sql = f"SELECT {word}{', '.join(items)} FROM {source}{where}{tail}"
        return sql, [type_ for _, type_ in shown]

    def _grouped(
        self, columns: list[Column], source: str, where: str
    ) -> tuple[str, list[str]]:
        keys = [self._pick(columns) for _ in range(self.rng.randrange(2) + 1)]
        keys[0] = self._partition(columns, keys[0])
        if keys[-1].type == "int" and self._chance(0.25):
            more = self.rng.choice(("+ 1", "* 2", "- 1.5"))
            keys[-1] = Column(f"({keys[-1].name} {more})", "int")
        shown = [(key.name, key.type) for key in keys]
        shown += [self._aggregate(columns) for _ in range(self.rng.randrange(2) + 1)]
        tail = " GROUP BY " + ", ".join(key.name for key in keys)
        if self._chance(0.3):
            text, type_ = self._aggregate(columns)
            tail += f" HAVING {text} {self._comparison()} {self._value(type_)}"
        return self._joined("", shown, source, where, tail)

    def _from(self, depth: int) -> tuple[str, list[Column]]:
        text, columns = self._source(depth)
        for _ in range(self.rng.choice((0, 0, 1, 1, 2))):
            kind = self.rng.choice(
                ("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN")
                + ("RIGHT JOIN", "FULL JOIN", ", ", "CROSS JOIN")
            )
            more, others = self._source(depth)
            if kind == ", " and any(w in text for w in ("LEFT", "RIGHT", "FULL")):
                kind = "JOIN"
            if kind in (", ", "CROSS JOIN"):
                text += f"{'' if kind == ', ' else ' '}{kind} {more}"
                columns = columns + others
                continue
            on = self._on(columns, others)
            columns = columns + others
            if self._chance(0.3):
                on += f" AND {self._predicate(columns)}"
            text += f" {kind} {more} ON {on}"
        return text, columns

    def _on(self, left: list[Column], right: list[Column]) -> str:
        keys = [
            [c for c in side if c.name.endswith((".cust", ".usr"))]
            for side in (left, right)
        ]
        if all(keys) and self._chance(0.9 if self._is_near else 0.6):
            return f"{self.rng.choice(keys[0]).name} = {self.rng.choice(keys[1]).name}"
        mine = self.rng.choice(left)
        same = [c for c in right if c.type == mine.type] or right
        return f"{mine.name} = {self.rng.choice(same).name}"

    def _source(self, depth: int) -> tuple[str, list[Column]]:
        self._aliases += 1
        alias = f"t{self._aliases}"
        if self._ctes and self._chance(0.3):
            name, columns = self.rng.choice(self._ctes)
            return f"{name} {alias}", [
                Column(f"{alias}.{c.name}", c.type) for c in columns
            ]
        if depth > 0 and self._chance(0.1):
            return self._rows_of_a_query()
        if depth > 0 and self._chance(0.15):
            shown_sql, types = self._select(depth - 1, [_NOTHING], distinct=True)
            self._aliases += 1
            alias = f"d{self._aliases}"
            names = [f"c{number}" for number in range(len(types))]
            head = f"WITH q ({', '.join(names)}) AS ({shown_sql})"
            sql = f"({head} SELECT * FROM q) {alias}"
            columns = [
                Column(f"{alias}.{name}", type_)
                for name, type_ in zip(names, types, strict=True)
            ]
            return sql, columns
        near = ("orders", "items", "orders", "items", "regions")
        name = self.rng.choice(near if self._is_near else (*_PLAIN, "orders", "items"))
        word = self.rng.choice((f"{name} {alias}", f"main.{name} AS {alias}", name))
        if word == name and self._aliases > 1:
            word = f"{name} {alias}"  # the same table may stand there already
        prefix = name if word == name else alias
        return word, [
            Column(f"{prefix}.{column.name}", _TYPES[column.type])
            for column in WORLD[name].columns
        ]

    def _rows_of_a_query(self) -> tuple[str, list[Column]]:
        """A query in FROM that has a row for each of its own FROM."""
        source, columns = self._from(0)
        where = f" WHERE {self._predicate(columns)}" * self._chance(0.7)
        self._aliases += 1
        alias = f"d{self._aliases}"
        shown = self._plain(columns, 0, None)
        listed = ", ".join(f"{text} AS c{n}" for n, (text, _) in enumerate(shown))
        named = [Column(f"{alias}.c{n}", type_) for n, (_, type_) in enumerate(shown)]
        return f"(SELECT {listed} FROM {source}{where}) {alias}", named

    def _plain(
        self, columns: list[Column], depth: int, want: list[str] | None
    ) -> list[tuple[str, str]]:
        kinds = want or [None] * (self.rng.randrange(3) + 1)  # type: ignore[list-item]
        return [self._expression(columns, depth, kind) for kind in kinds]

    def _expression(
        self, columns: list[Column], depth: int, want: str | None
    ) -> tuple[str, str]:
        column = self._pick(columns, want)
        if column is None or (want and column.type != want):
            return self._value(want or "int"), want or "int"
        style = self.rng.random()
        if style < 0.7:
            return column.name, column.type
        if style < 0.8:
            other = self._value(column.type)
            return f"coalesce({column.name}, {other})", column.type
        if style < 0.9 and column.type == "int":
            return f"{column.name} {self.rng.choice('+-*')} {self._value('int')}", "int"
        if depth > 0 and want in (None, "int"):
            self._aliases += 1
            body, _ = self._count_of(depth - 1, columns)
            return f"({body})", "int"
        return (
            f"CASE WHEN {self._predicate(columns)} THEN {column.name} END",
            column.type,
        )

    def _count_of(self, depth: int, outer: list[Column]) -> tuple[str, str]:
        source, columns = self._source(0)
        condition = self._correlated(columns, outer)
        text, type_ = self._aggregate(columns)
        return f"SELECT {text} FROM {source} WHERE {condition}", type_

    def _aggregate(self, columns: list[Column]) -> tuple[str, str]:
        column = self.rng.choice(columns)
        number = self._pick(columns, "int") or column
        shown = self._pick(columns) or column
        word = "DISTINCT " if self._chance(0.2) else ""
        choices = [
            ("count(*)", "int"),
            (f"count({word}{column.name})", "int"),
            (f"{self.rng.choice(('min', 'max'))}({shown.name})", shown.type),
        ]
        if number.type == "int":
            choices += [
                (f"sum({word}{number.name})", "int"),
                (f"avg({word}{number.name})", "real"),
                (
                    f"sum({number.name}) FILTER (WHERE {self._predicate(columns)})",
                    "int",
                ),
                (f"sum({number.name} {self._more(columns, number)})", "int"),
                (f"sum({self._case(columns, number)}) * 2", "int"),
                (f"coalesce(max({number.name} + 1), 0)", "int"),
                (f"- count(*) + min({self._case(columns, number)})", "int"),
            ]
        return self.rng.choice(choices)

    def _more(self, columns: list[Column], number: Column) -> str:
        other = self._pick(columns, "int") or number
        other = other if other.type == "int" else number
        return f"{self.rng.choice('+-*')} {self.rng.choice((other.name, '2', '0.5'))}"

    def _case(self, columns: list[Column], number: Column) -> str:
        other = self.rng.choice((" ELSE 0", " ELSE 1.5", ""))
        return f"CASE WHEN {self._predicate(columns)} THEN {number.name}{other} END"

    def _window(self, columns: list[Column]) -> tuple[str, str]:
        number = self._pick(columns, "int") or Column("1", "int")
        function = self.rng.choice(
            ("rank()", "dense_rank()", "count(*)", f"sum({number.name})")
        )
        parts = []
        if self._chance(0.6):
            key = self._partition(columns, self.rng.choice(columns))
            parts.append(f"PARTITION BY {key.name}")
        parts.append(f"ORDER BY {self.rng.choice(columns).name}")
        return f"{function} OVER ({' '.join(parts)})", "int"

    def _partition(self, columns: list[Column], otherwise: Column) -> Column:
        """A column that may be a key, more often than not."""
        keys = [c for c in columns if c.name.endswith((".cust", ".usr"))]
        return self.rng.choice(keys) if keys and self._chance(0.6) else otherwise

    def _where(self, columns: list[Column], depth: int, outer: list[Column]) -> str:
        parts = [
            self._subquery(columns, depth)
            if depth > 0 and self._chance(0.25)
            else self._predicate(columns + outer)
            for _ in range(self.rng.randrange(3) + 1)
        ]
        if self._chance(0.25):  # of rows without a partner, perhaps
            null = f"{columns[-1].name.partition('.')[0]}.id IS NULL"
            if any(f"{null} " == f"{c.name} IS NULL " for c in columns):
                return " AND ".join([null, *parts[1:]])
        return f" {self.rng.choice(('AND', 'AND', 'AND', 'OR'))} ".join(parts)

    def _subquery(self, columns: list[Column], depth: int) -> str:
        source, inner = self._source(0)
        is_near, self._is_near = self._is_near, self._is_near and self._chance(0.6)
        condition = self._correlated(inner, columns)
        self._is_near = is_near
        column = self.rng.choice(columns)
        same = [c for c in inner if c.type == column.type] or inner
        mine = self.rng.choice(same).name
        word = self.rng.choice(("", "NOT "))
        if self._chance(0.5):
            star = self.rng.choice(("1", "*"))
            return f"{word}EXISTS (SELECT {star} FROM {source} WHERE {condition})"
        if self._chance(0.5):
            condition = self._predicate(inner)
        keys = [c for c in columns if c.name.endswith(".cust")]
        theirs = [c for c in inner if c.name.endswith(".cust")]
        if keys and theirs and self._chance(0.4):
            column, mine = self.rng.choice(keys), self.rng.choice(theirs).name
        return f"{column.name} {word}IN (SELECT {mine} FROM {source} WHERE {condition})"

    def _correlated(self, inner: list[Column], outer: list[Column]) -> str:
        condition = self._on(inner, outer) if outer else self._predicate(inner)
        return condition + f" AND {self._predicate(inner)}" * self._chance(0.4)

    def _predicate(self, columns: list[Column]) -> str:
        column = self.rng.choice(columns)
        style = self.rng.random()
        if style < 0.5:
            return f"{column.name} {self._comparison()} {self._value(column.type)}"
        if style < 0.65:
            return f"{column.name} IS {self.rng.choice(('', 'NOT '))}NULL"
        if style < 0.75:
            values = [
                self._value(column.type) for _ in range(self.rng.randrange(3) + 1)
            ]
            word = self.rng.choice(("", "", "NOT "))
            return f"{column.name} {word}IN ({', '.join(values)})"
        if style < 0.85:
            low, high = self._value(column.type), self._value(column.type)
            return f"{column.name} BETWEEN {low} AND {high}"
        if style < 0.95:
            one, two = self._predicate(columns), self._predicate(columns)
            return f"{self.rng.choice(('', 'NOT '))}({one} OR {two})"
        return f"{column.name} LIKE 'b%%'"

    def _comparison(self) -> str:
        return self.rng.choice(("=", "=", "<>", "<", "<=", ">", ">="))

    def _value(self, type_: str) -> str:
        if self._chance(0.03):
            return "NULL"
        kind = type_ if self._chance(0.95) else self.rng.choice(("int", "text", "real"))
        if kind == "int":
            return self._value_of(self.rng.randrange(-1, 7))
        if kind == "real":
            return self._value_of(self.rng.randrange(0, 20) / 4)
        return self._value_of(self.rng.choice(("a", "b", "B", "bb", "", "1", "Zeta")))

    def _value_of(self, value: Any) -> str:
        if self._chance(0.4):
            self._values.append(value)
            return f"{{{len(self._values) - 1}}}"
        return repr(value)

    def _pick(self, columns: list[Column], want: str | None = None) -> Any:
        """A column that may be shown, of the type wanted where there is one."""
        shown = [c for c in columns if not c.name.endswith(".tag")]
        fit = [c for c in shown if c.type == want]
        return self.rng.choice(fit or shown)

    def _chance(self, part: float) -> bool:
        return self.rng.random() < part
