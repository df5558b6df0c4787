-- ---------------------------------------------------------------------------
-- ledger: accounts, events and their entries; append-only
-- ---------------------------------------------------------------------------

CREATE TABLE account (
    id bigserial CONSTRAINT account_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT account_code_key UNIQUE,
    name text NOT NULL,
    parent_id bigint CONSTRAINT account_parent_fkey REFERENCES account,
    kind text NOT NULL
        CONSTRAINT account_kind_known CHECK (kind IN ('cash', 'settlement', 'asset', 'liability', 'equity', 'income', 'expense')),
    pnl_section text
        CONSTRAINT account_pnl_section_known CHECK (pnl_section IN ('revenue', 'direct', 'production', 'commercial', 'administrative',
            'other', 'depreciation', 'interest', 'fx', 'tax', 'dividends')),
    cash_section text
        CONSTRAINT account_cash_section_known CHECK (cash_section IN ('operating', 'investing', 'financing')),
    accrues boolean NOT NULL DEFAULT false,
    pay boolean NOT NULL DEFAULT false,
    CONSTRAINT account_pnl_section_fits CHECK ((kind IN ('income', 'expense')) = (pnl_section IS NOT NULL))
);
COMMENT ON TABLE account IS
    'accounts of the ledger and articles of P&L and cash flow in one tree. kind income or expense: an article of the P&L, in pnl_section; '
    'cash_section where its payments stand in the cash flow. accrues: a payment with this article also makes the accrual (rent, salaries); '
    'false where charges or documents accrue it (revenue). pay: what people are paid, which is for controllers to see';
INSERT INTO account (code, name, kind, pnl_section, cash_section, accrues, pay)
SELECT v.*, v.code IN ('payroll', 'payroll_tax') FROM (VALUES
    ('receivable', 'Settlements with clients', 'settlement', NULL, 'operating', false),
    ('payable', 'Settlements with suppliers and staff', 'settlement', NULL, 'operating', false),
    ('tax_payable', 'Taxes on sales payable', 'liability', NULL, 'operating', false),
    ('loan', 'Loans received', 'liability', NULL, 'financing', false),
    ('fixed_asset', 'Equipment and other fixed assets', 'asset', NULL, 'investing', false),
    ('capital', 'Owners'' capital', 'equity', NULL, 'financing', false),
    ('opening', 'Opening balances', 'equity', NULL, 'financing', false),
    ('revenue', 'Revenue', 'income', 'revenue', 'operating', false),
    ('direct_labour', 'Direct labour', 'expense', 'direct', 'operating', false),
    ('contractors', 'Contractors', 'expense', 'direct', 'operating', true),
    ('materials', 'Materials and licences resold', 'expense', 'direct', 'operating', false),
    ('absorbed_labour', 'Absorbed labour', 'expense', 'production', 'operating', false),
    ('absorbed_materials', 'Absorbed materials', 'expense', 'production', 'operating', false),
    ('purchases', 'Purchases of materials and licences', 'expense', 'production', 'operating', true),
    ('payroll', 'Payroll', 'expense', 'production', 'operating', true),
    ('payroll_tax', 'Payroll taxes', 'expense', 'production', 'operating', true),
    ('tools', 'Tools and subscriptions', 'expense', 'production', 'operating', true),
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
) AS v (code, name, kind, pnl_section, cash_section, accrues);

CREATE TABLE period_lock (
    locked_through date CONSTRAINT period_lock_pkey PRIMARY KEY,
    locked_at timestamptz NOT NULL DEFAULT now(),
    locked_by text NOT NULL DEFAULT actor()
);
COMMENT ON TABLE period_lock IS 'nothing is posted on or before the latest locked_through; deleting the row opens the books again';

CREATE TABLE event (
    id bigserial CONSTRAINT event_pkey PRIMARY KEY,
    key text NOT NULL CONSTRAINT event_key_key UNIQUE,
    digest bytea NOT NULL,
    memo text,
    reverses_id bigint CONSTRAINT event_reverses_fkey REFERENCES event
        CONSTRAINT event_reversed_once UNIQUE,
    posted_at timestamptz NOT NULL DEFAULT now(),
    posted_by text NOT NULL DEFAULT actor(),
    login text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE event IS
    'what happened, once: several entries of one business event share it. key is the idempotency key, digest the fingerprint of the content first posted under it';

CREATE TABLE entry (
    id bigserial CONSTRAINT entry_pkey PRIMARY KEY,
    event_id bigint NOT NULL CONSTRAINT entry_event_fkey REFERENCES event,
    entry_on date NOT NULL CONSTRAINT entry_date_finite CHECK (isfinite(entry_on)),
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
    CONSTRAINT entry_two_accounts CHECK (debit_id <> credit_id)
);
COMMENT ON TABLE entry IS
    'a transfer: one debit account, one credit account, one amount, one date, so the ledger cannot be out of balance. A reversal is the same entry '
    'with the opposite sign; article_id explains a cash entry in the cash flow; append-only';
CREATE INDEX entry_event_idx ON entry (event_id);
CREATE INDEX entry_debit_idx ON entry (debit_id, entry_on);
CREATE INDEX entry_credit_idx ON entry (credit_id, entry_on);
CREATE INDEX entry_contract_idx ON entry (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX entry_direct_idx ON entry (contract_id) WHERE contract_id IS NOT NULL AND charge_id IS NULL;
CREATE INDEX entry_charge_idx ON entry (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX entry_payment_idx ON entry (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX entry_document_idx ON entry (document_id) WHERE document_id IS NOT NULL;
