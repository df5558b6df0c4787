-- The sample company: an agency of fifteen people with its clients, prices,
-- contracts, projects and tasks.  All of it is invented.
\echo company

-- Chance without random(): the same key always picks the same number from 0
-- to choices - 1, on every version of PostgreSQL.
CREATE FUNCTION pg_temp.pick(key text, choices int) RETURNS int
    LANGUAGE sql IMMUTABLE STRICT
    AS $$ SELECT ('x' || left(encode(sha256(key::bytea), 'hex'), 7))::bit(28)::int % choices $$;

UPDATE setting SET base_currency = 'EUR', zone = 'Europe/Berlin', max_entry_s = 43200;

-- One euro in dollars, month by month.
INSERT INTO exchange_rate (base, quote, valid_from, rate)
SELECT 'EUR', 'USD', (date '2025-05-01' + (n - 1) * interval '1 month')::date, r
  FROM unnest(ARRAY[1.1268, 1.1402, 1.1731, 1.1545, 1.1684, 1.1741, 1.1536, 1.1602, 1.1699, 1.1755, 1.1803, 1.1688,
                    1.1621, 1.1594, 1.1502, 1.1437, 1.1519, 1.1568, 1.1601]) WITH ORDINALITY x (r, n);

-- ---------------------------------------------------------------------------
-- parties and people
-- ---------------------------------------------------------------------------

INSERT INTO direction (name) VALUES ('Delivery'), ('Inside');
INSERT INTO direction (name, parent_id)
SELECT x.name, d.id
  FROM (VALUES ('Development', 'Delivery'), ('Design', 'Delivery'), ('Support', 'Delivery'), ('Own projects', 'Inside')) x (name, parent)
  JOIN direction d ON d.name = x.parent;

INSERT INTO party (kind, name, legal_name, tax_id, requisites, email, source, external_id) VALUES
    ('own', 'Quillmoor Studio', 'Quillmoor Studio GmbH', 'DE000000001',
     '{"address": "Example Lane 7, 10000 Sampletown", "iban": "DE00000000000000000000", "bank": "Sample Bank", "bic": "SAMPDE00XXX"}',
     'hello@quillmoor.example', 'crm', 'OWN');

INSERT INTO brand (own_id, logo, accent, footer)
SELECT id, 'data:image/svg+xml;base64,' || translate(encode(convert_to(
       '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><circle cx="32" cy="32" r="30" fill="#2f4858"/>'
       '<path d="M46 12C28 16 18 30 17 52l3 0c1-7 3-12 6-16 10 0 17-9 20-24z" fill="#f6ae2d"/><path d="M18 52C20 40 28 28 40 19" stroke="#2f4858" stroke-width="2" fill="none"/></svg>',
       'UTF8'), 'base64'), E'\n', ''), '#2f4858', 'Quillmoor Studio · hello@quillmoor.example'
  FROM party WHERE kind = 'own';

INSERT INTO party (kind, name, legal_name, tax_id, requisites, email, payment_terms_days, grace_days, source, external_id)
SELECT x.kind, x.name, x.legal_name, x.tax_id,
       jsonb_build_object('address', x.address, 'iban', 'XX' || lpad(x.no::text, 20, '0')),
       'accounts@' || lower(x.code) || '.example', x.terms, x.grace, 'crm', x.code
  FROM (VALUES
    (1, 'company', 'AMB', 'Amberfjord Logistics', 'Amberfjord Logistics GmbH', 'DE000000101', 'Quay 4, 20000 Amberfjord', 14, 5),
    (2, 'company', 'MAR', 'Marzipan Airways', 'Marzipan Airways AG', 'AT000000102', 'Hangar 2, 1000 Marzipan', 30, 0),
    (3, 'company', 'TIN', 'Tinpot Robotics', 'Tinpot Robotics Inc.', 'US00-0000103', '12 Cogwheel Street, Tinpot Falls', 30, 10),
    (4, 'company', 'VEL', 'Velvet Anvil Furniture', 'Velvet Anvil Möbel GmbH', 'DE000000104', 'Sofaweg 9, 30000 Polsterhausen', 14, 0),
    (5, 'company', 'COP', 'Copper Kettle Foods', 'Copper Kettle Foods Ltd', 'IE000000105', '3 Ladle Yard, Kettletown', 7, 3),
    (6, 'company', 'MOO', 'Moonbeam Clinics', 'Moonbeam Clinics SE', 'NL000000106', 'Nightingale Square 1, Moonbeam', 14, 0),
    (7, 'company', 'GUL', 'Gullwing Ferries', 'Gullwing Ferries A/S', 'DK000000107', 'Pier 11, Gullwing Harbour', 21, 7),
    (8, 'company', 'PAP', 'Paperboat Publishing', 'Paperboat Publishing s.r.o.', 'CZ000000108', 'Folio 22, Paperboat', 14, 0),
    (9, 'company', 'SAL', 'Saltmarsh Energy', 'Saltmarsh Energy LLC', 'US00-0000109', '1 Turbine Road, Saltmarsh', 30, 0),
    (10, 'individual', 'HOL', 'Hollowoak Insurance Broker', NULL, 'DE000000110', 'Acorn Row 5, Hollowoak', 14, 0),
    (11, 'contractor', 'NIC', 'Nico, freelance developer', NULL, NULL, 'Remote', 14, 0),
    (12, 'contractor', 'OLG', 'Olga, freelance designer', NULL, NULL, 'Remote', 14, 0),
    (13, 'contractor', 'INK', 'Inkpot Copywriting', 'Inkpot Copywriting GbR', 'DE000000113', 'Comma Court 3, Inkpot', 30, 0),
    (14, 'contractor', 'LAN', 'Lantern Security Audits', 'Lantern Audits Inc.', 'US00-0000114', '8 Wick Avenue, Lantern', 30, 0),
    (15, 'state_body', 'TAX', 'Tax office', 'Tax office of Sampletown', NULL, 'Form Street 1, Sampletown', 10, 0)
  ) x (no, kind, code, name, legal_name, tax_id, address, terms, grace);

-- class says which work a person takes; hired and left bound the work logs.
CREATE TEMP TABLE person (
    code text PRIMARY KEY, name text, role text, class text, direction text, party text, login_no int, days_pct int, hired date, left_on date,
    hourly_cost numeric, hourly_pay numeric, currency text
);
INSERT INTO person VALUES
    ('anna', 'Anna D.', 'manager', 'manage', 'Development', NULL, 1, 100, '2025-05-01', 'infinity', 34, NULL, 'EUR'),
    ('bruno', 'Bruno K.', 'manager', 'manage', 'Development', NULL, 2, 100, '2025-05-01', 'infinity', 30, NULL, 'EUR'),
    ('carla', 'Carla M.', 'senior', 'dev', 'Development', NULL, 3, 100, '2025-05-01', 'infinity', 35, NULL, 'EUR'),
    ('dario', 'Dario F.', 'senior', 'dev', 'Development', NULL, 4, 100, '2025-05-01', 'infinity', 33.5, NULL, 'EUR'),
    ('edda', 'Edda W.', 'developer', 'dev', 'Development', NULL, 5, 100, '2025-05-01', 'infinity', 28.75, NULL, 'EUR'),
    ('felix', 'Felix O.', 'developer', 'dev', 'Development', NULL, 6, 100, '2025-05-01', 'infinity', 27.4, NULL, 'EUR'),
    ('greta', 'Greta S.', 'developer', 'dev', 'Development', NULL, 7, 80, '2025-05-01', 'infinity', 26.3, NULL, 'EUR'),
    ('hugo', 'Hugo P.', 'junior', 'dev', 'Development', NULL, 8, 100, '2025-09-01', 'infinity', NULL, NULL, 'EUR'),
    ('ines', 'Ines R.', 'designer', 'design', 'Design', NULL, 9, 100, '2025-05-01', 'infinity', 27.2, NULL, 'EUR'),
    ('jonas', 'Jonas L.', 'designer', 'design', 'Design', NULL, 10, 100, '2025-05-01', '2026-08-31', 23.9, NULL, 'EUR'),
    ('kira', 'Kira V.', 'qa', 'dev', 'Development', NULL, 11, 100, '2025-05-01', 'infinity', 21.15, NULL, 'EUR'),
    ('leon', 'Leon T.', 'support', 'support', 'Support', NULL, 12, 100, '2025-11-01', 'infinity', 21.8, NULL, 'EUR'),
    ('mira', 'Mira B.', 'devops', 'support', 'Support', NULL, 13, 100, '2025-05-01', 'infinity', 29.6, NULL, 'EUR'),
    ('nico', 'Nico (freelance)', 'developer', 'dev', 'Development', 'NIC', 14, 60, '2025-06-02', 'infinity', 36, 36, 'USD'),
    ('olga', 'Olga (freelance)', 'designer', 'design', 'Design', 'OLG', 15, 40, '2025-05-01', 'infinity', 29, 29, 'EUR');

INSERT INTO employee (name, email, role, direction_id, party_id, zone, active)
SELECT x.name, x.code || '@quillmoor.example', x.role, d.id, p.id, CASE x.code WHEN 'nico' THEN 'America/New_York' ELSE 'Europe/Berlin' END,
       x.left_on = 'infinity'
  FROM person x
  JOIN direction d ON d.name = x.direction
  LEFT JOIN party p ON p.source = 'crm' AND p.external_id = x.party
 ORDER BY x.login_no;

UPDATE party SET manager_id = e.id
  FROM employee e
 WHERE e.name = CASE WHEN party.external_id IN ('AMB', 'MAR', 'TIN', 'VEL') THEN 'Anna D.' ELSE 'Bruno K.' END
   AND party.kind IN ('company', 'individual');

-- Each tracker knows people by a name or number of its own.
INSERT INTO employee_login (source, external_id, employee_id)
SELECT s.source,
       CASE s.source WHEN 'timesheet' THEN x.code WHEN 'bitrix24' THEN (x.login_no + 20)::text
                     WHEN 'clickup' THEN (48210300 + x.login_no * 17)::text ELSE 'user:' || x.login_no END,
       e.id
  FROM person x
  JOIN employee e ON e.email = x.code || '@quillmoor.example'
 CROSS JOIN (VALUES ('timesheet'), ('bitrix24'), ('clickup'), ('planfix')) s (source);

-- What an hour costs: a row for each person, a rise in the new year, and a
-- rate by role for who has none of his own.
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, hourly_pay, currency)
SELECT e.id, v.valid_from, x.hourly_cost * v.factor, x.hourly_pay * v.factor, x.currency
  FROM person x
  JOIN employee e ON e.email = x.code || '@quillmoor.example'
 CROSS JOIN (VALUES (date '2025-05-01', 1.00), (date '2026-01-01', 1.04)) v (valid_from, factor)
 WHERE x.hourly_cost IS NOT NULL;
INSERT INTO cost_rate (role, valid_from, hourly_cost, currency) VALUES
    ('junior', '2025-05-01', 16.5, 'EUR'), ('junior', '2026-03-01', 18, 'EUR');

-- ---------------------------------------------------------------------------
-- price lists and calendars
-- ---------------------------------------------------------------------------

INSERT INTO item (code, name, kind, unit) VALUES
    ('HOST-M', 'Managed hosting', 'licence', 'month'), ('DOMAIN', 'Domain name', 'expense', 'year'),
    ('LANDING', 'Landing page from a template', 'service', 'pcs'), ('AUDIT', 'Accessibility audit', 'service', 'pcs'),
    ('SUPPORT', 'Support subscription', 'fee', 'month'), ('BLOCK-100', 'Block of 100 hours', 'fee', 'pcs');

INSERT INTO price_list (code, name, currency, client_id, is_default, discount_pct)
SELECT x.code, x.name, x.currency, p.id, x.is_default, x.discount_pct
  FROM (VALUES
    ('EUR-STD', 'Standard 2025', 'EUR', NULL, true, NULL::numeric), ('USD-STD', 'Standard 2025, US', 'USD', NULL, true, NULL),
    ('EUR-NIGHT', 'After hours', 'EUR', NULL, false, NULL), ('GUL-NIGHT', 'After hours, ferries', 'EUR', NULL, false, 5),
    ('AMB', 'Amberfjord', 'EUR', 'AMB', false, NULL), ('MAR', 'Marzipan', 'EUR', 'MAR', false, 2),
    ('TIN', 'Tinpot', 'USD', 'TIN', false, 5), ('MOO', 'Moonbeam', 'EUR', 'MOO', false, NULL),
    ('GUL', 'Gullwing', 'EUR', 'GUL', false, 4), ('SAL', 'Saltmarsh', 'USD', 'SAL', false, NULL)
  ) x (code, name, currency, client, is_default, discount_pct)
  LEFT JOIN party p ON p.source = 'crm' AND p.external_id = x.client;
UPDATE price_list l SET parent_id = p.id
  FROM price_list p
 WHERE (l.code, p.code) IN (('AMB', 'EUR-STD'), ('MAR', 'EUR-STD'), ('GUL', 'EUR-STD'), ('MOO', 'EUR-STD'), ('TIN', 'USD-STD'), ('GUL-NIGHT', 'EUR-NIGHT'));

-- Saltmarsh's list has no row for everybody, and none for testers.
INSERT INTO price (price_list_id, role, work_type_id, valid_from, price, discount_pct)
SELECT l.id, x.role, w.id, x.valid_from, x.price, x.discount_pct
  FROM (VALUES
    ('EUR-STD', NULL, NULL, date '2025-01-01', 60.00, NULL::numeric), ('EUR-STD', NULL, NULL, '2026-01-01', 62.50, NULL),
    ('EUR-STD', 'manager', NULL, '2025-01-01', 72.00, NULL), ('EUR-STD', 'manager', NULL, '2026-01-01', 75.00, NULL),
    ('EUR-STD', 'senior', NULL, '2025-01-01', 78.50, NULL), ('EUR-STD', 'senior', NULL, '2026-01-01', 82.00, NULL),
    ('EUR-STD', 'junior', NULL, '2025-01-01', 44.00, NULL), ('EUR-STD', 'qa', NULL, '2025-01-01', 47.50, NULL),
    ('EUR-STD', 'support', NULL, '2025-01-01', 52.00, NULL), ('EUR-STD', 'devops', NULL, '2025-01-01', 71.00, NULL),
    ('USD-STD', NULL, NULL, '2025-01-01', 74.00, NULL), ('USD-STD', 'manager', NULL, '2025-01-01', 88.00, NULL),
    ('USD-STD', 'senior', NULL, '2025-01-01', 96.00, NULL), ('USD-STD', 'junior', NULL, '2025-01-01', 54.00, NULL),
    ('USD-STD', 'qa', NULL, '2025-01-01', 58.00, NULL),
    ('EUR-NIGHT', NULL, NULL, '2025-01-01', 90.00, NULL), ('EUR-NIGHT', 'devops', NULL, '2025-01-01', 106.50, NULL),
    ('EUR-NIGHT', 'support', NULL, '2025-01-01', 78.00, NULL),
    ('AMB', NULL, NULL, '2025-01-01', 66.67, NULL), ('AMB', 'senior', NULL, '2025-01-01', 83.33, NULL),
    ('AMB', 'junior', NULL, '2025-01-01', 46.67, NULL), ('AMB', 'designer', 'design', '2025-01-01', 61.11, NULL),
    ('MAR', NULL, NULL, '2025-01-01', 67.00, NULL), ('MAR', 'senior', NULL, '2025-01-01', 85.00, 3),
    ('MAR', NULL, 'support', '2025-01-01', 58.00, 0), ('MAR', 'junior', NULL, '2025-01-01', 45.00, NULL),
    ('TIN', 'senior', 'development', '2025-01-01', 99.00, 0), ('TIN', NULL, 'design', '2025-01-01', 77.77, NULL),
    ('MOO', NULL, 'support', '2025-01-01', 56.00, NULL), ('MOO', NULL, 'development', '2025-01-01', 64.90, NULL),
    ('MOO', 'manager', NULL, '2025-01-01', 70.00, 10),
    ('GUL', NULL, 'support', '2025-01-01', 57.14, NULL),
    ('SAL', 'manager', NULL, '2025-01-01', 86.00, NULL), ('SAL', 'senior', NULL, '2025-01-01', 94.00, NULL),
    ('SAL', 'developer', NULL, '2025-01-01', 78.00, NULL), ('SAL', 'junior', NULL, '2025-01-01', 53.33, NULL),
    ('SAL', 'designer', NULL, '2025-01-01', 79.00, NULL), ('SAL', 'support', NULL, '2025-01-01', 64.00, NULL),
    ('SAL', 'devops', NULL, '2025-01-01', 83.00, NULL)
  ) x (list, role, work_type, valid_from, price, discount_pct)
  JOIN price_list l ON l.code = x.list
  LEFT JOIN work_type w ON w.code = x.work_type;
-- Tinpot pays more for one person; things have a price and a cost.
INSERT INTO price (price_list_id, employee_id, valid_from, price)
SELECT l.id, e.id, '2025-01-01', 108.00 FROM price_list l, employee e WHERE l.code = 'TIN' AND e.name = 'Carla M.';
INSERT INTO price (price_list_id, item_id, valid_from, price, cost, tiers)
SELECT l.id, i.id, '2025-01-01', x.price, x.cost, x.tiers
  FROM (VALUES ('HOST-M', 49.00, 21.50, '{"mode": "graduated", "bounds": ["5", null], "prices": ["49", "39"], "flats": ["0", "0"]}'::jsonb),
               ('DOMAIN', 19.00, 11.20, NULL), ('LANDING', 950.00, 410.00, NULL), ('AUDIT', 1450.00, 620.00, NULL)) x (code, price, cost, tiers)
  JOIN item i ON i.code = x.code
  JOIN price_list l ON l.code = 'EUR-STD';

INSERT INTO calendar (name, zone) VALUES ('Berlin office', 'Europe/Berlin'), ('New York office', 'America/New_York');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band)
SELECT c.id, d, x.starts, x.ends, x.band
  FROM calendar c
 CROSS JOIN (VALUES (1, 5, time '09:00', time '18:00', 'regular'), (1, 5, '22:00', '06:00', 'night'), (6, 7, '00:00', '24:00', 'weekend')) x (low, high, starts, ends, band)
 CROSS JOIN generate_series(x.low, x.high) d
 WHERE c.name = 'Berlin office' OR x.band <> 'night';
INSERT INTO calendar_band (calendar_id, day, starts, ends, band)
SELECT c.id, d, '00:00', '24:00', 'holiday'
  FROM calendar c
 CROSS JOIN unnest(ARRAY['2025-05-01', '2025-05-29', '2025-06-09', '2025-10-03', '2025-12-25', '2025-12-26', '2026-01-01', '2026-04-03',
                         '2026-04-06', '2026-05-01', '2026-05-14', '2026-05-25', '2026-10-03']::date[]) d
 WHERE c.name = 'Berlin office';
-- A Saturday that was worked for a bridge day, and days on which New York is closed.
INSERT INTO calendar_band (calendar_id, day, starts, ends, band)
SELECT c.id, '2025-12-20', '09:00', '18:00', 'regular' FROM calendar c WHERE c.name = 'Berlin office';
INSERT INTO calendar_band (calendar_id, day)
SELECT c.id, d FROM calendar c
 CROSS JOIN unnest(ARRAY['2025-05-26', '2025-07-04', '2025-09-01', '2025-11-27', '2025-12-25', '2026-01-01', '2026-05-25', '2026-07-03', '2026-09-07']::date[]) d
 WHERE c.name = 'New York office';

-- ---------------------------------------------------------------------------
-- projects and tasks
-- ---------------------------------------------------------------------------

-- weight is a project's share of the company's time while it runs; tracker
-- says where its time is logged.
CREATE TEMP TABLE plan (
    no int PRIMARY KEY, code text UNIQUE, client text, name text, direction text, weight int, starts_on date, ends_on date, tracker text
);
INSERT INTO plan VALUES
    (1, 'own-tools', 'OWN', 'Own tooling', 'Own projects', 26, '2025-05-01', '2026-10-31', 'timesheet'),
    (2, 'own-sales', 'OWN', 'Sales and proposals', 'Own projects', 22, '2025-05-01', '2026-10-31', 'timesheet'),
    (3, 'own-school', 'OWN', 'Training', 'Own projects', 18, '2025-05-01', '2026-10-31', 'timesheet'),
    (4, 'amb-freight', 'AMB', 'Freight tracker', 'Development', 60, '2025-05-01', '2026-10-31', 'timesheet'),
    (5, 'amb-carrier', 'AMB', 'Carrier onboarding', 'Development', 36, '2025-05-01', '2026-01-31', 'timesheet'),
    (6, 'amb-tariff', 'AMB', 'Tariff engine', 'Development', 44, '2026-02-01', '2026-10-31', 'timesheet'),
    (7, 'amb-design', 'AMB', 'Design system', 'Design', 20, '2025-05-01', '2026-10-31', 'timesheet'),
    (8, 'amb-customs', 'AMB', 'Customs portal', 'Development', 54, '2025-09-01', '2026-04-30', 'timesheet'),
    (9, 'amb-warehouse', 'AMB', 'Warehouse app', 'Development', 40, '2026-01-01', '2026-10-31', 'timesheet'),
    (10, 'mar-web', 'MAR', 'Website support', 'Support', 36, '2025-05-01', '2026-10-31', 'timesheet'),
    (11, 'mar-booking', 'MAR', 'Booking app', 'Development', 78, '2025-06-01', '2026-07-31', 'timesheet'),
    (12, 'mar-crew', 'MAR', 'Crew rota', 'Development', 18, '2025-05-01', '2026-10-31', 'timesheet'),
    (13, 'mar-brand', 'MAR', 'Brand refresh', 'Design', 24, '2025-10-01', '2026-03-31', 'timesheet'),
    (14, 'mar-oncall', 'MAR', 'Airport on-call', 'Support', 0, '2025-05-01', '2026-10-31', 'timesheet'),
    (15, 'tin-fleet', 'TIN', 'Fleet console', 'Development', 62, '2025-05-01', '2026-10-31', 'timesheet'),
    (16, 'tin-firmware', 'TIN', 'Firmware portal', 'Development', 36, '2025-05-01', '2026-10-31', 'timesheet'),
    (17, 'tin-parts', 'TIN', 'Parts store', 'Development', 24, '2026-01-01', '2026-10-31', 'timesheet'),
    (18, 'tin-ux', 'TIN', 'Console redesign', 'Design', 20, '2025-05-01', '2026-10-31', 'timesheet'),
    (19, 'vel-shop', 'VEL', 'Shop relaunch', 'Development', 118, '2025-06-01', '2026-06-30', 'timesheet'),
    (20, 'vel-config', 'VEL', 'Sofa configurator', 'Development', 90, '2025-08-01', '2026-05-31', 'timesheet'),
    (21, 'vel-design', 'VEL', 'Shop design', 'Design', 34, '2025-06-01', '2026-06-30', 'timesheet'),
    (22, 'vel-data', 'VEL', 'Data migration', 'Development', 46, '2025-11-01', '2026-06-30', 'timesheet'),
    (23, 'cop-care', 'COP', 'Recipe site care', 'Support', 18, '2025-05-01', '2026-10-31', 'timesheet'),
    (24, 'cop-loyalty', 'COP', 'Loyalty cards', 'Development', 20, '2025-05-01', '2026-10-31', 'timesheet'),
    (25, 'cop-shop', 'COP', 'Recipe shop', 'Development', 30, '2025-09-01', '2026-05-31', 'timesheet'),
    (26, 'moo-desk', 'MOO', 'Clinic helpdesk', 'Support', 30, '2025-05-01', '2026-10-31', 'bitrix24'),
    (27, 'moo-widget', 'MOO', 'Appointment widget', 'Development', 18, '2025-05-01', '2026-10-31', 'bitrix24'),
    (28, 'moo-portal', 'MOO', 'Patient portal care', 'Support', 18, '2025-05-01', '2026-10-31', 'timesheet'),
    (29, 'moo-face', 'MOO', 'Website facelift', 'Design', 12, '2026-03-01', '2026-10-31', 'timesheet'),
    (30, 'gul-desk', 'GUL', 'Ferry helpdesk', 'Support', 26, '2025-05-01', '2026-10-31', 'timesheet'),
    (31, 'gul-oncall', 'GUL', 'Harbour on-call', 'Support', 0, '2025-05-01', '2026-10-31', 'timesheet'),
    (32, 'gul-time', 'GUL', 'Timetable engine', 'Development', 44, '2025-05-01', '2026-10-31', 'timesheet'),
    (33, 'gul-kiosk', 'GUL', 'Ticket kiosk', 'Development', 24, '2026-01-01', '2026-10-31', 'timesheet'),
    (34, 'gul-sign', 'GUL', 'Pier signage', 'Design', 10, '2025-05-01', '2026-10-31', 'timesheet'),
    (35, 'pap-edit', 'PAP', 'Editorial platform', 'Development', 40, '2025-05-01', '2026-10-31', 'clickup'),
    (36, 'pap-archive', 'PAP', 'Archive digitisation', 'Development', 36, '2025-07-01', '2026-02-28', 'timesheet'),
    (37, 'pap-cover', 'PAP', 'Cover templates', 'Design', 10, '2025-05-01', '2026-10-31', 'clickup'),
    (38, 'sal-meter', 'SAL', 'Metering portal', 'Development', 44, '2025-05-01', '2026-10-31', 'timesheet'),
    (39, 'sal-grid', 'SAL', 'Grid dashboard', 'Development', 28, '2025-07-01', '2026-10-31', 'timesheet'),
    (40, 'hol-claims', 'HOL', 'Claims form', 'Development', 24, '2025-05-01', '2026-10-31', 'planfix');

INSERT INTO project (client_id, direction_id, name, status, billable, url, source, external_id)
SELECT p.id, d.id, x.name, CASE WHEN x.ends_on < '2026-10-31' THEN 'done' ELSE 'active' END,
       CASE x.client WHEN 'OWN' THEN 'non_billable' END, 'https://planner.example/' || x.code, 'planner', x.code
  FROM plan x
  JOIN party p ON p.source = 'crm' AND p.external_id = x.client
  JOIN direction d ON d.name = x.direction
 ORDER BY x.no;

-- ---------------------------------------------------------------------------
-- contracts
-- ---------------------------------------------------------------------------

INSERT INTO contract (client_id, own_id, project_id, number, title, model, status, currency, starts_on, ends_on, price_list_id, discount_pct,
                      calendar_id, period, anchor_day, anchor_month, round_mode, round_increment_s, round_minimum_s, round_grace_s, round_scope,
                      amount_basis, cap_amount, needs_approval, late_policy, auto_bill, manager_id)
SELECT p.id, o.id, j.id, x.number, x.title, x.model, x.status, x.currency, x.starts_on, x.ends_on, l.id, x.discount_pct,
       a.id, x.period, x.anchor_day, CASE x.period WHEN 'quarter' THEN 1 END, x.round_mode, x.increment_s, x.minimum_s, x.grace_s, x.scope,
       x.basis, x.cap_amount, x.needs_approval, x.late_policy, x.auto_bill, p.manager_id
  FROM (VALUES
    (1, 'AMB-01', 'AMB', NULL, 'Development by the hour', 'time_materials', 'active', 'EUR', date '2025-05-01', NULL::date, 'AMB', NULL::numeric,
     'Berlin office', 'month', 1, 'none', 60, 0, 0, 'entry', 'exact', NULL::numeric, false, 'next_period', 'report'),
    (2, 'AMB-02', 'AMB', 'amb-customs', 'Customs portal at a fixed price', 'fixed_price', 'ended', 'EUR', '2025-09-01', '2026-05-31', 'AMB', NULL,
     'Berlin office', 'month', 1, 'none', 60, 0, 0, 'entry', 'exact', NULL, false, 'next_period', 'none'),
    (3, 'AMB-03', 'AMB', 'amb-warehouse', 'Warehouse app, approved hours only', 'time_materials', 'active', 'EUR', '2026-01-01', NULL, 'AMB', 7.5,
     'Berlin office', 'month', 1, 'none', 60, 0, 0, 'entry', 'hundredth', NULL, true, 'next_period', 'report'),
    (4, 'MAR-01', 'MAR', NULL, 'Support subscription', 'subscription_plus', 'active', 'EUR', '2025-05-01', NULL, 'MAR', NULL,
     'Berlin office', 'month', 1, 'up', 900, 900, 120, 'entry', 'exact', NULL, false, 'next_period', 'invoice'),
    (6, 'MAR-03', 'MAR', 'mar-booking', 'Booking app, not to exceed', 'time_materials', 'ended', 'EUR', '2025-06-01', '2026-07-31', 'MAR', NULL,
     'Berlin office', 'month', 1, 'nearest', 900, 0, 0, 'task_day', 'exact', 92000, false, 'next_period', 'report'),
    (7, 'TIN-01', 'TIN', NULL, 'Engineering services', 'time_materials', 'ended', 'USD', '2025-05-01', '2026-06-30', 'TIN', NULL,
     'New York office', 'month', 1, 'nearest', 360, 0, 0, 'entry', 'hundredth', NULL, false, 'next_period', 'invoice'),
    (8, 'TIN-02', 'TIN', NULL, 'Engineering services, renewed', 'time_materials', 'active', 'USD', '2026-06-30', NULL, 'TIN', 2.5,
     'New York office', 'month', 1, 'up', 360, 0, 0, 'entry', 'hundredth', NULL, false, 'next_period', 'invoice'),
    (9, 'VEL-01', 'VEL', NULL, 'Shop at a fixed price', 'fixed_price', 'ended', 'EUR', '2025-06-01', '2026-07-31', 'EUR-STD', NULL,
     'Berlin office', 'month', 1, 'none', 60, 0, 0, 'entry', 'exact', NULL, false, 'next_period', 'none'),
    (10, 'COP-01', 'COP', NULL, 'Prepaid work', 'prepaid_money', 'active', 'EUR', '2025-05-01', NULL, NULL, NULL,
     NULL, 'month', 1, 'up', 600, 600, 0, 'entry', 'exact', NULL, false, 'next_period', 'none'),
    (11, 'COP-02', 'COP', 'cop-shop', 'Recipe shop by estimate', 'by_fact', 'ended', 'EUR', '2025-09-01', '2026-05-31', NULL, NULL,
     NULL, 'month', 1, 'up', 1800, 0, 0, 'task', 'exact', NULL, false, 'next_period', 'none'),
    (12, 'MOO-01', 'MOO', NULL, 'Blocks of hours', 'block_hours', 'active', 'EUR', '2025-05-01', NULL, 'MOO', NULL,
     'Berlin office', 'month', 1, 'up', 300, 900, 60, 'entry', 'exact', NULL, false, 'next_period', 'none'),
    (13, 'MOO-02', 'MOO', 'moo-portal', 'Portal care', 'retainer', 'active', 'EUR', '2025-05-01', NULL, 'MOO', NULL,
     'Berlin office', 'month', 1, 'none', 60, 0, 0, 'entry', 'exact', NULL, false, 'next_period', 'invoice'),
    (14, 'GUL-01', 'GUL', NULL, 'Ferry support and extras', 'subscription_plus', 'active', 'EUR', '2025-05-01', NULL, 'GUL', NULL,
     'Berlin office', 'month', 15, 'up', 900, 0, 0, 'day', 'exact', NULL, false, 'next_period', 'invoice'),
    (16, 'GUL-03', 'GUL', 'gul-time', 'Timetable engine', 'time_materials', 'active', 'EUR', '2025-05-01', NULL, 'GUL', NULL,
     'Berlin office', 'week', 1, 'nearest', 1800, 0, 0, 'day', 'exact', NULL, false, 'next_period', 'report'),
    (17, 'PAP-01', 'PAP', NULL, 'Editorial retainer', 'retainer', 'active', 'EUR', '2025-05-01', NULL, NULL, 5,
     NULL, 'month', 1, 'none', 60, 0, 0, 'entry', 'exact', NULL, false, 'next_period', 'invoice'),
    (18, 'PAP-02', 'PAP', 'pap-archive', 'Archive in three stages', 'fixed_price', 'ended', 'EUR', '2025-07-01', '2026-03-31', NULL, NULL,
     NULL, 'month', 1, 'none', 60, 0, 0, 'entry', 'exact', NULL, false, 'next_period', 'none'),
    (19, 'SAL-01', 'SAL', NULL, 'Metering portal by the quarter', 'time_materials', 'active', 'USD', '2025-05-01', NULL, 'SAL', NULL,
     NULL, 'quarter', 1, 'nearest', 1800, 0, 0, 'period', 'exact', NULL, false, 'next_period', 'report'),
    (20, 'SAL-02', 'SAL', 'sal-grid', 'Grid dashboard, prepaid', 'prepaid_money', 'active', 'USD', '2025-07-01', NULL, 'USD-STD', NULL,
     NULL, 'month', 1, 'down', 300, 0, 0, 'entry', 'exact', NULL, false, 'next_period', 'none')
  ) x (no, number, client, project, title, model, status, currency, starts_on, ends_on, list, discount_pct, calendar, period, anchor_day,
       round_mode, increment_s, minimum_s, grace_s, scope, basis, cap_amount, needs_approval, late_policy, auto_bill)
  JOIN party p ON p.source = 'crm' AND p.external_id = x.client
  JOIN party o ON o.kind = 'own'
  LEFT JOIN project j ON j.source = 'planner' AND j.external_id = x.project
  LEFT JOIN price_list l ON l.code = x.list
  LEFT JOIN calendar a ON a.name = x.calendar
 ORDER BY x.no;

-- After-hours companions: they take these bands, at a raised list of their own.
INSERT INTO contract (client_id, own_id, parent_id, number, title, model, currency, starts_on, price_list_id, calendar_id, period, anchor_day, bands, manager_id)
SELECT b.client_id, b.own_id, b.id, x.number, 'After hours', 'time_materials', b.currency, b.starts_on, l.id, b.calendar_id, b.period,
       b.anchor_day, ARRAY['off_hours', 'night', 'weekend', 'holiday'], b.manager_id
  FROM (VALUES ('MAR-01', 'MAR-02', 'EUR-NIGHT'), ('GUL-01', 'GUL-02', 'GUL-NIGHT')) x (base, number, list)
  JOIN contract b ON b.number = x.base
  JOIN price_list l ON l.code = x.list
 ORDER BY x.number;
INSERT INTO band_rule (contract_id, band, price_multiplier, price_adder, minimum_s)
SELECT c.id, x.band, x.multiplier, x.adder, x.minimum_s
  FROM (VALUES ('MAR-02', 'holiday', 1.250, 0.00, 3600), ('MAR-02', 'night', 1.000, 12.50, 1800), ('GUL-02', 'night', 1.150, 0, 1800)) x (number, band, multiplier, adder, minimum_s)
  JOIN contract c ON c.number = x.number;

INSERT INTO deal (client_id, project_id, direction_id, name, stage, amount, currency, starts_on, ends_on, source, external_id)
SELECT c.client_id, c.project_id, d.id, c.title, CASE c.status WHEN 'ended' THEN 'won' ELSE 'in work' END, x.amount, c.currency, c.starts_on, c.ends_on, 'crm', x.code
  FROM (VALUES ('AMB-02', 'D-101', 64000.00), ('MAR-03', 'D-102', 92000.00), ('VEL-01', 'D-103', 100000.00), ('PAP-02', 'D-104', 39000.00), ('COP-02', 'D-105', 31000.00)) x (number, code, amount)
  JOIN contract c ON c.number = x.number
  JOIN direction d ON d.name = 'Development';
INSERT INTO deal_stage (deal_id, position, name, starts_on, ends_on)
SELECT d.id, x.position, x.name, x.starts_on, x.ends_on
  FROM (VALUES
    ('D-101', 1, 'Concept', date '2025-09-01', date '2025-10-31'), ('D-101', 2, 'Portal', '2025-11-01', '2026-02-28'), ('D-101', 3, 'Launch', '2026-03-01', '2026-04-30'),
    ('D-103', 1, 'Design', '2025-06-01', '2025-08-31'), ('D-103', 2, 'Shop', '2025-09-01', '2025-12-31'), ('D-103', 3, 'Configurator', '2026-01-01', '2026-04-30'), ('D-103', 4, 'Launch', '2026-05-01', '2026-06-30'),
    ('D-104', 1, 'Scanning line', '2025-07-01', '2025-09-30'), ('D-104', 2, 'Search', '2025-10-01', '2025-12-31'), ('D-104', 3, 'Handover and support', '2026-01-01', '2026-02-28')
  ) x (deal, position, name, starts_on, ends_on)
  JOIN deal d ON d.source = 'crm' AND d.external_id = x.deal;

-- Fees: stages on acceptance, which is in billing.sql; subscriptions and
-- retainers each period, blocks once.
INSERT INTO contract_line (contract_id, kind, deal_stage_id, title, amount, starts_on, ends_on, status)
SELECT c.id, 'stage', s.id, s.name, x.amount, s.starts_on, s.ends_on, 'active'
  FROM (VALUES
    ('AMB-02', 'D-101', 1, 16000.00), ('AMB-02', 'D-101', 2, 32000.00), ('AMB-02', 'D-101', 3, 16000.00),
    ('VEL-01', 'D-103', 1, 20000.00), ('VEL-01', 'D-103', 2, 30000.00), ('VEL-01', 'D-103', 3, 30000.00), ('VEL-01', 'D-103', 4, 20000.00),
    ('PAP-02', 'D-104', 1, 13000.00), ('PAP-02', 'D-104', 2, 13000.00), ('PAP-02', 'D-104', 3, 13000.00)
  ) x (number, deal, position, amount)
  JOIN contract c ON c.number = x.number
  JOIN deal d ON d.source = 'crm' AND d.external_id = x.deal
  JOIN deal_stage s ON s.deal_id = d.id AND s.position = x.position;
INSERT INTO contract_line (contract_id, kind, item_id, title, amount, cost, included_s, included_amount, scope_work_types, overage_price, rollover_max,
                           rollover_life, prorate, starts_on, ends_on, status)
SELECT c.id, x.kind, i.id, x.title, x.amount, x.cost, x.included_h * 3600, x.included_amount, w.scope, x.overage, x.rollover_h * 3600, 2, x.prorate, x.starts_on, x.ends_on, 'active'
  FROM (VALUES
    ('MAR-01', 'recurring', 'SUPPORT', 'Support, 60 hours included', 3900.00, 0.00, 60, NULL::numeric, ARRAY['support', 'management'], 69.00, NULL::int, 'none', NULL::date, NULL::date),
    ('MAR-02', 'recurring', NULL, 'On-call readiness', 650.00, 0, NULL, NULL, NULL, NULL, NULL, 'none', NULL, NULL),
    ('MOO-02', 'recurring', NULL, 'Portal care, 40 hours included', 2450.00, 0, 40, NULL, NULL, 66.00, 12, 'none', NULL, NULL),
    ('GUL-01', 'recurring', 'SUPPORT', 'Ferry support, 45 hours included', 2380.00, 0, 45, NULL, ARRAY['support'], NULL, NULL, 'actual', NULL, '2026-03-14'),
    ('GUL-01', 'recurring', 'SUPPORT', 'Ferry support, 55 hours included', 2790.00, 0, 55, NULL, ARRAY['support'], NULL, NULL, 'actual', '2026-03-15', NULL),
    ('GUL-02', 'recurring', NULL, 'On-call readiness', 420.00, 0, NULL, NULL, NULL, NULL, NULL, 'actual', NULL, NULL),
    ('PAP-01', 'recurring', NULL, 'Editorial retainer, work of 4 800 included', 4500.00, 0, NULL, 4800.00, NULL, NULL, NULL, 'none', NULL, NULL),
    ('PAP-01', 'one_time', NULL, 'Onboarding', 1200.00, 300.00, NULL, NULL, NULL, NULL, NULL, 'none', '2025-05-12', NULL),
    ('AMB-01', 'recurring', 'HOST-M', 'Managed hosting', 245.00, 107.50, NULL, NULL, NULL, NULL, NULL, 'actual', '2025-06-10', NULL)
  ) x (number, kind, item, title, amount, cost, included_h, included_amount, work_types, overage, rollover_h, prorate, starts_on, ends_on)
  JOIN contract c ON c.number = x.number
  LEFT JOIN item i ON i.code = x.item
 CROSS JOIN LATERAL (SELECT array_agg(w.id ORDER BY w.id) AS scope FROM work_type w WHERE w.code = ANY (x.work_types)) w;

-- Moonbeam buys hours by the block; each lasts eight months.
INSERT INTO contract_line (contract_id, kind, item_id, title, amount, starts_on, status)
SELECT c.id, 'one_time', i.id, 'Block of ' || x.hours || ' hours', x.amount, x.bought_on, 'active'
  FROM (VALUES (date '2025-05-01', 150, 8850.00), ('2025-07-20', 150, 8850.00), ('2025-10-10', 250, 14500.00), ('2026-02-02', 250, 14500.00), ('2026-06-15', 250, 14750.00)) x (bought_on, hours, amount)
  JOIN contract c ON c.number = 'MOO-01'
  JOIN item i ON i.code = 'BLOCK-100';
INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, effective_at, expires_at)
SELECT n.contract_id, n.id, 'block', 'seconds', substring(n.title FROM '\d+')::int * 3600, n.starts_on::timestamp AT TIME ZONE 'Europe/Berlin',
       (n.starts_on + interval '8 months') AT TIME ZONE 'Europe/Berlin'
  FROM contract_line n
  JOIN contract c ON c.id = n.contract_id AND c.number = 'MOO-01';

-- ---------------------------------------------------------------------------
-- tasks: 1 500, spread over the projects by the work in them
-- ---------------------------------------------------------------------------

CREATE TEMP TABLE project_size AS
    SELECT x.no, x.code, x.client, x.direction, x.starts_on, x.ends_on, x.tracker, j.id AS project_id,
           s.tasks[row_number() OVER (ORDER BY x.no)]::int AS tasks
      FROM plan x
      JOIN project j ON j.source = 'planner' AND j.external_id = x.code
     CROSS JOIN (SELECT allocate(1500, array_agg((greatest(weight, 9) * (ends_on - starts_on))::numeric ORDER BY no), 0) AS tasks FROM plan) s;

INSERT INTO task (project_id, deal_id, work_type_id, number, title, status, url, estimate_s, completed_at, source, external_id)
SELECT s.project_id, d.id, w.id, upper(left(s.code, 3)) || '-' || s.no || '-' || n,
       v.word || ' ' || o.word || coalesce(' (' || nullif(n / 40 + 1, 1) || ')', ''),
       CASE WHEN e.due_on < '2026-10-20' THEN 'done' WHEN e.from_on < '2026-10-31' THEN 'in_progress' ELSE 'open' END,
       'https://planner.example/' || s.code || '/' || n, (2 + pg_temp.pick(s.code || n || 'e', 30)) * 3600,
       CASE WHEN e.due_on < '2026-10-20' THEN (e.due_on + time '17:30') AT TIME ZONE 'Europe/Berlin' END,
       s.tracker,
       CASE s.tracker WHEN 'bitrix24' THEN (s.no * 1000 + n)::text WHEN 'clickup' THEN '86c' || to_hex(s.no * 65536 + n * 7)
                      WHEN 'planfix' THEN (700000 + n)::text ELSE s.code || '-' || n END
  FROM project_size s
 CROSS JOIN generate_series(1, s.tasks) n
 CROSS JOIN LATERAL (
    SELECT s.starts_on + (n - 1) * (s.ends_on - s.starts_on) / s.tasks AS from_on,
           least(s.ends_on, s.starts_on + (n + 5) * (s.ends_on - s.starts_on) / s.tasks) AS due_on) e
 CROSS JOIN LATERAL (
    SELECT CASE WHEN s.client = 'OWN' THEN 'internal' WHEN s.code NOT LIKE '%oncall' AND pg_temp.pick(s.code || n || 't', 100) < 11 THEN 'bug' ELSE lower(s.direction) END AS code) k
  JOIN work_type w ON w.code = k.code
 CROSS JOIN LATERAL (
    SELECT (CASE k.code
                WHEN 'bug' THEN ARRAY['Fix', 'Repair', 'Correct', 'Investigate']
                WHEN 'support' THEN ARRAY['Answer questions on', 'Update', 'Monitor', 'Restore', 'Tune']
                WHEN 'design' THEN ARRAY['Sketch', 'Design', 'Redraw', 'Prototype']
                WHEN 'internal' THEN ARRAY['Prepare', 'Review', 'Improve', 'Document']
                ELSE ARRAY['Build', 'Extend', 'Connect', 'Rework', 'Test', 'Speed up'] END) AS words) vs
 CROSS JOIN LATERAL (SELECT vs.words[1 + pg_temp.pick(s.code || n || 'v', cardinality(vs.words))] AS word) v
 CROSS JOIN LATERAL (
    SELECT (CASE k.code
                WHEN 'internal' THEN ARRAY['the proposal template', 'the build server', 'the style guide', 'the onboarding plan', 'the workshop', 'the price calculation']
                ELSE ARRAY['the login', 'the search', 'the basket', 'the price table', 'the export', 'the import', 'the order list', 'the customer card', 'the dashboard',
                           'the mail templates', 'the start page', 'the filters', 'the upload', 'the payment step', 'the calendar', 'the map', 'the permissions',
                           'the notifications', 'the report page', 'the mobile menu', 'the translations', 'the form', 'the archive', 'the statistics'] END) AS words) os
 CROSS JOIN LATERAL (SELECT os.words[1 + pg_temp.pick(s.code || n || 'o', cardinality(os.words))] AS word) o
  LEFT JOIN deal d ON d.project_id = s.project_id OR d.client_id = (SELECT p.id FROM party p WHERE p.external_id = 'VEL') AND s.client = 'VEL'
 ORDER BY s.no, n;
