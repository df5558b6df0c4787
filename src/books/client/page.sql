-- ---------------------------------------------------------------------------
-- page: the client's own page
--
-- It is no template: what it refers to must work whatever is configured.  It has
-- the name, logo and colours of our first company's brand.
-- ---------------------------------------------------------------------------

CREATE FUNCTION client_rows(overview jsonb, language text, label jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH doc AS (
        SELECT d.*, v.no, currency_exponent(d.currency) AS exponent,
               coalesce(label ->> ('currency_' || d.currency), d.currency) AS money
          FROM jsonb_array_elements(overview -> 'documents') WITH ORDINALITY AS v (value, no)
         CROSS JOIN LATERAL jsonb_to_record(v.value) AS d (
               document bigint, kind text, number text, issued_on date, due_on date, title text, status text,
               shown_as text, currency text, gross numeric, open numeric, asks boolean, overdue boolean,
               reminded int, reminded_on date, fee numeric, interest numeric)
    ), written AS (
        SELECT d.no, d.asks OR d.open > 0 AS waits, jsonb_build_object(
                   'document', d.document, 'heading', page_heading(d.kind, d.number, d.issued_on, language, label),
                   'title', d.title,
                   'gross', page_number(CASE d.kind WHEN 'credit_note' THEN -d.gross ELSE d.gross END, d.exponent,
                                        language) || U&'\00A0' || d.money,
                   'open', page_number(d.open, d.exponent, language) || U&'\00A0' || d.money,
                   'due', CASE WHEN d.open > 0 THEN page_date(d.due_on, language) END, 'overdue', d.overdue,
                   'asks', d.asks,
                   'reminded', CASE WHEN d.reminded IS NOT NULL THEN concat_ws(', ',
                       concat(label ->> 'reminded', ' ', d.reminded), page_date(d.reminded_on, language),
                       (label ->> 'reminded_fee') || U&'\00A0' || page_number(nullif(d.fee, 0), d.exponent, language),
                       (label ->> 'reminded_interest') || U&'\00A0'
                       || page_number(nullif(d.interest, 0), d.exponent, language)) END,
                   'status', CASE WHEN d.shown_as IS NOT NULL THEN label ->> ('status_' || d.status) END) AS row
          FROM doc d
    ), work AS (
        SELECT w.*, v.no, currency_exponent(w.currency) AS exponent,
               coalesce(label ->> ('currency_' || w.currency), w.currency) AS money
          FROM jsonb_array_elements(overview -> 'work') WITH ORDINALITY AS v (value, no)
         CROSS JOIN LATERAL jsonb_to_record(v.value) AS w (
               contract text, project text, title text, last_day date, coverage text, currency text, hours numeric,
               amount numeric)
    ), grp AS (
        SELECT w.contract, min(w.no) AS no, page_number(sum(w.hours), 2, language) AS hours,
               page_number(sum(w.amount), min(w.exponent), language) || U&'\00A0' || min(w.money) AS amount,
               jsonb_agg(jsonb_build_object(
                   'title', concat_ws(' · ', w.project, w.title), 'day', page_days(w.last_day, w.last_day, language),
                   'coverage', label ->> ('coverage_' || w.coverage),
                   'hours', page_number(nullif(w.hours, 0), 2, language),
                   'amount', page_number(w.amount, w.exponent, language)) ORDER BY w.no) AS rows
          FROM work w GROUP BY w.contract, w.currency
    ), budget AS (
        SELECT v.no, b.contract, b.title, jsonb_build_object(
                   'contract', b.contract, 'title', b.title,
                   'period', page_days(b.period_from, b.period_to, language),
                   'facts', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', label -> f.name, 'value', f.value)
                                                       ORDER BY f.no), '[]')
                               FROM (VALUES
                                 (1, 'client_period_work', page_number(b.work, m.exponent, language) || m.money),
                                 (2, 'client_hours_left', page_number(b.hours_left, 2, language)),
                                 (3, 'client_balance', page_number(b.balance, m.exponent, language) || m.money),
                                 (4, 'client_cap_left', page_number(b.cap_left, m.exponent, language) || m.money),
                                 (5, 'client_cap_hours_left', page_number(b.cap_hours_left, 2, language))
                               ) f (no, name, value) WHERE f.value IS NOT NULL)) AS row
          FROM jsonb_array_elements(overview -> 'contracts') WITH ORDINALITY AS v (value, no)
         CROSS JOIN LATERAL jsonb_to_record(v.value) AS b (
               contract text, title text, currency text, period_from date, period_to date, work numeric,
               balance numeric, hours_left numeric, cap_left numeric, cap_hours_left numeric)
         CROSS JOIN LATERAL (SELECT currency_exponent(b.currency) AS exponent, U&'\00A0' ||
                                    coalesce(label ->> ('currency_' || b.currency), b.currency) AS money) m
    )
    SELECT jsonb_build_object(
        'open', (SELECT jsonb_agg(w.row ORDER BY w.no) FROM written w WHERE w.waits),
        'past', (SELECT jsonb_agg(w.row ORDER BY w.no) FROM written w WHERE w.waits IS NOT true),
        'owed', (SELECT string_agg(x.owed, ', ' ORDER BY x.owed)
                   FROM (SELECT page_number(sum(d.open), min(d.exponent), language) || U&'\00A0' || min(d.money) AS owed
                           FROM doc d WHERE d.open > 0 GROUP BY d.currency) x),
        'work', (SELECT jsonb_agg(to_jsonb(g) - 'no' ORDER BY g.no) FROM grp g),
        'budget', (SELECT jsonb_agg(b.row ORDER BY b.no) FROM budget b));
END;
COMMENT ON FUNCTION client_rows(jsonb, text, jsonb) IS
    'what client_overview() says, in the sections of the client''s page, as text written for the language';

CREATE FUNCTION client_page(p_client bigint, p_link jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_language text := coalesce(p_link ->> 'language', client_language(p_client));
    v_overview jsonb := client_overview(p_client, v_language);
    v_label jsonb := page_labels(v_language);
    v_brand brand;
BEGIN
    SELECT b.* INTO v_brand FROM brand b WHERE b.own_id = default_own();
    RETURN render($html$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; $html$
        || $html$img-src data:; base-uri 'none'; form-action 'none'">
<title>{{brand}}: {{client}}</title>
<style>
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif;
  color: #1d252c; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #e9edf0; }
h1, h2, h3, p, ul, dl, dd { margin: 0; padding: 0; }
a { color: {{accent}}; text-decoration: none; }
.page { width: 210mm; max-width: 100%; margin: 10mm auto; padding: 15mm 17mm; background: #fff;
  overflow-wrap: anywhere; }
.top { padding-bottom: 5mm; border-bottom: 1.2pt solid {{accent}}; }
.top img { display: block; height: 14mm; max-width: 62mm; margin-bottom: 3mm; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; }
h2 { margin: 8mm 0 2mm; font-size: 8.4pt; letter-spacing: .06em; text-transform: uppercase; color: {{accent}}; }
h3 { margin: 3mm 0 1mm; font-size: 10pt; }
ul { list-style: none; }
li { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 1mm 6mm; padding: 2.4mm 0;
  border-bottom: .5pt solid #dde2e6; }
li > span:last-child { margin-left: auto; text-align: right; font-variant-numeric: tabular-nums; }
small { color: #66717b; font-size: 8.4pt; }
.late { color: #b3261e; }
.sum { border: 0; font-weight: 600; }
dl { display: flex; flex-wrap: wrap; gap: 2mm 8mm; }
dt { font-size: 8pt; color: #66717b; }
dd { font-weight: 600; font-variant-numeric: tabular-nums; }
@page { size: A4; margin: 14mm 15mm 16mm; }
@media print { body { background: none; } .page { width: auto; margin: 0; padding: 0; } }
@media screen and (max-width: 720px) { .page { margin: 0; padding: 6mm 5mm; min-height: 100vh; }
  li { padding: 3.4mm 0; } }
</style>
</head>
<body>
<main class="page">
<header class="top">
  {{#logo}}
  <img src="{{logo}}" alt="{{brand}}">
  {{/logo}}
  {{^logo}}
  <p>{{brand}}</p>
  {{/logo}}
  <h1>{{client}}</h1>
</header>
<h2>{{label.client_open}}</h2>
{{^open}}
<p>{{label.client_nothing_open}}</p>
{{/open}}
<ul>
{{#open}}
<li>
<span>
<a href="shared_page?token={{token}}&amp;document={{document}}{{#asked}}&amp;language={{asked}}{{/asked}}">
{{heading}}</a>
{{#title}}
<br><small>{{title}}</small>
{{/title}}
</span>
<span>
{{#open}}
{{open}}<br><small{{#overdue}} class="late"{{/overdue}}>{{#due}}{{label.due}} {{due}}{{/due}}</small>
{{/open}}
{{^open}}
{{gross}}
{{/open}}
{{#asks}}
<br><small>{{label.client_asks}}</small>
{{/asks}}
{{#reminded}}
<br><small class="late">{{reminded}}</small>
{{/reminded}}
</span>
</li>
{{/open}}
{{#owed}}
<li class="sum"><span>{{label.client_owed}}</span><span>{{owed}}</span></li>
{{/owed}}
</ul>
{{#budget}}
<h2>{{label.contract_number}} {{contract}}</h2>
{{#title}}
<p>{{title}}</p>
{{/title}}
<p><small>{{label.period}}: {{period}}</small></p>
<dl>
{{#facts}}
<div><dt>{{name}}</dt><dd>{{value}}</dd></div>
{{/facts}}
</dl>
{{/budget}}
<h2>{{label.client_work}}</h2>
{{^work}}
<p>{{label.client_no_work}}</p>
{{/work}}
{{#work}}
<h3>{{label.contract_number}} {{contract}}</h3>
<ul>
{{#rows}}
<li>
<span>{{title}}<br><small>{{day}}{{#coverage}}, {{coverage}}{{/coverage}}</small></span>
<span>{{amount}}{{#hours}}<br><small>{{hours}} {{label.unit_h}}</small>{{/hours}}</span>
</li>
{{/rows}}
<li class="sum"><span>{{label.total}}</span><span>{{amount}}<br><small>{{hours}} {{label.unit_h}}</small></span></li>
</ul>
{{/work}}
<h2>{{label.client_past}}</h2>
{{^past}}
<p>{{label.client_no_past}}</p>
{{/past}}
<ul>
{{#past}}
<li>
<span>
<a href="shared_page?token={{token}}&amp;document={{document}}{{#asked}}&amp;language={{asked}}{{/asked}}">
{{heading}}</a>
{{#title}}
<br><small>{{title}}</small>
{{/title}}
</span>
<span>
{{gross}}
{{#status}}
<br><small>{{status}}</small>
{{/status}}
</span>
</li>
{{/past}}
</ul>
</main>
</body>
</html>
$html$, client_rows(v_overview, v_language, v_label) || jsonb_build_object(
        'label', v_label, 'language', v_language, 'asked', p_link -> 'language', 'token', p_link -> 'token',
        'client', v_overview -> 'client', 'logo', v_brand.logo, 'accent', coalesce(v_brand.accent, '#1f5673'),
        'brand', coalesce(v_brand.name, (SELECT coalesce(p.legal_name, p.name) FROM party p WHERE p.id = default_own()),
                          '')));
END $$;
COMMENT ON FUNCTION client_page(bigint, jsonb) IS
    'the client''s own page: what waits for him, what is left of his contracts, work on no document yet, past '
    'documents, each with its reference; p_link is visited_link()';
