-- ---------------------------------------------------------------------------
-- make: correcting charges in the open period
-- ---------------------------------------------------------------------------

CREATE FUNCTION recheck_charges(p_charges bigint[]) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO recheck (charge_id)
    SELECT x.id FROM unnest(p_charges) x (id) JOIN charge h ON h.id = x.id AND h.committed
     WHERE h.reverses_id IS NULL
     ORDER BY x.id
    ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION recheck_charges(bigint[]) IS
    'let correction_due look at those of these charges that are committed';

-- A fee or minimum is billed, or given back, like any other charge.  Cost and exchange are
-- ours alone: no client sees them, and they are posted at once.
CREATE FUNCTION correcting_charge(p_charge charge, p_kind text, p_priced numeric, p_amount numeric,
                                  p_base_amount numeric, p_cost numeric, p_base_cost numeric, p_why jsonb)
    RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := part_of(p_charge, p_priced, p_amount, p_base_amount, p_why, true);
BEGIN
    v.made_by := 'correction';
    v.cost := p_cost;
    v.base_cost := p_base_cost;
    IF p_kind NOT IN ('fee', 'minimum') THEN
        v.coverage := 'non_billable';
        v.frozen_at := now();
        v.time_entry_id := p_charge.time_entry_id;  -- so that its cost is labour
    END IF;
    RETURN in_open_period(v);
END $$;
COMMENT ON FUNCTION correcting_charge(charge, text, numeric, numeric, numeric, numeric, numeric, jsonb) IS
    'the charge that puts a frozen one right by so much, in the open period';

CREATE FUNCTION make_corrections_of(p_charges bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_new charge[];
    v_ids bigint[];
    v_posted bigint[];
BEGIN
    -- what a report holds waits for the client's answer
    p_charges := ARRAY(SELECT h.id FROM charge h WHERE h.id = ANY (p_charges) AND h.frozen_at IS NOT NULL
                        ORDER BY h.id FOR NO KEY UPDATE);
    v_new := ARRAY(
        SELECT correcting_charge(h, x.kind, x.priced, x.amount, x.base_amount, x.cost, x.base_cost, x.why)
          FROM correction_of(p_charges) x JOIN charge h ON h.id = x.charge_id ORDER BY h.id, x.kind);
    v_ids := put_charges(v_new);
    v_posted := ARRAY(SELECT h.id FROM charge h WHERE h.id = ANY (v_ids) AND h.frozen_at IS NOT NULL ORDER BY 1);
    PERFORM post_charges(v_posted, 'charge', format('%s:correction', v_posted[1]), 'corrections')
      WHERE v_posted <> '{}';
    -- what is still not known is looked at again
    DELETE FROM recheck r USING charge h
     WHERE r.charge_id = ANY (p_charges) AND h.id = r.charge_id AND (h.cost IS NOT NULL OR h.id = ANY (
        SELECT c.adjusts_id FROM charge c WHERE c.id = ANY (v_ids)));
    RETURN v_ids;
END $$;
COMMENT ON FUNCTION make_corrections_of(bigint[]) IS
    'put those of these charges that are frozen right where correction_of() finds them wrong; returns the correcting '
    'charges';

CREATE FUNCTION make_corrections(contract_id bigint DEFAULT NULL)
    RETURNS TABLE (correction_id bigint, charge_id bigint, amount numeric(18,2), cost numeric(18,2), currency text,
                   reason text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_group bigint[];
    v_made bigint[];
BEGIN
    IF contract_id IS NOT NULL THEN
        v_group := contract_group((base_contract(contract_id)).id);
    END IF;
    PERFORM lock_parties(ARRAY(
        SELECT DISTINCT h.client_id FROM rechecked r JOIN charge h ON h.id = r.charge_id
         WHERE contract_id IS NULL OR h.contract_id = ANY (v_group)));
    v_made := make_corrections_of(ARRAY(
        SELECT r.charge_id FROM rechecked r JOIN charge h ON h.id = r.charge_id
         WHERE contract_id IS NULL OR h.contract_id = ANY (v_group) ORDER BY 1));
    RETURN QUERY
        SELECT h.id, h.adjusts_id, h.amount::numeric(18,2), h.cost::numeric(18,2), h.currency, charge_reason(h.why)
          FROM charge h WHERE h.id = ANY (v_made) ORDER BY h.id;
END $$;
COMMENT ON FUNCTION make_corrections(bigint) IS
    'put right what stands in correction_due, of one contract and its companions or of all: a correcting charge in the '
    'open period for each row. That of a fee or minimum is billed with what comes next; those of cost and exchange '
    'are posted at once and on no document. Closing a period does so by itself. Returns what it made; the same call '
    'again makes nothing more. Refused (23503): an unknown contract';
SELECT allow('controller', 'execute', 'make_corrections');
