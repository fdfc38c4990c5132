<?php

use Illuminate\Database\Capsule\Manager as DB;
use Illuminate\Database\Schema\Blueprint;

DB::statement('CREATE EXTENSION IF NOT EXISTS schemakit');

DB::schema()->create('users', function (Blueprint $table) {
    $table->id();
    $table->text('email')->unique();
    $table->text('name')->nullable();
    $table->timestamps();
    $table->softDeletes();
});
DB::schema()->create('orders', function (Blueprint $table) {
    $table->id();
    $table->foreignId('user_id')->constrained()->cascadeOnDelete();
    $table->timestamps();
    $table->softDeletes();
});

foreach (['users', 'orders'] as $table) {
    DB::select('SELECT schemakit.audit_enable(?)', [$table]);
    DB::select('SELECT schemakit.soft_delete_enable(?, protect => true)', [$table]);
}
