# One command for each thing a person or CI does here. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: up test faults lint bench screenshots help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
RUNS ?=
SEED ?=

up: $(VENV)/.installed ## run everything in the foreground; ctrl-C stops it (AGENTOPS_PORT=8001 make up)
	@exec $(BIN)/python manage.py up $(ARGS)

test: $(VENV)/.installed-dev ## all tests, on servers of their own (ARGS="tests/engine -x" for some)
	@$(BIN)/python -m tests $(ARGS)

faults: $(VENV)/.installed-dev ## kill everything under 1,000 runs, again and again (SEED=7 plays it again, RUNS=200)
	@RUNS="$(RUNS)" SEED="$(SEED)" $(BIN)/python -m tests.faults

lint: $(VENV)/.installed-dev ## style, types, import rules, migrations, Django's checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.services $(BIN)/python manage.py check
	$(BIN)/python -m tests.services $(BIN)/python manage.py makemigrations --check --dry-run

bench: $(VENV)/.installed-dev ## measure, print a table, write benchmarks/results.json
	@$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(VENV)/.installed-dev ## take the README's pictures from the running product (needs Chromium)
	@$(BIN)/python docs/screenshots.py

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing the dependencies (a minute or two, only this once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check .
	@rm -rf build *.egg-info
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing the dependencies for development ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	@rm -rf build *.egg-info
	@touch $@ $(VENV)/.installed

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "AgentOps needs Python 3.11 or newer; $(PYTHON) is older or missing."; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) lacks its venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
