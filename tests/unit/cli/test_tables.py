"""Tables: as narrow as they can be, no word broken, no spaces at the ends of lines."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rich.text import Text

from routedb.cli.check import _short as short
from routedb.cli.tables import Listing, print_pairs

ADDRESS = "db-writer-1.eu-central-1.internal.example.com:5432/shop_production"
HEADERS = ("node", "role", "lag", "error")
ROWS = {
    "short": [("a", "writer", "", ""), ("b", "replica", "0.4 ms", "")],
    "an address": [(ADDRESS, "writer", "", ""), ("b", "replica", "0.4 ms", "")],
    "two addresses": [(ADDRESS, "writer", "", f"cannot reach {ADDRESS} now")],
    "a long text": [("a", "unknown", "", "connection refused, is it running? " * 9)],
    "all long": [(ADDRESS, "unknown", "0.4 ms", f"{ADDRESS} " * 4)],
    "wide letters": [("データベース" * 3, "writer", "1.0 ms", "接続 拒否 " * 12)],
    "lines": [("a", "writer", "", "one line\n  and an indented one " + ADDRESS)],
    "brackets": [("[red]a[/red]", "writer", "", "orders[0, 1] writer " * 8)],
    "no rows": [],
    "empty rows": [("", "", "", ""), ("a", "", "", "")],
    "many nodes": [(f"node-{n}", "replica", f"{n}.0 ms", "") for n in range(60)],
    "an IPv6 address": [("[2001:db8:85a3::8a2e:370:7334]:5432/shop", "writer", "", "")],
    "a socket": [("/var/run/postgresql:5432/shop (main, shard 12)", "writer", "", "")],
    "GTIDs": [("a", "writer", "", ",".join(f"0-{n}-{n}000" for n in range(20)))],
}
WIDTHS = [20, 40, 80, 120, 10_000]


def printed(listing: Listing, width: int) -> list[str]:
    """What is printed in so many columns, as lines."""
    file = io.StringIO()
    listing.print(Console(file=file, width=width, markup=False))
    return file.getvalue().splitlines()


def listing(rows, headers=HEADERS, **options) -> Listing:
    made = Listing(map(Text, headers), **options)
    for row in rows:
        made.add_row(*map(Text, row))
    return made


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ROWS)
def test_no_word_is_broken_and_no_line_ends_with_spaces(name, width):
    lines = printed(listing(ROWS[name]), width)
    shown = re.split(r"\s+", "\n".join(lines))
    words = [word for row in ROWS[name] for value in row for word in value.split()]
    assert [word for word in words if word not in shown] == []
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ROWS)
def test_a_line_is_longer_than_the_terminal_for_a_long_word_only(name, width):
    for line in printed(listing(ROWS[name]), width):
        if Text(line).cell_len > width:
            assert len(line.split()) <= 2  # a label, and the word


def test_columns_without_values_are_left_out():
    lines = printed(listing([("a", "-", "", "no"), ("b", "-", "", "")]), 80)
    assert lines[0].split() == ["node", "error"]
    kept = listing([("a", "-", "", "")], keeps_empty=True)
    assert printed(kept, 80)[0].split() == list(HEADERS)


def test_short_values_stay_on_one_line():
    rows = [("shard 0", "replica", "0.4 ms", "text " * 30)]
    lines = printed(listing(rows), 60)
    assert any("shard 0" in line and "0.4 ms" in line for line in lines)


def test_rows_that_do_not_fit_become_blocks():
    lines = printed(listing([(ADDRESS, "writer", "", ADDRESS)] * 2), 80)
    block = [f"node   {ADDRESS}", "role   writer", f"error  {ADDRESS}"]
    assert lines == [*block, "", *block, ""]


def test_a_limit_narrows_a_column_but_breaks_no_word():
    rows = [("a b c d e f g h i j k l m", ADDRESS, "", "")]
    assert printed(listing(rows, limits={0: 14, 1: 10}), 120)[2:4] == [
        f"a b c d e f g   {ADDRESS}",
        "h i j k l m",
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_pairs_break_no_word_either(width):
    file = io.StringIO()
    pairs = [("route", f"main writer on {ADDRESS}"), ("reasons", "1. it writes")]
    print_pairs(Console(file=file, width=width), [(Text(a), Text(b)) for a, b in pairs])
    lines = file.getvalue().splitlines()
    assert ADDRESS in "\n".join(lines)
    assert lines[-1].split()[-1] == "writes"
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        ("15.8 (Debian 15.8-0+deb12u1)", "15.8"),
        ("PostgreSQL 16.4 on x86_64-pc-linux-gnu", "16.4"),
        ("17beta2", "17beta2"),
        ("18devel", "18devel"),
        ("16rc1 (Ubuntu)", "16rc1"),
        ("10.11.6-MariaDB-0+deb12u1-log", "10.11.6-MariaDB"),
        ("11.4.2-MariaDB", "11.4.2-MariaDB"),
        ("8.0.36-28.1", "8.0.36"),
        ("8.4.0-log", "8.4.0"),
        ("8.0.33-0ubuntu0.22.04.2", "8.0.33"),
        ("3.40.1", "3.40.1"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_a_version_is_its_number(version, shown):
    assert short(version) == shown
