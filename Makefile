# make run    start the app          (make run PORT=8600 for another port)
# make test   run all tests          (make test ARGS="-k video" for some of them)
# make lint   check style, types, licences and known holes of what is installed
# make sbom   list what is installed in sbom.cdx.json, after a change of the requirements
# make bench  measure speed and size: ten minutes on two free cores, to docs/benchmarks.md
#
# Each makes .venv first when it is missing or older than the requirements.
# Python 3.11 to 3.13 is looked for; name another one with make run PYTHON=/path/to/python.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
PORT := 8501
ARGS :=

supported = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c '$(supported)' 2>/dev/null && echo $$p && break; done)

# A stamp carries the checksum of what was installed, so a changed requirement installs again.
checksum = $(shell cat $(1) | cksum | cut -d' ' -f1)
APP_STAMP := $(VENV)/app-$(call checksum,requirements.txt)
DEV_STAMP := $(VENV)/dev-$(call checksum,requirements.txt requirements-scale.txt requirements-dev.txt)

.PHONY: help run test lint sbom format bench

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

# The better face detector is fetched while there is a network; without one the app still works.
run: $(APP_STAMP)
	$(VENV)/bin/streamlit run server.py --server.port $(PORT)

# Two processes: the tests in a browser mostly wait, and the others need a processor.
test: $(DEV_STAMP)
	$(VENV)/bin/python -m pytest --numprocesses 2 --dist loadgroup $(ARGS)

lint: $(DEV_STAMP)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/python -m tools.dependencies licences
	$(VENV)/bin/python -m tools.dependencies audit

sbom: $(DEV_STAMP)
	$(VENV)/bin/python -m tools.dependencies sbom

bench: $(DEV_STAMP)
	$(VENV)/bin/python -m fer bench $(ARGS)

format: $(DEV_STAMP)
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "FER needs Python 3.11, 3.12 or 3.13, and none was found." \
		"Install one, or name it: make run PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(APP_STAMP): | $(VENV)/bin/python
	$(VENV)/bin/pip install --disable-pip-version-check --quiet -r requirements.txt
	-$(VENV)/bin/python -m fer detector
	@rm -f $(VENV)/app-* && touch $@

$(DEV_STAMP): | $(APP_STAMP)
	$(VENV)/bin/pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	@rm -f $(VENV)/dev-* && touch $@
