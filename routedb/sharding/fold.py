"""From a text to what is left when case, accents, width and padding do not count.

Collations differ in what they call equal, and which one a column has is not known.
So everything that a usual collation may overlook is taken out: MySQL's accent- and
case-insensitive ones at their first level, and blanks at the ends.
"""

from __future__ import annotations

import unicodedata

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


def fold(text: str) -> str:
    """Return `text` folded: one form for all that a collation may call equal."""
    if text.isascii():
        return text.lower().strip()
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = unicodedata.normalize("NFKD", plain)
    kept = "".join(c for c in plain if unicodedata.category(c) not in _OVERLOOKED)
    # All letters beyond the basic plane have one weight in MySQL's older collations.
    flat = "".join(c if c <= "\uffff" else "\ufffd" for c in kept)
    return flat.translate(_LETTERS).strip()


_OVERLOOKED = frozenset({"Mn", "Me", "Mc", "Cf", "Cc"})
