-- ---------------------------------------------------------------------------
-- bill: what comes in
-- ---------------------------------------------------------------------------

CREATE FUNCTION record_bill(content jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_document bigint := draft_document(jsonb_build_object('kind', 'bill') || json_argument(content));
BEGIN
    PERFORM transition(v_document, 'sent') WHERE (state_of(document_of(v_document))).draft;
    RETURN v_document;
END $$;
COMMENT ON FUNCTION record_bill(jsonb) IS
    'take a bill of a contractor in: {"party", "outside_number", "issued_on", "due_on", "currency", "lines"}; it costs '
    'nothing and cannot be paid before it is accepted: transition(document, ''agreed''). The same bill again returns '
    'the same document';
SELECT allow('clerk', 'execute', 'record_bill');
