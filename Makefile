# Each target sets up .venv by itself when pyproject files or constraints.txt changed. Another Python: make PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo
PROJECTS := pyproject.toml $(wildcard plugins/*/pyproject.toml)
PLUGINS := $(patsubst %/pyproject.toml,./%,$(wildcard plugins/*/pyproject.toml))

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup demo test test-slow reliability packaging lint docs bench
.DEFAULT_GOAL := setup

setup: $(STAMP)

# Compiled on all cores, where pip uses one; files for other Pythons, which some packages bring, need not compile.
$(STAMP): $(PROJECTS) constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --no-compile -c constraints.txt -e '.[dev,docs]' $(foreach plugin,$(PLUGINS),-e '$(plugin)[sample]')
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib > /dev/null 2>&1 || true
	touch $@

demo: $(STAMP)  ## a leaderboard and a submission from real data that needs no download
	$(BIN)/harness --workspace $(DEMO) run class-imbalance

test: $(STAMP) packaging docs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 8 --dist loadfile

test-slow: $(STAMP)
	$(BIN)/python -m pytest -q -m slow

reliability: $(STAMP)  ## every fault by its id: run its tests, write docs/reliability.md
	$(BIN)/python scripts/reliability.py

packaging: $(STAMP)  ## wheels, installed apart from this folder, must work too
	scripts/check_packaging.sh $(BIN)/python

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)  ## the documentation, into build/docs; a broken link or any warning fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -W error -m mkdocs build --quiet --strict

bench: $(STAMP)
	set -e; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file; done
