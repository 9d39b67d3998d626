# make demo         the main job on embedded SQLite, nothing else needed
# make spark-demo   its tables in Spark (a JRE, and 600 MB of Python packages)
# make test         everything the project checks, on real servers
# make docs         the pages of docs/ as HTML, in docs/_build/html
#
# PYTHON chooses the interpreter that .venv is made from.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := PYTHON="$(PYTHON)" sh tools/setup.sh

# Bytecode is kept, also where the environment asks for none: the tests start hundreds of
# interpreters, and each would compile everything again. Not what tests write themselves.
BYTECODE := $(CURDIR)/.venv/bytecode
PYTEST := rm -rf "$(BYTECODE)$${TMPDIR:-/tmp}" && env -u PYTHONDONTWRITEBYTECODE \
	PYTHONPYCACHEPREFIX="$(BYTECODE)" $(BIN)/python -m pytest

.PHONY: demo spark-demo test test-failed test-long test-versions test-containers bench docs lint packages clean

demo: .venv/core.stamp
	$(BIN)/routedb demo

spark-demo: .venv/spark.stamp
	$(BIN)/routedb demo --spark

test: lint
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder

# What failed the last time, one after another.
test-failed: .venv/test.stamp packages
	$(PYTEST) --last-failed --last-failed-no-failures none

test-long: .venv/test.stamp .venv/spark-connect.stamp packages
	$(PYTEST) -m long --timeout 1800
	$(BIN)/python -m benchmarks.fuzz_time --minutes 5
	$(BIN)/python -m tests.support.injections --least 20000

test-versions: .venv/test.stamp packages
	$(BIN)/python -m tests.suites.versions

test-containers: .venv/test.stamp
	sh tools/containers.sh $(BIN)/python -m pytest

lint: .venv/test.stamp packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: .venv/bench.stamp packages
	$(BIN)/python -m benchmarks

docs: .venv/docs.stamp
	$(BIN)/sphinx-build -q -W -n -b html docs docs/_build/html

clean:
	rm -rf .venv build dist docs/_build *.egg-info
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Asked anew each time: packages come and go without the checkout knowing.
packages:
	@$(INSTALL) packages

.venv/core.stamp: setup.cfg setup.py pyproject.toml tools/setup.sh
	$(INSTALL) venv
	$(INSTALL) install .

.venv/test.stamp: setup.cfg setup.py pyproject.toml tools/setup.sh
	$(INSTALL) packages
	$(INSTALL) venv
	$(INSTALL) install test,postgresql,mysql,fast
	touch .venv/core.stamp

.venv/bench.stamp: .venv/test.stamp
	$(INSTALL) install bench

# Not part of the others: it is large, and only Spark's tests and its demo need it.
.venv/spark.stamp: .venv/core.stamp
	$(INSTALL) java
	$(INSTALL) install spark

.venv/spark-connect.stamp: .venv/spark.stamp
	$(INSTALL) install spark-connect

.venv/docs.stamp: .venv/core.stamp
	$(INSTALL) install docs
