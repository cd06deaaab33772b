# `make` installs, builds and compares every adapter on this machine; `make help` lists the rest.
# A recipe runs only where its inputs changed: files by their time, lists of files and the lock file by
# their contents.

.DEFAULT_GOAL := report
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
# The tests of the slow part look for it.
export FULL

NODE := node
BIN := node_modules/.bin
CLI := $(NODE) dist/src/cli.js
MECHANISMS := $(patsubst src/adapters/%/index.ts,%,$(wildcard src/adapters/*/index.ts))

# Headers beside this Node, where they are installed; else node-gyp fetches them.
PREFIX := $(shell $(NODE) -p 'path.dirname(path.dirname(process.execPath))')
NODEDIR := $(if $(wildcard $(PREFIX)/include/node/node_api.h),$(PREFIX))
NODE_GYP := $(NODE) node_modules/node-gyp/bin/node-gyp.js

# --- install -------------------------------------------------------------------------------------

# The packages, and the Node for which their native parts were built.
INSTALLED := node_modules/.installed-$(shell $(NODE) -p process.versions.modules)
ifneq ($(shell cmp -s package-lock.json $(INSTALLED) && echo same),same)
.PHONY: $(INSTALLED)
endif

.PHONY: install
install: $(INSTALLED) ## installs the packages that package-lock.json names

# No package runs a script, except the two native ones that are compared with ours; without them their
# adapters say that they cannot run, and everything else works.
$(INSTALLED):
	npm ci --ignore-scripts --no-audit --no-fund
	npm_config_nodedir=$(NODEDIR) npm rebuild --foreground-scripts=false --loglevel=error mkfifo posix-mq \
	  || echo 'mkfifo or posix-mq was not built; their adapters cannot run here' >&2
	cp package-lock.json $@

# --- build ---------------------------------------------------------------------------------------

ADDON := build/Release/ipc_playground.node
NATIVE := $(wildcard src/native/*.c src/native/*.h src/adapters/*/native.c src/adapters/*/*.h)
TYPESCRIPT := $(shell find src demos test -name '*.ts' 2>/dev/null ! -path src/adapters/all.ts | sort)
ASSETS := $(wildcard src/*/assets/*)

.PHONY: build FORCE
build: $(ADDON) dist/.built $(if $(shell command -v $(firstword $(CC))),floor build/actor) ## builds the addon, the C floors and the actor, and compiles the TypeScript

# Rewritten only when a file came or went, so that what was made of a removed file is made anew.
build/native.list: FORCE
	@mkdir -p build
	@printf '%s\n' $(NATIVE) | cmp -s - $@ || printf '%s\n' $(NATIVE) > $@
build/typescript.list: FORCE
	@mkdir -p build
	@printf '%s\n' $(TYPESCRIPT) | cmp -s - $@ || { rm -rf dist; printf '%s\n' $(TYPESCRIPT) > $@; }

$(ADDON): $(NATIVE) build/native.list binding.gyp scripts/native-sources.mjs | $(INSTALLED)
	$(NODE_GYP) configure build --loglevel=error $(addprefix --nodedir=,$(NODEDIR))
	@touch $@

dist/.built: $(TYPESCRIPT) $(ASSETS) build/typescript.list tsconfig.json scripts/generate-adapters.mjs scripts/copy-assets.mjs | $(INSTALLED)
	$(NODE) scripts/generate-adapters.mjs
	$(BIN)/tsc
	$(NODE) scripts/copy-assets.mjs
	chmod +x dist/src/cli.js
	@touch $@

# The C floors, one program a mechanism that has one. Without a compiler there are none, and the bench says so.
FLOORS := $(patsubst src/adapters/%/floor.c,build/floor/%,$(wildcard src/adapters/*/floor.c))
FLOOR_HEADERS := $(wildcard src/bench/floor/*.h)
FLOOR_OBJECTS := $(patsubst src/bench/floor/%.c,build/floor-objects/%.o,$(wildcard src/bench/floor/*.c))
FLOOR_CC = $(CC) -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -pthread -Isrc/bench/floor $(FLOOR_CFLAGS)

.PHONY: floor
.SECONDARY: $(FLOOR_OBJECTS)
floor: $(FLOORS) ## builds the same exchanges in C, to compare with
	@:

build/floor-objects/%.o: src/bench/floor/%.c $(FLOOR_HEADERS)
	@mkdir -p $(@D)
	@$(FLOOR_CC) -c $< -o $@
build/floor/%: src/adapters/%/floor.c $(FLOOR_OBJECTS) $(FLOOR_HEADERS)
	@mkdir -p $(@D)
	@$(FLOOR_CC) $< $(FLOOR_OBJECTS) -lm -lrt -o $@

# The process that the experiments of the matrix are played by; `npx ipc-playground build` makes the same.
build/actor: $(wildcard src/stage/actor/*.[ch])
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror $(filter %.c,$^) -pthread -lrt -o $@

# The C programs on the other side of test/foreign.test.ts, which makes them.
FOREIGN_CC = $(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -Iinclude $(FOREIGN_CFLAGS)
build/foreign/%: test/foreign/%.c include/ipc_playground.h
	@mkdir -p $(@D)
	@$(FOREIGN_CC) $< -lrt -o $@

# --- what is published ---------------------------------------------------------------------------

# The addon for who installs the package, named as prebuildify names it. For a machine that is not this
# one Debian's cross compilers make it, in a folder of its own whose sources are links to ours.
CROSS_x64 := x86_64-linux-gnu-
CROSS_arm64 := aarch64-linux-gnu-
CROSS_$(shell $(NODE) -p process.arch) :=
PREBUILT = prebuilds/linux-$(1)/node.napi.glibc.node
# Those for which a compiler is here.
PREBUILDABLE := $(foreach arch,x64 arm64,$(if $(shell command -v $(CROSS_$(arch))gcc),$(call PREBUILT,$(arch))))

.PHONY: prebuilds pack
prebuilds: $(call PREBUILT,x64) $(call PREBUILT,arm64) ## the addon for linux-x64 and linux-arm64, with Debian's cross compilers
$(call PREBUILT,%): private CC = $(CROSS_$*)gcc
$(call PREBUILT,%): private FOLDER = build/linux-$*
$(call PREBUILT,%): $(NATIVE) build/native.list binding.gyp scripts/native-sources.mjs | $(INSTALLED)
	@command -v $(CC) >/dev/null || { echo 'no $(CC); Debian has it in gcc-aarch64-linux-gnu or gcc-x86-64-linux-gnu' >&2; exit 1; }
	@mkdir -p $(FOLDER) $(@D)
	@ln -sfn $(addprefix $(CURDIR)/,binding.gyp package.json scripts src) $(FOLDER)/
	CC=$(CC) CXX=$(CC) LINK=$(CC) AR=$(CROSS_$*)ar \
	  $(NODE_GYP) rebuild -C $(FOLDER) --arch=$* --loglevel=error $(addprefix --nodedir=,$(NODEDIR))
	$(CROSS_$*)strip --strip-unneeded -o $@ $(FOLDER)/build/Release/$(notdir $(ADDON))

pack: ## the package's tarball into build/, with its contents and size
	@mkdir -p build
	npm pack --pack-destination build

# --- the main job, and the rest of the command line ----------------------------------------------

.PHONY: report bench list doctor
report: build ## (just `make`) conformance and figures of every adapter, compared, into reports/latest/
	@$(CLI) report
bench: build ## figures beside floors in C and what users pick instead, in 8 minutes; FULL=1: of everything
	@$(CLI) bench $(if $(FULL),--full)
list: build ## the mechanisms and their adapters
	@$(CLI) list
doctor: build ## which adapters run here, why the others do not, the limits of this machine
	@$(CLI) doctor

.PHONY: matrix cell quiz compare-crash lab
matrix: build ## the semantics matrix: every property of every mechanism, by experiment
	@$(CLI) matrix
cell: build ## one of its experiments, step by step: make cell P=P30 M=svsem
	@$(CLI) cell $(P) $(M)
quiz: build ## what will the kernel do? You say, and see it do
	@$(CLI) quiz
compare-crash: build ## one process is killed, for each mechanism: what its survivor finds
	@$(CLI) compare-crash

lab: build ## the network lab: the kernel's TCP, seen and asserted; one story by its name: make lab-tcp-states
	@$(CLI) lab

# `make socket` and `make socket-tcp`, for every folder of src/adapters.
.PHONY: $(MECHANISMS)
$(MECHANISMS): build
	@$(CLI) show $@
# Goals alone: a pattern such as shared-memory-% would match files, too.
define variant
.PHONY: $(2)
$(2): build
	@$$(CLI) show $(1)/$(2:$(1)-%=%)
endef
$(foreach mechanism,$(MECHANISMS),\
  $(foreach goal,$(filter $(mechanism)-%,$(MAKECMDGOALS)),\
    $(eval $(call variant,$(mechanism),$(goal)))))

# `make lab-tcp-states`, for every story of demos/network.
LAB_GOALS := $(patsubst demos/network/%.ts,lab-%,$(filter-out %/index.ts,$(wildcard demos/network/*.ts)))
.PHONY: $(LAB_GOALS)
$(LAB_GOALS): build
	@$(CLI) lab $(@:lab-%=%)

# `make demo-daemon`, for every folder of demos/programs.
DEMO_GOALS := $(patsubst demos/programs/%/main.ts,demo-%,$(wildcard demos/programs/*/main.ts))
.PHONY: $(DEMO_GOALS)
$(DEMO_GOALS): build
	@$(CLI) demo $(@:demo-%=%)

# `make bench-socket` and `make bench-socket-tcp`.
define bench
.PHONY: bench-$(2)
bench-$(2): build
	@$$(CLI) bench $(1)$(if $(filter-out $(1),$(2)),/$(2:$(1)-%=%))
endef
$(foreach mechanism,$(MECHANISMS),\
  $(foreach goal,$(patsubst bench-%,%,$(filter bench-$(mechanism) bench-$(mechanism)-%,$(MAKECMDGOALS))),\
    $(eval $(call bench,$(mechanism),$(goal)))))

# --- tests ---------------------------------------------------------------------------------------

TEST_REPORTS := build/tests
OWN_IPC := scripts/own-ipc.sh --
VITEST := $(BIN)/vitest run

.PHONY: check test test-sanitized
check: $(INSTALLED) ## format, lint and types
	$(NODE) scripts/generate-adapters.mjs
	$(BIN)/biome ci .
	$(BIN)/tsc --noEmit --incremental false

# The addon under AddressSanitizer and UndefinedBehaviorSanitizer, in a folder of its own, where node-gyp-build
# finds it by the variable. Sources are links to ours, so that reports name them. SIGBUS is the addon's own to
# handle; of an allocation its caller is kept, for lsan.supp must not match what called us.
# The tests of the tools, of the matrix and of the lab start what is not the addon, and the kill loops, the programs and
# the peers nothing but what other tests start.
ASAN := build/asan
ASAN_ADDON := $(ASAN)/build/Release/ipc_playground.node
$(ASAN_ADDON): $(NATIVE) build/native.list binding.gyp | $(INSTALLED)
	mkdir -p $(ASAN)
	ln -sfn $(addprefix $(CURDIR)/,binding.gyp package.json scripts src) $(ASAN)/
	$(NODE_GYP) rebuild -C $(ASAN) --loglevel=error $(addprefix --nodedir=,$(NODEDIR)) -- -Dsanitize=address,undefined

SANITIZED = $(OWN_IPC) env LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) \
  ASAN_OPTIONS=abort_on_error=1:use_sigaltstack=0:handle_sigbus=0:malloc_context_size=2 \
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
  LSAN_OPTIONS=suppressions=$(CURDIR)/test/lsan.supp:print_suppressions=0 \
  IPC_PLAYGROUND_PREBUILD=$(CURDIR)/$(ASAN) IPC_TEST_TIMEOUT_FACTOR=4 VITEST_JSON=$(TEST_REPORTS)/sanitized.json \
    $(VITEST) --testTimeout=240000 $(foreach name,bench cli demos docs eighth foreign kill needs outsider package peers programs report,--exclude '**/$(name)*.test.js') \
    --exclude '**/test/lab/**' --exclude '**/test/matrix/**' --exclude '**/test/peer-cases/**'

test: check build $(PREBUILDABLE) $(if $(FULL),$(ASAN_ADDON)) ## all tests; FULL=1 adds the slow ones: memory checker, kill loops
	rm -rf $(TEST_REPORTS)
	VITEST_JSON=$(TEST_REPORTS)/main.json $(OWN_IPC) $(VITEST)$(if $(FULL),; main=$$?; $(SANITIZED); sanitized=$$?; \
	  $(NODE) scripts/test-summary.mjs $$((main + sanitized)) 0 $(TEST_REPORTS)/*.json)

test-sanitized: check build $(ASAN_ADDON)
	$(SANITIZED)

# --- the rest ------------------------------------------------------------------------------------

.PHONY: docs programs screenshot performance clean help
docs: build ## docs/reference from the doc comments; figures of the latest bench and matrix into docs/mechanisms
	cd docs && node_modules/.bin/typedoc --options typedoc.json
	@$(NODE) scripts/docs.mjs
programs: build ## docs/programs.md: the programs, and what they print
	@$(NODE) scripts/programs.mjs
screenshot: build ## docs/report.png: a picture of the latest report, with Chromium
	$(NODE) scripts/screenshot.mjs
performance: build ## docs/performance.md: what to reach, and what the latest report has of it
	@$(NODE) scripts/performance.mjs

clean: ## removes what killed processes left, then everything that was built
	@if [ -e dist/.built ] && [ -e $(ADDON) ]; then $(CLI) clean; fi
	rm -rf build dist prebuilds src/adapters/all.ts

help: ## this list
	@echo 'make                  installs, builds, and compares every adapter on this machine'
	@sed -n 's/^\([a-z]*\):.* ## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "make %-16s %s\n", $$1, $$2 }'
	@echo; echo 'A demo between two processes, then the conformance and the figures:'
	@$(NODE) scripts/list-targets.mjs
