-- ---------------------------------------------------------------------------
-- state_paper: the data of the papers that states want beside ours
--
-- They are drawn up in systems of the state or of its operators, which want the
-- data and not a picture of a form.
-- ---------------------------------------------------------------------------

CREATE FUNCTION state_due(p_rule state_paper_rule, p_supplied date, p_issued date) RETURNS date
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE (p_rule).due
        WHEN 'days' THEN f.day + (p_rule).due_days
        WHEN 'half_month' THEN CASE WHEN extract(day FROM f.day) <= 15 THEN f.next_month - 1 ELSE f.next_month + 14 END
        END
      FROM (SELECT c.day, (date_trunc('month', c.day::timestamp) + interval '1 month')::date AS next_month
              FROM (SELECT CASE (p_rule).counts_from WHEN 'issue' THEN p_issued ELSE p_supplied END AS day) c) f;
END;
COMMENT ON FUNCTION state_due(state_paper_rule, date, date) IS
    'the last day for a paper of the state, from the day of the supply or of the issue; NULL where it is not known';

CREATE FUNCTION state_party(p_party jsonb, p_language text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_said jsonb := party_said(p_party, p_language);
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'name', v_said ->> 'name', 'country', p_party ->> 'country', 'address', v_said ->> 'address',
        'signatory', v_said ->> 'signatory', 'signatory_title', v_said ->> 'signatory_title',
        'accountant', v_said ->> 'accountant'))
        || coalesce((SELECT jsonb_object_agg(c.key, CASE WHEN c.code IS NULL THEN c.value
                                                         ELSE plain_code(c.code, c.value) END)
                       FROM party_codes(p_party, p_language) c WHERE c.value IS NOT NULL), '{}');
END $$;
COMMENT ON FUNCTION state_party(jsonb, text) IS
    'a party as papers of the state name it: name, address, codes without spaces and hyphens, who signs';

-- Credits that came before it have changed the line already.
CREATE FUNCTION state_change(p_note bigint, p_position integer) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
               'before', jsonb_build_object('net', trim_scale(x.net)::text, 'tax', trim_scale(x.tax)::text),
               'after', jsonb_build_object('net', trim_scale(x.net + x.less_net)::text,
                                           'tax', trim_scale(x.tax + x.less_tax)::text))
      FROM (SELECT sum(r.net + coalesce(e.net, 0)) AS net, sum(r.tax + coalesce(e.tax, 0)) AS tax,
                   sum(n.net) AS less_net, sum(n.tax) AS less_tax
              FROM document_line n
              JOIN document_line r ON r.id = n.reverses_line_id
              LEFT JOIN LATERAL (SELECT sum(e.net) AS net, sum(e.tax) AS tax FROM document_line e
                                  WHERE e.reverses_line_id = r.id AND e.document_id < p_note) e ON true
             WHERE n.document_id = p_note AND n.position = p_position) x
     WHERE x.net IS NOT NULL;
END;
COMMENT ON FUNCTION state_change(bigint, integer) IS
    'what the line that a position of a credit note takes back came to before it and comes to after it; NULL for what '
    'takes nothing back';

CREATE FUNCTION state_paper(document bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := document_of(state_paper.document);
    v_country text := paper_party(v_document, 'own') ->> 'country';
    v_language text := CASE v_country WHEN 'UA' THEN 'uk' ELSE 'ru' END;
    v_label jsonb := page_labels(v_language);
    v_paper jsonb := paper_of(v_document);
    v_rule state_paper_rule;
    v_supplied date := coalesce(v_document.period_to, v_document.issued_on);
BEGIN
    SELECT * INTO v_rule FROM state_paper_rule r
     WHERE r.rules = country_rules(v_country) AND r.kind = v_document.kind;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no state wants a paper of its own beside %', document_name(v_document.id)
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('The country of its seller is %s.', coalesce(v_country, 'not known')),
                HINT = 'Table state_paper_rule lists which do, beside which kinds of documents.';
    ELSIF v_document.issued_at IS NULL OR v_document.status = 'void' THEN
        RAISE EXCEPTION 'only what is issued has data for the state, and % is %', document_name(v_document.id),
            v_document.status
            USING ERRCODE = 'restrict_violation', HINT = 'Issue it first: transition(document, ''sent'').';
    ELSIF 'not_payer' = ANY (tax_cases(v_document.id)) THEN
        RAISE EXCEPTION 'who issued % pays no VAT and draws up no %', document_name(v_document.id), v_rule.name
            USING ERRCODE = 'restrict_violation', HINT = 'Its tax is of kind not_payer.';
    END IF;
    RETURN jsonb_build_object(
        'paper', v_rule.name, 'country', v_country, 'source', v_rule.source,
        'number', v_document.number, 'issued_on', iso(v_document.issued_on), 'supplied_on', iso(v_supplied),
        'due_on', iso(state_due(v_rule, v_supplied, v_document.issued_on)),
        'currency', v_document.currency, 'contracts', coalesce(v_paper -> 'contracts', 'null'),
        'basis', v_paper -> 'basis', 'reason', v_document.note,
        'seller', state_party(v_paper -> 'own', v_language), 'buyer', state_party(v_paper -> 'party', v_language),
        'lines', (SELECT jsonb_agg(jsonb_build_object(
                'no', r.position, 'title', r.title, 'unit', coalesce(v_label ->> ('unit_' || r.unit), r.unit),
                'quantity', trim_scale(r.quantity)::text,
                -- without tax and after discounts, as all of these papers want it
                'price', trim_scale(CASE WHEN r.quantity <> 0
                                         THEN round(r.net / r.quantity, greatest(scale(trim_scale(r.price)), 2))
                                         END)::text,
                'net', trim_scale(r.net)::text, 'tax', trim_scale(r.tax)::text, 'gross', trim_scale(r.gross)::text,
                'taxes', coalesce((SELECT jsonb_agg(jsonb_build_object(
                        'code', x.tax, 'kind', coalesce(t.kind, 'rated'),
                        'rate', CASE WHEN coalesce(t.kind, 'rated') = 'rated' THEN trim_scale(x.rate)::text END,
                        'words', t.words -> v_language, 'amount', trim_scale(x.amount)::text) ORDER BY x.no)
                    FROM taxes_of(r.taxes, r.tax_rate, r.tax) x LEFT JOIN tax t ON t.code = x.tax), '[]'))
                || coalesce(state_change(v_document.id, r.position), '{}') ORDER BY r.position)
              FROM document_rows(v_document.id) r),
        'net', trim_scale(v_document.net)::text, 'tax', trim_scale(v_document.tax)::text,
        'gross', trim_scale(v_document.gross)::text);
END $$;
COMMENT ON FUNCTION state_paper(bigint) IS
    'the data of the paper that a state wants beside an issued invoice, act or credit note (податкова накладна, '
    'счёт-фактура, ЭСЧФ, ЭСФ): its name, until when it is due, both sides with their codes, contracts, the document '
    'that is changed (basis), lines with prices without tax, rates and why there is none. Amounts are text; of a '
    'credit note they are below zero, with what each line was before and is after. '
    'Refused: where no state wants one (22023), of drafts, of what is void and of who pays no VAT (23001), unknown '
    'documents (23503)';
SELECT allow('reader', 'execute', 'state_paper');
