-- ---------------------------------------------------------------------------
-- share: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('clerk', 'select', 'share_link', but => '{token_digest}');
SELECT watch('share_link', 'digest:token_digest', 'ignore:views', 'ignore:last_view_at');
