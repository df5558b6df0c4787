-- ---------------------------------------------------------------------------
-- shared: what a link shows, as a page and as JSON
-- ---------------------------------------------------------------------------

-- What a link shows that shows no document, or one that holds no more.  Its page
-- is no template: nothing that is configured can break it.
CREATE FUNCTION notice_page(language text, heading text, number_line text, says text, hint text) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT render($html$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; $html$
        || $html$base-uri 'none'; form-action 'none'">
<title>{{heading}}</title>
<style>
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans",
      sans-serif; color: #1d252c; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #e9edf0; }
h1, p { margin: 0; }
.page { width: 210mm; max-width: 100%; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); }
.top { padding-bottom: 7mm; border-bottom: 1.2pt solid #1f5673; overflow-wrap: anywhere; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: #66717b; }
.says { padding-top: 7mm; font-size: 11.5pt; font-weight: 600; }
.hint { padding-top: 2mm; color: #66717b; }
@page { size: A4; margin: 14mm 15mm 16mm; }
@media print { body { background: none; } .page { width: auto; margin: 0; padding: 0; box-shadow: none; } }
@media screen and (max-width: 720px) { .page { margin: 0; padding: 6mm 5mm; min-height: 100vh; } }
</style>
</head>
<body>
<main class="page">
<header class="top">
  <h1>{{heading}}</h1>
  {{#number_line}}
  <p class="number">{{number_line}}</p>
  {{/number_line}}
</header>
<p class="says">{{says}}</p>
<p class="hint">{{hint}}</p>
</main>
</body>
</html>
$html$, jsonb_build_object('language', language, 'heading', heading, 'number_line', number_line, 'says', says,
                           'hint', hint));
END;
COMMENT ON FUNCTION notice_page(text, text, text, text, text) IS
    'a whole HTML page in the look of documents that says one thing: heading, number_line below it (NULL: none), what '
    'it says and what can be done';

CREATE FUNCTION visitor_language(language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(visitor_language.language,
        (SELECT l.language
           FROM regexp_split_to_table(lower(left(nullif(current_setting('request.headers', true),
                                                        '')::jsonb ->> 'accept-language', 200)), '[,;[:space:]]+')
                WITH ORDINALITY AS a (range, no)
           JOIN (VALUES ('uk'), ('ru'), ('en')) AS l (language) ON a.range = l.language
               OR a.range LIKE l.language || '-%'
          ORDER BY a.no LIMIT 1),
        'en');
END;
COMMENT ON FUNCTION visitor_language(text) IS
    'the language for a visitor of whom nothing is known: the one asked for, else the first of uk, ru, en that the '
    'browser names (Accept-Language, where a gateway passes it), else English';

-- The header says what a page's own meta element cannot: that no other site frames it.
CREATE FUNCTION begin_visit(language text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF begin_visit.language NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'pages have no language "%"', left(begin_visit.language, 20)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose one of: uk, ru, en.';
    END IF;
    IF current_setting('request.method', true) <> '' THEN
        PERFORM set_config('response.headers', json_build_array(
            json_build_object('Cache-Control', 'private, no-store'),
            json_build_object('Referrer-Policy', 'no-referrer'),
            json_build_object('Content-Security-Policy', 'default-src ''none''; style-src ''unsafe-inline''; '
                              'img-src data:; base-uri ''none''; form-action ''self''; '
                              'frame-ancestors ''none''; ' || script_source()))::text, true);
    END IF;
END $$;
COMMENT ON FUNCTION begin_visit(text) IS
    'what comes before every page for a visitor: other languages than uk, ru, en (NULL: not said) are refused (22023), '
    'and a gateway is told that nobody keeps or frames the page';

CREATE FUNCTION invalid_page(language text) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_language text := visitor_language(invalid_page.language);
    v_label jsonb := page_labels(v_language);
BEGIN
    PERFORM answer_status(404);
    RETURN notice_page(v_language, v_label ->> 'link_invalid', NULL, v_label ->> 'link_invalid_says',
                       v_label ->> 'link_invalid_hint');
END $$;
COMMENT ON FUNCTION invalid_page(text) IS
    'the one page of every link that opens nothing, whatever the cause, with status 404 through a gateway';

CREATE FUNCTION shown_page(p_document document, p_link jsonb, p_said text DEFAULT NULL, p_given jsonb DEFAULT '{}')
    RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_language text := coalesce(p_link ->> 'language', page_language(p_document.id));
    v_label jsonb := page_labels(v_language);
    v_page text;
BEGIN
    IF (state_of(p_document)).withdrawn THEN
        v_page := notice_page(v_language, page_heading(p_document.kind, p_document.number, p_document.issued_on,
                                                       v_language, v_label),
                              v_label ->> ('status_' || p_document.status),
                              v_label ->> (p_document.status || '_says'), v_label ->> (p_document.status || '_hint'));
    END IF;
    RETURN with_answer(coalesce(v_page, document_html(p_document.id, v_language)), p_link || jsonb_build_object(
        'label', v_label, 'said', v_label ->> p_said, 'asks', asks_answer(p_document),
        'signs', asks_signature(p_document), 'comment', p_given -> 'comment', 'signer', p_given -> 'signer',
        'rejecting', p_said ~ '^answer_(reason|long)_', 'signing', p_said ~ '^answer_(name|image)_'));
END $$;
COMMENT ON FUNCTION shown_page(document, jsonb, text, jsonb) IS
    'what a visitor sees of a document: its page with the forms for his answer and signature where it waits for them, '
    'and what was said to the last one (the name of a label), with what he had written (p_given: comment, '
    'signer); of what is void or superseded a page that says so. p_link is visited_link()';

CREATE FUNCTION visited_link(token text, language text, document bigint, client bigint) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('token', token, 'language', language,
                              'document', CASE WHEN client IS NOT NULL THEN document END,
                              'back', client IS NOT NULL);
END;
COMMENT ON FUNCTION visited_link(text, text, bigint, bigint) IS
    'what forms and references of a page say of its link: token, language (NULL: not said), document (of a link to all '
    'that is a client''s), back (is there a page to go back to?)';

CREATE FUNCTION shared_page(token text, language text DEFAULT NULL, document bigint DEFAULT NULL) RETURNS "text/html"
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_link record;
    v_seen jsonb;
BEGIN
    PERFORM begin_visit(shared_page.language);
    SELECT * INTO v_link FROM open_link(shared_page.token, shared_page.document);
    v_seen := visited_link(shared_page.token, shared_page.language, v_link.document_id, v_link.client_id);
    RETURN CASE WHEN v_link.link_id IS NULL THEN invalid_page(shared_page.language)
                WHEN v_link.document_id IS NULL THEN client_page(v_link.client_id, v_seen)
                ELSE shown_page(document_of(v_link.document_id), v_seen) END;
END $$;
COMMENT ON FUNCTION shared_page(text, text, bigint) IS
    'the page of what the link with this token opens: a document, with forms to agree, sign or reject where it waits '
    'for that (they post to answer_page beside it); or all that is a client''s, with a reference to each document '
    '(document names it). Where the link is unknown, expired or revoked, all alike, a page that says so, through a '
    'gateway with status 404; where the document is void or superseded a page that says so in place of its figures. '
    'Refused: other languages than uk, ru, en (22023). SECURITY DEFINER: a visitor reaches what the link opens and '
    'nothing else';
SELECT allow('guest', 'execute', 'shared_page');

CREATE FUNCTION shared_report(token text, document bigint DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_link record;
    v_document document;
BEGIN
    SELECT * INTO v_link FROM open_link(token, document);
    IF v_link.link_id IS NULL THEN
        PERFORM answer_status(404);
        RETURN NULL;
    END IF;
    IF v_link.document_id IS NULL THEN
        RETURN client_overview(v_link.client_id);
    END IF;
    v_document := document_of(v_link.document_id);
    IF (state_of(v_document)).withdrawn THEN
        RETURN jsonb_build_object('document', v_document.id, 'kind', v_document.kind, 'number', v_document.number,
                                  'issued_on', v_document.issued_on, 'status', v_document.status);
    END IF;
    RETURN document_json(v_document.id);
END $$;
COMMENT ON FUNCTION shared_report(text, bigint) IS
    'what the link with this token shows: a document, as document_json() gives it, of what is void or superseded only '
    'which it is; or all that is a client''s, as client_overview() does. NULL, through a gateway with status 404, when '
    'the link is unknown, expired or revoked, all alike. SECURITY DEFINER: a visitor reaches what the link opens and '
    'nothing else';
SELECT allow('guest', 'execute', 'shared_report');
