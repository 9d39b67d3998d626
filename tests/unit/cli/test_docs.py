"""docs/command-line.rst shows what the commands really print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs" / "command-line.rst"
SAMPLE = re.compile(r"^    \$ routedb (.*)\n((?:    .*\n|\n(?=    ))*)", re.MULTILINE)
LOG = re.compile(r"^(    -- queries\.log\n(?:    .+\n)+)", re.MULTILINE)
_VARIES = (
    (re.compile(r"\d+\.\d+ ms|(?<=\"ms\": )[\d.]+"), "T"),  # times
    (re.compile(r"\b\d+\.\d+\.\d+\b"), "V"),  # SQLite's version
    (re.compile(r"[ \n─]+"), " "),  # widths follow from the two above
)


def fixed(text: str) -> str:
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text.strip()


def test_every_sample_is_what_is_printed(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    samples = SAMPLE.findall(DOCS.read_text("utf-8"))
    assert len(samples) == 7
    # Needs servers, and is run in tests/live/outcomes/test_demo_transfers.py.
    samples = [each for each in samples if "--transfers" not in each[0]]
    [log] = LOG.findall(DOCS.read_text("utf-8"))
    (tmp_path / "queries.log").write_text(log, "utf-8")
    for line, printed in samples:
        result = shell(*shlex.split(line))
        assert result.exit_code == 0, result.output
        if printed:
            assert fixed(result.stdout) == fixed(printed)


@pytest.mark.parametrize("name", ["check", "demo", "explain", "run", "shards", "sql"])
def test_every_option_is_documented(shell, name):
    told = shell(name, "--help").stdout
    text = DOCS.read_text("utf-8")
    # Those with a letter are shown by it.
    options = set(re.findall(r"(?<!, )--[a-z][a-z-]+", told))
    assert {option for option in options if option not in text} == set()
