"""From a text to what is left when case, accents, width and padding do not count.

Collations differ in what they call equal, and which one a column has is not known.
So everything that a usual collation may ignore is taken out: MySQL's accent- and
case-insensitive ones at their first level, and blanks at the ends.

Unicode 3.2 is a fixed table of the standard library, so that a newer Python, which
knows more characters, folds alike; characters it does not know are all one.
"""

from __future__ import annotations

import re
from unicodedata import ucd_3_2_0 as unicode

# Letters that collations call equal to others although Unicode does not decompose them.
_LETTERS = {
    ord(letter): plain
    for letter, plain in {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "ŧ": "t",
        "ı": "i",
        "ĸ": "k",
        "ŋ": "n",
        "ƀ": "b",
        "ς": "σ",
    }.items()
}
# Katakana count as hiragana.
_LETTERS.update({code: chr(code - 0x60) for code in range(0x30A1, 0x30F7)})


def collation_key(text: str) -> str:
    """Return `text` folded: one form for all that a collation may call equal."""
    if text.isascii() and text.isprintable():
        return _single_s(text.lower().strip())
    plain = text.translate(_NEWER).casefold()
    for _ in range(2):  # what is decomposed may have a case again
        plain = unicode.normalize("NFKD", plain).casefold()
    return _single_s("".join(map(_kept, plain)).translate(_LETTERS).strip())


def _kept(char: str) -> str:
    category = unicode.category(char)
    if category in _IGNORED:
        return ""
    # All letters beyond the basic plane have one weight in MySQL's older collations.
    return _ANY if category == "Cn" or char > "\uffff" else char


_IGNORED = frozenset({"Mn", "Me", "Mc", "Cf", "Cc"})
_ANY = "\ufffd"
# What Unicode 3.2 does not know yet, or knows otherwise.
_NEWER = {0x1E9E: "ss", 0xAD: "", 0x180E: "", 0x200B: ""}


def _single_s(text: str) -> str:
    """Fold ss to s: ß equals s in MySQL's general_ci and ss in other collations."""
    return _RUNS("s", text) if "ss" in text else text


_RUNS = re.compile("ss+").sub
