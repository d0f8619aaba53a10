# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes

# Where it is set, every process of the service would compile all of its code again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint bench faults verify-ledger rotate-keys restore-drill clean

run: $(VENV)/installed-sandbox
	@exec $(VENV)/bin/python -m sandbox run

# Most of the tests' time is waiting for processes, so that three at once keep two cores busy. Those that hold
# something to a time have the machine to themselves afterwards.
TEST_PROCESSES ?= 3
test: $(VENV)/installed-dev
	@$(VENV)/bin/python -m pytest -n $(TEST_PROCESSES) --dist worksteal -m "not alone"
	@exec $(VENV)/bin/python -m pytest -m alone $$(grep -rl --include='test_*.py' 'mark\.alone' tests)

lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(VENV)/installed-dev
	@exec $(VENV)/bin/python -m bench

# The running sandbox's ledger and audit, or those of DATABASE_URL, against their roots: ROOTS=file and AUDIT_ROOTS=file
# take those that were fetched before, WITNESS=file compares with what was handed over (`python -m server witness-root`).
verify-ledger: $(VENV)/installed-sandbox
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	export DATABASE_URL="$${DATABASE_URL:-$$($(VENV)/bin/python -m sandbox database-url)}" && \
	test -n "$$DATABASE_URL" && $(VENV)/bin/python -m server export-ledger "$$folder" >/dev/null && \
	if $(VENV)/bin/python docs/verify_ledger.py "$${ROOTS:-$$folder/roots.jsonl}" "$$folder/ledger.txt" \
	$(if $(WITNESS),--witness "$(WITNESS)"); then is_good=true; else is_good=false; fi && \
	$(VENV)/bin/python docs/verify_ledger.py --book audit "$${AUDIT_ROOTS:-$$folder/audit-roots.jsonl}" \
	"$$folder/audit.txt" $(if $(WITNESS),--witness "$(WITNESS)") && $$is_good

# Personal data is sealed anew with the first of DATA_KEYS while the service runs: the running sandbox's, or where
# DATABASE_URL is set that installation's, with its whole environment. ARGS=--dry-run only counts.
rotate-keys: $(VENV)/installed-sandbox
	@if test -z "$$DATABASE_URL"; then \
	export SANDBOX=1 REDIS_URL=redis://localhost DATABASE_URL="$$($(VENV)/bin/python -m sandbox database-url)"; fi && \
	test -n "$$DATABASE_URL" && exec $(VENV)/bin/python -m server rotate-keys $(ARGS)

# Traffic, a backup under it, kill -9, and everything back at one moment: about half a minute, on this machine alone.
restore-drill: $(VENV)/installed-dev
	@$(VENV)/bin/python -m tests.drills.restore $(ARGS)

# The long forms: more than a hundred kills under full traffic, every fault, and the state machine for minutes.
faults: $(VENV)/installed-dev
	$(VENV)/bin/python -m tests.faults.long
	FAULTS=long STATE_MACHINE_EXAMPLES=300 $(VENV)/bin/python -m pytest tests/faults tests/e2e/test_state_machine.py

clean:
	rm -rf $(VENV) .data

$(VENV)/bin/python:
	@echo "making the virtual environment …"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %s; set PYTHON=python3.12 or the like" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/installed-sandbox: requirements/sandbox.lock | $(VENV)/bin/python
	@echo "installing from $< (hashes checked; about half a minute) …"
	@$(PIP) -r $<
	@touch $@

# The tests' lock holds everything of the sandbox's.
$(VENV)/installed-dev: requirements/dev.lock | $(VENV)/bin/python
	@echo "installing from $< (hashes checked; about a minute) …"
	@$(PIP) -r $<
	@touch $@ $(VENV)/installed-sandbox
