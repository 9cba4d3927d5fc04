DROP TABLE article_popularity;
DROP FUNCTION add_views_to_score(double precision, bigint, interval);
DROP TRIGGER articles_note_line_of_views ON articles;
DROP TRIGGER articles_note_changed_line_of_views ON articles;
DROP FUNCTION note_lines_of_views();
DROP FUNCTION note_changed_lines_of_views();
DELETE FROM article_views WHERE views = 0;
ALTER TABLE article_views DROP COLUMN state, DROP COLUMN category_id;
