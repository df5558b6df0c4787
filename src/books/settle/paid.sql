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

-- Charges are net, payments gross: what is paid of a line pays so much of its net.
CREATE VIEW charge_payment WITH (security_invoker) AS
    SELECT l.charge_id, y.document_id, y.currency, y.gross, y.paid,
           coalesce((l.net - coalesce(c.net, 0)) * y.paid / nullif(y.gross, 0), 0)::numeric(20,6) AS paid_net
      FROM line_payment y
      JOIN document_line l ON l.id = y.line_id
      LEFT JOIN line_credit c ON c.line_id = l.id;
COMMENT ON VIEW charge_payment IS
    'what is billed and paid of each charge on issued invoices, gross, and how much of its net that pays';
SELECT allow('reader', 'select', 'charge_payment');

-- Measured against all that is charged, so that new work makes a paid task unpaid.
-- One that costs nothing is paid with the report that shows it.
CREATE FUNCTION paid_percent(p_charged numeric, p_paid_net numeric, p_shown_paid boolean) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_charged > 0 THEN greatest(0, least(100, round(100 * coalesce(p_paid_net, 0) / p_charged, 2)))
                WHEN p_charged = 0 AND p_shown_paid THEN 100
                ELSE 0 END;
END;
COMMENT ON FUNCTION paid_percent(numeric, numeric, boolean) IS
    'how many per cent of what is charged are paid: 0 to 100; p_shown_paid: all that is shown at nothing stands on a '
    'report that is paid';

CREATE VIEW task_charge WITH (security_invoker) AS
    SELECT h.task_id, h.currency, sum(h.amount)::numeric(20,6) AS charged,
           (sum(h.amount) FILTER (WHERE l.place = 'unbilled'))::numeric(20,6) AS unbilled,
           (sum(h.amount) FILTER (WHERE l.place = 'reported'))::numeric(20,6) AS reported,
           bool_and(coalesce(s.settled, false))
               FILTER (WHERE h.amount = 0 AND l.place NOT IN ('non_billable', 'cancelled', 'written_off')) AS shown_paid
      FROM charge h
      JOIN charge_place l ON l.charge_id = h.id
      LEFT JOIN document d ON d.id = l.claimed_by
      LEFT JOIN document_state s USING (kind, status)
     WHERE h.task_id IS NOT NULL
     GROUP BY 1, 2;
COMMENT ON VIEW task_charge IS
    'what tasks are charged in each currency, net: in all, unbilled, kept by reports; shown_paid: all that is shown at '
    'nothing stands on a paid report';
SELECT allow('reader', 'select', 'task_charge');

CREATE VIEW task_payment WITH (security_invoker) AS
    SELECT t.id AS task_id, t.number, t.title AS task, t.project_id, p.name AS project, p.client_id,
           k.name AS client, h.currency, h.charged::numeric(18,2) AS charged, h.unbilled::numeric(18,2) AS unbilled,
           h.reported::numeric(18,2) AS reported, coalesce(b.gross, 0)::numeric(18,2) AS billed_gross,
           coalesce(b.paid, 0)::numeric(18,2) AS paid_gross,
           paid_percent(h.charged, b.paid_net, h.shown_paid)::numeric(18,2) AS percent_paid,
           CASE WHEN h.charged = 0 THEN coalesce(h.shown_paid, false)
                ELSE num_nonnulls(h.unbilled, h.reported) = 0 AND coalesce(b.gross > 0 AND b.paid = b.gross, false) END
           AS paid
      FROM task_charge h
      JOIN task t ON t.id = h.task_id
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      LEFT JOIN (SELECT h.task_id, y.currency, sum(y.gross) AS gross, sum(y.paid) AS paid, sum(y.paid_net) AS paid_net
                   FROM charge_payment y JOIN charge h ON h.id = y.charge_id GROUP BY 1, 2) b
        ON b.task_id = h.task_id AND b.currency = h.currency;
COMMENT ON VIEW task_payment IS
    'how far each task is paid: charged in all, of that unbilled and kept by reports (net), billed and paid (gross), '
    'percent of the charged that is paid; paid: all that is charged is billed and paid, or, of a task at nothing, the '
    'report that shows it is';
SELECT allow('reader', 'select', 'task_payment');

CREATE FUNCTION percent_paid(p_task bigint, p_currency text) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_invoice bigint;
    v_paid numeric := 0;
    v_charge task_charge;
BEGIN
    SELECT * INTO v_charge FROM task_charge h WHERE h.task_id = p_task AND h.currency = p_currency;
    FOR v_invoice IN
        SELECT DISTINCT l.document_id FROM charge h JOIN document_line l ON l.charge_id = h.id AND l.kind = 'invoice'
         WHERE h.task_id = p_task AND h.currency = p_currency
    LOOP
        v_paid := v_paid + coalesce((
            SELECT sum(y.paid_net) FROM charge_payment y JOIN charge h ON h.id = y.charge_id AND h.task_id = p_task
             WHERE y.document_id = v_invoice), 0);
    END LOOP;
    RETURN paid_percent(v_charge.charged, v_paid, v_charge.shown_paid);
END $$;
COMMENT ON FUNCTION percent_paid(bigint, text) IS
    'how many per cent of what is charged of a task in a currency are paid: task_payment of one task, at the price of '
    'its invoices';
