+set names 'utf8';
+
+drop view if exists "live"."orders" cascade;
+drop view if exists "live"."users" cascade;
+drop trigger if exists "zz_schemakit_audit" on "users";
+drop function if exists "users_zz_schemakit_audit_fn"();
+drop trigger if exists "zz_schemakit_soft_delete" on "users";
+drop function if exists "users_zz_schemakit_soft_delete_fn"();
+drop trigger if exists "zz_schemakit_soft_delete_reference" on "users";
+drop function if exists "users_zz_schemakit_soft_delete_reference_fn"();
+drop trigger if exists "zz_schemakit_touch" on "users";
+drop function if exists "users_zz_schemakit_touch_fn"();
+
+drop trigger if exists "zz_schemakit_audit" on "orders";
+drop function if exists "orders_zz_schemakit_audit_fn"();
+drop trigger if exists "zz_schemakit_soft_delete" on "orders";
+drop function if exists "orders_zz_schemakit_soft_delete_fn"();
+drop trigger if exists "zz_schemakit_soft_delete_reference" on "orders";
+drop function if exists "orders_zz_schemakit_soft_delete_reference_fn"();
+drop trigger if exists "zz_schemakit_touch" on "orders";
+drop function if exists "orders_zz_schemakit_touch_fn"();
+
+drop trigger if exists "zz_schemakit_audit" on "invoices";
+drop function if exists "invoices_zz_schemakit_audit_fn"();
+
+drop schema if exists "live";
