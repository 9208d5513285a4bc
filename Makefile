# The whole developer's interface; `make` alone explains it.
#
# Everything is installed into .venv, in the versions that
# contrib/requirements-dev.txt names, and again only when that file or
# pyproject.toml changes: a second run needs no network.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# To compile chatd anew for each of the processes that tests start takes as long as all
# else that a start does.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
LOCK := contrib/requirements-dev.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint $(LOCK)
SOURCES = $(shell find chatd tests -name '*.py' -not -path '*/node_modules/*')
# Three for two processors: a third of a test's time is spent in waiting.
WORKERS := $(shell echo $$(($$(nproc) * 3 / 2)))
PYTEST := -q --numprocesses $(WORKERS) --dist worksteal
# Nothing that tests write has to outlive the machine, and with a disk those of the store
# wait most of their time. So they write into memory, where there is enough of it.
MEMORY = $(shell d=/dev/shm; if [ -w $$d ] && ! grep -q " $$d [^ ]* [^ ]*noexec" /proc/mounts \
  && [ "$$(df --output=avail $$d | tail -n 1)" -ge 3000000 ]; then echo $$d; else echo /tmp; fi)
# What `chatd WHAT` prints is kept in FILE: 'WHAT=FILE'.
GENERATED := \
  'config default=chatd.toml.example' \
  'config schema=config/chatd.schema.json' \
  'protocol schema=config/protocol.schema.json' \
  'protocol asyncapi=config/asyncapi.json'
BENCH := contrib/bench
PYTHONS := chatd tests $(BENCH) contrib/lint contrib/manual contrib/unicode contrib/wheel contrib/web
BUILT := $(BENCH)/build
# The moment of what is built: that of the last change, so that it is built the same again.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
TOOLS := contrib/web/node_modules
BIOME := --config-path=contrib/web chatd/web/page tests/web contrib/npm

# $(call debian,TEST,PACKAGES): install Debian's PACKAGES where TEST fails. A service
# that comes with one is not started: systemctl believes that it talks to no systemd.
define debian
	@{ $(1); } >/dev/null 2>&1 || { \
	  as_root=sudo; \
	  if [ "$$(id -u)" = 0 ]; then as_root=env; fi; \
	  if ! { command -v apt-get && command -v $$as_root; } >/dev/null; then \
	    echo "make: please install $(2) (Debian's names), then try again" >&2; exit 1; \
	  fi; \
	  echo "Installing Debian's $(2) ..."; \
	  $$as_root apt-get -qq update && \
	  $$as_root env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 apt-get -qq install --no-install-recommends $(2) >/dev/null || { \
	    echo "make: could not install $(2); please do it by hand: apt-get install $(2)" >&2; exit 1; \
	  }; \
	}
endef

.PHONY: help
help: ## Say what there is
	@echo "make TARGET [ARGS='...']"
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 16

.PHONY: run
run: .venv/run.stamp ## Install chatd and serve; ARGS go to `chatd serve`
	@exec $(BIN)/chatd serve $(ARGS)

.PHONY: test
test test-cluster: export TMPDIR ?= $(MEMORY)
test: .venv/dev.stamp tests/foreign/node_modules/.package-lock.json $(TOOLS)/.package-lock.json ## Install what the tests need and run them; ARGS go to pytest
	$(call debian,command -v systemd-analyze,systemd)
	$(call debian,test -x /usr/sbin/nginx -a -e /usr/lib/nginx/modules/ngx_stream_module.so,nginx-light libnginx-mod-stream)
	$(call debian,test -x /usr/sbin/haproxy,haproxy)
	$(call debian,command -v stunnel4,stunnel4)
	$(call debian,command -v zstd,zstd)
	$(call debian,ls /usr/lib/postgresql/*/bin/postgres,postgresql)
	$(call debian,command -v redis-check-rdb,redis-tools)
	$(call debian,ls /usr/lib/*/faketime/libfaketime.so.1,libfaketime)
	$(call debian,command -v ip,iproute2)
	$(call debian,command -v caddy,caddy)
	$(call debian,test -x /usr/sbin/apache2,apache2-bin)
	$(call debian,command -v mandoc && command -v zsh && command -v fish,mandoc zsh fish)
	$(call debian,command -v fail2ban-regex,fail2ban)
	$(call debian,command -v promtool,prometheus)
	$(call debian,test -x /usr/bin/chromium-headless-shell -a -e /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf,chromium-headless-shell fonts-noto-color-emoji)
ifeq ($(strip $(ARGS)),)
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest $(PYTEST)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report
else
	@$(BIN)/python -m pytest $(PYTEST) $(ARGS)
endif

.PHONY: test-cluster
test-cluster: RUNS ?= 1000
test-cluster: .venv/dev.stamp ## Meet a thousand faults of a cluster, an hour or two; RUNS=100 for a hundred
	$(call debian,ls /usr/lib/postgresql/*/bin/postgres,postgresql)
	$(call debian,ls /usr/lib/*/faketime/libfaketime.so.1,libfaketime)
	$(call debian,command -v ip,iproute2)
	@RUNS=$(RUNS) $(BIN)/python -m pytest $(PYTEST) tests/cluster $(ARGS)

.PHONY: screenshots
screenshots: .venv/dev.stamp ## Make the pictures of the README again
	$(call debian,test -x /usr/bin/chromium-headless-shell -a -e /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf,chromium-headless-shell fonts-noto-color-emoji)
	@$(BIN)/python -m tests.web.page.screens
	@unshare --user --map-root-user --mount --net $(BIN)/python -m tests.cli.screens

.PHONY: fuzz
fuzz: .venv/dev.stamp ## Say anything to a daemon until it breaks; ARGS='--seconds 3600 --seed 7'
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: bench
bench: .venv/dev.stamp $(BUILT)/venv.stamp $(BUILT)/load $(BUILT)/download $(BUILT)/relay tests/foreign/node_modules/.package-lock.json ## Measure chatd beside others, 30 minutes; QUICK=1 for two, ROWS='...' for some
	$(call debian,command -v taskset,util-linux)
	@$(BIN)/python $(BENCH)/bench.py

CHECKS := ruff async types page layers budgets generated news

.PHONY: check
check: .venv/dev.stamp $(TOOLS)/.package-lock.json ## Lint, types, layers, budgets, generated files, news
	@$(MAKE) --jobs "$$(nproc)" --output-sync $(CHECKS:%=check-%)

.PHONY: $(CHECKS:%=check-%)
check-ruff:
	@echo "ruff";          $(BIN)/ruff check -q $(PYTHONS)
	@echo "ruff format";   $(BIN)/ruff format -q --check $(PYTHONS)
check-async:
	@echo "flake8-async";  $(BIN)/python contrib/lint/async_rules.py $(SOURCES)
check-types:
	@echo "mypy --strict"; $(BIN)/mypy --no-error-summary
	@cd $(BENCH) && $(CURDIR)/$(BIN)/mypy --no-error-summary --strict --cache-dir $(CURDIR)/.mypy_cache bench.py
check-page:
	@echo "biome";         $(TOOLS)/.bin/biome ci $(BIOME) --error-on-warnings >.venv/biome.txt 2>&1 || { cat .venv/biome.txt; exit 1; }
	@echo "tsc";           $(TOOLS)/.bin/tsc -p contrib/web
check-layers:
	@echo "import-linter"; $(BIN)/lint-imports --no-logo --no-cache >.venv/layers.txt || { cat .venv/layers.txt; exit 1; }
check-budgets:
	@echo "budgets";       $(BIN)/python -m pytest -q --no-header tests/test_budgets.py
check-generated:
	@echo "generated";     for what in $(GENERATED); do \
	  file=$${what#*=}; $(BIN)/chatd $${what%=*} | diff -u $$file - || { echo "make: $$file is old; run make generate" >&2; exit 1; }; done
check-news:
	@echo "towncrier";     $(BIN)/towncrier build --draft >.venv/news.txt 2>&1 || { cat .venv/news.txt; exit 1; }

.PHONY: format
format: .venv/dev.stamp $(TOOLS)/.package-lock.json ## Format the code
	@$(BIN)/ruff format $(PYTHONS)
	@$(TOOLS)/.bin/biome check --write $(BIOME)

.PHONY: generate
generate: .venv/run.stamp ## Write again what is generated from the code
	@for what in $(GENERATED); do \
	  file=$${what#*=}; $(BIN)/chatd $${what%=*} >$$file.new && mv $$file.new $$file; done

.PHONY: changelog
changelog: .venv/dev.stamp ## Move the news into CHANGELOG.md, as those of chatd's version
	@$(BIN)/towncrier build --yes --version "$$($(BIN)/python -c 'import chatd; print(chatd.__version__)')" >/dev/null

.PHONY: manual
manual: .venv/run.stamp ## Write man pages and completions into build/share
	@rm -rf build/share
	@$(BIN)/python contrib/manual/generate.py build/share "$$(date -u -d @$(SOURCE_DATE_EPOCH) +%F)"

.PHONY: wheel
wheel: .venv/dev.stamp ## Build the wheel, and the lock of what it needs, into dist
	@rm -rf dist/*.whl dist/*.lock
	@$(BIN)/python -m hatchling build -t wheel -d dist >/dev/null
	@$(BIN)/python contrib/wheel/lock.py $(LOCK) >"$$(echo dist/*.whl | sed s/-py3.*/.lock/)"
	@ls dist/*.whl dist/*.lock

.PHONY: wheels
wheels: wheel
	@rm -rf build/wheels
	@$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --constraint $(LOCK) \
	  --wheel-dir build/wheels "$$(echo dist/*.whl)[cluster]" hatchling brotli

.PHONY: container
container: wheels ## Build the image of Containerfile as `chatd`; ARGS go to podman build
	$(call debian,command -v podman,podman)
	@podman build --quiet --format docker --tag chatd \
	  --build-arg BASE="docker.io/library/python:$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')-slim-bookworm" \
	  $(ARGS) .

.PHONY: deb
deb: wheel manual ## Build the Debian package into dist
	@rm -f dist/*.deb
	@contrib/debian/build.sh $(BIN)/python dist/*.whl dist/*.lock build/share dist

.PHONY: test-service
test-service: deb wheels ## Install, upgrade and remove the package on a machine with systemd; needs root
	$(call debian,command -v systemd-nspawn && command -v debootstrap,systemd-container debootstrap)
	@rm -rf build/older
	@contrib/debian/older.sh $(BIN)/python dist/*.lock build/share build/older
	@$(BIN)/python -m tests.service build/older/*.deb dist/*.deb build/wheels

.PHONY: test-container
test-container: wheels ## Build the image upon a bare Debian and run what is in it; needs root
	$(call debian,command -v podman && command -v systemd-nspawn && command -v debootstrap,podman systemd-container debootstrap)
	@rm -rf build/compose
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --target build/compose podman-compose==1.6.0
	@$(BIN)/python -m tests.service.container build/compose

.PHONY: clean
clean: ## Remove all that was installed or built here
	@rm -rf .venv tests/foreign/node_modules $(TOOLS) $(BUILT) build dist .coverage .coverage.* htmlcov \
	  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find chatd tests contrib -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(call debian,$(PYTHON) -c 'import ensurepip',python3-venv)
	@echo "Making .venv ..."
	@$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml $(LOCK) | $(BIN)/python
	@echo "Installing chatd ..."
	@$(PIP) --editable .
	@touch $@

.venv/dev.stamp: pyproject.toml $(LOCK) | $(BIN)/python
	@echo "Installing chatd and what its tests need ..."
	@$(PIP) --editable '.[dev]'
	@touch .venv/run.stamp $@

tests/foreign/node_modules/.package-lock.json: tests/foreign/package.json tests/foreign/package-lock.json
	$(call debian,command -v node && command -v npm,nodejs npm)
	@echo "Installing the foreign clients ..."
	@cd tests/foreign && npm ci --loglevel=error --no-progress >/dev/null
	@touch $@

$(TOOLS)/.package-lock.json: contrib/web/package.json contrib/web/package-lock.json
	$(call debian,command -v node && command -v npm,nodejs npm)
	@echo "Installing what looks at the page ..."
	@cd contrib/web && npm ci --loglevel=error --no-progress >/dev/null
	@touch $@

$(BUILT)/venv.stamp: $(BENCH)/requirements.txt | $(BIN)/python
	@echo "Installing what chatd is compared with ..."
	@$(PYTHON) -m venv $(BUILT)/venv
	@$(BUILT)/venv/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	@touch $@

$(BUILT)/load: $(BENCH)/load.c
	$(call debian,command -v gcc && echo '#include <openssl/ssl.h>' | gcc -E -,gcc libc6-dev libssl-dev)
	@mkdir -p $(BUILT)
	@gcc -O2 -Wall -Wextra -Werror -DTLS -o $@ $< -lssl -lcrypto

$(BUILT)/download: $(BENCH)/download.c $(BUILT)/load
	@gcc -O2 -Wall -Wextra -Werror -o $@ $<

$(BUILT)/relay: $(BENCH)/relays/relay.c $(BUILT)/load
	@gcc -O2 -Wall -Wextra -Werror -o $@ $< -lcrypto
