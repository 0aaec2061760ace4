# Everyday targets; each is a few commands that can be typed by hand as well. `make help` lists them.
PYTHON ?= python3
PREFIX ?= /usr/local
PRESET ?= release
JOBS ?= $(shell nproc)

BUILD := build/$(PRESET)
VENV := build/venv
DEMO_VENV := build/demo-venv
CONFIGURE := -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DPython3_EXECUTABLE=$(abspath $(VENV))/bin/python

.PHONY: help build test demo lint check-sanitizers test-real bench install dependencies clean

help:             ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 20

dependencies:     ## install what is missing (Debian packages; root or sudo)
	PYTHON=$(PYTHON) packaging/install-dependencies.sh $(DEPENDENCIES)

# Python's test tools, pinned.
$(VENV)/stamp: packaging/requirements-test.txt | dependencies
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q -r packaging/requirements-test.txt
	touch $@

$(DEMO_VENV)/stamp: packaging/requirements-demo.txt | dependencies
	rm -rf $(DEMO_VENV)
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/pip install -q -r packaging/requirements-demo.txt
	touch $@

build: dependencies $(VENV)/stamp  ## build into build/$(PRESET); PRESET=dev, release, asan-ubsan, tsan
	cmake --preset $(PRESET) $(CONFIGURE) >build/configure-$(PRESET).log || { cat build/configure-$(PRESET).log; exit 1; }
	cmake --build --preset $(PRESET) -j $(JOBS)

test: build       ## install what is missing, build, run every test
	$(VENV)/bin/python tests/run_all.py --build $(BUILD)

demo: build $(DEMO_VENV)/stamp  ## a real suite through hearth, plain pytest and xdist, side by side
	$(VENV)/bin/python packaging/demo.py --build $(BUILD) --venv $(DEMO_VENV)

lint: DEPENDENCIES = --dev
lint: build       ## clang-format, clang-tidy, ruff, mypy --strict
	packaging/lint.sh $(BUILD) $(VENV)

check-sanitizers: DEPENDENCIES = --dev
check-sanitizers: dependencies $(VENV)/stamp  ## the C++ tests under ASan + UBSan, then under TSan
	for preset in asan-ubsan tsan; do \
	  cmake --preset $$preset $(CONFIGURE) >build/configure-$$preset.log && \
	  cmake --build --preset $$preset -j $(JOBS) && \
	  ctest --preset $$preset -j $(JOBS) || exit 1; \
	done

test-real: build  ## the differential test on four real suites
	HEARTH_BIN=$(abspath $(BUILD))/bin/hearth $(VENV)/bin/python -m tests.real

bench: build      ## the benchmarks
	HEARTH_BIN=$(abspath $(BUILD))/bin/hearth $(VENV)/bin/python -m tests.bench

install: build    ## install below PREFIX (/usr/local)
	cmake --install $(BUILD) --prefix $(PREFIX)

clean:            ## remove everything that was built
	rm -rf build dist
