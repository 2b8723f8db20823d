# Espace needs Python 3.11 or later and make; everything else is installed into .venv.

# Recursive on purpose: the search runs only when an environment has to be made.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
UV ?= uv

WEB_READY := $(if $(wildcard web/package.json),web/dist/.ready)
WEB_SOURCES := $(wildcard web/package.json web/package-lock.json web/*.html web/*.js web/*.mjs web/*.ts \
	web/src/* web/src/*/* web/public/*)

# Which modules of models/ the mutations attack; all of them when empty.
SLICES ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo serve worker test check fmt schema migration bench campaign lock

help: ## Say what can be made
	@echo 'make <target>'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY) $(WEB_READY) ## Install everything into .venv, and build GraphiQL where Node is there

demo: setup ## Set up, migrate, seed and serve a sandbox on http://127.0.0.1:8000
	@$(BIN)/espace demo $(ARGS)

serve: setup ## Serve the API
	@$(BIN)/espace serve $(ARGS)

worker: $(READY) ## Run a worker apart from the server
	@$(BIN)/espace worker $(ARGS)

test: setup ## Run the tests (ARGS="-k name" passes through)
	@$(BIN)/python -m pytest $(ARGS)

check: $(READY) ## Formatting, lint, types, layers, house rules
	@echo '--- format';      $(BIN)/ruff format --check .
	@echo '--- lint';        $(BIN)/ruff check --quiet .
	@echo '--- types';       $(BIN)/mypy
	@echo '--- layers';      $(BIN)/lint-imports
	@echo '--- house rules'; $(BIN)/python -m tests.house

fmt: $(READY) ## Format and repair what can be
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schema: $(READY) ## Print the schema into schema/schema.graphql
	@$(BIN)/espace schema --write

migration: $(READY) ## Draft a migration from the models (m="add invoices")
	@[ -n "$(m)" ] || { echo 'Say what it does: make migration m="add invoices"'; exit 2; }
	@$(BIN)/espace migration "$(m)"

bench: $(READY) ## Measure, side by side
	@$(BIN)/python -m bench $(ARGS)

# The canaries come in slices, to be taken up again one by one:
# .venv/bin/python -m pytest -m campaign --timeout=0 -k seeds_07000
campaign: $(READY) ## Long tests, all on the other executor, then mutations of models/ (SLICES="ledger money" for some)
	@echo '--- long tests'
	@ESPACE_CAMPAIGN=1 $(BIN)/python -m pytest -m campaign --timeout=0 $(ARGS) || [ $$? -eq 5 ]
	@echo '--- who may see what, with everything on graphql-core'
	@ESPACE_PLANNER=off $(BIN)/python -m pytest --timeout=0 tests/test_matrix.py tests/test_canary.py tests/test_audit.py
	@echo '--- mutations of models/ $(SLICES)'
	@$(BIN)/mutmut run --max-children 2 $(patsubst %,'models.%.*',$(SLICES))
	@$(BIN)/mutmut results

lock: ## Pin every dependency by hash into requirements.lock (needs uv; ARGS=--upgrade)
	@command -v $(UV) >/dev/null || { echo 'make lock needs uv; UV=path/to/uv names one.'; exit 2; }
	@unset UV_FIND_LINKS; $(UV) --no-config pip compile pyproject.toml --universal --python-version 3.11 \
		--generate-hashes --extra dev --no-header --no-emit-index-url --quiet -o requirements.lock $(ARGS)

# The stamp is written last: an interrupted installation is taken up again.
$(READY): requirements.lock pyproject.toml
	@[ ! -L .venv ] || { echo '.venv is a link to that of another copy, which this would change.'; exit 1; }
	@if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		python='$(PYTHON)'; \
		if [ -z "$$python" ]; then \
			echo 'Espace needs Python 3.11 or later, with its venv module (python3-venv on Debian and Ubuntu).'; \
			echo 'None was found; PYTHON=path/to/python names one.'; exit 1; \
		fi; \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
			echo "Espace needs Python 3.11 or later; $$python is not."; exit 1; }; \
		echo "--- environment ($$python)"; \
		$$python -m venv --clear .venv || exit 1; \
	fi
	@echo '--- dependencies (a minute or two the first time)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements.lock
	@echo '--- espace'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
	@touch $@

# Without Node, or without the registry, the page falls back to a plain text area; set-up goes on.
web/dist/.ready: $(WEB_SOURCES)
	@echo '--- GraphiQL'
	@if ! command -v npm >/dev/null 2>&1 || \
		! node -e 'process.exit(parseInt(process.versions.node, 10) >= 20 ? 0 : 1)' >/dev/null 2>&1; then \
		echo 'Node 20 or later is not there: the GraphiQL page falls back to a plain text area.'; \
	elif (cd web && npm ci --no-audit --no-fund --loglevel=error --fetch-retries=1 && npm run --silent build); then \
		mkdir -p web/dist && touch $@; \
	else \
		echo 'GraphiQL could not be built: its page falls back to a plain text area.'; \
	fi
