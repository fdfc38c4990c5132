# The statements of two public benchmarks of joins, and data for them: skewed, with the
# keys that they join by and the constants that they ask for.  Nothing of theirs is kept
# here: texts and tables are fetched when they are needed.
#
#	my $workload = Workload->fetch('job');		# the Join Order Benchmark, or 'ds', like TPC-DS
#	$workload->load($session);
package Workload;
use strict;
use warnings;

my %source = (
	job => { from => 'https://github.com/gregrahn/join-order-benchmark', queries => '[0-9]*.sql', schema => 'schema.sql', set => 'SCHEMAKIT_JOB' },
	ds => { from => 'https://github.com/neondatabase-labs/pg_tpcds', queries => 'src/tpcds/queries/*.sql', schema => 'src/tpcds/schema/*.sql', set => 'SCHEMAKIT_TPCDS' });

# Rows of each table, for data of two or three hundred megabytes.
my %rows = (
	job => {
		aka_name => 25_000, aka_title => 10_000, cast_info => 1_000_000, char_name => 87_000, comp_cast_type => 4, company_name => 6_500, company_type => 4,
		complete_cast => 3_800, info_type => 113, keyword => 3_700, kind_type => 7, link_type => 18, movie_companies => 72_000, movie_info => 410_000,
		movie_info_idx => 38_000, movie_keyword => 125_000, movie_link => 830, name => 115_000, person_info => 82_000, role_type => 12, title => 70_000 },
	ds => {
		call_center => 6, catalog_page => 11_700, catalog_returns => 36_000, catalog_sales => 360_000, customer => 50_000, customer_address => 25_000,
		customer_demographics => 200_000, date_dim => 73_049, household_demographics => 7_200, income_band => 20, inventory => 1_000_000, item => 9_000,
		promotion => 150, reason => 35, ship_mode => 20, store => 12, store_returns => 72_000, store_sales => 720_000, time_dim => 86_400, warehouse => 5,
		web_page => 60, web_returns => 18_000, web_sales => 180_000, web_site => 30 });

# What a column refers to, by the end of its name, and how that is numbered
my %refers = (
	job => [ [ 'movie_id|episode_of_id', 'title' ], [ 'person_id', 'name' ], [ 'person_role_id', 'char_name' ], [ 'role_id', 'role_type' ], [ 'company_id', 'company_name' ],
		[ 'company_type_id', 'company_type' ], [ 'keyword_id', 'keyword' ], [ 'info_type_id', 'info_type' ], [ 'kind_id', 'kind_type' ], [ 'link_type_id', 'link_type' ],
		[ 'subject_id|status_id', 'comp_cast_type' ] ],
	ds => [ [ 'date_sk', 'date_dim' ], [ 'time_sk', 'time_dim' ], [ 'item_sk', 'item' ], [ 'customer_sk', 'customer' ], [ 'cdemo_sk', 'customer_demographics' ],
		[ 'hdemo_sk', 'household_demographics' ], [ 'addr_sk', 'customer_address' ], [ 'store_sk', 'store' ], [ 'promo_sk|promo_id', 'promotion' ], [ 'warehouse_sk', 'warehouse' ],
		[ 'ship_mode_sk', 'ship_mode' ], [ 'call_center_sk', 'call_center' ], [ 'catalog_page_sk', 'catalog_page' ], [ 'web_page_sk', 'web_page' ], [ 'web_site_sk', 'web_site' ],
		[ 'reason_sk', 'reason' ], [ 'income_band_sk', 'income_band' ] ]);

# Columns with more to them than a type; i is the row, n their number.  Sales are of five
# years, and what is returned was sold.
my $sold = "(2450815 + floor(1827 * sqrt(random())))::int";
my $day = "(date '1900-01-02' + i::int - 1)";
my %special = (
	job => { production_year => '(2019 - floor(120 * power(random(), 3)))::int', gender => q{(ARRAY['m', 'm', 'f', NULL])[1 + floor(4 * random())]}, country_code => undef },
	ds => {
		d_date => $day, d_date_sk => '(2415021 + i)::int', d_year => "extract(year FROM $day)::int", d_moy => "extract(month FROM $day)::int", d_dom => "extract(day FROM $day)::int",
		d_qoy => "extract(quarter FROM $day)::int", d_dow => "extract(dow FROM $day)::int", d_month_seq => "(extract(year FROM $day) * 12 + extract(month FROM $day) - 22801)::int",
		d_week_seq => '(i / 7)::int', d_day_name => "to_char($day, 'FMDay')", d_quarter_name => qq{to_char($day, 'YYYY"Q"Q')}, t_time_sk => 'i - 1', t_time => 'i - 1',
		t_hour => '((i - 1) / 3600)::int', t_minute => '((i - 1) / 60 % 60)::int', ss_ticket_number => '(i / 12)::int', cs_order_number => '(i / 9)::int', ws_order_number => '(i / 12)::int',
		sr_ticket_number => '(i * 10 / 12)::int', cr_order_number => '(i * 10 / 9)::int', wr_order_number => '(i * 10 / 12)::int',
		sr_item_sk => '1 + (i * 10 * 7919) % 9000', cr_item_sk => '1 + (i * 10 * 7919) % 9000', wr_item_sk => '1 + (i * 10 * 7919) % 9000',
		ss_item_sk => '1 + (i * 7919) % 9000', cs_item_sk => '1 + (i * 7919) % 9000', ws_item_sk => '1 + (i * 7919) % 9000',
		inv_date_sk => '(2450815 + 7 * (i * 261 / n))::int', cd_dep_count => '(i % 7)::int' });

sub fetch
{
	my ($class, $name) = @_;
	my $dir = $ENV{ $source{$name}{set} } // "tmp/bench/$name.data";
	if (!-d $dir)
	{
		system('git', 'clone', '-q', '--depth', '1', $source{$name}{from}, $dir) == 0
		  or return undef;
	}
	my @texts = map { slurp($_) } sort glob "$dir/$source{$name}{queries}";
	my @statements = grep { /\S/ } map { split /;\s*(?:\n|$)/ } @texts;
	return bless { name => $name, statements => \@statements, schema => join("\n", map { slurp($_) } glob "$dir/$source{$name}{schema}") }, $class;
}

sub slurp
{
	open(my $f, '<', $_[0]) or die "$_[0]: $!";
	local $/;
	return <$f> . "\n";
}

# The constants that columns are compared with: of "table.column" and of "column"
sub constants
{
	my ($self) = @_;
	my (%seen, %found);
	for my $text (@{ $self->{statements} })
	{
		my %alias = map { lc } $text =~ /\b([a-z_]+)\s+AS\s+(\w+)/gi;
		%alias = reverse %alias;
		while ($text =~ /\b(?:(\w+)\.)?(\w+)\s*(?:=|<=|>=|<|>|(?:NOT\s+)?I?LIKE|(?:NOT\s+)?IN\s*\(|BETWEEN)\s*((?:'[^']*'\s*,?\s*)+)/gi)
		{
			my ($table, $column, $list) = (lc($1 // ''), lc $2, $3);
			my $of = $alias{$table} ? "$alias{$table}.$column" : $column;
			for my $value ($list =~ /'([^']*)'/g)
			{
				$value =~ s/%//g;
				push @{ $found{$of} }, $value if length $value && !$seen{$of}{$value}++;
			}
		}
	}
	return \%found;
}

sub value
{
	my ($self, $table, $column, $type, $length, $constants) = @_;
	my $n = $rows{ $self->{name} }{$table};
	my $special = $special{ $self->{name} }{$column};
	return $special if $special;
	for my $refers (@{ $refers{ $self->{name} } })
	{
		my ($end, $other) = @$refers;
		next if $other eq $table || $column !~ /(?:^|_)(?:$end)$/;
		my $m = $rows{ $self->{name} }{$other};
		return $sold if $other eq 'date_dim';
		return "(CASE WHEN random() < 0.98 THEN 1 + floor($m * power(random(), 2)) ELSE 1 END)::int";
	}
	return 'i::int' if $column eq 'id' || $column =~ /^[a-z]+_\w*_sk$/ && $type eq 'integer';
	return "(floor(100 * power(random(), 2)))::int" if $type eq 'integer';
	return "(random() * random() * 300)::numeric(7, 2)" if $type =~ /numeric/;
	return "date '1998-01-01' + (random() * 1500)::int" if $type eq 'date';
	my @values = @{ $constants->{"$table.$column"} // $constants->{$column} // [] };
	my $array = @values ? 'ARRAY[' . join(', ', map { s/'/''/gr =~ s/(.*)/'$1'/sr } @values) . ']::text[]' : undef;
	my $k = @values;
	my $cut = $length ? "::varchar($length)" : '';
	# small tables have each of them once
	return "coalesce(($array)[i::int], 'other ' || i)$cut" if $array && ($n <= 1000 && $table =~ /_type$/ || $table eq 'keyword');
	return "left(md5(i::text), 5)$cut" if ($length // 99) <= 5 && !$array;
	return $array ? "(CASE WHEN random() < 0.4 THEN ($array)[1 + floor($k * power(random(), 2))] ELSE 'some ' || floor(power(random(), 2) * n / 3) END)$cut" : "('some ' || floor(power(random(), 2) * n))$cut"
	  if $column !~ /^(note|info|title|name)$/;
	return $array ? "(CASE WHEN random() < 0.4 THEN coalesce(($array)[1 + floor($k * power(random(), 2))], '') || repeat(' ', (random() * 9)::int) ELSE md5(i::text) END)" : "md5(i::text)";
}

sub load
{
	my ($self, $session) = @_;
	my $constants = $self->constants;
	my $name = $self->{name};
	$session->sql($self->{schema} =~ s/;\s*$//r);
	$session->sql('SELECT setseed(0.5)');
	for my $table (sort keys %{ $rows{$name} })
	{
		my (@names, @values);
		for (split /\n/, $session->sql("SELECT column_name, data_type, character_maximum_length FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '$table' ORDER BY ordinal_position"))
		{
			my ($column, $type, $length) = split /\|/;
			push @names, $column;
			push @values, $self->value($table, $column, $type, $length, $constants);
		}
		my $n = $rows{$name}{$table};
		$session->sql("INSERT INTO $table (" . join(', ', @names) . ') SELECT ' . join(', ', @values) . " FROM (SELECT i, $n AS n FROM generate_series(1, ${n}::bigint) AS i) AS r");
		# as the benchmark has it: a key on the first column, where there is one
		$session->sql("ALTER TABLE $table ADD PRIMARY KEY ($names[0])") if $name eq 'ds' && $names[0] =~ /^[a-z]+_\w*_sk$/ && $table !~ /_sales|_returns|inventory/;
	}
	$session->sql('VACUUM ANALYZE');
	return;
}

# What the statements ask for: { table => [columns] }
sub columns
{
	my ($self, $session) = @_;
	my $words = lc join ' ', @{ $self->{statements} };
	my %columns;
	for (split /\n/, $session->sql(q{SELECT relname, attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
	 WHERE relkind = 'r' AND attnum > 0 AND relnamespace = 'public'::regnamespace ORDER BY relname, attnum}))
	{
		my ($table, $column) = split /\|/;
		push @{ $columns{$table} }, $column if $words =~ /\b$column\b/;
	}
	return \%columns;
}

1;
