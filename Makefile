# Two commands do everything on a fresh machine: `make demo` and `make test`. Both make the environment first.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SEED ?=
SEEDS ?=
START ?=
MINUTES ?=
KEEP ?=
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test check sim bench bench-peers bench-personality docs golden format lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## the environment in .venv, pinned by hash

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "bmaddb needs Python 3.11 or newer (set PYTHON=...)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## the main job: three devices, a real server, a cut network, and the proof (KEEP=1 leaves the server up)
	@$(BIN)/bmaddb demo $(if $(KEEP),--keep)

test: $(READY) ## every test, on real SQLite and real Postgres, on all cores (ARGS="tests/sync -x" instead)
	$(BIN)/python -m pytest $(or $(ARGS),-n auto --dist worksteal)

check: $(READY) ## style, types, import floors, tidiness
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/tidy -p no:randomly

sim: $(READY) ## the simulator: 300 seeds, or SEED=7 alone with its trace, or MINUTES=120 from START=1000
	@$(BIN)/python -m bmaddb.testing.simulation $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) \
	  $(if $(START),--start $(START)) $(if $(MINUTES),--minutes $(MINUTES) --seeds $(or $(SEEDS),1000000))

bench: $(READY) ## figures beside their peers and limits, in one run; writes docs/figures.md
	$(BIN)/python -m bench

bench-peers: $(VENV)-bench/.ready ## beside SQLAlchemy, peewee, Django, WatermelonDB, RxDB, TinyBase (those need Node); writes docs/peers.md
	$(VENV)-bench/bin/python -m bench.peers

bench-personality: $(VENV)-bench/.ready ## what a type preference is worth; writes docs/personality.md (some twenty minutes; ARGS=--report: only the page)
	$(VENV)-bench/bin/python -m bench.personality $(ARGS)

$(VENV)-bench/.ready: requirements-bench.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

docs: $(READY) ## run every snippet of the README and docs
	$(BIN)/python -m pytest tests/docs

golden: $(READY) ## rewrite the golden files; read the diff before you commit it
	UPDATE_GOLDENS=1 $(BIN)/python -m pytest tests/schema tests/postgres tests/query tests/protocol -k golden -p no:randomly

format: $(READY) ## let ruff write the layout
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: $(READY) ## pin requirements-dev.in and requirements-bench.in again, with hashes
	$(BIN)/python -m pip install --quiet pip-tools
	for one in dev bench; do \
	  $(BIN)/pip-compile --quiet --generate-hashes --no-header --no-emit-options --no-emit-index-url --no-emit-trusted-host \
	    --no-emit-find-links --strip-extras --allow-unsafe --output-file=requirements-$$one.txt requirements-$$one.in || exit 1; \
	done

clean: ## remove the environment and the caches
	rm -rf $(VENV) $(VENV)-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
