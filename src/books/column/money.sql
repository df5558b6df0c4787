-- ---------------------------------------------------------------------------
-- columns: payments, the ledger, and the figures made of them
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
account: code of the account
account_id: the account of the ledger, a row of account
account_name: name of the account
accrued_on: day to which the cost belongs, where that is not the day of payment
accrues: does a payment with this article also make the accrual?
administrative: administrative expenses, negative, in the base currency
allocated: what payments were allocated to the document, in its currency
allocated_at: when it was allocated
allocated_by: who allocated it, as actor() names them
amount: amount in the currency beside it
allotment.amount: how much there is, in seconds or in money of the contract's currency
burn.amount: what was taken, in the allotment's unit
charge.gross: what the prices make of it where they hold the tax (contract.tax_inclusive), in currency; NULL elsewhere
unbilled.gross: what the prices make of it where they hold the tax (contract.tax_inclusive), in currency; NULL elsewhere
charge.amount: net of tax, in currency, rounded once; other than 0 only where coverage is billable
charge_posting.amount: what is transferred, in currency
document_posting.amount: what is transferred, in currency
due_entry.amount: what is transferred, in currency
payment_posting.amount: what is transferred, in currency
contract_line.amount: the fee, a period or once, net in the contract's currency
deal.amount: value of the deal, in its currency
document_line.amount: before the discount of the document, in its currency
entry.amount: what is transferred, in currency; negative in a reversal
ledger_line.amount: debit positive, credit negative, in currency
payment.amount: what is paid, above 0, in currency
pnl_article_month.amount: income positive, expense negative, in the base currency
pnl_line_month.amount: income positive, expense negative, in the base currency, or per cent
article: code of the article of P&L and cash flow, a row of account
article_id: the article that explains it in the cash flow, a row of account
article_name: name of the article
balance: what is left, in the currency beside it
account_balance.balance: debit less credit, in currency
contract_card.balance: receipts less work charged and its tax, in the contract's currency
loss_making_contract.balance: receipts less work charged and its tax, in the contract's currency
contract_card.tax: tax of the work charged, in the contract's currency
loss_making_contract.tax: tax of the work charged, in the contract's currency
contract_figure.tax: tax of the work charged, in the contract's currency
receipts_tax: what of the receipts is tax, in the contract's currency
receipts_net: receipts without their tax, in the contract's currency
client_entry.event_id: the event, that which it reverses where it is a reversal, a row of event
bank_ref: the bank's reference, once for each cash account among payments that are not void
base_balance: balance in the base currency of the books
base_payments: payments in the base currency of the books, positive
base_receipts: receipts in the base currency of the books
billed: on issued invoices, net, in currency
cash_account: name of the cash account
cash_account_id: the bank account or cash desk, a row of cash_account
cash_section: where its payments stand in the cash flow: operating, investing or financing
charged: net sum of charges, in currency
closing: cash at the end of the month, in currency
commercial: marketing and sales, negative, in the base currency
credit: what stands to the client's credit, in currency
account_balance.credit: sum of credits, in currency
credit_id: the account that is credited, a row of account
credited: what credit notes took back, gross, in the document's currency
charge_claim.credited: was the line credited whole, keeping the charge?
credited_by: the credit note that took the rest of the line back and left it its charge, a row of document
days_overdue: days since due_on while anything is open
debit: sum of debits, in currency
debit_id: the account that is debited, a row of account
depreciation: depreciation, negative, in the base currency
direct_labour: hours at their cost rates, negative, in the base currency
dividends: dividends paid, negative, in the base currency
ebit: profit before interest and tax, in the base currency
ebitda: profit before interest, tax and depreciation, in the base currency
entry_id: the entry of the ledger, NULL while it is not posted
entry_on: day of the entry
event_id: the event that the entry belongs to, a row of event
fact_on: day of the work, or of the entry
financing: cash flow from financing, in currency
floor_amount: below this balance there is a cash gap, in the account's currency
event.source: what posted it: user is post(), the rest are the books' own
formula: two lines, of which it is the first in per cent of the second
flow: in, out, or transfer between own accounts
fx: exchange differences, in the base currency
gross_margin_pct: gross profit of revenue, in percent points
gross_profit: revenue less direct cost, in the base currency
payment_misfit.hint: the way out
hourly_rate: revenue of an hour worked, in currency
hours: hours worked
hours_billed: hours billed
hours_left: hours left of allotments that can be drawn on now, NULL where there is none
hours_twice: hours that both entries share
hours_worked: hours worked
incoming: did it come from outside?
interest: interest, in the base currency
investing: cash flow from investing, in currency
line: line of the statement, a row of statement_line
line_name: name of the line
adjustments: what we gave up or posted by hand, less debts from before the books that are open, in its currency
role_account.conversion: the account of money on its way between currencies
role_account.netting: the account of debts that are set off
role_account.opening: the account of opening balances
bound: a write-off or netting, which pays its documents alone?
contra: code of the account that stands where cash would, of what settles without money
received: what came to the other account of an exchange, in its currency
other_id: the account on the other side, a row of account
made_from: the filter or the content it was made of
margin_cash_pct: profit by cash of receipts, in percent points; NULL where a cost is not known
margin_pct: profit of revenue, in percent points; NULL where a cost is not known
memo: what the event is, in words
payment_misfit.message: what the contract cannot take
month: first day of the month
month_amount: the most that may be given away in a calendar month, in the base currency; NULL: any
net_profit: profit after tax, in the base currency
no: order of the entry within what it is of
open: what is still to be paid, in the document's currency
open_invoices: what the payer owes on open invoices, in currency
opening: cash at the beginning of the month, in currency
operating_in: operating receipts, in currency
operating_out: operating payments, negative, in currency
other: other income and expense, in the base currency
other_direct: direct cost other than labour, negative, in the base currency
overdue: gross, past its due day, in currency
paid: what is paid, in currency
task_payment.paid: is all that was billed paid?
paid_on: day of the payment
part_of: a line whose part it is, itself among them
pay: is it what people are paid?
payment_id: the payment, a row of payment
payments: payments, positive, in currency
pnl_section: section of the P&L that its line stands in, a section of statement_line
posted: is it in the ledger, or will it be?
account_role.posted: what is posted to it
posted_at: when it was posted
posted_balance: balance of what is posted, in currency
posted_by: who posted it, as actor() names them
production: production overheads, negative, in the base currency
profit: revenue less cost, in currency; NULL where a cost is not known
profit_accrual: work charged less cost, in the contract's currency; NULL where a cost is not known
profit_by.dimension: what the row is about: client, contract, project, deal, task, employee, direction or work_type
profit_by.id: a row of that dimension; NULL: what names none
profit_by.name: its name, number or title
profit_cash: receipts less cost, in the contract's currency; NULL where a cost is not known
purpose: purpose of the payment, as the bank shows it
receipts: what came in, in currency
role_account.payable: the account of settlements with suppliers and staff
role_account.receivable: the account of settlements with clients
role_account.tax: the account of taxes on sales
role_account.unbilled: the account of work that is charged and not invoiced
role_account.exchange: the account of exchange differences
role_account.revenue: the account of revenue
role_account.direct_labour: the account of hours at their cost rates
role_account.absorbed_labour: the account of the same, taken out of payroll
role_account.materials: the account of what else charges cost
role_account.absorbed_materials: the account of the same, taken out of purchases
retained: profit that stays after dividends, in the base currency
revenue: revenue, net, in the base currency
gross_effect.revenue: 1: its amount is revenue, -1: less revenue, 0: neither
account_role.role: what the account is for
section: section of the report
statement_line.section: are articles grouped by it?
side: debit or credit
source_id: what it is of, a row of charge, payment or document
charge_posting.source: charge
document_posting.source: document
due_entry.source: charge, payment or document
payment_posting.source: payment
sign: by what a balance, debit positive, is multiplied to be shown
sort: order of the lines
statement: pnl
client_entry.amount: what the client owes by it, below zero: what he paid, in currency
client_entry.base_amount: amount in the base currency of the books
client_entry.document_id: the invoice or credit note that posted it, a row of document; NULL: none did
client_entry.payment_id: the payment that posted it, a row of payment; NULL: none did
payment_use.way: 1: money flows as the document says; -1: it comes back
payment_use.used: what it takes of the payment, in currency
payment_use.of_payment: amount of the payment, in currency
payment_use.document_flow: the way in which money pays the document, in or out
accrual_due.due: what of the payment bills brought already, in its currency
accrual_due.posted: what the ledger has taken back of it
accrual_due.base_due: due in the base currency
accrual_due.base_posted: posted in the base currency
accrual_due.settlement_id: the account of settlements with suppliers, a row of account
exchange_due.due: the exchange difference, in the base currency: of invoices a gain, of bills a loss
exchange_due.posted: what of it is posted
exchange_due.account_id: the account on which the document is owed, a row of account
line_worth.base_amount: what the line is worth net in the base currency
tasks: number of tasks on it
times: how often
to_cash_account_id: the account that a transfer goes to, a row of cash_account
to_invoice: on agreed reports, net, in currency
to_pay: on invoices and not paid, gross, in currency
to_report: on no report yet, net, in currency
transfers: between own accounts, in currency
unabsorbed_labour: payroll less hours at their cost rates, in the base currency
statement_line.parent: the line that it is a part of
data_gaps.way_out: what to do about it
unallocated: what no document took, in the payment's currency
unbilled: on no document yet, net, in currency
expected: what the open periods will bring beside what is charged: fees and minimum charges, in currency
uncosted_charges: how many charges and expenses have a cost that is not known; profit is NULL where there are any
uncosted: how many charges and expenses have a cost that is not known; profit is NULL where there are any
fact.uncosted: is it a charge whose cost is not known?
visible_charge.uncosted: does it count, and its cost is not known?
$words$);
