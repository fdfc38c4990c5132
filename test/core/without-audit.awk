# What a test prints without the triggers that audit gives to every table: their
# lines in \d and in the plans of EXPLAIN ANALYZE, and rows about them in lists of
# triggers, with the number of rows and the width of columns, which follow from them.
{
	gsub(/ +/, " ")
	gsub(/---+/, "--")
	sub(/ $/, "")
}

# the heading goes if nothing is left under it
/^Triggers:$/ { heading = $0; next }
/^ .*zz_schemakit_audit/ { gone++; next }
/^NOTICE: DROP: .* identity=zz_schemakit_audit/ { next }
heading != "" { if (/^ /) print heading; heading = ""; }

/^\([0-9]+ rows?\)$/ {
	n = substr($1, 2) - gone
	$0 = "(" n (n == 1 ? " row)" : " rows)")
}
/^\([0-9]+ rows?\)$/ || /^$/ { gone = 0 }
{ print }
END { if (heading != "") print heading }
