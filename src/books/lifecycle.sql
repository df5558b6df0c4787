-- ---------------------------------------------------------------------------
-- lifecycle: figures, the steps of a document and what each step does
--
-- The steps are taken by changing document.status, and a trigger does what
-- belongs to each: sending stamps and numbers, sent reports hold their
-- charges, agreed ones freeze and post them, rejected and void ones release.
-- So no caller can take a step and leave its consequence out.
-- ---------------------------------------------------------------------------

CREATE FUNCTION lock_documents(p_documents bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY(
        SELECT x.party_id FROM document x WHERE x.id = ANY (p_documents)
        UNION SELECT b.party_id FROM document x JOIN document b ON b.id = x.based_on WHERE x.id = ANY (p_documents)));
END $$;
COMMENT ON FUNCTION lock_documents(bigint[]) IS 'hold the parties of documents and of those they are based on';

CREATE FUNCTION period_name(first_day date, period text, anchor_day integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN period = 'month' AND extract(day FROM first_day) = 1 THEN left(iso(first_day), 7)
                ELSE iso(first_day) || ' – ' || iso((upper(period_of(first_day, period, anchor_day)) - 1)) END;
END;
COMMENT ON FUNCTION period_name(date, text, integer) IS 'what papers call a service period, in any language: 2026-03, or its first and last day';

-- The figures of a document's lines as its charges and contents are now.  One
-- position holds one task (employee, day), one price and one sign; tax is
-- rounded a position (or in total) and spread over its lines, so that lines,
-- positions and header all add up to the last digit.  It is PL/pgSQL because
-- that keeps its plan, which no view over documents has to make again.
CREATE FUNCTION document_figures(p_document bigint)
    RETURNS TABLE (line_id bigint, "position" integer, title text, unit text, quantity numeric, price numeric, discount_pct numeric,
                   worked_s bigint, billed_s bigint, amount numeric, discount numeric, tax_rate numeric, net numeric, tax numeric, gross numeric)
    LANGUAGE plpgsql STABLE ROWS 60 COST 4000 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH head AS (
        SELECT d.id, d.kind, d.positions, d.tax_inclusive, d.tax_level, d.discount_pct, d.discount_amount, currency_exponent(d.currency) AS exponent
          FROM document d WHERE d.id = p_document
    ), source AS MATERIALIZED (
        SELECT l.id, h.worked_s, h.billed_s,
               coalesce(h.amount, round_money(coalesce(l.quantity, 1) * coalesce(l.price, 0) * (100 - coalesce(l.discount_pct, 0)) / 100, d.exponent)) AS amount,
               CASE WHEN h.id IS NULL THEN l.tax_rate ELSE k.tax_rate END AS tax_rate,
               CASE WHEN h.id IS NULL THEN l.title
                    WHEN h.source = 'time' AND d.positions = 'employee' THEN m.name
                    WHEN h.source = 'time' AND d.positions = 'day' THEN iso(h.service_date)
                    ELSE coalesce(n.title || CASE WHEN n.kind = 'recurring' THEN ', ' || period_name(h.period_start, k.period, k.anchor_day) ELSE '' END, i.name, CASE WHEN h.source <> 'time' THEN h.reason END, concat_ws(' ', t.number, t.title), h.source) END AS title,
               CASE WHEN h.id IS NULL THEN l.unit WHEN h.source = 'time' THEN 'h' WHEN h.item_id IS NOT NULL THEN i.unit END AS unit,
               CASE WHEN h.id IS NULL THEN l.quantity WHEN h.source <> 'time' THEN h.quantity END AS quantity,
               CASE WHEN h.id IS NULL THEN l.price WHEN coalesce(h.multiplier, 1) = 1 THEN h.price END AS price,
               CASE WHEN h.id IS NULL THEN l.discount_pct ELSE h.discount_pct END AS discount_pct,
               dense_rank() OVER (ORDER BY
                   h.id IS NULL,
                   CASE d.positions WHEN 'task' THEN p.name WHEN 'employee' THEN m.name WHEN 'day' THEN iso(h.service_date) END,
                   CASE d.positions WHEN 'task' THEN t.id WHEN 'employee' THEN m.id END,
                   h.source, n.id, i.id, h.coverage, k.tax_rate, h.price, h.multiplier, h.discount_pct, sign(h.amount), h.reverses_id IS NOT NULL,
                   CASE WHEN h.id IS NULL OR d.positions = 'none' OR h.source NOT IN ('time', 'item') THEN l.id END)::integer AS position
          FROM head d
          JOIN document_line l ON l.document_id = d.id
          LEFT JOIN charge h ON h.id = l.charge_id
          LEFT JOIN contract k ON k.id = h.contract_id
          LEFT JOIN task t ON t.id = h.task_id
          LEFT JOIN project p ON p.id = h.project_id
          LEFT JOIN employee m ON m.id = h.employee_id
          LEFT JOIN item i ON i.id = h.item_id
          LEFT JOIN contract_line n ON n.id = h.contract_line_id AND h.source IN ('fee', 'stage')
    ), discounted AS (
        SELECT x.id, x.discount
          FROM (SELECT array_agg(s.id ORDER BY s.id) AS ids, array_agg(greatest(s.amount, 0) ORDER BY s.id) AS weights, sum(s.amount) AS amount,
                       sum(greatest(s.amount, 0)) AS weight FROM source s) a
         CROSS JOIN head d
         CROSS JOIN LATERAL (SELECT coalesce(d.discount_amount, round_money(a.amount * d.discount_pct / 100, d.exponent)) AS total) t
         CROSS JOIN LATERAL unnest(a.ids, allocate(t.total, a.weights, d.exponent)) AS x (id, discount)
         WHERE t.total <> 0 AND a.weight > 0
    ), line AS (
        SELECT s.*, coalesce(o.discount, 0) AS discount, s.amount - coalesce(o.discount, 0) AS base
          FROM source s LEFT JOIN discounted o ON o.id = s.id
    ), place AS (
        SELECT l.position, sum(l.base) AS base, min(l.tax_rate) AS tax_rate, array_agg(l.id ORDER BY l.id) AS ids,
               array_agg(abs(l.base) ORDER BY l.id) AS weights
          FROM line l GROUP BY l.position
    ), taxed AS (
        SELECT x.position, x.tax
          FROM (SELECT array_agg(p.position ORDER BY p.position) AS positions, array_agg(p.base ORDER BY p.position) AS bases,
                       array_agg(p.tax_rate ORDER BY p.position) AS rates FROM place p) a
         CROSS JOIN head d
         CROSS JOIN LATERAL ROWS FROM (unnest(a.positions), tax_breakdown(a.bases, a.rates, d.tax_inclusive, d.tax_level, d.exponent))
            AS x (position, net, tax, gross)
    ), spread AS (
        SELECT x.id, x.tax
          FROM place p JOIN taxed t ON t.position = p.position
         CROSS JOIN head d
         CROSS JOIN LATERAL unnest(p.ids, CASE WHEN t.tax <> 0 THEN allocate(t.tax, p.weights, d.exponent) END) AS x (id, tax)
    )
    SELECT l.id, l.position, l.title, l.unit, l.quantity, l.price, l.discount_pct, l.worked_s, l.billed_s, l.amount, l.discount, l.tax_rate,
           CASE WHEN d.tax_inclusive THEN l.base - coalesce(s.tax, 0) ELSE l.base END, coalesce(s.tax, 0),
           CASE WHEN d.tax_inclusive THEN l.base ELSE l.base + coalesce(s.tax, 0) END
      FROM line l CROSS JOIN head d LEFT JOIN spread s ON s.id = l.id;
END $$;
COMMENT ON FUNCTION document_figures(bigint) IS
    'lines of a draft with the figures they have now: position on the paper, amount, its share of the document''s discount, net, tax, gross in the '
    'document''s currency; hours as seconds';

CREATE FUNCTION check_report_lines(p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_bad record;
BEGIN
    PERFORM FROM charge h WHERE h.id IN (SELECT l.charge_id FROM document_line l WHERE l.document_id = p_document)
      ORDER BY h.id FOR UPDATE;
    SELECT h.id, coalesce(t.title, h.source) AS title,
           CASE WHEN h.client_id <> d.party_id THEN 'is now of another client'
                WHEN h.currency <> d.currency THEN format('is now in %s', h.currency)
                WHEN h.coverage = 'non_billable' THEN 'is not to be shown to the client any more'
                ELSE 'has a contract of other tax terms now' END AS why
      INTO v_bad
      FROM document d
      JOIN document_line l ON l.document_id = d.id
      JOIN charge h ON h.id = l.charge_id
      LEFT JOIN contract k ON k.id = h.contract_id
      LEFT JOIN task t ON t.id = h.task_id
     WHERE d.id = p_document
       AND (h.client_id <> d.party_id OR h.currency <> d.currency OR h.coverage = 'non_billable'
            OR k.id IS NOT NULL AND (k.tax_inclusive, k.tax_level) <> (d.tax_inclusive, d.tax_level))
     ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% does not fit its work any more: "%" %', document_name(p_document), v_bad.title, v_bad.why
            USING ERRCODE = 'restrict_violation', DETAIL = format('Charge %s was rated again after it was put there.', v_bad.id),
                HINT = 'Take the changes in with refresh_draft().';
    END IF;
END $$;
COMMENT ON FUNCTION check_report_lines(bigint) IS 'lock the charges of a draft by id and refuse (23001) when one has changed its client, currency or tax terms';

CREATE FUNCTION stamp_lines(p_document bigint, OUT net numeric, OUT tax numeric, OUT gross numeric, OUT first_day date, OUT last_day date)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_line record;
    v_discount numeric := (SELECT d.discount_amount FROM document d WHERE d.id = p_document);
BEGIN
    UPDATE document_line l
       SET position = f.position, title = coalesce(l.title, f.title), unit = f.unit, quantity = f.quantity, price = f.price,
           discount_pct = f.discount_pct, worked_s = f.worked_s, billed_s = f.billed_s, amount = f.amount, discount = f.discount,
           tax_rate = f.tax_rate, net = f.net, tax = f.tax, gross = f.gross
      FROM document_figures(p_document) f
     WHERE l.id = f.line_id AND l.net IS NULL;
    SELECT count(*) AS lines, sum(l.amount) AS amount, sum(l.net) AS net, sum(l.tax) AS tax, sum(l.gross) AS gross,
           min(h.service_date) AS first_day, max(h.service_date) AS last_day
      INTO v_line
      FROM document_line l LEFT JOIN charge h ON h.id = l.charge_id WHERE l.document_id = p_document;
    IF v_discount > v_line.amount THEN
        RAISE EXCEPTION '%: a discount of % is more than the % it is taken off', document_name(p_document), trim_scale(v_discount), trim_scale(v_line.amount)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_discount_within', HINT = 'Lower discount_amount of the draft.';
    END IF;
    stamp_lines.net := coalesce(v_line.net, 0);
    stamp_lines.tax := coalesce(v_line.tax, 0);
    stamp_lines.gross := coalesce(v_line.gross, 0);
    stamp_lines.first_day := v_line.first_day;
    stamp_lines.last_day := v_line.last_day;
END $$;
COMMENT ON FUNCTION stamp_lines(bigint) IS 'write the figures of a draft on its lines and return their totals and the days of its work';

-- What a document takes off its charges (its discount, the tax that is in the
-- price) becomes charges of its own, posted with them, so that revenue, the
-- balance of the contract and the profit of the task follow what is really
-- billed: the net of a line is always the sum of its charge and its adjustment.
-- A discount goes with its charge when that is corrected; included tax does
-- not, since the correction is billed with tax included too.
CREATE FUNCTION adjust_lines(p_document bigint) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
BEGIN
    WITH made AS MATERIALIZED (
        SELECT l.id AS line_id, l.net - h.amount AS amount, nextval('charge_id_seq') AS charge_id, h.id AS of_id,
               CASE WHEN d.tax_inclusive AND coalesce(l.discount, 0) <> 0 THEN 'discount, and tax included in the price'
                    WHEN d.tax_inclusive THEN 'tax included in the price' ELSE 'discount' END AS reason
          FROM document d JOIN document_line l ON l.document_id = d.id JOIN charge h ON h.id = l.charge_id
         WHERE d.id = p_document AND l.claim AND l.net <> h.amount ORDER BY l.id
    ), stored AS (
        INSERT INTO charge (id, source, contract_line_id, contract_id, client_id, project_id, deal_id, task_id, employee_id, work_type_id, direction_id,
                            item_id, service_date, period_start, started_at, band, coverage, amount, currency, base_rate, base_amount, cost, base_cost, reason,
                            adjusts_id)
        SELECT m.charge_id, 'adjustment', h.contract_line_id, h.contract_id, h.client_id, h.project_id, h.deal_id, h.task_id, h.employee_id, h.work_type_id,
               h.direction_id, h.item_id, h.service_date, h.period_start, h.started_at, h.band, 'billable', m.amount, h.currency, h.base_rate,
               round_money((h.amount + m.amount) * h.base_rate, currency_exponent(s.base_currency)) - h.base_amount, 0, 0, m.reason,
               CASE WHEN m.reason = 'discount' THEN h.id END
          FROM made m JOIN charge h ON h.id = m.of_id CROSS JOIN setting s
        RETURNING id
    ), linked AS (
        UPDATE document_line l SET adjustment_id = m.charge_id FROM made m WHERE l.id = m.line_id RETURNING m.charge_id
    )
    SELECT array_agg(k.charge_id ORDER BY k.charge_id) INTO v_charges FROM linked k;
    RETURN coalesce(v_charges, '{}');
END $$;
COMMENT ON FUNCTION adjust_lines(bigint) IS 'make the charges that take discount and included tax off the charges of a document; returns their ids';

CREATE FUNCTION reverse_adjustments(p_charges bigint[], p_key text, p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
BEGIN
    WITH reversed AS (
        INSERT INTO charge (source, contract_line_id, contract_id, client_id, project_id, deal_id, task_id, employee_id, work_type_id, direction_id,
                            item_id, service_date, period_start, started_at, band, coverage, amount, currency, base_rate, base_amount, cost, base_cost,
                            reason, frozen_at, reverses_id)
        SELECT h.source, h.contract_line_id, h.contract_id, h.client_id, h.project_id, h.deal_id, h.task_id, h.employee_id, h.work_type_id, h.direction_id,
               h.item_id, h.service_date, h.period_start, h.started_at, h.band, h.coverage, -h.amount, h.currency, h.base_rate, -h.base_amount, 0, 0,
               'taken back: ' || h.reason, now(), h.id
          FROM charge h
         WHERE h.id = ANY (p_charges) AND h.frozen_at IS NOT NULL AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
         ORDER BY h.id
        RETURNING id
    )
    SELECT array_agg(r.id ORDER BY r.id) INTO v_charges FROM reversed r;
    IF v_charges IS NOT NULL THEN
        PERFORM post_charges(open_event(p_key, array_to_string(v_charges, ','), 'adjustments taken back'), v_charges, p_document);
    END IF;
END $$;
COMMENT ON FUNCTION reverse_adjustments(bigint[], text, bigint) IS 'reverse and post adjusting charges whose line is released, but for those that a correction reversed before';

CREATE FUNCTION release_lines(p_lines bigint[], p_by bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_adjustments bigint[] := ARRAY(SELECT l.adjustment_id FROM document_line l
                                     WHERE l.id = ANY (p_lines) AND l.released_at IS NULL AND l.adjustment_id IS NOT NULL ORDER BY 1);
BEGIN
    UPDATE charge h SET held_by = NULL
      FROM document_line l
     WHERE l.id = ANY (p_lines) AND l.released_at IS NULL AND l.claim AND h.id = l.charge_id AND h.held_by = l.document_id AND h.frozen_at IS NULL;
    UPDATE document_line l SET released_at = now(), released_by = p_by WHERE l.id = ANY (p_lines) AND l.released_at IS NULL;
    PERFORM reverse_adjustments(v_adjustments, format('document:%s:release', p_by), p_by);
    -- a task that moved while a report held its work left the work behind
    PERFORM rate_entries(ARRAY(
        SELECT DISTINCT h.time_entry_id FROM document_line l JOIN charge h ON h.id = l.charge_id AND NOT h.fixed JOIN task t ON t.id = h.task_id
         WHERE l.id = ANY (p_lines) AND t.project_id <> h.project_id AND h.time_entry_id IS NOT NULL ORDER BY 1));
END $$;
COMMENT ON FUNCTION release_lines(bigint[], bigint) IS
    'set the charges of lines free again, by a document (void, rejected, superseded, or the credit note): exactly these may then be billed again, '
    'where their task is now';

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
           d.party_id, l.contract_id, l.project_id, d.deal_id, l.task_id, l.employee_id, p.direction_id, d.id
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

-- ---------------------------------------------------------------------------
-- the guard: what may change, which steps are allowed, what each step does
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_step(p_document document, p_status text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_steps text := (SELECT string_agg(t.to_status, ', ' ORDER BY t.to_status) FROM document_transition t
                      WHERE t.kind = p_document.kind AND t.from_status = p_document.status AND t.by_hand);
BEGIN
    RAISE EXCEPTION '% cannot go from % to %', document_name(p_document.id), p_document.status, p_status
        USING ERRCODE = 'restrict_violation',
            DETAIL = CASE WHEN p_status = ANY (string_to_array(v_steps, ', ')) THEN 'Payments or credits of it stand in the way.'
                          WHEN v_steps IS NULL THEN format('There is no step by hand from %s.', p_document.status)
                          ELSE format('From %s it can go to: %s.', p_document.status, v_steps) END,
            HINT = CASE WHEN p_document.kind = 'report' AND p_status IN ('invoiced', 'partly_paid', 'paid')
                        THEN 'A report becomes invoiced by issue_invoice() and paid when its invoice is paid, never by hand.'
                        WHEN p_document.kind IN ('invoice', 'bill') AND p_status IN ('partly_paid', 'paid')
                        THEN 'It becomes paid by the payments allocated to it: allocate_payment().'
                        WHEN p_document.kind = 'invoice' AND p_status = 'void' THEN 'Take its payments back with unallocate() first, or use credit().'
                        WHEN p_document.kind = 'report' AND p_status = 'void' THEN 'Void or credit its invoice first.'
                        WHEN p_document.kind = 'credit_note' AND p_status = 'void' THEN 'Bill what it set free again.'
                        WHEN p_status = 'superseded' THEN 'revise() makes the next revision.'
                        WHEN p_status = 'credited' THEN 'credit() makes a credit note.'
                        ELSE 'Table document_transition lists the steps.' END;
END $$;
COMMENT ON FUNCTION refuse_step(document, text) IS 'raise (23001) that a document cannot take a step, with those it can take and the way out';

CREATE FUNCTION take_step(p_old document, INOUT p_new document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_total record;
    v_number record;
    v_event bigint;
BEGIN
    IF p_old.status = 'draft' AND p_new.status = 'sent' THEN
        IF p_new.kind IN ('report', 'invoice') THEN
            PERFORM check_report_lines(p_new.id);
        END IF;
        SELECT * INTO v_total FROM stamp_lines(p_new.id);
        p_new.net := v_total.net;
        p_new.tax := v_total.tax;
        p_new.gross := v_total.gross;
        p_new.period_from := coalesce(p_new.period_from, v_total.first_day);
        p_new.period_to := coalesce(p_new.period_to, v_total.last_day);
        p_new.issued_on := coalesce(p_new.issued_on, books_today());
        p_new.issued_at := clock_timestamp();
        IF p_new.kind IN ('report', 'invoice', 'act', 'credit_note', 'specification', 'proforma', 'bill')
            AND NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = p_new.id) THEN
            RAISE EXCEPTION '% has no lines', document_name(p_new.id)
                USING ERRCODE = 'restrict_violation', HINT = 'Build it anew over other work, or discard() it.';
        END IF;
        IF p_new.kind IN ('invoice', 'proforma') THEN
            p_new.due_on := coalesce(p_new.due_on, p_new.issued_on + (SELECT p.payment_terms_days FROM party p WHERE p.id = p_new.party_id));
            IF p_new.gross < 0 THEN
                RAISE EXCEPTION '% would be of % %', document_name(p_new.id), trim_scale(p_new.gross), p_new.currency
                    USING ERRCODE = 'restrict_violation',
                        HINT = 'Corrections outweigh the new work: bill them together with later work, or credit() the earlier invoice.';
            END IF;
        END IF;
        IF p_new.kind = 'report' THEN
            UPDATE charge h SET held_by = p_new.id
              FROM document_line l WHERE l.document_id = p_new.id AND h.id = l.charge_id AND h.frozen_at IS NULL;
        END IF;
        IF p_new.kind = 'invoice' THEN
            PERFORM freeze_charges(ARRAY(SELECT l.charge_id FROM document_line l WHERE l.document_id = p_new.id AND l.claim ORDER BY 1)
                                   || adjust_lines(p_new.id), format('document:%s:freeze', p_new.id), p_new.id);
        END IF;
        IF p_new.kind IN ('invoice', 'credit_note') THEN
            PERFORM post_tax(p_new.id, p_new.issued_on);
        END IF;
        IF NOT p_new.incoming THEN
            SELECT * INTO v_number FROM next_number(p_new.own_id, p_new.kind, p_new.issued_on);
            p_new.series_id := v_number.series_id;
            p_new.series_no := v_number.series_no;
            p_new.number := v_number.number;
            p_new.issued_at := clock_timestamp();  -- under the lock of the series, so in the order of the numbers
        END IF;
    ELSIF p_new.kind = 'report' AND p_old.status = 'sent' AND p_new.status = 'agreed' THEN
        PERFORM freeze_charges(ARRAY(SELECT l.charge_id FROM document_line l WHERE l.document_id = p_new.id ORDER BY 1)
                               || adjust_lines(p_new.id), format('document:%s:agree', p_new.id), p_new.id);
    ELSIF p_new.kind = 'bill' AND p_old.status = 'sent' AND p_new.status = 'agreed' THEN
        PERFORM post_bill(p_new.id);
    ELSIF p_new.status = 'void' AND p_old.status <> 'draft' THEN
        SELECT e.id INTO v_event FROM event e
         WHERE e.key = format('document:%s:%s', p_new.id, CASE p_new.kind WHEN 'bill' THEN 'accept' ELSE 'issue' END);
        IF FOUND THEN
            PERFORM reverse_event(v_event, format('document:%s:void', p_new.id),
                                  greatest(p_new.issued_on, (SELECT max(k.locked_through) + 1 FROM period_lock k)));
        END IF;
    END IF;
END $$;
COMMENT ON FUNCTION take_step(document, document) IS
    'what a step does before it is taken: stamp, hold, freeze, post and, last, number; returns the row as it is to be stored';

CREATE FUNCTION guard_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    c_open CONSTANT text[] := '{status,status_reason,status_by,status_said_by,sign_status,sign_at,sign_by,sign_ref,signature,signature_type,file_url,note,deal_id,source,external_id}';
    v_hand boolean;
    v_column text;
BEGIN
    PERFORM lock_parties(ARRAY[OLD.party_id, NEW.party_id]);
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION '% was issued and cannot be deleted', document_name(OLD.id)
                USING ERRCODE = 'restrict_violation', HINT = 'void() keeps it with its number and sets its work free.';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' THEN
            RAISE EXCEPTION 'a document begins as a draft, not as %', NEW.status
                USING ERRCODE = 'restrict_violation', HINT = 'Insert a draft and take it on with transition().';
        END IF;
        RETURN NEW;
    END IF;

    IF OLD.status <> 'draft' AND to_jsonb(OLD) - c_open <> to_jsonb(NEW) - c_open THEN
        SELECT n.key INTO v_column FROM jsonb_each(to_jsonb(NEW) - c_open) n JOIN jsonb_each(to_jsonb(OLD)) o USING (key)
         WHERE n.value <> o.value ORDER BY n.key LIMIT 1;
        RAISE EXCEPTION '% is issued: its % cannot be changed', document_name(OLD.id), v_column
            USING ERRCODE = 'restrict_violation',
                HINT = CASE OLD.kind WHEN 'invoice' THEN 'Take it back with credit() or void() and issue another one.'
                                     ELSE 'Take it back with void(), or make its next revision with revise().' END;
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;

    SELECT t.by_hand INTO v_hand FROM document_transition t
     WHERE t.kind = OLD.kind AND t.from_status = OLD.status AND t.to_status = NEW.status;
    -- A step that follows from something else is only taken when it does.
    IF NOT FOUND OR NOT v_hand AND NEW.status <> 'superseded' AND settled_status(OLD.id) IS DISTINCT FROM NEW.status
        OR NEW.status = 'void' AND EXISTS (SELECT FROM payment_allocation a WHERE a.document_id = OLD.id)
        OR NEW.status = 'void' AND OLD.kind = 'invoice'
           AND EXISTS (SELECT FROM document c WHERE c.based_on = OLD.id AND c.kind = 'credit_note' AND c.status <> 'draft') THEN
        PERFORM refuse_step(OLD, NEW.status);
    END IF;
    NEW.status_by := actor();
    NEW := take_step(OLD, NEW);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_document() IS
    'trigger function of document: issued ones keep their content (23001), steps are those of document_transition, and each does what belongs to it; '
    'SECURITY DEFINER because nobody is granted what a step writes';
CREATE TRIGGER document_guarded BEFORE INSERT OR UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION guard_document();

CREATE FUNCTION follow_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_waiting bigint[];
    v_status text;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
        RETURN NULL;
    END IF;
    INSERT INTO document_status_change (document_id, from_status, to_status, said_by, reason)
    VALUES (CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END, CASE WHEN TG_OP <> 'INSERT' THEN OLD.status END,
            CASE WHEN TG_OP <> 'DELETE' THEN NEW.status END,
            CASE WHEN TG_OP = 'UPDATE' THEN NEW.status_said_by END, CASE WHEN TG_OP = 'UPDATE' THEN NEW.status_reason END);
    IF TG_OP <> 'UPDATE' THEN
        RETURN NULL;
    END IF;

    IF NEW.status IN ('void', 'rejected', 'superseded') THEN
        PERFORM release_lines(ARRAY(SELECT l.id FROM document_line l WHERE l.document_id = NEW.id AND l.released_at IS NULL ORDER BY 1), NEW.id);
    END IF;
    IF NEW.kind = 'invoice' AND NEW.based_on IS NOT NULL THEN
        v_status := settled_status(NEW.based_on);
        UPDATE document d SET status = v_status, status_said_by = NULL, status_reason = format('%s: %s', document_name(NEW.id), NEW.status)
         WHERE d.id = NEW.based_on AND d.kind = 'report' AND d.status <> v_status AND NOT (d.status = 'archived' AND v_status = 'paid');
    END IF;
    IF NEW.kind = 'invoice' AND 'paid' IN (NEW.status, OLD.status) AND 'archived' NOT IN (NEW.status, OLD.status) THEN
        PERFORM notify_paid(NEW.id, NEW.status = 'paid');
    END IF;
    IF NEW.kind = 'specification' AND NEW.status = 'agreed' THEN
        v_waiting := ARRAY(SELECT r.time_entry_id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id
                            WHERE e.task_id = NEW.task_id ORDER BY 1);
        PERFORM rate_entries(v_waiting) WHERE cardinality(v_waiting) > 0;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_document() IS
    'trigger function of document: keeps the change of status, releases, takes the report of an invoice along, tells the manager, rates work that waited '
    'for its specification; SECURITY DEFINER because nobody is granted what follows';
CREATE TRIGGER document_followed AFTER INSERT OR UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION follow_document();

CREATE FUNCTION guard_document_line() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    c_open CONSTANT text[] := '{released_at,released_by,adjustment_id,contract_line_id}';
    v_document document;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = CASE TG_OP WHEN 'INSERT' THEN NEW.document_id ELSE OLD.document_id END;
    IF NOT FOUND OR v_document.status = 'draft' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - c_open = to_jsonb(NEW) - c_open
        AND (OLD.adjustment_id IS NULL OR NEW.adjustment_id = OLD.adjustment_id)
        AND (OLD.contract_line_id IS NULL OR NEW.contract_line_id = OLD.contract_line_id)
        AND (OLD.released_at IS NOT DISTINCT FROM NEW.released_at
             OR OLD.released_at IS NULL AND (v_document.status IN ('void', 'rejected', 'superseded')
                OR EXISTS (SELECT FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id
                            WHERE n.document_id = NEW.released_by AND (r.charge_id = NEW.charge_id OR r.id = NEW.reverses_line_id)))) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is issued: its lines cannot be %', document_name(v_document.id),
        CASE TG_OP WHEN 'INSERT' THEN 'added to' WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END
        USING ERRCODE = 'restrict_violation',
            HINT = CASE v_document.kind WHEN 'invoice' THEN 'Take lines back with credit(), or all of it with void().'
                                        ELSE 'Take it back with void(), or make its next revision with revise().' END;
END $$;
COMMENT ON FUNCTION guard_document_line() IS 'trigger function of document_line: lines of what is issued stay as they are (23001), but for their release';
CREATE TRIGGER document_line_guarded BEFORE INSERT OR UPDATE OR DELETE ON document_line
    FOR EACH ROW EXECUTE FUNCTION guard_document_line();

-- ---------------------------------------------------------------------------
-- steps by hand
-- ---------------------------------------------------------------------------

CREATE FUNCTION open_document(p_document bigint) RETURNS document
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = p_document;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no document %', p_document
            USING ERRCODE = 'foreign_key_violation', HINT = 'View document_card lists the documents.';
    END IF;
    PERFORM lock_documents(ARRAY[p_document]);
    SELECT * INTO v_document FROM document d WHERE d.id = p_document;
    RETURN v_document;
END $$;
COMMENT ON FUNCTION open_document(bigint) IS 'a document whose party is held, and that of what it is based on; refused (23503) when there is none';

CREATE FUNCTION transition(document bigint, status text, reason text DEFAULT NULL, by text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(transition.document);
BEGIN
    IF v_document.status = transition.status THEN
        RETURN v_document.status;
    END IF;
    IF NOT EXISTS (SELECT FROM document_transition t WHERE t.kind = v_document.kind AND t.from_status = v_document.status
                      AND t.to_status = transition.status AND t.by_hand) THEN
        PERFORM refuse_step(v_document, transition.status);
    END IF;
    IF transition.status IN ('rejected', 'void') AND v_document.status <> 'draft' AND coalesce(transition.reason, '') = '' THEN
        RAISE EXCEPTION '% is not % without a reason', document_name(v_document.id), transition.status
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: transition(document, status, reason).';
    END IF;
    UPDATE document d SET status = transition.status, status_reason = transition.reason, status_said_by = nullif(transition.by, '')
     WHERE d.id = v_document.id;
    RETURN transition.status;
END $$;
COMMENT ON FUNCTION transition(bigint, text, text, text) IS
    'take a document to another status and do all that belongs to the step; the same step again changes nothing. rejected and void want a reason. by: on '
    'whose behalf, kept as said_by beside who really did it. '
    'Refused (23001) with the steps that are open when this one is not';
SELECT allow('clerk', 'execute', 'transition');

CREATE FUNCTION void(document bigint, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
BEGIN
    IF coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'a document is not void without a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: void(document, reason).';
    END IF;
    PERFORM transition(document, 'void', reason);
END $$;
COMMENT ON FUNCTION void(bigint, text) IS
    'take a document back: its number stays, the charges it held are free again, what it posted of tax is reversed; refused (23001) once it is paid, in '
    'part or whole, or credited';
SELECT allow('clerk', 'execute', 'void');

CREATE FUNCTION discard(document bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document := open_document(discard.document);
BEGIN
    DELETE FROM document d WHERE d.id = v_document.id;
END $$;
COMMENT ON FUNCTION discard(bigint) IS 'delete a draft and set its charges free; what was issued is refused (23001): void() it';
SELECT allow('clerk', 'execute', 'discard');
