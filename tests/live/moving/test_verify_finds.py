"""`verify` finds one changed value, one missing row and one too much, of a million."""

from __future__ import annotations

import os

import pytest

import routedb
from routedb import move
from tests.live.moving.conftest import open_world

ROWS = int(os.environ.get("ROUTEDB_VERIFIED_ROWS", "1000000"))
FILLED = {
    "pg": "INSERT INTO t SELECT n, md5(n::text), n * 0.25, "
    "timestamp '2024-01-01' + n * interval '1 second' "
    f"FROM generate_series(1, {ROWS}) n",
    "my": "INSERT INTO t SELECT seq, MD5(seq), seq * 0.25, "
    f"TIMESTAMPADD(SECOND, seq, '2024-01-01') FROM seq_1_to_{ROWS}",
}
COLUMNS = {
    "pg": "id int PRIMARY KEY, s varchar(40), d numeric(12,2), at timestamp(0)",
    "my": "id int PRIMARY KEY, s varchar(40), d decimal(12,2), at datetime",
}
WRONG = {
    "the row 7 differs": "UPDATE t SET d = d + 0.01 WHERE id = 7",
    f"the row {ROWS // 2} is missing": f"DELETE FROM t WHERE id = {ROWS // 2}",
    f"the row {ROWS + 1} is too much": "INSERT INTO t (id, s) "
    f"VALUES ({ROWS + 1}, 'x')",
}


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("direction", ["my-pg", "pg-my", "pg-pg", "my-my"])
def test_one_row_of_a_million_is_found(request, direction):
    source = direction.split("-")[0]
    with open_world(request, direction) as world:
        world.old.execute(f"CREATE TABLE t ({COLUMNS[source]})")
        world.old.execute(FILLED[source])
        world.start(tables=["t"])
        for said, text in WRONG.items():
            world.new.execute(text)
            with pytest.raises(routedb.OperationalError, match="^1 differences"):
                move.verify(world.config, "m")
            (found,) = move.status(world.config, "m")
            assert found.differences == (f"t: {said} at the target",)
            (key,) = (word for word in said.split() if word.isdigit())
            world.new.execute(f"DELETE FROM t WHERE id = {key}")
            # The stream brings the row again.
            world.old.execute(f"UPDATE t SET s = CONCAT(s, 'x') WHERE id = {key}")
            assert move.verify(world.config, "m").phase.value == "verified"
