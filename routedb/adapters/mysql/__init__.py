"""MySQL and MariaDB: what all their drivers have in common, and one file per driver.

Faults by error number, queries to the catalog, GTID positions and lag, the statements
that set how transactions run. Only a driver's own file imports it.
"""
