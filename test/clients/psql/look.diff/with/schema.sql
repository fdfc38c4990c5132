+-- Name: orders zz_schemakit_touch; Type: TRIGGER; Schema: public; Owner: shop
+--
+
+CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
+ALTER TRIGGER zz_schemakit_touch ON public.orders DEPENDS ON EXTENSION schemakit;
+
+
+--
+-- Name: users zz_schemakit_touch; Type: TRIGGER; Schema: public; Owner: shop
+--
+
+CREATE TRIGGER zz_schemakit_touch BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
+ALTER TRIGGER zz_schemakit_touch ON public.users DEPENDS ON EXTENSION schemakit;
+
+
+--
