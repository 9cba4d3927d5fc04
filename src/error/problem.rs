//! How an error is told: as a problem document (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CONTENT_LANGUAGE, HeaderValue, LINK, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{At, Code, Error, Fault, Params};
use crate::language::Language;
use crate::telemetry;

/// Where the pages about the kinds of problems are.
pub const PROBLEM_PAGES: &str = "/problems";

/// A problem document (RFC 9457), the body of every failure.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// The address of a page about the kind of problem, on this server.
    #[schema(format = "uri-reference", example = "/problems/unknown_parameter")]
    r#type: String,
    /// The kind of problem, in words.
    #[schema(example = "Unknown parameter")]
    title: &'static str,
    /// The HTTP status, again.
    #[schema(example = 400, minimum = 400, maximum = 599)]
    status: u16,
    /// The stable name of the kind of problem.
    #[schema(example = "unknown_parameter")]
    code: &'static str,
    /// What went wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Unknown parameter `catgory`; did you mean `category`?")]
    detail: Option<String>,
    /// What the sentence holds, like `{"seconds": 30}`.
    #[serde(skip_serializing_if = "Params::is_empty")]
    #[schema(value_type = Option<Object>, nullable = false)]
    params: Params,
    /// Each single fault, where there are places to name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemFault>,
    /// The version the thing has now (only with `version_mismatch`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    current_version: Option<i32>,
    /// What was done before it (only of imports).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    summary: Option<Value>,
    /// The id under which the server logged this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0199f0a2b6c57d3e9f0a1b2c3d4e5f60")]
    request_id: Option<String>,
}

/// One fault of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemFault {
    /// A JSON pointer into the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/title")]
    pointer: Option<String>,
    /// The query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "catgory")]
    parameter: Option<String>,
    /// The stable name of the kind of fault.
    #[schema(example = "unknown_parameter")]
    code: &'static str,
    /// What is wrong, for a person to read.
    detail: String,
    /// What the sentence holds, like `{"max": 300}`.
    #[serde(skip_serializing_if = "Params::is_empty")]
    #[schema(value_type = Option<Object>, nullable = false, example = json!({"max": 300}))]
    params: Params,
}

impl From<&Fault> for ProblemFault {
    fn from(fault: &Fault) -> Self {
        let (pointer, parameter) = match &fault.at {
            At::Pointer(pointer) => (Some(pointer.clone()), None),
            At::Parameter(name) => (None, Some(name.clone())),
        };
        Self {
            pointer,
            parameter,
            code: fault.code.as_str(),
            detail: fault.sentence(),
            params: fault.detail.params(),
        }
    }
}

impl Problem {
    /// How `error` is told to the client of the request being served.
    fn of(error: &Error) -> Self {
        let code = error.code();
        Self {
            r#type: format!("{PROBLEM_PAGES}/{}", code.as_str()),
            title: code.title(Language::current()),
            status: code.status().as_u16(),
            code: code.as_str(),
            detail: error.detail(),
            params: error.params(),
            errors: match error {
                Error::Faults(_, faults) => faults.iter().map(ProblemFault::from).collect(),
                _ => Vec::new(),
            },
            current_version: match error {
                Error::Stale { current } => Some(*current),
                _ => None,
            },
            summary: None,
            request_id: telemetry::request_id(),
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.code().status()
    }

    fn error_response(&self) -> HttpResponse {
        self.answer(None)
    }
}

impl Error {
    /// The answer that tells of the error, with a summary of what was done before it.
    pub fn answer(&self, summary: Option<Value>) -> HttpResponse {
        let request_id = telemetry::request_id();
        match self {
            Self::Internal(_) => tracing::error!(request_id, error = %self, "A request failed"),
            Self::Unavailable(_) | Self::Contended(_) | Self::OutcomeUnknown(_) => {
                tracing::warn!(request_id, error = %self, "A request was turned away");
            }
            _ => {}
        }
        let status = self.code().status();
        let mut response = HttpResponse::build(status);
        response.insert_header(("content-type", "application/problem+json"));
        response.insert_header(("cache-control", "no-store"));
        response.insert_header((CONTENT_LANGUAGE, Language::current().tag()));
        response.insert_header((VARY, "Accept-Language"));
        self.add_headers(status, &mut response);
        response.body(serde_json::to_vec(&Problem { summary, ..Problem::of(self) }).unwrap_or_default())
    }

    /// Adds the headers that say what the client can do.
    fn add_headers(&self, status: StatusCode, response: &mut HttpResponseBuilder) {
        match self {
            Self::MethodNotAllowed { allow } => {
                if let Ok(allow) = HeaderValue::from_str(allow) {
                    response.insert_header((ALLOW, allow));
                }
            }
            Self::Throttled { rule, free, window, wait } => {
                response.insert_header((RETRY_AFTER, wait.to_string()));
                response.insert_header(("ratelimit-policy", format!("\"{rule}\";q={free};w={window}")));
                response.insert_header(("ratelimit", format!("\"{rule}\";r=0;t={wait}")));
            }
            Self::Refused(Code::TokenExpired, _) => {
                // RFC 6750 §3.1: the client may ask for another token, and try again.
                let challenge = "Bearer realm=\"inkstone\", error=\"invalid_token\", \
                    error_description=\"The access token has expired\"";
                response.insert_header((WWW_AUTHENTICATE, challenge));
            }
            Self::Refused(Code::CursorExpired, _) => {
                response.insert_header((LINK, "</api/v1/changes?snapshot=true>; rel=\"start\""));
            }
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((RETRY_AFTER, "1"));
            }
            _ if status == StatusCode::UNAUTHORIZED => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"inkstone\""));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_503_says_when_to_come_back() {
        let skewed = Error::Refused(Code::Unavailable, "The clocks differ.".into());
        for error in [Error::Unavailable(String::new()), Error::Contended(String::new()), skewed] {
            let response = error.answer(None);
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(response.headers().contains_key(RETRY_AFTER), "{error:?}");
        }
    }
}
