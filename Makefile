# `make run` runs a sweep, `make test` the tests; both set up .venv first. `make package` tries the wheel out.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SUITE ?= suites/mode_collapse.yaml

.PHONY: run test develop verify lint docs bench gpu package clean
.DEFAULT_GOAL := run

# Exact versions, and the CPU build of torch where pip offers one: without the constraints pip may fetch 6 GB.
$(BIN)/.installed: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt "torch==2.13.0"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[bench]"
	touch $@

$(BIN)/.installed-dev: $(BIN)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

run: $(BIN)/.installed
	$(BIN)/ganbench run $(SUITE)

# Everything that working on the code needs, and checks of style before each commit.
develop: $(BIN)/.installed-dev
	$(BIN)/pre-commit install

test: $(BIN)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --threads 2
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not (verify or ray or alone)" --dist worksteal
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "ray and not verify" --dist worksteal
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "alone and not (verify or bench)"

# Slow statistical checks; their tables are committed under results/.
verify: $(BIN)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -m verify

# What a step and each trick costs; writes results/baselines/trick_costs.json and the table in docs/performance.md, and
# fails at the end where a limit was exceeded.
bench: $(BIN)/.installed-dev
	mkdir -p build
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/benchmarks -m "not verify" --benchmark-only \
	  --benchmark-json=build/bench.json; beyond=$$?; \
	$(BIN)/python tests/benchmarks/costs.py build/bench.json && \
	$(BIN)/python tests/benchmarks/diagnostics_costs.py build/bench.json && \
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.peers && exit $$beyond

# Every component against the CPU, and the speed of the seed axis, on a machine with CUDA.
gpu: $(BIN)/.installed-dev
	$(BIN)/python -m tests.benchmarks.gpu

lint: $(BIN)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/pyright --threads 2

# The documentation as a site, in build/site; a link that leads nowhere is an error.
docs: $(BIN)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# Builds sdist and wheel, installs the wheel into an empty environment outside the checkout, and runs it there.
package:
	PYTHON=$(PYTHON) .ci/package

clean:
	rm -rf $(VENV) build *.egg-info
