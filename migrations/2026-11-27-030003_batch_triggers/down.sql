ALTER FUNCTION note_changed_articles_stale() RESET enable_nestloop;
ALTER FUNCTION note_sitemap_changed() RESET enable_nestloop;
ALTER FUNCTION note_changed_lines_of_views() RESET enable_nestloop;
ALTER FUNCTION note_changed_lines_of_views() SET enable_hashjoin = off;
ALTER FUNCTION note_changed_lines_of_views() SET enable_mergejoin = off;
