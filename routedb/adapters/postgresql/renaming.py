"""An error of psycopg2 becomes that of another code."""

from __future__ import annotations

from typing import Any

import psycopg2.errors


def rename(exc: Any, code: str, text: str) -> None:
    """Make of `exc` the error with another `code` and `text`; `diag` stays the
    server's."""
    exc.__class__ = psycopg2.errors.lookup(code)
    exc.args = (text,)
    exc.__setstate__({"pgcode": code, "pgerror": f"ERROR:  {text}"})
