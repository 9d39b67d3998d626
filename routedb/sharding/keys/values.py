"""From a key's value to its canonical bytes: what is equal in the column is equal here.

A column compares in its own type: 1, '1' and Decimal('1.0') are one key to an integer
column. The type of the column is not known unless `key_type` declares it; then the
canonical form is coarse, so that whatever any type calls equal becomes the same bytes.
That different values meet in one form is harmless: they share a shard. The forms are
defined in docs/sharding.rst; changing one moves rows, and so is a breaking change.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from operator import index

from routedb.sharding.keys.collation import collation_key


class BadKeyValue(Exception):  # noqa: N818  (becomes a ShardError where the table is known)
    """A value that cannot be a key. Says the Python type and why, never the value."""


_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,6})?").fullmatch
_BASED = re.compile(r"[+-]?0(?:x[0-9a-f]+|o[0-7]+|b[01]+)").fullmatch
_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[t ]+(\d{1,2}:\d\d(?::\d\d)?)(?:\.(\d+))?(?: ?(z|[+-]\d\d(?::?\d\d)?))?)?"
).fullmatch
_UUID = re.compile(r"[0-9a-f]{4}(?:-?[0-9a-f]{4}){7}").fullmatch
_ESCAPED_BYTES = re.compile(r"\\x((?:[0-9a-f]{2})*)", re.IGNORECASE).fullmatch


def canonical(value: object, key_type: str | None = None) -> bytes:
    """Return the canonical form of `value`, a key that is not NULL.

    Keys that a server calls equal have one form. `key_type` is the rule's, None when it
    says none. Raises BadKeyValue for what cannot be a key of that type.
    """
    if type(value) is int and (key_type is None or key_type == "integer"):
        return b"i%d" % value
    if type(value).__module__ == "numpy":
        value = _plain_of(value)
    return _FORMS[key_type](value)


def integer_of(form: bytes) -> int:
    """Return the integer that a canonical form stands for. Raises BadKeyValue."""
    if form[:1] != b"i":
        raise BadKeyValue("is no integer")
    return int(form[1:])


def _plain_of(value: object) -> object:
    """Return the Python value inside a numpy scalar, which is no subclass of it."""
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def _coarse(value: object) -> bytes:
    for kind, form in _COARSE.items():
        if isinstance(value, kind):
            return form(value)
    return b"i%d" % _index(value)


def _index(value: object) -> int:
    try:
        return index(value)  # type: ignore[arg-type]  # the question is whether it can
    except TypeError:
        raise BadKeyValue("is of no type that keys have") from None


def _coarse_text(value: str) -> bytes:
    escaped = _ESCAPED_BYTES(value)
    if escaped:
        return _coarse_bytes(bytes.fromhex(escaped[1]))
    text = collation_key(value)
    if text[:1] in _MAY_BE_NUMBER and (_NUMBER(text) or _BASED(text)):
        return _whole(_decimal(text))
    day = _DATE(text)
    if day:
        return _coarse_day(day)
    return _coarse_uuid(text) or b"t" + text.encode("utf-8", "surrogatepass")


_MAY_BE_NUMBER = frozenset("+-.0123456789")


def _coarse_bytes(value: bytes | bytearray | memoryview) -> bytes:
    raw = bytes(value)
    try:
        return _coarse_text(raw.decode())
    except UnicodeDecodeError:
        return b"b" + raw


def _coarse_uuid(text: str) -> bytes | None:
    """Return one form for every spelling of a UUID; it may look like a number."""
    bare = text.removeprefix("urn:uuid:")
    if bare[:1] == "{" and bare[-1:] == "}":
        bare = bare[1:-1]
    if not _UUID(bare):
        return None
    digits = bare.replace("-", "")
    return _whole(_decimal(digits)) if _NUMBER(digits) else b"t" + digits.encode()


def _coarse_day(found: re.Match[str]) -> bytes:
    """Return the day alone, as its digits: a column of dates would drop the time, and
    takes '20240102' too, which looks like a number."""
    if found[6]:
        raise BadKeyValue("is a time with a zone; declare key_type")
    if found[5] and found[5].strip("0"):
        raise BadKeyValue(
            "has a fraction of a second, which columns round; declare key_type"
        )
    return b"i" + _iso_day(found).replace(b"-", b"").lstrip(b"0")


def _iso_day(found: re.Match[str]) -> bytes:
    try:
        day = dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return b"%s-%s-%s" % tuple(found[n].encode() for n in (1, 2, 3))
    return day.isoformat().encode()


def _coarse_number(value: float | Decimal) -> bytes:
    return _whole(value if isinstance(value, Decimal) else _of_float(value))


def _of_float(value: float) -> Decimal:
    """Return what a float was written as. A large one may equal several integers."""
    if _EXACT < abs(value) < float("inf"):
        raise BadKeyValue("is too large to be exact; pass an int or a Decimal")
    return Decimal(repr(float(value)))


_EXACT = 2.0**53


def _whole(number: Decimal) -> bytes:
    """Return the form of an integer, however it was written."""
    if not number.is_finite():
        raise BadKeyValue("is not finite; declare key_type")
    form = _number_form(number)
    if form[:1] != b"i":
        raise BadKeyValue("is no whole number, and columns round; declare key_type")
    return form


def _number_form(number: Decimal) -> bytes:
    """Return digits and exponent without trailing zeros: 1.50 and 1.5 are one."""
    if not number.is_finite():
        return b"nnan" if number.is_nan() else b"n%s" % str(number).lower().encode()
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    bare = text.rstrip("0")
    exponent += len(text) - len(bare)
    if not bare:
        return b"i0"
    minus = "-" if sign else ""
    if exponent < 0:
        return f"n{minus}{bare}e{exponent}".encode()
    if exponent > _MOST_ZEROS:
        raise BadKeyValue("is larger than any column's number")
    return f"i{minus}{bare}{'0' * exponent}".encode()


_MOST_ZEROS = 100_000


def _decimal(text: str) -> Decimal:
    try:
        if _BASED(text):
            return Decimal(int(text, 0))
        return Decimal(text.replace("_", ""))
    except (InvalidOperation, ValueError):
        raise BadKeyValue("is no number") from None


def _text_of(value: object) -> str | None:
    """Return text, or bytes that are text, as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return None
    return None


def _numeric(value: object) -> bytes:
    if isinstance(value, float):
        return _number_form(_of_float(value))
    if isinstance(value, Decimal):
        return _number_form(value)
    text = _text_of(value)
    if text is None:
        return b"i%d" % _index(value)
    return _number_form(_decimal(collation_key(text)))


def _integer(value: object) -> bytes:
    form = _numeric(value)
    if form[:1] != b"i":
        raise BadKeyValue("is no whole number")
    return form


def _text(value: object) -> bytes:
    if isinstance(value, (dt.date, uuid.UUID)):
        value = str(value)
    text = _text_of(value)
    if text is None:
        raise BadKeyValue("is no text")
    return b"t" + collation_key(text).encode("utf-8", "surrogatepass")


def _uuid(value: object) -> bytes:
    if isinstance(value, uuid.UUID):
        value = value.hex
    elif isinstance(value, (bytes, bytearray, memoryview)) and len(bytes(value)) == 16:  # noqa: PLR2004
        value = bytes(value).hex()
    text = _text_of(value)
    form = _coarse_uuid(collation_key(text)) if text is not None else None
    if form is None:
        raise BadKeyValue("is no UUID")
    return form


def _date(value: object) -> bytes:
    found = _moment(value)
    return b"t" + _iso_day(found)


def _timestamp(value: object) -> bytes:
    found = _moment(value)
    fraction = (found[5] or "").rstrip("0")
    if len(fraction) > 6:  # noqa: PLR2004
        raise BadKeyValue("has more than microseconds")
    clock = found[4] or "0:00"
    hour, minute, second = (*clock.split(":"), "0")[:3]
    time = f"{int(hour):02}:{minute}:{int(second):02}"
    tail = f".{fraction}" if fraction else ""
    return b"t" + _iso_day(found) + f" {time}{tail}".encode()


def _moment(value: object) -> re.Match[str]:
    text = value.isoformat() if isinstance(value, dt.date) else _text_of(value)
    found = _DATE(collation_key(text)) if text is not None else None
    if found is None:
        raise BadKeyValue("is no date")
    if found[6]:
        raise BadKeyValue(
            "is a time with a zone: which one it is depends on the session"
        )
    return found


def _boolean(value: object) -> bytes:
    word = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    if word not in _BOOLEANS:
        raise BadKeyValue("is no boolean")
    return _BOOLEANS[word]


_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), b"i1"),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), b"i0"),
}


def _bytes(value: object) -> bytes:
    if isinstance(value, str):
        escaped = _ESCAPED_BYTES(value)
        if escaped:
            return b"b" + bytes.fromhex(escaped[1])
        if "\\" in value:
            raise BadKeyValue("writes bytes with backslashes; pass bytes")
        return b"b" + value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b"b" + bytes(value)
    raise BadKeyValue("is no bytes")


# Most special first: bool is an int, datetime a date.
_COARSE: dict[type | tuple[type, ...], Callable[..., bytes]] = {
    int: lambda value: b"i%d" % value,
    str: _coarse_text,
    (float, Decimal): _coarse_number,
    (bytes, bytearray, memoryview): _coarse_bytes,
    uuid.UUID: _uuid,
    dt.date: lambda value: _coarse_day(_moment(value)),
}
_FORMS: dict[str | None, Callable[[object], bytes]] = {
    None: _coarse,
    "integer": _integer,
    "numeric": _numeric,
    "text": _text,
    "uuid": _uuid,
    "date": _date,
    "timestamp": _timestamp,
    "boolean": _boolean,
    "bytes": _bytes,
}
