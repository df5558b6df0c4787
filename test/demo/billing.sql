-- What the work became: stages are accepted, periods closed, invoices issued.
\echo billing

-- The clients of the fixed prices accept one stage after the other.
SELECT count(accept_stage(n.id, x.accepted_on)) AS stages_accepted
  FROM (VALUES
    ('AMB-02', 'Concept', date '2025-11-06'), ('AMB-02', 'Portal', '2026-03-05'), ('AMB-02', 'Launch', '2026-05-04'),
    ('VEL-01', 'Design', '2025-09-12'), ('VEL-01', 'Shop', '2026-01-20'), ('VEL-01', 'Configurator', '2026-05-22'), ('VEL-01', 'Launch', '2026-07-09'),
    ('PAP-02', 'Scanning line', '2025-10-08'), ('PAP-02', 'Search', '2026-01-13'), ('PAP-02', 'Handover and support', '2026-03-02')
  ) x (number, title, accepted_on)
  JOIN contract c ON c.number = x.number
  JOIN contract_line n ON n.contract_id = c.id AND n.title = x.title;

-- While the past is caught up the run drafts nothing: each month has its own
-- invoices below.
CREATE TEMP TABLE billing_wish AS SELECT id, auto_bill FROM contract;
UPDATE contract SET auto_bill = 'none' WHERE auto_bill <> 'none';

-- The run of the 1st of October, over all months since the first.
ANALYZE;
SELECT extract(epoch FROM clock_timestamp()) AS began \gset
CREATE TEMP TABLE billing_run AS SELECT 1 AS run, r.* FROM run_billing('2026-09-30') r;
SELECT outcome, currency, count(DISTINCT contract) AS contracts, count(*) AS periods, sum(charges) AS charges, sum(amount) AS amount
  FROM billing_run GROUP BY 1, 2 ORDER BY 1, 2;
SELECT contract, period_start AS period, regexp_replace(message, '^contract .* cannot be rated: ', '') AS refused_because FROM billing_run WHERE outcome = 'refused' ORDER BY contract;

-- The two contracts of Tinpot meet on a day that both have: its work belongs to
-- the old one, and the run is made again.  Saltmarsh's tester still has no price.
UPDATE time_entry e SET contract_id = c.id
  FROM contract c
 WHERE c.number = 'TIN-01' AND e.id IN (SELECT u.time_entry_id FROM unrated u WHERE u.kind = 'two_contracts');
INSERT INTO billing_run SELECT 2, r.* FROM run_billing('2026-09-30') r;
SELECT run, count(*) FILTER (WHERE outcome = 'closed') AS closed, count(*) FILTER (WHERE outcome = 'refused') AS refused,
       string_agg(DISTINCT contract, ', ') FILTER (WHERE outcome = 'refused') AS contracts_refused
  FROM billing_run GROUP BY run ORDER BY run;
SELECT round((extract(epoch FROM clock_timestamp()) - :began)::numeric, 1) AS seconds_of_billing;

-- An invoice for each contract and month, in the order of their days.  Those
-- who want a report first have answered all but that of September.
CREATE TEMP TABLE month_to_invoice AS
    SELECT jsonb_build_object('contract', jsonb_agg(DISTINCT c.id), 'period', to_char(h.period_start, 'YYYY-MM')) AS filter,
           max(upper(period_of(h.period_start, b.period, b.anchor_day))) + 1 AS issued_on
      FROM charge h
      JOIN contract c ON c.id = h.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      JOIN billing_wish w ON w.id = b.id
     WHERE h.frozen_at IS NOT NULL AND (h.period_start < '2026-09-01' OR w.auto_bill <> 'report')
     GROUP BY b.id, to_char(h.period_start, 'YYYY-MM')
    HAVING sum(h.amount) > 0
    UNION ALL
    -- Hollowoak has no contract and pays what the list says
    SELECT jsonb_build_object('client', h.client_id, 'period', to_char(h.service_date, 'YYYY-MM')), (month(h.service_date) + interval '1 month 1 day')::date
      FROM charge h
     WHERE h.contract_id IS NULL AND h.amount > 0 AND h.service_date < '2026-10-01'
     GROUP BY h.client_id, 1, 2;
CREATE FUNCTION pg_temp.issue(first_day date, last_day date) RETURNS bigint
    LANGUAGE sql
    AS $$ SELECT count(issue_invoice(build_invoice(m.filter, jsonb_build_object('issued_on', m.issued_on))))
            FROM (SELECT * FROM month_to_invoice WHERE issued_on BETWEEN first_day AND last_day ORDER BY issued_on, filter) m $$;
-- A server that runs for months has statistics of its documents; ours gets
-- them after the first.
SELECT pg_temp.issue('-infinity', '2025-07-05') AS invoices \gset first_
ANALYZE document, document_line;
SELECT :first_invoices + pg_temp.issue('2025-07-06', 'infinity') AS invoices;
UPDATE contract c SET auto_bill = w.auto_bill FROM billing_wish w WHERE w.id = c.id AND c.auto_bill <> w.auto_bill;
