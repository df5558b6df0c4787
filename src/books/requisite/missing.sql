-- ---------------------------------------------------------------------------
-- missing: what a paper lacks of what the country of its seller wants
--
-- Papers follow the seller's country; what is asked of the buyer is asked where his
-- country is known, and each side's codes are checked as its own country makes them.
-- ---------------------------------------------------------------------------

-- What is stamped stands on the lines; a draft has it from document_figures().
CREATE FUNCTION tax_cases(p_document bigint) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_is_draft boolean := EXISTS (SELECT FROM document_line l WHERE l.document_id = p_document AND l.net IS NULL);
BEGIN
    RETURN coalesce((
        SELECT array_agg(DISTINCT CASE WHEN t.kind <> 'rated' THEN t.kind WHEN x.rate IS NULL THEN 'none'
                                       WHEN x.rate = 0 THEN 'zero' ELSE 'rated' END)
          FROM (SELECT l.taxes, l.tax_rate, l.tax FROM document_line l
                 WHERE l.document_id = p_document AND NOT v_is_draft
                UNION ALL
                SELECT f.taxes, f.tax_rate, f.tax FROM document_figures(p_document) f WHERE v_is_draft) l
          LEFT JOIN LATERAL taxes_of(l.taxes, l.tax_rate, l.tax) x ON true
          LEFT JOIN tax t ON t.code = x.tax), '{}');
END $$;
COMMENT ON FUNCTION tax_cases(bigint) IS
    'how the lines of a document are taxed: rated, zero (a rate of 0), a kind of tax without a rate, or none (nothing '
    'says why)';

CREATE FUNCTION paper_rules(p_document document, p_law_only boolean) RETURNS SETOF paper_rule
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path FROM CURRENT
AS $$
DECLARE
    v_rules text := country_rules(paper_party(p_document, 'own') ->> 'country');
    v_buyer text := country_rules(paper_party(p_document, 'party') ->> 'country');
    v_cases text[];
BEGIN
    IF EXISTS (SELECT FROM paper_rule r WHERE r.rules = v_rules AND r.kind = p_document.kind
               AND (r.about IN ('payer', 'reverse_charge', 'rated') OR r.key = 'tax')
               AND (r.demand = 'law' OR NOT p_law_only)) THEN
        v_cases := tax_cases(p_document.id);
    END IF;
    RETURN QUERY
    SELECT r.* FROM paper_rule r
     WHERE r.rules = v_rules AND r.kind = p_document.kind AND (r.demand = 'law' OR NOT p_law_only)
       AND r.valid_from <= coalesce(p_document.issued_on, books_today())
       AND (r.side <> 'buyer' OR v_buyer IS NOT NULL)
       AND CASE r.about WHEN 'payer' THEN NOT 'not_payer' = ANY (v_cases) WHEN 'rated' THEN 'rated' = ANY (v_cases)
                        WHEN 'reverse_charge' THEN 'reverse_charge' = ANY (v_cases)
                        WHEN 'resident' THEN v_buyer = v_rules ELSE true END
       AND (r.key <> 'tax' OR 'none' = ANY (v_cases));
END $$;
COMMENT ON FUNCTION paper_rules(document, boolean) IS
    'the rules of the seller''s country that are about a document, of the law alone or with customs; that of its tax '
    'only where it breaks it';

CREATE FUNCTION paper_word(p_document document, p_key text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_paper jsonb := paper_of(p_document);
BEGIN
    RETURN CASE p_key
        WHEN 'contract' THEN v_paper #>> '{contracts,0,number}'
        WHEN 'contract_date' THEN (SELECT min(c.value ->> 'signed_on')
                                     FROM jsonb_array_elements(nullif(v_paper -> 'contracts', 'null')) c
                                   HAVING count(*) = count(c.value ->> 'signed_on'))
        WHEN 'basis' THEN v_paper #>> '{basis,number}'
        WHEN 'place' THEN party_said(v_paper -> 'own', page_language(p_document.id)) ->> 'place'
        WHEN 'period' THEN coalesce(iso(p_document.period_to), (
            SELECT iso(max(h.service_date)) FROM document_line l JOIN charge h ON h.id = l.charge_id
             WHERE l.document_id = p_document.id))
        WHEN 'tax_words' THEN '' END;
END $$;
COMMENT ON FUNCTION paper_word(document, text) IS
    'what a document says of itself under a key of paper_rule; NULL where it says nothing';

CREATE FUNCTION how_to_say(p_document document, p_side text, p_key text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_paper jsonb := paper_of(p_document);
    v_name text := v_paper #>> ARRAY[CASE p_side WHEN 'buyer' THEN 'party' ELSE 'own' END, 'name'];
BEGIN
    RETURN CASE
        WHEN p_key = 'contract' THEN 'Make it of work that is under a contract.'
        WHEN p_key = 'contract_date' AND v_paper #>> '{contracts,0,number}' IS NULL
        THEN 'Make it of work that is under a contract, and set signed_on of that.'
        WHEN p_key = 'contract_date'
        THEN format('Set signed_on of contract "%s".', (
            SELECT min(c.value ->> 'number') FROM jsonb_array_elements(v_paper -> 'contracts') c
             WHERE c.value ->> 'signed_on' IS NULL))
        WHEN p_key = 'tax' THEN 'Give its contract or lines a tax_code whose words say why no tax is taken; '
                                'add_taxes() has some.'
        WHEN p_key = 'basis' THEN 'Make it of the document that it changes.'
        WHEN p_key = 'period' THEN 'Make it of work, which has its days.'
        WHEN p_key = 'tax_id' THEN format('Set tax_id of party "%s".', v_name)
        ELSE format('Set requisites ->> ''%s'' of party "%s".', p_key, v_name) END;
END $$;
COMMENT ON FUNCTION how_to_say(document, text, text) IS 'how to give a paper what it lacks, in a sentence';

CREATE FUNCTION lacking(p_document document, p_language text, p_law_only boolean DEFAULT false)
    RETURNS TABLE (side text, key text, label text, why text, value text, required boolean, what_to_do text,
                   source text)
    LANGUAGE plpgsql STABLE ROWS 4 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_own jsonb := paper_party(p_document, 'own');
    v_party jsonb := paper_party(p_document, 'party');
    v_language text;
BEGIN
    IF p_document.incoming OR coalesce(v_own ->> 'country', v_party ->> 'country') IS NULL
        OR NOT EXISTS (SELECT FROM paper_rule r WHERE r.kind = p_document.kind) THEN
        RETURN;
    END IF;
    v_language := page_language(p_document.id);
    RETURN QUERY
    WITH side AS MATERIALIZED (
        SELECT s.name, s.party ->> 'country' AS country, party_said(s.party, v_language) AS said, s.party
          FROM (VALUES ('seller', v_own), ('buyer', v_party)) AS s (name, party)
    ), code AS MATERIALIZED (
        SELECT s.name AS side, c.* FROM side s CROSS JOIN LATERAL party_codes(s.party, p_language) c
    )
    SELECT r.side, r.key, coalesce(c.label, w.label ->> ('requisite_' || r.key), w.label ->> r.key, r.key), 'missing',
           NULL, r.demand = 'law', how_to_say(p_document, r.side, r.key), r.source
      FROM paper_rules(p_document, p_law_only) r
      -- asked for where something lacks alone
     CROSS JOIN LATERAL (SELECT (SELECT page_labels(p_language)) AS label) w
      LEFT JOIN side s ON s.name = r.side
      LEFT JOIN code c ON c.side = r.side AND c.key = r.key
     WHERE CASE WHEN r.side = 'document' THEN paper_word(p_document, r.key) IS NULL
                -- what only others of its country have is not asked of it
                ELSE coalesce(btrim(s.said ->> r.key), '') = ''
                     AND (c.key IS NOT NULL OR NOT EXISTS (SELECT FROM requisite q
                                                            WHERE q.rules = country_rules(s.country)
                                                              AND q.key = r.key)) END
    UNION ALL
    SELECT c.side, c.key, c.label, 'invalid: it ' || c.fault, c.value, c.refused,
           how_to_say(p_document, c.side, c.key), 'check_code'
      FROM (SELECT c.*, c.strict OR check_code(c.code, c.value, c.context, false) IS NOT NULL OR EXISTS (
                       SELECT FROM paper_rules(p_document, true) r WHERE (r.side, r.key) = (c.side, c.key)) AS refused
              -- the buyer's bank is asked of nobody
              FROM code c WHERE c.fault IS NOT NULL AND (c.side = 'seller' OR NOT c.in_bank)) c
     WHERE c.refused OR NOT p_law_only;
END $$;
COMMENT ON FUNCTION lacking(document, text, boolean) IS
    'what a document lacks of what papers of its kind must or usually do say, as missing_requisites() returns it; with '
    'p_law_only only what it is not issued without. A code with wrong signs is refused, one with a wrong check digit '
    'where the law demands it or requisite.strict says so, and told elsewhere';

CREATE FUNCTION missing_requisites(document bigint, language text DEFAULT 'en')
    RETURNS TABLE (side text, key text, label text, why text, value text, required boolean, what_to_do text,
                   source text)
    LANGUAGE plpgsql STABLE ROWS 4 SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN QUERY SELECT m.* FROM lacking(document_of(missing_requisites.document), missing_requisites.language) m
                  ORDER BY NOT m.required, array_position('{seller,buyer,document}', m.side), m.key;
END $$;
COMMENT ON FUNCTION missing_requisites(bigint, text) IS
    'what a document lacks of what the country of its seller wants on papers of its kind, and which codes of either '
    'side are wrong: of whom (side: seller, buyer, document), under which name in a language, why, what stands there, '
    'whether it is not issued without (required: the law or a wrong code; else a custom or a check digit), what to do '
    'and from which law or custom that is. No rows: nothing. Unknown documents are refused (23503)';
SELECT allow('reader', 'execute', 'missing_requisites');

CREATE VIEW draft_requisite WITH (security_invoker) AS
    SELECT d.id AS document_id, d.kind, p.name AS party, m.side, m.key, m.label, m.why, m.value, m.required,
           m.what_to_do, m.source
      FROM document d
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status) AND s.draft
      JOIN party p ON p.id = d.party_id
     CROSS JOIN LATERAL lacking(d, 'en') m;
COMMENT ON VIEW draft_requisite IS 'what drafts lack, as missing_requisites() tells it, a row for each';
SELECT allow('reader', 'select', 'draft_requisite');

CREATE FUNCTION refuse_incomplete(p_document document) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_lacks record;
BEGIN
    SELECT string_agg(m.label, ', ' ORDER BY m.no) AS labels,
           string_agg(format('%s: %s %s (%s)', m.side, m.label, CASE WHEN m.value IS NULL THEN 'is missing'
                             ELSE format('"%s" is %s', left(m.value, 60), m.why) END, m.source), chr(10)
                      ORDER BY m.no) AS detail,
           string_agg(m.what_to_do, ' ' ORDER BY m.no) AS hint
      INTO v_lacks
      FROM (SELECT l.*, row_number() OVER (ORDER BY array_position('{seller,buyer,document}', l.side), l.key) AS no
              FROM lacking(p_document, 'en', true) l) m;
    IF v_lacks.labels IS NOT NULL THEN
        RAISE EXCEPTION '% lacks what its paper must say: %', document_name(p_document.id), v_lacks.labels
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_says_what_law_wants', TABLE = 'document',
                DETAIL = v_lacks.detail, HINT = v_lacks.hint;
    END IF;
END $$;
COMMENT ON FUNCTION refuse_incomplete(document) IS
    'refuse (23514) to issue a document that lacks what the law of the seller''s country wants on its paper, or has a '
    'wrong code on it, as lacking() tells';
