# The commands of this project. `make help` explains them; all are safe to repeat, and none needs root.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test soak check bench messages lock

PYTHON ?= python3
UV ?= uv
# One process more than there are cores: many tests wait for a server, a browser or the mail
PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
# More arguments for pytest: make test ARGS="tests/support -k postgres"
ARGS ?=
# Bring the locks up to date with what has been published: make lock UPGRADE=--upgrade
UPGRADE ?=

# Every process would compile the program anew
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
TRANSLATIONS := webapp/translations
CATALOGUES := $(wildcard $(TRANSLATIONS)/*/LC_MESSAGES/messages.po)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
ASSETS := package.json package-lock.json build_assets.py
LOCK := $(UV) pip compile --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-annotate --no-header --quiet $(UPGRADE)

help: ## Explain the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.ready $(CATALOGUES:.po=.mo) ## Make .venv with everything `make run` needs, and bring the database up to date
	@$(BIN)/vestibule migrate

run: setup ## Run the web app and the mail worker at http://127.0.0.1:8000, on SQLite, with a demo mailbox
	@$(BIN)/vestibule serve --demo --with-worker

test: setup .venv/.ready-for-tests ## Run every test; parts this machine lacks are skipped by name
	@$(BIN)/python -m pytest --numprocesses=$(PROCESSES) --dist=worksteal $(ARGS)

soak: setup .venv/.ready-for-tests ## Run the long tests, which take an hour and print what they counted
	@$(BIN)/python -m pytest -m soak --quiet $(ARGS)

check: .venv/.ready-for-tests ## Check style, types and who imports whom
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/.ready-for-tests ## Measure the pages beside a bare Flask view, both under gunicorn
	@$(BIN)/python -m benchmarks $(ARGS)

messages: .venv/.ready ## Bring the catalogues of translations up to date with the texts in the source
	@mkdir -p build
	@$(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --keyword "N_ lazy_gettext" --sort-by-file \
		--add-location file --width 120 --msgid-bugs-address "the issue tracker of Vestibule" \
		--output-file build/messages.pot $(sort $(shell find webapp -name '*.py' -o -name '*.html' -o -name '*.txt'))
	@$(BIN)/pybabel --quiet update --input-file build/messages.pot --output-dir $(TRANSLATIONS) --width 120 \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

lock: ## Write the lock files anew from pyproject.toml and package.json (needs uv and npm)
	$(LOCK) pyproject.toml --group build --output-file requirements.lock
	$(LOCK) pyproject.toml --group build --group dev --constraints requirements.lock --output-file requirements-dev.lock
	$(LOCK) --group node --output-file requirements-node.lock
	npm install --package-lock-only --ignore-scripts --no-audit --no-fund

%.mo: %.po .venv/.ready
	@$(BIN)/python build_assets.py

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Vestibule needs Python 3.11 or newer; make PYTHON=... names one.")'
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.ready: .venv/.made pyproject.toml requirements.lock requirements-node.lock $(ASSETS)
	@echo "Installing what Vestibule needs"
	@$(PIP) --require-hashes --requirement requirements.lock
	@command -v npm >/dev/null || $(PIP) --require-hashes --requirement requirements-node.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.ready-for-tests: .venv/.ready requirements-dev.lock
	@echo "Installing what the tests need"
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@$(BIN)/python build_assets.py --dev
	@touch $@
