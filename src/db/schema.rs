//! The tables as diesel sees them. A test compares this file with the migrated database.

diesel::table! {
    article_views (article_id) {
        article_id -> Uuid,
        views -> BigInt,
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
        content_hash -> Bytea,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
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
    }
}

diesel::table! {
    auth.passwords (member_id) {
        member_id -> Uuid,
        hash -> Text,
        updated_at -> Timestamptz,
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
    }
}

diesel::allow_tables_to_appear_in_same_query!(members, passwords, sessions);
