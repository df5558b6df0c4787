-- ---------------------------------------------------------------------------
-- posting: what charges, documents and payments mean to the ledger
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
        PERFORM take_back_event(v.id, v.key || ':void')
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

CREATE FUNCTION post_tax(p_document bigint, p_on date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_event bigint;
    v_base text := (SELECT s.base_currency FROM setting s);
BEGIN
    IF NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = p_document AND l.tax <> 0) THEN
        RETURN;
    END IF;
    v_event := open_event(format('document:%s:issue', p_document), p_document::text, 'tax on sales');
    INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount, party_id, contract_id, document_id)
    SELECT v_event, p_on, account_id('receivable'), account_id('tax_payable'), t.tax, t.currency, convert(t.tax, t.currency, v_base, p_on),
           t.party_id, t.contract_id, p_document
      FROM (SELECT d.party_id, d.currency, h.contract_id, sum(l.tax) AS tax
              FROM document d
              JOIN document_line l ON l.document_id = d.id
              LEFT JOIN document_line r ON r.id = l.reverses_line_id
              LEFT JOIN charge h ON h.id = coalesce(r.charge_id, l.charge_id)
             WHERE d.id = p_document GROUP BY 1, 2, 3) t
     WHERE t.tax <> 0 ORDER BY t.contract_id;
END $$;
COMMENT ON FUNCTION post_tax(bigint, date) IS 'post the tax of an invoice or credit note on its tax date: receivable to tax payable, by contract';

CREATE FUNCTION post_bill(p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_base text := (SELECT s.base_currency FROM setting s);
    v_event bigint := open_event(format('document:%s:accept', p_document), p_document::text, 'bill accepted');
BEGIN
    INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount, party_id, contract_id, project_id, deal_id, task_id,
                       employee_id, direction_id, document_id)
    SELECT v_event, e.entry_on, account_id(a.article), account_id('payable'), a.amount, d.currency, convert(a.amount, d.currency, v_base, e.entry_on),
           d.party_id, l.contract_id, l.project_id, l.deal_id, l.task_id, l.employee_id, p.direction_id, d.id
      FROM document d
      JOIN document_line l ON l.document_id = d.id
      LEFT JOIN project p ON p.id = l.project_id
     CROSS JOIN LATERAL (VALUES (coalesce(l.article, bill_article(d.party_id)), l.net), ('tax_payable', l.tax)) AS a (article, amount)
     CROSS JOIN LATERAL (SELECT greatest(d.issued_on, (SELECT max(k.locked_through) + 1 FROM period_lock k)) AS entry_on) e
     WHERE d.id = p_document AND a.amount <> 0
     ORDER BY l.id, a.article = 'tax_payable';
END $$;
COMMENT ON FUNCTION post_bill(bigint) IS
    'post an accepted bill on its date: net to its article (bill_article() where it names none), its tax against tax payable, all to payable';
