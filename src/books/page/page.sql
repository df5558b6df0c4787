-- ---------------------------------------------------------------------------
-- page: documents as pages and tables
--
-- document_rows() gives the positions of a paper to the last digit: prices with
-- all their decimals, hours in seconds too, so that sums are rounded once.  The
-- page, the data that templates are filled with and the CSV are made of these,
-- and document_sheet() has the same rows in the types that dashboards want.
-- It is PL/pgSQL because that keeps its plan: a page asks for the rows thrice.
-- ---------------------------------------------------------------------------

CREATE FUNCTION page_language(document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((SELECT w.language
                       FROM (VALUES (1, 'party'), (2, 'own')) AS x (no, side)
                      CROSS JOIN LATERAL (SELECT paper_party(d, x.side) #>> '{requisites,language}') AS w (language)
                      WHERE w.language IN ('uk', 'ru', 'en') ORDER BY x.no LIMIT 1), 'en')
      FROM document d WHERE d.id = page_language.document;
END;
COMMENT ON FUNCTION page_language(bigint) IS
    'the language of a document''s page, uk, ru or en: requisites ->> ''language'' of the party, else of the own '
    'company, else English';

CREATE FUNCTION page_heading(kind text, number text, issued_on date, language text, label jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws(' ', label ->> kind, CASE
                     WHEN number IS NOT NULL THEN (label ->> 'numero') || U&'\00A0' || number END,
                     CASE WHEN issued_on IS NOT NULL THEN (label ->> 'dated') || ' ' || page_days(issued_on,
                         issued_on, language) END);
END;
COMMENT ON FUNCTION page_heading(text, text, date, text, jsonb) IS
    'what a page calls a document: kind, number and date';

CREATE FUNCTION document_data(document bigint, language text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_kind document_kind;
    v_due date;
    v_language text;
    v_label jsonb;
    v_paper jsonb;
    v_brand jsonb;
    v_party jsonb;
    v_groups jsonb;
    v_totals jsonb;
    v_data jsonb;
BEGIN
    v_document := document_of(document_data.document);
    IF v_document.incoming THEN
        RAISE EXCEPTION '% came from outside and has no page of ours', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Its file_url says where the other side''s paper is.';
    END IF;
    v_language := coalesce(document_data.language, page_language(v_document.id));
    IF v_language NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'pages have no language "%"', v_language
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose one of: uk, ru, en.';
    END IF;
    SELECT * INTO v_kind FROM document_kind k WHERE k.kind = v_document.kind;
    -- what extend_due() gave later is no part of the paper
    SELECT e.was_due_on INTO v_due FROM due_extension e WHERE e.document_id = v_document.id ORDER BY e.id LIMIT 1;
    v_due := CASE WHEN FOUND THEN v_due ELSE v_document.due_on END;
    v_label := page_labels(v_language);
    v_paper := paper_of(v_document);
    v_brand := nullif(v_paper -> 'brand', 'null');
    v_party := page_party(v_paper -> 'own', v_language);
    v_groups := page_rows(v_document.id, v_language, v_label);
    v_totals := page_totals(v_document.id, v_language, v_label);

    v_data := jsonb_build_object(
        'label', v_label, 'language', v_language, 'kind', v_document.kind, 'heading', v_label ->> v_document.kind,
        'number', v_document.number, 'number_line', (v_label ->> 'numero') || chr(160) || v_document.number,
        'page_title', concat_ws(' ', page_heading(v_document.kind, v_document.number, NULL, v_language, v_label)),
        'title', v_document.title, 'date', page_date(v_document.issued_on, v_language), 'due',
        page_date(v_due, v_language),
        'period', page_days(v_document.period_from, v_document.period_to, v_language),
        'contract', coalesce((
            SELECT string_agg(concat_ws(' ', c.value ->> 'number', v_label ->> CASE WHEN c.value ->> 'signed_on' <> ''
                                        THEN 'dated' END, page_date(iso_date(c.value ->> 'signed_on'), v_language)),
                              ', ' ORDER BY c.no)
              FROM jsonb_array_elements(nullif(v_paper -> 'contracts', 'null')) WITH ORDINALITY c (value, no)),
            v_paper ->> 'contract'),
        'place', CASE WHEN NOT v_kind.asks_payment THEN v_party ->> 'place' END, 'project', v_paper ->> 'project',
        'task', CASE WHEN v_paper ->> 'task' IS NOT NULL AND 'specification' IN (v_kind.kind, v_kind.page)
                     THEN concat_ws(' ', v_paper #>> '{task,number}', v_paper #>> '{task,title}') END,
        'basis', CASE WHEN v_paper ->> 'basis' IS NOT NULL
                      THEN page_heading(v_paper #>> '{basis,kind}', v_paper #>> '{basis,number}',
                                        iso_date(v_paper #>> '{basis,issued_on}'), v_language, v_label) END,
        'currency', coalesce(v_label ->> ('currency_' || v_document.currency), v_document.currency),
        'requirements', v_document.requirements, 'note', v_paper ->> 'note',
        'meaning', v_label ->> ('meaning_' || v_document.meaning),
        'gross_label', v_label ->> CASE WHEN v_kind.asks_payment THEN 'gross_due'
                                        WHEN v_kind.kind = 'credit_note' THEN 'gross_credited' ELSE 'gross' END,
        'brand', jsonb_build_object(
            'name', coalesce(v_brand ->> 'name', v_paper #>> '{own,name}', ''), 'logo', v_brand ->> 'logo',
            'accent', coalesce(v_brand ->> 'accent', '#1f5673'), 'ink', coalesce(v_brand ->> 'ink', '#1d252c'),
            'footer', v_brand ->> 'footer'),
        'own', v_party, 'client', page_party(v_paper -> 'party', v_language), 'groups', v_groups);
    RETURN v_data || jsonb_build_object(
        'totals', v_totals,
        'summary', page_summary(v_document, nullif(v_paper -> 'summary', 'null'), v_totals, v_language, v_label),
        'show', (SELECT jsonb_build_object('lines', jsonb_array_length(v_groups) > 0,
                                           'groups', jsonb_array_length(v_groups) > 1, 'hours',
                                           coalesce(bool_or(r.worked_s <> 0 OR r.billed_s <> 0), false),
                        'quantity', coalesce(bool_or(r.quantity IS NOT NULL), false), 'discount',
                        coalesce(bool_or(r.discount_pct <> 0), false),
                        'clock', coalesce(bool_or(r.clock IS NOT NULL), false) AND v_kind.kind <> 'report',
                        'summed', coalesce(bool_or(r.summed), false) AND v_kind.kind <> 'report',
                        'tax_rate', count(DISTINCT coalesce(r.tax_rate, -1)) > 1)
                   FROM document_rows(v_document.id) r),
        'payment', CASE WHEN v_kind.asks_payment AND jsonb_array_length(v_party -> 'bank') > 0
                        THEN jsonb_build_object('beneficiary', v_party ->> 'name', 'requisites', v_party -> 'bank',
                            'slip', payment_slip(v_paper -> 'own', v_language, v_label),
                            'purpose', CASE WHEN v_document.number IS NOT NULL THEN
                                page_heading('purpose_' || v_document.kind, v_document.number, v_document.issued_on,
                                             v_language, v_label)
                                || CASE WHEN v_paper #>> '{own,country}' IS NULL THEN ''
                                        ELSE ', ' || (v_totals ->> 'tax_line') END END) END);
END $$;
COMMENT ON FUNCTION document_data(bigint, text) IS
    'all that the paper of a document says, as text written for the language (NULL: page_language()): what templates '
    'name, see page_sample(); what becomes of the document later is page_state(). Refused: unknown document (23503), '
    'language (22023), what came from outside (23001)';
SELECT allow('reader', 'execute', 'document_data');

CREATE FUNCTION page_template(p_document document, p_language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.body
      FROM document_kind k
      JOIN template t ON t.kind IN (k.kind, k.page)
     WHERE k.kind = p_document.kind
       AND (t.own_id IS NULL OR t.own_id = (paper_party(p_document, 'own') ->> 'id')::bigint)
       AND (t.language IS NULL OR t.language = p_language)
       -- the form of a country is of its own kind alone
       AND (t.rules IS NULL
            OR t.kind = k.kind AND t.rules = country_rules(paper_party(p_document, 'own') ->> 'country'))
     ORDER BY t.own_id IS NULL, t.kind <> k.kind, t.rules IS NULL, t.language IS NULL
     LIMIT 1;
END;
COMMENT ON FUNCTION page_template(document, text) IS
    'the template of a document''s page in a language, the most specific one; NULL where there is none';

CREATE FUNCTION drawn_page(p_document document, p_language text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_data jsonb := document_data(p_document.id, p_language);
    v_body text := page_template(p_document, v_data ->> 'language');
BEGIN
    IF v_body IS NULL THEN
        RAISE EXCEPTION '% has no template', document_name(p_document.id)
            USING ERRCODE = 'foreign_key_violation',
                HINT = format('Add a row of kind %s to table template; page_sample() shows what it can name.',
                              p_document.kind);
    END IF;
    RETURN render(v_body, v_data);
END $$;
COMMENT ON FUNCTION drawn_page(document, text) IS
    'the page of a document drawn anew from the template of today; refused (23503) where there is none';
