-- ---------------------------------------------------------------------------
-- columns: who may do what, the history of rows, settings, locks, rules
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
about: tables, views or functions, with their columns
action: what was done: insert, update, delete
history.action: insert, update, delete; reopen of a billing_period, with the reason
actor: the person, as actor() names them
again: commands that an upgrade says again: rights, switches of triggers
at: when it happened
base: the currency of which one unit is priced
base_currency: currency in which company-wide figures are kept
but: the columns that the rule is not about
by: who did it, as actor() names them
document_status_change.by: actor(): the person who took the step, as far as known
history.by: actor(): the person, as far as known
code: short name by which functions and imports know it
column_name: the column that was changed
column_names: the columns that it is about
columns: the columns that the rule is about, NULL: all of them
access_right.columns: the columns that it is about, NULL: all of them
constraint_name: name of the constraint
created_at: when it was made
created_by: who made it, as actor() names them
currency: ISO 4217 code of the currency of the money beside it
definition: the constraint as the catalog has it
detail: the figures, in words
digest: SHA-256 of the content
exponent: number of decimals of an amount (ISO 4217)
external_id: the id under which source knows it
gap: what is missing
lock_version.held_at: when that transaction began; with holder it tells a transaction of this server from one that a
    dump brought along
history_id: the row of history
lock_version.holder: the transaction that holds the row, or held it last
id: number of the row, by which others name it
lock_version.id: the id of the party or calendar, or 0
setting.id: always true: there is one row
is_function: is object a function?
kept_for: objects of users that hang on it, during an upgrade
key: idempotency key
charge.key: idempotency key that a caller gave; the books themselves give none
kind: kind, one of the words that its CHECK lists
lock_version.kind: party, calendar; price_list, ledger and books with id 0
label: what people call it
last_day: last day of it
level: level of access, one of access_level
locked_at: when it was locked
locked_by: who locked it, as actor() names them
locked_through: nothing is posted on this day or before
login: the session's user
document_status_change.login: the session's user, which no setting changes
event.login: the session's user, beside posted_by, which is actor()
history.login: the session's user, which no setting changes
max_rate_age_days: rates of exchange that are older than so many days are pointed out in data_gaps
write_off_limit: how much anybody who keeps payments may write off of one document, in the base currency
max_entry_s: the longest time entry that is taken, in seconds of the clock on the wall
may: what the level is for
name: what people call it
brand.name: name above pages, NULL: the party's own
page_label.name: what templates call the word
new_value: value after, as text
history.new_values: the same columns after, NULL for a DELETE
note: remark printed on the document
object: table, view or function
old_from: first day on which the rate is too old
old_until: first day of the next rate, infinity where there is none
old_value: value before, as text
history.old_values: columns before, NULL for an INSERT: whole numbers, truth values and JSON as such, all else as
    text (dates ISO 8601, instants in UTC); secrets, images and templates as "sha256:… (n bytes)"
ours: did the script of the books make it?
pid: process of the run
problem: why it cannot be rated
quote: the currency in which it is priced
rank: order of the levels
rate: how much of quote one unit of base costs
reason: why, in words
record: the record as it came
role: role of people, by which they are priced and costed
charge.role: the role in which the work was done and is priced
access_grant.role: the role of the database
row_key: primary key of the row
history.row_key: the primary key of the row before the change, several columns joined by slashes: EUR/USD/2026-01-01
rule: the rule that is broken
since: does the level add to what the one below it may?
data_gaps.since: first day of work that is concerned
use_of_old_rate.since: first day of it
source: system from which it comes; NULL: entered here
charge.source: what was charged: time, item, fee, stage, expense or adjustment
unbilled.source: what was charged: time, item, fee, stage, expense or adjustment
visible_charge.source: what was charged: time, item, fee, stage, expense or adjustment
subject: what breaks the rule
table_name: the table
trackers_decide: may records of trackers say that they are not billed, whoever sends them?
username: role that runs it
valid_from: first day on which it holds, until the next row
verb: select, insert, update, delete or execute
version: version of these books
way_out: what to do when the rule is broken
words: the words that the column takes
zone: time zone, one of pg_timezone_names
calendar.zone: IANA name, one of pg_timezone_names
$words$);
