"""Cut a text of several statements into them.

A semicolon ends a statement, except in brackets, in the body of a routine (BEGIN …
END), and in MariaDB's compound statements. `statement_ends` says which ones do, among
the words of a shape (`lexer`) as among those of a script; quotes, dollar quotes and
comments are told from code by the scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from routedb.sql.scanner.patterns import COMMENT, MARKS, MYSQL
from routedb.sql.scanner.placeholders import count_positional
from routedb.sql.scanner.shape import Scan, take_apart

_WORDS = re.compile(r"\w[\w$]*|[;()']|[^\w\s;()']+").findall
_SEMICOLONS = re.compile(";").finditer
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "PACKAGE"})
_ROUTINE_WITHIN = 12  # CREATE OR REPLACE DEFINER = … SQL SECURITY … PROCEDURE
_NOT_CLOSED_BY = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})

# What begins a compound statement of MariaDB's where a statement may begin, and behind
# what one may begin inside of it. A label's colon is ^ among the words of a shape.
PROGRAM_STARTS = frozenset({"BEGIN", "DECLARE", "CASE", *_NOT_CLOSED_BY})
_BLOCK_WORDS = PROGRAM_STARTS | {"END"}
_MAY_BLOCK = re.compile(rf"(?i)\b(?:{'|'.join(sorted(_BLOCK_WORDS))})\b").search
_BEFORE_STATEMENT = frozenset(
    (
        *(";", "BEGIN", "ATOMIC", "THEN", "ELSE", "DO", "LOOP", "REPEAT"),
        *(":", "^", ">>", "FOUND", "SQLEXCEPTION", "SQLWARNING"),
    )
)
_BEFORE_END = frozenset({";", "BEGIN", "ATOMIC"})  # of a block

Piece = tuple[str, Any]


def statement_ends(words: Sequence[str], dialect: str) -> Iterator[int]:
    """Yield the indices of the semicolons in `words` that end a statement.

    `words` are the tokens of a text of `dialect` in capitals, brackets and semicolons
    each alone.
    """
    if _BLOCK_WORDS.isdisjoint(words):
        yield from _plain_ends(words)
        return
    start = depth = 0
    blocks: list[str] = []  # the BEGIN and CASE of a routine that are open
    program: _Program | None = None
    for index, word in enumerate(words):
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif program is not None:
            program.take(words, index)
            if word == ";" and depth <= 0 and not program.is_open:
                yield index
                start = index + 1
                depth, program = 0, None
        elif dialect in MYSQL and not blocks and _begins_program(words, start, index):
            program = _Program(word)
        elif word == "BEGIN" or (word == "CASE" and blocks):
            if blocks or _is_routine(words, start, index):
                _open(blocks, words, index)
        elif word == "END" and blocks:
            following = words[index + 1] if index + 1 < len(words) else ""
            if following not in _NOT_CLOSED_BY:
                _close(blocks, words, index)
        elif word == ";" and depth <= 0 and not blocks:
            yield index
            start = index + 1
            depth = 0


def _open(blocks: list[str], words: Sequence[str], index: int) -> None:
    if words[index - 1] not in ("END", ".", "XA"):  # END CASE, t.begin
        blocks.append(words[index])


def _close(blocks: list[str], words: Sequence[str], index: int) -> None:
    """Take from `blocks` the one that the END at `index` closes.

    END is a name, too, where no block can end: behind anything but a semicolon.
    """
    before = words[index - 1]
    if blocks and before != ".":
        is_case = blocks[-1] == "CASE"
        if is_case or before in _BEFORE_END:
            blocks.pop()


def _plain_ends(words: Sequence[str]) -> Iterator[int]:
    """Yield the semicolons that stand in no bracket: there are no blocks."""
    depth = 0
    for index, word in enumerate(words):
        if word == ";":
            if depth <= 0:
                yield index
                depth = 0
        elif word == "(":
            depth += 1
        elif word == ")":
            depth -= 1


def _is_routine(words: Sequence[str], start: int, index: int) -> bool:
    if list(words[start : start + 2]) == ["SET", "STATEMENT"]:
        setting = words[start:index]  # for one statement, which may be such
        start += setting.index("FOR") + 1 if "FOR" in setting else 0
    return words[start] == "CREATE" and not _ROUTINES.isdisjoint(
        words[start : min(index, start + _ROUTINE_WITHIN)]
    )


def _begins_program(words: Sequence[str], start: int, index: int) -> bool:
    """Tell whether MariaDB's compound statement, outside of a routine, begins here."""
    word = words[index]
    if word not in PROGRAM_STARTS:
        return False
    following = words[index + 1] if index + 1 < len(words) else ""
    if word == "BEGIN" and following in ("", ";", "WORK"):
        return False
    is_atomic = list(words[index + 1 : index + 3]) == ["NOT", "ATOMIC"]
    if word == "BEGIN" and following == "NOT" and index == start and not is_atomic:
        return False
    is_set = list(words[start : start + 2]) == ["SET", "STATEMENT"]
    if index == start or (is_set and words[index - 1] == "FOR"):
        return True
    return _is_routine(words, start, index) and _is_body(words, index)


def _is_body(words: Sequence[str], index: int) -> bool:
    """Tell IF, CASE, FOR and the loops as the body of a routine from other uses.

    A CASE or IF of an expression may be taken for one: both end with what they opened.
    """
    word = words[index]
    if word == "FOR":
        return list(words[index + 2 : index + 3]) == ["IN"]
    if word == "IF":
        at = index + 1 + (list(words[index + 1 : index + 2]) == ["NOT"])
        is_clause = list(words[at : at + 1]) == ["EXISTS"] and list(
            words[at + 1 : at + 2]
        ) != ["("]
        return not (is_clause or _is_call(words, index))
    return word in ("CASE", "LOOP", "WHILE") or (
        word == "REPEAT" and not _is_call(words, index)
    )


class _Program:
    """A compound statement that is being passed over: how much of it is open."""

    def __init__(self, word: str) -> None:
        self._is_declaring = word == "DECLARE"  # sql_mode = ORACLE: until BEGIN
        self._blocks = [word] if word in ("BEGIN", "CASE") else []
        self._loops = int(word in _NOT_CLOSED_BY)

    @property
    def is_open(self) -> bool:
        return self._is_declaring or bool(self._blocks) or self._loops > 0

    def take(self, words: Sequence[str], index: int) -> None:
        """Take the word at `index` of `words`."""
        word = words[index]
        if word in ("BEGIN", "CASE"):
            _open(self._blocks, words, index)
            self._is_declaring = self._is_declaring and word == "CASE"
        elif word in _NOT_CLOSED_BY:
            is_statement = words[index - 1] in _BEFORE_STATEMENT
            self._loops += is_statement and not _is_call(words, index)
        elif word == "END":
            following = words[index + 1] if index + 1 < len(words) else ""
            if following in _NOT_CLOSED_BY:
                self._loops -= 1
            else:
                _close(self._blocks, words, index)


def _is_call(words: Sequence[str], at: int) -> bool:
    """Tell the functions IF(a, b, c) and REPEAT(a, b) from the statements."""
    if list(words[at + 1 : at + 2]) != ["("]:
        return False
    depth = 0
    for index in range(at + 1, len(words)):
        word = words[index]
        depth += (word == "(") - (word == ")")
        if "," in word and depth == 1:
            return True
        if not depth:
            break
    return False


def split(sql: str, dialect: str) -> list[str]:
    """Return the statements of the script `sql` in `dialect`, as written.

    Their semicolons are left out. What stands before a statement, such as a hint in a
    comment, stays with it; a piece of nothing but comments is left out. Never raises:
    of a text that cannot be read (an open quote) the last piece reaches to its end.
    """
    parts, fault = take_apart(sql, dialect)
    found = _cut(Scan("", (), parts, dialect, fault))
    return [text.strip() for text, is_empty in found if not is_empty]


def pieces(scan: Scan, params: Any) -> list[Piece]:
    """Return the statements that `scan` has taken apart, each with its `params`.

    Positional parameters are dealt out by placeholders; named ones, and what is no
    sequence, every statement gets as they are.
    """
    is_dealt = isinstance(params, Sequence) and not isinstance(params, Mapping)
    found: list[Piece] = []
    start = 0
    for text, is_empty in _cut(scan):
        end = start + count_positional(text)
        if not is_empty:
            its = tuple(params[start:end]) if is_dealt else params
            found.append((text.strip(), its))
        start = end
    return found


def _cut(scan: Scan) -> Iterator[tuple[str, bool]]:
    """Yield what the ends of statements separate, and whether it holds no word."""
    sql = "".join(scan.parts)
    has_one = scan.is_whole and not any(";" in part for part in scan.parts[::2])
    if has_one and not scan.fault:
        yield sql, _has_no_word(scan)
        return
    if not scan.is_whole:
        parts, fault = take_apart(sql, scan.dialect)
        scan = scan._replace(parts=parts, fault=fault, is_whole=True)
    code = _code(scan)
    if "(" not in code and not _MAY_BLOCK(code):  # a megabyte may hold 500,000 ends
        yield from _cut_plainly(sql, code)
        return
    words = [word.upper() for word in _WORDS(code)]
    places = (match.start() for match in _SEMICOLONS(code))
    first = begin = 0
    for index in (*statement_ends(words, scan.dialect), len(words)):
        within = words[first:index].count(";")
        end = next(islice(places, within, None), len(sql))
        yield sql[begin:end], index == first
        first, begin = index + 1, end + 1


def _has_no_word(scan: Scan) -> bool:
    marks = MARKS[scan.dialect]
    return all(not part or part.isspace() for part in scan.parts[::2]) and all(
        marks.get(part[0]) == COMMENT for part in scan.parts[1::2]
    )


def _cut_plainly(sql: str, code: str) -> Iterator[tuple[str, bool]]:
    """Do so where each semicolon ends a statement."""
    begin = 0
    for piece in code.split(";"):
        end = begin + len(piece)
        yield sql[begin:end], not piece or piece.isspace()
        begin = end + 1


def _code(scan: Scan) -> str:
    """Return the text with a quote for each literal and quoted name, without comments.

    The rest is blanks: what stands at a place stands there in the text as well.
    """
    marks = MARKS[scan.dialect]
    parts = scan.parts.copy()
    for index in range(1, len(parts), 2):
        part = parts[index]
        is_comment = marks.get(part[0]) == COMMENT
        parts[index] = (" " if is_comment else "'").ljust(len(part))
    return "".join(parts)
