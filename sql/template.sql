--
-- templates
--
SET search_path = finance, public;
\pset format unaligned
\pset tuples_only on
\pset null '<null>'

-- values
SELECT render('{{a}}, {{ b }}, {{c.d}}, {{c.e.f}}, {{n}}, {{t}}{{f}}{{z}}.',
              '{"a": "x", "b": 2.50, "c": {"d": "y", "e": {"f": 3}}, "n": -1e3, "t": true, "f": false, "z": null}');
SELECT render('<p title="{{a}}">{{a}}</p>', jsonb_build_object('a', $$<script>alert("1" & '2')</script>$$));
SELECT render('{{a}}', '{"a": "{{a}} {{#b}} }}"}');
SELECT render('Рахунок {{номер}}', '{"номер": 1}');
SELECT render('Рахунок № {{number}} — «{{who}}» 𝄞', '{"number": "2026/03-0001", "who": "Їжак & Ґава"}');
SELECT render('no tags { } }} {', '{}'), render('', '{}') = '', render('x{', '{}'), render('{', '{}');
SELECT render('{{.}}', '"a<b"'), render('{{.}}', '7'), render('{{.}}', 'null') = '';
SELECT render(NULL, '{}'), render('', NULL);

-- sections
SELECT render('{{#list}}<{{name}} of {{owner}}>{{/list}}{{^list}}none{{/list}}',
              '{"owner": "us", "list": [{"name": "a"}, {"name": "b", "owner": "them"}]}');
SELECT render('{{#list}}{{.}};{{/list}}', '{"list": [1, "two", null, true]}');
SELECT render('{{#list}}[{{#.}}{{.}},{{/.}}]{{/list}}', '{"list": [[1, 2], [], [3]]}');
SELECT render('{{#who}}{{name}} {{mark}}{{/who}}', '{"who": {"name": "a"}, "mark": "!"}');
SELECT render('{{#a.b}}{{c}}{{/a.b}}', '{"a": {"b": {"c": 1}}}');
SELECT k, render('{{#v}}yes{{/v}}{{^v}}no{{/v}}', jsonb_build_object('v', v))
  FROM (VALUES (1, 'true'::jsonb), (2, 'false'), (3, 'null'), (4, '""'), (5, '[]'), (6, '{}'), (7, '0'), (8, '"0"'), (9, '[[]]')) AS t (k, v) ORDER BY k;
SELECT render('{{#a}}{{#b}}{{#c}}{{x}}{{y}}{{z}} {{/c}}{{/b}}{{/a}}',
              '{"a": [{"x": 1, "b": [{"y": 2, "c": [{"z": 3}, {"z": 4}]}, {"y": 5, "c": [{"z": 6, "x": 7}]}]}]}');
-- a dotted name is sought whole where its first part is found
SELECT render('{{#in}}{{a.b}}{{/in}}', '{"a": {"b": 1}, "in": {"a": {"c": 2}}}');

-- tags that are alone on a line take it away
SELECT render(E'<ul>\n  {{#list}}\n  <li>{{.}}</li>\n  {{/list}}\n{{! gone }}\n</ul>\n', '{"list": [1, 2]}');
SELECT replace(render(E'{{#a}}\r\nx\r\n{{/a}}\r\n{{#a}} y {{/a}}\n  {{#a}}  {{/a}}  \n {{a}}', '{"a": "1"}') || '|', E'\r', '<cr>');
SELECT render(E'a {{! two\nlines }}b', '{}');
SELECT render(E'{{#a}}\nx', '{"a": 1}');

-- size
SELECT length(render('{{#l}}{{#l}}{{#l}}.{{/l}}{{/l}}{{/l}}', jsonb_build_object('l', (SELECT jsonb_agg(i) FROM generate_series(1, 100) i))));
SELECT render('{{#l}}{{#l}}{{#l}}{{#l}}{{t}}{{/l}}{{/l}}{{/l}}{{/l}}',
              jsonb_build_object('t', repeat('x', 1000), 'l', (SELECT jsonb_agg(i) FROM generate_series(1, 100) i)));
SELECT length(render(repeat('x', 1048576), '{}'));
SELECT render(repeat('x', 1048577), '{}');
SELECT md5(render('{{t}}', jsonb_build_object('t', repeat('&', 1000000)))) = md5(repeat('&amp;', 1000000));

-- templates that do not parse, with the line
SELECT check_template(E'one\n{{#a}}\n{{#b}}\n{{/b}}\n');
SELECT check_template(E'{{#a}}\n{{/b}}');
SELECT check_template(E'\n\n{{#a}} {{#b}}\n{{/a}}{{/b}}');
SELECT check_template(E'\n{{/a}}');
SELECT check_template(E'\nx {{a b}} y');
SELECT check_template(E'\n\n{{> partial}}');
SELECT check_template('{{=<% %>=}}');
SELECT check_template('{{{raw}}}');
SELECT check_template('{{&raw}}');
SELECT check_template('{{}}');
SELECT check_template('{{a.}}');
SELECT check_template('{{.a}}');
SELECT check_template('{{a..b}}');
SELECT check_template('{{1a}}');
SELECT check_template('{{#}}{{/}}');
SELECT check_template(E'ok\nok {{name');
SELECT check_template(E'{{');
SELECT check_template(E'{{! never closed');
SELECT check_template(E'{{Дуже довга назва, яка не є іменем і не поміститься в повідомлення}}');
SELECT check_template(string_agg('{{#s' || i || '}}' || E'\n', '') || string_agg('{{/s' || 33 - i || '}}', '')) FROM generate_series(1, 32) i;
SELECT check_template(string_agg('{{#s' || i || '}}' || E'\n', '') || string_agg('{{/s' || 34 - i || '}}', '')) FROM generate_series(1, 33) i;
SELECT check_template(NULL) IS NULL;

-- names that are not there
SELECT render(E'{{a}}\n{{b}}', '{"a": 1}');
SELECT render(E'{{#b}}{{/b}}', '{"a": 1}');
SELECT render(E'{{^b}}{{/b}}', '[]');
SELECT render(E'{{a.b}}', '{"a": {"c": 1}}');
SELECT render(E'{{a.b}}', '{"a": "b"}');
SELECT render(E'{{a}}', '{"a": {"c": 1}}');
SELECT render(E'{{a}}', '{"a": [1]}');
SELECT render(E'{{.}}', '{}');

-- a template against a sample: every section is entered
SELECT check_template(E'{{a}}{{#l}}{{x}}{{/l}}{{^l}}{{a}}{{/l}}{{#e}}{{a}}{{/e}}{{#n}}{{a}}{{/n}}{{#f}}{{a}}{{/f}}', '{"a": 1, "l": [{"x": 1}], "e": [], "n": null, "f": false}');
SELECT check_template(E'{{a}}\n{{#l}}\n{{y}}\n{{/l}}', '{"a": 1, "l": [{"x": 1}]}');
SELECT check_template(E'{{#l}}{{/l}}\n{{^l}}{{y}}{{/l}}', '{"a": 1, "l": [{"x": 1}]}');
SELECT check_template(E'{{#f}}\n{{y}}\n{{/f}}', '{"f": false}');
SELECT check_template(E'{{#a}}', '{"a": 1}');

-- whatever the data, what comes out of a value cannot end it
SELECT setseed(0.2) \g /dev/null
SELECT count(*) AS unsafe
  FROM (SELECT render('{{a}}', jsonb_build_object('a', string_agg(substr($$&<>"'{}#/^!x ї$$, 1 + (random() * 13)::int, 1), ''))) AS page
          FROM generate_series(1, 2000) i, generate_series(1, 12) GROUP BY i) AS t
 WHERE page ~ $$[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)$$;
