-- ---------------------------------------------------------------------------
-- ledger views: what its readers may see
-- ---------------------------------------------------------------------------

CREATE VIEW seen_entry WITH (security_invoker) AS SELECT id FROM entry;
COMMENT ON VIEW seen_entry IS 'the entries that the row policies of whoever asks let through';

CREATE VIEW visible_entry WITH (security_barrier) AS
    SELECT e.* FROM entry e WHERE (SELECT NOT row_security_active('entry'::regclass))
           OR e.id IN (SELECT s.id FROM seen_entry s);
COMMENT ON VIEW visible_entry IS
    'entries for the views of figures, within the row policies of whoever asks; granted to nobody';
