"""The argument of `connect`: as it was written, and with its ${VAR} filled in.

Checks read the filled values; errors show the written ones, so that the value of a
variable, which is where passwords belong, is never printed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NoReturn

from routedb.config.mask import config_error, is_secret_key, mask, mask_name

Path = tuple[str | int, ...]  # of a key in a document: ("databases", "crm", "nodes", 0)

KEYWORDS = "connect()"  # what errors about its keywords begin with

_VARIABLE = re.compile(r"\$(\$)?\{([^}]*)\}")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_SHOWN = 120


class Document:
    """A configuration of any origin, as nested dicts and lists.

    `label` names it in errors. `keywords` are options that were given to `connect`:
    they override `content` at the top level and are not filled in from `environ`. Paths
    in errors are relative to `root`: a DSN given alone has no path.
    """

    def __init__(
        self,
        label: str,
        content: Mapping[str, Any],
        environ: Mapping[str, str],
        keywords: Mapping[str, Any],
        root: Path = (),
    ) -> None:
        self.label = label
        self._environ = environ
        self._keywords = keywords
        self._root = root
        self.written: dict[str, Any] = self._plain(content, ())
        self.filled: dict[str, Any] = self._fill(self.written, ())
        self.written |= self._plain(keywords, ())
        self.filled |= self._plain(keywords, ())

    def value(self, path: Path) -> Any:
        """Return the value at `path`, filled in; None when there is none."""
        return _at(self.filled, path)

    def refuse(self, path: Path, what: str, *, found: bool = True) -> NoReturn:
        """Raise ConfigError about `path` that says `what` is wrong; with `found`, show
        the value there as it was written."""
        is_shown = found and not _is_secret(path)
        shown = _shown(_at(self.written, path)) if is_shown else ""
        parts = [self._label(path), self.name(path), what]
        text = ": ".join(part for part in parts if part)
        raise config_error(f"{text}; found {shown}" if shown else text) from None

    def choose(
        self, path: Path, value: object, words: Collection[str], what: str = "allowed"
    ) -> None:
        """Raise ConfigError about `path` unless `value` is one of `words`; suggest one.

        `what` names the words in the error: "allowed", for example.
        """
        if value not in words:
            allowed = f"{what} are {', '.join(words)}"
            self.refuse(
                path, f"{allowed}{suggest(str(_at(self.written, path)), words)}"
            )

    def _label(self, path: Path) -> str:
        return KEYWORDS if path and path[0] in self._keywords else self.label

    def name(self, path: Path) -> str:
        """Write a path as TOML would; the pattern of a table is always in quotes."""
        common = min(len(path), len(self._root))
        if path[:common] == self._root[:common]:
            path = path[common:]
        text = ""
        for at, step in enumerate(path):
            if isinstance(step, int):
                text += f"[{step}]"
            elif _BARE.fullmatch(step) and not (at == 1 and path[0] == "tables"):
                text += f".{step}"
            else:
                text += f'."{mask_name(step)}"'
        return text.removeprefix(".")

    # -- reading ---------------------------------------------------------------------

    def _plain(self, value: Any, path: Path) -> Any:
        """Copy mappings to dicts and sequences to lists: what msgspec knows."""
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    raise config_error(
                        f"{self.label}: {self.name(path) or 'the top level'}: the key "
                        f"{key!r} is no string"
                    )
            return {k: self._plain(item, (*path, k)) for k, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._plain(item, (*path, n)) for n, item in enumerate(value)]
        return value

    def _fill(self, value: Any, path: Path) -> Any:
        """Replace ${VAR} in every string; $${VAR} stands for the text ${VAR}."""
        if isinstance(value, str):
            return _VARIABLE.sub(lambda match: self._variable(match, path), value)
        if isinstance(value, dict):
            return {k: self._fill(item, (*path, k)) for k, item in value.items()}
        if isinstance(value, list):
            return [self._fill(item, (*path, n)) for n, item in enumerate(value)]
        return value

    def _variable(self, match: re.Match[str], path: Path) -> str:
        escaped, name = match.groups()
        if escaped:
            return match.group(0)[1:]
        if name not in self._environ:
            shown = mask_name(name)
            what = f"the environment has no variable {shown!r}; set it"
            self.refuse(path, f"{what}, or write $${{{shown}}} for the text itself")
        return self._environ[name]


def _at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _is_secret(path: Path) -> bool:
    """Tell whether the value there is a password by itself, as under `options`, or is
    inside of one."""
    return any(is_secret_key(step) for step in path if isinstance(step, str))


def suggest(word: str, words: Iterable[str]) -> str:
    """Return "; did you mean …?" with the one of `words` most like `word`, or ""."""
    found = difflib.get_close_matches(word.lower(), list(words), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _shown(value: Any) -> str:
    """Show a plain value without passwords; of a table or a list only what it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = mask(value)
        cut = "…" if len(text) > _LONGEST_SHOWN else ""
        return f"{text[:_LONGEST_SHOWN]!r}{cut}"
    if isinstance(value, list):
        plain = all(not isinstance(item, list | dict) for item in value)
        text = f"[{', '.join(map(_shown, value))}]" if plain else ""
        return text if plain and len(text) <= _LONGEST_SHOWN else "a list"
    if isinstance(value, dict):
        return "a table"
    return "" if value is None else str(value)
