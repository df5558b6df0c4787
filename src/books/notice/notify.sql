-- ---------------------------------------------------------------------------
-- notify: what people are told
-- ---------------------------------------------------------------------------

CREATE FUNCTION notify_paid(p_document bigint, p_paid boolean) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM notification n WHERE NOT p_paid AND n.document_id = p_document AND n.kind = 'invoice_paid' AND n.delivered_at IS NULL;
    INSERT INTO notification (kind, recipient_id, party_id, contract_id, document_id, message, payload, dedupe_key)
    SELECT 'invoice_paid', coalesce(c.manager_id, p.manager_id), d.party_id, d.contract_id, d.id,
           format('%s has paid invoice %s: %s %s', p.name, d.number, round(d.gross, currency_exponent(d.currency)), d.currency),
           jsonb_build_object('document', d.id, 'number', d.number, 'client', p.id, 'client_name', p.name,
                              'gross', round(d.gross, currency_exponent(d.currency))::text, 'currency', d.currency, 'report', d.based_on),
           format('document:%s:paid:%s', d.id, (SELECT count(*) FROM document_status_change s WHERE s.document_id = d.id AND s.to_status = 'paid'))
      FROM document d
      JOIN party p ON p.id = d.party_id
      LEFT JOIN contract c ON c.id = d.contract_id
     WHERE d.id = p_document AND p_paid;
END;
COMMENT ON FUNCTION notify_paid(bigint, boolean) IS
    'queue the notice that an invoice is paid for the manager of its contract or client, or withdraw it when it is not true any more';
