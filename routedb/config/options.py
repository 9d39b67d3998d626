"""The options of a database: words, durations and flags."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from routedb.config.document import Document, Path, suggest
from routedb.config.dsn.address import MalformedError
from routedb.config.dsn.url import read_url
from routedb.config.model import MergeConfig, PoolConfig

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_A_DURATION = 'a duration above 0 and up to a year: "500ms", "10s", "2m", "1h"'
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(kB|MB|GB)", re.IGNORECASE)
_SIZES = {"KB": 2**10, "MB": 2**20, "GB": 2**30}
_A_SIZE = 'a size of a byte or more: "64kB", "256MB", "1GB", a number of bytes'
_LONGEST_KEEPALIVE_S = 32767  # Linux, tcp(7)
_LONGEST_S = 366 * 86_400.0  # beyond it the clocks of waiting calls overflow


def read_options(
    document: Document, path: Path, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of DatabaseConfig that the database at `path` of `document`
    sets; keywords of `connect` override the document, and both `defaults`, values by
    key. Raises ConfigError."""
    settings: dict[str, Any] = {OPTIONS[key][0]: v for key, v in defaults.items()}
    for key, (field, read) in OPTIONS.items():
        for place in ((*path, key), (key,)):
            if document.value(place) is not None:
                settings[field] = read(document, place)
    if settings.get("max_lag_s") is not None:
        settings["must_know_lag"] = True
    return settings


class Word:
    """Reads one of the words that are allowed."""

    __slots__ = ("allowed",)

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed

    def __call__(self, document: Document, path: Path) -> str:
        value = document.value(path)
        document.choose(path, value, self.allowed)
        return str(value)


def _flag(document: Document, path: Path) -> bool:
    value = document.value(path)
    if not isinstance(value, bool):
        document.refuse(path, "expected true or false")
    return value


def _duration(document: Document, path: Path) -> float:
    seconds = _seconds(document.value(path))
    if seconds is None:
        document.refuse(path, f"expected {_A_DURATION}, or a number of seconds")
    return seconds


read_duration = _duration


def _limit(document: Document, path: Path) -> float | None:
    if document.value(path) == "off":
        return None
    seconds = _seconds(document.value(path))
    if seconds is None:
        document.refuse(
            path, f'expected {_A_DURATION}, a number of seconds, or "off" for no limit'
        )
    return seconds


def _keepalive(document: Document, path: Path) -> float | None:
    seconds = _limit(document, path)
    if seconds is not None and not 1 <= seconds <= _LONGEST_KEEPALIVE_S:
        document.refuse(path, "the system counts it in seconds, from 1 to 32767")
    return seconds


def _pool(document: Document, path: Path) -> PoolConfig | None:
    value = document.value(path)
    if value in ("on", "off"):
        return PoolConfig() if value == "on" else None
    if not isinstance(value, dict):
        document.refuse(path, 'expected "on", "off" or a table')
    pool = PoolConfig(**_read_table(document, path, _POOL))
    if pool.min > pool.max:
        document.refuse((*path, "min"), f"above max, which is {pool.max}")
    return pool


def _merge(document: Document, path: Path) -> MergeConfig:
    return MergeConfig(**read_merge(document, path))


def read_merge(document: Document, path: Path) -> dict[str, Any]:
    """Return the fields of MergeConfig that the table at `path` of `document` sets.
    Raises ConfigError."""
    if not isinstance(document.value(path), dict):
        document.refuse(path, "expected a table")
    return _read_table(document, path, _MERGE)


def _read_table(
    document: Document,
    path: Path,
    known: Mapping[str, tuple[str, Callable[[Document, Path], Any]]],
) -> dict[str, Any]:
    """Return the fields that the keys of the table at `path` set, which are `known`."""
    keys = document.value(path)
    for key in keys:
        if key not in known:
            allowed = f"allowed are {', '.join(known)}{suggest(key, known)}"
            document.refuse((*path, key), f"no such key; {allowed}", found=False)
    return {known[key][0]: known[key][1](document, (*path, key)) for key in keys}


def _size(document: Document, path: Path) -> int | None:
    value = document.value(path)
    if value == "off":
        return None
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        value = int(float(match[1]) * _SIZES[match[2].upper()])
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        document.refuse(path, f'expected {_A_SIZE}, or "off" for no limit')
    return value


def _rows(document: Document, path: Path) -> int | None:
    if document.value(path) == "off":
        return None
    return _count(1)(document, path)


def _name(document: Document, path: Path) -> str:
    value = document.value(path)
    if not isinstance(value, str) or not value:
        document.refuse(path, "expected the name of a node")
    return value


def _count(least: int) -> Callable[[Document, Path], int]:
    def read(document: Document, path: Path) -> int:
        value = document.value(path)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            document.refuse(path, f"expected a whole number from {least} on")
        return value

    return read


def _urls(document: Document, path: Path) -> tuple[str, ...]:
    value = document.value(path)
    if not isinstance(value, list | tuple) or not value:
        document.refuse(path, 'expected a list of addresses: ["http://db1:8008", …]')
    for number, url in enumerate(value):
        if not (isinstance(url, str) and _is_url(url)):
            document.refuse(
                (*path, number),
                "expected the address of one Patroni: http://db1:8008, or https://",
            )
    return tuple(value)


def _is_url(text: str) -> bool:
    try:
        url = read_url(text)
    except MalformedError:
        return False
    is_http = text.lower().startswith(("http://", "https://"))
    return is_http and len(url.hosts) == 1 and bool(url.hosts[0][0]) and not url.query


def _text(document: Document, path: Path) -> str:
    value = document.value(path)
    if not isinstance(value, str) or not value:
        document.refuse(path, "expected the path of a file")
    return value


def _seconds(value: object) -> float | None:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        value = float(match[1]) * _UNITS[match[2]] if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value <= _LONGEST_S else None


# Key -> the field of DatabaseConfig it sets, and what reads it.
OPTIONS: dict[str, tuple[str, Callable[[Document, Path], Any]]] = {
    "reads": ("reads", Word("replica", "writer")),
    "consistency": (
        "consistency",
        Word("session", "process", "eventual", "strong"),
    ),
    "transaction_reads": ("transaction_reads", Word("writer", "replica")),
    "begin": ("begin", Word("driver", "with-statement")),
    "read_only": ("read_only", _flag),
    "max_lag": ("max_lag_s", _limit),
    "connect_timeout": ("connect_timeout_s", _duration),
    "failover_timeout": ("failover_timeout_s", _duration),
    "retry_after": ("retry_after_s", _duration),
    "commit_check": ("commit_check", _flag),
    "keepalive": ("keepalive_s", _keepalive),
    "max_age": ("max_age_s", _limit),
    "pool": ("pool", _pool),
    "merge": ("merge", _merge),
    # Together they make up the field of that name: see discovery.py.
    "discovery": ("discovery", Word("nodes", "patroni")),
    "urls": ("urls", _urls),
    "urls_ca": ("urls_ca", _text),
}
# The same for the keys of a pool.
_POOL: dict[str, tuple[str, Callable[[Document, Path], Any]]] = {
    "min": ("min", _count(0)),
    "max": ("max", _count(1)),
    "max_idle": ("max_idle_s", _duration),
    "wait_timeout": ("wait_timeout_s", _duration),
}
# The same for the keys of `merge`.
_MERGE: dict[str, tuple[str, Callable[[Document, Path], Any]]] = {
    "max_bytes": ("max_bytes", _size),
    "max_rows": ("max_rows", _rows),
    "timeout": ("timeout_s", _limit),
    "work_node": ("work_node", _name),
    "tables_above": ("tables_above", _count(0)),
}
