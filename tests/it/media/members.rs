//! Media for members: their addresses are signed, and nobody else learns of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inkstone::operations::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::pictures::{jpeg, pdf};
use super::{api_path, id_of, path_of, upload, visitor};
use crate::harness::{Client, TestApp};

/// A query as the server would write it, for any time.
fn sign(app: &TestApp, media: &Value, until: i64) -> String {
    let id: Uuid = id_of(media).parse().unwrap();
    let seal = app.shared.app.keys.seal(&[b"media for members", id.as_bytes(), &until.to_be_bytes()]);
    format!("?exp={until}&sig={}", URL_SAFE_NO_PAD.encode(seal))
}

async fn is_refused(client: &Client, path: &str) -> bool {
    let answer = client.get(path).await;
    let is_kept = answer.header("cache-control").contains("public");
    assert!(!is_kept, "{path} {}: {}", answer.status, answer.header("cache-control"));
    matches!(answer.status, 403 | 404)
}

#[actix_web::test]
async fn an_address_for_members_works_as_long_as_its_signature_says() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    let visitor = visitor(&app);
    for bytes in [jpeg(64, 48), pdf(99)] {
        let media = upload(&cast.author, "?audience=members", &bytes).await.data(201);
        assert_eq!(cast.anon.get(&api_path(&media)).await.status, 404);
        let seen = cast.member.get(&api_path(&media)).await.data(200);
        assert_eq!((&seen["url"], &seen["used_by"]), (&media["url"], &Value::Null));
        let path = path_of(&seen["url"]);
        let (bare, query) = path.split_once('?').unwrap();
        let now = app.shared.app.now().timestamp();
        let until: i64 = query.strip_prefix("exp=").unwrap().split('&').next().unwrap().parse().unwrap();
        assert!((now + 86_400..=now + 2 * 86_400).contains(&until), "one to two days");
        for _ in 0..2 {
            let served = anon.get(&path).await.expect(200);
            assert_eq!(served.header("cache-control"), "private, max-age=3600");
        }
        assert_eq!(sign(&app, &media, until), format!("?{query}"), "as this test signs");
        anon.get(&format!("{bare}{}", sign(&app, &media, now + 60))).await.expect(200);
        assert!(is_refused(&anon, bare).await, "unsigned");
        assert!(is_refused(&anon, &format!("{bare}{}", sign(&app, &media, now - 60))).await, "expired");
        assert!(
            is_refused(&anon, &path.replace(&format!("exp={until}"), &format!("exp={}", until + 1))).await,
            "longer"
        );
        assert!(is_refused(&anon, &format!("{path}A")).await, "another signature");
        assert!(is_refused(&anon, &format!("{bare}?exp={until}")).await);
        assert!(is_refused(&anon, &format!("{bare}?sig=")).await);
        let other = upload(&cast.author, "?audience=members", &jpeg(16, 16)).await.data(201);
        assert!(is_refused(&anon, &format!("{bare}{}", sign(&app, &other, until))).await, "of other media");
        // The short path leads on with the signature only.
        let present = format!("/media/{}", id_of(&media));
        assert!(is_refused(&visitor, &present).await);
        let led = visitor.get(&format!("{present}?{query}")).await.expect(302);
        assert_eq!(led.header("cache-control"), "private, no-store");
        anon.get(&path_of(&json!(led.header("location")))).await.expect(200);
    }
}

#[actix_web::test]
async fn media_for_members_are_in_their_notices_and_in_no_article() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    let media = upload(&cast.author, "?audience=members&alt=secret", &jpeg(400, 300)).await.data(201);
    let body = format!("<p><img src=\"/media/{}\"></p>", id_of(&media));
    let cover = json!({"title": "Covered", "cover": media["id"]});
    let refused = cast.editor.post("/api/v1/articles", cover).await.expect(422);
    assert_eq!(refused.faults(), [("/cover".to_owned(), "unknown_reference".to_owned())]);
    let article = json!({"title": "Open", "body": body, "status": "published"});
    let article = cast.editor.post("/api/v1/articles", article).await.data(201);
    let notice = |audience: &str| json!({"kind": "notice", "title": audience, "body": body, "audience": audience, "status": "published"});
    let for_all = cast.editor.post("/api/v1/notices", notice("public")).await.data(201);
    let for_members = cast.editor.post("/api/v1/notices", notice("members")).await.data(201);
    let read = async |client: &Client, kind: &str, thing: &Value| {
        client.get(&format!("/api/v1/{kind}/{}", id_of(thing))).await.data(200)["body"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for client in [&anon, &cast.member, &cast.editor] {
        for (kind, thing) in [("articles", &article), ("notices", &for_all)] {
            let body = read(client, kind, thing).await;
            assert!(!body.contains("sig=") && !body.contains("secret"), "{kind}: {body}");
        }
    }
    let body = read(&cast.member, "notices", &for_members).await;
    let src = body.split("src=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    assert!(body.contains("alt=\"secret\"") && body.contains("srcset="), "{body}");
    anon.get(&path_of(&json!(src))).await.expect(200);
    anon.get(&format!("/api/v1/notices/{}", id_of(&for_members))).await.expect(404);
    // What was public and has become for members is in no article any more, at once.
    let open = upload(&cast.author, "?alt=lighthouse", &jpeg(64, 48)).await.data(201);
    let shown = json!({"title": "Shown", "cover": open["id"], "status": "published",
                       "body": format!("<img src=\"/media/{}\">", id_of(&open))});
    let shown = cast.editor.post("/api/v1/articles", shown).await.data(201);
    let path = format!("/api/v1/articles/{}", id_of(&shown));
    for _ in 0..2 {
        assert_eq!(anon.get(&path).await.data(200)["image"]["alt"], "lighthouse");
    }
    cast.editor.patch(&api_path(&open), json!({"audience": "members"})).await.expect(200);
    let hidden = anon.get(&path).await.data(200);
    assert_eq!((&hidden["image"], &hidden["cover_url"]), (&Value::Null, &Value::Null));
    assert!(!hidden.to_string().contains("lighthouse"), "{hidden}");
    let list = anon.get("/api/v1/articles").await.expect(200).text();
    assert!(!list.contains("lighthouse"), "{list}");
}

#[actix_web::test]
async fn a_list_of_media_is_for_the_staff() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    upload(&cast.author, "?audience=members", &jpeg(16, 16)).await.expect(201);
    anon.get(super::MEDIA).await.expect(401);
    cast.member.get(super::MEDIA).await.expect(403);
    for client in [app.db_member(Role::Author).await, cast.editor] {
        let list = client.get(super::MEDIA).await.data(200);
        anon.get(&path_of(&list[0]["url"])).await.expect(200);
    }
}
