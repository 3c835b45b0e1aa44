# `make` builds .venv; every other target builds it first when it is missing or out of date.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
STAMP := .venv/.built

.DEFAULT_GOAL := venv
.PHONY: venv docs reference serve test coverage lint types check audit lock chaos scaling proxies moving typescript console screenshots recipes packages bench parts bench-lock clean
MAKEFLAGS += --no-print-directory

venv: $(STAMP) docs
	@:

$(STAMP): requirements.lock pyproject.toml clients/python/pyproject.toml
	@echo "building .venv, once: this takes about a minute" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Signalbox needs Python 3.11 or newer (make PYTHON=...)")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e clients/python -e .
	@touch $@

# make serve ARGS="--port 9000"
serve: $(STAMP) docs
	@$(BIN)/signalbox serve $(ARGS)

# make test ARGS="tests/ground/test_settings.py -x"
test: $(STAMP) docs
	@$(BIN)/python -m pytest $(ARGS)

# Branches of src/signalbox that no test takes, also in the processes that the tests start. Without ARGS it fails when a
# part that is COVERED has a branch with neither a test nor a reason: make coverage ARGS="tests/http"
COVERED := src/signalbox/accounts/*,src/signalbox/app.py,src/signalbox/db/*,src/signalbox/queue/*,src/signalbox/rendering/*,src/signalbox/routing/*
coverage: $(STAMP) docs
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(BIN)/coverage run -m pytest -n 2 -m 'not xdist_group' $(ARGS); tests=$$?; \
		$(BIN)/coverage combine --quiet && $(BIN)/coverage html --quiet && $(BIN)/coverage report \
		$(if $(ARGS),,&& $(BIN)/coverage report --fail-under=100 --include='$(COVERED)') && exit $$tests

lint: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(STAMP)
	@$(BIN)/mypy
	@$(BIN)/mypy clients/python/src clients/python/tests

check: lint types test

# The documentation under /docs; does nothing when it is current
docs: $(STAMP)
	@$(BIN)/python -m docs_build

# The pages docs/reference-*.md, with responses of a real server
reference: docs
	@$(BIN)/python -m docs_build reference
	@$(BIN)/python -m docs_build

# Known vulnerabilities of the run-time dependencies; when the advisory service cannot be reached, says so and succeeds.
audit: $(STAMP)
	@$(BIN)/python .ci/audit.py

# Adds new dependencies of pyproject.toml and keeps the other versions; ARGS="--upgrade" updates all.
lock: $(STAMP)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-package signalbox-client \
		--custom-compile-command 'make lock' --group dev pyproject.toml -o requirements.lock $(ARGS)

# Kills, connection resets and restarts under load (docs/reliability.md): make chaos ARGS="--runs 20 --seed 1 --jobs 2"
chaos: $(STAMP)
	@PYTHONPATH=tests $(BIN)/python tests/chaos/run.py $(ARGS)

# The program behind a real PgBouncer, which is not a Python package: apt-get install pgbouncer.
scaling: $(STAMP)
	@$(BIN)/python -m pytest tests/scaling/check_pgbouncer.py $(ARGS)

# docs/tls.md and docs/several-nodes.md behind real proxies: apt-get install nginx-light caddy.
proxies: $(STAMP)
	@$(BIN)/python -m pytest tests/docs/check_proxies.py $(ARGS)

# The recipes of docs/moving.md that need extra tools, which the file lists.
moving: $(STAMP)
	@$(BIN)/python -m pytest tests/docs/check_moving.py $(ARGS)

# The TypeScript client: built, packed, tested against the server and in Chromium (Node 20.3+, CHROMIUM=/usr/bin/chromium)
typescript: $(STAMP)
	@cd clients/typescript && npm ci --no-audit --no-fund && npm test

# The web console: types, unit tests, and the committed files of src/signalbox/console from their source (Node 20.19+)
console/node_modules/.package-lock.json: console/package-lock.json
	@cd console && npm install --no-save --no-audit --no-fund --silent
	@touch $@

console: console/node_modules/.package-lock.json
	@cd console && npm run --silent check && npm run --silent test && npm run --silent build

# docs/images, from the running program in Chromium
screenshots: $(STAMP) docs
	@PYTHONPATH=tests $(BIN)/python tests/console/screenshots.py $(ARGS)

# Clients in Go and Java from /openapi.json: generated, compiled, run; make recipes ARGS=go
recipes: $(STAMP)
	@$(BIN)/python clients/recipes/check.py $(ARGS)

# sdists, wheels and the npm tarball into dist/, checked and used in a new environment
packages: $(STAMP)
	@$(BIN)/python .ci/packages.py $(ARGS)

# make bench ARGS="--quick --only lists": figures and their floors from one run; about 15 minutes without ARGS
bench: bench/.venv/.built
	@bench/.venv/bin/python -m bench $(ARGS)

# make parts ARGS=router: a part that we wrote ourselves beside the library that also does it; docs/decisions/ name them
parts: bench/.venv/.built
	@bench/.venv/bin/python -m bench.parts.$(ARGS)

bench/.venv/.built: bench/requirements.lock pyproject.toml clients/python/pyproject.toml
	@echo "building bench/.venv" >&2
	@$(PYTHON) -m venv bench/.venv
	@bench/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.lock
	@bench/.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e clients/python -e .
	@touch $@

# After `make lock`: the bench measures with the product's versions.
bench-lock: $(STAMP)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-package signalbox-client \
		--custom-compile-command 'make bench-lock' --constraints requirements.lock --group bench pyproject.toml \
		-o bench/requirements.lock $(ARGS)

clean:
	@rm -rf .venv bench/.venv clients/typescript/dist console/build .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist src/signalbox/site
