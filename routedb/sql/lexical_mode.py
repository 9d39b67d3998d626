"""How a session reads the quotes of its texts, and which texts depend on that.

A server's settings say whether a backslash escapes (`NO_BACKSLASH_ESCAPES`,
`standard_conforming_strings`), whether "x" is a name (`ANSI_QUOTES`), and in which
encoding the bytes come: in some a character's second byte is that of a backslash. A
text that every setting reads alike needs no mode, and most are such. Of the others what
is a string to the server must be one here: it may hold what looks like a hint or like a
table. So they are read by the session's mode, and not at all in one that is not known.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import NamedTuple

from routedb.sql.scanner.keywords import word_set
from routedb.sql.scanner.patterns import (
    DIALECT_OF,
    MYSQL_ANSI,
    MYSQL_ANSI_PLAIN,
    MYSQL_PLAIN,
    POSTGRESQL_ESCAPES,
)
from routedb.sql.scanner.shape import scan, take_apart

# Bytes below 128 are the characters of ASCII, and of no other character.
_TRANSPARENT = word_set(
    """utf-8 ascii iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7
    iso8859-8 iso8859-9 iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r
    koi8-u cp850 cp852 cp866 cp874 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256
    cp1257 cp1258 euc_kr gb2312 euc_jis_2004 tis-620 hp-roman8
    """
)
_TRANSPARENT_ON_SERVER = word_set(
    """utf8 utf8mb3 utf8mb4 ascii binary latin1 latin2 latin5 latin7 cp850 cp852 cp866
    cp1250 cp1251 cp1256 cp1257 dec8 euckr gb2312 greek hebrew hp8 keybcs2 koi8r koi8u
    macce macroman tis620 ujis eucjpms armscii8 geostd8
    sqlascii latin3 latin4 latin6 latin8 latin9 latin10 iso88595 iso88596 iso88597
    iso88598 win866 win874 win1250 win1251 win1252 win1253 win1254 win1255 win1256
    win1257 win1258 euccn eucjp euctw eucjis2004 muleinternal
    """
)
# On both sides of the wire a character is two bytes: it is one here, too.
_SAME = {
    "sjis": "shift_jis",
    "cp932": "cp932",
    "big5": "big5",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "uhc": "cp949",
    "johab": "johab",
    "shiftjis2004": "shift_jis_2004",
}
_JAPANESE = frozenset({"euc_jp"})  # transparent, but for a yen

# Of a session: every byte is what it seems; a character may take in the one behind it;
# a character may look like several to the server.
TRANSPARENT, SWALLOWING, HIDING = range(3)
# Of a text: it is ASCII; it is not; and what is behind a character counts.
NARROW, WIDE, SWALLOWED = range(3)
_READ_BY = {WIDE: SWALLOWING, SWALLOWED: TRANSPARENT}  # up to which it is certain

# What may take in a backslash, or is sent as one, as a yen is; bytes that are no UTF-8
# came as such from the program.
_may_swallow = re.compile(
    r"[\x80-\U0010ffff][\\`]|[\xa5\u203e\u20a9\udc80-\udcff]"
).search

_ESCAPING = frozenset({"mysql", MYSQL_ANSI, POSTGRESQL_ESCAPES})
_COMPARED = 65_536  # a longer text is taken for one that depends on the mode


class LexicalMode(NamedTuple):
    """How a session reads texts: `lexis` is a way to write (`scanner.patterns`), None
    when it is none that is read here. `why` says what it is, for an error."""

    lexis: str | None
    encoding: int = TRANSPARENT
    why: str = ""


class Reading(NamedTuple):
    """How one text was read that other modes may read in another way: by which `lexis`.

    `is_apart`: they find quotes at other places. `has_names`: MySQL's "x" may be a name
    or a string. `width`: whether other encodings count, NARROW, WIDE or SWALLOWED.
    """

    lexis: str
    is_apart: bool = False
    has_names: bool = False
    width: int = NARROW

    @property
    def is_fragile(self) -> bool:
        """Tell whether a wrong mode would take what is in a string for code."""
        return self.is_apart or self.width == SWALLOWED

    def holds_in(self, mode: LexicalMode) -> bool:
        """Tell whether a session in `mode` reads the text so, too."""
        if self.width > NARROW and mode.encoding > _READ_BY[self.width]:
            return False
        mine, its = self.lexis, mode.lexis
        if mine == its:
            return True
        if its is None or DIALECT_OF[mine] == DIALECT_OF[its]:
            return not (self.is_apart or self.has_names)
        return not self.is_apart or (mine in _ESCAPING) == (its in _ESCAPING)


UNSETTLED = LexicalMode(None, HIDING, "how its session reads them is not known yet")


def postgresql_mode(
    conforming: str | None, client_encoding: str | None, codec: str
) -> LexicalMode:
    """Return the mode of a session of PostgreSQL.

    `conforming` is its standard_conforming_strings, and `client_encoding` its encoding,
    as the server reports them; `codec` is the one that Python encodes texts by.
    """
    lexis = {"on": "postgresql", "off": POSTGRESQL_ESCAPES}.get(conforming or "")
    encoding = _encoding(client_encoding or "", codec)
    why = f"standard_conforming_strings is {conforming or 'not reported'}"
    return _mode(lexis, encoding, f"{why}, client_encoding {client_encoding}")


def mysql_mode(sql_mode: str, charset: str | None, codec: str) -> LexicalMode:
    """Return the mode of a session of MySQL or MariaDB.

    `sql_mode` is as the server shows it, with all that a combination stands for;
    `charset` is its character_set_client, and `codec` the one that Python encodes by.
    """
    modes = frozenset(sql_mode.upper().split(","))
    has_ansi, is_plain = "ANSI_QUOTES" in modes, "NO_BACKSLASH_ESCAPES" in modes
    lexis: str | None = "mysql"
    if "MSSQL" in modes:  # MariaDB then quotes names by brackets
        lexis = None
    elif has_ansi:
        lexis = MYSQL_ANSI_PLAIN if is_plain else MYSQL_ANSI
    elif is_plain:
        lexis = MYSQL_PLAIN
    encoding = _encoding(charset or "", codec)
    return _mode(
        lexis, encoding, f"sql_mode is {sql_mode!r}, character_set_client {charset}"
    )


def _mode(lexis: str | None, encoding: int, why: str) -> LexicalMode:
    is_clear = lexis is not None and encoding == TRANSPARENT
    return LexicalMode(lexis, encoding, "" if is_clear else why)


def _encoding(server: str, codec: str) -> int:
    server = "".join(filter(str.isalnum, server)).lower()
    try:
        codec = codecs.lookup(codec).name
    except LookupError:
        return HIDING
    if _SAME.get(server) == codec:
        return SWALLOWING
    if codec not in _TRANSPARENT | _JAPANESE:
        return HIDING
    is_clear = server in _TRANSPARENT_ON_SERVER and codec in _TRANSPARENT
    return TRANSPARENT if is_clear else SWALLOWING


def common_mode(modes: Iterable[LexicalMode]) -> LexicalMode:
    """Return the mode of all of these sessions; where they differ, one in which a text
    is read only when they do not differ about it."""
    found = set(modes)
    if len(found) == 1:
        return found.pop()
    lexes = {mode.lexis for mode in found}
    lexis = lexes.pop() if len(lexes) == 1 else None
    encoding = max(mode.encoding for mode in found)
    return LexicalMode(lexis, encoding, "the nodes read them in different ways")


def read_in(mode: LexicalMode, sql: str, dialect: str) -> Reading | None:
    """Return how `sql`, of `dialect`, is read in `mode`: None when it cannot be.

    `scanner.shape.may_depend` is true of it.
    """
    width = NARROW if sql.isascii() else SWALLOWED if _may_swallow(sql) else WIDE
    if width and mode.encoding > _READ_BY[width]:
        return None
    has_names = dialect == "mysql" and '"' in sql
    apart = is_apart(sql, dialect)
    if mode.lexis is None and (apart or has_names):
        return None
    return Reading(mode.lexis or dialect, apart, has_names, width)


def is_apart(sql: str, dialect: str) -> bool:
    """Tell whether some mode finds the quotes of `sql`, a text of `dialect`, at other
    places than another one does."""
    if "\\" not in sql and not (dialect == "mysql" and "[" in sql):
        return False
    if len(sql) > _COMPARED:
        return True
    first, *others = _WAYS[dialect]
    parts, _ = take_apart(sql, first)
    if dialect == "mysql" and any("[" in code for code in parts[::2]):
        return True
    if any(take_apart(sql, lexis)[0] != parts for lexis in others):
        return True
    # They may agree where it begins, and not whether it ends.
    return not parts[-1] and len({scan(sql, each).fault for each in _WAYS[dialect]}) > 1


_WAYS = {
    "sqlite": ("sqlite",),
    "postgresql": ("postgresql", POSTGRESQL_ESCAPES),
    "mysql": ("mysql", MYSQL_PLAIN, MYSQL_ANSI, MYSQL_ANSI_PLAIN),
}
