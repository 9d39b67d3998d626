"""Hide passwords in whatever is about to be printed.

It hides too much rather than too little: a DSN that is malformed enough to confuse its
driver (a password with @, / or a blank in it) must not show a part of it either.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from routedb import errors

HIDDEN = "***"

# A password's key, also misspelt (pasword, passwrd, pssword, pwd), and no longer than
# names are: a long word in a text must not be looked through from each of its letters.
_KEY = (
    r"\b\w{0,30}(?:p\w?ss?\w{0,2}w\w{0,4}|pass\w{0,6}|pw\w{0,4}|secret|credential\w?"
    r"|(?:token|api)_?key\w{0,2})\d?"
)
_EQUALS = r"\s*(?:=|%3d)\s*"
_COLON = r"(?::|%3a)"
_FLAGS = re.DOTALL | re.IGNORECASE
_KEY_AND_COLON = re.compile(rf"({_KEY}\s*:\s*).+", _FLAGS)
_WHOLE_URL = re.compile(r"\s*[A-Za-z][\w+.\-]*://")
_WHOLE_KEYWORDS = re.compile(r"\s*(?:\$\{)?\w+\s*=")

# A DSN alone: to the last @ there is, and from a password's key to the end.
_LOGIN_OF_DSN = re.compile(rf"(://[^:@]*?){_COLON}.*@", _FLAGS)
_KEY_OF_DSN = re.compile(rf"({_KEY}{_EQUALS}).+", _FLAGS)
# Where there is no @, what stands in the place of a port and is none.
_PORT_OF_URL = re.compile(
    rf"(://[^/?#\s:@\[]*):(?!{re.escape(HIDDEN)}|-?\d*(?:[/?#,:;)\s'\"]|$))[^/?#\s,'\"]*"
)

# A key's letters may be written as %XX.
_CODED_KEY = re.compile(r"(?<=[?&])[\w%]{1,90}(?==)")

# One word that is no URL: one whose scheme is missing or misspelt (postgresql:/u:p@h).
_LOGIN_OF_WORD = re.compile(r"([^\s:=]*):\S*@(\S*\s*)")

# A DSN somewhere in a message ends at white space.
_LOGIN_IN_TEXT = re.compile(rf"(://[^\s:@]*?){_COLON}\S*@", re.IGNORECASE)
_KEY_IN_TEXT = re.compile(
    rf"({_KEY}{_EQUALS})(?:'(?:[^'\\]|\\.|'')*'?|(?:\\.|\S)+)", re.IGNORECASE
)
_GLUED_IN_TEXT = re.compile(rf"({_KEY}:)[^\s'\"]+", re.IGNORECASE)
_ITEM_IN_TEXT = re.compile(
    rf"(['\"]{_KEY}['\"]\s*:\s*)(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")",
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """Return `text`, a DSN or a message with DSNs in it, without passwords."""
    if "%" in text:
        text = _CODED_KEY.sub(lambda found: unquote(found[0]), text)
    if "://" in text:
        return _PORT_OF_URL.sub(rf"\1:{HIDDEN}", _mask(text))
    return _mask(text)


def _mask(text: str) -> str:
    if _WHOLE_URL.match(text):
        text = _LOGIN_OF_DSN.sub(rf"\1:{HIDDEN}@", text)
        return _KEY_OF_DSN.sub(rf"\1{HIDDEN}", text)
    if _WHOLE_KEYWORDS.match(text):
        return _KEY_OF_DSN.sub(rf"\1{HIDDEN}", text)
    if login := _LOGIN_OF_WORD.fullmatch(text):
        return f"{login[1]}:{HIDDEN}@{login[2]}"
    text = _LOGIN_IN_TEXT.sub(rf"\1:{HIDDEN}@", text)
    text = _KEY_IN_TEXT.sub(rf"\1{HIDDEN}", text)
    text = _GLUED_IN_TEXT.sub(rf"\1{HIDDEN}", text)
    return _ITEM_IN_TEXT.sub(rf"\1'{HIDDEN}'", text)


def mask_name(name: str) -> str:
    """Return what stands where a name belongs, a key or the path of a file, without
    passwords: it may be a DSN that was put in the wrong place."""
    return _KEY_AND_COLON.sub(rf"\1{HIDDEN}", mask(name))


def config_error(text: str) -> errors.ConfigError:
    """Return the error with this text, without passwords, as text that can be
    printed. All that is said about a configuration passes here."""
    shown = mask(text).encode("utf-8", "backslashreplace").decode()
    return errors.ConfigError(shown)


def is_secret_key(key: str) -> bool:
    """Tell whether what stands under this key is a password, or another secret."""
    said = f"{key}=…"
    return mask(said) != said
