-- ---------------------------------------------------------------------------
-- adjust: what a document takes off its charges, and lines that are released
-- ---------------------------------------------------------------------------

-- What a document takes off its charges (its discount, the cents of a position or of a
-- tax that is rounded once for several of them) becomes charges of its own, posted with them, so
-- that revenue, the balance of the contract and the profit of the task follow what
-- is really billed: the net of a line is always the sum of its charge and its
-- adjustment.  A discount goes with its charge when that is corrected; cents do not,
-- since the correction stands on its own document, and no price knows them.
CREATE FUNCTION adjust_lines(p_document bigint) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent CONSTANT integer := currency_exponent((SELECT s.base_currency FROM setting s));
    v_lines bigint[];
    v_parts charge[];
    v_charges bigint[];
BEGIN
    SELECT array_agg(l.id ORDER BY l.id),
           array_agg(part_of(h, r.priced, l.net - h.amount,
                             round_money(l.net * h.base_rate, v_exponent) - h.base_amount,
                             jsonb_build_object('taken_off', jsonb_build_object(
                                 CASE WHEN l.discount <> 0 THEN 'discount' WHEN l.rounding <> 0 THEN 'cents'
                                      ELSE 'tax' END, true)),
                             r.priced <> 0)
                     ORDER BY l.id)
      INTO v_lines, v_parts
      FROM document d
      JOIN document_line l ON l.document_id = d.id
      JOIN charge h ON h.id = l.charge_id
     CROSS JOIN LATERAL (SELECT CASE WHEN l.discount = 0 THEN 0
                                     WHEN d.tax_inclusive AND h.gross IS NOT NULL THEN l.gross - h.gross
                                     WHEN d.tax_inclusive THEN 0 ELSE l.net - h.amount END AS priced) r
     WHERE d.id = p_document AND l.claim AND l.net <> h.amount;
    v_charges := put_charges(v_parts);
    UPDATE document_line l SET adjustment_id = x.charge_id
      FROM unnest(v_lines, v_charges) x (line_id, charge_id) WHERE l.id = x.line_id;
    RETURN v_charges;
END $$;
COMMENT ON FUNCTION adjust_lines(bigint) IS
    'make the charges that take the discount, and the cents of positions and of included tax, off the charges of a '
    'document; returns '
    'their ids';

CREATE FUNCTION reverse_adjustments(p_charges bigint[], p_key text, p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
BEGIN
    v_charges := put_charges(ARRAY(
        SELECT opposite(h, jsonb_build_object('taken_back', jsonb_build_object('charge', h.id, 'why', h.why)))
          FROM charge h
         WHERE h.id = ANY (p_charges) AND h.frozen_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
         ORDER BY h.id));
    IF v_charges <> '{}' THEN
        PERFORM post_charges(v_charges, 'document', p_key, 'adjustments taken back', p_document);
    END IF;
END $$;
COMMENT ON FUNCTION reverse_adjustments(bigint[], text, bigint) IS
    'reverse and post adjusting charges whose line is released, but for those that a correction reversed before';

CREATE FUNCTION release_lines(p_lines bigint[], p_by bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_adjustments bigint[] := ARRAY(SELECT l.adjustment_id FROM document_line l
                                     WHERE l.id = ANY (p_lines) AND l.released_at IS NULL
                                       AND l.adjustment_id IS NOT NULL ORDER BY 1);
    v_free bigint[];
BEGIN
    UPDATE charge h SET held_by = NULL
      FROM document_line l
     WHERE l.id = ANY (p_lines) AND l.released_at IS NULL AND l.claim AND h.id = l.charge_id
       AND h.held_by = l.document_id AND h.frozen_at IS NULL;
    UPDATE document_line l SET released_at = now(), released_by = p_by WHERE l.id = ANY (p_lines)
        AND l.released_at IS NULL;
    PERFORM reverse_adjustments(v_adjustments, format('%s:release', p_by), p_by);
    -- what changed while a report held the work is followed now
    v_free := ARRAY(SELECT h.id FROM document_line l JOIN charge h ON h.id = l.charge_id
                     WHERE l.id = ANY (p_lines) AND NOT h.committed ORDER BY 1);
    DELETE FROM recheck r WHERE r.charge_id = ANY (v_free);
    -- hours too may have come, or gone
    PERFORM follow_held(b), rate_again(b, s.first)
       FROM (SELECT coalesce(c.parent_id, c.id) AS base_id, min(h.service_date) AS first
               FROM charge h JOIN contract c ON c.id = h.contract_id
              WHERE h.id = ANY (v_free) AND h.source = 'time' GROUP BY 1) s
       JOIN contract b ON b.id = s.base_id
      WHERE EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = b.id)
      ORDER BY b.id;
    PERFORM follow_work(v_free), revalue_charges(v_free);
    PERFORM follow_fees(b) FROM contract b
      WHERE b.id IN (SELECT coalesce(c.parent_id, c.id) FROM document_line l
                       JOIN charge h ON h.id = l.charge_id AND NOT h.committed AND h.line_period IS NOT NULL
                       JOIN contract c ON c.id = h.contract_id WHERE l.id = ANY (p_lines));
END $$;
COMMENT ON FUNCTION release_lines(bigint[], bigint) IS
    'set the charges of lines free again, by a document (void, rejected, superseded, or the credit note): exactly '
    'these may then be billed again, where their task is now';
