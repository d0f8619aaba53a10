# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes

# Where it is set, every process of the service would compile all of its code again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run clients mini-programs test test-browser screens lint bench faults verify-ledger rotate-keys restore-drill clean

# The service starts as soon as Python is installed. The clients are built beside it, by processes of a group of their
# own that ends with it (`sandbox/client_build.py`); what they say is in clients/build.log.
run: $(VENV)/bin/python
	@setsid $(SHELL) -c 'exec nice $(AGAIN) -kj4 clients >clients/build.log 2>&1' & build=$$!; install=$$build; \
	trap 'kill -TERM -$$install 2>/dev/null; kill -KILL -$$build 2>/dev/null' EXIT; trap 'exit 143' TERM; trap 'exit 130' INT; \
	setsid $(AGAIN) $(VENV)/installed-sandbox & install=$$!; wait $$install || exit; \
	trap - TERM INT; CLIENTS_BUILD=$$build exec $(VENV)/bin/python -m sandbox run
# Behind a name of its own: a line that says MAKE is run by `make -n` too.
AGAIN := $(MAKE) --silent --no-print-directory

# The clients that are there, and what one is built from. Node is needed for that alone, never to serve.
CLIENTS := $(patsubst clients/%/package.json,%,$(wildcard clients/mobile/package.json clients/console/package.json))
BUILT_mobile := clients/mobile/dist/build/h5/index.html
BUILT_console := clients/console/dist/index.html
SOURCES_of = $(shell find clients/$(1) \( -name node_modules -o -name dist \) -prune -o -type f ! -name '*.d.ts' -print 2>/dev/null)
NODE := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" CI=1 npm_config_update_notifier=false

clients: $(foreach client,$(CLIENTS),$(BUILT_$(client)))

# $(1): the client, $(2): its npm script. compress.mjs touches index.html last; one that was left half done is deleted.
.DELETE_ON_ERROR:
define BUILD
@echo "building clients/$(1) …"
@cd clients/$(1) && $(NODE) npm run --silent $(2)
@$(NODE) node clients/compress.mjs $(@D)
endef
$(BUILT_mobile): $(call SOURCES_of,mobile) clients/mobile/node_modules/.installed
	$(call BUILD,mobile,build:h5)
$(BUILT_console): $(call SOURCES_of,console) clients/console/node_modules/.installed
	$(call BUILD,console,build)
$(BUILT_mobile) $(BUILT_console): $(call SOURCES_of,shared) clients/shared/schema.d.ts clients/compress.mjs

# The phone pages' source once more, for WeChat and Alipay. VITE_SERVER: the address that they ask.
WEIXIN := clients/mobile/dist/build/mp-weixin/app.json
ALIPAY := clients/mobile/dist/build/mp-alipay/app.json
mini-programs: $(WEIXIN) $(ALIPAY)
# One after the other: they share a project's folder.
$(WEIXIN): | $(BUILT_mobile)
$(ALIPAY): | $(WEIXIN)
$(WEIXIN) $(ALIPAY): $(call SOURCES_of,mobile) $(call SOURCES_of,shared) clients/shared/schema.d.ts
	@echo "building $(@D) …"
	@cd clients/mobile && $(NODE) npm run --silent build:$(if $(findstring weixin,$@),weixin,alipay) && touch $(CURDIR)/$@

clients/%/node_modules/.installed: clients/%/package-lock.json clients/%/package.json | $(VENV)/has-node
	@echo "installing what clients/$* is built with (hashes checked; about half a minute) …"
	@cd clients/$* && $(NODE) npm ci --ignore-scripts --no-audit --no-fund --legacy-peer-deps --loglevel=error
	@touch $@

clients/shared/schema.d.ts: clients/openapi.json | clients/$(firstword $(CLIENTS))/node_modules/.installed
	@$(NODE) clients/$(firstword $(CLIENTS))/node_modules/.bin/openapi-typescript $< -o $@

# Only a document that has changed has another time; then everything above is made again.
clients/openapi.json: $(VENV)/has-openapi
	@test -e $@ || $(VENV)/bin/python -m server openapi --out $@
$(VENV)/has-openapi: $(shell find server alliance benefits merchants citizens models common -name '*.py') $(VENV)/installed-sandbox
	@$(VENV)/bin/python -m server openapi --out clients/openapi.json
	@touch $@

# The machine's own Node, or the one that the Python index has.
$(VENV)/has-node: requirements/node.lock | $(VENV)/bin/python
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
	2>/dev/null && npm --version >/dev/null 2>&1 || { echo "installing Node from $< …" && $(PIP) -r $<; }
	@touch $@

# Most of the tests' time is waiting for processes, so that three at once keep two cores busy. Those that hold
# something to a time have the machine to themselves afterwards. Both copy the clusters that the first of them makes.
TEST_PROCESSES ?= 3
test: $(VENV)/installed-dev
	@TEST_SEEDS=$$(TMPDIR=$${TMPDIR:-$$(test -w /dev/shm && echo /dev/shm || echo /tmp)} mktemp -d -t xy-seeds-XXXXXX) && \
	export TEST_SEEDS && trap 'rm -rf "$$TEST_SEEDS"' EXIT && trap 'exit 130' INT && trap 'exit 143' TERM && \
	$(VENV)/bin/python -m pytest -n $(TEST_PROCESSES) --dist worksteal -m "not alone" --ignore=tests/browser && \
	$(VENV)/bin/python -m pytest -m alone $$(grep -rl --include='test_*.py' 'mark\.alone' tests)

# The pages in the machine's own Chromium (it says what is missing), and the mini-programs under WeChat's compilers.
test-browser: $(VENV)/installed-browser clients mini-programs clients/minitest/node_modules/.installed
	@$(VENV)/bin/python -m pytest -n 2 --dist loadfile tests/browser
	@cd clients/minitest && $(NODE) npm test --silent

# The same, and every screen's picture into docs/screens/.
screens: $(VENV)/installed-browser clients
	@SCREENS=$(CURDIR)/docs/screens $(VENV)/bin/python -m pytest -n 2 --dist loadfile tests/browser

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
	rm -rf $(VENV) .data clients/*/node_modules clients/*/dist clients/openapi.json clients/shared/schema.d.ts clients/build.log

$(VENV)/bin/python:
	@echo "making the virtual environment …"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %s; set PYTHON=python3.12 or the like" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# `run` asks for it twice at once: one installs, the other waits and finds it done.
$(VENV)/installed-sandbox: requirements/sandbox.lock | $(VENV)/bin/python
	@exec 9>$(VENV)/installing; flock 9; test $@ -nt $< && exit; \
	echo "installing from $< (hashes checked; about half a minute) …"; $(PIP) -r $< && touch $@

# The tests' lock holds everything of the sandbox's.
$(VENV)/installed-dev: requirements/dev.lock | $(VENV)/bin/python
	@echo "installing from $< (hashes checked; about a minute) …"
	@$(PIP) -r $<
	@touch $@ $(VENV)/installed-sandbox

# And this one everything of the tests'.
$(VENV)/installed-browser: requirements/browser.lock | $(VENV)/bin/python
	@echo "installing from $< (hashes checked; about a minute) …"
	@$(PIP) -r $<
	@touch $@ $(VENV)/installed-dev $(VENV)/installed-sandbox
