-- ---------------------------------------------------------------------------
-- exchange: own money becomes money of another currency
-- ---------------------------------------------------------------------------

CREATE FUNCTION exchange(from_account bigint, to_account bigint, paid numeric, received numeric,
                         on_date date DEFAULT NULL, fee numeric DEFAULT NULL, purpose text DEFAULT NULL,
                         bank_ref text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_from cash_account;
    v_known payment;
    v_id bigint;
    v_on CONSTANT date := coalesce(on_date, books_today());
BEGIN
    SELECT * INTO v_from FROM cash_account a WHERE a.id = from_account;
    IF num_nonnulls(v_from.id, to_account, paid, received) < 4 OR fee <= 0 THEN
        RAISE EXCEPTION 'an exchange is so much out of one account and so much into another'
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('From %s, to %s, paid %s, received %s, fee %s.', coalesce(from_account::text, 'NULL'),
                                coalesce(to_account::text, 'NULL'), coalesce(paid::text, 'NULL'),
                                coalesce(received::text, 'NULL'), coalesce(fee::text, 'NULL')),
                HINT = 'Table cash_account lists the accounts; a fee is above 0, or none.';
    END IF;
    SELECT * INTO v_known FROM payment p
     WHERE p.cash_account_id = from_account AND p.bank_ref = exchange.bank_ref AND p.status <> 'void';
    IF FOUND THEN
        IF (v_known.flow, v_known.to_cash_account_id, v_known.amount, v_known.received, v_known.paid_on,
            (SELECT p.amount FROM payment p
              WHERE p.source = 'exchange' AND p.external_id = v_known.id::text AND p.status <> 'void'))
            IS DISTINCT FROM ('transfer'::text, to_account, paid, received, v_on, fee) THEN
            RAISE EXCEPTION 'payment % was recorded before with other content', v_known.id
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'payment_bank_ref_key', TABLE = 'payment',
                    HINT = 'Send the same content again, or void that payment first.';
        END IF;
        RETURN v_known.id;
    END IF;
    INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, to_cash_account_id, received,
                         purpose, bank_ref)
    VALUES ('transfer', 'posted', v_on, paid, v_from.currency, from_account, to_account, received, purpose, bank_ref)
    RETURNING id INTO v_id;
    INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, purpose, source,
                         external_id)
    SELECT 'out', 'posted', v_on, fee, v_from.currency, from_account, a.code, purpose, 'exchange', v_id::text
      FROM account_role r JOIN account a ON a.id = r.account_id
     WHERE r.role = 'bank_fee' AND fee IS NOT NULL;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION exchange(bigint, bigint, numeric, numeric, date, numeric, text, text) IS
    'move own money between cash accounts of two currencies: paid in the currency of the one, received in that of the '
    'other, on a day (default today); what the rates of that day make of the two is an exchange difference, the fee '
    '(in the currency paid) a payment of the role bank_fee. Returns the payment, a transfer; voiding it takes the '
    'fee back too. The same again under a bank_ref returns the same payment, other content is refused (23505); so are '
    'accounts of one currency (23514) and a day without a rate (23503)';
SELECT allow('clerk', 'execute', 'exchange');
