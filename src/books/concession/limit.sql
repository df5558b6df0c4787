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
