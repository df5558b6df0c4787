-- ---------------------------------------------------------------------------
-- charge: who may use the tables of this room, and which of them keep a history
-- ---------------------------------------------------------------------------

SELECT allow('reader', 'select', 'terms'), allow('reader', 'select', 'terms_source'),
    allow('reader', 'select', 'list_snapshot');
SELECT allow('reader', 'select', 'charge', but => '{cost,base_cost,cost_rate,base_cost_rate}'),
    allow('controller', 'select', 'charge');
SELECT allow('reader', 'select', 'rating_problem');
