//! Access tokens: their claims, their verification, and attempts to forge them.

use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use inkstone::keys::Ring;
use inkstone::operations::Role;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use super::ME;
use crate::harness::{Client, TestApp};

const JWKS: &str = "/.well-known/jwks.json";

/// Decodes the claims of a token.
pub fn decode_claims(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}

/// Returns the status of a request with this token.
async fn request_status(app: &TestApp, token: String) -> u16 {
    Client::new(&app.url, Some(token)).get(ME).await.status
}

/// Starts a server; returns it and the token of a member.
async fn start_with_token() -> (TestApp, String) {
    let (app, _) = TestApp::start().await;
    let token = app.db_member(Role::Admin).await.token.unwrap();
    (app, token)
}

/// Signs a token with any header and claims by `key`.
fn sign_token(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    encode(header, claims, key).unwrap()
}

/// The signature of `message` by a shared secret.
fn hmac<M: Mac + KeyInit>(secret: &[u8], message: &str) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(secret).unwrap();
    mac.update(message.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// A key that is not the server's.
fn generate_foreign_key() -> Ring {
    Ring::generate().unwrap()
}

#[actix_web::test]
async fn a_token_holds_member_and_times_and_no_role() {
    let (app, token) = start_with_token().await;
    let header = decode_header(&token).unwrap();
    assert_eq!((header.typ.as_deref(), header.alg), (Some("at+jwt"), Algorithm::EdDSA));
    assert_eq!(header.kid.as_deref(), Some(app.shared.app.ring().await.unwrap().kid.as_str()));
    let claims = decode_claims(&token);
    let mut keys: Vec<&String> = claims.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["aud", "exp", "iat", "iss", "jti", "sid", "sub"]);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("inkstone"), &json!("inkstone")));
}

#[actix_web::test]
async fn the_published_keys_verify_a_token() {
    let (app, anon) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    let token = member.token.unwrap();
    let answer = anon.get(JWKS).await.expect(200);
    let set: JwkSet = serde_json::from_slice(&answer.bytes).unwrap();
    let key = set.find(&decode_header(&token).unwrap().kid.unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_audience(&["inkstone"]);
    let checked = decode::<Value>(&token, &DecodingKey::from_jwk(key).unwrap(), &rules).unwrap();
    assert_eq!(checked.claims["sub"], json!(member.id));
    let keys = &answer.json()["keys"];
    assert!(keys.as_array().unwrap().iter().all(|key| key.get("d").is_none()), "a private key is shown");
}

#[actix_web::test]
async fn a_token_without_a_signature_is_refused() {
    let (app, token) = start_with_token().await;
    let (body, signature) = token.rsplit_once('.').unwrap();
    let middle = body.split('.').nth(1).unwrap();
    let kid = &app.shared.app.ring().await.unwrap().kid;
    for algorithm in ["none", "None", "nOnE", "NONE", "", "EdDSA"] {
        let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": kid}).to_string();
        let header = URL_SAFE_NO_PAD.encode(header);
        assert_eq!(request_status(&app, format!("{header}.{middle}.")).await, 401, "{algorithm}");
        let signed = format!("{header}.{middle}.{signature}");
        assert_eq!(request_status(&app, signed).await, 401, "{algorithm}, with another's signature");
    }
}

#[actix_web::test]
async fn a_token_signed_with_the_public_key_as_a_secret_is_refused() {
    let (app, token) = start_with_token().await;
    let jwks = Client::new(&app.url, None).get(JWKS).await.json();
    let public = jwks["keys"][0]["x"].as_str().unwrap();
    let mut header = decode_header(&token).unwrap();
    let middle = token.split('.').nth(1).unwrap();
    for algorithm in [Algorithm::HS256, Algorithm::HS512] {
        header.alg = algorithm;
        let head = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).unwrap());
        let message = format!("{head}.{middle}");
        for secret in [URL_SAFE_NO_PAD.decode(public).unwrap(), public.into(), jwks.to_string().into()] {
            let signature = match algorithm {
                Algorithm::HS256 => hmac::<Hmac<Sha256>>(&secret, &message),
                _ => hmac::<Hmac<Sha512>>(&secret, &message),
            };
            let forged = format!("{message}.{signature}");
            assert_eq!(request_status(&app, forged).await, 401, "{algorithm:?}");
        }
    }
}

#[actix_web::test]
async fn a_key_in_the_header_of_a_token_is_never_fetched_or_used() {
    let (app, token) = start_with_token().await;
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks.json", canary.local_addr().unwrap());
    let theirs = generate_foreign_key();
    let theirs_public: JwkSet = serde_json::from_value(theirs.jwks(Utc::now())).unwrap();
    let ours = app.shared.app.ring().await.unwrap();
    for kid in [&ours.kid, &theirs.kid] {
        let mut header = decode_header(&token).unwrap();
        header.kid = Some(kid.clone());
        header.jku = Some(url.clone());
        header.x5u = Some(url.clone());
        header.jwk = Some(theirs_public.keys[0].clone());
        assert_eq!(
            request_status(&app, sign_token(&header, &decode_claims(&token), &theirs.signing)).await,
            401
        );
    }
    assert!(canary.accept().is_err(), "the server called the address in the token");
}

#[actix_web::test]
async fn another_key_id_or_type_is_refused_even_with_the_right_signature() {
    let (app, token) = start_with_token().await;
    let keys = app.shared.app.ring().await.unwrap();
    let good = decode_header(&token).unwrap();
    assert_eq!(request_status(&app, sign_token(&good, &decode_claims(&token), &keys.signing)).await, 200);
    for kid in [Some("other"), Some("../../../dev/null"), Some("' OR 1=1 --"), Some(""), None] {
        let header = Header { kid: kid.map(str::to_owned), ..good.clone() };
        assert_eq!(
            request_status(&app, sign_token(&header, &decode_claims(&token), &keys.signing)).await,
            401,
            "{kid:?}"
        );
    }
    for typ in [Some("JWT"), Some("at+jwt "), None] {
        let header = Header { typ: typ.map(str::to_owned), ..good.clone() };
        assert_eq!(
            request_status(&app, sign_token(&header, &decode_claims(&token), &keys.signing)).await,
            401,
            "{typ:?}"
        );
    }
}

#[actix_web::test]
async fn a_damaged_token_is_refused() {
    let (app, token) = start_with_token().await;
    let other = app.db_member(Role::Member).await.token.unwrap();
    let (body, signature) = token.rsplit_once('.').unwrap();
    for damaged in [
        token[..token.len() - 1].to_owned(),
        token[..token.len() - 8].to_owned(),
        body.to_owned(),
        format!("{body}.{}", other.rsplit_once('.').unwrap().1),
        format!("{token}.{signature}"),
        format!("{body}.{signature}=="),
        token.replace('.', ""),
        "..".to_owned(),
    ] {
        assert_eq!(request_status(&app, damaged.clone()).await, 401, "{damaged}");
    }
}

#[actix_web::test]
async fn a_token_is_valid_only_within_its_times_and_for_this_site() {
    let (app, token) = start_with_token().await;
    let (header, now) = (decode_header(&token).unwrap(), chrono::Utc::now().timestamp());
    for (claim, value) in [
        ("exp", json!(now - 60)),
        ("exp", json!(-1)),
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("exp", json!(null)),
        ("nbf", json!(now + 120)),
        ("iat", json!(now + 120)),
        ("iss", json!("another")),
        ("aud", json!("another")),
        ("sid", json!("not an id")),
    ] {
        let mut claims = decode_claims(&token);
        claims[claim] = value.clone();
        let forged = sign_token(&header, &claims, &app.shared.app.ring().await.unwrap().signing);
        assert_eq!(request_status(&app, forged).await, 401, "{claim}: {value}");
    }
}

#[actix_web::test]
async fn a_token_without_a_required_claim_is_refused() {
    let (app, token) = start_with_token().await;
    let header = decode_header(&token).unwrap();
    for claim in ["exp", "iat", "iss", "aud", "sub", "sid"] {
        let mut claims = decode_claims(&token);
        claims.as_object_mut().unwrap().remove(claim);
        let forged = sign_token(&header, &claims, &app.shared.app.ring().await.unwrap().signing);
        assert_eq!(request_status(&app, forged).await, 401, "without {claim}");
    }
}

#[actix_web::test]
async fn a_session_works_only_for_its_own_member() {
    let (app, _) = TestApp::start().await;
    let (admin, member) = (app.db_member(Role::Admin).await, app.db_member(Role::Member).await);
    let token = member.token.unwrap();
    let mut claims = decode_claims(&token);
    claims["sub"] = json!(admin.id);
    let forged =
        sign_token(&decode_header(&token).unwrap(), &claims, &app.shared.app.ring().await.unwrap().signing);
    assert_eq!(request_status(&app, forged).await, 401);
}
