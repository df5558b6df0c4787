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
COMMENT ON TABLE cash_account IS 'bank accounts and cash desks, each with a ledger account of its own, made with it; floor_amount below which there is a cash gap';
SELECT allow('reader', 'select', 'cash_account'), allow('controller', 'insert,update,delete', 'cash_account');
SELECT watch('cash_account');

CREATE FUNCTION open_cash_account() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM cash_account a WHERE a.name = NEW.name) THEN
        RAISE EXCEPTION 'there is a cash account "%" already', NEW.name
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'cash_account_name_key', TABLE = 'cash_account', HINT = 'Give another name, or use the account that has it.';
    END IF;
    IF NEW.account_id IS NULL THEN
        INSERT INTO account (code, name, kind) VALUES ('cash ' || NEW.name, NEW.name, 'cash')
        RETURNING id INTO NEW.account_id;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION open_cash_account() IS 'trigger function of cash_account: opens its ledger account';
CREATE TRIGGER cash_account_opened BEFORE INSERT ON cash_account
    FOR EACH ROW EXECUTE FUNCTION open_cash_account();

CREATE TABLE payment (
    id bigserial CONSTRAINT payment_pkey PRIMARY KEY,
    flow text NOT NULL
        CONSTRAINT payment_flow_known CHECK (flow IN ('in', 'out', 'transfer')),
    status text NOT NULL DEFAULT 'planned'
        CONSTRAINT payment_status_known CHECK (status IN ('planned', 'posted', 'void')),
    paid_on date NOT NULL CONSTRAINT payment_date_finite CHECK (isfinite(paid_on)),
    accrued_on date CONSTRAINT payment_accrual_finite CHECK (isfinite(accrued_on)),
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
    settles_bills boolean NOT NULL DEFAULT false,
    purpose text,
    bank_ref text,
    source text,
    external_id text,
    revision integer NOT NULL DEFAULT 1,
    made_from jsonb,
    CONSTRAINT payment_external_key UNIQUE (source, external_id),
    CONSTRAINT payment_bank_ref_key UNIQUE (cash_account_id, bank_ref),
    CONSTRAINT payment_transfer_has_target CHECK ((flow = 'transfer') = (to_cash_account_id IS NOT NULL)),
    CONSTRAINT payment_has_article CHECK (flow = 'transfer' OR article IS NOT NULL),
    CONSTRAINT payment_posted_on_account CHECK (status <> 'posted' OR cash_account_id IS NOT NULL)
);
COMMENT ON TABLE payment IS
    'money in, out and between own accounts. planned: a row of the payment calendar; posted: cash, in the ledger; void: taken back by a reversal. '
    'article is the account that explains it; accrued_on the day its cost belongs to where that is not paid_on; settles_bills: its cost came with the '
    'bills it pays, so it accrues nothing; made_from the content that record_payment() made it of. '
    'Changing a posted payment reverses its entries and posts them anew';
SELECT allow('reader', 'select', 'payment', columns => '{id}'), allow('clerk', 'select', 'payment', but => '{amount,employee_id,purpose,made_from}'),
       allow('clerk', 'insert,update', 'payment', but => '{settles_bills,revision,made_from}'), allow('clerk', 'delete', 'payment'),
       allow('controller', 'select', 'payment');
CREATE INDEX payment_contract_idx ON payment (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX payment_paid_on_idx ON payment (paid_on);
ALTER TABLE allotment ADD CONSTRAINT allotment_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment;
ALTER TABLE entry ADD CONSTRAINT entry_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment;
CREATE TRIGGER payment_amount_exact BEFORE INSERT OR UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION check_exact('amount');
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION own_columns('revision', 'made_from: record_payment() keeps it.', 'settles_bills: pay_bill() and allocate_payment() tie a payment to the bills it settles.');
SELECT watch('payment');

CREATE VIEW seen_payment WITH (security_invoker) AS SELECT id FROM payment;
COMMENT ON VIEW seen_payment IS 'the payments that the row policies of whoever asks let through';
CREATE VIEW visible_payment WITH (security_barrier) AS
    SELECT p.* FROM payment p WHERE (SELECT NOT row_security_active('payment'::regclass)) OR p.id IN (SELECT s.id FROM seen_payment s);
COMMENT ON VIEW visible_payment IS 'payments for the views of figures, within the row policies of whoever asks; granted to nobody';

CREATE FUNCTION is_pay(p_article text, p_employee bigint) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT p_employee IS NOT NULL OR EXISTS (SELECT FROM account a WHERE a.code = p_article AND a.pay);
END;
COMMENT ON FUNCTION is_pay(text, bigint) IS 'is a payment of this article, naming this employee, what people are paid? That is for controllers';

CREATE FUNCTION require_pay(p_article text, p_employee bigint, p_role name DEFAULT current_user) RETURNS void
    LANGUAGE sql STABLE SET search_path FROM CURRENT
BEGIN ATOMIC
    SELECT require_level('controller', 'keep payments of what people are paid', p_role) WHERE is_pay(p_article, p_employee);
END;
COMMENT ON FUNCTION require_pay(text, bigint, name) IS 'refuse (42501) what people are paid to a role below controller';

-- Of the owner, because what people are paid is not for all who keep payments.
CREATE VIEW payment_card WITH (security_barrier) AS
    SELECT p.id AS payment_id, p.flow, p.status, p.paid_on, p.accrued_on, p.amount::numeric(18,2) AS amount, p.currency, p.cash_account_id, m.name AS cash_account,
           p.to_cash_account_id, p.article, p.party_id, k.name AS party, p.contract_id, p.project_id, p.deal_id, p.task_id, p.direction_id,
           p.purpose, p.bank_ref, p.source, p.external_id
      FROM visible_payment p
      LEFT JOIN cash_account m ON m.id = p.cash_account_id
      LEFT JOIN party k ON k.id = p.party_id
      LEFT JOIN account a ON a.code = p.article
     WHERE p.employee_id IS NULL AND a.pay IS NOT TRUE;
COMMENT ON VIEW payment_card IS
    'payments with their cash account and party, in their currency, without those of pay (account.pay, or naming an employee), which '
    'table payment has for controllers';
SELECT allow('reader', 'select', 'payment_card');

-- What is paid back counts against credit, a contract keeps its currency once
-- it is paid, and what is allocated is not changed away.
CREATE FUNCTION lock_payment_parties() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(CASE WHEN TG_OP = 'UPDATE' OR NEW.flow = 'out' THEN ARRAY[OLD.party_id, NEW.party_id] ELSE '{}' END);
    PERFORM lock_contracts(ARRAY[OLD.contract_id, NEW.contract_id]) WHERE num_nonnulls(OLD.contract_id, NEW.contract_id) > 0;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION lock_payment_parties() IS
    'trigger function of payment: holds the party that is paid back, the client of the contract, and whom a change concerns; SECURITY DEFINER because nobody '
    'is granted the locks';
CREATE TRIGGER payment_account_locked BEFORE INSERT OR UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION lock_payment_parties();

CREATE FUNCTION check_payment() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_labels CONSTANT text[] := '{purpose,bank_ref,source,external_id}';  -- they say nothing about the money
    v_wrong text;
BEGIN
    PERFORM require_pay(OLD.article, OLD.employee_id);
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    PERFORM require_pay(NEW.article, NEW.employee_id);
    SELECT format('cash account "%s" is in %s', a.name, a.currency) INTO v_wrong
      FROM cash_account a WHERE a.id IN (NEW.cash_account_id, NEW.to_cash_account_id) AND a.currency <> NEW.currency;
    IF NOT FOUND THEN
        SELECT format('contract "%s" is in %s', c.number, c.currency) INTO v_wrong
          FROM contract c JOIN account a ON a.code = NEW.article AND NOT a.accrues
         WHERE c.id = NEW.contract_id AND c.currency <> NEW.currency;
    END IF;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION 'a payment in % cannot be taken: %', NEW.currency, v_wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_one_currency',
                HINT = 'Enter the amount in that currency; an exchange is a payment out of one account and one into the other.';
    END IF;
    IF EXISTS (SELECT FROM contract c WHERE c.id = NEW.contract_id AND NEW.flow = 'in' AND c.client_id <> NEW.party_id) THEN
        RAISE EXCEPTION 'contract % is not with party %, who pays', NEW.contract_id, NEW.party_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_contract_client', HINT = 'Leave party_id empty, or name the contract''s client.';
    END IF;
    IF NEW.party_id IS NULL AND NEW.contract_id IS NOT NULL AND NEW.flow = 'in' THEN
        NEW.party_id := (SELECT c.client_id FROM contract c WHERE c.id = NEW.contract_id);
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status = 'void' AND NEW.status <> 'void' THEN
        RAISE EXCEPTION 'payment % is void and stays so', OLD.id
            USING ERRCODE = 'restrict_violation', HINT = 'Enter the payment anew.';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.status = 'void'
        AND (CASE OLD.status WHEN 'void' THEN to_jsonb(NEW) <> to_jsonb(OLD)
                             ELSE to_jsonb(NEW) - c_labels - 'status' <> to_jsonb(OLD) - c_labels - 'status' END) THEN
        RAISE EXCEPTION 'payment % % as it is', OLD.id, CASE OLD.status WHEN 'void' THEN 'is void and stays' ELSE 'is voided' END
            USING ERRCODE = 'restrict_violation',
                HINT = CASE OLD.status WHEN 'void' THEN 'Enter the payment anew.' ELSE 'Change its status alone; enter what was really paid as a payment of its own.' END;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status = 'posted' AND NEW.status = 'planned' THEN
        RAISE EXCEPTION 'payment % is posted and cannot be planned again', OLD.id
            USING ERRCODE = 'restrict_violation', HINT = 'Void it.';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status = 'posted' AND NEW.status = 'posted'
        AND to_jsonb(NEW) - c_labels <> to_jsonb(OLD) - c_labels THEN
        NEW.revision := OLD.revision + 1;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_payment() IS
    'trigger function of payment: one currency with its account and contract, the contract''s client, the order of statuses; voiding changes nothing else, '
    'and what is void stays as it is (23001); counts revisions; payments of pay take a controller (42501)';
CREATE TRIGGER payment_checked BEFORE INSERT OR UPDATE OR DELETE ON payment
    FOR EACH ROW EXECUTE FUNCTION check_payment();

CREATE FUNCTION refuse_posted_payment() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION 'payment % is in the ledger and cannot be deleted', OLD.id
        USING ERRCODE = 'restrict_violation', HINT = 'Set its status to void: that posts the reversal.';
END $$;
COMMENT ON FUNCTION refuse_posted_payment() IS 'trigger function of payment: what was posted is voided, not deleted (23001)';
CREATE TRIGGER payment_kept BEFORE DELETE ON payment
    FOR EACH ROW WHEN (OLD.status <> 'planned') EXECUTE FUNCTION refuse_posted_payment();

-- The entries of payments as they stand: cash against settlements, and the
-- accrual where the article accrues with its payment.
CREATE VIEW payment_entry WITH (security_invoker) AS
    SELECT p.id AS payment_id, p.revision, e.entry_on, e.debit_id, e.credit_id, p.amount, p.currency, e.article_id,
           p.party_id, p.contract_id, p.project_id, p.deal_id, p.task_id, p.employee_id, p.direction_id
      FROM payment p
      JOIN cash_account m ON m.id = p.cash_account_id
      LEFT JOIN cash_account t ON t.id = p.to_cash_account_id
      LEFT JOIN account a ON a.code = p.article
     CROSS JOIN LATERAL (
        SELECT CASE a.kind WHEN 'income' THEN account_id('receivable')
                           WHEN 'expense' THEN account_id('payable')
                           ELSE a.id END AS settlement_id) s
     CROSS JOIN LATERAL (
        SELECT p.paid_on AS entry_on, t.account_id AS debit_id, m.account_id AS credit_id, NULL::bigint AS article_id
         WHERE p.flow = 'transfer'
        UNION ALL
        SELECT p.paid_on, m.account_id, s.settlement_id, a.id WHERE p.flow = 'in'
        UNION ALL
        SELECT p.paid_on, s.settlement_id, m.account_id, a.id WHERE p.flow = 'out'
        UNION ALL
        SELECT coalesce(p.accrued_on, p.paid_on), s.settlement_id, a.id, NULL WHERE p.flow = 'in' AND a.accrues
        UNION ALL
        SELECT coalesce(p.accrued_on, p.paid_on), a.id, s.settlement_id, NULL WHERE p.flow = 'out' AND a.accrues AND NOT p.settles_bills
     ) e;
COMMENT ON VIEW payment_entry IS 'the ledger entries that each payment makes when it is posted';
SELECT allow('controller', 'select', 'payment_entry');

CREATE FUNCTION post_payments() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_posted bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_posted := ARRAY(SELECT n.id FROM new_rows n WHERE n.status = 'posted' ORDER BY n.id);
    ELSE
        PERFORM reverse_event(v.id, v.key || ':void')
           FROM (SELECT v.id, v.key FROM old_rows o JOIN new_rows n USING (id)
                   JOIN event v ON v.key = format('payment:%s:%s', o.id, o.revision)
                  WHERE o.status = 'posted' AND (n.status = 'void' OR n.revision <> o.revision) ORDER BY o.id) v;
        v_posted := ARRAY(SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
                           WHERE n.status = 'posted' AND (o.status <> 'posted' OR n.revision <> o.revision) ORDER BY n.id);
    END IF;
    PERFORM post_payment(x.id) FROM unnest(v_posted) WITH ORDINALITY x (id, no) ORDER BY x.no;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION post_payments() IS
    'trigger function of payment: posts what became posted, reverses what became void, does both for what changed; SECURITY DEFINER because '
    'nobody is granted INSERT on the ledger';

CREATE FUNCTION post_payment(p_payment bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_base text := (SELECT s.base_currency FROM setting s);
    v_event bigint;
BEGIN
    SELECT open_event(format('payment:%s:%s', p.id, p.revision), format('%s %s %s', iso(p.paid_on), p.amount, p.currency)) INTO v_event
      FROM payment p WHERE p.id = p_payment;
    INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount, article_id, party_id, contract_id,
                       project_id, deal_id, task_id, employee_id, direction_id, payment_id)
    SELECT v_event, e.entry_on, e.debit_id, e.credit_id, e.amount, e.currency,
           convert(e.amount, e.currency, v_base, e.entry_on), e.article_id, e.party_id, e.contract_id, e.project_id, e.deal_id, e.task_id,
           e.employee_id, e.direction_id, e.payment_id
      FROM payment_entry e WHERE e.payment_id = p_payment ORDER BY e.article_id IS NULL;
END $$;
COMMENT ON FUNCTION post_payment(bigint) IS 'post the entries of one payment, as it stands, under an event of its id and revision, valued in the base currency on their dates';

CREATE TRIGGER payment_posted_new AFTER INSERT ON payment REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION post_payments();
CREATE TRIGGER payment_posted_changed AFTER UPDATE ON payment REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION post_payments();
CREATE TRIGGER payment_named BEFORE UPDATE OF id ON payment
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER payment_not_truncated BEFORE TRUNCATE ON payment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Set the status of payments to void: that posts the reversals.');

-- Whose people log their hours is in the figures at their cost rates already:
-- what they are paid is payroll, or their work would cost twice.
CREATE FUNCTION bill_article(p_party bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN EXISTS (SELECT FROM employee m WHERE m.party_id = p_party) THEN 'payroll' ELSE 'contractors' END;
END;
COMMENT ON FUNCTION bill_article(bigint) IS 'the article of a party''s bill that names none: payroll where its people log their hours here, contractors else';

CREATE FUNCTION keep_meaning() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_books();
    IF (CASE TG_TABLE_NAME
           WHEN 'currency_code' THEN EXISTS (SELECT FROM charge h WHERE h.currency = to_jsonb(OLD) ->> 'code')
                                    OR EXISTS (SELECT FROM entry e WHERE e.currency = to_jsonb(OLD) ->> 'code')
           ELSE EXISTS (SELECT FROM entry e WHERE (to_jsonb(OLD) ->> 'account_id')::bigint IN (e.debit_id, e.credit_id)) END) THEN
        RAISE EXCEPTION '% % has postings and keeps its %', replace(TG_TABLE_NAME, '_', ' '), coalesce(to_jsonb(OLD) ->> 'name', to_jsonb(OLD) ->> 'code'), TG_ARGV[0]
            USING ERRCODE = 'restrict_violation', HINT = 'What is posted would mean something else; add another row.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_meaning() IS
    'trigger function of currency_code and cash_account: what gives postings their meaning stays once there are any (23001); SECURITY DEFINER because nobody is '
    'granted the locks';
CREATE TRIGGER currency_code_kept BEFORE UPDATE OF exponent ON currency_code
    FOR EACH ROW WHEN (NEW.exponent <> OLD.exponent) EXECUTE FUNCTION keep_meaning('exponent');
CREATE TRIGGER cash_account_kept BEFORE UPDATE OF currency, account_id ON cash_account
    FOR EACH ROW WHEN ((NEW.currency, NEW.account_id) IS DISTINCT FROM (OLD.currency, OLD.account_id)) EXECUTE FUNCTION keep_meaning('currency and account');
