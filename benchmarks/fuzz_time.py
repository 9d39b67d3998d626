"""Look for texts that take long: `python -m benchmarks.fuzz_time --minutes 5`.

A text is an opening, a short piece many times, and an end. Pieces are drawn from what
the patterns look at. Each is tried at a small size and at twice that; what grows faster
than the text is tried at ever greater sizes, up to a megabyte. A text of that size
that takes more than a second is a find: it is printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from routedb.errors import ProgrammingError
from routedb.sql import Classifier
from routedb.sql.scanner.literal_settings import sets_literals_only
from routedb.sql.scanner.patterns import DIALECTS
from routedb.sql.scanner.placeholders import to_qmark
from routedb.sql.scanner.splitter import pieces, split

MEGABYTE = 1_000_000
LIMIT_S = 1.0
SIZES = (4_000, 8_000, 64_000, 250_000, MEGABYTE)

PIECES = (
    *"'\"`[](){}\\;,.$#@:?%*/-+=<>!~^&| \n\t01eExa_\x00é€",
    *("''", '""', "``", "--", "-- \n", "/*", "*/", "/*!", "/*!50000", "/**/", "$$"),
    *(
        "$a$",
        "E'",
        "\\'",
        "\\\\",
        "N'",
        "U&",
        "U&'",
        'U&"',
        "::",
        ":=",
        "%s",
        "%(",
        "%(",
    ),
    *("%(a)s", "@@", "1e", "0x", "1.", "..", "a.b", "0, ", "(0), ", "(0", "''), ('"),
    *("SELECT ", "FROM ", "WHERE ", " IN (", " IN ((", "VALUES (", "VALUES ", "ARRAY["),
    *(
        "NULL, ",
        "ROW(",
        " AS ",
        "WITH ",
        "UNION ",
        "JOIN a ON ",
        "CASE ",
        "WHEN ",
        "END ",
    ),
    *("BEGIN ", "BEGIN; ", "COMMIT; ", "SET ", "SET a = 1, ", "autocommit", "PREPARE "),
    *(
        "INSERT INTO t ",
        "UPDATE t SET ",
        "DELETE FROM ",
        "CREATE ",
        "TABLE ",
        "FUNCTION ",
    ),
    *(
        "EXPLAIN ",
        "COPY ",
        "PRAGMA ",
        "a = 1 AND ",
        "f(",
        "routedb:",
        "/* routedb: a=1 */",
    ),
    *(
        "ON ",
        "set_config(",
        "now()",
        "LIKE ",
        "WINDOW w AS (",
        "OVER (",
        "::int",
        "ONLY (",
    ),
)
OPENINGS = (
    *(
        "",
        "SELECT  ",
        "SELECT\n",
        "SELECT '",
        "SELECT E'",
        'SELECT "',
        "SELECT `a` [",
        "(",
    ),
    *(
        "INSERT INTO t VALUES ",
        "SELECT * FROM t WHERE a IN (",
        "SET  ",
        "SELECT ARRAY[",
    ),
    *(
        "/* a */ SELECT  ",
        "-- a\n",
        "WITH a AS (",
        "CREATE TABLE a (",
        "BEGIN; ",
        "/*!1 ",
    ),
)
ENDS = ("", "", "'", '"', ")", "*/", ";", " x", "$$", "]", "\n1")


class Pace:
    """How quick this machine is just now: what else runs on its cores doubles the CPU
    time of all."""

    _PARTS = re.compile(r"('[^']*'|\d+)")

    def __init__(self) -> None:
        self._text = "a1 'b' " * 20_000
        self._best = min(self._seconds() for _ in range(20))

    def factor(self) -> float:
        """Return by how much what takes long now is slower than it was at best."""
        now = sorted(self._seconds() for _ in range(5))[2]
        self._best = min(self._best, now)
        return now / self._best

    def _seconds(self) -> float:
        started = time.thread_time()
        parts = self._PARTS.split(self._text)
        for index in range(1, len(parts), 2):
            parts[index] = parts[index].upper()
        return time.thread_time() - started


class Find(NamedTuple):
    """A text that takes too long: what it is made of, and the seconds."""

    dialect: str
    opening: str
    piece: str
    end: str
    size: int
    seconds: float


def made(opening: str, piece: str, end: str, size: int) -> str:
    """Return `opening`, then `piece` as often as fits into `size`, then `end`."""
    return opening + piece * max(1, size // len(piece)) + end


def drawn(rng: random.Random) -> tuple[str, str, str]:
    """Return an opening, a piece and an end."""
    piece = "".join(rng.choices(PIECES, k=rng.choice((1, 1, 2, 2, 3, 4, 6))))
    return rng.choice(OPENINGS), piece, rng.choice(ENDS)


def seconds(sql: str, dialect: str) -> float:
    """Return the CPU time of what reads the text `sql` of `dialect`: of all that is
    done to run it, or of cutting a script, whichever is longer."""
    classifier = Classifier(dialect, max_shapes=0)
    started = time.thread_time()
    split(sql, dialect)
    cut = time.thread_time()
    scan = classifier.scan(sql)
    statement = classifier.statement(scan)
    sets_literals_only(dialect, "SET", scan.shape)
    if statement.parts > 1:  # what each of them leaves is noted
        pieces(scan, None)
    if dialect == "sqlite":  # the other drivers take placeholders as they are
        with suppress(ProgrammingError):  # the placeholders are wrong
            to_qmark.__wrapped__(sql)
    return max(cut - started, time.thread_time() - cut)


def tried(opening: str, piece: str, end: str, dialect: str, pace: Pace) -> Find | None:
    """Try a text of `opening`, `piece` and `end` in `dialect`; return what is slow, at
    the best `pace` of this machine.

    Sizes grow while the time grows faster than they do, or is what it may be at most.
    """
    before = 0.0
    for size in SIZES:
        sql = made(opening, piece, end, size)
        took = seconds(sql, dialect)
        if took > LIMIT_S:
            took = min(seconds(sql, dialect) / pace.factor() for _ in range(3))
        allowed = LIMIT_S * max(size / MEGABYTE, 0.05)
        if took > LIMIT_S or (size == MEGABYTE and took > allowed):
            return Find(dialect, opening, piece, end, size, took)
        is_growing = took > max(3 * before, 0.002) if before else True
        if not is_growing and took < allowed:
            return None
        before = took
    return None


def finds(rng: random.Random, until: float) -> Iterator[Find]:
    """Yield slow texts, drawn by `rng`, until `until` on the monotonic clock."""
    pace = Pace()
    while time.monotonic() < until:
        opening, piece, end = drawn(rng)
        for dialect in DIALECTS:
            found = tried(opening, piece, end, dialect, pace)
            if found is not None:
                yield found


def main() -> int:
    """Run for some minutes; return 1 when something was found."""
    parser = argparse.ArgumentParser(description="look for texts that take long")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    print(f"seed {seed}")
    found = 0
    for find in finds(random.Random(seed), time.monotonic() + 60 * options.minutes):
        found += 1
        print(find, flush=True)
    print(f"{found} texts of a megabyte or less took over {LIMIT_S:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
