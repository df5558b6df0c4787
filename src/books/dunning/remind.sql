-- ---------------------------------------------------------------------------
-- remind: reminders, and disputes that stop them
--
-- A reminder claims a fee and interest; it posts nothing.  What is to be collected
-- of them is invoiced like any other item.
-- ---------------------------------------------------------------------------

CREATE FUNCTION reminder_text(p_reminder reminder, p_words text, p_document document) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_language text := p_reminder.language;
    v_exponent int := currency_exponent(p_reminder.currency);
    v_money text := chr(160) || coalesce(page_labels(v_language) ->> ('currency_' || p_reminder.currency),
                                         p_reminder.currency);
    v_said jsonb := jsonb_build_object(
        'number', coalesce(p_document.number, ''), 'date', page_date(p_document.issued_on, v_language),
        'due', page_date(p_document.due_on, v_language), 'days', p_reminder.days_late,
        'open', page_number(p_reminder.open, v_exponent, v_language) || v_money,
        'fee', page_number(p_reminder.fee, v_exponent, v_language) || v_money,
        'interest', page_number(p_reminder.interest, v_exponent, v_language) || v_money,
        'total', page_number(p_reminder.open + p_reminder.fee + p_reminder.interest, v_exponent, v_language) || v_money,
        'client', page_party(paper_party(p_document, 'party'), v_language) ->> 'name',
        'own', page_party(paper_party(p_document, 'own'), v_language) ->> 'name');
BEGIN
    -- in one pass, so that nothing that is put in is taken for a name
    RETURN (SELECT string_agg(CASE WHEN t.no = 1 THEN t.part
                                   ELSE (v_said ->> split_part(t.part, '}', 1))
                                        || substr(t.part, strpos(t.part, '}') + 1) END, '' ORDER BY t.no)
              FROM regexp_split_to_table(p_words, '[{](?=[a-z]+[}])') WITH ORDINALITY t (part, no));
END $$;
COMMENT ON FUNCTION reminder_text(reminder, text, document) IS
    'what a reminder says: the words of its level with figures, days and names as its language writes them';

CREATE FUNCTION refuse_reminder(p_document document, p_day date) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_name text := document_name(p_document.id);
    v_balance document_balance;
BEGIN
    SELECT * INTO v_balance FROM document_balance b WHERE b.document_id = p_document.id;
    IF v_balance.flow IS DISTINCT FROM 'in' OR v_balance.open <= 0 THEN
        RAISE EXCEPTION '% is not owed, so nobody is reminded of it', v_name
            USING ERRCODE = 'restrict_violation', HINT = 'View overdue_document lists what is.';
    ELSIF is_disputed(p_document.id) THEN
        RAISE EXCEPTION '% is disputed, so nobody is reminded of it', v_name
            USING ERRCODE = 'restrict_violation', HINT = 'settle_dispute(document, outcome) ends the dispute.';
    ELSIF (due_level(p_document, p_day)).id IS NULL THEN
        RAISE EXCEPTION '% has not reached a level of reminding on %', v_name, iso(p_day)
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('It is due on %s, with %s days of grace.', coalesce(iso(p_document.due_on), 'no day'),
                                (SELECT p.grace_days FROM party p WHERE p.id = p_document.party_id)),
                HINT = 'Table dunning_level says after how many days.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_reminder(document, date) IS
    'refuse (23001) to remind of what is not owed, is disputed, or has reached no level';

CREATE FUNCTION remind(document bigint, on_day date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(remind.document);
    v_day date := coalesce(remind.on_day, books_today());
    v_level dunning_level;
    v_new reminder;
BEGIN
    PERFORM refuse_reminder(v_document, v_day);
    v_level := due_level(v_document, v_day);
    SELECT r.* INTO v_new FROM reminder r
     WHERE r.document_id = v_document.id AND r.level >= v_level.level AND r.withdrawn_at IS NULL
     ORDER BY r.level DESC LIMIT 1;
    IF FOUND THEN
        RETURN v_new.id;
    END IF;
    v_new.document_id := v_document.id;
    v_new.level := v_level.level;
    v_new.on_day := v_day;
    v_new.currency := v_document.currency;
    v_new.language := page_language(v_document.id);
    SELECT v_day - b.due_on - p.grace_days, b.open INTO v_new.days_late, v_new.open
      FROM document_balance b JOIN party p ON p.id = b.party_id WHERE b.document_id = v_document.id;
    v_new.fee := coalesce((SELECT max(r.fee) FROM reminder r
                            WHERE r.document_id = v_document.id AND r.withdrawn_at IS NULL), 0)
                 + CASE WHEN v_level.fee > 0 THEN convert(v_level.fee, v_level.currency, v_document.currency, v_day)
                        ELSE 0 END;
    v_new.interest := late_interest(v_document.id, v_day - v_new.days_late, v_day, v_level.interest_pct);
    v_new.message := reminder_text(v_new, v_level.words ->> v_new.language, v_document);
    INSERT INTO reminder (document_id, level, on_day, days_late, open, fee, interest, currency, language, message)
    VALUES (v_new.document_id, v_new.level, v_new.on_day, v_new.days_late, v_new.open, v_new.fee, v_new.interest,
            v_new.currency, v_new.language, v_new.message) RETURNING id INTO v_new.id;
    PERFORM notify('reminder', format('reminder:%s', v_new.id), v_document.id, NULL, v_new.message, jsonb_build_object(
        'reminder', v_new.id, 'document', v_document.id, 'number', v_document.number, 'level', v_new.level,
        'client', v_document.party_id, 'email', paper_party(v_document, 'party') ->> 'email',
        'language', v_new.language, 'days_late', v_new.days_late, 'currency', v_new.currency,
        'open', trim_scale(v_new.open)::text, 'fee', trim_scale(v_new.fee)::text,
        'interest', trim_scale(v_new.interest)::text));
    RETURN v_new.id;
END $$;
COMMENT ON FUNCTION remind(bigint, date) IS
    'remind a client of an overdue document on a day (today): writes the reminder of the highest level that it has '
    'reached and queues its message (notification), and returns it; the same level again is the same reminder. '
    'Refused (23001): what is not owed, is disputed, or has reached no level';
SELECT allow('clerk', 'execute', 'remind');

CREATE FUNCTION remind_all(on_day date DEFAULT NULL)
    RETURNS TABLE (reminder_id bigint, document_id bigint, level integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_day date := coalesce(remind_all.on_day, books_today());
    v_document document;
BEGIN
    FOR v_document IN
        SELECT d.* FROM document_balance b JOIN document d ON d.id = b.document_id
         WHERE b.flow = 'in' AND b.open > 0 AND NOT is_disputed(d.id)
           AND (due_level(d, v_day)).level > coalesce((
                   SELECT max(r.level) FROM reminder r WHERE r.document_id = d.id AND r.withdrawn_at IS NULL), 0)
         ORDER BY d.party_id, d.id
    LOOP
        reminder_id := remind(v_document.id, v_day);
        SELECT r.document_id, r.level INTO document_id, level FROM reminder r WHERE r.id = reminder_id;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION remind_all(date) IS
    'remind() of every document that has reached a new level on a day (today); returns the reminders that were '
    'written: run every day it writes each once';
SELECT allow('clerk', 'execute', 'remind_all');

-- What nobody was told yet and is not so any more is taken back with its message.
CREATE FUNCTION withdraw_reminders(p_documents bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE reminder r SET withdrawn_at = now()
     WHERE r.document_id = ANY (p_documents) AND r.withdrawn_at IS NULL
       AND EXISTS (SELECT FROM notification n WHERE n.dedupe_key = format('reminder:%s', r.id)
                   AND n.delivered_at IS NULL);
    IF FOUND THEN
        PERFORM withdraw_notice('reminder', d) FROM unnest(p_documents) d;
    END IF;
END $$;
COMMENT ON FUNCTION withdraw_reminders(bigint[]) IS
    'take back the reminders of documents that were not delivered yet';

CREATE FUNCTION dispute(document bigint, reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(dispute.document);
    v_dispute bigint := (SELECT x.id FROM dispute x WHERE x.document_id = v_document.id AND x.ended_at IS NULL);
BEGIN
    IF v_dispute IS NOT NULL THEN
        RETURN v_dispute;
    END IF;
    IF coalesce(dispute.reason, '') = '' THEN
        RAISE EXCEPTION 'a dispute needs a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say what is disputed: dispute(document, reason).';
    END IF;
    IF NOT EXISTS (SELECT FROM document_balance b WHERE b.document_id = v_document.id AND b.flow = 'in'
                   AND b.open > 0) THEN
        RAISE EXCEPTION '% is not owed, so there is nothing to dispute', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'View document_balance lists what is open.';
    END IF;
    INSERT INTO dispute (document_id, reason) VALUES (v_document.id, dispute.reason) RETURNING id INTO v_dispute;
    PERFORM withdraw_reminders(ARRAY[v_document.id]);
    RETURN v_dispute;
END $$;
COMMENT ON FUNCTION dispute(bigint, text) IS
    'say that a client disputes what he owes by a document: nobody is reminded of it until settle_dispute(); returns '
    'the dispute, the open one where there is one. Refused: without a reason (22023), what is not owed (23001)';
SELECT allow('clerk', 'execute', 'dispute');

CREATE FUNCTION settle_dispute(document bigint, outcome text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(settle_dispute.document);
    v_dispute bigint;
BEGIN
    IF coalesce(settle_dispute.outcome, '') = '' THEN
        RAISE EXCEPTION 'a dispute does not end without an outcome'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say how it ended: settle_dispute(document, outcome).';
    END IF;
    UPDATE dispute x SET outcome = settle_dispute.outcome, ended_at = clock_timestamp(), ended_by = actor()
     WHERE x.document_id = v_document.id AND x.ended_at IS NULL RETURNING x.id INTO v_dispute;
    RETURN v_dispute;
END $$;
COMMENT ON FUNCTION settle_dispute(bigint, text) IS
    'end the open dispute of a document with its outcome; returns it, NULL where there is none. Refused without an '
    'outcome (22023)';
SELECT allow('clerk', 'execute', 'settle_dispute');

CREATE VIEW dunning_problems WITH (security_invoker) AS
    SELECT 'a reminder that waits is of what is open, and nothing disputed' AS rule,
           document_name(r.document_id) AS subject,
           format('reminder %s of %s, open %s', r.id, trim_scale(r.open), trim_scale(coalesce(b.open, 0))) AS detail
      FROM reminder r
      JOIN notification n ON n.dedupe_key = format('reminder:%s', r.id) AND n.delivered_at IS NULL
      LEFT JOIN document_balance b ON b.document_id = r.document_id
     WHERE is_disputed(r.document_id) OR coalesce(b.open, 0) <> r.open;
COMMENT ON VIEW dunning_problems IS 'broken invariants of reminders, none in healthy books';
SELECT allow('controller', 'select', 'dunning_problems');
