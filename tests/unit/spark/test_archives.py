"""Finders in archives, of which Spark has Python read the lists for each task."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from routedb.integrations.spark.archives import forget_archives


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An archive to import from, with a package that has been."""
    path = str(tmp_path / "spark_like.zip")
    with ZipFile(path, "w") as file:
        file.writestr("spark_like/__init__.py", "")
        file.writestr("spark_like/one.py", "")
        file.writestr("spark_like/two.py", "")
    monkeypatch.syspath_prepend(path)
    for name in ("spark_like", "spark_like.one", "spark_like.two"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.import_module("spark_like.one")
    return path


def finders(archive: str) -> list[str]:
    return [place for place in sys.path_importer_cache if place.startswith(archive)]


def test_those_of_the_start_are_forgotten_and_import_goes_on(archive, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", archive)
    assert finders(archive)
    forget_archives()
    assert not finders(archive)
    assert str(importlib.import_module("spark_like.two").__file__).startswith(archive)


def test_those_of_archives_that_came_later_stay(archive, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere.zip")
    forget_archives()
    assert finders(archive)
