-- ---------------------------------------------------------------------------
-- stage: a stage of a contract is accepted
--
-- The charge of a stage follows its line, whoever writes that: it is there while the
-- stage is accepted, of that day and that amount.  Once it is billed the stage
-- stays accepted.
-- ---------------------------------------------------------------------------

CREATE FUNCTION stage_charge(p_line bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (SELECT h.id FROM charge h WHERE h.contract_line_id = p_line AND h.source = 'stage'
            AND h.reverses_id IS NULL);
END $$;
COMMENT ON FUNCTION stage_charge(bigint) IS 'the charge of a stage, NULL where there is none';

CREATE FUNCTION follow_stage(p_line contract_line) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_known charge;
    v_new charge;
BEGIN
    SELECT * INTO v_known FROM charge h WHERE h.id = stage_charge(p_line.id);
    IF v_known.committed
        AND (p_line.status, p_line.accepted_on) IS DISTINCT FROM ('accepted', v_known.service_date) THEN
        RAISE EXCEPTION 'stage "%" is billed as accepted on %', p_line.title, v_known.service_date
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_known.id),
                HINT = way_out(v_known.id, 'It stays accepted: credit() its invoice, or write its charge off with '
                                           'adjust_charge().');
    END IF;
    IF p_line.status <> 'accepted' THEN
        DELETE FROM charge h WHERE h.id = v_known.id;
        RETURN;
    END IF;
    v_new.source := 'stage';
    v_new.made_by := 'line';
    v_new.contract_id := p_line.contract_id;
    v_new.contract_line_id := p_line.id;
    v_new.item_id := p_line.item_id;
    v_new.service_date := p_line.accepted_on;
    v_new.quantity := 1;
    v_new.price := p_line.amount;
    v_new.amount := p_line.amount;
    v_new.cost := p_line.cost;
    v_new.why := jsonb_build_object('stage', jsonb_build_object('title', p_line.title,
                                                                'accepted_on', iso(p_line.accepted_on)));
    PERFORM put_fees(ARRAY[complete_charge(v_new)]) WHERE v_known.committed IS NOT TRUE;
END $$;
COMMENT ON FUNCTION follow_stage(contract_line) IS
    'make, change or take away the open charge of a stage, as its line says; refused (23001): a stage that is billed '
    'and is not to be accepted any more, or on another day';

CREATE FUNCTION accept_stage(contract_line_id bigint, accepted_on date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_line contract_line;
BEGIN
    PERFORM lock_contracts(ARRAY(SELECT n.contract_id FROM contract_line n WHERE n.id = contract_line_id));
    SELECT * INTO v_line FROM contract_line n WHERE n.id = contract_line_id FOR NO KEY UPDATE;
    IF NOT FOUND OR v_line.kind <> 'stage' THEN
        RAISE EXCEPTION 'contract line % is no stage', contract_line_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Stages are the rows of contract_line of kind stage.';
    END IF;
    IF v_line.status = 'accepted' AND v_line.accepted_on = coalesce(accepted_on, v_line.accepted_on) THEN
        RETURN stage_charge(v_line.id);
    END IF;
    IF v_line.status IN ('accepted', 'cancelled') THEN
        RAISE EXCEPTION 'stage "%" is % already', v_line.title, v_line.status
            USING ERRCODE = 'restrict_violation',
                DETAIL = CASE v_line.status WHEN 'accepted' THEN format('It was accepted on %s.', v_line.accepted_on)
                    ELSE 'It is not to be done.' END,
                HINT = 'Add a line for another stage.';
    END IF;
    UPDATE contract_line n SET status = 'accepted', accepted_on = coalesce(accept_stage.accepted_on, books_today())
     WHERE n.id = v_line.id;
    RETURN stage_charge(v_line.id);
END $$;
COMMENT ON FUNCTION accept_stage(bigint, date) IS
    'the client accepts a stage: it is charged on that day, today where none is given; returns the charge. The same '
    'again returns the same charge; refused for another day and for cancelled stages (23001), and for lines that are '
    'no stage (23503)';
SELECT allow('clerk', 'execute', 'accept_stage');
