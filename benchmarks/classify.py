"""What it costs to classify: texts seen first, known shapes, long texts, memory.

First-seen texts are compared with sqlparse's own lexer on the same text, which is what
any classification with sqlparse must pay at least. `{n}` in a text below makes every
call's shape a new one.
"""

from __future__ import annotations

import gc
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, cycle

from sqlparse import lexer

from benchmarks.timing import Row, Timing, interleave, ratio
from routedb.config.load import load
from routedb.engine.plans.plan_cache import PlanCache
from routedb.routing import Rules
from routedb.sql import Classifier

SHAPES = 10_000
MEGABYTE = 1_000_000
KEY_READ = "SELECT id, name, price FROM item{n} WHERE id = %s"

# Of PostgreSQL, as applications and their libraries write them.
TEXTS = (
    KEY_READ,
    "SELECT count(*) FROM orders{n} WHERE state = 'open' AND placed > now() - '7 days'",
    'SELECT "shop_item"."id", "shop_item"."name", "shop_item"."price" FROM '
    '"shop_item{n}" INNER JOIN "shop_stock" ON ("shop_item"."id" = '
    '"shop_stock"."item_id") WHERE ("shop_item"."price" >= 10.50 AND NOT '
    '"shop_item"."is_hidden") ORDER BY "shop_item"."name" ASC LIMIT 21',
    "INSERT INTO event{n} (at, kind, body) VALUES (%s, %s, %s) RETURNING id",
    "INSERT INTO stock{n} (item, place, amount) VALUES (1, 'a', 10), (2, 'b', 5) "
    "ON CONFLICT (item, place) DO UPDATE SET amount = stock.amount + excluded.amount",
    "UPDATE customer{n} SET name = %(name)s, changed = now() WHERE id = %(id)s",
    "DELETE FROM session{n} USING customer c WHERE c.id = session.customer AND c.gone",
    "WITH late AS (SELECT customer, max(placed) AS last FROM orders{n} GROUP BY 1) "
    "SELECT c.name, late.last FROM customer c JOIN late ON late.customer = c.id "
    "WHERE late.last < '2024-01-01' -- who has not ordered for long",
    "SELECT a.id, b.total, (SELECT count(*) FROM note{n} x WHERE x.order_id = a.id) "
    "FROM orders a LEFT JOIN LATERAL (SELECT sum(price * amount) AS total FROM "
    "order_item i WHERE i.order_id = a.id) b ON true WHERE a.customer IN (1, 2, 3, 4)",
    "SELECT id FROM job{n} WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE "
    "SKIP LOCKED",
    "CREATE TABLE IF NOT EXISTS log{n} (id bigint PRIMARY KEY, at timestamptz NOT NULL "
    "DEFAULT now(), body text, customer int REFERENCES customer (id))",
    "SET search_path TO tenant{n}, public",
)
# 150 characters with other literals each time.
LIKE = (
    "SELECT o.id, o.placed, c.name FROM orders o JOIN customer c ON c.id = o.customer "
    "WHERE c.name = 'name{n:05}' AND o.total > {n:05}.50 AND o.state = {n:05}"
)
# Of tracing tools, another one each time.
TAG = "/*framework='django',route='/items',traceparent='00-5bd66ef5-{n:08x}-01'*/"
TAGGED = KEY_READ.replace("{n}", "") + " " + TAG
# Rows of an INSERT of 1 MB: `#` is a number, `@@` a word, other ones in each row.
KINDS = {
    "typed dates": (
        "postgresql",
        "(#, DATE '2024-01-01', TIMESTAMP '2024-01-1# 1:00')",
    ),
    "calls": ("postgresql", "(DEFAULT, #, now(), f(#), CURRENT_TIMESTAMP, NULL)"),
    "casts": ("postgresql", "('2024-01-01'::date, #::numeric(10, 2), '@@'::my.mood)"),
    "CAST": ("postgresql", "(#, CAST('2024-01-01' AS date), true, '@@')"),
    "arrays": ("postgresql", "(#, ARRAY[#, 2], '{#,2}'::int[], ARRAY['@@'])"),
    "X'…'": ("postgresql", "(#, X'0#', B'101', N'@@')"),
    "U&'…' and E'…'": ("postgresql", r"(#, U&'\0041', E'it\'s\n', e'@@')"),
    "intervals": ("postgresql", "(#, INTERVAL '# days', '@@', INTERVAL '1' DAY)"),
    "JSON": ("postgresql", "(#, '{\"@@\": [#, \"it''s\"]}'::jsonb)"),
    "exponents and signs": ("postgresql", "(-#.5, +#, #.5E-3, 1e#)"),
    "parameters": ("postgresql", "(%s, $#, %(name__#)s)"),
    "dollar quotes": ("postgresql", "(#, $$it's @@$$)"),
    "_binary and 0x": ("mysql", "(#, _binary'@@', 0xDEADBEEF#, _utf8mb4'@@')"),
    "double quotes": ("mysql", '(#, "@@", "it\'s @@")'),
    "backslashes": ("mysql", r"(#, 'it\'s @@', 'c:\\@@')"),
    "ROW(…)": ("mysql", "ROW(#, '@@', now())"),
    "comments between": ("mysql", "(#, '@@') /* @@ */"),
    "?": ("sqlite", "(?#, :name#, ?, x'0#', '@@')"),
}


def run() -> list[Row]:
    """Measure everything; takes about a minute."""
    return [
        *(*first_seen(), same_shape(), tagged()),
        *(*long_texts(), *long_rows(), memory()),
    ]


def first_seen() -> list[Row]:
    """New shapes, against sqlparse's lexer: all the texts together, and the worst."""
    classifier = Classifier("postgresql", max_shapes=SHAPES)
    calls: dict[str, Callable[[], object]] = {}
    for place, text in enumerate(TEXTS):
        calls[f"ours {place}"] = _on_new(text, lambda sql: _classify(classifier, sql))
        calls[f"theirs {place}"] = _on_new(text, lambda sql: list(lexer.tokenize(sql)))
    times = interleave(calls, rounds=40, block=10)
    parts = [
        ratio(times, f"ours {place}", f"theirs {place}") for place in range(len(TEXTS))
    ]
    ours, theirs = (_sum(times, whose) for whose in ("ours", "theirs"))
    note = f"{len(TEXTS)} texts: {theirs * 1e6:.0f} -> {ours * 1e6:.0f} us"
    worst = TEXTS[parts.index(max(parts))][:30]
    return [
        Row("classify: first seen, of sqlparse's lexer", ours / theirs, "x", 1.5, note),
        Row("classify: the worst of these", max(parts), "x", 1.5, f"{worst} …"),
    ]


def same_shape() -> Row:
    """A known shape with other literals."""
    texts = cycle([LIKE.format(n=n) for n in range(1000)])
    classifier = Classifier("postgresql")
    times = interleave({"": lambda: _classify(classifier, next(texts))}, rounds=200)
    note = f"p99 {times[''].p99 * 1e6:.1f} us"
    name = f"classify: same shape, {len(next(texts))} characters"
    return Row(name, times[""].median * 1e6, "us", 15, note)


def tagged() -> Row:
    """A known statement whose comment differs each time."""
    texts = cycle([TAGGED.format(n=n) for n in range(1000)])
    classifier = Classifier("postgresql")
    times = interleave({"": lambda: _classify(classifier, next(texts))}, rounds=200)
    note = f"p99 {times[''].p99 * 1e6:.1f} us"
    name = f"classify: tagged, {len(next(texts))} characters"
    return Row(name, times[""].median * 1e6, "us", 8, note)


def long_texts() -> list[Row]:
    """Texts of a megabyte, of which some hundred characters are read."""
    head = "INSERT INTO item (id, name, price, note) "
    row = "({0}, 'item number {0}', {0}.50, NULL)"
    rows = ", ".join(row.format(n) for n in range(MEGABYTE // 45))
    numbers = ", ".join(str(7 * n) for n in range(150_000))
    texts = {
        "INSERT": f"{head}VALUES {rows}",
        "INSERT, a comment behind it": f"{head}VALUES {rows} {TAG.format(n=1)}",
        "INSERT … SELECT FROM (VALUES …)": f"{head}SELECT * FROM (VALUES {rows}) v",
        "UPDATE … FROM (VALUES …)": "UPDATE item SET price = v.price FROM "
        f"(VALUES {rows}) v (id, name, price, note) WHERE item.id = v.id",
        "IN (150,000 numbers)": f"SELECT * FROM item WHERE id IN ({numbers})",
        "INSERT of E''": f"{head}VALUES {rows}".replace(" 'item", r" E'it\\em"),
    }
    classifier = Classifier("postgresql")
    calls = {name: partial(_classify, classifier, text) for name, text in texts.items()}
    found = []
    for name, timing in interleave(calls, rounds=30, block=1).items():
        note = f"{len(texts[name]):,} characters, p99 {timing.p99 * 1e3:.1f} ms"
        bar = 5 if name == "INSERT" else 10
        title = f"classify: 1 MB {name}"
        found.append(Row(title, timing.median * 1e3, "ms", bar, note))
    return found


def long_rows() -> list[Row]:
    """Inserts of a megabyte whose rows are more than plain strings and numbers."""
    calls: dict[str, Callable[[], object]] = {}
    for name, (dialect, row) in KINDS.items():
        rows, size = [], 0
        while size < MEGABYTE:
            word = "".join(chr(97 + (size // 7**n) % 26) for n in range(12))
            rows.append(row.replace("#", str(size)).replace("@@", word))
            size += len(rows[-1]) + 2
        text = f"INSERT INTO item (a, b, c) VALUES {', '.join(rows)}"
        calls[name] = partial(_classify, Classifier(dialect), text)
    return [
        Row(f"classify: 1 MB of {name}", _cpu_ms(call), "ms", 10, KINDS[name][1])
        for name, call in calls.items()
    ]


def _cpu_ms(call: Callable[[], object]) -> float:
    """Return the CPU time of a call, the least of some: the machine may be busy."""
    took = []
    for _ in range(10):
        start = time.thread_time_ns()
        call()
        took.append(time.thread_time_ns() - start)
    return min(took) / 1e6


def memory() -> Row:
    """What the caches of a cluster hold for many shapes, texts of KEY_READ's length."""
    config = load("postgresql://host/shop", {}, environ=os.environ, read_file=str)
    texts = PlanCache(config, Rules(config), None)
    texts.learn("SELECT 1")  # imports and lists of functions are not the shapes' cost
    gc.collect()
    tracemalloc.start()
    for n in range(SHAPES):
        texts.learn(KEY_READ.replace("{n}", str(n)))
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    note = f"{held / SHAPES:.0f} bytes a shape, with the texts that are kept"
    return Row(f"classify: memory of {SHAPES:,} shapes", held / 1e6, "MB", None, note)


def _classify(classifier: Classifier, sql: str) -> object:
    return classifier.statement(classifier.scan(sql))


def _on_new(text: str, use: Callable[[str], object]) -> Callable[[], object]:
    texts = _numbered(text)
    return lambda: use(next(texts))


def _numbered(text: str) -> Iterator[str]:
    return (text.replace("{n}", str(n)) for n in count())


def _sum(times: dict[str, Timing], whose: str) -> float:
    return sum(times[f"{whose} {place}"].median for place in range(len(TEXTS)))
