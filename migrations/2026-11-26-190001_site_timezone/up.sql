-- The time zone of dates without one, by its IANA name.
ALTER TABLE site ADD COLUMN timezone text NOT NULL DEFAULT 'Asia/Shanghai';
