"""A link on which a statement was cancelled, for a signal elsewhere."""

from __future__ import annotations

import pytest

from routedb.merge.cancelled import settle_cancelled
from tests.support.fake_pair import pair


@pytest.mark.parametrize("has_begun", [True, False])
def test_what_begins_behind_the_end_of_its_transaction_ends_the_link(has_begun):
    """A thread that was to run a part may have begun it after the rollback."""
    with pair("a") as world:
        connection = world.connect(autocommit=True)
        connection.cursor().execute("SELECT 1")
        session = connection.session
        (link,) = session.links
        link.raw.in_transaction = has_begun
        settle_cancelled(session, link)
        assert (link in list(session.links)) is not has_begun
        connection.close()
