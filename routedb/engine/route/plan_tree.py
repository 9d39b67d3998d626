"""A plan as a tree to look at: steps, what is known of each, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

# Several values of one fact stand below one another.
Value: TypeAlias = str | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan. `facts` are names and values in the order to show them;
    `steps` are those that it takes rows from."""

    title: str
    facts: tuple[tuple[str, Value], ...] = ()
    steps: tuple[Step, ...] = ()

    def lines(self) -> list[str]:
        """Return it as lines of text, in which what belongs to a step is indented."""
        found = [self.title]
        for name, value in self.facts:
            head = f"  {name}: " if name else "  "
            found += [f"{head}{line}" for line in spelt(name, value)]
        for step in self.steps:
            first, *rest = step.lines()
            found += [f"  -> {first}", *(f"     {line}" for line in rest)]
        return [line.rstrip() for line in found]

    def as_dict(self) -> dict[str, Any]:
        """Return it as values that JSON has."""
        return {
            "title": self.title,
            **dict(self.facts),
            "steps": [step.as_dict() for step in self.steps],
        }


def spelt(name: str, value: Value) -> list[str]:
    """Return the `value` of the fact `name` as lines for people."""
    if name == "fragment":  # its title has the number
        return []
    if isinstance(value, tuple):
        return list(value)
    if name == "seconds":
        return [f"{float(value) * 1000:.2f} ms"]
    return str(value).splitlines() or [""]
