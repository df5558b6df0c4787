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
(SELECT project, revenue, cost, profit, margin_pct AS "%", hours, hourly_rate AS "an hour" FROM profit_by_project ORDER BY profit DESC LIMIT 5)
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

\echo
\echo One call in the night, charge by charge
SELECT t.title, h.started_at AT TIME ZONE 'Europe/Berlin' AS local_time, c.number AS contract, h.band, h.worked_s, h.billed_s, h.price, h.amount, h.currency AS cur
  FROM charge h
  JOIN contract c ON c.id = h.contract_id
  JOIN task t ON t.id = h.task_id
 WHERE h.time_entry_id = (SELECT min(n.time_entry_id) FROM charge n WHERE n.band = 'night' AND n.coverage = 'billable' AND n.segment > 1)
 ORDER BY h.segment;

\echo
\echo Broken rules of the books (none is right)
SELECT * FROM check_books() LIMIT 8;
