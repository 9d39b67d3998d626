"""What makes the monitor hurry: reads that wait for what was written, no others."""

from __future__ import annotations

import pytest

from tests.support.fake_rig import farm, node_of

READ, WRITE = "SELECT a FROM t", "INSERT INTO t VALUES (1)"


def told(rig):
    """Have the monitor's requests noted: whether a read waits, for each."""
    notes = []
    rig.core.samples.tell = lambda group, waits: notes.append(waits)
    return notes


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ({}, [WRITE]),
        ({}, [READ]),
        ({"consistency": "process"}, [WRITE]),
        ({"consistency": "process"}, [READ]),
        ({"consistency": "strong"}, [WRITE, READ]),
        ({"consistency": "eventual"}, [WRITE, READ]),
        ({"reads": "writer"}, [WRITE, READ]),
        ({"consistency": "process", "reads": "writer"}, [READ, WRITE]),
        ({}, [WRITE, f"{READ} /* routedb: role=writer */"]),
        ({}, [WRITE, f"{READ} /* routedb: consistency=eventual */"]),
        ({}, [WRITE, f"{READ} FOR UPDATE"]),
    ],
    ids=str,
)
def test_no_hurry_where_no_read_waits(options, texts):
    with farm(**options) as rig:
        notes = told(rig)
        cursor = rig.connect().cursor()
        for _ in range(10):
            for text in texts:
                cursor.execute(text)
        assert notes == []


def test_a_read_that_is_refused_a_replica_waits():
    with farm() as rig:
        rig.at(w=100, r1=50, r2=50)
        rig.look()
        notes = told(rig)
        cursor = rig.connect().cursor()
        cursor.execute(WRITE)
        assert notes == []
        cursor.execute(READ)
        assert (node_of(cursor), notes) == ("w", [True])
