+  enable_extension "schemakit"
