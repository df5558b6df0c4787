-- ---------------------------------------------------------------------------
-- requisite: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', t), allow('admin', 'insert,update,delete', t)
  FROM unnest('{country_code,requisite,paper_rule,country_tax,country_tax_rate,state_paper_rule}'::text[]) t;
SELECT watch(t)
  FROM unnest('{country_code,requisite,paper_rule,country_tax,country_tax_rate,state_paper_rule}'::text[]) t;
