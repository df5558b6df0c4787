-- What the tables of version 1.0 have other than those of 0.9.

-- Positions for an item and a person or role never priced anything.
DELETE FROM price WHERE item_id IS NOT NULL AND num_nonnulls(role, employee_id) > 0;
ALTER TABLE price ADD CONSTRAINT price_item_for_all CHECK (item_id IS NULL OR num_nonnulls(role, employee_id) = 0);

-- The cost of a line was that of all of it; it is that of a unit, as everywhere.
UPDATE document_line SET cost = cost / quantity WHERE cost IS NOT NULL AND quantity <> 0 AND charge_id IS NULL;

-- A word for what is frozen or held; fixed are prices.
ALTER TABLE charge RENAME COLUMN fixed TO settled;

-- Columns that nothing ever read.
ALTER TABLE party DROP COLUMN segment;
ALTER TABLE deal DROP COLUMN custom;

-- Lines of the P&L are rows, and an account names its line.
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


ALTER TABLE account DISABLE TRIGGER USER;
ALTER TABLE account DROP CONSTRAINT account_pnl_section_known, DROP CONSTRAINT account_pnl_section_fits;
ALTER TABLE account RENAME COLUMN pnl_section TO line;  -- views of it go with it
UPDATE account SET line = CASE WHEN code IN ('payroll', 'payroll_tax', 'absorbed_labour') THEN 'unabsorbed_labour'
                               WHEN code = 'direct_labour' THEN 'direct_labour'
                               WHEN line = 'direct' THEN 'other_direct'
                               WHEN line = 'production' THEN 'other_production' ELSE line END;
ALTER TABLE account ADD CONSTRAINT account_line_fkey FOREIGN KEY (line) REFERENCES statement_line;
ALTER TABLE account ADD CONSTRAINT account_line_fits CHECK ((kind IN ('income', 'expense')) = (line IS NOT NULL));
ALTER TABLE account ENABLE TRIGGER USER;
COMMENT ON TABLE account IS
    'accounts of the ledger and articles of P&L and cash flow in one tree. kind income or expense: an article, on a '
    'line of the P&L; cash_section where its payments stand in the cash flow. accrues: a payment with this article '
    'also makes the accrual (rent, salaries); false where charges or documents accrue it (revenue). pay: what people '
    'are paid, which is for controllers to see';

-- What the functions post to are roles.
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
    ('receivable', 'receivable', 'what clients owe and pay'),
    ('payable', 'payable', 'what is owed and paid to suppliers and staff'),
    ('tax', 'tax_payable', 'tax on sales, less the tax of bills'),
    ('revenue', 'revenue', 'what charges come to'),
    ('direct_labour', 'direct_labour', 'hours at their cost rates'),
    ('absorbed_labour', 'absorbed_labour', 'the same, taken out of payroll'),
    ('materials', 'materials', 'what charges other than hours cost'),
    ('absorbed_materials', 'absorbed_materials', 'the same, taken out of purchases'),
    ('contractor_bill', 'contractors', 'bills whose lines name no article'),
    ('people_bill', 'payroll', 'such bills of who logs the hours here')
) AS v (role, code, posted) JOIN account a USING (code);


-- What posted an event is no prefix of its key.
ALTER TABLE event DISABLE TRIGGER USER;
ALTER TABLE event ADD COLUMN source text NOT NULL DEFAULT 'user'
    CONSTRAINT event_source_known CHECK (source IN ('user', 'charge', 'payment', 'document', 'period'));
ALTER TABLE event DROP CONSTRAINT event_key_key;
UPDATE event v SET source = x.source, key = x.key
  FROM (SELECT v.id, CASE split_part(v.key, ':', 1) WHEN 'adjusted' THEN 'charge' WHEN 'correct' THEN 'charge'
                                                    ELSE split_part(v.key, ':', 1) END AS source,
               CASE split_part(v.key, ':', 1)
                    WHEN 'adjusted' THEN split_part(v.key, ':', 2) || ':adjusted'
                    WHEN 'correct' THEN split_part(v.key, ':', 3) || ':corrected'
                    WHEN 'period' THEN format('%s:%s', substr(v.key, 8), e.first_charge)
                    ELSE substr(v.key, strpos(v.key, ':') + 1) END AS key
          FROM event v
         CROSS JOIN LATERAL (SELECT min(e.charge_id) AS first_charge, count(e.charge_id) + count(e.payment_id)
                                    + count(e.document_id) AS made FROM entry e WHERE e.event_id = v.id) e
         WHERE e.made > 0) x
 WHERE x.id = v.id;
ALTER TABLE event ADD CONSTRAINT event_key_key UNIQUE (source, key);
ALTER TABLE event ENABLE TRIGGER USER;
COMMENT ON TABLE event IS
    'what happened, once: several entries of one business event share it. source is what posted it: user is post(), '
    'the rest follow their charges, payments, documents and periods and are taken back with them; key is the '
    'idempotency key, of the caller''s own where the source is user; digest the fingerprint of the content first '
    'posted under it';

-- Payments and entries say for whom they are, and of which own company.
ALTER TABLE payment DISABLE TRIGGER USER;
ALTER TABLE payment ADD COLUMN own_id bigint CONSTRAINT payment_own_fkey REFERENCES party,
    ADD COLUMN client_id bigint CONSTRAINT payment_client_fkey REFERENCES party,
    ADD COLUMN work_type_id bigint CONSTRAINT payment_work_type_fkey REFERENCES work_type;
UPDATE payment p SET deal_id = coalesce(p.deal_id, t.deal_id), project_id = coalesce(p.project_id, t.project_id), work_type_id = t.work_type_id
  FROM task t WHERE t.id = p.task_id;
UPDATE payment p SET project_id = coalesce(p.project_id, d.project_id) FROM deal d WHERE d.id = p.deal_id;
UPDATE payment p SET project_id = coalesce(p.project_id, c.project_id), client_id = c.client_id, own_id = c.own_id
  FROM contract c WHERE c.id = p.contract_id;
UPDATE payment p SET client_id = coalesce(p.client_id, j.client_id), direction_id = coalesce(p.direction_id, j.direction_id)
  FROM project j WHERE j.id = p.project_id;
UPDATE payment p SET client_id = coalesce(p.client_id, d.client_id), direction_id = coalesce(p.direction_id, d.direction_id)
  FROM deal d WHERE d.id = p.deal_id;
UPDATE payment p SET direction_id = coalesce(p.direction_id, m.direction_id) FROM employee m WHERE m.id = p.employee_id;
UPDATE payment p SET client_id = coalesce(p.client_id, p.party_id)
  FROM account a WHERE a.code = p.article AND a.kind = 'income' AND NOT a.accrues;
UPDATE payment p SET own_id = (SELECT min(o.id) FROM party o WHERE o.kind = 'own') WHERE p.own_id IS NULL;
ALTER TABLE payment ENABLE TRIGGER USER;

ALTER TABLE entry DISABLE TRIGGER USER;
ALTER TABLE entry ADD COLUMN own_id bigint CONSTRAINT entry_own_fkey REFERENCES party,
    ADD COLUMN client_id bigint CONSTRAINT entry_client_fkey REFERENCES party;
UPDATE entry e SET own_id = h.own_id, client_id = h.client_id FROM charge h WHERE h.id = e.charge_id;
UPDATE entry e SET own_id = p.own_id, client_id = p.client_id, project_id = p.project_id, deal_id = p.deal_id,
                   direction_id = p.direction_id, work_type_id = p.work_type_id
  FROM payment p WHERE p.id = e.payment_id;
UPDATE entry e SET project_id = coalesce(e.project_id, t.project_id), deal_id = coalesce(e.deal_id, t.deal_id),
                   work_type_id = coalesce(e.work_type_id, t.work_type_id)
  FROM task t WHERE t.id = e.task_id AND e.charge_id IS NULL;
UPDATE entry e SET project_id = coalesce(e.project_id, c.project_id), client_id = c.client_id, own_id = c.own_id
  FROM contract c WHERE c.id = e.contract_id AND e.charge_id IS NULL;
UPDATE entry e SET client_id = coalesce(e.client_id, j.client_id), direction_id = coalesce(e.direction_id, j.direction_id)
  FROM project j WHERE j.id = e.project_id AND e.charge_id IS NULL;
UPDATE entry e SET client_id = d.party_id
  FROM document d WHERE d.id = e.document_id AND d.kind <> 'bill' AND e.client_id IS NULL;
UPDATE entry e SET own_id = d.own_id FROM document d WHERE d.id = e.document_id AND d.kind <> 'bill' AND e.own_id IS NULL;
UPDATE entry e SET client_id = e.party_id
  FROM account_role r WHERE r.role = 'receivable' AND r.account_id IN (e.debit_id, e.credit_id) AND e.client_id IS NULL;
UPDATE entry e SET own_id = (SELECT min(o.id) FROM party o WHERE o.kind = 'own') WHERE e.own_id IS NULL;
ALTER TABLE entry ENABLE TRIGGER USER;
COMMENT ON TABLE entry IS
    'a transfer: one debit account, one credit account, one amount, one date, so the ledger cannot be out of balance. '
    'A reversal is the same entry with the opposite sign; article_id explains a cash entry in the cash flow; party_id '
    'is the counterparty, client_id for whom it is: never a supplier; append-only';
