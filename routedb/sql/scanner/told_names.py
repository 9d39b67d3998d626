"""Whether a text of PostgreSQL's tells the names that it sets.

A setting of the user's own (`my.tenant`) is in no catalog: which there are is known
from the names in texts alone. One that is put together by the server is not.
"""

from __future__ import annotations

import re

# Of shapes, where literals are masked, but for bodies, which are literals.
_VALUE = r"(?:''|%s|%\(\w+\)s|\$\d+)"
_NAME = rf"(?:{_VALUE}|(?:upper|lower|concat) ?\( ?{_VALUE} ?\))(?: ?:: ?\w+)?"
_CALLS = re.compile(r"\bset_config\b", re.IGNORECASE).findall
_TOLD = re.compile(rf'\bset_config"? ?\( ?{_NAME} ?,', re.IGNORECASE).findall
_TOLD_INSIDE = re.compile(r"\bset_config\s*\(\s*'[^']+'\s*,", re.IGNORECASE).findall
# Of texts: one to which nothing is added.
_ALONE = re.compile(
    r"\bset_config\s*\(\s*concat\s*\(\s*'[^']+'(?:\s*,\s*'')+\s*\)\s*,", re.IGNORECASE
).findall
_RUNS_TEXTS = re.compile(r"\bexecute\b", re.IGNORECASE).search
_ARGUMENT = r"(?:''|-?0|%s|%\(\w+\)s|null|true|false)"
_EXECUTE = re.compile(
    rf'EXECUTE ("[^"]*"|\w+)( ?\( ?{_ARGUMENT}(?: ?, ?{_ARGUMENT})* ?\))? ?;?',
    re.IGNORECASE,
).fullmatch


def tells_names(shape: str, source: str) -> bool:
    """Tell whether the name in each set_config() of the text `source`, of this `shape`,
    is a literal or a parameter, with nothing added."""
    told, calls = len(_TOLD(shape)), len(_CALLS(shape))
    return told == calls or told + len(_ALONE(source)) == calls


def tells_values(shape: str) -> bool:
    """Tell whether an EXECUTE of this `shape` has nothing but values in it."""
    return _EXECUTE(shape) is not None


def body_tells_names(body: str) -> bool:
    """Tell whether `body`, of a DO, has each name that it sets as it is."""
    told = len(_TOLD_INSIDE(body)) == len(_CALLS(body))
    return told and not _RUNS_TEXTS(body)
