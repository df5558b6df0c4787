-- Numbers of documents: ours are given once for a company and kind, whatever the pattern; a supplier's are of a year;
-- what is void leaves outside keys and suppliers' numbers to others, never ours.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_number');
SET search_path = t_number, finance, public;
CREATE FUNCTION pg_temp.paper(day date, kind text DEFAULT 'other', more jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d bigint := draft_document(jsonb_build_object('kind', kind, 'party', 1, 'issued_on', day) || more);
BEGIN
    PERFORM transition(d, 'sent');
    RETURN (SELECT number FROM document WHERE id = d);
END $$;
CREATE FUNCTION pg_temp.bill(number text, day date, price numeric DEFAULT 100, more jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$
    SELECT record_bill(jsonb_build_object('party', 'Petro', 'outside_number', number, 'currency', 'EUR', 'issued_on', day,
        'lines', jsonb_build_array(jsonb_build_object('title', 'work', 'price', price))) || more) $$;
INSERT INTO party (kind, name) VALUES ('company', 'Client'), ('contractor', 'Petro');

-- ---------------------------------------------------------------------------
-- ours
-- ---------------------------------------------------------------------------
-- before there is a company of ours; the first that comes goes on where that ended, by its own series
SELECT pg_temp.paper('2024-03-01');
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('own', 'Them');
SELECT pg_temp.paper('2024-03-02');
INSERT INTO number_series (own_id, kind, year, first_no, next_no) VALUES (3, 'other', 2024, 2, 2);
SELECT pg_temp.paper('2024-03-02');
SELECT count(*) FILTER (WHERE own_id IS NULL) AS without, count(*) FILTER (WHERE own_id = 3) AS ours FROM document;
-- a pattern that names the year begins anew, one that names none goes on, forth and back
SELECT pg_temp.paper('2025-12-31'), pg_temp.paper('2026-01-01');
INSERT INTO number_series (own_id, kind, year, pattern) VALUES (3, 'annex', 2025, 'A-{##}');
SELECT pg_temp.paper('2025-12-31', 'annex'), pg_temp.paper('2026-01-01', 'annex'), pg_temp.paper('2024-06-01', 'annex'), pg_temp.paper('2025-12-31', 'annex');
SELECT kind, year, pattern, first_no, next_no FROM number_series WHERE own_id = 3 ORDER BY 1, 2;
-- another kind and another company have numbers of their own
INSERT INTO number_series (own_id, kind, year, pattern) VALUES (3, 'contract', 2025, 'A-{##}'), (4, 'annex', 2025, 'A-{##}');
INSERT INTO contract (client_id, own_id, number, currency, starts_on) VALUES (1, 4, 'T-1', 'EUR', '2025-01-01');
SELECT pg_temp.paper('2025-12-31', 'contract'), pg_temp.paper('2025-12-31', 'annex', '{"contract": "T-1"}');
-- series of two years that make the same are refused, and go on once they can be told apart
INSERT INTO number_series (own_id, kind, year, pattern) VALUES (3, 'annex', 2026, 'A-{##}');
SELECT pg_temp.paper('2026-02-01', 'annex');
SELECT next_no FROM number_series WHERE own_id = 3 AND kind = 'annex' AND year = 2026;
UPDATE number_series SET pattern = '{YY}A-{##}' WHERE own_id = 3 AND kind = 'annex' AND year = 2026;
SELECT pg_temp.paper('2026-02-01', 'annex');
-- so is a pattern that was changed and meets what it was: 1 and day 02, then 10 and 2
INSERT INTO number_series (own_id, kind, year, pattern) VALUES (3, 'proposal', 2026, '{YYYY}-{#}{DD}');
SELECT pg_temp.paper('2026-11-02', 'proposal');
UPDATE number_series SET pattern = '{YYYY}-10{#}' WHERE kind = 'proposal';
SELECT pg_temp.paper('2026-11-03', 'proposal');
-- void keeps its number
SELECT id AS d FROM document WHERE number = 'A-02' AND own_id = 3 \gset
SELECT void(:d, 'wrong'), pg_temp.paper('2026-03-01', 'annex');
SELECT number, status FROM document WHERE own_id = 3 AND kind = 'annex' ORDER BY id;

-- ---------------------------------------------------------------------------
-- a supplier's
-- ---------------------------------------------------------------------------
SELECT pg_temp.bill('1', '2025-03-01') AS first \gset
SELECT pg_temp.bill('1', '2026-03-01', 200) AS second \gset
SELECT :first <> :second AS two, pg_temp.bill('1', '2025-03-01') = :first AS same, pg_temp.bill('1', '2026-03-01', 200) = :second AS same;
-- the same number within the year, on its first and its last day
SELECT pg_temp.bill('1', '2026-01-01', 201);
SELECT pg_temp.bill('1', '2026-12-31', 202);
SELECT pg_temp.bill('1', '2027-01-01', 203) > 0 AS third;
-- a draft that is moved into the other's year
SELECT draft_document('{"kind": "bill", "party": "Petro", "outside_number": "1", "issued_on": "2028-01-01", "currency": "EUR", "lines": [{"title": "x", "price": 1}]}') AS d \gset
UPDATE document SET issued_on = '2026-06-01' WHERE id = :d;
SELECT discard(:d);
-- without a day it is of the day it comes, and the same content is the same bill
SELECT record_bill('{"party": "Petro", "outside_number": "N", "currency": "EUR", "lines": [{"title": "x", "price": 1}]}') AS b \gset
SELECT record_bill('{"party": "Petro", "outside_number": "N", "currency": "EUR", "lines": [{"title": "x", "price": 1}]}') = :b AS same;
SELECT record_bill('{"party": "Petro", "outside_number": "N", "currency": "EUR", "lines": [{"title": "x", "price": 2}]}');
-- a number of two years does not say which is meant; the id does
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
SELECT transition(:first, 'agreed'), transition(:second, 'agreed');
SELECT allocated FROM record_payment('{"flow": "out", "paid_on": "2026-04-01", "amount": "100", "cash_account": "bank", "article": "contractors", "party": "Petro", "allocations": [{"document": "1", "amount": "100"}]}');
SELECT allocated FROM record_payment(jsonb_build_object('flow', 'out', 'paid_on', '2026-04-01', 'amount', '100', 'cash_account', 'bank', 'article', 'contractors', 'party', 'Petro',
    'allocations', jsonb_build_array(jsonb_build_object('document', :first, 'amount', '100'))));
SELECT id = :first AS first, status FROM document WHERE id IN (:first, :second) ORDER BY id;

-- ---------------------------------------------------------------------------
-- what is void leaves the keys of others
-- ---------------------------------------------------------------------------
SELECT pg_temp.bill('V', '2026-05-01', 10, '{"source": "crm", "external_id": "7"}') AS v \gset
SELECT pg_temp.bill('W', '2026-05-01', 10, '{"source": "crm", "external_id": "7"}');
SELECT void(:v, 'sent twice');
SELECT pg_temp.bill('V', '2026-05-01', 11, '{"source": "crm", "external_id": "7"}') AS again \gset
SELECT id = :again AS again, status, outside_number, source, external_id FROM document WHERE external_id = '7' ORDER BY id;
-- a paper of ours as well, whose number stays
SELECT pg_temp.paper('2026-06-01', 'other', '{"source": "crm", "external_id": "8"}') AS was \gset
SELECT void((SELECT id FROM document WHERE external_id = '8'), 'wrong'), pg_temp.paper('2026-06-02', 'other', '{"source": "crm", "external_id": "8", "title": "right"}') > :'was' AS next;
SELECT status, number > '' AS numbered FROM document WHERE external_id = '8' ORDER BY id;
-- and who has a key now keeps it
SELECT pg_temp.paper('2026-06-03', 'other', '{"source": "crm", "external_id": "8", "title": "third"}');
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_number, t_number_internal CASCADE;
