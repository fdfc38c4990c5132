// It compares the schema "public" with schema.js; the views are elsewhere.
module.exports = {
  dialect: 'postgresql',
  schema: './schema.js',
  out: './migrations',
  dbCredentials: { url: process.env.DATABASE_URL },
};
