-- ---------------------------------------------------------------------------
-- document: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('clerk', 'select', 'number_series'), allow('admin', 'insert,update', 'number_series', but => '{next_no}'),
       allow('admin', 'delete', 'number_series');
SELECT watch('number_series', 'ignore:next_no');
SELECT allow('reader', 'select', 'document_kind'), allow('reader', 'select', 'document_state');
SELECT allow('reader', 'select', 'document'),
       allow('clerk', 'update', 'document',
             columns => '{title,note,issued_on,due_on,outside_number,file_url,requirements}'),
       allow('manager', 'update', 'document', columns => '{discount_pct,discount_amount}');
SELECT watch('document', 'digest:signature', 'ignore:kept');  -- it is kept where it is, and never changes
SELECT allow('reader', 'select', 'document_line');

-- lines of work follow their charges; the others are what somebody wrote
SELECT watch('document_line', 'unless:charge_id');
SELECT allow('reader', 'select', 'document_status_change'), allow('reader', 'select', 'due_extension');
