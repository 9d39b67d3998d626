"""A C method as a subclass's own: it is the same method, and its class is checked."""

from __future__ import annotations

import sqlite3

import pytest

from routedb.face.rebind import rebind


class Longer(list):
    """A subclass of a C class."""


class Other(sqlite3.Cursor):
    """Another."""


@pytest.mark.parametrize("name", ["append", "copy", "pop", "index", "sort"])
def test_a_rebound_method_belongs_to_the_subclass(name):
    method = rebind(getattr(list, name), Longer)
    assert (method.__objclass__, method.__name__) == (Longer, name)
    assert method.__doc__ == getattr(list, name).__doc__


def test_it_does_the_same():
    things = Longer([3, 1])
    rebind(list.append, Longer)(things, 2)
    rebind(list.sort, Longer)(things, reverse=True)
    assert things == [3, 2, 1]
    assert rebind(list.copy, Longer)(things) == [3, 2, 1]


def test_it_is_for_that_class_only():
    with pytest.raises(TypeError, match="Longer"):
        rebind(list.append, Longer)([], 1)


def test_it_serves_classes_of_extensions():
    cursor = sqlite3.connect(":memory:").cursor()
    with pytest.raises(TypeError):
        rebind(sqlite3.Cursor.fetchone, Other)(cursor)
    other = Other(sqlite3.connect(":memory:"))
    other.execute("SELECT 7")
    assert rebind(sqlite3.Cursor.fetchone, Other)(other) == (7,)


@pytest.mark.parametrize("method", [len, Longer.__repr__, str.__len__, lambda: 1])
def test_what_is_no_c_method_stays_what_it_is(method):
    assert rebind(method, Longer) is method
