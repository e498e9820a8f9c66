# aftersync. `make demo` and `make check` are all a newcomer needs; `make help` lists the rest.
#   V=1 shows commands · SAN=address,undefined or thread · BUG=n plants bug n (tests/sim) · DESTDIR= PREFIX=

SHELL := /bin/bash
.DEFAULT_GOAL := all
CC ?= gcc
PREFIX ?= /usr/local

empty :=
comma := ,
VARIANT := release
ifneq ($(SAN),)
VARIANT := san-$(subst $(comma),-,$(SAN))
endif
ifneq ($(BUG),)
VARIANT := $(VARIANT)-bug$(BUG)
endif
B := build/$(VARIANT)

ifneq ($(V),1)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2)
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
	-Wpointer-arith -Wformat=2 -Wvla -Wundef -Wwrite-strings -Werror
PKGS := libprotobuf-c libsodium libzstd libcrypto jansson libutf8proc
# recursive on purpose: pkg-config is asked when a recipe runs, after tools/deps has installed what is missing
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS = $(shell pkg-config --libs $(PKGS))

CFLAGS_ALL = -std=c11 -D_GNU_SOURCE -g -fno-omit-frame-pointer $(WARN) -I. -I$(GEN) $(PKG_CFLAGS)
ifneq ($(SAN),)
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

COMMON_C := $(wildcard common/*/*.c)
LIB_O := $(COMMON_C:%.c=$(B)/%.o) $(GEN_C:$(GEN)/%.c=$(B)/gen/%.o)
LIB := $(B)/libaftersync.a

TESTLIB_O := $(patsubst %.c,$(B)/%.o,$(wildcard tests/lib/*.c))
TESTLIB := $(B)/libtest.a
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
SIM_O := $(patsubst %.c,$(B)/%.o,$(wildcard tests/sim/*.c))
SIM := $(if $(SIM_O),$(B)/aftersync-sim)
BENCH := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/bench_*.c))
TOOLS := $(patsubst tools/%.c,$(B)/tools/%,$(wildcard tools/*.c))

.PHONY: all help deps check check-unit check-lint demo sim bench fuzz clean install docs check-long
.SECONDARY:

all: deps
	$(Q)$(MAKE) --no-print-directory build

.PHONY: build
build: $(LIB) $(UNIT) $(SIM) $(TOOLS)

help:
	@sed -n '1,3p' Makefile; echo; sed -n 's/^#: /  /p' Makefile

#: all            build everything
#: check          what must pass before every commit: unit, golden traces, conformance, simulator, lint
#: demo           one simulator seed told as a story
#: sim SEEDS=N [SEED0=first]   run N simulator seeds
#: check-long     20,000 seeds, and the ten planted bugs
#: bench          speed of the cores, one JSON object a line
#: fuzz [SECONDS=60]   libFuzzer on every input that comes from outside
#: docs           write the generated documents again
#: install DESTDIR= PREFIX=/usr/local

deps:
	@tools/deps

# ---- rules ---------------------------------------------------------------------------------------------------
$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h &: proto/%.proto
	$(call say,PROTO,$<)
	@mkdir -p $(GEN)
	$(Q)protoc-c --proto_path=proto --c_out=$(GEN) $<

$(B)/gen/%.o: $(GEN)/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Wno-conversion -Wno-cast-qual -MMD -MP -c -o $@ $<

$(B)/%.o: %.c | $(GEN_H)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_O)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(TESTLIB): $(TESTLIB_O)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/tests/test_%: $(B)/tests/unit/test_%.o $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lcmocka -lm

$(B)/aftersync-sim: $(SIM_O) $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lm

$(B)/bench/bench_%: $(B)/tests/bench/bench_%.o $(TESTLIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS) -lm

$(B)/tools/%: $(B)/tools/%.o $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

-include $(shell find build -name '*.d' 2>/dev/null)

clean:
	rm -rf build
