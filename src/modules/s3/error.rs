//! Errors of the service as failures.

use crate::module::Failure;
use crate::value::Value;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// What went wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The service's code, such as NoSuchBucket; empty when it did not answer.
    pub code: String,
    /// The status; 0 when it did not answer.
    pub status: u16,
    /// The service's words, or why it did not answer.
    pub message: String,
}

impl<E> From<SdkError<E, HttpResponse>> for Refusal
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Refusal {
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        let code = error.code().unwrap_or_default().to_owned();
        let message = match error.message() {
            Some(message) => message.to_owned(),
            None if status == 0 => innermost(&error),
            None => String::new(),
        };
        // An answer to HEAD has no body, so no code either.
        let code = match (code.as_str(), status) {
            ("", 400..) => status.to_string(),
            _ => code,
        };
        Refusal { code, status, message }
    }
}

/// The last words of a chain of errors: the others only say that something failed.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let text = last.to_string();
    if text.is_empty() { DisplayErrorContext(error).to_string() } else { text }
}

impl Refusal {
    /// Whether the thing asked for is not there.
    pub fn is_missing(&self) -> bool {
        self.status == 404 || self.code.starts_with("NoSuch") || self.code == "NotFound"
    }

    /// Whether the service does not know the request at all, as services other than Amazon's may.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.code.as_str(), "NotImplemented" | "XNotImplemented" | "MethodNotAllowed") || self.status == 501
    }

    /// Whether the request is not allowed.
    pub fn is_forbidden(&self) -> bool {
        self.status == 403
    }

    /// The failure of a task: what could not be done, and the service's words.
    pub fn failure(&self, what: &str) -> Failure {
        let text = match (self.code.as_str(), self.message.as_str()) {
            ("", message) => message.to_owned(),
            (code, "") => format!("An error occurred ({code})"),
            (code, message) => format!("An error occurred ({code}): {message}"),
        };
        let error = Value::from([("code", Value::str(&self.code)), ("message", Value::str(&self.message))]);
        Failure::new(format!("{what}: {text}")).with("error", error)
    }
}
