-- The figures that the owner of the company looks at.
SET search_path = finance, public;
SET jit = off;

\echo
\echo The books
SELECT (SELECT count(*) FROM party WHERE kind IN ('company', 'individual')) AS clients, (SELECT count(*) FROM contract) AS contracts,
       (SELECT count(*) FROM project) AS projects, (SELECT count(*) FROM task) AS tasks, (SELECT count(*) FROM time_entry) AS time_entries,
       (SELECT count(*) FROM charge) AS charges, (SELECT count(*) FROM payment) AS payments, (SELECT count(*) FROM entry) AS ledger_entries;

\echo
\echo Contract cards: what came in, what was worked, what it cost us, each in the currency of the contract
SELECT number, client, model, currency AS cur, receipts, charged, balance, hours_worked AS hours, hours_left AS "left", cost, profit_cash, profit_accrual
  FROM contract_card
 ORDER BY number;

\echo
\echo Contracts that lose money
SELECT number, client, model, receipts, charged, cost, profit_cash, profit_accrual FROM loss_making_contract ORDER BY profit_cash;

\echo
\echo Profit by client, in EUR
SELECT client, revenue, cost, profit, margin_pct AS "%", hours, hours_billed AS billed, hourly_rate AS "an hour" FROM profit_by_client ORDER BY profit DESC;

\echo
\echo Profit by project, in EUR: the five best and the five worst
(SELECT coalesce(project, 'fees and stages of whole contracts') AS project, revenue, cost, profit, margin_pct AS "%", hours, hourly_rate AS "an hour"
   FROM profit_by_project ORDER BY profit DESC LIMIT 5)
UNION ALL
(SELECT project, revenue, cost, profit, margin_pct, hours, hourly_rate FROM (SELECT * FROM profit_by_project ORDER BY profit LIMIT 5) w ORDER BY profit DESC);

\echo
\echo Profit and loss by month, in EUR
SELECT to_char(month, 'YYYY-MM') AS month, revenue, direct_labour, other_direct, gross_profit, gross_margin_pct AS "%", production, commercial, administrative,
       ebitda, net_profit
  FROM pnl_month ORDER BY pnl_month.month;

\echo
\echo Cash flow by month: the last six months, each currency by itself
SELECT to_char(month, 'YYYY-MM') AS month, currency AS cur, opening, operating_in, operating_out, investing, financing, transfers, closing
  FROM cash_flow_month WHERE month >= '2026-05-01' ORDER BY currency, cash_flow_month.month;

\echo
\echo Not billed yet
SELECT client, coalesce(contract, 'by the price list') AS contract, currency AS cur, count(*) AS charges, sum(hours_billed) AS hours, sum(amount) AS amount,
       min(service_date) AS since
  FROM unbilled GROUP BY 1, 2, 3 ORDER BY sum(base_amount) DESC LIMIT 8;

\echo
\echo Work that could not be rated, and why
SELECT reason, client, count(*) AS entries, sum(hours) AS hours, min(work_date) AS first, max(work_date) AS last
  FROM unrated GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8;

\echo
\echo Records that the trackers should not have sent
SELECT source, external_id, reason FROM rejected_entry ORDER BY id LIMIT 8;

SELECT max(h.id) AS night_charge
  FROM charge h JOIN contract c ON c.id = h.contract_id AND c.number = 'MAR-02'
 WHERE h.band = 'night' AND h.segment > 1 AND h.billed_s <> h.worked_s AND h.frozen_at IS NOT NULL \gset
\echo
\echo One call in the night, charge by charge
SELECT h.id AS charge, t.title, h.started_at AT TIME ZONE 'Europe/Berlin' AS local_time, c.number AS contract, h.band, h.worked_s, h.billed_s,
       h.price::numeric(18,2) AS price, h.amount::numeric(18,2) AS amount, h.currency AS cur
  FROM charge h
  JOIN contract c ON c.id = h.contract_id
  JOIN task t ON t.id = h.task_id
 WHERE h.time_entry_id = (SELECT n.time_entry_id FROM charge n WHERE n.id = :night_charge)
 ORDER BY h.segment;
\echo ... and why the last of them is what it is
SELECT explain_charge(:night_charge) \g (format=unaligned tuples_only=on)

\echo
\echo What if Moonbeam took 25 hours of portal care a month for 1650, in place of 40 for 2450, and paid 66 for each more
SELECT coalesce(to_char(w.month, 'YYYY-MM'), 'together') AS month, sum(old_revenue) AS revenue, sum(new_revenue) AS it_would_be, sum(revenue_difference) AS difference,
       sum(old_cost) AS cost, sum(old_profit) AS profit, sum(new_profit) AS profit_would_be, sum(profit_difference) AS more_profit
  FROM contract c
 CROSS JOIN LATERAL what_if(c.id, '2026-01-01', '2026-09-30', '{"included_hours": 25, "fee": 1650, "overage_price": 66}') w
 WHERE c.number = 'MOO-02'
 GROUP BY ROLLUP (w.month) ORDER BY w.month;

-- ---------------------------------------------------------------------------
-- one client's month, from the work to the money
-- ---------------------------------------------------------------------------

CREATE TEMP TABLE step (
    no int GENERATED ALWAYS AS IDENTITY, step text, result text, report text, invoice text, act text, to_pay numeric, tasks_paid text, still_offered numeric
);
SELECT id AS client FROM party WHERE external_id = 'AMB' \gset
\set report NULL
\set invoice NULL
\set act NULL

-- Note a step with what everything is after it.
CREATE FUNCTION pg_temp.note(step text, result text, client bigint, report bigint, invoice bigint, act bigint) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO pg_temp.step (step, result, report, invoice, act, to_pay, tasks_paid, still_offered)
    SELECT $1, $2, (SELECT d.status FROM document d WHERE d.id = $4), (SELECT d.status FROM document d WHERE d.id = $5), (SELECT d.status FROM document d WHERE d.id = $6),
           (SELECT b.open FROM document_card b WHERE b.document_id = $5),
           (SELECT count(*) FILTER (WHERE y.paid) || ' of ' || count(*) FROM task_payment y
             WHERE y.task_id IN (SELECT h.task_id FROM document_line l JOIN charge h ON h.id = l.charge_id WHERE l.document_id = $5)
            HAVING count(*) > 0),
           (SELECT coalesce(sum(u.amount), 0) FROM unbilled u WHERE u.client_id = $3 AND month(u.period_start) = '2026-09-01' AND u.document_id IS NULL)
    $$;

SELECT count(DISTINCT task_id) || ' tasks, ' || sum(hours_billed) || ' h, ' || sum(amount) || ' ' || min(currency) AS result
  FROM preview_report(jsonb_build_object('client', :client, 'period', '2026-09')) \gset
SELECT pg_temp.note('preview_report', :'result', :client, :report, :invoice, :act) \g /dev/null

SELECT build_report(jsonb_build_object('client', :client, 'period', '2026-09'), '{"title": "Work in September 2026", "issued_on": "2026-10-02"}') AS report \gset
SELECT pg_temp.note('build_report', 'a draft that keeps its work', :client, :report, :invoice, :act) \g /dev/null

SELECT transition(:report, 'sent') AS result \gset
SELECT share(:report, '30 days') AS token \gset
SELECT pg_temp.note('transition sent, share', 'number ' || d.number || ', link ' || left(:'token', 6) || '...', :client, :report, :invoice, :act)
  FROM document d WHERE d.id = :report \g /dev/null

SELECT answer_shared(:'token', 'agreed', 'thank you') AS result \gset
SELECT pg_temp.note('answer_shared agreed', 'by ' || coalesce(c.said_by, c.by), :client, :report, :invoice, :act)
  FROM document_status_change c WHERE c.document_id = :report ORDER BY c.id DESC LIMIT 1 \g /dev/null

SELECT issue_invoice(:report, '{"issued_on": "2026-10-05"}') AS invoice \gset
SELECT pg_temp.note('issue_invoice', 'number ' || d.number || ', due ' || d.due_on, :client, :report, :invoice, :act) FROM document d WHERE d.id = :invoice \g /dev/null

SELECT issue_act(:report, '{"issued_on": "2026-10-05"}') AS act \gset
SELECT pg_temp.note('issue_act', 'number ' || d.number, :client, :report, :invoice, :act) FROM document d WHERE d.id = :act \g /dev/null

INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, purpose, source, external_id)
SELECT 'in', 'posted', '2026-10-19', d.gross, d.currency, a.id, 'revenue', d.party_id, 'invoice ' || d.number, 'bank', '20261019-AMB'
  FROM document d JOIN cash_account a ON a.currency = d.currency WHERE d.id = :invoice
RETURNING id AS payment \gset
SELECT pg_temp.note('payment posted', p.amount::numeric(18,2) || ' ' || p.currency || ' on ' || p.paid_on, :client, :report, :invoice, :act)
  FROM payment p WHERE p.id = :payment \g /dev/null

SELECT allocate_payment(:payment, jsonb_build_array(jsonb_build_object('document', d.document_id, 'amount', d.open::text))) AS result
  FROM document_card d WHERE d.document_id = :invoice \gset
SELECT pg_temp.note('allocate_payment', 'left of it ' || :'result', :client, :report, :invoice, :act) \g /dev/null

SELECT transition(:act, 'agreed', 'signed') AS result \gset
SELECT pg_temp.note('transition agreed', 'the client signed the act', :client, :report, :invoice, :act) \g /dev/null

\echo
\echo One month of one client to its end: Amberfjord, September 2026
SELECT no, step, result, report, invoice, act, to_pay::numeric(18,2) AS to_pay, tasks_paid, still_offered::numeric(18,2) AS still_offered
  FROM step ORDER BY no;

\if :{?page}
SELECT document_html(:report) \g (format=unaligned tuples_only=on) :page
\endif

-- ---------------------------------------------------------------------------
-- what must hold
-- ---------------------------------------------------------------------------

CREATE TEMP TABLE broken_rule AS SELECT * FROM check_books();
SELECT count(*) AS broken, count(*) > 0 AS any_broken FROM broken_rule \gset
\echo
\echo :broken broken rules of the books
\if :any_broken
SELECT * FROM broken_rule LIMIT 8;
\endif
