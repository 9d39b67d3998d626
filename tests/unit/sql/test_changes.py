"""INSERT, UPDATE, DELETE, MERGE, REPLACE: what is written, what is only read."""

from __future__ import annotations

import pytest

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT INTO a VALUES (1)", "write: +a"),
        (
            "INSERT INTO s.a (x, y) VALUES (1, DEFAULT), (2, 3) RETURNING id",
            "write: +s.a",
        ),
        ("INSERT INTO a DEFAULT VALUES", "write: +a"),
        ("INSERT INTO a AS t (x) SELECT y FROM b JOIN c USING (id)", "write: +a, b, c"),
        ("INSERT INTO a (SELECT * FROM b)", "write: +a, b"),
        ("INSERT INTO a TABLE b", "write: +a, b"),
        ("INSERT INTO a OVERRIDING SYSTEM VALUE SELECT * FROM b", "write: +a, b"),
        ("INSERT INTO a WITH x AS (SELECT * FROM b) SELECT * FROM x", "write: +a, b"),
        ("INSERT INTO a VALUES ((SELECT max(x) FROM b))", "write: +a, b"),
        ("INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING", "write: +a"),
        (
            "INSERT INTO a (x) VALUES (1) ON CONFLICT (x) WHERE y DO "
            "UPDATE SET z = excluded.z WHERE a.q RETURNING (SELECT 1 FROM "
            "c)",
            "write: +a, c",
        ),
        (
            "INSERT INTO a VALUES (1) ON CONFLICT ON CONSTRAINT k DO "
            "UPDATE SET (x, y) = (SELECT * FROM b)",
            "write: +a, b",
        ),
        ("UPDATE a SET x = 1", "write: +a"),
        (
            "UPDATE ONLY s.a AS t SET x = b.x FROM b, c WHERE t.id = b.id",
            "write: +s.a, b, c",
        ),
        (
            "UPDATE a SET x = (SELECT y FROM b), z = DEFAULT WHERE id IN "
            "(SELECT id FROM c) RETURNING *",
            "write: +a, b, c",
        ),
        ("UPDATE a SET (x, y) = (SELECT 1, 2 FROM b)", "write: +a, b"),
        ("UPDATE a * SET x = 1 WHERE CURRENT OF c", "write: +a"),
        ("DELETE FROM a", "write: +a"),
        (
            "DELETE FROM ONLY s.a t USING b, c WHERE t.id = b.id RETURNING t.*",
            "write: +s.a, b, c",
        ),
        ("DELETE FROM a WHERE id IN (SELECT id FROM b)", "write: +a, b"),
        (
            "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED AND b.x "
            "THEN UPDATE SET x = 1 WHEN NOT MATCHED THEN INSERT (x) "
            "VALUES (b.x)",
            "write: +a, b",
        ),
        (
            "MERGE INTO ONLY s.a t USING (SELECT * FROM b) u ON true WHEN "
            "NOT MATCHED BY SOURCE THEN DELETE",
            "write: +s.a, b",
        ),
        ("TRUNCATE a, ONLY s.b RESTART IDENTITY CASCADE", "ddl: +a, +s.b"),
        ("TRUNCATE TABLE a", "ddl: +a"),
        ("NOTIFY c, 'p'", "write"),
    ],
)
def test_a_change_tells_what_it_writes_from_what_it_reads(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT INTO a VALUES (1)", "write: +a"),
        ("INSERT a (x) VALUE (1)", "write: +a"),
        (
            "INSERT LOW_PRIORITY IGNORE INTO db.a SET x = 1, y = (SELECT z FROM b)",
            "write: +db.a, b",
        ),
        ("INSERT INTO a PARTITION (p0) (x) VALUES (1)", "write: +a"),
        ("INSERT INTO a () VALUES ()", "write: +a"),
        ("INSERT INTO a SELECT * FROM b", "write: +a, b"),
        ("INSERT INTO a (x) TABLE b", "write: +a, b"),
        (
            "INSERT INTO a (x) VALUES (1) ON DUPLICATE KEY UPDATE x = VALUES(x)",
            "write: +a",
        ),
        (
            "INSERT INTO a (x) VALUES (1) AS new ON DUPLICATE KEY UPDATE "
            "x = new.x + (SELECT 1 FROM b)",
            "write: +a, b",
        ),
        (
            "INSERT INTO a SELECT * FROM b ON DUPLICATE KEY UPDATE x = b.x",
            "write: +a, b",
        ),
        ("INSERT INTO a VALUES (1) RETURNING id", "write: +a"),
        ("REPLACE INTO a VALUES (1)", "write: +a"),
        ("REPLACE a SELECT * FROM b", "write: +a, b"),
        ("REPLACE INTO a SET x = 1", "write: +a"),
        ("UPDATE a SET x = 1 ORDER BY y LIMIT 3", "write: +a"),
        ("UPDATE LOW_PRIORITY IGNORE a, b SET a.x = b.x", "write: +a, b"),
        ("INSERT LOW_PRIORITY quick VALUES (1)", "write: +quick"),
        ("INSERT quick SET x = 1", "write: +quick"),
        ("REPLACE DELAYED quick VALUES (1)", "write: +quick"),
        ("UPDATE quick SET x = 1", "write: +quick"),
        ("DELETE QUICK FROM quick", "write: +quick"),
        ("DELETE LOW_PRIORITY QUICK IGNORE FROM a", "write: +a"),
        ("DELETE QUICK a, b FROM a JOIN b JOIN c", "write: +a, +b, c"),
        ("UPDATE a JOIN b USING (id) SET b.x = a.x", "write: a, +b"),
        ("UPDATE a t, b u SET t.x = 1, u.y = 2", "write: +a, +b"),
        ("UPDATE a, b SET x = 1", "write: +a, +b"),
        ("UPDATE a, (SELECT * FROM b) c SET a.x = c.x", "write: +a, b"),
        ("DELETE FROM a WHERE x = 1 ORDER BY y LIMIT 1", "write: +a"),
        ("DELETE a FROM a JOIN b USING (id)", "write: +a, b"),
        ("DELETE t FROM a AS t, b", "write: +a, b"),
        ("DELETE a, b FROM a JOIN b JOIN c", "write: +a, +b, c"),
        ("DELETE FROM a, b USING a JOIN b JOIN c", "write: +a, +b, c"),
        ("DELETE QUICK a.* FROM a, b", "write: +a, b"),
        ("DELETE FROM db.a USING db.a JOIN b", "write: +db.a, b"),
        ("DELETE HISTORY FROM a", "write: +a"),
        (
            "WITH x AS (SELECT * FROM b) DELETE FROM a WHERE id IN (SELECT id FROM x)",
            "write: +a, b",
        ),
        ("WITH x AS (SELECT * FROM b) UPDATE a, x SET a.y = x.y", "write: +a, b"),
        ("TRUNCATE a", "ddl: +a; tx commit"),
        ("TRUNCATE TABLE db.a", "ddl: +db.a; tx commit"),
        (
            "LOAD DATA LOCAL INFILE '/f' REPLACE INTO TABLE db.a FIELDS "
            "TERMINATED BY ','",
            "write: +db.a",
        ),
        ("LOAD XML INFILE '/f' INTO TABLE a", "write: +a"),
    ],
)
def test_mysql_changes_may_write_several_tables(sql, expected):
    assert seen(sql, "mysql") == expected
