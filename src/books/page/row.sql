-- ---------------------------------------------------------------------------
-- row: the rows, totals and parties of a page, as a language writes them
-- ---------------------------------------------------------------------------

CREATE FUNCTION page_number(number numeric, decimals int, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN n.rounded < 0 THEN '−' ELSE '' END
           || regexp_replace(split_part(abs(n.rounded)::text, '.', 1), '(\d)(?=(\d{3})+$)', '\1' || CASE language
                             WHEN 'en' THEN ',' ELSE U&'\00A0' END, 'g')
           || CASE WHEN decimals > 0 THEN CASE language WHEN 'en' THEN '.'
               ELSE ',' END || split_part(abs(n.rounded)::text, '.', 2) ELSE '' END
      FROM (SELECT round(number, decimals) AS rounded) n;
END;
COMMENT ON FUNCTION page_number(numeric, int, text) IS
    'a number with so many decimals as a language writes it: 1,234.50 in en, 1 234,50 with no-break spaces in uk and '
    'ru; a real minus sign';

CREATE FUNCTION page_date(day date, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE language
               WHEN 'uk' THEN format('%s %s %s р.', extract(day FROM day),
                   ('{січня,лютого,березня,квітня,травня,червня,'
                    'липня,серпня,вересня,жовтня,листопада,грудня}'::text[])[extract(month FROM day)],
                   extract(year FROM day))
               WHEN 'ru' THEN format('%s %s %s г.', extract(day FROM day),
                   ('{января,февраля,марта,апреля,мая,июня,'
                    'июля,августа,сентября,октября,ноября,декабря}'::text[])[extract(month FROM day)],
                   extract(year FROM day))
               ELSE format('%s %s %s', extract(day FROM day),
                   ('{January,February,March,April,May,June,'
                    'July,August,September,October,November,December}'::text[])[extract(month FROM day)],
                   extract(year FROM day)) END
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
                    || CASE WHEN d.year_known THEN '' ELSE '.' || extract(year FROM d.day)::text END END, ' – '
                        ORDER BY d.no)
      FROM (SELECT v.no, v.day, coalesce(extract(year FROM first_day) = extract(year FROM beside)
                                         AND extract(year FROM last_day) = extract(year
                                             FROM beside), false) AS year_known
              FROM (VALUES (1, first_day), (2, nullif(last_day, first_day))) AS v (no, day)) d
     WHERE d.day IS NOT NULL;
END;
COMMENT ON FUNCTION page_days(date, date, text, date) IS
    'a day or a range of days in short: 01.03.2026 – 31.03.2026, 1 Mar 2026 – 31 Mar 2026; the year is left out where '
    'both days are in that of beside';

CREATE FUNCTION page_percent(percent numeric, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT page_number(percent, scale(trim_scale(percent)), language) || CASE language WHEN 'en' THEN '%'
           ELSE U&'\00A0%' END;
END;
COMMENT ON FUNCTION page_percent(numeric, text) IS 'a percentage as a language writes it: 20% in en, 20 % in uk and ru';

CREATE FUNCTION page_party(party jsonb, language text) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH known (key, no, in_bank) AS (
        VALUES ('tax_id', 1, false), ('reg_no', 2, false), ('kpp', 3, false), ('vat_no', 4, false),
        ('address', 5, false),
               ('phone', 11, false), ('email', 12, false), ('website', 13, false),
               ('iban', 21, true), ('account', 22, true), ('bank', 23, true), ('bic', 24, true),
               ('correspondent_account', 25, true)
    ), said AS (
        SELECT party ->> 'email' AS email, party_said(party, page_party.language) AS requisites
         WHERE jsonb_typeof(party) = 'object'
    ), requisite AS (
        SELECT coalesce(c.label, b.label, e.key) AS name, e.value, coalesce(c.position, k.no, 10) AS no,
               coalesce(c.in_bank, k.in_bank, false) AS in_bank, e.key
          FROM said s
         CROSS JOIN LATERAL (
            SELECT r.key, s.requisites ->> r.key AS value FROM jsonb_each(s.requisites) r
             WHERE jsonb_typeof(r.value) IN ('string', 'number')
               AND r.key NOT IN ('language', 'name', 'signatory', 'signatory_title', 'place')) e
          LEFT JOIN party_codes(party, page_party.language) c ON c.key = e.key
          LEFT JOIN known k ON k.key = e.key
          LEFT JOIN page_label b ON b.language = page_party.language AND b.name = 'requisite_' || e.key
         WHERE e.value <> ''
    )
    SELECT jsonb_build_object(
        'name', coalesce(p.requisites ->> 'name', ''), 'address', p.requisites ->> 'address', 'tax_id',
        p.requisites ->> 'tax_id',
        'email', coalesce(p.requisites ->> 'email', p.email), 'signatory', p.requisites ->> 'signatory',
        'signatory_title', p.requisites ->> 'signatory_title', 'place', p.requisites ->> 'place',
        'requisites', coalesce((SELECT jsonb_agg(jsonb_build_object('name', r.name, 'value', r.value)
                                                 ORDER BY r.no, r.key)
                                  FROM requisite r WHERE NOT r.in_bank), '[]'),
        'bank', coalesce((SELECT jsonb_agg(jsonb_build_object('name', r.name, 'value', r.value) ORDER BY r.no, r.key)
                            FROM requisite r WHERE r.in_bank), '[]'))
      FROM (SELECT) one LEFT JOIN said p ON true;
END;
COMMENT ON FUNCTION page_party(jsonb, text) IS
    'a party, as paper_party() has it, as pages print it: the name, what identifies it (requisites) and its bank '
    'details. Keys of party.requisites: those of its country under the names and in the order that these have there '
    '(table requisite); reg_no, kpp, vat_no, address, phone, email, website, iban, account, bank, bic, '
    'correspondent_account, authority, accountant under the label of the language, any other under its own name; name '
    'the one on pages, signatory and signatory_title who signs, place where papers are drawn up, language the language '
    'of its pages; an object under uk, ru or en says it in that language';

CREATE FUNCTION payment_slip(party jsonb, language text, label jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH code AS MATERIALIZED (
        SELECT c.* FROM party_codes(party, payment_slip.language) c WHERE c.value IS NOT NULL
    )
    SELECT jsonb_agg(jsonb_build_object(
               'note', label ->> CASE r.slip WHEN 'payee' THEN 'beneficiary' ELSE 'beneficiary_bank' END,
               'who', CASE r.slip WHEN 'payee' THEN party_said(party, payment_slip.language) ->> 'name'
                                  ELSE (SELECT string_agg(c.value, ', ' ORDER BY c.position) FROM code c
                                         WHERE c.key IN ('bank', 'bank_address')) END,
               'codes', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', c.label, 'value', c.value)
                                                   ORDER BY c.position), '[]')
                           FROM code c WHERE r.slip = 'payee' AND c.key IN ('tax_id', 'kpp')),
               'cells', r.cells) ORDER BY r.position)
      FROM (SELECT c.slip, min(c.position) AS position,
                   coalesce(jsonb_agg(jsonb_build_object('name', c.label, 'value', c.value) ORDER BY c.position)
                            FILTER (WHERE c.key NOT IN ('bank', 'bank_address')), '[]') AS cells
              FROM code c WHERE c.slip IS NOT NULL GROUP BY 1) r;
END;
COMMENT ON FUNCTION payment_slip(jsonb, text, jsonb) IS
    'the bank block of an invoice as payment orders of the payee''s country have it: a row for the payee and one for '
    'the bank, each with what stands beside it; NULL where the country has no such block';

-- What has no time has no hours either: a fee, a thing.
CREATE FUNCTION page_hours(seconds numeric, worked_s numeric, billed_s numeric, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT page_number(seconds / 3600.0, 2, language) WHERE worked_s <> 0 OR billed_s <> 0;
END;
COMMENT ON FUNCTION page_hours(numeric, numeric, numeric, text) IS
    'seconds as hours, written for a language; NULL where nothing was worked or billed by time';

-- A price for each line of a task: one is said beside it, several beneath it.
CREATE FUNCTION page_rows(document bigint, language text, label jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH head AS (
        SELECT currency_exponent(d.currency) AS exponent, CASE d.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS side,
               coalesce(d.period_to, d.issued_on, books_today()) AS beside,
               paper_party(d, 'own') ->> 'country' IS NOT NULL AS of_country, d.positions
          FROM document d WHERE d.id = page_rows.document
    ), "row" AS MATERIALIZED (
        -- what else is charged to a task stands under its own name
        SELECT r.*, row_number() OVER (ORDER BY r.position) AS no,
               concat_ws('|', CASE h.positions WHEN 'task' THEN r.task_id END, r.title) AS about
          FROM document_rows(page_rows.document) r CROSS JOIN head h
    ), written AS (
        SELECT r.project, r.about, r.no, r.position, r.first_day, r.last_day, r.worked_s, r.billed_s, r.amount,
               jsonb_build_object(
                   'no', r.no,
                   'title', coalesce(page_date(iso_date(r.title), language),
                                     CASE WHEN r.charges > 0 THEN label ->> ('title_' || r.title) END, r.title),
                   'url', r.url,
                   'days', CASE WHEN iso_date(r.title) IS NULL THEN page_days(r.first_day, r.last_day, language,
                       h.beside) END,
                   'unit', coalesce(label ->> ('unit_' || r.unit), r.unit,
                                    CASE WHEN h.of_country AND r.quantity IS NOT NULL THEN label ->> 'unit_service'
                                         END),
                   'quantity',
                   coalesce(CASE WHEN h.side < 0 THEN ltrim(r.clock, '-') ELSE r.clock END,
                            page_number(r.quantity * h.side, greatest(scale(trim_scale(r.quantity)), CASE r.unit
                                                                      WHEN 'h' THEN 2 ELSE 0 END), language)),
                   'price', page_number(r.price, greatest(scale(trim_scale(r.price)), h.exponent), language),
                   'discount', page_percent(nullif(r.discount_pct, 0), language),
                   'hours_worked', page_hours(r.worked_s * h.side, r.worked_s, r.billed_s, language),
                   'hours_billed', page_hours(r.billed_s * h.side, r.worked_s, r.billed_s, language),
                   'pieces', CASE WHEN r.unit <> 'h' AND r.quantity <> 1
                                  THEN page_number(r.quantity * h.side, scale(trim_scale(r.quantity)), language) END,
                   'amount', page_number(r.amount * h.side, h.exponent, language),
                   'net', page_number(r.net * h.side, h.exponent, language),
                   'tax_rate', coalesce(page_percent(r.tax_rate, language), label ->> 'tax_none'),
                   'tax', page_number(r.tax * h.side, h.exponent, language), 'gross',
                   page_number(r.gross * h.side, h.exponent, language),
                   'free', r.coverage IS NOT NULL, 'coverage', label ->> ('coverage_' || r.coverage)) AS row
          FROM "row" r CROSS JOIN head h
    ), task AS (
        SELECT w.project, min(w.first_day) AS first_day, min(w.no) AS first,
               (array_agg(w.row ORDER BY w.no))[1] || CASE WHEN count(*) = 1
                   THEN '{"several": false, "lines": null}' ELSE
                   jsonb_build_object(
                       'days', page_days(min(w.first_day), max(w.last_day), language, min(h.beside)),
                       'several', true, 'price', NULL, 'discount', NULL, 'pieces', NULL, 'coverage', NULL,
                       'free', bool_and((w.row ->> 'free')::boolean),
                       'hours_worked', page_hours(sum(w.worked_s) * min(h.side), sum(w.worked_s), sum(w.billed_s),
                                                  language),
                       'hours_billed', page_hours(sum(w.billed_s) * min(h.side), sum(w.worked_s), sum(w.billed_s),
                                                  language),
                       'amount', page_number(sum(w.amount) * min(h.side), min(h.exponent), language),
                       'lines', jsonb_agg(w.row ORDER BY w.first_day, w.no)) END AS row
          FROM written w CROSS JOIN head h
         GROUP BY w.project, w.about
    ), grp AS (
        SELECT w.project, min(w.position) AS first, sum(w.worked_s) AS worked_s, sum(w.billed_s) AS billed_s,
               sum(w.amount) AS amount, jsonb_agg(w.row ORDER BY w.no) AS rows
          FROM written w
         GROUP BY w.project
    ), numbered AS (
        SELECT t.project, t.row || jsonb_build_object('no', row_number() OVER o) AS row, row_number() OVER o AS no
          FROM task t JOIN grp g ON g.project IS NOT DISTINCT FROM t.project
        WINDOW o AS (ORDER BY g.first, t.first_day, t.first)
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'title', coalesce(g.project, label ->> 'rest'),
               'hours_worked', page_hours(g.worked_s * h.side, g.worked_s, g.billed_s, language),
               'hours_billed', page_hours(g.billed_s * h.side, g.worked_s, g.billed_s, language),
               'amount', page_number(g.amount * h.side, h.exponent, language),
               'rows', g.rows,
               'tasks', (SELECT jsonb_agg(n.row ORDER BY n.no) FROM numbered n
                          WHERE n.project IS NOT DISTINCT FROM g.project)) ORDER BY g.first), '[]')
      FROM grp g CROSS JOIN head h;
END;
COMMENT ON FUNCTION page_rows(bigint, text, jsonb) IS
    'the positions of a document in groups by project, written for a language: as rows in the order of the paper, and '
    'as tasks (employees, days) in the order of time, each once, whose lines are its prices where it has several';

CREATE FUNCTION page_totals(document bigint, language text, label jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH head AS (
        SELECT d.id, d.currency, d.tax_inclusive, currency_exponent(d.currency) AS exponent, CASE d.kind
               WHEN 'credit_note' THEN -1 ELSE 1 END AS side,
               coalesce(label ->> ('currency_' || d.currency), d.currency) AS currency_name,
               EXISTS (SELECT FROM paper_rule r WHERE r.kind = d.kind AND r.key = 'tax_words'
                       AND r.rules = country_rules(paper_party(d, 'own') ->> 'country')) AS tax_in_words
          FROM document d WHERE d.id = page_totals.document
    ), "row" AS MATERIALIZED (
        SELECT r.* FROM document_rows(page_totals.document) r
    ), rate AS (
        SELECT x.tax AS code, t.kind, t.name, t.words, x.rate AS tax_rate, sum(r.net) AS net, sum(x.amount) AS tax
          FROM "row" r
         CROSS JOIN LATERAL taxes_of(r.taxes, r.tax_rate, r.tax) x
          LEFT JOIN tax t ON t.code = x.tax
         WHERE x.rate IS NOT NULL
         GROUP BY 1, 2, 3, 4, 5
    ), total AS (
        SELECT coalesce(sum(r.worked_s), 0) AS worked_s, coalesce(sum(r.billed_s), 0) AS billed_s,
               coalesce(sum(r.amount), 0) AS amount,
               coalesce(sum(r.discount), 0) AS discount, coalesce(sum(r.net), 0) AS net,
               coalesce(sum(r.tax), 0) AS tax, coalesce(sum(r.gross), 0) AS gross,
               count(r.tax_rate) AS taxed
          FROM "row" r
    )
    SELECT jsonb_build_object(
        'hours_worked', page_number(t.worked_s * h.side / 3600.0, 2, language), 'hours_billed',
        page_number(t.billed_s * h.side / 3600.0, 2, language),
        'amount', page_number(t.amount * h.side, h.exponent, language),
        'discount', page_number(nullif(-t.discount * h.side, 0), h.exponent, language),
        'net', page_number(t.net * h.side, h.exponent, language), 'tax',
        page_number(t.tax * h.side, h.exponent, language),
        'gross', page_number(t.gross * h.side, h.exponent, language),
        'gross_money', CASE language WHEN 'en' THEN h.currency_name || U&'\00A0' || page_number(t.gross * h.side,
            h.exponent, language)
                                     ELSE page_number(t.gross * h.side, h.exponent,
                                                      language) || U&'\00A0' || h.currency_name END,
        'words', amount_in_words(t.gross * h.side, h.currency, language),
        'tax_words', CASE WHEN h.tax_in_words AND t.tax <> 0
                          THEN amount_in_words(t.tax * h.side, h.currency, language) END,
        'tax_line', coalesce((SELECT string_agg(DISTINCT CASE
                WHEN coalesce(r.kind, 'rated') = 'rated'
                THEN concat_ws(' ', label ->> 'purpose_tax', coalesce(r.words ->> language, r.name, label ->> 'tax'),
                               page_percent(r.tax_rate, language), '–',
                               page_number(r.tax * h.side, h.exponent, language))
                ELSE label ->> 'purpose_tax_none' END, ', ') FROM rate r), label ->> 'purpose_tax_none'),
        'taxed', t.taxed > 0, 'tax_free', t.taxed = 0, 'inclusive', h.tax_inclusive,
        'taxes', coalesce((SELECT jsonb_agg(jsonb_build_object(
                'name', CASE WHEN coalesce(r.kind, 'rated') <> 'rated'
                             THEN coalesce(r.words ->> language, r.words ->> 'en', r.name)
                             ELSE format('%s %s', CASE
                                 WHEN r.code IS NOT NULL AND h.tax_inclusive
                                 THEN format('%s %s', label ->> 'including', coalesce(r.words ->> language, r.name))
                                 WHEN r.code IS NOT NULL THEN coalesce(r.words ->> language, r.name)
                                 WHEN h.tax_inclusive THEN label ->> 'tax_included' ELSE label ->> 'tax' END,
                                 page_percent(r.tax_rate, language)) END,
                -- where no tax is taken there is no amount of it, not even 0
                'base', page_number(r.net * h.side, h.exponent, language), 'amount',
                CASE WHEN coalesce(r.kind, 'rated') = 'rated'
                     THEN page_number(r.tax * h.side, h.exponent, language) END) ORDER BY r.tax_rate DESC, r.code)
              FROM rate r), '[]'))
      FROM total t CROSS JOIN head h;
END;
COMMENT ON FUNCTION page_totals(bigint, text, jsonb) IS
    'the sums of a document, written for a language: hours, amount before and discount of the document, net, tax by '
    'rate, gross, in words, the tax in a line for orders of payment, and in words where that is the custom of the '
    'seller''s country; credit notes with their signs turned';
