-- ---------------------------------------------------------------------------
-- waiting: work that waits
-- ---------------------------------------------------------------------------

CREATE VIEW unbilled WITH (security_invoker) AS
    SELECT h.id AS charge_id, h.client_id, k.name AS client, h.contract_id, c.number AS contract, h.project_id,
           p.name AS project, h.task_id, t.title AS task, h.employee_id, m.name AS employee, h.source, h.service_date,
           h.period_start, h.coverage,
           (h.worked_s / 3600.0)::numeric(18,2) AS hours_worked, (h.billed_s / 3600.0)::numeric(18,2) AS hours_billed,
           h.amount::numeric(18,2) AS amount, h.gross::numeric(18,2) AS gross, h.currency,
           h.base_amount::numeric(18,2) AS base_amount, h.late,
           l.claimed_by AS document_id, d.kind AS document_kind, d.number AS document_number,
           d.status AS document_status
      FROM charge h
      JOIN charge_place l ON l.charge_id = h.id
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id
      LEFT JOIN project p ON p.id = h.project_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN employee m ON m.id = h.employee_id
      LEFT JOIN document d ON d.id = l.claimed_by
     WHERE h.coverage = 'billable' AND (h.gross <> 0 OR h.amount <> 0) AND l.place IN ('unbilled', 'reported');
COMMENT ON VIEW unbilled IS
    'charges that no issued invoice has yet, net (gross: as prices that hold the tax say it, NULL elsewhere); '
    'document_… the report or draft invoice that keeps them meanwhile, NULL when they can go on a new one';
SELECT allow('reader', 'select', 'unbilled');

CREATE VIEW billing_cycle WITH (security_invoker) AS
    SELECT m.client_id, k.name AS client, m.month, m.currency,
           CASE WHEN m.counting THEN 'counting'
                WHEN m.to_invoice <> 0 THEN 'invoicing'
                WHEN m.to_pay > 0 THEN 'payment' ELSE 'done' END AS stage,
           CASE WHEN m.to_report <> 0 THEN CASE WHEN m.no_report THEN 'us: invoice the work'
                                                WHEN m.any_report THEN 'us: report the work'
                                                ELSE 'us: report or invoice the work' END
                WHEN m.in_draft <> 0 THEN 'us: send the draft'
                WHEN m.with_client <> 0 THEN 'client: answer the report'
                WHEN m.to_invoice <> 0 THEN 'us: issue the invoice'
                WHEN m.overdue > 0 THEN 'client: pay, overdue'
                WHEN m.to_pay > 0 THEN 'client: pay' END AS waits_for,
           m.to_report::numeric(18,2) AS to_report, m.in_draft::numeric(18,2) AS in_draft,
           m.with_client::numeric(18,2) AS with_client, m.to_invoice::numeric(18,2) AS to_invoice,
           m.billed::numeric(18,2) AS billed, m.to_pay::numeric(18,2) AS to_pay, m.overdue::numeric(18,2) AS overdue,
           m.paid::numeric(18,2) AS paid
      FROM (SELECT x.*, x.to_report <> 0 OR x.in_draft <> 0 OR x.with_client <> 0 AS counting
              FROM (SELECT h.client_id, month(h.period_start) AS month, h.currency,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'unbilled'), 0) AS to_report,
                           coalesce(bool_and(k.auto_bill = 'invoice') FILTER (WHERE l.place = 'unbilled'),
                           false) AS no_report,
                           coalesce(bool_or(k.auto_bill = 'report') FILTER (WHERE l.place = 'unbilled'),
                           false) AS any_report,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND s.draft), 0) AS in_draft,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND s.holds), 0) AS with_client,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND NOT s.draft AND NOT s.holds),
                           0) AS to_invoice,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'billed'), 0) AS billed,
                           coalesce(sum(y.gross - y.paid), 0) AS to_pay,
                           coalesce(sum(y.gross - y.paid) FILTER (WHERE i.due_on < books_today()), 0) AS overdue,
                           coalesce(sum(y.paid), 0) AS paid
                      FROM charge h
                      JOIN charge_place l ON l.charge_id = h.id
                      LEFT JOIN contract k ON k.id = h.contract_id
                      LEFT JOIN document d ON d.id = l.claimed_by
                      LEFT JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
                      LEFT JOIN document_line n ON n.charge_id = h.id AND n.kind = 'invoice' AND n.released_at IS NULL
                      LEFT JOIN document i ON i.id = n.document_id
                      LEFT JOIN line_payment y ON y.line_id = n.id
                     WHERE h.coverage = 'billable' AND h.amount <> 0
                     GROUP BY 1, 2, 3) x) m
      JOIN party k ON k.id = m.client_id;
COMMENT ON VIEW billing_cycle IS
    'the monthly cycle of every client: counting (to_report, in_draft, with_client) → invoicing (to_invoice) → payment '
    '(to_pay, of that overdue), and who has to do what next (contracts with auto_bill invoice want no report); month '
    'of the service period; to_report … billed net, to_pay … paid gross, in currency';
SELECT allow('reader', 'select', 'billing_cycle');

CREATE VIEW late_entry WITH (security_invoker) AS
    SELECT h.id AS charge_id, h.time_entry_id, h.client_id, k.name AS client, h.contract_id, c.number AS contract,
           c.late_policy, h.task_id, t.title AS task, h.employee_id, m.name AS employee, h.service_date,
           h.period_start AS billed_in, h.late AS after_close, coalesce(y.paid, false) AS task_is_paid, l.place,
           (h.worked_s / 3600.0)::numeric(18,2) AS hours_worked, h.amount::numeric(18,2) AS amount, h.currency
      FROM charge h
      JOIN charge_place l ON l.charge_id = h.id AND l.place <> 'cancelled'
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN employee m ON m.id = h.employee_id
      LEFT JOIN (SELECT t.task_id, t.currency, t.billed_gross > 0 AND t.paid_gross = t.billed_gross AS paid
                   FROM task_payment t) y ON y.task_id = h.task_id AND y.currency = h.currency
     WHERE h.reverses_id IS NULL
       AND (h.late AND h.made_by IN ('rating', 'line')
            OR h.source = 'time' AND y.paid AND l.place IN ('unbilled', 'no_charge'));
COMMENT ON VIEW late_entry IS
    'work and fees that came late: for a service period that was closed (after_close; billed in the later period '
    'billed_in), or on a task whose billed work is all paid; it is new work to be billed, by the contract''s '
    'late_policy';
SELECT allow('reader', 'select', 'late_entry');
