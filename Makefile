# Yijian's one door: `make help`. Python 3.11 and make are all a machine needs.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
LOCKS  := locks/runtime.txt locks/dev.txt locks/build.txt locks/durable.txt

# The locks name everything there is to install. Most modules of what they name are never imported:
# each is compiled when it is, not all of them here.
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-compile

# Dozens of processes start in one run: modules are compiled once, whatever the caller's shell says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test static lint types layers shipped check compiled test-compiled
.PHONY: bench bench-engine nightly chaos lock clean

help:  ## show this
	@awk 'BEGIN{FS=":.*## "} /^[a-z-]+:.*## /{printf "  make %-13s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## install everything into .venv (done by the other targets too)

$(STAMP): pyproject.toml $(LOCKS)
	@command -v $(PYTHON) >/dev/null || { echo "yijian needs Python 3.11: '$(PYTHON)' was not found; install it or say PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "yijian needs Python 3.11: $(PYTHON) is `$(PYTHON) -V`"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "yijian needs Python's venv module: install python3.11-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r locks/dev.txt
	$(PIP) --require-hashes -r locks/build.txt
	$(PIP) --no-build-isolation -e .
	@$(PIP) --require-hashes -r locks/durable.txt 2>$(VENV)/durable.log \
	  || echo "note: durable_rules needs a C compiler and was left out; only 'make bench' misses it (see $(VENV)/durable.log)"
	@touch $@

demo: setup  ## start everything, watch simulated traffic being supervised, clean up
	$(BIN)/yijian demo

static: setup  # what needs no test run: one process each, so two at a time
	@$(MAKE) -j 2 types lint layers shipped

lint types layers shipped: setup

lint:
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types:
	$(BIN)/mypy

layers:
	$(BIN)/lint-imports

shipped:
	$(BIN)/yijian rules check
	$(BIN)/yijian rules test

test: static  ## all tests: unit, spec, and integration on a real broker and engine
	$(BIN)/python -m pytest -n 2 tests/unit tests/spec
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/integration

check: static  ## the fast loop: lint, types, unit and spec tests
	HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest -n 2 -m "not slow" tests/unit tests/spec

# The compiled copy stands beside the sources: a module that is edited is never shadowed by an older
# one of C.
COMPILED := build/compiled

compiled: setup  ## the step of an event compiled to C: a wheel in dist/ (needs a C compiler and git, 3 minutes)
	$(PIP) --require-hashes -r locks/compiled.txt
	rm -rf build/source $(COMPILED) dist
	mkdir -p build/source $(COMPILED)
	git ls-files -z | xargs -0 cp --parents -t build/source
	HATCH_BUILD_HOOK_ENABLE_MYPYC=1 $(BIN)/python -m pip wheel -q --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir dist build/source

# Not those of the benchmarks, whose peers inherit from the engine: they are not run compiled.
test-compiled: compiled  ## unit and spec tests over the compiled step
	git ls-files -z | xargs -0 cp --parents -t $(COMPILED)
	$(PIP) --upgrade --target $(COMPILED) dist/*.whl
	cd $(COMPILED) && $(abspath $(BIN))/python -c "import rules.engine.run as m; assert m.__file__.endswith('.so'), m.__file__"
	cd $(COMPILED) && $(abspath $(BIN))/python -m pytest -n 2 --ignore tests/unit/benchmarks tests/unit tests/spec

bench: setup  ## throughput and latency against peers; last line is JSON
	$(BIN)/python -m benchmarks.pipeline

bench-engine: setup  ## the rule engine alone against other rule engines; last line is JSON
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/bench.txt
	$(BIN)/python -m benchmarks.engine

nightly: setup  ## the laws over many more generated rules and events
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest tests/spec --timeout 3600

chaos: setup  ## kill, freeze and partition everything under load; last line is JSON
	$(BIN)/yijian chaos

COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
EXTRA = $(BIN)/python -c "import sys, tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies'][sys.argv[1]], sep='\n')"

lock: setup  ## resolve the dependencies anew (needs uv, which this installs)
	$(BIN)/python -m pip install -q uv
	$(COMPILE) -U pyproject.toml -o locks/runtime.txt
	$(COMPILE) pyproject.toml --extra dev -c locks/runtime.txt -o locks/dev.txt
	$(COMPILE) pyproject.toml --extra bench -c locks/runtime.txt -o locks/bench.txt
	for extra in build compiled durable rocksdb; do $(EXTRA) $$extra | $(COMPILE) -U - -o locks/$$extra.txt || exit 1; done

clean:  ## remove what the build made (.venv, caches)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
