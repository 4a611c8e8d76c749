# Every target does its own set-up: Python packages into .venv (uv itself into .uv), tmux from the system's packages.

export PYTHON

.PHONY: help setup demo test lint test-slow test-real test-real-all bench soak format lock clean
.DEFAULT_GOAL := help

help:  ## say what each target does
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

setup:
	@sh scripts/bootstrap.sh

demo: setup  ## the whole thing on a sample repository: no account, no key, no network
	@.venv/bin/agentdeck demo

test: setup  ## the suite, without the tests that need other people's clients
	.venv/bin/python -m pytest -n 5 --dist worksteal -m "not slow"

test-slow: setup  ## the rest of it: kills, fleets, floods and cheats, which take more than five seconds each
	.venv/bin/python -m pytest -n 4 --dist worksteal -m slow

lint: setup  ## style, import direction, types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/pyrefly check

test-real: setup  ## the tests against the real Claude Code and Codex (installed from npm into .clients)
	.venv/bin/python -m pytest -n 2 tests/real -m "not allclients"

test-real-all: setup  ## and against the real Gemini CLI and opencode too
	.venv/bin/python -m pytest -n 2 tests/real

bench: setup  ## start to first paint, in a real terminal, beside an empty Textual app
	.venv/bin/python benchmarks/startup.py

soak: setup  ## the queue under 200 random kills (-9) of engine, dashboard, agents, tmux server and verify runs; death after every write
	CRASH_STRIDE=1 .venv/bin/python -m pytest tests/integration/test_queue_crash.py
	.venv/bin/python -m benchmarks.fleet --kills 200

format: setup  ## put the whole tree into the one format
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

lock: setup  ## write requirements.lock anew from pyproject.toml, keeping the pins that still fit
	UV_SYSTEM_CERTS=1 .uv/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	    --generate-hashes --no-header --annotation-style line --quiet --output-file requirements.lock >/dev/null

clean:  ## remove what the other targets made
	rm -rf .venv .uv .clients dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find agentdeck tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +
