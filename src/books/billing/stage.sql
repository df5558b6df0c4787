-- ---------------------------------------------------------------------------
-- stage: a stage of a contract is accepted
-- ---------------------------------------------------------------------------

CREATE FUNCTION accept_stage(contract_line_id bigint, accepted_on date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_line contract_line;
    v_new charge;
BEGIN
    PERFORM lock_contracts(ARRAY(SELECT n.contract_id FROM contract_line n WHERE n.id = contract_line_id));
    SELECT * INTO v_line FROM contract_line n WHERE n.id = contract_line_id FOR NO KEY UPDATE;
    IF NOT FOUND OR v_line.kind <> 'stage' THEN
        RAISE EXCEPTION 'contract line % is no stage', contract_line_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Stages are the rows of contract_line of kind stage.';
    END IF;
    IF v_line.status = 'accepted' AND v_line.accepted_on = coalesce(accepted_on, v_line.accepted_on) THEN
        RETURN (SELECT h.id FROM charge h WHERE h.contract_line_id = v_line.id AND h.source = 'stage'
                AND h.reverses_id IS NULL);
    END IF;
    IF v_line.status IN ('accepted', 'cancelled') THEN
        RAISE EXCEPTION 'stage "%" is % already', v_line.title, v_line.status
            USING ERRCODE = 'restrict_violation',
                DETAIL = CASE v_line.status WHEN 'accepted' THEN format('It was accepted on %s.', v_line.accepted_on)
                    ELSE 'It is not to be done.' END,
                HINT = 'Add a line for another stage.';
    END IF;
    accepted_on := coalesce(accepted_on, books_today());
    UPDATE contract_line n SET status = 'accepted', accepted_on = accept_stage.accepted_on WHERE n.id = v_line.id;
    v_new.source := 'stage';
    v_new.made_by := 'line';
    v_new.contract_id := v_line.contract_id;
    v_new.contract_line_id := v_line.id;
    v_new.item_id := v_line.item_id;
    v_new.service_date := accepted_on;
    v_new.quantity := 1;
    v_new.price := v_line.amount;
    v_new.amount := v_line.amount;
    v_new.cost := v_line.cost;
    v_new.why := jsonb_build_object('stage',
                                    jsonb_build_object('title', v_line.title, 'accepted_on', iso(accepted_on)));
    RETURN new_charge(v_new);
END $$;
COMMENT ON FUNCTION accept_stage(bigint, date) IS
    'the client accepts a stage: it is charged on that day, today where none is given; returns the charge. The same '
    'again returns the same charge; refused for another day and for cancelled stages (23001), and for lines that are '
    'no stage (23503)';
SELECT allow('clerk', 'execute', 'accept_stage');
