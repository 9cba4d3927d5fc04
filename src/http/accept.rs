//! The media types that a request accepts (RFC 9110 §12.5.1).

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

use crate::ranges::parse_ranges;

/// Returns the greatest weight of the ranges of `Accept` that name `media_type`. `None` if none does: `*/*` and
/// `text/*` name no type.
pub fn find_quality(req: &HttpRequest, media_type: &str) -> Option<f32> {
    let accepted = req.headers().get_all(ACCEPT).filter_map(|accepted| accepted.to_str().ok());
    let weights = accepted.flat_map(parse_ranges).filter(|(name, _)| name.eq_ignore_ascii_case(media_type));
    weights.map(|(_, weight)| weight).reduce(f32::max)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_range_counts_with_its_weight_if_it_names_the_type() {
        for (accept, quality) in [
            ("application/json", Some(1.0)),
            ("APPLICATION/JSON; Q=0.5", Some(0.5)),
            ("application/json;version=1; q = 0.5, text/html", Some(0.5)),
            ("application/json;q=0.2, application/json;q=0.7", Some(0.7)),
            ("application/json;q=0", Some(0.0)),
            ("application/json;q=x", Some(0.0)),
            ("application/json;q=2", Some(0.0)),
            ("application/json;q=NaN", Some(0.0)),
            ("*/*, application/*", None),
            ("", None),
        ] {
            let req = TestRequest::default().insert_header((ACCEPT, accept)).to_http_request();
            assert_eq!(find_quality(&req, "application/json"), quality, "{accept}");
        }
    }
}
