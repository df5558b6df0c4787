-- ---------------------------------------------------------------------------
-- late: what is overdue, since when, and what that comes to
-- ---------------------------------------------------------------------------

CREATE FUNCTION check_dunning_words() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_names CONSTANT text[] := '{number,date,due,days,open,fee,interest,total,client,own}';
    v_name text := (SELECT m[1] FROM jsonb_each_text(NEW.words) w
                     CROSS JOIN LATERAL regexp_matches(w.value, '[{]([^{}]*)[}]', 'g') m
                     WHERE m[1] <> ALL (c_names) LIMIT 1);
BEGIN
    IF v_name IS NOT NULL THEN
        RAISE EXCEPTION 'a reminder has no {%}', left(v_name, 40)
            USING ERRCODE = 'invalid_parameter_value', HINT = format('It has {%s}.', array_to_string(c_names, '}, {'));
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_dunning_words() IS
    'trigger function of dunning_level: words name nothing that a reminder does not have (22023)';

CREATE FUNCTION is_disputed(p_document bigint) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM dispute x WHERE x.document_id = p_document AND x.ended_at IS NULL);
END;
COMMENT ON FUNCTION is_disputed(bigint) IS 'is a dispute of a document open?';

-- What was settled since, by a payment or a credit, was open until its own day.
CREATE FUNCTION late_interest(p_document bigint, p_since date, p_day date, p_pct numeric) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT round_money(sum(x.amount * least(greatest(x.until - p_since, 0), p_day - p_since)) * p_pct / 36500,
                       currency_exponent(min(x.currency)))
      FROM (SELECT b.open AS amount, p_day AS until, b.currency FROM document_balance b WHERE b.document_id = p_document
            UNION ALL
            SELECT a.amount, p.paid_on, p.currency
              FROM payment_allocation a JOIN payment p ON p.id = a.payment_id WHERE a.document_id = p_document
            UNION ALL
            SELECT -n.gross, n.issued_on, n.currency
              FROM document n
             WHERE n.based_on = p_document AND n.kind = 'credit_note' AND n.issued_at IS NOT NULL) x;
END;
COMMENT ON FUNCTION late_interest(bigint, date, date, numeric) IS
    'interest on what was open of a document, day by day, from the day after p_since to p_day, by a rate a year of 365 '
    'days; rounded once';

CREATE VIEW overdue_document WITH (security_invoker) AS
    SELECT b.document_id, b.kind, d.number, b.party_id, p.name AS party, b.currency, b.due_on, p.grace_days,
           b.due_on + p.grace_days AS late_since, is_disputed(b.document_id) AS disputed,
           b.open::numeric(18,2) AS open,
           (SELECT max(r.level) FROM reminder r WHERE r.document_id = b.document_id AND r.withdrawn_at IS NULL) AS level
      FROM document_balance b
      JOIN document d ON d.id = b.document_id
      JOIN party p ON p.id = b.party_id
     WHERE b.flow = 'in' AND b.open > 0 AND b.due_on + p.grace_days < books_today();
COMMENT ON VIEW overdue_document IS
    'invoices and debts that are open and late today: due_on with the days of grace (grace_days) is late_since, the '
    'day from which lateness counts; whether it is disputed; level of the last reminder';
SELECT allow('reader', 'select', 'overdue_document');

CREATE FUNCTION due_level(p_document document, p_day date) RETURNS dunning_level
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_level dunning_level;
    v_own boolean := EXISTS (SELECT FROM dunning_level n WHERE n.client_id = p_document.party_id);
    v_late int := p_day - p_document.due_on - (SELECT p.grace_days FROM party p WHERE p.id = p_document.party_id);
BEGIN
    SELECT n.* INTO v_level
      FROM dunning_level n
     WHERE n.client_id IS NOT DISTINCT FROM CASE WHEN v_own THEN p_document.party_id END AND n.days_late <= v_late
     ORDER BY n.level DESC LIMIT 1;
    RETURN v_level;
END $$;
COMMENT ON FUNCTION due_level(document, date) IS
    'the level of reminding that a document has reached on a day, by its client''s levels, else those of all; NULL for '
    'none';
