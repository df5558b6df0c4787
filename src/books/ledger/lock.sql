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
    -- also for those who did not post yet, but chose the day by now
    LOCK TABLE lock_version, entry IN SHARE ROW EXCLUSIVE MODE;
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
    SELECT n.currency, a.code, string_agg(DISTINCT m.currency, ', ') AS currencies INTO v_bad
      FROM new_rows n
      JOIN cash_account m ON m.account_id IN (n.debit_id, n.credit_id)
      JOIN account a ON a.id = m.account_id
     GROUP BY n.id, n.currency, a.id HAVING NOT bool_or(m.currency = n.currency) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'an entry in % cannot be on account "%"', v_bad.currency, v_bad.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_cash_currency',
                DETAIL = format('The money on it is in %s.', v_bad.currencies),
                HINT = 'Name the account of a cash_account in that currency; exchange() moves money between them.';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_entries() IS
    'trigger function of entry: locked periods (23001), decimals of the currency and the currency of cash accounts '
    '(23514), once a statement';
