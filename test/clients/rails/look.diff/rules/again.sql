+CREATE SCHEMA live;
+CREATE EXTENSION IF NOT EXISTS schemakit WITH SCHEMA pg_catalog;
+CREATE VIEW live.orders WITH (security_invoker='true') AS
+ SELECT orders.id,
+    orders.user_id,
+    orders.deleted_at,
+    orders.created_at,
+    orders.updated_at
+   FROM public.orders
+  WHERE schemakit.is_live(orders.deleted_at);
+CREATE TABLE public.users (
+    id bigint NOT NULL,
+    email text NOT NULL,
+    deleted_at timestamp without time zone,
+    created_at timestamp(6) without time zone NOT NULL,
+    updated_at timestamp(6) without time zone NOT NULL
+);
+CREATE VIEW live.users WITH (security_invoker='true') AS
+ SELECT users.id,
+    users.email,
+    users.deleted_at,
+    users.created_at,
+    users.updated_at
+   FROM public.users
+  WHERE schemakit.is_live(users.deleted_at);
-CREATE TABLE public.users (
-    id bigint NOT NULL,
-    email text NOT NULL,
-    deleted_at timestamp without time zone,
-    created_at timestamp(6) without time zone NOT NULL,
-    updated_at timestamp(6) without time zone NOT NULL
-);
+CREATE TRIGGER zz_schemakit_soft_delete_row INSTEAD OF DELETE ON live.orders FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete_row();
+ALTER TRIGGER zz_schemakit_soft_delete_row ON live.orders DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_soft_delete_row INSTEAD OF DELETE ON live.users FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete_row();
+ALTER TRIGGER zz_schemakit_soft_delete_row ON live.users DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_audit AFTER INSERT OR DELETE OR UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION schemakit.audit('{}');
+ALTER TRIGGER zz_schemakit_audit ON public.orders DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_audit AFTER INSERT OR DELETE OR UPDATE ON public.orders_users FOR EACH ROW EXECUTE FUNCTION schemakit.audit('{}');
+ALTER TRIGGER zz_schemakit_audit ON public.orders_users DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_audit AFTER INSERT OR DELETE OR UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION schemakit.audit('{}');
+ALTER TRIGGER zz_schemakit_audit ON public.users DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_audit_truncate BEFORE TRUNCATE ON public.orders FOR EACH STATEMENT EXECUTE FUNCTION schemakit.audit_truncate();
+ALTER TRIGGER zz_schemakit_audit_truncate ON public.orders DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_audit_truncate BEFORE TRUNCATE ON public.orders_users FOR EACH STATEMENT EXECUTE FUNCTION schemakit.audit_truncate();
+ALTER TRIGGER zz_schemakit_audit_truncate ON public.orders_users DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_audit_truncate BEFORE TRUNCATE ON public.users FOR EACH STATEMENT EXECUTE FUNCTION schemakit.audit_truncate();
+ALTER TRIGGER zz_schemakit_audit_truncate ON public.users DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_soft_delete AFTER UPDATE ON public.orders FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION schemakit.soft_delete('deleted_at', 'live', 'orders');
+ALTER TRIGGER zz_schemakit_soft_delete ON public.orders DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_soft_delete AFTER UPDATE ON public.users FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION schemakit.soft_delete('deleted_at', 'live', 'users');
+ALTER TRIGGER zz_schemakit_soft_delete ON public.users DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_soft_delete_reference AFTER INSERT OR UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete_reference();
+ALTER TRIGGER zz_schemakit_soft_delete_reference ON public.orders DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_soft_delete_reference AFTER INSERT OR UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete_reference();
+ALTER TRIGGER zz_schemakit_soft_delete_reference ON public.users DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
+ALTER TRIGGER zz_schemakit_touch ON public.orders DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
+ALTER TRIGGER zz_schemakit_touch ON public.users DEPENDS ON EXTENSION schemakit;
