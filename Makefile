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
	src/base/selfcheck.o \
	src/base/choice.o \
	src/base/iso.o \
	src/base/limit.o \
	src/base/amount.o \
	src/base/currency.o \
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
	src/code/pattern.o \
	src/code/digit.o \
	src/code/code.o \
	src/summary/summary.o \
	src/summary/margin.o \
	src/summary/margin_io.o \
	src/summary/margin_figures.o \
	src/summary/cube.o \
	src/summary/cube_io.o \
	src/price/list.o \
	src/price/search.o \
	src/price/rate.o \
	src/terms/allot.o \
	src/terms/account.o \
	src/terms/cap.o \
	src/terms/contract.o \
	src/terms/terms.o \
	src/entry/entry.o \
	src/entry/billed.o \
	src/entry/slice.o \
	src/segment/hour.o \
	src/segment/draw.o \
	src/segment/capped.o \
	src/segment/segment.o \
	src/segment/why.o \
	src/segment/assert.o \
	src/rating/result.o \
	src/rating/rating.o \
	src/look/table.o \
	src/look/source.o \
	src/look/list.o \
	src/log/context.o \
	src/log/engine.o \
	src/log/lock.o \
	src/log/store.o \
	src/log/log.o \
	src/schema/find.o \
	src/schema/trust.o \
	src/schema/make.o \
	src/schema/version.o \
	src/schema/file.o \
	src/schema/script.o \
	src/keeper/books.o \
	src/keeper/drop.o \
	src/keeper/actor.o \
	src/keeper/history.o \
	src/keeper/change.o \
	src/guard/guard.o \
	src/guard/newer.o \
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
	src/sql/code.sql \
	src/sql/guard.sql \
	src/sql/limit.sql \
	src/sql/rule.sql \
	src/sql/books.sql \
	src/sql/keeper.sql

# The tables of the books, made once: from then on steps change them by hand.
BOOKS_TABLES = \
	src/books/base/table.sql \
	src/books/requisite/table.sql \
	src/books/party/table.sql \
	src/books/catalogue/table.sql \
	src/books/calendar/table.sql \
	src/books/tax/table.sql \
	src/books/contract/table.sql \
	src/books/work/table.sql \
	src/books/charge/table.sql \
	src/books/correction/table.sql \
	src/books/ledger/table.sql \
	src/books/money/table.sql \
	src/books/notice/table.sql \
	src/books/document/table.sql \
	src/books/concession/table.sql \
	src/books/settle/table.sql \
	src/books/share/table.sql \
	src/books/dunning/table.sql \
	src/books/page/table.sql \
	src/books/page/template.sql

# The pages that come with the books, each made of parts in order.  The parts are
# files of HTML, so that editors and browsers can read them.
# kind, or kind_RULES_language.
PAGES = act act_KZ_ru contract invoice report specification statement
page_head = head.html style.css top.html $(1) client.html $(1) subject.html
page_sign = bottom.html $(1) bottom_end.html foot.html
page_act = $(call page_head,bank.html) act_begin.html items.html totals.html act_end.html note.html \
	$(call page_sign,sign.html sign_client.html)
page_act_KZ_ru = head.html style.css act_kz.html totals.html act_end.html act_kz_end.html note.html foot.html
page_contract = $(call page_head) contract_begin.html items.html totals.html contract_end.html note.html \
	$(call page_sign,sign.html sign_client.html)
page_invoice = $(call page_head) slip.html items.html totals.html note.html $(call page_sign,payment.html sign.html)
page_report = $(call page_head) summary.html hours.html totals.html note.html signed.html foot.html
page_specification = $(call page_head) requirements.html items.html totals.html specification_end.html note.html \
	$(call page_sign,sign.html sign_client.html)
page_statement = head.html style.css statement.html $(call page_sign,sign.html sign_client.html)
page_parts = $(addprefix $(here)src/books/page/template/,$(page_$(1)))

# Run before steps and code: drops what an upgrade makes anew.
BOOKS_ANEW = src/books/upgrade/anew.sql

# What works on them, made anew at every upgrade, in order.
BOOKS_CODE = \
	src/books/base/access.sql \
	src/books/base/history.sql \
	src/books/base/currency.sql \
	src/books/base/setting.sql \
	src/books/base/writer.sql \
	src/books/base/input.sql \
	src/books/base/lock.sql \
	src/books/base/right.sql \
	src/books/party/party.sql \
	src/books/party/right.sql \
	src/books/requisite/party.sql \
	src/books/catalogue/price_list.sql \
	src/books/catalogue/item_price.sql \
	src/books/catalogue/right.sql \
	src/books/calendar/calendar.sql \
	src/books/calendar/right.sql \
	src/books/contract/contract.sql \
	src/books/contract/period.sql \
	src/books/contract/line.sql \
	src/books/contract/match.sql \
	src/books/contract/dimension.sql \
	src/books/contract/right.sql \
	src/books/work/length.sql \
	src/books/work/ingest.sql \
	src/books/work/approve.sql \
	src/books/work/right.sql \
	src/books/charge/view.sql \
	src/books/charge/guard.sql \
	src/books/charge/put.sql \
	src/books/charge/worth.sql \
	src/books/charge/adjust.sql \
	src/books/charge/correct.sql \
	src/books/charge/right.sql \
	src/books/ledger/account.sql \
	src/books/ledger/statement.sql \
	src/books/ledger/view.sql \
	src/books/ledger/lock.sql \
	src/books/ledger/post.sql \
	src/books/money/payment.sql \
	src/books/tax/period.sql \
	src/books/ledger/posting.sql \
	src/books/ledger/charge.sql \
	src/books/ledger/right.sql \
	src/books/money/check.sql \
	src/books/money/follow.sql \
	src/books/exchange/own_money.sql \
	src/books/money/right.sql \
	src/books/tax/rate.sql \
	src/books/tax/right.sql \
	src/books/requisite/tax.sql \
	src/books/document/number.sql \
	src/books/document/put.sql \
	src/books/document/place.sql \
	src/books/summary/report.sql \
	src/books/sheet/kept.sql \
	src/books/document/figures.sql \
	src/books/document/adjust.sql \
	src/books/lifecycle/state.sql \
	src/books/lifecycle/step.sql \
	src/books/lifecycle/due.sql \
	src/books/lifecycle/guard.sql \
	src/books/lifecycle/transition.sql \
	src/books/document/right.sql \
	src/books/concession/limit.sql \
	src/books/concession/price.sql \
	src/books/concession/work.sql \
	src/books/concession/right.sql \
	src/books/work/context.sql \
	src/books/terms/terms.sql \
	src/books/rating/state.sql \
	src/books/allotment/grant.sql \
	src/books/allotment/carry.sql \
	src/books/rating/input.sql \
	src/books/rating/store.sql \
	src/books/rating/sequence.sql \
	src/books/rating/rate.sql \
	src/books/rating/fact.sql \
	src/books/rating/follow.sql \
	src/books/explain/word.sql \
	src/books/explain/reason.sql \
	src/books/explain/explain.sql \
	src/books/explain/what_if.sql \
	src/books/billing/fee.sql \
	src/books/billing/minimum.sql \
	src/books/billing/life.sql \
	src/books/billing/stage.sql \
	src/books/billing/item.sql \
	src/books/billing/task.sql \
	src/books/billing/block.sql \
	src/books/settle/advance.sql \
	src/books/settle/allocation.sql \
	src/books/exchange/difference.sql \
	src/books/settle/match.sql \
	src/books/settle/pay.sql \
	src/books/settle/contra.sql \
	src/books/exchange/revaluation.sql \
	src/books/settle/paid.sql \
	src/books/settle/right.sql \
	src/books/correction/due.sql \
	src/books/correction/make.sql \
	src/books/closing/due.sql \
	src/books/closing/period.sql \
	src/books/closing/close.sql \
	src/books/closing/run.sql \
	src/books/invoice/filter.sql \
	src/books/invoice/report.sql \
	src/books/invoice/invoice.sql \
	src/books/invoice/credit.sql \
	src/books/invoice/due.sql \
	src/books/offer/content.sql \
	src/books/offer/bill.sql \
	src/books/opening/opening.sql \
	src/books/offer/follow.sql \
	src/books/offer/agreed.sql \
	src/books/sheet/csv.sql \
	src/books/sheet/row.sql \
	src/books/offer/deal.sql \
	src/books/sheet/sheet.sql \
	src/books/sheet/statement.sql \
	src/books/share/share.sql \
	src/books/share/answer.sql \
	src/books/share/right.sql \
	src/books/page/label.sql \
	src/books/page/row.sql \
	src/books/page/summary.sql \
	src/books/page/page.sql \
	src/books/page/state.sql \
	src/books/page/issued.sql \
	src/books/page/statement.sql \
	src/books/page/table_page.sql \
	src/books/page/right.sql \
	src/books/requisite/missing.sql \
	src/books/requisite/state_paper.sql \
	src/books/requisite/right.sql \
	src/books/notice/notify.sql \
	src/books/notice/right.sql \
	src/books/dunning/late.sql \
	src/books/dunning/remind.sql \
	src/books/dunning/right.sql \
	src/books/figures/line.sql \
	src/books/figures/contract.sql \
	src/books/figures/profit.sql \
	src/books/figures/estimate.sql \
	src/books/figures/waiting.sql \
	src/books/figures/gap.sql \
	src/books/figures/pnl.sql \
	src/books/figures/cash_flow.sql \
	src/books/client/overview.sql \
	src/books/client/page.sql \
	src/books/client/answer.sql \
	src/books/client/shared.sql \
	src/books/charge/problems.sql \
	src/books/charge/limit.sql \
	src/books/rating/problems.sql \
	src/books/correction/problems.sql \
	src/books/ledger/problems.sql \
	src/books/money/problems.sql \
	src/books/tax/problems.sql \
	src/books/document/problems.sql \
	src/books/requisite/problems.sql \
	src/books/closing/problems.sql \
	src/books/billing/problems.sql \
	src/books/figures/problems.sql \
	src/books/check/check_books.sql \
	src/books/finish/plan.sql \
	src/books/finish/trigger.sql \
	src/books/finish/owned.sql \
	src/books/finish/rule.sql \
	src/books/column/explain.sql \
	src/books/upgrade/gone.sql \
	src/books/finish/grant.sql \
	src/books/finish/session.sql \
	src/books/column/base.sql \
	src/books/column/contract.sql \
	src/books/column/work.sql \
	src/books/column/money.sql \
	src/books/column/document.sql \
	src/books/column/requisite.sql \
	src/books/column/all.sql \
	src/books/upgrade/code.sql

INSTALL_SQL = src/$(EXTENSION)--$(EXTVERSION).sql
TABLES_SQL = src/$(EXTENSION)-books--$(EXTVERSION).sql
CODE_SQL = src/$(EXTENSION)-books-code--$(EXTVERSION).sql
TEMPLATE_SQL = src/books/page/template.sql
ANEW_SQL = src/$(EXTENSION)-books-anew--$(EXTVERSION).sql
DATA_built = $(INSTALL_SQL) $(TABLES_SQL) $(ANEW_SQL) $(CODE_SQL)
EXTRA_CLEAN = $(DATA_built) $(TEMPLATE_SQL)

REGRESS = \
	money time margin cube calendar rating template words code limit \
	books charge ledger payment figures price work log ingest access history \
	billing close run lines draw caps life explain what_if billing_random sequence_random \
	document number kept issued due step state dimension facts correction agreed invoice settle share answer client dunning dunning_days document_random page requisite paper gateway \
	rule one_call settings approval overlap exchange currency credit after match opening tax net sides \
	mirror several columns precedence follow locked days_rates days_periods checks keys refusals rights alarms
# whatever the server's own encoding is: books need UTF8
REGRESS_OPTS = --inputdir=$(or $(srcdir),.) --encoding=UTF8 --no-locale --load-extension=finance

ISOLATION = \
	calendar_writers allotment_writers close_writers log_writers \
	report_builders document_edit invoice_issuers invoice_payments ledger_writers \
	level_money level_work level_documents level_ledger direct_writes contract_life late_facts money_races
ISOLATION_OPTS = --inputdir=$(or $(srcdir),.)/test/isolation --schedule=$(or $(srcdir),.)/test/isolation/schedule \
	--encoding=UTF8 --no-locale --load-extension=finance

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

$(TABLES_SQL): $(BOOKS_TABLES) finance.control Makefile
$(ANEW_SQL): $(BOOKS_ANEW) finance.control Makefile
$(CODE_SQL): $(BOOKS_CODE) finance.control Makefile
$(TABLES_SQL) $(ANEW_SQL) $(CODE_SQL):
	rm -f $@
	sed 's/@version@/$(EXTVERSION)/g' $(filter %.sql,$^) > $@

quoted = $(if $(1),'$(1)')

# a page as it is, whatever stands in it but the quote itself
$(TEMPLATE_SQL): $(sort $(foreach page,$(PAGES),$(call page_parts,$(page)))) Makefile
	mkdir -p $(@D)
	rm -f $@
	@! grep -F '$$page$$' $(filter %.html %.css,$^)
	{ $(foreach page,$(PAGES),printf "INSERT INTO template (kind, rules, language, body) VALUES ('$(word 1,$(subst _, ,$(page)))', $(or $(call quoted,$(word 2,$(subst _, ,$(page)))),NULL), $(or $(call quoted,$(word 3,$(subst _, ,$(page)))),NULL), \$$page\$$" && \
		cat $(call page_parts,$(page)) && printf '$$page$$);\n' && ) :; } > $@ || { rm -f $@; exit 1; }

# Every symbol that the module shows to the server carries our prefix.
.PHONY: check-symbols
check-symbols: all
	@! nm -D --defined-only $(MODULE_big)$(DLSUFFIX) | awk '{ print $$3 }' | \
		grep -vE '^(_init|_fini|Pg_magic_func|_PG_init|(pg_finfo_)?finance_.*)$$'

# What a list of this file holds; ./check asks.
print-%:
	@echo $($*)
