# Countermand. `make` prints what there is to do; every target installs what it needs first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
COUNT ?=
# Test files run side by side, so many at a time; most of a test is waiting, while proofs in full
# take whatever processors there are. 0: in one process.
test: WORKERS ?= 3
prove soak: WORKERS ?= 2
PYTEST = $(VENV)/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The installer works on our environment only, with the Python that is there.
UV := VIRTUAL_ENV=$(VENV) UV_PYTHON_DOWNLOADS=never UV_HTTP_TIMEOUT=120 $(BIN)/uv --quiet
INSTALL_US := $(UV) pip install --no-deps --no-build-isolation --editable .
RESOLVE := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# A service is several processes, and tests start hundreds: what one has compiled, the others load.
unexport PYTHONDONTWRITEBYTECODE

# Stamps: nothing is installed again as long as its lock stays the same.
HAS_UV := $(VENV)/has-uv
HAS_RUNTIME := $(VENV)/has-runtime
HAS_ALL := $(VENV)/has-all

.PHONY: help
help: ## Print this
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

# ---------------------------------------------------------------------------------------------- Use

.PHONY: up
up: $(HAS_RUNTIME) ## Run Countermand, everything in one command (ARGS="...")
	@$(BIN)/countermand up $(ARGS)

.PHONY: kafka
kafka: $(HAS_RUNTIME) ## Run one Kafka broker on this machine, without Docker
	@$(BIN)/python -m cluster.kafka $(ARGS)

.PHONY: cluster
cluster: $(HAS_ALL) ## Run Countermand as several processes on a Kafka broker
	@$(BIN)/python -m cluster $(ARGS)

# -------------------------------------------------------------------------------------------- Prove

.PHONY: test
test: $(HAS_ALL) ## Run the tests, and every proof at a small size (ARGS="tests/unit -k fold")
	@COUNTERMAND_PROOF_SIZE=small $(PYTEST) $(ARGS)

.PHONY: prove
prove: $(HAS_ALL) ## Run the proofs with their full counts, and long tests
	@COUNTERMAND_PROOF_SIZE=full $(PYTEST) -m prove --timeout 1800 --durations 10 $(ARGS)

.PHONY: soak
soak: $(HAS_ALL) ## Run the proofs with any count (COUNT=1000000)
	@[[ "$(COUNT)" =~ ^[1-9][0-9]*$$ ]] || { echo 'Say how many: make soak COUNT=1000000' >&2; exit 2; }
	@COUNTERMAND_PROOF_SIZE=$(COUNT) $(PYTEST) -m prove --timeout 0 --durations 10 $(ARGS)

.PHONY: bench
bench: $(HAS_ALL) ## Print every figure beside its limit (ARGS="--json --only NAME")
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: check
check: $(HAS_ALL) ## Look, change nothing: format, lint, types, who may import whom
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

.PHONY: fix
fix: $(HAS_ALL) ## Format, and mend what the linter can; write the types of SyncClient again
	@$(BIN)/python -m tests.sync_stub
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# ------------------------------------------------------------------------------------------ Install

$(HAS_UV): requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Countermand needs Python 3.11 or later: make PYTHON=/path/to/python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo 'This Python cannot make virtual environments: apt-get install python3-venv' >&2; exit 1; }
	@[[ -x $(BIN)/python && -x $(BIN)/pip ]] || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes --no-deps -r $<
	@touch $@

$(HAS_RUNTIME): requirements.lock pyproject.toml $(HAS_UV)
	@$(UV) pip install --require-hashes --no-build -r $<
	@$(INSTALL_US)
	@touch $@

$(HAS_ALL): requirements-dev.lock pyproject.toml $(HAS_UV)
	@$(UV) pip sync --require-hashes --no-build $<
	@$(INSTALL_US)
	@touch $@ $(HAS_RUNTIME)

# Keeps what is pinned as long as pyproject.toml allows it; RESOLVE_ARGS=--upgrade takes the newest.
RESOLVE_ARGS ?=
.PHONY: lock
lock: $(HAS_UV) ## Renew the locks from pyproject.toml (RESOLVE_ARGS=--upgrade takes the newest)
	@$(RESOLVE) $(RESOLVE_ARGS) --group install -o requirements.lock
	@$(RESOLVE) $(RESOLVE_ARGS) --group install --group dev -c requirements.lock -o requirements-dev.lock
	@echo uv | $(UV) pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" -c requirements.lock -o requirements-uv.lock

.PHONY: system
system: $(HAS_RUNTIME) ## Install what Kafka and PostgreSQL need on this machine, by apt (as root)
	@$(BIN)/python -m cluster.system
