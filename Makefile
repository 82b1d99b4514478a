# `make demo` to see it, `make test` before a change goes in, `make help` for the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE := 1
# The tests start servers of their own; a token or a config of the person must not reach them.
unexport JUPYTER_TOKEN JUPYTER_CONFIG_DIR JUPYTER_WORKSPACE_URL JUPYTER_WORKSPACE_TOKEN

FRONT := $(shell find labextension/src labextension/style labextension/schema -type f) \
	labextension/package.json labextension/yarn.lock labextension/tsconfig.json labextension/build-widget.mjs
# A test that fails on a busy machine is run again, and what each run met is printed; none may hang for ever.
PATIENT := --reruns 4 --reruns-delay 1 --rerun-show-tracebacks --timeout 900
RUN := $(BIN)/python -m pytest $(PATIENT)
UNITS := $(wildcard tests/gate tests/unit tests/contract)
# Unit tests sync many small files, and show nothing of the disk by that: memory will do, where there is enough.
QUICK := $(shell free=$$(df --output=avail /dev/shm 2>/dev/null | tail -1); \
	[ "$${free:-0}" -gt 2000000 ] && [ -w /dev/shm ] && echo "TMPDIR=/dev/shm")
TIDY := -o tmp_path_retention_policy=failed
API := $(wildcard tests/api)
PLAIN := sed -E 's/\x1b\[[0-9;]*m//g'
FAULTS := $(wildcard tests/faults/test_*.py)
UI := $(wildcard tests/ui/test_*.py)
EXAMPLES := $(wildcard tests/examples)
FUZZ_SECONDS ?= 60
JOBS ?= 2

.PHONY: help
help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# --- The tools -------------------------------------------------------------

.PHONY: python-there
python-there:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing (set PYTHON to one)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is too old: 3.11 or newer is needed (set PYTHON to one)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "Python's venv is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/bin/python: | python-there
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# The build hook brings its own Node where there is none; the checks of the front end need one too. What checks IRIs
# goes again: it makes its grammar at each start of a server, a second of processor, and no schema here has an IRI.
$(VENV)/.installed: pyproject.toml labextension/hatch_build.py $(FRONT) | $(VENV)/bin/python
	rm -rf labextension/dist
	$(BIN)/python -m pip install --quiet hatchling
	node=$$($(BIN)/python labextension/hatch_build.py); \
	$(BIN)/python -m pip install --quiet $$node --editable '.[test,preview]'
	$(BIN)/python -m pip uninstall --quiet --yes rfc3987-syntax
	touch $@

.PHONY: install
install: $(VENV)/.installed ## A virtual environment in .venv with the package and the tools

labextension/node_modules/.yarn-state.yml: labextension/package.json labextension/yarn.lock | $(VENV)/.installed
	cd labextension && jlpm install --immutable
	touch $@

# --- The checks ------------------------------------------------------------

.PHONY: lint
lint: install ## Format, style, types and import contracts
	ruff format --check .
	ruff check .
	mypy
	python tests/gate/import_contracts.py

.PHONY: front
front: install labextension/node_modules/.yarn-state.yml ## Style, types and tests of the front end
	cd labextension && jlpm check

.PHONY: format
format: install ## Put the code into its form
	ruff format .
	ruff check --fix .

.PHONY: test-fast
test-fast: lint ## Style, types and unit tests: under a minute
	$(MAKE) --jobs=2 --keep-going --output-sync=target fast-services fast-rest

.PHONY: fast-services
fast-services:
	$(QUICK) $(RUN) $(TIDY) -q -m "not slow" tests/unit/services

.PHONY: fast-rest
fast-rest:
	$(QUICK) $(RUN) $(TIDY) -q -m "not slow" tests/gate tests/unit --ignore=tests/unit/services

.PHONY: enabled
enabled: install ## Whether one installation enabled both halves
	jupyter server extension list 2>&1 | $(PLAIN) | grep -E '^ *jupyter_workspace .*OK' \
		|| { jupyter server extension list; exit 1; }
	jupyter labextension list 2>&1 | $(PLAIN) | grep -E 'jupyter-workspace v.* enabled OK' \
		|| { jupyter labextension list; exit 1; }

.PHONY: begin
begin: install
	mkdir -p build
	rm -f .coverage .coverage.* build/coverage.json
	python tests/gate/requirements_report.py --forget

.PHONY: units
units: begin
	$(QUICK) coverage run -m pytest $(PATIENT) $(TIDY) $(UNITS)

.PHONY: api
api: begin
	coverage run -m pytest $(PATIENT) $(API)

.PHONY: measured
measured: units api ## Unit, contract and API tests, and how much of the package they reach
	coverage combine --quiet
	coverage json --quiet -o build/coverage.json
	python tests/gate/coverage_floor.py build/coverage.json

# Where there is no libfuse and none can be brought, the script says so and the tests of a power cut skip themselves.
.PHONY: faults
faults: begin ## Kill, fill and break things, at the size of the gate
	$(if $(FAULTS),bash tests/faults/fuse.sh && $(RUN) $(FAULTS))

# atheris has no wheels for every Python, so it is installed here and by nothing else.
.PHONY: fuzz
fuzz: install ## The parsers under a fuzzer, a minute each (FUZZ_SECONDS)
	$(BIN)/python -m pip install --quiet 'atheris>=3,<4'
	for target in $(notdir $(wildcard tests/fuzz/corpus/*)); do \
		mkdir -p build/fuzz/$$target; \
		python tests/fuzz/fuzz.py $$target -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/ \
			build/fuzz/$$target tests/fuzz/corpus/$$target; \
	done

.PHONY: schemathesis
schemathesis: begin ## Half an hour of requests made from the document
	SCHEMATHESIS_SECONDS=1800 SCHEMATHESIS_EXAMPLES=200 $(RUN) tests/api/test_schema.py

.PHONY: examples
examples: begin ## Every example runs
	$(if $(EXAMPLES),$(RUN) $(EXAMPLES))

# A pytest run of its own: Playwright keeps an event loop running in the process.
.PHONY: ui
ui: begin ## Tests in a browser
	$(if $(UI),bash tests/ui/chromium.sh && $(RUN) -o addopts="-ra --import-mode=importlib" $(UI))

.PHONY: hub
hub: begin ## Behind a real JupyterHub with its proxy and two users
	$(if $(wildcard tests/hub/test_*.py),$(RUN) tests/hub)

# Where there is no nginx and none can be brought, the script says so and the tests skip themselves.
.PHONY: nginx
nginx: begin ## Behind a real nginx: request buffering on and off, bodies of 1 MiB at most
	$(if $(wildcard tests/proxy/test_*.py),bash tests/proxy/nginx.sh && $(RUN) tests/proxy)

# Tests wait much, for servers, browsers and the clock, so lanes run beside each other, each telling when it ends.
# The longest begin first, or the last would run alone.
.PHONY: lanes
lanes: api ui faults units hub nginx examples measured

.PHONY: test
test: lint front enabled ## Everything that a change must pass (JOBS: how many lanes at a time)
	$(MAKE) --jobs=$(JOBS) --keep-going --output-sync=target lanes
	@python tests/gate/requirements_report.py

.PHONY: bench
bench: install ## Ratios to what people have today; needs a quiet machine
	for script in tests/bench/bench_*.py; do echo "== $$script"; python $$script || exit 1; done

.PHONY: package
package: install ## The sdist and the wheel, in dist/
	rm -rf labextension/dist
	python -m build

.PHONY: reference
reference: install labextension/node_modules/.yarn-state.yml ## What follows from the code: openapi.json, schema.d.ts, pages of docs/
	python tests/gate/reference.py
	cd labextension && jlpm schema

.PHONY: docs
docs: install ## The pages of docs/ as a site, in build/docs
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	sphinx-build --quiet --fail-on-warning docs build/docs

# --- To see it -------------------------------------------------------------

.PHONY: demo
demo: install ## JupyterLab on the quickstart notebook (DEMO_ARGS: see examples/demo.py --help)
	python examples/demo.py $(DEMO_ARGS)

.PHONY: clean
clean: ## Remove what was built
	rm -rf $(VENV) .demo build dist labextension/dist labextension/lib labextension/node_modules jupyter_workspace/static
