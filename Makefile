# schemakit: a database that keeps its own rules
#
#   make demo          set everything up, and see what schemakit does
#   make demo-stop     remove the demo's database again
#   make check         set everything up, and run all tests; make test is the same
#   make help          this list
#
#   make, make install build and install, with PG_CONFIG=... for another server
#   make installcheck  regression and isolation tests against a running server
#   make lint          the rules of the house
#   make doc           the output in README.md and doc/ written anew
#   make bench         what it costs, as ratios
#   make check-newcomer do these work on a machine that has nothing yet?
#   make check-clients the recipes of doc/clients.md: drivers, ORMs and query builders
#   make check-all     all tests, on all versions of PostgreSQL that Debian has
#   make check-cassert, check-caches, check-sanitize, check-valgrind
#                      tests on a server with assertions, and what else finds faults
#   make check-upgrade  pg_upgrade from PostgreSQL 15 to 17 to 18
#   make check-core, check-others
#                      tests of PostgreSQL and of other extensions, with schemakit
#   make evidence      what all of these said last, into tmp/evidence.md, or with
#                      INTO=doc/evidence.md in place of the figures there
#   make format        lay the C sources out

EXTENSION    = schemakit
EXTVERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" schemakit.control)
PG_CONFIG   ?= pg_config

# Entry points that need no server to be there: they see to it themselves.
CHECKS       = check-cassert check-caches check-sanitize check-valgrind
ENTRIES      = bench check check-all check-clients check-core check-newcomer check-others check-upgrade \
	$(CHECKS) demo demo-stop doc evidence format help lint test

ifneq ($(filter $(ENTRIES),$(MAKECMDGOALS)),)
.PHONY: $(ENTRIES)
demo:       ; @scripts/demo
demo-stop:  ; @scripts/demo stop
check test: ; @scripts/check
check-all:  ; @scripts/check-all
$(CHECKS):  ; @scripts/check $(@:check-%=%)
check-clients: ; @scripts/clients
check-core: ; @scripts/core
check-newcomer: ; @test/newcomer/run
check-others: ; @scripts/others
check-upgrade: ; @scripts/upgrade
doc:        ; @scripts/doc write
evidence:   ; @scripts/evidence
bench:      ; @scripts/bench
lint:       ; @test/lint/run
format:     ; @scripts/format
help:       ; @sed -n '/^#   make/,/^$$/s/^#//p' Makefile
else

SQL_PARTS    = $(addprefix src/sql/, 00_prologue.sql 10_rule.sql \
	20_timestamps.sql 30_audit_log.sql 35_audit.sql 36_audit_moments.sql 37_audit_search.sql 38_audit_rights.sql 39_audit_verify.sql \
	40_soft_delete.sql \
	50_advice.sql 70_auto.sql 75_dump.sql 80_event_triggers.sql 90_privileges.sql)
SQL_SCRIPT   = $(EXTENSION)--$(EXTVERSION).sql

MODULE_big   = $(EXTENSION)
OBJS         = $(patsubst %.c,%.o,$(sort $(wildcard $(addprefix src/, *.c */*.c */*/*.c))))
PG_CPPFLAGS  = -Isrc -DSCHEMAKIT_VERSION='"$(EXTVERSION)"'
PG_CFLAGS    = -Wall -Wextra -Wno-unused-parameter -ffile-prefix-map='$(CURDIR)'=.
DATA_built   = $(SQL_SCRIPT)
DATA         = $(sort $(wildcard src/sql/upgrade/*.sql))
EXTRA_CLEAN  = $(EXTENSION)--*.sql $(BUILT_FOR)

REGRESS      = install timestamps touch_types touch_keys auto_attach columns_followed \
	partitions rules auto_exceptions add_columns errors privileges transactions drop \
	audit_capture audit_buffer audit_types audit_values audit_jsonb audit_options audit_identity audit_protect audit_gaps audit_reading audit_filter audit_told audit_privileges audit_rights audit_rows audit_retain audit_expire coverage inheritance \
	audit_moments audit_restore audit_actor audit_origin audit_closed audit_states audit_verify audit_search \
	soft_delete soft_delete_views soft_delete_enable soft_delete_dependents \
	kept_statements soft_delete_purge soft_delete_batches soft_delete_deferred soft_delete_keys session_memory \
	index_whatif index_advice index_advice_seen index_advice_one index_advice_more index_advice_calls index_advice_safety index_advice_luck index_advice_missed index_advice_time \
	owner_rights uninstall
ISOLATION    = alter_as_without alter_together attach_partition \
	create_table_parallel detach_partition audit_enable audit_enable_waits audit_identity audit_log_altered audit_maintain audit_retain \
	audit_order audit_restore enable_and_update grant_and_alter status_locked \
	kept_statements soft_delete soft_delete_entry soft_delete_lost_lock soft_delete_recheck soft_delete_savepoints uninstall
ISOLATION_OPTS = --inputdir=test/isolation --outputdir=test/isolation/output \
	--load-extension=schemakit
ENCODING     = UTF8
NO_LOCALE    = 1

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
SERVER_HEADERS := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)
ifeq ($(and $(wildcard $(PGXS)),$(wildcard $(SERVER_HEADERS)/postgres.h)),)
$(error $(PG_CONFIG) finds no server headers: $(shell \
	PG_CONFIG='$(filter-out pg_config,$(PG_CONFIG))' bash -c '. scripts/lib.sh; headers_hint'). \
	"make demo" and "make check" see to it themselves)
endif
include $(PGXS)

# Packaged servers are built without --enable-depend, so say it here; and what was
# built for one server is not for another.
BUILT_FOR    = .built-for
$(shell echo '$(VERSION) $(SERVER_HEADERS)' | cmp -s - $(BUILT_FOR) || echo '$(VERSION) $(SERVER_HEADERS)' >$(BUILT_FOR))
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(addprefix src/, *.h */*.h */*/*.h)) $(BUILT_FOR)

$(SQL_SCRIPT): $(SQL_PARTS) schemakit.control
	cat $(SQL_PARTS) > $@

endif
