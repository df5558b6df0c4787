-- ---------------------------------------------------------------------------
-- ledger: every figure of every report is a sum of these entries and of the
-- charges that are not posted yet
-- ---------------------------------------------------------------------------

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
    'trigger function of period_lock: waits for the transactions that post, and lets others wait; SECURITY DEFINER because nobody may write to the ledger';

CREATE FUNCTION check_entries() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_locked date := (SELECT max(locked_through) FROM period_lock);
    v_bad record;
BEGIN
    PERFORM heed('ledger');
    SELECT n.entry_on INTO v_bad FROM new_rows n WHERE n.entry_on <= v_locked LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the books are locked through %: nothing can be posted on %', v_locked, v_bad.entry_on
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
COMMENT ON FUNCTION check_entries() IS 'trigger function of entry: locked periods (23001) and decimals of the currency (23514), once a statement';

-- Open an event under its idempotency key: NULL when the same content was
-- posted under it before.
CREATE FUNCTION open_event(p_key text, p_content text, p_memo text DEFAULT NULL, p_reverses bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_digest bytea := sha256(convert_to(p_content, 'UTF8'));
    v_id bigint;
    v_known bytea;
BEGIN
    IF p_key IS NULL OR p_key = '' THEN
        RAISE EXCEPTION 'an event needs an idempotency key'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a key that is the same when the same event is sent again.';
    END IF;
    INSERT INTO event (key, digest, memo, reverses_id) VALUES (p_key, v_digest, p_memo, p_reverses)
    ON CONFLICT DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT e.digest INTO v_known FROM event e WHERE e.key = p_key;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'event % is reversed already', p_reverses
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'event_reversed_once',
                    HINT = 'Post the event anew if it was right after all.';
        ELSIF v_known <> v_digest THEN
            RAISE EXCEPTION 'event "%" was posted before with other content', p_key
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'event_key_key',
                    HINT = 'Send the same content again, or use another key for another event.';
        END IF;
    END IF;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION open_event(text, text, text, bigint) IS
    'a new event, or NULL when this key was posted before with the same content; refused: the same key with other content (23505), a second reversal '
    'of one event under another key (23001)';

CREATE FUNCTION post(key text, entries jsonb, memo text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_event bigint;
    v_base text;
    v_bad record;
BEGIN
    PERFORM lock_parties('{}');
    v_base := (SELECT s.base_currency FROM setting s);
    entries := json_argument(entries);
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' OR jsonb_array_length(entries) = 0 THEN
        RAISE EXCEPTION 'entries must be a JSON array of at least one entry'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Each entry: {"on": date, "debit": account code, "credit": account code, "amount": "text", "currency": code, …}.';
    END IF;
    SELECT row_number() OVER () AS no, e.value INTO v_bad
      FROM jsonb_array_elements(entries) e
     WHERE jsonb_typeof(e.value) <> 'object' OR NOT e.value ?& ARRAY['on', 'debit', 'credit', 'amount', 'currency'] LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'an entry lacks one of on, debit, credit, amount, currency'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = v_bad.value::text;
    END IF;
    v_event := open_event(key, entries::text, memo);
    IF v_event IS NULL THEN
        RETURN (SELECT e.id FROM event e WHERE e.key = post.key);
    END IF;
    INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount, article_id,
                       party_id, contract_id, project_id, deal_id, task_id, employee_id, direction_id)
    SELECT v_event, given_date(e, 'on'), account_id(e ->> 'debit'), account_id(e ->> 'credit'),
           (e ->> 'amount')::numeric, e ->> 'currency',
           convert((e ->> 'amount')::numeric, e ->> 'currency', v_base, given_date(e, 'on')),
           account_id(e ->> 'article'), (e ->> 'party')::bigint, (e ->> 'contract')::bigint, (e ->> 'project')::bigint,
           (e ->> 'deal')::bigint, (e ->> 'task')::bigint, (e ->> 'employee')::bigint, (e ->> 'direction')::bigint
      FROM jsonb_array_elements(entries) e;
    RETURN v_event;
END $$;
COMMENT ON FUNCTION post(text, jsonb, text) IS
    'post one event of one or more entries and return its id; entries is an array of {"on", "debit", "credit", "amount", "currency"} with account '
    'codes, and optionally "article", "party", "contract", "project", "deal", "task", "employee", "direction" (ids). The same key and content again '
    'returns the same event and posts nothing; the same key with other content is refused (23505)';
SELECT allow('controller', 'execute', 'post');

-- What made entries takes them back; by hand it would be left unposted.
CREATE FUNCTION take_back_event(p_event bigint, p_key text, p_on date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_event bigint;
BEGIN
    PERFORM FROM event e WHERE e.reverses_id = p_event AND e.key <> p_key;
    IF FOUND THEN
        RAISE EXCEPTION 'event % is reversed already', p_event
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'event_reversed_once',
                HINT = 'Post the event anew if it was right after all.';
    END IF;
    v_event := open_event(p_key, format('reverse %s on %s', p_event, iso(p_on)), NULL, p_event);
    IF v_event IS NULL THEN
        RETURN (SELECT e.id FROM event e WHERE e.key = p_key);
    END IF;
    INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount, article_id, party_id, contract_id,
                       project_id, deal_id, task_id, employee_id, direction_id, work_type_id, charge_id, payment_id, document_id)
    SELECT v_event, coalesce(p_on, e.entry_on), e.debit_id, e.credit_id, -e.amount, e.currency, -e.base_amount, e.article_id,
           e.party_id, e.contract_id, e.project_id, e.deal_id, e.task_id, e.employee_id, e.direction_id, e.work_type_id, e.charge_id,
           e.payment_id, e.document_id
      FROM entry e WHERE e.event_id = p_event ORDER BY e.id;
    RETURN v_event;
END $$;
COMMENT ON FUNCTION take_back_event(bigint, text, date) IS
    'post the opposite of an event for what made it; refused (23001) when it was reversed under another key';

CREATE FUNCTION reverse_event(event_id bigint, key text, on_date date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM FROM event e WHERE e.id = event_id AND e.reverses_id IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'event % does not exist or is itself a reversal', event_id
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Reverse an original event; to undo a reversal post the event anew.';
    END IF;
    PERFORM FROM entry e WHERE e.event_id = reverse_event.event_id AND num_nonnulls(e.charge_id, e.payment_id, e.document_id) > 0;
    IF FOUND THEN
        RAISE EXCEPTION 'event % is of charges, a payment or a document and is taken back with them', event_id
            USING ERRCODE = 'restrict_violation', HINT = 'Use correct_entry(), adjust_charge() or void(), or set the status of the payment to void.';
    END IF;
    RETURN take_back_event(event_id, key, on_date);
END $$;
COMMENT ON FUNCTION reverse_event(bigint, text, date) IS
    'post the opposite of an event, on the same dates or on on_date, and return the reversal''s id; an event is reversed once, '
    'and those of charges, payments and documents only with them (23001)';
SELECT allow('controller', 'execute', 'reverse_event');
