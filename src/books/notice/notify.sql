-- ---------------------------------------------------------------------------
-- notify: what people are told
--
-- document_status_change is the log of all that happens to documents: what is
-- told of them is told from there.
-- ---------------------------------------------------------------------------

CREATE FUNCTION notify(p_kind text, p_subject text, p_document bigint, p_recipient bigint, p_message text,
                       p_payload jsonb) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO notification (kind, recipient_id, party_id, contract_id, document_id, message, payload, dedupe_key)
    SELECT p_kind, coalesce(p_recipient, c.manager_id, p.manager_id), d.party_id, d.contract_id, d.id, p_message,
        p_payload, p_subject
      FROM document d
      JOIN party p ON p.id = d.party_id
      LEFT JOIN contract c ON c.id = d.contract_id
     WHERE d.id = p_document;
END;
COMMENT ON FUNCTION notify(text, text, bigint, bigint, text, jsonb) IS
    'queue a notice of a kind about a document: for one person, or for who looks after its contract or client; '
    'p_subject makes it unique';

CREATE FUNCTION withdraw_notice(p_kind text, p_document bigint) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM notification n WHERE n.document_id = p_document AND n.kind = p_kind AND n.delivered_at IS NULL;
END;
COMMENT ON FUNCTION withdraw_notice(text, bigint) IS 'take back what is not true any more, where nobody was told yet';

CREATE FUNCTION tell_steps() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM withdraw_notice('invoice_paid', d.id)
       FROM new_rows n JOIN document d ON d.id = n.document_id
      WHERE d.kind = 'invoice' AND n.from_status = 'paid' AND n.to_status <> 'archived';
    PERFORM notify('invoice_paid',
                   format('document:%s:paid:%s', d.id, (SELECT count(*) FROM document_status_change s
                                                         WHERE s.document_id = d.id AND s.to_status = 'paid')),
                   d.id, NULL, format('%s has paid invoice %s: %s %s', p.name, d.number, m.gross, d.currency),
                   jsonb_build_object('document', d.id, 'number', d.number, 'client', p.id, 'client_name', p.name,
                                      'gross', m.gross::text, 'currency', d.currency, 'report', d.based_on))
       FROM new_rows n
       JOIN document d ON d.id = n.document_id
       JOIN party p ON p.id = d.party_id
      CROSS JOIN LATERAL (SELECT round(d.gross, currency_exponent(d.currency)) AS gross) m
      WHERE d.kind = 'invoice' AND n.to_status = 'paid';
    PERFORM withdraw_reminders(ARRAY(SELECT n.document_id FROM new_rows n));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION tell_steps() IS
    'trigger function of document_status_change: the manager is told that an invoice is paid, and not told when it is '
    'not true any more; reminders that wait are taken back; SECURITY DEFINER because nobody is granted INSERT on '
    'notices';
