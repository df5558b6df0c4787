-- ---------------------------------------------------------------------------
-- put: making documents and their lines, and finding them again
--
-- put_documents() and put_lines() are the only writers of rows of document and
-- document_line, and are made from their columns.  Whoever has a document or a
-- line to make fills in what it knows of one, by name.
-- ---------------------------------------------------------------------------

-- who sends the same (source, external_id) at once gets none of it: draft_document() looks again
SELECT make_writer('document', 'put_documents',
                   'ON CONFLICT (source, external_id) WHERE status <> ''void'' DO NOTHING');
SELECT make_writer('document_line', 'put_lines');

CREATE FUNCTION put_document(p_document document) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (put_documents(ARRAY[p_document]))[1];
END $$;
COMMENT ON FUNCTION put_document(document) IS
    'write a document and return its id, NULL where another one has its (source, external_id)';

CREATE FUNCTION document_of(p_document bigint, p_kind text DEFAULT NULL) RETURNS document
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = p_document AND d.kind = coalesce(p_kind, d.kind);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no % %', coalesce(p_kind, 'document'), p_document
            USING ERRCODE = 'foreign_key_violation', HINT = 'View document_card lists the documents.';
    END IF;
    RETURN v_document;
END $$;
COMMENT ON FUNCTION document_of(bigint, text) IS
    'a document, of a kind where one is named; refused (23503) when there is none';

CREATE FUNCTION lock_documents(p_documents bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY(
        SELECT x.party_id FROM document x WHERE x.id = ANY (p_documents)
        UNION SELECT b.party_id FROM document x JOIN document b ON b.id = x.based_on WHERE x.id = ANY (p_documents)));
END $$;
COMMENT ON FUNCTION lock_documents(bigint[]) IS 'hold the parties of documents and of those they are based on';

CREATE FUNCTION open_document(p_document bigint, p_kind text DEFAULT NULL) RETURNS document
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM document_of(p_document, p_kind);
    PERFORM lock_documents(ARRAY[p_document]);
    RETURN document_of(p_document, p_kind);  -- as it is now that nobody else changes it
END $$;
COMMENT ON FUNCTION open_document(bigint, text) IS
    'a document whose party is held, and that of what it is based on; refused (23503) when there is none';

CREATE FUNCTION successor(p_of document, p_kind text) RETURNS document
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document;
BEGIN
    v.kind := p_kind;
    v.based_on := p_of.id;
    v.own_id := p_of.own_id;
    v.party_id := p_of.party_id;
    v.contract_id := p_of.contract_id;
    v.project_id := p_of.project_id;
    v.deal_id := p_of.deal_id;
    v.task_id := p_of.task_id;
    v.title := p_of.title;
    v.positions := p_of.positions;
    v.currency := p_of.currency;
    v.tax_inclusive := p_of.tax_inclusive;
    v.tax_level := p_of.tax_level;
    RETURN v;
END $$;
COMMENT ON FUNCTION successor(document, text) IS
    'the draft of a kind that is made of a document, to be filled in and put: between whom, about what, in which '
    'currency and by which rules of tax it is';

-- ---------------------------------------------------------------------------
-- lines
-- ---------------------------------------------------------------------------

CREATE FUNCTION line_of(p_document document) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line;
BEGIN
    v.document_id := p_document.id;
    v.kind := p_document.kind;
    v.currency := p_document.currency;
    RETURN v;
END $$;
COMMENT ON FUNCTION line_of(document) IS 'an empty line of a document, to be filled in and put';

CREATE FUNCTION work_line(p_document document, p_charge bigint) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line := line_of(p_document);
BEGIN
    v.charge_id := p_charge;
    v.claim := true;
    RETURN v;
END $$;
COMMENT ON FUNCTION work_line(document, bigint) IS
    'the line of a draft over work that keeps a charge from other documents; its figures come when it is sent';

CREATE FUNCTION repeated_line(p_document document, p_line document_line, p_position bigint) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line := p_line;
BEGIN
    v.id := NULL;
    v.document_id := p_document.id;
    v.kind := p_document.kind;
    v.position := p_position;
    v.base_line_id := p_line.id;
    v.claim := false;
    v.adjustment_id := NULL;
    v.contract_line_id := NULL;
    v.credited_by := NULL;
    RETURN v;
END $$;
COMMENT ON FUNCTION repeated_line(document, document_line, bigint) IS
    'a live line of one document as another one repeats it, to the last digit: it claims nothing and adjusts nothing';

-- What was credited of it is taken off like a discount, so that quantity and price
-- still say how it was reckoned.
CREATE FUNCTION line_left(p_line document_line, p_net numeric, p_tax numeric, p_inclusive boolean)
    RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line := p_line;
BEGIN
    IF p_net IS NOT NULL THEN
        v.taxes := less_taxes(p_line.taxes, credited_taxes(p_line.base_line_id, p_line.taxes, p_tax,
                                                           currency_exponent(p_line.currency)));
        v.discount := coalesce(v.discount, 0) + p_net + CASE WHEN p_inclusive THEN p_tax ELSE 0 END;
        v.net := v.net - p_net;
        v.tax := v.tax - p_tax;
        v.gross := v.gross - p_net - p_tax;
    END IF;
    RETURN v;
END $$;
COMMENT ON FUNCTION line_left(document_line, numeric, numeric, boolean) IS
    'a repeated line less what was credited, net and tax, of what it repeats, of a document whose prices hold the tax '
    'or not; as it is where nothing (NULL) was';

CREATE FUNCTION revised_line(p_document document, p_line document_line) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v document_line := repeated_line(p_document, p_line, NULL);
BEGIN
    v.base_line_id := NULL;
    v.worked_s := NULL;
    v.billed_s := NULL;
    v.amount := NULL;
    v.discount := NULL;
    v.rounding := NULL;
    v.net := NULL;
    v.tax := NULL;
    v.taxes := NULL;
    v.gross := NULL;
    v.released_at := NULL;
    v.released_by := NULL;
    RETURN v;
END $$;
COMMENT ON FUNCTION revised_line(document, document_line) IS
    'a line of written content as the next revision begins with it: without the figures, which are stamped anew';

CREATE FUNCTION credit_line(p_note document, p_line document_line, p_net numeric, p_tax numeric, p_whole boolean)
    RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_at_once CONSTANT boolean := p_net = p_line.net;
    v document_line := line_of(p_note);
BEGIN
    v.reverses_line_id := p_line.id;
    v.position := p_line.position;
    v.task_id := p_line.task_id;
    v.title := p_line.title;
    v.unit := p_line.unit;
    v.worked_s := CASE WHEN p_whole THEN -p_line.worked_s END;
    v.billed_s := CASE WHEN p_whole THEN -p_line.billed_s END;
    -- what is taken back at once stands there as it was billed; of a part only the price of it is known
    v.quantity := CASE WHEN c_at_once THEN -p_line.quantity END;
    v.price := CASE WHEN c_at_once THEN p_line.price END;
    v.discount_pct := CASE WHEN c_at_once THEN p_line.discount_pct END;
    v.amount := CASE WHEN c_at_once THEN -p_line.amount WHEN p_note.tax_inclusive THEN -p_net - p_tax ELSE -p_net END;
    v.discount := CASE WHEN c_at_once THEN -p_line.discount ELSE 0 END;
    v.tax_rate := p_line.tax_rate;
    v.tax_code := p_line.tax_code;
    v.taxes := credited_taxes(p_line.id, p_line.taxes, p_tax, currency_exponent(p_line.currency));
    v.net := -p_net;
    v.tax := -p_tax;
    v.gross := -p_net - p_tax;
    RETURN v;
END $$;
COMMENT ON FUNCTION credit_line(document, document_line, numeric, numeric, boolean) IS
    'the line of a credit note that takes net and tax of an invoice line back: all at once as it was billed, what '
    'makes it whole with its hours, a part as so much of its price';
