-- Why a charge is what it is, in words.
SET client_min_messages = warning;
SELECT finance.create_books('t_explain');
SET search_path = t_explain, t_explain_internal, finance;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only
CREATE FUNCTION regexp_count_of(template text) RETURNS bigint LANGUAGE sql
    AS $$ SELECT count(DISTINCT CASE WHEN m[1] = '%s' THEN m[1] || n ELSE m[1] END) FROM regexp_matches(template, '%s|%[0-9]\$s', 'g') WITH ORDINALITY x (m, n) $$;

INSERT INTO party (kind, name) VALUES ('own', 'We'), ('company', 'Acme');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR');
INSERT INTO project (client_id, name) VALUES (2, 'Site');
INSERT INTO task (project_id, title) VALUES (1, 'Login form'), (1, 'Bug in it');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('s26', 'Support 2026', 'EUR', true);
INSERT INTO price (price_list_id, price, valid_from) VALUES (1, 50, '-infinity'), (1, 60, '2026-01-01');
INSERT INTO calendar (name, zone) VALUES ('office', 'Europe/Kyiv');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) SELECT 1, d, '09:00', '18:00', 'regular' FROM generate_series(1, 5) d;
INSERT INTO contract (client_id, number, currency, starts_on, calendar_id, round_mode, round_increment_s) VALUES (2, 'A-1', 'EUR', '2026-01-01', 1, 'up', 900);
INSERT INTO band_rule (contract_id, band, price_multiplier) VALUES (1, 'off_hours', 1.5);

-- 17:00 to 19:10 in Kyiv: 2 h 10 min, rounded to 2 h 15 min, cut where the day
-- ends at 18:00: by proportion 1 h of 2 h 10 is 62 min 18 s of 2 h 15
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at, work_type_id) VALUES (1, 1, '2026-01-14 15:00', '2026-01-14 17:10', 1);
SELECT explain_charge(id) FROM charge ORDER BY segment;
-- a bug is shown at nothing
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at, work_type_id) VALUES (1, 2, '2026-01-15 08:00', '2026-01-15 08:30', (SELECT id FROM work_type WHERE code = 'bug'));
SELECT explain_charge(max(id)) FROM charge;
-- the configuration changes; what was stamped is told
UPDATE contract SET round_increment_s = 3600, number = 'A-1';
UPDATE price SET price = 99;
SELECT explain_charge(id) FROM charge WHERE time_entry_id = 1 AND segment = 1;
UPDATE contract SET round_increment_s = 900;
UPDATE price SET price = 60;

-- included hours, overage, a cap, an override, a discount, a late entry
UPDATE task SET contract_id = 1;
INSERT INTO contract (client_id, number, currency, starts_on, project_id, cap_amount, discount_pct) VALUES (2, 'A-2', 'EUR', '2026-01-01', NULL, 100, 10);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, prorate) VALUES (2, 'recurring', 'Support', 200, 7200, 'actual');
INSERT INTO time_entry (employee_id, task_id, contract_id, work_date, duration_s) VALUES (1, 1, 2, '2026-01-20', 10800), (1, 1, 2, '2026-01-21', 7200);
SELECT explain_charge(id) FROM charge WHERE contract_id = 2 ORDER BY time_entry_id, segment;
INSERT INTO time_entry (employee_id, task_id, contract_id, work_date, duration_s, billable_s, price, override_reason) VALUES (1, 1, 2, '2026-02-20', 3600, 1800, 10, 'agreed by phone');
SELECT explain_charge(max(id)) FROM charge;
SELECT charges FROM close_period(2, '2026-01-01');
SELECT regexp_replace(explain_charge(id), 'final since .*', 'final.') FROM charge WHERE source = 'fee';
SELECT reversed FROM correct_entry(4, '{"duration_s": 3600}', 'counted twice');
SELECT regexp_replace(explain_charge(id), 'final since .*', 'final.') FROM charge WHERE time_entry_id = 4 ORDER BY id;

-- items, expenses, stages, adjustments
INSERT INTO item (code, name) VALUES ('page', 'Landing page');
INSERT INTO price (price_list_id, item_id, price, discount_pct) VALUES (1, 1, 300, 5);
SELECT charge_item(1, 1, 2, '2026-01-20') AS id \gset
SELECT explain_charge(:id);
SELECT charge_expense(1, 80, '2026-01-21', 'Train') AS id \gset
SELECT explain_charge(:id);
SELECT charge_item(1, 1, 1, '2026-01-22') AS id \gset
SELECT adjust_charge(:id, -85, 'a friend of the house') AS adjustment \gset
SELECT explain_charge(:adjustment);
SELECT regexp_replace(explain_charge(:id), 'final since .*', 'final.');
-- the minimum of a band, and a block
UPDATE band_rule SET minimum_s = 3600;
UPDATE contract SET round_mode = 'none' WHERE id = 1;
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-02-14 20:00', '2026-02-14 20:20');
SELECT explain_charge(max(id)) FROM charge;
-- so much more an hour instead of times so much: 38 min 18 s at 72.50
UPDATE band_rule SET price_multiplier = 1, price_adder = 12.5, minimum_s = 0;
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-02-15 20:00', '2026-02-15 20:38:18');
SELECT explain_charge(max(id)) FROM charge;
SELECT band_text(b) FROM unnest('{regular,off_hours,night,public_holiday}'::text[]) b;
SELECT add_block(1, '2026-02-01', 5, price => 250) AS block \gset
SELECT explain_charge(id) FROM charge WHERE service_date BETWEEN '2026-02-14' AND '2026-02-15' ORDER BY id;
SELECT explain_charge(12345);
SELECT explain_charge(1, 'de');
SELECT explain_charge(1, NULL);

-- in the three languages: rounding, bands, an adder, what a fee includes, a correction, an item, an expense, a write-off
SELECT regexp_replace(explain_charge(h.id, l.language), '(final since|Остаточне з|Окончательное с) .*', '…')
  FROM unnest('{en,uk,ru}'::text[]) WITH ORDINALITY l (language, no)
 CROSS JOIN LATERAL (
    SELECT min(h.id) FILTER (WHERE h.source = 'time' AND h.segment = 2) AS part,
           min(h.id) FILTER (WHERE h.coverage = 'no_charge') AS shown,
           min(h.id) FILTER (WHERE h.coverage = 'included') AS covered, min(h.id) FILTER (WHERE h.coverage = 'capped') AS capped,
           max(h.id) FILTER (WHERE h.coverage = 'prepaid') AS prepaid,
           min(h.id) FILTER (WHERE h.why ? 'reversal') AS reversal, min(h.id) FILTER (WHERE h.source = 'item') AS item,
           min(h.id) FILTER (WHERE h.source = 'expense') AS expense, min(h.id) FILTER (WHERE h.source = 'fee') AS fee,
           min(h.id) FILTER (WHERE h.why ? 'write_off') AS write_off
      FROM charge h) x
 CROSS JOIN LATERAL unnest(ARRAY[part, shown, covered, capped, prepaid, reversal, item, expense, fee, write_off]) WITH ORDINALITY h (id, no)
 ORDER BY h.no, l.no;
-- every word is there in every language, and asks for as many values
SELECT w.name FROM explain_words() w
 WHERE w.en IS NULL OR w.uk IS NULL OR w.ru IS NULL
    OR regexp_count_of(w.en) <> regexp_count_of(w.uk) OR regexp_count_of(w.en) <> regexp_count_of(w.ru);

-- Time that only the rule's least makes longer says so: 5 minutes cost 15.
INSERT INTO contract (client_id, number, currency, starts_on, round_minimum_s, round_maximum_s) VALUES (2, 'A-3', 'EUR', '2026-01-01', 900, 7200);
UPDATE task SET contract_id = (SELECT id FROM contract WHERE number = 'A-3');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 300);
SELECT charge_reason(why), explain_charge(id) FROM charge ORDER BY id DESC LIMIT 1;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 10800);
SELECT charge_reason(why), explain_charge(id) FROM charge ORDER BY id DESC LIMIT 1;

-- The name of a price list is a name, whatever stands in it.
UPDATE price_list SET name = 'Partner plus 1.2.3; raised to the minimum of 5 %s {x}', discount_pct = 10;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-03', 3600);
SELECT explain_charge(id) FROM charge ORDER BY id DESC LIMIT 1;
SELECT explain_charge(id, 'uk') FROM charge ORDER BY id DESC LIMIT 1;

-- What the engine knew is kept as numbers: the rate of an hour, and why.
SELECT price::float8, multiplier, rate::float8, discount_pct::float8, price_id, why FROM charge
 WHERE source = 'time' AND (why ? 'band' OR why ? 'discount') ORDER BY id DESC LIMIT 3;
DROP SCHEMA t_explain, t_explain_internal CASCADE;
