# finance: the books of a company that sells its people's time.
# The version lives in finance.control and nowhere else.

# where the sources are when the build is in a directory of its own, as
# packagers make it: make -f ../Makefile VPATH=..
here := $(if $(VPATH),$(VPATH)/)

EXTENSION = finance
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(here)finance.control)

MODULE_big = finance
OBJS = \
	src/finance.o \
	src/base/fixed.o \
	src/base/number.o \
	src/base/choice.o \
	src/base/iso.o \
	src/base/limit.o \
	src/json/jsondoc.o \
	src/json/value.o \
	src/money/money.o \
	src/money/spread.o \
	src/money/prorate.o \
	src/money/tier.o \
	src/money/tax.o \
	src/time/duration.o \
	src/time/period.o \
	src/calendar/calendar.o \
	src/calendar/read.o \
	src/calendar/row.o \
	src/calendar/plan.o \
	src/calendar/zone.o \
	src/calendar/split.o \
	src/page/template.o \
	src/page/render.o \
	src/page/words.o \
	src/page/lexicon.o \
	src/summary/margin.o \
	src/summary/margin_io.o \
	src/summary/margin_figures.o \
	src/summary/cube.o \
	src/summary/cube_io.o \
	src/rating/terms.o \
	src/rating/price.o \
	src/rating/allot.o \
	src/rating/entry.o \
	src/rating/billed.o \
	src/rating/slice.o \
	src/rating/segment.o \
	src/rating/reason.o \
	src/rating/rating.o \
	src/schema/find.o \
	src/schema/trust.o \
	src/schema/make.o \
	src/schema/version.o \
	src/schema/script.o \
	src/keeper/books.o \
	src/keeper/drop.o \
	src/keeper/actor.o \
	src/keeper/history.o \
	src/keeper/change.o \
	src/guard/guard.o \
	src/guard/rule.o \
	src/guard/check.o \
	src/guard/key.o

# The code that CREATE EXTENSION installs, in order.
SQL_FRAGMENTS = \
	src/sql/header.sql \
	src/sql/money.sql \
	src/sql/time.sql \
	src/sql/iso.sql \
	src/sql/margin.sql \
	src/sql/cube.sql \
	src/sql/calendar.sql \
	src/sql/rating.sql \
	src/sql/template.sql \
	src/sql/words.sql \
	src/sql/guard.sql \
	src/sql/limit.sql \
	src/sql/rule.sql \
	src/sql/books.sql \
	src/sql/keeper.sql

# The books that create_books() makes, in order.
BOOKS_FRAGMENTS = \
	src/books/access.sql \
	src/books/history.sql \
	src/books/setting.sql \
	src/books/lock.sql \
	src/books/party.sql \
	src/books/catalogue.sql \
	src/books/calendar.sql \
	src/books/contract.sql \
	src/books/work.sql \
	src/books/ledger.sql \
	src/books/payment.sql \
	src/books/notification.sql \
	src/books/document.sql \
	src/books/concession.sql \
	src/books/rating.sql \
	src/books/ingest.sql \
	src/books/billing.sql \
	src/books/close.sql \
	src/books/explain.sql \
	src/books/what_if.sql \
	src/books/settle.sql \
	src/books/lifecycle.sql \
	src/books/invoice.sql \
	src/books/report.sql \
	src/books/statement.sql \
	src/books/share.sql \
	src/books/template.sql \
	src/books/page.sql \
	src/books/check.sql \
	src/books/rule.sql \
	src/books/grant.sql \
	src/books/session.sql \
	src/books/column.sql

INSTALL_SQL = src/$(EXTENSION)--$(EXTVERSION).sql
BOOKS_SQL = src/$(EXTENSION)-books--$(EXTVERSION).sql
DATA_built = $(INSTALL_SQL) $(BOOKS_SQL)
EXTRA_CLEAN = $(INSTALL_SQL) $(BOOKS_SQL)

REGRESS = \
	money time margin cube calendar rating template words limit \
	books ledger work ingest access history \
	billing close explain what_if billing_random sequence_random \
	document invoice settle share document_random page gateway \
	rule one_call settings
# whatever the server's own encoding is: books need UTF8
REGRESS_OPTS = --inputdir=$(or $(srcdir),.) --encoding=UTF8 --no-locale --load-extension=finance

ISOLATION = \
	calendar_writers allotment_writers close_writers \
	report_builders document_edit invoice_issuers invoice_payments ledger_writers \
	level_money level_work level_documents level_ledger
ISOLATION_OPTS = --inputdir=$(or $(srcdir),.)/test/isolation --encoding=UTF8 --no-locale --load-extension=finance

TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

# For "…" only: -I would put our time.h before the C library's.  The compiler
# of the bitcode sees these flags, and not PG_CFLAGS.
override PG_CPPFLAGS += $(addprefix -iquote ,$(addprefix $(srcdir)/,$(sort $(patsubst %/,%,$(dir $(OBJS)))))) \
	-DFINANCE_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
server_headers := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)
ifeq ($(and $(wildcard $(PGXS)),$(wildcard $(server_headers)/postgres.h)),)
$(error $(PG_CONFIG) leads to no server headers of PostgreSQL: install them (Debian and Ubuntu: postgresql-server-dev-NN), \
or name the pg_config of an installation that has them: make PG_CONFIG=/path/to/pg_config)
endif

# The server's JIT inlines bitcode, made by the compiler that the server was
# made with.  Where that is not installed, the rest of the build stands.
bitcode_tools := $(shell sed -n 's,^CLANG *= *,,p; s,^LLVM_BINPATH *= *\(..*\),\1/llvm-lto,p' '$(dir $(PGXS))../Makefile.global')
bitcode_missing := $(shell for tool in $(bitcode_tools); do command -v "$$tool" >/dev/null || echo "$$tool"; done)
ifneq ($(and $(bitcode_missing),$(filter-out no,$(or $(with_llvm),yes))),)
$(if $(filter-out clean installcheck uninstall print-%,$(or $(MAKECMDGOALS),all)),\
	$(warning no $(bitcode_missing): building without the bitcode that JIT could inline))
override with_llvm = no
endif

# Leave out the tests that this installation cannot run, and say so.
ifneq ($(filter installcheck,$(MAKECMDGOALS)),)
pgxs_test := $(dir $(PGXS))../test
ifneq ($(ISOLATION),)
ifeq ($(wildcard $(pgxs_test)/isolation/pg_isolation_regress*),)
$(warning the isolation tests are left out: this installation of PostgreSQL has no pg_isolation_regress)
override ISOLATION =
endif
endif
ifneq ($(TAP_TESTS),)
ifeq ($(shell id -u),0)
$(warning the TAP tests are left out: they start servers, and root may not)
override TAP_TESTS =
else ifneq ($(shell perl -I '$(pgxs_test)/perl' -MPostgreSQL::Test::Cluster -ce 1 2>&1),-e syntax OK)
$(warning the TAP tests are left out: they need PostgreSQL::Test::Cluster and IPC::Run for Perl (Debian and Ubuntu: libipc-run-perl))
override TAP_TESTS =
endif
endif
endif

include $(PGXS)

ifneq ($(filter 9.% 10 11 12 13 14,$(MAJORVERSION)),)
$(error finance needs PostgreSQL 15 or newer, and $(PG_CONFIG) is of $(VERSION))
endif

ifdef VPATH
$(shell mkdir -p $(sort $(dir $(OBJS))))
endif

$(OBJS) $(OBJS:.o=.bc): $(wildcard $(here)src/*.h $(here)src/*/*.h) finance.control

# what root's "make install" left is removed first, as it cannot be written to
$(INSTALL_SQL): $(SQL_FRAGMENTS) finance.control Makefile
	rm -f $@
	cat $(filter %.sql,$^) > $@

$(BOOKS_SQL): $(BOOKS_FRAGMENTS) finance.control Makefile
	rm -f $@
	sed 's/@version@/$(EXTVERSION)/g' $(filter %.sql,$^) > $@

# Every symbol that the module shows to the server carries our prefix.
.PHONY: check-symbols
check-symbols: all
	@! nm -D --defined-only $(MODULE_big)$(DLSUFFIX) | awk '{ print $$3 }' | \
		grep -vE '^(_init|_fini|Pg_magic_func|_PG_init|(pg_finfo_)?finance_.*)$$'

# What a list of this file holds; ./check asks.
print-%:
	@echo $($*)
