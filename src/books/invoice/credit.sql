-- ---------------------------------------------------------------------------
-- credit: what was billed is given back
--
-- A line that is credited whole sets its charge free: the work stays done, its
-- revenue posted and unbilled, and it may be billed again.  A line credited in
-- part stays billed, and a negative charge takes the credited part off its
-- revenue.  Once the rest is credited too the line counts as credited whole:
-- those negative charges are reversed and the charge is free.  So the balance
-- of a contract (receipts less charges) is at every moment what its work is
-- worth, and only tax needs entries of its own.
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
    v_part record;
BEGIN
    IF v_excess <= 0 THEN
        RETURN;
    END IF;
    -- the last one first: each gives what those after it leave to be given back
    SELECT x.id, v_excess - x.after AS amount INTO v_part
      FROM (SELECT a.id, a.amount, sum(a.amount) OVER (ORDER BY a.allocated_at DESC, a.id DESC) - a.amount AS after
              FROM payment_allocation a WHERE a.document_id = p_invoice) x
     WHERE x.after < v_excess AND x.after + x.amount > v_excess;
    DELETE FROM payment_allocation a
     USING (SELECT a.id, sum(a.amount) OVER (ORDER BY a.allocated_at DESC, a.id DESC) AS through
              FROM payment_allocation a WHERE a.document_id = p_invoice) x
     WHERE a.id = x.id AND x.through <= v_excess;
    UPDATE payment_allocation a SET amount = a.amount - v_part.amount WHERE a.id = v_part.id;
END $$;
COMMENT ON FUNCTION give_back(bigint) IS
    'take back what is allocated to an invoice above what is left of it: it is the client''s credit again';

CREATE FUNCTION credit(document bigint, lines jsonb, reason text, issued_on date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_invoice document;
    v_draft document;
    v_note bigint;
    v_lines document_line[];
    v_whole bigint[];
BEGIN
    lines := json_argument(lines);
    IF coalesce(credit.reason, '') = '' THEN
        RAISE EXCEPTION 'a credit note needs a reason' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say why: credit(document, lines, reason).';
    END IF;
    v_invoice := open_document(credit.document);
    IF NOT has_step(v_invoice, 'credited', false) THEN
        RAISE EXCEPTION '% is % and cannot be credited', document_name(v_invoice.id), v_invoice.status
            USING ERRCODE = 'restrict_violation', HINT = 'Credit notes are made of issued invoices.';
    END IF;
    v_draft := successor(v_invoice, 'credit_note');
    v_draft.note := credit.reason;
    v_draft.issued_on := credit.issued_on;
    v_note := put_document(v_draft);
    v_draft.id := v_note;
    v_lines := ARRAY(
        SELECT credit_line(v_draft, l, c.net, c.tax, c.whole)
          FROM credit_lines(v_invoice, credit.lines) c JOIN document_line l ON l.id = c.line_id
         ORDER BY l.id);
    IF cardinality(v_lines) = 0 THEN
        RAISE EXCEPTION '% is credited in full already', document_name(v_invoice.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Table document_line shows its credit notes.';
    END IF;
    PERFORM put_lines(v_lines);
    v_whole := ARRAY(
        SELECT l.id
          FROM unnest(v_lines) n
          JOIN document_line l ON l.id = n.reverses_line_id
          JOIN line_credit c ON c.line_id = l.id
         WHERE c.net = l.net ORDER BY 1);
    PERFORM reduce_charges(v_note, v_whole);
    PERFORM concede('credit', (SELECT -sum(h.base_amount) FROM document_line n JOIN charge h ON h.id = n.charge_id
                                WHERE n.document_id = v_note), NULL, v_note, credit.reason);
    PERFORM release_lines(v_whole || ARRAY(
        SELECT k.id
          FROM document_line l
          JOIN document_line k ON k.charge_id = l.charge_id AND k.claim AND k.released_at IS NULL
         WHERE l.id = ANY (v_whole) AND k.id <> l.id ORDER BY 1), v_note);

    PERFORM give_back(v_invoice.id);
    PERFORM settle_document(v_invoice.id, 'credited: ' || credit.reason);
    PERFORM transition(v_note, 'sent', credit.reason);
    RETURN v_note;
END $$;
COMMENT ON FUNCTION credit(bigint, jsonb, text, date) IS
    'issue a credit note for an invoice: lines NULL credits all that is left, else [{"line": id, "net": text}] or '
    '[{"position": number}], net left out credits the rest of the line. A line credited whole sets its work free to be '
    'billed again; one credited in part reduces its charge. What was paid above the rest becomes the client''s credit. '
    'Returns the credit note; never more than was billed (23514)';
SELECT allow('manager', 'execute', 'credit');

CREATE FUNCTION reduce_charges(p_note bigint, p_whole bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent CONSTANT integer := currency_exponent((SELECT s.base_currency FROM setting s));
    v_lines bigint[];
    v_parts charge[];
    v_charges bigint[];
BEGIN
    SELECT array_agg(n.id ORDER BY n.id),
           array_agg(part_of(h, n.net, round_money(n.net * h.base_rate, v_exponent),
                             jsonb_build_object('credited', jsonb_build_object('document', p_note)), true)
                                 ORDER BY n.id)
      INTO v_lines, v_parts
      FROM document_line n
      JOIN document_line r ON r.id = n.reverses_line_id
      JOIN charge h ON h.id = r.charge_id
     WHERE n.document_id = p_note AND r.id <> ALL (p_whole);
    v_charges := put_charges(v_parts);
    UPDATE document_line l SET charge_id = x.charge_id
      FROM unnest(v_lines, v_charges) x (line_id, charge_id) WHERE l.id = x.line_id;
    PERFORM freeze_charges(v_charges, 'document', format('%s:freeze', p_note), p_note) WHERE v_charges <> '{}';
    -- Lines that are whole now: what earlier notes took off their charges comes back.
    PERFORM reverse_adjustments(ARRAY(
        SELECT n.charge_id FROM document_line n
         WHERE n.reverses_line_id = ANY (p_whole) AND n.charge_id IS NOT NULL AND n.document_id <> p_note ORDER BY 1),
        format('%s:whole', p_note), p_note);
    UPDATE document_line n SET released_at = now(), released_by = p_note
     WHERE n.reverses_line_id = ANY (p_whole) AND n.charge_id IS NOT NULL AND n.document_id <> p_note
       AND n.released_at IS NULL;
END $$;
COMMENT ON FUNCTION reduce_charges(bigint, bigint[]) IS
    'make and post the negative charges of lines that a credit note takes back in part, and reverse those of lines '
    'that are credited whole by it';
