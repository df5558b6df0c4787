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
INSERT INTO setting (version) VALUES ('@version@');

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
