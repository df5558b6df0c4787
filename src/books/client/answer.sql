-- ---------------------------------------------------------------------------
-- answer: the form by which a visitor answers, and the page after it
--
-- A form without a script: a browser posts it to answer_page beside the page, and
-- a gateway calls the function of that name with its fields.  Whatever becomes of
-- it, the visitor sees the document again with a line that says so.
-- ---------------------------------------------------------------------------

CREATE FUNCTION with_answer(page text, data jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN data ->> 'said' IS NULL AND NOT (data ->> 'asks')::boolean AND NOT (data ->> 'back')::boolean
                THEN page ELSE
        put_before(put_before(page, '</head>', $html$<style>
.answer { max-width: 210mm; margin: 0 auto 12mm; padding: 6mm 5mm; background: #fff; color: #1d252c; }
.answer h2 { margin: 0 0 4mm; }
.answer form { margin: 0 0 4mm; }
.answer button { min-height: 12mm; padding: 0 6mm; border: .8pt solid #1f5673; border-radius: 2mm; background: #fff;
  font: inherit; font-weight: 600; color: #1f5673; cursor: pointer; }
.answer .yes { background: #1f5673; color: #fff; }
.answer summary { padding: 3mm 0; cursor: pointer; }
.answer textarea { display: block; width: 100%; margin: 2mm 0 4mm; padding: 2mm; font: inherit; }
.back { max-width: 210mm; margin: 0 auto; padding: 4mm 5mm; }
.said { position: fixed; z-index: 2; left: 0; right: 0; bottom: 0; margin: 0; padding: 4mm 5mm; background: #1d252c;
  color: #fff; font-weight: 600; text-align: center; }
@media print { .answer, .back, .said { display: none; } }
</style>
$html$), '</body>', render($html$
{{#asks}}
<section class="answer">
<h2>{{label.answer}}</h2>
<form method="post" action="answer_page">
<input type="hidden" name="token" value="{{token}}">
{{#language}}
<input type="hidden" name="language" value="{{language}}">
{{/language}}
{{#document}}
<input type="hidden" name="document" value="{{document}}">
{{/document}}
<button class="yes" name="decision" value="agreed">{{label.answer_agree}}</button>
</form>
<details{{#said}} open{{/said}}>
<summary>{{label.answer_change}}</summary>
<form method="post" action="answer_page">
<input type="hidden" name="token" value="{{token}}">
{{#language}}
<input type="hidden" name="language" value="{{language}}">
{{/language}}
{{#document}}
<input type="hidden" name="document" value="{{document}}">
{{/document}}
<label>{{label.answer_comment}}
<textarea name="comment" rows="5" maxlength="4000" required>
{{comment}}</textarea></label>
<button name="decision" value="rejected">{{label.answer_reject}}</button>
</form>
</details>
</section>
{{/asks}}
{{#back}}
<p class="back">
<a href="shared_page?token={{token}}{{#language}}&amp;language={{language}}{{/language}}">{{label.client_all}}</a>
</p>
{{/back}}
{{#said}}
<p class="said" role="status">{{said}}</p>
{{/said}}
$html$, data)) END;
END;
COMMENT ON FUNCTION with_answer(text, jsonb) IS
    'a page with what data has for it: the form for an answer (asks: is one waited for?; label, comment, and what '
    'visited_link() says), a way back, and a line that says what became of the last answer (said)';

CREATE FUNCTION try_answer(token text, decision text, comment text, document bigint) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_rule text;
BEGIN
    IF NOT may_write() THEN
        PERFORM answer_status(405);
        RETURN 'answer_closed';
    END IF;
    RETURN 'answer_' || answer_shared(token, decision, comment, document);
EXCEPTION WHEN invalid_parameter_value OR restrict_violation OR foreign_key_violation OR check_violation THEN
    GET STACKED DIAGNOSTICS v_rule = CONSTRAINT_NAME;
    PERFORM answer_status(CASE SQLSTATE WHEN '22023' THEN 400 ELSE 409 END);
    RETURN CASE WHEN v_rule IN ('answer_reason', 'answer_long') THEN v_rule ELSE 'answer_refused' END;
END $$;
COMMENT ON FUNCTION try_answer(text, text, text, bigint) IS
    'give an answer through a link and return the name of the label that says what became of it; a refusal is one, '
    'too, with its status through a gateway';

-- Browsers send a line's end as CR LF and count it as one character.
CREATE FUNCTION answer_page(token text, decision text, comment text DEFAULT NULL, language text DEFAULT NULL,
                            document bigint DEFAULT NULL) RETURNS "text/html"
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_comment text := replace(answer_page.comment, chr(13) || chr(10), chr(10));
    v_said text;
    v_link record;
BEGIN
    PERFORM begin_visit(answer_page.language);
    v_said := try_answer(answer_page.token, answer_page.decision, v_comment, answer_page.document);
    SELECT * INTO v_link FROM linked(answer_page.token, answer_page.document);
    IF v_link.document_id IS NULL THEN
        RETURN invalid_page(answer_page.language);
    END IF;
    RETURN shown_page(document_of(v_link.document_id),
                      visited_link(answer_page.token, answer_page.language, v_link.document_id, v_link.client_id),
                      v_said, left(v_comment, 5000));
END $$;
COMMENT ON FUNCTION answer_page(text, text, text, text, bigint) IS
    'where the form of shared_page() posts to: answer_shared() with a page for an answer, which shows the document as '
    'it is now and says what became of the answer, in the language of the page: taken, without a reason or too long '
    '(400), not waited for any more (409), or not to be taken where nothing can be written (405: GET, a standby)';
SELECT allow('guest', 'execute', 'answer_page');
