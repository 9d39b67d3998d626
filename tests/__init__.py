"""Tests of routedb; `make test` runs them."""
