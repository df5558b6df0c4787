-- ---------------------------------------------------------------------------
-- charge views: what its readers may see, where a charge is, what froze it
-- ---------------------------------------------------------------------------

-- Figures are summed from more than their reader may see one by one: the cost of
-- a charge is a person's.  These views show all columns to the views of figures,
-- which belong to the owner, and only the rows that the policies of whoever asks let through.
CREATE VIEW seen_charge WITH (security_invoker) AS SELECT id FROM charge;
COMMENT ON VIEW seen_charge IS 'the charges that the row policies of whoever asks let through';

-- Where a figure is of a few charges, they are asked for one by one: a view runs the
-- functions it calls as whoever asks.
CREATE FUNCTION sees_charge(p_charge bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM charge c WHERE c.id = p_charge);
END $$;
COMMENT ON FUNCTION sees_charge(bigint) IS 'do the row policies let whoever asks see a charge?';
SELECT allow('reader', 'execute', 'sees_charge');

-- What a charge and its reversal would have cost is nothing together, known or not;
-- what a correction told is known.  They are few, and found by an index of their own.
CREATE VIEW uncosted_charge AS
    SELECT c.id FROM charge c
     WHERE c.base_cost IS NULL AND c.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = c.id)
       AND NOT EXISTS (SELECT FROM charge a WHERE a.adjusts_id = c.id AND a.why #> '{correction,cost}' IS NOT NULL);
COMMENT ON VIEW uncosted_charge IS 'the charges that count and whose cost is not known';
SELECT allow('controller', 'select', 'uncosted_charge');

CREATE VIEW visible_charge WITH (security_barrier) AS
    SELECT h.*, u.id IS NOT NULL AS uncosted
      FROM charge h
      LEFT JOIN uncosted_charge u ON u.id = h.id
     WHERE (SELECT NOT row_security_active('charge'::regclass)) OR h.id IN (SELECT s.id FROM seen_charge s);
COMMENT ON VIEW visible_charge IS
    'charges with their costs for the views of figures, within the row policies of whoever asks; uncosted: they count, '
    'and what they cost is not known; granted to nobody';

-- What the contract's terms speak of: fees, caps, minimums, prices.
CREATE FUNCTION priced(p_charge charge) RETURNS numeric
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT coalesce(p_charge.gross, p_charge.amount);
END;
COMMENT ON FUNCTION priced(charge) IS
    'what the prices make of a charge: with the tax where they hold it, else its net amount';
SELECT allow('reader', 'execute', 'priced');

CREATE VIEW burn WITH (security_invoker) AS
    SELECT allotment_id, id AS charge_id, burned AS amount FROM charge WHERE allotment_id IS NOT NULL;
COMMENT ON VIEW burn IS
    'what each charge took from an allotment, in the allotment''s unit; a segment is cut where an allotment ends, so '
    'it draws on one only';
SELECT allow('reader', 'select', 'burn');

-- What counts: no reversal, and nothing that was reversed.  "Is it billed" is
-- asked of these alone: committed and live.
CREATE VIEW live_charge WITH (security_invoker) AS
    SELECT h.* FROM charge h WHERE h.reverses_id IS NULL
        AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id);
COMMENT ON VIEW live_charge IS 'the charges that count: neither reversals nor reversed';
SELECT allow('controller', 'select', 'live_charge');
