-- ---------------------------------------------------------------------------
-- kept: who and what a paper names, as it was when it was issued
--
-- A draft shows the parties, the project and the tasks as they are.  The step that
-- issues it keeps them with it (document.kept): paper_of() gives what a paper says,
-- kept or live, and pages, sheets and JSON ask nobody else.
-- ---------------------------------------------------------------------------

CREATE FUNCTION party_words(p_party bigint) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('id', p.id, 'name', p.name, 'legal_name', p.legal_name, 'tax_id', p.tax_id, 'email',
                              p.email, 'requisites', p.requisites, 'country', p.country,
                              'entrepreneur', p.entrepreneur, 'private', p.kind = 'individual')
      FROM party p WHERE p.id = p_party;
END;
COMMENT ON FUNCTION party_words(bigint) IS 'what a paper may say of a party, as it is now; NULL for none';

CREATE FUNCTION paper_party(p_document document, p_side text) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN p_document.kept IS NOT NULL THEN nullif(p_document.kept -> p_side, 'null')
                WHEN p_side = 'own' THEN party_words(coalesce(p_document.own_id, default_own()))
                ELSE party_words(p_document.party_id) END;
END;
COMMENT ON FUNCTION paper_party(document, text) IS
    'what the paper of a document says of a side, own or party: {"id", "name", "legal_name", "tax_id", "email", '
    '"requisites", "country", "entrepreneur", "private"}, as it was kept, of a draft as it is now; NULL '
    'where it has none';

-- Work of several contracts has several grounds.
CREATE FUNCTION paper_contracts(p_document document) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_contracts bigint[] := ARRAY[p_document.contract_id];
BEGIN
    IF p_document.contract_id IS NULL THEN
        v_contracts := ARRAY(SELECT DISTINCT coalesce(c.parent_id, c.id)
                               FROM document_line l
                               JOIN charge h ON h.id = l.charge_id
                               JOIN contract c ON c.id = h.contract_id
                              WHERE l.document_id = p_document.id);
    END IF;
    RETURN (SELECT jsonb_agg(jsonb_build_object('number', c.number, 'signed_on', iso(c.signed_on))
                             ORDER BY c.signed_on, c.number)
              FROM contract c WHERE c.id = ANY (v_contracts));
END $$;
COMMENT ON FUNCTION paper_contracts(document) IS
    'the contracts that a paper is about, its own or those of its work: [{"number", "signed_on"}]; NULL for none';

CREATE FUNCTION live_paper(p_document document) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'own', o.own, 'party', paper_party(p_document, 'party'),
        'brand', (SELECT to_jsonb(b) - 'own_id' FROM brand b WHERE b.own_id = (o.own ->> 'id')::bigint),
        'contract', (SELECT c.number FROM contract c WHERE c.id = p_document.contract_id),
        'contracts', paper_contracts(p_document),
        'project', (SELECT p.name FROM project p WHERE p.id = p_document.project_id),
        'task', (SELECT jsonb_build_object('number', t.number, 'title', t.title) FROM task t
                  WHERE t.id = p_document.task_id),
        'basis', (SELECT jsonb_build_object('kind', b.kind, 'number', coalesce(b.number, b.outside_number),
                                            'issued_on', iso(b.issued_on))
                    FROM document b WHERE b.id = p_document.based_on),
        'note', p_document.note, 'summary', report_summary(p_document))
      FROM (SELECT paper_party(p_document, 'own') AS own) o;
END;
COMMENT ON FUNCTION live_paper(document) IS
    'what a paper says beside its figures, as it is now: own, party (as paper_party() has them), brand (a row of it), '
    'contract (its number), contracts (as paper_contracts() has them), project (its name), task ({"number", "title"}), '
    'basis ({"kind", "number", "issued_on"} of what it was made of), note, summary (report_summary(), of a report)';

CREATE FUNCTION paper_of(p_document document) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_logo text := p_document.kept #>> '{brand,logo}';
BEGIN
    RETURN CASE WHEN p_document.kept IS NULL THEN live_paper(p_document)
                WHEN v_logo IS NULL THEN p_document.kept - 'rows'
                ELSE jsonb_set(p_document.kept - 'rows', '{brand,logo}', (
                    SELECT to_jsonb(l.logo) FROM brand_logo l WHERE l.digest = decode(v_logo, 'hex'))) END;
END $$;
COMMENT ON FUNCTION paper_of(document) IS
    'what the paper of a document says beside its figures, as live_paper() has it: as it was kept at issue, of a draft '
    'as it is now';

-- Made from lines and their places, since a draft has its places from document_figures().
CREATE FUNCTION position_words(p_lines bigint[], p_positions integer[])
    RETURNS TABLE ("position" integer, project text, url text, first_day date, last_day date, coverage text,
                   timed boolean, charges bigint, task_id bigint, task_number text, task_project text, task_url text)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH line AS (
        SELECT x.position, d.positions, h.id AS charge_id, h.source, h.coverage,
               coalesce(h.service_date, CASE WHEN l.claim THEN l.starts_on END) AS service_date, p.name AS project,
               t.id AS task_id, t.number, t.url, o.name AS task_project
          FROM unnest(p_lines, p_positions) x (line_id, position)
          JOIN document_line l ON l.id = x.line_id
          JOIN document d ON d.id = l.document_id
          LEFT JOIN document_line r ON r.id = l.reverses_line_id
          LEFT JOIN charge h ON h.id = coalesce(r.charge_id, l.charge_id)
          LEFT JOIN task t ON t.id = coalesce(h.task_id, nullif(l.task_id, d.task_id))
          LEFT JOIN project o ON o.id = t.project_id
          LEFT JOIN project p ON p.id = CASE d.positions WHEN 'task' THEN coalesce(h.project_id, l.project_id) END
    )
    SELECT l.position, min(l.project),
           CASE WHEN count(DISTINCT l.task_id) = 1 AND count(l.task_id) = count(*)
                     AND min(l.positions) IN ('task', 'none') AND min(l.url) ~* '^https?://[^[:space:]]+$'
                THEN min(l.url) END,
           min(l.service_date), max(l.service_date),
           CASE WHEN count(DISTINCT l.coverage) = 1 AND min(l.coverage) <> 'billable' THEN min(l.coverage) END,
           min(l.source) IS NOT DISTINCT FROM 'time', count(l.charge_id), one.id,
           CASE WHEN one.id IS NOT NULL THEN min(l.number) END,
           CASE WHEN one.id IS NOT NULL THEN min(l.task_project) END,
           CASE WHEN one.id IS NOT NULL THEN min(l.url) END
      FROM line l
      JOIN (SELECT n.position, CASE WHEN count(DISTINCT n.task_id) = 1 THEN min(n.task_id) END AS id
              FROM line n GROUP BY 1) one ON one.position = l.position
     GROUP BY l.position, one.id;
END $$;
COMMENT ON FUNCTION position_words(bigint[], integer[]) IS
    'what the positions of a paper say beside their figures, as it is now, from its lines and their places: project, '
    'link for the page (only http and https), days of the work, coverage where it is not billable, whether it is time, '
    'how many charges there are, and the task where it is one';

CREATE FUNCTION keep_paper(p_document document) RETURNS jsonb
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_paper jsonb := live_paper(p_document);
    v_logo text := v_paper #>> '{brand,logo}';
    v_digest bytea := sha256(convert_to(v_logo, 'UTF8'));
BEGIN
    IF v_logo IS NOT NULL THEN
        INSERT INTO brand_logo (digest, logo) VALUES (v_digest, v_logo)
        ON CONFLICT ON CONSTRAINT brand_logo_pkey DO NOTHING;
        v_paper := jsonb_set(v_paper, '{brand,logo}', to_jsonb(encode(v_digest, 'hex')));
    END IF;
    RETURN v_paper || jsonb_build_object('rows', (
        SELECT coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(w)) ORDER BY w.position), '[]')
          FROM (SELECT array_agg(l.id ORDER BY l.id) AS lines, array_agg(l.position ORDER BY l.id) AS positions
                  FROM document_line l WHERE l.document_id = p_document.id) a
         CROSS JOIN LATERAL position_words(a.lines, a.positions) w));
END $$;
COMMENT ON FUNCTION keep_paper(document) IS
    'what a document that is issued now is to keep: its paper, with the digest of the logo, which goes to brand_logo, '
    'and the words of its positions, which its lines have by now (rows)';

-- What an earlier version issued keeps what it shows on the day of the upgrade.
UPDATE document d SET kept = keep_paper(d) WHERE d.issued_at IS NOT NULL AND d.kept IS NULL;
ALTER TABLE document VALIDATE CONSTRAINT document_issued_keeps;
