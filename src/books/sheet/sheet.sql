-- ---------------------------------------------------------------------------
-- sheet: documents as people read them
-- ---------------------------------------------------------------------------

CREATE FUNCTION document_totals(p_document bigint, OUT net numeric, OUT tax numeric,
                                OUT gross numeric, OUT worked_s numeric,
                                OUT billed_s numeric, OUT tasks bigint)
    LANGUAGE plpgsql STABLE COST 5000 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    IF (SELECT s.draft FROM document d JOIN document_state s USING (kind, status) WHERE d.id = p_document) THEN
        SELECT sum(f.net), sum(f.tax), sum(f.gross), sum(f.worked_s), sum(f.billed_s), count(DISTINCT h.task_id)
          INTO document_totals.net, document_totals.tax, document_totals.gross, document_totals.worked_s,
              document_totals.billed_s, document_totals.tasks
          FROM document_figures(p_document) f JOIN document_line l ON l.id = f.line_id
          LEFT JOIN charge h ON h.id = l.charge_id;
    ELSE
        SELECT sum(l.worked_s), sum(l.billed_s), count(DISTINCT coalesce(h.task_id, l.task_id))
          INTO document_totals.worked_s, document_totals.billed_s, document_totals.tasks
          FROM document_line l LEFT JOIN charge h ON h.id = l.charge_id WHERE l.document_id = p_document;
    END IF;
END $$;
COMMENT ON FUNCTION document_totals(bigint) IS
    'what the lines of a document come to: hours as seconds and tasks; of drafts also net, tax and gross as they are '
    'now, NULL for what is issued, whose header has them. A function, so that the plan of a view over documents stays '
    'small: it is not worth compiling';

CREATE VIEW document_card WITH (security_invoker) AS
    SELECT d.id AS document_id, d.kind, d.incoming, coalesce(d.number, d.outside_number) AS number, d.status,
           d.revision, d.supersedes_id, d.based_on,
           (SELECT s.id FROM document s WHERE s.supersedes_id = d.id) AS superseded_by,
           d.own_id, o.name AS own, d.party_id, p.name AS party, d.contract_id, c.number AS contract, d.project_id,
           j.name AS project,
           d.deal_id, d.task_id, d.title, d.period_from, d.period_to, d.issued_on, d.due_on, d.currency,
           coalesce(d.net, f.net)::numeric(18,2) AS net, coalesce(d.tax, f.tax)::numeric(18,2) AS tax,
           coalesce(d.gross, f.gross)::numeric(18,2) AS gross,
           b.credited::numeric(18,2) AS credited, b.allocated::numeric(18,2) AS paid, b.open::numeric(18,2) AS open,
           CASE WHEN b.open > 0 THEN greatest(books_today() - d.due_on, 0) END AS days_overdue,
           (f.worked_s / 3600.0)::numeric(18,2) AS hours_worked,
           (f.billed_s / 3600.0)::numeric(18,2) AS hours_billed, f.tasks,
           d.sign_status, d.sign_at, d.sign_by, d.sign_ref, d.file_url, d.note, d.created_at, d.created_by,
           d.meaning
      FROM document d
      JOIN party p ON p.id = d.party_id
      LEFT JOIN party o ON o.id = d.own_id
      LEFT JOIN contract c ON c.id = d.contract_id
      LEFT JOIN project j ON j.id = d.project_id
      LEFT JOIN document_balance b ON b.document_id = d.id
     CROSS JOIN LATERAL document_totals(d.id) f;
COMMENT ON VIEW document_card IS
    'every document with its parties, contract and project (by the names they have now; document_json() has those that '
    'were kept), dates, figures in its currency (of drafts as they are now), what is credited, '
    'paid and open, hours, number of tasks, and its signature; of a credit note its meaning';
SELECT allow('reader', 'select', 'document_card');

CREATE FUNCTION document_sheet(document bigint)
    RETURNS TABLE ("position" integer, title text, project text, task_id bigint, task_number text, task_url text,
                   coverage text,
                   first_day date, last_day date, hours_worked numeric(18,2), hours_billed numeric(18,2),
                   quantity numeric, unit text,
                   price numeric(18,2), discount_pct numeric(7,4), amount numeric(18,2), discount numeric(18,2),
                   net numeric(18,2), tax_rate numeric(7,4),
                   tax numeric(18,2), gross numeric(18,2), currency text, lines bigint, clock text, summed boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.position, r.title, r.task_project, r.task_id, r.task_number, r.task_url, CASE
           WHEN r.charges > 0 THEN coalesce(r.coverage, 'billable') END,
           r.first_day, r.last_day, r.hours_worked, r.hours_billed,
           trim_scale(CASE WHEN r.unit = 'h' AND r.billed_s IS NOT NULL THEN round(r.billed_s / 3600.0, 6)
                           ELSE r.quantity END), r.unit,
           round(r.price, greatest(2, min_scale(r.price))), r.discount_pct::numeric(7,4), r.amount::numeric(18,2),
           r.discount::numeric(18,2), r.net::numeric(18,2), r.tax_rate::numeric(7,4), r.tax::numeric(18,2),
           r.gross::numeric(18,2),
           d.currency, r.lines, r.clock, r.summed
      FROM document d
     CROSS JOIN LATERAL document_rows(d.id) r
     WHERE d.id = document_sheet.document
     ORDER BY r.position;
END;
COMMENT ON FUNCTION document_sheet(bigint) IS
    'the rows of a document''s paper, one a position: title, task with its link, coverage (billable, or why it is at '
    'zero), days, hours, quantity and price, amount, its share of the discount, net, tax and gross in currency; of '
    'drafts as they are now. clock: the hours as h:mm, where the paper shows them so; summed: quantity (or time) x '
    'price less discount is not the amount. The sums are the header''s, to the last digit';
SELECT allow('reader', 'execute', 'document_sheet');

CREATE FUNCTION document_tax(document bigint)
    RETURNS TABLE (tax_rate numeric(7,4), net numeric(18,2), tax numeric(18,2), gross numeric(18,2), currency text,
                   tax_code text, tax_name text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT x.rate::numeric(7,4), sum(r.net)::numeric(18,2), sum(x.amount)::numeric(18,2),
           sum(r.net + x.amount)::numeric(18,2), d.currency, x.tax, t.name
      FROM document d
     CROSS JOIN LATERAL document_rows(d.id) r
     CROSS JOIN LATERAL (
        SELECT y.tax, y.rate, y.amount FROM taxes_of(r.taxes, r.tax_rate, r.tax) y
        UNION ALL SELECT NULL, NULL, 0 WHERE r.taxes IS NULL AND r.tax_rate IS NULL AND r.tax = 0) x
      LEFT JOIN tax t ON t.code = x.tax
     WHERE d.id = document_tax.document
     GROUP BY x.rate, x.tax, t.name, d.currency ORDER BY x.tax NULLS FIRST, x.rate NULLS LAST;
END;
COMMENT ON FUNCTION document_tax(bigint) IS
    'net, tax and gross of a document by tax and rate in per cent; a rate of NULL is exempt, a code of NULL a fixed '
    'rate. Of several taxes on a line each has its net: they are not to be summed';
SELECT allow('reader', 'execute', 'document_tax');

CREATE FUNCTION json_party(p_party jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_build_object('name', coalesce(p_party ->> 'legal_name', p_party ->> 'name'), 'tax_id',
                              p_party -> 'tax_id', 'requisites', p_party -> 'requisites');
END;
COMMENT ON FUNCTION json_party(jsonb) IS 'a party, as paper_party() has it, as the JSON of a document tells it';

CREATE FUNCTION document_json(document bigint) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'document', c.document_id, 'kind', c.kind, 'number', c.number, 'status', c.status, 'revision', c.revision,
        'title', c.title,
        'issued_on', c.issued_on, 'due_on', c.due_on, 'period_from', c.period_from, 'period_to', c.period_to,
        'contract', p.paper ->> 'contract', 'project', p.paper ->> 'project',
        'currency', c.currency, 'net', c.net::text, 'tax', c.tax::text, 'gross', c.gross::text, 'paid', c.paid::text,
        'open', c.open::text,
        'hours_worked', c.hours_worked::text, 'hours_billed', c.hours_billed::text, 'requirements', d.requirements,
        'meaning', d.meaning,
        'own', json_party(p.paper -> 'own'), 'party', json_party(p.paper -> 'party'),
        'positions',
        (SELECT coalesce(jsonb_agg(jsonb_build_object('position', s.position, 'title', s.title, 'project', s.project,
                                                      'task', s.task_number,
                          'url', s.task_url, 'coverage', s.coverage, 'from', s.first_day, 'to', s.last_day,
                          'hours_worked', s.hours_worked::text,
                          'hours_billed', s.hours_billed::text, 'quantity', s.quantity::text,
                          'clock', s.clock, 'unit', s.unit, 'price', s.price::text,
                          'discount_pct', trim_scale(s.discount_pct)::text, 'amount', s.amount::text,
                          'summed', s.summed,
                          'discount', s.discount::text, 'net', s.net::text, 'tax_rate', s.tax_rate::text, 'tax',
                          s.tax::text, 'gross', s.gross::text)
                          ORDER BY s.position), '[]') FROM document_sheet(document_json.document) s),
        'taxes', (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('tax_code', t.tax_code,
                                                               'tax_name', t.tax_name))
                                            || jsonb_build_object('tax_rate', t.tax_rate::text, 'net', t.net::text,
                                                               'tax', t.tax::text, 'gross', t.gross::text)
                      ORDER BY t.tax_code NULLS FIRST, t.tax_rate), '[]') FROM document_tax(document_json.document) t))
      FROM document_card c
      JOIN document d ON d.id = c.document_id
     CROSS JOIN LATERAL (SELECT paper_of(d) AS paper) p
     WHERE c.document_id = document_json.document;
END;
COMMENT ON FUNCTION document_json(bigint) IS
    'a document as its client may see it: header, both parties as they were when it was issued, positions, totals by '
    'tax rate; money and hours as text';
SELECT allow('reader', 'execute', 'document_json');
