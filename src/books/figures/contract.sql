-- ---------------------------------------------------------------------------
-- contract figures: charged, received, spent, left
-- ---------------------------------------------------------------------------

CREATE VIEW direct_account WITH (security_invoker) AS
    SELECT a.id FROM account a JOIN line_section x ON x.line = a.line WHERE x.section = 'direct';
COMMENT ON VIEW direct_account IS 'the accounts of direct cost';
SELECT allow('reader', 'select', 'direct_account');

-- What the calendar will make of the periods that are begun and not closed: a
-- subscription is no loss in the middle of its month.
CREATE FUNCTION expected_amount(p_contract bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_base contract := base_contract(p_contract);
    v_contract contract;
    v_until date := least(contract_today(v_base), v_base.ends_on);
    v_span daterange := (open_period(v_base)).span;
    v_fees numeric;
    v_total numeric := 0;
BEGIN
    SELECT * INTO v_contract FROM contract c WHERE c.id = p_contract;
    WHILE v_base.status <> 'draft' AND lower(v_span) <= v_until LOOP
        v_fees := coalesce((
            SELECT sum(d.amount) FROM due_fees(v_base.id, v_span) d
             WHERE d.contract_id = p_contract
               AND NOT EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.source = 'fee'
                               AND h.line_period = lower(v_span) AND h.reverses_id IS NULL)), 0);
        v_total := v_total + without_tax(v_contract, lower(v_span), v_fees + coalesce((
            SELECT greatest(m.due - m.work - v_fees, 0) - m.raised FROM due_minimum(v_base.id, v_span) m
             WHERE m.contract_id = p_contract), 0));
        v_span := service_period(v_base, upper(v_span));
    END LOOP;
    RETURN v_total;
END $$;
COMMENT ON FUNCTION expected_amount(bigint) IS
    'what the open periods of a contract will bring beside what is charged: fees that are due and what lacks to a '
    'minimum charge, from the first period that is not closed to that of today; net, in the currency of the contract';

CREATE FUNCTION expected_seconds(p_contract bigint) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT sum(d.amount)
      FROM contract c
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
     CROSS JOIN LATERAL (SELECT service_period(b, contract_today(b)) AS span) p
     CROSS JOIN LATERAL due_grants(b.id, p.span) d
     WHERE c.id = p_contract AND c.status <> 'draft' AND d.contract_id = c.id AND d.unit = 'seconds'
       AND d.effective_at <= now() AND d.expires_at > now()
       AND NOT EXISTS (SELECT FROM billing_period q WHERE q.contract_id = b.id AND q.period_end >= upper(p.span))
       AND NOT EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = d.line_id AND a.kind = 'included'
                       AND a.period_start = d.period_start);
END;
COMMENT ON FUNCTION expected_seconds(bigint) IS
    'included hours that the calendar gives a contract now and that no work needed yet, in seconds; NULL for none';

-- As whoever asks: a view runs the functions that it calls so.
CREATE FUNCTION unbilled_tax(p_contract bigint, p_tax text, p_inclusive boolean) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    IF p_tax IS NULL AND NOT p_inclusive THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT coalesce(sum(CASE WHEN h.gross IS NOT NULL THEN h.gross - h.amount
                                     ELSE h.amount * tax_rate_on(p_tax, h.service_date) / 100 END), 0)
              FROM charge h
              JOIN charge_place y ON y.charge_id = h.id AND y.place IN ('unbilled', 'reported')
             WHERE h.contract_id = p_contract);
END $$;
COMMENT ON FUNCTION unbilled_tax(bigint, text, boolean) IS
    'the tax of a contract''s work that no invoice has, at the rate of each day, not rounded: in its prices, or beside '
    'them; NULL for no tax_code and prices without tax';
SELECT allow('reader', 'execute', 'unbilled_tax');

-- Money that names no contract is of those whose documents it settles, by what each
-- has of them.
CREATE VIEW contract_settlement WITH (security_barrier) AS
    SELECT e.contract_id, u.currency, u.payment_id, u.document_id,
           CASE WHEN d.kind = 'debt' THEN 0 ELSE x.share END::numeric(20,6) AS receipts,
           CASE WHEN d.kind = 'debt' THEN 0 ELSE x.share * d.tax / d.gross END::numeric(26,12) AS tax,
           x.share::numeric(20,6) AS amount
      FROM payment_use u
      JOIN document d ON d.id = u.document_id AND d.gross <> 0
      JOIN (SELECT e.document_id, e.contract_id, sum(e.amount) AS gross
              FROM visible_entry e JOIN role_account r ON r.receivable = e.debit_id
             WHERE e.document_id IS NOT NULL AND e.charge_id IS NULL
             GROUP BY 1, 2) e ON e.document_id = d.id
     CROSS JOIN LATERAL (SELECT round_money(u.amount * e.gross / d.gross, currency_exponent(u.currency)) AS share) x
     WHERE u.document_flow = 'in' AND u.contract_id IS NULL AND e.contract_id IS NOT NULL;
COMMENT ON VIEW contract_settlement IS
    'what payments that name no contract settle of the documents of each contract: amount, of it receipts (not what '
    'pays debts from before the books) and their tax, in currency';
SELECT allow('controller', 'select', 'contract_settlement');

-- Of the owner, because it sums costs that its reader may not see one by one.
CREATE VIEW contract_figure WITH (security_barrier) AS
    SELECT c.id AS contract_id, (coalesce(p.receipts, 0) + coalesce(n.receipts, 0))::numeric(20,6) AS receipts,
           coalesce(h.charged, 0)::numeric(20,6) AS charged, coalesce(h.worked_s, 0)::bigint AS worked_s,
           coalesce(h.billed_s, 0)::bigint AS billed_s,
           CASE WHEN num_nonnulls(a.remaining_s, x.seconds) > 0
                THEN coalesce(a.remaining_s, 0) + coalesce(x.seconds, 0) END::numeric(20,6) AS remaining_s,
           (coalesce(h.cost, 0) + coalesce(i.cost, 0))::numeric(20,6) AS cost, h.uncosted + i.uncosted AS uncosted,
           x.amount::numeric(20,6) AS expected,
           round_money(coalesce(p.tax, 0) + coalesce(n.tax, 0),
                       currency_exponent(c.currency))::numeric(20,6) AS receipts_tax,
           (coalesce(i.tax, 0) + round_money(
                coalesce(unbilled_tax(c.id, c.tax_code, c.tax_inclusive),
                         (coalesce(h.charged, 0) - coalesce(i.net, 0)) * coalesce(c.tax_rate, 0) / 100),
                currency_exponent(c.currency)))::numeric(20,6) AS tax,
           (coalesce(n.amount, 0) - coalesce(n.receipts, 0) - coalesce(i.owed, 0)
            - coalesce(p.receipts, 0))::numeric(20,6) AS adjustments
      FROM visible_contract c
     CROSS JOIN setting s
     CROSS JOIN role_account r
     CROSS JOIN LATERAL (SELECT expected_amount(c.id) AS amount, expected_seconds(c.id) AS seconds) x
      LEFT JOIN LATERAL (
        -- of what is not matched, the tax is that of the contract; what pays debts from before the books, and what
        -- we gave up, is no receipt of it
        SELECT sum(y.sign * (p.amount - coalesce(u.debts, 0))) AS receipts,
               sum(y.sign * (coalesce(u.tax, 0) + (p.amount - coalesce(u.used, 0)) * y.rate / (100 + y.rate))) AS tax
          FROM visible_payment p
          JOIN settling_article a ON a.article = p.article
         CROSS JOIN LATERAL (SELECT CASE p.flow WHEN 'in' THEN 1 ELSE -1 END AS sign,
                                    coalesce(c.tax_rate, tax_rate_on(c.tax_code, p.paid_on), 0) AS rate) y
         CROSS JOIN LATERAL (SELECT sum(u.amount) AS used, sum(u.amount * d.tax / nullif(d.gross, 0)) AS tax,
                                    sum(u.amount) FILTER (WHERE d.kind = 'debt') AS debts
                               FROM payment_allocation u JOIN document d ON d.id = u.document_id
                              WHERE u.payment_id = p.id) u
         WHERE p.contract_id = c.id AND p.status = 'posted'
           AND (p.contra IS NULL OR p.contra IN (SELECT w.code FROM account w WHERE w.kind NOT IN ('income', 'expense'))
           )) p ON true
      LEFT JOIN LATERAL (
        SELECT sum(h.amount) AS charged, sum(h.worked_s) AS worked_s, sum(h.billed_s) AS billed_s, sum(h.cost) AS cost,
               count(u.id) FILTER (WHERE h.cost IS NULL) AS uncosted
          FROM charge h
          LEFT JOIN uncosted_charge u ON u.id = h.id
         WHERE h.contract_id = c.id
           AND ((SELECT NOT row_security_active('charge'::regclass)) OR sees_charge(h.id))) h ON true
      LEFT JOIN (
        SELECT s.contract_id, sum(s.receipts) AS receipts, sum(s.tax) AS tax, sum(s.amount) AS amount
          FROM contract_settlement s GROUP BY 1) n ON n.contract_id = c.id
      LEFT JOIN LATERAL (
        -- What invoices took over, and their tax; what else stands on the client's account; and direct expenses: one
        -- without a rate to the contract's currency and its reversal are nothing together, in the base currency it is
        -- what it was posted with.
        SELECT sum(x.amount) FILTER (WHERE x.billed AND x.credit_id = r.unbilled) AS net,
               sum(x.amount) FILTER (WHERE x.billed AND x.credit_id <> r.unbilled) AS tax,
               sum(x.owed) FILTER (WHERE NOT x.billed) AS owed,
               sum(x.cost) AS cost,
               coalesce(sum(sign(x.amount)) FILTER (WHERE x.direct AND x.cost IS NULL), 0)::bigint AS uncosted
          FROM (SELECT e.amount, e.credit_id, a.id IS NOT NULL AS direct,
                       e.document_id IS NOT NULL AND e.debit_id = r.receivable
                       AND e.credit_id <> r.opening AS billed,
                       CASE WHEN e.currency <> c.currency OR e.payment_id IS NOT NULL
                                 AND (SELECT row_security_active('payment'::regclass))
                                 AND e.payment_id NOT IN (SELECT n.id FROM seen_payment n) THEN 0
                            WHEN e.debit_id = r.receivable THEN e.amount
                            WHEN e.credit_id = r.receivable THEN -e.amount END AS owed,
                       CASE WHEN a.id IS NOT NULL THEN
                       CASE e.debit_id WHEN a.id THEN 1 ELSE -1 END
                       * CASE c.currency WHEN s.base_currency THEN e.base_amount
                              ELSE round_money(e.amount * exchange_rate_on(e.currency, c.currency, e.entry_on),
                                               currency_exponent(c.currency)) END END AS cost
                  FROM visible_entry e LEFT JOIN direct_account a ON a.id IN (e.debit_id, e.credit_id)
                 WHERE e.contract_id = c.id AND e.charge_id IS NULL) x) i ON true
      LEFT JOIN LATERAL (
        SELECT sum(a.amount - coalesce((SELECT sum(b.burned) FROM charge b WHERE b.allotment_id = a.id),
               0)) AS remaining_s
          FROM allotment a
         WHERE a.contract_id = c.id AND a.unit = 'seconds' AND a.voided_at IS NULL
           AND a.effective_at <= now() AND (a.expires_at IS NULL OR a.expires_at > now())) a ON true;
COMMENT ON VIEW contract_figure IS
    'what contracts come to, in their currency and in seconds, for contract_card; cost as far as it is known, uncosted '
    'how many charges and direct expenses have none in that currency (data_gaps); within the row policies of contract, '
    'charge, payment and entry';
SELECT allow('reader', 'select', 'contract_figure');

CREATE VIEW contract_card WITH (security_invoker) AS
    SELECT c.id AS contract_id, c.number, c.client_id, k.name AS client, c.model, c.status, c.starts_on, c.ends_on,
           c.currency, f.receipts::numeric(18,2) AS receipts, f.charged::numeric(18,2) AS charged,
           (f.receipts + f.adjustments - f.charged - f.tax)::numeric(18,2) AS balance,
           (f.worked_s / 3600.0)::numeric(18,2) AS hours_worked,
           (f.billed_s / 3600.0)::numeric(18,2) AS hours_billed,
           (f.remaining_s / 3600.0)::numeric(18,2) AS hours_left,
           f.cost::numeric(18,2) AS cost,
           p.cash::numeric(18,2) AS profit_cash,
           p.accrual::numeric(18,2) AS profit_accrual,
           (100 * p.cash / nullif(f.receipts - f.receipts_tax, 0))::numeric(18,2) AS margin_cash_pct,
           (100 * p.accrual / nullif(f.charged, 0))::numeric(18,2) AS margin_pct,
           f.uncosted AS uncosted_charges, f.expected::numeric(18,2) AS expected, f.tax::numeric(18,2) AS tax,
           (f.receipts - f.receipts_tax)::numeric(18,2) AS receipts_net,
           f.adjustments::numeric(18,2) AS adjustments
      FROM contract c
      JOIN party k ON k.id = c.client_id
      JOIN contract_figure f ON f.contract_id = c.id
     CROSS JOIN LATERAL (SELECT CASE f.uncosted WHEN 0 THEN f.receipts - f.receipts_tax - f.cost END AS cash,
                                CASE f.uncosted WHEN 0 THEN f.charged - f.cost END AS accrual) p;
COMMENT ON VIEW contract_card IS
    'every contract at this moment, in its currency: receipts with their tax and without (receipts_net), work charged, '
    'net, its tax, what the open periods will bring beside (expected: fees and minimum charges, net), balance with tax '
    '(receipts + adjustments - charged - tax; adjustments: what we gave up or posted by hand, less debts from before '
    'the books that are open), hours, what is left of prepaid and included '
    'hours, cost of labour and of direct expenses as far as it is known, profit by cash (receipts_net - cost) and by '
    'accrual (charged - cost), both margins in percent (NULL without a base); where uncosted_charges, of its expenses '
    'too, have no known cost, profits and margins are NULL (data_gaps)';
SELECT allow('reader', 'select', 'contract_card');

CREATE VIEW loss_making_contract WITH (security_invoker) AS
    SELECT * FROM contract_card
     WHERE receipts_net < cost AND (charged + expected < cost OR receipts_net > 0 AND charged + expected = 0);
COMMENT ON VIEW loss_making_contract IS
    'contracts whose cost exceeds what came in and what was or will be charged for the periods begun, by what is known '
    'of it: the unknown only adds';
SELECT allow('reader', 'select', 'loss_making_contract');
