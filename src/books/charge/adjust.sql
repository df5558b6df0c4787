-- ---------------------------------------------------------------------------
-- adjust: write-offs and write-ups beside a charge
-- ---------------------------------------------------------------------------

CREATE FUNCTION adjust_charge(charge_id bigint, amount numeric, reason text, key text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_charge charge;
    v_new charge;
    v_left numeric;
    v_known bigint;
    v_net numeric;
    v_exponent CONSTANT integer := currency_exponent((SELECT s.base_currency FROM setting s));
BEGIN
    SELECT * INTO v_charge FROM charge h WHERE h.id = charge_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no charge %', charge_id USING ERRCODE = 'foreign_key_violation',
            HINT = 'View unbilled lists charges.';
    END IF;
    IF v_charge.contract_id IS NULL THEN
        RAISE EXCEPTION 'charge % is not under a contract', charge_id
            USING ERRCODE = 'restrict_violation', HINT = 'Change the price of its time entry instead.';
    END IF;
    PERFORM lock_parties(ARRAY[v_charge.client_id]);
    v_net := net_part(v_charge, amount);
    v_new := part_of(v_charge, amount, v_net, round_money(v_net * v_charge.base_rate, v_exponent),
                     jsonb_build_object(CASE WHEN amount < 0 THEN 'write_off'
                                        ELSE 'write_up' END, jsonb_build_object('charge', charge_id),
                                        'note', reason), true);
    v_new.made_by := 'user';
    v_new.key := key;
    v_known := known_charge(v_new);
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    SELECT * INTO v_charge FROM charge h WHERE h.id = charge_id FOR UPDATE;
    PERFORM lock_parties(ARRAY[v_charge.client_id]);  -- its task may have moved meanwhile
    IF v_charge.id IS NULL OR v_charge.reverses_id IS NOT NULL OR v_charge.adjusts_id IS NOT NULL
        OR NOT EXISTS (SELECT FROM live_charge h WHERE h.id = charge_id) THEN
        RAISE EXCEPTION 'charge % is a reversal, an adjustment or reversed already', charge_id
            USING ERRCODE = 'restrict_violation', HINT = 'Adjust the charge that counts.';
    END IF;
    IF v_charge.held_by IS NOT NULL THEN
        RAISE EXCEPTION 'charge % cannot be adjusted now', charge_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(charge_id),
                HINT = 'Wait for the answer, or take the document back.';
    END IF;
    IF coalesce(reason, '') = '' OR coalesce(amount, 0) = 0 OR amount = 'NaN' THEN
        RAISE EXCEPTION 'an adjustment needs an amount that is not 0, and a reason'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Pass a negative amount to write off, a positive one to write up.';
    END IF;
    v_left := priced(v_charge)
              + coalesce((SELECT sum(coalesce(h.gross, h.amount)) FROM charge h JOIN live_charge a USING (id)
                           WHERE a.adjusts_id = charge_id), 0);
    IF amount < 0 AND v_left + amount < 0 THEN
        RAISE EXCEPTION 'cannot write % off charge %, of which % is left', trim_scale(-amount), charge_id,
            trim_scale(v_left)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_adjusted_within_amount',
                HINT = 'Write off what is left at most.';
    END IF;
    PERFORM check_charge_amount(amount, v_charge.currency);
    PERFORM concede('write_off', -v_new.base_amount, charge_id, NULL, reason);
    -- A decision about a figure holds for that figure: it is frozen with it.
    PERFORM freeze_charges(ARRAY[charge_id], 'charge', format('%s:adjusted', charge_id));
    v_new.id := coalesce((put_charges(ARRAY[in_open_period(v_new)]))[1], known_charge(v_new));
    PERFORM revalue_charges(ARRAY[v_new.id]);
    RETURN v_new.id;
END $$;
COMMENT ON FUNCTION adjust_charge(bigint, numeric, text, text) IS
    'write a part of a charge off (amount below 0) or up, as its price says it, with a reason: an adjustment charge '
    'beside it, which is returned; the charge itself is frozen. Refused: more than is left of it (23514), without a '
    'reason (22023), reversed or held charges (23001); idempotent under a key';
SELECT allow('manager', 'execute', 'adjust_charge');
