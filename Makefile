# `make demo` and `make test` do all their own set-up in .venv. The demo records its decisions: in the examples'
# ledger/ folders, signed by a log key that the first run makes in the user's configuration directory.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TYPES := build/types
FUZZ_STAMP := $(VENV)/.fuzz-installed
FUZZ_SECONDS ?= 10
FUZZ_JOBS ?= 2
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: demo test lint format policy-test docs bench fuzz lock clean help

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "gate needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## Judge both example workspaces
	@echo "== examples/algo-trade: the state of the audit; the gate must say FAIL"
	@$(BIN)/gate evaluate stage8 --workspace examples/algo-trade --output table; test $$? -eq 1
	@echo
	@echo "== examples/ready: the same project made ready; the gate must say PASS"
	@$(BIN)/gate evaluate stage8 --workspace examples/ready --output table

test: $(STAMP) ## All tests, with branch coverage
	$(BIN)/python -m pytest -n auto --cov --cov-report=term $(ARGS)

lint: $(STAMP) ## Style, types, formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p $(TYPES) && ln -sfn ../.. $(TYPES)/gate
	MYPYPATH=$(TYPES) $(BIN)/mypy -p gate.engine -p gate.evidence -m gate.cli -m gate.__main__

format: $(STAMP) ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

policy-test: $(STAMP) ## The policies' own tests, on every engine that is here
	$(BIN)/python -m pytest -q tests/policies

docs: $(STAMP) ## Rewrite the generated parts of the documentation
	$(BIN)/python docs/generate.py

bench: $(STAMP) $(VENV)/.bench ## Measure speed, as ratios within one run
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/inventory.py
	$(BIN)/python benchmarks/tree.py
	$(BIN)/python benchmarks/coverage_xml.py
	$(BIN)/python benchmarks/messages.py

$(VENV)/.bench: benchmarks/requirements.txt $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# $(FUZZ_STAMP) is asked for only where there is a wheel: the fuzzer is a compiled extension, and building it needs all of LLVM
fuzz: $(STAMP) ## Look for inputs that break a parser, FUZZ_SECONDS for each target (TARGETS= for some)
	@if $(BIN)/python tests/fuzz/run.py --supported; then \
		$(MAKE) --no-print-directory $(FUZZ_STAMP) \
		&& $(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS) $(TARGETS); \
	fi

$(FUZZ_STAMP): $(STAMP) tests/fuzz/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
		-r tests/fuzz/requirements.txt
	@touch $@

lock: $(STAMP) ## Resolve the development dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) --group dev pyproject.toml -o requirements-dev.txt
	$(LOCK) --group pyproject.toml:bench -c requirements-dev.txt -o benchmarks/requirements.txt
	$(LOCK) --group pyproject.toml:fuzz -c requirements-dev.txt -o tests/fuzz/requirements.txt

clean: ## Remove what the targets above made
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
