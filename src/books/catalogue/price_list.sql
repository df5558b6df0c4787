-- ---------------------------------------------------------------------------
-- price lists: a tree, one default, one of a client's own
-- ---------------------------------------------------------------------------

CREATE FUNCTION check_price_list() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM hold('price_list', '{0}');  -- two that look at one tree at once could close a circle
    IF EXISTS (
        WITH RECURSIVE up AS (
            SELECT NEW.parent_id AS id
            UNION
            SELECT l.parent_id FROM price_list l JOIN up USING (id))
        SELECT FROM up WHERE id = NEW.id)
    THEN
        RAISE EXCEPTION 'price list "%" would be its own ancestor', NEW.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'price_list_tree', HINT = 'Choose another parent_id.';
    END IF;
    IF EXISTS (SELECT FROM price_list l WHERE (l.id = NEW.parent_id OR l.parent_id = NEW.id)
                                          AND l.currency <> NEW.currency) THEN
        RAISE EXCEPTION 'price list "%" is in %, its parent or child in another currency', NEW.code, NEW.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'price_list_one_currency',
                HINT = 'Lists that fall back on one another share one currency.';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_price_list() IS
    'trigger function of price_list: parents form a tree in one currency; SECURITY DEFINER because nobody is granted '
    'the locks';

CREATE FUNCTION check_price_list_alone() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_other price_list;
BEGIN
    SELECT * INTO v_other FROM price_list l WHERE l.client_id = NEW.client_id AND l.currency = NEW.currency
                                              AND l.id <> NEW.id AND l.code <> NEW.code LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'client "%" has a price list in % already: "%"',
            (SELECT p.name FROM party p WHERE p.id = NEW.client_id), NEW.currency, v_other.code
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'price_list_one_per_client', TABLE = 'price_list',
            SCHEMA = TG_TABLE_SCHEMA,
                DETAIL = 'A client''s own list is the one that its contracts use where they name none, so there is one '
                         'of a currency.',
                HINT = format('Add positions to "%s", or make the new list without client_id and name it in '
                              'contract.price_list_id.', v_other.code);
    END IF;
    SELECT * INTO v_other FROM price_list l WHERE NEW.is_default AND l.is_default AND l.currency = NEW.currency
                                              AND l.id <> NEW.id AND l.code <> NEW.code LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the default price list in % is "%" already', NEW.currency, v_other.code
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'price_list_one_default', TABLE = 'price_list',
            SCHEMA = TG_TABLE_SCHEMA,
                HINT = format('Add positions to "%s", or set its is_default to false first.', v_other.code);
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_price_list_alone() IS
    'trigger function of price_list: one list of a currency for a client, one default of a currency; says which list '
    'is there (23505), where the unique indexes would only be named';

-- A price of NULL withdraws what the key had before; where it had nothing, the
-- position must say something else.
CREATE FUNCTION check_price_effect() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF num_nonnulls(NEW.price, NEW.discount_pct) = 0
        AND (NEW.item_id IS NULL OR num_nonnulls(NEW.tiers, NEW.cost) = 0)
        AND NOT EXISTS (
            SELECT FROM price p
             WHERE p.price_list_id = NEW.price_list_id AND p.valid_from <= NEW.valid_from
               AND (p.item_id, p.work_type_id, p.role, p.employee_id)
                   IS NOT DISTINCT FROM (NEW.item_id, NEW.work_type_id, NEW.role, NEW.employee_id))
    THEN
        RAISE EXCEPTION 'a position without price and discount changes nothing'
            USING ERRCODE = 'check_violation', TABLE = 'price', SCHEMA = TG_TABLE_SCHEMA,
                CONSTRAINT = 'price_has_effect',
                DETAIL = 'It would withdraw a price, and its list has none of the same key up to that day.',
                HINT = 'Give a price, a discount_pct on what the other positions and the parent list say, or for an '
                       'item tiers or a cost.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_price_effect() IS
    'trigger function of price: a new position prices, discounts, tells a cost of an item, or withdraws what was there '
    '(23514)';

CREATE FUNCTION set_price(list text, price numeric, work_type text DEFAULT NULL, item text DEFAULT NULL,
                          role text DEFAULT NULL, employee text DEFAULT NULL,
    valid_from date DEFAULT '-infinity', cost numeric DEFAULT NULL, discount_pct numeric DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_list bigint := (SELECT l.id FROM price_list l WHERE l.code = set_price.list);
    v_work_type bigint := (SELECT w.id FROM work_type w WHERE w.code = set_price.work_type);
    v_item bigint := (SELECT i.id FROM item i WHERE i.code = set_price.item);
    v_employee bigint := (named_id('employee', to_jsonb(set_price.employee)) #>> '{}')::bigint;
    v_id bigint;
BEGIN
    IF v_list IS NULL THEN
        RAISE EXCEPTION 'there is no price list "%"', set_price.list
            USING ERRCODE = 'foreign_key_violation',
            HINT = coalesce('Lists are ' || (SELECT string_agg(l.code, ', ' ORDER BY l.code) FROM price_list l) || '.',
                                                                     'Add a row to table price_list first.');
    ELSIF v_work_type IS NULL AND set_price.work_type IS NOT NULL THEN
        RAISE EXCEPTION 'there is no kind of work "%"', set_price.work_type
            USING ERRCODE = 'foreign_key_violation', HINT = format('Kinds of work are %s.', (SELECT string_agg(w.code,
                ', ' ORDER BY w.id) FROM work_type w));
    ELSIF v_item IS NULL AND set_price.item IS NOT NULL THEN
        RAISE EXCEPTION 'there is no item "%"', set_price.item
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table item lists the codes.';
    END IF;
    INSERT INTO price AS p (price_list_id, item_id, work_type_id, role, employee_id, valid_from, price, cost,
                            discount_pct)
    VALUES (v_list, v_item, v_work_type, set_price.role, v_employee, set_price.valid_from, set_price.price,
            set_price.cost, set_price.discount_pct)
    ON CONFLICT ON CONSTRAINT price_key DO UPDATE SET price = excluded.price, cost = excluded.cost,
    discount_pct = excluded.discount_pct
    RETURNING p.id INTO v_id;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION set_price(text, numeric, text, text, text, text, date, numeric, numeric) IS
    'put a position into the list of that code: the price of an hour, or of a unit of an item, for a kind of work or '
    'an item (codes), a role or an employee (name or email), from valid_from on (always, where no day is given); the '
    'same key again is set anew, a NULL price withdraws the position. Returns the position; work that is rated keeps '
    'its price. Refused (23503) what is not there, with the codes there are. Runs with the rights of its caller';
SELECT allow('manager', 'execute', 'set_price');

-- What work is rated by is looked up by the revision of a list, so each change of
-- what prices work is a new one.
CREATE FUNCTION revise_price_list() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION revise_price_list() IS
    'trigger function of price_list: what prices work differently is a new revision';

CREATE FUNCTION revise_price_lists() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_lists bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_lists := ARRAY(SELECT n.price_list_id FROM new_rows n WHERE n.item_id IS NULL);
    ELSIF TG_OP = 'DELETE' THEN
        v_lists := ARRAY(SELECT o.price_list_id FROM old_rows o WHERE o.item_id IS NULL);
    ELSE
        v_lists := ARRAY(SELECT n.price_list_id FROM new_rows n WHERE n.item_id IS NULL
                         UNION SELECT o.price_list_id FROM old_rows o WHERE o.item_id IS NULL);
    END IF;
    UPDATE price_list l SET revision = l.revision + 1
     WHERE l.id IN (SELECT p.id FROM price_list p WHERE p.id = ANY (v_lists) ORDER BY p.id FOR NO KEY UPDATE);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION revise_price_lists() IS
    'trigger function of price: a position of work that comes, changes or goes makes a new revision of its list; '
    'SECURITY DEFINER because revision is nobody''s to change';
