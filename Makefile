# What a person and CI run. `make test` does everything: installs what the tests need, starts throw-away services,
# checks formatting and lints, runs all tests, cleans up.

.PHONY: test bench fmt demo

test:
	tests/run.sh

# The pieces of a call one by one: `make bench ONLY=media` for some, `make bench ONLY=--quick` for a rough look.
bench:
	cargo bench --locked --bench micro -- $(ONLY)

fmt:
	cargo fmt --all

demo:
	cargo run --release -- demo
