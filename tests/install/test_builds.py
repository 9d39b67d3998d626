"""What is built holds the modules that there are, and leaves no `build/` behind."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.checkout import copy_checkout, files
from tests.support.later import later

EXTRA = "routedb/once.py"


def run(*argv: str, cwd: Path) -> str:
    """Run a command; return what it printed. It must succeed."""
    done = subprocess.run(
        argv,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PIP_NO_INPUT": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    """A Python that has the build backend, so that no build asks for it again."""
    folder = tmp_path_factory.mktemp("builder")
    run(sys.executable, "-m", "venv", "env", cwd=folder)
    python = str(folder / "env/bin/python")
    run(python, "-m", "pip", "install", "-q", "setuptools>=77", "wheel", cwd=folder)
    return python


@pytest.fixture
def checkout(tmp_path):
    return copy_checkout(tmp_path / "checkout")


def in_wheel(builder: str, checkout: Path) -> set[str]:
    """Build a wheel in the checkout; return the names of its files."""
    words = ("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "dist", ".")
    run(builder, "-m", "pip", *words, cwd=checkout)
    [wheel] = (checkout / "dist").glob("*.whl")
    with ZipFile(wheel) as opened:
        names = set(opened.namelist())
    wheel.unlink()
    return names


def test_a_module_that_was_deleted_is_in_no_later_wheel(builder, checkout):
    (checkout / EXTRA).write_text("")
    (checkout / "build/lib/routedb").mkdir(parents=True)  # of a build of long ago
    (checkout / "build/lib/routedb/stale.py").write_text("")
    first = in_wheel(builder, checkout)
    (checkout / EXTRA).unlink()
    second = in_wheel(builder, checkout)
    assert first - second == {EXTRA}
    assert "routedb/stale.py" not in first
    expected = {name for name in files() if name.startswith("routedb/")}
    assert {name for name in second if name.startswith("routedb/")} == expected


@pytest.mark.parametrize("way", [(".",), *later([(("-e", "."),)])], ids=" ".join)
def test_an_installation_leaves_nothing_of_a_build(builder, checkout, way):
    before = {path.name for path in checkout.iterdir()}
    words = ("install", "-q", "--no-deps", "--no-build-isolation", *way)
    run(builder, "-m", "pip", *words, cwd=checkout)
    left = {path.name for path in checkout.iterdir()} - before
    assert left <= {"routedb_driver.egg-info"}


@pytest.mark.long
def test_the_source_distribution_is_the_checkout(builder, checkout):
    script = "import sys; from setuptools import build_meta as b; b.build_sdist('dist')"
    run(builder, "-c", script, cwd=checkout)
    [archive] = (checkout / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        packed = {each.name.partition("/")[2] for each in opened if each.isfile()}
    written = ("PKG-INFO", "routedb_driver.egg-info/")
    assert {name for name in packed if not name.startswith(written)} == set(files())
    assert not (checkout / "build").exists()


@pytest.mark.long
def test_an_environment_of_the_old_name_becomes_one_of_the_new(builder, checkout):
    setup = checkout / "setup.cfg"
    now = setup.read_text()
    (checkout / ".venv").symlink_to(Path(builder).parents[1])
    words = ("install", "-q", "--no-deps", "--no-build-isolation", "-e", ".")
    run("sh", "tools/setup.sh", "forget_old_name", cwd=checkout)  # there is none
    setup.write_text(now.replace("name = routedb-driver", "name = routedb", 1))
    run("sh", "tools/setup.sh", "pip", *words, cwd=checkout)
    assert "routedb" in named(checkout)
    setup.write_text(now)
    run("sh", "tools/setup.sh", "forget_old_name", cwd=checkout)
    run("sh", "tools/setup.sh", "pip", *words, cwd=checkout)
    assert named(checkout) == {"routedb-driver"}
    assert (checkout / ".venv/bin/routedb").exists()
    assert not (checkout / "routedb.egg-info").exists()


def named(checkout: Path) -> set[str]:
    """Return which distributions of its environment offer dialects of SQLAlchemy."""
    [site] = (checkout / ".venv/lib").glob("python*/site-packages")
    return {
        each.metadata["Name"]
        for each in distributions(path=[str(site)])
        if each.entry_points.select(group="sqlalchemy.dialects", name="routedb")
    }
