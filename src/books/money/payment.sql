-- ---------------------------------------------------------------------------
-- payment: what payments keep to, and who may see them
-- ---------------------------------------------------------------------------

CREATE FUNCTION open_cash_account() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM cash_account a WHERE a.name = NEW.name) THEN
        RAISE EXCEPTION 'there is a cash account "%" already', NEW.name
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'cash_account_name_key', TABLE = 'cash_account',
                HINT = 'Give another name, or use the account that has it.';
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
    SELECT p.* FROM payment p
     WHERE (SELECT NOT row_security_active('payment'::regclass)) OR p.id IN (SELECT s.id FROM seen_payment s);
COMMENT ON VIEW visible_payment IS
    'payments for the views of figures, within the row policies of whoever asks; granted to nobody';

CREATE FUNCTION require_pay(p_article text, p_employee bigint, p_role name DEFAULT current_user) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_employee IS NOT NULL OR EXISTS (SELECT FROM account a WHERE a.code = p_article AND a.pay) THEN
        PERFORM require_level('controller', 'keep payments of what people are paid', p_role);
    END IF;
END $$;
COMMENT ON FUNCTION require_pay(text, bigint, name) IS
    'refuse (42501) a payment of this article, naming this employee, to a role below controller when it is what people '
    'are paid';

-- Of the owner, because what people are paid is not for all who keep payments.
CREATE VIEW payment_card WITH (security_barrier) AS
    SELECT p.id AS payment_id, p.flow, p.status, p.paid_on, p.accrued_on, p.amount::numeric(18,2) AS amount, p.currency,
           p.cash_account_id, m.name AS cash_account, p.to_cash_account_id, p.article, p.own_id, p.client_id,
           p.party_id, k.name AS party, p.contract_id, p.project_id, p.deal_id, p.task_id, p.direction_id,
           p.work_type_id, p.purpose, p.bank_ref, p.source, p.external_id, p.contra,
           p.received::numeric(18,2) AS received
      FROM visible_payment p
      LEFT JOIN cash_account m ON m.id = p.cash_account_id
      LEFT JOIN party k ON k.id = p.party_id
      LEFT JOIN account a ON a.code = p.article
     WHERE p.employee_id IS NULL AND a.pay IS NOT TRUE;
COMMENT ON VIEW payment_card IS
    'payments with their cash account and party, in their currency, without those of pay (account.pay, or naming an '
    'employee), which table payment has for controllers';
SELECT allow('reader', 'select', 'payment_card');
