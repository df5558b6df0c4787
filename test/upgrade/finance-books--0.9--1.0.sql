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
