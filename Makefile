# `make dev` starts the whole platform on http://127.0.0.1:8080, `make test` proves it. Both install what they need.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8080
LAYERS := $(CURDIR)/layers
export PYTHONPATH := $(CURDIR):$(CURDIR)/functions:$(LAYERS)/core:$(LAYERS)/auth:$(LAYERS)/data:$(LAYERS)/messaging:$(LAYERS)/documents
export PYTHONDONTWRITEBYTECODE :=

# uv: the one on PATH, else one of our own in .tools/uv, made with any Python >= 3.11 that has venv.
UV := $(or $(shell command -v uv 2>/dev/null),$(CURDIR)/.tools/uv/bin/uv)
PY := $(CURDIR)/.venv/bin/python
SAM := $(CURDIR)/.tools/sam/bin/sam
# `sam build` finds python and pip on PATH. It asks for a second download, without hashes, where it builds for another
# architecture than this machine's: as constraints the hashes hold there too (local/wheels.py).
SAM_BUILD := env -u PYTHONPATH SAM_CLI_TELEMETRY=0 PATH="$(CURDIR)/.tools/sam/bin:$$PATH" \
  PIP_CONSTRAINT=$(CURDIR)/.aws-sam/wheels/constraints.txt PIP_FIND_LINKS="$$PIP_FIND_LINKS $(CURDIR)/.aws-sam/wheels" $(SAM) build --language-extensions --cached --parallel
# `sam local` runs what was built for this machine, in a folder of its own.
HOST_ARCHITECTURE := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
ARCHITECTURE ?= arm64
BUILD_IN ?= .
# Each file's tests run in one of so many processes, each of which starts servers of its own. Those of a whole platform,
# which takes all processors by itself, come after them.
TEST_PROCESSES ?= 2
PLATFORM_TESTS := tests/e2e tests/integration/chaos

LOCKED_GROUPS := dev core auth data messaging documents function-auth function-integration function-analytics function-billing function-notification function-migrate function-tracing tools-sam tools-clients tools-cloudformation tools-checkov tools-supply
DEPLOYED := $(filter-out dev tools-%,$(LOCKED_GROUPS))
SUPPLY := env -u PYTHONPATH .tools/supply/bin
FUNCTIONS := auth integration analytics billing notification migrate tracing

.PHONY: help dev test check scan template-diff supply build deploy smoke format lock generate sam-local bench clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}'

dev: .venv/.ready ## Run the whole platform on http://127.0.0.1:8080 (PORT=, RESET=1, UPSTREAM=smollm2)
	@exec $(PY) -m local dev --port $(PORT) $(if $(RESET),--reset) $(if $(UPSTREAM),--upstream $(UPSTREAM))

test: .venv/.ready .tools/sam/.ready .tools/clients/.ready .tools/cloudformation/.ready ## Run every test: unit, template, integration (real servers), e2e (the running laptop stack)
	@rm -f .coverage .coverage.*
	$(PY) -m pytest $(addprefix --ignore ,$(PLATFORM_TESTS)) tests -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder --cov --cov-report= --cov-fail-under=0 $(PYTEST_ARGS)
	$(PY) -m pytest $(PLATFORM_TESTS) --cov --cov-append --cov-report=term $(PYTEST_ARGS)

check: .venv/.ready .tools/sam/.ready ## Lint, types, import rules, template, generated files
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy functions layers local tests
	.venv/bin/lint-imports
	SAM_CLI_TELEMETRY=0 $(SAM) validate --lint --template template.yaml --region eu-west-1
	.tools/sam/bin/cfn-lint
	$(PY) -m local.generate --check

scan: .venv/.ready .tools/sam/.ready .tools/checkov/.ready ## What checkov finds in the stacks and nothing explains (over a minute)
	@$(PY) -m local.scan .tools/checkov/bin/checkov

template-diff: .venv/.ready .tools/sam/.ready ## What the working tree changes in the stacks: resources made, removed, made anew (BASE=main)
	@$(PY) -m local.template_diff $(or $(BASE),main)

supply: .tools/supply/.ready ## Look at the workflows, and for known vulnerabilities (asks PyPI); bills of materials in .aws-sam/sbom
	$(SUPPLY)/zizmor --offline --no-progress .github
	@mkdir -p .aws-sam/sbom
	@for list in $(DEPLOYED); do \
	  $(SUPPLY)/cyclonedx-py requirements requirements/$$list.txt --output-reproducible --of JSON -o .aws-sam/sbom/$$list.cdx.json; \
	done
	$(SUPPLY)/pip-audit --disable-pip --require-hashes --progress-spinner off $(AUDIT_ARGS) $(foreach list,$(DEPLOYED),-r requirements/$(list).txt)

build: .venv/.ready .tools/sam/.ready .aws-sam/wheels/constraints.txt ## Build the deployable artefacts in .aws-sam/build, with compiled byte-code
	@mkdir -p $(BUILD_IN)
	cd $(BUILD_IN) && $(SAM_BUILD) --template $(CURDIR)/template.yaml --parameter-overrides Architecture=$(ARCHITECTURE)
	$(PY) -m local.artefacts $(BUILD_IN)/.aws-sam/build

deploy: .venv/.ready .tools/sam/.ready ## Deploy what was built: ENV=dev|staging|prod (PARAMETERS="Name=value …", CONTRACTS=true, UNATTENDED=1)
	@$(PY) -m local.deploy $(ENV) $(if $(UNATTENDED),--unattended) $(if $(ROLE),--role $(ROLE)) $(if $(BUCKET),--bucket $(BUCKET)) $(if $(CONTRACTS),Contracts=$(CONTRACTS)) $(PARAMETERS)

smoke: .venv/.ready ## See whether a deployment works: BASE_URL= API_KEY= (EMAIL=, PASSWORD=, MODEL=), or SMOKE_… in the environment
	@$(if $(BASE_URL),SMOKE_BASE_URL=$(BASE_URL)) $(if $(API_KEY),SMOKE_API_KEY=$(API_KEY)) $(if $(MODEL),SMOKE_MODEL=$(MODEL)) \
	  $(if $(EMAIL),SMOKE_EMAIL=$(EMAIL) SMOKE_PASSWORD='$(PASSWORD)') $(PY) -m pytest tests/smoke -p no:cacheprovider $(PYTEST_ARGS)

format: .venv/.ready ## Format and mend what ruff can mend
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

generate: .venv/.ready ## Write the generated files again (price table, OpenAPI, function requirements)
	$(PY) -m local.generate

bench: .venv/.ready ## Measure the gateway beside its upstream (see docs/benchmarks.md)
	$(PY) -m tests.load.gateway $(BENCH_ARGS)

sam-local: .venv/.ready .tools/sam/.ready ## Run every sample event and the API through `sam local` (needs Docker; SAM_FLAGS=)
	@$(MAKE) --no-print-directory build ARCHITECTURE=$(HOST_ARCHITECTURE) BUILD_IN=.aws-sam/local
	$(PY) -m local sam-local --sam $(SAM) --build .aws-sam/local/.aws-sam/build -- $(SAM_FLAGS)

lock: | $(UV) ## Resolve the dependencies again and pin them by hash in requirements/
	@mkdir -p requirements
	@for group in $(LOCKED_GROUPS); do \
	  echo "locking $$group"; \
	  case $$group in dev|tools-*) constraints= ;; *) constraints="--constraints requirements/dev.txt" ;; esac; \
	  $(UV) pip compile -q --no-emit-index-url --no-emit-find-links --no-annotate --universal --python-version 3.13 \
	    --generate-hashes --custom-compile-command "make lock" $$constraints --group pyproject.toml:$$group -o requirements/$$group.txt; \
	done
	@$(MAKE) --no-print-directory generate

clean: ## Remove environments, build output and the laptop stack's state
	rm -rf .venv .tools .aws-sam .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*

.venv/.ready: requirements/dev.txt .python-version | $(UV)
	@echo "==> Python $$(cat .python-version) and the pinned packages of requirements/dev.txt into .venv"
	@[ -x $(PY) ] || $(UV) venv -q --python "$$(cat .python-version)" .venv
	@VIRTUAL_ENV=$(CURDIR)/.venv $(UV) pip sync -q --require-hashes requirements/dev.txt
	@touch $@

.tools/sam/.ready: requirements/tools-sam.txt .python-version | $(UV)
	@echo "==> SAM CLI into .tools/sam"
	@[ -x .tools/sam/bin/python ] || $(UV) venv -q --python "$$(cat .python-version)" .tools/sam
	@VIRTUAL_ENV=$(CURDIR)/.tools/sam $(UV) pip sync -q --require-hashes requirements/tools-sam.txt
	@touch $@

.tools/checkov/.ready .tools/cloudformation/.ready .tools/supply/.ready: .tools/%/.ready: requirements/tools-%.txt .python-version | $(UV)
	@echo "==> the packages of requirements/tools-$*.txt into .tools/$*"
	@[ -x .tools/$*/bin/python ] || $(UV) venv -q --python "$$(cat .python-version)" .tools/$*
	@VIRTUAL_ENV=$(CURDIR)/.tools/$* $(UV) pip sync -q --require-hashes requirements/tools-$*.txt
	@touch $@

# The clients of other people's making that the e2e tests call the gateway with: LangChain, and Node with its packages.
.tools/clients/.ready: requirements/tools-clients.txt tests/e2e/clients/package.json .python-version | $(UV)
	@echo "==> LangChain, Node and its packages into .tools/clients"
	@[ -x .tools/clients/bin/python ] || $(UV) venv -q --python "$$(cat .python-version)" .tools/clients
	@VIRTUAL_ENV=$(CURDIR)/.tools/clients $(UV) pip sync -q --require-hashes requirements/tools-clients.txt
	@cp tests/e2e/clients/package.json .tools/clients/
	@cd .tools/clients && PATH="$$PWD/bin:$$PATH" npm install --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

.aws-sam/wheels/constraints.txt: requirements/dev.txt local/wheels.py
	$(PY) -m local.wheels .tools/sam/bin/python $(@D)

$(CURDIR)/.tools/uv/bin/uv:
	@echo "==> uv is not on PATH: installing it into .tools/uv"
	@$(PYTHON) -m venv .tools/uv
	@.tools/uv/bin/python -m pip install -q --disable-pip-version-check uv
