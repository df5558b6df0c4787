-- ---------------------------------------------------------------------------
-- billing problems: what must hold of closed periods
-- ---------------------------------------------------------------------------

CREATE VIEW billing_problems WITH (security_invoker) AS
    SELECT 'an entry is charged as long as it worked' AS rule, 'time entry ' || e.id AS subject,
           format('worked %s s, charged %s s', e.worked_s, h.worked_s) AS detail
      FROM time_entry e JOIN (SELECT time_entry_id, sum(worked_s) AS worked_s FROM charge
                              WHERE time_entry_id IS NOT NULL GROUP BY 1) h
        ON h.time_entry_id = e.id
     WHERE h.worked_s <> e.worked_s AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
    UNION ALL
    SELECT 'an entry is charged or has a problem', 'time entry ' || e.id, 'neither'
      FROM time_entry e
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.time_entry_id = e.id)
         AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
    UNION ALL
    SELECT 'an entry is charged or has a problem', 'time entry ' || r.time_entry_id, 'both: ' || r.problem
      FROM rating_problem r
          WHERE EXISTS (SELECT FROM charge h WHERE h.time_entry_id = r.time_entry_id AND NOT h.committed)
    UNION ALL
    SELECT 'amounts are whole units of their currency', 'charge ' || h.id,
        format('amount %s, cost %s %s', h.amount, h.cost, h.currency)
      FROM charge h JOIN currency_code u ON u.code = h.currency
     WHERE h.amount <> round(h.amount, u.exponent) OR h.cost <> round(h.cost, u.exponent)
        OR h.gross <> round(h.gross, u.exponent)
    UNION ALL
    SELECT 'an allotment is never overdrawn', 'allotment ' || a.id, format('%s of %s burned', b.burned, a.amount)
      FROM allotment a JOIN (SELECT allotment_id, sum(burned) AS burned FROM charge WHERE allotment_id IS NOT NULL
                             GROUP BY 1) b ON b.allotment_id = a.id
     WHERE b.burned > a.amount OR b.burned < 0 OR (a.voided_at IS NOT NULL AND b.burned <> 0)
    UNION ALL
    SELECT 'a reversal is the opposite of what it reverses', 'charge ' || r.id, 'reverses charge ' || h.id
      FROM charge r JOIN charge h ON h.id = r.reverses_id
     WHERE (coalesce(r.gross + h.gross, 0), r.amount + h.amount, r.base_amount + h.base_amount,
            coalesce(r.cost + h.cost, 0), r.worked_s + h.worked_s, r.billed_s + h.billed_s,
            coalesce(r.base_cost + h.base_cost, 0), coalesce(r.burned + h.burned, 0)) <> (0, 0, 0, 0, 0, 0, 0, 0)
    UNION ALL
    SELECT 'what is not billed has no amount and no negative cost', 'charge ' || h.id,
        format('%s: amount %s, cost %s', h.coverage, h.amount, h.cost)
      FROM charge h WHERE h.coverage IN ('no_charge', 'non_billable')
          AND (h.amount <> 0 OR h.cost < 0 AND h.reverses_id IS NULL AND h.worked_s >= 0 AND h.made_by <> 'correction')
    UNION ALL
    SELECT 'what is frozen is posted', 'charge ' || x.charge_id,
        format('%s to post, %s posted', sum(x.due), sum(x.posted))
      FROM (SELECT h.charge_id, h.base_amount AS due, 0 AS posted FROM charge_posting h WHERE h.posted
            UNION ALL
            SELECT e.charge_id, 0, e.base_amount FROM entry e WHERE e.charge_id IS NOT NULL) x
     GROUP BY x.charge_id
    HAVING sum(x.due) <> sum(x.posted)
    UNION ALL
    SELECT 'periods close in order', 'contract ' || b.contract_id, format('a gap before %s', iso(b.period_start))
      FROM (SELECT b.*, lag(b.period_end) OVER (PARTITION BY b.contract_id ORDER BY b.period_start) AS before
            FROM billing_period b) b
     WHERE b.before <> b.period_start
    UNION ALL
    SELECT 'a closed period has no open charges', 'charge ' || h.id, format('period of %s', iso(h.period_start))
      FROM charge h JOIN (SELECT b.contract_id, max(b.period_end) AS closed_to FROM billing_period b
                          GROUP BY 1) b ON b.contract_id = h.contract_id
     WHERE h.frozen_at IS NULL AND h.period_start < b.closed_to;
COMMENT ON VIEW billing_problems IS
    'what must hold of charges, allotments and periods and does not: rule, subject and detail in words; empty in '
    'healthy books';
SELECT allow('controller', 'select', 'billing_problems');
