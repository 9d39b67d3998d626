"""Count where routedb and a judge differ over a suite's statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.corpora.verdict import Judge, Name, Verdict
from routedb.sql import Classifier, Kind, Statement
from routedb.sql.scanner.lexer import UNREAD


@dataclass
class Score:
    """What was counted of one suite; the lists have the statements themselves."""

    name: str = ""
    statements: int = 0
    refused: int = 0  # by the server's parser
    reads: int = 0
    writes: int = 0
    undecided: int = 0  # neither, as far as the judge can tell
    asked: int = 0  # reads that ask the catalog about a function: reads when it agrees
    raised: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    writes_as_reads: list[str] = field(default_factory=list)
    reads_as_writes: list[str] = field(default_factory=list)
    wrong_tables: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)  # a part is passed over

    @property
    def judged(self) -> int:
        return self.reads + self.writes + self.undecided

    def add(self, other: Score) -> None:
        """Add the counts of another suite."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in FAULTS:
            getattr(self, name).extend(getattr(other, name))

    def missed(self) -> list[str]:
        """Return the bars that are not met, as text."""
        bars = (
            ("writes taken for reads", len(self.writes_as_reads), 0.0),
            ("reads taken for writes", len(self.reads_as_writes), 0.003 * self.reads),
            ("wrong tables", len(self.wrong_tables), 0.0005 * self.judged),
            ("unknown though the server takes them", len(self.unknown), 0.0),
            ("with tokens unaccounted for", len(self.unaccounted), 0.0),
            ("raised", len(self.raised), 0.0),
        )
        return [
            f"{count} {what}, more than {bar:.1f}"
            for what, count, bar in bars
            if count > bar
        ]


NUMBERS = ("statements", "refused", "reads", "writes", "undecided", "asked")
FAULTS = (
    *("raised", "unknown", "unaccounted"),
    *("writes_as_reads", "reads_as_writes", "wrong_tables"),
)


def compare(
    name: str,
    classifier: Classifier,
    scripts: Sequence[Sequence[str]],
    judge: Judge,
) -> Score:
    """Classify every statement of the suite `name` and ask `judge` about it.

    The `scripts` are judged in their order.
    """
    score = Score(name)
    for script in scripts:
        judge.start(script)
        for text in script:
            _count(text, judge, classifier, score)
    return score


def _count(text: str, judge: Judge, classifier: Classifier, score: Score) -> None:
    score.statements += 1
    verdict = judge.judge(text)
    try:
        statement = classifier.statement(classifier.scan(text))
    except Exception as problem:  # noqa: BLE001  (that none is raised is the test)
        score.raised.append(f"{problem!r}: {text}")
        return
    if verdict is None:
        score.refused += 1
        return
    if statement.kind is Kind.UNKNOWN:
        score.unknown.append(f"[{statement.reason}] {text}")
    elif unread := [words for how, words in classifier.spans(text) if how == UNREAD]:
        score.unaccounted.append(f"[{unread}] {text}")
    _count_role(text, statement, verdict, score)
    tables = frozenset(judge.name(t.schema, t.name) for t in statement.tables)
    if statement.kind is not Kind.UNKNOWN and not verdict.agrees(tables):
        wrong = f"ours {_show(tables)} theirs {_show(verdict.tables or frozenset())}"
        score.wrong_tables.append(f"[{wrong}] {text}")


def _count_role(
    text: str, statement: Statement, verdict: Verdict, score: Score
) -> None:
    if verdict.is_read is None:
        score.undecided += 1
    elif verdict.is_read:
        score.reads += 1
        score.asked += bool(statement.asks)
        if not (statement.read_only or statement.asks):
            score.reads_as_writes.append(f"[{statement.reason}] {text}")
    else:
        score.writes += 1
        if statement.read_only:
            score.writes_as_reads.append(text)


def _show(tables: frozenset[Name]) -> str:
    return ",".join(sorted(f"{s}.{n}" if s else n for s, n in tables)) or "-"
