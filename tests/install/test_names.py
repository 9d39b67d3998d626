"""No page and no message sends anybody to the package that is not ours.

`routedb` on the public package index is somebody else's, so nothing says to install it
by that name. In a checkout it is `.`, as the README says once.
"""

from __future__ import annotations

import configparser
import re

import pytest

from tests.support.checkout import ROOT, files

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
OURS = SETUP["metadata"]["name"]
EXTRAS = "|".join(map(re.escape, SETUP["options.extras_require"]))
NAME = r"routed[b]\b(?![-/\w]|\.\w)"  # no folder, module or other distribution
COMMAND = re.compile(
    r"\b(?:pip[\d.]*|pipx|uv(?: pip| tool)?|poetry|pdm|conda|rye|hatch)"
    r" (?:install|add|download|wheel|run)\b([^;|&#]{0,200})"
)
REQUIREMENTS = [
    re.compile(rf"(?<![\w.\"'\])])routed[b]\[ ?(?:{EXTRAS}|\{{)"),
    re.compile(rf"[\"']routed[b]\[ ?(?:{EXTRAS}|\{{)[\w, {{}}-]*\]"),
    re.compile(r"(?<![\w.-])routed[b] ?(?:~=|===?|>=|<=) ?\d"),
]


def harm(text: str) -> str:
    """Return the first words of a text that would fetch somebody else's package."""
    line = re.sub(r"(?:\s|\\\n)+", " ", re.sub(r"\n\s*\n", " ; ", text))
    for command in COMMAND.finditer(line):
        words, _, _ = re.sub(r"^[\s`]*", " ", command[1]).partition("`")
        if re.search(rf"[ \"']{NAME}(?![^\[]*\b(?:check|demo|run)\b)", words):
            return command[0]
    found = [match[0] for each in REQUIREMENTS for match in each.finditer(line)]
    return found[0] if found else ""


WRONG = [
    "pip install routedb",
    "pip install routedb[django,postgresql]",
    "pip3 install 'routedb[mysql]'",
    'python -m pip install "routedb[otel]"',
    "f'pip install \"routedb[{extra}]\"'",
    "pip install --upgrade -q routedb",
    "pip install psycopg2-binary routedb",
    "pip install \\\n    psycopg2 \\\n    routedb",
    "pip install\n   routedb[postgresql]",
    "pip download --no-deps routedb",
    "pip wheel routedb",
    "uv pip install routedb[sqlalchemy]",
    "uv add routedb",
    "poetry add routedb",
    "pipx run routedb",
    "pipx install routedb",
    "conda install routedb",
    "the extra `routedb[prometheus]`",
    "needs routedb[pandas, alembic] to run",
    "routedb[{extra}]",
    "routedb>=0.1",
    "routedb == 0.1.0",
    "routedb~=0.1",
    "pip install routedb.",
]
RIGHT = [
    'pip install ".[postgresql]"',
    "pip install .",
    'pip install -e ".[test,mysql]"',
    "pip install routedb-driver",
    'pip install "routedb-driver[mysql]"',
    "pip install ./routedb",
    "pip install dist/routedb_driver-0.1.0-py3-none-any.whl",
    "pip install . && routedb check routedb.toml",
    "pip install .; env/bin/routedb demo",
    "``pip install .``, then ``routedb check``",
    "pip uninstall --yes routedb",
    'OPTIONS["routedb"]["nodes"]',
    "import routedb  # pip has installed it",
    "python -m routedb check",
]


@pytest.mark.parametrize("text", WRONG)
def test_the_harmful_forms_are_seen(text):
    assert harm(text)


@pytest.mark.parametrize("text", RIGHT)
def test_the_right_forms_are_not_taken_for_them(text):
    assert harm(text) == ""


def test_no_file_has_a_harmful_form():
    mine = "tests/install/test_names.py"
    read = {
        name: (ROOT / name).read_text(encoding="utf-8", errors="replace")
        for name in files()
        if name != mine
    }
    assert {name: found for name, text in read.items() if (found := harm(text))} == {}
    assert len(read) > 100


def test_the_distribution_has_a_name_of_its_own_that_the_readme_tells():
    assert OURS != "routedb"
    assert f"``{OURS}``" in (ROOT / "README.rst").read_text(encoding="utf-8")
