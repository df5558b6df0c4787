-- ---------------------------------------------------------------------------
-- rating: a pure function of entries in time order, terms and state
-- ---------------------------------------------------------------------------

CREATE TYPE finance.rating_entry AS (
    entry_id bigint,
    started_at timestamptz,
    ended_at timestamptz,
    work_date date,
    worked_s bigint,
    billable_s bigint,
    price numeric,
    price_list_id bigint,
    disposition text,
    employee_id bigint,
    role text,
    work_type_id bigint,
    task_id bigint,
    cost_rate numeric,
    base_cost_rate numeric,
    frozen_s bigint,
    terms_no integer
);
COMMENT ON TYPE finance.rating_entry IS
    'one time entry as the rating engine sees it: worked_s worked seconds; billable_s and price overrides of the entry or NULL; '
    'price_list_id where the price lookup starts; disposition billable, no_charge or non_billable; cost_rate and base_cost_rate an hour in '
    'the contract''s and the company''s currency, NULL when unknown; frozen_s billed seconds when the entry is frozen and only counts in '
    'rounding groups; terms_no which of the terms, from 1, prices this entry (NULL: 1)';

CREATE TYPE finance.rated_segment AS (
    entry_id bigint,
    segment integer,
    contract_id bigint,
    service_date date,
    period_start date,
    band text,
    coverage text,
    worked_s bigint,
    billed_s bigint,
    price numeric,
    multiplier numeric,
    discount_pct numeric,
    amount numeric,
    cost numeric,
    base_cost numeric,
    allotment_id bigint,
    burned numeric,
    price_source text,
    reason text,
    problem text
);
COMMENT ON TYPE finance.rated_segment IS
    'one rated segment: segment counts from 1 within its entry; price is the hourly price before band and discount; coverage billable, '
    'included, prepaid, capped, no_charge or non_billable; burned seconds or money taken from allotment_id; reason says why in words; '
    'problem says why the entry could not be rated (then segment is 0 and the figures are NULL)';

CREATE FUNCTION finance.rate(terms jsonb[], entries finance.rating_entry[], state jsonb DEFAULT '{}')
    RETURNS SETOF finance.rated_segment
    AS 'MODULE_PATHNAME', 'finance_rate' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.rate(jsonb[], finance.rating_entry[], jsonb) IS
    'rate the entries of one contract (and its companions) under its terms, drawing on the allotments and caps in state; '
    'reads no table, so it serves live rating, re-rating and what-if alike';
