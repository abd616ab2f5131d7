# Each target works from nothing but Linux, Python 3.11, gcc and make:
#   make demo         quantizes the bundled detector and shows what that cost
#   make test         runs the tests, after lint
#   make test-random  the tests in another order: make test-random SEED=3
#   make lint         ruff and mypy
#   make docs         builds the documentation site in work_dirs/docs
#   make dist         builds wheel and sources in dist/, and tries the wheel
#   make setup        only sets up .venv (quick when that was done before)

PYTHON := $(shell command -v python3.11 || echo python3)
SEED := 1

ifndef IPTQ_DATA
ifneq ($(wildcard ../shared/data),)
export IPTQ_DATA := ../shared/data
endif
endif

.PHONY: demo dist docs lint setup test test-random

demo: setup
	.venv/bin/python tools/ptq.py configs/iptq_swin_nano_maskrcnn_shapes.py

dist: setup
	.venv/bin/nox -s dist wheel

docs: setup
	.venv/bin/python -m sphinx -q -W --keep-going -b html docs work_dirs/docs
	@echo work_dirs/docs/index.html

lint: setup
	.venv/bin/pre-commit run --all-files

test: lint
	.venv/bin/python -m pytest -n auto -p no:randomly

test-random: setup
	.venv/bin/python -m pytest -n auto --randomly-seed=$(SEED)

setup:
	@$(PYTHON) tools/setup_env.py
