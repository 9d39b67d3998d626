"""The name of a cluster, by which its prepared branches are known."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

LONGEST = 16
_is_plain = re.compile(rf"\w{{1,{LONGEST}}}", re.ASCII).fullmatch


def cluster_name(databases: Iterable[str]) -> str:
    """Return the name of a cluster that was given none: the same for the same names of
    `databases`, in whichever order."""
    said = "\n".join(sorted(databases)).encode()
    return hashlib.sha256(said).hexdigest()[:12]


def is_cluster_name(text: str) -> bool:
    """Tell whether a cluster may be called `text`."""
    return bool(_is_plain(text))
