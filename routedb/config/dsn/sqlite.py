"""SQLite, as SQLAlchemy writes it: three slashes relative, four absolute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from routedb.config.document import suggest
from routedb.config.dsn.address import Address, MalformedError
from routedb.config.dsn.url import read_query

MEMORY = ":memory:"

# What SQLite itself reads from a file's URI (sqlite.org, Uniform Resource Identifiers).
_URI = ("mode", "cache", "immutable", "nolock", "psow", "vfs")
_MODES = ("ro", "rw", "rwc", "memory")
_TRUE = frozenset({"1", "true", "yes", "on"})


def _is_true(text: str) -> bool:
    return text.lower() in _TRUE


# Keywords of sqlite3.connect.
_KEYWORDS: dict[str, Callable[[str], Any]] = {
    "timeout": float,
    "detect_types": int,
    "cached_statements": int,
    "check_same_thread": _is_true,
}


def read_sqlite(dsn: str) -> Address:
    """Read a URL. Without a path, or with :memory:, the database is in memory."""
    path, _, query = dsn.partition("://")[2].partition("?")
    if path and not path.startswith("/"):
        raise MalformedError(
            "SQLite has no host; write sqlite:///relative.db, sqlite:////absolute.db, "
            "or sqlite:///:memory:"
        )
    path = path[1:] or MEMORY
    said = dict(read_query(query))
    is_uri = _is_true(said.pop("uri", "")) or path.startswith("file:")
    uri = {k: v for k, v in said.items() if k in _URI or _is_own(k, is_uri)}
    options = {k: _keyword(k, v) for k, v in said.items() if k not in uri}
    _check_mode(uri, path)
    is_read_only = uri.get("mode") == "ro" or _is_true(uri.get("immutable", ""))
    return Address(
        "sqlite",
        dsn,
        {"name": unquote(path).removeprefix("file:")},
        {**options, **_file(path, uri, is_uri)},
        is_read_only,
    )


def _is_own(key: str, is_uri: bool) -> bool:
    """A file: URI may carry parameters of the application's own VFS."""
    return is_uri and key not in _KEYWORDS


def _keyword(key: str, value: str) -> Any:
    if key not in _KEYWORDS:
        allowed = sorted({*_URI, *_KEYWORDS, "uri"})
        raise MalformedError(
            f"unknown option; allowed are {', '.join(allowed)}{suggest(key, allowed)}"
        )
    try:
        return _KEYWORDS[key](value)
    except ValueError:
        raise MalformedError(f"option {key} is a number") from None


def _check_mode(uri: Mapping[str, str], path: str) -> None:
    mode = uri.get("mode", "rwc")
    if mode not in _MODES:
        raise MalformedError(f"option mode is one of {', '.join(_MODES)}")
    if path == MEMORY and mode in ("ro", "rw"):
        raise MalformedError(
            f"option mode={mode} needs a file; write sqlite:///file.db?mode={mode}"
        )


def _file(path: str, uri: Mapping[str, str], is_uri: bool) -> dict[str, Any]:
    """Return the arguments of sqlite3.connect that name the file.

    SQLite decodes a file: URI itself, so one that came as such stays encoded.
    """
    if not uri and not is_uri:
        return {"database": unquote(path)}
    if not path.startswith("file:"):
        path = f"file:{quote(unquote(path), safe='/:')}"
    joined = "&".join(f"{key}={quote(value)}" for key, value in uri.items())
    return {"database": f"{path}?{joined}" if joined else path, "uri": True}
