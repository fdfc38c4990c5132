<?php
// What Laravel's schema builder sees, and what migrate:fresh and migrate:rollback do.

require 'Illuminate/Database/autoload.php';

use Illuminate\Database\Capsule\Manager as DB;
use Illuminate\Database\Schema\Blueprint;

$db = new DB;
$db->addConnection([
    'driver' => 'pgsql', 'host' => getenv('PGHOST'), 'port' => getenv('PGPORT'),
    'database' => getenv('PGDATABASE'), 'username' => getenv('PGUSER'), 'timezone' => 'UTC',
    'schema' => 'public', 'search_path' => 'public',    // as Laravel 8 and 10 call it
]);
$db->setAsGlobal();
$schema = DB::schema();

function see(string $name): void
{
    global $schema;
    $seen = [];

    // Laravel 10 has other names for some of them
    foreach (['getAllTables', 'getAllViews', 'getAllTypes', 'getTables', 'getViews', 'getTypes'] as $method) {
        if (is_callable([$schema, $method]) && method_exists($schema, $method)) {
            $seen[$method] = array_map(function ($row) {
                $row = (array) $row;
                unset($row['size']);
                ksort($row);
                return $row;
            }, $schema->$method());
            sort($seen[$method]);
        }
    }
    foreach (['users', 'orders', 'auto_rule', 'audit_event', 'users_live'] as $table) {
        $seen[$table] = [$schema->hasTable($table), $schema->getColumnListing($table)];
    }
    file_put_contents(getenv('OUT') . "/$name", json_encode($seen, JSON_PRETTY_PRINT) . "\n");
}

function create(): void
{
    global $schema;

    $schema->create('users', function (Blueprint $table) {
        $table->id();
        $table->text('email')->unique();
        $table->timestamps();
        $table->softDeletes();
    });
    $schema->create('orders', function (Blueprint $table) {
        $table->id();
        $table->foreignId('user_id')->constrained()->cascadeOnDelete();
        $table->timestampsTz();
        $table->softDeletesTz();
    });
}

create();
see('created');
$schema->table('users', function (Blueprint $table) {
    $table->integer('age')->nullable()->index();
});
see('altered');
$schema->dropIfExists('orders');
see('dropped');
// as migrate:fresh does
$schema->dropAllViews();
$schema->dropAllTables();
see('wiped');
create();
see('again');
