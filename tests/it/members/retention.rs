//! What is kept of ended sessions and in the audit trail, and for how long.

use inkstone::operations::Role;

use crate::harness::TestApp;
use crate::harness::machine::{ask, execute, until};

/// The ages of the entries and of the ended sessions that are left, in days.
const LEFT: &str = "SELECT (SELECT string_agg(extract(day FROM now() - at)::text, ' ' ORDER BY at) FROM changes WHERE action = 'old')
    || '; ' || (SELECT string_agg(extract(day FROM now() - revoked_at)::text, ' ' ORDER BY revoked_at) FROM auth.sessions WHERE revoked_at IS NOT NULL)";

/// A database with entries and ended sessions of several ages.
async fn fill(app: &TestApp) {
    app.db_member(Role::Member).await;
    let sql = "
        INSERT INTO changes (actor_kind, action, entity, entity_id, at)
            SELECT 'system', 'old', 'article', gen_random_uuid(), now() - make_interval(days => days) - interval '1 hour'
            FROM unnest(ARRAY[5, 20, 45, 4000]) AS days;
        INSERT INTO auth.sessions (id, member_id, expires_at, revoked_at)
            SELECT gen_random_uuid(), (SELECT id FROM members), now(), now() - make_interval(days => days) - interval '1 hour'
            FROM unnest(ARRAY[5, 20, 45]) AS days";
    execute(&app.db.url, sql).await;
}

#[actix_web::test]
async fn ended_sessions_and_the_audit_trail_are_not_kept_longer_than_is_set() {
    for (flags, left) in [
        (&[][..], "4000 45 20 5; 20 5"),
        (&["--audit-retention-days", "30", "--session-retention-days", "10"], "20 5; 5"),
    ] {
        let (app, _) = TestApp::start().await;
        fill(&app).await;
        let (_again, _) = TestApp::start_on(app.db.clone(), flags).await;
        until("what is left", async || ask(&app.db.url, LEFT).await == left).await;
    }
}

#[actix_web::test]
async fn more_entries_than_one_step_deletes_are_deleted() {
    let (app, _) = TestApp::start().await;
    let sql = "
        INSERT INTO changes (actor_kind, action, entity, entity_id, at)
            SELECT 'system', 'old', 'article', gen_random_uuid(), now() - interval '99 days' FROM generate_series(1, 10001);
        INSERT INTO changes (actor_kind, action, entity, entity_id, at)
            SELECT 'system', 'load', 'demo', gen_random_uuid(), now() - interval '99 days'";
    execute(&app.db.url, sql).await;
    let (_again, _) = TestApp::start_on(app.db.clone(), &["--audit-retention-days", "30"]).await;
    until("the end", async || {
        ask(&app.db.url, "SELECT count(*) || min(entity) FROM changes").await == "1demo"
    })
    .await;
}
