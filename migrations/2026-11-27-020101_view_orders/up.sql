-- Lists in the order of views. Each article has its line, with what finds it there: the part of the articles that it is in,
-- and its category. Triggers keep both, whoever writes to articles.
LOCK TABLE articles IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE article_views
    ADD COLUMN state       text COLLATE "C" NOT NULL DEFAULT 'draft',
    ADD COLUMN category_id uuid;

CREATE FUNCTION note_lines_of_views() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO article_views AS line (article_id, state, category_id)
        SELECT id, CASE WHEN deleted_at IS NULL THEN status ELSE 'trash' END, category_id FROM added ORDER BY id
        ON CONFLICT (article_id) DO UPDATE SET state = excluded.state, category_id = excluded.category_id
        WHERE (line.state, line.category_id) IS DISTINCT FROM (excluded.state, excluded.category_id);
    RETURN NULL;
END
$$;
CREATE FUNCTION note_changed_lines_of_views() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
    SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    INSERT INTO article_views AS line (article_id, state, category_id)
        SELECT added.id, CASE WHEN added.deleted_at IS NULL THEN added.status ELSE 'trash' END, added.category_id
        FROM added JOIN removed USING (id)
        WHERE (added.status, added.deleted_at IS NULL, added.category_id)
            IS DISTINCT FROM (removed.status, removed.deleted_at IS NULL, removed.category_id)
        ORDER BY added.id
        ON CONFLICT (article_id) DO UPDATE SET state = excluded.state, category_id = excluded.category_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER articles_note_line_of_views AFTER INSERT ON articles
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_lines_of_views();
CREATE TRIGGER articles_note_changed_line_of_views AFTER UPDATE ON articles
    REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_changed_lines_of_views();

-- Which articles were viewed lately, for lists of what is popular. A score is the logarithm of a sum in which each view
-- counts twice as much as one half-life before: the order of two scores does not change while time passes.
-- Lines of articles that nobody has viewed for a month are deleted.
CREATE TABLE article_popularity (
    article_id  uuid             PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
    day_score   double precision NOT NULL,
    week_score  double precision NOT NULL,
    month_score double precision NOT NULL,
    viewed_at   timestamptz      NOT NULL
);
CREATE INDEX article_popularity_day_idx ON article_popularity (day_score, article_id);
CREATE INDEX article_popularity_week_idx ON article_popularity (week_score, article_id);
CREATE INDEX article_popularity_month_idx ON article_popularity (month_score, article_id);

-- The score after so many views now. The bounds keep exp() within what a number can hold.
CREATE FUNCTION add_views_to_score(score double precision, added bigint, half_life interval)
RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT weight + ln(added + CASE WHEN score IS NULL THEN 0 ELSE exp(least(greatest(score - weight, -700), 700)) END)
    FROM (SELECT ln(2::double precision) * extract(epoch FROM now() - timestamptz '2026-01-01 00:00:00Z')::double precision
                 / extract(epoch FROM half_life)::double precision) AS now(weight)
$$;
