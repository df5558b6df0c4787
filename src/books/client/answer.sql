-- ---------------------------------------------------------------------------
-- answer: the form by which a visitor answers, and the page after it
--
-- Forms that need no script: a browser posts them to answer_page beside the page,
-- and a gateway calls the function of that name with their fields.  Whatever
-- becomes of it, the visitor sees the document again with a line that says so.
-- One script there is, by which a signature is drawn; without it a name is typed.
-- ---------------------------------------------------------------------------

CREATE FUNCTION sign_script() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT $js$
(function () {
  var form = document.getElementById('sign'), pad = form.querySelector('.pad'), canvas = pad.querySelector('canvas');
  var ink = canvas.getContext('2d'), drawn = false, pen = null;
  pad.hidden = false;
  ink.lineWidth = 4;
  ink.lineCap = ink.lineJoin = 'round';
  ink.strokeStyle = '#1d252c';
  function at(event) {
    var box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * canvas.width / box.width,
      (event.clientY - box.top) * canvas.height / box.height];
  }
  function draw(event) {
    var to = at(event);
    ink.beginPath();
    ink.moveTo(pen[0], pen[1]);
    ink.lineTo(to[0], to[1]);
    ink.stroke();
    pen = to;
    drawn = true;
  }
  canvas.addEventListener('pointerdown', function (event) {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    pen = at(event);
    draw(event);
  });
  canvas.addEventListener('pointermove', function (event) { if (pen) draw(event); });
  canvas.addEventListener('pointerup', function () { pen = null; });
  canvas.addEventListener('pointercancel', function () { pen = null; });
  pad.querySelector('button').addEventListener('click', function () {
    ink.clearRect(0, 0, canvas.width, canvas.height);
    drawn = false;
  });
  form.addEventListener('submit', function () { form.image.value = drawn ? canvas.toDataURL('image/png') : ''; });
})();
$js$;
END;
COMMENT ON FUNCTION sign_script() IS
    'the one script of a page: a signature that is drawn goes into its form as a PNG. Pages let this text run and no '
    'other: script_source()';

CREATE FUNCTION script_source() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT format('script-src ''sha256-%s''', encode(sha256(convert_to(sign_script(), 'UTF8')), 'base64'));
END;
COMMENT ON FUNCTION script_source() IS 'what a Content-Security-Policy says to let sign_script() run, by its digest';

CREATE FUNCTION let_script(page text) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT regexp_replace(page, '(<meta http-equiv="Content-Security-Policy" content="default-src ''none'';)',
                          '\1 ' || script_source() || ';');
END;
COMMENT ON FUNCTION let_script(text) IS
    'a page whose own policy lets sign_script() run; one with another policy than those of ours keeps it';

CREATE FUNCTION answer_form(decision text, inside text) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT format($html$<form method="post" action="answer_page" id="%s">
<input type="hidden" name="token" value="{{token}}">
{{#language}}
<input type="hidden" name="language" value="{{language}}">
{{/language}}
{{#document}}
<input type="hidden" name="document" value="{{document}}">
{{/document}}
%s</form>
$html$, decision, inside);
END;
COMMENT ON FUNCTION answer_form(text, text) IS
    'the template of a form for an answer: what all have, and what is inside of this one';

CREATE FUNCTION answer_style() RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT $css$<style>
.answer { max-width: 210mm; margin: 0 auto 20mm; padding: 6mm 5mm; background: #fff; color: #1d252c; }
.answer h2 { margin: 0 0 4mm; }
.answer form { margin: 0 0 4mm; }
.answer button { min-height: 12mm; padding: 0 6mm; border: .8pt solid #1f5673; border-radius: 2mm; background: #fff;
  font: inherit; font-weight: 600; color: #1f5673; cursor: pointer; }
.answer .yes { background: #1f5673; color: #fff; }
.answer summary { padding: 3mm 0; cursor: pointer; }
.answer textarea, .answer input { display: block; width: 100%; margin: 2mm 0 4mm; padding: 2mm; font: inherit; }
.answer input { min-height: 11mm; }
.answer input[type=hidden], .answer .pad[hidden] { display: none; }
.answer canvas { display: block; width: 100%; max-width: 120mm; margin: 2mm 0; border: .8pt dashed #66717b;
  border-radius: 2mm; touch-action: none; }
.answer .pad { margin: 0 0 4mm; }
.answer .pad button { min-height: 9mm; padding: 0 4mm; border-color: #dde2e6; font-weight: 400; }
.back { max-width: 210mm; margin: 0 auto 20mm; padding: 4mm 5mm; }
.said { position: fixed; z-index: 2; left: 0; right: 0; bottom: 0; margin: 0; padding: 4mm 5mm; background: #1d252c;
  color: #fff; font-weight: 600; text-align: center; }
@media print { .answer, .back, .said { display: none; } }
</style>
$css$;
END;
COMMENT ON FUNCTION answer_style() IS 'how the forms for an answer look';

CREATE FUNCTION with_answer(page text, data jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN data ->> 'said' IS NULL AND NOT (data ->> 'asks')::boolean AND NOT (data ->> 'signs')::boolean
                     AND NOT (data ->> 'back')::boolean
                THEN page ELSE
        put_before(put_before(CASE WHEN (data ->> 'signs')::boolean THEN let_script(page) ELSE page END, '</head>',
                              answer_style()), '</body>', render($html$
{{#answers}}
<section class="answer">
<h2>{{label.answer}}</h2>
{{#asks}}
$html$ || answer_form('agree', $html$<button class="yes" name="decision" value="agreed">{{label.answer_agree}}</button>
$html$) || $html${{/asks}}
{{#signs}}
<details{{#signing}} open{{/signing}}>
<summary>{{label.answer_sign}}</summary>
$html$ || answer_form('sign', $html$<label>{{label.answer_name}}
<input name="signer" maxlength="200" required autocomplete="name" value="{{signer}}"></label>
<input type="hidden" name="image" value="">
<div class="pad" hidden>
<p>{{label.answer_draw}}</p>
<canvas width="900" height="300"></canvas>
<button type="button">{{label.answer_clear}}</button>
</div>
<button class="yes" name="decision" value="signed">{{label.answer_sign}}</button>
$html$) || $html$</details>
{{/signs}}
{{#asks}}
<details{{#rejecting}} open{{/rejecting}}>
<summary>{{label.answer_change}}</summary>
$html$ || answer_form('reject', $html$<label>{{label.answer_comment}}
<textarea name="comment" rows="5" maxlength="4000" required>
{{comment}}</textarea></label>
<button name="decision" value="rejected">{{label.answer_reject}}</button>
$html$) || $html$</details>
{{/asks}}
</section>
{{/answers}}
{{#back}}
<p class="back">
<a href="shared_page?token={{token}}{{#language}}&amp;language={{language}}{{/language}}">{{label.client_all}}</a>
</p>
{{/back}}
{{#said}}
<p class="said" role="status">{{said}}</p>
{{/said}}
$html$, data || jsonb_build_object('answers', (data ->> 'asks')::boolean OR (data ->> 'signs')::boolean))
            || CASE WHEN (data ->> 'signs')::boolean THEN format(E'<script>%s</script>\n', sign_script())
                    ELSE '' END) END;
END;
COMMENT ON FUNCTION with_answer(text, jsonb) IS
    'a page with what data has for it: the forms for an answer (asks: is one waited for?) and a signature (signs: may '
    'it be signed?; label, comment, signer, and what visited_link() says), a way back, and a line that says what '
    'became of the last answer (said). What was written stays in its form, which is open (rejecting, signing)';

CREATE FUNCTION try_answer(token text, decision text, comment text, document bigint, signer text, image text)
    RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_told CONSTANT text[] := '{answer_reason,answer_long,answer_name,answer_name_long,answer_image,'
                              'answer_image_large}';
    v_rule text;
BEGIN
    IF NOT may_write() THEN
        PERFORM answer_status(405);
        RETURN 'answer_closed';
    END IF;
    RETURN 'answer_' || answer_shared(token, decision, comment, document, signer, image);
EXCEPTION WHEN invalid_parameter_value OR restrict_violation OR foreign_key_violation OR check_violation THEN
    GET STACKED DIAGNOSTICS v_rule = CONSTRAINT_NAME;
    PERFORM answer_status(CASE SQLSTATE WHEN '22023' THEN 400 ELSE 409 END);
    RETURN CASE WHEN v_rule = ANY (c_told) THEN v_rule || '_wrong' ELSE 'answer_refused' END;
END $$;
COMMENT ON FUNCTION try_answer(text, text, text, bigint, text, text) IS
    'give an answer through a link and return the name of the label that says what became of it; a refusal is one, '
    'too, with its status through a gateway';

-- Browsers send a line's end as CR LF and count it as one character.
CREATE FUNCTION answer_page(token text, decision text, comment text DEFAULT NULL, language text DEFAULT NULL,
                            document bigint DEFAULT NULL, signer text DEFAULT NULL, image text DEFAULT NULL)
    RETURNS "text/html"
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_comment text := replace(answer_page.comment, chr(13) || chr(10), chr(10));
    v_said text;
    v_link record;
BEGIN
    PERFORM begin_visit(answer_page.language);
    v_said := try_answer(answer_page.token, answer_page.decision, v_comment, answer_page.document, answer_page.signer,
                         answer_page.image);
    SELECT * INTO v_link FROM linked(answer_page.token, answer_page.document);
    IF v_link.document_id IS NULL THEN
        RETURN invalid_page(answer_page.language);
    END IF;
    RETURN shown_page(document_of(v_link.document_id),
                      visited_link(answer_page.token, answer_page.language, v_link.document_id, v_link.client_id),
                      v_said, jsonb_build_object('comment', left(v_comment, 5000),
                                                 'signer', left(answer_page.signer, 250)));
END $$;
COMMENT ON FUNCTION answer_page(text, text, text, text, bigint, text, text) IS
    'where the forms of shared_page() post to: answer_shared() with a page for an answer, which shows the document as '
    'it is now and says what became of the answer, in the language of the page: taken, without a reason or a name, too '
    'long, no image (400), not waited for any more (409), or not to be taken where nothing can be written (405: GET, a '
    'standby)';
SELECT allow('guest', 'execute', 'answer_page');
