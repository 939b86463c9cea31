# make tour | shell | test | lint | docs. Everything is installed into $(VENV), nothing outside it.
#   make tour PYTHON=/path/to/python3.11     choose the interpreter
#   make tour ARGS="--help"                  options of the tour
#   make test JOBS=8                         so many tests at a time

VENV ?= .venv
PYTHON ?=
ARGS ?=
JOBS ?= 2
BIN := $(VENV)/bin

.DELETE_ON_ERROR:
.PHONY: help tour shell test lint docs clean

help:
	@echo "make tour   train small models and write an illustrated report (a quarter of an hour)"
	@echo "make shell  open a shell in which unbraid is on the path"
	@echo "make test   run the tests"
	@echo "make lint   check style and types"
	@echo "make docs   build the documentation into docs/_build"
	@echo "make clean  remove $(VENV) and what was built"

tour: $(VENV)/.installed
	@$(BIN)/unbraid tour $(ARGS)

shell: $(VENV)/.installed
	@echo "unbraid is on the path of this shell; exit leaves it" >&2
	@VIRTUAL_ENV="$(abspath $(VENV))" PATH="$(abspath $(BIN)):$$PATH" "$${SHELL:-/bin/sh}" || :

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-dev
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build
	@echo "docs/_build/index.html"

clean:
	rm -rf $(VENV) docs/_build docs/_generated build dist

# Stamps: a target older than pyproject.toml or constraints.txt is installed again.
$(VENV)/.installed: EXTRAS :=
$(VENV)/.installed-dev: EXTRAS := [test,docs]

$(VENV)/.installed $(VENV)/.installed-dev: $(VENV)/.created pyproject.toml constraints.txt
	@echo "installing unbraid into $(VENV) (torch is large: the first time takes minutes)"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".$(EXTRAS)" || { \
		echo "make: the installation failed; pip's message above says why. Mend it and run make again." >&2; \
		exit 1; }
	@touch $@

$(VENV)/.created:
	@python="$(PYTHON)"; \
	recent() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }; \
	for candidate in python3.11 python3.12 python3.13 python3.14 python3 python; do \
		[ -n "$$python" ] || ! recent $$candidate || python=$$candidate; \
	done; \
	if [ -z "$$python" ]; then \
		echo "make: found no Python 3.11 or later: install one, or name it: make PYTHON=/path/to/python3.11" >&2; \
		exit 1; \
	fi; \
	recent "$$python" || { \
		echo "make: PYTHON=$$python is not a Python 3.11 or later that runs here: name another" >&2; exit 1; }; \
	"$$python" -m venv "$(VENV)" || { \
		echo "make: $$python cannot make a virtual environment in $(VENV): on Debian and Ubuntu, install python3-venv" >&2; \
		exit 1; }; \
	$(BIN)/python -m pip install --quiet --upgrade pip || { \
		echo "make: cannot upgrade pip in $(VENV): is the network there?" >&2; exit 1; }
	@touch $@
