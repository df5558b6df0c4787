-- ---------------------------------------------------------------------------
-- catalogue: one nomenclature, universal and individual price lists
-- ---------------------------------------------------------------------------

CREATE TABLE item (
    id bigserial CONSTRAINT item_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT item_code_key UNIQUE,
    name text NOT NULL,
    kind text NOT NULL DEFAULT 'service'
        CONSTRAINT item_kind_known CHECK (kind IN ('service', 'material', 'licence', 'fee', 'expense')),
    unit text NOT NULL DEFAULT 'pcs'
);
COMMENT ON TABLE item IS 'the nomenclature: what is sold apart from hours (works at a fixed price, materials, licences, fees, expenses passed on)';
SELECT allow('reader', 'select', 'item'), allow('manager', 'insert,update,delete', 'item');
SELECT watch('item');

CREATE TABLE price_list (
    id bigserial CONSTRAINT price_list_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT price_list_code_key UNIQUE,
    name text NOT NULL,
    currency text NOT NULL CONSTRAINT price_list_currency_fkey REFERENCES currency_code,
    client_id bigint CONSTRAINT price_list_client_fkey REFERENCES party,
    parent_id bigint CONSTRAINT price_list_parent_fkey REFERENCES price_list,
    is_default boolean NOT NULL DEFAULT false,
    discount_pct numeric(7,4)
        CONSTRAINT price_list_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    CONSTRAINT price_list_not_own_parent CHECK (parent_id <> id)
);
COMMENT ON TABLE price_list IS
    'universal lists (client_id NULL) and individual ones; what a list does not price is sought in its parent; discount_pct is taken off every '
    'position that has no discount of its own, also off those found in the parent; is_default marks the list of last resort of its currency';
SELECT allow('reader', 'select', 'price_list'), allow('manager', 'insert,update,delete', 'price_list');
CREATE UNIQUE INDEX price_list_one_default ON price_list (currency) WHERE is_default;
CREATE UNIQUE INDEX price_list_one_per_client ON price_list (client_id, currency) WHERE client_id IS NOT NULL;
SELECT watch('price_list');

CREATE TABLE price (
    id bigserial CONSTRAINT price_pkey PRIMARY KEY,
    price_list_id bigint NOT NULL CONSTRAINT price_price_list_fkey REFERENCES price_list,
    item_id bigint CONSTRAINT price_item_fkey REFERENCES item,
    work_type_id bigint CONSTRAINT price_work_type_fkey REFERENCES work_type,
    role text,
    employee_id bigint CONSTRAINT price_employee_fkey REFERENCES employee,
    valid_from date NOT NULL DEFAULT '-infinity',
    price numeric(19,6)
        CONSTRAINT price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
    cost numeric(19,6)
        CONSTRAINT price_cost_not_negative CHECK (cost >= 0 AND cost <> 'NaN'),
    discount_pct numeric(7,4)
        CONSTRAINT price_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    tiers jsonb,
    CONSTRAINT price_key UNIQUE NULLS NOT DISTINCT
        (price_list_id, item_id, work_type_id, role, employee_id, valid_from),
    CONSTRAINT price_item_or_work CHECK (item_id IS NULL OR work_type_id IS NULL),
    CONSTRAINT price_employee_or_role CHECK (employee_id IS NULL OR role IS NULL)
);
COMMENT ON TABLE price IS
    'positions: price an hour (or a unit of an item) from valid_from until the next row of the same key; NULL key columns mean any; a NULL price '
    'withdraws the position; cost a unit of an item; tiers quantity tiers of an item: {"mode", "bounds", "prices", "flats"} as tiered_amount() takes them';
SELECT allow('reader', 'select', 'price'), allow('manager', 'insert,update,delete', 'price');
SELECT watch('price');

ALTER TABLE project ADD CONSTRAINT project_price_list_fkey FOREIGN KEY (price_list_id) REFERENCES price_list;

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
    IF EXISTS (SELECT FROM price_list l WHERE (l.id = NEW.parent_id OR l.parent_id = NEW.id) AND l.currency <> NEW.currency) THEN
        RAISE EXCEPTION 'price list "%" is in %, its parent or child in another currency', NEW.code, NEW.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'price_list_one_currency',
                HINT = 'Lists that fall back on one another share one currency.';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_price_list() IS 'trigger function of price_list: parents form a tree in one currency; SECURITY DEFINER because nobody is granted the locks';
CREATE FUNCTION check_price_list_alone() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_other price_list;
BEGIN
    SELECT * INTO v_other FROM price_list l WHERE l.client_id = NEW.client_id AND l.currency = NEW.currency AND l.id <> NEW.id AND l.code <> NEW.code LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'client "%" has a price list in % already: "%"', (SELECT p.name FROM party p WHERE p.id = NEW.client_id), NEW.currency, v_other.code
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'price_list_one_per_client', TABLE = 'price_list', SCHEMA = TG_TABLE_SCHEMA,
                DETAIL = 'A client''s own list is the one that its contracts use where they name none, so there is one of a currency.',
                HINT = format('Add positions to "%s", or make the new list without client_id and name it in contract.price_list_id.', v_other.code);
    END IF;
    SELECT * INTO v_other FROM price_list l WHERE NEW.is_default AND l.is_default AND l.currency = NEW.currency AND l.id <> NEW.id AND l.code <> NEW.code LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the default price list in % is "%" already', NEW.currency, v_other.code
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'price_list_one_default', TABLE = 'price_list', SCHEMA = TG_TABLE_SCHEMA,
                HINT = format('Add positions to "%s", or set its is_default to false first.', v_other.code);
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_price_list_alone() IS
    'trigger function of price_list: one list of a currency for a client, one default of a currency; says which list is there (23505), where the unique '
    'indexes would only be named';
CREATE TRIGGER price_list_alone BEFORE INSERT OR UPDATE OF client_id, currency, is_default ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_price_list_alone();
CREATE TRIGGER price_list_tree AFTER INSERT OR UPDATE OF parent_id, currency ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_price_list();

CREATE FUNCTION set_price(list text, price numeric, work_type text DEFAULT NULL, item text DEFAULT NULL, role text DEFAULT NULL, employee text DEFAULT NULL,
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
            USING ERRCODE = 'foreign_key_violation', HINT = coalesce('Lists are ' || (SELECT string_agg(l.code, ', ' ORDER BY l.code) FROM price_list l) || '.',
                                                                     'Add a row to table price_list first.');
    ELSIF v_work_type IS NULL AND set_price.work_type IS NOT NULL THEN
        RAISE EXCEPTION 'there is no kind of work "%"', set_price.work_type
            USING ERRCODE = 'foreign_key_violation', HINT = format('Kinds of work are %s.', (SELECT string_agg(w.code, ', ' ORDER BY w.id) FROM work_type w));
    ELSIF v_item IS NULL AND set_price.item IS NOT NULL THEN
        RAISE EXCEPTION 'there is no item "%"', set_price.item
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table item lists the codes.';
    END IF;
    INSERT INTO price AS p (price_list_id, item_id, work_type_id, role, employee_id, valid_from, price, cost, discount_pct)
    VALUES (v_list, v_item, v_work_type, set_price.role, v_employee, set_price.valid_from, set_price.price, set_price.cost, set_price.discount_pct)
    ON CONFLICT ON CONSTRAINT price_key DO UPDATE SET price = excluded.price, cost = excluded.cost, discount_pct = excluded.discount_pct
    RETURNING p.id INTO v_id;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION set_price(text, numeric, text, text, text, text, date, numeric, numeric) IS
    'put a position into the list of that code: the price of an hour, or of a unit of an item, for a kind of work or an item (codes), a role or an employee '
    '(name or email), from valid_from on (always, where no day is given); the same key again is set anew, a NULL price withdraws the position. Returns the '
    'position; work that is rated keeps its price. Refused (23503) what is not there, with the codes there are. Runs with the rights of its caller';
SELECT allow('manager', 'execute', 'set_price');
