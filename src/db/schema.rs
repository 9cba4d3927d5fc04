//! The tables as diesel sees them. A test compares this file with the migrated database.

diesel::table! {
    article_counts (id) {
        id -> BigInt,
        category_id -> Uuid,
        change -> BigInt,
    }
}

diesel::table! {
    article_months (id) {
        id -> BigInt,
        category_id -> Nullable<Uuid>,
        month -> Date,
        change -> BigInt,
    }
}

diesel::table! {
    article_popularity (article_id) {
        article_id -> Uuid,
        day_score -> Double,
        week_score -> Double,
        month_score -> Double,
        viewed_at -> Timestamptz,
    }
}

diesel::table! {
    article_slugs (slug) {
        slug -> Text,
        article_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    article_tags (tag, published_at, article_id) {
        tag -> Text,
        published_at -> Timestamptz,
        article_id -> Uuid,
        category_id -> Nullable<Uuid>,
        updated_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    article_views (article_id) {
        article_id -> Uuid,
        views -> BigInt,
        state -> Text,
        category_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    articles (id) {
        id -> Uuid,
        slug -> Text,
        external_id -> Nullable<Text>,
        title -> Text,
        summary -> Text,
        summary_made -> Bool,
        body -> Text,
        body_source -> Nullable<Text>,
        body_format -> Text,
        sanitizer -> SmallInt,
        author -> Text,
        source_name -> Text,
        source_url -> Nullable<Text>,
        category_id -> Nullable<Uuid>,
        tags -> Array<Text>,
        cover_url -> Nullable<Text>,
        extra -> Jsonb,
        status -> Text,
        published_at -> Nullable<Timestamptz>,
        created_by -> Nullable<Uuid>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        source_hash -> Nullable<Bytea>,
    }
}

diesel::table! {
    categories (id) {
        id -> Uuid,
        parent_id -> Nullable<Uuid>,
        slug -> Text,
        name -> Text,
        description -> Text,
        position -> Integer,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    category_slugs (slug) {
        slug -> Text,
        category_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    home_page (id) {
        id -> Uuid,
        only_row -> Bool,
        blocks -> Jsonb,
        sanitizer -> SmallInt,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (caller, key) {
        caller -> Uuid,
        key -> Text,
        digest -> Bytea,
        status -> SmallInt,
        location -> Nullable<Text>,
        etag -> Nullable<Text>,
        media_type -> Text,
        body -> Bytea,
        created_at -> Timestamptz,
        language -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        kind -> Text,
        state -> Text,
        params -> Jsonb,
        done -> BigInt,
        total -> BigInt,
        detail -> Nullable<Text>,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    media (id) {
        id -> Uuid,
        sha256 -> Bytea,
        kind -> Text,
        name -> Text,
        alt -> Text,
        caption -> Text,
        credit -> Text,
        source_url -> Nullable<Text>,
        tags -> Array<Text>,
        focal_x -> SmallInt,
        focal_y -> SmallInt,
        former_focals -> Array<SmallInt>,
        audience -> Text,
        created_by -> Nullable<Uuid>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    media_files (sha256) {
        sha256 -> Bytea,
        bytes -> BigInt,
        mime -> Text,
        kind -> Text,
        picture -> Nullable<Jsonb>,
        created_at -> Timestamptz,
        last_used_at -> Timestamptz,
        removing_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    media_leases (name) {
        name -> Text,
        until -> Timestamptz,
    }
}

diesel::table! {
    media_presets (name, definition) {
        name -> Text,
        definition -> Text,
    }
}

diesel::table! {
    media_uploads (id) {
        id -> Uuid,
        owner_id -> Uuid,
        bytes -> BigInt,
        received -> BigInt,
        parts -> Array<Text>,
        metadata -> Jsonb,
        media_id -> Nullable<Uuid>,
        duplicate -> Bool,
        refusal -> Nullable<Jsonb>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    media_uses (media_id, entity, user_id) {
        media_id -> Uuid,
        entity -> Text,
        user_id -> Uuid,
    }
}

diesel::table! {
    members (id) {
        id -> Uuid,
        email -> Text,
        email_canonical -> Text,
        email_verified_at -> Nullable<Timestamptz>,
        role -> Text,
        status -> Text,
        display_name -> Text,
        phone -> Text,
        organisation -> Text,
        title -> Text,
        avatar_url -> Nullable<Text>,
        bio -> Text,
        profile_completed_at -> Nullable<Timestamptz>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        locale -> Nullable<Text>,
    }
}

diesel::table! {
    menus (id) {
        id -> Uuid,
        name -> Text,
        items -> Jsonb,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    notice_slugs (slug) {
        slug -> Text,
        notice_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    notices (id) {
        id -> Uuid,
        kind -> Text,
        title -> Text,
        body -> Text,
        body_source -> Nullable<Text>,
        body_format -> Text,
        sanitizer -> SmallInt,
        pinned -> Bool,
        audience -> Text,
        status -> Text,
        published_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        external_id -> Nullable<Text>,
        slug -> Text,
        summary -> Text,
        summary_made -> Bool,
    }
}

diesel::table! {
    auth.api_keys (id) {
        id -> Uuid,
        prefix -> Text,
        hash -> Bytea,
        name -> Text,
        scopes -> Array<Text>,
        member_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    auth.one_time_tokens (hash) {
        hash -> Bytea,
        member_id -> Uuid,
        purpose -> Text,
        email -> Nullable<Text>,
        email_canonical -> Nullable<Text>,
        expires_at -> Timestamptz,
        claimed_until -> Timestamptz,
    }
}

diesel::table! {
    auth.outbox (id) {
        id -> Uuid,
        kind -> Text,
        email_canonical -> Text,
        recipient -> Nullable<Text>,
        attempts -> Integer,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
        member_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    auth.passwords (member_id) {
        member_id -> Uuid,
        hash -> Text,
        updated_at -> Timestamptz,
        disputed -> Bool,
    }
}

diesel::table! {
    auth.refresh_tokens (hash) {
        hash -> Bytea,
        session_id -> Uuid,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    auth.sessions (id) {
        id -> Uuid,
        member_id -> Uuid,
        device -> Text,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        refreshed_at -> Timestamptz,
        network -> Bytea,
    }
}

diesel::table! {
    auth.signing_keys (kid) {
        kid -> Text,
        secret -> Bytea,
        state -> Text,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    auth.site_secret (only_row) {
        only_row -> Bool,
        secret -> Bytea,
    }
}

diesel::table! {
    auth.throttles (key) {
        key -> Bytea,
        attempts -> Integer,
        window_ends -> Timestamptz,
        free_at -> Timestamptz,
        refused -> Bool,
    }
}

diesel::table! {
    site (id) {
        id -> Uuid,
        only_row -> Bool,
        name -> Text,
        tagline -> Text,
        base_url -> Text,
        locale -> Text,
        share_targets -> Jsonb,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        timezone -> Text,
        article_url -> Text,
        category_url -> Text,
        notice_url -> Text,
        tag_url -> Text,
        feed_content -> Text,
        websub_hub -> Text,
    }
}

diesel::table! {
    sitemap_months (id) {
        id -> BigInt,
        month -> Date,
        change -> BigInt,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    tag_changes (id) {
        id -> BigInt,
        tag -> Text,
        change -> BigInt,
    }
}

diesel::table! {
    tag_counts (tag) {
        tag -> Text,
        count -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(categories, category_slugs);

diesel::allow_tables_to_appear_in_same_query!(notices, notice_slugs);

diesel::allow_tables_to_appear_in_same_query!(
    api_keys,
    members,
    one_time_tokens,
    passwords,
    refresh_tokens,
    sessions
);
