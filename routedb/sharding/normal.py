"""Bring a key's value to one form, so that equal keys are always on one shard.

The rule: values that the column holds to be equal get the same form. Values that differ
may share a form too; that costs nothing but a less even spread. So text is folded
further than any usual collation folds it, and where that cannot be certain the value
is refused rather than guessed (PITFALLS 1 and 2).
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Hashable
from decimal import Context, Decimal
from numbers import Real
from operator import index
from unicodedata import ucd_3_2_0 as ucd

Form = Hashable  # int, Decimal, str or a date: what functions hash or compare


class Unfit(ValueError):
    """A value has no certain form. The message says what was expected."""


def normalise(value: object, type_: str | None) -> Form:
    """Return the form of `value` as a key of `type_`; None means not declared.

    Raises Unfit. NULL has no form: the caller decides what it means.
    """
    if type(value) is int and type_ in _TAKE_INT:
        return value
    try:
        convert = _BY_TYPE[type_]
    except KeyError:
        known = ", ".join(str(name) for name in _BY_TYPE if name)
        raise Unfit(f"one of the key types {known}, not {type_!r}") from None
    return convert(_plain(value))


_TAKE_INT = frozenset({"integer", "numeric"})
# An integer has few digits; 10 ** 999999999 would fill the memory.
_LONGEST_NUMBER = 60
_WIDE = Context(prec=1000)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
# Floats above this may stand for several integers, and a server may compare an integer
# column with one as floats.
_EXACT_FLOAT = 2**53
_DIGITS_FIRST = re.compile(r"[+-]?\.?\d", re.ASCII).match
_UUID = re.compile(r"\{?(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}\}?", re.IGNORECASE).fullmatch
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?)?", re.ASCII
).fullmatch
UNSIGNED_64 = 2**64


def _plain(value: object) -> object:
    """Turn look-alikes of Python's own types (numpy's, memoryview, enums) into them."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (Decimal, dt.date, uuid.UUID)):
        return value
    try:
        return index(value)  # type: ignore[arg-type]  # asked of any object
    except TypeError:
        pass
    return float(value) if isinstance(value, Real) else value


def _number(value: object) -> Decimal | int:
    """Read an exact number, or raise Unfit."""
    if isinstance(value, bytes):
        value = _ascii(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not abs(value) < _EXACT_FLOAT:  # also NaN and infinities
            raise Unfit("a number that a float holds exactly")
        return _exact(Decimal(repr(value)))
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip(" \t\n\r\f\v")):
        return _exact(Decimal(value.strip()))
    if isinstance(value, Decimal):
        return _exact(value)
    raise Unfit("a number")


def _exact(value: Decimal) -> Decimal | int:
    digits = value.as_tuple().digits
    if (
        not value.is_finite()
        or abs(value.adjusted()) > _LONGEST_NUMBER
        or len(digits) > _WIDE.prec
    ):
        raise Unfit("a finite number of at most 60 digits")
    whole = int(value)
    return whole if whole == value else value.normalize(_WIDE)


def _integer(value: object) -> int:
    number = _number(value)
    if not isinstance(number, int):
        raise Unfit("a whole number")
    return number


def _numeric(value: object) -> Form:
    number = _number(value)
    if isinstance(value, float) and not isinstance(number, int):
        raise Unfit("an exact number: a Decimal instead of a float")
    return number


def fold(text: str) -> str:
    """Return `text` without what collations may ignore: case, accents, width, padding.

    Unicode 3.2 is a fixed table of the standard library, so that a newer Python, which
    knows more characters, folds alike. Characters it does not know are dropped.
    """
    return _bare(text).casefold().rstrip(" ")


def _bare(text: str) -> str:
    """Drop accents, control characters and width."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        for char in ucd.normalize("NFKD", text)
        if ucd.category(char)[0] not in "CM"
    )


def _text(value: object) -> str:
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise Unfit("text") from None
    if isinstance(value, uuid.UUID):
        value = str(value)
    if not isinstance(value, str):
        raise Unfit("text: a server may find other rows for a number than for its text")
    return fold(value)


def _uuid(value: object) -> str:
    if isinstance(value, bytes):
        value = _ascii(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, str) and _UUID(value.strip()):
        return str(uuid.UUID(value.strip()))
    raise Unfit("a UUID")


def _date(value: object) -> dt.date:
    moment = _moment(value, "a date")
    if moment.time() != dt.time():
        raise Unfit("a date without a time of day")
    return moment.date()


def _timestamp(value: object) -> dt.datetime:
    return _moment(value, "a date and time without a zone")


def _moment(value: object, wanted: str) -> dt.datetime:
    if isinstance(value, bytes):
        value = _ascii(value)
    if isinstance(value, str):
        if not _ISO(value.strip()):
            raise Unfit(f"{wanted} as YYYY-MM-DD HH:MM:SS.ffffff")
        value = _from_iso(value.strip(), wanted)
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            raise Unfit(f"{wanted}: the zone of the column is not known")
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    raise Unfit(wanted)


def _from_iso(text: str, wanted: str) -> dt.datetime:
    """Read what `_ISO` has matched; Python 3.10 needs six digits of a fraction."""
    day, _, rest = text.replace("T", " ").partition(" ")
    clock, _, fraction = (rest or "00:00").partition(".")
    try:
        return dt.datetime.fromisoformat(f"{day} {clock}").replace(
            microsecond=int((fraction or "0").ljust(6, "0"))
        )
    except ValueError:
        raise Unfit(wanted) from None


_TRUTHS = dict.fromkeys(("t", "true", "y", "yes", "on", "1"), 1) | dict.fromkeys(
    ("f", "false", "n", "no", "off", "0"), 0
)


def _boolean(value: object) -> int:
    if isinstance(value, str) and fold(value).strip() in _TRUTHS:
        return _TRUTHS[fold(value).strip()]
    if isinstance(value, int) and value in (0, 1):
        return int(value)
    raise Unfit("true or false")


def _bytes(value: object) -> str:
    """Text is refused: PostgreSQL undoes escapes in it, MySQL takes it as it is."""
    if not isinstance(value, bytes):
        raise Unfit("bytes")
    return value.hex()


def _undeclared(value: object) -> Form:
    """Give values of any one kind a form: whole numbers, UUIDs, ISO dates, text.

    It takes for granted that the keys of one column are of one kind. Wherever the type
    of the column could matter, the type has to be declared.
    """
    if isinstance(value, bytes):
        value = _ascii(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, str):
        return _undeclared_text(value)
    if isinstance(value, dt.date):
        return _day(_moment(value, "a date"))
    if not isinstance(value, (int, float, Decimal)):
        raise Unfit("a whole number, a UUID, a date, or text")
    number = _integer(value)
    if abs(number) >= UNSIGNED_64:
        raise Unfit("a whole number of 64 bits")
    return number


def _undeclared_text(text: str) -> Form:
    folded = fold(text)
    bare = folded.strip()
    if _UUID(bare):
        return str(uuid.UUID(bare))
    if _ISO(bare):
        return _day(_moment(bare.upper(), "a date"))
    if _NUMBER.fullmatch(bare):
        return _undeclared(_number(bare))
    if _DIGITS_FIRST(bare):
        raise Unfit("a whole number, a UUID, a date as YYYY-MM-DD, or text")
    if not _bare(text).isascii():  # "ß" folds to "ss", and equals "s" on MySQL
        raise Unfit("text of a type that is declared, as some of its characters are")
    return folded


def _day(moment: dt.datetime) -> str:
    """Dates and timestamps agree on the day, unless a fraction is rounded up."""
    if moment.microsecond and moment.time() >= dt.time(23, 59, 59):
        raise Unfit("a time that no column rounds to the next day")
    return moment.date().isoformat()


def _ascii(value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise Unfit("text, or bytes of a declared type") from None


_BY_TYPE: dict[str | None, Callable[[object], Form]] = {
    None: _undeclared,
    "integer": _integer,
    "numeric": _numeric,
    "text": _text,
    "uuid": _uuid,
    "date": _date,
    "timestamp": _timestamp,
    "boolean": _boolean,
    "bytes": _bytes,
}
KEY_TYPES = tuple(name for name in _BY_TYPE if name is not None)

