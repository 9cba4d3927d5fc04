//! Listening to what is new.

use std::time::Duration;

use inkstone::change_feed::live::{Broadcast, MAX_WAITING};
use inkstone::change_feed::model::Head;
use inkstone::change_feed::resolving::Audience;
use inkstone::db::visibility::Notices;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::{CHANGES, article, path_of};
use crate::harness::{Client, TestApp};

const EVENTS: &str = "/api/v1/events";

/// A client that listens, as browsers do it.
struct Listener {
    response: reqwest::Response,
    unread: String,
    last_id: String,
}

/// An event that was dispatched.
#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    data: Value,
}

impl Listener {
    async fn open(client: &Client, query: &str, last_id: &str) -> Self {
        let request =
            client.request(Method::GET, &format!("{EVENTS}{query}")).header("accept", "text/event-stream");
        let request = if last_id.is_empty() { request } else { request.header("last-event-id", last_id) };
        let response = request.open().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { response, unread: String::new(), last_id: String::new() }
    }

    /// A listener that has been given its first id.
    async fn begin(client: &Client, query: &str) -> Self {
        let mut listener = Self::open(client, query, "").await;
        while listener.last_id.is_empty() {
            assert_eq!(listener.read_block().await, None);
        }
        listener
    }

    /// The event of the next block, if it dispatches one.
    async fn read_block(&mut self) -> Option<Event> {
        while !self.unread.contains("\n\n") {
            let chunk = timeout(Duration::from_secs(30), self.response.chunk()).await.unwrap().unwrap();
            self.unread += std::str::from_utf8(&chunk.unwrap()).unwrap();
        }
        let (block, rest) = self.unread.split_once("\n\n").unwrap();
        let (mut name, mut data) = (String::new(), None);
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("event", value)) => name = value.to_owned(),
                Some(("data", value)) => data = Some(serde_json::from_str(value).unwrap()),
                Some(("id", value)) => self.last_id = value.to_owned(),
                Some(("retry", value)) => assert!((2_000..6_000).contains(&value.parse().unwrap())),
                _ => assert_eq!(line, ":"),
            }
        }
        self.unread = rest.to_owned();
        data.map(|data| Event { name, data })
    }

    /// The next event.
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.read_block().await {
                return event;
            }
        }
    }

    /// The next change, as `id op`.
    async fn next_change(&mut self) -> String {
        let event = self.next().await;
        assert_eq!(event.name, "change", "{event:?}");
        assert!(event.data.get("data").is_none(), "events are thin");
        format!("{} {}", event.data["id"].as_str().unwrap(), event.data["op"].as_str().unwrap())
    }
}

#[actix_web::test]
async fn a_listener_is_told_what_happens_to_what_visitors_see() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let mut listener = Listener::begin(&anon, "").await;
    let draft = article(&editor, "draft", "draft").await;
    let id = article(&editor, "a", "published").await;
    assert_eq!(listener.next_change().await, format!("{id} upsert"));
    editor.patch(&path_of(&draft), json!({"title": "still a draft"})).await.expect(200);
    editor.delete(&path_of(&id)).await.expect(204);
    assert_eq!(listener.next_change().await, format!("{id} delete"));
    while listener.read_block().await.is_some() {}
    let since = format!("{CHANGES}?since={}", listener.last_id);
    assert_eq!(anon.get(&since).await.data(200), json!([]), "the last id is a cursor");
}

#[actix_web::test]
async fn the_id_of_an_event_is_a_cursor_of_the_kinds_that_are_listened_to() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let mut listener = Listener::begin(&anon, "?entity=articles").await;
    let id = article(&editor, "a", "published").await;
    assert_eq!(listener.next_change().await, format!("{id} upsert"));
    while listener.read_block().await.is_some() {}
    let notice = json!({"kind": "notice", "title": "n", "status": "published"});
    editor.post("/api/v1/notices", notice).await.expect(201);
    let other = article(&editor, "b", "published").await;
    let since = format!("{CHANGES}?since={}&entity=articles", listener.last_id);
    let told = anon.get(&since).await.data(200);
    let ids: Vec<&Value> = told.as_array().unwrap().iter().map(|line| &line["id"]).collect();
    assert_eq!(ids, [&json!(other)]);
}

#[actix_web::test]
async fn a_snapshot_that_is_under_way_keeps_its_kinds() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for title in ["a", "b"] {
        article(&editor, title, "published").await;
    }
    let page = anon.get(&format!("{CHANGES}?snapshot=true&limit=1")).await.expect(200).json();
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    let narrower = anon.get(&format!("{CHANGES}?since={cursor}&entity=articles")).await;
    assert_eq!(narrower.faults(), [("since".to_owned(), "invalid_cursor".to_owned())]);
}

#[actix_web::test]
async fn a_listener_that_comes_again_is_told_what_it_missed() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let listener = Listener::begin(&anon, "").await;
    let last_id = listener.last_id.clone();
    drop(listener);
    let mut missed = Vec::new();
    for number in 0..3 {
        missed.push(format!("{} upsert", article(&editor, &format!("{number}"), "published").await));
    }
    for query in [String::new(), format!("?since={last_id}")] {
        let header = if query.is_empty() { last_id.as_str() } else { "" };
        let mut listener = Listener::open(&anon, &query, header).await;
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(listener.next_change().await);
        }
        assert_eq!(told, missed);
        let id = article(&editor, "new", "published").await;
        while listener.next_change().await != format!("{id} upsert") {}
    }
}

#[actix_web::test]
async fn what_is_for_members_is_told_to_members_until_their_session_ends() {
    let (app, anon) = TestApp::start().await;
    let (editor, member) = (app.db_member(Role::Editor).await, app.db_member(Role::Member).await);
    let (mut visitors, mut members) =
        (Listener::begin(&anon, "").await, Listener::begin(&member, "?entity=notices").await);
    let notice = json!({"kind": "notice", "title": "m", "status": "published", "audience": "members"});
    let notice = editor.post("/api/v1/notices", notice).await.data(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(members.next_change().await, format!("{notice} upsert"));
    let id = article(&editor, "a", "published").await;
    assert_eq!(visitors.next_change().await, format!("{id} upsert"), "nothing came before it");
    app.db_execute("UPDATE auth.sessions SET revoked_at = now()").await;
    app.shared.app.follower.forget_all();
    let ended = async { while members.response.chunk().await.unwrap().is_some() {} };
    timeout(Duration::from_secs(40), ended).await.unwrap();
}

#[actix_web::test]
async fn a_listener_that_cannot_go_on_from_its_id_is_reset() {
    let (app, anon) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    let last_id = Listener::begin(&anon, "").await.last_id;
    let mut listener = Listener::open(&member, "", &last_id).await;
    assert_eq!(listener.next().await, Event { name: "reset".to_owned(), data: json!({}) });
    // A browser would never come again after a refusal.
    let mut listener = Listener::open(&anon, "", "nonsense").await;
    assert_eq!(listener.next().await.name, "reset");
    let refused = anon.get(&format!("{EVENTS}?since=nonsense")).await;
    assert_eq!(refused.faults(), [("since".to_owned(), "invalid_cursor".to_owned())]);
}

#[actix_web::test]
async fn the_first_listener_misses_nothing_that_comes_before_the_feed_is_read() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let shared = &app.shared;
    let audience = Audience { notices: Notices::Public, included: None };
    let head = Head::find(&shared.app).await.unwrap();
    let id = article(&editor, "a", "published").await;
    // Its task begins after the article was made, and tells it: the listener stands before it.
    let mut receiver = shared.live_feed.clone().into_inner().listen(&shared.app, audience, &head.position);
    match receiver.recv().await {
        Ok(Broadcast::News(frame)) => assert!(String::from_utf8_lossy(&frame.lines[0].1).contains(&id)),
        _ => panic!("not told"),
    }
    drop(anon);
}

#[actix_web::test]
async fn a_listener_that_begins_now_reads_the_feed_once_after_it_has_begun_to_listen() {
    let (_app, anon) = TestApp::start().await;
    let mut listener = Listener::begin(&anon, "").await;
    listener.last_id.clear();
    // Without that reading, the next block is the first heartbeat, which has no id.
    assert_eq!(listener.read_block().await, None);
    assert!(!listener.last_id.is_empty(), "a frame without lines, as nothing is new");
}

#[actix_web::test]
async fn whoever_has_left_is_told_nothing_that_is_for_members() {
    let (app, _) = TestApp::start().await;
    let (editor, member) = (app.db_member(Role::Editor).await, app.db_member(Role::Member).await);
    let mut listener = Listener::begin(&member, "").await;
    let start = member.get(&format!("{CHANGES}?since=now")).await.expect(200).json();
    let wait =
        format!("{CHANGES}?since={}&wait=30&include=body", start["page"]["next_cursor"].as_str().unwrap());
    let leave = async {
        // The wait has begun once the server has answered something else after it.
        member.get("/api/v1/members/me").await.expect(200);
        let own =
            format!("UPDATE auth.sessions SET revoked_at = now() WHERE member_id = '{}'", member.id.unwrap());
        app.db_execute(&own).await;
        app.shared.app.follower.forget_all();
        let notice = json!({"kind": "notice", "title": "m", "status": "published", "audience": "members"});
        editor.post("/api/v1/notices", notice).await.expect(201);
    };
    let (waited, ()) = tokio::join!(member.get(&wait), leave);
    assert_eq!(waited.status, 401, "{}", waited.text());
    let mut rest = String::new();
    while let Some(chunk) = listener.response.chunk().await.unwrap() {
        rest += std::str::from_utf8(&chunk).unwrap();
    }
    assert!(!rest.contains("change"), "{rest}");
}

#[actix_web::test]
async fn a_slow_listener_is_told_that_it_missed_something_and_holds_up_nobody() {
    let (app, anon) = TestApp::start().await;
    let (shared, feed) = (&app.shared, app.shared.live_feed.clone().into_inner());
    let audience = Audience { notices: Notices::Public, included: None };
    let position = Head::find(&shared.app).await.unwrap().position;
    let mut slow = feed.listen(&shared.app, audience, &position);
    let editor = app.db_member(Role::Editor).await;
    let mut quick = Listener::begin(&anon, "").await;
    let id = article(&editor, "a", "published").await;
    quick.next_change().await;
    // Each change that the quick one is told of is a frame of its own.
    for version in 2..=MAX_WAITING + 2 {
        editor.patch(&path_of(&id), json!({"title": format!("{version}")})).await.expect(200);
        quick.next_change().await;
    }
    assert!(matches!(slow.recv().await, Err(RecvError::Lagged(_))));
    assert!(matches!(slow.recv().await, Ok(Broadcast::News(_))), "it goes on with what is left");
}
