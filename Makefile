# make demo   Phuket, live, on this machine          make test   every test
# make bench  the benchmarks, as a table             make docs   pages made from code
# make conformance SUITE=DIR   the NGSI-LD test suite in DIR against a fresh platform
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8026
DEMO_DATA ?= .demo
CONFORMANCE_OUT ?= conformance
JOBS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo serve test test-fast lint bench docs ui clean conformance
.DELETE_ON_ERROR:

demo: $(VENV)/.run ui
	@exec $(BIN)/andaman demo --data "$(DEMO_DATA)" --port "$(PORT)"

$(VENV)/.run: requirements.lock pyproject.toml scripts/bootstrap.sh scripts/hatch_build.py
	@sh scripts/bootstrap.sh "$(PYTHON)" "$(VENV)" requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml scripts/bootstrap.sh scripts/hatch_build.py
	@sh scripts/bootstrap.sh "$(PYTHON)" "$(VENV)" requirements-dev.lock
	@touch $@ $(VENV)/.run

ui: $(VENV)/.run
	@$(BIN)/python scripts/build_ui.py

lint: $(VENV)/.dev
	$(BIN)/ruff check src tests bench scripts
	$(BIN)/ruff format --check src tests bench scripts
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.dev ui lint
	$(BIN)/python scripts/build_ui.py --test
	$(BIN)/pytest

test-fast: $(VENV)/.dev
	$(BIN)/pytest -m "not slow and not browser"

bench: $(VENV)/.dev ui
	$(BIN)/python -m bench

conformance: $(VENV)/.run
	@test -n "$(SUITE)" || { echo "usage: make conformance SUITE=/path/to/ngsi-ld-test-suite"; exit 2; }
	$(BIN)/python scripts/conformance.py --suite "$(SUITE)" --out "$(CONFORMANCE_OUT)" --jobs $(JOBS)

docs: $(VENV)/.dev
	$(BIN)/python scripts/make_docs.py

clean:
	rm -rf $(VENV) src/andaman/web/static web/node_modules .mypy_cache .ruff_cache .pytest_cache
