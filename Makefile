# `make demo` and `make test` do all their own set-up in .venv. The demo records its decisions: in the examples'
# ledger/ folders, signed by a log key that the first run makes in build/demo.

# the first of these that is new enough; PYTHON=/path/to/python3 takes another
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.dev
TYPES := build/types
FUZZ_STAMP := $(VENV)/.fuzz-installed
FUZZ_SECONDS ?= 10
FUZZ_JOBS ?= 2
EXAMPLES ?= 1000
# The locks are complete and hashed, so nothing is resolved and nothing is built from source: what was published
# since cannot change what is installed. The pip that came with Python installs a pinned pip first.
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
LOCKED = $(PIP) install --no-deps --require-hashes --only-binary :all:
# every extra but ib-insync, which cannot be installed beside ibkr: its tests make an environment of their own
EXTRAS = $(shell $(BIN)/python -c 'import tomllib; \
	project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*("--extra " + one for one in project["optional-dependencies"] if one != "ib-insync"))')
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(ARGS)

# without compiled modules each of the many processes that tests start would compile gate anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test soak lint format policy-test docs site release bench fuzz lock clean help

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml .ci/requirements/installer.txt .ci/requirements/run.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "gate needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	$(LOCKED) -r .ci/requirements/installer.txt
	$(LOCKED) -r .ci/requirements/run.txt
	@# the warning is about packages of this name in the current directory; nothing here is called gate
	PYTHONWARNINGS='ignore:Editable installation' $(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

# The demo's log key and receipts lie in build/demo. They belong to the examples' ledgers: without one, the other starts anew.
# A shallow clone cannot tell who wrote the examples, so that nobody may have approved their own change: a copy can
demo: $(STAMP) ## Judge both example workspaces
	@test -d build/demo && test -d examples/ready/ledger || rm -rf build/demo examples/*/ledger
	@at=examples; export GATE_CONFIG_DIR="$(CURDIR)/build/demo"; mkdir -p build; \
	if test "$$(git rev-parse --is-shallow-repository 2>/dev/null)" = true; then \
		at=$$(mktemp -d); cp -R examples/. "$$at"; \
	fi; \
	echo "== $$at/algo-trade: the state of the audit; the gate must say FAIL"; \
	$(BIN)/gate evaluate stage8 --workspace $$at/algo-trade --operator $$at/operator.yaml; test $$? -eq 1 || exit 1; \
	echo; \
	echo "== $$at/ready: the same project made ready; the gate must say PASS"; \
	$(BIN)/gate evaluate stage8 --workspace $$at/ready --operator $$at/operator.yaml || exit 1; \
	echo; \
	echo "== to go on in this shell: export GATE_CONFIG_DIR=\"$(CURDIR)/build/demo\" PATH=\"$(CURDIR)/$(BIN):\$$PATH\""; \
	echo "== why the first one fails: $(BIN)/gate explain stage8 --workspace $$at/algo-trade --operator $$at/operator.yaml"

test: $(DEV) ## All tests but the soak; COVERAGE=1 measures branch coverage, which makes them three times slower
	$(BIN)/python -m pytest -n auto --dist loadfile $(if $(COVERAGE),--cov --cov-report=term) $(ARGS)

lint: $(DEV) ## Style, types, formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p $(TYPES) && ln -sfn ../.. $(TYPES)/gate
	MYPYPATH=$(TYPES) $(BIN)/mypy -p gate.engine -p gate.evidence -m gate.cli -m gate.__main__

format: $(DEV) ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

policy-test: $(DEV) ## The policies' own tests and their coverage, on every engine that is here
	GATE_EXAMPLES=60 $(BIN)/python -m pytest -q tests/policies

docs: $(DEV) ## Rewrite the generated parts of the documentation
	$(BIN)/python docs/generate.py

site: $(DEV) $(VENV)/.site ## Build the documentation site in build/site; a broken link or anchor fails
	rm -rf build/site
	$(BIN)/python -m sphinx -q -W -E --keep-going -b html -d build/doctrees docs build/site

release: $(DEV) $(VENV)/.site ## Make wheel, source distribution, SBOM and manual page of the commit in dist/
	rm -rf dist
	$(BIN)/python .ci/release.py dist

bench: $(DEV) $(VENV)/.bench ## Measure speed, as ratios within one run
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/inventory.py
	$(BIN)/python benchmarks/tree.py
	$(BIN)/python benchmarks/coverage_xml.py
	$(BIN)/python benchmarks/messages.py
	$(BIN)/python benchmarks/ledger.py
	$(BIN)/python benchmarks/formats.py
	$(BIN)/python benchmarks/impact.py
	$(BIN)/python benchmarks/cluster.py
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/ibkr.py
	$(BIN)/python benchmarks/broker.py
	$(BIN)/python benchmarks/serve.py

# what only some targets need: bench, dev, install, lock, site
$(VENV)/.%: .ci/requirements/%.txt $(STAMP)
	$(LOCKED) -r $<
	@touch $@

soak: $(DEV) $(VENV)/.install $(VENV)/.site ## Search for inputs that break a property, EXAMPLES for each, and run the long loops
	GATE_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n auto --dist loadfile -q -m "property or soak" $(if $(SEED),--hypothesis-seed=$(SEED)) $(ARGS)

# $(FUZZ_STAMP) is asked for only where there is a wheel: the fuzzer is a compiled extension, and building it needs all of LLVM
fuzz: $(DEV) ## Look for inputs that break a parser, FUZZ_SECONDS for each target (TARGETS= for some)
	@if $(BIN)/python tests/fuzz/run.py --supported; then \
		$(MAKE) --no-print-directory $(FUZZ_STAMP) \
		&& $(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS) $(TARGETS); \
	fi

$(FUZZ_STAMP): $(DEV) .ci/requirements/fuzz.txt
	$(LOCKED) -r .ci/requirements/fuzz.txt
	@touch $@

lock: $(VENV)/.lock ## Write the locks anew, keeping their versions; ARGS=--upgrade takes the newest
	$(LOCK) --group dev $(EXTRAS) pyproject.toml -o .ci/requirements/dev.txt
	$(LOCK) --group build -c .ci/requirements/dev.txt pyproject.toml -o .ci/requirements/run.txt
	for group in bench fuzz install installer lock site; do \
		$(LOCK) --group pyproject.toml:$$group -c .ci/requirements/dev.txt -o .ci/requirements/$$group.txt || exit 1; done
	@if git diff --quiet -- .ci/requirements; then touch $(STAMP) $(DEV) $(VENV)/.lock; fi

clean: ## Remove environments, builds and caches
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
