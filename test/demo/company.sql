-- The company's master data and its history.
\echo company
