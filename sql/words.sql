--
-- amounts in words
--
SET search_path = finance, public;
\pset format unaligned
\pset tuples_only on

-- genders and plural forms
SELECT n, amount_in_words(n, 'UAH', 'uk') FROM unnest('{0,1,2,3,4,5,10,11,12,14,15,19,20,21,22,25,40,50,59,60,66,77,88,90,99}'::numeric[]) n;
SELECT n, amount_in_words(n, 'UAH', 'uk')
  FROM unnest('{100,101,102,111,112,200,300,400,500,600,700,800,900,999,1000,1001,1011,1200,2000,3000,5000,11000,12000,21000,22000,25000,100000,101000,111000,
               200002,1000000,1000001,2000000,5000000,11000000,21000000,1000000000,2000000000,5000000000,1000000000000,2000000000000,
               999999999999999}'::numeric[]) n;
SELECT n, amount_in_words(n, 'RUB', 'ru') FROM unnest('{0,1,2,3,4,5,10,11,12,13,14,15,16,17,18,19,20,21,22,25,30,40,50,60,70,80,90,101}'::numeric[]) n;
SELECT n, amount_in_words(n, 'RUB', 'ru')
  FROM unnest('{100,111,200,300,400,500,600,700,800,900,1000,1001,2000,2002,5000,11000,21000,1000001,2000000,5000000,1000000000,3000000000,
               1000000000000,987654321012345}'::numeric[]) n;
SELECT n, amount_in_words(n, 'EUR', 'en')
  FROM unnest('{0,1,2,5,11,12,13,15,18,20,21,40,90,99,100,101,111,200,1000,1200,2000,5000,21000,1000001,2000000,1000000000,1000000000000}'::numeric[]) n;

-- subunits
SELECT n, amount_in_words(n, 'UAH', 'uk') FROM unnest('{1200.05,0.01,1.02,1.10,1.11,1.21,1.22,0.99}'::numeric[]) n;
SELECT n, amount_in_words(n, 'RUB', 'ru') FROM unnest('{12,0.01,1.02,1.5,1.12,1.31}'::numeric[]) n;
SELECT n, amount_in_words(n, 'GBP', 'en') FROM unnest('{1200.05,0.01,1.02,1.10}'::numeric[]) n;
SELECT amount_in_words(1200.05, 'EUR', 'en');

-- every currency whose words are known, in every language
SELECT c, l, amount_in_words(1, c, l), amount_in_words(2.01, c, l), amount_in_words(2.03, c, l), amount_in_words(5.05, c, l)
  FROM unnest('{UAH,RUB,USD,EUR,BYN,KZT,GBP,PLN,CHF,CZK,GEL}'::text[]) c, unnest('{uk,ru,en}'::text[]) l;
SELECT l, amount_in_words(1, 'JPY', l), amount_in_words(1002, 'JPY', l), amount_in_words(5, 'JPY', l) FROM unnest('{uk,ru,en}'::text[]) l;

-- others in digits with their code
SELECT n, amount_in_words(n, 'XYZ', 'en'), amount_in_words(n, 'XYZ', 'uk')
  FROM unnest('{123,0,1234,1234567.5,-1234567.25,0.125,100000}'::numeric[]) n;

-- below zero
SELECT amount_in_words(-1, 'UAH', 'uk'), amount_in_words(-2.5, 'RUB', 'ru'), amount_in_words(-100, 'EUR', 'en'), amount_in_words(-0.01, 'EUR', 'en');
SELECT amount_in_words(-0.00, 'EUR', 'en'), amount_in_words(1.500000, 'EUR', 'en');
SELECT amount_in_words(NULL, 'EUR', 'en') IS NULL;

-- every number is read back: a reader of its own in SQL
CREATE TEMP TABLE numeral (language text, word text, value numeric, power boolean);
INSERT INTO numeral
SELECT l, w, v, false FROM (VALUES
    ('uk', '{нуль,один,два,три,чотири,п’ять,шість,сім,вісім,дев’ять,десять,одинадцять,дванадцять,тринадцять,чотирнадцять,п’ятнадцять,шістнадцять,сімнадцять,вісімнадцять,дев’ятнадцять,двадцять,тридцять,сорок,п’ятдесят,шістдесят,сімдесят,вісімдесят,дев’яносто,сто,двісті,триста,чотириста,п’ятсот,шістсот,сімсот,вісімсот,дев’ятсот,одна,дві}'::text[]),
    ('ru', '{ноль,один,два,три,четыре,пять,шесть,семь,восемь,девять,десять,одиннадцать,двенадцать,тринадцать,четырнадцать,пятнадцать,шестнадцать,семнадцать,восемнадцать,девятнадцать,двадцать,тридцать,сорок,пятьдесят,шестьдесят,семьдесят,восемьдесят,девяносто,сто,двести,триста,четыреста,пятьсот,шестьсот,семьсот,восемьсот,девятьсот,одна,две}')) AS t (l, words),
    unnest(words, '{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,30,40,50,60,70,80,90,100,200,300,400,500,600,700,800,900,1,2}'::numeric[]) AS u (w, v);
INSERT INTO numeral VALUES
    ('uk', 'тисяч', 1e3, true), ('uk', 'мільйон', 1e6, true), ('uk', 'мільярд', 1e9, true), ('uk', 'трильйон', 1e12, true),
    ('ru', 'тысяч', 1e3, true), ('ru', 'миллион', 1e6, true), ('ru', 'миллиард', 1e9, true), ('ru', 'триллион', 1e12, true);
CREATE FUNCTION pg_temp.read_back(words text, p_language text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    w text;
    v_total numeric := 0;
    v_group numeric := 0;
    v_value numeric;
    v_power boolean;
BEGIN
    FOREACH w IN ARRAY string_to_array(translate(substr(words, 1, 1), 'НОДТЧПШСВ', 'нодтчпшсв') || substr(words, 2), ' ') LOOP
        SELECT value, power INTO v_value, v_power FROM numeral WHERE language = p_language AND (word = w OR power AND w LIKE word || '%');
        EXIT WHEN NOT FOUND;
        IF v_power THEN
            v_total := v_total + v_group * v_value;
            v_group := 0;
        ELSE
            v_group := v_group + v_value;
        END IF;
    END LOOP;
    RETURN v_total + v_group;
END $$;
SELECT setseed(0.4) \g /dev/null
SELECT l, count(*), count(*) FILTER (WHERE pg_temp.read_back(amount_in_words(n, c, l), l) IS DISTINCT FROM n) AS wrong
  FROM (SELECT n::numeric FROM generate_series(0, 1100) n
         UNION ALL SELECT trunc((random() * 10 ^ (3 + random() * 12))::numeric) FROM generate_series(1, 900)) AS t (n),
       (VALUES ('uk', 'UAH'), ('ru', 'EUR')) AS u (l, c)
 GROUP BY l ORDER BY l;
-- the form of the noun after every number of three digits
SELECT count(*) AS wrong
  FROM generate_series(0, 2000) n
 WHERE (regexp_match(amount_in_words(n, 'RUB', 'ru'), '(\S+) 00 копеек$'))[1] IS DISTINCT FROM
       CASE WHEN n % 100 IN (11, 12, 13, 14) THEN 'рублей' WHEN n % 10 = 1 THEN 'рубль' WHEN n % 10 IN (2, 3, 4) THEN 'рубля' ELSE 'рублей' END;

-- refusals
SELECT amount_in_words('NaN', 'UAH', 'uk');
SELECT amount_in_words('Infinity', 'XYZ', 'uk');
SELECT amount_in_words(1000000000000000, 'UAH', 'uk');
SELECT amount_in_words(-1e40, 'UAH', 'uk');
SELECT amount_in_words(1e15, 'XYZ', 'uk');
SELECT amount_in_words(1.005, 'UAH', 'uk');
SELECT amount_in_words(1.5, 'JPY', 'en');
SELECT amount_in_words(1, 'UAH', 'de');
SELECT amount_in_words(1, 'грн', 'uk');
SELECT amount_in_words(1, 'EURO', 'en');
