-- ---------------------------------------------------------------------------
-- table: documents as CSV, and pages for a REST gateway
-- ---------------------------------------------------------------------------

CREATE FUNCTION csv_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(CASE WHEN v.value ~ '[",\r\n]|^\s|\s$' THEN '"' || replace(v.value, '"', '""') || '"'
                    ELSE v.value END, '')
      FROM (SELECT CASE WHEN value ~ '^\s*[-=+@\t\r\uFF1D\uFF0B\uFF0D\uFF20]' THEN '''' || value
            ELSE value END AS value) v;
END;
COMMENT ON FUNCTION csv_text(text) IS
    'a cell of text for CSV (RFC 4180), quoted where it must be; what a spreadsheet would run as a formula gets an '
    'apostrophe before it';

CREATE FUNCTION document_csv(document bigint, bom boolean DEFAULT true) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_exponent int;
BEGIN
    v_document := document_of(document_csv.document);
    v_exponent := currency_exponent(v_document.currency);
    RETURN CASE WHEN bom THEN chr(65279) ELSE '' END
        || 'document,number,date,position,project,title,url,first_day,last_day,coverage,unit,quantity,price,'
           'discount_pct,hours_worked,hours_billed,'
           'amount,discount,net,tax_rate,tax,gross,currency' || chr(13) || chr(10)
        || coalesce((
        SELECT string_agg(concat_ws(',', v_document.kind,
                                    csv_text(coalesce(v_document.number, v_document.outside_number)),
                                    coalesce(iso(v_document.issued_on), ''),
                   r.position::text, csv_text(r.project), csv_text(r.title), csv_text(r.url),
                   coalesce(iso(r.first_day), ''), coalesce(iso(r.last_day), ''),
                   coalesce(r.coverage, ''), csv_text(r.unit), coalesce(trim_scale(r.quantity)::text, ''),
                   coalesce(trim_scale(r.price)::text, ''),
                   coalesce(trim_scale(r.discount_pct)::text, ''), coalesce(r.hours_worked::text, ''),
                   coalesce(r.hours_billed::text, ''),
                   round(r.amount, v_exponent)::text, coalesce(round(r.discount, v_exponent)::text, ''),
                   round(r.net, v_exponent)::text,
                   coalesce(trim_scale(r.tax_rate)::text, ''), round(r.tax, v_exponent)::text,
                   round(r.gross, v_exponent)::text, v_document.currency)
               || chr(13) || chr(10), '' ORDER BY r.position)
          FROM document_rows(v_document.id) r), '');
END $$;
COMMENT ON FUNCTION document_csv(bigint, boolean) IS
    'the positions of a document as CSV (RFC 4180, CRLF, UTF-8, a header line): numbers with a point and no spaces, '
    'days as YYYY-MM-DD; a byte order mark first, by which spreadsheets know UTF-8, unless bom is false. Texts that '
    'begin like a formula get an apostrophe. Unknown documents are refused (23503)';
SELECT allow('reader', 'execute', 'document_csv');

CREATE FUNCTION document_page(document bigint, language text DEFAULT NULL) RETURNS "text/html"
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT document_html(document_page.document, document_page.language)::"text/html";
END;
COMMENT ON FUNCTION document_page(bigint, text) IS 'document_html() under its media type';
SELECT allow('reader', 'execute', 'document_page');

CREATE FUNCTION document_table(document bigint) RETURNS "text/csv"
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT document_csv(document_table.document)::"text/csv";
END;
COMMENT ON FUNCTION document_table(bigint) IS 'document_csv() under its media type';
SELECT allow('reader', 'execute', 'document_table');
