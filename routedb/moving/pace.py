"""How fast a move may copy, as its user has said."""

from __future__ import annotations

import re
from dataclasses import dataclass

from routedb import errors

CHUNK_ROWS = 50_000
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(k|m|g)?(b)?", re.I)
_LOAD = re.compile(r"(?:(sessions|lag)\s*=\s*)?(\d+(?:\.\d+)?)\s*(s)?", re.I)
_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


@dataclass(frozen=True, slots=True)
class Pace:
    """How a table is copied; None is no bound."""

    chunk_rows: int = CHUNK_ROWS
    threads: int = 1
    rows_per_s: float | None = None
    bytes_per_s: float | None = None
    most_sessions: float | None = None  # active ones at a writer of the source
    most_lag_s: float | None = None  # of a replica of the source

    @property
    def rows(self) -> int:
        """How many rows are copied at once: no more than a second's."""
        most = self.rows_per_s
        return (
            self.chunk_rows if most is None else max(1, min(self.chunk_rows, int(most)))
        )


def pace_of(
    chunk_rows: int = CHUNK_ROWS, parallel: int = 1, rate: str = "", max_load: str = ""
) -> Pace:
    """Return what `chunk_rows`, `parallel`, `rate` and `max_load` of `routedb move
    start` say. Raises ConfigError."""
    if chunk_rows < 1 or parallel < 1:
        raise errors.ConfigError("chunk_rows and parallel are 1 or more")
    rows, size = _rate(rate)
    sessions, lag = _load(max_load)
    return Pace(chunk_rows, parallel, rows, size, sessions, lag)


def _rate(text: str) -> tuple[float | None, float | None]:
    if not text.strip():
        return None, None
    found = _RATE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise errors.ConfigError(
            f"rate is rows a second, as 20000 or 20k, or bytes, as 10MB; not {text!r}"
        )
    value = float(found[1]) * _SIZES[(found[2] or "").lower()]
    return (None, value) if found[3] else (value, None)


def _load(text: str) -> tuple[float | None, float | None]:
    said: dict[str, float] = {}
    for part in text.split(",") if text.strip() else ():
        found = _LOAD.fullmatch(part.strip())
        if found is None:
            raise errors.ConfigError(
                "max_load is a number of active sessions, or sessions=20,lag=5s; not "
                f"{text!r}"
            )
        said[(found[1] or ("lag" if found[3] else "sessions")).lower()] = float(
            found[2]
        )
    return said.get("sessions"), said.get("lag")
