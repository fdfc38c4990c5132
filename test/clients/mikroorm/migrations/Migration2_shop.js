const { Migration } = require('@mikro-orm/migrations');

// As migration:create writes it
exports.Migration2 = class Migration2 extends Migration {
  up() {
    this.addSql('create table "users" ("id" serial primary key, "email" text not null, "name" text null, "updated_at" timestamptz not null default now(), "deleted_at" timestamptz null);');
    this.addSql('alter table "users" add constraint "users_email_unique" unique ("email");');
    this.addSql('create table "orders" ("id" serial primary key, "user_id" int null, "updated_at" timestamptz not null default now(), "deleted_at" timestamptz null);');
    this.addSql('create table "invoices" ("id" serial primary key, "order_id" int null);');
    this.addSql('alter table "orders" add constraint "orders_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;');
    this.addSql('alter table "invoices" add constraint "invoices_order_id_foreign" foreign key ("order_id") references "orders" ("id") on delete restrict;');
  }

  down() {
    for (const table of ['invoices', 'orders', 'users']) {
      this.addSql(`drop table "${table}" cascade;`);
    }
  }
};
