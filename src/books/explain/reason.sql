-- ---------------------------------------------------------------------------
-- reason: why a charge is so, in a line of words
--
-- charge.why says it as values; this is the one rendering.  Its keys:
--     rounded        {by: hand, rule, minimum, maximum; scope; worked_s, billed_s}, of the whole entry
--     band           {name, minimum_s, multiplier, adder, burn}
--     price          {by: entry; overage, line; agreed; position, name}; that of a list's hours is charge.price_id
--     tiers          {mode}
--     discount       {pct, by: {kind: position, list, contract; id, name}}
--     cap            {amount, seconds; period: {from, to; days, of, rule; amount, seconds};
--                    written_off, where it is over}
--     disposition    {by: entry, task, work_type, project, own_project, task_price, contract_price; code}
--     fee            {title, once; from, to; days, of, rule, amount}
--     stage          {title, accepted_on}
--     block          {hours, from, to}
--     expense        {cost, currency, on, markup_pct}
--     write_off, write_up, reversal   {charge}
--     minimum_charge {amount, reached; from, to; days, of, rule, whole}
--     agreed         {title, document}: a line of a specification
--     correction     {charge; fee: {title, from, to, due, charged}; minimum: {from, to, due, reached, charged};
--                    cost: {rate, of; position}; exchange: {rate, was, on}}
--     taken_off      {discount, cents or tax: true}: what a document takes off its charges
--     credited       {document, meaning}: rebill or waive
--     billed_again   {document}: the credit note that set it free
--     taken_back     {charge, why}: the why of what is taken back
--     note           what a person said
-- ---------------------------------------------------------------------------

CREATE FUNCTION rounded_reason(p_rounded jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT say(
            CASE WHEN p_rounded ->> 'by' = 'hand' THEN 'rounded_hand'
                 WHEN p_rounded ->> 'scope' <> 'entry' THEN 'rounded_group'
                 WHEN p_rounded ->> 'by' <> 'rule' THEN 'rounded_' || (p_rounded ->> 'by')
                 WHEN (p_rounded -> 'billed_s' > p_rounded -> 'worked_s') = (p_rounded -> 'worked_s' >= '0')
                 THEN 'rounded_up'
                 ELSE 'rounded_down' END, p_language,
            duration_text(p_rounded -> 'worked_s', p_language), duration_text(p_rounded -> 'billed_s', p_language),
            say('group_' || (p_rounded ->> 'scope'), p_language))
     WHERE p_rounded IS NOT NULL;
END;
COMMENT ON FUNCTION rounded_reason(jsonb, text) IS 'why.rounded in words';

-- " times 1.5 plus 2.5": what a band makes of a price.
CREATE FUNCTION price_change(p_band jsonb, p_adder text, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat(
        CASE WHEN p_band ? 'multiplier'
             THEN say('times', p_language, number_text(p_band -> 'multiplier', p_language)) END,
        CASE WHEN p_band ? 'adder' THEN say('plus', p_language, p_adder) END);
END;
COMMENT ON FUNCTION price_change(jsonb, text, text) IS
    'what why.band makes of a price, in words; p_adder is its adder as it is to be written';

CREATE FUNCTION band_reason(p_band jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws('; ',
        CASE WHEN p_band ? 'minimum_s'
             THEN say('band_minimum', p_language, duration_text(p_band -> 'minimum_s', p_language)) END,
        CASE WHEN p_band ? 'burn' THEN say('burn', p_language, number_text(p_band -> 'burn', p_language)) END,
        CASE WHEN p_band ?| '{multiplier,adder}'
             THEN say('band_price', p_language, p_band ->> 'name',
                      price_change(p_band, number_text(p_band -> 'adder', p_language), p_language), '') END)
     WHERE p_band IS NOT NULL;
END;
COMMENT ON FUNCTION band_reason(jsonb, text) IS 'why.band in words';

CREATE FUNCTION discount_giver(p_by jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_by ->> 'kind' = 'list' THEN coalesce(p_by ->> 'name', say('by_list', p_language))
                ELSE say('by_' || coalesce(p_by ->> 'kind', 'list'), p_language) END;
END;
COMMENT ON FUNCTION discount_giver(jsonb, text) IS 'whose discount it is, in words';

CREATE FUNCTION limit_text(p_limit jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_limit ?& '{amount,seconds}' THEN say('cap_or', p_language, c.amount, c.seconds)
                ELSE coalesce(c.amount, c.seconds) END
      FROM (SELECT number_text(p_limit -> 'amount', p_language) AS amount,
                   duration_text(p_limit -> 'seconds', p_language) AS seconds) c;
END;
COMMENT ON FUNCTION limit_text(jsonb, text) IS 'so much money or time, in words; NULL where there is neither';

CREATE FUNCTION cap_text(p_cap jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN num_nonnulls(c.life, c.period) = 2 THEN say('cap_or', p_language, c.life, c.period)
                ELSE coalesce(c.life, c.period) END
      FROM (SELECT limit_text(p_cap, p_language) AS life,
                   say(CASE WHEN p_cap #> '{period,days}' IS NOT NULL THEN 'cap_period_part'
                            WHEN p_cap ? 'period' THEN 'cap_period' END, p_language,
                       limit_text(p_cap -> 'period', p_language), p_cap #>> '{period,from}',
                       p_cap #>> '{period,to}', p_cap #>> '{period,days}', p_cap #>> '{period,of}',
                       p_cap #>> '{period,rule}') AS period) c;
END;
COMMENT ON FUNCTION cap_text(jsonb, text) IS 'the caps of why.cap, in words';

CREATE FUNCTION cap_reason(p_cap jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT say(CASE WHEN p_cap ? 'written_off' THEN 'cap' ELSE 'cap_met' END, p_language, cap_text(p_cap, p_language),
               number_text(p_cap -> 'written_off', p_language))
     WHERE p_cap IS NOT NULL;
END;
COMMENT ON FUNCTION cap_reason(jsonb, text) IS 'why.cap in words';

-- Why a charge that is no work is what it is.
CREATE FUNCTION other_reason(p_why jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN p_why ? 'fee' THEN
            say(CASE WHEN p_why #> '{fee,once}' = 'true' THEN 'fee_once'
                     WHEN p_why #> '{fee,rule}' IS NULL THEN 'fee'
                     ELSE 'fee_part' END, p_language,
                p_why #>> '{fee,title}', p_why #>> '{fee,from}', p_why #>> '{fee,to}', p_why #>> '{fee,days}',
                p_why #>> '{fee,of}', p_why #>> '{fee,rule}', number_text(p_why #> '{fee,amount}', p_language))
        WHEN p_why ? 'stage' THEN say('stage', p_language, p_why #>> '{stage,title}', p_why #>> '{stage,accepted_on}')
        WHEN p_why ? 'block' THEN
            say(CASE WHEN p_why #> '{block,to}' IS NULL THEN 'block_from' ELSE 'block_to' END, p_language,
                CASE WHEN p_why #> '{block,to}' IS NULL THEN b.what
                     ELSE say('block_from', p_language, b.what, p_why #>> '{block,from}') END,
                coalesce(p_why #>> '{block,to}', p_why #>> '{block,from}'))
        WHEN p_why #> '{minimum_charge,days}' IS NOT NULL THEN
            say('minimum_charge_part', p_language, m.amount, m.why ->> 'from', m.why ->> 'to', m.why ->> 'days',
                m.why ->> 'of', m.why ->> 'rule', number_text(m.why -> 'whole', p_language), m.reached)
        WHEN p_why ? 'minimum_charge' THEN say('minimum_charge', p_language, m.amount, m.reached)
        WHEN p_why ? 'taken_off' THEN
            say('taken_off_' || (SELECT k FROM jsonb_object_keys(p_why -> 'taken_off') k LIMIT 1), p_language)
        WHEN p_why ? 'agreed' THEN p_why #>> '{agreed,title}'
        WHEN p_why ? 'credited' THEN
            say(CASE p_why #>> '{credited,meaning}' WHEN 'waive' THEN 'given_up' ELSE 'credited' END, p_language)
        WHEN p_why ? 'billed_again' THEN say('billed_again', p_language)
        WHEN p_why #> '{correction,fee}' IS NOT NULL THEN
            say(CASE WHEN p_why #> '{correction,fee,from}' IS NULL THEN 'correction_no_fee' ELSE 'correction_fee' END,
                p_language, p_why #>> '{correction,fee,title}',
                number_text(p_why #> '{correction,fee,due}', p_language),
                number_text(p_why #> '{correction,fee,charged}', p_language),
                p_why #>> '{correction,fee,from}', p_why #>> '{correction,fee,to}')
        WHEN p_why #> '{correction,minimum}' IS NOT NULL THEN
            say('correction_minimum', p_language, number_text(p_why #> '{correction,minimum,due}', p_language),
                number_text(p_why #> '{correction,minimum,reached}', p_language),
                p_why #>> '{correction,minimum,from}', p_why #>> '{correction,minimum,to}')
        WHEN p_why #> '{correction,cost}' IS NOT NULL THEN say('correction_cost', p_language)
        WHEN p_why #> '{correction,exchange}' IS NOT NULL THEN
            say('correction_exchange', p_language, number_text(p_why #> '{correction,exchange,rate}', p_language),
                p_why #>> '{correction,exchange,on}') END
      FROM (SELECT CASE WHEN p_why #> '{block,hours}' IS NULL THEN say('block_money', p_language)
                        ELSE say('block_hours', p_language, number_text(p_why #> '{block,hours}', p_language))
                        END AS what) b
     CROSS JOIN (SELECT p_why -> 'minimum_charge' AS why,
                        number_text(p_why #> '{minimum_charge,amount}', p_language) AS amount,
                        number_text(p_why #> '{minimum_charge,reached}', p_language) AS reached) m;
END;
COMMENT ON FUNCTION other_reason(jsonb, text) IS
    'why a fee, stage, block, minimum, or what a document takes off is so, in words';

CREATE FUNCTION expense_reason(p_expense jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws('; ',
        CASE WHEN p_expense ? 'currency'
             THEN say('expense_rate', p_language, number_text(p_expense -> 'cost', p_language),
                      p_expense ->> 'currency', p_expense ->> 'on') END,
        CASE WHEN (p_expense ->> 'markup_pct')::numeric <> 0
             THEN say('expense_markup', p_language, number_text(p_expense -> 'markup_pct', p_language))
             ELSE say('expense_cost', p_language) END)
     WHERE p_expense IS NOT NULL;
END;
COMMENT ON FUNCTION expense_reason(jsonb, text) IS 'why.expense in words';

CREATE FUNCTION charge_reason(why jsonb, language text DEFAULT 'en') RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        -- what a person said stands for a disposition, and follows what it is about
        WHEN why ? 'disposition' THEN
            coalesce(why ->> 'note',
                     say('disposition_' || (why #>> '{disposition,by}'), language, why #>> '{disposition,code}'))
        WHEN why ?| '{write_off,write_up,reversal}' THEN
            concat_ws(': ', say(k.name, language, why #>> ARRAY[k.name, 'charge']), why ->> 'note')
        WHEN why ? 'taken_back' THEN say('taken_back', language, coalesce(k.taken_back, ''))
        ELSE nullif(concat_ws('; ',
            CASE WHEN why ? 'expense' THEN why ->> 'note' END,
            rounded_reason(why -> 'rounded', language), band_reason(why -> 'band', language),
            other_reason(why, language),
            CASE WHEN why ? 'tiers' THEN say('tiers', language, why #>> '{tiers,mode}') END,
            CASE WHEN why ? 'discount'
                 THEN say('discount', language, number_text(why #> '{discount,pct}', language),
                          discount_giver(why #> '{discount,by}', language)) END,
            expense_reason(why -> 'expense', language), cap_reason(why -> 'cap', language),
            CASE WHEN NOT why ? 'expense' THEN why ->> 'note' END), '') END
      FROM (SELECT CASE WHEN why ? 'write_off' THEN 'write_off' WHEN why ? 'write_up' THEN 'write_up'
                        ELSE 'reversal' END AS name,
                   other_reason(why #> '{taken_back,why}', language) AS taken_back) k
     WHERE why IS NOT NULL;
END;
COMMENT ON FUNCTION charge_reason(jsonb, text) IS
    'charge.why in a line of words, in en, uk or ru; NULL where there is nothing to tell. Keys: rounded, band, price, '
    'tiers, discount, cap, disposition, fee, stage, block, expense, write_off, write_up, reversal, minimum_charge, '
    'taken_off, credited, billed_again, taken_back, correction, agreed, note';
SELECT allow('reader', 'execute', 'charge_reason');

-- What people say of a charge is said among us, but for an expense, which has no other name.
CREATE FUNCTION paper_reason(why jsonb, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN why ? 'expense' THEN why ->> 'note'
                WHEN why ? 'write_off' THEN say('paper_less', language)
                WHEN why ? 'write_up' THEN say('paper_more', language)
                WHEN why ? 'reversal' THEN say('paper_correction', language)
                ELSE charge_reason(why - 'note', language) END;
END;
COMMENT ON FUNCTION paper_reason(jsonb, text) IS
    'charge.why in a line of words that a client may read: without ids, what anything costs, and what somebody noted; '
    'NULL where there is nothing to tell';

CREATE FUNCTION paper_title(p_source text, p_task text, p_why jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(nullif(concat_ws(': ', CASE WHEN p_source IN ('time', 'adjustment') THEN nullif(p_task, '') END,
                                     CASE WHEN p_source <> 'time' THEN paper_reason(p_why, p_language) END), ''),
                    p_source);
END;
COMMENT ON FUNCTION paper_title(text, text, jsonb, text) IS
    'what a client reads of a charge of no item or line: the task of work, of what adjusts work also why it is so, of '
    'all else why';
