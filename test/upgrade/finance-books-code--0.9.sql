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

CREATE FUNCTION pair_rate(p_from text, p_to text, p_on date) RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(
        (SELECT r.rate FROM exchange_rate r
          WHERE r.base = p_from AND r.quote = p_to AND r.valid_from <= p_on
          ORDER BY r.valid_from DESC LIMIT 1),
        (SELECT round(1 / r.rate, 12) FROM exchange_rate r
          WHERE r.base = p_to AND r.quote = p_from AND r.valid_from <= p_on
          ORDER BY r.valid_from DESC LIMIT 1));
END;
COMMENT ON FUNCTION pair_rate(text, text, date) IS
    'the latest rate of a pair on a date, else the inverse of the opposite pair to 12 decimals; NULL when neither is '
    'known';

CREATE FUNCTION exchange_rate_on(from_currency text, to_currency text, on_date date) RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN from_currency = to_currency THEN 1::numeric ELSE coalesce(
        pair_rate(from_currency, to_currency, on_date),
        (SELECT round(pair_rate(from_currency, s.base_currency, on_date) * pair_rate(s.base_currency, to_currency,
        on_date), 12)
           FROM setting s)) END;
END;
COMMENT ON FUNCTION exchange_rate_on(text, text, date) IS
    'how much of to_currency one from_currency costs on a date: the latest rate of the pair, else the inverse of the '
    'opposite pair to 12 decimals, else by way of the base currency; NULL when none is known';
SELECT allow('reader', 'execute', 'exchange_rate_on');

CREATE FUNCTION convert(amount numeric, from_currency text, to_currency text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent smallint := (SELECT c.exponent FROM currency_code c WHERE c.code = to_currency);
    v_rate numeric := exchange_rate_on(from_currency, to_currency, on_date);
BEGIN
    IF v_exponent IS NULL OR NOT EXISTS (SELECT FROM currency_code c WHERE c.code = from_currency) THEN
        RAISE EXCEPTION 'unknown currency "%"', CASE WHEN v_exponent IS NULL THEN to_currency ELSE from_currency END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Add it to table currency_code.';
    END IF;
    IF v_rate IS NULL AND amount IS NOT NULL AND on_date IS NOT NULL THEN
        RAISE EXCEPTION 'no exchange rate from % to % on %', from_currency, to_currency, on_date
            USING ERRCODE = 'foreign_key_violation',
            HINT = 'Add the rate to table exchange_rate, valid from that day or earlier.';
    END IF;
    RETURN round_money(amount * v_rate, v_exponent);
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
-- the catalog has them: so a new column is one edit, of the table.  These run
-- while books are made or upgraded, never later: hence the dynamic SQL.
-- ---------------------------------------------------------------------------

CREATE FUNCTION column_list(p_table text, p_format text, p_but text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
    SELECT string_agg(format(p_format, quote_ident(a.attname), coalesce(pg_get_expr(d.adbin, d.adrelid), 'NULL')), ', '
                      ORDER BY a.attnum)
      FROM pg_attribute a
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = quote_ident(p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND a.attname <> ALL (p_but)
$$;
COMMENT ON FUNCTION column_list(text, text, text[]) IS
    'the columns of a table that can be written, but some, each in a format (%1$s its name, %2$s its default), with '
    'commas between them';

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
        p_function, p_table, column_list(p_table, '%1$s'), column_list(p_table, 'coalesce(n.%1$s, %2$s)'), p_conflict);
    EXECUTE format('COMMENT ON FUNCTION %s(%I[]) IS %L', p_function, p_table,
                   format('write rows of %s, the one function that inserts any, and return their ids; NULL means a '
                          'column''s default', p_table));
END $$;
COMMENT ON FUNCTION make_writer(text, text, text) IS
    'make the function that writes a table from rows of its type: p_function(p_table[]) returns bigint[], with an ON '
    'CONFLICT clause where there is one';

CREATE FUNCTION row_of(p_table text, p_alias text, p_names text[]) RETURNS text
    LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
    SELECT format('ROW(%s)::%I', string_agg(
               CASE WHEN a.attname = ANY (p_names) THEN format('%I.%I', p_alias, a.attname)
                    ELSE 'NULL' END, ', ' ORDER BY a.attnum), p_table)
      FROM pg_attribute a
     WHERE a.attrelid = quote_ident(p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped
$$;
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

CREATE FUNCTION named_id(p_key text, p_name jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_name text := p_name #>> '{}';
    v_table text := CASE p_key WHEN 'client' THEN 'party' WHEN 'to_cash_account' THEN 'cash_account' ELSE p_key END;
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
        WHEN 'employee' THEN ARRAY(SELECT m.id FROM employee m WHERE v_name IN (m.name, m.email))
        WHEN 'cash_account' THEN ARRAY(SELECT a.id FROM cash_account a WHERE a.name = v_name)
        WHEN 'document' THEN ARRAY(SELECT d.id FROM document d
                                    WHERE d.kind IN ('invoice', 'bill') AND d.status <> 'void'
                                      AND v_name IN (d.number, CASE d.kind WHEN 'bill' THEN d.outside_number END)) END;
    -- Digits are an id as well; where they are somebody else's number nobody can know which is meant.
    IF v_name ~ '^[0-9]{1,18}$' AND (cardinality(v_ids) = 0 OR CASE v_table
        WHEN 'party' THEN EXISTS (SELECT FROM party x WHERE x.id = v_name::bigint)
        WHEN 'contract' THEN EXISTS (SELECT FROM contract x WHERE x.id = v_name::bigint)
        WHEN 'project' THEN EXISTS (SELECT FROM project x WHERE x.id = v_name::bigint)
        WHEN 'task' THEN EXISTS (SELECT FROM task x WHERE x.id = v_name::bigint)
        WHEN 'deal' THEN EXISTS (SELECT FROM deal x WHERE x.id = v_name::bigint)
        WHEN 'direction' THEN EXISTS (SELECT FROM direction x WHERE x.id = v_name::bigint)
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
                                       WHEN 'task' THEN 'number or title' WHEN 'employee' THEN 'name or e-mail address'
                                       ELSE 'name' END, v_table);
END $$;
COMMENT ON FUNCTION named_id(text, jsonb) IS
    'the id of what a key names: text is a name (contract, invoice or bill: its number; task: number or title; '
    'employee: name or email) or, of digits, an id; a number is an id. Refused: nothing of that name (23503), several, '
    'or a name that is another one''s id (22023)';

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
        OR EXISTS (SELECT FROM contract c WHERE c.project_id = OLD.id) THEN
        RAISE EXCEPTION 'project "%" has charges or a contract: its client stays', OLD.name
            USING ERRCODE = 'restrict_violation', HINT = 'Make a project of the other client and move the tasks there.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_client() IS
    'trigger function of project: its client is fixed once there are charges or a contract (23001); SECURITY DEFINER '
    'because nobody is granted the locks';
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
    IF TG_OP = 'UPDATE' AND (NEW.period, NEW.anchor_day) <> (OLD.period, OLD.anchor_day)
        AND EXISTS (SELECT FROM billing_period b WHERE b.contract_id = NEW.id) THEN
        RAISE EXCEPTION 'contract "%" has closed periods: its period and anchor_day stay', OLD.number
            USING ERRCODE = 'restrict_violation',
                DETAIL = 'Other periods would overlap those that are billed, or leave days out.',
                HINT = 'End this contract with its last period and make another one.';
    END IF;
    IF NEW.parent_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM contract b WHERE b.id = NEW.parent_id AND b.parent_id IS NULL
           AND b.client_id = NEW.client_id AND b.currency = NEW.currency) THEN
        RAISE EXCEPTION 'contract "%" cannot be the companion of contract %', NEW.number, NEW.parent_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_companion_fits',
                HINT = 'A companion has the client and the currency of its base contract, which is no companion '
                       'itself.';
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

-- A contract whose entries bear on one another: what one burns or rounds away
-- another cannot.  Others are rated entry by entry.
CREATE VIEW sequential_contract WITH (security_invoker) AS
    SELECT c.id AS contract_id, coalesce(c.parent_id, c.id) AS base_id, c.round_scope
      FROM contract c
     WHERE c.round_scope <> 'entry' OR c.cap_amount IS NOT NULL OR c.cap_s IS NOT NULL
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

CREATE FUNCTION open_period(p_base contract, OUT span daterange, OUT opens_at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT period_of(d.day, (p_base).period, (p_base).anchor_day),
        d.day::timestamp AT TIME ZONE contract_zone((p_base).calendar_id)
      FROM (SELECT coalesce((SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = (p_base).id),
                            lower(period_of((p_base).starts_on, (p_base).period, (p_base).anchor_day))) AS day) d;
END;
COMMENT ON FUNCTION open_period(contract) IS
    'the earliest service period of a base contract that is not closed, and the instant at which it begins';

CREATE FUNCTION contract_today(p_base contract) RETURNS date
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (now() AT TIME ZONE contract_zone((p_base).calendar_id))::date;
END;
COMMENT ON FUNCTION contract_today(contract) IS 'today in a contract''s zone';

CREATE FUNCTION period_name(first_day date, period text, anchor_day integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN period = 'month' AND extract(day FROM first_day) = 1 THEN left(iso(first_day), 7)
                ELSE iso(first_day) || ' – ' || iso((upper(period_of(first_day, period, anchor_day)) - 1)) END;
END;
COMMENT ON FUNCTION period_name(date, text, integer) IS
    'what papers call a service period, in any language: 2026-03, or its first and last day';
-- ---------------------------------------------------------------------------
-- match: which contract takes what is done for a client, and what else follows
-- from what a fact names
-- ---------------------------------------------------------------------------

-- Written as one SELECT, which the planner pulls into the queries that use it.
CREATE FUNCTION contract_of(p_named bigint, p_client bigint, p_project bigint, p_at timestamptz, p_day date)
    RETURNS TABLE (contracts bigint[], candidates bigint, zone text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_agg(k.id ORDER BY k.id) FILTER (WHERE k.matches AND k.level = k.best), count(*),
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
BEGIN
    PERFORM check_dimension(format('task "%s"', NEW.title), 'client', p.client_id, format('deal %s', d.id), d.client_id)
       FROM project p, deal d WHERE p.id = NEW.project_id AND d.id = NEW.deal_id;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_task_deal() IS
    'trigger function of task: its deal is one of the client of its project (23514)';

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
                WHEN coalesce(r.duration_s, extract(epoch FROM r.ended_at - r.started_at) - r.break_s) < 0
                    THEN 'break_s is longer than the entry'
                WHEN coalesce(r.duration_s, extract(epoch FROM r.ended_at - r.started_at)) > s.max_entry_s
                THEN format('longer than the limit of %s seconds', s.max_entry_s)
                WHEN r.billable <> 'billable' AND NOT s.trackers_decide AND NOT p_may_decide
                    THEN 'billable is not for trackers to say: setting.trackers_decide'
                WHEN r.billable NOT IN ('billable', 'no_charge', 'non_billable')
                    THEN format('unknown disposition "%s"', r.billable) END
      FROM read_records(p_entries) r
     CROSS JOIN setting s
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
               EXISTS (SELECT FROM live_charge h WHERE h.time_entry_id = e.id AND h.fixed) AS frozen
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
    UPDATE time_entry e SET approved_at = now(), approved_by = actor()
     WHERE e.id = ANY (entries) AND e.approved_at IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION approve_entries(bigint[]) IS
    'approve time entries, which rates those that waited for it; returns how many were not approved before; refused '
    '(23503) whole for an unknown one';
SELECT allow('manager', 'execute', 'approve_entries');
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

CREATE VIEW visible_charge WITH (security_barrier) AS
    SELECT h.* FROM charge h WHERE (SELECT NOT row_security_active('charge'::regclass))
        OR h.id IN (SELECT s.id FROM seen_charge s);
COMMENT ON VIEW visible_charge IS
    'charges with their costs for the views of figures, within the row policies of whoever asks; granted to nobody';

CREATE VIEW burn WITH (security_invoker) AS
    SELECT allotment_id, id AS charge_id, burned AS amount FROM charge WHERE allotment_id IS NOT NULL;
COMMENT ON VIEW burn IS
    'what each charge took from an allotment, in the allotment''s unit; a segment is cut where an allotment ends, so '
    'it draws on one only';
SELECT allow('reader', 'select', 'burn');

-- What counts: no reversal, and nothing that was reversed.  "Is it billed" is
-- asked of these alone: settled and live.
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
BEGIN
    -- fixed is generated, and not yet here
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - '{deal_id,fixed}'::text[] = to_jsonb(NEW) - '{deal_id,fixed}'::text[] THEN
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
    v_burned := (SELECT sum(b.amount) FROM burn b WHERE b.allotment_id = OLD.id);
    IF NEW.amount < v_burned OR v_burned <> 0 AND (NEW.unit, NEW.contract_id) <> (OLD.unit, OLD.contract_id) THEN
        RAISE EXCEPTION 'work has taken % of allotment % already', trim_scale(v_burned), OLD.id
            USING ERRCODE = 'restrict_violation',
                HINT = 'Keep its unit and contract and at least that amount, or void_block() it.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_burned() IS
    'trigger function of allotment: what work took of it stays (23001); SECURITY DEFINER because nobody is granted the '
    'locks';
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
                SELECT FROM charge h WHERE h.time_entry_id = n.time_entry_id AND h.segment = n.segment AND NOT h.fixed
                   AND (%3$s) IS NOT DISTINCT FROM (%4$s))
             ORDER BY n.time_entry_id, n.segment
            ON CONFLICT (time_entry_id, segment) WHERE time_entry_id IS NOT NULL AND NOT fixed DO UPDATE SET %5$s;
        END $body$ $function$,
        column_list('charge', '%1$s'), column_list('charge', 'coalesce(n.%1$s, %2$s)'),
        column_list('charge', 'h.%1$s', c_kept), column_list('charge', 'coalesce(n.%1$s, %2$s)', c_kept),
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
    v_span := period_of(v.service_date, v_base.period, v_base.anchor_day);
    v.period_start := greatest(lower(v_span), v_opens);
    v.late := lower(v_span) < v_opens;
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

CREATE FUNCTION part_of(p_charge charge, p_amount numeric, p_base_amount numeric, p_why jsonb, p_adjusts boolean)
    RETURNS charge
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := p_charge;
BEGIN
    v.id := NULL;
    v.source := 'adjustment';
    v.made_by := 'document';
    v.coverage := 'billable';
    v.amount := p_amount;
    v.base_amount := p_base_amount;
    v.why := p_why;
    v.adjusts_id := CASE WHEN p_adjusts THEN p_charge.id END;
    -- it is no work and no item of its own, and was not rated
    v.time_entry_id := NULL;
    v.segment := NULL;
    v.task_item_id := NULL;
    v.worked_s := 0;
    v.billed_s := 0;
    v.quantity := NULL;
    v.price := NULL;
    v.multiplier := NULL;
    v.discount_pct := NULL;
    v.rate := NULL;
    v.price_id := NULL;
    v.price_source := NULL;
    v.price_list_id := NULL;
    v.cost := 0;
    v.base_cost := 0;
    v.cost_rate := NULL;
    v.base_cost_rate := NULL;
    v.allotment_id := NULL;
    v.burned := NULL;
    v.terms_id := NULL;
    v.late := false;
    v.held_by := NULL;
    v.frozen_at := NULL;
    v.reverses_id := NULL;
    v.key := NULL;
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
    DELETE FROM charge h WHERE h.adjusts_id = ANY (v_charges) AND NOT h.fixed;
    v_charges := ARRAY(
        SELECT unnest(v_charges)
        UNION
        SELECT h.id FROM live_charge h WHERE h.adjusts_id = ANY (v_charges)
        ORDER BY 1);
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
               override_reason = reason
     WHERE e.id = time_entry_id;
    IF v_base.id IS NOT NULL
        AND EXISTS (SELECT FROM charge h WHERE h.id = ANY (reversed) AND h.allotment_id IS NOT NULL) THEN
        PERFORM rate_again(v_base, (SELECT min(h.service_date) FROM charge h WHERE h.id = ANY (reversed)));
    END IF;
    SELECT coalesce(array_agg(h.id ORDER BY h.id) FILTER (WHERE NOT h.fixed), '{}'), coalesce(sum(h.amount), 0),
        min(h.currency),
           coalesce(sum(h.base_amount), 0), count(DISTINCT h.currency)
      INTO charged, difference, currency, v_base_difference, v_currencies
      FROM charge h WHERE h.id = ANY (reversed) OR h.time_entry_id = correct_entry.time_entry_id AND NOT h.fixed;
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
    'to another currency. Refused: work that is not billed, or held by a sent report (23001), unknown columns, no '
    'reason, nothing changed (22023)';
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
           max(r.account_id) FILTER (WHERE r.role = 'absorbed_materials') AS absorbed_materials
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
    '(23514); SECURITY DEFINER because nobody is granted its views';
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
-- post() alone, so no key of a caller is ever taken for one of the books.
-- ---------------------------------------------------------------------------

SELECT make_writer('entry', 'put_entries');

-- Which of these events are new; those that are known must have the same content.
CREATE FUNCTION open_events(p_source text, p_keys text[], p_contents text[], p_memo text DEFAULT NULL,
                            p_reverses bigint[] DEFAULT NULL) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan
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
        SELECT opposite(e, x.reversal_id, p_on)
          FROM unnest(p_events, v_reversals) x (id, reversal_id) JOIN entry e ON e.event_id = x.id
         WHERE x.reversal_id IS NOT NULL ORDER BY e.id));
    RETURN v_reversals;
END $$;
COMMENT ON FUNCTION reverse_entries(bigint[], text, text[], date) IS
    'post the opposite of events under keys of a source, on their dates or on one day; returns the reversals, NULL '
    'where one was posted before';

-- What an entry by hand says of its dimensions is completed like that of any other fact.
CREATE FUNCTION given_dimension(p_entry jsonb, p_what text) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT to_jsonb(complete_dimension(
               ROW((p_entry ->> 'own')::bigint,
                   coalesce((p_entry ->> 'client')::bigint, CASE WHEN r.id IS NOT NULL
                   THEN (p_entry ->> 'party')::bigint END),
                   (p_entry ->> 'contract')::bigint, (p_entry ->> 'project')::bigint, (p_entry ->> 'deal')::bigint,
                   (p_entry ->> 'task')::bigint, (p_entry ->> 'employee')::bigint, (p_entry ->> 'work_type')::bigint,
                   (p_entry ->> 'direction')::bigint)::dimension,
               given_date(p_entry, 'on'), p_what))
      FROM (SELECT) one
      LEFT JOIN (SELECT a.id, a.code FROM account a JOIN account_role o ON o.account_id = a.id
          AND o.role = 'receivable') r
        ON r.code IN (p_entry ->> 'debit', p_entry ->> 'credit');
END;
COMMENT ON FUNCTION given_dimension(jsonb, text) IS
    'the dimensions of an entry of post(), completed: the party of an entry of the clients'' account is its client';

CREATE FUNCTION post(key text, entries jsonb, memo text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_event bigint;
    v_base text;
    v_wrong text;
BEGIN
    PERFORM lock_parties('{}');
    v_base := (SELECT s.base_currency FROM setting s);
    entries := json_argument(entries);
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' OR jsonb_array_length(entries) = 0 THEN
        RAISE EXCEPTION 'entries must be a JSON array of at least one entry'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Each entry: {"on": date, "debit": account code, "credit": account code, "amount": "text", '
                       '"currency": code, …}.';
    END IF;
    SELECT e.value::text INTO v_wrong FROM jsonb_array_elements(entries) e
     WHERE jsonb_typeof(e.value) <> 'object' OR NOT e.value ?& '{on,debit,credit,amount,currency}' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'an entry lacks one of on, debit, credit, amount, currency'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = v_wrong;
    END IF;
    PERFORM check_keys(e.value, 'entry',
        '{on,debit,credit,amount,currency,article,own,client,party,contract,project,deal,task,'
                       'employee,work_type,direction}') FROM jsonb_array_elements(entries) e;
    v_event := (open_events('user', ARRAY[key], ARRAY[entries::text], memo))[1];
    IF v_event IS NULL THEN
        RETURN event_of('user', key);
    END IF;
    SELECT x.code INTO v_wrong
      FROM jsonb_array_elements(entries) WITH ORDINALITY e (value, no)
     CROSS JOIN LATERAL (VALUES (e.value ->> 'debit'), (e.value ->> 'credit'), (e.value ->> 'article')) x (code)
     WHERE NOT EXISTS (SELECT FROM account a WHERE a.code = x.code) AND x.code IS NOT NULL
     ORDER BY e.no LIMIT 1;
    PERFORM account_id(v_wrong);  -- which says that there is none
    PERFORM put_entries(ARRAY(
        SELECT jsonb_populate_record(NULL::entry, d.dimension || jsonb_build_object(
                   'event_id', v_event, 'entry_on', g.entry_on, 'debit_id', b.id, 'credit_id', c.id, 'article_id', a.id,
                   'amount', g.amount, 'currency', e.value ->> 'currency',
                   'base_amount', convert(g.amount, e.value ->> 'currency', v_base, g.entry_on),
                   'party_id', e.value ->> 'party'))
          FROM jsonb_array_elements(entries) WITH ORDINALITY e (value, no)
         CROSS JOIN LATERAL (SELECT given_date(e.value, 'on') AS entry_on, (e.value ->> 'amount')::numeric AS amount) g
         CROSS JOIN LATERAL (SELECT given_dimension(e.value, format('entry %s', e.no)) AS dimension) d
          LEFT JOIN account b ON b.code = e.value ->> 'debit'
          LEFT JOIN account c ON c.code = e.value ->> 'credit'
          LEFT JOIN account a ON a.code = e.value ->> 'article'
         ORDER BY e.no));
    RETURN v_event;
END $$;
COMMENT ON FUNCTION post(text, jsonb, text) IS
    'post one event of one or more entries and return its id; entries is an array of {"on", "debit", "credit", '
    '"amount", "currency"} with account codes, and optionally "article", "own", "client", "party", "contract", '
    '"project", "deal", "task", "employee", "work_type", "direction" (ids), which complete one another. The same key '
    'and content again returns the same event and posts nothing; the same key with other content is refused (23505), '
    'and so are keys that nothing knows (22023) and dimensions that contradict each other (23514)';
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

-- What a charge means to the ledger, posted or not: work is owed by the
-- client, and its labour is absorbed at the cost rate: what is really paid to
-- people goes to payroll, so a cost rate moves profit between projects and
-- never invents any.  Items likewise, against purchases.
-- Of the owner, as it stands behind figures of those who may not see costs.
CREATE VIEW charge_entry AS
    SELECT 'charge'::text AS source, c.id AS source_id, r.no, c.service_date AS entry_on, r.debit_id, r.credit_id,
           r.amount, r.currency, r.base_amount, NULL::bigint AS article_id, c.own_id, c.client_id,
           c.client_id AS party_id, c.contract_id, c.project_id, c.deal_id, c.task_id, c.employee_id, c.direction_id,
           c.work_type_id, c.id AS charge_id, NULL::bigint AS payment_id, NULL::bigint AS document_id, c.frozen_at
      FROM visible_charge c
     CROSS JOIN setting s
     CROSS JOIN role_account a
     CROSS JOIN LATERAL (VALUES
        (1::bigint, a.receivable, a.revenue, c.amount, c.currency, c.base_amount),
        (2, CASE c.source WHEN 'time' THEN a.direct_labour ELSE a.materials END,
         CASE c.source WHEN 'time' THEN a.absorbed_labour ELSE a.absorbed_materials END, c.base_cost, s.base_currency,
             c.base_cost)
     ) AS r (no, debit_id, credit_id, amount, currency, base_amount)
     WHERE r.amount <> 0;
COMMENT ON VIEW charge_entry IS 'the ledger entries of each charge, posted when frozen_at is set, live otherwise';
SELECT allow('controller', 'select', 'charge_entry');

-- Cash against settlements, and the accrual where the article accrues with its
-- payment.  A payment of bills accrues nothing: they did.
CREATE VIEW payment_entry WITH (security_invoker) AS
    SELECT 'payment'::text AS source, p.id AS source_id, e.no, e.entry_on, e.debit_id, e.credit_id, p.amount,
           p.currency, NULL::numeric(20,6) AS base_amount, e.article_id, p.own_id, p.client_id, p.party_id,
           p.contract_id, p.project_id, p.deal_id, p.task_id, p.employee_id, p.direction_id, p.work_type_id,
           NULL::bigint AS charge_id, p.id AS payment_id, NULL::bigint AS document_id, NULL::timestamptz AS frozen_at
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
        (2, 'out', coalesce(p.accrued_on, p.paid_on), a.id, s.settlement_id, NULL, a.accrues AND NOT p.settles_bills)
     ) AS e (no, flow, entry_on, debit_id, credit_id, article_id, made)
     WHERE e.flow = p.flow AND e.made;
COMMENT ON VIEW payment_entry IS 'the ledger entries that each payment makes when it is posted';
SELECT allow('controller', 'select', 'payment_entry');

-- The tax of what goes out, by contract; what comes in, line by line: net to its
-- article, its tax against the tax of sales, all of it owed.
CREATE VIEW document_entry WITH (security_invoker) AS
    SELECT 'document'::text AS source, t.document_id AS source_id,
           row_number() OVER (PARTITION BY t.document_id ORDER BY t.contract_id) AS no, t.issued_on AS entry_on,
           r.receivable AS debit_id, r.tax AS credit_id, t.amount::numeric(20,6) AS amount, t.currency,
           NULL::numeric(20,6) AS base_amount, NULL::bigint AS article_id, t.own_id, t.party_id AS client_id,
           t.party_id, t.contract_id, NULL::bigint AS project_id, NULL::bigint AS deal_id, NULL::bigint AS task_id,
           NULL::bigint AS employee_id, NULL::bigint AS direction_id, NULL::bigint AS work_type_id,
           NULL::bigint AS charge_id, NULL::bigint AS payment_id, t.document_id, NULL::timestamptz AS frozen_at
      FROM (SELECT d.id AS document_id, d.issued_on, d.own_id, d.party_id, d.currency, h.contract_id,
                   sum(l.tax) AS amount
              FROM document d
              JOIN document_line l ON l.document_id = d.id
              LEFT JOIN document_line x ON x.id = l.reverses_line_id
              LEFT JOIN charge h ON h.id = coalesce(x.charge_id, l.charge_id)
             WHERE d.kind IN ('invoice', 'credit_note') AND l.tax <> 0
             GROUP BY 1, 2, 3, 4, 5, 6) t
     CROSS JOIN role_account r
     WHERE t.amount <> 0
    UNION ALL
    SELECT 'document', d.id, 2 * l.id + e.nth, d.issued_on, e.account_id, r.payable, e.amount::numeric(20,6),
           d.currency, NULL::numeric(20,6), NULL, NULL, l.client_id, d.party_id, l.contract_id, l.project_id, l.deal_id,
           l.task_id, l.employee_id, NULL, NULL, NULL, NULL, d.id, NULL
      FROM document d
      JOIN document_line l ON l.document_id = d.id
     CROSS JOIN role_account r
     CROSS JOIN LATERAL (VALUES
        (0, account_id(coalesce(l.article, bill_article(d.party_id))), l.net), (1, r.tax, l.tax)
     ) AS e (nth, account_id, amount)
     WHERE d.kind = 'bill' AND e.amount <> 0;
COMMENT ON VIEW document_entry IS
    'the ledger entries of documents: the tax of invoices and credit notes when they are issued, bills when they are '
    'accepted';
SELECT allow('controller', 'select', 'document_entry');

CREATE VIEW due_entry WITH (security_invoker) AS
    SELECT * FROM charge_entry UNION ALL SELECT * FROM payment_entry UNION ALL SELECT * FROM document_entry;
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
    IF EXISTS (SELECT FROM charge_entry e WHERE e.charge_id = ANY (p_charges))
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
    RETURN cardinality(v_charges);
END $$;
COMMENT ON FUNCTION freeze_charges(bigint[], text, text, bigint) IS
    'freeze the provisional ones of these charges and post them under an event of that source and key; returns how '
    'many';

CREATE FUNCTION post_document(p_document bigint, p_key text, p_memo text, p_on date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_event bigint;
BEGIN
    IF EXISTS (SELECT FROM document_entry e WHERE e.source_id = p_document) THEN
        v_event := (open_events('document', ARRAY[p_key], ARRAY[p_document::text], p_memo))[1];
        PERFORM post_entries('document', ARRAY[p_document], ARRAY[v_event], p_on);
    END IF;
END $$;
COMMENT ON FUNCTION post_document(bigint, text, text, date) IS
    'post what a document means to the ledger, on its day or on one that is given; nothing where that is nothing';

CREATE FUNCTION post_tax(p_document bigint, p_on date) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    SELECT post_document(p_document, format('%s:issue', p_document), 'tax on sales', p_on);
END;
COMMENT ON FUNCTION post_tax(bigint, date) IS
    'post the tax of an invoice or credit note on its tax date: receivable to tax payable, by contract';

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
    'take back what a document itself posted, its tax or its bill, on a day; its charges stay frozen';
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
       allow('clerk', 'insert,update', 'payment', but => '{settles_bills,revision,made_from}'),
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
        OR TG_OP = 'UPDATE' AND ((NEW.next_no = OLD.next_no AND NEW.first_no = OLD.first_no)
                                 OR (NEW.next_no = OLD.next_no + 1 AND NEW.first_no = OLD.first_no)
                                 OR (OLD.next_no = OLD.first_no AND NEW.next_no = NEW.first_no)) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'number series % of % goes on at %', OLD.kind, OLD.year, OLD.next_no
        USING ERRCODE = 'restrict_violation',
            HINT = 'The first number can be chosen before the series is used; its pattern can be changed at any time.';
END $$;
COMMENT ON FUNCTION guard_number_series() IS
    'trigger function of number_series: a used counter only counts on, one by one (23001)';

CREATE FUNCTION document_name(p_document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN coalesce(d.number, d.outside_number) IS NULL
                THEN format('%s %s (id %s)', CASE d.status WHEN 'draft' THEN 'draft' ELSE d.status END,
                            replace(d.kind, '_', ' '), d.id)
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

-- Not STABLE: it sees what the statement that calls it has just put.
CREATE FUNCTION document_of(p_document bigint, p_kind text DEFAULT NULL) RETURNS document
    LANGUAGE plpgsql SET search_path FROM CURRENT
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
    SELECT l.charge_id, l.id AS line_id, l.document_id, l.kind, l.charge_id AS work_id FROM document_line l
     WHERE l.claim AND l.released_at IS NULL
    UNION ALL
    SELECT l.adjustment_id, l.id, l.document_id, l.kind, l.charge_id FROM document_line l
     WHERE l.claim AND l.released_at IS NULL AND l.adjustment_id IS NOT NULL
    UNION ALL
    SELECT l.charge_id, l.id, l.document_id, l.kind, NULL FROM document_line l
     WHERE l.kind = 'credit_note' AND l.released_at IS NULL AND l.charge_id IS NOT NULL;
COMMENT ON VIEW charge_claim IS
    'charges that a live document keeps, and by which line; work_id is the charge of the line, of which charge_id may '
    'be the discount or included tax; charges that a credit note made are kept by it';
SELECT allow('reader', 'select', 'charge_claim');

-- Where every charge is.  A charge and its reversal that no document keeps
-- cancel each other out; while one of them is on a document the other is owed.
CREATE VIEW charge_place WITH (security_invoker) AS
    SELECT h.id AS charge_id,
           CASE WHEN h.coverage = 'non_billable' THEN 'non_billable'
                WHEN c.kind = 'credit_note' OR i.id IS NOT NULL AND d.status <> 'draft' THEN 'billed'
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
      LEFT JOIN (SELECT r.id AS charge_id, r.reverses_id AS other_id, x.line_id IS NOT NULL AS claimed
                   FROM charge r LEFT JOIN charge_claim x ON x.charge_id = r.reverses_id WHERE r.reverses_id IS NOT NULL
                 UNION ALL
                 SELECT r.reverses_id, r.id, x.line_id IS NOT NULL
                   FROM charge r LEFT JOIN charge_claim x ON x.charge_id = r.id WHERE r.reverses_id IS NOT NULL) o
        ON o.charge_id = h.id AND o.other_id = coalesce(h.reverses_id, o.other_id);
COMMENT ON VIEW charge_place IS
    'where every charge is, exactly one place: non_billable, billed (on a live invoice, or the credit of one), '
    'reported (kept by a report or a draft invoice, claimed_by), cancelled (with its reversal, neither on a document), '
    'written_off (above a cap), unbilled, or no_charge (no_charge, included, prepaid or zero work that no report shows '
    'yet)';
SELECT allow('reader', 'select', 'charge_place');

CREATE FUNCTION frozen_by(charge_id bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(
        (SELECT string_agg(format('It is on %s of %s (%s).', document_name(d.id), iso(d.issued_on), d.status), ' '
                           ORDER BY d.id)
           FROM document_line l JOIN document d ON d.id = l.document_id
          WHERE (l.charge_id = h.id OR l.adjustment_id = h.id) AND l.released_at IS NULL AND d.status <> 'draft'),
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
                   AND d.status <> 'draft');
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
                                                  THEN ', ' || period_name(h.period_start, k.period, k.anchor_day)
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

CREATE FUNCTION check_report_lines(p_document bigint) RETURNS void
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
COMMENT ON FUNCTION check_report_lines(bigint) IS
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
BEGIN
    UPDATE charge h SET held_by = NULL
      FROM document_line l
     WHERE l.id = ANY (p_lines) AND l.released_at IS NULL AND l.claim AND h.id = l.charge_id
       AND h.held_by = l.document_id AND h.frozen_at IS NULL;
    UPDATE document_line l SET released_at = now(), released_by = p_by WHERE l.id = ANY (p_lines)
        AND l.released_at IS NULL;
    PERFORM reverse_adjustments(v_adjustments, format('%s:release', p_by), p_by);
    -- a task that moved while a report held its work left the work behind
    PERFORM rate_entries(ARRAY(
        SELECT DISTINCT h.time_entry_id FROM document_line l JOIN charge h ON h.id = l.charge_id AND NOT h.fixed
            JOIN task t ON t.id = h.task_id
         WHERE l.id = ANY (p_lines) AND t.project_id <> h.project_id AND h.time_entry_id IS NOT NULL ORDER BY 1));
END $$;
COMMENT ON FUNCTION release_lines(bigint[], bigint) IS
    'set the charges of lines free again, by a document (void, rejected, superseded, or the credit note): exactly '
    'these may then be billed again, where their task is now';
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
-- A new step is a row here; where it does something new, a procedure of a few
-- lines and its branch in take_step() or follow_step(), all in this file.
-- ---------------------------------------------------------------------------

CREATE VIEW document_transition WITH (security_invoker) AS
    SELECT k.kind, v.from_status, v.to_status, v.by_hand, v.does, v.follows
      FROM (VALUES
        -- drafts go out, or go
        ('{report}', 'draft', 'sent', true, 'send_report', NULL),
        ('{invoice}', 'draft', 'sent', true, 'send_invoice', 'carry_report'),
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
        ('{specification}', 'sent', 'agreed', true, NULL, 'rate_waiting'),
        ('{proposal,act,contract,annex,other,proforma}', 'sent', 'agreed', true, NULL, NULL),
        ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'sent', 'rejected', true, NULL,
         'release'),
        ('{report,proposal,specification,proforma}', 'sent', 'superseded', false, NULL, 'release'),
        ('{report,proposal,specification,proforma}', 'rejected', 'superseded', false, NULL, 'release'),
        ('{proposal,specification,proforma}', 'agreed', 'superseded', false, NULL, 'release'),
        -- what is taken back
        ('{report,proposal,specification,act,contract,annex,other,proforma}', 'sent', 'void', true, NULL, 'release'),
        ('{report,proposal,specification,act,contract,annex,other,proforma}', 'agreed', 'void', true, NULL, 'release'),
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
        ('{report,bill}', 'partly_paid', 'paid', false, NULL, NULL),
        ('{report,bill}', 'paid', 'partly_paid', false, NULL, NULL),
        ('{report,bill}', 'archived', 'partly_paid', false, NULL, NULL),
        -- what is done with
        ('{report,bill}', 'paid', 'archived', true, NULL, NULL),
        ('{invoice}', 'paid', 'archived', true, NULL, 'carry_report'),
        ('{invoice}', 'credited', 'archived', true, NULL, 'carry_report'),
        ('{credit_note}', 'sent', 'archived', true, NULL, NULL),
        ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'rejected', 'archived', true,
         NULL, NULL),
        ('{proposal,specification,act,contract,annex,other,proforma}', 'agreed', 'archived', true, NULL, NULL)
        ) AS v (kinds, from_status, to_status, by_hand, does, follows)
     CROSS JOIN LATERAL unnest(v.kinds::text[]) k (kind);
COMMENT ON VIEW document_transition IS
    'the steps that documents of a kind can take; those not by_hand follow from another document or from a payment '
    'and are only taken when it is so. does: what the step does before it is taken; follows: what is done after it';
COMMENT ON COLUMN document_transition.does IS
    'what the step does before it is taken, a branch of take_step(); NULL for nothing';
COMMENT ON COLUMN document_transition.follows IS
    'what is done after the step, a branch of follow_step(); NULL for nothing';
SELECT allow('reader', 'select', 'document_transition');

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
            HINT = CASE WHEN p_document.kind = 'report' AND p_status IN ('invoiced', 'partly_paid', 'paid')
                        THEN 'A report becomes invoiced by issue_invoice() and paid when its invoice is paid, never '
                             'by hand.'
                        WHEN p_document.kind IN ('invoice', 'bill') AND p_status IN ('partly_paid', 'paid')
                        THEN 'It becomes paid by the payments allocated to it: allocate_payment().'
                        WHEN p_document.kind = 'invoice' AND p_status = 'void'
                        THEN 'Take its payments back with unallocate() first, or use credit().'
                        WHEN p_document.kind = 'report' AND p_status = 'void' THEN 'Void or credit its invoice first.'
                        WHEN p_document.kind = 'credit_note' AND p_status = 'void' THEN 'Bill what it set free again.'
                        WHEN p_status = 'superseded' THEN 'revise() makes the next revision.'
                        WHEN p_status = 'credited' THEN 'credit() makes a credit note.'
                        ELSE 'View document_transition lists the steps.' END;
END $$;
COMMENT ON FUNCTION refuse_step(document, text) IS
    'raise (23001) that a document cannot take a step, with those it can take and the way out';

CREATE FUNCTION allowed_step(p_document document, p_status text, p_reason text) RETURNS document_transition
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_step document_transition;
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
                       AND c.status <> 'draft') THEN
        PERFORM refuse_step(p_document, p_status);
    END IF;
    IF v_step.by_hand AND p_status IN ('rejected', 'void') AND p_document.status <> 'draft'
        AND coalesce(p_reason, '') = '' THEN
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
    'a document that asks for money says until when: by the client''s terms of payment where no day is given; '
    'refused (23001) below zero';

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
    PERFORM check_report_lines(p_document.id);
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
    PERFORM check_report_lines(p_document.id);
    p_document := make_due(stamp_lined(p_document));
    PERFORM tell_deal(p_document.id, p_document.deal_id);
    PERFORM freeze_charges(
        ARRAY(SELECT l.charge_id FROM document_line l WHERE l.document_id = p_document.id AND l.claim ORDER BY 1)
        || adjust_lines(p_document.id), 'document', format('%s:freeze', p_document.id), p_document.id);
    PERFORM post_tax(p_document.id, p_document.issued_on);
    p_document := number_document(p_document);
END $$;
COMMENT ON FUNCTION send_invoice(document) IS
    'an invoice is issued: what it bills without a report is frozen and posted, and its tax';

CREATE FUNCTION send_credit_note(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    p_document := stamp_lined(p_document);
    PERFORM post_tax(p_document.id, p_document.issued_on);
    p_document := number_document(p_document);
END $$;
COMMENT ON FUNCTION send_credit_note(document) IS 'a credit note is issued: its tax is posted; credit() did the rest';

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
    'an invoice or bill is void: what it posted itself is reversed; an invoice without tax posted nothing';

CREATE FUNCTION take_step(p_does text, INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    p_document := CASE p_does
        WHEN 'send_report' THEN send_report(p_document)
        WHEN 'send_invoice' THEN send_invoice(p_document)
        WHEN 'send_proforma' THEN number_document(make_due(stamp_lined(p_document)))
        WHEN 'send_credit_note' THEN send_credit_note(p_document)
        WHEN 'send_lines' THEN number_document(stamp_lined(p_document))
        WHEN 'send_paper' THEN number_document(stamp_document(p_document))
        WHEN 'agree_report' THEN agree_report(p_document)
        WHEN 'accept_bill' THEN accept_bill(p_document)
        WHEN 'take_back' THEN take_back(p_document)
        ELSE p_document END;
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
    'set free whatever a document that is void, rejected or superseded kept';

CREATE FUNCTION carry_report(p_invoice document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_status text := settled_status(p_invoice.based_on);
BEGIN
    UPDATE document d SET status = v_status, status_said_by = NULL,
           status_reason = format('%s: %s', document_name(p_invoice.id), p_invoice.status)
     WHERE d.id = p_invoice.based_on AND d.kind = 'report' AND d.status <> v_status
       AND NOT (d.status = 'archived' AND v_status = 'paid');
END $$;
COMMENT ON FUNCTION carry_report(document) IS 'take the report along that an invoice is made of';

CREATE FUNCTION rate_waiting(p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_waiting bigint[] := ARRAY(SELECT r.time_entry_id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id
                                 WHERE e.task_id = p_document.task_id ORDER BY 1);
BEGIN
    PERFORM rate_entries(v_waiting) WHERE v_waiting <> '{}';
END $$;
COMMENT ON FUNCTION rate_waiting(document) IS 'rate the work that waited for its specification to be agreed';

CREATE FUNCTION follow_step(p_follows text, p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    CASE p_follows
        WHEN 'release' THEN PERFORM release_document(p_document);
        WHEN 'release_invoice' THEN PERFORM release_document(p_document), carry_report(p_document);
        WHEN 'carry_report' THEN PERFORM carry_report(p_document);
        WHEN 'rate_waiting' THEN PERFORM rate_waiting(p_document);
        ELSE NULL;
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
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION '% was issued and cannot be deleted', document_name(OLD.id)
                USING ERRCODE = 'restrict_violation', HINT = 'void() keeps it with its number and sets its work free.';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' THEN
            RAISE EXCEPTION 'a document begins as a draft, not as %', NEW.status
                USING ERRCODE = 'restrict_violation', HINT = 'Insert a draft and take it on with transition().';
        END IF;
        SELECT * INTO v_before FROM document d WHERE d.id = NEW.supersedes_id;  -- a revision may keep its discount
    ELSE
        v_before := OLD;
        IF OLD.status <> 'draft' AND to_jsonb(OLD) - c_open <> to_jsonb(NEW) - c_open THEN
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
    PERFORM check_amounts(NEW);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_document() IS
    'trigger function of document: issued ones keep their content (23001), steps are those of document_transition, '
    'and each does what belongs to it; amounts are whole units of the currency, discounts a manager''s to give. '
    'SECURITY DEFINER because nobody is granted what a step writes';

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
    'trigger function of document: keeps every step, and does what follows from it; SECURITY DEFINER because nobody '
    'is granted what follows';

CREATE FUNCTION keeps_line(p_old jsonb, p_new jsonb) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_open CONSTANT text[] := '{released_at,released_by,adjustment_id,contract_line_id}';
BEGIN
    RETURN p_old - c_open = p_new - c_open
       AND (p_old ->> 'adjustment_id' IS NULL OR p_new -> 'adjustment_id' = p_old -> 'adjustment_id')
       AND (p_old ->> 'contract_line_id' IS NULL OR p_new -> 'contract_line_id' = p_old -> 'contract_line_id')
       AND (p_old -> 'released_at' = p_new -> 'released_at'
            OR p_old ->> 'released_at' IS NULL
               AND (EXISTS (SELECT FROM document d
                             WHERE d.id = (p_new ->> 'document_id')::bigint
                               AND d.status IN ('void', 'rejected', 'superseded'))
                    OR EXISTS (SELECT FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id
                                WHERE n.document_id = (p_new ->> 'released_by')::bigint
                                  AND (r.charge_id = (p_new ->> 'charge_id')::bigint
                                       OR r.id = (p_new ->> 'reverses_line_id')::bigint))));
END $$;
COMMENT ON FUNCTION keeps_line(jsonb, jsonb) IS
    'does a line of an issued document, as it was and as it is to be, stay what it is? It may get its adjustment '
    'and its stage, once, and be released, once: by the end of its document, or by the credit of it';

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
    v_issued := ARRAY(SELECT d.id FROM document d WHERE d.id = ANY (v_documents) AND d.status <> 'draft');
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
    'rejected and void want a reason. by: on whose behalf, kept as said_by beside who really did it. Refused '
    '(23001) with the steps that are open when this one is not';
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
    'trigger function of task and project: who has a limit of discount cannot say that their work is not billed, '
    'nor unsay that it is (42501)';

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
    'refuse (42501) a discount that was not on the document before, or on the one it revises: discounts are given '
    'by managers, within their limit; who has one gives them in per cent';
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
    SELECT EXISTS (SELECT FROM document d
                    WHERE d.task_id = specification_agreed.task_id AND d.kind = 'specification'
                        AND d.status IN ('agreed', 'archived')
                      AND EXISTS (SELECT FROM document_status_change s WHERE s.document_id = d.id
                                  AND s.to_status = 'agreed'));
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
        'period', b.period, 'anchor', b.anchor_day,
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
                          'cap_amount', trim_scale(g.cap_amount), 'cap_seconds', g.cap_s,
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
    'the terms of a contract and its companions: rounding, calendar, bands, overage, caps, and price lists by their '
    'revisions; terms_document has them with their lists, as rate() takes them';

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

CREATE VIEW terms_document WITH (security_invoker) AS
    SELECT t.id, t.contract_id, jsonb_set(t.body, '{lists}', coalesce(l.lists, '{}')) AS body
      FROM terms t
     CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(r.key, s.body) AS lists
          FROM jsonb_each_text(t.body -> 'lists') r
          JOIN list_snapshot s ON s.price_list_id = r.key::bigint AND s.revision = r.value::bigint) l;
COMMENT ON VIEW terms_document IS 'terms with the price lists they name, as rate() takes them';
SELECT allow('reader', 'select', 'terms_document');
-- ---------------------------------------------------------------------------
-- state: what is left of allotments and caps
-- ---------------------------------------------------------------------------

CREATE FUNCTION is_billed(p_entry bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM live_charge h WHERE h.time_entry_id = p_entry AND h.fixed);
END $$;
COMMENT ON FUNCTION is_billed(bigint) IS
    'has a time entry a frozen or held charge that was not reversed? Then it is left as it is, as a whole';

-- Burns and cap use of the charges that stay as they are: not of the changed
-- entries, and from p_from on only of entries that are frozen.
CREATE FUNCTION allotment_state(p_base bigint, p_changed bigint[], p_from timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
    SELECT jsonb_build_object(
        'draw_from', o.opens_at,
        'allotments', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'contract', a.contract_id, 'kind', a.kind, 'unit',
                                                         a.unit,
                       'remaining', a.amount - coalesce(b.burned, 0), 'priority', a.priority, 'effective_at',
                           a.effective_at,
                       'expires_at', a.expires_at, 'scope', to_jsonb(a.scope_work_types)) ORDER BY a.id), '[]')
              FROM allotment a
              LEFT JOIN LATERAL (
                SELECT sum(h.burned) AS burned FROM charge h
                 WHERE h.allotment_id = a.id AND (h.time_entry_id IS NULL OR h.fixed
                    OR (h.started_at < p_from OR p_from IS NULL OR is_billed(h.time_entry_id))
                       AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id))) b ON true
             WHERE a.contract_id = ANY (o.contracts) AND a.voided_at IS NULL AND a.amount > coalesce(b.burned, 0)
               AND (a.expires_at > o.opens_at OR a.expires_at IS NULL OR o.opens_at IS NULL)),
        'used', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('contract', u.contract_id, 'amount', u.amount, 'seconds',
                                                         u.seconds) ORDER BY u.contract_id), '[]')
              FROM (SELECT h.contract_id, sum(h.amount) AS amount,
                    sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS seconds
                      FROM contract c JOIN charge h ON h.contract_id = c.id
                     WHERE c.id = ANY (o.contracts) AND num_nonnulls(c.cap_amount, c.cap_s) > 0
                       AND (h.source = 'time' OR h.source = 'item')
                       AND (h.time_entry_id IS NULL OR h.fixed
                            OR (h.started_at < p_from OR p_from IS NULL OR is_billed(h.time_entry_id))
                               AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id))
                     GROUP BY 1) u))
      FROM (SELECT ARRAY(SELECT c.id FROM contract c WHERE c.id = b.id UNION ALL SELECT c.id FROM contract c
                         WHERE c.parent_id = b.id) AS contracts,
                   (SELECT max(p.period_end) FROM billing_period p WHERE p.contract_id = b.id)::timestamp
                       AT TIME ZONE coalesce(z.zone, s.zone) AS opens_at
              FROM contract b CROSS JOIN setting s LEFT JOIN calendar z ON z.id = b.calendar_id
             WHERE b.id = p_base) o);
END $$;
COMMENT ON FUNCTION allotment_state(bigint, bigint[], timestamptz) IS
    'what is left of a contract group''s allotments and caps, without the provisional charges of the changed entries '
    'and (p_from not NULL) of all entries from an instant on; work of closed periods draws on what the open period has '
    '(draw_from)';

CREATE FUNCTION grant_included(p_base bigint, p_days date[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, effective_at, expires_at, period_start,
                           scope_work_types)
    SELECT c.id, n.id, 'included', CASE WHEN n.included_s IS NULL THEN 'money' ELSE 'seconds' END,
           CASE WHEN NOT n.prorate_included THEN coalesce(n.included_s, n.included_amount)
                ELSE prorate(coalesce(n.included_s, n.included_amount), p.span, p.active, n.prorate,
                             CASE WHEN n.included_s IS NULL THEN u.exponent::int ELSE 0 END) END,
           lower(p.span)::timestamp AT TIME ZONE contract_zone(b.calendar_id),
           upper(p.span)::timestamp AT TIME ZONE contract_zone(b.calendar_id), lower(p.span), n.scope_work_types
      FROM contract c
      JOIN contract b ON b.id = p_base
      JOIN currency_code u ON u.code = c.currency
      JOIN contract_line n ON n.contract_id = c.id AND n.kind = 'recurring' AND n.status <> 'cancelled'
       AND num_nonnulls(n.included_s, n.included_amount) = 1
     CROSS JOIN LATERAL (SELECT DISTINCT period_of(d, b.period, b.anchor_day) AS span FROM unnest(p_days) d) s
     CROSS JOIN LATERAL (SELECT s.span,
                         s.span * daterange(greatest(n.starts_on, c.starts_on), least(n.ends_on, c.ends_on),
                                            '[]') AS active) p
     WHERE (c.id = p_base OR c.parent_id = p_base) AND NOT isempty(p.active)
       AND NOT EXISTS (SELECT FROM billing_period q WHERE q.contract_id = p_base AND q.period_start = lower(p.span))
       AND NOT EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = n.id AND a.period_start = lower(p.span)
                       AND a.kind = 'included'
                          AND a.voided_at IS NULL)
     ORDER BY c.id, n.id, p.span
    ON CONFLICT (contract_line_id, period_start, kind) WHERE contract_line_id IS NOT NULL
        AND voided_at IS NULL DO NOTHING;
END $$;
COMMENT ON FUNCTION grant_included(bigint, date[]) IS
    'make the allotments of included hours or money for the service periods of these days, once each';

-- A sum that changes as charges do: what entries take now, added to a sum.
CREATE FUNCTION add_use(p_sum allotment_use[], p_entries bigint[], p_sign int) RETURNS allotment_use[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(t.contract_id, t.allotment_id, sum(t.burned), sum(t.amount), sum(t.billed_s))::allotment_use
          FROM (SELECT * FROM unnest(p_sum)
                UNION ALL
                SELECT h.contract_id, h.allotment_id, p_sign * h.burned, CASE
                    WHEN c.cap_amount IS NOT NULL THEN p_sign * h.amount END,
                       CASE WHEN c.cap_s IS NOT NULL AND h.coverage = 'billable' THEN p_sign * h.billed_s END
                  FROM unnest(p_entries) x (id)
                  JOIN charge h ON h.time_entry_id = x.id AND NOT h.fixed
                  JOIN contract c ON c.id = h.contract_id
                 WHERE h.allotment_id IS NOT NULL OR num_nonnulls(c.cap_amount, c.cap_s) > 0) t
         GROUP BY t.contract_id, t.allotment_id
        HAVING sum(t.burned) <> 0 OR sum(t.amount) <> 0 OR sum(t.billed_s) <> 0);
END $$;
COMMENT ON FUNCTION add_use(allotment_use[], bigint[], int) IS
    'add (p_sign 1) or subtract (-1) what the provisional charges of entries take from allotments and caps; empty when '
    'all is nil';
-- ---------------------------------------------------------------------------
-- input: entries as the engine takes them
-- ---------------------------------------------------------------------------

-- What the engine needs to know of entries, looked up afresh.
CREATE FUNCTION fresh_input(p_entries bigint[])
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT x.entry_id, c.id, NULL::bigint, coalesce(c.price_list_id, x.price_list_id, l.id, d.id),
           CASE WHEN f.fixed THEN 'included' ELSE x.disposition END, 
           CASE WHEN f.fixed THEN '{"disposition": {"by": "contract_price"}}' ELSE x.disposition_why END,
           k.currency,
           round(r.hourly_cost * CASE WHEN r.currency = k.currency THEN 1
                 ELSE exchange_rate_on(r.currency, k.currency, x.work_date) END, 12),
           round(r.hourly_cost * CASE WHEN r.currency = s.base_currency THEN 1
                 ELSE exchange_rate_on(r.currency, s.base_currency, x.work_date) END, 12),
           b.rate, NULL::bigint, x.instant,
           q.kind,
           CASE q.kind
               WHEN 'two_contracts'
                   THEN 'contracts ' || (SELECT string_agg(m.number, ' and ' ORDER BY m.id) FROM contract m
                                                           WHERE m.id = ANY (x.contracts)) || ' both match'
               WHEN 'no_contract' THEN 'no contract is in force on ' || iso(x.work_date)
               WHEN 'waits_approval' THEN 'waits for approval'
               WHEN 'waits_specification' THEN 'waits for the client to agree a specification of the task'
               WHEN 'no_exchange_rate' THEN format('no exchange rate from %s to %s on %s',
                   CASE WHEN b.rate IS NULL THEN k.currency ELSE r.currency END,
                   CASE WHEN b.rate IS NULL THEN s.base_currency ELSE k.currency END, iso(x.work_date)) END
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
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v WHERE v.employee_id = x.employee_id
                         AND v.valid_from <= x.work_date
                          ORDER BY v.valid_from DESC LIMIT 1) m ON true
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v WHERE m.hourly_cost IS NULL
                         AND v.employee_id IS NULL
                            AND v.role = x.role AND v.valid_from <= x.work_date
                                ORDER BY v.valid_from DESC LIMIT 1) o ON true
     CROSS JOIN LATERAL (SELECT coalesce(m.hourly_cost, o.hourly_cost) AS hourly_cost,
                                CASE WHEN m.hourly_cost IS NULL THEN o.currency ELSE m.currency END AS currency) r
     CROSS JOIN LATERAL (SELECT CASE
            WHEN cardinality(x.contracts) > 1 THEN 'two_contracts'
            WHEN x.contracts IS NULL AND x.disposition = 'billable' AND x.client_contracts > 0 THEN 'no_contract'
            WHEN c.needs_approval AND x.approved_at IS NULL AND x.disposition = 'billable' THEN 'waits_approval'
            WHEN c.needs_specification AND x.disposition = 'billable'
                AND NOT specification_agreed(x.task_id) THEN 'waits_specification'
            WHEN b.rate IS NULL OR r.currency <> k.currency
                AND exchange_rate_on(r.currency, k.currency, x.work_date) IS NULL
            THEN 'no_exchange_rate' END AS kind) q;
END;
COMMENT ON FUNCTION fresh_input(bigint[]) IS
    'what rating needs to know of entries as configured now; problem says what stands in the way';

-- The same of entries that are rated already and only follow an earlier one:
-- as stamped on their charges, so that no edit of prices slips in.  Reversed
-- charges and their reversals are history; an entry with a frozen charge is
-- frozen as a whole, and bears on others only where they are rounded together.
CREATE FUNCTION stamped_input(p_base bigint, p_from timestamptz, p_to timestamptz, p_changed bigint[],
                              p_grouped boolean)
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.time_entry_id, p_base, min(h.terms_id), min(h.price_list_id),
           CASE WHEN min(h.coverage) IN ('no_charge', 'non_billable') THEN min(h.coverage)
                WHEN bool_and(h.coverage = 'included' AND h.allotment_id IS NULL) THEN 'included' ELSE 'billable' END,
           (array_agg(h.why) FILTER (WHERE h.coverage IN ('no_charge', 'non_billable') 
                                           OR h.coverage = 'included' AND h.allotment_id IS NULL))[1],
           min(h.currency), min(h.cost_rate), min(h.base_cost_rate), min(h.base_rate),
           CASE WHEN bool_or(h.fixed) THEN sum(h.billed_s)::bigint END, min(h.started_at), NULL::text, NULL::text
      FROM charge h
     WHERE h.contract_id IN (SELECT c.id FROM contract c WHERE c.id = p_base UNION ALL SELECT c.id FROM contract c
                             WHERE c.parent_id = p_base)
       AND h.started_at >= p_from AND h.started_at < p_to AND h.time_entry_id IS NOT NULL AND h.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id)
       AND (NOT h.fixed OR NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id))
     GROUP BY h.time_entry_id
    HAVING p_grouped OR NOT bool_or(h.fixed);
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
                   i.disposition, e.employee_id, m.role, coalesce(e.work_type_id, t.work_type_id), e.task_id,
                       i.cost_rate, i.base_cost_rate,
                   i.frozen_s, coalesce(array_position(g.ids, i.terms_id), 1))::rating_entry) AS entries
          FROM unnest(p_input) i
          JOIN grp g ON g.contract = coalesce(i.contract_id, 0)
          JOIN time_entry e ON e.id = i.entry_id
          JOIN employee m ON m.id = e.employee_id
          JOIN task t ON t.id = e.task_id
         WHERE i.problem IS NULL
         GROUP BY 1
    )
    SELECT s, i FROM batch b JOIN grp g USING (contract) CROSS JOIN LATERAL rate(g.bodies, b.entries, p_state) s
      JOIN unnest(p_input) i ON i.entry_id = s.entry_id
     ORDER BY s.entry_id, s.segment;
END;
COMMENT ON FUNCTION rate_input(rating_input[], bigint[], bigint[], jsonb) IS
    'the segments that the engine makes of entries; p_terms are the ids of the terms now in force, one for each of '
    'p_contracts';

-- Fresh entries are rated by the terms of now, which are stamped for it.
CREATE FUNCTION stamp_input(INOUT p_input rating_input[], OUT contracts bigint[], OUT terms bigint[])
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT array_agg(c.id), array_agg((stamp_terms(c.id)).id) INTO contracts, terms
      FROM (SELECT DISTINCT i.contract_id AS id FROM unnest(p_input) i WHERE i.contract_id IS NOT NULL
            AND i.problem IS NULL ORDER BY 1) c;
    IF cardinality(contracts) = 1 THEN
        p_input := ARRAY(
            SELECT ROW(i.entry_id, i.contract_id, CASE WHEN i.contract_id = contracts[1] THEN terms[1] END,
                       i.price_list_id, i.disposition,
                       i.disposition_why, i.currency, i.cost_rate, i.base_cost_rate, i.base_rate, i.frozen_s, i.instant,
                           i.problem_kind, i.problem)::rating_input
              FROM unnest(p_input) i);
    ELSIF contracts IS NOT NULL THEN
        p_input := ARRAY(
            SELECT ROW(i.entry_id, i.contract_id, n.terms_id, i.price_list_id, i.disposition, i.disposition_why,
                       i.currency,
                       i.cost_rate, i.base_cost_rate, i.base_rate, i.frozen_s, i.instant, i.problem_kind,
                           i.problem)::rating_input
              FROM unnest(p_input) i LEFT JOIN unnest(contracts, terms) n (contract_id, terms_id) USING (contract_id));
    END IF;
END $$;
COMMENT ON FUNCTION stamp_input(rating_input[]) IS
    'give fresh entries the terms their contracts have now, and say which contracts these are';
-- ---------------------------------------------------------------------------
-- store: what the engine found becomes charges
-- ---------------------------------------------------------------------------

-- What rating made of an entry, as columns of charge by name; rated_charges() has
-- them as rows.  A segment that could not be rated (0) is no charge.
CREATE FUNCTION rated_columns(p_rated rated_entry[])
    RETURNS TABLE (source text, made_by text, time_entry_id bigint, segment integer, own_id bigint, contract_id bigint,
                   client_id bigint,
                   project_id bigint, deal_id bigint, task_id bigint, employee_id bigint, work_type_id bigint,
                       direction_id bigint,
                   service_date date, period_start date, started_at timestamptz, band text, coverage text,
                       worked_s bigint, billed_s bigint,
                   price numeric, multiplier numeric, discount_pct numeric, rate numeric, price_id bigint,
                       price_source text, price_list_id bigint, amount numeric,
                   currency text, base_rate numeric, base_amount numeric, cost numeric, base_cost numeric,
                       cost_rate numeric,
                   base_cost_rate numeric, allotment_id bigint, burned numeric, why jsonb, terms_id bigint,
                       late boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'time', 'rating', r.entry_id, r.segment, d.own_id, nullif(r.contract_id, 0), d.client_id,
           d.project_id, d.deal_id, d.task_id, d.employee_id, d.work_type_id, d.direction_id,
           r.service_date, coalesce(d.opens_on, r.period_start), i.instant, r.band,
           r.coverage, r.worked_s, r.billed_s,
           r.price, r.multiplier, r.discount_pct, r.rate, r.price_id, r.price_source, i.price_list_id, r.amount,
           i.currency, i.base_rate, round_money(r.amount * i.base_rate, u.exponent), r.cost, r.base_cost,
               i.cost_rate::numeric(19,6),
           i.base_cost_rate::numeric(19,6), r.allotment_id, r.burned,
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
         CROSS JOIN LATERAL (SELECT FROM charge h WHERE h.time_entry_id = i.entry_id AND NOT h.fixed LIMIT 1) k
         WHERE i.frozen_s IS NULL);
BEGIN
    PERFORM replace_charges(ARRAY(SELECT c FROM rated_charges(p_rated) c), v_known);

    INSERT INTO rating_problem (time_entry_id, kind, problem)
    SELECT i.entry_id, i.problem_kind, i.problem FROM unnest(p_input) i WHERE i.problem IS NOT NULL
    UNION ALL
    SELECT (x.segment).entry_id, (x.segment).problem_kind, (x.segment).problem FROM unnest(p_rated) x
     WHERE (x.segment).segment = 0
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
         WHERE h.time_entry_id = n.entry_id AND h.segment > n.segments AND NOT h.fixed;
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

CREATE FUNCTION rate_batch(p_fresh bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_stamped record;
BEGIN
    PERFORM plan_for(cardinality(p_fresh));
    SELECT * INTO v_stamped FROM stamp_input(ARRAY(SELECT i FROM fresh_input(p_fresh) i));
    PERFORM store_rating(v_stamped.p_input,
                         ARRAY(SELECT s FROM rate_input(v_stamped.p_input, v_stamped.contracts, v_stamped.terms,
                                                        '{}') s));
END $$;
COMMENT ON FUNCTION rate_batch(bigint[]) IS
    'rate time entries of contracts whose entries do not bear on one another, as configured now';
-- ---------------------------------------------------------------------------
-- sequence: contracts whose entries bear on one another
-- ---------------------------------------------------------------------------

-- Entries of a contract with allotments, caps or rounding in groups.  A new
-- entry that would be rated alike with what is left in the end and with what
-- was left at its own time takes nothing from those that follow, so they stay
-- as they are.  Else these are rated again, some at a time, until all together
-- take what they took before: then nothing changes any more.
CREATE FUNCTION rate_sequence(p_base bigint, p_fresh bigint[], p_changed bigint[], p_from timestamptz,
                              p_last timestamptz, p_grouped boolean)
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
    SELECT * INTO v_stamped FROM stamp_input(ARRAY(SELECT i FROM fresh_input(p_fresh) i));
    v_input := v_stamped.p_input;
    v_contracts := v_stamped.contracts;
    v_terms := v_stamped.terms;
    IF NOT p_grouped AND p_changed <> '{}' AND add_use('{}'::allotment_use[], p_changed, 1) = '{}' THEN
        v_end := v_then;
        IF EXISTS (SELECT FROM charge h WHERE h.contract_id = ANY (contract_group(p_base)) AND h.started_at >= p_from)
            THEN
            v_end := allotment_state(p_base, p_changed, NULL);
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
        EXIT WHEN v_difference = '{}';
        v_from := v_to;
        v_then := allotment_state(p_base, v_gone, v_from);
        v_input := '{}';
    END LOOP;
END $$;
COMMENT ON FUNCTION rate_sequence(bigint, bigint[], bigint[], timestamptz, timestamptz, boolean) IS
    'rate fresh entries of a contract as configured now, and as stamped those from an instant on that the change bears '
    'on; p_changed are all entries that this change touches, p_last the instant of the last of them, p_grouped whether '
    'entries are rounded together';

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
     CROSS JOIN LATERAL (SELECT CASE p_scope WHEN 'period' THEN lower(period_of(p_day, c.period, c.anchor_day))
                                             ELSE p_day END AS day) d
     WHERE c.id = p_base);
END $$;
COMMENT ON FUNCTION sequence_start(bigint, text, timestamptz, date, bigint[]) IS
    'from which instant a change re-rates a contract: where the first rounding group that it touches begins';

-- What an allotment that comes or goes changes: all that is open from a day on.
CREATE FUNCTION rate_again(p_base contract, p_from date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_from timestamptz := least(p_from, lower(period_of(p_from, p_base.period, p_base.anchor_day)))::timestamp
                          AT TIME ZONE contract_zone(p_base.calendar_id);
BEGIN
    IF p_base.round_scope = 'task'
        OR EXISTS (SELECT FROM charge h WHERE h.contract_id = p_base.id AND h.late AND NOT h.fixed) THEN
        v_from := '-infinity';
    END IF;
    PERFORM rate_sequence(p_base.id, '{}', '{}', v_from, v_from, true);
END $$;
COMMENT ON FUNCTION rate_again(contract, date) IS
    'rate the open work of a contract group again from a day on, as stamped, with the allotments there are now';
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
            WHERE NOT h.fixed);
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
    PERFORM FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id AND NOT h.fixed
        ORDER BY h.id FOR NO KEY UPDATE OF h;
    RETURN v_clients;
END $$;
COMMENT ON FUNCTION lock_entries(bigint[]) IS
    'hold the clients of time entries, then lock the charges they have, as documents do; returns the clients';

CREATE FUNCTION rate_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_batch CONSTANT int := 50000;  -- bounds the memory of one statement; any size gives the same charges
    v_clients bigint[];
    v_sequence record;
    v_rest bigint[];
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
         WHERE NOT EXISTS (SELECT FROM live_charge h WHERE h.time_entry_id = x.id AND h.fixed));

    IF EXISTS (SELECT FROM contract c JOIN sequential_contract q ON q.contract_id = c.id
               WHERE c.client_id = ANY (v_clients)) THEN
        FOR v_sequence IN
            WITH touched AS MATERIALIZED (
                SELECT x.entry_id, x.contracts[1] AS base_id, x.instant, x.work_date, x.task_id, true AS fresh
                  FROM entry_context(v_rest) x WHERE cardinality(x.contracts) = 1
                UNION ALL
                SELECT h.time_entry_id, coalesce(c.parent_id, c.id), h.started_at, h.service_date, h.task_id, false
                  FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id AND NOT h.fixed
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
                                  v_sequence.last_instant, v_sequence.round_scope <> 'entry');
            v_rest := ARRAY(SELECT unnest(v_rest) EXCEPT SELECT unnest(v_sequence.fresh));
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
        PERFORM rate_batch(v_rest[i * c_batch + 1 : (i + 1) * c_batch]) WHERE v_count > 0;
    END LOOP;
END $$;
COMMENT ON FUNCTION rate_entries(bigint[]) IS
    'rate time entries as configured now, and whatever follows them in contracts with allotments, caps or shared '
    'rounding; holds their clients';

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
         WHERE NOT h.fixed AND h.time_entry_id IS NOT NULL AND h.service_date >= from_date
           AND NOT EXISTS (SELECT FROM live_charge f WHERE f.time_entry_id = h.time_entry_id AND f.fixed)
           AND h.contract_id IN (SELECT c.id FROM contract c WHERE rerate.contract_id IN (c.id, c.parent_id))
        UNION
        SELECT e.id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id JOIN contract c ON c.client_id = p.client_id
              AND c.id = rerate.contract_id
         WHERE coalesce((e.started_at AT TIME ZONE 'UTC')::date, e.work_date) >= from_date - 1
        ORDER BY 1);
    PERFORM rate_entries(v_entries);
    RETURN cardinality(v_entries);
END $$;
COMMENT ON FUNCTION rerate(bigint, date) IS
    'rate the unfrozen work of a contract and its client''s unrated work again, from a work date on, as configured '
    'now; returns how many entries were looked at';
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
-- follow: charges follow the work they are for
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_frozen_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    SELECT h.id, h.time_entry_id INTO v_charge FROM live_charge h
     WHERE h.time_entry_id = ANY (p_entries) AND h.fixed ORDER BY h.id LIMIT 1;
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
      JOIN charge h ON h.time_entry_id = x.id AND h.late AND NOT h.fixed
      JOIN contract k ON k.id = h.contract_id
      JOIN contract c ON c.id = coalesce(k.parent_id, k.id) AND c.late_policy <> 'next_period'
      JOIN billing_period b ON b.contract_id = c.id AND h.service_date >= b.period_start
          AND h.service_date < b.period_end
     WHERE NOT EXISTS (SELECT FROM charge f WHERE f.time_entry_id = x.id AND f.fixed)
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
    v_too_long record;
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
                 WHERE h.time_entry_id = ANY (v_entries) GROUP BY 1 HAVING bool_or(h.fixed)) b;
    END IF;
    IF cardinality(v_entries) = 0 THEN
        RETURN NULL;
    END IF;
    SELECT n.id, n.worked_s, s.max_entry_s INTO v_too_long FROM new_rows n, setting s
        WHERE n.worked_s > s.max_entry_s LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a time entry of % seconds is longer than the limit of %', v_too_long.worked_s,
            v_too_long.max_entry_s
            USING ERRCODE = 'check_violation', CONSTRAINT = 'time_entry_within_limit',
                HINT = 'Split the entry, or raise max_entry_s in table setting.';
    END IF;
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
BEGIN
    PERFORM lock_entries(v_deleted);
    SELECT h.id, h.time_entry_id INTO v_charge FROM charge h WHERE h.time_entry_id = ANY (v_deleted)
        AND h.fixed LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % is billed and cannot be deleted', v_charge.time_entry_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_charge.id),
                HINT = 'Use correct_entry(): it reverses the charge in the open period.';
    END IF;
    PERFORM rate_entries(v_deleted);  -- nothing fresh is left of them; what followed them is rated again
    DELETE FROM charge h WHERE h.time_entry_id = ANY (v_deleted);
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
    ('cap_or', '%s or %s', '%s або %s', '%s или %s'),
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
    ('reversal', 'reversal of charge %s', 'сторно нарахування %s', 'сторно начисления %s'),
    ('taken_back', 'taken back: %s', 'повернуто: %s', 'возвращено: %s'),
    ('taken_off_discount', 'discount', 'знижка', 'скидка'),
    ('taken_off_tax', 'tax included in the price', 'податок у ціні', 'налог в цене'),
    ('taken_off_both', 'discount, and tax included in the price', 'знижка і податок у ціні', 'скидка и налог в цене'),
    ('credited', 'credited in part', 'частково кредитовано', 'частично кредитовано'),
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
--     cap            {amount, seconds, written_off}
--     disposition    {by: entry, task, work_type, project, own_project, task_price, contract_price; code}
--     fee            {title, once; from, to; days, of, rule, amount}
--     stage          {title, accepted_on}
--     block          {hours, from, to}
--     expense        {cost, currency, on, markup_pct}
--     write_off, write_up, reversal   {charge}
--     minimum_charge {amount, reached}
--     taken_off      {discount, tax}: what a document takes off its charges
--     credited       {document}
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

CREATE FUNCTION cap_reason(p_cap jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT say('cap', p_language,
            CASE WHEN p_cap ?& '{amount,seconds}' THEN say('cap_or', p_language, c.amount, c.seconds)
                 ELSE coalesce(c.amount, c.seconds) END,
            number_text(p_cap -> 'written_off', p_language))
      FROM (SELECT number_text(p_cap -> 'amount', p_language) AS amount,
                   duration_text(p_cap -> 'seconds', p_language) AS seconds) c
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
        WHEN p_why ? 'minimum_charge' THEN
            say('minimum_charge', p_language, number_text(p_why #> '{minimum_charge,amount}', p_language),
                number_text(p_why #> '{minimum_charge,reached}', p_language))
        WHEN p_why ? 'taken_off' THEN
            say(CASE WHEN p_why #> '{taken_off,tax}' IS DISTINCT FROM 'true' THEN 'taken_off_discount'
                     WHEN p_why #> '{taken_off,discount}' = 'true' THEN 'taken_off_both'
                     ELSE 'taken_off_tax' END, p_language)
        WHEN p_why ? 'credited' THEN say('credited', p_language) END
      FROM (SELECT CASE WHEN p_why #> '{block,hours}' IS NULL THEN say('block_money', p_language)
                        ELSE say('block_hours', p_language, number_text(p_why #> '{block,hours}', p_language))
                        END AS what) b;
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
    'taken_off, credited, taken_back, note';
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
    v_change CONSTANT text := price_change(v_band, v_adder, p_language);
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
    RETURN v_steps || say('total', p_language, v_hours, v_price, concat(v_change,
        CASE WHEN p_charge.discount_pct <> 0
             THEN say('less', p_language, number_text(trim_scale(p_charge.discount_pct), p_language)) END),
        money_text(p_charge.amount, p_charge.currency, p_language));
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
                   h.fixed, h.reverses_id
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
                              'cap_amount,discount_pct,fee}';
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
      FROM unnest('{price_list_id,included_s,included_hours,overage_price,cap_amount,discount_pct,fee}'::text[]) k
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
    IF p_terms ? 'cap_amount' THEN
        v_base := v_base || jsonb_build_object('cap_amount', p_terms -> 'cap_amount');
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
                      FROM (SELECT DISTINCT period_of(d::date, p_base.period, p_base.anchor_day) AS span
                              FROM generate_series(greatest(p_from, p_base.starts_on), least(p_to, p_base.ends_on),
                                                   interval '1 day') d) s
                     WHERE v_other AND v_included >= 1) a), '[]'),
            'used', coalesce((
                SELECT jsonb_agg(jsonb_build_object('contract', u.contract_id, 'amount', u.amount, 'seconds',
                                                    u.billed_s))
                  FROM (SELECT h.contract_id, sum(h.amount) AS amount,
                        sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS billed_s
                          FROM charge h
                         WHERE h.contract_id = ANY (contract_group(p_base.id))
                           AND h.source IN ('time', 'item') AND NOT coalesce(h.time_entry_id = ANY (p_entries), false)
                           AND h.service_date < p_from
                         GROUP BY 1) u), '[]')));
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
        SELECT h.time_entry_id FROM charge h
         WHERE h.contract_id = ANY (v_group) AND h.time_entry_id IS NOT NULL AND h.reverses_id IS NULL
           AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
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
        SELECT h.* FROM charge h
         WHERE h.time_entry_id = ANY (v_entries) AND h.reverses_id IS NULL
             AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
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
        SELECT DISTINCT period_of(d::date, p_base.period, p_base.anchor_day) AS span
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
           AND EXISTS (SELECT FROM charge h WHERE h.contract_id = ANY (v_group) AND h.service_date <@ f.span)
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
    '"increment_s", …}), band_rules ([{"band", "multiplier", …}]), cap_amount, discount_pct (in place of all others), '
    'fee a period; null takes a term away. Entries the new terms have no price for count as they are, in '
    'unrated_entries. Refused (22023): unknown terms';
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
      FROM contract c
      JOIN currency_code u ON u.code = c.currency
      JOIN contract_line n ON n.contract_id = c.id AND n.kind IN ('recurring', 'one_time') AND n.status <> 'cancelled'
     CROSS JOIN LATERAL (SELECT p_span * CASE n.kind
            WHEN 'one_time' THEN daterange(coalesce(n.starts_on, c.starts_on), coalesce(n.starts_on, c.starts_on),
                                           '[]') * daterange(c.starts_on, c.ends_on, '[]')
            ELSE daterange(greatest(n.starts_on, c.starts_on), least(n.ends_on, c.ends_on), '[]') END AS days) a
     CROSS JOIN LATERAL (SELECT CASE n.kind WHEN 'one_time' THEN n.amount
                         ELSE prorate(n.amount, p_span, a.days, n.prorate, u.exponent::int) END AS amount,
                                CASE n.kind WHEN 'one_time' THEN n.cost
                                    ELSE prorate(n.cost, p_span, a.days, n.prorate, u.exponent::int) END AS cost
                          WHERE NOT isempty(a.days)) f
     WHERE c.id = ANY (contract_group(p_base)) AND c.status <> 'draft' AND NOT isempty(a.days)
         AND (f.amount <> 0 OR f.cost <> 0);
END;
COMMENT ON FUNCTION due_fees(bigint, daterange) IS
    'recurring and one-time fees of a contract and its companions in one service period, prorated to the days that the '
    'line is in force in it';

CREATE FUNCTION charge_fees_of(p_base bigint, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_fee record;
    v_new charge;
    v_fees charge[];
BEGIN
    -- Fees follow their lines until they are frozen.
    DELETE FROM charge h
     USING contract_line n
     WHERE n.contract_id = ANY (contract_group(p_base)) AND h.contract_line_id = n.id AND h.source = 'fee'
         AND h.coverage = 'billable'
       AND h.period_start = lower(p_span) AND NOT h.fixed AND h.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM due_fees(p_base, p_span) d
                        WHERE (d.line_id, d.service_date, d.amount, d.cost, d.why) = (h.contract_line_id,
                            h.service_date, h.amount, h.cost, h.why));
    FOR v_fee IN
        SELECT d.* FROM due_fees(p_base, p_span) d
         WHERE NOT EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.period_start = lower(p_span)
                           AND h.source = 'fee'
                              AND h.coverage = 'billable' AND h.reverses_id IS NULL)
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
    PERFORM put_charges(v_fees);
END $$;
COMMENT ON FUNCTION charge_fees_of(bigint, daterange) IS
    'make or correct the provisional fee charges of one service period; one for each line and period';

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
        PERFORM charge_fees_of(v_base.id, v_span);
        v_span := period_of(upper(v_span), v_base.period, v_base.anchor_day);
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_fees(bigint, date) IS
    'make the fee charges of every open service period of a contract that begins on or before a day: fees charged in '
    'advance; idempotent. Refused (22023): no day, one without end, or one more than ten years ahead';
SELECT allow('manager', 'execute', 'charge_fees');
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
    IF coalesce(quantity, 0) <= 0 OR quantity = 'NaN' THEN
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
    v_new.cost := round_money(quantity * coalesce(cost, v_price.cost), v_exponent);
    v_new.price_id := v_price.price_id;
    v_new.why := jsonb_strip_nulls(jsonb_build_object(
        'price', CASE WHEN price IS NOT NULL THEN '{"by": "agreed"}'
                      ELSE jsonb_build_object('by', 'position', 'name', v_price.list_name) END,
        'tiers', CASE WHEN v_price.tiers IS NOT NULL THEN jsonb_build_object('mode', v_price.tiers -> 'mode') END,
        'discount', CASE WHEN v_price.discount_pct <> 0
                         THEN jsonb_build_object('pct', trim_scale(v_price.discount_pct), 'by',
                                                 v_price.discount_by) END));
    RETURN new_charge(v_new);
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

-- What was worked has the cost of its hours; what was bought has one in a price
-- list, or nobody knows it.
CREATE VIEW uncosted_item WITH (security_invoker) AS
    SELECT h.id AS charge_id, h.client_id, k.name AS client, h.contract_id, c.number AS contract, h.item_id,
           i.code AS item, h.service_date, h.amount::numeric(18,2) AS amount, h.currency,
           format('no cost of item "%s" on %s in the price lists', i.code, iso(h.service_date)) AS reason
      FROM live_charge h
      JOIN item i ON i.id = h.item_id
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id
     WHERE h.source = 'item' AND h.cost IS NULL AND (h.task_item_id IS NULL OR i.kind IN ('material', 'licence'));
COMMENT ON VIEW uncosted_item IS
    'items that were charged and whose cost nobody knows, so that their profit is not known either; a service or fee '
    'at the fixed price of a task costs the hours logged on it';
SELECT allow('controller', 'select', 'uncosted_item');
-- ---------------------------------------------------------------------------
-- task: fixed prices of tasks, charged when they are done
-- ---------------------------------------------------------------------------

-- What is open follows the task: it goes when the task is done no more, and when
-- the task has another contract, project or day; then it is charged there.
CREATE FUNCTION charge_task(p_task bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_task task;
    v_to record;
    v_item record;
BEGIN
    SELECT * INTO v_task FROM task t WHERE t.id = p_task;
    v_to := task_contract(p_task, coalesce(v_task.completed_at, now()));
    DELETE FROM charge h
     WHERE h.task_id = p_task AND h.task_item_id IS NOT NULL AND NOT h.fixed
       AND (v_task.status <> 'done' OR (h.contract_id, h.project_id, h.service_date)
                                       IS DISTINCT FROM (v_to.contract_id, v_task.project_id, v_to.service_date));
    IF v_task.status <> 'done' OR v_to.problem IS NOT NULL THEN
        RETURN;
    END IF;
    FOR v_item IN
        SELECT i.* FROM task_item i
         WHERE i.task_id = p_task AND NOT EXISTS (SELECT FROM charge h WHERE h.task_item_id = i.id)
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
         WHERE n.project_id <> o.project_id OR n.deal_id IS DISTINCT FROM o.deal_id
             OR EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id)));
    PERFORM rate_entries(ARRAY(
        SELECT e.id FROM new_rows n JOIN old_rows o USING (id) JOIN time_entry e ON e.task_id = n.id
         WHERE n.project_id <> o.project_id ORDER BY e.id));
    PERFORM charge_task(n.id) FROM new_rows n
      WHERE EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id) ORDER BY n.id;
    -- A deal says where profit is told, and nothing of what was billed.  What was
    -- billed to another client before the task moved is none of his deal's.
    UPDATE charge h SET deal_id = n.deal_id
      FROM new_rows n JOIN old_rows o USING (id) JOIN project p ON p.id = n.project_id
     WHERE h.task_id = n.id AND h.client_id = p.client_id AND n.deal_id IS DISTINCT FROM o.deal_id
         AND h.deal_id IS DISTINCT FROM n.deal_id;
    -- work of no deal is of the deal of the document that keeps it
    PERFORM tell_deal(d.id, d.deal_id)
       FROM (SELECT DISTINCT c.document_id
               FROM new_rows n JOIN old_rows o USING (id) JOIN charge h ON h.task_id = n.id
                   JOIN charge_claim c ON c.charge_id = h.id
              WHERE n.deal_id IS NULL AND o.deal_id IS NOT NULL) x
       JOIN document d ON d.id = x.document_id AND d.deal_id IS NOT NULL AND d.status <> 'draft';
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_tasks() IS
    'trigger function of task: rates the open work of tasks that move to another project again, charges the fixed '
    'price of what is done, and tells the deal of a task to its charges; SECURITY DEFINER because nobody is granted '
    'INSERT on charge';

-- The time of a task is in its fixed price from then on: what is not frozen is
-- rated again.
CREATE FUNCTION price_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_tasks bigint[];
    v_gone bigint[] := '{}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_tasks := ARRAY(SELECT DISTINCT n.task_id FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        v_tasks := ARRAY(SELECT DISTINCT o.task_id FROM old_rows o);
        v_gone := ARRAY(SELECT o.id FROM old_rows o);
    ELSE
        v_tasks := ARRAY(SELECT o.task_id FROM old_rows o UNION SELECT n.task_id FROM new_rows n);
        v_gone := ARRAY(SELECT o.id FROM old_rows o);
    END IF;
    PERFORM lock_parties(ARRAY(SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id
                               WHERE t.id = ANY (v_tasks)));
    DELETE FROM charge h WHERE h.task_item_id = ANY (v_gone) AND NOT h.fixed;
    PERFORM rate_entries(ARRAY(
        SELECT e.id FROM time_entry e WHERE e.task_id = ANY (v_tasks) ORDER BY e.id));
    PERFORM charge_task(t.id) FROM unnest(v_tasks) t (id) ORDER BY t.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION price_tasks() IS
    'trigger function of task_item: rates the time of the tasks again, which a fixed price includes, and charges those '
    'that are done already';

CREATE VIEW uncharged_task WITH (security_invoker) AS
    SELECT i.task_id, t.title AS task, p.client_id, k.name AS client, i.item_id, m.code AS item,
        i.quantity::numeric(18,2) AS quantity, t.completed_at,
           coalesce(c.problem, format('no price for item "%s" on %s', m.code, iso(c.service_date))) AS reason
      FROM task_item i
      JOIN task t ON t.id = i.task_id AND t.status = 'done'
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      JOIN item m ON m.id = i.item_id
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
    IF (SELECT sum(h.burned) FROM charge h WHERE h.allotment_id = v_block.id AND h.fixed) <> 0 THEN
        RAISE EXCEPTION 'block % has covered work that is billed', allotment_id
            USING ERRCODE = 'restrict_violation', HINT = 'Correct that work first with correct_entry().';
    END IF;
    SELECT * INTO v_charge FROM charge h WHERE h.id = v_block.charge_id;
    UPDATE allotment a SET voided_at = now(), charge_id = CASE WHEN v_charge.fixed THEN a.charge_id END
        WHERE a.id = v_block.id;
    IF v_charge.fixed THEN
        PERFORM adjust_charge(v_charge.id, -v_charge.amount, reason) WHERE v_charge.amount <> 0;
    ELSE
        DELETE FROM charge h WHERE h.id = v_charge.id;
    END IF;
    PERFORM rate_again(v_base, (v_block.effective_at AT TIME ZONE contract_zone(v_base.calendar_id))::date);
END $$;
COMMENT ON FUNCTION void_block(bigint, text) IS
    'take a prepaid block back: its price is no more charged (a frozen one is written off) and the work it covered is '
    'rated again; refused (23001) when it covered work that is billed';
SELECT allow('manager', 'execute', 'void_block');
-- ---------------------------------------------------------------------------
-- settle: payments meet documents
--
-- An allocation is a row; whatever it makes true (the invoice paid, its
-- report, its tasks, the manager's notice) follows in the same transaction,
-- and deleting the row takes all of it back.
-- ---------------------------------------------------------------------------

CREATE VIEW document_balance WITH (security_invoker) AS
    SELECT d.id AS document_id, d.kind, d.party_id, d.contract_id, d.currency, d.gross,
        coalesce(c.gross, 0)::numeric(20,6) AS credited,
           coalesce(a.amount, 0)::numeric(20,6) AS allocated,
               (d.gross - coalesce(c.gross, 0) - coalesce(a.amount, 0))::numeric(20,6) AS open, d.due_on, d.issued_on
      FROM document d
      LEFT JOIN LATERAL (SELECT -sum(l.gross) AS gross FROM document n JOIN document_line l ON l.document_id = n.id
                         AND l.kind = 'credit_note'
                          WHERE n.based_on = d.id AND n.kind = 'credit_note') c ON d.kind = 'invoice'
      LEFT JOIN LATERAL (SELECT sum(a.amount) AS amount FROM payment_allocation a WHERE a.document_id = d.id) a ON true
     WHERE d.kind = 'invoice' AND d.status NOT IN ('draft', 'void')
        OR d.kind = 'bill' AND d.status IN ('agreed', 'partly_paid', 'paid', 'archived');
COMMENT ON VIEW document_balance IS
    'issued invoices and accepted bills: gross, credited, allocated (paid) and open, in the currency of the document';
SELECT allow('reader', 'select', 'document_balance');

CREATE FUNCTION settled_status(p_document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN d.kind IN ('invoice', 'bill')
                THEN CASE WHEN b.credited = b.gross AND b.credited <> 0 THEN 'credited'
                          WHEN b.open = 0 THEN 'paid'
                          WHEN b.allocated > 0 THEN 'partly_paid'
                          WHEN d.kind = 'bill' THEN 'agreed' ELSE 'sent' END
                WHEN d.kind = 'report'
                THEN coalesce((SELECT CASE i.status WHEN 'sent' THEN 'invoiced' WHEN 'archived' THEN 'paid'
                               ELSE i.status END
                                 FROM document i
                                WHERE i.based_on = d.id AND i.kind = 'invoice'
                                  AND i.status NOT IN ('draft', 'void', 'credited')
                                ORDER BY i.id DESC LIMIT 1),
                              CASE WHEN EXISTS (SELECT FROM document i WHERE i.based_on = d.id AND i.kind = 'invoice'
                                                AND i.status = 'credited')
                                        AND NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = d.id
                                                        AND l.released_at IS NULL AND l.gross <> 0)
                                   THEN 'void' ELSE 'agreed' END) END
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
    IF (SELECT b.open FROM document_balance b WHERE b.document_id = p_document) < 0 THEN
        RETURN;  -- credit() is about to give back what is paid too much
    END IF;
    UPDATE document d SET status = v_status, status_said_by = NULL, status_reason = p_reason
     WHERE d.id = p_document AND d.status <> v_status
       AND NOT (d.status = 'archived' AND v_status IN ('paid', 'credited'));
END $$;
COMMENT ON FUNCTION settle_document(bigint, text) IS
    'give an invoice or bill the status that its payments and credits make true';

CREATE FUNCTION allocation_fault(p_payment payment, p_document document, p_settles boolean, p_amount numeric,
                                 p_open numeric,
                                 p_left numeric, OUT wrong text, OUT hint text)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_document.kind = 'bill' AND p_document.status IN ('draft', 'sent', 'rejected') THEN
        wrong := 'is not accepted';
        hint := 'Accept the bill first: transition(document, ''agreed'').';
    ELSIF p_open IS NULL THEN
        wrong := format('is %s and takes no payment', p_document.status);
        hint := 'Only issued invoices and accepted bills are paid; View document_balance lists them.';
    ELSIF p_payment.status <> 'posted' THEN
        wrong := format('cannot take payment %s, which is %s', p_payment.id, p_payment.status);
        hint := 'Post the payment first.';
    ELSIF p_payment.flow <> (CASE p_document.kind WHEN 'bill' THEN 'out' ELSE 'in' END) THEN
        wrong := format('cannot take payment %s, which goes %s', p_payment.id, p_payment.flow);
        hint := 'Invoices are paid by money that comes in, bills by money that goes out.';
    ELSIF p_payment.party_id IS DISTINCT FROM p_document.party_id THEN
        wrong := format('is not of the party of payment %s', p_payment.id);
        hint := 'Correct party_id of the payment, or choose another document.';
    ELSIF p_payment.currency <> p_document.currency THEN
        wrong := format('is in %s, payment %s in %s', p_document.currency, p_payment.id, p_payment.currency);
        hint := 'Allocate payments of the currency of the document.';
    ELSIF p_document.kind = 'invoice' AND NOT p_settles THEN
        wrong := format('cannot take payment %s of article "%s"', p_payment.id, p_payment.article);
        hint := 'Payments of invoices have the article revenue.';
    ELSIF p_amount <> round_money(p_amount, currency_exponent(p_document.currency)) THEN
        wrong := format('cannot take %s %s, which %s cannot hold', trim_scale(p_amount), p_document.currency,
                        p_document.currency);
        hint := 'Round the amount first.';
    ELSIF p_amount > p_open THEN
        wrong := format('has %s %s open, not %s', trim_scale(p_open), p_document.currency, trim_scale(p_amount));
        hint := 'Allocate what is open; the rest stays as credit.';
    ELSIF p_amount > p_left THEN
        wrong := format('cannot take %s of payment %s, which has %s %s left', trim_scale(p_amount), p_payment.id,
                        trim_scale(p_left),
                        p_payment.currency);
        hint := 'Allocate what is left of it.';
    END IF;
END $$;
COMMENT ON FUNCTION allocation_fault(payment, document, boolean, numeric, numeric, numeric) IS
    'why a document cannot take an amount of a payment, and the way out, of what is open of the one and left of the '
    'other; p_settles: the article of the payment settles what clients owe. NULL: it can';

-- The rows of a statement are looked at in order, each beside what is open and
-- left before it: what is after all of them, and what it and those behind it take.
CREATE FUNCTION check_allocations(p_rows bigint[], p_taken numeric[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_bad record;
BEGIN
    SELECT d.id AS document_id, f.wrong, f.hint INTO v_bad
      FROM (SELECT a.id, a.payment_id, a.document_id, x.taken,
                   sum(x.taken) OVER (PARTITION BY a.document_id ORDER BY a.id DESC) AS of_document,
                   sum(x.taken) OVER (PARTITION BY a.payment_id ORDER BY a.id DESC) AS of_payment
              FROM unnest(p_rows, p_taken) x (id, taken) JOIN payment_allocation a ON a.id = x.id) a
      JOIN payment p ON p.id = a.payment_id
      JOIN document d ON d.id = a.document_id
      LEFT JOIN settling_article k ON k.article = p.article
      LEFT JOIN document_balance b ON b.document_id = d.id
     CROSS JOIN LATERAL (SELECT p.amount - sum(o.amount) AS amount FROM payment_allocation o
                         WHERE o.payment_id = p.id) l
     CROSS JOIN LATERAL allocation_fault(p, d, k.article IS NOT NULL, a.taken, b.open + a.of_document,
                                         l.amount + a.of_payment) f
     WHERE f.wrong IS NOT NULL
     ORDER BY a.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% %', document_name(v_bad.document_id), v_bad.wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits', HINT = v_bad.hint;
    END IF;
END $$;
COMMENT ON FUNCTION check_allocations(bigint[], numeric[]) IS
    'refuse (23514) allocations that took an amount each: posted payment and issued document of one party and '
    'currency, never more than is left or open';

CREATE FUNCTION settle_allocated(p_payments bigint[], p_documents bigint[], p_done text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    PERFORM settle_document(x.document_id, format('payment %s %s', x.payments, p_done))
       FROM (SELECT u.document_id, string_agg(DISTINCT u.payment_id::text, ', ') AS payments
               FROM unnest(p_payments, p_documents) u (payment_id, document_id) GROUP BY 1 ORDER BY 1) x;
    UPDATE payment p SET settles_bills = x.bills
      FROM (SELECT u.id, EXISTS (SELECT FROM payment_allocation a JOIN document d ON d.id = a.document_id
                                  WHERE a.payment_id = u.id AND d.kind = 'bill') AS bills
              FROM (SELECT DISTINCT i.id FROM unnest(p_payments) i (id)) u) x
     WHERE p.id = x.id AND p.flow = 'out' AND p.settles_bills <> x.bills AND p.status = 'posted';
END $$;
COMMENT ON FUNCTION settle_allocated(bigint[], bigint[], text) IS
    'what payments that were allocated to documents, or taken back, make true: the documents take the status that '
    'follows, in order; a payment of bills accrues nothing itself';

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
      JOIN (SELECT a.payment_id, sum(a.amount) AS amount FROM payment_allocation a
             WHERE a.payment_id IN (SELECT o.id FROM unnest(p_old) o) GROUP BY 1) a ON a.payment_id = o.id
     WHERE n.status <> 'void'
       AND (n.amount < a.amount OR (n.currency, n.flow) <> (o.currency, o.flow)
            OR n.party_id IS DISTINCT FROM o.party_id
            OR n.flow = 'in' AND NOT EXISTS (SELECT FROM settling_article s WHERE s.article = n.article))
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

-- Of the owner: who keeps no payments may see what they come to.
CREATE VIEW client_credit WITH (security_barrier) AS
    SELECT p.party_id, k.name AS party, p.currency,
           sum(CASE p.flow WHEN 'in' THEN p.amount - coalesce(a.amount, 0) ELSE -p.amount END)::numeric(18,2) AS credit
      FROM visible_payment p
      JOIN settling_article c ON c.article = p.article
      JOIN party k ON k.id = p.party_id
      LEFT JOIN LATERAL (SELECT sum(a.amount) AS amount FROM payment_allocation a WHERE a.payment_id = p.id) a ON true
     WHERE p.status = 'posted' AND p.flow IN ('in', 'out')
     GROUP BY 1, 2, 3;
COMMENT ON VIEW client_credit IS
    'what clients have paid and no invoice took yet, less what was paid back, by currency: their credit';
SELECT allow('reader', 'select', 'client_credit');
-- ---------------------------------------------------------------------------
-- pay: payments meet documents, by hand or by age
-- ---------------------------------------------------------------------------

CREATE FUNCTION allocate_payment(payment bigint, allocations jsonb DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_payment payment;
    v_bad record;
    v_left numeric;
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
    v_left := v_payment.amount - (SELECT coalesce(sum(a.amount), 0) FROM payment_allocation a
                                  WHERE a.payment_id = v_payment.id);
    SELECT document_name((e ->> 'document')::bigint) AS name, (e ->> 'amount')::numeric AS amount INTO v_bad
      FROM jsonb_array_elements(allocations) e WHERE (e ->> 'amount')::numeric <= 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% cannot take % %', v_bad.name, trim_scale(v_bad.amount), v_payment.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_positive',
                HINT = 'Amounts are above zero; unallocate() takes back.';
    END IF;
    -- Oldest due first: each open document takes what those before it leave.
    WITH target AS (
        SELECT (e ->> 'document')::bigint AS document_id, sum((e ->> 'amount')::numeric) AS amount, min(no) AS no
          FROM jsonb_array_elements(allocations) WITH ORDINALITY x (e, no) GROUP BY 1
        UNION ALL
        SELECT o.document_id, least(o.open, v_left - o.before), row_number() OVER (ORDER BY o.due_on, o.document_id)
          FROM (SELECT b.document_id, b.open, coalesce(b.due_on, b.issued_on) AS due_on,
                       sum(b.open) OVER (ORDER BY coalesce(b.due_on, b.issued_on), b.document_id) - b.open AS before
                  FROM document_balance b
                 WHERE allocations IS NULL AND b.party_id = v_payment.party_id AND b.currency = v_payment.currency
                   AND b.open > 0
                   AND b.kind = CASE v_payment.flow WHEN 'in' THEN 'invoice' WHEN 'out' THEN 'bill' END
                   AND (v_payment.contract_id IS NULL OR b.contract_id IS NULL
                        OR b.contract_id = v_payment.contract_id)) o
         WHERE o.before < v_left
    ), made AS (
        INSERT INTO payment_allocation AS old (payment_id, document_id, amount)
        SELECT v_payment.id, t.document_id, t.amount FROM target t ORDER BY t.no
        ON CONFLICT ON CONSTRAINT payment_allocation_key DO UPDATE SET amount = old.amount + excluded.amount
        RETURNING document_id
    )
    SELECT v_left - coalesce(sum(t.amount), 0) INTO v_left FROM target t JOIN made m USING (document_id);
    RETURN round_money(v_left, currency_exponent(v_payment.currency));
END $$;
COMMENT ON FUNCTION allocate_payment(bigint, jsonb) IS
    'settle open documents of the payer with a posted payment, oldest due first, or those named in allocations '
    '([{"document": id or number, "amount": text}]); returns what is left of the payment, which stays as credit. A '
    'payment that names a contract settles documents of that contract only';
SELECT allow('clerk', 'execute', 'allocate_payment');

CREATE FUNCTION record_payment(content jsonb, OUT payment_id bigint, OUT allocated numeric, OUT unallocated numeric)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_content jsonb := resolve_names(json_argument(content));
    v_payment payment;
    v_account cash_account;
    v_settles boolean;
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
    -- Two who record the same payment at once: the second waits for the first
    -- and then finds it.
    INSERT INTO payment (flow, status, paid_on, accrued_on, amount, currency, cash_account_id, to_cash_account_id,
                         article, party_id, contract_id, project_id,
                         deal_id, task_id, employee_id, direction_id, purpose, bank_ref, source, external_id, made_from)
    SELECT f.flow, coalesce(v_content ->> 'status', 'posted'),
        coalesce(given_date(v_content, 'paid_on'), books_today()), given_date(v_content, 'accrued_on'),
           (v_content ->> 'amount')::numeric, coalesce(v_content ->> 'currency', v_account.currency),
               (v_content ->> 'cash_account')::bigint,
           (v_content ->> 'to_cash_account')::bigint,
           coalesce(v_content ->> 'article',
                    CASE f.flow WHEN 'in' THEN (SELECT a.code FROM account_role r JOIN account a ON a.id = r.account_id
                                                 WHERE r.role = 'revenue') END),
           (v_content ->> 'party')::bigint, (v_content ->> 'contract')::bigint, (v_content ->> 'project')::bigint,
               (v_content ->> 'deal')::bigint,
           (v_content ->> 'task')::bigint, (v_content ->> 'employee')::bigint, (v_content ->> 'direction')::bigint,
               v_content ->> 'purpose',
           v_content ->> 'bank_ref', v_content ->> 'source', v_content ->> 'external_id', v_content
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
        v_settles := v_content ? 'allocations'
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
    'their open invoices, oldest due first; other money what "allocations" name. Returns the payment, what is '
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
     CROSS JOIN LATERAL (SELECT string_agg(d.number, ', ' ORDER BY d.id) AS numbers FROM document d
                          WHERE d.kind = 'invoice' AND d.status IN ('sent', 'partly_paid')
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
    v_applied numeric;
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
    -- Oldest payment first: each gives what those before it leave to be taken.
    WITH source AS (
        SELECT r.id, r.paid_on, least(r.rest, v_take - r.before) AS amount
          FROM (SELECT p.id, p.paid_on, x.rest, sum(x.rest) OVER (ORDER BY p.paid_on, p.id) - x.rest AS before
                  FROM payment p
                  JOIN settling_article c ON c.article = p.article
                 CROSS JOIN LATERAL (SELECT p.amount - coalesce(sum(a.amount), 0) AS rest FROM payment_allocation a
                                      WHERE a.payment_id = p.id) x
                 WHERE p.party_id = v_document.party_id AND p.currency = v_document.currency AND p.flow = 'in'
                   AND p.status = 'posted'
                   AND x.rest > 0) r
         WHERE r.before < v_take
    ), made AS (
        INSERT INTO payment_allocation AS old (payment_id, document_id, amount)
        SELECT s.id, v_document.id, s.amount FROM source s ORDER BY s.paid_on, s.id
        ON CONFLICT ON CONSTRAINT payment_allocation_key DO UPDATE SET amount = old.amount + excluded.amount
        RETURNING payment_id
    )
    SELECT coalesce(sum(s.amount), 0) INTO v_applied FROM source s JOIN made m ON m.payment_id = s.id;
    RETURN round_money(v_applied, currency_exponent(v_document.currency));
END $$;
COMMENT ON FUNCTION apply_credit(bigint, numeric) IS
    'settle an invoice from what its client paid before and no document took, oldest payment first, up to amount; '
    'returns what was applied (0 when there is no credit)';
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
            USING ERRCODE = 'restrict_violation', HINT = 'Accept the bill first: transition(document, ''agreed'').';
    END IF;
    INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, contract_id,
                         project_id, settles_bills, purpose)
    VALUES ('out', 'posted', coalesce(pay_bill.paid_on, books_today()), coalesce(pay_bill.amount, v_open),
            v_document.currency, pay_bill.cash_account,
            coalesce((SELECT min(l.article) FROM document_line l WHERE l.document_id = v_document.id),
                     bill_article(v_document.party_id)), v_document.party_id,
            v_document.contract_id, v_document.project_id, true, 'Bill ' || v_document.outside_number)
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

CREATE VIEW task_payment WITH (security_invoker) AS
    SELECT t.id AS task_id, t.number, t.title AS task, t.project_id, p.name AS project, p.client_id,
        k.name AS client, h.currency,
           h.charged::numeric(18,2) AS charged, h.unbilled::numeric(18,2) AS unbilled,
               h.reported::numeric(18,2) AS reported,
           coalesce(b.gross, 0)::numeric(18,2) AS billed_gross, coalesce(b.paid, 0)::numeric(18,2) AS paid_gross,
           coalesce(round(100 * b.paid / nullif(b.gross, 0), 2), 0)::numeric(18,2) AS percent_paid,
           coalesce(b.gross > 0 AND b.paid = b.gross, false) AS paid
      FROM task t
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      JOIN (SELECT h.task_id, h.currency, sum(h.amount) AS charged,
            sum(h.amount) FILTER (WHERE l.place = 'unbilled') AS unbilled,
                   sum(h.amount) FILTER (WHERE l.place = 'reported') AS reported
              FROM charge h JOIN charge_place l ON l.charge_id = h.id WHERE h.task_id IS NOT NULL GROUP BY 1, 2) h
                  ON h.task_id = t.id
      LEFT JOIN (SELECT h.task_id, y.currency, sum(y.gross) AS gross, sum(y.paid) AS paid
                   FROM line_payment y JOIN document_line l ON l.id = y.line_id JOIN charge h ON h.id = l.charge_id
                  GROUP BY 1, 2) b ON b.task_id = t.id AND b.currency = h.currency;
COMMENT ON VIEW task_payment IS
    'how far each task is paid: charged in all, of that unbilled and kept by reports (net), billed and paid (gross), '
    'percent of the billed that is paid; paid: all that was billed is';
SELECT allow('reader', 'select', 'task_payment');

CREATE FUNCTION percent_paid(p_task bigint, p_currency text) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_invoice bigint;
    v_gross numeric := 0;
    v_paid numeric := 0;
    v_part record;
BEGIN
    FOR v_invoice IN
        SELECT DISTINCT l.document_id FROM charge h JOIN document_line l ON l.charge_id = h.id AND l.kind = 'invoice'
         WHERE h.task_id = p_task AND h.currency = p_currency
    LOOP
        SELECT sum(y.gross) AS gross, sum(y.paid) AS paid INTO v_part
          FROM line_payment y JOIN document_line l ON l.id = y.line_id JOIN charge h ON h.id = l.charge_id
              AND h.task_id = p_task
         WHERE y.document_id = v_invoice;
        v_gross := v_gross + coalesce(v_part.gross, 0);
        v_paid := v_paid + coalesce(v_part.paid, 0);
    END LOOP;
    RETURN CASE WHEN v_gross <> 0 THEN round(100 * v_paid / v_gross, 2) ELSE 0 END;
END $$;
COMMENT ON FUNCTION percent_paid(bigint, text) IS
    'how many per cent of what was billed of a task in a currency are paid: task_payment of one task, at the price of '
    'its invoices';
-- ---------------------------------------------------------------------------
-- settle: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'payment_allocation');
SELECT watch('payment_allocation');
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
     WHERE c.parent_id IS NULL AND c.status <> 'draft' AND lower(o.span) <= coalesce(c.ends_on, 'infinity');
COMMENT ON VIEW billing_due IS
    'the next service period that each base contract has to close; period_end is exclusive, over_on the first day on '
    'which it can be closed';
SELECT allow('reader', 'select', 'billing_due');

CREATE FUNCTION check_closable(p_base contract, p_start date) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_span daterange := period_of(p_start, p_base.period, p_base.anchor_day);
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
    IF p_start > p_base.ends_on OR p_start < lower(v_open) THEN
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

CREATE FUNCTION charge_minimum(p_base bigint, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_minimum record;
    v_new charge;
    v_lacking charge[];
BEGIN
    FOR v_minimum IN
        SELECT c.id, c.number, c.minimum_charge, m.work, u.exponent,
            greatest(c.minimum_charge - m.work, 0) - m.raised AS amount,
               least(upper(p_span) - 1, c.ends_on) AS last_day
          FROM contract c
          JOIN currency_code u ON u.code = c.currency
         CROSS JOIN LATERAL (
            SELECT coalesce(sum(h.amount) FILTER (WHERE h.made_by <> 'minimum'), 0) AS work,
                   coalesce(sum(h.amount) FILTER (WHERE h.made_by = 'minimum'), 0) AS raised
              FROM charge h WHERE h.contract_id = c.id AND h.period_start = lower(p_span)) m
         WHERE c.id = ANY (contract_group(p_base)) AND c.minimum_charge IS NOT NULL AND c.status <> 'draft'
           AND daterange(c.starts_on, c.ends_on, '[]') && p_span
         ORDER BY c.id
    LOOP
        CONTINUE WHEN v_minimum.amount = 0;
        v_new.source := 'adjustment';
        v_new.made_by := 'minimum';
        v_new.contract_id := v_minimum.id;
        v_new.service_date := v_minimum.last_day;
        v_new.amount := v_minimum.amount;
        v_new.cost := 0;
        v_new.why := jsonb_build_object('minimum_charge', jsonb_build_object(
            'amount', round(v_minimum.minimum_charge, v_minimum.exponent), 'reached',
                round(v_minimum.work, v_minimum.exponent)));
        v_lacking := v_lacking || complete_charge(v_new);
    END LOOP;
    PERFORM put_charges(v_lacking);
END $$;
COMMENT ON FUNCTION charge_minimum(bigint, daterange) IS
    'charge what a period lacks to the contract''s minimum_charge, whole periods and parts alike; again after a period '
    'was reopened';

CREATE FUNCTION roll_over(p_base contract, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_left record;
    v_end date;
BEGIN
    FOR v_left IN
        SELECT a.contract_id, n.id AS line_id, a.unit, n.rollover_life, a.scope_work_types,
               least(n.rollover_max,
                     greatest(n.rollover_min,
                              a.amount - coalesce((SELECT sum(h.burned) FROM charge h WHERE h.allotment_id = a.id), 0)))
                   AS amount
          FROM allotment a
          JOIN contract_line n ON n.id = a.contract_line_id AND n.rollover_max > 0 AND n.status <> 'cancelled'
           AND (n.ends_on IS NULL OR n.ends_on >= upper(p_span))
         WHERE a.contract_id = ANY (contract_group(p_base.id)) AND a.kind = 'included'
             AND a.period_start = lower(p_span) AND a.voided_at IS NULL
         ORDER BY a.id
    LOOP
        v_end := upper(p_span);
        FOR i IN 1 .. v_left.rollover_life LOOP
            v_end := upper(period_of(v_end, p_base.period, p_base.anchor_day));
        END LOOP;
        INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, priority, effective_at, expires_at,
                               period_start, scope_work_types)
        SELECT v_left.contract_id, v_left.line_id, 'rollover', v_left.unit, CASE v_left.unit
            WHEN 'seconds' THEN trunc(v_left.amount) ELSE v_left.amount END,
               -1, upper(p_span)::timestamp AT TIME ZONE contract_zone(p_base.calendar_id),
               v_end::timestamp AT TIME ZONE contract_zone(p_base.calendar_id), upper(p_span), v_left.scope_work_types
         WHERE v_left.amount >= 1 OR v_left.unit = 'money' AND v_left.amount > 0
        ON CONFLICT (contract_line_id, period_start, kind) WHERE contract_line_id IS NOT NULL
            AND voided_at IS NULL DO NOTHING;
    END LOOP;
END $$;
COMMENT ON FUNCTION roll_over(contract, daterange) IS
    'carry what is left of a period''s included hours or money to the next rollover_life periods, within rollover_min '
    'and rollover_max; what is carried is eaten first';

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

CREATE FUNCTION last_allotment(p_base bigint) RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT max(a.id) FROM contract c JOIN allotment a ON a.contract_id = c.id WHERE c.id = p_base
        OR c.parent_id = p_base;
END;
COMMENT ON FUNCTION last_allotment(bigint) IS
    'the allotment that a contract group was granted last; NULL when it has none';

CREATE FUNCTION close_period(contract_id bigint, period_start date, OUT period_end date, OUT charges bigint,
                             OUT amount numeric, OUT currency text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_span daterange := period_of(period_start, v_base.period, v_base.anchor_day);
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
        PERFORM charge_fees_of(v_base.id, v_span);
        PERFORM charge_minimum(v_base.id, v_span);
        PERFORM grant_included(v_base.id, ARRAY[period_start]);
        v_last_allotment := last_allotment(v_base.id);
        PERFORM freeze_period(v_base, v_span);
        IF coalesce(v_base.ends_on, 'infinity') >= upper(v_span) THEN
            PERFORM roll_over(v_base, v_span);
        END IF;
        INSERT INTO billing_period (contract_id, period_start, period_end)
        SELECT c.id, lower(v_span), upper(v_span) FROM contract c
         WHERE c.id = ANY (v_group) AND c.status <> 'draft' ORDER BY c.id;
        IF EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = v_base.id)
            AND EXISTS (SELECT FROM charge h WHERE h.contract_id = v_base.id AND NOT h.fixed
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
    SELECT a.id INTO v_charge FROM allotment a JOIN charge h ON h.allotment_id = a.id AND h.fixed
        JOIN contract c ON c.id = a.contract_id
     WHERE (c.id = v_base.id OR c.parent_id = v_base.id) AND a.kind = 'rollover'
         AND a.period_start = v_period.period_end AND a.voided_at IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hours carried over from the period of % have covered work that is billed', period_start
            USING ERRCODE = 'restrict_violation', DETAIL = format('Allotment %s.', v_charge),
                HINT = 'Bill late work in the open period.';
    END IF;
    UPDATE allotment a SET voided_at = now() FROM contract c
     WHERE c.id = a.contract_id AND (c.id = v_base.id OR c.parent_id = v_base.id) AND a.kind = 'rollover'
       AND a.period_start = v_period.period_end AND a.voided_at IS NULL;
    DELETE FROM billing_period b USING contract c
     WHERE c.id = b.contract_id AND (c.id = v_base.id OR c.parent_id = v_base.id)
         AND b.period_start = v_period.period_start;
    INSERT INTO history (table_name, row_key, action, new_values)
    VALUES ('billing_period', format('%s/%s', v_base.id, to_char(v_period.period_start, 'YYYY-MM-DD')), 'reopen',
            jsonb_build_object('reason', reason));
    PERFORM plan_for(1000);
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
    PERFORM lock_parties(ARRAY(SELECT d.client_id FROM billing_due d WHERE d.over_on <= through + 1
                               UNION SELECT c.client_id FROM contract c WHERE c.auto_bill <> 'none'));
    v_contracts := ARRAY(SELECT d.contract_id FROM billing_due d WHERE d.over_on <= through + 1 ORDER BY d.contract_id);
    FOREACH contract_id IN ARRAY v_contracts LOOP
        PERFORM tell_progress(v_done, cardinality(v_contracts), v_refused);
        v_base := base_contract(contract_id);
        LOOP
            v_span := (open_period(v_base)).span;
            EXIT WHEN lower(v_span) > coalesce(v_base.ends_on, 'infinity')
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
        SELECT min(h.period_start), upper(period_of(max(h.period_start), c.period, c.anchor_day)) INTO period_start,
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
           AND NOT EXISTS (SELECT FROM charge_claim c WHERE c.charge_id = h.id)
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
    v := document_of(put_document(v));
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
    IF v_document.status <> 'draft' OR v_document.kind NOT IN ('report', 'invoice') OR v_document.made_from IS NULL THEN
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
    v := document_of(put_document(v));
    PERFORM put_lines(ARRAY(
        SELECT repeated_line(v, l, dense_rank() OVER (ORDER BY l.position))
          FROM document_line l
         WHERE l.document_id = p_from.id AND l.released_at IS NULL AND l.amount <> 0
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
    IF v_document.kind = 'invoice' AND v_document.status = 'draft' THEN
        PERFORM check_keys(options, 'options', '{issued_on,due_on,outside_number,file_url,note}');
        UPDATE document d SET issued_on = coalesce(given_date(options, 'issued_on'), d.issued_on),
            due_on = coalesce(given_date(options, 'due_on'), d.due_on),
               outside_number = coalesce(options ->> 'outside_number', d.outside_number),
                   file_url = coalesce(options ->> 'file_url', d.file_url),
               note = coalesce(options ->> 'note', d.note)
         WHERE d.id = v_document.id AND options <> '{}';
        PERFORM transition(v_document.id, 'sent');
        PERFORM settle_document(v_document.id, 'issued');
        RETURN v_document.id;
    END IF;
    SELECT d.id INTO v_other FROM document d
     WHERE d.based_on = v_document.id AND d.kind = 'invoice' AND d.status NOT IN ('void', 'credited') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is on % already', document_name(v_document.id), document_name(v_other)
            USING ERRCODE = 'restrict_violation', HINT = 'Void or credit that invoice first.';
    END IF;
    IF v_document.kind <> 'report' OR v_document.status <> 'agreed' THEN
        RAISE EXCEPTION '% is % and cannot be invoiced', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation',
                HINT = CASE WHEN v_document.kind = 'report'
                    THEN 'Only a report that the client has agreed is invoiced: transition(document, ''agreed'').'
                            ELSE 'An invoice is made of an agreed report, or over free work by build_invoice().' END;
    END IF;
    IF NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = v_document.id AND l.released_at IS NULL
                   AND l.amount <> 0) THEN
        RAISE EXCEPTION '% has nothing to be paid for', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'All of its work is included or not charged.';
    END IF;
    v_other := copy_document(v_document, 'invoice', options);
    PERFORM transition(v_other, 'sent');
    PERFORM settle_document(v_other, 'issued');
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
    IF v_document.kind NOT IN ('report', 'invoice') OR v_document.status IN ('draft', 'sent', 'rejected',
        'superseded', 'void', 'credited')
        AND NOT (v_document.kind = 'invoice' AND v_document.status = 'sent') THEN
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
-- A line that is credited whole sets its charge free: the work stays done, its
-- revenue posted and unbilled, and it may be billed again.  A line credited in
-- part stays billed, and a negative charge takes the credited part off its
-- revenue.  Once the rest is credited too the line counts as credited whole:
-- those negative charges are reversed and the charge is free.  So the balance
-- of a contract (receipts less charges) is at every moment what its work is
-- worth, and only tax needs entries of its own.
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
        tax := CASE WHEN whole THEN v_line.tax
                    ELSE round_money(v_line.tax * (v_line.credited + v_line.credit) / v_line.net,
                                     v_exponent) END - v_line.credited_tax;
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
    v_part record;
BEGIN
    IF v_excess <= 0 THEN
        RETURN;
    END IF;
    -- the last one first: each gives what those after it leave to be given back
    SELECT x.id, v_excess - x.after AS amount INTO v_part
      FROM (SELECT a.id, a.amount, sum(a.amount) OVER (ORDER BY a.allocated_at DESC, a.id DESC) - a.amount AS after
              FROM payment_allocation a WHERE a.document_id = p_invoice) x
     WHERE x.after < v_excess AND x.after + x.amount > v_excess;
    DELETE FROM payment_allocation a
     USING (SELECT a.id, sum(a.amount) OVER (ORDER BY a.allocated_at DESC, a.id DESC) AS through
              FROM payment_allocation a WHERE a.document_id = p_invoice) x
     WHERE a.id = x.id AND x.through <= v_excess;
    UPDATE payment_allocation a SET amount = a.amount - v_part.amount WHERE a.id = v_part.id;
END $$;
COMMENT ON FUNCTION give_back(bigint) IS
    'take back what is allocated to an invoice above what is left of it: it is the client''s credit again';

CREATE FUNCTION credit(document bigint, lines jsonb, reason text, issued_on date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_invoice document;
    v_draft document;
    v_note bigint;
    v_lines document_line[];
    v_whole bigint[];
BEGIN
    lines := json_argument(lines);
    IF coalesce(credit.reason, '') = '' THEN
        RAISE EXCEPTION 'a credit note needs a reason' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say why: credit(document, lines, reason).';
    END IF;
    v_invoice := open_document(credit.document);
    IF v_invoice.kind <> 'invoice' OR v_invoice.status IN ('draft', 'void', 'credited') THEN
        RAISE EXCEPTION '% is % and cannot be credited', document_name(v_invoice.id), v_invoice.status
            USING ERRCODE = 'restrict_violation', HINT = 'Credit notes are made of issued invoices.';
    END IF;
    v_draft := successor(v_invoice, 'credit_note');
    v_draft.note := credit.reason;
    v_draft.issued_on := credit.issued_on;
    v_note := put_document(v_draft);
    v_draft.id := v_note;
    v_lines := ARRAY(
        SELECT credit_line(v_draft, l, c.net, c.tax, c.whole)
          FROM credit_lines(v_invoice, credit.lines) c JOIN document_line l ON l.id = c.line_id
         ORDER BY l.id);
    IF cardinality(v_lines) = 0 THEN
        RAISE EXCEPTION '% is credited in full already', document_name(v_invoice.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Table document_line shows its credit notes.';
    END IF;
    PERFORM put_lines(v_lines);
    v_whole := ARRAY(
        SELECT l.id
          FROM unnest(v_lines) n
          JOIN document_line l ON l.id = n.reverses_line_id
          JOIN line_credit c ON c.line_id = l.id
         WHERE c.net = l.net ORDER BY 1);
    PERFORM reduce_charges(v_note, v_whole);
    PERFORM concede('credit', (SELECT -sum(h.base_amount) FROM document_line n JOIN charge h ON h.id = n.charge_id
                                WHERE n.document_id = v_note), NULL, v_note, credit.reason);
    PERFORM release_lines(v_whole || ARRAY(
        SELECT k.id
          FROM document_line l
          JOIN document_line k ON k.charge_id = l.charge_id AND k.claim AND k.released_at IS NULL
         WHERE l.id = ANY (v_whole) AND k.id <> l.id ORDER BY 1), v_note);

    PERFORM give_back(v_invoice.id);
    PERFORM settle_document(v_invoice.id, 'credited: ' || credit.reason);
    PERFORM transition(v_note, 'sent', credit.reason);
    RETURN v_note;
END $$;
COMMENT ON FUNCTION credit(bigint, jsonb, text, date) IS
    'issue a credit note for an invoice: lines NULL credits all that is left, else [{"line": id, "net": text}] or '
    '[{"position": number}], net left out credits the rest of the line. A line credited whole sets its work free to be '
    'billed again; one credited in part reduces its charge. What was paid above the rest becomes the client''s credit. '
    'Returns the credit note; never more than was billed (23514)';
SELECT allow('manager', 'execute', 'credit');

CREATE FUNCTION reduce_charges(p_note bigint, p_whole bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent CONSTANT integer := currency_exponent((SELECT s.base_currency FROM setting s));
    v_lines bigint[];
    v_parts charge[];
    v_charges bigint[];
BEGIN
    SELECT array_agg(n.id ORDER BY n.id),
           array_agg(part_of(h, n.net, round_money(n.net * h.base_rate, v_exponent),
                             jsonb_build_object('credited', jsonb_build_object('document', p_note)), true)
                                 ORDER BY n.id)
      INTO v_lines, v_parts
      FROM document_line n
      JOIN document_line r ON r.id = n.reverses_line_id
      JOIN charge h ON h.id = r.charge_id
     WHERE n.document_id = p_note AND r.id <> ALL (p_whole);
    v_charges := put_charges(v_parts);
    UPDATE document_line l SET charge_id = x.charge_id
      FROM unnest(v_lines, v_charges) x (line_id, charge_id) WHERE l.id = x.line_id;
    PERFORM freeze_charges(v_charges, 'document', format('%s:freeze', p_note), p_note) WHERE v_charges <> '{}';
    -- Lines that are whole now: what earlier notes took off their charges comes back.
    PERFORM reverse_adjustments(ARRAY(
        SELECT n.charge_id FROM document_line n
         WHERE n.reverses_line_id = ANY (p_whole) AND n.charge_id IS NOT NULL AND n.document_id <> p_note ORDER BY 1),
        format('%s:whole', p_note), p_note);
    UPDATE document_line n SET released_at = now(), released_by = p_note
     WHERE n.reverses_line_id = ANY (p_whole) AND n.charge_id IS NOT NULL AND n.document_id <> p_note
       AND n.released_at IS NULL;
END $$;
COMMENT ON FUNCTION reduce_charges(bigint, bigint[]) IS
    'make and post the negative charges of lines that a credit note takes back in part, and reverse those of lines '
    'that are credited whole by it';
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
        SELECT c.id, c.auto_bill, lower(period_of(through + 1, c.period, c.anchor_day)) - 1 AS until,
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
            SELECT d.id INTO document_id FROM document d
             WHERE d.kind = v_contract.auto_bill AND d.status = 'draft' AND d.made_from = v_filter
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
    'what a line of written content is about, complete; refused (23514) when what it names contradicts itself or, '
    'on a paper of ours, is another client''s';

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
    'a line of written content, of a document under a contract, from what is given of it (as add_lines() takes it) '
    'at a place';

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
    'add lines to a draft: [{"title", "item" (code), "quantity", "unit", "price" (a unit), "discount_pct", "cost" '
    '(a unit), "tax_rate", "tax", "article", "contract", "project", "deal", "stage" (id of a deal''s stage), '
    '"task", "employee", "starts_on", "ends_on"}]; an item brings name, unit, price, discount and cost from the '
    'price lists; what a line is about is completed from what it names, or else from its document, and refused '
    '(23514) where it contradicts itself';

CREATE FUNCTION draft_document(content jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    c_known CONSTANT text[] := '{kind,incoming,party,contract,project,task,deal,based_on,title,currency,lines,'
                               'requirements,note,issued_on,due_on,'
        'period_from,period_to,outside_number,file_url,discount_pct,discount_amount,source,external_id}';
    v_document document;
    v document;
    v_contract contract;
    v_about dimension;
BEGIN
    content := json_argument(content);
    PERFORM check_keys(content, 'content', c_known);
    content := resolve_names(content);
    IF coalesce(content ->> 'kind', '') NOT IN ('proposal', 'specification', 'proforma', 'act', 'bill', 'contract',
                                                'annex', 'other')
        OR content ->> 'kind' = 'act' AND NOT coalesce((content ->> 'incoming')::boolean, false) THEN
        RAISE EXCEPTION 'a document of kind "%" is not made of contents', coalesce(content ->> 'kind', 'none')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Kinds: proposal, specification, proforma, bill, contract, annex, other, incoming act. '
                       'Reports, invoices and own acts are made of work.';
    END IF;
    IF content ->> 'kind' = 'bill' AND coalesce(content ->> 'outside_number', '') = '' THEN
        RAISE EXCEPTION 'a bill has the number that its sender gave it'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it as "outside_number".';
    END IF;
    SELECT * INTO v_contract FROM contract c WHERE c.id = (content ->> 'contract')::bigint;
    v.kind := content ->> 'kind';
    v.incoming := coalesce((content ->> 'incoming')::boolean, v.kind = 'bill');
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
    PERFORM transition(v_document, 'sent') WHERE EXISTS (SELECT FROM document d WHERE d.id = v_document
                                                         AND d.status = 'draft');
    RETURN v_document;
END $$;
COMMENT ON FUNCTION record_bill(jsonb) IS
    'take a bill of a contractor in: {"party", "outside_number", "issued_on", "due_on", "currency", "lines"}; it '
    'costs nothing and cannot be paid before it is accepted: transition(document, ''agreed''). The same bill again '
    'returns the same document';
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
    IF NOT EXISTS (SELECT FROM document_transition t WHERE t.kind = v_old.kind AND t.from_status = v_old.status
                   AND t.to_status = 'superseded') THEN
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
    v := document_of(put_document(v));
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
    'make the next revision of a sent or rejected report, or of a proposal, specification or proforma, as a draft: '
    'the old one stays, superseded, its charges are free and go on the new one. changes: title, requirements, note, '
    'lines, discount_pct or discount_amount, issued_on, due_on, positions';
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
    IF v_document.kind <> 'proposal' OR v_document.status NOT IN ('agreed', 'archived') OR v_contract.id IS NULL
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
BEGIN
    IF v_document.status IN ('draft', 'void', 'superseded') OR v_document.sign_status IN ('signed', 'rejected')
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
    IF v_document.status = 'sent' AND v_document.kind <> 'bill' AND set_signature.status IN ('signed', 'rejected')
        AND EXISTS (SELECT FROM document_transition t WHERE t.kind = v_document.kind AND t.from_status = 'sent'
                    AND t.by_hand
                    AND t.to_status = CASE set_signature.status WHEN 'signed' THEN 'agreed' ELSE 'rejected' END) THEN
        PERFORM transition(v_document.id, CASE set_signature.status WHEN 'signed' THEN 'agreed' ELSE 'rejected' END,
                           'signature ' || set_signature.status,
                           set_signature.by);
    END IF;
END $$;
COMMENT ON FUNCTION set_signature(bigint, text, text, text, timestamptz, bytea, text) IS
    'keep the state of a document''s signature: sent, signed or rejected, by whom, when, the id at the operator '
    '(ref), the image drawn on a phone (image/png, image/jpeg or image/webp, up to 1 MB). What waits for an answer '
    '(a report, act, contract, …) is agreed when it is signed, rejected when its signature is; the same state again '
    'changes nothing';
SELECT allow('clerk', 'execute', 'set_signature');
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
        SELECT f.*, d.kind, d.positions, h.id AS charge_id, h.source, h.coverage, h.service_date, p.name AS project,
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
                WHEN min(l.kind) <> 'credit_note' AND min(l.source) IS DISTINCT FROM 'time' THEN sum(l.amount) END,
           min(l.discount_pct), (sum(l.worked_s) / 3600.0)::numeric(18,2), (sum(l.billed_s) / 3600.0)::numeric(18,2),
           sum(l.amount), sum(l.discount), min(l.tax_rate), sum(l.net), sum(l.tax), sum(l.gross),
               sum(l.worked_s)::bigint,
           sum(l.billed_s)::bigint, CASE WHEN count(DISTINCT l.task_id) = 1 THEN min(l.task_id) END, count(*),
               count(l.charge_id)
      FROM line l
     GROUP BY l.position
     ORDER BY l.position;
END $$;
COMMENT ON FUNCTION document_rows(bigint) IS
    'the positions of a document as they stand on the paper, those of a draft as they are now: project, title and '
    'link of the task (only http and https), days of the work, coverage where it is not billable, quantity (hours, '
    'where unit is h) and the price of a unit (charge.rate), discount_pct of the position, hours, amount before the '
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
    UPDATE charge h SET deal_id = p_deal
     WHERE h.deal_id IS NULL AND p_deal IS NOT NULL
       AND h.id IN (SELECT x.id FROM document_line l CROSS JOIN LATERAL (VALUES (l.charge_id), (l.adjustment_id)) x (id)
                     WHERE l.document_id = p_document AND l.released_at IS NULL);
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

CREATE FUNCTION document_totals(p_document bigint, p_status text, OUT net numeric, OUT tax numeric,
                                OUT gross numeric, OUT worked_s numeric,
                                OUT billed_s numeric, OUT tasks bigint)
    LANGUAGE plpgsql STABLE COST 5000 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    IF p_status = 'draft' THEN
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
COMMENT ON FUNCTION document_totals(bigint, text) IS
    'what the lines of a document come to: hours as seconds and tasks; of drafts also net, tax and gross as they '
    'are now, NULL for what is issued, whose header has them. A function, so that the plan of a view over documents '
    'stays small: it is not worth compiling';

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
           d.sign_status, d.sign_at, d.sign_by, d.sign_ref, d.file_url, d.note, d.created_at, d.created_by
      FROM document d
      JOIN party p ON p.id = d.party_id
      LEFT JOIN party o ON o.id = d.own_id
      LEFT JOIN contract c ON c.id = d.contract_id
      LEFT JOIN project j ON j.id = d.project_id
      LEFT JOIN document_balance b ON b.document_id = d.id
     CROSS JOIN LATERAL document_totals(d.id, d.status) f;
COMMENT ON VIEW document_card IS
    'every document with its parties, dates, figures in its currency (of drafts as they are now), what is credited, '
    'paid and open, hours, number of tasks, and its signature';
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
    'the rows of a document''s paper, one a position: title, task with its link, coverage (billable, or why it is '
    'at zero), days, hours, quantity and price, amount, its share of the discount, net, tax and gross in currency; '
    'of drafts as they are now. The sums are the header''s, to the last digit';
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
    'a document as its client may see it: header, both parties, positions, totals by tax rate; money and hours as '
    'text';
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
    WITH move AS (
        SELECT d.issued_on AS on_date, replace(d.kind, '_', ' ') AS kind, d.number, coalesce(d.title, d.note) AS detail,
               greatest(d.gross, 0) AS debit, -least(d.gross, 0) AS credit, d.currency, d.id AS document_id,
               NULL::bigint AS payment_id, 1 AS rank
          FROM document d
         WHERE d.party_id = client_statement.client AND d.kind IN ('invoice', 'credit_note')
           AND d.status NOT IN ('draft', 'void')
        UNION ALL
        SELECT p.paid_on, CASE p.flow WHEN 'in' THEN 'payment' ELSE 'refund' END, p.bank_ref, p.purpose, CASE p.flow
               WHEN 'out' THEN p.amount ELSE 0 END,
               CASE p.flow WHEN 'in' THEN p.amount ELSE 0 END, p.currency, NULL, p.payment_id, 2
          FROM payment_card p JOIN settling_article a ON a.article = p.article
         WHERE p.party_id = client_statement.client AND p.status = 'posted' AND p.flow IN ('in', 'out')
    ), row AS (
        SELECT from_date AS on_date, 'opening balance' AS kind, NULL AS number, NULL AS detail, 0 AS debit, 0 AS credit,
               sum(m.debit - m.credit) FILTER (WHERE m.on_date < from_date) AS opening, m.currency,
               NULL::bigint AS document_id, NULL::bigint AS payment_id,
               0 AS rank
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
           sum(coalesce(r.opening, 0) + r.debit - r.credit) OVER (PARTITION BY r.currency
                                                                  ORDER BY r.rank = 3, r.rank > 0, r.on_date, r.rank,
                                                                  r.document_id,
               r.payment_id ROWS UNBOUNDED PRECEDING)::numeric(18,2),
           r.currency, r.document_id, r.payment_id
      FROM row r
     ORDER BY r.currency, r.rank = 3, r.rank > 0, r.on_date, r.rank, r.document_id, r.payment_id;
END;
COMMENT ON FUNCTION client_statement(bigint, date, date) IS
    'a client''s account between two days, both included: opening balance, invoices and refunds (debit), credit '
    'notes and payments (credit), closing balance; by currency; a positive balance is owed by the client';
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
    v_token text;
BEGIN
    IF v_document.status IN ('draft', 'void') OR v_document.incoming THEN
        RAISE EXCEPTION '% is % and is not shared', document_name(v_document.id), CASE WHEN v_document.incoming
            THEN 'not ours' ELSE v_document.status END
            USING ERRCODE = 'restrict_violation', HINT = 'Send it first: transition(document, ''sent'').';
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
BEGIN
    IF v_document.status IN ('rejected', 'superseded') THEN
        RAISE EXCEPTION '% is % and is not sent again', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation', HINT = 'Send its next revision: revise(document) makes it.';
    END IF;
    IF v_document.incoming THEN
        RAISE EXCEPTION '% came from outside and is not sent', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation',
                HINT = 'Answer it: transition(document, ''agreed'') or transition(document, ''rejected'', reason).';
    END IF;
    IF v_document.status = 'draft' AND v_document.kind = 'invoice' THEN
        PERFORM issue_invoice(v_document.id);
    ELSIF v_document.status = 'draft' THEN
        PERFORM transition(v_document.id, 'sent');
    END IF;
    RETURN share(v_document.id, send.ttl);
END $$;
COMMENT ON FUNCTION send(bigint, interval) IS
    'send a document to its client: issues the draft and returns the token of a link to it, which works for ttl; '
    'what is sent already gets one more link. Refused (23001): what was rejected or superseded, what is void or '
    'came from outside';
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
    IF v_document.kind NOT IN ('report', 'proposal', 'specification', 'act', 'proforma') THEN
        RAISE EXCEPTION '% asks for no answer', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Reports, proposals, specifications and acts are answered.';
    END IF;
    IF decision = 'agreed' AND v_document.status IN ('invoiced', 'partly_paid', 'paid') THEN
        RETURN 'agreed';  -- asked again after what followed from it
    END IF;
    RETURN transition(v_document.id, decision, comment,
                      format('%s by link %s', (SELECT p.name FROM party p WHERE p.id = v_document.party_id),
                             v_link.link_id));
END $$;
COMMENT ON FUNCTION answer_shared(text, text, text) IS
    'the client''s answer through a link: agreed, or rejected with a comment, which has at most 4000 characters '
    '(22023); the same answer again changes nothing. Unknown, expired and revoked links are refused alike (23503), '
    'a document that waits for no answer with its status (23001)';
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
        "currency": "EUR", "requirements": "", "note": "", "gross_label": "Total due",
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
    PERFORM check_template(NEW.body, page_sample());
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_template_body() IS
    'trigger function of template: refuse, with the line, a body that does not parse or names what pages do not '
    'have (22023)';
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
    'a number with so many decimals as a language writes it: 1,234.50 in en, 1 234,50 with no-break spaces in uk '
    'and ru; a real minus sign';

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
    'a day or a range of days in short: 01.03.2026 – 31.03.2026, 1 Mar 2026 – 31 Mar 2026; the year is left out '
    'where both days are in that of beside';

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
    'signatory and signatory_title who signs, language the language of its pages; an object under uk, ru or en says '
    'it in that language';

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
                 WHERE t.id = v_document.task_id AND v_document.kind IN ('specification', 'proposal')),
        'basis', (SELECT page_heading(b.kind, coalesce(b.number, b.outside_number), b.issued_on, v_language, v_label)
                  FROM document b WHERE b.id = v_document.based_on),
        'status', CASE WHEN v_document.status IN ('agreed', 'partly_paid', 'paid',
                                                  'credited') THEN v_label ->> ('status_' || v_document.status) END,
        'mark', CASE WHEN v_document.status IN ('draft', 'void', 'superseded',
                                                'rejected') THEN v_label ->> ('status_' || v_document.status) END,
        'currency', coalesce(v_label ->> ('currency_' || v_document.currency), v_document.currency),
        'requirements', v_document.requirements, 'note', v_document.note,
        'gross_label', v_label ->> CASE v_document.kind WHEN 'invoice' THEN 'gross_due' WHEN 'proforma' THEN 'gross_due'
                                                         WHEN 'credit_note' THEN 'gross_credited' ELSE 'gross' END,
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
        'payment', CASE WHEN v_document.kind IN ('invoice', 'proforma') AND jsonb_array_length(v_party -> 'bank') > 0
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
    v_kinds text[] := ARRAY[v_data ->> 'kind', CASE v_data ->> 'kind' WHEN 'credit_note' THEN 'invoice'
                            WHEN 'proforma' THEN 'invoice'
                                                                      WHEN 'proposal' THEN 'specification' END];
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
    'a whole HTML page in the look of documents that says one thing: heading, number_line below it (NULL: none), '
    'what it says and what can be done';

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
    IF v_document.status IN ('void', 'superseded') THEN
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
    'the page of what the link with this token opens. Where the link is unknown, expired or revoked, all alike, a '
    'page that says so, through a gateway with status 404; where the document is void or superseded a page that '
    'says so in place of its figures. Refused: other languages than uk, ru, en (22023). SECURITY DEFINER: a visitor '
    'reaches this document and nothing else';
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
      WHERE d.kind = 'invoice' AND n.to_status = 'paid' AND n.from_status <> 'archived';
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
      FROM charge_entry h
     WHERE h.frozen_at IS NULL;
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
     CROSS JOIN LATERAL (VALUES (l.debit_id, 1, 'debit'), (l.credit_id, -1, 'credit')) AS s (account_id, sign, side)
      JOIN account a ON a.id = s.account_id
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

-- Of the owner, because it sums costs that its reader may not see one by one.
CREATE VIEW contract_figure WITH (security_barrier) AS
    SELECT c.id AS contract_id, coalesce(p.receipts, 0)::numeric(20,6) AS receipts,
           coalesce(h.charged, 0)::numeric(20,6) AS charged, coalesce(h.worked_s, 0)::bigint AS worked_s,
           coalesce(h.billed_s, 0)::bigint AS billed_s, a.remaining_s::numeric(20,6) AS remaining_s,
           (coalesce(h.cost, 0) + CASE WHEN d.entries = 0 THEN 0 ELSE d.cost END)::numeric(20,6) AS cost,
           coalesce(h.uncosted, 0) AS uncosted
      FROM visible_contract c
      LEFT JOIN LATERAL (
        SELECT sum(CASE p.flow WHEN 'in' THEN p.amount ELSE -p.amount END) AS receipts
          FROM visible_payment p JOIN settling_article a ON a.article = p.article
         WHERE p.contract_id = c.id AND p.status = 'posted') p ON true
      LEFT JOIN LATERAL (
        SELECT sum(h.amount) AS charged, sum(h.worked_s) AS worked_s, sum(h.billed_s) AS billed_s, sum(h.cost) AS cost,
               count(*) FILTER (WHERE h.cost IS NULL) AS uncosted
          FROM visible_charge h WHERE h.contract_id = c.id) h ON true
      LEFT JOIN LATERAL (
        SELECT CASE WHEN bool_and(x.amount IS NOT NULL) THEN sum(x.amount) END AS cost, count(*) AS entries
          FROM (SELECT round_money(CASE e.debit_id WHEN a.id THEN e.amount ELSE -e.amount END
                                   * exchange_rate_on(e.currency, c.currency, e.entry_on),
                                   currency_exponent(c.currency)) AS amount
                  FROM visible_entry e JOIN direct_account a ON a.id IN (e.debit_id, e.credit_id)
                 WHERE e.contract_id = c.id AND e.charge_id IS NULL) x) d ON true
      LEFT JOIN LATERAL (
        SELECT sum(a.amount - coalesce((SELECT sum(b.burned) FROM charge b WHERE b.allotment_id = a.id),
               0)) AS remaining_s
          FROM allotment a
         WHERE a.contract_id = c.id AND a.unit = 'seconds' AND a.voided_at IS NULL
           AND a.effective_at <= now() AND (a.expires_at IS NULL OR a.expires_at > now())) a ON true;
COMMENT ON VIEW contract_figure IS
    'what contracts come to, in their currency and in seconds, for contract_card; cost is NULL where a direct expense '
    'has no rate to that currency (data_gaps); within the row policies of contract, charge, payment and entry';
SELECT allow('reader', 'select', 'contract_figure');

CREATE VIEW contract_card WITH (security_invoker) AS
    SELECT c.id AS contract_id, c.number, c.client_id, k.name AS client, c.model, c.status, c.starts_on, c.ends_on,
           c.currency, f.receipts::numeric(18,2) AS receipts, f.charged::numeric(18,2) AS charged,
           (f.receipts - f.charged)::numeric(18,2) AS balance,
           (f.worked_s / 3600.0)::numeric(18,2) AS hours_worked,
           (f.billed_s / 3600.0)::numeric(18,2) AS hours_billed,
           (f.remaining_s / 3600.0)::numeric(18,2) AS hours_left,
           f.cost::numeric(18,2) AS cost,
           (f.receipts - f.cost)::numeric(18,2) AS profit_cash,
           (f.charged - f.cost)::numeric(18,2) AS profit_accrual,
           round(100 * (f.receipts - f.cost) / nullif(f.receipts, 0), 2)::numeric(18,2) AS margin_cash_pct,
           round(100 * (f.charged - f.cost) / nullif(f.charged, 0), 2)::numeric(18,2) AS margin_pct,
           f.uncosted AS uncosted_charges
      FROM contract c
      JOIN party k ON k.id = c.client_id
      JOIN contract_figure f ON f.contract_id = c.id;
COMMENT ON VIEW contract_card IS
    'every contract at this moment, in its currency: receipts, work charged, balance (receipts - charged), hours, what '
    'is left of prepaid and included hours, cost of labour and of direct expenses, profit by cash (receipts - cost) '
    'and by accrual (charged - cost), both margins in percent (NULL without a base, or where an expense has no '
    'exchange rate); uncosted_charges have no cost and count as free';
SELECT allow('reader', 'select', 'contract_card');

CREATE VIEW loss_making_contract WITH (security_invoker) AS
    SELECT * FROM contract_card WHERE profit_cash < 0 AND profit_accrual < 0 OR receipts > 0 AND profit_cash < 0
           AND charged = 0;
COMMENT ON VIEW loss_making_contract IS 'contracts whose cost exceeds what came in and what was charged';
SELECT allow('reader', 'select', 'loss_making_contract');
-- ---------------------------------------------------------------------------
-- profit by anything: one fact view, grouped
-- ---------------------------------------------------------------------------

-- Of the owner: profit is summed from the costs of people, which only controllers see.
CREATE VIEW fact WITH (security_barrier) AS
    SELECT h.service_date AS fact_on, h.own_id, h.client_id, h.contract_id, h.project_id, h.deal_id, h.task_id,
           h.employee_id, h.direction_id, h.work_type_id, h.base_amount AS revenue,
           coalesce(h.base_cost, 0)::numeric(20,6) AS cost, h.worked_s, h.billed_s, h.cost IS NULL AS uncosted
      FROM visible_charge h
    UNION ALL
    SELECT l.entry_on, l.own_id, l.client_id, l.contract_id, l.project_id, l.deal_id, l.task_id, l.employee_id,
           l.direction_id, l.work_type_id, CASE WHEN l.kind = 'income' THEN -l.base_amount ELSE 0 END::numeric(20,6),
           CASE WHEN l.kind = 'income' THEN 0 ELSE l.base_amount END::numeric(20,6), 0, 0, false
      FROM ledger_line l
     WHERE l.pnl_section IN ('revenue', 'direct') AND l.charge_id IS NULL;
COMMENT ON VIEW fact IS
    'gross profit with its dimensions, in the base currency: every charge, which is what it is to the ledger, and what '
    'else stands in the sections revenue and direct of ledger_line; what profit by anything is summed from; worked_s '
    'and billed_s in seconds';
SELECT allow('reader', 'select', 'fact', but => '{cost,uncosted}'), allow('controller', 'select', 'fact');

CREATE FUNCTION margin_columns(p_margin margin, p_billed_s numeric)
    RETURNS TABLE (revenue numeric(18,2), cost numeric(18,2), profit numeric(18,2), margin_pct numeric(18,2),
    hours numeric(18,2),
                   hours_billed numeric(18,2), hourly_rate numeric(18,2))
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT revenue(p_margin)::numeric(18,2), cost(p_margin)::numeric(18,2), profit(p_margin)::numeric(18,2),
           round(percent(p_margin), 2)::numeric(18,2), round(hours(p_margin), 2)::numeric(18,2),
           round(p_billed_s / 3600.0, 2)::numeric(18,2), round(hourly_rate(p_margin), 2)::numeric(18,2);
END;
COMMENT ON FUNCTION margin_columns(margin, numeric) IS 'a margin taken apart into the columns of the profit_by_ views';

-- One view for each dimension, all alike.  They belong to the owner, because
-- costs are not for all who see profits; the dimension's row policies bind: what
-- they hide has no row.  A task or a person is too little to sum over: there the
-- cost of an hour would show.
DO $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT * FROM (VALUES
        ('client', 'party', 'name', 'reader'), ('contract', 'contract', 'number', 'reader'),
        ('project', 'project', 'name', 'reader'),
        ('deal', 'deal', 'name', 'reader'), ('task', 'task', 'title', 'controller'),
        ('employee', 'employee', 'name', 'controller'),
        ('direction', 'direction', 'name', 'reader'), ('work_type', 'work_type', 'name', 'reader')) AS v (dimension,
        relation, label, level)
    LOOP
        EXECUTE format('CREATE OR REPLACE VIEW seen_%s WITH (security_invoker) AS SELECT id, %I AS label FROM %I',
                       v.dimension || '_label', v.label, v.relation);
        EXECUTE format('COMMENT ON VIEW seen_%s_label IS %L', v.dimension,
            'what the row policies of whoever asks let through, with its name');
        EXECUTE format($view$
            CREATE OR REPLACE VIEW profit_by_%1$s WITH (security_barrier) AS
                SELECT m.%1$s_id, d.label AS %1$s, f.revenue::numeric(18,2) AS revenue, f.cost::numeric(18,2) AS cost,
                       f.profit::numeric(18,2) AS profit, f.margin_pct::numeric(18,2) AS margin_pct,
                       f.hours::numeric(18,2) AS hours, f.hours_billed::numeric(18,2) AS hours_billed,
                       f.hourly_rate::numeric(18,2) AS hourly_rate, m.currency
                  FROM (SELECT x.%1$s_id, s.base_currency AS currency,
                               margin_sum(x.revenue, x.cost, x.worked_s, s.base_currency) AS margin,
                               sum(x.billed_s) AS billed_s
                          FROM fact x CROSS JOIN setting s GROUP BY 1, 2) m
                  LEFT JOIN seen_%1$s_label d ON d.id = m.%1$s_id
                 CROSS JOIN LATERAL margin_columns(m.margin, m.billed_s) f
                 WHERE m.%1$s_id IS NULL OR d.id IS NOT NULL$view$, v.dimension);
        EXECUTE format('COMMENT ON VIEW profit_by_%s IS %L', v.dimension, format(
            'revenue, cost and profit by %s in the base currency, hours worked and billed; the row without one holds '
            'what names none',
            replace(v.dimension, '_', ' ')));
        PERFORM allow(v.level, 'select', 'profit_by_' || v.dimension);
    END LOOP;
END $$;
-- ---------------------------------------------------------------------------
-- waiting: work that waits, and what is not known
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

-- Of the owner: it looks for costs that are not known.
CREATE VIEW data_gaps WITH (security_barrier) AS
    SELECT g.gap, g.employee_id, m.name AS employee, g.since, (g.worked_s / 3600.0)::numeric(18,2) AS hours, g.item_id,
           i.name AS item, g.contract_id, c.number AS contract, g.times, w.way_out
      FROM (SELECT CASE WHEN h.source = 'time' THEN 'charge without cost rate'
                        WHEN h.item_id IS NOT NULL THEN 'item without cost'
                        ELSE 'charge without cost' END AS gap,
                   CASE WHEN h.source = 'time' THEN h.employee_id END AS employee_id,
                   CASE WHEN h.source <> 'time' THEN h.item_id END AS item_id,
                   CASE WHEN h.source <> 'time' AND h.item_id IS NULL THEN h.contract_id END AS contract_id,
                   min(h.service_date) AS since, sum(h.worked_s) AS worked_s, count(*) AS times
              FROM visible_charge h
             WHERE h.cost IS NULL
             GROUP BY 1, 2, 3, 4
            UNION ALL
            SELECT 'expense without exchange rate', NULL, NULL, e.contract_id, min(e.entry_on), NULL, count(*)
              FROM visible_entry e
              JOIN direct_account a ON a.id IN (e.debit_id, e.credit_id)
              JOIN contract c ON c.id = e.contract_id AND c.currency <> e.currency
             WHERE e.charge_id IS NULL AND exchange_rate_on(e.currency, c.currency, e.entry_on) IS NULL
             GROUP BY e.contract_id) g
      JOIN (VALUES ('charge without cost rate',
                    'Add a row to cost_rate, valid from that day or earlier, and rate the work again.'),
                   ('item without cost', 'Give the item a cost in its price list, or the cost of what was sold.'),
                   ('charge without cost', 'Give the cost of what was charged.'),
                   ('expense without exchange rate',
                    'Add the rate to table exchange_rate, valid from that day or earlier.'))
        AS w (gap, way_out) USING (gap)
      LEFT JOIN employee m ON m.id = g.employee_id
      LEFT JOIN item i ON i.id = g.item_id
      LEFT JOIN contract c ON c.id = g.contract_id;
COMMENT ON VIEW data_gaps IS
    'what makes the figures incomplete, a row for whom or what it is about: hours of employees without a cost rate, '
    'items and other charges without a cost, expenses without a rate to their contract''s currency; since when, how '
    'often, and the way out';
SELECT allow('reader', 'select', 'data_gaps');

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
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND d.status = 'draft'),
                           0) AS in_draft,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported' AND d.status = 'sent'),
                           0) AS with_client,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'reported'
                           AND d.status NOT IN ('draft', 'sent')), 0) AS to_invoice,
                           coalesce(sum(h.amount) FILTER (WHERE l.place = 'billed'), 0) AS billed,
                           coalesce(sum(y.gross - y.paid), 0) AS to_pay,
                           coalesce(sum(y.gross - y.paid) FILTER (WHERE i.due_on < books_today()), 0) AS overdue,
                           coalesce(sum(y.paid), 0) AS paid
                      FROM charge h
                      JOIN charge_place l ON l.charge_id = h.id
                      LEFT JOIN contract k ON k.id = h.contract_id
                      LEFT JOIN document d ON d.id = l.claimed_by
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
      LEFT JOIN task_payment y ON y.task_id = h.task_id AND y.currency = h.currency
     WHERE h.reverses_id IS NULL AND h.source = 'time' AND (h.late OR y.paid AND l.place IN ('unbilled', 'no_charge'));
COMMENT ON VIEW late_entry IS
    'work that came late: for a service period that was closed (after_close; billed in the later period billed_in), or '
    'on a task whose billed work is all paid; it is new work to be billed, by the contract''s late_policy';
SELECT allow('reader', 'select', 'late_entry');

CREATE VIEW overlapping_entry WITH (security_invoker) AS
    SELECT e.id AS time_entry_id, e.employee_id, m.name AS employee, e.task_id, t.title AS task, e.started_at,
           e.ended_at, o.id AS other_entry_id, o.task_id AS other_task_id, u.title AS other_task,
           o.started_at AS other_started_at, o.ended_at AS other_ended_at,
           (extract(epoch FROM least(e.ended_at, o.ended_at) - e.started_at) / 3600.0)::numeric(18,2) AS hours_twice
      FROM (SELECT e.id, e.employee_id, e.task_id, e.started_at, e.ended_at,
                   -- of those that began before it the one that ends last, in microseconds, with its id
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
-- ---------------------------------------------------------------------------
-- profit and loss: of the owner, for those who may not see the entries
-- ---------------------------------------------------------------------------

CREATE VIEW pnl_article_month WITH (security_barrier) AS
    SELECT x.month, x.section, x.article, x.article_name, (n.sign * x.balance)::numeric(18,2) AS amount,
           s.base_currency AS currency, x.line
      FROM (SELECT month(l.entry_on) AS month, l.pnl_section AS section, l.account AS article,
          l.account_name AS article_name,
                   l.line, sum(l.base_amount) AS balance
              FROM ledger_line l WHERE l.line IS NOT NULL GROUP BY 1, 2, 3, 4, 5) x
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

CREATE VIEW pnl_month WITH (security_barrier) AS
    SELECT m.month, m.currency,
           max(m.amount) FILTER (WHERE m.line = 'revenue')::numeric(18,2) AS revenue,
           max(m.amount) FILTER (WHERE m.line = 'direct_labour')::numeric(18,2) AS direct_labour,
           max(m.amount) FILTER (WHERE m.line = 'other_direct')::numeric(18,2) AS other_direct,
           max(m.amount) FILTER (WHERE m.line = 'gross_profit')::numeric(18,2) AS gross_profit,
           max(m.amount) FILTER (WHERE m.line = 'gross_margin_pct')::numeric(18,2) AS gross_margin_pct,
           max(m.amount) FILTER (WHERE m.line = 'unabsorbed_labour')::numeric(18,2) AS unabsorbed_labour,
           max(m.amount) FILTER (WHERE m.line = 'production')::numeric(18,2) AS production,
           max(m.amount) FILTER (WHERE m.line = 'commercial')::numeric(18,2) AS commercial,
           max(m.amount) FILTER (WHERE m.line = 'administrative')::numeric(18,2) AS administrative,
           max(m.amount) FILTER (WHERE m.line = 'ebitda')::numeric(18,2) AS ebitda,
           max(m.amount) FILTER (WHERE m.line = 'other')::numeric(18,2) AS other,
           max(m.amount) FILTER (WHERE m.line = 'depreciation')::numeric(18,2) AS depreciation,
           max(m.amount) FILTER (WHERE m.line = 'ebit')::numeric(18,2) AS ebit,
           max(m.amount) FILTER (WHERE m.line = 'interest')::numeric(18,2) AS interest,
           max(m.amount) FILTER (WHERE m.line = 'fx')::numeric(18,2) AS fx,
           max(m.amount) FILTER (WHERE m.line = 'tax')::numeric(18,2) AS tax,
           max(m.amount) FILTER (WHERE m.line = 'net_profit')::numeric(18,2) AS net_profit,
           max(m.amount) FILTER (WHERE m.line = 'dividends')::numeric(18,2) AS dividends,
           max(m.amount) FILTER (WHERE m.line = 'retained')::numeric(18,2) AS retained
      FROM pnl_line_month m
     GROUP BY 1, 2;
COMMENT ON VIEW pnl_month IS
    'profit and loss by month in the base currency, by accrual: the lines of pnl_line_month as columns; '
    'unabsorbed_labour (a part of production) is payroll less the hours that went to projects at their cost rates; '
    'retained = net_profit + dividends';
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
    -- an entry of which a part is billed stays with whom that was billed to
    SELECT 'open work is charged where its task is', 'charge ' || h.id,
        format('project %s, the task is in %s', h.project_id, t.project_id)
      FROM charge h JOIN task t ON t.id = h.task_id
     WHERE h.source = 'time' AND NOT h.fixed AND h.project_id <> t.project_id
       AND NOT EXISTS (SELECT FROM live_charge f WHERE f.time_entry_id = h.time_entry_id AND f.fixed)
    UNION ALL
    SELECT 'a charge is of the client, and of the own company, that its contract is with', 'charge ' || h.id,
           format('client %s, contract %s with %s', h.client_id, c.number, c.client_id)
      FROM charge h JOIN contract c ON c.id = h.contract_id
     WHERE h.client_id <> c.client_id OR h.own_id <> c.own_id
    UNION ALL
    SELECT 'the fixed price of a done task is charged where the task is', 'charge ' || h.id,
           format('client %s, the task is of client %s', h.client_id, p.client_id)
      FROM charge h JOIN task t ON t.id = h.task_id JOIN project p ON p.id = t.project_id
     WHERE h.task_item_id IS NOT NULL AND NOT h.fixed
         AND (h.client_id <> p.client_id OR h.project_id <> p.id OR t.status <> 'done')
    UNION ALL
    SELECT 'what is written off or up is frozen', 'charge ' || h.id, 'adjusted by charge ' || a.id
      FROM charge a JOIN charge h ON h.id = a.adjusts_id WHERE h.frozen_at IS NULL
    UNION ALL
    -- by the highest cap of those it was rated by; items are agreed by themselves
    SELECT 'work is never charged above its cap', 'contract ' || u.contract_id,
           format('%s of %s, %s s of %s', u.amount, u.cap_amount, u.billed_s, u.cap_seconds)
      FROM (SELECT h.contract_id, sum(h.amount) AS amount,
            sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS billed_s,
                   CASE WHEN count(k.cap_amount) = count(*) THEN max(k.cap_amount) END AS cap_amount,
                   CASE WHEN count(k.cap_seconds) = count(*) THEN max(k.cap_seconds) END AS cap_seconds
              FROM contract c
              JOIN charge h ON h.contract_id = c.id AND h.source = 'time'
              LEFT JOIN terms t ON t.id = h.terms_id
              LEFT JOIN LATERAL (SELECT (x ->> 'cap_amount')::numeric AS cap_amount,
                                 (x ->> 'cap_seconds')::bigint AS cap_seconds
                                   FROM jsonb_array_elements(t.body -> 'contracts') x
                                       WHERE (x ->> 'contract')::bigint = c.id) k ON true
             WHERE num_nonnulls(c.cap_amount, c.cap_s) > 0
             GROUP BY 1) u
     WHERE u.amount > u.cap_amount OR u.billed_s > u.cap_seconds
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
-- ledger problems: what must hold of the entries
-- ---------------------------------------------------------------------------

CREATE VIEW ledger_problems WITH (security_invoker) AS
    SELECT 'a frozen charge is posted once, to the last digit' AS rule, 'charge ' || x.charge_id AS subject,
           format('posted %s %s, charged %s', coalesce(p.amount, 0),
           (SELECT a.code FROM account a WHERE a.id = x.credit_id), x.amount)
               AS detail
      FROM charge_entry x
      LEFT JOIN (SELECT e.charge_id, e.credit_id, e.currency, sum(e.amount) AS amount
                   FROM entry e WHERE e.charge_id IS NOT NULL GROUP BY 1, 2, 3) p
        ON p.charge_id = x.charge_id AND p.credit_id = x.credit_id AND p.currency = x.currency
     WHERE x.frozen_at IS NOT NULL AND coalesce(p.amount, 0) <> x.amount
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
      FROM document_line l JOIN document d ON d.id = l.document_id JOIN charge h ON h.id = l.charge_id
      LEFT JOIN charge a ON a.id = l.adjustment_id
     WHERE l.released_at IS NULL AND h.frozen_at IS NOT NULL
       AND (l.claim AND l.net IS NOT NULL AND l.net <> h.amount + coalesce(a.amount, 0)
            AND NOT (d.kind = 'report' AND d.status = 'sent')
            OR l.kind = 'credit_note' AND l.net <> h.amount)
    UNION ALL
    SELECT 'a line of a sent report says what its charge is', document_name(l.document_id),
        format('line %s: %s, charge %s', l.id, l.amount, h.amount)
      FROM document_line l JOIN document d ON d.id = l.document_id JOIN charge h ON h.id = l.charge_id
     WHERE d.kind = 'report' AND d.status = 'sent' AND l.released_at IS NULL AND l.amount <> h.amount
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
     WHERE l.currency <> h.currency AND d.status <> 'draft'
    UNION ALL
    SELECT 'credits of a line never exceed the line', document_name(l.document_id),
        format('line %s: %s + %s credited of %s + %s', l.id, c.net, c.tax, l.net, l.tax)
      FROM document_line l JOIN line_credit c ON c.line_id = l.id
     WHERE abs(c.net) > abs(l.net) OR abs(c.tax) > abs(l.tax) OR sign(c.net) <> sign(l.net) OR c.net = l.net
       AND (c.tax <> l.tax OR l.released_at IS NULL);
COMMENT ON VIEW document_line_problems IS
    'broken invariants of what documents and their lines add up to, none in healthy books';
SELECT allow('controller', 'select', 'document_line_problems');

CREATE VIEW document_charge_problems WITH (security_invoker) AS
    SELECT 'a document that is void, rejected or superseded keeps no charge' AS rule,
        document_name(l.document_id) AS subject,
           format('line %s, charge %s', l.id, l.charge_id) AS detail
      FROM document_line l JOIN document d ON d.id = l.document_id
     WHERE l.released_at IS NULL AND l.charge_id IS NOT NULL AND d.status IN ('void', 'rejected', 'superseded')
    UNION ALL
    SELECT 'a held charge is on the sent report that holds it', 'charge ' || h.id,
        format('held by document %s', h.held_by)
      FROM charge h
     WHERE h.held_by IS NOT NULL
       AND NOT EXISTS (SELECT FROM document_line l JOIN document d ON d.id = l.document_id
                        WHERE l.charge_id = h.id AND l.released_at IS NULL AND d.id = h.held_by AND d.kind = 'report'
                          AND d.status = 'sent')
    UNION ALL
    SELECT 'charges of a sent report are held, of an agreed one or an issued invoice frozen', document_name(d.id),
        'charge ' || h.id
      FROM document d
      JOIN document_line l ON l.document_id = d.id AND l.claim AND l.released_at IS NULL
      JOIN charge h ON h.id = l.charge_id
     WHERE d.status <> 'draft' AND NOT (h.frozen_at IS NOT NULL OR d.kind = 'report' AND d.status = 'sent'
                                        AND h.held_by IS NOT DISTINCT FROM d.id)
    UNION ALL
    SELECT 'billed, reported, unbilled and cancelled revenue is all revenue', x.currency,
        format('%s by place, %s charged', x.placed, x.charged)
      FROM (SELECT h.currency, sum(h.amount) AS charged,
            sum(h.amount) FILTER (WHERE l.place IN ('billed', 'reported', 'unbilled')) AS placed
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
      FROM payment p JOIN (SELECT a.payment_id, sum(a.amount) AS amount FROM payment_allocation a GROUP BY 1) a
          ON a.payment_id = p.id
     WHERE a.amount > p.amount OR p.status <> 'posted'
    UNION ALL
    SELECT 'allocations and credits never exceed the document', document_name(b.document_id),
        format('%s of %s', b.allocated + b.credited, b.gross)
      FROM document_balance b WHERE b.open < 0
    UNION ALL
    SELECT 'a payment settles documents of its party and currency, invoices with what comes in and bills with what '
           'goes out',
           document_name(d.id), 'payment ' || p.id
      FROM payment_allocation a JOIN payment p ON p.id = a.payment_id JOIN document d ON d.id = a.document_id
     WHERE p.party_id IS DISTINCT FROM d.party_id OR p.currency <> d.currency
        OR p.flow <> CASE d.kind WHEN 'bill' THEN 'out' ELSE 'in' END
    UNION ALL
    SELECT 'allocations are of issued documents', document_name(a.document_id), 'payment ' || a.payment_id
      FROM payment_allocation a WHERE NOT EXISTS (SELECT FROM document_balance b WHERE b.document_id = a.document_id)
    UNION ALL
    SELECT 'a payment of bills accrues nothing', 'payment ' || p.id, format('settles_bills is %s', p.settles_bills)
      FROM payment p
     WHERE p.status = 'posted' AND p.settles_bills <> EXISTS (SELECT FROM payment_allocation a JOIN document d
                                                              ON d.id = a.document_id
                                                               WHERE a.payment_id = p.id AND d.kind = 'bill');
COMMENT ON VIEW document_allocation_problems IS
    'broken invariants of payments and what they settle, none in healthy books';
SELECT allow('controller', 'select', 'document_allocation_problems');

CREATE VIEW document_step_problems WITH (security_invoker) AS
    SELECT 'a document has the status that payments, credits and its invoice give it' AS rule,
        document_name(d.id) AS subject,
           format('%s, not %s', d.status, settled_status(d.id)) AS detail
      FROM document d
     WHERE d.kind IN ('invoice', 'bill') AND d.status NOT IN ('draft', 'void', 'archived')
       AND NOT (d.kind = 'bill' AND d.status IN ('sent', 'rejected'))
       AND d.status <> settled_status(d.id)
        OR d.kind = 'report' AND d.status IN ('agreed', 'invoiced', 'partly_paid', 'paid')
            AND d.status <> settled_status(d.id)
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
    SELECT 'the tax of issued invoices and credit notes is in the ledger' AS rule, document_name(d.id) AS subject,
           format('%s on the document, %s posted', d.tax, coalesce(e.tax, 0)) AS detail
      FROM document d
      LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS tax FROM entry e JOIN role_account k ON k.tax = e.credit_id
         WHERE e.document_id = d.id) e ON true
     WHERE d.kind IN ('invoice', 'credit_note') AND coalesce(e.tax, 0) <> CASE WHEN d.status IN ('draft', 'void')
         THEN 0 ELSE d.tax END
    UNION ALL
    SELECT 'an accepted bill is owed, to the last digit', document_name(d.id),
        format('%s on the bill, %s posted', d.gross, coalesce(e.amount, 0))
      FROM document d
      LEFT JOIN LATERAL (
        SELECT sum(e.amount) AS amount FROM entry e JOIN role_account k ON k.payable = e.credit_id
         WHERE e.document_id = d.id) e ON true
     WHERE d.kind = 'bill'
       AND coalesce(e.amount, 0) <> CASE WHEN d.status IN ('draft', 'sent', 'rejected', 'void') OR d.gross IS NULL
           THEN 0
                                         WHEN EXISTS (SELECT FROM document_status_change s WHERE s.document_id = d.id
                                                      AND s.to_status = 'agreed') THEN d.gross
                                         ELSE 0 END;
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
     WHERE d.kind IN ('report', 'invoice') AND d.deal_id IS NOT NULL AND d.status <> 'draft' AND h.deal_id IS NULL;
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
      FROM rating_problem r WHERE EXISTS (SELECT FROM charge h WHERE h.time_entry_id = r.time_entry_id AND NOT h.fixed)
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
    SELECT 'an allotment burns within its life and scope', 'charge ' || h.id, format('allotment %s', a.id)
      FROM charge h JOIN allotment a ON a.id = h.allotment_id
     WHERE h.reverses_id IS NULL
       AND (a.contract_id <> h.contract_id OR a.scope_work_types IS NOT NULL
            AND NOT coalesce(h.work_type_id = ANY (a.scope_work_types), false)
            OR NOT h.late AND (h.started_at >= a.expires_at
                               OR h.service_date < (a.effective_at AT TIME ZONE 'UTC')::date - 1))
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
          AND (h.amount <> 0 OR h.cost < 0 AND h.reverses_id IS NULL AND h.worked_s >= 0)
    UNION ALL
    SELECT 'what is frozen is posted', 'charge ' || x.charge_id,
        format('%s to post, %s posted', sum(x.due), sum(x.posted))
      FROM (SELECT h.charge_id, h.base_amount AS due, 0 AS posted FROM charge_entry h WHERE h.frozen_at IS NOT NULL
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
-- figure problems: two ways to one figure agree
-- ---------------------------------------------------------------------------

-- A function: the plan of all these figures together would be compiled, which
-- takes longer than what it finds.
CREATE FUNCTION broken_figures() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE SET jit = off
BEGIN ATOMIC
    SELECT 'revenue by client, project, employee and month is one figure' AS rule, g.grouping AS subject,
           format('%s, the ledger has %s', g.revenue, t.revenue) AS detail
      FROM (SELECT coalesce(sum(-l.base_amount), 0)::numeric(18,2) AS revenue FROM ledger_line l
       WHERE l.pnl_section = 'revenue') t
     CROSS JOIN LATERAL (
        SELECT 'profit_by_client' AS grouping, coalesce(sum(revenue), 0) AS revenue FROM profit_by_client
        UNION ALL SELECT 'profit_by_project', coalesce(sum(revenue), 0) FROM profit_by_project
        UNION ALL SELECT 'profit_by_employee', coalesce(sum(revenue), 0) FROM profit_by_employee
        UNION ALL SELECT 'pnl_month', coalesce(sum(revenue), 0) FROM pnl_month) g
     WHERE g.revenue <> t.revenue
    UNION ALL
    SELECT 'gross profit of a client is the ledger''s', coalesce('party ' || f.client_id, 'without a client'),
           format('revenue %s, cost %s, the ledger has %s and %s', f.revenue, f.cost, l.revenue, l.cost)
      FROM (SELECT x.client_id, sum(x.revenue) AS revenue, sum(x.cost) AS cost FROM fact x GROUP BY 1) f
      FULL JOIN (SELECT l.client_id, coalesce(-sum(l.base_amount) FILTER (WHERE l.kind = 'income'), 0) AS revenue,
                        coalesce(sum(l.base_amount) FILTER (WHERE l.kind <> 'income'), 0) AS cost
                   FROM ledger_line l WHERE l.pnl_section IN ('revenue', 'direct') GROUP BY 1) l
        ON coalesce(l.client_id, 0) = coalesce(f.client_id, 0)
     WHERE (coalesce(f.revenue, 0), coalesce(f.cost, 0)) <> (coalesce(l.revenue, 0), coalesce(l.cost, 0))
    UNION ALL
    SELECT 'closing cash is the balance of the cash accounts', x.currency,
           format('%s, the accounts hold %s', x.closing, x.held)
      FROM (SELECT f.currency, f.closing, coalesce(b.held, 0) AS held
              FROM (SELECT f.currency, sum(f.net) AS closing FROM cash_flow_month f GROUP BY 1) f
              LEFT JOIN (SELECT b.currency, sum(b.balance) AS held FROM account_balance b
                          WHERE b.kind = 'cash' GROUP BY 1) b USING (currency)) x
     WHERE x.closing <> x.held
    UNION ALL
    SELECT 'a contract''s balance is its receipts less its charges', c.number,
           format('balance %s, receipts %s, charged %s', c.balance, c.receipts, c.charged)
      FROM contract_card c WHERE c.balance <> c.receipts - c.charged;
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
    UNION ALL SELECT * FROM figure_problems
    UNION ALL SELECT * FROM billing_problems
    UNION ALL SELECT * FROM document_problems
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
-- look rows up; no other file sets anything of the planner.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_plan record;
    v_function regprocedure;
BEGIN
    FOR v_plan IN SELECT * FROM (VALUES
        -- A look-up by key: planning takes longer than the look-up itself.
        ('SET plan_cache_mode = force_generic_plan',
         '{contract_group,contract_zone,contract_lists,contract_terms,complete_dimension,grant_included,list_document,'
         'stamp_lists,stamp_terms,put_charges}'),
        -- The same, of tables that grow while they are read: SERIALIZABLE remembers what a scan reads, and a
        -- scan of charge by each of many entries would be a product.
        ('SET plan_cache_mode = force_generic_plan SET enable_seqscan = off', '{hold}'),
        ('SET enable_seqscan = off', '{heed}'),
        ('SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_mergejoin = off',
         '{is_billed,allotment_state,add_use}'),
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
CREATE TRIGGER task_deal_fits BEFORE INSERT OR UPDATE OF project_id, deal_id ON task
    FOR EACH ROW WHEN (NEW.deal_id IS NOT NULL) EXECUTE FUNCTION check_task_deal();
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
    WHEN ((NEW.client_id, NEW.currency, NEW.period, NEW.anchor_day, NEW.parent_id, NEW.project_id) IS DISTINCT FROM
                       (OLD.client_id, OLD.currency, OLD.period, OLD.anchor_day, OLD.parent_id, OLD.project_id))
    EXECUTE FUNCTION lock_contract_parties();
CREATE TRIGGER contract_bound_new BEFORE INSERT ON contract
    FOR EACH ROW WHEN (num_nonnulls(NEW.parent_id, NEW.project_id) > 0) EXECUTE FUNCTION lock_contract_parties();
CREATE TRIGGER contract_cap_exact BEFORE INSERT OR UPDATE OF cap_amount, minimum_charge, currency ON contract
    FOR EACH ROW EXECUTE FUNCTION check_exact('cap_amount', 'minimum_charge');
CREATE TRIGGER contract_conceded BEFORE INSERT OR UPDATE OF discount_pct ON contract
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER contract_ended BEFORE INSERT OR UPDATE OF status, ends_on ON contract
    FOR EACH ROW WHEN (NEW.status IN ('ended', 'cancelled') AND NEW.ends_on IS NULL) EXECUTE FUNCTION end_contract();
CREATE TRIGGER contract_fits AFTER INSERT OR UPDATE ON contract
    FOR EACH ROW EXECUTE FUNCTION check_contract();

-- contract_line
CREATE TRIGGER contract_line_exact BEFORE INSERT OR UPDATE ON contract_line
    FOR EACH ROW EXECUTE FUNCTION check_exact('amount', 'cost', 'included_amount');

-- allotment
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON allotment
    FOR EACH ROW EXECUTE FUNCTION own_columns('voided_at: void_block() takes an allotment back.',
                                              'charge_id: add_block() charges what it sells.');
CREATE TRIGGER allotment_burned BEFORE UPDATE OF amount, unit, contract_id ON allotment
    FOR EACH ROW EXECUTE FUNCTION keep_burned();

-- billing_period
CREATE TRIGGER billing_period_not_truncated BEFORE TRUNCATE ON billing_period
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('reopen_period() opens the last closed one.');
CREATE TRIGGER billing_period_owned BEFORE INSERT OR UPDATE OR DELETE ON billing_period
    FOR EACH ROW EXECUTE FUNCTION own_table('close_period() closes a period, reopen_period() opens the last closed '
                                            'one.');

-- task_item
CREATE TRIGGER task_item_priced_changed AFTER UPDATE ON task_item
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION price_tasks();
CREATE TRIGGER task_item_priced_new AFTER INSERT ON task_item REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION price_tasks();
CREATE TRIGGER task_item_unpriced AFTER DELETE ON task_item REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION price_tasks();

-- time_entry
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON time_entry
    FOR EACH ROW EXECUTE FUNCTION own_columns('approved_at: approve_entries() approves work.',
                                              'approved_by: approve_entries() approves work.',
                                              'created_at', 'created_by');
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
-- last of the row triggers, so that what is frozen says so
CREATE TRIGGER charge_owned BEFORE INSERT OR UPDATE OR DELETE ON charge
    FOR EACH ROW EXECUTE FUNCTION own_table('Charges follow the work: change the time entry, the task or the contract, '
                                            'or use charge_item() and adjust_charge().');

-- rating_problem
CREATE TRIGGER rating_problem_owned BEFORE INSERT OR UPDATE OR DELETE ON rating_problem
    FOR EACH ROW
        EXECUTE FUNCTION own_table('It says what rating found; mend what it names and the row goes by itself.');

-- account
CREATE TRIGGER account_kept BEFORE UPDATE OR DELETE ON account
    FOR EACH ROW EXECUTE FUNCTION keep_account();
CREATE TRIGGER account_in_section AFTER INSERT OR UPDATE OF line ON account
    FOR EACH STATEMENT EXECUTE FUNCTION check_statement_lines();

-- account_role
CREATE TRIGGER account_role_owned BEFORE INSERT OR UPDATE OR DELETE ON account_role
    FOR EACH ROW EXECUTE FUNCTION own_table('What the books post to is part of the books.');

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
    FOR EACH ROW EXECUTE FUNCTION own_columns('revision', 'made_from: record_payment() keeps it.',
                                              'settles_bills: pay_bill() and allocate_payment() tie a payment to the '
                                              'bills it settles.');
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

-- concession_month
CREATE TRIGGER concession_month_owned BEFORE INSERT OR UPDATE OR DELETE ON concession_month
    FOR EACH ROW EXECUTE FUNCTION own_table('It is the sum of what concession holds.');

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

-- share_link
CREATE TRIGGER share_link_owned BEFORE INSERT OR UPDATE OR DELETE ON share_link
    FOR EACH ROW EXECUTE FUNCTION own_table('share() makes a link, revoke_share() ends it.');

-- brand
CREATE TRIGGER brand_owner BEFORE INSERT OR UPDATE OF own_id ON brand
    FOR EACH ROW EXECUTE FUNCTION check_page_owner();

-- template
CREATE TRIGGER template_body BEFORE INSERT OR UPDATE OF body ON template
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
        ('contract', 'contract_round_grace_range', 'Give a round_grace_s of 0 or more and below round_increment_s.'),
        ('contract', 'contract_round_maximum_range', 'Give a round_maximum_s of round_minimum_s or more, or none.'),
        ('contract_line', 'contract_line_accepted_dated', 'accept_stage(line, day) sets both status and accepted_on.'),
        ('contract_line', 'contract_line_dates_in_order', 'Give an ends_on on or after starts_on.'),
        ('contract_line', 'contract_line_included_once', 'Give included_s or included_amount; two lines include both.'),
        ('contract_line', 'contract_line_rollover_max_range', 'Give a rollover_max of rollover_min or more.'),
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
        ('document', 'document_adds_up', 'Give a gross of net and tax.'),
        ('document', 'document_bill_comes_in', 'Bills are taken in by record_bill().'),
        ('document', 'document_bill_names_its_number', 'Give the number that its sender gave it as outside_number.'),
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
        ('document', 'document_work_goes_out', 'What comes in is a bill, act, contract, annex or other paper.'),
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
        ('band_rule', 'band_rule_key', 'The contract has a rule for this band and role: update it.'),
        ('task_item', 'task_item_key', 'The task has this item: raise its quantity.'),
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
-- column: what the columns say
--
-- A name means one thing in all of the books, so it is explained once, in
-- column_*.sql; "table.column" where it means more than that.  A column that
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
              FROM string_to_table(regexp_replace(p_words, E'\n +', ' ', 'g'), E'\n') w WHERE w <> ''
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
level: level of access, one of access_level
locked_at: when it was locked
locked_by: who locked it, as actor() names them
locked_through: nothing is posted on this day or before
login: the session's user
document_status_change.login: the session's user, which no setting changes
event.login: the session's user, beside posted_by, which is actor()
history.login: the session's user, which no setting changes
max_entry_s: the longest time entry that is taken, in seconds
may: what the level is for
name: what people call it
brand.name: name above pages, NULL: the party's own
page_label.name: what templates call the word
new_value: value after, as text
history.new_values: the same columns after, NULL for a DELETE
note: remark printed on the document
object: table, view or function
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
access_grant.role: the role of the database
row_key: primary key of the row
history.row_key: the primary key of the row before the change, several columns joined by slashes: EUR/USD/2026-01-01
rule: the rule that is broken
since: does the level add to what the one below it may?
data_gaps.since: first day of work that is concerned
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
accepted_on: day on which the client accepted the stage
active: does the person still work here?
amount_basis: exact: price times exact time; hundredth: hours are rounded to 0.01 first
anchor_day: day of the month on which service periods begin, 1 to 31
auto_bill: what run_billing() drafts at the end of a period: none, report or invoice
band: band of the day (regular, off_hours, …) as its calendar names it
bands: bands that a companion contract takes from its base
billable: what becomes of work: billable (priced), no_charge (shown at zero) or non_billable (never shown); NULL: as
    what it belongs to says
burn_multiplier: how many seconds of an allotment a second of work takes
calendar_id: the calendar of business hours, a row of calendar
cap_amount: the most that the contract charges for work, in its currency
cap_s: the most billable seconds that the contract charges
client: name of the client
client_id: the client, a row of party
contract: number of the contract
contract_id: the contract, a row of contract
contract_line_id: the line of the contract, a row of contract_line
cost: what it cost us, in the currency beside it; NULL where it is not known
contract_card.cost: labour at cost rates and direct expenses, in the contract's currency
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
calendar_band.ends: local time, 24:00 allowed; not after starts: on the next day, where the next day's own rows win
ends_on: last day, included; NULL: open
estimate_s: estimated seconds of work
expense_markup_pct: what is put on expenses that are passed on, in percent points
expires_at: from when on it cannot be used any more
given_at: when it was given
grace_days: days after due_on before an invoice counts as late; nothing reads it yet, reminders will
granted_at: when it was granted
hourly_cost: what an hour costs us, NULL: not any more
hourly_pay: what the person is paid an hour, in the currency beside it; nothing reads it yet, payroll will
iban: number of the bank account
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
prorate: how a fee is cut to the days of a period: none, actual, fixed_30 or days_365
prorate_included: are the included hours cut with the fee?
quantity: how many units
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
starts_on: first day, included
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
url: where it is in the planner
work_type: name of the kind of work
work_type_id: the kind of work, a row of work_type
$words$);
-- ---------------------------------------------------------------------------
-- columns: logged work, what became of it, and what it is charged
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
adjustment_id: the charge that takes discount and included tax off, a row of charge
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
duration_s: worked seconds, where they are not told by the clock
ended_at: when the work ended
fixed: is it frozen or held, so that rating leaves it as it is?
charge.fixed: frozen or held: rating leaves it as it is
found_at: when it was found
frozen_at: when it was frozen and posted, NULL while it is provisional
made_by: what made it: rating (of work), line (a fee or stage of the contract), task_item (the fixed price of a
 task), block (prepaid hours), minimum (what a period lacked), document (what it took off its charges), user (a call)
held_by: the sent report that keeps it unchanged until the client answers, a row of document
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
price_id: position of a price list that gave the price, as its id was then
why: why it is so, as values with stable keys, NULL where there is nothing to tell; charge_reason() says it in words
rejected_at: when it was turned away
remaining_s: seconds left of allotments that can be drawn on now
reverses_id: what it takes back
charge.reverses_id: the charge that it takes back
event.reverses_id: the event that it takes back
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
charge_entry.amount: what is transferred, in currency
document_entry.amount: what is transferred, in currency
due_entry.amount: what is transferred, in currency
payment_entry.amount: what is transferred, in currency
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
contract_card.balance: receipts less work charged, in the contract's currency
loss_making_contract.balance: receipts less work charged, in the contract's currency
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
margin_cash_pct: profit by cash of receipts, in percent points
margin_pct: profit of revenue, in percent points
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
profit: revenue less cost, in currency
profit_accrual: work charged less cost, in the contract's currency
profit_cash: receipts less cost, in the contract's currency
purpose: purpose of the payment, as the bank shows it
receipts: what came in, in currency
role_account.payable: the account of settlements with suppliers and staff
role_account.receivable: the account of settlements with clients
role_account.tax: the account of taxes on sales
role_account.revenue: the account of revenue
role_account.direct_labour: the account of hours at their cost rates
role_account.absorbed_labour: the account of the same, taken out of payroll
role_account.materials: the account of what else charges cost
role_account.absorbed_materials: the account of the same, taken out of purchases
retained: profit that stays after dividends, in the base currency
revenue: revenue, net, in the base currency
account_role.role: what the account is for
section: section of the report
statement_line.section: are articles grouped by it?
side: debit or credit
source_id: what it is of, a row of charge, payment or document
charge_entry.source: charge
document_entry.source: document
due_entry.source: charge, payment or document
payment_entry.source: payment
sign: by what a balance, debit positive, is multiplied to be shown
sort: order of the lines
statement: pnl
settles_bills: does the payment pay bills, which brought the cost already?
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
uncosted: charges without a cost
fact.uncosted: is its cost not known?
uncosted_charges: charges without a cost, which count as free
$words$);
-- ---------------------------------------------------------------------------
-- columns: documents, their lines, pages and links
-- ---------------------------------------------------------------------------

SELECT explain_columns($words$
accent: accent colour of pages, #rrggbb
base_line_id: the line of the report that it repeats
based_on: the document it was made of, a row of document
billed_gross: on issued invoices, gross, in currency
billed_in: first day of the service period in which it is billed
body: content of the snapshot or template
claim: does this line keep the charge from other documents?
claimed_by: the report or draft invoice that keeps it, a row of document
dedupe_key: makes the notice unique
delivered_at: when it was delivered, NULL: not yet
discount: share of the document's discount, in its currency
discount_amount: discount of the whole document, in its currency
document_id: the document, a row of document
document_status_change.document_id: the document; no foreign key, because drafts that were deleted stay here
document_kind: kind of the document that keeps it
document_number: number of the document that keeps it
document_status: status of the document that keeps it
due_on: last day on which it is to be paid
file_url: where a file of the document is
first_no: the first number of the series
footer: a line at the end of pages
from_status: status before the step, NULL when the document was made
gross: net and tax together, in currency
in_draft: on drafts of reports, net, in currency
ink: colour of text on pages, #rrggbb
invoice_id: the live invoice it is on, a row of document
issued_at: when it was issued
issued_on: day of issue
last_view_at: when the link was opened last
late: did it come for a period that was closed, and is billed in a later one?
logo: image above pages as a data URI
message: the notice in words
named_invoices: open invoices whose number stands in the purpose
net: without tax, in currency
cash_flow_month.net: receipts less payments of the month, in currency
next_no: the number that comes next
number: number by which people know it
outside_number: number that the other side or another system gave
over_on: the first day on which the period can be closed
paid_gross: what is paid of what was billed, gross, in currency
pattern: pattern of numbers: {YYYY} {YY} {MM} {DD} and the counter {####}
payload: the notice as data
percent_paid: per cent paid of what was billed, in percent points
period_from: first day of the work on it
period_to: last day of the work on it
place: where the charge is: unbilled, reported, billed and so on
document.positions: how charges are grouped into the positions of the paper: by task, employee, day, or not at all
    (none)
recipient_id: who is told, a row of employee
released_at: when the charge went free again
released_by: the document that set the charge free, a row of document
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
waits_for: who has to do what next
with_client: on reports that wait for the client's answer, net, in currency
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
            USING ERRCODE = 'undefined_column', HINT = 'Add it to the words of column_*.sql.';
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
