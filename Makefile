# The front door for people who work on pinnsolver. `make demo` and `make test` start from nothing.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
FAST := not slow and not bench

.PHONY: setup demo test slow check format bench clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/pinnsolver solve problems/burgers.py --seconds 60 --overwrite --out outputs/burgers/demo

test: setup
	$(BIN)/python -m pytest -m "$(FAST)"

slow: setup
	$(BIN)/python -m pytest -m slow

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "$(FAST)"

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/python -m pytest -m bench -s

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find outputs -mindepth 1 -not -name .gitignore -delete
