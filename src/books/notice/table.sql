-- ---------------------------------------------------------------------------
-- notification: what people are to be told, queued in the transaction that
-- makes it true and sent by the worker after the commit
-- ---------------------------------------------------------------------------

CREATE TABLE notification (
    id bigserial CONSTRAINT notification_pkey PRIMARY KEY,
    kind text NOT NULL,
    recipient_id bigint CONSTRAINT notification_recipient_fkey REFERENCES employee,
    party_id bigint CONSTRAINT notification_party_fkey REFERENCES party,
    contract_id bigint CONSTRAINT notification_contract_fkey REFERENCES contract,
    document_id bigint,
    message text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT notification_payload_object CHECK (jsonb_typeof(payload) = 'object'),
    dedupe_key text NOT NULL CONSTRAINT notification_once UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz
);
COMMENT ON TABLE notification IS
    'the queue of notices: who is to be told what. dedupe_key makes a notice unique whatever the concurrency; what is '
    'not true any more before it is delivered is deleted; recipient_id the employee who is told, NULL when nobody '
    'looks after the client';
CREATE INDEX notification_queue_idx ON notification (id) WHERE delivered_at IS NULL;
