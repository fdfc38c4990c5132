const { JSMigrationGenerator } = require('@mikro-orm/migrations');

// "down" would create the triggers that "up" ignores, and without a body.
module.exports = class Generator extends JSMigrationGenerator {
  generateMigrationFile(className, { up, down }) {
    return super.generateMigrationFile(className, {
      up,
      down: down.filter((sql) => sql && !/zz_schemakit/.test(sql)),
    });
  }
};
