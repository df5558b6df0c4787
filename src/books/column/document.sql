-- ---------------------------------------------------------------------------
-- columns: documents, their lines, pages and links
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
charge_payment.gross: what is billed of the charge, less credits, in currency
charge_payment.paid: what is paid of it, in currency
charge_payment.paid_net: how much of its net that pays, in currency
percent_paid: per cent of what is charged that is paid, in percent points
shown_paid: all of it that costs nothing stands on a report that is paid; NULL where there is none
task_charge.charged: net amount of all its charges, in currency
task_charge.reported: of that kept by reports and drafts
task_charge.unbilled: of that on no invoice and no report
dispute.at: when it was opened
dispute.by: who opened it, as actor() names them
dispute.ended_at: when it ended, NULL: it is open
dispute.ended_by: who ended it, as actor() names them
outcome: how the dispute ended
dispute.reason: what is disputed
dunning_level.days_late: so many days after the due date and the days of grace
dunning_level.client_id: the client whose level it is, a row of party; NULL: of all who have none of their own
dunning_level.currency: currency of the fee, NULL: there is none
dunning_level.fee: what is claimed with this level, once, in currency
interest_pct: interest a year, in percent points
dunning_level.level: the step, from 1 on
dunning_level.words: what it says, {"uk", "ru", "en"}
overdue_document.level: level of the last reminder, NULL: none
disputed: is a dispute of it open?
late_since: due_on and the days of grace: lateness counts from there
reminder.at: when it was written
reminder.by: who wrote it, as actor() names them
reminder.days_late: days since the due date and the days of grace
reminder.fee: fees claimed of the document so far, in currency
reminder.interest: interest up to that day, in currency
reminder.language: language of the message: uk, ru or en
reminder.level: the level of reminding
reminder.message: what it says to the client
reminder.on_day: the day for which it was written
reminder.open: what was open of the document, in currency
withdrawn_at: when it was taken back before it was delivered, NULL: it stands
accent: accent colour of pages, #rrggbb
document_kind.account: the role of the account on which it is owed, a row of account_role; NULL: on none
answered: does the client answer it by a link?
asks_payment: does it ask for money?
base_line_id: the line of the report that it repeats
based_on: the document it was made of, a row of document
billed_gross: on issued invoices, gross, in currency
billed_in: first day of the service period in which it is billed
binding: is it agreed, accepted or issued, so that others may be made of it? NULL: as it was before it was put away
body: content of the snapshot or template
issued_page.body: the page, with logo: and the digest of the logo in place of the image; NULL: its kind had no template
issued_page.digest: SHA-256 of the page, as issued_html() gives it, in UTF-8
issued_page.language: language of the page: uk, ru or en
claim: does this line keep the charge from other documents?
claimed_by: the report or draft invoice that keeps it, a row of document
dedupe_key: makes the notice unique
delivered_at: when it was delivered, NULL: not yet
derived: does it follow from payments, credits and invoices which of these statuses a document has?
discount: share of the document's discount, in its currency
discount_amount: discount of the whole document, in its currency
document_id: the document, a row of document
document_status_change.document_id: the document; no foreign key, because drafts that were deleted stay here
document_kind: kind of the document that keeps it
document_number: number of the document that keeps it
document_status: status of the document that keeps it
document_state.draft: may it still be changed, and deleted?
due_on: last day on which it is to be paid
ended: did it come to nothing, so that it keeps no charge?
file_url: where a file of the document is
first_no: the first number of the series
document_balance.flow: flow of the payments that settle it, in or out
due_extension.due_on: the day to which it was put off
due_extension.login: the session's user, which no setting changes
due_extension.reason: why it was put off
document_kind.flow: flow of the payments that settle it, in or out; NULL: none do
footer: a line at the end of pages
from_status: status before the step, NULL when the document was made
gross: net and tax together, in currency
holds: does it hold its charges as they are while the other side decides?
in_draft: on drafts of reports, net, in currency
document_kind.incoming: does it come in from outside? NULL: some do
ink: colour of text on pages, #rrggbb
invoice_id: the live invoice it is on, a row of document
issued_at: when it was issued
issued_on: day of issue
kept: what its paper names, as it was when it was issued: own, party (each with id, name, legal_name, tax_id, email,
    requisites, country), brand (logo as the digest of a row of brand_logo), contract, contracts, project,
    task, basis, note, and rows, the words of each position (project, url, first_day, last_day, coverage, task_number,
    …); NULL: a draft
last_view_at: when the link was opened last
late: did it come for a period that was closed, and is billed in a later one?
logo: image above pages as a data URI
made_of: what it is made of: work, content of its own, or another document
means: the words that are true of the status, one for each of the columns beside it
message: the notice in words
named_invoices: open invoices whose number stands in the purpose
net: without tax, in currency
cash_flow_month.net: receipts less payments of the month, in currency
next_no: the number that comes next
number: number by which people know it
opened_on: day on which it was brought into the books, of a debt or bill from before them
outside_number: number that the other side or another system gave
over_on: the first day on which the period can be closed
page: the kind whose template it takes where it has none of its own
paid_gross: what is paid of what was billed, gross, in currency
pattern: pattern of numbers: {YYYY} {YY} {MM} {DD} and the counter {####}
payload: the notice as data
document_state.posted: is it in the ledger, and counts in what its party owes or is owed? NULL: as it was before it was
    put away
period_from: first day of the work on it
period_to: last day of the work on it
place: where the charge is: unbilled, reported, billed and so on
document.positions: how charges are grouped into the positions of the paper: by task, employee, day, or not at all
    (none)
recipient_id: who is told, a row of employee
meaning: what a credit note means: rebill, free to be billed again, or waive, given up
released_at: when the charge went free again
released_by: the document that set the charge free, a row of document
report_status: the status that an invoice gives the report it is made of, NULL: none
reported: kept by reports, net, in currency
document.requirements: requirements of a proposal; its lines are the estimate
reverses_line_id: the invoice line that it takes back
revision: number of the revision, from 1
price_list.revision: counts the changes of what prices work; terms name lists by it
revoked_at: when the link was taken back
document_status_change.said_by: on whose behalf, as the caller said: the argument by of transition(), or the
    client's link that was answered
series_id: the series of its number, a row of number_series
series_no: its counter in the series
document_state.settled: is nothing open on it any more?
shown_as: where its page shows the status: status, or mark across it; NULL: nowhere
sign_at: when the state of the signature was set
sign_by: who signed
document.sign_by: who signed, as whoever recorded it says; who recorded it is in history
sign_ref: id of the document at the operator of electronic documents
document.sign_ref: the id of the document at the operator of electronic documents
sign_status: none, sent, signed or rejected
signature: image of the signature
signature_type: media type of the image
document.status_by: actor() of the last step
status_reason: why the last step was taken
document.status_said_by: on whose behalf the last step was taken, as its caller said
superseded_by: the next revision, a row of document
supersedes_id: the revision before, a row of document
task_is_paid: was all that was billed of the task paid when it came?
tax: tax, in currency
tax_code: code of its tax; NULL: tax_rate is a fixed one
rounding: what of the amount is no charge's: cents by which the position comes to its quantity at its price
taxes: what the tax is made of, [{"tax", "rate" (per cent), "amount"}]
tax.name: what papers call it
tax.words: what the paper says where no tax is taken, {"uk", "ru", "en"}
account_code: code of the account that it is owed on; NULL: that of the role tax
tax_rate.tax_code: the tax, a row of tax
tax_rate.rate: the rate in per cent, from that day on
tax_part.tax_code: the tax that is made of others, a row of tax
part_code: a tax that it is made of, a row of tax
line_tax.tax: code of the tax, NULL where the line has a fixed rate
line_tax.rate: its rate in per cent
line_tax.no: number of the tax on the line, from 1
line_tax.account_id: the account on which it is owed, a row of account
tax_period.tax: code of the tax, NULL at fixed rates of contracts
tax_period.rate: its rate in per cent
tax_period.amount: the tax, in currency
tax_period.net: what it is taken of, in currency
tax_period.base_amount: the tax in the base currency of the books
tax_period.direction: sales or purchases
tax_name: what papers call the tax
pnl_month.tax: profit tax, negative, in the base currency
to_status: status after the step, NULL when a draft was deleted
token_digest: SHA-256 of the token
views: how often the link was opened
document_state.way_out: what to do instead where a step to it is refused
was_due_on: when it was due before; NULL: on no day
waits_for: who has to do what next
with_client: on reports that wait for the client's answer, net, in currency
withdrawn: was it taken back or replaced, so that it is shown and signed no more?
year: year of the series
$words$);
