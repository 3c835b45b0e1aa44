# `make` installs what running needs into .venv; the targets of development add their tools to it first.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
RUN := .venv/.built-run
STAMP := .venv/.built
TYPESCRIPT := clients/typescript/dist/cjs/package.json

.DEFAULT_GOAL := venv
.PHONY: venv docs reference serve test slow-tests for-tests coverage lint types check audit lock chaos scaling proxies moving typescript console screenshots recipes packages bench parts bench-lock clean
MAKEFLAGS += --no-print-directory

venv: $(RUN) docs
	@:

# Sets $uv: the uv of the PATH or of .venv; else the locked version, brought by pip into build/uv until the site is built.
define find_uv
set -e; uv=$$(command -v uv || command -v $(BIN)/uv || command -v build/uv/bin/uv || true); \
if [ -z "$$uv" ]; then \
	mkdir -p build; awk '/^[^ #]/ { on = /^uv==/ } on' requirements.lock > build/uv.txt; pip=$(PYTHON); \
	$(PYTHON) -m pip --version > /dev/null 2>&1 || { $(PYTHON) -m venv build/pip; pip=build/pip/bin/python; }; \
	PIP_ROOT_USER_ACTION=ignore $$pip -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes \
		--target build/uv -r build/uv.txt; \
	uv=build/uv/bin/uv; \
fi
endef

# The distribution was called `signalbox` before; its files would stay in an older .venv, so it is removed first.
$(RUN): requirements-run.lock pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Signalbox needs Python 3.11 or newer (make PYTHON=...)")'
	@echo "[1/2] .venv: $$(grep -c '^[a-z].*==' requirements-run.lock) packages, once" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@$(find_uv); $$uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-run.lock; \
		$$uv pip uninstall --quiet --python $(BIN)/python signalbox; \
		$$uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e clients/python -e .
	@touch $@

$(STAMP): $(RUN) requirements.lock
	@echo "the tools of development into .venv: $$(grep -c '^[a-z].*==' requirements.lock) packages, once" >&2
	@$(find_uv); $$uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

# make serve ARGS="--port 9000"
serve: $(RUN) docs
	@$(BIN)/signalbox serve $(ARGS)

# make test ARGS="tests/ground/test_settings.py -x"; `-n 0` in ARGS: in one process
test: $(STAMP) docs for-tests
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal --durations 20 -m "not slow" $(ARGS)

# Chaos, kills, fuzzing: minutes each
slow-tests: $(STAMP) docs
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal --durations 0 --durations-min 1 -m slow $(ARGS)

# What some tests use, where Node is installed; without Node these tests are skipped.
for-tests:
	@if command -v npm > /dev/null; then \
		$(MAKE) $(TYPESCRIPT) console/node_modules/.package-lock.json || echo "the tests that need these are skipped" >&2; \
	fi

# Branches of src/signalbox that no test takes, also in the processes that the tests start. Without ARGS it fails when a
# part that is COVERED has a branch with neither a test nor a reason: make coverage ARGS="tests/http"
COVERED := src/signalbox/accounts/*,src/signalbox/api/*.py,src/signalbox/api/inventory/*,src/signalbox/api/program/*,src/signalbox/api/routing/*,src/signalbox/app.py,src/signalbox/cli/*,src/signalbox/db/*,src/signalbox/ground/*,src/signalbox/http/*,src/signalbox/queue/*,src/signalbox/rendering/*,src/signalbox/routing/*,src/signalbox/testing/*
# Files of these parts with an open branch
UNCOVERED := src/signalbox/cli/inbox.py,src/signalbox/cli/messages.py
coverage: $(STAMP) docs for-tests
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(BIN)/coverage run -m pytest -n auto --maxprocesses 8 --dist worksteal $(ARGS); tests=$$?; \
		$(BIN)/coverage combine --quiet && $(BIN)/coverage html --quiet && $(BIN)/coverage report \
		$(if $(ARGS),,&& $(BIN)/coverage report --fail-under=100 --include='$(COVERED)' --omit='$(UNCOVERED)') && exit $$tests

lint: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(STAMP)
	@$(BIN)/mypy
	@$(BIN)/mypy clients/python/src clients/python/tests

check: lint types test

# The documentation under /docs; does nothing when it is current. Its generator is in .venv with the tools of development;
# else it is installed for this build only.
docs: $(RUN)
	@$(BIN)/python -m docs_build is-current || { \
		echo "[2/2] the documentation" >&2; builder=$(BIN)/python; \
		test -x $(BIN)/zensical || { \
			$(find_uv); builder=build/docs/bin/python; $(PYTHON) -m venv --clear --without-pip build/docs; \
			$$uv pip install --quiet --no-cache --python $$builder --require-hashes -c requirements.lock \
				$$(grep -o '^zensical==[0-9.]*' requirements.lock); \
		}; \
		$$builder -m docs_build; \
	}
	@rm -rf build/docs build/uv build/uv.txt build/pip

# The pages docs/reference-*.md, with responses of a real server
reference: $(STAMP) docs
	@$(BIN)/python -m docs_build reference
	@$(BIN)/python -m docs_build

# Known vulnerabilities of the run-time dependencies; when the advisory service cannot be reached, says so and succeeds.
audit: $(STAMP)
	@$(BIN)/python .ci/audit.py

# Adds new dependencies of pyproject.toml and keeps the other versions; ARGS="--upgrade" updates all.
lock: $(STAMP)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-package signalbox-client \
		--custom-compile-command 'make lock' --group dev pyproject.toml -o requirements.lock $(ARGS)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-package signalbox-client \
		--custom-compile-command 'make lock' --constraints requirements.lock --group build pyproject.toml -o requirements-run.lock

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
typescript: $(STAMP) $(TYPESCRIPT)
	@cd clients/typescript && npm test

clients/typescript/node_modules/.package-lock.json: clients/typescript/package-lock.json
	@cd clients/typescript && npm ci --no-audit --no-fund --silent
	@touch $@

$(TYPESCRIPT): clients/typescript/node_modules/.package-lock.json $(wildcard clients/typescript/src/*.ts)
	@cd clients/typescript && npm run --silent build

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
	@bench/.venv/bin/python -m pip uninstall -qq --yes signalbox
	@bench/.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e clients/python -e .
	@touch $@

# After `make lock`: the bench measures with the product's versions.
bench-lock: $(STAMP)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-package signalbox-client \
		--custom-compile-command 'make bench-lock' --constraints requirements.lock --group bench pyproject.toml \
		-o bench/requirements.lock $(ARGS)

clean:
	@rm -rf .venv bench/.venv clients/typescript/dist console/build .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist src/signalbox/site
