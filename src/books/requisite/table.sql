-- ---------------------------------------------------------------------------
-- requisite: what papers of a country must say, as data
--
-- A country has rules, and several may share them, as the states of the EU do.
-- requisite says which codes a party of such a country has, what they are called
-- and how they are checked; paper_rule what a seller's papers must or usually do
-- say; country_tax and country_tax_rate the taxes that add_taxes() installs;
-- state_paper_rule which papers a state wants beside ours, and when.  Each row
-- names the law or the custom that it is from.
-- ---------------------------------------------------------------------------

CREATE TABLE country_code (
    code text CONSTRAINT country_code_pkey PRIMARY KEY
        CONSTRAINT country_code_iso CHECK (code ~ '^[A-Z]{2}$'),
    rules text CONSTRAINT country_code_rules_named CHECK (rules <> ''),
    vat_prefix text CONSTRAINT country_code_vat_prefix_fits CHECK (vat_prefix ~ '^[A-Z]{2}$')
);
COMMENT ON TABLE country_code IS
    'the countries that parties are of. rules: whose rows of requisite, paper_rule, country_tax and state_paper_rule '
    'hold there, NULL for none; vat_prefix: what its VAT numbers begin with, where these have a prefix';
INSERT INTO country_code (code, rules, vat_prefix) VALUES ('UA', 'UA', NULL), ('BY', 'BY', NULL), ('RU', 'RU', NULL),
    ('KZ', 'KZ', NULL);
INSERT INTO country_code (code, rules, vat_prefix)
SELECT c, 'EU', CASE c WHEN 'GR' THEN 'EL' ELSE c END
  FROM unnest('{AT,BE,BG,CY,CZ,DE,DK,EE,ES,FI,FR,GR,HR,HU,IE,IT,LT,LU,LV,MT,NL,PL,PT,RO,SE,SI,SK}'::text[]) c;

CREATE TABLE requisite (
    rules text NOT NULL,
    key text NOT NULL,
    person text NOT NULL DEFAULT 'any'
        CONSTRAINT requisite_person_known CHECK (person IN ('any', 'company', 'person')),
    position integer NOT NULL,
    in_bank boolean NOT NULL DEFAULT false,
    slip text CONSTRAINT requisite_slip_known CHECK (slip IN ('payee', 'bank')),
    code text,
    context_key text,
    strict boolean NOT NULL DEFAULT false,
    label jsonb NOT NULL
        CONSTRAINT requisite_label_in_all CHECK (label ?& '{uk,ru,en}'),
    source text NOT NULL,
    CONSTRAINT requisite_pkey PRIMARY KEY (rules, key, person),
    CONSTRAINT requisite_code_known CHECK (code IN (
        'edrpou', 'rnokpp', 'ipn', 'inn_company', 'inn_person', 'kpp', 'ogrn', 'ogrnip', 'bik', 'ru_account',
        'ru_correspondent', 'unp', 'bin', 'iin', 'kbe', 'knp', 'bic', 'iban', 'eu_vat'))
);
COMMENT ON TABLE requisite IS
    'what a party of a country has: a key of party.requisites (or tax_id), for companies or for persons (entrepreneurs '
    'and private ones), under its own name in each language, in the country''s order. code: the kind by which '
    'check_code() checks it, with what stands under context_key as context; strict: a paper is refused for a '
    'wrong check digit too, where the law does not demand the code; slip: the row of the bank block of an invoice in '
    'which it stands, beside the payee or beside the bank';

INSERT INTO requisite (rules, key, person, position, in_bank, slip, code, context_key, label, source)
SELECT v.rules, v.key, v.person, v.position, v.position > 20, v.slip, v.code, v.context_key,
       jsonb_build_object('uk', v.uk, 'ru', v.ru, 'en', v.en), v.source
  FROM (VALUES
    ('UA', 'tax_id', 'company', 1, NULL, 'edrpou', NULL, 'ЄДРПОУ', 'ЄДРПОУ', 'EDRPOU', 'register ЄДРПОУ'),
    ('UA', 'tax_id', 'person', 1, NULL, 'rnokpp', NULL, 'РНОКПП', 'РНОКПП', 'RNOKPP', 'register of taxpayers'),
    ('UA', 'vat_no', 'any', 2, NULL, 'ipn', NULL, 'ІПН', 'ІПН', 'VAT no. (IPN)', 'custom'),
    ('UA', 'tax_status', 'any', 3, NULL, NULL, NULL, 'Статус платника', 'Статус плательщика', 'Tax status', 'custom'),
    ('UA', 'address', 'any', 5, NULL, NULL, NULL, 'Адреса', 'Адрес', 'Address', 'custom'),
    ('UA', 'iban', 'any', 21, NULL, 'iban', NULL, 'IBAN', 'IBAN', 'IBAN', 'ISO 13616'),
    ('UA', 'bank', 'any', 22, NULL, NULL, NULL, 'Банк', 'Банк', 'Bank', 'custom'),
    ('UA', 'bic', 'any', 23, NULL, NULL, NULL, 'МФО / SWIFT', 'МФО / SWIFT', 'SWIFT', 'custom'),
    ('RU', 'tax_id', 'company', 1, NULL, 'inn_company', NULL, 'ИНН', 'ИНН', 'INN', 'custom'),
    ('RU', 'tax_id', 'person', 1, NULL, 'inn_person', NULL, 'ИНН', 'ИНН', 'INN', 'custom'),
    ('RU', 'kpp', 'company', 2, NULL, 'kpp', NULL, 'КПП', 'КПП', 'KPP', 'custom'),
    ('RU', 'reg_no', 'company', 3, NULL, 'ogrn', NULL, 'ОГРН', 'ОГРН', 'OGRN', 'custom'),
    ('RU', 'reg_no', 'person', 3, NULL, 'ogrnip', NULL, 'ОГРНИП', 'ОГРНИП', 'OGRNIP', 'custom'),
    ('RU', 'address', 'any', 5, NULL, NULL, NULL, 'Адреса', 'Адрес', 'Address', 'custom'),
    ('RU', 'bank', 'any', 21, 'bank', NULL, NULL, 'Банк', 'Банк', 'Bank', 'custom'),
    ('RU', 'bic', 'any', 22, 'bank', 'bik', NULL, 'БИК', 'БИК', 'BIK', 'custom'),
    ('RU', 'correspondent_account', 'any', 23, 'bank', 'ru_correspondent', 'bic', 'К/с', 'К/с',
     'Correspondent account', 'ЦБ РФ № 515 of 08.09.1997'),
    ('RU', 'account', 'any', 24, 'payee', 'ru_account', 'bic', 'Р/с', 'Р/с', 'Account', 'ЦБ РФ № 515 of 08.09.1997'),
    ('BY', 'tax_id', 'any', 1, NULL, 'unp', NULL, 'УНП', 'УНП', 'UNP', 'custom'),
    ('BY', 'address', 'any', 5, NULL, NULL, NULL, 'Адреса', 'Адрес', 'Address', 'custom'),
    ('BY', 'iban', 'any', 21, 'payee', 'iban', NULL, 'Р/с (IBAN)', 'Р/с (IBAN)', 'IBAN', 'ISO 13616'),
    ('BY', 'bank', 'any', 22, 'bank', NULL, NULL, 'Банк', 'Банк', 'Bank', 'custom'),
    ('BY', 'bank_address', 'any', 23, 'bank', NULL, NULL, 'Адреса банку', 'Адрес банка', 'Address of the bank',
     'custom'),
    ('BY', 'bic', 'any', 24, 'bank', 'bic', NULL, 'BIC', 'BIC', 'BIC', 'ISO 9362'),
    ('KZ', 'tax_id', 'company', 1, NULL, 'bin', NULL, 'БИН', 'БИН', 'BIN', 'law 234-III art. 7'),
    ('KZ', 'tax_id', 'person', 1, NULL, 'iin', NULL, 'ИИН', 'ИИН', 'IIN', 'law 234-III art. 7'),
    ('KZ', 'address', 'any', 5, NULL, NULL, NULL, 'Адреса', 'Адрес', 'Address', 'form Р-1'),
    ('KZ', 'iban', 'any', 21, 'payee', 'iban', NULL, 'ИИК', 'ИИК', 'IIK (IBAN)', 'ISO 13616'),
    ('KZ', 'kbe', 'any', 22, 'payee', 'kbe', NULL, 'КБе', 'КБе', 'KBe', 'custom'),
    ('KZ', 'bank', 'any', 23, 'bank', NULL, NULL, 'Банк', 'Банк', 'Bank', 'custom'),
    ('KZ', 'bic', 'any', 24, 'bank', 'bic', NULL, 'БИК', 'БИК', 'BIC', 'ISO 9362'),
    ('KZ', 'knp', 'any', 25, 'bank', 'knp', NULL, 'КНП', 'КНП', 'KNP', 'custom'),
    ('EU', 'vat_no', 'any', 1, NULL, 'eu_vat', NULL, 'Номер платника ПДВ', 'Номер плательщика НДС', 'VAT no.',
     'Directive 2006/112/EC art. 214, 215'),
    ('EU', 'reg_no', 'any', 2, NULL, NULL, NULL, 'Реєстраційний номер', 'Регистрационный номер', 'Reg. no.', 'custom'),
    ('EU', 'tax_id', 'any', 3, NULL, NULL, NULL, 'Податковий номер', 'Налоговый номер', 'Tax ID', 'custom'),
    ('EU', 'address', 'any', 5, NULL, NULL, NULL, 'Адреса', 'Адрес', 'Address',
     'Directive 2006/112/EC art. 226 (5)'),
    ('EU', 'iban', 'any', 21, NULL, 'iban', NULL, 'IBAN', 'IBAN', 'IBAN', 'ISO 13616'),
    ('EU', 'bank', 'any', 22, NULL, NULL, NULL, 'Банк', 'Банк', 'Bank', 'custom'),
    ('EU', 'bic', 'any', 23, NULL, 'bic', NULL, 'BIC', 'BIC', 'BIC', 'ISO 9362')
  ) AS v (rules, key, person, position, slip, code, context_key, uk, ru, en, source);

CREATE TABLE paper_rule (
    rules text NOT NULL,
    kind text NOT NULL,
    side text NOT NULL
        CONSTRAINT paper_rule_side_known CHECK (side IN ('seller', 'buyer', 'document')),
    key text NOT NULL,
    demand text NOT NULL
        CONSTRAINT paper_rule_demand_known CHECK (demand IN ('law', 'custom')),
    about text CONSTRAINT paper_rule_about_known CHECK (about IN ('payer', 'reverse_charge', 'rated', 'resident')),
    valid_from date NOT NULL DEFAULT '0001-01-01'
        CONSTRAINT paper_rule_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31'),
    source text NOT NULL,
    CONSTRAINT paper_rule_pkey PRIMARY KEY (rules, kind, side, key)
);
COMMENT ON TABLE paper_rule IS
    'what a seller''s papers of a kind say from a day of issue on, of the seller, of the buyer and of themselves. '
    'demand law: without it a paper is not issued; custom: it is printed where it is known, and told where it is not. '
    'about: only where the seller pays VAT (payer), the buyer owes it (reverse_charge), a rate is taken (rated), or '
    'the buyer is of the same country (resident)';

-- What all four laws on accounting want of an act stands once; then what each adds.
INSERT INTO paper_rule (rules, kind, side, key, demand, about, source)
SELECT v.rules, k.kind, v.side, v.key, v.demand, v.about, v.source
  FROM (VALUES
    ('UA', '{act,credit_note,netting}', 'seller', 'signatory_title', 'law', NULL, '996-XIV art. 9 p. 2'),
    ('UA', '{act,credit_note,netting}', 'seller', 'signatory', 'custom', NULL, 'signature or data that identify'),
    ('UA', '{act,credit_note,netting}', 'buyer', 'signatory_title', 'custom', NULL, '996-XIV art. 9 p. 2'),
    ('UA', '{act}', 'document', 'place', 'custom', NULL, 'no law since 1724-VIII of 2016'),
    ('UA', '{act}', 'document', 'contract', 'custom', NULL, 'custom'),
    ('UA', '{act}', 'document', 'contract_date', 'custom', NULL, 'custom'),
    ('UA', '{act}', 'document', 'period', 'custom', NULL, 'custom'),
    ('UA', '{act,invoice,proforma,credit_note}', 'document', 'tax_words', 'custom', 'rated', 'custom'),
    ('UA', '{act,invoice,proforma,credit_note}', 'seller', 'tax_id', 'custom', NULL, 'custom'),
    ('UA', '{act,invoice,proforma,credit_note}', 'seller', 'vat_no', 'custom', 'rated', 'custom'),
    ('UA', '{act,invoice,proforma,credit_note}', 'seller', 'address', 'custom', NULL, 'custom'),
    ('UA', '{act,invoice,proforma,credit_note}', 'buyer', 'tax_id', 'custom', NULL, 'custom'),
    ('UA', '{act,invoice,proforma,credit_note}', 'document', 'tax', 'custom', NULL, 'custom'),
    ('UA', '{invoice,proforma}', 'seller', 'iban', 'custom', NULL, 'custom'),
    ('UA', '{invoice,proforma}', 'seller', 'bank', 'custom', NULL, 'custom'),
    ('RU', '{act,credit_note,netting}', 'seller', 'signatory_title', 'law', NULL, '402-ФЗ art. 9 p. 2'),
    ('RU', '{act,credit_note,netting}', 'seller', 'signatory', 'law', NULL, '402-ФЗ art. 9 p. 2'),
    ('RU', '{act,credit_note,netting}', 'buyer', 'signatory_title', 'custom', NULL, '402-ФЗ art. 9 p. 2'),
    ('RU', '{act,credit_note,netting}', 'buyer', 'signatory', 'custom', NULL, '402-ФЗ art. 9 p. 2'),
    ('RU', '{act}', 'document', 'contract', 'custom', NULL, 'custom'),
    ('RU', '{act}', 'document', 'contract_date', 'custom', NULL, 'custom'),
    ('RU', '{act,invoice,proforma,credit_note}', 'seller', 'tax_id', 'custom', NULL, 'custom'),
    ('RU', '{act,invoice,proforma,credit_note}', 'seller', 'kpp', 'custom', NULL, 'custom'),
    ('RU', '{act,invoice,proforma,credit_note}', 'seller', 'address', 'custom', NULL, 'custom'),
    ('RU', '{act,invoice,proforma,credit_note}', 'buyer', 'tax_id', 'custom', 'resident', 'custom'),
    ('RU', '{act,invoice,proforma,credit_note}', 'document', 'tax', 'custom', NULL, 'custom'),
    ('RU', '{invoice,proforma}', 'seller', 'bank', 'custom', NULL, 'custom'),
    ('RU', '{invoice,proforma}', 'seller', 'bic', 'custom', NULL, 'custom'),
    ('RU', '{invoice,proforma}', 'seller', 'correspondent_account', 'custom', NULL, 'custom'),
    ('RU', '{invoice,proforma}', 'seller', 'account', 'custom', NULL, 'custom'),
    ('RU', '{invoice,proforma}', 'seller', 'signatory', 'custom', NULL, 'custom'),
    ('BY', '{act,credit_note,netting}', 'seller', 'signatory_title', 'law', NULL, '57-З art. 10 p. 2'),
    ('BY', '{act,credit_note,netting}', 'seller', 'signatory', 'law', NULL, '57-З art. 10 p. 2'),
    ('BY', '{act}', 'document', 'contract', 'law', NULL, '57-З art. 10 p. 2, the ground'),
    ('BY', '{act}', 'document', 'contract_date', 'custom', NULL, 'custom'),
    ('BY', '{act,credit_note,netting}', 'buyer', 'signatory_title', 'custom', NULL, '57-З art. 10 p. 2'),
    ('BY', '{act,credit_note,netting}', 'buyer', 'signatory', 'custom', NULL, '57-З art. 10 p. 2'),
    ('BY', '{act,invoice,proforma,credit_note}', 'seller', 'tax_id', 'custom', NULL, 'custom'),
    ('BY', '{act,invoice,proforma,credit_note}', 'seller', 'address', 'custom', NULL, 'custom'),
    ('BY', '{act,invoice,proforma,credit_note}', 'buyer', 'tax_id', 'custom', NULL, 'custom'),
    ('BY', '{act,invoice,proforma,credit_note}', 'document', 'tax', 'custom', NULL, 'custom'),
    ('BY', '{invoice,proforma}', 'seller', 'iban', 'custom', NULL, 'custom'),
    ('BY', '{invoice,proforma}', 'seller', 'bank', 'custom', NULL, 'custom'),
    ('BY', '{invoice,proforma}', 'seller', 'bic', 'custom', NULL, 'custom'),
    ('BY', '{invoice,proforma}', 'seller', 'signatory', 'custom', NULL, 'custom'),
    ('KZ', '{act,credit_note,netting}', 'seller', 'tax_id', 'law', NULL, '234-III art. 7 p. 3'),
    ('KZ', '{act,credit_note,netting}', 'seller', 'signatory_title', 'law', NULL, '234-III art. 7 p. 3'),
    ('KZ', '{act,credit_note,netting}', 'seller', 'signatory', 'law', NULL, '234-III art. 7 p. 3'),
    ('KZ', '{act,credit_note,netting}', 'buyer', 'tax_id', 'law', 'resident', '234-III art. 7 p. 3'),
    ('KZ', '{act}', 'seller', 'address', 'law', NULL, 'form Р-1, order МФ № 562 of 20.12.2012'),
    ('KZ', '{act}', 'buyer', 'address', 'law', 'resident', 'form Р-1, order МФ № 562 of 20.12.2012'),
    ('KZ', '{act}', 'document', 'contract', 'law', NULL, 'form Р-1, order МФ № 562 of 20.12.2012'),
    ('KZ', '{act}', 'document', 'contract_date', 'law', NULL, 'form Р-1, order МФ № 562 of 20.12.2012'),
    ('KZ', '{act,credit_note,netting}', 'buyer', 'signatory_title', 'custom', NULL, '234-III art. 7 p. 3'),
    ('KZ', '{act,credit_note,netting}', 'buyer', 'signatory', 'custom', NULL, '234-III art. 7 p. 3'),
    ('KZ', '{act,invoice,proforma,credit_note}', 'document', 'tax', 'custom', NULL, 'custom'),
    ('KZ', '{invoice,proforma}', 'seller', 'tax_id', 'custom', NULL, 'custom'),
    ('KZ', '{invoice,proforma}', 'seller', 'address', 'custom', NULL, 'custom'),
    ('KZ', '{invoice,proforma}', 'buyer', 'tax_id', 'custom', 'resident', 'custom'),
    ('KZ', '{invoice,proforma}', 'seller', 'iban', 'custom', NULL, 'custom'),
    ('KZ', '{invoice,proforma}', 'seller', 'kbe', 'custom', NULL, 'custom'),
    ('KZ', '{invoice,proforma}', 'seller', 'bank', 'custom', NULL, 'custom'),
    ('KZ', '{invoice,proforma}', 'seller', 'bic', 'custom', NULL, 'custom'),
    ('KZ', '{invoice,proforma}', 'seller', 'knp', 'custom', NULL, 'custom'),
    ('EU', '{invoice,credit_note}', 'seller', 'vat_no', 'law', 'payer', 'Directive 2006/112/EC art. 226 (3)'),
    ('EU', '{invoice,credit_note}', 'seller', 'address', 'law', NULL, 'Directive 2006/112/EC art. 226 (5)'),
    ('EU', '{invoice,credit_note}', 'buyer', 'address', 'law', NULL, 'Directive 2006/112/EC art. 226 (5)'),
    ('EU', '{invoice,credit_note}', 'buyer', 'vat_no', 'law', 'reverse_charge', 'Directive 2006/112/EC art. 226 (4)'),
    ('EU', '{invoice,credit_note}', 'document', 'tax', 'law', NULL, 'Directive 2006/112/EC art. 226 (9), (11), (11a)'),
    ('EU', '{credit_note}', 'document', 'basis', 'law', NULL, 'Directive 2006/112/EC art. 219'),
    ('EU', '{invoice}', 'document', 'period', 'custom', NULL, 'Directive 2006/112/EC art. 226 (7)'),
    ('EU', '{proforma}', 'seller', 'address', 'custom', NULL, 'custom'),
    ('EU', '{invoice,proforma}', 'seller', 'iban', 'custom', NULL, 'custom')
  ) AS v (rules, kinds, side, key, demand, about, source)
 CROSS JOIN LATERAL unnest(v.kinds::text[]) k (kind);

CREATE TABLE country_tax (
    code text CONSTRAINT country_tax_pkey PRIMARY KEY,
    rules text NOT NULL,
    kind text NOT NULL DEFAULT 'rated',
    words jsonb NOT NULL
        CONSTRAINT country_tax_words_in_all CHECK (words ?& '{uk,ru,en}'),
    source text NOT NULL
);
COMMENT ON TABLE country_tax IS
    'the taxes of countries as add_taxes() installs them: code and kind as in tax, words the name of the tax, or what '
    'the paper says where none is taken';
INSERT INTO country_tax (code, rules, kind, words, source)
SELECT v.code, v.rules, v.kind, jsonb_build_object('uk', v.uk, 'ru', v.ru, 'en', v.en), v.source
  FROM (VALUES
    ('ua_vat', 'UA', 'rated', 'ПДВ', 'НДС', 'VAT', 'ПКУ 193.1'),
    ('ua_vat_7', 'UA', 'rated', 'ПДВ', 'НДС', 'VAT', 'ПКУ 193.1'),
    ('ua_vat_0', 'UA', 'rated', 'ПДВ', 'НДС', 'VAT', 'ПКУ 195'),
    ('ua_not_payer', 'UA', 'not_payer', 'Без ПДВ (неплатник ПДВ)', 'Без НДС (неплательщик НДС)',
     'Without VAT (not a VAT payer)', 'custom'),
    ('ua_abroad', 'UA', 'abroad', 'Без ПДВ, місце постачання за межами України (п. 186.3 ПКУ)',
     'Без НДС, место поставки за пределами Украины (п. 186.3 НКУ)',
     'Without VAT, place of supply outside Ukraine (Tax Code of Ukraine, 186.3)', 'ПКУ 186.3'),
    ('ru_vat', 'RU', 'rated', 'ПДВ', 'НДС', 'VAT', 'НК РФ 164, 425-ФЗ of 28.11.2025'),
    ('ru_vat_10', 'RU', 'rated', 'ПДВ', 'НДС', 'VAT', 'НК РФ 164'),
    ('ru_vat_7', 'RU', 'rated', 'ПДВ', 'НДС', 'VAT', 'НК РФ 164, УСН'),
    ('ru_vat_5', 'RU', 'rated', 'ПДВ', 'НДС', 'VAT', 'НК РФ 164, УСН'),
    ('ru_vat_0', 'RU', 'rated', 'ПДВ', 'НДС', 'VAT', 'НК РФ 164'),
    ('ru_not_payer', 'RU', 'not_payer', 'Без ПДВ', 'Без НДС', 'Without VAT', 'custom'),
    ('ru_abroad', 'RU', 'abroad', 'ПДВ не обкладається, місце реалізації не РФ (ст. 148 ПК РФ)',
     'НДС не облагается, место реализации не РФ (ст. 148 НК РФ)',
     'Without VAT, place of supply outside Russia (Tax Code, 148)', 'НК РФ 148'),
    ('by_vat', 'BY', 'rated', 'ПДВ', 'НДС', 'VAT', 'НК РБ, since 2010'),
    ('by_not_payer', 'BY', 'not_payer', 'Без ПДВ', 'Без НДС', 'Without VAT', 'custom'),
    ('kz_vat', 'KZ', 'rated', 'ПДВ', 'НДС', 'VAT', 'code 214-VIII of 18.07.2025'),
    ('kz_not_payer', 'KZ', 'not_payer', 'Без ПДВ', 'Без НДС', 'Without VAT', 'custom'),
    ('eu_reverse_charge', 'EU', 'reverse_charge',
     'Reverse charge: ПДВ сплачує покупець (ст. 196 Директиви 2006/112/ЄС)',
     'Reverse charge: НДС уплачивает покупатель (ст. 196 Директивы 2006/112/ЕС)',
     'Reverse charge (art. 196 of Directive 2006/112/EC)', 'Directive 2006/112/EC art. 44, 196, 226 (11a)')
  ) AS v (code, rules, kind, uk, ru, en, source);

CREATE TABLE country_tax_rate (
    code text NOT NULL CONSTRAINT country_tax_rate_tax_fkey REFERENCES country_tax,
    valid_from date NOT NULL
        CONSTRAINT country_tax_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31'),
    rate numeric(7,4) NOT NULL CONSTRAINT country_tax_rate_range CHECK (rate BETWEEN 0 AND 100),
    CONSTRAINT country_tax_rate_pkey PRIMARY KEY (code, valid_from)
);
COMMENT ON TABLE country_tax_rate IS
    'the rates of country_tax in per cent, each from a day on. The first is not older than what was looked up: work of '
    'before has no rate and is refused';
INSERT INTO country_tax_rate (code, valid_from, rate) VALUES
    ('ua_vat', '2025-01-01', 20), ('ua_vat_7', '2025-01-01', 7), ('ua_vat_0', '2025-01-01', 0),
    ('ru_vat', '2025-01-01', 20), ('ru_vat', '2026-01-01', 22), ('ru_vat_10', '2025-01-01', 10),
    ('ru_vat_7', '2026-01-01', 7), ('ru_vat_5', '2026-01-01', 5), ('ru_vat_0', '2025-01-01', 0),
    ('by_vat', '2010-01-01', 20), ('kz_vat', '2025-01-01', 12), ('kz_vat', '2026-01-01', 16);

CREATE TABLE state_paper_rule (
    rules text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    due text CONSTRAINT state_paper_rule_due_known CHECK (due IN ('days', 'half_month')),
    due_days integer,
    counts_from text CONSTRAINT state_paper_rule_counts_from_known CHECK (counts_from IN ('supply', 'issue')),
    source text NOT NULL,
    CONSTRAINT state_paper_rule_pkey PRIMARY KEY (rules, kind),
    CONSTRAINT state_paper_rule_due_whole CHECK (
        (due IS NULL) = (counts_from IS NULL) AND (due IS NOT DISTINCT FROM 'days') = (due_days IS NOT NULL))
);
COMMENT ON TABLE state_paper_rule IS
    'the papers that states want beside ours: state_paper() gives their data. due: days, so many after the supply or '
    'the issue, or half_month: of the first half of a month its last day, of the second the 15th of the next; NULL '
    'where the day is not known';
INSERT INTO state_paper_rule (rules, kind, name, due, due_days, counts_from, source) VALUES
    ('UA', 'invoice', 'податкова накладна', 'half_month', NULL, 'supply', 'ПКУ 201.1, 201.10'),
    ('UA', 'act', 'податкова накладна', 'half_month', NULL, 'supply', 'ПКУ 201.1, 201.10'),
    ('UA', 'credit_note', 'розрахунок коригування', NULL, NULL, NULL, 'ПКУ 192.1, order № 1307'),
    ('RU', 'invoice', 'счёт-фактура', 'days', 5, 'supply', 'НК РФ 168 p. 3, 169'),
    ('RU', 'act', 'счёт-фактура', 'days', 5, 'supply', 'НК РФ 168 p. 3, 169'),
    ('RU', 'credit_note', 'корректировочный счёт-фактура', 'days', 5, 'issue', 'НК РФ 168 p. 3, 172 p. 10'),
    ('BY', 'invoice', 'ЭСЧФ', NULL, NULL, NULL, 'portal of МНС'),
    ('BY', 'act', 'ЭСЧФ', NULL, NULL, NULL, 'portal of МНС'),
    ('KZ', 'invoice', 'ЭСФ', 'days', 15, 'supply', 'order МФ № 629 of 28.10.2025'),
    ('KZ', 'act', 'ЭСФ', 'days', 15, 'supply', 'order МФ № 629 of 28.10.2025'),
    ('KZ', 'credit_note', 'дополнительный ЭСФ', NULL, NULL, NULL, 'order МФ № 629 of 28.10.2025');
