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
    v_ids bigint[] := '{}';
    v_id bigint := CASE WHEN v_name ~ '^[0-9]{1,18}$' THEN v_name END;
BEGIN
    IF coalesce(jsonb_typeof(p_name), 'null') NOT IN ('string', 'number') THEN
        RETURN p_name;
    END IF;
    v_id := CASE v_table
        WHEN 'party' THEN (SELECT x.id FROM party x WHERE x.id = v_id)
        WHEN 'contract' THEN (SELECT x.id FROM contract x WHERE x.id = v_id)
        WHEN 'project' THEN (SELECT x.id FROM project x WHERE x.id = v_id)
        WHEN 'task' THEN (SELECT x.id FROM task x WHERE x.id = v_id)
        WHEN 'deal' THEN (SELECT x.id FROM deal x WHERE x.id = v_id)
        WHEN 'direction' THEN (SELECT x.id FROM direction x WHERE x.id = v_id)
        WHEN 'work_type' THEN (SELECT x.id FROM work_type x WHERE x.id = v_id)
        WHEN 'employee' THEN (SELECT x.id FROM employee x WHERE x.id = v_id)
        WHEN 'cash_account' THEN (SELECT x.id FROM cash_account x WHERE x.id = v_id)
        WHEN 'document' THEN (SELECT x.id FROM document x WHERE x.id = v_id) END;
    IF jsonb_typeof(p_name) = 'string' THEN
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
                                        WHERE d.kind IN ('invoice', 'bill', 'debt') AND NOT s.withdrawn
                                          AND v_name IN (d.number, CASE d.kind WHEN 'bill' THEN d.outside_number END))
            END;
    END IF;
    -- Digits are an id as well; where they are somebody else's number nobody can know which is meant.
    IF v_id IS NOT NULL AND v_id <> ALL (v_ids) THEN
        v_ids := v_ids || v_id;
    END IF;
    IF cardinality(v_ids) = 1 THEN
        RETURN to_jsonb(v_ids[1]);
    ELSIF cardinality(v_ids) > 1 THEN
        RAISE EXCEPTION '% "%" is not the only one of that name or id', replace(p_key, '_', ' '), left(v_name, 200)
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Their ids: %s.', array_to_string(v_ids, ', ')),
            HINT = 'Give the id, as a number.';
    END IF;
    RAISE EXCEPTION 'there is no % "%"', replace(p_key, '_', ' '), left(v_name, 200)
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
    'that name or id (23503), several, or a name that is another one''s id (22023)';

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
