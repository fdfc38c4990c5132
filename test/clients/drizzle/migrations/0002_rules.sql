SELECT schemakit.audit_enable('users');
--> statement-breakpoint
SELECT schemakit.audit_enable('orders');
--> statement-breakpoint
CREATE SCHEMA live;
--> statement-breakpoint
SELECT schemakit.soft_delete_enable('users', view_name => 'live.users');
--> statement-breakpoint
SELECT schemakit.soft_delete_enable('orders', view_name => 'live.orders');
