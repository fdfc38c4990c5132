+    hasTrigger: true,
