-- ---------------------------------------------------------------------------
-- state: what becomes of a document, put over its page
--
-- A paper stays as it was issued, and its status, payments, signature and a later
-- due date do not.  So they are no part of it: they are put where the page has
-- <!--state:NAME-->, at its end where it has not.  Values of a page are escaped,
-- so that only a template can hold such a mark.
-- ---------------------------------------------------------------------------

CREATE FUNCTION put_before(page text, tag text, part text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE t.back WHEN 0 THEN page || part ELSE overlay(page PLACING part FROM t.at FOR 0) END
      FROM (SELECT strpos(reverse(lower(page)), reverse(tag)) AS back,
                   length(page) - strpos(reverse(lower(page)), reverse(tag)) - length(tag) + 2 AS at) t;
END;
COMMENT ON FUNCTION put_before(text, text, text) IS
    'a page with a part put before the last closing tag of a name (</body>), at the end where it has none';

CREATE FUNCTION page_state(document bigint, language text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := document_of(page_state.document);
    v_language text := coalesce(page_state.language, page_language(v_document.id));
    v_label jsonb := page_labels(v_language);
    v_shown_as text := (state_of(v_document)).shown_as;
    v_word text := v_label ->> ('status_' || v_document.status);
    v_exponent int := currency_exponent(v_document.currency);
    v_balance document_balance;
BEGIN
    SELECT * INTO v_balance FROM document_balance b WHERE b.document_id = v_document.id;
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'status', CASE v_shown_as WHEN 'status' THEN v_word END,
        'mark', CASE v_shown_as WHEN 'mark' THEN v_word END,
        'put_off', (SELECT page_date(v_document.due_on, v_language) FROM due_extension e
                     WHERE e.document_id = v_document.id LIMIT 1),
        'credited', page_number(nullif(v_balance.credited, 0), v_exponent, v_language),
        'paid', page_number(nullif(v_balance.allocated, 0), v_exponent, v_language),
        'open', CASE WHEN v_balance.open > 0 AND v_balance.open < v_balance.gross
                     THEN page_number(v_balance.open, v_exponent, v_language) END,
        'reminded', CASE WHEN v_balance.open > 0 THEN (
            SELECT jsonb_build_object(
                       'name', concat(v_label ->> 'reminded', ' ', r.level, ', ', page_date(r.on_day, v_language)),
                       'fee', page_number(nullif(r.fee, 0), v_exponent, v_language),
                       'interest', page_number(nullif(r.interest, 0), v_exponent, v_language))
              FROM reminder r WHERE r.document_id = v_document.id AND r.withdrawn_at IS NULL
             ORDER BY r.level DESC LIMIT 1) END,
        'signature', CASE WHEN v_document.sign_status = 'signed' THEN (
            SELECT jsonb_build_object(
                       'by', coalesce(v_document.sign_by, ''),
                       'on', page_date((v_document.sign_at AT TIME ZONE s.zone)::date, v_language),
                       'image', 'data:' || v_document.signature_type || ';base64,'
                                || translate(encode(v_document.signature, 'base64'), chr(10), ''))
              FROM setting s) END));
END $$;
COMMENT ON FUNCTION page_state(bigint, text) IS
    'what became of a document since its page was issued, as text written for the language (NULL: page_language()): '
    'status or mark (a word across the page: draft, void …), put_off (a later due date), credited, paid, open, '
    'reminded {"name", "fee", "interest"} (the last reminder of what is open, and what it claims), signature {"by", '
    '"on", "image"}; what there is nothing to say of is left out';
SELECT allow('reader', 'execute', 'page_state');

-- Each part brings its own looks: the page may be older than what is put over it.
CREATE FUNCTION state_parts(state jsonb, label jsonb) RETURNS TABLE (name text, part text)
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT p.name, render(p.template, jsonb_build_object(
               'label', label, 'status', state -> 'status', 'mark', state -> 'mark', 'put_off', state -> 'put_off',
               'signature', CASE WHEN state ? 'signature' THEN '{"image": null}' || (state -> 'signature') END,
               'sums', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', k.name, 'amount', coalesce(k.amount, ''),
                                                                     'last', k.no = 3) ORDER BY k.no), '[]')
                          FROM (VALUES (1, label ->> 'credited', state ->> 'credited'),
                                       (2, label ->> 'paid', state ->> 'paid'),
                                       (3, label ->> 'open', state ->> 'open'),
                                       (5, label ->> 'reminded_fee', state #>> '{reminded,fee}'),
                                       (6, label ->> 'reminded_interest', state #>> '{reminded,interest}'),
                                       (4, state #>> '{reminded,name}', '')) k (no, name, amount)
                         WHERE k.amount IS NOT NULL AND k.name IS NOT NULL)))
      FROM (VALUES
        (1, 'mark', state ? 'mark',
         '<div style="position: fixed; inset: 0; z-index: 1; display: flex; align-items: center; '
         'justify-content: center; pointer-events: none">'
         '<span style="font-size: 78pt; font-weight: 800; letter-spacing: .05em; text-transform: uppercase; '
         'color: rgba(190, 40, 40, .13); transform: rotate(-32deg); white-space: nowrap">{{mark}}</span></div>'),
        (2, 'status', state ? 'status',
         '<span style="display: inline-block; margin-right: 3mm; vertical-align: 1pt; padding: .3mm 2.4mm; '
         'border: .8pt solid; border-radius: 3mm; font-size: 8pt; font-weight: 600; color: var(--accent, #1f5673)">'
         '{{status}}</span>'),
        (3, 'put_off', state ? 'put_off',
         '<div><dt>{{label.put_off}}</dt><dd style="margin: 0; font-weight: 500">{{put_off}}</dd></div>'),
        (4, 'paid', state ?| '{credited,paid,open,reminded}',
         '<div style="display: flex; justify-content: flex-end">'
         '<table style="width: 100%; max-width: 88mm; border-collapse: collapse; font-variant-numeric: tabular-nums">'
         '{{#sums}}<tr{{#last}} style="font-weight: 600"{{/last}}><td style="padding: .8mm 0">{{name}}</td>'
         '<td style="padding: .8mm 0; text-align: right">{{amount}}</td></tr>{{/sums}}</table></div>'),
        (5, 'signature', state ? 'signature',
         '{{#signature}}<span style="display: flex; align-items: flex-end; justify-content: space-between; '
         'gap: 3mm; height: 100%; padding-bottom: .5mm; font-size: 8pt; line-height: 1.25">'
         '{{#image}}<img style="max-width: 44mm; max-height: 13mm" src="{{image}}" alt="{{label.signature}}">{{/image}}'
         '<span style="margin-left: auto; text-align: right">{{label.signed}}: {{on}}<br>{{by}}</span></span>'
         '{{/signature}}')) AS p (no, name, said, template)
     WHERE p.said
     ORDER BY p.no;
END;
COMMENT ON FUNCTION state_parts(jsonb, jsonb) IS
    'what page_state() says, as parts of a page with the words of its language, by the names of their places';

CREATE FUNCTION with_state(page text, state jsonb, label jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_part record;
    v_page text := page;
    v_place text;
BEGIN
    FOR v_part IN SELECT * FROM state_parts(state, label)
    LOOP
        v_place := format('<!--state:%s-->', v_part.name);
        v_page := CASE WHEN strpos(v_page, v_place) > 0 THEN replace(v_page, v_place, v_part.part)
                       ELSE put_before(v_page, '</body>', v_part.part) END;
    END LOOP;
    RETURN v_page;
END $$;
COMMENT ON FUNCTION with_state(text, jsonb, jsonb) IS
    'a page with what page_state() says put over it; the same page where that is nothing';
