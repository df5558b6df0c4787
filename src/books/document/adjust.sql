-- ---------------------------------------------------------------------------
-- adjust: what a document takes off its charges, and lines that are released
-- ---------------------------------------------------------------------------

-- What a document takes off its charges (its discount, the tax that is in the
-- price) becomes charges of its own, posted with them, so that revenue, the
-- balance of the contract and the profit of the task follow what is really
-- billed: the net of a line is always the sum of its charge and its adjustment.
-- A discount goes with its charge when that is corrected; included tax does
-- not, since the correction is billed with tax included too.
CREATE FUNCTION adjust_lines(p_document bigint) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
BEGIN
    WITH made AS MATERIALIZED (
        SELECT l.id AS line_id, l.net - h.amount AS amount, nextval('charge_id_seq') AS charge_id, h.id AS of_id,
               CASE WHEN d.tax_inclusive AND coalesce(l.discount, 0) <> 0 THEN 'discount, and tax included in the price'
                    WHEN d.tax_inclusive THEN 'tax included in the price' ELSE 'discount' END AS reason
          FROM document d JOIN document_line l ON l.document_id = d.id JOIN charge h ON h.id = l.charge_id
         WHERE d.id = p_document AND l.claim AND l.net <> h.amount ORDER BY l.id
    ), stored AS (
        INSERT INTO charge (id, source, contract_line_id, contract_id, client_id, project_id, deal_id, task_id, employee_id, work_type_id, direction_id,
                            item_id, service_date, period_start, started_at, band, coverage, amount, currency, base_rate, base_amount, cost, base_cost, reason,
                            adjusts_id)
        SELECT m.charge_id, 'adjustment', h.contract_line_id, h.contract_id, h.client_id, h.project_id, h.deal_id, h.task_id, h.employee_id, h.work_type_id,
               h.direction_id, h.item_id, h.service_date, h.period_start, h.started_at, h.band, 'billable', m.amount, h.currency, h.base_rate,
               round_money((h.amount + m.amount) * h.base_rate, currency_exponent(s.base_currency)) - h.base_amount, 0, 0, m.reason,
               CASE WHEN m.reason = 'discount' THEN h.id END
          FROM made m JOIN charge h ON h.id = m.of_id CROSS JOIN setting s
        RETURNING id
    ), linked AS (
        UPDATE document_line l SET adjustment_id = m.charge_id FROM made m WHERE l.id = m.line_id RETURNING m.charge_id
    )
    SELECT array_agg(k.charge_id ORDER BY k.charge_id) INTO v_charges FROM linked k;
    RETURN coalesce(v_charges, '{}');
END $$;
COMMENT ON FUNCTION adjust_lines(bigint) IS 'make the charges that take discount and included tax off the charges of a document; returns their ids';

CREATE FUNCTION reverse_adjustments(p_charges bigint[], p_key text, p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
BEGIN
    WITH reversed AS (
        INSERT INTO charge (source, contract_line_id, contract_id, client_id, project_id, deal_id, task_id, employee_id, work_type_id, direction_id,
                            item_id, service_date, period_start, started_at, band, coverage, amount, currency, base_rate, base_amount, cost, base_cost,
                            reason, frozen_at, reverses_id)
        SELECT h.source, h.contract_line_id, h.contract_id, h.client_id, h.project_id, h.deal_id, h.task_id, h.employee_id, h.work_type_id, h.direction_id,
               h.item_id, h.service_date, h.period_start, h.started_at, h.band, h.coverage, -h.amount, h.currency, h.base_rate, -h.base_amount, 0, 0,
               'taken back: ' || h.reason, now(), h.id
          FROM charge h
         WHERE h.id = ANY (p_charges) AND h.frozen_at IS NOT NULL AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
         ORDER BY h.id
        RETURNING id
    )
    SELECT array_agg(r.id ORDER BY r.id) INTO v_charges FROM reversed r;
    IF v_charges IS NOT NULL THEN
        PERFORM post_charges(open_event(p_key, array_to_string(v_charges, ','), 'adjustments taken back'), v_charges, p_document);
    END IF;
END $$;
COMMENT ON FUNCTION reverse_adjustments(bigint[], text, bigint) IS 'reverse and post adjusting charges whose line is released, but for those that a correction reversed before';

CREATE FUNCTION release_lines(p_lines bigint[], p_by bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_adjustments bigint[] := ARRAY(SELECT l.adjustment_id FROM document_line l
                                     WHERE l.id = ANY (p_lines) AND l.released_at IS NULL AND l.adjustment_id IS NOT NULL ORDER BY 1);
BEGIN
    UPDATE charge h SET held_by = NULL
      FROM document_line l
     WHERE l.id = ANY (p_lines) AND l.released_at IS NULL AND l.claim AND h.id = l.charge_id AND h.held_by = l.document_id AND h.frozen_at IS NULL;
    UPDATE document_line l SET released_at = now(), released_by = p_by WHERE l.id = ANY (p_lines) AND l.released_at IS NULL;
    PERFORM reverse_adjustments(v_adjustments, format('document:%s:release', p_by), p_by);
    -- a task that moved while a report held its work left the work behind
    PERFORM rate_entries(ARRAY(
        SELECT DISTINCT h.time_entry_id FROM document_line l JOIN charge h ON h.id = l.charge_id AND NOT h.fixed JOIN task t ON t.id = h.task_id
         WHERE l.id = ANY (p_lines) AND t.project_id <> h.project_id AND h.time_entry_id IS NOT NULL ORDER BY 1));
END $$;
COMMENT ON FUNCTION release_lines(bigint[], bigint) IS
    'set the charges of lines free again, by a document (void, rejected, superseded, or the credit note): exactly these may then be billed again, '
    'where their task is now';
