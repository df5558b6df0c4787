-- ---------------------------------------------------------------------------
-- calendar: business hours, holidays, after-hours bands
-- ---------------------------------------------------------------------------

CREATE SEQUENCE calendar_id_seq;

CREATE TABLE calendar (
    id bigint DEFAULT nextval('calendar_id_seq') CONSTRAINT calendar_pkey PRIMARY KEY,
    name text NOT NULL
        CONSTRAINT calendar_name_once UNIQUE
        CONSTRAINT calendar_name_not_empty CHECK (name <> ''),
    zone text NOT NULL
        CONSTRAINT calendar_zone_known CHECK (finance.is_zone(zone))
);
ALTER SEQUENCE calendar_id_seq OWNED BY calendar.id;
COMMENT ON TABLE calendar IS 'a time zone with its business hours, holidays and other bands of the day';

CREATE SEQUENCE calendar_band_id_seq;

CREATE TABLE calendar_band (
    id bigint DEFAULT nextval('calendar_band_id_seq') CONSTRAINT calendar_band_pkey PRIMARY KEY,
    calendar_id bigint NOT NULL
        CONSTRAINT calendar_band_of_calendar REFERENCES calendar (id) ON DELETE CASCADE,
    isodow int CONSTRAINT calendar_band_isodow_1_to_7 CHECK (isodow BETWEEN 1 AND 7),
    day date CONSTRAINT calendar_band_day_of_four_digit_year CHECK (day BETWEEN '0001-01-01' AND '9999-12-31'),
    starts time CONSTRAINT calendar_band_starts_before_24 CHECK (starts < '24:00'),
    ends time,
    band text CONSTRAINT calendar_band_name_1_to_63_bytes CHECK (octet_length(band) BETWEEN 1 AND 63),
    CONSTRAINT calendar_band_weekday_or_day CHECK (num_nonnulls(isodow, day) = 1),
    CONSTRAINT calendar_band_whole_or_closed CHECK (num_nonnulls(starts, ends, band) IN (0, 3)),
    CONSTRAINT calendar_band_closed_is_a_day CHECK (starts IS NOT NULL OR day IS NOT NULL),
    CONSTRAINT calendar_band_whole_seconds
        CHECK (date_trunc('second', starts) = starts::interval AND date_trunc('second', ends) = ends::interval),
    CONSTRAINT calendar_band_once UNIQUE NULLS NOT DISTINCT (calendar_id, isodow, day, starts)
);
ALTER SEQUENCE calendar_band_id_seq OWNED BY calendar_band.id;
COMMENT ON TABLE calendar_band IS
    'a band of the local day; the rows of a date replace the whole of it, from midnight to midnight (holidays, moved '
    'working days); what no row covers is band off_hours';
