# The front door for people who work on pinnsolver. `make demo` and `make test` start from nothing.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# One process for each core; the tests themselves keep torch to one thread.
FAST := -m "not slow and not bench" -n auto --maxprocesses 8 --dist worksteal
# What `make bench-peers` runs: `make bench-peers SECONDS=30 SEEDS="0 1 2" PROBLEMS="burgers helmholtz"`. With JINNS_PYTHON
# (an interpreter that has jinns) and PEERS (a folder with scripts jinns_<problem>.py) those run beside.
BENCH_SECONDS ?= 60
SECONDS ?= $(BENCH_SECONDS)
SEEDS ?= 0
THREADS ?= 2
PROBLEMS ?=
JINNS_PYTHON ?=
PEERS ?=

# As the command line sets it: threads that wait for each other spin only briefly, which on a busy machine costs minutes otherwise.
export GOMP_SPINCOUNT ?= 2000

.PHONY: setup demo test slow check format bench bench-engine bench-peers bench-table results hands calibrate clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,fast]'
	$(BIN)/python -c 'from pinnsolver.network import warm_up; warm_up()'
	touch $@

demo: setup
	$(BIN)/pinnsolver solve problems/burgers.py --seconds 60 --overwrite --out outputs/burgers/demo

test: setup
	$(BIN)/python -m pytest $(FAST)

slow: setup
	$(BIN)/python -m pytest -m slow

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(FAST)

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# One after the other, whatever -j says: measurements must not disturb each other.
bench: setup
	$(MAKE) bench-engine
	$(MAKE) bench-peers

bench-engine: setup
	$(BIN)/python -m tests.bench engine

bench-peers: setup
	$(BIN)/python -m tests.bench peers --seconds $(SECONDS) --seeds "$(SEEDS)" --threads $(THREADS) \
		$(if $(PROBLEMS),--problems "$(PROBLEMS)") $(if $(JINNS_PYTHON),--external "$(JINNS_PYTHON)" "$(PEERS)")

bench-table: setup
	$(BIN)/python -m tests.bench table

# Every problem by the automatic choices, or some: `make results PROBLEMS="lorenz heat" SECONDS=60`; the table is problems/README.md.
results: setup
	$(BIN)/python -m tests.bench results --seconds $(SECONDS) --threads $(THREADS) $(if $(PROBLEMS),--problems "$(PROBLEMS)")

# The automatic choice against every choice by hand, at equal budget; the table is problems/CHOICES.md.
hands: setup
	$(BIN)/python -m tests.bench hands --seconds $(SECONDS) --seeds "$(SEEDS)" --threads $(THREADS) \
		$(if $(PROBLEMS),--problems "$(PROBLEMS)")

# Estimated errors against true ones; the table is problems/CALIBRATION.md.
calibrate: setup
	$(BIN)/python -m tests.bench calibrate --seconds $(SECONDS) --seeds "$(SEEDS)" --threads $(THREADS) \
		$(if $(PROBLEMS),--problems "$(PROBLEMS)")

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find outputs -mindepth 1 -not -name .gitignore -delete
