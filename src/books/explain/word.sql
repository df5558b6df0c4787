-- ---------------------------------------------------------------------------
-- words: what reasons and explanations are made of, in three languages
--
-- The one place of these words.  A template is filled in by format(): its places
-- may stand in any order, and a per cent sign is written twice.
-- ---------------------------------------------------------------------------

CREATE FUNCTION explain_words() RETURNS TABLE (name text, en text, uk text, ru text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES
    -- units
    ('hour', '%s h', '%s год', '%s ч'),
    ('minute', '%s min', '%s хв', '%s мин'),
    ('second', '%s s', '%s с', '%s с'),
    ('minus', 'minus %s', 'мінус %s', 'минус %s'),
    -- hours of the calendar
    ('band_regular', 'regular hours', 'робочі години', 'рабочие часы'),
    ('band_off_hours', 'off hours', 'неробочі години', 'нерабочие часы'),
    ('band_night', 'night hours', 'нічні години', 'ночные часы'),
    ('band_weekend', 'weekend hours', 'години вихідних', 'часы выходных'),
    ('band_holiday', 'holiday hours', 'святкові години', 'праздничные часы'),
    ('band', '%s hours', 'години «%s»', 'часы «%s»'),
    -- why: time
    ('rounded_hand', '%s worked, set by hand to %s', 'відпрацьовано %s, вручну встановлено %s',
        'отработано %s, вручную установлено %s'),
    ('rounded_up', '%s worked, rounded up to %s', 'відпрацьовано %s, округлено вгору до %s',
        'отработано %s, округлено вверх до %s'),
    ('rounded_down', '%s worked, rounded down to %s', 'відпрацьовано %s, округлено вниз до %s',
        'отработано %s, округлено вниз до %s'),
    ('rounded_minimum', '%s worked, raised to %s', 'відпрацьовано %s, збільшено до %s',
        'отработано %s, увеличено до %s'),
    ('rounded_maximum', '%s worked, limited to %s', 'відпрацьовано %s, обмежено до %s',
        'отработано %s, ограничено до %s'),
    ('rounded_group', '%1$s worked, rounded with the rest of its %3$s to %2$s',
        'відпрацьовано %1$s, округлено разом: %3$s, до %2$s',
        'отработано %1$s, округлено вместе: %3$s, до %2$s'),
    ('group_task_day', 'task and day', 'робота дня над завданням', 'работа дня по задаче'),
    ('group_day', 'day', 'робота дня', 'работа дня'),
    ('group_task', 'task', 'уся робота над завданням', 'вся работа по задаче'),
    ('group_period', 'period', 'робота періоду', 'работа периода'),
    ('band_minimum', 'raised to the minimum of %s', 'збільшено до мінімуму %s', 'увеличено до минимума %s'),
    ('burn', 'each second counted %s times', 'кожна секунда рахується з коефіцієнтом %s',
        'каждая секунда считается с коэффициентом %s'),
    -- why: price
    ('band_price', '%s: the price%s%s', '%s: ціна%s%s', '%s: цена%s%s'),
    ('times', ' times %s', ' × %s', ' × %s'),
    ('plus', ' plus %s', ' плюс %s', ' плюс %s'),
    ('less', ' less %s %%', ' мінус %s %%', ' минус %s %%'),
    ('tiers', 'by tiers, %s', 'за ступенями, %s', 'по ступеням, %s'),
    ('discount', 'discount of %s %% by %s', 'знижка %s %% (%s)', 'скидка %s %% (%s)'),
    ('by_position', 'the position', 'позиція прайсу', 'позиция прайса'),
    ('by_contract', 'the contract', 'договір', 'договор'),
    ('by_list', 'the list', 'прайс', 'прайс'),
    ('cap', 'over the cap of %s: %s written off', 'понад ліміт %s: списано %s', 'сверх лимита %s: списано %s'),
    ('cap_met', 'up to the cap of %s', 'до ліміту %s', 'до лимита %s'),
    ('cap_or', '%s or %s', '%s або %s', '%s или %s'),
    ('cap_period', '%s from %s to %s', '%s з %s по %s', '%s с %s по %s'),
    ('cap_period_part', '%s from %s to %s (%s of %s days, rule %s)', '%s з %s по %s (%s з %s днів, правило %s)',
        '%s с %s по %s (%s из %s дней, правило %s)'),
    -- why: what is not billed by the hour
    ('disposition_entry', 'entry', 'запис часу', 'запись времени'),
    ('disposition_task', 'task', 'завдання', 'задача'),
    ('disposition_work_type', 'work type %s', 'вид робіт %s', 'вид работ %s'),
    ('disposition_project', 'project', 'проєкт', 'проект'),
    ('disposition_own_project', 'project of the own company', 'проєкт своєї компанії', 'проект своей компании'),
    ('disposition_task_price', 'in the fixed price of the task', 'у фіксованій ціні завдання',
        'в фиксированной цене задачи'),
    ('disposition_contract_price', 'in the fixed price of the contract', 'у фіксованій ціні договору',
        'в фиксированной цене договора'),
    -- why: what is no work
    ('fee_once', '%s, once', '%s, одноразово', '%s, единоразово'),
    ('fee', '%s, from %s to %s', '%s, з %s по %s', '%s, с %s по %s'),
    ('fee_part', '%s, from %s to %s: %s of the %s days of the period (rule %s) of %s',
        '%s, з %s по %s: %s з %s днів періоду (правило %s) від %s', '%s, с %s по %s: %s из %s дней периода (правило '
        '%s) от %s'),
    ('stage', '%s, accepted on %s', '%s, прийнято %s', '%s, принято %s'),
    ('block_hours', '%s prepaid hours', 'передплачені години: %s', 'предоплаченные часы: %s'),
    ('block_money', 'prepaid money', 'передплачені кошти', 'предоплаченные деньги'),
    ('block_from', '%s, from %s', '%s, з %s', '%s, с %s'),
    ('block_to', '%s to %s', '%s по %s', '%s по %s'),
    ('expense_rate', '%s %s at the rate of %s', '%s %s за курсом на %s', '%s %s по курсу на %s'),
    ('expense_cost', 'passed on at cost', 'за собівартістю', 'по себестоимости'),
    ('expense_markup', 'cost with %s %% on it', 'собівартість з націнкою %s %%', 'себестоимость с наценкой %s %%'),
    ('write_off', 'write-off of charge %s', 'списання з нарахування %s', 'списание с начисления %s'),
    ('write_up', 'write-up of charge %s', 'збільшення нарахування %s', 'увеличение начисления %s'),
    ('paper_less', 'reduction', 'зменшення', 'уменьшение'),
    ('paper_more', 'addition', 'збільшення', 'увеличение'),
    ('paper_correction', 'correction', 'виправлення', 'исправление'),
    ('minimum_charge', 'minimum charge of %s for the period, of which %s was reached',
        'мінімальна оплата %s за період, з якої набрано %s', 'минимальная оплата %s за период, из которой набрано %s'),
    ('minimum_charge_part',
        'minimum charge of %s from %s to %s, %s of the %s days of the period (rule %s) of %s, of which %s was reached',
        'мінімальна оплата %s з %s по %s, %s з %s днів періоду (правило %s) від %s, з якої набрано %s',
        'минимальная оплата %s с %s по %s, %s из %s дней периода (правило %s) от %s, из которой набрано %s'),
    ('reversal', 'reversal of charge %s', 'сторно нарахування %s', 'сторно начисления %s'),
    ('taken_back', 'taken back: %s', 'повернуто: %s', 'возвращено: %s'),
    ('taken_off_discount', 'discount', 'знижка', 'скидка'),
    ('taken_off_cents', 'rounding of the position on the paper', 'округлення рядка документа',
        'округление строки документа'),
    ('taken_off_tax', 'rounding of the tax in the price', 'округлення податку в ціні', 'округление налога в цене'),
    ('correction_fee', '%1$s: %2$s are due from %4$s to %5$s, charged were %3$s',
        '%1$s: належить %2$s з %4$s до %5$s, нараховано було %3$s',
        '%1$s: полагается %2$s с %4$s по %5$s, начислено было %3$s'),
    ('correction_no_fee', '%1$s: nothing is due, charged were %3$s', '%1$s: нічого не належить, нараховано було %3$s',
        '%1$s: ничего не полагается, начислено было %3$s'),
    ('correction_minimum', 'minimum charge: %1$s are due from %3$s to %4$s, of which %2$s was reached',
        'мінімальна оплата: належить %1$s з %3$s до %4$s, з якої набрано %2$s',
        'минимальная оплата: полагается %1$s с %3$s по %4$s, из которой набрано %2$s'),
    ('correction_cost', 'the cost as it is known now', 'собівартість, як вона відома тепер',
        'себестоимость, как она известна теперь'),
    ('correction_exchange', 'at the rate %s of %s', 'за курсом %s на %s', 'по курсу %s на %s'),
    ('credited', 'credited', 'кредитовано', 'кредитовано'),
    ('given_up', 'waived', 'прощено', 'прощено'),
    ('billed_again', 'to be billed again', 'до повторного виставлення', 'к повторному выставлению'),
    -- whose price
    ('price_position', '%s, position %s', '%s, позиція %s', '%s, позиция %s'),
    ('price_entry', 'entry price', 'ціна запису часу', 'цена записи времени'),
    ('price_overage', 'overage price of line %s', 'ціна понад включене, рядок договору %s',
        'цена сверх включённого, строка договора %s'),
    ('price_agreed', 'agreed price', 'погоджена ціна', 'согласованная цена'),
    ('price_unknown', 'no source stamped', 'джерело не записано', 'источник не записан'),
    -- explanations: work
    ('tax_in_it', '%s of it are tax, %s are net.', 'З цього %s – податок, %s – без податку.',
        'Из этого %s – налог, %s – без налога.'),
    ('head', 'Charge %s, %s%s: %s', 'Нарахування %s, %s%s: %s', 'Начисление %s, %s%s: %s'),
    ('head_contract', 'contract "%s"', 'договір «%s»', 'договор «%s»'),
    ('head_none', 'no contract', 'без договору', 'без договора'),
    ('somebody', 'Somebody', 'Хтось', 'Кто-то'),
    ('worked', '%s worked %s on %s', '%s: відпрацьовано %s, %s', '%s: отработано %s, %s'),
    ('worked_clock', ', from %s to %s (%s)', ', з %s до %s (%s)', ', с %s до %s (%s)'),
    ('worked_task', ', on task "%s"', ', завдання «%s»', ', задача «%s»'),
    ('not_charged', 'It is shown and not charged', 'Показано без оплати', 'Показано без оплаты'),
    ('not_billed', 'It is not billed', 'Не виставляється', 'Не выставляется'),
    ('not_by_hour', 'It is not charged by the hour', 'Не оплачується погодинно', 'Не оплачивается почасово'),
    ('by_hand', 'Billed are %s, set by hand.', 'До оплати %s, встановлено вручну.',
        'К оплате %s, установлено вручную.'),
    ('rounded_to', 'Rounded to %s: %s.', 'Округлено до %s: %s.', 'Округлено до %s: %s.'),
    ('raised_to', 'Raised to %s: %s.', 'Збільшено до %s: %s.', 'Увеличено до %s: %s.'),
    ('limited_to', 'Limited to %s: %s.', 'Обмежено до %s: %s.', 'Ограничено до %s: %s.'),
    ('rule_unknown', 'by the contract''s rule', 'за правилом договору', 'по правилу договора'),
    ('rule_up', 'the contract rounds %s up to %s', 'договір округлює вгору до %2$s: %1$s',
        'договор округляет вверх до %2$s: %1$s'),
    ('rule_down', 'the contract rounds %s down to %s', 'договір округлює вниз до %2$s: %1$s',
        'договор округляет вниз до %2$s: %1$s'),
    ('rule_nearest', 'the contract rounds %s to the nearest %s', 'договір округлює до найближчих %2$s: %1$s',
        'договор округляет до ближайших %2$s: %1$s'),
    ('rule_none', 'the contract takes %s as it is', 'договір бере як є: %s', 'договор берёт как есть: %s'),
    ('scope_entry', 'each entry', 'кожний запис', 'каждую запись'),
    ('scope_task_day', 'the day''s work on a task', 'роботу дня над завданням', 'работу дня по задаче'),
    ('scope_day', 'the day''s work', 'роботу дня', 'работу дня'),
    ('scope_task', 'all work on a task', 'усю роботу над завданням', 'всю работу по задаче'),
    ('scope_period', 'the work of a period', 'роботу періоду', 'работу периода'),
    ('rule_grace', 'forgiving %s', 'прощаючи %s', 'прощая %s'),
    ('rule_minimum', 'at least %s', 'не менше %s', 'не меньше %s'),
    ('rule_maximum', 'at most %s', 'не більше %s', 'не больше %s'),
    ('part', 'Of it %s in %s: part %s of %s.', 'З них %s — %s: частина %s з %s.', 'Из них %s — %s: часть %s из %s.'),
    ('all_in', 'All of it in %s.', 'Усе це — %s.', 'Всё это — %s.'),
    ('minimum_for', 'Raised to the minimum of %s for %s.', 'Збільшено до мінімуму %s (%s).',
        'Увеличено до минимума %s (%s).'),
    ('covered', 'Covered by %s (allotment %s)%s: %s taken of %s. Nothing more to pay.',
        'Покриває %s (ліміт %s)%s: взято %s з %s. Доплачувати не потрібно.',
        'Покрывает %s (лимит %s)%s: взято %s из %s. Доплачивать не нужно.'),
    ('kind_included', 'what the fee of the period includes', 'включене в плату періоду', 'включённое в плату периода'),
    ('kind_rollover', 'what was carried over from before', 'перенесене з попередніх періодів',
        'перенесённое с прошлых периодов'),
    ('kind_block', 'the prepaid block', 'передплачений пакет', 'предоплаченный пакет'),
    ('kind_topup', 'the prepaid top-up', 'передплачене поповнення', 'предоплаченное пополнение'),
    ('kind_adjustment', 'an adjustment', 'коригування', 'корректировка'),
    ('price_hour', 'Price %s an hour: %s.', 'Ціна %s за годину: %s.', 'Цена %s за час: %s.'),
    ('band_effect', 'For %s%s%s.', 'За %s:%s%s.', 'За %s:%s%s.'),
    ('an_hour', '%s an hour', '%s за годину', '%s за час'),
    ('discounted', 'Less %s %%, the discount of %s.', 'Мінус %s %%, знижка: %s.', 'Минус %s %%, скидка: %s.'),
    ('not_charged_for', 'Not charged: %s.', 'Не нараховано: %s.', 'Не начислено: %s.'),
    ('hundredths', '%s h (hours to the hundredth)', '%s год (години до сотих)', '%s ч (часы до сотых)'),
    ('cap_leaves', 'Charged is what the cap of %s leaves: %s, for %s at %s%s.',
        'Нараховано, скільки лишає ліміт %s: %s, за %s по %s%s.',
        'Начислено, сколько оставляет лимит %s: %s, за %s по %s%s.'),
    ('total', '%s at %s%s = %s.', '%s по %s%s = %s.', '%s по %s%s = %s.'),
    -- explanations: what is no work
    ('item', '%s: %s %s on %s.', '%s: %s %s, %s.', '%s: %s %s, %s.'),
    ('price_each', 'Price %s each: %s.', 'Ціна %s за одиницю: %s.', 'Цена %s за единицу: %s.'),
    ('priced', 'Priced %s: %s.', 'Оцінено %s: %s.', 'Оценено %s: %s.'),
    ('together', 'Together %s.', 'Разом %s.', 'Вместе %s.'),
    ('a_fee', 'Fee: %s.', 'Плата: %s.', 'Плата: %s.'),
    ('a_stage', 'Stage: %s.', 'Етап: %s.', 'Этап: %s.'),
    ('stage_sets', 'The contract sets %s for it.', 'Договір визначає за нього %s.', 'Договор определяет за него %s.'),
    ('an_expense', 'Expense on %s: %s.', 'Витрата %s: %s.', 'Расход %s: %s.'),
    ('expense_at', 'It is charged at %s.', 'До оплати %s.', 'К оплате %s.'),
    ('an_adjustment', 'Adjustment: %s.', 'Коригування: %s.', 'Корректировка: %s.'),
    ('comes_to', 'It comes to %s.', 'Це %s.', 'Это %s.'),
    -- explanations: what became of it
    ('takes_back', 'It takes back charge %s of %s (%s).', 'Сторнує нарахування %s на %s (%s).',
        'Сторнирует начисление %s на %s (%s).'),
    ('late',
        'It came after its period was closed, so it is billed in the period of %s, with the day of the work as it was.',
        'Надійшло після закриття свого періоду, тому виставляється в періоді з %s, а день роботи лишається.',
        'Поступило после закрытия своего периода, поэтому выставляется в периоде с %s, а день работы остаётся.'),
    ('changed_by', 'Charge %s changes it by %s (%s).', 'Нарахування %s змінює його на %s (%s).',
        'Начисление %s меняет его на %s (%s).'),
    ('taken_back_by', 'Charge %s took it back.', 'Нарахування %s його сторнувало.', 'Начисление %s его сторнировало.'),
    ('is_held', 'It waits unchanged for the client''s answer to a report.',
        'Чекає без змін на відповідь клієнта на звіт.',
        'Ждёт без изменений ответа клиента на отчёт.'),
    ('is_open', 'It is provisional: it changes with the work it is for until it is billed.',
        'Попереднє: змінюється разом з роботою, доки не виставлене.', 'Предварительное: меняется вместе с работой, '
        'пока не выставлено.'),
    ('is_final', 'It is final since %s.', 'Остаточне з %s.', 'Окончательное с %s.');
END;
COMMENT ON FUNCTION explain_words() IS
    'the words of reasons and explanations in en, uk and ru, by name; templates of format()';

CREATE FUNCTION say(p_name text, p_language text, VARIADIC p_values text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT format(CASE p_language WHEN 'uk' THEN w.uk WHEN 'ru' THEN w.ru ELSE w.en END, VARIADIC p_values)
      FROM explain_words() w WHERE w.name = p_name;
END;
COMMENT ON FUNCTION say(text, text, text[]) IS
    'a word or sentence in a language (en where there is no such), its places filled in; NULL when there is none of '
    'that name';

CREATE FUNCTION number_text(p_number numeric, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_language IN ('uk', 'ru') THEN replace(p_number::text, '.', ',') ELSE p_number::text END;
END;
COMMENT ON FUNCTION number_text(numeric, text) IS 'a number with the decimal sign of a language';

CREATE FUNCTION duration_text(p_seconds numeric, p_language text DEFAULT 'en') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_seconds < 0 THEN say('minus', p_language, d.text) ELSE d.text END
      FROM (SELECT coalesce(nullif(concat_ws(' ',
               CASE WHEN abs(p_seconds) >= 3600 THEN say('hour', p_language, div(abs(p_seconds), 3600)::text) END,
               CASE WHEN abs(p_seconds) % 3600 >= 60 THEN say('minute', p_language, div(abs(p_seconds) % 3600,
                   60)::text) END,
               CASE WHEN abs(p_seconds) % 60 > 0
                    THEN say('second', p_language, number_text(trim_scale(abs(p_seconds) % 60), p_language)) END), ''),
               say('minute', p_language, '0')) AS text) d
     WHERE p_seconds IS NOT NULL;
END;
COMMENT ON FUNCTION duration_text(numeric, text) IS 'seconds as people of a language say them: 2 h 15 min';

-- The same of values as they stand in charge.why.
CREATE FUNCTION number_text(p_value jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT number_text((p_value #>> '{}')::numeric, p_language);
END;
COMMENT ON FUNCTION number_text(jsonb, text) IS 'a number of a document with the decimal sign of a language';

CREATE FUNCTION duration_text(p_value jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT duration_text((p_value #>> '{}')::numeric, p_language);
END;
COMMENT ON FUNCTION duration_text(jsonb, text) IS 'seconds of a document as people of a language say them';

CREATE FUNCTION band_text(p_band text, p_language text DEFAULT 'en') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(say('band_' || p_band, p_language),
                    CASE WHEN p_language NOT IN ('uk', 'ru') AND p_band LIKE '%hours' THEN replace(p_band, '_',
                        ' ') END,
                    say('band', p_language, replace(p_band, '_', ' ')));
END;
COMMENT ON FUNCTION band_text(text, text) IS
    'the hours of a band as people of a language say them: off hours, night hours';

CREATE FUNCTION money_text(p_amount numeric, p_currency text, p_language text DEFAULT 'en') RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT number_text(round(p_amount, greatest(coalesce((SELECT u.exponent::int FROM currency_code u
        WHERE u.code = p_currency), 2),
                                                min_scale(p_amount))), p_language) || ' ' || p_currency;
END;
COMMENT ON FUNCTION money_text(numeric, text, text) IS
    'an amount with the decimals of its currency (a price with more where it has them) and the code';
