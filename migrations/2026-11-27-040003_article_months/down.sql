DROP TRIGGER site_recount_months ON site;
DROP TRIGGER articles_count_months_of_new ON articles;
DROP TRIGGER articles_count_months_of_changed ON articles;
DROP TRIGGER articles_count_months_of_removed ON articles;
DROP TRIGGER articles_forget_months ON articles;
DROP FUNCTION note_changed_timezone, recount_article_months, forget_article_months, count_months_of_new_articles,
    count_months_of_changed_articles, count_months_of_removed_articles, find_month, find_site_timezone;
DROP TABLE article_months;
