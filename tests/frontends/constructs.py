"""A hundred constructs of SQL, for tables dealt over shards and a second database.

`orders` and `items` are sharded by `cust`, `regions` is a reference table, `leads` is
in a database of its own.
"""

from __future__ import annotations

from typing import Any

TABLES = {
    "orders": "id integer, cust integer, region varchar(9), total integer, note text",
    "items": "id integer, cust integer, order_id integer, qty integer, price integer",
    "regions": "code varchar(9) PRIMARY KEY, name text, parent varchar(9)",
    "leads": "id integer PRIMARY KEY, cust integer, src text",
}
_CODES = ("eu", "us", "asia", None)
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "orders": [
        (n, n % 7, _CODES[n % 4], (n * 37) % 50, None if n % 5 == 0 else f"n{n % 3}")
        for n in range(1, 31)
    ],
    "items": [
        (n, (n * 2) % 7, n % 33, n % 4, (n * 13) % 20 if n % 6 else None)
        for n in range(1, 61)
    ],
    "regions": [
        ("eu", "Europe", "world"),
        ("us", "States", "world"),
        ("de", "Germany", "eu"),
        ("world", "World", None),
    ],
    "leads": [(n, n % 9, f"s{n % 2}") for n in range(1, 13)],
}

# By name; those with ORDER BY at their end have one order only.
ALL: dict[str, str] = {
    # -- joins
    "inner join by the key": "SELECT o.id, i.id FROM orders o JOIN items i "
    "ON i.cust = o.cust AND i.order_id = o.id",
    "inner join by another column": "SELECT o.id, i.id FROM orders o JOIN items i "
    "ON i.order_id = o.id",
    "join using": "SELECT cust, count(*) FROM orders JOIN items USING (cust) "
    "GROUP BY cust",
    "natural join": "SELECT count(*) FROM leads NATURAL JOIN "
    "(SELECT cust FROM orders) x",
    "cross join": "SELECT count(*) FROM orders CROSS JOIN regions",
    "comma join": "SELECT o.id, r.name FROM orders o, regions r "
    "WHERE r.code = o.region",
    "left join": "SELECT o.id, i.id FROM orders o LEFT JOIN items i "
    "ON i.order_id = o.id AND i.qty > 2",
    "left join of a reference table": "SELECT r.code, o.id FROM regions r "
    "LEFT JOIN orders o ON o.region = r.code",
    "left join with another database": "SELECT l.id, o.id FROM leads l "
    "LEFT JOIN orders o ON o.cust = l.cust AND o.total > 30",
    "full join": "SELECT o.id, i.id FROM orders o FULL JOIN items i "
    "ON i.order_id = o.id AND i.qty = 3",
    "self join": "SELECT a.id, b.id FROM orders a JOIN orders b "
    "ON b.total = a.total AND b.id > a.id",
    "join by an inequality": "SELECT count(*) FROM orders o JOIN items i "
    "ON i.price > o.total",
    "anti join": "SELECT o.id FROM orders o LEFT JOIN items i ON i.order_id = o.id "
    "WHERE i.id IS NULL",
    "three tables": "SELECT o.id, r.name, l.src FROM orders o "
    "JOIN regions r ON r.code = o.region JOIN leads l ON l.cust = o.cust",
    "join of a join": "SELECT o.id, x.name FROM orders o LEFT JOIN (regions x "
    "JOIN regions p ON p.code = x.parent) ON x.code = o.region",
    # -- subqueries
    "scalar subquery": "SELECT id, (SELECT max(total) FROM orders) FROM leads",
    "correlated scalar subquery": "SELECT id, (SELECT count(*) FROM items i "
    "WHERE i.order_id = o.id) FROM orders o",
    "subquery correlated by the key": "SELECT id, (SELECT sum(qty) FROM items i "
    "WHERE i.cust = o.cust) FROM orders o",
    "in": "SELECT id FROM orders WHERE id IN "
    "(SELECT order_id FROM items WHERE qty > 2)",
    "not in with null": "SELECT id FROM leads WHERE id NOT IN "
    "(SELECT price FROM items)",
    "not in": "SELECT id FROM orders WHERE cust NOT IN (SELECT cust FROM leads)",
    "exists": "SELECT id FROM orders o WHERE EXISTS "
    "(SELECT * FROM items i WHERE i.order_id = o.id AND i.price > 10)",
    "not exists": "SELECT id FROM orders o WHERE NOT EXISTS "
    "(SELECT 1 FROM leads l WHERE l.cust = o.cust)",
    "row values in": "SELECT id FROM orders WHERE (cust, id) IN "
    "(SELECT cust, order_id FROM items)",
    "derived table": "SELECT x.c, x.n FROM (SELECT cust AS c, count(*) AS n "
    "FROM orders GROUP BY cust) x WHERE x.n > 4",
    "derived table with limit": "SELECT sum(t) FROM "
    "(SELECT total AS t FROM orders ORDER BY total DESC, id LIMIT 5) x",
    "nested derived tables": "SELECT max(n) FROM (SELECT count(*) AS n FROM "
    "(SELECT cust, region FROM orders) y GROUP BY region) x",
    "subquery in having": "SELECT region FROM orders GROUP BY region "
    "HAVING sum(total) > (SELECT avg(total) FROM orders)",
    "subquery in order by": "SELECT id FROM orders o ORDER BY "
    "(SELECT count(*) FROM items i WHERE i.order_id = o.id), id",
    "subquery in case": "SELECT id, CASE WHEN EXISTS (SELECT 1 FROM items i "
    "WHERE i.order_id = orders.id) THEN 'sold' ELSE 'open' END FROM orders",
    # -- common table expressions
    "cte": "WITH big AS (SELECT * FROM orders WHERE total > 25) "
    "SELECT count(*) FROM big",
    "cte used twice": "WITH s AS (SELECT cust, sum(total) AS t FROM orders "
    "GROUP BY cust) SELECT a.cust FROM s a JOIN s b ON b.t > a.t WHERE b.cust = 3",
    "cte of a cte": "WITH a AS (SELECT cust FROM orders), b AS (SELECT cust FROM a "
    "WHERE cust > 2) SELECT count(*) FROM b",
    "cte hides a table": "WITH orders AS (SELECT 1 AS id) SELECT id FROM orders",
    "recursive cte over numbers": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
    "SELECT i + 1 FROM n WHERE i < 7) SELECT n.i, count(o.id) FROM n "
    "LEFT JOIN orders o ON o.cust = n.i GROUP BY n.i",
    "recursive cte over a reference table": "WITH RECURSIVE up(code, root) AS "
    "(SELECT code, code FROM regions WHERE parent IS NULL UNION ALL "
    "SELECT r.code, u.root FROM regions r JOIN up u ON r.parent = u.code) "
    "SELECT o.id, up.root FROM orders o JOIN up ON up.code = o.region",
    "recursive cte over shards": "WITH RECURSIVE c(id, total) AS (SELECT id, total "
    "FROM orders WHERE id = 1 UNION SELECT o.id, o.total FROM orders o "
    "JOIN c ON o.id = c.id + 3) SELECT id FROM c",
    # -- set operations
    "union all": "SELECT id FROM orders UNION ALL SELECT id FROM leads",
    "union": "SELECT cust FROM orders UNION SELECT cust FROM leads",
    "intersect": "SELECT cust FROM orders INTERSECT SELECT cust FROM leads",
    "except": "SELECT cust FROM leads EXCEPT SELECT cust FROM orders",
    "ordered union": "SELECT id, 'o' AS t FROM orders WHERE id < 5 UNION ALL "
    "SELECT id, 'l' FROM leads WHERE id < 5 ORDER BY id, t",
    "union in a derived table": "SELECT count(*) FROM (SELECT cust FROM orders "
    "UNION SELECT cust FROM items) x",
    "union of shards with limit": "SELECT id FROM orders UNION SELECT id FROM items "
    "ORDER BY id DESC LIMIT 4",
    # -- aggregates and grouping
    "count": "SELECT count(*), count(note), count(DISTINCT region) FROM orders",
    "sum min max avg": "SELECT sum(total), min(total), max(note), avg(total) "
    "FROM orders",
    "aggregate of no rows": "SELECT count(*), sum(total), min(id) FROM orders "
    "WHERE id > 1000",
    "group by the key": "SELECT cust, sum(total) FROM orders GROUP BY cust",
    "group by another column": "SELECT region, count(*), avg(total) FROM orders "
    "GROUP BY region",
    "group by an expression": "SELECT total % 3 AS m, count(*) FROM orders "
    "GROUP BY total % 3",
    "group by a position": "SELECT region, max(id) FROM orders GROUP BY 1",
    "group by two columns": "SELECT region, note, count(*) FROM orders "
    "GROUP BY region, note",
    "having": "SELECT region, sum(total) FROM orders GROUP BY region "
    "HAVING count(*) > 7",
    "having without group by": "SELECT max(id) FROM orders HAVING count(*) > 3",
    "filter": "SELECT count(*) FILTER (WHERE total > 20), "
    "sum(total) FILTER (WHERE note = 'n1') FROM orders",
    "sum of distinct": "SELECT sum(DISTINCT total), count(DISTINCT total) FROM orders",
    "aggregate of an expression": "SELECT sum(qty * price), max(qty + 1) FROM items",
    "aggregate over a join": "SELECT r.name, sum(o.total) FROM orders o "
    "JOIN regions r ON r.code = o.region GROUP BY r.name",
    "aggregate in an expression": "SELECT 100 * sum(qty) / count(*) FROM items",
    "case in an aggregate": "SELECT sum(CASE WHEN qty > 1 THEN 1 ELSE 0 END) "
    "FROM items",
    "ordered groups": "SELECT region, count(*) AS n FROM orders GROUP BY region "
    "ORDER BY n DESC, region LIMIT 2",
    # -- distinct, order, limit
    "distinct": "SELECT DISTINCT region FROM orders",
    "distinct of two": "SELECT DISTINCT region, note FROM orders",
    "distinct with order": "SELECT DISTINCT total FROM orders ORDER BY total DESC",
    "order by a column": "SELECT id FROM orders ORDER BY id",
    "order by two": "SELECT total, id FROM orders ORDER BY total DESC, id",
    "order by an expression": "SELECT id FROM orders ORDER BY id % 4, id",
    "order by what is not shown": "SELECT note FROM orders ORDER BY id",
    "order by an alias": "SELECT id, total * 2 AS twice FROM orders ORDER BY twice, id",
    "order by nulls": "SELECT id FROM orders ORDER BY note NULLS LAST, id",
    "order by text": "SELECT note, id FROM orders WHERE note IS NOT NULL "
    "ORDER BY note, id",
    "order by a position": "SELECT total, id FROM orders ORDER BY 1, 2",
    "limit": "SELECT id FROM orders ORDER BY id LIMIT 5",
    "limit and offset": "SELECT id FROM orders ORDER BY id LIMIT 5 OFFSET 7",
    "limit beyond the end": "SELECT id FROM orders ORDER BY id LIMIT 9 OFFSET 28",
    "limit of a join": "SELECT o.id, i.id FROM orders o JOIN items i "
    "ON i.order_id = o.id ORDER BY o.id, i.id LIMIT 3",
    "limit zero": "SELECT id FROM orders ORDER BY id LIMIT 0",
    # -- windows
    "row number": "SELECT id, row_number() OVER (ORDER BY total, id) FROM orders",
    "rank by the key": "SELECT id, rank() OVER (PARTITION BY cust ORDER BY total) "
    "FROM orders",
    "sum over": "SELECT id, sum(total) OVER (PARTITION BY region ORDER BY id) "
    "FROM orders",
    "frame": "SELECT id, sum(total) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING "
    "AND 1 FOLLOWING) FROM orders",
    "lag and lead": "SELECT id, lag(total) OVER (ORDER BY id), "
    "lead(total, 2, 0) OVER (ORDER BY id) FROM orders",
    "named window": "SELECT id, count(*) OVER w, ntile(3) OVER w FROM orders "
    "WINDOW w AS (ORDER BY id)",
    "window over groups": "SELECT region, sum(total), rank() OVER "
    "(ORDER BY sum(total)) FROM orders GROUP BY region",
    "first of each": "SELECT id, region FROM (SELECT id, region, row_number() OVER "
    "(PARTITION BY region ORDER BY total DESC, id) AS r FROM orders) x WHERE r = 1",
    # -- expressions
    "case": "SELECT id, CASE region WHEN 'eu' THEN 1 WHEN 'us' THEN 2 END FROM orders",
    "coalesce and nullif": "SELECT coalesce(note, '-'), nullif(region, 'eu') "
    "FROM orders",
    "like": "SELECT id FROM orders WHERE note LIKE 'n_' AND region NOT LIKE 'e%'",
    "between": "SELECT id FROM orders WHERE total BETWEEN 10 AND 20",
    "is distinct from": "SELECT id FROM orders WHERE region IS DISTINCT FROM 'eu'",
    "is null": "SELECT count(*) FROM orders WHERE note IS NULL",
    "concatenation": "SELECT region || ':' || note FROM orders",
    "cast": "SELECT CAST(total AS text), CAST('7' AS integer) + id FROM orders",
    "functions": "SELECT abs(total - 25), upper(region), length(note), "
    "replace(note, 'n', 'm') FROM orders",
    "arithmetic": "SELECT total / 7, total % 7, -total, total * 1.5 FROM orders",
    "in a list": "SELECT id FROM orders WHERE cust IN (1, 2, 5) AND region IN ('eu')",
    "star of one table": "SELECT o.*, r.name FROM orders o JOIN regions r "
    "ON r.code = o.region",
    "constant": "SELECT 1, 'x', NULL FROM orders WHERE id < 4",
    # -- other sources
    "values beside shards": "SELECT o.id, v.b FROM orders o JOIN "
    "(SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, 'y') v ON v.a = o.cust",
}

LITE: dict[str, str] = {
    "values": "WITH v(a, b) AS (VALUES (1, 'x'), (2, 'y')) "
    "SELECT o.id, v.b FROM orders o JOIN v ON v.a = o.cust",
    "group_concat": "SELECT length(group_concat(note)) FROM orders",
    "total": "SELECT total(total) FROM orders",
    "json_each": "SELECT o.id, j.value FROM orders o, json_each('[1, 2]') j "
    "WHERE j.value = o.cust",
    "json_each of a column": "SELECT o.id, j.value FROM orders o, "
    "json_each('[' || o.cust || ', 9]') j",
    "json": "SELECT json_extract('{\"a\": ' || id || '}', '$.a') FROM orders",
    "glob": "SELECT id FROM orders WHERE note GLOB 'n[12]'",
    "bare column beside max": "SELECT max(total), id FROM orders WHERE cust = 2",
    "iif": "SELECT iif(total > 20, 'big', 'small'), count(*) FROM orders GROUP BY 1",
    "printf": "SELECT printf('%04d', id) FROM orders",
    "generate_series by recursion": "WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL "
    "SELECT i + 1 FROM s LIMIT 5) SELECT i FROM s WHERE i IN (SELECT cust FROM orders)",
}

POSTGRESQL: dict[str, str] = {
    "values": "SELECT o.id, v.b FROM orders o JOIN (VALUES (1, 'x'), (2, 'y')) "
    "AS v(a, b) ON v.a = o.cust",
    "table": "TABLE orders",
    "table in a union": "TABLE regions UNION ALL SELECT region, note, note FROM orders",
    "generate_series": "SELECT g, count(o.id) FROM generate_series(1, 7) g "
    "LEFT JOIN orders o ON o.cust = g GROUP BY g",
    "generate_series of a column": "SELECT o.id, g FROM orders o, "
    "generate_series(1, o.cust) g",
    "unnest": "SELECT o.id, u FROM orders o JOIN unnest(ARRAY[1, 3, 5]) u "
    "ON u = o.cust",
    "unnest with ordinality": "SELECT o.id, u.n FROM orders o JOIN "
    "unnest(ARRAY[5, 3]) WITH ORDINALITY AS u(c, n) ON u.c = o.cust",
    "unnest of a column": "SELECT o.id, t FROM orders o, "
    "unnest(string_to_array(o.note, 'n')) t",
    "rows from": "SELECT * FROM ROWS FROM (generate_series(1, 2), "
    "unnest(ARRAY['a', 'b'])) AS f(a, b) WHERE a IN (SELECT cust FROM orders)",
    "right join": "SELECT o.id, i.id FROM items i RIGHT JOIN orders o "
    "ON i.order_id = o.id AND i.qty = 3",
    "distinct on": "SELECT DISTINCT ON (region) region, id FROM orders "
    "ORDER BY region, total DESC, id",
    "distinct on the key": "SELECT DISTINCT ON (cust) cust, id FROM orders "
    "ORDER BY cust, total DESC, id",
    "fetch first": "SELECT id FROM orders ORDER BY id FETCH FIRST 3 ROWS ONLY",
    "fetch with ties": "SELECT id, region FROM orders ORDER BY region "
    "FETCH FIRST 3 ROWS WITH TIES",
    "lateral": "SELECT r.code, x.id FROM regions r, LATERAL (SELECT o.id FROM orders o "
    "WHERE o.region = r.code ORDER BY o.total DESC, o.id LIMIT 2) x",
    "left join lateral": "SELECT r.code, x.n FROM regions r LEFT JOIN LATERAL "
    "(SELECT count(*) AS n FROM orders o WHERE o.region = r.code) x ON true",
    "rollup": "SELECT region, note, sum(total) FROM orders "
    "GROUP BY ROLLUP (region, note)",
    "cube": "SELECT region, note, count(*) FROM orders GROUP BY CUBE (region, note)",
    "grouping sets": "SELECT cust, region, grouping(cust, region), count(*) "
    "FROM orders GROUP BY GROUPING SETS ((cust), (region), ())",
    "any of a subquery": "SELECT id FROM orders WHERE total > ANY "
    "(SELECT price FROM items)",
    "all of a subquery": "SELECT id FROM orders WHERE total >= ALL "
    "(SELECT total FROM orders WHERE total IS NOT NULL)",
    "any of an array": "SELECT id FROM orders WHERE cust = ANY (ARRAY[1, 2])",
    "array constructor": "SELECT ARRAY[id, cust] FROM orders",
    "array of a subquery": "SELECT ARRAY(SELECT i.id FROM items i "
    "WHERE i.order_id = o.id ORDER BY i.id) FROM orders o",
    "array_agg": "SELECT region, array_agg(id ORDER BY id) FROM orders GROUP BY region",
    "string_agg": "SELECT string_agg(note, ',' ORDER BY id) FROM orders",
    "json_agg": "SELECT json_agg(id ORDER BY id) FROM orders WHERE id < 9",
    "jsonb": "SELECT jsonb_build_object('id', id, 'note', note) -> 'note' FROM orders",
    "json operators": "SELECT id FROM orders WHERE "
    "jsonb_build_object('r', region) @> '{\"r\": \"eu\"}'",
    "jsonb_array_elements": "SELECT o.id, e FROM orders o, "
    "jsonb_array_elements(jsonb_build_array(o.id, o.total)) e",
    "percentile": "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total) "
    "FROM orders",
    "mode": "SELECT region, mode() WITHIN GROUP (ORDER BY note) FROM orders "
    "GROUP BY region",
    "bool_and": "SELECT bool_and(total > 0), bool_or(note IS NULL) FROM orders",
    "stddev": "SELECT round(stddev(total), 6), round(variance(qty), 6) "
    "FROM orders, leads, items WHERE orders.id = items.id AND leads.id = items.id",
    "intersect all": "SELECT cust FROM orders INTERSECT ALL SELECT cust FROM leads",
    "except all": "SELECT cust FROM orders EXCEPT ALL SELECT cust FROM leads",
    "frame by groups": "SELECT id, sum(total) OVER (ORDER BY region GROUPS BETWEEN "
    "1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM orders",
    "filter over": "SELECT id, count(*) FILTER (WHERE total > 20) OVER "
    "(PARTITION BY region) FROM orders",
    "regular expressions": "SELECT id FROM orders WHERE note ~ '^n[12]$'",
    "ilike": "SELECT id FROM orders WHERE region ILIKE 'E%'",
    "similar to": "SELECT id FROM orders WHERE note SIMILAR TO 'n(1|2)'",
    "date arithmetic": "SELECT DATE '2024-01-01' + id, "
    "extract(dow FROM DATE '2024-01-01' + id) FROM orders",
    "intervals": "SELECT TIMESTAMP '2024-01-01' + id * INTERVAL '1 hour' FROM orders",
    "ranges": "SELECT id FROM orders WHERE int4range(1, 5) @> cust",
    "row comparison": "SELECT id FROM orders WHERE (cust, total) > (3, 20)",
    "whole row": "SELECT (o).note FROM orders o WHERE o IS NOT NULL",
    "numeric": "SELECT sum(total::numeric / 3), avg(qty::numeric(9, 2)) "
    "FROM orders, leads, items WHERE orders.id = items.id AND leads.id = items.id",
    "casts": "SELECT total::text, id::bigint, note::varchar(1) FROM orders",
    "collate": 'SELECT note, id FROM orders ORDER BY note COLLATE "C", id',
    "order using an operator": "SELECT id FROM orders ORDER BY id USING >",
    "for a materialized cte": "WITH x AS MATERIALIZED (SELECT cust, total FROM orders) "
    "SELECT max(total) FROM x WHERE cust > 2",
    "tablesample of everything": "SELECT count(*) FROM orders "
    "TABLESAMPLE BERNOULLI (100)",
}

MYSQL: dict[str, str] = {
    "json_table": "SELECT o.id, j.v FROM orders o, JSON_TABLE('[1, 2]', '$[*]' "
    "COLUMNS (v int PATH '$')) j WHERE j.v = o.cust",
    "straight join": "SELECT o.id, l.id FROM orders o STRAIGHT_JOIN leads l "
    "ON l.cust = o.cust",
    "rollup": "SELECT region, count(*) FROM orders GROUP BY region WITH ROLLUP",
    "group_concat": "SELECT region, group_concat(note ORDER BY id SEPARATOR '+') "
    "FROM orders GROUP BY region",
    "if": "SELECT IF(total > 20, 'big', 'small'), count(*) FROM orders GROUP BY 1",
    "null-safe equality": "SELECT id FROM orders WHERE region <=> NULL",
    "div": "SELECT total DIV 7, total MOD 7 FROM orders",
    "limit with a comma": "SELECT id FROM orders ORDER BY id LIMIT 2, 3",
    "values": "WITH v(a, b) AS (VALUES (1, 'x'), (2, 'y')) "
    "SELECT o.id, v.b FROM orders o JOIN v ON v.a = o.cust",
}
# What MariaDB does not have.
NOT_MYSQL = {
    *("full join", "filter", "order by nulls", "is distinct from", "cast"),
    "lag and lead",  # with a default
}
