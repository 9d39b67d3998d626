"""How many Python calls a statement may take, and in how many files."""

from __future__ import annotations

import pytest

from tests.support.count_calls import MEASURED
from tests.support.fake_rig import farm


@pytest.mark.parametrize(
    ("case", "calls", "files"),
    [
        ("a first read", 147, 30),
        ("a cached read", 4, 2),
        ("a read after one's own write", 50, 12),
        ("the same, asking two servers", 115, 20),
        ("SELECT; commit", 14, 9),
        ("UPDATE; commit", 23, 15),
        ("6 UPDATEs; commit", 53, 15),
    ],
)
def test_a_statement_takes_few_calls_in_few_files(case, calls, files):
    with farm() as rig:
        took = MEASURED[case](rig)
    assert took.total <= calls, took.by_place
    assert took.files <= files, sorted({file for file, _ in took.by_place})


def test_what_the_hot_path_reads_has_few_attributes():
    """CPython reads the attributes of an object with more than 30 the slow way."""
    with farm() as rig:
        connection = rig.connect()
        for seen in (rig.core, connection.session, connection.cursor()):
            assert len(vars(seen)) <= 30
