DROP TRIGGER articles_note_withdrawn ON articles;
DROP TRIGGER articles_note_deleted ON articles;
DROP TRIGGER notices_note_withdrawn ON notices;
DROP TRIGGER notices_note_deleted ON notices;
DROP FUNCTION note_withdrawn_article();
DROP FUNCTION note_withdrawn_notice();
DROP TABLE withdrawals;
