-- ---------------------------------------------------------------------------
-- statement: documents as people read them
-- ---------------------------------------------------------------------------

CREATE FUNCTION document_totals(p_document bigint, p_status text, OUT net numeric, OUT tax numeric, OUT gross numeric, OUT worked_s numeric,
                                OUT billed_s numeric, OUT tasks bigint)
    LANGUAGE plpgsql STABLE COST 5000 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    IF p_status = 'draft' THEN
        SELECT sum(f.net), sum(f.tax), sum(f.gross), sum(f.worked_s), sum(f.billed_s), count(DISTINCT h.task_id)
          INTO document_totals.net, document_totals.tax, document_totals.gross, document_totals.worked_s, document_totals.billed_s, document_totals.tasks
          FROM document_figures(p_document) f JOIN document_line l ON l.id = f.line_id LEFT JOIN charge h ON h.id = l.charge_id;
    ELSE
        SELECT sum(l.worked_s), sum(l.billed_s), count(DISTINCT coalesce(h.task_id, l.task_id))
          INTO document_totals.worked_s, document_totals.billed_s, document_totals.tasks
          FROM document_line l LEFT JOIN charge h ON h.id = l.charge_id WHERE l.document_id = p_document;
    END IF;
END $$;
COMMENT ON FUNCTION document_totals(bigint, text) IS
    'what the lines of a document come to: hours as seconds and tasks; of drafts also net, tax and gross as they are now, NULL for what is issued, '
    'whose header has them. A function, so that the plan of a view over documents stays small: it is not worth compiling';

CREATE VIEW document_card WITH (security_invoker) AS
    SELECT d.id AS document_id, d.kind, d.incoming, coalesce(d.number, d.outside_number) AS number, d.status, d.revision, d.supersedes_id, d.based_on,
           (SELECT s.id FROM document s WHERE s.supersedes_id = d.id) AS superseded_by,
           d.own_id, o.name AS own, d.party_id, p.name AS party, d.contract_id, c.number AS contract, d.project_id, j.name AS project,
           d.deal_id, d.task_id, d.title, d.period_from, d.period_to, d.issued_on, d.due_on, d.currency,
           coalesce(d.net, f.net)::numeric(18,2) AS net, coalesce(d.tax, f.tax)::numeric(18,2) AS tax, coalesce(d.gross, f.gross)::numeric(18,2) AS gross,
           b.credited::numeric(18,2) AS credited, b.allocated::numeric(18,2) AS paid, b.open::numeric(18,2) AS open,
           CASE WHEN b.open > 0 THEN greatest(books_today() - d.due_on, 0) END AS days_overdue,
           (f.worked_s / 3600.0)::numeric(18,2) AS hours_worked, (f.billed_s / 3600.0)::numeric(18,2) AS hours_billed, f.tasks,
           d.sign_status, d.sign_at, d.sign_by, d.sign_ref, d.file_url, d.note, d.created_at, d.created_by
      FROM document d
      JOIN party p ON p.id = d.party_id
      LEFT JOIN party o ON o.id = d.own_id
      LEFT JOIN contract c ON c.id = d.contract_id
      LEFT JOIN project j ON j.id = d.project_id
      LEFT JOIN document_balance b ON b.document_id = d.id
     CROSS JOIN LATERAL document_totals(d.id, d.status) f;
COMMENT ON VIEW document_card IS
    'every document with its parties, dates, figures in its currency (of drafts as they are now), what is credited, paid and open, hours, number of '
    'tasks, and its signature';
SELECT allow('reader', 'select', 'document_card');

CREATE FUNCTION document_sheet(document bigint)
    RETURNS TABLE ("position" integer, title text, project text, task_id bigint, task_number text, task_url text, coverage text,
                   first_day date, last_day date, hours_worked numeric(18,2), hours_billed numeric(18,2), quantity numeric(18,3), unit text,
                   price numeric(18,2), discount_pct numeric(7,4), amount numeric(18,2), discount numeric(18,2), net numeric(18,2), tax_rate numeric(7,4),
                   tax numeric(18,2), gross numeric(18,2), currency text, lines bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH line AS (
        SELECT l.id, l.charge_id, l.task_id, d.currency, f.position, f.title, f.unit, f.quantity, f.price, f.discount_pct, f.worked_s, f.billed_s, f.amount,
               f.discount, f.tax_rate, f.net, f.tax, f.gross
          FROM document d JOIN document_line l ON l.document_id = d.id JOIN document_figures(d.id) f ON f.line_id = l.id
         WHERE d.id = document_sheet.document AND d.status = 'draft'
        UNION ALL
        SELECT l.id, coalesce(r.charge_id, l.charge_id), l.task_id, d.currency, l.position, l.title, l.unit, l.quantity, l.price, l.discount_pct, l.worked_s,
               l.billed_s, l.amount, l.discount, l.tax_rate, l.net, l.tax, l.gross
          FROM document d JOIN document_line l ON l.document_id = d.id LEFT JOIN document_line r ON r.id = l.reverses_line_id
         WHERE d.id = document_sheet.document AND d.status <> 'draft'
    )
    SELECT l.position, CASE WHEN min(l.title) = max(l.title) THEN min(l.title) ELSE string_agg(DISTINCT l.title, ', ') END,
           min(p.name), CASE WHEN count(DISTINCT t.id) = 1 THEN min(t.id) END,
           CASE WHEN count(DISTINCT t.id) = 1 THEN min(t.number) END, CASE WHEN count(DISTINCT t.id) = 1 THEN min(t.url) END, min(h.coverage),
           min(h.service_date), max(h.service_date), (sum(l.worked_s) / 3600.0)::numeric(18,2), (sum(l.billed_s) / 3600.0)::numeric(18,2),
           coalesce(sum(l.quantity), CASE WHEN min(l.unit) = 'h' THEN sum(l.billed_s) / 3600.0 END)::numeric(18,3), min(l.unit),
           coalesce(min(l.price), CASE WHEN sum(l.billed_s) > 0 AND sum(l.amount) <> 0 THEN sum(l.amount) * 3600 / sum(l.billed_s) END)::numeric(18,2),
           min(l.discount_pct), sum(l.amount)::numeric(18,2), sum(l.discount)::numeric(18,2), sum(l.net)::numeric(18,2), min(l.tax_rate),
           sum(l.tax)::numeric(18,2), sum(l.gross)::numeric(18,2), min(l.currency), count(*)
      FROM line l
      LEFT JOIN charge h ON h.id = l.charge_id
      LEFT JOIN task t ON t.id = coalesce(h.task_id, l.task_id)
      LEFT JOIN project p ON p.id = t.project_id
     GROUP BY l.position
     ORDER BY l.position;
END;
COMMENT ON FUNCTION document_sheet(bigint) IS
    'the rows of a document''s paper, one a position: title, task with its link, coverage (billable, or why it is at zero), days, hours, quantity and '
    'price, amount, its share of the discount, net, tax and gross in currency; of drafts as they are now. The sums are the header''s, to the last digit';
SELECT allow('reader', 'execute', 'document_sheet');

CREATE FUNCTION document_tax(document bigint)
    RETURNS TABLE (tax_rate numeric(7,4), net numeric(18,2), tax numeric(18,2), gross numeric(18,2), currency text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.tax_rate, sum(s.net)::numeric(18,2), sum(s.tax)::numeric(18,2), sum(s.gross)::numeric(18,2), min(s.currency)
      FROM document_sheet(document_tax.document) s GROUP BY 1 ORDER BY 1 NULLS LAST;
END;
COMMENT ON FUNCTION document_tax(bigint) IS 'net, tax and gross of a document by rate of tax in per cent; NULL is exempt';
SELECT allow('reader', 'execute', 'document_tax');

CREATE FUNCTION document_json(document bigint) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'document', c.document_id, 'kind', c.kind, 'number', c.number, 'status', c.status, 'revision', c.revision, 'title', c.title,
        'issued_on', c.issued_on, 'due_on', c.due_on, 'period_from', c.period_from, 'period_to', c.period_to, 'contract', c.contract, 'project', c.project,
        'currency', c.currency, 'net', c.net::text, 'tax', c.tax::text, 'gross', c.gross::text, 'paid', c.paid::text, 'open', c.open::text,
        'hours_worked', c.hours_worked::text, 'hours_billed', c.hours_billed::text, 'requirements', d.requirements,
        'own', jsonb_build_object('name', coalesce(o.legal_name, o.name), 'tax_id', o.tax_id, 'requisites', o.requisites),
        'party', jsonb_build_object('name', coalesce(p.legal_name, p.name), 'tax_id', p.tax_id, 'requisites', p.requisites),
        'positions', (SELECT coalesce(jsonb_agg(jsonb_build_object('position', s.position, 'title', s.title, 'project', s.project, 'task', s.task_number,
                          'url', s.task_url, 'coverage', s.coverage, 'from', s.first_day, 'to', s.last_day, 'hours_worked', s.hours_worked::text,
                          'hours_billed', s.hours_billed::text, 'quantity', s.quantity::text, 'unit', s.unit, 'price', s.price::text,
                          'discount', s.discount::text, 'net', s.net::text, 'tax_rate', s.tax_rate::text, 'tax', s.tax::text, 'gross', s.gross::text)
                          ORDER BY s.position), '[]') FROM document_sheet(document_json.document) s),
        'taxes', (SELECT coalesce(jsonb_agg(jsonb_build_object('tax_rate', t.tax_rate::text, 'net', t.net::text, 'tax', t.tax::text, 'gross', t.gross::text)
                      ORDER BY t.tax_rate), '[]') FROM document_tax(document_json.document) t))
      FROM document_card c
      JOIN document d ON d.id = c.document_id
      JOIN party p ON p.id = c.party_id
      LEFT JOIN party o ON o.id = c.own_id
     WHERE c.document_id = document_json.document;
END;
COMMENT ON FUNCTION document_json(bigint) IS 'a document as its client may see it: header, both parties, positions, totals by tax rate; money and hours as text';
SELECT allow('reader', 'execute', 'document_json');

CREATE FUNCTION client_statement(client bigint, from_date date, to_date date)
    RETURNS TABLE (on_date date, kind text, number text, detail text, debit numeric(18,2), credit numeric(18,2), balance numeric(18,2), currency text,
                   document_id bigint, payment_id bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH move AS (
        SELECT d.issued_on AS on_date, replace(d.kind, '_', ' ') AS kind, d.number, coalesce(d.title, d.note) AS detail,
               greatest(d.gross, 0) AS debit, -least(d.gross, 0) AS credit, d.currency, d.id AS document_id, NULL::bigint AS payment_id, 1 AS rank
          FROM document d
         WHERE d.party_id = client_statement.client AND d.kind IN ('invoice', 'credit_note') AND d.status NOT IN ('draft', 'void')
        UNION ALL
        SELECT p.paid_on, CASE p.flow WHEN 'in' THEN 'payment' ELSE 'refund' END, p.bank_ref, p.purpose, CASE p.flow WHEN 'out' THEN p.amount ELSE 0 END,
               CASE p.flow WHEN 'in' THEN p.amount ELSE 0 END, p.currency, NULL, p.payment_id, 2
          FROM payment_card p JOIN account a ON a.code = p.article AND a.kind = 'income' AND NOT a.accrues
         WHERE p.party_id = client_statement.client AND p.status = 'posted' AND p.flow IN ('in', 'out')
    ), row AS (
        SELECT from_date AS on_date, 'opening balance' AS kind, NULL AS number, NULL AS detail, 0 AS debit, 0 AS credit,
               sum(m.debit - m.credit) FILTER (WHERE m.on_date < from_date) AS opening, m.currency, NULL::bigint AS document_id, NULL::bigint AS payment_id,
               0 AS rank
          FROM move m WHERE m.on_date <= to_date GROUP BY m.currency
        UNION ALL
        SELECT m.on_date, m.kind, m.number, m.detail, m.debit, m.credit, NULL, m.currency, m.document_id, m.payment_id, m.rank
          FROM move m WHERE m.on_date BETWEEN from_date AND to_date
        UNION ALL
        SELECT to_date, 'closing balance', NULL, NULL, 0, 0, NULL, m.currency, NULL, NULL, 3 FROM move m WHERE m.on_date <= to_date GROUP BY m.currency
    )
    SELECT r.on_date, r.kind, r.number, r.detail, r.debit::numeric(18,2), r.credit::numeric(18,2),
           sum(coalesce(r.opening, 0) + r.debit - r.credit) OVER (PARTITION BY r.currency ORDER BY r.rank = 3, r.rank > 0, r.on_date, r.rank, r.document_id,
               r.payment_id ROWS UNBOUNDED PRECEDING)::numeric(18,2),
           r.currency, r.document_id, r.payment_id
      FROM row r
     ORDER BY r.currency, r.rank = 3, r.rank > 0, r.on_date, r.rank, r.document_id, r.payment_id;
END;
COMMENT ON FUNCTION client_statement(bigint, date, date) IS
    'a client''s account between two days, both included: opening balance, invoices and refunds (debit), credit notes and payments (credit), closing '
    'balance; by currency; a positive balance is owed by the client';
SELECT allow('reader', 'execute', 'client_statement');

CREATE VIEW billing_cycle WITH (security_invoker) AS
    SELECT m.client_id, k.name AS client, m.month, m.currency,
           CASE WHEN m.counting THEN 'counting' WHEN m.to_invoice <> 0 THEN 'invoicing' WHEN m.to_pay > 0 THEN 'payment' ELSE 'done' END AS stage,
           CASE WHEN m.to_report <> 0 THEN CASE WHEN m.no_report THEN 'us: invoice the work' WHEN m.any_report THEN 'us: report the work'
                                                ELSE 'us: report or invoice the work' END WHEN m.in_draft <> 0 THEN 'us: send the draft'
                WHEN m.with_client <> 0 THEN 'client: answer the report' WHEN m.to_invoice <> 0 THEN 'us: issue the invoice'
                WHEN m.overdue > 0 THEN 'client: pay, overdue' WHEN m.to_pay > 0 THEN 'client: pay' END AS waits_for,
           m.to_report::numeric(18,2) AS to_report, m.in_draft::numeric(18,2) AS in_draft, m.with_client::numeric(18,2) AS with_client,
           m.to_invoice::numeric(18,2) AS to_invoice, m.billed::numeric(18,2) AS billed, m.to_pay::numeric(18,2) AS to_pay, m.overdue::numeric(18,2) AS overdue,
           m.paid::numeric(18,2) AS paid
      FROM (SELECT x.*, x.to_report <> 0 OR x.in_draft <> 0 OR x.with_client <> 0 AS counting
              FROM (SELECT h.client_id, month(h.period_start) AS month, h.currency,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'unbilled'), 0) AS to_report,
                           coalesce(bool_and(k.auto_bill = 'invoice') FILTER (WHERE l.place = 'unbilled'), false) AS no_report,
                           coalesce(bool_or(k.auto_bill = 'report') FILTER (WHERE l.place = 'unbilled'), false) AS any_report,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND d.status = 'draft'), 0) AS in_draft,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND d.status = 'sent'), 0) AS with_client,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND d.status NOT IN ('draft', 'sent')), 0) AS to_invoice,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'billed'), 0) AS billed,
                           coalesce(sum(y.gross - y.paid), 0) AS to_pay,
                           coalesce(sum(y.gross - y.paid) FILTER (WHERE i.due_on < books_today()), 0) AS overdue,
                           coalesce(sum(y.paid), 0) AS paid
                      FROM charge h
                      JOIN charge_place l ON l.charge_id = h.id
                      LEFT JOIN contract k ON k.id = h.contract_id
                      LEFT JOIN document d ON d.id = l.claimed_by
                      LEFT JOIN document_line n ON n.charge_id = h.id AND n.kind = 'invoice' AND n.released_at IS NULL
                      LEFT JOIN document i ON i.id = n.document_id
                      LEFT JOIN line_payment y ON y.line_id = n.id
                     WHERE h.coverage = 'billable' AND h.amount <> 0
                     GROUP BY 1, 2, 3) x) m
      JOIN party k ON k.id = m.client_id;
COMMENT ON VIEW billing_cycle IS
    'the monthly cycle of every client: counting (to_report, in_draft, with_client) → invoicing (to_invoice) → payment (to_pay, of that overdue), and who has '
    'to do what next (contracts with auto_bill invoice want no report); month of the service period; to_report … billed net, to_pay … paid gross, in currency';
SELECT allow('reader', 'select', 'billing_cycle');

CREATE VIEW late_entry WITH (security_invoker) AS
    SELECT h.id AS charge_id, h.time_entry_id, h.client_id, k.name AS client, h.contract_id, c.number AS contract, c.late_policy, h.task_id, t.title AS task,
           h.employee_id, m.name AS employee, h.service_date, h.period_start AS billed_in, h.late AS after_close, coalesce(y.paid, false) AS task_is_paid,
           l.place, (h.worked_s / 3600.0)::numeric(18,2) AS hours_worked, h.amount::numeric(18,2) AS amount, h.currency
      FROM charge h
      JOIN charge_place l ON l.charge_id = h.id AND l.place <> 'cancelled'
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN employee m ON m.id = h.employee_id
      LEFT JOIN task_payment y ON y.task_id = h.task_id AND y.currency = h.currency
     WHERE h.reverses_id IS NULL AND h.source = 'time' AND (h.late OR y.paid AND l.place IN ('unbilled', 'no_charge'));
COMMENT ON VIEW late_entry IS
    'work that came late: for a service period that was closed (after_close; billed in the later period billed_in), or on a task whose billed work is all '
    'paid; it is new work to be billed, by the contract''s late_policy';
SELECT allow('reader', 'select', 'late_entry');

CREATE VIEW overlapping_entry WITH (security_invoker) AS
    SELECT e.id AS time_entry_id, e.employee_id, m.name AS employee, e.task_id, t.title AS task, e.started_at, e.ended_at,
           o.id AS other_entry_id, o.task_id AS other_task_id, u.title AS other_task, o.started_at AS other_started_at, o.ended_at AS other_ended_at,
           (extract(epoch FROM least(e.ended_at, o.ended_at) - e.started_at) / 3600.0)::numeric(18,2) AS hours_twice
      FROM (SELECT e.id, e.employee_id, e.task_id, e.started_at, e.ended_at,
                   -- of those that began before it the one that ends last, in microseconds, with its id
                   max(ARRAY[(extract(epoch FROM e.ended_at) * 1000000)::bigint, e.id])
                       OVER (PARTITION BY e.employee_id ORDER BY e.started_at, e.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS longest
              FROM time_entry e WHERE e.ended_at > e.started_at) e
      JOIN time_entry o ON o.id = e.longest[2]
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN task u ON u.id = o.task_id
     WHERE e.longest[1] > (extract(epoch FROM e.started_at) * 1000000)::bigint;
COMMENT ON VIEW overlapping_entry IS
    'work by the clock that one person logged twice: an entry that begins while another one of the same employee, other_…, is under way; hours_twice is what '
    'the two share. It is rated like any other; who logged it corrects it';
SELECT allow('reader', 'select', 'overlapping_entry');

CREATE VIEW document_problems WITH (security_invoker) AS
    SELECT 'a document is the sum of its lines' AS rule, document_name(d.id) AS subject,
           format('%s + %s = %s, lines %s + %s = %s', d.net, d.tax, d.gross, coalesce(l.net, 0), coalesce(l.tax, 0), coalesce(l.gross, 0)) AS detail
      FROM document d
      LEFT JOIN (SELECT l.document_id, sum(l.net) AS net, sum(l.tax) AS tax, sum(l.gross) AS gross FROM document_line l GROUP BY 1) l ON l.document_id = d.id
     WHERE d.net IS NOT NULL AND (d.net, d.tax, d.gross) <> (coalesce(l.net, 0), coalesce(l.tax, 0), coalesce(l.gross, 0))
    UNION ALL
    SELECT 'what a line bills is what its charges are', document_name(l.document_id), format('line %s: %s, charges %s', l.id, l.net, h.amount + coalesce(a.amount, 0))
      FROM document_line l JOIN document d ON d.id = l.document_id JOIN charge h ON h.id = l.charge_id LEFT JOIN charge a ON a.id = l.adjustment_id
     WHERE l.released_at IS NULL AND h.frozen_at IS NOT NULL
       AND (l.claim AND l.net IS NOT NULL AND l.net <> h.amount + coalesce(a.amount, 0) AND d.status <> 'sent'
            OR l.kind = 'credit_note' AND l.net <> h.amount)
    UNION ALL
    SELECT 'a line of an invoice repeats the report that keeps its charge', document_name(l.document_id), format('line %s, charge %s', l.id, l.charge_id)
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      LEFT JOIN document_line k ON k.charge_id = l.charge_id AND k.claim AND k.released_at IS NULL
     WHERE l.kind = 'invoice' AND l.released_at IS NULL AND k.document_id IS DISTINCT FROM CASE WHEN l.claim THEN d.id ELSE d.based_on END
    UNION ALL
    SELECT 'a document that is void, rejected or superseded keeps no charge', document_name(l.document_id), format('line %s, charge %s', l.id, l.charge_id)
      FROM document_line l JOIN document d ON d.id = l.document_id
     WHERE l.released_at IS NULL AND l.charge_id IS NOT NULL AND d.status IN ('void', 'rejected', 'superseded')
    UNION ALL
    SELECT 'no document mixes currencies', document_name(l.document_id), format('line %s in %s, its charge in %s', l.id, l.currency, h.currency)
      FROM document_line l JOIN charge h ON h.id = l.charge_id JOIN document d ON d.id = l.document_id
     WHERE l.currency <> h.currency AND d.status <> 'draft'
    UNION ALL
    SELECT 'a held charge is on the sent report that holds it', 'charge ' || h.id, format('held by document %s', h.held_by)
      FROM charge h
     WHERE h.held_by IS NOT NULL
       AND NOT EXISTS (SELECT FROM document_line l JOIN document d ON d.id = l.document_id
                        WHERE l.charge_id = h.id AND l.released_at IS NULL AND d.id = h.held_by AND d.kind = 'report' AND d.status = 'sent')
    UNION ALL
    SELECT 'charges of a sent report are held, of an agreed one or an issued invoice frozen', document_name(d.id), 'charge ' || h.id
      FROM document d
      JOIN document_line l ON l.document_id = d.id AND l.claim AND l.released_at IS NULL
      JOIN charge h ON h.id = l.charge_id
     WHERE d.status <> 'draft' AND NOT (h.frozen_at IS NOT NULL OR d.kind = 'report' AND d.status = 'sent' AND h.held_by = d.id)
    UNION ALL
    SELECT 'allocations never exceed the payment', 'payment ' || p.id, format('%s allocated of %s', a.amount, p.amount)
      FROM payment p JOIN (SELECT a.payment_id, sum(a.amount) AS amount FROM payment_allocation a GROUP BY 1) a ON a.payment_id = p.id
     WHERE a.amount > p.amount OR p.status <> 'posted'
    UNION ALL
    SELECT 'allocations and credits never exceed the document', document_name(b.document_id), format('%s of %s', b.allocated + b.credited, b.gross)
      FROM document_balance b WHERE b.open < 0
    UNION ALL
    SELECT 'allocations are of issued documents', document_name(a.document_id), 'payment ' || a.payment_id
      FROM payment_allocation a WHERE NOT EXISTS (SELECT FROM document_balance b WHERE b.document_id = a.document_id)
    UNION ALL
    SELECT 'credits of a line never exceed the line', document_name(l.document_id), format('line %s: %s + %s credited of %s + %s', l.id, c.net, c.tax, l.net, l.tax)
      FROM document_line l JOIN line_credit c ON c.line_id = l.id
     WHERE abs(c.net) > abs(l.net) OR abs(c.tax) > abs(l.tax) OR sign(c.net) <> sign(l.net) OR c.net = l.net AND (c.tax <> l.tax OR l.released_at IS NULL)
    UNION ALL
    SELECT 'a document has the status that payments, credits and its invoice give it', document_name(d.id), format('%s, not %s', d.status, settled_status(d.id))
      FROM document d
     WHERE d.kind IN ('invoice', 'bill') AND d.status NOT IN ('draft', 'void', 'archived') AND NOT (d.kind = 'bill' AND d.status IN ('sent', 'rejected'))
           AND d.status <> settled_status(d.id)
        OR d.kind = 'report' AND d.status IN ('agreed', 'invoiced', 'partly_paid', 'paid') AND d.status <> settled_status(d.id)
    UNION ALL
    SELECT 'numbers of a series run without gaps, in the order of issue', format('%s %s, series %s', s.kind, s.year, s.id),
           format('%s documents, numbers %s to %s, next %s%s', n.documents, n.lowest, n.highest, s.next_no, CASE WHEN n.disordered THEN ', out of order' END)
      FROM number_series s
     CROSS JOIN LATERAL (
        SELECT count(*) AS documents, coalesce(min(d.series_no), s.first_no) AS lowest, coalesce(max(d.series_no), s.first_no - 1) AS highest,
               coalesce(bool_or(d.issued_at < d.before), false) AS disordered
          FROM (SELECT d.series_no, d.issued_at, lag(d.issued_at) OVER (ORDER BY d.series_no) AS before FROM document d WHERE d.series_id = s.id) d) n
     WHERE n.lowest <> s.first_no OR n.highest <> s.next_no - 1 OR n.documents <> s.next_no - s.first_no OR n.disordered
    UNION ALL
    SELECT 'the tax of issued invoices and credit notes is in the ledger', document_name(d.id), format('%s on the document, %s posted', d.tax, coalesce(e.tax, 0))
      FROM document d
      LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS tax FROM entry e JOIN account k ON k.id = e.credit_id WHERE e.document_id = d.id AND k.code = 'tax_payable') e ON true
     WHERE d.kind IN ('invoice', 'credit_note') AND coalesce(e.tax, 0) <> CASE WHEN d.status IN ('draft', 'void') THEN 0 ELSE d.tax END
    UNION ALL
    SELECT 'an accepted bill is owed, to the last digit', document_name(d.id), format('%s on the bill, %s posted', d.gross, coalesce(e.amount, 0))
      FROM document d
      LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS amount FROM entry e JOIN account k ON k.id = e.credit_id WHERE e.document_id = d.id AND k.code = 'payable') e ON true
     WHERE d.kind = 'bill'
       AND coalesce(e.amount, 0) <> CASE WHEN d.status IN ('draft', 'sent', 'rejected', 'void') OR d.gross IS NULL THEN 0
                                         WHEN EXISTS (SELECT FROM document_status_change s WHERE s.document_id = d.id AND s.to_status = 'agreed') THEN d.gross
                                         ELSE 0 END
    UNION ALL
    SELECT 'the history of a document ends at its status', document_name(d.id), format('%s, last step to %s', d.status, s.to_status)
      FROM document d
      LEFT JOIN LATERAL (SELECT s.to_status FROM document_status_change s WHERE s.document_id = d.id ORDER BY s.id DESC LIMIT 1) s ON true
     WHERE s.to_status IS DISTINCT FROM d.status
    UNION ALL
    SELECT 'a payment of bills accrues nothing', 'payment ' || p.id, format('settles_bills is %s', p.settles_bills)
      FROM payment p
     WHERE p.status = 'posted' AND p.settles_bills <> EXISTS (SELECT FROM payment_allocation a JOIN document d ON d.id = a.document_id
                                                               WHERE a.payment_id = p.id AND d.kind = 'bill')
    UNION ALL
    SELECT 'billed, reported, unbilled and cancelled revenue is all revenue', x.currency, format('%s by place, %s charged', x.placed, x.charged)
      FROM (SELECT h.currency, sum(h.amount) AS charged, sum(h.amount) FILTER (WHERE l.place IN ('billed', 'reported', 'unbilled')) AS placed
              FROM charge h LEFT JOIN charge_place l ON l.charge_id = h.id GROUP BY 1) x
     WHERE coalesce(x.placed, 0) <> x.charged
    UNION ALL
    SELECT 'a charge is in one place', 'charge ' || l.charge_id, string_agg(l.place, ', ')
      FROM charge_place l GROUP BY l.charge_id HAVING count(*) <> 1
    UNION ALL
    SELECT 'a charge is kept by one document', 'charge ' || c.charge_id, string_agg(document_name(c.document_id), ', ')
      FROM charge_claim c GROUP BY c.charge_id HAVING count(*) <> 1;
COMMENT ON VIEW document_problems IS 'broken invariants of documents and payments, none in healthy books: the rule, what breaks it, the figures';
SELECT allow('controller', 'select', 'document_problems');
