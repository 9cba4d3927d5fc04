DROP TABLE home_page;
DROP TABLE menus;
DROP FUNCTION note_stale_home();
DROP FUNCTION note_stale_menus();
