-- What the tables of version 1.0 have other than those of 0.9.

-- A word for what is frozen or held; fixed are prices.
ALTER TABLE charge RENAME COLUMN fixed TO settled;
ALTER VIEW IF EXISTS visible_charge RENAME COLUMN fixed TO settled;

-- A limit of days, not of seconds.
COMMENT ON TABLE setting IS
    'one row: version of the books; base_currency in which company-wide figures are kept; zone of work dates where no '
    'calendar says another; max_entry_s the longest time entry accepted, in seconds of the clock on the wall: 86400 is '
    'a day, also one of 25 hours; trackers_decide whether a record of ingest_entries() may say that it is not billed';
