-- ---------------------------------------------------------------------------
-- number: gapless, in series
-- ---------------------------------------------------------------------------

CREATE FUNCTION guard_number_series() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.next_no = OLD.first_no
        OR TG_OP = 'UPDATE' AND (OLD.next_no = OLD.first_no AND NEW.next_no = NEW.first_no
                                 OR NEW.next_no - OLD.next_no IN (0, 1)
                                    AND (NEW.own_id, NEW.kind, NEW.year, NEW.first_no)
                                        IS NOT DISTINCT FROM (OLD.own_id, OLD.kind, OLD.year, OLD.first_no)) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'number series % of % goes on at %', OLD.kind, OLD.year, OLD.next_no
        USING ERRCODE = 'restrict_violation',
            HINT = 'The first number can be chosen before the series is used; its pattern can be changed at any time.';
END $$;
COMMENT ON FUNCTION guard_number_series() IS
    'trigger function of number_series: a used counter stays whose it is and only counts on, one by one (23001)';

CREATE FUNCTION document_name(p_document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN coalesce(d.number, d.outside_number) IS NULL
                THEN format('%s %s (id %s)', d.status, replace(d.kind, '_', ' '), d.id)
                ELSE format('%s %s', replace(d.kind, '_', ' '), coalesce(d.number, d.outside_number)) END
      FROM document d WHERE d.id = p_document;
END;
COMMENT ON FUNCTION document_name(bigint) IS
    'what a message calls a document: kind and number, or kind and id while it has none';

CREATE FUNCTION format_number(p_pattern text, p_no bigint, p_on date) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT replace(replace(replace(replace(replace(p_pattern, '{YYYY}', substr(iso(p_on), 1, 4)), '{YY}',
                                           substr(iso(p_on), 3, 2)),
                           '{MM}', substr(iso(p_on), 6, 2)), '{DD}', substr(iso(p_on), 9, 2)), m.mark,
                   CASE WHEN length(p_no::text) < length(m.mark) - 2 THEN lpad(p_no::text, length(m.mark) - 2, '0')
                       ELSE p_no::text END)
      FROM (SELECT substring(p_pattern FROM '[{]#+[}]') AS mark) m;
END;
COMMENT ON FUNCTION format_number(text, bigint, date) IS 'a document number from the pattern of its series';

CREATE FUNCTION near_series(p_own bigint, p_kind text, p_on date) RETURNS number_series
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_series number_series;
BEGIN
    SELECT * INTO v_series FROM number_series s
     WHERE s.own_id IS NOT DISTINCT FROM p_own AND s.kind = p_kind
     ORDER BY s.year > extract(year FROM p_on), abs(s.year - extract(year FROM p_on)) LIMIT 1;
    RETURN v_series;
END $$;
COMMENT ON FUNCTION near_series(bigint, text, date) IS
    'the series of an own company and kind of the year of a day, else of the last year before it, else of the first '
    'after it; NULL when there is none';

CREATE FUNCTION next_number(p_own bigint, p_kind text, p_on date, OUT series_id bigint, OUT series_no bigint,
                            OUT number text)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_near number_series := near_series(p_own, p_kind, p_on);
    v_series number_series;
BEGIN
    -- The row lock makes the counter gapless and serial: who comes second
    -- waits for the first to commit, and a rollback gives the number back.
    UPDATE number_series s SET next_no = s.next_no + 1
     WHERE s.id = v_near.id AND (s.year = extract(year FROM p_on) OR s.pattern !~ '[{]YY(YY)?[}]')
    RETURNING s.* INTO v_series;
    IF NOT FOUND THEN
        INSERT INTO number_series AS s (own_id, kind, year, pattern, next_no)
        VALUES (p_own, p_kind, extract(year FROM p_on), coalesce(v_near.pattern, '{YYYY}/{MM}-{####}'), 2)
        ON CONFLICT ON CONSTRAINT number_series_key DO UPDATE SET next_no = s.next_no + 1
        RETURNING s.* INTO v_series;
    END IF;
    next_number.series_id := v_series.id;
    next_number.series_no := v_series.next_no - 1;
    next_number.number := format_number(v_series.pattern, next_number.series_no, p_on);
    IF EXISTS (SELECT FROM document d WHERE (d.own_id = p_own OR d.own_id IS NULL) AND d.kind = p_kind
               AND d.number = next_number.number) THEN
        RAISE EXCEPTION 'number % of kind "%" was given before', next_number.number, p_kind
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'document_number_text_once', TABLE = 'document',
                DETAIL = format('Series %s of %s has the pattern %s and goes on at %s.', v_series.id, v_series.year,
                                v_series.pattern, next_number.series_no),
                HINT = 'Give the series in number_series a pattern that tells its numbers from all others, as '
                       '{YYYY}/{MM}-{####}; a new series may also begin at another first_no.';
    END IF;
END $$;
COMMENT ON FUNCTION next_number(bigint, text, date) IS
    'the next number of the series of an own company, kind and year, or of the one that goes on over the years; '
    'refused (23505) when the pattern makes one that was given before. Holds the series'' row until the end of the '
    'transaction, so it is called last';
