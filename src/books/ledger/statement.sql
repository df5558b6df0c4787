-- ---------------------------------------------------------------------------
-- statement: the tree of lines that a statement shows
-- ---------------------------------------------------------------------------

CREATE VIEW line_part WITH (security_invoker) AS
    WITH RECURSIVE part AS (
        SELECT s.code AS line, s.code AS part_of, s.parent FROM statement_line s
        UNION
        SELECT p.line, s.code, s.parent FROM part p JOIN statement_line s ON s.code = p.parent
    )
    SELECT p.line, p.part_of FROM part p;
COMMENT ON VIEW line_part IS 'each line of a statement with the lines whose part it is, itself among them';
SELECT allow('reader', 'select', 'line_part');

CREATE VIEW line_section WITH (security_invoker) AS
    SELECT p.line, p.part_of AS section FROM line_part p JOIN statement_line s ON s.code = p.part_of WHERE s.section;
COMMENT ON VIEW line_section IS 'the section that each line of a statement stands in';
SELECT allow('reader', 'select', 'line_section');

CREATE FUNCTION check_statement_lines() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_line text;
BEGIN
    SELECT p.line INTO v_line
      FROM line_part p JOIN statement_line s ON s.code = p.part_of
     GROUP BY p.line HAVING bool_and(s.parent IS NOT NULL) ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line "%" of the statement would be a part of itself', v_line
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_line_tree', HINT = 'Hang it below another line.';
    END IF;
    SELECT p.line INTO v_line FROM line_section p GROUP BY p.line HAVING count(*) > 1 ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line "%" of the statement would stand in two sections', v_line
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_line_one_section',
                HINT = 'A section holds lines that are no sections.';
    END IF;
    SELECT a.line INTO v_line FROM account a
     WHERE a.line IS NOT NULL AND NOT EXISTS (SELECT FROM line_section p WHERE p.line = a.line) ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line "%" has accounts and would stand in no section', v_line
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_line_in_section',
                HINT = 'Make it a section, or hang it below one.';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_statement_lines() IS
    'trigger function of statement_line and account: lines are a tree, and what has accounts stands in one section '
    '(23514)';
