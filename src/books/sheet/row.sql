-- ---------------------------------------------------------------------------
-- row: the positions of a paper, from which pages, sheets, JSON and CSV are made
-- ---------------------------------------------------------------------------

CREATE FUNCTION summed_taxes(p_taxes jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_agg(jsonb_build_object('tax', x.tax, 'rate', x.rate, 'amount', x.amount) ORDER BY x.no, x.tax)
      FROM (SELECT t.value ->> 'tax' AS tax, (t.value ->> 'rate')::numeric AS rate,
                   sum((t.value ->> 'amount')::numeric) AS amount, min(t.no) AS no
              FROM jsonb_array_elements(p_taxes) l (value)
             CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(l.value) WHEN 'array' THEN l.value ELSE '[]' END)
                   WITH ORDINALITY t (value, no)
             GROUP BY 1, 2) x;
END;
COMMENT ON FUNCTION summed_taxes(jsonb) IS 'the taxes of several lines, summed by tax and rate; NULL for none';

CREATE FUNCTION clock_text(p_seconds bigint) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT concat(CASE WHEN p_seconds < 0 THEN '-' END, abs(p_seconds) / 3600, ':',
                  lpad((abs(p_seconds) / 60 % 60)::text, 2, '0'),
                  CASE WHEN p_seconds % 60 <> 0 THEN ':' || lpad((abs(p_seconds) % 60)::text, 2, '0') END);
END;
COMMENT ON FUNCTION clock_text(bigint) IS 'seconds as hours and minutes, h:mm, with seconds where there are any';

CREATE FUNCTION document_rows(document bigint)
    RETURNS TABLE ("position" integer, project text, title text, url text, first_day date, last_day date,
                   coverage text, unit text, quantity numeric, price numeric, discount_pct numeric,
                   hours_worked numeric(18,2), hours_billed numeric(18,2), amount numeric, discount numeric,
                   tax_rate numeric, net numeric, tax numeric, gross numeric, worked_s bigint, billed_s bigint,
                   task_id bigint, task_number text, task_project text, task_url text, lines bigint, charges bigint,
                   taxes jsonb, summed boolean, clock text)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH figure AS (
        SELECT f.line_id, f.position, f.title, f.unit, f.quantity, f.price, f.discount_pct, f.worked_s, f.billed_s,
               f.amount, f.discount, f.tax_rate, f.net, f.tax, f.gross, f.taxes
          FROM document d, document_figures(d.id) f WHERE d.id = document_rows.document AND d.net IS NULL
        UNION ALL
        SELECT l.id, l.position, l.title, l.unit, l.quantity, l.price, l.discount_pct, l.worked_s, l.billed_s,
               l.amount, l.discount, l.tax_rate, l.net, l.tax, l.gross, l.taxes
          FROM document d JOIN document_line l ON l.document_id = d.id
         WHERE d.id = document_rows.document AND d.net IS NOT NULL
    ), word AS (
        SELECT w.* FROM document d
         CROSS JOIN LATERAL jsonb_to_recordset(d.kept -> 'rows') w (
               "position" integer, project text, url text, first_day date, last_day date, coverage text,
               timed boolean, charges bigint, task_id bigint, task_number text, task_project text, task_url text)
         WHERE d.id = document_rows.document AND d.kept IS NOT NULL
        UNION ALL
        SELECT w.* FROM document d
         CROSS JOIN LATERAL (SELECT array_agg(f.line_id) AS lines, array_agg(f.position) AS positions FROM figure f) a
         CROSS JOIN LATERAL position_words(a.lines, a.positions) w
         WHERE d.id = document_rows.document AND d.kept IS NULL
    ), taken AS (  -- by a credit note, in part: of that only the amount is known
        SELECT f.position, d.kind = 'credit_note' AND count(coalesce(f.price, f.quantity)) < count(*) AS in_part
          FROM figure f JOIN document d ON d.id = document_rows.document GROUP BY f.position, d.id
    ), place AS (
        SELECT f.position, w.project, CASE WHEN min(f.title) = max(f.title) THEN min(f.title)
                                           ELSE string_agg(DISTINCT f.title, ', ') END AS title,
               w.url, w.first_day, w.last_day, w.coverage, CASE WHEN NOT g.in_part THEN min(f.unit) END AS unit,
               CASE WHEN g.in_part THEN NULL
                    WHEN min(f.unit) = 'h' AND count(f.quantity) < count(*)
                    THEN (sum(f.billed_s) / 3600.0)::numeric(18,2)
                    WHEN count(f.quantity) > 0 THEN sum(f.quantity)
                    WHEN d.kind <> 'credit_note' THEN 1 END AS quantity,
               CASE WHEN g.in_part OR sum(f.amount) = 0 AND w.coverage IS NOT NULL THEN NULL
                    WHEN count(f.price) > 0 THEN min(f.price)
                    -- what has no quantity of its own is one of it; tiers have no price of a unit
                    WHEN d.kind <> 'credit_note' AND NOT w.timed AND count(f.quantity) = 0 THEN sum(f.amount)
                    END AS price,
               CASE WHEN NOT g.in_part THEN min(f.discount_pct) END AS discount_pct,
               count(f.quantity) < count(*) AS by_the_clock, sum(f.worked_s)::bigint AS worked_s,
               sum(f.billed_s)::bigint AS billed_s, sum(f.amount) AS amount, sum(f.discount) AS discount,
               min(f.tax_rate) AS tax_rate, sum(f.net) AS net, sum(f.tax) AS tax, sum(f.gross) AS gross,
               w.task_id, w.task_number, w.task_project, w.task_url, count(*) AS lines, w.charges,
               summed_taxes(jsonb_agg(f.taxes)) AS taxes, currency_exponent(d.currency) AS exponent
          FROM figure f
          JOIN word w ON w.position = f.position
          JOIN taken g ON g.position = f.position
          JOIN document d ON d.id = document_rows.document
         GROUP BY f.position, d.id, g.in_part, w.project, w.url, w.first_day, w.last_day, w.coverage, w.timed,
                  w.task_id, w.task_number, w.task_project, w.task_url, w.charges
    )
    SELECT p.position, p.project, p.title, p.url, p.first_day, p.last_day, p.coverage, p.unit, p.quantity, p.price,
           p.discount_pct, (p.worked_s / 3600.0)::numeric(18,2), (p.billed_s / 3600.0)::numeric(18,2), p.amount,
           p.discount, p.tax_rate, p.net, p.tax, p.gross, p.worked_s, p.billed_s, p.task_id, p.task_number,
           p.task_project, p.task_url, p.lines, p.charges, p.taxes,
           -- by the clock it may come to it
           x.apart AND (x.clock IS NULL OR position_amount(NULL, p.billed_s, p.price, p.discount_pct,
                                                           p.exponent) <> p.amount), x.clock
      FROM place p
     CROSS JOIN LATERAL (
        SELECT coalesce(position_amount(p.quantity, NULL, p.price, p.discount_pct, p.exponent) <> p.amount,
                        p.quantity IS NOT NULL AND p.amount <> 0) AS apart) a
     CROSS JOIN LATERAL (
        SELECT a.apart, CASE WHEN a.apart AND p.unit = 'h' AND p.by_the_clock THEN clock_text(p.billed_s)
                             END AS clock) x
     ORDER BY p.position;
END $$;
COMMENT ON FUNCTION document_rows(bigint) IS
    'the positions of a document as they stand on the paper, those of a draft as they are now, those of what is issued '
    'in the words that were kept: project, title and link of the task (only http and https), days of the work, '
    'coverage where it is not billable, quantity (hours, where unit is h) and the price of a unit (charge.rate), '
    'discount_pct of the position, hours, amount before the document''s discount, its share of that discount, net, '
    'tax, gross, in the document''s currency; seconds beside the hours for sums, the task with its number, project and '
    'link where it is one, how many lines and charges there are, the taxes that its tax is made of; summed: '
    'quantity (time, where there is a clock) x price less discount is not the amount, which is what is left of works '
    'that were rounded one by one, or a tier''s; clock: the hours as h:mm, where hundredths of them do not come to it';
SELECT allow('reader', 'execute', 'document_rows');
