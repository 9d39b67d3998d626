"""Draw the keys of the configuration into `configuration.rst`, from the code.

python docs/draw_keys.py            write the tables
python docs/draw_keys.py --check    fail if they are not what the code says

Each class of routedb/config/schema.py is a table, between two comments of the page:
`.. keys of DatabaseEntry` and `.. end of DatabaseEntry`. The text under a key in the
code is its meaning; a key without one is an error.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from routedb.config import DatabaseConfig, schema
from routedb.config.build import DIALECTS, FOREIGN_KEYS, JOINS, TRANSACTIONS
from routedb.config.options import OPTIONS, Word
from routedb.config.shard_functions import FUNCTIONS, KEY_TYPES, OTHERWISE

TARGET = Path(__file__).with_name("configuration.rst")
WIDTH = 88

# What a type of the code is called; `:type:` under the key says it otherwise.
KINDS = {
    "str": "string",
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "dict[str, Any]": "table",
    "list[str]": "list of strings",
    "Duration": "duration",
    "str | float": "duration",
}
# Words that are allowed, of keys that are no options of a database.
WORDS: dict[tuple[str, str], Sequence[str]] = {
    ("ClusterEntry", "dialect"): tuple(dict.fromkeys(DIALECTS.values())),
    ("ClusterEntry", "foreign_keys"): FOREIGN_KEYS,
    ("ClusterEntry", "joins"): JOINS,
    ("ClusterEntry", "transactions"): TRANSACTIONS,
    ("TableEntry", "function"): FUNCTIONS,
    ("TableEntry", "key_type"): KEY_TYPES,
    ("TableEntry", "otherwise"): OTHERWISE,
}
HEAD = """\
.. list-table::
   :header-rows: 1
   :widths: 15 20 15 50

   * - key
     - type
     - default
     - meaning and example
"""


class Key(NamedTuple):
    """One row of a table."""

    name: str
    type: str
    default: str
    meaning: str


def tables() -> dict[str, list[Key]]:
    """Return the keys of every table of the file, by the class that has its shape."""
    return {name: keys(kind) for name, kind in inspect.getmembers(schema, _is_entry)}


def keys(entry: type[msgspec.Struct]) -> list[Key]:
    """Return the keys of one table. Raises LookupError for one without a text."""
    texts, kinds = _written(entry)
    found = []
    for field in msgspec.structs.fields(entry):
        if not texts.get(field.name):
            raise LookupError(
                f"{entry.__name__}.{field.name} has no text under it that says what it "
                "means (routedb/config/schema.py)"
            )
        meaning, said = _split(texts[field.name])
        kind = said.get("type") or _kind(entry, field.name, kinds[field.name])
        default = said.get("default", _default(entry, field))
        found.append(Key(field.name, kind, default, meaning))
    return found


def document(page: str) -> str:
    """Return the page with the tables as they should be."""
    for name, rows in tables().items():
        begin, end = f".. keys of {name}, from the code\n\n", f".. end of {name}\n"
        before, begins, rest = page.partition(begin)
        old, ends, after = rest.partition(end)
        if not (begins and ends):
            raise LookupError(f"{TARGET.name} has no place for {name}: {begin}{end}")
        page = before + begin + _table(rows) + "\n" + end + after
    return page


def _is_entry(found: object) -> bool:
    return (
        isinstance(found, type)
        and issubclass(found, msgspec.Struct)
        and found.__module__.startswith("routedb.config.")
    )


def _written(entry: type[msgspec.Struct]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the text under each key of a class, and the type as it is written."""
    [found] = ast.parse(textwrap.dedent(inspect.getsource(entry))).body
    assert isinstance(found, ast.ClassDef)
    texts, kinds, last = {}, {}, ""
    for step in found.body:
        if isinstance(step, ast.AnnAssign) and isinstance(step.target, ast.Name):
            last = step.target.id
            kinds[last] = ast.unparse(step.annotation).removesuffix(" | None")
        elif last and isinstance(step, ast.Expr):
            texts[last] = inspect.cleandoc(ast.literal_eval(step.value))
            last = ""
    return texts, kinds


def _split(text: str) -> tuple[str, dict[str, str]]:
    """Split the text under a key into its meaning and the fields that end it."""
    meaning, *fields = re.split(r"^:(type|default): ", text, flags=re.MULTILINE)
    said = dict(zip(fields[::2], fields[1::2], strict=True))
    return _line(meaning), {name: _line(value) for name, value in said.items()}


def _line(text: str) -> str:
    return " ".join(text.split())


def _kind(entry: type, name: str, written: str) -> str:
    words = WORDS.get((entry.__name__, name), ())
    if entry is schema.DatabaseEntry and name in OPTIONS:
        reader: Any = OPTIONS[name][1]
        words = reader.allowed if isinstance(reader, Word) else words
    if words:
        *most, last = (f'``"{word}"``' for word in words)
        return f"{', '.join(most)} or {last}" if most else last
    if _is_entry(getattr(schema, written, None)):
        return "table"
    if written not in KINDS:
        raise LookupError(
            f"{entry.__name__}.{name}: say with :type: what a {written} is"
        )
    return KINDS[written]


def _default(entry: type, field: Any) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if entry is schema.DatabaseEntry and field.name in OPTIONS:
        name = OPTIONS[field.name][0]
        value = _defaults(DatabaseConfig).get(name)
        if name.endswith("_s"):
            return f'``"{_duration(value)}"``'
    return _shown(value)


def _defaults(model: Any) -> Mapping[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(model)}


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "off"
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    return f"{seconds:g}s"


def _shown(value: object) -> str:
    """Return a default as TOML has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"``{str(value).lower()}``"
    if isinstance(value, str):
        return f'``"{value}"``'
    return f"``{value}``" if value else "empty"


def _table(rows: Sequence[Key]) -> str:
    lines = [HEAD.rstrip()]
    for row in rows:
        lines += _cell(f"``{row.name}``", "   * - ")
        for text in row[1:]:
            lines += _cell(text, "     - ")
    return "\n".join([*lines, ""])


def _cell(text: str, bullet: str) -> list[str]:
    # What stands between backquotes stays on one line.
    whole = re.sub(r"``.+?``|`.+?`", lambda found: found[0].replace(" ", "\0"), text)
    wrapped = textwrap.wrap(
        whole,
        WIDTH - len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )
    first, *more = [line.replace("\0", " ") for line in wrapped] or [""]
    return [(bullet + first).rstrip(), *(f"{'':7}{line}" for line in more)]


def main(arguments: Sequence[str]) -> int:
    """Write the page or, with `--check`, compare it."""
    page = TARGET.read_text(encoding="utf-8")
    drawn = document(page)
    if "--check" not in arguments:
        TARGET.write_text(drawn, encoding="utf-8")
        return 0
    if page != drawn:
        print(f"{TARGET.name} is old: run python docs/{Path(__file__).name}")
    return 0 if page == drawn else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
