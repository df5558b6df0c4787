-- ---------------------------------------------------------------------------
-- money: cash accounts and payments, planned and posted
-- ---------------------------------------------------------------------------

CREATE TABLE cash_account (
    id bigserial CONSTRAINT cash_account_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT cash_account_name_key UNIQUE,
    currency text NOT NULL CONSTRAINT cash_account_currency_fkey REFERENCES currency_code,
    iban text,
    floor_amount numeric(20,6) NOT NULL DEFAULT 0,
    account_id bigint NOT NULL CONSTRAINT cash_account_account_fkey REFERENCES account
        CONSTRAINT cash_account_account_key UNIQUE
);
COMMENT ON TABLE cash_account IS
    'bank accounts and cash desks, each with a ledger account of its own, made with it; floor_amount below which there '
    'is a cash gap';

CREATE TABLE payment (
    id bigserial CONSTRAINT payment_pkey PRIMARY KEY,
    flow text NOT NULL
        CONSTRAINT payment_flow_known CHECK (flow IN ('in', 'out', 'transfer')),
    status text NOT NULL DEFAULT 'planned'
        CONSTRAINT payment_status_known CHECK (status IN ('planned', 'posted', 'void')),
    paid_on date NOT NULL
        CONSTRAINT payment_date_year CHECK (paid_on BETWEEN '0001-01-01' AND '9999-12-31'),
    accrued_on date
        CONSTRAINT payment_accrual_year CHECK (accrued_on BETWEEN '0001-01-01' AND '9999-12-31'),
    amount numeric(20,6) NOT NULL
        CONSTRAINT payment_amount_positive CHECK (amount > 0 AND amount <> 'NaN'),
    currency text NOT NULL CONSTRAINT payment_currency_fkey REFERENCES currency_code,
    cash_account_id bigint CONSTRAINT payment_cash_account_fkey REFERENCES cash_account,
    to_cash_account_id bigint CONSTRAINT payment_to_cash_account_fkey REFERENCES cash_account,
    article text CONSTRAINT payment_article_fkey REFERENCES account (code),
    party_id bigint CONSTRAINT payment_party_fkey REFERENCES party,
    contract_id bigint CONSTRAINT payment_contract_fkey REFERENCES contract,
    project_id bigint CONSTRAINT payment_project_fkey REFERENCES project,
    deal_id bigint CONSTRAINT payment_deal_fkey REFERENCES deal,
    task_id bigint CONSTRAINT payment_task_fkey REFERENCES task,
    employee_id bigint CONSTRAINT payment_employee_fkey REFERENCES employee,
    direction_id bigint CONSTRAINT payment_direction_fkey REFERENCES direction,
    purpose text,
    bank_ref text,
    source text,
    external_id text,
    revision integer NOT NULL DEFAULT 1,
    made_from jsonb,
    own_id bigint CONSTRAINT payment_own_fkey REFERENCES party,
    client_id bigint CONSTRAINT payment_client_fkey REFERENCES party,
    work_type_id bigint CONSTRAINT payment_work_type_fkey REFERENCES work_type,
    contra text CONSTRAINT payment_contra_fkey REFERENCES account (code),
    received numeric(20,6)
        CONSTRAINT payment_received_positive CHECK (received > 0 AND received <> 'NaN'),
    CONSTRAINT payment_transfer_has_target CHECK ((flow = 'transfer') = (to_cash_account_id IS NOT NULL)),
    CONSTRAINT payment_has_article CHECK (flow = 'transfer' OR article IS NOT NULL),
    CONSTRAINT payment_posted_on_account CHECK (status <> 'posted' OR num_nonnulls(cash_account_id, contra) = 1),
    CONSTRAINT payment_contra_is_no_money CHECK (contra IS NULL OR flow <> 'transfer' AND cash_account_id IS NULL),
    CONSTRAINT payment_received_of_transfer CHECK (received IS NULL OR flow = 'transfer')
);
COMMENT ON TABLE payment IS
    'money in, out and between own accounts. planned: a row of the payment calendar; posted: cash, in the ledger; '
    'void: taken back by a reversal. article is the account that explains it; accrued_on the day its cost belongs to '
    'where that is not paid_on; contra the account that stands where cash would, of what settles without money: an '
    'article of ours (write_off()), the other side of a netting, opening balances; received what came to the other '
    'account of a transfer between currencies (exchange()); made_from the content that '
    'record_payment() made it of. Changing a posted payment reverses its entries and posts them anew';
-- What is void has left its keys to what was really paid.
CREATE UNIQUE INDEX payment_external_key ON payment (source, external_id) WHERE status <> 'void';
CREATE UNIQUE INDEX payment_bank_ref_key ON payment (cash_account_id, bank_ref) WHERE status <> 'void';
CREATE INDEX payment_contract_idx ON payment (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX payment_paid_on_idx ON payment (paid_on);
ALTER TABLE allotment ADD CONSTRAINT allotment_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment;
ALTER TABLE entry ADD CONSTRAINT entry_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment;
