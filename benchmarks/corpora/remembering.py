"""A judge that is asked once about statements that differ in their literals only.

A server needs a millisecond for what its parser and its locks tell in a hundredth. A
script that fills a table by a thousand INSERTs of one kind tells nothing new after the
first, and what the others would have put there only makes its reads slow. So a
statement is put to the server again when something other than rows may have changed
since: a table, a setting, the database in use.

What stands for a literal here is told by a pattern of this module, not by routedb: what
routedb takes for a literal and is none is judged each time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmarks.corpora.verdict import Judge, Name, Verdict

_LITERALS = re.compile(
    r"('(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\")"  # strings
    r"|/\*(?![!M]).*?\*/|--\s[^\n]*|#[^\n]*"
    r"|(?<![\w.$@`!])\d+(?:\.\d+)?(?![\w.$`])",
    re.DOTALL,
).sub
_KEEPS = re.compile(
    r"(?:\s+|\()*(?:select|with|values|insert|replace|update|delete|explain|desc"
    r"|describe)\b(?!.*\binto\s+(?:outfile|dumpfile)\b)",
    re.IGNORECASE | re.DOTALL,
).match
_LONGEST = 20_000


class Remembering:
    """Puts to `judge` what is not known of the present script."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._said: dict[str, Verdict | None] = {}

    def start(self, script: Sequence[str]) -> None:
        """Forget what earlier scripts have left; this one's statements follow."""
        self._said.clear()
        self._judge.start(script)

    def judge(self, text: str) -> Verdict | None:
        """Judge the next statement; None when the parser refuses it."""
        masked = _LITERALS(_mask, text) if len(text) < _LONGEST else text
        if not _KEEPS(masked):
            verdict = self._judge.judge(text)
            if verdict is not None:  # what is refused has changed nothing
                self._said.clear()
            return verdict
        if masked not in self._said:
            self._said[masked] = self._judge.judge(text)
        return self._said[masked]

    def name(self, schema: str | None, name: str) -> Name:
        """Return the name of a table as the judge's verdicts have it."""
        return self._judge.name(schema, name)

    def close(self) -> None:
        """End what the judge has started."""
        self._judge.close()


def _mask(match: re.Match[str]) -> str:
    text = match[0]
    if match[1]:
        # An empty string may be refused where another is taken.
        return f"{text[0]}{'x' if len(text) > 2 else ''}{text[0]}"  # noqa: PLR2004
    return "0" if text[0].isdigit() else " "
