-- ---------------------------------------------------------------------------
-- credit: what was billed is given back
--
-- A credit note says what it means.  What is to be billed again (rebill) is free
-- work from then on; what is given up (waive) is not offered again by anything.
-- The revenue of what is given up is taken back by a negative charge beside the
-- work, which the note keeps.  A line that one note credits whole, to be billed
-- again, sets its charge free instead; a part of it becomes free as a charge of
-- its own beside the negative one.  Where such parts come to the whole line and
-- nobody billed them meanwhile, all of that is reversed and the charge is free.
-- So the balance of a contract (receipts less charges) is at every moment what
-- its work is worth, and only tax needs entries of its own.
-- ---------------------------------------------------------------------------

CREATE FUNCTION credit_lines(p_invoice document, p_lines jsonb) RETURNS TABLE (line_id bigint, net numeric,
    tax numeric, whole boolean)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_exponent int := currency_exponent(p_invoice.currency);
    v_line record;
BEGIN
    IF p_lines IS NOT NULL AND (jsonb_typeof(p_lines) <> 'array' OR jsonb_array_length(p_lines) = 0) THEN
        RAISE EXCEPTION 'lines must be a JSON array of what is credited'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Each {"line": id, "net": text} or {"position": number}; NULL credits all that is left.';
    END IF;
    PERFORM check_keys(e.value, 'line', '{line,position,net}') FROM jsonb_array_elements(p_lines) e
      WHERE jsonb_typeof(e.value) = 'object';
    FOR v_line IN
        SELECT e.value AS given, l.id, l.net, l.tax, l.position, coalesce(c.net, 0) AS credited,
            coalesce(c.tax, 0) AS credited_tax,
               round_money(coalesce((e.value ->> 'net')::numeric, l.net - coalesce(c.net, 0)), v_exponent) AS credit,
               count(*) OVER (PARTITION BY l.id) AS times
          FROM jsonb_array_elements(coalesce(p_lines, '[{}]')) e
          LEFT JOIN document_line l ON l.document_id = p_invoice.id
           AND (p_lines IS NULL OR l.id = (e.value ->> 'line')::bigint OR l.position = (e.value ->> 'position')::int)
          LEFT JOIN line_credit c ON c.line_id = l.id
         WHERE p_lines IS NOT NULL OR l.net - coalesce(c.net, 0) <> 0
         ORDER BY l.id
    LOOP
        IF v_line.id IS NULL OR jsonb_typeof(v_line.given) <> 'object' OR v_line.times > 1 OR v_line.given ? 'net'
            AND v_line.given ? 'position' THEN
            RAISE EXCEPTION '% cannot be credited by %', document_name(p_invoice.id), v_line.given
                USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'Name each line of this invoice once: {"line": id, "net": text} or {"position": number}.';
        END IF;
        IF v_line.credit = 0 OR sign(v_line.credit) <> sign(v_line.net)
            OR abs(v_line.credit) > abs(v_line.net - v_line.credited)
            OR v_line.credit <> coalesce((v_line.given ->> 'net')::numeric, v_line.credit) THEN
            RAISE EXCEPTION '% of line % of % cannot be credited',
                trim_scale(coalesce((v_line.given ->> 'net')::numeric, v_line.credit)), v_line.position,
                document_name(p_invoice.id)
                USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_within_line',
                    DETAIL = format('It was billed at %s, %s of that is credited.', trim_scale(v_line.net),
                                    trim_scale(v_line.credited)),
                    HINT = 'Credit at most what is left of the line, in whole units of the currency.';
        END IF;
        line_id := v_line.id;
        net := v_line.credit;
        whole := v_line.credited + v_line.credit = v_line.net;
        tax := round_money(v_line.tax * (v_line.credited + v_line.credit) / v_line.net, v_exponent)
               - v_line.credited_tax;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION credit_lines(document, jsonb) IS
    'what is credited of which lines: net, its tax (so that credits of a line never sum to more than its tax), and '
    'whether the line is whole by that';

CREATE FUNCTION give_back(p_invoice bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_excess numeric := -(SELECT b.open FROM document_balance b WHERE b.document_id = p_invoice);
BEGIN
    PERFORM take_back_allocations(ARRAY(SELECT a.id FROM payment_allocation a WHERE a.document_id = p_invoice),
                                  v_excess) WHERE v_excess > 0;
END $$;
COMMENT ON FUNCTION give_back(bigint) IS
    'take back what is allocated to an invoice above what is left of it: it is the client''s credit again';

-- Where people bill, whoever makes the next report sees what is free again, so
-- that what is not said has the meaning at hand: a line taken back whole was
-- wrong, a part taken off is given.  What a run bills by itself must be told.
CREATE FUNCTION credit_meaning(p_invoice document, p_meaning text, p_whole boolean[]) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_hint CONSTANT text := 'meaning => ''rebill'': it is free to be billed again; meaning => ''waive'': it is given '
                            'up '
                            'and never billed again.';
    v_contract text;
BEGIN
    IF p_meaning NOT IN ('rebill', 'waive') THEN
        RAISE EXCEPTION 'a credit cannot mean "%"', p_meaning
            USING ERRCODE = 'invalid_parameter_value', HINT = c_hint;
    END IF;
    IF p_meaning IS NOT NULL THEN
        RETURN p_meaning;
    END IF;
    SELECT b.number INTO v_contract
      FROM document_line l
      JOIN charge h ON h.id = l.charge_id
      JOIN contract c ON c.id = h.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id) AND b.auto_bill <> 'none'
     WHERE l.document_id = p_invoice.id
     ORDER BY l.id LIMIT 1;
    IF v_contract IS NOT NULL OR p_whole @> '{true,false}' THEN
        RAISE EXCEPTION 'a credit of % must say what it means', document_name(p_invoice.id)
            USING ERRCODE = 'invalid_parameter_value', HINT = c_hint,
                DETAIL = coalesce(format('run_billing() drafts what is free of contract "%s" by itself.', v_contract),
                                  'It takes some lines back whole and parts of others.');
    END IF;
    RETURN CASE WHEN true = ALL (p_whole) THEN 'rebill' ELSE 'waive' END;
END $$;
COMMENT ON FUNCTION credit_meaning(document, text, boolean[]) IS
    'what the credit of an invoice means: where it is not said, rebill for whole lines and waive for parts (p_whole: '
    'which they are); refused (22023) where it is both, where a contract of it is billed by itself '
    '(contract.auto_bill), and for other words';

CREATE FUNCTION credit(document bigint, lines jsonb, reason text, issued_on date DEFAULT NULL,
                       meaning text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_invoice document;
    v_draft document;
    v_note document;
    v_lines document_line[];
BEGIN
    lines := json_argument(lines);
    IF coalesce(credit.reason, '') = '' THEN
        RAISE EXCEPTION 'a credit note needs a reason' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say why: credit(document, lines, reason).';
    END IF;
    v_invoice := open_document(credit.document);
    IF v_invoice.kind <> 'invoice' OR NOT has_step(v_invoice, 'credited', false) THEN
        RAISE EXCEPTION '% is % and cannot be credited', document_name(v_invoice.id), v_invoice.status
            USING ERRCODE = 'restrict_violation', HINT = 'Credit notes are made of issued invoices.';
    END IF;
    IF credit.issued_on < v_invoice.issued_on THEN
        RAISE EXCEPTION '% of % cannot be credited on %', document_name(v_invoice.id), v_invoice.issued_on,
            credit.issued_on
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'A credit note has the day of its invoice or a later one.';
    END IF;
    v_draft := successor(v_invoice, 'credit_note');
    v_draft.meaning := credit_meaning(v_invoice, credit.meaning,
                                      ARRAY(SELECT c.whole FROM credit_lines(v_invoice, credit.lines) c));
    v_draft.note := credit.reason;
    v_draft.issued_on := credit.issued_on;
    v_draft.id := put_document(v_draft);
    v_note := document_of(v_draft.id);
    v_lines := ARRAY(
        SELECT credit_line(v_note, l, c.net, c.tax, c.whole)
          FROM credit_lines(v_invoice, credit.lines) c JOIN document_line l ON l.id = c.line_id
         ORDER BY l.id);
    IF cardinality(v_lines) = 0 THEN
        RAISE EXCEPTION '% is credited in full already', document_name(v_invoice.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Table document_line shows its credit notes.';
    END IF;
    PERFORM put_lines(v_lines);
    PERFORM take_credit(v_note);

    PERFORM give_back(v_invoice.id);
    PERFORM settle_document(v_invoice.id, 'credited: ' || credit.reason);
    PERFORM transition(v_note.id, 'sent', credit.reason);
    RETURN v_note.id;
END $$;
COMMENT ON FUNCTION credit(bigint, jsonb, text, date, text) IS
    'issue a credit note for an invoice: lines NULL credits all that is left, else [{"line": id, "net": text}] or '
    '[{"position": number}], net left out credits the rest of the line. meaning rebill: what is credited is free to be '
    'billed again; waive: it is given up, its revenue taken back, and nothing bills it again; to be said (22023) '
    'where run_billing() bills by itself (contract.auto_bill); elsewhere rebill for whole lines and waive for parts. '
    'What was paid above the rest becomes the client''s credit. Not dated before its invoice (22023). '
    'Returns the credit note; never more than was billed (23514), and '
    'no part of work that was corrected meanwhile (23001)';
SELECT allow('manager', 'execute', 'credit');

-- Lines that are whole by this note, to be billed again as they were: no part of
-- them was given up, or billed again already.  What was corrected meanwhile comes
-- to nothing with its correction, parts and all.
CREATE FUNCTION lines_set_free(p_note document) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(
        SELECT r.id
          FROM document_line n
          JOIN document_line r ON r.id = n.reverses_line_id
          JOIN line_credit c ON c.line_id = r.id AND c.net = r.net
         WHERE n.document_id = p_note.id AND p_note.meaning = 'rebill'
           AND (EXISTS (SELECT FROM charge x WHERE x.reverses_id = r.charge_id) OR NOT EXISTS (
                SELECT FROM document_line e
                  JOIN document d ON d.id = e.document_id
                  LEFT JOIN charge h ON h.id = e.adjustment_id
                  LEFT JOIN live_charge l ON l.id = h.id
                  LEFT JOIN charge_claim k ON k.charge_id = h.id
                 WHERE e.reverses_line_id = r.id AND e.document_id <> p_note.id AND e.released_at IS NULL
                   AND (d.meaning = 'waive' OR l.id IS NULL OR k.line_id IS NOT NULL)))
         ORDER BY 1);
END $$;
COMMENT ON FUNCTION lines_set_free(document) IS
    'the invoice lines whose charges a credit note sets free as they were';

-- What is billed again can be credited again: all of it goes with the work.
CREATE FUNCTION credited_part(p_charge charge, p_priced numeric, p_amount numeric, p_base_amount numeric, p_why jsonb)
    RETURNS charge
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := part_of(p_charge, p_priced, p_amount, p_base_amount, p_why, true);
BEGIN
    v.adjusts_id := coalesce(p_charge.adjusts_id, p_charge.id);
    RETURN v;
END $$;
COMMENT ON FUNCTION credited_part(charge, numeric, numeric, numeric, jsonb) IS
    'what a credit note takes off a charge or bills again of it: goes with what the charge itself adjusts';

CREATE FUNCTION credit_parts(p_note document, p_free bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent CONSTANT integer := currency_exponent((SELECT s.base_currency FROM setting s));
    v_corrected record;
    v_lines bigint[];
    v_off charge[];
    v_again charge[];
    v_charges bigint[];
BEGIN
    SELECT r.position, h.id INTO v_corrected
      FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id JOIN charge h ON h.id = r.charge_id
     WHERE n.document_id = p_note.id AND r.id <> ALL (p_free)
       AND EXISTS (SELECT FROM charge x WHERE x.reverses_id = h.id) ORDER BY r.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the work of position % of % was corrected meanwhile', v_corrected.position,
            document_name(p_note.based_on)
            USING ERRCODE = 'restrict_violation', DETAIL = format('Charge %s is reversed.', v_corrected.id),
                HINT = 'Credit the whole line with meaning => ''rebill'': it and its correction cancel out.';
    END IF;
    -- the note that makes a line whole takes the rest, to the last cent of the base currency
    SELECT array_agg(n.id ORDER BY n.id),
           array_agg(credited_part(h, p.priced, n.net, b.amount,
                                   jsonb_build_object('credited', jsonb_build_object('document', p_note.id,
                                                                                     'meaning', p_note.meaning)))
                     ORDER BY n.id),
           array_agg(credited_part(h, -p.priced, -n.net, -b.amount,
                                   jsonb_build_object('billed_again', jsonb_build_object('document', p_note.id)))
                     ORDER BY n.id) FILTER (WHERE p_note.meaning = 'rebill')
      INTO v_lines, v_off, v_again
      FROM document_line n
      JOIN document_line r ON r.id = n.reverses_line_id
      JOIN line_credit c ON c.line_id = r.id
      JOIN charge h ON h.id = r.charge_id
      JOIN document_line k ON k.charge_id = h.id AND k.claim AND k.released_at IS NULL
      LEFT JOIN charge a ON a.id = k.adjustment_id
     CROSS JOIN LATERAL (SELECT CASE WHEN p_note.tax_inclusive THEN n.gross ELSE n.net END AS priced) p
     CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.base_amount), 0) AS amount FROM document_line o JOIN charge x ON x.id = o.charge_id
         WHERE o.reverses_line_id = r.id AND o.document_id <> p_note.id) e
     CROSS JOIN LATERAL (
        SELECT CASE WHEN c.net = r.net THEN -(h.base_amount + coalesce(a.base_amount, 0) + e.amount)
                    ELSE round_money(n.net * h.base_rate, v_exponent) END AS amount) b
     WHERE n.document_id = p_note.id AND r.id <> ALL (p_free);
    v_charges := put_charges(v_off);
    UPDATE document_line l SET charge_id = x.charge_id
      FROM unnest(v_lines, v_charges) x (line_id, charge_id) WHERE l.id = x.line_id;
    IF v_again IS NOT NULL THEN
        -- nor are its hours taken back
        UPDATE document_line l SET adjustment_id = x.charge_id, worked_s = NULL, billed_s = NULL
          FROM unnest(v_lines, put_charges(v_again)) x (line_id, charge_id) WHERE l.id = x.line_id;
    END IF;
    PERFORM freeze_charges(ARRAY(SELECT x.id FROM document_line l, unnest(ARRAY[l.charge_id, l.adjustment_id]) x (id)
                                  WHERE l.document_id = p_note.id AND x.id IS NOT NULL ORDER BY 1),
                           'document', format('%s:freeze', p_note.id), p_note.id) WHERE v_lines IS NOT NULL;
END $$;
COMMENT ON FUNCTION credit_parts(document, bigint[]) IS
    'make and post the charges by which a credit note takes lines back that it does not set free (p_free): negative '
    'ones that the note keeps, and beside them what is to be billed again; refused (23001) for work that was corrected '
    'meanwhile';

CREATE FUNCTION take_credit(p_note document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_free bigint[] := lines_set_free(p_note);
BEGIN
    PERFORM credit_parts(p_note, v_free);
    PERFORM concede('credit', (SELECT -sum(h.base_amount) FROM document_line n JOIN charge h ON h.id = n.charge_id
                                WHERE n.document_id = p_note.id), NULL, p_note.id, p_note.note)
      WHERE p_note.meaning = 'waive';
    -- what earlier notes took off lines that are free now comes back
    PERFORM reverse_adjustments(ARRAY(
        SELECT x.id FROM document_line n, unnest(ARRAY[n.charge_id, n.adjustment_id]) x (id)
         WHERE n.reverses_line_id = ANY (v_free) AND n.document_id <> p_note.id AND n.released_at IS NULL
           AND x.id IS NOT NULL ORDER BY 1),
        format('%s:whole', p_note.id), p_note.id);
    UPDATE document_line n SET released_at = now(), released_by = p_note.id
     WHERE n.reverses_line_id = ANY (v_free) AND n.charge_id IS NOT NULL AND n.document_id <> p_note.id
       AND n.released_at IS NULL;
    PERFORM release_lines(v_free || ARRAY(
        SELECT k.id
          FROM document_line l
          JOIN document_line k ON k.charge_id = l.charge_id AND k.claim AND k.released_at IS NULL
         WHERE l.id = ANY (v_free) AND k.id <> l.id ORDER BY 1), p_note.id);
    -- lines that came to nothing and keep their charge, so that nothing bills it again
    UPDATE document_line l SET credited_by = p_note.id
     WHERE l.id = ANY (ARRAY(
        SELECT x.id
          FROM document_line n
          JOIN document_line r ON r.id = n.reverses_line_id AND r.id <> ALL (v_free)
          JOIN line_credit c ON c.line_id = r.id AND c.net = r.net
         CROSS JOIN LATERAL (SELECT r.id
                             UNION SELECT o.id FROM document_line o WHERE o.reverses_line_id = r.id
                             UNION SELECT k.id FROM document_line k WHERE k.charge_id = r.charge_id AND k.claim) x
         WHERE n.document_id = p_note.id ORDER BY 1)) AND l.released_at IS NULL;
END $$;
COMMENT ON FUNCTION take_credit(document) IS
    'do to charges and lines what a credit note means: free again, or taken back and kept';

CREATE FUNCTION given_up(p_charges bigint[]) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
        SELECT coalesce(bool_and(coalesce(n.waived, false)), false)
          FROM charge h
          LEFT JOIN LATERAL (
            SELECT bool_and(d.meaning = 'waive') AS waived
              FROM document_line r
              JOIN document_line c ON c.reverses_line_id = r.id
              JOIN document d ON d.id = c.document_id
             WHERE r.charge_id = h.id AND r.kind = 'invoice' AND r.credited_by IS NOT NULL) n ON true
         WHERE h.id = ANY (p_charges) AND h.source = 'time' AND h.amount <> 0);
END $$;
COMMENT ON FUNCTION given_up(bigint[]) IS
    'was all that there was to pay of these charges of work given up by credit notes?';
