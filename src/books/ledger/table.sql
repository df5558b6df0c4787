-- ---------------------------------------------------------------------------
-- ledger: accounts, events and their entries; append-only
-- ---------------------------------------------------------------------------

CREATE TABLE statement_line (
    statement text NOT NULL DEFAULT 'pnl'
        CONSTRAINT statement_line_statement_known CHECK (statement IN ('pnl')),
    code text CONSTRAINT statement_line_pkey PRIMARY KEY,
    name text NOT NULL,
    parent text CONSTRAINT statement_line_parent_fkey REFERENCES statement_line,
    sort integer NOT NULL,
    sign smallint NOT NULL DEFAULT -1
        CONSTRAINT statement_line_sign_known CHECK (sign IN (-1, 1)),
    section boolean NOT NULL DEFAULT false,
    formula text[]
        CONSTRAINT statement_line_formula_of_two CHECK (cardinality(formula) = 2)
);
COMMENT ON TABLE statement_line IS
    'the lines of statements, a tree: a line is the sum of its accounts (account.line) and of the lines whose parent '
    'it is, so every subtotal follows from where a line hangs. sign: by what a balance, debit positive, is multiplied '
    'to be shown; section: articles are grouped by it; formula: two lines, of which it is the first in per cent of the '
    'second';
INSERT INTO statement_line (code, name, parent, sort, section, formula) VALUES
    ('retained', 'Profit that stays', NULL, 1000, false, NULL),
    ('dividends', 'Dividends', 'retained', 900, true, NULL),
    ('net_profit', 'Net profit', 'retained', 800, false, NULL),
    ('tax', 'Taxes on profit', 'net_profit', 730, true, NULL),
    ('fx', 'Exchange differences', 'net_profit', 720, true, NULL),
    ('interest', 'Interest', 'net_profit', 710, true, NULL),
    ('ebit', 'Profit before interest and tax', 'net_profit', 700, false, NULL),
    ('depreciation', 'Depreciation', 'ebit', 620, true, NULL),
    ('other', 'Other income and expense', 'ebit', 610, true, NULL),
    ('ebitda', 'Profit before interest, tax and depreciation', 'ebit', 600, false, NULL),
    ('administrative', 'Administration', 'ebitda', 530, true, NULL),
    ('commercial', 'Marketing and sales', 'ebitda', 520, true, NULL),
    ('production', 'Production overheads', 'ebitda', 510, true, NULL),
    ('other_production', 'Production overheads other than people', 'production', 502, false, NULL),
    ('unabsorbed_labour', 'Payroll less the hours that went to projects', 'production', 501, false, NULL),
    ('gross_margin_pct', 'Gross margin, per cent', NULL, 410, false, '{gross_profit,revenue}'),
    ('gross_profit', 'Gross profit', 'ebitda', 400, false, NULL),
    ('direct', 'Direct cost', 'gross_profit', 300, true, NULL),
    ('other_direct', 'Direct cost other than labour', 'direct', 220, false, NULL),
    ('direct_labour', 'Direct labour', 'direct', 210, false, NULL),
    ('revenue', 'Revenue', 'gross_profit', 100, true, NULL);

CREATE TABLE account (
    id bigserial CONSTRAINT account_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT account_code_key UNIQUE,
    name text NOT NULL,
    parent_id bigint CONSTRAINT account_parent_fkey REFERENCES account,
    kind text NOT NULL
        CONSTRAINT account_kind_known CHECK (kind IN ('cash', 'settlement', 'asset', 'liability', 'equity', 'income',
        'expense')),
    line text CONSTRAINT account_line_fkey REFERENCES statement_line,
    cash_section text
        CONSTRAINT account_cash_section_known CHECK (cash_section IN ('operating', 'investing', 'financing')),
    accrues boolean NOT NULL DEFAULT false,
    pay boolean NOT NULL DEFAULT false,
    CONSTRAINT account_line_fits CHECK ((kind IN ('income', 'expense')) = (line IS NOT NULL))
);
COMMENT ON TABLE account IS
    'accounts of the ledger and articles of P&L and cash flow in one tree. kind income or expense: an article, on a '
    'line of the P&L; cash_section where its payments stand in the cash flow. accrues: a payment with this article '
    'also makes the accrual (rent, salaries); false where charges or documents accrue it (revenue). pay: what people '
    'are paid, which is for controllers to see';
INSERT INTO account (code, name, kind, line, cash_section, accrues, pay)
SELECT v.*, v.code IN ('payroll', 'payroll_tax') FROM (VALUES
    ('receivable', 'Settlements with clients', 'settlement', NULL, 'operating', false),
    ('unbilled', 'Work charged and not invoiced', 'settlement', NULL, 'operating', false),
    ('payable', 'Settlements with suppliers and staff', 'settlement', NULL, 'operating', false),
    ('tax_payable', 'Taxes on sales payable', 'liability', NULL, 'operating', false),
    ('loan', 'Loans received', 'liability', NULL, 'financing', false),
    ('fixed_asset', 'Equipment and other fixed assets', 'asset', NULL, 'investing', false),
    ('capital', 'Owners'' capital', 'equity', NULL, 'financing', false),
    ('opening', 'Opening balances', 'equity', NULL, 'financing', false),
    ('conversion', 'Money on its way between currencies', 'settlement', NULL, NULL, false),
    ('netting', 'Debts set off against each other', 'settlement', NULL, 'operating', false),
    ('revenue', 'Revenue', 'income', 'revenue', 'operating', false),
    ('direct_labour', 'Direct labour', 'expense', 'direct_labour', 'operating', false),
    ('contractors', 'Contractors', 'expense', 'other_direct', 'operating', true),
    ('materials', 'Materials and licences resold', 'expense', 'other_direct', 'operating', false),
    ('absorbed_labour', 'Absorbed labour', 'expense', 'unabsorbed_labour', 'operating', false),
    ('absorbed_materials', 'Absorbed materials', 'expense', 'other_production', 'operating', false),
    ('purchases', 'Purchases of materials and licences', 'expense', 'other_production', 'operating', true),
    ('payroll', 'Payroll', 'expense', 'unabsorbed_labour', 'operating', true),
    ('payroll_tax', 'Payroll taxes', 'expense', 'unabsorbed_labour', 'operating', true),
    ('tools', 'Tools and subscriptions', 'expense', 'other_production', 'operating', true),
    ('marketing', 'Marketing and sales', 'expense', 'commercial', 'operating', true),
    ('rent', 'Rent and utilities', 'expense', 'administrative', 'operating', true),
    ('administration', 'Administration', 'expense', 'administrative', 'operating', true),
    ('bank_fees', 'Bank fees', 'expense', 'administrative', 'operating', true),
    ('other_income', 'Other income', 'income', 'other', 'operating', true),
    ('other_expense', 'Other expense', 'expense', 'other', 'operating', true),
    ('depreciation', 'Depreciation', 'expense', 'depreciation', NULL, false),
    ('interest_income', 'Interest received', 'income', 'interest', 'operating', true),
    ('interest', 'Interest paid', 'expense', 'interest', 'operating', true),
    ('fx_difference', 'Exchange differences', 'expense', 'fx', NULL, false),
    ('profit_tax', 'Profit tax', 'expense', 'tax', 'operating', true),
    ('dividends', 'Dividends', 'expense', 'dividends', 'financing', true)
) AS v (code, name, kind, line, cash_section, accrues);

ALTER TABLE tax ADD CONSTRAINT tax_account_fkey FOREIGN KEY (account_code) REFERENCES account (code);

CREATE TABLE account_role (
    role text CONSTRAINT account_role_pkey PRIMARY KEY,
    account_id bigint NOT NULL CONSTRAINT account_role_account_fkey REFERENCES account,
    posted text NOT NULL
);
COMMENT ON TABLE account_role IS
    'the accounts that the functions of the books post to: they name a role, never an account. Such an account keeps '
    'its code and kind';
INSERT INTO account_role (role, account_id, posted)
SELECT v.role, a.id, v.posted FROM (VALUES
    ('receivable', 'receivable', 'what clients owe by invoices, and what they pay'),
    ('unbilled', 'unbilled', 'what charges come to, until an invoice takes it'),
    ('payable', 'payable', 'what is owed and paid to suppliers and staff'),
    ('tax', 'tax_payable', 'tax on sales, less the tax of bills'),
    ('revenue', 'revenue', 'what charges come to'),
    ('direct_labour', 'direct_labour', 'hours at their cost rates'),
    ('absorbed_labour', 'absorbed_labour', 'the same, taken out of payroll'),
    ('materials', 'materials', 'what charges other than hours cost'),
    ('absorbed_materials', 'absorbed_materials', 'the same, taken out of purchases'),
    ('contractor_bill', 'contractors', 'bills whose lines name no article'),
    ('people_bill', 'payroll', 'such bills of who logs the hours here'),
    ('exchange', 'fx_difference', 'what changes of rates make of debts until they are paid, and of own money'),
    ('opening', 'opening', 'what the books began with'),
    ('conversion', 'conversion', 'both sides of an exchange of own money'),
    ('netting', 'netting', 'both sides of debts that are set off'),
    ('bank_fee', 'bank_fees', 'what exchange() pays to the bank'),
    ('write_off', 'other_expense', 'what clients will not pay, where write_off() names no article'),
    ('write_on', 'other_income', 'what we need not pay, likewise')
) AS v (role, code, posted) JOIN account a USING (code);

CREATE TABLE period_lock (
    locked_through date CONSTRAINT period_lock_pkey PRIMARY KEY
        CONSTRAINT period_lock_year CHECK (locked_through BETWEEN '0001-01-01' AND '9999-12-31'),
    locked_at timestamptz NOT NULL DEFAULT now(),
    locked_by text NOT NULL DEFAULT actor()
);
COMMENT ON TABLE period_lock IS
    'nothing is posted on or before the latest locked_through; deleting the row opens the books again';

CREATE TABLE event (
    id bigserial CONSTRAINT event_pkey PRIMARY KEY,
    key text NOT NULL,
    digest bytea NOT NULL,
    memo text,
    reverses_id bigint CONSTRAINT event_reverses_fkey REFERENCES event
        CONSTRAINT event_reversed_once UNIQUE,
    posted_at timestamptz NOT NULL DEFAULT now(),
    posted_by text NOT NULL DEFAULT actor(),
    login text NOT NULL DEFAULT session_user,
    source text NOT NULL DEFAULT 'user'
        CONSTRAINT event_source_known CHECK (source IN ('user', 'charge', 'payment', 'document', 'period')),
    CONSTRAINT event_key_key UNIQUE (source, key)
);
COMMENT ON TABLE event IS
    'what happened, once: several entries of one business event share it. source is what posted it: user is post(), '
    'the rest follow their charges, payments, documents and periods and are taken back with them; key is the '
    'idempotency key, of the caller''s own where the source is user; digest the fingerprint of the content first '
    'posted under it';

CREATE TABLE entry (
    id bigserial CONSTRAINT entry_pkey PRIMARY KEY,
    event_id bigint NOT NULL CONSTRAINT entry_event_fkey REFERENCES event,
    entry_on date NOT NULL
        CONSTRAINT entry_date_year CHECK (entry_on BETWEEN '0001-01-01' AND '9999-12-31'),
    debit_id bigint NOT NULL CONSTRAINT entry_debit_fkey REFERENCES account,
    credit_id bigint NOT NULL CONSTRAINT entry_credit_fkey REFERENCES account,
    amount numeric(20,6) NOT NULL CONSTRAINT entry_amount_number CHECK (amount <> 'NaN'),
    currency text NOT NULL CONSTRAINT entry_currency_fkey REFERENCES currency_code,
    base_amount numeric(20,6) NOT NULL CONSTRAINT entry_base_amount_number CHECK (base_amount <> 'NaN'),
    article_id bigint CONSTRAINT entry_article_fkey REFERENCES account,
    party_id bigint CONSTRAINT entry_party_fkey REFERENCES party,
    contract_id bigint CONSTRAINT entry_contract_fkey REFERENCES contract,
    project_id bigint CONSTRAINT entry_project_fkey REFERENCES project,
    deal_id bigint CONSTRAINT entry_deal_fkey REFERENCES deal,
    task_id bigint CONSTRAINT entry_task_fkey REFERENCES task,
    employee_id bigint CONSTRAINT entry_employee_fkey REFERENCES employee,
    direction_id bigint CONSTRAINT entry_direction_fkey REFERENCES direction,
    work_type_id bigint CONSTRAINT entry_work_type_fkey REFERENCES work_type,
    charge_id bigint CONSTRAINT entry_charge_fkey REFERENCES charge,
    payment_id bigint,
    document_id bigint,
    own_id bigint CONSTRAINT entry_own_fkey REFERENCES party,
    client_id bigint CONSTRAINT entry_client_fkey REFERENCES party,
    CONSTRAINT entry_two_accounts CHECK (debit_id <> credit_id)
);
COMMENT ON TABLE entry IS
    'a transfer: one debit account, one credit account, one amount, one date, so the ledger cannot be out of balance. '
    'A reversal is the same entry with the opposite sign; article_id explains a cash entry in the cash flow; party_id '
    'is the counterparty, client_id for whom it is: never a supplier; append-only';
CREATE INDEX entry_event_idx ON entry (event_id);
CREATE INDEX entry_debit_idx ON entry (debit_id, entry_on);
CREATE INDEX entry_credit_idx ON entry (credit_id, entry_on);
CREATE INDEX entry_contract_idx ON entry (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX entry_direct_idx ON entry (contract_id) WHERE contract_id IS NOT NULL AND charge_id IS NULL;
-- the account of a party: what charges post is on others
CREATE INDEX entry_party_idx ON entry (party_id, entry_on) WHERE charge_id IS NULL;
CREATE INDEX entry_charge_idx ON entry (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX entry_payment_idx ON entry (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX entry_document_idx ON entry (document_id) WHERE document_id IS NOT NULL;

CREATE TYPE posting AS (entry_on date, debit text, credit text, amount numeric, currency text, article text,
                        own_id bigint, client_id bigint, party_id bigint, contract_id bigint, project_id bigint,
                        deal_id bigint, task_id bigint, employee_id bigint, work_type_id bigint, direction_id bigint);
COMMENT ON TYPE posting IS
    'an entry as post_event() takes it: its day, accounts and article by their codes, what is transferred, and what it '
    'is about; the dimensions complete one another';
