-- ---------------------------------------------------------------------------
-- concession: what managers may give away, and what they gave
-- ---------------------------------------------------------------------------

CREATE TABLE manager_limit (
    actor text CONSTRAINT manager_limit_pkey PRIMARY KEY,
    discount_pct numeric(7,4) NOT NULL DEFAULT 100
        CONSTRAINT manager_limit_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    month_amount numeric(20,6)
        CONSTRAINT manager_limit_amount_not_negative CHECK (month_amount >= 0 AND month_amount <> 'NaN')
);
COMMENT ON TABLE manager_limit IS
    'how far managers may go: discount_pct the greatest discount in percent points, of a document, contract, price '
    'list or position, and the deepest cut of a price; month_amount what write-offs, credits in part and corrections '
    'downwards may come to in a calendar month, in the base currency, NULL: any. actor: as actor() names the person, '
    'or a role; * for who is not named; whoever has no row has no limit';

CREATE TABLE concession (
    id bigserial CONSTRAINT concession_pkey PRIMARY KEY,
    given_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL DEFAULT actor(),
    kind text NOT NULL
        CONSTRAINT concession_kind_known CHECK (kind IN ('write_off', 'credit', 'correction')),
    base_amount numeric(20,6) NOT NULL
        CONSTRAINT concession_positive CHECK (base_amount > 0 AND base_amount <> 'NaN'),
    charge_id bigint CONSTRAINT concession_charge_fkey REFERENCES charge,
    document_id bigint CONSTRAINT concession_document_fkey REFERENCES document,
    reason text
);
COMMENT ON TABLE concession IS
    'what was given away after it had been charged: write-offs, credits in part, corrections downwards; base_amount in '
    'the base currency, by whom and why; charge_id and document_id what it is about; append-only';
CREATE INDEX concession_charge_idx ON concession (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX concession_document_idx ON concession (document_id) WHERE document_id IS NOT NULL;

-- The sum that a limit is checked against is a row, so that whoever adds to it
-- at the same time waits, or fails with 40001.
CREATE TABLE concession_month (
    actor text NOT NULL,
    month date NOT NULL,
    base_amount numeric(20,6) NOT NULL,
    CONSTRAINT concession_month_pkey PRIMARY KEY (actor, month)
);
COMMENT ON TABLE concession_month IS
    'what each person, role or login gave away in a calendar month, in the base currency: the sum that '
    'manager_limit.month_amount bounds';
