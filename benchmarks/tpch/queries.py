"""The texts of the 22 queries, from a suite of SQL that has them.

They are not ours to ship: they come from the tests of sqlglot, as its makers' source
distribution has them, where each is followed by what sqlglot makes of it.
"""

from __future__ import annotations

import re

from benchmarks.corpora.obtain import MissingCorpus, obtain, source_distribution

_PATH = re.compile(r"^tests/fixtures/optimizer/tpc-h/tpc-h\.sql\Z")
# Dates are of that type already, and are shown as such.
_CAST = re.compile(r"CAST\(\s*([\w.]+)\s+AS\s+(?:DATE|STRING)\s*\)", re.IGNORECASE)
_HEAD = re.compile(r"^-- TPC-H (\d+)$", re.MULTILINE)


def queries() -> dict[int, str]:
    """Return the texts by their numbers. Raises MissingCorpus."""
    found = obtain("sqlglot-tpch", (source_distribution("sqlglot"),), _PATH.search)
    pieces = _HEAD.split("".join(file.content.decode() for file in found))
    texts = {}
    for number, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        lines = [line for line in piece.splitlines() if not line.startswith("--")]
        text = "\n".join(lines).partition(";")[0].strip()
        texts[int(number)] = _CAST.sub(r"\1", text)
    if sorted(texts) != list(range(1, 23)):
        raise MissingCorpus("the tests of sqlglot do not have the 22 queries")
    return texts
