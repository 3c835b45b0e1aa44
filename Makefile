# `make` builds .venv; every other target builds it first when it is missing or out of date.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
STAMP := .venv/.built

.DEFAULT_GOAL := venv
.PHONY: venv serve test lint types check lock clean
MAKEFLAGS += --no-print-directory

venv: $(STAMP)
	@:

$(STAMP): requirements.lock pyproject.toml
	@echo "building .venv" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Signalbox needs Python 3.11 or newer (make PYTHON=...)")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# make serve ARGS="--port 9000"
serve: $(STAMP)
	@$(BIN)/signalbox serve $(ARGS)

# make test ARGS="tests/test_config.py -x"
test: $(STAMP)
	@$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(STAMP)
	@$(BIN)/mypy

check: lint types test

# Adds what pyproject.toml asks for and keeps the other versions; ARGS="--upgrade" takes the newest of all.
lock: $(STAMP)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
		--custom-compile-command 'make lock' --group dev pyproject.toml -o requirements.lock $(ARGS)

clean:
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
