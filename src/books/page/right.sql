-- ---------------------------------------------------------------------------
-- page: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'page_label'), allow('admin', 'insert,update,delete', 'page_label');
SELECT allow('reader', 'select', 'brand'), allow('admin', 'insert,update,delete', 'brand');
SELECT watch('brand', 'digest:logo');
SELECT allow('reader', 'select', 'brand_logo');
SELECT allow('reader', 'select', 'issued_page');
SELECT allow('reader', 'select', 'template'), allow('admin', 'insert,update,delete', 'template');

-- those that come with the books are nobody's edit
SELECT watch('template', 'digest:body');
SELECT watch('page_label');
