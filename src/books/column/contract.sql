-- ---------------------------------------------------------------------------
-- columns: people and companies, what is sold and at what price, what was agreed
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
agreed: what the task is sold for, in the currency of the agreement; NULL: by the hour
estimate_used_pct: how much of the estimate is worked, in percent points; above 100: over
fees: what the contract lines of the stage come to, net
hours_estimated: estimated hours; NULL: nobody estimated
task_estimate.hours_left: hours of the estimate that are not worked yet; below 0: over
stage_estimate.stage: name of the stage
stage_estimate.hours_left: hours of the estimates that are not worked yet; below 0: over
task_estimate.charged: what was charged for it, net, in the base currency
stage_estimate.charged: what was charged for its tasks, net, in the base currency
task_item.amount: what the line of the specification comes to, net; NULL: quantity times price
task_item.discount_pct: discount that was agreed, in percent points
task_item.line_id: the line of the specification that agreed it, a row of document_line
task_item.title: what it is, as the specification says; NULL: the item says it
tasks: how many tasks name the stage
tasks_done: of these done
accepted_on: day on which the client accepted the stage
active: does the person still work here?
amount_basis: exact: price times exact time; hundredth: hours are rounded to 0.01 first
anchor_day: day on which service periods begin: of the month, or of the week from 1 (Monday); NULL: the 1st, or, of a
    year, the day on which the contract starts
anchor_month: month in which quarters and years begin, 1 for those of the calendar; NULL: with the contract where it
    starts on its anchor day, else January
auto_bill: what run_billing() drafts at the end of a period: none, report or invoice
band: band of the day (regular, off_hours, …) as its calendar names it
bands: bands that a companion contract takes from its base
billable: what becomes of work: billable (priced), no_charge (shown at zero) or non_billable (never shown); NULL: as
    what it belongs to says
burn_multiplier: how many seconds of an allotment a second of work takes
calendar_id: the calendar of business hours, a row of calendar
by_period: does it have a cap of each service period?
cap_amount: the most that the contract charges for work in its whole life, in its currency
cap_s: the most billable seconds that the contract charges in its whole life
client: name of the client
client_id: the client, a row of party
contract: number of the contract
contract_id: the contract, a row of contract
contract_line_id: the line of the contract, a row of contract_line
cost: what it cost us, in the currency beside it; NULL where it is not known, of a sum what is known
contract_card.cost: labour at cost rates and direct expenses as far as they are known, in the contract's currency
gross_effect.cost: 1: its amount is direct cost, -1: less direct cost, 0: neither
contract_line.cost: what the fee or stage costs us, in the contract's currency
document_line.cost: what a unit costs us, in the document's currency
price.cost: what a unit of the item costs us, in the list's currency
task_item.cost: what a unit costs us, NULL: as the price lists say
calendar_band.day: a local date; NULL when isodow is given
deal: name of the deal
deal_id: the deal, a row of deal
deal_stage_id: the stage of the deal, a row of deal_stage
direction: name of the direction
direction_id: the line of business, a row of direction
discount_pct: discount in percent points
draws: has it allotments, hours or money in its lines, or caps, which its entries draw on?
effective_at: from when on it can be drawn on
email: electronic mail address
employee: name of the employee
employee_id: the person who did the work, a row of employee
cost_rate.employee_id: whose rate it is, a row of employee; NULL: of a role
payment.employee_id: who is paid, a row of employee
price.employee_id: whose price it is, a row of employee; NULL: of anybody
calendar_band.ends: local time to 24:00; not after starts: on the next day, where its rows win (a date ends at 24:00)
ends_on: last day, included; NULL: open
contract_line.ends_on: last day, included; NULL: open; the day before starts_on: it never was
estimate_s: estimated seconds of work
expense_markup_pct: what is put on expenses that are passed on, in percent points
expires_at: from when on it cannot be used any more
given_at: when it was given
grace_days: days after due_on before an invoice counts as late: no reminder and no interest of them
granted_at: when it was granted
hourly_cost: what an hour costs us, NULL: not any more
hourly_pay: what the person is paid an hour, in the currency beside it; nothing reads it yet, payroll will
iban: number of the bank account
in_all: does it have a cap of its whole life?
included_amount: money included in the fee of a period, in the contract's currency
included_s: seconds included in the fee of a period
is_default: is it the list of last resort of its currency?
calendar_band.isodow: 1 Monday to 7 Sunday; NULL when day is given
item: code of the item
item_id: the item of the nomenclature, a row of item
language: language of pages: uk, ru or en; NULL: any
late_policy: what becomes of work for a closed period: next_period, reject or reopen
legal_name: name as in contracts and on papers
line_id: the line of a document, a row of document_line
manager_id: who looks after it, a row of employee
minimum_charge: the least that a service period costs, in the contract's currency
minimum_s: the least that is billed in the band, in seconds
model: kind of the agreement
contract.model: time_materials, prepaid_money (work is taken off receipts), by_fact (estimate, then invoice),
    subscription_plus (fee plus extras), block_hours, fixed_price (stages are charged, hours are in their price),
    retainer
multiplier: factor of the price by band or role
needs_approval: is work charged only once it is approved?
needs_specification: is work charged only once the client has agreed a specification of its task?
overage_price: price of an hour past the included ones, in the contract's currency
own: name of the own company
own_id: the own company, a row of party
charge.own_id: the own company that it is revenue of, a row of party: its contract's, else the first; no foreign key:
 each one costs a bulk load a twentieth
parent_id: the row above it in the tree
contract.parent_id: the base contract of a companion
party: name of the party
party_id: the party, a row of party
payment_terms_days: days that the client has to pay
period_cap_amount: the most that the contract charges for work of a service period, in its currency
period_cap_s: the most billable seconds that the contract charges of a service period
period: length of a service period: week, half_month, month, quarter or year
position: order, from 1
price: price of an hour or a unit, net, in currency
charge.price: price an hour, or a unit of quantity, before multiplier, adder and discount
charge.rate: price an hour, or a unit of quantity, after multiplier and adder, before the discount: what papers print
price_adder: what is added to the price of an hour, in the contract's currency
price_list_id: the price list, a row of price_list
list_snapshot.price_list_id: the price list; no foreign key: one by which nothing was charged may be deleted
terms_source.body: the terms with service periods and days of lines, as the engine takes them
terms_source.digest: digest of the rows of configuration that the terms are made of, 16 bytes
charge.price_list_id: the price list that its price was found in, which is not deleted while a charge names it; no
    foreign key: each one costs a bulk load a twentieth
price_multiplier: factor of the price of an hour
priority: the lower number is eaten first
project: name of the project
project_id: the project, a row of project
contract.prorate: how minimum_charge and period_cap_… are cut to the days of a part period, by the words of a line
prorate: how a fee is cut to the days of a period: none, actual, fixed_30 or days_365
prorate_included: are the included hours cut with the fee?
quantity: how many units
renews_id: the contract that it renews, a row of contract: what is left of that one's blocks is its own from then on
replaces_id: the line that it replaces, a row of contract_line: what is left of that one's hours at its end is its own
    from then on, by that one's rollover rule
requisites: what is printed on documents: address, bank details and so on
rollover_life: how many periods carried hours live
rollover_max: the most that is carried to the next period, in seconds or money; NULL: nothing
rollover_min: the least that is carried to the next period, in seconds or money
round_grace_s: seconds past an increment that are forgiven
round_increment_s: increment to which work is rounded, in seconds
round_maximum_s: the most that is billed of a group, in seconds
round_minimum_s: the least that is billed of a group, in seconds
round_mode: none, up, down or nearest
round_scope: what is rounded together: entry, task_day, day, task or period
terms.round_scope: what is rounded together by these terms: entry, task_day, day, task or period
scope_work_types: ids of the kinds of work it is for, NULL: all
segment: number of the part of a time entry, from 1
stage: stage of the deal, as the CRM names it
billing_cycle.stage: counting, invoicing, payment or done
calendar_band.starts: local time; NULL with ends and band: the date is closed
allotment.source_id: the allotment of which it is what was left, a row of allotment
starts_on: first day, included
contract_line.starts_on: first day, included; NULL: that of the contract, or of the open period where some are
    closed already
status: status, one of the words that its CHECK lists
task: title of the task
task_id: the task, a row of task
task_item_id: the fixed price of a task that it charges, a row of task_item; no foreign key: the item may be taken off
 the task after it was billed
tax_id: number under which tax authorities know it
tax_inclusive: is tax in the prices?
tax_level: is tax rounded by line or on the total?
tax_rate: rate of tax in percent points, NULL: exempt
contract.tax_code: code of the tax, whose rates have dates; NULL: tax_rate says it
tiers: quantity tiers of the price, as tiered_amount() takes them
title: title
unit: unit of the quantity
allotment.unit: seconds or money
allotment.period_start: first day of the service period that it was granted or carried for; NULL: of none
url: where it is in the planner
work_type: name of the kind of work
work_type_id: the kind of work, a row of work_type
$words$);
