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
COMMENT ON TABLE item IS
    'the nomenclature: what is sold apart from hours (works at a fixed price, materials, licences, fees, expenses '
    'passed on)';

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
    revision bigint NOT NULL DEFAULT 1,
    CONSTRAINT price_list_not_own_parent CHECK (parent_id <> id)
);
COMMENT ON TABLE price_list IS
    'universal lists (client_id NULL) and individual ones; what a list does not price is sought in its parent; '
    'discount_pct is taken off every position that has no discount of its own, also off those found in the parent; '
    'is_default marks the list of last resort of its currency';
CREATE UNIQUE INDEX price_list_one_default ON price_list (currency) WHERE is_default;
CREATE UNIQUE INDEX price_list_one_per_client ON price_list (client_id, currency) WHERE client_id IS NOT NULL;

CREATE TABLE price (
    id bigserial CONSTRAINT price_pkey PRIMARY KEY,
    price_list_id bigint NOT NULL CONSTRAINT price_price_list_fkey REFERENCES price_list,
    item_id bigint CONSTRAINT price_item_fkey REFERENCES item,
    work_type_id bigint CONSTRAINT price_work_type_fkey REFERENCES work_type,
    role text,
    employee_id bigint CONSTRAINT price_employee_fkey REFERENCES employee,
    valid_from date NOT NULL DEFAULT '-infinity'
        CONSTRAINT price_year CHECK (valid_from = '-infinity' OR valid_from BETWEEN '0001-01-01' AND '9999-12-31'),
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
    CONSTRAINT price_item_for_all CHECK (item_id IS NULL OR num_nonnulls(role, employee_id) = 0),
    CONSTRAINT price_employee_or_role CHECK (employee_id IS NULL OR role IS NULL)
);
COMMENT ON TABLE price IS
    'positions: price an hour (or a unit of an item) from valid_from until the next row of the same key; NULL key '
    'columns mean any; a NULL price withdraws the position; cost a unit of an item; tiers quantity tiers of an item: '
    '{"mode", "bounds", "prices", "flats"} as tiered_amount() takes them';
ALTER TABLE project ADD CONSTRAINT project_price_list_fkey FOREIGN KEY (price_list_id) REFERENCES price_list;
