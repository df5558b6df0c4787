-- ---------------------------------------------------------------------------
-- page: documents as pages and tables
--
-- document_rows() gives the positions of a paper to the last digit: prices with
-- all their decimals, hours in seconds too, so that sums are rounded once.  The
-- page, the data that templates are filled with and the CSV are made of these,
-- and document_sheet() has the same rows in the types that dashboards want.
-- It is PL/pgSQL because that keeps its plan: a page asks for the rows thrice.
-- ---------------------------------------------------------------------------

CREATE FUNCTION document_rows(document bigint)
    RETURNS TABLE ("position" integer, project text, title text, url text, first_day date, last_day date, coverage text, unit text, quantity numeric,
                   price numeric, discount_pct numeric, hours_worked numeric(18,2), hours_billed numeric(18,2), amount numeric, discount numeric,
                   tax_rate numeric, net numeric, tax numeric, gross numeric, worked_s bigint, billed_s bigint)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH figure AS (
        SELECT f.line_id, f.position, f.title, f.unit, f.quantity, f.price, f.discount_pct, f.worked_s, f.billed_s, f.amount, f.discount, f.tax_rate,
               f.net, f.tax, f.gross
          FROM document d, document_figures(d.id) f WHERE d.id = document_rows.document AND d.net IS NULL
        UNION ALL
        SELECT l.id, l.position, l.title, l.unit, l.quantity, l.price, l.discount_pct, l.worked_s, l.billed_s, l.amount, l.discount, l.tax_rate,
               l.net, l.tax, l.gross
          FROM document d JOIN document_line l ON l.document_id = d.id WHERE d.id = document_rows.document AND d.net IS NOT NULL
    ), line AS (
        SELECT f.*, d.positions, h.source, h.coverage, h.service_date, p.name AS project,
               h.price * coalesce(h.multiplier, 1) AS hour_price, t.id AS task_id, t.url
          FROM figure f
          JOIN document_line l ON l.id = f.line_id
          JOIN document d ON d.id = l.document_id
          LEFT JOIN document_line r ON r.id = l.reverses_line_id
          LEFT JOIN charge h ON h.id = coalesce(r.charge_id, l.charge_id)
          LEFT JOIN task t ON t.id = coalesce(h.task_id, nullif(l.task_id, d.task_id))
          LEFT JOIN project p ON p.id = CASE d.positions WHEN 'task' THEN coalesce(h.project_id, l.project_id) END
    )
    SELECT l.position, min(l.project), min(l.title),
           CASE WHEN count(DISTINCT l.task_id) = 1 AND count(l.task_id) = count(*) AND min(l.positions) IN ('task', 'none')
                     AND min(l.url) ~* '^https?://[^[:space:]]+$' THEN min(l.url) END,
           min(l.service_date), max(l.service_date),
           CASE WHEN count(DISTINCT l.coverage) = 1 AND min(l.coverage) <> 'billable' THEN min(l.coverage) END,
           min(l.unit),
           CASE WHEN min(l.unit) = 'h' AND count(l.quantity) = 0 THEN (sum(l.billed_s) / 3600.0)::numeric(18,2)
                WHEN count(l.quantity) > 0 THEN sum(l.quantity) WHEN min(l.kind) <> 'credit_note' THEN 1 END,
           CASE WHEN sum(l.amount) = 0 AND min(l.coverage) <> 'billable' THEN NULL
                WHEN count(l.price) > 0 THEN min(l.price)
                WHEN min(l.kind) = 'credit_note' THEN NULL
                WHEN min(l.source) = 'time' THEN CASE WHEN count(DISTINCT l.hour_price) = 1 THEN min(l.hour_price) END
                ELSE sum(l.amount) END,
           min(l.discount_pct), (sum(l.worked_s) / 3600.0)::numeric(18,2), (sum(l.billed_s) / 3600.0)::numeric(18,2),
           sum(l.amount), sum(l.discount), min(l.tax_rate), sum(l.net), sum(l.tax), sum(l.gross), sum(l.worked_s)::bigint, sum(l.billed_s)::bigint
      FROM (SELECT l.*, d.kind FROM line l JOIN document d ON d.id = document_rows.document) l
     GROUP BY l.position
     ORDER BY l.position;
END $$;
COMMENT ON FUNCTION document_rows(bigint) IS
    'the positions of a document as they stand on the paper, those of a draft as they are now: project, title and link of the task (only http and https), days of the work, '
    'coverage where it is not billable, quantity (hours, where unit is h) and price, discount_pct of the position, hours, amount before the document''s '
    'discount, its share of that discount, net, tax, gross, in the document''s currency; seconds beside the hours for sums';
SELECT allow('reader', 'execute', 'document_rows');

-- ---------------------------------------------------------------------------
-- figures and days as a language writes them
-- ---------------------------------------------------------------------------

CREATE FUNCTION page_number(number numeric, decimals int, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN n.rounded < 0 THEN '−' ELSE '' END
           || regexp_replace(split_part(abs(n.rounded)::text, '.', 1), '(\d)(?=(\d{3})+$)', '\1' || CASE language WHEN 'en' THEN ',' ELSE U&'\00A0' END, 'g')
           || CASE WHEN decimals > 0 THEN CASE language WHEN 'en' THEN '.' ELSE ',' END || split_part(abs(n.rounded)::text, '.', 2) ELSE '' END
      FROM (SELECT round(number, decimals) AS rounded) n;
END;
COMMENT ON FUNCTION page_number(numeric, int, text) IS
    'a number with so many decimals as a language writes it: 1,234.50 in en, 1 234,50 with no-break spaces in uk and ru; a real minus sign';

CREATE FUNCTION page_date(day date, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE language
               WHEN 'uk' THEN format('%s %s %s р.', extract(day FROM day),
                   ('{січня,лютого,березня,квітня,травня,червня,липня,серпня,вересня,жовтня,листопада,грудня}'::text[])[extract(month FROM day)], extract(year FROM day))
               WHEN 'ru' THEN format('%s %s %s г.', extract(day FROM day),
                   ('{января,февраля,марта,апреля,мая,июня,июля,августа,сентября,октября,ноября,декабря}'::text[])[extract(month FROM day)], extract(year FROM day))
               ELSE format('%s %s %s', extract(day FROM day),
                   ('{January,February,March,April,May,June,July,August,September,October,November,December}'::text[])[extract(month FROM day)], extract(year FROM day)) END
     WHERE day IS NOT NULL;
END;
COMMENT ON FUNCTION page_date(date, text) IS 'a day written out: 31 березня 2026 р., 31 марта 2026 г., 31 March 2026';

CREATE FUNCTION page_days(first_day date, last_day date, language text, beside date DEFAULT NULL) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(CASE language
               WHEN 'en' THEN concat_ws(' ', extract(day FROM d.day)::text,
                   ('{Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec}'::text[])[extract(month FROM d.day)],
                   CASE WHEN d.year_known THEN NULL ELSE extract(year FROM d.day)::text END)
               ELSE lpad(extract(day FROM d.day)::text, 2, '0') || '.' || lpad(extract(month FROM d.day)::text, 2, '0')
                    || CASE WHEN d.year_known THEN '' ELSE '.' || extract(year FROM d.day)::text END END, ' – ' ORDER BY d.no)
      FROM (SELECT v.no, v.day, coalesce(extract(year FROM first_day) = extract(year FROM beside)
                                         AND extract(year FROM last_day) = extract(year FROM beside), false) AS year_known
              FROM (VALUES (1, first_day), (2, nullif(last_day, first_day))) AS v (no, day)) d
     WHERE d.day IS NOT NULL;
END;
COMMENT ON FUNCTION page_days(date, date, text, date) IS
    'a day or a range of days in short: 01.03.2026 – 31.03.2026, 1 Mar 2026 – 31 Mar 2026; the year is left out where both days are in that of beside';

CREATE FUNCTION page_percent(percent numeric, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT page_number(percent, scale(trim_scale(percent)), language) || CASE language WHEN 'en' THEN '%' ELSE U&'\00A0%' END;
END;
COMMENT ON FUNCTION page_percent(numeric, text) IS 'a percentage as a language writes it: 20% in en, 20 % in uk and ru';

-- ---------------------------------------------------------------------------
-- what a page says
-- ---------------------------------------------------------------------------

CREATE FUNCTION page_party(party bigint, language text) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH known (key, no, in_bank) AS (
        VALUES ('tax_id', 1, false), ('reg_no', 2, false), ('kpp', 3, false), ('vat_no', 4, false), ('address', 5, false),
               ('phone', 11, false), ('email', 12, false), ('website', 13, false),
               ('iban', 21, true), ('account', 22, true), ('bank', 23, true), ('bic', 24, true), ('correspondent_account', 25, true)
    ), said AS (
        SELECT p.email, jsonb_build_object('name', coalesce(p.legal_name, p.name))
                        || CASE WHEN p.tax_id IS NULL THEN '{}' ELSE jsonb_build_object('tax_id', p.tax_id) END || p.requisites
                        || CASE jsonb_typeof(p.requisites -> page_party.language) WHEN 'object' THEN p.requisites -> page_party.language ELSE '{}' END AS requisites
          FROM party p WHERE p.id = page_party.party
    ), requisite AS (
        SELECT coalesce(b.label, e.key) AS name, e.value, coalesce(k.no, 10) AS no, coalesce(k.in_bank, false) AS in_bank, e.key
          FROM said s
         CROSS JOIN LATERAL (
            SELECT r.key, s.requisites ->> r.key AS value FROM jsonb_each(s.requisites) r
             WHERE jsonb_typeof(r.value) IN ('string', 'number') AND r.key NOT IN ('language', 'name', 'signatory', 'signatory_title')) e
          LEFT JOIN known k ON k.key = e.key
          LEFT JOIN page_label b ON b.language = page_party.language AND b.name = 'requisite_' || e.key
         WHERE e.value <> ''
    )
    SELECT jsonb_build_object(
        'name', coalesce(p.requisites ->> 'name', ''), 'address', p.requisites ->> 'address', 'tax_id', p.requisites ->> 'tax_id',
        'email', coalesce(p.requisites ->> 'email', p.email), 'signatory', p.requisites ->> 'signatory', 'signatory_title', p.requisites ->> 'signatory_title',
        'requisites', coalesce((SELECT jsonb_agg(jsonb_build_object('name', r.name, 'value', r.value) ORDER BY r.no, r.key)
                                  FROM requisite r WHERE NOT r.in_bank), '[]'),
        'bank', coalesce((SELECT jsonb_agg(jsonb_build_object('name', r.name, 'value', r.value) ORDER BY r.no)
                            FROM requisite r WHERE r.in_bank), '[]'))
      FROM (SELECT) one LEFT JOIN said p ON true;
END;
COMMENT ON FUNCTION page_party(bigint, text) IS
    'a party as pages print it: the name, what identifies it (requisites) and its bank details. Keys of party.requisites: reg_no, kpp, vat_no, address, '
    'phone, email, website, iban, account, bank, bic, correspondent_account under the label of the language, any other under its own name; name the '
    'one on pages, signatory and signatory_title who signs, language the language of its pages; an object under uk, ru or en says it in that language';

CREATE FUNCTION page_rows(document bigint, language text, label jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH head AS (
        SELECT currency_exponent(d.currency) AS exponent, CASE d.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS side,
               coalesce(d.period_to, d.issued_on, books_today()) AS beside
          FROM document d WHERE d.id = page_rows.document
    ), "row" AS MATERIALIZED (
        SELECT r.*, row_number() OVER (ORDER BY r.position) AS no FROM document_rows(page_rows.document) r
    ), grp AS (
        SELECT r.project, min(r.position) AS first, sum(r.worked_s) AS worked_s, sum(r.billed_s) AS billed_s, sum(r.amount) AS amount,
               jsonb_agg(jsonb_build_object(
                   'no', r.no,
                   'title', coalesce(page_date(iso_date(r.title), language), r.title),
                   'url', r.url,
                   'days', CASE WHEN iso_date(r.title) IS NULL THEN page_days(r.first_day, r.last_day, language, h.beside) END,
                   'unit', coalesce(label ->> ('unit_' || r.unit), r.unit),
                   'quantity', page_number(r.quantity * h.side, greatest(scale(trim_scale(r.quantity)), CASE r.unit WHEN 'h' THEN 2 ELSE 0 END), language),
                   'price', page_number(r.price, greatest(scale(trim_scale(r.price)), h.exponent), language),
                   'discount', page_percent(nullif(r.discount_pct, 0), language),
                   'hours_worked', page_number(r.hours_worked * h.side, 2, language), 'hours_billed', page_number(r.hours_billed * h.side, 2, language),
                   'amount', page_number(r.amount * h.side, h.exponent, language),
                   'net', page_number(r.net * h.side, h.exponent, language),
                   'tax_rate', coalesce(page_percent(r.tax_rate, language), label ->> 'tax_none'),
                   'tax', page_number(r.tax * h.side, h.exponent, language), 'gross', page_number(r.gross * h.side, h.exponent, language),
                   'free', r.coverage IS NOT NULL, 'coverage', label ->> ('coverage_' || r.coverage)) ORDER BY r.no) AS rows
          FROM "row" r CROSS JOIN head h
         GROUP BY r.project
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'title', coalesce(g.project, label ->> 'rest'), 'hours_worked', page_number(g.worked_s * h.side / 3600.0, 2, language),
               'hours_billed', page_number(g.billed_s * h.side / 3600.0, 2, language), 'amount', page_number(g.amount * h.side, h.exponent, language),
               'rows', g.rows) ORDER BY g.first), '[]')
      FROM grp g CROSS JOIN head h;
END;
COMMENT ON FUNCTION page_rows(bigint, text, jsonb) IS
    'the positions of a document in groups by project, written for a language';

CREATE FUNCTION page_totals(document bigint, language text, label jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH head AS (
        SELECT d.id, d.currency, d.tax_inclusive, currency_exponent(d.currency) AS exponent, CASE d.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS side,
               coalesce(label ->> ('currency_' || d.currency), d.currency) AS currency_name
          FROM document d WHERE d.id = page_totals.document
    ), "row" AS MATERIALIZED (
        SELECT r.* FROM document_rows(page_totals.document) r
    ), rate AS (
        SELECT r.tax_rate, sum(r.net) AS net, sum(r.tax) AS tax FROM "row" r WHERE r.tax_rate IS NOT NULL GROUP BY 1
    ), total AS (
        SELECT coalesce(sum(r.worked_s), 0) AS worked_s, coalesce(sum(r.billed_s), 0) AS billed_s, coalesce(sum(r.amount), 0) AS amount,
               coalesce(sum(r.discount), 0) AS discount, coalesce(sum(r.net), 0) AS net, coalesce(sum(r.tax), 0) AS tax, coalesce(sum(r.gross), 0) AS gross,
               count(r.tax_rate) AS taxed
          FROM "row" r
    )
    SELECT jsonb_build_object(
        'hours_worked', page_number(t.worked_s * h.side / 3600.0, 2, language), 'hours_billed', page_number(t.billed_s * h.side / 3600.0, 2, language),
        'amount', page_number(t.amount * h.side, h.exponent, language),
        'discount', page_number(nullif(-t.discount * h.side, 0), h.exponent, language),
        'net', page_number(t.net * h.side, h.exponent, language), 'tax', page_number(t.tax * h.side, h.exponent, language),
        'gross', page_number(t.gross * h.side, h.exponent, language),
        'gross_money', CASE language WHEN 'en' THEN h.currency_name || U&'\00A0' || page_number(t.gross * h.side, h.exponent, language)
                                     ELSE page_number(t.gross * h.side, h.exponent, language) || U&'\00A0' || h.currency_name END,
        'words', amount_in_words(t.gross * h.side, h.currency, language),
        'taxed', t.taxed > 0, 'tax_free', t.taxed = 0, 'inclusive', h.tax_inclusive,
        'taxes', coalesce((SELECT jsonb_agg(jsonb_build_object(
                'name', format('%s %s', CASE WHEN h.tax_inclusive THEN label ->> 'tax_included' ELSE label ->> 'tax' END, page_percent(r.tax_rate, language)),
                'base', page_number(r.net * h.side, h.exponent, language), 'amount', page_number(r.tax * h.side, h.exponent, language)) ORDER BY r.tax_rate DESC)
              FROM rate r), '[]'),
        'paid', page_number(nullif(b.allocated, 0), h.exponent, language), 'credited', page_number(nullif(b.credited, 0), h.exponent, language),
        'open', CASE WHEN b.open > 0 AND b.open < b.gross THEN page_number(b.open, h.exponent, language) END)
      FROM total t CROSS JOIN head h LEFT JOIN document_balance b ON b.document_id = h.id;
END;
COMMENT ON FUNCTION page_totals(bigint, text, jsonb) IS
    'the sums of a document, written for a language: hours, amount before and discount of the document, net, tax by rate, gross, in words, paid and open; '
    'credit notes with their signs turned';

CREATE FUNCTION page_language(document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((SELECT w.language
                       FROM (VALUES (1, d.party_id), (2, coalesce(d.own_id, (SELECT min(o.id) FROM party o WHERE o.kind = 'own')))) AS x (no, party_id)
                       JOIN party p ON p.id = x.party_id
                      CROSS JOIN LATERAL (SELECT p.requisites ->> 'language') AS w (language)
                      WHERE w.language IN ('uk', 'ru', 'en') ORDER BY x.no LIMIT 1), 'en')
      FROM document d WHERE d.id = page_language.document;
END;
COMMENT ON FUNCTION page_language(bigint) IS
    'the language of a document''s page, uk, ru or en: requisites ->> ''language'' of the party, else of the own company, else English';

CREATE FUNCTION page_heading(kind text, number text, issued_on date, language text, label jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws(' ', label ->> kind, CASE WHEN number IS NOT NULL THEN (label ->> 'numero') || U&'\00A0' || number END,
                     CASE WHEN issued_on IS NOT NULL THEN (label ->> 'dated') || ' ' || page_days(issued_on, issued_on, language) END);
END;
COMMENT ON FUNCTION page_heading(text, text, date, text, jsonb) IS 'what a page calls a document: kind, number and date';

CREATE FUNCTION document_data(document bigint, language text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_language text;
    v_label jsonb;
    v_own bigint;
    v_brand brand;
    v_party jsonb;
    v_groups jsonb;
    v_data jsonb;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = document_data.document;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no document %', document_data.document
            USING ERRCODE = 'foreign_key_violation', HINT = 'View document_card lists the documents.';
    END IF;
    IF v_document.incoming THEN
        RAISE EXCEPTION '% came from outside and has no page of ours', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Its file_url says where the other side''s paper is.';
    END IF;
    v_language := coalesce(document_data.language, page_language(v_document.id));
    IF v_language NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'pages have no language "%"', v_language
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose one of: uk, ru, en.';
    END IF;
    v_label := page_labels(v_language);
    v_own := coalesce(v_document.own_id, (SELECT min(p.id) FROM party p WHERE p.kind = 'own'));
    SELECT * INTO v_brand FROM brand b WHERE b.own_id = v_own;
    v_party := page_party(v_own, v_language);
    v_groups := page_rows(v_document.id, v_language, v_label);

    v_data := jsonb_build_object(
        'label', v_label, 'language', v_language, 'kind', v_document.kind, 'heading', v_label ->> v_document.kind,
        'number', v_document.number, 'number_line', (v_label ->> 'numero') || chr(160) || v_document.number,
        'page_title', concat_ws(' ', page_heading(v_document.kind, v_document.number, NULL, v_language, v_label)),
        'title', v_document.title, 'date', page_date(v_document.issued_on, v_language), 'due', page_date(v_document.due_on, v_language),
        'period', page_days(v_document.period_from, v_document.period_to, v_language),
        'contract', (SELECT c.number FROM contract c WHERE c.id = v_document.contract_id),
        'project', (SELECT p.name FROM project p WHERE p.id = v_document.project_id),
        'task', (SELECT concat_ws(' ', t.number, t.title) FROM task t WHERE t.id = v_document.task_id AND v_document.kind IN ('specification', 'proposal')),
        'basis', (SELECT page_heading(b.kind, coalesce(b.number, b.outside_number), b.issued_on, v_language, v_label) FROM document b WHERE b.id = v_document.based_on),
        'status', CASE WHEN v_document.status IN ('agreed', 'partly_paid', 'paid', 'credited') THEN v_label ->> ('status_' || v_document.status) END,
        'mark', CASE WHEN v_document.status IN ('draft', 'void', 'superseded', 'rejected') THEN v_label ->> ('status_' || v_document.status) END,
        'currency', coalesce(v_label ->> ('currency_' || v_document.currency), v_document.currency),
        'requirements', v_document.requirements, 'note', v_document.note,
        'gross_label', v_label ->> CASE v_document.kind WHEN 'invoice' THEN 'gross_due' WHEN 'proforma' THEN 'gross_due'
                                                         WHEN 'credit_note' THEN 'gross_credited' ELSE 'gross' END,
        'brand', jsonb_build_object('name', coalesce(v_brand.name, (SELECT p.name FROM party p WHERE p.id = v_own), ''), 'logo', v_brand.logo,
            'accent', coalesce(v_brand.accent, '#1f5673'), 'ink', coalesce(v_brand.ink, '#1d252c'), 'footer', v_brand.footer),
        'own', v_party, 'client', page_party(v_document.party_id, v_language), 'groups', v_groups);
    RETURN v_data || jsonb_build_object(
        'totals', page_totals(v_document.id, v_language, v_label),
        'show', (SELECT jsonb_build_object('groups', jsonb_array_length(v_groups) > 1, 'hours', coalesce(bool_or(r.worked_s <> 0 OR r.billed_s <> 0), false),
                        'quantity', coalesce(bool_or(r.quantity IS NOT NULL), false), 'discount', coalesce(bool_or(r.discount_pct <> 0), false),
                        'tax_rate', count(DISTINCT coalesce(r.tax_rate, -1)) > 1)
                   FROM document_rows(v_document.id) r),
        'payment', CASE WHEN v_document.kind IN ('invoice', 'proforma') AND jsonb_array_length(v_party -> 'bank') > 0
                        THEN jsonb_build_object('beneficiary', v_party ->> 'name', 'requisites', v_party -> 'bank',
                            'purpose', CASE WHEN v_document.number IS NOT NULL THEN
                                page_heading('purpose_' || v_document.kind, v_document.number, v_document.issued_on, v_language, v_label) END) END,
        'signature', CASE WHEN v_document.sign_status = 'signed'
                          THEN jsonb_build_object('by', v_document.sign_by, 'on', page_date((v_document.sign_at AT TIME ZONE s.zone)::date, v_language),
                            'image', 'data:' || v_document.signature_type || ';base64,' || translate(encode(v_document.signature, 'base64'), chr(10), '')) END)
      FROM setting s;
END $$;
COMMENT ON FUNCTION document_data(bigint, text) IS
    'all that the page of a document says, as text written for the language (NULL: page_language()): what templates name, see page_sample(). Refused: '
    'unknown document (23503), language (22023), what came from outside (23001)';
SELECT allow('reader', 'execute', 'document_data');

CREATE FUNCTION document_html(document bigint, language text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_data jsonb := document_data(document_html.document, document_html.language);
    v_kinds text[] := ARRAY[v_data ->> 'kind', CASE v_data ->> 'kind' WHEN 'credit_note' THEN 'invoice' WHEN 'proforma' THEN 'invoice'
                                                                      WHEN 'proposal' THEN 'specification' END];
    v_body text;
BEGIN
    SELECT t.body INTO v_body
      FROM template t, document d
     WHERE d.id = document_html.document AND t.kind = ANY (v_kinds)
       AND (t.own_id IS NULL OR t.own_id = coalesce(d.own_id, (SELECT min(p.id) FROM party p WHERE p.kind = 'own')))
       AND (t.language IS NULL OR t.language = v_data ->> 'language')
     ORDER BY t.own_id IS NULL, array_position(v_kinds, t.kind), t.language IS NULL
     LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has no template', document_name(document_html.document)
            USING ERRCODE = 'foreign_key_violation', HINT = format('Add a row of kind %s to table template; page_sample() shows what it can name.', v_data ->> 'kind');
    END IF;
    RETURN render(v_body, v_data);
END $$;
COMMENT ON FUNCTION document_html(bigint, text) IS
    'a document as one complete HTML page: branded, every value escaped, nothing loaded from elsewhere, made to be printed on A4. Refused as '
    'document_data() is, and where no template is stored for its kind (23503)';
SELECT allow('reader', 'execute', 'document_html');

-- ---------------------------------------------------------------------------
-- as a table
-- ---------------------------------------------------------------------------

CREATE FUNCTION csv_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(CASE WHEN v.value ~ '[",\r\n]|^\s|\s$' THEN '"' || replace(v.value, '"', '""') || '"' ELSE v.value END, '')
      FROM (SELECT CASE WHEN value ~ '^\s*[-=+@\t\r\uFF1D\uFF0B\uFF0D\uFF20]' THEN '''' || value ELSE value END AS value) v;
END;
COMMENT ON FUNCTION csv_text(text) IS
    'a cell of text for CSV (RFC 4180), quoted where it must be; what a spreadsheet would run as a formula gets an apostrophe before it';

CREATE FUNCTION document_csv(document bigint, bom boolean DEFAULT true) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_exponent int;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = document_csv.document;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no document %', document_csv.document
            USING ERRCODE = 'foreign_key_violation', HINT = 'View document_card lists the documents.';
    END IF;
    v_exponent := currency_exponent(v_document.currency);
    RETURN CASE WHEN bom THEN chr(65279) ELSE '' END
        || 'document,number,date,position,project,title,url,first_day,last_day,coverage,unit,quantity,price,discount_pct,hours_worked,hours_billed,'
           'amount,discount,net,tax_rate,tax,gross,currency' || chr(13) || chr(10)
        || coalesce((
        SELECT string_agg(concat_ws(',', v_document.kind, csv_text(coalesce(v_document.number, v_document.outside_number)), coalesce(iso(v_document.issued_on), ''),
                   r.position::text, csv_text(r.project), csv_text(r.title), csv_text(r.url), coalesce(iso(r.first_day), ''), coalesce(iso(r.last_day), ''),
                   coalesce(r.coverage, ''), csv_text(r.unit), coalesce(trim_scale(r.quantity)::text, ''), coalesce(trim_scale(r.price)::text, ''),
                   coalesce(trim_scale(r.discount_pct)::text, ''), coalesce(r.hours_worked::text, ''), coalesce(r.hours_billed::text, ''),
                   round(r.amount, v_exponent)::text, coalesce(round(r.discount, v_exponent)::text, ''), round(r.net, v_exponent)::text,
                   coalesce(trim_scale(r.tax_rate)::text, ''), round(r.tax, v_exponent)::text, round(r.gross, v_exponent)::text, v_document.currency)
               || chr(13) || chr(10), '' ORDER BY r.position)
          FROM document_rows(v_document.id) r), '');
END $$;
COMMENT ON FUNCTION document_csv(bigint, boolean) IS
    'the positions of a document as CSV (RFC 4180, CRLF, UTF-8, a header line): numbers with a point and no spaces, days as YYYY-MM-DD; a byte order mark '
    'first, by which spreadsheets know UTF-8, unless bom is false. Texts that begin like a formula get an apostrophe. Unknown documents are refused (23503)';
SELECT allow('reader', 'execute', 'document_csv');

-- ---------------------------------------------------------------------------
-- for a REST gateway, which takes the domain's name for the media type
-- ---------------------------------------------------------------------------

CREATE DOMAIN "text/html" AS text;
COMMENT ON DOMAIN "text/html" IS 'a page, for gateways that choose the media type by the name of the type';
CREATE DOMAIN "text/csv" AS text;
COMMENT ON DOMAIN "text/csv" IS 'a table, for gateways that choose the media type by the name of the type';

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
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>{{heading}}</title>
<style>
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif; color: #1d252c; -webkit-text-size-adjust: 100%; }
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
$html$, jsonb_build_object('language', language, 'heading', heading, 'number_line', number_line, 'says', says, 'hint', hint));
END;
COMMENT ON FUNCTION notice_page(text, text, text, text, text) IS
    'a whole HTML page in the look of documents that says one thing: heading, number_line below it (NULL: none), what it says and what can be done';

CREATE FUNCTION visitor_language(language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(visitor_language.language,
        (SELECT l.language
           FROM regexp_split_to_table(lower(left(nullif(current_setting('request.headers', true), '')::jsonb ->> 'accept-language', 200)), '[,;[:space:]]+')
                WITH ORDINALITY AS a (range, no)
           JOIN (VALUES ('uk'), ('ru'), ('en')) AS l (language) ON a.range = l.language OR a.range LIKE l.language || '-%'
          ORDER BY a.no LIMIT 1),
        'en');
END;
COMMENT ON FUNCTION visitor_language(text) IS
    'the language for a visitor of whom nothing is known: the one asked for, else the first of uk, ru, en that the browser names (Accept-Language, '
    'where a gateway passes it), else English';

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
        PERFORM set_config('response.headers', '[{"Cache-Control": "private, no-store"}, {"Referrer-Policy": "no-referrer"}]', true);
    END IF;
    SELECT d.* INTO v_document FROM open_link(shared_page.token) l JOIN document d ON d.id = l.document_id;
    IF v_document.id IS NULL THEN
        PERFORM answer_status(404);
        v_language := visitor_language(shared_page.language);
        v_label := page_labels(v_language);
        RETURN notice_page(v_language, v_label ->> 'link_invalid', NULL, v_label ->> 'link_invalid_says', v_label ->> 'link_invalid_hint');
    END IF;
    IF v_document.status IN ('void', 'superseded') THEN
        v_language := coalesce(shared_page.language, page_language(v_document.id));
        v_label := page_labels(v_language);
        RETURN notice_page(v_language, page_heading(v_document.kind, v_document.number, v_document.issued_on, v_language, v_label),
                           v_label ->> ('status_' || v_document.status), v_label ->> (v_document.status || '_says'), v_label ->> (v_document.status || '_hint'));
    END IF;
    RETURN document_html(v_document.id, shared_page.language);
END $$;
COMMENT ON FUNCTION shared_page(text, text) IS
    'the page of what the link with this token opens. Where the link is unknown, expired or revoked, all alike, a page that says so, through a gateway '
    'with status 404; where the document is void or superseded a page that says so in place of its figures. Refused: other languages than uk, ru, en '
    '(22023). SECURITY DEFINER: a visitor reaches this document and nothing else';
SELECT allow('guest', 'execute', 'shared_page');
