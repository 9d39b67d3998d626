"""MySQL's executable comments, `/*!50100 … */` and `/*M!100100 … */`, in a shape.

Which of them a server runs depends on its version, and that is not known here. Only
those without a version, or of version 0, are code everywhere, and those of version
999999 are code nowhere.
"""

from __future__ import annotations

import re

_ANY = re.compile(r"/\*M?!\d*(.*?)(?:\*/|\Z)", re.DOTALL).sub
_ALWAYS = re.compile(r"/\*!(?:0{5,6})?(?!\d)(.*?)(?:\*/|\Z)", re.DOTALL).sub
_NEVER = re.compile(r"/\*M?!999999(?!\d).*?(?:\*/|\Z)", re.DOTALL).sub
_CONDITIONS = re.compile(r"/\*M?!\d*").findall


def settled(shape: str) -> str:
    """Return `shape` without the comments that do not depend on the server."""
    return _ALWAYS(r" \1 ", _NEVER(" ", shape))


def variants(shape: str) -> tuple[str, str]:
    """Return the text of MySQL with what its executable comments hold, and without."""
    shape = settled(shape)
    return _ANY(r" \1 ", shape), _ANY(" ", shape)


def is_mixed(shape: str) -> bool:
    """Tell whether some servers would run a part of the executable comments only."""
    return len(set(_CONDITIONS(settled(shape)))) > 1
