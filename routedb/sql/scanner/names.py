"""The names that a text may use, whatever they stand for there: for who wants to miss
none of them, and can take some that are none."""

from __future__ import annotations

import re
from string import ascii_uppercase

# Each begins where no other can have begun, or long runs would be read many times.
_QUOTED = r'(?<!")"((?:[^"]|"")+)"|(?<!`)`((?:[^`]|``)+)`|(?<!\[)\[([^\[\]]+)\]'
_BARE = r"(?<![\w$])([^\W\d][\w$]*)"
_names = re.compile(f"{_QUOTED}|{_BARE}").findall
_words = re.compile(_BARE).findall
_calls = re.compile(rf"(?:{_QUOTED}|{_BARE})\s*\(").findall

# Servers lower ASCII letters only where others are not of the database's locale.
_ASCII_LOWER = {ord(letter): letter.lower() for letter in ascii_uppercase}


def names_in(text: str) -> set[str]:
    """Return the names and words of `text`, each as it is spelt and in lower case; what
    stands in quotes, as a whole and word by word."""
    return _spellings([*_names(text), *((word,) for word in _words(text))])


def calls_in(text: str) -> set[str]:
    """Return the names in `text` that a parenthesis follows, spelt as in `names_in`."""
    return _spellings(_calls(text))


def _spellings(found: list[tuple[str, ...]]) -> set[str]:
    names = {
        part.replace('""', '"').replace("``", "`") for parts in found for part in parts
    }
    names.discard("")
    lower = {name.lower() for name in names}
    return names | lower | {name.translate(_ASCII_LOWER) for name in names}
