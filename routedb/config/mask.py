"""Hide passwords in whatever is about to be printed."""

from __future__ import annotations

import re

HIDDEN = "***"

# user:password@ of a URL, to the last @ before the path: a password may hold an @.
_IN_URL = re.compile(r"(://[^\s/?#:@]*):(?:[^\s/?#]|/(?=[^\s?#]*@))*@")
# password=…, passwd=…, sslpassword=… of a keyword string or of a URL's query. A value
# in single quotes may hold blanks, and \' or '' inside.
_AS_KEYWORD = re.compile(
    r"(\b(?:ssl)?pass(?:word|wd)\s*=\s*)(?:'(?:[^'\\]|\\.|'')*'?|[^\s&'\"]+)",
    re.IGNORECASE,
)
_AS_ITEM = re.compile(
    r"(['\"](?:ssl)?pass(?:word|wd)['\"]\s*:\s*)(?:'[^']*'|\"[^\"]*\")", re.IGNORECASE
)


def mask(text: str) -> str:
    """Return `text`, a DSN or a message with DSNs in it, without passwords."""
    text = _IN_URL.sub(rf"\1:{HIDDEN}@", text)
    text = _AS_KEYWORD.sub(rf"\1{HIDDEN}", text)
    return _AS_ITEM.sub(rf"\1'{HIDDEN}'", text)
