//! The cryptography of JSON Web Tokens: EdDSA with Ed25519 keys, and no other algorithm.

use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::{Signature, SignatureError, Signer, SigningKey, Verifier, VerifyingKey};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, Result};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    // Conversions between keys and JWKs, which the ring does itself.
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

/// Makes this the cryptography of all tokens in the process. Later calls do nothing.
pub fn install() {
    let _ = PROVIDER.install_default();
}

fn unsupported() -> Error {
    ErrorKind::InvalidAlgorithm.into()
}

/// Fails unless the algorithm and the key are both of Ed25519.
fn check(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    if algorithm == Algorithm::EdDSA && family == AlgorithmFamily::Ed { Ok(()) } else { Err(unsupported()) }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    check(*algorithm, key.family())?;
    let key = SigningKey::from_pkcs8_der(key.as_bytes()).map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(EdDsaSigner(key)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    check(*algorithm, key.family())?;
    let key = VerifyingKey::try_from(key.try_get_as_bytes()?).map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(EdDsaVerifier(key)))
}

struct EdDsaSigner(SigningKey);

impl Signer<Vec<u8>> for EdDsaSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, SignatureError> {
        Ok(self.0.try_sign(message)?.to_bytes().to_vec())
    }
}

impl JwtSigner for EdDsaSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct EdDsaVerifier(VerifyingKey);

impl Verifier<Vec<u8>> for EdDsaVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), SignatureError> {
        self.0.verify(message, &Signature::from_slice(signature)?)
    }
}

impl JwtVerifier for EdDsaVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ed25519_dalek::pkcs8::EncodePrivateKey;
    use jsonwebtoken::crypto::{sign, verify};

    use super::*;

    /// The keys, the message and the signature of RFC 8037, appendix A.
    const SECRET: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const MESSAGE: &[u8] = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const SIGNATURE: &str =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    fn keys() -> (EncodingKey, DecodingKey) {
        install();
        let secret = URL_SAFE_NO_PAD.decode(SECRET).unwrap().try_into().unwrap();
        let der = SigningKey::from_bytes(&secret).to_pkcs8_der().unwrap();
        (EncodingKey::from_ed_der(der.as_bytes()), DecodingKey::from_ed_components(PUBLIC).unwrap())
    }

    #[test]
    fn it_signs_and_verifies_as_the_rfc_does() {
        let (secret, public) = keys();
        assert_eq!(sign(MESSAGE, &secret, Algorithm::EdDSA).unwrap(), SIGNATURE);
        assert!(verify(SIGNATURE, MESSAGE, &public, Algorithm::EdDSA).unwrap());
        assert!(!verify(SIGNATURE, b"another message", &public, Algorithm::EdDSA).unwrap());
        assert!(!verify(&SIGNATURE[4..], MESSAGE, &public, Algorithm::EdDSA).unwrap());
    }

    #[test]
    fn no_other_algorithm_or_key_works() {
        use Algorithm::{ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512};
        let (secret, public) = keys();
        for algorithm in [ES256, ES384, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512] {
            assert!(sign(MESSAGE, &secret, algorithm).is_err(), "{algorithm:?}");
            assert!(verify(SIGNATURE, MESSAGE, &public, algorithm).is_err(), "{algorithm:?}");
        }
        let bytes = URL_SAFE_NO_PAD.decode(PUBLIC).unwrap();
        for algorithm in [HS256, EdDSA] {
            assert!(sign(MESSAGE, &EncodingKey::from_secret(&bytes), algorithm).is_err());
            assert!(verify(SIGNATURE, MESSAGE, &DecodingKey::from_secret(&bytes), algorithm).is_err());
        }
        let short = DecodingKey::from_ed_der(&bytes[..31]);
        assert!(verify(SIGNATURE, MESSAGE, &short, EdDSA).is_err());
    }
}
