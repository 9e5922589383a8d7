# Each line runs by hand too, with the virtual environment active.
PYTHON ?= python3
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
READY := .venv/ready
# Only antlr4, of which there is no wheel, runs code when it is installed.
LOCKED := pip install --quiet --no-deps --require-hashes --no-build-isolation \
	--only-binary :all: --no-binary antlr4-python3-runtime

.PHONY: setup gpu lock repro test lint bench data validate-data sft dpo compare clean

setup: $(READY)

$(READY): pyproject.toml $(wildcard requirements/*.txt)
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) and "Python 3.11 to 3.14 is needed: make PYTHON=...")'
	test -x .venv/bin/pip || $(PYTHON) -m venv .venv
	$(LOCKED) -r requirements/build.txt
	$(LOCKED) -r requirements/dev.txt
	$(LOCKED) -r requirements/torch-cpu.txt 2> /dev/null || $(LOCKED) -r requirements/torch.txt
	pip install --quiet --no-deps --no-build-isolation -e .
	test ! -e .venv/gpu || $(LOCKED) -r requirements/torch.txt -r requirements/gpu.txt
	touch $@
	@echo "All is installed. To use it by hand: source .venv/bin/activate"

gpu: .venv/gpu      ## what training on a GPU needs besides

.venv/gpu: $(READY)
	pip uninstall --quiet --yes torch  # else pip keeps the CPU build, which satisfies torch.txt
	$(LOCKED) -r requirements/torch.txt -r requirements/gpu.txt
	touch $@

lock: setup         ## pin what pyproject.toml asks for; UPGRADE=--upgrade takes the newest versions
	python requirements/lock.py $(UPGRADE)

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
