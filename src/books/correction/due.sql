-- ---------------------------------------------------------------------------
-- due: what would put a committed charge right
--
-- Four kinds, each by what the charge itself says it was made of.  A fee follows
-- the days that its line and contract are in force, by the rule and from the
-- amount it was charged by.  A minimum charge follows its contract's days
-- likewise, and what is charged for its period.  The cost of work follows the
-- cost rates, that of items the price lists where it was not known.  What a charge
-- is worth in the base currency follows the exchange rate of its day.  Prices stay.
-- ---------------------------------------------------------------------------

CREATE FUNCTION made_corrections(p_charge bigint, OUT priced numeric, OUT base_amount numeric, OUT cost numeric,
                                 OUT base_cost numeric, OUT fee_cost numeric, OUT adjusted numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(sum(coalesce(a.gross, a.amount)) FILTER (WHERE a.made_by = 'correction'), 0),
           coalesce(sum(a.base_amount) FILTER (WHERE a.made_by = 'correction' AND a.amount = 0), 0),
           sum(a.cost) FILTER (WHERE a.made_by = 'correction' AND a.coverage = 'non_billable'),
           sum(a.base_cost) FILTER (WHERE a.made_by = 'correction' AND a.coverage = 'non_billable'),
           coalesce(sum(a.cost) FILTER (WHERE a.made_by = 'correction' AND a.coverage = 'billable'), 0),
           coalesce(sum(coalesce(a.gross, a.amount)), 0)
      FROM live_charge a WHERE a.adjusts_id = p_charge;
END;
COMMENT ON FUNCTION made_corrections(bigint) IS
    'what corrections did to a charge so far: to its price, its worth in the base currency, its cost (NULL: nothing), '
    'the cost of its fee; adjusted: to its price with all write-offs and credits';

-- The days of a fee are its own: those of its service period on which the line and
-- the contract are in force.  Never less is left than is due, whatever was given back before.
CREATE FUNCTION fee_correction(p_charges bigint[])
    RETURNS TABLE (charge_id bigint, priced numeric, cost numeric, why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.id, x.priced, f.cost_due - h.cost - m.fee_cost,
           jsonb_build_object('correction', jsonb_build_object('charge', h.id, 'fee', jsonb_strip_nulls(
               jsonb_build_object('title', n.title, 'from', iso(lower(a.days)), 'to', iso(upper(a.days) - 1),
                                  'due', round(f.due, u.exponent),
                                  'charged', round(g.charged, u.exponent)))))
      FROM unnest(p_charges) k (id)
      JOIN live_charge h ON h.id = k.id AND h.made_by = 'line' AND h.source = 'fee' AND h.committed
      JOIN contract_line n ON n.id = h.contract_line_id
      JOIN contract c ON c.id = h.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      JOIN currency_code u ON u.code = h.currency
     CROSS JOIN LATERAL made_corrections(h.id) m
     CROSS JOIN LATERAL (SELECT coalesce(h.gross, h.amount) AS priced,
                                coalesce(h.gross, h.amount) + m.priced AS charged) g
     CROSS JOIN LATERAL (SELECT CASE n.kind WHEN 'one_time' THEN daterange(h.service_date, h.service_date, '[]')
                                     ELSE service_period(b, h.service_date) END AS span) p
     CROSS JOIN LATERAL (
        SELECT p.span * CASE WHEN n.kind <> 'one_time' THEN line_days(n, c, b)
                             WHEN n.status = 'cancelled' OR 'draft' IN (c.status, b.status) THEN 'empty'
                             ELSE daterange(c.starts_on, c.ends_on + 1) * daterange(b.starts_on, b.ends_on + 1)
                             END AS days) a
     CROSS JOIN LATERAL (SELECT coalesce((h.why #>> '{fee,amount}')::numeric, g.priced) AS amount,
                                CASE WHEN h.why #> '{fee,amount}' IS NULL THEN h.cost ELSE n.cost END AS cost) w
     CROSS JOIN LATERAL (
        SELECT CASE WHEN isempty(a.days) THEN 0 WHEN a.days = p.span THEN w.amount
                    ELSE prorate(w.amount, p.span, a.days, n.prorate, u.exponent::int) END AS due,
               CASE WHEN isempty(a.days) THEN 0 WHEN a.days = p.span THEN w.cost
                    ELSE prorate(w.cost, p.span, a.days, n.prorate, u.exponent::int) END AS cost_due) f
     CROSS JOIN LATERAL (SELECT CASE WHEN f.due < g.charged THEN least(0, f.due - g.priced - m.adjusted)
                                     ELSE f.due - g.charged END AS priced) x
     WHERE x.priced <> 0;
END;
COMMENT ON FUNCTION fee_correction(bigint[]) IS
    'what committed fees of lines are to be corrected by, in their currency, for the days that they are not, or now '
    'are, owed';

-- Several minimum charges of one period, after it was reopened, are corrected by the
-- first.  Fees that are corrected beside them count as they will be.
CREATE FUNCTION minimum_correction(p_charges bigint[])
    RETURNS TABLE (charge_id bigint, priced numeric, why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.id, x.priced,
           jsonb_build_object('correction', jsonb_build_object('charge', h.id, 'minimum', jsonb_build_object(
               'from', iso(lower(p.span)), 'to', iso(upper(p.span) - 1), 'due', round(d.due, u.exponent),
               'reached', round(w.work + f.priced, u.exponent), 'charged', round(w.raised, u.exponent))))
      FROM unnest(p_charges) k (id)
      JOIN live_charge h ON h.id = k.id AND h.made_by = 'minimum' AND h.committed
      JOIN contract c ON c.id = h.contract_id AND c.minimum_charge IS NOT NULL
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      JOIN currency_code u ON u.code = h.currency
     CROSS JOIN LATERAL (SELECT service_period(b, h.service_date) AS span) p
     CROSS JOIN LATERAL (SELECT CASE WHEN c.status = 'draft' THEN 'empty'
                                     ELSE p.span * daterange(c.starts_on, c.ends_on, '[]') END AS days) a
     CROSS JOIN LATERAL (
        SELECT CASE WHEN isempty(a.days) THEN 0
                    ELSE prorate(coalesce(h.why #>> '{minimum_charge,whole}',
                                          h.why #>> '{minimum_charge,amount}')::numeric,
                                 p.span, a.days, c.prorate, u.exponent::int) END AS due) d
     CROSS JOIN LATERAL minimum_work(c.id, p.span) w
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(e.priced), 0) AS priced
          FROM fee_correction(ARRAY(SELECT g.id FROM charge g WHERE g.contract_id = c.id AND g.source = 'fee'
                                    AND g.service_date <@ p.span AND g.frozen_at IS NOT NULL)) e) f
     CROSS JOIN LATERAL (SELECT greatest(d.due - w.work - f.priced, 0) AS lacks) l
     CROSS JOIN LATERAL (SELECT CASE WHEN l.lacks < w.raised THEN least(0, l.lacks - w.raised - w.given)
                                     ELSE l.lacks - w.raised END AS priced) x
     WHERE x.priced <> 0
       AND NOT EXISTS (SELECT FROM live_charge e WHERE e.contract_id = c.id AND e.made_by = 'minimum'
                       AND e.service_date <@ p.span AND e.id < h.id);
END;
COMMENT ON FUNCTION minimum_correction(bigint[]) IS
    'what committed minimum charges are to be corrected by, in their currency, for the days that their contract is in '
    'force now and for what is charged for their period now; nothing once the contract has no minimum any more';

-- Of a period that is closed what is charged late changes the minimum too, and a fee that is corrected.
CREATE VIEW rechecked WITH (security_invoker) AS
    SELECT x.charge_id, max(x.found_at) AS found_at
      FROM (SELECT r.charge_id, r.found_at FROM recheck r
            UNION ALL
            SELECT h.id, now()
              FROM contract c
              JOIN charge h ON h.contract_id = c.id AND h.made_by = 'minimum' AND h.committed AND h.reverses_id IS NULL
             WHERE c.minimum_charge IS NOT NULL
               AND (EXISTS (SELECT FROM charge l
                             WHERE l.contract_id = c.id AND l.late
                               AND l.period_start >= (SELECT max(b.period_end) FROM billing_period b
                                                       WHERE b.contract_id = c.id))
                    OR EXISTS (SELECT FROM recheck r JOIN charge f ON f.id = r.charge_id
                                WHERE f.contract_id = c.id AND f.source = 'fee'))) x
     GROUP BY x.charge_id;
COMMENT ON VIEW rechecked IS
    'the charges that correction_due looks at: those of recheck, and the minimum charges of contracts in whose open '
    'period something is charged late, or of which a fee is looked at';

CREATE FUNCTION cost_correction(p_charges bigint[])
    RETURNS TABLE (charge_id bigint, cost numeric, base_cost numeric, why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH worked AS (
        SELECT h.*, sum(h.worked_s) OVER w AS after_s, sum(h.worked_s) OVER w - h.worked_s AS before_s,
               first_value(h.service_date) OVER w AS work_date
          FROM live_charge h
         WHERE h.source = 'time' AND h.committed
           AND h.time_entry_id IN (SELECT x.time_entry_id FROM charge x WHERE x.id = ANY (p_charges))
        WINDOW w AS (PARTITION BY h.time_entry_id ORDER BY h.segment, h.id)
    ), due AS (
        SELECT h.id, h.cost, h.base_cost, jsonb_build_object('rate', trim_scale(r.hourly_cost), 'of', r.currency) AS by,
               time_amount(h.after_s::bigint, r.cost_rate, 'exact', u.exponent::int)
               - time_amount(h.before_s::bigint, r.cost_rate, 'exact', u.exponent::int) AS cost_due,
               time_amount(h.after_s::bigint, r.base_cost_rate, 'exact', v.exponent::int)
               - time_amount(h.before_s::bigint, r.base_cost_rate, 'exact', v.exponent::int) AS base_cost_due
          FROM worked h
         CROSS JOIN setting s
          JOIN currency_code u ON u.code = h.currency
          JOIN currency_code v ON v.code = s.base_currency
         CROSS JOIN LATERAL cost_rate_on(h.employee_id, h.role, h.work_date, h.currency, s.base_currency) r
         WHERE h.id = ANY (p_charges)
        UNION ALL
        -- the cost of an item is what the lists say once they say it
        SELECT h.id, h.cost, h.base_cost, jsonb_build_object('position', p.source),
               round_money(h.quantity * p.cost, u.exponent::int),
               round_money(round_money(h.quantity * p.cost, u.exponent::int) * h.base_rate, v.exponent::int)
          FROM live_charge h
         CROSS JOIN setting s
          JOIN currency_code u ON u.code = h.currency
          JOIN currency_code v ON v.code = s.base_currency
         CROSS JOIN LATERAL item_position(first_price_list(h.contract_id, h.project_id, h.client_id, h.currency),
                                          h.contract_id, h.item_id, h.service_date) p
         WHERE h.id = ANY (p_charges) AND h.source = 'item' AND h.committed AND h.cost IS NULL
    )
    SELECT d.id, d.cost_due - coalesce(d.cost, 0) - coalesce(m.cost, 0),
           d.base_cost_due - coalesce(d.base_cost, 0) - coalesce(m.base_cost, 0),
           jsonb_build_object('correction', jsonb_build_object('charge', d.id, 'cost', d.by))
      FROM due d CROSS JOIN LATERAL made_corrections(d.id) m
     WHERE d.cost_due <> coalesce(d.cost, 0) + coalesce(m.cost, 0)
        OR d.base_cost_due <> coalesce(d.base_cost, 0) + coalesce(m.base_cost, 0)
        OR num_nulls(d.cost, m.cost) = 2 AND d.cost_due IS NOT NULL;
END;
COMMENT ON FUNCTION cost_correction(bigint[]) IS
    'what the cost of committed work and items is to be corrected by, in the currency of the charge and in that of the '
    'books';

-- Work is valued at the rate of the day it began, what adjusts a charge at the
-- charge's.
CREATE FUNCTION rate_day(p_charge charge) RETURNS date
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN h.source = 'time' THEN (SELECT min(e.service_date) FROM live_charge e
                                              WHERE e.time_entry_id = h.time_entry_id AND e.source = 'time')
                ELSE h.service_date END
      FROM charge h WHERE h.id = coalesce(p_charge.adjusts_id, p_charge.id);
END;
COMMENT ON FUNCTION rate_day(charge) IS 'the day whose exchange rate values a charge';

CREATE FUNCTION exchange_correction(p_charges bigint[])
    RETURNS TABLE (charge_id bigint, base_amount numeric, base_cost numeric, why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.id, x.amount - h.base_amount - m.base_amount,
           CASE WHEN h.source = 'time' OR h.cost IS NULL THEN 0
                ELSE x.cost - h.base_cost - coalesce(m.base_cost, 0) END,
           jsonb_build_object('correction', jsonb_build_object('charge', h.id, 'exchange', jsonb_build_object(
               'rate', trim_scale(r.rate), 'was', trim_scale(h.base_rate), 'on', iso(d.day))))
      FROM setting s
      JOIN currency_code u ON u.code = s.base_currency
     CROSS JOIN unnest(p_charges) k (id)
      JOIN charge h ON h.id = k.id AND h.committed AND h.coverage = 'billable'
       AND h.currency <> s.base_currency AND (h.source <> 'adjustment' OR h.made_by = 'minimum'
                                              OR h.adjusts_id IS NOT NULL)
       AND EXISTS (SELECT FROM live_charge l WHERE l.id = h.id)
     CROSS JOIN LATERAL (SELECT rate_day(h) AS day) d
     CROSS JOIN LATERAL (SELECT exchange_rate_on(h.currency, s.base_currency, d.day) AS rate) r
     -- a rate that is taken back leaves the charge at what it was worth by the one before
     CROSS JOIN LATERAL (SELECT CASE r.rate WHEN h.base_rate THEN h.base_amount
                                     ELSE round_money(h.amount * r.rate, u.exponent::int) END AS amount,
                                CASE r.rate WHEN h.base_rate THEN h.base_cost
                                     ELSE round_money(h.cost * r.rate, u.exponent::int) END AS cost) x
     CROSS JOIN LATERAL made_corrections(h.id) m
     WHERE x.amount <> h.base_amount + m.base_amount
        OR h.source <> 'time' AND x.cost <> h.base_cost + coalesce(m.base_cost, 0);
END;
COMMENT ON FUNCTION exchange_correction(bigint[]) IS
    'what the worth of committed charges in the base currency is to be corrected by, for the rate of their day';

CREATE FUNCTION correction_of(p_charges bigint[])
    RETURNS TABLE (charge_id bigint, kind text, priced numeric, amount numeric, base_amount numeric, cost numeric,
                   base_cost numeric, why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT p.charge_id, p.kind, p.priced, n.amount, round_money(n.amount * h.base_rate, u.exponent::int), p.cost,
           round_money(p.cost * h.base_rate, u.exponent::int), p.why
      FROM (SELECT f.charge_id, 'fee' AS kind, f.priced, f.cost, f.why FROM fee_correction(p_charges) f
            UNION ALL
            SELECT m.charge_id, 'minimum', m.priced, 0, m.why FROM minimum_correction(p_charges) m) p
      JOIN charge h ON h.id = p.charge_id
     CROSS JOIN setting s
      JOIN currency_code u ON u.code = s.base_currency
     CROSS JOIN LATERAL (SELECT net_part(h, p.priced) AS amount) n
    UNION ALL
    SELECT c.charge_id, 'cost', 0, 0, 0, c.cost, c.base_cost, c.why FROM cost_correction(p_charges) c
    UNION ALL
    SELECT e.charge_id, 'exchange', 0, 0, e.base_amount, 0, e.base_cost, e.why FROM exchange_correction(p_charges) e;
END;
COMMENT ON FUNCTION correction_of(bigint[]) IS
    'what would put these committed charges right, a row for each kind: fee, minimum, cost, exchange; priced as the '
    'contract says it, amount net';

-- Of the owner: it looks at costs.
CREATE VIEW correction_due WITH (security_barrier) AS
    SELECT h.id AS charge_id, x.kind, h.client_id, k.name AS client, h.contract_id, c.number AS contract, h.source,
           h.service_date, x.amount::numeric(18,2) AS amount, x.cost::numeric(18,2) AS cost, h.currency,
           x.base_amount::numeric(18,2) AS base_amount, x.base_cost::numeric(18,2) AS base_cost,
           charge_reason(x.why) AS reason, r.found_at
      FROM correction_of(ARRAY(SELECT r.charge_id FROM rechecked r)) x
      JOIN rechecked r ON r.charge_id = x.charge_id
      JOIN visible_charge h ON h.id = x.charge_id
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id;
COMMENT ON VIEW correction_due IS
    'charges that are frozen, or held by a sent report, and no longer agree with their line or contract (kind fee), '
    'with the days of their contract and what is charged for their period (minimum), with the cost of their work or '
    'item (cost) or with the exchange rate of their day (exchange): by how much, and why. Closing the next period of '
    'the contract puts frozen ones right, or make_corrections(); held ones wait for the client''s answer';
SELECT allow('controller', 'select', 'correction_due'), allow('controller', 'select', 'recheck'),
       allow('controller', 'select', 'rechecked');
