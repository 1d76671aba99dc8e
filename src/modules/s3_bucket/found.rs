//! What a service says of a bucket.

use super::Args;
use crate::module::Failure;
use crate::modules::s3::error::Refusal;
use crate::value::{Map, Value};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{BucketAccelerateStatus, Grant, ObjectLockEnabled, Payer};

/// The switches of the public access block: the task's names and the service's.
pub const BLOCKS: [(&str, &str); 4] = [
    ("block_public_acls", "BlockPublicAcls"),
    ("block_public_policy", "BlockPublicPolicy"),
    ("ignore_public_acls", "IgnorePublicAcls"),
    ("restrict_public_buckets", "RestrictPublicBuckets"),
];

/// How new objects are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// AES256 or aws:kms.
    pub algorithm: String,
    /// The key, for aws:kms.
    pub key: Option<String>,
    /// One key for the bucket.
    pub bucket_key: bool,
}

/// How long new objects are locked; the number that is not used is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// GOVERNANCE or COMPLIANCE.
    pub mode: String,
    /// Days.
    pub days: i32,
    /// Years.
    pub years: i32,
}

/// A bucket; None where nothing is set or the service does not know the setting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Whether it is there.
    pub exists: bool,
    /// Enabled or Suspended; None when it never was on.
    pub versioning: Option<String>,
    /// MFA for removals.
    pub mfa_delete: Option<String>,
    /// Whether who downloads pays.
    pub requester_pays: Option<bool>,
    /// The policy.
    pub policy: Option<Value>,
    /// The tags.
    pub tags: Map,
    /// The default encryption.
    pub encryption: Option<Encryption>,
    /// What is blocked, in the order of [`BLOCKS`].
    pub public_access: Option<[bool; 4]>,
    /// Who owns what others put there.
    pub object_ownership: Option<String>,
    /// The ready-made list that the grants are those of.
    pub acl: Option<String>,
    /// Who may do what, as the service says it.
    pub grants: Vec<Value>,
    /// Transfer acceleration.
    pub accelerate: Option<bool>,
    /// Whether objects can be locked.
    pub object_lock: Option<bool>,
    /// For how long.
    pub retention: Option<Retention>,
}

/// What a request gave; None for what is not there or, unless the task needs it, not known.
fn optional<T>(result: Result<T, Refusal>, what: &str, needed: bool) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(refusal) if refusal.is_missing() || refusal.code.ends_with("NotFoundError") => Ok(None),
        Err(refusal) if (refusal.is_unsupported() || refusal.is_forbidden()) && !needed => Ok(None),
        Err(refusal) => Err(refusal.failure(&format!("Failed to get bucket {what}"))),
    }
}

/// Asks for the bucket and those settings that the task or its result needs.
pub async fn read(client: &Client, args: &Args) -> Result<Found, Failure> {
    let name = &args.name;
    let mut found = Found::default();
    match client.head_bucket().bucket(name).send().await.map_err(Refusal::from) {
        Ok(_) => found.exists = true,
        Err(refusal) if refusal.status == 404 => return Ok(found),
        // A redirect says that it is in another region.
        Err(refusal) if refusal.status == 301 => found.exists = true,
        Err(refusal) => return Err(refusal.failure(&format!("Failed to check bucket presence of {name}"))),
    }
    if args.state == super::State::Absent {
        return Ok(found);
    }
    let answer = client.get_bucket_versioning().bucket(name).send().await.map_err(Refusal::from);
    if let Some(answer) = optional(answer, "versioning", args.versioning.is_some())? {
        found.versioning = answer.status().map(|status| status.as_str().to_owned());
        found.mfa_delete = answer.mfa_delete().map(|status| status.as_str().to_owned());
    }
    let answer = client.get_bucket_request_payment().bucket(name).send().await.map_err(Refusal::from);
    if let Some(answer) = optional(answer, "request payment", args.requester_pays.is_some())? {
        found.requester_pays = Some(answer.payer() == Some(&Payer::Requester));
    }
    let answer = client.get_bucket_policy().bucket(name).send().await.map_err(Refusal::from);
    if let Some(answer) = optional(answer, "policy", args.policy.is_some())? {
        found.policy = answer.policy().and_then(|policy| serde_json::from_str(policy).ok());
    }
    let answer = client.get_bucket_tagging().bucket(name).send().await.map_err(Refusal::from);
    if let Some(answer) = optional(answer, "tags", args.tags.is_some())? {
        found.tags = answer.tag_set().iter().map(|tag| (tag.key().into(), Value::str(tag.value()))).collect();
    }
    let answer = client.get_bucket_encryption().bucket(name).send().await.map_err(Refusal::from);
    if let Some(answer) = optional(answer, "encryption", args.encryption.is_some())? {
        let rules = answer.server_side_encryption_configuration().map(|rules| rules.rules()).unwrap_or_default();
        found.encryption = rules.iter().find_map(|rule| {
            let default = rule.apply_server_side_encryption_by_default()?;
            Some(Encryption {
                algorithm: default.sse_algorithm().as_str().to_owned(),
                key: default.kms_master_key_id().map(str::to_owned),
                bucket_key: rule.bucket_key_enabled().unwrap_or(false),
            })
        });
    }
    let needed = args.public_access.is_some() || args.delete_public_access;
    let answer = client.get_public_access_block().bucket(name).send().await.map_err(Refusal::from);
    if let Some(blocks) = optional(answer, "public access configuration", needed)?
        .and_then(|answer| answer.public_access_block_configuration().cloned())
    {
        found.public_access = Some(
            [
                blocks.block_public_acls,
                blocks.block_public_policy,
                blocks.ignore_public_acls,
                blocks.restrict_public_buckets,
            ]
            .map(|block| block.unwrap_or(false)),
        );
    }
    read_ownership(client, args, &mut found).await?;
    read_locks(client, args, &mut found).await?;
    Ok(found)
}

async fn read_ownership(client: &Client, args: &Args, found: &mut Found) -> Result<(), Failure> {
    let name = &args.name;
    let needed = args.object_ownership.is_some() || args.delete_object_ownership;
    let answer = client.get_bucket_ownership_controls().bucket(name).send().await.map_err(Refusal::from);
    if let Some(answer) = optional(answer, "object ownership settings", needed)? {
        let rules = answer.ownership_controls().map(|controls| controls.rules()).unwrap_or_default();
        found.object_ownership = rules.first().map(|rule| rule.object_ownership().as_str().to_owned());
    }
    let answer = client.get_bucket_acl().bucket(name).send().await.map_err(Refusal::from);
    if let Some(answer) = optional(answer, "ACLs", args.acl.is_some())? {
        found.grants = answer.grants().iter().map(shown).collect();
        let mut public = [false; 3];
        for grant in answer.grants() {
            let group = grant.grantee().and_then(|grantee| grantee.uri()).unwrap_or_default();
            let permission = grant.permission().map(|permission| permission.as_str()).unwrap_or_default();
            public[0] |= group.ends_with("/AllUsers") && permission == "READ";
            public[1] |= group.ends_with("/AllUsers") && permission == "WRITE";
            public[2] |= group.ends_with("/AuthenticatedUsers") && permission == "READ";
        }
        let word = match public {
            [false, false, false] => Some("private"),
            [true, false, false] => Some("public-read"),
            [true, true, false] => Some("public-read-write"),
            [false, false, true] => Some("authenticated-read"),
            _ => None,
        };
        found.acl = word.map(str::to_owned);
    }
    Ok(())
}

/// A right in the words of the result.
fn shown(grant: &Grant) -> Value {
    let mut grantee = Map::new();
    if let Some(who) = grant.grantee() {
        let texts = [
            ("display_name", who.display_name()),
            ("id", who.id()),
            ("type", Some(who.r#type().as_str())),
            ("uri", who.uri()),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name.into(), Value::str(text?))));
        grantee.extend(texts);
    }
    let permission = grant.permission().map(|permission| permission.as_str()).unwrap_or_default();
    Value::from([("grantee", Value::map(grantee)), ("permission", Value::str(permission))])
}

async fn read_locks(client: &Client, args: &Args, found: &mut Found) -> Result<(), Failure> {
    let name = &args.name;
    let answer = client.get_bucket_accelerate_configuration().bucket(name).send().await.map_err(Refusal::from);
    if let Some(answer) = optional(answer, "transfer accelerate state", args.accelerate_enabled.is_some())? {
        found.accelerate = Some(answer.status() == Some(&BucketAccelerateStatus::Enabled));
    }
    let needed = args.object_lock_enabled.is_some() || args.object_lock_default_retention.is_some();
    let answer = client.get_object_lock_configuration().bucket(name).send().await.map_err(Refusal::from);
    match optional(answer, "object lock configuration", needed)? {
        Some(answer) => {
            let lock = answer.object_lock_configuration();
            let enabled = lock.and_then(|lock| lock.object_lock_enabled()) == Some(&ObjectLockEnabled::Enabled);
            found.object_lock = Some(enabled);
            let retention = lock.and_then(|lock| lock.rule()).and_then(|rule| rule.default_retention());
            found.retention = retention.map(|retention| Retention {
                mode: retention.mode().map(|mode| mode.as_str().to_owned()).unwrap_or_default(),
                days: retention.days().unwrap_or(0),
                years: retention.years().unwrap_or(0),
            });
        }
        None => found.object_lock = Some(false),
    }
    Ok(())
}

impl Found {
    /// The values of the result.
    pub fn returns(&self, args: &Args) -> Map {
        let mfa_delete = Value::str(self.mfa_delete.as_deref().unwrap_or("Disabled"));
        let status = Value::str(self.versioning.as_deref().unwrap_or("Disabled"));
        let versioning = [
            ("Versioning", status.clone()),
            ("MfaDelete", mfa_delete.clone()),
            ("Status", status),
            ("MFADelete", mfa_delete),
        ];
        let empty = || Value::map(Map::new());
        let encryption = self.encryption.as_ref().map(|default| {
            let mut encryption = Map::from([("SSEAlgorithm".into(), Value::str(&default.algorithm))]);
            if let Some(key) = &default.key {
                encryption.insert("KMSMasterKeyID".into(), Value::str(key));
            }
            encryption
        });
        let blocks = self.public_access.map(|blocks| {
            let blocks = BLOCKS.iter().zip(blocks).map(|((_, name), block)| ((*name).into(), block.into()));
            let mut blocks: Map = blocks.collect();
            blocks.insert("PublicAccessBlockConfiguration".into(), Value::map(blocks.clone()));
            Value::map(blocks)
        });
        let blocks = blocks.unwrap_or_else(|| if args.delete_public_access { Value::Null } else { empty() });
        let retention = self.retention.as_ref().map(|retention| {
            let number = |number: i32| Value::from((number > 0).then_some(number));
            Value::from([
                ("mode", Value::str(&retention.mode)),
                ("days", number(retention.days)),
                ("years", number(retention.years)),
            ])
        });
        Map::from([
            ("name".into(), Value::str(&args.name)),
            ("versioning".into(), Value::from(versioning)),
            ("requester_pays".into(), Value::Bool(self.requester_pays.unwrap_or(false))),
            ("policy".into(), self.policy.clone().unwrap_or_else(empty)),
            ("tags".into(), Value::map(self.tags.clone())),
            ("acl_grants".into(), Value::list(self.grants.clone())),
            ("encryption".into(), Value::from(encryption)),
            ("public_access_block".into(), blocks),
            ("object_ownership".into(), Value::from(self.object_ownership.clone())),
            ("acl".into(), Value::from(self.acl.clone())),
            ("object_lock_enabled".into(), Value::Bool(self.object_lock.unwrap_or(false))),
            ("object_lock_default_retention".into(), retention.unwrap_or_else(empty)),
            ("accelerate_enabled".into(), Value::Bool(self.accelerate.unwrap_or(false))),
        ])
    }
}
