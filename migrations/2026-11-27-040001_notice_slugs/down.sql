DROP TRIGGER notices_claim_slug ON notices;
DROP TRIGGER categories_claim_slug ON categories;
DROP FUNCTION claim_notice_slug, claim_category_slug;
DROP TABLE notice_slugs, category_slugs;
DROP INDEX notices_neighbors_idx;
ALTER TABLE notices DROP COLUMN summary_made, DROP COLUMN summary, DROP COLUMN slug;
