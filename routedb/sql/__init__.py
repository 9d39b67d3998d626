"""From the text of a statement to what is known of it: `classify`, `Classifier`.

In comes a text with its dialect; out goes a `Statement`: kind, tables, what it does to
the transaction and the session, hints. `scanner` takes the text apart, `parser` reads
its tokens, `catalog` knows the servers' functions. No configuration, no I/O.
"""

from __future__ import annotations

from routedb.sql.classifier import Classifier, classify
from routedb.sql.scanner.placeholders import to_qmark
from routedb.sql.scanner.shape import Scan, scan
from routedb.sql.scanner.split_script import split
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
    "Classifier",
    "Hints",
    "Kind",
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
