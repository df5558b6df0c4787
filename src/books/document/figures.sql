-- ---------------------------------------------------------------------------
-- figures: the lines of a draft, and the stamping of them
-- ---------------------------------------------------------------------------

-- A charge stays what it was when the contract's prices hold the tax from now on, or
-- hold it no more.
CREATE FUNCTION on_paper(p_gross numeric, p_amount numeric, p_inclusive boolean, p_tax_rate numeric,
                         p_exponent integer) RETURNS numeric
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN NOT p_inclusive THEN p_amount
                WHEN p_gross IS NULL
                THEN round_money(p_amount * (100 + coalesce(p_tax_rate, 0)) / 100, p_exponent)
                ELSE p_gross END;
END;
COMMENT ON FUNCTION on_paper(numeric, numeric, boolean, numeric, integer) IS
    'what a charge is on a document whose prices hold the tax (inclusive), or are without it';

-- In one division, so that nothing is lost before the rounding.
CREATE FUNCTION position_amount(p_quantity numeric, p_seconds bigint, p_price numeric, p_discount_pct numeric,
                                p_exponent integer) RETURNS numeric
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT round_money(coalesce(p_quantity * 3600, p_seconds) * p_price * (100 - coalesce(p_discount_pct, 0)) / 360000,
                       p_exponent);
END;
COMMENT ON FUNCTION position_amount(numeric, bigint, numeric, numeric, integer) IS
    'what a position of a paper comes to: its quantity, or its time where that is NULL, at its price less discount, '
    'rounded once; NULL without a price';

-- Each charge was rounded by itself, by half a unit at most, and so is the position.
CREATE FUNCTION only_rounded(p_due numeric, p_amount numeric, p_charges bigint, p_exponent integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT p_charges > 1 AND p_due <> p_amount AND 2 * abs(p_due - p_amount) <= (p_charges + 1) * 10.0 ^ -p_exponent;
END;
COMMENT ON FUNCTION only_rounded(numeric, numeric, bigint, integer) IS
    'is a position apart from the sum of its charges by nothing but the rounding of each? Then it takes what it comes '
    'to, and its lines share the rest';

-- The figures of a document's lines as its charges and contents are now.  One
-- position holds one task (employee, day), one price and one sign, and comes to what
-- its quantity and price do, its lines sharing the cents; tax is rounded a position (or
-- in total) and spread over its lines, so that lines, positions and header all add up
-- to the last digit.  It is PL/pgSQL because that keeps its plan, which no view over
-- documents has to make again.
CREATE FUNCTION document_figures(p_document bigint)
    RETURNS TABLE (line_id bigint, "position" integer, title text, unit text, quantity numeric, price numeric,
                   discount_pct numeric,
                   worked_s bigint, billed_s bigint, amount numeric, discount numeric, tax_rate numeric, net numeric,
                       tax numeric, gross numeric, tax_code text, taxes jsonb, rounding numeric)
    LANGUAGE plpgsql STABLE ROWS 60 COST 4000 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH head AS (
        SELECT d.id, d.kind, coalesce(d.issued_on, books_today()) AS day, d.positions, d.tax_inclusive, d.tax_level,
               d.discount_pct, d.discount_amount,
               currency_exponent(d.currency) AS exponent, page_language(d.id) AS language
          FROM document d WHERE d.id = p_document
    ), source AS MATERIALIZED (
        SELECT l.id, h.worked_s, h.billed_s,
               coalesce(on_paper(h.gross, h.amount, d.tax_inclusive, x.tax_rate, d.exponent),
                        round_money(coalesce(l.quantity, 1) * coalesce(l.price, 0)
                                    * (100 - coalesce(l.discount_pct, 0)) / 100, d.exponent)) AS amount,
               x.tax_rate, x.code AS tax_code, x.terms,
               CASE WHEN h.id IS NULL THEN l.title
                    WHEN h.source = 'time' AND d.positions = 'employee' THEN m.name
                    WHEN h.source = 'time' AND d.positions = 'day' THEN iso(h.service_date)
                    ELSE coalesce(n.title || CASE n.kind WHEN 'recurring'
                                                  THEN ', ' || period_name(b, h.period_start)
                                                  ELSE '' END,
                                  i.name, paper_title(h.source, concat_ws(' ', t.number, t.title), h.why,
                                                      d.language)) END AS title,
               CASE WHEN h.id IS NULL THEN l.unit WHEN h.source = 'time' THEN 'h'
                    WHEN h.item_id IS NOT NULL THEN i.unit END AS unit,
               CASE WHEN h.id IS NULL THEN l.quantity WHEN h.source <> 'time' THEN h.quantity
                    -- as it was charged
                    WHEN (SELECT m.body ->> 'basis' FROM terms m WHERE m.id = h.terms_id) = 'hundredth'
                    THEN round(h.billed_s / 3600.0, 2) END AS quantity,
               CASE WHEN h.id IS NULL THEN l.price ELSE h.rate END AS price,
               CASE WHEN h.id IS NULL THEN l.discount_pct ELSE h.discount_pct END AS discount_pct,
               dense_rank() OVER (ORDER BY
                   h.id IS NULL,
                   CASE d.positions WHEN 'task' THEN p.name WHEN 'employee' THEN m.name
                                    WHEN 'day' THEN iso(h.service_date) END,
                   CASE d.positions WHEN 'task' THEN t.id WHEN 'employee' THEN m.id END,
                   h.source, n.id, i.id, h.coverage, k.tax_rate, x.terms, h.price, h.multiplier, h.rate, h.discount_pct,
                   sign(h.amount), h.reverses_id IS NOT NULL,
                   CASE WHEN h.id IS NULL OR d.positions = 'none' OR h.source NOT IN ('time', 'item')
                        THEN l.id END)::integer AS position
          FROM head d
          JOIN document_line l ON l.document_id = d.id
          LEFT JOIN charge h ON h.id = l.charge_id
          LEFT JOIN contract k ON k.id = h.contract_id
          LEFT JOIN contract b ON b.id = coalesce(k.parent_id, k.id)
          LEFT JOIN task t ON t.id = h.task_id
          LEFT JOIN project p ON p.id = h.project_id
          LEFT JOIN employee m ON m.id = h.employee_id
          LEFT JOIN item i ON i.id = h.item_id
          LEFT JOIN contract_line n ON n.id = h.contract_line_id AND h.source IN ('fee', 'stage')
         -- work has the tax of its day, and keeps what a report said of it
         CROSS JOIN LATERAL (SELECT t.code, CASE WHEN t.code IS NOT NULL THEN tax_terms(t.code, t.day) END AS terms,
                                    CASE WHEN t.code IS NOT NULL THEN tax_rate_on(t.code, t.day) ELSE t.rate
                                         END AS tax_rate
                               FROM (SELECT CASE WHEN h.id IS NULL THEN l.tax_code ELSE k.tax_code END AS code,
                                            CASE WHEN h.id IS NULL THEN l.tax_rate ELSE k.tax_rate END AS rate,
                                            coalesce(h.service_date, d.day) AS day) t) x
    ), rounded AS (
        SELECT x.id, x.amount
          FROM (SELECT p.ids, p.weights, position_amount(p.quantity, p.seconds, p.price, p.discount_pct,
                                                         d.exponent) AS due, p.amount, p.charges, d.exponent
                  FROM (SELECT array_agg(s.id ORDER BY s.id) AS ids,
                               array_agg(abs(coalesce(s.quantity, s.billed_s)) ORDER BY s.id) AS weights,
                               CASE WHEN count(s.quantity) = count(*) THEN sum(s.quantity) END AS quantity,
                               sum(s.billed_s)::bigint AS seconds, min(s.price) AS price,
                               min(s.discount_pct) AS discount_pct, sum(s.amount) AS amount, count(*) AS charges
                          FROM source s GROUP BY s.position) p
                 CROSS JOIN head d) p
         CROSS JOIN LATERAL unnest(p.ids, CASE WHEN only_rounded(p.due, p.amount, p.charges, p.exponent)
                                   THEN allocate(p.due, p.weights, p.exponent) END) x (id, amount)
    ), sum AS (
        SELECT s.id, s.position, coalesce(r.amount, s.amount) AS amount, r.amount - s.amount AS rounding
          FROM source s LEFT JOIN rounded r ON r.id = s.id
    ), discounted AS (
        SELECT x.id, x.discount
          FROM (SELECT array_agg(s.id ORDER BY s.id) AS ids,
                array_agg(greatest(s.amount, 0) ORDER BY s.id) AS weights, sum(s.amount) AS amount,
                       sum(greatest(s.amount, 0)) AS weight FROM sum s) a
         CROSS JOIN head d
         CROSS JOIN LATERAL (SELECT coalesce(d.discount_amount,
                                             round_money(a.amount * d.discount_pct / 100, d.exponent)) AS total) t
         CROSS JOIN LATERAL unnest(a.ids, allocate(t.total, a.weights, d.exponent)) AS x (id, discount)
         WHERE t.total <> 0 AND a.weight > 0
    ), line AS (
        SELECT s.id, s.position, s.title, s.unit, s.quantity, s.price, s.discount_pct, s.worked_s, s.billed_s,
               s.tax_rate, s.tax_code, s.terms, a.amount, nullif(a.rounding, 0) AS rounding,
               coalesce(o.discount, 0) AS discount, a.amount - coalesce(o.discount, 0) AS base
          FROM source s JOIN sum a ON a.id = s.id LEFT JOIN discounted o ON o.id = s.id
    ), place AS (
        SELECT l.position, sum(l.base) AS base, min(l.tax_rate) AS tax_rate, array_agg(l.id ORDER BY l.id) AS ids,
               array_agg(abs(l.base) ORDER BY l.id) AS weights, (array_agg(l.terms))[1] AS terms
          FROM line l GROUP BY l.position
    ), part AS (
        -- a position of several taxes: each of its own, but where prices hold them all
        SELECT p.position, p.ids, p.weights, t.no, t.tax, t.rate,
               CASE WHEN t.no = 1 OR NOT d.tax_inclusive THEN p.base ELSE 0 END AS base,
               CASE WHEN d.tax_inclusive THEN CASE t.no WHEN 1 THEN p.tax_rate END ELSE t.rate END AS of_base
          FROM place p CROSS JOIN head d CROSS JOIN LATERAL tax_parts(p.terms, p.tax_rate) t
    ), taxed AS (
        SELECT x.position, x.no, x.tax
          FROM (SELECT array_agg(p.position ORDER BY p.position, p.no) AS positions,
                array_agg(p.no ORDER BY p.position, p.no) AS nos,
                array_agg(p.base ORDER BY p.position, p.no) AS bases,
                       array_agg(p.of_base ORDER BY p.position, p.no) AS rates FROM part p) a
         CROSS JOIN head d
         CROSS JOIN LATERAL ROWS
             FROM (unnest(a.positions), unnest(a.nos),
                   tax_breakdown(a.bases, a.rates, d.tax_inclusive, d.tax_level, d.exponent))
            AS x (position, no, net, tax, gross)
    ), due AS (
        SELECT p.position, p.ids, p.weights, p.no, p.tax AS code, p.rate,
               CASE WHEN d.tax_inclusive AND o.parts > 1 AND o.tax <> 0
                    THEN (allocate(o.tax, o.rates, d.exponent))[p.no] ELSE t.tax END AS tax
          FROM part p
          JOIN taxed t ON (t.position, t.no) = (p.position, p.no)
          JOIN (SELECT p.position, count(*) AS parts, array_agg(coalesce(p.rate, 0) ORDER BY p.no) AS rates,
                       sum(t.tax) AS tax
                  FROM part p JOIN taxed t ON (t.position, t.no) = (p.position, p.no) GROUP BY 1) o
            ON o.position = p.position
         CROSS JOIN head d
    ), spread AS (
        SELECT x.id, sum(coalesce(x.tax, 0)) AS tax,
               jsonb_agg(jsonb_build_object('tax', p.code, 'rate', p.rate, 'amount', coalesce(x.tax, 0)) ORDER BY p.no)
                   FILTER (WHERE p.code IS NOT NULL) AS taxes
          FROM due p
         CROSS JOIN head d
         CROSS JOIN LATERAL unnest(p.ids, CASE WHEN p.tax <> 0
                                   THEN allocate(p.tax, p.weights, d.exponent) END) AS x (id, tax)
         GROUP BY x.id
    )
    SELECT l.id, l.position, l.title, l.unit, l.quantity, l.price, l.discount_pct, l.worked_s, l.billed_s, l.amount,
        l.discount, l.tax_rate,
           CASE WHEN d.tax_inclusive THEN l.base - coalesce(s.tax, 0) ELSE l.base END, coalesce(s.tax, 0),
           CASE WHEN d.tax_inclusive THEN l.base ELSE l.base + coalesce(s.tax, 0) END, l.tax_code, s.taxes, l.rounding
      FROM line l CROSS JOIN head d LEFT JOIN spread s ON s.id = l.id;
END $$;
COMMENT ON FUNCTION document_figures(bigint) IS
    'lines of a draft with the figures they have now: position on the paper, amount, its share of the document''s '
    'discount, net, tax, gross in the document''s currency, what the tax is made of, what of the amount is not its '
    'charge''s but rounding of the position (NULL: nothing); hours as seconds';

CREATE FUNCTION charge_misfit(p_charge charge, p_contract contract, p_document document) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN p_charge.client_id <> p_document.party_id THEN 'is now of another client'
                WHEN p_charge.currency <> p_document.currency THEN 'is now in ' || p_charge.currency
                WHEN p_charge.coverage = 'non_billable' THEN 'is not to be shown to the client any more'
                WHEN (p_contract.tax_inclusive, p_contract.tax_level) <> (p_document.tax_inclusive,
                    p_document.tax_level)
                THEN 'has a contract of other tax terms now' END;
END;
COMMENT ON FUNCTION charge_misfit(charge, contract, document) IS
    'why a charge, under its contract, cannot stand on a document over work; NULL when it can';

CREATE FUNCTION fits_document(p_charge charge, p_contract contract, p_document document) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT charge_misfit(p_charge, p_contract, p_document) IS NULL
        AND (p_document.kind = 'report' OR coalesce(p_charge.gross, p_charge.amount) <> 0);
END;
COMMENT ON FUNCTION fits_document(charge, contract, document) IS
    'does a charge, under its contract, belong on a draft over work? Reports show all of it, invoices what there is to '
    'pay';

CREATE FUNCTION check_work_lines(p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_bad record;
BEGIN
    PERFORM FROM charge h WHERE h.id IN (SELECT l.charge_id FROM document_line l WHERE l.document_id = p_document)
      ORDER BY h.id FOR UPDATE;
    SELECT h.id, coalesce(t.title, h.source) AS title, m.why INTO v_bad
      FROM document d
      JOIN document_line l ON l.document_id = d.id
      JOIN charge h ON h.id = l.charge_id
      LEFT JOIN contract k ON k.id = h.contract_id
      LEFT JOIN task t ON t.id = h.task_id
     CROSS JOIN LATERAL (SELECT charge_misfit(h, k, d) AS why) m
     WHERE d.id = p_document AND m.why IS NOT NULL
     ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% does not fit its work any more: "%" %', document_name(p_document), v_bad.title, v_bad.why
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('Charge %s was rated again after it was put there.', v_bad.id),
                HINT = 'Take the changes in with refresh_draft().';
    END IF;
END $$;
COMMENT ON FUNCTION check_work_lines(bigint) IS
    'lock the charges of a draft by id and refuse (23001) when one has changed its client, currency or tax terms';

CREATE FUNCTION stamp_lines(p_document bigint, OUT net numeric, OUT tax numeric, OUT gross numeric,
                            OUT first_day date, OUT last_day date)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_line record;
    v_discount numeric := (SELECT d.discount_amount FROM document d WHERE d.id = p_document);
BEGIN
    UPDATE document_line l
       SET position = f.position, title = coalesce(l.title, f.title), unit = f.unit, quantity = f.quantity,
           price = f.price,
           discount_pct = f.discount_pct, worked_s = f.worked_s, billed_s = f.billed_s, amount = f.amount,
               discount = f.discount,
           tax_rate = f.tax_rate, net = f.net, tax = f.tax, gross = f.gross, tax_code = f.tax_code, taxes = f.taxes,
           rounding = f.rounding
      FROM document_figures(p_document) f
     WHERE l.id = f.line_id AND l.net IS NULL;
    PERFORM check_taxes(p_document);
    SELECT count(*) AS lines, sum(l.amount) AS amount, sum(l.net) AS net, sum(l.tax) AS tax, sum(l.gross) AS gross,
           min(h.service_date) AS first_day, max(h.service_date) AS last_day
      INTO v_line
      FROM document_line l LEFT JOIN charge h ON h.id = l.charge_id WHERE l.document_id = p_document;
    IF v_discount > v_line.amount THEN
        RAISE EXCEPTION '%: a discount of % is more than the % it is taken off', document_name(p_document),
            trim_scale(v_discount), trim_scale(v_line.amount)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_discount_within',
                HINT = 'Lower discount_amount of the draft.';
    END IF;
    stamp_lines.net := coalesce(v_line.net, 0);
    stamp_lines.tax := coalesce(v_line.tax, 0);
    stamp_lines.gross := coalesce(v_line.gross, 0);
    stamp_lines.first_day := v_line.first_day;
    stamp_lines.last_day := v_line.last_day;
END $$;
COMMENT ON FUNCTION stamp_lines(bigint) IS
    'write the figures of a draft on its lines and return their totals and the days of its work';
