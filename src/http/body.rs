//! JSON bodies: read within a bound, and checked; what is refused is told by field.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    web::{Bytes, PayloadConfig},
};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{
    bounds::{BODY_PATIENCE, MAX_BODY_BYTES},
    error::{ApiError, ErrorCode, FieldError},
    idempotency::BodyHash,
};

/// A body that was read and whose rules hold.
#[derive(Debug)]
pub struct Checked<T>(pub T);

impl<T: DeserializeOwned + garde::Validate<Context = ()> + 'static> FromRequest for Checked<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let bytes = in_time(request, payload);
        Box::pin(async move {
            if !is_json {
                return Err(not_json());
            }
            read(&bytes.await?).map(Self)
        })
    }
}

/// A body that may be left out; else as [`Checked`].
#[derive(Debug)]
pub struct MaybeChecked<T>(pub Option<T>);

impl<T: DeserializeOwned + garde::Validate<Context = ()> + 'static> FromRequest for MaybeChecked<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let bytes = in_time(request, payload);
        Box::pin(async move {
            match bytes.await? {
                bytes if bytes.is_empty() => Ok(Self(None)),
                _ if !is_json => Err(not_json()),
                bytes => read(&bytes).map(|body| Self(Some(body))),
            }
        })
    }
}

fn is_json(request: &HttpRequest) -> bool {
    request.content_type().eq_ignore_ascii_case("application/json")
}

fn not_json() -> ApiError {
    ApiError::of_status(actix_web::http::StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

/// The body, if it comes in its time and within its bound. Leaves its hash with the request.
fn in_time(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Bytes, ApiError>> + use<> {
    let request = request.clone();
    let bytes = Bytes::from_request(&request, payload);
    async move {
        let late = |_| ApiError::new(ErrorCode::Timeout, "The body did not come in time.");
        let bytes = tokio::time::timeout(BODY_PATIENCE, bytes).await.map_err(late)?;
        // The only refusals of reading are its bound and a connection that ends.
        let bytes = bytes.map_err(|_| {
            let message = format!("The body is larger than {MAX_BODY_BYTES} bytes, or was cut off.");
            ApiError::new(ErrorCode::PayloadTooLarge, message)
        })?;
        request.extensions_mut().insert(BodyHash(Sha256::digest(&bytes).into()));
        Ok(bytes)
    }
}

/// How bodies are bounded.
pub fn bounded() -> PayloadConfig {
    PayloadConfig::new(MAX_BODY_BYTES)
}

/// Reads and checks a body. The first thing of the wrong type or form is refused alone; rules that do not hold are told
/// all at once.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields.
pub fn read<T: DeserializeOwned + garde::Validate<Context = ()>>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = typed(&mut json)?;
    json.end().map_err(|error| {
        let (field, message) = told(".".to_owned(), error.to_string());
        ApiError::invalid_field(field, message)
    })?;
    checked(value)
}

/// The same of fields that came in a message.
///
/// # Errors
/// As [`read`].
pub fn read_fields<T>(fields: serde_json::Map<String, serde_json::Value>) -> Result<T, ApiError>
where
    T: DeserializeOwned + garde::Validate<Context = ()>,
{
    checked(typed(serde_json::Value::Object(fields))?)
}

fn typed<'de, T: DeserializeOwned, D>(json: D) -> Result<T, ApiError>
where
    D: serde::Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let (field, message) = told(path, error.inner().to_string());
        ApiError::invalid_field(field, message)
    })
}

fn checked<T: garde::Validate<Context = ()>>(value: T) -> Result<T, ApiError> {
    value.validate().map_err(|report| {
        let refused = |(path, error): &(garde::Path, garde::Error)| FieldError {
            field: path.to_string().into(),
            message: error.message().to_owned().into(),
        };
        ApiError::invalid(report.iter().map(refused).collect())
    })?;
    Ok(value)
}

/// Which field a message of serde is about, and the message without its place in the text. A field that is missing is
/// told at what should hold it.
fn told(path: String, message: String) -> (String, String) {
    let message = match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    };
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let field = match (path.as_str(), missing) {
        (".", Some(name)) => name.to_owned(),
        (".", None) => "body".to_owned(),
        (_, Some(name)) => format!("{path}.{name}"),
        (_, None) => path,
    };
    (field, message)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, garde::Validate)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[garde(length(chars, min = 2, max = 5))]
        name: String,
        #[garde(range(max = 9))]
        count: u32,
        #[garde(skip)]
        #[serde(default)]
        #[allow(dead_code)] // only read
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[allow(dead_code)] // only read
        deep: u32,
    }

    #[test]
    fn what_is_refused_is_told_by_field() {
        let cases: [(&str, Result<(), &[&str]>); 10] = [
            (r#"{"name":"abc","count":1}"#, Ok(())),
            (r#"{"name":"a","count":10}"#, Err(&["name", "count"])),
            (r#"{"name":1,"count":1}"#, Err(&["name"])),
            (r#"{"name":"abc","count":-1}"#, Err(&["count"])),
            (r#"{"name":"abc"}"#, Err(&["count"])),
            (r#"{"name":"abc","count":1,"inner":{}}"#, Err(&["inner.deep"])),
            (r#"{"name":"abc","count":1,"more":1}"#, Err(&["more"])),
            (r#"{"name":"abc","count":1} x"#, Err(&["body"])),
            ("", Err(&["body"])),
            ("[1]", Err(&["[0]"])),
        ];
        for (body, expected) in cases {
            let read = read::<Body>(body.as_bytes()).map(|_| ());
            assert!(read.as_ref().err().is_none_or(|error| !error.details[0].message.contains(" at line ")), "{body}");
            let read = read.map_err(|error| error.details.iter().map(|d| d.field.to_string()).collect::<BTreeSet<_>>());
            let expected = expected.map_err(|fields| fields.iter().map(ToString::to_string).collect::<BTreeSet<_>>());
            assert_eq!(read, expected, "{body}");
            // A message's fields are refused in the same way, as far as they are fields at all.
            let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(body) else { continue };
            let read = read_fields::<Body>(fields).map(|_| ());
            let read = read.map_err(|error| error.details.iter().map(|d| d.field.to_string()).collect::<BTreeSet<_>>());
            assert_eq!(read, expected, "{body}");
        }
    }
}
