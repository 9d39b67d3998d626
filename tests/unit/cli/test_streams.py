"""Each end that is not the command's own is one line, and an exit code of the page."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from routedb.cli import main, streams
from tests.support.checkout import ROOT
from tests.support.later import later

MANY = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 90000) "
    "SELECT i FROM n"
)
NO_SPACE = "routedb: OSError: [Errno 28] No space left on device"
NO_OUTPUT = "routedb: standard output is closed"
NO_READER = "routedb: nobody reads standard output any more"
# Python itself drops the rest of a long write that is not buffered (bpo-41221).
BUFFERED = {key: each for key, each in os.environ.items() if key != "PYTHONUNBUFFERED"}
SOON = [
    ("check CONFIG > /dev/full", 1, NO_SPACE),
    ("sql CONFIG -c 'SELECT 1' > /dev/full", 1, NO_SPACE),
    ("--help > /dev/full", 1, NO_SPACE),
    ("--version > /dev/full", 1, NO_SPACE),
    ("check CONFIG >&-", 1, NO_OUTPUT),
    ("sql CONFIG -c 'SELECT 1' >&-", 1, NO_OUTPUT),
    ("sql CONFIG <&-", 2, "Error: standard input is closed: give FILE or -c"),
    ("check --queries - CONFIG <&-", 2, "standard input is closed"),
    (f"sql CONFIG -c '{MANY}' | head -1", 1, NO_READER),
    (f"sql CONFIG --format json -c '{MANY}' | head -c 1", 1, NO_READER),
    ("sql DEEP -c 'SELECT 1'", 2, "ConfigError: DEEP: nested too deeply"),
]
# The same by another command, or in another format.
LATER = [
    ("explain CONFIG 'SELECT 1' > /dev/full", 1, NO_SPACE),
    ("sql CONFIG -c 'SELECT 1' --format csv > /dev/full", 1, NO_SPACE),
    ("sql CONFIG -c 'SELECT 1' --format json > /dev/full", 1, NO_SPACE),
    ("check --help > /dev/full", 1, NO_SPACE),
    ("explain CONFIG 'SELECT 1' >&-", 1, NO_OUTPUT),
    ("recover CONFIG >&-", 1, NO_OUTPUT),
    ("setup CONFIG > /dev/full", 1, NO_SPACE),
    ("shards CONFIG >&-", 1, NO_OUTPUT),
    ("run --help > /dev/full", 1, NO_SPACE),
    ("move switch CONFIG m >&-", 1, NO_OUTPUT),
    ("move --help > /dev/full", 1, NO_SPACE),
    ("recover DEEP", 2, "ConfigError: DEEP: nested too deeply"),
    ("setup DEEP", 2, "ConfigError: DEEP: nested too deeply"),
    ("shards DEEP", 2, "ConfigError: DEEP: nested too deeply"),
    ("move status DEEP", 2, "ConfigError: DEEP: nested too deeply"),
    ("sql CONFIG - <&-", 2, "standard input is closed"),
    (f"sql CONFIG --format csv -c '{MANY}' | head -1", 1, NO_READER),
    ("check DEEP", 2, "ConfigError: DEEP: nested too deeply"),
    ("explain DEEP 'SELECT 1'", 2, "ConfigError: DEEP: nested too deeply"),
]


def run(line: str, **environ: str) -> tuple[int, list[str]]:
    """Run a line in a shell; return routedb's exit code and the error stream."""
    command = f"{shlex.quote(sys.executable)} -m routedb {line}"
    done = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**BUFFERED, "PYTHONPATH": str(ROOT), **environ},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(("line", "code", "said"), [*SOON, *later(LATER)])
def test_an_end_is_one_line_and_a_code(line, code, said, config, folder):
    deep = folder / "deep.toml"
    deep.write_text(f"a = {'[' * 5000}{']' * 5000}\n")
    places = {"CONFIG": str(config), "DEEP": str(deep)}
    for name, place in places.items():
        line, said = line.replace(name, place), said.replace(name, place)
    found, lines = run(line)
    assert found == code, lines
    assert said in lines[-1]
    assert not any(
        text.startswith(("Traceback", "Exception ignored")) for text in lines
    )
    usage = [text for text in lines if text.startswith(("Usage: ", "Try '"))]
    assert len([text for text in lines if text and text not in usage]) == 1


@pytest.mark.parametrize("depth", [300, 100_000, *later([50, 200, 400, 700, 2000])])
@pytest.mark.parametrize("brackets", ["[]", "{}", "."])
def test_toml_of_any_depth_is_an_error_of_one_line(depth, brackets, folder):
    path = folder / "deep.toml"
    inside = "[" * depth + "]" * depth
    if brackets == "{}":
        inside = "{ a = " * depth + "1" + " }" * depth
    if brackets == ".":
        inside = "1\n" + "a." * depth + "a = 1"
    path.write_text(f"[databases.m]\nnodes = ['sqlite:///{path}.db']\nb = {inside}\n")
    code, lines = run(f"check {shlex.quote(str(path))}")
    assert code == 2, lines
    assert len(lines) == 1
    assert lines[0].startswith("ConfigError: ")


@pytest.mark.parametrize("module", ["routedb.cli", "click", "rich", "routedb.cluster"])
def test_ctrl_c_in_an_import_is_one_line(module, tmp_path, config):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    code, lines = run(f"check {shlex.quote(str(config))}", PYTHONPATH=path)
    assert (code, lines) == (128 + signal.SIGINT, ["routedb: interrupted"])


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below `group`, itself included, by what is typed."""
    yield " ".join(names), group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield " ".join((*names, name)), command


def test_no_command_can_end_in_another_way():
    """Each new one is to be guarded too."""
    found = dict(commands(main))
    assert {"sql", "recover", "setup", "shards", "move", "move switch"} <= set(found)
    guards = (streams.Guarded, streams.GuardedVerbs, streams.GuardedGroup)
    others = [name for name, each in found.items() if not isinstance(each, guards)]
    assert others == ["run"]  # which is guarded up to where the program begins
