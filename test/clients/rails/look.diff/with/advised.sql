+CREATE EXTENSION IF NOT EXISTS schemakit WITH SCHEMA pg_catalog;
+CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
+ALTER TRIGGER zz_schemakit_touch ON public.orders DEPENDS ON EXTENSION schemakit;
+CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
+ALTER TRIGGER zz_schemakit_touch ON public.users DEPENDS ON EXTENSION schemakit;
