# make demo   Phuket, live, on this machine          make test   every test
# make bench  the benchmarks, as a table             make docs   pages made from code
# make compiled   the hot path as machine code (demo, test and bench do that)       make interpreted   without
# make generated   words of the screens, made from code
# make laws   the long runs: kills, fuzzing, hostile clients, thousands of questions; hours, by hand
# make sbom   the bill of materials (CycloneDX) from both lock files
# make conformance SUITE=DIR   the NGSI-LD test suite in DIR against a fresh platform
# make peers [SUITE=DIR]   the platform against others that do the same; with ANDAMAN_BENCH_PEER=PORT a broker too
# The distribution's Python where it will do: it is built with profile-guided optimization, which those of version managers
# often are not, and then everything takes longer.
PYTHON ?= $(shell for p in /usr/bin/python3 python3; do \
	$$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8026
DEMO_DATA ?= .demo
CONFORMANCE_OUT ?= conformance
JOBS ?= 1
# Tests run in this many processes; none depends on another or on the order.
TEST_JOBS ?= 2
# What is compiled must do the same as its sources: their tests run both ways.
LAWS_OF_COMPILED := tests/broker/entity tests/broker/query tests/broker/ledger tests/broker/subscriptions
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-fast laws lint bench docs generated sbom ui clean conformance peers compiled interpreted
.DELETE_ON_ERROR:

demo: $(VENV)/.run ui compiled
	@exec $(BIN)/andaman demo --data "$(DEMO_DATA)" --port "$(PORT)"

$(VENV)/.run: requirements.lock pyproject.toml scripts/bootstrap.sh scripts/hatch_build.py
	@sh scripts/bootstrap.sh "$(PYTHON)" "$(VENV)" requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml scripts/bootstrap.sh scripts/hatch_build.py
	@sh scripts/bootstrap.sh "$(PYTHON)" "$(VENV)" requirements-dev.lock
	@touch $@ $(VENV)/.run

ui: $(VENV)/.run
	@$(BIN)/python scripts/build_ui.py

compiled: $(VENV)/.run
	@$(BIN)/python scripts/compile.py

interpreted: $(VENV)/.run
	@$(BIN)/python scripts/compile.py --remove

lint: $(VENV)/.dev
	$(BIN)/ruff check src tests bench scripts
	$(BIN)/ruff format --check src tests bench scripts
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_words.py

test: $(VENV)/.dev ui lint compiled
	$(BIN)/python scripts/build_ui.py --test
	$(BIN)/pytest -n $(TEST_JOBS)
	ANDAMAN_INTERPRETED=1 $(BIN)/pytest -n $(TEST_JOBS) $(LAWS_OF_COMPILED)

test-fast: $(VENV)/.dev compiled
	$(BIN)/pytest -n $(TEST_JOBS) -m "not slow and not browser"

laws: $(VENV)/.dev ui compiled
	sh scripts/laws.sh "$(BIN)/pytest"

sbom: $(VENV)/.dev
	@$(BIN)/python scripts/sbom.py

bench: $(VENV)/.dev ui compiled
	$(BIN)/python -m bench

conformance: $(VENV)/.run compiled
	@test -n "$(SUITE)" || { echo "usage: make conformance SUITE=/path/to/ngsi-ld-test-suite"; exit 2; }
	$(BIN)/python scripts/conformance.py --suite "$(SUITE)" --out "$(CONFORMANCE_OUT)" --jobs $(JOBS)

peers: $(VENV)/.dev compiled
	@SUITE="$(SUITE)" CONFORMANCE_OUT="$(CONFORMANCE_OUT)" JOBS="$(JOBS)" $(BIN)/python scripts/peers.py

docs: $(VENV)/.dev
	$(BIN)/python scripts/make_docs.py

generated: $(VENV)/.dev
	$(BIN)/python scripts/make_generated.py

clean:
	find src -name "*.so" -delete
	rm -rf $(VENV) src/andaman/_compiled.json src/andaman/web/static web/node_modules .mypy_cache .ruff_cache .pytest_cache
