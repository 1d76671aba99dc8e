//! An object's headers and metadata, from a task's `metadata` and `headers`.

use super::Args;
use crate::value::Map;
use std::collections::HashMap;

/// What is sent beside an object's content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Metadata of the user.
    pub metadata: HashMap<String, String>,
    /// The type of the content.
    pub content_type: Option<String>,
    /// For caches.
    pub cache_control: Option<String>,
    /// Whether it is to be saved, and under what name.
    pub content_disposition: Option<String>,
    /// Such as gzip.
    pub content_encoding: Option<String>,
    /// Such as en.
    pub content_language: Option<String>,
    /// Such as STANDARD_IA.
    pub storage_class: Option<String>,
    /// Where a website leads to instead.
    pub redirect: Option<String>,
}

impl Attributes {
    /// Of a task. Names that HTTP or S3 knows become headers, all others metadata.
    pub fn of(args: &Args) -> Attributes {
        let mut attributes = Attributes::default();
        for given in [&args.metadata, &args.headers].into_iter().flatten() {
            attributes.take(given);
        }
        attributes
    }

    fn take(&mut self, given: &Map) {
        for (key, value) in given {
            let (key, value) = (key.to_string(), value.to_string());
            let plain = key.to_lowercase().replace(['-', '_'], "");
            match plain.as_str() {
                "contenttype" => self.content_type = Some(value),
                "cachecontrol" => self.cache_control = Some(value),
                "contentdisposition" => self.content_disposition = Some(value),
                "contentencoding" => self.content_encoding = Some(value),
                "contentlanguage" => self.content_language = Some(value),
                "storageclass" | "xamzstorageclass" => self.storage_class = Some(value),
                "websiteredirectlocation" | "xamzwebsiteredirectlocation" => self.redirect = Some(value),
                _ => {
                    let name = key.strip_prefix("x-amz-meta-").unwrap_or(&key);
                    self.metadata.insert(name.to_owned(), value);
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn known_names_are_headers() {
        let mut attributes = Attributes::default();
        let given = Value::from([("Content-Type", "text/x"), ("x-foo", "bar"), ("x-amz-meta-z", "zz")]);
        attributes.take(given.as_map().unwrap());
        assert_eq!(attributes.content_type.as_deref(), Some("text/x"));
        assert_eq!(attributes.metadata["x-foo"], "bar");
        assert_eq!(attributes.metadata["z"], "zz");
    }
}
