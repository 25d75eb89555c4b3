# Two commands: `make demo` and `make test`. The rest is for those who work on OAF.
# On a fresh machine: python3 (3.11 or newer) and make; everything else is brought along.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DAY    ?= 2026-11-22
JOBS   ?= 2

.PHONY: demo test install lab lint types lock bench faults fuzz audit screenshots clean

demo: $(VENV)/.installed            ## two weeks of a demo machine, the latest day judged, published, mailed
	$(BIN)/oaf demo --last-day $(DAY)
	$(BIN)/python run_daily.py --day $(DAY)

test: $(VENV)/.installed-test       ## all the tests, JOBS files of them side by side
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml bin/make-venv
	PYTHON=$(PYTHON) bin/make-venv $(VENV) requirements.lock
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed requirements-test.lock
	PYTHON=$(PYTHON) bin/make-venv $(VENV) requirements-test.lock
	touch $@

screenshots: $(VENV)/.installed       ## the pictures of README.md and docs/, from a demo project
	$(BIN)/python docs/pictures/make.py

bench: $(VENV)/.installed-test       ## figures and their aims, side by side; BENCH=full for the long ones, ONLY="one_report store"
	$(BIN)/python benchmarks/bench.py $(ONLY) $(if $(filter full,$(BENCH)),--full)

faults: $(VENV)/.installed-test      ## OAF broken on purpose, and what was lost; OAF_FAULTS=full for hours of it, ONLY="kills mail"
	PYTHONPATH=tests $(BIN)/python -m faults $(ONLY)

fuzz: $(VENV)/.installed-test        ## coverage-guided fuzzing of everything that reads; OAF_MINUTES says how long
	PYTHONPATH=tests $(BIN)/python -m faults fuzz

lint: $(VENV)/.installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-cache

types: $(VENV)/.installed-test
	$(BIN)/mypy

lock:                               ## resolve the dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --extra lab --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --all-extras --group build -c requirements.lock pyproject.toml -o requirements-test.lock

audit: $(VENV)/.installed-test       ## known vulnerabilities of the locked dependencies (docs/security.md)
	$(BIN)/python bin/audit $(if $(DATABASE),--database $(DATABASE))

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
