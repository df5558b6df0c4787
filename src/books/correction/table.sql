-- ---------------------------------------------------------------------------
-- correction: what is frozen and no longer agrees with what it was made of
-- ---------------------------------------------------------------------------

CREATE TABLE recheck (
    charge_id bigint CONSTRAINT recheck_pkey PRIMARY KEY CONSTRAINT recheck_charge_fkey REFERENCES charge,
    found_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE recheck IS
    'frozen charges of whose contract, line, cost rate or exchange rate something changed since, or whose cost is not '
    'known yet: correction_due looks at these, so that it costs what changed and not what there is';

-- Rates come for a day: what was frozen since is found without a look at the years before.
CREATE INDEX charge_day_idx ON charge USING brin (service_date);
