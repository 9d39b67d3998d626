"""Who waits for whom on one server, and the table by which processes tell one another
which sessions are one transaction: see `routedb.session.wait_for`. Texts, as in
`routedb.adapters.two_phase`.

Names of transactions, and their claims, are of letters, digits, blanks, colons and dots
alone, so they stand in the texts as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from routedb.session.wait_for import Claim, claim_of

WAITS = "routedb_waits"
FRESH_S = 5  # a claim is renewed while its transaction waits

Raw = Any
Run = Callable[[Raw, str], list[tuple[Any, ...]]]


class WaitsTable:
    """The waits of one server's database, by an adapter's `run`. A dialect gives the
    texts: `create`, `put` and `fresh`, the condition of rows that were written lately,
    and `waits`, which returns what asks for waits. `name` returns the table's name in a
    database, None where the DSN names none."""

    def __init__(
        self,
        run: Run,
        name: Callable[[str | None], str],
        create: str,
        put: str,
        fresh: str,
        waits: Callable[[Raw], str],
    ) -> None:
        self._run = run
        self._name = name
        self._create = create
        self._put = put
        self._fresh = fresh.format(seconds=FRESH_S)
        self._waits = waits

    def text(self, namespace: str | None) -> str:
        """Return the text that makes it in `namespace`; "" where nobody waits so."""
        return self._create and self._create.format(table=self._name(namespace))

    def waits(self, raw: Raw) -> list[tuple[int, int]]:
        """Ask for the numbers of sessions that wait, each with one it waits for. Raises
        what the driver raises where the user may not ask."""
        text = self._waits(raw)
        rows = self._run(raw, text) if text else []
        return [(int(waiter), int(holder)) for waiter, holder in rows if holder]

    def put(self, raw: Raw, namespace: str | None, claim: Claim) -> None:
        """Write `claim` into the table in `namespace`."""
        said = {"id": claim.name, "claim": claim.text}
        self._run(raw, self._put.format(table=self._name(namespace), **said))

    def claims(self, raw: Raw, namespace: str | None) -> list[Claim]:
        """Return the claims in `namespace` that were renewed lately; delete others."""
        table = self._name(namespace)
        self._run(raw, f"DELETE FROM {table} WHERE NOT ({self._fresh})")
        rows = self._run(raw, f"SELECT id, claim FROM {table} WHERE {self._fresh}")
        return [claim_of(str(name), str(text)) for name, text in rows]


def nobody_waits(raw: Raw) -> str:
    """Return no text: sessions on the server of `raw` do not wait in a queue."""
    return ""
