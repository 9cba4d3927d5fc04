-- Templates of the addresses of a frontend's pages; empty: the default below base_url. And what feeds hold.
ALTER TABLE site
    ADD COLUMN article_url  text NOT NULL DEFAULT '',
    ADD COLUMN category_url text NOT NULL DEFAULT '',
    ADD COLUMN notice_url   text NOT NULL DEFAULT '',
    ADD COLUMN tag_url      text NOT NULL DEFAULT '',
    ADD COLUMN feed_content text NOT NULL DEFAULT 'full' CHECK (feed_content IN ('full', 'summary')),
    ADD COLUMN websub_hub   text NOT NULL DEFAULT '';
