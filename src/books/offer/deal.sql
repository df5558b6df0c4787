-- ---------------------------------------------------------------------------
-- deal: the deal that is made of a document, and the work that goes with it
--
-- A deal says where profit is told and nothing of what is owed, so work takes
-- one at any time, frozen or not.  Work is of the deal of its task.  Work whose
-- task has none is of the deal of the document that keeps it: when the deal is
-- made, and when the document is sent.  Giving a task a deal, or another one,
-- takes all of its work there (follow_tasks()).
-- ---------------------------------------------------------------------------

CREATE FUNCTION tell_deal(p_document bigint, p_deal bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM tell_charges(ARRAY(
        SELECT h.id
          FROM document_line l
          JOIN charge h ON h.id IN (l.charge_id, l.adjustment_id) AND h.deal_id IS NULL
         WHERE l.document_id = p_document AND l.released_at IS NULL), p_deal) WHERE p_deal IS NOT NULL;
END $$;
COMMENT ON FUNCTION tell_deal(bigint, bigint) IS 'what a document keeps of work that is of no deal is of its deal';

CREATE FUNCTION make_deal(document bigint, stage text DEFAULT 'invoice') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(make_deal.document);
    v_deal bigint := v_document.deal_id;
BEGIN
    IF v_deal IS NULL THEN
        INSERT INTO deal (client_id, project_id, name, stage, amount, currency, starts_on, ends_on)
        VALUES (v_document.party_id, v_document.project_id, coalesce(v_document.title, document_name(v_document.id)),
                make_deal.stage,
                coalesce(v_document.gross, (SELECT sum(f.gross) FROM document_figures(v_document.id) f)),
                    v_document.currency,
                v_document.period_from, v_document.period_to)
        RETURNING id INTO v_deal;
        UPDATE document d SET deal_id = v_deal WHERE d.id = v_document.id OR d.based_on = v_document.id
            AND d.deal_id IS NULL;
        PERFORM tell_deal(v_document.id, v_deal);
    END IF;
    RETURN v_deal;
END $$;
COMMENT ON FUNCTION make_deal(bigint, text) IS
    'make the deal of a report, with its gross amount, and bind the report, what is made of it and its work to the '
    'deal; a report has one, and work that is of a deal already stays with that one';
SELECT allow('clerk', 'execute', 'make_deal');
