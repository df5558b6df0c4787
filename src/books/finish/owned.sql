-- ---------------------------------------------------------------------------
-- owned: tables that the functions of the books alone write, and those that only grow
-- ---------------------------------------------------------------------------

-- What the functions of the books alone write.
DO $$
DECLARE
    v_table record;
BEGIN
    FOR v_table IN
        SELECT * FROM (VALUES
            ('account_role', 'What the books post to is part of the books.'),
            ('billing_period', 'close_period() closes a period, reopen_period() opens the last closed one.'),
            ('concession_month', 'It is the sum of what concession holds.'),
            ('dispute', 'dispute() opens a dispute, settle_dispute() ends it.'),
            ('document_kind', 'What kinds of documents there are is part of the books.'),
            ('document_state', 'What statuses mean is part of the books.'),
            ('rating_problem', 'It says what rating found; mend what it names and the row goes by itself.'),
            ('recheck', 'It holds what make_corrections() is to look at.'),
            ('reminder', 'remind() and remind_all() write reminders.'),
            ('share_link', 'share() and share_client() make links, revoke_share() and revoke_client_share() end '
             'them.')
        ) AS t (name, hint)
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OR DELETE ON %I '
                       'FOR EACH ROW EXECUTE FUNCTION own_table(%L)',
                       v_table.name || '_owned', v_table.name, v_table.hint);
    END LOOP;
END $$;

-- What they add to, and nobody changes.
DO $$
DECLARE
    v_log record;
BEGIN
    FOR v_log IN
        SELECT * FROM (VALUES
            ('brand_logo', 'Documents are issued under it; change the logo of the brand.',
             'Documents are issued under it; change the logo of the brand.'),
            ('concession', 'What was given away is what it is; write it up again with adjust_charge().',
             'adjust_charge(), credit() and correct_entry() keep what they give away.'),
            ('document_status_change', 'The history of a document stays; its next step is transition().',
             'The next step of a document is transition().'),
            ('due_extension', 'What was put off is what it is; put it off again with extend_due().',
             'extend_due() puts a due date off.'),
            ('entry', 'Post a reversal: reverse_event(event_id, key).', 'post() posts entries.'),
            ('event', 'Post a reversal: reverse_event(event_id, key).', 'post() posts an event.'),
            ('issued_page', 'What was issued is what it is; take it back with void() or credit() and issue another.',
             'A step that issues a document keeps its page.'),
            ('history', 'History is what it is; add a row if something has to be explained.',
             'It follows what is done to the tables that watch() was called for.')
        ) AS t (name, stays, adds)
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(%L)',
                       v_log.name || '_append_only', v_log.name, v_log.stays);
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION own_table(%L)',
                       v_log.name || '_owned', v_log.name, v_log.adds);
    END LOOP;
END $$;
