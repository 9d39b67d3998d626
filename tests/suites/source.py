"""Where a suite's source comes from: package registries, through their own clients.

Nothing is vendored. Sources and environments lie in a cache outside the repository.
"""

from __future__ import annotations

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ("setuptools>=77", "wheel", "cython>=3.1")  # to read an sdist's metadata
_LONGEST_S = 900  # of one command
_LAST = 15  # lines of its output that are shown when it failed


class Unobtainable(Exception):
    """A suite's source or a package it needs cannot be had; the text says which."""


def cache() -> Path:
    """Return the cache folder, made if need be."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "routedb" / "suites"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def environment(
    name: str, requirements: Sequence[str], interpreter: str = sys.executable
) -> Path:
    """Return the Python of a virtual environment with these packages and routedb's.

    The environment is the suite's own, called `name`, never the project's, and made
    anew from `interpreter` when what it shall hold changes. routedb itself is not
    installed: a run finds the checkout. Raises Unobtainable.
    """
    wanted = [*BUILD, *requirements, *needs()]
    version = call([interpreter, "-VV"])
    digest = hashlib.sha256("\n".join([version, *wanted]).encode()).hexdigest()
    folder = cache() / "venvs" / name
    python = folder / "bin" / "python"
    stamp = folder / "stamp"
    if not stamp.exists() or stamp.read_text() != digest:
        call([interpreter, "-m", "venv", "--clear", str(folder)])
        call([*_pip(python), "install", "--quiet", *wanted])
        _refuse_psycopg3(python)
        stamp.write_text(digest)
    return python


def sdist(python: Path, requirement: str) -> Path:
    """Return the unpacked source distribution of a Python package."""
    folder = cache() / "sources" / requirement.replace("*", "x")
    if not folder.exists():
        archives = folder.with_name(folder.name + ".download")
        shutil.rmtree(archives, ignore_errors=True)
        call(
            [
                *(*_pip(python), "download", "--quiet", "--no-deps"),
                *("--no-build-isolation", "--no-binary", ":all:"),
                *("--dest", str(archives), requirement),
            ]
        )
        _unpack(archives, folder)
    return _only_folder(folder)


def debian_source(package: str) -> Path:
    """Return the unpacked original source of one of Debian's source packages.

    The machine's own lists of packages stay as they are: apt gets a folder of its own,
    with the same places and signatures, that names sources instead of binaries.
    """
    folder = cache() / "sources" / f"debian-{package}"
    if not folder.exists():
        lists = _source_lists()
        archives = folder.with_name(folder.name + ".download")
        shutil.rmtree(archives, ignore_errors=True)
        (archives / "lists" / "partial").mkdir(parents=True)
        written = archives / "sources.sources"
        written.write_text(lists)
        apt = [
            *("apt-get", "-qq", "-o", f"Dir::Etc::sourcelist={written}"),
            *("-o", "Dir::Etc::sourceparts=/dev/null"),
            *("-o", f"Dir::State::lists={archives / 'lists'}"),
            *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
            *("-o", "APT::Sandbox::User=root"),
        ]
        call([*apt, "update"], cwd=archives)
        call([*apt, "source", "--download-only", package], cwd=archives)
        for other in archives.glob("*.debian.tar.*"):
            other.unlink()
        _unpack(archives, folder)
    return _only_folder(folder)


def call(argv: Sequence[str], cwd: Path | None = None) -> str:
    """Run a command; raise Unobtainable with the end of its output when it fails."""
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_LONGEST_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unobtainable(f"{argv[0]}: {error}") from None
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-_LAST:])
        raise Unobtainable(f"exit status {done.returncode} of {' '.join(argv)}\n{end}")
    return done.stdout


def _pip(python: Path) -> list[str]:
    return [str(python), "-m", "pip", "--disable-pip-version-check"]


def _refuse_psycopg3(python: Path) -> None:
    """Make sure that ORMs cannot choose psycopg 3, which they prefer, over psycopg2."""
    asked = "from importlib.util import find_spec; print(find_spec('psycopg'))"
    if call([str(python), "-c", asked]).strip() != "None":
        raise Unobtainable(
            f"psycopg 3 is installed for {python}; something requires it"
        )


def extra(name: str) -> list[str]:
    """Return the requirements of one of routedb's extras."""
    return _setup()["options.extras_require"][name].split("\n")[1:]


def extras() -> list[str]:
    """Return the names of routedb's extras."""
    return list(_setup()["options.extras_require"])


def needs() -> list[str]:
    """Return what routedb requires without any extra."""
    return _setup()["options"]["install_requires"].split("\n")[1:]


def _setup() -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup


def _source_lists() -> str:
    """Return Debian's places as deb822 text that names sources."""
    found = Path("/etc/apt/sources.list.d/debian.sources")
    if not found.exists():
        raise Unobtainable(f"{found} is not there, so Debian's sources are unknown")
    return found.read_text(encoding="utf-8").replace("Types: deb\n", "Types: deb-src\n")


def _unpack(archives: Path, folder: Path) -> None:
    """Unpack the one archive; the folder appears only when all of it is there."""
    [archive] = archives.glob("*.tar.*")
    partial = archives / "unpacked"
    with tarfile.open(archive) as opened:
        opened.extractall(partial, filter="data")
    partial.rename(folder)
    shutil.rmtree(archives)


def _only_folder(folder: Path) -> Path:
    [only] = folder.iterdir()
    return only
