"""What is quoted in other ways than '…', and names with digits, in long rows."""

from __future__ import annotations

import re

# Digits of names, as bytes that UTF-8 never has, and one before those of a parameter.
_KEPT = bytes(range(0xF5, 0xFF))
_APART = b"\xff"
_KEEP = bytes.maketrans(b"0123456789", _KEPT)
_GIVE_BACK = bytes.maketrans(_KEPT, b"0123456789")
_MOST_NAMES = 12
_SAMPLE = 4_000
_NAMES = re.compile(rb"(?<![\w$@])(?<!%\()(?<![^:]:)[A-Za-z_]\w*").findall
_HAS_DIGIT = re.compile(rb"\d").search
_PARAMETERS = {
    "postgresql": re.compile(rb"(%\([A-Za-z_]+)\d+\)s").findall,
    "mysql": re.compile(rb"(%\([A-Za-z_]+)\d+\)s").findall,
    "sqlite": re.compile(rb"(%\([A-Za-z_]+(?=\d+\)s)|[:@][A-Za-z_]+(?=\d))").findall,
}

# As `patterns` are written: first a set, then what began. Each ends at its end or that
# of the text, and is tried once. Comments in comments are not read here.
_COMMENT = r"(?<=/)\*[^*/]*(?:(?:\*(?!/)|/(?!\*))[^*/]*)*(?:\*/|\Z)"
_STANDARD = r"(?<=')[^']*(?:'|\Z)"
_OTHERS = {
    "postgresql": re.compile(
        rf"(['$/-](?:{_STANDARD}|{_COMMENT}|(?<=-)-[^\n\r]*"
        r"|(?<=\$)(?<![\w$\x80-\U0010ffff].)\$[^$]*(?:\$\$|\Z)))"
    ).split,
    "mysql": re.compile(
        r"""(['"/#-](?:(?<=')[^'\\]*(?:\\[\s\S][^'\\]*)*(?:'|\\?\Z)"""
        r'|(?<=")[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|\\?\Z)'
        rf"|{_COMMENT}|(?<=#)[^\n]*|(?<=-)-(?=[\x00-\x20])[^\n]*))"
    ).split,
    "sqlite": re.compile(rf"(['/-](?:{_STANDARD}|{_COMMENT}|(?<=-)-[^\n]*))").split,
}
_SPECIAL = re.compile(r"routedb:|/\*(?:M?!|\+)|\x03").search
_HINTS = {
    "postgresql": ("/*", "--", "$$"),
    "mysql": ('"', "/*", "--", "#"),
    "sqlite": ("/*", "--"),
}


def one_kind(text: str, dialect: str) -> str | None:
    """Return `text`, of `dialect`, with all strings empty and without comments; None
    when it has none but '…', or one that may mean something."""
    if not any(hint in text for hint in _HINTS[dialect]) or _SPECIAL(text):
        return None
    if dialect == "postgresql" and "\\'" in text:
        return None
    parts = _OTHERS[dialect](f"{text},")
    if not parts[-1]:  # something is not closed
        return None
    parts[1::2] = ["''" if part[0] in "'\"$" else " " for part in parts[1::2]]
    return "".join(parts)[:-1]


def protected_names(data: bytes, dialect: str) -> dict[bytes, bytes]:
    """Return names with digits that stand in `data`, of `dialect`, outside '…', and how
    to write them without; also what begins numbered parameters."""
    code = b"''".join(data[:_SAMPLE].split(b"'")[::2])
    found = {name: name.translate(_KEEP) for name in _NAMES(code) if _HAS_DIGIT(name)}
    found |= {begin: begin + _APART for begin in _PARAMETERS[dialect](code)}
    ordered = sorted(found, key=len, reverse=True)
    return {name: found[name] for name in ordered[:_MOST_NAMES]}


def unprotected(data: bytes) -> bytes:
    """Write in `data` the names with their digits."""
    return data.translate(_GIVE_BACK, _APART)
