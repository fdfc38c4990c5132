# The pages of the documentation are true: see Documentation.pm.  And what is not true
# is found, each kind of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Documentation;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = Cwd::abs_path("$FindBin::RealBin/../..");
my $node = PostgreSQL::Test::Cluster->new('main');
$ENV{PGUSER} = 'postgres';
$node->init(extra => [ '-U', 'postgres', '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', slurp_file("$tree/test/documentation.conf"));
$node->start;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;

chdir $tree or die "$tree: $!";
my $compared = 0;
for my $file (grep { -f } qw(README.md CONTRIBUTING.md SECURITY.md), glob('doc/*.md'))
{
    my $page = Documentation::check_page($file);
    my @problems = Documentation::problems($page);
    ok(!@problems, "$file: " . Documentation::summary($page)) or diag(@problems);
    note($_) for Documentation::reasons($page);
    $compared += $page->{compared};
}
cmp_ok($compared, '>', 0, 'outputs were compared');

#
# The manual is complete: all that users meet is described in it.  A word stands between
# backquotes, alone or with others, as in `audit_enable(rel, ...)`.
#
my %manual = map { $_ => slurp_file($_) } glob('doc/*.md');
my %words;
for my $code (map { /`([^`\n]+)`/g } values %manual)
{
    $words{$code} = 1;
    $words{$_} = 1 for $code =~ /(\w+)/g;
}

# described(WHAT, WORD...): the manual has these words
sub described
{
    my ($what, @all) = @_;
    my @missing = grep { !$words{$_} } @all;
    ok(@all > 0 && !@missing, "$what: " . @all) or diag("not in the manual: @missing");
}

# table(PAGE, NAME...): the page has a row of a table for each name, and no two
sub table
{
    my ($page, @names) = @_;
    my @first = map { /^\| ([^|]+) \|/ ? $1 : () } split /\n/, $manual{"doc/$page"};
    my @wrong = grep {
        my $name = $_;
        1 != grep { /^`\Q$name\E`/ } @first
    } @names;
    ok(@names > 0 && !@wrong, "doc/$page: a row for each of " . @names) or diag("not once: @wrong");
}

# query(SQL): a column of a database with schemakit
sub query { return split /\n/, $node->safe_psql('manual', $_[0]); }

$node->safe_psql('postgres', 'CREATE DATABASE manual');
$node->safe_psql('manual', 'CREATE EXTENSION schemakit');
my $public = q{pg_proc AS p WHERE pronamespace = 'schemakit'::regnamespace
    AND obj_description(p.oid, 'pg_proc') !~ '^internal:'};
my $columns = q{SELECT attname FROM pg_attribute WHERE attnum > 0 AND attrelid = 'schemakit.%s'::regclass};
described('functions', query("SELECT DISTINCT proname FROM $public"));
described('parameters and columns of results', query("SELECT DISTINCT name FROM (SELECT unnest(proargnames) FROM $public) AS f(name)"));
described('settings', query(q{LOAD 'schemakit'; SELECT name FROM pg_settings WHERE name LIKE 'schemakit.%'}));
table('settings.md', query(q{LOAD 'schemakit'; SELECT name FROM pg_settings WHERE name LIKE 'schemakit.%'}));
described('columns of index_advice', query(sprintf $columns, 'index_advice'));
for my $section ([ 'audit.md', '## Reference: the view audit_log', 'audit_log' ], [ 'timestamps.md', '## Rules', 'auto_rule' ])
{
    my ($page, $heading, $relation) = @$section;
    my ($rows) = $manual{"doc/$page"} =~ /^\Q$heading\E\n(?:(?!## ).*\n)*?\| column \|.*\n\|-.*\n((?:\|.*\n)+)/m;
    is(join(' ', ($rows // '') =~ /^\| `(\w+)` \|/mg), join(' ', query(sprintf $columns, $relation)), "doc/$page: the columns of $relation, in their order");
}
table('index-advice.md', grep { $_ ne 'queries' } query("SELECT DISTINCT unnest(proargnames[1:pronargs]) FROM $public AND proname = 'advise_indexes'"));
described('keys of the report', query(q{SELECT jsonb_object_keys(schemakit.advise_indexes_report('SELECT 1'))}));
my %state;
for my $file (map { "src/$_" } qw(attach/status.c attach/coverage.c attach/feature.h timestamps/columns.h timestamps/timestamps.c audit/audit.c audit/coverage.c audit/watch.c soft_delete/soft_delete.c soft_delete/coverage.h))
{
    my $source = slurp_file($file);
    $state{$_} = 1 for $source =~ /(?:return|state =|Finding\s+finding = \{|#define (?:OTHER|SK_COLUMN|SK_LEFT|SK_SOFT)_\w+\s)\s*"([a-z]+(?: [a-z]+){0,2})"/g;
    $state{$_} = 1 for map { /"(.*?)"/g } $source =~ /state = [^";]*\?\s*("[a-z ]+" : "[a-z ]+");/g;
}
cmp_ok(scalar keys %state, '>=', 22, 'states: ' . join(', ', sort keys %state));
table('operations.md', sort keys %state);
my $told = $node->safe_psql('manual', q{SELECT obj_description('schemakit.status()'::regprocedure)});
is(join(', ', grep { index($told, $_) < 0 } sort keys %state), '', "the comment on status() has all states");

# A parameter has the type and the default that the manual says.
my %alias = ('int' => 'integer', 'float8' => 'double precision');
my @defaults = map { [ split /\|/, $_, -1 ] } query(qq{SELECT DISTINCT ON (parameter, type, value) concat_ws('|', proname, parameter, type, value)
    FROM (SELECT proname, proargnames[n] AS parameter, format_type(proargtypes[n - 1], NULL) AS type,
        coalesce(regexp_replace(pg_get_function_arg_default(p.oid, n), '::[a-z_\\[\\] ]+\$', ''), '') AS value
        FROM (SELECT p.*, generate_series(1, pronargs) AS n FROM $public) AS p) AS a});
my @told;
for my $row (map { split /\n/ } values %manual)
{
    my ($names, $types, $value) = $row =~ /^\| (`[^|]+`) \| ([^|]+) \| ([^|]*?) ?\| / or next;
    s/`//g for $names, $types, $value;
    for my $type (map { s/^(int|float8)\b/$alias{$1}/r } split / or /, $types)
    {
        push @told, "$names|$type|" . lc $value;
    }
}
for my $row (map { @$_ } [ map { /`([^`]*\([^`]*\)[^`]*)`/g } values %manual ])
{
    my ($list) = $row =~ /^\w+\((.*?)\)(?: →|$)/ or next;
    push @told, map { /^(\w+) (\w+(?:\[\])?)(?: = (.+))?$/ ? "$1|" . ($alias{$2} // $2) . '|' . lc($3 // '') : () } split /, /, $list;
}
my %told = map { s/timestamptz/timestamp with time zone/r => 1 } @told;
my %same = ("'3 mons'" => "'3 months'", "'00:00:30'" => "'30 s'");
my @false = grep { !$told{$_} && $_ ne 'queries|text|' } map { "$_->[1]|$_->[2]|" . lc($same{$_->[3]} // $_->[3]) } @defaults;
is(join("\n", @false), '', 'parameters have the types and the defaults that the manual says: ' . @defaults);

#
# Pages of which we know what is wrong with them
#
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/$_->[0]", $_->[1]) for [ 'schemakit.control', '' ], [ 'use.py', "def f():\n    a = 1\n\n    b = 2\n" ],
  [ 'other.md', "# A `name`, and (more)\n\n## Twice\n\n## Twice\n\n```sh\n# no heading\n```\n" ];

# page(TEXT, WRITE): what is wrong with a page of this text, in which B stands for ```
sub page
{
    my ($text, $write) = @_;
    my $file = "$dir/page.md";
    unlink $file;
    append_to_file($file, $text =~ s/^B/```/mgr);
    my $page = Documentation::check_page($file, $write);
    return join '', map { s/^\Q$file\E:(\d+): /$1:/r } Documentation::problems($page);
}

my $select = "Bsql\nSELECT 1 AS a;\nB\n\n";
my $one = " a\n---\n 1\n(1 row)\n";
my @good = (
    [ 'output', "${select}Btext\n${one}B\n" ],
    [ 'output in a list', "* A point:\n\n  Bsql\n  SELECT 1 AS a;\n  B\n  Btext\n   a\n  ---\n   1\n  (1 row)\n  B\n" =~ s/  B/  ```/gr ],
    [ 'other blanks, dashes and times', "Bsql\nSELECT now();\nB\nBtext\n now\n---\n 2020-01-01 00:00:00+00\n(1 row)\nB\n" ],
    [ 'messages are in order with results',
        "Bsql\nDO 'BEGIN RAISE NOTICE ''first''; END';\nSELECT 1 AS a;\nSELECT x;\nSELECT 1 AS a;\nB\n"
          . "Btext\nNOTICE:  first\n$one\nERROR:  column \"x\" does not exist\nLINE 1: SELECT x;\n               ^\n${one}B\n" ],
    [ 'what varies', "<!-- vary: \\d+ -->\nBsql\nSELECT pg_backend_pid() AS a;\nB\nBtext\n a\n---\n 99\n(1 row)\nB\n" ],
    [ 'what is run and not shown', "<!-- run: CREATE ROLE doc_ann;\nCREATE TABLE t (a int); SET ROLE doc_ann; -->\nBsql\nSELECT current_role AS a;\nB\nBtext\n a\n---\n doc_ann\n(1 row)\nB\n" ],
    [ 'nor is anything left of that', "Bsql\nCREATE ROLE doc_ann;\nCREATE TABLE t (a int);\nB\n" ],
    [ 'what is not run', "<!-- not run: it fails -->\nBsql\nSELECT nothing;\nB\nBtext\nanything\nB\n" ],
    [ 'links', "[a](other.md#a-name-and-more), [b](other.md#twice-1), [c](#here)\n[d][], `[x](nowhere)`\n\n# Here\n\n[d]: use.py\n" ],
    [ 'what stands in a file', "<!-- file: use.py -->\nBpython\na = 1\n\nb = 2\nB\n" ],
    [ 'nothing to run', "# Words\n\n<!-- results -->\n\nBsh\nmake\nB\n" ]);
is(page($_->[1]), '', "right: $_->[0]") for @good;

my @bad = (
    [ 'output', "${select}Btext\n${\ ($one =~ s/1/2/r)}B\n", qr/^5:the output is another:\n(?:.*\n)*    - 2\n    \+ 1\n/ ],
    [ 'output too short', "${select}Btext\n a\n---\n 1\nB\n", qr/^5:the output is another:.*\+\(1 row\)/s ],
    [ 'no output', "${select}Btext\nB\n", qr/^5:the output is another/ ],
    [ 'a statement fails', "Bsql\nSELECT 1;\nSELECT\n  x;\nB\n", qr/^4:this fails.*ERROR:  column "x"/s ],
    [ 'a command of psql fails', "Bsql\nSELECT 1 WHERE false \\gset\nB\n", qr/^2:this fails.*no rows returned/s ],
    [ 'what is not shown fails', "Words\n\n<!-- run: SELECT 1;\nSELECT x; -->\n", qr/^4:this fails/ ],
    [ 'a statement does not end', "Bsql\nSELECT 1\nB\n", qr/^1:the last statement has no end/ ],
    [ 'a quote does not end', "Bsql\nSELECT 'a;\nB\n\n$select", qr/^1:the session ends or waits for more in this block/ ],
    [ 'the session ends', "Bsql\n\\q\nB\n\n$select", qr/^1:the session ends/ ],
    [ 'what varies is not there', "<!-- vary: z+ -->\n${select}Btext\n${one}B\n", qr/^1:this matches nothing in the output: vary/ ],
    [ 'what varies is in no output', "<!-- vary: 1 -->\n${select}Words\n", qr/^1:no output follows: vary/ ],
    [ 'a regular expression', "<!-- vary: ( -->\n${select}Btext\n${one}B\n", qr/^1:this is no regular expression/ ],
    [ 'output of nothing', "Bsh\nmake\nB\nBtext\n${one}B\n", qr/^4:a text block is the output of a sql block/ ],
    [ 'words before the output', "${select}Words\n\nBtext\n${one}B\n", qr/^7:a text block is the output of a sql block/ ],
    [ 'an unknown comment', "<!-- notrun: because -->\n$select", qr/^1:a comment is one of/ ],
    [ 'an unknown comment without a colon', "<!-- not-run because -->\n$select", qr/^1:a comment is one of/ ],
    [ 'no reason', "<!-- not run: -->\n$select", qr/^1:a comment is one of/ ],
    [ 'nothing that is not run', "<!-- not run: because -->\nWords\n", qr/^1:no block follows: not run/ ],
    [ 'a comment does not end', "Words\n\n<!-- run: SELECT 1;\n", qr/^3:the comment is not closed/ ],
    [ 'a fence does not end', "Words\n\nBsql\nSELECT 1;\n", qr/^3:the fence is not closed/ ],
    [ 'a block of no language', "B\nSELECT 1;\nB\n", qr/^1:the fence does not name a language/ ],
    [ 'a block of another language', "BSQL\nSELECT x;\nB\n", qr/^1:a block of SQL is called sql/ ],
    [ 'an indented block', "Words\n\n    SELECT 1;\n", qr/^3:an indented block/ ],
    [ 'a link', "Words and\n[a](nowhere.md)\n", qr/^2:the link leads nowhere: nowhere.md/ ],
    [ 'a link by name', "[a][b]\n\n[b]: nowhere.md\n", qr/^3:the link leads nowhere/ ],
    [ 'a name of no link', "[a][b]\n", qr/^1:the link \[b\] is not defined/ ],
    [ 'a link out of the tree', "[a](../../../..)\n", qr/^1:the link leads out of the tree/ ],
    [ 'an anchor', "[a](other.md#no-heading)\n", qr/^1:the page has no such heading/ ],
    [ 'an anchor of the page', "[a](#there)\n\n# Here\n", qr/^1:the page has no such heading: #there/ ],
    [ 'what does not stand in a file', "<!-- file: use.py -->\nBpython\na = 1\nb = 2\nB\n", qr/^2:this does not stand in use.py/ ],
    [ 'a missing file', "<!-- file: nowhere.py -->\nBpython\na = 1\nB\n", qr/^2:there is no file nowhere.py/ ]);
like(page($_->[1]), $_->[2], "found: $_->[0]") for @bad;

# Output is written where it is another, and only there.
my $times = "Bsql\nSELECT now();\nB\n\nBtext\n now\n---\n 2020-01-01 00:00:00+00\n(1 row)\nB\n";
is(page("${select}  Btext\n  old\n  B\n\n$times" =~ s/  B/  ```/gr, 1), '', 'output is written');
is(slurp_file("$dir/page.md"), "${select}  Btext\n" =~ s/^( *)B/$1```/mgr . ($one =~ s/^/  /mgr) . "  ```\n\n" . ($times =~ s/^B/```/mgr), 'the page is as it should be');

$node->stop;
done_testing();
