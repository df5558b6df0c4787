-- ---------------------------------------------------------------------------
-- payment: what payments keep to, and who may see them
-- ---------------------------------------------------------------------------

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

CREATE FUNCTION refuse_posted_payment() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION 'payment % is in the ledger and cannot be deleted', OLD.id
        USING ERRCODE = 'restrict_violation', HINT = 'Set its status to void: that posts the reversal.';
END $$;
COMMENT ON FUNCTION refuse_posted_payment() IS 'trigger function of payment: what was posted is voided, not deleted (23001)';
