# Three targets, each from nothing but Linux, Python 3.11, gcc and make:
#   make demo   quantizes the bundled detector and shows what that cost
#   make test   runs the tests
#   make setup  only sets up .venv (quick when that was done before)

PYTHON := $(shell command -v python3.11 || echo python3)

ifndef IPTQ_DATA
ifneq ($(wildcard ../shared/data),)
export IPTQ_DATA := ../shared/data
endif
endif

.PHONY: demo test setup

demo: setup
	.venv/bin/python tools/ptq.py configs/iptq_swin_nano_maskrcnn_shapes.py

test: setup
	.venv/bin/python -m pytest

setup:
	@$(PYTHON) tools/setup_env.py
