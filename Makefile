# SPDX-License-Identifier: Apache-2.0
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check format bench soak fuzz fuzz-regress sanitize test-vm install uninstall release manual clean

PREFIX ?= /usr/local
DESTDIR ?=
RELEASE := swift build -c release --static-swift-stdlib

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo '  variables  PREFIX=/usr/local DESTDIR= (install) · N=50 (bench) · TIME=600 TARGET=name (fuzz) · SECONDS=600 (soak) · TEST_FLAGS="--filter Name" (test, test-vm)'

run: ## Install what is missing, build, and show what a sandboxed program sees next to what the host sees
	@scripts/bootstrap run
	@$(MAKE) --no-print-directory release
	@Examples/show-isolation .build/release/martinet --time-offset boottime=24h

release: ## Build the static command line program and init
	$(RELEASE) --product martinet
	$(RELEASE) --product martinet-init

test: ## Install what tests need, build, run every test, and print what passed, failed and was skipped, and why
	@scripts/bootstrap test
	@$(MAKE) --no-print-directory release
	@scripts/test $(TEST_FLAGS)

check: ## Check format, compiler warnings, scripts and the manual pages
	@scripts/bootstrap run
	@scripts/check

format: ## Format the Swift sources in place
	@scripts/format

bench: ## Compare with other sandboxes: start-up, life after it, a filter's cost, load (N=50 rounds; wants an idle machine)
	@scripts/bootstrap bench
	@$(MAKE) --no-print-directory release
	$(RELEASE) --product launch-bench
	@Benchmarks/start --rounds $(or $(N),50)
	@Benchmarks/lifecycle
	@Benchmarks/filter-cost --rounds $(or $(N),50)
	@Benchmarks/load

fuzz: ## Fuzz every reader of bytes that others chose (TIME=600 seconds each, TARGET=name for one; see docs/fuzzing.md)
	@scripts/bootstrap test
	@scripts/fuzz $(TARGET)

soak: ## Sixteen clients create, enter, pause, kill and remove sandboxes at random (SECONDS=600); nothing may be left
	@scripts/bootstrap run
	@$(MAKE) --no-print-directory release
	@scripts/soak --seconds $(or $(SECONDS),600)

fuzz-regress: ## Run the fuzzer's kept inputs without the fuzzer, as make test does too
	@scripts/bootstrap test
	@scripts/test --filter FuzzTests

sanitize: ## Run the tests with each of the sanitizers (SANITIZERS="address undefined thread"; see docs/testing.md)
	@scripts/bootstrap test
	@scripts/sanitize $(SANITIZERS) $(if $(TEST_FLAGS),-- $(TEST_FLAGS))

test-vm: ## Run the tests in virtual machines (ENVIRONMENTS="root user ..."; all of them take hours without KVM)
	@scripts/bootstrap vm
	@$(MAKE) --no-print-directory release
	@scripts/test-vm $(if $(ENVIRONMENTS),--environments "$(ENVIRONMENTS)") $(TEST_FLAGS)

manual: release ## Write the manual pages to .build/man
	@scripts/manual --output .build/man .build/release/martinet

install: ## Install below PREFIX (run make release first as an ordinary user if PREFIX needs root)
	@[ -x .build/release/martinet ] && [ -x .build/release/martinet-init ] || $(MAKE) --no-print-directory release
	@scripts/install "$(DESTDIR)$(PREFIX)"

uninstall: ## Remove what install put below PREFIX
	@scripts/install --remove "$(DESTDIR)$(PREFIX)"

clean: ## Remove what was built
	rm -rf .build Benchmarks/launch-floor
