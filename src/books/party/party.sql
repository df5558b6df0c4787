-- ---------------------------------------------------------------------------
-- party: what parties and projects keep to
-- ---------------------------------------------------------------------------

-- What is printed on every invoice, our own bank account above all, is not for
-- everybody who keeps clients.
CREATE FUNCTION check_party() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND NEW.kind = 'own' OR TG_OP <> 'INSERT' AND OLD.kind = 'own' THEN
        PERFORM require_level('admin', 'keep the own company');
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
COMMENT ON FUNCTION check_party() IS 'trigger function of party: the own company is kept by admins (42501)';

CREATE FUNCTION keep_client() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY[OLD.client_id, NEW.client_id]);
    IF EXISTS (SELECT FROM task t JOIN charge h ON h.task_id = t.id WHERE t.project_id = OLD.id)
        OR EXISTS (SELECT FROM contract c WHERE c.project_id = OLD.id)
        OR EXISTS (SELECT FROM deal d WHERE d.project_id = OLD.id)
        OR EXISTS (SELECT FROM task t WHERE t.project_id = OLD.id AND num_nonnulls(t.deal_id, t.contract_id) > 0) THEN
        RAISE EXCEPTION 'project "%" has charges, a deal or a contract: its client stays', OLD.name
            USING ERRCODE = 'restrict_violation', HINT = 'Make a project of the other client and move the tasks there.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_client() IS
    'trigger function of project: its client is fixed once there are charges or a contract (23001); SECURITY DEFINER '
    'because nobody is granted the locks';
