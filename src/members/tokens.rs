//! Access tokens: JSON Web Tokens as RFC 9068 has them, signed with EdDSA (RFC 8037).

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Code, Error, Result};
use crate::keys::Ring;

/// Who issues a token and whom it is for.
const ISSUER: &str = "inkstone";
/// The only type of token taken, so that no other JWT of ours can pass for one.
const TYPE: &str = "at+jwt";
/// Seconds that clocks may differ.
pub const LEEWAY: u64 = 30;

/// What a token says. It names no role: that is read with the session, and is always current.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// The member.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    jti: Uuid,
}

impl Claims {
    /// Whether the token is valid at `now`, give or take [`LEEWAY`].
    fn hold_at(&self, now: DateTime<Utc>) -> bool {
        let (earliest, latest) = (
            now.timestamp().saturating_sub_unsigned(LEEWAY),
            now.timestamp().saturating_add_unsigned(LEEWAY),
        );
        self.exp >= earliest && self.iat <= latest && self.nbf.is_none_or(|begin| begin <= latest)
    }
}

/// A token for `member` in `session`, valid for `seconds` from `now`.
pub fn issue(ring: &Ring, member: Uuid, session: Uuid, now: DateTime<Utc>, seconds: u64) -> Result<String> {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(ring.kid.clone());
    let iat = now.timestamp();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: ISSUER.to_owned(),
        sub: member,
        sid: session,
        iat,
        exp: iat.saturating_add_unsigned(seconds),
        nbf: None,
        jti: Uuid::new_v4(),
    };
    encode(&header, &claims, &ring.signing).map_err(|cause| Error::Internal(cause.into()))
}

/// The token was valid until it expired: the app is to refresh it.
pub fn token_expired() -> Error {
    let detail = "The access token has expired; POST /api/v1/auth/refresh gives a new one.";
    Error::Refused(Code::TokenExpired, detail.into())
}

/// What `token` says, if this site issued it and it is valid at `now`, a time of the database's clock.
///
/// One answer for every cause, but for a token of ours that has expired. The algorithm is EdDSA whatever the token says
/// (RFC 8725 §3.1), and key references in its header are never followed.
pub fn verify(ring: &Ring, retired_for: TimeDelta, now: DateTime<Utc>, token: &str) -> Result<Claims> {
    let refused = |_| Error::unauthenticated();
    let header = decode_header(token).map_err(refused)?;
    let key = header.kid.as_deref().and_then(|kid| ring.verifying_key(kid, now - retired_for));
    let known = header.typ.as_deref() == Some(TYPE) && header.crit.is_none();
    let key = key.filter(|_| known).ok_or_else(Error::unauthenticated)?;
    let mut rules = Validation::new(Algorithm::EdDSA);
    // The library knows this machine's clock only.
    rules.validate_exp = false;
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[ISSUER]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = decode::<Claims>(token, key, &rules).map_err(refused)?.claims;
    if claims.hold_at(now) {
        Ok(claims)
    } else if claims.exp < now.timestamp() {
        Err(token_expired())
    } else {
        Err(Error::unauthenticated())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Ring {
        Ring::generate().unwrap()
    }

    fn token(ring: &Ring, from_now: i64, seconds: u64) -> String {
        let start = Utc::now() + chrono::TimeDelta::seconds(from_now);
        issue(ring, Uuid::new_v4(), Uuid::new_v4(), start, seconds).unwrap()
    }

    #[test]
    fn a_token_holds_within_its_time_and_half_a_minute() {
        let ring = ring();
        assert!(verify(&ring, TimeDelta::zero(), Utc::now(), &token(&ring, 0, 600)).is_ok());
        assert!(verify(&ring, TimeDelta::zero(), Utc::now(), &token(&ring, -620, 600)).is_ok());
        assert!(verify(&ring, TimeDelta::zero(), Utc::now(), &token(&ring, -632, 600)).is_err());
        assert!(verify(&ring, TimeDelta::zero(), Utc::now(), &token(&ring, 28, 600)).is_ok());
        assert!(verify(&ring, TimeDelta::zero(), Utc::now(), &token(&ring, 33, 600)).is_err());
    }

    #[test]
    fn another_key_signs_nothing_for_us() {
        let (ours, theirs) = (ring(), ring());
        assert!(verify(&ours, TimeDelta::zero(), Utc::now(), &token(&theirs, 0, 600)).is_err());
    }

    #[test]
    fn a_changed_token_is_refused() {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let ring = ring();
        let good = token(&ring, 0, 600);
        let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
        for header in [
            r#"{"alg":"none","typ":"at+jwt"}"#,
            r#"{"alg":"HS256","typ":"at+jwt"}"#,
            r#"{"alg":"EdDSA","typ":"JWT"}"#,
        ] {
            parts[0] = URL_SAFE_NO_PAD.encode(header);
            assert!(verify(&ring, TimeDelta::zero(), Utc::now(), &parts.join(".")).is_err(), "{header}");
        }
        assert!(verify(&ring, TimeDelta::zero(), Utc::now(), &good[..good.len() - 4]).is_err());
        assert!(verify(&ring, TimeDelta::zero(), Utc::now(), good.rsplit_once('.').unwrap().0).is_err());
        assert!(verify(&ring, TimeDelta::zero(), Utc::now(), "").is_err());
    }
}
