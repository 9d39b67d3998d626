"""Lines in blocks that MariaDB takes as one statement."""

from __future__ import annotations

import pytest

from routedb.mover import mysql_rows


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([b"a\nb\n"], [b"a\nb\n"]),
        ([b"aaa\nbbb\ncc\n"], [b"aaa\nbbb\n", b"cc\n"]),
        ([b"aaaaaaaaaaaa\nb\nc\n"], [b"aaaaaaaaaaaa\n", b"b\nc\n"]),
        ([b"a\nbbbbbbbbbbbb\n", b"", b"c\n"], [b"a\n", b"bbbbbbbbbbbb\n", b"c\n"]),
    ],
)
def test_a_block_that_is_too_long_is_several(monkeypatch, blocks, expected):
    monkeypatch.setattr(mysql_rows, "_MOST_BYTES", 8)
    assert list(mysql_rows.parts(blocks)) == expected
