# Every job of this project, by name. 'make' alone lists them.

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help
.PHONY: help setup build demo test tsan mutants fuzz crash test-interop vm-test vm-attest bench bench-build bench-sps bench-verdicts bench-releases format check clean

# No target may declare @testable imports, so tests share the very modules that users run: nothing is compiled twice.
# As many tests at once as processors: more would hold the threads that a test needs which waits for a server's answer.
SWIFT_TEST := swift test -c release --disable-testable-imports --disable-xctest \
	--experimental-maximum-parallelization-width $(shell nproc)

help: ## list the jobs
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install what the build needs (Debian, Ubuntu)
	@scripts/setup

build: setup ## build the four programs into .build/release
	@swift build -c release --quiet

demo: build ## seal data, train, kill it three times, resume, and compare the exported bits
	@.build/release/plinius demo

test: build ## run all tests
	@$(SWIFT_TEST) 2>&1 | awk '/^✔ Test run with/ || !/^(◇|↳|✔|\[[0-9]+\/|Building|Build )/ { print; fflush() }'

test-interop: build ## have onnxruntime and PyTorch compute exported models and a step of training, and compare with Plinius (installs them into .build/interop)
	@scripts/test-interop

tsan: setup ## run what threads share under the thread sanitizer
	@scripts/thread-sanitizer

mutants: setup ## take out each write-back, fence, log entry, MAC field and check of evidence, policies and leases in turn: the tests must notice every one
	@scripts/mutation-proof

fuzz: setup ## give every parser of evidence and of data sets to libFuzzer, 20 s each (SECONDS_EACH=N)
	@scripts/fuzz --seconds $(or $(SECONDS_EACH),20)

crash: build ## kill a pool 10,000 times and verify it, a training run 1,000 times and compare its bits (KILLS=N for both)
	@scripts/pool-crash-storm --kills $(or $(KILLS),10000)
	@scripts/crash-storm --kills $(or $(KILLS),1000)

vm-test: build ## run on emulated persistent memory, in a virtual machine that is killed and booted again (skips without QEMU)
	@swift build -c release --build-tests --quiet && scripts/vm-test

vm-attest: build ## attest a real kernel in that machine, and train there: TPM, IMA, a program that nobody listed (skips without QEMU)
	@scripts/vm-attest
	@scripts/vm-perun

bench: bench-build ## time training, inference, mirrors and restarts beside their peers, kernels beside ceilings, and write docs/performance.md (PARTS=...)
	@Benchmarks/run $(if $(PARTS),--only $(PARTS))

# In the folder of the main build, so that the modules that users run are not compiled a second time. SwiftPM keeps one plan there, and
# takes it for any package's: it is thrown away before the other package's turn.
FORGET_PLAN := rm -f .build/release.yaml .build/*/release/description.json
bench-build: build ## build the programs that measure, so that nobody finds out too late that they do not
	@cp -u Package.resolved Benchmarks/
	@$(FORGET_PLAN)
	@swift build --package-path Benchmarks --scratch-path .build -c release --quiet; status=$$?; $(FORGET_PLAN); exit $$status

bench-sps: ## time durable transactions against libpmemobj, and durable writes of 4 KiB, and write docs/evaluation
	@Benchmarks/sps

bench-verdicts: build ## count verdicts per second by kind of evidence and write docs/performance.md
	@Benchmarks/verdicts

bench-releases: build ## count how often a policy manager releases keys under wrk and write docs/performance.md
	@Benchmarks/releases

format: ## format all Swift sources
	@swift format --in-place --parallel --recursive Sources Tests Package.swift

check: build ## format, imports, rings, linked libraries, size of the core, tracked files
	@failed=0; for check in scripts/check-*; do $$check || failed=1; done; exit $$failed

clean: ## remove what was built (the benchmark's .venv stays)
	@rm -rf .build Benchmarks/.build
