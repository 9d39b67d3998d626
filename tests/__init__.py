"""Tests of routedb; `make test` runs them.

Folders say what a test needs:

unit/        no server: a package of routedb by itself, one folder each
engine/      no server: the engine over fake servers and SQLite files
frontends/   connections and cursors, alike on PostgreSQL, MariaDB and SQLite
live/        real servers: what only they can show, and what breaks them
suites/      public test suites of drivers and ORMs, run on routedb
docs/        pages of docs/ and the README; a few of their programs need servers
typing/      programs that mypy judges
support/     no tests: servers, proxies, rigs and models that several folders use
"""
