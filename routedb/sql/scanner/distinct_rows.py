"""Of many rows keep one of each kind, without looking at each literal.

Rows that differ in their literals only are told apart in nothing. So strings and digits
are taken out by a few passes of C-speed primitives over the bytes: 1 MB in 3 to 9 ms,
where a scan takes 60. What is left is cut where rows meet, and is mostly the same row
again and again. One of each is kept as it is written, so that nothing but literals is
left out: the reader sees every function, name and keyword.

A quote, comment or escape that is not what it is taken for here stands outside what is
taken for strings, at least the first one such. So it is among what is left, and there
`_STRANGE` and `_has_open_name` find it.
"""

from __future__ import annotations

import re

from routedb.sql.scanner.mixed_quotes import one_kind, protected_names, unprotected

_MOST_ROWS = 100  # of different kinds, in one run
_MOST_NEW = 200  # in one piece
_MANY = 24  # in one piece: perhaps they differ only in where NULLs stand
_LONGEST_ROW = 4_000  # without its strings: two that are not told apart, perhaps
_DEEPEST = 8  # brackets within brackets
_LITERALS = b"0"

# Only part of literals, or between them.
_SILENT = b"0123456789.,+ \t\r\n:?"
_SINGLE_QUOTES = bytes.maketrans(b'"', b"'")
_ZEROS = bytes.maketrans(b"123456789\t\n\r\f", b"000000000    ")
_KINDS = bytes(
    ord("a") if 128 <= b < 255 or b == ord("_") or bytes([b]).isalpha() else b
    for b in range(256)
)
# Of numbers, and before strings: 0xFF, 1e5, X'…', N'…'.
_LETTERS = b"abcdefnxABCDEFNX"
_HEX_DIGITS = b"0abcdefABCDEF"
_IN_NUMBERS = (b"0e0", b"0E0", b"0e-0", b"0E-0", b"0e+0", b"0E+0", b"0_0", b"0b0")
_WORDS = (
    *(b"NULL", b"null", b"Null", b"DEFAULT", b"default"),
    *(b"TRUE", b"true", b"True", b"FALSE", b"false", b"False"),
)
_NO_BRACKETS = bytes(b for b in range(256) if b not in b"()[]")
_TO_ROUND = bytes.maketrans(b"[]", b"()")

# What may end a statement, quote names, or begin comments and strings of other kinds; a
# number that is part of a name; and words that may begin a query or another clause,
# where strings may be names.
_STRANGE = {
    dialect: re.compile(
        rb"[;\\\x00-\x1f#{}" + more + rb"]|--|/\*|\$(?!0)|[@\x80-\xff\w.]\$|@''"
        rb"|\xff(?!0+(?:\)s)?(?![\w(\x80-\xff]))"
        rb"|(?<![\w$\x80-\xff])(?:SELECT|FROM|TABLE|VALUES?|INTO|RETURNING|ON|SET"
        rb"|UNION|WHERE|EXCEPT|INTERSECT|MINUS|ORDER|LIMIT|OFFSET|FETCH|FOR|WHEN"
        rb"|WINDOW|GROUP|HAVING)(?![\w$\x80-\xff])",
        re.IGNORECASE,
    ).search
    for dialect, more in (
        ("postgresql", rb"`"),
        ("mysql", rb"\"`\[\]"),
        ("sqlite", rb"`\[\]"),
    )
}
_TO_MARKS = bytes(
    b
    if b in b"'\3"
    else ord("E")
    if b in b"eE"
    else ord("w")
    if b >= 128 or b in b"_$" or bytes([b]).isalnum()
    else ord(",")
    for b in range(256)
)
_STRINGS = re.compile(rb"(?:\x02\x03*['\x02]|'['\x02])*").fullmatch
_ZERO_RUNS = re.compile(rb"0+").sub
_LITERAL = re.compile(
    rb" *(?:(?:[-+] ?)?0(?:\.0?)?|\.0|[xXbBnNeE]?''|NULL|DEFAULT|TRUE|FALSE|%s|\?0?"
    rb"|\$0|%\([\w\xff]+\)s|:[\w\xff]+) *",
    re.IGNORECASE,
).fullmatch


class Rows:
    """The rows of one run, of each kind one; or the items of a list.

    `dialect` is that of the text. `opener` is what each row begins with, "(" or "ROW(",
    and "" in a list; `between` is what mostly stands between two.
    """

    def __init__(self, dialect: str, opener: str, between: str) -> None:
        self._dialect = dialect
        self._head = opener.encode()
        self._between = between.encode().translate(_ZEROS)
        self._known: set[bytes] = set()
        self._kept: dict[bytes, None] = {}  # in the order of the text
        self._protected: dict[bytes, bytes] = {}
        self._is_literal = True  # as far as it has been read: no word in it
        self._is_mixed = False

    @property
    def is_literal(self) -> bool:
        """Whether nothing but plain literals stands in those taken so far."""
        return self._is_literal

    @property
    def text(self) -> str:
        """What stands for the rows."""
        kept = [row for row in self._kept if row != _LITERALS] or [_LITERALS]
        if self._head:
            if len(kept) == 1 and kept[0] != _LITERALS:
                kept *= 2  # where brackets do not match a second is read otherwise
            kept = [self._head + row + b")" for row in kept]
        return unprotected(b", ".join(kept)).decode("utf-8", "surrogatepass")

    def take(self, text: str) -> bool:
        """Take `text`, which begins in code and is whole rows, with commas between.

        False, with nothing taken, when that is not certain.
        """
        data = text.encode("utf-8", "surrogatepass")
        if b"\3" in data:  # which stands for two quotes here
            return False
        if self._dialect == "mysql" and b'"' in data and b"'" not in data:
            data = data.replace(b'\\"', b"'") if b"\\\\" not in data else data
            data = data.replace(b"'", b"").translate(_SINGLE_QUOTES)
        if b"\\" in data and self._dialect != "sqlite":
            unescaped = _unescaped(data, self._dialect)
            if unescaped is None:
                return False
            data = unescaped
        if self._is_literal:
            self._is_literal = _are_literals(data, self._head != b"")
            if self._is_literal:
                self._kept[_LITERALS] = None
                return True
        return self._take_others(text, data)

    def _take_others(self, text: str, data: bytes) -> bool:
        """Take a text that has words in it, or strings of several kinds."""
        found = None if self._is_mixed else self._read(data)
        if found is None:
            plain = one_kind(text, self._dialect)
            if plain is not None:
                found = self._read(plain.encode("utf-8", "surrogatepass"))
                self._is_mixed = found is not None
        if found is None:
            return False
        kept = self._kept | dict.fromkeys(map(_as_one, found.values()))
        if len(kept) > _MOST_ROWS:
            return False
        self._kept = kept
        self._known |= found.keys()
        return True

    def _read(self, data: bytes) -> dict[bytes, bytes] | None:
        for word, other in self._protected.items():
            data = data.replace(word, other)
        code = _outside(data)
        if code is not None and _has_odd_number(code):
            code = _plain_numbers(code)
            if _has_odd_number(code):
                code = self._protect(data)
        return None if code is None else self._distinct(code)

    def _protect(self, data: bytes) -> bytes | None:
        """Return `data`'s code where the digits of names are kept; None when there may
        be others."""
        new = protected_names(data, self._dialect)
        for word, other in new.items():
            data = data.replace(word, other)
        code = _outside(data)
        code = None if code is None else _plain_numbers(code)
        if code is None or _has_odd_number(code):
            return None
        self._protected |= new
        return code

    def _distinct(self, code: bytes) -> dict[bytes, bytes] | None:
        """Return the rows that are new, by what they are without their digits; None
        when they are not certainly rows."""
        found = self._told_apart(code, self._between)
        if found is not None and len(found) <= _MANY and self._are_rows(found):
            return found
        code = _with_zeros(_respaced(code), self._head != b"")
        found = self._told_apart(code, b",")
        if found is None or len(found) > _MOST_NEW or not self._are_rows(found):
            return None
        return found

    def _are_rows(self, found: dict[bytes, bytes]) -> bool:
        strange = _STRANGE[self._dialect]
        return not any(
            len(row) > _LONGEST_ROW
            or strange(row)
            or _has_open_name(row)
            or not _is_balanced(row)
            for row in found.values()
        )

    def _told_apart(self, code: bytes, between: bytes) -> dict[bytes, bytes] | None:
        """Return what is not known yet; None when these are no rows."""
        joint = between
        if self._head:
            joint = b")" + between + self._head
            start = len(self._head)
            if code[:start].upper() != self._head or not code.endswith(b")"):
                return None
            code = code[start:-1]
        kinds = code.translate(None, b"0")
        first, _, more = kinds.partition(joint)
        if more:
            one = first + joint
            many, odd = divmod(len(kinds) + len(joint), len(one))
            if not odd and kinds + joint == one * many:
                kinds, code = first, code.partition(joint)[0]
        apart = dict(zip(kinds.split(joint), code.split(joint), strict=False))
        known = self._known
        return {kind: row for kind, row in apart.items() if kind not in known}


def _are_literals(data: bytes, is_rows: bool) -> bool:
    """Tell whether there are no words, and no more brackets than those of rows."""
    packed = data.translate(None, _SILENT if b"--" in data else _SILENT + b"-")
    if b"NULL" in packed:
        packed = packed.replace(b"NULL", b"")
    if b"%s" in packed and b"%s(" not in packed:
        packed = packed.replace(b"%s", b"")
    pieces = packed.replace(b"''", b"").replace(b"')('", b"").split(b"'")
    code = b"".join(pieces[::2])
    if is_rows:
        code = code.replace(b")(", b"")
    if not code.isspace() and b"a(" not in code.translate(_KINDS):
        code = code.translate(None, _LETTERS)
    for _ in range(_DEEPEST):
        if not code or not is_rows:
            break
        code = code.replace(b"()", b"")
    return not code and len(pieces) & 1 == 1


def _unescaped(data: bytes, dialect: str) -> bytes | None:
    r"""Take what backslashes escape out of strings; None when some may escape nothing.

    In PostgreSQL \' is a quote in E'…' only. The first that stands elsewhere is in what
    looks like a string without an E, or in none.
    """
    unescaped = data.replace(b"\\\\", b"")
    if b"\\'" in unescaped and dialect == "postgresql":
        # An opening may as well close a string that ends so: 'a,E'.
        marked = (b"," + unescaped).replace(b"\\'", b"\3").translate(_TO_MARKS)
        if b",E'" not in marked and b",E'" not in (b"," + data).translate(_TO_MARKS):
            return data
        marks = marked.replace(b",E'", b"\2").translate(None, b"wE,")
        marks = marks.replace(b"\2\3'", b"")
        if b"\3" in marks and _STRINGS(marks) is None:
            return None
    elif b"\\'" in unescaped:
        marked = unescaped.replace(b"\\'", b"\3")
        if b"\3" in b"".join(marked.split(b"'")[::2]):
            return None
    return unescaped.replace(b"\\'", b"")


def _has_odd_number(code: bytes) -> bool:
    """Tell whether a digit stands beside a letter: it may be a name's."""
    kinds = code.translate(_KINDS)
    return b"a0" in kinds or b"0a" in kinds


def _outside(data: bytes) -> bytes | None:
    """Return what is outside strings, with '' for these and zeros for digits."""
    data = data.translate(_ZEROS)
    if b"''" in data:
        data = data.replace(b"''", b"\3")
    pieces = data.split(b"'")
    if not len(pieces) & 1:
        return None
    code = b"''".join(pieces[::2])
    if b"\3" in code:
        code = code.replace(b"\3", b"''")
        while b"''''" in code:
            code = code.replace(b"''''", b"''")
    if b"()" in code:  # is told from (0) without its digit
        code = code.replace(b"()", b"( )")
    return code


def _plain_numbers(code: bytes) -> bytes:
    """Write numbers that have letters in them without."""
    for part in _IN_NUMBERS:
        if part in code:
            code = code.replace(part, b"00")
    if b"0x" in code:
        first, *others = code.split(b"0x")
        code = b"0".join((first, *[each.lstrip(_HEX_DIGITS) for each in others]))
    return code


def _respaced(code: bytes) -> bytes:
    while b"  " in code:
        code = code.replace(b"  ", b" ")
    code = code.replace(b", ", b",").replace(b" ,", b",").replace(b"ROW (", b"ROW(")
    return code.strip(b" ")


def _with_zeros(code: bytes, is_rows: bool) -> bytes:
    """Write what stands for a literal alone as one: kinds differ no more in these."""
    code = (code if is_rows else b"," + code + b",").replace(b"0.0", b"00")
    for word in _WORDS:
        if word in code:
            code = code.replace(b"(" + word + b",", b"(0,")
            for _ in range(2):  # neighbours share a comma
                code = code.replace(b"," + word + b",", b",0,")
            code = code.replace(b"," + word + b")", b",0)")
    for begin in (b",", b"("):
        for sign in (b"-", b"+"):
            code = code.replace(begin + sign + b"0", begin + b"0")
    return code if is_rows else code[1:-1]


def _has_open_name(row: bytes) -> bool:
    """Tell whether what looks like a string may be part of a name in quotes."""
    return b'"' in row and any(piece.count(b'"') & 1 for piece in row.split(b"''"))


def _is_balanced(row: bytes) -> bool:
    brackets = row.translate(_TO_ROUND, _NO_BRACKETS)
    while b"()" in brackets:
        brackets = brackets.replace(b"()", b"")
    return not brackets


def _as_one(row: bytes) -> bytes:
    """Write neighbouring literals of a row as one, so that there are few shapes."""
    items: list[bytes] = []
    depth = start = 0
    row = _ZERO_RUNS(b"0", row)
    for at, byte in enumerate(row + b","):
        depth += (byte in b"([") - (byte in b")]")
        if byte == ord(",") and not depth:
            item = row[start:at]
            item = _LITERALS if _LITERAL(item) else item.strip(b" ")
            if item != _LITERALS or items[-1:] != [_LITERALS]:
                items.append(item)
            start = at + 1
    return b",".join(items)
