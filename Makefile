# Python to make .venv with; see tools/install.sh for that and for UNMASK_TORCH_INDEX.
PYTHON ?= python3
export PYTHON

BIN := .venv/bin

# Of the tests, what a minute is enough for on two cores.
QUICK := tests/test_imports.py tests/test_generated.py $(filter-out %/test_states.py,$(wildcard tests/engine/test_*.py)) \
  $(addprefix tests/sessions/test_,collection.py store.py) $(addprefix tests/sampling/test_,distribution.py noise.py) \
  $(addprefix tests/models/test_,llada_logits.py dream_logits.py recognise.py) tests/recording/test_recording_checks.py

.DEFAULT_GOAL := help
.PHONY: help run test check lint proto embedded-model bench bench-sessions bench-constraints bench-page bench-samplers bench-attribution bench-left-to-right bench-caches mutants siege demo screenshots lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

run: ## Install what is missing, start service and gateway, print the page's address (Ctrl-C stops both)
	@tools/install.sh run
	@exec $(BIN)/unmask serve

test: ## Install what tests need, Chromium too, and run all of them
	@tools/install.sh dev
	@tools/chromium.sh
	@tools/each.sh \
	  "$(BIN)/pytest --ignore tests/page --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder" \
	  "$(BIN)/pytest tests/page --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder" \
	  "tools/page_tests.sh"

check: ## Check in a minute, on two quiet cores, what breaks most: style, types, imports, and the tests that are quick
	@tools/install.sh dev
	@tools/beside.sh tools/types.sh 'tools/each.sh "$(BIN)/ruff check ." "$(BIN)/pytest --quiet $(QUICK)" tools/page_tests.sh'

lint: ## Check Python, the page's types, protos, generated code, and that the API breaks nobody
	@tools/install.sh dev
	$(BIN)/ruff check .
	@tools/types.sh
	cd proto && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code
	@tools/breaking.sh
	@tools/proto.sh --check
	@if command -v node >/dev/null; then node frontend/tools/vendor.mjs --check; fi
	@tools/page_types.sh

proto: ## Regenerate the API's code from proto/ (the page's with npm)
	@tools/install.sh dev
	cd proto && ../$(BIN)/buf format --write
	@tools/proto.sh
	@frontend/tools/proto.sh

embedded-model: ## Train, export and evaluate the small models that ship (hours on 2 cores)
	@tools/install.sh run
	$(BIN)/python -m embedded_model.train
	$(BIN)/python -m embedded_model.export
	rm -r out/embedded_model # an interrupted training goes on; a finished one begins anew
	$(BIN)/python -m embedded_model.evaluate
	$(BIN)/python -m embedded_model.train --causal
	$(BIN)/python -m embedded_model.export --causal
	rm -r out/embedded_model
	$(BIN)/python -m embedded_model.evaluate --causal

bench: bench-sessions bench-constraints bench-left-to-right bench-caches bench-page ## Run every benchmark that takes no more than a minute or two

bench-sessions: ## Measure what sessions cost against their limits and write benchmarks/results/sessions.json
	@tools/install.sh dev
	$(BIN)/python -m benchmarks.sessions

bench-constraints: ## Measure constraints on a vocabulary of 150,000 tokens and write benchmarks/results/constraints.json
	@tools/install.sh dev
	$(BIN)/python -m benchmarks.constraints

bench-left-to-right: ## Measure what keeping a text's keys and values saves and write benchmarks/results/left_to_right.json
	@tools/install.sh dev
	$(BIN)/python -m benchmarks.left_to_right

bench-caches: ## Measure what caches save against a plain loop and write benchmarks/results/caches.json
	@tools/install.sh dev
	$(BIN)/python -m benchmarks.caches

bench-page: ## Measure what a step costs the page at 1,024 positions and write benchmarks/results/page.json
	@tools/install.sh dev
	@tools/chromium.sh
	$(BIN)/python -m benchmarks.page

bench-samplers: ## Compare every sampler on the embedded model's tasks and write docs/samplers.md (minutes)
	@tools/install.sh dev
	$(BIN)/python -m benchmarks.samplers

bench-attribution: ## Measure whether attribution finds what a token was copied from (minutes)
	@tools/install.sh dev
	$(BIN)/python -m benchmarks.attribution

mutants: ## Change a seeded sample of 100 places in the code, one at a time, and say which the tests do not notice
	@tools/install.sh dev
	$(BIN)/python -m benchmarks.mutants $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only "$(ONLY)") $(if $(TESTS),--tests $(TESTS))

siege: ## Attack the real service and gateway and say a line for each attack; MARKDOWN=1 writes docs/reliability.md
	@tools/install.sh dev
	$(BIN)/python -m benchmarks.siege $(if $(MARKDOWN),--markdown) $(if $(ONLY),--only "$(ONLY)") $(if $(MUTATIONS),--mutations $(MUTATIONS))

demo: ## Make the recording that comes with the page anew, from a real run
	@tools/install.sh dev
	@tools/chromium.sh
	$(BIN)/python -m tests.page.make_demo

screenshots: ## Take the README's pictures from the real page
	@tools/install.sh dev
	@tools/chromium.sh
	$(BIN)/python -m tests.page.screenshots docs/images

lock: ## Choose newest versions within pyproject.toml's ranges (UPGRADE=1) or only what has to change
	@tools/install.sh dev
	@tools/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## Remove .venv and caches
	rm -rf .venv *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
