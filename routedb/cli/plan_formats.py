"""The plan of a statement as text, JSON, a page and a picture.

A page and a picture are one file each, with nothing from elsewhere in it. Every text of
the plan is escaped: statements have what they like in them.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from html import escape
from typing import NamedTuple

import click
from rich.text import Text
from rich.tree import Tree

from routedb.cli.output import cells, console, plain
from routedb.engine.route.explain import Explanation
from routedb.engine.route.plan_tree import Step, spelt

_LONGEST = 72  # characters of a line in a picture
_CHAR, _LINE = 7.3, 17  # their width, and the distance of two lines
_PAD, _INDENT, _GAP = 10, 36, 14
_STYLE = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1d2733}"
    ".t{font-weight:bold}.n{fill:#5b6b7b}"
    "rect{fill:#f4f7fa;stroke:#8fa3b8;rx:5}.f rect{fill:#e8f3ea;stroke:#7fae8a}"
    "path{fill:none;stroke:#8fa3b8;stroke-width:1.5}"
)
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>body{{font:15px system-ui,sans-serif;margin:2em;color:#1d2733}}
pre{{background:#f4f7fa;padding:1em;white-space:pre-wrap}}</style>
</head>
<body>
<h1>{title}</h1>
<pre>{sql}</pre>
<p>{reason}</p>
{picture}
</body>
</html>"""


def print_text(explanation: Explanation, sql: str) -> None:
    """Print the plan in `explanation` of `sql` as a tree."""
    console().print(_tree(explanation.plan), soft_wrap=True)


def print_json(explanation: Explanation, sql: str) -> None:
    """Print one object: `sql`, the route of `explanation` and its plan."""
    route, known = explanation.route, explanation.statement
    found = {
        "statement": sql,
        "route": str(route),
        "database": route.database,
        "groups": list(route.groups),
        "role": route.role.value,
        "nodes": [node.name for node in explanation.nodes],
        "kind": str(known.kind),
        "tables": [str(table) for table in known.tables],
        "writes": [str(table) for table in known.writes],
        "reasons": [{"name": reason.name, "why": why} for reason, why in route.reasons],
        "plan": explanation.plan.as_dict(),
    }
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


def print_svg(explanation: Explanation, sql: str) -> None:
    """Print a picture of the plan in `explanation` of `sql`."""
    click.echo(picture(explanation.plan, sql))


def print_html(explanation: Explanation, sql: str) -> None:
    """Print a page with `sql` and a picture of the plan in `explanation`."""
    page = _PAGE.format(
        title=_escaped(f"Plan on {explanation.route}"),
        sql=_escaped(sql),
        reason=_escaped(explanation.reason),
        picture=picture(explanation.plan, sql),
    )
    click.echo(page)


PLAN_FORMATS: dict[str, Callable[[Explanation, str], None]] = {
    "text": print_text,
    "json": print_json,
    "html": print_html,
    "svg": print_svg,
}


# -- text ------------------------------------------------------------------------------


def _tree(step: Step) -> Tree:
    tree = Tree(_label(step))
    for each in step.steps:
        tree.add(_tree(each))
    return tree


def _label(step: Step) -> Text:
    (label,) = cells(step.title, style="bold")
    for name, value in step.facts:
        for line in spelt(name, value):
            label.append_text(Text(f"\n{name}: ", style="dim"))
            label.append_text(cells(line)[0])
    return label


# -- a picture -------------------------------------------------------------------------


class _Box(NamedTuple):
    step: Step
    depth: int
    lines: list[tuple[str, str]]  # the name of a fact, "" for its further lines
    parent: int | None


def picture(plan: Step, title: str) -> str:
    """Return `plan` as an SVG: a box for each step, those that it takes rows from below
    and further in. `title` is what the picture is of."""
    boxes = list(_boxes(plan, 0, None, [0]))
    tops: list[int] = []
    y = _PAD
    for box in boxes:
        tops.append(y)
        y += _height(box) + _GAP
    width = max(_INDENT * box.depth + _width(box) for box in boxes) + 2 * _PAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" '
        f'viewBox="0 0 {width} {y}" role="img">',
        f"<title>{_escaped(title)}</title>",
        f"<style>{_STYLE}</style>",
    ]
    for number, box in enumerate(boxes):
        if box.parent is not None:
            parts.append(_connector(boxes[box.parent], tops[box.parent], tops[number]))
    parts += [_drawn(box, top) for box, top in zip(boxes, tops, strict=True)]
    return "\n".join([*parts, "</svg>"])


def _boxes(
    step: Step, depth: int, parent: int | None, count: list[int]
) -> Iterator[_Box]:
    number = count[0]
    count[0] += 1
    lines = []
    for name, value in step.facts:
        for line in spelt(name, value):
            wrapped = textwrap.wrap(plain(line), _LONGEST) or [""]
            lines += [(name, wrapped[0]), *(("", rest) for rest in wrapped[1:])]
    yield _Box(step, depth, lines, parent)
    for each in step.steps:
        yield from _boxes(each, depth + 1, number, count)


def _height(box: _Box) -> int:
    return _LINE * (len(box.lines) + 1) + _PAD


def _width(box: _Box) -> int:
    longest = max([len(box.step.title), *(len(n) + len(t) + 2 for n, t in box.lines)])
    return round(longest * _CHAR) + 2 * _PAD


def _connector(parent: _Box, parent_top: int, top: int) -> str:
    x = _PAD + _INDENT * parent.depth + _INDENT // 2
    down = top + _LINE
    begin = parent_top + _height(parent)
    return f'<path d="M{x} {begin}V{down}H{x + _INDENT // 2}"/>'


def _drawn(box: _Box, top: int) -> str:
    x = _PAD + _INDENT * box.depth
    kind = ' class="f"' if "fragment" in dict(box.step.facts) else ""
    parts = [
        f"<g{kind}>",
        f'<rect x="{x}" y="{top}" width="{_width(box)}" height="{_height(box)}"/>',
        f'<text class="t" x="{x + _PAD}" y="{top + _LINE}">'
        f"{_escaped(box.step.title)}</text>",
    ]
    for number, (name, line) in enumerate(box.lines, 2):
        head = f'<tspan class="n">{_escaped(name)}: </tspan>' if name else ""
        parts.append(
            f'<text x="{x + _PAD}" y="{top + _LINE * number}">'
            f"{head}{_escaped(line)}</text>"
        )
    return "\n".join([*parts, "</g>"])


def _escaped(text: str) -> str:
    return escape(plain(text))
