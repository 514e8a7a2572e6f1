# Needs Python 3.11 or newer, and nothing else. `make help` lists what there is.
PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
FUZZ   ?= 5000

BIN      := $(VENV)/bin
# Stamps, not directories: a virtual environment that was interrupted half way is finished next time.
RUNTIME  := $(VENV)/.stamp-runtime
DEV      := $(VENV)/.stamp-dev
ROOMS    := schemas planning gcal vault streams portal sandbox ops
PIP      := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test chaos drill fuzz soak compose-test check docs format bench lock clean
# Its own theme's advertisement; the versions in use are pinned by the lock.
export NO_MKDOCS_2_WARNING := 1

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## everything on this machine, with a page to watch; ARGS=--script runs it through and ends
	$(BIN)/shiftcal demo $(ARGS)

test: $(DEV) ## every test, on the most real Kafka this machine offers; ARGS="-k name"
	$(BIN)/python -m pytest $(ARGS)

chaos: $(DEV) ## what takes long, then a hundred seeded histories with everything failing at random; ARGS="--seeds 10 --first 7"
	$(BIN)/python -m pytest -m long
	$(BIN)/python -m tests.chaos $(ARGS)

fuzz: $(DEV) ## thousands of spoiled messages and requests to one worker; FUZZ=20000 says how many
	SHIFTCAL_TEST_FUZZ=$(FUZZ) $(BIN)/python -m pytest tests/fuzz -s $(ARGS)

# Each file waits for a window of its own most of the time, so they run beside each other; scaling is measured alone.
DRILL := $(BIN)/python -m pytest -o python_files='drill_*.py' tests/drill
drill: $(DEV) ## break what docs/runbook.md names, see each alert, repair it as it says; then one worker, three, one: half an hour
	$(DRILL) -m "not alone" --numprocesses 5 --dist loadfile $(ARGS)
	$(DRILL) -m alone $(ARGS)

soak: $(DEV) ## an hour at twenty changes a second, and whether anything grows; ARGS="--minutes 5"
	$(BIN)/python -m bench.soak $(ARGS)

compose-test: $(DEV) ## docker-compose.host.yml for real, a worker killed meanwhile; needs a Docker engine
	$(BIN)/python -m tests.deploy.compose

check: $(DEV) ## lint, format, types, who may import whom, the pages' links, and known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict
	$(BIN)/python .ci/audit.py $(BIN)/pip-audit requirements-dev.lock

docs: $(DEV) ## the pages of docs/ on 127.0.0.1:8000, drawn anew as they are edited
	$(BIN)/mkdocs serve --strict

format: $(DEV) ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV) ## how fast, beside peers and limits, on a real Kafka; ten minutes, or ARGS=--long, or ARGS="latency bytes"
	$(BIN)/python -m bench $(ARGS)

# Without an index's address, a path or a host in them: they work wherever the packages are.
LOCK := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
        --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"

lock: ## newest versions that fit pyproject.toml, with their hashes
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip --disable-pip-version-check install --quiet 'uv>=0.9'
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) pyproject.toml --group dev --constraint requirements.lock -o requirements-dev.lock
	rm -rf .venv-lock

clean: ## remove what was built and downloaded; state and databases stay
	rm -rf $(VENV) .venv-lock .venv-quix .kafka build dist
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find $(ROOMS) tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/pip
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
