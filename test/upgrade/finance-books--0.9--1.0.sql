-- What the tables of version 1.0 have other than those of 0.9.

-- A word for what is frozen or held; fixed are prices.
ALTER TABLE charge RENAME COLUMN fixed TO settled;
ALTER VIEW IF EXISTS visible_charge RENAME COLUMN fixed TO settled;

-- A limit of days, not of seconds.
COMMENT ON TABLE setting IS
    'one row: version of the books; base_currency in which company-wide figures are kept; zone of work dates where no '
    'calendar says another; max_entry_s the longest time entry accepted, in seconds of the clock on the wall: 86400 is '
    'a day, also one of 25 hours; trackers_decide whether a record of ingest_entries() may say that it is not billed';

-- The role that work was priced in stays when the person is promoted.
ALTER TABLE charge ADD COLUMN role text;
ALTER TYPE rating_input ADD ATTRIBUTE role text;
CREATE INDEX charge_open_idx ON charge (client_id) WHERE NOT settled;

-- Work that can be charged no more for a while keeps its price.
ALTER TABLE rating_problem ADD COLUMN contract_id bigint, ADD COLUMN terms_id bigint, ADD COLUMN price_list_id bigint,
    ADD COLUMN employee_id bigint, ADD COLUMN role text, ADD COLUMN project_id bigint;
COMMENT ON TABLE rating_problem IS
    'why a time entry has no charge; view unrated shows it with the entry. contract_id and what follows it: as what it '
    'was priced while it had one, which it is again when that contract takes it back';
COMMENT ON TYPE rating_input IS
    'what rating needs to know of an entry beside its time: contract, terms (NULL: none), where the price lookup '
    'starts, disposition and where it comes from (as charge.why), currency, cost rates an hour, rate to the base '
    'currency, seconds billed when frozen, its instant, what stands in the way, and the role it is priced in';

-- Where service periods count from may be the contract's own start; quarters and
-- years of before counted from January.
ALTER TABLE contract ALTER COLUMN anchor_day DROP DEFAULT, ALTER COLUMN anchor_day DROP NOT NULL,
    ADD COLUMN anchor_month integer CONSTRAINT contract_anchor_month_range CHECK (anchor_month BETWEEN 1 AND 12);
UPDATE contract SET anchor_month = 1 WHERE period IN ('quarter', 'year');
UPDATE contract SET anchor_day = NULL WHERE anchor_day = 1 AND period <> 'week';
UPDATE terms t
   SET body = n.body, digest = CASE WHEN n.is_last THEN sha256(convert_to(n.body::text, 'UTF8')) ELSE t.digest END
  FROM (SELECT b.id, b.body, b.id = max(b.id) OVER (PARTITION BY b.contract_id, b.body) AS is_last
          FROM (SELECT id, contract_id, body - '{period,anchor}'::text[] AS body FROM terms) b) n
 WHERE n.id = t.id;
COMMENT ON TABLE contract IS
    'an agreement with a client. It covers the client''s work from starts_on to ends_on, both days included, of one '
    'project where project_id is set. A contract with parent_id is the companion of a base contract and takes the '
    'bands it names (after-hours at a raised price). period, anchor_day and anchor_month give the service period, '
    'as anchor_of() says; round_… the rounding of worked to billed seconds; cap_… what may not be exceeded; '
    'late_policy what becomes of work logged for a closed period; auto_bill what run_billing() drafts';

-- What is frozen and no longer agrees with its facts is corrected.
ALTER TABLE charge DROP CONSTRAINT charge_made_by_known, ADD CONSTRAINT charge_made_by_known
    CHECK (made_by IN ('user', 'rating', 'line', 'task_item', 'block', 'minimum', 'document', 'correction'));

CREATE TABLE recheck (
    charge_id bigint CONSTRAINT recheck_pkey PRIMARY KEY CONSTRAINT recheck_charge_fkey REFERENCES charge,
    found_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE recheck IS
    'frozen charges of whose contract, line, cost rate or exchange rate something changed since, or whose cost is not '
    'known yet: correction_due looks at these, so that it costs what changed and not what there is';

-- Rates come for a day: what was frozen since is found without a look at the years before.
CREATE INDEX charge_day_idx ON charge USING brin (service_date);

-- Dates of a calendar are whole.
COMMENT ON TABLE calendar_band IS
    'a band of the local day; the rows of a date replace the whole of it, from midnight to midnight (holidays, moved '
    'working days); what no row covers is band off_hours';

-- What a specification agrees is what its task is sold for; tasks name their stage.
ALTER TABLE task_item ALTER COLUMN item_id DROP NOT NULL, ADD COLUMN title text,
    ADD COLUMN discount_pct numeric(7,4) CONSTRAINT task_item_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    ADD COLUMN amount numeric(20,6),
    ADD COLUMN line_id bigint CONSTRAINT task_item_line_fkey REFERENCES document_line,
    DROP CONSTRAINT task_item_key,
    ADD CONSTRAINT task_item_key UNIQUE NULLS NOT DISTINCT (task_id, item_id, document_id, line_id),
    ADD CONSTRAINT task_item_named CHECK (item_id IS NOT NULL OR line_id IS NOT NULL AND title IS NOT NULL);
ALTER TABLE task ADD COLUMN deal_stage_id bigint CONSTRAINT task_deal_stage_fkey REFERENCES deal_stage;
COMMENT ON TABLE task_item IS
    'what a task is sold for at a fixed price: charged when the task is done, at the agreed price of a unit or (price '
    'NULL) as the price lists say then; the time of such a task is included in that price. document_id is the '
    'specification that agreed it, line_id the line of it: such rows come when the client agrees, and go when it is '
    'void or superseded';
