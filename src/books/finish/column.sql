-- ---------------------------------------------------------------------------
-- column: what the columns say
--
-- A name means one thing in all of the books, so it is explained once, here;
-- "table.column" where it means more than that.  A COMMENT ON COLUMN beside a
-- table wins.  A column that nothing explains stops the books from being made.
-- Times ending in _s are seconds, hours are hundredths of an hour; columns
-- ending in _pct are percent points: 20 is 20 per cent.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    c_words CONSTANT text := $words$
about: tables, views or functions, with their columns
accent: accent colour of pages, #rrggbb
accepted_on: day on which the client accepted the stage
account: code of the account
account_id: the account of the ledger, a row of account
account_name: name of the account
accrued_on: day to which the cost belongs, where that is not the day of payment
accrues: does a payment with this article also make the accrual?
action: what was done: insert, update, delete
active: does the person still work here?
actor: the person, as actor() names them
adjusts_id: the charge that this one writes off or up
adjustment_id: the charge that takes discount and included tax off, a row of charge
administrative: administrative expenses, negative, in the base currency
after_close: did it come after its period was closed?
allocated: what payments were allocated to the document, in its currency
allocated_at: when it was allocated
allocated_by: who allocated it, as actor() names them
allotment_id: the allotment that the work draws on, a row of allotment
amount: amount in the currency beside it
amount_basis: exact: price times exact time; hundredth: hours are rounded to 0.01 first
allotment.amount: how much there is, in seconds or in money of the contract's currency
charge.amount: net amount in currency, rounded once; other than 0 only where coverage is billable
entry.amount: what is transferred, in currency; negative in a reversal
ledger_line.amount: debit positive, credit negative, in currency
payment.amount: what is paid, above 0, in currency
pnl_article_month.amount: income positive, expense negative, in the base currency
burn.amount: what was taken, in the allotment's unit
charge_entry.amount: what is transferred, in currency
deal.amount: value of the deal, in its currency
contract_line.amount: the fee, a period or once, net in the contract's currency
document_line.amount: before the discount of the document, in its currency
anchor_day: day of the month on which service periods begin, 1 to 31
approved_at: when the work was approved
approved_by: who approved the work, as actor() names them
article: code of the article of P&L and cash flow, a row of account
article_id: the article that explains it in the cash flow, a row of account
article_name: name of the article
at: when it happened
auto_bill: what run_billing() drafts at the end of a period: none, report or invoice
balance: what is left, in the currency beside it
account_balance.balance: debit less credit, in currency
contract_card.balance: receipts less work charged, in the contract's currency
loss_making_contract.balance: receipts less work charged, in the contract's currency
band: band of the day (regular, off_hours, …) as its calendar names it
bands: bands that a companion contract takes from its base
bank_ref: the bank's reference, once for each cash account
base: the currency of which one unit is priced
base_amount: amount in the base currency of the books
base_balance: balance in the base currency of the books
base_cost: cost in the base currency of the books, NULL where it is not known
base_cost_rate: cost of an hour in the base currency of the books
base_currency: currency in which company-wide figures are kept
base_id: the base contract of the group
base_line_id: the line of the report that it repeats
base_payments: payments in the base currency of the books, positive
base_rate: how much of the base currency one unit of the currency was worth on the day
base_receipts: receipts in the base currency of the books
based_on: the document it was made of, a row of document
billable: what becomes of work: billable (priced), no_charge (shown at zero) or non_billable (never shown); NULL: as what it belongs to says
billable_s: billed seconds set by hand, in place of the rules
billed: on issued invoices, net, in currency
billed_gross: on issued invoices, gross, in currency
billed_in: first day of the service period in which it is billed
billed_s: billed seconds
body: content of the snapshot or template
break_s: pause within the clock times, in seconds
burn_multiplier: how many seconds of an allotment a second of work takes
burned: what was taken of the allotment, in its unit
but: the columns that the rule is not about
by: who did it, as actor() names them
by_hand: may a person take the step, or does it follow from something else?
calendar_id: the calendar of business hours, a row of calendar
cap_amount: the most that the contract charges for work, in its currency
cap_s: the most billable seconds that the contract charges
cash_account: name of the cash account
cash_account_id: the bank account or cash desk, a row of cash_account
cash_section: where its payments stand in the cash flow: operating, investing or financing
charge_id: the charge, a row of charge
charged: net sum of charges, in currency
claim: does this line keep the charge from other documents?
claimed_by: the report or draft invoice that keeps it, a row of document
client: name of the client
client_id: the client, a row of party
closed_at: when it was closed
closed_by: who closed it, as actor() names them
closing: cash at the end of the month, in currency
code: short name by which functions and imports know it
column_name: the column that was changed
column_names: the columns that it is about
columns: the columns that the rule is about, NULL: all of them
access_right.columns: the columns that it is about, NULL: all of them
comment: what the person wrote about the work
commercial: marketing and sales, negative, in the base currency
completed_at: when the task was done
constraint_name: name of the constraint
contract: number of the contract
contract_id: the contract, a row of contract
contract_line_id: the line of the contract, a row of contract_line
contracts_done: contracts that the run is done with
contracts_refused: contracts that the run could not close
contracts_total: contracts that the run has to close
cost: what it cost us, in the currency beside it; NULL where it is not known
contract_line.cost: what the fee or stage costs us, in the contract's currency
price.cost: what a unit of the item costs us, in the list's currency
task_item.cost: what a unit costs us, NULL: as the price lists say
document_line.cost: what the line costs us, in the document's currency
contract_card.cost: labour at cost rates and direct expenses, in the contract's currency
cost_rate: cost of an hour in the contract's currency
coverage: billable, or why it costs nothing: included, prepaid, capped, no_charge, non_billable
created_at: when it was made
created_by: who made it, as actor() names them
credit: what stands to the client's credit, in currency
account_balance.credit: sum of credits, in currency
charge_entry.credit: code of the account that is credited
credit_id: the account that is credited, a row of account
credited: what credit notes took back, gross, in the document's currency
currency: ISO 4217 code of the currency of the money beside it
custom: further fields of the deal, as its CRM sends them
days_overdue: days since due_on while anything is open
deal: name of the deal
deal_id: the deal, a row of deal
deal_stage_id: the stage of the deal, a row of deal_stage
debit: sum of debits, in currency
charge_entry.debit: code of the account that is debited
debit_id: the account that is debited, a row of account
dedupe_key: makes the notice unique
definition: the constraint as the catalog has it
delivered_at: when it was delivered, NULL: not yet
depreciation: depreciation, negative, in the base currency
detail: the figures, in words
digest: SHA-256 of the content
direct_labour: hours at their cost rates, negative, in the base currency
direction: name of the direction
direction_id: the line of business, a row of direction
discount: share of the document's discount, in its currency
discount_amount: discount of the whole document, in its currency
discount_pct: discount in percent points
dividends: dividends paid, negative, in the base currency
document_id: the document, a row of document
document_kind: kind of the document that keeps it
document_number: number of the document that keeps it
document_status: status of the document that keeps it
due_on: last day on which it is to be paid
duration_s: worked seconds, where they are not told by the clock
ebit: profit before interest and tax, in the base currency
ebitda: profit before interest, tax and depreciation, in the base currency
effective_at: from when on it can be drawn on
email: electronic mail address
employee: name of the employee
employee_id: the person who did the work, a row of employee
cost_rate.employee_id: whose rate it is, a row of employee; NULL: of a role
price.employee_id: whose price it is, a row of employee; NULL: of anybody
payment.employee_id: who is paid, a row of employee
ended_at: when the work ended
ends_on: last day, included; NULL: open
entry_id: the entry of the ledger, NULL while it is not posted
entry_on: day of the entry
estimate_s: estimated seconds of work
event_id: the event that the entry belongs to, a row of event
expense_markup_pct: what is put on expenses that are passed on, in percent points
expires_at: from when on it cannot be used any more
exponent: number of decimals of an amount (ISO 4217)
external_id: the id under which source knows it
fact_on: day of the work, or of the entry
file_url: where a file of the document is
financing: cash flow from financing, in currency
first_no: the first number of the series
fixed: is it frozen or held, so that rating leaves it as it is?
floor_amount: below this balance there is a cash gap, in the account's currency
flow: in, out, or transfer between own accounts
footer: a line at the end of pages
found_at: when it was found
from_status: status before the step, NULL when the document was made
frozen_at: when it was frozen and posted, NULL while it is provisional
fx: exchange differences, in the base currency
gap: what is missing
given_at: when it was given
grace_days: days after due_on before it counts as late
granted_at: when it was granted
gross: net and tax together, in currency
gross_margin_pct: gross profit of revenue, in percent points
gross_profit: revenue less direct cost, in the base currency
held_by: the sent report that keeps it unchanged until the client answers, a row of document
history_id: the row of history
hourly_cost: what an hour costs us, NULL: not any more
hourly_pay: what a contractor is paid an hour
hourly_rate: revenue of an hour worked, in currency
hours: hours worked
hours_twice: hours that both entries share
hours_billed: hours billed
hours_left: hours left of allotments that can be drawn on now, NULL where there is none
hours_worked: hours worked
iban: number of the bank account
id: number of the row, by which others name it
setting.id: always true: there is one row
in_draft: on drafts of reports, net, in currency
included_amount: money included in the fee of a period, in the contract's currency
included_s: seconds included in the fee of a period
incoming: did it come from outside?
ink: colour of text on pages, #rrggbb
interest: interest, in the base currency
investing: cash flow from investing, in currency
invoice_id: the live invoice it is on, a row of document
is_default: is it the list of last resort of its currency?
is_function: is object a function?
issued_at: when it was issued
issued_on: day of issue
item: code of the item
item_id: the item of the nomenclature, a row of item
key: idempotency key
kind: kind, one of the words that its CHECK lists
label: what people call it
language: language of pages: uk, ru or en; NULL: any
last_view_at: when the link was opened last
late: did it come for a period that was closed, and is billed in a later one?
late_policy: what becomes of work for a closed period: next_period, reject or reopen
legal_name: name as in contracts and on papers
level: level of access, one of access_level
line_id: the line of a document, a row of document_line
locked_at: when it was locked
locked_by: who locked it, as actor() names them
locked_through: nothing is posted on this day or before
login: the session's user
logo: image above pages as a data URI
made_from: the filter or the content it was made of
manager_id: who looks after it, a row of employee
margin_cash_pct: profit by cash of receipts, in percent points
margin_pct: profit of revenue, in percent points
max_entry_s: the longest time entry that is taken, in seconds
may: what the level is for
memo: what the event is, in words
message: the notice in words
minimum_charge: the least that a service period costs, in the contract's currency
minimum_s: the least that is billed in the band, in seconds
model: kind of the agreement
month: first day of the month
month_amount: the most that may be given away in a calendar month, in the base currency; NULL: any
multiplier: factor of the price by band or role
name: what people call it
brand.name: name above pages, NULL: the party's own
page_label.name: what templates call the word
needs_approval: is work charged only once it is approved?
needs_specification: is work charged only once the client has agreed a specification of its task?
net: without tax, in currency
cash_flow_month.net: receipts less payments of the month, in currency
net_profit: profit after tax, in the base currency
new_value: value after, as text
next_no: the number that comes next
note: remark printed on the document
named_invoices: open invoices whose number stands in the purpose
number: number by which people know it
object: table, view or function
old_value: value before, as text
open_invoices: what the payer owes on open invoices, in currency
open: what is still to be paid, in the document's currency
opening: cash at the beginning of the month, in currency
operating_in: operating receipts, in currency
operating_out: operating payments, negative, in currency
other: other income and expense, in the base currency
other_direct: direct cost other than labour, negative, in the base currency
other_ended_at: when the other work ended
other_entry_id: the other entry, a row of time_entry
other_started_at: when the other work began
other_task: title of the other task
other_task_id: the other task, a row of task
outside_number: number that the other side or another system gave
over_on: the first day on which the period can be closed
overage_price: price of an hour past the included ones, in the contract's currency
overdue: gross, past its due day, in currency
override_reason: why the entry's own price, disposition or length holds
own: name of the own company
own_id: the own company, a row of party
paid: what is paid, in currency
task_payment.paid: is all that was billed paid?
paid_gross: what is paid of what was billed, gross, in currency
paid_on: day of the payment
parent_id: the row above it in the tree
contract.parent_id: the base contract of a companion
party: name of the party
party_id: the party, a row of party
pattern: pattern of numbers: {YYYY} {YY} {MM} {DD} and the counter {####}
pay: is it what people are paid?
payload: the notice as data
payment_id: the payment, a row of payment
payment_terms_days: days that the client has to pay
payments: payments, positive, in currency
percent_paid: per cent paid of what was billed, in percent points
period: length of a service period: week, half_month, month, quarter or year
period_end: the first day after the period
period_from: first day of the work on it
period_start: first day of the service period
period_to: last day of the work on it
pid: process of the run
place: where the charge is: unbilled, reported, billed and so on
pnl_section: section of the P&L
position: order, from 1
posted: is it in the ledger, or will it be?
posted_at: when it was posted
posted_balance: balance of what is posted, in currency
posted_by: who posted it, as actor() names them
price: price of an hour or a unit, net, in currency
price_adder: what is added to the price of an hour, in the contract's currency
price_list_id: the price list, a row of price_list
price_multiplier: factor of the price of an hour
price_source: list and position that gave the price
priority: the lower number is eaten first
problem: why it cannot be rated
production: production overheads, negative, in the base currency
profit: revenue less cost, in currency
profit_accrual: work charged less cost, in the contract's currency
profit_cash: receipts less cost, in the contract's currency
project: name of the project
project_id: the project, a row of project
prorate: how a fee is cut to the days of a period: none, actual, fixed_30 or days_365
prorate_included: are the included hours cut with the fee?
purpose: purpose of the payment, as the bank shows it
quantity: how many units
quote: the currency in which it is priced
rank: order of the levels
rate: how much of quote one unit of base costs
reason: why, in words
receipts: what came in, in currency
recipient_id: who is told, a row of employee
record: the record as it came
rejected_at: when it was turned away
released_at: when the charge went free again
released_by: the document that set the charge free, a row of document
remaining_s: seconds left of allotments that can be drawn on now
reported: kept by reports, net, in currency
requisites: what is printed on documents: address, bank details and so on
retained: profit that stays after dividends, in the base currency
revenue: revenue, net, in the base currency
reverses_id: what it takes back
charge.reverses_id: the charge that it takes back
event.reverses_id: the event that it takes back
reverses_line_id: the invoice line that it takes back
revision: number of the revision, from 1
revoked_at: when the link was taken back
role: role of people, by which they are priced and costed
access_grant.role: the role of the database
rollover_life: how many periods carried hours live
rollover_max: the most that is carried to the next period, in seconds or money; NULL: nothing
rollover_min: the least that is carried to the next period, in seconds or money
round_grace_s: seconds past an increment that are forgiven
round_increment_s: increment to which work is rounded, in seconds
round_maximum_s: the most that is billed of a group, in seconds
round_minimum_s: the least that is billed of a group, in seconds
round_mode: none, up, down or nearest
round_scope: what is rounded together: entry, task_day, day, task or period
row_key: primary key of the row
rule: the rule that is broken
scope_work_types: ids of the kinds of work it is for, NULL: all
section: section of the report
segment: number of the part of a time entry, from 1
party.segment: segment of clients
series_id: the series of its number, a row of number_series
series_no: its counter in the series
service_date: day on which the work was done, in the contract's zone
settles_bills: does the payment pay bills, which brought the cost already?
sign_at: when the state of the signature was set
sign_by: who signed
sign_ref: id of the document at the operator of electronic documents
sign_status: none, sent, signed or rejected
signature: image of the signature
signature_type: media type of the image
since: does the level add to what the one below it may?
data_gaps.since: first day of work that is concerned
source: system from which it comes; NULL: entered here
charge.source: what was charged: time, item, fee, stage, expense or adjustment
unbilled.source: what was charged: time, item, fee, stage, expense or adjustment
visible_charge.source: what was charged: time, item, fee, stage, expense or adjustment
stage: stage of the deal, as the CRM names it
billing_cycle.stage: counting, invoicing, payment or done
stamped_at: when the snapshot was made
started_at: when the work began
billing_progress.started_at: when the run began
starts_on: first day, included
status: status, one of the words that its CHECK lists
status_reason: why the last step was taken
subject: what breaks the rule
superseded_by: the next revision, a row of document
supersedes_id: the revision before, a row of document
table_name: the table
task: title of the task
task_id: the task, a row of task
task_is_paid: was all that was billed of the task paid when it came?
tasks: number of tasks on it
tax: tax, in currency
pnl_month.tax: profit tax, negative, in the base currency
tax_id: number under which tax authorities know it
tax_inclusive: is tax in the prices?
tax_level: is tax rounded by line or on the total?
tax_rate: rate of tax in percent points, NULL: exempt
terms_id: the snapshot of terms it was rated by, a row of terms
tiers: quantity tiers of the price, as tiered_amount() takes them
time_entry_id: the time entry, a row of time_entry
title: title
to_cash_account_id: the account that a transfer goes to, a row of cash_account
to_invoice: on agreed reports, net, in currency
to_pay: on invoices and not paid, gross, in currency
to_report: on no report yet, net, in currency
to_status: status after the step, NULL when a draft was deleted
token_digest: SHA-256 of the token
trackers_decide: may records of trackers say that they are not billed, whoever sends them?
transfers: between own accounts, in currency
unabsorbed_labour: payroll less hours at their cost rates, in the base currency
unallocated: what no document took, in the payment's currency
unbilled: on no document yet, net, in currency
uncosted: charges of work without a cost
fact.uncosted: is it work whose cost is not known?
uncosted_charges: charges of work without a cost, which count as free
unit: unit of the quantity
allotment.unit: seconds or money
url: where it is in the planner
username: role that runs it
valid_from: first day on which it holds, until the next row
valid_to: the first day on which it does not hold any more
verb: select, insert, update, delete or execute
version: version of these books
views: how often the link was opened
voided_at: when it was taken back
waits_for: who has to do what next
way_out: what to do when the rule is broken
with_client: on reports that wait for the client's answer, net, in currency
words: the words that the column takes
work_date: local day of the work
work_id: the charge of the line, of which this one may be the discount or included tax
work_type: name of the kind of work
work_type_id: the kind of work, a row of work_type
worked_s: worked seconds
year: year of the series
zone: time zone, one of pg_timezone_names
$words$;
    v_column record;
BEGIN
    FOR v_column IN
        WITH word AS (
            SELECT split_part(w, ': ', 1) AS name, substr(w, length(split_part(w, ': ', 1)) + 3) AS words
              FROM string_to_table(c_words, E'\n') w WHERE w <> ''
        )
        SELECT c.relname, a.attname, coalesce(t.words, n.words) AS words
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN word t ON t.name = c.relname || '.' || a.attname
          LEFT JOIN word n ON n.name = a.attname
         WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'v') AND col_description(c.oid, a.attnum) IS NULL
           AND (c.relname IN (SELECT r.object FROM access_rule r) OR c.relname LIKE 'seen!_%' ESCAPE '!' OR c.relname LIKE 'visible!_%' ESCAPE '!')
    LOOP
        IF v_column.words IS NULL THEN
            RAISE EXCEPTION 'nothing says what column % of % is', v_column.attname, v_column.relname
                USING ERRCODE = 'undefined_column', HINT = 'Add it to the words of column.sql, or comment on it beside its table.';
        END IF;
        EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', v_column.relname, v_column.attname, v_column.words);
    END LOOP;
END $$;
