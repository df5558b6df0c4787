-- Three levels of access: what each may do, and what none may.
--   reader: BI, reads everything, changes nothing
--   clerk:  CRM back ends, log work, keep tasks and payments
--   admin:  prices, contracts, closing, the ledger through its functions
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT finance.create_books('t_access');
SET search_path = t_access, finance, public;
CREATE ROLE regress_finance_bi;
CREATE ROLE regress_finance_crm;
CREATE ROLE regress_finance_cfo;
CREATE ROLE regress_finance_stranger;
SELECT grant_access('regress_finance_bi', 'reader'), grant_access('regress_finance_crm', 'clerk'), grant_access('regress_finance_cfo', 'admin');
SELECT grant_access('regress_finance_bi', 'owner');
SELECT grant_access('regress_finance_nobody', 'reader');

SET ROLE regress_finance_stranger;
SELECT count(*) FROM contract_card;
SELECT check_books();

SET ROLE regress_finance_cfo;
INSERT INTO party (kind, name) VALUES ('company', 'Alpha');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO employee_login VALUES ('b24', '1', 1);
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (1, 'A-1', 'EUR', '2020-01-01');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
SELECT post('opening', '[{"on": "2026-01-01", "debit": "cash bank", "credit": "opening", "amount": "100.00", "currency": "EUR"}]') > 0 AS posted;
INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount) VALUES (1, '2026-01-01', 1, 2, 1, 'EUR', 1);
INSERT INTO charge (source, client_id, service_date, period_start, started_at, coverage, amount, currency, base_amount)
VALUES ('fee', 1, '2026-01-01', '2026-01-01', '2026-01-01', 'billable', 1, 'EUR', 1);
ALTER TABLE entry DISABLE TRIGGER ALL;
TRUNCATE history;

SET ROLE regress_finance_crm;
INSERT INTO project (client_id, name) VALUES (1, 'Site');
INSERT INTO task (project_id, title, source, external_id) VALUES (1, 'Cart', 'b24', '1');
SELECT * FROM ingest_entries('[{"source": "b24", "external_id": "1", "employee": "1", "task": "1", "work_date": "2026-03-02", "duration_s": 3600}]');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id) VALUES ('in', 'posted', '2026-03-02', 100, 'EUR', 1, 'revenue', 1);
SELECT number, receipts, charged, balance, profit_accrual FROM contract_card;
-- who logs work does not approve it
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-03', 60);
UPDATE time_entry SET comment = 'a minute' WHERE work_date = '2026-03-03';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, approved_at) VALUES (1, 1, '2026-03-03', 60, now());
UPDATE time_entry SET approved_at = now(), approved_by = 'the boss';
SELECT approve_entries('{1}');
DELETE FROM time_entry WHERE work_date = '2026-03-03';
UPDATE price SET price = 1;
UPDATE contract SET discount_pct = 100;
UPDATE charge SET amount = 0;
SELECT rerate(1, '2026-01-01');
SELECT post('x', '[]');
SELECT freeze_charges('{1}', 'x');
DELETE FROM period_lock;
SELECT grant_access('regress_finance_crm', 'admin');

SET ROLE regress_finance_bi;
SELECT number, receipts, charged, balance FROM contract_card;
SELECT client, profit FROM profit_by_client;
SELECT month, revenue FROM pnl_month;
SELECT * FROM check_books();
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 60);
DELETE FROM time_entry;
SELECT * FROM ingest_entries('[]');
SELECT nextval('time_entry_id_seq');

RESET ROLE;
-- every view answers a reader
SET client_min_messages = error;
DO $$
DECLARE v_view text;
BEGIN
    SET LOCAL ROLE regress_finance_bi;
    FOR v_view IN SELECT relname FROM pg_class WHERE relnamespace = 't_access'::regnamespace AND relkind = 'v' ORDER BY 1 LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT * FROM t_access.%I) x', v_view);
    END LOOP;
END $$;
RESET search_path;
DROP SCHEMA t_access CASCADE;
DROP OWNED BY regress_finance_bi, regress_finance_crm, regress_finance_cfo, regress_finance_stranger;
DROP ROLE regress_finance_bi, regress_finance_crm, regress_finance_cfo, regress_finance_stranger;
