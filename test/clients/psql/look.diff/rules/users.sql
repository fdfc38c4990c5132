+-- Name: users zz_schemakit_audit; Type: TRIGGER; Schema: public; Owner: shop
+--
+
+CREATE TRIGGER zz_schemakit_audit AFTER INSERT OR DELETE OR UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION schemakit.audit('{}');
+ALTER TRIGGER zz_schemakit_audit ON public.users DEPENDS ON EXTENSION schemakit;
+
+
+--
+-- Name: users zz_schemakit_audit_truncate; Type: TRIGGER; Schema: public; Owner: shop
+--
+
+CREATE TRIGGER zz_schemakit_audit_truncate BEFORE TRUNCATE ON public.users FOR EACH STATEMENT EXECUTE FUNCTION schemakit.audit_truncate();
+ALTER TRIGGER zz_schemakit_audit_truncate ON public.users DEPENDS ON EXTENSION schemakit;
+
+
+--
+-- Name: users zz_schemakit_soft_delete; Type: TRIGGER; Schema: public; Owner: shop
+--
+
+CREATE TRIGGER zz_schemakit_soft_delete AFTER UPDATE ON public.users FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION schemakit.soft_delete('deleted_at', 'live', 'users');
+ALTER TRIGGER zz_schemakit_soft_delete ON public.users DEPENDS ON EXTENSION schemakit;
+
+
+--
+-- Name: users zz_schemakit_soft_delete_reference; Type: TRIGGER; Schema: public; Owner: shop
+--
+
+CREATE TRIGGER zz_schemakit_soft_delete_reference AFTER INSERT OR UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION schemakit.soft_delete_reference();
+ALTER TRIGGER zz_schemakit_soft_delete_reference ON public.users DEPENDS ON EXTENSION schemakit;
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
