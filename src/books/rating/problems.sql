-- ---------------------------------------------------------------------------
-- rating problems: open charges are what rating makes of their facts, terms what they are made of
-- ---------------------------------------------------------------------------

CREATE FUNCTION open_rating(p_base bigint) RETURNS SETOF charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_span rating_span := ROW(NULL, NULL, NULL, NULL, group_scopes(p_base) <> '{}');
    v_input rating_input[] := ARRAY(
        SELECT i FROM stamped_input(p_base, '-infinity', 'infinity', '{}', v_span) i
         WHERE EXISTS (SELECT FROM terms t WHERE t.id = i.terms_id));
BEGIN
    IF v_input = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT c.* FROM unnest(rated_charges(ARRAY(
            SELECT s FROM rate_input(v_input, ARRAY[p_base], ARRAY[v_input[1].terms_id],
                                         allotment_state(p_base, '{}', '-infinity')) s))) c;
END $$;
COMMENT ON FUNCTION open_rating(bigint) IS
    'the charges that rating makes of the open work of a contract group, from its beginning, at the prices stamped on '
    'it';

CREATE FUNCTION charge_figures(p_charge charge) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT concat_ws(', ', p_charge.coverage, 'contract ' || p_charge.contract_id, iso(p_charge.service_date),
                     'period ' || iso(p_charge.period_start), p_charge.worked_s || ' s worked',
                     p_charge.billed_s || ' s billed', 'price ' || trim_scale(p_charge.rate),
                     'amount ' || trim_scale(p_charge.amount), 'with tax ' || trim_scale(p_charge.gross),
                     'in base ' || trim_scale(p_charge.base_amount),
                     'cost ' || trim_scale(p_charge.cost), 'in base ' || trim_scale(p_charge.base_cost),
                     trim_scale(p_charge.burned) || ' of allotment ' || p_charge.allotment_id);
END;
COMMENT ON FUNCTION charge_figures(charge) IS 'what a charge of work comes to, in a line, to compare and to tell';

CREATE FUNCTION broken_ratings() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'open work is charged by its facts' AS rule, format('time entry %s', a.entry_id) AS subject,
           format('charged as %s; it is %s', a.was, a.is_now) AS detail
      FROM entries_astray(ARRAY(
            SELECT h.time_entry_id FROM charge h WHERE h.source = 'time' AND NOT h.committed
            UNION SELECT r.time_entry_id FROM rating_problem r)) a
    UNION ALL
    SELECT 'open charges are what rating makes of them', format('time entry %s', x.time_entry_id),
           format('segment %s: %s; rating makes it %s', x.segment, coalesce(x.is_now, 'none'),
                  coalesce(x.due, 'none'))
      FROM (SELECT DISTINCT coalesce(c.parent_id, c.id) AS id
              FROM charge h JOIN contract c ON c.id = h.contract_id WHERE h.source = 'time' AND NOT h.committed) b
     CROSS JOIN LATERAL (
        SELECT coalesce(h.time_entry_id, n.time_entry_id) AS time_entry_id, coalesce(h.segment, n.segment) AS segment,
               h.figures AS is_now, n.figures AS due
          FROM (SELECT h.time_entry_id, h.segment, charge_figures(h) AS figures
                  FROM charge h JOIN contract c ON c.id = h.contract_id
                 WHERE b.id IN (c.id, c.parent_id) AND h.source = 'time' AND NOT h.committed
                   AND NOT EXISTS (SELECT FROM live_charge f WHERE f.time_entry_id = h.time_entry_id AND f.committed)) h
          FULL JOIN (SELECT r.time_entry_id, r.segment, charge_figures(r) AS figures FROM open_rating(b.id) r
                      WHERE NOT is_committed(r.time_entry_id)) n USING (time_entry_id, segment)
         WHERE h.figures IS DISTINCT FROM n.figures) x
    UNION ALL
    SELECT 'open charges are worth what the rate of their day makes of them', format('charge %s', h.id),
           format('at %s, the rate is %s', trim_scale(h.base_rate), trim_scale(r.rate))
      FROM charge h
     CROSS JOIN setting s
     CROSS JOIN LATERAL (SELECT exchange_rate_on(h.currency, s.base_currency, rate_day(h)) AS rate) r
     WHERE NOT h.committed AND h.source <> 'time' AND h.currency <> s.base_currency AND r.rate <> h.base_rate
    UNION ALL
    SELECT 'open charges are net of the tax that is in their price', format('charge %s', h.id),
           format('%s of %s; it is %s of %s', trim_scale(h.amount), trim_scale(h.gross), trim_scale(n.amount),
                  trim_scale(n.gross))
      FROM charge h CROSS JOIN LATERAL open_net(h) n
     WHERE NOT h.committed AND (n.gross, n.amount) IS DISTINCT FROM (h.gross, h.amount)
    UNION ALL
    SELECT 'terms are what they are made of', format('contract %s', c.id), format('terms %s', s.terms_id)
      FROM contract c
     CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(l.id, l.revision), '{}') AS lists
                           FROM price_list l WHERE l.id = ANY (contract_lists(c.id))) r
      JOIN terms_source s ON s.contract_id = c.id AND s.digest = finance.terms_source('contract', c.id, r.lists)
      JOIN terms t ON t.id = s.terms_id
      JOIN living_terms l ON l.id = t.id
     WHERE t.contract_id <> c.id OR t.body <> contract_terms(c.id, r.lists) OR l.body <> s.body;
END;
COMMENT ON FUNCTION broken_ratings() IS
    'the rows of rating_problems: the rule, the entry, what it is and what it should be';

CREATE VIEW rating_problems WITH (security_invoker) AS SELECT * FROM broken_ratings();
COMMENT ON VIEW rating_problems IS
    'open work that is not charged as rating charges it by its facts of now, none in healthy books';
SELECT allow('controller', 'select', 'rating_problems');
