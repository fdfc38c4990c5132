import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/**
 * Writes each answer of DatabaseMetaData into a file: as tools ask for one schema, and for all but
 * "schemakit", which the manual advises to exclude.
 */
public class Look {
  interface Answer {
    ResultSet get() throws SQLException;
  }

  static Path out;

  /** A line for each row, in the order of its text. Specific names have OIDs in them. */
  static void write(String name, Answer answer) throws Exception {
    List<String> lines = new ArrayList<>();

    try (ResultSet rows = answer.get()) {
      ResultSetMetaData columns = rows.getMetaData();

      while (rows.next()) {
        List<String> fields = new ArrayList<>();

        for (int i = 1; i <= columns.getColumnCount(); i++)
          if (!columns.getColumnName(i).equalsIgnoreCase("specific_name"))
            fields.add(rows.getString(i));
        String line = String.join("|", fields.stream().map(String::valueOf).toList()).replace("\n", "\\n");
        if (!line.matches(".*\\|(pg_catalog|pg_toast|information_schema|schemakit)\\|.*"))
          lines.add(line);
      }
    }
    lines.sort(null);
    Files.write(out.resolve(name), lines);
  }

  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();

    out = Path.of(args[0]);
    settings.setProperty("user", System.getenv("PGUSER"));
    settings.setProperty("socketFactory", "UnixSocketFactory");
    settings.setProperty("socketFactoryArg", System.getenv("PGHOST") + "/.s.PGSQL." + System.getenv("PGPORT"));
    settings.setProperty("sslmode", "disable");
    settings.setProperty("gssEncMode", "disable");
    try (Connection connection = DriverManager.getConnection("jdbc:postgresql://localhost/" + System.getenv("PGDATABASE"), settings)) {
      DatabaseMetaData data = connection.getMetaData();

      for (String schema : new String[] {"public", null}) {
        String name = schema == null ? "all." : "public.";

        write(name + "tables", () -> data.getTables(null, schema, "%", null));
        write(name + "kinds", () -> data.getTables(null, schema, "%", new String[] {"TABLE", "VIEW", "SEQUENCE", "PARTITIONED TABLE"}));
        write(name + "columns", () -> data.getColumns(null, schema, "%", "%"));
        write(name + "functions", () -> data.getFunctions(null, schema, "%"));
        write(name + "functionColumns", () -> data.getFunctionColumns(null, schema, "%", "%"));
        write(name + "procedures", () -> data.getProcedures(null, schema, "%"));
        write(name + "procedureColumns", () -> data.getProcedureColumns(null, schema, "%", "%"));
        write(name + "types", () -> data.getUDTs(null, schema, "%", null));
        write(name + "tablePrivileges", () -> data.getTablePrivileges(null, schema, "%"));
      }
      write("schemas", () -> data.getSchemas());
      write("catalogs", () -> data.getCatalogs());
      for (String table : new String[] {"users", "orders"}) {
        write(table + ".indexes", () -> data.getIndexInfo(null, "public", table, false, true));
        write(table + ".primaryKeys", () -> data.getPrimaryKeys(null, "public", table));
        write(table + ".importedKeys", () -> data.getImportedKeys(null, "public", table));
        write(table + ".exportedKeys", () -> data.getExportedKeys(null, "public", table));
        write(table + ".columnPrivileges", () -> data.getColumnPrivileges(null, "public", table, "%"));
        write(table + ".versionColumns", () -> data.getVersionColumns(null, "public", table));
      }
    }
  }
}
