-- ---------------------------------------------------------------------------
-- check: what each payment is refused for, and what follows from what it names
-- ---------------------------------------------------------------------------

CREATE FUNCTION payment_dimension(p_payment payment) RETURNS dimension
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v dimension;
BEGIN
    v.own_id := p_payment.own_id;
    v.client_id := p_payment.client_id;
    v.contract_id := p_payment.contract_id;
    v.project_id := p_payment.project_id;
    v.deal_id := p_payment.deal_id;
    v.task_id := p_payment.task_id;
    v.employee_id := p_payment.employee_id;
    v.work_type_id := p_payment.work_type_id;
    v.direction_id := p_payment.direction_id;
    RETURN v;
END $$;
COMMENT ON FUNCTION payment_dimension(payment) IS 'what a payment is about';

-- What followed from what is changed now follows anew: with another task comes
-- that task's project, unless the change names a project too.
CREATE FUNCTION changed_dimension(p_old dimension, p_new dimension, p_on date, p_what text) RETURNS dimension
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_old jsonb := jsonb_strip_nulls(to_jsonb(p_old));
    v_new jsonb := jsonb_strip_nulls(to_jsonb(p_new));
    v_followed jsonb;
BEGIN
    SELECT jsonb_object_agg(o.key, o.value) INTO v_followed FROM jsonb_each(v_old) o
     WHERE v_new -> o.key IS DISTINCT FROM o.value;
    IF v_followed IS NULL THEN
        RETURN p_new;
    END IF;
    v_followed := to_jsonb(complete_dimension(jsonb_populate_record(NULL::dimension, v_followed), p_on, p_what));
    RETURN jsonb_populate_record(NULL::dimension, (
        SELECT jsonb_object_agg(n.key, n.value) FROM jsonb_each(v_new) n
         WHERE v_old -> n.key IS DISTINCT FROM n.value OR v_followed -> n.key IS DISTINCT FROM n.value));
END $$;
COMMENT ON FUNCTION changed_dimension(dimension, dimension, date, text) IS
    'what is left of a changed fact''s dimensions once what followed from those that were changed is taken out';

CREATE FUNCTION refunded_contract(p_refund payment) RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT min(p.contract_id)
      FROM payment p JOIN settling_article s ON s.article = p.article
     WHERE p.party_id = p_refund.party_id AND p.currency = p_refund.currency AND p.flow = 'in'
       AND p.status = 'posted' AND p_refund.contra IS NULL
    HAVING count(DISTINCT p.contract_id) = 1 AND count(*) = count(p.contract_id);
END;
COMMENT ON FUNCTION refunded_contract(payment) IS
    'the contract whose money a refund that names none sends back: the one that all of its client''s payments name';

CREATE FUNCTION completed_payment(p_old payment, p_new payment) RETURNS payment
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v payment := p_new;
    v_what text := format('payment %s', p_new.id);
    v_given dimension := payment_dimension(p_new);
    v_named_contract boolean := p_new.contract_id IS NOT NULL;
    v_settles boolean := EXISTS (SELECT FROM settling_article s WHERE s.article = p_new.article);
BEGIN
    IF p_old.id IS NOT NULL THEN
        IF (payment_dimension(p_old), p_old.party_id, p_old.article, p_old.flow)
            IS NOT DISTINCT FROM (v_given, p_new.party_id, p_new.article, p_new.flow) THEN
            RETURN p_new;
        END IF;
        IF v_given.client_id = p_old.client_id AND p_old.client_id = p_old.party_id
            AND p_new.party_id IS DISTINCT FROM p_old.party_id THEN
            v_given.client_id := NULL;
        END IF;
        v_given := changed_dimension(payment_dimension(p_old), v_given, p_new.paid_on, v_what);
    END IF;
    -- a supplier is no client: only who pays, or is paid back, what clients owe is one
    IF v_settles AND NOT v_named_contract THEN
        v_given.client_id := coalesce(v_given.client_id, p_new.party_id);
        IF p_old.id IS NULL AND p_new.flow = 'out' THEN
            v_given.contract_id := refunded_contract(p_new);
        END IF;
    END IF;
    IF v_given IS NULL THEN  -- rent is about nobody
        v_given.own_id := default_own();
    ELSE
        v_given := complete_dimension(v_given, p_new.paid_on, v_what);
    END IF;
    v.own_id := v_given.own_id;
    v.client_id := v_given.client_id;
    v.contract_id := v_given.contract_id;
    v.project_id := v_given.project_id;
    v.deal_id := v_given.deal_id;
    v.direction_id := v_given.direction_id;
    v.work_type_id := v_given.work_type_id;
    IF v_settles OR v.flow = 'in' AND v_named_contract THEN
        v.party_id := coalesce(v.party_id, v.client_id);
    END IF;
    RETURN v;
END $$;
COMMENT ON FUNCTION completed_payment(payment, payment) IS
    'a payment, new or changed, with all that follows from what it names; money from clients is of the client it is '
    'for. What contradicts itself is refused (23514)';

CREATE FUNCTION check_payment_step(p_old payment, p_new payment) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_labels CONSTANT text[] := '{purpose,bank_ref,source,external_id}';  -- they say nothing about the money
BEGIN
    IF p_old.status = 'void' AND p_new.status <> 'void' THEN
        RAISE EXCEPTION 'payment % is void and stays so', p_old.id
            USING ERRCODE = 'restrict_violation', HINT = 'Enter the payment anew.';
    END IF;
    IF p_new.status = 'void' AND p_old.status = 'void' AND to_jsonb(p_new) <> to_jsonb(p_old) THEN
        RAISE EXCEPTION 'payment % is void and stays as it is', p_old.id
            USING ERRCODE = 'restrict_violation', HINT = 'Enter the payment anew.';
    END IF;
    IF p_new.status = 'void' AND to_jsonb(p_new) - c_labels - 'status' <> to_jsonb(p_old) - c_labels - 'status' THEN
        RAISE EXCEPTION 'payment % is voided as it is', p_old.id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Change its status alone; enter what was really paid as a payment of its own.';
    END IF;
    IF p_old.source = 'netting' AND p_old.status = 'posted' AND to_jsonb(p_new) <> to_jsonb(p_old)
        AND EXISTS (SELECT FROM document d JOIN document_state s USING (kind, status)
                     WHERE d.id = split_part(p_old.external_id, ':', 1)::bigint AND d.kind = 'netting'
                       AND s.binding) THEN
        RAISE EXCEPTION 'payment % is one side of %', p_old.id,
            document_name(split_part(p_old.external_id, ':', 1)::bigint)
            USING ERRCODE = 'restrict_violation', HINT = 'Void that document: that takes both sides back.';
    END IF;
    IF p_old.status = 'posted' AND p_new.status = 'planned' THEN
        RAISE EXCEPTION 'payment % is posted and cannot be planned again', p_old.id
            USING ERRCODE = 'restrict_violation', HINT = 'Void it.';
    END IF;
END $$;
COMMENT ON FUNCTION check_payment_step(payment, payment) IS
    'refuse (23001) what a payment cannot become: what is void stays as it is, voiding changes nothing else, what is '
    'posted is never planned again, and a side of a netting stays while its document does';

-- What settles without money is of three kinds; what we give up is for those who
-- may post it, above the amount that nobody is asked for.
CREATE FUNCTION check_contra(p_payment payment, p_role name DEFAULT current_user,
                             p_before numeric DEFAULT 0) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_contra account;
    v_setting setting;
BEGIN
    SELECT * INTO v_contra FROM account a WHERE a.code = p_payment.contra;
    SELECT * INTO v_setting FROM setting;
    PERFORM require_pay(p_payment.contra, NULL, p_role);
    IF v_contra.kind IN ('income', 'expense') THEN
        PERFORM require_level('controller',
                              format('write off more than %s %s', trim_scale(v_setting.write_off_limit),
                                     v_setting.base_currency), p_role)
          WHERE convert(p_payment.amount + p_before, p_payment.currency, v_setting.base_currency, p_payment.paid_on)
                > v_setting.write_off_limit;
    ELSIF EXISTS (SELECT FROM account_role r WHERE r.account_id = v_contra.id AND r.role = 'opening') THEN
        PERFORM require_level('controller', 'say what the books began with', p_role);
    ELSIF NOT EXISTS (SELECT FROM account_role r WHERE r.account_id = v_contra.id AND r.role = 'netting') THEN
        RAISE EXCEPTION 'nothing is settled by account "%"', v_contra.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_contra_settles',
                HINT = 'An article of income or expense writes off; what is set off and what the books began with have '
                       'the accounts of the roles netting and opening.';
    END IF;
END $$;
COMMENT ON FUNCTION check_contra(payment, name, numeric) IS
    'refuse (23514) what settles by an account that is no article, nor that of nettings or of opening balances; above '
    'setting.write_off_limit, with what was written off before of the same, and for opening balances, a role below '
    'controller (42501)';

CREATE FUNCTION is_paid(p_article text) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM account a
                    WHERE a.code = p_article AND a.kind <> 'cash'
                      AND NOT EXISTS (SELECT FROM account_role r WHERE r.account_id = a.id
                                      AND r.role IN ('receivable', 'payable', 'unbilled', 'opening', 'conversion',
                                                     'netting', 'exchange', 'absorbed_labour', 'absorbed_materials')));
END;
COMMENT ON FUNCTION is_paid(text) IS
    'is an account an article that money is paid for, and not one that the books alone post to?';

CREATE FUNCTION check_payment() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_wrong text;
    v_exponent int;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_exponent := currency_exponent(NEW.currency);
        IF NEW.amount <> round_money(NEW.amount, v_exponent) THEN
            RAISE EXCEPTION 'amount of payment is % %, which % cannot hold', trim_scale(NEW.amount), NEW.currency,
                NEW.currency
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_amount_exact',
                    DETAIL = format('%s has %s decimals.', NEW.currency, v_exponent),
                    HINT = 'Round the amount before you store it.';
        END IF;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM require_pay(OLD.article, OLD.employee_id);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    PERFORM require_pay(NEW.article, NEW.employee_id);
    SELECT format('cash account "%s" is in %s', a.name, a.currency) INTO v_wrong
      FROM cash_account a
     WHERE a.id = NEW.cash_account_id AND a.currency <> NEW.currency
        OR a.id = NEW.to_cash_account_id AND (a.currency = NEW.currency) = (NEW.received IS NOT NULL);
    IF FOUND THEN
        RAISE EXCEPTION 'a payment in % cannot be taken: %', NEW.currency, v_wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_one_currency',
                HINT = 'Enter the amount in that currency; exchange(from_account, to_account, paid, received) moves '
                       'money between currencies.';
    END IF;
    IF NOT is_paid(NEW.article) AND EXISTS (SELECT FROM account a WHERE a.code = NEW.article) THEN
        RAISE EXCEPTION 'nothing is paid for "%"', NEW.article
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_article_paid',
                HINT = 'An article is income, an expense, a tax, loan, asset or capital of table account, and no '
                       'account that the books alone post to: those are in account_role.';
    END IF;
    PERFORM check_contra(NEW) WHERE NEW.contra IS NOT NULL;
    PERFORM refuse_inexact('payment', 'payment_amount_exact', a.currency, 'received', NEW.received)
       FROM cash_account a
      WHERE a.id = NEW.to_cash_account_id
        AND NEW.received <> round_money(NEW.received, currency_exponent(a.currency));
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_payment() IS
    'trigger function of payment: decimals, the currency of its accounts, what settles without money (23514); payments '
    'of pay take a controller (42501)';

CREATE FUNCTION complete_payment() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    c_labels CONSTANT text[] := '{purpose,bank_ref,source,external_id}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        RETURN completed_payment(NULL, NEW);
    END IF;
    NEW := completed_payment(OLD, NEW);
    PERFORM check_payment_step(OLD, NEW);
    IF OLD.status = 'posted' AND NEW.status = 'posted' AND to_jsonb(NEW) - c_labels <> to_jsonb(OLD) - c_labels THEN
        NEW.revision := OLD.revision + 1;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION complete_payment() IS
    'trigger function of payment: completes what it is about, keeps the order of statuses (23001), counts revisions; '
    'SECURITY DEFINER because what follows from a task is no matter of who may see the task''s contract';

CREATE FUNCTION refuse_posted_payment() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION 'payment % is in the ledger and cannot be deleted', OLD.id
        USING ERRCODE = 'restrict_violation', HINT = 'Set its status to void: that posts the reversal.';
END $$;
COMMENT ON FUNCTION refuse_posted_payment() IS
    'trigger function of payment: what was posted is voided, not deleted (23001)';
