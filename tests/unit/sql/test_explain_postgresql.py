"""PostgreSQL runs what EXPLAIN is told to ANALYZE, however the word is written."""

from __future__ import annotations

import pytest

from tests.unit.sql.seen import seen

RUN = [
    '("analyze")',
    '("verbose", "analyze" true)',
    '(U&"\\0061nalyze")',
    '("analyze" on, costs off)',
    '(analyze "true")',
    '("analyze" "on")',
    "(analyse)",
    '(buffers, "analyze")',
    '(analyze "off", analyze)',
    '("analyze" 1)',
    "(analyze +1)",
    "(ANALYZE ON)",
    "ANALYSE",
    "ANALYZE VERBOSE",
]
NOT_RUN = [
    '("verbose")',
    '("analyze" off)',
    '(analyze "off")',
    '("analyze" "FALSE")',
    "(analyze OFF, verbose)",
    '("format" json)',
    "(settings, wal off)",
    "VERBOSE",
    "",
]


@pytest.mark.parametrize("options", RUN)
def test_what_is_analyzed_is_run(options):
    assert seen(f"EXPLAIN {options} DELETE FROM a") == "write: +a"
    assert seen(f"EXPLAIN {options} SELECT 1 FROM a") == "plain explain: a"


@pytest.mark.parametrize("options", NOT_RUN)
def test_what_is_not_analyzed_is_not_run(options):
    assert seen(f"EXPLAIN {options} DELETE FROM a") == "plain explain: a"
