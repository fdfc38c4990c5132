SELECT schemakit.audit_enable('users');
SELECT schemakit.audit_enable('orders');

CREATE SCHEMA IF NOT EXISTS live;
SELECT schemakit.soft_delete_enable('users', view_name => 'live.users');
SELECT schemakit.soft_delete_enable('orders', view_name => 'live.orders');
CREATE VIEW live.invoices AS SELECT * FROM invoices;
