"""What a call of a function does: lists per dialect, and what the user says.

The lists are text files beside this module, a section per effect. A function on no list
is not guessed at: the statement asks the database's catalog about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from routedb.sql.stake import EVERY, Lives, Stake
from routedb.sql.statement import Kind, SessionEffect, Table

_FILES = {
    "postgresql": ("postgresql_plain.txt", "postgresql.txt"),
    "mysql": ("mysql.txt",),
    "sqlite": ("sqlite.txt",),
}
_OWN_SCHEMAS = {"postgresql": "pg_catalog", "mysql": "sys", "sqlite": "main"}


class Effect(NamedTuple):
    """What calling a function means for the statement around it."""

    kind: Kind
    reason: str  # "" for a plain read
    session: SessionEffect | None = None
    holds: Lives | None = None  # of what lives on one backend only
    frees: Stake | None = None
    needs: Lives | None = None


def _freeing(stake: Stake) -> Effect:
    return Effect(Kind.LOCK, "calls {}", SessionEffect.LOCK, frees=stake)


def _asking(needs: Lives | None) -> Effect:
    return Effect(Kind.READ, "calls {}", SessionEffect.VARIABLE, needs=needs)


EFFECTS = {
    "plain": Effect(Kind.READ, ""),
    "sequence": Effect(
        Kind.WRITE, "calls {}", SessionEffect.VARIABLE, holds=Lives.VALUE
    ),
    "write": Effect(Kind.WRITE, "calls {}"),
    "lock": Effect(Kind.LOCK, "calls {}", SessionEffect.LOCK, holds=Lives.LOCK),
    "unlock": _freeing(Stake(Lives.LOCK)),
    "unlock_all": _freeing(Stake(Lives.LOCK, EVERY)),
    "lock_of_others": Effect(Kind.LOCK, "calls {}"),
    "transaction_lock": Effect(Kind.LOCK, "calls {}"),
    "session": _asking(None),
    "value": _asking(Lives.VALUE),
    "result": _asking(Lives.RESULT),
    "listening": _asking(Lives.LISTEN),
    "cursor": _asking(Lives.CURSOR),
    "prepared": _asking(Lives.PREPARED),
    "origin": Effect(Kind.READ, "calls {}", SessionEffect.VARIABLE, holds=Lives.ORIGIN),
    "origin_end": Effect(
        Kind.READ, "calls {}", SessionEffect.VARIABLE, frees=Stake(Lives.ORIGIN)
    ),
    "setting": Effect(Kind.SESSION, "calls {}", SessionEffect.SET),
}
_USER = {"read": "plain", "write": "write", "session": "session"}


class Functions:
    """The functions of one dialect, the user's own on top."""

    def __init__(self, dialect: str, own: Mapping[str, str] | None = None) -> None:
        self._known = _builtin(dialect)
        self._is_folded = dialect == "postgresql"  # "Now" in quotes is not now
        self._own_schema = _OWN_SCHEMAS[dialect]
        self._own = {
            name.lower(): EFFECTS[_USER[does]] for name, does in (own or {}).items()
        }

    def effect(self, function: Table) -> Effect | None:
        """Return what calling `function` means; None when no list has it."""
        name = function.name.lower()
        if self._own:
            own = self._own.get(str(function).lower()) or self._own.get(name)
            if own is not None:
                return own
        if function.schema is None or function.schema.lower() == self._own_schema:
            return self._known.get(function.name if self._is_folded else name)
        return None


@cache
def _builtin(dialect: str) -> Mapping[str, Effect]:
    known: dict[str, Effect] = {}
    for file in _FILES[dialect]:
        for section, names in _sections(_read(file)):
            known.update(dict.fromkeys(names, EFFECTS[section]))
    return known


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    section = ""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words and words[0].startswith("["):
            section = words[0].strip("[]")
        elif words:
            yield section, words


def _read(file: str) -> str:
    # Imported here: it is slow to import, and most programs classify later or never.
    from importlib.resources import files  # noqa: PLC0415

    return files(__package__).joinpath(file).read_text("utf-8")
