-- ---------------------------------------------------------------------------
-- paid: how much of the work is paid for
-- ---------------------------------------------------------------------------

-- What is paid of an invoice is spread over its lines by the largest
-- remainder; lines below zero (corrections) settle others in full.
CREATE VIEW line_payment WITH (security_invoker) AS
    SELECT x.line_id, a.document_id, x.gross::numeric(20,6) AS gross,
        (least(x.gross, 0) + coalesce(x.share, 0))::numeric(20,6) AS paid, a.currency
      FROM (SELECT b.document_id, b.currency, b.allocated, array_agg(l.id ORDER BY l.id) AS ids,
            array_agg(l.gross - coalesce(c.gross, 0) ORDER BY l.id) AS grosses,
                   array_agg(greatest(l.gross - coalesce(c.gross, 0), 0) ORDER BY l.id) AS weights,
                   sum(least(l.gross - coalesce(c.gross, 0), 0)) AS below,
                       sum(greatest(l.gross - coalesce(c.gross, 0), 0)) AS above
              FROM document_balance b
              JOIN document_line l ON l.document_id = b.document_id
              LEFT JOIN line_credit c ON c.line_id = l.id
             WHERE b.kind = 'invoice'
             GROUP BY 1, 2, 3) a
     CROSS JOIN LATERAL unnest(a.ids, a.grosses,
            CASE WHEN a.above > 0 AND a.allocated - a.below > 0 THEN allocate(a.allocated - a.below, a.weights,
                currency_exponent(a.currency)) END)
         AS x (line_id, gross, share);
COMMENT ON VIEW line_payment IS
    'lines of issued invoices: gross less credits, and what is paid of it, in the currency of the document; the paid '
    'sums to the allocations';
SELECT allow('reader', 'select', 'line_payment');

CREATE VIEW task_payment WITH (security_invoker) AS
    SELECT t.id AS task_id, t.number, t.title AS task, t.project_id, p.name AS project, p.client_id,
        k.name AS client, h.currency,
           h.charged::numeric(18,2) AS charged, h.unbilled::numeric(18,2) AS unbilled,
               h.reported::numeric(18,2) AS reported,
           coalesce(b.gross, 0)::numeric(18,2) AS billed_gross, coalesce(b.paid, 0)::numeric(18,2) AS paid_gross,
           coalesce(round(100 * b.paid / nullif(b.gross, 0), 2), 0)::numeric(18,2) AS percent_paid,
           coalesce(b.gross > 0 AND b.paid = b.gross, false) AS paid
      FROM task t
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      JOIN (SELECT h.task_id, h.currency, sum(h.amount) AS charged,
            sum(h.amount) FILTER (WHERE l.place = 'unbilled') AS unbilled,
                   sum(h.amount) FILTER (WHERE l.place = 'reported') AS reported
              FROM charge h JOIN charge_place l ON l.charge_id = h.id WHERE h.task_id IS NOT NULL GROUP BY 1, 2) h
                  ON h.task_id = t.id
      LEFT JOIN (SELECT h.task_id, y.currency, sum(y.gross) AS gross, sum(y.paid) AS paid
                   FROM line_payment y JOIN document_line l ON l.id = y.line_id JOIN charge h ON h.id = l.charge_id
                  GROUP BY 1, 2) b ON b.task_id = t.id AND b.currency = h.currency;
COMMENT ON VIEW task_payment IS
    'how far each task is paid: charged in all, of that unbilled and kept by reports (net), billed and paid (gross), '
    'percent of the billed that is paid; paid: all that was billed is';
SELECT allow('reader', 'select', 'task_payment');

CREATE FUNCTION percent_paid(p_task bigint, p_currency text) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_invoice bigint;
    v_gross numeric := 0;
    v_paid numeric := 0;
    v_part record;
BEGIN
    FOR v_invoice IN
        SELECT DISTINCT l.document_id FROM charge h JOIN document_line l ON l.charge_id = h.id AND l.kind = 'invoice'
         WHERE h.task_id = p_task AND h.currency = p_currency
    LOOP
        SELECT sum(y.gross) AS gross, sum(y.paid) AS paid INTO v_part
          FROM line_payment y JOIN document_line l ON l.id = y.line_id JOIN charge h ON h.id = l.charge_id
              AND h.task_id = p_task
         WHERE y.document_id = v_invoice;
        v_gross := v_gross + coalesce(v_part.gross, 0);
        v_paid := v_paid + coalesce(v_part.paid, 0);
    END LOOP;
    RETURN CASE WHEN v_gross <> 0 THEN round(100 * v_paid / v_gross, 2) ELSE 0 END;
END $$;
COMMENT ON FUNCTION percent_paid(bigint, text) IS
    'how many per cent of what was billed of a task in a currency are paid: task_payment of one task, at the price of '
    'its invoices';
