-- ---------------------------------------------------------------------------
-- issued: the page of a document as it was issued
--
-- The bytes are kept, so that nothing that changes later can reach them, nor a
-- later version of what draws pages.  The logo, which thousands of them share, is
-- kept once: the body has its name, which is the digest of the image.
-- ---------------------------------------------------------------------------

CREATE FUNCTION with_logo(p_body text, p_document document) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_digest text := p_document.kept #>> '{brand,logo}';
BEGIN
    RETURN CASE WHEN v_digest IS NULL THEN p_body ELSE replace(p_body, 'logo:' || v_digest, (
        SELECT l.logo FROM brand_logo l WHERE l.digest = decode(v_digest, 'hex'))) END;
END $$;
COMMENT ON FUNCTION with_logo(text, document) IS
    'a kept body with the logo under which its document was issued in place of the logo''s name';

CREATE FUNCTION kept_page(p_document document, p_language text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_body text := (SELECT i.body FROM issued_page i
                     WHERE i.document_id = p_document.id AND i.language = p_language);
BEGIN
    RETURN with_logo(v_body, p_document);
END $$;
COMMENT ON FUNCTION kept_page(document, text) IS
    'the page that a document was issued with, where that is in this language; NULL elsewhere';

CREATE FUNCTION issued_html(document bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := document_of(issued_html.document);
    v_page text := (SELECT kept_page(v_document, i.language) FROM issued_page i WHERE i.document_id = v_document.id);
BEGIN
    IF v_page IS NULL THEN
        RAISE EXCEPTION '% has no page of its issue', document_name(v_document.id)
            USING ERRCODE = 'foreign_key_violation',
                HINT = CASE WHEN v_document.incoming THEN 'Its file_url says where the other side''s paper is.'
                            WHEN v_document.issued_at IS NULL
                            THEN 'It was never issued: document_html() shows the draft.'
                            ELSE 'Its kind had no template then: document_html() draws it with that of today.' END;
    END IF;
    RETURN v_page;
END $$;
COMMENT ON FUNCTION issued_html(bigint) IS
    'the page of a document as it was issued, byte for byte, whatever became of it, of its parties, the brand, words '
    'and templates since: its SHA-256 is issued_page.digest. Refused (23503) where it was issued without one: a draft, '
    'what came from outside, a kind that had no template';
SELECT allow('reader', 'execute', 'issued_html');

CREATE FUNCTION keep_page() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_language text := page_language(NEW.id);
    v_template text := page_template(NEW, v_language);
    v_logo text := 'logo:' || (NEW.kept #>> '{brand,logo}');
    v_data jsonb;
    v_body text;
BEGIN
    IF v_template IS NOT NULL THEN
        v_data := document_data(NEW.id, v_language);
        v_body := render(v_template, CASE WHEN v_logo IS NULL THEN v_data
                                          ELSE jsonb_set(v_data, '{brand,logo}', to_jsonb(v_logo)) END);
    END IF;
    INSERT INTO issued_page (document_id, language, body, digest)
    VALUES (NEW.id, v_language, v_body, sha256(convert_to(with_logo(v_body, NEW), 'UTF8')));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION keep_page() IS
    'trigger function of document: what is issued keeps its page. SECURITY DEFINER because nobody is granted to write '
    'it, and row policies must not take anything off it';

CREATE FUNCTION document_html(document bigint, language text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document := document_of(document_html.document);
    v_language text := coalesce(document_html.language, page_language(v_document.id));
BEGIN
    RETURN with_state(coalesce(kept_page(v_document, v_language), drawn_page(v_document, v_language)),
                      page_state(v_document.id, v_language), page_labels(v_language));
END $$;
COMMENT ON FUNCTION document_html(bigint, text) IS
    'a document as one complete HTML page: branded, every value escaped, nothing loaded from elsewhere, made to be '
    'printed on A4. What is issued is issued_html() with what became of it (page_state()) put over it; a draft, or '
    'another language than the one it was issued in, is drawn from the template of today. Refused as document_data() '
    'is, and where no template is stored for its kind (23503)';
SELECT allow('reader', 'execute', 'document_html');

CREATE VIEW page_problems WITH (security_invoker) AS
    SELECT 'what we issue keeps its page' AS rule, document_name(d.id) AS subject,
           CASE WHEN i.document_id IS NULL THEN 'none is kept' ELSE 'one is kept that was not issued' END AS detail
      FROM document d
      LEFT JOIN issued_page i ON i.document_id = d.id
     WHERE (d.issued_at IS NOT NULL AND NOT d.incoming) <> (i.document_id IS NOT NULL)
    UNION ALL
    SELECT 'a page that was issued is the same for ever', document_name(d.id),
           format('kept %s, now %s', left(encode(i.digest, 'hex'), 12),
                  coalesce(left(encode(n.digest, 'hex'), 12), 'nothing'))
      FROM issued_page i
      JOIN document d ON d.id = i.document_id
     CROSS JOIN LATERAL (SELECT sha256(convert_to(with_logo(i.body, d), 'UTF8')) AS digest) n
     WHERE i.digest IS DISTINCT FROM n.digest;
COMMENT ON VIEW page_problems IS 'broken invariants of pages that were issued, none in healthy books';
SELECT allow('controller', 'select', 'page_problems');
