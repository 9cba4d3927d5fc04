DROP TRIGGER notices_note_deleted ON notices;
DROP TRIGGER notices_note_visibility ON notices;
DROP FUNCTION note_visibility_of_notice;
DROP TRIGGER articles_note_deleted ON articles;
DROP TRIGGER articles_note_visibility ON articles;
DROP FUNCTION note_visibility_of_article;
DROP TABLE visibility_changes;
