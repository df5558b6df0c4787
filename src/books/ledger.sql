-- ---------------------------------------------------------------------------
-- ledger: every figure of every report is a sum of these entries and of the
-- charges that are not posted yet
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
SELECT allow('reader', 'select', 'account'), allow('controller', 'insert,update,delete', 'account');

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
SELECT watch('account');

-- Charges, documents and payments are posted to these by their codes.
CREATE FUNCTION keep_account() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.code, NEW.kind) = (OLD.code, OLD.kind) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the books post to account "%": its code and kind stay', OLD.code
        USING ERRCODE = 'restrict_violation', HINT = 'Change its name, or add an account of your own.';
END $$;
COMMENT ON FUNCTION keep_account() IS 'trigger function of account: those that the functions of the books post to keep code and kind, and stay (23001)';
CREATE TRIGGER account_kept BEFORE UPDATE OR DELETE ON account
    FOR EACH ROW WHEN (OLD.code IN ('receivable', 'payable', 'tax_payable', 'revenue', 'direct_labour', 'absorbed_labour', 'contractors', 'materials',
                                    'absorbed_materials'))
    EXECUTE FUNCTION keep_account();

CREATE FUNCTION account_id(code text) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_id bigint := (SELECT a.id FROM account a WHERE a.code = account_id.code);
BEGIN
    IF v_id IS NULL AND code IS NOT NULL THEN
        RAISE EXCEPTION 'unknown account "%"', code
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table account lists the codes.';
    END IF;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION account_id(text) IS 'the account with a code; refused (23503) when there is none';

CREATE TABLE period_lock (
    locked_through date CONSTRAINT period_lock_pkey PRIMARY KEY,
    locked_at timestamptz NOT NULL DEFAULT now(),
    locked_by text NOT NULL DEFAULT actor()
);
COMMENT ON TABLE period_lock IS 'nothing is posted on or before the latest locked_through; deleting the row opens the books again';
SELECT allow('reader', 'select', 'period_lock'), allow('controller', 'insert,delete', 'period_lock');
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON period_lock
    FOR EACH ROW EXECUTE FUNCTION own_columns('locked_at', 'locked_by');
SELECT watch('period_lock');

-- A lock is taken after what is being posted now: who waits for it sees it.
CREATE FUNCTION await_posting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    LOCK TABLE entry IN SHARE ROW EXCLUSIVE MODE;
    PERFORM hold('ledger', '{0}');  -- and who took a snapshot before does not post at all
    RETURN NULL;
END $$;
COMMENT ON FUNCTION await_posting() IS
    'trigger function of period_lock: waits for the transactions that post, and lets others wait; SECURITY DEFINER because nobody may write to the ledger';
CREATE TRIGGER period_lock_waits BEFORE INSERT OR UPDATE ON period_lock
    FOR EACH STATEMENT EXECUTE FUNCTION await_posting();

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
SELECT allow('controller', 'select', 'event');
COMMENT ON COLUMN event.login IS 'the session''s user, beside posted_by, which is actor()';
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Post a reversal: reverse_event(event_id, key).');
CREATE TRIGGER event_owned BEFORE INSERT ON event
    FOR EACH ROW EXECUTE FUNCTION own_table('post() posts an event.');

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
SELECT allow('reader', 'select', 'entry', columns => '{id}'), allow('controller', 'select', 'entry');
CREATE INDEX entry_event_idx ON entry (event_id);
CREATE INDEX entry_debit_idx ON entry (debit_id, entry_on);
CREATE INDEX entry_credit_idx ON entry (credit_id, entry_on);
CREATE INDEX entry_contract_idx ON entry (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX entry_direct_idx ON entry (contract_id) WHERE contract_id IS NOT NULL AND charge_id IS NULL;
CREATE INDEX entry_charge_idx ON entry (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX entry_payment_idx ON entry (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX entry_document_idx ON entry (document_id) WHERE document_id IS NOT NULL;
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Post a reversal: reverse_event(event_id, key).');
CREATE TRIGGER entry_owned BEFORE INSERT ON entry
    FOR EACH ROW EXECUTE FUNCTION own_table('post() posts entries.');

CREATE VIEW seen_entry WITH (security_invoker) AS SELECT id FROM entry;
COMMENT ON VIEW seen_entry IS 'the entries that the row policies of whoever asks let through';
CREATE VIEW visible_entry WITH (security_barrier) AS
    SELECT e.* FROM entry e WHERE (SELECT NOT row_security_active('entry'::regclass)) OR e.id IN (SELECT s.id FROM seen_entry s);
COMMENT ON VIEW visible_entry IS 'entries for the views of figures, within the row policies of whoever asks; granted to nobody';

CREATE FUNCTION check_entries() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_locked date := (SELECT max(locked_through) FROM period_lock);
    v_bad record;
BEGIN
    PERFORM heed('ledger');
    SELECT n.entry_on INTO v_bad FROM new_rows n WHERE n.entry_on <= v_locked LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the books are locked through %: nothing can be posted on %', v_locked, v_bad.entry_on
            USING ERRCODE = 'restrict_violation',
                HINT = 'Post on a later date, or delete the row of period_lock if you may.';
    END IF;
    SELECT n.amount, n.currency, c.exponent INTO v_bad
      FROM new_rows n JOIN currency_code c ON c.code = n.currency
     WHERE n.amount <> round(n.amount, c.exponent) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'an entry of % %, which % cannot hold', trim_scale(v_bad.amount), v_bad.currency, v_bad.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_amount_exact',
                DETAIL = format('%s has %s decimals.', v_bad.currency, v_bad.exponent);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_entries() IS 'trigger function of entry: locked periods (23001) and decimals of the currency (23514), once a statement';
CREATE TRIGGER entry_checked AFTER INSERT ON entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_entries();

-- Open an event under its idempotency key: NULL when the same content was
-- posted under it before.
CREATE FUNCTION open_event(p_key text, p_content text, p_memo text DEFAULT NULL, p_reverses bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_digest bytea := sha256(convert_to(p_content, 'UTF8'));
    v_id bigint;
    v_known bytea;
BEGIN
    IF p_key IS NULL OR p_key = '' THEN
        RAISE EXCEPTION 'an event needs an idempotency key'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a key that is the same when the same event is sent again.';
    END IF;
    INSERT INTO event (key, digest, memo, reverses_id) VALUES (p_key, v_digest, p_memo, p_reverses)
    ON CONFLICT DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT e.digest INTO v_known FROM event e WHERE e.key = p_key;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'event % is reversed already', p_reverses
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'event_reversed_once',
                    HINT = 'Post the event anew if it was right after all.';
        ELSIF v_known <> v_digest THEN
            RAISE EXCEPTION 'event "%" was posted before with other content', p_key
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'event_key_key',
                    HINT = 'Send the same content again, or use another key for another event.';
        END IF;
    END IF;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION open_event(text, text, text, bigint) IS
    'a new event, or NULL when this key was posted before with the same content; refused: the same key with other content (23505), a second reversal '
    'of one event under another key (23001)';

CREATE FUNCTION post(key text, entries jsonb, memo text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_event bigint;
    v_base text;
    v_bad record;
BEGIN
    PERFORM lock_parties('{}');
    v_base := (SELECT s.base_currency FROM setting s);
    entries := json_argument(entries);
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' OR jsonb_array_length(entries) = 0 THEN
        RAISE EXCEPTION 'entries must be a JSON array of at least one entry'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Each entry: {"on": date, "debit": account code, "credit": account code, "amount": "text", "currency": code, …}.';
    END IF;
    SELECT row_number() OVER () AS no, e.value INTO v_bad
      FROM jsonb_array_elements(entries) e
     WHERE jsonb_typeof(e.value) <> 'object' OR NOT e.value ?& ARRAY['on', 'debit', 'credit', 'amount', 'currency'] LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'an entry lacks one of on, debit, credit, amount, currency'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = v_bad.value::text;
    END IF;
    v_event := open_event(key, entries::text, memo);
    IF v_event IS NULL THEN
        RETURN (SELECT e.id FROM event e WHERE e.key = post.key);
    END IF;
    INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount, article_id,
                       party_id, contract_id, project_id, deal_id, task_id, employee_id, direction_id)
    SELECT v_event, given_date(e, 'on'), account_id(e ->> 'debit'), account_id(e ->> 'credit'),
           (e ->> 'amount')::numeric, e ->> 'currency',
           convert((e ->> 'amount')::numeric, e ->> 'currency', v_base, given_date(e, 'on')),
           account_id(e ->> 'article'), (e ->> 'party')::bigint, (e ->> 'contract')::bigint, (e ->> 'project')::bigint,
           (e ->> 'deal')::bigint, (e ->> 'task')::bigint, (e ->> 'employee')::bigint, (e ->> 'direction')::bigint
      FROM jsonb_array_elements(entries) e;
    RETURN v_event;
END $$;
COMMENT ON FUNCTION post(text, jsonb, text) IS
    'post one event of one or more entries and return its id; entries is an array of {"on", "debit", "credit", "amount", "currency"} with account '
    'codes, and optionally "article", "party", "contract", "project", "deal", "task", "employee", "direction" (ids). The same key and content again '
    'returns the same event and posts nothing; the same key with other content is refused (23505)';
SELECT allow('controller', 'execute', 'post');

CREATE FUNCTION reverse_event(event_id bigint, key text, on_date date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_event bigint;
BEGIN
    PERFORM FROM event e WHERE e.id = event_id AND e.reverses_id IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'event % does not exist or is itself a reversal', event_id
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Reverse an original event; to undo a reversal post the event anew.';
    END IF;
    -- What made these posts them and takes them back; a reversal beside it would leave it unposted.
    PERFORM FROM entry e
      WHERE e.event_id = reverse_event.event_id
        AND (e.charge_id IS NOT NULL OR e.payment_id IS NOT NULL AND key NOT LIKE 'payment:%' OR e.document_id IS NOT NULL AND key NOT LIKE 'document:%');
    IF FOUND THEN
        RAISE EXCEPTION 'event % is of charges, a payment or a document and is taken back with them', event_id
            USING ERRCODE = 'restrict_violation', HINT = 'Use correct_entry(), adjust_charge() or void(), or set the status of the payment to void.';
    END IF;
    PERFORM FROM event e WHERE e.reverses_id = event_id AND e.key <> reverse_event.key;
    IF FOUND THEN
        RAISE EXCEPTION 'event % is reversed already', event_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'event_reversed_once',
                HINT = 'Post the event anew if it was right after all.';
    END IF;
    v_event := open_event(key, format('reverse %s on %s', event_id, iso(on_date)), NULL, event_id);
    IF v_event IS NULL THEN
        RETURN (SELECT e.id FROM event e WHERE e.key = reverse_event.key);
    END IF;
    INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount, article_id, party_id, contract_id,
                       project_id, deal_id, task_id, employee_id, direction_id, work_type_id, charge_id, payment_id, document_id)
    SELECT v_event, coalesce(on_date, e.entry_on), e.debit_id, e.credit_id, -e.amount, e.currency, -e.base_amount, e.article_id, e.party_id,
           e.contract_id, e.project_id, e.deal_id, e.task_id, e.employee_id, e.direction_id, e.work_type_id, e.charge_id, e.payment_id,
           e.document_id
      FROM entry e WHERE e.event_id = reverse_event.event_id ORDER BY e.id;
    RETURN v_event;
END $$;
COMMENT ON FUNCTION reverse_event(bigint, text, date) IS
    'post the opposite of an event, on the same dates or on on_date, and return the reversal''s id; an event is reversed once, '
    'and those of charges, payments and documents only with them (23001)';
SELECT allow('controller', 'execute', 'reverse_event');

-- ---------------------------------------------------------------------------
-- posting of charges
-- ---------------------------------------------------------------------------

-- What a charge means to the ledger, posted or not: work is owed by the
-- client, and its labour is absorbed at the cost rate: what is really paid to
-- people goes to payroll, so a cost rate moves profit between projects and
-- never invents any.  Items likewise, against purchases.
-- Of the owner, as it stands behind figures of those who may not see costs.
CREATE VIEW charge_entry AS
    SELECT c.id AS charge_id, c.frozen_at, c.service_date AS entry_on, r.debit, r.credit, r.amount, r.currency, r.base_amount,
           c.client_id AS party_id, c.contract_id, c.project_id, c.deal_id, c.task_id, c.employee_id, c.direction_id, c.work_type_id
      FROM visible_charge c
     CROSS JOIN setting s
     CROSS JOIN LATERAL (VALUES
        ('receivable', 'revenue', c.amount, c.currency, c.base_amount),
        (CASE c.source WHEN 'time' THEN 'direct_labour' ELSE 'materials' END,
         CASE c.source WHEN 'time' THEN 'absorbed_labour' ELSE 'absorbed_materials' END, c.base_cost, s.base_currency, c.base_cost)
     ) AS r (debit, credit, amount, currency, base_amount)
     WHERE r.amount <> 0;
COMMENT ON VIEW charge_entry IS 'the ledger entries of each charge, posted when frozen_at is set, live otherwise; debit and credit are account codes';
SELECT allow('controller', 'select', 'charge_entry');

CREATE FUNCTION freeze_charges(p_charges bigint[], p_key text, p_document bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
    v_event bigint;
BEGIN
    PERFORM FROM charge c WHERE c.id = ANY (p_charges) ORDER BY c.id FOR UPDATE;
    WITH frozen AS (
        UPDATE charge c SET frozen_at = now(), held_by = NULL
         WHERE c.id = ANY (p_charges) AND c.frozen_at IS NULL RETURNING c.id)
    SELECT array_agg(f.id ORDER BY f.id) INTO v_charges FROM frozen f;
    IF v_charges IS NULL THEN
        RETURN 0;
    END IF;
    IF EXISTS (SELECT FROM charge_entry e WHERE e.charge_id = ANY (v_charges)) THEN  -- what is worth nothing posts nothing
        v_event := open_event(p_key, array_to_string(v_charges, ','), 'charges frozen');
        PERFORM post_charges(v_event, v_charges, p_document);
    END IF;
    RETURN cardinality(v_charges);
END $$;
COMMENT ON FUNCTION freeze_charges(bigint[], text, bigint) IS
    'freeze the provisional ones of these charges and post them under an event of that key; returns how many';

CREATE FUNCTION post_charges(p_event bigint, p_charges bigint[], p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount, party_id, contract_id, project_id,
                       deal_id, task_id, employee_id, direction_id, work_type_id, charge_id, document_id)
    SELECT p_event, greatest(e.entry_on, (SELECT max(l.locked_through) + 1 FROM period_lock l)), d.id, k.id, e.amount, e.currency,
           e.base_amount, e.party_id, e.contract_id, e.project_id, e.deal_id, e.task_id, e.employee_id, e.direction_id,
           e.work_type_id, e.charge_id, p_document
      FROM charge_entry e
      JOIN account d ON d.code = e.debit
      JOIN account k ON k.code = e.credit
     WHERE e.charge_id = ANY (p_charges)
     ORDER BY e.charge_id, e.debit DESC;
END $$;
COMMENT ON FUNCTION post_charges(bigint, bigint[], bigint) IS
    'post the entries of charges on their service dates, or on the first day that is not locked';
