"""What kind of fault the errors of real servers tell."""

from __future__ import annotations

import pytest

from routedb.adapters.base import TxMode
from routedb.errors import Fault
from tests.support.drivers import Home


@pytest.mark.live
@pytest.mark.parametrize("fixture", ["pg", "my"])
def test_a_write_on_a_replica_is_refused_by_the_node(request, fixture):
    database = request.getfixturevalue(fixture)
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    database.wait_replayed()
    home = Home(database.cluster.writer.scheme, database.replica_dsns[0])
    raw = home.connect()
    with pytest.raises(home.driver.Error) as caught:
        home.write(raw, 1)
    assert home.adapter.fault(caught.value, raw) is Fault.NODE_READ_ONLY
    home.adapter.close(raw)


@pytest.mark.live
@pytest.mark.parametrize("home", ["postgresql", "mysql"], indirect=True)
def test_a_lock_that_is_waited_for_in_vain_is_a_timeout(home, raw):
    other = home.connect()
    home.write(raw, 1)
    home.adapter.begin(raw, TxMode())
    home.adapter.run(raw, "UPDATE t SET id = 2")
    wait = {
        "postgresql": "SET lock_timeout = 50",
        "mysql": "SET innodb_lock_wait_timeout = 0",
    }
    home.adapter.run(other, wait[home.engine])
    with pytest.raises(home.driver.Error) as caught:
        home.adapter.run(other, "UPDATE t SET id = 3")
    assert home.adapter.fault(caught.value, other) is Fault.TIMEOUT
    home.adapter.close(other)
