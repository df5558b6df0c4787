-- ---------------------------------------------------------------------------
-- table: documents as CSV, and pages and tables for a REST gateway
-- ---------------------------------------------------------------------------

CREATE FUNCTION document_csv(document bigint, bom boolean DEFAULT true, language text DEFAULT 'en') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    c_columns CONSTANT text[] := '{document,number,date,position,project,title,url,first_day,last_day,coverage,unit,'
                                 'quantity,clock,price,discount_pct,hours_worked,hours_billed,amount,summed,discount,'
                                 'net,tax_rate,tax,gross,currency}';
    v_document document := document_of(document_csv.document);
    v_exponent int := currency_exponent(v_document.currency);
BEGIN
    RETURN table_csv((
        SELECT coalesce(json_agg(json_build_object(
                   'document', v_document.kind, 'number', coalesce(v_document.number, v_document.outside_number),
                   'date', iso(v_document.issued_on), 'position', r.position, 'project', r.project, 'title', r.title,
                   'url', r.url, 'first_day', iso(r.first_day), 'last_day', iso(r.last_day), 'coverage', r.coverage,
                   'unit', r.unit, 'quantity', trim_scale(r.quantity), 'clock', r.clock,
                   'price', trim_scale(r.price),
                   'discount_pct', trim_scale(r.discount_pct), 'hours_worked', r.hours_worked,
                   'hours_billed', r.hours_billed, 'amount', round(r.amount, v_exponent), 'summed', r.summed,
                   'discount', round(r.discount, v_exponent), 'net', round(r.net, v_exponent),
                   'tax_rate', trim_scale(r.tax_rate), 'tax', round(r.tax, v_exponent),
                   'gross', round(r.gross, v_exponent), 'currency', v_document.currency) ORDER BY r.position), '[]')
          FROM document_rows(v_document.id) r), document_csv.language, document_csv.bom, c_columns);
END $$;
COMMENT ON FUNCTION document_csv(bigint, boolean, text) IS
    'the positions of a document as CSV, as table_csv() writes it: numbers for spreadsheets of the language, days as '
    'YYYY-MM-DD. Unknown documents are refused (23503)';
SELECT allow('reader', 'execute', 'document_csv');

CREATE FUNCTION document_page(document bigint, language text DEFAULT NULL) RETURNS "text/html"
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT document_html(document_page.document, document_page.language)::"text/html";
END;
COMMENT ON FUNCTION document_page(bigint, text) IS 'document_html() under its media type';
SELECT allow('reader', 'execute', 'document_page');

CREATE FUNCTION document_table(document bigint, language text DEFAULT 'en') RETURNS "text/csv"
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT document_csv(document_table.document, language => document_table.language)::"text/csv";
END;
COMMENT ON FUNCTION document_table(bigint, text) IS 'document_csv() under its media type';
SELECT allow('reader', 'execute', 'document_table');

CREATE FUNCTION statement_table(client bigint, from_date date, to_date date, language text DEFAULT 'en')
    RETURNS "text/csv"
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT table_csv(coalesce(json_agg(s), '[]'), statement_table.language,
                     columns => '{on_date,kind,number,detail,debit,credit,balance,currency,document_id,payment_id}'
                     )::"text/csv"
      FROM client_statement(statement_table.client, from_date, to_date) s;
END;
COMMENT ON FUNCTION statement_table(bigint, date, date, text) IS
    'client_statement() as CSV, as table_csv() writes it, under its media type';
SELECT allow('reader', 'execute', 'statement_table');
