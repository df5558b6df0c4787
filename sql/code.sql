-- Codes of companies, people, banks and accounts: each valid one and each wrong one of the rules, and whatever else may come.
\set SHOW_CONTEXT never
\pset null '<null>'
-- right ones (made up)
SELECT k AS kind, v AS value, c AS context FROM (VALUES
    ('edrpou', '12345678', NULL), ('edrpou', '31234562', NULL), ('edrpou', '10000062', NULL), ('edrpou', '10000640', NULL),
    ('rnokpp', '1234567899', NULL), ('ipn', '123456726590', NULL), ('ipn', '1234567899', NULL),
    ('inn_company', '1234567894', NULL), ('inn_person', '123456789047', NULL), ('kpp', '770101001', NULL), ('kpp', '7701AZ001', NULL),
    ('ogrn', '1234567890127', NULL), ('ogrnip', '312345678901230', NULL), ('bik', '049805746', NULL),
    ('ru_account', '40602810700000000025', '049805746'), ('ru_account', '40602810700000000025', NULL), ('ru_account', '40602810800000000025', 'no BIK'),
    ('ru_correspondent', '30101810800000000746', '049805000'), ('ru_correspondent', '30101810800000000746', '049805746'),
    ('unp', '100000007', NULL), ('unp', '800013732', NULL), ('bin', '260140000015', NULL), ('bin', '260140000604', NULL), ('iin', '260140000604', NULL), ('kbe', '17', NULL), ('kbe', '19', NULL), ('knp', '859', NULL),
    ('iban', 'UA490000000000026001234567890', NULL), ('iban', 'BY73TEST30120000000000000001', NULL), ('iban', 'KZ60999KZT0000000001', NULL), ('iban', 'LT029999900000000001', NULL),
    ('iban', 'DE09000000000000000001', NULL), ('bic', 'TESTKZKA', NULL), ('bic', 'TESTKZKAXXX', NULL),
    ('eu_vat', 'DE123456788', NULL), ('eu_vat', 'EE123456780', 'EE'), ('eu_vat', 'LT123456715', 'LT'), ('eu_vat', 'LV40001234561', NULL), ('eu_vat', 'EL123456789', 'EL'),
    ('eu_vat', 'ATU12345678', NULL), ('eu_vat', 'NL123456789B01', NULL), ('eu_vat', 'FRXX123456789', NULL), ('eu_vat', 'IE1234567FA', NULL), ('eu_vat', 'ESX1234567X', NULL),
    ('eu_vat', 'PL1234563218', NULL)) AS x (k, v, c)
 WHERE finance.check_code(k, v, c) IS NOT NULL;
-- the same with one digit changed: whatever has a check digit notices
SELECT k AS kind, v AS value, finance.check_code(k, v, c) AS fault FROM (VALUES
    ('edrpou', '12345679', NULL), ('edrpou', '31234563', NULL), ('rnokpp', '1234567898', NULL), ('ipn', '1234567898', NULL),
    ('inn_company', '1234567895', NULL), ('inn_person', '123456789037', NULL), ('inn_person', '123456789048', NULL), ('kpp', '77010100', NULL),
    ('ogrn', '1234567890128', NULL), ('ogrnip', '312345678901231', NULL), ('bik', '04980574', NULL),
    ('ru_account', '40602810800000000025', '049805746'), ('ru_account', '40602810700000000025', '049805747'), ('ru_correspondent', '30101810900000000746', '049805000'),
    ('unp', '100000008', NULL), ('unp', '100000010', NULL), ('edrpou', '00000000', NULL), ('inn_person', '000000000000', NULL), ('unp', '900000007', NULL), ('bin', '260140000016', NULL), ('kbe', '39', NULL), ('kbe', '1', NULL), ('knp', '85', NULL),
    ('iban', 'UA490000000000026001234567891', NULL), ('iban', 'UA49000000000002600123456789', NULL), ('iban', 'BY73TES130120000000000000001', NULL), ('iban', 'RU0204452560040702810412345678901', NULL),
    ('bic', 'TESTKZ', NULL), ('bic', 'TE5TKZKA', NULL),
    ('eu_vat', 'PL1234567890', NULL), ('eu_vat', 'PL123456789', NULL), ('eu_vat', 'GR123456789', NULL), ('eu_vat', 'DE123456788', 'LT'), ('eu_vat', '123456788', 'DE'), ('eu_vat', 'NL123456789C01', NULL),
    ('eu_vat', 'BE2123456789', NULL)) AS x (k, v, c);
-- 10000001 and 10 by weights 29 23 19 17 13 7 5 3 is a number that is not issued; of ten digits one fits, or none
SELECT b AS base, count(*) FILTER (WHERE finance.check_code('unp', b || d) IS NULL) AS fit, min(finance.check_code('unp', b || d)) FILTER (WHERE d = 0) AS said
  FROM unnest('{1000000,1000001,10000001}'::text[]) b (b), generate_series(0, 9) d WHERE length(b) = 8 GROUP BY b;
SELECT k AS kind, count(*) FILTER (WHERE n > 1) AS two_fit, count(*) FILTER (WHERE n = 0) > 0 AS none_fits, count(*) AS bases
  FROM (SELECT k, b, count(*) FILTER (WHERE finance.check_code(k, b || d) IS NULL) AS n
          FROM (VALUES ('edrpou', 7), ('rnokpp', 9), ('inn_company', 9), ('ogrn', 12), ('ogrnip', 14), ('unp', 8), ('bin', 11)) t (k, digits)
         CROSS JOIN generate_series(1, 300) g CROSS JOIN LATERAL (SELECT lpad((g * 7919 + 20000)::text, t.digits, '3') AS b) x CROSS JOIN generate_series(0, 9) d
         GROUP BY k, b) s GROUP BY k ORDER BY k;
-- spaces, hyphens and capitals do not count; Cyrillic letters that look Latin are Latin in unp and iban alone
SELECT finance.plain_code('iban', ' by73 ТЕSТ-3012 0000 0000 0000 0001'), finance.check_code('iban', ' by73 ТЕSТ-3012 0000 0000 0000 0001'),
       finance.plain_code('iban', U&'UA49\00A00000\202F0000‑026001234567890'), finance.check_code('kpp', '7701АВ001') AS cyrillic_kpp, finance.plain_code('unp', 'ма 1234567') AS person;
SELECT finance.check_code('unp', 'МА' || n) AS person, finance.check_code('unp', 'MA' || n) AS latin FROM (SELECT n FROM generate_series(1000000, 1000009) n WHERE finance.check_code('unp', 'MA' || n) IS NULL LIMIT 1) x;
-- whatever comes is refused in words, and none for none
SELECT k AS kind, left(v, 12) AS value, finance.check_code(k, v) AS fault
  FROM unnest('{edrpou,unp,iban,eu_vat,bic}'::text[]) k, unnest(ARRAY['', ' ', '-', 'Ж', 'UA', repeat('9', 101), '١٢٣٤٥٦٧٨', '12345678; DROP', E'12\n345678']) v ORDER BY k, v COLLATE "C";
SELECT finance.check_code('edrpou', NULL), finance.check_code(NULL, '1'), finance.plain_code('edrpou', NULL);
SELECT finance.check_code('passport', '1');
SELECT finance.plain_code('', '1');
-- its signs alone, where digits are not asked for
SELECT k AS kind, v AS value, finance.check_code(k, v, digits => false) AS form, finance.check_code(k, v) AS whole FROM (VALUES
    ('edrpou', '12345679'), ('edrpou', '1234567'), ('iban', 'UA490000000000026001234567891'), ('iban', 'UA49'), ('eu_vat', 'PL1234567890'), ('unp', '100000010'), ('edrpou', '1234567Ж')) AS x (k, v);
