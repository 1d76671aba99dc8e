//! What a module plans, returns, or fails with.

use crate::value::{Key, Map, Value};
use serde::{Deserialize, Serialize};

/// Content that the controller offers and the host fetches when it needs it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobRef {
    /// SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// SHA-1, in lower-case hexadecimal digits: what Ansible returns as `checksum`.
    pub sha1: String,
    /// Bytes.
    pub size: u64,
}

impl BlobRef {
    /// The reference as an argument's value.
    pub fn to_value(&self) -> Value {
        Value::from([
            ("sha256", Value::str(&self.sha256)),
            ("sha1", Value::str(&self.sha1)),
            ("size", Value::from(self.size)),
        ])
    }
}

impl super::FromArg for BlobRef {
    const KIND: super::ArgKind = super::ArgKind::Dict;
    fn from_arg(value: &Value) -> Result<BlobRef, String> {
        let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let size = value.get("size").and_then(Value::as_int).and_then(|size| u64::try_from(size).ok());
        match (text("sha256"), text("sha1"), size) {
            (Some(sha256), Some(sha1), Some(size)) => Ok(BlobRef { sha256, sha1, size }),
            _ => Err("a content reference is expected".into()),
        }
    }
}

/// The difference that a change makes, for `--diff`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// Text before.
    pub before: String,
    /// Text after.
    pub after: String,
    /// What `before` is, such as a path.
    pub before_header: String,
    /// What `after` is.
    pub after_header: String,
}

impl Diff {
    /// The keys that Ansible's results use.
    pub fn to_value(&self) -> Value {
        Value::from([
            ("before", Value::str(&self.before)),
            ("after", Value::str(&self.after)),
            ("before_header", Value::str(&self.before_header)),
            ("after_header", Value::str(&self.after_header)),
        ])
    }
}

/// What has to happen.
#[derive(Debug, Clone)]
pub struct Plan<C> {
    /// What changes the host, in order. Empty means that all is as wanted.
    pub changes: Vec<C>,
    /// What is done without counting as a change (an HTTP request, say).
    pub actions: Vec<C>,
    /// The differences, for `--diff`.
    pub diff: Vec<Diff>,
    /// Values of the result that are known already. In check mode they are the whole result.
    pub returns: Map,
    /// Set when check mode cannot predict: the task is skipped there, with this reason.
    pub skipped_in_check: Option<String>,
    /// What check mode takes for granted and a real run will see: warnings of check mode alone.
    pub check_warnings: Vec<String>,
}

impl<C> Default for Plan<C> {
    fn default() -> Plan<C> {
        Plan {
            changes: Vec::new(),
            actions: Vec::new(),
            diff: Vec::new(),
            returns: Map::new(),
            skipped_in_check: None,
            check_warnings: Vec::new(),
        }
    }
}

impl<C> Plan<C> {
    /// Nothing has to happen.
    pub fn nothing() -> Plan<C> {
        Plan::default()
    }

    /// These changes.
    pub fn of(changes: Vec<C>) -> Plan<C> {
        Plan { changes, ..Plan::default() }
    }

    /// Adds a value to the result.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Plan<C> {
        self.returns.insert(Key::from(key), value.into());
        self
    }

    /// Adds a difference.
    pub fn with_diff(mut self, diff: Diff) -> Plan<C> {
        self.diff.push(diff);
        self
    }
}

/// The values that a finished step adds to the result.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Values by key.
    pub returns: Map,
    /// What a foreign module (one that is not observe, plan, apply) says of itself. Native modules
    /// leave it alone.
    pub reported_change: Option<bool>,
}

impl Outcome {
    /// No values.
    pub fn new() -> Outcome {
        Outcome::default()
    }

    /// Adds a value.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Outcome {
        self.returns.insert(Key::from(key), value.into());
        self
    }
}

/// A task did not succeed. Data: it is reported, rescued, ignored, or judged by `failed_when`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{msg}")]
pub struct Failure {
    /// What went wrong, in one line.
    pub msg: String,
    /// Further values of the result, such as rc and stderr.
    pub returns: Map,
}

impl Failure {
    /// A failure with a message only.
    pub fn new(msg: impl Into<String>) -> Failure {
        Failure { msg: msg.into(), returns: Map::new() }
    }

    /// Adds a value to the result.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Failure {
        self.returns.insert(Key::from(key), value.into());
        self
    }
}

impl From<super::ArgError> for Failure {
    fn from(error: super::ArgError) -> Failure {
        Failure::new(error.to_string())
    }
}
