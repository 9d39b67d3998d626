"""What `routedb check` says about transactions over several databases: who cannot
prepare, and which branches are left prepared."""

from __future__ import annotations

from routedb import errors
from routedb.config.mask import mask
from routedb.engine.shared.core import Core
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.shared.recovery import Recovery


def transactions_troubles(core: Core) -> list[str]:
    """Return why `transactions = "two-phase"` cannot be kept in `core`, where that was
    written."""
    return _cannot_prepare(core) if core.config.is_two_phase_asked else []


def transactions_warnings(core: Core) -> list[str]:
    """Return what is worth knowing of `core`: branches that are left prepared, and who
    cannot prepare where nobody has asked for it."""
    found = _left_branches(core)
    if not core.config.is_two_phase_asked:
        said = _cannot_prepare(core)
        found += [each.replace(": ", ": warning: ", 1) for each in said]
    return found


def _cannot_prepare(core: Core) -> list[str]:
    """Return why servers of `core` prepare nothing, where they are asked to; nothing of
    a cluster of one group."""
    if len(core.groups) < 2 or core.config.transactions == "single":
        return []
    ledger = ledger_of(core)
    found = []
    for group in core.groups:
        adapter = core.adapter(group.nodes[0])
        if core.config.databases[group.database].read_only:
            continue
        if not adapter.branches.can_prepare:
            continue
        try:
            with ledger.asking(group.id, core.clock()) as asked:
                why = ledger.refusal(asked.node, adapter, asked.raw)
        except errors.Error:
            continue  # that it does not answer is told elsewhere
        if why:
            found.append(
                f"{asked.node.name}: {why}; transactions that write there can write to "
                "no second database that cannot prepare"
            )
    return found


def _left_branches(core: Core) -> list[str]:
    """Return the branches of this cluster that are prepared, with age and decider, and
    locks where the server tells; nothing of a cluster of one group."""
    if len(core.groups) < 2:
        return []
    found = []
    try:
        for each in Recovery(ledger_of(core)).find():
            locks = "" if each.locks is None else f", {each.locks} locks"
            found.append(
                f"{each.node}: warning: branch {each.branch} is prepared for "
                f"{each.age_s:.0f} s{locks}; {each.branch.decider} decides about it; "
                "`routedb recover` finishes it"
            )
    except Exception as exc:  # drivers raise various classes
        said = " ".join(mask(str(exc)).split())
        found.append(f"warning: prepared branches cannot be listed: {said}")
    return found
