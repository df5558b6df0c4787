-- What came in and what was paid, to the end of October 2026; later dates are
-- planned payments.
\echo payments

-- Dollars that are changed into euros leave one account and reach the other.
INSERT INTO account (code, name, kind) VALUES ('exchange', 'Money between currencies', 'settlement');
INSERT INTO cash_account (name, currency, iban, floor_amount) VALUES
    ('Main account', 'EUR', 'DE00000000000000000001', 25000), ('Dollar account', 'USD', 'DE00000000000000000002', 0);

CREATE TEMP TABLE cash_line (
    flow text, paid_on date, accrued_on date, amount numeric, currency text, article text, party text, contract text, project text, person text, purpose text
);

CREATE TEMP VIEW calendar_month AS
    SELECT m::date AS month, (m + interval '1 month')::date - 1 AS last_day FROM generate_series(date '2025-05-01', date '2026-10-01', interval '1 month') m;

-- ---------------------------------------------------------------------------
-- clients: most pay a month's bill in time, some late, some in two parts, and
-- of the last months some not at all
-- ---------------------------------------------------------------------------

-- What each invoice bills under each contract; of those paid ahead below.
CREATE TEMP TABLE bill AS
    SELECT d.id AS document, d.number AS invoice, d.issued_on, d.due_on, d.currency, p.external_id AS client, c.number AS contract, c.model, sum(l.gross) AS amount
      FROM document d
      JOIN party p ON p.id = d.party_id
      JOIN document_line l ON l.document_id = d.id
      JOIN charge h ON h.id = l.charge_id
      LEFT JOIN contract c ON c.id = h.contract_id
     WHERE d.kind = 'invoice' AND c.model IS DISTINCT FROM 'prepaid_money'
     GROUP BY d.id, p.external_id, c.number, c.model
    HAVING sum(l.gross) > 0;

INSERT INTO cash_line (flow, paid_on, amount, currency, article, party, contract, purpose)
SELECT 'in', b.due_on - 2 + x.chance % 3 + h.late_days + p.later, p.amount, b.currency, 'revenue', b.client, b.contract, 'invoice ' || b.invoice || p.part
  FROM bill b
 CROSS JOIN LATERAL (SELECT pg_temp.pick(b.client || b.issued_on, 100) AS chance) x
 CROSS JOIN LATERAL (
    SELECT CASE WHEN b.client = 'TIN' THEN 9 + x.chance % 12 WHEN x.chance < 18 THEN 20 + x.chance * 2 ELSE 0 END AS late_days) h
 CROSS JOIN LATERAL (
    SELECT b.amount, 0 AS later, '' AS part WHERE x.chance NOT BETWEEN 20 AND 31
    UNION ALL
    SELECT round(b.amount * 0.6, 2), 0, ', first part' WHERE x.chance BETWEEN 20 AND 31
    UNION ALL
    SELECT b.amount - round(b.amount * 0.6, 2), 33, ', second part' WHERE x.chance BETWEEN 20 AND 31
 ) p
 WHERE b.model = 'fixed_price' OR x.chance < 90 OR b.issued_on < '2026-08-01';

-- Paid ahead: Copper Kettle stopped topping up, Saltmarsh did not.
INSERT INTO cash_line (flow, paid_on, amount, currency, article, contract, purpose)
SELECT 'in', x.paid_on, x.amount, c.currency, 'revenue', c.number, 'prepayment'
  FROM (VALUES ('COP-01', date '2025-05-05', 12000.00), ('COP-01', '2025-08-18', 12000.00), ('COP-01', '2025-12-02', 12000.00), ('COP-01', '2026-04-09', 10000.00),
               ('SAL-02', '2025-07-01', 10000.00), ('SAL-02', '2025-11-17', 10000.00), ('SAL-02', '2026-03-10', 12000.00), ('SAL-02', '2026-07-21', 12000.00)) x (number, paid_on, amount)
  JOIN contract c ON c.number = x.number;

-- ---------------------------------------------------------------------------
-- people and overheads
-- ---------------------------------------------------------------------------

-- Salaries: paid hours of a month at the cost rate, which is with taxes.
INSERT INTO cash_line (flow, paid_on, accrued_on, amount, currency, article, party, person, purpose)
SELECT 'out', m.last_day - 2, m.last_day, round(s.total * x.part, 2), r.currency, x.article, x.party, p.code, x.purpose || to_char(m.month, 'YYYY-MM')
  FROM calendar_month m
  JOIN person p ON p.hired <= m.month AND p.left_on >= m.last_day AND p.party IS NULL
 CROSS JOIN LATERAL (
    SELECT r.hourly_cost, r.currency FROM cost_rate r
      LEFT JOIN employee e ON e.id = r.employee_id
     WHERE (e.email = p.code || '@quillmoor.example' OR r.role = p.role) AND r.valid_from <= m.last_day
     ORDER BY r.role NULLS FIRST, r.valid_from DESC LIMIT 1) r
 CROSS JOIN LATERAL (SELECT r.hourly_cost * 142 * p.days_pct / 100 AS total) s
 CROSS JOIN (VALUES ('payroll', 0.78, NULL, 'salary '), ('payroll_tax', 0.22, 'TAX', 'payroll taxes ')) x (article, part, party, purpose);

-- Freelancers: the hours that they logged, at what an hour pays.
INSERT INTO cash_line (flow, paid_on, accrued_on, amount, currency, article, party, person, purpose)
SELECT 'out', m.last_day, m.last_day, round(sum(e.worked_s * r.hourly_pay) / 3600, 2), r.currency, 'payroll', p.party, p.code, 'hours of ' || to_char(m.month, 'YYYY-MM')
  FROM person p
  JOIN employee k ON k.email = p.code || '@quillmoor.example'
  JOIN time_entry e ON e.employee_id = k.id
  JOIN calendar_month m ON (e.started_at AT TIME ZONE 'Europe/Berlin')::date BETWEEN m.month AND m.last_day OR e.work_date BETWEEN m.month AND m.last_day
 CROSS JOIN LATERAL (SELECT r.hourly_pay, r.currency FROM cost_rate r WHERE r.employee_id = k.id AND r.valid_from <= m.month ORDER BY r.valid_from DESC LIMIT 1) r
 WHERE p.party IS NOT NULL AND :scale = 1
 GROUP BY m.month, m.last_day, r.currency, p.party, p.code;

-- Work bought for a project is its direct cost.
INSERT INTO cash_line (flow, paid_on, accrued_on, amount, currency, article, party, contract, project, purpose)
SELECT 'out', x.accrued_on + 21, x.accrued_on, x.amount, x.currency, 'contractors', x.party, x.contract, x.project, x.purpose
  FROM (VALUES
    (date '2025-09-30', 2400.00, 'EUR', 'INK', 'VEL-01', 'vel-shop', 'shop texts'), ('2026-02-27', 2350.00, 'EUR', 'INK', 'VEL-01', 'vel-shop', 'shop texts, second part'),
    ('2025-11-14', 3900.00, 'EUR', 'INK', 'MAR-01', 'mar-brand', 'brand voice'), ('2025-12-19', 6800.00, 'USD', 'LAN', 'TIN-01', 'tin-fleet', 'penetration test'),
    ('2026-03-20', 4200.00, 'EUR', 'INK', 'AMB-02', 'amb-customs', 'help pages in four languages'), ('2026-06-26', 7200.00, 'USD', 'LAN', 'SAL-01', 'sal-meter', 'security audit'),
    ('2026-08-14', 1850.00, 'EUR', 'INK', 'PAP-01', 'pap-cover', 'blurbs'), ('2026-09-18', 6900.00, 'USD', 'LAN', 'TIN-02', 'tin-parts', 'penetration test'),
    ('2026-10-16', 2600.00, 'EUR', 'INK', 'GUL-01', 'gul-kiosk', 'kiosk texts')
  ) x (accrued_on, amount, currency, party, contract, project, purpose);

INSERT INTO cash_line (flow, paid_on, amount, currency, article, purpose)
SELECT 'out', m.month + x.day, round(x.amount * (1 + 0.002 * (pg_temp.pick(x.purpose || m.month, 60) - 20)), 2), 'EUR', x.article, x.purpose
  FROM calendar_month m
 CROSS JOIN (VALUES ('rent', 2, 4150.00, 'office'), ('tools', 11, 2280.00, 'subscriptions'), ('marketing', 17, 2950.00, 'adverts and fairs'),
                    ('administration', 24, 3100.00, 'bookkeeping and insurance'),
                    ('administration', 25, 6400.00, 'management and office salaries'), ('bank_fees', 26, 96.00, 'bank'), ('purchases', 14, 107.50, 'hosting resold')) x (article, day, amount, purpose);

-- ---------------------------------------------------------------------------
-- owners, bank, tax office
-- ---------------------------------------------------------------------------

INSERT INTO cash_line (flow, paid_on, amount, currency, article, party, purpose) VALUES
    ('in', '2025-05-02', 90000.00, 'EUR', 'capital', NULL, 'paid in by the owners'),
    ('in', '2025-07-10', 60000.00, 'EUR', 'loan', NULL, 'working capital loan'),
    ('out', '2025-11-20', 12600.00, 'EUR', 'fixed_asset', NULL, 'seven notebooks'),
    ('out', '2026-01-12', 4300.00, 'EUR', 'profit_tax', 'TAX', 'advance'), ('out', '2026-04-10', 4300.00, 'EUR', 'profit_tax', 'TAX', 'advance'),
    ('out', '2026-07-10', 5200.00, 'EUR', 'profit_tax', 'TAX', 'advance'), ('out', '2026-10-12', 5200.00, 'EUR', 'profit_tax', 'TAX', 'advance'),
    ('out', '2026-06-15', 18000.00, 'EUR', 'dividends', NULL, 'dividend for 2025'),
    ('in', '2026-08-03', 1450.00, 'EUR', 'other_income', NULL, 'old furniture sold');
INSERT INTO cash_line (flow, paid_on, amount, currency, article, purpose)
SELECT 'out', (date '2025-10-15' + n * interval '1 month')::date, x.amount, 'EUR', x.article, x.purpose
  FROM generate_series(0, 12) n
 CROSS JOIN LATERAL (VALUES ('loan', 2500.00, 'repayment'), ('interest', round((60000 - 2500 * n) * 0.0045, 2), 'loan interest')) x (article, amount, purpose);
-- Each quarter most dollars become euros, half a percent goes to the bank.
INSERT INTO cash_line (flow, paid_on, amount, currency, article, purpose)
SELECT x.flow, d.day, x.amount, x.currency, 'exchange', 'exchange'
  FROM (VALUES (date '2025-08-20', 30000.00), ('2025-11-20', 32000.00), ('2026-02-20', 30000.00), ('2026-05-20', 38000.00), ('2026-08-20', 40000.00), ('2026-10-20', 26000.00)) d (day, usd)
 CROSS JOIN LATERAL (VALUES ('out', d.usd, 'USD'), ('in', round(convert(d.usd, 'USD', 'EUR', d.day) * 0.995, 2), 'EUR')) x (flow, amount, currency);
-- What is known to come: a payment calendar for the rest of the year.
INSERT INTO cash_line (flow, paid_on, amount, currency, article, purpose)
SELECT 'out', (m + x.day * interval '1 day')::date, x.amount, 'EUR', x.article, x.purpose
  FROM generate_series(date '2026-11-01', date '2026-12-01', interval '1 month') m
 CROSS JOIN (VALUES ('rent', 2, 4150.00, 'office'), ('payroll', 27, 34000.00, 'salaries'), ('payroll_tax', 27, 9600.00, 'payroll taxes'), ('loan', 14, 2500.00, 'repayment')) x (article, day, amount, purpose);

INSERT INTO payment (flow, status, paid_on, accrued_on, amount, currency, cash_account_id, article, party_id, contract_id, project_id, employee_id, purpose, source, external_id)
SELECT l.flow, CASE WHEN l.paid_on <= '2026-10-31' THEN 'posted' ELSE 'planned' END, l.paid_on, l.accrued_on, l.amount, l.currency, a.id, l.article, p.id, c.id, j.id, e.id, l.purpose,
       'bank', to_char(l.paid_on, 'YYYYMMDD') || '-' || row_number() OVER (PARTITION BY l.paid_on ORDER BY l.flow, l.article, l.purpose, l.contract, l.person, l.amount)
  FROM cash_line l
  JOIN cash_account a ON a.currency = l.currency
  LEFT JOIN party p ON p.source = 'crm' AND p.external_id = l.party
  LEFT JOIN contract c ON c.number = l.contract
  LEFT JOIN project j ON j.source = 'planner' AND j.external_id = l.project
  LEFT JOIN employee e ON e.email = l.person || '@quillmoor.example'
 ORDER BY l.paid_on, l.flow, l.article, l.purpose, l.contract, l.person, l.amount;

-- A payment that was entered twice is void, one with a slip of the pen corrected.
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id, purpose)
SELECT 'in', 'posted', '2025-08-18', 12000.00, 'EUR', a.id, 'revenue', c.id, 'prepayment'
  FROM cash_account a, contract c WHERE a.currency = 'EUR' AND c.number = 'COP-01';
UPDATE payment p SET status = 'void', purpose = 'entered twice' FROM contract c WHERE c.id = p.contract_id AND c.number = 'COP-01' AND p.source IS NULL;
UPDATE payment p SET amount = 9800.00 FROM contract c WHERE c.id = p.contract_id AND c.number = 'COP-01' AND p.paid_on = '2026-04-09';

-- Each payment settles the invoice it names; what was paid ahead settles the
-- oldest that are open.
SELECT count(allocate_payment(p.id, jsonb_build_array(jsonb_build_object('document', d.id, 'amount', p.amount::text)))) AS allocations
  FROM payment p
  JOIN document d ON d.kind = 'invoice' AND d.number = substring(p.purpose FROM '^invoice ([^ ,]+)')
 WHERE p.status = 'posted';
SELECT count(allocate_payment(p.id)) AS prepayments
  FROM (SELECT p.id FROM payment p WHERE p.purpose = 'prepayment' AND p.status = 'posted' ORDER BY p.paid_on) p;
-- Work that was counted twice is taken back, and what was paid for it sent back.
SELECT count(credit(l.document_id, jsonb_build_array(jsonb_build_object('line', l.id, 'net', '290.00')), 'counted twice', '2026-02-10', 'waive')) AS credited
  FROM (SELECT l.id, l.document_id FROM document_line l JOIN document d ON d.id = l.document_id JOIN contract c ON c.id = d.contract_id
         WHERE c.number = 'MAR-01' AND d.kind = 'invoice' AND d.status = 'paid' AND d.issued_on BETWEEN '2025-11-01' AND '2026-02-01' AND l.net > 290
         ORDER BY l.net DESC, l.id LIMIT 1) l;
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id, purpose, source, external_id)
SELECT 'out', 'posted', '2026-02-11', -n.gross, n.currency, a.id, 'revenue', n.contract_id, 'refund: counted twice', 'bank', '20260211-refund'
  FROM document n JOIN cash_account a ON a.currency = n.currency WHERE n.kind = 'credit_note' AND n.note = 'counted twice' AND n.issued_on = '2026-02-10';

-- The notebooks lose value over three years.
SELECT count(post('depreciation ' || m.month, jsonb_build_array(jsonb_build_object('on', m.last_day, 'debit', 'depreciation', 'credit', 'fixed_asset', 'amount', '350.00', 'currency', 'EUR')), 'notebooks'))
       AS depreciations
  FROM calendar_month m WHERE m.month >= '2025-12-01';
