-- Triggers that join the rows of a statement before and after. PostgreSQL keeps the plan of the first statement of a
-- connection: made for one row, it compared each row of a later batch with each other one, for seconds.
ALTER FUNCTION note_changed_articles_stale() SET enable_nestloop = off;
ALTER FUNCTION note_sitemap_changed() SET enable_nestloop = off;
ALTER FUNCTION note_changed_lines_of_views() SET enable_nestloop = off;
ALTER FUNCTION note_changed_lines_of_views() RESET enable_hashjoin;
ALTER FUNCTION note_changed_lines_of_views() RESET enable_mergejoin;
