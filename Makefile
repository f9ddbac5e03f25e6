# `make` lists the targets. Everything works from a fresh clone; only Rust has to be there.
CARGO := scripts/cargo

.DEFAULT_GOAL := help
.PHONY: help demo test test-servers test-openfire test-packages test-container lint deb dist container docs bench trust

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

demo: ## Try the program: a server, a room, users and the service, on this machine only
	@scripts/setup demo
	@echo "Building neerc; the first time takes some minutes"
	@$(CARGO) run $$(test -x target/release/neerc && echo --release) --package neerc -- demo

test: ## Run all tests, with real XMPP servers
	@scripts/setup test
	@$(CARGO) test --workspace

test-servers: ## Run the tests that need a server with this machine's servers and with Debian 13's, and print a table
	@scripts/test-servers own debian13

test-openfire: ## Try an Openfire that you have: OPENFIRE_SERVER=host:port, OPENFIRE_HOST, OPENFIRE_SECRET, OPENFIRE_ADMIN
	@$(CARGO) test --package neerc --test it openfire -- --nocapture

test-packages: ## Install the Debian package on a bare Debian 12 and 13 that are booted, by the lines of doc/install.md
	@scripts/test-packages

test-container: ## Build the container image from what `make dist` has built, and run it without rights
	@scripts/test-container

deb: ## Build the Debian package into target/dist
	@scripts/package

dist: ## Build a program that runs on any Linux into target/dist, with checksums and what it is made of
	@scripts/dist

container: ## Build a container image from what `make dist` has built
	@scripts/container

docs: ## Make a book of doc/ in target/book
	@scripts/setup docs
	@target/tools/bin/mdbook build doc

lint: ## Check formatting, lints, documentation and units of systemd
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --workspace --no-deps
	@scripts/test-units

bench: ## Measure the service beside other libraries and bare loops (12 minutes)
	@bench/run

trust: ## Try to break every promise for a long time, and print what was tried and what came of it (7 hours)
	@trust/run
