# What there is to do with a checkout. Everything is kept in .venv; see CONTRIBUTING.md.
#   make PYTHON=python3.12 …   the interpreter .venv is made from (3.11 or newer; python3 unless named)

.DEFAULT_GOAL := help
.PHONY: help report lab site pictures bundle test lint bench data lock clean run-environment test-environment
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:

BIN := .venv/bin
export PYTHON

SOURCE ?= data/world-distribution.tar.gz
OUTPUT ?= $(CURDIR)/report.html
ARGS ?=
BUNDLE ?= dist/bundle
PLATFORMS ?=
PYTHONS ?=

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

report: run-environment ## the HTML report of the registry in data/ (another: make report SOURCE=… OUTPUT=…)
	@$(BIN)/regviz report "$(SOURCE)" -o "$(OUTPUT)"

lab: run-environment ## JupyterLab on the notebooks
	@$(BIN)/regviz lab

site: run-environment ## the notebooks as pages with an index, in site/ (another: make site SOURCE=…)
	@$(BIN)/python docs/pages.py site "$(SOURCE)"

# PLATFORMS="win_amd64 macosx_12_0_arm64 manylinux_2_28_x86_64" PYTHONS="3.11 3.12": for other machines than this one.
bundle: run-environment ## regviz and all it needs as wheels, in dist/bundle, to be installed without an index
	@$(BIN)/python scripts/bundle.py --directory "$(BUNDLE)" $(addprefix --platform ,$(PLATFORMS)) $(addprefix --python ,$(PYTHONS))

pictures: run-environment ## the pictures of README.md, drawn anew
	@$(BIN)/python docs/pictures.py

# As many processes as there are processors, at most 4 (JOBS=0: one, where the tests show what they print).
JOBS ?= auto
test: test-environment ## the tests (some of them: make test ARGS="tests/storage -k tar")
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 --dist loadfile $(ARGS)

lint: test-environment ## style, format, types, and who may import whom
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: test-environment ## the measurements, beside those of the tools they are measured against
	@$(BIN)/python -m benchmarks $(ARGS)

data: run-environment ## data/, built anew by its script
	@$(BIN)/python data/build.py

# Needs uv. UPGRADE=--upgrade takes newer versions; without it the present pins stay where they still fit.
UV ?= $(or $(shell command -v uv),$(BIN)/uv)
COMPILE = env -u UV_FIND_LINKS $(UV) pip compile --quiet --no-config --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url -c requirements/together.in --custom-compile-command "make lock" $(UPGRADE)
lock: ## requirements/*.txt, compiled from pyproject.toml
	@$(COMPILE) pyproject.toml --group build -o requirements/run.txt
	@$(COMPILE) pyproject.toml --group build --group test -c requirements/run.txt -o requirements/test.txt
	@$(COMPILE) --group pyproject.toml:spark -o requirements/spark.txt

clean: ## everything that the other targets made, .venv too
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist report.html site regviz/native/_native.so*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

run-environment:
	@scripts/setup run

test-environment:
	@scripts/setup test
