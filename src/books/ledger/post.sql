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
    -- he may be a client too, by a contract or project of his own
    SELECT y.name INTO v_wrong
      FROM jsonb_array_elements(entries) e JOIN party y ON y.id = (e.value ->> 'client')::bigint
     WHERE y.kind = 'contractor' AND NOT e.value ?| '{contract,project,deal,task}' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'an entry names contractor "%" as its client', v_wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dimension_fits',
                HINT = 'Name him as the party, and the client, project, deal or task that it is for.';
    END IF;
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
