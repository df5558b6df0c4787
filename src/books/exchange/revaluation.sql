-- ---------------------------------------------------------------------------
-- revaluation: what money and debts in other currencies are worth on a day
-- ---------------------------------------------------------------------------

-- By what it is settled by: cash by account, debts by party.
CREATE FUNCTION revaluation(as_of date)
    RETURNS TABLE (account text, account_id bigint, party_id bigint, own_id bigint, currency text,
                   amount numeric(18,2), booked numeric(18,2), worth numeric(18,2), difference numeric(18,2))
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.code, a.id, x.party_id, x.own_id, x.currency, x.amount::numeric(18,2),
           x.booked::numeric(18,2), w.worth::numeric(18,2), (w.worth - x.booked)::numeric(18,2)
      FROM (SELECT s.account_id, CASE a.kind WHEN 'cash' THEN NULL ELSE e.party_id END AS party_id,
                   e.own_id, e.currency,
                   sum(s.sign * e.amount) AS amount, sum(s.sign * e.base_amount) AS booked
              FROM entry e
             CROSS JOIN role_account r
             CROSS JOIN LATERAL (VALUES (e.debit_id, 1), (e.credit_id, -1)) AS s (account_id, sign)
              JOIN account a ON a.id = s.account_id
             WHERE e.entry_on <= as_of AND e.currency <> (SELECT t.base_currency FROM setting t)
               AND (a.kind IN ('cash', 'liability') OR a.id IN (r.receivable, r.payable))
             GROUP BY 1, 2, 3, 4) x
      JOIN account a ON a.id = x.account_id
     CROSS JOIN setting t
     CROSS JOIN LATERAL (SELECT CASE WHEN x.amount = 0 THEN 0
                                     ELSE convert(x.amount, x.currency, t.base_currency, as_of) END AS worth) w
     WHERE w.worth <> x.booked
     ORDER BY a.code, x.party_id, x.own_id, x.currency;
END;
COMMENT ON FUNCTION revaluation(date) IS
    'what the rates of a day make of cash, debts and loans in other currencies: amount in currency, booked and worth '
    'in the base currency, difference a gain where it is above zero (of what we owe, less debt), debit positive; by '
    'cash account, or by party. Refused (23503) on a day without a rate';
SELECT allow('controller', 'execute', 'revaluation');

CREATE FUNCTION revaluation_entries(p_as_of date, p_cash boolean) RETURNS entry[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_due record;
    v entry;
    v_entries entry[] := '{}';
BEGIN
    FOR v_due IN
        SELECT x.*, r.exchange FROM revaluation(p_as_of) x JOIN account a ON a.id = x.account_id
         CROSS JOIN role_account r WHERE (a.kind = 'cash') = p_cash
    LOOP
        v := exchange_entry(v_due.account_id, v_due.exchange, v_due.currency, v_due.difference, v_due.party_id,
                            NULL, v_due.own_id);
        v.entry_on := p_as_of;
        v_entries := v_entries || v;
    END LOOP;
    RETURN v_entries;
END $$;
COMMENT ON FUNCTION revaluation_entries(date, boolean) IS
    'the entries of a revaluation, without their event: of cash, or of debts and loans';

CREATE FUNCTION post_revaluation(as_of date) RETURNS TABLE (cash bigint, debts bigint, reversal bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_of record;
    v_event bigint;
    v_entries entry[];
    v_part entry;
BEGIN
    PERFORM lock_books();  -- what parties owe must stay what is looked at
    FOR v_of IN SELECT * FROM (VALUES ('cash', true), ('debts', false)) x (name, cash) LOOP
        v_entries := revaluation_entries(as_of, v_of.cash);
        CONTINUE WHEN v_entries = '{}';
        v_event := (open_events('user', ARRAY[format('revaluation of %s %s #%s', v_of.name, iso(as_of), (
            SELECT count(*) FROM event e WHERE e.source = 'user'
                AND e.key LIKE format('revaluation of %s %s #%%', v_of.name, iso(as_of))))], ARRAY[''],
            format('worth of %s in other currencies', v_of.name)))[1];
        FOR i IN 1 .. cardinality(v_entries) LOOP
            v_part := v_entries[i];
            v_part.event_id := v_event;
            v_entries[i] := v_part;
        END LOOP;
        PERFORM put_entries(v_entries);
        IF v_of.cash THEN
            cash := v_event;
        ELSE
            -- a debt is settled at the rate of its own day, so what is not settled is taken back
            debts := v_event;
            reversal := (reverse_entries(ARRAY[v_event], 'user', ARRAY[format('reversal of event %s', v_event)],
                                         as_of + 1))[1];
        END IF;
    END LOOP;
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION post_revaluation(date) IS
    'post revaluation() on its day: of cash for good, as every later one is measured against it; of debts and loans '
    'until the next day, on which the reversal is posted, since the difference of a debt is realised when it is paid. '
    'Returns the events, NULL where nothing differs; reverse_event() takes that of cash back. Posted again it posts '
    'what has changed since';
SELECT allow('controller', 'execute', 'post_revaluation');
