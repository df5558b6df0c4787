
-- ---------------------------------------------------------------------------
-- templates: pages out of jsonb, everything escaped
--
--     {{name}} {{a.b}}        a value, escaped for HTML
--     {{.}}                   the element that the section stands at
--     {{#name}}…{{/name}}     for each element of a list, or once for a value
--                             that is not empty; names are sought in it first
--     {{^name}}…{{/name}}     when it is empty: null, false, "" or []
--     {{! … }}                a comment
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.render(template text, data jsonb) RETURNS text
    AS 'MODULE_PATHNAME', 'finance_render' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.render(text, jsonb) IS
    'a template filled with data, every value escaped for HTML; refuses, with the line, a template that does not parse and a '
    'name that the data do not have (22023), a template above 1 MB and a page above 64 MB (54000)';

CREATE FUNCTION finance.check_template(template text) RETURNS void
    AS 'MODULE_PATHNAME', 'finance_check_template' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.check_template(text) IS
    'refuse, with the line, a template that does not parse: unknown tags, sections not closed (22023), nested above 32 (54000)';

CREATE FUNCTION finance.check_template(template text, sample jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'finance_check_template' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.check_template(text, jsonb) IS
    'refuse, with the line, a template that does not parse or names what the sample does not have (22023); every section is '
    'entered, with the first element of its list';
