+export interface LiveOrders {
+  deletedAt: Timestamp | null;
+  id: number | null;
+  tags: string[] | null;
+  total: Numeric | null;
+  updatedAt: Timestamp | null;
+  user_id: number | null;
+}
+
+export interface LiveUsers {
+  created_at: Timestamp | null;
+  deleted_at: Timestamp | null;
+  email: string | null;
+  id: number | null;
+  mood: Mood | null;
+  name: string | null;
+  updated_at: Timestamp | null;
+}
+
+  "live.orders": LiveOrders;
+  "live.users": LiveUsers;
