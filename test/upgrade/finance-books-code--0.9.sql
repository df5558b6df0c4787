-- ---------------------------------------------------------------------------
-- access: who may do what, as data that stands beside what it is about
--
-- Each table, column group and function of the books says in its own file which
-- level may use it: SELECT allow('clerk', 'insert', 'task').  What says nothing
-- is private.  grant.sql turns the rules into GRANTs for the roles of people.
-- ---------------------------------------------------------------------------

-- A rule that is there stays: the owner may have made it narrower since, and an
-- upgrade says all rules again.  One that a new version changes is a step's to change.
CREATE FUNCTION allow(p_level text, p_verbs text, p_object text, columns text[] DEFAULT NULL, but text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_verb text;
    v_column text;
BEGIN
    FOREACH v_verb IN ARRAY string_to_array(p_verbs, ',') LOOP
        IF v_verb = 'execute' AND NOT EXISTS (SELECT FROM pg_proc p
                                               WHERE p.proname = p_object
                                                 AND p.pronamespace = quote_ident(current_schema())::regnamespace)
            OR v_verb <> 'execute' AND to_regclass(quote_ident(p_object)) IS NULL THEN
            RAISE EXCEPTION 'a rule of access names "%", which there is not', p_object
                USING ERRCODE = 'undefined_object';
        END IF;
        SELECT c INTO v_column FROM unnest(columns || but) c
         WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass(quote_ident(p_object))
                                                        AND a.attname = c AND a.attnum > 0) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'a rule of access names column "%" of "%", which there is not', v_column, p_object
                USING ERRCODE = 'undefined_column';
        END IF;
        INSERT INTO access_rule (object, verb, level, columns, but)
        VALUES (p_object, v_verb, p_level, allow.columns, allow.but)
        ON CONFLICT ON CONSTRAINT access_rule_pkey DO NOTHING;
    END LOOP;
END $$;
COMMENT ON FUNCTION allow(text, text, text, text[], text[]) IS
    'say from which level on verbs (''select,insert'', or ''execute'') of a table, view or function are allowed, all '
    'columns, only these, or all but these';

-- Members of the owner may do everything.
CREATE FUNCTION level_rank(p_role name) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
BEGIN ATOMIC
    SELECT CASE WHEN pg_has_role(p_role, c.relowner, 'USAGE') THEN (SELECT max(l.rank) FROM access_level l)
                ELSE coalesce((SELECT max(l.rank) FROM access_grant g
                                 JOIN access_level l USING (level)
                                 JOIN pg_roles o ON o.rolname = g.role
                                WHERE pg_has_role(p_role, o.oid, 'USAGE')), -1) END
      FROM pg_class c WHERE c.oid = 'access_grant'::regclass;
END;
COMMENT ON FUNCTION level_rank(name) IS
    'the rank of the highest level that a role has, also as a member of another; -1 for none. SECURITY DEFINER because '
    'nobody is granted access_grant';

-- Inside a SECURITY DEFINER function current_user is the owner of the books;
-- the setting "role" still tells who asked.
CREATE FUNCTION calling_role() RETURNS name
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(nullif(current_setting('role'), 'none'), session_user)::name;
END;
COMMENT ON FUNCTION calling_role() IS
    'the role that calls, as SET ROLE or the login made it, whoever the function belongs to';

CREATE FUNCTION has_level(level text) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT level_rank(calling_role()) >= l.rank FROM access_level l WHERE l.level = has_level.level;
END;
COMMENT ON FUNCTION has_level(text) IS
    'has the calling role this level of access to these books, or a higher one? NULL for a level that there is not';
SELECT allow('reader', 'execute', 'has_level');

-- In a trigger the role is current_user: what a function of the books does for
-- its caller was allowed with the function.
CREATE FUNCTION require_level(p_level text, p_what text, p_role name DEFAULT current_user) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF level_rank(p_role) < (SELECT l.rank FROM access_level l WHERE l.level = p_level) THEN
        RAISE EXCEPTION 'role "%" may not %', p_role, p_what
            USING ERRCODE = 'insufficient_privilege',
            HINT = format('That takes the level %s of access to these books.', p_level);
    END IF;
END $$;
COMMENT ON FUNCTION require_level(text, text, name) IS
    'refuse (42501) what the level of a role does not allow, where the rules of a table or function are too coarse';

-- A restore without privileges, or without one of the roles that had some, opens
-- functions to PUBLIC again, as all functions begin.
CREATE VIEW open_function WITH (security_invoker) AS
    SELECT p.oid::regprocedure::text AS object
      FROM pg_proc p
     WHERE p.pronamespace IN (SELECT f.pronamespace FROM pg_proc f WHERE f.oid = 'level_rank(name)'::regprocedure
                              UNION SELECT c.relnamespace FROM pg_class c WHERE c.oid = 'access_rule'::regclass)
       AND p.prosecdef
       AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                    WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE');
COMMENT ON VIEW open_function IS
    'functions of the books that act for their owner and that PUBLIC may call: none, but after a restore that lost '
    'privileges; grant_access() closes them';
SELECT allow('controller', 'select', 'open_function');
-- ---------------------------------------------------------------------------
-- history: who did what to the rows that people edit
--
-- Every table says beside itself that it is watched: SELECT watch('table').
-- Tables that only functions of the books write carry own_table() instead.
-- Those of access.sql, which comes first, are watched from grant.sql on.
-- ---------------------------------------------------------------------------

CREATE VIEW history_change WITH (security_invoker) AS
    SELECT h.id AS history_id, h.at, h.by, h.login, h.table_name, h.row_key, h.action, c.column_name,
           h.old_values ->> c.column_name AS old_value, h.new_values ->> c.column_name AS new_value
      FROM history h
     CROSS JOIN LATERAL
           jsonb_object_keys(coalesce(h.old_values, '{}') || coalesce(h.new_values, '{}')) AS c (column_name);
COMMENT ON VIEW history_change IS
    'history by column: who (by, login) changed which column of which row (table_name, row_key) when, from old_value '
    'to new_value, as text; NULL: no value';
SELECT allow('controller', 'select', 'history_change');

-- Runs while books are made or upgraded, never later: hence the dynamic SQL.
CREATE FUNCTION watch(p_table text, VARIADIC p_options text[] DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_kept text := (SELECT string_agg(quote_literal(o), ', ') FROM unnest(p_options) o WHERE o <> 'changes');
    v_event text[];
BEGIN
    FOREACH v_event SLICE 1 IN ARRAY ARRAY[ARRAY['insert', 'NEW TABLE AS new_rows'],
                                           ARRAY['update', 'OLD TABLE AS old_rows NEW TABLE AS new_rows'],
                                           ARRAY['delete', 'OLD TABLE AS old_rows']]
    LOOP
        CONTINUE WHEN v_event[1] = 'insert' AND 'changes' = ANY (p_options);
        EXECUTE format('CREATE OR REPLACE TRIGGER history_of_%1$s AFTER %1$s ON %2$I REFERENCING %3$s '
                       'FOR EACH STATEMENT EXECUTE FUNCTION keep_history(%4$s)',
                       v_event[1], p_table, v_event[2], v_kept);
    END LOOP;
    EXECUTE format('CREATE OR REPLACE TRIGGER watched_not_truncated BEFORE TRUNCATE ON %I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(%L)',
                   p_table, 'Delete the rows instead: history keeps what they held.');
END $$;
COMMENT ON FUNCTION watch(text, text[]) IS
    'keep the history of a table: makes its triggers, and refuses TRUNCATE. Options: ''changes'' (not the INSERT: rows '
    'carry who made them), ''digest:column'', ''ignore:column'', ''unless:column'' as keep_history() takes them';
-- ---------------------------------------------------------------------------
-- currency: exchange rates and decimals
-- ---------------------------------------------------------------------------

-- PL/pgSQL, here and below: it keeps its plan, and a bulk load asks for each row.
CREATE FUNCTION pair_exchange(p_from text, p_to text, p_on date, OUT times numeric, OUT over numeric,
                              OUT valid_from date)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT r.rate, r.valid_from INTO pair_exchange.times, pair_exchange.valid_from FROM exchange_rate r
     WHERE r.base = p_from AND r.quote = p_to AND r.valid_from <= p_on
     ORDER BY r.valid_from DESC LIMIT 1;
    IF FOUND THEN
        over := 1;
        RETURN;
    END IF;
    SELECT r.rate, r.valid_from INTO pair_exchange.over, pair_exchange.valid_from FROM exchange_rate r
     WHERE r.base = p_to AND r.quote = p_from AND r.valid_from <= p_on
     ORDER BY r.valid_from DESC LIMIT 1;
    IF FOUND THEN
        times := 1;
    END IF;
END $$;
COMMENT ON FUNCTION pair_exchange(text, text, date) IS
    'the latest rate of a pair on a date, else that of the opposite pair, as what to multiply by (times) and to divide '
    'by (over), and since when it holds; NULL when neither is known';

-- Nothing is divided before the end: a quotient that is rounded early is no cent any more.
CREATE FUNCTION exchange(p_from text, p_to text, p_on date, OUT times numeric, OUT over numeric, OUT valid_from date)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_base text;
    v_in record;
    v_out record;
BEGIN
    IF p_from = p_to THEN
        times := 1;
        over := 1;
        valid_from := p_on;
        RETURN;
    END IF;
    SELECT r.times, r.over, r.valid_from INTO exchange.times, exchange.over, exchange.valid_from
      FROM pair_exchange(p_from, p_to, p_on) r;
    IF times IS NULL THEN
        v_base := (SELECT s.base_currency FROM setting s);
        v_in := pair_exchange(p_from, v_base, p_on);
        v_out := pair_exchange(v_base, p_to, p_on);
        times := v_in.times * v_out.times;
        over := v_in.over * v_out.over;
        valid_from := CASE WHEN times IS NOT NULL THEN least(v_in.valid_from, v_out.valid_from) END;
    END IF;
END $$;
COMMENT ON FUNCTION exchange(text, text, date) IS
    'how one currency becomes another on a date: multiplied by times, then divided by over; by the rate of the pair, '
    'else of the opposite pair, else by way of the base currency, each by its own last rate; valid_from of the older '
    'of them. NULL when there is none';

-- A rate that has no last digit is rounded up: so the half of a cent that it makes
-- of an amount is the half, and is rounded as such.
CREATE FUNCTION exchange_rate_on(from_currency text, to_currency text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v record := exchange(from_currency, to_currency, on_date);
BEGIN
    RETURN round(ceil(v.times * 1e12 / v.over) / 1e12, 12);
END $$;
COMMENT ON FUNCTION exchange_rate_on(text, text, date) IS
    'how much of to_currency one from_currency costs on a date: the latest rate of the pair, else the inverse of the '
    'opposite pair, else by way of the base currency, to 12 decimals; NULL when none is known';
SELECT allow('reader', 'execute', 'exchange_rate_on');

CREATE FUNCTION convert(amount numeric, from_currency text, to_currency text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent smallint := (SELECT c.exponent FROM currency_code c WHERE c.code = to_currency);
    v record := exchange(from_currency, to_currency, on_date);
BEGIN
    IF v_exponent IS NULL OR NOT EXISTS (SELECT FROM currency_code c WHERE c.code = from_currency) THEN
        RAISE EXCEPTION 'unknown currency "%"', CASE WHEN v_exponent IS NULL THEN to_currency ELSE from_currency END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Add it to table currency_code.';
    END IF;
    IF v.times IS NULL AND amount IS NOT NULL AND on_date IS NOT NULL THEN
        RAISE EXCEPTION 'no exchange rate from % to % on %', from_currency, to_currency, on_date
            USING ERRCODE = 'foreign_key_violation',
            HINT = 'Add the rate to table exchange_rate, valid from that day or earlier.';
    END IF;
    RETURN round_money(amount * v.times / v.over, v_exponent);
END $$;
COMMENT ON FUNCTION convert(numeric, text, text, date) IS
    'an amount in another currency by the last rate on or before the date, rounded once; refused (22023, 23503) for an '
    'unknown currency or a missing rate';
SELECT allow('reader', 'execute', 'convert');

CREATE FUNCTION keep_meaning() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_books();
    IF (CASE TG_TABLE_NAME
           WHEN 'currency_code' THEN EXISTS (SELECT FROM charge h WHERE h.currency = to_jsonb(OLD) ->> 'code')
                                    OR EXISTS (SELECT FROM entry e WHERE e.currency = to_jsonb(OLD) ->> 'code')
           ELSE EXISTS (SELECT FROM entry e WHERE
                                (to_jsonb(OLD) ->> 'account_id')::bigint IN (e.debit_id, e.credit_id)) END) THEN
        RAISE EXCEPTION '% % has postings and keeps its %', replace(TG_TABLE_NAME, '_', ' '),
            coalesce(to_jsonb(OLD) ->> 'name', to_jsonb(OLD) ->> 'code'), TG_ARGV[0]
            USING ERRCODE = 'restrict_violation', HINT = 'What is posted would mean something else; add another row.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_meaning() IS
    'trigger function of currency_code and cash_account: what gives postings their meaning stays once there are any '
    '(23001); SECURITY DEFINER because nobody is granted the locks';

CREATE FUNCTION currency_exponent(p_currency text) RETURNS int
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.exponent::int FROM currency_code c WHERE c.code = p_currency;
END;
COMMENT ON FUNCTION currency_exponent(text) IS 'number of decimals of a currency';
-- ---------------------------------------------------------------------------
-- setting: what holds for the whole set of books
-- ---------------------------------------------------------------------------

-- Amounts never carry more decimals than their currency has.  A CHECK cannot
-- look the exponent up (its table may not be restored yet), so triggers do.
CREATE FUNCTION refuse_inexact(p_table text, p_constraint text, p_currency text, p_column text,
                               p_amount numeric) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION '% of % is % %, which % cannot hold', p_column, p_table, trim_scale(p_amount), p_currency,
        p_currency
        USING ERRCODE = 'check_violation', CONSTRAINT = p_constraint,
            DETAIL = format('%s has %s decimals.', p_currency,
                            (SELECT c.exponent FROM currency_code c WHERE c.code = p_currency)),
            HINT = 'Round the amount before you store it.';
END $$;
COMMENT ON FUNCTION refuse_inexact(text, text, text, text, numeric) IS
    'raise (23514) that a column of a table has an amount with more decimals than its currency';

CREATE FUNCTION check_exact() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_row jsonb := to_jsonb(NEW);
    v_currency text := coalesce(v_row ->> 'currency',
        (SELECT c.currency FROM contract c WHERE c.id = (v_row ->> 'contract_id')::bigint));
    v_exponent smallint := (SELECT c.exponent FROM currency_code c WHERE c.code = v_currency);
    v_amount numeric;
    v_column text;
BEGIN
    FOREACH v_column IN ARRAY TG_ARGV LOOP
        v_amount := (v_row ->> v_column)::numeric;
        IF v_exponent IS NOT NULL AND v_amount IS NOT NULL AND v_amount <> round_money(v_amount, v_exponent) THEN
            PERFORM refuse_inexact(TG_TABLE_NAME, TG_NAME, v_currency, v_column, v_amount);
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_exact() IS
    'trigger function: the columns named as arguments hold whole units of the row''s currency (its own or its '
    'contract''s); refused with 23514';

CREATE FUNCTION keep_setting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_books() WHERE NEW.base_currency <> OLD.base_currency;
    IF NEW.base_currency <> OLD.base_currency
        AND (EXISTS (SELECT FROM charge) OR EXISTS (SELECT FROM entry)) THEN
        RAISE EXCEPTION 'the base currency stays % once there are charges or ledger entries', OLD.base_currency
            USING ERRCODE = 'restrict_violation',
                HINT = 'Make another set of books with finance.create_books() for another base currency.';
    END IF;
    IF NOT is_zone(NEW.zone) THEN
        RAISE EXCEPTION 'unknown time zone "%"', NEW.zone
            USING ERRCODE = 'invalid_parameter_value', HINT = 'See pg_timezone_names for the names.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_setting() IS
    'trigger function of setting: the base currency is fixed once there are facts; the zone must exist; SECURITY '
    'DEFINER because nobody is granted the locks';

CREATE FUNCTION books_today() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT (now() AT TIME ZONE s.zone)::date FROM setting s;
END;
COMMENT ON FUNCTION books_today() IS 'the date in the zone of the books';
SELECT allow('reader', 'execute', 'books_today');
-- ---------------------------------------------------------------------------
-- writer: one function writes each table of facts
--
-- It takes rows of the table's own type and is made from the table's columns, as
-- the catalog has them: so a new column is written once the table has it.  These run
-- while books are made or upgraded, never later: hence the dynamic SQL.
-- ---------------------------------------------------------------------------

CREATE FUNCTION column_list(p_table text, p_format text, p_but text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT string_agg(format(p_format, quote_ident(a.attname)), ', ' ORDER BY a.attnum)
      FROM pg_attribute a
     WHERE a.attrelid = quote_ident(p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND a.attname <> ALL (p_but);
END;
COMMENT ON FUNCTION column_list(text, text, text[]) IS
    'the columns of a table that can be written, but some, each in a format (%1$s its name), with commas between them';

CREATE FUNCTION value_list(p_table text, p_alias text, p_but text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT string_agg(CASE WHEN d.adbin IS NULL THEN format('%s.%I', p_alias, a.attname)
                           ELSE format('coalesce(%s.%I, %s)', p_alias, a.attname, pg_get_expr(d.adbin, d.adrelid)) END,
                      ', ' ORDER BY a.attnum)
      FROM pg_attribute a
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = quote_ident(p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND a.attname <> ALL (p_but);
END;
COMMENT ON FUNCTION value_list(text, text, text[]) IS
    'what column_list() has, as a row of an alias gives it: the column''s default where it is NULL';

CREATE FUNCTION make_writer(p_table text, p_function text, p_conflict text DEFAULT '') RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION %1$s(p_rows %2$I[]) RETURNS bigint[]
            LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $body$
        DECLARE
            v_ids bigint[];
        BEGIN
            WITH put AS (
                INSERT INTO %2$I (%3$s)
                SELECT %4$s FROM unnest(p_rows) WITH ORDINALITY n ORDER BY n.ordinality %5$s RETURNING id
            )
            SELECT coalesce(array_agg(p.id ORDER BY p.id), '{}') INTO v_ids FROM put p;
            RETURN v_ids;
        END $body$ $function$,
        p_function, p_table, column_list(p_table, '%1$s'), value_list(p_table, 'n'), p_conflict);
    EXECUTE format('COMMENT ON FUNCTION %s(%I[]) IS %L', p_function, p_table,
                   format('write new rows of %s and return their ids; NULL means a '
                          'column''s default', p_table));
END $$;
COMMENT ON FUNCTION make_writer(text, text, text) IS
    'make the function that writes a table from rows of its type: p_function(p_table[]) returns bigint[], with an ON '
    'CONFLICT clause where there is one';

CREATE FUNCTION row_of(p_table text, p_alias text, p_names text[]) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('ROW(%s)::%I', string_agg(
               CASE WHEN a.attname = ANY (p_names) THEN format('%I.%I', p_alias, a.attname)
                    ELSE 'NULL' END, ', ' ORDER BY a.attnum), p_table)
      FROM pg_attribute a
     WHERE a.attrelid = quote_ident(p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
END;
COMMENT ON FUNCTION row_of(text, text, text[]) IS
    'a row of a table with the columns of these names taken from an alias, the others NULL';
-- ---------------------------------------------------------------------------
-- input: reading what callers pass as JSON
-- ---------------------------------------------------------------------------

-- What comes in the address of a request is text: a JSON document sent there
-- arrives as a JSON string that holds it.
CREATE FUNCTION json_argument(p_argument jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN jsonb_typeof(p_argument) = 'string' AND p_argument #>> '{}' ~ '^[[:space:]]*[[{]'
                THEN (p_argument #>> '{}')::jsonb ELSE p_argument END;
END;
COMMENT ON FUNCTION json_argument(jsonb) IS
    'an argument of a function that is called by people and gateways: where it is a JSON string that holds an object '
    'or an array, that object or array; anything else as it is. Refused (22P02): text that begins like one and is none';

CREATE FUNCTION filter_list(p_filter jsonb, p_key text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE jsonb_typeof(p_filter -> p_key)
               WHEN 'array' THEN ARRAY(SELECT e FROM jsonb_array_elements_text(p_filter -> p_key) e)
               WHEN 'null' THEN NULL
               ELSE ARRAY[p_filter ->> p_key] END
     WHERE p_filter ? p_key;
END;
COMMENT ON FUNCTION filter_list(jsonb, text) IS
    'the values a filter names under a key, one or an array of them; NULL when it does not';

CREATE FUNCTION check_keys(p_object jsonb, p_what text, p_known text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_bad text;
BEGIN
    IF jsonb_typeof(p_object) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION '% must be a JSON object, not %', p_what, coalesce(jsonb_typeof(p_object), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Known keys: %s.', array_to_string(p_known, ', '));
    END IF;
    SELECT k INTO v_bad FROM jsonb_object_keys(p_object) k WHERE k <> ALL (p_known) ORDER BY k LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% has an unknown key "%"', p_what, v_bad
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Known keys: %s.', array_to_string(p_known, ', '));
    END IF;
END $$;
COMMENT ON FUNCTION check_keys(jsonb, text, text[]) IS
    'refuse (22023) what is no JSON object or has a key that is not known';

CREATE FUNCTION given_date(p_object jsonb, p_key text) RETURNS date
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_text CONSTANT text := p_object ->> p_key;
    v_date CONSTANT date := iso_date(v_text);
BEGIN
    IF v_text IS NOT NULL AND v_date IS NULL THEN
        RAISE EXCEPTION '"%" is no date: "%"', p_key, v_text
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Write dates as YYYY-MM-DD: they mean the same day to everybody.';
    END IF;
    RETURN v_date;
END $$;
COMMENT ON FUNCTION given_date(jsonb, text) IS
    'the date that a JSON object has under a key, NULL when it has none; refused (22023) when it is not written as '
    'YYYY-MM-DD';

CREATE FUNCTION given_number(p_object jsonb, p_key text) RETURNS numeric
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_text CONSTANT text := p_object ->> p_key;
BEGIN
    IF v_text !~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$' THEN
        RAISE EXCEPTION '"%" is no number: "%"', p_key, v_text
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write numbers as 1234.56, as text or not.';
    END IF;
    RETURN v_text::numeric;
END $$;
COMMENT ON FUNCTION given_number(jsonb, text) IS
    'the number that a JSON object has under a key, NULL when it has none; refused (22023) when it is none';

CREATE FUNCTION named_id(p_key text, p_name jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_name text := p_name #>> '{}';
    v_table text := CASE WHEN p_key IN ('client', 'own') THEN 'party' WHEN p_key = 'to_cash_account' THEN 'cash_account'
                         ELSE p_key END;
    v_ids bigint[];
BEGIN
    IF jsonb_typeof(p_name) IS DISTINCT FROM 'string' THEN
        RETURN p_name;
    END IF;
    v_ids := CASE v_table
        WHEN 'party' THEN ARRAY(SELECT p.id FROM party p WHERE p.name = v_name)
        WHEN 'contract' THEN ARRAY(SELECT c.id FROM contract c WHERE c.number = v_name)
        WHEN 'project' THEN ARRAY(SELECT p.id FROM project p WHERE p.name = v_name)
        WHEN 'task' THEN ARRAY(SELECT t.id FROM task t WHERE v_name IN (t.number, t.title))
        WHEN 'deal' THEN ARRAY(SELECT d.id FROM deal d WHERE d.name = v_name)
        WHEN 'direction' THEN ARRAY(SELECT d.id FROM direction d WHERE d.name = v_name)
        WHEN 'work_type' THEN ARRAY(SELECT w.id FROM work_type w WHERE w.code = v_name)
        WHEN 'employee' THEN ARRAY(SELECT m.id FROM employee m WHERE v_name IN (m.name, m.email))
        WHEN 'cash_account' THEN ARRAY(SELECT a.id FROM cash_account a WHERE a.name = v_name)
        WHEN 'document' THEN ARRAY(SELECT d.id FROM document d JOIN document_state s USING (kind, status)
                                    WHERE d.kind IN ('invoice', 'bill') AND NOT s.withdrawn
                                      AND v_name IN (d.number, CASE d.kind WHEN 'bill' THEN d.outside_number END)) END;
    -- Digits are an id as well; where they are somebody else's number nobody can know which is meant.
    IF v_name ~ '^[0-9]{1,18}$' AND (cardinality(v_ids) = 0 OR CASE v_table
        WHEN 'party' THEN EXISTS (SELECT FROM party x WHERE x.id = v_name::bigint)
        WHEN 'contract' THEN EXISTS (SELECT FROM contract x WHERE x.id = v_name::bigint)
        WHEN 'project' THEN EXISTS (SELECT FROM project x WHERE x.id = v_name::bigint)
        WHEN 'task' THEN EXISTS (SELECT FROM task x WHERE x.id = v_name::bigint)
        WHEN 'deal' THEN EXISTS (SELECT FROM deal x WHERE x.id = v_name::bigint)
        WHEN 'direction' THEN EXISTS (SELECT FROM direction x WHERE x.id = v_name::bigint)
        WHEN 'work_type' THEN EXISTS (SELECT FROM work_type x WHERE x.id = v_name::bigint)
        WHEN 'employee' THEN EXISTS (SELECT FROM employee x WHERE x.id = v_name::bigint)
        WHEN 'cash_account' THEN EXISTS (SELECT FROM cash_account x WHERE x.id = v_name::bigint)
        WHEN 'document' THEN EXISTS (SELECT FROM document x WHERE x.id = v_name::bigint) END) THEN
        v_ids := CASE WHEN v_name::bigint = ANY (v_ids) THEN v_ids ELSE v_ids || v_name::bigint END;
    END IF;
    IF cardinality(v_ids) = 1 THEN
        RETURN to_jsonb(v_ids[1]);
    ELSIF cardinality(v_ids) > 1 THEN
        RAISE EXCEPTION '% "%" is not the only one of that name or id', replace(p_key, '_', ' '), v_name
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Their ids: %s.', array_to_string(v_ids, ', ')),
            HINT = 'Give the id, as a number.';
    END IF;
    RAISE EXCEPTION 'there is no % "%"', replace(p_key, '_', ' '), v_name
        USING ERRCODE = 'foreign_key_violation',
            HINT = format('Give its %s as table %s has it, or its id as a number.',
                          CASE v_table WHEN 'contract' THEN 'number' WHEN 'document' THEN 'number'
                                       WHEN 'work_type' THEN 'code'
                                       WHEN 'task' THEN 'number or title' WHEN 'employee' THEN 'name or e-mail address'
                                       ELSE 'name' END, v_table);
END $$;
COMMENT ON FUNCTION named_id(text, jsonb) IS
    'the id of what a key names: text is a name (contract, invoice or bill: its number; task: number or title; '
    'employee: name or email; kind of work: its code) or, of digits, an id; a number is an id. Refused: nothing of '
    'that name (23503), several, or a name that is another one''s id (22023)';

CREATE FUNCTION given_id(p_key text, p_name jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_id jsonb := named_id(p_key, p_name);
BEGIN
    IF jsonb_typeof(v_id) <> 'number' OR v_id #>> '{}' !~ '^[0-9]{1,18}$' THEN
        RAISE EXCEPTION '"%" is neither a name nor an id: %', p_key, p_name
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a name as text, or an id as a number.';
    END IF;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION given_id(text, jsonb) IS 'the id of one thing named by a key, as named_id() reads it';

CREATE FUNCTION resolve_names(p_object jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE jsonb_typeof(p_object) WHEN 'object' THEN p_object || coalesce(
        (SELECT jsonb_object_agg(f.key, CASE jsonb_typeof(f.value)
                    WHEN 'array' THEN (SELECT coalesce(jsonb_agg(named_id(f.key, e.value) ORDER BY e.no), '[]')
                                         FROM jsonb_array_elements(f.value) WITH ORDINALITY e (value, no))
                    ELSE named_id(f.key, f.value) END)
           FROM jsonb_each(p_object) f
          WHERE f.key IN ('client', 'party', 'contract', 'project', 'task', 'deal', 'direction', 'employee',
                          'cash_account', 'to_cash_account', 'document')), '{}')
        ELSE p_object END;
END;
COMMENT ON FUNCTION resolve_names(jsonb) IS 'a filter or content with the ids of what it names by name; see named_id()';
-- ---------------------------------------------------------------------------
-- lock: what protects a sum, at every isolation level
--
-- A transaction in REPEATABLE READ or SERIALIZABLE reads its old snapshot also
-- after it has waited for a lock, so a row that is only locked protects nothing
-- from it.  A lock of the books is a new version of a narrow row instead: who
-- waited reads what the other one wrote (READ COMMITTED), or is told 40001 by
-- the server (the other levels), in any mixture of levels.
--
-- Order: rows that people write themselves (a time entry, a payment, a task),
-- then parties by id, then what only functions write (documents, charges by id),
-- number series last.  Whatever reads a sum in order to write takes the lock first.
-- ---------------------------------------------------------------------------

-- The one place that locks.  A row is made when it is first held; what this
-- transaction holds already is not written again.
CREATE FUNCTION hold(p_kind text, p_ids bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_holder CONSTANT bigint := pg_current_xact_id()::text::bigint;
BEGIN
    INSERT INTO lock_version AS v (kind, id, holder, held_at)
    SELECT p_kind, x.id, v_holder, now()
      FROM (SELECT DISTINCT u.id FROM unnest(p_ids) u (id) WHERE u.id IS NOT NULL) x
     -- a look-up for each: SERIALIZABLE remembers what is read, and shall remember no neighbours
     WHERE (SELECT (o.holder, o.held_at) = (v_holder, now()) FROM lock_version o
             WHERE o.kind = p_kind AND o.id = x.id) IS NOT true
     ORDER BY x.id
    ON CONFLICT ON CONSTRAINT lock_version_pkey DO UPDATE SET holder = excluded.holder, held_at = excluded.held_at;
END $$;
COMMENT ON FUNCTION hold(text, bigint[]) IS
    'hold things of a kind until the end of the transaction, by id; waits for who holds them. Raised by the server: '
    '40001 where another transaction held one of them after the snapshot of this one (REPEATABLE READ, SERIALIZABLE), '
    '40P01 where two hold in turns what the other waits for';

CREATE FUNCTION heed(p_kind text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        PERFORM FROM lock_version v WHERE v.kind = p_kind AND v.id = 0 FOR SHARE;
    END IF;
END $$;
COMMENT ON FUNCTION heed(text) IS
    'see to it that what all share (books, ledger) was not changed since this transaction took its snapshot (40001); '
    'READ COMMITTED sees every change';

CREATE FUNCTION lock_parties(p_parties bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM hold('party', p_parties);  -- also when there is none: the table is then locked against lock_books()
    PERFORM heed('books');
END $$;
COMMENT ON FUNCTION lock_parties(bigint[]) IS
    'hold parties, by id: their contracts, work, charges, documents, payments and allocations; whoever reads a sum of '
    'these in order to write holds the party';

-- Whose contract it is may change while we wait: then the new client is held too.
CREATE FUNCTION lock_contracts(p_contracts bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_held bigint[] := '{}';
    v_clients bigint[];
BEGIN
    LOOP
        v_clients := ARRAY(SELECT DISTINCT c.client_id FROM contract c WHERE c.id = ANY (p_contracts) ORDER BY 1);
        EXIT WHEN v_clients = v_held;
        PERFORM lock_parties(v_clients);
        v_held := v_clients;
    END LOOP;
END $$;
COMMENT ON FUNCTION lock_contracts(bigint[]) IS 'hold the clients of contracts';

CREATE FUNCTION lock_books() RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    LOCK TABLE lock_version, entry IN SHARE ROW EXCLUSIVE MODE;
    PERFORM hold('books', '{0}');
END $$;
COMMENT ON FUNCTION lock_books() IS
    'wait for everyone who writes facts and let all others wait: for the rare change of what gives facts their meaning '
    '(base currency, decimals of a currency, ledger account of a cash account)';
-- ---------------------------------------------------------------------------
-- base: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'access_level'), allow('reader', 'select', 'access_rule'), allow('admin', 'select',
    'access_grant');
SELECT allow('admin', 'select', 'code_object');
SELECT allow('controller', 'select', 'history');
SELECT allow('reader', 'select', 'currency_code'), allow('admin', 'insert,update,delete', 'currency_code');
SELECT watch('currency_code');
SELECT allow('reader', 'select', 'setting'), allow('admin', 'update', 'setting', but => '{id,version}');
SELECT watch('setting');
SELECT allow('reader', 'select', 'exchange_rate'), allow('controller', 'insert,update,delete', 'exchange_rate');
SELECT watch('exchange_rate');
SELECT allow('admin', 'select', 'lock_version');
-- ---------------------------------------------------------------------------
-- party: what parties and projects keep to
-- ---------------------------------------------------------------------------

-- What is printed on every invoice, our own bank account above all, is not for
-- everybody who keeps clients.
CREATE FUNCTION check_party() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND NEW.kind = 'own' OR TG_OP <> 'INSERT' AND OLD.kind = 'own' THEN
        PERFORM require_level('admin', 'keep the own company');
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
COMMENT ON FUNCTION check_party() IS 'trigger function of party: the own company is kept by admins (42501)';

CREATE FUNCTION keep_client() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY[OLD.client_id, NEW.client_id]);
    IF EXISTS (SELECT FROM task t JOIN charge h ON h.task_id = t.id WHERE t.project_id = OLD.id)
        OR EXISTS (SELECT FROM contract c WHERE c.project_id = OLD.id)
        OR EXISTS (SELECT FROM deal d WHERE d.project_id = OLD.id)
        OR EXISTS (SELECT FROM task t WHERE t.project_id = OLD.id AND num_nonnulls(t.deal_id, t.contract_id) > 0) THEN
        RAISE EXCEPTION 'project "%" has charges, a deal or a contract: its client stays', OLD.name
            USING ERRCODE = 'restrict_violation', HINT = 'Make a project of the other client and move the tasks there.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_client() IS
    'trigger function of project: its client is fixed once there are charges or a contract (23001); SECURITY DEFINER '
    'because nobody is granted the locks';

-- Written to be pulled into the queries that use it.
CREATE FUNCTION cost_rate_on(p_employee bigint, p_role text, p_on date, p_currency text, p_base text)
    RETURNS TABLE (hourly_cost numeric, currency text, cost_rate numeric, base_cost_rate numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.hourly_cost, r.currency,
           round(r.hourly_cost * CASE WHEN r.currency = p_currency THEN 1
                 ELSE exchange_rate_on(r.currency, p_currency, p_on) END, 12),
           round(r.hourly_cost * CASE WHEN r.currency = p_base THEN 1
                 ELSE exchange_rate_on(r.currency, p_base, p_on) END, 12)
      FROM (SELECT 1) one
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v
                          WHERE v.employee_id = p_employee AND v.valid_from <= p_on
                          ORDER BY v.valid_from DESC LIMIT 1) m ON true
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v
                          WHERE m.hourly_cost IS NULL AND v.employee_id IS NULL AND v.role = p_role
                            AND v.valid_from <= p_on
                          ORDER BY v.valid_from DESC LIMIT 1) o ON true
     CROSS JOIN LATERAL (SELECT coalesce(m.hourly_cost, o.hourly_cost) AS hourly_cost,
                                CASE WHEN m.hourly_cost IS NULL THEN o.currency ELSE m.currency END AS currency) r;
END;
COMMENT ON FUNCTION cost_rate_on(bigint, text, date, text, text) IS
    'what an hour of a person costs on a day, by a rate of his own, else by his role''s; and that in the currency of '
    'the charge and in that of the books: one row, with NULLs where it is not known';
-- ---------------------------------------------------------------------------
-- party: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'direction'), allow('admin', 'insert,update,delete', 'direction');
SELECT watch('direction');
SELECT allow('reader', 'select', 'party'), allow('clerk', 'insert,update', 'party',
                                                 but => '{payment_terms_days,grace_days}'),
       allow('clerk', 'delete', 'party'), allow('manager', 'insert,update', 'party');
SELECT watch('party');
SELECT allow('reader', 'select', 'employee'), allow('clerk', 'insert,update', 'employee', but => '{role,party_id}'),
       allow('clerk', 'delete', 'employee'), allow('manager', 'insert,update', 'employee');
SELECT watch('employee');
SELECT allow('reader', 'select', 'employee_login'), allow('clerk', 'insert,update,delete', 'employee_login');
SELECT watch('employee_login');
SELECT allow('controller', 'select,insert,update,delete', 'cost_rate');
SELECT watch('cost_rate');
SELECT allow('reader', 'select', 'project'),
       allow('clerk', 'insert,update', 'project', but => '{price_list_id,billable}'),
       allow('clerk', 'delete', 'project'), allow('manager', 'insert,update', 'project');
SELECT watch('project');
SELECT allow('reader', 'select', 'deal'), allow('clerk', 'insert,update,delete', 'deal');
SELECT watch('deal');
SELECT allow('reader', 'select', 'deal_stage'), allow('clerk', 'insert,update,delete', 'deal_stage');
SELECT watch('deal_stage');
SELECT allow('reader', 'select', 'work_type'), allow('admin', 'insert,update,delete', 'work_type');
SELECT watch('work_type');
SELECT allow('reader', 'select', 'task'), allow('clerk', 'insert,update', 'task', but => '{contract_id,billable}'),
       allow('clerk', 'delete', 'task'),
       allow('manager', 'insert,update', 'task');
SELECT watch('task');
-- ---------------------------------------------------------------------------
-- price lists: a tree, one default, one of a client's own
-- ---------------------------------------------------------------------------

CREATE FUNCTION check_price_list() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM hold('price_list', '{0}');  -- two that look at one tree at once could close a circle
    IF EXISTS (
        WITH RECURSIVE up AS (
            SELECT NEW.parent_id AS id
            UNION
            SELECT l.parent_id FROM price_list l JOIN up USING (id))
        SELECT FROM up WHERE id = NEW.id)
    THEN
        RAISE EXCEPTION 'price list "%" would be its own ancestor', NEW.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'price_list_tree', HINT = 'Choose another parent_id.';
    END IF;
    IF EXISTS (SELECT FROM price_list l WHERE (l.id = NEW.parent_id OR l.parent_id = NEW.id)
                                          AND l.currency <> NEW.currency) THEN
        RAISE EXCEPTION 'price list "%" is in %, its parent or child in another currency', NEW.code, NEW.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'price_list_one_currency',
                HINT = 'Lists that fall back on one another share one currency.';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_price_list() IS
    'trigger function of price_list: parents form a tree in one currency; SECURITY DEFINER because nobody is granted '
    'the locks';

CREATE FUNCTION check_price_list_alone() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_other price_list;
BEGIN
    SELECT * INTO v_other FROM price_list l WHERE l.client_id = NEW.client_id AND l.currency = NEW.currency
                                              AND l.id <> NEW.id AND l.code <> NEW.code LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'client "%" has a price list in % already: "%"',
            (SELECT p.name FROM party p WHERE p.id = NEW.client_id), NEW.currency, v_other.code
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'price_list_one_per_client', TABLE = 'price_list',
            SCHEMA = TG_TABLE_SCHEMA,
                DETAIL = 'A client''s own list is the one that its contracts use where they name none, so there is one '
                         'of a currency.',
                HINT = format('Add positions to "%s", or make the new list without client_id and name it in '
                              'contract.price_list_id.', v_other.code);
    END IF;
    SELECT * INTO v_other FROM price_list l WHERE NEW.is_default AND l.is_default AND l.currency = NEW.currency
                                              AND l.id <> NEW.id AND l.code <> NEW.code LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the default price list in % is "%" already', NEW.currency, v_other.code
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'price_list_one_default', TABLE = 'price_list',
            SCHEMA = TG_TABLE_SCHEMA,
                HINT = format('Add positions to "%s", or set its is_default to false first.', v_other.code);
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_price_list_alone() IS
    'trigger function of price_list: one list of a currency for a client, one default of a currency; says which list '
    'is there (23505), where the unique indexes would only be named';

-- A price of NULL withdraws what the key had before; where it had nothing, the
-- position must say something else.
CREATE FUNCTION check_price_effect() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF num_nonnulls(NEW.price, NEW.discount_pct) = 0
        AND (NEW.item_id IS NULL OR num_nonnulls(NEW.tiers, NEW.cost) = 0)
        AND NOT EXISTS (
            SELECT FROM price p
             WHERE p.price_list_id = NEW.price_list_id AND p.valid_from <= NEW.valid_from
               AND (p.item_id, p.work_type_id, p.role, p.employee_id)
                   IS NOT DISTINCT FROM (NEW.item_id, NEW.work_type_id, NEW.role, NEW.employee_id))
    THEN
        RAISE EXCEPTION 'a position without price and discount changes nothing'
            USING ERRCODE = 'check_violation', TABLE = 'price', SCHEMA = TG_TABLE_SCHEMA,
                CONSTRAINT = 'price_has_effect',
                DETAIL = 'It would withdraw a price, and its list has none of the same key up to that day.',
                HINT = 'Give a price, a discount_pct on what the other positions and the parent list say, or for an '
                       'item tiers or a cost.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_price_effect() IS
    'trigger function of price: a new position prices, discounts, tells a cost of an item, or withdraws what was there '
    '(23514)';

CREATE FUNCTION set_price(list text, price numeric, work_type text DEFAULT NULL, item text DEFAULT NULL,
                          role text DEFAULT NULL, employee text DEFAULT NULL,
    valid_from date DEFAULT '-infinity', cost numeric DEFAULT NULL, discount_pct numeric DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_list bigint := (SELECT l.id FROM price_list l WHERE l.code = set_price.list);
    v_work_type bigint := (SELECT w.id FROM work_type w WHERE w.code = set_price.work_type);
    v_item bigint := (SELECT i.id FROM item i WHERE i.code = set_price.item);
    v_employee bigint := (named_id('employee', to_jsonb(set_price.employee)) #>> '{}')::bigint;
    v_id bigint;
BEGIN
    IF v_list IS NULL THEN
        RAISE EXCEPTION 'there is no price list "%"', set_price.list
            USING ERRCODE = 'foreign_key_violation',
            HINT = coalesce('Lists are ' || (SELECT string_agg(l.code, ', ' ORDER BY l.code) FROM price_list l) || '.',
                                                                     'Add a row to table price_list first.');
    ELSIF v_work_type IS NULL AND set_price.work_type IS NOT NULL THEN
        RAISE EXCEPTION 'there is no kind of work "%"', set_price.work_type
            USING ERRCODE = 'foreign_key_violation', HINT = format('Kinds of work are %s.', (SELECT string_agg(w.code,
                ', ' ORDER BY w.id) FROM work_type w));
    ELSIF v_item IS NULL AND set_price.item IS NOT NULL THEN
        RAISE EXCEPTION 'there is no item "%"', set_price.item
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table item lists the codes.';
    END IF;
    INSERT INTO price AS p (price_list_id, item_id, work_type_id, role, employee_id, valid_from, price, cost,
                            discount_pct)
    VALUES (v_list, v_item, v_work_type, set_price.role, v_employee, set_price.valid_from, set_price.price,
            set_price.cost, set_price.discount_pct)
    ON CONFLICT ON CONSTRAINT price_key DO UPDATE SET price = excluded.price, cost = excluded.cost,
    discount_pct = excluded.discount_pct
    RETURNING p.id INTO v_id;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION set_price(text, numeric, text, text, text, text, date, numeric, numeric) IS
    'put a position into the list of that code: the price of an hour, or of a unit of an item, for a kind of work or '
    'an item (codes), a role or an employee (name or email), from valid_from on (always, where no day is given); the '
    'same key again is set anew, a NULL price withdraws the position. Returns the position; work that is rated keeps '
    'its price. Refused (23503) what is not there, with the codes there are. Runs with the rights of its caller';
SELECT allow('manager', 'execute', 'set_price');

-- What work is rated by is looked up by the revision of a list, so each change of
-- what prices work is a new one.
CREATE FUNCTION revise_price_list() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION revise_price_list() IS
    'trigger function of price_list: what prices work differently is a new revision';

CREATE FUNCTION revise_price_lists() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_lists bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_lists := ARRAY(SELECT n.price_list_id FROM new_rows n WHERE n.item_id IS NULL);
    ELSIF TG_OP = 'DELETE' THEN
        v_lists := ARRAY(SELECT o.price_list_id FROM old_rows o WHERE o.item_id IS NULL);
    ELSE
        v_lists := ARRAY(SELECT n.price_list_id FROM new_rows n WHERE n.item_id IS NULL
                         UNION SELECT o.price_list_id FROM old_rows o WHERE o.item_id IS NULL);
    END IF;
    UPDATE price_list l SET revision = l.revision + 1
     WHERE l.id IN (SELECT p.id FROM price_list p WHERE p.id = ANY (v_lists) ORDER BY p.id FOR NO KEY UPDATE);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION revise_price_lists() IS
    'trigger function of price: a position of work that comes, changes or goes makes a new revision of its list; '
    'SECURITY DEFINER because revision is nobody''s to change';
-- ---------------------------------------------------------------------------
-- item price: which position prices an item
--
-- One rule for what is charged and what papers offer, and the same as for hours
-- (src/price): the first list there is of contract, project, client and default
-- is searched, then its parents.  Price, discount and cost are each taken from
-- the nearest position in force that says them: a position without a price may
-- give a discount on what is found above it, or a cost.
-- ---------------------------------------------------------------------------

CREATE FUNCTION first_price_list(p_contract bigint, p_project bigint, p_client bigint, p_currency text) RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(
        (SELECT c.price_list_id FROM contract c WHERE c.id = p_contract),
        (SELECT l.id FROM price_list l JOIN project p ON p.price_list_id = l.id
          WHERE p.id = p_project AND l.currency = p_currency),
        (SELECT l.id FROM price_list l WHERE l.client_id = p_client AND l.currency = p_currency),
        (SELECT l.id FROM price_list l WHERE l.is_default AND l.currency = p_currency));
END;
COMMENT ON FUNCTION first_price_list(bigint, bigint, bigint, text) IS
    'the price list that a search begins with: the contract''s, else the project''s, the client''s own, the default '
    'one, each where it is in the currency; NULL where there is none. A contract''s list has the contract''s currency';

CREATE FUNCTION item_position(p_list bigint, p_contract bigint, p_item bigint, p_on date,
    OUT price numeric, OUT cost numeric, OUT discount_pct numeric, OUT tiers jsonb, OUT price_id bigint,
    OUT list_name text, OUT source text, OUT discount_by jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE list AS (
        SELECT 1 AS depth, l.id, l.parent_id, l.name, l.discount_pct FROM price_list l WHERE l.id = p_list
        UNION ALL
        SELECT list.depth + 1, l.id, l.parent_id, l.name, l.discount_pct
          FROM list JOIN price_list l ON l.id = list.parent_id
    ), position AS MATERIALIZED (
        SELECT l.depth, l.name, r.id, r.price, r.tiers, r.cost, r.discount_pct
          FROM list l
         CROSS JOIN LATERAL (
            SELECT r.* FROM price r
             WHERE r.price_list_id = l.id AND r.item_id = p_item AND r.role IS NULL AND r.employee_id IS NULL
               AND r.valid_from <= p_on
             ORDER BY r.valid_from DESC LIMIT 1) r
    ), pricing AS (
        SELECT * FROM position p WHERE num_nonnulls(p.price, p.tiers) > 0 ORDER BY p.depth LIMIT 1
    ), discount AS (
        SELECT d.discount_pct,
               jsonb_strip_nulls(jsonb_build_object('kind', d.kind, 'id', d.id, 'name', d.name)) AS discount_by
          FROM pricing g
         CROSS JOIN LATERAL (
            SELECT 1 AS rank, p.depth, p.discount_pct, 'position' AS kind, p.id, p.name
              FROM position p WHERE p.depth <= g.depth
            UNION ALL
            SELECT 2, l.depth, l.discount_pct, 'list', l.id, l.name FROM list l WHERE l.depth <= g.depth
            UNION ALL
            SELECT 3, 0, c.discount_pct, 'contract', c.id, NULL FROM contract c WHERE c.id = p_contract) d
         WHERE d.discount_pct IS NOT NULL ORDER BY d.rank, d.depth LIMIT 1
    )
    SELECT g.price, (SELECT p.cost FROM position p WHERE p.cost IS NOT NULL ORDER BY p.depth LIMIT 1),
           d.discount_pct, g.tiers, g.id, g.name, g.name || ', position ' || g.id, d.discount_by
      FROM (VALUES (1)) one
      LEFT JOIN pricing g ON true
      LEFT JOIN discount d ON true;
END;
COMMENT ON FUNCTION item_position(bigint, bigint, bigint, date) IS
    'what price lists say of an item on a day, beginning with a list: price or tiers of a unit (both NULL: none says), '
    'cost of a unit (NULL: not known), the discount (a position''s, else a list''s, else the contract''s; they do not '
    'add up) and who gives it, and the position that gave the price: id, name of its list, in words';

CREATE FUNCTION tiers_amount(p_tiers jsonb, p_quantity numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT tiered_amount(p_quantity,
        ARRAY(SELECT (b.value #>> '{}')::numeric
                FROM jsonb_array_elements(p_tiers -> 'bounds') WITH ORDINALITY b (value, no) ORDER BY b.no),
        ARRAY(SELECT (b.value #>> '{}')::numeric
                FROM jsonb_array_elements(p_tiers -> 'prices') WITH ORDINALITY b (value, no) ORDER BY b.no),
        CASE WHEN jsonb_typeof(p_tiers -> 'flats') = 'array' THEN
            ARRAY(SELECT (b.value #>> '{}')::numeric
                    FROM jsonb_array_elements(p_tiers -> 'flats') WITH ORDINALITY b (value, no) ORDER BY b.no) END,
        p_tiers ->> 'mode');
END;
COMMENT ON FUNCTION tiers_amount(jsonb, numeric) IS
    'the exact price of a quantity by the tiers of a price position, as tiered_amount() counts it';
-- ---------------------------------------------------------------------------
-- catalogue: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'item'), allow('manager', 'insert,update,delete', 'item');
SELECT watch('item');
SELECT allow('reader', 'select', 'price_list'),
       allow('manager', 'insert,update', 'price_list', but => '{revision}'), allow('manager', 'delete', 'price_list');
SELECT watch('price_list', 'ignore:revision');
SELECT allow('reader', 'select', 'price'), allow('manager', 'insert,update,delete', 'price');
SELECT watch('price');
-- ---------------------------------------------------------------------------
-- calendar: bands of a day, for the engine and for people
-- ---------------------------------------------------------------------------

CREATE FUNCTION calendar_document(calendar_id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    document jsonb;
BEGIN
    SELECT jsonb_build_object('zone', c.zone, 'week', b.week, 'days', b.days, 'closed_days', b.closed_days)
      INTO document
      FROM calendar c
     CROSS JOIN LATERAL (
           SELECT coalesce(jsonb_agg(jsonb_build_array(r.isodow, r.starts_s, r.ends_s, r.band)
                                     ORDER BY r.isodow, r.starts_s)
                           FILTER (WHERE r.isodow IS NOT NULL), '[]') AS week,
                  coalesce(jsonb_agg(jsonb_build_array(r.day_text, r.starts_s, r.ends_s, r.band)
                                     ORDER BY r.day, r.starts_s)
                           FILTER (WHERE r.day IS NOT NULL AND r.starts_s IS NOT NULL), '[]') AS days,
                  coalesce(jsonb_agg(r.day_text ORDER BY r.day)
                           FILTER (WHERE r.day IS NOT NULL AND r.starts_s IS NULL), '[]') AS closed_days
             FROM (SELECT cb.isodow, cb.day, iso(cb.day) AS day_text, cb.band,
                          extract(epoch FROM cb.starts)::int AS starts_s, extract(epoch FROM cb.ends)::int AS ends_s
                     FROM calendar_band cb
                    WHERE cb.calendar_id = c.id) r) b
     WHERE c.id = calendar_document.calendar_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no calendar %', calendar_document.calendar_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table calendar lists the calendars.';
    END IF;
    RETURN document;
END
$$;
COMMENT ON FUNCTION calendar_document(bigint) IS
    'a calendar as the value that finance.split_by_calendar reads; NULL for NULL, which is UTC with band regular '
    'always; refuses an unknown calendar (23503)';
SELECT allow('reader', 'execute', 'calendar_document');

CREATE FUNCTION split_by_band(started_at timestamptz, ended_at timestamptz, calendar_id bigint)
    RETURNS TABLE (band text, local_date date, started_at timestamptz, ended_at timestamptz, seconds bigint)
    STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT s.band, s.local_date, s.started_at, s.ended_at, s.seconds
      FROM finance.split_by_calendar($1, $2, calendar_document($3)) s;
END;
COMMENT ON FUNCTION split_by_band(timestamptz, timestamptz, bigint) IS
    'the parts of a half-open interval by band and local date of a calendar, in order; their whole seconds sum to the '
    'elapsed ones; refuses an unknown calendar (23503), an end before the start and infinity (22023), more than 3660 '
    'days (54000)';
SELECT allow('reader', 'execute', 'split_by_band');

CREATE FUNCTION business_seconds(started_at timestamptz, ended_at timestamptz, calendar_id bigint,
    band text DEFAULT 'regular') RETURNS bigint
    STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT finance.business_seconds_by_calendar(started_at, ended_at, calendar_document(calendar_id), band);
END;
COMMENT ON FUNCTION business_seconds(timestamptz, timestamptz, bigint, text) IS
    'the seconds of a half-open interval that lie in one band of a calendar; refused as split_by_band';
SELECT allow('reader', 'execute', 'business_seconds');

-- Overlapping bands are refused when they are written, not when work is rated.
-- The lock makes two writers of one calendar see each other's rows.
CREATE FUNCTION check_calendar_bands() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    touched bigint[];
BEGIN
    SELECT array_agg(DISTINCT calendar_id) INTO touched FROM changed;
    PERFORM hold('calendar', touched);
    PERFORM finance.calendar_bands(calendar_document(id)) FROM unnest(touched) id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION check_calendar_bands() IS
    'trigger function: refuses bands of one day that overlap and a closed date that has bands (22023); SECURITY '
    'DEFINER because nobody is granted the locks';
-- ---------------------------------------------------------------------------
-- calendar: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'calendar'), allow('admin', 'insert,update,delete', 'calendar');
SELECT watch('calendar');
SELECT allow('reader', 'select', 'calendar_band'), allow('admin', 'insert,update,delete', 'calendar_band');
SELECT watch('calendar_band');
-- ---------------------------------------------------------------------------
-- contract: groups of a base and its companions, and what contracts keep to
-- ---------------------------------------------------------------------------

CREATE VIEW seen_contract WITH (security_invoker) AS SELECT id FROM contract;
COMMENT ON VIEW seen_contract IS 'the contracts that the row policies of whoever asks let through';

CREATE VIEW visible_contract WITH (security_barrier) AS
    SELECT c.* FROM contract c WHERE (SELECT NOT row_security_active('contract'::regclass))
        OR c.id IN (SELECT s.id FROM seen_contract s);
COMMENT ON VIEW visible_contract IS
    'contracts for the views of figures, within the row policies of whoever asks; granted to nobody';

CREATE FUNCTION lock_contract_parties() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY[OLD.client_id, NEW.client_id]);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION lock_contract_parties() IS
    'trigger function of contract: holds the client before what facts rest on (client, currency, period, companions) '
    'is set; SECURITY DEFINER because nobody is granted the locks';

CREATE FUNCTION check_contract() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.currency, NEW.client_id) IS DISTINCT FROM (OLD.currency, OLD.client_id)
        AND (EXISTS (SELECT FROM charge h WHERE h.contract_id = NEW.id)
             OR EXISTS (SELECT FROM payment p WHERE p.contract_id = NEW.id)) THEN
        RAISE EXCEPTION 'contract "%" has charges or payments: its client and currency stay', OLD.number
            USING ERRCODE = 'restrict_violation', HINT = 'End this contract and make another one.';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.period, anchor_of(NEW)) IS DISTINCT FROM (OLD.period, anchor_of(OLD))
        AND (EXISTS (SELECT FROM billing_period b WHERE b.contract_id = NEW.id)
             OR EXISTS (SELECT FROM contract g JOIN charge h ON h.contract_id = g.id AND h.committed
                         WHERE NEW.id IN (g.id, g.parent_id))) THEN
        RAISE EXCEPTION 'contract "%" has closed periods or billed charges: its service periods stay', OLD.number
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('They are of a %s from %s on; other ones would overlap those that are billed, or leave '
                                'days out.', OLD.period, iso(lower(service_period(OLD, OLD.starts_on)))),
                HINT = 'Give the anchor_day and anchor_month that they have, or end this contract with its last '
                       'period and make another one.';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.status, NEW.starts_on, NEW.ends_on) IS DISTINCT FROM
                            (OLD.status, OLD.starts_on, OLD.ends_on) THEN
        PERFORM refuse_outside_life(NEW);
    END IF;
    IF NEW.parent_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM contract b WHERE b.id = NEW.parent_id AND b.parent_id IS NULL
           AND b.client_id = NEW.client_id AND b.currency = NEW.currency) THEN
        RAISE EXCEPTION 'contract "%" cannot be the companion of contract %', NEW.number, NEW.parent_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_companion_fits',
                HINT = 'A companion has the client and the currency of its base contract, which is no companion '
                       'itself.';
    END IF;
    IF NEW.renews_id IS NOT NULL
        AND (NOT EXISTS (SELECT FROM contract r WHERE r.id = NEW.renews_id AND r.client_id = NEW.client_id
                         AND r.currency = NEW.currency
                         AND coalesce(r.parent_id, r.id) <> coalesce(NEW.parent_id, NEW.id))
             OR NEW.id IN (WITH RECURSIVE before AS (
                    SELECT r.id, r.renews_id FROM contract r WHERE r.id = NEW.renews_id
                    UNION SELECT r.id, r.renews_id FROM contract r JOIN before b ON r.id = b.renews_id)
                SELECT b.id FROM before b)) THEN
        RAISE EXCEPTION 'contract "%" cannot renew contract %', NEW.number, NEW.renews_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_renewal_fits',
                HINT = 'A contract renews an earlier one of the same client and currency that is not its base or '
                       'companion.';
    END IF;
    IF EXISTS (SELECT FROM price_list l WHERE l.id = NEW.price_list_id AND l.currency <> NEW.currency) THEN
        RAISE EXCEPTION 'contract "%" is in %, its price list in another currency', NEW.number, NEW.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_price_list_currency',
                HINT = 'Choose a price list in the currency of the contract.';
    END IF;
    IF EXISTS (SELECT FROM project p WHERE p.id = NEW.project_id AND p.client_id <> NEW.client_id) THEN
        RAISE EXCEPTION 'contract "%" is not with the client of its project', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_project_client';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_contract() IS
    'trigger function of contract: companions, price list and project fit; client and currency are fixed once there '
    'are facts, the service period once one is closed. SECURITY DEFINER because row policies must not hide facts';

CREATE VIEW capped_contract WITH (security_invoker) AS
    SELECT c.id AS contract_id, coalesce(c.parent_id, c.id) AS base_id,
           num_nonnulls(c.cap_amount, c.cap_s) > 0 AS in_all,
           num_nonnulls(c.period_cap_amount, c.period_cap_s) > 0 AS by_period
      FROM contract c
     WHERE num_nonnulls(c.cap_amount, c.cap_s, c.period_cap_amount, c.period_cap_s) > 0;
COMMENT ON VIEW capped_contract IS
    'contracts with caps, for their whole life (in_all) or for each service period (by_period)';
SELECT allow('reader', 'select', 'capped_contract');

-- A contract whose entries bear on one another: what one burns or rounds away
-- another cannot.  Others are rated entry by entry.
CREATE VIEW sequential_contract WITH (security_invoker) AS
    SELECT c.id AS contract_id, coalesce(c.parent_id, c.id) AS base_id, c.round_scope
      FROM contract c
     WHERE c.round_scope <> 'entry' OR EXISTS (SELECT FROM capped_contract q WHERE q.contract_id = c.id)
        OR EXISTS (SELECT FROM allotment a WHERE a.contract_id = c.id)
        OR EXISTS (SELECT FROM contract_line n WHERE n.contract_id = c.id
                   AND num_nonnulls(n.included_s, n.included_amount) > 0);
COMMENT ON VIEW sequential_contract IS
    'contracts with allotments, caps or rounding over several entries: an early entry changes later ones';
SELECT allow('reader', 'select', 'sequential_contract');

CREATE FUNCTION contract_group(p_base bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(SELECT c.id FROM contract c WHERE c.id = p_base UNION ALL SELECT c.id FROM contract c
                 WHERE c.parent_id = p_base ORDER BY 1);
END $$;
COMMENT ON FUNCTION contract_group(bigint) IS 'a base contract and its companions';

-- A contract that is over has a last day, and closes the period it lies in.
CREATE FUNCTION end_contract() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    NEW.ends_on := coalesce(NEW.ends_on, greatest(NEW.starts_on, contract_today(NEW)));
    RETURN NEW;
END $$;
COMMENT ON FUNCTION end_contract() IS
    'trigger function of contract: one that is ended or cancelled without a day ends today';

CREATE FUNCTION base_contract(p_contract bigint) RETURNS contract
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_contract contract;
BEGIN
    SELECT b.* INTO v_contract FROM contract c JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
        WHERE c.id = p_contract;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no contract %', p_contract
            USING ERRCODE = 'foreign_key_violation', HINT = 'View contract_card lists the contracts.';
    END IF;
    RETURN v_contract;
END $$;
COMMENT ON FUNCTION base_contract(bigint) IS
    'a contract, or the base of a companion: it has the periods of both; refused (23503) when there is none';

CREATE FUNCTION lock_contract(p_contract bigint) RETURNS contract
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_contracts(ARRAY[p_contract]);
    RETURN base_contract(p_contract);
END $$;
COMMENT ON FUNCTION lock_contract(bigint) IS
    'hold the client of a contract and return the base contract as it is then; refused (23503) when there is none';
-- ---------------------------------------------------------------------------
-- period: service periods of a contract, in its zone
-- ---------------------------------------------------------------------------

CREATE FUNCTION contract_zone(p_calendar bigint) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN coalesce((SELECT c.zone FROM calendar c WHERE c.id = p_calendar), (SELECT s.zone FROM setting s));
END $$;
COMMENT ON FUNCTION contract_zone(bigint) IS 'the zone of a calendar, or of the books where there is no calendar';

-- The one place that says from where the service periods of a contract count.
-- Quarters and years run from its own start where it starts on its anchor day, so
-- that a year of 15 March is over on 14 March; anchor_month 1 is the calendar's.
CREATE FUNCTION anchor_of(p_base contract, OUT day integer, OUT month integer)
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_start CONSTANT integer := extract(day FROM p_base.starts_on);
    v_last CONSTANT integer := extract(day FROM month(p_base.starts_on) + interval '1 month - 1 day');
BEGIN
    day := coalesce(p_base.anchor_day, 1);
    month := coalesce(p_base.anchor_month, 1);
    IF p_base.period IN ('quarter', 'year') AND p_base.anchor_month IS NULL
        AND (v_start = least(day, v_last) OR p_base.anchor_day IS NULL AND p_base.period = 'year') THEN
        day := coalesce(p_base.anchor_day, v_start);
        month := extract(month FROM p_base.starts_on);
    END IF;
END $$;
COMMENT ON FUNCTION anchor_of(contract) IS
    'the day (of the week for weeks, else of the month) and the month on which service periods start: anchor_day, or '
    'the 1st; quarters and years in anchor_month, else with the contract where it starts on its anchor day (or, a '
    'year, names none), else in January. Weeks, half months and months have no use for the month';

CREATE FUNCTION service_period(p_base contract, p_day date) RETURNS daterange
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_anchor CONSTANT record := anchor_of(p_base);
BEGIN
    RETURN period_of(p_day, p_base.period, v_anchor.day, v_anchor.month);
END $$;
COMMENT ON FUNCTION service_period(contract, date) IS
    'the service period of a base contract, and of its companions, that a day lies in';

CREATE FUNCTION period_at(p_base bigint, p_at timestamptz) RETURNS date
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (SELECT CASE WHEN isfinite(p_at)
                        THEN lower(service_period(b, (p_at AT TIME ZONE contract_zone(b.calendar_id))::date))
                        ELSE p_at::date END
              FROM contract b WHERE b.id = p_base);
END $$;
COMMENT ON FUNCTION period_at(bigint, timestamptz) IS
    'the first day of the service period of a base contract that an instant lies in; infinity stays infinity';

CREATE FUNCTION open_period(p_base contract, OUT span daterange, OUT opens_at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT service_period(p_base, d.day),
        d.day::timestamp AT TIME ZONE contract_zone((p_base).calendar_id)
      FROM (SELECT coalesce((SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = (p_base).id),
                            lower(service_period(p_base, (p_base).starts_on))) AS day) d;
END;
COMMENT ON FUNCTION open_period(contract) IS
    'the earliest service period of a base contract that is not closed, and the instant at which it begins';

CREATE FUNCTION contract_today(p_base contract) RETURNS date
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (now() AT TIME ZONE contract_zone((p_base).calendar_id))::date;
END;
COMMENT ON FUNCTION contract_today(contract) IS 'today in a contract''s zone';

CREATE FUNCTION period_name(p_base contract, p_first date) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN (p_base).period = 'month' AND extract(day FROM p_first) = 1 THEN left(iso(p_first), 7)
                ELSE iso(p_first) || ' – ' || iso(upper(service_period(p_base, p_first)) - 1) END;
END;
COMMENT ON FUNCTION period_name(contract, date) IS
    'what papers call a service period, in any language: 2026-03, or its first and last day';
-- ---------------------------------------------------------------------------
-- line: what the lines of a contract are about, day by day
-- ---------------------------------------------------------------------------

CREATE FUNCTION line_days(p_line contract_line, p_contract contract, p_base contract) RETURNS daterange
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN 'draft' IN ((p_contract).status, (p_base).status) THEN 'empty'::daterange
                WHEN (p_line).kind <> 'one_time' THEN daterange((p_line).starts_on, (p_line).ends_on + 1)
                WHEN (p_line).status = 'cancelled' THEN 'empty'
                ELSE daterange(coalesce((p_line).starts_on, (p_contract).starts_on),
                               coalesce((p_line).starts_on, (p_contract).starts_on) + 1) END
           * daterange((p_contract).starts_on, (p_contract).ends_on + 1)
           * daterange((p_base).starts_on, (p_base).ends_on + 1);
END;
COMMENT ON FUNCTION line_days(contract_line, contract, contract) IS
    'the days on which a line is in force, in the life of its contract and of that one''s base (itself, where it is no '
    'companion): of a one-time fee the day on which it is due; half-open, and empty where there are none';

-- What is cancelled counts nothing that is open: it ends with the last closed
-- period that it was charged for, or before it began.
CREATE FUNCTION last_billed_day(p_line bigint, p_base contract) RETURNS date
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
        SELECT max(b.period_end) - 1
          FROM billing_period b
         WHERE b.contract_id = p_base.id
           AND (EXISTS (SELECT FROM live_charge h WHERE h.contract_line_id = p_line AND h.line_period = b.period_start
                        AND h.source = 'fee' AND h.committed)
                OR EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = p_line AND a.period_start = b.period_start
                           AND a.kind = 'included')));
END $$;
COMMENT ON FUNCTION last_billed_day(bigint, contract) IS
    'the last day of the last closed period that a line was charged for or gave hours in, NULL where there is none';

CREATE FUNCTION complete_line() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_contract contract;
    v_base contract;
    v_opens date;
BEGIN
    PERFORM lock_contracts(ARRAY[NEW.contract_id, OLD.contract_id]);
    SELECT * INTO v_contract FROM contract c WHERE c.id = NEW.contract_id;
    SELECT * INTO v_base FROM contract c WHERE c.id = coalesce(v_contract.parent_id, v_contract.id);
    v_opens := (SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = v_base.id);
    IF TG_OP = 'INSERT' AND NEW.starts_on IS NULL AND coalesce(NEW.ends_on, 'infinity') >= v_opens
        AND NEW.kind <> 'stage' THEN
        NEW.starts_on := CASE NEW.kind WHEN 'recurring' THEN v_opens
                         ELSE least(greatest(v_opens, contract_today(v_base)), v_contract.ends_on, v_base.ends_on) END;
    END IF;
    IF NEW.kind = 'recurring' AND NEW.status = 'cancelled'
        AND (TG_OP = 'INSERT' OR OLD.status <> 'cancelled' AND NEW.ends_on IS NOT DISTINCT FROM OLD.ends_on) THEN
        NEW.ends_on := least(NEW.ends_on, coalesce(last_billed_day(NEW.id, v_base),
                                                   coalesce(NEW.starts_on, v_contract.starts_on) - 1));
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION complete_line() IS
    'trigger function of contract_line: holds the client; a line that names no first day once periods are closed '
    'starts in the open one; a recurring line that is cancelled without a day ends with what is billed of it';

CREATE FUNCTION check_line() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    IF (NEW.contract_id, NEW.kind) <> (OLD.contract_id, OLD.kind)
        AND (EXISTS (SELECT FROM charge h WHERE h.contract_line_id = NEW.id)
             OR EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = NEW.id)) THEN
        RAISE EXCEPTION 'line "%" has charges or hours: its contract and kind stay', OLD.title
            USING ERRCODE = 'restrict_violation', HINT = 'End this line and add another one.';
    END IF;
    IF NEW.replaces_id IS NOT NULL
        AND (NEW.kind <> 'recurring'
             OR NOT EXISTS (
                SELECT FROM contract_line r JOIN contract o ON o.id = r.contract_id
                  JOIN contract c ON c.id = NEW.contract_id
                 WHERE r.id = NEW.replaces_id AND r.kind = 'recurring'
                   AND coalesce(o.parent_id, o.id) = coalesce(c.parent_id, c.id))
             OR NEW.id IN (WITH RECURSIVE before AS (
                    SELECT r.id, r.replaces_id FROM contract_line r WHERE r.id = NEW.replaces_id
                    UNION SELECT r.id, r.replaces_id FROM contract_line r JOIN before b ON r.id = b.replaces_id)
                SELECT b.id FROM before b)) THEN
        RAISE EXCEPTION 'line "%" cannot replace line %', NEW.title, NEW.replaces_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_line_replacement_fits',
                HINT = 'A recurring line replaces an earlier recurring line of the same contract, or of its base or '
                       'companion.';
    END IF;
    SELECT h.id, h.service_date INTO v_charge
      FROM allotment a
      JOIN live_charge h ON h.allotment_id = a.id AND NOT h.late AND (h.committed OR is_committed(h.time_entry_id))
      JOIN contract c ON c.id = NEW.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
     WHERE a.contract_line_id = NEW.id AND a.kind = 'included' AND NOT h.service_date <@ line_days(NEW, c, b)
     ORDER BY h.service_date, h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hours of line "%" have covered billed work of %, when it would not be in force', NEW.title,
            v_charge.service_date
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'contract_line_life_holds_work',
                DETAIL = format('It would run from %s to %s. %s', coalesce(iso(NEW.starts_on), 'the contract''s start'),
                                coalesce(iso(NEW.ends_on), 'further notice'), frozen_by(v_charge.id)),
                HINT = 'Correct that work first with correct_entry(), or credit() its invoice; or let the line cover '
                       'that day.';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_line() IS
    'trigger function of contract_line: its contract and kind stay once it was charged or gave hours, and its days '
    'hold the billed work that these hours covered (23001); it replaces a line of its own agreement (23514)';
-- ---------------------------------------------------------------------------
-- match: which contract takes what is done for a client, and what else follows
-- from what a fact names
-- ---------------------------------------------------------------------------

-- Written as one SELECT, which the planner pulls into the queries that use it.
CREATE FUNCTION contract_of(p_named bigint, p_client bigint, p_project bigint, p_at timestamptz, p_day date)
    RETURNS TABLE (contracts bigint[], candidates bigint, zone text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_agg(k.id ORDER BY k.id) FILTER (WHERE k.matches AND k.level = k.best),
           CASE WHEN p_named IS NULL THEN count(*) ELSE 1 END,  -- one that is named is looked at, whosever it is
           min(k.zone) FILTER (WHERE k.matches AND k.level = k.best)
      FROM (SELECT n.*, min(n.level) FILTER (WHERE n.matches) OVER () AS best
              FROM (SELECT coalesce(c.parent_id, c.id) AS id, coalesce(a.zone, s.zone) AS zone,
                           CASE WHEN p_named IS NOT NULL THEN 1 WHEN c.project_id IS NOT NULL THEN 2
                               ELSE 3 END AS level,
                           c.status <> 'draft' AND coalesce((p_at AT TIME ZONE coalesce(a.zone, s.zone))::date, p_day)
                               BETWEEN c.starts_on AND coalesce(c.ends_on, 'infinity') AS matches
                      FROM contract c CROSS JOIN setting s LEFT JOIN calendar a ON a.id = c.calendar_id
                     WHERE CASE WHEN p_named IS NOT NULL THEN c.id = p_named
                                ELSE c.parent_id IS NULL AND (c.project_id IS NULL OR c.project_id = p_project) END
                       AND c.client_id = p_client) n) k;
END;
COMMENT ON FUNCTION contract_of(bigint, bigint, bigint, timestamptz, date) IS
    'the contracts that take work of a client at an instant, or on a day: the one that is named, else those of the '
    'project, else those of the whole client; companions come with their base. One where it is clear, several where it '
    'is not, NULL where none is in force; candidates: how many were looked at; zone: in which they reckon days';

CREATE FUNCTION task_contract(p_task bigint, p_at timestamptz, OUT contract_id bigint, OUT service_date date,
                              OUT problem text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN cardinality(c.contracts) = 1 THEN coalesce(t.contract_id, c.contracts[1]) END,
           (p_at AT TIME ZONE coalesce(c.zone, s.zone))::date,
           CASE WHEN c.contracts IS NULL THEN 'no contract is in force'
                WHEN cardinality(c.contracts) > 1 THEN 'several contracts match' END
      FROM task t
      JOIN project p ON p.id = t.project_id
     CROSS JOIN setting s
     CROSS JOIN LATERAL contract_of(t.contract_id, p.client_id, p.id, p_at, NULL) c
     WHERE t.id = p_task;
END;
COMMENT ON FUNCTION task_contract(bigint, timestamptz) IS
    'the contract that takes what a task costs at an instant, the local date, or the problem in words';
-- ---------------------------------------------------------------------------
-- dimension: what a fact is about
--
-- Whoever names a task names its project, deal and client as well, and the
-- contract that takes its work.  So every writer of facts (charges, payments,
-- lines of documents, ledger entries) completes what it was given here.
-- ---------------------------------------------------------------------------

CREATE FUNCTION default_own() RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT min(p.id) FROM party p WHERE p.kind = 'own';
END;
COMMENT ON FUNCTION default_own() IS 'the own company of facts whose contract or document names none: the first one';

-- What is named is compared with what else that is named says of it; where only
-- what follows differs, the nearest wins: a task's project before its deal's.
CREATE FUNCTION check_dimension(p_what text, p_kind text, p_given bigint, p_from text, p_follows bigint) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_given <> p_follows THEN
        RAISE EXCEPTION '% names % %, but % is of % %', p_what, p_kind, p_given, p_from, p_kind, p_follows
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dimension_fits',
                HINT = format('Name the %s it is about, or what is of the %s named.', split_part(p_from, ' ', 1),
                              p_kind);
    END IF;
END $$;
COMMENT ON FUNCTION check_dimension(text, text, bigint, text, bigint) IS
    'refuse (23514) a fact that names one thing (p_kind, p_given) where another thing it names is of p_follows';

CREATE FUNCTION complete_dimension(p_given dimension, p_on date, p_what text) RETURNS dimension
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v dimension := p_given;
    v_task task;
    v_deal deal;
    v_contract contract;
    v_project project;
    v_contracts bigint[];
BEGIN
    IF v.task_id IS NOT NULL THEN
        SELECT * INTO v_task FROM task t WHERE t.id = v.task_id;
        PERFORM check_dimension(p_what, 'project', p_given.project_id, format('task %s', v.task_id), v_task.project_id);
        PERFORM check_dimension(p_what, 'deal', p_given.deal_id, format('task %s', v.task_id), v_task.deal_id);
        v.project_id := coalesce(v.project_id, v_task.project_id);
        v.deal_id := coalesce(v.deal_id, v_task.deal_id);
        v.contract_id := coalesce(v.contract_id, v_task.contract_id);
        v.work_type_id := coalesce(v.work_type_id, v_task.work_type_id);
    END IF;
    IF v.deal_id IS NOT NULL THEN
        SELECT * INTO v_deal FROM deal d WHERE d.id = v.deal_id;
        v.project_id := coalesce(v.project_id, v_deal.project_id);
    END IF;
    IF v.contract_id IS NOT NULL THEN
        SELECT * INTO v_contract FROM contract c WHERE c.id = v.contract_id;
        v.project_id := coalesce(v.project_id, v_contract.project_id);
    END IF;
    IF v.project_id IS NOT NULL THEN
        SELECT * INTO v_project FROM project p WHERE p.id = v.project_id;
    END IF;

    v.client_id := coalesce(v.client_id, v_contract.client_id, v_project.client_id, v_deal.client_id);
    PERFORM check_dimension(p_what, 'client', v.client_id, format('contract %s', v.contract_id), v_contract.client_id);
    PERFORM check_dimension(p_what, 'client', v.client_id, format('project %s', v.project_id), v_project.client_id);
    PERFORM check_dimension(p_what, 'client', v.client_id, format('deal %s', v.deal_id), v_deal.client_id);

    IF v.contract_id IS NULL AND v.project_id IS NOT NULL THEN
        v_contracts := (SELECT c.contracts FROM contract_of(NULL, v.client_id, v.project_id, NULL, p_on) c);
        IF cardinality(v_contracts) = 1 THEN
            v.contract_id := v_contracts[1];
            SELECT * INTO v_contract FROM contract c WHERE c.id = v.contract_id;
        END IF;
    END IF;
    v.direction_id := coalesce(v.direction_id, v_project.direction_id, v_deal.direction_id,
                               (SELECT m.direction_id FROM employee m WHERE m.id = v.employee_id));
    v.own_id := coalesce(v.own_id, v_contract.own_id, default_own());
    RETURN v;
END $$;
COMMENT ON FUNCTION complete_dimension(dimension, date, text) IS
    'what a fact of a day is about, with all that follows from what it names: task → project, deal, contract, kind of '
    'work; deal, contract → project; all of them → client, direction, own company; the contract in force where just '
    'one takes the client''s work. What contradicts itself is refused (23514), p_what says of what: "line 2", "payment '
    '7"';

CREATE FUNCTION check_task_deal() RETURNS trigger
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_deal bigint := (SELECT s.deal_id FROM deal_stage s WHERE s.id = NEW.deal_stage_id);
BEGIN
    PERFORM check_dimension(format('task "%s"', NEW.title), 'deal', NEW.deal_id, format('stage %s', NEW.deal_stage_id),
                            v_deal);
    NEW.deal_id := coalesce(NEW.deal_id, v_deal);
    PERFORM check_dimension(format('task "%s"', NEW.title), 'client', p.client_id, format('deal %s', d.id), d.client_id)
       FROM project p, deal d WHERE p.id = NEW.project_id AND d.id = NEW.deal_id;
    PERFORM check_dimension(format('task "%s"', NEW.title), 'client', p.client_id, format('contract %s', c.id),
                            c.client_id)
       FROM project p, contract c WHERE p.id = NEW.project_id AND c.id = NEW.contract_id;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_task_deal() IS
    'trigger function of task: its stage names its deal, which is, like its contract, of the client of its project '
    '(23514)';

CREATE FUNCTION check_deal_project() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM check_dimension(format('deal "%s"', NEW.name), 'client', NEW.client_id, format('project %s', p.id),
                            p.client_id)
       FROM project p WHERE p.id = NEW.project_id;
    IF TG_OP = 'UPDATE' AND NEW.client_id <> OLD.client_id THEN
        PERFORM lock_parties(ARRAY[OLD.client_id, NEW.client_id]);
        IF EXISTS (SELECT FROM task t WHERE t.deal_id = OLD.id)
            OR EXISTS (SELECT FROM charge h WHERE h.deal_id = OLD.id) THEN
            RAISE EXCEPTION 'deal "%" has tasks or charges: its client stays', OLD.name
                USING ERRCODE = 'restrict_violation', HINT = 'Make a deal of the other client.';
        END IF;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_deal_project() IS
    'trigger function of deal: its project is one of its client (23514), who stays once there are tasks or charges '
    '(23001); SECURITY DEFINER because nobody is granted the locks';
-- ---------------------------------------------------------------------------
-- contract: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'contract'), allow('manager', 'insert,update,delete', 'contract');
SELECT watch('contract');
SELECT allow('reader', 'select', 'contract_line'), allow('manager', 'insert,update,delete', 'contract_line');
SELECT watch('contract_line');
SELECT allow('reader', 'select', 'band_rule'), allow('manager', 'insert,update,delete', 'band_rule');
SELECT watch('band_rule');
SELECT allow('reader', 'select', 'allotment'),
    allow('manager', 'update', 'allotment', columns => '{priority,scope_work_types}');
SELECT watch('allotment');
SELECT allow('reader', 'select', 'billing_period');
SELECT watch('billing_period', 'changes');
-- ---------------------------------------------------------------------------
-- length: how long an entry may be
--
-- setting.max_entry_s is a limit by the clock on the wall: 86400 is a day, which
-- has 25 hours when the clocks go back.
-- ---------------------------------------------------------------------------

CREATE FUNCTION longest_entry_s(p_employee bigint, p_task bigint, p_contract bigint, p_at timestamptz, p_day date)
    RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
    SELECT greatest(s.max_entry_s, extract(epoch FROM
                    (b.at AT TIME ZONE z.zone + s.max_entry_s * interval '1 second') AT TIME ZONE z.zone - b.at))
      FROM task t
      JOIN project p ON p.id = t.project_id
      JOIN employee m ON m.id = p_employee
     CROSS JOIN setting s
     CROSS JOIN LATERAL contract_of(coalesce(p_contract, t.contract_id), p.client_id, p.id, p_at, p_day) c
     CROSS JOIN LATERAL (SELECT coalesce(c.zone, m.zone, s.zone) AS zone) z
     CROSS JOIN LATERAL (SELECT coalesce(p_at, p_day::timestamp AT TIME ZONE z.zone) AS at) b
     WHERE t.id = p_task);
END $$;
COMMENT ON FUNCTION longest_entry_s(bigint, bigint, bigint, timestamptz, date) IS
    'how many seconds an entry that begins at an instant, or on a day, may last by setting.max_entry_s: more where the '
    'clocks of its zone go back meanwhile';

CREATE FUNCTION refuse_long_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_long record;
BEGIN
    SELECT e.worked_s, l.longest_s INTO v_long
      FROM unnest(p_entries) x (id)
      JOIN time_entry e USING (id)
      JOIN setting s ON e.worked_s > s.max_entry_s
     CROSS JOIN LATERAL (SELECT longest_entry_s(e.employee_id, e.task_id, e.contract_id, e.started_at, e.work_date)
                                AS longest_s) l
     WHERE e.worked_s > l.longest_s
     ORDER BY e.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a time entry of % seconds is longer than the limit of %', v_long.worked_s, v_long.longest_s
            USING ERRCODE = 'check_violation', CONSTRAINT = 'time_entry_within_limit',
                HINT = 'Split the entry, or raise max_entry_s in table setting.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_long_entries(bigint[]) IS
    'refuse (23514) time entries that are longer than setting.max_entry_s';
-- ---------------------------------------------------------------------------
-- ingest: work logs from trackers and CRMs
-- ---------------------------------------------------------------------------

-- A field of an outside record is read only when it has the form it must have.
CREATE FUNCTION ingest_seconds(p_text text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_text ~ '^-?[0-9]{1,9}$' THEN p_text::bigint END;
END;
COMMENT ON FUNCTION ingest_seconds(text) IS
    'a whole number of seconds of up to 9 digits, or NULL when the text is none';

-- New records and changed ones are rated one after the other: what both need is
-- held before, at once and in order, so that nobody waits for one who waits for him.
CREATE FUNCTION lock_records(p_entries jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_held bigint[];
    v_clients bigint[];
BEGIN
    PERFORM FROM jsonb_array_elements(p_entries) v (value)
      JOIN time_entry e ON e.source = v.value ->> 'source' AND e.external_id = v.value ->> 'external_id'
     ORDER BY e.id FOR NO KEY UPDATE OF e;
    -- A task may move while we wait: then its new client is held too, before
    -- rows are inserted that somebody else may wait for.
    LOOP
        v_clients := ARRAY(
            SELECT p.client_id FROM jsonb_array_elements(p_entries) v (value)
              JOIN task t ON t.source = v.value ->> 'source' AND t.external_id = v.value ->> 'task'
              JOIN project p ON p.id = t.project_id
            UNION
            SELECT p.client_id FROM jsonb_array_elements(p_entries) v (value)
              JOIN time_entry e ON e.source = v.value ->> 'source' AND e.external_id = v.value ->> 'external_id'
              JOIN task t ON t.id = e.task_id
              JOIN project p ON p.id = t.project_id
             ORDER BY 1);
        EXIT WHEN v_clients = v_held;
        PERFORM lock_parties(v_clients);
        v_held := v_clients;
    END LOOP;
END $$;
COMMENT ON FUNCTION lock_records(jsonb) IS
    'lock the entries that records of trackers name, then hold their clients and those of the tasks that the records '
    'name';

-- Every field is read as text and only where it has the form it must have, so
-- that one bad record never fails the others.
CREATE FUNCTION read_records(p_entries jsonb)
    RETURNS TABLE (no bigint, record jsonb, source text, external_id text, employee text, task text, work_type text,
                   started_at timestamptz, ended_at timestamptz, work_date date, duration_s bigint, break_s bigint,
                   billable text, comment text, newest bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT v.no, v.value, v.value ->> 'source', v.value ->> 'external_id',
           v.value ->> 'employee', v.value ->> 'task', v.value ->> 'work_type',
           iso_instant(v.value ->> 'started_at'), iso_instant(v.value ->> 'ended_at'),
           iso_date(v.value ->> 'work_date'), ingest_seconds(v.value ->> 'duration_s'),
           coalesce(ingest_seconds(v.value ->> 'break_s'), 0), v.value ->> 'billable', v.value ->> 'comment',
           row_number() OVER (PARTITION BY v.value ->> 'source', v.value ->> 'external_id' ORDER BY v.no DESC)
      FROM jsonb_array_elements(p_entries) WITH ORDINALITY v (value, no);
END;
COMMENT ON FUNCTION read_records(jsonb) IS
    'the records of trackers, field by field, NULL where one has not the form it must have; newest: 1 for the last of '
    'a key in the call';

CREATE FUNCTION check_records(p_entries jsonb, p_may_decide boolean)
    RETURNS TABLE (no bigint, record jsonb, source text, external_id text, employee_id bigint, task_id bigint,
                   work_type_id bigint, started_at timestamptz, ended_at timestamptz, work_date date, duration_s bigint,
                   break_s bigint, billable text, comment text, reason text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.no, r.record, r.source, r.external_id, l.employee_id, t.id, w.id, r.started_at, r.ended_at, r.work_date,
           r.duration_s, r.break_s, r.billable, r.comment,
           CASE WHEN jsonb_typeof(r.record) <> 'object' THEN 'not a JSON object'
                WHEN coalesce(r.source, '') = '' OR coalesce(r.external_id, '') = ''
                    THEN 'source and external_id are needed'
                WHEN r.newest > 1 THEN 'sent again later in the same call'
                WHEN r.employee IS NULL THEN 'employee is needed'
                WHEN l.employee_id IS NULL THEN format('unknown employee "%s" of source "%s"', r.employee, r.source)
                WHEN r.task IS NULL THEN 'task is needed'
                WHEN t.id IS NULL THEN format('unknown task "%s" of source "%s"', r.task, r.source)
                WHEN r.work_type IS NOT NULL AND w.id IS NULL THEN format('unknown work type "%s"', r.work_type)
                WHEN r.record ->> 'started_at' IS NOT NULL AND r.started_at IS NULL
                    THEN format('started_at "%s" is no time stamp with zone', r.record ->> 'started_at')
                WHEN r.record ->> 'ended_at' IS NOT NULL AND r.ended_at IS NULL
                    THEN format('ended_at "%s" is no time stamp with zone', r.record ->> 'ended_at')
                WHEN r.record ->> 'work_date' IS NOT NULL AND r.work_date IS NULL
                    THEN format('work_date "%s" is no date', r.record ->> 'work_date')
                WHEN r.record ->> 'duration_s' IS NOT NULL AND r.duration_s IS NULL
                    THEN format('duration_s "%s" is no whole number of seconds', r.record ->> 'duration_s')
                WHEN r.record ->> 'break_s' IS NOT NULL AND ingest_seconds(r.record ->> 'break_s') IS NULL
                    THEN format('break_s "%s" is no whole number of seconds', r.record ->> 'break_s')
                WHEN num_nonnulls(r.started_at, r.ended_at) = 1 THEN 'started_at and ended_at go together'
                WHEN r.started_at IS NULL AND num_nonnulls(r.work_date, r.duration_s) < 2
                    THEN 'started_at and ended_at, or work_date and duration_s are needed'
                WHEN r.ended_at < r.started_at THEN 'ended_at is before started_at'
                WHEN r.duration_s < 0 OR r.break_s < 0 THEN 'durations cannot be negative'
                WHEN d.worked_s < 0 THEN 'break_s is longer than the entry'
                WHEN d.worked_s > s.max_entry_s
                    AND d.worked_s > longest_entry_s(l.employee_id, t.id, NULL, r.started_at, r.work_date)
                THEN format('longer than the limit of %s seconds',
                            longest_entry_s(l.employee_id, t.id, NULL, r.started_at, r.work_date))
                WHEN r.billable <> 'billable' AND NOT s.trackers_decide AND NOT p_may_decide
                    THEN 'billable is not for trackers to say: setting.trackers_decide'
                WHEN r.billable NOT IN ('billable', 'no_charge', 'non_billable')
                    THEN format('unknown disposition "%s"', r.billable) END
      FROM read_records(p_entries) r
     CROSS JOIN setting s
     CROSS JOIN LATERAL (
        SELECT coalesce(r.duration_s, floor(extract(epoch FROM r.ended_at - r.started_at)) - r.break_s) AS worked_s) d
      LEFT JOIN employee_login l ON l.source = r.source AND l.external_id = r.employee
      LEFT JOIN task t ON t.source = r.source AND t.external_id = r.task
      LEFT JOIN work_type w ON w.code = r.work_type;
END;
COMMENT ON FUNCTION check_records(jsonb, boolean) IS
    'the records of trackers with the people, tasks and kinds of work they name, and the reason why one cannot be '
    'taken, NULL where it can; whoever may decide says what is not billed, trackers where setting.trackers_decide is '
    'on';

CREATE FUNCTION ingest_batch(entries jsonb, OUT inserted bigint, OUT updated bigint, OUT unchanged bigint,
                             OUT rejected bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_manager boolean := coalesce(has_level('manager'), false);
    v_missed bigint;
    v_again record;
BEGIN
    PERFORM lock_records(entries);
    WITH checked AS MATERIALIZED (
        SELECT * FROM check_records(entries, v_manager)
    ), matched AS MATERIALIZED (
        SELECT c.*, e.id,
               (e.employee_id, e.task_id, e.work_type_id, e.started_at, e.ended_at, e.work_date, e.duration_s,
                e.break_s, e.billable, e.comment)
               IS NOT DISTINCT FROM
               (c.employee_id, c.task_id, c.work_type_id, c.started_at, c.ended_at, c.work_date, c.duration_s,
                c.break_s, c.billable, c.comment) AS same,
               EXISTS (SELECT FROM live_charge h WHERE h.time_entry_id = e.id AND h.committed) AS frozen
          FROM checked c
          LEFT JOIN time_entry e ON e.source = c.source AND e.external_id = c.external_id
         WHERE c.reason IS NULL
    ), added AS (
        INSERT INTO time_entry (employee_id, task_id, work_type_id, started_at, ended_at, work_date, duration_s,
                                break_s, billable, comment, source, external_id)
        SELECT m.employee_id, m.task_id, m.work_type_id, m.started_at, m.ended_at, m.work_date, m.duration_s, m.break_s,
               m.billable, m.comment,
               m.source, m.external_id
          FROM matched m WHERE m.id IS NULL ORDER BY coalesce(m.started_at, m.work_date::timestamp AT TIME ZONE 'UTC'),
          m.no
        ON CONFLICT (source, external_id) DO NOTHING
        RETURNING 1
    ), changed AS (
        UPDATE time_entry e
           SET employee_id = m.employee_id, task_id = m.task_id, work_type_id = m.work_type_id,
               started_at = m.started_at, ended_at = m.ended_at,
               work_date = m.work_date, duration_s = m.duration_s, break_s = m.break_s, billable = m.billable,
               comment = m.comment
          FROM matched m WHERE e.id = m.id AND NOT m.same AND NOT m.frozen
        RETURNING 1
    ), refused AS MATERIALIZED (
        SELECT c.source, c.external_id, c.record, c.reason, c.no FROM checked c WHERE c.reason IS NOT NULL
        UNION ALL
        SELECT m.source, m.external_id, m.record, 'changed after it was billed; use correct_entry()', m.no
          FROM matched m WHERE NOT m.same AND m.frozen
    ), forgotten AS (
        DELETE FROM rejected_entry x USING checked r
         WHERE x.source IS NOT DISTINCT FROM r.source AND x.external_id IS NOT DISTINCT FROM r.external_id
           AND (x.external_id IS NOT NULL OR x.record = r.record)
    ), kept AS (
        INSERT INTO rejected_entry (source, external_id, record, reason)
        SELECT r.source, r.external_id, r.record, r.reason FROM refused r ORDER BY r.no
    )
    SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM changed),
           (SELECT count(*) FROM matched WHERE same), (SELECT count(*) FROM refused),
           (SELECT count(*) FROM matched WHERE id IS NULL) - (SELECT count(*) FROM added)
      INTO inserted, updated, unchanged, rejected, v_missed;
    -- Another session was first with some of them: now they are there to be compared.
    IF v_missed > 0 THEN
        SELECT * INTO v_again FROM ingest_batch(entries);
        updated := updated + v_again.updated;
        unchanged := unchanged + v_missed - v_again.updated - (v_again.rejected - rejected);
        rejected := v_again.rejected;
    END IF;
END $$;
COMMENT ON FUNCTION ingest_batch(jsonb) IS
    'take work logs as ingest_entries() does; one that comes late for a closed period fails them all';

-- Work that comes too late for a contract is refused by the trigger, with all
-- that came with it: halves of what came are tried until it is alone.
CREATE FUNCTION ingest_entries(entries jsonb, OUT inserted bigint, OUT updated bigint, OUT unchanged bigint,
                               OUT rejected bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_half jsonb;
    v_taken record;
    v_count int;
    v_constraint text;
    v_message text;
BEGIN
    entries := json_argument(entries);
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'entries must be a JSON array, not %', coalesce(jsonb_typeof(entries), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass an array of work logs, even for a single one.';
    END IF;
    IF jsonb_array_length(entries) > 200000 THEN
        RAISE EXCEPTION 'too many entries in one call: %', jsonb_array_length(entries)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Send at most 200000 in one call.';
    END IF;

    v_count := jsonb_array_length(entries);
    BEGIN
        SELECT b.inserted, b.updated, b.unchanged, b.rejected INTO inserted, updated, unchanged, rejected
          FROM ingest_batch(entries) b;
        RETURN;
    EXCEPTION WHEN restrict_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_message = MESSAGE_TEXT;
        IF v_constraint = 'time_entry_not_billed'
            THEN  -- while we waited: now it is seen, and a record that changes it is rejected
            SELECT b.inserted, b.updated, b.unchanged, b.rejected INTO inserted, updated, unchanged, rejected
              FROM ingest_entries(entries) b;
            RETURN;
        ELSIF v_constraint IS DISTINCT FROM 'time_entry_period_open' THEN
            RAISE;
        END IF;
    END;
    IF v_count = 1 THEN
        INSERT INTO rejected_entry (source, external_id, record, reason)
        SELECT entries -> 0 ->> 'source', entries -> 0 ->> 'external_id', entries -> 0, v_message;
        inserted := 0; updated := 0; unchanged := 0; rejected := 1;
        RETURN;
    END IF;
    inserted := 0; updated := 0; unchanged := 0; rejected := 0;
    FOR i IN 0 .. 1 LOOP
        v_half := (SELECT jsonb_agg(v.value ORDER BY v.no)
                     FROM jsonb_array_elements(entries) WITH ORDINALITY v (value, no)
                    WHERE v.no > i * (v_count / 2) AND (i = 1 OR v.no <= v_count / 2));
        SELECT * INTO v_taken FROM ingest_entries(v_half);
        inserted := inserted + v_taken.inserted;
        updated := updated + v_taken.updated;
        unchanged := unchanged + v_taken.unchanged;
        rejected := rejected + v_taken.rejected;
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_entries(jsonb) IS
    'take work logs from a tracker: an array of {"source", "external_id", "employee", "task", "work_type"?, '
    '"started_at"+"ended_at" | "work_date"+"duration_s", "break_s"?, "billable"?, "comment"?}; employee and task are '
    'the ids the source knows them by (employee_login, task), work_type a code. Idempotent on (source, external_id); a '
    'bad record goes to rejected_entry with the reason and never stops the others; at most 200000 in one call';
SELECT allow('clerk', 'execute', 'ingest_entries');

-- Gateways pass the whole body of a request to a parameter without a name.
-- It is PL/pgSQL because pg_dump cannot write a BEGIN ATOMIC body that names an
-- argument without a name.
CREATE FUNCTION ingest(jsonb, OUT inserted bigint, OUT updated bigint, OUT unchanged bigint, OUT rejected bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    SELECT i.inserted, i.updated, i.unchanged, i.rejected INTO ingest.inserted, ingest.updated, ingest.unchanged,
           ingest.rejected
      FROM ingest_entries($1) i;
END $$;
COMMENT ON FUNCTION ingest(jsonb) IS
    'ingest_entries() for trackers that post their array as it is: through a gateway the body of the request is the '
    'array, with no object around it';
SELECT allow('clerk', 'execute', 'ingest');
-- ---------------------------------------------------------------------------
-- approve: work that waits for a manager's word
-- ---------------------------------------------------------------------------

CREATE FUNCTION approve_entries(entries bigint[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_unknown bigint;
    v_count bigint;
BEGIN
    SELECT x.id INTO v_unknown FROM unnest(entries) x (id)
     WHERE NOT EXISTS (SELECT FROM time_entry e WHERE e.id = x.id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no time entry %', coalesce(v_unknown::text, 'NULL')
            USING ERRCODE = 'foreign_key_violation', HINT = 'Nothing was approved.';
    END IF;
    UPDATE time_entry e SET approved_at = clock_timestamp(), approved_by = actor()
     WHERE e.id = ANY (entries) AND e.approved_at IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION approve_entries(bigint[]) IS
    'approve time entries, which rates those that waited for it; returns how many were not approved before; refused '
    '(23503) whole for an unknown one';
SELECT allow('manager', 'execute', 'approve_entries');

-- An approval is of a content.  Whoever changes what is billed of an entry, by
-- whatever call, takes the approval away, unless the same statement approves anew:
-- the time of approval is the clock's, so it differs then.
CREATE FUNCTION withdraw_approval() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    NEW.approved_at := NULL;
    NEW.approved_by := NULL;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION withdraw_approval() IS
    'trigger function of time_entry: an entry of which something is changed that is billed waits for approval again';
-- ---------------------------------------------------------------------------
-- work: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'task_item'), allow('manager', 'insert,update,delete', 'task_item');
SELECT watch('task_item');
SELECT allow('reader', 'select', 'time_entry'),
       allow('clerk', 'insert,update', 'time_entry',
             but => ARRAY['contract_id', 'billable', 'billable_s', 'price', 'override_reason',
                          'approved_at', 'approved_by', 'created_at', 'created_by']),
       allow('clerk', 'delete', 'time_entry'),
       allow('manager', 'insert,update', 'time_entry', but => '{approved_at,approved_by,created_at,created_by}');
SELECT watch('time_entry', 'changes');
SELECT allow('reader', 'select', 'rejected_entry'), allow('clerk', 'delete', 'rejected_entry');
-- ---------------------------------------------------------------------------
-- charge views: what its readers may see, where a charge is, what froze it
-- ---------------------------------------------------------------------------

-- Figures are summed from more than their reader may see one by one: the cost of
-- a charge is a person's.  These views show all columns to the views of figures,
-- which belong to the owner, and only the rows that the policies of whoever asks let through.
CREATE VIEW seen_charge WITH (security_invoker) AS SELECT id FROM charge;
COMMENT ON VIEW seen_charge IS 'the charges that the row policies of whoever asks let through';

-- What a charge and its reversal would have cost is nothing together, known or not;
-- what a correction told is known.  They are few, and found by an index of their own.
CREATE VIEW visible_charge WITH (security_barrier) AS
    SELECT h.*, u.id IS NOT NULL AS uncosted
      FROM charge h
      LEFT JOIN (
        SELECT c.id FROM charge c
         WHERE c.base_cost IS NULL AND c.reverses_id IS NULL
           AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = c.id)
           AND NOT EXISTS (SELECT FROM charge a WHERE a.adjusts_id = c.id
                           AND a.why #> '{correction,cost}' IS NOT NULL)) u ON u.id = h.id
     WHERE (SELECT NOT row_security_active('charge'::regclass)) OR h.id IN (SELECT s.id FROM seen_charge s);
COMMENT ON VIEW visible_charge IS
    'charges with their costs for the views of figures, within the row policies of whoever asks; uncosted: they count, '
    'and what they cost is not known; granted to nobody';

CREATE VIEW burn WITH (security_invoker) AS
    SELECT allotment_id, id AS charge_id, burned AS amount FROM charge WHERE allotment_id IS NOT NULL;
COMMENT ON VIEW burn IS
    'what each charge took from an allotment, in the allotment''s unit; a segment is cut where an allotment ends, so '
    'it draws on one only';
SELECT allow('reader', 'select', 'burn');

-- What counts: no reversal, and nothing that was reversed.  "Is it billed" is
-- asked of these alone: committed and live.
CREATE VIEW live_charge WITH (security_invoker) AS
    SELECT h.* FROM charge h WHERE h.reverses_id IS NULL
        AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id);
COMMENT ON VIEW live_charge IS 'the charges that count: neither reversals nor reversed';
SELECT allow('controller', 'select', 'live_charge');
-- ---------------------------------------------------------------------------
-- charge guard: frozen charges are facts; what charges and entries name by id stays
-- ---------------------------------------------------------------------------

-- Frozen charges are facts; only where their profit is told may change: a deal is
-- made of what was billed, or a task is given one later.
CREATE FUNCTION guard_charge() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_open CONSTANT text[] := '{deal_id,committed}';  -- which is generated, and not yet here
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - c_open = to_jsonb(NEW) - c_open THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'charge % is frozen and cannot be %', OLD.id, CASE TG_OP WHEN 'DELETE' THEN 'deleted'
        ELSE 'changed' END
        USING ERRCODE = 'restrict_violation',
            DETAIL = frozen_by(OLD.id),
            HINT = 'Correct it by a reversal: correct_entry(), adjust_charge() or credit().';
END $$;
COMMENT ON FUNCTION guard_charge() IS
    'trigger function of charge: a frozen charge is never changed, but for its deal, or deleted (23001)';

CREATE FUNCTION keep_named() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.id = OLD.id THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the id of % % stays as it is', replace(TG_TABLE_NAME, '_', ' '), OLD.id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Charges and ledger entries know the row by it; change other columns.';
    END IF;
    -- Foreign keys see what others charge meanwhile; of a price list there is none.
    IF TG_TABLE_NAME = 'price_list' AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
        THEN
        RAISE EXCEPTION 'in a % transaction it cannot be seen whether % % has charges',
            current_setting('transaction_isolation'),
            replace(TG_TABLE_NAME, '_', ' '), OLD.id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Delete it in a transaction of its own: BEGIN ISOLATION LEVEL READ COMMITTED.';
    END IF;
    PERFORM lock_books() WHERE TG_TABLE_NAME = 'price_list';
    IF (CASE TG_TABLE_NAME WHEN 'party' THEN EXISTS (SELECT FROM charge h WHERE h.client_id = OLD.id)
                                              OR to_jsonb(OLD) ->> 'kind' = 'own'
                                                  AND EXISTS (SELECT FROM charge h WHERE h.own_id = OLD.id)
                           WHEN 'project' THEN EXISTS (SELECT FROM charge h WHERE h.project_id = OLD.id)
                           WHEN 'task' THEN EXISTS (SELECT FROM charge h WHERE h.task_id = OLD.id)
                           WHEN 'deal' THEN EXISTS (SELECT FROM charge h WHERE h.deal_id = OLD.id)
                           WHEN 'employee' THEN EXISTS (SELECT FROM charge h WHERE h.employee_id = OLD.id)
                           WHEN 'direction' THEN EXISTS (SELECT FROM charge h WHERE h.direction_id = OLD.id)
                           WHEN 'work_type' THEN EXISTS (SELECT FROM charge h WHERE h.work_type_id = OLD.id)
                           WHEN 'item' THEN EXISTS (SELECT FROM charge h WHERE h.item_id = OLD.id)
                           WHEN 'price_list' THEN EXISTS (SELECT FROM charge h WHERE h.price_list_id = OLD.id) END) THEN
        RAISE EXCEPTION '% % has charges and cannot be deleted', replace(TG_TABLE_NAME, '_', ' '), OLD.id
            USING ERRCODE = 'restrict_violation', HINT = 'Figures are told by it; close, archive or rename it instead.';
    END IF;
    RETURN OLD;
END $$;
COMMENT ON FUNCTION keep_named() IS
    'trigger function of what charges name: its id never changes, and it is not deleted while a charge names it '
    '(23001); a price list is deleted in READ COMMITTED only (23001). SECURITY DEFINER because row policies must not '
    'hide charges';

CREATE FUNCTION keep_burned() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_burned numeric;
BEGIN
    PERFORM lock_contracts(ARRAY[OLD.contract_id, NEW.contract_id]);
    v_burned := allotment_held(OLD.id);
    IF NEW.amount < v_burned OR v_burned <> 0 AND (NEW.unit, NEW.contract_id) <> (OLD.unit, OLD.contract_id) THEN
        RAISE EXCEPTION 'billed work has taken % of allotment % already', trim_scale(v_burned), OLD.id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Keep its unit and contract and at least that amount, or void_block() it.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_burned() IS
    'trigger function of allotment: what billed work took of it stays (23001); SECURITY DEFINER because nobody is '
    'granted the locks';
-- ---------------------------------------------------------------------------
-- put: making charges
--
-- put_charges() and replace_charges() are the only writers of rows of charge, and
-- are made from its columns.  Whoever has a charge to make fills in what it knows
-- of one, by name; complete_charge(), opposite() and part_of() do the rest.
-- ---------------------------------------------------------------------------

SELECT make_writer('charge', 'put_charges', 'ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING');

-- Work that is rated again keeps the ids of its charges, and what stays the same
-- is not touched.  By index look-ups for any number of rows, whatever the planner
-- knows of tables that were just loaded; foreign keys are checked by the same mode.
DO $$
DECLARE
    c_kept CONSTANT text[] := '{id,time_entry_id,segment}';
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION replace_charges(p_rows charge[], p_known boolean) RETURNS void
            LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $body$
        BEGIN
            INSERT INTO charge (%1$s)
            SELECT %2$s FROM unnest(p_rows) n
             WHERE NOT p_known OR NOT EXISTS (
                SELECT FROM charge h
                 WHERE h.time_entry_id = n.time_entry_id AND h.segment = n.segment AND NOT h.committed
                   AND (%3$s) IS NOT DISTINCT FROM (%4$s))
             ORDER BY n.time_entry_id, n.segment
            ON CONFLICT (time_entry_id, segment) WHERE time_entry_id IS NOT NULL AND NOT committed DO UPDATE SET %5$s;
        END $body$ $function$,
        column_list('charge', '%1$s'), value_list('charge', 'n'),
        column_list('charge', 'h.%1$s', c_kept), value_list('charge', 'n', c_kept),
        column_list('charge', '%1$s = excluded.%1$s', c_kept));
END $$;
COMMENT ON FUNCTION replace_charges(charge[], boolean) IS
    'write open charges of work in place of those that the same segments had (p_known: some of them have), keeping '
    'ids; what is the same stays as it is';

CREATE FUNCTION check_charge_amount(p_amount numeric, p_currency text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_amount <> round_money(p_amount, currency_exponent(p_currency)) THEN
        RAISE EXCEPTION 'a charge of % %, which % cannot hold', trim_scale(p_amount), p_currency, p_currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_amount_exact', HINT = 'Round the amount first.';
    END IF;
END $$;
COMMENT ON FUNCTION check_charge_amount(numeric, text) IS 'refuse (23514) an amount that its currency cannot hold';

-- A charge that is no work.  Its currency, client and own company are the
-- contract's; in a closed period it is billed in the open one, marked late.
CREATE FUNCTION complete_charge(p_charge charge) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := p_charge;
    v_contract contract;
    v_base contract := base_contract(p_charge.contract_id);
    v_setting setting;
    v_about dimension;
    v_span daterange;
    v_opens date;
BEGIN
    SELECT * INTO v_contract FROM contract c WHERE c.id = v.contract_id;
    SELECT * INTO v_setting FROM setting;
    IF v.service_date IS NULL OR NOT isfinite(v.service_date) THEN
        RAISE EXCEPTION 'a charge needs the day of its service'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a date.';
    END IF;
    IF v_contract.status = 'draft' OR v.service_date < v_contract.starts_on THEN
        RAISE EXCEPTION 'contract "%" is not in force on %', v_contract.number, v.service_date
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('It is %s and starts on %s.', v_contract.status, v_contract.starts_on),
                HINT = 'Check the date, or activate the contract.';
    END IF;
    v.currency := v_contract.currency;
    PERFORM check_charge_amount(v.amount, v.currency);
    v.base_rate := exchange_rate_on(v.currency, v_setting.base_currency, v.service_date);
    IF v.base_rate IS NULL THEN
        RAISE EXCEPTION 'no exchange rate from % to % on %', v.currency, v_setting.base_currency, v.service_date
            USING ERRCODE = 'foreign_key_violation',
                HINT = 'Add the rate to table exchange_rate, valid from that day or earlier.';
    END IF;
    v.base_amount := round_money(v.amount * v.base_rate, currency_exponent(v_setting.base_currency));
    v.base_cost := round_money(v.cost * v.base_rate, currency_exponent(v_setting.base_currency));

    v_about := complete_dimension(
        ROW(v_contract.own_id, v_contract.client_id, v_contract.id, v.project_id,
            coalesce(v.deal_id, (SELECT s.deal_id FROM contract_line n JOIN deal_stage s ON s.id = n.deal_stage_id
                                  WHERE n.id = v.contract_line_id)),
            v.task_id, v.employee_id, v.work_type_id, v.direction_id)::dimension, v.service_date, 'the charge');
    v.own_id := v_about.own_id;
    v.client_id := v_about.client_id;
    v.project_id := v_about.project_id;
    v.deal_id := v_about.deal_id;
    v.work_type_id := v_about.work_type_id;
    v.direction_id := v_about.direction_id;

    v_opens := lower((open_period(v_base)).span);
    v_span := service_period(v_base, v.service_date);
    v.period_start := greatest(lower(v_span), v_opens);
    v.late := lower(v_span) < v_opens;
    v.line_period := CASE WHEN v.contract_line_id IS NOT NULL THEN lower(v_span) END;
    v.started_at := v.service_date::timestamp AT TIME ZONE contract_zone(v_base.calendar_id);
    v.coverage := 'billable';
    v.rate := v.price;
    RETURN v;
END $$;
COMMENT ON FUNCTION complete_charge(charge) IS
    'a provisional charge that is no work, of which source, contract_id, service_date, amount, cost and what else is '
    'known is given, with all that follows; refused before the contract''s start (23001), for amounts its currency '
    'cannot hold (23514), without an exchange rate (23503), for a task or deal of another client (23514)';

CREATE FUNCTION new_charge(p_charge charge) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_ids bigint[] := put_charges(ARRAY[complete_charge(p_charge)]);
BEGIN
    -- Another client's charge took the key meanwhile: that is refused.
    RETURN coalesce(v_ids[1], known_charge(p_charge));
END $$;
COMMENT ON FUNCTION new_charge(charge) IS
    'make a provisional charge that is no work and return its id; refused as complete_charge() and known_charge() do';

-- A charge made before under the same key: the same content again is that
-- charge, another content is refused.  An amount that is not given yet is not
-- compared.
CREATE FUNCTION known_charge(p_charge charge) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_known charge;
BEGIN
    SELECT * INTO v_known FROM charge h WHERE h.key = p_charge.key;
    IF FOUND AND (v_known.contract_id, v_known.source, v_known.service_date, v_known.item_id, v_known.quantity,
                  v_known.amount)
        IS DISTINCT FROM (p_charge.contract_id, p_charge.source, p_charge.service_date, p_charge.item_id,
                          p_charge.quantity,
                          coalesce(p_charge.amount, v_known.amount)) THEN
        RAISE EXCEPTION 'key "%" was used before for charge % with other content', p_charge.key, v_known.id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'charge_key_key',
                HINT = 'Send the same content again, or use another key for another charge.';
    END IF;
    RETURN v_known.id;
END $$;
COMMENT ON FUNCTION known_charge(charge) IS
    'the charge made before under a key, NULL when there is none; refused (23505) when its content was another';

CREATE FUNCTION opposite(p_charge charge, p_why jsonb) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := p_charge;
BEGIN
    v.id := NULL;
    v.worked_s := -v.worked_s;
    v.billed_s := -v.billed_s;
    v.quantity := -v.quantity;
    v.amount := -v.amount;
    v.base_amount := -v.base_amount;
    v.cost := -v.cost;
    v.base_cost := -v.base_cost;
    v.burned := -v.burned;
    v.why := p_why;
    v.key := NULL;
    v.adjusts_id := NULL;
    v.held_by := NULL;
    v.frozen_at := now();
    v.reverses_id := p_charge.id;
    RETURN v;
END $$;
COMMENT ON FUNCTION opposite(charge, jsonb) IS
    'the reversal of a frozen charge: the same with the opposite figures, frozen at once';

-- What it is about is copied, by name; all else of a charge is none of its own.
CREATE FUNCTION part_of(p_charge charge, p_amount numeric, p_base_amount numeric, p_why jsonb, p_adjusts boolean)
    RETURNS charge
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge;
BEGIN
    v.source := 'adjustment';
    v.made_by := 'document';
    v.coverage := 'billable';
    v.amount := p_amount;
    v.base_amount := p_base_amount;
    v.cost := 0;
    v.base_cost := 0;
    v.why := p_why;
    v.adjusts_id := CASE WHEN p_adjusts THEN p_charge.id END;
    v.own_id := p_charge.own_id;
    v.client_id := p_charge.client_id;
    v.contract_id := p_charge.contract_id;
    v.contract_line_id := p_charge.contract_line_id;
    v.project_id := p_charge.project_id;
    v.deal_id := p_charge.deal_id;
    v.task_id := p_charge.task_id;
    v.employee_id := p_charge.employee_id;
    v.work_type_id := p_charge.work_type_id;
    v.direction_id := p_charge.direction_id;
    v.item_id := p_charge.item_id;
    v.service_date := p_charge.service_date;
    v.period_start := p_charge.period_start;
    v.started_at := p_charge.started_at;
    v.band := p_charge.band;
    v.currency := p_charge.currency;
    v.base_rate := p_charge.base_rate;
    RETURN v;
END $$;
COMMENT ON FUNCTION part_of(charge, numeric, numeric, jsonb, boolean) IS
    'an adjustment beside a charge, about the same things: so much of its amount (and in the base currency), why, and '
    'whether it goes with the charge when that is reversed';

CREATE FUNCTION in_open_period(p_charge charge) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := p_charge;
    v_opens date := (SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = p_charge.contract_id);
BEGIN
    v.late := v.late OR coalesce(v_opens > v.period_start, false);
    v.period_start := greatest(v.period_start, v_opens);
    RETURN v;
END $$;
COMMENT ON FUNCTION in_open_period(charge) IS 'a charge as the open period takes it, late where its own is closed';
-- ---------------------------------------------------------------------------
-- adjust: write-offs and write-ups beside a charge
-- ---------------------------------------------------------------------------

CREATE FUNCTION adjust_charge(charge_id bigint, amount numeric, reason text, key text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_charge charge;
    v_new charge;
    v_left numeric;
    v_known bigint;
    v_exponent CONSTANT integer := currency_exponent((SELECT s.base_currency FROM setting s));
BEGIN
    SELECT * INTO v_charge FROM charge h WHERE h.id = charge_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no charge %', charge_id USING ERRCODE = 'foreign_key_violation',
            HINT = 'View unbilled lists charges.';
    END IF;
    IF v_charge.contract_id IS NULL THEN
        RAISE EXCEPTION 'charge % is not under a contract', charge_id
            USING ERRCODE = 'restrict_violation', HINT = 'Change the price of its time entry instead.';
    END IF;
    PERFORM lock_parties(ARRAY[v_charge.client_id]);
    v_new := part_of(v_charge, amount, round_money(amount * v_charge.base_rate, v_exponent),
                     jsonb_build_object(CASE WHEN amount < 0 THEN 'write_off'
                                        ELSE 'write_up' END, jsonb_build_object('charge', charge_id),
                                        'note', reason), true);
    v_new.made_by := 'user';
    v_new.key := key;
    v_known := known_charge(v_new);
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    SELECT * INTO v_charge FROM charge h WHERE h.id = charge_id FOR UPDATE;
    PERFORM lock_parties(ARRAY[v_charge.client_id]);  -- its task may have moved meanwhile
    IF v_charge.id IS NULL OR v_charge.reverses_id IS NOT NULL OR v_charge.adjusts_id IS NOT NULL
        OR NOT EXISTS (SELECT FROM live_charge h WHERE h.id = charge_id) THEN
        RAISE EXCEPTION 'charge % is a reversal, an adjustment or reversed already', charge_id
            USING ERRCODE = 'restrict_violation', HINT = 'Adjust the charge that counts.';
    END IF;
    IF v_charge.held_by IS NOT NULL THEN
        RAISE EXCEPTION 'charge % cannot be adjusted now', charge_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(charge_id),
                HINT = 'Wait for the answer, or take the document back.';
    END IF;
    IF coalesce(reason, '') = '' OR coalesce(amount, 0) = 0 OR amount = 'NaN' THEN
        RAISE EXCEPTION 'an adjustment needs an amount that is not 0, and a reason'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Pass a negative amount to write off, a positive one to write up.';
    END IF;
    v_left := v_charge.amount + coalesce((SELECT sum(a.amount) FROM live_charge a WHERE a.adjusts_id = charge_id), 0);
    IF amount < 0 AND v_left + amount < 0 THEN
        RAISE EXCEPTION 'cannot write % off charge %, of which % is left', trim_scale(-amount), charge_id,
            trim_scale(v_left)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_adjusted_within_amount',
                HINT = 'Write off what is left at most.';
    END IF;
    PERFORM check_charge_amount(amount, v_charge.currency);
    PERFORM concede('write_off', -v_new.base_amount, charge_id, NULL, reason);
    -- A decision about a figure holds for that figure: it is frozen with it.
    PERFORM freeze_charges(ARRAY[charge_id], 'charge', format('%s:adjusted', charge_id));
    RETURN coalesce((put_charges(ARRAY[in_open_period(v_new)]))[1], known_charge(v_new));
END $$;
COMMENT ON FUNCTION adjust_charge(bigint, numeric, text, text) IS
    'write a part of a charge off (amount below 0) or up, with a reason: an adjustment charge beside it, which is '
    'returned; the charge itself is frozen. Refused: more than is left of it (23514), without a reason (22023), '
    'reversed or held charges (23001); idempotent under a key';
SELECT allow('manager', 'execute', 'adjust_charge');
-- ---------------------------------------------------------------------------
-- correct: billed work is reversed and rated anew in the open period
-- ---------------------------------------------------------------------------

-- The opposite of frozen charges, frozen and posted at once, in the open
-- period when their own is closed.
CREATE FUNCTION reverse_charges(p_charges bigint[], p_reason text, p_key text) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_reversals bigint[];
BEGIN
    PERFORM FROM charge h WHERE h.id = ANY (p_charges) ORDER BY h.id FOR UPDATE;
    v_reversals := put_charges(ARRAY(
        SELECT in_open_period(opposite(h,
                                       jsonb_build_object('reversal', jsonb_build_object('charge', h.id), 'note',
                                                          p_reason)))
          FROM charge h WHERE h.id = ANY (p_charges) ORDER BY h.id));
    PERFORM post_charges(v_reversals, 'charge', p_key, p_reason);
    RETURN v_reversals;
END $$;
COMMENT ON FUNCTION reverse_charges(bigint[], text, text) IS
    'reverse frozen charges: the opposite figures as charges of their own, frozen and posted under an event of that '
    'key; returns them';

-- What a correction gives back of hours whose life is over stays the client's:
-- it is carried to the open period.
CREATE FUNCTION give_back(p_base contract, p_reversals bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_open record := open_period(p_base);
BEGIN
    INSERT INTO allotment (contract_id, kind, unit, amount, priority, effective_at, expires_at, scope_work_types)
    SELECT a.contract_id, CASE WHEN a.kind IN ('included', 'rollover') THEN 'rollover'
        ELSE 'adjustment' END, a.unit, -sum(h.burned), -2,
           v_open.opens_at, upper(v_open.span)::timestamp AT TIME ZONE contract_zone(p_base.calendar_id),
               a.scope_work_types
      FROM charge h JOIN allotment a ON a.id = h.allotment_id
     WHERE h.id = ANY (p_reversals) AND a.expires_at <= v_open.opens_at
     GROUP BY a.id
    HAVING sum(h.burned) < 0
     ORDER BY a.id;
END $$;
COMMENT ON FUNCTION give_back(contract, bigint[]) IS
    'grant anew, for the open period, what reversals gave back of allotments that have expired; it is eaten before all '
    'else';

CREATE FUNCTION corrected_entry(p_entry time_entry, p_changes jsonb, p_reason text) RETURNS time_entry
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_keys CONSTANT text[] := '{employee_id,task_id,work_type_id,contract_id,started_at,ended_at,break_s,work_date,'
                              'duration_s,billable,billable_s,price,comment}';
    c_unbilled CONSTANT text[] := '{override_reason,comment,worked_s}';
    v_key text;
    v_entry time_entry := p_entry;
BEGIN
    IF p_changes IS NULL THEN
        v_entry.duration_s := 0;
        v_entry.billable_s := NULL;
        v_entry.billable := 'non_billable';
    ELSE
        IF jsonb_typeof(p_changes) <> 'object' THEN
            RAISE EXCEPTION 'changes must be a JSON object, not %', jsonb_typeof(p_changes)
                USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'Pass {"column": new value, …}, or NULL to take the work away.';
        END IF;
        SELECT k INTO v_key FROM jsonb_object_keys(p_changes) k WHERE k <> ALL (c_keys) ORDER BY k LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'a correction cannot change "%"', v_key
                USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'It can change ' || array_to_string(c_keys, ', ') || '.';
        END IF;
        SELECT c.key INTO v_key FROM jsonb_each_text(p_changes) c
         WHERE c.key IN ('started_at', 'ended_at') AND c.value IS NOT NULL AND iso_instant(c.value) IS NULL
             ORDER BY c.key LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'a correction cannot set % to "%"', v_key, p_changes ->> v_key
                USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'Write it with its offset, as 2026-03-02T09:00:00+02:00: it means the same instant to '
                           'everybody.';
        END IF;
        PERFORM given_date(p_changes, 'work_date');
        v_entry := jsonb_populate_record(p_entry, p_changes);
        -- time given by the clock beats a duration that came before, and the other way round
        IF NOT p_changes ? 'duration_s' AND p_changes ?| '{started_at,ended_at,break_s}'
            AND v_entry.started_at IS NOT NULL THEN
            v_entry.duration_s := NULL;
        END IF;
    END IF;
    v_entry.override_reason := p_reason;
    IF to_jsonb(v_entry) - c_unbilled = to_jsonb(p_entry) - c_unbilled THEN
        RAISE EXCEPTION 'the correction of time entry % changes nothing that is billed', p_entry.id
            USING ERRCODE = 'invalid_parameter_value', DETAIL = p_changes::text,
                HINT = 'A comment is changed by an ordinary UPDATE.';
    END IF;
    RETURN v_entry;
END $$;
COMMENT ON FUNCTION corrected_entry(time_entry, jsonb, text) IS
    'a time entry with changes made; NULL takes its time away; refused (22023): unknown keys, times and dates not in '
    'ISO 8601 (times with their offset), and changes that change nothing';

CREATE FUNCTION correct_entry(time_entry_id bigint, changes jsonb, reason text, OUT reversed bigint[],
                              OUT charged bigint[], OUT difference numeric,
    OUT currency text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_entry time_entry;
    v_new time_entry;
    v_charges bigint[];
    v_held bigint;
    v_base contract;
    v_key text;
    v_base_difference numeric;
    v_currencies bigint;
BEGIN
    changes := json_argument(changes);
    IF coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'a correction needs a reason' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say why the billed work is wrong.';
    END IF;
    SELECT * INTO v_entry FROM time_entry e WHERE e.id = time_entry_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no time entry %', time_entry_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    v_new := corrected_entry(v_entry, changes, reason);
    PERFORM lock_parties(ARRAY(
        SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id
            WHERE t.id IN (v_entry.task_id, v_new.task_id)
        UNION SELECT h.client_id FROM charge h WHERE h.time_entry_id = correct_entry.time_entry_id));
    SELECT h.id INTO v_held FROM charge h WHERE h.time_entry_id = correct_entry.time_entry_id
        AND h.held_by IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % cannot be corrected now', time_entry_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_held),
                HINT = 'Wait for the answer, or take the document back.';
    END IF;
    -- the live frozen charges of the entry, and the write-offs beside them
    v_charges := ARRAY(
        SELECT h.id FROM live_charge h WHERE h.time_entry_id = correct_entry.time_entry_id AND h.frozen_at IS NOT NULL);
    IF v_charges = '{}' THEN
        RAISE EXCEPTION 'time entry % is not billed', time_entry_id
            USING ERRCODE = 'restrict_violation', HINT = 'Change or delete it directly.';
    END IF;
    DELETE FROM charge h WHERE h.adjusts_id = ANY (v_charges) AND NOT h.committed;
    v_charges := ARRAY(
        SELECT unnest(v_charges)
        UNION
        SELECT h.id FROM live_charge h WHERE h.adjusts_id = ANY (v_charges)
        UNION
        -- of what was credited whole also the tax that was in its price: none of it is billed any more
        SELECT h.id FROM document_line l JOIN live_charge h ON h.id = l.adjustment_id
         WHERE l.charge_id = ANY (v_charges) AND l.claim AND l.credited_by IS NOT NULL
        ORDER BY 1);
    IF NOT changes ? 'billable' AND given_up(v_charges) THEN
        v_new.billable := 'no_charge';
    END IF;
    v_key := format('%s:corrected', v_charges[1]);
    PERFORM plan_for(1);
    reversed := reverse_charges(v_charges, reason, v_key);
    SELECT (base_contract(h.contract_id)).* INTO v_base FROM charge h WHERE h.id = v_charges[1]
        AND h.contract_id IS NOT NULL;
    IF FOUND THEN
        PERFORM give_back(v_base, reversed);
    END IF;
    UPDATE time_entry e
       SET employee_id = v_new.employee_id, task_id = v_new.task_id, work_type_id = v_new.work_type_id,
           contract_id = v_new.contract_id,
           started_at = v_new.started_at, ended_at = v_new.ended_at, break_s = v_new.break_s,
               work_date = v_new.work_date, duration_s = v_new.duration_s,
           billable = v_new.billable, billable_s = v_new.billable_s, price = v_new.price, comment = v_new.comment,
           override_reason = reason, approved_at = clock_timestamp(), approved_by = actor()
     WHERE e.id = time_entry_id;
    IF v_base.id IS NOT NULL
        AND EXISTS (SELECT FROM charge h WHERE h.id = ANY (reversed) AND h.allotment_id IS NOT NULL) THEN
        PERFORM rate_again(v_base, (SELECT min(h.service_date) FROM charge h WHERE h.id = ANY (reversed)));
    END IF;
    PERFORM follow_caps(contract_group(v_base.id)) WHERE v_base.id IS NOT NULL;
    SELECT coalesce(array_agg(h.id ORDER BY h.id) FILTER (WHERE NOT h.committed), '{}'), coalesce(sum(h.amount), 0),
        min(h.currency),
           coalesce(sum(h.base_amount), 0), count(DISTINCT h.currency)
      INTO charged, difference, currency, v_base_difference, v_currencies
      FROM charge h WHERE h.id = ANY (reversed) OR h.time_entry_id = correct_entry.time_entry_id AND NOT h.committed;
    IF v_currencies > 1 THEN
        difference := v_base_difference;
        currency := (SELECT s.base_currency FROM setting s);
    END IF;
    difference := round_money(difference, currency_exponent(currency));
    IF changes ?| '{price,billable,billable_s}' THEN
        PERFORM refuse_limited('an own price, disposition or length of a time entry', calling_role());
    END IF;
    PERFORM concede('correction', -v_base_difference, NULL, NULL, format('time entry %s: %s', time_entry_id, reason));
END $$;
COMMENT ON FUNCTION correct_entry(bigint, jsonb, text) IS
    'correct a billed time entry: its frozen charges are reversed, and it is rated anew with changes ({"column": '
    'value, …}; NULL takes the work away) into provisional charges, in the open period with the true work date. '
    'Returns the reversals, the new charges and what they come to together, in the base currency where the work moves '
    'to another currency. Whoever corrects approves what it is now; work that was given up stays so (no_charge) unless '
    'changes say otherwise. Refused: work that is not billed, or held by a sent report (23001), unknown '
    'columns, no reason, nothing changed (22023)';
SELECT allow('manager', 'execute', 'correct_entry');
-- ---------------------------------------------------------------------------
-- charge: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'terms'), allow('reader', 'select', 'list_snapshot');
SELECT allow('reader', 'select', 'charge', but => '{cost,base_cost,cost_rate,base_cost_rate}'),
    allow('controller', 'select', 'charge');
SELECT allow('reader', 'select', 'rating_problem');
-- ---------------------------------------------------------------------------
-- account: the chart of accounts, and what its accounts are for
-- ---------------------------------------------------------------------------

CREATE FUNCTION keep_account() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.code, NEW.kind) = (OLD.code, OLD.kind)
        OR NOT EXISTS (SELECT FROM account_role r WHERE r.account_id = OLD.id) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'the books post to account "%": its code and kind stay', OLD.code
        USING ERRCODE = 'restrict_violation', HINT = 'Change its name, or add an account of your own.';
END $$;
COMMENT ON FUNCTION keep_account() IS
    'trigger function of account: those of account_role, which the books post to, keep code and kind, and stay (23001)';

CREATE FUNCTION account_id(code text) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_id bigint := (SELECT a.id FROM account a WHERE a.code = account_id.code);
BEGIN
    IF v_id IS NULL AND code IS NOT NULL THEN
        RAISE EXCEPTION 'unknown account "%"', code
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table account lists the codes.';
    END IF;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION account_id(text) IS 'the account with a code; refused (23503) when there is none';

-- One row of columns, so that a query looks the roles up once.
CREATE VIEW role_account WITH (security_invoker) AS
    SELECT max(r.account_id) FILTER (WHERE r.role = 'receivable') AS receivable,
           max(r.account_id) FILTER (WHERE r.role = 'payable') AS payable,
           max(r.account_id) FILTER (WHERE r.role = 'tax') AS tax,
           max(r.account_id) FILTER (WHERE r.role = 'revenue') AS revenue,
           max(r.account_id) FILTER (WHERE r.role = 'direct_labour') AS direct_labour,
           max(r.account_id) FILTER (WHERE r.role = 'absorbed_labour') AS absorbed_labour,
           max(r.account_id) FILTER (WHERE r.role = 'materials') AS materials,
           max(r.account_id) FILTER (WHERE r.role = 'absorbed_materials') AS absorbed_materials,
           max(r.account_id) FILTER (WHERE r.role = 'unbilled') AS unbilled,
           max(r.account_id) FILTER (WHERE r.role = 'exchange') AS exchange
      FROM account_role r;
COMMENT ON VIEW role_account IS 'one row: the accounts that entries are made with, by role';
SELECT allow('reader', 'select', 'role_account');

CREATE VIEW settling_article WITH (security_invoker) AS
    SELECT a.id AS article_id, a.code AS article FROM account a WHERE a.kind = 'income' AND NOT a.accrues;
COMMENT ON VIEW settling_article IS
    'the articles whose payments settle what clients owe: income that charges accrue, as revenue; money in with '
    'another article is an advance of nobody';
SELECT allow('reader', 'select', 'settling_article');

-- Whose people log their hours is in the figures at their cost rates already:
-- what they are paid is payroll, or their work would cost twice.
CREATE FUNCTION bill_article(p_party bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.code
      FROM account_role r JOIN account a ON a.id = r.account_id
     WHERE r.role = CASE WHEN EXISTS (SELECT FROM employee m WHERE m.party_id = p_party)
                         THEN 'people_bill' ELSE 'contractor_bill' END;
END;
COMMENT ON FUNCTION bill_article(bigint) IS
    'the article of a party''s bill that names none: payroll where its people log their hours here, contractors else';
-- ---------------------------------------------------------------------------
-- statement: the tree of lines that a statement shows
-- ---------------------------------------------------------------------------

CREATE VIEW line_part WITH (security_invoker) AS
    WITH RECURSIVE part AS (
        SELECT s.code AS line, s.code AS part_of, s.parent FROM statement_line s
        UNION
        SELECT p.line, s.code, s.parent FROM part p JOIN statement_line s ON s.code = p.parent
    )
    SELECT p.line, p.part_of FROM part p;
COMMENT ON VIEW line_part IS 'each line of a statement with the lines whose part it is, itself among them';
SELECT allow('reader', 'select', 'line_part');

CREATE VIEW line_section WITH (security_invoker) AS
    SELECT p.line, p.part_of AS section FROM line_part p JOIN statement_line s ON s.code = p.part_of WHERE s.section;
COMMENT ON VIEW line_section IS 'the section that each line of a statement stands in';
SELECT allow('reader', 'select', 'line_section');

CREATE FUNCTION check_statement_lines() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_line text;
BEGIN
    SELECT p.line INTO v_line
      FROM line_part p JOIN statement_line s ON s.code = p.part_of
     GROUP BY p.line HAVING bool_and(s.parent IS NOT NULL) ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line "%" of the statement would be a part of itself', v_line
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_line_tree', HINT = 'Hang it below another line.';
    END IF;
    SELECT p.line INTO v_line FROM line_section p GROUP BY p.line HAVING count(*) > 1 ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line "%" of the statement would stand in two sections', v_line
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_line_one_section',
                HINT = 'A section holds lines that are no sections.';
    END IF;
    SELECT a.line INTO v_line FROM account a
     WHERE a.line IS NOT NULL AND NOT EXISTS (SELECT FROM line_section p WHERE p.line = a.line) ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line "%" has accounts and would stand in no section', v_line
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_line_in_section',
                HINT = 'Make it a section, or hang it below one.';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_statement_lines() IS
    'trigger function of statement_line and account: lines are a tree, and what has accounts stands in one section '
    '(23514)';
-- ---------------------------------------------------------------------------
-- ledger views: what its readers may see
-- ---------------------------------------------------------------------------

CREATE VIEW seen_entry WITH (security_invoker) AS SELECT id FROM entry;
COMMENT ON VIEW seen_entry IS 'the entries that the row policies of whoever asks let through';

CREATE VIEW visible_entry WITH (security_barrier) AS
    SELECT e.* FROM entry e WHERE (SELECT NOT row_security_active('entry'::regclass))
           OR e.id IN (SELECT s.id FROM seen_entry s);
COMMENT ON VIEW visible_entry IS
    'entries for the views of figures, within the row policies of whoever asks; granted to nobody';
-- ---------------------------------------------------------------------------
-- lock: locked periods, and what every entry is checked for
-- ---------------------------------------------------------------------------

CREATE FUNCTION posting_day(p_on date DEFAULT '-infinity') RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT greatest(p_on, (SELECT max(l.locked_through) + 1 FROM period_lock l));
END;
COMMENT ON FUNCTION posting_day(date) IS
    'the day on which something of a day is posted: that day, or the first one that is not locked; without a day the '
    'first one that is not locked, -infinity when nothing is';

-- A lock is taken after what is being posted now: who waits for it sees it.
CREATE FUNCTION await_posting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    LOCK TABLE entry IN SHARE ROW EXCLUSIVE MODE;
    PERFORM hold('ledger', '{0}');  -- and who took a snapshot before does not post at all
    RETURN NULL;
END $$;
COMMENT ON FUNCTION await_posting() IS
    'trigger function of period_lock: waits for the transactions that post, and lets others wait; SECURITY DEFINER '
    'because nobody may write to the ledger';

CREATE FUNCTION check_entries() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_open date := posting_day();
    v_bad record;
BEGIN
    PERFORM heed('ledger');
    SELECT n.entry_on INTO v_bad FROM new_rows n WHERE n.entry_on < v_open LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the books are locked through %: nothing can be posted on %', v_open - 1, v_bad.entry_on
            USING ERRCODE = 'restrict_violation',
                HINT = 'Post on a later date, or delete the row of period_lock if you may.';
    END IF;
    SELECT n.amount, n.currency, c.exponent INTO v_bad
      FROM new_rows n JOIN currency_code c ON c.code = n.currency
     WHERE n.amount <> round(n.amount, c.exponent) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'an entry of % %, which % cannot hold', trim_scale(v_bad.amount), v_bad.currency, v_bad.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_amount_exact',
                DETAIL = format('%s has %s decimals.', v_bad.currency, v_bad.exponent);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_entries() IS
    'trigger function of entry: locked periods (23001) and decimals of the currency (23514), once a statement';
-- ---------------------------------------------------------------------------
-- post: events and their entries
--
-- put_entries() is the only writer of entry, open_events() the only one of event.
-- What posts (source) and its key make an event once; user is the source of
-- post_event() alone, so no key of a caller is ever taken for one of the books.
-- ---------------------------------------------------------------------------

SELECT make_writer('entry', 'put_entries');

-- Which of these events are new; those that are known must have the same content.
CREATE FUNCTION open_events(p_source text, p_keys text[], p_contents text[], p_memo text DEFAULT NULL,
                            p_reverses bigint[] DEFAULT NULL) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_ids bigint[];
    v_missing record;
BEGIN
    IF '' = ANY (p_keys) OR array_position(p_keys, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'an event needs an idempotency key'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Pass a key that is the same when the same event is sent again.';
    END IF;
    WITH given AS (
        SELECT * FROM unnest(p_keys, p_contents, p_reverses) WITH ORDINALITY g (key, content, reverses_id, no)
    ), opened AS (
        INSERT INTO event (source, key, digest, memo, reverses_id)
        SELECT p_source, g.key, sha256(convert_to(g.content, 'UTF8')), p_memo, g.reverses_id FROM given g ORDER BY g.no
        ON CONFLICT DO NOTHING RETURNING id, key
    )
    SELECT array_agg(o.id ORDER BY g.no) INTO v_ids FROM given g LEFT JOIN opened o USING (key);

    FOR v_missing IN
        SELECT g.key, g.reverses_id, e.id, e.digest = sha256(convert_to(g.content, 'UTF8')) AS same
          FROM unnest(v_ids, p_keys, p_contents, p_reverses) g (id, key, content, reverses_id)
          LEFT JOIN event e ON e.source = p_source AND e.key = g.key
         WHERE g.id IS NULL
    LOOP
        IF v_missing.id IS NULL THEN
            RAISE EXCEPTION 'event % is reversed already', v_missing.reverses_id
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'event_reversed_once',
                    HINT = 'Post the event anew if it was right after all.';
        ELSIF NOT v_missing.same THEN
            RAISE EXCEPTION 'event "%" was posted before with other content', v_missing.key
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'event_key_key',
                    HINT = 'Send the same content again, or use another key for another event.';
        END IF;
    END LOOP;
    RETURN v_ids;
END $$;
COMMENT ON FUNCTION open_events(text, text[], text[], text, bigint[]) IS
    'make the events of a source with these keys and contents, which reverse others where those are given: their ids '
    'in that order, NULL where the key was posted before with the same content; refused: the same key with other '
    'content (23505), a second reversal of one event under another key (23001)';

CREATE FUNCTION event_of(p_source text, p_key text) RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.id FROM event e WHERE e.source = p_source AND e.key = p_key;
END;
COMMENT ON FUNCTION event_of(text, text) IS 'the event that a source posted under a key, NULL when there is none';

CREATE FUNCTION opposite(p_entry entry, p_event bigint, p_on date) RETURNS entry
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v entry := p_entry;
BEGIN
    v.id := NULL;
    v.event_id := p_event;
    v.entry_on := coalesce(p_on, v.entry_on);
    v.amount := -v.amount;
    v.base_amount := -v.base_amount;
    RETURN v;
END $$;
COMMENT ON FUNCTION opposite(entry, bigint, date) IS
    'an entry that takes another one back: the same with the opposite sign, of another event, on another day where one '
    'is given';

CREATE FUNCTION reverse_entries(p_events bigint[], p_source text, p_keys text[], p_on date DEFAULT NULL)
    RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_reversals bigint[] := open_events(p_source, p_keys,
        ARRAY(SELECT format('reverse %s on %s', x.id, iso(p_on)) FROM unnest(p_events) WITH ORDINALITY x (id, no)
        ORDER BY x.no),
        NULL, p_events);
BEGIN
    PERFORM put_entries(ARRAY(
        SELECT opposite(e, x.reversal_id, coalesce(p_on, posting_day(e.entry_on)))
          FROM unnest(p_events, v_reversals) x (id, reversal_id) JOIN entry e ON e.event_id = x.id
         WHERE x.reversal_id IS NOT NULL ORDER BY e.id));
    RETURN v_reversals;
END $$;
COMMENT ON FUNCTION reverse_entries(bigint[], text, text[], date) IS
    'post the opposite of events under keys of a source, on one day, or each on its date or the first one that is not '
    'locked; returns the reversals, NULL where one was posted before';

-- ---------------------------------------------------------------------------
-- entries by hand
-- ---------------------------------------------------------------------------

-- What a foreign key would refuse is refused with what was given and the way out.
CREATE FUNCTION check_postings(p_postings posting[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_wrong record;
BEGIN
    IF coalesce(cardinality(p_postings), 0) = 0 THEN
        RAISE EXCEPTION 'an event needs at least one entry' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Each names its day, the accounts to debit and credit, amount and currency.';
    END IF;
    SELECT p.ordinality AS no, x.what INTO v_wrong
      FROM unnest(p_postings) WITH ORDINALITY p
     CROSS JOIN LATERAL (VALUES
        ('day', p.entry_on IS NULL OR NOT isfinite(p.entry_on)), ('account to debit', p.debit IS NULL),
        ('account to credit', p.credit IS NULL), ('amount', p.amount IS NULL), ('currency', p.currency IS NULL)
     ) x (what, lacking)
     WHERE x.lacking ORDER BY p.ordinality LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % has no %', v_wrong.no, v_wrong.what USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Name its day, the accounts to debit and credit, amount and currency.';
    END IF;
    SELECT x.code INTO v_wrong
      FROM unnest(p_postings) WITH ORDINALITY p
     CROSS JOIN LATERAL (VALUES (p.debit), (p.credit), (p.article)) x (code)
     WHERE x.code IS NOT NULL AND NOT EXISTS (SELECT FROM account a WHERE a.code = x.code)
     ORDER BY p.ordinality LIMIT 1;
    PERFORM account_id(v_wrong.code) WHERE FOUND;  -- which says that there is none
    SELECT p.ordinality AS no, p.debit INTO v_wrong
      FROM unnest(p_postings) WITH ORDINALITY p WHERE p.debit = p.credit ORDER BY p.ordinality LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % debits and credits account "%"', v_wrong.no, v_wrong.debit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_two_accounts',
                HINT = 'Name the account that it comes from and the one that it goes to.';
    END IF;
    SELECT p.ordinality AS no, x.kind, x.id, x.relation INTO v_wrong
      FROM unnest(p_postings) WITH ORDINALITY p
     CROSS JOIN LATERAL (VALUES
        ('own company', 'party, of kind own', p.own_id,
         EXISTS (SELECT FROM party y WHERE y.id = p.own_id AND y.kind = 'own')),
        ('client', 'party', p.client_id, EXISTS (SELECT FROM party y WHERE y.id = p.client_id)),
        ('party', 'party', p.party_id, EXISTS (SELECT FROM party y WHERE y.id = p.party_id)),
        ('contract', 'contract', p.contract_id, EXISTS (SELECT FROM contract y WHERE y.id = p.contract_id)),
        ('project', 'project', p.project_id, EXISTS (SELECT FROM project y WHERE y.id = p.project_id)),
        ('deal', 'deal', p.deal_id, EXISTS (SELECT FROM deal y WHERE y.id = p.deal_id)),
        ('task', 'task', p.task_id, EXISTS (SELECT FROM task y WHERE y.id = p.task_id)),
        ('employee', 'employee', p.employee_id, EXISTS (SELECT FROM employee y WHERE y.id = p.employee_id)),
        ('kind of work', 'work_type', p.work_type_id, EXISTS (SELECT FROM work_type y WHERE y.id = p.work_type_id)),
        ('direction', 'direction', p.direction_id, EXISTS (SELECT FROM direction y WHERE y.id = p.direction_id))
     ) x (kind, relation, id, found)
     WHERE x.id IS NOT NULL AND NOT x.found ORDER BY p.ordinality LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % names % %, which is not there', v_wrong.no, v_wrong.kind, v_wrong.id
            USING ERRCODE = 'foreign_key_violation', HINT = format('Give an id of table %s.', v_wrong.relation);
    END IF;
    -- he may be a client too, by a contract or project of his own
    SELECT y.name INTO v_wrong
      FROM unnest(p_postings) WITH ORDINALITY p JOIN party y ON y.id = p.client_id
     WHERE y.kind = 'contractor' AND num_nonnulls(p.contract_id, p.project_id, p.deal_id, p.task_id) = 0
     ORDER BY p.ordinality LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'an entry names contractor "%" as its client', v_wrong.name
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dimension_fits',
                HINT = 'Name him as the party, and the client, project, deal or task that it is for.';
    END IF;
END $$;
COMMENT ON FUNCTION check_postings(posting[]) IS
    'refuse entries by hand that lack something (22023), name what is not there (23503), one account twice or a '
    'contractor as client (23514)';

-- What an entry by hand says of its dimensions is completed like that of any other fact.
CREATE FUNCTION posting_dimension(p_posting posting, p_what text) RETURNS dimension
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT complete_dimension(
               ROW((p_posting).own_id,
                   coalesce((p_posting).client_id,
                            CASE WHEN a.code IN ((p_posting).debit, (p_posting).credit) THEN (p_posting).party_id END),
                   (p_posting).contract_id, (p_posting).project_id, (p_posting).deal_id, (p_posting).task_id,
                   (p_posting).employee_id, (p_posting).work_type_id, (p_posting).direction_id)::dimension,
               (p_posting).entry_on, p_what)
      FROM account_role r JOIN account a ON a.id = r.account_id
     WHERE r.role = 'receivable';
END;
COMMENT ON FUNCTION posting_dimension(posting, text) IS
    'the dimensions of an entry by hand, completed: the party of an entry of the clients'' account is its client';

CREATE FUNCTION post_event(key text, postings posting[], memo text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_event bigint;
    v_base text;
BEGIN
    PERFORM lock_parties('{}');
    v_base := (SELECT s.base_currency FROM setting s);
    PERFORM check_postings(postings);
    v_event := (open_events('user', ARRAY[key], ARRAY[jsonb_strip_nulls(to_jsonb(postings))::text], memo))[1];
    IF v_event IS NULL THEN
        RETURN event_of('user', key);
    END IF;
    PERFORM put_entries(ARRAY(
        SELECT jsonb_populate_record(NULL::entry, to_jsonb(d.about) || jsonb_build_object(
                   'event_id', v_event, 'entry_on', p.entry_on, 'debit_id', b.id, 'credit_id', c.id, 'article_id', a.id,
                   'amount', p.amount, 'currency', p.currency,
                   'base_amount', convert(p.amount, p.currency, v_base, p.entry_on), 'party_id', p.party_id))
          FROM unnest(postings) WITH ORDINALITY p
         CROSS JOIN LATERAL (
            SELECT posting_dimension(postings[p.ordinality], format('entry %s', p.ordinality)) AS about) d
          JOIN account b ON b.code = p.debit
          JOIN account c ON c.code = p.credit
          LEFT JOIN account a ON a.code = p.article
         ORDER BY p.ordinality));
    RETURN v_event;
END $$;
COMMENT ON FUNCTION post_event(text, posting[], text) IS
    'post one event of one or more entries and return its id. The same key and content again returns the same event '
    'and posts nothing; the same key with other content is refused (23505), and so is what check_postings() finds, '
    'dimensions that contradict each other (23514) and a day without an exchange rate (23503)';
SELECT allow('controller', 'execute', 'post_event');

CREATE FUNCTION given_posting(p_entry jsonb) RETURNS posting
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_dimensions CONSTANT text[] := '{own,client,party,contract,project,deal,task,employee,work_type,direction}';
    v posting;
BEGIN
    PERFORM check_keys(p_entry, 'entry', '{on,debit,credit,amount,currency,article}' || c_dimensions);
    v := jsonb_populate_record(NULL::posting, (
        SELECT coalesce(jsonb_object_agg(d.key || '_id', given_id(d.key, p_entry -> d.key)), '{}')
          FROM unnest(c_dimensions) d (key) WHERE p_entry -> d.key <> 'null'));
    v.entry_on := given_date(p_entry, 'on');
    v.debit := p_entry ->> 'debit';
    v.credit := p_entry ->> 'credit';
    v.amount := trim_scale(given_number(p_entry, 'amount'));
    v.currency := p_entry ->> 'currency';
    v.article := p_entry ->> 'article';
    RETURN v;
END $$;
COMMENT ON FUNCTION given_posting(jsonb) IS
    'an entry of post() as post_event() takes it; refused: keys that nothing knows, a date, number or id that is none '
    '(22023), names of nothing (23503) or of several (22023)';

CREATE FUNCTION post(key text, entries jsonb, memo text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    entries := json_argument(entries);
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'entries must be a JSON array of at least one entry'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Each entry: {"on": date, "debit": account code, "credit": account code, "amount": "text", '
                       '"currency": code, …}.';
    END IF;
    RETURN post_event(post.key, ARRAY(SELECT given_posting(e.value) FROM jsonb_array_elements(entries) WITH ORDINALITY e
                                       ORDER BY e.ordinality), memo);
END $$;
COMMENT ON FUNCTION post(text, jsonb, text) IS
    'post_event() of JSON: entries is an array of {"on", "debit", "credit", "amount", "currency"} with account codes, '
    'and optionally "article", "own", "client", "party", "contract", "project", "deal", "task", "employee", '
    '"work_type", "direction", by id or by name, which complete one another; keys that nothing knows are refused '
    '(22023)';
SELECT allow('controller', 'execute', 'post');

CREATE FUNCTION reverse_event(event_id bigint, key text, on_date date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_event event;
BEGIN
    SELECT * INTO v_event FROM event e WHERE e.id = event_id AND e.reverses_id IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'event % does not exist or is itself a reversal', event_id
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Reverse an original event; to undo a reversal post the event anew.';
    END IF;
    -- What made these posts them and takes them back; a reversal beside it would leave it unposted.
    IF v_event.source <> 'user' THEN
        RAISE EXCEPTION 'event % is of charges, a payment or a document and is taken back with them', event_id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Use correct_entry(), adjust_charge() or void(), or set the status of the payment to void.';
    END IF;
    PERFORM FROM event e WHERE e.reverses_id = event_id AND e.key <> reverse_event.key;
    IF FOUND THEN
        RAISE EXCEPTION 'event % is reversed already', event_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'event_reversed_once',
                HINT = 'Post the event anew if it was right after all.';
    END IF;
    RETURN coalesce((reverse_entries(ARRAY[event_id], 'user', ARRAY[key], on_date))[1], event_of('user', key));
END $$;
COMMENT ON FUNCTION reverse_event(bigint, text, date) IS
    'post the opposite of an event, on the same dates or on on_date, and return the reversal''s id; an event is '
    'reversed once, and those of charges, payments and documents only with them (23001)';
SELECT allow('controller', 'execute', 'reverse_event');
-- ---------------------------------------------------------------------------
-- payment: what payments keep to, and who may see them
-- ---------------------------------------------------------------------------

CREATE FUNCTION open_cash_account() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM cash_account a WHERE a.name = NEW.name) THEN
        RAISE EXCEPTION 'there is a cash account "%" already', NEW.name
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'cash_account_name_key', TABLE = 'cash_account',
                HINT = 'Give another name, or use the account that has it.';
    END IF;
    IF NEW.account_id IS NULL THEN
        INSERT INTO account (code, name, kind) VALUES ('cash ' || NEW.name, NEW.name, 'cash')
        RETURNING id INTO NEW.account_id;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION open_cash_account() IS 'trigger function of cash_account: opens its ledger account';

CREATE VIEW seen_payment WITH (security_invoker) AS SELECT id FROM payment;
COMMENT ON VIEW seen_payment IS 'the payments that the row policies of whoever asks let through';

CREATE VIEW visible_payment WITH (security_barrier) AS
    SELECT p.* FROM payment p
     WHERE (SELECT NOT row_security_active('payment'::regclass)) OR p.id IN (SELECT s.id FROM seen_payment s);
COMMENT ON VIEW visible_payment IS
    'payments for the views of figures, within the row policies of whoever asks; granted to nobody';

CREATE FUNCTION require_pay(p_article text, p_employee bigint, p_role name DEFAULT current_user) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_employee IS NOT NULL OR EXISTS (SELECT FROM account a WHERE a.code = p_article AND a.pay) THEN
        PERFORM require_level('controller', 'keep payments of what people are paid', p_role);
    END IF;
END $$;
COMMENT ON FUNCTION require_pay(text, bigint, name) IS
    'refuse (42501) a payment of this article, naming this employee, to a role below controller when it is what people '
    'are paid';

-- Of the owner, because what people are paid is not for all who keep payments.
CREATE VIEW payment_card WITH (security_barrier) AS
    SELECT p.id AS payment_id, p.flow, p.status, p.paid_on, p.accrued_on, p.amount::numeric(18,2) AS amount, p.currency,
           p.cash_account_id, m.name AS cash_account, p.to_cash_account_id, p.article, p.own_id, p.client_id,
           p.party_id, k.name AS party, p.contract_id, p.project_id, p.deal_id, p.task_id, p.direction_id,
           p.work_type_id, p.purpose, p.bank_ref, p.source, p.external_id
      FROM visible_payment p
      LEFT JOIN cash_account m ON m.id = p.cash_account_id
      LEFT JOIN party k ON k.id = p.party_id
      LEFT JOIN account a ON a.code = p.article
     WHERE p.employee_id IS NULL AND a.pay IS NOT TRUE;
COMMENT ON VIEW payment_card IS
    'payments with their cash account and party, in their currency, without those of pay (account.pay, or naming an '
    'employee), which table payment has for controllers';
SELECT allow('reader', 'select', 'payment_card');
-- ---------------------------------------------------------------------------
-- posting: who posts what
--
-- What charges, payments and documents mean to the ledger is one view each, all
-- of one shape: of what (source, source_id, charge_id …), the order within it
-- (no), and the columns of entry.  post_entries() posts them.  base_amount is
-- NULL where the day's rate gives it when it is posted.
-- ---------------------------------------------------------------------------

-- What a charge means to the ledger, posted or not: work is revenue, which the
-- client owes when an invoice takes it, and its labour is absorbed at the cost rate: what is really paid to
-- people goes to payroll, so a cost rate moves profit between projects and
-- never invents any.  Items likewise, against purchases.  A cost that is not
-- known posts nothing: it stays where it was paid.  posted is frozen, by the
-- words that the indexes of what is open are made with.
-- Of the owner, as it stands behind figures of those who may not see costs.
CREATE VIEW charge_posting AS
    SELECT 'charge'::text AS source, c.id AS source_id, r.no, c.service_date AS entry_on, r.debit_id, r.credit_id,
           v.amount, CASE r.no WHEN 1 THEN c.currency ELSE s.base_currency END AS currency,
           v.base_amount, NULL::bigint AS article_id,
           c.own_id, c.client_id, c.client_id AS party_id, c.contract_id, c.project_id, c.deal_id, c.task_id,
           c.employee_id, c.direction_id, c.work_type_id, c.id AS charge_id, NULL::bigint AS payment_id,
           NULL::bigint AS document_id, c.committed AND c.held_by IS NULL AS posted
      FROM visible_charge c
     CROSS JOIN setting s
     CROSS JOIN role_account a
     CROSS JOIN LATERAL (VALUES
        (1::bigint, NULL::boolean, a.unbilled, a.revenue),
        (2, true, a.direct_labour, a.absorbed_labour),
        (2, false, a.materials, a.absorbed_materials)) AS r (no, of_time, debit_id, credit_id)
     CROSS JOIN LATERAL (SELECT CASE r.no WHEN 1 THEN c.amount ELSE c.base_cost END AS amount,
                                CASE r.no WHEN 1 THEN c.base_amount ELSE c.base_cost END AS base_amount) v
     WHERE (r.of_time IS NULL OR r.of_time = (c.time_entry_id IS NOT NULL)) AND (v.amount <> 0 OR v.base_amount <> 0);
COMMENT ON VIEW charge_posting IS
    'the ledger entries of each charge, posted or, while it is provisional, as they would be';
SELECT allow('controller', 'select', 'charge_posting');

-- Cash against settlements, and the accrual where the article accrues with its
-- payment.  What of it pays bills, which accrued it already, is taken back when it
-- meets them (match.sql).
CREATE VIEW payment_posting WITH (security_invoker) AS
    SELECT 'payment'::text AS source, p.id AS source_id, e.no, e.entry_on, e.debit_id, e.credit_id, p.amount,
           p.currency, NULL::numeric(20,6) AS base_amount, e.article_id, p.own_id, p.client_id, p.party_id,
           p.contract_id, p.project_id, p.deal_id, p.task_id, p.employee_id, p.direction_id, p.work_type_id,
           NULL::bigint AS charge_id, p.id AS payment_id, NULL::bigint AS document_id, NULL::boolean AS posted
      FROM payment p
      JOIN cash_account m ON m.id = p.cash_account_id
      LEFT JOIN cash_account t ON t.id = p.to_cash_account_id
      LEFT JOIN account a ON a.code = p.article
     CROSS JOIN role_account r
     CROSS JOIN LATERAL (
        SELECT CASE a.kind WHEN 'income' THEN r.receivable WHEN 'expense' THEN r.payable
               ELSE a.id END AS settlement_id) s
     CROSS JOIN LATERAL (VALUES
        (1::bigint, 'transfer', p.paid_on, t.account_id, m.account_id, NULL::bigint, true),
        (1, 'in', p.paid_on, m.account_id, s.settlement_id, a.id, true),
        (1, 'out', p.paid_on, s.settlement_id, m.account_id, a.id, true),
        (2, 'in', coalesce(p.accrued_on, p.paid_on), s.settlement_id, a.id, NULL, a.accrues),
        (2, 'out', coalesce(p.accrued_on, p.paid_on), a.id, s.settlement_id, NULL, a.accrues)
     ) AS e (no, flow, entry_on, debit_id, credit_id, article_id, made)
     WHERE e.flow = p.flow AND e.made;
COMMENT ON VIEW payment_posting IS 'the ledger entries that each payment makes when it is posted';
SELECT allow('controller', 'select', 'payment_posting');

-- A line is worth in the base currency what its charges are: so what an invoice
-- takes over from unbilled work leaves nothing there.  What goes free again was
-- worth what other notes left of it.
CREATE VIEW line_worth WITH (security_invoker) AS
    SELECT l.id AS line_id, h.contract_id,
           CASE WHEN x.id IS NULL THEN w.amount
                WHEN l.charge_id IS NOT NULL THEN h.base_amount
                ELSE -w.amount - (SELECT coalesce(sum(c.base_amount), 0)
                                    FROM document_line o JOIN charge c ON c.id = o.charge_id
                                   WHERE o.reverses_line_id = x.id) END::numeric(20,6) AS base_amount
      FROM document_line l
      LEFT JOIN document_line x ON x.id = l.reverses_line_id
      LEFT JOIN document_line b ON b.id = coalesce(x.base_line_id, l.base_line_id)
      LEFT JOIN charge o ON o.id = coalesce(x.charge_id, l.charge_id)
      LEFT JOIN charge a ON a.id = coalesce(b.adjustment_id, x.adjustment_id,
                                            CASE WHEN x.id IS NULL THEN l.adjustment_id END)
      LEFT JOIN charge h ON h.id = coalesce(l.charge_id, o.id)
     CROSS JOIN LATERAL (SELECT o.base_amount + coalesce(a.base_amount, 0) AS amount) w
     WHERE l.kind IN ('invoice', 'credit_note');
COMMENT ON VIEW line_worth IS
    'what the lines of invoices and credit notes are worth net in the base currency, at the rates of the work';
SELECT allow('controller', 'select', 'line_worth');

-- What goes out, by contract: its net is taken over from unbilled work, its tax
-- is payable.  What comes in, line by line: net to its article, its tax against
-- the tax of sales.  All of it is owed.
CREATE VIEW document_posting WITH (security_invoker) AS
    SELECT 'document'::text AS source, t.document_id AS source_id,
           row_number() OVER (PARTITION BY t.document_id ORDER BY t.contract_id, e.nth) AS no, t.issued_on AS entry_on,
           r.receivable AS debit_id, e.account_id AS credit_id, e.amount::numeric(20,6) AS amount, t.currency,
           e.base_amount::numeric(20,6) AS base_amount, NULL::bigint AS article_id, t.own_id, t.party_id AS client_id,
           t.party_id, t.contract_id, NULL::bigint AS project_id, NULL::bigint AS deal_id, NULL::bigint AS task_id,
           NULL::bigint AS employee_id, NULL::bigint AS direction_id, NULL::bigint AS work_type_id,
           NULL::bigint AS charge_id, NULL::bigint AS payment_id, t.document_id, NULL::boolean AS posted
      FROM (SELECT d.id AS document_id, d.issued_on, d.own_id, d.party_id, d.currency, w.contract_id,
                   sum(l.net) AS net, sum(l.tax) AS tax, sum(w.base_amount) AS base_amount
              FROM document d
              JOIN document_kind k ON k.kind = d.kind AND k.account = 'receivable'
              JOIN document_line l ON l.document_id = d.id
              JOIN line_worth w ON w.line_id = l.id
             GROUP BY 1, 2, 3, 4, 5, 6) t
     CROSS JOIN role_account r
     CROSS JOIN LATERAL (VALUES
        (0, r.unbilled, t.net, t.base_amount), (1, r.tax, t.tax, NULL)) AS e (nth, account_id, amount, base_amount)
     WHERE e.amount <> 0 OR e.base_amount <> 0
    UNION ALL
    SELECT 'document', d.id, 2 * l.id + e.nth, d.issued_on, e.account_id, r.payable, e.amount::numeric(20,6),
           d.currency, NULL::numeric(20,6), NULL, NULL, l.client_id, d.party_id, l.contract_id, l.project_id, l.deal_id,
           l.task_id, l.employee_id, NULL, NULL, NULL, NULL, d.id, NULL
      FROM document d
      JOIN document_kind k ON k.kind = d.kind AND k.account = 'payable'
      JOIN document_line l ON l.document_id = d.id
     CROSS JOIN role_account r
     CROSS JOIN LATERAL (VALUES
        (0, account_id(coalesce(l.article, bill_article(d.party_id))), l.net), (1, r.tax, l.tax)
     ) AS e (nth, account_id, amount)
     WHERE e.amount <> 0;
COMMENT ON VIEW document_posting IS
    'the ledger entries of documents: invoices and credit notes when they are issued, bills when they are accepted';
SELECT allow('controller', 'select', 'document_posting');

CREATE VIEW due_entry WITH (security_invoker) AS
    SELECT * FROM charge_posting UNION ALL SELECT * FROM payment_posting UNION ALL SELECT * FROM document_posting;
COMMENT ON VIEW due_entry IS 'the ledger entries of all that posts any, whether they are posted or not';
SELECT allow('controller', 'select', 'due_entry');

-- By name, so that a column of entry is posted as soon as the views above have it.
-- Charges and payments were completed when they were written, documents name what
-- their lines name.
DO $$
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION entry_of(p_due due_entry, p_event bigint, p_on date, p_document bigint) RETURNS entry
            LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
        AS $body$
        DECLARE
            v entry;
            v_about dimension;
            v_base text := (SELECT s.base_currency FROM setting s);
        BEGIN
            %1$s
            v.event_id := p_event;
            v.entry_on := p_on;
            v.document_id := coalesce(v.document_id, p_document);
            IF v.base_amount IS NULL THEN
                v.base_amount := CASE WHEN v.currency = v_base THEN v.amount
                                      ELSE convert(v.amount, v.currency, v_base, p_on) END;
            END IF;
            IF p_due.source = 'document' THEN
                %2$s
                v_about := complete_dimension(v_about, p_on, format('document %%s', v.document_id));
                %3$s
            END IF;
            v.own_id := coalesce(v.own_id, default_own());
            RETURN v;
        END $body$ $function$,
        (SELECT string_agg(format('v.%1$I := p_due.%1$I;', a.attname), ' ' ORDER BY a.attnum)
           FROM pg_attribute a JOIN pg_attribute d ON d.attname = a.attname AND d.attrelid = 'due_entry'::regclass
          WHERE a.attrelid = 'entry'::regclass AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT string_agg(format('v_about.%1$I := v.%1$I;', a.attname), ' ' ORDER BY a.attnum)
           FROM pg_attribute a WHERE a.attrelid = 'dimension'::regclass AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT string_agg(format('v.%1$I := v_about.%1$I;', a.attname), ' ' ORDER BY a.attnum)
           FROM pg_attribute a WHERE a.attrelid = 'dimension'::regclass AND a.attnum > 0 AND NOT a.attisdropped));
END $$;
COMMENT ON FUNCTION entry_of(due_entry, bigint, date, bigint) IS
    'an entry as it is posted: of an event, on a day, in the base currency at the rate of that day, with the own '
    'company';

CREATE FUNCTION post_entries(p_source text, p_ids bigint[], p_events bigint[], p_on date DEFAULT NULL,
    p_document bigint DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM put_entries(ARRAY(
        SELECT entry_of(e, x.event_id,
               coalesce(p_on, CASE p_source WHEN 'payment' THEN e.entry_on
               ELSE greatest(e.entry_on, posting_day()) END),
                        p_document)
          FROM due_entry e
          JOIN unnest(p_ids, p_events) x (id, event_id) ON x.id = e.source_id
         WHERE e.source = p_source AND e.source_id = ANY (p_ids)
         ORDER BY e.source_id, e.no));
END $$;
COMMENT ON FUNCTION post_entries(text, bigint[], bigint[], date, bigint) IS
    'post what charges, payments or documents (source) mean to the ledger, each under its event: on one day, or on '
    'their own days, those of charges and documents on the first day that is not locked; p_document is what froze the '
    'charges';
-- ---------------------------------------------------------------------------
-- charges and documents in the ledger
-- ---------------------------------------------------------------------------

CREATE FUNCTION post_charges(p_charges bigint[], p_source text, p_key text, p_memo text, p_document bigint DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_event bigint;
BEGIN
    IF EXISTS (SELECT FROM charge_posting e WHERE e.charge_id = ANY (p_charges))
        THEN  -- what is worth nothing posts nothing
        v_event := (open_events(p_source, ARRAY[p_key], ARRAY[array_to_string(p_charges, ',')], p_memo))[1];
        PERFORM post_entries('charge', p_charges, array_fill(v_event, ARRAY[cardinality(p_charges)]),
            p_document => p_document);
    END IF;
END $$;
COMMENT ON FUNCTION post_charges(bigint[], text, text, text, bigint) IS
    'post the entries of charges under one event, on their service dates or on the first day that is not locked';

CREATE FUNCTION freeze_charges(p_charges bigint[], p_source text, p_key text, p_document bigint DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
BEGIN
    PERFORM FROM charge c WHERE c.id = ANY (p_charges) ORDER BY c.id FOR UPDATE;
    WITH frozen AS (
        UPDATE charge c SET frozen_at = now(), held_by = NULL
         WHERE c.id = ANY (p_charges) AND c.frozen_at IS NULL RETURNING c.id)
    SELECT array_agg(f.id ORDER BY f.id) INTO v_charges FROM frozen f;
    IF v_charges IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM post_charges(v_charges, p_source, p_key, 'charges frozen', p_document);
    PERFORM recheck_charges(ARRAY(
        SELECT c.id FROM charge c WHERE c.id = ANY (v_charges) AND c.cost IS NULL ORDER BY 1));
    RETURN cardinality(v_charges);
END $$;
COMMENT ON FUNCTION freeze_charges(bigint[], text, text, bigint) IS
    'freeze the provisional ones of these charges and post them under an event of that source and key; returns how '
    'many';

-- A deal says where profit is told, so work takes one at any time.  What is posted
-- is not changed: its entries are taken back and posted anew, for the deal.
CREATE FUNCTION tell_charges(p_charges bigint[], p_deal bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_posted bigint[];
    v_event bigint;
    v_entry entry;
    v_entries entry[];
BEGIN
    WITH told AS (
        UPDATE charge h SET deal_id = p_deal WHERE h.id = ANY (p_charges) AND h.deal_id IS DISTINCT FROM p_deal
        RETURNING h.id, h.frozen_at)
    SELECT array_agg(t.id) INTO v_posted FROM told t WHERE t.frozen_at IS NOT NULL;
    FOR v_entry IN
        -- of an account the last entry is the one that stands
        SELECT DISTINCT ON (e.charge_id, e.debit_id) e.* FROM entry e
         WHERE e.charge_id = ANY (v_posted) ORDER BY e.charge_id, e.debit_id, e.id DESC
    LOOP
        v_event := coalesce(v_event, (open_events('charge', ARRAY[format('%s:told', v_entry.id)], ARRAY[''],
                                                  format('told for deal %s', p_deal)))[1]);
        v_entry := opposite(v_entry, v_event, posting_day(v_entry.entry_on));
        v_entries := v_entries || v_entry;
        v_entry := opposite(v_entry, v_event, NULL);
        v_entry.deal_id := p_deal;
        v_entries := v_entries || v_entry;
    END LOOP;
    PERFORM put_entries(v_entries) WHERE v_event IS NOT NULL;
END $$;
COMMENT ON FUNCTION tell_charges(bigint[], bigint) IS
    'charges, posted or not, are of a deal (NULL: of none) from now on, and so is what they posted: taken back and '
    'posted anew on its day, or on the first one that is not locked';

CREATE FUNCTION post_document(p_document bigint, p_key text, p_memo text, p_on date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_event bigint;
BEGIN
    IF EXISTS (SELECT FROM document_posting e WHERE e.source_id = p_document) THEN
        v_event := (open_events('document', ARRAY[p_key], ARRAY[p_document::text], p_memo))[1];
        PERFORM post_entries('document', ARRAY[p_document], ARRAY[v_event], p_on);
    END IF;
END $$;
COMMENT ON FUNCTION post_document(bigint, text, text, date) IS
    'post what a document means to the ledger, on its day or on one that is given; nothing where that is nothing';

CREATE FUNCTION post_issued(p_document bigint, p_on date) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    SELECT post_document(p_document, format('%s:issue', p_document), 'issued', p_on);
END;
COMMENT ON FUNCTION post_issued(bigint, date) IS
    'post an invoice or credit note on its date, by contract: it is owed from now on, net and tax';

CREATE FUNCTION post_bill(p_document bigint) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    SELECT post_document(p_document, format('%s:accept', p_document), 'bill accepted');
END;
COMMENT ON FUNCTION post_bill(bigint) IS
    'post an accepted bill on its date: net to its article (bill_article() where it names none), its tax against tax '
    'payable, all to payable';

CREATE FUNCTION reverse_document(p_document bigint, p_on date) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    SELECT reverse_entries(ARRAY[v.id], 'document', ARRAY[format('%s:void', p_document)], p_on)
      FROM event v
     WHERE v.source = 'document' AND v.key IN (format('%s:issue', p_document), format('%s:accept', p_document));
END;
COMMENT ON FUNCTION reverse_document(bigint, date) IS
    'take back what a document itself posted, on a day; its charges stay frozen';
-- ---------------------------------------------------------------------------
-- ledger: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'account'), allow('controller', 'insert,update,delete', 'account');
SELECT watch('account');
SELECT allow('reader', 'select', 'account_role');
SELECT allow('reader', 'select', 'statement_line'), allow('controller', 'insert,update,delete', 'statement_line');
SELECT watch('statement_line');
SELECT allow('reader', 'select', 'period_lock'), allow('controller', 'insert,delete', 'period_lock');
SELECT watch('period_lock');
SELECT allow('controller', 'select', 'event');
SELECT allow('reader', 'select', 'entry', columns => '{id}'), allow('controller', 'select', 'entry');
-- ---------------------------------------------------------------------------
-- check: what each payment is refused for, and what follows from what it names
-- ---------------------------------------------------------------------------

CREATE FUNCTION payment_dimension(p_payment payment) RETURNS dimension
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v dimension;
BEGIN
    v.own_id := p_payment.own_id;
    v.client_id := p_payment.client_id;
    v.contract_id := p_payment.contract_id;
    v.project_id := p_payment.project_id;
    v.deal_id := p_payment.deal_id;
    v.task_id := p_payment.task_id;
    v.employee_id := p_payment.employee_id;
    v.work_type_id := p_payment.work_type_id;
    v.direction_id := p_payment.direction_id;
    RETURN v;
END $$;
COMMENT ON FUNCTION payment_dimension(payment) IS 'what a payment is about';

-- What followed from what is changed now follows anew: with another task comes
-- that task's project, unless the change names a project too.
CREATE FUNCTION changed_dimension(p_old dimension, p_new dimension, p_on date, p_what text) RETURNS dimension
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_old jsonb := jsonb_strip_nulls(to_jsonb(p_old));
    v_new jsonb := jsonb_strip_nulls(to_jsonb(p_new));
    v_followed jsonb;
BEGIN
    SELECT jsonb_object_agg(o.key, o.value) INTO v_followed FROM jsonb_each(v_old) o
     WHERE v_new -> o.key IS DISTINCT FROM o.value;
    IF v_followed IS NULL THEN
        RETURN p_new;
    END IF;
    v_followed := to_jsonb(complete_dimension(jsonb_populate_record(NULL::dimension, v_followed), p_on, p_what));
    RETURN jsonb_populate_record(NULL::dimension, (
        SELECT jsonb_object_agg(n.key, n.value) FROM jsonb_each(v_new) n
         WHERE v_old -> n.key IS DISTINCT FROM n.value OR v_followed -> n.key IS DISTINCT FROM n.value));
END $$;
COMMENT ON FUNCTION changed_dimension(dimension, dimension, date, text) IS
    'what is left of a changed fact''s dimensions once what followed from those that were changed is taken out';

CREATE FUNCTION completed_payment(p_old payment, p_new payment) RETURNS payment
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v payment := p_new;
    v_what text := format('payment %s', p_new.id);
    v_given dimension := payment_dimension(p_new);
    v_named_contract boolean := p_new.contract_id IS NOT NULL;
    v_settles boolean := EXISTS (SELECT FROM settling_article s WHERE s.article = p_new.article);
BEGIN
    IF p_old.id IS NOT NULL THEN
        IF (payment_dimension(p_old), p_old.party_id, p_old.article, p_old.flow)
            IS NOT DISTINCT FROM (v_given, p_new.party_id, p_new.article, p_new.flow) THEN
            RETURN p_new;
        END IF;
        IF v_given.client_id = p_old.client_id AND p_old.client_id = p_old.party_id
            AND p_new.party_id IS DISTINCT FROM p_old.party_id THEN
            v_given.client_id := NULL;
        END IF;
        v_given := changed_dimension(payment_dimension(p_old), v_given, p_new.paid_on, v_what);
    END IF;
    -- a supplier is no client: only who pays, or is paid back, what clients owe is one
    IF v_settles AND NOT v_named_contract THEN
        v_given.client_id := coalesce(v_given.client_id, p_new.party_id);
    END IF;
    IF v_given IS NULL THEN  -- rent is about nobody
        v_given.own_id := default_own();
    ELSE
        v_given := complete_dimension(v_given, p_new.paid_on, v_what);
    END IF;
    v.own_id := v_given.own_id;
    v.client_id := v_given.client_id;
    v.contract_id := v_given.contract_id;
    v.project_id := v_given.project_id;
    v.deal_id := v_given.deal_id;
    v.direction_id := v_given.direction_id;
    v.work_type_id := v_given.work_type_id;
    IF v.flow = 'in' AND (v_settles OR v_named_contract) THEN
        v.party_id := coalesce(v.party_id, v.client_id);
    END IF;
    RETURN v;
END $$;
COMMENT ON FUNCTION completed_payment(payment, payment) IS
    'a payment, new or changed, with all that follows from what it names; money from clients is of the client it is '
    'for. What contradicts itself is refused (23514)';

CREATE FUNCTION check_payment_step(p_old payment, p_new payment) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_labels CONSTANT text[] := '{purpose,bank_ref,source,external_id}';  -- they say nothing about the money
BEGIN
    IF p_old.status = 'void' AND p_new.status <> 'void' THEN
        RAISE EXCEPTION 'payment % is void and stays so', p_old.id
            USING ERRCODE = 'restrict_violation', HINT = 'Enter the payment anew.';
    END IF;
    IF p_new.status = 'void' AND p_old.status = 'void' AND to_jsonb(p_new) <> to_jsonb(p_old) THEN
        RAISE EXCEPTION 'payment % is void and stays as it is', p_old.id
            USING ERRCODE = 'restrict_violation', HINT = 'Enter the payment anew.';
    END IF;
    IF p_new.status = 'void' AND to_jsonb(p_new) - c_labels - 'status' <> to_jsonb(p_old) - c_labels - 'status' THEN
        RAISE EXCEPTION 'payment % is voided as it is', p_old.id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Change its status alone; enter what was really paid as a payment of its own.';
    END IF;
    IF p_old.status = 'posted' AND p_new.status = 'planned' THEN
        RAISE EXCEPTION 'payment % is posted and cannot be planned again', p_old.id
            USING ERRCODE = 'restrict_violation', HINT = 'Void it.';
    END IF;
END $$;
COMMENT ON FUNCTION check_payment_step(payment, payment) IS
    'refuse (23001) what a payment cannot become: what is void stays as it is, voiding changes nothing else, and what '
    'is posted is never planned again';

CREATE FUNCTION check_payment() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_wrong text;
    v_exponent int;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        v_exponent := currency_exponent(NEW.currency);
        IF NEW.amount <> round_money(NEW.amount, v_exponent) THEN
            RAISE EXCEPTION 'amount of payment is % %, which % cannot hold', trim_scale(NEW.amount), NEW.currency,
                NEW.currency
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_amount_exact',
                    DETAIL = format('%s has %s decimals.', NEW.currency, v_exponent),
                    HINT = 'Round the amount before you store it.';
        END IF;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM require_pay(OLD.article, OLD.employee_id);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    PERFORM require_pay(NEW.article, NEW.employee_id);
    SELECT format('cash account "%s" is in %s', a.name, a.currency) INTO v_wrong
      FROM cash_account a WHERE a.id IN (NEW.cash_account_id, NEW.to_cash_account_id) AND a.currency <> NEW.currency;
    IF FOUND THEN
        RAISE EXCEPTION 'a payment in % cannot be taken: %', NEW.currency, v_wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_one_currency',
                HINT = 'Enter the amount in that currency; an exchange is a payment out of one account and one into '
                       'the other.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_payment() IS
    'trigger function of payment: decimals, and the currency of its account (23514); payments of pay take a controller '
    '(42501)';

CREATE FUNCTION complete_payment() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    c_labels CONSTANT text[] := '{purpose,bank_ref,source,external_id}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        RETURN completed_payment(NULL, NEW);
    END IF;
    NEW := completed_payment(OLD, NEW);
    PERFORM check_payment_step(OLD, NEW);
    IF OLD.status = 'posted' AND NEW.status = 'posted' AND to_jsonb(NEW) - c_labels <> to_jsonb(OLD) - c_labels THEN
        NEW.revision := OLD.revision + 1;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION complete_payment() IS
    'trigger function of payment: completes what it is about, keeps the order of statuses (23001), counts revisions; '
    'SECURITY DEFINER because what follows from a task is no matter of who may see the task''s contract';

CREATE FUNCTION refuse_posted_payment() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION 'payment % is in the ledger and cannot be deleted', OLD.id
        USING ERRCODE = 'restrict_violation', HINT = 'Set its status to void: that posts the reversal.';
END $$;
COMMENT ON FUNCTION refuse_posted_payment() IS
    'trigger function of payment: what was posted is voided, not deleted (23001)';
-- ---------------------------------------------------------------------------
-- follow: what payments make true, once a statement
--
-- Rows of payment come first, then the parties whom they concern, by id; what a
-- sum decides, or what others may change meanwhile, is looked at after that.
-- ---------------------------------------------------------------------------

-- What is paid back counts against credit, and a contract keeps its currency
-- once it is paid.
CREATE FUNCTION lock_payments(p_old payment[], p_new payment[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY(
        SELECT n.party_id FROM unnest(p_new) n WHERE n.flow = 'out' OR cardinality(p_old) > 0
        UNION SELECT o.party_id FROM unnest(p_old) o
        UNION SELECT c.client_id FROM contract c
               WHERE c.id IN (SELECT x.contract_id FROM unnest(p_old || p_new) x)));
END $$;
COMMENT ON FUNCTION lock_payments(payment[], payment[]) IS
    'hold the parties that are paid back, the clients of contracts that are paid, and whom a change concerns';

CREATE VIEW payment_misfit WITH (security_invoker) AS
    SELECT p.id AS payment_id, m.rule, m.message, m.hint
      FROM payment p
      JOIN contract c ON c.id = p.contract_id
      LEFT JOIN project j ON j.id = p.project_id
     CROSS JOIN LATERAL (VALUES
        ('payment_one_currency', p.currency <> c.currency
        AND EXISTS (SELECT FROM account a WHERE a.code = p.article AND NOT a.accrues),
         format('a payment in %s cannot be taken: contract "%s" is in %s', p.currency, c.number, c.currency),
         'Enter the amount in that currency; an exchange is a payment out of one account and one into the other.'),
        ('payment_contract_client', p.flow = 'in' AND c.client_id <> p.party_id,
         format('contract %s is not with party %s, who pays', c.id, p.party_id),
         'Leave party_id empty, or name the contract''s client.')
     ) AS m (rule, broken, message, hint)
     WHERE m.broken;
COMMENT ON VIEW payment_misfit IS 'payments that their contract cannot take, with the rule; none is let through';
SELECT allow('controller', 'select', 'payment_misfit');

CREATE FUNCTION check_payment_contracts(p_payments bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_wrong record;
BEGIN
    SELECT * INTO v_wrong FROM payment_misfit m WHERE m.payment_id = ANY (p_payments) ORDER BY m.payment_id, m.rule DESC
           LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '%', v_wrong.message
            USING ERRCODE = 'check_violation', CONSTRAINT = v_wrong.rule, HINT = v_wrong.hint;
    END IF;
END $$;
COMMENT ON FUNCTION check_payment_contracts(bigint[]) IS
    'refuse (23514) payments in another currency than their contract''s, or of another client';

CREATE FUNCTION post_payments(p_payments bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_events bigint[];
BEGIN
    IF p_payments <> '{}' THEN
        SELECT open_events('payment', array_agg(format('%s:%s', p.id, p.revision) ORDER BY x.no),
                           array_agg(format('%s %s %s', iso(p.paid_on), p.amount, p.currency) ORDER BY x.no))
          INTO v_events
          FROM unnest(p_payments) WITH ORDINALITY x (id, no) JOIN payment p USING (id);
        PERFORM post_entries('payment', p_payments, v_events);
    END IF;
END $$;
COMMENT ON FUNCTION post_payments(bigint[]) IS
    'post payments as they stand, each under an event of its id and revision, valued in the base currency on their '
    'dates';

CREATE FUNCTION unpost_payments(p_payments payment[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM reverse_entries(array_agg(v.id ORDER BY v.id), 'payment', array_agg(v.key || ':void' ORDER BY v.id))
       FROM unnest(p_payments) p JOIN event v ON v.source = 'payment' AND v.key = format('%s:%s', p.id, p.revision)
     HAVING count(*) > 0;
END $$;
COMMENT ON FUNCTION unpost_payments(payment[]) IS 'take back what payments posted in these revisions';

CREATE FUNCTION follow_payments() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_old payment[] := '{}';
    v_new payment[];
BEGIN
    SELECT array_agg(n::payment ORDER BY n.id) INTO v_new FROM new_rows n;
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(o::payment ORDER BY o.id) INTO v_old FROM old_rows o;
    END IF;
    IF v_new IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM lock_payments(v_old, v_new);
    PERFORM check_payment_contracts(ARRAY(SELECT n.id FROM unnest(v_new) n WHERE n.contract_id IS NOT NULL));
    PERFORM follow_changed_payments(v_old, v_new) WHERE TG_OP = 'UPDATE';
    PERFORM unpost_payments(ARRAY(
        SELECT o FROM unnest(v_old) o JOIN unnest(v_new) n USING (id)
         WHERE o.status = 'posted' AND (n.status = 'void' OR n.revision <> o.revision)));
    PERFORM post_payments(ARRAY(
        SELECT n.id FROM unnest(v_new) n LEFT JOIN unnest(v_old) o USING (id)
         WHERE n.status = 'posted' AND (o.status IS DISTINCT FROM 'posted' OR n.revision <> o.revision) ORDER BY n.id));
    PERFORM free_overdrawn(ARRAY(
        SELECT DISTINCT x.party_id FROM unnest(v_old || v_new) x
         WHERE x.party_id IS NOT NULL AND (x.flow = 'out' OR cardinality(v_old) > 0) ORDER BY 1));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_payments() IS
    'trigger function of payment: holds whom the payments concern, checks them against their contracts and documents, '
    'posts what became posted, reverses what became void, does both for what changed; SECURITY DEFINER because nobody '
    'is granted INSERT on the ledger';
-- ---------------------------------------------------------------------------
-- money: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'cash_account'), allow('controller', 'insert,update,delete', 'cash_account');
SELECT watch('cash_account');
SELECT allow('reader', 'select', 'payment', columns => '{id}'),
       allow('clerk', 'select', 'payment', but => '{amount,employee_id,purpose,made_from}'),
       allow('clerk', 'insert,update', 'payment', but => '{revision,made_from}'),
       allow('clerk', 'delete', 'payment'),
       allow('controller', 'select', 'payment');
SELECT watch('payment');
-- ---------------------------------------------------------------------------
-- number: gapless, in series
-- ---------------------------------------------------------------------------

CREATE FUNCTION guard_number_series() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.next_no = OLD.first_no
        OR TG_OP = 'UPDATE' AND (OLD.next_no = OLD.first_no AND NEW.next_no = NEW.first_no
                                 OR NEW.next_no - OLD.next_no IN (0, 1)
                                    AND (NEW.own_id, NEW.kind, NEW.year, NEW.first_no)
                                        IS NOT DISTINCT FROM (OLD.own_id, OLD.kind, OLD.year, OLD.first_no)) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'number series % of % goes on at %', OLD.kind, OLD.year, OLD.next_no
        USING ERRCODE = 'restrict_violation',
            HINT = 'The first number can be chosen before the series is used; its pattern can be changed at any time.';
END $$;
COMMENT ON FUNCTION guard_number_series() IS
    'trigger function of number_series: a used counter stays whose it is and only counts on, one by one (23001)';

CREATE FUNCTION document_name(p_document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN coalesce(d.number, d.outside_number) IS NULL
                THEN format('%s %s (id %s)', d.status, replace(d.kind, '_', ' '), d.id)
                ELSE format('%s %s', replace(d.kind, '_', ' '), coalesce(d.number, d.outside_number)) END
      FROM document d WHERE d.id = p_document;
END;
COMMENT ON FUNCTION document_name(bigint) IS
    'what a message calls a document: kind and number, or kind and id while it has none';

CREATE FUNCTION format_number(p_pattern text, p_no bigint, p_on date) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT replace(replace(replace(replace(replace(p_pattern, '{YYYY}', substr(iso(p_on), 1, 4)), '{YY}',
                                           substr(iso(p_on), 3, 2)),
                           '{MM}', substr(iso(p_on), 6, 2)), '{DD}', substr(iso(p_on), 9, 2)), m.mark,
                   CASE WHEN length(p_no::text) < length(m.mark) - 2 THEN lpad(p_no::text, length(m.mark) - 2, '0')
                       ELSE p_no::text END)
      FROM (SELECT substring(p_pattern FROM '[{]#+[}]') AS mark) m;
END;
COMMENT ON FUNCTION format_number(text, bigint, date) IS 'a document number from the pattern of its series';

CREATE FUNCTION next_number(p_own bigint, p_kind text, p_on date, OUT series_id bigint, OUT series_no bigint,
                            OUT number text)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_pattern text;
BEGIN
    -- The row lock makes the counter gapless and serial: who comes second
    -- waits for the first to commit, and a rollback gives the number back.
    UPDATE number_series s SET next_no = s.next_no + 1
     WHERE s.own_id IS NOT DISTINCT FROM p_own AND s.kind = p_kind AND s.year = extract(year FROM p_on)
    RETURNING s.id, s.next_no - 1, s.pattern INTO next_number.series_id, next_number.series_no, v_pattern;
    IF NOT FOUND THEN
        INSERT INTO number_series AS s (own_id, kind, year, pattern, next_no)
        VALUES (p_own, p_kind, extract(year FROM p_on),
                coalesce((SELECT o.pattern FROM number_series o WHERE o.own_id IS NOT DISTINCT FROM p_own
                          AND o.kind = p_kind
                           ORDER BY o.year > extract(year FROM p_on), abs(o.year - extract(year FROM p_on)) LIMIT 1),
                         '{YYYY}/{MM}-{####}'), 2)
        ON CONFLICT ON CONSTRAINT number_series_key DO UPDATE SET next_no = s.next_no + 1
        RETURNING s.id, s.next_no - 1, s.pattern INTO next_number.series_id, next_number.series_no, v_pattern;
    END IF;
    next_number.number := format_number(v_pattern, next_number.series_no, p_on);
END $$;
COMMENT ON FUNCTION next_number(bigint, text, date) IS
    'the next number of the series of an own company, kind and year; holds the series'' row until the end of the '
    'transaction, so it is called last';
-- ---------------------------------------------------------------------------
-- put: making documents and their lines, and finding them again
--
-- put_documents() and put_lines() are the only writers of rows of document and
-- document_line, and are made from their columns.  Whoever has a document or a
-- line to make fills in what it knows of one, by name.
-- ---------------------------------------------------------------------------

-- who sends the same (source, external_id) at once gets none of it: draft_document() looks again
SELECT make_writer('document', 'put_documents', 'ON CONFLICT ON CONSTRAINT document_external_key DO NOTHING');
SELECT make_writer('document_line', 'put_lines');

CREATE FUNCTION put_document(p_document document) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (put_documents(ARRAY[p_document]))[1];
END $$;
COMMENT ON FUNCTION put_document(document) IS
    'write a document and return its id, NULL where another one has its (source, external_id)';

CREATE FUNCTION document_of(p_document bigint, p_kind text DEFAULT NULL) RETURNS document
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = p_document AND d.kind = coalesce(p_kind, d.kind);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no % %', coalesce(p_kind, 'document'), p_document
            USING ERRCODE = 'foreign_key_violation', HINT = 'View document_card lists the documents.';
    END IF;
    RETURN v_document;
END $$;
COMMENT ON FUNCTION document_of(bigint, text) IS
    'a document, of a kind where one is named; refused (23503) when there is none';

CREATE FUNCTION lock_documents(p_documents bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY(
        SELECT x.party_id FROM document x WHERE x.id = ANY (p_documents)
        UNION SELECT b.party_id FROM document x JOIN document b ON b.id = x.based_on WHERE x.id = ANY (p_documents)));
END $$;
COMMENT ON FUNCTION lock_documents(bigint[]) IS 'hold the parties of documents and of those they are based on';

CREATE FUNCTION open_document(p_document bigint, p_kind text DEFAULT NULL) RETURNS document
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM document_of(p_document, p_kind);
    PERFORM lock_documents(ARRAY[p_document]);
    RETURN document_of(p_document, p_kind);  -- as it is now that nobody else changes it
END $$;
COMMENT ON FUNCTION open_document(bigint, text) IS
    'a document whose party is held, and that of what it is based on; refused (23503) when there is none';

CREATE FUNCTION successor(p_of document, p_kind text) RETURNS document
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document;
BEGIN
    v.kind := p_kind;
    v.based_on := p_of.id;
    v.own_id := p_of.own_id;
    v.party_id := p_of.party_id;
    v.contract_id := p_of.contract_id;
    v.project_id := p_of.project_id;
    v.deal_id := p_of.deal_id;
    v.task_id := p_of.task_id;
    v.title := p_of.title;
    v.positions := p_of.positions;
    v.currency := p_of.currency;
    v.tax_inclusive := p_of.tax_inclusive;
    v.tax_level := p_of.tax_level;
    RETURN v;
END $$;
COMMENT ON FUNCTION successor(document, text) IS
    'the draft of a kind that is made of a document, to be filled in and put: between whom, about what, in which '
    'currency and by which rules of tax it is';

-- ---------------------------------------------------------------------------
-- lines
-- ---------------------------------------------------------------------------

CREATE FUNCTION line_of(p_document document) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line;
BEGIN
    v.document_id := p_document.id;
    v.kind := p_document.kind;
    v.currency := p_document.currency;
    RETURN v;
END $$;
COMMENT ON FUNCTION line_of(document) IS 'an empty line of a document, to be filled in and put';

CREATE FUNCTION work_line(p_document document, p_charge bigint) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line := line_of(p_document);
BEGIN
    v.charge_id := p_charge;
    v.claim := true;
    RETURN v;
END $$;
COMMENT ON FUNCTION work_line(document, bigint) IS
    'the line of a draft over work that keeps a charge from other documents; its figures come when it is sent';

CREATE FUNCTION repeated_line(p_document document, p_line document_line, p_position bigint) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line := p_line;
BEGIN
    v.id := NULL;
    v.document_id := p_document.id;
    v.kind := p_document.kind;
    v.position := p_position;
    v.base_line_id := p_line.id;
    v.claim := false;
    v.adjustment_id := NULL;
    v.contract_line_id := NULL;
    v.credited_by := NULL;
    RETURN v;
END $$;
COMMENT ON FUNCTION repeated_line(document, document_line, bigint) IS
    'a live line of one document as another one repeats it, to the last digit: it claims nothing and adjusts nothing';

CREATE FUNCTION revised_line(p_document document, p_line document_line) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line := repeated_line(p_document, p_line, NULL);
BEGIN
    v.base_line_id := NULL;
    v.worked_s := NULL;
    v.billed_s := NULL;
    v.amount := NULL;
    v.discount := NULL;
    v.net := NULL;
    v.tax := NULL;
    v.gross := NULL;
    v.released_at := NULL;
    v.released_by := NULL;
    RETURN v;
END $$;
COMMENT ON FUNCTION revised_line(document, document_line) IS
    'a line of written content as the next revision begins with it: without the figures, which are stamped anew';

CREATE FUNCTION credit_line(p_note document, p_line document_line, p_net numeric, p_tax numeric, p_whole boolean)
    RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line := line_of(p_note);
BEGIN
    v.reverses_line_id := p_line.id;
    v.position := p_line.position;
    v.task_id := p_line.task_id;
    v.title := p_line.title;
    v.unit := p_line.unit;
    v.worked_s := CASE WHEN p_whole THEN -p_line.worked_s END;
    v.billed_s := CASE WHEN p_whole THEN -p_line.billed_s END;
    v.amount := -p_net;
    v.discount := 0;
    v.tax_rate := p_line.tax_rate;
    v.net := -p_net;
    v.tax := -p_tax;
    v.gross := -p_net - p_tax;
    RETURN v;
END $$;
COMMENT ON FUNCTION credit_line(document, document_line, numeric, numeric, boolean) IS
    'the line of a credit note that takes net and tax of an invoice line back, its hours only where it takes back all';
-- ---------------------------------------------------------------------------
-- place: on which document a charge is, and what froze it
-- ---------------------------------------------------------------------------

CREATE VIEW charge_claim WITH (security_invoker) AS
    SELECT l.charge_id, l.id AS line_id, l.document_id, l.kind, l.charge_id AS work_id,
           l.credited_by IS NOT NULL AS credited
      FROM document_line l WHERE l.claim AND l.released_at IS NULL
    UNION ALL
    SELECT l.adjustment_id, l.id, l.document_id, l.kind, l.charge_id, l.credited_by IS NOT NULL
      FROM document_line l WHERE l.claim AND l.released_at IS NULL AND l.adjustment_id IS NOT NULL
    UNION ALL
    SELECT l.charge_id, l.id, l.document_id, l.kind, NULL, l.credited_by IS NOT NULL
      FROM document_line l WHERE l.kind = 'credit_note' AND l.released_at IS NULL AND l.charge_id IS NOT NULL;
COMMENT ON VIEW charge_claim IS
    'charges that a live document keeps, and by which line; work_id is the charge of the line, of which charge_id may '
    'be the discount or included tax; charges that a credit note made are kept by it; credited: of a line that was '
    'credited whole and keeps them';
SELECT allow('reader', 'select', 'charge_claim');

-- Where every charge is.  A charge and its reversal that no document keeps
-- cancel each other out; while one of them is on a document the other is owed, but
-- for what was credited whole: nobody owes anything of that.
CREATE VIEW charge_place WITH (security_invoker) AS
    SELECT h.id AS charge_id,
           CASE WHEN h.coverage = 'non_billable' THEN 'non_billable'
                WHEN c.credited OR o.credited THEN 'credited'
                WHEN c.kind = 'credit_note' OR i.id IS NOT NULL AND d.issued_at IS NOT NULL THEN 'billed'
                WHEN c.line_id IS NOT NULL THEN 'reported'
                WHEN NOT o.claimed THEN 'cancelled'
                WHEN h.coverage = 'capped' THEN 'written_off'
                WHEN h.coverage = 'billable' AND h.amount <> 0 THEN 'unbilled'
                ELSE 'no_charge' END AS place,
           c.document_id AS claimed_by, i.document_id AS invoice_id
      FROM charge h
      LEFT JOIN charge_claim c ON c.charge_id = h.id
      LEFT JOIN document_line i ON i.kind = 'invoice' AND i.released_at IS NULL AND i.charge_id = c.work_id
      LEFT JOIN document d ON d.id = i.document_id
      -- its reversal, or what it reverses; no join on an expression, which planners take for a product
      LEFT JOIN (SELECT r.id AS charge_id, r.reverses_id AS other_id, x.line_id IS NOT NULL AS claimed, x.credited
                   FROM charge r LEFT JOIN charge_claim x ON x.charge_id = r.reverses_id WHERE r.reverses_id IS NOT NULL
                 UNION ALL
                 SELECT r.reverses_id, r.id, x.line_id IS NOT NULL, x.credited
                   FROM charge r LEFT JOIN charge_claim x ON x.charge_id = r.id WHERE r.reverses_id IS NOT NULL) o
        ON o.charge_id = h.id AND o.other_id = coalesce(h.reverses_id, o.other_id);
COMMENT ON VIEW charge_place IS
    'where every charge is, exactly one place: non_billable, billed (on a live invoice, or the credit of one), '
    'credited (of an invoice line that was credited whole, given up or billed again by a charge of its own; with what '
    'credited it, and with what corrected it since, it comes to nothing), reported (kept by a report or a draft '
    'invoice, claimed_by), cancelled (with its reversal, neither on a document), written_off (above a cap), unbilled, '
    'or no_charge (no_charge, included, prepaid or zero work that no report shows yet)';
SELECT allow('reader', 'select', 'charge_place');

CREATE FUNCTION frozen_by(charge_id bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(
        (SELECT string_agg(format('It is on %s of %s (%s).', document_name(d.id), iso(d.issued_on), d.status), ' '
                           ORDER BY d.id)
           FROM document_line l JOIN document d ON d.id = l.document_id
          WHERE (l.charge_id = h.id OR l.adjustment_id = h.id) AND l.released_at IS NULL AND d.issued_at IS NOT NULL),
        (SELECT format('The period of contract "%s" from %s to %s is closed.', c.number, iso(b.period_start),
                       iso(b.period_end - 1))
           FROM billing_period b JOIN contract c ON c.id = b.contract_id
          WHERE b.contract_id = h.contract_id AND h.period_start >= b.period_start AND h.period_start < b.period_end),
        format('It was posted to the ledger on %s.',
               iso((h.frozen_at AT TIME ZONE (SELECT s.zone FROM setting s))::date)))
      FROM charge h WHERE h.id = frozen_by.charge_id;
END;
COMMENT ON FUNCTION frozen_by(bigint) IS
    'the sentence that says which document or closed period froze or holds a charge';

CREATE FUNCTION is_on_document(p_charge bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM entry e WHERE e.charge_id = p_charge AND e.document_id IS NOT NULL) THEN
        RETURN true;
    END IF;
    RETURN EXISTS (SELECT FROM charge_claim c JOIN document d ON d.id = c.document_id WHERE c.charge_id = p_charge
                   AND d.issued_at IS NOT NULL);
END $$;
COMMENT ON FUNCTION is_on_document(bigint) IS 'is a charge on a report or invoice that was issued?';

CREATE VIEW line_credit WITH (security_invoker) AS
    SELECT n.reverses_line_id AS line_id, (-sum(n.net))::numeric(20,6) AS net, (-sum(n.tax))::numeric(20,6) AS tax,
           (-sum(n.gross))::numeric(20,6) AS gross
      FROM document_line n WHERE n.kind = 'credit_note' GROUP BY 1;
COMMENT ON VIEW line_credit IS 'what was credited of each invoice line, positive, in the currency of the line';
SELECT allow('reader', 'select', 'line_credit');
-- ---------------------------------------------------------------------------
-- figures: the lines of a draft, and the stamping of them
-- ---------------------------------------------------------------------------

-- The figures of a document's lines as its charges and contents are now.  One
-- position holds one task (employee, day), one price and one sign; tax is
-- rounded a position (or in total) and spread over its lines, so that lines,
-- positions and header all add up to the last digit.  It is PL/pgSQL because
-- that keeps its plan, which no view over documents has to make again.
CREATE FUNCTION document_figures(p_document bigint)
    RETURNS TABLE (line_id bigint, "position" integer, title text, unit text, quantity numeric, price numeric,
                   discount_pct numeric,
                   worked_s bigint, billed_s bigint, amount numeric, discount numeric, tax_rate numeric, net numeric,
                       tax numeric, gross numeric)
    LANGUAGE plpgsql STABLE ROWS 60 COST 4000 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH head AS (
        SELECT d.id, d.kind, d.positions, d.tax_inclusive, d.tax_level, d.discount_pct, d.discount_amount,
               currency_exponent(d.currency) AS exponent, page_language(d.id) AS language
          FROM document d WHERE d.id = p_document
    ), source AS MATERIALIZED (
        SELECT l.id, h.worked_s, h.billed_s,
               coalesce(h.amount,
                        round_money(coalesce(l.quantity, 1) * coalesce(l.price, 0)
                                    * (100 - coalesce(l.discount_pct, 0)) / 100, d.exponent)) AS amount,
               CASE WHEN h.id IS NULL THEN l.tax_rate ELSE k.tax_rate END AS tax_rate,
               CASE WHEN h.id IS NULL THEN l.title
                    WHEN h.source = 'time' AND d.positions = 'employee' THEN m.name
                    WHEN h.source = 'time' AND d.positions = 'day' THEN iso(h.service_date)
                    ELSE coalesce(n.title || CASE n.kind WHEN 'recurring'
                                                  THEN ', ' || period_name(b, h.period_start)
                                                  ELSE '' END,
                                  i.name, CASE WHEN h.source <> 'time' THEN charge_reason(h.why, d.language) END,
                                  concat_ws(' ', t.number, t.title), h.source) END AS title,
               CASE WHEN h.id IS NULL THEN l.unit WHEN h.source = 'time' THEN 'h'
                    WHEN h.item_id IS NOT NULL THEN i.unit END AS unit,
               CASE WHEN h.id IS NULL THEN l.quantity WHEN h.source <> 'time' THEN h.quantity END AS quantity,
               CASE WHEN h.id IS NULL THEN l.price ELSE h.rate END AS price,
               CASE WHEN h.id IS NULL THEN l.discount_pct ELSE h.discount_pct END AS discount_pct,
               dense_rank() OVER (ORDER BY
                   h.id IS NULL,
                   CASE d.positions WHEN 'task' THEN p.name WHEN 'employee' THEN m.name
                                    WHEN 'day' THEN iso(h.service_date) END,
                   CASE d.positions WHEN 'task' THEN t.id WHEN 'employee' THEN m.id END,
                   h.source, n.id, i.id, h.coverage, k.tax_rate, h.price, h.multiplier, h.rate, h.discount_pct,
                   sign(h.amount), h.reverses_id IS NOT NULL,
                   CASE WHEN h.id IS NULL OR d.positions = 'none' OR h.source NOT IN ('time', 'item')
                        THEN l.id END)::integer AS position
          FROM head d
          JOIN document_line l ON l.document_id = d.id
          LEFT JOIN charge h ON h.id = l.charge_id
          LEFT JOIN contract k ON k.id = h.contract_id
          LEFT JOIN contract b ON b.id = coalesce(k.parent_id, k.id)
          LEFT JOIN task t ON t.id = h.task_id
          LEFT JOIN project p ON p.id = h.project_id
          LEFT JOIN employee m ON m.id = h.employee_id
          LEFT JOIN item i ON i.id = h.item_id
          LEFT JOIN contract_line n ON n.id = h.contract_line_id AND h.source IN ('fee', 'stage')
    ), discounted AS (
        SELECT x.id, x.discount
          FROM (SELECT array_agg(s.id ORDER BY s.id) AS ids,
                array_agg(greatest(s.amount, 0) ORDER BY s.id) AS weights, sum(s.amount) AS amount,
                       sum(greatest(s.amount, 0)) AS weight FROM source s) a
         CROSS JOIN head d
         CROSS JOIN LATERAL (SELECT coalesce(d.discount_amount,
                                             round_money(a.amount * d.discount_pct / 100, d.exponent)) AS total) t
         CROSS JOIN LATERAL unnest(a.ids, allocate(t.total, a.weights, d.exponent)) AS x (id, discount)
         WHERE t.total <> 0 AND a.weight > 0
    ), line AS (
        SELECT s.*, coalesce(o.discount, 0) AS discount, s.amount - coalesce(o.discount, 0) AS base
          FROM source s LEFT JOIN discounted o ON o.id = s.id
    ), place AS (
        SELECT l.position, sum(l.base) AS base, min(l.tax_rate) AS tax_rate, array_agg(l.id ORDER BY l.id) AS ids,
               array_agg(abs(l.base) ORDER BY l.id) AS weights
          FROM line l GROUP BY l.position
    ), taxed AS (
        SELECT x.position, x.tax
          FROM (SELECT array_agg(p.position ORDER BY p.position) AS positions,
                array_agg(p.base ORDER BY p.position) AS bases,
                       array_agg(p.tax_rate ORDER BY p.position) AS rates FROM place p) a
         CROSS JOIN head d
         CROSS JOIN LATERAL ROWS
             FROM (unnest(a.positions), tax_breakdown(a.bases, a.rates, d.tax_inclusive, d.tax_level, d.exponent))
            AS x (position, net, tax, gross)
    ), spread AS (
        SELECT x.id, x.tax
          FROM place p JOIN taxed t ON t.position = p.position
         CROSS JOIN head d
         CROSS JOIN LATERAL unnest(p.ids, CASE WHEN t.tax <> 0
                                   THEN allocate(t.tax, p.weights, d.exponent) END) AS x (id, tax)
    )
    SELECT l.id, l.position, l.title, l.unit, l.quantity, l.price, l.discount_pct, l.worked_s, l.billed_s, l.amount,
        l.discount, l.tax_rate,
           CASE WHEN d.tax_inclusive THEN l.base - coalesce(s.tax, 0) ELSE l.base END, coalesce(s.tax, 0),
           CASE WHEN d.tax_inclusive THEN l.base ELSE l.base + coalesce(s.tax, 0) END
      FROM line l CROSS JOIN head d LEFT JOIN spread s ON s.id = l.id;
END $$;
COMMENT ON FUNCTION document_figures(bigint) IS
    'lines of a draft with the figures they have now: position on the paper, amount, its share of the document''s '
    'discount, net, tax, gross in the document''s currency; hours as seconds';

CREATE FUNCTION charge_misfit(p_charge charge, p_contract contract, p_document document) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN p_charge.client_id <> p_document.party_id THEN 'is now of another client'
                WHEN p_charge.currency <> p_document.currency THEN 'is now in ' || p_charge.currency
                WHEN p_charge.coverage = 'non_billable' THEN 'is not to be shown to the client any more'
                WHEN (p_contract.tax_inclusive, p_contract.tax_level) <> (p_document.tax_inclusive,
                    p_document.tax_level)
                THEN 'has a contract of other tax terms now' END;
END;
COMMENT ON FUNCTION charge_misfit(charge, contract, document) IS
    'why a charge, under its contract, cannot stand on a document over work; NULL when it can';

CREATE FUNCTION fits_document(p_charge charge, p_contract contract, p_document document) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT charge_misfit(p_charge, p_contract, p_document) IS NULL
        AND (p_document.kind = 'report' OR p_charge.amount <> 0);
END;
COMMENT ON FUNCTION fits_document(charge, contract, document) IS
    'does a charge, under its contract, belong on a draft over work? Reports show all of it, invoices what there is to '
    'pay';

CREATE FUNCTION check_work_lines(p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_bad record;
BEGIN
    PERFORM FROM charge h WHERE h.id IN (SELECT l.charge_id FROM document_line l WHERE l.document_id = p_document)
      ORDER BY h.id FOR UPDATE;
    SELECT h.id, coalesce(t.title, h.source) AS title, m.why INTO v_bad
      FROM document d
      JOIN document_line l ON l.document_id = d.id
      JOIN charge h ON h.id = l.charge_id
      LEFT JOIN contract k ON k.id = h.contract_id
      LEFT JOIN task t ON t.id = h.task_id
     CROSS JOIN LATERAL (SELECT charge_misfit(h, k, d) AS why) m
     WHERE d.id = p_document AND m.why IS NOT NULL
     ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% does not fit its work any more: "%" %', document_name(p_document), v_bad.title, v_bad.why
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('Charge %s was rated again after it was put there.', v_bad.id),
                HINT = 'Take the changes in with refresh_draft().';
    END IF;
END $$;
COMMENT ON FUNCTION check_work_lines(bigint) IS
    'lock the charges of a draft by id and refuse (23001) when one has changed its client, currency or tax terms';

CREATE FUNCTION stamp_lines(p_document bigint, OUT net numeric, OUT tax numeric, OUT gross numeric,
                            OUT first_day date, OUT last_day date)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_line record;
    v_discount numeric := (SELECT d.discount_amount FROM document d WHERE d.id = p_document);
BEGIN
    UPDATE document_line l
       SET position = f.position, title = coalesce(l.title, f.title), unit = f.unit, quantity = f.quantity,
           price = f.price,
           discount_pct = f.discount_pct, worked_s = f.worked_s, billed_s = f.billed_s, amount = f.amount,
               discount = f.discount,
           tax_rate = f.tax_rate, net = f.net, tax = f.tax, gross = f.gross
      FROM document_figures(p_document) f
     WHERE l.id = f.line_id AND l.net IS NULL;
    SELECT count(*) AS lines, sum(l.amount) AS amount, sum(l.net) AS net, sum(l.tax) AS tax, sum(l.gross) AS gross,
           min(h.service_date) AS first_day, max(h.service_date) AS last_day
      INTO v_line
      FROM document_line l LEFT JOIN charge h ON h.id = l.charge_id WHERE l.document_id = p_document;
    IF v_discount > v_line.amount THEN
        RAISE EXCEPTION '%: a discount of % is more than the % it is taken off', document_name(p_document),
            trim_scale(v_discount), trim_scale(v_line.amount)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_discount_within',
                HINT = 'Lower discount_amount of the draft.';
    END IF;
    stamp_lines.net := coalesce(v_line.net, 0);
    stamp_lines.tax := coalesce(v_line.tax, 0);
    stamp_lines.gross := coalesce(v_line.gross, 0);
    stamp_lines.first_day := v_line.first_day;
    stamp_lines.last_day := v_line.last_day;
END $$;
COMMENT ON FUNCTION stamp_lines(bigint) IS
    'write the figures of a draft on its lines and return their totals and the days of its work';
-- ---------------------------------------------------------------------------
-- adjust: what a document takes off its charges, and lines that are released
-- ---------------------------------------------------------------------------

-- What a document takes off its charges (its discount, the tax that is in the
-- price) becomes charges of its own, posted with them, so that revenue, the
-- balance of the contract and the profit of the task follow what is really
-- billed: the net of a line is always the sum of its charge and its adjustment.
-- A discount goes with its charge when that is corrected; included tax does
-- not, since the correction is billed with tax included too.
CREATE FUNCTION adjust_lines(p_document bigint) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent CONSTANT integer := currency_exponent((SELECT s.base_currency FROM setting s));
    v_lines bigint[];
    v_parts charge[];
    v_charges bigint[];
BEGIN
    SELECT array_agg(l.id ORDER BY l.id),
           array_agg(part_of(h, l.net - h.amount, round_money(l.net * h.base_rate, v_exponent) - h.base_amount,
                             jsonb_build_object('taken_off', r.off), NOT d.tax_inclusive)
                     ORDER BY l.id)
      INTO v_lines, v_parts
      FROM document d
      JOIN document_line l ON l.document_id = d.id
      JOIN charge h ON h.id = l.charge_id
     CROSS JOIN LATERAL (SELECT jsonb_build_object('discount', NOT d.tax_inclusive OR coalesce(l.discount, 0) <> 0,
                                                   'tax', d.tax_inclusive) AS off) r
     WHERE d.id = p_document AND l.claim AND l.net <> h.amount;
    v_charges := put_charges(v_parts);
    UPDATE document_line l SET adjustment_id = x.charge_id
      FROM unnest(v_lines, v_charges) x (line_id, charge_id) WHERE l.id = x.line_id;
    RETURN v_charges;
END $$;
COMMENT ON FUNCTION adjust_lines(bigint) IS
    'make the charges that take discount and included tax off the charges of a document; returns their ids';

CREATE FUNCTION reverse_adjustments(p_charges bigint[], p_key text, p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
BEGIN
    v_charges := put_charges(ARRAY(
        SELECT opposite(h, jsonb_build_object('taken_back', jsonb_build_object('charge', h.id, 'why', h.why)))
          FROM charge h
         WHERE h.id = ANY (p_charges) AND h.frozen_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
         ORDER BY h.id));
    IF v_charges <> '{}' THEN
        PERFORM post_charges(v_charges, 'document', p_key, 'adjustments taken back', p_document);
    END IF;
END $$;
COMMENT ON FUNCTION reverse_adjustments(bigint[], text, bigint) IS
    'reverse and post adjusting charges whose line is released, but for those that a correction reversed before';

CREATE FUNCTION release_lines(p_lines bigint[], p_by bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_adjustments bigint[] := ARRAY(SELECT l.adjustment_id FROM document_line l
                                     WHERE l.id = ANY (p_lines) AND l.released_at IS NULL
                                       AND l.adjustment_id IS NOT NULL ORDER BY 1);
    v_free bigint[];
BEGIN
    UPDATE charge h SET held_by = NULL
      FROM document_line l
     WHERE l.id = ANY (p_lines) AND l.released_at IS NULL AND l.claim AND h.id = l.charge_id
       AND h.held_by = l.document_id AND h.frozen_at IS NULL;
    UPDATE document_line l SET released_at = now(), released_by = p_by WHERE l.id = ANY (p_lines)
        AND l.released_at IS NULL;
    PERFORM reverse_adjustments(v_adjustments, format('%s:release', p_by), p_by);
    -- what changed while a report held the work is followed now
    v_free := ARRAY(SELECT h.id FROM document_line l JOIN charge h ON h.id = l.charge_id
                     WHERE l.id = ANY (p_lines) AND NOT h.committed ORDER BY 1);
    DELETE FROM recheck r WHERE r.charge_id = ANY (v_free);
    PERFORM follow_work(v_free), revalue_charges(v_free);
    PERFORM follow_fees(b) FROM contract b
      WHERE b.id IN (SELECT coalesce(c.parent_id, c.id) FROM document_line l
                       JOIN charge h ON h.id = l.charge_id AND NOT h.committed AND h.line_period IS NOT NULL
                       JOIN contract c ON c.id = h.contract_id WHERE l.id = ANY (p_lines));
END $$;
COMMENT ON FUNCTION release_lines(bigint[], bigint) IS
    'set the charges of lines free again, by a document (void, rejected, superseded, or the credit note): exactly '
    'these may then be billed again, where their task is now';
-- ---------------------------------------------------------------------------
-- state: the kinds of documents, the statuses of each and what they mean, and the
-- steps between them
--
-- All of it is rows.  What is asked of a status is a column of document_state, so
-- that a new status is answered for everywhere by its row here and the steps that
-- lead to it; where the status is shown on pages, it has its words in page/table.sql.
-- A step that does something new has a procedure besides: see step.sql.
-- ---------------------------------------------------------------------------

INSERT INTO document_kind AS old (kind, incoming, made_of, answered, asks_payment, account, flow, page) VALUES
    ('proposal', false, 'content', true, false, NULL, NULL, 'specification'),
    ('specification', false, 'content', true, false, NULL, NULL, NULL),
    ('report', false, 'work', true, false, NULL, NULL, NULL),
    ('proforma', false, 'content', true, true, NULL, NULL, 'invoice'),
    ('invoice', false, 'work', false, true, 'receivable', 'in', NULL),
    ('act', NULL, 'document', true, false, NULL, NULL, NULL),
    ('credit_note', false, 'document', false, false, 'receivable', NULL, 'invoice'),
    ('bill', true, 'content', false, false, 'payable', 'out', NULL),
    ('contract', NULL, 'content', false, false, NULL, NULL, NULL),
    ('annex', NULL, 'content', false, false, NULL, NULL, NULL),
    ('other', NULL, 'content', false, false, NULL, NULL, NULL)
ON CONFLICT ON CONSTRAINT document_kind_pkey DO UPDATE
   SET incoming = excluded.incoming, made_of = excluded.made_of, answered = excluded.answered,
       asks_payment = excluded.asks_payment, account = excluded.account, flow = excluded.flow, page = excluded.page;

-- The words are those of document_state.means.
INSERT INTO document_state AS old (kind, status, means, shown_as, report_status, way_out)
SELECT k.kind, v.status, v.means::text[], v.shown_as, v.report_status, v.way_out
  FROM (VALUES
    ('{report,proposal,specification,proforma,invoice,act,credit_note,bill,contract,annex,other}',
     'draft', '{draft}', 'mark', NULL, NULL),
    -- with the other side
    ('{report}', 'sent', '{holds}', NULL, NULL, NULL),
    ('{proposal,specification,proforma,act,bill,contract,annex,other}', 'sent', '{}', NULL, NULL, NULL),
    ('{invoice}', 'sent', '{binding,posted,derived}', NULL, 'invoiced', NULL),
    ('{credit_note}', 'sent', '{binding,posted}', NULL, NULL, NULL),
    -- agreed, invoiced, paid
    ('{proposal,specification,proforma,act,contract,annex,other}', 'agreed', '{binding}', 'status', NULL, NULL),
    ('{report}', 'agreed', '{binding,derived}', 'status', NULL, NULL),
    ('{report}', 'invoiced', '{binding,derived}', NULL, NULL,
     'A report is invoiced by issue_invoice(), never by hand.'),
    ('{report}', 'partly_paid', '{binding,derived}', 'status', NULL,
     'A report is paid when its invoice is, never by hand.'),
    ('{report}', 'paid', '{binding,settled,derived}', 'status', NULL,
     'A report is paid when its invoice is, never by hand.'),
    ('{report}', 'credited', '{settled,derived}', 'status', NULL,
     'A report is credited when its invoice is, by credit().'),
    ('{bill}', 'agreed', '{binding,posted,derived}', 'status', NULL, NULL),
    ('{bill}', 'partly_paid', '{binding,posted,derived}', 'status', NULL, 'Payments pay it: allocate_payment().'),
    ('{bill}', 'paid', '{binding,posted,settled,derived}', 'status', NULL, 'Payments pay it: allocate_payment().'),
    ('{invoice}', 'partly_paid', '{binding,posted,derived}', 'status', 'partly_paid',
     'Payments pay it: allocate_payment().'),
    ('{invoice}', 'paid', '{binding,posted,settled,derived}', 'status', 'paid',
     'Payments pay it: allocate_payment().'),
    ('{invoice}', 'credited', '{posted,settled,derived}', 'status', NULL, 'credit() makes a credit note.'),
    -- put away: paid, or answered by yes or no
    ('{invoice}', 'archived', '{binding,posted,settled}', NULL, 'paid', NULL),
    ('{credit_note}', 'archived', '{binding,posted,settled}', NULL, NULL, NULL),
    ('{report,bill}', 'archived', '{filed,settled}', NULL, NULL, NULL),
    ('{proposal,specification,proforma,act,contract,annex,other}', 'archived', '{filed}', NULL, NULL, NULL),
    -- come to nothing
    ('{report,proposal,specification,proforma,act,bill,contract,annex,other}',
     'rejected', '{ended}', 'mark', NULL, NULL),
    ('{report,proposal,specification,proforma}',
     'superseded', '{ended,withdrawn}', 'mark', NULL, 'revise() makes the next revision.'),
    ('{report}', 'void', '{ended,withdrawn}', 'mark', NULL, 'Void or credit its invoice first.'),
    ('{invoice}', 'void', '{ended,withdrawn}', 'mark', NULL,
     'Take its payments back with unallocate() first, or use credit().'),
    ('{proposal,specification,proforma,act,bill,contract,annex,other}',
     'void', '{ended,withdrawn}', 'mark', NULL, NULL)
    ) AS v (kinds, status, means, shown_as, report_status, way_out)
 CROSS JOIN LATERAL unnest(v.kinds::text[]) k (kind)
ON CONFLICT ON CONSTRAINT document_state_pkey DO UPDATE
   SET means = excluded.means, shown_as = excluded.shown_as, report_status = excluded.report_status,
       way_out = excluded.way_out;

CREATE FUNCTION kinds_made_of(p_what text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_agg(k.kind ORDER BY k.kind) FROM document_kind k WHERE k.made_of = p_what;
END;
COMMENT ON FUNCTION kinds_made_of(text) IS 'the kinds of documents that are made of work, content or a document';

CREATE FUNCTION state_of(p_document document) RETURNS document_state
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_state document_state;
BEGIN
    SELECT * INTO v_state FROM document_state s WHERE (s.kind, s.status) = (p_document.kind, p_document.status);
    RETURN v_state;
END $$;
COMMENT ON FUNCTION state_of(document) IS 'what the status of a document means';

-- What is put away has its answer from before.
CREATE FUNCTION was_binding(p_document bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE COST 1 SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM document d
                     JOIN document_status_change c ON c.document_id = d.id
                     JOIN document_state s ON s.kind = d.kind AND s.status = c.to_status AND s.binding
                    WHERE d.id = p_document);
END $$;
COMMENT ON FUNCTION was_binding(bigint) IS
    'was a document ever agreed, accepted or issued? Asked where its status (filed) does not say, which is seldom: so '
    'its cost is that of not being called';

CREATE VIEW document_transition WITH (security_invoker) AS
    SELECT k.kind, v.from_status, v.to_status, v.by_hand, v.does, v.follows
      FROM (VALUES
        -- drafts go out, or go
        ('{report}', 'draft', 'sent', true, 'send_report', NULL),
        ('{invoice}', 'draft', 'sent', true, 'send_invoice', 'settle_issued'),
        ('{proforma}', 'draft', 'sent', true, 'send_proforma', NULL),
        ('{credit_note}', 'draft', 'sent', true, 'send_credit_note', NULL),
        ('{specification,act,bill}', 'draft', 'sent', true, 'send_lines', NULL),
        ('{proposal,contract,annex,other}', 'draft', 'sent', true, 'send_paper', NULL),
        ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'draft', 'void', true, NULL,
         'release'),
        ('{invoice}', 'draft', 'void', true, NULL, 'release_invoice'),
        -- what the client answers, or we do to a bill
        ('{report}', 'sent', 'agreed', true, 'agree_report', NULL),
        ('{bill}', 'sent', 'agreed', true, 'accept_bill', NULL),
        ('{specification}', 'sent', 'agreed', true, NULL, 'sell_agreed'),
        ('{proposal,act,contract,annex,other,proforma}', 'sent', 'agreed', true, NULL, NULL),
        ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'sent', 'rejected', true, NULL,
         'release'),
        ('{report,proposal,specification,proforma}', 'sent', 'superseded', false, NULL, 'release'),
        ('{report,proposal,specification,proforma}', 'rejected', 'superseded', false, NULL, 'release'),
        ('{specification}', 'agreed', 'superseded', false, NULL, 'unsell_agreed'),
        ('{proposal,proforma}', 'agreed', 'superseded', false, NULL, 'release'),
        -- what is taken back
        ('{report,proposal,specification,act,contract,annex,other,proforma}', 'sent', 'void', true, NULL, 'release'),
        ('{specification}', 'agreed', 'void', true, NULL, 'unsell_agreed'),
        ('{report,proposal,act,contract,annex,other,proforma}', 'agreed', 'void', true, NULL, 'release'),
        ('{bill}', 'sent', 'void', true, NULL, 'release'),
        ('{bill}', 'agreed', 'void', true, 'take_back', 'release'),
        ('{invoice}', 'sent', 'void', true, 'take_back', 'release_invoice'),
        -- what payments and credits make of invoices and bills
        ('{invoice}', 'sent', 'partly_paid', false, NULL, 'carry_report'),
        ('{invoice}', 'sent', 'paid', false, NULL, 'carry_report'),
        ('{invoice}', 'partly_paid', 'sent', false, NULL, 'carry_report'),
        ('{invoice}', 'partly_paid', 'paid', false, NULL, 'carry_report'),
        ('{invoice}', 'paid', 'sent', false, NULL, 'carry_report'),
        ('{invoice}', 'paid', 'partly_paid', false, NULL, 'carry_report'),
        ('{invoice}', 'archived', 'sent', false, NULL, 'carry_report'),
        ('{invoice}', 'archived', 'partly_paid', false, NULL, 'carry_report'),
        ('{invoice}', 'sent', 'credited', false, NULL, 'carry_report'),
        ('{invoice}', 'partly_paid', 'credited', false, NULL, 'carry_report'),
        ('{invoice}', 'paid', 'credited', false, NULL, 'carry_report'),
        ('{invoice}', 'archived', 'credited', false, NULL, 'carry_report'),
        ('{bill}', 'agreed', 'partly_paid', false, NULL, NULL),
        ('{bill}', 'agreed', 'paid', false, NULL, NULL),
        ('{bill}', 'partly_paid', 'agreed', false, NULL, NULL),
        ('{bill}', 'paid', 'agreed', false, NULL, NULL),
        ('{bill}', 'archived', 'agreed', false, NULL, NULL),
        -- what its invoice makes of a report
        ('{report}', 'agreed', 'invoiced', false, NULL, NULL),
        ('{report}', 'invoiced', 'agreed', false, NULL, NULL),
        ('{report}', 'invoiced', 'partly_paid', false, NULL, NULL),
        ('{report}', 'invoiced', 'paid', false, NULL, NULL),
        ('{report}', 'partly_paid', 'invoiced', false, NULL, NULL),
        ('{report}', 'paid', 'invoiced', false, NULL, NULL),
        ('{report}', 'archived', 'invoiced', false, NULL, NULL),
        ('{report}', 'invoiced', 'void', false, NULL, 'release'),
        ('{report}', 'partly_paid', 'void', false, NULL, 'release'),
        ('{report}', 'paid', 'void', false, NULL, 'release'),
        ('{report}', 'archived', 'void', false, NULL, 'release'),
        ('{report}', 'invoiced', 'credited', false, NULL, NULL),
        ('{report}', 'partly_paid', 'credited', false, NULL, NULL),
        ('{report}', 'paid', 'credited', false, NULL, NULL),
        ('{report,bill}', 'partly_paid', 'paid', false, NULL, NULL),
        ('{report,bill}', 'paid', 'partly_paid', false, NULL, NULL),
        ('{report,bill}', 'archived', 'partly_paid', false, NULL, NULL),
        -- what is done with
        ('{report,bill}', 'paid', 'archived', true, NULL, NULL),
        ('{report}', 'credited', 'archived', true, NULL, NULL),
        ('{invoice}', 'paid', 'archived', true, NULL, 'carry_report'),
        ('{invoice}', 'credited', 'archived', true, NULL, 'carry_report'),
        ('{credit_note}', 'sent', 'archived', true, NULL, NULL),
        ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'rejected', 'archived', true,
         NULL, NULL),
        ('{proposal,specification,act,contract,annex,other,proforma}', 'agreed', 'archived', true, NULL, NULL)
        ) AS v (kinds, from_status, to_status, by_hand, does, follows)
     CROSS JOIN LATERAL unnest(v.kinds::text[]) k (kind);
COMMENT ON VIEW document_transition IS
    'the steps that documents of a kind can take; those not by_hand follow from another document or from a payment and '
    'are only taken when it is so. does: what the step does before it is taken; follows: what is done after it';
COMMENT ON COLUMN document_transition.does IS
    'what the step does before it is taken, a branch of take_step(); NULL for nothing';
COMMENT ON COLUMN document_transition.follows IS
    'what is done after the step, a branch of follow_step(); NULL for nothing';
SELECT allow('reader', 'select', 'document_transition');

-- What is paid is put away by hand and stays there while it is paid.
CREATE FUNCTION stays_settled(p_document document, p_status text) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM document_state s JOIN document_state n ON n.kind = s.kind AND n.status = p_status
                    WHERE (s.kind, s.status) = (p_document.kind, p_document.status)
                      AND s.settled AND NOT s.derived AND n.settled);
END;
COMMENT ON FUNCTION stays_settled(document, text) IS
    'is a document put away as settled, and would be settled by the status that follows too?';

CREATE FUNCTION has_step(p_document document, p_status text, p_by_hand boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM document_transition t
                    WHERE (t.kind, t.from_status, t.to_status) = (p_document.kind, p_document.status, p_status)
                      AND t.by_hand = p_by_hand);
END $$;
COMMENT ON FUNCTION has_step(document, text, boolean) IS
    'is there a step that takes a document from where it is to a status, by hand or following from something else?';
-- ---------------------------------------------------------------------------
-- step: the steps of a document and what each step does
--
-- A step is taken by changing document.status, and triggers do what belongs to
-- it, so that no caller can take a step and leave its consequence out:
--
--   transition(), settle_document() …    UPDATE document SET status
--     guard_document()          before   allowed_step(): may it be taken?
--       take_step()                      send_report(), accept_bill() …: stamp, hold, freeze, post, number
--     follow_document()         after    document_status_change: the step is kept …
--       tell_steps()                     … and whoever it concerns is told (room notice)
--       follow_step()                    release_document(), carry_report() …: what others make of it
--   payment_allocation → follow_allocations() → settle_document(): payments take the invoice along,
--   carry_report() takes the report along with the invoice; each by the same two triggers
--
-- A new step is a row of document_transition (state.sql); where it does something
-- new, a procedure of a few lines and its branch in take_step() or follow_step().
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_step(p_document document, p_status text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_steps text := (SELECT string_agg(t.to_status, ', ' ORDER BY t.to_status) FROM document_transition t
                      WHERE t.kind = p_document.kind AND t.from_status = p_document.status AND t.by_hand);
BEGIN
    RAISE EXCEPTION '% cannot go from % to %', document_name(p_document.id), p_document.status, p_status
        USING ERRCODE = 'restrict_violation',
            DETAIL = CASE WHEN p_status = ANY (string_to_array(v_steps, ', '))
                THEN 'Payments or credits of it stand in the way.'
                          WHEN v_steps IS NULL THEN format('There is no step by hand from %s.', p_document.status)
                          ELSE format('From %s it can go to: %s.', p_document.status, v_steps) END,
            HINT = coalesce((SELECT s.way_out FROM document_state s
                              WHERE (s.kind, s.status) = (p_document.kind, p_status)),
                            CASE WHEN p_document.kind = 'credit_note' THEN 'Bill what it set free again.' END,
                            'View document_transition lists the steps.');
END $$;
COMMENT ON FUNCTION refuse_step(document, text) IS
    'raise (23001) that a document cannot take a step, with those it can take and the way out';

CREATE FUNCTION allowed_step(p_document document, p_status text, p_reason text) RETURNS document_transition
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_step document_transition;
    v_from document_state := state_of(p_document);
BEGIN
    SELECT * INTO v_step FROM document_transition t
     WHERE t.kind = p_document.kind AND t.from_status = p_document.status AND t.to_status = p_status;
    -- A step that follows from something else is only taken when it does.
    IF NOT FOUND
        OR NOT v_step.by_hand AND (CASE p_status
               WHEN 'superseded' THEN NOT EXISTS (SELECT FROM document n WHERE n.supersedes_id = p_document.id)
               ELSE settled_status(p_document.id) IS DISTINCT FROM p_status END)
        OR p_status = 'void' AND EXISTS (SELECT FROM payment_allocation a WHERE a.document_id = p_document.id)
        OR p_status = 'void' AND p_document.kind = 'invoice'
           AND EXISTS (SELECT FROM document c WHERE c.based_on = p_document.id AND c.kind = 'credit_note'
                       AND c.issued_at IS NOT NULL) THEN
        PERFORM refuse_step(p_document, p_status);
    END IF;
    IF v_step.by_hand AND coalesce(p_reason, '') = '' AND NOT v_from.draft
        AND EXISTS (SELECT FROM document_state s WHERE (s.kind, s.status) = (v_step.kind, p_status) AND s.ended) THEN
        RAISE EXCEPTION '% is not % without a reason', document_name(p_document.id), p_status
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: transition(document, status, reason).';
    END IF;
    RETURN v_step;
END $$;
COMMENT ON FUNCTION allowed_step(document, text, text) IS
    'the step that takes a document to a status; refused when there is none or it is not so (23001), and without a '
    'reason where one is wanted (22023)';

-- ---------------------------------------------------------------------------
-- what steps do: each returns the document as it is to be stored
-- ---------------------------------------------------------------------------

CREATE FUNCTION stamp_document(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_total record;
BEGIN
    SELECT * INTO v_total FROM stamp_lines(p_document.id);
    p_document.net := v_total.net;
    p_document.tax := v_total.tax;
    p_document.gross := v_total.gross;
    p_document.period_from := coalesce(p_document.period_from, v_total.first_day);
    p_document.period_to := coalesce(p_document.period_to, v_total.last_day);
    p_document.issued_on := coalesce(p_document.issued_on, books_today());
    p_document.issued_at := clock_timestamp();
END $$;
COMMENT ON FUNCTION stamp_document(document) IS
    'stamp the figures of a draft on it and its lines: they are its content from now on';

CREATE FUNCTION stamp_lined(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    p_document := stamp_document(p_document);
    IF NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = p_document.id) THEN
        RAISE EXCEPTION '% has no lines', document_name(p_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Build it anew over other work, or discard() it.';
    END IF;
END $$;
COMMENT ON FUNCTION stamp_lined(document) IS
    'stamp a draft that says nothing without lines: refused (23001) when it has none';

CREATE FUNCTION make_due(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    p_document.due_on := coalesce(p_document.due_on, p_document.issued_on
                                  + (SELECT p.payment_terms_days FROM party p WHERE p.id = p_document.party_id));
    IF p_document.gross < 0 THEN
        RAISE EXCEPTION '% would be of % %', document_name(p_document.id), trim_scale(p_document.gross),
            p_document.currency
            USING ERRCODE = 'restrict_violation',
                HINT = 'Corrections outweigh the new work: bill them together with later work, or credit() the '
                       'earlier invoice.';
    END IF;
END $$;
COMMENT ON FUNCTION make_due(document) IS
    'a document that asks for money says until when: by the client''s terms of payment where no day is given; refused '
    '(23001) below zero';

CREATE FUNCTION number_document(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_number record;
BEGIN
    IF NOT p_document.incoming THEN
        SELECT * INTO v_number FROM next_number(p_document.own_id, p_document.kind, p_document.issued_on);
        p_document.series_id := v_number.series_id;
        p_document.series_no := v_number.series_no;
        p_document.number := v_number.number;
        p_document.issued_at := clock_timestamp();  -- under the lock of the series, so in the order of the numbers
    END IF;
END $$;
COMMENT ON FUNCTION number_document(document) IS
    'give a document of ours the next number of its series, which it holds from then on: so this is done last';

CREATE FUNCTION send_report(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM check_work_lines(p_document.id);
    p_document := stamp_lined(p_document);
    PERFORM tell_deal(p_document.id, p_document.deal_id);
    UPDATE charge h SET held_by = p_document.id
      FROM document_line l WHERE l.document_id = p_document.id AND h.id = l.charge_id AND h.frozen_at IS NULL;
    p_document := number_document(p_document);
END $$;
COMMENT ON FUNCTION send_report(document) IS 'a report is sent: it holds its charges until it is answered';

CREATE FUNCTION send_invoice(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM check_work_lines(p_document.id);
    p_document := make_due(stamp_lined(p_document));
    PERFORM tell_deal(p_document.id, p_document.deal_id);
    PERFORM freeze_charges(
        ARRAY(SELECT l.charge_id FROM document_line l WHERE l.document_id = p_document.id AND l.claim ORDER BY 1)
        || adjust_lines(p_document.id), 'document', format('%s:freeze', p_document.id), p_document.id);
    PERFORM post_issued(p_document.id, p_document.issued_on);
    p_document := number_document(p_document);
END $$;
COMMENT ON FUNCTION send_invoice(document) IS
    'an invoice is issued: what it bills without a report is frozen and posted, and the invoice itself';

CREATE FUNCTION send_credit_note(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    p_document := stamp_lined(p_document);
    PERFORM post_issued(p_document.id, p_document.issued_on);
    PERFORM post_exchange(ARRAY[p_document.based_on], p_document.issued_on);
    p_document := number_document(p_document);
END $$;
COMMENT ON FUNCTION send_credit_note(document) IS 'a credit note is issued and posted; credit() did the rest';

CREATE FUNCTION agree_report(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM freeze_charges(
        ARRAY(SELECT l.charge_id FROM document_line l WHERE l.document_id = p_document.id ORDER BY 1)
        || adjust_lines(p_document.id), 'document', format('%s:agree', p_document.id), p_document.id);
END $$;
COMMENT ON FUNCTION agree_report(document) IS
    'a report is agreed: its charges are frozen and posted, with what it takes off them';

CREATE FUNCTION accept_bill(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM post_bill(p_document.id);
END $$;
COMMENT ON FUNCTION accept_bill(document) IS 'a bill is accepted: it costs and is owed from now on';

CREATE FUNCTION take_back(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM reverse_document(p_document.id, posting_day(p_document.issued_on));
END $$;
COMMENT ON FUNCTION take_back(document) IS
    'an invoice or bill is void: what it posted itself is reversed';

CREATE FUNCTION take_step(p_does text, INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_does IS NULL THEN
        RETURN;
    END IF;
    CASE p_does  -- without an ELSE: a word that nothing does is an error
        WHEN 'send_report' THEN p_document := send_report(p_document);
        WHEN 'send_invoice' THEN p_document := send_invoice(p_document);
        WHEN 'send_proforma' THEN p_document := number_document(make_due(stamp_lined(p_document)));
        WHEN 'send_credit_note' THEN p_document := send_credit_note(p_document);
        WHEN 'send_lines' THEN p_document := number_document(stamp_lined(p_document));
        WHEN 'send_paper' THEN p_document := number_document(stamp_document(p_document));
        WHEN 'agree_report' THEN p_document := agree_report(p_document);
        WHEN 'accept_bill' THEN p_document := accept_bill(p_document);
        WHEN 'take_back' THEN p_document := take_back(p_document);
    END CASE;
END $$;
COMMENT ON FUNCTION take_step(text, document) IS
    'do what a step does before it is taken (document_transition.does); returns the document as it is to be stored';

-- ---------------------------------------------------------------------------
-- what follows from steps
-- ---------------------------------------------------------------------------

CREATE FUNCTION release_document(p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM release_lines(ARRAY(SELECT l.id FROM document_line l
                                 WHERE l.document_id = p_document.id AND l.released_at IS NULL ORDER BY 1),
                                     p_document.id);
END $$;
COMMENT ON FUNCTION release_document(document) IS
    'set free whatever a document that came to nothing kept';

CREATE FUNCTION carry_report(p_invoice document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_status text := settled_status(p_invoice.based_on);
BEGIN
    UPDATE document d SET status = v_status, status_said_by = NULL,
           status_reason = format('%s: %s', document_name(p_invoice.id), p_invoice.status)
     WHERE d.id = p_invoice.based_on AND d.kind = 'report' AND d.status <> v_status
       AND NOT stays_settled(d, v_status);
END $$;
COMMENT ON FUNCTION carry_report(document) IS 'take the report along that an invoice is made of';

CREATE FUNCTION follow_step(p_follows text, p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_follows IS NULL THEN
        RETURN;
    END IF;
    CASE p_follows
        WHEN 'release' THEN PERFORM release_document(p_document);
        WHEN 'release_invoice' THEN PERFORM release_document(p_document), carry_report(p_document);
        WHEN 'carry_report' THEN PERFORM carry_report(p_document);
        WHEN 'settle_issued' THEN PERFORM carry_report(p_document), settle_document(p_document.id, 'issued');
        WHEN 'sell_agreed' THEN PERFORM sell_agreed(p_document);
        WHEN 'unsell_agreed' THEN PERFORM release_document(p_document), unsell_agreed(p_document);
    END CASE;
END $$;
COMMENT ON FUNCTION follow_step(text, document) IS
    'do what follows from a step that was taken (document_transition.follows)';
-- ---------------------------------------------------------------------------
-- guard: what a document keeps to, and that every step does what belongs to it
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_reissue(p_document document, p_what text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION '% is issued: its % cannot be %', document_name(p_document.id), split_part(p_what, ' ', 1),
        substr(p_what, strpos(p_what, ' ') + 1)
        USING ERRCODE = 'restrict_violation',
            HINT = CASE WHEN p_document.kind <> 'invoice'
                THEN 'Take it back with void(), or make its next revision with revise().'
                        WHEN p_what LIKE 'lines %' THEN 'Take lines back with credit(), or all of it with void().'
                        ELSE 'Take it back with credit() or void() and issue another one.' END;
END $$;
COMMENT ON FUNCTION refuse_reissue(document, text) IS
    'raise (23001) that something of an issued document cannot be done: "lines added to", "note changed"';

CREATE FUNCTION check_amounts(p_document document) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM refuse_inexact('document', 'document_amounts_exact', p_document.currency, a.name, a.amount)
       FROM (VALUES ('discount_amount', p_document.discount_amount), ('net', p_document.net), ('tax', p_document.tax),
                    ('gross', p_document.gross)) a (name, amount)
      WHERE a.amount <> round_money(a.amount, currency_exponent(p_document.currency));
END $$;
COMMENT ON FUNCTION check_amounts(document) IS 'refuse (23514) a document with an amount that its currency cannot hold';

CREATE FUNCTION check_kind(p_document document) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_document.incoming <> (SELECT k.incoming FROM document_kind k WHERE k.kind = p_document.kind) THEN
        RAISE EXCEPTION 'a document of kind "%" does not %', p_document.kind, CASE WHEN p_document.incoming
            THEN 'come in from outside' ELSE 'go out' END
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_goes_its_way', TABLE = 'document',
                HINT = format('These do: %s.', (
                    SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM document_kind k
                     WHERE k.incoming IS NULL OR k.incoming = p_document.incoming));
    END IF;
END $$;
COMMENT ON FUNCTION check_kind(document) IS
    'refuse (23514) a document that comes in where its kind goes out, or the other way';

-- The one BEFORE trigger of document but for who may write which column.  In
-- this order: who it is of is held; what is issued stays; the step is allowed
-- and taken; and what came of it is looked at last, as it is stored.
CREATE FUNCTION guard_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    c_open CONSTANT text[] := '{status,status_reason,status_by,status_said_by,sign_status,sign_at,sign_by,sign_ref,'
                              'signature,'
        'signature_type,file_url,note,deal_id,source,external_id}';
    v_before document;
    v_column text;
BEGIN
    PERFORM lock_parties(ARRAY[OLD.party_id, NEW.party_id]);
    IF TG_OP = 'DELETE' THEN
        IF NOT (state_of(OLD)).draft THEN
            RAISE EXCEPTION '% was issued and cannot be deleted', document_name(OLD.id)
                USING ERRCODE = 'restrict_violation', HINT = 'void() keeps it with its number and sets its work free.';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF (state_of(NEW)).draft IS NOT TRUE THEN
            RAISE EXCEPTION 'a document begins as a draft, not as %', NEW.status
                USING ERRCODE = 'restrict_violation', HINT = 'Insert a draft and take it on with transition().';
        END IF;
        SELECT * INTO v_before FROM document d WHERE d.id = NEW.supersedes_id;  -- a revision may keep its discount
    ELSE
        v_before := OLD;
        IF NOT (state_of(OLD)).draft AND to_jsonb(OLD) - c_open <> to_jsonb(NEW) - c_open THEN
            SELECT n.key INTO v_column FROM jsonb_each(to_jsonb(NEW) - c_open) n JOIN jsonb_each(to_jsonb(OLD)) o
                USING (key)
             WHERE n.value <> o.value ORDER BY n.key LIMIT 1;
            PERFORM refuse_reissue(OLD, v_column || ' changed');
        END IF;
    END IF;
    PERFORM check_document_discount(v_before, NEW);
    IF TG_OP = 'UPDATE' AND NEW.status IS DISTINCT FROM OLD.status THEN
        NEW.status_by := actor();
        NEW := take_step((allowed_step(OLD, NEW.status, NEW.status_reason)).does, NEW);
    END IF;
    PERFORM check_amounts(NEW), check_kind(NEW);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_document() IS
    'trigger function of document: issued ones keep their content (23001), steps are those of document_transition, and '
    'each does what belongs to it; amounts are whole units of the currency, discounts a manager''s to give. SECURITY '
    'DEFINER because nobody is granted what a step writes';

CREATE FUNCTION follow_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.status <> OLD.status THEN
            INSERT INTO document_status_change (document_id, from_status, to_status, said_by, reason)
            VALUES (NEW.id, OLD.status, NEW.status, NEW.status_said_by, NEW.status_reason);
            PERFORM follow_step(t.follows, NEW)
               FROM document_transition t
              WHERE (t.kind, t.from_status, t.to_status) = (NEW.kind, OLD.status, NEW.status) AND t.follows IS NOT NULL;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO document_status_change (document_id, to_status) VALUES (NEW.id, NEW.status);
    ELSE
        INSERT INTO document_status_change (document_id, from_status) VALUES (OLD.id, OLD.status);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_document() IS
    'trigger function of document: keeps every step, and does what follows from it; SECURITY DEFINER because nobody is '
    'granted what follows';

CREATE FUNCTION keeps_line(p_old jsonb, p_new jsonb) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_open CONSTANT text[] := '{released_at,released_by,credited_by,adjustment_id,contract_line_id}';
    c_left CONSTANT text[] := '{charge_id,client_id,project_id,task_id,starts_on,ends_on}';
BEGIN
    RETURN (p_old - c_open = p_new - c_open
            OR p_old ->> 'released_at' IS NOT NULL AND p_new ->> 'charge_id' IS NULL
               AND p_old - c_open - c_left = p_new - c_open - c_left)
       AND (p_old ->> 'adjustment_id' IS NULL OR p_new -> 'adjustment_id' = p_old -> 'adjustment_id')
       AND (p_old ->> 'contract_line_id' IS NULL OR p_new -> 'contract_line_id' = p_old -> 'contract_line_id')
       AND (p_old -> 'credited_by' = p_new -> 'credited_by'
            OR p_old ->> 'credited_by' IS NULL
               AND EXISTS (SELECT FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id
                            WHERE n.document_id = (p_new ->> 'credited_by')::bigint
                              AND (r.charge_id = (p_new ->> 'charge_id')::bigint
                                   OR r.id = (p_new ->> 'reverses_line_id')::bigint)))
       AND (p_old -> 'released_at' = p_new -> 'released_at'
            OR p_old ->> 'released_at' IS NULL
               AND (EXISTS (SELECT FROM document d JOIN document_state s USING (kind, status)
                             WHERE d.id = (p_new ->> 'document_id')::bigint AND s.ended)
                    OR EXISTS (SELECT FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id
                                WHERE n.document_id = (p_new ->> 'released_by')::bigint
                                  AND (r.charge_id = (p_new ->> 'charge_id')::bigint
                                       OR r.id = (p_new ->> 'reverses_line_id')::bigint))));
END $$;
COMMENT ON FUNCTION keeps_line(jsonb, jsonb) IS
    'does a line of an issued document, as it was and as it is to be, stay what it is? It may get its adjustment and '
    'its stage, once, and be released or credited whole, once: by the end of its document, or by the credit of it';

-- Released work may go, or be rated into other charges; the paper keeps what it said of it.
CREATE FUNCTION leave_lines() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM document_line l WHERE l.charge_id = OLD.id AND l.released_at IS NOT NULL) THEN
        UPDATE document_line l SET charge_id = NULL, client_id = OLD.client_id, project_id = OLD.project_id,
               task_id = OLD.task_id, starts_on = OLD.service_date, ends_on = OLD.service_date
         WHERE l.charge_id = OLD.id AND l.released_at IS NOT NULL;
    END IF;
    RETURN OLD;
END $$;
COMMENT ON FUNCTION leave_lines() IS
    'trigger function of charge: lines of issued documents that released a charge stay without it when it is deleted; '
    'those of drafts go with it. SECURITY DEFINER because row policies must not hide lines';

-- Once a statement: drafts, which is what lines are mostly written of, cost one look-up.
CREATE FUNCTION check_document_lines() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_documents bigint[];
    v_issued bigint[];
    v_document bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_documents := ARRAY(SELECT DISTINCT n.document_id FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        v_documents := ARRAY(SELECT DISTINCT o.document_id FROM old_rows o);
    ELSE
        v_documents := ARRAY(SELECT o.document_id FROM old_rows o UNION SELECT n.document_id FROM new_rows n);
    END IF;
    v_issued := ARRAY(SELECT d.id FROM document d JOIN document_state s USING (kind, status)
                       WHERE d.id = ANY (v_documents) AND NOT s.draft ORDER BY 1);
    IF v_issued <> '{}' THEN
        IF TG_OP = 'UPDATE' THEN
            SELECT CASE WHEN o.document_id = ANY (v_issued) THEN o.document_id ELSE n.document_id END INTO v_document
              FROM old_rows o LEFT JOIN new_rows n USING (id)
             WHERE (o.document_id = ANY (v_issued) OR n.document_id = ANY (v_issued))
               AND keeps_line(to_jsonb(o), to_jsonb(n)) IS NOT true
             ORDER BY 1 LIMIT 1;
        ELSE
            v_document := v_issued[1];
        END IF;
        PERFORM refuse_reissue(document_of(v_document), CASE TG_OP WHEN 'INSERT' THEN 'lines added to'
                                                                   WHEN 'DELETE' THEN 'lines deleted'
                                                                   ELSE 'lines changed' END)
          WHERE v_document IS NOT NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM refuse_inexact('document_line', 'document_line_exact', l.currency, a.name, a.amount)
           FROM new_rows l
           JOIN currency_code c ON c.code = l.currency
          CROSS JOIN LATERAL (VALUES (1, 'amount', l.amount), (2, 'discount', l.discount), (3, 'net', l.net),
                                     (4, 'tax', l.tax), (5, 'gross', l.gross)) a (no, name, amount)
          WHERE a.amount <> round_money(a.amount, c.exponent)
          ORDER BY l.id, a.no LIMIT 1;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_document_lines() IS
    'trigger function of document_line: lines of what is issued stay as they are (23001), but for their release; '
    'amounts are whole units of the currency (23514). SECURITY DEFINER because row policies must not hide documents';
-- ---------------------------------------------------------------------------
-- transition: steps by hand
-- ---------------------------------------------------------------------------

CREATE FUNCTION transition(document bigint, status text, reason text DEFAULT NULL, by text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(transition.document);
BEGIN
    IF v_document.status = transition.status THEN
        RETURN v_document.status;
    END IF;
    UPDATE document d SET status = transition.status, status_reason = transition.reason,
           status_said_by = nullif(transition.by, '')
     WHERE d.id = v_document.id;
    RETURN transition.status;
END $$;
COMMENT ON FUNCTION transition(bigint, text, text, text) IS
    'take a document to another status and do all that belongs to the step; the same step again changes nothing. '
    'rejected and void want a reason. by: on whose behalf, kept as said_by beside who really did it. Refused (23001) '
    'with the steps that are open when this one is not';
SELECT allow('clerk', 'execute', 'transition');

CREATE FUNCTION void(document bigint, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
BEGIN
    IF coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'a document is not void without a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: void(document, reason).';
    END IF;
    PERFORM transition(document, 'void', reason);
END $$;
COMMENT ON FUNCTION void(bigint, text) IS
    'take a document back: its number stays, the charges it held are free again, what it posted of tax is reversed; '
    'refused (23001) once it is paid, in part or whole, or credited';
SELECT allow('clerk', 'execute', 'void');

CREATE FUNCTION discard(document bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document := open_document(discard.document);
BEGIN
    DELETE FROM document d WHERE d.id = v_document.id;
END $$;
COMMENT ON FUNCTION discard(bigint) IS
    'delete a draft and set its charges free; what was issued is refused (23001): void() it';
SELECT allow('clerk', 'execute', 'discard');
-- ---------------------------------------------------------------------------
-- document: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('clerk', 'select', 'number_series'), allow('admin', 'insert,update', 'number_series', but => '{next_no}'),
       allow('admin', 'delete', 'number_series');
SELECT watch('number_series', 'ignore:next_no');
SELECT allow('reader', 'select', 'document_kind'), allow('reader', 'select', 'document_state');
SELECT allow('reader', 'select', 'document'),
       allow('clerk', 'update', 'document',
             columns => '{title,note,issued_on,due_on,outside_number,file_url,requirements}'),
       allow('manager', 'update', 'document', columns => '{discount_pct,discount_amount}');
SELECT watch('document', 'digest:signature');
SELECT allow('reader', 'select', 'document_line');

-- lines of work follow their charges; the others are what somebody wrote
SELECT watch('document_line', 'unless:charge_id');
SELECT allow('reader', 'select', 'document_status_change');
-- ---------------------------------------------------------------------------
-- concession: what managers give away, and how much each may
--
-- A level says who may lower what a client pays; a limit says how far.  Limits
-- are of people, by the name that actor() gives them or of their role or login:
-- of several rows the strictest binds, the row "*" where none names them.
-- Controllers have no limits.
-- ---------------------------------------------------------------------------

CREATE FUNCTION limit_rows(p_role name) RETURNS SETOF manager_limit
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
BEGIN ATOMIC
    SELECT m.* FROM manager_limit m
     WHERE level_rank(p_role) < (SELECT l.rank FROM access_level l WHERE l.level = 'controller')
       AND (m.actor IN (actor(), p_role, session_user)
            OR m.actor = '*' AND NOT EXISTS (SELECT FROM manager_limit o
                                              WHERE o.actor IN (actor(), p_role, session_user)));
END;
COMMENT ON FUNCTION limit_rows(name) IS
    'the limits that bind a role now; none for controllers. SECURITY DEFINER because triggers of who may not read '
    'limits ask';

CREATE FUNCTION check_discount(p_pct numeric, p_what text, p_role name DEFAULT current_user) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_limit manager_limit;
BEGIN
    SELECT * INTO v_limit FROM limit_rows(p_role) m ORDER BY m.discount_pct LIMIT 1;
    IF p_pct > v_limit.discount_pct THEN
        RAISE EXCEPTION '% of % %% is above the limit of %', p_what, trim_scale(round(p_pct, 4)),
            replace(v_limit.actor, '*', actor())
            USING ERRCODE = 'insufficient_privilege', DETAIL = format('It is %s %%.', trim_scale(v_limit.discount_pct)),
                HINT = 'Ask a controller, who may do it or raise the limit (table manager_limit).';
    END IF;
END $$;
COMMENT ON FUNCTION check_discount(numeric, text, name) IS
    'refuse (42501) a discount in percent points above the limit of whoever gives it';

CREATE FUNCTION refuse_limited(p_what text, p_role name DEFAULT current_user) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_limit numeric := (SELECT min(m.discount_pct) FROM limit_rows(p_role) m);
BEGIN
    IF v_limit < 100 THEN
        RAISE EXCEPTION '% is not for %, who has a limit', p_what, actor()
            USING ERRCODE = 'insufficient_privilege', DETAIL = format('Discounts of up to %s %%.', trim_scale(v_limit)),
                HINT = 'Give a discount in per cent, or ask a controller (table manager_limit).';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_limited(text, name) IS
    'refuse (42501) to who has a limit of discount what could go past it unseen';

CREATE FUNCTION concede(p_kind text, p_base_amount numeric, p_charge bigint, p_document bigint, p_reason text)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_month date := month(books_today());
    v_limit record;
    v_sum numeric;
BEGIN
    IF coalesce(p_base_amount, 0) <= 0 THEN
        RETURN;
    END IF;
    INSERT INTO concession (kind, base_amount, charge_id, document_id, reason)
        VALUES (p_kind, p_base_amount, p_charge, p_document, p_reason);
    FOR v_limit IN
        SELECT k.name, min(m.month_amount) AS amount
          FROM (SELECT DISTINCT x.name FROM unnest(ARRAY[actor(), calling_role()::text, session_user::text]) x (name)) k
          LEFT JOIN limit_rows(calling_role()) m ON m.actor = k.name OR m.actor = '*' AND k.name = actor()
         GROUP BY k.name ORDER BY k.name
    LOOP
        INSERT INTO concession_month AS c (actor, month, base_amount) VALUES (v_limit.name, v_month, p_base_amount)
        ON CONFLICT (actor, month) DO UPDATE SET base_amount = c.base_amount + excluded.base_amount
        RETURNING c.base_amount INTO v_sum;
        IF v_sum > v_limit.amount THEN
            RAISE EXCEPTION 'giving % away is above the limit of %', trim_scale(p_base_amount), v_limit.name
                USING ERRCODE = 'insufficient_privilege',
                    DETAIL = format('With it %s of %s %s would be given away in the month.', trim_scale(v_sum),
                                    trim_scale(v_limit.amount),
                                    (SELECT s.base_currency FROM setting s)),
                    HINT = 'Ask a controller, who may do it or raise the limit (table manager_limit).';
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION concede(text, numeric, bigint, bigint, text) IS
    'keep what somebody gives away, in the base currency, and refuse (42501) what is above the month''s limit of the '
    'person, role or login; nothing for amounts not above 0';
-- ---------------------------------------------------------------------------
-- price: cuts of prices and discounts, measured by what they replace
-- ---------------------------------------------------------------------------

-- Prices and discounts that managers set.
--
-- A position is searched by employee, role and kind of work, the most specific
-- first, so it takes over from those that are as specific or less, of whatever
-- it answers for and on every day until its own key goes on.
CREATE FUNCTION price_before(p_new price) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH position AS (
        SELECT p.work_type_id, p.role, p.employee_id, p.valid_from, p.price,
               4 * (p.employee_id IS NOT NULL)::int + 2 * (p.role IS NOT NULL)::int
                   + (p.work_type_id IS NOT NULL)::int AS specific,
               (p.work_type_id, p.role, p.employee_id)
               IS NOT DISTINCT FROM (p_new.work_type_id, p_new.role, p_new.employee_id) AS own
          FROM price p
         WHERE p.price_list_id = p_new.price_list_id AND p.item_id IS NOT DISTINCT FROM p_new.item_id
           AND p.id <> p_new.id
    ), question AS (
        SELECT p_new.work_type_id, coalesce(p_new.role, m.role) AS role, p_new.employee_id
          FROM (VALUES (1)) one
          LEFT JOIN employee m ON m.id = p_new.employee_id
        UNION
        SELECT coalesce(p_new.work_type_id, p.work_type_id), coalesce(p_new.role, m.role, p.role), p_new.employee_id
          FROM position p LEFT JOIN employee m ON m.id = p_new.employee_id
         WHERE p.employee_id IS NULL OR p.employee_id = p_new.employee_id
    ), day AS (
        SELECT p_new.valid_from AS day
        UNION
        SELECT p.valid_from FROM position p
         WHERE p.valid_from > p_new.valid_from
           AND p.valid_from < (SELECT coalesce(min(o.valid_from), 'infinity') FROM position o
                                WHERE o.own AND o.valid_from > p_new.valid_from)
    )
    SELECT max(b.price)
      FROM question q CROSS JOIN day d
     CROSS JOIN LATERAL (
        SELECT k.price, k.specific
          FROM (SELECT DISTINCT ON (p.work_type_id, p.role, p.employee_id) p.price, p.specific
                  FROM position p
                 WHERE coalesce(p.work_type_id = q.work_type_id, p.work_type_id IS NULL)
                   AND coalesce(p.role = q.role, p.role IS NULL)
                   AND coalesce(p.employee_id = q.employee_id, p.employee_id IS NULL) AND p.valid_from <= d.day
                 ORDER BY p.work_type_id, p.role, p.employee_id, p.valid_from DESC) k
         WHERE k.price IS NOT NULL ORDER BY k.specific DESC LIMIT 1) b
     WHERE b.specific <= 4 * (p_new.employee_id IS NOT NULL)::int + 2 * (p_new.role IS NOT NULL)::int
                         + (p_new.work_type_id IS NOT NULL)::int;
END;
COMMENT ON FUNCTION price_before(price) IS
    'the greatest price of its list that a position takes over from, NULL for none: of the same key before, or less '
    'specific, on any day that it holds';

CREATE FUNCTION check_concession() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.discount_pct IS DISTINCT FROM OLD.discount_pct THEN
        PERFORM check_discount(NEW.discount_pct, 'a discount');
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_concession() IS
    'trigger function of contract, price_list and price: discounts stay within the limit of whoever gives them (42501)';

CREATE FUNCTION check_price_cut() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_before numeric;
BEGIN
    IF NOT EXISTS (SELECT FROM limit_rows(current_user) m WHERE m.discount_pct < 100) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    -- what would hold in the place of a position that goes cannot be told in per cent
    IF TG_OP = 'DELETE' THEN
        PERFORM refuse_limited('a position that goes, moves or has tiers');
        RETURN OLD;
    ELSIF TG_OP = 'INSERT' THEN
        v_before := price_before(NEW);
        PERFORM refuse_limited('a position that goes, moves or has tiers')
            WHERE NEW.tiers IS NOT NULL OR NEW.price IS NULL AND v_before IS NOT NULL;
    ELSE
        v_before := coalesce(OLD.price, price_before(NEW));
        PERFORM refuse_limited('a position that goes, moves or has tiers')
          WHERE to_jsonb(NEW) - '{price,cost,discount_pct}'::text[] <> to_jsonb(OLD)
              - '{price,cost,discount_pct}'::text[]
             OR OLD.price IS NOT NULL AND NEW.price IS NULL;
    END IF;
    PERFORM check_discount(100 - 100 * NEW.price / v_before, 'a price cut') WHERE v_before > 0;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_price_cut() IS
    'trigger function of price: price cuts stay within the limit of whoever makes them, who leaves the key and the '
    'tiers of positions alone (42501)';
-- ---------------------------------------------------------------------------
-- work: prices and dispositions set by hand, discounts of documents
-- ---------------------------------------------------------------------------

-- What an entry costs by its own word is a price that no list bounds.
CREATE FUNCTION check_override() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM require_level('manager', 'say what an entry is billed at');
    PERFORM refuse_limited('an own price, disposition or length of a time entry');
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_override() IS
    'trigger function of time_entry: who has a limit of discount cannot set or clear an entry''s own price, '
    'disposition or billed length (42501)';

-- Nor what becomes of all work of a task or project.
CREATE FUNCTION check_disposition() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM refuse_limited('work that is not billed');
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_disposition() IS
    'trigger function of task and project: who has a limit of discount cannot say that their work is not billed, nor '
    'unsay that it is (42501)';

-- A discount is a manager's to give, through whatever function it comes; a
-- revision may keep what the one before gave.
CREATE FUNCTION check_document_discount(p_before document, p_document document) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF (p_document.discount_pct, p_document.discount_amount)
        IS DISTINCT FROM (p_before.discount_pct, p_before.discount_amount)
        AND num_nonnulls(p_document.discount_pct, p_document.discount_amount) > 0 THEN
        PERFORM require_level('manager', 'give a discount', calling_role());
        IF p_document.discount_amount IS NOT NULL THEN
            PERFORM refuse_limited('a discount in money', calling_role());
        END IF;
        PERFORM check_discount(p_document.discount_pct, 'a discount', calling_role());
    END IF;
END $$;
COMMENT ON FUNCTION check_document_discount(document, document) IS
    'refuse (42501) a discount that was not on the document before, or on the one it revises: discounts are given by '
    'managers, within their limit; who has one gives them in per cent';
-- ---------------------------------------------------------------------------
-- concession: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT watch('manager_limit');
SELECT allow('manager', 'select', 'manager_limit'), allow('controller', 'insert,update,delete', 'manager_limit');
SELECT allow('manager', 'select', 'concession');
SELECT allow('manager', 'select', 'concession_month');
-- ---------------------------------------------------------------------------
-- context: what an entry is about, and which contract takes it
-- ---------------------------------------------------------------------------

CREATE FUNCTION specification_agreed(task_id bigint) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM document d JOIN document_state s USING (kind, status)
                    WHERE d.task_id = specification_agreed.task_id AND d.kind = 'specification'
                      AND coalesce(s.binding, was_binding(d.id)));
END;
COMMENT ON FUNCTION specification_agreed(bigint) IS 'has the client agreed a specification of this task?';

-- Which contract takes an entry: the one it names, else the one its task
-- names, else the client's contract in force on the work date, one for the
-- project before one for the whole client.  Companions come with their base,
-- also when they are named.
CREATE FUNCTION entry_context(p_entries bigint[])
    RETURNS TABLE (entry_id bigint, employee_id bigint, role text, employee_name text, task_id bigint,
                   work_type_id bigint,
                   project_id bigint, client_id bigint, deal_id bigint, direction_id bigint, disposition text,
                       disposition_why jsonb,
                   price_list_id bigint, work_date date, instant timestamptz, contracts bigint[],
                       client_contracts bigint,
                   approved_at timestamptz, overridden boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.id, e.employee_id, m.role, m.name, t.id, coalesce(e.work_type_id, t.work_type_id), p.id, p.client_id,
        t.deal_id,
           coalesce(p.direction_id, m.direction_id),
           CASE WHEN f.fixed AND e.billable IS NULL
               AND coalesce(t.billable, f.internal, w.billable, p.billable, 'billable') = 'billable' THEN 'included'
                ELSE coalesce(e.billable, t.billable, f.internal, w.billable, p.billable, 'billable') END,
           CASE WHEN e.billable IS NOT NULL
                THEN jsonb_strip_nulls(jsonb_build_object('disposition', '{"by": "entry"}'::jsonb, 'note',
                                                          e.override_reason))
                WHEN f.fixed AND coalesce(t.billable, f.internal, w.billable, p.billable, 'billable') = 'billable'
                THEN '{"disposition": {"by": "task_price"}}'
                WHEN t.billable IS NOT NULL THEN '{"disposition": {"by": "task"}}'
                WHEN f.internal IS NOT NULL THEN '{"disposition": {"by": "own_project"}}'
                WHEN w.billable IS NOT NULL
                THEN jsonb_build_object('disposition', jsonb_build_object('by', 'work_type', 'code', w.code))
                WHEN p.billable IS NOT NULL THEN '{"disposition": {"by": "project"}}' END,
           p.price_list_id,
           coalesce((e.started_at AT TIME ZONE z.zone)::date, e.work_date),
           coalesce(e.started_at, e.work_date::timestamp AT TIME ZONE z.zone),
           c.contracts, c.candidates, e.approved_at, num_nonnulls(e.billable, e.price) > 0
      FROM unnest(p_entries) AS x (id)
      JOIN time_entry e ON e.id = x.id
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      LEFT JOIN work_type w ON w.id = coalesce(e.work_type_id, t.work_type_id)
     CROSS JOIN setting s
      JOIN party y ON y.id = p.client_id
     CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM task_item i WHERE i.task_id = t.id) AS fixed,
                                CASE WHEN y.kind = 'own' AND p.billable IS DISTINCT FROM 'billable'
                                    AND coalesce(w.billable, p.billable, 'billable') = 'billable'
                                     THEN 'non_billable' END AS internal) f
     CROSS JOIN LATERAL contract_of(coalesce(e.contract_id, t.contract_id), p.client_id, p.id, e.started_at,
                                    e.work_date) c
     CROSS JOIN LATERAL (SELECT coalesce(c.zone, m.zone, s.zone) AS zone) z;
END;
COMMENT ON FUNCTION entry_context(bigint[]) IS
    'what time entries are about: dimensions, disposition and where it comes from, work date, and the contracts that '
    'match (one, none, or several when it is ambiguous)';
-- ---------------------------------------------------------------------------
-- terms: a contract as a document, stamped on what is rated by it
-- ---------------------------------------------------------------------------

CREATE FUNCTION list_document(p_list bigint) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('name', l.name, 'parent', l.parent_id, 'discount_pct', trim_scale(l.discount_pct),
                              'prices', (
               SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'employee', r.employee_id, 'role', r.role,
                          'work_type', r.work_type_id, 'from', greatest(r.valid_from, '0001-01-01'), 'price',
                              trim_scale(r.price),
                          'discount_pct', trim_scale(r.discount_pct)) ORDER BY r.id), '[]')
                 FROM price r WHERE r.price_list_id = l.id AND r.item_id IS NULL))
      FROM price_list l WHERE l.id = p_list;
END;
COMMENT ON FUNCTION list_document(bigint) IS 'a price list with its positions for work, as rate() takes it';

CREATE FUNCTION price_list_document(p_lists bigint[]) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_object_agg(l.id, list_document(l.id)), '{}') FROM price_list l WHERE l.id = ANY (p_lists);
END;
COMMENT ON FUNCTION price_list_document(bigint[]) IS 'price lists with their positions for work, as rate() takes them';

-- In one statement: what is kept as a revision is what the list was then.
CREATE FUNCTION stamp_lists(p_lists bigint[]) RETURNS jsonb
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_revisions jsonb;
BEGIN
    WITH now AS MATERIALIZED (
        SELECT l.id, l.revision FROM price_list l WHERE l.id = ANY (p_lists)
    ), kept AS (
        INSERT INTO list_snapshot (price_list_id, revision, body)
        SELECT n.id, n.revision, list_document(n.id) FROM now n
         WHERE NOT EXISTS (SELECT FROM list_snapshot s WHERE s.price_list_id = n.id AND s.revision = n.revision)
         ORDER BY n.id
        ON CONFLICT ON CONSTRAINT list_snapshot_pkey DO NOTHING
    )
    SELECT coalesce(jsonb_object_agg(n.id, n.revision), '{}') INTO v_revisions FROM now n;
    RETURN v_revisions;
END $$;
COMMENT ON FUNCTION stamp_lists(bigint[]) IS
    'the revisions that price lists have now, {"list": revision}, each kept in list_snapshot';

CREATE FUNCTION contract_lists(p_contract bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE list AS (
            SELECT l.id, l.parent_id FROM price_list l, contract c
             WHERE c.id = p_contract AND l.currency = c.currency
               AND (l.client_id = c.client_id OR l.is_default
                    OR l.id IN (SELECT g.price_list_id FROM contract g WHERE g.id = p_contract
                                OR g.parent_id = p_contract AND g.status <> 'draft')
                    OR l.id IN (SELECT p.price_list_id FROM project p WHERE p.client_id = c.client_id))
            UNION
            SELECT l.id, l.parent_id FROM price_list l JOIN list ON list.parent_id = l.id
        )
        SELECT x.id FROM list x ORDER BY 1);
END $$;
COMMENT ON FUNCTION contract_lists(bigint) IS
    'the price lists that can price work of a contract and its companions, with their parents';

CREATE FUNCTION contract_terms(p_contract bigint, p_lists jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
    WITH grp AS (
        SELECT c.* FROM contract c WHERE c.id = p_contract OR (c.parent_id = p_contract AND c.status <> 'draft')
    )
    SELECT jsonb_build_object(
        'exponent', (SELECT u.exponent FROM currency_code u WHERE u.code = b.currency),
        'base_exponent', (SELECT u.exponent FROM currency_code u, setting s WHERE u.code = s.base_currency),
        'calendar', coalesce(calendar_document(b.calendar_id),
                             jsonb_build_object('zone', (SELECT s.zone FROM setting s))),
        'rounding', jsonb_build_object('mode', b.round_mode, 'increment_s', b.round_increment_s, 'minimum_s',
                                       b.round_minimum_s,
                                       'maximum_s', b.round_maximum_s, 'grace_s', b.round_grace_s, 'scope',
                                           b.round_scope),
        'basis', b.amount_basis,
        'lists', p_lists,
        'contracts', (SELECT jsonb_agg(jsonb_build_object('contract', g.id, 'number', g.number, 'bands', CASE
                                                          WHEN b.parent_id IS NULL THEN to_jsonb(g.bands) END,
                          'list', CASE WHEN g.id <> p_contract THEN g.price_list_id END, 'discount_pct',
                              trim_scale(g.discount_pct),
                          'band_rules', (SELECT coalesce(jsonb_agg(jsonb_build_object('band', r.band, 'role', r.role,
                              'multiplier', trim_scale(r.price_multiplier),
                                             'adder', trim_scale(r.price_adder), 'burn', trim_scale(r.burn_multiplier),
                                                 'minimum_s', r.minimum_s) ORDER BY r.id), '[]')
                                           FROM band_rule r WHERE r.contract_id = g.id),
                          'overage', (SELECT coalesce(jsonb_agg(jsonb_build_object('line', n.id, 'price',
                              trim_scale(n.overage_price), 'scope', to_jsonb(n.scope_work_types),
                                          'from', coalesce(n.starts_on, g.starts_on), 'to', n.ends_on + 1)
                                              ORDER BY n.id), '[]')
                                        FROM contract_line n WHERE n.contract_id = g.id AND n.overage_price IS NOT NULL
                                            AND n.status <> 'cancelled'))
                          ORDER BY g.id <> p_contract, g.id) FROM grp g))
      FROM contract b WHERE b.id = p_contract);
END $$;
COMMENT ON FUNCTION contract_terms(bigint, jsonb) IS
    'the terms of a contract and its companions: rounding, calendar, bands, overage, and price lists by their '
    'revisions; terms_document has them with their lists, service periods and caps, as rate() takes them';

CREATE FUNCTION stamp_terms(p_contract bigint) RETURNS terms
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_body jsonb := contract_terms(p_contract, stamp_lists(contract_lists(p_contract)));
    v_digest bytea := sha256(convert_to(v_body::text, 'UTF8'));
    v_terms terms;
BEGIN
    SELECT * INTO v_terms FROM terms t WHERE t.contract_id = p_contract AND t.digest = v_digest;
    IF NOT FOUND THEN
        INSERT INTO terms (contract_id, digest, body) VALUES (p_contract, v_digest, v_body) RETURNING * INTO v_terms;
    END IF;
    RETURN v_terms;
END $$;
COMMENT ON FUNCTION stamp_terms(bigint) IS
    'the snapshot of the terms a contract has now, stored when this content is new';

-- Terms for work that no contract covers: internal work, and clients without
-- any contract, who pay by their own or the default price list.
CREATE FUNCTION uncontracted_terms() RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('exponent', u.exponent, 'base_exponent', u.exponent, 'calendar',
                              jsonb_build_object('zone', s.zone),
        'contracts', '[{"contract": 0, "number": "none"}]'::jsonb,
        'lists', price_list_document(ARRAY(SELECT l.id FROM price_list l WHERE l.currency = s.base_currency)))
      FROM setting s JOIN currency_code u ON u.code = s.base_currency;
END;
COMMENT ON FUNCTION uncontracted_terms() IS
    'the terms of work without a contract: price lists of the base currency, no rounding';

CREATE FUNCTION contract_caps(p_contract contract) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'cap_amount', trim_scale((p_contract).cap_amount), 'cap_seconds', (p_contract).cap_s,
        'period_cap_amount', trim_scale((p_contract).period_cap_amount),
        'period_cap_seconds', (p_contract).period_cap_s, 'prorate', (p_contract).prorate,
        'from', iso((p_contract).starts_on),
        'to', CASE WHEN isfinite((p_contract).ends_on) THEN iso((p_contract).ends_on + 1) END);
END;
COMMENT ON FUNCTION contract_caps(contract) IS
    'what a contract may not exceed, in its whole life and in each service period, and the days to which that is cut, '
    'as rate() takes it';

-- Service periods and caps are no prices: they are those that the contract has.
CREATE VIEW terms_document WITH (security_invoker) AS
    SELECT t.id, t.contract_id, t.body || jsonb_build_object('lists', coalesce(l.lists, '{}'), 'period', c.period,
                                                             'anchor', a.day, 'month', a.month) || k.capped AS body
      FROM terms t
      JOIN contract c ON c.id = t.contract_id
     CROSS JOIN LATERAL anchor_of(c) a
     CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(r.key, s.body) AS lists
          FROM jsonb_each_text(t.body -> 'lists') r
          JOIN list_snapshot s ON s.price_list_id = r.key::bigint AND s.revision = r.value::bigint) l
     CROSS JOIN LATERAL (
        SELECT CASE WHEN EXISTS (SELECT FROM capped_contract q WHERE q.base_id = c.id)
                    THEN jsonb_build_object('contracts', (
                        SELECT jsonb_agg(x.value || coalesce(contract_caps(g), '{}') ORDER BY x.no)
                          FROM jsonb_array_elements(t.body -> 'contracts') WITH ORDINALITY x (value, no)
                          LEFT JOIN contract g ON g.id = (x.value ->> 'contract')::bigint))
                    ELSE '{}' END AS capped) k;
COMMENT ON VIEW terms_document IS
    'terms with the price lists they name and the contract''s service periods and caps, as rate() takes them';
SELECT allow('reader', 'select', 'terms_document');
-- ---------------------------------------------------------------------------
-- state: what is left of allotments and caps
-- ---------------------------------------------------------------------------

CREATE FUNCTION is_committed(p_entry bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM live_charge h WHERE h.time_entry_id = p_entry AND h.committed);
END $$;
COMMENT ON FUNCTION is_committed(bigint) IS
    'has a time entry a frozen or held charge that was not reversed? Then it is left as it is, as a whole';

-- Burns and cap use of the charges that stay as they are: not of the changed
-- entries, and from p_from on only of entries that are frozen, or of all (p_all).
CREATE FUNCTION allotment_state(p_base bigint, p_changed bigint[], p_from timestamptz, p_all boolean DEFAULT false)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_since date := CASE WHEN EXISTS (SELECT FROM capped_contract q WHERE q.base_id = p_base AND q.by_period)
                         THEN period_at(p_base, p_from) END;
BEGIN
    RETURN (
    SELECT jsonb_build_object(
        'draw_from', o.opens_at,
        'allotments', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'contract', a.contract_id, 'kind', a.kind, 'unit',
                                                         a.unit,
                       'remaining', a.amount - coalesce(b.burned, 0) - r.reserved, 'priority', a.priority,
                       'effective_at', a.effective_at,
                       'expires_at', a.expires_at, 'scope', to_jsonb(a.scope_work_types),
                       'rolls_over', n.rollover_max > 0 AND a.kind = 'included') ORDER BY a.id), '[]')
              FROM allotment a
              LEFT JOIN contract_line n ON n.id = a.contract_line_id
              LEFT JOIN LATERAL (
                SELECT sum(h.burned) AS burned FROM charge h
                 WHERE h.allotment_id = a.id AND (h.time_entry_id IS NULL OR h.committed
                    OR (h.started_at < p_from OR p_all OR is_committed(h.time_entry_id))
                       AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id))) b ON true
             CROSS JOIN LATERAL (SELECT carried_held(a) AS reserved) r
             WHERE a.contract_id = ANY (o.contracts) AND a.voided_at IS NULL
               AND a.amount > coalesce(b.burned, 0) + r.reserved
               AND (a.expires_at > o.opens_at OR a.expires_at IS NULL OR o.opens_at IS NULL)),
        'used', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('contract', u.contract_id, 'day', u.day, 'amount', u.amount,
                                                         'seconds', u.seconds) ORDER BY u.contract_id, u.day), '[]')
              FROM (SELECT h.contract_id, CASE WHEN q.by_period AND h.service_date >= v_since THEN h.service_date END
                               AS day, sum(h.amount) AS amount,
                           sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS seconds
                      FROM capped_contract q JOIN charge h ON h.contract_id = q.contract_id
                     WHERE q.contract_id = ANY (o.contracts) AND (q.in_all OR h.service_date >= v_since)
                       AND (h.source = 'time' OR h.source = 'item')
                       AND (h.time_entry_id IS NULL OR h.committed
                            OR (h.started_at < p_from OR p_all OR is_committed(h.time_entry_id))
                               AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id))
                     GROUP BY 1, 2) u))
      FROM (SELECT ARRAY(SELECT c.id FROM contract c WHERE c.id = b.id UNION ALL SELECT c.id FROM contract c
                         WHERE c.parent_id = b.id) AS contracts,
                   (SELECT max(p.period_end) FROM billing_period p WHERE p.contract_id = b.id)::timestamp
                       AT TIME ZONE coalesce(z.zone, s.zone) AS opens_at
              FROM contract b CROSS JOIN setting s LEFT JOIN calendar z ON z.id = b.calendar_id
             WHERE b.id = p_base) o);
END $$;
COMMENT ON FUNCTION allotment_state(bigint, bigint[], timestamptz, boolean) IS
    'what is left of a contract group''s allotments and caps for work from an instant on, without the provisional '
    'charges of the changed entries and (but with p_all) of all entries from then on; work of closed periods draws on '
    'what the open period has (draw_from)';

-- A sum that changes as charges do: what entries take now, added to a sum.
CREATE FUNCTION add_use(p_sum allotment_use[], p_entries bigint[], p_sign int) RETURNS allotment_use[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(t.contract_id, t.allotment_id, sum(t.burned), sum(t.amount), sum(t.billed_s),
                   t.period_start)::allotment_use
          FROM (SELECT * FROM unnest(p_sum)
                UNION ALL
                SELECT h.contract_id, h.allotment_id, p_sign * h.burned, u.amount, u.billed_s, u.period_start
                  FROM unnest(p_entries) x (id)
                  JOIN charge h ON h.time_entry_id = x.id AND NOT h.committed
                  JOIN contract c ON c.id = h.contract_id
                  JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
                 CROSS JOIN LATERAL (
                    SELECT CASE WHEN c.cap_amount IS NOT NULL THEN p_sign * h.amount END AS amount,
                           CASE WHEN c.cap_s IS NOT NULL AND h.coverage = 'billable' THEN p_sign * h.billed_s END
                               AS billed_s, NULL::date AS period_start
                     WHERE h.allotment_id IS NOT NULL OR num_nonnulls(c.cap_amount, c.cap_s) > 0
                    UNION ALL
                    SELECT CASE WHEN c.period_cap_amount IS NOT NULL THEN p_sign * h.amount END,
                           CASE WHEN c.period_cap_s IS NOT NULL AND h.coverage = 'billable'
                                THEN p_sign * h.billed_s END,
                           lower(service_period(b, h.service_date))
                     WHERE h.allotment_id IS NULL AND num_nonnulls(c.period_cap_amount, c.period_cap_s) > 0) u) t
         GROUP BY t.contract_id, t.allotment_id, t.period_start
        HAVING sum(t.burned) <> 0 OR sum(t.amount) <> 0 OR sum(t.billed_s) <> 0);
END $$;
COMMENT ON FUNCTION add_use(allotment_use[], bigint[], int) IS
    'add (p_sign 1) or subtract (-1) what the provisional charges of entries take from allotments and caps; empty when '
    'all is nil';
-- ---------------------------------------------------------------------------
-- grant: hours and money that the calendar gives
--
-- A recurring line gives its included hours for each service period, on its own
-- days in it, whether somebody works or not.  A row of allotment is made where
-- work needs one; it follows its line until its period is closed.
-- ---------------------------------------------------------------------------

CREATE FUNCTION due_grants(p_base bigint, p_span daterange)
    RETURNS TABLE (line_id bigint, contract_id bigint, unit text, amount numeric, priority integer,
                   effective_at timestamptz, expires_at timestamptz, period_start date, scope_work_types bigint[])
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT n.id, c.id, u.unit, g.amount, n.priority,
           lower(a.days)::timestamp AT TIME ZONE contract_zone(b.calendar_id),
           upper(a.days)::timestamp AT TIME ZONE contract_zone(b.calendar_id), lower(p_span), n.scope_work_types
      FROM contract b
      JOIN contract c ON c.id = b.id OR c.parent_id = b.id
      JOIN contract_line n ON n.contract_id = c.id AND n.kind = 'recurring'
       AND num_nonnulls(n.included_s, n.included_amount) = 1
     CROSS JOIN LATERAL (SELECT p_span * line_days(n, c, b) AS days) a
     CROSS JOIN LATERAL (SELECT CASE WHEN n.included_s IS NULL THEN 'money' ELSE 'seconds' END AS unit) u
     CROSS JOIN LATERAL (
        SELECT CASE WHEN NOT n.prorate_included THEN coalesce(n.included_s, n.included_amount)
                    ELSE prorate(coalesce(n.included_s, n.included_amount), p_span, a.days, n.prorate,
                                 CASE u.unit WHEN 'money' THEN currency_exponent(c.currency) ELSE 0 END) END AS amount
         WHERE NOT isempty(a.days)) g
     WHERE b.id = p_base AND NOT isempty(a.days) AND g.amount > 0;
END;
COMMENT ON FUNCTION due_grants(bigint, daterange) IS
    'included hours and money that a contract and its companions give in one service period: for the days on which the '
    'line is in force in it, the whole amount unless it is to be prorated';

CREATE FUNCTION grant_included(p_base bigint, p_days date[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, priority, effective_at, expires_at,
                           period_start, scope_work_types)
    SELECT d.contract_id, d.line_id, 'included', d.unit, d.amount, d.priority, d.effective_at, d.expires_at,
           d.period_start, d.scope_work_types
      FROM contract b
     CROSS JOIN LATERAL (SELECT DISTINCT service_period(b, x.day) AS span FROM unnest(p_days) x (day)) s
     CROSS JOIN LATERAL due_grants(b.id, s.span) d
     WHERE b.id = p_base
       AND NOT EXISTS (SELECT FROM billing_period q WHERE q.contract_id = p_base AND q.period_end >= upper(s.span))
       AND NOT EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = d.line_id
                       AND a.period_start = d.period_start AND a.kind = 'included')
     ORDER BY d.contract_id, d.line_id, d.period_start
    ON CONFLICT (contract_line_id, period_start) WHERE kind = 'included' DO NOTHING;
END $$;
COMMENT ON FUNCTION grant_included(bigint, date[]) IS
    'make the allotments of included hours or money for the open service periods of these days, once each: hours of a '
    'closed period can be used no more and are not given';

CREATE FUNCTION last_allotment(p_base bigint) RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT max(a.id) FROM contract c JOIN allotment a ON a.contract_id = c.id WHERE c.id = p_base
        OR c.parent_id = p_base;
END;
COMMENT ON FUNCTION last_allotment(bigint) IS
    'the allotment that a contract group was granted last; NULL when it has none';

-- Never below what billed work took of it: that stays, and is said when it is undone.
CREATE FUNCTION follow_grants(p_base contract) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_group CONSTANT bigint[] := contract_group(p_base.id);
    v_opens CONSTANT date := lower((open_period(p_base)).span);
BEGIN
    UPDATE allotment a
       SET unit = n.unit, amount = n.amount, priority = n.priority, effective_at = n.effective_at,
           expires_at = n.expires_at,
           scope_work_types = n.scope_work_types, voided_at = n.voided_at
      FROM (SELECT x.id, d.unit, greatest(d.amount, allotment_held(x.id)) AS amount, d.priority, d.effective_at,
                   d.expires_at, d.scope_work_types, NULL::timestamptz AS voided_at
              FROM allotment x
              JOIN LATERAL due_grants(p_base.id, service_period(p_base, x.period_start)) d
                ON (d.line_id, d.period_start) = (x.contract_line_id, x.period_start)
             WHERE x.contract_id = ANY (v_group) AND x.kind = 'included' AND x.period_start >= v_opens
            UNION ALL
            SELECT x.id, x.unit, CASE WHEN h.held > 0 THEN h.held ELSE x.amount END, x.priority, x.effective_at,
                   x.expires_at, x.scope_work_types, CASE WHEN h.held = 0 THEN coalesce(x.voided_at, now()) END
              FROM allotment x
             CROSS JOIN LATERAL (SELECT allotment_held(x.id) AS held) h
             WHERE x.contract_id = ANY (v_group) AND x.kind = 'included' AND x.period_start >= v_opens
               AND NOT EXISTS (SELECT FROM due_grants(p_base.id, service_period(p_base, x.period_start)) d
                                WHERE (d.line_id, d.period_start) = (x.contract_line_id, x.period_start))) n
     WHERE a.id = n.id
       AND (a.unit, a.amount, a.priority, a.effective_at, a.expires_at, a.scope_work_types, a.voided_at)
           IS DISTINCT FROM
           (n.unit, n.amount, n.priority, n.effective_at, n.expires_at, n.scope_work_types, n.voided_at);
    PERFORM grant_included(p_base.id, ARRAY(
        SELECT h.period_start FROM charge h
         WHERE h.contract_id = ANY (v_group) AND NOT h.committed AND h.source = 'time'
        UNION
        SELECT upper(line_days(n, c, p_base)) - 1 FROM contract c JOIN contract_line n ON n.contract_id = c.id
         WHERE c.id = ANY (v_group) AND n.kind = 'recurring' AND upper(line_days(n, c, p_base)) > v_opens
           AND EXISTS (SELECT FROM contract_line m WHERE m.replaces_id = n.id)));
END $$;
COMMENT ON FUNCTION follow_grants(contract) IS
    'the allotments of open periods are what the lines give now: amount, days, kinds of work, or nothing; those that '
    'open work can draw on, and those of lines that are replaced, are made where there are none';
-- ---------------------------------------------------------------------------
-- carry: what is left goes on
--
-- Hours belong to the client's agreement, not to a row.  What is left of included
-- hours at the close of their period is carried to the next ones, within the
-- rollover rule of their line; when the line is replaced (contract_line.replaces_id),
-- to the line that replaces it, on the day after its end; what is left of blocks to
-- the contract that renews theirs (contract.renews_id).  What is carried is a row of
-- its own, one for each source (allotment.source_id): as long as work can still draw
-- on the source its amount follows what is left there, and it goes again when the
-- days move back.
-- ---------------------------------------------------------------------------

CREATE FUNCTION rollover_min_of(p_source allotment) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN CASE WHEN p_source.kind = 'included'
                THEN (SELECT n.rollover_min FROM contract_line n WHERE n.id = p_source.contract_line_id) ELSE 0 END;
END $$;
COMMENT ON FUNCTION rollover_min_of(allotment) IS 'what is carried from an allotment though nothing is left of it';

-- What billed work took of what was carried cannot be taken here any more.
CREATE FUNCTION carried_held(p_source allotment) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_held CONSTANT numeric := (SELECT allotment_held(d.id) FROM allotment d WHERE d.source_id = p_source.id
                                AND d.voided_at IS NULL);
BEGIN
    RETURN CASE WHEN v_held > rollover_min_of(p_source) THEN v_held ELSE 0 END;
END $$;
COMMENT ON FUNCTION carried_held(allotment) IS
    'what of an allotment is spoken for, because billed work took it from what was carried over';

CREATE FUNCTION allotment_held(p_allotment bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN coalesce((SELECT sum(h.burned) FROM charge h
                      WHERE h.allotment_id = p_allotment AND (h.committed OR is_committed(h.time_entry_id))), 0)
           + (SELECT carried_held(a) FROM allotment a WHERE a.id = p_allotment);
END $$;
COMMENT ON FUNCTION allotment_held(bigint) IS
    'what of an allotment must stay: billed work took it, from it or from what was carried over from it';

CREATE FUNCTION carried_amount(p_source allotment) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_left numeric := p_source.amount - coalesce((SELECT sum(h.burned) FROM charge h
                                                   WHERE h.allotment_id = p_source.id), 0);
BEGIN
    IF p_source.kind = 'included' THEN
        v_left := (SELECT least(coalesce(n.rollover_max, 0), greatest(n.rollover_min, v_left))
                     FROM contract_line n WHERE n.id = p_source.contract_line_id);
    END IF;
    IF p_source.unit = 'seconds' THEN
        v_left := trunc(v_left);
    END IF;
    RETURN greatest(v_left, 0, (SELECT allotment_held(d.id) FROM allotment d WHERE d.source_id = p_source.id));
END $$;
COMMENT ON FUNCTION carried_amount(allotment) IS
    'what is carried over from an allotment: what is left, of included hours within the rollover rule of their line, '
    'and never less than what billed work took of it';

CREATE FUNCTION periods_on(p_base contract, p_first date, p_periods integer) RETURNS date
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_day date := p_first;
BEGIN
    FOR i IN 1 .. abs(p_periods) LOOP
        v_day := CASE WHEN p_periods > 0 THEN upper(service_period(p_base, v_day))
                      ELSE lower(service_period(p_base, v_day - 1)) END;
    END LOOP;
    RETURN v_day;
END $$;
COMMENT ON FUNCTION periods_on(contract, date, integer) IS
    'the first day of the service period that lies so many on from, or (below 0) before, the one that begins on a day';

-- What lines and contracts hand on.  A carried row is a source in its turn.  To its
-- own line hours are carried at the close of their period, whatever becomes of the
-- rule later.
CREATE FUNCTION due_carried(p_base contract, p_closed date)
    RETURNS TABLE (source_id bigint, contract_id bigint, line_id bigint, kind text, unit text, priority integer,
                   effective_at timestamptz, expires_at timestamptz, period_start date, scope_work_types bigint[])
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE zone AS (
        SELECT contract_zone((p_base).calendar_id) AS name, lower((open_period(p_base)).span) AS opens_on
    ), line AS (
        SELECT n.id, n.contract_id, n.priority, n.rollover_max, n.rollover_life, line_days(n, c, p_base) AS days,
               h.id AS heir_id
          FROM contract c
          JOIN contract_line n ON n.contract_id = c.id AND n.kind = 'recurring'
          LEFT JOIN contract_line h ON h.replaces_id = n.id
         WHERE c.id = (p_base).id OR c.parent_id = (p_base).id
    ), carried AS (
        SELECT a.id AS source_id, a.unit, a.scope_work_types, t.line_id, t.day, x.lapses_on
          FROM line n
          JOIN allotment a ON a.contract_line_id = n.id AND a.kind = 'included' AND a.voided_at IS NULL
          LEFT JOIN line h ON h.id = n.heir_id
         CROSS JOIN zone z
         CROSS JOIN LATERAL (SELECT upper(service_period(p_base, a.period_start)) AS period_end,
                                    EXISTS (SELECT FROM allotment d WHERE d.source_id = a.id) AS is_carried) p
         CROSS JOIN LATERAL (SELECT periods_on(p_base, p.period_end, n.rollover_life) AS lapses_on) x
         CROSS JOIN LATERAL (SELECT n.id AS line_id, p.period_end AS day
                              WHERE coalesce(upper(n.days), 'infinity') > p.period_end AND NOT isempty(n.days)
                                AND p.period_end <= z.opens_on AND (p.is_carried OR a.period_start = p_closed)
                             UNION ALL
                             SELECT h.id, greatest(upper(n.days), lower(h.days))
                              WHERE coalesce(upper(n.days), 'infinity') <= p.period_end AND NOT isempty(n.days)
                                AND NOT isempty(h.days)) t
         WHERE a.period_start >= periods_on(p_base, z.opens_on, -n.rollover_life)
           AND (n.rollover_max > 0 OR p.is_carried AND p.period_end <= z.opens_on)
        UNION ALL
        SELECT d.id, c.unit, c.scope_work_types, h.id, greatest(c.day, upper(n.days), lower(h.days)), c.lapses_on
          FROM carried c
          JOIN allotment d ON d.source_id = c.source_id AND d.voided_at IS NULL
          JOIN line n ON n.id = c.line_id AND upper(n.days) < c.lapses_on
          JOIN line h ON h.id = n.heir_id AND NOT isempty(h.days)
    )
    SELECT c.source_id, n.contract_id, n.id, 'rollover', c.unit, n.priority - 1, c.day::timestamp AT TIME ZONE z.name,
           least(c.lapses_on, upper(n.days))::timestamp AT TIME ZONE z.name,
           lower(service_period(p_base, c.day)), c.scope_work_types
      FROM carried c
      JOIN line n ON n.id = c.line_id
     CROSS JOIN zone z
     WHERE c.day < least(c.lapses_on, upper(n.days))
    UNION ALL
    SELECT a.id, y.id, NULL, a.kind, a.unit, a.priority, e.effective_at, a.expires_at, NULL, a.scope_work_types
      FROM contract x
      JOIN contract y ON y.renews_id = x.id AND y.status <> 'draft'
      JOIN allotment a ON a.contract_id = x.id AND a.kind IN ('block', 'topup', 'adjustment') AND a.voided_at IS NULL
     CROSS JOIN LATERAL (
        SELECT greatest((x.ends_on + 1)::timestamp AT TIME ZONE contract_zone((p_base).calendar_id),
                        y.starts_on::timestamp AT TIME ZONE contract_zone((base_contract(y.id)).calendar_id),
                        a.effective_at) AS effective_at) e
     WHERE (x.id = (p_base).id OR x.parent_id = (p_base).id) AND x.status <> 'draft' AND x.ends_on IS NOT NULL
       AND e.effective_at < coalesce(a.expires_at, 'infinity');
END;
COMMENT ON FUNCTION due_carried(contract, date) IS
    'what is to be carried over from the allotments of a contract group, and whereto: of included hours to the next '
    'periods of their line when theirs (p_closed, or one before) is closed, or to the line that replaces it when it '
    'ends; of blocks to the contract that renews theirs. Lives as long as the rollover rule, the days of the line and '
    'the block say';

CREATE FUNCTION carry_over(p_base contract, p_closed date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_group CONSTANT bigint[] := contract_group(p_base.id);
    v_opens_at CONSTANT timestamptz := (open_period(p_base)).opens_at;
    v_new bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM allotment a WHERE a.contract_id = ANY (v_group)) THEN
        RETURN;
    END IF;
    LOOP
        UPDATE allotment d SET voided_at = CASE WHEN x.held = 0 THEN now() END,
            amount = CASE WHEN x.held = 0 THEN d.amount ELSE x.held END
          FROM (SELECT o.id, allotment_held(o.id) AS held
                  FROM allotment a JOIN allotment o ON o.source_id = a.id
                 WHERE a.contract_id = ANY (v_group) AND coalesce(o.expires_at, 'infinity') > v_opens_at
                   AND NOT EXISTS (SELECT FROM due_carried(p_base, p_closed) c WHERE c.source_id = o.source_id)) x
         WHERE d.id = x.id AND (d.voided_at IS NULL OR x.held > 0)
           AND (d.voided_at IS NOT NULL OR x.held = 0 OR d.amount <> x.held);
        UPDATE allotment d
           SET contract_id = c.contract_id, contract_line_id = c.line_id, priority = c.priority,
               effective_at = c.effective_at, expires_at = c.expires_at, period_start = c.period_start,
               scope_work_types = c.scope_work_types, voided_at = NULL
          FROM due_carried(p_base, p_closed) c
         WHERE d.source_id = c.source_id
           AND (d.contract_id, d.contract_line_id, d.priority, d.effective_at, d.expires_at, d.scope_work_types,
                d.voided_at)
               IS DISTINCT FROM (c.contract_id, c.line_id, c.priority, c.effective_at, c.expires_at,
                                 c.scope_work_types, NULL);
        PERFORM carry_again(ARRAY[p_base.id]);
        WITH put AS (
            INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, priority, effective_at,
                                   expires_at, period_start, scope_work_types, source_id)
            SELECT c.contract_id, c.line_id, c.kind, c.unit, carried_amount(a), c.priority, c.effective_at,
                   c.expires_at, c.period_start, c.scope_work_types, c.source_id
              FROM due_carried(p_base, p_closed) c
              JOIN allotment a ON a.id = c.source_id
             WHERE NOT EXISTS (SELECT FROM allotment d WHERE d.source_id = c.source_id)
               AND (carried_amount(a) > 0 OR coalesce(a.expires_at, 'infinity') > v_opens_at)
             ORDER BY c.source_id
            RETURNING id)
        SELECT array_agg(p.id) INTO v_new FROM put p;
        EXIT WHEN v_new IS NULL;
        PERFORM rate_again(b, min(a.effective_at AT TIME ZONE contract_zone(b.calendar_id))::date)
           FROM allotment a
           JOIN contract c ON c.id = a.contract_id
           JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
          WHERE a.id = ANY (v_new) GROUP BY b.id ORDER BY b.id;
    END LOOP;
    PERFORM carry_over(b) FROM contract y JOIN contract b ON b.id = coalesce(y.parent_id, y.id)
      WHERE y.renews_id = ANY (v_group);
END $$;
COMMENT ON FUNCTION carry_over(contract, date) IS
    'make, move or take back what is carried over from the allotments of a contract group, and rate what draws on it '
    'again; what billed work took of it stays';

CREATE FUNCTION carry_again(p_bases bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE allotment d SET amount = carried_amount(a)
      FROM contract c
      JOIN allotment a ON a.contract_id = c.id
     CROSS JOIN contract b
     WHERE b.id = ANY (p_bases) AND b.id IN (c.id, c.parent_id) AND d.source_id = a.id AND d.voided_at IS NULL
       AND coalesce(a.expires_at, 'infinity') > coalesce((open_period(b)).opens_at, '-infinity')
       AND d.amount <> carried_amount(a);
END $$;
COMMENT ON FUNCTION carry_again(bigint[]) IS
    'what is carried over is what is left: after work took more or less of what it came from';
-- ---------------------------------------------------------------------------
-- input: entries as the engine takes them
-- ---------------------------------------------------------------------------

-- What becomes of a part of an entry that is billed by the hour may differ from part to
-- part, so of its parts the first word of the alphabet is the entry's.
CREATE FUNCTION charged_disposition(p_coverage text, p_allotment bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_coverage IN ('no_charge', 'non_billable') THEN p_coverage
                WHEN p_coverage = 'included' AND p_allotment IS NULL THEN 'included' ELSE 'billable' END;
END;
COMMENT ON FUNCTION charged_disposition(text, bigint) IS
    'as what a part of an entry was rated, by its coverage and what it draws on; the least of its parts is that of '
    'the entry';

CREATE FUNCTION open_work(p_entry bigint, OUT contract_id bigint, OUT terms_id bigint, OUT price_list_id bigint,
                          OUT role text, OUT employee_id bigint, OUT client_id bigint, OUT project_id bigint,
                          OUT work_type_id bigint, OUT disposition text, OUT why jsonb, OUT cost_rate numeric,
                          OUT base_cost_rate numeric, OUT base_rate numeric)
    RETURNS SETOF record
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT min(coalesce(c.parent_id, h.contract_id)), min(h.terms_id), min(h.price_list_id), min(h.role),
           min(h.employee_id), min(h.client_id), min(h.project_id), min(h.work_type_id), min(d.disposition),
           (array_agg(h.why) FILTER (WHERE d.disposition <> 'billable'))[1], min(h.cost_rate), min(h.base_cost_rate),
           min(h.base_rate)
      FROM charge h
      LEFT JOIN contract c ON c.id = h.contract_id
     CROSS JOIN LATERAL (SELECT charged_disposition(h.coverage, h.allotment_id) AS disposition) d
     WHERE h.time_entry_id = p_entry AND h.source = 'time' AND NOT h.committed
    HAVING count(*) > 0;
END;
COMMENT ON FUNCTION open_work(bigint) IS
    'as what the open charges of an entry were rated: one row, none where it has none; contract_id is the base''s';

CREATE FUNCTION stamp_of(p_entry bigint, OUT contract_id bigint, OUT terms_id bigint, OUT price_list_id bigint,
                         OUT employee_id bigint, OUT role text, OUT project_id bigint)
    RETURNS SETOF record
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.contract_id, o.terms_id, o.price_list_id, o.employee_id, o.role, o.project_id FROM open_work(p_entry) o
    UNION ALL
    SELECT r.contract_id, r.terms_id, r.price_list_id, r.employee_id, r.role, r.project_id
      FROM rating_problem r WHERE r.time_entry_id = p_entry;
END;
COMMENT ON FUNCTION stamp_of(bigint) IS
    'as what an entry was priced: by its open charges, or by those it had before something came in the way';

-- What an entry is about and what it costs is looked up afresh.  With p_follow the
-- terms, the price list and the role that it was priced by stay, as long as it is
-- under the same contract: so work follows its facts, and no edit of prices slips in.
CREATE FUNCTION entry_input(p_entries bigint[], p_follow boolean DEFAULT false)
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT x.entry_id, c.id AS contract_id, p.terms_id,
           coalesce(p.price_list_id, c.price_list_id, x.price_list_id, l.id, d.id) AS price_list_id,
           CASE WHEN f.fixed THEN 'included' ELSE x.disposition END AS disposition,
           CASE WHEN f.fixed THEN '{"disposition": {"by": "contract_price"}}'
                ELSE x.disposition_why END AS disposition_why,
           k.currency,
           r.cost_rate, r.base_cost_rate,
           b.rate AS base_rate, NULL::bigint AS frozen_s, x.instant,
           q.kind AS problem_kind,
           CASE q.kind
               WHEN 'two_contracts'
                   THEN 'contracts ' || (SELECT string_agg(m.number, ' and ' ORDER BY m.id) FROM contract m
                                                           WHERE m.id = ANY (x.contracts)) || ' both match'
               WHEN 'no_contract' THEN 'no contract is in force on ' || iso(x.work_date)
               WHEN 'waits_approval' THEN 'waits for approval'
               WHEN 'waits_specification' THEN 'waits for the client to agree a specification of the task'
               WHEN 'no_exchange_rate'
                   THEN format('no exchange rate from %s to %s on %s', k.currency, s.base_currency, iso(x.work_date))
               END AS problem, y.role
      FROM entry_context(p_entries) x
     CROSS JOIN setting s
      LEFT JOIN contract c ON c.id = x.contracts[1]
     -- hours are in the price of the stages, unless the entry says otherwise
     CROSS JOIN LATERAL (SELECT c.model = 'fixed_price' AND x.disposition = 'billable' AND NOT x.overridden AS fixed) f
     CROSS JOIN LATERAL (SELECT coalesce(c.currency, s.base_currency) AS currency) k
     CROSS JOIN LATERAL (SELECT CASE WHEN k.currency = s.base_currency THEN 1::numeric
                                     ELSE exchange_rate_on(k.currency, s.base_currency, x.work_date) END AS rate) b
      LEFT JOIN price_list l ON l.client_id = x.client_id AND l.currency = k.currency
      LEFT JOIN price_list d ON d.is_default AND d.currency = k.currency
      LEFT JOIN LATERAL (SELECT o.terms_id, o.role,
                                CASE WHEN o.project_id = x.project_id THEN o.price_list_id END AS price_list_id
                           FROM stamp_of(x.entry_id) o
                          WHERE p_follow AND o.contract_id = c.id AND o.employee_id = x.employee_id) p ON true
     CROSS JOIN LATERAL (SELECT CASE WHEN p.terms_id IS NULL THEN x.role ELSE p.role END AS role) y
     CROSS JOIN LATERAL cost_rate_on(x.employee_id, y.role, x.work_date, k.currency, s.base_currency) r
     CROSS JOIN LATERAL (SELECT CASE
            WHEN cardinality(x.contracts) > 1 THEN 'two_contracts'
            WHEN x.contracts IS NULL AND x.disposition = 'billable' AND x.client_contracts > 0 THEN 'no_contract'
            WHEN c.needs_approval AND x.approved_at IS NULL AND x.disposition = 'billable' THEN 'waits_approval'
            WHEN c.needs_specification AND x.disposition = 'billable'
                AND NOT specification_agreed(x.task_id) THEN 'waits_specification'
            WHEN b.rate IS NULL THEN 'no_exchange_rate' END AS kind) q;
END;
COMMENT ON FUNCTION entry_input(bigint[], boolean) IS
    'what rating needs to know of entries: as configured now, or (p_follow) as their facts are now, at the prices that '
    'were stamped on their open charges; problem says what stands in the way';

-- The same of entries that are rated already and only follow an earlier one:
-- as stamped on their charges, so that no edit of prices slips in.  Reversed
-- charges and their reversals are history; an entry with a frozen charge is
-- frozen as a whole, and bears on others only where they are rounded together.
CREATE FUNCTION stamped_input(p_base bigint, p_from timestamptz, p_to timestamptz, p_changed bigint[],
                              p_grouped boolean)
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.time_entry_id AS entry_id, p_base AS contract_id, min(h.terms_id) AS terms_id,
           min(h.price_list_id) AS price_list_id, min(d.disposition) AS disposition,
           (array_agg(h.why) FILTER (WHERE d.disposition <> 'billable'))[1] AS disposition_why,
           min(h.currency) AS currency, min(h.cost_rate) AS cost_rate, min(h.base_cost_rate) AS base_cost_rate,
           min(h.base_rate) AS base_rate,
           CASE WHEN bool_or(h.committed) THEN sum(h.billed_s)::bigint END AS frozen_s, min(h.started_at) AS instant,
           NULL::text AS problem_kind, NULL::text AS problem, min(h.role) AS role
      FROM charge h
     CROSS JOIN LATERAL (SELECT charged_disposition(h.coverage, h.allotment_id) AS disposition) d
     WHERE h.contract_id IN (SELECT c.id FROM contract c WHERE c.id = p_base UNION ALL SELECT c.id FROM contract c
                             WHERE c.parent_id = p_base)
       AND h.started_at >= p_from AND h.started_at < p_to AND h.source = 'time' AND h.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id)
       AND (NOT h.committed OR NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id))
     GROUP BY h.time_entry_id
    HAVING p_grouped OR NOT bool_or(h.committed);
END;
COMMENT ON FUNCTION stamped_input(bigint, timestamptz, timestamptz, bigint[], boolean) IS
    'what rating needs to know of the entries of a contract between two instants, as it was when they were rated; '
    'frozen ones only where entries are rounded in groups';

-- A function of its inputs: what the contracts make of these entries.
CREATE FUNCTION rate_input(p_input rating_input[], p_contracts bigint[], p_terms bigint[], p_state jsonb)
    RETURNS SETOF rated_entry
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH known AS (
        SELECT coalesce(i.contract_id, 0) AS contract,
            array_agg(DISTINCT i.terms_id) FILTER (WHERE i.terms_id IS NOT NULL) AS terms
          FROM unnest(p_input) i WHERE i.problem IS NULL GROUP BY 1
    ), grp AS MATERIALIZED (
        SELECT k.contract, t.ids, CASE WHEN k.contract = 0 THEN ARRAY[uncontracted_terms()]
                    ELSE ARRAY(SELECT b.body FROM unnest(t.ids) WITH ORDINALITY o (id, no)
                               JOIN terms_document b USING (id) ORDER BY o.no) END AS bodies
          FROM known k
          LEFT JOIN unnest(p_contracts, p_terms) n (contract_id, terms_id) ON n.contract_id = k.contract
         CROSS JOIN LATERAL (SELECT n.terms_id || array_remove(k.terms, n.terms_id) AS ids) t
    ), batch AS (
        SELECT g.contract, array_agg(ROW(e.id, e.started_at, e.ended_at, e.work_date, e.worked_s, e.billable_s, e.price,
                                         i.price_list_id,
                   i.disposition, e.employee_id, i.role, coalesce(e.work_type_id, t.work_type_id), e.task_id,
                       i.cost_rate, i.base_cost_rate,
                   i.frozen_s, coalesce(array_position(g.ids, i.terms_id), 1))::rating_entry) AS entries
          FROM unnest(p_input) i
          JOIN grp g ON g.contract = coalesce(i.contract_id, 0)
          JOIN time_entry e ON e.id = i.entry_id
          JOIN task t ON t.id = e.task_id
         WHERE i.problem IS NULL
         GROUP BY 1
    ), call AS MATERIALIZED (  -- or it could be made of each pair of contracts, and most of them dropped after
        SELECT g.bodies, b.entries FROM batch b JOIN grp g USING (contract)
    )
    SELECT s, i FROM call c CROSS JOIN LATERAL rate(c.bodies, c.entries, p_state) s
      JOIN unnest(p_input) i ON i.entry_id = s.entry_id
     ORDER BY s.entry_id, s.segment;
END;
COMMENT ON FUNCTION rate_input(rating_input[], bigint[], bigint[], jsonb) IS
    'the segments that the engine makes of entries; p_terms are the ids of the terms now in force, one for each of '
    'p_contracts';

-- What was not stamped before is rated by the terms of now, which are stamped for it.
CREATE FUNCTION stamp_input(INOUT p_input rating_input[], OUT contracts bigint[], OUT terms bigint[])
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT array_agg(c.id), array_agg((stamp_terms(c.id)).id) INTO contracts, terms
      FROM (SELECT DISTINCT i.contract_id AS id FROM unnest(p_input) i WHERE i.contract_id IS NOT NULL
            AND i.problem IS NULL ORDER BY 1) c;
    FOR i IN 1 .. coalesce(cardinality(p_input), 0) LOOP
        IF p_input[i].terms_id IS NULL THEN
            p_input[i].terms_id := terms[array_position(contracts, p_input[i].contract_id)];
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION stamp_input(rating_input[]) IS
    'give entries that have none the terms their contracts have now, and say which contracts these are';
-- ---------------------------------------------------------------------------
-- store: what the engine found becomes charges
-- ---------------------------------------------------------------------------

-- What rating made of an entry, as columns of charge by name; rated_charges() has
-- them as rows.  A segment that could not be rated (0) is no charge.
CREATE FUNCTION rated_columns(p_rated rated_entry[])
    RETURNS TABLE (
        source text, made_by text, time_entry_id bigint, segment integer, own_id bigint, contract_id bigint,
        client_id bigint, project_id bigint, deal_id bigint, task_id bigint, employee_id bigint, role text,
        work_type_id bigint, direction_id bigint, service_date date, period_start date, started_at timestamptz,
        band text, coverage text, worked_s bigint, billed_s bigint, price numeric, multiplier numeric,
        discount_pct numeric, rate numeric, price_id bigint, price_source text, price_list_id bigint,
        amount numeric, currency text, base_rate numeric, base_amount numeric, cost numeric, base_cost numeric,
        cost_rate numeric, base_cost_rate numeric, allotment_id bigint, burned numeric, why jsonb,
        terms_id bigint, late boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'time', 'rating', r.entry_id, r.segment, d.own_id, nullif(r.contract_id, 0), d.client_id,
           d.project_id, d.deal_id, d.task_id, d.employee_id, i.role, d.work_type_id, d.direction_id,
           r.service_date, coalesce(d.opens_on, r.period_start), i.instant, r.band,
           r.coverage, r.worked_s, r.billed_s,
           r.price, r.multiplier, r.discount_pct, r.rate, r.price_id, r.price_source, i.price_list_id, r.amount,
           i.currency, i.base_rate, round_money(r.amount * i.base_rate, u.exponent), r.cost, r.base_cost,
               i.cost_rate,
           i.base_cost_rate, r.allotment_id, r.burned,
           CASE WHEN i.disposition = 'billable' THEN r.why
               ELSE i.disposition_why END, i.terms_id, d.opens_on IS NOT NULL
      FROM unnest(p_rated) x
     CROSS JOIN LATERAL (SELECT (x.segment).*) r
     CROSS JOIN LATERAL (SELECT (x.input).*) i
     CROSS JOIN setting s
      JOIN currency_code u ON u.code = s.base_currency
     CROSS JOIN (SELECT default_own() AS id) own
     CROSS JOIN LATERAL (
        -- OFFSET 0: one entry at a time, by its keys
        SELECT p.client_id, t.project_id, t.deal_id, e.task_id, e.employee_id,
            coalesce(e.work_type_id, t.work_type_id) AS work_type_id,
               coalesce(p.direction_id, m.direction_id) AS direction_id, late.opens_on,
               coalesce((SELECT c.own_id FROM contract c WHERE c.id = (x.segment).contract_id), own.id) AS own_id
          FROM time_entry e
          JOIN employee m ON m.id = e.employee_id
          JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id
          LEFT JOIN LATERAL (SELECT max(b.period_end) AS opens_on FROM billing_period b
                              WHERE b.contract_id = (x.input).contract_id
                                  HAVING max(b.period_end) > (x.segment).period_start) late ON true
         WHERE e.id = (x.segment).entry_id OFFSET 0) d
     WHERE r.segment > 0;
END;
COMMENT ON FUNCTION rated_columns(rated_entry[]) IS
    'the charges that rated segments are, with what their entries are about now';

DO $$
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION rated_charges(p_rated rated_entry[]) RETURNS SETOF charge
            LANGUAGE sql STABLE
        BEGIN ATOMIC
            SELECT %s FROM rated_columns(p_rated) r;
        END $function$, row_of('charge', 'r', (
            SELECT p.proargnames FROM pg_proc p WHERE p.oid = 'rated_columns(rated_entry[])'::regprocedure)));
END $$;
COMMENT ON FUNCTION rated_charges(rated_entry[]) IS 'the charges that rated segments are, as rows of charge';

-- A charge that stays the same is not touched, one that changes keeps its id.
CREATE FUNCTION store_rating(p_input rating_input[], p_rated rated_entry[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    -- The LIMIT makes this an index look-up a row, whatever the planner thinks of charge.
    v_known boolean := EXISTS (
        SELECT FROM unnest(p_input) i
         CROSS JOIN LATERAL (SELECT FROM charge h WHERE h.time_entry_id = i.entry_id AND NOT h.committed LIMIT 1) k
         WHERE i.frozen_s IS NULL);
BEGIN
    PERFORM replace_charges(ARRAY(SELECT c FROM rated_charges(p_rated) c), v_known);

    INSERT INTO rating_problem (time_entry_id, kind, problem, contract_id, terms_id, price_list_id, employee_id, role,
                                project_id)
    SELECT p.entry_id, p.kind, p.problem, o.contract_id, o.terms_id, o.price_list_id, o.employee_id, o.role,
           o.project_id
      FROM (SELECT i.entry_id, i.problem_kind AS kind, i.problem FROM unnest(p_input) i WHERE i.problem IS NOT NULL
            UNION ALL
            SELECT (x.segment).entry_id, (x.segment).problem_kind, (x.segment).problem FROM unnest(p_rated) x
             WHERE (x.segment).segment = 0) p
      LEFT JOIN LATERAL open_work(p.entry_id) o ON true
    ON CONFLICT (time_entry_id) DO UPDATE SET kind = excluded.kind, problem = excluded.problem, found_at = now()
     WHERE rating_problem.problem <> excluded.problem;
    DELETE FROM rating_problem p USING unnest(p_rated) x
     WHERE p.time_entry_id = (x.segment).entry_id AND (x.segment).segment = 1;

    IF v_known THEN
        DELETE FROM charge h USING (
            SELECT n.entry_id, max(n.segment) AS segments
              FROM (SELECT (x.segment).entry_id, (x.segment).segment FROM unnest(p_rated) x
                    UNION ALL
                    SELECT i.entry_id, 0 FROM unnest(p_input) i WHERE i.problem IS NOT NULL) n
             GROUP BY 1) n
         WHERE h.time_entry_id = n.entry_id AND h.segment > n.segments AND NOT h.committed;
    END IF;
END $$;
COMMENT ON FUNCTION store_rating(rating_input[], rated_entry[]) IS
    'store what rating made of entries: charges, keeping their ids, and problems; provisional charges that are no more '
    'go away';

-- A handful of rows wants the plan that is ready, a bulk load one made for it.
-- Whoever calls it has SET plan_cache_mode, which ends the choice with the call:
-- else it would be the caller's to the end of his transaction.
CREATE FUNCTION plan_for(p_rows int) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM set_config('plan_cache_mode', CASE WHEN p_rows > 250 THEN 'force_custom_plan'
                       ELSE 'force_generic_plan' END, true);
END $$;
COMMENT ON FUNCTION plan_for(int) IS
    'choose, until the calling function ends, how statements over so many rows are planned';

CREATE FUNCTION rate_batch(p_fresh bigint[], p_follow boolean) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_stamped record;
BEGIN
    PERFORM plan_for(cardinality(p_fresh));
    SELECT * INTO v_stamped FROM stamp_input(ARRAY(SELECT i FROM entry_input(p_fresh, p_follow) i));
    PERFORM store_rating(v_stamped.p_input,
                         ARRAY(SELECT s FROM rate_input(v_stamped.p_input, v_stamped.contracts, v_stamped.terms,
                                                        '{}') s));
END $$;
COMMENT ON FUNCTION rate_batch(bigint[], boolean) IS
    'rate time entries of contracts whose entries do not bear on one another, as rate_entries() does';
-- ---------------------------------------------------------------------------
-- sequence: contracts whose entries bear on one another
-- ---------------------------------------------------------------------------

-- Entries of a contract with allotments, caps or rounding in groups.  A new
-- entry that would be rated alike with what is left in the end and with what
-- was left at its own time takes nothing from those that follow, so they stay
-- as they are.  Else these are rated again, some at a time, until all together
-- take what they took before: then nothing changes any more.
CREATE FUNCTION rate_sequence(p_base bigint, p_fresh bigint[], p_changed bigint[], p_from timestamptz,
                              p_last timestamptz, p_grouped boolean, p_follow boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_batch int := 50;  -- grows: a change that goes far is looked at in few steps
    v_stamped record;
    v_input rating_input[];
    v_contracts bigint[];
    v_terms bigint[];
    v_then jsonb := allotment_state(p_base, p_changed, p_from);
    v_end jsonb;
    v_rated rated_entry[];
    v_entries bigint[];
    v_difference allotment_use[] := '{}';
    -- deleted, or rated under another contract now: their charges are still here, but take nothing
    v_gone bigint[] := ARRAY(SELECT unnest(p_changed) EXCEPT SELECT unnest(p_fresh));
    v_from timestamptz := p_from;
    v_to timestamptz;
BEGIN
    PERFORM plan_for(cardinality(p_fresh));
    SELECT * INTO v_stamped FROM stamp_input(ARRAY(SELECT i FROM entry_input(p_fresh, p_follow) i));
    v_input := v_stamped.p_input;
    v_contracts := v_stamped.contracts;
    v_terms := v_stamped.terms;
    IF NOT p_grouped AND p_changed <> '{}' AND add_use('{}'::allotment_use[], p_changed, 1) = '{}' THEN
        v_end := v_then;
        IF EXISTS (SELECT FROM charge h WHERE h.contract_id = ANY (contract_group(p_base)) AND h.started_at >= p_from)
            THEN
            v_end := allotment_state(p_base, p_changed, p_from, true);
        END IF;
        v_rated := ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_end) s);
        IF v_then = v_end OR v_rated = ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_then) s) THEN
            PERFORM store_rating(v_input, v_rated);
            RETURN;
        END IF;
    END IF;

    IF v_contracts IS NULL OR NOT p_base = ANY (v_contracts) THEN
        v_contracts := v_contracts || p_base;
        v_terms := v_terms || (stamp_terms(p_base)).id;
    END IF;
    LOOP
        v_to := 'infinity';
        IF NOT p_grouped THEN
            v_to := coalesce((SELECT h.started_at FROM charge h
                               WHERE h.contract_id = p_base AND h.started_at > greatest(p_last, v_from)
                               ORDER BY h.started_at OFFSET v_batch LIMIT 1), 'infinity');
            v_batch := 2 * v_batch;
        END IF;
        v_input := v_input || ARRAY(SELECT i FROM stamped_input(p_base, v_from, v_to, p_changed, p_grouped) i);
        PERFORM plan_for(cardinality(v_input));
        IF v_to < 'infinity' THEN
            v_entries := ARRAY(SELECT i.entry_id FROM unnest(v_input) i UNION SELECT unnest(p_changed)
                               WHERE v_from = p_from);
            v_difference := add_use(v_difference, v_entries, -1);
        END IF;
        PERFORM store_rating(v_input, ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_then) s));
        EXIT WHEN v_to = 'infinity';
        v_difference := add_use(v_difference, ARRAY(SELECT i.entry_id FROM unnest(v_input) i), 1);
        -- what a period takes is nothing to those after it
        EXIT WHEN NOT EXISTS (SELECT FROM unnest(v_difference) d
                               WHERE d.period_start IS NULL OR d.period_start >= period_at(p_base, v_to));
        v_from := v_to;
        v_then := allotment_state(p_base, v_gone, v_from);
        v_input := '{}';
    END LOOP;
END $$;
COMMENT ON FUNCTION rate_sequence(bigint, bigint[], bigint[], timestamptz, timestamptz, boolean, boolean) IS
    'rate fresh entries of a contract as rate_entries() does, and as stamped those from an instant on that the change '
    'bears on; p_changed are all entries that this change touches, p_last the instant of the last of them, p_grouped '
    'whether entries are rounded together';

CREATE FUNCTION sequence_start(p_base bigint, p_scope text, p_instant timestamptz, p_day date, p_tasks bigint[])
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
    SELECT CASE p_scope
               WHEN 'entry' THEN p_instant
               WHEN 'task' THEN least(p_instant, (
                   SELECT min(h.started_at) FROM charge h WHERE h.contract_id = p_base AND h.task_id = ANY (p_tasks)))
               ELSE least(p_instant, d.day::timestamp AT TIME ZONE contract_zone(c.calendar_id)) END
      FROM contract c
     CROSS JOIN LATERAL (SELECT CASE p_scope WHEN 'period' THEN lower(service_period(c, p_day))
                                             ELSE p_day END AS day) d
     WHERE c.id = p_base);
END $$;
COMMENT ON FUNCTION sequence_start(bigint, text, timestamptz, date, bigint[]) IS
    'from which instant a change re-rates a contract: where the first rounding group that it touches begins';

-- What an allotment that comes or goes changes: all that is open from a day on,
-- and work that runs into it.
CREATE FUNCTION rate_again(p_base contract, p_from date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_from timestamptz := least(p_from, lower(service_period(p_base, p_from)))::timestamp
                          AT TIME ZONE contract_zone(p_base.calendar_id);
BEGIN
    IF p_base.round_scope = 'task'
        OR EXISTS (SELECT FROM charge h WHERE h.contract_id = p_base.id AND h.late AND NOT h.committed) THEN
        v_from := '-infinity';
    END IF;
    v_from := least(v_from, (
        SELECT min(h.started_at) FROM charge h JOIN time_entry e ON e.id = h.time_entry_id
         WHERE h.client_id = p_base.client_id AND NOT h.committed AND h.started_at < v_from AND e.ended_at > v_from));
    PERFORM rate_sequence(p_base.id, '{}', '{}', v_from, v_from, true);
    PERFORM carry_again(ARRAY[p_base.id]);
END $$;
COMMENT ON FUNCTION rate_again(contract, date) IS
    'rate the open work of a contract group again from a day on, as stamped, with the allotments and caps there are '
    'now';

CREATE FUNCTION follow_caps(p_contracts bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM rate_again(b, b.starts_on)
       FROM (SELECT DISTINCT q.base_id AS id FROM capped_contract q WHERE q.contract_id = ANY (p_contracts)
              ORDER BY 1) x
      CROSS JOIN LATERAL lock_contract(x.id) b;
END $$;
COMMENT ON FUNCTION follow_caps(bigint[]) IS
    'rate the open work of those of these contracts that have caps again: something else counts against them now';
-- ---------------------------------------------------------------------------
-- rating: a time entry becomes charges in the transaction that logs it
--
-- entry_context says what an entry is about and which contract takes it;
-- contract_terms and allotment_state describe that contract as values; the
-- engine, rate(), turns the three into segments; rate_entries stores them.
-- ---------------------------------------------------------------------------

CREATE FUNCTION lock_entries(p_entries bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charged bigint[] := ARRAY(
        SELECT DISTINCT h.client_id FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id
            WHERE NOT h.committed);
    v_held bigint[];
    v_clients bigint[];
BEGIN
    -- A task may move while we wait: then its new client is held too.
    LOOP
        v_clients := ARRAY(
            SELECT DISTINCT p.client_id FROM unnest(p_entries) x (id) JOIN time_entry e USING (id)
              JOIN task t ON t.id = e.task_id JOIN project p ON p.id = t.project_id ORDER BY 1);
        EXIT WHEN v_clients = v_held;
        PERFORM lock_parties(v_clients || v_charged);
        v_held := v_clients;
    END LOOP;
    v_clients := ARRAY(SELECT unnest(v_clients) UNION SELECT unnest(v_charged));
    PERFORM FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id AND NOT h.committed
        ORDER BY h.id FOR NO KEY UPDATE OF h;
    RETURN v_clients;
END $$;
COMMENT ON FUNCTION lock_entries(bigint[]) IS
    'hold the clients of time entries, then lock the charges they have, as documents do; returns the clients';

CREATE FUNCTION rate_entries(p_entries bigint[], p_follow boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_batch CONSTANT int := 50000;  -- bounds the memory of one statement; any size gives the same charges
    v_clients bigint[];
    v_sequence record;
    v_rest bigint[];
    v_bases bigint[] := '{}';
    v_count int;
BEGIN
    IF coalesce(cardinality(p_entries), 0) = 0 THEN
        RETURN;
    END IF;
    PERFORM plan_for(cardinality(p_entries));

    v_clients := lock_entries(p_entries);
    -- What a document or a close took while we waited for the lock stays as it is.
    v_rest := ARRAY(
        SELECT x.id FROM unnest(p_entries) x (id)
         WHERE NOT EXISTS (SELECT FROM live_charge h WHERE h.time_entry_id = x.id AND h.committed));

    IF EXISTS (SELECT FROM contract c JOIN sequential_contract q ON q.contract_id = c.id
               WHERE c.client_id = ANY (v_clients)) THEN
        FOR v_sequence IN
            WITH touched AS MATERIALIZED (
                SELECT x.entry_id, x.contracts[1] AS base_id, x.instant, x.work_date, x.task_id, true AS fresh
                  FROM entry_context(v_rest) x WHERE cardinality(x.contracts) = 1
                UNION ALL
                SELECT h.time_entry_id, coalesce(c.parent_id, c.id), h.started_at, h.service_date, h.task_id, false
                  FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id AND NOT h.committed
                      JOIN contract c ON c.id = h.contract_id
            )
            SELECT t.base_id, min(t.instant) AS instant, max(t.instant) AS last_instant, min(t.work_date) AS work_date,
                array_agg(DISTINCT t.task_id) AS tasks, b.round_scope,
                   coalesce(array_agg(DISTINCT t.entry_id) FILTER (WHERE t.fresh), '{}') AS fresh,
                   coalesce(array_agg(DISTINCT t.work_date) FILTER (WHERE t.fresh), '{}') AS days
              FROM touched t
              JOIN contract b ON b.id = t.base_id
             WHERE EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = t.base_id)
             GROUP BY t.base_id, b.round_scope ORDER BY t.base_id
        LOOP
            -- work may run into the next period, and late work draws on the open one
            PERFORM grant_included(v_sequence.base_id, v_sequence.days || ARRAY(
                SELECT (e.ended_at AT TIME ZONE contract_zone(c.calendar_id))::date
                  FROM unnest(v_sequence.fresh) x (id) JOIN time_entry e USING (id)
                      JOIN contract c ON c.id = v_sequence.base_id
                 WHERE e.ended_at IS NOT NULL
                UNION
                SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = v_sequence.base_id
                    HAVING max(b.period_end) > v_sequence.work_date));
            PERFORM rate_sequence(v_sequence.base_id, v_sequence.fresh, p_entries,
                                  sequence_start(v_sequence.base_id, v_sequence.round_scope, v_sequence.instant,
                                                 v_sequence.work_date, v_sequence.tasks),
                                  v_sequence.last_instant, v_sequence.round_scope <> 'entry', p_follow);
            v_rest := ARRAY(SELECT unnest(v_rest) EXCEPT SELECT unnest(v_sequence.fresh));
            v_bases := v_bases || v_sequence.base_id;
        END LOOP;
    END IF;

    v_count := cardinality(v_rest);
    IF v_count > c_batch THEN
        -- work of one contract together: its terms are read once
        v_rest := ARRAY(SELECT x.id FROM unnest(v_rest) x (id) LEFT JOIN time_entry e USING (id)
                        LEFT JOIN task t ON t.id = e.task_id
                         ORDER BY t.project_id, x.id);
    END IF;
    FOR i IN 0 .. (v_count - 1) / c_batch LOOP
        PERFORM rate_batch(v_rest[i * c_batch + 1 : (i + 1) * c_batch], p_follow) WHERE v_count > 0;
    END LOOP;
    -- what is deleted has its charges still; whoever takes them away carries on
    PERFORM carry_again(v_bases) WHERE v_bases <> '{}' AND EXISTS (SELECT FROM time_entry e WHERE e.id = p_entries[1]);
END $$;
COMMENT ON FUNCTION rate_entries(bigint[], boolean) IS
    'rate time entries as configured now, or (p_follow) as their facts are now at the prices stamped on them, and '
    'whatever follows them in contracts with allotments, caps or shared rounding; holds their clients';

CREATE FUNCTION rerate(contract_id bigint, from_date date) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_entries bigint[];
BEGIN
    PERFORM FROM contract c WHERE c.id = contract_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no contract %', contract_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'View contract_card lists the contracts.';
    END IF;
    v_entries := ARRAY(
        SELECT h.time_entry_id FROM charge h
         WHERE NOT h.committed AND h.time_entry_id IS NOT NULL AND h.service_date >= from_date
           AND NOT EXISTS (SELECT FROM live_charge f WHERE f.time_entry_id = h.time_entry_id AND f.committed)
           AND h.contract_id IN (SELECT c.id FROM contract c WHERE rerate.contract_id IN (c.id, c.parent_id))
        UNION
        SELECT e.id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id JOIN contract c ON c.client_id = p.client_id
              AND c.id = rerate.contract_id
         WHERE coalesce((e.started_at AT TIME ZONE 'UTC')::date, e.work_date) >= from_date - 1
        ORDER BY 1);
    PERFORM rate_entries(v_entries);
    PERFORM charge_task(t.task_id)
       FROM (SELECT DISTINCT u.task_id FROM uncharged_task u JOIN contract c USING (client_id)
              WHERE c.id = contract_id ORDER BY 1) t;
    PERFORM make_corrections(contract_id);
    RETURN cardinality(v_entries);
END $$;
COMMENT ON FUNCTION rerate(bigint, date) IS
    'rate the unfrozen work of a contract and its client''s unrated work again, from a work date on, as configured '
    'now, and put right what stands in correction_due of it; returns how many entries were looked at';
SELECT allow('manager', 'execute', 'rerate');

CREATE VIEW unrated WITH (security_invoker) AS
    SELECT r.time_entry_id, p.client_id, k.name AS client, t.project_id, p.name AS project, e.task_id, t.title AS task,
           e.employee_id, m.name AS employee,
               coalesce((e.started_at AT TIME ZONE s.zone)::date, e.work_date) AS work_date,
           (e.worked_s / 3600.0)::numeric(18,2) AS hours, r.problem AS reason, r.found_at, r.kind
      FROM rating_problem r
     CROSS JOIN setting s
      JOIN time_entry e ON e.id = r.time_entry_id
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id;
COMMENT ON VIEW unrated IS
    'time entries that could not be rated, each with the reason; rerate() tries again once the reason is gone';
SELECT allow('reader', 'select', 'unrated');
-- ---------------------------------------------------------------------------
-- fact: open work follows what it is about
--
-- An open charge is at every moment what rating makes of the facts of its work:
-- its task, kind of work, project and client, the life of the contracts that may
-- take it, the cost rates and exchange rates of its day.  Whatever changes a fact
-- calls follow_entries(); what cannot follow, because it is billed, is refused here
-- or waits in correction_due.
-- ---------------------------------------------------------------------------

CREATE FUNCTION open_entries(p_clients bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(
        SELECT h.time_entry_id FROM charge h
         WHERE h.client_id = ANY (p_clients) AND NOT h.committed AND h.source = 'time'
        UNION
        SELECT r.time_entry_id
          FROM rating_problem r
          JOIN time_entry e ON e.id = r.time_entry_id
          JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id
         WHERE p.client_id = ANY (p_clients)
        ORDER BY 1);
END $$;
COMMENT ON FUNCTION open_entries(bigint[]) IS 'the work of clients that is not billed: with open charges, or unrated';

-- What the engine itself found wanting, a price or a list, is no fact of the work.
CREATE FUNCTION entries_astray(p_entries bigint[]) RETURNS TABLE (entry_id bigint, was text, is_now text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT i.entry_id, a.was, a.is_now
      FROM entry_input(p_entries, true) i
      JOIN time_entry e ON e.id = i.entry_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      LEFT JOIN LATERAL open_work(i.entry_id) o ON true
      LEFT JOIN rating_problem r ON r.time_entry_id = i.entry_id
     CROSS JOIN LATERAL (
        SELECT coalesce(r.problem, concat_ws(', ', o.disposition, 'contract ' || o.contract_id,
                                             'project ' || o.project_id, 'kind of work ' || o.work_type_id,
                                             'cost ' || trim_scale(o.cost_rate),
                                             'rate ' || trim_scale(o.base_rate))) AS was,
               coalesce(i.problem, concat_ws(', ', i.disposition, 'contract ' || i.contract_id,
                                             'project ' || t.project_id,
                                             'kind of work ' || coalesce(e.work_type_id, t.work_type_id),
                                             'cost ' || trim_scale(i.cost_rate),
                                             'rate ' || trim_scale(i.base_rate))) AS is_now) a
     WHERE CASE WHEN i.problem_kind IS NOT NULL THEN o.disposition IS NOT NULL OR r.kind IS DISTINCT FROM i.problem_kind
                WHEN o.disposition IS NULL THEN coalesce(r.kind, '') NOT IN ('no_price', 'no_price_list')
                ELSE (i.contract_id, p.client_id, t.project_id, coalesce(e.work_type_id, t.work_type_id),
                      i.disposition, i.cost_rate, i.base_cost_rate, i.base_rate)
                     IS DISTINCT FROM (o.contract_id, o.client_id, o.project_id, o.work_type_id,
                                       o.disposition, o.cost_rate, o.base_cost_rate, o.base_rate)
                     OR i.disposition <> 'billable' AND i.disposition_why IS DISTINCT FROM o.why END
       AND NOT EXISTS (SELECT FROM live_charge f WHERE f.time_entry_id = i.entry_id AND f.committed);
END;
COMMENT ON FUNCTION entries_astray(bigint[]) IS
    'which of these entries are not billed and are rated by other facts than those of now: as what they were rated, '
    'and what they are';

CREATE FUNCTION follow_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_entries(p_entries);
    PERFORM rate_entries(ARRAY(SELECT a.entry_id FROM entries_astray(p_entries) a ORDER BY 1), true);
END $$;
COMMENT ON FUNCTION follow_entries(bigint[]) IS
    'rate those of these entries again whose facts changed, at the prices stamped on them; holds their clients';

-- What is being frozen meanwhile is seen once its client is held.
CREATE FUNCTION follow_work(p_charges bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY(SELECT DISTINCT h.client_id FROM charge h WHERE h.id = ANY (p_charges) ORDER BY 1));
    PERFORM recheck_charges(p_charges);
    PERFORM follow_entries(ARRAY(
        SELECT DISTINCT h.time_entry_id FROM charge h
         WHERE h.id = ANY (p_charges) AND h.source = 'time' AND NOT h.committed ORDER BY 1));
END $$;
COMMENT ON FUNCTION follow_work(bigint[]) IS
    'let charges follow what changed of the cost or worth of their work: open ones at once, frozen ones by '
    'correction_due';

-- ---------------------------------------------------------------------------
-- what is billed and cannot follow
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_billed_kind(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    SELECT h.id, h.time_entry_id, t.title, i.disposition INTO v_charge
      FROM entry_input(p_entries) i
      JOIN live_charge h ON h.time_entry_id = i.entry_id AND h.source = 'time' AND h.committed
      JOIN task t ON t.id = h.task_id
     WHERE charged_disposition(h.coverage, h.allotment_id) <> i.disposition
       AND NOT (h.coverage = 'included' AND i.disposition = 'billable')
     ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'work on task "%" is billed and cannot become %', v_charge.title, v_charge.disposition
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'task_kind_not_billed',
                DETAIL = format('Time entry %s. %s', v_charge.time_entry_id, frozen_by(v_charge.id)),
                HINT = 'Correct what is billed first, entry by entry, with correct_entry() and "billable", or credit() '
                       'the invoice.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_billed_kind(bigint[]) IS
    'refuse (23001) that work is billed in another way than before when some of it is billed, naming the document';

CREATE FUNCTION refuse_outside_life(p_contract contract) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    SELECT h.id, h.service_date, h.source INTO v_charge
      FROM charge h
     WHERE h.contract_id = ANY (contract_group(p_contract.id)) AND h.committed AND h.source = 'time'
       AND (p_contract.status = 'draft' OR h.service_date < p_contract.starts_on OR h.service_date > p_contract.ends_on)
       AND EXISTS (SELECT FROM live_charge l WHERE l.id = h.id)
     ORDER BY h.service_date, h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'work of % is billed by contract "%", which would not be in force then', v_charge.service_date,
            p_contract.number
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'contract_life_holds_work',
                DETAIL = format('It would be %s, from %s to %s. %s', p_contract.status, iso(p_contract.starts_on),
                                coalesce(iso(p_contract.ends_on), 'further notice'), frozen_by(v_charge.id)),
                HINT = 'Correct that work first with correct_entry(), or credit() its invoice; or end the contract on '
                       'that day or later.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_outside_life(contract) IS
    'refuse (23001) the life of a contract that leaves billed work outside, naming what holds the work; fees that are '
    'billed for days outside wait in correction_due';

-- ---------------------------------------------------------------------------
-- what makes facts change
-- ---------------------------------------------------------------------------

CREATE FUNCTION follow_contracts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_now contract[];
    v_before contract[] := '{}';
    v_clients bigint[];
    v_capped bigint[] := '{}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_now := ARRAY(SELECT n FROM new_rows n WHERE n.renews_id IS NOT NULL ORDER BY n.id);
        v_clients := ARRAY(SELECT DISTINCT n.client_id FROM new_rows n WHERE n.status <> 'draft' ORDER BY 1);
    ELSE
        SELECT array_agg(n ORDER BY n.id), array_agg(o ORDER BY n.id) INTO v_now, v_before
          FROM new_rows n JOIN old_rows o USING (id)
         WHERE (n.parent_id, n.status, n.starts_on, n.ends_on, n.calendar_id, n.period, anchor_of(n), n.renews_id)
               IS DISTINCT FROM
               (o.parent_id, o.status, o.starts_on, o.ends_on, o.calendar_id, o.period, anchor_of(o), o.renews_id);
        v_clients := ARRAY(
            SELECT x.client_id FROM new_rows n JOIN old_rows o USING (id)
             CROSS JOIN LATERAL (VALUES (n.client_id), (o.client_id)) x (client_id)
             WHERE (n.client_id, n.project_id, n.parent_id, n.model, n.status, n.starts_on, n.ends_on,
                    n.needs_approval, n.needs_specification)
                   IS DISTINCT FROM (o.client_id, o.project_id, o.parent_id, o.model, o.status, o.starts_on, o.ends_on,
                                     o.needs_approval, o.needs_specification)
             GROUP BY 1 ORDER BY 1);
        v_capped := ARRAY(
            SELECT DISTINCT coalesce(n.parent_id, n.id) FROM new_rows n JOIN old_rows o USING (id)
             WHERE contract_caps(n) <> contract_caps(o)
               AND num_nonnulls(n.cap_amount, n.cap_s, n.period_cap_amount, n.period_cap_s,
                                o.cap_amount, o.cap_s, o.period_cap_amount, o.period_cap_s) > 0 ORDER BY 1);
    END IF;
    IF cardinality(v_now) > 0 THEN
        PERFORM lock_parties(ARRAY(SELECT x.client_id FROM unnest(v_now || v_before) x));
        PERFORM follow_lives(v_now, v_before);
    END IF;
    IF cardinality(v_clients) > 0 THEN
        PERFORM lock_parties(v_clients);
        PERFORM recheck_charges(ARRAY(
            SELECT h.id FROM contract c JOIN contract_line n ON n.contract_id = c.id
              JOIN charge h ON h.contract_line_id = n.id
             WHERE c.client_id = ANY (v_clients) AND h.source = 'fee' ORDER BY 1)) WHERE TG_OP = 'UPDATE';
        PERFORM follow_entries(open_entries(v_clients));
        PERFORM charge_task(t.id)
           FROM (SELECT h.task_id AS id FROM charge h
                  WHERE h.client_id = ANY (v_clients) AND NOT h.committed AND h.task_item_id IS NOT NULL
                 UNION
                 SELECT u.task_id FROM uncharged_task u WHERE u.client_id = ANY (v_clients) ORDER BY 1) t;
    END IF;
    PERFORM rate_again(b, b.starts_on) FROM unnest(v_capped) x (id) CROSS JOIN LATERAL lock_contract(x.id) b;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_contracts() IS
    'trigger function of contract: open work of the client, and the fixed prices of his tasks, follow the contracts '
    'that are in force now, and their caps; SECURITY DEFINER because nobody is granted INSERT on charge';

CREATE FUNCTION follow_kinds() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_changed bigint[] := ARRAY(SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
                                 WHERE n.billable IS DISTINCT FROM o.billable);
BEGIN
    IF cardinality(v_changed) > 0 THEN
        PERFORM follow_entries(ARRAY(
            SELECT DISTINCT h.time_entry_id FROM charge h
             WHERE NOT h.committed AND h.source = 'time'
               AND CASE TG_TABLE_NAME WHEN 'project' THEN h.project_id ELSE h.work_type_id END = ANY (v_changed)
            UNION
            SELECT r.time_entry_id FROM rating_problem r ORDER BY 1));
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_kinds() IS
    'trigger function of work_type and project: open work follows what they say of it; SECURITY DEFINER because nobody '
    'is granted INSERT on charge';

CREATE FUNCTION follow_cost_rates() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_changed record;
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN
            SELECT array_agg(n.employee_id) AS employees, array_agg(n.role) AS roles, min(n.valid_from) AS since
              INTO v_changed FROM new_rows n;
        WHEN 'DELETE' THEN
            SELECT array_agg(o.employee_id) AS employees, array_agg(o.role) AS roles, min(o.valid_from) AS since
              INTO v_changed FROM old_rows o;
        ELSE
            SELECT array_agg(x.employee_id) AS employees, array_agg(x.role) AS roles, min(x.valid_from) AS since
              INTO v_changed FROM (SELECT n.employee_id, n.role, n.valid_from FROM new_rows n
                                   UNION ALL SELECT o.employee_id, o.role, o.valid_from FROM old_rows o) x;
    END CASE;
    PERFORM follow_work(ARRAY(
        SELECT h.id FROM charge h
         WHERE h.source = 'time' AND h.service_date >= v_changed.since
           AND (h.employee_id = ANY (v_changed.employees) OR h.role = ANY (v_changed.roles)) ORDER BY 1));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_cost_rates() IS
    'trigger function of cost_rate: the cost of open work is that of its day, though the rate comes later; SECURITY '
    'DEFINER because nobody is granted INSERT on charge';

-- What is no work has its worth alone to follow.
CREATE FUNCTION revalue_charges(p_charges bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE charge h SET base_rate = n.rate, base_amount = round_money(h.amount * n.rate, n.exponent),
           base_cost = round_money(h.cost * n.rate, n.exponent)
      FROM (SELECT o.id, exchange_rate_on(o.currency, s.base_currency, rate_day(o)) AS rate, u.exponent::int AS exponent
              FROM charge o, setting s JOIN currency_code u ON u.code = s.base_currency
             WHERE o.id = ANY (p_charges) AND o.source <> 'time' AND NOT o.committed) n
     WHERE h.id = n.id AND n.rate <> h.base_rate;
END $$;
COMMENT ON FUNCTION revalue_charges(bigint[]) IS
    'open charges that are no work are worth in the base currency what the rate of their day makes of them';

CREATE FUNCTION follow_exchange_rates() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_changed record;
    v_charges bigint[];
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN
            SELECT array_agg(n.base) || array_agg(n.quote) AS codes, min(n.valid_from) AS since
              INTO v_changed FROM new_rows n;
        WHEN 'DELETE' THEN
            SELECT array_agg(o.base) || array_agg(o.quote) AS codes, min(o.valid_from) AS since
              INTO v_changed FROM old_rows o;
        ELSE
            SELECT array_agg(x.base) || array_agg(x.quote) AS codes, min(x.valid_from) AS since INTO v_changed
              FROM (SELECT n.base, n.quote, n.valid_from FROM new_rows n
                    UNION ALL SELECT o.base, o.quote, o.valid_from FROM old_rows o) x;
    END CASE;
    v_charges := ARRAY(
        SELECT h.id FROM charge h CROSS JOIN setting s
         WHERE h.service_date >= v_changed.since
           AND (h.currency <> s.base_currency AND h.currency = ANY (v_changed.codes)
                OR h.source = 'time' AND EXISTS (
                    SELECT FROM cost_rate r WHERE (r.employee_id = h.employee_id OR r.role = h.role)
                       AND r.currency NOT IN (h.currency, s.base_currency) AND r.currency = ANY (v_changed.codes)))
         ORDER BY 1);
    PERFORM follow_work(v_charges), revalue_charges(v_charges);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_exchange_rates() IS
    'trigger function of exchange_rate: open charges are worth what the rate of their day makes of them, though it '
    'comes in the evening; SECURITY DEFINER because nobody is granted UPDATE on charge';

CREATE FUNCTION follow_allotments() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_changed record;
BEGIN
    FOR v_changed IN
        SELECT coalesce(c.parent_id, c.id) AS base_id, min(least(n.effective_at, o.effective_at)) AS since
          FROM new_rows n JOIN old_rows o USING (id) JOIN contract c ON c.id = n.contract_id
         WHERE (n.unit, n.amount, n.priority, n.effective_at, n.expires_at, n.scope_work_types, n.voided_at)
               IS DISTINCT FROM
               (o.unit, o.amount, o.priority, o.effective_at, o.expires_at, o.scope_work_types, o.voided_at)
         GROUP BY 1 ORDER BY 1
    LOOP
        PERFORM rate_again(b, (v_changed.since AT TIME ZONE contract_zone(b.calendar_id))::date)
           FROM lock_contract(v_changed.base_id) b;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_allotments() IS
    'trigger function of allotment: open work draws on what there is to draw on; SECURITY DEFINER because nobody is '
    'granted INSERT on charge';
-- ---------------------------------------------------------------------------
-- follow: charges follow the work they are for
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_frozen_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    SELECT h.id, h.time_entry_id INTO v_charge FROM live_charge h
     WHERE h.time_entry_id = ANY (p_entries) AND h.committed ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % is billed and cannot be changed', v_charge.time_entry_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'time_entry_not_billed', DETAIL = frozen_by(v_charge.id),
                HINT = 'Use correct_entry(): it reverses the charge and bills the corrected work in the open period.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_frozen_entries(bigint[]) IS
    'refuse (23001) when one of these entries has a frozen charge, naming what froze it';

-- Work that comes late for a closed period, under a contract that does not
-- take it.  What was logged before the close, or billed and corrected, is in time.
CREATE FUNCTION refuse_late_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_late record;
BEGIN
    SELECT h.time_entry_id, h.service_date, c.number, c.late_policy, b.period_start, b.period_end INTO v_late
      FROM unnest(p_entries) x (id)
      JOIN charge h ON h.time_entry_id = x.id AND h.late AND NOT h.committed
      JOIN contract k ON k.id = h.contract_id
      JOIN contract c ON c.id = coalesce(k.parent_id, k.id) AND c.late_policy <> 'next_period'
      JOIN billing_period b ON b.contract_id = c.id AND h.service_date >= b.period_start
          AND h.service_date < b.period_end
     WHERE NOT EXISTS (SELECT FROM charge f WHERE f.time_entry_id = x.id AND f.committed)
     ORDER BY h.time_entry_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the period from % to % of contract "%" is closed and takes no work of %', v_late.period_start,
            v_late.period_end - 1,
            v_late.number, v_late.service_date
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'time_entry_period_open',
                DETAIL = format('Time entry %s; the contract''s late_policy is %s.', v_late.time_entry_id,
                                v_late.late_policy),
                HINT = CASE v_late.late_policy WHEN 'reopen' THEN 'reopen_period() opens the last closed period again.'
                            ELSE 'Log it on a day of the open period, or change late_policy.' END;
    END IF;
END $$;
COMMENT ON FUNCTION refuse_late_entries(bigint[]) IS
    'refuse (23001) work of a closed period where the contract''s late_policy is reject or reopen, naming the period';

CREATE FUNCTION rate_changed_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_entries bigint[];
    v_moved bigint[];
    v_corrected bigint[];
    v_before numeric[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_entries := ARRAY(SELECT n.id FROM new_rows n ORDER BY n.id);
    ELSE
        -- What does not bear on money (a comment, an outside id) rates nothing again.
        v_entries := ARRAY(
            SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
             WHERE to_jsonb(n) - '{comment,source,external_id,approved_by,override_reason}'::text[]
                <> to_jsonb(o) - '{comment,source,external_id,approved_by,override_reason}'::text[] ORDER BY n.id);
        PERFORM lock_entries(v_entries);
        PERFORM refuse_frozen_entries(v_entries);
        -- what was billed once and corrected may not be lowered further unseen
        SELECT array_agg(b.id), array_agg(b.amount) INTO v_corrected, v_before
          FROM (SELECT h.time_entry_id AS id, sum(h.base_amount) AS amount FROM charge h
                 WHERE h.time_entry_id = ANY (v_entries) GROUP BY 1 HAVING bool_or(h.committed)) b;
    END IF;
    IF cardinality(v_entries) = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM refuse_long_entries(v_entries)
      WHERE EXISTS (SELECT FROM new_rows n, setting s WHERE n.worked_s > s.max_entry_s);
    PERFORM rate_entries(v_entries);
    PERFORM concede('correction', (
        SELECT sum(greatest(b.amount - coalesce(a.amount, 0), 0)) FROM unnest(v_corrected, v_before) b (id, amount)
          LEFT JOIN (SELECT h.time_entry_id AS id, sum(h.base_amount) AS amount FROM charge h
                     WHERE h.time_entry_id = ANY (v_corrected) GROUP BY 1) a USING (id)
        ), NULL, NULL, 'change of corrected work') WHERE v_corrected IS NOT NULL;
    -- approval may come after the close, work may not
    IF TG_OP = 'INSERT' THEN
        v_moved := v_entries;
    ELSE
        v_moved := ARRAY(SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
                          WHERE (n.task_id, n.contract_id, n.started_at, n.ended_at, n.work_date, n.worked_s)
                                IS DISTINCT FROM (o.task_id, o.contract_id, o.started_at, o.ended_at, o.work_date,
                                                  o.worked_s));
    END IF;
    IF cardinality(v_moved) > 0 AND EXISTS (SELECT FROM contract c WHERE c.late_policy <> 'next_period') THEN
        PERFORM refuse_late_entries(v_moved);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION rate_changed_entries() IS
    'trigger function of time_entry: rates what was inserted or changed; SECURITY DEFINER because nobody is granted '
    'INSERT on charge';

CREATE FUNCTION unrate_deleted_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_deleted bigint[] := ARRAY(SELECT o.id FROM old_rows o ORDER BY o.id);
    v_charge record;
    v_bases bigint[];
BEGIN
    PERFORM lock_entries(v_deleted);
    SELECT h.id, h.time_entry_id INTO v_charge FROM charge h WHERE h.time_entry_id = ANY (v_deleted)
        AND h.committed LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % is billed and cannot be deleted', v_charge.time_entry_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_charge.id),
                HINT = 'Use correct_entry(): it reverses the charge in the open period.';
    END IF;
    PERFORM rate_entries(v_deleted);  -- nothing fresh is left of them; what followed them is rated again
    WITH gone AS (DELETE FROM charge h WHERE h.time_entry_id = ANY (v_deleted) RETURNING h.contract_id)
    SELECT array_agg(DISTINCT coalesce(c.parent_id, c.id)) INTO v_bases
      FROM gone g JOIN contract c ON c.id = g.contract_id;
    PERFORM carry_again(v_bases);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION unrate_deleted_entries() IS
    'trigger function of time_entry: takes the provisional charges of deleted entries away and rates what followed '
    'them again; billed ones are refused (23001)';
-- ---------------------------------------------------------------------------
-- words: what reasons and explanations are made of, in three languages
--
-- The one place of these words.  A template is filled in by format(): its places
-- may stand in any order, and a per cent sign is written twice.
-- ---------------------------------------------------------------------------

CREATE FUNCTION explain_words() RETURNS TABLE (name text, en text, uk text, ru text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES
    -- units
    ('hour', '%s h', '%s год', '%s ч'),
    ('minute', '%s min', '%s хв', '%s мин'),
    ('second', '%s s', '%s с', '%s с'),
    ('minus', 'minus %s', 'мінус %s', 'минус %s'),
    -- hours of the calendar
    ('band_regular', 'regular hours', 'робочі години', 'рабочие часы'),
    ('band_off_hours', 'off hours', 'неробочі години', 'нерабочие часы'),
    ('band_night', 'night hours', 'нічні години', 'ночные часы'),
    ('band_weekend', 'weekend hours', 'години вихідних', 'часы выходных'),
    ('band_holiday', 'holiday hours', 'святкові години', 'праздничные часы'),
    ('band', '%s hours', 'години «%s»', 'часы «%s»'),
    -- why: time
    ('rounded_hand', '%s worked, set by hand to %s', 'відпрацьовано %s, вручну встановлено %s',
        'отработано %s, вручную установлено %s'),
    ('rounded_up', '%s worked, rounded up to %s', 'відпрацьовано %s, округлено вгору до %s',
        'отработано %s, округлено вверх до %s'),
    ('rounded_down', '%s worked, rounded down to %s', 'відпрацьовано %s, округлено вниз до %s',
        'отработано %s, округлено вниз до %s'),
    ('rounded_minimum', '%s worked, raised to %s', 'відпрацьовано %s, збільшено до %s',
        'отработано %s, увеличено до %s'),
    ('rounded_maximum', '%s worked, limited to %s', 'відпрацьовано %s, обмежено до %s',
        'отработано %s, ограничено до %s'),
    ('rounded_group', '%1$s worked, rounded with the rest of its %3$s to %2$s',
        'відпрацьовано %1$s, округлено разом: %3$s, до %2$s',
        'отработано %1$s, округлено вместе: %3$s, до %2$s'),
    ('group_task_day', 'task and day', 'робота дня над завданням', 'работа дня по задаче'),
    ('group_day', 'day', 'робота дня', 'работа дня'),
    ('group_task', 'task', 'уся робота над завданням', 'вся работа по задаче'),
    ('group_period', 'period', 'робота періоду', 'работа периода'),
    ('band_minimum', 'raised to the minimum of %s', 'збільшено до мінімуму %s', 'увеличено до минимума %s'),
    ('burn', 'each second counted %s times', 'кожна секунда рахується з коефіцієнтом %s',
        'каждая секунда считается с коэффициентом %s'),
    -- why: price
    ('band_price', '%s: the price%s%s', '%s: ціна%s%s', '%s: цена%s%s'),
    ('times', ' times %s', ' × %s', ' × %s'),
    ('plus', ' plus %s', ' плюс %s', ' плюс %s'),
    ('less', ' less %s %%', ' мінус %s %%', ' минус %s %%'),
    ('tiers', 'by tiers, %s', 'за ступенями, %s', 'по ступеням, %s'),
    ('discount', 'discount of %s %% by %s', 'знижка %s %% (%s)', 'скидка %s %% (%s)'),
    ('by_position', 'the position', 'позиція прайсу', 'позиция прайса'),
    ('by_contract', 'the contract', 'договір', 'договор'),
    ('by_list', 'the list', 'прайс', 'прайс'),
    ('cap', 'over the cap of %s: %s written off', 'понад ліміт %s: списано %s', 'сверх лимита %s: списано %s'),
    ('cap_met', 'up to the cap of %s', 'до ліміту %s', 'до лимита %s'),
    ('cap_or', '%s or %s', '%s або %s', '%s или %s'),
    ('cap_period', '%s from %s to %s', '%s з %s по %s', '%s с %s по %s'),
    ('cap_period_part', '%s from %s to %s (%s of %s days, rule %s)', '%s з %s по %s (%s з %s днів, правило %s)',
        '%s с %s по %s (%s из %s дней, правило %s)'),
    -- why: what is not billed by the hour
    ('disposition_entry', 'entry', 'запис часу', 'запись времени'),
    ('disposition_task', 'task', 'завдання', 'задача'),
    ('disposition_work_type', 'work type %s', 'вид робіт %s', 'вид работ %s'),
    ('disposition_project', 'project', 'проєкт', 'проект'),
    ('disposition_own_project', 'project of the own company', 'проєкт своєї компанії', 'проект своей компании'),
    ('disposition_task_price', 'in the fixed price of the task', 'у фіксованій ціні завдання',
        'в фиксированной цене задачи'),
    ('disposition_contract_price', 'in the fixed price of the contract', 'у фіксованій ціні договору',
        'в фиксированной цене договора'),
    -- why: what is no work
    ('fee_once', '%s, once', '%s, одноразово', '%s, единоразово'),
    ('fee', '%s, from %s to %s', '%s, з %s по %s', '%s, с %s по %s'),
    ('fee_part', '%s, from %s to %s: %s of the %s days of the period (rule %s) of %s',
        '%s, з %s по %s: %s з %s днів періоду (правило %s) від %s', '%s, с %s по %s: %s из %s дней периода (правило '
        '%s) от %s'),
    ('stage', '%s, accepted on %s', '%s, прийнято %s', '%s, принято %s'),
    ('block_hours', '%s prepaid hours', 'передплачені години: %s', 'предоплаченные часы: %s'),
    ('block_money', 'prepaid money', 'передплачені кошти', 'предоплаченные деньги'),
    ('block_from', '%s, from %s', '%s, з %s', '%s, с %s'),
    ('block_to', '%s to %s', '%s по %s', '%s по %s'),
    ('expense_rate', '%s %s at the rate of %s', '%s %s за курсом на %s', '%s %s по курсу на %s'),
    ('expense_cost', 'passed on at cost', 'за собівартістю', 'по себестоимости'),
    ('expense_markup', 'cost with %s %% on it', 'собівартість з націнкою %s %%', 'себестоимость с наценкой %s %%'),
    ('write_off', 'write-off of charge %s', 'списання з нарахування %s', 'списание с начисления %s'),
    ('write_up', 'write-up of charge %s', 'збільшення нарахування %s', 'увеличение начисления %s'),
    ('minimum_charge', 'minimum charge of %s for the period, of which %s was reached',
        'мінімальна оплата %s за період, з якої набрано %s', 'минимальная оплата %s за период, из которой набрано %s'),
    ('minimum_charge_part',
        'minimum charge of %s from %s to %s, %s of the %s days of the period (rule %s) of %s, of which %s was reached',
        'мінімальна оплата %s з %s по %s, %s з %s днів періоду (правило %s) від %s, з якої набрано %s',
        'минимальная оплата %s с %s по %s, %s из %s дней периода (правило %s) от %s, из которой набрано %s'),
    ('reversal', 'reversal of charge %s', 'сторно нарахування %s', 'сторно начисления %s'),
    ('taken_back', 'taken back: %s', 'повернуто: %s', 'возвращено: %s'),
    ('taken_off_discount', 'discount', 'знижка', 'скидка'),
    ('taken_off_tax', 'tax included in the price', 'податок у ціні', 'налог в цене'),
    ('taken_off_both', 'discount, and tax included in the price', 'знижка і податок у ціні', 'скидка и налог в цене'),
    ('correction_fee', '%1$s: %2$s are due from %4$s to %5$s, charged were %3$s',
        '%1$s: належить %2$s з %4$s до %5$s, нараховано було %3$s',
        '%1$s: полагается %2$s с %4$s по %5$s, начислено было %3$s'),
    ('correction_no_fee', '%1$s: nothing is due, charged were %3$s', '%1$s: нічого не належить, нараховано було %3$s',
        '%1$s: ничего не полагается, начислено было %3$s'),
    ('correction_cost', 'the cost as it is known now', 'собівартість, як вона відома тепер',
        'себестоимость, как она известна теперь'),
    ('correction_exchange', 'at the rate %s of %s', 'за курсом %s на %s', 'по курсу %s на %s'),
    ('credited', 'credited', 'кредитовано', 'кредитовано'),
    ('given_up', 'waived', 'прощено', 'прощено'),
    ('billed_again', 'to be billed again', 'до повторного виставлення', 'к повторному выставлению'),
    -- whose price
    ('price_position', '%s, position %s', '%s, позиція %s', '%s, позиция %s'),
    ('price_entry', 'entry price', 'ціна запису часу', 'цена записи времени'),
    ('price_overage', 'overage price of line %s', 'ціна понад включене, рядок договору %s',
        'цена сверх включённого, строка договора %s'),
    ('price_agreed', 'agreed price', 'погоджена ціна', 'согласованная цена'),
    ('price_unknown', 'no source stamped', 'джерело не записано', 'источник не записан'),
    -- explanations: work
    ('head', 'Charge %s, %s%s: %s', 'Нарахування %s, %s%s: %s', 'Начисление %s, %s%s: %s'),
    ('head_contract', 'contract "%s"', 'договір «%s»', 'договор «%s»'),
    ('head_none', 'no contract', 'без договору', 'без договора'),
    ('somebody', 'Somebody', 'Хтось', 'Кто-то'),
    ('worked', '%s worked %s on %s', '%s: відпрацьовано %s, %s', '%s: отработано %s, %s'),
    ('worked_clock', ', from %s to %s (%s)', ', з %s до %s (%s)', ', с %s до %s (%s)'),
    ('worked_task', ', on task "%s"', ', завдання «%s»', ', задача «%s»'),
    ('not_charged', 'It is shown and not charged', 'Показано без оплати', 'Показано без оплаты'),
    ('not_billed', 'It is not billed', 'Не виставляється', 'Не выставляется'),
    ('not_by_hour', 'It is not charged by the hour', 'Не оплачується погодинно', 'Не оплачивается почасово'),
    ('by_hand', 'Billed are %s, set by hand.', 'До оплати %s, встановлено вручну.',
        'К оплате %s, установлено вручную.'),
    ('rounded_to', 'Rounded to %s: %s.', 'Округлено до %s: %s.', 'Округлено до %s: %s.'),
    ('raised_to', 'Raised to %s: %s.', 'Збільшено до %s: %s.', 'Увеличено до %s: %s.'),
    ('limited_to', 'Limited to %s: %s.', 'Обмежено до %s: %s.', 'Ограничено до %s: %s.'),
    ('rule_unknown', 'by the contract''s rule', 'за правилом договору', 'по правилу договора'),
    ('rule_up', 'the contract rounds %s up to %s', 'договір округлює вгору до %2$s: %1$s',
        'договор округляет вверх до %2$s: %1$s'),
    ('rule_down', 'the contract rounds %s down to %s', 'договір округлює вниз до %2$s: %1$s',
        'договор округляет вниз до %2$s: %1$s'),
    ('rule_nearest', 'the contract rounds %s to the nearest %s', 'договір округлює до найближчих %2$s: %1$s',
        'договор округляет до ближайших %2$s: %1$s'),
    ('rule_none', 'the contract takes %s as it is', 'договір бере як є: %s', 'договор берёт как есть: %s'),
    ('scope_entry', 'each entry', 'кожний запис', 'каждую запись'),
    ('scope_task_day', 'the day''s work on a task', 'роботу дня над завданням', 'работу дня по задаче'),
    ('scope_day', 'the day''s work', 'роботу дня', 'работу дня'),
    ('scope_task', 'all work on a task', 'усю роботу над завданням', 'всю работу по задаче'),
    ('scope_period', 'the work of a period', 'роботу періоду', 'работу периода'),
    ('rule_grace', 'forgiving %s', 'прощаючи %s', 'прощая %s'),
    ('rule_minimum', 'at least %s', 'не менше %s', 'не меньше %s'),
    ('rule_maximum', 'at most %s', 'не більше %s', 'не больше %s'),
    ('part', 'Of it %s in %s: part %s of %s.', 'З них %s — %s: частина %s з %s.', 'Из них %s — %s: часть %s из %s.'),
    ('all_in', 'All of it in %s.', 'Усе це — %s.', 'Всё это — %s.'),
    ('minimum_for', 'Raised to the minimum of %s for %s.', 'Збільшено до мінімуму %s (%s).',
        'Увеличено до минимума %s (%s).'),
    ('covered', 'Covered by %s (allotment %s)%s: %s taken of %s. Nothing more to pay.',
        'Покриває %s (ліміт %s)%s: взято %s з %s. Доплачувати не потрібно.',
        'Покрывает %s (лимит %s)%s: взято %s из %s. Доплачивать не нужно.'),
    ('kind_included', 'what the fee of the period includes', 'включене в плату періоду', 'включённое в плату периода'),
    ('kind_rollover', 'what was carried over from before', 'перенесене з попередніх періодів',
        'перенесённое с прошлых периодов'),
    ('kind_block', 'the prepaid block', 'передплачений пакет', 'предоплаченный пакет'),
    ('kind_topup', 'the prepaid top-up', 'передплачене поповнення', 'предоплаченное пополнение'),
    ('kind_adjustment', 'an adjustment', 'коригування', 'корректировка'),
    ('price_hour', 'Price %s an hour: %s.', 'Ціна %s за годину: %s.', 'Цена %s за час: %s.'),
    ('band_effect', 'For %s%s%s.', 'За %s:%s%s.', 'За %s:%s%s.'),
    ('an_hour', '%s an hour', '%s за годину', '%s за час'),
    ('discounted', 'Less %s %%, the discount of %s.', 'Мінус %s %%, знижка: %s.', 'Минус %s %%, скидка: %s.'),
    ('not_charged_for', 'Not charged: %s.', 'Не нараховано: %s.', 'Не начислено: %s.'),
    ('hundredths', '%s h (hours to the hundredth)', '%s год (години до сотих)', '%s ч (часы до сотых)'),
    ('cap_leaves', 'Charged is what the cap of %s leaves: %s, for %s at %s%s.',
        'Нараховано, скільки лишає ліміт %s: %s, за %s по %s%s.',
        'Начислено, сколько оставляет лимит %s: %s, за %s по %s%s.'),
    ('total', '%s at %s%s = %s.', '%s по %s%s = %s.', '%s по %s%s = %s.'),
    -- explanations: what is no work
    ('item', '%s: %s %s on %s.', '%s: %s %s, %s.', '%s: %s %s, %s.'),
    ('price_each', 'Price %s each: %s.', 'Ціна %s за одиницю: %s.', 'Цена %s за единицу: %s.'),
    ('priced', 'Priced %s: %s.', 'Оцінено %s: %s.', 'Оценено %s: %s.'),
    ('together', 'Together %s.', 'Разом %s.', 'Вместе %s.'),
    ('a_fee', 'Fee: %s.', 'Плата: %s.', 'Плата: %s.'),
    ('a_stage', 'Stage: %s.', 'Етап: %s.', 'Этап: %s.'),
    ('stage_sets', 'The contract sets %s for it.', 'Договір визначає за нього %s.', 'Договор определяет за него %s.'),
    ('an_expense', 'Expense on %s: %s.', 'Витрата %s: %s.', 'Расход %s: %s.'),
    ('expense_at', 'It is charged at %s.', 'До оплати %s.', 'К оплате %s.'),
    ('an_adjustment', 'Adjustment: %s.', 'Коригування: %s.', 'Корректировка: %s.'),
    ('comes_to', 'It comes to %s.', 'Це %s.', 'Это %s.'),
    -- explanations: what became of it
    ('takes_back', 'It takes back charge %s of %s (%s).', 'Сторнує нарахування %s на %s (%s).',
        'Сторнирует начисление %s на %s (%s).'),
    ('late',
        'It came after its period was closed, so it is billed in the period of %s, with the day of the work as it was.',
        'Надійшло після закриття свого періоду, тому виставляється в періоді з %s, а день роботи лишається.',
        'Поступило после закрытия своего периода, поэтому выставляется в периоде с %s, а день работы остаётся.'),
    ('changed_by', 'Charge %s changes it by %s (%s).', 'Нарахування %s змінює його на %s (%s).',
        'Начисление %s меняет его на %s (%s).'),
    ('taken_back_by', 'Charge %s took it back.', 'Нарахування %s його сторнувало.', 'Начисление %s его сторнировало.'),
    ('is_held', 'It waits unchanged for the client''s answer to a report.',
        'Чекає без змін на відповідь клієнта на звіт.',
        'Ждёт без изменений ответа клиента на отчёт.'),
    ('is_open', 'It is provisional: it changes with the work it is for until it is billed.',
        'Попереднє: змінюється разом з роботою, доки не виставлене.', 'Предварительное: меняется вместе с работой, '
        'пока не выставлено.'),
    ('is_final', 'It is final since %s.', 'Остаточне з %s.', 'Окончательное с %s.');
END;
COMMENT ON FUNCTION explain_words() IS
    'the words of reasons and explanations in en, uk and ru, by name; templates of format()';

CREATE FUNCTION say(p_name text, p_language text, VARIADIC p_values text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT format(CASE p_language WHEN 'uk' THEN w.uk WHEN 'ru' THEN w.ru ELSE w.en END, VARIADIC p_values)
      FROM explain_words() w WHERE w.name = p_name;
END;
COMMENT ON FUNCTION say(text, text, text[]) IS
    'a word or sentence in a language (en where there is no such), its places filled in; NULL when there is none of '
    'that name';

CREATE FUNCTION number_text(p_number numeric, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_language IN ('uk', 'ru') THEN replace(p_number::text, '.', ',') ELSE p_number::text END;
END;
COMMENT ON FUNCTION number_text(numeric, text) IS 'a number with the decimal sign of a language';

CREATE FUNCTION duration_text(p_seconds numeric, p_language text DEFAULT 'en') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_seconds < 0 THEN say('minus', p_language, d.text) ELSE d.text END
      FROM (SELECT coalesce(nullif(concat_ws(' ',
               CASE WHEN abs(p_seconds) >= 3600 THEN say('hour', p_language, div(abs(p_seconds), 3600)::text) END,
               CASE WHEN abs(p_seconds) % 3600 >= 60 THEN say('minute', p_language, div(abs(p_seconds) % 3600,
                   60)::text) END,
               CASE WHEN abs(p_seconds) % 60 > 0
                    THEN say('second', p_language, number_text(trim_scale(abs(p_seconds) % 60), p_language)) END), ''),
               say('minute', p_language, '0')) AS text) d
     WHERE p_seconds IS NOT NULL;
END;
COMMENT ON FUNCTION duration_text(numeric, text) IS 'seconds as people of a language say them: 2 h 15 min';

-- The same of values as they stand in charge.why.
CREATE FUNCTION number_text(p_value jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT number_text((p_value #>> '{}')::numeric, p_language);
END;
COMMENT ON FUNCTION number_text(jsonb, text) IS 'a number of a document with the decimal sign of a language';

CREATE FUNCTION duration_text(p_value jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT duration_text((p_value #>> '{}')::numeric, p_language);
END;
COMMENT ON FUNCTION duration_text(jsonb, text) IS 'seconds of a document as people of a language say them';

CREATE FUNCTION band_text(p_band text, p_language text DEFAULT 'en') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(say('band_' || p_band, p_language),
                    CASE WHEN p_language NOT IN ('uk', 'ru') AND p_band LIKE '%hours' THEN replace(p_band, '_',
                        ' ') END,
                    say('band', p_language, replace(p_band, '_', ' ')));
END;
COMMENT ON FUNCTION band_text(text, text) IS
    'the hours of a band as people of a language say them: off hours, night hours';

CREATE FUNCTION money_text(p_amount numeric, p_currency text, p_language text DEFAULT 'en') RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT number_text(round(p_amount, greatest(coalesce((SELECT u.exponent::int FROM currency_code u
        WHERE u.code = p_currency), 2),
                                                min_scale(p_amount))), p_language) || ' ' || p_currency;
END;
COMMENT ON FUNCTION money_text(numeric, text, text) IS
    'an amount with the decimals of its currency (a price with more where it has them) and the code';
-- ---------------------------------------------------------------------------
-- reason: why a charge is so, in a line of words
--
-- charge.why says it as values; this is the one rendering.  Its keys:
--     rounded        {by: hand, rule, minimum, maximum; scope; worked_s, billed_s}, of the whole entry
--     band           {name, minimum_s, multiplier, adder, burn}
--     price          {by: entry; overage, line; agreed; position, name}; that of a list's hours is charge.price_id
--     tiers          {mode}
--     discount       {pct, by: {kind: position, list, contract; id, name}}
--     cap            {amount, seconds; period: {from, to; days, of, rule; amount, seconds};
--                    written_off, where it is over}
--     disposition    {by: entry, task, work_type, project, own_project, task_price, contract_price; code}
--     fee            {title, once; from, to; days, of, rule, amount}
--     stage          {title, accepted_on}
--     block          {hours, from, to}
--     expense        {cost, currency, on, markup_pct}
--     write_off, write_up, reversal   {charge}
--     minimum_charge {amount, reached; from, to; days, of, rule, whole}
--     agreed         {title, document}: a line of a specification
--     correction     {charge; fee: {title, from, to, due, charged}; cost: {rate, of; position};
--                    exchange: {rate, was, on}}
--     taken_off      {discount, tax}: what a document takes off its charges
--     credited       {document, meaning}: rebill or waive
--     billed_again   {document}: the credit note that set it free
--     taken_back     {charge, why}: the why of what is taken back
--     note           what a person said
-- ---------------------------------------------------------------------------

CREATE FUNCTION rounded_reason(p_rounded jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT say(
            CASE WHEN p_rounded ->> 'by' = 'hand' THEN 'rounded_hand'
                 WHEN p_rounded ->> 'scope' <> 'entry' THEN 'rounded_group'
                 WHEN p_rounded ->> 'by' <> 'rule' THEN 'rounded_' || (p_rounded ->> 'by')
                 WHEN (p_rounded -> 'billed_s' > p_rounded -> 'worked_s') = (p_rounded -> 'worked_s' >= '0')
                 THEN 'rounded_up'
                 ELSE 'rounded_down' END, p_language,
            duration_text(p_rounded -> 'worked_s', p_language), duration_text(p_rounded -> 'billed_s', p_language),
            say('group_' || (p_rounded ->> 'scope'), p_language))
     WHERE p_rounded IS NOT NULL;
END;
COMMENT ON FUNCTION rounded_reason(jsonb, text) IS 'why.rounded in words';

-- " times 1.5 plus 2.5": what a band makes of a price.
CREATE FUNCTION price_change(p_band jsonb, p_adder text, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat(
        CASE WHEN p_band ? 'multiplier'
             THEN say('times', p_language, number_text(p_band -> 'multiplier', p_language)) END,
        CASE WHEN p_band ? 'adder' THEN say('plus', p_language, p_adder) END);
END;
COMMENT ON FUNCTION price_change(jsonb, text, text) IS
    'what why.band makes of a price, in words; p_adder is its adder as it is to be written';

CREATE FUNCTION band_reason(p_band jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws('; ',
        CASE WHEN p_band ? 'minimum_s'
             THEN say('band_minimum', p_language, duration_text(p_band -> 'minimum_s', p_language)) END,
        CASE WHEN p_band ? 'burn' THEN say('burn', p_language, number_text(p_band -> 'burn', p_language)) END,
        CASE WHEN p_band ?| '{multiplier,adder}'
             THEN say('band_price', p_language, p_band ->> 'name',
                      price_change(p_band, number_text(p_band -> 'adder', p_language), p_language), '') END)
     WHERE p_band IS NOT NULL;
END;
COMMENT ON FUNCTION band_reason(jsonb, text) IS 'why.band in words';

CREATE FUNCTION discount_giver(p_by jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_by ->> 'kind' = 'list' THEN coalesce(p_by ->> 'name', say('by_list', p_language))
                ELSE say('by_' || coalesce(p_by ->> 'kind', 'list'), p_language) END;
END;
COMMENT ON FUNCTION discount_giver(jsonb, text) IS 'whose discount it is, in words';

CREATE FUNCTION limit_text(p_limit jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_limit ?& '{amount,seconds}' THEN say('cap_or', p_language, c.amount, c.seconds)
                ELSE coalesce(c.amount, c.seconds) END
      FROM (SELECT number_text(p_limit -> 'amount', p_language) AS amount,
                   duration_text(p_limit -> 'seconds', p_language) AS seconds) c;
END;
COMMENT ON FUNCTION limit_text(jsonb, text) IS 'so much money or time, in words; NULL where there is neither';

CREATE FUNCTION cap_text(p_cap jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN num_nonnulls(c.life, c.period) = 2 THEN say('cap_or', p_language, c.life, c.period)
                ELSE coalesce(c.life, c.period) END
      FROM (SELECT limit_text(p_cap, p_language) AS life,
                   say(CASE WHEN p_cap #> '{period,days}' IS NOT NULL THEN 'cap_period_part'
                            WHEN p_cap ? 'period' THEN 'cap_period' END, p_language,
                       limit_text(p_cap -> 'period', p_language), p_cap #>> '{period,from}',
                       p_cap #>> '{period,to}', p_cap #>> '{period,days}', p_cap #>> '{period,of}',
                       p_cap #>> '{period,rule}') AS period) c;
END;
COMMENT ON FUNCTION cap_text(jsonb, text) IS 'the caps of why.cap, in words';

CREATE FUNCTION cap_reason(p_cap jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT say(CASE WHEN p_cap ? 'written_off' THEN 'cap' ELSE 'cap_met' END, p_language, cap_text(p_cap, p_language),
               number_text(p_cap -> 'written_off', p_language))
     WHERE p_cap IS NOT NULL;
END;
COMMENT ON FUNCTION cap_reason(jsonb, text) IS 'why.cap in words';

-- Why a charge that is no work is what it is.
CREATE FUNCTION other_reason(p_why jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN p_why ? 'fee' THEN
            say(CASE WHEN p_why #> '{fee,once}' = 'true' THEN 'fee_once'
                     WHEN p_why #> '{fee,rule}' IS NULL THEN 'fee'
                     ELSE 'fee_part' END, p_language,
                p_why #>> '{fee,title}', p_why #>> '{fee,from}', p_why #>> '{fee,to}', p_why #>> '{fee,days}',
                p_why #>> '{fee,of}', p_why #>> '{fee,rule}', number_text(p_why #> '{fee,amount}', p_language))
        WHEN p_why ? 'stage' THEN say('stage', p_language, p_why #>> '{stage,title}', p_why #>> '{stage,accepted_on}')
        WHEN p_why ? 'block' THEN
            say(CASE WHEN p_why #> '{block,to}' IS NULL THEN 'block_from' ELSE 'block_to' END, p_language,
                CASE WHEN p_why #> '{block,to}' IS NULL THEN b.what
                     ELSE say('block_from', p_language, b.what, p_why #>> '{block,from}') END,
                coalesce(p_why #>> '{block,to}', p_why #>> '{block,from}'))
        WHEN p_why #> '{minimum_charge,days}' IS NOT NULL THEN
            say('minimum_charge_part', p_language, m.amount, m.why ->> 'from', m.why ->> 'to', m.why ->> 'days',
                m.why ->> 'of', m.why ->> 'rule', number_text(m.why -> 'whole', p_language), m.reached)
        WHEN p_why ? 'minimum_charge' THEN say('minimum_charge', p_language, m.amount, m.reached)
        WHEN p_why ? 'taken_off' THEN
            say(CASE WHEN p_why #> '{taken_off,tax}' IS DISTINCT FROM 'true' THEN 'taken_off_discount'
                     WHEN p_why #> '{taken_off,discount}' = 'true' THEN 'taken_off_both'
                     ELSE 'taken_off_tax' END, p_language)
        WHEN p_why ? 'agreed' THEN p_why #>> '{agreed,title}'
        WHEN p_why ? 'credited' THEN
            say(CASE p_why #>> '{credited,meaning}' WHEN 'waive' THEN 'given_up' ELSE 'credited' END, p_language)
        WHEN p_why ? 'billed_again' THEN say('billed_again', p_language)
        WHEN p_why #> '{correction,fee}' IS NOT NULL THEN
            say(CASE WHEN p_why #> '{correction,fee,from}' IS NULL THEN 'correction_no_fee' ELSE 'correction_fee' END,
                p_language, p_why #>> '{correction,fee,title}',
                number_text(p_why #> '{correction,fee,due}', p_language),
                number_text(p_why #> '{correction,fee,charged}', p_language),
                p_why #>> '{correction,fee,from}', p_why #>> '{correction,fee,to}')
        WHEN p_why #> '{correction,cost}' IS NOT NULL THEN say('correction_cost', p_language)
        WHEN p_why #> '{correction,exchange}' IS NOT NULL THEN
            say('correction_exchange', p_language, number_text(p_why #> '{correction,exchange,rate}', p_language),
                p_why #>> '{correction,exchange,on}') END
      FROM (SELECT CASE WHEN p_why #> '{block,hours}' IS NULL THEN say('block_money', p_language)
                        ELSE say('block_hours', p_language, number_text(p_why #> '{block,hours}', p_language))
                        END AS what) b
     CROSS JOIN (SELECT p_why -> 'minimum_charge' AS why,
                        number_text(p_why #> '{minimum_charge,amount}', p_language) AS amount,
                        number_text(p_why #> '{minimum_charge,reached}', p_language) AS reached) m;
END;
COMMENT ON FUNCTION other_reason(jsonb, text) IS
    'why a fee, stage, block, minimum, or what a document takes off is so, in words';

CREATE FUNCTION expense_reason(p_expense jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws('; ',
        CASE WHEN p_expense ? 'currency'
             THEN say('expense_rate', p_language, number_text(p_expense -> 'cost', p_language),
                      p_expense ->> 'currency', p_expense ->> 'on') END,
        CASE WHEN (p_expense ->> 'markup_pct')::numeric <> 0
             THEN say('expense_markup', p_language, number_text(p_expense -> 'markup_pct', p_language))
             ELSE say('expense_cost', p_language) END)
     WHERE p_expense IS NOT NULL;
END;
COMMENT ON FUNCTION expense_reason(jsonb, text) IS 'why.expense in words';

CREATE FUNCTION charge_reason(why jsonb, language text DEFAULT 'en') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        -- what a person said stands for a disposition, and follows what it is about
        WHEN why ? 'disposition' THEN
            coalesce(why ->> 'note',
                     say('disposition_' || (why #>> '{disposition,by}'), language, why #>> '{disposition,code}'))
        WHEN why ?| '{write_off,write_up,reversal}' THEN
            concat_ws(': ', say(k.name, language, why #>> ARRAY[k.name, 'charge']), why ->> 'note')
        WHEN why ? 'taken_back' THEN say('taken_back', language, coalesce(k.taken_back, ''))
        ELSE nullif(concat_ws('; ',
            CASE WHEN why ? 'expense' THEN why ->> 'note' END,
            rounded_reason(why -> 'rounded', language), band_reason(why -> 'band', language),
            other_reason(why, language),
            CASE WHEN why ? 'tiers' THEN say('tiers', language, why #>> '{tiers,mode}') END,
            CASE WHEN why ? 'discount'
                 THEN say('discount', language, number_text(why #> '{discount,pct}', language),
                          discount_giver(why #> '{discount,by}', language)) END,
            expense_reason(why -> 'expense', language), cap_reason(why -> 'cap', language),
            CASE WHEN NOT why ? 'expense' THEN why ->> 'note' END), '') END
      FROM (SELECT CASE WHEN why ? 'write_off' THEN 'write_off' WHEN why ? 'write_up' THEN 'write_up'
                        ELSE 'reversal' END AS name,
                   other_reason(why #> '{taken_back,why}', language) AS taken_back) k
     WHERE why IS NOT NULL;
END;
COMMENT ON FUNCTION charge_reason(jsonb, text) IS
    'charge.why in a line of words, in en, uk or ru; NULL where there is nothing to tell. Keys: rounded, band, price, '
    'tiers, discount, cap, disposition, fee, stage, block, expense, write_off, write_up, reversal, minimum_charge, '
    'taken_off, credited, billed_again, taken_back, correction, agreed, note';
SELECT allow('reader', 'execute', 'charge_reason');
-- ---------------------------------------------------------------------------
-- explain: why a charge is what it is, in words
--
-- Told from what was stamped when the charge was made (its columns and why), and
-- from the snapshot of the terms it was made by; nothing is computed again, so
-- what a client is told in a year is what was decided then.
-- ---------------------------------------------------------------------------

CREATE FUNCTION rounding_text(p_rounding jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws(', ',
        say('rule_' || (p_rounding ->> 'mode'), p_language, say('scope_' || (p_rounding ->> 'scope'), p_language),
                     duration_text(p_rounding -> 'increment_s', p_language)),
        (SELECT string_agg(say('rule_' || b.name, p_language, duration_text(b.seconds, p_language)), ', ' ORDER BY b.no)
           FROM (VALUES (1, 'grace', (p_rounding ->> 'grace_s')::numeric),
                        (2, 'minimum', (p_rounding ->> 'minimum_s')::numeric),
                        (3, 'maximum', (p_rounding ->> 'maximum_s')::numeric)) b (no, name, seconds)
          WHERE b.seconds > 0))
     WHERE p_rounding IS NOT NULL;
END;
COMMENT ON FUNCTION rounding_text(jsonb, text) IS 'a rounding rule of the terms in words';

CREATE FUNCTION price_text(p_charge charge, p_language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN p_charge.why #>> '{price,by}' IN ('entry', 'agreed', 'overage')
                THEN say('price_' || (p_charge.why #>> '{price,by}'), p_language, p_charge.why #>> '{price,line}')
                WHEN p_charge.price_id IS NULL THEN say('price_unknown', p_language)
                ELSE say('price_position', p_language, coalesce(p_charge.why #>> '{price,name}', (
                    SELECT l.value ->> 'name' FROM terms_document t CROSS JOIN LATERAL jsonb_each(t.body -> 'lists') l
                     WHERE t.id = p_charge.terms_id
                       AND l.value -> 'prices' @> jsonb_build_array(jsonb_build_object('id', p_charge.price_id))
                     LIMIT 1), '-'),
                    p_charge.price_id::text) END;
END;
COMMENT ON FUNCTION price_text(charge, text) IS
    'whose price a charge has: the position and the list as it was named then, the entry''s own, or an agreed one';

CREATE FUNCTION discount_text(p_charge charge, p_language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT say('discounted', p_language, number_text(trim_scale(p_charge.discount_pct), p_language),
                        discount_giver(p_charge.why #> '{discount,by}', p_language))
     WHERE p_charge.discount_pct <> 0;
END;
COMMENT ON FUNCTION discount_text(charge, text) IS
    'the discount of a charge and whose it is, as a sentence; NULL where there is none';

-- All parts of an entry that were made with this one, or reversed with it.
CREATE FUNCTION parts_of_entry(p_charge charge, OUT worked_s numeric, OUT parts bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH made AS (
        SELECT h.worked_s, r.id IS NOT NULL AS is_reversed, h.frozen_at, h.id
          FROM charge h LEFT JOIN charge r ON r.reverses_id = h.id
         WHERE h.time_entry_id = p_charge.time_entry_id AND h.reverses_id IS NULL AND h.source = 'time')
    SELECT sum(m.worked_s), count(*)
      FROM made m
     WHERE CASE WHEN EXISTS (SELECT FROM made x WHERE x.id = p_charge.id AND x.is_reversed)
                THEN m.is_reversed AND m.frozen_at = p_charge.frozen_at ELSE NOT m.is_reversed END;
END;
COMMENT ON FUNCTION parts_of_entry(charge) IS
    'the worked seconds and the number of the charges that an entry was rated into together with this one';

CREATE FUNCTION worked_text(p_charge charge, p_worked_s numeric, p_language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT concat(
        say('worked', p_language, coalesce(m.name, say('somebody', p_language)), duration_text(p_worked_s, p_language),
                     iso(p_charge.service_date)),
        CASE WHEN p_charge.segment = 1 AND e.started_at = p_charge.started_at AND e.worked_s = p_worked_s
             THEN say('worked_clock', p_language, to_char(e.started_at AT TIME ZONE z.zone, 'HH24:MI'),
                               to_char(e.ended_at AT TIME ZONE z.zone, 'HH24:MI'), z.zone) END,
        CASE WHEN t.id IS NOT NULL THEN say('worked_task', p_language, t.title) END, ' (' || w.name || ')', '.')
      FROM (SELECT coalesce(t.body #>> '{calendar,zone}', s.zone) AS zone
              FROM setting s LEFT JOIN terms t ON t.id = p_charge.terms_id) z
      LEFT JOIN employee m ON m.id = p_charge.employee_id
      LEFT JOIN time_entry e ON e.id = p_charge.time_entry_id
      LEFT JOIN task t ON t.id = p_charge.task_id
      LEFT JOIN work_type w ON w.id = p_charge.work_type_id;
END;
COMMENT ON FUNCTION worked_text(charge, numeric, text) IS 'who worked how long, when and on what, as a sentence';

CREATE FUNCTION covered_text(p_charge charge, p_language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT say('covered', p_language, say('kind_' || a.kind, p_language), a.id::text,
        CASE WHEN p_charge.why #> '{band,burn}' IS NOT NULL
             THEN ', ' || say('burn', p_language, number_text(p_charge.why #> '{band,burn}', p_language)) END,
        CASE a.unit WHEN 'seconds' THEN duration_text(p_charge.burned, p_language)
                    ELSE money_text(p_charge.burned, p_charge.currency, p_language) END,
        CASE a.unit WHEN 'seconds' THEN duration_text(a.amount, p_language)
                    ELSE money_text(a.amount, p_charge.currency, p_language) END)
      FROM allotment a WHERE a.id = p_charge.allotment_id;
END;
COMMENT ON FUNCTION covered_text(charge, text) IS
    'which allotment covers a charge and what is taken of it, as a sentence';

-- The steps by which worked time became the time of this charge.
CREATE FUNCTION explain_duration(p_charge charge, p_parts bigint, p_language text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_remove(ARRAY[
        say(CASE p_charge.why #>> '{rounded,by}' WHEN 'hand' THEN 'by_hand' WHEN 'rule' THEN 'rounded_to'
                WHEN 'minimum' THEN 'raised_to' WHEN 'maximum' THEN 'limited_to' END, p_language,
            duration_text(p_charge.why #> '{rounded,billed_s}', p_language),
            coalesce((SELECT rounding_text(t.body -> 'rounding', p_language) FROM terms t
                       WHERE t.id = p_charge.terms_id), say('rule_unknown', p_language))),
        CASE WHEN p_parts > 1
             THEN say('part', p_language, duration_text(p_charge.billed_s, p_language),
                      band_text(p_charge.band, p_language), p_charge.segment::text, p_parts::text)
             WHEN p_charge.band <> 'regular' THEN say('all_in', p_language, band_text(p_charge.band, p_language)) END,
        CASE WHEN p_charge.why #> '{band,minimum_s}' IS NOT NULL
             THEN say('minimum_for', p_language, duration_text(p_charge.why #> '{band,minimum_s}', p_language),
                      band_text(p_charge.band, p_language)) END], NULL);
END;
COMMENT ON FUNCTION explain_duration(charge, bigint, text) IS
    'the steps by which worked time became the time of a charge, one of so many parts of its entry, as sentences';

-- The steps by which the time of this charge became its amount.
CREATE FUNCTION explain_price(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_band CONSTANT jsonb := p_charge.why -> 'band';
    v_price CONSTANT text := money_text(p_charge.price, p_charge.currency, p_language);
    v_adder CONSTANT text := money_text((v_band ->> 'adder')::numeric, p_charge.currency, p_language);
    v_amount CONSTANT text := money_text(p_charge.amount, p_charge.currency, p_language);
    v_change text := price_change(v_band, v_adder, p_language);
    v_steps text[] := ARRAY[say('price_hour', p_language, v_price, price_text(p_charge, p_language))];
    v_hours text := duration_text(p_charge.billed_s, p_language);
BEGIN
    IF v_change <> '' THEN
        v_steps := v_steps || say('band_effect', p_language, band_text(p_charge.band, p_language),
            CASE WHEN v_band ? 'adder' THEN say('an_hour', p_language, v_change) ELSE v_change END, '');
    END IF;
    v_steps := v_steps || array_remove(ARRAY[discount_text(p_charge, p_language)], NULL);
    IF p_charge.coverage = 'capped' THEN
        RETURN v_steps || say('not_charged_for', p_language, cap_reason(p_charge.why -> 'cap', p_language));
    END IF;
    IF (SELECT t.body ->> 'basis' FROM terms t WHERE t.id = p_charge.terms_id) = 'hundredth' THEN
        v_hours := say('hundredths', p_language, number_text(round(p_charge.billed_s / 3600.0, 2), p_language));
    END IF;
    v_change := concat(v_change, CASE WHEN p_charge.discount_pct <> 0
        THEN say('less', p_language, number_text(trim_scale(p_charge.discount_pct), p_language)) END);
    RETURN v_steps || CASE WHEN p_charge.why ? 'cap'
        THEN say('cap_leaves', p_language, cap_text(p_charge.why -> 'cap', p_language), v_amount, v_hours, v_price,
                 v_change)
        ELSE say('total', p_language, v_hours, v_price, v_change, v_amount) END;
END $$;
COMMENT ON FUNCTION explain_price(charge, text) IS
    'the steps by which the time of a charge became its amount, as sentences';

CREATE FUNCTION explain_time(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_entry record := parts_of_entry(p_charge);
    v_steps text[] := ARRAY[worked_text(p_charge, v_entry.worked_s, p_language)];
BEGIN
    IF p_charge.coverage IN ('no_charge', 'non_billable')
        OR p_charge.coverage = 'included' AND p_charge.allotment_id IS NULL THEN
        RETURN v_steps || (
            say(CASE p_charge.coverage WHEN 'no_charge' THEN 'not_charged' WHEN 'non_billable' THEN 'not_billed'
                ELSE 'not_by_hour' END, p_language)
            || coalesce(' (' || charge_reason(p_charge.why, p_language) || ')', '') || '.');
    END IF;
    v_steps := v_steps || explain_duration(p_charge, v_entry.parts, p_language);
    IF p_charge.coverage IN ('included', 'prepaid') THEN
        RETURN v_steps || covered_text(p_charge, p_language);
    END IF;
    RETURN v_steps || explain_price(p_charge, p_language);
END $$;
COMMENT ON FUNCTION explain_time(charge, text) IS 'the steps by which time became this charge, as sentences';

CREATE FUNCTION explain_item(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_remove(ARRAY[
        say('item', p_language, i.name, number_text(trim_scale(p_charge.quantity), p_language), i.unit,
            iso(p_charge.service_date)),
        CASE WHEN p_charge.price IS NULL
             THEN say('priced', p_language, say('tiers', p_language, p_charge.why #>> '{tiers,mode}'),
                 price_text(p_charge, p_language))
             ELSE say('price_each', p_language, a.price, price_text(p_charge, p_language)) END,
        discount_text(p_charge, p_language),
        CASE WHEN p_charge.price IS NULL THEN say('together', p_language, a.amount)
             ELSE say('total', p_language, number_text(trim_scale(p_charge.quantity), p_language), a.price,
                    CASE WHEN p_charge.discount_pct <> 0
                         THEN say('less', p_language, number_text(trim_scale(p_charge.discount_pct), p_language)) END,
                    a.amount) END], NULL)
      FROM item i
     CROSS JOIN (SELECT money_text(p_charge.price, p_charge.currency, p_language) AS price,
                        money_text(p_charge.amount, p_charge.currency, p_language) AS amount) a
     WHERE i.id = p_charge.item_id;
END;
COMMENT ON FUNCTION explain_item(charge, text) IS 'the steps by which a quantity became this charge, as sentences';

CREATE FUNCTION explain_other(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE p_charge.source
        WHEN 'item' THEN explain_item(p_charge, p_language)
        WHEN 'fee' THEN ARRAY[say('a_fee', p_language, r.reason), say('together', p_language, r.amount)]
        WHEN 'stage' THEN ARRAY[say('a_stage', p_language, r.reason), say('stage_sets', p_language, r.amount)]
        WHEN 'expense' THEN ARRAY[say('an_expense', p_language, iso(p_charge.service_date), r.reason),
                                  say('expense_at', p_language, r.amount)]
        ELSE ARRAY[say('an_adjustment', p_language, r.reason), say('comes_to', p_language, r.amount)] END
      FROM (SELECT charge_reason(p_charge.why, p_language) AS reason,
                   money_text(p_charge.amount, p_charge.currency, p_language) AS amount) r;
END;
COMMENT ON FUNCTION explain_other(charge, text) IS
    'the steps by which something that is no time became this charge, as sentences';

-- What a charge says to who may not see its cost.
CREATE FUNCTION told_charge(p_charge bigint) RETURNS charge
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_populate_record(NULL::charge, to_jsonb(x))
      FROM (SELECT h.id, h.source, h.time_entry_id, h.segment, h.contract_id, h.client_id, h.task_id, h.employee_id,
                   h.work_type_id, h.item_id, h.service_date, h.period_start, h.started_at, h.band, h.coverage,
                   h.worked_s, h.billed_s, h.quantity, h.price, h.multiplier, h.discount_pct, h.rate, h.price_id,
                   h.amount, h.currency, h.allotment_id, h.burned, h.why, h.terms_id, h.late, h.held_by, h.frozen_at,
                   h.committed, h.reverses_id
              FROM charge h WHERE h.id = p_charge) x;
END;
COMMENT ON FUNCTION told_charge(bigint) IS
    'a charge without its cost, as every reader may see it; NULL when there is none';

-- What happened to a charge since: late, adjusted, reversed, final.
CREATE FUNCTION explain_fate(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN p_charge.late THEN ARRAY[say('late', p_language, iso(p_charge.period_start))] ELSE '{}' END
        || ARRAY(SELECT say('changed_by', p_language, h.id::text, money_text(h.amount, h.currency, p_language),
                                     coalesce(h.why ->> 'note', charge_reason(h.why, p_language)))
                   FROM charge h WHERE h.adjusts_id = p_charge.id ORDER BY h.id)
        || ARRAY(SELECT say('taken_back_by', p_language, h.id::text) FROM charge h WHERE h.reverses_id = p_charge.id)
        || CASE WHEN p_charge.held_by IS NOT NULL THEN say('is_held', p_language)
                WHEN p_charge.frozen_at IS NULL THEN say('is_open', p_language)
                ELSE say('is_final', p_language, iso((p_charge.frozen_at AT TIME ZONE s.zone)::date)) END
      FROM setting s;
END;
COMMENT ON FUNCTION explain_fate(charge, text) IS 'what became of a charge since it was made, as sentences';

CREATE FUNCTION explain_charge(charge_id bigint, language text DEFAULT 'en') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_charge charge := told_charge(charge_id);
    v_original charge;
    v_steps text[];
BEGIN
    IF coalesce(language, '') NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'explanations have no language "%"', left(language, 20)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Languages are uk, ru and en.';
    END IF;
    IF v_charge.id IS NULL THEN
        RAISE EXCEPTION 'there is no charge %', charge_id
            USING ERRCODE = 'foreign_key_violation',
                HINT = 'View unbilled lists charges; a provisional charge may have been rated anew.';
    END IF;
    IF v_charge.reverses_id IS NOT NULL THEN
        v_original := told_charge(v_charge.reverses_id);
        v_steps := ARRAY[say('takes_back', language, v_original.id::text,
                             money_text(v_original.amount, v_original.currency, language),
                                      coalesce(v_charge.why ->> 'note', charge_reason(v_charge.why, language)))];
    ELSIF v_charge.source = 'time' THEN
        v_steps := explain_time(v_charge, language);
    ELSE
        v_steps := explain_other(v_charge, language);
    END IF;
    v_steps := v_steps || explain_fate(v_charge, language);
    RETURN say('head', language, v_charge.id::text,
            coalesce((SELECT say('head_contract', language, c.number) FROM contract c
                       WHERE c.id = v_charge.contract_id),
                     say('head_none', language)),
            (SELECT ', ' || p.name FROM party p WHERE p.id = v_charge.client_id),
            money_text(v_charge.amount, v_charge.currency, language))
        || (SELECT string_agg(chr(10) || s.no || '. ' || s.step, '' ORDER BY s.no)
            FROM unnest(v_steps) WITH ORDINALITY s (step, no));
END $$;
COMMENT ON FUNCTION explain_charge(bigint, text) IS
    'how a charge came to be, step by step in words a client understands (language en, uk or ru), from what was '
    'stamped on it; refused for a charge that there is not (23503), and for other languages (22023)';
SELECT allow('reader', 'execute', 'explain_charge');
-- ---------------------------------------------------------------------------
-- what if: history under other terms, without writing anything
--
-- The entries of a contract are rated again by the terms that were stamped on
-- their charges, with some of them changed.  Everything else stays as it was,
-- so the difference is the effect of the change and of nothing else.
-- ---------------------------------------------------------------------------

CREATE FUNCTION check_what_if(p_terms jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_keys CONSTANT text[] := '{price_list_id,prices,included_s,included_hours,overage_price,rounding,band_rules,'
                              'cap_amount,period_cap_amount,discount_pct,fee}';
    v_key text;
BEGIN
    IF jsonb_typeof(p_terms) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'terms must be a JSON object, not %', coalesce(jsonb_typeof(p_terms), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass what would be different, {} for nothing.';
    END IF;
    SELECT k INTO v_key FROM jsonb_object_keys(p_terms) k WHERE k <> ALL (c_keys) ORDER BY k LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'unknown term "%"', v_key
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The terms are ' || array_to_string(c_keys, ', ') || '.';
    END IF;
    IF p_terms ?& '{price_list_id,prices}' OR p_terms ?& '{included_s,included_hours}' THEN
        RAISE EXCEPTION 'two terms say the same thing in two ways'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give price_list_id or prices, included_s or included_hours.';
    END IF;
    SELECT k INTO v_key
      FROM unnest('{price_list_id,included_s,included_hours,overage_price,cap_amount,period_cap_amount,discount_pct,'
                  'fee}'::text[]) k
     WHERE jsonb_typeof(p_terms -> k) NOT IN ('number', 'null')
         AND NOT coalesce(p_terms ->> k ~ '^[0-9]+([.][0-9]+)?$', false)
        OR (p_terms ->> k)::numeric < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'term "%" must be a number that is not negative, not %', v_key, p_terms -> v_key
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT k INTO v_key FROM unnest('{prices,band_rules}'::text[]) k WHERE jsonb_typeof(p_terms -> k) <> 'array'
     UNION ALL SELECT 'rounding' WHERE jsonb_typeof(p_terms -> 'rounding') <> 'object' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'term "%" must be %', v_key, CASE v_key WHEN 'rounding' THEN 'an object' ELSE 'an array' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = (p_terms -> v_key)::text;
    END IF;
END $$;
COMMENT ON FUNCTION check_what_if(jsonb) IS 'refuse (22023) what what_if() cannot take, by name';

-- A stamped terms document with the changes of a question in it.
CREATE FUNCTION what_if_terms(p_body jsonb, p_contract contract, p_terms jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_body jsonb := p_body;
    v_base jsonb := p_body #> '{contracts,0}';
    v_lists jsonb;
BEGIN
    IF p_terms ? 'rounding' THEN
        v_body := jsonb_set(v_body, '{rounding}', (v_body -> 'rounding') || (p_terms -> 'rounding'));
    END IF;
    IF p_terms ? 'price_list_id' THEN
        WITH RECURSIVE up AS (
            SELECT l.id, l.parent_id FROM price_list l WHERE l.id = (p_terms ->> 'price_list_id')::bigint
            UNION SELECT l.id, l.parent_id FROM price_list l JOIN up ON l.id = up.parent_id)
        SELECT price_list_document(array_agg(up.id)) INTO v_lists FROM up;
        v_body := jsonb_set(v_body, '{lists}', (v_body -> 'lists') || v_lists);
    ELSIF p_terms ? 'prices' THEN
        v_body := jsonb_set(v_body, '{lists}',
                            (v_body -> 'lists') || jsonb_build_object('0', jsonb_build_object('name', 'what if',
            'parent', (SELECT max(l.id) FROM price_list l
                        WHERE v_body -> 'lists' ? l.id::text
                          AND l.id = coalesce(p_contract.price_list_id,
                                     (SELECT c.id FROM price_list c WHERE c.client_id = p_contract.client_id
                                      AND c.currency = p_contract.currency),
                                     (SELECT d.id FROM price_list d WHERE d.is_default
                                      AND d.currency = p_contract.currency))),
            'prices', (SELECT coalesce(jsonb_agg('{"from": "0001-01-01"}'::jsonb || p.value
                                                 || jsonb_build_object('id', p.no)), '[]')
                         FROM jsonb_array_elements(p_terms -> 'prices') WITH ORDINALITY p (value, no)))));
    END IF;
    IF p_terms ? 'band_rules' THEN
        v_base := v_base || jsonb_build_object('band_rules', p_terms -> 'band_rules');
    END IF;
    IF p_terms ?| '{cap_amount,period_cap_amount}' THEN
        v_base := v_base || contract_caps(p_contract) || (
            SELECT jsonb_object_agg(k.key, k.value) FROM jsonb_each(p_terms) k
             WHERE k.key IN ('cap_amount', 'period_cap_amount'));
    END IF;
    IF p_terms ? 'discount_pct' THEN
        v_base := v_base || jsonb_build_object('discount_pct', p_terms -> 'discount_pct');
        -- the one discount that holds: no list stands before it
        v_body := jsonb_set(v_body, '{lists}',
                            (SELECT coalesce(jsonb_object_agg(l.key, jsonb_set(l.value - 'discount_pct', '{prices}',
                        (SELECT coalesce(jsonb_agg(p - 'discount_pct'), '[]')
                         FROM jsonb_array_elements(l.value -> 'prices') p))), '{}')
                     FROM jsonb_each(v_body -> 'lists') l));
    END IF;
    IF p_terms ? 'overage_price' THEN
        v_base := v_base || jsonb_build_object('overage', CASE WHEN p_terms ->> 'overage_price' IS NULL THEN '[]'::jsonb
            ELSE jsonb_build_array(jsonb_build_object('line', 0, 'price', p_terms -> 'overage_price')) END);
    END IF;
    RETURN jsonb_set(v_body, '{contracts,0}', v_base);
END $$;
COMMENT ON FUNCTION what_if_terms(jsonb, contract, jsonb) IS
    'a terms document with the changes that what_if() asks about';

-- Allotments and caps as they were before the entries in question, with other
-- included hours where the question has them.
CREATE FUNCTION what_if_state(p_base contract, p_entries bigint[], p_from date, p_to date, p_terms jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_included numeric := coalesce((p_terms ->> 'included_s')::numeric, (p_terms ->> 'included_hours')::numeric * 3600);
    v_other boolean := p_terms ?| '{included_s,included_hours}';
    v_zone text := contract_zone(p_base.calendar_id);
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'allotments', coalesce((
                SELECT jsonb_agg(a.allotment) FROM (
                    SELECT jsonb_build_object('id', a.id, 'contract', a.contract_id, 'kind', a.kind, 'unit', a.unit,
                                              'remaining', a.amount - b.burned,
                               'priority', a.priority, 'effective_at', a.effective_at, 'expires_at', a.expires_at,
                                   'scope', to_jsonb(a.scope_work_types)) AS allotment
                      FROM allotment a
                     CROSS JOIN LATERAL (SELECT coalesce(sum(h.burned), 0) AS burned FROM charge h
                                          WHERE h.allotment_id = a.id
                                              AND NOT coalesce(h.time_entry_id = ANY (p_entries), false)) b
                     WHERE a.contract_id = ANY (contract_group(p_base.id)) AND a.voided_at IS NULL
                       AND a.amount > b.burned
                           AND NOT (v_other AND a.kind IN ('included', 'rollover') AND a.contract_id = p_base.id)
                    UNION ALL
                    SELECT jsonb_build_object('id', -row_number() OVER (), 'contract', p_base.id, 'kind', 'included',
                                              'unit', 'seconds',
                               'scope', (SELECT to_jsonb(n.scope_work_types) FROM contract_line n
                                          WHERE n.contract_id = p_base.id AND n.kind = 'recurring'
                                              AND num_nonnulls(n.included_s, n.included_amount) = 1
                                            AND n.status <> 'cancelled'
                                                AND daterange(n.starts_on, n.ends_on, '[]') && s.span
                                                    ORDER BY n.id LIMIT 1),
                               'remaining', trunc(v_included), 'effective_at',
                                   lower(s.span)::timestamp AT TIME ZONE v_zone,
                               'expires_at', upper(s.span)::timestamp AT TIME ZONE v_zone)
                      FROM (SELECT DISTINCT service_period(p_base, d::date) AS span
                              FROM generate_series(greatest(p_from, p_base.starts_on), least(p_to, p_base.ends_on),
                                                   interval '1 day') d) s
                     WHERE v_other AND v_included >= 1) a), '[]'),
            'used', coalesce((
                SELECT jsonb_agg(jsonb_build_object('contract', u.contract_id, 'day', u.day, 'amount', u.amount,
                                                    'seconds', u.billed_s))
                  FROM (SELECT h.contract_id, CASE WHEN h.service_date >= lower(service_period(p_base, p_from))
                                                   THEN h.service_date END AS day, sum(h.amount) AS amount,
                        sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS billed_s
                          FROM charge h
                         WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source IN ('time', 'item')
                           AND NOT coalesce(h.time_entry_id = ANY (p_entries), false) AND h.service_date < p_from
                         GROUP BY 1, 2) u), '[]')));
END $$;
COMMENT ON FUNCTION what_if_state(contract, bigint[], date, date, jsonb) IS
    'the state that rate() starts from when it rates entries as what_if() asks';

CREATE FUNCTION what_if_contract(p_base contract, p_from date, p_to date, p_terms jsonb)
    RETURNS TABLE (month date, old_revenue numeric, new_revenue numeric, old_cost numeric, new_cost numeric,
                   unrated bigint)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_group bigint[] := contract_group(p_base.id);
    v_entries bigint[] := ARRAY(
        SELECT h.time_entry_id FROM live_charge h
         WHERE h.contract_id = ANY (v_group) AND h.time_entry_id IS NOT NULL
         GROUP BY 1 HAVING min(h.service_date) BETWEEN p_from AND p_to);
    v_terms_ids bigint[];
    v_bodies jsonb[];
    v_state jsonb := what_if_state(p_base, v_entries, p_from, p_to, p_terms);
    v_list bigint := CASE WHEN p_terms ? 'prices' THEN 0 ELSE (p_terms ->> 'price_list_id')::bigint END;
BEGIN
    SELECT array_agg(t.id ORDER BY t.id DESC),
        array_agg(what_if_terms(t.body, p_base, p_terms) ORDER BY t.id DESC) INTO v_terms_ids, v_bodies
      FROM terms_document t WHERE t.contract_id = ANY (v_group)
          AND t.id IN (SELECT h.terms_id FROM charge h WHERE h.time_entry_id = ANY (v_entries));
    RETURN QUERY
    WITH live AS MATERIALIZED (
        SELECT h.* FROM live_charge h WHERE h.time_entry_id = ANY (v_entries)
    ), input AS (
        SELECT h.time_entry_id AS id, min(h.terms_id) AS terms_id, min(h.price_list_id) AS price_list_id,
            min(h.cost_rate) AS cost_rate,
               min(h.base_cost_rate) AS base_cost_rate, min(h.contract_id) AS contract_id,
               CASE WHEN min(h.coverage) IN ('no_charge', 'non_billable') THEN min(h.coverage)
                    WHEN bool_and(h.coverage = 'included' AND h.allotment_id IS NULL) THEN 'included'
                        ELSE 'billable' END AS disposition
          FROM live h GROUP BY 1
    ), rated AS (
        SELECT s.*
          FROM (SELECT array_agg(ROW(e.id, e.started_at, e.ended_at, e.work_date, e.worked_s, e.billable_s, e.price,
                                     coalesce(v_list, i.price_list_id),
                           i.disposition, e.employee_id, m.role, coalesce(e.work_type_id, t.work_type_id), e.task_id,
                               i.cost_rate, i.base_cost_rate,
                           NULL, array_position(v_terms_ids, i.terms_id))::rating_entry) AS entries
                  FROM input i JOIN time_entry e ON e.id = i.id JOIN employee m ON m.id = e.employee_id
                      JOIN task t ON t.id = e.task_id) b
         CROSS JOIN LATERAL rate(v_bodies, b.entries, v_state) s
         WHERE b.entries IS NOT NULL  -- a contract without work in these days has no terms to rate by
    ), periods AS (
        SELECT DISTINCT service_period(p_base, d::date) AS span
          FROM generate_series(greatest(p_from, p_base.starts_on), least(p_to, p_base.ends_on), interval '1 day') d
    ), fees AS (
        SELECT f.service_date, CASE WHEN p_terms ->> 'fee' IS NULL THEN 0
                   ELSE prorate((p_terms ->> 'fee')::numeric, f.span, f.active, f.rule, f.exponent) END AS amount
          FROM (SELECT s.span, s.span * daterange(p_base.starts_on, p_base.ends_on, '[]') AS active,
                       lower(s.span * daterange(p_base.starts_on, p_base.ends_on, '[]')) AS service_date,
                       coalesce((SELECT min(n.prorate) FROM contract_line n WHERE n.contract_id = p_base.id
                                 AND n.kind = 'recurring'), 'none') AS rule,
                       (SELECT u.exponent::int FROM currency_code u WHERE u.code = p_base.currency) AS exponent
                  FROM periods s) f
         WHERE p_terms ? 'fee' AND f.service_date BETWEEN p_from AND p_to
    ), figure AS (
        SELECT h.service_date AS day, h.amount AS old_amount, 0::numeric AS new_amount, h.cost AS old_cost,
            0::numeric AS new_cost, 0 AS problem FROM live h
        UNION ALL
        SELECT coalesce(s.service_date, h.day), 0, coalesce(s.amount, h.amount), 0, coalesce(s.cost, h.cost),
            (s.segment = 0)::int
          FROM rated s
          LEFT JOIN LATERAL (SELECT min(h.service_date) AS day, sum(h.amount) AS amount, sum(h.cost) AS cost FROM live h
                              WHERE h.time_entry_id = s.entry_id AND s.segment = 0) h ON true
        UNION ALL
        -- all that is no time, but for the fees that the question replaces
        SELECT h.service_date, h.amount, CASE WHEN n.replaced THEN 0 ELSE h.amount END, h.cost, h.cost, 0
          FROM charge h
         CROSS JOIN LATERAL (SELECT p_terms ? 'fee' AND h.source = 'fee' AND h.contract_id = p_base.id AND EXISTS (
                                SELECT FROM contract_line l WHERE l.id = h.contract_line_id
                                    AND l.kind = 'recurring') AS replaced) n
         WHERE h.contract_id = ANY (v_group) AND h.source <> 'time' AND h.service_date BETWEEN p_from AND p_to
        UNION ALL
        -- the calendar owes a fee for each period, charged yet or not
        SELECT d.service_date, d.amount, CASE WHEN n.replaced THEN 0 ELSE d.amount END, d.cost, d.cost, 0
          FROM periods s
         CROSS JOIN LATERAL due_fees(p_base.id, s.span) d
         CROSS JOIN LATERAL (SELECT p_terms ? 'fee' AND d.contract_id = p_base.id AND EXISTS (
                                SELECT FROM contract_line l WHERE l.id = d.line_id
                                    AND l.kind = 'recurring') AS replaced) n
         WHERE d.service_date BETWEEN p_from AND p_to
           AND NOT EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.source = 'fee'
                           AND h.line_period = lower(s.span) AND h.reverses_id IS NULL)
        UNION ALL
        SELECT f.service_date, 0, f.amount, 0, 0, 0 FROM fees f
    )
    SELECT month(f.day), sum(f.old_amount), sum(f.new_amount), coalesce(sum(f.old_cost), 0),
        coalesce(sum(f.new_cost), 0), sum(f.problem)
      FROM figure f GROUP BY 1 ORDER BY 1;
END $$;
COMMENT ON FUNCTION what_if_contract(contract, date, date, jsonb) IS
    'revenue and cost of one contract group by month, as they are and as other terms would make them; unrated: entries '
    'they have no price for, which count as they are';

CREATE FUNCTION what_if(INOUT contract_id bigint, from_date date, to_date date, terms jsonb,
    OUT contract text, OUT month date, OUT currency text,
    OUT old_revenue numeric, OUT new_revenue numeric, OUT revenue_difference numeric,
    OUT old_cost numeric, OUT new_cost numeric, OUT cost_difference numeric,
    OUT old_profit numeric, OUT new_profit numeric, OUT profit_difference numeric, OUT unrated_entries bigint)
        RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_list price_list;
BEGIN
    terms := json_argument(terms);
    PERFORM check_what_if($4);
    IF $2 IS NULL OR $3 IS NULL OR $3 < $2 OR NOT isfinite($2) OR NOT isfinite($3) THEN
        RAISE EXCEPTION 'what_if needs a range of days, not % to %', coalesce($2::text, 'NULL'),
            coalesce($3::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF $4 ? 'price_list_id' THEN
        SELECT * INTO v_list FROM price_list l WHERE l.id = ($4 ->> 'price_list_id')::bigint;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no price list %', $4 ->> 'price_list_id' USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    IF $1 IS NOT NULL AND (base_contract($1)).currency <> v_list.currency THEN
        RAISE EXCEPTION 'price list "%" is in %, the contract in %', v_list.name, v_list.currency,
            (base_contract($1)).currency
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose a list in the currency of the contract.';
    END IF;
    RETURN QUERY
    SELECT c.id, c.number, w.month, c.currency,
           w.old_revenue::numeric(18,2), w.new_revenue::numeric(18,2), (w.new_revenue - w.old_revenue)::numeric(18,2),
           w.old_cost::numeric(18,2), w.new_cost::numeric(18,2), (w.new_cost - w.old_cost)::numeric(18,2),
           (w.old_revenue - w.old_cost)::numeric(18,2), (w.new_revenue - w.new_cost)::numeric(18,2),
           (w.new_revenue - w.new_cost - w.old_revenue + w.old_cost)::numeric(18,2), w.unrated
      FROM contract c
     CROSS JOIN LATERAL what_if_contract(c, $2, $3, $4) w
     WHERE CASE WHEN $1 IS NULL THEN c.parent_id IS NULL AND c.status <> 'draft'
         AND (v_list.currency IS NULL OR v_list.currency = c.currency)
                ELSE c.id = (base_contract($1)).id END
     ORDER BY c.id, w.month;
END $$;
COMMENT ON FUNCTION what_if(bigint, date, date, jsonb) IS
    'revenue, cost and profit of a contract (NULL: of all) by month of a range of days, as they are (old) and under '
    'other terms (new), in the currency of the contract; writes nothing. terms: price_list_id or prices ([{"price", '
    '"role"?, "employee"?, "work_type"?}]), included_s or included_hours a period, overage_price, rounding ({"mode", '
    '"increment_s", …}), band_rules ([{"band", "multiplier", …}]), cap_amount, period_cap_amount, discount_pct (in '
    'place of all others), fee a period; null takes a term away. Entries the new terms have no price for count as they '
    'are, in unrated_entries. Refused (22023): unknown terms';
SELECT allow('manager', 'execute', 'what_if');
-- ---------------------------------------------------------------------------
-- billing: what is charged beside time
--
-- Fees and stages, items and expenses, fixed prices of tasks, prepaid blocks,
-- write-offs.  Each becomes a charge, provisional like those of time until a
-- report, an invoice or the close of its period freezes it.
-- ---------------------------------------------------------------------------

-- The fees that a period is due, as the contract's lines say now.
CREATE FUNCTION due_fees(p_base bigint, p_span daterange)
    RETURNS TABLE (line_id bigint, contract_id bigint, item_id bigint, service_date date, amount numeric, cost numeric,
                   why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT n.id, c.id, n.item_id, lower(a.days), f.amount, f.cost,
           jsonb_build_object('fee', jsonb_build_object('title', n.title) || CASE
               WHEN n.kind = 'one_time' THEN '{"once": true}'
               ELSE jsonb_build_object('from', iso(lower(a.days)), 'to', iso(upper(a.days) - 1)) || CASE
                   WHEN n.prorate = 'none' OR a.days = p_span THEN '{}'
                   ELSE jsonb_build_object('days', upper(a.days) - lower(a.days), 'of', upper(p_span) - lower(p_span),
                                           'rule', n.prorate, 'amount', round(n.amount, u.exponent)) END END)
      FROM contract b
      JOIN contract c ON c.id = b.id OR c.parent_id = b.id
      JOIN currency_code u ON u.code = c.currency
      JOIN contract_line n ON n.contract_id = c.id AND n.kind IN ('recurring', 'one_time')
     CROSS JOIN LATERAL (SELECT p_span * line_days(n, c, b) AS days) a
     CROSS JOIN LATERAL (SELECT CASE n.kind WHEN 'one_time' THEN n.amount
                         ELSE prorate(n.amount, p_span, a.days, n.prorate, u.exponent::int) END AS amount,
                                CASE n.kind WHEN 'one_time' THEN n.cost
                                    ELSE prorate(n.cost, p_span, a.days, n.prorate, u.exponent::int) END AS cost
                          WHERE NOT isempty(a.days)) f
     WHERE b.id = p_base AND NOT isempty(a.days) AND (f.amount <> 0 OR f.cost <> 0);
END;
COMMENT ON FUNCTION due_fees(bigint, daterange) IS
    'recurring and one-time fees of a contract and its companions in one service period, closed or open, prorated to '
    'the days that the line is in force in it';

-- A fee keeps its charge while it is open, whatever changes of it; what is committed
-- stays.
DO $$
DECLARE
    c_kept CONSTANT text[] := '{id,contract_line_id,line_period,held_by,frozen_at,key}';
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION put_fees(p_rows charge[]) RETURNS void
            LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $body$
        BEGIN
            UPDATE charge h SET (%1$s) = ROW(%2$s)
              FROM unnest(p_rows) n
             WHERE h.contract_line_id = n.contract_line_id AND h.line_period = n.line_period AND h.source = 'fee'
               AND NOT h.committed AND (%3$s) IS DISTINCT FROM (%2$s);
            PERFORM put_charges(ARRAY(
                SELECT n FROM unnest(p_rows) n
                 WHERE NOT EXISTS (SELECT FROM charge h
                                    WHERE h.contract_line_id = n.contract_line_id AND h.line_period = n.line_period
                                      AND h.source = 'fee' AND h.reverses_id IS NULL)));
        END $body$ $function$,
        column_list('charge', '%1$s', c_kept), value_list('charge', 'n', c_kept),
        column_list('charge', 'h.%1$s', c_kept));
END $$;
COMMENT ON FUNCTION put_fees(charge[]) IS
    'write the fees of contract lines, one for each line and service period: new, or in place of the open one';

CREATE FUNCTION charge_fees_of(p_base contract, p_span daterange, p_late bigint[] DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_open CONSTANT boolean := lower(p_span) >= lower((open_period(p_base)).span);
    v_fee record;
    v_new charge;
    v_fees charge[];
BEGIN
    DELETE FROM charge h
     WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source = 'fee' AND h.line_period = lower(p_span)
       AND NOT h.committed
       AND NOT EXISTS (SELECT FROM due_fees(p_base.id, p_span) d WHERE d.line_id = h.contract_line_id);
    FOR v_fee IN
        SELECT d.* FROM due_fees(p_base.id, p_span) d
         WHERE (v_open OR d.line_id = ANY (p_late)
                OR EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.line_period = lower(p_span)
                           AND h.source = 'fee' AND NOT h.committed))
           -- what is billed once is not billed again on another day
           AND NOT (d.why #> '{fee,once}' IS NOT NULL
                    AND EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.source = 'fee'
                                AND h.committed AND h.reverses_id IS NULL))
         ORDER BY d.line_id
    LOOP
        v_new.source := 'fee';
        v_new.made_by := 'line';
        v_new.contract_id := v_fee.contract_id;
        v_new.contract_line_id := v_fee.line_id;
        v_new.item_id := v_fee.item_id;
        v_new.service_date := v_fee.service_date;
        v_new.quantity := 1;
        v_new.price := v_fee.amount;
        v_new.amount := v_fee.amount;
        v_new.cost := v_fee.cost;
        v_new.why := v_fee.why;
        v_fees := v_fees || complete_charge(v_new);
    END LOOP;
    PERFORM put_fees(v_fees);
END $$;
COMMENT ON FUNCTION charge_fees_of(contract, daterange, bigint[]) IS
    'make, correct or take away the open fee charges of one service period, one for each line; of a closed one, late '
    'in the open period, those of these lines and those that are there';

-- Periods of before a change of where they count from have other days.
CREATE FUNCTION follow_fees(p_base contract) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_periods date[];
BEGIN
    v_periods := ARRAY(
        SELECT DISTINCT lower(service_period(p_base, h.line_period)) FROM charge h
         WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source = 'fee' AND h.line_period IS NOT NULL
           AND NOT h.committed ORDER BY 1);
    DELETE FROM charge h
     WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source = 'fee' AND NOT h.committed
       AND h.line_period IS NOT NULL AND h.line_period <> ALL (v_periods);
    PERFORM charge_fees_of(p_base, service_period(p_base, x.first)) FROM unnest(v_periods) x (first);
END $$;
COMMENT ON FUNCTION follow_fees(contract) IS
    'open fees, charged ahead or late, follow their lines, and go with their days';

-- Days that come into force in closed periods are charged in the open one.  Where a
-- line had days in a period before, it has a fee there, which is corrected; and an
-- amount that is put up prices no past.
CREATE FUNCTION charge_late_fees(p_base contract, p_line bigint, p_before daterange, p_days daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_late CONSTANT daterange := p_days * daterange(NULL, lower((open_period(p_base)).span));
    v_span daterange;
BEGIN
    IF isempty(v_late) OR v_late <@ p_before THEN
        RETURN;
    END IF;
    v_span := service_period(p_base, lower(v_late));
    WHILE v_span && v_late LOOP
        PERFORM charge_fees_of(p_base, v_span, ARRAY[p_line]) WHERE NOT v_span && p_before;
        v_span := service_period(p_base, upper(v_span));
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_late_fees(contract, bigint, daterange, daterange) IS
    'charge the fees of a line whose days were p_before and are p_days now for closed periods in which it had none: '
    'late, in the open period, with their true dates';

CREATE FUNCTION charge_fees(contract_id bigint, through date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_span daterange;
    v_last date;
BEGIN
    v_span := (open_period(v_base)).span;
    v_last := greatest(lower(v_span), books_today()) + interval '10 years';
    IF through IS NULL OR NOT isfinite(through) THEN
        RAISE EXCEPTION 'charge_fees needs the day through which to charge' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'The last day of the period that is paid in advance.';
    ELSIF through > v_last THEN
        RAISE EXCEPTION 'fees through % are too far ahead', through
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The limit is ten years, %s.', iso(v_last)),
                HINT = 'Charge them nearer to their time.';
    END IF;
    WHILE v_base.status <> 'draft' AND lower(v_span) <= through
        AND lower(v_span) <= coalesce(v_base.ends_on, 'infinity') LOOP
        PERFORM charge_fees_of(v_base, v_span);
        v_span := service_period(v_base, upper(v_span));
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_fees(bigint, date) IS
    'make the fee charges of every open service period of a contract that begins on or before a day: fees charged in '
    'advance; idempotent. Refused (22023): no day, one without end, or one more than ten years ahead';
SELECT allow('manager', 'execute', 'charge_fees');

-- Days on which a contract is not in force charge nothing.
CREATE VIEW uncharged_line WITH (security_invoker) AS
    SELECT n.id AS contract_line_id, c.id AS contract_id, c.number AS contract, c.client_id, k.name AS client, n.kind,
           n.title, n.amount::numeric(18,2) AS amount, c.currency, n.starts_on, n.ends_on,
           CASE WHEN 'draft' IN (c.status, b.status) THEN 'the contract is a draft'
                ELSE format('the contract is in force from %s to %s', iso(greatest(c.starts_on, b.starts_on)),
                            coalesce(iso(least(c.ends_on, b.ends_on)), 'further notice')) END AS reason
      FROM contract_line n
      JOIN contract c ON c.id = n.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      JOIN party k ON k.id = c.client_id
     WHERE n.kind IN ('recurring', 'one_time') AND n.status <> 'cancelled' AND isempty(line_days(n, c, b))
       AND NOT coalesce(n.ends_on < n.starts_on, false)
       AND NOT EXISTS (SELECT FROM charge h WHERE h.contract_line_id = n.id AND h.source = 'fee');
COMMENT ON VIEW uncharged_line IS
    'fees that are never charged, because their contract is not in force on any of their days, each with the reason';
SELECT allow('reader', 'select', 'uncharged_line');
-- ---------------------------------------------------------------------------
-- life: fees and hours follow the life of contracts and of their lines
-- ---------------------------------------------------------------------------

-- What is open and no work: work is placed by rating.
CREATE FUNCTION follow_periods(p_base contract) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE charge h SET period_start = lower(service_period(p_base, h.service_date))
     WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source <> 'time' AND NOT h.committed AND NOT h.late
       AND h.period_start <> lower(service_period(p_base, h.service_date));
    PERFORM rate_again(p_base, h.first)
       FROM (SELECT min(h.service_date) AS first FROM charge h
              WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source = 'time' AND NOT h.committed
                AND h.period_start <> lower(service_period(p_base, h.service_date)) AND NOT h.late) h
      WHERE h.first IS NOT NULL;
END $$;
COMMENT ON FUNCTION follow_periods(contract) IS
    'open charges lie in the service periods that the contract has now, none of which is closed';

CREATE FUNCTION follow_life(p_base contract) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_last bigint := last_allotment(p_base.id);
BEGIN
    PERFORM follow_fees(p_base);
    PERFORM follow_grants(p_base);
    -- what is granted anew is drawn on by work that is rated already; what changes says so itself
    PERFORM rate_again(p_base, min(a.effective_at AT TIME ZONE contract_zone(p_base.calendar_id))::date)
       FROM allotment a
      WHERE a.contract_id = ANY (contract_group(p_base.id)) AND a.id > coalesce(v_last, 0)
     HAVING count(*) > 0;
    PERFORM carry_over(p_base);
END $$;
COMMENT ON FUNCTION follow_life(contract) IS
    'open fees and hours of a contract group are what its lines give now, and open work draws on these hours';

CREATE FUNCTION follow_lines() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_lines contract_line[];
    v_before contract_line[];
    v_line record;
    v_base contract;
BEGIN
    v_lines := ARRAY(SELECT n FROM new_rows n ORDER BY n.id);
    IF TG_OP = 'UPDATE' THEN
        v_before := ARRAY(SELECT o FROM old_rows o ORDER BY o.id);
    END IF;
    FOR v_line IN
        SELECT b.id AS base_id, array_agg(n.id ORDER BY n.id) AS lines
          FROM unnest(v_lines) n
          LEFT JOIN unnest(v_before) o ON o.id = n.id
          JOIN contract c ON c.id = n.contract_id
          JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
         WHERE n IS DISTINCT FROM o
         GROUP BY b.id ORDER BY b.id
    LOOP
        v_base := lock_contract(v_line.base_id);
        PERFORM charge_late_fees(v_base, n.id, CASE WHEN o.id IS NULL THEN 'empty' ELSE line_days(o, c, v_base) END,
                                 line_days(n, c, v_base))
           FROM unnest(v_lines) n
           LEFT JOIN unnest(v_before) o ON o.id = n.id
           JOIN contract c ON c.id = n.contract_id
          WHERE n.id = ANY (v_line.lines) AND n.kind <> 'stage';
        PERFORM follow_life(v_base);
        -- what is lost is eaten before what is carried over
        PERFORM rate_again(v_base, lower((open_period(v_base)).span))
          WHERE EXISTS (SELECT FROM unnest(v_lines) n JOIN unnest(v_before) o ON o.id = n.id
                         WHERE n.id = ANY (v_line.lines)
                           AND (n.rollover_max > 0) IS DISTINCT FROM (o.rollover_max > 0));
    END LOOP;
    PERFORM recheck_charges(ARRAY(
        SELECT h.id FROM unnest(v_lines) n JOIN unnest(v_before) o ON o.id = n.id
          JOIN charge h ON h.contract_line_id = n.id AND h.source = 'fee'
         WHERE (n.starts_on, n.ends_on, n.status, n.prorate)
               IS DISTINCT FROM (o.starts_on, o.ends_on, o.status, o.prorate) ORDER BY 1));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_lines() IS
    'trigger function of contract_line: open fees and hours follow their lines, closed periods that a line comes to '
    'cover are charged late, and frozen fees are compared with the days that their line is in force now; SECURITY '
    'DEFINER because nobody is granted INSERT on charge and allotment';

CREATE FUNCTION follow_lives(p_now contract[], p_before contract[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_base contract;
    v_was contract;
BEGIN
    FOR v_base IN
        SELECT b.* FROM contract b
         WHERE b.id IN (SELECT coalesce(x.parent_id, x.id) FROM unnest(p_now || p_before) x
                        UNION
                        SELECT coalesce(r.parent_id, r.id) FROM unnest(p_now || p_before) x
                          JOIN contract r ON r.id = x.renews_id)
         ORDER BY b.id
    LOOP
        SELECT o.* INTO v_was FROM unnest(p_before) o WHERE o.id = v_base.id;
        IF v_was.id IS NULL THEN
            v_was := v_base;
        END IF;
        PERFORM charge_late_fees(v_base, n.id, CASE WHEN o.id IS NULL THEN line_days(n, c, v_was)
                                                    ELSE line_days(n, o, v_was) END, line_days(n, c, v_base))
           FROM contract c
           JOIN contract_line n ON n.contract_id = c.id AND n.kind <> 'stage'
           LEFT JOIN unnest(p_before) o ON o.id = c.id
          WHERE v_base.id IN (c.id, c.parent_id);
        PERFORM follow_periods(v_base) WHERE (v_was.period, anchor_of(v_was))
                                             IS DISTINCT FROM (v_base.period, anchor_of(v_base));
        PERFORM follow_life(v_base);
    END LOOP;
END $$;
COMMENT ON FUNCTION follow_lives(contract[], contract[]) IS
    'fees, hours and periods follow contracts that are new or were otherwise before';
-- ---------------------------------------------------------------------------
-- stage: a stage of a contract is accepted
-- ---------------------------------------------------------------------------

CREATE FUNCTION accept_stage(contract_line_id bigint, accepted_on date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_line contract_line;
    v_new charge;
BEGIN
    PERFORM lock_contracts(ARRAY(SELECT n.contract_id FROM contract_line n WHERE n.id = contract_line_id));
    SELECT * INTO v_line FROM contract_line n WHERE n.id = contract_line_id FOR NO KEY UPDATE;
    IF NOT FOUND OR v_line.kind <> 'stage' THEN
        RAISE EXCEPTION 'contract line % is no stage', contract_line_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Stages are the rows of contract_line of kind stage.';
    END IF;
    IF v_line.status = 'accepted' AND v_line.accepted_on = coalesce(accepted_on, v_line.accepted_on) THEN
        RETURN (SELECT h.id FROM charge h WHERE h.contract_line_id = v_line.id AND h.source = 'stage'
                AND h.reverses_id IS NULL);
    END IF;
    IF v_line.status IN ('accepted', 'cancelled') THEN
        RAISE EXCEPTION 'stage "%" is % already', v_line.title, v_line.status
            USING ERRCODE = 'restrict_violation',
                DETAIL = CASE v_line.status WHEN 'accepted' THEN format('It was accepted on %s.', v_line.accepted_on)
                    ELSE 'It is not to be done.' END,
                HINT = 'Add a line for another stage.';
    END IF;
    accepted_on := coalesce(accepted_on, books_today());
    UPDATE contract_line n SET status = 'accepted', accepted_on = accept_stage.accepted_on WHERE n.id = v_line.id;
    v_new.source := 'stage';
    v_new.made_by := 'line';
    v_new.contract_id := v_line.contract_id;
    v_new.contract_line_id := v_line.id;
    v_new.item_id := v_line.item_id;
    v_new.service_date := accepted_on;
    v_new.quantity := 1;
    v_new.price := v_line.amount;
    v_new.amount := v_line.amount;
    v_new.cost := v_line.cost;
    v_new.why := jsonb_build_object('stage',
                                    jsonb_build_object('title', v_line.title, 'accepted_on', iso(accepted_on)));
    RETURN new_charge(v_new);
END $$;
COMMENT ON FUNCTION accept_stage(bigint, date) IS
    'the client accepts a stage: it is charged on that day, today where none is given; returns the charge. The same '
    'again returns the same charge; refused for another day and for cancelled stages (23001), and for lines that are '
    'no stage (23503)';
SELECT allow('clerk', 'execute', 'accept_stage');
-- ---------------------------------------------------------------------------
-- item: what is sold by the piece, and expenses passed on
-- ---------------------------------------------------------------------------

CREATE FUNCTION sell_item(contract_id bigint, item_id bigint, quantity numeric, service_date date, task_id bigint,
                          key text, price numeric, cost numeric,
    task_item_id bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_known bigint;
    v_item item;
    v_contract contract;
    v_price record;
    v_list bigint;
    v_exponent int;
    v_new charge;
BEGIN
    IF coalesce(quantity, 0) <= 0 OR quantity IN ('NaN', 'Infinity') THEN
        RAISE EXCEPTION 'a quantity of % cannot be charged', coalesce(quantity::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Pass a quantity above 0; take a charge back with adjust_charge().';
    END IF;
    IF price < 0 OR cost < 0 THEN
        RAISE EXCEPTION 'an item cannot have a price of % and a cost of %', coalesce(price::text, 'NULL'),
            coalesce(cost::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Neither is below 0; take a charge back with adjust_charge().';
    END IF;
    IF service_date IS NULL OR NOT isfinite(service_date) THEN
        RAISE EXCEPTION 'a charge needs the day of its service' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Pass a date.';
    END IF;
    SELECT * INTO v_item FROM item i WHERE i.id = item_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no item %', item_id USING ERRCODE = 'foreign_key_violation',
            HINT = 'Table item lists the items.';
    END IF;
    PERFORM lock_contract(contract_id);
    SELECT * INTO v_contract FROM contract c WHERE c.id = contract_id;
    PERFORM FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = task_id
                                                                AND p.client_id = v_contract.client_id;
    IF NOT FOUND AND task_id IS NOT NULL THEN
        RAISE EXCEPTION 'task % is not one of the client of contract "%"', task_id, v_contract.number
            USING ERRCODE = 'foreign_key_violation', HINT = 'Charge it under the contract of its own client.';
    END IF;
    v_new.source := 'item';
    v_new.made_by := CASE WHEN task_item_id IS NULL THEN 'user' ELSE 'task_item' END;
    v_new.task_item_id := task_item_id;
    v_new.contract_id := contract_id;
    v_new.service_date := service_date;
    v_new.item_id := item_id;
    v_new.task_id := task_id;
    v_new.quantity := quantity;
    v_new.key := key;
    v_known := known_charge(v_new);
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    v_list := first_price_list(contract_id, coalesce((SELECT t.project_id FROM task t WHERE t.id = task_id),
                                                     v_contract.project_id), v_contract.client_id, v_contract.currency);
    SELECT * INTO v_price FROM item_position(v_list, contract_id, item_id, service_date);
    IF num_nonnulls(price, v_price.price, v_price.tiers) = 0 THEN
        RAISE EXCEPTION 'no price for item "%" on % under contract "%"', v_item.code, service_date, v_contract.number
            USING ERRCODE = 'foreign_key_violation',
            HINT = 'Add a position with a price to a price list that the contract uses.';
    END IF;
    SELECT u.exponent INTO v_exponent FROM currency_code u WHERE u.code = v_contract.currency;
    IF price IS NOT NULL THEN
        v_price.price := price;
        v_price.tiers := NULL;
        v_price.discount_pct := NULL;
        v_price.source := 'agreed price';
        v_price.price_id := NULL;
        v_list := NULL;
    END IF;
    v_new.price := CASE WHEN v_price.tiers IS NULL THEN v_price.price END;
    v_new.discount_pct := v_price.discount_pct;
    v_new.price_source := v_price.source;
    v_new.price_list_id := v_list;
    v_new.amount := round_money(CASE WHEN v_price.tiers IS NULL THEN quantity * v_price.price
                                     ELSE tiers_amount(v_price.tiers, quantity) END
                                * (100 - coalesce(v_price.discount_pct, 0)) / 100, v_exponent);
    -- What is worked at the fixed price of a task has the cost of its hours; what is bought has one in a price list, or
    -- nobody knows it.
    v_new.cost := round_money(quantity * coalesce(cost, v_price.cost,
        CASE WHEN task_item_id IS NOT NULL AND v_item.kind NOT IN ('material', 'licence') THEN 0 END), v_exponent);
    v_new.price_id := v_price.price_id;
    v_new.why := jsonb_strip_nulls(jsonb_build_object(
        'price', CASE WHEN price IS NOT NULL THEN '{"by": "agreed"}'
                      ELSE jsonb_build_object('by', 'position', 'name', v_price.list_name) END,
        'tiers', CASE WHEN v_price.tiers IS NOT NULL THEN jsonb_build_object('mode', v_price.tiers -> 'mode') END,
        'discount', CASE WHEN v_price.discount_pct <> 0
                         THEN jsonb_build_object('pct', trim_scale(v_price.discount_pct), 'by',
                                                 v_price.discount_by) END));
    v_known := new_charge(v_new);
    PERFORM follow_caps(ARRAY[contract_id]);
    RETURN v_known;
END $$;
COMMENT ON FUNCTION sell_item(bigint, bigint, numeric, date, bigint, text, numeric, numeric, bigint) IS
    'charge an item as charge_item() does, for whoever may agree a price';

CREATE FUNCTION charge_item(contract_id bigint, item_id bigint, quantity numeric, service_date date,
                            task_id bigint DEFAULT NULL,
    key text DEFAULT NULL, price numeric DEFAULT NULL, cost numeric DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF num_nonnulls(price, cost) > 0 THEN
        PERFORM require_level('manager', 'agree the price of an item', calling_role());
        PERFORM refuse_limited('an agreed price of an item', calling_role());
    END IF;
    RETURN sell_item(contract_id, item_id, quantity, service_date, task_id, key, price, cost);
END $$;
COMMENT ON FUNCTION charge_item(bigint, bigint, numeric, date, bigint, text, numeric, numeric) IS
    'charge a quantity of an item under a contract at its price lists'' price and cost of that day, or at an agreed '
    'price (and cost) of a unit; returns the charge. The same key and content again returns the same charge; refused: '
    'other content under a key (23505), no price (23503), a quantity that is not above 0, a price or cost below 0 '
    '(22023), a price or cost agreed by who is no manager (42501)';
SELECT allow('clerk', 'execute', 'charge_item');

CREATE FUNCTION charge_expense(contract_id bigint, cost numeric, service_date date, reason text,
                               currency text DEFAULT NULL,
    item_id bigint DEFAULT NULL, task_id bigint DEFAULT NULL, employee_id bigint DEFAULT NULL, key text DEFAULT NULL)
        RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_known bigint;
    v_contract contract;
    v_exponent int;
    v_new charge;
BEGIN
    IF coalesce(cost, 0) <= 0 OR cost = 'NaN' OR coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'an expense needs an amount above 0 and a reason'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Amount %s, reason "%s".', coalesce(cost::text,
                'NULL'), reason),
                HINT = 'Say what it was spent on.';
    END IF;
    PERFORM lock_contract(contract_id);
    SELECT * INTO v_contract FROM contract c WHERE c.id = contract_id;
    v_new.source := 'expense';
    v_new.contract_id := contract_id;
    v_new.service_date := service_date;
    v_new.item_id := item_id;
    v_new.task_id := task_id;
    v_new.employee_id := employee_id;
    v_new.key := key;
    v_known := known_charge(v_new);
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    SELECT u.exponent INTO v_exponent FROM currency_code u WHERE u.code = v_contract.currency;
    v_new.cost := convert(cost, coalesce(currency, v_contract.currency), v_contract.currency, service_date);
    v_new.amount := round_money(v_new.cost * (100 + v_contract.expense_markup_pct) / 100, v_exponent);
    v_new.why := jsonb_build_object('note', reason, 'expense',
        jsonb_build_object('markup_pct', trim_scale(v_contract.expense_markup_pct))
        || CASE WHEN coalesce(currency, v_contract.currency) = v_contract.currency THEN '{}'
                ELSE jsonb_build_object('cost', trim_scale(cost), 'currency', currency, 'on', iso(service_date)) END);
    RETURN new_charge(v_new);
END $$;
COMMENT ON FUNCTION charge_expense(bigint, numeric, date, text, text, bigint, bigint, bigint, text) IS
    'pass an expense or travel cost on to the client, at cost or with the contract''s expense_markup_pct; cost in '
    'currency (default the contract''s), converted at the rate of the day; returns the charge; idempotent under a key';
SELECT allow('clerk', 'execute', 'charge_expense');

CREATE VIEW uncosted_item WITH (security_barrier) AS
    SELECT h.id AS charge_id, h.client_id, k.name AS client, h.contract_id, c.number AS contract, h.item_id,
           i.code AS item, h.service_date, h.amount::numeric(18,2) AS amount, h.currency,
           format('no cost of item "%s" on %s in the price lists', i.code, iso(h.service_date)) AS reason
      FROM visible_charge h
      JOIN item i ON i.id = h.item_id
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id
     WHERE h.source = 'item' AND h.uncosted;
COMMENT ON VIEW uncosted_item IS
    'items that were charged and whose cost nobody knows, so that their profit is not known either; a service or fee '
    'at the fixed price of a task costs the hours logged on it';
SELECT allow('controller', 'select', 'uncosted_item');
-- ---------------------------------------------------------------------------
-- task: fixed prices of tasks, charged when they are done
-- ---------------------------------------------------------------------------

CREATE FUNCTION moved_to(p_charge charge, p_task task, p_on date) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := p_charge;
BEGIN
    v.id := NULL;
    v.project_id := p_task.project_id;
    v.deal_id := p_task.deal_id;
    v.direction_id := NULL;
    v.service_date := p_on;
    RETURN complete_charge(v);
END $$;
COMMENT ON FUNCTION moved_to(charge, task, date) IS
    'the open charge of a fixed price where its task is now and on the day it was done, at the same price';

-- What a client agreed in a specification: to the last digit of its line.
CREATE FUNCTION agreed_charge(p_item task_item, p_contract bigint, p_on date) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge;
    v_exponent int := currency_exponent((SELECT c.currency FROM contract c WHERE c.id = p_contract));
BEGIN
    v.source := 'item';
    v.made_by := 'task_item';
    v.task_item_id := p_item.id;
    v.contract_id := p_contract;
    v.task_id := p_item.task_id;
    v.item_id := p_item.item_id;
    v.service_date := p_on;
    v.quantity := p_item.quantity;
    v.price := p_item.price;
    v.discount_pct := p_item.discount_pct;
    v.price_source := 'agreed price';
    v.amount := p_item.amount;
    v.cost := round_money(p_item.quantity * p_item.cost, v_exponent);
    -- what is done by hand costs the hours that are logged on it
    IF v.cost IS NULL AND NOT EXISTS (SELECT FROM item i WHERE i.id = p_item.item_id
                                      AND i.kind IN ('material', 'licence')) THEN
        v.cost := 0;
    END IF;
    v.why := jsonb_build_object('price', '{"by": "agreed"}'::jsonb, 'agreed',
                                jsonb_build_object('title', p_item.title, 'document', p_item.document_id));
    RETURN v;
END $$;
COMMENT ON FUNCTION agreed_charge(task_item, bigint, date) IS
    'the charge of a line of an agreed specification, under a contract on a day';

-- What is open follows the task: it goes when the task is done no more or has another
-- contract, and is charged there; under the same contract it moves at its price.
CREATE FUNCTION charge_task(p_task bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_task task;
    v_to record;
    v_item record;
    v_moved charge[];
    v_contracts bigint[];
BEGIN
    SELECT * INTO v_task FROM task t WHERE t.id = p_task;
    v_to := task_contract(p_task, coalesce(v_task.completed_at, now()));
    WITH gone AS (
        DELETE FROM charge h
         WHERE h.task_id = p_task AND h.task_item_id IS NOT NULL AND NOT h.committed
           AND (v_task.status <> 'done' OR (h.contract_id, h.project_id, h.service_date)
                                           IS DISTINCT FROM (v_to.contract_id, v_task.project_id, v_to.service_date))
        RETURNING h)
    SELECT array_agg(moved_to(g.h, v_task, v_to.service_date) ORDER BY (g.h).id)
               FILTER (WHERE v_task.status = 'done' AND v_to.problem IS NULL
                             AND (g.h).contract_id = v_to.contract_id),
           array_agg((g.h).contract_id)
      INTO v_moved, v_contracts FROM gone g;
    PERFORM put_charges(v_moved) WHERE v_moved IS NOT NULL;
    PERFORM follow_caps(v_contracts) WHERE v_contracts IS NOT NULL;
    IF v_task.status <> 'done' OR v_to.problem IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM new_charge(agreed_charge(i, v_to.contract_id, v_to.service_date))
       FROM task_item i JOIN document d ON d.id = i.document_id JOIN contract c ON c.id = v_to.contract_id
      WHERE i.task_id = p_task AND i.line_id IS NOT NULL AND d.currency = c.currency
        AND NOT EXISTS (SELECT FROM charge h WHERE h.task_item_id = i.id);
    FOR v_item IN
        SELECT i.* FROM task_item i
         WHERE i.task_id = p_task AND i.line_id IS NULL
           AND NOT EXISTS (SELECT FROM charge h WHERE h.task_item_id = i.id)
           AND (i.price IS NOT NULL
                OR EXISTS (SELECT FROM contract c
                            CROSS JOIN LATERAL item_position(first_price_list(c.id, v_task.project_id, c.client_id,
                                                                              c.currency),
                                                             c.id, i.item_id, v_to.service_date) p
                            WHERE c.id = v_to.contract_id AND num_nonnulls(p.price, p.tiers) > 0))
         ORDER BY i.id
    LOOP
        PERFORM sell_item(v_to.contract_id, v_item.item_id, v_item.quantity, v_to.service_date, p_task, NULL,
                          v_item.price, v_item.cost, v_item.id);
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_task(bigint) IS
    'charge the fixed prices of a task that is done, once each; take them back while provisional when it is done no '
    'more, and move them with it; what cannot be charged is in view uncharged_task';

-- One trigger, so that all clients are held at once, by id: of a task that moves,
-- the one it leaves and the one it comes to.
CREATE FUNCTION follow_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    -- first, so that work that is being logged on the task is seen
    PERFORM lock_parties(ARRAY(
        SELECT p.client_id FROM new_rows n JOIN old_rows o USING (id)
            JOIN project p ON p.id IN (n.project_id, o.project_id)
         WHERE (n.project_id, n.deal_id, n.contract_id, n.work_type_id, n.billable)
               IS DISTINCT FROM (o.project_id, o.deal_id, o.contract_id, o.work_type_id, o.billable)
             OR EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id)));
    PERFORM refuse_billed_kind(ARRAY(
        SELECT e.id FROM new_rows n JOIN old_rows o USING (id) JOIN time_entry e ON e.task_id = n.id
         WHERE (n.work_type_id, n.billable) IS DISTINCT FROM (o.work_type_id, o.billable) ORDER BY e.id));
    PERFORM follow_entries(ARRAY(
        SELECT e.id FROM new_rows n JOIN old_rows o USING (id) JOIN time_entry e ON e.task_id = n.id
         WHERE (n.project_id, n.contract_id, n.work_type_id, n.billable)
               IS DISTINCT FROM (o.project_id, o.contract_id, o.work_type_id, o.billable) ORDER BY e.id));
    PERFORM charge_task(n.id) FROM new_rows n
      WHERE EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id) ORDER BY n.id;
    -- A deal says where profit is told, and nothing of what was billed.  What was
    -- billed to another client before the task moved is none of his deal's.
    PERFORM tell_charges(array_agg(h.id), n.deal_id)
       FROM new_rows n JOIN old_rows o USING (id) JOIN project p ON p.id = n.project_id
       JOIN charge h ON h.task_id = n.id AND h.client_id = p.client_id
      WHERE n.deal_id IS DISTINCT FROM o.deal_id
      GROUP BY n.deal_id ORDER BY n.deal_id;
    -- work of no deal is of the deal of the document that keeps it
    PERFORM tell_deal(d.id, d.deal_id)
       FROM (SELECT DISTINCT c.document_id
               FROM new_rows n JOIN old_rows o USING (id) JOIN charge h ON h.task_id = n.id
                   JOIN charge_claim c ON c.charge_id = h.id
              WHERE n.deal_id IS NULL AND o.deal_id IS NOT NULL) x
       JOIN document d ON d.id = x.document_id AND d.deal_id IS NOT NULL AND d.issued_at IS NOT NULL;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_tasks() IS
    'trigger function of task: open work follows the project, contract, kind and disposition of its task, what is done '
    'is charged at its fixed price, and the deal of a task is told to its charges; refused (23001) where billed work '
    'would be billed otherwise; SECURITY DEFINER because nobody is granted INSERT on charge';

-- The time of a task is in its fixed price from then on: what is not frozen is
-- rated again.
CREATE FUNCTION price_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_tasks bigint[];
    v_gone bigint[] := '{}';
    v_contracts bigint[];
    v_committed bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_tasks := ARRAY(SELECT DISTINCT n.task_id FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        v_tasks := ARRAY(SELECT DISTINCT o.task_id FROM old_rows o);
        v_gone := ARRAY(SELECT o.id FROM old_rows o);
    ELSE
        -- what does not bear on money prices nothing again
        v_gone := ARRAY(SELECT o.id FROM old_rows o JOIN new_rows n USING (id)
                         WHERE (o.task_id, o.item_id, o.quantity, o.price, o.cost)
                               IS DISTINCT FROM (n.task_id, n.item_id, n.quantity, n.price, n.cost));
        v_tasks := ARRAY(SELECT o.task_id FROM old_rows o WHERE o.id = ANY (v_gone)
                         UNION SELECT n.task_id FROM new_rows n WHERE n.id = ANY (v_gone));
    END IF;
    PERFORM lock_parties(ARRAY(SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id
                               WHERE t.id = ANY (v_tasks)));
    SELECT h.id INTO v_committed FROM live_charge h WHERE h.task_item_id = ANY (v_gone) AND h.committed
        ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the fixed price of a task is billed and cannot be changed'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'task_item_not_billed', DETAIL = frozen_by(v_committed),
                HINT = 'Write its charge off or up with adjust_charge(), or credit() the invoice.';
    END IF;
    WITH gone AS (DELETE FROM charge h WHERE h.task_item_id = ANY (v_gone) AND NOT h.committed RETURNING h.contract_id)
    SELECT array_agg(g.contract_id) INTO v_contracts FROM gone g;
    PERFORM follow_caps(v_contracts) WHERE v_contracts IS NOT NULL;
    PERFORM follow_entries(ARRAY(
        SELECT e.id FROM time_entry e WHERE e.task_id = ANY (v_tasks) ORDER BY e.id));
    PERFORM charge_task(t.id) FROM unnest(v_tasks) t (id) ORDER BY t.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION price_tasks() IS
    'trigger function of task_item: rates the time of the tasks again, which a fixed price includes, and charges those '
    'that are done already; what is billed stays (23001)';

CREATE VIEW uncharged_task WITH (security_invoker) AS
    SELECT i.task_id, t.title AS task, p.client_id, k.name AS client, i.item_id, coalesce(m.code, i.title) AS item,
           i.quantity::numeric(18,2) AS quantity, t.completed_at,
           coalesce(c.problem, CASE WHEN i.line_id IS NOT NULL
                                    THEN 'its specification is in another currency than the contract' END,
                    format('no price for item "%s" on %s', m.code, iso(c.service_date))) AS reason
      FROM task_item i
      JOIN task t ON t.id = i.task_id AND t.status = 'done'
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      LEFT JOIN item m ON m.id = i.item_id
     CROSS JOIN LATERAL task_contract(t.id, coalesce(t.completed_at, now())) c
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.task_item_id = i.id);
COMMENT ON VIEW uncharged_task IS
    'fixed prices of tasks that are done and could not be charged, each with the reason; closing a period tries again';
SELECT allow('reader', 'select', 'uncharged_task');
-- ---------------------------------------------------------------------------
-- block: prepaid hours and money
-- ---------------------------------------------------------------------------

CREATE FUNCTION known_block(p_key text, p_content allotment) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_known allotment;
BEGIN
    SELECT * INTO v_known FROM allotment a WHERE a.key = p_key;
    IF FOUND AND (v_known.contract_id, v_known.kind, v_known.unit, v_known.amount, v_known.effective_at,
                  v_known.expires_at)
        IS DISTINCT FROM (p_content.contract_id, p_content.kind, p_content.unit, p_content.amount,
                          p_content.effective_at, p_content.expires_at) THEN
        RAISE EXCEPTION 'key "%" was used before for allotment % with other content', p_key, v_known.id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'allotment_key_key',
                HINT = 'Send the same content again, or use another key for another block.';
    END IF;
    RETURN v_known.id;
END $$;
COMMENT ON FUNCTION known_block(text, allotment) IS
    'the block added before under a key, NULL when there is none; refused (23505) when its content was another';

CREATE FUNCTION add_block(contract_id bigint, effective_on date, hours numeric DEFAULT NULL,
                          amount numeric DEFAULT NULL, price numeric DEFAULT NULL,
    expires_on date DEFAULT NULL, priority integer DEFAULT 0, kind text DEFAULT 'block',
        work_types bigint[] DEFAULT NULL,
    payment_id bigint DEFAULT NULL, key text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract;
    v_zone text;
    v_block allotment;
    v_fee charge;
    v_id bigint;
BEGIN
    IF num_nonnulls(hours, amount) <> 1 OR coalesce(hours, amount) <= 0 OR hours * 3600 <> trunc(hours * 3600)
        OR kind NOT IN ('block', 'topup') THEN
        RAISE EXCEPTION 'a block is so many hours or so much money, above 0'
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('Hours %s, amount %s, kind %s.', coalesce(hours::text, 'NULL'),
                                coalesce(amount::text, 'NULL'), kind),
                HINT = 'Pass hours (whole seconds) or amount; kind is block or topup.';
    END IF;
    IF price IS NULL AND amount IS NULL THEN
        RAISE EXCEPTION 'what does a block of % hours cost', hours
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass its price, 0 when it is a present.';
    END IF;
    IF price < 0 THEN
        RAISE EXCEPTION 'a block cannot cost %', price
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass its price, 0 when it is a present.';
    END IF;
    IF expires_on < effective_on THEN
        RAISE EXCEPTION 'a block cannot expire on %, before it starts on %', expires_on, effective_on
            USING ERRCODE = 'invalid_parameter_value', HINT = 'expires_on is its last day.';
    END IF;
    v_base := lock_contract(contract_id);
    v_zone := contract_zone(v_base.calendar_id);
    v_block.contract_id := contract_id;
    v_block.kind := kind;
    v_block.unit := CASE WHEN hours IS NULL THEN 'money' ELSE 'seconds' END;
    v_block.amount := coalesce(hours * 3600, amount);
    v_block.effective_at := effective_on::timestamp AT TIME ZONE v_zone;
    v_block.expires_at := (expires_on + 1)::timestamp AT TIME ZONE v_zone;
    v_id := known_block(key, v_block);
    IF v_id IS NOT NULL THEN
        RETURN v_id;
    END IF;
    INSERT INTO allotment (contract_id, kind, unit, amount, priority, effective_at, expires_at, scope_work_types,
                           payment_id, key)
    VALUES (contract_id, kind, v_block.unit, v_block.amount, priority, v_block.effective_at, v_block.expires_at,
            work_types, payment_id, key)
    ON CONFLICT ON CONSTRAINT allotment_key_key DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN known_block(key, v_block);  -- another client's block took the key meanwhile: that is refused
    END IF;
    v_fee.source := 'fee';
    v_fee.made_by := 'block';
    v_fee.contract_id := contract_id;
    v_fee.service_date := effective_on;
    v_fee.quantity := 1;
    v_fee.price := coalesce(price, amount);
    v_fee.amount := v_fee.price;
    v_fee.cost := 0;
    v_fee.why := jsonb_build_object('block', jsonb_strip_nulls(
        jsonb_build_object('hours', trim_scale(hours), 'from', iso(effective_on), 'to', iso(expires_on))));
    UPDATE allotment a SET charge_id = new_charge(v_fee) WHERE a.id = v_id;
    PERFORM rate_again(v_base, effective_on);
    PERFORM carry_over(v_base);
    RETURN v_id;
END $$;
COMMENT ON FUNCTION add_block(bigint, date, numeric, numeric, numeric, date, integer, text, bigint[], bigint, text) IS
    'sell a prepaid block or top-up: so many hours, or so much money, from effective_on to the end of expires_on '
    '(NULL: for ever); its price (for money: its amount unless another is given) is charged on effective_on, the work '
    'it covers then costs nothing more; what is rated already draws on it from that day on. Blocks are eaten by '
    'priority, the lowest number first, then earliest expiry, then age. Returns the allotment; idempotent under a key; '
    'refused (22023) for what is no block';
SELECT allow('manager', 'execute', 'add_block');

CREATE FUNCTION void_block(allotment_id bigint, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_block allotment;
    v_base contract;
    v_charge charge;
BEGIN
    SELECT * INTO v_block FROM allotment a WHERE a.id = allotment_id AND a.kind IN ('block', 'topup');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'allotment % is no block', allotment_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Blocks are the rows of allotment of kind block or topup.';
    END IF;
    v_base := lock_contract(v_block.contract_id);
    SELECT * INTO v_block FROM allotment a WHERE a.id = allotment_id FOR UPDATE;
    IF v_block.voided_at IS NOT NULL THEN
        RETURN;
    END IF;
    IF v_block.source_id IS NOT NULL THEN
        RAISE EXCEPTION 'block % is what is left of block %', allotment_id, v_block.source_id
            USING ERRCODE = 'restrict_violation', DETAIL = 'The contract renews the one that the block was sold under.',
                HINT = format('Take that one back: void_block(%s, reason).', v_block.source_id);
    END IF;
    IF allotment_held(v_block.id) <> 0 THEN
        RAISE EXCEPTION 'block % has covered work that is billed', allotment_id
            USING ERRCODE = 'restrict_violation', HINT = 'Correct that work first with correct_entry().';
    END IF;
    SELECT * INTO v_charge FROM charge h WHERE h.id = v_block.charge_id;
    UPDATE allotment a SET voided_at = now(), charge_id = CASE WHEN v_charge.committed THEN a.charge_id END
        WHERE a.id = v_block.id;
    IF v_charge.committed THEN
        PERFORM adjust_charge(v_charge.id, -v_charge.amount, reason) WHERE v_charge.amount <> 0;
    ELSE
        DELETE FROM charge h WHERE h.id = v_charge.id;
    END IF;
    PERFORM carry_over(v_base);
END $$;
COMMENT ON FUNCTION void_block(bigint, text) IS
    'take a prepaid block back: its price is no more charged (a frozen one is written off) and the work it covered is '
    'rated again; refused (23001) when it covered work that is billed';
SELECT allow('manager', 'execute', 'void_block');
-- ---------------------------------------------------------------------------
-- advance: what parties paid and no document took: it can be allocated
-- ---------------------------------------------------------------------------

-- Money flows as its document says, or back: then it pays a bill below zero.
-- Of the owner, as it stands behind figures of those who keep no payments.
CREATE VIEW payment_use WITH (security_barrier) AS
    SELECT a.id, a.payment_id, a.document_id, a.amount, (a.amount * w.way)::numeric(20,6) AS used, w.way,
           p.party_id, p.contract_id, p.currency, p.flow, p.amount AS of_payment, p.paid_on, k.flow AS document_flow
      FROM payment_allocation a
      JOIN visible_payment p ON p.id = a.payment_id
      JOIN document d ON d.id = a.document_id
      JOIN document_kind k ON k.kind = d.kind
     CROSS JOIN LATERAL (SELECT CASE p.flow WHEN k.flow THEN 1 ELSE -1 END AS way) w;
COMMENT ON VIEW payment_use IS
    'allocations with their payments: amount as the document sees it, used as the payment does; way 1: money that '
    'flows as the document says, -1: money back';
SELECT allow('controller', 'select', 'payment_use');

CREATE VIEW seen_document WITH (security_invoker) AS SELECT id FROM document;
COMMENT ON VIEW seen_document IS 'the documents that the row policies of whoever asks let through';

-- Of the owner: who keeps no payments may see what they come to.  The row policies
-- of entries, and of the documents and payments that made them, bind.
CREATE VIEW client_entry WITH (security_barrier) AS
    SELECT e.id AS entry_id, coalesce(v.reverses_id, v.id) AS event_id, v.memo, e.entry_on, e.party_id, e.contract_id,
           e.own_id, e.document_id, e.payment_id,
           (s.sign * e.amount)::numeric(20,6) AS amount, e.currency,
           (s.sign * e.base_amount)::numeric(20,6) AS base_amount,
           CASE s.sign WHEN 1 THEN e.credit_id ELSE e.debit_id END AS other_id
      FROM visible_entry e
      JOIN event v ON v.id = e.event_id
     CROSS JOIN role_account r
     CROSS JOIN LATERAL (SELECT CASE r.receivable WHEN e.debit_id THEN 1 WHEN e.credit_id THEN -1 END AS sign) s
     WHERE e.charge_id IS NULL AND s.sign IS NOT NULL
       AND (e.payment_id IS NULL OR (SELECT NOT row_security_active('payment'::regclass))
            OR e.payment_id IN (SELECT p.id FROM seen_payment p))
       AND (e.document_id IS NULL OR (SELECT NOT row_security_active('document'::regclass))
            OR e.document_id IN (SELECT d.id FROM seen_document d));
COMMENT ON VIEW client_entry IS
    'the account of clients: entries of the ledger on it, what they owe positive; document_id of invoices and credit '
    'notes, payment_id of money, neither of what was posted by hand; other_id the account on the other side';
SELECT allow('reader', 'select', 'client_entry');

CREATE VIEW client_credit WITH (security_barrier) AS
    SELECT x.party_id, k.name AS party, x.currency, sum(x.amount)::numeric(18,2) AS credit
      FROM (SELECT e.party_id, e.currency, -e.amount AS amount FROM client_entry e WHERE e.document_id IS NULL
            UNION ALL
            SELECT u.party_id, u.currency, -u.amount FROM payment_use u WHERE u.document_flow = 'in') x
      JOIN party k ON k.id = x.party_id
     GROUP BY 1, 2, 3;
COMMENT ON VIEW client_credit IS
    'what clients have paid and no invoice took yet, less what was paid back, what they owed before these books and '
    'what else was posted on their account without a document, by currency: their credit, below zero a debt';
SELECT allow('reader', 'select', 'client_credit');

-- What was sent back is not there any more, whichever payment brought it.
CREATE FUNCTION advance_pool(p_payment payment) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT least(c.credit, CASE WHEN (p_payment).contract_id IS NOT NULL THEN (
                     SELECT coalesce(-sum(e.amount), 0) - (
                            SELECT coalesce(sum(u.amount), 0) FROM payment_use u
                             WHERE u.contract_id = (p_payment).contract_id AND u.currency = (p_payment).currency
                               AND u.document_flow = 'in')
                       FROM client_entry e
                      WHERE e.contract_id = (p_payment).contract_id AND e.currency = (p_payment).currency
                        AND e.document_id IS NULL) END)
      FROM client_credit c
      JOIN settling_article s ON s.article = (p_payment).article
     WHERE (p_payment).flow = 'in' AND c.party_id = (p_payment).party_id AND c.currency = (p_payment).currency
    UNION ALL
    SELECT sum(CASE p.flow WHEN 'out' THEN p.amount ELSE -p.amount END) - (
               SELECT coalesce(sum(u.amount), 0) FROM payment_use u
                WHERE u.party_id = (p_payment).party_id AND u.currency = (p_payment).currency
                  AND u.document_flow = 'out')
      FROM payment p
      JOIN account a ON a.code = p.article AND a.kind = 'expense'
      JOIN account b ON b.code = (p_payment).article AND b.kind = 'expense'
     WHERE (p_payment).flow = 'out' AND p.party_id = (p_payment).party_id AND p.currency = (p_payment).currency
       AND p.status = 'posted' AND p.flow IN ('in', 'out')
    HAVING count(*) > 0;
END;
COMMENT ON FUNCTION advance_pool(payment) IS
    'what the party of a payment, and the contract that it names, have left of all that was paid and not sent back, of '
    'the same kind and in the same currency; below zero where more was sent back, NULL for other payments';

CREATE FUNCTION advance_left(p_payment payment) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT least((p_payment).amount - (SELECT coalesce(sum(u.used), 0) FROM payment_use u
                                        WHERE u.payment_id = (p_payment).id), advance_pool(p_payment));
END;
COMMENT ON FUNCTION advance_left(payment) IS 'what is left of a payment to be allocated, no more than advance_pool()';
-- ---------------------------------------------------------------------------
-- settle: payments meet documents
--
-- An allocation is a row; whatever it makes true (the invoice paid, its
-- report, its tasks, the manager's notice) follows in the same transaction,
-- and deleting the row takes all of it back.
-- ---------------------------------------------------------------------------

CREATE VIEW document_balance WITH (security_invoker) AS
    SELECT d.id AS document_id, d.kind, d.party_id, d.contract_id, d.currency, d.gross,
           coalesce(c.gross, 0)::numeric(20,6) AS credited, coalesce(a.amount, 0)::numeric(20,6) AS allocated,
           (d.gross - coalesce(c.gross, 0) - coalesce(a.amount, 0))::numeric(20,6) AS open, d.due_on, d.issued_on,
           k.flow
      FROM document d
      JOIN document_kind k ON k.kind = d.kind AND k.flow IS NOT NULL
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
      LEFT JOIN LATERAL (SELECT -sum(l.gross) AS gross FROM document n JOIN document_line l ON l.document_id = n.id
                         AND l.kind = 'credit_note'
                          WHERE n.based_on = d.id AND n.kind = 'credit_note') c ON d.kind = 'invoice'
      LEFT JOIN LATERAL (SELECT sum(a.amount) AS amount FROM payment_allocation a WHERE a.document_id = d.id) a ON true
     WHERE coalesce(s.posted, was_binding(d.id));
COMMENT ON VIEW document_balance IS
    'issued invoices and accepted bills: gross, credited, allocated (paid) and open, in the currency of the document; '
    'flow: of the payments that settle it';
SELECT allow('reader', 'select', 'document_balance');

CREATE FUNCTION credited_whole(p_document bigint) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM document_balance b
                    WHERE b.document_id = p_document AND b.credited = b.gross AND b.credited <> 0);
END;
COMMENT ON FUNCTION credited_whole(bigint) IS 'is all of an invoice taken back by credit notes?';

-- What is free again is agreed still, and may be invoiced.
CREATE FUNCTION credited_report(p_report bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN bool_or(l.released_at IS NULL AND l.credited_by IS NULL AND l.gross <> 0) THEN 'agreed'
                WHEN bool_or(l.credited_by IS NOT NULL) THEN 'credited'
                ELSE 'void' END
      FROM document_line l
     WHERE l.document_id = p_report;
END;
COMMENT ON FUNCTION credited_report(bigint) IS
    'the status of a report whose invoice is credited whole: agreed while work of it is left, else credited where what '
    'was given up stands on it, void where all of it is free';

CREATE FUNCTION settled_status(p_document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN d.kind IN ('invoice', 'bill')
                THEN CASE WHEN credited_whole(d.id) THEN 'credited'
                          WHEN b.open = 0 THEN 'paid'
                          WHEN b.allocated <> 0 THEN 'partly_paid'
                          WHEN d.kind = 'bill' THEN 'agreed' ELSE 'sent' END
                WHEN d.kind = 'report'
                THEN coalesce((SELECT s.report_status FROM document i JOIN document_state s USING (kind, status)
                                WHERE i.based_on = d.id AND s.report_status IS NOT NULL AND NOT credited_whole(i.id)
                                ORDER BY i.id DESC LIMIT 1),
                              CASE WHEN EXISTS (SELECT FROM document i WHERE i.based_on = d.id AND i.kind = 'invoice'
                                                AND credited_whole(i.id))
                                   THEN credited_report(d.id) ELSE 'agreed' END) END
      FROM document d LEFT JOIN document_balance b ON b.document_id = d.id
     WHERE d.id = p_document;
END;
COMMENT ON FUNCTION settled_status(bigint) IS
    'the status that payments and credits give an issued invoice or accepted bill, and that its invoice gives a report';

CREATE FUNCTION settle_document(p_document bigint, p_reason text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_status text := settled_status(p_document);
BEGIN
    IF (SELECT b.open * sign(b.gross) FROM document_balance b WHERE b.document_id = p_document) < 0 THEN
        RETURN;  -- credit() is about to give back what is paid too much
    END IF;
    UPDATE document d SET status = v_status, status_said_by = NULL, status_reason = p_reason
     WHERE d.id = p_document AND d.status <> v_status AND NOT stays_settled(d, v_status);
END $$;
COMMENT ON FUNCTION settle_document(bigint, text) IS
    'give an invoice or bill the status that its payments and credits make true';

CREATE FUNCTION unpayable_hint(p_document document) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN CASE WHEN p_document.kind = 'bill' AND has_step(p_document, 'agreed', true)
                THEN 'Accept the bill first: transition(document, ''agreed'').'
                ELSE 'Only issued invoices and accepted bills are paid: view document_balance lists them.' END;
END $$;
COMMENT ON FUNCTION unpayable_hint(document) IS 'what to do about a document that takes no payment';

CREATE FUNCTION allocation_fault(p_payment payment, p_document document, p_settles boolean, p_amount numeric,
                                 p_open numeric, p_row numeric, p_left numeric, OUT wrong text, OUT hint text)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_flow CONSTANT text := (SELECT k.flow FROM document_kind k WHERE k.kind = p_document.kind);
    v_sign CONSTANT numeric := sign(p_document.gross);
    v_used CONSTANT numeric := CASE p_payment.flow WHEN v_flow THEN p_amount ELSE -p_amount END;
BEGIN
    IF p_open IS NULL THEN
        wrong := format('is %s and takes no payment', p_document.status);
        hint := unpayable_hint(p_document);
    ELSIF p_payment.status <> 'posted' THEN
        wrong := format('cannot take payment %s, which is %s', p_payment.id, p_payment.status);
        hint := 'Post the payment first.';
    ELSIF p_payment.flow <> v_flow AND (p_payment.flow = 'transfer' OR v_flow = 'in' OR v_sign > 0) THEN
        wrong := format('cannot take payment %s, which goes %s', p_payment.id, p_payment.flow);
        hint := 'Invoices are paid by money that comes in, bills by money that goes out; what is sent back lowers what '
                'the party has left.';
    ELSIF p_payment.party_id IS DISTINCT FROM p_document.party_id THEN
        wrong := format('is not of the party of payment %s', p_payment.id);
        hint := 'Correct party_id of the payment, or choose another document.';
    ELSIF p_payment.contract_id <> p_document.contract_id THEN
        wrong := format('is of another contract than payment %s', p_payment.id);
        hint := 'A payment that names a contract settles documents of that contract: take the contract off the payment '
                'first, or choose another document.';
    ELSIF p_payment.currency <> p_document.currency THEN
        wrong := format('is in %s, payment %s in %s', p_document.currency, p_payment.id, p_payment.currency);
        hint := 'Allocate payments of the currency of the document.';
    ELSIF p_document.kind = 'invoice' AND NOT p_settles THEN
        wrong := format('cannot take payment %s of article "%s"', p_payment.id, p_payment.article);
        hint := 'View settling_article lists the articles of payments of invoices, as revenue.';
    ELSIF p_amount <> round_money(p_amount, currency_exponent(p_document.currency)) THEN
        wrong := format('cannot take %s %s, which %s cannot hold', trim_scale(p_amount), p_document.currency,
                        p_document.currency);
        hint := 'Round the amount first.';
    ELSIF p_row * v_sign <= 0 THEN
        wrong := format('cannot take %s %s', trim_scale(p_row), p_document.currency);
        hint := 'Amounts are above zero, and below it for a bill below zero; unallocate() takes back.';
    ELSIF p_amount * v_sign > p_open * v_sign THEN
        wrong := format('has %s %s open, not %s', trim_scale(p_open), p_document.currency, trim_scale(p_amount));
        hint := 'Allocate what is open; the rest stays as credit.';
    ELSIF v_used > 0 AND v_used > p_left THEN
        wrong := format('cannot take %s of payment %s, which has %s %s left', trim_scale(v_used), p_payment.id,
                        trim_scale(greatest(p_left, 0)), p_payment.currency);
        hint := 'Allocate what is left of it; what was sent back is not there.';
    END IF;
END $$;
COMMENT ON FUNCTION allocation_fault(payment, document, boolean, numeric, numeric, numeric, numeric) IS
    'why a document cannot take an amount of a payment, and the way out, of what is open of the one and left of the '
    'other; p_row: what the allocation comes to; p_settles: the article of the payment settles what clients owe. NULL: it can';

-- The rows of a statement are looked at in order, each beside what is open and
-- left before it: what is after all of them, and what it and those behind it take.
CREATE FUNCTION check_allocations(p_rows bigint[], p_taken numeric[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_bad record;
BEGIN
    SELECT d.id AS document_id, f.wrong, f.hint INTO v_bad
      FROM (SELECT a.id, a.payment_id, a.document_id, a.amount, x.taken,
                   sum(x.taken) OVER (PARTITION BY a.document_id ORDER BY a.id DESC) AS of_document,
                   -- what takes something off comes before what it pays
                   sum(x.taken * a.way) OVER (PARTITION BY a.payment_id
                                              ORDER BY x.taken * a.way < 0, a.id DESC) AS of_payment,
                   sum(x.taken * a.way) OVER (PARTITION BY a.party_id, a.flow, a.currency
                                              ORDER BY x.taken * a.way < 0, a.id DESC) AS of_party
              FROM unnest(p_rows, p_taken) x (id, taken) JOIN payment_use a ON a.id = x.id) a
      JOIN payment p ON p.id = a.payment_id
      JOIN document d ON d.id = a.document_id
      LEFT JOIN settling_article k ON k.article = p.article
      LEFT JOIN document_balance b ON b.document_id = d.id
     CROSS JOIN LATERAL (SELECT sum(u.used) AS used FROM payment_use u WHERE u.payment_id = p.id) t
     CROSS JOIN LATERAL allocation_fault(p, d, k.article IS NOT NULL, a.taken, b.open + a.of_document, a.amount,
                                         least(p.amount - t.used + a.of_payment, advance_pool(p) + a.of_party)) f
     WHERE f.wrong IS NOT NULL
     ORDER BY a.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% %', document_name(v_bad.document_id), v_bad.wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits', HINT = v_bad.hint;
    END IF;
END $$;
COMMENT ON FUNCTION check_allocations(bigint[], numeric[]) IS
    'refuse (23514) allocations that took an amount each: posted payment and issued document of one party, contract '
    'and currency, never more than is left or open';

CREATE FUNCTION check_payments_suffice(p_payments bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_bad record;
BEGIN
    SELECT u.payment_id, u.of_payment, u.currency, sum(u.used) AS used INTO v_bad
      FROM payment_use u WHERE u.payment_id = ANY (p_payments)
     GROUP BY 1, 2, 3 HAVING sum(u.used) > u.of_payment OR sum(u.used) < 0 ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'payment % of % % would pay %', v_bad.payment_id, trim_scale(v_bad.of_payment), v_bad.currency,
            trim_scale(v_bad.used)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits',
                HINT = 'A bill below zero is taken off what the payment pays: take back both, or all of it by '
                       'unallocate(payment).';
    END IF;
END $$;
COMMENT ON FUNCTION check_payments_suffice(bigint[]) IS
    'refuse (23514) payments that pay more than they are, because what took something off is gone';

-- The last one first: each gives what those after it leave to be given back.
CREATE FUNCTION take_back_allocations(p_ids bigint[], p_amount numeric) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_part record;
    v_whole bigint[];
BEGIN
    SELECT array_agg(x.id) FILTER (WHERE x.before + x.amount <= p_amount) INTO v_whole
      FROM (SELECT a.id, a.amount, sum(a.amount) OVER (ORDER BY a.allocated_at DESC, a.id DESC) - a.amount AS before
              FROM payment_allocation a WHERE a.id = ANY (p_ids) AND a.amount > 0) x;
    SELECT x.id, p_amount - x.before AS amount INTO v_part
      FROM (SELECT a.id, a.amount, sum(a.amount) OVER (ORDER BY a.allocated_at DESC, a.id DESC) - a.amount AS before
              FROM payment_allocation a WHERE a.id = ANY (p_ids) AND a.amount > 0) x
     WHERE x.before < p_amount AND x.before + x.amount > p_amount;
    DELETE FROM payment_allocation a WHERE a.id = ANY (v_whole);
    UPDATE payment_allocation a SET amount = a.amount - v_part.amount WHERE a.id = v_part.id;
END $$;
COMMENT ON FUNCTION take_back_allocations(bigint[], numeric) IS
    'take an amount back of allocations, the last one first';

-- What was sent back pays no invoice: a bank's fact is not refused, so what it
-- paid is open again.
CREATE FUNCTION free_overdrawn(p_parties bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_over record;
BEGIN
    FOR v_over IN
        SELECT c.party_id, -c.credit AS amount, array_agg(u.id) AS ids
          FROM client_credit c
          JOIN payment_use u ON u.party_id = c.party_id AND u.currency = c.currency AND u.document_flow = 'in'
         WHERE c.party_id = ANY (p_parties) AND c.credit < 0
         GROUP BY c.party_id, c.currency, c.credit ORDER BY c.party_id, c.currency
    LOOP
        PERFORM take_back_allocations(v_over.ids, v_over.amount);
    END LOOP;
END $$;
COMMENT ON FUNCTION free_overdrawn(bigint[]) IS
    'where more was sent back to clients than they have left, what was allocated last is taken back';

CREATE FUNCTION settle_allocated(p_payments bigint[], p_documents bigint[], p_done text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    PERFORM settle_document(x.document_id, format('payment %s %s', x.payments, p_done))
       FROM (SELECT u.document_id, string_agg(DISTINCT u.payment_id::text, ', ') AS payments
               FROM unnest(p_payments, p_documents) u (payment_id, document_id) GROUP BY 1 ORDER BY 1) x;
    PERFORM post_matches(p_payments, p_documents);
END $$;
COMMENT ON FUNCTION settle_allocated(bigint[], bigint[], text) IS
    'what payments that were allocated to documents, or taken back, make true: the documents take the status that '
    'follows, in order, and the ledger has it';

CREATE FUNCTION follow_allocations() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_rows bigint[];
    v_payments bigint[];
    v_documents bigint[];
    v_taken numeric[];
    v_moved bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.id ORDER BY n.id), array_agg(n.payment_id ORDER BY n.id),
            array_agg(n.document_id ORDER BY n.id),
               array_agg(n.amount ORDER BY n.id)
          INTO v_rows, v_payments, v_documents, v_taken FROM new_rows n;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(o.payment_id ORDER BY o.id), array_agg(o.document_id ORDER BY o.id)
          INTO v_payments, v_documents FROM old_rows o;
    ELSE
        SELECT array_agg(n.id ORDER BY n.id), array_agg(n.payment_id ORDER BY n.id),
            array_agg(n.document_id ORDER BY n.id),
               array_agg(n.amount - o.amount ORDER BY n.id),
               min(o.id) FILTER (WHERE (n.payment_id, n.document_id) <> (o.payment_id, o.document_id))
          INTO v_rows, v_payments, v_documents, v_taken, v_moved FROM new_rows n JOIN old_rows o USING (id);
    END IF;
    IF v_moved IS NOT NULL THEN
        RAISE EXCEPTION 'allocation % stays with its payment and document', v_moved
            USING ERRCODE = 'restrict_violation', HINT = 'Take it back with unallocate() and allocate anew.';
    END IF;
    IF v_payments IS NULL THEN
        RETURN NULL;  -- a statement that found nothing
    END IF;
    -- whoever allocates by the functions of the books holds them already, from before the first row
    PERFORM lock_parties(ARRAY(
        SELECT p.party_id FROM payment p WHERE p.id = ANY (v_payments)
        UNION SELECT d.party_id FROM document d WHERE d.id = ANY (v_documents)));
    PERFORM check_allocations(v_rows, v_taken) WHERE v_rows IS NOT NULL;
    PERFORM check_payments_suffice(v_payments);
    PERFORM settle_allocated(v_payments, v_documents, CASE TG_OP WHEN 'DELETE' THEN 'taken back' ELSE 'allocated' END);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_allocations() IS
    'trigger function of payment_allocation, once a statement: the parties are held, nothing is allocated above what '
    'is left or open (23514), documents and their reports take the status that follows. SECURITY DEFINER because '
    'nobody is granted what follows';

CREATE FUNCTION follow_changed_payments(p_old payment[], p_new payment[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_wrong record;
BEGIN
    SELECT o.id, o.currency, a.amount INTO v_wrong
      FROM unnest(p_old) o
      JOIN unnest(p_new) n USING (id)
      JOIN (SELECT u.payment_id, sum(u.used) AS amount FROM payment_use u
             WHERE u.payment_id IN (SELECT o.id FROM unnest(p_old) o) GROUP BY 1) a ON a.payment_id = o.id
     WHERE n.status <> 'void'
       AND (n.amount < a.amount OR (n.currency, n.flow) <> (o.currency, o.flow)
            OR n.party_id IS DISTINCT FROM o.party_id
            OR n.flow = 'in' AND NOT EXISTS (SELECT FROM settling_article s WHERE s.article = n.article)
               AND EXISTS (SELECT FROM payment_use u WHERE u.payment_id = n.id AND u.document_flow = 'in')
            OR EXISTS (SELECT FROM payment_use u JOIN document d ON d.id = u.document_id
                        WHERE u.payment_id = n.id AND d.contract_id <> n.contract_id))
     ORDER BY o.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'payment % has % % allocated to documents', v_wrong.id, trim_scale(v_wrong.amount),
            v_wrong.currency
            USING ERRCODE = 'restrict_violation', HINT = 'Take that back with unallocate() first.';
    END IF;
    DELETE FROM payment_allocation a WHERE a.payment_id IN (SELECT n.id FROM unnest(p_new) n WHERE n.status = 'void');
END $$;
COMMENT ON FUNCTION follow_changed_payments(payment[], payment[]) IS
    'voiding payments takes their allocations back; what is allocated cannot be changed away (23001)';
-- ---------------------------------------------------------------------------
-- match: what the ledger has of payments that meet documents
--
-- What is due follows from the allocations that there are, and what is posted is
-- in the ledger: the difference is posted on the day on which both sides exist,
-- or on the first one that is not locked.  Nothing that was posted is changed.
-- ---------------------------------------------------------------------------

-- A payment whose article accrues with it brought the cost that a bill brings too.
CREATE VIEW accrual_due WITH (security_invoker) AS
    SELECT p.id AS payment_id, a.id AS article_id, r.payable AS settlement_id,
           u.used::numeric(20,6) AS due, coalesce(m.amount, 0)::numeric(20,6) AS posted,
           round_money(w.base_amount * u.used / p.amount, x.exponent::int)::numeric(20,6) AS base_due,
           coalesce(m.base_amount, 0)::numeric(20,6) AS base_posted
      FROM payment p
      JOIN account a ON a.code = p.article AND a.accrues AND a.kind = 'expense'
     CROSS JOIN role_account r
     CROSS JOIN setting s
      JOIN currency_code x ON x.code = s.base_currency
     CROSS JOIN LATERAL (SELECT coalesce(sum(u.used), 0) AS used FROM payment_use u
                          WHERE u.payment_id = p.id AND u.document_flow = 'out') u
     CROSS JOIN LATERAL (SELECT CASE WHEN u.used <> 0 THEN convert(p.amount, p.currency, s.base_currency,
                                     coalesce(p.accrued_on, p.paid_on)) ELSE 0 END AS base_amount) w
     CROSS JOIN LATERAL (
        SELECT sum(d.sign * e.amount) AS amount, sum(d.sign * e.base_amount) AS base_amount
          FROM entry e
          JOIN event v ON v.id = e.event_id AND v.source = 'payment' AND v.key LIKE '%:match:%'
         CROSS JOIN LATERAL (SELECT CASE e.credit_id WHEN a.id THEN 1 ELSE -1 END
                                    * CASE p.flow WHEN 'out' THEN 1 ELSE -1 END AS sign) d
         WHERE e.payment_id = p.id) m
     WHERE p.flow IN ('in', 'out');
COMMENT ON VIEW accrual_due IS
    'payments that accrue: what of their cost bills brought already (due) and what of it the ledger has taken back '
    '(posted), in the payment''s currency and the base currency';
SELECT allow('controller', 'select', 'accrual_due');

-- What is paid was owed at one rate and came at another.  The parts of a payment
-- are cut in the order in which it was allocated, so that the last one takes the rest.
CREATE VIEW exchange_due WITH (security_invoker) AS
    SELECT b.document_id, b.flow, b.currency, k.account_id,
           CASE WHEN b.allocated = 0 THEN 0
                ELSE paid.base_amount - round_money(owed.base_amount * b.allocated / (b.gross - b.credited),
                                                    x.exponent::int) END::numeric(20,6) AS due,
           coalesce(posted.base_amount, 0)::numeric(20,6) AS posted
      FROM document_balance b
     CROSS JOIN role_account r
     CROSS JOIN setting s
      JOIN currency_code x ON x.code = s.base_currency
     CROSS JOIN LATERAL (SELECT CASE b.flow WHEN 'in' THEN r.receivable ELSE r.payable END AS account_id) k
     CROSS JOIN LATERAL (
        SELECT sum(w.way * (round_money(w.base_amount * w.upto / w.amount, x.exponent::int)
                            - round_money(w.base_amount * (w.upto - w.used) / w.amount, x.exponent::int)))
                   AS base_amount
          FROM (SELECT u.document_id, u.way, u.used, u.of_payment AS amount,
                       sum(u.used) OVER (PARTITION BY u.payment_id ORDER BY u.id) AS upto,
                       convert(u.of_payment, u.currency, s.base_currency, u.paid_on) AS base_amount
                  FROM payment_use u
                 WHERE u.payment_id IN (SELECT y.payment_id FROM payment_allocation y
                                         WHERE y.document_id = b.document_id)) w
         WHERE w.document_id = b.document_id) paid
     CROSS JOIN LATERAL (
        SELECT sum(CASE WHEN b.flow = 'in' AND e.debit_id = k.account_id
                          OR b.flow = 'out' AND e.credit_id = k.account_id THEN e.base_amount
                        ELSE -e.base_amount END) AS base_amount
          FROM entry e
         WHERE e.document_id IN (SELECT b.document_id UNION ALL SELECT n.id FROM document n
                                  WHERE n.based_on = b.document_id AND n.kind = 'credit_note')
           AND k.account_id IN (e.debit_id, e.credit_id) AND r.exchange NOT IN (e.debit_id, e.credit_id)) owed
     CROSS JOIN LATERAL (
        SELECT sum(e.base_amount) AS base_amount FROM entry e
         WHERE e.document_id = b.document_id AND k.account_id IN (e.debit_id, e.credit_id)
           AND r.exchange IN (e.debit_id, e.credit_id)) posted
     WHERE b.currency <> s.base_currency;
COMMENT ON VIEW exchange_due IS
    'documents in other currencies: the difference between what they were worth in the base currency, as far as they '
    'are paid, and what the payments were (due), and what of it is posted; of invoices a gain, of bills a loss';
SELECT allow('controller', 'select', 'exchange_due');

CREATE FUNCTION post_accruals(p_payments bigint[], p_on date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_due record;
    v_event bigint;
    v_entry entry;
BEGIN
    FOR v_due IN
        SELECT d.*, p.flow, greatest(p_on, p.accrued_on, p.paid_on) AS day, p AS payment
          FROM accrual_due d JOIN payment p ON p.id = d.payment_id
         WHERE d.payment_id = ANY (p_payments) AND (d.due, d.base_due) <> (d.posted, d.base_posted)
         ORDER BY d.payment_id
    LOOP
        v_event := (open_events('payment', ARRAY[format('%s:match:%s', v_due.payment_id, (
            SELECT count(DISTINCT e.event_id) FROM entry e WHERE e.payment_id = v_due.payment_id))],
            ARRAY[format('%s of %s', v_due.due, v_due.payment_id)], 'bills brought the cost'))[1];
        v_entry := jsonb_populate_record(NULL::entry, to_jsonb(v_due.payment) - '{id,amount}'::text[]);
        v_entry.event_id := v_event;
        v_entry.payment_id := v_due.payment_id;
        v_entry.entry_on := posting_day(v_due.day);
        v_entry.debit_id := CASE v_due.flow WHEN 'out' THEN v_due.article_id ELSE v_due.settlement_id END;
        v_entry.credit_id := CASE v_due.flow WHEN 'out' THEN v_due.settlement_id ELSE v_due.article_id END;
        v_entry.amount := v_due.posted - v_due.due;
        v_entry.base_amount := v_due.base_posted - v_due.base_due;
        PERFORM put_entries(ARRAY[v_entry]);
    END LOOP;
END $$;
COMMENT ON FUNCTION post_accruals(bigint[], date) IS
    'take back what payments accrued, as far as bills brought it, not before a day; bring it back where they are '
    'matched no more';

CREATE FUNCTION post_exchange(p_documents bigint[], p_on date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_due record;
    v_entry entry;
BEGIN
    FOR v_due IN
        SELECT x.document_id, x.flow, x.currency, x.account_id, x.due - x.posted AS amount, r.exchange,
               greatest(p_on, d.issued_on) AS day, d.party_id, d.own_id, d.contract_id
          FROM exchange_due x JOIN document d ON d.id = x.document_id CROSS JOIN role_account r
         WHERE x.document_id = ANY (p_documents) AND x.due <> x.posted
         ORDER BY x.document_id
    LOOP
        v_entry := NULL;
        v_entry.event_id := (open_events('document', ARRAY[format('%s:exchange:%s', v_due.document_id, (
            SELECT count(DISTINCT e.event_id) FROM entry e WHERE e.document_id = v_due.document_id))],
            ARRAY[v_due.amount::text], 'exchange difference'))[1];
        v_entry.entry_on := posting_day(v_due.day);
        v_entry.debit_id := CASE v_due.flow WHEN 'in' THEN v_due.account_id ELSE v_due.exchange END;
        v_entry.credit_id := CASE v_due.flow WHEN 'in' THEN v_due.exchange ELSE v_due.account_id END;
        v_entry.amount := 0;
        v_entry.currency := v_due.currency;
        v_entry.base_amount := v_due.amount;
        v_entry.party_id := v_due.party_id;
        v_entry.client_id := CASE v_due.flow WHEN 'in' THEN v_due.party_id END;
        v_entry.contract_id := CASE v_due.flow WHEN 'in' THEN v_due.contract_id END;
        v_entry.own_id := v_due.own_id;
        v_entry.document_id := v_due.document_id;
        PERFORM put_entries(ARRAY[v_entry]);
    END LOOP;
END $$;
COMMENT ON FUNCTION post_exchange(bigint[], date) IS
    'post the exchange differences of documents as far as they are paid, not before a day; take them back where they '
    'are paid no more';

CREATE FUNCTION post_matches(p_payments bigint[], p_documents bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_issued date := (SELECT max(d.issued_on) FROM document d WHERE d.id = ANY (p_documents));
    v_paid date := (SELECT max(p.paid_on) FROM payment p WHERE p.id = ANY (p_payments));
BEGIN
    PERFORM post_accruals(p_payments, v_issued);
    -- what a payment is worth is cut anew where one of its parts changes
    PERFORM post_exchange(p_documents || ARRAY(SELECT a.document_id FROM payment_allocation a
                                                WHERE a.payment_id = ANY (p_payments)), v_paid);
END $$;
COMMENT ON FUNCTION post_matches(bigint[], bigint[]) IS
    'post what payments and documents that were matched, or are no more, mean to the ledger';

-- ---------------------------------------------------------------------------
-- what must hold
-- ---------------------------------------------------------------------------

CREATE VIEW match_problems WITH (security_invoker) AS
    SELECT 'a cost stands once: what bills brought is not the payment''s too' AS rule,
           'payment ' || d.payment_id AS subject, format('%s of bills, %s taken back', d.due, d.posted) AS detail
      FROM accrual_due d WHERE (d.due, d.base_due) <> (d.posted, d.base_posted)
    UNION ALL
    SELECT 'what is paid at another rate is posted as an exchange difference', document_name(x.document_id),
           format('%s due, %s posted', x.due, x.posted)
      FROM exchange_due x WHERE x.due <> x.posted
    UNION ALL
    SELECT 'what was sent back pays no invoice', 'party ' || c.party_id, format('credit %s %s', c.credit, c.currency)
      FROM client_credit c
     WHERE c.credit < 0 AND EXISTS (SELECT FROM payment_use u WHERE u.party_id = c.party_id AND u.currency = c.currency
                                    AND u.document_flow = 'in' AND u.amount > 0)
    UNION ALL
    SELECT 'what a client owes is what his invoices leave open less his credit', 'party ' || x.party_id,
           format('%s %s in the ledger, %s open less credit', x.owed, x.currency, x.open)
      FROM (SELECT x.party_id, x.currency, sum(x.owed) AS owed, sum(x.open) AS open
              FROM (SELECT e.party_id, e.currency, e.amount AS owed, 0 AS open FROM client_entry e
                    UNION ALL
                    SELECT b.party_id, b.currency, 0, b.open FROM document_balance b WHERE b.flow = 'in'
                    UNION ALL
                    SELECT c.party_id, c.currency, 0, -c.credit FROM client_credit c) x
             WHERE x.party_id IS NOT NULL
             GROUP BY 1, 2) x
     WHERE x.owed <> x.open
    UNION ALL
    SELECT 'unbilled work is what the ledger has of it', concat_ws(', ', 'client ' || x.client_id,
                                                                   'contract ' || x.contract_id),
           format('%s %s in the ledger, %s of charges', x.posted, x.currency, x.charged)
      FROM (SELECT x.client_id, x.contract_id, x.currency, sum(x.posted) AS posted, sum(x.charged) AS charged
              FROM (SELECT e.client_id, e.contract_id, e.currency,
                           CASE r.unbilled WHEN e.debit_id THEN e.amount ELSE -e.amount END AS posted, 0 AS charged
                      FROM entry e CROSS JOIN role_account r
                     WHERE r.unbilled IN (e.debit_id, e.credit_id)
                    UNION ALL
                    SELECT h.client_id, h.contract_id, h.currency, 0, h.amount
                      FROM charge h JOIN charge_place l ON l.charge_id = h.id
                     WHERE h.frozen_at IS NOT NULL AND l.place IN ('unbilled', 'reported')) x
             GROUP BY 1, 2, 3) x
     WHERE x.posted <> x.charged;
COMMENT ON VIEW match_problems IS
    'broken invariants of what parties owe by the ledger, by documents and by charges, none in healthy books';
SELECT allow('controller', 'select', 'match_problems');
-- ---------------------------------------------------------------------------
-- pay: payments meet documents, by hand or by age
-- ---------------------------------------------------------------------------

CREATE FUNCTION allocate_payment(payment bigint, allocations jsonb DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_payment payment;
    v_left numeric;
    v_made bigint;
BEGIN
    allocations := json_argument(allocations);
    SELECT * INTO v_payment FROM payment p WHERE p.id = allocate_payment.payment FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no payment %', allocate_payment.payment
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table payment lists the payments.';
    END IF;
    PERFORM require_pay(v_payment.article, v_payment.employee_id, calling_role());  -- what is left of it is what it was
    IF v_payment.status <> 'posted' THEN
        RAISE EXCEPTION 'payment % is % and cannot be allocated', v_payment.id, v_payment.status
            USING ERRCODE = 'restrict_violation', HINT = 'Post the payment first.';
    END IF;
    IF allocations IS NOT NULL AND (jsonb_typeof(allocations) <> 'array' OR EXISTS (
        SELECT FROM jsonb_array_elements(allocations) e WHERE jsonb_typeof(e) <> 'object'
            OR NOT e ?& '{document,amount}')) THEN
        RAISE EXCEPTION 'allocations must be an array of {"document": id, "amount": text}'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = allocations::text;
    END IF;
    IF jsonb_array_length(allocations) > 0 THEN
        allocations := (SELECT jsonb_agg(resolve_names(e.value) ORDER BY e.no)
                        FROM jsonb_array_elements(allocations) WITH ORDINALITY e (value, no));
    END IF;
    PERFORM lock_parties(ARRAY[v_payment.party_id]);
    v_left := greatest(advance_left(v_payment), 0);
    -- Oldest due first: each open document takes what those before it leave.  What bills
    -- below zero take off is used as far as it is needed.
    WITH candidate AS (
        SELECT b.document_id, b.open * w.way AS need, w.way, coalesce(b.due_on, b.issued_on) AS due_on
          FROM document_balance b
         CROSS JOIN LATERAL (SELECT CASE b.flow WHEN v_payment.flow THEN 1 ELSE -1 END AS way) w
         WHERE allocations IS NULL AND b.party_id = v_payment.party_id AND b.currency = v_payment.currency
           AND (w.way = 1 AND b.open <> 0 OR b.kind = 'bill' AND b.open < 0)
           AND (v_payment.contract_id IS NULL OR b.contract_id IS NULL OR b.contract_id = v_payment.contract_id)
    ), giver AS (
        SELECT g.document_id, least(g.gives, l.lack - g.before) AS amount, g.way
          FROM (SELECT c.document_id, -c.need AS gives, c.way,
                       sum(-c.need) OVER (ORDER BY c.due_on, c.document_id) + c.need AS before
                  FROM candidate c WHERE c.need < 0) g
         CROSS JOIN (SELECT sum(c.need) - v_left AS lack FROM candidate c WHERE c.need > 0) l
         WHERE g.before < l.lack
    ), target AS (
        SELECT (e ->> 'document')::bigint AS document_id, sum((e ->> 'amount')::numeric) AS amount, min(no) AS no
          FROM jsonb_array_elements(allocations) WITH ORDINALITY x (e, no) GROUP BY 1
        UNION ALL
        SELECT g.document_id, -g.amount * g.way, 0 FROM giver g
        UNION ALL
        SELECT o.document_id, least(o.need, a.amount - o.before) * o.way,
               row_number() OVER (ORDER BY o.due_on, o.document_id)
          FROM (SELECT c.document_id, c.need, c.way, c.due_on,
                       sum(c.need) OVER (ORDER BY c.due_on, c.document_id) - c.need AS before
                  FROM candidate c WHERE c.need > 0) o
         CROSS JOIN (SELECT v_left + coalesce(sum(g.amount), 0) AS amount FROM giver g) a
         WHERE o.before < a.amount
    ), made AS (
        INSERT INTO payment_allocation AS old (payment_id, document_id, amount)
        SELECT v_payment.id, t.document_id, t.amount FROM target t ORDER BY t.no
        ON CONFLICT ON CONSTRAINT payment_allocation_key DO UPDATE SET amount = old.amount + excluded.amount
        RETURNING document_id
    )
    SELECT count(*) INTO v_made FROM made;
    RETURN round_money(greatest(advance_left(v_payment), 0), currency_exponent(v_payment.currency));
END $$;
COMMENT ON FUNCTION allocate_payment(bigint, jsonb) IS
    'settle open documents of the payer with a posted payment, oldest due first, or those named in allocations '
    '([{"document": id or number, "amount": text}], with the sign of the document); returns what is left of the '
    'payment, which stays as credit. A payment that names a contract settles documents of that contract only, and what '
    'was sent back to its party is not there to be allocated';
SELECT allow('clerk', 'execute', 'allocate_payment');

-- A refund that names invoices makes what it names open again, and not what was
-- allocated last.
CREATE FUNCTION refund_documents(p_allocations jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_refund record;
BEGIN
    FOR v_refund IN
        SELECT x.document_id, x.amount, b.allocated, b.currency
          FROM (SELECT (r.value ->> 'document')::bigint AS document_id, sum((r.value ->> 'amount')::numeric) AS amount
                  FROM jsonb_array_elements(p_allocations) e
                 CROSS JOIN LATERAL (SELECT resolve_names(e.value) AS value) r
                 GROUP BY 1) x
          LEFT JOIN document_balance b ON b.document_id = x.document_id AND b.kind = 'invoice'
         ORDER BY x.document_id
    LOOP
        IF (v_refund.amount > 0 AND v_refund.amount <= v_refund.allocated) IS NOT TRUE THEN
            RAISE EXCEPTION '% has % % paid: % cannot be sent back', document_name(v_refund.document_id),
                trim_scale(coalesce(v_refund.allocated, 0)), v_refund.currency, trim_scale(v_refund.amount)
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits',
                    HINT = 'Name invoices that are paid, or none: then what was allocated last is open again.';
        END IF;
        PERFORM take_back_allocations(ARRAY(
            SELECT a.id FROM payment_allocation a WHERE a.document_id = v_refund.document_id), v_refund.amount);
    END LOOP;
END $$;
COMMENT ON FUNCTION refund_documents(jsonb) IS
    'take back what paid invoices, as far as it is sent back: [{"document", "amount"}]; refused (23514) above what is '
    'paid';

CREATE FUNCTION record_payment(content jsonb, OUT payment_id bigint, OUT allocated numeric, OUT unallocated numeric)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_content jsonb := resolve_names(json_argument(content));
    v_payment payment;
    v_account cash_account;
    v_settles boolean;
    v_refund boolean;
BEGIN
    PERFORM check_keys(json_argument(content), 'payment',
                       '{flow,status,paid_on,accrued_on,amount,currency,cash_account,to_cash_account,article,party,'
                       'contract,project,deal,'
        'task,employee,direction,purpose,bank_ref,allocations,source,external_id}');
    IF num_nonnulls(v_content ->> 'source', v_content ->> 'external_id') = 1 OR v_content ->> 'amount' IS NULL THEN
        RAISE EXCEPTION 'the payment has no %', CASE WHEN v_content ->> 'amount' IS NULL THEN 'amount'
            WHEN v_content ? 'source' THEN 'external_id' ELSE 'source' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = content::text,
                HINT = 'Give "amount" as text; "source" and "external_id" together, or neither.';
    END IF;
    PERFORM require_pay(v_content ->> 'article', (v_content ->> 'employee')::bigint, calling_role());
    SELECT * INTO v_account FROM cash_account a WHERE a.id = (v_content ->> 'cash_account')::bigint;
    v_refund := v_content ->> 'flow' = 'out' AND jsonb_typeof(v_content -> 'allocations') = 'array'
        AND EXISTS (SELECT FROM settling_article s WHERE s.article = v_content ->> 'article');
    IF v_refund THEN
        PERFORM lock_parties(ARRAY[coalesce((v_content ->> 'party')::bigint, (
            SELECT c.client_id FROM contract c WHERE c.id = (v_content ->> 'contract')::bigint))]);
        PERFORM refund_documents(v_content -> 'allocations')
          WHERE NOT EXISTS (SELECT FROM payment p
                             WHERE (p.source, p.external_id) = (v_content ->> 'source', v_content ->> 'external_id')
                                OR (p.cash_account_id, p.bank_ref) = (v_account.id, v_content ->> 'bank_ref'));
    END IF;
    -- Two who record the same payment at once: the second waits for the first
    -- and then finds it.
    INSERT INTO payment (flow, status, paid_on, accrued_on, amount, currency, cash_account_id, to_cash_account_id,
                         article, party_id, contract_id, project_id, deal_id, task_id, employee_id, direction_id,
                         purpose, bank_ref, source, external_id, made_from)
    SELECT f.flow, coalesce(v_content ->> 'status', 'posted'),
           coalesce(given_date(v_content, 'paid_on'), books_today()), given_date(v_content, 'accrued_on'),
           (v_content ->> 'amount')::numeric, coalesce(v_content ->> 'currency', v_account.currency),
           (v_content ->> 'cash_account')::bigint, (v_content ->> 'to_cash_account')::bigint,
           coalesce(v_content ->> 'article',
                    CASE f.flow WHEN 'in' THEN (SELECT a.code FROM account_role r JOIN account a ON a.id = r.account_id
                                                 WHERE r.role = 'revenue') END),
           (v_content ->> 'party')::bigint, (v_content ->> 'contract')::bigint, (v_content ->> 'project')::bigint,
           (v_content ->> 'deal')::bigint, (v_content ->> 'task')::bigint, (v_content ->> 'employee')::bigint,
           (v_content ->> 'direction')::bigint, v_content ->> 'purpose', v_content ->> 'bank_ref',
           v_content ->> 'source', v_content ->> 'external_id', v_content
      FROM (SELECT coalesce(v_content ->> 'flow', 'in') AS flow) f
    ON CONFLICT DO NOTHING
    RETURNING * INTO v_payment;
    IF v_payment.id IS NULL THEN
        SELECT * INTO v_payment FROM payment p
         WHERE (p.source, p.external_id) = (v_content ->> 'source', v_content ->> 'external_id')
            OR (p.cash_account_id, p.bank_ref) = ((v_content ->> 'cash_account')::bigint, v_content ->> 'bank_ref')
         ORDER BY (p.source, p.external_id)
                  IS NOT DISTINCT FROM (v_content ->> 'source', v_content ->> 'external_id') DESC LIMIT 1;
        PERFORM require_pay(v_payment.article, v_payment.employee_id, calling_role());
        IF v_payment.made_from IS DISTINCT FROM v_content THEN
            RAISE EXCEPTION 'payment % was recorded before with other content', v_payment.id
                USING ERRCODE = 'unique_violation', CONSTRAINT = CASE WHEN v_payment.source = v_content ->> 'source'
                    AND v_payment.external_id = v_content ->> 'external_id'
                          THEN 'payment_external_key' ELSE 'payment_bank_ref_key' END, TABLE = 'payment',
                    DETAIL = coalesce(format('Other now: %s.', (
                        SELECT string_agg(k.key, ', ' ORDER BY k.key)
                          FROM jsonb_object_keys(v_content || v_payment.made_from) k (key)
                         WHERE v_content -> k.key IS DISTINCT FROM v_payment.made_from -> k.key)),
                        'It was entered by hand.'),
                    HINT = 'Send the same content again, or void that payment and send another (source, external_id) '
                           'and bank_ref.';
        END IF;
        IF v_payment.status = 'void' THEN
            RAISE EXCEPTION 'payment % was recorded before and is void', v_payment.id
                USING ERRCODE = 'restrict_violation', HINT = 'Record it anew under another external_id or bank_ref.';
        END IF;
    ELSIF v_payment.status = 'posted' THEN
        v_settles := v_content ? 'allocations' AND NOT v_refund
            OR v_payment.flow = 'in' AND EXISTS (SELECT FROM settling_article s WHERE s.article = v_payment.article);
        PERFORM allocate_payment(v_payment.id, v_content -> 'allocations') WHERE v_settles;
    END IF;
    payment_id := v_payment.id;
    SELECT coalesce(sum(a.amount), 0) INTO allocated FROM payment_allocation a WHERE a.payment_id = v_payment.id;
    allocated := round_money(allocated, currency_exponent(v_payment.currency));
    unallocated := round_money(v_payment.amount - allocated, currency_exponent(v_payment.currency));
END $$;
COMMENT ON FUNCTION record_payment(jsonb) IS
    'enter a payment and settle what it is for, in one: {"amount" (text), "cash_account", "party" | "contract" (names, '
    'numbers or ids), "purpose", "paid_on" (default today), "flow" (default in), "status" (default posted), "article" '
    '(default revenue, of money that comes in), "currency" (default the cash account''s), "to_cash_account", '
    '"accrued_on", "project", "deal", "task", "employee", "direction", "bank_ref", "allocations" (as '
    'allocate_payment() takes them; [] keeps it all as credit), "source", "external_id"}. Money from clients settles '
    'their open invoices, oldest due first; other money what "allocations" name; what is sent back to a client is '
    'taken off the invoices that "allocations" name, or what was allocated last. Returns the payment, what is '
    'allocated and what is not. The same content again returns the same payment, other content under the same (source, '
    'external_id) or bank_ref is refused (23505)';
SELECT allow('clerk', 'execute', 'record_payment');

CREATE VIEW unallocated_payment WITH (security_invoker) AS
    SELECT p.payment_id, p.paid_on, p.party_id, p.party, p.contract_id, c.number AS contract, p.amount,
           (p.amount - coalesce(a.amount, 0))::numeric(18,2) AS unallocated, p.currency,
               o.open::numeric(18,2) AS open_invoices, n.numbers AS named_invoices,
           p.purpose, p.bank_ref, p.source, p.external_id
      FROM payment_card p
      JOIN settling_article x ON x.article = p.article
      LEFT JOIN contract c ON c.id = p.contract_id
      LEFT JOIN client_credit r ON r.party_id = p.party_id AND r.currency = p.currency
     CROSS JOIN LATERAL (SELECT sum(a.amount) AS amount FROM payment_allocation a WHERE a.payment_id = p.payment_id) a
     CROSS JOIN LATERAL (SELECT coalesce(sum(b.open), 0) AS open FROM document_balance b
                          WHERE b.party_id = p.party_id AND b.currency = p.currency AND b.kind = 'invoice'
                            AND b.open > 0) o
     CROSS JOIN LATERAL (SELECT string_agg(d.number, ', ' ORDER BY d.id) AS numbers
                           FROM document d JOIN document_state s USING (kind, status)
                          WHERE d.kind = 'invoice' AND s.posted AND NOT s.settled
                            AND strpos(p.purpose, d.number) > 0) n
     WHERE p.status = 'posted' AND p.flow = 'in' AND p.amount > coalesce(a.amount, 0) AND coalesce(r.credit, 1) > 0;
COMMENT ON VIEW unallocated_payment IS
    'money that came from clients and no invoice took, or not all of it: unallocated in the payment''s currency; '
    'open_invoices is what its payer owes in that currency (0: an advance); named_invoices are open invoices whose '
    'number stands in the purpose; what was paid back in full is not listed';
SELECT allow('reader', 'select', 'unallocated_payment');

CREATE FUNCTION unallocate(payment bigint, document bigint DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_freed numeric;
BEGIN
    PERFORM require_pay(p.article, p.employee_id, calling_role()) FROM payment p
        WHERE p.id = unallocate.payment FOR NO KEY UPDATE;
    PERFORM lock_parties(ARRAY(SELECT p.party_id FROM payment p WHERE p.id = unallocate.payment));
    WITH gone AS (
        DELETE FROM payment_allocation a
         WHERE a.payment_id = unallocate.payment
           AND (unallocate.document IS NULL OR a.document_id = unallocate.document)
        RETURNING a.amount)
    SELECT sum(g.amount) INTO v_freed FROM gone g;
    IF v_freed IS NULL THEN
        RAISE EXCEPTION 'payment % is not allocated%', unallocate.payment,
            coalesce(' to ' || document_name(unallocate.document), '')
            USING ERRCODE = 'restrict_violation', HINT = 'Table payment_allocation lists what is.';
    END IF;
    RETURN (SELECT round_money(v_freed, currency_exponent(p.currency)) FROM payment p WHERE p.id = unallocate.payment);
END $$;
COMMENT ON FUNCTION unallocate(bigint, bigint) IS
    'take a payment''s allocations back, all or those to one document; statuses and notices follow; returns the amount '
    'that is credit again';
SELECT allow('clerk', 'execute', 'unallocate');

CREATE FUNCTION apply_credit(document bigint, amount numeric DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(apply_credit.document, 'invoice');
    v_credit numeric;
    v_take numeric;
    v_amount numeric;
    v_applied numeric := 0;
    v_payment payment;
BEGIN
    v_credit := coalesce((SELECT c.credit FROM client_credit c WHERE c.party_id = v_document.party_id
                          AND c.currency = v_document.currency), 0);
    v_take := least(coalesce((SELECT b.open FROM document_balance b WHERE b.document_id = v_document.id), 0),
                    v_credit, apply_credit.amount);
    IF apply_credit.amount > v_take THEN
        RAISE EXCEPTION 'only % % of credit can be applied to %, not %', trim_scale(greatest(v_take, 0)),
            v_document.currency,
            document_name(v_document.id), trim_scale(apply_credit.amount)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits',
                DETAIL = format('The client has %s %s of credit.', v_credit, v_document.currency),
                    HINT = 'Leave amount out to apply what can be.';
    END IF;
    FOR v_payment IN
        SELECT p.*
          FROM payment p
          JOIN settling_article c ON c.article = p.article
         WHERE p.party_id = v_document.party_id AND p.currency = v_document.currency AND p.flow = 'in'
           AND p.status = 'posted' AND (p.contract_id = v_document.contract_id) IS NOT FALSE
           AND p.amount > (SELECT coalesce(sum(u.used), 0) FROM payment_use u WHERE u.payment_id = p.id)
         ORDER BY p.paid_on, p.id
    LOOP
        v_amount := least(advance_left(v_payment), v_take - v_applied);
        CONTINUE WHEN v_amount <= 0;
        INSERT INTO payment_allocation AS old (payment_id, document_id, amount)
        VALUES (v_payment.id, v_document.id, v_amount)
        ON CONFLICT ON CONSTRAINT payment_allocation_key DO UPDATE SET amount = old.amount + excluded.amount;
        v_applied := v_applied + v_amount;
    END LOOP;
    RETURN round_money(v_applied, currency_exponent(v_document.currency));
END $$;
COMMENT ON FUNCTION apply_credit(bigint, numeric) IS
    'settle an invoice from what its client paid before and no document took, oldest payment first, up to amount; '
    'money that names another contract stays; returns what was applied (0 when there is no credit)';
SELECT allow('clerk', 'execute', 'apply_credit');

CREATE FUNCTION pay_bill(document bigint, cash_account bigint, paid_on date DEFAULT NULL,
                         amount numeric DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(pay_bill.document, 'bill');
    v_open numeric;
    v_payment bigint;
BEGIN
    v_open := (SELECT b.open FROM document_balance b WHERE b.document_id = v_document.id);
    IF v_open IS NULL THEN
        RAISE EXCEPTION '% is % and cannot be paid', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation', HINT = unpayable_hint(v_document);
    END IF;
    IF v_open < 0 THEN
        RAISE EXCEPTION '% is of % %, which no payment out can be', document_name(v_document.id), trim_scale(v_open),
            v_document.currency
            USING ERRCODE = 'restrict_violation',
                HINT = 'It is taken off what is paid for other bills: allocate_payment(); money that comes back for it '
                       'is a payment in.';
    END IF;
    INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, contract_id,
                         project_id, purpose)
    VALUES ('out', 'posted', coalesce(pay_bill.paid_on, books_today()), coalesce(pay_bill.amount, v_open),
            v_document.currency, pay_bill.cash_account,
            coalesce((SELECT min(l.article) FROM document_line l WHERE l.document_id = v_document.id),
                     bill_article(v_document.party_id)), v_document.party_id,
            v_document.contract_id, v_document.project_id, 'Bill ' || v_document.outside_number)
    RETURNING id INTO v_payment;
    PERFORM require_pay(p.article, p.employee_id, calling_role()) FROM payment p WHERE p.id = v_payment;
    INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (v_payment, v_document.id,
        coalesce(pay_bill.amount, v_open));
    RETURN v_payment;
END $$;
COMMENT ON FUNCTION pay_bill(bigint, bigint, date, numeric) IS
    'pay an accepted bill, whole or in part, from a cash account and allocate the payment; returns the payment. An '
    'unaccepted bill is refused (23001)';
SELECT allow('clerk', 'execute', 'pay_bill');
-- ---------------------------------------------------------------------------
-- paid: how much of the work is paid for
-- ---------------------------------------------------------------------------

-- What is paid of an invoice is spread over its lines by the largest
-- remainder; lines below zero (corrections) settle others in full.
CREATE VIEW line_payment WITH (security_invoker) AS
    SELECT x.line_id, a.document_id, x.gross::numeric(20,6) AS gross,
        (least(x.gross, 0) + coalesce(x.share, 0))::numeric(20,6) AS paid, a.currency
      FROM (SELECT b.document_id, b.currency, b.allocated, array_agg(l.id ORDER BY l.id) AS ids,
            array_agg(l.gross - coalesce(c.gross, 0) ORDER BY l.id) AS grosses,
                   array_agg(greatest(l.gross - coalesce(c.gross, 0), 0) ORDER BY l.id) AS weights,
                   sum(least(l.gross - coalesce(c.gross, 0), 0)) AS below,
                       sum(greatest(l.gross - coalesce(c.gross, 0), 0)) AS above
              FROM document_balance b
              JOIN document_line l ON l.document_id = b.document_id
              LEFT JOIN line_credit c ON c.line_id = l.id
             WHERE b.kind = 'invoice'
             GROUP BY 1, 2, 3) a
     CROSS JOIN LATERAL unnest(a.ids, a.grosses,
            CASE WHEN a.above > 0 AND a.allocated - a.below > 0 THEN allocate(a.allocated - a.below, a.weights,
                currency_exponent(a.currency)) END)
         AS x (line_id, gross, share);
COMMENT ON VIEW line_payment IS
    'lines of issued invoices: gross less credits, and what is paid of it, in the currency of the document; the paid '
    'sums to the allocations';
SELECT allow('reader', 'select', 'line_payment');

-- Charges are net, payments gross: what is paid of a line pays so much of its net.
CREATE VIEW charge_payment WITH (security_invoker) AS
    SELECT l.charge_id, y.document_id, y.currency, y.gross, y.paid,
           coalesce((l.net - coalesce(c.net, 0)) * y.paid / nullif(y.gross, 0), 0)::numeric(20,6) AS paid_net
      FROM line_payment y
      JOIN document_line l ON l.id = y.line_id
      LEFT JOIN line_credit c ON c.line_id = l.id;
COMMENT ON VIEW charge_payment IS
    'what is billed and paid of each charge on issued invoices, gross, and how much of its net that pays';
SELECT allow('reader', 'select', 'charge_payment');

-- Measured against all that is charged, so that new work makes a paid task unpaid.
-- One that costs nothing is paid with the report that shows it.
CREATE FUNCTION paid_percent(p_charged numeric, p_paid_net numeric, p_shown_paid boolean) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_charged > 0 THEN greatest(0, least(100, round(100 * coalesce(p_paid_net, 0) / p_charged, 2)))
                WHEN p_charged = 0 AND p_shown_paid THEN 100
                ELSE 0 END;
END;
COMMENT ON FUNCTION paid_percent(numeric, numeric, boolean) IS
    'how many per cent of what is charged are paid: 0 to 100; p_shown_paid: all that is shown at nothing stands on a '
    'report that is paid';

CREATE VIEW task_charge WITH (security_invoker) AS
    SELECT h.task_id, h.currency, sum(h.amount)::numeric(20,6) AS charged,
           (sum(h.amount) FILTER (WHERE l.place = 'unbilled'))::numeric(20,6) AS unbilled,
           (sum(h.amount) FILTER (WHERE l.place = 'reported'))::numeric(20,6) AS reported,
           bool_and(coalesce(s.settled, false))
               FILTER (WHERE h.amount = 0 AND l.place NOT IN ('non_billable', 'cancelled', 'written_off')) AS shown_paid
      FROM charge h
      JOIN charge_place l ON l.charge_id = h.id
      LEFT JOIN document d ON d.id = l.claimed_by
      LEFT JOIN document_state s USING (kind, status)
     WHERE h.task_id IS NOT NULL
     GROUP BY 1, 2;
COMMENT ON VIEW task_charge IS
    'what tasks are charged in each currency, net: in all, unbilled, kept by reports; shown_paid: all that is shown at '
    'nothing stands on a paid report';
SELECT allow('reader', 'select', 'task_charge');

CREATE VIEW task_payment WITH (security_invoker) AS
    SELECT t.id AS task_id, t.number, t.title AS task, t.project_id, p.name AS project, p.client_id,
           k.name AS client, h.currency, h.charged::numeric(18,2) AS charged, h.unbilled::numeric(18,2) AS unbilled,
           h.reported::numeric(18,2) AS reported, coalesce(b.gross, 0)::numeric(18,2) AS billed_gross,
           coalesce(b.paid, 0)::numeric(18,2) AS paid_gross,
           paid_percent(h.charged, b.paid_net, h.shown_paid)::numeric(18,2) AS percent_paid,
           CASE WHEN h.charged = 0 THEN coalesce(h.shown_paid, false)
                ELSE num_nonnulls(h.unbilled, h.reported) = 0 AND coalesce(b.gross > 0 AND b.paid = b.gross, false) END
           AS paid
      FROM task_charge h
      JOIN task t ON t.id = h.task_id
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      LEFT JOIN (SELECT h.task_id, y.currency, sum(y.gross) AS gross, sum(y.paid) AS paid, sum(y.paid_net) AS paid_net
                   FROM charge_payment y JOIN charge h ON h.id = y.charge_id GROUP BY 1, 2) b
        ON b.task_id = h.task_id AND b.currency = h.currency;
COMMENT ON VIEW task_payment IS
    'how far each task is paid: charged in all, of that unbilled and kept by reports (net), billed and paid (gross), '
    'percent of the charged that is paid; paid: all that is charged is billed and paid, or, of a task at nothing, the '
    'report that shows it is';
SELECT allow('reader', 'select', 'task_payment');

CREATE FUNCTION percent_paid(p_task bigint, p_currency text) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_invoice bigint;
    v_paid numeric := 0;
    v_charge task_charge;
BEGIN
    SELECT * INTO v_charge FROM task_charge h WHERE h.task_id = p_task AND h.currency = p_currency;
    FOR v_invoice IN
        SELECT DISTINCT l.document_id FROM charge h JOIN document_line l ON l.charge_id = h.id AND l.kind = 'invoice'
         WHERE h.task_id = p_task AND h.currency = p_currency
    LOOP
        v_paid := v_paid + coalesce((
            SELECT sum(y.paid_net) FROM charge_payment y JOIN charge h ON h.id = y.charge_id AND h.task_id = p_task
             WHERE y.document_id = v_invoice), 0);
    END LOOP;
    RETURN paid_percent(v_charge.charged, v_paid, v_charge.shown_paid);
END $$;
COMMENT ON FUNCTION percent_paid(bigint, text) IS
    'how many per cent of what is charged of a task in a currency are paid: task_payment of one task, at the price of '
    'its invoices';
-- ---------------------------------------------------------------------------
-- settle: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'payment_allocation');
SELECT watch('payment_allocation');
-- ---------------------------------------------------------------------------
-- due: what would put a committed charge right
--
-- Three kinds, each by what the charge itself says it was made of.  A fee follows
-- the days that its line and contract are in force, by the rule and from the
-- amount it was charged by.  The cost of work follows the cost rates, that of
-- items the price lists where it was not known.  What a charge is worth in the
-- base currency follows the exchange rate of its day.  Prices stay.
-- ---------------------------------------------------------------------------

CREATE FUNCTION made_corrections(p_charge bigint, OUT amount numeric, OUT base_amount numeric, OUT cost numeric,
                                 OUT base_cost numeric, OUT fee_cost numeric, OUT adjusted numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(sum(a.amount) FILTER (WHERE a.made_by = 'correction'), 0),
           coalesce(sum(a.base_amount) FILTER (WHERE a.made_by = 'correction' AND a.amount = 0), 0),
           sum(a.cost) FILTER (WHERE a.made_by = 'correction' AND a.coverage = 'non_billable'),
           sum(a.base_cost) FILTER (WHERE a.made_by = 'correction' AND a.coverage = 'non_billable'),
           coalesce(sum(a.cost) FILTER (WHERE a.made_by = 'correction' AND a.coverage = 'billable'), 0),
           coalesce(sum(a.amount), 0)
      FROM live_charge a WHERE a.adjusts_id = p_charge;
END;
COMMENT ON FUNCTION made_corrections(bigint) IS
    'what corrections did to a charge so far: to its amount, its worth in the base currency, its cost (NULL: nothing), '
    'the cost of its fee; adjusted: to its amount with all write-offs and credits';

-- The days of a fee are its own: those of its service period on which the line and
-- the contract are in force.  Never less is left than is due, whatever was given back before.
CREATE FUNCTION fee_correction(p_charges bigint[])
    RETURNS TABLE (charge_id bigint, amount numeric, cost numeric, why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.id, x.amount, f.cost_due - h.cost - m.fee_cost,
           jsonb_build_object('correction', jsonb_build_object('charge', h.id, 'fee', jsonb_strip_nulls(
               jsonb_build_object('title', n.title, 'from', iso(lower(a.days)), 'to', iso(upper(a.days) - 1),
                                  'due', f.due, 'charged', round(h.amount + m.amount, u.exponent)))))
      FROM unnest(p_charges) k (id)
      JOIN live_charge h ON h.id = k.id AND h.made_by = 'line' AND h.source = 'fee' AND h.committed
      JOIN contract_line n ON n.id = h.contract_line_id
      JOIN contract c ON c.id = h.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      JOIN currency_code u ON u.code = h.currency
     CROSS JOIN LATERAL made_corrections(h.id) m
     CROSS JOIN LATERAL (SELECT CASE n.kind WHEN 'one_time' THEN daterange(h.service_date, h.service_date, '[]')
                                     ELSE service_period(b, h.service_date) END AS span) p
     CROSS JOIN LATERAL (
        SELECT p.span * CASE WHEN n.kind <> 'one_time' THEN line_days(n, c, b)
                             WHEN n.status = 'cancelled' OR 'draft' IN (c.status, b.status) THEN 'empty'
                             ELSE daterange(c.starts_on, c.ends_on + 1) * daterange(b.starts_on, b.ends_on + 1)
                             END AS days) a
     CROSS JOIN LATERAL (SELECT coalesce((h.why #>> '{fee,amount}')::numeric, h.amount) AS amount,
                                CASE WHEN h.why #> '{fee,amount}' IS NULL THEN h.cost ELSE n.cost END AS cost) w
     CROSS JOIN LATERAL (
        SELECT CASE WHEN isempty(a.days) THEN 0 WHEN a.days = p.span THEN w.amount
                    ELSE prorate(w.amount, p.span, a.days, n.prorate, u.exponent::int) END AS due,
               CASE WHEN isempty(a.days) THEN 0 WHEN a.days = p.span THEN w.cost
                    ELSE prorate(w.cost, p.span, a.days, n.prorate, u.exponent::int) END AS cost_due) f
     CROSS JOIN LATERAL (SELECT CASE WHEN f.due < h.amount + m.amount THEN least(0, f.due - h.amount - m.adjusted)
                                     ELSE f.due - h.amount - m.amount END AS amount) x
     WHERE x.amount <> 0;
END;
COMMENT ON FUNCTION fee_correction(bigint[]) IS
    'what committed fees of lines are to be corrected by, in their currency, for the days that they are not, or now '
    'are, owed';

CREATE FUNCTION cost_correction(p_charges bigint[])
    RETURNS TABLE (charge_id bigint, cost numeric, base_cost numeric, why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH worked AS (
        SELECT h.*, sum(h.worked_s) OVER w AS after_s, sum(h.worked_s) OVER w - h.worked_s AS before_s,
               first_value(h.service_date) OVER w AS work_date
          FROM live_charge h
         WHERE h.source = 'time' AND h.committed
           AND h.time_entry_id IN (SELECT x.time_entry_id FROM charge x WHERE x.id = ANY (p_charges))
        WINDOW w AS (PARTITION BY h.time_entry_id ORDER BY h.segment, h.id)
    ), due AS (
        SELECT h.id, h.cost, h.base_cost, jsonb_build_object('rate', trim_scale(r.hourly_cost), 'of', r.currency) AS by,
               time_amount(h.after_s::bigint, r.cost_rate, 'exact', u.exponent::int)
               - time_amount(h.before_s::bigint, r.cost_rate, 'exact', u.exponent::int) AS cost_due,
               time_amount(h.after_s::bigint, r.base_cost_rate, 'exact', v.exponent::int)
               - time_amount(h.before_s::bigint, r.base_cost_rate, 'exact', v.exponent::int) AS base_cost_due
          FROM worked h
         CROSS JOIN setting s
          JOIN currency_code u ON u.code = h.currency
          JOIN currency_code v ON v.code = s.base_currency
         CROSS JOIN LATERAL cost_rate_on(h.employee_id, h.role, h.work_date, h.currency, s.base_currency) r
         WHERE h.id = ANY (p_charges)
        UNION ALL
        -- the cost of an item is what the lists say once they say it
        SELECT h.id, h.cost, h.base_cost, jsonb_build_object('position', p.source),
               round_money(h.quantity * p.cost, u.exponent::int),
               round_money(round_money(h.quantity * p.cost, u.exponent::int) * h.base_rate, v.exponent::int)
          FROM live_charge h
         CROSS JOIN setting s
          JOIN currency_code u ON u.code = h.currency
          JOIN currency_code v ON v.code = s.base_currency
         CROSS JOIN LATERAL item_position(first_price_list(h.contract_id, h.project_id, h.client_id, h.currency),
                                          h.contract_id, h.item_id, h.service_date) p
         WHERE h.id = ANY (p_charges) AND h.source = 'item' AND h.committed AND h.cost IS NULL
    )
    SELECT d.id, d.cost_due - coalesce(d.cost, 0) - coalesce(m.cost, 0),
           d.base_cost_due - coalesce(d.base_cost, 0) - coalesce(m.base_cost, 0),
           jsonb_build_object('correction', jsonb_build_object('charge', d.id, 'cost', d.by))
      FROM due d CROSS JOIN LATERAL made_corrections(d.id) m
     WHERE d.cost_due <> coalesce(d.cost, 0) + coalesce(m.cost, 0)
        OR d.base_cost_due <> coalesce(d.base_cost, 0) + coalesce(m.base_cost, 0)
        OR num_nulls(d.cost, m.cost) = 2 AND d.cost_due IS NOT NULL;
END;
COMMENT ON FUNCTION cost_correction(bigint[]) IS
    'what the cost of committed work and items is to be corrected by, in the currency of the charge and in that of the '
    'books';

-- Work is valued at the rate of the day it began, what adjusts a charge at the
-- charge's.
CREATE FUNCTION rate_day(p_charge charge) RETURNS date
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN h.source = 'time' THEN (SELECT min(e.service_date) FROM live_charge e
                                              WHERE e.time_entry_id = h.time_entry_id AND e.source = 'time')
                ELSE h.service_date END
      FROM charge h WHERE h.id = coalesce(p_charge.adjusts_id, p_charge.id);
END;
COMMENT ON FUNCTION rate_day(charge) IS 'the day whose exchange rate values a charge';

CREATE FUNCTION exchange_correction(p_charges bigint[])
    RETURNS TABLE (charge_id bigint, base_amount numeric, base_cost numeric, why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.id, x.amount - h.base_amount - m.base_amount,
           CASE WHEN h.source = 'time' OR h.cost IS NULL THEN 0
                ELSE x.cost - h.base_cost - coalesce(m.base_cost, 0) END,
           jsonb_build_object('correction', jsonb_build_object('charge', h.id, 'exchange', jsonb_build_object(
               'rate', trim_scale(r.rate), 'was', trim_scale(h.base_rate), 'on', iso(d.day))))
      FROM setting s
      JOIN currency_code u ON u.code = s.base_currency
     CROSS JOIN unnest(p_charges) k (id)
      JOIN charge h ON h.id = k.id AND h.committed AND h.coverage = 'billable'
       AND h.currency <> s.base_currency AND (h.source <> 'adjustment' OR h.made_by = 'minimum'
                                              OR h.adjusts_id IS NOT NULL)
       AND EXISTS (SELECT FROM live_charge l WHERE l.id = h.id)
     CROSS JOIN LATERAL (SELECT rate_day(h) AS day) d
     CROSS JOIN LATERAL (SELECT exchange_rate_on(h.currency, s.base_currency, d.day) AS rate) r
     -- a rate that is taken back leaves the charge at what it was worth by the one before
     CROSS JOIN LATERAL (SELECT CASE r.rate WHEN h.base_rate THEN h.base_amount
                                     ELSE round_money(h.amount * r.rate, u.exponent::int) END AS amount,
                                CASE r.rate WHEN h.base_rate THEN h.base_cost
                                     ELSE round_money(h.cost * r.rate, u.exponent::int) END AS cost) x
     CROSS JOIN LATERAL made_corrections(h.id) m
     WHERE x.amount <> h.base_amount + m.base_amount
        OR h.source <> 'time' AND x.cost <> h.base_cost + coalesce(m.base_cost, 0);
END;
COMMENT ON FUNCTION exchange_correction(bigint[]) IS
    'what the worth of committed charges in the base currency is to be corrected by, for the rate of their day';

CREATE FUNCTION correction_of(p_charges bigint[])
    RETURNS TABLE (charge_id bigint, kind text, amount numeric, base_amount numeric, cost numeric, base_cost numeric,
                   why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT f.charge_id, 'fee', f.amount, round_money(f.amount * h.base_rate, u.exponent::int), f.cost,
           round_money(f.cost * h.base_rate, u.exponent::int), f.why
      FROM fee_correction(p_charges) f
      JOIN charge h ON h.id = f.charge_id
     CROSS JOIN setting s
      JOIN currency_code u ON u.code = s.base_currency
    UNION ALL
    SELECT c.charge_id, 'cost', 0, 0, c.cost, c.base_cost, c.why FROM cost_correction(p_charges) c
    UNION ALL
    SELECT e.charge_id, 'exchange', 0, e.base_amount, 0, e.base_cost, e.why FROM exchange_correction(p_charges) e;
END;
COMMENT ON FUNCTION correction_of(bigint[]) IS
    'what would put these committed charges right, a row for each kind: fee, cost, exchange';

-- Of the owner: it looks at costs.
CREATE VIEW correction_due WITH (security_barrier) AS
    SELECT h.id AS charge_id, x.kind, h.client_id, k.name AS client, h.contract_id, c.number AS contract, h.source,
           h.service_date, x.amount::numeric(18,2) AS amount, x.cost::numeric(18,2) AS cost, h.currency,
           x.base_amount::numeric(18,2) AS base_amount, x.base_cost::numeric(18,2) AS base_cost,
           charge_reason(x.why) AS reason, r.found_at
      FROM correction_of(ARRAY(SELECT r.charge_id FROM recheck r)) x
      JOIN recheck r ON r.charge_id = x.charge_id
      JOIN visible_charge h ON h.id = x.charge_id
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id;
COMMENT ON VIEW correction_due IS
    'charges that are frozen, or held by a sent report, and no longer agree with their line or contract (kind fee), '
    'with the cost of their work or item (cost) or with the exchange rate of their day (exchange): by how much, and '
    'why. Closing the next period of the contract puts frozen ones right, or make_corrections(); held ones wait for '
    'the client''s answer';
SELECT allow('controller', 'select', 'correction_due'), allow('controller', 'select', 'recheck');
-- ---------------------------------------------------------------------------
-- make: correcting charges in the open period
-- ---------------------------------------------------------------------------

CREATE FUNCTION recheck_charges(p_charges bigint[]) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO recheck (charge_id)
    SELECT x.id FROM unnest(p_charges) x (id) JOIN charge h ON h.id = x.id AND h.committed
     WHERE h.reverses_id IS NULL
     ORDER BY x.id
    ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION recheck_charges(bigint[]) IS
    'let correction_due look at those of these charges that are committed';

-- A fee is billed, or given back, like any other charge.  Cost and exchange are
-- ours alone: no client sees them, and they are posted at once.
CREATE FUNCTION correcting_charge(p_charge charge, p_kind text, p_amount numeric, p_base_amount numeric, p_cost numeric,
                                  p_base_cost numeric, p_why jsonb) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := part_of(p_charge, p_amount, p_base_amount, p_why, true);
BEGIN
    v.made_by := 'correction';
    v.cost := p_cost;
    v.base_cost := p_base_cost;
    IF p_kind <> 'fee' THEN
        v.coverage := 'non_billable';
        v.frozen_at := now();
        v.time_entry_id := p_charge.time_entry_id;  -- so that its cost is labour
    END IF;
    RETURN in_open_period(v);
END $$;
COMMENT ON FUNCTION correcting_charge(charge, text, numeric, numeric, numeric, numeric, jsonb) IS
    'the charge that puts a frozen one right by so much, in the open period';

CREATE FUNCTION make_corrections_of(p_charges bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_new charge[];
    v_ids bigint[];
    v_posted bigint[];
BEGIN
    -- what a report holds waits for the client's answer
    p_charges := ARRAY(SELECT h.id FROM charge h WHERE h.id = ANY (p_charges) AND h.frozen_at IS NOT NULL
                        ORDER BY h.id FOR NO KEY UPDATE);
    v_new := ARRAY(
        SELECT correcting_charge(h, x.kind, x.amount, x.base_amount, x.cost, x.base_cost, x.why)
          FROM correction_of(p_charges) x JOIN charge h ON h.id = x.charge_id ORDER BY h.id, x.kind);
    v_ids := put_charges(v_new);
    v_posted := ARRAY(SELECT h.id FROM charge h WHERE h.id = ANY (v_ids) AND h.frozen_at IS NOT NULL ORDER BY 1);
    PERFORM post_charges(v_posted, 'charge', format('%s:correction', v_posted[1]), 'corrections')
      WHERE v_posted <> '{}';
    -- what is still not known is looked at again
    DELETE FROM recheck r USING charge h
     WHERE r.charge_id = ANY (p_charges) AND h.id = r.charge_id AND (h.cost IS NOT NULL OR h.id = ANY (
        SELECT c.adjusts_id FROM charge c WHERE c.id = ANY (v_ids)));
    RETURN v_ids;
END $$;
COMMENT ON FUNCTION make_corrections_of(bigint[]) IS
    'put those of these charges that are frozen right where correction_of() finds them wrong; returns the correcting '
    'charges';

CREATE FUNCTION make_corrections(contract_id bigint DEFAULT NULL)
    RETURNS TABLE (correction_id bigint, charge_id bigint, amount numeric(18,2), cost numeric(18,2), currency text,
                   reason text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_group bigint[];
    v_made bigint[];
BEGIN
    IF contract_id IS NOT NULL THEN
        v_group := contract_group((base_contract(contract_id)).id);
    END IF;
    PERFORM lock_parties(ARRAY(
        SELECT DISTINCT h.client_id FROM recheck r JOIN charge h ON h.id = r.charge_id
         WHERE contract_id IS NULL OR h.contract_id = ANY (v_group)));
    v_made := make_corrections_of(ARRAY(
        SELECT r.charge_id FROM recheck r JOIN charge h ON h.id = r.charge_id
         WHERE contract_id IS NULL OR h.contract_id = ANY (v_group) ORDER BY 1));
    RETURN QUERY
        SELECT h.id, h.adjusts_id, h.amount::numeric(18,2), h.cost::numeric(18,2), h.currency, charge_reason(h.why)
          FROM charge h WHERE h.id = ANY (v_made) ORDER BY h.id;
END $$;
COMMENT ON FUNCTION make_corrections(bigint) IS
    'put right what stands in correction_due, of one contract and its companions or of all: a correcting charge in the '
    'open period for each row. That of a fee is billed with what comes next; those of cost and exchange are posted at '
    'once and on no document. Closing a period does so by itself. Returns what it made; the same call again makes '
    'nothing more. Refused (23503): an unknown contract';
SELECT allow('controller', 'execute', 'make_corrections');
-- ---------------------------------------------------------------------------
-- due: which periods wait to be closed, and what stands in the way
-- ---------------------------------------------------------------------------

CREATE VIEW billing_due WITH (security_invoker) AS
    SELECT c.id AS contract_id, c.number AS contract, c.client_id, k.name AS client, lower(o.span) AS period_start,
        upper(o.span) AS period_end,
           least(upper(o.span), c.ends_on + 1) AS over_on
      FROM contract c
      JOIN party k ON k.id = c.client_id
     CROSS JOIN LATERAL open_period(c) o
     WHERE c.parent_id IS NULL AND c.status <> 'draft'
       AND (lower(o.span) <= coalesce(c.ends_on, 'infinity')
            OR EXISTS (SELECT FROM contract g JOIN charge h ON h.contract_id = g.id AND h.late AND h.frozen_at IS NULL
                        WHERE g.id = c.id OR g.parent_id = c.id));
COMMENT ON VIEW billing_due IS
    'the next service period that each base contract has to close: also one after its end, where late charges wait; '
    'period_end is exclusive, over_on the first day on which it can be closed';
SELECT allow('reader', 'select', 'billing_due');

-- A contract that is over has corrections too, of which readers of billing_due know
-- nothing.
CREATE FUNCTION to_close(p_through date) RETURNS TABLE (contract_id bigint, client_id bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT d.contract_id, d.client_id FROM billing_due d WHERE d.over_on <= p_through + 1
    UNION
    SELECT b.id, b.client_id
      FROM recheck r
      JOIN charge h ON h.id = r.charge_id
      JOIN contract c ON c.id = h.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
     CROSS JOIN LATERAL open_period(b) o
     WHERE b.ends_on <= p_through AND b.ends_on < lower(o.span)
       AND EXISTS (SELECT FROM correction_of(ARRAY[h.id]));
END;
COMMENT ON FUNCTION to_close(date) IS
    'the base contracts that have a period to close that is over by a day: one of their life, or one after it in which '
    'late charges or corrections wait';

CREATE FUNCTION is_left_open(p_base bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM to_close('infinity') d WHERE d.contract_id = p_base);
END $$;
COMMENT ON FUNCTION is_left_open(bigint) IS 'does a contract have a period to close, though it may be over?';

CREATE FUNCTION check_closable(p_base contract, p_start date) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_span daterange := service_period(p_base, p_start);
    v_open daterange := (open_period(p_base)).span;
BEGIN
    IF p_base.status = 'draft' THEN
        RAISE EXCEPTION 'contract "%" is a draft and has no periods', p_base.number
            USING ERRCODE = 'restrict_violation', HINT = 'Activate it first.';
    END IF;
    IF lower(v_span) IS DISTINCT FROM p_start OR p_start IS NULL THEN
        RAISE EXCEPTION 'no period of contract "%" starts on %', p_base.number, p_start
            USING ERRCODE = 'invalid_parameter_value',
                HINT = coalesce('The period of that day starts on ' || lower(v_span) || '.',
                                'View billing_due has the period that is to be closed next.');
    END IF;
    IF p_start < lower(v_open) OR p_start > p_base.ends_on AND NOT (p_start = lower(v_open)
                                                                    AND is_left_open(p_base.id)) THEN
        RAISE EXCEPTION 'contract "%" has no period from %', p_base.number, p_start
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('It runs from %s to %s.', p_base.starts_on,
                                coalesce(p_base.ends_on::text, 'further notice'));
    END IF;
    IF p_start <> lower(v_open) THEN
        RAISE EXCEPTION 'the period of % cannot be closed before that of %', p_start, lower(v_open)
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('Contract "%s" closes its periods in order.', p_base.number),
                HINT = format('Call close_period(%s, %L) first.', p_base.id, lower(v_open));
    END IF;
    IF least(upper(v_span), p_base.ends_on + 1) > contract_today(p_base) THEN
        RAISE EXCEPTION 'the period from % to % of contract "%" is not over', p_start, upper(v_span) - 1, p_base.number
            USING ERRCODE = 'restrict_violation',
                HINT = format('Close it on %s or later.', least(upper(v_span), p_base.ends_on + 1));
    END IF;
END $$;
COMMENT ON FUNCTION check_closable(contract, date) IS
    'refuse to close a period out of order or before it is over (23001), and days on which none starts (22023)';
-- ---------------------------------------------------------------------------
-- period: what closing does to one service period
-- ---------------------------------------------------------------------------

-- Work that could not be rated is tried once more: a period is not closed over
-- work that nobody can price.  What waits for an approval follows as late work.
CREATE FUNCTION rate_unrated(p_base contract, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_entries bigint[];
    v_problem record;
BEGIN
    v_entries := ARRAY(
        SELECT x.entry_id
          FROM entry_context(ARRAY(
                SELECT r.time_entry_id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id
                    JOIN task t ON t.id = e.task_id
                  JOIN project p ON p.id = t.project_id AND p.client_id = p_base.client_id)) x
         WHERE x.work_date < upper(p_span) AND p_base.id = ANY (x.contracts) ORDER BY 1);
    IF cardinality(v_entries) > 0 THEN
        PERFORM rate_entries(v_entries);
        SELECT r.time_entry_id, r.problem, count(*) OVER () AS count INTO v_problem
          FROM rating_problem r WHERE r.time_entry_id = ANY (v_entries)
              AND r.kind NOT IN ('waits_approval', 'waits_specification')
         ORDER BY 1 LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'contract "%" has work in the period of % that cannot be rated: %', p_base.number,
                lower(p_span), v_problem.problem
                USING ERRCODE = 'restrict_violation',
                    DETAIL = format('Time entry %s, the first of %s.', v_problem.time_entry_id, v_problem.count),
                    HINT = 'View unrated has them all; they are rated again when the period is closed.';
        END IF;
    END IF;
    PERFORM charge_task(t.task_id)
        FROM (SELECT DISTINCT u.task_id FROM uncharged_task u WHERE u.client_id = p_base.client_id ORDER BY 1) t;
END $$;
COMMENT ON FUNCTION rate_unrated(contract, daterange) IS
    'rate what could not be rated through the end of a period; refused (23001) when some of it still cannot';

CREATE FUNCTION due_minimum(p_base bigint, p_span daterange)
    RETURNS TABLE (contract_id bigint, minimum_charge numeric, prorate text, days daterange, due numeric, work numeric,
                   raised numeric, exponent integer)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.id, c.minimum_charge, c.prorate, d.days, f.due, m.work, m.raised, u.exponent::int
      FROM contract c
      JOIN currency_code u ON u.code = c.currency
     CROSS JOIN LATERAL (SELECT p_span * daterange(c.starts_on, c.ends_on, '[]') AS days) d
     CROSS JOIN LATERAL (SELECT prorate(c.minimum_charge, p_span, d.days, c.prorate, u.exponent::int) AS due
                          WHERE NOT isempty(d.days)) f
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(h.amount) FILTER (WHERE h.made_by <> 'minimum'), 0) AS work,
               coalesce(sum(h.amount) FILTER (WHERE h.made_by = 'minimum'), 0) AS raised
          FROM charge h WHERE h.contract_id = c.id AND h.period_start = lower(p_span)) m
     WHERE p_base IN (c.id, c.parent_id) AND c.minimum_charge IS NOT NULL AND c.status <> 'draft';
END;
COMMENT ON FUNCTION due_minimum(bigint, daterange) IS
    'the minimum charges of a contract and its companions in a service period, cut to the days they have in it: what '
    'is due, what was charged (work) and what of it to reach the minimum (raised)';

CREATE FUNCTION charge_minimum(p_base bigint, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_minimum record;
    v_new charge;
    v_lacking charge[];
BEGIN
    FOR v_minimum IN
        SELECT m.*, greatest(m.due - m.work, 0) - m.raised AS amount FROM due_minimum(p_base, p_span) m
         ORDER BY m.contract_id
    LOOP
        CONTINUE WHEN v_minimum.amount = 0;
        v_new.source := 'adjustment';
        v_new.made_by := 'minimum';
        v_new.contract_id := v_minimum.contract_id;
        v_new.service_date := upper(v_minimum.days) - 1;
        v_new.amount := v_minimum.amount;
        v_new.cost := 0;
        v_new.why := jsonb_build_object('minimum_charge', jsonb_build_object(
            'amount', v_minimum.due, 'reached', round(v_minimum.work, v_minimum.exponent)) || CASE
                WHEN v_minimum.prorate = 'none' OR v_minimum.days = p_span THEN '{}'
                ELSE jsonb_build_object('from', iso(lower(v_minimum.days)), 'to', iso(upper(v_minimum.days) - 1),
                    'days', upper(v_minimum.days) - lower(v_minimum.days), 'of', upper(p_span) - lower(p_span),
                    'rule', v_minimum.prorate, 'whole', round(v_minimum.minimum_charge, v_minimum.exponent)) END);
        v_lacking := v_lacking || complete_charge(v_new);
    END LOOP;
    PERFORM put_charges(v_lacking);
END $$;
COMMENT ON FUNCTION charge_minimum(bigint, daterange) IS
    'charge what a period lacks to the contract''s minimum_charge, cut by the contract''s rule to the days that it has '
    'in the period; again after a period was reopened';

CREATE FUNCTION freeze_period(p_base contract, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
    v_entries bigint[];
    v_group bigint[] := contract_group(p_base.id);
BEGIN
    SELECT array_agg(h.id), array_agg(DISTINCT h.time_entry_id) INTO v_charges, v_entries
      FROM charge h
     WHERE h.contract_id = ANY (v_group)
       AND h.period_start <= lower(p_span) AND h.frozen_at IS NULL;
    -- An entry that runs into the next period is frozen whole.  OFFSET 0: one
    -- entry at a time, by index, whatever the planner knows of charge.
    v_charges := ARRAY(
        SELECT unnest(v_charges)
        UNION
        SELECT h.id FROM unnest(v_entries) x (id)
         CROSS JOIN LATERAL (SELECT c.id FROM charge c WHERE c.time_entry_id = x.id AND c.frozen_at IS NULL OFFSET 0) h
        ORDER BY 1);
    -- a period that was reopened is closed again over other charges
    PERFORM freeze_charges(v_charges, 'period', format('%s:%s:%s', p_base.id, iso(lower(p_span)), v_charges[1]));
END $$;
COMMENT ON FUNCTION freeze_period(contract, daterange) IS
    'freeze and post what is charged in a period and was not frozen before';
-- ---------------------------------------------------------------------------
-- close: service periods are closed in order, each once
--
-- Closing a period makes its fees and minimum charge, freezes and posts what
-- was charged in it, and carries over what is left of included hours.  A base
-- contract and its companions have the same periods and close together.
-- ---------------------------------------------------------------------------

CREATE FUNCTION close_period(contract_id bigint, period_start date, OUT period_end date, OUT charges bigint,
                             OUT amount numeric, OUT currency text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_span daterange := service_period(v_base, period_start);
    v_group bigint[] := contract_group(v_base.id);
    v_last_allotment bigint;
BEGIN
    IF v_base.id <> contract_id THEN
        RAISE EXCEPTION 'contract % is a companion and closes with its base', contract_id
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Close the period of contract %s.', v_base.id);
    END IF;
    IF NOT EXISTS (SELECT FROM billing_period b WHERE b.contract_id = v_base.id
                   AND b.period_start = close_period.period_start) THEN
        PERFORM check_closable(v_base, period_start);
        PERFORM rate_unrated(v_base, v_span);
        PERFORM plan_for(1);
        PERFORM charge_fees_of(v_base, v_span);
        PERFORM make_corrections(v_base.id);
        PERFORM charge_minimum(v_base.id, v_span);
        PERFORM grant_included(v_base.id, ARRAY[period_start]);
        v_last_allotment := last_allotment(v_base.id);
        PERFORM freeze_period(v_base, v_span);
        INSERT INTO billing_period (contract_id, period_start, period_end)
        SELECT c.id, lower(v_span), upper(v_span) FROM contract c
         WHERE c.id = ANY (v_group) AND c.status <> 'draft' ORDER BY c.id;
        PERFORM carry_over(v_base, period_start);
        IF EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = v_base.id)
            AND EXISTS (SELECT FROM charge h WHERE h.contract_id = v_base.id AND NOT h.committed
                        AND h.period_start >= upper(v_span)) THEN
            PERFORM grant_included(v_base.id, ARRAY[upper(v_span)]);
            -- Only what was granted or carried over just now changes later work.
            PERFORM rate_again(v_base, upper(v_span)) WHERE last_allotment(v_base.id) IS DISTINCT FROM v_last_allotment;
        END IF;
    END IF;
    SELECT upper(v_span), count(*), coalesce(sum(h.amount), 0)::numeric(18,2), v_base.currency INTO period_end, charges,
        amount, currency
      FROM charge h
     WHERE h.contract_id = ANY (v_group) AND h.period_start = lower(v_span) AND h.frozen_at IS NOT NULL;
END $$;
COMMENT ON FUNCTION close_period(bigint, date) IS
    'close one service period of a contract and its companions: rate what could not be rated before, charge fees and '
    'minimum, freeze and post, carry included hours over. Periods close in order and when they are over, or the '
    'contract is; a closed one stays as it is. Returns the frozen charges of the period and their sum. Refused: out of '
    'order, not over, unrated work (23001), companions and days on which no period starts (22023)';
SELECT allow('controller', 'execute', 'close_period');

CREATE FUNCTION reopen_period(contract_id bigint, period_start date, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_period billing_period;
    v_charge bigint;
BEGIN
    IF v_base.late_policy <> 'reopen' OR coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'contract "%" does not reopen periods without a reason or against its late_policy',
            v_base.number
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('late_policy is %s, the reason "%s".', v_base.late_policy, reason),
                HINT = 'Set late_policy to reopen, and say why.';
    END IF;
    SELECT * INTO v_period FROM billing_period b WHERE b.contract_id = v_base.id ORDER BY b.period_start DESC LIMIT 1;
    IF v_period.period_start IS DISTINCT FROM period_start THEN
        RAISE EXCEPTION 'the period of % is not the last closed one of contract "%"', period_start, v_base.number
            USING ERRCODE = 'restrict_violation',
                HINT = coalesce(format('That is the period of %s.', v_period.period_start), 'It has none.');
    END IF;
    SELECT h.id INTO v_charge
      FROM charge h
     WHERE h.contract_id = ANY (contract_group(v_base.id)) AND h.period_start = v_period.period_start
         AND is_on_document(h.id) ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the period of % of contract "%" is billed', period_start, v_base.number
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_charge),
                HINT = 'Void that document first, or bill late work in the open period.';
    END IF;
    SELECT a.id INTO v_charge
      FROM contract c
      JOIN allotment a ON a.contract_id = c.id AND a.period_start = v_period.period_end AND a.voided_at IS NULL
      JOIN allotment s ON s.id = a.source_id AND s.kind = 'included' AND s.contract_line_id = a.contract_line_id
     WHERE v_base.id IN (c.id, c.parent_id) AND allotment_held(a.id) > 0 ORDER BY a.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hours carried over from the period of % have covered work that is billed', period_start
            USING ERRCODE = 'restrict_violation', DETAIL = format('Allotment %s.', v_charge),
                HINT = 'Bill late work in the open period.';
    END IF;
    DELETE FROM billing_period b USING contract c
     WHERE c.id = b.contract_id AND (c.id = v_base.id OR c.parent_id = v_base.id)
         AND b.period_start = v_period.period_start;
    INSERT INTO history (table_name, row_key, action, new_values)
    VALUES ('billing_period', format('%s/%s', v_base.id, to_char(v_period.period_start, 'YYYY-MM-DD')), 'reopen',
            jsonb_build_object('reason', reason));
    PERFORM plan_for(1000);
    PERFORM follow_life(v_base);
    PERFORM rate_again(v_base, v_period.period_start);
END $$;
COMMENT ON FUNCTION reopen_period(bigint, date, text) IS
    'open the last closed period of a contract again for late work, where its late_policy is reopen: what is frozen '
    'stays posted, work that waits as late comes back, hours carried over are taken back. Refused (23001): another '
    'period, one with a charge on an issued document, without a reason';
SELECT allow('controller', 'execute', 'reopen_period');
-- ---------------------------------------------------------------------------
-- run: all periods that are due, contract by contract
-- ---------------------------------------------------------------------------

-- Other sessions cannot see what an open transaction has written, but they see
-- its application_name at once: the run tells there how far it is.
CREATE FUNCTION tell_progress(p_done bigint, p_total bigint, p_refused bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM set_config('application_name',
                       format('finance run_billing %s: %s of %s, %s refused', 'setting'::regclass::oid, p_done, p_total,
                              p_refused), true);
END $$;
COMMENT ON FUNCTION tell_progress(bigint, bigint, bigint) IS
    'say in application_name how far a billing run is; the rest of the transaction keeps it';

CREATE VIEW billing_progress WITH (security_invoker) AS
    SELECT a.pid, a.usename::text AS username, m.part[1]::bigint AS contracts_done,
        m.part[2]::bigint AS contracts_total,
           m.part[3]::bigint AS contracts_refused, a.xact_start AS started_at
      FROM pg_stat_activity a
     CROSS JOIN LATERAL regexp_match(a.application_name,
            '^finance run_billing ' || 'setting'::regclass::oid || ': ([0-9]+) of ([0-9]+), ([0-9]+) refused$')
                AS m (part)
     WHERE m.part IS NOT NULL;
COMMENT ON VIEW billing_progress IS
    'billing runs of these books that are under way, as seen from any session: how many of the due contracts are done, '
    'how many of them were refused; started_at is NULL without the right to see it';
SELECT allow('reader', 'select', 'billing_progress');

CREATE FUNCTION run_billing(through date DEFAULT books_today())
    RETURNS TABLE (contract_id bigint, contract text, period_start date, period_end date, outcome text, charges bigint,
                   amount numeric(18,2),
                   currency text, message text, state text, hint text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_name text := current_setting('application_name');
    v_contracts bigint[];
    v_base contract;
    v_span daterange;
    v_closed record;
    v_draft record;
    v_done bigint := 0;
    v_refused bigint := 0;
BEGIN
    IF through IS NULL OR NOT isfinite(through) THEN
        RAISE EXCEPTION 'run_billing needs the day through which to bill'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'On the 1st of a month pass the last day of the month before.';
    END IF;
    -- All locks at once and in order: the run holds them to its end.
    PERFORM lock_parties(ARRAY(SELECT d.client_id FROM to_close(through) d
                               UNION SELECT c.client_id FROM contract c WHERE c.auto_bill <> 'none'));
    v_contracts := ARRAY(SELECT d.contract_id FROM to_close(through) d ORDER BY 1);
    FOREACH contract_id IN ARRAY v_contracts LOOP
        PERFORM tell_progress(v_done, cardinality(v_contracts), v_refused);
        v_base := base_contract(contract_id);
        LOOP
            v_span := (open_period(v_base)).span;
            EXIT WHEN lower(v_span) > v_base.ends_on AND NOT is_left_open(v_base.id)
                OR least(upper(v_span), v_base.ends_on + 1) > least(through + 1, contract_today(v_base));
            contract := v_base.number;
            period_start := lower(v_span);
            period_end := upper(v_span);
            BEGIN
                SELECT * INTO v_closed FROM close_period(contract_id, period_start);
                outcome := 'closed';
                charges := v_closed.charges;
                amount := v_closed.amount;
                currency := v_closed.currency;
                message := NULL;
                state := NULL;
                hint := NULL;
                RETURN NEXT;
            EXCEPTION
                -- what the books refuse; what fails otherwise is not the contract's fault, and ends the run
                WHEN data_exception OR integrity_constraint_violation OR insufficient_privilege THEN
                    v_refused := v_refused + 1;
                    outcome := 'refused';
                    charges := NULL;
                    amount := NULL;
                    currency := v_base.currency;
                    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
                    RETURN NEXT;
                    EXIT;
            END;
        END LOOP;
        v_done := v_done + 1;
    END LOOP;
    FOR v_draft IN
        SELECT d.document_id, d.problem, d.state, d.hint, c.id, c.number, c.currency
            FROM draft_due_documents(through) d JOIN contract c ON c.id = d.contract_id
    LOOP
        contract_id := v_draft.id;
        contract := v_draft.number;
        -- what is drafted reaches from the first service period on it to the end of the last
        SELECT min(h.period_start), upper(service_period(c, max(h.period_start))) INTO period_start,
            period_end
          FROM document_line l JOIN charge h ON h.id = l.charge_id JOIN contract c ON c.id = v_draft.id
         WHERE l.document_id = v_draft.document_id GROUP BY c.id;
        outcome := CASE WHEN v_draft.problem IS NULL THEN 'drafted' ELSE 'refused' END;
        charges := (SELECT count(*) FROM document_line l WHERE l.document_id = v_draft.document_id);
        amount := (SELECT sum(f.net)::numeric(18,2) FROM document_figures(v_draft.document_id) f);
        currency := v_draft.currency;
        message := coalesce(v_draft.problem, document_name(v_draft.document_id));
        state := v_draft.state;
        hint := v_draft.hint;
        RETURN NEXT;
    END LOOP;
    PERFORM set_config('application_name', v_name, true);
END $$;
COMMENT ON FUNCTION run_billing(date) IS
    'close every period of every contract that is over by a day (today where none is given), the 1st-of-the-month run: '
    'one row for each period, outcome closed or refused with the message, its SQLSTATE and hint; a contract that is '
    'refused keeps its periods open and stops no other. Contracts with auto_bill then get their drafts by '
    'draft_due_documents(): outcome drafted, with the name of the document. The same call again closes nothing twice. '
    'Watch it in billing_progress';
SELECT allow('controller', 'execute', 'run_billing');
-- ---------------------------------------------------------------------------
-- filter: which charges a document is to take
-- ---------------------------------------------------------------------------

CREATE FUNCTION check_filter(p_filter jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_known CONSTANT text[] := '{client,contract,project,task,deal,direction,employee,work_type,task_status,coverage,'
                               'period,from,to,paid_pct_from,paid_pct_to,currency,charges}';
    v_bad record;
    v_clients bigint[];
BEGIN
    PERFORM check_keys(p_filter, 'filter', c_known);
    SELECT f.key, v INTO v_bad
      FROM jsonb_each(p_filter) f, unnest(filter_list(p_filter, f.key)) v
     WHERE v IS NULL
        OR f.key IN ('client', 'contract', 'project', 'task', 'deal', 'direction', 'employee', 'charges')
            AND v !~ '^[0-9]{1,18}$'
        OR f.key IN ('paid_pct_from', 'paid_pct_to') AND v !~ '^[0-9]{1,3}([.][0-9]+)?$'
        OR f.key IN ('from', 'to') AND iso_date(v) IS NULL
        OR f.key = 'period' AND v !~ '^[0-9]{4}-(0[1-9]|1[0-2])$' AND iso_date(v) IS NULL
        OR f.key = 'work_type' AND NOT EXISTS (SELECT FROM work_type w WHERE w.code = v)
        OR f.key = 'task_status' AND v NOT IN ('open', 'in_progress', 'done', 'cancelled')
        OR f.key = 'coverage' AND v NOT IN ('billable', 'included', 'prepaid', 'capped', 'no_charge')
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'filter cannot use "%" of key "%"', v_bad.v, v_bad.key
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Clients, contracts and the like are names or ids, from and to dates (YYYY-MM-DD, both '
                       'included), period YYYY-MM or the first day of a service period, '
                       'work_type codes, task_status open, in_progress, done or cancelled.';
    END IF;
    v_clients := ARRAY(
        SELECT (unnest(filter_list(p_filter, 'client')))::bigint
        UNION SELECT c.client_id FROM contract c WHERE c.id = ANY (filter_list(p_filter, 'contract')::bigint[])
        UNION SELECT p.client_id FROM project p WHERE p.id = ANY (filter_list(p_filter, 'project')::bigint[])
        UNION SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id
            WHERE t.id = ANY (filter_list(p_filter, 'task')::bigint[])
        UNION SELECT d.client_id FROM deal d WHERE d.id = ANY (filter_list(p_filter, 'deal')::bigint[])
        UNION SELECT h.client_id FROM charge h WHERE h.id = ANY (filter_list(p_filter, 'charges')::bigint[]));
    IF cardinality(v_clients) <> 1 OR NOT EXISTS (SELECT FROM party p WHERE p.id = v_clients[1]) THEN
        RAISE EXCEPTION 'filter names %', CASE cardinality(v_clients) WHEN 0 THEN 'no client' WHEN 1
            THEN 'an unknown client' ELSE 'several clients' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = p_filter::text,
                HINT = 'Name one client, or a contract, project, task or deal of one client.';
    END IF;
    RETURN v_clients[1];
END $$;
COMMENT ON FUNCTION check_filter(jsonb) IS
    'refuse (22023) a filter with an unknown key or value; returns the one client it is about';

-- Work that a filter finds and no document has.
CREATE FUNCTION filtered_charge(p_filter jsonb, p_client bigint)
    RETURNS TABLE (charge_id bigint, contract_id bigint, currency text, coverage text, amount numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE grp AS (
        SELECT p.id FROM project p WHERE p.id = ANY (filter_list(p_filter, 'project')::bigint[])
        UNION
        SELECT p.id FROM project p JOIN grp ON p.parent_id = grp.id
    )
    SELECT h.id, h.contract_id, h.currency, h.coverage, h.amount
      FROM (SELECT h.id, h.client_id, h.contract_id, h.project_id, h.task_id, h.deal_id, h.direction_id,
            h.employee_id, h.work_type_id, h.currency, h.coverage, h.amount,
                   h.service_date, h.period_start
              FROM charge h WHERE h.contract_id IN (SELECT c.id FROM contract c WHERE c.client_id = p_client)
            UNION ALL
            SELECT h.id, h.client_id, h.contract_id, h.project_id, h.task_id, h.deal_id, h.direction_id,
                h.employee_id, h.work_type_id, h.currency, h.coverage, h.amount,
                   h.service_date, h.period_start
              FROM charge h WHERE h.contract_id IS NULL AND h.client_id = p_client) h
      JOIN charge_place l ON l.charge_id = h.id AND l.place IN ('unbilled', 'no_charge', 'written_off')
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN work_type w ON w.id = h.work_type_id
     WHERE h.client_id = p_client
       AND (NOT p_filter ? 'charges' OR h.id = ANY (filter_list(p_filter, 'charges')::bigint[]))
       AND (NOT p_filter ? 'contract' OR h.contract_id = ANY (filter_list(p_filter, 'contract')::bigint[]))
       AND (NOT p_filter ? 'project' OR h.project_id IN (SELECT g.id FROM grp g))
       AND (NOT p_filter ? 'task' OR h.task_id = ANY (filter_list(p_filter, 'task')::bigint[]))
       AND (NOT p_filter ? 'deal' OR h.deal_id = ANY (filter_list(p_filter, 'deal')::bigint[]))
       AND (NOT p_filter ? 'direction' OR h.direction_id = ANY (filter_list(p_filter, 'direction')::bigint[]))
       AND (NOT p_filter ? 'employee' OR h.employee_id = ANY (filter_list(p_filter, 'employee')::bigint[]))
       AND (NOT p_filter ? 'work_type' OR w.code = ANY (filter_list(p_filter, 'work_type')))
       AND (NOT p_filter ? 'task_status' OR t.status = ANY (filter_list(p_filter, 'task_status')))
       AND (NOT p_filter ? 'coverage' OR h.coverage = ANY (filter_list(p_filter, 'coverage')))
       AND (NOT p_filter ? 'currency' OR h.currency = ANY (filter_list(p_filter, 'currency')))
       AND (NOT p_filter ? 'from' OR h.service_date >= iso_date(p_filter ->> 'from'))
       AND (NOT p_filter ? 'to' OR h.service_date <= iso_date(p_filter ->> 'to'))
       AND (NOT p_filter ? 'period'
            OR CASE WHEN length(p_filter ->> 'period') = 7 THEN left(iso(h.period_start), 7) = p_filter ->> 'period'
                    ELSE h.period_start = iso_date(p_filter ->> 'period') END)
       AND (NOT p_filter ?| '{paid_pct_from,paid_pct_to}'
            OR h.task_id IN (SELECT y.task_id FROM task_payment y
                              WHERE y.percent_paid >= coalesce((p_filter ->> 'paid_pct_from')::numeric, 0)
                                AND y.percent_paid <= coalesce((p_filter ->> 'paid_pct_to')::numeric, 100)));
END;
COMMENT ON FUNCTION filtered_charge(jsonb, bigint) IS
    'charges of a client that a filter finds and that are free: on no live report or invoice, not written to nobody; '
    'amounts in their currency';

CREATE FUNCTION preview_report(filter jsonb)
    RETURNS TABLE (project_id bigint, project text, task_id bigint, task_number text, task text, url text,
                   task_status text, coverage text,
                   hours_worked numeric(18,2), hours_billed numeric(18,2), amount numeric(18,2), currency text,
                       percent_paid numeric(18,2))
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_filter jsonb := resolve_names(json_argument(filter));
    v_client bigint := check_filter(v_filter);
BEGIN
    RETURN QUERY
    SELECT p.id, p.name, t.id, t.number, coalesce(t.title, charge_reason(h.why), h.source), t.url, t.status, h.coverage,
           (sum(h.worked_s) / 3600.0)::numeric(18,2), (sum(h.billed_s) / 3600.0)::numeric(18,2),
               sum(h.amount)::numeric(18,2), h.currency,
           CASE WHEN t.id IS NULL THEN 0 ELSE percent_paid(t.id, h.currency) END::numeric(18,2)
      FROM filtered_charge(v_filter, v_client) f
      JOIN charge h ON h.id = f.charge_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN project p ON p.id = h.project_id
     GROUP BY p.id, p.name, t.id, t.number, coalesce(t.title, charge_reason(h.why), h.source), t.url, t.status,
         h.coverage, h.currency
     ORDER BY p.name, t.id, h.coverage;
END $$;
COMMENT ON FUNCTION preview_report(jsonb) IS
    'what build_report() would take for the same filter, by task, reserving nothing; hours, amounts net in currency';
SELECT allow('reader', 'execute', 'preview_report');
-- ---------------------------------------------------------------------------
-- report: documents over work
-- ---------------------------------------------------------------------------

-- The work that a filter finds is read once: the client is held, so nobody takes
-- it away meanwhile.  What was read is locked and looked at once more, by id.
CREATE FUNCTION found_charges(p_filter jsonb, p_client bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    RETURN ARRAY(SELECT f.charge_id FROM filtered_charge(p_filter, p_client) f ORDER BY 1);
END $$;
COMMENT ON FUNCTION found_charges(jsonb, bigint) IS 'ids of the free charges of a client that a filter finds';

CREATE FUNCTION claim_charges(p_document document, p_charges bigint[]) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    PERFORM FROM charge h WHERE h.id = ANY (p_charges) ORDER BY h.id FOR NO KEY UPDATE;
    RETURN cardinality(put_lines(ARRAY(
        SELECT work_line(p_document, h.id)
          FROM charge h
          LEFT JOIN contract k ON k.id = h.contract_id
         WHERE h.id = ANY (p_charges) AND fits_document(h, k, p_document)
           -- OFFSET 0: one charge at a time, by index
           AND NOT EXISTS (SELECT FROM charge_claim c WHERE c.charge_id = h.id OFFSET 0)
         ORDER BY h.id)));
END $$;
COMMENT ON FUNCTION claim_charges(document, bigint[]) IS
    'reserve those of these charges for a draft that fit it and that no other document keeps; returns how many';

CREATE FUNCTION build_over_work(p_kind text, p_filter jsonb, p_options jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_client bigint := check_filter(p_filter);
    v_charges bigint[];
    v_head record;
    v document;
BEGIN
    PERFORM check_keys(p_options, 'options',
                       '{title,positions,discount_pct,discount_amount,note,deal,issued_on,due_on}');
    IF p_options ->> 'positions' NOT IN ('task', 'employee', 'day', 'none') THEN
        RAISE EXCEPTION 'unknown positions "%"', p_options ->> 'positions'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Positions are by task, employee, day, or none.';
    END IF;
    IF p_options ?& '{discount_pct,discount_amount}' THEN
        RAISE EXCEPTION 'a document has one discount'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give discount_pct or discount_amount.';
    END IF;
    PERFORM lock_parties(ARRAY[v_client]);
    v_charges := found_charges(p_filter, v_client);
    SELECT array_agg(DISTINCT h.currency ORDER BY h.currency) AS currencies,
           array_agg(DISTINCT CASE WHEN k.tax_inclusive THEN 'included' ELSE 'added' END || ' by ' || k.tax_level)
               FILTER (WHERE k.id IS NOT NULL) AS terms,
           bool_or(k.tax_inclusive) AS tax_inclusive, min(k.tax_level) AS tax_level,
           array_agg(DISTINCT k.own_id) FILTER (WHERE k.own_id IS NOT NULL) AS owns,
           CASE WHEN count(DISTINCT coalesce(k.parent_id, k.id)) = 1 AND count(*) = count(k.id)
                THEN min(coalesce(k.parent_id, k.id)) END AS contract_id,
           CASE WHEN count(DISTINCT h.project_id) = 1 AND count(*) = count(h.project_id)
               THEN min(h.project_id) END AS project_id,
           CASE WHEN count(DISTINCT h.task_id) = 1 AND count(*) = count(h.task_id) THEN min(h.task_id) END AS task_id,
           CASE WHEN count(DISTINCT h.deal_id) = 1 AND count(*) = count(h.deal_id) THEN min(h.deal_id) END AS deal_id
      INTO v_head
      FROM charge h
      LEFT JOIN contract k ON k.id = h.contract_id
     WHERE h.id = ANY (v_charges) AND (p_kind = 'report' OR h.amount <> 0);
    IF v_head.currencies IS NULL THEN
        RETURN NULL;
    END IF;
    IF cardinality(v_head.currencies) > 1 OR cardinality(v_head.terms) > 1 OR cardinality(v_head.owns) > 1 THEN
        RAISE EXCEPTION 'this work cannot stand on one %: it has several %', p_kind,
            CASE WHEN cardinality(v_head.currencies) > 1 THEN 'currencies'
                 WHEN cardinality(v_head.owns) > 1 THEN 'own companies' ELSE 'terms of tax' END
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = CASE WHEN cardinality(v_head.currencies) > 1 THEN array_to_string(v_head.currencies, ', ')
                              WHEN cardinality(v_head.owns) > 1
                              THEN (SELECT string_agg(o.name, ', ' ORDER BY o.id) FROM party o
                                    WHERE o.id = ANY (v_head.owns))
                              ELSE 'Tax is ' || array_to_string(v_head.terms, ', ') || '.' END,
                HINT = 'Add "contract" or "currency" to the filter and make one for each.';
    END IF;
    v.kind := p_kind;
    v.own_id := coalesce(v_head.owns[1], default_own());
    v.party_id := v_client;
    v.contract_id := v_head.contract_id;
    v.project_id := v_head.project_id;
    v.task_id := v_head.task_id;
    v.deal_id := coalesce((p_options ->> 'deal')::bigint, v_head.deal_id);
    v.title := p_options ->> 'title';
    v.period_from := iso_date(p_filter ->> 'from');
    v.period_to := iso_date(p_filter ->> 'to');
    v.made_from := p_filter;
    v.positions := p_options ->> 'positions';
    v.currency := v_head.currencies[1];
    v.tax_inclusive := v_head.tax_inclusive;
    v.tax_level := v_head.tax_level;
    v.discount_pct := (p_options ->> 'discount_pct')::numeric;
    v.discount_amount := (p_options ->> 'discount_amount')::numeric;
    v.issued_on := given_date(p_options, 'issued_on');
    v.due_on := given_date(p_options, 'due_on');
    v.note := p_options ->> 'note';
    v.id := put_document(v);
    v := document_of(v.id);
    IF claim_charges(v, v_charges) = 0 THEN
        RAISE EXCEPTION 'the work for this filter was taken by another document meanwhile'
            USING ERRCODE = 'restrict_violation', HINT = 'View unbilled shows what is left.';
    END IF;
    RETURN v.id;
END $$;
COMMENT ON FUNCTION build_over_work(text, jsonb, jsonb) IS
    'make a draft report or invoice over the free work that a filter finds; NULL when there is none';

CREATE FUNCTION refuse_no_work(p_filter jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_client bigint := check_filter(p_filter);
    v_held text;
BEGIN
    SELECT string_agg(DISTINCT document_name(l.claimed_by), ', ') INTO v_held
      FROM charge h JOIN charge_place l ON l.charge_id = h.id
     WHERE h.client_id = v_client AND l.place = 'reported' AND h.amount <> 0;
    RAISE EXCEPTION 'there is no free work of client "%" for this filter',
        (SELECT p.name FROM party p WHERE p.id = v_client)
        USING ERRCODE = 'restrict_violation',
            DETAIL = coalesce('Unbilled work of this client is kept by ' || v_held || '.',
                              'Filter: ' || p_filter::text),
            HINT = 'View unbilled shows what is not billed and which document keeps it.';
END $$;
COMMENT ON FUNCTION refuse_no_work(jsonb) IS
    'raise (23001) that a filter finds no free work, naming the documents that keep what there is';

CREATE FUNCTION build_report(filter jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_filter jsonb := resolve_names(json_argument(filter));
BEGIN
    RETURN coalesce(build_over_work('report', v_filter, json_argument(options)), refuse_no_work(v_filter));
END $$;
COMMENT ON FUNCTION build_report(jsonb, jsonb) IS
    'make a draft report of a client''s free work and reserve it: billable work, and at zero what is included or not '
    'charged. filter: client, contract, project (with those below it), task, deal, direction, employee (names or ids, '
    'one or an array; a contract by its number), work_type (codes), task_status, coverage, period (YYYY-MM, or first '
    'day of a service period), from, to (work dates, included), paid_pct_from, paid_pct_to (percent of the task that '
    'is paid), currency, charges. options: title, positions (task, employee, day, none), discount_pct or '
    'discount_amount, note, deal, issued_on, due_on. Refused: no free work (23001), unknown keys, several currencies '
    '(22023)';
SELECT allow('clerk', 'execute', 'build_report');

CREATE FUNCTION build_invoice(filter jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_filter jsonb := resolve_names(json_argument(filter));
BEGIN
    RETURN coalesce(build_over_work('invoice', v_filter, json_argument(options)), refuse_no_work(v_filter));
END $$;
COMMENT ON FUNCTION build_invoice(jsonb, jsonb) IS
    'make a draft invoice straight over a client''s free billable work (a ticket, a contract''s period), without a '
    'report; issue_invoice() issues it. Filter and options as of build_report()';
SELECT allow('clerk', 'execute', 'build_invoice');

CREATE FUNCTION refresh_draft(document bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(refresh_draft.document);
BEGIN
    IF NOT (state_of(v_document)).draft OR v_document.kind <> ALL (kinds_made_of('work'))
        OR v_document.made_from IS NULL THEN
        RAISE EXCEPTION '% is no draft over work', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation',
                HINT = 'Only drafts made by build_report() or build_invoice() follow their work.';
    END IF;
    DELETE FROM document_line l USING charge h LEFT JOIN contract k ON k.id = h.contract_id
     WHERE l.document_id = v_document.id AND h.id = l.charge_id AND NOT fits_document(h, k, v_document);
    PERFORM claim_charges(v_document, found_charges(v_document.made_from, v_document.party_id));
    RETURN (SELECT count(*) FROM document_line l WHERE l.document_id = v_document.id);
END $$;
COMMENT ON FUNCTION refresh_draft(bigint) IS
    'let a draft follow its filter: takes new free work in and what does not fit any more out; returns the number of '
    'its lines';
SELECT allow('clerk', 'execute', 'refresh_draft');
-- ---------------------------------------------------------------------------
-- invoice: invoices and acts of what was agreed
-- ---------------------------------------------------------------------------

CREATE FUNCTION copy_document(p_from document, p_kind text, p_options jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v document := successor(p_from, p_kind);
BEGIN
    PERFORM check_keys(p_options, 'options', '{title,note,issued_on,due_on,outside_number,file_url}');
    v.title := coalesce(p_options ->> 'title', p_from.title);
    v.period_from := p_from.period_from;
    v.period_to := p_from.period_to;
    v.issued_on := given_date(p_options, 'issued_on');
    v.due_on := given_date(p_options, 'due_on');
    v.outside_number := p_options ->> 'outside_number';
    v.file_url := p_options ->> 'file_url';
    v.note := p_options ->> 'note';
    v.id := put_document(v);
    v := document_of(v.id);
    PERFORM put_lines(ARRAY(
        SELECT repeated_line(v, l, dense_rank() OVER (ORDER BY l.position))
          FROM document_line l
         WHERE l.document_id = p_from.id AND l.released_at IS NULL AND l.credited_by IS NULL AND l.amount <> 0
         ORDER BY l.id));
    RETURN v.id;
END $$;
COMMENT ON FUNCTION copy_document(document, text, jsonb) IS
    'draft a document of another kind that repeats the live lines of this one, to the last digit';

CREATE FUNCTION issue_invoice(document bigint, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(issue_invoice.document);
    v_other bigint;
BEGIN
    options := json_argument(options);
    IF v_document.kind = 'invoice' AND (state_of(v_document)).draft THEN
        PERFORM check_keys(options, 'options', '{issued_on,due_on,outside_number,file_url,note}');
        UPDATE document d SET issued_on = coalesce(given_date(options, 'issued_on'), d.issued_on),
            due_on = coalesce(given_date(options, 'due_on'), d.due_on),
               outside_number = coalesce(options ->> 'outside_number', d.outside_number),
                   file_url = coalesce(options ->> 'file_url', d.file_url),
               note = coalesce(options ->> 'note', d.note)
         WHERE d.id = v_document.id AND options <> '{}';
        PERFORM transition(v_document.id, 'sent');
        RETURN v_document.id;
    END IF;
    SELECT d.id INTO v_other FROM document d JOIN document_state s USING (kind, status)
     WHERE d.based_on = v_document.id AND d.kind = 'invoice' AND (s.draft OR s.report_status IS NOT NULL) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is on % already', document_name(v_document.id), document_name(v_other)
            USING ERRCODE = 'restrict_violation', HINT = 'Void or credit that invoice first.';
    END IF;
    IF v_document.kind <> 'report' OR (state_of(v_document)).binding IS NOT TRUE THEN
        RAISE EXCEPTION '% is % and cannot be invoiced', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation',
                HINT = CASE WHEN v_document.kind = 'report'
                    THEN 'Only a report that the client has agreed is invoiced: transition(document, ''agreed'').'
                            WHEN v_document.kind = 'specification'
                    THEN 'What it asks for is charged when its task is done: bill_task(task) invoices that.'
                            ELSE 'An invoice is made of an agreed report, or over free work by build_invoice().' END;
    END IF;
    IF NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = v_document.id AND l.released_at IS NULL
                   AND l.credited_by IS NULL AND l.amount <> 0) THEN
        RAISE EXCEPTION '% has nothing to be paid for', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'All of its work is included or not charged.';
    END IF;
    v_other := copy_document(v_document, 'invoice', options);
    PERFORM transition(v_other, 'sent');
    RETURN v_other;
END $$;
COMMENT ON FUNCTION issue_invoice(bigint, jsonb) IS
    'issue the invoice of an agreed report, or a draft invoice: number, freezing of its work, tax in the ledger, the '
    'report invoiced, all at once; returns the invoice. options: issued_on, due_on (default: the client''s payment '
    'terms), outside_number, file_url (of an invoice made elsewhere), note, title. Refused (23001): a report that is '
    'not agreed, work that has an invoice';
SELECT allow('clerk', 'execute', 'issue_invoice');

CREATE FUNCTION invoice_work(filter jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    c_of_issue CONSTANT text[] := '{outside_number,file_url}';
BEGIN
    options := json_argument(options);
    PERFORM check_keys(options, 'options',
                       '{title,positions,discount_pct,discount_amount,note,deal,issued_on,due_on,outside_number,'
                       'file_url}');
    RETURN issue_invoice(build_invoice(filter, options - c_of_issue),
                         coalesce((SELECT jsonb_object_agg(o.key, o.value) FROM jsonb_each(options) o
                                   WHERE o.key = ANY (c_of_issue)), '{}'));
END $$;
COMMENT ON FUNCTION invoice_work(jsonb, jsonb) IS
    'invoice a client''s free billable work at once, without a report: build_invoice() and issue_invoice() in one; '
    'returns the invoice. Filter as of build_report(), options of both. Refused (23001) when there is no free work, so '
    'that the same call again bills nothing twice';
SELECT allow('clerk', 'execute', 'invoice_work');

CREATE FUNCTION issue_act(document bigint, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(issue_act.document);
    v_other bigint;
BEGIN
    options := json_argument(options);
    IF v_document.kind <> ALL (kinds_made_of('work'))
        OR NOT coalesce((state_of(v_document)).binding, was_binding(v_document.id)) THEN
        RAISE EXCEPTION '% is % and no act is made of it', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation', HINT = 'Acts are made of agreed reports and issued invoices.';
    END IF;
    SELECT a.document_id INTO v_other
      FROM document_line l JOIN document_line a ON a.charge_id = l.charge_id AND a.kind = 'act'
          AND a.released_at IS NULL
     WHERE l.document_id = v_document.id AND l.released_at IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'work of % is on % already', document_name(v_document.id), document_name(v_other)
            USING ERRCODE = 'restrict_violation', HINT = 'Void that act first.';
    END IF;
    v_other := copy_document(v_document, 'act', options);
    PERFORM transition(v_other, 'sent');
    RETURN v_other;
END $$;
COMMENT ON FUNCTION issue_act(bigint, jsonb) IS
    'issue the act of completed work of an agreed report or an issued invoice; returns the act. Refused (23001) when '
    'its work is on an act already';
SELECT allow('clerk', 'execute', 'issue_act');
-- ---------------------------------------------------------------------------
-- credit: what was billed is given back
--
-- A credit note says what it means.  What is to be billed again (rebill) is free
-- work from then on; what is given up (waive) is not offered again by anything.
-- The revenue of what is given up is taken back by a negative charge beside the
-- work, which the note keeps.  A line that one note credits whole, to be billed
-- again, sets its charge free instead; a part of it becomes free as a charge of
-- its own beside the negative one.  Where such parts come to the whole line and
-- nobody billed them meanwhile, all of that is reversed and the charge is free.
-- So the balance of a contract (receipts less charges) is at every moment what
-- its work is worth, and only tax needs entries of its own.
-- ---------------------------------------------------------------------------

CREATE FUNCTION credit_lines(p_invoice document, p_lines jsonb) RETURNS TABLE (line_id bigint, net numeric,
    tax numeric, whole boolean)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_exponent int := currency_exponent(p_invoice.currency);
    v_line record;
BEGIN
    IF p_lines IS NOT NULL AND (jsonb_typeof(p_lines) <> 'array' OR jsonb_array_length(p_lines) = 0) THEN
        RAISE EXCEPTION 'lines must be a JSON array of what is credited'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Each {"line": id, "net": text} or {"position": number}; NULL credits all that is left.';
    END IF;
    PERFORM check_keys(e.value, 'line', '{line,position,net}') FROM jsonb_array_elements(p_lines) e
      WHERE jsonb_typeof(e.value) = 'object';
    FOR v_line IN
        SELECT e.value AS given, l.id, l.net, l.tax, l.position, coalesce(c.net, 0) AS credited,
            coalesce(c.tax, 0) AS credited_tax,
               round_money(coalesce((e.value ->> 'net')::numeric, l.net - coalesce(c.net, 0)), v_exponent) AS credit,
               count(*) OVER (PARTITION BY l.id) AS times
          FROM jsonb_array_elements(coalesce(p_lines, '[{}]')) e
          LEFT JOIN document_line l ON l.document_id = p_invoice.id
           AND (p_lines IS NULL OR l.id = (e.value ->> 'line')::bigint OR l.position = (e.value ->> 'position')::int)
          LEFT JOIN line_credit c ON c.line_id = l.id
         WHERE p_lines IS NOT NULL OR l.net - coalesce(c.net, 0) <> 0
         ORDER BY l.id
    LOOP
        IF v_line.id IS NULL OR jsonb_typeof(v_line.given) <> 'object' OR v_line.times > 1 OR v_line.given ? 'net'
            AND v_line.given ? 'position' THEN
            RAISE EXCEPTION '% cannot be credited by %', document_name(p_invoice.id), v_line.given
                USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'Name each line of this invoice once: {"line": id, "net": text} or {"position": number}.';
        END IF;
        IF v_line.credit = 0 OR sign(v_line.credit) <> sign(v_line.net)
            OR abs(v_line.credit) > abs(v_line.net - v_line.credited)
            OR v_line.credit <> coalesce((v_line.given ->> 'net')::numeric, v_line.credit) THEN
            RAISE EXCEPTION '% of line % of % cannot be credited',
                trim_scale(coalesce((v_line.given ->> 'net')::numeric, v_line.credit)), v_line.position,
                document_name(p_invoice.id)
                USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_within_line',
                    DETAIL = format('It was billed at %s, %s of that is credited.', trim_scale(v_line.net),
                                    trim_scale(v_line.credited)),
                    HINT = 'Credit at most what is left of the line, in whole units of the currency.';
        END IF;
        line_id := v_line.id;
        net := v_line.credit;
        whole := v_line.credited + v_line.credit = v_line.net;
        tax := round_money(v_line.tax * (v_line.credited + v_line.credit) / v_line.net, v_exponent)
               - v_line.credited_tax;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION credit_lines(document, jsonb) IS
    'what is credited of which lines: net, its tax (so that credits of a line never sum to more than its tax), and '
    'whether the line is whole by that';

CREATE FUNCTION give_back(p_invoice bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_excess numeric := -(SELECT b.open FROM document_balance b WHERE b.document_id = p_invoice);
BEGIN
    PERFORM take_back_allocations(ARRAY(SELECT a.id FROM payment_allocation a WHERE a.document_id = p_invoice),
                                  v_excess) WHERE v_excess > 0;
END $$;
COMMENT ON FUNCTION give_back(bigint) IS
    'take back what is allocated to an invoice above what is left of it: it is the client''s credit again';

-- Where people bill, whoever makes the next report sees what is free again, so
-- that what is not said has the meaning at hand: a line taken back whole was
-- wrong, a part taken off is given.  What a run bills by itself must be told.
CREATE FUNCTION credit_meaning(p_invoice document, p_meaning text, p_whole boolean[]) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_hint CONSTANT text := 'meaning => ''rebill'': it is free to be billed again; meaning => ''waive'': it is given '
                            'up '
                            'and never billed again.';
    v_contract text;
BEGIN
    IF p_meaning NOT IN ('rebill', 'waive') THEN
        RAISE EXCEPTION 'a credit cannot mean "%"', p_meaning
            USING ERRCODE = 'invalid_parameter_value', HINT = c_hint;
    END IF;
    IF p_meaning IS NOT NULL THEN
        RETURN p_meaning;
    END IF;
    SELECT b.number INTO v_contract
      FROM document_line l
      JOIN charge h ON h.id = l.charge_id
      JOIN contract c ON c.id = h.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id) AND b.auto_bill <> 'none'
     WHERE l.document_id = p_invoice.id
     ORDER BY l.id LIMIT 1;
    IF v_contract IS NOT NULL OR p_whole @> '{true,false}' THEN
        RAISE EXCEPTION 'a credit of % must say what it means', document_name(p_invoice.id)
            USING ERRCODE = 'invalid_parameter_value', HINT = c_hint,
                DETAIL = coalesce(format('run_billing() drafts what is free of contract "%s" by itself.', v_contract),
                                  'It takes some lines back whole and parts of others.');
    END IF;
    RETURN CASE WHEN true = ALL (p_whole) THEN 'rebill' ELSE 'waive' END;
END $$;
COMMENT ON FUNCTION credit_meaning(document, text, boolean[]) IS
    'what the credit of an invoice means: where it is not said, rebill for whole lines and waive for parts (p_whole: '
    'which they are); refused (22023) where it is both, where a contract of it is billed by itself '
    '(contract.auto_bill), and for other words';

CREATE FUNCTION credit(document bigint, lines jsonb, reason text, issued_on date DEFAULT NULL,
                       meaning text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_invoice document;
    v_draft document;
    v_note document;
    v_lines document_line[];
BEGIN
    lines := json_argument(lines);
    IF coalesce(credit.reason, '') = '' THEN
        RAISE EXCEPTION 'a credit note needs a reason' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say why: credit(document, lines, reason).';
    END IF;
    v_invoice := open_document(credit.document);
    IF v_invoice.kind <> 'invoice' OR NOT has_step(v_invoice, 'credited', false) THEN
        RAISE EXCEPTION '% is % and cannot be credited', document_name(v_invoice.id), v_invoice.status
            USING ERRCODE = 'restrict_violation', HINT = 'Credit notes are made of issued invoices.';
    END IF;
    v_draft := successor(v_invoice, 'credit_note');
    v_draft.meaning := credit_meaning(v_invoice, credit.meaning,
                                      ARRAY(SELECT c.whole FROM credit_lines(v_invoice, credit.lines) c));
    v_draft.note := credit.reason;
    v_draft.issued_on := credit.issued_on;
    v_draft.id := put_document(v_draft);
    v_note := document_of(v_draft.id);
    v_lines := ARRAY(
        SELECT credit_line(v_note, l, c.net, c.tax, c.whole)
          FROM credit_lines(v_invoice, credit.lines) c JOIN document_line l ON l.id = c.line_id
         ORDER BY l.id);
    IF cardinality(v_lines) = 0 THEN
        RAISE EXCEPTION '% is credited in full already', document_name(v_invoice.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Table document_line shows its credit notes.';
    END IF;
    PERFORM put_lines(v_lines);
    PERFORM take_credit(v_note);

    PERFORM give_back(v_invoice.id);
    PERFORM settle_document(v_invoice.id, 'credited: ' || credit.reason);
    PERFORM transition(v_note.id, 'sent', credit.reason);
    RETURN v_note.id;
END $$;
COMMENT ON FUNCTION credit(bigint, jsonb, text, date, text) IS
    'issue a credit note for an invoice: lines NULL credits all that is left, else [{"line": id, "net": text}] or '
    '[{"position": number}], net left out credits the rest of the line. meaning rebill: what is credited is free to be '
    'billed again; waive: it is given up, its revenue taken back, and nothing bills it again; to be said (22023) '
    'where run_billing() bills by itself (contract.auto_bill); elsewhere rebill for whole lines and waive for parts. '
    'What was paid above the rest becomes the client''s credit. '
    'Returns the credit note; never more than was billed (23514), and '
    'no part of work that was corrected meanwhile (23001)';
SELECT allow('manager', 'execute', 'credit');

-- Lines that are whole by this note, to be billed again as they were: no part of
-- them was given up, or billed again already.  What was corrected meanwhile comes
-- to nothing with its correction, parts and all.
CREATE FUNCTION lines_set_free(p_note document) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(
        SELECT r.id
          FROM document_line n
          JOIN document_line r ON r.id = n.reverses_line_id
          JOIN line_credit c ON c.line_id = r.id AND c.net = r.net
         WHERE n.document_id = p_note.id AND p_note.meaning = 'rebill'
           AND (EXISTS (SELECT FROM charge x WHERE x.reverses_id = r.charge_id) OR NOT EXISTS (
                SELECT FROM document_line e
                  JOIN document d ON d.id = e.document_id
                  LEFT JOIN charge h ON h.id = e.adjustment_id
                  LEFT JOIN live_charge l ON l.id = h.id
                  LEFT JOIN charge_claim k ON k.charge_id = h.id
                 WHERE e.reverses_line_id = r.id AND e.document_id <> p_note.id AND e.released_at IS NULL
                   AND (d.meaning = 'waive' OR l.id IS NULL OR k.line_id IS NOT NULL)))
         ORDER BY 1);
END $$;
COMMENT ON FUNCTION lines_set_free(document) IS
    'the invoice lines whose charges a credit note sets free as they were';

-- What is billed again can be credited again: all of it goes with the work.
CREATE FUNCTION credited_part(p_charge charge, p_amount numeric, p_base_amount numeric, p_why jsonb) RETURNS charge
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := part_of(p_charge, p_amount, p_base_amount, p_why, true);
BEGIN
    v.adjusts_id := coalesce(p_charge.adjusts_id, p_charge.id);
    RETURN v;
END $$;
COMMENT ON FUNCTION credited_part(charge, numeric, numeric, jsonb) IS
    'what a credit note takes off a charge or bills again of it: goes with what the charge itself adjusts';

CREATE FUNCTION credit_parts(p_note document, p_free bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent CONSTANT integer := currency_exponent((SELECT s.base_currency FROM setting s));
    v_corrected record;
    v_lines bigint[];
    v_off charge[];
    v_again charge[];
    v_charges bigint[];
BEGIN
    SELECT r.position, h.id INTO v_corrected
      FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id JOIN charge h ON h.id = r.charge_id
     WHERE n.document_id = p_note.id AND r.id <> ALL (p_free)
       AND EXISTS (SELECT FROM charge x WHERE x.reverses_id = h.id) ORDER BY r.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the work of position % of % was corrected meanwhile', v_corrected.position,
            document_name(p_note.based_on)
            USING ERRCODE = 'restrict_violation', DETAIL = format('Charge %s is reversed.', v_corrected.id),
                HINT = 'Credit the whole line with meaning => ''rebill'': it and its correction cancel out.';
    END IF;
    -- the note that makes a line whole takes the rest, to the last cent of the base currency
    SELECT array_agg(n.id ORDER BY n.id),
           array_agg(credited_part(h, n.net, b.amount,
                                   jsonb_build_object('credited', jsonb_build_object('document', p_note.id,
                                                                                     'meaning', p_note.meaning)))
                     ORDER BY n.id),
           -- what is billed with its tax in it is billed so again
           array_agg(credited_part(h, CASE WHEN p_note.tax_inclusive THEN -n.gross ELSE -n.net END,
                                   CASE WHEN p_note.tax_inclusive THEN round_money(-n.gross * h.base_rate, v_exponent)
                                        ELSE -b.amount END,
                                   jsonb_build_object('billed_again', jsonb_build_object('document', p_note.id)))
                     ORDER BY n.id) FILTER (WHERE p_note.meaning = 'rebill')
      INTO v_lines, v_off, v_again
      FROM document_line n
      JOIN document_line r ON r.id = n.reverses_line_id
      JOIN line_credit c ON c.line_id = r.id
      JOIN charge h ON h.id = r.charge_id
      JOIN document_line k ON k.charge_id = h.id AND k.claim AND k.released_at IS NULL
      LEFT JOIN charge a ON a.id = k.adjustment_id
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.base_amount), 0) AS amount FROM document_line o JOIN charge x ON x.id = o.charge_id
         WHERE o.reverses_line_id = r.id AND o.document_id <> p_note.id) e
     CROSS JOIN LATERAL (
        SELECT CASE WHEN c.net = r.net THEN -(h.base_amount + coalesce(a.base_amount, 0) + e.amount)
                    ELSE round_money(n.net * h.base_rate, v_exponent) END AS amount) b
     WHERE n.document_id = p_note.id AND r.id <> ALL (p_free);
    v_charges := put_charges(v_off);
    UPDATE document_line l SET charge_id = x.charge_id
      FROM unnest(v_lines, v_charges) x (line_id, charge_id) WHERE l.id = x.line_id;
    IF v_again IS NOT NULL THEN
        UPDATE document_line l SET adjustment_id = x.charge_id
          FROM unnest(v_lines, put_charges(v_again)) x (line_id, charge_id) WHERE l.id = x.line_id;
    END IF;
    PERFORM freeze_charges(ARRAY(SELECT x.id FROM document_line l, unnest(ARRAY[l.charge_id, l.adjustment_id]) x (id)
                                  WHERE l.document_id = p_note.id AND x.id IS NOT NULL ORDER BY 1),
                           'document', format('%s:freeze', p_note.id), p_note.id) WHERE v_lines IS NOT NULL;
END $$;
COMMENT ON FUNCTION credit_parts(document, bigint[]) IS
    'make and post the charges by which a credit note takes lines back that it does not set free (p_free): negative '
    'ones that the note keeps, and beside them what is to be billed again; refused (23001) for work that was corrected '
    'meanwhile';

CREATE FUNCTION take_credit(p_note document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_free bigint[] := lines_set_free(p_note);
BEGIN
    PERFORM credit_parts(p_note, v_free);
    PERFORM concede('credit', (SELECT -sum(h.base_amount) FROM document_line n JOIN charge h ON h.id = n.charge_id
                                WHERE n.document_id = p_note.id), NULL, p_note.id, p_note.note)
      WHERE p_note.meaning = 'waive';
    -- what earlier notes took off lines that are free now comes back
    PERFORM reverse_adjustments(ARRAY(
        SELECT x.id FROM document_line n, unnest(ARRAY[n.charge_id, n.adjustment_id]) x (id)
         WHERE n.reverses_line_id = ANY (v_free) AND n.document_id <> p_note.id AND n.released_at IS NULL
           AND x.id IS NOT NULL ORDER BY 1),
        format('%s:whole', p_note.id), p_note.id);
    UPDATE document_line n SET released_at = now(), released_by = p_note.id
     WHERE n.reverses_line_id = ANY (v_free) AND n.charge_id IS NOT NULL AND n.document_id <> p_note.id
       AND n.released_at IS NULL;
    PERFORM release_lines(v_free || ARRAY(
        SELECT k.id
          FROM document_line l
          JOIN document_line k ON k.charge_id = l.charge_id AND k.claim AND k.released_at IS NULL
         WHERE l.id = ANY (v_free) AND k.id <> l.id ORDER BY 1), p_note.id);
    -- lines that came to nothing and keep their charge, so that nothing bills it again
    UPDATE document_line l SET credited_by = p_note.id
     WHERE l.id = ANY (ARRAY(
        SELECT x.id
          FROM document_line n
          JOIN document_line r ON r.id = n.reverses_line_id AND r.id <> ALL (v_free)
          JOIN line_credit c ON c.line_id = r.id AND c.net = r.net
         CROSS JOIN LATERAL (SELECT r.id
                             UNION SELECT o.id FROM document_line o WHERE o.reverses_line_id = r.id
                             UNION SELECT k.id FROM document_line k WHERE k.charge_id = r.charge_id AND k.claim) x
         WHERE n.document_id = p_note.id ORDER BY 1)) AND l.released_at IS NULL;
END $$;
COMMENT ON FUNCTION take_credit(document) IS
    'do to charges and lines what a credit note means: free again, or taken back and kept';

CREATE FUNCTION given_up(p_charges bigint[]) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
        SELECT coalesce(bool_and(coalesce(n.waived, false)), false)
          FROM charge h
          LEFT JOIN LATERAL (
            SELECT bool_and(d.meaning = 'waive') AS waived
              FROM document_line r
              JOIN document_line c ON c.reverses_line_id = r.id
              JOIN document d ON d.id = c.document_id
             WHERE r.charge_id = h.id AND r.kind = 'invoice' AND r.credited_by IS NOT NULL) n ON true
         WHERE h.id = ANY (p_charges) AND h.source = 'time' AND h.amount <> 0);
END $$;
COMMENT ON FUNCTION given_up(bigint[]) IS
    'was all that there was to pay of these charges of work given up by credit notes?';
-- ---------------------------------------------------------------------------
-- due: drafts of what is due at the end of a period
-- ---------------------------------------------------------------------------

-- What a month's end asks for: drafts for contracts that want them.
CREATE FUNCTION draft_due_documents(through date) RETURNS TABLE (contract_id bigint, document_id bigint,
                                                                 problem text, state text, hint text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_contract record;
    v_filter jsonb;
BEGIN
    FOR v_contract IN
        SELECT c.id, c.auto_bill, lower(service_period(c, through + 1)) - 1 AS until,
               ARRAY(SELECT g.id FROM contract g WHERE g.id = c.id OR g.parent_id = c.id ORDER BY 1) AS contracts
          FROM contract c WHERE c.auto_bill <> 'none' AND c.parent_id IS NULL AND c.status IN ('active', 'ended')
         ORDER BY c.id
    LOOP
        contract_id := v_contract.id;
        problem := NULL;
        state := NULL;
        hint := NULL;
        v_filter := jsonb_build_object('contract', to_jsonb(v_contract.contracts), 'to', v_contract.until);
        BEGIN
            SELECT d.id INTO document_id FROM document d JOIN document_state s USING (kind, status)
             WHERE d.kind = v_contract.auto_bill AND s.draft AND d.made_from = v_filter
               AND d.contract_id = v_contract.id LIMIT 1;
            IF FOUND THEN
                PERFORM refresh_draft(document_id);
            ELSE
                document_id := build_over_work(v_contract.auto_bill, v_filter, '{}');
            END IF;
            IF document_id IS NOT NULL THEN  -- nothing to bill is no problem
                RETURN NEXT;
            END IF;
        EXCEPTION
            -- Refusals of the books stop one contract.  Whatever else goes wrong (a lock, the
            -- disk, a fault of ours) stops the whole call, which can be made again.
            WHEN data_exception OR integrity_constraint_violation OR insufficient_privilege THEN
                GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
                document_id := NULL;
                RETURN NEXT;
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION draft_due_documents(date) IS
    'draft the reports or invoices that contracts ask for (contract.auto_bill) over their work of service periods that '
    'end on or before a day; running it again refreshes the drafts; a contract that is refused is a row with its '
    'problem, SQLSTATE and way out, and stops no other';
SELECT allow('clerk', 'execute', 'draft_due_documents');
-- ---------------------------------------------------------------------------
-- content: documents with contents of their own
-- ---------------------------------------------------------------------------

-- What a line is about: what it names itself, else what its document is about.
-- Papers for a client are about him; whoever sent what comes in, or works for us,
-- is nobody's client.
CREATE FUNCTION line_dimension(p_document document, p_line jsonb, p_what text) RETURNS dimension
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v dimension;
    v_stage deal_stage;
BEGIN
    v.own_id := p_document.own_id;
    v.client_id := (SELECT p.id FROM party p
                     WHERE p.id = p_document.party_id AND p.kind IN ('company', 'individual')
                       AND NOT p_document.incoming);
    v.employee_id := (p_line ->> 'employee')::bigint;
    IF p_line ?| '{contract,project,deal,stage,task}' THEN
        v.contract_id := (p_line ->> 'contract')::bigint;
        v.project_id := (p_line ->> 'project')::bigint;
        v.deal_id := (p_line ->> 'deal')::bigint;
        v.task_id := (p_line ->> 'task')::bigint;
    ELSE
        v.contract_id := p_document.contract_id;
        v.project_id := p_document.project_id;
        v.deal_id := p_document.deal_id;
        v.task_id := p_document.task_id;
    END IF;
    IF p_line ? 'stage' THEN
        SELECT * INTO v_stage FROM deal_stage s WHERE s.id = (p_line ->> 'stage')::bigint;
        IF NOT FOUND THEN
            RAISE EXCEPTION '% names an unknown stage %', p_what, p_line ->> 'stage'
                USING ERRCODE = 'foreign_key_violation', HINT = 'Table deal_stage lists the stages of deals.';
        END IF;
        PERFORM check_dimension(p_what, 'deal', v.deal_id, format('stage %s', v_stage.id), v_stage.deal_id);
        v.deal_id := v_stage.deal_id;
    END IF;
    RETURN complete_dimension(v, coalesce(p_document.issued_on, books_today()), p_what);
END $$;
COMMENT ON FUNCTION line_dimension(document, jsonb, text) IS
    'what a line of written content is about, complete; refused (23514) when what it names contradicts itself or, on a '
    'paper of ours, is another client''s';

CREATE FUNCTION content_line(p_document document, p_contract contract, p_given jsonb, p_no bigint) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_known CONSTANT text[] := '{title,item,quantity,unit,price,discount_pct,cost,tax_rate,tax,article,contract,'
                               'project,deal,stage,'
        'task,employee,starts_on,ends_on}';
    v document_line := line_of(p_document);
    v_about dimension;
    v_item item;
    v_terms record;
    v_exponent CONSTANT int := currency_exponent(p_document.currency);
BEGIN
    PERFORM check_keys(p_given, 'line ' || p_no, c_known);
    IF p_given ? 'item' THEN
        SELECT * INTO v_item FROM item i WHERE i.code = p_given ->> 'item';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'line % names an unknown item "%"', p_no, p_given ->> 'item'
                USING ERRCODE = 'foreign_key_violation', HINT = 'Table item lists the codes.';
        END IF;
    END IF;
    v_about := line_dimension(p_document, p_given, 'line ' || p_no);
    v.quantity := coalesce((p_given ->> 'quantity')::numeric, 1);
    -- offered at what would be charged; what others bill has their price
    SELECT * INTO v_terms
      FROM item_position(CASE WHEN p_document.kind <> 'bill' THEN
               first_price_list(p_contract.id, coalesce(v_about.project_id, p_contract.project_id), p_document.party_id,
                                p_document.currency) END,
               p_contract.id, v_item.id, books_today());
    IF v_terms.tiers IS NOT NULL AND v.quantity > 0 THEN
        v_terms.price := round(tiers_amount(v_terms.tiers, v.quantity) / v.quantity, 6);
    END IF;
    IF coalesce((p_given ->> 'price')::numeric, v_terms.price) IS NULL THEN
        RAISE EXCEPTION 'line % has no price', p_no
            USING ERRCODE = 'invalid_parameter_value', DETAIL = p_given::text,
                HINT = 'Give "price", or an "item" that a price list of the client knows.';
    END IF;
    v.client_id := v_about.client_id;
    v.contract_id := v_about.contract_id;
    v.project_id := v_about.project_id;
    v.deal_id := v_about.deal_id;
    v.task_id := v_about.task_id;
    v.employee_id := v_about.employee_id;
    v.position := p_no;
    v.item_id := v_item.id;
    v.article := p_given ->> 'article';
    v.title := coalesce(p_given ->> 'title', v_item.name);
    v.unit := coalesce(p_given ->> 'unit', v_item.unit);
    v.price := coalesce((p_given ->> 'price')::numeric, v_terms.price);
    v.discount_pct := coalesce((p_given ->> 'discount_pct')::numeric, CASE WHEN NOT p_given ? 'price'
                               THEN v_terms.discount_pct END);
    v.cost := coalesce((p_given ->> 'cost')::numeric, v_terms.cost);
    v.starts_on := given_date(p_given, 'starts_on');
    v.ends_on := given_date(p_given, 'ends_on');
    v.tax_rate := coalesce((p_given ->> 'tax_rate')::numeric, CASE WHEN p_document.kind <> 'bill'
                           THEN p_contract.tax_rate END);
    IF p_document.kind = 'bill' THEN  -- what another party wrote is taken as it is
        v.amount := round_money(v.quantity * (p_given ->> 'price')::numeric
                                * (100 - coalesce((p_given ->> 'discount_pct')::numeric, 0)) / 100, v_exponent);
        IF v.amount IS NOT NULL THEN
            v.discount := 0;
            v.net := v.amount;
            v.tax := coalesce((p_given ->> 'tax')::numeric,
                              round_money(v.amount * (p_given ->> 'tax_rate')::numeric / 100, v_exponent), 0);
            v.gross := v.net + v.tax;
        END IF;
    END IF;
    RETURN v;
END $$;
COMMENT ON FUNCTION content_line(document, contract, jsonb, bigint) IS
    'a line of written content, of a document under a contract, from what is given of it (as add_lines() takes it) at '
    'a place';

CREATE FUNCTION add_lines(p_document bigint, p_lines jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document := document_of(p_document);
    v_contract contract;
    v_line record;
    v_lines document_line[] := '{}';
BEGIN
    SELECT * INTO v_contract FROM contract c WHERE c.id = v_document.contract_id;
    IF jsonb_typeof(p_lines) <> 'array' THEN
        RAISE EXCEPTION 'lines must be a JSON array, not %', jsonb_typeof(p_lines)
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Each line is a JSON object: [{"title": text, "price": text}].';
    END IF;
    FOR v_line IN SELECT resolve_names(e.value) AS given, e.no
        FROM jsonb_array_elements(p_lines) WITH ORDINALITY e (value, no) LOOP
        IF v_document.kind = 'bill' THEN
            PERFORM require_pay(v_line.given ->> 'article', (v_line.given ->> 'employee')::bigint, calling_role());
        END IF;
        v_lines := v_lines || content_line(v_document, v_contract, v_line.given, v_line.no);
    END LOOP;
    PERFORM put_lines(v_lines);
END $$;
COMMENT ON FUNCTION add_lines(bigint, jsonb) IS
    'add lines to a draft: [{"title", "item" (code), "quantity", "unit", "price" (a unit), "discount_pct", "cost" (a '
    'unit), "tax_rate", "tax", "article", "contract", "project", "deal", "stage" (id of a deal''s stage), "task", '
    '"employee", "starts_on", "ends_on"}]; an item brings name, unit, price, discount and cost from the price lists; '
    'what a line is about is completed from what it names, or else from its document, and refused (23514) where it '
    'contradicts itself';

CREATE FUNCTION draft_document(content jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    c_known CONSTANT text[] := '{kind,incoming,party,contract,project,task,deal,based_on,title,currency,lines,'
                               'requirements,note,issued_on,due_on,'
        'period_from,period_to,outside_number,file_url,discount_pct,discount_amount,source,external_id}';
    v_kind document_kind;
    v_document document;
    v document;
    v_contract contract;
    v_about dimension;
BEGIN
    content := json_argument(content);
    PERFORM check_keys(content, 'content', c_known);
    content := resolve_names(content);
    SELECT * INTO v_kind FROM document_kind k
     WHERE k.kind = content ->> 'kind'
       AND (k.made_of = 'content' OR k.incoming IS NULL AND (content ->> 'incoming')::boolean);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a document of kind "%" is not made of contents', coalesce(content ->> 'kind', 'none')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = format('Kinds: %s, and incoming acts. Reports, invoices and own acts are made of work.',
                              array_to_string(kinds_made_of('content'), ', '));
    END IF;
    IF content ->> 'kind' = 'bill' AND coalesce(content ->> 'outside_number', '') = '' THEN
        RAISE EXCEPTION 'a bill has the number that its sender gave it'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it as "outside_number".';
    END IF;
    SELECT * INTO v_contract FROM contract c WHERE c.id = (content ->> 'contract')::bigint;
    v.kind := v_kind.kind;
    v.incoming := coalesce((content ->> 'incoming')::boolean, v_kind.incoming, false);
    v.party_id := (content ->> 'party')::bigint;
    v.contract_id := v_contract.id;
    v.issued_on := given_date(content, 'issued_on');
    v_about := line_dimension(v, content, 'the document');
    v.party_id := coalesce(v.party_id, v_about.client_id);
    IF v.party_id IS NULL THEN
        RAISE EXCEPTION 'the document has no party'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Name "party", or a contract, project, task or deal of a client.';
    END IF;
    PERFORM lock_parties(ARRAY[v.party_id]);  -- so that the same content, sent twice at once, is one document
    IF content ? 'source' AND content ? 'external_id' THEN
        SELECT * INTO v_document FROM document d WHERE d.source = content ->> 'source'
            AND d.external_id = content ->> 'external_id';
    END IF;
    IF v_document.id IS NULL AND content ->> 'kind' = 'bill' THEN
        -- one that is void has left its number to others: document_bill_once
        SELECT * INTO v_document FROM document d WHERE d.kind = 'bill' AND d.status <> 'void'
            AND d.party_id = (content ->> 'party')::bigint
           AND d.outside_number = content ->> 'outside_number';
    END IF;
    IF v_document.id IS NOT NULL THEN
        IF v_document.made_from IS DISTINCT FROM content THEN
            RAISE EXCEPTION '% was sent before with other content', document_name(v_document.id)
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'document_external_key',
                    HINT = 'Send the same content again, or void that document first.';
        END IF;
        RETURN v_document.id;
    END IF;
    v.own_id := v_about.own_id;
    v.project_id := v_about.project_id;
    v.deal_id := v_about.deal_id;
    v.task_id := v_about.task_id;
    v.based_on := (content ->> 'based_on')::bigint;
    v.title := content ->> 'title';
    v.made_from := content;
    v.positions := 'none';
    v.currency := coalesce(content ->> 'currency', v_contract.currency, (SELECT s.base_currency FROM setting s));
    v.tax_inclusive := v_contract.tax_inclusive;
    v.tax_level := v_contract.tax_level;
    v.discount_pct := (content ->> 'discount_pct')::numeric;
    v.discount_amount := (content ->> 'discount_amount')::numeric;
    v.due_on := given_date(content, 'due_on');
    v.period_from := given_date(content, 'period_from');
    v.period_to := given_date(content, 'period_to');
    v.outside_number := content ->> 'outside_number';
    v.file_url := content ->> 'file_url';
    v.requirements := content ->> 'requirements';
    v.note := content ->> 'note';
    v.source := content ->> 'source';
    v.external_id := content ->> 'external_id';
    v.id := put_document(v);
    IF v.id IS NULL THEN
        RETURN draft_document(content);  -- another party's document took the key meanwhile: that is refused
    END IF;
    PERFORM add_lines(v.id, content -> 'lines') WHERE content ? 'lines';
    RETURN v.id;
END $$;
COMMENT ON FUNCTION draft_document(jsonb) IS
    'draft a document of given contents: {"kind" (proposal, specification, proforma, bill, contract, annex, other, '
    'incoming act), "party" | "contract" | "project" | "task" | "deal" (names or ids; a contract by its number), '
    '"incoming", "based_on", "title", "currency", "lines" (as add_lines() takes them), "requirements", "note", '
    '"issued_on", "due_on", "outside_number", "file_url", "discount_pct" | "discount_amount", "source", '
    '"external_id"}. The same content again returns the same document, another one under the same (source, '
    'external_id) or number of a bill is refused (23505)';
SELECT allow('clerk', 'execute', 'draft_document');

CREATE FUNCTION issue_specification(task bigint, lines jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_contract bigint;
    v_document bigint;
BEGIN
    SELECT coalesce(t.contract_id, (SELECT CASE WHEN count(*) = 1 THEN min(c.id) END FROM contract c
                                     WHERE c.client_id = p.client_id AND c.status = 'active' AND c.parent_id IS NULL
                                       AND (c.project_id IS NULL OR c.project_id = p.id))) INTO v_contract
      FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = issue_specification.task;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', issue_specification.task USING ERRCODE = 'foreign_key_violation',
            HINT = 'Table task lists the tasks.';
    END IF;
    v_document := draft_document(jsonb_build_object('kind', 'specification', 'task', issue_specification.task,
                                                    'lines', json_argument(lines))
                                 || CASE WHEN v_contract IS NULL THEN '{}'
                                     ELSE jsonb_build_object('contract', v_contract) END || json_argument(options));
    PERFORM transition(v_document, 'sent');
    RETURN v_document;
END $$;
COMMENT ON FUNCTION issue_specification(bigint, jsonb, jsonb) IS
    'send the client a specification of a task: works and materials with their prices (lines as add_lines() takes '
    'them; options as draft_document()); its client agrees or rejects it. Where the contract needs it, work on the '
    'task is charged only once it is agreed';
SELECT allow('clerk', 'execute', 'issue_specification');
-- ---------------------------------------------------------------------------
-- bill: what comes in
-- ---------------------------------------------------------------------------

CREATE FUNCTION record_bill(content jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_document bigint := draft_document(jsonb_build_object('kind', 'bill') || json_argument(content));
BEGIN
    PERFORM transition(v_document, 'sent') WHERE (state_of(document_of(v_document))).draft;
    RETURN v_document;
END $$;
COMMENT ON FUNCTION record_bill(jsonb) IS
    'take a bill of a contractor in: {"party", "outside_number", "issued_on", "due_on", "currency", "lines"}; it costs '
    'nothing and cannot be paid before it is accepted: transition(document, ''agreed''). The same bill again returns '
    'the same document';
SELECT allow('clerk', 'execute', 'record_bill');
-- ---------------------------------------------------------------------------
-- follow: revisions, stages and deals that are made of a document, signatures
-- ---------------------------------------------------------------------------

CREATE FUNCTION revise(document bigint, changes jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_old document := open_document(revise.document);
    v document;
BEGIN
    changes := json_argument(changes);
    PERFORM check_keys(changes, 'changes',
                       '{title,requirements,note,lines,discount_pct,discount_amount,issued_on,due_on,positions}');
    IF NOT has_step(v_old, 'superseded', false) THEN
        RAISE EXCEPTION '% is % and has no next revision', document_name(v_old.id), v_old.status
            USING ERRCODE = 'restrict_violation',
                HINT = 'Reports and offers are revised when they are sent or rejected; a draft is simply changed, an '
                       'agreed report void().';
    END IF;
    v := successor(v_old, v_old.kind);
    v.based_on := v_old.based_on;
    v.revision := v_old.revision + 1;
    v.supersedes_id := v_old.id;
    v.title := coalesce(changes ->> 'title', v_old.title);
    v.period_from := v_old.period_from;
    v.period_to := v_old.period_to;
    v.made_from := v_old.made_from;
    v.positions := coalesce(changes ->> 'positions', v_old.positions);
    v.discount_pct := v_old.discount_pct;
    v.discount_amount := v_old.discount_amount;
    IF changes ?| '{discount_pct,discount_amount}' THEN
        v.discount_pct := (changes ->> 'discount_pct')::numeric;
        v.discount_amount := (changes ->> 'discount_amount')::numeric;
    END IF;
    v.issued_on := given_date(changes, 'issued_on');
    v.due_on := given_date(changes, 'due_on');
    v.requirements := coalesce(changes ->> 'requirements', v_old.requirements);
    v.note := coalesce(changes ->> 'note', v_old.note);
    v.id := put_document(v);
    v := document_of(v.id);
    UPDATE document d SET status = 'superseded', status_said_by = NULL, status_reason = 'revised' WHERE d.id = v_old.id;
    IF v_old.kind = 'report' THEN
        PERFORM claim_charges(v, found_charges(v_old.made_from, v_old.party_id));
    ELSIF changes ? 'lines' THEN
        PERFORM add_lines(v.id, changes -> 'lines');
    ELSE
        PERFORM put_lines(ARRAY(SELECT revised_line(v, l) FROM document_line l WHERE l.document_id = v_old.id
                                ORDER BY l.id));
    END IF;
    RETURN v.id;
END $$;
COMMENT ON FUNCTION revise(bigint, jsonb) IS
    'make the next revision of a sent or rejected report, or of a proposal, specification or proforma, as a draft: the '
    'old one stays, superseded, its charges are free and go on the new one. changes: title, requirements, note, lines, '
    'discount_pct or discount_amount, issued_on, due_on, positions';
SELECT allow('clerk', 'execute', 'revise');

CREATE FUNCTION make_stages(document bigint, contract bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(make_stages.document);
    v_contract contract;
    v_line record;
    v_count bigint := 0;
    v_id bigint;
BEGIN
    SELECT * INTO v_contract FROM contract c WHERE c.id = make_stages.contract;
    IF v_document.kind <> 'proposal' OR v_contract.id IS NULL
        OR NOT coalesce((state_of(v_document)).binding, was_binding(v_document.id))
        OR v_contract.client_id <> v_document.party_id OR v_contract.currency <> v_document.currency THEN
        RAISE EXCEPTION '% cannot become stages of contract %', document_name(v_document.id),
            coalesce(v_contract.number, make_stages.contract::text)
            USING ERRCODE = 'restrict_violation',
                HINT = 'An agreed proposal becomes stages of a contract with the same client in the same currency.';
    END IF;
    FOR v_line IN SELECT * FROM document_line l WHERE l.document_id = v_document.id AND l.contract_line_id IS NULL
        ORDER BY l.position, l.id LOOP
        INSERT INTO contract_line (contract_id, kind, item_id, title, amount, cost, starts_on, ends_on)
        VALUES (v_contract.id, 'stage', v_line.item_id, v_line.title, v_line.net,
                coalesce(round_money(v_line.quantity * v_line.cost, currency_exponent(v_line.currency)), 0),
                v_line.starts_on, v_line.ends_on)
        RETURNING id INTO v_id;
        UPDATE document_line l SET contract_line_id = v_id WHERE l.id = v_line.id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION make_stages(bigint, bigint) IS
    'turn the estimate of an agreed proposal into stages of a contract, once; returns how many were made';
SELECT allow('manager', 'execute', 'make_stages');

CREATE FUNCTION set_signature(document bigint, status text, by text DEFAULT NULL, ref text DEFAULT NULL,
                              at timestamptz DEFAULT NULL,
                              image bytea DEFAULT NULL, image_type text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(set_signature.document);
    v_state document_state := state_of(v_document);
    v_answer CONSTANT text := CASE set_signature.status WHEN 'signed' THEN 'agreed' WHEN 'rejected' THEN 'rejected' END;
BEGIN
    IF v_state.draft OR v_state.withdrawn OR v_document.sign_status IN ('signed', 'rejected')
        AND v_document.sign_status <> set_signature.status
        OR set_signature.status = 'none' THEN
        RAISE EXCEPTION 'the signature of %, which is % and %, cannot become "%"', document_name(v_document.id),
            v_document.status, v_document.sign_status,
            set_signature.status
            USING ERRCODE = 'restrict_violation',
                HINT = 'Issued documents are sent to be signed, then signed or rejected, once.';
    END IF;
    UPDATE document d SET sign_status = set_signature.status, sign_at = coalesce(set_signature.at, now()),
        sign_by = coalesce(set_signature.by, d.sign_by),
           sign_ref = coalesce(set_signature.ref, d.sign_ref), signature = coalesce(set_signature.image, d.signature),
           signature_type = coalesce(set_signature.image_type, d.signature_type)
     WHERE d.id = v_document.id AND d.sign_status <> set_signature.status;
    -- Whoever signs agrees; a bill is agreed by us, not by who sent it.
    PERFORM transition(v_document.id, v_answer, 'signature ' || set_signature.status, set_signature.by)
      WHERE v_document.kind <> 'bill' AND has_step(v_document, v_answer, true);
END $$;
COMMENT ON FUNCTION set_signature(bigint, text, text, text, timestamptz, bytea, text) IS
    'keep the state of a document''s signature: sent, signed or rejected, by whom, when, the id at the operator (ref), '
    'the image drawn on a phone (image/png, image/jpeg or image/webp, up to 1 MB). What waits for an answer (a report, '
    'act, contract, …) is agreed when it is signed, rejected when its signature is; the same state again changes '
    'nothing';
SELECT allow('clerk', 'execute', 'set_signature');
-- ---------------------------------------------------------------------------
-- agreed: a specification that the client agreed becomes money
--
-- Its lines are what the task is sold for, so they are charged when it is done;
-- the hours of such a task are in that price.  One without a price only lets the
-- work begin.
-- ---------------------------------------------------------------------------

CREATE FUNCTION task_work(p_task bigint) RETURNS bigint[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT ARRAY(SELECT e.id FROM time_entry e WHERE e.task_id = p_task ORDER BY 1);
END;
COMMENT ON FUNCTION task_work(bigint) IS 'the time entries of a task';

CREATE FUNCTION sell_agreed(p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO task_item (task_id, item_id, title, quantity, price, discount_pct, amount, cost, document_id, line_id)
    SELECT p_document.task_id, l.item_id, l.title, coalesce(l.quantity, 1), l.price, l.discount_pct, l.net, l.cost,
           p_document.id, l.id
      FROM document_line l
     WHERE l.document_id = p_document.id AND p_document.task_id IS NOT NULL AND p_document.net > 0
       -- who copied it by hand has sold it already
       AND NOT EXISTS (SELECT FROM task_item i WHERE i.document_id = p_document.id)
     ORDER BY l.id;
    PERFORM follow_entries(task_work(p_document.task_id));
END $$;
COMMENT ON FUNCTION sell_agreed(document) IS
    'what an agreed specification asks for is what its task is sold for; work that waited for it is rated';

CREATE FUNCTION unsell_agreed(p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    DELETE FROM task_item i WHERE i.document_id = p_document.id AND i.line_id IS NOT NULL;
    PERFORM follow_entries(task_work(p_document.task_id));
END $$;
COMMENT ON FUNCTION unsell_agreed(document) IS
    'what a specification that is agreed no more asked for is not sold; refused (23001) once it is billed';

CREATE FUNCTION bill_task(task bigint, options jsonb DEFAULT '{}', OUT invoice bigint, OUT act bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_task task;
BEGIN
    SELECT * INTO v_task FROM task t WHERE t.id = bill_task.task;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', bill_task.task USING ERRCODE = 'foreign_key_violation',
            HINT = 'Table task lists the tasks.';
    END IF;
    IF v_task.status <> 'done' AND EXISTS (SELECT FROM task_item i WHERE i.task_id = v_task.id) THEN
        RAISE EXCEPTION 'task "%" is %: what it is sold for is charged when it is done', v_task.title, v_task.status
            USING ERRCODE = 'restrict_violation', HINT = 'Set its status to done first.';
    END IF;
    options := json_argument(options);
    bill_task.invoice := invoice_work(jsonb_build_object('task', v_task.id), options);
    bill_task.act := issue_act(bill_task.invoice, CASE WHEN options ? 'issued_on'
        THEN jsonb_build_object('issued_on', options -> 'issued_on') ELSE '{}' END);
END $$;
COMMENT ON FUNCTION bill_task(bigint, jsonb) IS
    'invoice what a task comes to, an agreed specification or its hours, and issue the act of it, at once; options as '
    'of invoice_work(). Refused (23001): a task that is sold at a fixed price and not done, one with nothing to bill';
SELECT allow('clerk', 'execute', 'bill_task');
-- ---------------------------------------------------------------------------
-- row: the positions of a paper, from which pages, sheets, JSON and CSV are made
-- ---------------------------------------------------------------------------

CREATE FUNCTION document_rows(document bigint)
    RETURNS TABLE ("position" integer, project text, title text, url text, first_day date, last_day date,
        coverage text, unit text,
                   quantity numeric, price numeric, discount_pct numeric, hours_worked numeric(18,2),
                       hours_billed numeric(18,2),
                   amount numeric, discount numeric, tax_rate numeric, net numeric, tax numeric, gross numeric,
                       worked_s bigint,
                   billed_s bigint, task_id bigint, lines bigint, charges bigint)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH figure AS (
        SELECT f.line_id, f.position, f.title, f.unit, f.quantity, f.price, f.discount_pct, f.worked_s, f.billed_s,
            f.amount, f.discount,
               f.tax_rate, f.net, f.tax, f.gross
          FROM document d, document_figures(d.id) f WHERE d.id = document_rows.document AND d.net IS NULL
        UNION ALL
        SELECT l.id, l.position, l.title, l.unit, l.quantity, l.price, l.discount_pct, l.worked_s, l.billed_s,
            l.amount, l.discount,
               l.tax_rate, l.net, l.tax, l.gross
          FROM document d JOIN document_line l ON l.document_id = d.id WHERE d.id = document_rows.document
              AND d.net IS NOT NULL
    ), line AS (
        SELECT f.*, d.kind, d.positions, h.id AS charge_id, h.source, h.coverage,
            coalesce(h.service_date, CASE WHEN l.claim THEN l.starts_on END) AS service_date, p.name AS project,
            t.id AS task_id, t.url
          FROM figure f
          JOIN document_line l ON l.id = f.line_id
          JOIN document d ON d.id = l.document_id
          LEFT JOIN document_line r ON r.id = l.reverses_line_id
          LEFT JOIN charge h ON h.id = coalesce(r.charge_id, l.charge_id)
          LEFT JOIN task t ON t.id = coalesce(h.task_id, nullif(l.task_id, d.task_id))
          LEFT JOIN project p ON p.id = CASE d.positions WHEN 'task' THEN coalesce(h.project_id, l.project_id) END
    )
    SELECT l.position, min(l.project), CASE WHEN min(l.title) = max(l.title) THEN min(l.title)
        ELSE string_agg(DISTINCT l.title, ', ') END,
           CASE WHEN count(DISTINCT l.task_id) = 1 AND count(l.task_id) = count(*) AND min(l.positions) IN ('task',
               'none')
                     AND min(l.url) ~* '^https?://[^[:space:]]+$' THEN min(l.url) END,
           min(l.service_date), max(l.service_date),
           CASE WHEN count(DISTINCT l.coverage) = 1 AND min(l.coverage) <> 'billable' THEN min(l.coverage) END,
           min(l.unit),
           CASE WHEN min(l.unit) = 'h' AND count(l.quantity) = 0 THEN (sum(l.billed_s) / 3600.0)::numeric(18,2)
                WHEN count(l.quantity) > 0 THEN sum(l.quantity) WHEN min(l.kind) <> 'credit_note' THEN 1 END,
           CASE WHEN sum(l.amount) = 0 AND min(l.coverage) <> 'billable' THEN NULL
                WHEN count(l.price) > 0 THEN min(l.price)
                -- what has no quantity of its own is one of it; tiers have no price of a unit
                WHEN min(l.kind) <> 'credit_note' AND min(l.source) IS DISTINCT FROM 'time' AND count(l.quantity) = 0
                THEN sum(l.amount) END,
           CASE WHEN count(l.price) > 0 OR count(l.quantity) = 0 THEN min(l.discount_pct) END,
               (sum(l.worked_s) / 3600.0)::numeric(18,2), (sum(l.billed_s) / 3600.0)::numeric(18,2),
           sum(l.amount), sum(l.discount), min(l.tax_rate), sum(l.net), sum(l.tax), sum(l.gross),
               sum(l.worked_s)::bigint,
           sum(l.billed_s)::bigint, CASE WHEN count(DISTINCT l.task_id) = 1 THEN min(l.task_id) END, count(*),
               count(l.charge_id)
      FROM line l
     GROUP BY l.position
     ORDER BY l.position;
END $$;
COMMENT ON FUNCTION document_rows(bigint) IS
    'the positions of a document as they stand on the paper, those of a draft as they are now: project, title and link '
    'of the task (only http and https), days of the work, coverage where it is not billable, quantity (hours, where '
    'unit is h) and the price of a unit (charge.rate), discount_pct of the position, hours, amount before the '
    'document''s discount, its share of that discount, net, tax, gross, in the document''s currency; seconds beside '
    'the hours for sums, the task where it is one, how many lines and charges there are';
SELECT allow('reader', 'execute', 'document_rows');
-- ---------------------------------------------------------------------------
-- deal: the deal that is made of a document, and the work that goes with it
--
-- A deal says where profit is told and nothing of what is owed, so work takes
-- one at any time, frozen or not.  Work is of the deal of its task.  Work whose
-- task has none is of the deal of the document that keeps it: when the deal is
-- made, and when the document is sent.  Giving a task a deal, or another one,
-- takes all of its work there (follow_tasks()).
-- ---------------------------------------------------------------------------

CREATE FUNCTION tell_deal(p_document bigint, p_deal bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM tell_charges(ARRAY(
        SELECT h.id
          FROM document_line l
          JOIN charge h ON h.id IN (l.charge_id, l.adjustment_id) AND h.deal_id IS NULL
         WHERE l.document_id = p_document AND l.released_at IS NULL), p_deal) WHERE p_deal IS NOT NULL;
END $$;
COMMENT ON FUNCTION tell_deal(bigint, bigint) IS 'what a document keeps of work that is of no deal is of its deal';

CREATE FUNCTION make_deal(document bigint, stage text DEFAULT 'invoice') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(make_deal.document);
    v_deal bigint := v_document.deal_id;
BEGIN
    IF v_deal IS NULL THEN
        INSERT INTO deal (client_id, project_id, name, stage, amount, currency, starts_on, ends_on)
        VALUES (v_document.party_id, v_document.project_id, coalesce(v_document.title, document_name(v_document.id)),
                make_deal.stage,
                coalesce(v_document.gross, (SELECT sum(f.gross) FROM document_figures(v_document.id) f)),
                    v_document.currency,
                v_document.period_from, v_document.period_to)
        RETURNING id INTO v_deal;
        UPDATE document d SET deal_id = v_deal WHERE d.id = v_document.id OR d.based_on = v_document.id
            AND d.deal_id IS NULL;
        PERFORM tell_deal(v_document.id, v_deal);
    END IF;
    RETURN v_deal;
END $$;
COMMENT ON FUNCTION make_deal(bigint, text) IS
    'make the deal of a report, with its gross amount, and bind the report, what is made of it and its work to the '
    'deal; a report has one, and work that is of a deal already stays with that one';
SELECT allow('clerk', 'execute', 'make_deal');
-- ---------------------------------------------------------------------------
-- sheet: documents as people read them
-- ---------------------------------------------------------------------------

CREATE FUNCTION document_totals(p_document bigint, OUT net numeric, OUT tax numeric,
                                OUT gross numeric, OUT worked_s numeric,
                                OUT billed_s numeric, OUT tasks bigint)
    LANGUAGE plpgsql STABLE COST 5000 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    IF (SELECT s.draft FROM document d JOIN document_state s USING (kind, status) WHERE d.id = p_document) THEN
        SELECT sum(f.net), sum(f.tax), sum(f.gross), sum(f.worked_s), sum(f.billed_s), count(DISTINCT h.task_id)
          INTO document_totals.net, document_totals.tax, document_totals.gross, document_totals.worked_s,
              document_totals.billed_s, document_totals.tasks
          FROM document_figures(p_document) f JOIN document_line l ON l.id = f.line_id
          LEFT JOIN charge h ON h.id = l.charge_id;
    ELSE
        SELECT sum(l.worked_s), sum(l.billed_s), count(DISTINCT coalesce(h.task_id, l.task_id))
          INTO document_totals.worked_s, document_totals.billed_s, document_totals.tasks
          FROM document_line l LEFT JOIN charge h ON h.id = l.charge_id WHERE l.document_id = p_document;
    END IF;
END $$;
COMMENT ON FUNCTION document_totals(bigint) IS
    'what the lines of a document come to: hours as seconds and tasks; of drafts also net, tax and gross as they are '
    'now, NULL for what is issued, whose header has them. A function, so that the plan of a view over documents stays '
    'small: it is not worth compiling';

CREATE VIEW document_card WITH (security_invoker) AS
    SELECT d.id AS document_id, d.kind, d.incoming, coalesce(d.number, d.outside_number) AS number, d.status,
           d.revision, d.supersedes_id, d.based_on,
           (SELECT s.id FROM document s WHERE s.supersedes_id = d.id) AS superseded_by,
           d.own_id, o.name AS own, d.party_id, p.name AS party, d.contract_id, c.number AS contract, d.project_id,
           j.name AS project,
           d.deal_id, d.task_id, d.title, d.period_from, d.period_to, d.issued_on, d.due_on, d.currency,
           coalesce(d.net, f.net)::numeric(18,2) AS net, coalesce(d.tax, f.tax)::numeric(18,2) AS tax,
           coalesce(d.gross, f.gross)::numeric(18,2) AS gross,
           b.credited::numeric(18,2) AS credited, b.allocated::numeric(18,2) AS paid, b.open::numeric(18,2) AS open,
           CASE WHEN b.open > 0 THEN greatest(books_today() - d.due_on, 0) END AS days_overdue,
           (f.worked_s / 3600.0)::numeric(18,2) AS hours_worked,
           (f.billed_s / 3600.0)::numeric(18,2) AS hours_billed, f.tasks,
           d.sign_status, d.sign_at, d.sign_by, d.sign_ref, d.file_url, d.note, d.created_at, d.created_by,
           d.meaning
      FROM document d
      JOIN party p ON p.id = d.party_id
      LEFT JOIN party o ON o.id = d.own_id
      LEFT JOIN contract c ON c.id = d.contract_id
      LEFT JOIN project j ON j.id = d.project_id
      LEFT JOIN document_balance b ON b.document_id = d.id
     CROSS JOIN LATERAL document_totals(d.id) f;
COMMENT ON VIEW document_card IS
    'every document with its parties, dates, figures in its currency (of drafts as they are now), what is credited, '
    'paid and open, hours, number of tasks, and its signature; of a credit note its meaning';
SELECT allow('reader', 'select', 'document_card');

CREATE FUNCTION document_sheet(document bigint)
    RETURNS TABLE ("position" integer, title text, project text, task_id bigint, task_number text, task_url text,
                   coverage text,
                   first_day date, last_day date, hours_worked numeric(18,2), hours_billed numeric(18,2),
                   quantity numeric(18,3), unit text,
                   price numeric(18,2), discount_pct numeric(7,4), amount numeric(18,2), discount numeric(18,2),
                   net numeric(18,2), tax_rate numeric(7,4),
                   tax numeric(18,2), gross numeric(18,2), currency text, lines bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.position, r.title, p.name, t.id, t.number, t.url, CASE
           WHEN r.charges > 0 THEN coalesce(r.coverage, 'billable') END,
           r.first_day, r.last_day, r.hours_worked, r.hours_billed,
           CASE WHEN r.unit = 'h' AND r.billed_s IS NOT NULL THEN r.billed_s / 3600.0
               ELSE r.quantity END::numeric(18,3), r.unit,
           round(r.price, greatest(2, min_scale(r.price))), r.discount_pct::numeric(7,4), r.amount::numeric(18,2),
           r.discount::numeric(18,2), r.net::numeric(18,2), r.tax_rate::numeric(7,4), r.tax::numeric(18,2),
           r.gross::numeric(18,2),
           d.currency, r.lines
      FROM document d
     CROSS JOIN LATERAL document_rows(d.id) r
      LEFT JOIN task t ON t.id = r.task_id
      LEFT JOIN project p ON p.id = t.project_id
     WHERE d.id = document_sheet.document
     ORDER BY r.position;
END;
COMMENT ON FUNCTION document_sheet(bigint) IS
    'the rows of a document''s paper, one a position: title, task with its link, coverage (billable, or why it is at '
    'zero), days, hours, quantity and price, amount, its share of the discount, net, tax and gross in currency; of '
    'drafts as they are now. The sums are the header''s, to the last digit';
SELECT allow('reader', 'execute', 'document_sheet');

CREATE FUNCTION document_tax(document bigint)
    RETURNS TABLE (tax_rate numeric(7,4), net numeric(18,2), tax numeric(18,2), gross numeric(18,2), currency text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.tax_rate, sum(s.net)::numeric(18,2), sum(s.tax)::numeric(18,2), sum(s.gross)::numeric(18,2),
           min(s.currency)
      FROM document_sheet(document_tax.document) s GROUP BY 1 ORDER BY 1 NULLS LAST;
END;
COMMENT ON FUNCTION document_tax(bigint) IS
    'net, tax and gross of a document by rate of tax in per cent; NULL is exempt';
SELECT allow('reader', 'execute', 'document_tax');

CREATE FUNCTION document_json(document bigint) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'document', c.document_id, 'kind', c.kind, 'number', c.number, 'status', c.status, 'revision', c.revision,
        'title', c.title,
        'issued_on', c.issued_on, 'due_on', c.due_on, 'period_from', c.period_from, 'period_to', c.period_to,
        'contract', c.contract, 'project', c.project,
        'currency', c.currency, 'net', c.net::text, 'tax', c.tax::text, 'gross', c.gross::text, 'paid', c.paid::text,
        'open', c.open::text,
        'hours_worked', c.hours_worked::text, 'hours_billed', c.hours_billed::text, 'requirements', d.requirements,
        'meaning', d.meaning,
        'own', jsonb_build_object('name', coalesce(o.legal_name, o.name), 'tax_id', o.tax_id, 'requisites',
                                  o.requisites),
        'party', jsonb_build_object('name', coalesce(p.legal_name, p.name), 'tax_id', p.tax_id, 'requisites',
                                    p.requisites),
        'positions',
        (SELECT coalesce(jsonb_agg(jsonb_build_object('position', s.position, 'title', s.title, 'project', s.project,
                                                      'task', s.task_number,
                          'url', s.task_url, 'coverage', s.coverage, 'from', s.first_day, 'to', s.last_day,
                          'hours_worked', s.hours_worked::text,
                          'hours_billed', s.hours_billed::text, 'quantity', s.quantity::text, 'unit', s.unit,
                          'price', s.price::text,
                          'discount', s.discount::text, 'net', s.net::text, 'tax_rate', s.tax_rate::text, 'tax',
                          s.tax::text, 'gross', s.gross::text)
                          ORDER BY s.position), '[]') FROM document_sheet(document_json.document) s),
        'taxes', (SELECT coalesce(jsonb_agg(jsonb_build_object('tax_rate', t.tax_rate::text, 'net', t.net::text,
                                                               'tax', t.tax::text, 'gross', t.gross::text)
                      ORDER BY t.tax_rate), '[]') FROM document_tax(document_json.document) t))
      FROM document_card c
      JOIN document d ON d.id = c.document_id
      JOIN party p ON p.id = c.party_id
      LEFT JOIN party o ON o.id = c.own_id
     WHERE c.document_id = document_json.document;
END;
COMMENT ON FUNCTION document_json(bigint) IS
    'a document as its client may see it: header, both parties, positions, totals by tax rate; money and hours as text';
SELECT allow('reader', 'execute', 'document_json');
-- ---------------------------------------------------------------------------
-- statement: what a client owes, day by day
-- ---------------------------------------------------------------------------

CREATE FUNCTION client_statement(client bigint, from_date date, to_date date)
    RETURNS TABLE (on_date date, kind text, number text, detail text, debit numeric(18,2), credit numeric(18,2),
                   balance numeric(18,2), currency text,
                   document_id bigint, payment_id bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    -- of one thing and day there is one row, and none where it was taken back
    WITH move AS (
        SELECT e.entry_on AS on_date, e.kind, e.number, e.detail, greatest(sum(e.amount), 0) AS debit,
               -least(sum(e.amount), 0) AS credit, e.currency, e.document_id, e.payment_id, e.rank
          FROM (SELECT e.entry_on, e.amount, e.currency, e.document_id, e.payment_id,
                       CASE WHEN d.id IS NOT NULL THEN replace(d.kind, '_', ' ')
                            WHEN p.flow = 'out' THEN 'refund' WHEN e.payment_id IS NOT NULL THEN 'payment'
                            WHEN a.kind = 'equity' THEN 'opening' ELSE 'entry' END AS kind,
                       coalesce(d.number, p.bank_ref) AS number,
                       CASE WHEN d.id IS NOT NULL THEN coalesce(d.title, d.note)
                            WHEN e.payment_id IS NOT NULL THEN p.purpose ELSE e.memo END AS detail,
                       CASE WHEN d.id IS NOT NULL THEN 1 WHEN e.payment_id IS NOT NULL THEN 2 ELSE 0 END AS rank,
                       CASE WHEN num_nonnulls(e.document_id, e.payment_id) = 0 THEN e.event_id END AS event_id
                  FROM client_entry e
                  JOIN account a ON a.id = e.other_id
                  LEFT JOIN document d ON d.id = e.document_id
                  LEFT JOIN payment_card p ON p.payment_id = e.payment_id
                 WHERE e.party_id = client_statement.client) e
         GROUP BY e.entry_on, e.kind, e.number, e.detail, e.currency, e.document_id, e.payment_id, e.rank, e.event_id
        HAVING sum(e.amount) <> 0
    ), row AS (
        SELECT from_date AS on_date, 'opening balance' AS kind, NULL AS number, NULL AS detail, 0 AS debit, 0 AS credit,
               sum(m.debit - m.credit) FILTER (WHERE m.on_date < from_date) AS opening, m.currency,
               NULL::bigint AS document_id, NULL::bigint AS payment_id,
               -1 AS rank
          FROM move m WHERE m.on_date <= to_date GROUP BY m.currency
        UNION ALL
        SELECT m.on_date, m.kind, m.number, m.detail, m.debit, m.credit, NULL, m.currency, m.document_id,
               m.payment_id, m.rank
          FROM move m WHERE m.on_date BETWEEN from_date AND to_date
        UNION ALL
        SELECT to_date, 'closing balance', NULL, NULL, 0, 0, NULL, m.currency, NULL, NULL, 3 FROM move m
         WHERE m.on_date <= to_date GROUP BY m.currency
    )
    SELECT r.on_date, r.kind, r.number, r.detail, r.debit::numeric(18,2), r.credit::numeric(18,2),
           sum(coalesce(r.opening, 0) + r.debit - r.credit) OVER (
               PARTITION BY r.currency ORDER BY r.rank = 3, r.rank >= 0, r.on_date, r.rank, r.document_id, r.payment_id
               ROWS UNBOUNDED PRECEDING)::numeric(18,2),
           r.currency, r.document_id, r.payment_id
      FROM row r
     ORDER BY r.currency, r.rank = 3, r.rank >= 0, r.on_date, r.rank, r.document_id, r.payment_id;
END;
COMMENT ON FUNCTION client_statement(bigint, date, date) IS
    'a client''s account between two days, both included, as the ledger has it: opening balance, invoices and refunds '
    '(debit), credit notes and payments (credit), what was posted by hand (opening, entry), closing balance; by '
    'currency; a positive balance is owed by the client. What was taken back on its own day has no row';
SELECT allow('reader', 'execute', 'client_statement');
-- ---------------------------------------------------------------------------
-- share: a link by which the client sees one document and answers it
-- ---------------------------------------------------------------------------

CREATE FUNCTION share(document bigint, ttl interval DEFAULT '30 days') RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := document_of(share.document);
    v_state document_state := state_of(v_document);
    v_token text;
BEGIN
    IF v_state.draft OR v_state.withdrawn OR v_document.incoming THEN
        RAISE EXCEPTION '% is % and is not shared', document_name(v_document.id), CASE WHEN v_document.incoming
            THEN 'not ours' ELSE v_document.status END
            USING ERRCODE = 'restrict_violation',
                HINT = CASE WHEN v_state.withdrawn THEN 'Share what takes its place.'
                            ELSE 'Send it first: transition(document, ''sent'').' END;
    END IF;
    IF share.ttl IS NULL OR share.ttl <= interval '0' OR share.ttl > interval '5 years' THEN
        RAISE EXCEPTION 'a link cannot live for %', coalesce(share.ttl::text, 'ever')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a time to live of up to 5 years.';
    END IF;
    -- Three random UUIDs hold 366 random bits from the server's strong source;
    -- their digest is 32 bytes of it.
    v_token := rtrim(translate(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                                             || uuid_send(gen_random_uuid())), 'base64'),
                               '+/', '-_'), '=');
    INSERT INTO share_link (document_id, token_digest, expires_at)
    VALUES (v_document.id, sha256(convert_to(v_token, 'UTF8')), now() + share.ttl);
    RETURN v_token;
END $$;
COMMENT ON FUNCTION share(bigint, interval) IS
    'make a link to a document that was sent: a token of 32 random bytes (43 URL-safe characters), shown this once; '
    'ttl is how long it works';
SELECT allow('clerk', 'execute', 'share');

CREATE FUNCTION send(document bigint, ttl interval DEFAULT '30 days') RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_document document := open_document(send.document);
    v_state document_state := state_of(v_document);
BEGIN
    IF v_state.ended THEN
        RAISE EXCEPTION '% is % and is not sent again', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation',
                HINT = 'Send its next revision, which revise(document) makes, or another document in its place.';
    END IF;
    IF v_document.incoming THEN
        RAISE EXCEPTION '% came from outside and is not sent', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation',
                HINT = 'Answer it: transition(document, ''agreed'') or transition(document, ''rejected'', reason).';
    END IF;
    PERFORM transition(v_document.id, 'sent') WHERE v_state.draft;
    RETURN share(v_document.id, send.ttl);
END $$;
COMMENT ON FUNCTION send(bigint, interval) IS
    'send a document to its client: issues the draft and returns the token of a link to it, which works for ttl; what '
    'is sent already gets one more link. Refused (23001): what was rejected or superseded, what is void or came from '
    'outside';
SELECT allow('clerk', 'execute', 'send');

CREATE FUNCTION revoke_share(document bigint, link bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_count bigint;
BEGIN
    UPDATE share_link s SET revoked_at = now()
     WHERE s.document_id = revoke_share.document AND s.revoked_at IS NULL
       AND (revoke_share.link IS NULL OR s.id = revoke_share.link);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION revoke_share(bigint, bigint) IS
    'make the links of a document, or one of them, work no more; returns how many';
SELECT allow('clerk', 'execute', 'revoke_share');

-- A gateway answers GET in a read-only transaction, and a standby has no other:
-- there the page is shown and the view is not counted.
CREATE FUNCTION open_link(token text, OUT document_id bigint, OUT link_id bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    IF octet_length(token) <> 43 THEN
        RETURN;
    END IF;
    SELECT s.document_id, s.id INTO open_link.document_id, open_link.link_id FROM share_link s
     WHERE s.token_digest = sha256(convert_to(open_link.token, 'UTF8')) AND s.revoked_at IS NULL
       AND s.expires_at > now();
    IF open_link.link_id IS NOT NULL AND current_setting('transaction_read_only') = 'off'
        AND NOT pg_is_in_recovery() THEN
        UPDATE share_link s SET views = s.views + 1, last_view_at = now() WHERE s.id = open_link.link_id;
    END IF;
END $$;
COMMENT ON FUNCTION open_link(text) IS
    'the document that a token opens, counting the view where the transaction may write; NULL whether the token is '
    'unknown, expired or revoked';

-- Gateways (PostgREST) set request.… and read response.…; elsewhere there is no
-- one to tell.  A setting that an earlier transaction made local stays as ''.
CREATE FUNCTION answer_status(p_status int) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF pg_catalog.current_setting('request.method', true) <> '' THEN
        PERFORM pg_catalog.set_config('response.status', p_status::text, true);
    END IF;
END $$;
COMMENT ON FUNCTION answer_status(int) IS
    'the HTTP status of the answer, where a gateway is there to send one; nothing elsewhere';

CREATE FUNCTION shared_report(token text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_document bigint := (SELECT l.document_id FROM open_link(token) l);
BEGIN
    IF v_document IS NULL THEN
        PERFORM answer_status(404);
        RETURN NULL;
    END IF;
    RETURN document_json(v_document);
END $$;
COMMENT ON FUNCTION shared_report(text) IS
    'what the link with this token shows: one document, as document_json() gives it, its status with it (void, '
    'superseded); NULL, through a gateway with status 404, when the link is unknown, expired or revoked, all alike. '
    'SECURITY DEFINER: a visitor reaches this document and nothing else';
SELECT allow('guest', 'execute', 'shared_report');

CREATE FUNCTION answer_shared(token text, decision text, comment text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_link record;
    v_document document;
BEGIN
    IF decision IS NULL OR decision NOT IN ('agreed', 'rejected') THEN
        RAISE EXCEPTION 'unknown decision "%"', left(decision, 20) USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Decisions are agreed and rejected.';
    END IF;
    IF decision = 'rejected' AND coalesce(comment, '') !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'a rejection needs a comment' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say what is to be changed.';
    END IF;
    IF length(comment) > 4000 THEN
        RAISE EXCEPTION 'a comment of % characters is too long', length(comment)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say it in at most 4000 characters.';
    END IF;
    SELECT * INTO v_link FROM open_link(token);
    IF v_link.document_id IS NULL THEN
        RAISE EXCEPTION 'this link opens nothing' USING ERRCODE = 'foreign_key_violation', HINT = 'Ask for a new link.';
    END IF;
    v_document := document_of(v_link.document_id);
    IF NOT (SELECT k.answered FROM document_kind k WHERE k.kind = v_document.kind) THEN
        RAISE EXCEPTION '% asks for no answer', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Reports, proposals, specifications and acts are answered.';
    END IF;
    IF decision = 'agreed' AND (state_of(v_document)).binding THEN
        RETURN 'agreed';  -- asked again after what followed from it
    END IF;
    RETURN transition(v_document.id, decision, comment,
                      format('%s by link %s', (SELECT p.name FROM party p WHERE p.id = v_document.party_id),
                             v_link.link_id));
END $$;
COMMENT ON FUNCTION answer_shared(text, text, text) IS
    'the client''s answer through a link: agreed, or rejected with a comment, which has at most 4000 characters '
    '(22023); the same answer again changes nothing. Unknown, expired and revoked links are refused alike (23503), a '
    'document that waits for no answer with its status (23001)';
SELECT allow('guest', 'execute', 'answer_shared');
-- ---------------------------------------------------------------------------
-- share: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('clerk', 'select', 'share_link', but => '{token_digest}');
SELECT watch('share_link', 'digest:token_digest', 'ignore:views', 'ignore:last_view_at');
-- ---------------------------------------------------------------------------
-- label: words of pages, and what a template may hold
-- ---------------------------------------------------------------------------

CREATE FUNCTION page_labels(language text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_object_agg(l.name, l.label ORDER BY l.language = page_labels.language)
      FROM page_label l WHERE l.language IN ('en', page_labels.language);
END;
COMMENT ON FUNCTION page_labels(text) IS
    'the words of pages in a language as an object, English where the language lacks one';
SELECT allow('reader', 'execute', 'page_labels');

CREATE FUNCTION check_page_owner() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF NEW.own_id IS NOT NULL AND EXISTS (SELECT FROM party p WHERE p.id = NEW.own_id AND p.kind <> 'own') THEN
        RAISE EXCEPTION 'party % is not an own company', NEW.own_id
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_of_own_company',
                HINT = 'Pages carry the brand of the company that issues them: a party of kind own.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_page_owner() IS 'trigger function of brand and template: own_id is an own company (23514)';

-- Everything that document_data() gives, once: what a template may name.
CREATE FUNCTION page_sample() RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('label', page_labels('en')) || $${
        "language": "en", "kind": "invoice", "heading": "Invoice", "number": "2026/03-0001",
        "number_line": "No. 2026/03-0001",
        "page_title": "Invoice No. 2026/03-0001", "title": "March", "date": "31 March 2026", "due": "14 April 2026",
        "period": "1 Mar 2026 – 31 Mar 2026", "contract": "A-1 of 1 January 2026", "project": "Web shop",
        "task": "17 Cart",
        "basis": "Work report No. 2026/03-0001 of 31 March 2026", "status": "Paid", "mark": "Draft",
        "currency": "EUR", "requirements": "", "note": "", "meaning": "", "gross_label": "Total due",
        "brand": {"name": "Agency", "logo": null, "accent": "#1f5673", "ink": "#1d252c", "footer": null},
        "own": {"name": "Agency Ltd", "address": "1 High Street", "tax_id": "123", "email": null, "signatory": null,
                "signatory_title": null,
            "requisites": [{"name": "Tax ID", "value": "123"}], "bank": [{"name": "IBAN", "value": "GB00"}]},
        "client": {"name": "Client Ltd", "address": "1 High Street", "tax_id": "123", "email": null,
                   "signatory": null, "signatory_title": null,
            "requisites": [{"name": "Tax ID", "value": "123"}], "bank": [{"name": "IBAN", "value": "GB00"}]},
        "show": {"groups": true, "hours": true, "quantity": true, "discount": true, "tax_rate": true},
        "groups": [{"title": "Web shop", "hours_worked": "1.00", "hours_billed": "1.00", "amount": "100.00", "rows": [
            {"no": 1, "title": "Cart", "url": "https://tracker.example/17", "days": "3 Mar", "unit": "h",
             "quantity": "1.00", "price": "100.00",
             "discount": "5%", "hours_worked": "1.00", "hours_billed": "1.00", "amount": "100.00", "net": "100.00",
             "tax_rate": "20%", "tax": "20.00",
             "gross": "120.00", "free": false, "coverage": "no charge"}]}],
        "totals": {"hours_worked": "1.00", "hours_billed": "1.00", "amount": "100.00", "discount": "5.00",
                   "net": "95.00", "tax": "19.00", "gross": "114.00",
            "gross_money": "EUR 114.00", "words": "One hundred fourteen euros and 00 cents", "taxed": true,
            "tax_free": true, "inclusive": false,
            "taxes": [{"name": "VAT 20%", "base": "95.00", "amount": "19.00"}], "paid": "14.00", "credited": "0.00",
            "open": "100.00"},
        "payment": {"beneficiary": "Agency Ltd", "purpose": "Invoice No. 2026/03-0001",
                    "requisites": [{"name": "IBAN", "value": "GB00"}]},
        "signature": {"image": "data:image/png;base64,", "by": "B. Client", "on": "1 April 2026"}}$$::jsonb;
END;
COMMENT ON FUNCTION page_sample() IS
    'every name that a template may use, with an example; amounts, hours and dates come as text, written for the '
    'language';
SELECT allow('reader', 'execute', 'page_sample');

CREATE FUNCTION check_template_body() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM document_kind k WHERE k.kind = NEW.kind AND k.incoming IS NOT true) THEN
        RAISE EXCEPTION 'documents of kind "%" have no page', NEW.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'template_kind_known', TABLE = 'template',
                HINT = format('Use one of %s.', (SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM document_kind k
                                                  WHERE k.incoming IS NOT true));
    END IF;
    PERFORM check_template(NEW.body, page_sample());
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_template_body() IS
    'trigger function of template: refuse a kind that has no page (23514) and, with the line, a body that does not '
    'parse or names what pages do not have (22023)';
-- ---------------------------------------------------------------------------
-- row: the rows, totals and parties of a page, as a language writes them
-- ---------------------------------------------------------------------------

CREATE FUNCTION page_number(number numeric, decimals int, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN n.rounded < 0 THEN '−' ELSE '' END
           || regexp_replace(split_part(abs(n.rounded)::text, '.', 1), '(\d)(?=(\d{3})+$)', '\1' || CASE language
                             WHEN 'en' THEN ',' ELSE U&'\00A0' END, 'g')
           || CASE WHEN decimals > 0 THEN CASE language WHEN 'en' THEN '.'
               ELSE ',' END || split_part(abs(n.rounded)::text, '.', 2) ELSE '' END
      FROM (SELECT round(number, decimals) AS rounded) n;
END;
COMMENT ON FUNCTION page_number(numeric, int, text) IS
    'a number with so many decimals as a language writes it: 1,234.50 in en, 1 234,50 with no-break spaces in uk and '
    'ru; a real minus sign';

CREATE FUNCTION page_date(day date, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE language
               WHEN 'uk' THEN format('%s %s %s р.', extract(day FROM day),
                   ('{січня,лютого,березня,квітня,травня,червня,'
                    'липня,серпня,вересня,жовтня,листопада,грудня}'::text[])[extract(month FROM day)],
                   extract(year FROM day))
               WHEN 'ru' THEN format('%s %s %s г.', extract(day FROM day),
                   ('{января,февраля,марта,апреля,мая,июня,'
                    'июля,августа,сентября,октября,ноября,декабря}'::text[])[extract(month FROM day)],
                   extract(year FROM day))
               ELSE format('%s %s %s', extract(day FROM day),
                   ('{January,February,March,April,May,June,'
                    'July,August,September,October,November,December}'::text[])[extract(month FROM day)],
                   extract(year FROM day)) END
     WHERE day IS NOT NULL;
END;
COMMENT ON FUNCTION page_date(date, text) IS 'a day written out: 31 березня 2026 р., 31 марта 2026 г., 31 March 2026';

CREATE FUNCTION page_days(first_day date, last_day date, language text, beside date DEFAULT NULL) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(CASE language
               WHEN 'en' THEN concat_ws(' ', extract(day FROM d.day)::text,
                   ('{Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec}'::text[])[extract(month FROM d.day)],
                   CASE WHEN d.year_known THEN NULL ELSE extract(year FROM d.day)::text END)
               ELSE lpad(extract(day FROM d.day)::text, 2, '0') || '.' || lpad(extract(month FROM d.day)::text, 2, '0')
                    || CASE WHEN d.year_known THEN '' ELSE '.' || extract(year FROM d.day)::text END END, ' – '
                        ORDER BY d.no)
      FROM (SELECT v.no, v.day, coalesce(extract(year FROM first_day) = extract(year FROM beside)
                                         AND extract(year FROM last_day) = extract(year
                                             FROM beside), false) AS year_known
              FROM (VALUES (1, first_day), (2, nullif(last_day, first_day))) AS v (no, day)) d
     WHERE d.day IS NOT NULL;
END;
COMMENT ON FUNCTION page_days(date, date, text, date) IS
    'a day or a range of days in short: 01.03.2026 – 31.03.2026, 1 Mar 2026 – 31 Mar 2026; the year is left out where '
    'both days are in that of beside';

CREATE FUNCTION page_percent(percent numeric, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT page_number(percent, scale(trim_scale(percent)), language) || CASE language WHEN 'en' THEN '%'
           ELSE U&'\00A0%' END;
END;
COMMENT ON FUNCTION page_percent(numeric, text) IS 'a percentage as a language writes it: 20% in en, 20 % in uk and ru';

CREATE FUNCTION page_party(party bigint, language text) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH known (key, no, in_bank) AS (
        VALUES ('tax_id', 1, false), ('reg_no', 2, false), ('kpp', 3, false), ('vat_no', 4, false),
        ('address', 5, false),
               ('phone', 11, false), ('email', 12, false), ('website', 13, false),
               ('iban', 21, true), ('account', 22, true), ('bank', 23, true), ('bic', 24, true),
               ('correspondent_account', 25, true)
    ), said AS (
        SELECT p.email, jsonb_build_object('name', coalesce(p.legal_name, p.name))
                        || CASE WHEN p.tax_id IS NULL THEN '{}'
                            ELSE jsonb_build_object('tax_id', p.tax_id) END || p.requisites
                        || CASE jsonb_typeof(p.requisites -> page_party.language)
                            WHEN 'object' THEN p.requisites -> page_party.language ELSE '{}' END AS requisites
          FROM party p WHERE p.id = page_party.party
    ), requisite AS (
        SELECT coalesce(b.label, e.key) AS name, e.value, coalesce(k.no, 10) AS no,
               coalesce(k.in_bank, false) AS in_bank, e.key
          FROM said s
         CROSS JOIN LATERAL (
            SELECT r.key, s.requisites ->> r.key AS value FROM jsonb_each(s.requisites) r
             WHERE jsonb_typeof(r.value) IN ('string', 'number')
               AND r.key NOT IN ('language', 'name', 'signatory', 'signatory_title')) e
          LEFT JOIN known k ON k.key = e.key
          LEFT JOIN page_label b ON b.language = page_party.language AND b.name = 'requisite_' || e.key
         WHERE e.value <> ''
    )
    SELECT jsonb_build_object(
        'name', coalesce(p.requisites ->> 'name', ''), 'address', p.requisites ->> 'address', 'tax_id',
        p.requisites ->> 'tax_id',
        'email', coalesce(p.requisites ->> 'email', p.email), 'signatory', p.requisites ->> 'signatory',
        'signatory_title', p.requisites ->> 'signatory_title',
        'requisites', coalesce((SELECT jsonb_agg(jsonb_build_object('name', r.name, 'value', r.value)
                                                 ORDER BY r.no, r.key)
                                  FROM requisite r WHERE NOT r.in_bank), '[]'),
        'bank', coalesce((SELECT jsonb_agg(jsonb_build_object('name', r.name, 'value', r.value) ORDER BY r.no)
                            FROM requisite r WHERE r.in_bank), '[]'))
      FROM (SELECT) one LEFT JOIN said p ON true;
END;
COMMENT ON FUNCTION page_party(bigint, text) IS
    'a party as pages print it: the name, what identifies it (requisites) and its bank details. Keys of '
    'party.requisites: reg_no, kpp, vat_no, address, phone, email, website, iban, account, bank, bic, '
    'correspondent_account under the label of the language, any other under its own name; name the one on pages, '
    'signatory and signatory_title who signs, language the language of its pages; an object under uk, ru or en says it '
    'in that language';

CREATE FUNCTION page_rows(document bigint, language text, label jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH head AS (
        SELECT currency_exponent(d.currency) AS exponent, CASE d.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS side,
               coalesce(d.period_to, d.issued_on, books_today()) AS beside
          FROM document d WHERE d.id = page_rows.document
    ), "row" AS MATERIALIZED (
        SELECT r.*, row_number() OVER (ORDER BY r.position) AS no FROM document_rows(page_rows.document) r
    ), grp AS (
        SELECT r.project, min(r.position) AS first, sum(r.worked_s) AS worked_s, sum(r.billed_s) AS billed_s,
               sum(r.amount) AS amount,
               jsonb_agg(jsonb_build_object(
                   'no', r.no,
                   'title', coalesce(page_date(iso_date(r.title), language), r.title),
                   'url', r.url,
                   'days', CASE WHEN iso_date(r.title) IS NULL THEN page_days(r.first_day, r.last_day, language,
                       h.beside) END,
                   'unit', coalesce(label ->> ('unit_' || r.unit), r.unit),
                   'quantity',
                   page_number(r.quantity * h.side, greatest(scale(trim_scale(r.quantity)), CASE r.unit
                                                             WHEN 'h' THEN 2 ELSE 0 END), language),
                   'price', page_number(r.price, greatest(scale(trim_scale(r.price)), h.exponent), language),
                   'discount', page_percent(nullif(r.discount_pct, 0), language),
                   'hours_worked', page_number(r.hours_worked * h.side, 2, language), 'hours_billed',
                   page_number(r.hours_billed * h.side, 2, language),
                   'amount', page_number(r.amount * h.side, h.exponent, language),
                   'net', page_number(r.net * h.side, h.exponent, language),
                   'tax_rate', coalesce(page_percent(r.tax_rate, language), label ->> 'tax_none'),
                   'tax', page_number(r.tax * h.side, h.exponent, language), 'gross',
                   page_number(r.gross * h.side, h.exponent, language),
                   'free', r.coverage IS NOT NULL, 'coverage', label ->> ('coverage_' || r.coverage))
                       ORDER BY r.no) AS rows
          FROM "row" r CROSS JOIN head h
         GROUP BY r.project
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'title', coalesce(g.project, label ->> 'rest'), 'hours_worked',
               page_number(g.worked_s * h.side / 3600.0, 2, language),
               'hours_billed', page_number(g.billed_s * h.side / 3600.0, 2, language), 'amount',
               page_number(g.amount * h.side, h.exponent, language),
               'rows', g.rows) ORDER BY g.first), '[]')
      FROM grp g CROSS JOIN head h;
END;
COMMENT ON FUNCTION page_rows(bigint, text, jsonb) IS
    'the positions of a document in groups by project, written for a language';

CREATE FUNCTION page_totals(document bigint, language text, label jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH head AS (
        SELECT d.id, d.currency, d.tax_inclusive, currency_exponent(d.currency) AS exponent, CASE d.kind
               WHEN 'credit_note' THEN -1 ELSE 1 END AS side,
               coalesce(label ->> ('currency_' || d.currency), d.currency) AS currency_name
          FROM document d WHERE d.id = page_totals.document
    ), "row" AS MATERIALIZED (
        SELECT r.* FROM document_rows(page_totals.document) r
    ), rate AS (
        SELECT r.tax_rate, sum(r.net) AS net, sum(r.tax) AS tax FROM "row" r WHERE r.tax_rate IS NOT NULL GROUP BY 1
    ), total AS (
        SELECT coalesce(sum(r.worked_s), 0) AS worked_s, coalesce(sum(r.billed_s), 0) AS billed_s,
               coalesce(sum(r.amount), 0) AS amount,
               coalesce(sum(r.discount), 0) AS discount, coalesce(sum(r.net), 0) AS net,
               coalesce(sum(r.tax), 0) AS tax, coalesce(sum(r.gross), 0) AS gross,
               count(r.tax_rate) AS taxed
          FROM "row" r
    )
    SELECT jsonb_build_object(
        'hours_worked', page_number(t.worked_s * h.side / 3600.0, 2, language), 'hours_billed',
        page_number(t.billed_s * h.side / 3600.0, 2, language),
        'amount', page_number(t.amount * h.side, h.exponent, language),
        'discount', page_number(nullif(-t.discount * h.side, 0), h.exponent, language),
        'net', page_number(t.net * h.side, h.exponent, language), 'tax',
        page_number(t.tax * h.side, h.exponent, language),
        'gross', page_number(t.gross * h.side, h.exponent, language),
        'gross_money', CASE language WHEN 'en' THEN h.currency_name || U&'\00A0' || page_number(t.gross * h.side,
            h.exponent, language)
                                     ELSE page_number(t.gross * h.side, h.exponent,
                                                      language) || U&'\00A0' || h.currency_name END,
        'words', amount_in_words(t.gross * h.side, h.currency, language),
        'taxed', t.taxed > 0, 'tax_free', t.taxed = 0, 'inclusive', h.tax_inclusive,
        'taxes', coalesce((SELECT jsonb_agg(jsonb_build_object(
                'name', format('%s %s', CASE WHEN h.tax_inclusive THEN label ->> 'tax_included'
                               ELSE label ->> 'tax' END, page_percent(r.tax_rate, language)),
                'base', page_number(r.net * h.side, h.exponent, language), 'amount',
                page_number(r.tax * h.side, h.exponent, language)) ORDER BY r.tax_rate DESC)
              FROM rate r), '[]'),
        'paid', page_number(nullif(b.allocated, 0), h.exponent, language), 'credited',
        page_number(nullif(b.credited, 0), h.exponent, language),
        'open', CASE WHEN b.open > 0 AND b.open < b.gross THEN page_number(b.open, h.exponent, language) END)
      FROM total t CROSS JOIN head h LEFT JOIN document_balance b ON b.document_id = h.id;
END;
COMMENT ON FUNCTION page_totals(bigint, text, jsonb) IS
    'the sums of a document, written for a language: hours, amount before and discount of the document, net, tax by '
    'rate, gross, in words, paid and open; credit notes with their signs turned';
-- ---------------------------------------------------------------------------
-- page: documents as pages and tables
--
-- document_rows() gives the positions of a paper to the last digit: prices with
-- all their decimals, hours in seconds too, so that sums are rounded once.  The
-- page, the data that templates are filled with and the CSV are made of these,
-- and document_sheet() has the same rows in the types that dashboards want.
-- It is PL/pgSQL because that keeps its plan: a page asks for the rows thrice.
-- ---------------------------------------------------------------------------

CREATE FUNCTION page_language(document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((SELECT w.language
                       FROM (VALUES (1, d.party_id), (2, coalesce(d.own_id, default_own()))) AS x (no, party_id)
                       JOIN party p ON p.id = x.party_id
                      CROSS JOIN LATERAL (SELECT p.requisites ->> 'language') AS w (language)
                      WHERE w.language IN ('uk', 'ru', 'en') ORDER BY x.no LIMIT 1), 'en')
      FROM document d WHERE d.id = page_language.document;
END;
COMMENT ON FUNCTION page_language(bigint) IS
    'the language of a document''s page, uk, ru or en: requisites ->> ''language'' of the party, else of the own '
    'company, else English';

CREATE FUNCTION page_heading(kind text, number text, issued_on date, language text, label jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws(' ', label ->> kind, CASE
                     WHEN number IS NOT NULL THEN (label ->> 'numero') || U&'\00A0' || number END,
                     CASE WHEN issued_on IS NOT NULL THEN (label ->> 'dated') || ' ' || page_days(issued_on,
                         issued_on, language) END);
END;
COMMENT ON FUNCTION page_heading(text, text, date, text, jsonb) IS
    'what a page calls a document: kind, number and date';

CREATE FUNCTION document_data(document bigint, language text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_kind document_kind;
    v_shown_as text;
    v_language text;
    v_label jsonb;
    v_own bigint;
    v_brand brand;
    v_party jsonb;
    v_groups jsonb;
    v_data jsonb;
BEGIN
    v_document := document_of(document_data.document);
    IF v_document.incoming THEN
        RAISE EXCEPTION '% came from outside and has no page of ours', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Its file_url says where the other side''s paper is.';
    END IF;
    v_language := coalesce(document_data.language, page_language(v_document.id));
    IF v_language NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'pages have no language "%"', v_language
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose one of: uk, ru, en.';
    END IF;
    SELECT * INTO v_kind FROM document_kind k WHERE k.kind = v_document.kind;
    v_shown_as := (state_of(v_document)).shown_as;
    v_label := page_labels(v_language);
    v_own := coalesce(v_document.own_id, default_own());
    SELECT * INTO v_brand FROM brand b WHERE b.own_id = v_own;
    v_party := page_party(v_own, v_language);
    v_groups := page_rows(v_document.id, v_language, v_label);

    v_data := jsonb_build_object(
        'label', v_label, 'language', v_language, 'kind', v_document.kind, 'heading', v_label ->> v_document.kind,
        'number', v_document.number, 'number_line', (v_label ->> 'numero') || chr(160) || v_document.number,
        'page_title', concat_ws(' ', page_heading(v_document.kind, v_document.number, NULL, v_language, v_label)),
        'title', v_document.title, 'date', page_date(v_document.issued_on, v_language), 'due',
        page_date(v_document.due_on, v_language),
        'period', page_days(v_document.period_from, v_document.period_to, v_language),
        'contract', (SELECT c.number FROM contract c WHERE c.id = v_document.contract_id),
        'project', (SELECT p.name FROM project p WHERE p.id = v_document.project_id),
        'task', (SELECT concat_ws(' ', t.number, t.title) FROM task t
                 WHERE t.id = v_document.task_id AND 'specification' IN (v_kind.kind, v_kind.page)),
        'basis', (SELECT page_heading(b.kind, coalesce(b.number, b.outside_number), b.issued_on, v_language, v_label)
                  FROM document b WHERE b.id = v_document.based_on),
        'status', CASE v_shown_as WHEN 'status' THEN v_label ->> ('status_' || v_document.status) END,
        'mark', CASE v_shown_as WHEN 'mark' THEN v_label ->> ('status_' || v_document.status) END,
        'currency', coalesce(v_label ->> ('currency_' || v_document.currency), v_document.currency),
        'requirements', v_document.requirements, 'note', v_document.note,
        'meaning', v_label ->> ('meaning_' || v_document.meaning),
        'gross_label', v_label ->> CASE WHEN v_kind.asks_payment THEN 'gross_due'
                                        WHEN v_kind.kind = 'credit_note' THEN 'gross_credited' ELSE 'gross' END,
        'brand', jsonb_build_object('name', coalesce(v_brand.name, (SELECT p.name FROM party p
                                                                    WHERE p.id = v_own), ''), 'logo', v_brand.logo,
            'accent', coalesce(v_brand.accent, '#1f5673'), 'ink', coalesce(v_brand.ink, '#1d252c'), 'footer',
            v_brand.footer),
        'own', v_party, 'client', page_party(v_document.party_id, v_language), 'groups', v_groups);
    RETURN v_data || jsonb_build_object(
        'totals', page_totals(v_document.id, v_language, v_label),
        'show', (SELECT jsonb_build_object('groups', jsonb_array_length(v_groups) > 1, 'hours',
                                           coalesce(bool_or(r.worked_s <> 0 OR r.billed_s <> 0), false),
                        'quantity', coalesce(bool_or(r.quantity IS NOT NULL), false), 'discount',
                        coalesce(bool_or(r.discount_pct <> 0), false),
                        'tax_rate', count(DISTINCT coalesce(r.tax_rate, -1)) > 1)
                   FROM document_rows(v_document.id) r),
        'payment', CASE WHEN v_kind.asks_payment AND jsonb_array_length(v_party -> 'bank') > 0
                        THEN jsonb_build_object('beneficiary', v_party ->> 'name', 'requisites', v_party -> 'bank',
                            'purpose', CASE WHEN v_document.number IS NOT NULL THEN
                                page_heading('purpose_' || v_document.kind, v_document.number, v_document.issued_on,
                                             v_language, v_label) END) END,
        'signature', CASE WHEN v_document.sign_status = 'signed'
                          THEN jsonb_build_object('by', v_document.sign_by, 'on',
                                                  page_date((v_document.sign_at AT TIME ZONE s.zone)::date, v_language),
                            'image', 'data:' || v_document.signature_type || ';base64,'
                                || translate(encode(v_document.signature, 'base64'), chr(10), '')) END)
      FROM setting s;
END $$;
COMMENT ON FUNCTION document_data(bigint, text) IS
    'all that the page of a document says, as text written for the language (NULL: page_language()): what templates '
    'name, see page_sample(). Refused: unknown document (23503), language (22023), what came from outside (23001)';
SELECT allow('reader', 'execute', 'document_data');

CREATE FUNCTION document_html(document bigint, language text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_data jsonb := document_data(document_html.document, document_html.language);
    v_kinds text[] := (SELECT ARRAY[k.kind, k.page] FROM document_kind k WHERE k.kind = v_data ->> 'kind');
    v_body text;
BEGIN
    SELECT t.body INTO v_body
      FROM template t, document d
     WHERE d.id = document_html.document AND t.kind = ANY (v_kinds)
       AND (t.own_id IS NULL OR t.own_id = coalesce(d.own_id, default_own()))
       AND (t.language IS NULL OR t.language = v_data ->> 'language')
     ORDER BY t.own_id IS NULL, array_position(v_kinds, t.kind), t.language IS NULL
     LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has no template', document_name(document_html.document)
            USING ERRCODE = 'foreign_key_violation', HINT = format('Add a row of kind %s to table template; '
                                                                   'page_sample() shows what it can name.',
                                                                   v_data ->> 'kind');
    END IF;
    RETURN render(v_body, v_data);
END $$;
COMMENT ON FUNCTION document_html(bigint, text) IS
    'a document as one complete HTML page: branded, every value escaped, nothing loaded from elsewhere, made to be '
    'printed on A4. Refused as document_data() is, and where no template is stored for its kind (23503)';
SELECT allow('reader', 'execute', 'document_html');
-- ---------------------------------------------------------------------------
-- table: documents as CSV, and pages for a REST gateway
-- ---------------------------------------------------------------------------

CREATE FUNCTION csv_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(CASE WHEN v.value ~ '[",\r\n]|^\s|\s$' THEN '"' || replace(v.value, '"', '""') || '"'
                    ELSE v.value END, '')
      FROM (SELECT CASE WHEN value ~ '^\s*[-=+@\t\r\uFF1D\uFF0B\uFF0D\uFF20]' THEN '''' || value
            ELSE value END AS value) v;
END;
COMMENT ON FUNCTION csv_text(text) IS
    'a cell of text for CSV (RFC 4180), quoted where it must be; what a spreadsheet would run as a formula gets an '
    'apostrophe before it';

CREATE FUNCTION document_csv(document bigint, bom boolean DEFAULT true) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_exponent int;
BEGIN
    v_document := document_of(document_csv.document);
    v_exponent := currency_exponent(v_document.currency);
    RETURN CASE WHEN bom THEN chr(65279) ELSE '' END
        || 'document,number,date,position,project,title,url,first_day,last_day,coverage,unit,quantity,price,'
           'discount_pct,hours_worked,hours_billed,'
           'amount,discount,net,tax_rate,tax,gross,currency' || chr(13) || chr(10)
        || coalesce((
        SELECT string_agg(concat_ws(',', v_document.kind,
                                    csv_text(coalesce(v_document.number, v_document.outside_number)),
                                    coalesce(iso(v_document.issued_on), ''),
                   r.position::text, csv_text(r.project), csv_text(r.title), csv_text(r.url),
                   coalesce(iso(r.first_day), ''), coalesce(iso(r.last_day), ''),
                   coalesce(r.coverage, ''), csv_text(r.unit), coalesce(trim_scale(r.quantity)::text, ''),
                   coalesce(trim_scale(r.price)::text, ''),
                   coalesce(trim_scale(r.discount_pct)::text, ''), coalesce(r.hours_worked::text, ''),
                   coalesce(r.hours_billed::text, ''),
                   round(r.amount, v_exponent)::text, coalesce(round(r.discount, v_exponent)::text, ''),
                   round(r.net, v_exponent)::text,
                   coalesce(trim_scale(r.tax_rate)::text, ''), round(r.tax, v_exponent)::text,
                   round(r.gross, v_exponent)::text, v_document.currency)
               || chr(13) || chr(10), '' ORDER BY r.position)
          FROM document_rows(v_document.id) r), '');
END $$;
COMMENT ON FUNCTION document_csv(bigint, boolean) IS
    'the positions of a document as CSV (RFC 4180, CRLF, UTF-8, a header line): numbers with a point and no spaces, '
    'days as YYYY-MM-DD; a byte order mark first, by which spreadsheets know UTF-8, unless bom is false. Texts that '
    'begin like a formula get an apostrophe. Unknown documents are refused (23503)';
SELECT allow('reader', 'execute', 'document_csv');

CREATE FUNCTION document_page(document bigint, language text DEFAULT NULL) RETURNS "text/html"
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT document_html(document_page.document, document_page.language)::"text/html";
END;
COMMENT ON FUNCTION document_page(bigint, text) IS 'document_html() under its media type';
SELECT allow('reader', 'execute', 'document_page');

CREATE FUNCTION document_table(document bigint) RETURNS "text/csv"
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT document_csv(document_table.document)::"text/csv";
END;
COMMENT ON FUNCTION document_table(bigint) IS 'document_csv() under its media type';
SELECT allow('reader', 'execute', 'document_table');
-- ---------------------------------------------------------------------------
-- shared: the page that a link shows
-- ---------------------------------------------------------------------------

-- What a link shows that shows no document, or one that holds no more.  Its page
-- is no template: nothing that is configured can break it.
CREATE FUNCTION notice_page(language text, heading text, number_line text, says text, hint text) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT render($html$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; $html$
        || $html$base-uri 'none'; form-action 'none'">
<title>{{heading}}</title>
<style>
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans",
      sans-serif; color: #1d252c; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #e9edf0; }
h1, p { margin: 0; }
.page { width: 210mm; max-width: 100%; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); }
.top { padding-bottom: 7mm; border-bottom: 1.2pt solid #1f5673; overflow-wrap: anywhere; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: #66717b; }
.says { padding-top: 7mm; font-size: 11.5pt; font-weight: 600; }
.hint { padding-top: 2mm; color: #66717b; }
@page { size: A4; margin: 14mm 15mm 16mm; }
@media print { body { background: none; } .page { width: auto; margin: 0; padding: 0; box-shadow: none; } }
@media screen and (max-width: 720px) { .page { margin: 0; padding: 6mm 5mm; min-height: 100vh; } }
</style>
</head>
<body>
<main class="page">
<header class="top">
  <h1>{{heading}}</h1>
  {{#number_line}}
  <p class="number">{{number_line}}</p>
  {{/number_line}}
</header>
<p class="says">{{says}}</p>
<p class="hint">{{hint}}</p>
</main>
</body>
</html>
$html$, jsonb_build_object('language', language, 'heading', heading, 'number_line', number_line, 'says', says,
                           'hint', hint));
END;
COMMENT ON FUNCTION notice_page(text, text, text, text, text) IS
    'a whole HTML page in the look of documents that says one thing: heading, number_line below it (NULL: none), what '
    'it says and what can be done';

CREATE FUNCTION visitor_language(language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(visitor_language.language,
        (SELECT l.language
           FROM regexp_split_to_table(lower(left(nullif(current_setting('request.headers', true),
                                                        '')::jsonb ->> 'accept-language', 200)), '[,;[:space:]]+')
                WITH ORDINALITY AS a (range, no)
           JOIN (VALUES ('uk'), ('ru'), ('en')) AS l (language) ON a.range = l.language
               OR a.range LIKE l.language || '-%'
          ORDER BY a.no LIMIT 1),
        'en');
END;
COMMENT ON FUNCTION visitor_language(text) IS
    'the language for a visitor of whom nothing is known: the one asked for, else the first of uk, ru, en that the '
    'browser names (Accept-Language, where a gateway passes it), else English';

CREATE FUNCTION shared_page(token text, language text DEFAULT NULL) RETURNS "text/html"
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_language text;
    v_label jsonb;
BEGIN
    IF shared_page.language NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'pages have no language "%"', left(shared_page.language, 20)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose one of: uk, ru, en.';
    END IF;
    IF current_setting('request.method', true) <> '' THEN
        PERFORM set_config('response.headers', '[{"Cache-Control": "private, no-store"}, {"Referrer-Policy": '
                                               '"no-referrer"}]', true);
    END IF;
    SELECT d.* INTO v_document FROM open_link(shared_page.token) l JOIN document d ON d.id = l.document_id;
    IF v_document.id IS NULL THEN
        PERFORM answer_status(404);
        v_language := visitor_language(shared_page.language);
        v_label := page_labels(v_language);
        RETURN notice_page(v_language, v_label ->> 'link_invalid', NULL, v_label ->> 'link_invalid_says',
                           v_label ->> 'link_invalid_hint');
    END IF;
    IF (state_of(v_document)).withdrawn THEN
        v_language := coalesce(shared_page.language, page_language(v_document.id));
        v_label := page_labels(v_language);
        RETURN notice_page(v_language, page_heading(v_document.kind, v_document.number, v_document.issued_on,
                                                    v_language, v_label),
                           v_label ->> ('status_' || v_document.status), v_label ->> (v_document.status || '_says'),
                           v_label ->> (v_document.status || '_hint'));
    END IF;
    RETURN document_html(v_document.id, shared_page.language);
END $$;
COMMENT ON FUNCTION shared_page(text, text) IS
    'the page of what the link with this token opens. Where the link is unknown, expired or revoked, all alike, a page '
    'that says so, through a gateway with status 404; where the document is void or superseded a page that says so in '
    'place of its figures. Refused: other languages than uk, ru, en (22023). SECURITY DEFINER: a visitor reaches this '
    'document and nothing else';
SELECT allow('guest', 'execute', 'shared_page');
-- ---------------------------------------------------------------------------
-- page: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'page_label'), allow('admin', 'insert,update,delete', 'page_label');
SELECT allow('reader', 'select', 'brand'), allow('admin', 'insert,update,delete', 'brand');
SELECT watch('brand', 'digest:logo');
SELECT allow('reader', 'select', 'template'), allow('admin', 'insert,update,delete', 'template');

-- those that come with the books are nobody's edit
SELECT watch('template', 'digest:body');
SELECT watch('page_label');
-- ---------------------------------------------------------------------------
-- notify: what people are told
--
-- document_status_change is the log of all that happens to documents: what is
-- told of them is told from there.
-- ---------------------------------------------------------------------------

CREATE FUNCTION notify(p_kind text, p_subject text, p_document bigint, p_recipient bigint, p_message text,
                       p_payload jsonb) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO notification (kind, recipient_id, party_id, contract_id, document_id, message, payload, dedupe_key)
    SELECT p_kind, coalesce(p_recipient, c.manager_id, p.manager_id), d.party_id, d.contract_id, d.id, p_message,
        p_payload, p_subject
      FROM document d
      JOIN party p ON p.id = d.party_id
      LEFT JOIN contract c ON c.id = d.contract_id
     WHERE d.id = p_document;
END;
COMMENT ON FUNCTION notify(text, text, bigint, bigint, text, jsonb) IS
    'queue a notice of a kind about a document: for one person, or for who looks after its contract or client; '
    'p_subject makes it unique';

CREATE FUNCTION withdraw_notice(p_kind text, p_document bigint) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM notification n WHERE n.document_id = p_document AND n.kind = p_kind AND n.delivered_at IS NULL;
END;
COMMENT ON FUNCTION withdraw_notice(text, bigint) IS 'take back what is not true any more, where nobody was told yet';

CREATE FUNCTION tell_steps() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM withdraw_notice('invoice_paid', d.id)
       FROM new_rows n JOIN document d ON d.id = n.document_id
      WHERE d.kind = 'invoice' AND n.from_status = 'paid' AND n.to_status <> 'archived';
    PERFORM notify('invoice_paid',
                   format('document:%s:paid:%s', d.id, (SELECT count(*) FROM document_status_change s
                                                         WHERE s.document_id = d.id AND s.to_status = 'paid')),
                   d.id, NULL, format('%s has paid invoice %s: %s %s', p.name, d.number, m.gross, d.currency),
                   jsonb_build_object('document', d.id, 'number', d.number, 'client', p.id, 'client_name', p.name,
                                      'gross', m.gross::text, 'currency', d.currency, 'report', d.based_on))
       FROM new_rows n
       JOIN document d ON d.id = n.document_id
       JOIN party p ON p.id = d.party_id
      CROSS JOIN LATERAL (SELECT round(d.gross, currency_exponent(d.currency)) AS gross) m
      WHERE d.kind = 'invoice' AND n.to_status = 'paid';
    RETURN NULL;
END $$;
COMMENT ON FUNCTION tell_steps() IS
    'trigger function of document_status_change: the manager is told that an invoice is paid, and not told when it is '
    'not true any more; SECURITY DEFINER because nobody is granted INSERT on notices';
-- ---------------------------------------------------------------------------
-- notice: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('clerk', 'select', 'notification'), allow('clerk', 'update', 'notification', columns => '{delivered_at}');
-- ---------------------------------------------------------------------------
-- figures: views over the ledger and the charges that are not posted yet
--
-- Money columns are numeric(18,2) in the currency named beside them, or in the
-- base currency of the books; hours are numeric(18,2), rounded here only.
-- ---------------------------------------------------------------------------

-- Of the owner: balances are for those who may not see the entries, of which some
-- are the cost of one person's hour.  The row policies of entries and charges bind.
CREATE VIEW ledger_entry AS
    SELECT e.id AS entry_id, e.entry_on, e.debit_id, e.credit_id, e.amount, e.currency, e.base_amount, e.article_id,
           e.own_id, e.client_id, e.party_id, e.contract_id, e.project_id, e.deal_id, e.task_id, e.employee_id,
           e.direction_id, e.work_type_id, e.charge_id, e.payment_id, true AS posted
      FROM visible_entry e
    UNION ALL
    SELECT NULL, greatest(h.entry_on, (SELECT posting_day())), h.debit_id, h.credit_id, h.amount, h.currency,
           h.base_amount, h.article_id, h.own_id, h.client_id, h.party_id, h.contract_id, h.project_id, h.deal_id,
           h.task_id, h.employee_id, h.direction_id, h.work_type_id, h.charge_id, h.payment_id, false
      FROM charge_posting h
     WHERE NOT h.posted;
COMMENT ON VIEW ledger_entry IS
    'the live ledger: posted entries, and the entries that provisional charges will make, on the days on which they '
    'would be posted now';
SELECT allow('controller', 'select', 'ledger_entry');

CREATE VIEW ledger_line AS
    SELECT l.entry_id, l.entry_on, a.id AS account_id, a.code AS account, a.name AS account_name, a.kind, a.line,
           x.section AS pnl_section, s.side, (s.sign * l.amount)::numeric(20,6) AS amount, l.currency,
           (s.sign * l.base_amount)::numeric(20,6) AS base_amount, l.article_id, l.own_id, l.client_id, l.party_id,
           l.contract_id, l.project_id, l.deal_id, l.task_id, l.employee_id, l.direction_id, l.work_type_id,
           l.charge_id, l.payment_id, l.posted
      FROM ledger_entry l
     CROSS JOIN (VALUES ('debit', 1::numeric), ('credit', -1)) AS s (side, sign)
      JOIN account a ON a.id = CASE s.side WHEN 'debit' THEN l.debit_id ELSE l.credit_id END
      LEFT JOIN line_section x ON x.line = a.line;
COMMENT ON VIEW ledger_line IS
    'the live ledger by account: debits positive, credits negative, and the other way round in a reversal; base_amount '
    'in the base currency';
SELECT allow('controller', 'select', 'ledger_line');

CREATE VIEW account_balance WITH (security_barrier) AS
    SELECT l.account, l.account_name, l.kind, l.currency,
           coalesce(sum(l.amount) FILTER (WHERE l.side = 'debit'), 0)::numeric(18,2) AS debit,
           coalesce(-sum(l.amount) FILTER (WHERE l.side = 'credit'), 0)::numeric(18,2) AS credit,
           sum(l.amount)::numeric(18,2) AS balance,
           coalesce(sum(l.amount) FILTER (WHERE l.posted), 0)::numeric(18,2) AS posted_balance,
           sum(l.base_amount)::numeric(18,2) AS base_balance
      FROM ledger_line l
     GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW account_balance IS
    'balance of every account and currency, debit positive; a reversal reduces the side that it takes back; '
    'posted_balance leaves the provisional charges out; base_balance in the base currency';
SELECT allow('reader', 'select', 'account_balance');
-- ---------------------------------------------------------------------------
-- contract figures: charged, received, spent, left
-- ---------------------------------------------------------------------------

CREATE VIEW direct_account WITH (security_invoker) AS
    SELECT a.id FROM account a JOIN line_section x ON x.line = a.line WHERE x.section = 'direct';
COMMENT ON VIEW direct_account IS 'the accounts of direct cost';
SELECT allow('reader', 'select', 'direct_account');

-- What the calendar will make of the periods that are begun and not closed: a
-- subscription is no loss in the middle of its month.
CREATE FUNCTION expected_amount(p_contract bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_base contract := base_contract(p_contract);
    v_until date := least(contract_today(v_base), v_base.ends_on);
    v_span daterange := (open_period(v_base)).span;
    v_fees numeric;
    v_total numeric := 0;
BEGIN
    WHILE v_base.status <> 'draft' AND lower(v_span) <= v_until LOOP
        v_fees := coalesce((
            SELECT sum(d.amount) FROM due_fees(v_base.id, v_span) d
             WHERE d.contract_id = p_contract
               AND NOT EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.source = 'fee'
                               AND h.line_period = lower(v_span) AND h.reverses_id IS NULL)), 0);
        v_total := v_total + v_fees + coalesce((
            SELECT greatest(m.due - m.work - v_fees, 0) - m.raised FROM due_minimum(v_base.id, v_span) m
             WHERE m.contract_id = p_contract), 0);
        v_span := service_period(v_base, upper(v_span));
    END LOOP;
    RETURN v_total;
END $$;
COMMENT ON FUNCTION expected_amount(bigint) IS
    'what the open periods of a contract will bring beside what is charged: fees that are due and what lacks to a '
    'minimum charge, from the first period that is not closed to that of today; in the currency of the contract';

CREATE FUNCTION expected_seconds(p_contract bigint) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT sum(d.amount)
      FROM contract c
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
     CROSS JOIN LATERAL (SELECT service_period(b, contract_today(b)) AS span) p
     CROSS JOIN LATERAL due_grants(b.id, p.span) d
     WHERE c.id = p_contract AND c.status <> 'draft' AND d.contract_id = c.id AND d.unit = 'seconds'
       AND d.effective_at <= now() AND d.expires_at > now()
       AND NOT EXISTS (SELECT FROM billing_period q WHERE q.contract_id = b.id AND q.period_end >= upper(p.span))
       AND NOT EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = d.line_id AND a.kind = 'included'
                       AND a.period_start = d.period_start);
END;
COMMENT ON FUNCTION expected_seconds(bigint) IS
    'included hours that the calendar gives a contract now and that no work needed yet, in seconds; NULL for none';

-- Of the owner, because it sums costs that its reader may not see one by one.
CREATE VIEW contract_figure WITH (security_barrier) AS
    SELECT c.id AS contract_id, coalesce(p.receipts, 0)::numeric(20,6) AS receipts,
           coalesce(h.charged, 0)::numeric(20,6) AS charged, coalesce(h.worked_s, 0)::bigint AS worked_s,
           coalesce(h.billed_s, 0)::bigint AS billed_s,
           CASE WHEN num_nonnulls(a.remaining_s, x.seconds) > 0
                THEN coalesce(a.remaining_s, 0) + coalesce(x.seconds, 0) END::numeric(20,6) AS remaining_s,
           (coalesce(h.cost, 0) + coalesce(d.cost, 0))::numeric(20,6) AS cost, h.uncosted + d.uncosted AS uncosted,
           x.amount::numeric(20,6) AS expected,
           round_money(coalesce(p.tax, 0), currency_exponent(c.currency))::numeric(20,6) AS receipts_tax,
           (coalesce(i.tax, 0) + CASE WHEN c.tax_inclusive THEN 0
                ELSE round_money((coalesce(h.charged, 0) - coalesce(i.net, 0)) * coalesce(c.tax_rate, 0) / 100,
                                 currency_exponent(c.currency)) END)::numeric(20,6) AS tax
      FROM visible_contract c
     CROSS JOIN setting s
     CROSS JOIN LATERAL (SELECT expected_amount(c.id) AS amount, expected_seconds(c.id) AS seconds) x
      LEFT JOIN LATERAL (
        -- of what is not matched, the tax is that of the contract
        SELECT sum(y.sign * p.amount) AS receipts,
               sum(y.sign * (coalesce(u.tax, 0) + (p.amount - coalesce(u.used, 0)) * y.rate / (100 + y.rate))) AS tax
          FROM visible_payment p
          JOIN settling_article a ON a.article = p.article
         CROSS JOIN LATERAL (SELECT CASE p.flow WHEN 'in' THEN 1 ELSE -1 END AS sign,
                                    coalesce(c.tax_rate, 0) AS rate) y
         CROSS JOIN LATERAL (SELECT sum(u.used) AS used, sum(u.used * d.tax / nullif(d.gross, 0)) AS tax
                               FROM payment_use u JOIN document d ON d.id = u.document_id
                              WHERE u.payment_id = p.id) u
         WHERE p.contract_id = c.id AND p.status = 'posted') p ON true
      LEFT JOIN LATERAL (
        -- what invoices took over, and their tax
        SELECT sum(e.amount) FILTER (WHERE e.credit_id = r.unbilled) AS net,
               sum(e.amount) FILTER (WHERE e.credit_id = r.tax) AS tax
          FROM visible_entry e JOIN role_account r ON r.receivable = e.debit_id
         WHERE e.contract_id = c.id AND e.document_id IS NOT NULL AND e.charge_id IS NULL) i ON true
      LEFT JOIN LATERAL (
        SELECT sum(h.amount) AS charged, sum(h.worked_s) AS worked_s, sum(h.billed_s) AS billed_s, sum(h.cost) AS cost,
               count(*) FILTER (WHERE h.uncosted AND h.cost IS NULL) AS uncosted
          FROM visible_charge h WHERE h.contract_id = c.id) h ON true
      LEFT JOIN LATERAL (
        -- An expense without a rate to the contract's currency and its reversal are nothing together; in the base
        -- currency it is what it was posted with.
        SELECT sum(x.amount) AS cost, coalesce(sum(x.sign) FILTER (WHERE x.amount IS NULL), 0)::bigint AS uncosted
          FROM (SELECT CASE e.debit_id WHEN a.id THEN 1 ELSE -1 END
                       * CASE c.currency WHEN s.base_currency THEN e.base_amount
                              ELSE round_money(e.amount * exchange_rate_on(e.currency, c.currency, e.entry_on),
                                               currency_exponent(c.currency)) END AS amount, sign(e.amount) AS sign
                  FROM visible_entry e JOIN direct_account a ON a.id IN (e.debit_id, e.credit_id)
                 WHERE e.contract_id = c.id AND e.charge_id IS NULL) x) d ON true
      LEFT JOIN LATERAL (
        SELECT sum(a.amount - coalesce((SELECT sum(b.burned) FROM charge b WHERE b.allotment_id = a.id),
               0)) AS remaining_s
          FROM allotment a
         WHERE a.contract_id = c.id AND a.unit = 'seconds' AND a.voided_at IS NULL
           AND a.effective_at <= now() AND (a.expires_at IS NULL OR a.expires_at > now())) a ON true;
COMMENT ON VIEW contract_figure IS
    'what contracts come to, in their currency and in seconds, for contract_card; cost as far as it is known, uncosted '
    'how many charges and direct expenses have none in that currency (data_gaps); within the row policies of contract, '
    'charge, payment and entry';
SELECT allow('reader', 'select', 'contract_figure');

CREATE VIEW contract_card WITH (security_invoker) AS
    SELECT c.id AS contract_id, c.number, c.client_id, k.name AS client, c.model, c.status, c.starts_on, c.ends_on,
           c.currency, f.receipts::numeric(18,2) AS receipts, f.charged::numeric(18,2) AS charged,
           (f.receipts - f.charged - f.tax)::numeric(18,2) AS balance,
           (f.worked_s / 3600.0)::numeric(18,2) AS hours_worked,
           (f.billed_s / 3600.0)::numeric(18,2) AS hours_billed,
           (f.remaining_s / 3600.0)::numeric(18,2) AS hours_left,
           f.cost::numeric(18,2) AS cost,
           p.cash::numeric(18,2) AS profit_cash,
           p.accrual::numeric(18,2) AS profit_accrual,
           (100 * p.cash / nullif(f.receipts - f.receipts_tax, 0))::numeric(18,2) AS margin_cash_pct,
           (100 * p.accrual / nullif(f.charged, 0))::numeric(18,2) AS margin_pct,
           f.uncosted AS uncosted_charges, f.expected::numeric(18,2) AS expected, f.tax::numeric(18,2) AS tax,
           (f.receipts - f.receipts_tax)::numeric(18,2) AS receipts_net
      FROM contract c
      JOIN party k ON k.id = c.client_id
      JOIN contract_figure f ON f.contract_id = c.id
     CROSS JOIN LATERAL (SELECT CASE f.uncosted WHEN 0 THEN f.receipts - f.receipts_tax - f.cost END AS cash,
                                CASE f.uncosted WHEN 0 THEN f.charged - f.cost END AS accrual) p;
COMMENT ON VIEW contract_card IS
    'every contract at this moment, in its currency: receipts with their tax and without (receipts_net), work charged, '
    'net, its tax, what the open periods will bring beside (expected: fees and minimum charges, net), balance with tax '
    '(receipts - charged - tax), hours, what is left of prepaid and included '
    'hours, cost of labour and of direct expenses as far as it is known, profit by cash (receipts_net - cost) and by '
    'accrual (charged - cost), both margins in percent (NULL without a base); where uncosted_charges, of its expenses '
    'too, have no known cost, profits and margins are NULL (data_gaps)';
SELECT allow('reader', 'select', 'contract_card');

CREATE VIEW loss_making_contract WITH (security_invoker) AS
    SELECT * FROM contract_card
     WHERE receipts_net < cost AND (charged + expected < cost OR receipts_net > 0 AND charged + expected = 0);
COMMENT ON VIEW loss_making_contract IS
    'contracts whose cost exceeds what came in and what was or will be charged for the periods begun, by what is known '
    'of it: the unknown only adds';
SELECT allow('reader', 'select', 'loss_making_contract');
-- ---------------------------------------------------------------------------
-- profit by anything: the money of the ledger, the hours of the charges
--
-- Revenue and cost are the ledger's, so that profit by whatever comes to what the
-- P&L says; hours are no money, so they come from the charges.  A cost that is not
-- known is in neither: it is counted, and what has such a one has no profit.
-- ---------------------------------------------------------------------------

CREATE VIEW gross_effect WITH (security_invoker) AS
    WITH side AS (
        SELECT a.id, coalesce(x.section = 'revenue', false)::int AS revenue,
               coalesce(x.section = 'direct', false)::int AS cost
          FROM account a LEFT JOIN line_section x ON x.line = a.line
    )
    SELECT d.id AS debit_id, c.id AS credit_id, (c.revenue - d.revenue)::numeric(1) AS revenue,
           (d.cost - c.cost)::numeric(1) AS cost
      FROM side d CROSS JOIN side c WHERE 1 IN (d.revenue, d.cost, c.revenue, c.cost);
COMMENT ON VIEW gross_effect IS
    'what a transfer from one account to another does to revenue and to direct cost: 1 adds its amount, -1 takes it '
    'away; transfers that do neither have no row';
SELECT allow('reader', 'select', 'gross_effect');

-- Of the owner: profit is summed from the costs of people, which only controllers see.
-- Both halves have the same types to the letter: then only the columns asked for are computed.
CREATE VIEW fact WITH (security_barrier) AS
    SELECT l.entry_on AS fact_on, l.own_id, l.client_id, l.contract_id, l.project_id, l.deal_id, l.task_id,
           l.employee_id, l.direction_id, l.work_type_id, (g.revenue * l.base_amount)::numeric(20,6) AS revenue,
           (g.cost * l.base_amount)::numeric(20,6) AS cost, 0::bigint AS worked_s, 0::bigint AS billed_s,
           false AS uncosted
      FROM ledger_entry l
      JOIN gross_effect g USING (debit_id, credit_id)
    UNION ALL
    SELECT h.service_date, h.own_id, h.client_id, h.contract_id, h.project_id, h.deal_id, h.task_id, h.employee_id,
           h.direction_id, h.work_type_id, 0::numeric(20,6), CASE WHEN NOT h.uncosted THEN 0 END::numeric(20,6),
           h.worked_s, h.billed_s, h.uncosted
      FROM visible_charge h;
COMMENT ON VIEW fact IS
    'gross profit with its dimensions, in the base currency, for any grouping: a row for each entry of the live ledger '
    'that is revenue or direct cost, on its day there, and one for each charge with its seconds on the day of the '
    'work; uncosted: what that charge cost is not known, cost is NULL';
SELECT allow('reader', 'select', 'fact', but => '{cost,uncosted}'), allow('controller', 'select', 'fact');

-- One view for each dimension, all alike.  They belong to the owner, because costs
-- are not for all who see profits; the dimension's row policies bind: what they
-- hide has no row.  A task or a person is too little to sum over: there the cost of
-- an hour would show.  Entries are summed by pair of accounts before accounts are
-- looked at, which is less than half the work.
DO $$
DECLARE
    c_dimensions CONSTANT text[] := '{client,contract,project,deal,task,employee,direction,work_type}';
    v_dimension text;
BEGIN
    FOREACH v_dimension IN ARRAY c_dimensions LOOP
        EXECUTE format($views$
            CREATE OR REPLACE VIEW seen_%1$s_label WITH (security_invoker) AS SELECT id, %3$I AS label FROM %2$I;
            COMMENT ON VIEW seen_%1$s_label IS 'what the row policies of whoever asks let through, with its name';

            CREATE OR REPLACE VIEW profit_by_%1$s WITH (security_barrier) AS
                SELECT m.id AS %1$s_id, d.label AS %1$s, revenue(m.margin)::numeric(18,2) AS revenue,
                       cost(m.margin)::numeric(18,2) AS cost, profit(m.margin)::numeric(18,2) AS profit,
                       (100 * profit(m.margin) / nullif(revenue(m.margin), 0))::numeric(18,2) AS margin_pct,
                       (seconds(m.margin) / 3600.0)::numeric(18,2) AS hours,
                       (m.billed_s / 3600.0)::numeric(18,2) AS hours_billed,
                       (3600 * revenue(m.margin) / nullif(seconds(m.margin), 0))::numeric(18,2) AS hourly_rate,
                       currency(m.margin) AS currency, uncosted(m.margin) AS uncosted
                  FROM (SELECT x.id, margin_merge(x.margin) AS margin, sum(x.billed_s) AS billed_s
                          FROM (SELECT l.id, 0::numeric AS billed_s,
                                       margin_sum(g.revenue * l.amount, g.cost * l.amount, 0, s.base_currency) AS margin
                                  FROM (SELECT e.%1$s_id AS id, e.debit_id, e.credit_id, sum(e.base_amount) AS amount
                                          FROM ledger_entry e GROUP BY 1, 2, 3) l
                                  JOIN gross_effect g USING (debit_id, credit_id)
                                 CROSS JOIN setting s
                                 GROUP BY l.id
                                UNION ALL
                                SELECT h.%1$s_id, sum(h.billed_s),
                                       margin_sum(0, CASE WHEN NOT h.uncosted THEN 0 END, h.worked_s,
                                                  (SELECT s.base_currency FROM setting s))
                                  FROM visible_charge h
                                 GROUP BY 1) x
                         GROUP BY x.id) m
                  LEFT JOIN seen_%1$s_label d ON d.id = m.id
                 WHERE m.id IS NULL OR d.id IS NOT NULL;
            COMMENT ON VIEW profit_by_%1$s IS %4$L$views$,
            v_dimension, CASE v_dimension WHEN 'client' THEN 'party' ELSE v_dimension END,
            CASE v_dimension WHEN 'contract' THEN 'number' WHEN 'task' THEN 'title' ELSE 'name' END,
            format('revenue, cost and profit by %s in the base currency, as the ledger has them, hours worked and '
                   'billed; profit and margin_pct are NULL where uncosted of its charges have a cost that is not '
                   'known (data_gaps); the row without one holds what names none', replace(v_dimension, '_', ' ')));
        PERFORM allow(CASE WHEN v_dimension IN ('task', 'employee') THEN 'controller' ELSE 'reader' END, 'select',
                      'profit_by_' || v_dimension);
    END LOOP;

    EXECUTE 'CREATE OR REPLACE VIEW profit_by WITH (security_invoker) AS ' || (
        SELECT string_agg(format('SELECT %1$L AS dimension, p.%2$I AS id, p.%1$I AS name, p.revenue, p.cost, p.profit, '
                                 'p.margin_pct, p.hours, p.hours_billed, p.hourly_rate, p.currency, p.uncosted '
                                 'FROM %3$I p', d.d, d.d || '_id', 'profit_by_' || d.d), ' UNION ALL ' ORDER BY d.no)
          FROM unnest(c_dimensions) WITH ORDINALITY d (d, no));
END $$;
COMMENT ON VIEW profit_by IS
    'the profit_by_ views together, with the dimension as a column: asked for one, only that one is summed';
SELECT allow('controller', 'select', 'profit_by');
-- ---------------------------------------------------------------------------
-- estimate: what was thought, and what became of it
-- ---------------------------------------------------------------------------

-- Of the owner, because it sums costs that its reader may not see one by one.
CREATE VIEW task_estimate WITH (security_barrier) AS
    SELECT t.id AS task_id, t.number, t.title AS task, t.status, t.project_id, p.client_id, t.deal_id, t.deal_stage_id,
           (t.estimate_s / 3600.0)::numeric(18,2) AS hours_estimated,
           (coalesce(h.worked_s, 0) / 3600.0)::numeric(18,2) AS hours_worked,
           ((t.estimate_s - coalesce(h.worked_s, 0)) / 3600.0)::numeric(18,2) AS hours_left,
           round(100.0 * coalesce(h.worked_s, 0) / nullif(t.estimate_s, 0), 2)::numeric(18,2) AS estimate_used_pct,
           i.agreed::numeric(18,2) AS agreed, coalesce(h.charged, 0)::numeric(18,2) AS charged,
           s.base_currency AS currency
      FROM task t
      JOIN project p ON p.id = t.project_id
     CROSS JOIN setting s
      LEFT JOIN (SELECT h.task_id, sum(h.worked_s) AS worked_s, sum(h.base_amount) AS charged FROM visible_charge h
                  GROUP BY 1) h ON h.task_id = t.id
      LEFT JOIN (SELECT i.task_id, sum(coalesce(i.amount, i.quantity * i.price)) AS agreed FROM task_item i
                  GROUP BY 1) i ON i.task_id = t.id
     WHERE t.id IN (SELECT d.id FROM seen_task_label d)
       AND (t.estimate_s IS NOT NULL OR i.agreed IS NOT NULL OR h.task_id IS NOT NULL);
COMMENT ON VIEW task_estimate IS
    'tasks by what was estimated and what became of it: hours estimated, worked (all that was logged and rated) and '
    'left (below zero: over), how much of the estimate is used; agreed: what it is sold for, in the currency of the '
    'agreement; charged in the base currency';
SELECT allow('reader', 'select', 'task_estimate');

CREATE VIEW stage_estimate WITH (security_invoker) AS
    SELECT g.id AS deal_stage_id, g.deal_id, d.name AS deal, g.position, g.name AS stage, g.starts_on, g.ends_on,
           count(t.task_id) AS tasks, count(t.task_id) FILTER (WHERE t.status = 'done') AS tasks_done,
           sum(t.hours_estimated)::numeric(18,2) AS hours_estimated, sum(t.hours_worked)::numeric(18,2) AS hours_worked,
           sum(t.hours_left)::numeric(18,2) AS hours_left,
           round(100 * sum(t.hours_worked) FILTER (WHERE t.hours_estimated > 0) / nullif(sum(t.hours_estimated), 0), 2)
               ::numeric(18,2) AS estimate_used_pct,
           max(n.fees)::numeric(18,2) AS fees, sum(t.charged)::numeric(18,2) AS charged
      FROM deal_stage g
      JOIN deal d ON d.id = g.deal_id
      LEFT JOIN task_estimate t ON t.deal_stage_id = g.id
      LEFT JOIN (SELECT n.deal_stage_id, sum(n.amount) AS fees FROM contract_line n WHERE n.status <> 'cancelled'
                  GROUP BY 1) n ON n.deal_stage_id = g.id
     GROUP BY g.id, d.name;
COMMENT ON VIEW stage_estimate IS
    'stages of deals by their tasks (task.deal_stage_id): hours estimated, worked and left, how much of the estimates '
    'is used by the tasks that have one; fees: of the contract lines of the stage, charged: of its tasks';
SELECT allow('reader', 'select', 'stage_estimate');
-- ---------------------------------------------------------------------------
-- waiting: work that waits
-- ---------------------------------------------------------------------------

CREATE VIEW unbilled WITH (security_invoker) AS
    SELECT h.id AS charge_id, h.client_id, k.name AS client, h.contract_id, c.number AS contract, h.project_id,
           p.name AS project, h.task_id, t.title AS task, h.employee_id, m.name AS employee, h.source, h.service_date,
           h.period_start, h.coverage,
           (h.worked_s / 3600.0)::numeric(18,2) AS hours_worked, (h.billed_s / 3600.0)::numeric(18,2) AS hours_billed,
           h.amount::numeric(18,2) AS amount, h.currency, h.base_amount::numeric(18,2) AS base_amount, h.late,
           l.claimed_by AS document_id, d.kind AS document_kind, d.number AS document_number,
           d.status AS document_status
      FROM charge h
      JOIN charge_place l ON l.charge_id = h.id
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id
      LEFT JOIN project p ON p.id = h.project_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN employee m ON m.id = h.employee_id
      LEFT JOIN document d ON d.id = l.claimed_by
     WHERE h.coverage = 'billable' AND h.amount <> 0 AND l.place IN ('unbilled', 'reported');
COMMENT ON VIEW unbilled IS
    'charges that no issued invoice has yet; document_… the report or draft invoice that keeps them meanwhile, NULL '
    'when they can go on a new one';
SELECT allow('reader', 'select', 'unbilled');

CREATE VIEW billing_cycle WITH (security_invoker) AS
    SELECT m.client_id, k.name AS client, m.month, m.currency,
           CASE WHEN m.counting THEN 'counting'
                WHEN m.to_invoice <> 0 THEN 'invoicing'
                WHEN m.to_pay > 0 THEN 'payment' ELSE 'done' END AS stage,
           CASE WHEN m.to_report <> 0 THEN CASE WHEN m.no_report THEN 'us: invoice the work'
                                                WHEN m.any_report THEN 'us: report the work'
                                                ELSE 'us: report or invoice the work' END
                WHEN m.in_draft <> 0 THEN 'us: send the draft'
                WHEN m.with_client <> 0 THEN 'client: answer the report'
                WHEN m.to_invoice <> 0 THEN 'us: issue the invoice'
                WHEN m.overdue > 0 THEN 'client: pay, overdue'
                WHEN m.to_pay > 0 THEN 'client: pay' END AS waits_for,
           m.to_report::numeric(18,2) AS to_report, m.in_draft::numeric(18,2) AS in_draft,
           m.with_client::numeric(18,2) AS with_client, m.to_invoice::numeric(18,2) AS to_invoice,
           m.billed::numeric(18,2) AS billed, m.to_pay::numeric(18,2) AS to_pay, m.overdue::numeric(18,2) AS overdue,
           m.paid::numeric(18,2) AS paid
      FROM (SELECT x.*, x.to_report <> 0 OR x.in_draft <> 0 OR x.with_client <> 0 AS counting
              FROM (SELECT h.client_id, month(h.period_start) AS month, h.currency,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'unbilled'), 0) AS to_report,
                           coalesce(bool_and(k.auto_bill = 'invoice') FILTER (WHERE l.place = 'unbilled'),
                           false) AS no_report,
                           coalesce(bool_or(k.auto_bill = 'report') FILTER (WHERE l.place = 'unbilled'),
                           false) AS any_report,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND s.draft), 0) AS in_draft,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND s.holds), 0) AS with_client,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND NOT s.draft AND NOT s.holds),
                           0) AS to_invoice,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'billed'), 0) AS billed,
                           coalesce(sum(y.gross - y.paid), 0) AS to_pay,
                           coalesce(sum(y.gross - y.paid) FILTER (WHERE i.due_on < books_today()), 0) AS overdue,
                           coalesce(sum(y.paid), 0) AS paid
                      FROM charge h
                      JOIN charge_place l ON l.charge_id = h.id
                      LEFT JOIN contract k ON k.id = h.contract_id
                      LEFT JOIN document d ON d.id = l.claimed_by
                      LEFT JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
                      LEFT JOIN document_line n ON n.charge_id = h.id AND n.kind = 'invoice' AND n.released_at IS NULL
                      LEFT JOIN document i ON i.id = n.document_id
                      LEFT JOIN line_payment y ON y.line_id = n.id
                     WHERE h.coverage = 'billable' AND h.amount <> 0
                     GROUP BY 1, 2, 3) x) m
      JOIN party k ON k.id = m.client_id;
COMMENT ON VIEW billing_cycle IS
    'the monthly cycle of every client: counting (to_report, in_draft, with_client) → invoicing (to_invoice) → payment '
    '(to_pay, of that overdue), and who has to do what next (contracts with auto_bill invoice want no report); month '
    'of the service period; to_report … billed net, to_pay … paid gross, in currency';
SELECT allow('reader', 'select', 'billing_cycle');

CREATE VIEW late_entry WITH (security_invoker) AS
    SELECT h.id AS charge_id, h.time_entry_id, h.client_id, k.name AS client, h.contract_id, c.number AS contract,
           c.late_policy, h.task_id, t.title AS task, h.employee_id, m.name AS employee, h.service_date,
           h.period_start AS billed_in, h.late AS after_close, coalesce(y.paid, false) AS task_is_paid, l.place,
           (h.worked_s / 3600.0)::numeric(18,2) AS hours_worked, h.amount::numeric(18,2) AS amount, h.currency
      FROM charge h
      JOIN charge_place l ON l.charge_id = h.id AND l.place <> 'cancelled'
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN employee m ON m.id = h.employee_id
      LEFT JOIN (SELECT t.task_id, t.currency, t.billed_gross > 0 AND t.paid_gross = t.billed_gross AS paid
                   FROM task_payment t) y ON y.task_id = h.task_id AND y.currency = h.currency
     WHERE h.reverses_id IS NULL
       AND (h.late AND h.made_by IN ('rating', 'line')
            OR h.source = 'time' AND y.paid AND l.place IN ('unbilled', 'no_charge'));
COMMENT ON VIEW late_entry IS
    'work and fees that came late: for a service period that was closed (after_close; billed in the later period '
    'billed_in), or on a task whose billed work is all paid; it is new work to be billed, by the contract''s '
    'late_policy';
SELECT allow('reader', 'select', 'late_entry');
-- ---------------------------------------------------------------------------
-- gap: what makes the figures incomplete, or doubtful
--
-- What is pointed out costs what is open, however old the books are: work that
-- is not billed yet, days on which no rate was fresh, charges without a cost.
-- ---------------------------------------------------------------------------

CREATE VIEW unbilled_entry WITH (security_invoker) AS
    SELECT h.time_entry_id FROM charge h WHERE h.time_entry_id IS NOT NULL AND NOT h.committed
    UNION ALL
    SELECT r.time_entry_id FROM rating_problem r;
COMMENT ON VIEW unbilled_entry IS
    'the time entries of which no document or closed period has all, a row for each part of them';
SELECT allow('reader', 'select', 'unbilled_entry');

-- ---------------------------------------------------------------------------
-- one person's time
-- ---------------------------------------------------------------------------

-- Of those that began before it, the one that ends last: so of each entry that
-- shares its time there is a row, and a night in one scan.
CREATE VIEW overlapping_entry WITH (security_invoker) AS
    SELECT e.id AS time_entry_id, e.employee_id, m.name AS employee, e.task_id, t.title AS task, e.started_at,
           e.ended_at, o.id AS other_entry_id, o.task_id AS other_task_id, u.title AS other_task,
           o.started_at AS other_started_at, o.ended_at AS other_ended_at,
           (extract(epoch FROM least(e.ended_at, o.ended_at) - e.started_at) / 3600.0)::numeric(18,2) AS hours_twice
      FROM (SELECT e.id, e.employee_id, e.task_id, e.started_at, e.ended_at,
                   -- in microseconds, with its id
                   max(ARRAY[(extract(epoch FROM e.ended_at) * 1000000)::bigint, e.id])
                       OVER (PARTITION BY e.employee_id ORDER BY e.started_at,
                       e.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS longest
              FROM time_entry e WHERE e.ended_at > e.started_at) e
      JOIN time_entry o ON o.id = e.longest[2]
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN task u ON u.id = o.task_id
     WHERE e.longest[1] > (extract(epoch FROM e.started_at) * 1000000)::bigint;
COMMENT ON VIEW overlapping_entry IS
    'work by the clock that one person logged twice: an entry that begins while another one of the same employee, '
    'other_…, is under way; hours_twice is what the two share. It is rated like any other; who logged it corrects it';
SELECT allow('reader', 'select', 'overlapping_entry');

-- What is not billed says of whom to look, and from when on: an index gives it in order.
CREATE VIEW doubled_time WITH (security_invoker) AS
    WITH person AS MATERIALIZED (
        SELECT u.employee_id, coalesce(m.zone, (SELECT s.zone FROM setting s)) AS zone, u.since - l.longest AS since
          FROM (SELECT u.employee_id, min(u.started_at) AS since
                  FROM (SELECT h.employee_id, h.started_at FROM charge h
                         WHERE h.time_entry_id IS NOT NULL AND NOT h.committed
                        UNION ALL
                        SELECT e.employee_id, e.started_at
                          FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id) u
                 GROUP BY 1) u
          JOIN employee m ON m.id = u.employee_id
         CROSS JOIN (SELECT ((SELECT s.max_entry_s FROM setting s) + 86400) * interval '1 second' AS longest) l
    ), twice AS MATERIALIZED (
        SELECT f.employee_id, f.zone, x.id, x.started_at, x.ended_at, x.longest[2] AS other_id,
               to_timestamp(x.longest[1] / 1000000.0) AS until
          FROM person f
         CROSS JOIN LATERAL (
            SELECT e.id, e.started_at, e.ended_at,
                   max(ARRAY[(extract(epoch FROM e.ended_at) * 1000000)::bigint, e.id])
                       OVER (ORDER BY e.started_at, e.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS longest
              FROM time_entry e
             WHERE e.employee_id = f.employee_id AND e.started_at >= f.since AND e.ended_at > e.started_at) x
         WHERE x.longest[1] > (extract(epoch FROM x.started_at) * 1000000)::bigint
    )
    SELECT t.employee_id, (t.started_at AT TIME ZONE t.zone)::date AS on_day,
           sum(extract(epoch FROM least(t.ended_at, t.until) - t.started_at))::bigint AS doubled_s, count(*) AS times
      FROM twice t
     WHERE t.id IN (SELECT u.time_entry_id FROM unbilled_entry u)
        OR t.other_id IN (SELECT u.time_entry_id FROM unbilled_entry u)
     GROUP BY 1, 2;
COMMENT ON VIEW doubled_time IS
    'seconds of a person that were logged twice by the clock, by day, where not all of it is billed; overlapping_entry '
    'has the entries';
SELECT allow('reader', 'select', 'doubled_time');

-- Hours that are logged without a clock overlap nothing, but a day has only so many.
CREATE VIEW overfull_day WITH (security_invoker) AS
    WITH unbilled AS MATERIALIZED (
        SELECT h.employee_id, h.service_date AS on_day
          FROM charge h JOIN time_entry e ON e.id = h.time_entry_id AND e.duration_s IS NOT NULL
         WHERE h.time_entry_id IS NOT NULL AND NOT h.committed
        UNION
        SELECT e.employee_id, coalesce(e.work_date, (e.started_at AT TIME ZONE coalesce(m.zone, (
                   SELECT s.zone FROM setting s)))::date)
          FROM rating_problem r
          JOIN time_entry e ON e.id = r.time_entry_id AND e.duration_s IS NOT NULL
          JOIN employee m ON m.id = e.employee_id
    ), person AS MATERIALIZED (
        SELECT u.employee_id, coalesce(m.zone, (SELECT s.zone FROM setting s)) AS zone, u.since
          FROM (SELECT u.employee_id, min(u.on_day) AS since FROM unbilled u GROUP BY 1) u
          JOIN employee m ON m.id = u.employee_id
    )
    SELECT d.employee_id, d.on_day, (d.seconds - l.day_s)::bigint AS excess_s, d.times
      FROM (SELECT f.employee_id, f.zone, w.on_day, round(sum(w.seconds)) AS seconds, count(*) AS times
              FROM person f
             CROSS JOIN LATERAL (
                SELECT e.work_date AS on_day, e.worked_s::numeric AS seconds FROM time_entry e
                 WHERE e.employee_id = f.employee_id AND e.started_at IS NULL AND e.work_date >= f.since
                UNION ALL
                -- what runs over midnight, as far as it is of the day
                SELECT d.on_day,
                       e.worked_s * coalesce(extract(epoch FROM least(e.ended_at, d.ends)
                                                                - greatest(e.started_at, d.begins))
                                             / nullif(extract(epoch FROM e.ended_at - e.started_at), 0), 1)
                  FROM time_entry e
                 CROSS JOIN LATERAL (
                    SELECT x.day::date AS on_day, x.day AT TIME ZONE f.zone AS begins,
                           (x.day + interval '1 day') AT TIME ZONE f.zone AS ends
                      FROM (SELECT date_trunc('day', e.started_at AT TIME ZONE f.zone) + n * interval '1 day' AS day
                              FROM unnest('{0,1}'::int[]) n) x) d
                 WHERE e.employee_id = f.employee_id
                   AND e.started_at >= (f.since - 2)::timestamp AT TIME ZONE f.zone
                   AND (e.ended_at > d.begins OR e.ended_at = e.started_at AND e.started_at >= d.begins)) w
             GROUP BY 1, 2, 3) d
      JOIN unbilled u ON u.employee_id = d.employee_id AND u.on_day = d.on_day
     CROSS JOIN LATERAL (
        SELECT greatest(extract(epoch FROM (d.on_day + 1)::timestamp AT TIME ZONE d.zone
                                           - d.on_day::timestamp AT TIME ZONE d.zone),
                        (SELECT s.max_entry_s FROM setting s WHERE s.max_entry_s > 86400)) AS day_s) l
     WHERE d.seconds > l.day_s;
COMMENT ON VIEW overfull_day IS
    'seconds of a person that are more than a day has by the clocks of his zone (or an entry may have, where that is '
    'more), with hours that were logged without a clock and are not billed, and how many entries it has';
SELECT allow('reader', 'select', 'overfull_day');

-- ---------------------------------------------------------------------------
-- rates of exchange
-- ---------------------------------------------------------------------------

-- The days on which a rate that is too old was the last one: where there are none,
-- no fact is looked at.
CREATE VIEW old_rate WITH (security_invoker) AS
    WITH known AS MATERIALIZED (
        SELECT r.base, r.quote, r.valid_from, r.base = (SELECT s.base_currency FROM setting s) AS opposite
          FROM exchange_rate r
         WHERE (SELECT s.base_currency FROM setting s) IN (r.base, r.quote)
    )
    SELECT k.base, k.quote, k.valid_from, CASE WHEN k.opposite THEN k.quote ELSE k.base END AS currency, k.old_from,
           k.old_until
      FROM (SELECT k.*, k.valid_from + (SELECT s.max_rate_age_days FROM setting s) + 1 AS old_from,
                   -- an opposite rate counts until the pair has one of its own
                   coalesce(least(lead(k.valid_from) OVER (PARTITION BY k.base, k.quote ORDER BY k.valid_from),
                                  CASE WHEN k.opposite
                                       THEN (SELECT min(d.valid_from) FROM known d
                                              WHERE (d.base, d.quote) = (k.quote, k.base)) END), 'infinity')
                       AS old_until
              FROM known k) k
     WHERE k.old_from < k.old_until;
COMMENT ON VIEW old_rate IS
    'the days, from old_from to before old_until, on which a currency becomes the base currency at a rate that is '
    'older than setting.max_rate_age_days';
SELECT allow('reader', 'select', 'old_rate');

CREATE VIEW seen_time WITH (security_invoker) AS
    SELECT id, employee_id, started_at, work_date FROM time_entry;
COMMENT ON VIEW seen_time IS 'the time entries that the row policies of whoever asks let through';

-- Of the owner: what is counted is not for all to see one by one.
CREATE VIEW use_of_old_rate WITH (security_barrier) AS
    WITH old AS MATERIALIZED (
        SELECT * FROM old_rate
    ), rated AS MATERIALIZED (
        SELECT r.employee_id, r.role, r.currency, r.hourly_cost, r.valid_from,
               lead(r.valid_from, 1, 'infinity') OVER (PARTITION BY r.employee_id, r.role
                                                       ORDER BY r.valid_from) AS valid_until
          FROM cost_rate r
    ), paid AS MATERIALIZED (
        -- from when on to before when people cost in a currency, by rates of their own, else of their role
        SELECT m.id AS employee_id, coalesce(m.zone, (SELECT s.zone FROM setting s)) AS zone, v.currency, v.valid_from,
               v.valid_until
          FROM rated v JOIN employee m ON m.id = v.employee_id WHERE v.hourly_cost IS NOT NULL
        UNION ALL
        SELECT m.id, coalesce(m.zone, (SELECT s.zone FROM setting s)), v.currency, v.valid_from, v.valid_until
          FROM rated v JOIN employee m ON m.role = v.role
         WHERE v.employee_id IS NULL AND v.hourly_cost IS NOT NULL
           AND NOT EXISTS (SELECT FROM cost_rate w WHERE w.employee_id = m.id)
    )
    SELECT o.base, o.quote, o.valid_from, o.currency, min(f.on_day) AS since, max(f.on_day) AS last_day,
           count(*) AS times
      FROM old o
     CROSS JOIN LATERAL (
        SELECT h.service_date AS on_day
          FROM contract c
          JOIN visible_charge h ON h.contract_id = c.id
         WHERE c.currency = o.currency AND h.service_date >= o.old_from AND h.service_date < o.old_until
           AND h.started_at >= o.old_from - 2 AND h.started_at < o.old_until + 2
           AND h.reverses_id IS NULL AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
        UNION ALL
        SELECT e.entry_on
          FROM account a
          JOIN visible_entry e ON e.debit_id = a.id
         WHERE e.entry_on >= o.old_from AND e.entry_on < o.old_until AND e.charge_id IS NULL
           AND e.currency = o.currency
        UNION ALL
        SELECT (e.started_at AT TIME ZONE p.zone)::date
          FROM paid p
          JOIN seen_time e ON e.employee_id = p.employee_id
         WHERE p.currency = o.currency
           AND e.started_at >= greatest(o.old_from, p.valid_from)::timestamp AT TIME ZONE p.zone
           AND e.started_at < least(o.old_until, p.valid_until)::timestamp AT TIME ZONE p.zone
        UNION ALL
        SELECT e.work_date
          FROM paid p
          JOIN seen_time e ON e.employee_id = p.employee_id
         WHERE p.currency = o.currency AND e.started_at IS NULL
           AND e.work_date >= greatest(o.old_from, p.valid_from)
           AND e.work_date < least(o.old_until, p.valid_until)) f
     GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW use_of_old_rate IS
    'how many charges, costs of work and postings were converted to the base currency at a rate that was older than '
    'setting.max_rate_age_days, since when and until when';
SELECT allow('reader', 'select', 'use_of_old_rate');

-- ---------------------------------------------------------------------------
-- all of it
-- ---------------------------------------------------------------------------

-- Of the owner: it looks for costs that are not known.
CREATE VIEW data_gaps WITH (security_barrier) AS
    SELECT g.gap, g.employee_id, m.name AS employee, g.since, (g.seconds / 3600.0)::numeric(18,2) AS hours, g.item_id,
           i.name AS item, g.contract_id, c.number AS contract, g.currency, g.times, g.detail, w.way_out
      FROM (SELECT CASE WHEN r.currency IS NULL THEN 'charge without cost rate'
                        WHEN exchange_rate_on(r.currency, s.base_currency, h.service_date) IS NULL
                        THEN 'cost without exchange rate'
                        ELSE 'cost that waits for correction' END AS gap,
                   h.employee_id, NULL::bigint AS item_id, NULL::bigint AS contract_id, NULL::text AS currency,
                   min(h.service_date) AS since, sum(h.seconds)::bigint AS seconds, sum(h.times)::bigint AS times,
                   NULL::text AS detail
              FROM (SELECT h.employee_id, h.role, h.service_date, sum(h.worked_s) AS seconds, count(*) AS times
                      FROM visible_charge h
                     WHERE h.uncosted AND h.source = 'time'
                     GROUP BY 1, 2, 3) h
             CROSS JOIN setting s
              -- as cost_rate_on() does, which a reader may not call
              LEFT JOIN LATERAL (SELECT v.currency FROM cost_rate v
                                  WHERE v.valid_from <= h.service_date
                                    AND (v.employee_id = h.employee_id OR v.employee_id IS NULL AND v.role = h.role)
                                  ORDER BY v.employee_id, v.valid_from DESC LIMIT 1) r ON true
             GROUP BY 1, 2
            UNION ALL
            SELECT CASE WHEN h.item_id IS NOT NULL THEN 'item without cost' ELSE 'charge without cost' END,
                   NULL, h.item_id, CASE WHEN h.item_id IS NULL THEN h.contract_id END, NULL, min(h.service_date), 0,
                   count(*), NULL
              FROM visible_charge h
             WHERE h.uncosted AND h.source <> 'time'
             GROUP BY 1, 3, 4
            UNION ALL
            SELECT 'expense without exchange rate', NULL, NULL, e.contract_id, NULL, min(e.entry_on), NULL,
                   sum(sign(e.amount))::bigint, NULL
              FROM visible_entry e
              JOIN direct_account a ON a.id IN (e.debit_id, e.credit_id)
              JOIN contract c ON c.id = e.contract_id AND c.currency <> e.currency
              JOIN setting s ON s.base_currency <> c.currency
             WHERE e.charge_id IS NULL AND exchange_rate_on(e.currency, c.currency, e.entry_on) IS NULL
             GROUP BY e.contract_id HAVING sum(sign(e.amount)) <> 0
            UNION ALL
            SELECT 'old exchange rate', NULL, NULL, NULL, o.currency, o.since, NULL, o.times,
                   format('%s to %s of %s, %s days old on %s', o.base, o.quote, iso(o.valid_from),
                          o.last_day - o.valid_from, iso(o.last_day))
              FROM use_of_old_rate o
            UNION ALL
            SELECT 'overlapping time', t.employee_id, NULL, NULL, NULL, t.on_day, t.doubled_s, t.times, NULL
              FROM doubled_time t
            UNION ALL
            SELECT 'overfull day', t.employee_id, NULL, NULL, NULL, t.on_day, t.excess_s, t.times, NULL
              FROM overfull_day t) g
      JOIN (VALUES ('charge without cost rate',
                    'Add a row to cost_rate, valid from that day or earlier: open work follows, what is billed is '
                    'corrected when its contract closes a period, or by make_corrections().'),
                   ('cost that waits for correction', 'Call make_corrections(), or close the next period.'),
                   ('cost without exchange rate',
                    'Add the rate from the currency of the cost to table exchange_rate, valid from that day or '
                    'earlier.'),
                   ('item without cost',
                    'Give the item a cost in its price list: what is billed is corrected when its contract closes a '
                    'period, or by make_corrections().'),
                   ('charge without cost', 'Give the cost of what was charged.'),
                   ('expense without exchange rate',
                    'Add the rate to table exchange_rate, valid from that day or earlier.'),
                   ('old exchange rate',
                    'Add the rates of those days to table exchange_rate, or raise max_rate_age_days in table setting.'),
                   ('overlapping time',
                    'View overlapping_entry has the entries: correct or delete what was logged twice.'),
                   ('overfull day', 'Correct what was logged on that day: it has more hours than the clock.'))
        AS w (gap, way_out) USING (gap)
      LEFT JOIN employee m ON m.id = g.employee_id
      LEFT JOIN item i ON i.id = g.item_id
      LEFT JOIN contract c ON c.id = g.contract_id;
COMMENT ON VIEW data_gaps IS
    'what makes the figures incomplete or doubtful, a row for whom or what it is about: hours of employees without a '
    'cost rate, items and other charges without a cost, costs and expenses without a rate of exchange, rates that were '
    'older than setting.max_rate_age_days, and of unbilled work the days on which a person logged time twice (hours: '
    'what was logged twice) or more of it than the day has (hours: too many); since when, how often, and the way out';
SELECT allow('reader', 'select', 'data_gaps');
-- ---------------------------------------------------------------------------
-- profit and loss: of the owner, for those who may not see the entries
-- ---------------------------------------------------------------------------

-- Summed by pair of accounts before accounts are looked at: that is few rows.
CREATE VIEW pnl_article_month WITH (security_barrier) AS
    SELECT x.month, x.section, x.article, x.article_name, (n.sign * x.balance)::numeric(18,2) AS amount,
           s.base_currency AS currency, x.line
      FROM (SELECT t.month, p.section, a.code AS article, a.name AS article_name, a.line, sum(b.amount) AS balance
              FROM (SELECT month(l.entry_on) AS month, l.debit_id, l.credit_id, sum(l.base_amount) AS amount
                      FROM ledger_entry l GROUP BY 1, 2, 3) t
             CROSS JOIN LATERAL (VALUES (t.debit_id, t.amount), (t.credit_id, -t.amount)) AS b (account_id, amount)
              JOIN account a ON a.id = b.account_id
              JOIN line_section p ON p.line = a.line
             GROUP BY 1, 2, 3, 4, 5) x
      JOIN statement_line n ON n.code = x.line
     CROSS JOIN setting s;
COMMENT ON VIEW pnl_article_month IS
    'P&L by month and article in the base currency, by accrual; income positive, expense negative; line and section '
    'are those of statement_line';
SELECT allow('reader', 'select', 'pnl_article_month');

-- Every line, a subtotal too, is the sum of what hangs below it.
CREATE VIEW pnl_line_month WITH (security_barrier) AS
    WITH total AS (
        SELECT a.month, a.currency, p.part_of AS line, sum(a.amount) AS amount
          FROM pnl_article_month a JOIN line_part p ON p.line = a.line
         GROUP BY 1, 2, 3
    )
    SELECT m.month, n.sort, n.code AS line, n.name AS line_name,
           CASE WHEN n.formula IS NULL THEN coalesce(t.amount, 0)
                ELSE round(100 * coalesce(f.amount, 0) / nullif(g.amount, 0), 2) END::numeric(18,2) AS amount,
                m.currency
      FROM (SELECT DISTINCT t.month, t.currency FROM total t) m
     CROSS JOIN statement_line n
      LEFT JOIN total t ON t.month = m.month AND t.line = n.code
      LEFT JOIN total f ON f.month = m.month AND f.line = n.formula[1]
      LEFT JOIN total g ON g.month = m.month AND g.line = n.formula[2]
     WHERE n.statement = 'pnl';
COMMENT ON VIEW pnl_line_month IS
    'profit and loss by month as a statement, a row for each line of statement_line in the order of sort, subtotals '
    'among them: in the base currency, expenses negative, so that every subtotal is a sum; per cent where the line has '
    'a formula';
SELECT allow('reader', 'select', 'pnl_line_month');

-- A fixed list, so that the columns are the same in all books, whatever lines they add to their statement.
DO $$
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW pnl_month WITH (security_barrier) AS '
                   'SELECT m.month, m.currency, %s FROM pnl_line_month m GROUP BY 1, 2',
        (SELECT string_agg(format('max(m.amount) FILTER (WHERE m.line = %1$L)::numeric(18,2) AS %1$I', n.line),
                           ', ' ORDER BY n.no)
           FROM unnest('{revenue,direct_labour,other_direct,gross_profit,gross_margin_pct,unabsorbed_labour,production,'
                       'commercial,administrative,ebitda,other,depreciation,ebit,interest,fx,tax,net_profit,dividends,'
                       'retained}'::text[]) WITH ORDINALITY n (line, no)));
END $$;
COMMENT ON VIEW pnl_month IS
    'profit and loss by month in the base currency, by accrual: the lines of pnl_line_month as columns; '
    'unabsorbed_labour (a part of production) is payroll less the hours that went to projects at their cost rates: '
    'hours and items whose cost is not known (data_gaps) went nowhere and stay there, so gross_profit waits for their '
    'cost and net_profit does not; retained = net_profit + dividends';
SELECT allow('reader', 'select', 'pnl_month');
-- ---------------------------------------------------------------------------
-- cash flow: of the owner, for those who may not see the entries
-- ---------------------------------------------------------------------------

CREATE VIEW cash_flow_article_month WITH (security_barrier) AS
    SELECT month(e.entry_on) AS month, a.cash_section AS section, a.code AS article, a.name AS article_name,
           c.currency, sum(e.receipts)::numeric(18,2) AS receipts, sum(e.payments)::numeric(18,2) AS payments,
           sum(e.base_receipts)::numeric(18,2) AS base_receipts, sum(e.base_payments)::numeric(18,2) AS base_payments
      FROM (SELECT e.entry_on, e.article_id, e.debit_id AS account_id, e.amount AS receipts, 0 AS payments,
          e.base_amount AS base_receipts,
                   0 AS base_payments
              FROM visible_entry e WHERE e.article_id IS NOT NULL
            UNION ALL
            SELECT e.entry_on, e.article_id, e.credit_id, 0, e.amount, 0, e.base_amount FROM visible_entry e
             WHERE e.article_id IS NOT NULL) e
      JOIN cash_account c ON c.account_id = e.account_id
      JOIN account a ON a.id = e.article_id
     GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW cash_flow_article_month IS
    'cash flow by month, article and currency, from posted payments; receipts and payments both positive, a reversal '
    'reduces its own side; transfers between own accounts are not in it';
SELECT allow('reader', 'select', 'cash_flow_article_month');

CREATE VIEW cash_flow_month WITH (security_barrier) AS
    SELECT m.month, m.currency,
           coalesce(sum(m.net) OVER w - m.net, 0)::numeric(18,2) AS opening,
           m.operating_in, m.operating_out, m.investing, m.financing, m.transfers, m.net::numeric(18,2) AS net,
           (sum(m.net) OVER w)::numeric(18,2) AS closing
      FROM (SELECT month(l.entry_on) AS month, l.currency, sum(l.amount) AS net,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'operating' AND i.inward),
                   0)::numeric(18,2) AS operating_in,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'operating' AND NOT i.inward),
                   0)::numeric(18,2) AS operating_out,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'investing'), 0)::numeric(18,2) AS investing,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'financing'), 0)::numeric(18,2) AS financing,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section IS NULL), 0)::numeric(18,2) AS transfers
              FROM ledger_line l
              LEFT JOIN account a ON a.id = l.article_id
             CROSS JOIN LATERAL (SELECT a.kind = 'income' AS inward) i
             WHERE l.kind = 'cash' AND l.posted
             GROUP BY 1, 2) m
    WINDOW w AS (PARTITION BY m.currency ORDER BY m.month ROWS UNBOUNDED PRECEDING);
COMMENT ON VIEW cash_flow_month IS
    'direct cash flow by month and currency, from posted entries of cash accounts: opening + operating_in + '
    'operating_out + investing + financing + transfers = closing; payments negative; a refund to a client reduces '
    'operating_in';
SELECT allow('reader', 'select', 'cash_flow_month');
-- ---------------------------------------------------------------------------
-- work problems: what must hold of work and charges
-- ---------------------------------------------------------------------------

CREATE VIEW work_problems WITH (security_invoker) AS
    SELECT 'a time entry has charges or a reason why not' AS rule, 'time entry ' || e.id AS subject,
        NULL::text AS detail
      FROM time_entry e
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.time_entry_id = e.id)
       AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
    UNION ALL
    SELECT 'the charges of an entry share out its worked seconds', 'time entry ' || e.id,
        format('worked %s s, charged %s s', e.worked_s, h.worked_s)
      FROM time_entry e
      JOIN (SELECT h.time_entry_id, sum(h.worked_s) AS worked_s FROM charge h WHERE h.source = 'time'
            GROUP BY 1) h ON h.time_entry_id = e.id
     WHERE h.worked_s <> e.worked_s AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
       AND NOT (h.worked_s = 0
                AND EXISTS (SELECT FROM charge r WHERE r.time_entry_id = e.id AND r.reverses_id IS NOT NULL))
    UNION ALL
    SELECT 'an amount is whole units of its currency', 'charge ' || h.id,
        format('%s %s', trim_scale(h.amount), h.currency)
      FROM charge h JOIN currency_code u ON u.code = h.currency
     WHERE h.amount <> round(h.amount, u.exponent) OR h.cost <> round(h.cost, u.exponent)
    UNION ALL
    SELECT 'base figures are whole units of the base currency', 'charge ' || h.id,
        format('%s, cost %s', trim_scale(h.base_amount), trim_scale(h.base_cost))
      FROM charge h CROSS JOIN setting s JOIN currency_code u ON u.code = s.base_currency
     WHERE h.base_amount <> round(h.base_amount, u.exponent) OR h.base_cost <> round(h.base_cost, u.exponent)
    UNION ALL
    SELECT 'a charge keeps the currency of its contract', 'charge ' || h.id,
        format('%s, contract %s in %s', h.currency, c.number, c.currency)
      FROM charge h JOIN contract c ON c.id = h.contract_id WHERE h.currency <> c.currency
    UNION ALL
    SELECT 'a charge names terms and a price list that exist', 'charge ' || h.id, NULL
      FROM charge h LEFT JOIN terms t ON t.id = h.terms_id LEFT JOIN price_list l ON l.id = h.price_list_id
     WHERE h.terms_id IS NOT NULL AND t.id IS NULL OR h.price_list_id IS NOT NULL AND l.id IS NULL
    UNION ALL
    SELECT 'terms name price lists that were kept', 'terms ' || t.id, format('list %s, revision %s', r.key, r.value)
      FROM terms t CROSS JOIN LATERAL jsonb_each_text(t.body -> 'lists') r
     WHERE NOT EXISTS (SELECT FROM list_snapshot s WHERE s.price_list_id = r.key::bigint
                       AND s.revision = r.value::bigint)
    UNION ALL
    SELECT 'a revision of a price list is what the list is', 'price list ' || l.id, format('revision %s', l.revision)
      FROM price_list l JOIN list_snapshot s ON s.price_list_id = l.id AND s.revision = l.revision
          WHERE s.body <> list_document(l.id)
    UNION ALL
    SELECT 'a charge is of the client, and of the own company, that its contract is with', 'charge ' || h.id,
           format('client %s, contract %s with %s', h.client_id, c.number, c.client_id)
      FROM charge h JOIN contract c ON c.id = h.contract_id
     WHERE h.client_id <> c.client_id OR h.own_id <> c.own_id
    UNION ALL
    SELECT 'the fixed price of a done task is charged where the task is', 'charge ' || h.id,
           format('client %s, the task is of client %s', h.client_id, p.client_id)
      FROM charge h JOIN task t ON t.id = h.task_id JOIN project p ON p.id = t.project_id
     WHERE h.task_item_id IS NOT NULL AND NOT h.committed
         AND (h.client_id <> p.client_id OR h.project_id <> p.id OR t.status <> 'done')
    UNION ALL
    SELECT 'what is written off or up is frozen', 'charge ' || h.id, 'adjusted by charge ' || a.id
      FROM charge a JOIN charge h ON h.id = a.adjusts_id WHERE h.frozen_at IS NULL
    UNION ALL
    SELECT 'what names a task has its deal and project', 'charge ' || h.id,
           format('project %s, deal %s; the task''s are %s and %s', h.project_id, h.deal_id, t.project_id, t.deal_id)
      FROM charge h JOIN task t ON t.id = h.task_id JOIN project p ON p.id = t.project_id
     WHERE h.project_id IS NULL OR t.deal_id IS NOT NULL AND h.client_id = p.client_id
         AND h.deal_id IS DISTINCT FROM t.deal_id
    UNION ALL
    SELECT 'a deal is of the client of its tasks and charges', 'charge ' || h.id,
        format('client %s, deal %s of client %s', h.client_id, d.id, d.client_id)
      FROM charge h JOIN deal d ON d.id = h.deal_id WHERE d.client_id <> h.client_id;
COMMENT ON VIEW work_problems IS 'broken invariants of time entries and charges, none in healthy books';
SELECT allow('controller', 'select', 'work_problems');
-- ---------------------------------------------------------------------------
-- limit problems: what is eaten was there, and no cap is exceeded
-- ---------------------------------------------------------------------------

-- Seconds follow the clock, so that the worked ones before a charge tell where it
-- began; what rounding moves is a second of either kind.
CREATE FUNCTION burn_time() RETURNS TABLE (charge_id bigint, began timestamptz, ended timestamptz, slack interval)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH part AS (
        SELECT h.id, h.time_entry_id, h.started_at, h.allotment_id, h.worked_s::float8 AS worked_s,
               sum(h.worked_s) OVER (PARTITION BY h.time_entry_id ORDER BY h.segment)::float8 AS after_s,
               sum(h.billed_s) OVER (PARTITION BY h.time_entry_id)::float8 AS billed_s
          FROM live_charge h
         WHERE h.source = 'time'
           AND h.time_entry_id IN (SELECT b.time_entry_id FROM charge b WHERE b.allotment_id IS NOT NULL)
    )
    SELECT p.id, x.began, x.ended, x.slack
      FROM part p
      JOIN time_entry e ON e.id = p.time_entry_id
     CROSS JOIN LATERAL (
        SELECT e.started_at + (e.ended_at - e.started_at) * (p.after_s - p.worked_s) / e.worked_s AS began,
               e.started_at + (e.ended_at - e.started_at) * p.after_s / e.worked_s AS ended,
               interval '2 s' + 2 * (e.ended_at - e.started_at) / least(e.worked_s, p.billed_s) AS slack
         WHERE e.ended_at > e.started_at AND e.worked_s > 0 AND p.billed_s > 0
        UNION ALL
        SELECT p.started_at, p.started_at, interval '0' WHERE e.ended_at IS NULL OR e.ended_at = e.started_at) x
     WHERE p.allotment_id IS NOT NULL;
END;
COMMENT ON FUNCTION burn_time() IS
    'the instants between which work was done that draws on an allotment, as near as its seconds tell; work that has '
    'no clock is at the beginning of its day';

-- Work is charged within the caps of now, which open charges follow; items count,
-- but are agreed by themselves.
CREATE FUNCTION cap_use() RETURNS TABLE (contract_id bigint, period_start date, cap_amount numeric, cap_s numeric,
                                         amount numeric, billed_s numeric, open_amount numeric, open_s numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH used AS (
        SELECT h.contract_id, h.service_date, sum(h.amount) AS amount,
               sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS billed_s,
               sum(h.amount) FILTER (WHERE o.open AND h.amount > 0) AS open_amount,
               sum(h.billed_s) FILTER (WHERE o.open AND h.coverage = 'billable' AND h.billed_s > 0) AS open_s
          FROM capped_contract q
          JOIN charge h ON h.contract_id = q.contract_id AND h.source IN ('time', 'item')
         CROSS JOIN LATERAL (SELECT h.source = 'time' AND NOT h.committed AND h.time_entry_id NOT IN (
                SELECT f.time_entry_id FROM live_charge f
                 WHERE f.source = 'time' AND f.committed AND f.time_entry_id IS NOT NULL) AS open) o
         GROUP BY 1, 2
    )
    SELECT c.id, NULL::date, c.cap_amount, c.cap_s, sum(u.amount), sum(u.billed_s), sum(u.open_amount), sum(u.open_s)
      FROM used u JOIN contract c ON c.id = u.contract_id GROUP BY 1
    UNION ALL
    SELECT c.id, lower(s.span), prorate(c.period_cap_amount, s.span, d.days, c.prorate, x.exponent::int),
           prorate(c.period_cap_s, s.span, d.days, c.prorate, 0), sum(u.amount), sum(u.billed_s), sum(u.open_amount),
           sum(u.open_s)
      FROM used u
      JOIN contract c ON c.id = u.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      JOIN currency_code x ON x.code = c.currency
     CROSS JOIN LATERAL (SELECT service_period(b, u.service_date) AS span) s
     CROSS JOIN LATERAL (SELECT CASE WHEN s.span && daterange(c.starts_on, c.ends_on, '[]')
                                     THEN s.span * daterange(c.starts_on, c.ends_on, '[]') ELSE s.span END AS days) d
     GROUP BY c.id, s.span, d.days, x.exponent;
END;
COMMENT ON FUNCTION cap_use() IS
    'caps of contracts, for their whole life (period_start NULL) and for each service period with work, what is '
    'charged within them in all, and what of it is open work';

CREATE FUNCTION broken_limits() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'work is never charged above its cap' AS rule, concat_ws(', ', 'contract ' || u.contract_id,
                                                                   'period of ' || iso(u.period_start)) AS subject,
           format('%s of %s, %s s of %s', u.amount, u.cap_amount, u.billed_s, u.cap_s) AS detail
      FROM cap_use() u
     WHERE u.amount > u.cap_amount AND u.open_amount > 0 OR u.billed_s > u.cap_s AND u.open_s > 0
    UNION ALL
    SELECT 'an allotment burns within its life and scope', 'charge ' || h.id, format('allotment %s', a.id)
      FROM live_charge h
      JOIN allotment a ON a.id = h.allotment_id
      LEFT JOIN burn_time() w ON w.charge_id = h.id AND NOT h.late
     WHERE a.contract_id <> h.contract_id
        OR a.scope_work_types IS NOT NULL AND NOT coalesce(h.work_type_id = ANY (a.scope_work_types), false)
        OR w.began < a.effective_at - w.slack OR w.ended > a.expires_at + w.slack OR w.began >= a.expires_at + w.slack;
END;
COMMENT ON FUNCTION broken_limits() IS 'the rows of limit_problems: the rule, what breaks it, the figures';

CREATE VIEW limit_problems WITH (security_invoker) AS SELECT * FROM broken_limits();
COMMENT ON VIEW limit_problems IS
    'work above a cap, and work that draws on an allotment outside its life or scope, none in healthy books';
SELECT allow('controller', 'select', 'limit_problems');
-- ---------------------------------------------------------------------------
-- rating problems: open charges are what rating makes of their facts
-- ---------------------------------------------------------------------------

CREATE FUNCTION open_rating(p_base bigint) RETURNS SETOF charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_grouped boolean := (SELECT c.round_scope <> 'entry' FROM contract c WHERE c.id = p_base);
    v_input rating_input[] := ARRAY(
        SELECT i FROM stamped_input(p_base, '-infinity', 'infinity', '{}', v_grouped) i
         WHERE EXISTS (SELECT FROM terms t WHERE t.id = i.terms_id));
BEGIN
    IF v_input = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT c.* FROM rated_charges(ARRAY(
            SELECT s FROM rate_input(v_input, ARRAY[p_base], ARRAY[v_input[1].terms_id],
                                         allotment_state(p_base, '{}', '-infinity')) s)) c;
END $$;
COMMENT ON FUNCTION open_rating(bigint) IS
    'the charges that rating makes of the open work of a contract group, from its beginning, at the prices stamped on '
    'it';

CREATE FUNCTION charge_figures(p_charge charge) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT concat_ws(', ', p_charge.coverage, 'contract ' || p_charge.contract_id, iso(p_charge.service_date),
                     'period ' || iso(p_charge.period_start), p_charge.worked_s || ' s worked',
                     p_charge.billed_s || ' s billed', 'price ' || trim_scale(p_charge.rate),
                     'amount ' || trim_scale(p_charge.amount), 'in base ' || trim_scale(p_charge.base_amount),
                     'cost ' || trim_scale(p_charge.cost), 'in base ' || trim_scale(p_charge.base_cost),
                     trim_scale(p_charge.burned) || ' of allotment ' || p_charge.allotment_id);
END;
COMMENT ON FUNCTION charge_figures(charge) IS 'what a charge of work comes to, in a line, to compare and to tell';

CREATE FUNCTION broken_ratings() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'open work is charged by its facts' AS rule, format('time entry %s', a.entry_id) AS subject,
           format('charged as %s; it is %s', a.was, a.is_now) AS detail
      FROM entries_astray(ARRAY(
            SELECT h.time_entry_id FROM charge h WHERE h.source = 'time' AND NOT h.committed
            UNION SELECT r.time_entry_id FROM rating_problem r)) a
    UNION ALL
    SELECT 'open charges are what rating makes of them', format('time entry %s', x.time_entry_id),
           format('segment %s: %s; rating makes it %s', x.segment, coalesce(x.is_now, 'none'),
                  coalesce(x.due, 'none'))
      FROM (SELECT DISTINCT coalesce(c.parent_id, c.id) AS id
              FROM charge h JOIN contract c ON c.id = h.contract_id WHERE h.source = 'time' AND NOT h.committed) b
     CROSS JOIN LATERAL (
        SELECT coalesce(h.time_entry_id, n.time_entry_id) AS time_entry_id, coalesce(h.segment, n.segment) AS segment,
               h.figures AS is_now, n.figures AS due
          FROM (SELECT h.time_entry_id, h.segment, charge_figures(h) AS figures
                  FROM charge h JOIN contract c ON c.id = h.contract_id
                 WHERE b.id IN (c.id, c.parent_id) AND h.source = 'time' AND NOT h.committed
                   AND NOT EXISTS (SELECT FROM live_charge f WHERE f.time_entry_id = h.time_entry_id AND f.committed)) h
          FULL JOIN (SELECT r.time_entry_id, r.segment, charge_figures(r) AS figures FROM open_rating(b.id) r
                      WHERE NOT is_committed(r.time_entry_id)) n USING (time_entry_id, segment)
         WHERE h.figures IS DISTINCT FROM n.figures) x
    UNION ALL
    SELECT 'open charges are worth what the rate of their day makes of them', format('charge %s', h.id),
           format('at %s, the rate is %s', trim_scale(h.base_rate), trim_scale(r.rate))
      FROM charge h
     CROSS JOIN setting s
     CROSS JOIN LATERAL (SELECT exchange_rate_on(h.currency, s.base_currency, rate_day(h)) AS rate) r
     WHERE NOT h.committed AND h.source <> 'time' AND h.currency <> s.base_currency AND r.rate <> h.base_rate;
END;
COMMENT ON FUNCTION broken_ratings() IS
    'the rows of rating_problems: the rule, the entry, what it is and what it should be';

CREATE VIEW rating_problems WITH (security_invoker) AS SELECT * FROM broken_ratings();
COMMENT ON VIEW rating_problems IS
    'open work that is not charged as rating charges it by its facts of now, none in healthy books';
SELECT allow('controller', 'select', 'rating_problems');
-- ---------------------------------------------------------------------------
-- correction problems: nothing committed is wrong in silence
-- ---------------------------------------------------------------------------

CREATE FUNCTION broken_corrections() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'what is committed agrees with its facts, or is due for correction', format('charge %s', x.charge_id),
           charge_reason(x.why)
      FROM correction_of(ARRAY(SELECT h.id FROM charge h WHERE h.committed AND h.reverses_id IS NULL)) x
     WHERE NOT EXISTS (SELECT FROM recheck r WHERE r.charge_id = x.charge_id);
END;
COMMENT ON FUNCTION broken_corrections() IS 'the rows of correction_problems: the rule, the charge, what is wrong';

CREATE VIEW correction_problems WITH (security_invoker) AS SELECT * FROM broken_corrections();
COMMENT ON VIEW correction_problems IS
    'committed charges that are wrong and of which correction_due does not know, none in healthy books';
SELECT allow('controller', 'select', 'correction_problems');
-- ---------------------------------------------------------------------------
-- ledger problems: what must hold of the entries
-- ---------------------------------------------------------------------------

CREATE VIEW ledger_problems WITH (security_invoker) AS
    SELECT 'a frozen charge is posted once, to the last digit' AS rule, 'charge ' || x.charge_id AS subject,
           format('posted %s %s, charged %s', coalesce(p.amount, 0),
           (SELECT a.code FROM account a WHERE a.id = x.credit_id), x.amount)
               AS detail
      FROM charge_posting x
      LEFT JOIN (SELECT e.charge_id, e.credit_id, e.currency, sum(e.amount) AS amount
                   FROM entry e WHERE e.charge_id IS NOT NULL GROUP BY 1, 2, 3) p
        ON p.charge_id = x.charge_id AND p.credit_id = x.credit_id AND p.currency = x.currency
     WHERE x.posted AND coalesce(p.amount, 0) <> x.amount
    UNION ALL
    SELECT 'what a charge posted is of its deal', 'charge ' || e.charge_id,
           format('%s posted for deal %s, the charge is of %s', sum(e.amount), e.deal_id, h.deal_id)
      FROM entry e JOIN charge h ON h.id = e.charge_id AND h.deal_id IS DISTINCT FROM e.deal_id
     GROUP BY e.charge_id, e.credit_id, e.currency, e.deal_id, h.deal_id HAVING sum(e.amount) <> 0
    UNION ALL
    SELECT 'a provisional charge is not posted', 'charge ' || e.charge_id, 'entry ' || min(e.id)
      FROM entry e LEFT JOIN charge h ON h.id = e.charge_id
     WHERE e.charge_id IS NOT NULL AND h.frozen_at IS NULL GROUP BY e.charge_id
    UNION ALL
    SELECT 'a posted payment is in the ledger as it stands, others are not', 'payment ' || p.id,
           format('cash of %s in the ledger, %s expected', coalesce(e.cash, 0), x.expected)
      FROM payment p
      JOIN cash_account m ON m.id = p.cash_account_id
     CROSS JOIN LATERAL (SELECT CASE WHEN p.status <> 'posted' THEN 0 WHEN p.flow = 'in' THEN p.amount
         ELSE -p.amount END AS expected) x
      LEFT JOIN (SELECT e.payment_id, s.account_id, sum(s.sign * e.amount) AS cash
                   FROM entry e CROSS JOIN LATERAL (VALUES (e.debit_id, 1), (e.credit_id, -1)) AS s (account_id, sign)
                  WHERE e.payment_id IS NOT NULL GROUP BY 1, 2) e ON e.payment_id = p.id AND e.account_id = m.account_id
     WHERE coalesce(e.cash, 0) <> x.expected
    UNION ALL
    SELECT 'a reversal is the exact opposite of its event', 'event ' || v.id, 'reverses event ' || v.reverses_id
      FROM event v
     WHERE v.reverses_id IS NOT NULL
       AND EXISTS (SELECT FROM entry e WHERE e.event_id IN (v.id, v.reverses_id)
                    GROUP BY e.debit_id, e.credit_id, e.currency, e.party_id, e.contract_id, e.charge_id
                   HAVING sum(e.amount) <> 0 OR sum(e.base_amount) <> 0)
    UNION ALL
    SELECT 'an entry in the base currency is worth its amount', 'entry ' || e.id,
           format('%s, worth %s', e.amount, e.base_amount)
      FROM entry e JOIN setting s ON s.base_currency = e.currency WHERE e.base_amount <> e.amount
    UNION ALL
    SELECT 'an event has entries', 'event ' || v.id, format('%s %s', v.source, v.key)
      FROM event v WHERE NOT EXISTS (SELECT FROM entry e WHERE e.event_id = v.id)
    UNION ALL
    SELECT 'an entry names what follows from what it names', 'entry ' || e.id,
           format('client %s, contract %s of %s, project %s of %s, own company %s', e.client_id, e.contract_id,
           c.client_id, e.project_id,
                  p.client_id, e.own_id)
      FROM entry e
      LEFT JOIN contract c ON c.id = e.contract_id
      LEFT JOIN project p ON p.id = e.project_id
     WHERE c.client_id IS DISTINCT FROM e.client_id AND c.id IS NOT NULL
        OR p.client_id IS DISTINCT FROM e.client_id AND p.id IS NOT NULL
        OR e.task_id IS NOT NULL AND e.project_id IS NULL
        OR e.own_id IS NULL AND default_own() IS NOT NULL;
COMMENT ON VIEW ledger_problems IS 'broken invariants of the ledger, none in healthy books';
SELECT allow('controller', 'select', 'ledger_problems');
-- ---------------------------------------------------------------------------
-- payment problems: what must hold of payments
-- ---------------------------------------------------------------------------

CREATE VIEW payment_problems WITH (security_invoker) AS
    SELECT 'a payment fits its contract' AS rule, 'payment ' || m.payment_id AS subject, m.message AS detail
      FROM payment_misfit m
    UNION ALL
    SELECT 'a payment names what follows from what it names', 'payment ' || p.id,
           format('client %s, contract %s of %s, project %s of %s, own company %s', p.client_id, p.contract_id,
           c.client_id,
                  p.project_id, j.client_id, p.own_id)
      FROM payment p
      LEFT JOIN contract c ON c.id = p.contract_id
      LEFT JOIN project j ON j.id = p.project_id
     WHERE c.client_id IS DISTINCT FROM p.client_id AND c.id IS NOT NULL
        OR j.client_id IS DISTINCT FROM p.client_id AND j.id IS NOT NULL
        OR p.task_id IS NOT NULL AND p.project_id IS NULL
        OR p.own_id IS NULL AND default_own() IS NOT NULL;
COMMENT ON VIEW payment_problems IS 'broken invariants of payments, none in healthy books';
SELECT allow('controller', 'select', 'payment_problems');
-- ---------------------------------------------------------------------------
-- document problems: what must hold of documents, one view a subject
-- ---------------------------------------------------------------------------

CREATE VIEW document_line_problems WITH (security_invoker) AS
    SELECT 'a document is the sum of its lines' AS rule, document_name(d.id) AS subject,
           format('%s + %s = %s, lines %s + %s = %s', d.net, d.tax, d.gross, coalesce(l.net, 0), coalesce(l.tax, 0),
                  coalesce(l.gross, 0)) AS detail
      FROM document d
      LEFT JOIN (SELECT l.document_id, sum(l.net) AS net, sum(l.tax) AS tax, sum(l.gross) AS gross
                 FROM document_line l GROUP BY 1) l ON l.document_id = d.id
     WHERE d.net IS NOT NULL AND (d.net, d.tax, d.gross) <> (coalesce(l.net, 0), coalesce(l.tax, 0),
                                                             coalesce(l.gross, 0))
    UNION ALL
    SELECT 'what a line bills is what its charges are', document_name(l.document_id),
        format('line %s: %s, charges %s', l.id, l.net, h.amount + coalesce(a.amount, 0))
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
      JOIN charge h ON h.id = l.charge_id
      LEFT JOIN charge a ON a.id = l.adjustment_id
     WHERE l.released_at IS NULL AND h.frozen_at IS NOT NULL
       AND (l.claim AND l.net IS NOT NULL AND l.net <> h.amount + coalesce(a.amount, 0) AND NOT s.holds
            OR l.kind = 'credit_note' AND l.net <> h.amount)
    UNION ALL
    SELECT 'a line of a sent report says what its charge is', document_name(l.document_id),
        format('line %s: %s, charge %s', l.id, l.amount, h.amount)
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND s.holds
      JOIN charge h ON h.id = l.charge_id
     WHERE l.released_at IS NULL AND l.amount <> h.amount
    UNION ALL
    SELECT 'a line of an invoice repeats the report that keeps its charge', document_name(l.document_id),
        format('line %s, charge %s', l.id, l.charge_id)
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      LEFT JOIN document_line k ON k.charge_id = l.charge_id AND k.claim AND k.released_at IS NULL
     WHERE l.kind = 'invoice' AND l.released_at IS NULL
       AND (k.document_id IS NULL OR k.document_id IS DISTINCT FROM CASE WHEN l.claim THEN d.id ELSE d.based_on END)
    UNION ALL
    SELECT 'no document mixes currencies', document_name(l.document_id),
        format('line %s in %s, its charge in %s', l.id, l.currency, h.currency)
      FROM document_line l JOIN charge h ON h.id = l.charge_id JOIN document d ON d.id = l.document_id
     WHERE l.currency <> h.currency AND d.issued_at IS NOT NULL AND l.released_at IS NULL
    UNION ALL
    SELECT 'credits of a line never exceed the line', document_name(l.document_id),
        format('line %s: %s + %s credited of %s + %s', l.id, c.net, c.tax, l.net, l.tax)
      FROM document_line l JOIN line_credit c ON c.line_id = l.id
     WHERE abs(c.net) > abs(l.net) OR abs(c.tax) > abs(l.tax) OR sign(c.net) <> sign(l.net) OR c.net = l.net
       AND (c.tax <> l.tax OR num_nonnulls(l.released_at, l.credited_by) <> 1)
    UNION ALL
    SELECT 'what was credited whole and is kept comes to nothing', document_name(l.document_id),
           format('line %s: %s, in base %s', l.id, h.amount + coalesce(a.amount, 0) + x.amount,
                  h.base_amount + coalesce(a.base_amount, 0) + x.base_amount)
      FROM document_line l
      JOIN charge h ON h.id = l.charge_id
      LEFT JOIN charge a ON a.id = l.adjustment_id
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.amount), 0) AS amount, coalesce(sum(x.base_amount), 0) AS base_amount
          FROM document_line r
          JOIN document_line n ON n.reverses_line_id = r.id AND n.credited_by IS NOT NULL
          JOIN charge x ON x.id = n.charge_id
         WHERE r.charge_id = l.charge_id AND r.kind = 'invoice') x
     WHERE l.claim AND l.credited_by IS NOT NULL
       AND (h.amount + coalesce(a.amount, 0) + x.amount, h.base_amount + coalesce(a.base_amount, 0) + x.base_amount)
           <> (0, 0);
COMMENT ON VIEW document_line_problems IS
    'broken invariants of what documents and their lines add up to, none in healthy books';
SELECT allow('controller', 'select', 'document_line_problems');

CREATE VIEW document_charge_problems WITH (security_invoker) AS
    SELECT 'a document that is void, rejected or superseded keeps no charge' AS rule,
        document_name(l.document_id) AS subject,
           format('line %s, charge %s', l.id, l.charge_id) AS detail
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND s.ended
     WHERE l.released_at IS NULL AND l.charge_id IS NOT NULL
    UNION ALL
    SELECT 'a held charge is on the sent report that holds it', 'charge ' || h.id,
        format('held by document %s', h.held_by)
      FROM charge h
     WHERE h.held_by IS NOT NULL
       AND NOT EXISTS (SELECT FROM document_line l
                         JOIN document d ON d.id = l.document_id
                         JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND s.holds
                        WHERE l.charge_id = h.id AND l.released_at IS NULL AND d.id = h.held_by)
    UNION ALL
    SELECT 'charges of a sent report are held, of an agreed one or an issued invoice frozen', document_name(d.id),
        'charge ' || h.id
      FROM document d
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND NOT s.draft
      JOIN document_line l ON l.document_id = d.id AND l.claim AND l.released_at IS NULL
      JOIN charge h ON h.id = l.charge_id
     WHERE NOT (h.frozen_at IS NOT NULL OR s.holds AND h.held_by IS NOT DISTINCT FROM d.id)
    UNION ALL
    SELECT 'billed, reported, unbilled and cancelled revenue is all revenue', x.currency,
        format('%s by place, %s charged', x.placed, x.charged)
      FROM (SELECT h.currency, sum(h.amount) AS charged,
            sum(h.amount) FILTER (WHERE l.place IN ('billed', 'reported', 'unbilled', 'credited')) AS placed
              FROM charge h LEFT JOIN charge_place l ON l.charge_id = h.id GROUP BY 1) x
     WHERE coalesce(x.placed, 0) <> x.charged
    UNION ALL
    SELECT 'a charge is in one place', 'charge ' || l.charge_id, string_agg(l.place, ', ')
      FROM charge_place l GROUP BY l.charge_id HAVING count(*) <> 1
    UNION ALL
    SELECT 'a charge is kept by one document', 'charge ' || c.charge_id, string_agg(document_name(c.document_id), ', ')
      FROM charge_claim c GROUP BY c.charge_id HAVING count(*) <> 1;
COMMENT ON VIEW document_charge_problems IS
    'broken invariants of which document keeps which charge, none in healthy books';
SELECT allow('controller', 'select', 'document_charge_problems');

CREATE VIEW document_allocation_problems WITH (security_invoker) AS
    SELECT 'allocations never exceed the payment' AS rule, 'payment ' || p.id AS subject,
           format('%s allocated of %s', a.amount, p.amount) AS detail
      FROM payment p JOIN (SELECT u.payment_id, sum(u.used) AS amount FROM payment_use u GROUP BY 1) a
          ON a.payment_id = p.id
     WHERE a.amount > p.amount OR p.status <> 'posted'
    UNION ALL
    SELECT 'allocations and credits never exceed the document', document_name(b.document_id),
        format('%s of %s', b.allocated + b.credited, b.gross)
      FROM document_balance b WHERE b.open * sign(b.gross) < 0 OR b.allocated * sign(b.gross) < 0
    UNION ALL
    SELECT 'a payment settles documents of its party and currency, invoices with what comes in and bills with what '
           'goes out',
           document_name(d.id), 'payment ' || p.id
      FROM payment_allocation a JOIN payment p ON p.id = a.payment_id JOIN document d ON d.id = a.document_id
     WHERE p.party_id IS DISTINCT FROM d.party_id OR p.currency <> d.currency
        OR p.contract_id <> d.contract_id
        OR p.flow <> (SELECT k.flow FROM document_kind k WHERE k.kind = d.kind) AND (d.kind <> 'bill' OR d.gross > 0)
    UNION ALL
    SELECT 'allocations are of issued documents', document_name(a.document_id), 'payment ' || a.payment_id
      FROM payment_allocation a WHERE NOT EXISTS (SELECT FROM document_balance b WHERE b.document_id = a.document_id);
COMMENT ON VIEW document_allocation_problems IS
    'broken invariants of payments and what they settle, none in healthy books';
SELECT allow('controller', 'select', 'document_allocation_problems');

CREATE VIEW document_step_problems WITH (security_invoker) AS
    SELECT 'a document has the status that payments, credits and its invoice give it' AS rule,
        document_name(d.id) AS subject,
           format('%s, not %s', d.status, settled_status(d.id)) AS detail
      FROM document d
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND s.derived
     WHERE d.status <> settled_status(d.id)
    UNION ALL
    SELECT 'a draft is not issued, and what is no draft was, unless it is void', document_name(d.id),
        format('%s, %s', d.status, CASE WHEN d.issued_at IS NULL THEN 'never issued' ELSE 'issued' END)
      FROM document d
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
     WHERE s.draft AND d.issued_at IS NOT NULL OR NOT s.draft AND NOT s.withdrawn AND d.issued_at IS NULL
    UNION ALL
    SELECT 'a document comes in or goes out as its kind does', document_name(d.id), d.kind
      FROM document d JOIN document_kind k ON k.kind = d.kind
     WHERE d.incoming <> k.incoming
    UNION ALL
    SELECT 'the history of a document ends at its status', document_name(d.id),
        format('%s, last step to %s', d.status, s.to_status)
      FROM document d
      LEFT JOIN LATERAL (SELECT s.to_status FROM document_status_change s WHERE s.document_id = d.id
                         ORDER BY s.id DESC LIMIT 1) s ON true
     WHERE s.to_status IS DISTINCT FROM d.status
    UNION ALL
    SELECT 'numbers of a series run without gaps, in the order of issue',
        format('%s %s, series %s', s.kind, s.year, s.id),
           format('%s documents, numbers %s to %s, next %s%s', n.documents, n.lowest, n.highest, s.next_no, CASE
                  WHEN n.disordered THEN ', out of order' END)
      FROM number_series s
     CROSS JOIN LATERAL (
        SELECT count(*) AS documents, coalesce(min(d.series_no), s.first_no) AS lowest,
            coalesce(max(d.series_no), s.first_no - 1) AS highest,
               coalesce(bool_or(d.issued_at < d.before), false) AS disordered
          FROM (SELECT d.series_no, d.issued_at, lag(d.issued_at) OVER (ORDER BY d.series_no) AS before
                FROM document d WHERE d.series_id = s.id) d) n
     WHERE n.lowest <> s.first_no OR n.highest <> s.next_no - 1 OR n.documents <> s.next_no - s.first_no
         OR n.disordered;
COMMENT ON VIEW document_step_problems IS
    'broken invariants of the statuses and numbers of documents, none in healthy books';
SELECT allow('controller', 'select', 'document_step_problems');

CREATE VIEW document_posting_problems WITH (security_invoker) AS
    SELECT 'issued invoices and credit notes are in the ledger' AS rule, document_name(d.id) AS subject,
           format('%s on the document, %s of it tax, %s and %s posted', d.gross, d.tax, coalesce(e.gross, 0),
                  coalesce(e.tax, 0)) AS detail
      FROM document d
      JOIN document_kind k ON k.kind = d.kind AND k.account = 'receivable'
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
      LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS gross, sum(e.amount) FILTER (WHERE e.credit_id = k.tax) AS tax
          FROM entry e JOIN role_account k ON k.receivable = e.debit_id
         WHERE e.document_id = d.id) e ON true
     WHERE (coalesce(e.gross, 0), coalesce(e.tax, 0)) <> (CASE WHEN s.posted THEN d.gross ELSE 0 END,
                                                          CASE WHEN s.posted THEN d.tax ELSE 0 END)
    UNION ALL
    SELECT 'an accepted bill is owed, to the last digit', document_name(d.id),
        format('%s on the bill, %s posted', d.gross, coalesce(e.amount, 0))
      FROM document d
      JOIN document_kind k ON k.kind = d.kind AND k.account = 'payable'
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
      LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS amount FROM entry e JOIN role_account k ON k.payable = e.credit_id
         WHERE e.document_id = d.id) e ON true
     WHERE coalesce(e.amount, 0) <> CASE WHEN coalesce(s.posted, was_binding(d.id)) THEN d.gross ELSE 0 END;
COMMENT ON VIEW document_posting_problems IS 'broken invariants of what documents posted, none in healthy books';
SELECT allow('controller', 'select', 'document_posting_problems');

CREATE VIEW document_dimension_problems WITH (security_invoker) AS
    SELECT 'what names a task, deal, project or contract names its client' AS rule,
        document_name(l.document_id) AS subject,
           format('line %s', l.id) AS detail
      FROM document_line l
     WHERE l.charge_id IS NULL AND l.reverses_line_id IS NULL AND l.client_id IS NULL
       AND num_nonnulls(l.task_id, l.deal_id, l.project_id, l.contract_id) > 0
    UNION ALL
    SELECT 'a paper for a client is about him', document_name(d.id),
           format('line %s: client %s, not %s', l.id, l.client_id, d.party_id)
      FROM document_line l
      JOIN document d ON d.id = l.document_id
      JOIN party p ON p.id = d.party_id
     WHERE NOT d.incoming AND p.kind IN ('company', 'individual') AND l.client_id <> d.party_id
    UNION ALL
    SELECT 'work that a document of a deal keeps is of a deal', document_name(c.document_id),
        format('charge %s', c.charge_id)
      FROM charge_claim c
      JOIN document d ON d.id = c.document_id
      JOIN charge h ON h.id = c.charge_id
      JOIN document_kind k ON k.kind = d.kind AND k.made_of = 'work'
     WHERE d.deal_id IS NOT NULL AND d.issued_at IS NOT NULL AND h.deal_id IS NULL;
COMMENT ON VIEW document_dimension_problems IS
    'broken invariants of what documents and their lines are about, none in healthy books';
SELECT allow('controller', 'select', 'document_dimension_problems');

CREATE VIEW document_problems WITH (security_invoker) AS
    SELECT rule, subject, detail FROM document_line_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_charge_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_allocation_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_step_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_posting_problems
    UNION ALL
    SELECT rule, subject, detail FROM document_dimension_problems;
COMMENT ON VIEW document_problems IS
    'broken invariants of documents and payments, none in healthy books: the rule, what breaks it, the figures';
SELECT allow('controller', 'select', 'document_problems');
-- ---------------------------------------------------------------------------
-- billing problems: what must hold of closed periods
-- ---------------------------------------------------------------------------

CREATE VIEW billing_problems WITH (security_invoker) AS
    SELECT 'an entry is charged as long as it worked' AS rule, 'time entry ' || e.id AS subject,
           format('worked %s s, charged %s s', e.worked_s, h.worked_s) AS detail
      FROM time_entry e JOIN (SELECT time_entry_id, sum(worked_s) AS worked_s FROM charge
                              WHERE time_entry_id IS NOT NULL GROUP BY 1) h
        ON h.time_entry_id = e.id
     WHERE h.worked_s <> e.worked_s AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
    UNION ALL
    SELECT 'an entry is charged or has a problem', 'time entry ' || e.id, 'neither'
      FROM time_entry e
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.time_entry_id = e.id)
         AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
    UNION ALL
    SELECT 'an entry is charged or has a problem', 'time entry ' || r.time_entry_id, 'both: ' || r.problem
      FROM rating_problem r
          WHERE EXISTS (SELECT FROM charge h WHERE h.time_entry_id = r.time_entry_id AND NOT h.committed)
    UNION ALL
    SELECT 'amounts are whole units of their currency', 'charge ' || h.id,
        format('amount %s, cost %s %s', h.amount, h.cost, h.currency)
      FROM charge h JOIN currency_code u ON u.code = h.currency
     WHERE h.amount <> round(h.amount, u.exponent) OR h.cost <> round(h.cost, u.exponent)
    UNION ALL
    SELECT 'an allotment is never overdrawn', 'allotment ' || a.id, format('%s of %s burned', b.burned, a.amount)
      FROM allotment a JOIN (SELECT allotment_id, sum(burned) AS burned FROM charge WHERE allotment_id IS NOT NULL
                             GROUP BY 1) b ON b.allotment_id = a.id
     WHERE b.burned > a.amount OR b.burned < 0 OR (a.voided_at IS NOT NULL AND b.burned <> 0)
    UNION ALL
    SELECT 'a reversal is the opposite of what it reverses', 'charge ' || r.id, 'reverses charge ' || h.id
      FROM charge r JOIN charge h ON h.id = r.reverses_id
     WHERE (r.amount + h.amount, r.base_amount + h.base_amount, coalesce(r.cost + h.cost, 0), r.worked_s + h.worked_s,
            r.billed_s + h.billed_s,
            coalesce(r.base_cost + h.base_cost, 0), coalesce(r.burned + h.burned, 0)) <> (0, 0, 0, 0, 0, 0, 0)
    UNION ALL
    SELECT 'what is not billed has no amount and no negative cost', 'charge ' || h.id,
        format('%s: amount %s, cost %s', h.coverage, h.amount, h.cost)
      FROM charge h WHERE h.coverage IN ('no_charge', 'non_billable')
          AND (h.amount <> 0 OR h.cost < 0 AND h.reverses_id IS NULL AND h.worked_s >= 0 AND h.made_by <> 'correction')
    UNION ALL
    SELECT 'what is frozen is posted', 'charge ' || x.charge_id,
        format('%s to post, %s posted', sum(x.due), sum(x.posted))
      FROM (SELECT h.charge_id, h.base_amount AS due, 0 AS posted FROM charge_posting h WHERE h.posted
            UNION ALL
            SELECT e.charge_id, 0, e.base_amount FROM entry e WHERE e.charge_id IS NOT NULL) x
     GROUP BY x.charge_id
    HAVING sum(x.due) <> sum(x.posted)
    UNION ALL
    SELECT 'periods close in order', 'contract ' || b.contract_id, format('a gap before %s', iso(b.period_start))
      FROM (SELECT b.*, lag(b.period_end) OVER (PARTITION BY b.contract_id ORDER BY b.period_start) AS before
            FROM billing_period b) b
     WHERE b.before <> b.period_start
    UNION ALL
    SELECT 'a closed period has no open charges', 'charge ' || h.id, format('period of %s', iso(h.period_start))
      FROM charge h JOIN (SELECT b.contract_id, max(b.period_end) AS closed_to FROM billing_period b
                          GROUP BY 1) b ON b.contract_id = h.contract_id
     WHERE h.frozen_at IS NULL AND h.period_start < b.closed_to;
COMMENT ON VIEW billing_problems IS
    'what must hold of charges, allotments and periods and does not: rule, subject and detail in words; empty in '
    'healthy books';
SELECT allow('controller', 'select', 'billing_problems');
-- ---------------------------------------------------------------------------
-- line problems: what must hold of fees and hours that lines give
-- ---------------------------------------------------------------------------

CREATE FUNCTION broken_lines() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH base AS MATERIALIZED (
        SELECT b.id, lower(o.span) AS opens_on, o.opens_at FROM contract b CROSS JOIN LATERAL open_period(b) o
         WHERE b.parent_id IS NULL
    ), hours AS MATERIALIZED (
        SELECT a.*, x.id AS base_id, x.opens_at, a.period_start >= x.opens_on AS is_open,
               coalesce((SELECT sum(h.burned) FROM charge h WHERE h.allotment_id = a.id), 0) AS burned
          FROM allotment a JOIN contract c ON c.id = a.contract_id JOIN base x ON x.id = coalesce(c.parent_id, c.id)
    )
    SELECT 'an open fee is what its line is due' AS rule, format('charge %s', h.id) AS subject,
           format('%s on %s; the line is due %s', trim_scale(h.amount), iso(h.service_date),
                  coalesce(format('%s on %s', trim_scale(d.amount), iso(d.service_date)), 'nothing')) AS detail
      FROM charge h
      JOIN contract c ON c.id = h.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      LEFT JOIN LATERAL (SELECT f.* FROM due_fees(b.id, service_period(b, h.line_period)) f
                          WHERE f.line_id = h.contract_line_id) d ON true
     WHERE h.source = 'fee' AND h.made_by = 'line' AND NOT h.committed
       AND (h.service_date, h.amount, h.cost, h.why) IS DISTINCT FROM (d.service_date, d.amount, d.cost, d.why)
    UNION ALL
    SELECT 'hours of an open period are what the line gives', format('allotment %s', a.id),
           format('%s from %s to %s; the line gives %s', trim_scale(a.amount), a.effective_at, a.expires_at,
                  coalesce(format('%s from %s to %s', trim_scale(d.amount), d.effective_at, d.expires_at), 'none'))
      FROM hours a
      JOIN contract b ON b.id = a.base_id
      LEFT JOIN LATERAL (SELECT g.* FROM due_grants(b.id, service_period(b, a.period_start)) g
                          WHERE g.line_id = a.contract_line_id AND g.period_start = a.period_start) d ON true
     WHERE a.kind = 'included' AND a.is_open
       AND CASE WHEN d.line_id IS NULL THEN a.voided_at IS NULL AND a.amount <> allotment_held(a.id)
                ELSE (a.unit, a.amount, a.effective_at, a.expires_at, a.scope_work_types, a.voided_at)
                     IS DISTINCT FROM (d.unit, greatest(d.amount, allotment_held(a.id)), d.effective_at, d.expires_at,
                                       d.scope_work_types, NULL) END
    UNION ALL
    SELECT 'open work has the hours that the calendar gives', format('contract line %s', d.line_id),
           format('none of the period of %s', iso(d.period_start))
      FROM (SELECT DISTINCT x.id, h.period_start FROM base x JOIN contract c ON x.id IN (c.id, c.parent_id)
              JOIN charge h ON h.contract_id = c.id AND h.source = 'time' AND NOT h.committed
             WHERE h.period_start >= x.opens_on) p
      JOIN contract b ON b.id = p.id
     CROSS JOIN LATERAL due_grants(b.id, service_period(b, p.period_start)) d
     WHERE NOT EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = d.line_id AND a.period_start = d.period_start
                       AND a.kind = 'included')
    UNION ALL
    SELECT 'what is carried over is carried whereto it belongs', format('allotment %s', coalesce(a.id, d.source_id)),
           CASE WHEN a.id IS NULL THEN 'is not carried' WHEN d.source_id IS NULL THEN 'is not to be carried'
                ELSE format('line %s of contract %s from %s to %s; due line %s of contract %s from %s to %s',
                            a.contract_line_id, a.contract_id, a.effective_at, a.expires_at, d.line_id, d.contract_id,
                            d.effective_at, d.expires_at) END
      FROM (SELECT x.id AS base_id, x.opens_at, d.* FROM base x JOIN contract b ON b.id = x.id
             CROSS JOIN LATERAL due_carried(b, NULL) d) d
      FULL JOIN (SELECT s.base_id, a.* FROM hours a JOIN hours s ON s.id = a.source_id JOIN base x ON x.id = s.base_id
                  WHERE coalesce(a.expires_at, 'infinity') > x.opens_at
                    AND (a.voided_at IS NULL)) a ON a.source_id = d.source_id
     WHERE CASE WHEN a.id IS NULL
                THEN EXISTS (SELECT FROM hours s WHERE s.id = d.source_id
                             AND coalesce(s.expires_at, 'infinity') > d.opens_at)
                WHEN d.source_id IS NULL THEN a.amount <> allotment_held(a.id)
                ELSE (a.contract_id, a.contract_line_id, a.effective_at, a.expires_at)
                     IS DISTINCT FROM (d.contract_id, d.line_id, d.effective_at, d.expires_at) END
    UNION ALL
    SELECT 'what is carried over was left', format('allotment %s', a.id),
           format('%s carried, of %s of which work took %s', trim_scale(a.amount), trim_scale(s.amount),
                  trim_scale(s.burned))
      FROM hours a
      JOIN hours s ON s.id = a.source_id
      LEFT JOIN contract_line n ON n.id = s.contract_line_id
     WHERE a.voided_at IS NULL
       AND CASE WHEN coalesce(s.expires_at, 'infinity') > s.opens_at
                THEN a.amount <> (SELECT carried_amount(o) FROM allotment o WHERE o.id = s.id)
                ELSE s.burned + a.amount > s.amount AND NOT (s.kind = 'included' AND a.amount <= n.rollover_min) END;
END;
COMMENT ON FUNCTION broken_lines() IS 'the rows of line_problems: the rule, what breaks it, and how';

CREATE VIEW line_problems WITH (security_invoker) AS SELECT * FROM broken_lines();
COMMENT ON VIEW line_problems IS
    'open fees and hours that are not what the lines of contracts give now, and what is carried over without being '
    'left; none in healthy books';
SELECT allow('controller', 'select', 'line_problems');
-- ---------------------------------------------------------------------------
-- figure problems: two ways to one figure agree
-- ---------------------------------------------------------------------------

-- A function: the plan of all these figures together would be compiled, which
-- takes longer than what it finds.  Figures are shown with two decimals: of
-- currencies that have more, sums of what is shown are not compared.
CREATE FUNCTION broken_figures() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE SET jit = off
BEGIN ATOMIC
    SELECT 'profit by whatever is the ledger''s' AS rule,
           format('%s %s', coalesce(f.dimension, l.dimension), coalesce(f.id, l.id)) AS subject,
           format('revenue %s, cost %s, the ledger has %s and %s', f.revenue, f.cost, l.revenue, l.cost) AS detail
      FROM profit_by f
      FULL JOIN (
        SELECT CASE 0 WHEN grouping(l.client_id) THEN 'client' WHEN grouping(l.contract_id) THEN 'contract'
                      WHEN grouping(l.project_id) THEN 'project' WHEN grouping(l.deal_id) THEN 'deal'
                      WHEN grouping(l.task_id) THEN 'task' WHEN grouping(l.employee_id) THEN 'employee'
                      WHEN grouping(l.direction_id) THEN 'direction' ELSE 'work_type' END AS dimension,
               coalesce(l.client_id, l.contract_id, l.project_id, l.deal_id, l.task_id, l.employee_id, l.direction_id,
                        l.work_type_id) AS id,
               coalesce(-sum(l.base_amount) FILTER (WHERE l.pnl_section = 'revenue'), 0)::numeric(18,2) AS revenue,
               coalesce(sum(l.base_amount) FILTER (WHERE l.pnl_section = 'direct'), 0)::numeric(18,2) AS cost
          FROM ledger_line l WHERE l.pnl_section IN ('revenue', 'direct')
         GROUP BY GROUPING SETS ((l.client_id), (l.contract_id), (l.project_id), (l.deal_id), (l.task_id),
                                 (l.employee_id), (l.direction_id), (l.work_type_id))) l
        ON l.dimension = f.dimension AND coalesce(l.id, 0) = coalesce(f.id, 0)
     WHERE (coalesce(f.revenue, 0), coalesce(f.cost, 0)) <> (coalesce(l.revenue, 0), coalesce(l.cost, 0))
    UNION ALL
    SELECT 'gross profit of a month is the P&L''s', iso(coalesce(f.month, p.month)),
           format('%s, the P&L has %s', f.profit, p.profit)
      FROM (SELECT month(x.fact_on) AS month, (sum(x.revenue) - sum(x.cost))::numeric(18,2) AS profit FROM fact x
             GROUP BY 1) f
      FULL JOIN (SELECT a.month, sum(a.amount) AS profit FROM pnl_article_month a
                  WHERE a.section IN ('revenue', 'direct') GROUP BY 1) p USING (month)
     CROSS JOIN setting s
     WHERE coalesce(f.profit, 0) <> coalesce(p.profit, 0) AND currency_exponent(s.base_currency) <= 2
    UNION ALL
    SELECT 'what was charged under a contract is the ledger''s', c.number,
           format('charged %s, the ledger has %s', c.charged, l.charged)
      FROM contract_card c
      LEFT JOIN (SELECT l.contract_id, l.currency, -sum(l.amount)::numeric(18,2) AS charged
                   FROM ledger_line l WHERE l.pnl_section = 'revenue' AND l.charge_id IS NOT NULL GROUP BY 1, 2) l
        ON l.contract_id = c.contract_id AND l.currency = c.currency
     WHERE c.charged <> coalesce(l.charged, 0)
    UNION ALL
    SELECT 'what came in under a contract is the ledger''s', c.number,
           format('receipts %s, the ledger has %s', c.receipts, l.receipts)
      FROM contract_card c
      LEFT JOIN (SELECT l.contract_id, l.currency, sum(l.amount)::numeric(18,2) AS receipts
                   FROM ledger_line l JOIN settling_article a USING (article_id)
                  WHERE l.kind = 'cash' AND l.payment_id IS NOT NULL GROUP BY 1, 2) l
        ON l.contract_id = c.contract_id AND l.currency = c.currency
     WHERE c.receipts <> coalesce(l.receipts, 0)
    UNION ALL
    -- in another currency the ledger has the cost of charges in the base currency alone
    SELECT 'the cost of a contract in the base currency is the ledger''s', c.number,
           format('cost %s, the ledger has %s', c.cost, p.cost)
      FROM contract_card c
      JOIN setting s ON s.base_currency = c.currency
      LEFT JOIN profit_by_contract p USING (contract_id)
     WHERE c.cost <> coalesce(p.cost, 0) OR c.uncosted_charges <> coalesce(p.uncosted, 0)
    UNION ALL
    SELECT 'a contract''s balance is its receipts less its charges, with tax', c.number,
           format('balance %s, receipts %s, charged %s, tax %s', c.balance, c.receipts, c.charged, c.tax)
      FROM contract_card c WHERE c.balance <> c.receipts - c.charged - c.tax
    UNION ALL
    SELECT 'closing cash is the balance of the cash accounts', x.currency,
           format('%s, the accounts hold %s', x.closing, x.held)
      FROM (SELECT f.currency, f.closing, coalesce(b.held, 0) AS held
              FROM (SELECT f.currency, sum(f.net) AS closing FROM cash_flow_month f GROUP BY 1) f
              LEFT JOIN (SELECT b.currency, sum(b.balance) AS held FROM account_balance b
                          WHERE b.kind = 'cash' GROUP BY 1) b USING (currency)) x
     WHERE x.closing <> x.held AND currency_exponent(x.currency) <= 2
    UNION ALL
    SELECT 'cash of a month is the same by article', format('%s %s', iso(m.month), m.currency),
           format('%s without transfers, %s by article', m.net - m.transfers, a.net)
      FROM cash_flow_month m
      FULL JOIN (SELECT a.month, a.currency, sum(a.receipts - a.payments) AS net FROM cash_flow_article_month a
                  WHERE a.section IS NOT NULL GROUP BY 1, 2) a USING (month, currency)
     WHERE coalesce(m.net - m.transfers, 0) <> coalesce(a.net, 0) AND currency_exponent(currency) <= 2;
END;
COMMENT ON FUNCTION broken_figures() IS 'the rows of figure_problems: the rule, what breaks it, the figures';

CREATE VIEW figure_problems WITH (security_invoker) AS SELECT * FROM broken_figures();
COMMENT ON VIEW figure_problems IS 'reports that do not agree with one another, none in healthy books';
SELECT allow('controller', 'select', 'figure_problems');
-- ---------------------------------------------------------------------------
-- check_books: the invariants that must hold at every moment
-- ---------------------------------------------------------------------------

-- SECURITY DEFINER: what row policies hide would be missed as if it were lost.
CREATE FUNCTION check_books() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
BEGIN ATOMIC
    SELECT * FROM ledger_problems
    UNION ALL SELECT * FROM payment_problems
    UNION ALL SELECT * FROM work_problems
    UNION ALL SELECT * FROM limit_problems
    UNION ALL SELECT * FROM rating_problems
    UNION ALL SELECT * FROM correction_problems
    UNION ALL SELECT * FROM figure_problems
    UNION ALL SELECT * FROM billing_problems
    UNION ALL SELECT * FROM line_problems
    UNION ALL SELECT * FROM document_problems
    UNION ALL SELECT * FROM match_problems
    UNION ALL SELECT 'what acts for the owner is not open to everybody', 'function ' || o.object,
                     'call grant_access() again' FROM open_function o;
END;
COMMENT ON FUNCTION check_books() IS
    'one row for each broken invariant: the rule, what breaks it, and the figures; empty in healthy books';
SELECT allow('controller', 'execute', 'check_books');
-- ---------------------------------------------------------------------------
-- plan: how the statements of functions are planned
--
-- The planner guesses by statistics that tables which were just loaded do not
-- have, and plans a saved statement anew for its first five calls.  What asks by
-- key, once or many times in a transaction, is told here to keep one plan and to
-- look rows up; no other file sets anything of the planner, but plan_for(), which
-- chooses by the number of rows.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_plan record;
    v_function regprocedure;
BEGIN
    FOR v_plan IN SELECT * FROM (VALUES
        -- A look-up by key: planning takes longer than the look-up itself.
        ('SET plan_cache_mode = force_generic_plan',
         '{pair_exchange,exchange,exchange_rate_on,contract_group,contract_zone,contract_lists,contract_terms,'
         'complete_dimension,grant_included,list_document,stamp_lists,stamp_terms,put_charges,put_entries,put_lines,'
         'put_documents,open_events}'),
        -- The same, of tables that grow while they are read: SERIALIZABLE remembers what a scan reads, and a
        -- scan of charge by each of many entries would be a product.
        ('SET plan_cache_mode = force_generic_plan SET enable_seqscan = off', '{hold}'),
        ('SET enable_seqscan = off', '{heed}'),
        ('SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_mergejoin = off',
         '{is_committed,allotment_state,add_use}'),
        -- Rows of one statement, each by its keys, whatever the planner knows of charge; foreign keys are
        -- checked by the same mode.
        ('SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_mergejoin = off '
         'SET enable_hashjoin = off',
         '{store_rating,replace_charges}'),
        ('SET plan_cache_mode = auto SET enable_seqscan = off SET enable_mergejoin = off', '{rate_sequence}')
        ) AS v (settings, names)
    LOOP
        FOR v_function IN
            SELECT p.oid FROM unnest(v_plan.names::name[]) n (name)
              LEFT JOIN pg_proc p ON p.proname = n.name AND p.pronamespace = quote_ident(current_schema())::regnamespace
        LOOP
            EXECUTE format('ALTER FUNCTION %s %s', v_function, v_plan.settings);
        END LOOP;
    END LOOP;
    -- plan_for() chooses for its caller: the choice ends with him, and is not left to the user's transaction.
    FOR v_function IN
        SELECT p.oid FROM pg_proc p
         WHERE p.pronamespace = quote_ident(current_schema())::regnamespace AND p.prosrc ~ 'PERFORM plan_for[(]'
           AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c ~ '^plan_cache_mode=')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = auto', v_function);
    END LOOP;
END $$;
-- ---------------------------------------------------------------------------
-- trigger: what fires on the tables, in the order in which it fires
--
-- Triggers of a kind fire by name, BEFORE ones first.  A new one is put here, where
-- its neighbours show what it comes after.  Those that keep the history are made by
-- watch(), those that tell rules by rule.sql.
-- ---------------------------------------------------------------------------

-- What is open follows its facts, a statement at a time.
CREATE FUNCTION follow(p_table text, p_function text, VARIADIC p_events text[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_event text;
BEGIN
    FOREACH v_event IN ARRAY p_events LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION %I()',
            format('%s_followed_%s', p_table, CASE v_event WHEN 'insert' THEN 'new' WHEN 'update' THEN 'changed'
                                              WHEN 'delete' THEN 'gone' END), v_event, p_table,
            concat_ws(' ', CASE WHEN v_event <> 'insert' THEN 'OLD TABLE AS old_rows' END,
                      CASE WHEN v_event <> 'delete' THEN 'NEW TABLE AS new_rows' END), p_function);
    END LOOP;
END $$;
COMMENT ON FUNCTION follow(text, text, text[]) IS
    'let a trigger function follow what statements insert, update or delete in a table, with new_rows and old_rows';

SELECT follow('exchange_rate', 'follow_exchange_rates', 'insert', 'update', 'delete'),
       follow('cost_rate', 'follow_cost_rates', 'insert', 'update', 'delete'),
       follow('work_type', 'follow_kinds', 'update'), follow('project', 'follow_kinds', 'update'),
       follow('contract', 'follow_contracts', 'insert', 'update'),
       follow('contract_line', 'follow_lines', 'insert', 'update'),
       follow('allotment', 'follow_allotments', 'update'),
       follow('task_item', 'price_tasks', 'insert', 'update', 'delete');

-- What the functions of the books alone write.
DO $$
DECLARE
    v_table record;
BEGIN
    FOR v_table IN
        SELECT * FROM (VALUES
            ('account_role', 'What the books post to is part of the books.'),
            ('billing_period', 'close_period() closes a period, reopen_period() opens the last closed one.'),
            ('concession_month', 'It is the sum of what concession holds.'),
            ('document_kind', 'What kinds of documents there are is part of the books.'),
            ('document_state', 'What statuses mean is part of the books.'),
            ('rating_problem', 'It says what rating found; mend what it names and the row goes by itself.'),
            ('recheck', 'It holds what make_corrections() is to look at.'),
            ('share_link', 'share() makes a link, revoke_share() ends it.')
        ) AS t (name, hint)
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OR DELETE ON %I '
                       'FOR EACH ROW EXECUTE FUNCTION own_table(%L)',
                       v_table.name || '_owned', v_table.name, v_table.hint);
    END LOOP;
END $$;

-- history
CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('History is what it is; add a row if something has to be '
                                                      'explained.');
CREATE TRIGGER history_owned BEFORE INSERT ON history
    FOR EACH ROW EXECUTE FUNCTION own_table('It follows what is done to the tables that watch() was called for.');

-- currency_code
CREATE TRIGGER currency_code_kept BEFORE UPDATE OF exponent ON currency_code
    FOR EACH ROW WHEN (NEW.exponent <> OLD.exponent) EXECUTE FUNCTION keep_meaning('exponent');

-- setting
CREATE TRIGGER setting_kept BEFORE UPDATE ON setting
    FOR EACH ROW EXECUTE FUNCTION keep_setting();
CREATE TRIGGER setting_stays BEFORE DELETE OR TRUNCATE ON setting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('The books cannot be without their settings; change them '
                                                      'instead.');

-- direction
CREATE TRIGGER direction_named BEFORE DELETE OR UPDATE OF id ON direction
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- party
CREATE TRIGGER party_checked BEFORE INSERT OR UPDATE OR DELETE ON party
    FOR EACH ROW EXECUTE FUNCTION check_party();
CREATE TRIGGER party_named BEFORE DELETE OR UPDATE OF id ON party
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- employee
CREATE TRIGGER employee_named BEFORE DELETE OR UPDATE OF id ON employee
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- project
CREATE TRIGGER project_client_kept BEFORE UPDATE OF client_id ON project
    FOR EACH ROW WHEN (NEW.client_id <> OLD.client_id) EXECUTE FUNCTION keep_client();
CREATE TRIGGER project_disposed BEFORE INSERT ON project
    FOR EACH ROW WHEN (NEW.billable <> 'billable') EXECUTE FUNCTION check_disposition();
CREATE TRIGGER project_disposition_changed BEFORE UPDATE OF billable ON project
    FOR EACH ROW WHEN (NEW.billable IS DISTINCT FROM OLD.billable AND NEW.billable IS DISTINCT FROM 'billable')
        EXECUTE FUNCTION check_disposition();
CREATE TRIGGER project_named BEFORE DELETE OR UPDATE OF id ON project
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- deal
CREATE TRIGGER deal_amount_exact BEFORE INSERT OR UPDATE ON deal
    FOR EACH ROW EXECUTE FUNCTION check_exact('amount');
CREATE TRIGGER deal_fits BEFORE INSERT OR UPDATE OF client_id, project_id ON deal
    FOR EACH ROW EXECUTE FUNCTION check_deal_project();
CREATE TRIGGER deal_named BEFORE DELETE OR UPDATE OF id ON deal
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- work_type
CREATE TRIGGER work_type_named BEFORE DELETE OR UPDATE OF id ON work_type
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- task
CREATE TRIGGER task_disposed BEFORE INSERT ON task
    FOR EACH ROW WHEN (NEW.billable <> 'billable') EXECUTE FUNCTION check_disposition();
CREATE TRIGGER task_disposition_changed BEFORE UPDATE OF billable ON task
    FOR EACH ROW WHEN (NEW.billable IS DISTINCT FROM OLD.billable AND NEW.billable IS DISTINCT FROM 'billable')
        EXECUTE FUNCTION check_disposition();
CREATE TRIGGER task_deal_fits BEFORE INSERT OR UPDATE OF project_id, deal_id, deal_stage_id, contract_id ON task
    FOR EACH ROW WHEN (num_nonnulls(NEW.deal_id, NEW.deal_stage_id, NEW.contract_id) > 0)
        EXECUTE FUNCTION check_task_deal();
CREATE TRIGGER task_named BEFORE DELETE OR UPDATE OF id ON task
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER task_followed AFTER UPDATE ON task REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_tasks();

-- item
CREATE TRIGGER item_named BEFORE DELETE OR UPDATE OF id ON item
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- price_list
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON price_list
    FOR EACH ROW EXECUTE FUNCTION own_columns('revision: The books count what changes of the list.');
CREATE TRIGGER price_list_alone BEFORE INSERT OR UPDATE OF client_id, currency, is_default ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_price_list_alone();
CREATE TRIGGER price_list_conceded BEFORE INSERT OR UPDATE OF discount_pct ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER price_list_named BEFORE DELETE OR UPDATE OF id ON price_list
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER price_list_revised BEFORE UPDATE OF name, parent_id, discount_pct ON price_list
    FOR EACH ROW
    WHEN ((NEW.name, NEW.parent_id, NEW.discount_pct) IS DISTINCT FROM (OLD.name, OLD.parent_id, OLD.discount_pct))
        EXECUTE FUNCTION revise_price_list();
CREATE TRIGGER price_list_tree AFTER INSERT OR UPDATE OF parent_id, currency ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_price_list();

-- price
CREATE TRIGGER price_conceded BEFORE INSERT OR UPDATE OF discount_pct ON price
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER price_cut BEFORE INSERT OR UPDATE OR DELETE ON price
    FOR EACH ROW EXECUTE FUNCTION check_price_cut();
CREATE TRIGGER price_has_effect BEFORE INSERT ON price
    FOR EACH ROW WHEN (NEW.price IS NULL AND NEW.discount_pct IS NULL) EXECUTE FUNCTION check_price_effect();
CREATE TRIGGER price_revised_new AFTER INSERT ON price REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION revise_price_lists();
CREATE TRIGGER price_revised_changed AFTER UPDATE ON price REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION revise_price_lists();
CREATE TRIGGER price_revised_gone AFTER DELETE ON price REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION revise_price_lists();

-- calendar_band
CREATE TRIGGER calendar_band_checked_on_insert AFTER INSERT ON calendar_band
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION check_calendar_bands();
CREATE TRIGGER calendar_band_checked_on_update AFTER UPDATE ON calendar_band
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION check_calendar_bands();

-- contract
CREATE TRIGGER contract_bound_changed BEFORE UPDATE ON contract
    FOR EACH ROW
    WHEN ((NEW.client_id, NEW.currency, NEW.period, NEW.anchor_day, NEW.anchor_month, NEW.parent_id, NEW.project_id,
           NEW.status, NEW.starts_on, NEW.ends_on) IS DISTINCT FROM
          (OLD.client_id, OLD.currency, OLD.period, OLD.anchor_day, OLD.anchor_month, OLD.parent_id, OLD.project_id,
           OLD.status, OLD.starts_on, OLD.ends_on))
    EXECUTE FUNCTION lock_contract_parties();
CREATE TRIGGER contract_bound_new BEFORE INSERT ON contract
    FOR EACH ROW WHEN (num_nonnulls(NEW.parent_id, NEW.project_id) > 0) EXECUTE FUNCTION lock_contract_parties();
CREATE TRIGGER contract_cap_exact BEFORE INSERT OR UPDATE OF cap_amount, period_cap_amount, minimum_charge, currency
    ON contract FOR EACH ROW EXECUTE FUNCTION check_exact('cap_amount', 'period_cap_amount', 'minimum_charge');
CREATE TRIGGER contract_conceded BEFORE INSERT OR UPDATE OF discount_pct ON contract
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER contract_ended BEFORE INSERT OR UPDATE OF status, ends_on ON contract
    FOR EACH ROW WHEN (NEW.status IN ('ended', 'cancelled') AND NEW.ends_on IS NULL) EXECUTE FUNCTION end_contract();
CREATE TRIGGER contract_fits AFTER INSERT OR UPDATE ON contract
    FOR EACH ROW EXECUTE FUNCTION check_contract();

-- contract_line
CREATE TRIGGER contract_line_completed BEFORE INSERT OR UPDATE ON contract_line
    FOR EACH ROW EXECUTE FUNCTION complete_line();
CREATE TRIGGER contract_line_exact BEFORE INSERT OR UPDATE ON contract_line
    FOR EACH ROW EXECUTE FUNCTION check_exact('amount', 'cost', 'included_amount');
CREATE TRIGGER contract_line_fits AFTER INSERT OR UPDATE ON contract_line
    FOR EACH ROW EXECUTE FUNCTION check_line();

-- allotment
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON allotment
    FOR EACH ROW EXECUTE FUNCTION own_columns('voided_at: void_block() takes an allotment back.',
                                              'charge_id: add_block() charges what it sells.');
CREATE TRIGGER allotment_burned BEFORE UPDATE OF amount, unit, contract_id ON allotment
    FOR EACH ROW EXECUTE FUNCTION keep_burned();

-- billing_period
CREATE TRIGGER billing_period_not_truncated BEFORE TRUNCATE ON billing_period
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('reopen_period() opens the last closed one.');

-- time_entry
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON time_entry
    FOR EACH ROW EXECUTE FUNCTION own_columns('approved_at: approve_entries() approves work.',
                                              'approved_by: approve_entries() approves work.',
                                              'created_at', 'created_by');
CREATE TRIGGER time_entry_changed_unseen BEFORE UPDATE ON time_entry
    FOR EACH ROW
    WHEN (OLD.approved_at = NEW.approved_at
          AND (NEW.employee_id, NEW.task_id, NEW.work_type_id, NEW.contract_id, NEW.started_at, NEW.ended_at,
               NEW.break_s, NEW.work_date, NEW.duration_s, NEW.billable, NEW.billable_s, NEW.price)
              IS DISTINCT FROM
              (OLD.employee_id, OLD.task_id, OLD.work_type_id, OLD.contract_id, OLD.started_at, OLD.ended_at,
               OLD.break_s, OLD.work_date, OLD.duration_s, OLD.billable, OLD.billable_s, OLD.price))
    EXECUTE FUNCTION withdraw_approval();
CREATE TRIGGER time_entry_named BEFORE UPDATE OF id ON time_entry
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER time_entry_not_truncated BEFORE TRUNCATE ON time_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Delete the entries that are not billed; correct_entry() takes '
                                                      'billed ones back.');
CREATE TRIGGER time_entry_overridden BEFORE INSERT ON time_entry
    FOR EACH ROW WHEN (num_nonnulls(NEW.price, NEW.billable, NEW.billable_s) > 0) EXECUTE FUNCTION check_override();
CREATE TRIGGER time_entry_override_changed BEFORE UPDATE OF price, billable, billable_s ON time_entry
    FOR EACH ROW
    WHEN ((NEW.price, NEW.billable, NEW.billable_s) IS DISTINCT FROM (OLD.price, OLD.billable, OLD.billable_s))
    EXECUTE FUNCTION check_override();
CREATE TRIGGER time_entry_rated_changed AFTER UPDATE ON time_entry
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rate_changed_entries();
CREATE TRIGGER time_entry_rated_new AFTER INSERT ON time_entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rate_changed_entries();
CREATE TRIGGER time_entry_unrated AFTER DELETE ON time_entry REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION unrate_deleted_entries();

-- rejected_entry
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON rejected_entry
    FOR EACH ROW EXECUTE FUNCTION own_columns('rejected_at');

-- terms
CREATE TRIGGER terms_append_only BEFORE UPDATE OR TRUNCATE ON terms
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Terms are stamped on charges; change the contract or its price '
                                                      'lists instead.');
CREATE TRIGGER terms_owned BEFORE INSERT OR DELETE ON terms
    FOR EACH ROW EXECUTE FUNCTION own_table('Terms are stamped on charges; change the contract or its price lists '
                                            'instead.');

-- list_snapshot
CREATE TRIGGER list_snapshot_append_only BEFORE UPDATE OR TRUNCATE ON list_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Terms name it; change the price list instead.');
CREATE TRIGGER list_snapshot_owned BEFORE INSERT OR DELETE ON list_snapshot
    FOR EACH ROW EXECUTE FUNCTION own_table('Terms name it; change the price list instead.');

-- charge
CREATE TRIGGER charge_frozen BEFORE UPDATE OR DELETE ON charge
    FOR EACH ROW WHEN (OLD.frozen_at IS NOT NULL) EXECUTE FUNCTION guard_charge();
CREATE TRIGGER charge_named BEFORE UPDATE OF id ON charge
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER charge_not_truncated BEFORE TRUNCATE ON charge
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Delete the time entries that are not billed; correct_entry() '
                                                      'takes billed ones back.');
CREATE TRIGGER charge_leaves_lines BEFORE DELETE ON charge
    FOR EACH ROW WHEN (OLD.frozen_at IS NULL) EXECUTE FUNCTION leave_lines();
-- last of the row triggers, so that what is frozen says so
CREATE TRIGGER charge_owned BEFORE INSERT OR UPDATE OR DELETE ON charge
    FOR EACH ROW EXECUTE FUNCTION own_table('Charges follow the work: change the time entry, the task or the contract, '
                                            'or use charge_item() and adjust_charge().');

-- account
CREATE TRIGGER account_kept BEFORE UPDATE OR DELETE ON account
    FOR EACH ROW EXECUTE FUNCTION keep_account();
CREATE TRIGGER account_in_section AFTER INSERT OR UPDATE OF line ON account
    FOR EACH STATEMENT EXECUTE FUNCTION check_statement_lines();

-- statement_line
CREATE TRIGGER statement_line_checked AFTER INSERT OR UPDATE OR DELETE ON statement_line
    FOR EACH STATEMENT EXECUTE FUNCTION check_statement_lines();

-- period_lock
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON period_lock
    FOR EACH ROW EXECUTE FUNCTION own_columns('locked_at', 'locked_by');
CREATE TRIGGER period_lock_waits BEFORE INSERT OR UPDATE ON period_lock
    FOR EACH STATEMENT EXECUTE FUNCTION await_posting();

-- event
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Post a reversal: reverse_event(event_id, key).');
CREATE TRIGGER event_owned BEFORE INSERT ON event
    FOR EACH ROW EXECUTE FUNCTION own_table('post() posts an event.');

-- entry
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Post a reversal: reverse_event(event_id, key).');
CREATE TRIGGER entry_owned BEFORE INSERT ON entry
    FOR EACH ROW EXECUTE FUNCTION own_table('post() posts entries.');
CREATE TRIGGER entry_checked AFTER INSERT ON entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_entries();

-- cash_account
CREATE TRIGGER cash_account_kept BEFORE UPDATE OF currency, account_id ON cash_account
    FOR EACH ROW WHEN ((NEW.currency, NEW.account_id) IS DISTINCT FROM (OLD.currency, OLD.account_id))
        EXECUTE FUNCTION keep_meaning('currency and account');
CREATE TRIGGER cash_account_opened BEFORE INSERT ON cash_account
    FOR EACH ROW EXECUTE FUNCTION open_cash_account();

-- payment
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION own_columns('revision', 'made_from: record_payment() keeps it.');
CREATE TRIGGER payment_checked BEFORE INSERT OR UPDATE OR DELETE ON payment
    FOR EACH ROW EXECUTE FUNCTION check_payment();
CREATE TRIGGER payment_completed BEFORE INSERT OR UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION complete_payment();
CREATE TRIGGER payment_kept BEFORE DELETE ON payment
    FOR EACH ROW WHEN (OLD.status <> 'planned') EXECUTE FUNCTION refuse_posted_payment();
CREATE TRIGGER payment_named BEFORE UPDATE OF id ON payment
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER payment_not_truncated BEFORE TRUNCATE ON payment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Set the status of payments to void: that posts the reversals.');
CREATE TRIGGER payment_followed_changed AFTER UPDATE ON payment
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_payments();
CREATE TRIGGER payment_followed_new AFTER INSERT ON payment REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_payments();

-- notification
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON notification
    FOR EACH ROW EXECUTE FUNCTION own_columns('created_at');

-- number_series
CREATE TRIGGER number_series_kept BEFORE UPDATE OR DELETE ON number_series
    FOR EACH ROW EXECUTE FUNCTION guard_number_series();

-- document
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON document
    FOR EACH ROW EXECUTE FUNCTION own_columns('status_by: transition() says it.',
                                              'status_said_by: transition() says it.',
                                              'revision: revise() makes the next one.',
                                              'created_at', 'created_by');
CREATE TRIGGER document_guarded BEFORE INSERT OR UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION guard_document();
CREATE TRIGGER document_not_truncated BEFORE TRUNCATE ON document
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('discard() deletes a draft, void() takes back what was issued.');
CREATE TRIGGER document_followed AFTER INSERT OR UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION follow_document();

-- document_line
CREATE TRIGGER document_line_not_truncated BEFORE TRUNCATE ON document_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('discard() deletes a draft, void() takes back what was issued.');
CREATE TRIGGER document_line_checked_changed AFTER UPDATE ON document_line
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_document_lines();
CREATE TRIGGER document_line_checked_gone AFTER DELETE ON document_line REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_document_lines();
CREATE TRIGGER document_line_checked_new AFTER INSERT ON document_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_document_lines();

-- document_status_change
CREATE TRIGGER document_status_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_status_change
    FOR EACH STATEMENT
        EXECUTE FUNCTION refuse_change('The history of a document stays; its next step is transition().');
CREATE TRIGGER document_status_change_owned BEFORE INSERT ON document_status_change
    FOR EACH ROW EXECUTE FUNCTION own_table('The next step of a document is transition().');
CREATE TRIGGER document_status_change_told AFTER INSERT ON document_status_change REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tell_steps();

-- concession
CREATE TRIGGER concession_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON concession
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('What was given away is what it is; write it up again with '
                                                      'adjust_charge().');
CREATE TRIGGER concession_owned BEFORE INSERT ON concession
    FOR EACH ROW EXECUTE FUNCTION own_table('adjust_charge(), credit() and correct_entry() keep what they give away.');

-- payment_allocation
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON payment_allocation
    FOR EACH ROW EXECUTE FUNCTION own_columns('allocated_at', 'allocated_by');
CREATE TRIGGER payment_allocation_followed_changed AFTER UPDATE ON payment_allocation
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_allocations();
CREATE TRIGGER payment_allocation_followed_gone AFTER DELETE ON payment_allocation REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_allocations();
CREATE TRIGGER payment_allocation_followed_new AFTER INSERT ON payment_allocation REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_allocations();

-- brand
CREATE TRIGGER brand_owner BEFORE INSERT OR UPDATE OF own_id ON brand
    FOR EACH ROW EXECUTE FUNCTION check_page_owner();

-- template
CREATE TRIGGER template_body BEFORE INSERT OR UPDATE OF kind, body ON template
    FOR EACH ROW EXECUTE FUNCTION check_template_body();
CREATE TRIGGER template_owner BEFORE INSERT OR UPDATE OF own_id ON template
    FOR EACH ROW EXECUTE FUNCTION check_page_owner();
-- ---------------------------------------------------------------------------
-- rule: what the tables refuse is told in words
--
-- The CHECK constraints and foreign keys are the rules.  The triggers below
-- read them from the catalog, so that a new column is told like the old ones:
-- lists of words and bounds tell themselves, every other rule has its way out
-- as a comment, which is the HINT.  Unique keys are refused by the server; what
-- to do about them is a comment too.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_rule record;
BEGIN
    FOR v_rule IN SELECT * FROM (VALUES
        ('access_rule', 'access_rule_columns_one_way', 'Give columns or but, or neither for all of them.'),
        ('currency_code', 'currency_code_iso', 'A currency is its three capital letters of ISO 4217.'),
        ('setting', 'setting_one_row', 'Settings are one row; update it.'),
        ('exchange_rate', 'exchange_rate_two_currencies', 'A currency has no rate to itself.'),
        ('party', 'party_named', 'Give the name.'),
        ('party', 'party_requisites_object', 'Requisites are a JSON object: {"iban": "…"}.'),
        ('employee', 'employee_named', 'Give the name.'),
        ('employee', 'employee_zone_known', 'Give a name of pg_timezone_names, as Europe/Kyiv.'),
        ('cost_rate', 'cost_rate_subject', 'Give employee_id or role, one of the two.'),
        ('project', 'project_named', 'Give the name.'),
        ('deal', 'deal_amount_number', 'Give a number, or no amount.'),
        ('document_line', 'document_line_amount_number', 'Give a number.'),
        ('document_line', 'document_line_quantity_number', 'Give a number.'),
        ('deal', 'deal_dates_in_order', 'Give an ends_on on or after starts_on.'),
        ('deal_stage', 'deal_stage_dates_in_order', 'Give an ends_on on or after starts_on.'),
        ('price_list', 'price_list_not_own_parent', 'Choose another list as parent_id.'),
        ('price', 'price_employee_or_role', 'Give employee_id or role, or neither; two positions price both.'),
        ('price', 'price_item_for_all', 'Give no role and employee_id; an item has one price, whoever delivers it.'),
        ('price', 'price_item_or_work', 'Give item_id or work_type_id, or neither; a position is about one of them.'),
        ('calendar', 'calendar_name_not_empty', 'Give the name.'),
        ('calendar', 'calendar_zone_known', 'Give a name of pg_timezone_names, as Europe/Kyiv.'),
        ('calendar_band', 'calendar_band_closed_is_a_day',
         'Only a date can be closed; a weekday without bands needs no row.'),
        ('calendar_band', 'calendar_band_name_1_to_63_bytes', 'Give a name of 1 to 63 bytes.'),
        ('calendar_band', 'calendar_band_weekday_or_day', 'Give isodow, for each such weekday, or day, for one date.'),
        ('calendar_band', 'calendar_band_whole_or_closed',
         'Give starts, ends and band, or none of them for a closed date.'),
        ('calendar_band', 'calendar_band_whole_seconds', 'Give times of whole seconds.'),
        ('contract', 'contract_companion_claims_bands',
         'A companion names the bands it takes: bands = ''{after_hours}''.'),
        ('contract', 'contract_dates_in_order', 'Give an ends_on on or after starts_on.'),
        ('contract', 'contract_not_own_parent', 'Name the base contract as parent_id.'),
        ('contract', 'contract_not_own_renewal', 'Name the contract that is renewed as renews_id.'),
        ('contract', 'contract_round_grace_range', 'Give a round_grace_s of 0 or more and below round_increment_s.'),
        ('contract', 'contract_round_maximum_range', 'Give a round_maximum_s of round_minimum_s or more, or none.'),
        ('contract_line', 'contract_line_accepted_dated', 'accept_stage(line, day) sets both status and accepted_on.'),
        ('contract_line', 'contract_line_dates_in_order',
         'Give an ends_on on or after starts_on, or the day before it for a line that never was.'),
        ('contract_line', 'contract_line_not_own_heir', 'Name the line that is replaced as replaces_id.'),
        ('contract_line', 'contract_line_included_once', 'Give included_s or included_amount; two lines include both.'),
        ('contract_line', 'contract_line_rollover_max_range', 'Give a rollover_max of rollover_min or more.'),
        ('payment_allocation', 'payment_allocation_amount',
         'Give an amount with the sign of the document: below 0 only for a bill below zero.'),
        ('allotment', 'allotment_amount_positive', 'Give an amount above 0; only what is carried over may be 0.'),
        ('allotment', 'allotment_dates_in_order', 'Give an expires_at after effective_at.'),
        ('allotment', 'allotment_whole_seconds', 'Give whole seconds.'),
        ('time_entry', 'time_entry_clock_or_date', 'Give started_at and ended_at, or work_date and duration_s.'),
        ('time_entry', 'time_entry_date_finite', 'Give a real day.'),
        ('time_entry', 'time_entry_end_after_start',
         'Give an ended_at on or after started_at; an entry over midnight has the next day''s date there.'),
        ('time_entry', 'time_entry_end_finite', 'Give a real instant; what is under way is logged when it ends.'),
        ('time_entry', 'time_entry_override_explained',
         'Say why in override_reason: billable, billable_s and price go before the contract''s rules.'),
        ('time_entry', 'time_entry_start_finite', 'Give a real instant.'),
        ('time_entry', 'time_entry_worked_not_negative', 'Give a break_s no longer than from started_at to ended_at.'),
        ('account', 'account_line_fits',
         'Articles (kind income or expense) have a line of the P&L, other accounts none.'),
        ('statement_line', 'statement_line_formula_of_two', 'Give two lines: the first in per cent of the second.'),
        ('statement_line', 'statement_line_sign_known', 'Give 1 or -1.'),
        ('statement_line', 'statement_line_statement_known', 'The statement is pnl.'),
        ('payment', 'payment_accrual_finite', 'Give a real day.'),
        ('payment', 'payment_date_finite', 'Give a real day.'),
        ('payment', 'payment_has_article',
         'Say what the money is for: the article, a code of table account, as revenue or rent.'),
        ('payment', 'payment_posted_on_account', 'Name the cash account that it came to or went from.'),
        ('payment', 'payment_transfer_has_target', 'A transfer names to_cash_account_id, other payments do not.'),
        ('notification', 'notification_payload_object', 'The payload is a JSON object.'),
        ('number_series', 'number_series_next_in_order', 'Give a next_no of first_no or more.'),
        ('number_series', 'number_series_pattern_counts',
         'Put the counter into the pattern: {####}, one # for each digit.'),
        ('document_state', 'document_state_means_known', 'Give words of the columns beside it, or filed.'),
        ('document', 'document_adds_up', 'Give a gross of net and tax.'),
        ('document', 'document_bill_names_its_number', 'Give the number that its sender gave it as outside_number.'),
        ('document', 'document_meaning_of_credit', 'credit() makes credit notes and says what they mean.'),
        ('document', 'document_dates_in_order',
         'Give a period_to on or after period_from and a due_on on or after issued_on.'),
        ('document', 'document_draft_has_no_number', 'Numbers are given at issue: transition(document, ''sent'').'),
        ('document', 'document_due_date_finite', 'Give a real day.'),
        ('document', 'document_issue_date_finite', 'Give a real day.'),
        ('document', 'document_issued_has_number', 'transition(document, ''sent'') issues a draft with its number.'),
        ('document', 'document_numbered_whole', 'Numbers are given at issue: transition(document, ''sent'').'),
        ('document', 'document_one_discount', 'Give discount_pct or discount_amount.'),
        ('document', 'document_sign_dated', 'set_signature() sets both sign_status and sign_at.'),
        ('document', 'document_signature_size', 'Give an image of up to 1 MB (1048576 bytes).'),
        ('document', 'document_signature_whole', 'Give the image and its type together.'),
        ('document', 'document_stamped', 'transition(document, ''sent'') issues a draft with its figures.'),
        ('document_line', 'document_line_adds_up', 'Give a gross of net and tax.'),
        ('document_line', 'document_line_claims_charge',
         'Lines of reports and invoices keep charges: build_report(), build_invoice().'),
        ('document_line', 'document_line_credit_negative', 'credit() makes credit notes.'),
        ('document_line', 'document_line_credit_reverses',
         'credit() makes credit notes, which name the lines they reverse.'),
        ('document_line', 'document_line_free_has_title', 'Give the title.'),
        ('document_line', 'document_line_release_whole', 'void() and credit() set charges free.'),
        ('document_line', 'document_line_report_claims', 'Lines of reports keep their charges: build_report().'),
        ('document_line', 'document_line_work_has_charge',
         'Reports and invoices are made of charges: build_report(), build_invoice().'),
        ('share_link', 'share_link_digest_size', 'share() makes links.'),
        ('share_link', 'share_link_expires_later', 'share(document, ttl) makes links that live for a time.'),
        ('page_label', 'page_label_name_fits', 'Give a name of letters, digits and _ that begins with a small letter.'),
        ('brand', 'brand_accent_rgb', 'Give a colour as #1f5673.'),
        ('brand', 'brand_ink_rgb', 'Give a colour as #1d252c.'),
        ('brand', 'brand_logo_image', 'Give a data: URI of a PNG, JPEG or SVG image in base64.'),
        ('brand', 'brand_logo_size', 'Give a logo of up to 700000 bytes.'),
        ('brand', 'brand_named', 'Give the name.'),
        -- keys that name a word: the words are listed before this
        ('payment', 'payment_article_fkey', 'An article of your own is a row of table account.'),
        ('document_line', 'document_line_article_fkey', 'An article of your own is a row of table account.'),
        -- unique keys: the server names them
        ('employee', 'employee_email_key',
         'An e-mail address is one employee''s; employee_login takes further logins.'),
        ('cost_rate', 'cost_rate_key',
         'This employee or role has a rate from that day on: update it, or give another valid_from.'),
        ('deal_stage', 'deal_stage_key', 'Give each stage of a deal its own position.'),
        ('price', 'price_key',
         'This position is there from that day on: set_price() sets it anew; another valid_from adds a later price.'),
        ('price_list', 'price_list_code_key', 'Give another code, or add positions to the list that has it.'),
        ('contract', 'contract_number_key', 'Give another number, or update the contract that has it.'),
        ('contract', 'contract_renews_key', 'A contract is renewed by one other: that one has it as renews_id.'),
        ('contract_line', 'contract_line_replaces_key',
         'A line is replaced by one other: that one has it as replaces_id.'),
        ('band_rule', 'band_rule_key', 'The contract has a rule for this band and role: update it.'),
        ('task_item', 'task_item_key', 'The task has this item: raise its quantity.'),
        ('task_item', 'task_item_named', 'Name an item; what a specification agrees comes by itself.'),
        ('account', 'account_code_key', 'Give another code, or use the account that has it.'),
        ('cash_account', 'cash_account_name_key', 'Give another name, or use the account that has it.'),
        ('payment', 'payment_external_key', 'The payment was entered before; record_payment() returns it.'),
        ('payment', 'payment_bank_ref_key', 'The bank''s payment was entered before; record_payment() returns it.'),
        ('time_entry', 'time_entry_external_key', 'The entry was logged before; ingest_entries() updates it.'),
        ('party', 'party_external_key',
         'The outside system''s party is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('project', 'project_external_key',
         'The outside system''s project is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('deal', 'deal_external_key',
         'The outside system''s deal is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('task', 'task_external_key',
         'The outside system''s task is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('contract', 'contract_external_key',
         'The outside system''s contract is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('payment_allocation', 'payment_allocation_key',
         'The payment settles this document already: allocate_payment() adds to it, unallocate() takes it back.')
    ) AS v (table_name, constraint_name, sentence)
    LOOP
        EXECUTE format('COMMENT ON CONSTRAINT %I ON %I IS %L', v_rule.constraint_name, v_rule.table_name,
                       v_rule.sentence);
    END LOOP;
END $$;

DO $$
DECLARE
    -- Rows that the functions of the books alone write.
    c_written_by_us CONSTANT text[] := ARRAY['charge', 'entry', 'event', 'terms', 'history', 'document_status_change',
                                             'billing_period', 'rating_problem'];
    -- A trigger after each row costs a bulk load a twentieth of its time; whom and
    -- what an entry names the server says well enough.
    c_hot CONSTANT text[] := '{time_entry}';
    v_table record;
BEGIN
    FOR v_table IN
        SELECT c.oid::regclass AS name, bool_or(r.contype = 'c') AS checks,
               bool_or(r.contype = 'f') AND c.relname <> ALL (c_hot) AS keys
          FROM pg_class c JOIN pg_constraint r ON r.conrelid = c.oid
         WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = current_schema())
           AND c.relkind = 'r'
           AND c.relname <> ALL (c_written_by_us)
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                                     AND d.deptype = 'e')
         GROUP BY c.oid ORDER BY c.relname
    LOOP
        -- Triggers of a kind fire by name: the first after all others, the
        -- second before the server's, whose names begin with RI_.
        IF v_table.checks THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER zz_check_told BEFORE INSERT OR UPDATE ON %s '
                           'FOR EACH ROW EXECUTE FUNCTION finance.tell_check()', v_table.name);
        END IF;
        IF v_table.keys THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER "A_key_told" AFTER INSERT OR UPDATE ON %s '
                           'FOR EACH ROW EXECUTE FUNCTION finance.tell_key()', v_table.name);
        END IF;
    END LOOP;
END $$;

CREATE VIEW rule WITH (security_invoker) AS
    SELECT c.relname::text AS table_name, a.names AS column_names, r.conname::text AS constraint_name,
           CASE r.contype WHEN 'u' THEN 'unique' WHEN 'f' THEN 'refers to' WHEN 'p' THEN 'key'
                          ELSE CASE WHEN w.words IS NULL THEN 'check' ELSE 'words' END END AS kind,
           w.words, pg_get_constraintdef(r.oid, true) AS definition, obj_description(r.oid, 'pg_constraint') AS way_out
      FROM pg_constraint r
      JOIN pg_class c ON c.oid = r.conrelid
     CROSS JOIN LATERAL (SELECT string_agg(a.attname, ', ' ORDER BY k.no) AS names
                           FROM unnest(r.conkey) WITH ORDINALITY k (attnum, no)
                           JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = k.attnum) a
     CROSS JOIN LATERAL (SELECT CASE WHEN r.contype = 'c'
                         AND pg_get_constraintdef(r.oid) ~ '^CHECK \(\("?[a-z_]+"? = ANY '
                                                           '\(ARRAY\[(''[a-z0-9_/]+''::"?text"?(, )?)+\]\)\)\)$'
                                     THEN ARRAY(SELECT m.part[1] FROM regexp_matches(pg_get_constraintdef(r.oid),
                                         '''([^'']+)''::"?text', 'g') m (part)) END AS words) w
     WHERE c.relnamespace = (SELECT s.relnamespace FROM pg_class s WHERE s.oid = 'setting'::regclass)
       AND c.relkind = 'r' AND r.contype IN ('c', 'u', 'f', 'p');
COMMENT ON VIEW rule IS
    'the rules of the tables, as the catalog has them: one row for each CHECK (kind words: the words that a column '
    'takes; check), unique key, primary key and reference; way_out is what to do when it is broken. Made for forms and '
    'drop-down lists, too';
SELECT allow('reader', 'select', 'rule');
-- ---------------------------------------------------------------------------
-- explain: what the columns say
--
-- A name means one thing in all of the books, so it is explained once, in
-- this room; "table.column" where it means more than that.  A column that
-- nothing explains stops the books from being made (column_all.sql).
-- Times ending in _s are seconds, hours are hundredths of an hour; columns
-- ending in _pct are percent points: 20 is 20 per cent.
-- ---------------------------------------------------------------------------

-- A line that begins with a blank goes on with the one before.
CREATE FUNCTION explain_columns(p_words text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        WITH word AS (
            SELECT split_part(w, ': ', 1) AS name, substr(w, length(split_part(w, ': ', 1)) + 3) AS words
              FROM string_to_table(regexp_replace(p_words, chr(10) || ' +', ' ', 'g'), chr(10)) w WHERE w <> ''
        )
        SELECT c.relname, a.attname, coalesce(t.words, n.words) AS words
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN word t ON t.name = c.relname || '.' || a.attname
          LEFT JOIN word n ON n.name = a.attname
         WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'v')
           AND coalesce(t.words, n.words) IS DISTINCT FROM col_description(c.oid, a.attnum)
           AND coalesce(t.words, n.words) IS NOT NULL
           AND NOT EXISTS (SELECT FROM code_object u
                            WHERE u.kind = 'view' AND u.object = format('%I', c.relname) AND NOT u.ours)
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', v_column.relname, v_column.attname, v_column.words);
    END LOOP;
END $$;
COMMENT ON FUNCTION explain_columns(text) IS
    'comment on columns of the books: a line for each name or table.column, a colon, and what it is';
-- ---------------------------------------------------------------------------
-- gone: views that this version does not make any more
--
-- anew.sql left them because something hung on them; what hung there was made
-- anew without them, or is a user's own and keeps them.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_view record;
    v_any boolean := true;
BEGIN
    WHILE v_any LOOP
        v_any := false;
        FOR v_view IN
            SELECT f.object
              FROM code_found() f
              JOIN code_object o USING (kind, object)
             WHERE f.kind = 'view' AND o.ours AND o.kept_for IS NOT NULL
               AND NOT EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = f.id AND r.xmin = pg_current_xact_id()::xid)
        LOOP
            BEGIN
                EXECUTE format('DROP VIEW %s', v_view.object);
                v_any := true;
            EXCEPTION WHEN dependent_objects_still_exist THEN
                NULL;  -- in a later turn, or not at all
            END;
        END LOOP;
    END LOOP;
END $$;
-- ---------------------------------------------------------------------------
-- grant: the rules of access become GRANTs to the roles of people
-- ---------------------------------------------------------------------------

CREATE VIEW access_right WITH (security_invoker) AS
    SELECT l.level, r.object, r.verb, r.since, r.is_function, CASE WHEN NOT r.whole THEN r.columns END AS columns
      FROM access_level l
     CROSS JOIN LATERAL (
        SELECT x.object, x.verb, x.verb = 'execute' AS is_function, max(k.rank) = l.rank AS since,
               bool_or(num_nonnulls(x.columns, x.but) = 0) AS whole,
               array_agg(DISTINCT a.attname::text ORDER BY a.attname::text)
                   FILTER (WHERE a.attname IS NOT NULL) AS columns
          FROM access_rule x
          JOIN access_level k USING (level)
          LEFT JOIN pg_class c ON c.relname = x.object AND num_nonnulls(x.columns, x.but) = 1
           AND c.relnamespace = (SELECT b.relnamespace FROM pg_class b WHERE b.oid = 'access_rule'::regclass)
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           AND (a.attname = ANY (x.columns) OR a.attname <> ALL (x.but))
         WHERE k.rank <= l.rank
         GROUP BY 1, 2) r;
COMMENT ON VIEW access_right IS
    'what each level may do with each object, by the rules of that level and those below it: columns, NULL for all of '
    'them; since: the level adds to what the one below it may';

CREATE VIEW access_summary WITH (security_invoker) AS
    SELECT l.level, l.may, r.verb, string_agg(r.object || coalesce(
               CASE WHEN x.columns IS NOT NULL THEN format(' (%s)', array_to_string(x.columns, ', '))
                    WHEN x.but IS NOT NULL THEN format(' (not %s)', array_to_string(x.but, ', ')) END, ''), ', '
                        ORDER BY r.object) AS about
      FROM access_right r
      JOIN access_level l USING (level)
      JOIN access_rule x ON x.object = r.object AND x.verb = r.verb AND x.level = r.level
     WHERE r.since
     GROUP BY l.rank, l.level, l.may, r.verb
     ORDER BY l.rank, array_position('{select,insert,update,delete,execute}', r.verb);
COMMENT ON VIEW access_summary IS
    'what each level adds to the one below it, in words: a row for each verb, with the columns where it is not about '
    'all of them';
SELECT allow('reader', 'select', 'access_right'), allow('reader', 'select', 'access_summary');

CREATE FUNCTION check_keeper(p_role text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT pg_has_role((SELECT c.relowner FROM pg_class c WHERE c.oid = 'access_rule'::regclass), 'USAGE') THEN
        RAISE EXCEPTION 'only the owner of the books "%" gives access to them', current_schema()
            USING ERRCODE = 'insufficient_privilege',
                HINT = format('Do it as role "%s".', (SELECT pg_get_userbyid(c.relowner) FROM pg_class c
                                                       WHERE c.oid = 'access_rule'::regclass));
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles o WHERE o.rolname = p_role) THEN
        RAISE EXCEPTION 'there is no role "%"', p_role
            USING ERRCODE = 'undefined_object', HINT = 'Make it first: CREATE ROLE.';
    END IF;
END $$;
COMMENT ON FUNCTION check_keeper(text) IS
    'refuse to give or take access (42501) to who does not own the books, and (42704) for a role that there is not';

CREATE FUNCTION revoke_access(role text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_internal name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                         WHERE p.oid = 'level_rank(name)'::regprocedure);
    v_object text;
BEGIN
    PERFORM check_keeper(role);
    FOR v_object IN
        SELECT format('TABLE %I', r.object) FROM access_rule r WHERE r.verb <> 'execute'
        UNION
        SELECT format('SEQUENCE %s', s.oid::regclass) FROM pg_class s
         WHERE s.relkind = 'S' AND s.relnamespace = quote_ident(current_schema())::regnamespace
        UNION
        SELECT format('FUNCTION %s', p.oid::regprocedure) FROM pg_proc p
         WHERE p.pronamespace = quote_ident(v_internal)::regnamespace
            OR p.pronamespace = quote_ident(current_schema())::regnamespace
               AND p.proname IN (SELECT r.object FROM access_rule r WHERE r.verb = 'execute')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', v_object, role);
    END LOOP;
    EXECUTE format('REVOKE ALL ON SCHEMA %I, %I FROM %I', current_schema(), v_internal, role);
    DELETE FROM access_grant g WHERE g.role = revoke_access.role;
END $$;
COMMENT ON FUNCTION revoke_access(text) IS
    'take from a role what grant_access() gave it; refused (42501) to who does not own the books';

-- Functions that only read run with the rights of whoever calls them, so that
-- who may read anything may call them: they are not what gives access.
CREATE FUNCTION apply_access(p_role text, p_level text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_internal name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                         WHERE p.oid = 'level_rank(name)'::regprocedure);
    v_rank integer := (SELECT l.rank FROM access_level l WHERE l.level = p_level);
    v_grant text;
BEGIN
    FOR v_grant IN
        SELECT format('USAGE ON SCHEMA %I', current_schema())
        UNION ALL
        SELECT format('%s%s ON TABLE %I', r.verb, ' (' || (SELECT string_agg(quote_ident(c), ', ')
                                                             FROM unnest(r.columns) c) || ')', r.object)
          FROM access_right r WHERE r.level = p_level AND NOT r.is_function
        UNION ALL
        SELECT format('USAGE ON SEQUENCE %s', s.oid::regclass)
          FROM access_right r
          JOIN pg_depend d ON d.refobjid = to_regclass(quote_ident(r.object)) AND d.refclassid = 'pg_class'::regclass
           AND d.deptype = 'a'
          JOIN pg_class s ON s.oid = d.objid AND d.classid = 'pg_class'::regclass AND s.relkind = 'S'
         WHERE r.level = p_level AND r.verb = 'insert'
        UNION ALL
        SELECT format('EXECUTE ON FUNCTION %s', p.oid::regprocedure)
          FROM access_right r
          JOIN pg_proc p ON p.proname = r.object AND p.pronamespace = quote_ident(current_schema())::regnamespace
         WHERE r.level = p_level AND r.is_function
        UNION ALL
        SELECT g FROM (
            SELECT format('USAGE ON SCHEMA %I', v_internal) AS g
            UNION ALL
            SELECT format('EXECUTE ON FUNCTION %s', p.oid::regprocedure) FROM pg_proc p
             WHERE p.pronamespace = quote_ident(v_internal)::regnamespace AND p.provolatile <> 'v'
            ) x
         WHERE v_rank > 0
    LOOP
        EXECUTE format('GRANT %s TO %I', v_grant, p_role);
    END LOOP;
    PERFORM finance.grant_code(p_role) WHERE v_rank > 0;
END $$;
COMMENT ON FUNCTION apply_access(text, text) IS 'grant a role what the rules of access give a level';

CREATE FUNCTION grant_access(role text, level text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_function text;
BEGIN
    IF NOT EXISTS (SELECT FROM access_level l WHERE l.level = grant_access.level) THEN
        RAISE EXCEPTION 'unknown level of access "%"', level
            USING ERRCODE = 'invalid_parameter_value',
                HINT = format('Levels are %s.', (SELECT string_agg(l.level, ', ' ORDER BY l.rank) FROM access_level l));
    END IF;
    PERFORM revoke_access(role);
    FOR v_function IN SELECT o.object FROM open_function o LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', v_function);
    END LOOP;
    PERFORM apply_access(role, level);
    INSERT INTO access_grant (role, level) VALUES (role, level);
END $$;
COMMENT ON FUNCTION grant_access(text, text) IS
    'give a role a level of access to these books, in place of the one it had: guest, reader, clerk, manager, '
    'controller or admin (table access_level); an upgrade gives it what is new. Refused to who does not own the books '
    '(42501), for unknown levels (22023) and roles (42704)';

-- What people do not call is out of their sight, in a schema of its own; and
-- functions are open to PUBLIC where nobody says otherwise: these are not.
DO $$
DECLARE
    v_internal name := (SELECT s.name FROM unnest(current_schemas(false)) s (name)
                         WHERE right(s.name, 9) = '_internal' AND s.name <> current_schema());
    v_function record;
BEGIN
    FOR v_function IN
        SELECT p.oid::regprocedure AS name,
               p.proname <> ALL ('{grant_access,revoke_access}')
               AND p.proname NOT IN (SELECT r.object FROM access_rule r WHERE r.verb = 'execute') AS internal
          FROM pg_proc p
         WHERE p.pronamespace = quote_ident(current_schema())::regnamespace
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                                                     AND d.deptype = 'e')
           -- functions of users stay theirs
           AND NOT EXISTS (SELECT FROM code_object u
                            WHERE u.kind = 'function' AND u.object = p.oid::regprocedure::text AND NOT u.ours)
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', v_function.name);
        IF v_function.internal THEN
            EXECUTE format('ALTER FUNCTION %s SET SCHEMA %I', v_function.name, v_internal);
        END IF;
    END LOOP;
END $$;

-- What an upgrade takes away has no rule, what it brings is given to those who
-- have access.
DELETE FROM access_rule r
 WHERE NOT CASE r.verb WHEN 'execute' THEN EXISTS (SELECT FROM pg_proc p
                                                    WHERE p.proname = r.object
                                                      AND p.pronamespace = quote_ident(current_schema())::regnamespace)
                       ELSE to_regclass(quote_ident(r.object)) IS NOT NULL END;
SELECT apply_access(g.role, g.level) FROM access_grant g JOIN pg_roles o ON o.rolname = g.role;

-- Who owns the books may change the rules; from here on that leaves a trace.
SELECT watch('access_grant'), watch('access_rule'), watch('access_level');
-- ---------------------------------------------------------------------------
-- session: what a session has set changes nothing here
--
-- A PL/pgSQL body is run with the settings of whoever calls it, and some of
-- them change what it stores and says: dates in messages and keys, instants and
-- bytes in the rows that history keeps.  So every function of these books, told
-- by the search path that it was made with, carries these settings too; nobody
-- who writes one has to think of it.  (Views and SQL functions cannot carry any
-- without losing their plans: they write dates by iso().)  Short queries are
-- not worth compiling, so jit is off in all of them.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
         WHERE l.lanname = 'plpgsql' AND 'search_path=' || current_setting('search_path') = ANY (p.proconfig)
           AND p.proowner = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)
           AND NOT EXISTS (SELECT FROM code_object u
                            WHERE u.kind = 'function' AND u.object = p.oid::regprocedure::text AND NOT u.ours)
         ORDER BY p.oid
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET DateStyle = ''ISO, YMD'' SET IntervalStyle = ''postgres'' SET TimeZone = '
                       '''UTC'' SET bytea_output = ''hex'' SET jit = off', v_function);
    END LOOP;
END $$;
-- ---------------------------------------------------------------------------
-- columns: who may do what, the history of rows, settings, locks, rules
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
about: tables, views or functions, with their columns
action: what was done: insert, update, delete
history.action: insert, update, delete; reopen of a billing_period, with the reason
actor: the person, as actor() names them
again: commands that an upgrade says again: rights, switches of triggers
at: when it happened
base: the currency of which one unit is priced
base_currency: currency in which company-wide figures are kept
but: the columns that the rule is not about
by: who did it, as actor() names them
document_status_change.by: actor(): the person who took the step, as far as known
history.by: actor(): the person, as far as known
code: short name by which functions and imports know it
column_name: the column that was changed
column_names: the columns that it is about
columns: the columns that the rule is about, NULL: all of them
access_right.columns: the columns that it is about, NULL: all of them
constraint_name: name of the constraint
created_at: when it was made
created_by: who made it, as actor() names them
currency: ISO 4217 code of the currency of the money beside it
definition: the constraint as the catalog has it
detail: the figures, in words
digest: SHA-256 of the content
exponent: number of decimals of an amount (ISO 4217)
external_id: the id under which source knows it
gap: what is missing
lock_version.held_at: when that transaction began; with holder it tells a transaction of this server from one that a
    dump brought along
history_id: the row of history
lock_version.holder: the transaction that holds the row, or held it last
id: number of the row, by which others name it
lock_version.id: the id of the party or calendar, or 0
setting.id: always true: there is one row
is_function: is object a function?
kept_for: objects of users that hang on it, during an upgrade
key: idempotency key
charge.key: idempotency key that a caller gave; the books themselves give none
kind: kind, one of the words that its CHECK lists
lock_version.kind: party, calendar; price_list, ledger and books with id 0
label: what people call it
last_day: last day of it
level: level of access, one of access_level
locked_at: when it was locked
locked_by: who locked it, as actor() names them
locked_through: nothing is posted on this day or before
login: the session's user
document_status_change.login: the session's user, which no setting changes
event.login: the session's user, beside posted_by, which is actor()
history.login: the session's user, which no setting changes
max_rate_age_days: rates of exchange that are older than so many days are pointed out in data_gaps
max_entry_s: the longest time entry that is taken, in seconds of the clock on the wall
may: what the level is for
name: what people call it
brand.name: name above pages, NULL: the party's own
page_label.name: what templates call the word
new_value: value after, as text
history.new_values: the same columns after, NULL for a DELETE
note: remark printed on the document
object: table, view or function
old_from: first day on which the rate is too old
old_until: first day of the next rate, infinity where there is none
old_value: value before, as text
history.old_values: columns before, NULL for an INSERT: whole numbers, truth values and JSON as such, all else as
    text (dates ISO 8601, instants in UTC); secrets, images and templates as "sha256:… (n bytes)"
ours: did the script of the books make it?
pid: process of the run
problem: why it cannot be rated
quote: the currency in which it is priced
rank: order of the levels
rate: how much of quote one unit of base costs
reason: why, in words
record: the record as it came
role: role of people, by which they are priced and costed
charge.role: the role in which the work was done and is priced
access_grant.role: the role of the database
row_key: primary key of the row
history.row_key: the primary key of the row before the change, several columns joined by slashes: EUR/USD/2026-01-01
rule: the rule that is broken
since: does the level add to what the one below it may?
data_gaps.since: first day of work that is concerned
use_of_old_rate.since: first day of it
source: system from which it comes; NULL: entered here
charge.source: what was charged: time, item, fee, stage, expense or adjustment
unbilled.source: what was charged: time, item, fee, stage, expense or adjustment
visible_charge.source: what was charged: time, item, fee, stage, expense or adjustment
subject: what breaks the rule
table_name: the table
trackers_decide: may records of trackers say that they are not billed, whoever sends them?
username: role that runs it
valid_from: first day on which it holds, until the next row
verb: select, insert, update, delete or execute
version: version of these books
way_out: what to do when the rule is broken
words: the words that the column takes
zone: time zone, one of pg_timezone_names
calendar.zone: IANA name, one of pg_timezone_names
$words$);
-- ---------------------------------------------------------------------------
-- columns: people and companies, what is sold and at what price, what was agreed
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
agreed: what the task is sold for, in the currency of the agreement; NULL: by the hour
estimate_used_pct: how much of the estimate is worked, in percent points; above 100: over
fees: what the contract lines of the stage come to, net
hours_estimated: estimated hours; NULL: nobody estimated
task_estimate.hours_left: hours of the estimate that are not worked yet; below 0: over
stage_estimate.stage: name of the stage
stage_estimate.hours_left: hours of the estimates that are not worked yet; below 0: over
task_estimate.charged: what was charged for it, net, in the base currency
stage_estimate.charged: what was charged for its tasks, net, in the base currency
task_item.amount: what the line of the specification comes to, net; NULL: quantity times price
task_item.discount_pct: discount that was agreed, in percent points
task_item.line_id: the line of the specification that agreed it, a row of document_line
task_item.title: what it is, as the specification says; NULL: the item says it
tasks: how many tasks name the stage
tasks_done: of these done
accepted_on: day on which the client accepted the stage
active: does the person still work here?
amount_basis: exact: price times exact time; hundredth: hours are rounded to 0.01 first
anchor_day: day on which service periods begin: of the month, or of the week from 1 (Monday); NULL: the 1st, or, of a
    year, the day on which the contract starts
anchor_month: month in which quarters and years begin, 1 for those of the calendar; NULL: with the contract where it
    starts on its anchor day, else January
auto_bill: what run_billing() drafts at the end of a period: none, report or invoice
band: band of the day (regular, off_hours, …) as its calendar names it
bands: bands that a companion contract takes from its base
billable: what becomes of work: billable (priced), no_charge (shown at zero) or non_billable (never shown); NULL: as
    what it belongs to says
burn_multiplier: how many seconds of an allotment a second of work takes
calendar_id: the calendar of business hours, a row of calendar
by_period: does it have a cap of each service period?
cap_amount: the most that the contract charges for work in its whole life, in its currency
cap_s: the most billable seconds that the contract charges in its whole life
client: name of the client
client_id: the client, a row of party
contract: number of the contract
contract_id: the contract, a row of contract
contract_line_id: the line of the contract, a row of contract_line
cost: what it cost us, in the currency beside it; NULL where it is not known, of a sum what is known
contract_card.cost: labour at cost rates and direct expenses as far as they are known, in the contract's currency
gross_effect.cost: 1: its amount is direct cost, -1: less direct cost, 0: neither
contract_line.cost: what the fee or stage costs us, in the contract's currency
document_line.cost: what a unit costs us, in the document's currency
price.cost: what a unit of the item costs us, in the list's currency
task_item.cost: what a unit costs us, NULL: as the price lists say
calendar_band.day: a local date; NULL when isodow is given
deal: name of the deal
deal_id: the deal, a row of deal
deal_stage_id: the stage of the deal, a row of deal_stage
direction: name of the direction
direction_id: the line of business, a row of direction
discount_pct: discount in percent points
effective_at: from when on it can be drawn on
email: electronic mail address
employee: name of the employee
employee_id: the person who did the work, a row of employee
cost_rate.employee_id: whose rate it is, a row of employee; NULL: of a role
payment.employee_id: who is paid, a row of employee
price.employee_id: whose price it is, a row of employee; NULL: of anybody
calendar_band.ends: local time to 24:00; not after starts: on the next day, where its rows win (a date ends at 24:00)
ends_on: last day, included; NULL: open
contract_line.ends_on: last day, included; NULL: open; the day before starts_on: it never was
estimate_s: estimated seconds of work
expense_markup_pct: what is put on expenses that are passed on, in percent points
expires_at: from when on it cannot be used any more
given_at: when it was given
grace_days: days after due_on before an invoice counts as late; nothing reads it yet, reminders will
granted_at: when it was granted
hourly_cost: what an hour costs us, NULL: not any more
hourly_pay: what the person is paid an hour, in the currency beside it; nothing reads it yet, payroll will
iban: number of the bank account
in_all: does it have a cap of its whole life?
included_amount: money included in the fee of a period, in the contract's currency
included_s: seconds included in the fee of a period
is_default: is it the list of last resort of its currency?
calendar_band.isodow: 1 Monday to 7 Sunday; NULL when day is given
item: code of the item
item_id: the item of the nomenclature, a row of item
language: language of pages: uk, ru or en; NULL: any
late_policy: what becomes of work for a closed period: next_period, reject or reopen
legal_name: name as in contracts and on papers
line_id: the line of a document, a row of document_line
manager_id: who looks after it, a row of employee
minimum_charge: the least that a service period costs, in the contract's currency
minimum_s: the least that is billed in the band, in seconds
model: kind of the agreement
contract.model: time_materials, prepaid_money (work is taken off receipts), by_fact (estimate, then invoice),
    subscription_plus (fee plus extras), block_hours, fixed_price (stages are charged, hours are in their price),
    retainer
multiplier: factor of the price by band or role
needs_approval: is work charged only once it is approved?
needs_specification: is work charged only once the client has agreed a specification of its task?
overage_price: price of an hour past the included ones, in the contract's currency
own: name of the own company
own_id: the own company, a row of party
charge.own_id: the own company that it is revenue of, a row of party: its contract's, else the first; no foreign key:
 each one costs a bulk load a twentieth
parent_id: the row above it in the tree
contract.parent_id: the base contract of a companion
party: name of the party
party_id: the party, a row of party
payment_terms_days: days that the client has to pay
period_cap_amount: the most that the contract charges for work of a service period, in its currency
period_cap_s: the most billable seconds that the contract charges of a service period
period: length of a service period: week, half_month, month, quarter or year
position: order, from 1
price: price of an hour or a unit, net, in currency
charge.price: price an hour, or a unit of quantity, before multiplier, adder and discount
charge.rate: price an hour, or a unit of quantity, after multiplier and adder, before the discount: what papers print
price_adder: what is added to the price of an hour, in the contract's currency
price_list_id: the price list, a row of price_list
list_snapshot.price_list_id: the price list; no foreign key: one by which nothing was charged may be deleted
charge.price_list_id: the price list that its price was found in, which is not deleted while a charge names it; no
    foreign key: each one costs a bulk load a twentieth
price_multiplier: factor of the price of an hour
priority: the lower number is eaten first
project: name of the project
project_id: the project, a row of project
contract.prorate: how minimum_charge and period_cap_… are cut to the days of a part period, by the words of a line
prorate: how a fee is cut to the days of a period: none, actual, fixed_30 or days_365
prorate_included: are the included hours cut with the fee?
quantity: how many units
renews_id: the contract that it renews, a row of contract: what is left of that one's blocks is its own from then on
replaces_id: the line that it replaces, a row of contract_line: what is left of that one's hours at its end is its own
    from then on, by that one's rollover rule
requisites: what is printed on documents: address, bank details and so on
rollover_life: how many periods carried hours live
rollover_max: the most that is carried to the next period, in seconds or money; NULL: nothing
rollover_min: the least that is carried to the next period, in seconds or money
round_grace_s: seconds past an increment that are forgiven
round_increment_s: increment to which work is rounded, in seconds
round_maximum_s: the most that is billed of a group, in seconds
round_minimum_s: the least that is billed of a group, in seconds
round_mode: none, up, down or nearest
round_scope: what is rounded together: entry, task_day, day, task or period
scope_work_types: ids of the kinds of work it is for, NULL: all
segment: number of the part of a time entry, from 1
stage: stage of the deal, as the CRM names it
billing_cycle.stage: counting, invoicing, payment or done
calendar_band.starts: local time; NULL with ends and band: the date is closed
allotment.source_id: the allotment of which it is what was left, a row of allotment
starts_on: first day, included
contract_line.starts_on: first day, included; NULL: that of the contract, or of the open period where some are
    closed already
status: status, one of the words that its CHECK lists
task: title of the task
task_id: the task, a row of task
task_item_id: the fixed price of a task that it charges, a row of task_item; no foreign key: the item may be taken off
 the task after it was billed
tax_id: number under which tax authorities know it
tax_inclusive: is tax in the prices?
tax_level: is tax rounded by line or on the total?
tax_rate: rate of tax in percent points, NULL: exempt
tiers: quantity tiers of the price, as tiered_amount() takes them
title: title
unit: unit of the quantity
allotment.unit: seconds or money
allotment.period_start: first day of the service period that it was granted or carried for; NULL: of none
url: where it is in the planner
work_type: name of the kind of work
work_type_id: the kind of work, a row of work_type
$words$);
-- ---------------------------------------------------------------------------
-- columns: logged work, what became of it, and what it is charged
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
adjustment_id: the charge that takes discount and included tax off; of a credit note's line the one that bills again
    what it takes back; a row of charge
adjusts_id: the charge that this one writes off or up
charge.adjusts_id: the charge that a write-off or write-up changes
after_close: did it come after its period was closed?
allotment_id: the allotment that the work draws on, a row of allotment
approved_at: when the work was approved
approved_by: who approved the work, as actor() names them
base_amount: amount in the base currency of the books
base_cost: cost in the base currency of the books, NULL where it is not known
base_cost_rate: cost of an hour in the base currency of the books
base_id: the base contract of the group
base_rate: how much of the base currency one unit of the currency was worth on the day
billable_s: billed seconds set by hand, in place of the rules
billed_s: billed seconds
break_s: pause within the clock times, in seconds
burned: what was taken of the allotment, in its unit
by_hand: may a person take the step, or does it follow from something else?
charge_id: the charge, a row of charge
allotment.charge_id: what the block was sold for, a row of charge; NULL for what is granted, and once that is taken away
closed_at: when it was closed
closed_by: who closed it, as actor() names them
comment: what the person wrote about the work
completed_at: when the task was done
contracts_done: contracts that the run is done with
contracts_refused: contracts that the run could not close
contracts_total: contracts that the run has to close
cost_rate: cost of an hour in the contract's currency
coverage: billable, or why it costs nothing: included, prepaid, capped, no_charge, non_billable
doubled_s: seconds that were logged twice
duration_s: worked seconds, where they are not told by the clock
ended_at: when the work ended
excess_s: seconds that are more than the day has
found_at: when it was found
frozen_at: when it was frozen and posted, NULL while it is provisional
line_period: first day of the service period that a fee or stage of a contract line is for, closed or not
made_by: what made it: rating (of work), line (a fee or stage of the contract), task_item (the fixed price of a
 task), block (prepaid hours), minimum (what a period lacked), document (what it took off its charges), user (a call)
held_by: the sent report that keeps it unchanged until the client answers, a row of document
on_day: day of the work, by the clock of the person
other_ended_at: when the other work ended
other_entry_id: the other entry, a row of time_entry
other_started_at: when the other work began
other_task: title of the other task
other_task_id: the other task, a row of task
override_reason: why the entry's own price, disposition or length holds
period_end: the first day after the period
period_start: first day of the service period
charge.period_start: first day of the service period in which it is billed; later than service_date's own for late
    work
price_source: list and position that gave the price
price_id: position of a price list that gave the price, as its id was then; no foreign key: it may be deleted since
why: why it is so, as values with stable keys, NULL where there is nothing to tell; charge_reason() says it in words
rejected_at: when it was turned away
remaining_s: seconds left of allotments that can be drawn on now
reverses_id: what it takes back
charge.reverses_id: the charge that it takes back
event.reverses_id: the event that it takes back
committed: is it frozen or held, so that rating leaves it as it is?
rating_problem.contract_id: the base contract it was last charged by, a row of contract; NULL: none; no foreign key:
    it is a memory, and may be of what is gone
rating_problem.employee_id: whose work that was, a row of employee; no foreign key:
    it is a memory, and may be of what is gone
rating_problem.price_list_id: the price list it was then priced by, a row of price_list; no foreign key:
    it is a memory, and may be of what is gone
rating_problem.project_id: the project it was then in, a row of project; no foreign key:
    it is a memory, and may be of what is gone
rating_problem.role: the role it was then priced in
rating_problem.terms_id: the terms it was then priced by, a row of terms; no foreign key:
    it is a memory, and may be of what is gone
service_date: day on which the work was done, in the contract's zone
charge.service_date: day on which the work was done, in the contract's zone
stamped_at: when the snapshot was made
started_at: when the work began
billing_progress.started_at: when the run began
terms_id: the snapshot of terms it was rated by, a row of terms
charge.terms_id: the terms by which it was rated, a row of terms, which are never changed or deleted; no foreign
    key: each one costs a bulk load a twentieth
time_entry_id: the time entry, a row of time_entry
charge.time_entry_id: the work it is for; checked at the end of the transaction, since what is deleted is needed to
    rate what followed it
voided_at: when it was taken back
work_date: local day of the work
work_id: the charge of the line, of which this one may be the discount or included tax
worked_s: worked seconds
$words$);
-- ---------------------------------------------------------------------------
-- columns: payments, the ledger, and the figures made of them
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
account: code of the account
account_id: the account of the ledger, a row of account
account_name: name of the account
accrued_on: day to which the cost belongs, where that is not the day of payment
accrues: does a payment with this article also make the accrual?
administrative: administrative expenses, negative, in the base currency
allocated: what payments were allocated to the document, in its currency
allocated_at: when it was allocated
allocated_by: who allocated it, as actor() names them
amount: amount in the currency beside it
allotment.amount: how much there is, in seconds or in money of the contract's currency
burn.amount: what was taken, in the allotment's unit
charge.amount: net amount in currency, rounded once; other than 0 only where coverage is billable
charge_posting.amount: what is transferred, in currency
document_posting.amount: what is transferred, in currency
due_entry.amount: what is transferred, in currency
payment_posting.amount: what is transferred, in currency
contract_line.amount: the fee, a period or once, net in the contract's currency
deal.amount: value of the deal, in its currency
document_line.amount: before the discount of the document, in its currency
entry.amount: what is transferred, in currency; negative in a reversal
ledger_line.amount: debit positive, credit negative, in currency
payment.amount: what is paid, above 0, in currency
pnl_article_month.amount: income positive, expense negative, in the base currency
pnl_line_month.amount: income positive, expense negative, in the base currency, or per cent
article: code of the article of P&L and cash flow, a row of account
article_id: the article that explains it in the cash flow, a row of account
article_name: name of the article
balance: what is left, in the currency beside it
account_balance.balance: debit less credit, in currency
contract_card.balance: receipts less work charged and its tax, in the contract's currency
loss_making_contract.balance: receipts less work charged and its tax, in the contract's currency
contract_card.tax: tax of the work charged, in the contract's currency
loss_making_contract.tax: tax of the work charged, in the contract's currency
contract_figure.tax: tax of the work charged, in the contract's currency
receipts_tax: what of the receipts is tax, in the contract's currency
receipts_net: receipts without their tax, in the contract's currency
client_entry.event_id: the event, that which it reverses where it is a reversal, a row of event
bank_ref: the bank's reference, once for each cash account
base_balance: balance in the base currency of the books
base_payments: payments in the base currency of the books, positive
base_receipts: receipts in the base currency of the books
billed: on issued invoices, net, in currency
cash_account: name of the cash account
cash_account_id: the bank account or cash desk, a row of cash_account
cash_section: where its payments stand in the cash flow: operating, investing or financing
charged: net sum of charges, in currency
closing: cash at the end of the month, in currency
commercial: marketing and sales, negative, in the base currency
credit: what stands to the client's credit, in currency
account_balance.credit: sum of credits, in currency
credit_id: the account that is credited, a row of account
credited: what credit notes took back, gross, in the document's currency
charge_claim.credited: was the line credited whole, keeping the charge?
credited_by: the credit note that took the rest of the line back and left it its charge, a row of document
days_overdue: days since due_on while anything is open
debit: sum of debits, in currency
debit_id: the account that is debited, a row of account
depreciation: depreciation, negative, in the base currency
direct_labour: hours at their cost rates, negative, in the base currency
dividends: dividends paid, negative, in the base currency
ebit: profit before interest and tax, in the base currency
ebitda: profit before interest, tax and depreciation, in the base currency
entry_id: the entry of the ledger, NULL while it is not posted
entry_on: day of the entry
event_id: the event that the entry belongs to, a row of event
fact_on: day of the work, or of the entry
financing: cash flow from financing, in currency
floor_amount: below this balance there is a cash gap, in the account's currency
event.source: what posted it: user is post(), the rest are the books' own
formula: two lines, of which it is the first in per cent of the second
flow: in, out, or transfer between own accounts
fx: exchange differences, in the base currency
gross_margin_pct: gross profit of revenue, in percent points
gross_profit: revenue less direct cost, in the base currency
payment_misfit.hint: the way out
hourly_rate: revenue of an hour worked, in currency
hours: hours worked
hours_billed: hours billed
hours_left: hours left of allotments that can be drawn on now, NULL where there is none
hours_twice: hours that both entries share
hours_worked: hours worked
incoming: did it come from outside?
interest: interest, in the base currency
investing: cash flow from investing, in currency
line: line of the statement, a row of statement_line
line_name: name of the line
made_from: the filter or the content it was made of
margin_cash_pct: profit by cash of receipts, in percent points; NULL where a cost is not known
margin_pct: profit of revenue, in percent points; NULL where a cost is not known
memo: what the event is, in words
payment_misfit.message: what the contract cannot take
month: first day of the month
month_amount: the most that may be given away in a calendar month, in the base currency; NULL: any
net_profit: profit after tax, in the base currency
no: order of the entry within what it is of
open: what is still to be paid, in the document's currency
open_invoices: what the payer owes on open invoices, in currency
opening: cash at the beginning of the month, in currency
operating_in: operating receipts, in currency
operating_out: operating payments, negative, in currency
other: other income and expense, in the base currency
other_direct: direct cost other than labour, negative, in the base currency
overdue: gross, past its due day, in currency
paid: what is paid, in currency
task_payment.paid: is all that was billed paid?
paid_on: day of the payment
part_of: a line whose part it is, itself among them
pay: is it what people are paid?
payment_id: the payment, a row of payment
payments: payments, positive, in currency
pnl_section: section of the P&L that its line stands in, a section of statement_line
posted: is it in the ledger, or will it be?
account_role.posted: what is posted to it
posted_at: when it was posted
posted_balance: balance of what is posted, in currency
posted_by: who posted it, as actor() names them
production: production overheads, negative, in the base currency
profit: revenue less cost, in currency; NULL where a cost is not known
profit_accrual: work charged less cost, in the contract's currency; NULL where a cost is not known
profit_by.dimension: what the row is about: client, contract, project, deal, task, employee, direction or work_type
profit_by.id: a row of that dimension; NULL: what names none
profit_by.name: its name, number or title
profit_cash: receipts less cost, in the contract's currency; NULL where a cost is not known
purpose: purpose of the payment, as the bank shows it
receipts: what came in, in currency
role_account.payable: the account of settlements with suppliers and staff
role_account.receivable: the account of settlements with clients
role_account.tax: the account of taxes on sales
role_account.unbilled: the account of work that is charged and not invoiced
role_account.exchange: the account of exchange differences
role_account.revenue: the account of revenue
role_account.direct_labour: the account of hours at their cost rates
role_account.absorbed_labour: the account of the same, taken out of payroll
role_account.materials: the account of what else charges cost
role_account.absorbed_materials: the account of the same, taken out of purchases
retained: profit that stays after dividends, in the base currency
revenue: revenue, net, in the base currency
gross_effect.revenue: 1: its amount is revenue, -1: less revenue, 0: neither
account_role.role: what the account is for
section: section of the report
statement_line.section: are articles grouped by it?
side: debit or credit
source_id: what it is of, a row of charge, payment or document
charge_posting.source: charge
document_posting.source: document
due_entry.source: charge, payment or document
payment_posting.source: payment
sign: by what a balance, debit positive, is multiplied to be shown
sort: order of the lines
statement: pnl
client_entry.amount: what the client owes by it, below zero: what he paid, in currency
client_entry.base_amount: amount in the base currency of the books
client_entry.document_id: the invoice or credit note that posted it, a row of document; NULL: none did
client_entry.payment_id: the payment that posted it, a row of payment; NULL: none did
client_entry.other_id: the account on the other side, a row of account
payment_use.way: 1: money flows as the document says; -1: it comes back
payment_use.used: what it takes of the payment, in currency
payment_use.of_payment: amount of the payment, in currency
payment_use.document_flow: the way in which money pays the document, in or out
accrual_due.due: what of the payment bills brought already, in its currency
accrual_due.posted: what the ledger has taken back of it
accrual_due.base_due: due in the base currency
accrual_due.base_posted: posted in the base currency
accrual_due.settlement_id: the account of settlements with suppliers, a row of account
exchange_due.due: the exchange difference, in the base currency: of invoices a gain, of bills a loss
exchange_due.posted: what of it is posted
exchange_due.account_id: the account on which the document is owed, a row of account
line_worth.base_amount: what the line is worth net in the base currency
tasks: number of tasks on it
times: how often
to_cash_account_id: the account that a transfer goes to, a row of cash_account
to_invoice: on agreed reports, net, in currency
to_pay: on invoices and not paid, gross, in currency
to_report: on no report yet, net, in currency
transfers: between own accounts, in currency
unabsorbed_labour: payroll less hours at their cost rates, in the base currency
statement_line.parent: the line that it is a part of
data_gaps.way_out: what to do about it
unallocated: what no document took, in the payment's currency
unbilled: on no document yet, net, in currency
expected: what the open periods will bring beside what is charged: fees and minimum charges, in currency
uncosted_charges: how many charges and expenses have a cost that is not known; profit is NULL where there are any
uncosted: how many charges and expenses have a cost that is not known; profit is NULL where there are any
fact.uncosted: is it a charge whose cost is not known?
visible_charge.uncosted: does it count, and its cost is not known?
$words$);
-- ---------------------------------------------------------------------------
-- columns: documents, their lines, pages and links
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
charge_payment.gross: what is billed of the charge, less credits, in currency
charge_payment.paid: what is paid of it, in currency
charge_payment.paid_net: how much of its net that pays, in currency
percent_paid: per cent of what is charged that is paid, in percent points
shown_paid: all of it that costs nothing stands on a report that is paid; NULL where there is none
task_charge.charged: net amount of all its charges, in currency
task_charge.reported: of that kept by reports and drafts
task_charge.unbilled: of that on no invoice and no report
accent: accent colour of pages, #rrggbb
document_kind.account: the role of the account on which it is owed, a row of account_role; NULL: on none
answered: does the client answer it by a link?
asks_payment: does it ask for money?
base_line_id: the line of the report that it repeats
based_on: the document it was made of, a row of document
billed_gross: on issued invoices, gross, in currency
billed_in: first day of the service period in which it is billed
binding: is it agreed, accepted or issued, so that others may be made of it? NULL: as it was before it was put away
body: content of the snapshot or template
claim: does this line keep the charge from other documents?
claimed_by: the report or draft invoice that keeps it, a row of document
dedupe_key: makes the notice unique
delivered_at: when it was delivered, NULL: not yet
derived: does it follow from payments, credits and invoices which of these statuses a document has?
discount: share of the document's discount, in its currency
discount_amount: discount of the whole document, in its currency
document_id: the document, a row of document
document_status_change.document_id: the document; no foreign key, because drafts that were deleted stay here
document_kind: kind of the document that keeps it
document_number: number of the document that keeps it
document_status: status of the document that keeps it
document_state.draft: may it still be changed, and deleted?
due_on: last day on which it is to be paid
ended: did it come to nothing, so that it keeps no charge?
file_url: where a file of the document is
first_no: the first number of the series
document_balance.flow: flow of the payments that settle it, in or out
document_kind.flow: flow of the payments that settle it, in or out; NULL: none do
footer: a line at the end of pages
from_status: status before the step, NULL when the document was made
gross: net and tax together, in currency
holds: does it hold its charges as they are while the other side decides?
in_draft: on drafts of reports, net, in currency
document_kind.incoming: does it come in from outside? NULL: some do
ink: colour of text on pages, #rrggbb
invoice_id: the live invoice it is on, a row of document
issued_at: when it was issued
issued_on: day of issue
last_view_at: when the link was opened last
late: did it come for a period that was closed, and is billed in a later one?
logo: image above pages as a data URI
made_of: what it is made of: work, content of its own, or another document
means: the words that are true of the status, one for each of the columns beside it
message: the notice in words
named_invoices: open invoices whose number stands in the purpose
net: without tax, in currency
cash_flow_month.net: receipts less payments of the month, in currency
next_no: the number that comes next
number: number by which people know it
outside_number: number that the other side or another system gave
over_on: the first day on which the period can be closed
page: the kind whose template it takes where it has none of its own
paid_gross: what is paid of what was billed, gross, in currency
pattern: pattern of numbers: {YYYY} {YY} {MM} {DD} and the counter {####}
payload: the notice as data
document_state.posted: is it in the ledger, and counts in what its party owes or is owed? NULL: as it was before it was
    put away
period_from: first day of the work on it
period_to: last day of the work on it
place: where the charge is: unbilled, reported, billed and so on
document.positions: how charges are grouped into the positions of the paper: by task, employee, day, or not at all
    (none)
recipient_id: who is told, a row of employee
meaning: what a credit note means: rebill, free to be billed again, or waive, given up
released_at: when the charge went free again
released_by: the document that set the charge free, a row of document
report_status: the status that an invoice gives the report it is made of, NULL: none
reported: kept by reports, net, in currency
document.requirements: requirements of a proposal; its lines are the estimate
reverses_line_id: the invoice line that it takes back
revision: number of the revision, from 1
price_list.revision: counts the changes of what prices work; terms name lists by it
revoked_at: when the link was taken back
document_status_change.said_by: on whose behalf, as the caller said: the argument by of transition(), or the
    client's link that was answered
series_id: the series of its number, a row of number_series
series_no: its counter in the series
document_state.settled: is nothing open on it any more?
shown_as: where its page shows the status: status, or mark across it; NULL: nowhere
sign_at: when the state of the signature was set
sign_by: who signed
document.sign_by: who signed, as whoever recorded it says; who recorded it is in history
sign_ref: id of the document at the operator of electronic documents
document.sign_ref: the id of the document at the operator of electronic documents
sign_status: none, sent, signed or rejected
signature: image of the signature
signature_type: media type of the image
document.status_by: actor() of the last step
status_reason: why the last step was taken
document.status_said_by: on whose behalf the last step was taken, as its caller said
superseded_by: the next revision, a row of document
supersedes_id: the revision before, a row of document
task_is_paid: was all that was billed of the task paid when it came?
tax: tax, in currency
pnl_month.tax: profit tax, negative, in the base currency
to_status: status after the step, NULL when a draft was deleted
token_digest: SHA-256 of the token
views: how often the link was opened
document_state.way_out: what to do instead where a step to it is refused
waits_for: who has to do what next
with_client: on reports that wait for the client's answer, net, in currency
withdrawn: was it taken back or replaced, so that it is shown and signed no more?
year: year of the series
$words$);
-- ---------------------------------------------------------------------------
-- columns: none is left unexplained
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT c.relname, a.attname
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'v')
           AND col_description(c.oid, a.attnum) IS NULL
           AND (c.relname IN (SELECT r.object FROM access_rule r) OR c.relname LIKE 'seen!_%' ESCAPE '!'
                OR c.relname LIKE 'visible!_%' ESCAPE '!')
    LOOP
        RAISE EXCEPTION 'nothing says what column % of % is', v_column.attname, v_column.relname
            USING ERRCODE = 'undefined_column', HINT = 'Add it to the words of a file beside this one.';
    END LOOP;
END $$;
-- ---------------------------------------------------------------------------
-- code: what was made here is written down, for the next upgrade
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_command text;
BEGIN
    -- rights and switches that anew.sql wrote down; a column or role may be gone
    FOR v_command IN
        SELECT c.command FROM code_object o JOIN code_found() f USING (kind, object)
         CROSS JOIN unnest(o.again) c (command)
    LOOP
        BEGIN
            EXECUTE v_command;
        EXCEPTION WHEN undefined_column OR undefined_object THEN
            NULL;
        END;
    END LOOP;

    INSERT INTO code_object (kind, object, ours) SELECT f.kind, f.object, true FROM code_found() f
    ON CONFLICT ON CONSTRAINT code_object_pkey DO UPDATE SET kept_for = NULL, again = '{}';
    DELETE FROM code_object o
     WHERE NOT o.ours OR NOT EXISTS (SELECT FROM code_found() f WHERE f.kind = o.kind AND f.object = o.object);
END $$;
