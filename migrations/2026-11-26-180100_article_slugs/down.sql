DROP TRIGGER articles_release_slugs ON articles;
DROP TRIGGER articles_claim_changed_slug ON articles;
DROP TRIGGER articles_claim_slugs ON articles;
DROP FUNCTION release_article_slugs();
DROP FUNCTION claim_changed_article_slug();
DROP FUNCTION claim_slugs_of_new_articles();
DROP TABLE article_slugs;
