<?php
// Laravel's Eloquent with schemakit: who acts, and deletes that can be undone.

require 'Illuminate/Database/autoload.php';

use Illuminate\Container\Container;
use Illuminate\Database\Capsule\Manager as DB;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\SoftDeletes;

$db = new DB;
$db->addConnection([
    'driver' => 'pgsql',
    'host' => getenv('PGHOST'),
    'port' => getenv('PGPORT'),
    'database' => getenv('PGDATABASE'),
    'username' => getenv('PGUSER'),
    'timezone' => 'UTC',
]);
$db->setAsGlobal();
$db->bootEloquent();

// Does the work in a transaction in which the actor acts.
function act_as(string $actor, callable $work)
{
    return DB::connection()->transaction(function () use ($actor, $work) {
        DB::select('SELECT schemakit.audit_set_actor(?)', [$actor]);
        return $work();
    });
}

// Laravel itself writes deleted_at, since the models use SoftDeletes.
class User extends Model
{
    use SoftDeletes;
    protected $guarded = [];

    public function orders()
    {
        return $this->hasMany(Order::class);
    }
}

class Order extends Model
{
    use SoftDeletes;
    protected $guarded = [];
}

// Does the work without a change of updated_at, neither by Laravel nor by the
// trigger.
function without_touching(callable $work)
{
    return DB::connection()->transaction(function () use ($work) {
        DB::statement('SET LOCAL schemakit.timestamps_touch = off');
        return $work();
    });
}
