# What a person and CI run. `make test` does everything: installs what the tests need, starts throw-away services,
# checks formatting and lints, runs all tests, cleans up.

.PHONY: test fmt demo

test:
	tests/run.sh

fmt:
	cargo fmt --all

demo:
	cargo run --release -- demo
