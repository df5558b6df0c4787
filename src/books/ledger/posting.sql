-- ---------------------------------------------------------------------------
-- posting: who posts what
--
-- What charges, payments and documents mean to the ledger is one view each, all
-- of one shape: of what (source, source_id, charge_id …), the order within it
-- (no), and the columns of entry.  post_entries() posts them.  base_amount is
-- NULL where the day's rate gives it when it is posted.
-- ---------------------------------------------------------------------------

-- What a charge means to the ledger, posted or not: work is revenue, which the
-- client owes when an invoice takes it, and its labour is absorbed at the cost rate: what is really paid to
-- people goes to payroll, so a cost rate moves profit between projects and
-- never invents any.  Items likewise, against purchases.  A cost that is not
-- known posts nothing: it stays where it was paid.  posted is frozen, by the
-- words that the indexes of what is open are made with.
-- Of the owner, as it stands behind figures of those who may not see costs.
CREATE VIEW charge_posting AS
    SELECT 'charge'::text AS source, c.id AS source_id, r.no, c.service_date AS entry_on, r.debit_id, r.credit_id,
           v.amount, CASE r.no WHEN 1 THEN c.currency ELSE s.base_currency END AS currency,
           v.base_amount, NULL::bigint AS article_id,
           c.own_id, c.client_id, c.client_id AS party_id, c.contract_id, c.project_id, c.deal_id, c.task_id,
           c.employee_id, c.direction_id, c.work_type_id, c.id AS charge_id, NULL::bigint AS payment_id,
           NULL::bigint AS document_id, c.committed AND c.held_by IS NULL AS posted
      FROM visible_charge c
     CROSS JOIN setting s
     CROSS JOIN role_account a
     CROSS JOIN LATERAL (VALUES
        (1::bigint, NULL::boolean, a.unbilled, a.revenue),
        (2, true, a.direct_labour, a.absorbed_labour),
        (2, false, a.materials, a.absorbed_materials)) AS r (no, of_time, debit_id, credit_id)
     CROSS JOIN LATERAL (SELECT CASE r.no WHEN 1 THEN c.amount ELSE c.base_cost END AS amount,
                                CASE r.no WHEN 1 THEN c.base_amount ELSE c.base_cost END AS base_amount) v
     WHERE (r.of_time IS NULL OR r.of_time = (c.time_entry_id IS NOT NULL)) AND (v.amount <> 0 OR v.base_amount <> 0);
COMMENT ON VIEW charge_posting IS
    'the ledger entries of each charge, posted or, while it is provisional, as they would be';
SELECT allow('controller', 'select', 'charge_posting');

-- Cash against settlements, and the accrual where the article accrues with its
-- payment.  What of it pays bills, which accrued it already, is taken back when it
-- meets them (match.sql).  What settles without money has its contra account where
-- cash would stand.  Money that changes its currency goes through the account of
-- conversion, which keeps nothing of it: what the rate of the day makes of the two
-- amounts is an exchange difference.
CREATE VIEW payment_posting WITH (security_invoker) AS
    SELECT 'payment'::text AS source, p.id AS source_id, e.no, e.entry_on, e.debit_id, e.credit_id,
           coalesce(e.amount, p.amount)::numeric(20,6) AS amount, coalesce(e.currency, p.currency) AS currency,
           e.base_amount::numeric(20,6) AS base_amount, e.article_id, p.own_id, p.client_id, p.party_id,
           p.contract_id, p.project_id, p.deal_id, p.task_id, p.employee_id, p.direction_id, p.work_type_id,
           NULL::bigint AS charge_id, p.id AS payment_id, NULL::bigint AS document_id, NULL::boolean AS posted
      FROM payment p
      LEFT JOIN cash_account m ON m.id = p.cash_account_id
      LEFT JOIN cash_account t ON t.id = p.to_cash_account_id
      LEFT JOIN account a ON a.code = p.article
      LEFT JOIN account o ON o.code = p.contra
     CROSS JOIN role_account r
     CROSS JOIN setting g
     CROSS JOIN LATERAL (
        SELECT CASE a.kind WHEN 'income' THEN r.receivable WHEN 'expense' THEN r.payable
               ELSE a.id END AS settlement_id, coalesce(m.account_id, o.id) AS account_id,
               CASE WHEN o.id IS NULL THEN a.id END AS article_id, a.accrues AND o.id IS NULL AS accrues,
               p.received IS NOT NULL AS exchanges,
               CASE p.currency WHEN g.base_currency THEN t.currency ELSE p.currency END AS foreign_currency) s
     CROSS JOIN LATERAL (VALUES
        (1::bigint, 'transfer', p.paid_on, CASE WHEN s.exchanges THEN r.conversion ELSE t.account_id END, m.account_id,
         NULL::bigint, true, NULL::numeric, NULL::text, NULL::numeric),
        (2, 'transfer', p.paid_on, t.account_id, r.conversion, NULL, s.exchanges, p.received, t.currency, NULL),
        (3, 'transfer', p.paid_on, r.exchange, r.conversion, NULL, s.exchanges, 0, s.foreign_currency,
         CASE WHEN s.exchanges THEN convert(p.amount, p.currency, g.base_currency, p.paid_on)
                                    - convert(p.received, t.currency, g.base_currency, p.paid_on) END),
        (1, 'in', p.paid_on, s.account_id, s.settlement_id, s.article_id, true, NULL, NULL, NULL),
        (1, 'out', p.paid_on, s.settlement_id, s.account_id, s.article_id, true, NULL, NULL, NULL),
        (2, 'in', coalesce(p.accrued_on, p.paid_on), s.settlement_id, a.id, NULL, s.accrues, NULL, NULL, NULL),
        (2, 'out', coalesce(p.accrued_on, p.paid_on), a.id, s.settlement_id, NULL, s.accrues, NULL, NULL, NULL)
     ) AS e (no, flow, entry_on, debit_id, credit_id, article_id, made, amount, currency, base_amount)
     WHERE e.flow = p.flow AND e.made AND (e.amount <> 0 OR e.base_amount <> 0 OR e.amount IS NULL);
COMMENT ON VIEW payment_posting IS 'the ledger entries that each payment makes when it is posted';
SELECT allow('controller', 'select', 'payment_posting');

-- A line is worth in the base currency what its charges are: so what an invoice
-- takes over from unbilled work leaves nothing there.  What goes free again was
-- worth what other notes left of it.
CREATE VIEW line_worth WITH (security_invoker) AS
    SELECT l.id AS line_id, h.contract_id,
           CASE WHEN x.id IS NULL THEN w.amount
                WHEN l.charge_id IS NOT NULL THEN h.base_amount
                ELSE -w.amount - (SELECT coalesce(sum(c.base_amount), 0)
                                    FROM document_line o JOIN charge c ON c.id = o.charge_id
                                   WHERE o.reverses_line_id = x.id) END::numeric(20,6) AS base_amount
      FROM document_line l
      LEFT JOIN document_line x ON x.id = l.reverses_line_id
      LEFT JOIN document_line b ON b.id = coalesce(x.base_line_id, l.base_line_id)
      LEFT JOIN charge o ON o.id = coalesce(x.charge_id, l.charge_id)
      LEFT JOIN charge a ON a.id = coalesce(b.adjustment_id, x.adjustment_id,
                                            CASE WHEN x.id IS NULL THEN l.adjustment_id END)
      LEFT JOIN charge h ON h.id = coalesce(l.charge_id, o.id)
     CROSS JOIN LATERAL (SELECT o.base_amount + coalesce(a.base_amount, 0) AS amount) w
     WHERE l.kind IN ('invoice', 'credit_note');
COMMENT ON VIEW line_worth IS
    'what the lines of invoices and credit notes are worth net in the base currency, at the rates of the work';
SELECT allow('controller', 'select', 'line_worth');

-- A credit takes tax back as it was posted, whatever the rate of its day: all notes
-- together all of it.
CREATE FUNCTION credited_worth(p_note bigint, p_account bigint, p_contract bigint, p_amount numeric) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent CONSTANT integer := currency_exponent((SELECT s.base_currency FROM setting s));
    v_of record;
    v_before numeric;
BEGIN
    SELECT n.based_on, sum(e.amount) AS amount, sum(e.base_amount) AS base_amount INTO v_of
      FROM document n
      JOIN entry e ON e.document_id = n.based_on AND e.credit_id = p_account
                      AND e.contract_id IS NOT DISTINCT FROM p_contract
      JOIN event v ON v.id = e.event_id AND v.key = format('%s:issue', n.based_on)
     WHERE n.id = p_note AND n.kind = 'credit_note' GROUP BY 1;
    IF coalesce(v_of.amount, 0) = 0 THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(sum(e.amount), 0) INTO v_before
      FROM document n
      JOIN entry e ON e.document_id = n.id AND e.credit_id = p_account
                      AND e.contract_id IS NOT DISTINCT FROM p_contract
      JOIN event v ON v.id = e.event_id AND v.key = format('%s:issue', n.id)
     WHERE n.based_on = v_of.based_on AND n.kind = 'credit_note' AND n.id < p_note;
    RETURN round_money((v_before + p_amount) * v_of.base_amount / v_of.amount, v_exponent)
           - round_money(v_before * v_of.base_amount / v_of.amount, v_exponent);
END $$;
COMMENT ON FUNCTION credited_worth(bigint, bigint, bigint, numeric) IS
    'what an amount of tax that a credit note takes back (below zero) is worth in the base currency, as its invoice '
    'posted it; NULL for other documents';

-- What goes out, by contract: its net is taken over from unbilled work, its tax
-- is payable.  What comes in, line by line: net to its article, its tax against
-- the tax of sales.  A debt from before the books is from their opening.  All of it
-- is owed.
CREATE VIEW document_posting WITH (security_invoker) AS
    SELECT 'document'::text AS source, t.document_id AS source_id,
           row_number() OVER (PARTITION BY t.document_id ORDER BY t.contract_id, t.nth, t.account_id) AS no,
           t.issued_on AS entry_on, r.receivable AS debit_id, t.account_id AS credit_id,
           t.amount::numeric(20,6) AS amount, t.currency, t.base_amount::numeric(20,6) AS base_amount,
           NULL::bigint AS article_id, t.own_id, t.party_id AS client_id,
           t.party_id, t.contract_id, NULL::bigint AS project_id, NULL::bigint AS deal_id, NULL::bigint AS task_id,
           NULL::bigint AS employee_id, NULL::bigint AS direction_id, NULL::bigint AS work_type_id,
           NULL::bigint AS charge_id, NULL::bigint AS payment_id, t.document_id, NULL::boolean AS posted
      FROM (SELECT d.id AS document_id, d.issued_on, d.own_id, d.party_id, d.currency, w.contract_id, 0 AS nth,
                   r.unbilled AS account_id, sum(l.net) AS amount, sum(w.base_amount) AS base_amount
              FROM document d
              JOIN document_kind k ON k.kind = d.kind AND k.account = 'receivable'
              JOIN document_line l ON l.document_id = d.id
              JOIN line_worth w ON w.line_id = l.id
             CROSS JOIN role_account r
             GROUP BY 1, 2, 3, 4, 5, 6, 8
            UNION ALL
            SELECT d.id, d.issued_on, d.own_id, d.party_id, d.currency, h.contract_id, 1, y.account_id, sum(y.amount),
                   credited_worth(d.id, y.account_id, h.contract_id, sum(y.amount))
              FROM document d
              JOIN document_kind k ON k.kind = d.kind AND k.account = 'receivable' AND k.kind <> 'debt'
              JOIN line_tax y ON y.document_id = d.id
              LEFT JOIN document_line x ON x.id = y.reverses_line_id
              LEFT JOIN charge h ON h.id = coalesce(y.charge_id, x.charge_id)
             GROUP BY 1, 2, 3, 4, 5, 6, 8) t
     CROSS JOIN role_account r
     WHERE t.amount <> 0 OR t.base_amount <> 0
    UNION ALL
    SELECT 'document', d.id, 100 * l.id + e.nth, coalesce(d.opened_on, d.issued_on), e.account_id, r.payable,
           e.amount::numeric(20,6), d.currency, NULL::numeric(20,6), NULL, NULL, l.client_id, d.party_id, l.contract_id,
           l.project_id, l.deal_id, l.task_id, l.employee_id, NULL, NULL, NULL, NULL, d.id, NULL
      FROM document d
      JOIN document_kind k ON k.kind = d.kind AND k.account = 'payable'
      JOIN document_line l ON l.document_id = d.id
     CROSS JOIN role_account r
      JOIN (SELECT l.id AS line_id, 0 AS nth, CASE WHEN d.opened_on IS NULL
                                                   THEN account_id(coalesce(l.article, bill_article(d.party_id)))
                                                   ELSE (SELECT o.opening FROM role_account o) END AS account_id,
                   CASE WHEN d.opened_on IS NULL THEN l.net ELSE l.gross END AS amount
              FROM document d JOIN document_line l ON l.document_id = d.id AND l.kind = 'bill'
            UNION ALL
            SELECT y.line_id, y.no, y.account_id, y.amount
              FROM line_tax y JOIN document d ON d.id = y.document_id AND d.kind = 'bill' AND d.opened_on IS NULL) e
        ON e.line_id = l.id
     WHERE e.amount <> 0
    UNION ALL
    SELECT 'document', d.id, l.id, d.opened_on, r.receivable, r.opening, l.gross, d.currency, NULL::numeric(20,6), NULL,
           d.own_id, d.party_id, d.party_id, l.contract_id, l.project_id, l.deal_id, l.task_id, NULL, NULL, NULL, NULL,
           NULL, d.id, NULL
      FROM document d
      JOIN document_line l ON l.document_id = d.id
     CROSS JOIN role_account r
     WHERE d.kind = 'debt' AND l.gross <> 0;
COMMENT ON VIEW document_posting IS
    'the ledger entries of documents: invoices, credit notes and debts brought forward when they are issued, '
    'bills when they are accepted';
SELECT allow('controller', 'select', 'document_posting');

CREATE VIEW due_entry WITH (security_invoker) AS
    SELECT * FROM charge_posting UNION ALL SELECT * FROM payment_posting UNION ALL SELECT * FROM document_posting;
COMMENT ON VIEW due_entry IS 'the ledger entries of all that posts any, whether they are posted or not';
SELECT allow('controller', 'select', 'due_entry');

-- By name, so that a column of entry is posted as soon as the views above have it.
-- Charges and payments were completed when they were written, documents name what
-- their lines name.
DO $$
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION entry_of(p_due due_entry, p_event bigint, p_on date, p_document bigint) RETURNS entry
            LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
        AS $body$
        DECLARE
            v entry;
            v_about dimension;
            v_base text := (SELECT s.base_currency FROM setting s);
        BEGIN
            %1$s
            v.event_id := p_event;
            v.entry_on := p_on;
            v.document_id := coalesce(v.document_id, p_document);
            IF v.base_amount IS NULL THEN
                v.base_amount := CASE WHEN v.currency = v_base THEN v.amount
                                      ELSE convert(v.amount, v.currency, v_base, p_on) END;
            END IF;
            IF p_due.source = 'document' THEN
                %2$s
                v_about := complete_dimension(v_about, p_on, format('document %%s', v.document_id));
                %3$s
            END IF;
            v.own_id := coalesce(v.own_id, default_own());
            RETURN v;
        END $body$ $function$,
        (SELECT string_agg(format('v.%1$I := p_due.%1$I;', a.attname), ' ' ORDER BY a.attnum)
           FROM pg_attribute a JOIN pg_attribute d ON d.attname = a.attname AND d.attrelid = 'due_entry'::regclass
          WHERE a.attrelid = 'entry'::regclass AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT string_agg(format('v_about.%1$I := v.%1$I;', a.attname), ' ' ORDER BY a.attnum)
           FROM pg_attribute a WHERE a.attrelid = 'dimension'::regclass AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT string_agg(format('v.%1$I := v_about.%1$I;', a.attname), ' ' ORDER BY a.attnum)
           FROM pg_attribute a WHERE a.attrelid = 'dimension'::regclass AND a.attnum > 0 AND NOT a.attisdropped));
END $$;
COMMENT ON FUNCTION entry_of(due_entry, bigint, date, bigint) IS
    'an entry as it is posted: of an event, on a day, in the base currency at the rate of that day, with the own '
    'company';

CREATE FUNCTION post_entries(p_source text, p_ids bigint[], p_events bigint[], p_on date DEFAULT NULL,
    p_document bigint DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM put_entries(ARRAY(
        SELECT entry_of(e, x.event_id,
               coalesce(p_on, CASE p_source WHEN 'payment' THEN e.entry_on
               ELSE greatest(e.entry_on, posting_day()) END),
                        p_document)
          FROM due_entry e
          JOIN unnest(p_ids, p_events) x (id, event_id) ON x.id = e.source_id
         WHERE e.source = p_source AND e.source_id = ANY (p_ids)
         ORDER BY e.source_id, e.no));
END $$;
COMMENT ON FUNCTION post_entries(text, bigint[], bigint[], date, bigint) IS
    'post what charges, payments or documents (source) mean to the ledger, each under its event: on one day, or on '
    'their own days, those of charges and documents on the first day that is not locked; p_document is what froze the '
    'charges';
