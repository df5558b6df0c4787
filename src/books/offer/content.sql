-- ---------------------------------------------------------------------------
-- content: documents with contents of their own
-- ---------------------------------------------------------------------------

CREATE FUNCTION add_lines(p_document bigint, p_lines jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document;
    v_line record;
    v_contract contract;
    v_item item;
    v_terms record;
    v_net numeric;
    v_tax numeric;
    v_exponent int;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = p_document;
    SELECT * INTO v_contract FROM contract c WHERE c.id = v_document.contract_id;
    v_exponent := currency_exponent(v_document.currency);
    IF jsonb_typeof(p_lines) <> 'array' THEN
        RAISE EXCEPTION 'lines must be a JSON array, not %', jsonb_typeof(p_lines) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR v_line IN SELECT resolve_names(e.value) AS v, e.no FROM jsonb_array_elements(p_lines) WITH ORDINALITY e (value, no) LOOP
        PERFORM check_keys(v_line.v, 'line ' || v_line.no,
            '{title,item,quantity,unit,price,discount_pct,cost,tax_rate,tax,article,contract,project,task,employee,starts_on,ends_on}');
        IF v_document.kind = 'bill' THEN
            PERFORM require_pay(v_line.v ->> 'article', (v_line.v ->> 'employee')::bigint, calling_role());
        END IF;
        v_item := NULL;
        v_terms := NULL;
        IF v_line.v ? 'item' THEN
            SELECT * INTO v_item FROM item i WHERE i.code = v_line.v ->> 'item';
            IF NOT FOUND THEN
                RAISE EXCEPTION 'line % names an unknown item "%"', v_line.no, v_line.v ->> 'item'
                    USING ERRCODE = 'foreign_key_violation', HINT = 'Table item lists the codes.';
            END IF;
        END IF;
        SELECT * INTO v_terms FROM item_terms(v_item.id, v_document.party_id, v_contract.price_list_id, v_document.currency, books_today());
        IF coalesce((v_line.v ->> 'price')::numeric, v_terms.price) IS NULL THEN
            RAISE EXCEPTION 'line % has no price', v_line.no
                USING ERRCODE = 'invalid_parameter_value', DETAIL = v_line.v::text,
                    HINT = 'Give "price", or an "item" that a price list of the client knows.';
        END IF;
        v_net := CASE WHEN v_document.kind = 'bill' THEN round_money(coalesce((v_line.v ->> 'quantity')::numeric, 1) * (v_line.v ->> 'price')::numeric
                     * (100 - coalesce((v_line.v ->> 'discount_pct')::numeric, 0)) / 100, v_exponent) END;
        v_tax := coalesce((v_line.v ->> 'tax')::numeric, round_money(v_net * (v_line.v ->> 'tax_rate')::numeric / 100, v_exponent), 0);
        INSERT INTO document_line (document_id, kind, currency, position, item_id, article, contract_id, project_id, task_id, employee_id, title, unit, quantity,
                                   price, discount_pct, cost, starts_on, ends_on, tax_rate, amount, discount, net, tax, gross)
        VALUES (p_document, v_document.kind, v_document.currency, v_line.no, v_item.id, v_line.v ->> 'article', (v_line.v ->> 'contract')::bigint,
                coalesce((v_line.v ->> 'project')::bigint, v_document.project_id), coalesce((v_line.v ->> 'task')::bigint, v_document.task_id),
                (v_line.v ->> 'employee')::bigint, coalesce(v_line.v ->> 'title', v_item.name), coalesce(v_line.v ->> 'unit', v_item.unit),
                coalesce((v_line.v ->> 'quantity')::numeric, 1), coalesce((v_line.v ->> 'price')::numeric, v_terms.price),
                coalesce((v_line.v ->> 'discount_pct')::numeric, CASE WHEN v_line.v ? 'price' THEN NULL ELSE v_terms.discount_pct END),
                coalesce((v_line.v ->> 'cost')::numeric, v_terms.cost * coalesce((v_line.v ->> 'quantity')::numeric, 1)),
                given_date(v_line.v, 'starts_on'), given_date(v_line.v, 'ends_on'),
                coalesce((v_line.v ->> 'tax_rate')::numeric, CASE WHEN v_document.kind <> 'bill' THEN v_contract.tax_rate END),
                v_net, CASE WHEN v_net IS NOT NULL THEN 0 END, v_net, CASE WHEN v_net IS NOT NULL THEN v_tax END, v_net + v_tax);
    END LOOP;
END $$;
COMMENT ON FUNCTION add_lines(bigint, jsonb) IS
    'add lines to a draft: [{"title", "item" (code), "quantity", "unit", "price" (a unit), "discount_pct", "cost" (of the line), "tax_rate", "tax", "article", '
    '"contract", "project", "task", "employee", "starts_on", "ends_on"}]; an item brings name, unit, price, discount and cost from the price lists';

CREATE FUNCTION draft_document(content jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    c_known CONSTANT text[] := '{kind,incoming,party,contract,project,task,deal,based_on,title,currency,lines,requirements,note,issued_on,due_on,'
        'period_from,period_to,outside_number,file_url,discount_pct,discount_amount,source,external_id}';
    v_document document;
    v_party bigint;
    v_contract contract;
    v_id bigint;
BEGIN
    content := json_argument(content);
    PERFORM check_keys(content, 'content', c_known);
    content := resolve_names(content);
    IF coalesce(content ->> 'kind', '') NOT IN ('proposal', 'specification', 'proforma', 'act', 'bill', 'contract', 'annex', 'other')
        OR content ->> 'kind' = 'act' AND NOT coalesce((content ->> 'incoming')::boolean, false) THEN
        RAISE EXCEPTION 'a document of kind "%" is not made of contents', coalesce(content ->> 'kind', 'none')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Kinds: proposal, specification, proforma, bill, contract, annex, other, incoming act. Reports, invoices and own acts are made of work.';
    END IF;
    IF content ->> 'kind' = 'bill' AND coalesce(content ->> 'outside_number', '') = '' THEN
        RAISE EXCEPTION 'a bill has the number that its sender gave it'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it as "outside_number".';
    END IF;
    SELECT * INTO v_contract FROM contract c WHERE c.id = (content ->> 'contract')::bigint;
    v_party := coalesce((content ->> 'party')::bigint, v_contract.client_id,
        (SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = (content ->> 'task')::bigint),
        (SELECT p.client_id FROM project p WHERE p.id = (content ->> 'project')::bigint),
        (SELECT d.client_id FROM deal d WHERE d.id = (content ->> 'deal')::bigint));
    IF v_party IS NULL THEN
        RAISE EXCEPTION 'the document has no party'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Name "party", or a contract, project, task or deal of a client.';
    END IF;
    PERFORM lock_parties(ARRAY[v_party]);  -- so that the same content, sent twice at once, is one document
    IF content ? 'source' AND content ? 'external_id' THEN
        SELECT * INTO v_document FROM document d WHERE d.source = content ->> 'source' AND d.external_id = content ->> 'external_id';
    END IF;
    IF v_document.id IS NULL AND content ->> 'kind' = 'bill' THEN
        SELECT * INTO v_document FROM document d WHERE d.kind = 'bill' AND d.status <> 'void' AND d.party_id = (content ->> 'party')::bigint
           AND d.outside_number = content ->> 'outside_number';
    END IF;
    IF v_document.id IS NOT NULL THEN
        IF v_document.made_from IS DISTINCT FROM content THEN
            RAISE EXCEPTION '% was sent before with other content', document_name(v_document.id)
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'document_external_key',
                    HINT = 'Send the same content again, or void that document first.';
        END IF;
        RETURN v_document.id;
    END IF;
    INSERT INTO document (kind, incoming, own_id, party_id, contract_id, project_id, task_id, deal_id, based_on, title, made_from, positions, currency,
                          tax_inclusive, tax_level, discount_pct, discount_amount, issued_on, due_on, period_from, period_to, outside_number, file_url,
                          requirements, note, source, external_id)
    VALUES (content ->> 'kind', coalesce((content ->> 'incoming')::boolean, content ->> 'kind' = 'bill'),
            coalesce(v_contract.own_id, default_own()), v_party, v_contract.id,
            coalesce((content ->> 'project')::bigint, (SELECT t.project_id FROM task t WHERE t.id = (content ->> 'task')::bigint)),
            (content ->> 'task')::bigint, (content ->> 'deal')::bigint, (content ->> 'based_on')::bigint, content ->> 'title', content, 'none',
            coalesce(content ->> 'currency', v_contract.currency, (SELECT s.base_currency FROM setting s)),
            coalesce(v_contract.tax_inclusive, false), coalesce(v_contract.tax_level, 'line'), (content ->> 'discount_pct')::numeric,
            (content ->> 'discount_amount')::numeric, given_date(content, 'issued_on'), given_date(content, 'due_on'), given_date(content, 'period_from'),
            given_date(content, 'period_to'), content ->> 'outside_number', content ->> 'file_url', content ->> 'requirements', content ->> 'note',
            content ->> 'source', content ->> 'external_id')
    ON CONFLICT ON CONSTRAINT document_external_key DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN draft_document(content);  -- another party's document took the key meanwhile: that is refused
    END IF;
    PERFORM add_lines(v_id, content -> 'lines') WHERE content ? 'lines';
    RETURN v_id;
END $$;
COMMENT ON FUNCTION draft_document(jsonb) IS
    'draft a document of given contents: {"kind" (proposal, specification, proforma, bill, contract, annex, other, incoming act), "party" | "contract" | '
    '"project" | "task" | "deal" (names or ids; a contract by its number), "incoming", "based_on", "title", "currency", "lines" (as add_lines() takes them), "requirements", "note", '
    '"issued_on", "due_on", "outside_number", "file_url", "discount_pct" | "discount_amount", "source", "external_id"}. The same content again returns the '
    'same document, another one under the same (source, external_id) or number of a bill is refused (23505)';
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
        RAISE EXCEPTION 'there is no task %', issue_specification.task USING ERRCODE = 'foreign_key_violation', HINT = 'Table task lists the tasks.';
    END IF;
    v_document := draft_document(jsonb_build_object('kind', 'specification', 'task', issue_specification.task, 'lines', json_argument(lines))
                                 || CASE WHEN v_contract IS NULL THEN '{}' ELSE jsonb_build_object('contract', v_contract) END || json_argument(options));
    PERFORM transition(v_document, 'sent');
    RETURN v_document;
END $$;
COMMENT ON FUNCTION issue_specification(bigint, jsonb, jsonb) IS
    'send the client a specification of a task: works and materials with their prices (lines as add_lines() takes them; options as draft_document()); '
    'its client agrees or rejects it. Where the contract needs it, work on the task is charged only once it is agreed';
SELECT allow('clerk', 'execute', 'issue_specification');
