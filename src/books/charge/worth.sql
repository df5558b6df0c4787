-- ---------------------------------------------------------------------------
-- worth: open charges are net of the tax of their day, and worth what its rate makes
-- of them
-- ---------------------------------------------------------------------------

CREATE FUNCTION open_net(p_charge charge, OUT gross numeric, OUT amount numeric)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_contract contract;
BEGIN
    gross := p_charge.gross;
    amount := p_charge.amount;
    SELECT * INTO v_contract FROM contract c WHERE c.id = p_charge.contract_id;
    -- a part of another charge is taxed as that was
    IF p_charge.adjusts_id IS NULL AND (v_contract.tax_inclusive OR gross IS NOT NULL) THEN
        amount := without_tax(v_contract, p_charge.service_date, priced(p_charge));
        gross := CASE WHEN v_contract.tax_inclusive THEN priced(p_charge) END;
    END IF;
END $$;
COMMENT ON FUNCTION open_net(charge) IS
    'what an open charge is with the tax that its contract''s prices hold on its day, and without';

-- Neither the tax in a price nor the worth of what is no work bears on anything else.
CREATE FUNCTION revalue_charges(p_charges bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE charge h SET gross = n.gross, amount = n.amount, base_rate = n.rate,
           base_amount = round_money(n.amount * n.rate, n.exponent),
           base_cost = CASE WHEN n.rate = h.base_rate THEN h.base_cost
                            ELSE round_money(h.cost * n.rate, n.exponent) END
      FROM (SELECT o.id, t.gross, t.amount, CASE WHEN o.source = 'time' THEN o.base_rate
                ELSE exchange_rate_on(o.currency, s.base_currency, rate_day(o)) END AS rate,
                   u.exponent::int AS exponent
              FROM setting s
              JOIN currency_code u ON u.code = s.base_currency
             CROSS JOIN charge o
             CROSS JOIN LATERAL open_net(o) t
             WHERE o.id = ANY (p_charges) AND NOT o.committed) n
     WHERE h.id = n.id AND (n.rate <> h.base_rate OR (n.gross, n.amount) IS DISTINCT FROM (h.gross, h.amount));
END $$;
COMMENT ON FUNCTION revalue_charges(bigint[]) IS
    'open charges are net of the tax of their day, and those that are no work are worth in the base currency what the '
    'rate of their day makes of them';

CREATE FUNCTION follow_taxes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_codes text[];
BEGIN
    PERFORM lock_books();  -- work that is being logged is seen then
    CASE TG_OP
        WHEN 'INSERT' THEN v_codes := ARRAY(SELECT n.tax_code FROM new_rows n);
        WHEN 'DELETE' THEN v_codes := ARRAY(SELECT o.tax_code FROM old_rows o);
        ELSE v_codes := ARRAY(SELECT n.tax_code FROM new_rows n UNION SELECT o.tax_code FROM old_rows o);
    END CASE;
    PERFORM revalue_charges(ARRAY(
        SELECT h.id FROM contract c JOIN charge h ON h.contract_id = c.id AND NOT h.committed
         WHERE c.tax_inclusive AND (c.tax_code = ANY (v_codes) OR EXISTS (
            SELECT FROM tax_part p WHERE p.tax_code = c.tax_code AND p.part_code = ANY (v_codes)))
         ORDER BY 1));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_taxes() IS
    'trigger function of tax_rate and tax_part: open charges whose prices hold a tax are net of what it is on their '
    'day; SECURITY DEFINER because nobody is granted UPDATE on charge';
