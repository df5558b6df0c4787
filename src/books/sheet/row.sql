-- ---------------------------------------------------------------------------
-- row: the positions of a paper, from which pages, sheets, JSON and CSV are made
-- ---------------------------------------------------------------------------

CREATE FUNCTION document_rows(document bigint)
    RETURNS TABLE ("position" integer, project text, title text, url text, first_day date, last_day date,
        coverage text, unit text,
                   quantity numeric, price numeric, discount_pct numeric, hours_worked numeric(18,2),
                       hours_billed numeric(18,2),
                   amount numeric, discount numeric, tax_rate numeric, net numeric, tax numeric, gross numeric,
                       worked_s bigint,
                   billed_s bigint, task_id bigint, lines bigint, charges bigint)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH figure AS (
        SELECT f.line_id, f.position, f.title, f.unit, f.quantity, f.price, f.discount_pct, f.worked_s, f.billed_s,
            f.amount, f.discount,
               f.tax_rate, f.net, f.tax, f.gross
          FROM document d, document_figures(d.id) f WHERE d.id = document_rows.document AND d.net IS NULL
        UNION ALL
        SELECT l.id, l.position, l.title, l.unit, l.quantity, l.price, l.discount_pct, l.worked_s, l.billed_s,
            l.amount, l.discount,
               l.tax_rate, l.net, l.tax, l.gross
          FROM document d JOIN document_line l ON l.document_id = d.id WHERE d.id = document_rows.document
              AND d.net IS NOT NULL
    ), line AS (
        SELECT f.*, d.kind, d.positions, h.id AS charge_id, h.source, h.coverage,
            coalesce(h.service_date, CASE WHEN l.claim THEN l.starts_on END) AS service_date, p.name AS project,
            t.id AS task_id, t.url
          FROM figure f
          JOIN document_line l ON l.id = f.line_id
          JOIN document d ON d.id = l.document_id
          LEFT JOIN document_line r ON r.id = l.reverses_line_id
          LEFT JOIN charge h ON h.id = coalesce(r.charge_id, l.charge_id)
          LEFT JOIN task t ON t.id = coalesce(h.task_id, nullif(l.task_id, d.task_id))
          LEFT JOIN project p ON p.id = CASE d.positions WHEN 'task' THEN coalesce(h.project_id, l.project_id) END
    )
    SELECT l.position, min(l.project), CASE WHEN min(l.title) = max(l.title) THEN min(l.title)
        ELSE string_agg(DISTINCT l.title, ', ') END,
           CASE WHEN count(DISTINCT l.task_id) = 1 AND count(l.task_id) = count(*) AND min(l.positions) IN ('task',
               'none')
                     AND min(l.url) ~* '^https?://[^[:space:]]+$' THEN min(l.url) END,
           min(l.service_date), max(l.service_date),
           CASE WHEN count(DISTINCT l.coverage) = 1 AND min(l.coverage) <> 'billable' THEN min(l.coverage) END,
           min(l.unit),
           CASE WHEN min(l.unit) = 'h' AND count(l.quantity) = 0 THEN (sum(l.billed_s) / 3600.0)::numeric(18,2)
                WHEN count(l.quantity) > 0 THEN sum(l.quantity) WHEN min(l.kind) <> 'credit_note' THEN 1 END,
           CASE WHEN sum(l.amount) = 0 AND min(l.coverage) <> 'billable' THEN NULL
                WHEN count(l.price) > 0 THEN min(l.price)
                -- what has no quantity of its own is one of it; tiers have no price of a unit
                WHEN min(l.kind) <> 'credit_note' AND min(l.source) IS DISTINCT FROM 'time' AND count(l.quantity) = 0
                THEN sum(l.amount) END,
           CASE WHEN count(l.price) > 0 OR count(l.quantity) = 0 THEN min(l.discount_pct) END,
               (sum(l.worked_s) / 3600.0)::numeric(18,2), (sum(l.billed_s) / 3600.0)::numeric(18,2),
           sum(l.amount), sum(l.discount), min(l.tax_rate), sum(l.net), sum(l.tax), sum(l.gross),
               sum(l.worked_s)::bigint,
           sum(l.billed_s)::bigint, CASE WHEN count(DISTINCT l.task_id) = 1 THEN min(l.task_id) END, count(*),
               count(l.charge_id)
      FROM line l
     GROUP BY l.position
     ORDER BY l.position;
END $$;
COMMENT ON FUNCTION document_rows(bigint) IS
    'the positions of a document as they stand on the paper, those of a draft as they are now: project, title and link '
    'of the task (only http and https), days of the work, coverage where it is not billable, quantity (hours, where '
    'unit is h) and the price of a unit (charge.rate), discount_pct of the position, hours, amount before the '
    'document''s discount, its share of that discount, net, tax, gross, in the document''s currency; seconds beside '
    'the hours for sums, the task where it is one, how many lines and charges there are';
SELECT allow('reader', 'execute', 'document_rows');
