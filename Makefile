# make demo   the brief of the shipped pack: results/brief.html
# make test   all tests (under 10 minutes from cold on 2 cores)
# make page   the web page that `karavan serve` shows (needs node 20 or newer and npm)
# PYTHON=...  another interpreter than python3 (3.11 or newer)

PYTHON ?= python3
PACK ?= caspian
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

PAGE := src/karavan/web/static/index.html

.PHONY: demo test soak bench lint types docs page clean help

help:
	@sed -n 's/^# //p' Makefile

demo: $(VENV)/.run page
	@mkdir -p results && rm -f results/facts.db*
	$(BIN)/karavan facts --ledger results/facts.db add --sample
	$(BIN)/karavan facts --ledger results/facts.db conflicts
	$(BIN)/karavan facts --ledger results/facts.db promises
	$(BIN)/karavan brief --pack $(PACK) --ledger results/facts.db --out results
	@echo "Open results/brief.html in a browser; the tables behind it are in results/."
	@echo "Then try: $(BIN)/karavan serve    $(BIN)/karavan promise 'KZ-IR trade reaches USD 1bn'"

test: $(VENV)/.test $(VENV)/.debian page
	$(BIN)/python -m pytest -n 2

soak: $(VENV)/.test $(VENV)/.debian page
	@$(INSTALL) '.[all,test,soak]'
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -m soak

bench: $(VENV)/.test
	@$(INSTALL) '.[all,test,bench]' || echo "AequilibraE could not be installed; it is not measured beside"
	set -e; for script in benchmarks/bench_*.py; do $(BIN)/python $$script; done

lint: $(VENV)/.lint
	$(BIN)/python -m ruff check .

types: $(VENV)/.lint
	$(BIN)/python -m mypy

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

clean:
	rm -rf results site dist build .mypy_cache .pytest_cache .ruff_cache

# The page is built where npm is there and its source has changed; everything but `karavan serve` does without it.
page:
	@if ! command -v npm >/dev/null; then echo "npm is not there: the web page is not built"; \
	elif [ ! -f $(PAGE) ] || [ -n "$$(find webapp -newer $(PAGE) -type f -not -path '*/node_modules/*' | head -n 1)" ]; then \
		echo "Building the web page"; \
		cd webapp && npm ci --silent --no-audit --no-fund && npm run --silent build && touch ../$(PAGE); \
	fi

# Each stamp is newer than what it was installed from; nothing is installed twice.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Karavan needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV) || { echo "python3 cannot make virtual environments: install the package python3-venv"; exit 1; }
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing Karavan in $(VENV)"
	@$(INSTALL) '.[all]'
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@$(INSTALL) '.[all,test]'
	@touch $@

# A PostgreSQL server for the ledger's tests and a Chromium for the page's, where they may be installed; without one of
# them its tests skip and say so.
$(VENV)/.debian: $(VENV)/.made
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		wanted=""; \
		ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || wanted="$$wanted postgresql"; \
		command -v chromium >/dev/null || wanted="$$wanted chromium"; \
		[ -z "$$wanted" ] || { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$wanted; } >/dev/null 2>&1 \
		|| echo "Could not install:$$wanted; their tests skip"; \
	fi
	@touch $@

$(VENV)/.lint: $(VENV)/.run
	@$(INSTALL) '.[all,test,lint]'
	@touch $@

$(VENV)/.docs: $(VENV)/.run
	@$(INSTALL) '.[all,docs]'
	@touch $@
