-- ---------------------------------------------------------------------------
-- period: what is owed of each tax, month by month
-- ---------------------------------------------------------------------------

CREATE FUNCTION taxes_of(p_taxes jsonb, p_rate numeric, p_tax numeric)
    RETURNS TABLE (no bigint, tax text, rate numeric, amount numeric)
    LANGUAGE plpgsql IMMUTABLE ROWS 1 SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_taxes IS NOT NULL THEN
        RETURN QUERY SELECT t.no, t.value ->> 'tax', (t.value ->> 'rate')::numeric, (t.value ->> 'amount')::numeric
                       FROM jsonb_array_elements(p_taxes) WITH ORDINALITY t (value, no);
    ELSIF p_rate IS NOT NULL OR p_tax <> 0 THEN
        RETURN QUERY SELECT 1::bigint, NULL::text, p_rate, p_tax;
    END IF;
END $$;
COMMENT ON FUNCTION taxes_of(jsonb, numeric, numeric) IS
    'the taxes of a line or position, numbered: those that it has by name, else the one at its fixed rate; none of '
    'what is exempt without a name';

-- Lines by tax, a line at a fixed rate by none that has a name.
CREATE VIEW line_tax WITH (security_invoker) AS
    SELECT l.id AS line_id, l.document_id, x.tax, x.rate::numeric(7,4) AS rate, l.net,
           x.amount::numeric(20,6) AS amount, coalesce(a.id, r.tax) AS account_id, x.no, l.charge_id,
           l.reverses_line_id
      FROM document_line l
     CROSS JOIN role_account r
     CROSS JOIN LATERAL taxes_of(l.taxes, l.tax_rate, l.tax) x
      LEFT JOIN tax t ON t.code = x.tax
      LEFT JOIN account a ON a.code = t.account_code
     WHERE l.net IS NOT NULL;
COMMENT ON VIEW line_tax IS
    'the taxes of stamped lines, a row for each: rate in per cent, the net it is of, its amount in the document''s '
    'currency, the account it is owed on; without a code where the line has a fixed rate';
SELECT allow('reader', 'select', 'line_tax');

CREATE VIEW tax_account WITH (security_invoker) AS
    SELECT r.tax AS account_id FROM role_account r
    UNION SELECT a.id FROM tax t JOIN account a ON a.code = t.account_code;
COMMENT ON VIEW tax_account IS 'the accounts that taxes are owed on';
SELECT allow('controller', 'select', 'tax_account');

-- By the entries: so what is voided is taken back in the month in which it was.
CREATE VIEW tax_period WITH (security_invoker) AS
    SELECT e.own_id, o.name AS own, month(e.entry_on) AS month, k.direction, x.tax, t.name AS tax_name, x.rate,
           e.currency, sum(e.way * x.net)::numeric(18,2) AS net, sum(e.way * x.amount)::numeric(18,2) AS amount,
           coalesce(sum(e.way * round_money(x.amount * e.base_rate, c.exponent::int)), 0)::numeric(18,2) AS base_amount
      FROM (SELECT e.document_id, e.event_id, e.own_id, e.currency, min(e.entry_on) AS entry_on,
                   CASE WHEN v.reverses_id IS NULL THEN 1 ELSE -1 END AS way,
                   max(e.base_amount / nullif(e.amount, 0))
                       FILTER (WHERE e.debit_id IN (SELECT a.account_id FROM tax_account a)
                               OR e.credit_id IN (SELECT a.account_id FROM tax_account a)) AS base_rate
              FROM entry e
              JOIN event v ON v.id = e.event_id
             CROSS JOIN role_account r
             WHERE e.document_id IS NOT NULL AND e.charge_id IS NULL AND e.payment_id IS NULL
               AND v.source = 'document' AND v.key ~ '^[0-9]+:(issue|accept|void)$'
               AND (e.debit_id = r.receivable OR e.credit_id = r.payable)
             GROUP BY 1, 2, 3, 4, v.reverses_id) e
      JOIN document d ON d.id = e.document_id AND d.opened_on IS NULL
     CROSS JOIN LATERAL (SELECT CASE WHEN d.incoming THEN 'purchases' ELSE 'sales' END AS direction) k
      JOIN LATERAL (SELECT y.tax, y.rate, sum(y.net) AS net, sum(y.amount) AS amount
                      FROM line_tax y WHERE y.document_id = d.id GROUP BY 1, 2) x ON true
      LEFT JOIN tax t ON t.code = x.tax
      LEFT JOIN party o ON o.id = e.own_id
     CROSS JOIN setting s
      JOIN currency_code c ON c.code = s.base_currency
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
COMMENT ON VIEW tax_period IS
    'the taxes of sales and purchases by month of posting, own company, tax and rate: net and amount in currency, '
    'base_amount in the base currency; credit notes and what is voided in the month in which they were posted; without '
    'a code at fixed rates of contracts. Sales less purchases is what is owed';
SELECT allow('controller', 'select', 'tax_period');
