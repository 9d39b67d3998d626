"""Names that are more than a word in quotes: PostgreSQL's U&"…", MySQL's variables."""

from __future__ import annotations

import re


def unicode_name(text: str) -> str:
    """Read PostgreSQL's U&"…", with the escape character that UESCAPE says."""
    quoted, _, escape = text[3:].rpartition('"')
    mark = re.escape(escape[-2] if escape else "\\")
    found = re.sub(
        rf"{mark}(?:\+([0-9a-fA-F]{{6}})|([0-9a-fA-F]{{4}})|({mark}))",
        lambda match: match[3] or _character(int(match[1] or match[2], 16)),
        quoted.replace('""', '"'),
    )
    # Two surrogates are one character.
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(code: int) -> str:
    return chr(code) if code <= 0x10FFFF else "\ufffd"


def variable(text: str) -> tuple[str, bool]:
    """Read MySQL's `@name` or `@@scope.name`, whose words may stand in quotes.

    Returns the name, and whether it is the server's. Of a string nothing is left in a
    shape: the name of a variable that is called by one is "".
    """
    if text.startswith("@@"):
        return text[2:].replace("`", "").replace(" ", ""), True
    name = text[1:]
    if name[:1] == "`":
        name = name[1:-1].replace("``", "`")
    return "" if name[:1] in ("'", '"') else name, False
