"""Take statements out of the literals of a program in Python, or of a file of lines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_IS_STATEMENT = re.compile(
    r"\s*\(*\s*(?:select|with|values|insert|update|delete|merge|replace|create|alter"
    r"|drop|truncate|explain|describe|show|set|begin|commit|rollback|grant|revoke"
    r"|analyze|comment|copy|call|execute|lock|pragma|attach|detach|vacuum|table)\b\s*\S",
    re.IGNORECASE,
).match


def texts(content: bytes) -> Iterator[str]:
    """Yield the literals of a program that begin as statements do."""
    for node in ast.walk(ast.parse(content)):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and _IS_STATEMENT(value):
            yield value.strip().rstrip(";")


def lines(content: bytes) -> Iterator[str]:
    """Yield the lines of a file that has one statement on each."""
    for line in content.decode("utf-8", "replace").splitlines():
        if text := line.strip().rstrip(";"):
            yield text
