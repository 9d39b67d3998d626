"""What all commands share: version, help, exit codes, no password shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

import routedb

SECRET = "s3cret-pw"
UNREACHABLE = f"postgresql://app:{SECRET}@127.0.0.1:1/shop"


def test_the_version_is_the_package_s(shell):
    result = shell("--version")
    assert (result.exit_code, result.output) == (
        0,
        f"routedb, version {routedb.__version__}\n",
    )


def test_the_module_runs_as_the_console_script_does():
    ran = subprocess.run(
        [sys.executable, "-m", "routedb", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in ("check", "demo", "explain", "run", "shards", "sql"):
        assert f"  {name} " in ran.stdout
    assert "Exit codes" in ran.stdout


def test_importing_routedb_imports_nothing_of_the_command_line():
    probe = (
        "import sys, routedb; routedb.connect('sqlite:///:memory:').close(); "
        "print(sorted({'click', 'rich', 'routedb.cli'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


WRONG = [
    ("default = 'main'\n", "databases"),
    ("default = 'main'\n[databases.main]\nnodez = []\n", "nodez"),
    ("[databases.main\n", "no valid TOML"),
    (
        f"default = 'x'\n[databases.main]\nnodes = ['{UNREACHABLE}']\n",
        "default",
    ),
]


@pytest.mark.parametrize(("text", "named"), WRONG)
@pytest.mark.parametrize("words", [("check",), ("explain", "SELECT 1"), ("sql",)])
def test_a_wrong_configuration_exits_with_2(shell, tmp_path, words, text, named):
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    command, *rest = words
    result = shell(command, path, *rest, given="")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("ConfigError: ")
    assert named in result.stderr
    assert SECRET not in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("check", "missing.toml"),
        ("explain", "sqlite:///:memory:"),
        ("sql", "sqlite:///:memory:", "--format", "xml"),
        ("sql", "sqlite:///:memory:", "--keep-going", "--single-transaction"),
        ("sql", "sqlite:///:memory:", "missing.sql"),
        ("sql", "sqlite:///:memory:", "/dev/null", "-c", "SELECT 1"),
        ("sell",),
    ],
)
def test_a_wrong_command_line_exits_with_2(shell, words):
    result = shell(*words)
    assert result.exit_code == 2
    assert result.stderr


@pytest.mark.parametrize(
    "words",
    [("check",), ("explain", "SELECT 1"), ("sql", "-c", "SELECT 1")],
)
def test_a_database_out_of_reach_exits_with_1_and_hides_the_password(shell, words):
    command, *rest = words
    result = shell(command, UNREACHABLE, *rest)
    assert result.exit_code == 1
    assert "127.0.0.1" in result.output
    assert SECRET not in result.output


def test_a_configuration_may_have_any_file_name(shell, config, folder):
    assert shell("check", config.rename(folder / "shop.conf")).exit_code == 0


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql:/app:{}@h/shop",
        "app:{}@h/shop",
        "redis://app:{}@h",
        "postgresql://app:a/{}@127.0.0.1:1/shop",
        "host=127.0.0.1 port=1 pasword={}",
        "postgresql://app:{}@127.0.0.1:1/shop?bogus=1",
    ],
)
def test_no_malformed_dsn_shows_its_password(shell, dsn):
    result = shell("check", dsn.format(SECRET))
    assert result.exit_code in (1, 2)
    assert result.output
    assert SECRET not in result.output
