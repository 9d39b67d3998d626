"""From the text of a statement to what is known of it: `classify`, `Classifier`.

In comes a text and its dialect, out goes a `Statement`: its kind, the tables it names
and writes, what it does to the transaction and the session, the hints in its comments.
`scanner` takes the text apart, `parser` reads its tokens, `catalog` has the functions
and tables of each server; `split` cuts a script, `to_qmark` translates placeholders.
Nothing here connects to anything.
"""

from __future__ import annotations

from routedb.sql.classifier import Classifier, classify
from routedb.sql.lexical_mode import UNSETTLED, LexicalMode, Reading
from routedb.sql.scanner.placeholders import to_qmark
from routedb.sql.scanner.shape import Scan, scan
from routedb.sql.scanner.splitter import split
from routedb.sql.statement import (
    Hints,
    Kind,
    SessionEffect,
    Statement,
    Table,
    TxEffect,
    TxMode,
    TxStep,
)

__all__ = [
    "UNSETTLED",
    "Classifier",
    "Hints",
    "Kind",
    "LexicalMode",
    "Reading",
    "Scan",
    "SessionEffect",
    "Statement",
    "Table",
    "TxEffect",
    "TxMode",
    "TxStep",
    "classify",
    "scan",
    "split",
    "to_qmark",
]
