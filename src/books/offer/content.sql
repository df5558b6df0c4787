-- ---------------------------------------------------------------------------
-- content: documents with contents of their own
-- ---------------------------------------------------------------------------

-- What a line is about: what it names itself, else what its document is about.
-- Papers for a client are about him; whoever sent what comes in, or works for us,
-- is nobody's client.
CREATE FUNCTION line_dimension(p_document document, p_line jsonb, p_what text) RETURNS dimension
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v dimension;
    v_stage deal_stage;
BEGIN
    v.own_id := p_document.own_id;
    v.client_id := (SELECT p.id FROM party p
                     WHERE p.id = p_document.party_id AND p.kind IN ('company', 'individual')
                       AND NOT p_document.incoming);
    v.employee_id := (p_line ->> 'employee')::bigint;
    IF p_line ?| '{contract,project,deal,stage,task}' THEN
        v.contract_id := (p_line ->> 'contract')::bigint;
        v.project_id := (p_line ->> 'project')::bigint;
        v.deal_id := (p_line ->> 'deal')::bigint;
        v.task_id := (p_line ->> 'task')::bigint;
    ELSE
        v.contract_id := p_document.contract_id;
        v.project_id := p_document.project_id;
        v.deal_id := p_document.deal_id;
        v.task_id := p_document.task_id;
    END IF;
    IF p_line ? 'stage' THEN
        SELECT * INTO v_stage FROM deal_stage s WHERE s.id = (p_line ->> 'stage')::bigint;
        IF NOT FOUND THEN
            RAISE EXCEPTION '% names an unknown stage %', p_what, p_line ->> 'stage'
                USING ERRCODE = 'foreign_key_violation', HINT = 'Table deal_stage lists the stages of deals.';
        END IF;
        PERFORM check_dimension(p_what, 'deal', v.deal_id, format('stage %s', v_stage.id), v_stage.deal_id);
        v.deal_id := v_stage.deal_id;
    END IF;
    RETURN complete_dimension(v, coalesce(p_document.issued_on, books_today()), p_what);
END $$;
COMMENT ON FUNCTION line_dimension(document, jsonb, text) IS
    'what a line of written content is about, complete; refused (23514) when what it names contradicts itself or, on a '
    'paper of ours, is another client''s';

CREATE FUNCTION content_line(p_document document, p_contract contract, p_given jsonb, p_no bigint) RETURNS document_line
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_known CONSTANT text[] := '{title,item,quantity,unit,price,discount_pct,cost,tax_rate,tax_code,article,'
                               'contract,project,deal,stage,task,employee,starts_on,ends_on}';
    v document_line := line_of(p_document);
    v_about dimension;
    v_item item;
    v_terms record;
    v_exponent CONSTANT int := currency_exponent(p_document.currency);
BEGIN
    -- of our own papers the tax is reckoned
    PERFORM check_keys(p_given, 'line ' || p_no,
                       c_known || CASE p_document.kind WHEN 'bill' THEN ARRAY['tax'] ELSE '{}' END);
    IF p_given ? 'item' THEN
        SELECT * INTO v_item FROM item i WHERE i.code = p_given ->> 'item';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'line % names an unknown item "%"', p_no, p_given ->> 'item'
                USING ERRCODE = 'foreign_key_violation', HINT = 'Table item lists the codes.';
        END IF;
    END IF;
    v_about := line_dimension(p_document, p_given, 'line ' || p_no);
    v.quantity := coalesce((p_given ->> 'quantity')::numeric, 1);
    -- offered at what would be charged; what others bill has their price
    SELECT * INTO v_terms
      FROM item_position(CASE WHEN p_document.kind <> 'bill' THEN
               first_price_list(p_contract.id, coalesce(v_about.project_id, p_contract.project_id), p_document.party_id,
                                p_document.currency) END,
               p_contract.id, v_item.id, books_today());
    IF v_terms.tiers IS NOT NULL AND v.quantity > 0 THEN
        v_terms.price := round(tiers_amount(v_terms.tiers, v.quantity) / v.quantity, 6);
    END IF;
    IF coalesce((p_given ->> 'price')::numeric, v_terms.price) IS NULL THEN
        RAISE EXCEPTION 'line % has no price', p_no
            USING ERRCODE = 'invalid_parameter_value', DETAIL = p_given::text,
                HINT = 'Give "price", or an "item" that a price list of the client knows.';
    END IF;
    v.client_id := v_about.client_id;
    v.contract_id := v_about.contract_id;
    v.project_id := v_about.project_id;
    v.deal_id := v_about.deal_id;
    v.task_id := v_about.task_id;
    v.employee_id := v_about.employee_id;
    v.position := p_no;
    v.item_id := v_item.id;
    v.article := p_given ->> 'article';
    v.title := coalesce(p_given ->> 'title', v_item.name);
    v.unit := coalesce(p_given ->> 'unit', v_item.unit);
    v.price := coalesce((p_given ->> 'price')::numeric, v_terms.price);
    v.discount_pct := coalesce((p_given ->> 'discount_pct')::numeric, CASE WHEN NOT p_given ? 'price'
                               THEN v_terms.discount_pct END);
    v.cost := coalesce((p_given ->> 'cost')::numeric, v_terms.cost);
    v.starts_on := given_date(p_given, 'starts_on');
    v.ends_on := given_date(p_given, 'ends_on');
    v.tax_code := coalesce(p_given ->> 'tax_code', CASE WHEN p_document.kind <> 'bill' AND NOT p_given ? 'tax_rate'
                           THEN p_contract.tax_code END);
    v.tax_rate := coalesce((p_given ->> 'tax_rate')::numeric, CASE WHEN p_document.kind <> 'bill'
                           THEN p_contract.tax_rate END,
                           tax_rate_on(v.tax_code, coalesce(p_document.issued_on, books_today())));
    IF p_document.kind = 'bill' THEN  -- what another party wrote is taken as it is
        IF p_given ->> 'price' IS NOT NULL THEN
            v.amount := round_money(v.quantity * v.price * (100 - coalesce(v.discount_pct, 0)) / 100, v_exponent);
            v.discount := 0;
            v.net := v.amount;
            v.tax := coalesce((p_given ->> 'tax')::numeric,
                              round_money(v.amount * v.tax_rate / 100, v_exponent), 0);
            v.taxes := billed_taxes(v.tax_code, coalesce(p_document.issued_on, books_today()), v.tax, v_exponent);
            v.gross := v.net + v.tax;
        END IF;
    END IF;
    RETURN v;
END $$;
COMMENT ON FUNCTION content_line(document, contract, jsonb, bigint) IS
    'a line of written content, of a document under a contract, from what is given of it (as add_lines() takes it) at '
    'a place';

CREATE FUNCTION add_lines(p_document bigint, p_lines jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document := document_of(p_document);
    v_contract contract;
    v_line record;
    v_lines document_line[] := '{}';
BEGIN
    SELECT * INTO v_contract FROM contract c WHERE c.id = v_document.contract_id;
    IF jsonb_typeof(p_lines) <> 'array' THEN
        RAISE EXCEPTION 'lines must be a JSON array, not %', jsonb_typeof(p_lines)
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Each line is a JSON object: [{"title": text, "price": text}].';
    END IF;
    FOR v_line IN SELECT resolve_names(e.value) AS given, e.no
        FROM jsonb_array_elements(p_lines) WITH ORDINALITY e (value, no) LOOP
        IF v_document.kind = 'bill' THEN
            PERFORM require_pay(v_line.given ->> 'article', (v_line.given ->> 'employee')::bigint, calling_role());
        ELSIF v_document.kind = 'specification' THEN
            PERFORM check_agreed_line(v_line.given);
        END IF;
        v_lines := v_lines || content_line(v_document, v_contract, v_line.given, v_line.no);
    END LOOP;
    PERFORM put_lines(v_lines);
END $$;
COMMENT ON FUNCTION add_lines(bigint, jsonb) IS
    'add lines to a draft: [{"title", "item" (code), "quantity", "unit", "price" (a unit), "discount_pct", "cost" (a '
    'unit), "tax_rate" | "tax_code", "tax" (of bills), "article", "contract", "project", "deal", "stage" (id of a '
    'deal''s stage), "task", "employee", "starts_on", "ends_on"}]; an item brings name, unit, price, discount and '
    'cost from the price lists; '
    'what a line is about is completed from what it names, or else from its document, and refused (23514) where it '
    'contradicts itself';

CREATE FUNCTION draft_document(content jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    c_known CONSTANT text[] := '{kind,incoming,party,contract,project,task,deal,based_on,title,currency,lines,'
                               'requirements,note,issued_on,due_on,'
        'period_from,period_to,outside_number,file_url,discount_pct,discount_amount,source,external_id}';
    v_kind document_kind;
    v_document document;
    v document;
    v_contract contract;
    v_about dimension;
BEGIN
    content := json_argument(content);
    PERFORM check_keys(content, 'content', c_known);
    content := resolve_names(content);
    SELECT * INTO v_kind FROM document_kind k
     WHERE k.kind = content ->> 'kind'
       AND (k.made_of = 'content' OR k.incoming IS NULL AND (content ->> 'incoming')::boolean);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a document of kind "%" is not made of contents', coalesce(content ->> 'kind', 'none')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = format('Kinds: %s, and incoming acts. Reports, invoices and own acts are made of work.',
                              array_to_string(kinds_made_of('content'), ', '));
    END IF;
    IF content ->> 'kind' = 'bill' AND coalesce(content ->> 'outside_number', '') = '' THEN
        RAISE EXCEPTION 'a bill has the number that its sender gave it'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it as "outside_number".';
    END IF;
    SELECT * INTO v_contract FROM contract c WHERE c.id = (content ->> 'contract')::bigint;
    v.kind := v_kind.kind;
    v.incoming := coalesce((content ->> 'incoming')::boolean, v_kind.incoming, false);
    v.party_id := (content ->> 'party')::bigint;
    v.contract_id := v_contract.id;
    v.issued_on := given_date(content, 'issued_on');
    v_about := line_dimension(v, content, 'the document');
    v.party_id := coalesce(v.party_id, v_about.client_id);
    IF v.party_id IS NULL THEN
        RAISE EXCEPTION 'the document has no party'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Name "party", or a contract, project, task or deal of a client.';
    END IF;
    PERFORM lock_parties(ARRAY[v.party_id]);  -- so that the same content, sent twice at once, is one document
    IF content ? 'source' AND content ? 'external_id' THEN
        SELECT * INTO v_document FROM document d WHERE d.source = content ->> 'source'
            AND d.external_id = content ->> 'external_id' AND d.status <> 'void';
    END IF;
    IF v_document.id IS NULL AND content ->> 'kind' = 'bill' THEN
        -- one that is void has left its number to others, and each year has its own: document_bill_once
        SELECT * INTO v_document FROM document d WHERE d.kind = 'bill' AND d.status <> 'void'
            AND d.party_id = (content ->> 'party')::bigint
           AND d.outside_number = content ->> 'outside_number'
           AND (d.made_from = content OR extract(year FROM coalesce(d.issued_on, books_today()))
                                         = extract(year FROM coalesce(v.issued_on, books_today())))
         ORDER BY d.made_from = content DESC NULLS LAST LIMIT 1;
    END IF;
    IF v_document.id IS NOT NULL THEN
        IF v_document.made_from IS DISTINCT FROM content THEN
            RAISE EXCEPTION '% was sent before with other content', document_name(v_document.id)
                USING ERRCODE = 'unique_violation', TABLE = 'document',
                    CONSTRAINT = CASE WHEN (v_document.source, v_document.external_id)
                                           = (content ->> 'source', content ->> 'external_id')
                                      THEN 'document_external_key' ELSE 'document_bill_once' END,
                    HINT = 'Send the same content again, or void that document first.';
        END IF;
        RETURN v_document.id;
    END IF;
    v.own_id := v_about.own_id;
    v.project_id := v_about.project_id;
    v.deal_id := v_about.deal_id;
    v.task_id := v_about.task_id;
    v.based_on := (content ->> 'based_on')::bigint;
    v.title := content ->> 'title';
    v.made_from := content;
    v.positions := 'none';
    v.currency := coalesce(content ->> 'currency', v_contract.currency, (SELECT s.base_currency FROM setting s));
    v.tax_inclusive := v_contract.tax_inclusive;
    v.tax_level := v_contract.tax_level;
    v.discount_pct := (content ->> 'discount_pct')::numeric;
    v.discount_amount := (content ->> 'discount_amount')::numeric;
    v.due_on := given_date(content, 'due_on');
    v.period_from := given_date(content, 'period_from');
    v.period_to := given_date(content, 'period_to');
    v.outside_number := content ->> 'outside_number';
    v.file_url := content ->> 'file_url';
    v.requirements := content ->> 'requirements';
    v.note := content ->> 'note';
    v.source := content ->> 'source';
    v.external_id := content ->> 'external_id';
    v.id := put_document(v);
    IF v.id IS NULL THEN
        RETURN draft_document(content);  -- another party's document took the key meanwhile: that is refused
    END IF;
    PERFORM add_lines(v.id, content -> 'lines') WHERE content ? 'lines';
    RETURN v.id;
END $$;
COMMENT ON FUNCTION draft_document(jsonb) IS
    'draft a document of given contents: {"kind" (proposal, specification, proforma, bill, contract, annex, other, '
    'incoming act), "party" | "contract" | "project" | "task" | "deal" (names or ids; a contract by its number), '
    '"incoming", "based_on", "title", "currency", "lines" (as add_lines() takes them), "requirements", "note", '
    '"issued_on", "due_on", "outside_number", "file_url", "discount_pct" | "discount_amount", "source", '
    '"external_id"}. The same content again returns the same document, another one under the same (source, '
    'external_id), or number of a bill of that party and year, is refused (23505); what is void has left them to '
    'others';
SELECT allow('clerk', 'execute', 'draft_document');

CREATE FUNCTION issue_specification(task bigint, lines jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_contract bigint;
    v_document bigint;
BEGIN
    SELECT coalesce(t.contract_id, (SELECT CASE WHEN count(*) = 1 THEN min(c.id) END FROM contract c
                                     WHERE c.client_id = p.client_id AND c.status = 'active' AND c.parent_id IS NULL
                                       AND (c.project_id IS NULL OR c.project_id = p.id))) INTO v_contract
      FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = issue_specification.task;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', issue_specification.task USING ERRCODE = 'foreign_key_violation',
            HINT = 'Table task lists the tasks.';
    END IF;
    v_document := draft_document(jsonb_build_object('kind', 'specification', 'task', issue_specification.task,
                                                    'lines', json_argument(lines))
                                 || CASE WHEN v_contract IS NULL THEN '{}'
                                     ELSE jsonb_build_object('contract', v_contract) END || json_argument(options));
    PERFORM transition(v_document, 'sent');
    RETURN v_document;
END $$;
COMMENT ON FUNCTION issue_specification(bigint, jsonb, jsonb) IS
    'send the client a specification of a task: works and materials with their prices (lines as add_lines() takes '
    'them; options as draft_document()); its client agrees or rejects it. Where the contract needs it, work on the '
    'task is charged only once it is agreed';
SELECT allow('clerk', 'execute', 'issue_specification');
