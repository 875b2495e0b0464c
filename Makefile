# Every target explains itself: `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NODE := node_modules/.ready
# Otherwise every process compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

PUBLISHED := openapi/published/openapi.json
UV := uv==0.13.9

.DEFAULT_GOAL := help
.PHONY: help install serve test lint types imports contract check demo openapi publish clients bench torture clean

help: ## List the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(UV)'
	@$(BIN)/uv sync --quiet --system-certs --frozen --all-extras --compile-bytecode
	@touch $(READY)

# Node comes with .venv; packages run no scripts of theirs when they are installed.
$(NODE): package-lock.json package.json openapi/clients/typescript/package.json examples/due-visits/package.json $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" NODE_USE_SYSTEM_CA=1 \
		npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $(NODE)

install: $(READY) $(NODE) ## Build .venv and node_modules from the lock files

serve: $(READY) ## Start a sandbox: embedded PostgreSQL, demo accounts, movable clock
	@exec $(BIN)/trial serve --sandbox

test: $(READY) $(NODE) ## Run everything: lint, types, import contracts, Dockerfile, all tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync check
	@$(BIN)/pytest -n 3 --durations=20

check: lint types imports contract

lint: $(READY) ## Check style and the Dockerfile
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/hadolint Dockerfile

types: $(READY) $(NODE) ## Check types, of the TypeScript client and the example too
	@$(BIN)/mypy --no-error-summary
	@PATH="$(CURDIR)/$(BIN):$$PATH" node_modules/.bin/tsc --project openapi/clients/typescript
	@PATH="$(CURDIR)/$(BIN):$$PATH" node_modules/.bin/tsc --project examples/due-visits

imports: $(READY) ## Check that arrows between modules go one way
	@$(BIN)/lint-imports --no-cache > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

contract: $(READY) $(NODE) ## Check the contract: Spectral, Redocly, and what would break callers
	@$(BIN)/python -m tools.published
	@PATH="$(CURDIR)/$(BIN):$$PATH" node_modules/.bin/spectral lint openapi/openapi.json \
		--ruleset openapi/.spectral.yaml --fail-severity=hint --quiet
	@PATH="$(CURDIR)/$(BIN):$$PATH" REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
		node_modules/.bin/redocly lint openapi/openapi.json --config openapi/redocly.yaml \
		--format=stylish > $(VENV)/redocly.log 2>&1 || { cat $(VENV)/redocly.log; exit 1; }

demo: $(READY) ## Take 200 subjects through a running sandbox, to the DMC's report
	@$(BIN)/trial demo --subjects 200 --url http://127.0.0.1:$${TRIAL_PORT:-8000}

openapi: $(READY) $(NODE) ## Write openapi/openapi.json from the code, its examples, and the clients
	@$(BIN)/trial openapi openapi/openapi.json
	@$(BIN)/pytest -n0 --record tests/contract/test_examples.py -k new_recording
	@$(BIN)/trial openapi openapi/openapi.json
	@$(MAKE) --no-print-directory clients

publish: $(READY) ## Publish openapi/openapi.json: what is changed later must not break its callers
	@$(BIN)/trial openapi $(PUBLISHED) --against $(PUBLISHED)

clients: $(READY) $(NODE) ## Write the clients' generated files from openapi/openapi.json
	@$(BIN)/python -m tools.python_client
	@$(BIN)/node tools/typescript_client.js

bench: $(READY) ## Measure against a bare server, side by side
	@$(BIN)/python -m bench

torture: $(READY) ## Cut, kill and race allocations for an hour: none may be lost or doubled
	@$(BIN)/pytest --torture tests/torture tests/simulation/test_prediction.py

clean: ## Remove the environments and the sandbox's data
	@rm -rf $(VENV) node_modules .trial
