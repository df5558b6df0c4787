-- ---------------------------------------------------------------------------
-- shared: the page that a link shows
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

CREATE FUNCTION shared_page(token text, language text DEFAULT NULL) RETURNS "text/html"
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_language text;
    v_label jsonb;
BEGIN
    IF shared_page.language NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'pages have no language "%"', left(shared_page.language, 20)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose one of: uk, ru, en.';
    END IF;
    IF current_setting('request.method', true) <> '' THEN
        PERFORM set_config('response.headers', '[{"Cache-Control": "private, no-store"}, {"Referrer-Policy": '
                                               '"no-referrer"}]', true);
    END IF;
    SELECT d.* INTO v_document FROM open_link(shared_page.token) l JOIN document d ON d.id = l.document_id;
    IF v_document.id IS NULL THEN
        PERFORM answer_status(404);
        v_language := visitor_language(shared_page.language);
        v_label := page_labels(v_language);
        RETURN notice_page(v_language, v_label ->> 'link_invalid', NULL, v_label ->> 'link_invalid_says',
                           v_label ->> 'link_invalid_hint');
    END IF;
    IF (state_of(v_document)).withdrawn THEN
        v_language := coalesce(shared_page.language, page_language(v_document.id));
        v_label := page_labels(v_language);
        RETURN notice_page(v_language, page_heading(v_document.kind, v_document.number, v_document.issued_on,
                                                    v_language, v_label),
                           v_label ->> ('status_' || v_document.status), v_label ->> (v_document.status || '_says'),
                           v_label ->> (v_document.status || '_hint'));
    END IF;
    RETURN document_html(v_document.id, shared_page.language);
END $$;
COMMENT ON FUNCTION shared_page(text, text) IS
    'the page of what the link with this token opens. Where the link is unknown, expired or revoked, all alike, a page '
    'that says so, through a gateway with status 404; where the document is void or superseded a page that says so in '
    'place of its figures. Refused: other languages than uk, ru, en (22023). SECURITY DEFINER: a visitor reaches this '
    'document and nothing else';
SELECT allow('guest', 'execute', 'shared_page');
