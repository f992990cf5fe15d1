# `make help` says what there is.
PORT ?= 8000
DATA ?= .heliodesk
DEMO ?= 1
PYTHON ?= python3
SECONDS ?= 600
BIN := .venv/bin
# Images for containers often set it; each process that a test starts would compile the whole service again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run check pure test coverage lint types style format fuzz bench screenshots openapi texts lock clean
.DEFAULT_GOAL := help

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: .venv/run.stamp ## Serve on 127.0.0.1 (PORT=8000, DATA=.heliodesk, DEMO=1)
	@exec env PORT="$(PORT)" DATA="$(DATA)" DEMO="$(DEMO)" $(BIN)/heliodesk up --die-with-parent

check: .venv/dev.stamp ## Run what needs no database and no process, in less than a minute: the loop while one writes
	@$(MAKE) --no-print-directory --jobs=3 types style pure

pure:
	$(BIN)/python -m pytest -n 2 -m "not machine" --hypothesis-profile=quick

# A third of the time tests wait for other processes and for instants: so there is one process more than two cores would
# do, and whichever is done takes over tests of the one that has the long ones.
test: .venv/dev.stamp ## Run all tests
	$(BIN)/python -m pytest -n 3 --dist worksteal

coverage: .venv/dev.stamp ## Run all tests again and say what they cover, which takes half as long again
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term --cov-fail-under=90

lint: .venv/dev.stamp ## Check style, types, the order of imports, the OpenAPI document
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types style

types:
	$(BIN)/mypy

style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/heliodesk openapi --check

format: .venv/dev.stamp ## Put the code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: .venv/dev.stamp ## Send made-up requests with each kind of key for ten minutes (SECONDS=600), other ones each time
	HELIODESK_FUZZ=5 HELIODESK_FUZZ_SECONDS="$(SECONDS)" $(BIN)/python -m pytest -n 2 -k kind_of_key tests/contract/test_schemathesis.py

bench: .venv/dev.stamp ## Measure, beside what the machine can do in the same run
	$(BIN)/python -m bench

screenshots: .venv/dev.stamp ## Write each state of the help widget, and each mail, as pictures into build/screenshots
	@mkdir -p build/screenshots
	HELIODESK_SCREENSHOTS=build/screenshots $(BIN)/python -m pytest -n 2 tests/widget/test_states.py tests/notices/test_looks.py

openapi: .venv/run.stamp ## Write the OpenAPI document, the plan schema and the table of scopes from the code
	$(BIN)/heliodesk openapi

# Without line numbers and guesses, so that a catalogue changes only where a text does.
texts: .venv/run.stamp ## Bring the catalogues in app/locale in step with the code; new texts wait there to be translated
	@mkdir -p build
	$(BIN)/pybabel -q extract --no-location --sort-output --no-wrap --project=Heliodesk --version=texts \
		--msgid-bugs-address= -o build/heliodesk.pot app
	$(BIN)/pybabel -q update --no-wrap --ignore-obsolete --no-fuzzy-matching --ignore-pot-creation-date \
		-D heliodesk -i build/heliodesk.pot -d app/locale

# Keeps the versions that are locked, as far as pyproject.toml allows; UPGRADE=--upgrade takes the newest ones.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE)

lock: .venv/dev.stamp ## Lock the dependencies of pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(LOCK) pyproject.toml -o requirements/run.txt
	$(LOCK) --extra dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt

clean: ## Remove what can be made again (not the data)
	rm -rf .venv build *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# A lock is complete, so it is installed without resolving: old pips resolve extras past their pins (pip 9644, 12345).
# The dev lock is the run lock and more, so either stamp may come first.
.venv/run.stamp: requirements/run.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/run.stamp
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	@touch $@
