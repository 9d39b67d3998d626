"""Classify PostgreSQL's own regression SQL, with `judge` as judge.

`python -m benchmarks.corpus` prints the counts, with -v also what went wrong. The files
are not ours to ship: they are taken from the source distribution of pglast,
which carries them, and kept in `.corpus/`. Statements that PostgreSQL's parser refuses
(the files hold many on purpose) must only not raise.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pglast import Error, parser

from benchmarks.judge import created_volatile, judge
from routedb.sql import Classifier, Kind, Statement
from routedb.sql.scanner.lexer import UNREAD

HOME = Path(__file__).parent.parent / ".corpus"
_SQL = re.compile(r"/postgres_regress/[^/]+\.sql\Z").search

# psql's own commands, and the rows that follow COPY … FROM STDIN.
_GSET = re.compile(r"\\(g\w*|crosstabview|watch)\b[^\n]*")
_COMMAND = re.compile(r"^[ \t]*\\[^\n]*$", re.MULTILINE)
_ROWS = re.compile(
    r"(^\s*copy\b[^;]*\bfrom\s+stdin\b[^;]*;)[^\n]*\n.*?^\\\.$",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)


@dataclass
class Score:
    """What was counted."""

    statements: int = 0
    unparsed: int = 0
    reads: int = 0
    writes: int = 0
    asked: int = 0  # reads that ask the catalog about a function: reads when it agrees
    raised: list[str] = field(default_factory=list)
    writes_as_reads: list[str] = field(default_factory=list)
    reads_as_writes: list[str] = field(default_factory=list)
    wrong_tables: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)  # which the parser takes

    @property
    def judged(self) -> int:
        return self.reads + self.writes


class MissingCorpus(Exception):  # noqa: N818
    """The files cannot be had. The message says why."""


def fetch() -> list[Path]:
    """Return the corpus' files; download them when they are not there.

    Raises MissingCorpus.
    """
    if not HOME.exists():
        with tempfile.TemporaryDirectory(dir=HOME.parent, prefix=".corpus-") as folder:
            files = _download(Path(folder))
            if not HOME.exists():  # nobody else was quicker
                files.replace(HOME)
    return sorted(HOME.glob("*.sql"))


def _download(folder: Path) -> Path:
    sql = folder / "sql"
    sql.mkdir()
    wanted = f"pglast=={version('pglast')}"
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
    done = subprocess.run(
        (*pip, "--no-binary", "pglast", "--dest", str(folder), wanted),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MissingCorpus(
            f"PostgreSQL's regression SQL is in the source distribution {wanted}, "
            f"which pip cannot download: {done.stderr.strip()}"
        )
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        for member in files:
            content = files.extractfile(member) if _SQL(member.name) else None
            if content is not None:
                (sql / Path(member.name).name).write_bytes(content.read())
    return sql


def texts(file: Path) -> Iterator[str]:
    """Split a file of the corpus into statements."""
    sql = file.read_bytes().decode("utf-8", "replace")
    sql = _COMMAND.sub("", _GSET.sub(";", _ROWS.sub(r"\1", sql)))
    yield from (piece.strip() for piece in _pieces(sql))


_TOKEN = re.compile(
    r"'(?:[^'\\]|''|\\.)*'|\"[^\"]*\"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/|[();]"
    r"|\bbegin\s+atomic\b|\bcase\b|\bend\b",
    re.DOTALL | re.IGNORECASE,
)


def _pieces(sql: str) -> Iterator[str]:
    """Cut at semicolons: by the scanner of PostgreSQL, or roughly where it fails."""
    try:
        yield from parser.split(sql, with_parser=False)
        return
    except Error:
        pass
    start = depth = blocks = 0
    for match in _TOKEN.finditer(sql):
        token = match[0].lower()
        depth += (token == "(") - (token == ")")
        if token.startswith("begin") or (token == "case" and blocks):
            blocks += 1
        elif token == "end" and blocks:
            blocks -= 1
        elif token == ";" and depth <= 0 and not blocks:
            yield sql[start : match.start()]
            start, depth = match.end(), 0
    yield sql[start:]


def run(files: list[Path] | None = None) -> Score:
    """Classify every statement of the corpus and compare."""
    pieces = [text for file in files or fetch() for text in texts(file) if text]
    trees = {text: _parse(text) for text in pieces}
    volatile = frozenset(
        name for tree in trees.values() if tree and (name := created_volatile(tree))
    )
    classifier = Classifier("postgresql")
    score = Score(statements=len(pieces))
    for text in pieces:
        try:
            statement = classifier.statement(classifier.scan(text))
        except Exception as problem:  # noqa: BLE001  (that none is raised is the test)
            score.raised.append(f"{problem!r}: {text}")
            continue
        _compare(text, trees[text], statement, volatile, score)
        spans = classifier.spans(text) if trees[text] else []
        unread = [words for how, words in spans if how == UNREAD]
        if unread or (trees[text] and statement.kind is Kind.UNKNOWN):
            score.unaccounted.append(f"[{statement.reason}; {unread}] {text}")
    return score


def _parse(text: str) -> Any:
    try:
        (tree,) = parser.parse_sql(text)
    except (Error, ValueError, RecursionError):
        return None
    return tree.stmt


def _compare(
    text: str,
    tree: Any,
    statement: Statement,
    volatile: frozenset[str],
    score: Score,
) -> None:
    if tree is None:
        score.unparsed += 1
        return
    verdict = judge(tree, volatile)
    is_read = statement.read_only or bool(statement.asks)
    if verdict.is_read:
        score.reads += 1
        score.asked += bool(statement.asks)
        if not is_read:
            score.reads_as_writes.append(f"[{statement.reason}] {text}")
    else:
        score.writes += 1
        if statement.read_only:
            score.writes_as_reads.append(text)
    tables = frozenset((t.schema, t.name) for t in statement.tables)
    if tables != verdict.tables:
        wrong = f"ours {_show(tables)} theirs {_show(verdict.tables)}"
        score.wrong_tables.append(f"[{wrong}] {text}")


def _show(tables: frozenset[tuple[str | None, str]]) -> str:
    return ",".join(sorted(f"{s}.{n}" if s else n for s, n in tables)) or "-"


def report(score: Score) -> str:
    """Return the counts as lines of text."""
    return "\n".join(
        (
            f"statements              {score.statements}",
            f"not parsed by the judge {score.unparsed}",
            f"reads                   {score.reads}",
            f"  asking the catalog    {score.asked}",
            f"  classified as writes  {len(score.reads_as_writes)}",
            f"writes                  {score.writes}",
            f"  classified as reads   {len(score.writes_as_reads)}",
            f"tables wrong            {len(score.wrong_tables)}",
            f"tokens unaccounted for  {len(score.unaccounted)}",
            f"raised                  {len(score.raised)}",
        )
    )


def main() -> None:
    """Print the counts, and with -v every statement that went wrong."""
    score = run()
    if "-v" in sys.argv:
        names = ("raised", "writes_as_reads", "reads_as_writes", "wrong_tables")
        for name in (*names, "unaccounted"):
            for text in getattr(score, name):
                print(f"{name}: {' '.join(text.split())}")
    print(report(score))


if __name__ == "__main__":
    main()
