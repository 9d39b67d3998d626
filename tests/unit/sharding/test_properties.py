"""What is sent to one shard gives what the whole would have given.

Random statements run on a database that holds everything, and on the shards that
routedb chose. Whatever is not refused has to give the same.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routedb.sql import to_qmark
from tests.support import oracle
from tests.support.oracle import SHARDS, analysed, contents, databases, home, run

many = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

# A statement is a list of words; a value among them is written as a literal or bound.
Words = list[Any]


class Value:
    """A value that is written as a literal, or as a parameter."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        value = self.value
        return "null" if value is None else repr(value)


def literal(words: Words) -> str:
    return " ".join(repr(w) if isinstance(w, Value) else w for w in words)


def bound(words: Words) -> tuple[str, tuple[Any, ...]]:
    sql = " ".join("%s" if isinstance(w, Value) else w for w in words)
    return sql, tuple(w.value for w in words if isinstance(w, Value))


keys = st.sampled_from([0, 1, 2, 3, 4, 5, 7, "1", "4", 1.0, None]).map(Value)
ids = st.sampled_from([0, 1, 2, None]).map(Value)


def atoms(aliases: tuple[str, ...]) -> st.SearchStrategy[Words]:
    """Comparisons of the columns of these sources, with values and one another."""
    alias = st.sampled_from(aliases)
    key = alias.map(lambda a: f"{a}.customer_id")
    id_ = alias.map(lambda a: f"{a}.id")
    operator = st.sampled_from(["=", "=", "=", "<>", "<", ">=", "is", "is not"])
    in_ = st.sampled_from(["in", "in", "not in"])
    return st.one_of(
        st.builds(lambda k, v: [k, "=", v], key, keys),
        st.builds(lambda k, v: [v, "=", k], key, keys),
        st.builds(lambda k, o, v: [k, o, v], key, operator, keys),
        st.builds(lambda k, o, v: [k, o, v], id_, operator, ids),
        st.builds(lambda a, o, b: [a, o, b], key, operator, key),
        st.builds(lambda a, o, b: [a, o, b], id_, operator, id_),
        st.builds(lambda k, i, a, b: [k, i, "(", a, ",", b, ")"], key, in_, keys, keys),
        st.builds(
            lambda k, a, b: [k, "between", a, "and", b], key, keys, keys
        ),
        st.builds(
            lambda k, i, o, a, b: ["(", k, ",", i, ")", o, "(", a, ",", b, ")"],
            key, id_, st.sampled_from(["=", "<>", "<"]), keys, ids,
        ),
        st.builds(lambda k, v: [k, "=", v, "+", "0"], key, keys),
        st.builds(lambda k, v: [k, "=", "-", v], key, keys),
        st.just(["true"]),
        st.just(["null"]),
    )  # fmt: skip


def conditions(aliases: tuple[str, ...]) -> st.SearchStrategy[Words]:
    """Boolean trees, with brackets left out here and there."""
    return st.recursive(
        atoms(aliases),
        lambda inner: st.one_of(
            st.builds(lambda a, b: [*a, "and", *b], inner, inner),
            st.builds(lambda a, b: ["(", *a, "or", *b, ")"], inner, inner),
            st.builds(lambda a, b: [*a, "or", *b], inner, inner),
            st.builds(lambda a: ["not", *a], inner),
            st.builds(lambda a: ["not", "(", *a, ")"], inner),
            st.builds(lambda a: ["(", *a, ")", "is", "true"], inner),
            st.builds(lambda a: ["(", *a, ")"], inner),
        ),
        max_leaves=5,
    )


@many
@given(conditions(("orders",)))
def test_the_shards_of_a_condition_hold_every_row_that_meets_it(words: Words) -> None:
    sql = f"select orders.customer_id from orders where {literal(words)}"
    found = oracle.located(sql, None)
    if found is None:
        return
    rows = run(WHOLE[-1], sql, None)
    assert {home(key) for (key,) in rows} <= found.shards


@many
@given(conditions(("orders",)))
def test_a_literal_and_a_parameter_mean_the_same(words: Words) -> None:
    head = ["select", "*", "from", "orders", "where"]
    sql, params = bound([*head, *words])
    written = oracle.located(literal([*head, *words]), None)
    # A minus before NULL or a parameter is an expression, before a literal it is not.
    if "-" in words:
        return
    assert oracle.located(sql, params) == written


def joins() -> st.SearchStrategy[Words]:
    """FROM with two or three sources."""
    kind = st.sampled_from(["join", "left join", "right join", "full join"])
    table = st.sampled_from(["orders", "items", "orders", "countries c2, orders"])
    pair = st.one_of(
        st.just(["a.customer_id = b.customer_id"]),
        st.builds(
            lambda c: ["a.customer_id = b.customer_id", "and", "(", *c, ")"],
            conditions(("a", "b")),
        ),
        conditions(("a", "b")),
    )
    third = st.one_of(
        st.just(["c.customer_id = b.customer_id"]),
        st.just(["c.customer_id = a.customer_id"]),
        conditions(("a", "b", "c")),
    )
    two = st.builds(
        lambda t, k, on: [t, "a", k, "items", "b", "on", *on], table, kind, pair
    )
    return st.one_of(
        two,
        st.builds(
            lambda first, k, on: [*first, k, "orders", "c", "on", *on],
            two, kind, third,
        ),
        st.builds(
            lambda k, first, on: ["countries", "r", k, "(", *first, ")", "on", *on],
            st.sampled_from(["join", "left join", "right join", "full join"]),
            two, conditions(("a", "b")),
        ),
    )  # fmt: skip


def subqueries() -> st.SearchStrategy[Words]:
    """Conditions on `a` and `b` that hold a query."""
    inside = st.one_of(
        st.just(["s.customer_id = a.customer_id"]),
        st.just(["s.customer_id = b.customer_id"]),
        st.builds(lambda v: ["s.customer_id", "=", v], keys),
        conditions(("s", "a")),
    )
    head = st.sampled_from(
        ["exists ( select 1 from", "not exists ( select 1 from",
         "a.id in ( select s.id from", "a.id = ( select max(s.id) from",
         "a.id not in ( select s.id from"]
    )  # fmt: skip
    return st.builds(
        lambda h, t, w: [h, t, "s where", *w, ")"],
        head, st.sampled_from(["orders", "items"]), inside,
    )  # fmt: skip


wheres = st.one_of(
    st.builds(lambda v: ["a.customer_id", "=", v], keys),
    st.builds(lambda v: ["b.customer_id", "=", v], keys),
    st.builds(
        lambda v, c: ["a.customer_id", "=", v, "and", "(", *c, ")"],
        keys,
        conditions(("a", "b")),
    ),
    st.builds(lambda v, c: ["a.customer_id", "=", v, "and", *c], keys, subqueries()),
    st.builds(
        lambda v, c: ["a.customer_id", "=", v, "and", "a.id = 1", "and", *c],
        keys,
        subqueries(),
    ),
    conditions(("a", "b")),
)
columns = st.sampled_from(
    ["a.*, b.*", "count(*), sum(a.id), max(b.note)", "distinct a.id, b.id",
     "a.id, (select max(s.id) from orders s where s.customer_id = a.customer_id)",
     "a.id, (select count(*) from items s where s.customer_id = b.customer_id)"]
)  # fmt: skip


@many
@given(columns, joins(), wheres)
def test_a_query_gives_on_its_shard_what_the_whole_gives(
    chosen: str, tables: Words, where: Words
) -> None:
    words = ["select", chosen, "from", *tables, "where", *where]
    check_query(*bound(words))


@many
@given(st.sampled_from(["union all", "union", "except", "intersect"]), joins(), wheres,
       conditions(("o",)))  # fmt: skip
def test_queries_that_are_combined_give_what_the_whole_gives(
    combine: str, tables: Words, where: Words, other: Words
) -> None:
    words = [
        "with w as ( select a.id as x, b.id as y from", *tables, "where", *where, ")",
        "select * from w", combine,
        "select o.id, o.customer_id from orders o where", *other,
    ]  # fmt: skip
    check_query(*bound(words))


def check_query(sql: str, params: tuple[Any, ...]) -> None:
    found = oracle.located(sql, params)
    if found is None or len(found.shards) > 1:
        return
    expected = run(WHOLE[-1], sql, params)
    for number in found.shards or range(SHARDS):
        assert run(WHOLE[number], sql, params) == expected


changes = st.sampled_from(
    ["delete from orders as a where",
     "update orders as a set note = 'new' where",
     "update orders as a set customer_id = customer_id, note = 'x' where",
     "update orders as a set customer_id = 4 where",
     "update orders as a set customer_id = 7, id = 9 where",
     "update orders as a set note = b.id from items b "
     "where a.customer_id = b.customer_id and"]
)  # fmt: skip


@settings(many, max_examples=200)
@given(changes, st.one_of(wheres, conditions(("a",))))
def test_a_change_does_on_its_shards_what_it_does_on_the_whole(
    change: str, where: Words
) -> None:
    sql, params = bound([change, *where])
    if "from items b" not in sql and "b." in sql:
        return
    found = oracle.resolved(sql, params)
    if found is None:
        return
    # Only a key that no row without one, which lies anywhere, could be asked for.
    for database in (*(WHOLE[number] for number in found.shards), WHOLE[-1]):
        run(database, sql, params)
    try:
        assert sorted(contents(WHOLE[:-1]), key=repr) == sorted(
            contents(WHOLE[-1:]), key=repr
        )
    finally:
        for database in WHOLE:
            database.rollback()


cells = st.one_of(
    st.sampled_from([None, 1, "it's", "),(", "%", "%s"]).map(Value),
    st.sampled_from(["upper('a),(')", "(1 + 2)", "/* ( */ 3", "'a' || 'b'"]).map(str),
)
inserted = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 3, "4", 5]).map(Value), cells, cells),
    min_size=1,
    max_size=8,
)


@settings(many, max_examples=200)
@given(inserted, st.lists(st.booleans(), min_size=24, max_size=24))
def test_the_parts_of_an_insert_store_the_rows_of_the_whole(
    rows: list[tuple[Any, ...]], is_bound: list[bool]
) -> None:
    sql, params = insert_text(rows, is_bound)
    known = analysed(sql)
    assert known is not None
    found = known[0].resolve(sql, known[1], params, SHARDS)
    parts = found.parts or [(min(found.shards), sql, params, range(len(rows)))]
    stored: list[Any] = []
    for shard, text, dealt, _ in parts:
        mine = ran(text, dealt)
        assert {int(row[0]) % SHARDS for row in mine} == {shard}
        stored += mine
    assert sorted(stored, key=repr) == sorted(ran(sql, params), key=repr)
    assert sorted(n for part in parts for n in part[3]) == list(range(len(rows)))


def insert_text(
    rows: list[tuple[Any, ...]], is_bound: list[bool]
) -> tuple[str, tuple[Any, ...]]:
    """Write some values of the rows as literals, and bind the others."""
    params: list[Any] = []

    def spell(cell: Any, bind: bool) -> str:
        if not isinstance(cell, Value):
            return str(cell)
        if bind:
            params.append(cell.value)
            return "%s"
        value = cell.value
        if isinstance(value, str):
            return "'" + value.replace("'", "''").replace("%", "%%") + "'"
        return repr(cell)

    flags = iter(is_bound)
    written = [
        "(" + ", ".join(spell(c, next(flags)) for c in row) + ")" for row in rows
    ]
    params.append("last")
    sql = f"insert into orders (customer_id, id, note) values {' , '.join(written)} "
    return sql + "returning customer_id, id, note, %s", tuple(params)


def ran(sql: str, params: Any) -> list[tuple[Any, ...]]:
    """Run an INSERT as the SQLite adapter would, and return the rows it stores."""
    try:
        rows = WHOLE[-1].execute(to_qmark(sql)[0], params).fetchall()
    finally:
        WHOLE[-1].rollback()
    assert {row[3] for row in rows} == {"last"}
    return rows


@pytest.fixture(autouse=True, scope="module")
def whole() -> Any:
    WHOLE[:] = databases()
    yield
    for database in WHOLE:
        database.close()


WHOLE: list[Any] = []
