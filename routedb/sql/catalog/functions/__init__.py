"""What a call of a function does: lists per dialect, and what the user says.

The lists are text files beside this module, a section per effect. A function on no list
is not guessed at: the statement asks the database's catalog about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from routedb.sql.session_objects import EVERY, ObjectKind, SessionObject
from routedb.sql.statement import Kind, SessionEffect, Table

_FILES = {
    "postgresql": ("postgresql_plain.txt", "postgresql.txt"),
    "mysql": ("mysql.txt",),
    "sqlite": ("sqlite.txt",),
}
_BUILTIN_SCHEMAS = {"postgresql": "pg_catalog", "mysql": "sys", "sqlite": "main"}


class CallEffect(NamedTuple):
    """What calling a function means for the statement around it."""

    kind: Kind
    reason: str  # "" for a plain read
    session: SessionEffect | None = None
    holds: ObjectKind | None = None  # of what lives on one backend only
    frees: SessionObject | None = None
    needs: ObjectKind | None = None
    is_of_server: bool = False  # a plain read that other nodes answer otherwise


def _freeing(obj: SessionObject) -> CallEffect:
    return CallEffect(Kind.LOCK, "calls {}", SessionEffect.LOCK, frees=obj)


def _asking(needs: ObjectKind | None) -> CallEffect:
    return CallEffect(Kind.READ, "calls {}", SessionEffect.VARIABLE, needs=needs)


EFFECTS = {
    "plain": CallEffect(Kind.READ, ""),
    "server": CallEffect(Kind.READ, "", is_of_server=True),
    "own_backend": CallEffect(
        Kind.READ, "", holds=ObjectKind.BACKEND, is_of_server=True
    ),
    "about_backend": CallEffect(
        Kind.READ, "", needs=ObjectKind.BACKEND, is_of_server=True
    ),
    "backend": CallEffect(Kind.WRITE, "calls {}", needs=ObjectKind.BACKEND),
    "sequence": CallEffect(
        Kind.WRITE, "calls {}", SessionEffect.VARIABLE, holds=ObjectKind.VALUE
    ),
    # MariaDB's DEFAULT(column): the default may draw from a sequence.
    "default": CallEffect(
        Kind.READ, "calls {}, which may draw from a sequence", SessionEffect.VARIABLE
    ),
    "write": CallEffect(Kind.WRITE, "calls {}"),
    "lock": CallEffect(
        Kind.LOCK, "calls {}", SessionEffect.LOCK, holds=ObjectKind.LOCK
    ),
    "unlock": _freeing(SessionObject(ObjectKind.LOCK)),
    "unlock_all": _freeing(SessionObject(ObjectKind.LOCK, EVERY)),
    "lock_of_others": CallEffect(Kind.LOCK, "calls {}"),
    "transaction_lock": CallEffect(Kind.LOCK, "calls {}"),
    "session": _asking(None),
    "value": _asking(ObjectKind.VALUE),
    "result": _asking(ObjectKind.RESULT),
    "listening": _asking(ObjectKind.LISTEN),
    "cursor": _asking(ObjectKind.CURSOR),
    "prepared": _asking(ObjectKind.PREPARED),
    "origin": CallEffect(
        Kind.READ, "calls {}", SessionEffect.VARIABLE, holds=ObjectKind.ORIGIN
    ),
    "origin_end": CallEffect(
        Kind.READ,
        "calls {}",
        SessionEffect.VARIABLE,
        frees=SessionObject(ObjectKind.ORIGIN),
    ),
    "setting": CallEffect(Kind.SESSION, "calls {}", SessionEffect.SET),
}
_USER_EFFECTS = {"read": "plain", "write": "write", "session": "session"}


class FunctionCatalog:
    """The functions of one dialect, the user's own on top."""

    def __init__(
        self, dialect: str, user_defined: Mapping[str, str] | None = None
    ) -> None:
        """`user_defined` says what functions do: "read", "write" or "session".

        Names have the schema or not, in any case. They are asked before the lists of
        `dialect`.
        """
        self._known = _builtin(dialect)
        self._is_folded = dialect == "postgresql"  # "Now" in quotes is not now
        self._builtin_schema = _BUILTIN_SCHEMAS[dialect]
        self._user_defined = {
            name.lower(): EFFECTS[_USER_EFFECTS[does]]
            for name, does in (user_defined or {}).items()
        }

    def effect(self, function: Table) -> CallEffect | None:
        """Return what calling `function` means; None when no list has it."""
        name = function.name.lower()
        if self._user_defined:
            user_defined = self._user_defined.get(
                str(function).lower()
            ) or self._user_defined.get(name)
            if user_defined is not None:
                return user_defined
        if function.schema is None or function.schema.lower() == self._builtin_schema:
            return self._known.get(function.name if self._is_folded else name)
        return None


@cache
def _builtin(dialect: str) -> Mapping[str, CallEffect]:
    known: dict[str, CallEffect] = {}
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
