# Everything a developer or an operator types. The environment in .venv is made by itself and remade when the lock changes.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
SECONDS_EACH ?= 60
# Twice the processors: most tests wait for servers most of the time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')
.PHONY: help run test test-long test-nightly check fuzz format clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(READY)  ## Sandbox and service together, with a chat in the terminal (a short tour without one)
	@$(BIN)/marcado run

test: $(READY)  ## The tests, in parallel
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not long and not nightly"

test-long: $(READY)  ## Long suites that CI runs too
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "long and not nightly"

test-nightly: $(READY)  ## Thousands of generated turns with a hostile model; MARCADO_ADVERSARY_TURNS says how many
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m nightly

check: $(READY)  ## Lint, format, types, import layers, security
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -r agent tools webhooks panel prompts meetings clients cli -c pyproject.toml
	$(BIN)/python .ci/audit.py

fuzz: $(READY)  ## Fuzz the readers of webhook bodies; SECONDS_EACH=600 for ten minutes per target
	for target in form kommo evolution; do $(BIN)/python -m tests.fuzz.run $$target --seconds $(SECONDS_EACH) || exit 1; done

format: $(READY)  ## Let ruff put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the environment and what tools left behind
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Marcado needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Run: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies into .venv (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
