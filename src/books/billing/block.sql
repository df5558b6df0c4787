-- ---------------------------------------------------------------------------
-- block: prepaid hours and money
-- ---------------------------------------------------------------------------

CREATE FUNCTION known_block(p_key text, p_content allotment) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_known allotment;
BEGIN
    SELECT * INTO v_known FROM allotment a WHERE a.key = p_key;
    IF FOUND AND (v_known.contract_id, v_known.kind, v_known.unit, v_known.amount, v_known.effective_at,
                  v_known.expires_at)
        IS DISTINCT FROM (p_content.contract_id, p_content.kind, p_content.unit, p_content.amount,
                          p_content.effective_at, p_content.expires_at) THEN
        RAISE EXCEPTION 'key "%" was used before for allotment % with other content', p_key, v_known.id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'allotment_key_key',
                HINT = 'Send the same content again, or use another key for another block.';
    END IF;
    RETURN v_known.id;
END $$;
COMMENT ON FUNCTION known_block(text, allotment) IS
    'the block added before under a key, NULL when there is none; refused (23505) when its content was another';

CREATE FUNCTION add_block(contract_id bigint, effective_on date, hours numeric DEFAULT NULL,
                          amount numeric DEFAULT NULL, price numeric DEFAULT NULL,
    expires_on date DEFAULT NULL, priority integer DEFAULT 0, kind text DEFAULT 'block',
        work_types bigint[] DEFAULT NULL,
    payment_id bigint DEFAULT NULL, key text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract;
    v_zone text;
    v_block allotment;
    v_fee charge;
    v_id bigint;
BEGIN
    IF num_nonnulls(hours, amount) <> 1 OR coalesce(hours, amount) <= 0 OR hours * 3600 <> trunc(hours * 3600)
        OR kind NOT IN ('block', 'topup') THEN
        RAISE EXCEPTION 'a block is so many hours or so much money, above 0'
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('Hours %s, amount %s, kind %s.', coalesce(hours::text, 'NULL'),
                                coalesce(amount::text, 'NULL'), kind),
                HINT = 'Pass hours (whole seconds) or amount; kind is block or topup.';
    END IF;
    IF price IS NULL AND amount IS NULL THEN
        RAISE EXCEPTION 'what does a block of % hours cost', hours
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass its price, 0 when it is a present.';
    END IF;
    IF price < 0 THEN
        RAISE EXCEPTION 'a block cannot cost %', price
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass its price, 0 when it is a present.';
    END IF;
    IF expires_on < effective_on THEN
        RAISE EXCEPTION 'a block cannot expire on %, before it starts on %', expires_on, effective_on
            USING ERRCODE = 'invalid_parameter_value', HINT = 'expires_on is its last day.';
    END IF;
    v_base := lock_contract(contract_id);
    v_zone := contract_zone(v_base.calendar_id);
    v_block.contract_id := contract_id;
    v_block.kind := kind;
    v_block.unit := CASE WHEN hours IS NULL THEN 'money' ELSE 'seconds' END;
    v_block.amount := coalesce(hours * 3600, amount);
    v_block.effective_at := effective_on::timestamp AT TIME ZONE v_zone;
    v_block.expires_at := (expires_on + 1)::timestamp AT TIME ZONE v_zone;
    v_id := known_block(key, v_block);
    IF v_id IS NOT NULL THEN
        RETURN v_id;
    END IF;
    INSERT INTO allotment (contract_id, kind, unit, amount, priority, effective_at, expires_at, scope_work_types,
                           payment_id, key)
    VALUES (contract_id, kind, v_block.unit, v_block.amount, priority, v_block.effective_at, v_block.expires_at,
            work_types, payment_id, key)
    ON CONFLICT ON CONSTRAINT allotment_key_key DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN known_block(key, v_block);  -- another client's block took the key meanwhile: that is refused
    END IF;
    v_fee.source := 'fee';
    v_fee.made_by := 'block';
    v_fee.contract_id := contract_id;
    v_fee.service_date := effective_on;
    v_fee.quantity := 1;
    v_fee.price := coalesce(price, amount);
    v_fee.amount := v_fee.price;
    v_fee.cost := 0;
    v_fee.why := jsonb_build_object('block', jsonb_strip_nulls(
        jsonb_build_object('hours', trim_scale(hours), 'from', iso(effective_on), 'to', iso(expires_on))));
    UPDATE allotment a SET charge_id = new_charge(v_fee) WHERE a.id = v_id;
    PERFORM rate_again(v_base, effective_on);
    PERFORM carry_over(v_base);
    RETURN v_id;
END $$;
COMMENT ON FUNCTION add_block(bigint, date, numeric, numeric, numeric, date, integer, text, bigint[], bigint, text) IS
    'sell a prepaid block or top-up: so many hours, or so much money, from effective_on to the end of expires_on '
    '(NULL: for ever); its price (for money: its amount unless another is given) is charged on effective_on, the work '
    'it covers then costs nothing more; what is rated already draws on it from that day on. Blocks are eaten by '
    'priority, the lowest number first, then earliest expiry, then age. Returns the allotment; idempotent under a key; '
    'refused (22023) for what is no block';
SELECT allow('manager', 'execute', 'add_block');

CREATE FUNCTION block_held_by(p_block bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE block AS (
        SELECT a.id FROM allotment a WHERE a.id = p_block
        UNION SELECT a.id FROM allotment a JOIN block b ON a.source_id = b.id)
    SELECT format('Time entry %s of %s. %s', h.time_entry_id, iso(h.service_date), frozen_by(h.id))
      FROM live_charge h
     WHERE h.committed
       AND h.time_entry_id IN (SELECT d.time_entry_id FROM charge d JOIN block b ON b.id = d.allotment_id)
     ORDER BY h.service_date, h.id LIMIT 1;
END;
COMMENT ON FUNCTION block_held_by(bigint) IS
    'the first work that holds a block, and its document or period, in words: it drew on the block, or on what was '
    'left of it under the contract that renews its own';

CREATE FUNCTION void_block(allotment_id bigint, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_block allotment;
    v_base contract;
    v_charge charge;
BEGIN
    SELECT * INTO v_block FROM allotment a WHERE a.id = allotment_id AND a.kind IN ('block', 'topup');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'allotment % is no block', allotment_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Blocks are the rows of allotment of kind block or topup.';
    END IF;
    v_base := lock_contract(v_block.contract_id);
    SELECT * INTO v_block FROM allotment a WHERE a.id = allotment_id FOR UPDATE;
    IF v_block.voided_at IS NOT NULL THEN
        RETURN;
    END IF;
    IF v_block.source_id IS NOT NULL THEN
        RAISE EXCEPTION 'block % is what is left of block %', allotment_id, v_block.source_id
            USING ERRCODE = 'restrict_violation', DETAIL = 'The contract renews the one that the block was sold under.',
                HINT = format('Take that one back: void_block(%s, reason).', v_block.source_id);
    END IF;
    IF allotment_held(v_block.id) <> 0 THEN
        RAISE EXCEPTION 'block % has covered work that is billed', allotment_id
            USING ERRCODE = 'restrict_violation', DETAIL = block_held_by(v_block.id),
                HINT = 'Correct that work first with correct_entry(), entry by entry.';
    END IF;
    SELECT * INTO v_charge FROM charge h WHERE h.id = v_block.charge_id;
    UPDATE allotment a SET voided_at = now(), charge_id = CASE WHEN v_charge.committed THEN a.charge_id END
        WHERE a.id = v_block.id;
    IF v_charge.committed THEN
        -- what was given away of its price is given back already
        PERFORM adjust_charge(v_charge.id, -l.amount, reason)
           FROM (SELECT priced(v_charge) + coalesce(sum(coalesce(h.gross, h.amount)), 0) AS amount
                   FROM live_charge h WHERE h.adjusts_id = v_charge.id) l
          WHERE l.amount > 0;
    ELSE
        DELETE FROM charge h WHERE h.id = v_charge.id;
    END IF;
    PERFORM carry_over(v_base);
END $$;
COMMENT ON FUNCTION void_block(bigint, text) IS
    'take a prepaid block back: its price is no more charged (a frozen one is written off) and the work it covered is '
    'rated again; refused (23001) when it covered work that is billed';
SELECT allow('manager', 'execute', 'void_block');
