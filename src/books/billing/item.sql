-- ---------------------------------------------------------------------------
-- item: what is sold by the piece, and expenses passed on
-- ---------------------------------------------------------------------------

CREATE FUNCTION sell_item(contract_id bigint, item_id bigint, quantity numeric, service_date date, task_id bigint,
                          key text, price numeric, cost numeric,
    task_item_id bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_known bigint;
    v_item item;
    v_contract contract;
    v_price record;
    v_list bigint;
    v_exponent int;
    v_new charge;
BEGIN
    IF coalesce(quantity, 0) <= 0 OR quantity IN ('NaN', 'Infinity') THEN
        RAISE EXCEPTION 'a quantity of % cannot be charged', coalesce(quantity::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Pass a quantity above 0; take a charge back with adjust_charge().';
    END IF;
    IF price < 0 OR cost < 0 THEN
        RAISE EXCEPTION 'an item cannot have a price of % and a cost of %', coalesce(price::text, 'NULL'),
            coalesce(cost::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Neither is below 0; take a charge back with adjust_charge().';
    END IF;
    IF service_date IS NULL OR NOT isfinite(service_date) THEN
        RAISE EXCEPTION 'a charge needs the day of its service' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Pass a date.';
    END IF;
    SELECT * INTO v_item FROM item i WHERE i.id = item_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no item %', item_id USING ERRCODE = 'foreign_key_violation',
            HINT = 'Table item lists the items.';
    END IF;
    PERFORM lock_contract(contract_id);
    SELECT * INTO v_contract FROM contract c WHERE c.id = contract_id;
    PERFORM FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = task_id
                                                                AND p.client_id = v_contract.client_id;
    IF NOT FOUND AND task_id IS NOT NULL THEN
        RAISE EXCEPTION 'task % is not one of the client of contract "%"', task_id, v_contract.number
            USING ERRCODE = 'foreign_key_violation', HINT = 'Charge it under the contract of its own client.';
    END IF;
    v_new.source := 'item';
    v_new.made_by := CASE WHEN task_item_id IS NULL THEN 'user' ELSE 'task_item' END;
    v_new.task_item_id := task_item_id;
    v_new.contract_id := contract_id;
    v_new.service_date := service_date;
    v_new.item_id := item_id;
    v_new.task_id := task_id;
    v_new.quantity := quantity;
    v_new.key := key;
    v_known := known_charge(v_new);
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    v_list := first_price_list(contract_id, coalesce((SELECT t.project_id FROM task t WHERE t.id = task_id),
                                                     v_contract.project_id), v_contract.client_id, v_contract.currency);
    SELECT * INTO v_price FROM item_position(v_list, contract_id, item_id, service_date);
    IF num_nonnulls(price, v_price.price, v_price.tiers) = 0 THEN
        RAISE EXCEPTION 'no price for item "%" on % under contract "%"', v_item.code, service_date, v_contract.number
            USING ERRCODE = 'foreign_key_violation',
            HINT = 'Add a position with a price to a price list that the contract uses.';
    END IF;
    SELECT u.exponent INTO v_exponent FROM currency_code u WHERE u.code = v_contract.currency;
    IF price IS NOT NULL THEN
        v_price.price := price;
        v_price.tiers := NULL;
        v_price.discount_pct := NULL;
        v_price.source := 'agreed price';
        v_price.price_id := NULL;
        v_list := NULL;
    END IF;
    v_new.price := CASE WHEN v_price.tiers IS NULL THEN v_price.price END;
    v_new.discount_pct := v_price.discount_pct;
    v_new.price_source := v_price.source;
    v_new.price_list_id := v_list;
    v_new.amount := round_money(CASE WHEN v_price.tiers IS NULL THEN quantity * v_price.price
                                     ELSE tiers_amount(v_price.tiers, quantity) END
                                * (100 - coalesce(v_price.discount_pct, 0)) / 100, v_exponent);
    -- What is worked at the fixed price of a task has the cost of its hours; what is bought has one in a price list, or
    -- nobody knows it.
    v_new.cost := round_money(quantity * coalesce(cost, v_price.cost,
        CASE WHEN task_item_id IS NOT NULL AND v_item.kind NOT IN ('material', 'licence') THEN 0 END), v_exponent);
    v_new.price_id := v_price.price_id;
    v_new.why := jsonb_strip_nulls(jsonb_build_object(
        'price', CASE WHEN price IS NOT NULL THEN '{"by": "agreed"}'
                      ELSE jsonb_build_object('by', 'position', 'name', v_price.list_name) END,
        'tiers', CASE WHEN v_price.tiers IS NOT NULL THEN jsonb_build_object('mode', v_price.tiers -> 'mode') END,
        'discount', CASE WHEN v_price.discount_pct <> 0
                         THEN jsonb_build_object('pct', trim_scale(v_price.discount_pct), 'by',
                                                 v_price.discount_by) END));
    v_known := new_charge(v_new);
    PERFORM follow_caps(ARRAY[contract_id]);
    RETURN v_known;
END $$;
COMMENT ON FUNCTION sell_item(bigint, bigint, numeric, date, bigint, text, numeric, numeric, bigint) IS
    'charge an item as charge_item() does, for whoever may agree a price';

CREATE FUNCTION charge_item(contract_id bigint, item_id bigint, quantity numeric, service_date date,
                            task_id bigint DEFAULT NULL,
    key text DEFAULT NULL, price numeric DEFAULT NULL, cost numeric DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF num_nonnulls(price, cost) > 0 THEN
        PERFORM require_level('manager', 'agree the price of an item', calling_role());
        PERFORM refuse_limited('an agreed price of an item', calling_role());
    END IF;
    RETURN sell_item(contract_id, item_id, quantity, service_date, task_id, key, price, cost);
END $$;
COMMENT ON FUNCTION charge_item(bigint, bigint, numeric, date, bigint, text, numeric, numeric) IS
    'charge a quantity of an item under a contract at its price lists'' price and cost of that day, or at an agreed '
    'price (and cost) of a unit; returns the charge. The same key and content again returns the same charge; refused: '
    'other content under a key (23505), no price (23503), a quantity that is not above 0, a price or cost below 0 '
    '(22023), a price or cost agreed by who is no manager (42501)';
SELECT allow('clerk', 'execute', 'charge_item');

CREATE FUNCTION charge_expense(contract_id bigint, cost numeric, service_date date, reason text,
                               currency text DEFAULT NULL,
    item_id bigint DEFAULT NULL, task_id bigint DEFAULT NULL, employee_id bigint DEFAULT NULL, key text DEFAULT NULL)
        RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_known bigint;
    v_contract contract;
    v_exponent int;
    v_new charge;
BEGIN
    IF coalesce(cost, 0) <= 0 OR cost = 'NaN' OR coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'an expense needs an amount above 0 and a reason'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Amount %s, reason "%s".', coalesce(cost::text,
                'NULL'), reason),
                HINT = 'Say what it was spent on.';
    END IF;
    PERFORM lock_contract(contract_id);
    SELECT * INTO v_contract FROM contract c WHERE c.id = contract_id;
    v_new.source := 'expense';
    v_new.contract_id := contract_id;
    v_new.service_date := service_date;
    v_new.item_id := item_id;
    v_new.task_id := task_id;
    v_new.employee_id := employee_id;
    v_new.key := key;
    v_known := known_charge(v_new);
    IF v_known IS NOT NULL THEN
        RETURN v_known;
    END IF;
    SELECT u.exponent INTO v_exponent FROM currency_code u WHERE u.code = v_contract.currency;
    v_new.cost := convert(cost, coalesce(currency, v_contract.currency), v_contract.currency, service_date);
    v_new.amount := round_money(v_new.cost * (100 + v_contract.expense_markup_pct) / 100, v_exponent);
    v_new.why := jsonb_build_object('note', reason, 'expense',
        jsonb_build_object('markup_pct', trim_scale(v_contract.expense_markup_pct))
        || CASE WHEN coalesce(currency, v_contract.currency) = v_contract.currency THEN '{}'
                ELSE jsonb_build_object('cost', trim_scale(cost), 'currency', currency, 'on', iso(service_date)) END);
    RETURN new_charge(v_new);
END $$;
COMMENT ON FUNCTION charge_expense(bigint, numeric, date, text, text, bigint, bigint, bigint, text) IS
    'pass an expense or travel cost on to the client, at cost or with the contract''s expense_markup_pct; cost in '
    'currency (default the contract''s), converted at the rate of the day; returns the charge; idempotent under a key';
SELECT allow('clerk', 'execute', 'charge_expense');

CREATE VIEW uncosted_item WITH (security_barrier) AS
    SELECT h.id AS charge_id, h.client_id, k.name AS client, h.contract_id, c.number AS contract, h.item_id,
           i.code AS item, h.service_date, h.amount::numeric(18,2) AS amount, h.currency,
           format('no cost of item "%s" on %s in the price lists', i.code, iso(h.service_date)) AS reason
      FROM visible_charge h
      JOIN item i ON i.id = h.item_id
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id
     WHERE h.source = 'item' AND h.uncosted;
COMMENT ON VIEW uncosted_item IS
    'items that were charged and whose cost nobody knows, so that their profit is not known either; a service or fee '
    'at the fixed price of a task costs the hours logged on it';
SELECT allow('controller', 'select', 'uncosted_item');
