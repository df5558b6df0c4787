-- ---------------------------------------------------------------------------
-- settle: which payment settles which document
-- ---------------------------------------------------------------------------

CREATE TABLE payment_allocation (
    id bigserial CONSTRAINT payment_allocation_pkey PRIMARY KEY,
    payment_id bigint NOT NULL CONSTRAINT payment_allocation_payment_fkey REFERENCES payment,
    document_id bigint NOT NULL CONSTRAINT payment_allocation_document_fkey REFERENCES document,
    amount numeric(20,6) NOT NULL
        CONSTRAINT payment_allocation_amount CHECK (amount <> 0 AND amount <> 'NaN'),
    allocated_at timestamptz NOT NULL DEFAULT now(),
    allocated_by text NOT NULL DEFAULT actor(),
    CONSTRAINT payment_allocation_key UNIQUE (payment_id, document_id)
);
COMMENT ON TABLE payment_allocation IS
    'which part of a payment settles which invoice or bill, in their common currency; what is not allocated stays as '
    'the payer''s credit. amount has the sign of the document: below zero it takes a supplier''s correction, a bill '
    'below zero, off what the payment pays. The sum is never above the payment, nor above what is open';
CREATE INDEX payment_allocation_document_idx ON payment_allocation (document_id);
