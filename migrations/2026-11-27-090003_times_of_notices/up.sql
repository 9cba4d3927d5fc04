-- When the next notice appears, and when one expires: looked for after each change of content, among all that are published.
CREATE INDEX notices_published_at_idx ON notices (published_at) WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX notices_expires_at_idx ON notices (expires_at)
    WHERE expires_at IS NOT NULL AND status = 'published' AND deleted_at IS NULL;
