# One command to know: make test. It is exactly what CI runs.

PYTHON ?= python3
BIN := .venv/bin
# More than cores: the tests wait for servers more than they compute.
WORKERS ?= 4
# The event loop of tests that have one: best is uvloop, as the daemon runs on; or asyncio.
LOOP ?= best
ON_THE_WHEEL := tests/settings tests/metrics tests/pages tests/console/test_forms.py tests/report/test_pdf.py \
	tests/report/test_doctor.py tests/report/test_command.py tests/replay/test_worked_cases.py \
	tests/e2e/test_outage.py tests/e2e/test_status_page.py

# Where `make install` installs; DESTDIR stands before it and is left out of every file.
export PREFIX ?= /usr/local
export DESTDIR ?=
export PYTHON

.PHONY: accuracy api bench crowd dashboards grafana-schema demo endure fuzz soak test lint types tests wheel lab format lock clean mutate install peers readers uninstall

demo: .venv/ready .venv/lab  ## a real outage on real mail servers, live in the terminal
	@$(BIN)/python -m tests.lab.demo

test: lint types tests wheel  ## lint, types and tests, on the tree and on the built wheel

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit -q -c pyproject.toml -r monitor probes

.PHONY: audit sbom

audit: .venv/ready  ## known vulnerabilities of what is locked; 3 where the database could not be asked
	$(BIN)/python .ci/audit.py

sbom: .venv/ready  ## the software bill of materials, CycloneDX, from the lock: build/sbom.json
	@mkdir -p build
	$(BIN)/python .ci/sbom.py requirements.lock > build/sbom.json
	@echo build/sbom.json

types: .venv/ready
	$(BIN)/mypy

tests: .venv/ready .venv/lab .venv/servers
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q --loop $(LOOP)

# What users run, in a directory without the sources, against the wheel that they install: no file is forgotten.
wheel: .venv/ready .venv/lab .venv/servers
	rm -rf build
	$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w build/dist .
	$(BIN)/python .ci/wheel.py build/dist/mailuptime-*.whl
	$(BIN)/python -m pip install -q --no-deps --target build/site build/dist/mailuptime-*.whl
	mkdir build/tree
	cp -r tests config grafana systemd docs pyproject.toml README.md build/tree
	cd build/tree && PYTHONPATH=$(CURDIR)/build/site ../../$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q $(ON_THE_WHEEL)

mutate: .venv/ready  ## change the accounting in many small ways; do the tests notice?
	$(BIN)/python bench/mutate.py $(if $(SAMPLE),--sample $(SAMPLE)) --workers $(WORKERS)

soak: .venv/ready  ## two hundred SIGKILLs during scripted outages; writes docs/results/soak-DATE.md
	$(BIN)/python -m tests.soak --write $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS)) $(if $(MINUTES),--minutes $(MINUTES))

fuzz: .venv/ready  ## a million spoilt inputs for what reads a stranger's bytes; writes docs/results/fuzz-DATE.md
	$(BIN)/python -m tests.fuzz --write $(if $(SEED),--seed $(SEED)) $(if $(INPUTS),--inputs $(INPUTS))

api: .venv/ready  ## schemathesis asks the API thousands of times; writes docs/results/api-DATE.md
	$(BIN)/python -m tests.web.api --write $(if $(SEED),--seed $(SEED)) $(if $(EXAMPLES),--examples $(EXAMPLES))

endure: .venv/ready  ## a day in virtual time and a real hour with faults throughout; writes docs/results/endure-DATE.md
	$(BIN)/python -m tests.endure --write $(if $(SEED),--seed $(SEED))

crowd: .venv/ready  ## a daemon with 10,000 targets: its start, memory and lateness; 5 minutes; writes docs/results/crowd-DATE.md
	$(BIN)/python -m tests.endure.crowd --write

lab: .venv/ready .venv/lab  ## the mail servers alone, until Ctrl-C
	@$(BIN)/python -m tests.lab

install:  ## the program, its units and manual pages below $(DESTDIR)$(PREFIX); needs python3-venv and the network
	@systemd/install.sh install

uninstall:  ## take it away; the configuration and the ledger stay
	@systemd/install.sh uninstall

.PHONY: deb deb-test
deb:  ## Debian packages with everything in them, into build/deb; needs python3-venv and the network
	@PYTHON=/usr/bin/python3 systemd/debian/build.sh

deb-test: .venv/ready .venv/lab .venv/servers deb  ## install, upgrade, remove and purge them under a booted systemd; lintian
	@tests/lab/install.sh lintian
	BUILT=build/deb $(BIN)/python -m pytest -q tests/deploy/test_debian.py

readers: .venv/ready .venv/lab  ## a thousand readers a second of the status page, and what checks measure; 3 minutes; writes docs/results/readers-DATE.md
	$(BIN)/python -m bench.readers --write $(if $(ROUNDS),--rounds $(ROUNDS))

peers: .venv/ready  ## the peers that are written in Go, from the Go registry, for `make bench` to measure beside
	@bench/peers/build.sh

bench: .venv/ready .venv/lab  ## what accounting, a scrape and a check cost, beside peers; 35 minutes; writes bench/RESULTS.md
	@tests/lab/install.sh bench/packages.txt
	$(BIN)/python -m bench.accounting
	$(BIN)/python -m bench.exposition
	$(BIN)/python -m bench.scaling $(if $(ROUNDS),--rounds $(ROUNDS))
	$(BIN)/python -m bench.peers $(if $(ROUNDS),--rounds $(ROUNDS))

accuracy: .venv/ready .venv/lab  ## a hundred real outages, and how far off the record is; an hour; writes docs/results/accuracy-DATE.md
	@tests/lab/install.sh bench/packages.txt
	$(BIN)/python -m bench.accuracy --write $(if $(OUTAGES),--outages $(OUTAGES)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

dashboards: .venv/ready  ## write grafana/dashboards/ anew from grafana/generate/
	$(BIN)/python -m grafana.generate

grafana-schema: .venv/ready  ## compare the dashboards with the types that Grafana publishes (npm); writes docs/results/
	$(BIN)/python -m tests.deploy.grafana_schema

format: .venv/ready
	$(BIN)/ruff check --fix -q .
	$(BIN)/ruff format -q .

LOCK := $(BIN)/uv pip compile -q --no-strip-extras --upgrade --generate-hashes --no-annotate --no-header --universal --python-version 3.11

lock: .venv/ready  ## resolve the dependencies anew: of the daemon, of what develops it, of the daemon with a browser
	$(LOCK) --extra notifications pyproject.toml -o requirements.lock
	$(LOCK) --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(LOCK) --extra notifications --extra pdf --extra browser -c requirements-dev.lock pyproject.toml -o requirements-browser.lock

clean:
	rm -rf .venv build

.venv/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tests/lab/install.sh python3-venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/lab: tests/lab/packages.txt | .venv/ready
	@tests/lab/install.sh tests/lab/packages.txt
	@touch $@

.venv/servers: tests/packages.txt | .venv/ready
	@tests/lab/install.sh tests/packages.txt
	@touch $@
