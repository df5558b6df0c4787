-- ---------------------------------------------------------------------------
-- dunning: who is reminded of what is overdue, when and in which words
-- ---------------------------------------------------------------------------

CREATE TABLE dunning_level (
    id bigserial CONSTRAINT dunning_level_pkey PRIMARY KEY,
    client_id bigint CONSTRAINT dunning_level_client_fkey REFERENCES party,
    level integer NOT NULL CONSTRAINT dunning_level_positive CHECK (level > 0),
    days_late integer NOT NULL CONSTRAINT dunning_level_days_range CHECK (days_late BETWEEN 1 AND 3650),
    words jsonb NOT NULL
        CONSTRAINT dunning_level_words_whole
            CHECK (jsonb_typeof(words) = 'object'
                   AND coalesce(length(words ->> 'uk') * length(words ->> 'ru') * length(words ->> 'en'), 0) > 0),
    fee numeric(20,6) NOT NULL DEFAULT 0
        CONSTRAINT dunning_level_fee_not_negative CHECK (fee >= 0 AND fee <> 'NaN'),
    currency text CONSTRAINT dunning_level_currency_fkey REFERENCES currency_code,
    interest_pct numeric(7,4) NOT NULL DEFAULT 0
        CONSTRAINT dunning_level_interest_range CHECK (interest_pct BETWEEN 0 AND 999),
    CONSTRAINT dunning_level_fee_has_currency CHECK ((fee > 0) = (currency IS NOT NULL)),
    CONSTRAINT dunning_level_key UNIQUE NULLS NOT DISTINCT (client_id, level)
);
COMMENT ON TABLE dunning_level IS
    'the steps by which clients are reminded of what is overdue: of a client, who has then no other, or of all '
    '(client_id NULL). A step is taken days_late after the due date and the days of grace (party.grace_days); words is '
    'what it says in {"uk", "ru", "en"}, with {number}, {date}, {due}, {days}, {open}, {fee}, {interest}, {total}, '
    '{client} and {own} in it; fee in currency is claimed once, interest by interest_pct a year on the days late';

CREATE TABLE dispute (
    id bigserial CONSTRAINT dispute_pkey PRIMARY KEY,
    document_id bigint NOT NULL CONSTRAINT dispute_document_fkey REFERENCES document,
    reason text NOT NULL CONSTRAINT dispute_explained CHECK (reason <> ''),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    outcome text CONSTRAINT dispute_outcome_said CHECK (outcome <> ''),
    ended_at timestamptz,
    ended_by text,
    CONSTRAINT dispute_ended_whole CHECK (num_nonnulls(outcome, ended_at, ended_by) IN (0, 3))
);
COMMENT ON TABLE dispute IS
    'what clients dispute: while a dispute of a document is open nobody is reminded of it; reason what is disputed, '
    'outcome how it ended';
CREATE UNIQUE INDEX dispute_open_once ON dispute (document_id) WHERE ended_at IS NULL;
CREATE INDEX dispute_document_idx ON dispute (document_id);

CREATE TABLE reminder (
    id bigserial CONSTRAINT reminder_pkey PRIMARY KEY,
    document_id bigint NOT NULL CONSTRAINT reminder_document_fkey REFERENCES document,
    level integer NOT NULL,
    on_day date NOT NULL,
    days_late integer NOT NULL CONSTRAINT reminder_days_positive CHECK (days_late > 0),
    open numeric(20,6) NOT NULL CONSTRAINT reminder_open_positive CHECK (open > 0),
    fee numeric(20,6) NOT NULL CONSTRAINT reminder_fee_not_negative CHECK (fee >= 0),
    interest numeric(20,6) NOT NULL CONSTRAINT reminder_interest_not_negative CHECK (interest >= 0),
    currency text NOT NULL CONSTRAINT reminder_currency_fkey REFERENCES currency_code,
    language text NOT NULL CONSTRAINT reminder_language_known CHECK (language IN ('uk', 'ru', 'en')),
    message text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    withdrawn_at timestamptz
);
COMMENT ON TABLE reminder IS
    'reminders of what is overdue, each level once a document: how late it was, what was open of it, the fees claimed '
    'so far and the interest up to that day, in currency, and the message in the language of the client. withdrawn_at: '
    'it was not delivered yet when the document was paid, in part too, put off, disputed or taken back; its level may '
    'be taken again';
CREATE UNIQUE INDEX reminder_once ON reminder (document_id, level) WHERE withdrawn_at IS NULL;
