--
-- Tables and data like those of TPC-H at scale factor :sf, made by PostgreSQL itself.
-- Distributions follow the specification (www.tpc.org/tpch) where queries depend on
-- them; texts are shorter.
--
SELECT FROM setseed(0.19);
CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name char(25) NOT NULL, r_comment varchar(152));
CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name char(25) NOT NULL, n_regionkey int NOT NULL, n_comment varchar(152));
CREATE TABLE supplier (s_suppkey int PRIMARY KEY, s_name char(25) NOT NULL, s_address varchar(40) NOT NULL,
    s_nationkey int NOT NULL, s_phone char(15) NOT NULL, s_acctbal decimal(15,2) NOT NULL, s_comment varchar(101) NOT NULL);
CREATE TABLE customer (c_custkey int PRIMARY KEY, c_name varchar(25) NOT NULL, c_address varchar(40) NOT NULL,
    c_nationkey int NOT NULL, c_phone char(15) NOT NULL, c_acctbal decimal(15,2) NOT NULL, c_mktsegment char(10) NOT NULL,
    c_comment varchar(117) NOT NULL);
CREATE TABLE part (p_partkey int PRIMARY KEY, p_name varchar(55) NOT NULL, p_mfgr char(25) NOT NULL, p_brand char(10) NOT NULL,
    p_type varchar(25) NOT NULL, p_size int NOT NULL, p_container char(10) NOT NULL, p_retailprice decimal(15,2) NOT NULL,
    p_comment varchar(23) NOT NULL);
CREATE TABLE partsupp (ps_partkey int NOT NULL, ps_suppkey int NOT NULL, ps_availqty int NOT NULL,
    ps_supplycost decimal(15,2) NOT NULL, ps_comment varchar(199) NOT NULL, PRIMARY KEY (ps_partkey, ps_suppkey));
CREATE TABLE orders (o_orderkey int PRIMARY KEY, o_custkey int NOT NULL, o_orderstatus char(1) NOT NULL,
    o_totalprice decimal(15,2) NOT NULL, o_orderdate date NOT NULL, o_orderpriority char(15) NOT NULL, o_clerk char(15) NOT NULL,
    o_shippriority int NOT NULL, o_comment varchar(79) NOT NULL);
CREATE TABLE lineitem (l_orderkey int NOT NULL, l_partkey int NOT NULL, l_suppkey int NOT NULL, l_linenumber int NOT NULL,
    l_quantity decimal(15,2) NOT NULL, l_extendedprice decimal(15,2) NOT NULL, l_discount decimal(15,2) NOT NULL,
    l_tax decimal(15,2) NOT NULL, l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL,
    l_commitdate date NOT NULL, l_receiptdate date NOT NULL, l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL,
    l_comment varchar(44) NOT NULL, PRIMARY KEY (l_orderkey, l_linenumber));

INSERT INTO region SELECT i - 1, (ARRAY['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'])[i], 'comment'
    FROM generate_series(1, 5) AS i;
INSERT INTO nation SELECT i - 1, n[i], r[i], 'comment' FROM generate_series(1, 25) AS i,
    (SELECT ARRAY['ALGERIA', 'ARGENTINA', 'BRAZIL', 'CANADA', 'EGYPT', 'ETHIOPIA', 'FRANCE', 'GERMANY', 'INDIA', 'INDONESIA',
     'IRAN', 'IRAQ', 'JAPAN', 'JORDAN', 'KENYA', 'MOROCCO', 'MOZAMBIQUE', 'PERU', 'CHINA', 'ROMANIA', 'SAUDI ARABIA', 'VIETNAM',
     'RUSSIA', 'UNITED KINGDOM', 'UNITED STATES'] AS n,
     ARRAY[0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1] AS r) AS names;
INSERT INTO supplier SELECT i, 'Supplier#' || lpad(i::text, 9, '0'), md5(i::text), (random() * 24)::int,
    (10 + i % 25) || '-' || i, (random() * 10999 - 999)::decimal(15,2),
    CASE WHEN random() < 0.001 THEN 'slow Customer Complaints here' ELSE 'comment ' || md5(i::text) END
    FROM generate_series(1, (10000 * :sf)::int) AS i;
INSERT INTO customer SELECT i, 'Customer#' || lpad(i::text, 9, '0'), md5(i::text), (random() * 24)::int,
    (10 + (random() * 24)::int) || '-' || (100 + i % 900) || '-' || i % 10000, (random() * 10999 - 999)::decimal(15,2),
    (ARRAY['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'])[1 + (random() * 4.99)::int % 5], 'comment ' || md5(i::text)
    FROM generate_series(1, (150000 * :sf)::int) AS i;
INSERT INTO part SELECT i,
    (ARRAY['almond', 'azure', 'blue', 'brown', 'coral', 'cream', 'forest', 'green', 'ivory', 'khaki', 'lemon', 'linen',
     'navy', 'olive', 'peach', 'plum', 'red', 'rose', 'sky', 'tan'])[1 + (random() * 19.99)::int % 20] || ' ' || md5(i::text),
    'Manufacturer#' || 1 + i % 5, 'Brand#' || 1 + i % 5 || 1 + (random() * 4.99)::int % 5,
    (ARRAY['STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO'])[1 + (random() * 5.99)::int % 6] || ' ' ||
    (ARRAY['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'])[1 + (random() * 4.99)::int % 5] || ' ' ||
    (ARRAY['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'])[1 + (random() * 4.99)::int % 5],
    1 + (random() * 49)::int,
    (ARRAY['SM', 'LG', 'MED', 'JUMBO', 'WRAP'])[1 + (random() * 4.99)::int % 5] || ' ' ||
    (ARRAY['CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'])[1 + (random() * 7.99)::int % 8],
    900 + (i % 1000) + i / 10000.0, 'comment'
    FROM generate_series(1, (200000 * :sf)::int) AS i;
INSERT INTO partsupp SELECT p, 1 + (p + k * ((10000 * :sf)::int / 4 + (p - 1) / (10000 * :sf)::int)) % (10000 * :sf)::int,
    1 + (random() * 9998)::int, (1 + random() * 999)::decimal(15,2), 'comment ' || md5(p::text) || md5(k::text) || md5((p + k)::text)
    FROM generate_series(1, (200000 * :sf)::int) AS p, generate_series(0, 3) AS k ON CONFLICT DO NOTHING;
INSERT INTO orders SELECT i, c - CASE WHEN c % 3 = 0 AND c > 1 THEN 1 ELSE 0 END, 'O', 0, date '1992-01-01' + (random() * 2405)::int,
    (ARRAY['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'])[1 + (random() * 4.99)::int % 5],
    'Clerk#' || lpad((1 + (random() * 100)::int)::text, 9, '0'), 0,
    CASE WHEN random() < 0.01 THEN 'some special requests' ELSE 'comment ' || md5(i::text) END
    FROM (SELECT i, 1 + (random() * (150000 * :sf - 1))::int AS c FROM generate_series(1, (1500000 * :sf)::int) AS i) AS o;
INSERT INTO lineitem SELECT o_orderkey, p, 1 + (p + (random() * 3)::int * ((10000 * :sf)::int / 4 + (p - 1) / (10000 * :sf)::int)) % (10000 * :sf)::int,
    n, q, q * (900 + p % 1000), ((random() * 10)::int / 100.0)::decimal(15,2), ((random() * 8)::int / 100.0)::decimal(15,2),
    CASE WHEN ship + 15 > date '1995-06-17' THEN 'N' WHEN random() < 0.5 THEN 'R' ELSE 'A' END,
    CASE WHEN ship > date '1995-06-17' THEN 'O' ELSE 'F' END, ship, o_orderdate + 30 + (random() * 60)::int, ship + 1 + (random() * 29)::int,
    (ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])[1 + (random() * 3.99)::int % 4],
    (ARRAY['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'])[1 + (random() * 6.99)::int % 7], 'comment ' || n
    FROM (SELECT o_orderkey, o_orderdate, n, 1 + (random() * (200000 * :sf - 1))::int AS p, 1 + (random() * 49)::int AS q,
                 o_orderdate + 1 + (random() * 120)::int AS ship
          FROM orders, generate_series(1, 7) AS n WHERE n <= 1 + o_orderkey % 7) AS l;
UPDATE orders SET o_totalprice = t, o_orderstatus = s FROM (SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS t,
    CASE WHEN bool_and(l_linestatus = 'F') THEN 'F' WHEN bool_or(l_linestatus = 'F') THEN 'P' ELSE 'O' END AS s
    FROM lineitem GROUP BY 1) AS x WHERE l_orderkey = o_orderkey;
VACUUM (FULL, ANALYZE);
VACUUM ANALYZE;
