# The verbs of the project. Every one that needs them makes .venv and node_modules first.
#   make test-live ARGS="-k resume"     passes ARGS to pytest
#   make run PORT=9000                  serves on another port

PYTHON ?= python3
PORT ?= 8000
ARGS ?=
PY := .venv/bin/python
NODE := .venv/bin/node

.DEFAULT_GOAL := help
.PHONY: help setup run worker test test-unit test-live test-faults test-browser test-js lint bench ready ready-to-run programs

help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: ready  ## make .venv and node_modules, or bring them up to date
	@echo "Ready. Next: make run"

run: ready-to-run  ## start the site on 127.0.0.1:8000 (PORT=…), with demo data the first time
	@$(PY) scripts/prepare.py http://127.0.0.1:$(PORT)/
	@PYTHONUNBUFFERED=1 exec $(PY) manage.py runserver 127.0.0.1:$(PORT)

worker: ready-to-run  ## start a worker of its own, for a site with REDIS_URL
	@PYTHONUNBUFFERED=1 exec $(PY) manage.py runworker feeds

# Sites are tested in both sizes: everything in one process, then on Redis and PostgreSQL with a worker of its own. So
# are the unit tests that use the database, on SQLite and on PostgreSQL.
test: ready programs test-js  ## run every test
	$(PY) -m pytest $(ARGS)
	$(PY) -m pytest --grown tests/unit tests/live tests/browser --ignore tests/live/test_deploy.py $(ARGS)

test-unit: ready programs  ## run the tests of single modules and of the import table
	$(PY) -m pytest tests/unit tests/architecture $(ARGS)

test-live: ready programs  ## run the tests with real processes and sockets
	$(PY) -m pytest tests/live $(ARGS)

test-faults: ready programs  ## break processes, Redis and the database on purpose, at full length (test: a shorter form)
	$(PY) -m pytest tests/faults tests/live/test_deploy.py tests/live/test_limits.py tests/live/test_many_saves.py \
		tests/unit/feeds/kinds/test_poll_storm.py tests/browser/test_connection.py --full $(ARGS)

test-browser: ready programs  ## run the tests in Chromium
	$(PY) -m pytest tests/browser $(ARGS)

test-js: ready  ## run the tests of the browser code under Node
	@sh scripts/test_js.sh $(NODE)

lint: ready  ## check format, style, types and the syntax of the browser code
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	@sh scripts/check_js.sh $(NODE)

bench: ready programs  ## run the benchmarks
	$(PY) -m bench $(ARGS)

ready:
	@$(PYTHON) scripts/install.py --dev

ready-to-run:
	@$(PYTHON) scripts/install.py

programs:
	@$(PY) scripts/programs.py
