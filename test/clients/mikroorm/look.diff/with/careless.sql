+set names 'utf8';
+
+drop trigger if exists "zz_schemakit_touch" on "users";
+drop function if exists "users_zz_schemakit_touch_fn"();
+
+drop trigger if exists "zz_schemakit_touch" on "orders";
+drop function if exists "orders_zz_schemakit_touch_fn"();
