-- ---------------------------------------------------------------------------
-- template: how pages look and in which words
--
-- A template is one whole HTML page with {{tags}}, filled by render() with
-- what document_data() says.  Those that come with the books belong to every
-- own company; a company overrides them with rows of its own.
-- ---------------------------------------------------------------------------

CREATE TABLE page_label (
    language text NOT NULL
        CONSTRAINT page_label_language_known CHECK (language IN ('uk', 'ru', 'en')),
    name text NOT NULL
        CONSTRAINT page_label_name_fits CHECK (name ~ '^[a-z][a-zA-Z0-9_]*$'),
    label text NOT NULL,
    CONSTRAINT page_label_pkey PRIMARY KEY (language, name)
);
COMMENT ON TABLE page_label IS
    'the words of pages: {{label.name}} in a template is the row of the page''s language, of English where it has none. currency_XXX is how a currency '
    'is written beside an amount, unit_x how a unit is, requisite_x what a key of party.requisites is called';
INSERT INTO page_label (name, language, label)
SELECT v.name, l.language, l.label
  FROM (VALUES
    ('report', 'Звіт про виконані роботи', 'Отчёт о выполненных работах', 'Work report'),
    ('invoice', 'Рахунок на оплату', 'Счёт на оплату', 'Invoice'),
    ('proforma', 'Рахунок-проформа', 'Счёт-проформа', 'Proforma invoice'),
    ('act', 'Акт наданих послуг', 'Акт выполненных работ', 'Acceptance certificate'),
    ('credit_note', 'Кредит-нота', 'Кредит-нота', 'Credit note'),
    ('specification', 'Специфікація', 'Спецификация', 'Specification'),
    ('proposal', 'Комерційна пропозиція', 'Коммерческое предложение', 'Proposal'),
    ('contract', 'Договір', 'Договор', 'Contract'),
    ('annex', 'Додаток до договору', 'Приложение к договору', 'Annex'),
    ('other', 'Документ', 'Документ', 'Document'),
    ('status_draft', 'Чернетка', 'Черновик', 'Draft'),
    ('status_void', 'Анульовано', 'Аннулирован', 'Void'),
    ('status_superseded', 'Замінено', 'Заменён', 'Superseded'),
    ('status_rejected', 'Відхилено', 'Отклонён', 'Rejected'),
    ('status_agreed', 'Погоджено', 'Согласован', 'Agreed'),
    ('status_partly_paid', 'Сплачено частково', 'Оплачен частично', 'Partly paid'),
    ('status_paid', 'Сплачено', 'Оплачен', 'Paid'),
    ('status_credited', 'Скасовано кредит-нотою', 'Отменён кредит-нотой', 'Credited'),
    ('link_invalid', 'Посилання не дійсне', 'Ссылка не действительна', 'Link not valid'),
    ('link_invalid_says', 'Це посилання більше не дійсне.', 'Эта ссылка больше не действительна.', 'This link is not valid any more.'),
    ('link_invalid_hint', 'Попросіть нове посилання в того, хто його надіслав.', 'Попросите новую ссылку у того, кто её прислал.',
        'Ask whoever sent it for a new one.'),
    ('void_says', 'Цей документ анульовано.', 'Этот документ аннулирован.', 'This document is void.'),
    ('void_hint', 'Він більше нічого не означає: за ним нічого не потрібно погоджувати чи сплачувати.',
        'Он больше ничего не значит: по нему ничего не нужно согласовывать или оплачивать.', 'It stands for nothing any more: there is nothing to agree to or to pay.'),
    ('superseded_says', 'Цей документ замінено новішою редакцією.', 'Этот документ заменён новой редакцией.', 'This document was replaced by a newer version.'),
    ('superseded_hint', 'Попросіть посилання на неї в того, хто надіслав це.', 'Попросите ссылку на неё у того, кто прислал эту.',
        'Ask whoever sent you this link for that of the newer one.'),
    ('numero', '№', '№', 'No.'),
    ('dated', 'від', 'от', 'of'),
    ('date', 'Дата', 'Дата', 'Date'),
    ('due', 'Сплатити до', 'Оплатить до', 'Due date'),
    ('period', 'Період', 'Период', 'Period'),
    ('contract_number', 'Договір', 'Договор', 'Contract'),
    ('project', 'Проєкт', 'Проект', 'Project'),
    ('task', 'Задача', 'Задача', 'Task'),
    ('basis', 'Підстава', 'Основание', 'Based on'),
    ('supplier', 'Виконавець', 'Исполнитель', 'Supplier'),
    ('customer', 'Замовник', 'Заказчик', 'Customer'),
    ('rest', 'Інше', 'Прочее', 'Other'),
    ('row_number', '№', '№', '#'),
    ('work', 'Роботи', 'Работы', 'Work'),
    ('description', 'Найменування', 'Наименование', 'Description'),
    ('unit', 'Од.', 'Ед.', 'Unit'),
    ('quantity', 'Кількість', 'Количество', 'Quantity'),
    ('price', 'Ціна', 'Цена', 'Price'),
    ('discount', 'Знижка', 'Скидка', 'Discount'),
    ('days', 'Дати', 'Даты', 'Dates'),
    ('worked', 'Витрачено, год', 'Затрачено, ч', 'Worked, h'),
    ('billed', 'До оплати, год', 'К оплате, ч', 'Billed, h'),
    ('amount', 'Сума', 'Сумма', 'Amount'),
    ('coverage_no_charge', 'без оплати', 'без оплаты', 'no charge'),
    ('coverage_included', 'входить у пакет', 'входит в пакет', 'included'),
    ('coverage_prepaid', 'з передплачених годин', 'из предоплаченных часов', 'prepaid'),
    ('coverage_capped', 'понад ліміт, без оплати', 'сверх лимита, без оплаты', 'above the cap, no charge'),
    ('total', 'Разом', 'Итого', 'Total'),
    ('subtotal', 'Разом без знижки', 'Итого без скидки', 'Subtotal'),
    ('net', 'Разом без ПДВ', 'Итого без НДС', 'Net'),
    ('tax', 'ПДВ', 'НДС', 'VAT'),
    ('tax_included', 'У тому числі ПДВ', 'В том числе НДС', 'Including VAT'),
    ('tax_none', 'Без ПДВ', 'Без НДС', 'Not subject to VAT'),
    ('gross', 'Усього', 'Всего', 'Total'),
    ('gross_due', 'Усього до сплати', 'Всего к оплате', 'Total due'),
    ('gross_credited', 'Усього до повернення', 'Всего к возврату', 'Total credited'),
    ('paid', 'Сплачено', 'Оплачено', 'Paid'),
    ('credited', 'Зараховано кредит-нотою', 'Зачтено кредит-нотой', 'Credited'),
    ('open', 'Залишилося сплатити', 'Осталось оплатить', 'Balance due'),
    ('in_words', 'Сума прописом', 'Сумма прописью', 'In words'),
    ('payment_details', 'Реквізити для оплати', 'Реквизиты для оплаты', 'Payment details'),
    ('beneficiary', 'Отримувач', 'Получатель', 'Beneficiary'),
    ('purpose', 'Призначення платежу', 'Назначение платежа', 'Payment reference'),
    ('purpose_invoice', 'Оплата за рахунком', 'Оплата по счёту', 'Invoice'),
    ('purpose_proforma', 'Передплата за рахунком', 'Предоплата по счёту', 'Proforma invoice'),
    ('requirements', 'Вимоги', 'Требования', 'Requirements'),
    ('estimate', 'Кошторис', 'Смета', 'Estimate'),
    ('note', 'Примітка', 'Примечание', 'Note'),
    ('act_begin', 'Виконавець передав, а Замовник прийняв такі роботи та послуги:', 'Исполнитель сдал, а Заказчик принял следующие работы и услуги:',
        'The supplier has delivered and the customer has accepted the following work and services:'),
    ('act_end', 'Роботи виконано та послуги надано повністю і в строк. Замовник не має претензій щодо їх обсягу, якості та строків.',
        'Работы выполнены и услуги оказаны полностью и в срок. Заказчик не имеет претензий по их объёму, качеству и срокам.',
        'The work has been done and the services provided in full and on time. The customer has no claims as to their scope, quality or timing.'),
    ('specification_end', 'Склад і вартість робіт погоджено. Роботи розпочинаються після підписання цієї специфікації.',
        'Состав и стоимость работ согласованы. Работы начинаются после подписания этой спецификации.',
        'The scope and the price of the work are agreed. Work begins once this specification is signed.'),
    ('for_supplier', 'Від виконавця', 'От исполнителя', 'For the supplier'),
    ('for_customer', 'Від замовника', 'От заказчика', 'For the customer'),
    ('signature', 'підпис', 'подпись', 'signature'),
    ('seal', 'М. П.', 'М. П.', ''),
    ('signed', 'Підписано', 'Подписано', 'Signed'),
    ('currency_UAH', 'грн', 'грн', 'UAH'),
    ('currency_RUB', 'руб.', 'руб.', 'RUB'),
    ('currency_BYN', 'біл. руб.', 'бел. руб.', 'BYN'),
    ('unit_h', 'год', 'ч', 'h'),
    ('unit_pcs', 'шт.', 'шт.', 'pcs'),
    ('requisite_tax_id', 'Податковий номер', 'ИНН', 'Tax ID'),
    ('requisite_reg_no', 'ЄДРПОУ', 'ОГРН', 'Reg. no.'),
    ('requisite_kpp', 'КПП', 'КПП', 'KPP'),
    ('requisite_vat_no', 'ІПН платника ПДВ', 'Номер плательщика НДС', 'VAT no.'),
    ('requisite_address', 'Адреса', 'Адрес', 'Address'),
    ('requisite_phone', 'Телефон', 'Телефон', 'Phone'),
    ('requisite_email', 'Ел. пошта', 'Эл. почта', 'E-mail'),
    ('requisite_website', 'Сайт', 'Сайт', 'Website'),
    ('requisite_iban', 'IBAN', 'IBAN', 'IBAN'),
    ('requisite_account', 'Рахунок', 'Расчётный счёт', 'Account'),
    ('requisite_bank', 'Банк', 'Банк', 'Bank'),
    ('requisite_bic', 'МФО / SWIFT', 'БИК', 'BIC'),
    ('requisite_correspondent_account', 'Кореспондентський рахунок', 'Корр. счёт', 'Correspondent account')
  ) AS v (name, uk, ru, en)
 CROSS JOIN LATERAL (VALUES ('uk', v.uk), ('ru', v.ru), ('en', v.en)) AS l (language, label);

CREATE TABLE brand (
    own_id bigint CONSTRAINT brand_pkey PRIMARY KEY
        CONSTRAINT brand_own_fkey REFERENCES party,
    name text CONSTRAINT brand_named CHECK (name <> ''),
    logo text
        CONSTRAINT brand_logo_size CHECK (octet_length(logo) <= 700000)
        CONSTRAINT brand_logo_image CHECK
            (logo ~ '^data:image/(png;base64,iVBORw0KGgo|jpeg;base64,/9j/|svg\+xml;base64,P[A-P])[A-Za-z0-9+/]*={0,2}$'),
    accent text NOT NULL DEFAULT '#1f5673'
        CONSTRAINT brand_accent_rgb CHECK (accent ~ '^#[0-9a-fA-F]{6}$'),
    ink text NOT NULL DEFAULT '#1d252c'
        CONSTRAINT brand_ink_rgb CHECK (ink ~ '^#[0-9a-fA-F]{6}$'),
    footer text
);
COMMENT ON TABLE brand IS
    'how pages of an own company look: name above them (the party''s own where NULL), logo as a data URI (PNG, JPEG or SVG in base64, up to 700 000 '
    'characters), accent and ink colours as #rrggbb, footer a line at the end';

CREATE TABLE template (
    id bigserial CONSTRAINT template_pkey PRIMARY KEY,
    own_id bigint CONSTRAINT template_own_fkey REFERENCES party,
    kind text NOT NULL
        CONSTRAINT template_kind_known CHECK (kind IN ('proposal', 'specification', 'report', 'proforma', 'invoice', 'act', 'credit_note',
            'contract', 'annex', 'other')),
    language text
        CONSTRAINT template_language_known CHECK (language IN ('uk', 'ru', 'en')),
    body text NOT NULL,
    CONSTRAINT template_key UNIQUE NULLS NOT DISTINCT (own_id, kind, language)
);
COMMENT ON TABLE template IS
    'pages with {{tags}} for render(): of an own company, or of all (own_id NULL); for a language, or for all. The most specific one is used: the '
    'company''s before the common one, then the language''s before that for all. Credit notes and proformas take the template of invoices, proposals '
    'that of specifications, where they have none. Checked when stored against page_sample()';

WITH part (name, body) AS (VALUES
('head', $html$<!DOCTYPE html>
<html lang="{{language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<title>{{page_title}}</title>
<style>
:root { --accent: {{brand.accent}}; --ink: {{brand.ink}}; --soft: #66717b; --rule: #dde2e6; --tint: #f5f7f8; }
* { box-sizing: border-box; }
html { font: 10pt/1.45 Inter, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans", sans-serif; color: var(--ink);
  -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body { margin: 0; background: #e9edf0; }
h1, h2, p, dl, dd { margin: 0; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.page { position: relative; width: 210mm; max-width: 100%; min-height: 297mm; margin: 10mm auto; padding: 17mm 17mm 15mm; background: #fff;
  box-shadow: 0 1px 2px rgba(20, 30, 40, .08), 0 12px 40px rgba(20, 30, 40, .10); display: flex; flex-direction: column; }
.top { display: flex; justify-content: space-between; align-items: flex-start; gap: 10mm; padding-bottom: 7mm; border-bottom: 1.2pt solid var(--accent); }
.brand { font-size: 15pt; font-weight: 700; line-height: 1.2; letter-spacing: -.01em; color: var(--accent); max-width: 80mm; overflow-wrap: anywhere; }
.brand img { display: block; width: auto; height: 14mm; max-width: 62mm; object-fit: contain; object-position: left; }
.what { text-align: right; }
h1 { font-size: 17pt; font-weight: 600; line-height: 1.2; letter-spacing: -.015em; }
.number { margin-top: 1mm; font-size: 11pt; color: var(--soft); font-variant-numeric: tabular-nums; }
.status { display: inline-block; margin-right: 3mm; vertical-align: 1pt; padding: .3mm 2.4mm; border: .8pt solid var(--accent); border-radius: 3mm; font-size: 8pt;
  font-weight: 600; color: var(--accent); }
.facts { display: flex; flex-wrap: wrap; gap: 3mm 8mm; padding: 5mm 0; }
dt { font-size: 7.8pt; color: var(--soft); }
.facts dd { font-weight: 500; }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 10mm; padding: 1mm 0 6mm; }
h2 { font-size: 7.8pt; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--accent); margin-bottom: 1.4mm; }
.party .name { font-size: 11pt; font-weight: 600; line-height: 1.3; margin-bottom: 1mm; overflow-wrap: anywhere; }
.list { font-size: 8.8pt; line-height: 1.5; overflow-wrap: anywhere; }
.list div { display: flex; gap: 1.2mm; }
.list dt { flex: none; font-size: inherit; }
.list dt::after { content: ":"; }
.subject { font-size: 11.5pt; font-weight: 600; padding-bottom: 3mm; }
.text { padding-bottom: 5mm; white-space: pre-line; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.lines th { font-size: 7.8pt; font-weight: 600; text-align: left; vertical-align: bottom; color: var(--soft); padding: 0 2mm 1.6mm; line-height: 1.25;
  border-bottom: .8pt solid var(--ink); }
.lines td { padding: 1.6mm 2mm; vertical-align: top; border-bottom: .5pt solid var(--rule); }
.lines th:first-child, .lines td:first-child { padding-left: 0; }
.lines th:last-child, .lines td:last-child { padding-right: 0; }
.lines .n { text-align: right; white-space: nowrap; }
.lines th.n { white-space: normal; }
.lines th.n { min-width: 16mm; }
.lines .i { width: 8mm; color: var(--soft); }
.lines td.d { font-size: 8.4pt; white-space: nowrap; color: var(--soft); padding-top: calc(1.6mm + .8pt); }
.lines tbody tr:last-child { break-after: avoid; }
.lines .t { width: auto; overflow-wrap: anywhere; }
.lines .group td { padding-top: 3.4mm; padding-bottom: 1.4mm; font-weight: 600; border-bottom-color: var(--accent); }
.lines .sum td { font-weight: 600; border-bottom: 0; border-top: .8pt solid var(--ink); }
.lines .free td { color: var(--soft); }
.tag { display: inline-block; padding: 0 1.6mm; border-radius: 2mm; background: #eceff1; font-size: 7.6pt; line-height: 1.6; color: #4d5860; white-space: nowrap; }
.totals { display: flex; justify-content: flex-end; padding-top: 4mm; break-inside: avoid; break-before: avoid; }
.totals table { width: 88mm; }
.totals td { padding: .8mm 0; }
.totals td + td { text-align: right; white-space: nowrap; padding-left: 4mm; }
.totals .gross td { font-size: 12.5pt; font-weight: 700; padding-top: 2mm; border-top: 1.2pt solid var(--accent); }
.totals .gross td + td { color: var(--accent); }
.totals .after td { color: var(--soft); }
.totals .open td { font-weight: 600; }
.words { padding-top: 2.4mm; break-inside: avoid; break-before: avoid; }
.words span { color: var(--soft); }
.box { margin-top: 6mm; padding: 4mm 5mm; background: var(--tint); border-left: 1.6pt solid var(--accent); break-inside: avoid; }
.box .list { display: grid; gap: .4mm; }
.bottom { display: flex; align-items: flex-start; gap: 12mm; margin-top: 7mm; break-inside: avoid; break-before: avoid; }
.bottom > * { flex: 1; }
.bottom > .box { flex: 1.35; margin-top: 0; }
.sign { max-width: 95mm; }
.sign .place { position: relative; height: 15mm; border-bottom: .6pt solid var(--ink); }
.sign .place img { position: absolute; left: 4mm; bottom: -1mm; max-width: 55mm; max-height: 18mm; }
.sign .under { display: flex; justify-content: space-between; gap: 4mm; padding-top: 1mm; font-size: 8.4pt; color: var(--soft); }
.sign .who { font-size: 8.8pt; line-height: 1.3; }
.foot { margin-top: auto; padding-top: 9mm; font-size: 8pt; color: var(--soft); text-align: center; break-inside: avoid; }
.mark { position: fixed; inset: 0; z-index: 1; display: flex; align-items: center; justify-content: center; pointer-events: none; }
.mark span { font-size: 78pt; font-weight: 800; letter-spacing: .05em; text-transform: uppercase; color: rgba(190, 40, 40, .13); transform: rotate(-32deg); white-space: nowrap; }
@page { size: A4; margin: 14mm 15mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt Arial, "Liberation Sans", sans-serif; color: #7b868f; } }
@media print {
  html { font-size: 9.2pt; line-height: 1.4; }
  body { background: none; }
  .page { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; display: block; }
  .top { padding-bottom: 4mm; }
  .facts { padding: 4mm 0; }
  .parties { padding-bottom: 4mm; }
  .foot { padding-top: 4mm; }
  .bottom { margin-top: 6mm; }
  .sign .place { height: 13mm; }
}
@media screen and (max-width: 720px) {
  .page { margin: 0; padding: 6mm 5mm; min-height: 0; }
  .top, .parties, .bottom { display: block; }
  .what { text-align: left; padding-top: 4mm; }
  .party, .sign { padding: 0 0 5mm; }
  .bottom > .box { margin-bottom: 7mm; }
  .lines .i, .lines .u, .lines .d { display: none; }
  .lines td, .lines th { padding-left: 1.2mm; padding-right: 1.2mm; }
  .totals table { width: 100%; }
}
</style>
</head>
<body>
{{#mark}}
<div class="mark"><span>{{mark}}</span></div>
{{/mark}}
<main class="page">
<header class="top">
  <div class="brand">{{#brand.logo}}<img src="{{brand.logo}}" alt="{{brand.name}}">{{/brand.logo}}{{^brand.logo}}{{brand.name}}{{/brand.logo}}</div>
  <div class="what">
    <h1>{{heading}}</h1>
    <p class="number">{{#status}}<span class="status">{{status}}</span>{{/status}}{{number_line}}</p>
  </div>
</header>
<dl class="facts">
  {{#date}}
  <div><dt>{{label.date}}</dt><dd>{{date}}</dd></div>
  {{/date}}
  {{#due}}
  <div><dt>{{label.due}}</dt><dd>{{due}}</dd></div>
  {{/due}}
  {{#period}}
  <div><dt>{{label.period}}</dt><dd>{{period}}</dd></div>
  {{/period}}
  {{#contract}}
  <div><dt>{{label.contract_number}}</dt><dd>{{contract}}</dd></div>
  {{/contract}}
  {{#project}}
  <div><dt>{{label.project}}</dt><dd>{{project}}</dd></div>
  {{/project}}
  {{#task}}
  <div><dt>{{label.task}}</dt><dd>{{task}}</dd></div>
  {{/task}}
  {{#basis}}
  <div><dt>{{label.basis}}</dt><dd>{{basis}}</dd></div>
  {{/basis}}
</dl>
<section class="parties">
  {{#own}}
  <div class="party">
    <h2>{{label.supplier}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
@bank@    </dl>
  </div>
  {{/own}}
  {{#client}}
  <div class="party">
    <h2>{{label.customer}}</h2>
    <p class="name">{{name}}</p>
    <dl class="list">
      {{#requisites}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/requisites}}
@bank@    </dl>
  </div>
  {{/client}}
</section>
{{#title}}
<p class="subject">{{title}}</p>
{{/title}}
$html$),
('bank', $html$      {{#bank}}
      <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
      {{/bank}}
$html$),
('title', $html${{#url}}<a href="{{url}}" rel="noopener noreferrer">{{title}}</a>{{/url}}{{^url}}{{title}}{{/url}}{{#coverage}} <span class="tag">{{coverage}}</span>{{/coverage}}$html$),
('hours', $html$<table class="lines">
<thead><tr><th class="i">{{label.row_number}}</th><th class="t">{{label.work}}</th><th class="d">{{label.days}}</th><th class="n">{{label.worked}}</th><th class="n">{{label.billed}}</th><th class="n">{{label.price}}, {{currency}}</th>{{#show.discount}}<th class="n">{{label.discount}}</th>{{/show.discount}}<th class="n">{{label.amount}}, {{currency}}</th></tr></thead>
<tbody>
{{#groups}}
{{#show.groups}}
<tr class="group"><td class="i"></td><td class="t">{{title}}</td><td class="d"></td><td class="n">{{hours_worked}}</td><td class="n">{{hours_billed}}</td><td></td>{{#show.discount}}<td></td>{{/show.discount}}<td class="n">{{amount}}</td></tr>
{{/show.groups}}
{{#rows}}
<tr{{#free}} class="free"{{/free}}><td class="i">{{no}}</td><td class="t">@title@</td><td class="d">{{days}}</td><td class="n">{{hours_worked}}</td><td class="n">{{hours_billed}}</td><td class="n">{{price}}</td>{{#show.discount}}<td class="n">{{discount}}</td>{{/show.discount}}<td class="n">{{amount}}</td></tr>
{{/rows}}
{{/groups}}
<tr class="sum"><td class="i"></td><td class="t">{{label.total}}</td><td class="d"></td><td class="n">{{totals.hours_worked}}</td><td class="n">{{totals.hours_billed}}</td><td></td>{{#show.discount}}<td></td>{{/show.discount}}<td class="n">{{totals.amount}}</td></tr>
</tbody>
</table>
$html$),
('items', $html$<table class="lines">
<thead><tr><th class="i">{{label.row_number}}</th><th class="t">{{label.description}}</th><th class="n">{{label.quantity}}</th><th class="u">{{label.unit}}</th><th class="n">{{label.price}}, {{currency}}</th>{{#show.discount}}<th class="n">{{label.discount}}</th>{{/show.discount}}{{#show.tax_rate}}<th class="n">{{label.tax}}</th>{{/show.tax_rate}}<th class="n">{{label.amount}}, {{currency}}</th></tr></thead>
<tbody>
{{#groups}}
{{#show.groups}}
<tr class="group"><td class="i"></td><td class="t" colspan="2">{{title}}</td><td class="u"></td><td></td>{{#show.discount}}<td></td>{{/show.discount}}{{#show.tax_rate}}<td></td>{{/show.tax_rate}}<td class="n">{{amount}}</td></tr>
{{/show.groups}}
{{#rows}}
<tr{{#free}} class="free"{{/free}}><td class="i">{{no}}</td><td class="t">@title@</td><td class="n">{{quantity}}</td><td class="u">{{unit}}</td><td class="n">{{price}}</td>{{#show.discount}}<td class="n">{{discount}}</td>{{/show.discount}}{{#show.tax_rate}}<td class="n">{{tax_rate}}</td>{{/show.tax_rate}}<td class="n">{{amount}}</td></tr>
{{/rows}}
{{/groups}}
</tbody>
</table>
$html$),
('totals', $html$<div class="totals">
<table>
{{#totals}}
{{#discount}}
<tr><td>{{label.subtotal}}</td><td>{{amount}}</td></tr>
<tr><td>{{label.discount}}</td><td>{{discount}}</td></tr>
{{/discount}}
{{^inclusive}}
{{#taxed}}
<tr><td>{{label.net}}</td><td>{{net}}</td></tr>
{{/taxed}}
{{#taxes}}
<tr><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
<tr class="gross"><td>{{gross_label}}</td><td>{{gross_money}}</td></tr>
{{#inclusive}}
{{#taxes}}
<tr class="after"><td>{{name}}</td><td>{{amount}}</td></tr>
{{/taxes}}
{{/inclusive}}
{{#tax_free}}
<tr class="after"><td>{{label.tax_none}}</td><td></td></tr>
{{/tax_free}}
{{#credited}}
<tr class="after"><td>{{label.credited}}</td><td>{{credited}}</td></tr>
{{/credited}}
{{#paid}}
<tr class="after"><td>{{label.paid}}</td><td>{{paid}}</td></tr>
{{/paid}}
{{#open}}
<tr class="open"><td>{{label.open}}</td><td>{{open}}</td></tr>
{{/open}}
{{/totals}}
</table>
</div>
{{#totals.words}}
<p class="words"><span>{{label.in_words}}:</span> {{totals.words}}.</p>
{{/totals.words}}
$html$),
('payment', $html${{#payment}}
<section class="box">
  <h2>{{label.payment_details}}</h2>
  <dl class="list">
    <div><dt>{{label.beneficiary}}</dt><dd>{{beneficiary}}</dd></div>
    {{#requisites}}
    <div><dt>{{name}}</dt><dd>{{value}}</dd></div>
    {{/requisites}}
    {{#purpose}}
    <div><dt>{{label.purpose}}</dt><dd>{{purpose}}</dd></div>
    {{/purpose}}
  </dl>
</section>
{{/payment}}
$html$),
('requirements', $html${{#requirements}}
<h2>{{label.requirements}}</h2>
<p class="text">{{requirements}}</p>
<h2>{{label.estimate}}</h2>
{{/requirements}}
$html$),
('note', $html${{#note}}
<section class="box"><h2>{{label.note}}</h2><p style="white-space: pre-line">{{note}}</p></section>
{{/note}}
$html$),
('sign', $html$<section class="sign">
  <h2>{{label.for_supplier}}</h2>
  <p class="who">{{own.name}}</p>
  <div class="place"></div>
  <div class="under"><span>{{own.signatory_title}} {{own.signatory}}</span><span>{{label.signature}} {{label.seal}}</span></div>
</section>
$html$),
('sign_client', $html$<section class="sign">
  <h2>{{label.for_customer}}</h2>
  <p class="who">{{client.name}}</p>
  <div class="place">{{#signature}}{{#image}}<img src="{{image}}" alt="{{label.signature}}">{{/image}}{{/signature}}</div>
  <div class="under">{{#signature}}<span>{{label.signed}}: {{on}} {{by}}</span>{{/signature}}{{^signature}}<span>{{client.signatory_title}} {{client.signatory}}</span>{{/signature}}<span>{{label.signature}} {{label.seal}}</span></div>
</section>
$html$),
('foot', $html${{#brand.footer}}
<footer class="foot">{{brand.footer}}</footer>
{{/brand.footer}}
</main>
</body>
</html>
$html$)),
page (kind, body) AS (VALUES
    ('report', '@head@@hours@@totals@@note@@foot@'),
    ('invoice', E'@head@@items@@totals@@note@<div class="bottom">\n@payment@@sign@</div>\n@foot@'),
    ('act', E'@head@<p class="text">{{label.act_begin}}</p>\n@items@@totals@<p class="words">{{label.act_end}}</p>\n@note@<div class="bottom">\n@sign@@sign_client@</div>\n@foot@'),
    ('specification', E'@head@@requirements@@items@@totals@<p class="words">{{label.specification_end}}</p>\n@note@<div class="bottom">\n@sign@@sign_client@</div>\n@foot@'))
INSERT INTO template (kind, body)
SELECT g.kind,
       replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(g.body,
           '@head@', replace(p.parts ->> 'head', '@bank@', CASE WHEN g.kind = 'act' THEN p.parts ->> 'bank' ELSE '' END)),
           '@hours@', p.parts ->> 'hours'), '@items@', p.parts ->> 'items'), '@title@', p.parts ->> 'title'),
           '@totals@', p.parts ->> 'totals'), '@payment@', p.parts ->> 'payment'), '@note@', p.parts ->> 'note'),
           '@requirements@', p.parts ->> 'requirements'),
           '@sign@', p.parts ->> 'sign'), '@sign_client@', p.parts ->> 'sign_client'),
           '@foot@', p.parts ->> 'foot')
  FROM page g CROSS JOIN (SELECT jsonb_object_agg(name, body) AS parts FROM part) p
 ORDER BY g.kind;

CREATE DOMAIN "text/html" AS text;
COMMENT ON DOMAIN "text/html" IS 'a page, for gateways that choose the media type by the name of the type';

CREATE DOMAIN "text/csv" AS text;
COMMENT ON DOMAIN "text/csv" IS 'a table, for gateways that choose the media type by the name of the type';
