# Everything that a checkout can do. On a fresh machine Python 3.11 and make are enough.

PYTHON = $(shell for python in python3.11 python3 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin

.PHONY: run shell test lint bench messages pictures

run: .venv/installed  ## The site, the queue and a local gateway, with demo data: make run [PORT=8000] [GATEWAY_PORT=8099] [GATEWAY=twilio]
	@$(BIN)/python -m project.run

shell: .venv/installed  ## A Python shell on the database of make run, with its local gateway
	@$(BIN)/python -m project.run shell

test: .venv/installed-dev  ## The suite, on SQLite or on the database of DATABASE_URL: make test [ARGS="-k queue"]
	@$(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: .venv/installed-dev  ## What the speed promises cost on this machine
	@$(BIN)/python -m tests.benchmarks $(ARGS)

# The settings of a site in production, against which `check --deploy` is asked.
PRODUCTION = env -u DEBUG \
	SECRET_KEY=only-for-the-check-of-the-settings-0123456789-abcdefghijklm \
	ALLOWED_HOSTS=sms.example.com \
	DATABASE_URL=postgres://sms@db.example.com/sms \
	PYMESS_SMS_SENDER_BACKEND=smsoffice.backend.sms.sms_operator.SMSOperatorBackend \
	PYMESS_SMS_OPERATOR_CONFIG='{"UNIQ_PREFIX": "office", "USERNAME": "check", "PASSWORD": "check"}'

lint: .venv/installed-dev  ## Style, types, the floors of the house, migrations, production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-cache
	DEBUG=1 DATABASE_URL=sqlite://:memory: $(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

messages: .venv/installed-dev  ## Collects the texts to translate into the .po files, and compiles them (the .mo files are committed)
	@$(BIN)/python -m tests.catalogs

pictures: .venv/installed-dev  ## Takes the pictures of docs/office.md anew, from a house of their own
	@$(BIN)/python -m tests.browser.pictures $(ARGS)

.venv/installed: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and no python3.11 or python3 here is one."; exit 1; }
	@echo "Installing the requirements into .venv; the first time this takes a minute."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements.txt requirements-dev.txt .venv/installed
	@echo "Installing the tools for tests and checks into .venv."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
