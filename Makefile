# Two commands, from nothing but Python 3.10 or newer: `make demo` and `make test`.
PYTHON ?= python3
TOX = .venv/bin/tox

demo: $(TOX)
	$(TOX) -e demo

test: $(TOX)
	$(TOX) -e lint,type,py

$(TOX):
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check tox

.PHONY: demo test
