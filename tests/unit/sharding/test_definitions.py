"""Definitions on tables of a sharded database: for every shard, or refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

import routedb
from routedb.config.model import TableRule
from tests.support.sharded import FUNCTION, RULES, SHARDS, rule, target

VIEWS = {
    "recent": rule("recent", "customer_id", FUNCTION),
    "by_buyer": rule("by_buyer", "buyer", FUNCTION),
    "names": rule("names", None, None),
}
KNOWN: dict[str, TableRule] = {**RULES, **VIEWS}
KNOWN["orders_2024"] = rule("orders_*", "customer_id", FUNCTION)

PG, MY, LITE = "postgresql", "mysql", "sqlite"
RUN = {
    PG: [
        "CREATE TABLE orders (id int, customer_id int, PRIMARY KEY (customer_id, id))",
        "CREATE TABLE IF NOT EXISTS orders (customer_id int PRIMARY KEY)",
        'CREATE TABLE orders (id int, "customer_id" int, UNIQUE (id, "customer_id"))',
        "CREATE UNLOGGED TABLE orders (customer_id int, CHECK (customer_id > 0))",
        "CREATE TABLE orders (customer_id int, note text DEFAULT 'PRIMARY KEY')",
        "CREATE TABLE orders (customer_id int, during tstzrange, EXCLUDE USING gist "
        "(customer_id WITH =, during WITH &&))",
        "CREATE TABLE orders (LIKE items INCLUDING ALL)",
        "CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES IN (1)",
        "CREATE TABLE orders (customer_id int, c int REFERENCES countries (id))",
        "CREATE TABLE items (customer_id int, o int, FOREIGN KEY (customer_id, o) "
        "REFERENCES orders (customer_id, id) ON DELETE CASCADE)",
        "CREATE TABLE items (customer_id int REFERENCES orders)",
        "CREATE TABLE items (customer_id int, o int, FOREIGN KEY (customer_id, o) "
        "REFERENCES orders (customer_id, id) ON DELETE SET NULL (o))",
        "CREATE TABLE countries (id serial PRIMARY KEY, name text UNIQUE)",
        "CREATE UNIQUE INDEX i ON orders (id, customer_id)",
        'CREATE UNIQUE INDEX ON ONLY orders USING btree (customer_id COLLATE "C" DESC)',
        "CREATE INDEX i ON orders (lower(note))",
        "ALTER TABLE orders ADD COLUMN note text, DROP COLUMN old, ADD CHECK (id > 0)",
        "ALTER TABLE IF EXISTS ONLY orders ADD CONSTRAINT u UNIQUE (customer_id, id)",
        "ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX i",
        "ALTER TABLE orders ALTER COLUMN note TYPE varchar(9)",
        "ALTER TABLE orders ALTER customer_id SET DEFAULT 7",
        "ALTER TABLE orders RENAME note TO remark",
        "ALTER TABLE orders RENAME CONSTRAINT u TO customer_id",
        "ALTER TABLE orders RENAME TO items",
        "ALTER TABLE orders ATTACH PARTITION orders_2024 FOR VALUES IN (1)",
        "ALTER TABLE countries ADD COLUMN note text DEFAULT ''",
        "DROP TABLE orders, countries CASCADE",
        "DROP VIEW recent",
        "TRUNCATE orders, items RESTART IDENTITY",
        "COMMENT ON COLUMN orders.note IS 'said'",
        "GRANT SELECT ON orders TO PUBLIC",
        "REVOKE ALL ON orders FROM PUBLIC",
        "REFRESH MATERIALIZED VIEW recent",
        "CREATE VIEW recent AS SELECT * FROM orders WHERE created > now()",
        "CREATE OR REPLACE VIEW recent AS SELECT o.* FROM orders o JOIN countries c "
        "ON c.id = o.country",
        "CREATE VIEW by_buyer AS SELECT o.customer_id AS buyer, c.name FROM orders o "
        "LEFT JOIN countries c ON c.id = o.country",
        "CREATE VIEW names AS SELECT count(*) FROM countries",
    ],
    MY: [
        "CREATE TABLE orders (id int, customer_id int, UNIQUE KEY u (customer_id, id), "
        "KEY k (id)) ENGINE = InnoDB COMMENT 'UNIQUE'",
        "CREATE TABLE orders (`Customer_ID` int, PRIMARY KEY USING BTREE "
        "(customer_id))",
        "CREATE TABLE orders LIKE items",
        "ALTER TABLE orders ADD (a int, b int), ADD INDEX i (a), ENGINE = InnoDB",
        "ALTER TABLE orders MODIFY note varchar(9) FIRST, CHANGE a b int",
        "ALTER TABLE orders DROP INDEX customer_id, DROP PRIMARY KEY",
        "ALTER TABLE orders RENAME INDEX a TO customer_id",
        "ALTER TABLE orders ADD UNIQUE INDEX u (customer_id, id)",
        "RENAME TABLE orders TO items",
        "DROP INDEX i ON orders",
        "TRUNCATE orders",
        "CREATE SQL SECURITY INVOKER VIEW recent AS SELECT * FROM orders",
    ],
    LITE: [
        "CREATE TABLE orders (customer_id integer PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE orders (customer_id, id, key, UNIQUE (id, customer_id)) STRICT",
        "ALTER TABLE orders RENAME COLUMN note TO remark",
        "ALTER TABLE orders DROP note",
        "CREATE VIEW IF NOT EXISTS recent AS SELECT * FROM orders",
    ],
}


@pytest.mark.parametrize(
    ("dialect", "sql"), [(dialect, sql) for dialect in RUN for sql in RUN[dialect]]
)
def test_definitions_are_for_every_shard(dialect: str, sql: str) -> None:
    found = target(sql, dialect=dialect, rules=KNOWN)
    assert found.is_every
    assert found.shards == frozenset(range(SHARDS))
    assert found.is_apart is (dialect == MY)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY i ON orders (id)",
        "ALTER TABLE orders DETACH PARTITION orders_2024 CONCURRENTLY",
    ],
)
def test_what_postgresql_refuses_in_transactions_runs_outside(sql: str) -> None:
    assert target(sql, rules=KNOWN).is_apart


MADE = {**KNOWN, "orders": replace(KNOWN["orders"], id_column="id")}


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int)",
        "CREATE TABLE orders (customer_id int, id bigint, UNIQUE (note, id))",
        "CREATE UNIQUE INDEX i ON orders (id)",
    ],
)
def test_keys_that_are_made_are_unique_on_all_shards(sql: str) -> None:
    for dialect in (PG, MY, LITE):
        assert target(sql, dialect=dialect, rules=MADE).is_every


def test_other_columns_are_not_unique_beside_keys_that_are_made() -> None:
    with pytest.raises(routedb.ShardError, match="does not contain its shard key"):
        target("CREATE UNIQUE INDEX i ON orders (note)", rules=MADE)


REFUSED = {
    "does not contain its shard key": [
        (PG, "CREATE TABLE orders (id int PRIMARY KEY, customer_id int)"),
        (PG, "CREATE TABLE orders (customer_id int, id int CONSTRAINT u UNIQUE)"),
        (PG, "CREATE TABLE orders (customer_id int, id int, PRIMARY KEY (id))"),
        (PG, "CREATE TABLE orders (customer_id int, EXCLUDE (id WITH =))"),
        (
            PG,
            "CREATE TABLE orders (customer_id int, EXCLUDE USING gist "
            "(customer_id WITH &&))",
        ),
        (PG, "CREATE UNIQUE INDEX i ON orders (id) INCLUDE (customer_id)"),
        (PG, "CREATE UNIQUE INDEX CONCURRENTLY i ON orders ((customer_id))"),
        (PG, "CREATE UNIQUE INDEX i ON orders (lower(customer_id))"),
        (PG, "CREATE UNIQUE INDEX i ON orders (abs(customer_id), id)"),
        (PG, "ALTER TABLE orders ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (id)"),
        (PG, "ALTER TABLE orders ADD COLUMN IF NOT EXISTS n int UNIQUE"),
        (PG, "ALTER TABLE orders DROP COLUMN a, ADD PRIMARY KEY (id)"),
        (MY, "CREATE TABLE orders (customer_id int, id int KEY)"),
        (MY, "CREATE TABLE orders (customer_id text, UNIQUE u (customer_id(9)))"),
        (MY, "ALTER TABLE orders ADD (n int UNIQUE)"),
        (MY, "ALTER TABLE orders MODIFY n int PRIMARY KEY"),
        (MY, "ALTER TABLE orders CHANGE n m int UNIQUE"),
        (LITE, "CREATE TABLE orders (customer_id, id integer PRIMARY KEY)"),
    ],
    "is the shard key of orders": [
        (PG, "ALTER TABLE orders DROP COLUMN IF EXISTS customer_id CASCADE"),
        (PG, "ALTER TABLE orders DROP customer_id"),
        (PG, "ALTER TABLE orders ADD a int, ALTER customer_id TYPE bigint"),
        (PG, "ALTER TABLE orders ALTER COLUMN customer_id SET DATA TYPE bigint"),
        (PG, 'ALTER TABLE orders RENAME COLUMN "customer_id" TO c'),
        (MY, "ALTER TABLE orders MODIFY COLUMN CUSTOMER_ID bigint"),
        (MY, "ALTER TABLE orders CHANGE customer_id c int"),
        (LITE, "ALTER TABLE orders RENAME customer_id TO c"),
    ],
    "has no column customer_id": [
        (PG, "CREATE TABLE orders (id int)"),
        (PG, "CREATE TABLE orders ()"),
    ],
    "may be on different shards": [
        (PG, "CREATE TABLE items (customer_id int, o int REFERENCES orders (id))"),
        (PG, "CREATE TABLE orders (customer_id int, up int REFERENCES orders)"),
        (
            PG,
            "CREATE TABLE items (customer_id int, o int, FOREIGN KEY (customer_id, o) "
            "REFERENCES orders (id, customer_id))",
        ),
        (
            PG,
            "CREATE TABLE items (customer_id int, o int, FOREIGN KEY (customer_id, o) "
            "REFERENCES orders)",
        ),
        (PG, "CREATE TABLE events (user_id int REFERENCES orders (customer_id))"),
        (MY, "ALTER TABLE items ADD FOREIGN KEY f (o) REFERENCES orders (id)"),
    ],
    "set to NULL": [
        (
            PG,
            "CREATE TABLE items (customer_id int REFERENCES orders (customer_id) "
            "ON DELETE SET NULL)",
        ),
    ],
    "cannot refer to orders": [
        (PG, "CREATE TABLE countries (id int REFERENCES orders (customer_id))"),
    ],
    "another rule|write RENAME TO": [
        (PG, "ALTER TABLE orders RENAME TO events"),
        (PG, "ALTER TABLE orders RENAME TO countries"),
        (MY, "RENAME TABLE orders TO items, items TO events"),
        (MY, "ALTER TABLE orders RENAME AS events"),
        (MY, "ALTER TABLE orders RENAME events"),
        (PG, "ALTER TABLE orders SET SCHEMA attic"),
        (PG, "ALTER VIEW recent RENAME TO events"),
    ],
    "dealt in another way": [
        (PG, "CREATE TABLE orders (LIKE events)"),
        (PG, "CREATE TABLE orders () INHERITS (countries)"),
        (MY, "CREATE TABLE orders LIKE countries"),
        (PG, "ALTER TABLE orders ATTACH PARTITION events DEFAULT"),
        (PG, "ALTER TABLE orders INHERIT events"),
        (MY, "ALTER TABLE orders EXCHANGE PARTITION p WITH TABLE events"),
    ],
    "a value of its own": [
        (PG, "ALTER TABLE countries ADD COLUMN at timestamptz DEFAULT now()"),
        (PG, "ALTER TABLE countries ADD COLUMN n bigserial"),
        (MY, "ALTER TABLE countries ADD n int AUTO_INCREMENT UNIQUE"),
    ],
    "with a query": [
        (PG, "CREATE TABLE orders AS SELECT * FROM items"),
        (PG, "CREATE TABLE orders (customer_id) AS (TABLE items)"),
        (MY, "CREATE TABLE orders (customer_id int) SELECT * FROM items"),
    ],
    "is for one server": [
        (PG, "CREATE TEMP TABLE x (LIKE orders)"),
        (PG, "CREATE FOREIGN TABLE orders (customer_id int) SERVER s"),
        (LITE, "CREATE VIRTUAL TABLE orders USING fts5(customer_id)"),
    ],
    "view recent": [
        (PG, "CREATE VIEW recent AS SELECT count(*) AS customer_id FROM orders"),
        (PG, "CREATE VIEW recent AS SELECT DISTINCT customer_id FROM orders"),
        (PG, "CREATE VIEW recent AS SELECT customer_id FROM orders LIMIT 3"),
        (PG, "CREATE VIEW recent AS SELECT customer_id FROM orders GROUP BY 1"),
        (PG, "CREATE VIEW recent AS SELECT *, rank() OVER (ORDER BY id) FROM orders"),
        (PG, "CREATE VIEW recent AS SELECT *, mine(id) FROM orders"),
        (PG, "CREATE VIEW recent AS TABLE orders UNION TABLE items"),
        (PG, "CREATE VIEW recent AS SELECT * FROM orders, items"),
        (PG, "CREATE VIEW recent AS SELECT * FROM countries"),
        (PG, "CREATE VIEW recent AS SELECT id FROM orders"),
        (PG, "CREATE VIEW recent AS SELECT customer_id AS c FROM orders"),
        (PG, "CREATE VIEW recent AS SELECT c.* FROM orders o, countries c"),
        (PG, "CREATE VIEW recent AS SELECT * FROM events"),
        (PG, "CREATE VIEW recent (a) AS SELECT * FROM orders"),
        (
            PG,
            "CREATE VIEW recent AS SELECT * FROM countries c LEFT JOIN orders o "
            "ON o.country = c.id",
        ),
        (
            PG,
            "CREATE VIEW recent AS SELECT * FROM orders WHERE id IN "
            "(SELECT o FROM items)",
        ),
    ],
    "view names is a reference table": [
        (PG, "CREATE VIEW names AS SELECT * FROM orders"),
    ],
    "several statements": [(PG, "DROP TABLE orders; DROP TABLE items")],
    "is for every shard": [
        (PG, "CREATE TRIGGER t BEFORE INSERT ON orders EXECUTE FUNCTION f()"),
        (MY, "CHECK TABLE orders"),
        (PG, "CREATE RULE r AS ON INSERT TO orders DO NOTHING"),
    ],
}


@pytest.mark.parametrize(
    ("said", "dialect", "sql"),
    [(said, *each) for said, texts in REFUSED.items() for each in texts],
)
def test_what_no_shard_can_promise_is_refused(
    said: str, dialect: str, sql: str
) -> None:
    with pytest.raises(routedb.ShardError, match=said):
        target(sql, dialect=dialect, rules=KNOWN)
