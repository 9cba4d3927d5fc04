ALTER TABLE site
    DROP COLUMN article_url,
    DROP COLUMN category_url,
    DROP COLUMN notice_url,
    DROP COLUMN tag_url,
    DROP COLUMN feed_content,
    DROP COLUMN websub_hub;
