# The Extend algorithm for choosing indexes: Schlosser, Kossmann and Boissier,
# "Efficient Scalable Multi-attribute Index Selection Using Recursive Strategies",
# ICDE 2019.  Begin with nothing; in each round take the step with the most cost
# saved for each byte: a new index on one column, or one more column at the end
# of an index that was chosen before; until the budget is used up, or a step saves
# less than a given fraction.
#
# What a statement costs is asked of the planner, and remembered for each set of
# indexes that could matter to it: those with a column that it names.
package Extend;
use strict;
use warnings;

# session: a Bench session; statements: SQL texts; columns: { table => [columns] }
sub new
{
	my ($class, %self) = @_;
	my $self = bless { calls => 0, cost => {}, size => {}, %self }, $class;
	for my $statement (@{ $self->{statements} })
	{
		my %words = map { $_ => 1 } lc($statement) =~ /(\w+)/g;
		push @{ $self->{words} }, \%words;
	}
	return $self;
}

# An index is "table:column,column".
sub ddl
{
	my ($table, $columns) = split /:/, $_[0];
	return "CREATE INDEX ON $table ($columns)";
}

sub size
{
	my ($self, $index) = @_;
	return $self->{size}{$index} //=
	  $self->{session}->sql('SELECT schemakit.estimate_index_size($q$' . ddl($index) . '$q$)');
}

sub matters
{
	my ($self, $i, $index) = @_;
	my ($table, $columns) = split /:/, $index;
	return $self->{words}[$i]{$table} && grep { $self->{words}[$i]{$_} } split /,/, $columns;
}

sub statement_cost
{
	my ($self, $i, @ddl) = @_;
	my $list = join ', ', map { "\$i\$$_\$i\$" } @ddl;
	my ($plan) = $self->{session}->sql("SELECT l FROM schemakit.explain_with_indexes(\$s\$$self->{statements}[$i]\$s\$, ARRAY[$list]::text[]) AS l LIMIT 1")
	  =~ /cost=[\d.]+\.\.([\d.]+)/;
	return $plan;
}

sub cost
{
	my ($self, @indexes) = @_;
	my $cost = 0;
	for my $i (0 .. $#{ $self->{statements} })
	{
		my @those = sort grep { $self->matters($i, $_) } @indexes;
		my $key = join ' ', $i, @those;
		if (!defined $self->{cost}{$key})
		{
			$self->{calls}++;
			$self->{cost}{$key} = $self->statement_cost($i, map { ddl($_) } @those);
		}
		$cost += $self->{cost}{$key};
	}
	return $cost;
}

# The indexes chosen for a budget in bytes.
sub choose
{
	my ($self, $budget, %limit) = @_;
	my @chosen;
	my $used = 0;
	my $cost = $self->cost();
	my $least = $limit{least} // 0.003;
	while (1)
	{
		my ($best, $best_rate, $best_cost, $best_used) = (undef, 0);
		my @steps;
		for my $table (sort keys %{ $self->{columns} })
		{
			for my $column (@{ $self->{columns}{$table} })
			{
				my $new = "$table:$column";
				push @steps, [ @chosen, $new ] unless grep { $_ eq $new || /^\Q$new\E,/ } @chosen;
				for my $old (grep { /^$table:/ } @chosen)
				{
					my @columns = split /,/, (split /:/, $old)[1];
					next if @columns >= ($limit{width} // 2) || grep { $_ eq $column } @columns;
					push @steps, [ (grep { $_ ne $old } @chosen), "$old,$column" ];
				}
			}
		}
		for my $step (@steps)
		{
			my $size = 0;
			$size += $self->size($_) for @$step;
			next if $size > $budget;
			my $next = $self->cost(@$step);
			next if $next > $cost * (1 - $least);
			my $rate = ($cost - $next) / ($size - $used > 8192 ? $size - $used : 8192);
			($best, $best_rate, $best_cost, $best_used) = ($step, $rate, $next, $size)
			  if $rate > $best_rate;
		}
		last unless $best;
		@chosen = @$best;
		($cost, $used) = ($best_cost, $best_used);
	}
	return ($cost, $used, @chosen);
}

1;
