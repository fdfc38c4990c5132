// What sequelize-cli connects to; it does not look at DATABASE_URL.
module.exports = {
  dialect: 'postgres',
  host: process.env.PGHOST,
  port: process.env.PGPORT,
  username: process.env.PGUSER,
  database: process.env.PGDATABASE,
};
