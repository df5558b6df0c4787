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
