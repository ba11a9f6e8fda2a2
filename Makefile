# Python >= 3.11 and make are all that is needed; everything else is installed here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: serve test coverage soak check bench docs lock clean

serve: $(READY)  ## install what is needed and serve on 127.0.0.1:8080; ARGS="--clock step" adds options
	$(BIN)/mockserver serve $(ARGS)

test: $(READY)  ## install what is needed and run the whole suite
	$(BIN)/python -m pytest -n auto --dist loadgroup

coverage: $(READY)  ## run the suite under coverage, which takes longer, and print the figure in percent
	$(BIN)/python -m pytest -q -n auto --dist loadgroup --cov --cov-report=
	@echo "lines covered in the processes of the tests: $$($(BIN)/coverage report) %"

soak: $(READY)  ## run also what `make test` runs a sample of
	SOAK=1 $(BIN)/python -m pytest -n auto --dist loadgroup

check: $(READY)  ## format, lint, and strict types of the packages, the benchmarks and what tests share
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)  ## measure speed, as ratios to a Starlette route that returns a constant
	$(BIN)/python -m benchmarks

docs: requirements-docs.lock  ## build the documentation as a site, in site/
	test -x .cache/docs/bin/python || $(PYTHON) -m venv .cache/docs
	.cache/docs/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.lock
	.cache/docs/bin/mkdocs build --quiet

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q mockserver
	touch $(READY)

lock: $(READY)  ## write requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --extra all --group dev --no-emit-index-url --no-header --no-annotate \
	  --generate-hashes --python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --group pyproject.toml:docs --no-emit-index-url --no-header --no-annotate \
	  --generate-hashes --python-version 3.11 -o requirements-docs.lock

clean:
	rm -rf $(VENV) .cache site
