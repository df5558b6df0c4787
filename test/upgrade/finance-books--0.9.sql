-- ---------------------------------------------------------------------------
-- base: levels of access, history, settings, currencies and the rows that are locks
-- ---------------------------------------------------------------------------

CREATE TABLE access_level (
    level text CONSTRAINT access_level_pkey PRIMARY KEY,
    rank integer NOT NULL CONSTRAINT access_level_rank_key UNIQUE,
    may text NOT NULL
);
COMMENT ON TABLE access_level IS 'levels of access; each may do what those of a lower rank may';
INSERT INTO access_level (level, rank, may) VALUES
    ('guest', 0, 'open what a share link shows, and answer it'),
    ('reader', 1, 'read every figure, but no person''s cost or pay: dashboards, notebooks'),
    ('clerk', 2, 'log work, keep clients, tasks and payments, build and issue documents: CRM back ends'),
    ('manager', 3,
     'prices, contracts, approval, corrections, discounts and write-offs, within limits set for each person'),
    ('controller', 4, 'costs and pay, the ledger, closing and locking'),
    ('admin', 5, 'settings, calendars, templates, numbers');

CREATE TABLE access_rule (
    object text NOT NULL,
    verb text NOT NULL
        CONSTRAINT access_rule_verb_known CHECK (verb IN ('select', 'insert', 'update', 'delete', 'execute')),
    level text NOT NULL CONSTRAINT access_rule_level_fkey REFERENCES access_level,
    columns text[],
    but text[],
    CONSTRAINT access_rule_pkey PRIMARY KEY (object, verb, level),
    CONSTRAINT access_rule_columns_one_way CHECK (num_nonnulls(columns, but) <= 1)
);
COMMENT ON TABLE access_rule IS
    'what each level may do: object is a table or view, or with the verb execute a function; level is the lowest that '
    'may; columns are those it is about, but those it is not about, neither means all of them. What has no row is '
    'private';

CREATE TABLE access_grant (
    role text CONSTRAINT access_grant_pkey PRIMARY KEY,
    level text NOT NULL CONSTRAINT access_grant_level_fkey REFERENCES access_level,
    granted_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE access_grant IS 'the level that each role was given by grant_access()';

CREATE TABLE history (
    id bigserial CONSTRAINT history_pkey PRIMARY KEY,
    table_name text NOT NULL,
    row_key text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    login text NOT NULL DEFAULT session_user,
    action text NOT NULL,
    old_values jsonb,
    new_values jsonb
);
COMMENT ON TABLE history IS
    'who did what to the rows of watched tables, by column; append-only. View history_change has a row for each '
    'column. An INSERT keeps what was given, an UPDATE the columns that changed, a DELETE the whole row. Time entries '
    'and closed periods say themselves who made them and when, so their INSERT is not kept here: their first change or '
    'their end keeps what they held';
CREATE INDEX history_row_idx ON history (table_name, row_key);

CREATE TABLE currency_code (
    code text CONSTRAINT currency_code_pkey PRIMARY KEY
        CONSTRAINT currency_code_iso CHECK (code ~ '^[A-Z]{3}$'),
    exponent smallint NOT NULL
        CONSTRAINT currency_code_exponent_range CHECK (exponent BETWEEN 0 AND 2),
    name text NOT NULL,
    -- ISO 4217 gives these three or four decimals: under another exponent they would be exact and wrong
    CONSTRAINT currency_code_exact CHECK (code <> ALL ('{BHD,CLF,IQD,JOD,KWD,LYD,OMR,TND,UYW}'))
);
COMMENT ON TABLE currency_code IS
    'currencies the books know; exponent is the number of decimals of an amount (ISO 4217), 0 to 2: in these the books '
    'are exact everywhere, and take no others. Whatever names a currency names a row of this table';
INSERT INTO currency_code (code, exponent, name) VALUES
    ('AED', 2, 'UAE dirham'), ('AMD', 2, 'Armenian dram'), ('AUD', 2, 'Australian dollar'),
    ('AZN', 2, 'Azerbaijani manat'), ('BYN', 2, 'Belarusian ruble'), ('CAD', 2, 'Canadian dollar'),
    ('CHF', 2, 'Swiss franc'), ('CNY', 2, 'Yuan renminbi'), ('CZK', 2, 'Czech koruna'),
    ('DKK', 2, 'Danish krone'), ('EUR', 2, 'Euro'), ('GBP', 2, 'Pound sterling'), ('GEL', 2, 'Georgian lari'),
    ('HUF', 2, 'Hungarian forint'), ('ILS', 2, 'Israeli new shekel'), ('INR', 2, 'Indian rupee'),
    ('JPY', 0, 'Japanese yen'), ('KGS', 2, 'Kyrgyz som'), ('KRW', 0, 'South Korean won'),
    ('KZT', 2, 'Kazakhstani tenge'), ('MDL', 2, 'Moldovan leu'), ('NOK', 2, 'Norwegian krone'),
    ('PLN', 2, 'Polish zloty'), ('RON', 2, 'Romanian leu'), ('RSD', 2, 'Serbian dinar'), ('RUB', 2, 'Russian ruble'),
    ('SEK', 2, 'Swedish krona'), ('SGD', 2, 'Singapore dollar'), ('TRY', 2, 'Turkish lira'),
    ('UAH', 2, 'Ukrainian hryvnia'), ('USD', 2, 'US dollar'), ('UZS', 2, 'Uzbekistani sum');

CREATE TABLE setting (
    id boolean DEFAULT true CONSTRAINT setting_pkey PRIMARY KEY
        CONSTRAINT setting_one_row CHECK (id),
    version text NOT NULL,
    base_currency text NOT NULL DEFAULT 'EUR'
        CONSTRAINT setting_base_currency_fkey REFERENCES currency_code,
    zone text NOT NULL DEFAULT 'UTC',
    max_entry_s bigint NOT NULL DEFAULT 86400
        CONSTRAINT setting_max_entry_positive CHECK (max_entry_s > 0),
    trackers_decide boolean NOT NULL DEFAULT true,
    max_rate_age_days integer NOT NULL DEFAULT 31
        CONSTRAINT setting_max_rate_age_not_negative CHECK (max_rate_age_days >= 0),
    write_off_limit numeric(20,6) NOT NULL DEFAULT 1
        CONSTRAINT setting_write_off_limit_not_negative CHECK (write_off_limit >= 0 AND write_off_limit <> 'NaN')
);
COMMENT ON TABLE setting IS
    'one row: version of the books; base_currency in which company-wide figures are kept; zone of work dates where no '
    'calendar says another; max_entry_s the longest time entry accepted, in seconds of the clock on the wall: 86400 is '
    'a day, also one of 25 hours; trackers_decide whether a record of ingest_entries() may say that it is not billed; '
    'max_rate_age_days how old a rate of exchange may be that is used without a word in data_gaps; write_off_limit how '
    'much, in the base currency, anybody who keeps payments may write off of one thing';
INSERT INTO setting (version) VALUES ('0.9');

CREATE TABLE exchange_rate (
    base text NOT NULL CONSTRAINT exchange_rate_base_fkey REFERENCES currency_code,
    quote text NOT NULL CONSTRAINT exchange_rate_quote_fkey REFERENCES currency_code,
    valid_from date NOT NULL,
    rate numeric(24,12) NOT NULL
        CONSTRAINT exchange_rate_positive CHECK (rate > 0 AND rate <> 'NaN'),
    CONSTRAINT exchange_rate_pkey PRIMARY KEY (base, quote, valid_from),
    CONSTRAINT exchange_rate_two_currencies CHECK (base <> quote),
    CONSTRAINT exchange_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31')
);
COMMENT ON TABLE exchange_rate IS 'one base costs rate quote from valid_from until the next row of the pair';

CREATE TABLE lock_version (
    kind text NOT NULL
        CONSTRAINT lock_version_kind_known CHECK (kind IN ('party', 'books', 'ledger', 'calendar', 'price_list')),
    id bigint NOT NULL,
    holder bigint NOT NULL,
    held_at timestamptz NOT NULL,
    CONSTRAINT lock_version_pkey PRIMARY KEY (kind, id)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE lock_version IS
    'the locks of the books, one row for each thing whose sums must hold: a party (its work, documents and money), a '
    'calendar (its bands), and with id 0 all price lists, the ledger (which periods are locked) and the books as a '
    'whole (what gives figures their meaning). Each holder leaves a new version of the row, so that a transaction '
    'whose snapshot is older gets 40001';
INSERT INTO lock_version (kind, id, holder, held_at) VALUES
    ('books', 0, pg_current_xact_id()::text::bigint, now()),
    ('ledger', 0, pg_current_xact_id()::text::bigint, now());

CREATE TABLE code_object (
    kind text,
    object text,
    ours boolean NOT NULL,
    kept_for text,
    again text[] NOT NULL DEFAULT '{}',
    CONSTRAINT code_object_pkey PRIMARY KEY (kind, object)
);
COMMENT ON TABLE code_object IS
    'functions, procedures, views and triggers that the script of the books made, as DROP names them: what an upgrade '
    'makes anew. '
    'While it runs also those of users (not ours), what of theirs hangs on ours (kept_for), and what is to be said '
    'again of ours: rights, switches';
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
-- ---------------------------------------------------------------------------
-- party: clients, suppliers and people; what is done for whom: projects, deals, tasks
-- ---------------------------------------------------------------------------

CREATE TABLE direction (
    id bigserial CONSTRAINT direction_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT direction_name_key UNIQUE,
    parent_id bigint CONSTRAINT direction_parent_fkey REFERENCES direction
);
COMMENT ON TABLE direction IS 'lines of business (development, support, …) for profit by direction';

CREATE TABLE party (
    id bigserial CONSTRAINT party_pkey PRIMARY KEY,
    kind text NOT NULL
        CONSTRAINT party_kind_known CHECK (kind IN ('own', 'company', 'individual', 'contractor', 'state_body')),
    name text NOT NULL CONSTRAINT party_named CHECK (name <> ''),
    legal_name text,
    tax_id text,
    requisites jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT party_requisites_object CHECK (jsonb_typeof(requisites) = 'object'),
    email text,
    manager_id bigint,
    payment_terms_days integer NOT NULL DEFAULT 14
        CONSTRAINT party_payment_terms_range CHECK (payment_terms_days BETWEEN 0 AND 3650),
    grace_days integer NOT NULL DEFAULT 0
        CONSTRAINT party_grace_range CHECK (grace_days BETWEEN 0 AND 3650),
    source text,
    external_id text,
    country text CONSTRAINT party_country_fkey REFERENCES country_code,
    entrepreneur boolean NOT NULL DEFAULT false,
    CONSTRAINT party_external_key UNIQUE (source, external_id)
);
COMMENT ON TABLE party IS
    'whoever the books deal with: own company, clients (company, individual), contractors, state bodies; requisites as '
    'printed on documents, and what papers of its country must say; manager_id the employee who looks after the client';
CREATE INDEX party_own_idx ON party (id) WHERE kind = 'own';

CREATE TABLE employee (
    id bigserial CONSTRAINT employee_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT employee_named CHECK (name <> ''),
    email text CONSTRAINT employee_email_key UNIQUE,
    role text,
    direction_id bigint CONSTRAINT employee_direction_fkey REFERENCES direction,
    party_id bigint CONSTRAINT employee_party_fkey REFERENCES party,
    zone text CONSTRAINT employee_zone_known CHECK (is_zone(zone)),
    active boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE employee IS
    'people whose time is sold; role prices and costs them where nothing more specific does; party_id is set for '
    'contractors, NULL for staff';
ALTER TABLE party ADD CONSTRAINT party_manager_fkey FOREIGN KEY (manager_id) REFERENCES employee;

CREATE TABLE employee_login (
    source text NOT NULL,
    external_id text NOT NULL,
    employee_id bigint NOT NULL CONSTRAINT employee_login_employee_fkey REFERENCES employee,
    CONSTRAINT employee_login_pkey PRIMARY KEY (source, external_id)
);
COMMENT ON TABLE employee_login IS 'under which id each tracker and CRM (source) knows an employee';

CREATE TABLE cost_rate (
    id bigserial CONSTRAINT cost_rate_pkey PRIMARY KEY,
    employee_id bigint CONSTRAINT cost_rate_employee_fkey REFERENCES employee,
    role text,
    valid_from date NOT NULL,
    hourly_cost numeric(19,6)
        CONSTRAINT cost_rate_not_negative CHECK (hourly_cost >= 0 AND hourly_cost <> 'NaN'),
    hourly_pay numeric(19,6)
        CONSTRAINT cost_rate_pay_not_negative CHECK (hourly_pay >= 0 AND hourly_pay <> 'NaN'),
    currency text NOT NULL CONSTRAINT cost_rate_currency_fkey REFERENCES currency_code,
    CONSTRAINT cost_rate_subject CHECK (num_nonnulls(employee_id, role) = 1),
    CONSTRAINT cost_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT cost_rate_key UNIQUE NULLS NOT DISTINCT (employee_id, role, valid_from)
);
COMMENT ON TABLE cost_rate IS
    'what an hour of an employee, or of a role, costs from valid_from until the next row; a NULL hourly_cost withdraws '
    'the rate; hourly_pay is what a contractor is paid';

CREATE TABLE project (
    id bigserial CONSTRAINT project_pkey PRIMARY KEY,
    client_id bigint NOT NULL CONSTRAINT project_client_fkey REFERENCES party,
    parent_id bigint CONSTRAINT project_parent_fkey REFERENCES project,
    direction_id bigint CONSTRAINT project_direction_fkey REFERENCES direction,
    name text NOT NULL CONSTRAINT project_named CHECK (name <> ''),
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT project_status_known CHECK (status IN ('active', 'done', 'paused', 'archived')),
    billable text
        CONSTRAINT project_billable_known CHECK (billable IN ('billable', 'no_charge', 'non_billable')),
    price_list_id bigint,
    url text,
    source text,
    external_id text,
    CONSTRAINT project_external_key UNIQUE (source, external_id)
);
COMMENT ON TABLE project IS
    'a project of a client, or of the own company: its work is not billed unless billable says so; billable is its '
    'default disposition, price_list_id its price list';
CREATE INDEX project_client_idx ON project (client_id);
CREATE INDEX project_priced_idx ON project (client_id) WHERE price_list_id IS NOT NULL;

CREATE TABLE deal (
    id bigserial CONSTRAINT deal_pkey PRIMARY KEY,
    client_id bigint NOT NULL CONSTRAINT deal_client_fkey REFERENCES party,
    project_id bigint CONSTRAINT deal_project_fkey REFERENCES project,
    direction_id bigint CONSTRAINT deal_direction_fkey REFERENCES direction,
    name text NOT NULL,
    stage text,
    amount numeric(20,6) CONSTRAINT deal_amount_number CHECK (amount <> 'NaN'),
    currency text CONSTRAINT deal_currency_fkey REFERENCES currency_code,
    starts_on date,
    ends_on date,
    source text,
    external_id text,
    CONSTRAINT deal_external_key UNIQUE (source, external_id),
    CONSTRAINT deal_dates_in_order CHECK (ends_on >= starts_on),
    CONSTRAINT deal_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31')
);
COMMENT ON TABLE deal IS 'sales as the CRM knows them; (source, external_id) makes the exchange idempotent';

CREATE TABLE deal_stage (
    id bigserial CONSTRAINT deal_stage_pkey PRIMARY KEY,
    deal_id bigint NOT NULL CONSTRAINT deal_stage_deal_fkey REFERENCES deal,
    position integer NOT NULL,
    name text NOT NULL,
    starts_on date,
    ends_on date,
    CONSTRAINT deal_stage_key UNIQUE (deal_id, position),
    CONSTRAINT deal_stage_dates_in_order CHECK (ends_on >= starts_on),
    CONSTRAINT deal_stage_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31')
);
COMMENT ON TABLE deal_stage IS 'parts of a deal in order; a support period is a stage too';

CREATE TABLE work_type (
    id bigserial CONSTRAINT work_type_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT work_type_code_key UNIQUE,
    name text NOT NULL,
    billable text
        CONSTRAINT work_type_billable_known CHECK (billable IN ('billable', 'no_charge', 'non_billable'))
);
COMMENT ON TABLE work_type IS
    'kinds of work and their default disposition: billable (priced), no_charge (shown to the client at zero, as bugs '
    'are), non_billable (never shown)';
INSERT INTO work_type (code, name, billable) VALUES
    ('development', 'Development', 'billable'), ('design', 'Design', 'billable'),
    ('support', 'Support', 'billable'), ('management', 'Project management', 'billable'),
    ('bug', 'Bug fixing', 'no_charge'), ('internal', 'Internal work', 'non_billable');

CREATE TABLE task (
    id bigserial CONSTRAINT task_pkey PRIMARY KEY,
    project_id bigint NOT NULL CONSTRAINT task_project_fkey REFERENCES project,
    contract_id bigint,
    deal_id bigint CONSTRAINT task_deal_fkey REFERENCES deal,
    work_type_id bigint CONSTRAINT task_work_type_fkey REFERENCES work_type,
    number text,
    title text NOT NULL,
    status text NOT NULL DEFAULT 'open'
        CONSTRAINT task_status_known CHECK (status IN ('open', 'in_progress', 'done', 'cancelled')),
    url text,
    estimate_s bigint CONSTRAINT task_estimate_not_negative CHECK (estimate_s >= 0),
    billable text
        CONSTRAINT task_billable_known CHECK (billable IN ('billable', 'no_charge', 'non_billable')),
    completed_at timestamptz,
    source text,
    external_id text,
    deal_stage_id bigint CONSTRAINT task_deal_stage_fkey REFERENCES deal_stage,
    CONSTRAINT task_external_key UNIQUE (source, external_id),
    CONSTRAINT task_year CHECK (completed_at BETWEEN '0001-01-02Z' AND '9999-12-31Z')
);
COMMENT ON TABLE task IS
    'tasks and tickets as the planner knows them; contract_id and billable override what project and work type say; '
    'estimate_s in seconds';
CREATE INDEX task_project_idx ON task (project_id);
-- ---------------------------------------------------------------------------
-- catalogue: one nomenclature, universal and individual price lists
-- ---------------------------------------------------------------------------

CREATE TABLE item (
    id bigserial CONSTRAINT item_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT item_code_key UNIQUE,
    name text NOT NULL,
    kind text NOT NULL DEFAULT 'service'
        CONSTRAINT item_kind_known CHECK (kind IN ('service', 'material', 'licence', 'fee', 'expense')),
    unit text NOT NULL DEFAULT 'pcs'
);
COMMENT ON TABLE item IS
    'the nomenclature: what is sold apart from hours (works at a fixed price, materials, licences, fees, expenses '
    'passed on)';

CREATE TABLE price_list (
    id bigserial CONSTRAINT price_list_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT price_list_code_key UNIQUE,
    name text NOT NULL,
    currency text NOT NULL CONSTRAINT price_list_currency_fkey REFERENCES currency_code,
    client_id bigint CONSTRAINT price_list_client_fkey REFERENCES party,
    parent_id bigint CONSTRAINT price_list_parent_fkey REFERENCES price_list,
    is_default boolean NOT NULL DEFAULT false,
    discount_pct numeric(7,4)
        CONSTRAINT price_list_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    revision bigint NOT NULL DEFAULT 1,
    CONSTRAINT price_list_not_own_parent CHECK (parent_id <> id)
);
COMMENT ON TABLE price_list IS
    'universal lists (client_id NULL) and individual ones; what a list does not price is sought in its parent; '
    'discount_pct is taken off every position that has no discount of its own, also off those found in the parent; '
    'is_default marks the list of last resort of its currency';
CREATE UNIQUE INDEX price_list_one_default ON price_list (currency) WHERE is_default;
CREATE UNIQUE INDEX price_list_one_per_client ON price_list (client_id, currency) WHERE client_id IS NOT NULL;

CREATE TABLE price (
    id bigserial CONSTRAINT price_pkey PRIMARY KEY,
    price_list_id bigint NOT NULL CONSTRAINT price_price_list_fkey REFERENCES price_list,
    item_id bigint CONSTRAINT price_item_fkey REFERENCES item,
    work_type_id bigint CONSTRAINT price_work_type_fkey REFERENCES work_type,
    role text,
    employee_id bigint CONSTRAINT price_employee_fkey REFERENCES employee,
    valid_from date NOT NULL DEFAULT '-infinity'
        CONSTRAINT price_year CHECK (valid_from = '-infinity' OR valid_from BETWEEN '0001-01-01' AND '9999-12-31'),
    price numeric(19,6)
        CONSTRAINT price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
    cost numeric(19,6)
        CONSTRAINT price_cost_not_negative CHECK (cost >= 0 AND cost <> 'NaN'),
    discount_pct numeric(7,4)
        CONSTRAINT price_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    tiers jsonb,
    CONSTRAINT price_key UNIQUE NULLS NOT DISTINCT
        (price_list_id, item_id, work_type_id, role, employee_id, valid_from),
    CONSTRAINT price_item_or_work CHECK (item_id IS NULL OR work_type_id IS NULL),
    CONSTRAINT price_item_for_all CHECK (item_id IS NULL OR num_nonnulls(role, employee_id) = 0),
    CONSTRAINT price_employee_or_role CHECK (employee_id IS NULL OR role IS NULL)
);
COMMENT ON TABLE price IS
    'positions: price an hour (or a unit of an item) from valid_from until the next row of the same key; NULL key '
    'columns mean any; a NULL price withdraws the position; cost a unit of an item; tiers quantity tiers of an item: '
    '{"mode", "bounds", "prices", "flats"} as tiered_amount() takes them';
ALTER TABLE project ADD CONSTRAINT project_price_list_fkey FOREIGN KEY (price_list_id) REFERENCES price_list;
-- ---------------------------------------------------------------------------
-- calendar: business hours, holidays, after-hours bands
-- ---------------------------------------------------------------------------

CREATE SEQUENCE calendar_id_seq;

CREATE TABLE calendar (
    id bigint DEFAULT nextval('calendar_id_seq') CONSTRAINT calendar_pkey PRIMARY KEY,
    name text NOT NULL
        CONSTRAINT calendar_name_once UNIQUE
        CONSTRAINT calendar_name_not_empty CHECK (name <> ''),
    zone text NOT NULL
        CONSTRAINT calendar_zone_known CHECK (finance.is_zone(zone))
);
ALTER SEQUENCE calendar_id_seq OWNED BY calendar.id;
COMMENT ON TABLE calendar IS 'a time zone with its business hours, holidays and other bands of the day';

CREATE SEQUENCE calendar_band_id_seq;

CREATE TABLE calendar_band (
    id bigint DEFAULT nextval('calendar_band_id_seq') CONSTRAINT calendar_band_pkey PRIMARY KEY,
    calendar_id bigint NOT NULL
        CONSTRAINT calendar_band_of_calendar REFERENCES calendar (id) ON DELETE CASCADE,
    isodow int CONSTRAINT calendar_band_isodow_1_to_7 CHECK (isodow BETWEEN 1 AND 7),
    day date CONSTRAINT calendar_band_day_of_four_digit_year CHECK (day BETWEEN '0001-01-01' AND '9999-12-31'),
    starts time CONSTRAINT calendar_band_starts_before_24 CHECK (starts < '24:00'),
    ends time,
    band text CONSTRAINT calendar_band_name_1_to_63_bytes CHECK (octet_length(band) BETWEEN 1 AND 63),
    CONSTRAINT calendar_band_weekday_or_day CHECK (num_nonnulls(isodow, day) = 1),
    CONSTRAINT calendar_band_whole_or_closed CHECK (num_nonnulls(starts, ends, band) IN (0, 3)),
    CONSTRAINT calendar_band_closed_is_a_day CHECK (starts IS NOT NULL OR day IS NOT NULL),
    CONSTRAINT calendar_band_whole_seconds
        CHECK (date_trunc('second', starts) = starts::interval AND date_trunc('second', ends) = ends::interval),
    CONSTRAINT calendar_band_once UNIQUE NULLS NOT DISTINCT (calendar_id, isodow, day, starts)
);
ALTER SEQUENCE calendar_band_id_seq OWNED BY calendar_band.id;
COMMENT ON TABLE calendar_band IS
    'a band of the local day; the rows of a date replace the whole of it, from midnight to midnight (holidays, moved '
    'working days); what no row covers is band off_hours';
-- ---------------------------------------------------------------------------
-- tax: taxes on sales and purchases, and their rates by date
-- ---------------------------------------------------------------------------

CREATE TABLE tax (
    code text CONSTRAINT tax_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT tax_named CHECK (name <> ''),
    kind text NOT NULL DEFAULT 'rated'
        CONSTRAINT tax_kind_known CHECK (kind IN ('rated', 'exempt', 'reverse_charge', 'not_payer', 'abroad')),
    words jsonb
        CONSTRAINT tax_words_object CHECK (jsonb_typeof(words) = 'object'),
    account_code text,
    CONSTRAINT tax_without_rate_says_why CHECK (kind = 'rated' OR words IS NOT NULL)
);
COMMENT ON TABLE tax IS
    'the taxes that contracts and lines of documents name by code. kind rated: by the rates of tax_rate, or made of '
    'others (tax_part), and words its name by language, {"uk", "ru", "en"}; exempt, reverse_charge (the buyer owes '
    'it), not_payer (we take none) and abroad (the place of supply): none, and the paper carries the words that say '
    'why. account_code: the account it is owed on, NULL for that of the role tax';

CREATE TABLE tax_rate (
    tax_code text NOT NULL CONSTRAINT tax_rate_tax_fkey REFERENCES tax,
    valid_from date NOT NULL
        CONSTRAINT tax_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31'),
    rate numeric(7,4) NOT NULL CONSTRAINT tax_rate_range CHECK (rate BETWEEN 0 AND 100),
    CONSTRAINT tax_rate_pkey PRIMARY KEY (tax_code, valid_from)
);
COMMENT ON TABLE tax_rate IS
    'rates of taxes in per cent, each from a day on: work has the rate of its own day, whenever it is billed';

CREATE TABLE tax_part (
    tax_code text NOT NULL CONSTRAINT tax_part_tax_fkey REFERENCES tax,
    part_code text NOT NULL CONSTRAINT tax_part_part_fkey REFERENCES tax,
    CONSTRAINT tax_part_pkey PRIMARY KEY (tax_code, part_code),
    CONSTRAINT tax_part_of_another CHECK (part_code <> tax_code)
);
COMMENT ON TABLE tax_part IS
    'taxes that are made of others, as a federal and a provincial one: each is reckoned and rounded of its own, and '
    'owed on its own account';
-- ---------------------------------------------------------------------------
-- contract: the terms by which time, items and fees become money
-- ---------------------------------------------------------------------------

CREATE TABLE contract (
    id bigserial CONSTRAINT contract_pkey PRIMARY KEY,
    client_id bigint NOT NULL CONSTRAINT contract_client_fkey REFERENCES party,
    own_id bigint CONSTRAINT contract_own_fkey REFERENCES party,
    project_id bigint CONSTRAINT contract_project_fkey REFERENCES project,
    parent_id bigint CONSTRAINT contract_parent_fkey REFERENCES contract,
    number text NOT NULL CONSTRAINT contract_number_key UNIQUE,
    title text,
    model text NOT NULL DEFAULT 'time_materials'
        CONSTRAINT contract_model_known
            CHECK (model IN ('time_materials', 'prepaid_money', 'by_fact', 'subscription_plus',
            'block_hours', 'fixed_price', 'retainer')),
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT contract_status_known CHECK (status IN ('draft', 'active', 'ended', 'cancelled')),
    currency text NOT NULL CONSTRAINT contract_currency_fkey REFERENCES currency_code,
    starts_on date NOT NULL,
    ends_on date,
    -- price
    price_list_id bigint CONSTRAINT contract_price_list_fkey REFERENCES price_list,
    discount_pct numeric(7,4)
        CONSTRAINT contract_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    amount_basis text NOT NULL DEFAULT 'exact'
        CONSTRAINT contract_basis_known CHECK (amount_basis IN ('exact', 'hundredth')),
    -- time
    calendar_id bigint CONSTRAINT contract_calendar_fkey REFERENCES calendar,
    bands text[],
    period text NOT NULL DEFAULT 'month'
        CONSTRAINT contract_period_known CHECK (period IN ('week', 'half_month', 'month', 'quarter', 'year')),
    anchor_day integer CONSTRAINT contract_anchor_range CHECK (anchor_day BETWEEN 1 AND 31),
    round_mode text NOT NULL DEFAULT 'none'
        CONSTRAINT contract_round_mode_known CHECK (round_mode IN ('none', 'up', 'down', 'nearest')),
    round_increment_s integer NOT NULL DEFAULT 60
        CONSTRAINT contract_round_increment_range CHECK (round_increment_s BETWEEN 1 AND 86400),
    round_minimum_s integer NOT NULL DEFAULT 0
        CONSTRAINT contract_round_minimum_range CHECK (round_minimum_s BETWEEN 0 AND 86400),
    round_maximum_s integer
        CONSTRAINT contract_round_maximum_range CHECK (round_maximum_s >= round_minimum_s),
    round_grace_s integer NOT NULL DEFAULT 0
        CONSTRAINT contract_round_grace_range CHECK (round_grace_s >= 0 AND round_grace_s < round_increment_s),
    round_scope text NOT NULL DEFAULT 'entry'
        CONSTRAINT contract_round_scope_known CHECK (round_scope IN ('entry', 'task_day', 'day', 'task', 'period')),
    -- limits
    cap_amount numeric(20,6) CONSTRAINT contract_cap_amount_positive CHECK (cap_amount >= 0 AND cap_amount <> 'NaN'),
    cap_s bigint CONSTRAINT contract_cap_seconds_positive CHECK (cap_s >= 0),
    minimum_charge numeric(20,6)
        CONSTRAINT contract_minimum_charge_not_negative CHECK (minimum_charge >= 0 AND minimum_charge <> 'NaN'),
    -- billing
    needs_approval boolean NOT NULL DEFAULT false,
    needs_specification boolean NOT NULL DEFAULT false,
    late_policy text NOT NULL DEFAULT 'next_period'
        CONSTRAINT contract_late_policy_known CHECK (late_policy IN ('next_period', 'reject', 'reopen')),
    expense_markup_pct numeric(7,4) NOT NULL DEFAULT 0
        CONSTRAINT contract_markup_range CHECK (expense_markup_pct BETWEEN 0 AND 1000),
    auto_bill text NOT NULL DEFAULT 'none'
        CONSTRAINT contract_auto_bill_known CHECK (auto_bill IN ('none', 'report', 'invoice')),
    tax_rate numeric(7,4) CONSTRAINT contract_tax_range CHECK (tax_rate BETWEEN 0 AND 100),
    tax_inclusive boolean NOT NULL DEFAULT false,
    tax_level text NOT NULL DEFAULT 'line'
        CONSTRAINT contract_tax_level_known CHECK (tax_level IN ('line', 'total')),
    manager_id bigint CONSTRAINT contract_manager_fkey REFERENCES employee,
    source text,
    external_id text,
    anchor_month integer CONSTRAINT contract_anchor_month_range CHECK (anchor_month BETWEEN 1 AND 12),
    period_cap_amount numeric(20,6)
        CONSTRAINT contract_period_cap_amount_positive CHECK (period_cap_amount >= 0 AND period_cap_amount <> 'NaN'),
    period_cap_s bigint CONSTRAINT contract_period_cap_seconds_positive CHECK (period_cap_s >= 0),
    prorate text NOT NULL DEFAULT 'actual'
        CONSTRAINT contract_prorate_known CHECK (prorate IN ('none', 'actual', 'fixed_30', 'days_365')),
    renews_id bigint CONSTRAINT contract_renews_fkey REFERENCES contract
        CONSTRAINT contract_renews_key UNIQUE,
    tax_code text CONSTRAINT contract_tax_fkey REFERENCES tax,
    signed_on date
        CONSTRAINT contract_signed_year CHECK (signed_on BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT contract_one_tax CHECK (num_nonnulls(tax_code, tax_rate) <= 1),
    CONSTRAINT contract_external_key UNIQUE (source, external_id),
    CONSTRAINT contract_dates_in_order CHECK (ends_on >= starts_on),
    CONSTRAINT contract_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT contract_not_own_parent CHECK (parent_id <> id),
    CONSTRAINT contract_not_own_renewal CHECK (renews_id <> id),
    CONSTRAINT contract_companion_claims_bands CHECK (parent_id IS NULL OR bands IS NOT NULL)
);
COMMENT ON TABLE contract IS
    'an agreement with a client. It covers the client''s work from starts_on to ends_on, both days included, of one '
    'project where project_id is set. A contract with parent_id is the companion of a base contract and takes the '
    'bands it names (after-hours at a raised price). period, anchor_day and anchor_month give the service period, '
    'as anchor_of() says; round_… the rounding of worked to billed seconds; cap_… what may not be exceeded in its '
    'whole life, period_cap_… in a service period; prorate how that and minimum_charge are cut to the days of a part '
    'period; late_policy what becomes of work logged for a closed period; auto_bill what run_billing() drafts';
CREATE INDEX contract_client_idx ON contract (client_id);
CREATE INDEX contract_parent_idx ON contract (parent_id) WHERE parent_id IS NOT NULL;
ALTER TABLE task ADD CONSTRAINT task_contract_fkey FOREIGN KEY (contract_id) REFERENCES contract;

CREATE TABLE contract_line (
    id bigserial CONSTRAINT contract_line_pkey PRIMARY KEY,
    contract_id bigint NOT NULL CONSTRAINT contract_line_contract_fkey REFERENCES contract,
    kind text NOT NULL
        CONSTRAINT contract_line_kind_known CHECK (kind IN ('recurring', 'one_time', 'stage')),
    item_id bigint CONSTRAINT contract_line_item_fkey REFERENCES item,
    deal_stage_id bigint CONSTRAINT contract_line_stage_fkey REFERENCES deal_stage,
    title text NOT NULL,
    amount numeric(20,6) NOT NULL DEFAULT 0
        CONSTRAINT contract_line_amount_not_negative CHECK (amount >= 0 AND amount <> 'NaN'),
    cost numeric(20,6) NOT NULL DEFAULT 0
        CONSTRAINT contract_line_cost_not_negative CHECK (cost >= 0 AND cost <> 'NaN'),
    included_s bigint CONSTRAINT contract_line_included_positive CHECK (included_s > 0),
    included_amount numeric(20,6)
        CONSTRAINT contract_line_included_amount_positive CHECK (included_amount > 0 AND included_amount <> 'NaN'),
    scope_work_types bigint[],
    overage_price numeric(19,6)
        CONSTRAINT contract_line_overage_not_negative CHECK (overage_price >= 0 AND overage_price <> 'NaN'),
    rollover_min numeric(20,6) NOT NULL DEFAULT 0
        CONSTRAINT contract_line_rollover_min_not_negative CHECK (rollover_min >= 0),
    rollover_max numeric(20,6)
        CONSTRAINT contract_line_rollover_max_range CHECK (rollover_max >= rollover_min),
    rollover_life integer NOT NULL DEFAULT 1
        CONSTRAINT contract_line_rollover_life_positive CHECK (rollover_life > 0),
    prorate text NOT NULL DEFAULT 'none'
        CONSTRAINT contract_line_prorate_known CHECK (prorate IN ('none', 'actual', 'fixed_30', 'days_365')),
    prorate_included boolean NOT NULL DEFAULT false,
    starts_on date,
    ends_on date,
    status text NOT NULL DEFAULT 'planned'
        CONSTRAINT contract_line_status_known CHECK (status IN ('planned', 'active', 'accepted', 'cancelled')),
    accepted_on date,
    priority integer NOT NULL DEFAULT 0,
    replaces_id bigint CONSTRAINT contract_line_replaces_fkey REFERENCES contract_line
        CONSTRAINT contract_line_replaces_key UNIQUE,
    CONSTRAINT contract_line_not_own_heir CHECK (replaces_id <> id),
    CONSTRAINT contract_line_dates_in_order CHECK (ends_on >= starts_on - 1),
    CONSTRAINT contract_line_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31'
               AND accepted_on BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT contract_line_included_once CHECK (num_nonnulls(included_s, included_amount) <= 1),
    CONSTRAINT contract_line_accepted_dated CHECK ((status = 'accepted') = (accepted_on IS NOT NULL))
);
COMMENT ON TABLE contract_line IS
    'fees of a contract: recurring (each service period, with included hours or money), one_time (on starts_on), stage '
    '(on acceptance). overage_price is the hourly price past the included hours; rollover_min and rollover_max, in '
    'seconds or money, bound what is carried to the next rollover_life periods (NULL rollover_max: nothing); prorate '
    'how a fee is cut to the days a period really had; priority when its hours or money are eaten';
CREATE INDEX contract_line_contract_idx ON contract_line (contract_id);

CREATE TABLE band_rule (
    id bigserial CONSTRAINT band_rule_pkey PRIMARY KEY,
    contract_id bigint NOT NULL CONSTRAINT band_rule_contract_fkey REFERENCES contract,
    band text,
    role text,
    price_multiplier numeric(6,3) NOT NULL DEFAULT 1
        CONSTRAINT band_rule_multiplier_positive CHECK (price_multiplier > 0 AND price_multiplier <> 'NaN'),
    price_adder numeric(19,6) NOT NULL DEFAULT 0
        CONSTRAINT band_rule_adder_not_negative CHECK (price_adder >= 0 AND price_adder <> 'NaN'),
    burn_multiplier numeric(6,3) NOT NULL DEFAULT 1
        CONSTRAINT band_rule_burn_positive CHECK (burn_multiplier > 0 AND burn_multiplier <> 'NaN'),
    minimum_s integer NOT NULL DEFAULT 0
        CONSTRAINT band_rule_minimum_range CHECK (minimum_s BETWEEN 0 AND 86400),
    CONSTRAINT band_rule_key UNIQUE NULLS NOT DISTINCT (contract_id, band, role)
);
COMMENT ON TABLE band_rule IS
    'what an hour costs and burns in a band or for a role (NULL: any); of several rules that match the greatest '
    'multiplier wins, they never compound';

CREATE TABLE allotment (
    id bigserial CONSTRAINT allotment_pkey PRIMARY KEY,
    contract_id bigint NOT NULL CONSTRAINT allotment_contract_fkey REFERENCES contract,
    contract_line_id bigint CONSTRAINT allotment_line_fkey REFERENCES contract_line,
    kind text NOT NULL
        CONSTRAINT allotment_kind_known CHECK (kind IN ('included', 'block', 'topup', 'rollover', 'adjustment')),
    unit text NOT NULL CONSTRAINT allotment_unit_known CHECK (unit IN ('seconds', 'money')),
    amount numeric(20,6) NOT NULL
        CONSTRAINT allotment_amount_positive
            CHECK (amount > 0 AND amount <> 'NaN' OR amount = 0 AND source_id IS NOT NULL),
    priority integer NOT NULL DEFAULT 0,
    effective_at timestamptz NOT NULL,
    expires_at timestamptz,
    period_start date,
    scope_work_types bigint[],
    payment_id bigint,
    charge_id bigint,
    voided_at timestamptz,
    key text CONSTRAINT allotment_key_key UNIQUE,
    source_id bigint CONSTRAINT allotment_source_fkey REFERENCES allotment
        CONSTRAINT allotment_source_key UNIQUE,
    CONSTRAINT allotment_whole_seconds CHECK (unit <> 'seconds' OR amount = trunc(amount)),
    CONSTRAINT allotment_dates_in_order CHECK (expires_at > effective_at),
    CONSTRAINT allotment_years
        CHECK (effective_at BETWEEN '0001-01-02Z' AND '9999-12-31Z'
               AND expires_at BETWEEN '0001-01-02Z' AND '9999-12-31Z')
);
COMMENT ON TABLE allotment IS
    'anything that is eaten by work: included hours or money of a period, prepaid blocks, top-ups, rollover. Eaten by '
    'priority, then earliest expiry, then the narrower scope_work_types, then earliest effective_at; what is alike in '
    'that by what it is: what would be lost before what is carried over, rollover, included, adjustment, block, topup, '
    'time before money. It covers work from effective_at to expires_at, which is cut there. key is the idempotency key '
    'of add_block()';
CREATE INDEX allotment_contract_idx ON allotment (contract_id);
CREATE UNIQUE INDEX allotment_once_per_period ON allotment (contract_line_id, period_start) WHERE kind = 'included';

CREATE TABLE billing_period (
    contract_id bigint NOT NULL CONSTRAINT billing_period_contract_fkey REFERENCES contract,
    period_start date NOT NULL,
    period_end date NOT NULL,
    closed_at timestamptz NOT NULL DEFAULT now(),
    closed_by text NOT NULL DEFAULT actor(),
    CONSTRAINT billing_period_pkey PRIMARY KEY (contract_id, period_start),
    CONSTRAINT billing_period_in_order CHECK (period_end > period_start)
);
COMMENT ON TABLE billing_period IS
    'the closed service periods of a contract, contiguous from its first; period_end is exclusive';

CREATE TYPE dimension AS (own_id bigint, client_id bigint, contract_id bigint, project_id bigint, deal_id bigint,
                          task_id bigint,
                          employee_id bigint, work_type_id bigint, direction_id bigint);
COMMENT ON TYPE dimension IS
    'what a fact is about: the own company, the client it is done for (never a supplier), and what of his; '
    'complete_dimension() fills in what follows';
-- ---------------------------------------------------------------------------
-- work: logged time, and what tasks are sold for at a fixed price
-- ---------------------------------------------------------------------------

CREATE TABLE task_item (
    id bigserial CONSTRAINT task_item_pkey PRIMARY KEY,
    task_id bigint NOT NULL CONSTRAINT task_item_task_fkey REFERENCES task,
    item_id bigint CONSTRAINT task_item_item_fkey REFERENCES item,
    quantity numeric(19,6) NOT NULL DEFAULT 1
        CONSTRAINT task_item_quantity_positive CHECK (quantity > 0 AND quantity <> 'NaN'),
    price numeric(19,6)
        CONSTRAINT task_item_price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
    cost numeric(19,6)
        CONSTRAINT task_item_cost_not_negative CHECK (cost >= 0 AND cost <> 'NaN'),
    document_id bigint,
    title text,
    discount_pct numeric(7,4) CONSTRAINT task_item_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    amount numeric(20,6),
    line_id bigint,
    CONSTRAINT task_item_key UNIQUE NULLS NOT DISTINCT (task_id, item_id, document_id, line_id),
    CONSTRAINT task_item_named CHECK (item_id IS NOT NULL OR line_id IS NOT NULL AND title IS NOT NULL)
);
COMMENT ON TABLE task_item IS
    'what a task is sold for at a fixed price: charged when the task is done, at the agreed price of a unit or (price '
    'NULL) as the price lists say then; the time of such a task is included in that price. document_id is the '
    'specification that agreed it, line_id the line of it: such rows come when the client agrees, and go when it is '
    'void or superseded';

CREATE TABLE time_entry (
    id bigserial CONSTRAINT time_entry_pkey PRIMARY KEY,
    employee_id bigint NOT NULL CONSTRAINT time_entry_employee_fkey REFERENCES employee,
    task_id bigint NOT NULL CONSTRAINT time_entry_task_fkey REFERENCES task,
    work_type_id bigint CONSTRAINT time_entry_work_type_fkey REFERENCES work_type,
    contract_id bigint CONSTRAINT time_entry_contract_fkey REFERENCES contract,
    started_at timestamptz
        CONSTRAINT time_entry_start_year CHECK (started_at BETWEEN '0001-01-02Z' AND '9999-12-31Z'),
    ended_at timestamptz
        CONSTRAINT time_entry_end_year CHECK (ended_at BETWEEN '0001-01-02Z' AND '9999-12-31Z'),
    break_s integer NOT NULL DEFAULT 0
        CONSTRAINT time_entry_break_not_negative CHECK (break_s >= 0),
    work_date date
        CONSTRAINT time_entry_date_year CHECK (work_date BETWEEN '0001-01-01' AND '9999-12-31'),
    duration_s bigint CONSTRAINT time_entry_duration_not_negative CHECK (duration_s >= 0),
    worked_s bigint GENERATED ALWAYS AS
        (coalesce(duration_s, floor(extract(epoch FROM ended_at - started_at))::bigint - break_s)) STORED
        CONSTRAINT time_entry_worked_not_negative CHECK (worked_s >= 0),
    billable text
        CONSTRAINT time_entry_billable_known CHECK (billable IN ('billable', 'no_charge', 'non_billable')),
    billable_s bigint CONSTRAINT time_entry_billable_s_not_negative CHECK (billable_s >= 0),
    price numeric(19,6)
        CONSTRAINT time_entry_price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
    override_reason text,
    comment text,
    source text,
    external_id text,
    approved_at timestamptz,
    approved_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT actor(),
    CONSTRAINT time_entry_end_after_start CHECK (ended_at >= started_at),
    CONSTRAINT time_entry_clock_or_date CHECK
        (num_nonnulls(started_at, ended_at) = 2 OR num_nonnulls(started_at, ended_at) = 0
         AND num_nonnulls(work_date, duration_s) = 2),
    CONSTRAINT time_entry_override_explained CHECK
        (num_nonnulls(billable, billable_s, price) = 0 OR override_reason IS NOT NULL OR source IS NOT NULL),
    CONSTRAINT time_entry_external_key UNIQUE (source, external_id)
);
COMMENT ON TABLE time_entry IS
    'logged work, by the clock (started_at, ended_at, break_s) or by the day (work_date, duration_s); duration_s beats '
    'the clock where both are given. billable, billable_s (seconds) and price (an hour) override what the rules say '
    'and want a reason unless a tracker sends them. Inserting, changing or deleting an entry rates it in the same '
    'transaction';
CREATE INDEX time_entry_task_idx ON time_entry (task_id);
CREATE INDEX time_entry_clock_idx ON time_entry (employee_id, started_at) INCLUDE (ended_at, id)
    WHERE started_at IS NOT NULL;
CREATE INDEX time_entry_day_idx ON time_entry (employee_id, work_date) WHERE started_at IS NULL;

CREATE TABLE rejected_entry (
    id bigserial CONSTRAINT rejected_entry_pkey PRIMARY KEY,
    source text,
    external_id text,
    record jsonb NOT NULL,
    reason text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rejected_entry IS
    'records that ingest_entries() could not take, each with the reason; a record that is taken later leaves this '
    'table';
CREATE INDEX task_item_document_idx ON task_item (document_id) WHERE document_id IS NOT NULL;
-- ---------------------------------------------------------------------------
-- charge: one rated segment of work, item, fee or stage, and the terms it was rated by
-- ---------------------------------------------------------------------------

CREATE TABLE terms (
    id bigserial CONSTRAINT terms_pkey PRIMARY KEY,
    contract_id bigint NOT NULL CONSTRAINT terms_contract_fkey REFERENCES contract,
    digest bytea NOT NULL,
    body jsonb NOT NULL,
    round_scope text NOT NULL GENERATED ALWAYS AS (coalesce(body #>> '{rounding,scope}', 'entry')) STORED,
    stamped_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT terms_key UNIQUE (contract_id, digest)
);
COMMENT ON TABLE terms IS
    'snapshots of the terms by which charges were rated, one row for each content; a later change of configuration '
    'prices new work only';

CREATE TABLE list_snapshot (
    price_list_id bigint NOT NULL,
    revision bigint NOT NULL,
    body jsonb NOT NULL,
    stamped_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT list_snapshot_pkey PRIMARY KEY (price_list_id, revision)
);
COMMENT ON TABLE list_snapshot IS
    'price lists as they were when work was rated by them, one row for each revision that was: terms name them, so '
    'that a thousand contracts share one list, and a log of work looks a list up instead of reading all its positions';

CREATE TABLE terms_source (
    contract_id bigint NOT NULL CONSTRAINT terms_source_contract_fkey REFERENCES contract,
    digest bytea NOT NULL,
    terms_id bigint NOT NULL CONSTRAINT terms_source_terms_fkey REFERENCES terms,
    body jsonb NOT NULL,
    CONSTRAINT terms_source_pkey PRIMARY KEY (contract_id, digest)
);
COMMENT ON TABLE terms_source IS
    'of what terms were made: a digest of the rows of configuration, by which a log of work looks its terms up instead '
    'of making them again, and body as living_terms has it. A row says what is always true, so nothing has to take it '
    'away when configuration changes; contracts whose entries bear on one another have none';
CREATE INDEX terms_source_terms_idx ON terms_source (terms_id);

CREATE TABLE charge (
    id bigserial CONSTRAINT charge_pkey PRIMARY KEY,
    source text NOT NULL
        CONSTRAINT charge_source_known CHECK (source IN ('time', 'item', 'fee', 'stage', 'expense', 'adjustment')),
    time_entry_id bigint CONSTRAINT charge_time_entry_fkey REFERENCES time_entry DEFERRABLE INITIALLY DEFERRED,
    segment smallint,
    contract_line_id bigint CONSTRAINT charge_contract_line_fkey REFERENCES contract_line,
    task_item_id bigint,
    made_by text NOT NULL DEFAULT 'user'
        CONSTRAINT charge_made_by_known
            CHECK (made_by IN ('user', 'rating', 'line', 'task_item', 'block', 'minimum', 'document', 'correction')),
    own_id bigint,
    contract_id bigint CONSTRAINT charge_contract_fkey REFERENCES contract,
    client_id bigint NOT NULL CONSTRAINT charge_client_fkey REFERENCES party,
    project_id bigint CONSTRAINT charge_project_fkey REFERENCES project,
    deal_id bigint CONSTRAINT charge_deal_fkey REFERENCES deal,
    task_id bigint CONSTRAINT charge_task_fkey REFERENCES task,
    employee_id bigint CONSTRAINT charge_employee_fkey REFERENCES employee,
    work_type_id bigint CONSTRAINT charge_work_type_fkey REFERENCES work_type,
    direction_id bigint CONSTRAINT charge_direction_fkey REFERENCES direction,
    item_id bigint CONSTRAINT charge_item_fkey REFERENCES item,
    service_date date NOT NULL,
    period_start date NOT NULL,
    started_at timestamptz NOT NULL,
    band text,
    coverage text NOT NULL
        CONSTRAINT charge_coverage_known
            CHECK (coverage IN ('billable', 'included', 'prepaid', 'capped', 'no_charge', 'non_billable')),
    worked_s bigint NOT NULL DEFAULT 0,
    billed_s bigint NOT NULL DEFAULT 0,
    quantity numeric(19,6),
    price numeric(19,6),
    multiplier numeric(6,3),
    discount_pct numeric(7,4),
    rate numeric(25,9),
    price_id bigint,
    price_source text,
    price_list_id bigint,
    gross numeric(20,6),
    amount numeric(20,6) NOT NULL,
    currency text NOT NULL,
    base_rate numeric(24,12) NOT NULL DEFAULT 1,
    base_amount numeric(20,6) NOT NULL,
    cost numeric(20,6),
    base_cost numeric(20,6),
    cost_rate numeric(24,12),
    base_cost_rate numeric(24,12),
    allotment_id bigint CONSTRAINT charge_allotment_fkey REFERENCES allotment,
    burned numeric(20,6),
    why jsonb,
    terms_id bigint,
    late boolean NOT NULL DEFAULT false,
    held_by bigint,
    frozen_at timestamptz,
    committed boolean NOT NULL GENERATED ALWAYS AS (frozen_at IS NOT NULL OR held_by IS NOT NULL) STORED,
    reverses_id bigint CONSTRAINT charge_reverses_fkey REFERENCES charge,
    adjusts_id bigint CONSTRAINT charge_adjusts_fkey REFERENCES charge,
    key text,
    role text,
    line_period date,
    CONSTRAINT charge_only_billable_has_amount
        CHECK (amount = 0 AND coalesce(gross, 0) = 0 OR coverage = 'billable'),
    CONSTRAINT charge_time_has_entry CHECK (source <> 'time' OR time_entry_id IS NOT NULL AND segment IS NOT NULL),
    CONSTRAINT charge_burn_has_allotment CHECK ((allotment_id IS NULL) = (burned IS NULL)),
    CONSTRAINT charge_reversal_frozen CHECK (reverses_id IS NULL OR frozen_at IS NOT NULL),
    CONSTRAINT charge_held_or_frozen CHECK (num_nonnulls(held_by, frozen_at) < 2),
    CONSTRAINT charge_adjusts_no_time CHECK (adjusts_id IS NULL OR source = 'adjustment')
) WITH (fillfactor = 90);
COMMENT ON TABLE charge IS
    'the heart: one rated segment of work, item, fee or stage. amount is net of tax in currency, gross what the prices '
    'make of it where they hold the tax (NULL elsewhere), cost what it cost us in the same currency (NULL: unknown), '
    'base_… the same in the company''s currency. Provisional while frozen_at is NULL; frozen with the document or the '
    'period that takes it, and posted to the ledger in the same transaction; while a report that is sent holds it '
    '(held_by, a document) it waits unchanged for the client''s answer';
CREATE UNIQUE INDEX charge_entry_segment ON charge (time_entry_id, segment)
    WHERE time_entry_id IS NOT NULL AND NOT committed;
CREATE INDEX charge_entry_idx ON charge (time_entry_id) WHERE time_entry_id IS NOT NULL;
CREATE INDEX charge_contract_idx ON charge (contract_id, started_at);
CREATE UNIQUE INDEX charge_line_period ON charge (contract_line_id, line_period)
    WHERE contract_line_id IS NOT NULL AND reverses_id IS NULL AND source IN ('fee', 'stage') AND coverage = 'billable';
CREATE INDEX charge_allotment_idx ON charge (allotment_id) WHERE allotment_id IS NOT NULL;
CREATE INDEX charge_task_idx ON charge (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX charge_contract_line_idx ON charge (contract_line_id) WHERE contract_line_id IS NOT NULL;
CREATE INDEX charge_held_by_idx ON charge (held_by) WHERE held_by IS NOT NULL;
CREATE UNIQUE INDEX charge_key_key ON charge (key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX charge_task_item_once ON charge (task_item_id) WHERE task_item_id IS NOT NULL
    AND reverses_id IS NULL;
CREATE INDEX charge_uncosted_idx ON charge (service_date) WHERE base_cost IS NULL;
CREATE INDEX charge_adjusts_idx ON charge (adjusts_id) WHERE adjusts_id IS NOT NULL;
CREATE UNIQUE INDEX charge_reversed_once ON charge (reverses_id) WHERE reverses_id IS NOT NULL;

ALTER TABLE allotment ADD CONSTRAINT allotment_charge_fkey FOREIGN KEY (charge_id) REFERENCES charge;
CREATE INDEX allotment_charge_idx ON allotment (charge_id) WHERE charge_id IS NOT NULL;

CREATE TABLE rating_problem (
    time_entry_id bigint CONSTRAINT rating_problem_pkey PRIMARY KEY
        CONSTRAINT rating_problem_entry_fkey REFERENCES time_entry ON DELETE CASCADE,
    kind text NOT NULL
        CONSTRAINT rating_problem_kind_known
            CHECK (kind IN ('two_contracts', 'no_contract', 'no_price', 'no_price_list',
            'no_exchange_rate', 'waits_approval', 'waits_specification')),
    problem text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    contract_id bigint,
    terms_id bigint,
    price_list_id bigint,
    employee_id bigint,
    role text,
    project_id bigint
);
COMMENT ON TABLE rating_problem IS
    'why a time entry has no charge; view unrated shows it with the entry. contract_id and what follows it: as what it '
    'was priced while it had one, which it is again when that contract takes it back';

-- Charges of clients without a contract are looked for by client.
CREATE INDEX charge_uncontracted_idx ON charge (client_id) WHERE contract_id IS NULL;
-- What is open follows its facts: found without a look at the years that are closed.
CREATE INDEX charge_open_idx ON charge (client_id) WHERE NOT committed;

CREATE TYPE rating_input AS (
    entry_id bigint, contract_id bigint, terms_id bigint, price_list_id bigint, disposition text, disposition_why jsonb,
    currency text, cost_rate numeric, base_cost_rate numeric, base_rate numeric, frozen_s bigint, instant timestamptz,
    problem_kind text, problem text, role text);
COMMENT ON TYPE rating_input IS
    'what rating needs to know of an entry beside its time: contract, terms (NULL: none), where the price lookup '
    'starts, disposition and where it comes from (as charge.why), currency, cost rates an hour, rate to the base '
    'currency, seconds billed when frozen, its instant, what stands in the way, and the role it is priced in';

CREATE TYPE rating_span AS (starts timestamptz, ends timestamptz, tasks bigint[], days daterange, grouped boolean);
COMMENT ON TYPE rating_span IS
    'which work of a contract a change bears on: what began from starts until before ends, of tasks and of days (NULL: '
    'all); grouped: where entries are rounded together';

CREATE TYPE rated_entry AS (segment rated_segment, input rating_input);
COMMENT ON TYPE rated_entry IS 'a segment that rating made, beside what was known of its entry';

CREATE TYPE allotment_use AS (contract_id bigint, allotment_id bigint, burned numeric, amount numeric,
                              billed_s numeric, period_start date);
COMMENT ON TYPE allotment_use IS
    'what work takes from one allotment (burned, in its unit) and from the caps of its contract (amount, billed '
    'seconds), in a service period where it is a cap of that';
-- ---------------------------------------------------------------------------
-- correction: what is frozen and no longer agrees with what it was made of
-- ---------------------------------------------------------------------------

CREATE TABLE recheck (
    charge_id bigint CONSTRAINT recheck_pkey PRIMARY KEY CONSTRAINT recheck_charge_fkey REFERENCES charge,
    found_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE recheck IS
    'frozen charges of whose contract, line, cost rate or exchange rate something changed since, or whose cost is not '
    'known yet: correction_due looks at these, so that it costs what changed and not what there is';

-- Rates come for a day: what was frozen since is found without a look at the years before.
CREATE INDEX charge_day_idx ON charge USING brin (service_date);
-- ---------------------------------------------------------------------------
-- ledger: accounts, events and their entries; append-only
-- ---------------------------------------------------------------------------

CREATE TABLE statement_line (
    statement text NOT NULL DEFAULT 'pnl'
        CONSTRAINT statement_line_statement_known CHECK (statement IN ('pnl')),
    code text CONSTRAINT statement_line_pkey PRIMARY KEY,
    name text NOT NULL,
    parent text CONSTRAINT statement_line_parent_fkey REFERENCES statement_line,
    sort integer NOT NULL,
    sign smallint NOT NULL DEFAULT -1
        CONSTRAINT statement_line_sign_known CHECK (sign IN (-1, 1)),
    section boolean NOT NULL DEFAULT false,
    formula text[]
        CONSTRAINT statement_line_formula_of_two CHECK (cardinality(formula) = 2)
);
COMMENT ON TABLE statement_line IS
    'the lines of statements, a tree: a line is the sum of its accounts (account.line) and of the lines whose parent '
    'it is, so every subtotal follows from where a line hangs. sign: by what a balance, debit positive, is multiplied '
    'to be shown; section: articles are grouped by it; formula: two lines, of which it is the first in per cent of the '
    'second';
INSERT INTO statement_line (code, name, parent, sort, section, formula) VALUES
    ('retained', 'Profit that stays', NULL, 1000, false, NULL),
    ('dividends', 'Dividends', 'retained', 900, true, NULL),
    ('net_profit', 'Net profit', 'retained', 800, false, NULL),
    ('tax', 'Taxes on profit', 'net_profit', 730, true, NULL),
    ('fx', 'Exchange differences', 'net_profit', 720, true, NULL),
    ('interest', 'Interest', 'net_profit', 710, true, NULL),
    ('ebit', 'Profit before interest and tax', 'net_profit', 700, false, NULL),
    ('depreciation', 'Depreciation', 'ebit', 620, true, NULL),
    ('other', 'Other income and expense', 'ebit', 610, true, NULL),
    ('ebitda', 'Profit before interest, tax and depreciation', 'ebit', 600, false, NULL),
    ('administrative', 'Administration', 'ebitda', 530, true, NULL),
    ('commercial', 'Marketing and sales', 'ebitda', 520, true, NULL),
    ('production', 'Production overheads', 'ebitda', 510, true, NULL),
    ('other_production', 'Production overheads other than people', 'production', 502, false, NULL),
    ('unabsorbed_labour', 'Payroll less the hours that went to projects', 'production', 501, false, NULL),
    ('gross_margin_pct', 'Gross margin, per cent', NULL, 410, false, '{gross_profit,revenue}'),
    ('gross_profit', 'Gross profit', 'ebitda', 400, false, NULL),
    ('direct', 'Direct cost', 'gross_profit', 300, true, NULL),
    ('other_direct', 'Direct cost other than labour', 'direct', 220, false, NULL),
    ('direct_labour', 'Direct labour', 'direct', 210, false, NULL),
    ('revenue', 'Revenue', 'gross_profit', 100, true, NULL);

CREATE TABLE account (
    id bigserial CONSTRAINT account_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT account_code_key UNIQUE,
    name text NOT NULL,
    parent_id bigint CONSTRAINT account_parent_fkey REFERENCES account,
    kind text NOT NULL
        CONSTRAINT account_kind_known CHECK (kind IN ('cash', 'settlement', 'asset', 'liability', 'equity', 'income',
        'expense')),
    line text CONSTRAINT account_line_fkey REFERENCES statement_line,
    cash_section text
        CONSTRAINT account_cash_section_known CHECK (cash_section IN ('operating', 'investing', 'financing')),
    accrues boolean NOT NULL DEFAULT false,
    pay boolean NOT NULL DEFAULT false,
    CONSTRAINT account_line_fits CHECK ((kind IN ('income', 'expense')) = (line IS NOT NULL))
);
COMMENT ON TABLE account IS
    'accounts of the ledger and articles of P&L and cash flow in one tree. kind income or expense: an article, on a '
    'line of the P&L; cash_section where its payments stand in the cash flow. accrues: a payment with this article '
    'also makes the accrual (rent, salaries); false where charges or documents accrue it (revenue). pay: what people '
    'are paid, which is for controllers to see';
INSERT INTO account (code, name, kind, line, cash_section, accrues, pay)
SELECT v.*, v.code IN ('payroll', 'payroll_tax') FROM (VALUES
    ('receivable', 'Settlements with clients', 'settlement', NULL, 'operating', false),
    ('unbilled', 'Work charged and not invoiced', 'settlement', NULL, 'operating', false),
    ('payable', 'Settlements with suppliers and staff', 'settlement', NULL, 'operating', false),
    ('tax_payable', 'Taxes on sales payable', 'liability', NULL, 'operating', false),
    ('loan', 'Loans received', 'liability', NULL, 'financing', false),
    ('fixed_asset', 'Equipment and other fixed assets', 'asset', NULL, 'investing', false),
    ('capital', 'Owners'' capital', 'equity', NULL, 'financing', false),
    ('opening', 'Opening balances', 'equity', NULL, 'financing', false),
    ('conversion', 'Money on its way between currencies', 'settlement', NULL, NULL, false),
    ('netting', 'Debts set off against each other', 'settlement', NULL, 'operating', false),
    ('revenue', 'Revenue', 'income', 'revenue', 'operating', false),
    ('direct_labour', 'Direct labour', 'expense', 'direct_labour', 'operating', false),
    ('contractors', 'Contractors', 'expense', 'other_direct', 'operating', true),
    ('materials', 'Materials and licences resold', 'expense', 'other_direct', 'operating', false),
    ('absorbed_labour', 'Absorbed labour', 'expense', 'unabsorbed_labour', 'operating', false),
    ('absorbed_materials', 'Absorbed materials', 'expense', 'other_production', 'operating', false),
    ('purchases', 'Purchases of materials and licences', 'expense', 'other_production', 'operating', true),
    ('payroll', 'Payroll', 'expense', 'unabsorbed_labour', 'operating', true),
    ('payroll_tax', 'Payroll taxes', 'expense', 'unabsorbed_labour', 'operating', true),
    ('tools', 'Tools and subscriptions', 'expense', 'other_production', 'operating', true),
    ('marketing', 'Marketing and sales', 'expense', 'commercial', 'operating', true),
    ('rent', 'Rent and utilities', 'expense', 'administrative', 'operating', true),
    ('administration', 'Administration', 'expense', 'administrative', 'operating', true),
    ('bank_fees', 'Bank fees', 'expense', 'administrative', 'operating', true),
    ('other_income', 'Other income', 'income', 'other', 'operating', true),
    ('other_expense', 'Other expense', 'expense', 'other', 'operating', true),
    ('depreciation', 'Depreciation', 'expense', 'depreciation', NULL, false),
    ('interest_income', 'Interest received', 'income', 'interest', 'operating', true),
    ('interest', 'Interest paid', 'expense', 'interest', 'operating', true),
    ('fx_difference', 'Exchange differences', 'expense', 'fx', NULL, false),
    ('profit_tax', 'Profit tax', 'expense', 'tax', 'operating', true),
    ('dividends', 'Dividends', 'expense', 'dividends', 'financing', true)
) AS v (code, name, kind, line, cash_section, accrues);

ALTER TABLE tax ADD CONSTRAINT tax_account_fkey FOREIGN KEY (account_code) REFERENCES account (code);

CREATE TABLE account_role (
    role text CONSTRAINT account_role_pkey PRIMARY KEY,
    account_id bigint NOT NULL CONSTRAINT account_role_account_fkey REFERENCES account,
    posted text NOT NULL
);
COMMENT ON TABLE account_role IS
    'the accounts that the functions of the books post to: they name a role, never an account. Such an account keeps '
    'its code and kind';
INSERT INTO account_role (role, account_id, posted)
SELECT v.role, a.id, v.posted FROM (VALUES
    ('receivable', 'receivable', 'what clients owe by invoices, and what they pay'),
    ('unbilled', 'unbilled', 'what charges come to, until an invoice takes it'),
    ('payable', 'payable', 'what is owed and paid to suppliers and staff'),
    ('tax', 'tax_payable', 'tax on sales, less the tax of bills'),
    ('revenue', 'revenue', 'what charges come to'),
    ('direct_labour', 'direct_labour', 'hours at their cost rates'),
    ('absorbed_labour', 'absorbed_labour', 'the same, taken out of payroll'),
    ('materials', 'materials', 'what charges other than hours cost'),
    ('absorbed_materials', 'absorbed_materials', 'the same, taken out of purchases'),
    ('contractor_bill', 'contractors', 'bills whose lines name no article'),
    ('people_bill', 'payroll', 'such bills of who logs the hours here'),
    ('exchange', 'fx_difference', 'what changes of rates make of debts until they are paid, and of own money'),
    ('opening', 'opening', 'what the books began with'),
    ('conversion', 'conversion', 'both sides of an exchange of own money'),
    ('netting', 'netting', 'both sides of debts that are set off'),
    ('bank_fee', 'bank_fees', 'what exchange() pays to the bank'),
    ('write_off', 'other_expense', 'what clients will not pay, where write_off() names no article'),
    ('write_on', 'other_income', 'what we need not pay, likewise')
) AS v (role, code, posted) JOIN account a USING (code);

CREATE TABLE period_lock (
    locked_through date CONSTRAINT period_lock_pkey PRIMARY KEY
        CONSTRAINT period_lock_year CHECK (locked_through BETWEEN '0001-01-01' AND '9999-12-31'),
    locked_at timestamptz NOT NULL DEFAULT now(),
    locked_by text NOT NULL DEFAULT actor()
);
COMMENT ON TABLE period_lock IS
    'nothing is posted on or before the latest locked_through; deleting the row opens the books again';

CREATE TABLE event (
    id bigserial CONSTRAINT event_pkey PRIMARY KEY,
    key text NOT NULL,
    digest bytea NOT NULL,
    memo text,
    reverses_id bigint CONSTRAINT event_reverses_fkey REFERENCES event
        CONSTRAINT event_reversed_once UNIQUE,
    posted_at timestamptz NOT NULL DEFAULT now(),
    posted_by text NOT NULL DEFAULT actor(),
    login text NOT NULL DEFAULT session_user,
    source text NOT NULL DEFAULT 'user'
        CONSTRAINT event_source_known CHECK (source IN ('user', 'charge', 'payment', 'document', 'period')),
    CONSTRAINT event_key_key UNIQUE (source, key)
);
COMMENT ON TABLE event IS
    'what happened, once: several entries of one business event share it. source is what posted it: user is post(), '
    'the rest follow their charges, payments, documents and periods and are taken back with them; key is the '
    'idempotency key, of the caller''s own where the source is user; digest the fingerprint of the content first '
    'posted under it';

CREATE TABLE entry (
    id bigserial CONSTRAINT entry_pkey PRIMARY KEY,
    event_id bigint NOT NULL CONSTRAINT entry_event_fkey REFERENCES event,
    entry_on date NOT NULL
        CONSTRAINT entry_date_year CHECK (entry_on BETWEEN '0001-01-01' AND '9999-12-31'),
    debit_id bigint NOT NULL CONSTRAINT entry_debit_fkey REFERENCES account,
    credit_id bigint NOT NULL CONSTRAINT entry_credit_fkey REFERENCES account,
    amount numeric(20,6) NOT NULL CONSTRAINT entry_amount_number CHECK (amount <> 'NaN'),
    currency text NOT NULL CONSTRAINT entry_currency_fkey REFERENCES currency_code,
    base_amount numeric(20,6) NOT NULL CONSTRAINT entry_base_amount_number CHECK (base_amount <> 'NaN'),
    article_id bigint CONSTRAINT entry_article_fkey REFERENCES account,
    party_id bigint CONSTRAINT entry_party_fkey REFERENCES party,
    contract_id bigint CONSTRAINT entry_contract_fkey REFERENCES contract,
    project_id bigint CONSTRAINT entry_project_fkey REFERENCES project,
    deal_id bigint CONSTRAINT entry_deal_fkey REFERENCES deal,
    task_id bigint CONSTRAINT entry_task_fkey REFERENCES task,
    employee_id bigint CONSTRAINT entry_employee_fkey REFERENCES employee,
    direction_id bigint CONSTRAINT entry_direction_fkey REFERENCES direction,
    work_type_id bigint CONSTRAINT entry_work_type_fkey REFERENCES work_type,
    charge_id bigint CONSTRAINT entry_charge_fkey REFERENCES charge,
    payment_id bigint,
    document_id bigint,
    own_id bigint CONSTRAINT entry_own_fkey REFERENCES party,
    client_id bigint CONSTRAINT entry_client_fkey REFERENCES party,
    CONSTRAINT entry_two_accounts CHECK (debit_id <> credit_id)
);
COMMENT ON TABLE entry IS
    'a transfer: one debit account, one credit account, one amount, one date, so the ledger cannot be out of balance. '
    'A reversal is the same entry with the opposite sign; article_id explains a cash entry in the cash flow; party_id '
    'is the counterparty, client_id for whom it is: never a supplier; append-only';
CREATE INDEX entry_event_idx ON entry (event_id);
CREATE INDEX entry_debit_idx ON entry (debit_id, entry_on);
CREATE INDEX entry_credit_idx ON entry (credit_id, entry_on);
CREATE INDEX entry_contract_idx ON entry (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX entry_direct_idx ON entry (contract_id) WHERE contract_id IS NOT NULL AND charge_id IS NULL;
-- the account of a party: what charges post is on others
CREATE INDEX entry_party_idx ON entry (party_id, entry_on) WHERE charge_id IS NULL;
CREATE INDEX entry_charge_idx ON entry (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX entry_payment_idx ON entry (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX entry_document_idx ON entry (document_id) WHERE document_id IS NOT NULL;

CREATE TYPE posting AS (entry_on date, debit text, credit text, amount numeric, currency text, article text,
                        own_id bigint, client_id bigint, party_id bigint, contract_id bigint, project_id bigint,
                        deal_id bigint, task_id bigint, employee_id bigint, work_type_id bigint, direction_id bigint);
COMMENT ON TYPE posting IS
    'an entry as post_event() takes it: its day, accounts and article by their codes, what is transferred, and what it '
    'is about; the dimensions complete one another';
-- ---------------------------------------------------------------------------
-- money: cash accounts and payments, planned and posted
-- ---------------------------------------------------------------------------

CREATE TABLE cash_account (
    id bigserial CONSTRAINT cash_account_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT cash_account_name_key UNIQUE,
    currency text NOT NULL CONSTRAINT cash_account_currency_fkey REFERENCES currency_code,
    iban text,
    floor_amount numeric(20,6) NOT NULL DEFAULT 0,
    account_id bigint NOT NULL CONSTRAINT cash_account_account_fkey REFERENCES account
        CONSTRAINT cash_account_account_key UNIQUE
);
COMMENT ON TABLE cash_account IS
    'bank accounts and cash desks, each with a ledger account of its own, made with it; floor_amount below which there '
    'is a cash gap';

CREATE TABLE payment (
    id bigserial CONSTRAINT payment_pkey PRIMARY KEY,
    flow text NOT NULL
        CONSTRAINT payment_flow_known CHECK (flow IN ('in', 'out', 'transfer')),
    status text NOT NULL DEFAULT 'planned'
        CONSTRAINT payment_status_known CHECK (status IN ('planned', 'posted', 'void')),
    paid_on date NOT NULL
        CONSTRAINT payment_date_year CHECK (paid_on BETWEEN '0001-01-01' AND '9999-12-31'),
    accrued_on date
        CONSTRAINT payment_accrual_year CHECK (accrued_on BETWEEN '0001-01-01' AND '9999-12-31'),
    amount numeric(20,6) NOT NULL
        CONSTRAINT payment_amount_positive CHECK (amount > 0 AND amount <> 'NaN'),
    currency text NOT NULL CONSTRAINT payment_currency_fkey REFERENCES currency_code,
    cash_account_id bigint CONSTRAINT payment_cash_account_fkey REFERENCES cash_account,
    to_cash_account_id bigint CONSTRAINT payment_to_cash_account_fkey REFERENCES cash_account,
    article text CONSTRAINT payment_article_fkey REFERENCES account (code),
    party_id bigint CONSTRAINT payment_party_fkey REFERENCES party,
    contract_id bigint CONSTRAINT payment_contract_fkey REFERENCES contract,
    project_id bigint CONSTRAINT payment_project_fkey REFERENCES project,
    deal_id bigint CONSTRAINT payment_deal_fkey REFERENCES deal,
    task_id bigint CONSTRAINT payment_task_fkey REFERENCES task,
    employee_id bigint CONSTRAINT payment_employee_fkey REFERENCES employee,
    direction_id bigint CONSTRAINT payment_direction_fkey REFERENCES direction,
    purpose text,
    bank_ref text,
    source text,
    external_id text,
    revision integer NOT NULL DEFAULT 1,
    made_from jsonb,
    own_id bigint CONSTRAINT payment_own_fkey REFERENCES party,
    client_id bigint CONSTRAINT payment_client_fkey REFERENCES party,
    work_type_id bigint CONSTRAINT payment_work_type_fkey REFERENCES work_type,
    contra text CONSTRAINT payment_contra_fkey REFERENCES account (code),
    received numeric(20,6)
        CONSTRAINT payment_received_positive CHECK (received > 0 AND received <> 'NaN'),
    CONSTRAINT payment_transfer_has_target CHECK ((flow = 'transfer') = (to_cash_account_id IS NOT NULL)),
    CONSTRAINT payment_has_article CHECK (flow = 'transfer' OR article IS NOT NULL),
    CONSTRAINT payment_posted_on_account CHECK (status <> 'posted' OR num_nonnulls(cash_account_id, contra) = 1),
    CONSTRAINT payment_contra_is_no_money CHECK (contra IS NULL OR flow <> 'transfer' AND cash_account_id IS NULL),
    CONSTRAINT payment_received_of_transfer CHECK (received IS NULL OR flow = 'transfer')
);
COMMENT ON TABLE payment IS
    'money in, out and between own accounts. planned: a row of the payment calendar; posted: cash, in the ledger; '
    'void: taken back by a reversal. article is the account that explains it; accrued_on the day its cost belongs to '
    'where that is not paid_on; contra the account that stands where cash would, of what settles without money: an '
    'article of ours (write_off()), the other side of a netting, opening balances; received what came to the other '
    'account of a transfer between currencies (exchange()); made_from the content that '
    'record_payment() made it of. Changing a posted payment reverses its entries and posts them anew';
-- What is void has left its keys to what was really paid.
CREATE UNIQUE INDEX payment_external_key ON payment (source, external_id) WHERE status <> 'void';
CREATE UNIQUE INDEX payment_bank_ref_key ON payment (cash_account_id, bank_ref) WHERE status <> 'void';
CREATE INDEX payment_contract_idx ON payment (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX payment_paid_on_idx ON payment (paid_on);
ALTER TABLE allotment ADD CONSTRAINT allotment_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment;
ALTER TABLE entry ADD CONSTRAINT entry_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment;
-- ---------------------------------------------------------------------------
-- notification: what people are to be told, queued in the transaction that
-- makes it true and sent by the worker after the commit
-- ---------------------------------------------------------------------------

CREATE TABLE notification (
    id bigserial CONSTRAINT notification_pkey PRIMARY KEY,
    kind text NOT NULL,
    recipient_id bigint CONSTRAINT notification_recipient_fkey REFERENCES employee,
    party_id bigint CONSTRAINT notification_party_fkey REFERENCES party,
    contract_id bigint CONSTRAINT notification_contract_fkey REFERENCES contract,
    document_id bigint,
    message text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT notification_payload_object CHECK (jsonb_typeof(payload) = 'object'),
    dedupe_key text NOT NULL CONSTRAINT notification_once UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz
);
COMMENT ON TABLE notification IS
    'the queue of notices: who is to be told what. dedupe_key makes a notice unique whatever the concurrency; what is '
    'not true any more before it is delivered is deleted; recipient_id the employee who is told, NULL when nobody '
    'looks after the client';
CREATE INDEX notification_queue_idx ON notification (id) WHERE delivered_at IS NULL;
-- ---------------------------------------------------------------------------
-- document: reports, invoices, acts and all other papers in one lifecycle
--
-- A document is a header and lines.  Lines of work point at charges; a line
-- that claims its charge keeps it from every other document, and the partial
-- unique indexes on document_line make that a constraint.  Drafts follow their
-- charges; what is sent or issued is stamped and never changes.
--
-- Rows are locked in one order: the party, documents, charges by id, the number
-- series last.
-- ---------------------------------------------------------------------------

CREATE TABLE number_series (
    id bigserial CONSTRAINT number_series_pkey PRIMARY KEY,
    own_id bigint CONSTRAINT number_series_own_fkey REFERENCES party,
    kind text NOT NULL,
    year integer NOT NULL,
    pattern text NOT NULL DEFAULT '{YYYY}/{MM}-{####}'
        CONSTRAINT number_series_pattern_counts CHECK (pattern ~ '[{]#+[}]'),
    first_no bigint NOT NULL DEFAULT 1
        CONSTRAINT number_series_first_positive CHECK (first_no > 0),
    next_no bigint NOT NULL DEFAULT 1,
    CONSTRAINT number_series_key UNIQUE NULLS NOT DISTINCT (own_id, kind, year),
    CONSTRAINT number_series_next_in_order CHECK (next_no >= first_no)
);
COMMENT ON TABLE number_series IS
    'counters of document numbers, one for each own company, kind and year, without gaps. pattern: {YYYY} {YY} {MM} '
    '{DD} of the day of issue, {####} the counter padded to so many digits; a new year takes the pattern of the year '
    'before, and where that names no year its counter goes on. Its row is the last one that a transaction locks';

-- What kinds there are and what their statuses mean is part of the code: the rows
-- of these two are made in lifecycle/state.sql.
CREATE TABLE document_kind (
    kind text CONSTRAINT document_kind_pkey PRIMARY KEY,
    incoming boolean,
    made_of text NOT NULL
        CONSTRAINT document_kind_made_of_known CHECK (made_of IN ('work', 'content', 'document', 'opening')),
    answered boolean NOT NULL,
    asks_payment boolean NOT NULL,
    account text CONSTRAINT document_kind_account_fkey REFERENCES account_role,
    flow text
        CONSTRAINT document_kind_flow_known CHECK (flow IN ('in', 'out')),
    page text CONSTRAINT document_kind_page_fkey REFERENCES document_kind
);
COMMENT ON TABLE document_kind IS
    'the kinds of documents. incoming: do they come in from outside (NULL: both ways)? made_of: the work they are '
    'over, contents of their own, another document, or what the books began with; answered: does the client '
    'answer them by a link?';

CREATE TABLE document_state (
    kind text NOT NULL CONSTRAINT document_state_kind_fkey REFERENCES document_kind,
    status text NOT NULL,
    means text[] NOT NULL
        CONSTRAINT document_state_means_known CHECK (means <@
            '{draft,holds,binding,posted,settled,derived,filed,ended,withdrawn}'),
    shown_as text
        CONSTRAINT document_state_shown_as_known CHECK (shown_as IN ('status', 'mark')),
    report_status text,
    way_out text,
    draft boolean NOT NULL GENERATED ALWAYS AS ('draft' = ANY (means)) STORED,
    holds boolean NOT NULL GENERATED ALWAYS AS ('holds' = ANY (means)) STORED,
    binding boolean GENERATED ALWAYS AS ('binding' = ANY (means) OR nullif('filed' = ANY (means), true)) STORED,
    posted boolean GENERATED ALWAYS AS ('posted' = ANY (means) OR nullif('filed' = ANY (means), true)) STORED,
    settled boolean NOT NULL GENERATED ALWAYS AS ('settled' = ANY (means)) STORED,
    derived boolean NOT NULL GENERATED ALWAYS AS ('derived' = ANY (means)) STORED,
    ended boolean NOT NULL GENERATED ALWAYS AS ('ended' = ANY (means)) STORED,
    withdrawn boolean NOT NULL GENERATED ALWAYS AS ('withdrawn' = ANY (means)) STORED,
    CONSTRAINT document_state_pkey PRIMARY KEY (kind, status)
);
COMMENT ON TABLE document_state IS
    'the statuses of each kind of document and what they mean, a column for each question that is asked of them. '
    'means: the words that are true of it; filed: put away, so that whether it is binding and posted (NULL) is what it '
    'was before';

CREATE TABLE document (
    id bigserial CONSTRAINT document_pkey PRIMARY KEY,
    kind text NOT NULL,
    incoming boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'draft',
    own_id bigint CONSTRAINT document_own_fkey REFERENCES party,
    party_id bigint NOT NULL CONSTRAINT document_party_fkey REFERENCES party,
    contract_id bigint CONSTRAINT document_contract_fkey REFERENCES contract,
    project_id bigint CONSTRAINT document_project_fkey REFERENCES project,
    deal_id bigint CONSTRAINT document_deal_fkey REFERENCES deal,
    task_id bigint CONSTRAINT document_task_fkey REFERENCES task,
    based_on bigint CONSTRAINT document_based_on_fkey REFERENCES document,
    revision integer NOT NULL DEFAULT 1,
    supersedes_id bigint CONSTRAINT document_supersedes_fkey REFERENCES document
        CONSTRAINT document_superseded_once UNIQUE,
    title text,
    period_from date,
    period_to date,
    made_from jsonb,
    positions text NOT NULL DEFAULT 'task'
        CONSTRAINT document_positions_known CHECK (positions IN ('task', 'employee', 'day', 'none')),
    currency text NOT NULL CONSTRAINT document_currency_fkey REFERENCES currency_code,
    tax_inclusive boolean NOT NULL DEFAULT false,
    tax_level text NOT NULL DEFAULT 'line'
        CONSTRAINT document_tax_level_known CHECK (tax_level IN ('line', 'total')),
    discount_pct numeric(7,4)
        CONSTRAINT document_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    discount_amount numeric(20,6)
        CONSTRAINT document_discount_not_negative CHECK (discount_amount >= 0 AND discount_amount <> 'NaN'),
    net numeric(20,6),
    tax numeric(20,6),
    gross numeric(20,6),
    series_id bigint CONSTRAINT document_series_fkey REFERENCES number_series,
    series_no bigint,
    number text,
    outside_number text,
    issued_on date
        CONSTRAINT document_issue_date_year CHECK (issued_on BETWEEN '0001-01-01' AND '9999-12-31'),
    issued_at timestamptz,
    due_on date
        CONSTRAINT document_due_date_year CHECK (due_on BETWEEN '0001-01-01' AND '9999-12-31'),
    requirements text,
    note text,
    sign_status text NOT NULL DEFAULT 'none'
        CONSTRAINT document_sign_status_known CHECK (sign_status IN ('none', 'sent', 'signed', 'rejected')),
    sign_at timestamptz,
    sign_by text,
    sign_ref text,
    signature bytea
        CONSTRAINT document_signature_size CHECK (octet_length(signature) BETWEEN 1 AND 1048576),
    signature_type text,
    file_url text,
    source text,
    external_id text,
    status_reason text,
    status_by text,
    status_said_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT actor(),
    meaning text CONSTRAINT document_meaning_known CHECK (meaning IN ('rebill', 'waive')),
    kept jsonb,
    opened_on date
        CONSTRAINT document_opened_year CHECK (opened_on BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT document_state_fkey FOREIGN KEY (kind, status) REFERENCES document_state,
    CONSTRAINT document_line_key UNIQUE (id, kind, currency),
    CONSTRAINT document_number_once UNIQUE (series_id, series_no),
    -- a debt from before the books has the number that was given then
    CONSTRAINT document_numbered_whole CHECK (num_nonnulls(series_id, series_no, number) IN (0, 3)
                                              OR kind = 'debt' AND num_nonnulls(series_id, series_no) = 0),
    CONSTRAINT document_opened_by_kind CHECK (opened_on IS NULL OR kind IN ('debt', 'bill')),
    CONSTRAINT document_debt_is_opened CHECK (kind <> 'debt' OR num_nonnulls(opened_on, outside_number) = 2),
    CONSTRAINT document_draft_has_no_number CHECK (issued_at IS NOT NULL OR number IS NULL),
    CONSTRAINT document_issued_has_number CHECK (issued_at IS NULL OR number IS NOT NULL OR incoming),
    CONSTRAINT document_issued_keeps CHECK ((issued_at IS NOT NULL) = (kept IS NOT NULL)),
    CONSTRAINT document_stamped CHECK (issued_at IS NULL OR num_nonnulls(net, tax, gross, issued_on) = 4),
    CONSTRAINT document_adds_up CHECK (net + tax = gross),
    CONSTRAINT document_one_discount CHECK (num_nonnulls(discount_pct, discount_amount) <= 1),
    CONSTRAINT document_bill_names_its_number CHECK (kind <> 'bill' OR outside_number IS NOT NULL),
    CONSTRAINT document_meaning_of_credit CHECK ((kind = 'credit_note') = (meaning IS NOT NULL)),
    CONSTRAINT document_dates_in_order CHECK (period_to >= period_from AND due_on >= issued_on),
    CONSTRAINT document_period_years
        CHECK (period_from BETWEEN '0001-01-01' AND '9999-12-31' AND period_to BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT document_signature_whole CHECK (num_nonnulls(signature, signature_type) IN (0, 2)),
    CONSTRAINT document_signature_known CHECK (signature_type IN ('image/png', 'image/jpeg', 'image/webp')),
    CONSTRAINT document_signature_typed
        CHECK (CASE signature_type WHEN 'image/png' THEN substr(signature, 1, 8) = '\x89504e470d0a1a0a'
                                   WHEN 'image/jpeg' THEN substr(signature, 1, 3) = '\xffd8ff'
                                   WHEN 'image/webp'
                                   THEN substr(signature, 1, 4) || substr(signature, 9, 4) = '\x5249464657454250' END),
    CONSTRAINT document_sign_dated CHECK ((sign_status = 'none') = (sign_at IS NULL))
);
COMMENT ON TABLE document IS
    'every paper: its kind is one of document_kind, its status one of document_state. party_id the client or '
    'contractor, own_id the own company; based_on the document it was made of (report → invoice → credit note); a '
    'revision supersedes the one before. net, tax, gross in currency, stamped when it leaves draft; number given then, '
    'from its series; outside_number the one the other side or another system gave. made_from is the filter or the '
    'content it was made of; meaning of a credit note whether what it credits is billed again (rebill) or given up '
    '(waive). opened_on the day on which a debt or bill from before these books was brought into them. kept is '
    'who and what its paper names, as it was when it was issued. Changes by transition(), void(), '
    'credit(), revise(), extend_due(); each change of status is kept in document_status_change';
CREATE INDEX document_party_idx ON document (party_id, kind, status);
CREATE INDEX document_based_on_idx ON document (based_on) WHERE based_on IS NOT NULL;
CREATE INDEX document_task_idx ON document (task_id) WHERE task_id IS NOT NULL;
-- A number of ours is given once, also where its document is void.  What is void leaves the number that a supplier gave
-- it and the key of an outside system to others; a supplier may begin anew each year.
CREATE UNIQUE INDEX document_number_text_once ON document (own_id, kind, number) NULLS NOT DISTINCT
    WHERE number IS NOT NULL AND (kind <> 'debt' OR status <> 'void');
CREATE UNIQUE INDEX document_external_key ON document (source, external_id) WHERE status <> 'void';
CREATE UNIQUE INDEX document_bill_once ON document (party_id, outside_number, (extract(year FROM issued_on)))
    NULLS NOT DISTINCT WHERE kind = 'bill' AND status <> 'void';
ALTER TABLE notification ADD CONSTRAINT notification_document_fkey FOREIGN KEY (document_id) REFERENCES document;
ALTER TABLE charge ADD CONSTRAINT charge_held_by_fkey FOREIGN KEY (held_by) REFERENCES document;
ALTER TABLE entry ADD CONSTRAINT entry_document_fkey FOREIGN KEY (document_id) REFERENCES document;
ALTER TABLE task_item ADD CONSTRAINT task_item_document_fkey FOREIGN KEY (document_id) REFERENCES document;

CREATE TABLE document_line (
    id bigserial CONSTRAINT document_line_pkey PRIMARY KEY,
    document_id bigint NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    position integer,
    charge_id bigint CONSTRAINT document_line_charge_fkey REFERENCES charge ON DELETE CASCADE,
    claim boolean NOT NULL DEFAULT false,
    adjustment_id bigint CONSTRAINT document_line_adjustment_fkey REFERENCES charge,
    base_line_id bigint CONSTRAINT document_line_base_fkey REFERENCES document_line,
    reverses_line_id bigint CONSTRAINT document_line_reverses_fkey REFERENCES document_line,
    item_id bigint CONSTRAINT document_line_item_fkey REFERENCES item,
    article text CONSTRAINT document_line_article_fkey REFERENCES account (code),
    contract_id bigint CONSTRAINT document_line_contract_fkey REFERENCES contract,
    contract_line_id bigint CONSTRAINT document_line_contract_line_fkey REFERENCES contract_line,
    client_id bigint CONSTRAINT document_line_client_fkey REFERENCES party,
    deal_id bigint CONSTRAINT document_line_deal_fkey REFERENCES deal,
    project_id bigint CONSTRAINT document_line_project_fkey REFERENCES project,
    task_id bigint CONSTRAINT document_line_task_fkey REFERENCES task,
    employee_id bigint CONSTRAINT document_line_employee_fkey REFERENCES employee,
    title text,
    unit text,
    quantity numeric(19,6) CONSTRAINT document_line_quantity_number CHECK (quantity <> 'NaN'),
    price numeric(25,9) CONSTRAINT document_line_price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
    discount_pct numeric(7,4) CONSTRAINT document_line_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    cost numeric(20,6) CONSTRAINT document_line_cost_not_negative CHECK (cost >= 0 AND cost <> 'NaN'),
    starts_on date,
    ends_on date,
    worked_s bigint,
    billed_s bigint,
    amount numeric(20,6) CONSTRAINT document_line_amount_number CHECK (amount <> 'NaN'),
    discount numeric(20,6),
    tax_rate numeric(7,4) CONSTRAINT document_line_tax_range CHECK (tax_rate BETWEEN 0 AND 100),
    net numeric(20,6),
    tax numeric(20,6),
    gross numeric(20,6),
    released_at timestamptz,
    released_by bigint CONSTRAINT document_line_released_by_fkey REFERENCES document,
    credited_by bigint CONSTRAINT document_line_credited_by_fkey REFERENCES document,
    tax_code text CONSTRAINT document_line_tax_fkey REFERENCES tax,
    taxes jsonb,
    rounding numeric(20,6),
    CONSTRAINT document_line_document_fkey FOREIGN KEY (document_id, kind, currency)
        REFERENCES document (id, kind, currency) ON DELETE CASCADE,
    CONSTRAINT document_line_adds_up CHECK (net + tax = gross),
    CONSTRAINT document_line_work_has_charge CHECK (kind NOT IN ('report', 'invoice') OR charge_id IS NOT NULL
                                                    OR released_at IS NOT NULL),
    CONSTRAINT document_line_claims_charge CHECK (NOT claim OR kind IN ('report', 'invoice')
                                                  AND (charge_id IS NOT NULL OR released_at IS NOT NULL)),
    CONSTRAINT document_line_report_claims CHECK (kind <> 'report' OR claim),
    CONSTRAINT document_line_free_has_title CHECK (num_nonnulls(charge_id, reverses_line_id, title) > 0),
    CONSTRAINT document_line_credit_reverses CHECK ((kind = 'credit_note') = (reverses_line_id IS NOT NULL)),
    CONSTRAINT document_line_credit_negative CHECK (kind <> 'credit_note' OR amount IS NOT NULL),
    CONSTRAINT document_line_release_whole CHECK (num_nonnulls(released_at, released_by) IN (0, 2)),
    CONSTRAINT document_line_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31')
);
COMMENT ON TABLE document_line IS
    'stored lines, one for each charge; position groups them into the rows of the paper. claim: this line keeps the '
    'charge from other documents (lines of reports, and of invoices made without one); adjustment_id the charge that '
    'takes discount and included tax off, so that net is what its charges sum to; taxes what its tax is made of where '
    'it has a tax_code, [{"tax", "rate", "amount"}]; base_line_id the line of the report '
    'that it repeats; reverses_line_id the invoice line that a credit takes back. amount before document discount, '
    'net, tax, gross after it, stamped when the document leaves draft; released_at when the charge went free again, by '
    'document released_by; credited_by the credit note that took the rest of the line back without setting its charge '
    'free: given up, or billed again by charges of its own (adjustment_id of credit notes'' lines)';
ALTER TABLE task_item ADD CONSTRAINT task_item_line_fkey FOREIGN KEY (line_id) REFERENCES document_line;
CREATE INDEX document_line_document_idx ON document_line (document_id, position);
CREATE INDEX document_line_charge_idx ON document_line (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX document_line_adjustment_idx ON document_line (adjustment_id) WHERE adjustment_id IS NOT NULL;
CREATE INDEX document_line_released_by_idx ON document_line (released_by) WHERE released_by IS NOT NULL;
CREATE INDEX document_line_credited_by_idx ON document_line (credited_by) WHERE credited_by IS NOT NULL;
CREATE INDEX document_line_reverses_idx ON document_line (reverses_line_id) WHERE reverses_line_id IS NOT NULL;
CREATE INDEX document_line_credit_idx ON document_line (document_id) WHERE kind = 'credit_note';
CREATE UNIQUE INDEX document_line_claimed_once ON document_line (charge_id) WHERE claim AND released_at IS NULL;
CREATE UNIQUE INDEX document_line_invoiced_once ON document_line (charge_id) WHERE kind = 'invoice'
    AND released_at IS NULL;
CREATE UNIQUE INDEX document_line_in_one_act ON document_line (charge_id) WHERE kind = 'act' AND released_at IS NULL;

CREATE TABLE document_status_change (
    id bigserial CONSTRAINT document_status_change_pkey PRIMARY KEY,
    document_id bigint NOT NULL,
    from_status text,
    to_status text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    login text NOT NULL DEFAULT session_user,
    said_by text,
    reason text
);
COMMENT ON TABLE document_status_change IS
    'every status that every document ever had, for ever: from_status NULL when it was made, to_status NULL when a '
    'draft was deleted; document_id is no foreign key because deleted drafts stay here';
CREATE INDEX document_status_change_document_idx ON document_status_change (document_id);

CREATE TABLE due_extension (
    id bigserial CONSTRAINT due_extension_pkey PRIMARY KEY,
    document_id bigint NOT NULL CONSTRAINT due_extension_document_fkey REFERENCES document,
    was_due_on date,
    due_on date NOT NULL,
    reason text NOT NULL CONSTRAINT due_extension_explained CHECK (reason <> ''),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    login text NOT NULL DEFAULT session_user,
    CONSTRAINT due_extension_later CHECK (due_on > was_due_on)
);
COMMENT ON TABLE due_extension IS
    'every time that an issued document got more time to be paid, for ever: extend_due() writes it, and the last row '
    'of a document says when it is due';
CREATE INDEX due_extension_document_idx ON due_extension (document_id);
-- ---------------------------------------------------------------------------
-- concession: what managers may give away, and what they gave
-- ---------------------------------------------------------------------------

CREATE TABLE manager_limit (
    actor text CONSTRAINT manager_limit_pkey PRIMARY KEY,
    discount_pct numeric(7,4) NOT NULL DEFAULT 100
        CONSTRAINT manager_limit_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    month_amount numeric(20,6)
        CONSTRAINT manager_limit_amount_not_negative CHECK (month_amount >= 0 AND month_amount <> 'NaN')
);
COMMENT ON TABLE manager_limit IS
    'how far managers may go: discount_pct the greatest discount in percent points, of a document, contract, price '
    'list or position, and the deepest cut of a price; month_amount what write-offs, credits in part and corrections '
    'downwards may come to in a calendar month, in the base currency, NULL: any. actor: as actor() names the person, '
    'or a role; * for who is not named; whoever has no row has no limit';

CREATE TABLE concession (
    id bigserial CONSTRAINT concession_pkey PRIMARY KEY,
    given_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL DEFAULT actor(),
    kind text NOT NULL
        CONSTRAINT concession_kind_known CHECK (kind IN ('write_off', 'credit', 'correction')),
    base_amount numeric(20,6) NOT NULL
        CONSTRAINT concession_positive CHECK (base_amount > 0 AND base_amount <> 'NaN'),
    charge_id bigint CONSTRAINT concession_charge_fkey REFERENCES charge,
    document_id bigint CONSTRAINT concession_document_fkey REFERENCES document,
    reason text
);
COMMENT ON TABLE concession IS
    'what was given away after it had been charged: write-offs, credits in part, corrections downwards; base_amount in '
    'the base currency, by whom and why; charge_id and document_id what it is about; append-only';
CREATE INDEX concession_charge_idx ON concession (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX concession_document_idx ON concession (document_id) WHERE document_id IS NOT NULL;

-- The sum that a limit is checked against is a row, so that whoever adds to it
-- at the same time waits, or fails with 40001.
CREATE TABLE concession_month (
    actor text NOT NULL,
    month date NOT NULL,
    base_amount numeric(20,6) NOT NULL,
    CONSTRAINT concession_month_pkey PRIMARY KEY (actor, month)
);
COMMENT ON TABLE concession_month IS
    'what each person, role or login gave away in a calendar month, in the base currency: the sum that '
    'manager_limit.month_amount bounds';
-- ---------------------------------------------------------------------------
-- settle: which payment settles which document
-- ---------------------------------------------------------------------------

CREATE TABLE payment_allocation (
    id bigserial CONSTRAINT payment_allocation_pkey PRIMARY KEY,
    payment_id bigint NOT NULL CONSTRAINT payment_allocation_payment_fkey REFERENCES payment,
    document_id bigint NOT NULL CONSTRAINT payment_allocation_document_fkey REFERENCES document,
    amount numeric(20,6) NOT NULL
        CONSTRAINT payment_allocation_amount CHECK (amount <> 0 AND amount <> 'NaN'),
    allocated_at timestamptz NOT NULL DEFAULT now(),
    allocated_by text NOT NULL DEFAULT actor(),
    CONSTRAINT payment_allocation_key UNIQUE (payment_id, document_id)
);
COMMENT ON TABLE payment_allocation IS
    'which part of a payment settles which invoice or bill, in their common currency; what is not allocated stays as '
    'the payer''s credit. amount has the sign of the document: below zero it takes a supplier''s correction, a bill '
    'below zero, off what the payment pays. The sum is never above the payment, nor above what is open';
CREATE INDEX payment_allocation_document_idx ON payment_allocation (document_id);
-- ---------------------------------------------------------------------------
-- share: links by which a client sees one document, or all that is his, and answers
-- ---------------------------------------------------------------------------

CREATE TABLE share_link (
    id bigserial CONSTRAINT share_link_pkey PRIMARY KEY,
    document_id bigint CONSTRAINT share_link_document_fkey REFERENCES document,
    token_digest bytea NOT NULL CONSTRAINT share_link_token_key UNIQUE
        CONSTRAINT share_link_digest_size CHECK (octet_length(token_digest) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT actor(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    views bigint NOT NULL DEFAULT 0,
    last_view_at timestamptz,
    client_id bigint CONSTRAINT share_link_client_fkey REFERENCES party,
    CONSTRAINT share_link_opens_one CHECK (num_nonnulls(document_id, client_id) = 1),
    CONSTRAINT share_link_expires_later CHECK (expires_at > created_at)
);
COMMENT ON TABLE share_link IS
    'links to a document, or to all that is a client''s: the token itself is shown once and not kept, only its '
    'SHA-256; views counts how often the link was opened';
CREATE INDEX share_link_document_idx ON share_link (document_id);
CREATE INDEX share_link_client_idx ON share_link (client_id) WHERE client_id IS NOT NULL;
-- ---------------------------------------------------------------------------
-- dunning: who is reminded of what is overdue, when and in which words
-- ---------------------------------------------------------------------------

CREATE TABLE dunning_level (
    id bigserial CONSTRAINT dunning_level_pkey PRIMARY KEY,
    client_id bigint CONSTRAINT dunning_level_client_fkey REFERENCES party,
    level integer NOT NULL CONSTRAINT dunning_level_positive CHECK (level > 0),
    days_late integer NOT NULL CONSTRAINT dunning_level_days_range CHECK (days_late BETWEEN 1 AND 3650),
    words jsonb NOT NULL
        CONSTRAINT dunning_level_words_whole
            CHECK (jsonb_typeof(words) = 'object'
                   AND coalesce(length(words ->> 'uk') * length(words ->> 'ru') * length(words ->> 'en'), 0) > 0),
    fee numeric(20,6) NOT NULL DEFAULT 0
        CONSTRAINT dunning_level_fee_not_negative CHECK (fee >= 0 AND fee <> 'NaN'),
    currency text CONSTRAINT dunning_level_currency_fkey REFERENCES currency_code,
    interest_pct numeric(7,4) NOT NULL DEFAULT 0
        CONSTRAINT dunning_level_interest_range CHECK (interest_pct BETWEEN 0 AND 999),
    CONSTRAINT dunning_level_fee_has_currency CHECK ((fee > 0) = (currency IS NOT NULL)),
    CONSTRAINT dunning_level_key UNIQUE NULLS NOT DISTINCT (client_id, level)
);
COMMENT ON TABLE dunning_level IS
    'the steps by which clients are reminded of what is overdue: of a client, who has then no other, or of all '
    '(client_id NULL). A step is taken days_late after the due date and the days of grace (party.grace_days); words is '
    'what it says in {"uk", "ru", "en"}, with {number}, {date}, {due}, {days}, {open}, {fee}, {interest}, {total}, '
    '{client} and {own} in it; fee in currency is claimed once, interest by interest_pct a year on the days late';

CREATE TABLE dispute (
    id bigserial CONSTRAINT dispute_pkey PRIMARY KEY,
    document_id bigint NOT NULL CONSTRAINT dispute_document_fkey REFERENCES document,
    reason text NOT NULL CONSTRAINT dispute_explained CHECK (reason <> ''),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    outcome text CONSTRAINT dispute_outcome_said CHECK (outcome <> ''),
    ended_at timestamptz,
    ended_by text,
    CONSTRAINT dispute_ended_whole CHECK (num_nonnulls(outcome, ended_at, ended_by) IN (0, 3))
);
COMMENT ON TABLE dispute IS
    'what clients dispute: while a dispute of a document is open nobody is reminded of it; reason what is disputed, '
    'outcome how it ended';
CREATE UNIQUE INDEX dispute_open_once ON dispute (document_id) WHERE ended_at IS NULL;
CREATE INDEX dispute_document_idx ON dispute (document_id);

CREATE TABLE reminder (
    id bigserial CONSTRAINT reminder_pkey PRIMARY KEY,
    document_id bigint NOT NULL CONSTRAINT reminder_document_fkey REFERENCES document,
    level integer NOT NULL,
    on_day date NOT NULL,
    days_late integer NOT NULL CONSTRAINT reminder_days_positive CHECK (days_late > 0),
    open numeric(20,6) NOT NULL CONSTRAINT reminder_open_positive CHECK (open > 0),
    fee numeric(20,6) NOT NULL CONSTRAINT reminder_fee_not_negative CHECK (fee >= 0),
    interest numeric(20,6) NOT NULL CONSTRAINT reminder_interest_not_negative CHECK (interest >= 0),
    currency text NOT NULL CONSTRAINT reminder_currency_fkey REFERENCES currency_code,
    language text NOT NULL CONSTRAINT reminder_language_known CHECK (language IN ('uk', 'ru', 'en')),
    message text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    withdrawn_at timestamptz
);
COMMENT ON TABLE reminder IS
    'reminders of what is overdue, each level once a document: how late it was, what was open of it, the fees claimed '
    'so far and the interest up to that day, in currency, and the message in the language of the client. withdrawn_at: '
    'it was not delivered yet when the document was paid, in part too, put off, disputed or taken back; its level may '
    'be taken again';
CREATE UNIQUE INDEX reminder_once ON reminder (document_id, level) WHERE withdrawn_at IS NULL;
-- ---------------------------------------------------------------------------
-- template: how pages look and in which words
--
-- A template is one whole HTML page with {{tags}}, filled by render() with
-- what document_data() says.  Those that come with the books belong to every
-- own company; a company overrides them with rows of its own.
-- ---------------------------------------------------------------------------

CREATE TABLE page_label (
    language text NOT NULL
        CONSTRAINT page_label_language_known CHECK (language IN ('uk', 'ru', 'en')),
    name text NOT NULL
        CONSTRAINT page_label_name_fits CHECK (name ~ '^[a-z][a-zA-Z0-9_]*$'),
    label text NOT NULL,
    CONSTRAINT page_label_pkey PRIMARY KEY (language, name)
);
COMMENT ON TABLE page_label IS
    'the words of pages: {{label.name}} in a template is the row of the page''s language, of English where it has '
    'none. currency_XXX is how a currency is written beside an amount, unit_x how a unit is, requisite_x what a key of '
    'party.requisites is called';
INSERT INTO page_label (name, language, label)
SELECT v.name, l.language, l.label
  FROM (VALUES
    ('report', 'Звіт про виконані роботи', 'Отчёт о выполненных работах', 'Work report'),
    ('invoice', 'Рахунок на оплату', 'Счёт на оплату', 'Invoice'),
    ('proforma', 'Рахунок-проформа', 'Счёт-проформа', 'Proforma invoice'),
    ('act', 'Акт наданих послуг', 'Акт выполненных работ', 'Acceptance certificate'),
    ('credit_note', 'Кредит-нота', 'Кредит-нота', 'Credit note'),
    ('specification', 'Специфікація', 'Спецификация', 'Specification'),
    ('proposal', 'Комерційна пропозиція', 'Коммерческое предложение', 'Proposal'),
    ('contract', 'Договір', 'Договор', 'Contract'),
    ('annex', 'Додаток до договору', 'Приложение к договору', 'Annex'),
    ('debt', 'Борг на початок обліку', 'Долг на начало учёта', 'Debt brought forward'),
    ('netting', 'Акт взаємозаліку', 'Акт взаимозачёта', 'Netting of debts'),
    ('other', 'Документ', 'Документ', 'Document'),
    ('status_draft', 'Чернетка', 'Черновик', 'Draft'),
    ('status_void', 'Анульовано', 'Аннулирован', 'Void'),
    ('status_superseded', 'Замінено', 'Заменён', 'Superseded'),
    ('status_rejected', 'Відхилено', 'Отклонён', 'Rejected'),
    ('status_agreed', 'Погоджено', 'Согласован', 'Agreed'),
    ('status_partly_paid', 'Сплачено частково', 'Оплачен частично', 'Partly paid'),
    ('status_paid', 'Сплачено', 'Оплачен', 'Paid'),
    ('status_credited', 'Скасовано кредит-нотою', 'Отменён кредит-нотой', 'Credited'),
    ('link_invalid', 'Посилання не дійсне', 'Ссылка не действительна', 'Link not valid'),
    ('link_invalid_says', 'Це посилання більше не дійсне.', 'Эта ссылка больше не действительна.',
     'This link is not valid any more.'),
    ('link_invalid_hint', 'Попросіть нове посилання в того, хто його надіслав.', 'Попросите новую ссылку у того, кто '
        'её прислал.',
        'Ask whoever sent it for a new one.'),
    ('void_says', 'Цей документ анульовано.', 'Этот документ аннулирован.', 'This document is void.'),
    ('void_hint', 'Він більше нічого не означає: за ним нічого не потрібно погоджувати чи сплачувати.',
        'Он больше ничего не значит: по нему ничего не нужно согласовывать или оплачивать.', 'It stands for nothing '
            'any more: there is nothing to agree to or to pay.'),
    ('superseded_says', 'Цей документ замінено новішою редакцією.', 'Этот документ заменён новой редакцией.',
     'This document was replaced by a newer version.'),
    ('superseded_hint', 'Попросіть посилання на неї в того, хто надіслав це.', 'Попросите ссылку на неё у того, кто '
        'прислал эту.',
        'Ask whoever sent you this link for that of the newer one.'),
    ('answer', 'Ваша відповідь', 'Ваш ответ', 'Your answer'),
    ('answer_agree', 'Погоджую', 'Согласен', 'I agree'),
    ('answer_change', 'Потрібні зміни', 'Нужны изменения', 'Something is to be changed'),
    ('answer_comment', 'Що змінити?', 'Что изменить?', 'What is to be changed?'),
    ('answer_reject', 'Відхилити', 'Отклонить', 'Reject'),
    ('answer_agreed', 'Дякуємо, погоджено.', 'Спасибо, согласовано.', 'Thank you, this is agreed.'),
    ('answer_rejected', 'Дякуємо, ваше зауваження передано.', 'Спасибо, ваше замечание передано.',
     'Thank you, your remark was passed on.'),
    ('answer_reason_wrong', 'Напишіть, будь ласка, що змінити.', 'Напишите, пожалуйста, что изменить.',
     'Please say what is to be changed.'),
    ('answer_long_wrong', 'Відповідь задовга: щонайбільше 4000 знаків.',
     'Ответ слишком длинный: не больше 4000 знаков.',
     'The answer is too long: 4000 characters at most.'),
    ('answer_sign', 'Підписати', 'Подписать', 'Sign'),
    ('answer_name', 'Прізвище та ім’я', 'Фамилия и имя', 'Full name'),
    ('answer_draw', 'Підпишіться тут пальцем або мишею', 'Распишитесь здесь пальцем или мышью',
     'Sign here with a finger or a mouse'),
    ('answer_clear', 'Стерти', 'Стереть', 'Clear'),
    ('answer_signed', 'Дякуємо, підписано.', 'Спасибо, подписано.', 'Thank you, this is signed.'),
    ('answer_name_wrong', 'Напишіть, будь ласка, хто підписує.', 'Напишите, пожалуйста, кто подписывает.',
     'Please say who signs.'),
    ('answer_name_long_wrong', 'Ім’я задовге: щонайбільше 200 знаків.', 'Имя слишком длинное: не больше 200 знаков.',
     'The name is too long: 200 characters at most.'),
    ('answer_image_wrong', 'Підпис не вдалося прочитати. Спробуйте ще раз.',
     'Подпись не удалось прочитать. Попробуйте ещё раз.', 'The signature could not be read. Please try again.'),
    ('answer_image_large_wrong', 'Зображення підпису завелике.', 'Изображение подписи слишком велико.',
     'The image of the signature is too large.'),
    ('answer_refused', 'Цей документ не чекає на таку відповідь.', 'Этот документ не ждёт такого ответа.',
     'This document does not wait for such an answer.'),
    ('answer_closed', 'Зараз відповідь прийняти не можна. Спробуйте пізніше.',
     'Сейчас ответ принять нельзя. Попробуйте позже.', 'Answers cannot be taken now. Please try later.'),
    ('client_all', 'Усі документи', 'Все документы', 'All documents'),
    ('client_open', 'Чекає на вас', 'Ждёт вас', 'Waiting for you'),
    ('client_nothing_open', 'Нічого не чекає.', 'Ничего не ждёт.', 'Nothing is waiting.'),
    ('client_asks', 'Потрібна ваша відповідь', 'Нужен ваш ответ', 'Your answer is wanted'),
    ('client_owed', 'До сплати', 'К оплате', 'To pay'),
    ('client_work', 'Поточні роботи', 'Текущие работы', 'Current work'),
    ('client_no_work', 'Усі роботи вже є в документах.', 'Все работы уже есть в документах.',
     'All work is on a document.'),
    ('client_past', 'Попередні документи', 'Прежние документы', 'Past documents'),
    ('client_no_past', 'Їх ще немає.', 'Их ещё нет.', 'There are none yet.'),
    ('client_period_work', 'Роботи періоду', 'Работы периода', 'Work of the period'),
    ('client_hours_left', 'Залишилося годин', 'Осталось часов', 'Hours left'),
    ('client_balance', 'Залишок передплати', 'Остаток предоплаты', 'Prepaid balance'),
    ('client_cap_left', 'Залишилося до ліміту', 'Осталось до лимита', 'Left to the limit'),
    ('client_cap_hours_left', 'Годин до ліміту', 'Часов до лимита', 'Hours to the limit'),
    ('reminded', 'Нагадування', 'Напоминание', 'Reminder'),
    ('reminded_fee', 'Плата за нагадування', 'Плата за напоминания', 'Reminder fees'),
    ('reminded_interest', 'Пеня', 'Пеня', 'Interest'),
    ('put_off', 'Відстрочено до', 'Отсрочено до', 'Put off to'),
    ('numero', '№', '№', 'No.'),
    ('dated', 'від', 'от', 'of'),
    ('date', 'Дата', 'Дата', 'Date'),
    ('due', 'Сплатити до', 'Оплатить до', 'Due date'),
    ('period', 'Період', 'Период', 'Period'),
    ('contract_number', 'Договір', 'Договор', 'Contract'),
    ('project', 'Проєкт', 'Проект', 'Project'),
    ('task', 'Задача', 'Задача', 'Task'),
    ('basis', 'Підстава', 'Основание', 'Based on'),
    ('supplier', 'Виконавець', 'Исполнитель', 'Supplier'),
    ('customer', 'Замовник', 'Заказчик', 'Customer'),
    ('rest', 'Інше', 'Прочее', 'Other'),
    ('row_number', '№', '№', '#'),
    ('work', 'Роботи', 'Работы', 'Work'),
    ('description', 'Найменування', 'Наименование', 'Description'),
    ('unit', 'Од.', 'Ед.', 'Unit'),
    ('quantity', 'Кількість', 'Количество', 'Quantity'),
    ('price', 'Ціна', 'Цена', 'Price'),
    ('discount', 'Знижка', 'Скидка', 'Discount'),
    ('days', 'Дати', 'Даты', 'Dates'),
    ('worked', 'Витрачено, год', 'Затрачено, ч', 'Worked, h'),
    ('billed', 'До оплати, год', 'К оплате, ч', 'Billed, h'),
    ('amount', 'Сума', 'Сумма', 'Amount'),
    ('coverage_no_charge', 'без оплати', 'без оплаты', 'no charge'),
    ('coverage_included', 'входить у пакет', 'входит в пакет', 'included'),
    ('coverage_prepaid', 'з передплачених годин', 'из предоплаченных часов', 'prepaid'),
    ('coverage_capped', 'понад ліміт, без оплати', 'сверх лимита, без оплаты', 'above the cap, no charge'),
    ('total', 'Разом', 'Итого', 'Total'),
    ('subtotal', 'Разом без знижки', 'Итого без скидки', 'Subtotal'),
    ('net', 'Разом без ПДВ', 'Итого без НДС', 'Net'),
    ('tax', 'ПДВ', 'НДС', 'VAT'),
    ('tax_included', 'У тому числі ПДВ', 'В том числе НДС', 'Including VAT'),
    ('tax_none', 'Без ПДВ', 'Без НДС', 'Not subject to VAT'),
    ('clock_note', 'Час з двокрапкою подано в годинах і хвилинах: сума рядка – цей час за ціною години.',
     'Время с двоеточием – в часах и минутах: сумма строки – это время по цене часа.',
     'Time with a colon is in hours and minutes: the amount of a line is that time at its price an hour.'),
    ('summed_note', 'Де добуток інший, сума рядка є сумою його робіт, кожну з яких округлено.',
     'Где произведение иное, сумма строки – сумма её работ, каждая из которых округлена.',
     'Where a line does not multiply, its amount is the sum of its works, each rounded.'),
    ('gross', 'Усього', 'Всего', 'Total'),
    ('summary', 'Коротко', 'Коротко', 'Summary'),
    ('summary_billed', 'Оплачуються, год', 'Оплачиваются, ч', 'Charged, h'),
    ('summary_no_charge', 'Без оплати, год', 'Без оплаты, ч', 'Free of charge, h'),
    ('summary_included', 'У пакеті, год', 'В пакете, ч', 'Included, h'),
    ('summary_prepaid', 'З передплачених, год', 'Из предоплаченных, ч', 'Prepaid, h'),
    ('summary_capped', 'Понад ліміт, без оплати, год', 'Сверх лимита, без оплаты, ч', 'Above the cap, free, h'),
    ('summary_discount', 'Знижки', 'Скидки', 'Discounts'),
    ('summary_before', 'Попередній період', 'Предыдущий период', 'Period before'),
    ('gross_due', 'Усього до сплати', 'Всего к оплате', 'Total due'),
    ('gross_credited', 'Усього до повернення', 'Всего к возврату', 'Total credited'),
    ('meaning_rebill', 'Буде виставлено повторно.', 'Будет выставлено повторно.', 'This will be invoiced again.'),
    ('meaning_waive', 'Сплачувати це не потрібно: повторно не виставляється.',
     'Оплачивать это не нужно: повторно не выставляется.', 'This is waived and will not be invoiced again.'),
    ('paid', 'Сплачено', 'Оплачено', 'Paid'),
    ('credited', 'Зараховано кредит-нотою', 'Зачтено кредит-нотой', 'Credited'),
    ('open', 'Залишилося сплатити', 'Осталось оплатить', 'Balance due'),
    ('in_words', 'Сума прописом', 'Сумма прописью', 'In words'),
    ('payment_details', 'Реквізити для оплати', 'Реквизиты для оплаты', 'Payment details'),
    ('beneficiary', 'Отримувач', 'Получатель', 'Beneficiary'),
    ('purpose', 'Призначення платежу', 'Назначение платежа', 'Payment reference'),
    ('purpose_invoice', 'Оплата за рахунком', 'Оплата по счёту', 'Invoice'),
    ('purpose_proforma', 'Передплата за рахунком', 'Предоплата по счёту', 'Proforma invoice'),
    ('requirements', 'Вимоги', 'Требования', 'Requirements'),
    ('estimate', 'Кошторис', 'Смета', 'Estimate'),
    ('note', 'Примітка', 'Примечание', 'Note'),
    ('act_begin', 'Виконавець передав, а Замовник прийняв такі роботи та послуги:', 'Исполнитель сдал, а Заказчик '
        'принял следующие работы и услуги:',
        'The supplier has delivered and the customer has accepted the following work and services:'),
    ('act_end', 'Роботи виконано та послуги надано повністю і в строк. Замовник не має претензій щодо їх обсягу, '
                'якості та строків.',
        'Работы выполнены и услуги оказаны полностью и в срок. Заказчик не имеет претензий по их объёму, качеству и '
        'срокам.',
        'The work has been done and the services provided in full and on time. The customer has no claims as to '
        'their scope, quality or timing.'),
    ('specification_end', 'Склад і вартість робіт погоджено. Роботи розпочинаються після підписання цієї специфікації.',
        'Состав и стоимость работ согласованы. Работы начинаются после подписания этой спецификации.',
        'The scope and the price of the work are agreed. Work begins once this specification is signed.'),
    ('for_supplier', 'Від виконавця', 'От исполнителя', 'For the supplier'),
    ('for_customer', 'Від замовника', 'От заказчика', 'For the customer'),
    ('signature', 'підпис', 'подпись', 'signature'),
    ('seal', 'М. П.', 'М. П.', ''),
    ('signed', 'Підписано', 'Подписано', 'Signed'),
    ('currency_UAH', 'грн', 'грн', 'UAH'),
    ('currency_RUB', 'руб.', 'руб.', 'RUB'),
    ('currency_BYN', 'біл. руб.', 'бел. руб.', 'BYN'),
    ('currency_KZT', 'тенге', 'тенге', 'KZT'),
    ('unit_h', 'год', 'ч', 'h'),
    ('unit_pcs', 'шт.', 'шт.', 'pcs'),
    ('unit_service', 'послуга', 'усл.', 'service'),
    ('unit_set', 'компл.', 'компл.', 'set'),
    ('unit_min', 'хв', 'мин', 'min'),
    ('unit_day', 'день', 'день', 'day'),
    ('unit_week', 'тиждень', 'неделя', 'week'),
    ('unit_month', 'міс.', 'мес.', 'month'),
    ('unit_quarter', 'квартал', 'квартал', 'quarter'),
    ('unit_year', 'рік', 'год', 'year'),
    ('unit_user', 'користувач', 'пользователь', 'user'),
    ('unit_licence', 'ліцензія', 'лицензия', 'licence'),
    ('unit_page', 'стор.', 'стр.', 'page'),
    ('unit_word', 'слово', 'слово', 'word'),
    ('unit_character', 'знак', 'знак', 'character'),
    ('unit_km', 'км', 'км', 'km'),
    ('title_time', 'Роботи', 'Работы', 'Work'),
    ('title_item', 'Послуги та товари', 'Услуги и товары', 'Goods and services'),
    ('title_fee', 'Абонентська плата', 'Абонентская плата', 'Fee'),
    ('title_stage', 'Етап робіт', 'Этап работ', 'Stage'),
    ('title_expense', 'Відшкодування витрат', 'Возмещение расходов', 'Expenses'),
    ('title_adjustment', 'Коригування', 'Корректировка', 'Adjustment'),
    ('place', 'Місце складання', 'Место составления', 'Place'),
    ('statement', 'Акт звірки взаємних розрахунків', 'Акт сверки взаимных расчётов', 'Reconciliation of accounts'),
    ('statement_by', 'За даними', 'По данным', 'By the books of'),
    ('statement_all', 'за всіма договорами', 'по всем договорам', 'all contracts'),
    ('statement_document', 'Документ', 'Документ', 'Document'),
    ('statement_owed', 'Станом на %1$s заборгованість на користь %2$s становить %3$s (%4$s).',
     'На %1$s задолженность в пользу %2$s составляет %3$s (%4$s).', 'On %1$s %3$s (%4$s) are owed to %2$s.'),
    ('statement_even', 'Станом на %s взаємної заборгованості немає.', 'На %s взаимной задолженности нет.',
     'On %s nothing is owed by either side.'),
    ('debit', 'Дебет', 'Дебет', 'Debit'),
    ('credit', 'Кредит', 'Кредит', 'Credit'),
    ('opening_balance', 'Сальдо на початок', 'Сальдо начальное', 'Opening balance'),
    ('closing_balance', 'Сальдо на кінець', 'Сальдо конечное', 'Closing balance'),
    ('turnover', 'Обороти', 'Обороты', 'Turnover'),
    ('move_payment', 'Оплата', 'Оплата', 'Payment'),
    ('move_refund', 'Повернення коштів', 'Возврат средств', 'Refund'),
    ('move_write_off', 'Списання', 'Списание', 'Write-off'),
    ('move_netting', 'Взаємозалік', 'Взаимозачёт', 'Netting'),
    ('move_opening', 'Залишок до початку обліку', 'Остаток до начала учёта', 'Brought forward'),
    ('move_entry', 'Проведення', 'Проводка', 'Entry'),
    ('purpose_tax', 'у т. ч.', 'в т. ч.', 'incl.'),
    ('purpose_tax_none', 'без ПДВ', 'без НДС', 'without VAT'),
    ('including', 'У тому числі', 'В том числе', 'Including'),
    ('tax_in_words', 'У т. ч. ПДВ', 'В т. ч. НДС', 'Including VAT'),
    ('beneficiary_bank', 'Банк отримувача', 'Банк получателя', 'Beneficiary''s bank'),
    ('contract_date', 'Дата договору', 'Дата договора', 'Date of the contract'),
    ('requisite_signatory', 'Хто підписує', 'Кто подписывает', 'Who signs'),
    ('requisite_signatory_title', 'Посада підписанта', 'Должность подписанта', 'Position of who signs'),
    ('requisite_authority', 'Діє на підставі', 'Действует на основании', 'Acts on the basis of'),
    ('requisite_accountant', 'Головний бухгалтер', 'Главный бухгалтер', 'Chief accountant'),
    ('requisite_tax_id', 'Податковий номер', 'ИНН', 'Tax ID'),
    ('requisite_reg_no', 'ЄДРПОУ', 'ОГРН', 'Reg. no.'),
    ('requisite_kpp', 'КПП', 'КПП', 'KPP'),
    ('requisite_vat_no', 'ІПН платника ПДВ', 'Номер плательщика НДС', 'VAT no.'),
    ('requisite_address', 'Адреса', 'Адрес', 'Address'),
    ('requisite_phone', 'Телефон', 'Телефон', 'Phone'),
    ('requisite_email', 'Ел. пошта', 'Эл. почта', 'E-mail'),
    ('requisite_website', 'Сайт', 'Сайт', 'Website'),
    ('requisite_iban', 'IBAN', 'IBAN', 'IBAN'),
    ('requisite_account', 'Рахунок', 'Расчётный счёт', 'Account'),
    ('requisite_bank', 'Банк', 'Банк', 'Bank'),
    ('requisite_bic', 'МФО / SWIFT', 'БИК', 'BIC'),
    ('requisite_correspondent_account', 'Кореспондентський рахунок', 'Корр. счёт', 'Correspondent account')
  ) AS v (name, uk, ru, en)
 CROSS JOIN LATERAL (VALUES ('uk', v.uk), ('ru', v.ru), ('en', v.en)) AS l (language, label);

CREATE TABLE brand (
    own_id bigint CONSTRAINT brand_pkey PRIMARY KEY
        CONSTRAINT brand_own_fkey REFERENCES party,
    name text CONSTRAINT brand_named CHECK (name <> ''),
    logo text
        CONSTRAINT brand_logo_size CHECK (octet_length(logo) <= 700000)
        CONSTRAINT brand_logo_image CHECK
           (logo ~ '^data:image/(png;base64,iVBORw0KGgo|jpeg;base64,/9j/|svg\+xml;base64,P[A-P])[A-Za-z0-9+/]*={0,2}$'),
    accent text NOT NULL DEFAULT '#1f5673'
        CONSTRAINT brand_accent_rgb CHECK (accent ~ '^#[0-9a-fA-F]{6}$'),
    ink text NOT NULL DEFAULT '#1d252c'
        CONSTRAINT brand_ink_rgb CHECK (ink ~ '^#[0-9a-fA-F]{6}$'),
    footer text
);
COMMENT ON TABLE brand IS
    'how pages of an own company look: name above them (the party''s own where NULL), logo as a data URI (PNG, JPEG or '
    'SVG in base64, up to 700 000 characters), accent and ink colours as #rrggbb, footer a line at the end';

CREATE TABLE brand_logo (
    digest bytea CONSTRAINT brand_logo_pkey PRIMARY KEY,
    logo text NOT NULL
);
COMMENT ON TABLE brand_logo IS
    'logos under which documents were issued, each once, by the SHA-256 that document.kept names: the brand may change';

CREATE TABLE template (
    id bigserial CONSTRAINT template_pkey PRIMARY KEY,
    own_id bigint CONSTRAINT template_own_fkey REFERENCES party,
    kind text NOT NULL,
    language text
        CONSTRAINT template_language_known CHECK (language IN ('uk', 'ru', 'en')),
    body text NOT NULL,
    rules text,
    CONSTRAINT template_key UNIQUE NULLS NOT DISTINCT (own_id, kind, language, rules)
);
COMMENT ON TABLE template IS
    'pages with {{tags}} for render(), by kind of document, or statement (accounts with clients): of an own company, '
    'or of all (own_id NULL); for a language, or for all; for the papers of a country, or of all. The most specific '
    'one is used: the company''s before the common one, then the country''s, then the language''s. Credit notes and '
    'proformas take the template of invoices, proposals that of specifications, where they have none. Checked when '
    'stored against page_sample() or statement_sample()';

CREATE TABLE issued_page (
    document_id bigint CONSTRAINT issued_page_pkey PRIMARY KEY
        CONSTRAINT issued_page_document_fkey REFERENCES document,
    language text NOT NULL
        CONSTRAINT issued_page_language_known CHECK (language IN ('uk', 'ru', 'en')),
    body text,
    digest bytea CONSTRAINT issued_page_digest_size CHECK (octet_length(digest) = 32),
    CONSTRAINT issued_page_whole CHECK (num_nonnulls(body, digest) IN (0, 2))
);
COMMENT ON TABLE issued_page IS
    'the page of every document of ours as it was issued, once, in the language it was issued in: issued_html() gives '
    'it, byte for byte. body holds the name of the logo in place of the image, which is in brand_logo; digest is the '
    'SHA-256 of the whole page. Both are NULL where its kind had no template on that day';

CREATE DOMAIN "text/html" AS text;
COMMENT ON DOMAIN "text/html" IS 'a page, for gateways that choose the media type by the name of the type';

CREATE DOMAIN "text/csv" AS text;
COMMENT ON DOMAIN "text/csv" IS 'a table, for gateways that choose the media type by the name of the type';
INSERT INTO template (kind, rules, language, body) VALUES ('act', NULL, NULL, $page$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'">
<title>{{page_title}}</title>
<style>
:root { --accent: {{brand.accent}}; --ink: {{brand.ink}}; --soft: #66717b; --rule: #dde2e6; --tint: #f5f7f8; }
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif; color: var(--ink);
  -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0; background: #e9edf0; }
h1, h2, p, dl, dd { margin: 0; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.page { position: relative; width: 210mm; max-width: 100%; min-height: 297mm; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); display: flex; flex-direction: column; }
.top { display: flex; justify-content: space-between; align-items: flex-start; gap: 10mm; padding-bottom: 7mm; border-bottom: 1.2pt solid var(--accent); }
.brand { font-size: 15pt; font-weight: 700; line-height: 1.2; letter-spacing: -.01em; color: var(--accent); max-width: 80mm; overflow-wrap: anywhere; }
.brand img { display: block; width: auto; height: 14mm; max-width: 62mm; object-fit: contain; object-position: left; }
.what { text-align: right; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: var(--soft); font-variant-numeric: tabular-nums; }
.facts { display: flex; flex-wrap: wrap; gap: 3mm 8mm; padding: 5mm 0; }
dt { font-size: 7.8pt; color: var(--soft); }
.facts dd { font-weight: 500; }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 10mm; padding: 1mm 0 6mm; }
h2 { font-size: 7.8pt; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--accent); margin-bottom: 1.4mm; }
.party .name { font-size: 11pt; font-weight: 600; line-height: 1.3; margin-bottom: 1mm; overflow-wrap: anywhere; }
.list { font-size: 8.8pt; line-height: 1.5; overflow-wrap: anywhere; }
.list div { display: flex; gap: 1.2mm; }
.list dt { flex: none; font-size: inherit; }
.list dt::after { content: ":"; }
.subject { font-size: 11.5pt; font-weight: 600; padding-bottom: 3mm; }
.text { padding-bottom: 5mm; white-space: pre-line; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.lines th { font-size: 7.8pt; font-weight: 600; text-align: left; vertical-align: bottom; color: var(--soft); padding: 0 2mm 1.6mm; line-height: 1.25;
  border-bottom: .8pt solid var(--ink); }
.lines td { padding: 1.6mm 2mm; vertical-align: top; border-bottom: .5pt solid var(--rule); }
.lines th:first-child, .lines td:first-child { padding-left: 0; }
.lines th:last-child, .lines td:last-child { padding-right: 0; }
.lines .n { text-align: right; white-space: nowrap; }
.lines th.n { white-space: normal; }
.lines th.n { min-width: 16mm; }
.lines .i { width: 8mm; color: var(--soft); }
.lines td.d { font-size: 8.4pt; white-space: nowrap; color: var(--soft); padding-top: calc(1.6mm + .8pt); }
.lines tbody tr:last-child { break-after: avoid; }
.lines .t { width: auto; overflow-wrap: anywhere; }
.lines .group td { padding-top: 3.4mm; padding-bottom: 1.4mm; font-weight: 600; border-bottom-color: var(--accent); }
.lines .sum td { font-weight: 600; border-bottom: 0; border-top: .8pt solid var(--ink); }
.lines .free td { color: var(--soft); }
.lines .whole td, .lines .part td { border-bottom: 0; }
.lines .part + tr:not(.part) td { border-top: .5pt solid var(--rule); }
.lines .whole { break-after: avoid; }
.lines .part td { padding-top: 0; font-size: 8.8pt; color: var(--soft); }
.lines .part .t { padding-left: 6mm; }
.summary { margin-bottom: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.summary dl { display: flex; flex-wrap: wrap; gap: 2.4mm 8mm; }
.summary dd { font-weight: 600; font-variant-numeric: tabular-nums; }
.summary small { font-weight: 400; font-size: inherit; color: var(--soft); }
.tag { display: inline-block; padding: 0 1.6mm; border-radius: 2mm; background: #eceff1; font-size: 7.6pt; line-height: 1.6; color: #4d5860; white-space: nowrap; }
.totals { display: flex; justify-content: flex-end; padding-top: 4mm; break-inside: avoid; break-before: avoid; }
.totals table { width: 88mm; }
.totals .summed { flex: 1; padding: .8mm 8mm 0 0; color: var(--soft); font-size: 8pt; }
.totals td { padding: .8mm 0; }
.totals td + td { text-align: right; white-space: nowrap; padding-left: 4mm; }
.totals .gross td { font-size: 12.5pt; font-weight: 700; padding-top: 2mm; border-top: 1.2pt solid var(--accent); }
.totals .gross td + td { color: var(--accent); }
.totals .after td { color: var(--soft); }
.words { padding-top: 2.4mm; break-inside: avoid; break-before: avoid; }
.words span { color: var(--soft); }
.box { margin-top: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.box .list { display: grid; gap: .4mm; }
.slip { display: grid; grid-template-columns: 1.5fr 1fr; border: .6pt solid var(--rule); font-size: 8.8pt; break-inside: avoid; }
.slip + .slip { border-top: 0; }
.slip + :not(.slip) { margin-top: 5mm; }
.slip .who { padding: 1.6mm 2.4mm; border-right: .6pt solid var(--rule); overflow-wrap: anywhere; }
.slip .who p { font-weight: 500; }
.slip .who span { margin-right: 3mm; }
.slip small { display: block; color: var(--soft); font-size: 7.8pt; }
.slip dl { padding: 1mm 2.4mm; }
.slip dl div { display: flex; align-items: baseline; gap: 2mm; padding: .5mm 0; }
.slip dt { flex: none; min-width: 9mm; }
.slip dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.bottom { display: flex; align-items: flex-start; gap: 12mm; margin-top: 7mm; break-inside: avoid; break-before: avoid; }
.bottom > * { flex: 1; }
.bottom > .box { flex: 1.35; margin-top: 0; }
.sign { max-width: 95mm; }
.sign .place { position: relative; height: 15mm; border-bottom: .6pt solid var(--ink); }
.sign .under { display: flex; justify-content: space-between; gap: 4mm; padding-top: 1mm; font-size: 8.4pt; color: var(--soft); }
.sign .under span:last-child { flex: none; white-space: nowrap; }
.sign .who { font-size: 8.8pt; line-height: 1.3; }
.signed { max-width: 95mm; }
.foot { margin-top: auto; padding-top: 9mm; font-size: 8pt; color: var(--soft); text-align: center; break-inside: avoid; }
@page { size: A4; margin: 14mm 15mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt Arial, "Liberation Sans", sans-serif; color: #7b868f; } }
@media print {
  html { font-size: 9.2pt; line-height: 1.4; }
  body { background: none; }
  .page { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; display: block; }
  .top { padding-bottom: 4mm; }
  .facts { padding: 4mm 0; }
  .parties { padding-bottom: 4mm; }
  .foot { padding-top: 4mm; }
  .bottom { margin-top: 6mm; }
  .sign .place { height: 13mm; }
}
@media screen and (max-width: 720px) {
  .page { margin: 0; padding: 6mm 5mm; min-height: 0; }
  .top, .parties, .bottom { display: block; }
  .what { text-align: left; padding-top: 4mm; }
  .party, .sign { padding: 0 0 5mm; }
  .bottom > .box { margin-bottom: 7mm; }
  .lines thead, .lines .i, .lines .u { display: none; }
  .lines, .lines tbody { display: block; }
  .lines tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(19mm, 1fr)); gap: 0 3mm; padding: 2mm 0; border-bottom: .5pt solid var(--rule); }
  .lines tr td { padding: 0 !important; border: 0 !important; }
  .lines .t, .lines .d { grid-column: 1 / -1; }
  .lines .d:empty, .lines .t:empty, .lines .n:empty { display: none; }
  .lines .n { text-align: left; }
  .lines .n::before { content: attr(data-l); display: block; font-size: 7.4pt; font-weight: 400; white-space: normal; line-height: 1.2; color: var(--soft); }
  .lines .whole { border-bottom: 0; padding-bottom: 0; }
  .lines .part { padding-top: 1mm; padding-left: 4mm; }
  .lines .part .t { padding-left: 0; }
  .lines .sum { border-top: .8pt solid var(--ink); border-bottom: 0; }
  .totals { display: block; }
  .totals table { width: 100%; }
}
</style>
</head>
<body>
<!--state:mark-->
<main class="page">
<header class="top">
  <div class="brand">{{#brand.logo}}<img src="{{brand.logo}}" alt="{{brand.name}}">{{/brand.logo}}{{^brand.logo}}{{brand.name}}{{/brand.logo}}</div>
  <div class="what">
    <h1>{{heading}}</h1>
    <p class="number"><!--state:status-->{{number_line}}</p>
  </div>
</header>
<dl class="facts">
  {{#date}}
  <div><dt>{{label.date}}</dt><dd>{{date}}</dd></div>
  {{/date}}
  {{#due}}
  <div><dt>{{label.due}}</dt><dd>{{due}}</dd></div>
  {{/due}}
  <!--state:put_off-->
  {{#period}}
  <div><dt>{{label.period}}</dt><dd>{{period}}</dd></div>
  {{/period}}
  {{#contract}}
  <div><dt>{{label.contract_number}}</dt><dd>{{contract}}</dd></div>
  {{/contract}}
  {{#place}}
  <div><dt>{{label.place}}</dt><dd>{{place}}</dd></div>
  {{/place}}
  {{#project}}
  <div><dt>{{label.project}}</dt><dd>{{project}}</dd></div>
  {{/project}}
  {{#task}}
  <div><dt>{{label.task}}</dt><dd>{{task}}</dd></div>
  {{/task}}
  {{#basis}}
  <div><dt>{{label.basis}}</dt><dd>{{basis}}</dd></div>
  {{/basis}}
</dl>
<section class="parties">
  {{#own}}
  <div class="party">
    <h2>{{label.supplier}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
      {{#bank}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/bank}}
    </dl>
  </div>
  {{/own}}
  {{#client}}
  <div class="party">
    <h2>{{label.customer}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
      {{#bank}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/bank}}
    </dl>
  </div>
  {{/client}}
</section>
{{#title}}
<p class="subject">{{title}}</p>
{{/title}}
<p class="text">{{label.act_begin}}</p>
<table class="lines">
<thead><tr><th class="i">{{label.row_number}}</th><th class="t">{{label.description}}</th><th class="n">{{label.quantity}}</th><th class="u">{{label.unit}}</th><th class="n">{{label.price}}, {{currency}}</th>{{#show.discount}}<th class="n">{{label.discount}}</th>{{/show.discount}}{{#show.tax_rate}}<th class="n">{{label.tax}}</th>{{/show.tax_rate}}<th class="n">{{label.amount}}, {{currency}}</th></tr></thead>
<tbody>
{{#groups}}
{{#show.groups}}
<tr class="group"><td class="i"></td><td class="t" colspan="2">{{title}}</td><td class="u"></td><td class="n"></td>{{#show.discount}}<td class="n"></td>{{/show.discount}}{{#show.tax_rate}}<td class="n"></td>{{/show.tax_rate}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/show.groups}}
{{#rows}}
<tr{{#free}} class="free"{{/free}}><td class="i">{{no}}</td><td class="t">{{#url}}<a href="{{url}}" rel="noopener noreferrer">{{title}}</a>{{/url}}{{^url}}{{title}}{{/url}}{{#coverage}} <span class="tag">{{coverage}}</span>{{/coverage}}</td><td class="n" data-l="{{label.quantity}}">{{quantity}}</td><td class="u">{{unit}}</td><td class="n" data-l="{{label.price}}, {{currency}}">{{price}}</td>{{#show.discount}}<td class="n" data-l="{{label.discount}}">{{discount}}</td>{{/show.discount}}{{#show.tax_rate}}<td class="n" data-l="{{label.tax}}">{{tax_rate}}</td>{{/show.tax_rate}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/rows}}
{{/groups}}
</tbody>
</table>
<div class="totals">
<div class="summed">
{{#show.clock}}
<p>{{label.clock_note}}</p>
{{/show.clock}}
{{#show.summed}}
<p>{{label.summed_note}}</p>
{{/show.summed}}
</div>
<table>
{{#totals}}
{{#discount}}
<tr><td>{{label.subtotal}}</td><td>{{amount}}</td></tr>
<tr><td>{{label.discount}}</td><td>{{discount}}</td></tr>
{{/discount}}
{{^inclusive}}
{{#taxed}}
<tr><td>{{label.net}}</td><td>{{net}}</td></tr>
{{/taxed}}
{{#taxes}}
<tr><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
<tr class="gross"><td>{{gross_label}}</td><td>{{gross_money}}</td></tr>
{{#inclusive}}
{{#taxes}}
<tr class="after"><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
{{#tax_free}}
<tr class="after"><td>{{label.tax_none}}</td><td></td></tr>
{{/tax_free}}
{{/totals}}
</table>
</div>
<!--state:paid-->
{{#totals.words}}
<p class="words"><span>{{label.in_words}}:</span> {{totals.words}}.</p>
{{/totals.words}}
{{#totals.tax_words}}
<p class="words"><span>{{label.tax_in_words}}:</span> {{totals.tax_words}}.</p>
{{/totals.tax_words}}
<p class="words">{{label.act_end}}</p>
{{#note}}
<section class="box"><h2>{{label.note}}</h2><p style="white-space: pre-line">{{note}}</p></section>
{{/note}}
{{#meaning}}
<p class="words">{{meaning}}</p>
{{/meaning}}
<div class="bottom">
<section class="sign">
  <h2>{{label.for_supplier}}</h2>
  <p class="who">{{own.name}}</p>
  <div class="place"></div>
  <div class="under"><span>{{own.signatory_title}} {{own.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
<section class="sign">
  <h2>{{label.for_customer}}</h2>
  <p class="who">{{client.name}}</p>
  <div class="place"><!--state:signature--></div>
  <div class="under"><span>{{client.signatory_title}} {{client.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
</div>
{{#brand.footer}}
<footer class="foot">{{brand.footer}}</footer>
{{/brand.footer}}
</main>
</body>
</html>
$page$);
INSERT INTO template (kind, rules, language, body) VALUES ('act', 'KZ', 'ru', $page$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'">
<title>{{page_title}}</title>
<style>
:root { --accent: {{brand.accent}}; --ink: {{brand.ink}}; --soft: #66717b; --rule: #dde2e6; --tint: #f5f7f8; }
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif; color: var(--ink);
  -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0; background: #e9edf0; }
h1, h2, p, dl, dd { margin: 0; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.page { position: relative; width: 210mm; max-width: 100%; min-height: 297mm; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); display: flex; flex-direction: column; }
.top { display: flex; justify-content: space-between; align-items: flex-start; gap: 10mm; padding-bottom: 7mm; border-bottom: 1.2pt solid var(--accent); }
.brand { font-size: 15pt; font-weight: 700; line-height: 1.2; letter-spacing: -.01em; color: var(--accent); max-width: 80mm; overflow-wrap: anywhere; }
.brand img { display: block; width: auto; height: 14mm; max-width: 62mm; object-fit: contain; object-position: left; }
.what { text-align: right; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: var(--soft); font-variant-numeric: tabular-nums; }
.facts { display: flex; flex-wrap: wrap; gap: 3mm 8mm; padding: 5mm 0; }
dt { font-size: 7.8pt; color: var(--soft); }
.facts dd { font-weight: 500; }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 10mm; padding: 1mm 0 6mm; }
h2 { font-size: 7.8pt; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--accent); margin-bottom: 1.4mm; }
.party .name { font-size: 11pt; font-weight: 600; line-height: 1.3; margin-bottom: 1mm; overflow-wrap: anywhere; }
.list { font-size: 8.8pt; line-height: 1.5; overflow-wrap: anywhere; }
.list div { display: flex; gap: 1.2mm; }
.list dt { flex: none; font-size: inherit; }
.list dt::after { content: ":"; }
.subject { font-size: 11.5pt; font-weight: 600; padding-bottom: 3mm; }
.text { padding-bottom: 5mm; white-space: pre-line; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.lines th { font-size: 7.8pt; font-weight: 600; text-align: left; vertical-align: bottom; color: var(--soft); padding: 0 2mm 1.6mm; line-height: 1.25;
  border-bottom: .8pt solid var(--ink); }
.lines td { padding: 1.6mm 2mm; vertical-align: top; border-bottom: .5pt solid var(--rule); }
.lines th:first-child, .lines td:first-child { padding-left: 0; }
.lines th:last-child, .lines td:last-child { padding-right: 0; }
.lines .n { text-align: right; white-space: nowrap; }
.lines th.n { white-space: normal; }
.lines th.n { min-width: 16mm; }
.lines .i { width: 8mm; color: var(--soft); }
.lines td.d { font-size: 8.4pt; white-space: nowrap; color: var(--soft); padding-top: calc(1.6mm + .8pt); }
.lines tbody tr:last-child { break-after: avoid; }
.lines .t { width: auto; overflow-wrap: anywhere; }
.lines .group td { padding-top: 3.4mm; padding-bottom: 1.4mm; font-weight: 600; border-bottom-color: var(--accent); }
.lines .sum td { font-weight: 600; border-bottom: 0; border-top: .8pt solid var(--ink); }
.lines .free td { color: var(--soft); }
.lines .whole td, .lines .part td { border-bottom: 0; }
.lines .part + tr:not(.part) td { border-top: .5pt solid var(--rule); }
.lines .whole { break-after: avoid; }
.lines .part td { padding-top: 0; font-size: 8.8pt; color: var(--soft); }
.lines .part .t { padding-left: 6mm; }
.summary { margin-bottom: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.summary dl { display: flex; flex-wrap: wrap; gap: 2.4mm 8mm; }
.summary dd { font-weight: 600; font-variant-numeric: tabular-nums; }
.summary small { font-weight: 400; font-size: inherit; color: var(--soft); }
.tag { display: inline-block; padding: 0 1.6mm; border-radius: 2mm; background: #eceff1; font-size: 7.6pt; line-height: 1.6; color: #4d5860; white-space: nowrap; }
.totals { display: flex; justify-content: flex-end; padding-top: 4mm; break-inside: avoid; break-before: avoid; }
.totals table { width: 88mm; }
.totals .summed { flex: 1; padding: .8mm 8mm 0 0; color: var(--soft); font-size: 8pt; }
.totals td { padding: .8mm 0; }
.totals td + td { text-align: right; white-space: nowrap; padding-left: 4mm; }
.totals .gross td { font-size: 12.5pt; font-weight: 700; padding-top: 2mm; border-top: 1.2pt solid var(--accent); }
.totals .gross td + td { color: var(--accent); }
.totals .after td { color: var(--soft); }
.words { padding-top: 2.4mm; break-inside: avoid; break-before: avoid; }
.words span { color: var(--soft); }
.box { margin-top: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.box .list { display: grid; gap: .4mm; }
.slip { display: grid; grid-template-columns: 1.5fr 1fr; border: .6pt solid var(--rule); font-size: 8.8pt; break-inside: avoid; }
.slip + .slip { border-top: 0; }
.slip + :not(.slip) { margin-top: 5mm; }
.slip .who { padding: 1.6mm 2.4mm; border-right: .6pt solid var(--rule); overflow-wrap: anywhere; }
.slip .who p { font-weight: 500; }
.slip .who span { margin-right: 3mm; }
.slip small { display: block; color: var(--soft); font-size: 7.8pt; }
.slip dl { padding: 1mm 2.4mm; }
.slip dl div { display: flex; align-items: baseline; gap: 2mm; padding: .5mm 0; }
.slip dt { flex: none; min-width: 9mm; }
.slip dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.bottom { display: flex; align-items: flex-start; gap: 12mm; margin-top: 7mm; break-inside: avoid; break-before: avoid; }
.bottom > * { flex: 1; }
.bottom > .box { flex: 1.35; margin-top: 0; }
.sign { max-width: 95mm; }
.sign .place { position: relative; height: 15mm; border-bottom: .6pt solid var(--ink); }
.sign .under { display: flex; justify-content: space-between; gap: 4mm; padding-top: 1mm; font-size: 8.4pt; color: var(--soft); }
.sign .under span:last-child { flex: none; white-space: nowrap; }
.sign .who { font-size: 8.8pt; line-height: 1.3; }
.signed { max-width: 95mm; }
.foot { margin-top: auto; padding-top: 9mm; font-size: 8pt; color: var(--soft); text-align: center; break-inside: avoid; }
@page { size: A4; margin: 14mm 15mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt Arial, "Liberation Sans", sans-serif; color: #7b868f; } }
@media print {
  html { font-size: 9.2pt; line-height: 1.4; }
  body { background: none; }
  .page { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; display: block; }
  .top { padding-bottom: 4mm; }
  .facts { padding: 4mm 0; }
  .parties { padding-bottom: 4mm; }
  .foot { padding-top: 4mm; }
  .bottom { margin-top: 6mm; }
  .sign .place { height: 13mm; }
}
@media screen and (max-width: 720px) {
  .page { margin: 0; padding: 6mm 5mm; min-height: 0; }
  .top, .parties, .bottom { display: block; }
  .what { text-align: left; padding-top: 4mm; }
  .party, .sign { padding: 0 0 5mm; }
  .bottom > .box { margin-bottom: 7mm; }
  .lines thead, .lines .i, .lines .u { display: none; }
  .lines, .lines tbody { display: block; }
  .lines tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(19mm, 1fr)); gap: 0 3mm; padding: 2mm 0; border-bottom: .5pt solid var(--rule); }
  .lines tr td { padding: 0 !important; border: 0 !important; }
  .lines .t, .lines .d { grid-column: 1 / -1; }
  .lines .d:empty, .lines .t:empty, .lines .n:empty { display: none; }
  .lines .n { text-align: left; }
  .lines .n::before { content: attr(data-l); display: block; font-size: 7.4pt; font-weight: 400; white-space: normal; line-height: 1.2; color: var(--soft); }
  .lines .whole { border-bottom: 0; padding-bottom: 0; }
  .lines .part { padding-top: 1mm; padding-left: 4mm; }
  .lines .part .t { padding-left: 0; }
  .lines .sum { border-top: .8pt solid var(--ink); border-bottom: 0; }
  .totals { display: block; }
  .totals table { width: 100%; }
}
.page.form { display: block; font-size: 8.8pt; }
.form .order { text-align: right; font-size: 7.8pt; color: var(--soft); }
.form h1 { text-align: center; font-size: 12pt; padding: 4mm 0; }
.form .heads td { padding: .8mm 0; vertical-align: top; overflow-wrap: anywhere; }
.form .heads td:first-child { width: 26mm; color: var(--soft); }
.form .box12 { width: 38mm; border: .6pt solid var(--ink); padding: .6mm 2mm; text-align: center; }
.form .boxes { width: auto; margin-left: auto; margin-top: 3mm; }
.form .boxes th { font-size: 7.8pt; font-weight: 400; padding: .6mm 3mm; border: .6pt solid var(--ink); }
.form .boxes td { padding: .6mm 3mm; border: .6pt solid var(--ink); text-align: center; }
.form .works th, .form .works td { border: .6pt solid var(--ink); padding: 1mm 1.4mm; font-size: 8.4pt; vertical-align: top; }
.form .works th { font-size: 7.6pt; font-weight: 500; }
.form .works .n { text-align: right; white-space: nowrap; }
.form .works .no td { text-align: center; font-size: 7.6pt; }
.form .tail { padding-top: 3mm; }
.form .tail td { padding: 3mm 0 0; vertical-align: bottom; }
.form .tail .place { position: relative; width: 44mm; height: 14mm; border-bottom: .6pt solid var(--ink); }
.form .tail small { color: var(--soft); }
</style>
</head>
<body>
<!--state:mark-->
<main class="page form">
<p class="order">Приложение 50 к приказу Министра финансов Республики Казахстан от 20 декабря 2012 года № 562<br>Форма Р-1 <!--state:status--></p>
<table class="heads">
{{#client}}
<tr><td>Заказчик</td><td>{{name}}{{#address}}, {{address}}{{/address}}{{#email}}, {{email}}{{/email}}</td><td class="box12"><small>ИИН/БИН</small><br>{{tax_id}}</td></tr>
{{/client}}
{{#own}}
<tr><td>Исполнитель</td><td>{{name}}{{#address}}, {{address}}{{/address}}{{#email}}, {{email}}{{/email}}</td><td class="box12"><small>ИИН/БИН</small><br>{{tax_id}}</td></tr>
{{/own}}
<tr><td>Договор (контракт)</td><td>{{#contract}}№ {{contract}}{{/contract}}</td><td></td></tr>
</table>
<table class="boxes">
<tr><th>Номер документа</th><th>Дата составления</th></tr>
<tr><td>{{number}}</td><td>{{date}}</td></tr>
</table>
<h1>АКТ ВЫПОЛНЕННЫХ РАБОТ (ОКАЗАННЫХ УСЛУГ)</h1>
<table class="works">
<thead>
<tr><th rowspan="2">Номер по порядку</th><th rowspan="2">Наименование работ (услуг) (в разрезе их подвидов в соответствии с технической спецификацией, заданием, графиком выполнения работ (услуг) при их наличии)</th><th rowspan="2">Дата выполнения работ (оказания услуг)</th><th rowspan="2">Сведения об отчёте о научных исследованиях, маркетинговых, консультационных и прочих услугах (дата, номер, количество страниц) (при их наличии)</th><th rowspan="2">Единица измерения</th><th colspan="3">Выполнено работ (оказано услуг)</th></tr>
<tr><th>количество</th><th>цена за единицу, {{currency}}</th><th>стоимость, {{currency}}</th></tr>
<tr class="no"><td>1</td><td>2</td><td>3</td><td>4</td><td>5</td><td>6</td><td>7</td><td>8</td></tr>
</thead>
<tbody>
{{#groups}}
{{#rows}}
<tr><td class="n">{{no}}</td><td>{{title}}{{#coverage}} ({{coverage}}){{/coverage}}</td><td>{{#days}}{{days}}{{/days}}{{^days}}{{period}}{{/days}}</td><td></td><td>{{unit}}</td><td class="n">{{quantity}}</td><td class="n">{{price}}{{#discount}} − {{discount}}{{/discount}}</td><td class="n">{{amount}}</td></tr>
{{/rows}}
{{/groups}}
<tr><td colspan="5" class="n">Итого</td><td class="n"></td><td class="n">Х</td><td class="n">{{totals.amount}}</td></tr>
</tbody>
</table>
<div class="totals">
<div class="summed">
{{#show.clock}}
<p>{{label.clock_note}}</p>
{{/show.clock}}
{{#show.summed}}
<p>{{label.summed_note}}</p>
{{/show.summed}}
</div>
<table>
{{#totals}}
{{#discount}}
<tr><td>{{label.subtotal}}</td><td>{{amount}}</td></tr>
<tr><td>{{label.discount}}</td><td>{{discount}}</td></tr>
{{/discount}}
{{^inclusive}}
{{#taxed}}
<tr><td>{{label.net}}</td><td>{{net}}</td></tr>
{{/taxed}}
{{#taxes}}
<tr><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
<tr class="gross"><td>{{gross_label}}</td><td>{{gross_money}}</td></tr>
{{#inclusive}}
{{#taxes}}
<tr class="after"><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
{{#tax_free}}
<tr class="after"><td>{{label.tax_none}}</td><td></td></tr>
{{/tax_free}}
{{/totals}}
</table>
</div>
<!--state:paid-->
{{#totals.words}}
<p class="words"><span>{{label.in_words}}:</span> {{totals.words}}.</p>
{{/totals.words}}
{{#totals.tax_words}}
<p class="words"><span>{{label.tax_in_words}}:</span> {{totals.tax_words}}.</p>
{{/totals.tax_words}}
<p class="words">{{label.act_end}}</p>
<p class="words">Сведения об использовании запасов, полученных от заказчика: ______________________</p>
<table class="tail">
{{#own}}
<tr><td>Сдал (Исполнитель)<br>{{signatory_title}}</td><td class="place"></td><td>{{signatory}}<br><small>расшифровка подписи</small></td></tr>
{{/own}}
{{#client}}
<tr><td>Принял (Заказчик)<br>{{signatory_title}}</td><td class="place"><!--state:signature--></td><td>{{signatory}}<br><small>расшифровка подписи</small></td></tr>
{{/client}}
</table>
{{#note}}
<section class="box"><h2>{{label.note}}</h2><p style="white-space: pre-line">{{note}}</p></section>
{{/note}}
{{#meaning}}
<p class="words">{{meaning}}</p>
{{/meaning}}
{{#brand.footer}}
<footer class="foot">{{brand.footer}}</footer>
{{/brand.footer}}
</main>
</body>
</html>
$page$);
INSERT INTO template (kind, rules, language, body) VALUES ('contract', NULL, NULL, $page$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'">
<title>{{page_title}}</title>
<style>
:root { --accent: {{brand.accent}}; --ink: {{brand.ink}}; --soft: #66717b; --rule: #dde2e6; --tint: #f5f7f8; }
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif; color: var(--ink);
  -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0; background: #e9edf0; }
h1, h2, p, dl, dd { margin: 0; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.page { position: relative; width: 210mm; max-width: 100%; min-height: 297mm; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); display: flex; flex-direction: column; }
.top { display: flex; justify-content: space-between; align-items: flex-start; gap: 10mm; padding-bottom: 7mm; border-bottom: 1.2pt solid var(--accent); }
.brand { font-size: 15pt; font-weight: 700; line-height: 1.2; letter-spacing: -.01em; color: var(--accent); max-width: 80mm; overflow-wrap: anywhere; }
.brand img { display: block; width: auto; height: 14mm; max-width: 62mm; object-fit: contain; object-position: left; }
.what { text-align: right; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: var(--soft); font-variant-numeric: tabular-nums; }
.facts { display: flex; flex-wrap: wrap; gap: 3mm 8mm; padding: 5mm 0; }
dt { font-size: 7.8pt; color: var(--soft); }
.facts dd { font-weight: 500; }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 10mm; padding: 1mm 0 6mm; }
h2 { font-size: 7.8pt; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--accent); margin-bottom: 1.4mm; }
.party .name { font-size: 11pt; font-weight: 600; line-height: 1.3; margin-bottom: 1mm; overflow-wrap: anywhere; }
.list { font-size: 8.8pt; line-height: 1.5; overflow-wrap: anywhere; }
.list div { display: flex; gap: 1.2mm; }
.list dt { flex: none; font-size: inherit; }
.list dt::after { content: ":"; }
.subject { font-size: 11.5pt; font-weight: 600; padding-bottom: 3mm; }
.text { padding-bottom: 5mm; white-space: pre-line; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.lines th { font-size: 7.8pt; font-weight: 600; text-align: left; vertical-align: bottom; color: var(--soft); padding: 0 2mm 1.6mm; line-height: 1.25;
  border-bottom: .8pt solid var(--ink); }
.lines td { padding: 1.6mm 2mm; vertical-align: top; border-bottom: .5pt solid var(--rule); }
.lines th:first-child, .lines td:first-child { padding-left: 0; }
.lines th:last-child, .lines td:last-child { padding-right: 0; }
.lines .n { text-align: right; white-space: nowrap; }
.lines th.n { white-space: normal; }
.lines th.n { min-width: 16mm; }
.lines .i { width: 8mm; color: var(--soft); }
.lines td.d { font-size: 8.4pt; white-space: nowrap; color: var(--soft); padding-top: calc(1.6mm + .8pt); }
.lines tbody tr:last-child { break-after: avoid; }
.lines .t { width: auto; overflow-wrap: anywhere; }
.lines .group td { padding-top: 3.4mm; padding-bottom: 1.4mm; font-weight: 600; border-bottom-color: var(--accent); }
.lines .sum td { font-weight: 600; border-bottom: 0; border-top: .8pt solid var(--ink); }
.lines .free td { color: var(--soft); }
.lines .whole td, .lines .part td { border-bottom: 0; }
.lines .part + tr:not(.part) td { border-top: .5pt solid var(--rule); }
.lines .whole { break-after: avoid; }
.lines .part td { padding-top: 0; font-size: 8.8pt; color: var(--soft); }
.lines .part .t { padding-left: 6mm; }
.summary { margin-bottom: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.summary dl { display: flex; flex-wrap: wrap; gap: 2.4mm 8mm; }
.summary dd { font-weight: 600; font-variant-numeric: tabular-nums; }
.summary small { font-weight: 400; font-size: inherit; color: var(--soft); }
.tag { display: inline-block; padding: 0 1.6mm; border-radius: 2mm; background: #eceff1; font-size: 7.6pt; line-height: 1.6; color: #4d5860; white-space: nowrap; }
.totals { display: flex; justify-content: flex-end; padding-top: 4mm; break-inside: avoid; break-before: avoid; }
.totals table { width: 88mm; }
.totals .summed { flex: 1; padding: .8mm 8mm 0 0; color: var(--soft); font-size: 8pt; }
.totals td { padding: .8mm 0; }
.totals td + td { text-align: right; white-space: nowrap; padding-left: 4mm; }
.totals .gross td { font-size: 12.5pt; font-weight: 700; padding-top: 2mm; border-top: 1.2pt solid var(--accent); }
.totals .gross td + td { color: var(--accent); }
.totals .after td { color: var(--soft); }
.words { padding-top: 2.4mm; break-inside: avoid; break-before: avoid; }
.words span { color: var(--soft); }
.box { margin-top: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.box .list { display: grid; gap: .4mm; }
.slip { display: grid; grid-template-columns: 1.5fr 1fr; border: .6pt solid var(--rule); font-size: 8.8pt; break-inside: avoid; }
.slip + .slip { border-top: 0; }
.slip + :not(.slip) { margin-top: 5mm; }
.slip .who { padding: 1.6mm 2.4mm; border-right: .6pt solid var(--rule); overflow-wrap: anywhere; }
.slip .who p { font-weight: 500; }
.slip .who span { margin-right: 3mm; }
.slip small { display: block; color: var(--soft); font-size: 7.8pt; }
.slip dl { padding: 1mm 2.4mm; }
.slip dl div { display: flex; align-items: baseline; gap: 2mm; padding: .5mm 0; }
.slip dt { flex: none; min-width: 9mm; }
.slip dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.bottom { display: flex; align-items: flex-start; gap: 12mm; margin-top: 7mm; break-inside: avoid; break-before: avoid; }
.bottom > * { flex: 1; }
.bottom > .box { flex: 1.35; margin-top: 0; }
.sign { max-width: 95mm; }
.sign .place { position: relative; height: 15mm; border-bottom: .6pt solid var(--ink); }
.sign .under { display: flex; justify-content: space-between; gap: 4mm; padding-top: 1mm; font-size: 8.4pt; color: var(--soft); }
.sign .under span:last-child { flex: none; white-space: nowrap; }
.sign .who { font-size: 8.8pt; line-height: 1.3; }
.signed { max-width: 95mm; }
.foot { margin-top: auto; padding-top: 9mm; font-size: 8pt; color: var(--soft); text-align: center; break-inside: avoid; }
@page { size: A4; margin: 14mm 15mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt Arial, "Liberation Sans", sans-serif; color: #7b868f; } }
@media print {
  html { font-size: 9.2pt; line-height: 1.4; }
  body { background: none; }
  .page { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; display: block; }
  .top { padding-bottom: 4mm; }
  .facts { padding: 4mm 0; }
  .parties { padding-bottom: 4mm; }
  .foot { padding-top: 4mm; }
  .bottom { margin-top: 6mm; }
  .sign .place { height: 13mm; }
}
@media screen and (max-width: 720px) {
  .page { margin: 0; padding: 6mm 5mm; min-height: 0; }
  .top, .parties, .bottom { display: block; }
  .what { text-align: left; padding-top: 4mm; }
  .party, .sign { padding: 0 0 5mm; }
  .bottom > .box { margin-bottom: 7mm; }
  .lines thead, .lines .i, .lines .u { display: none; }
  .lines, .lines tbody { display: block; }
  .lines tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(19mm, 1fr)); gap: 0 3mm; padding: 2mm 0; border-bottom: .5pt solid var(--rule); }
  .lines tr td { padding: 0 !important; border: 0 !important; }
  .lines .t, .lines .d { grid-column: 1 / -1; }
  .lines .d:empty, .lines .t:empty, .lines .n:empty { display: none; }
  .lines .n { text-align: left; }
  .lines .n::before { content: attr(data-l); display: block; font-size: 7.4pt; font-weight: 400; white-space: normal; line-height: 1.2; color: var(--soft); }
  .lines .whole { border-bottom: 0; padding-bottom: 0; }
  .lines .part { padding-top: 1mm; padding-left: 4mm; }
  .lines .part .t { padding-left: 0; }
  .lines .sum { border-top: .8pt solid var(--ink); border-bottom: 0; }
  .totals { display: block; }
  .totals table { width: 100%; }
}
</style>
</head>
<body>
<!--state:mark-->
<main class="page">
<header class="top">
  <div class="brand">{{#brand.logo}}<img src="{{brand.logo}}" alt="{{brand.name}}">{{/brand.logo}}{{^brand.logo}}{{brand.name}}{{/brand.logo}}</div>
  <div class="what">
    <h1>{{heading}}</h1>
    <p class="number"><!--state:status-->{{number_line}}</p>
  </div>
</header>
<dl class="facts">
  {{#date}}
  <div><dt>{{label.date}}</dt><dd>{{date}}</dd></div>
  {{/date}}
  {{#due}}
  <div><dt>{{label.due}}</dt><dd>{{due}}</dd></div>
  {{/due}}
  <!--state:put_off-->
  {{#period}}
  <div><dt>{{label.period}}</dt><dd>{{period}}</dd></div>
  {{/period}}
  {{#contract}}
  <div><dt>{{label.contract_number}}</dt><dd>{{contract}}</dd></div>
  {{/contract}}
  {{#place}}
  <div><dt>{{label.place}}</dt><dd>{{place}}</dd></div>
  {{/place}}
  {{#project}}
  <div><dt>{{label.project}}</dt><dd>{{project}}</dd></div>
  {{/project}}
  {{#task}}
  <div><dt>{{label.task}}</dt><dd>{{task}}</dd></div>
  {{/task}}
  {{#basis}}
  <div><dt>{{label.basis}}</dt><dd>{{basis}}</dd></div>
  {{/basis}}
</dl>
<section class="parties">
  {{#own}}
  <div class="party">
    <h2>{{label.supplier}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/own}}
  {{#client}}
  <div class="party">
    <h2>{{label.customer}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/client}}
</section>
{{#title}}
<p class="subject">{{title}}</p>
{{/title}}
{{#requirements}}
<p class="text">{{requirements}}</p>
{{/requirements}}
{{#show.lines}}
<table class="lines">
<thead><tr><th class="i">{{label.row_number}}</th><th class="t">{{label.description}}</th><th class="n">{{label.quantity}}</th><th class="u">{{label.unit}}</th><th class="n">{{label.price}}, {{currency}}</th>{{#show.discount}}<th class="n">{{label.discount}}</th>{{/show.discount}}{{#show.tax_rate}}<th class="n">{{label.tax}}</th>{{/show.tax_rate}}<th class="n">{{label.amount}}, {{currency}}</th></tr></thead>
<tbody>
{{#groups}}
{{#show.groups}}
<tr class="group"><td class="i"></td><td class="t" colspan="2">{{title}}</td><td class="u"></td><td class="n"></td>{{#show.discount}}<td class="n"></td>{{/show.discount}}{{#show.tax_rate}}<td class="n"></td>{{/show.tax_rate}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/show.groups}}
{{#rows}}
<tr{{#free}} class="free"{{/free}}><td class="i">{{no}}</td><td class="t">{{#url}}<a href="{{url}}" rel="noopener noreferrer">{{title}}</a>{{/url}}{{^url}}{{title}}{{/url}}{{#coverage}} <span class="tag">{{coverage}}</span>{{/coverage}}</td><td class="n" data-l="{{label.quantity}}">{{quantity}}</td><td class="u">{{unit}}</td><td class="n" data-l="{{label.price}}, {{currency}}">{{price}}</td>{{#show.discount}}<td class="n" data-l="{{label.discount}}">{{discount}}</td>{{/show.discount}}{{#show.tax_rate}}<td class="n" data-l="{{label.tax}}">{{tax_rate}}</td>{{/show.tax_rate}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/rows}}
{{/groups}}
</tbody>
</table>
<div class="totals">
<div class="summed">
{{#show.clock}}
<p>{{label.clock_note}}</p>
{{/show.clock}}
{{#show.summed}}
<p>{{label.summed_note}}</p>
{{/show.summed}}
</div>
<table>
{{#totals}}
{{#discount}}
<tr><td>{{label.subtotal}}</td><td>{{amount}}</td></tr>
<tr><td>{{label.discount}}</td><td>{{discount}}</td></tr>
{{/discount}}
{{^inclusive}}
{{#taxed}}
<tr><td>{{label.net}}</td><td>{{net}}</td></tr>
{{/taxed}}
{{#taxes}}
<tr><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
<tr class="gross"><td>{{gross_label}}</td><td>{{gross_money}}</td></tr>
{{#inclusive}}
{{#taxes}}
<tr class="after"><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
{{#tax_free}}
<tr class="after"><td>{{label.tax_none}}</td><td></td></tr>
{{/tax_free}}
{{/totals}}
</table>
</div>
<!--state:paid-->
{{#totals.words}}
<p class="words"><span>{{label.in_words}}:</span> {{totals.words}}.</p>
{{/totals.words}}
{{#totals.tax_words}}
<p class="words"><span>{{label.tax_in_words}}:</span> {{totals.tax_words}}.</p>
{{/totals.tax_words}}
{{/show.lines}}
{{#note}}
<section class="box"><h2>{{label.note}}</h2><p style="white-space: pre-line">{{note}}</p></section>
{{/note}}
{{#meaning}}
<p class="words">{{meaning}}</p>
{{/meaning}}
<div class="bottom">
<section class="sign">
  <h2>{{label.for_supplier}}</h2>
  <p class="who">{{own.name}}</p>
  <div class="place"></div>
  <div class="under"><span>{{own.signatory_title}} {{own.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
<section class="sign">
  <h2>{{label.for_customer}}</h2>
  <p class="who">{{client.name}}</p>
  <div class="place"><!--state:signature--></div>
  <div class="under"><span>{{client.signatory_title}} {{client.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
</div>
{{#brand.footer}}
<footer class="foot">{{brand.footer}}</footer>
{{/brand.footer}}
</main>
</body>
</html>
$page$);
INSERT INTO template (kind, rules, language, body) VALUES ('invoice', NULL, NULL, $page$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'">
<title>{{page_title}}</title>
<style>
:root { --accent: {{brand.accent}}; --ink: {{brand.ink}}; --soft: #66717b; --rule: #dde2e6; --tint: #f5f7f8; }
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif; color: var(--ink);
  -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0; background: #e9edf0; }
h1, h2, p, dl, dd { margin: 0; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.page { position: relative; width: 210mm; max-width: 100%; min-height: 297mm; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); display: flex; flex-direction: column; }
.top { display: flex; justify-content: space-between; align-items: flex-start; gap: 10mm; padding-bottom: 7mm; border-bottom: 1.2pt solid var(--accent); }
.brand { font-size: 15pt; font-weight: 700; line-height: 1.2; letter-spacing: -.01em; color: var(--accent); max-width: 80mm; overflow-wrap: anywhere; }
.brand img { display: block; width: auto; height: 14mm; max-width: 62mm; object-fit: contain; object-position: left; }
.what { text-align: right; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: var(--soft); font-variant-numeric: tabular-nums; }
.facts { display: flex; flex-wrap: wrap; gap: 3mm 8mm; padding: 5mm 0; }
dt { font-size: 7.8pt; color: var(--soft); }
.facts dd { font-weight: 500; }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 10mm; padding: 1mm 0 6mm; }
h2 { font-size: 7.8pt; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--accent); margin-bottom: 1.4mm; }
.party .name { font-size: 11pt; font-weight: 600; line-height: 1.3; margin-bottom: 1mm; overflow-wrap: anywhere; }
.list { font-size: 8.8pt; line-height: 1.5; overflow-wrap: anywhere; }
.list div { display: flex; gap: 1.2mm; }
.list dt { flex: none; font-size: inherit; }
.list dt::after { content: ":"; }
.subject { font-size: 11.5pt; font-weight: 600; padding-bottom: 3mm; }
.text { padding-bottom: 5mm; white-space: pre-line; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.lines th { font-size: 7.8pt; font-weight: 600; text-align: left; vertical-align: bottom; color: var(--soft); padding: 0 2mm 1.6mm; line-height: 1.25;
  border-bottom: .8pt solid var(--ink); }
.lines td { padding: 1.6mm 2mm; vertical-align: top; border-bottom: .5pt solid var(--rule); }
.lines th:first-child, .lines td:first-child { padding-left: 0; }
.lines th:last-child, .lines td:last-child { padding-right: 0; }
.lines .n { text-align: right; white-space: nowrap; }
.lines th.n { white-space: normal; }
.lines th.n { min-width: 16mm; }
.lines .i { width: 8mm; color: var(--soft); }
.lines td.d { font-size: 8.4pt; white-space: nowrap; color: var(--soft); padding-top: calc(1.6mm + .8pt); }
.lines tbody tr:last-child { break-after: avoid; }
.lines .t { width: auto; overflow-wrap: anywhere; }
.lines .group td { padding-top: 3.4mm; padding-bottom: 1.4mm; font-weight: 600; border-bottom-color: var(--accent); }
.lines .sum td { font-weight: 600; border-bottom: 0; border-top: .8pt solid var(--ink); }
.lines .free td { color: var(--soft); }
.lines .whole td, .lines .part td { border-bottom: 0; }
.lines .part + tr:not(.part) td { border-top: .5pt solid var(--rule); }
.lines .whole { break-after: avoid; }
.lines .part td { padding-top: 0; font-size: 8.8pt; color: var(--soft); }
.lines .part .t { padding-left: 6mm; }
.summary { margin-bottom: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.summary dl { display: flex; flex-wrap: wrap; gap: 2.4mm 8mm; }
.summary dd { font-weight: 600; font-variant-numeric: tabular-nums; }
.summary small { font-weight: 400; font-size: inherit; color: var(--soft); }
.tag { display: inline-block; padding: 0 1.6mm; border-radius: 2mm; background: #eceff1; font-size: 7.6pt; line-height: 1.6; color: #4d5860; white-space: nowrap; }
.totals { display: flex; justify-content: flex-end; padding-top: 4mm; break-inside: avoid; break-before: avoid; }
.totals table { width: 88mm; }
.totals .summed { flex: 1; padding: .8mm 8mm 0 0; color: var(--soft); font-size: 8pt; }
.totals td { padding: .8mm 0; }
.totals td + td { text-align: right; white-space: nowrap; padding-left: 4mm; }
.totals .gross td { font-size: 12.5pt; font-weight: 700; padding-top: 2mm; border-top: 1.2pt solid var(--accent); }
.totals .gross td + td { color: var(--accent); }
.totals .after td { color: var(--soft); }
.words { padding-top: 2.4mm; break-inside: avoid; break-before: avoid; }
.words span { color: var(--soft); }
.box { margin-top: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.box .list { display: grid; gap: .4mm; }
.slip { display: grid; grid-template-columns: 1.5fr 1fr; border: .6pt solid var(--rule); font-size: 8.8pt; break-inside: avoid; }
.slip + .slip { border-top: 0; }
.slip + :not(.slip) { margin-top: 5mm; }
.slip .who { padding: 1.6mm 2.4mm; border-right: .6pt solid var(--rule); overflow-wrap: anywhere; }
.slip .who p { font-weight: 500; }
.slip .who span { margin-right: 3mm; }
.slip small { display: block; color: var(--soft); font-size: 7.8pt; }
.slip dl { padding: 1mm 2.4mm; }
.slip dl div { display: flex; align-items: baseline; gap: 2mm; padding: .5mm 0; }
.slip dt { flex: none; min-width: 9mm; }
.slip dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.bottom { display: flex; align-items: flex-start; gap: 12mm; margin-top: 7mm; break-inside: avoid; break-before: avoid; }
.bottom > * { flex: 1; }
.bottom > .box { flex: 1.35; margin-top: 0; }
.sign { max-width: 95mm; }
.sign .place { position: relative; height: 15mm; border-bottom: .6pt solid var(--ink); }
.sign .under { display: flex; justify-content: space-between; gap: 4mm; padding-top: 1mm; font-size: 8.4pt; color: var(--soft); }
.sign .under span:last-child { flex: none; white-space: nowrap; }
.sign .who { font-size: 8.8pt; line-height: 1.3; }
.signed { max-width: 95mm; }
.foot { margin-top: auto; padding-top: 9mm; font-size: 8pt; color: var(--soft); text-align: center; break-inside: avoid; }
@page { size: A4; margin: 14mm 15mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt Arial, "Liberation Sans", sans-serif; color: #7b868f; } }
@media print {
  html { font-size: 9.2pt; line-height: 1.4; }
  body { background: none; }
  .page { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; display: block; }
  .top { padding-bottom: 4mm; }
  .facts { padding: 4mm 0; }
  .parties { padding-bottom: 4mm; }
  .foot { padding-top: 4mm; }
  .bottom { margin-top: 6mm; }
  .sign .place { height: 13mm; }
}
@media screen and (max-width: 720px) {
  .page { margin: 0; padding: 6mm 5mm; min-height: 0; }
  .top, .parties, .bottom { display: block; }
  .what { text-align: left; padding-top: 4mm; }
  .party, .sign { padding: 0 0 5mm; }
  .bottom > .box { margin-bottom: 7mm; }
  .lines thead, .lines .i, .lines .u { display: none; }
  .lines, .lines tbody { display: block; }
  .lines tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(19mm, 1fr)); gap: 0 3mm; padding: 2mm 0; border-bottom: .5pt solid var(--rule); }
  .lines tr td { padding: 0 !important; border: 0 !important; }
  .lines .t, .lines .d { grid-column: 1 / -1; }
  .lines .d:empty, .lines .t:empty, .lines .n:empty { display: none; }
  .lines .n { text-align: left; }
  .lines .n::before { content: attr(data-l); display: block; font-size: 7.4pt; font-weight: 400; white-space: normal; line-height: 1.2; color: var(--soft); }
  .lines .whole { border-bottom: 0; padding-bottom: 0; }
  .lines .part { padding-top: 1mm; padding-left: 4mm; }
  .lines .part .t { padding-left: 0; }
  .lines .sum { border-top: .8pt solid var(--ink); border-bottom: 0; }
  .totals { display: block; }
  .totals table { width: 100%; }
}
</style>
</head>
<body>
<!--state:mark-->
<main class="page">
<header class="top">
  <div class="brand">{{#brand.logo}}<img src="{{brand.logo}}" alt="{{brand.name}}">{{/brand.logo}}{{^brand.logo}}{{brand.name}}{{/brand.logo}}</div>
  <div class="what">
    <h1>{{heading}}</h1>
    <p class="number"><!--state:status-->{{number_line}}</p>
  </div>
</header>
<dl class="facts">
  {{#date}}
  <div><dt>{{label.date}}</dt><dd>{{date}}</dd></div>
  {{/date}}
  {{#due}}
  <div><dt>{{label.due}}</dt><dd>{{due}}</dd></div>
  {{/due}}
  <!--state:put_off-->
  {{#period}}
  <div><dt>{{label.period}}</dt><dd>{{period}}</dd></div>
  {{/period}}
  {{#contract}}
  <div><dt>{{label.contract_number}}</dt><dd>{{contract}}</dd></div>
  {{/contract}}
  {{#place}}
  <div><dt>{{label.place}}</dt><dd>{{place}}</dd></div>
  {{/place}}
  {{#project}}
  <div><dt>{{label.project}}</dt><dd>{{project}}</dd></div>
  {{/project}}
  {{#task}}
  <div><dt>{{label.task}}</dt><dd>{{task}}</dd></div>
  {{/task}}
  {{#basis}}
  <div><dt>{{label.basis}}</dt><dd>{{basis}}</dd></div>
  {{/basis}}
</dl>
<section class="parties">
  {{#own}}
  <div class="party">
    <h2>{{label.supplier}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/own}}
  {{#client}}
  <div class="party">
    <h2>{{label.customer}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/client}}
</section>
{{#title}}
<p class="subject">{{title}}</p>
{{/title}}
{{#payment}}
{{#slip}}
<div class="slip">
  <div class="who"><p>{{who}}</p>{{#codes}}<span>{{name}} {{value}}</span> {{/codes}}<small>{{note}}</small></div>
  <dl>
    {{#cells}}
    <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
    {{/cells}}
  </dl>
</div>
{{/slip}}
{{/payment}}
<table class="lines">
<thead><tr><th class="i">{{label.row_number}}</th><th class="t">{{label.description}}</th><th class="n">{{label.quantity}}</th><th class="u">{{label.unit}}</th><th class="n">{{label.price}}, {{currency}}</th>{{#show.discount}}<th class="n">{{label.discount}}</th>{{/show.discount}}{{#show.tax_rate}}<th class="n">{{label.tax}}</th>{{/show.tax_rate}}<th class="n">{{label.amount}}, {{currency}}</th></tr></thead>
<tbody>
{{#groups}}
{{#show.groups}}
<tr class="group"><td class="i"></td><td class="t" colspan="2">{{title}}</td><td class="u"></td><td class="n"></td>{{#show.discount}}<td class="n"></td>{{/show.discount}}{{#show.tax_rate}}<td class="n"></td>{{/show.tax_rate}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/show.groups}}
{{#rows}}
<tr{{#free}} class="free"{{/free}}><td class="i">{{no}}</td><td class="t">{{#url}}<a href="{{url}}" rel="noopener noreferrer">{{title}}</a>{{/url}}{{^url}}{{title}}{{/url}}{{#coverage}} <span class="tag">{{coverage}}</span>{{/coverage}}</td><td class="n" data-l="{{label.quantity}}">{{quantity}}</td><td class="u">{{unit}}</td><td class="n" data-l="{{label.price}}, {{currency}}">{{price}}</td>{{#show.discount}}<td class="n" data-l="{{label.discount}}">{{discount}}</td>{{/show.discount}}{{#show.tax_rate}}<td class="n" data-l="{{label.tax}}">{{tax_rate}}</td>{{/show.tax_rate}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/rows}}
{{/groups}}
</tbody>
</table>
<div class="totals">
<div class="summed">
{{#show.clock}}
<p>{{label.clock_note}}</p>
{{/show.clock}}
{{#show.summed}}
<p>{{label.summed_note}}</p>
{{/show.summed}}
</div>
<table>
{{#totals}}
{{#discount}}
<tr><td>{{label.subtotal}}</td><td>{{amount}}</td></tr>
<tr><td>{{label.discount}}</td><td>{{discount}}</td></tr>
{{/discount}}
{{^inclusive}}
{{#taxed}}
<tr><td>{{label.net}}</td><td>{{net}}</td></tr>
{{/taxed}}
{{#taxes}}
<tr><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
<tr class="gross"><td>{{gross_label}}</td><td>{{gross_money}}</td></tr>
{{#inclusive}}
{{#taxes}}
<tr class="after"><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
{{#tax_free}}
<tr class="after"><td>{{label.tax_none}}</td><td></td></tr>
{{/tax_free}}
{{/totals}}
</table>
</div>
<!--state:paid-->
{{#totals.words}}
<p class="words"><span>{{label.in_words}}:</span> {{totals.words}}.</p>
{{/totals.words}}
{{#totals.tax_words}}
<p class="words"><span>{{label.tax_in_words}}:</span> {{totals.tax_words}}.</p>
{{/totals.tax_words}}
{{#note}}
<section class="box"><h2>{{label.note}}</h2><p style="white-space: pre-line">{{note}}</p></section>
{{/note}}
{{#meaning}}
<p class="words">{{meaning}}</p>
{{/meaning}}
<div class="bottom">
{{#payment}}
<section class="box">
  <h2>{{label.payment_details}}</h2>
  <dl class="list">
    {{^slip}}
    <div><dt>{{label.beneficiary}}</dt><dd>{{beneficiary}}</dd></div>
    {{#requisites}}
    <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
    {{/requisites}}
    {{/slip}}
    {{#purpose}}
    <div><dt>{{label.purpose}}</dt><dd>{{purpose}}</dd></div>
    {{/purpose}}
  </dl>
</section>
{{/payment}}
<section class="sign">
  <h2>{{label.for_supplier}}</h2>
  <p class="who">{{own.name}}</p>
  <div class="place"></div>
  <div class="under"><span>{{own.signatory_title}} {{own.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
</div>
{{#brand.footer}}
<footer class="foot">{{brand.footer}}</footer>
{{/brand.footer}}
</main>
</body>
</html>
$page$);
INSERT INTO template (kind, rules, language, body) VALUES ('report', NULL, NULL, $page$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'">
<title>{{page_title}}</title>
<style>
:root { --accent: {{brand.accent}}; --ink: {{brand.ink}}; --soft: #66717b; --rule: #dde2e6; --tint: #f5f7f8; }
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif; color: var(--ink);
  -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0; background: #e9edf0; }
h1, h2, p, dl, dd { margin: 0; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.page { position: relative; width: 210mm; max-width: 100%; min-height: 297mm; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); display: flex; flex-direction: column; }
.top { display: flex; justify-content: space-between; align-items: flex-start; gap: 10mm; padding-bottom: 7mm; border-bottom: 1.2pt solid var(--accent); }
.brand { font-size: 15pt; font-weight: 700; line-height: 1.2; letter-spacing: -.01em; color: var(--accent); max-width: 80mm; overflow-wrap: anywhere; }
.brand img { display: block; width: auto; height: 14mm; max-width: 62mm; object-fit: contain; object-position: left; }
.what { text-align: right; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: var(--soft); font-variant-numeric: tabular-nums; }
.facts { display: flex; flex-wrap: wrap; gap: 3mm 8mm; padding: 5mm 0; }
dt { font-size: 7.8pt; color: var(--soft); }
.facts dd { font-weight: 500; }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 10mm; padding: 1mm 0 6mm; }
h2 { font-size: 7.8pt; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--accent); margin-bottom: 1.4mm; }
.party .name { font-size: 11pt; font-weight: 600; line-height: 1.3; margin-bottom: 1mm; overflow-wrap: anywhere; }
.list { font-size: 8.8pt; line-height: 1.5; overflow-wrap: anywhere; }
.list div { display: flex; gap: 1.2mm; }
.list dt { flex: none; font-size: inherit; }
.list dt::after { content: ":"; }
.subject { font-size: 11.5pt; font-weight: 600; padding-bottom: 3mm; }
.text { padding-bottom: 5mm; white-space: pre-line; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.lines th { font-size: 7.8pt; font-weight: 600; text-align: left; vertical-align: bottom; color: var(--soft); padding: 0 2mm 1.6mm; line-height: 1.25;
  border-bottom: .8pt solid var(--ink); }
.lines td { padding: 1.6mm 2mm; vertical-align: top; border-bottom: .5pt solid var(--rule); }
.lines th:first-child, .lines td:first-child { padding-left: 0; }
.lines th:last-child, .lines td:last-child { padding-right: 0; }
.lines .n { text-align: right; white-space: nowrap; }
.lines th.n { white-space: normal; }
.lines th.n { min-width: 16mm; }
.lines .i { width: 8mm; color: var(--soft); }
.lines td.d { font-size: 8.4pt; white-space: nowrap; color: var(--soft); padding-top: calc(1.6mm + .8pt); }
.lines tbody tr:last-child { break-after: avoid; }
.lines .t { width: auto; overflow-wrap: anywhere; }
.lines .group td { padding-top: 3.4mm; padding-bottom: 1.4mm; font-weight: 600; border-bottom-color: var(--accent); }
.lines .sum td { font-weight: 600; border-bottom: 0; border-top: .8pt solid var(--ink); }
.lines .free td { color: var(--soft); }
.lines .whole td, .lines .part td { border-bottom: 0; }
.lines .part + tr:not(.part) td { border-top: .5pt solid var(--rule); }
.lines .whole { break-after: avoid; }
.lines .part td { padding-top: 0; font-size: 8.8pt; color: var(--soft); }
.lines .part .t { padding-left: 6mm; }
.summary { margin-bottom: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.summary dl { display: flex; flex-wrap: wrap; gap: 2.4mm 8mm; }
.summary dd { font-weight: 600; font-variant-numeric: tabular-nums; }
.summary small { font-weight: 400; font-size: inherit; color: var(--soft); }
.tag { display: inline-block; padding: 0 1.6mm; border-radius: 2mm; background: #eceff1; font-size: 7.6pt; line-height: 1.6; color: #4d5860; white-space: nowrap; }
.totals { display: flex; justify-content: flex-end; padding-top: 4mm; break-inside: avoid; break-before: avoid; }
.totals table { width: 88mm; }
.totals .summed { flex: 1; padding: .8mm 8mm 0 0; color: var(--soft); font-size: 8pt; }
.totals td { padding: .8mm 0; }
.totals td + td { text-align: right; white-space: nowrap; padding-left: 4mm; }
.totals .gross td { font-size: 12.5pt; font-weight: 700; padding-top: 2mm; border-top: 1.2pt solid var(--accent); }
.totals .gross td + td { color: var(--accent); }
.totals .after td { color: var(--soft); }
.words { padding-top: 2.4mm; break-inside: avoid; break-before: avoid; }
.words span { color: var(--soft); }
.box { margin-top: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.box .list { display: grid; gap: .4mm; }
.slip { display: grid; grid-template-columns: 1.5fr 1fr; border: .6pt solid var(--rule); font-size: 8.8pt; break-inside: avoid; }
.slip + .slip { border-top: 0; }
.slip + :not(.slip) { margin-top: 5mm; }
.slip .who { padding: 1.6mm 2.4mm; border-right: .6pt solid var(--rule); overflow-wrap: anywhere; }
.slip .who p { font-weight: 500; }
.slip .who span { margin-right: 3mm; }
.slip small { display: block; color: var(--soft); font-size: 7.8pt; }
.slip dl { padding: 1mm 2.4mm; }
.slip dl div { display: flex; align-items: baseline; gap: 2mm; padding: .5mm 0; }
.slip dt { flex: none; min-width: 9mm; }
.slip dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.bottom { display: flex; align-items: flex-start; gap: 12mm; margin-top: 7mm; break-inside: avoid; break-before: avoid; }
.bottom > * { flex: 1; }
.bottom > .box { flex: 1.35; margin-top: 0; }
.sign { max-width: 95mm; }
.sign .place { position: relative; height: 15mm; border-bottom: .6pt solid var(--ink); }
.sign .under { display: flex; justify-content: space-between; gap: 4mm; padding-top: 1mm; font-size: 8.4pt; color: var(--soft); }
.sign .under span:last-child { flex: none; white-space: nowrap; }
.sign .who { font-size: 8.8pt; line-height: 1.3; }
.signed { max-width: 95mm; }
.foot { margin-top: auto; padding-top: 9mm; font-size: 8pt; color: var(--soft); text-align: center; break-inside: avoid; }
@page { size: A4; margin: 14mm 15mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt Arial, "Liberation Sans", sans-serif; color: #7b868f; } }
@media print {
  html { font-size: 9.2pt; line-height: 1.4; }
  body { background: none; }
  .page { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; display: block; }
  .top { padding-bottom: 4mm; }
  .facts { padding: 4mm 0; }
  .parties { padding-bottom: 4mm; }
  .foot { padding-top: 4mm; }
  .bottom { margin-top: 6mm; }
  .sign .place { height: 13mm; }
}
@media screen and (max-width: 720px) {
  .page { margin: 0; padding: 6mm 5mm; min-height: 0; }
  .top, .parties, .bottom { display: block; }
  .what { text-align: left; padding-top: 4mm; }
  .party, .sign { padding: 0 0 5mm; }
  .bottom > .box { margin-bottom: 7mm; }
  .lines thead, .lines .i, .lines .u { display: none; }
  .lines, .lines tbody { display: block; }
  .lines tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(19mm, 1fr)); gap: 0 3mm; padding: 2mm 0; border-bottom: .5pt solid var(--rule); }
  .lines tr td { padding: 0 !important; border: 0 !important; }
  .lines .t, .lines .d { grid-column: 1 / -1; }
  .lines .d:empty, .lines .t:empty, .lines .n:empty { display: none; }
  .lines .n { text-align: left; }
  .lines .n::before { content: attr(data-l); display: block; font-size: 7.4pt; font-weight: 400; white-space: normal; line-height: 1.2; color: var(--soft); }
  .lines .whole { border-bottom: 0; padding-bottom: 0; }
  .lines .part { padding-top: 1mm; padding-left: 4mm; }
  .lines .part .t { padding-left: 0; }
  .lines .sum { border-top: .8pt solid var(--ink); border-bottom: 0; }
  .totals { display: block; }
  .totals table { width: 100%; }
}
</style>
</head>
<body>
<!--state:mark-->
<main class="page">
<header class="top">
  <div class="brand">{{#brand.logo}}<img src="{{brand.logo}}" alt="{{brand.name}}">{{/brand.logo}}{{^brand.logo}}{{brand.name}}{{/brand.logo}}</div>
  <div class="what">
    <h1>{{heading}}</h1>
    <p class="number"><!--state:status-->{{number_line}}</p>
  </div>
</header>
<dl class="facts">
  {{#date}}
  <div><dt>{{label.date}}</dt><dd>{{date}}</dd></div>
  {{/date}}
  {{#due}}
  <div><dt>{{label.due}}</dt><dd>{{due}}</dd></div>
  {{/due}}
  <!--state:put_off-->
  {{#period}}
  <div><dt>{{label.period}}</dt><dd>{{period}}</dd></div>
  {{/period}}
  {{#contract}}
  <div><dt>{{label.contract_number}}</dt><dd>{{contract}}</dd></div>
  {{/contract}}
  {{#place}}
  <div><dt>{{label.place}}</dt><dd>{{place}}</dd></div>
  {{/place}}
  {{#project}}
  <div><dt>{{label.project}}</dt><dd>{{project}}</dd></div>
  {{/project}}
  {{#task}}
  <div><dt>{{label.task}}</dt><dd>{{task}}</dd></div>
  {{/task}}
  {{#basis}}
  <div><dt>{{label.basis}}</dt><dd>{{basis}}</dd></div>
  {{/basis}}
</dl>
<section class="parties">
  {{#own}}
  <div class="party">
    <h2>{{label.supplier}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/own}}
  {{#client}}
  <div class="party">
    <h2>{{label.customer}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/client}}
</section>
{{#title}}
<p class="subject">{{title}}</p>
{{/title}}
{{#summary}}
<section class="summary">
  <h2>{{label.summary}}</h2>
  <dl>
    {{#facts}}
    <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
    {{/facts}}
    {{#before}}
    <div><dt>{{label.summary_before}}, {{period}}</dt><dd>{{gross_money}} <small>({{gross_change}})</small>, {{hours_billed}} {{label.unit_h}} <small>({{hours_change}})</small></dd></div>
    {{/before}}
  </dl>
</section>
{{/summary}}
<table class="lines">
<thead><tr><th class="i">{{label.row_number}}</th><th class="t">{{label.work}}</th><th class="d">{{label.days}}</th><th class="n">{{label.worked}}</th><th class="n">{{label.billed}}</th><th class="n">{{label.price}}, {{currency}}</th>{{#show.discount}}<th class="n">{{label.discount}}</th>{{/show.discount}}<th class="n">{{label.amount}}, {{currency}}</th></tr></thead>
<tbody>
{{#groups}}
{{#show.groups}}
<tr class="group"><td class="i"></td><td class="t">{{title}}</td><td class="d"></td><td class="n" data-l="{{label.worked}}">{{hours_worked}}</td><td class="n" data-l="{{label.billed}}">{{hours_billed}}</td><td class="n"></td>{{#show.discount}}<td class="n"></td>{{/show.discount}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/show.groups}}
{{#tasks}}
<tr class="{{#free}}free {{/free}}{{#several}}whole{{/several}}"><td class="i">{{no}}</td><td class="t">{{#url}}<a href="{{url}}" rel="noopener noreferrer">{{title}}</a>{{/url}}{{^url}}{{title}}{{/url}}{{#pieces}} <span class="tag">{{pieces}} {{unit}}</span>{{/pieces}}{{#coverage}} <span class="tag">{{coverage}}</span>{{/coverage}}</td><td class="d">{{days}}</td><td class="n" data-l="{{label.worked}}">{{hours_worked}}</td><td class="n" data-l="{{label.billed}}">{{hours_billed}}</td><td class="n" data-l="{{label.price}}, {{currency}}">{{price}}</td>{{#show.discount}}<td class="n" data-l="{{label.discount}}">{{discount}}</td>{{/show.discount}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{#lines}}
<tr class="part{{#free}} free{{/free}}"><td class="i"></td><td class="t">{{#pieces}}<span class="tag">{{pieces}} {{unit}}</span> {{/pieces}}{{#coverage}}<span class="tag">{{coverage}}</span>{{/coverage}}</td><td class="d">{{days}}</td><td class="n" data-l="{{label.worked}}">{{hours_worked}}</td><td class="n" data-l="{{label.billed}}">{{hours_billed}}</td><td class="n" data-l="{{label.price}}, {{currency}}">{{price}}</td>{{#show.discount}}<td class="n" data-l="{{label.discount}}">{{discount}}</td>{{/show.discount}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/lines}}
{{/tasks}}
{{/groups}}
<tr class="sum"><td class="i"></td><td class="t">{{label.total}}</td><td class="d"></td><td class="n" data-l="{{label.worked}}">{{totals.hours_worked}}</td><td class="n" data-l="{{label.billed}}">{{totals.hours_billed}}</td><td class="n"></td>{{#show.discount}}<td class="n"></td>{{/show.discount}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{totals.amount}}</td></tr>
</tbody>
</table>
<div class="totals">
<div class="summed">
{{#show.clock}}
<p>{{label.clock_note}}</p>
{{/show.clock}}
{{#show.summed}}
<p>{{label.summed_note}}</p>
{{/show.summed}}
</div>
<table>
{{#totals}}
{{#discount}}
<tr><td>{{label.subtotal}}</td><td>{{amount}}</td></tr>
<tr><td>{{label.discount}}</td><td>{{discount}}</td></tr>
{{/discount}}
{{^inclusive}}
{{#taxed}}
<tr><td>{{label.net}}</td><td>{{net}}</td></tr>
{{/taxed}}
{{#taxes}}
<tr><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
<tr class="gross"><td>{{gross_label}}</td><td>{{gross_money}}</td></tr>
{{#inclusive}}
{{#taxes}}
<tr class="after"><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
{{#tax_free}}
<tr class="after"><td>{{label.tax_none}}</td><td></td></tr>
{{/tax_free}}
{{/totals}}
</table>
</div>
<!--state:paid-->
{{#totals.words}}
<p class="words"><span>{{label.in_words}}:</span> {{totals.words}}.</p>
{{/totals.words}}
{{#totals.tax_words}}
<p class="words"><span>{{label.tax_in_words}}:</span> {{totals.tax_words}}.</p>
{{/totals.tax_words}}
{{#note}}
<section class="box"><h2>{{label.note}}</h2><p style="white-space: pre-line">{{note}}</p></section>
{{/note}}
{{#meaning}}
<p class="words">{{meaning}}</p>
{{/meaning}}
<div class="signed"><!--state:signature--></div>
{{#brand.footer}}
<footer class="foot">{{brand.footer}}</footer>
{{/brand.footer}}
</main>
</body>
</html>
$page$);
INSERT INTO template (kind, rules, language, body) VALUES ('specification', NULL, NULL, $page$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'">
<title>{{page_title}}</title>
<style>
:root { --accent: {{brand.accent}}; --ink: {{brand.ink}}; --soft: #66717b; --rule: #dde2e6; --tint: #f5f7f8; }
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif; color: var(--ink);
  -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0; background: #e9edf0; }
h1, h2, p, dl, dd { margin: 0; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.page { position: relative; width: 210mm; max-width: 100%; min-height: 297mm; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); display: flex; flex-direction: column; }
.top { display: flex; justify-content: space-between; align-items: flex-start; gap: 10mm; padding-bottom: 7mm; border-bottom: 1.2pt solid var(--accent); }
.brand { font-size: 15pt; font-weight: 700; line-height: 1.2; letter-spacing: -.01em; color: var(--accent); max-width: 80mm; overflow-wrap: anywhere; }
.brand img { display: block; width: auto; height: 14mm; max-width: 62mm; object-fit: contain; object-position: left; }
.what { text-align: right; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: var(--soft); font-variant-numeric: tabular-nums; }
.facts { display: flex; flex-wrap: wrap; gap: 3mm 8mm; padding: 5mm 0; }
dt { font-size: 7.8pt; color: var(--soft); }
.facts dd { font-weight: 500; }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 10mm; padding: 1mm 0 6mm; }
h2 { font-size: 7.8pt; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--accent); margin-bottom: 1.4mm; }
.party .name { font-size: 11pt; font-weight: 600; line-height: 1.3; margin-bottom: 1mm; overflow-wrap: anywhere; }
.list { font-size: 8.8pt; line-height: 1.5; overflow-wrap: anywhere; }
.list div { display: flex; gap: 1.2mm; }
.list dt { flex: none; font-size: inherit; }
.list dt::after { content: ":"; }
.subject { font-size: 11.5pt; font-weight: 600; padding-bottom: 3mm; }
.text { padding-bottom: 5mm; white-space: pre-line; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.lines th { font-size: 7.8pt; font-weight: 600; text-align: left; vertical-align: bottom; color: var(--soft); padding: 0 2mm 1.6mm; line-height: 1.25;
  border-bottom: .8pt solid var(--ink); }
.lines td { padding: 1.6mm 2mm; vertical-align: top; border-bottom: .5pt solid var(--rule); }
.lines th:first-child, .lines td:first-child { padding-left: 0; }
.lines th:last-child, .lines td:last-child { padding-right: 0; }
.lines .n { text-align: right; white-space: nowrap; }
.lines th.n { white-space: normal; }
.lines th.n { min-width: 16mm; }
.lines .i { width: 8mm; color: var(--soft); }
.lines td.d { font-size: 8.4pt; white-space: nowrap; color: var(--soft); padding-top: calc(1.6mm + .8pt); }
.lines tbody tr:last-child { break-after: avoid; }
.lines .t { width: auto; overflow-wrap: anywhere; }
.lines .group td { padding-top: 3.4mm; padding-bottom: 1.4mm; font-weight: 600; border-bottom-color: var(--accent); }
.lines .sum td { font-weight: 600; border-bottom: 0; border-top: .8pt solid var(--ink); }
.lines .free td { color: var(--soft); }
.lines .whole td, .lines .part td { border-bottom: 0; }
.lines .part + tr:not(.part) td { border-top: .5pt solid var(--rule); }
.lines .whole { break-after: avoid; }
.lines .part td { padding-top: 0; font-size: 8.8pt; color: var(--soft); }
.lines .part .t { padding-left: 6mm; }
.summary { margin-bottom: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.summary dl { display: flex; flex-wrap: wrap; gap: 2.4mm 8mm; }
.summary dd { font-weight: 600; font-variant-numeric: tabular-nums; }
.summary small { font-weight: 400; font-size: inherit; color: var(--soft); }
.tag { display: inline-block; padding: 0 1.6mm; border-radius: 2mm; background: #eceff1; font-size: 7.6pt; line-height: 1.6; color: #4d5860; white-space: nowrap; }
.totals { display: flex; justify-content: flex-end; padding-top: 4mm; break-inside: avoid; break-before: avoid; }
.totals table { width: 88mm; }
.totals .summed { flex: 1; padding: .8mm 8mm 0 0; color: var(--soft); font-size: 8pt; }
.totals td { padding: .8mm 0; }
.totals td + td { text-align: right; white-space: nowrap; padding-left: 4mm; }
.totals .gross td { font-size: 12.5pt; font-weight: 700; padding-top: 2mm; border-top: 1.2pt solid var(--accent); }
.totals .gross td + td { color: var(--accent); }
.totals .after td { color: var(--soft); }
.words { padding-top: 2.4mm; break-inside: avoid; break-before: avoid; }
.words span { color: var(--soft); }
.box { margin-top: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.box .list { display: grid; gap: .4mm; }
.slip { display: grid; grid-template-columns: 1.5fr 1fr; border: .6pt solid var(--rule); font-size: 8.8pt; break-inside: avoid; }
.slip + .slip { border-top: 0; }
.slip + :not(.slip) { margin-top: 5mm; }
.slip .who { padding: 1.6mm 2.4mm; border-right: .6pt solid var(--rule); overflow-wrap: anywhere; }
.slip .who p { font-weight: 500; }
.slip .who span { margin-right: 3mm; }
.slip small { display: block; color: var(--soft); font-size: 7.8pt; }
.slip dl { padding: 1mm 2.4mm; }
.slip dl div { display: flex; align-items: baseline; gap: 2mm; padding: .5mm 0; }
.slip dt { flex: none; min-width: 9mm; }
.slip dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.bottom { display: flex; align-items: flex-start; gap: 12mm; margin-top: 7mm; break-inside: avoid; break-before: avoid; }
.bottom > * { flex: 1; }
.bottom > .box { flex: 1.35; margin-top: 0; }
.sign { max-width: 95mm; }
.sign .place { position: relative; height: 15mm; border-bottom: .6pt solid var(--ink); }
.sign .under { display: flex; justify-content: space-between; gap: 4mm; padding-top: 1mm; font-size: 8.4pt; color: var(--soft); }
.sign .under span:last-child { flex: none; white-space: nowrap; }
.sign .who { font-size: 8.8pt; line-height: 1.3; }
.signed { max-width: 95mm; }
.foot { margin-top: auto; padding-top: 9mm; font-size: 8pt; color: var(--soft); text-align: center; break-inside: avoid; }
@page { size: A4; margin: 14mm 15mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt Arial, "Liberation Sans", sans-serif; color: #7b868f; } }
@media print {
  html { font-size: 9.2pt; line-height: 1.4; }
  body { background: none; }
  .page { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; display: block; }
  .top { padding-bottom: 4mm; }
  .facts { padding: 4mm 0; }
  .parties { padding-bottom: 4mm; }
  .foot { padding-top: 4mm; }
  .bottom { margin-top: 6mm; }
  .sign .place { height: 13mm; }
}
@media screen and (max-width: 720px) {
  .page { margin: 0; padding: 6mm 5mm; min-height: 0; }
  .top, .parties, .bottom { display: block; }
  .what { text-align: left; padding-top: 4mm; }
  .party, .sign { padding: 0 0 5mm; }
  .bottom > .box { margin-bottom: 7mm; }
  .lines thead, .lines .i, .lines .u { display: none; }
  .lines, .lines tbody { display: block; }
  .lines tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(19mm, 1fr)); gap: 0 3mm; padding: 2mm 0; border-bottom: .5pt solid var(--rule); }
  .lines tr td { padding: 0 !important; border: 0 !important; }
  .lines .t, .lines .d { grid-column: 1 / -1; }
  .lines .d:empty, .lines .t:empty, .lines .n:empty { display: none; }
  .lines .n { text-align: left; }
  .lines .n::before { content: attr(data-l); display: block; font-size: 7.4pt; font-weight: 400; white-space: normal; line-height: 1.2; color: var(--soft); }
  .lines .whole { border-bottom: 0; padding-bottom: 0; }
  .lines .part { padding-top: 1mm; padding-left: 4mm; }
  .lines .part .t { padding-left: 0; }
  .lines .sum { border-top: .8pt solid var(--ink); border-bottom: 0; }
  .totals { display: block; }
  .totals table { width: 100%; }
}
</style>
</head>
<body>
<!--state:mark-->
<main class="page">
<header class="top">
  <div class="brand">{{#brand.logo}}<img src="{{brand.logo}}" alt="{{brand.name}}">{{/brand.logo}}{{^brand.logo}}{{brand.name}}{{/brand.logo}}</div>
  <div class="what">
    <h1>{{heading}}</h1>
    <p class="number"><!--state:status-->{{number_line}}</p>
  </div>
</header>
<dl class="facts">
  {{#date}}
  <div><dt>{{label.date}}</dt><dd>{{date}}</dd></div>
  {{/date}}
  {{#due}}
  <div><dt>{{label.due}}</dt><dd>{{due}}</dd></div>
  {{/due}}
  <!--state:put_off-->
  {{#period}}
  <div><dt>{{label.period}}</dt><dd>{{period}}</dd></div>
  {{/period}}
  {{#contract}}
  <div><dt>{{label.contract_number}}</dt><dd>{{contract}}</dd></div>
  {{/contract}}
  {{#place}}
  <div><dt>{{label.place}}</dt><dd>{{place}}</dd></div>
  {{/place}}
  {{#project}}
  <div><dt>{{label.project}}</dt><dd>{{project}}</dd></div>
  {{/project}}
  {{#task}}
  <div><dt>{{label.task}}</dt><dd>{{task}}</dd></div>
  {{/task}}
  {{#basis}}
  <div><dt>{{label.basis}}</dt><dd>{{basis}}</dd></div>
  {{/basis}}
</dl>
<section class="parties">
  {{#own}}
  <div class="party">
    <h2>{{label.supplier}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/own}}
  {{#client}}
  <div class="party">
    <h2>{{label.customer}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/client}}
</section>
{{#title}}
<p class="subject">{{title}}</p>
{{/title}}
{{#requirements}}
<h2>{{label.requirements}}</h2>
<p class="text">{{requirements}}</p>
<h2>{{label.estimate}}</h2>
{{/requirements}}
<table class="lines">
<thead><tr><th class="i">{{label.row_number}}</th><th class="t">{{label.description}}</th><th class="n">{{label.quantity}}</th><th class="u">{{label.unit}}</th><th class="n">{{label.price}}, {{currency}}</th>{{#show.discount}}<th class="n">{{label.discount}}</th>{{/show.discount}}{{#show.tax_rate}}<th class="n">{{label.tax}}</th>{{/show.tax_rate}}<th class="n">{{label.amount}}, {{currency}}</th></tr></thead>
<tbody>
{{#groups}}
{{#show.groups}}
<tr class="group"><td class="i"></td><td class="t" colspan="2">{{title}}</td><td class="u"></td><td class="n"></td>{{#show.discount}}<td class="n"></td>{{/show.discount}}{{#show.tax_rate}}<td class="n"></td>{{/show.tax_rate}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/show.groups}}
{{#rows}}
<tr{{#free}} class="free"{{/free}}><td class="i">{{no}}</td><td class="t">{{#url}}<a href="{{url}}" rel="noopener noreferrer">{{title}}</a>{{/url}}{{^url}}{{title}}{{/url}}{{#coverage}} <span class="tag">{{coverage}}</span>{{/coverage}}</td><td class="n" data-l="{{label.quantity}}">{{quantity}}</td><td class="u">{{unit}}</td><td class="n" data-l="{{label.price}}, {{currency}}">{{price}}</td>{{#show.discount}}<td class="n" data-l="{{label.discount}}">{{discount}}</td>{{/show.discount}}{{#show.tax_rate}}<td class="n" data-l="{{label.tax}}">{{tax_rate}}</td>{{/show.tax_rate}}<td class="n" data-l="{{label.amount}}, {{currency}}">{{amount}}</td></tr>
{{/rows}}
{{/groups}}
</tbody>
</table>
<div class="totals">
<div class="summed">
{{#show.clock}}
<p>{{label.clock_note}}</p>
{{/show.clock}}
{{#show.summed}}
<p>{{label.summed_note}}</p>
{{/show.summed}}
</div>
<table>
{{#totals}}
{{#discount}}
<tr><td>{{label.subtotal}}</td><td>{{amount}}</td></tr>
<tr><td>{{label.discount}}</td><td>{{discount}}</td></tr>
{{/discount}}
{{^inclusive}}
{{#taxed}}
<tr><td>{{label.net}}</td><td>{{net}}</td></tr>
{{/taxed}}
{{#taxes}}
<tr><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
<tr class="gross"><td>{{gross_label}}</td><td>{{gross_money}}</td></tr>
{{#inclusive}}
{{#taxes}}
<tr class="after"><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
{{#tax_free}}
<tr class="after"><td>{{label.tax_none}}</td><td></td></tr>
{{/tax_free}}
{{/totals}}
</table>
</div>
<!--state:paid-->
{{#totals.words}}
<p class="words"><span>{{label.in_words}}:</span> {{totals.words}}.</p>
{{/totals.words}}
{{#totals.tax_words}}
<p class="words"><span>{{label.tax_in_words}}:</span> {{totals.tax_words}}.</p>
{{/totals.tax_words}}
<p class="words">{{label.specification_end}}</p>
{{#note}}
<section class="box"><h2>{{label.note}}</h2><p style="white-space: pre-line">{{note}}</p></section>
{{/note}}
{{#meaning}}
<p class="words">{{meaning}}</p>
{{/meaning}}
<div class="bottom">
<section class="sign">
  <h2>{{label.for_supplier}}</h2>
  <p class="who">{{own.name}}</p>
  <div class="place"></div>
  <div class="under"><span>{{own.signatory_title}} {{own.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
<section class="sign">
  <h2>{{label.for_customer}}</h2>
  <p class="who">{{client.name}}</p>
  <div class="place"><!--state:signature--></div>
  <div class="under"><span>{{client.signatory_title}} {{client.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
</div>
{{#brand.footer}}
<footer class="foot">{{brand.footer}}</footer>
{{/brand.footer}}
</main>
</body>
</html>
$page$);
INSERT INTO template (kind, rules, language, body) VALUES ('statement', NULL, NULL, $page$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'">
<title>{{page_title}}</title>
<style>
:root { --accent: {{brand.accent}}; --ink: {{brand.ink}}; --soft: #66717b; --rule: #dde2e6; --tint: #f5f7f8; }
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif; color: var(--ink);
  -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0; background: #e9edf0; }
h1, h2, p, dl, dd { margin: 0; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.page { position: relative; width: 210mm; max-width: 100%; min-height: 297mm; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); display: flex; flex-direction: column; }
.top { display: flex; justify-content: space-between; align-items: flex-start; gap: 10mm; padding-bottom: 7mm; border-bottom: 1.2pt solid var(--accent); }
.brand { font-size: 15pt; font-weight: 700; line-height: 1.2; letter-spacing: -.01em; color: var(--accent); max-width: 80mm; overflow-wrap: anywhere; }
.brand img { display: block; width: auto; height: 14mm; max-width: 62mm; object-fit: contain; object-position: left; }
.what { text-align: right; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: var(--soft); font-variant-numeric: tabular-nums; }
.facts { display: flex; flex-wrap: wrap; gap: 3mm 8mm; padding: 5mm 0; }
dt { font-size: 7.8pt; color: var(--soft); }
.facts dd { font-weight: 500; }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 10mm; padding: 1mm 0 6mm; }
h2 { font-size: 7.8pt; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--accent); margin-bottom: 1.4mm; }
.party .name { font-size: 11pt; font-weight: 600; line-height: 1.3; margin-bottom: 1mm; overflow-wrap: anywhere; }
.list { font-size: 8.8pt; line-height: 1.5; overflow-wrap: anywhere; }
.list div { display: flex; gap: 1.2mm; }
.list dt { flex: none; font-size: inherit; }
.list dt::after { content: ":"; }
.subject { font-size: 11.5pt; font-weight: 600; padding-bottom: 3mm; }
.text { padding-bottom: 5mm; white-space: pre-line; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.lines th { font-size: 7.8pt; font-weight: 600; text-align: left; vertical-align: bottom; color: var(--soft); padding: 0 2mm 1.6mm; line-height: 1.25;
  border-bottom: .8pt solid var(--ink); }
.lines td { padding: 1.6mm 2mm; vertical-align: top; border-bottom: .5pt solid var(--rule); }
.lines th:first-child, .lines td:first-child { padding-left: 0; }
.lines th:last-child, .lines td:last-child { padding-right: 0; }
.lines .n { text-align: right; white-space: nowrap; }
.lines th.n { white-space: normal; }
.lines th.n { min-width: 16mm; }
.lines .i { width: 8mm; color: var(--soft); }
.lines td.d { font-size: 8.4pt; white-space: nowrap; color: var(--soft); padding-top: calc(1.6mm + .8pt); }
.lines tbody tr:last-child { break-after: avoid; }
.lines .t { width: auto; overflow-wrap: anywhere; }
.lines .group td { padding-top: 3.4mm; padding-bottom: 1.4mm; font-weight: 600; border-bottom-color: var(--accent); }
.lines .sum td { font-weight: 600; border-bottom: 0; border-top: .8pt solid var(--ink); }
.lines .free td { color: var(--soft); }
.lines .whole td, .lines .part td { border-bottom: 0; }
.lines .part + tr:not(.part) td { border-top: .5pt solid var(--rule); }
.lines .whole { break-after: avoid; }
.lines .part td { padding-top: 0; font-size: 8.8pt; color: var(--soft); }
.lines .part .t { padding-left: 6mm; }
.summary { margin-bottom: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.summary dl { display: flex; flex-wrap: wrap; gap: 2.4mm 8mm; }
.summary dd { font-weight: 600; font-variant-numeric: tabular-nums; }
.summary small { font-weight: 400; font-size: inherit; color: var(--soft); }
.tag { display: inline-block; padding: 0 1.6mm; border-radius: 2mm; background: #eceff1; font-size: 7.6pt; line-height: 1.6; color: #4d5860; white-space: nowrap; }
.totals { display: flex; justify-content: flex-end; padding-top: 4mm; break-inside: avoid; break-before: avoid; }
.totals table { width: 88mm; }
.totals .summed { flex: 1; padding: .8mm 8mm 0 0; color: var(--soft); font-size: 8pt; }
.totals td { padding: .8mm 0; }
.totals td + td { text-align: right; white-space: nowrap; padding-left: 4mm; }
.totals .gross td { font-size: 12.5pt; font-weight: 700; padding-top: 2mm; border-top: 1.2pt solid var(--accent); }
.totals .gross td + td { color: var(--accent); }
.totals .after td { color: var(--soft); }
.words { padding-top: 2.4mm; break-inside: avoid; break-before: avoid; }
.words span { color: var(--soft); }
.box { margin-top: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.box .list { display: grid; gap: .4mm; }
.slip { display: grid; grid-template-columns: 1.5fr 1fr; border: .6pt solid var(--rule); font-size: 8.8pt; break-inside: avoid; }
.slip + .slip { border-top: 0; }
.slip + :not(.slip) { margin-top: 5mm; }
.slip .who { padding: 1.6mm 2.4mm; border-right: .6pt solid var(--rule); overflow-wrap: anywhere; }
.slip .who p { font-weight: 500; }
.slip .who span { margin-right: 3mm; }
.slip small { display: block; color: var(--soft); font-size: 7.8pt; }
.slip dl { padding: 1mm 2.4mm; }
.slip dl div { display: flex; align-items: baseline; gap: 2mm; padding: .5mm 0; }
.slip dt { flex: none; min-width: 9mm; }
.slip dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.bottom { display: flex; align-items: flex-start; gap: 12mm; margin-top: 7mm; break-inside: avoid; break-before: avoid; }
.bottom > * { flex: 1; }
.bottom > .box { flex: 1.35; margin-top: 0; }
.sign { max-width: 95mm; }
.sign .place { position: relative; height: 15mm; border-bottom: .6pt solid var(--ink); }
.sign .under { display: flex; justify-content: space-between; gap: 4mm; padding-top: 1mm; font-size: 8.4pt; color: var(--soft); }
.sign .under span:last-child { flex: none; white-space: nowrap; }
.sign .who { font-size: 8.8pt; line-height: 1.3; }
.signed { max-width: 95mm; }
.foot { margin-top: auto; padding-top: 9mm; font-size: 8pt; color: var(--soft); text-align: center; break-inside: avoid; }
@page { size: A4; margin: 14mm 15mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt Arial, "Liberation Sans", sans-serif; color: #7b868f; } }
@media print {
  html { font-size: 9.2pt; line-height: 1.4; }
  body { background: none; }
  .page { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; display: block; }
  .top { padding-bottom: 4mm; }
  .facts { padding: 4mm 0; }
  .parties { padding-bottom: 4mm; }
  .foot { padding-top: 4mm; }
  .bottom { margin-top: 6mm; }
  .sign .place { height: 13mm; }
}
@media screen and (max-width: 720px) {
  .page { margin: 0; padding: 6mm 5mm; min-height: 0; }
  .top, .parties, .bottom { display: block; }
  .what { text-align: left; padding-top: 4mm; }
  .party, .sign { padding: 0 0 5mm; }
  .bottom > .box { margin-bottom: 7mm; }
  .lines thead, .lines .i, .lines .u { display: none; }
  .lines, .lines tbody { display: block; }
  .lines tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(19mm, 1fr)); gap: 0 3mm; padding: 2mm 0; border-bottom: .5pt solid var(--rule); }
  .lines tr td { padding: 0 !important; border: 0 !important; }
  .lines .t, .lines .d { grid-column: 1 / -1; }
  .lines .d:empty, .lines .t:empty, .lines .n:empty { display: none; }
  .lines .n { text-align: left; }
  .lines .n::before { content: attr(data-l); display: block; font-size: 7.4pt; font-weight: 400; white-space: normal; line-height: 1.2; color: var(--soft); }
  .lines .whole { border-bottom: 0; padding-bottom: 0; }
  .lines .part { padding-top: 1mm; padding-left: 4mm; }
  .lines .part .t { padding-left: 0; }
  .lines .sum { border-top: .8pt solid var(--ink); border-bottom: 0; }
  .totals { display: block; }
  .totals table { width: 100%; }
}
.mirror th, .mirror td { border-left: .5pt solid var(--rule); }
.mirror th:first-child, .mirror td:first-child { border-left: 0; }
.mirror th { padding-top: 1.2mm; }
.mirror .half { text-align: center; }
.mirror .d { white-space: nowrap; }
</style>
</head>
<body>
<main class="page">
<header class="top">
  <div class="brand">{{#brand.logo}}<img src="{{brand.logo}}" alt="{{brand.name}}">{{/brand.logo}}{{^brand.logo}}{{brand.name}}{{/brand.logo}}</div>
  <div class="what">
    <h1>{{heading}}</h1>
    <p class="number">{{period}}</p>
  </div>
</header>
<dl class="facts">
  <div><dt>{{label.date}}</dt><dd>{{date}}</dd></div>
  {{#place}}
  <div><dt>{{label.place}}</dt><dd>{{place}}</dd></div>
  {{/place}}
  <div><dt>{{label.contract_number}}</dt><dd>{{label.statement_all}}</dd></div>
</dl>
<section class="parties">
  {{#own}}
  <div class="party">
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/own}}
  {{#client}}
  <div class="party">
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
    </dl>
  </div>
  {{/client}}
</section>
<table class="lines mirror">
<thead>
<tr><th class="half" colspan="4">{{label.statement_by}} {{own.name}}, {{currency}}</th><th class="half" colspan="4">{{label.statement_by}} {{client.name}}, {{currency}}</th></tr>
<tr><th>{{label.date}}</th><th>{{label.statement_document}}</th><th class="n">{{label.debit}}</th><th class="n">{{label.credit}}</th><th>{{label.date}}</th><th>{{label.statement_document}}</th><th class="n">{{label.debit}}</th><th class="n">{{label.credit}}</th></tr>
</thead>
<tbody>
<tr class="group"><td colspan="2">{{label.opening_balance}}</td><td class="n">{{opening.debit}}</td><td class="n">{{opening.credit}}</td><td colspan="2">{{label.opening_balance}}</td><td></td><td></td></tr>
{{#rows}}
<tr><td class="d">{{date}}</td><td class="t">{{title}}</td><td class="n">{{debit}}</td><td class="n">{{credit}}</td><td></td><td></td><td></td><td></td></tr>
{{/rows}}
<tr class="group"><td colspan="2">{{label.turnover}}</td><td class="n">{{turnover.debit}}</td><td class="n">{{turnover.credit}}</td><td colspan="2">{{label.turnover}}</td><td></td><td></td></tr>
<tr class="sum"><td colspan="2">{{label.closing_balance}}</td><td class="n">{{closing.debit}}</td><td class="n">{{closing.credit}}</td><td colspan="2">{{label.closing_balance}}</td><td></td><td></td></tr>
</tbody>
</table>
<p class="words">{{says}}</p>
<div class="bottom">
<section class="sign">
  <h2>{{label.for_supplier}}</h2>
  <p class="who">{{own.name}}</p>
  <div class="place"></div>
  <div class="under"><span>{{own.signatory_title}} {{own.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
<section class="sign">
  <h2>{{label.for_customer}}</h2>
  <p class="who">{{client.name}}</p>
  <div class="place"><!--state:signature--></div>
  <div class="under"><span>{{client.signatory_title}} {{client.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
</div>
{{#brand.footer}}
<footer class="foot">{{brand.footer}}</footer>
{{/brand.footer}}
</main>
</body>
</html>
$page$);
