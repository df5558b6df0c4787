-- ---------------------------------------------------------------------------
-- rating: a pure function of entries in time order, terms and state
--
-- Terms are a JSON document.  Keys that are absent and keys that are null mean
-- the same; those that are unknown do not matter; what is wrong is refused
-- whole, with the place of the key (22023):
--     {"exponent": 2, "base_exponent": 2,       decimals of the contract's and the company's currency
--      "calendar": {…},                         as in calendars; bands are cut only where there is one
--      "period": "month", "anchor": 1, "month": 1,  as period_of()
--      "rounding": {"mode": "up", "increment_s": 900, "minimum_s": 0, "maximum_s": null, "grace_s": 0,
--                   "scope": "entry"},          or task_day, day, task, period: the sum of a group is rounded once
--      "basis": "exact",                        or hundredth: hours are rounded to 0.01 before the price
--      "lists": {"3": {"name": "Support 2026", "parent": 2, "discount_pct": 10, "prices": [
--          {"id": 91, "employee": 4, "role": null, "work_type": 2, "from": "2026-01-01",
--           "price": 66.67, "discount_pct": 5}, …]}, …},
--      "contracts": [                           the base contract first, then companions, which claim bands
--          {"contract": 12, "bands": null, "list": null, "discount_pct": null,
--           "band_rules": [{"band": "night", "role": null, "multiplier": 1.5, "adder": 0, "burn": 1.5,
--                           "minimum_s": 3600}, …],
--           "overage": [{"line": 4, "price": 25, "scope": [2], "from": "2026-01-01", "to": null}, …],
--           "cap_amount": 1000, "cap_seconds": 36000,               of its whole life
--           "period_cap_amount": 300, "period_cap_seconds": null,   of each service period, cut to the days
--           "from": "2026-01-15", "to": null, "prorate": "actual"}, from … to (not one of them) by this rule
--          …]}
-- Several documents are the terms in force and older ones, by which entries
-- that were rated before keep their prices; caps, and the periods of caps, are
-- those of the first that has the contract.
--
-- The state says what is left to eat and what counts against the caps:
--     {"allotments": [{"id": 5, "contract": 12, "kind": "included", "unit": "seconds", "remaining": 3600,
--                      "priority": 0, "effective_at": "2026-01-01T00:00:00+02:00", "expires_at": null,
--                      "scope": [2], "rolls_over": true, "line": 4}, …],
--      "used": [{"contract": 12, "day": "2026-01-05", "amount": 123.45, "seconds": 7200}, …],
--      "draw_from": "2026-01-01T00:00:00+02:00"}
-- Allotments are eaten by priority, then earliest expiry, the narrower scope,
-- earliest effective_at; then what would be lost before what rolls over, then by
-- kind (rollover, included, adjustment, block, topup), time before money, by line.
-- Work is cut where one that it may draw on begins or ends.  What is used on a day
-- counts against the cap of its period too.  Work before draw_from draws as if it were
-- done then.
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
    'price_list_id where the price lookup starts; disposition billable, included (in a fixed price), no_charge or non_billable; cost_rate and base_cost_rate an hour in '
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
    rate numeric,
    amount numeric,
    cost numeric,
    base_cost numeric,
    allotment_id bigint,
    burned numeric,
    price_id bigint,
    price_source text,
    why jsonb,
    problem_kind text,
    problem text
);
COMMENT ON TYPE finance.rated_segment IS
    'one rated segment: segment counts from 1 within its entry; price is the hourly price before band and discount, rate the one after '
    'the band''s multiplier and adder, before the discount; coverage billable, included, prepaid, capped, no_charge or non_billable '
    '(included without an allotment: in a fixed price); burned seconds or money taken from allotment_id; price_id the position of a '
    'price list; why tells, NULL where there is nothing to tell: '
    'rounded {by (hand, rule, minimum, maximum), scope (entry, task_day, day, task, period), worked_s, billed_s} of the whole entry, '
    'band {name, minimum_s, multiplier, adder, burn}, price {by (entry, overage), line}, '
    'discount {pct, by {kind (position, list, contract), id, name}}, cap {amount, seconds, period {from, to, days, of, rule, amount, seconds}, written_off}; '
    'problem says why the entry could not be rated (then segment is 0 and the figures are NULL), problem_kind which of these it is: '
    'no_contract, no_price_list, no_price';

CREATE FUNCTION finance.rate(terms jsonb[], entries finance.rating_entry[], state jsonb DEFAULT '{}')
    RETURNS SETOF finance.rated_segment
    AS 'MODULE_PATHNAME', 'finance_rate' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.rate(jsonb[], finance.rating_entry[], jsonb) IS
    'rate the entries of one contract (and its companions) under its terms, drawing on the allotments and caps in state; '
    'reads no table, so it serves live rating, re-rating and what-if alike; what goes past finance.limits() is refused (54000)';

-- ---------------------------------------------------------------------------
-- a log: one entry, or a few, rated where they are inserted
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.log_entries() RETURNS trigger
    AS 'MODULE_PATHNAME', 'finance_log_entries' LANGUAGE C;
COMMENT ON FUNCTION finance.log_entries() IS
    'AFTER INSERT statement trigger of time_entry: rates new entries, a few of plain contracts by themselves, others with rate_new_entries() of the books; '
    'as the table''s owner, because nobody is granted INSERT on charge';

CREATE FUNCTION finance.terms_source(contracts regclass, contract bigint, lists jsonb) RETURNS bytea
    AS 'MODULE_PATHNAME', 'finance_terms_source' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION finance.terms_source(regclass, bigint, jsonb) IS
    'a digest of the rows that the terms of a contract are made of, with these revisions of price lists, {"list": revision}; contracts is the table of '
    'the contracts. NULL where entries of the contract bear on one another. Refused (42501) to who may not read the table';
