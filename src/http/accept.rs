//! The media types that a request accepts (RFC 9110 §12.5.1).

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

/// Returns the greatest weight of the ranges of `Accept` that name `media_type`. `None` if none does: `*/*` and
/// `text/*` name no type.
pub fn find_quality(req: &HttpRequest, media_type: &str) -> Option<f32> {
    let accepted = req.headers().get_all(ACCEPT).filter_map(|accepted| accepted.to_str().ok());
    let ranges = accepted.flat_map(|accepted| accepted.split(','));
    ranges.filter_map(|range| weigh_range(range, media_type)).reduce(f32::max)
}

/// The weight of a range that names `media_type`. A weight that cannot be read is 0.
fn weigh_range(range: &str, media_type: &str) -> Option<f32> {
    let mut parts = range.split(';').map(str::trim);
    parts.next().filter(|name| name.eq_ignore_ascii_case(media_type))?;
    let mut parameters = parts.filter_map(|part| part.split_once('='));
    let weight = match parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("q")) {
        None => 1.0,
        Some((_, value)) => value.trim().parse().unwrap_or(0.0),
    };
    Some(if (0.0..=1.0).contains(&weight) { weight } else { 0.0 })
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
