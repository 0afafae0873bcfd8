# Everything goes through here; `make help` lists it.
BUILD := build/release
LORE := $(BUILD)/bin/lore
SMOLLM2 := .deps/models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf
TORCH := $(if $(Torch_DIR),-DTorch_DIR=$(Torch_DIR))

.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-fast faults bench reference format style lint asan clean

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

setup: ## install what is missing (Debian packages, LibTorch)
	@.ci/setup

build: setup ## build the program: build/release/bin/lore (first time about 10 minutes on 2 cores)
	@test -e $(BUILD)/build.ninja || cmake --preset release $(TORCH)
	@cmake --build --preset release

demo: build ## teach SmolLM2-135M 162 enterprise terms and compare answers (about 5 minutes after the build)
	@.ci/fetch-model smollm2-135m-instruct
	@echo "demo: training on the sample corpus, then five questions before and after, then the recipe's gates (about 5 minutes)"
	@$(LORE) train recipes/enterprise-terms.yaml --overwrite
	@$(LORE) generate --base $(SMOLLM2) --adapter runs/enterprise-terms/adapter --compare \
	  --prompts data-samples/demo.questions.txt --max-new-tokens 48
	@$(LORE) evaluate recipes/enterprise-terms.yaml --report runs/enterprise-terms/evaluation
	@$(LORE) quantize --model $(SMOLLM2) --adapter runs/enterprise-terms/adapter --format gguf:q8_0 \
	  --output runs/enterprise-terms/terms-q8_0.gguf --overwrite
	@$(LORE) generate --base runs/enterprise-terms/terms-q8_0.gguf --prompt "What does supply-chain resilience mean?" \
	  --max-new-tokens 48 --latency
	@echo "demo: for whoever decides: runs/enterprise-terms/evaluation/report.html"

test: build ## run all tests: units, peers (transformers, PEFT), the program
	@.ci/setup --peers
	@.ci/fetch-model smollm2-135m-instruct
	@ctest --test-dir $(BUILD) --parallel $$(nproc) --output-on-failure --no-tests=error

test-fast: build ## run the unit tests alone
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -L unit

faults: build ## kill, starve and cut runs: 300 SIGKILLs, each write, fsync and rename failed in turn (about 20 minutes)
	@.ci/setup --peers
	@.ci/fetch-model smollm2-135m-instruct
	@LORE_FAULT_ALL=1 LORE_FAULT_KILLS=300 ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -L fault

bench: build ## measure Lore and PEFT side by side: start-up, steps, merges, evaluation, memory (about 50 minutes)
	@.ci/setup --peers
	@.ci/fetch-model smollm2-135m-instruct
	@.deps/venv/bin/python tests/bench/bench.py
	@.deps/venv/bin/python tests/bench/merge.py
	@.deps/venv/bin/python tests/bench/evaluate.py

reference: build ## make docs/recipe.md again from the recipe's description
	@$(LORE) recipe reference >docs/recipe.md

format: ## format the sources
	@.ci/setup --linters
	@git ls-files -co --exclude-standard '*.h' '*.cpp' | xargs clang-format-14 -i

style: ## check format and structure (seconds)
	@.ci/setup --linters
	@git ls-files -co --exclude-standard '*.h' '*.cpp' | xargs clang-format-14 --dry-run -Werror --ferror-limit=1
	@.ci/check-rooms

lint: style ## check format and structure, then run clang-tidy over every source (about 20 minutes on 2 idle cores)
	@cmake --preset tidy $(TORCH)
	@cmake --build --preset tidy
	@git ls-files 'lib/*.cpp' 'apps/*.cpp' | xargs -P $$(nproc) -n 4 clang-tidy-14 -p build/tidy --quiet

asan: setup ## build the unit tests with AddressSanitizer and UBSan and run them (first time about 15 minutes)
	@cmake --preset asan $(TORCH)
	@cmake --build --preset asan
	@ctest --test-dir build/asan --output-on-failure --no-tests=error -L unit

clean: ## remove the build folders
	@rm -rf build
