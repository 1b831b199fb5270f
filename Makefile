PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
SETUP := .venv/.installed
DEV := .venv/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench faults browser clean

help:  ## show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(SETUP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --config-settings editable_mode=compat
	@touch $@

$(DEV): $(SETUP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]' --config-settings editable_mode=compat
	@touch $@

setup: $(SETUP)  ## make .venv and install the arena into it

demo: $(SETUP)  ## train an agent from nothing, then play a real tournament and print its ladder
	$(BIN)/arena train connectx/small
	$(BIN)/arena tournament pong games=2
	$(BIN)/arena tournament demo
	$(BIN)/arena ladder --env all | sed -n '/^over all/,$$p'
	@echo 'watch it all: $(BIN)/arena watch'

test: $(DEV)  ## the everyday suite, about five minutes on two cores
	$(BIN)/python -m pytest -n 2

check: $(DEV)  ## format, lint, strict types, then the everyday suite
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2

bench: $(DEV)  ## every figure of the README, as ratios to peers in the same run
	$(BIN)/python benchmarks/run.py

faults: $(DEV)  ## kill, interrupt and damage the arena, print what was lost; hours
	$(BIN)/python -m tests.faults.battery

browser:  ## install Debian's Chromium, in which the pages are tested
	@command -v chromium >/dev/null || { \
	  S=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$S apt-get update -q && $$S apt-get install -q -y --no-install-recommends chromium; }

clean:  ## remove what was built, not what was recorded
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
