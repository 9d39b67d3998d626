"""Which rights let a user of MySQL or MariaDB write on a replica."""

from __future__ import annotations

import pytest

from routedb.adapters.mysql.rights import rights_on_replica


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        ("GRANT SUPER ON *.* TO `u`@`%`", ("SUPER",)),
        (
            "GRANT ALL PRIVILEGES ON *.* TO `u`@`%` WITH GRANT OPTION",
            ("ALL PRIVILEGES",),
        ),
        ("GRANT SELECT, READ_ONLY ADMIN ON *.* TO `u`@`%`", ("READ_ONLY ADMIN",)),
        ("GRANT READ ONLY ADMIN ON *.* TO `u`@`%`", ("READ ONLY ADMIN",)),
        ("GRANT BINLOG ADMIN, SELECT ON *.* TO `u`@`%`", ("BINLOG ADMIN",)),
        ("GRANT CONNECTION ADMIN ON *.* TO `u`@`%`", ("CONNECTION ADMIN",)),
        ("GRANT SUPER ON *.* TO `role`", ("SUPER",)),
        ("GRANT SUPER, BINLOG ADMIN ON *.* TO `u`@`%`", ("SUPER", "BINLOG ADMIN")),
        ("GRANT REPLICA MONITOR ON *.* TO `u`@`%`", ()),
        ("GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*SUPER'", ()),
        ("GRANT ALL PRIVILEGES ON `shop`.* TO `u`@`%`", ()),
        ("GRANT SELECT, INSERT ON `SUPER`.* TO `u`@`%`", ()),
        ("GRANT `r` TO `u`@`%`", ()),
        ("SET DEFAULT ROLE `r` FOR `u`@`%`", ()),
    ],
)
def test_rights_of_mariadb(grant, expected):
    assert rights_on_replica([grant], is_mariadb=True) == expected


def test_rights_of_mysql():
    grants = [
        "GRANT SELECT, SUPER ON *.* TO `u`@`%`",
        "GRANT CONNECTION_ADMIN,BINLOG_ADMIN ON *.* TO `u`@`%`",
    ]
    found = rights_on_replica(grants, is_mariadb=False)
    assert found == ("SUPER", "CONNECTION_ADMIN")
