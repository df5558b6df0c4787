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
    'the words of pages: {{label.name}} in a template is the row of the page''s language, of English where it has '
    'none. currency_XXX is how a currency is written beside an amount, unit_x how a unit is, requisite_x what a key of '
    'party.requisites is called';
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
    ('debt', 'Борг на початок обліку', 'Долг на начало учёта', 'Debt brought forward'),
    ('netting', 'Акт взаємозаліку', 'Акт взаимозачёта', 'Netting of debts'),
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
    ('link_invalid_says', 'Це посилання більше не дійсне.', 'Эта ссылка больше не действительна.',
     'This link is not valid any more.'),
    ('link_invalid_hint', 'Попросіть нове посилання в того, хто його надіслав.', 'Попросите новую ссылку у того, кто '
        'её прислал.',
        'Ask whoever sent it for a new one.'),
    ('void_says', 'Цей документ анульовано.', 'Этот документ аннулирован.', 'This document is void.'),
    ('void_hint', 'Він більше нічого не означає: за ним нічого не потрібно погоджувати чи сплачувати.',
        'Он больше ничего не значит: по нему ничего не нужно согласовывать или оплачивать.', 'It stands for nothing '
            'any more: there is nothing to agree to or to pay.'),
    ('superseded_says', 'Цей документ замінено новішою редакцією.', 'Этот документ заменён новой редакцией.',
     'This document was replaced by a newer version.'),
    ('superseded_hint', 'Попросіть посилання на неї в того, хто надіслав це.', 'Попросите ссылку на неё у того, кто '
        'прислал эту.',
        'Ask whoever sent you this link for that of the newer one.'),
    ('answer', 'Ваша відповідь', 'Ваш ответ', 'Your answer'),
    ('answer_agree', 'Погоджую', 'Согласен', 'I agree'),
    ('answer_change', 'Потрібні зміни', 'Нужны изменения', 'Something is to be changed'),
    ('answer_comment', 'Що змінити?', 'Что изменить?', 'What is to be changed?'),
    ('answer_reject', 'Відхилити', 'Отклонить', 'Reject'),
    ('answer_agreed', 'Дякуємо, погоджено.', 'Спасибо, согласовано.', 'Thank you, this is agreed.'),
    ('answer_rejected', 'Дякуємо, ваше зауваження передано.', 'Спасибо, ваше замечание передано.',
     'Thank you, your remark was passed on.'),
    ('answer_reason_wrong', 'Напишіть, будь ласка, що змінити.', 'Напишите, пожалуйста, что изменить.',
     'Please say what is to be changed.'),
    ('answer_long_wrong', 'Відповідь задовга: щонайбільше 4000 знаків.',
     'Ответ слишком длинный: не больше 4000 знаков.',
     'The answer is too long: 4000 characters at most.'),
    ('answer_sign', 'Підписати', 'Подписать', 'Sign'),
    ('answer_name', 'Прізвище та ім’я', 'Фамилия и имя', 'Full name'),
    ('answer_draw', 'Підпишіться тут пальцем або мишею', 'Распишитесь здесь пальцем или мышью',
     'Sign here with a finger or a mouse'),
    ('answer_clear', 'Стерти', 'Стереть', 'Clear'),
    ('answer_signed', 'Дякуємо, підписано.', 'Спасибо, подписано.', 'Thank you, this is signed.'),
    ('answer_name_wrong', 'Напишіть, будь ласка, хто підписує.', 'Напишите, пожалуйста, кто подписывает.',
     'Please say who signs.'),
    ('answer_name_long_wrong', 'Ім’я задовге: щонайбільше 200 знаків.', 'Имя слишком длинное: не больше 200 знаков.',
     'The name is too long: 200 characters at most.'),
    ('answer_image_wrong', 'Підпис не вдалося прочитати. Спробуйте ще раз.',
     'Подпись не удалось прочитать. Попробуйте ещё раз.', 'The signature could not be read. Please try again.'),
    ('answer_image_large_wrong', 'Зображення підпису завелике.', 'Изображение подписи слишком велико.',
     'The image of the signature is too large.'),
    ('answer_refused', 'Цей документ не чекає на таку відповідь.', 'Этот документ не ждёт такого ответа.',
     'This document does not wait for such an answer.'),
    ('answer_closed', 'Зараз відповідь прийняти не можна. Спробуйте пізніше.',
     'Сейчас ответ принять нельзя. Попробуйте позже.', 'Answers cannot be taken now. Please try later.'),
    ('client_all', 'Усі документи', 'Все документы', 'All documents'),
    ('client_open', 'Чекає на вас', 'Ждёт вас', 'Waiting for you'),
    ('client_nothing_open', 'Нічого не чекає.', 'Ничего не ждёт.', 'Nothing is waiting.'),
    ('client_asks', 'Потрібна ваша відповідь', 'Нужен ваш ответ', 'Your answer is wanted'),
    ('client_owed', 'До сплати', 'К оплате', 'To pay'),
    ('client_work', 'Поточні роботи', 'Текущие работы', 'Current work'),
    ('client_no_work', 'Усі роботи вже є в документах.', 'Все работы уже есть в документах.',
     'All work is on a document.'),
    ('client_past', 'Попередні документи', 'Прежние документы', 'Past documents'),
    ('client_no_past', 'Їх ще немає.', 'Их ещё нет.', 'There are none yet.'),
    ('client_period_work', 'Роботи періоду', 'Работы периода', 'Work of the period'),
    ('client_hours_left', 'Залишилося годин', 'Осталось часов', 'Hours left'),
    ('client_balance', 'Залишок передплати', 'Остаток предоплаты', 'Prepaid balance'),
    ('client_cap_left', 'Залишилося до ліміту', 'Осталось до лимита', 'Left to the limit'),
    ('client_cap_hours_left', 'Годин до ліміту', 'Часов до лимита', 'Hours to the limit'),
    ('reminded', 'Нагадування', 'Напоминание', 'Reminder'),
    ('reminded_fee', 'Плата за нагадування', 'Плата за напоминания', 'Reminder fees'),
    ('reminded_interest', 'Пеня', 'Пеня', 'Interest'),
    ('put_off', 'Відстрочено до', 'Отсрочено до', 'Put off to'),
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
    ('clock_note', 'Час з двокрапкою подано в годинах і хвилинах: сума рядка – цей час за ціною години.',
     'Время с двоеточием – в часах и минутах: сумма строки – это время по цене часа.',
     'Time with a colon is in hours and minutes: the amount of a line is that time at its price an hour.'),
    ('summed_note', 'Де добуток інший, сума рядка є сумою його робіт, кожну з яких округлено.',
     'Где произведение иное, сумма строки – сумма её работ, каждая из которых округлена.',
     'Where a line does not multiply, its amount is the sum of its works, each rounded.'),
    ('gross', 'Усього', 'Всего', 'Total'),
    ('summary', 'Коротко', 'Коротко', 'Summary'),
    ('summary_billed', 'Оплачуються, год', 'Оплачиваются, ч', 'Charged, h'),
    ('summary_no_charge', 'Без оплати, год', 'Без оплаты, ч', 'Free of charge, h'),
    ('summary_included', 'У пакеті, год', 'В пакете, ч', 'Included, h'),
    ('summary_prepaid', 'З передплачених, год', 'Из предоплаченных, ч', 'Prepaid, h'),
    ('summary_capped', 'Понад ліміт, без оплати, год', 'Сверх лимита, без оплаты, ч', 'Above the cap, free, h'),
    ('summary_discount', 'Знижки', 'Скидки', 'Discounts'),
    ('summary_before', 'Попередній період', 'Предыдущий период', 'Period before'),
    ('gross_due', 'Усього до сплати', 'Всего к оплате', 'Total due'),
    ('gross_credited', 'Усього до повернення', 'Всего к возврату', 'Total credited'),
    ('meaning_rebill', 'Буде виставлено повторно.', 'Будет выставлено повторно.', 'This will be invoiced again.'),
    ('meaning_waive', 'Сплачувати це не потрібно: повторно не виставляється.',
     'Оплачивать это не нужно: повторно не выставляется.', 'This is waived and will not be invoiced again.'),
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
    ('act_begin', 'Виконавець передав, а Замовник прийняв такі роботи та послуги:', 'Исполнитель сдал, а Заказчик '
        'принял следующие работы и услуги:',
        'The supplier has delivered and the customer has accepted the following work and services:'),
    ('act_end', 'Роботи виконано та послуги надано повністю і в строк. Замовник не має претензій щодо їх обсягу, '
                'якості та строків.',
        'Работы выполнены и услуги оказаны полностью и в срок. Заказчик не имеет претензий по их объёму, качеству и '
        'срокам.',
        'The work has been done and the services provided in full and on time. The customer has no claims as to '
        'their scope, quality or timing.'),
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
    ('currency_KZT', 'тенге', 'тенге', 'KZT'),
    ('unit_h', 'год', 'ч', 'h'),
    ('unit_pcs', 'шт.', 'шт.', 'pcs'),
    ('unit_service', 'послуга', 'усл.', 'service'),
    ('unit_set', 'компл.', 'компл.', 'set'),
    ('unit_min', 'хв', 'мин', 'min'),
    ('unit_day', 'день', 'день', 'day'),
    ('unit_week', 'тиждень', 'неделя', 'week'),
    ('unit_month', 'міс.', 'мес.', 'month'),
    ('unit_quarter', 'квартал', 'квартал', 'quarter'),
    ('unit_year', 'рік', 'год', 'year'),
    ('unit_user', 'користувач', 'пользователь', 'user'),
    ('unit_licence', 'ліцензія', 'лицензия', 'licence'),
    ('unit_page', 'стор.', 'стр.', 'page'),
    ('unit_word', 'слово', 'слово', 'word'),
    ('unit_character', 'знак', 'знак', 'character'),
    ('unit_km', 'км', 'км', 'km'),
    ('title_time', 'Роботи', 'Работы', 'Work'),
    ('title_item', 'Послуги та товари', 'Услуги и товары', 'Goods and services'),
    ('title_fee', 'Абонентська плата', 'Абонентская плата', 'Fee'),
    ('title_stage', 'Етап робіт', 'Этап работ', 'Stage'),
    ('title_expense', 'Відшкодування витрат', 'Возмещение расходов', 'Expenses'),
    ('title_adjustment', 'Коригування', 'Корректировка', 'Adjustment'),
    ('place', 'Місце складання', 'Место составления', 'Place'),
    ('statement', 'Акт звірки взаємних розрахунків', 'Акт сверки взаимных расчётов', 'Reconciliation of accounts'),
    ('statement_by', 'За даними', 'По данным', 'By the books of'),
    ('statement_all', 'за всіма договорами', 'по всем договорам', 'all contracts'),
    ('statement_document', 'Документ', 'Документ', 'Document'),
    ('statement_owed', 'Станом на %1$s заборгованість на користь %2$s становить %3$s (%4$s).',
     'На %1$s задолженность в пользу %2$s составляет %3$s (%4$s).', 'On %1$s %3$s (%4$s) are owed to %2$s.'),
    ('statement_even', 'Станом на %s взаємної заборгованості немає.', 'На %s взаимной задолженности нет.',
     'On %s nothing is owed by either side.'),
    ('debit', 'Дебет', 'Дебет', 'Debit'),
    ('credit', 'Кредит', 'Кредит', 'Credit'),
    ('opening_balance', 'Сальдо на початок', 'Сальдо начальное', 'Opening balance'),
    ('closing_balance', 'Сальдо на кінець', 'Сальдо конечное', 'Closing balance'),
    ('turnover', 'Обороти', 'Обороты', 'Turnover'),
    ('move_payment', 'Оплата', 'Оплата', 'Payment'),
    ('move_refund', 'Повернення коштів', 'Возврат средств', 'Refund'),
    ('move_write_off', 'Списання', 'Списание', 'Write-off'),
    ('move_netting', 'Взаємозалік', 'Взаимозачёт', 'Netting'),
    ('move_opening', 'Залишок до початку обліку', 'Остаток до начала учёта', 'Brought forward'),
    ('move_entry', 'Проведення', 'Проводка', 'Entry'),
    ('purpose_tax', 'у т. ч.', 'в т. ч.', 'incl.'),
    ('purpose_tax_none', 'без ПДВ', 'без НДС', 'without VAT'),
    ('including', 'У тому числі', 'В том числе', 'Including'),
    ('tax_in_words', 'У т. ч. ПДВ', 'В т. ч. НДС', 'Including VAT'),
    ('beneficiary_bank', 'Банк отримувача', 'Банк получателя', 'Beneficiary''s bank'),
    ('contract_date', 'Дата договору', 'Дата договора', 'Date of the contract'),
    ('requisite_signatory', 'Хто підписує', 'Кто подписывает', 'Who signs'),
    ('requisite_signatory_title', 'Посада підписанта', 'Должность подписанта', 'Position of who signs'),
    ('requisite_authority', 'Діє на підставі', 'Действует на основании', 'Acts on the basis of'),
    ('requisite_accountant', 'Головний бухгалтер', 'Главный бухгалтер', 'Chief accountant'),
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
    'how pages of an own company look: name above them (the party''s own where NULL), logo as a data URI (PNG, JPEG or '
    'SVG in base64, up to 700 000 characters), accent and ink colours as #rrggbb, footer a line at the end';

CREATE TABLE brand_logo (
    digest bytea CONSTRAINT brand_logo_pkey PRIMARY KEY,
    logo text NOT NULL
);
COMMENT ON TABLE brand_logo IS
    'logos under which documents were issued, each once, by the SHA-256 that document.kept names: the brand may change';

CREATE TABLE template (
    id bigserial CONSTRAINT template_pkey PRIMARY KEY,
    own_id bigint CONSTRAINT template_own_fkey REFERENCES party,
    kind text NOT NULL,
    language text
        CONSTRAINT template_language_known CHECK (language IN ('uk', 'ru', 'en')),
    body text NOT NULL,
    rules text,
    CONSTRAINT template_key UNIQUE NULLS NOT DISTINCT (own_id, kind, language, rules)
);
COMMENT ON TABLE template IS
    'pages with {{tags}} for render(), by kind of document, or statement (accounts with clients): of an own company, '
    'or of all (own_id NULL); for a language, or for all; for the papers of a country, or of all. The most specific '
    'one is used: the company''s before the common one, then the country''s, then the language''s. Credit notes and '
    'proformas take the template of invoices, proposals that of specifications, where they have none. Checked when '
    'stored against page_sample() or statement_sample()';

CREATE TABLE issued_page (
    document_id bigint CONSTRAINT issued_page_pkey PRIMARY KEY
        CONSTRAINT issued_page_document_fkey REFERENCES document,
    language text NOT NULL
        CONSTRAINT issued_page_language_known CHECK (language IN ('uk', 'ru', 'en')),
    body text,
    digest bytea CONSTRAINT issued_page_digest_size CHECK (octet_length(digest) = 32),
    CONSTRAINT issued_page_whole CHECK (num_nonnulls(body, digest) IN (0, 2))
);
COMMENT ON TABLE issued_page IS
    'the page of every document of ours as it was issued, once, in the language it was issued in: issued_html() gives '
    'it, byte for byte. body holds the name of the logo in place of the image, which is in brand_logo; digest is the '
    'SHA-256 of the whole page. Both are NULL where its kind had no template on that day';

CREATE DOMAIN "text/html" AS text;
COMMENT ON DOMAIN "text/html" IS 'a page, for gateways that choose the media type by the name of the type';

CREATE DOMAIN "text/csv" AS text;
COMMENT ON DOMAIN "text/csv" IS 'a table, for gateways that choose the media type by the name of the type';
