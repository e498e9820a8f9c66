# aftersync. `make demo` and `make check` are all a newcomer needs; `make help` lists the rest.
#   V=1 shows commands · SAN=address,undefined or thread · BUG=n plants bug n (tests/sim) · DESTDIR= PREFIX=

SHELL := /bin/bash
.DEFAULT_GOAL := all
ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local

comma := ,
VARIANT := release
ifneq ($(FUZZ),)
VARIANT := fuzz
CC := clang-14
else ifneq ($(SAN),)
VARIANT := san-$(subst $(comma),-,$(SAN))
endif
ifneq ($(BUG),)
VARIANT := $(VARIANT)-bug$(BUG)
endif
B := build/$(VARIANT)

# Targets for people first let tools/deps install what is missing, then call make again, on all cores unless -j says.
CORES := $(shell nproc 2>/dev/null || echo 2)
# A recipe says $(MAKE) itself: make looks for these very letters before it lets a call share its jobs (tests/lint/make.t).
AGAIN = --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(CORES))

ifneq ($(V),1)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2)
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
	-Wpointer-arith -Wformat=2 -Wvla -Wundef -Wwrite-strings -Werror
PKGS := libprotobuf-c libsodium libzstd libcrypto jansson libutf8proc lmdb inih
# asked once, when the first recipe needs it: tools/deps has installed what is missing by then
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
# libcsv has no pkg-config file
PKG_LIBS = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)) -lcsv)$(PKG_LIBS)

CFLAGS_ALL = -std=c11 -D_GNU_SOURCE -g -fno-omit-frame-pointer $(WARN) -I. -I$(GEN) $(PKG_CFLAGS)
ifneq ($(FUZZ),)
CFLAGS_ALL += -O1 -Wno-format-nonliteral -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_ALL = -fsanitize=fuzzer,address,undefined
else ifneq ($(SAN),)
CFLAGS_ALL += -O1 -fsanitize=$(SAN) -fno-sanitize-recover=all
LDFLAGS_ALL = -fsanitize=$(SAN)
else
CFLAGS_ALL += -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now
endif
ifneq ($(BUG),)
CFLAGS_ALL += -DBUG_$(BUG)
endif
CFLAGS_ALL += $(CFLAGS)

# ---- sources -------------------------------------------------------------------------------------------------
GEN := build/gen
PROTOS := $(wildcard proto/*.proto)
GEN_C := $(PROTOS:proto/%.proto=$(GEN)/%.pb-c.c)
GEN_H := $(GEN_C:.c=.h)
MAPS := $(wildcard maps/*.ini)

COMMON_C := $(wildcard common/*/*.c)
LIB_O := $(COMMON_C:%.c=$(B)/%.o) $(GEN_C:$(GEN)/%.c=$(B)/gen/%.o) $(B)/gen/maps.o
LIB := $(B)/libaftersync.a

RT_O := $(patsubst %.c,$(B)/%.o,$(wildcard daemon/rt/*.c))
RT := $(if $(RT_O),$(B)/libdaemon.a)

# a program: the sources of its folder, its libraries
PROGRAMS := $(B)/aftersync-branchd $(B)/aftersync-hqd
BRANCHD_O := $(patsubst %.c,$(B)/%.o,$(wildcard daemon/branchd/*.c))
HQD_O := $(patsubst %.c,$(B)/%.o,$(wildcard daemon/hqd/*.c))

# loaded into a running program
PRELOADS := tests/lib/faultio.c tests/lib/clockshift.c tests/lib/countio.c
TESTLIB_O := $(patsubst %.c,$(B)/%.o,$(filter-out $(PRELOADS),$(wildcard tests/lib/*.c)))
TESTLIB := $(B)/libtest.a
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
SIM_O := $(patsubst %.c,$(B)/%.o,$(wildcard tests/sim/*.c))
SIM := $(if $(SIM_O),$(B)/aftersync-sim)
# tests of the running programs (TAP), and the programs that they need
E2E := $(wildcard tests/e2e/*.t tests/e2e/*.bats)
E2E_TOOLS := $(patsubst tests/e2e/%.c,$(B)/%,$(wildcard tests/e2e/*.c))
SYSTEM_O := $(B)/tests/bench/bench_system.o $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/system_*.c))
BENCH := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/bench_*.c))
TOOLS := $(patsubst tools/%.c,$(B)/tools/%,$(wildcard tools/*.c))
CLI_O := $(patsubst %.c,$(B)/%.o,$(wildcard tools/aftersync/*.c))
CLI := $(B)/aftersync
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,$(B)/fuzz/fuzz_%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(FUZZERS:$(B)/fuzz/fuzz_%=$(B)/fuzz/replay_%)
LINTS := $(wildcard tests/lint/*.t)
# the configuration table of each program, for the tests; a program links its own
CONF_O := $(patsubst %.c,$(B)/%.o,$(wildcard daemon/*/*_conf.c))
CONF_KEYS := $(B)/lint/conf_keys

.PHONY: programs all build help deps check check-unit check-e2e check-data check-lint check-long demo story sim bench bench-grow bench-beside fuzz docs install format tidy clean FORCE
.SECONDARY:
.DELETE_ON_ERROR:

# ---- targets for people ----------------------------------------------------------------------------------------
#: all            build everything
all: deps
	$(Q)$(MAKE) $(AGAIN) build

build: $(LIB) $(RT) $(PROGRAMS) $(CLI) $(UNIT) $(SIM) $(E2E_TOOLS) $(TOOLS) $(BENCH) $(REPLAYS) $(CONF_KEYS) \
	$(PRELOADS:tests/lib/%.c=$(B)/%.so)

# what the tests of running programs need
programs: $(PROGRAMS) $(CLI) $(E2E_TOOLS) $(PRELOADS:tests/lib/%.c=$(B)/%.so)

help:
	@sed -n '1,2s/^# *//p' Makefile; echo; sed -n 's/^#: /  /p' Makefile

deps:
	@tools/deps

# The simulator is by far the longest: it starts first, on all cores, and the others run beside it.
SIM_SEEDS := $(or $(SEEDS),$(if $(SAN),100,1000))
PROVE := TSAN_OPTIONS=suppressions=tests/lib/tsan.supp AFTERSYNC_BUILD=$(B) SEEDS=$(SIM_SEEDS) SEED0=$(SEED0) prove --exec '' -j2

#: check          what must pass before every commit: simulator, unit, golden traces, fuzz corpus, lint
check: all
	$(Q)$(PROVE) tests/sim/sim.t $(UNIT) $(E2E) $(REPLAYS) $(LINTS) </dev/null

#: check-unit     the same without simulator and running programs: seconds
check-unit: all
	$(Q)$(PROVE) $(UNIT) $(REPLAYS) $(LINTS) </dev/null

#: check-e2e      the programs themselves: processes, lines that fail, kills
check-e2e: all
	$(Q)$(PROVE) $(E2E) </dev/null

#: check-data DATA=DIR   imports the files of known forms in DIR and recounts them with SQLite: one line a file
check-data: all
	$(Q)AFTERSYNC_BUILD=$(B) tests/e2e/check_data.sh $(or $(DATA),$(error DATA=DIR is missing)) </dev/null

#: check-lint     only the rules about the source
check-lint: all
	$(Q)$(PROVE) $(LINTS) </dev/null

#: check-long     20,000 simulator seeds with the table of faults, the planted bugs, 200 kills, imports killed 20 times, 2,000 links, 100,000 events under TSan
check-long: all
	$(Q)$(SIM) --seed $(or $(SEED0),1) --seeds $(or $(SEEDS),20000) --jobs $(CORES) --table
	$(Q)MAKE='$(MAKE)' VARIANT=$(VARIANT) tests/sim/bugs.sh
	$(Q)KILLS=200 EVENTS=100000 FULL_LONG=1 $(PROVE) -v tests/e2e/kills.t tests/e2e/load.t tests/e2e/full.t </dev/null
	$(Q)KILLS=10 $(PROVE) tests/e2e/import.t </dev/null
	$(Q)LINKS=2000 E2E_WAIT=400 $(PROVE) -v tests/e2e/70-links.bats </dev/null
	$(Q)$(MAKE) $(AGAIN) SAN=thread programs
	$(Q)EVENTS=100000 TSAN_OPTIONS=suppressions=tests/lib/tsan.supp AFTERSYNC_BUILD=build/san-thread \
	    prove --exec '' -v tests/e2e/load.t </dev/null
	$(Q)$(MAKE) $(AGAIN) BUG=seal programs
	$(Q)AFTERSYNC_BUILD=build/$(VARIANT)-bugseal prove --exec '' -v tests/e2e/canary.t </dev/null

#: demo [DATA=DIR] [PORT=7443] [KEEP=1] [BREAK=1]   a head office and 46 branches at work, then a recount; ends with `demo: equal`
demo: deps
	$(Q)$(MAKE) $(AGAIN) programs
	@AFTERSYNC_BUILD=$(B) tests/demo/demo.sh </dev/null

#: story          one simulator seed told as a story; ends with `story: equal`
STORY_SEED := 146
story: all
	@$(SIM) --seed $(STORY_SEED) --story

#: sim SEEDS=100 [SEED0=first] [TRACE=1]   simulator seeds, fresh ones when SEED0 is not given
sim: all
	@first=$(SEED0); $(SIM) --seed $${first:-$$(date +%s)000} --seeds $(or $(SEEDS),100) \
	    $(if $(TRACE),--trace,--jobs $(CORES))

#: bench          speed of cores, store, disk and programs, one JSON object a line; GROW=1 goes on with bench-grow;
#:                PROFILE=1 also writes build/profile/*.txt with perf
bench: all
	@for b in $(BENCH); do $$b || exit; done
	$(if $(GROW),@$(B)/bench/bench_system grow grow-branches links enrol)
	$(if $(PROFILE),@tools/deps profile && tests/bench/profile.sh $(BENCH))

#: bench-grow     how cost grows: 10^4 … 10^6 events, 1 … 1,000 branches, 2,000 links, 10,000 enrolled; BENCH_LONG=1: 10^7
bench-grow: all
	@$(B)/bench/bench_system grow grow-branches links enrol

#: bench-beside PEER=DIR   ours and PostgreSQL in turn, three times; DIR has its peers/postgres.sh
bench-beside: all
	@tests/bench/beside_postgres.sh $(or $(PEER),$(error PEER=DIR is missing))

#: fuzz [SECONDS=60]   libFuzzer with ASan and UBSan for that long on each input that comes from outside
fuzz:
	@tools/deps fuzz
	$(Q)$(MAKE) $(AGAIN) FUZZ=1 SAN= BUG= fuzzers
	$(Q)tests/fuzz/run.sh build/fuzz/fuzz $(or $(SECONDS),60)

#: docs           write the generated documents again
docs: all
	$(Q)for d in domain.md bodies.proto; do \
	    $(B)/tools/gen_domain $${d%.*} >$(B)/$$d && mv $(B)/$$d docs/$$d || exit; done

#: install DESTDIR= PREFIX=/usr/local   programs that are built, manual pages, units, documents
SHARE = $(DESTDIR)$(PREFIX)/share
UNITS = $(DESTDIR)$(PREFIX)/lib
install:
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/doc/aftersync/docs $(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/man/man8 \
	    $(SHARE)/bash-completion/completions $(SHARE)/aftersync/maps \
	    $(UNITS)/systemd/system $(UNITS)/sysusers.d $(UNITS)/tmpfiles.d
	for p in aftersync aftersync-hqd aftersync-branchd; do \
	    [ ! -x $(B)/$$p ] || install -m 755 $(B)/$$p $(DESTDIR)$(PREFIX)/bin || exit; done
	install -m 644 LICENSE $(wildcard *.md) $(SHARE)/doc/aftersync
	install -m 644 $(wildcard docs/*) $(SHARE)/doc/aftersync/docs
	[ ! -x $(CLI) ] || $(CLI) --completion >$(SHARE)/bash-completion/completions/aftersync
	install -m 644 $(MAPS) $(SHARE)/aftersync/maps
	install -m 644 tools/aftersync/aftersync.1 $(SHARE)/man/man1
	install -m 644 $(wildcard daemon/*/*.5) $(SHARE)/man/man5
	install -m 644 $(wildcard daemon/*/*.8) $(SHARE)/man/man8
	for u in systemd/*.service; do \
	    sed 's,/usr/local/bin/,$(PREFIX)/bin/,' $$u >$(UNITS)/systemd/$${u/systemd/system} || exit; done
	install -m 644 systemd/aftersync.sysusers.conf $(UNITS)/sysusers.d/aftersync.conf
	install -m 644 systemd/aftersync.tmpfiles.conf $(UNITS)/tmpfiles.d/aftersync.conf

#: format         clang-format over all sources
format:
	@tools/deps format
	$(Q)clang-format -i $$(find common tests tools daemon -name '*.[ch]' 2>/dev/null)

#: tidy           clang-tidy over common/, as advice
tidy: all
	@tools/deps tidy
	$(Q)clang-tidy --quiet $(COMMON_C) -- $(filter-out -f%,$(CFLAGS_ALL))

#: clean          remove build/
clean:
	rm -rf build

# ---- rules ---------------------------------------------------------------------------------------------------
$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h &: proto/%.proto
	$(call say,PROTO,$<)
	@mkdir -p $(GEN)
	$(Q)protoc-c --proto_path=proto --c_out=$(GEN) $<

# the maps that the program knows by name, as bytes
$(GEN)/maps.c: $(MAPS) Makefile
	$(call say,MAPS,$@)
	@mkdir -p $(GEN)
	$(Q)( echo '#include "common/import/map.h"'; \
	    for m in $(MAPS); do n=$$(basename $$m .ini); \
	        echo "static const unsigned char map_$${n//-/_}[] = {"; od -An -v -tx1 $$m | sed 's/ \(..\)/0x\1,/g'; echo '};'; done; \
	    echo 'const struct map_builtin map_builtins[] = {'; \
	    for m in $(MAPS); do n=$$(basename $$m .ini); v=map_$${n//-/_}; echo "{\"$$n\", $$v, sizeof $$v},"; done; \
	    echo '};'; echo 'const size_t map_builtins_n = sizeof map_builtins / sizeof map_builtins[0];' ) >$@.new
	@mv $@.new $@

# Other flags than last time build everything again.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CFLAGS_ALL) / $(LDFLAGS_ALL) $(PKG_LIBS)' | cmp -s - $@ || \
	    echo '$(CC) $(CFLAGS_ALL) / $(LDFLAGS_ALL) $(PKG_LIBS)' >$@

$(B)/gen/%.o: $(GEN)/%.c $(B)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Wno-conversion -Wno-cast-qual -MMD -MP -c -o $@ $<

$(B)/%.o: %.c $(B)/flags | $(GEN_H)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_O)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/libdaemon.a: $(RT_O)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/aftersync-branchd: $(BRANCHD_O) $(RT) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lzmq -lpthread

$(B)/aftersync-hqd: $(HQD_O) $(RT) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lzmq -lpthread

$(TESTLIB): $(TESTLIB_O)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/tests/test_%: $(B)/tests/unit/test_%.o $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lcmocka -lm

$(B)/tests/test_conf%: $(B)/tests/unit/test_conf%.o $(CONF_O) $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lcmocka -lm

$(B)/tests/test_rt_%: $(B)/tests/unit/test_rt_%.o $(TESTLIB) $(RT) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lzmq -lcmocka -lm

$(CLI): $(CLI_O) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

# For LD_PRELOAD: without sanitizers, whose runtime would have to come first.
$(B)/%.so: tests/lib/%.c $(B)/flags
	$(call say,LD,$@)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -g -O1 $(WARN) -fPIC -shared -o $@ $< -ldl

$(B)/tests/test_kv_lmdb_faults: | $(B)/faultio.so

$(B)/aftersync-sim: $(SIM_O) $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lm

$(E2E_TOOLS): $(B)/%: $(B)/tests/e2e/%.o $(TESTLIB) $(RT) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -Wl,--as-needed $(PKG_LIBS) -lzmq -lpthread

# runs the programs themselves, as processes
$(B)/bench/bench_system: $(SYSTEM_O) $(TESTLIB) $(RT) $(LIB) | $(PROGRAMS) $(CLI) $(E2E_TOOLS) $(B)/countio.so
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lzmq -lpthread -lm

$(B)/bench/bench_%: $(B)/tests/bench/bench_%.o $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lm

$(B)/tools/%: $(B)/tools/%.o $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(CONF_KEYS): $(B)/tests/lint/conf_keys.o $(CONF_O) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(B)/fuzz/replay_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/replay.o $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lm

.PHONY: fuzzers
fuzzers: $(FUZZERS)

$(B)/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lm

-include $(shell find $(B) -name '*.d' 2>/dev/null)
