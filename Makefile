# finance: the books of a company that sells its people's time.
# The version lives in finance.control and nowhere else.

EXTENSION = finance
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" finance.control)

MODULE_big = finance
OBJS = \
	src/finance.o \
	src/books.o \
	src/choice.o \
	src/fixed.o \
	src/iso.o \
	src/money.o \
	src/time.o \
	src/margin.o \
	src/cube.o \
	src/calendar.o \
	src/jsondoc.o \
	src/rating/terms.o \
	src/rating/price.o \
	src/rating/allot.o \
	src/rating/entry.o \
	src/rating/billed.o \
	src/rating/slice.o \
	src/rating/segment.o \
	src/rating/reason.o \
	src/rating/rating.o \
	src/template.o \
	src/words.o \
	src/guard.o

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
	src/sql/books.sql

# The books that create_books() makes, in order.
BOOKS_FRAGMENTS = \
	src/books/setting.sql \
	src/books/party.sql \
	src/books/catalogue.sql \
	src/books/calendar.sql \
	src/books/contract.sql \
	src/books/work.sql \
	src/books/ledger.sql \
	src/books/payment.sql \
	src/books/notification.sql \
	src/books/document.sql \
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
	src/books/access.sql \
	src/books/session.sql

INSTALL_SQL = src/$(EXTENSION)--$(EXTVERSION).sql
BOOKS_SQL = src/$(EXTENSION)-books--$(EXTVERSION).sql
DATA_built = $(INSTALL_SQL) $(BOOKS_SQL)
EXTRA_CLEAN = $(INSTALL_SQL) $(BOOKS_SQL)

REGRESS = \
	money time margin cube calendar rating template words \
	books ledger work ingest access \
	billing close explain what_if billing_random sequence_random \
	document invoice settle share document_random page settings
REGRESS_OPTS = --inputdir=. --load-extension=finance

ISOLATION = \
	calendar_writers allotment_writers close_writers \
	report_builders document_edit invoice_issuers invoice_payments ledger_writers
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=finance

TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

# for "…" only: -I would put our time.h before the C library's
PG_CPPFLAGS = -iquote $(srcdir)/src -iquote $(srcdir)/src/rating
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -DFINANCE_VERSION='"$(EXTVERSION)"'

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS): $(wildcard src/*.h src/rating/*.h) finance.control

$(INSTALL_SQL): $(SQL_FRAGMENTS) finance.control Makefile
	cat $(SQL_FRAGMENTS) > $@

$(BOOKS_SQL): $(BOOKS_FRAGMENTS) finance.control Makefile
	sed 's/@version@/$(EXTVERSION)/g' $(BOOKS_FRAGMENTS) > $@

# Every symbol that the module shows to the server carries our prefix.
.PHONY: check-symbols
check-symbols: all
	@! nm -D --defined-only $(MODULE_big)$(DLSUFFIX) | awk '{ print $$3 }' | \
		grep -vE '^(_init|_fini|Pg_magic_func|_PG_init|(pg_finfo_)?finance_.*)$$'

# What a list of this file holds; ./check asks.
print-%:
	@echo $($*)
