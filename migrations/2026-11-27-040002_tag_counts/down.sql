DELETE FROM jobs WHERE kind = 'tag_merge';
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('category_move'));
DROP TRIGGER articles_count_tags_of_new ON articles;
DROP TRIGGER articles_count_tags_of_changed ON articles;
DROP TRIGGER articles_count_tags_of_removed ON articles;
DROP TRIGGER articles_forget_tag_counts ON articles;
DROP FUNCTION count_tags_of_new_articles, count_tags_of_changed_articles, count_tags_of_removed_articles, forget_tag_counts;
DROP TABLE tag_changes, tag_counts;
