//! `s3_bucket`: buckets of an S3 service and their settings.

mod change;
mod found;
mod policy;

use super::s3::client::run;
use super::s3::{bad_bucket_name, service_args};
use crate::arg_choices;
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule, RunsOn};
use crate::value::{Map, Value, parse_bool};
use change::Change;
use found::{BLOCKS, Encryption, Found};

arg_choices! {
    /// Whether the bucket should be there.
    pub enum State { Present = "present", Absent = "absent" }
}

arg_choices! {
    /// How new objects are encrypted by default.
    pub enum EncryptionKind { None = "none", Aes256 = "AES256", Kms = "aws:kms" }
}

arg_choices! {
    /// Who owns objects that others put into the bucket.
    pub enum ObjectOwnership {
        BucketOwnerEnforced = "BucketOwnerEnforced",
        BucketOwnerPreferred = "BucketOwnerPreferred",
        ObjectWriter = "ObjectWriter",
    }
}

arg_choices! {
    /// Who may use the bucket, as a ready-made list.
    pub enum Acl {
        Private = "private",
        PublicRead = "public-read",
        PublicReadWrite = "public-read-write",
        AuthenticatedRead = "authenticated-read",
    }
}

service_args! {
    /// Arguments of `s3_bucket`.
    pub struct Args {
        /// The bucket.
        name: String,
        /// Whether it should be there.
        state: State = State::Present,
        /// Remove a bucket with all that is in it, versions included.
        force: bool = false,
        /// Whether versions of objects are kept. What was on once can only be suspended.
        versioning: Option<bool>,
        /// Tags.
        [aliases("resource_tags")] tags: Option<Map>,
        /// Remove tags that `tags` does not have.
        purge_tags: bool = true,
        /// The policy, as JSON text or data; the text `null` for none.
        policy: Option<Value>,
        /// Whether who downloads pays.
        requester_pays: Option<bool>,
        /// How new objects are encrypted by default; `none` removes the setting.
        encryption: Option<EncryptionKind>,
        /// The key, for aws:kms.
        encryption_key_id: Option<String>,
        /// Use one key for the bucket, for aws:kms.
        bucket_key_enabled: Option<bool>,
        /// What is public is blocked: block_public_acls, block_public_policy, ignore_public_acls and
        /// restrict_public_buckets, each false unless set.
        public_access: Option<Map>,
        /// Remove that setting.
        delete_public_access: bool = false,
        /// Who owns objects that others put into the bucket.
        object_ownership: Option<ObjectOwnership>,
        /// Remove that setting.
        delete_object_ownership: bool = false,
        /// Who may use the bucket, as a ready-made list.
        acl: Option<Acl>,
        /// Whether objects can be locked; only a new bucket can be made so.
        object_lock_enabled: Option<bool>,
        /// How long new objects are locked: `mode` (GOVERNANCE or COMPLIANCE) and `days` or `years`.
        object_lock_default_retention: Option<Map>,
        /// Whether Amazon's transfer acceleration is on.
        accelerate_enabled: Option<bool>,
    }
}

/// The `s3_bucket` module.
pub struct S3Bucket;

impl Module for S3Bucket {
    type Args = Args;
    type State = Found;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "amazon.aws.s3_bucket",
        aliases: &["s3_bucket", "community.aws.s3_bucket"],
        summary: "Makes, sets up and removes buckets of an S3 service",
        notes: "With endpoint_url the bucket's name goes into the path of the address, so that any compatible service \
                works without names of its own in the DNS. Settings that such a service does not know are left out \
                unless the task asks for them.",
        runs_on: RunsOn::Whole,
        rules: &[
            Rule::MutuallyExclusive(&["public_access", "delete_public_access"]),
            Rule::MutuallyExclusive(&["object_ownership", "delete_object_ownership"]),
            Rule::RequiredIf("ceph", "True", &["endpoint_url"]),
        ],
        returns: &[
            ReturnSpec { name: "name", doc: "The bucket." },
            ReturnSpec { name: "versioning", doc: "`Versioning` and `MfaDelete`." },
            ReturnSpec { name: "requester_pays", doc: "Whether who downloads pays." },
            ReturnSpec { name: "policy", doc: "The policy as data." },
            ReturnSpec { name: "tags", doc: "The tags." },
            ReturnSpec { name: "encryption", doc: "`SSEAlgorithm` and `KMSMasterKeyID`." },
            ReturnSpec { name: "public_access_block", doc: "What is blocked." },
            ReturnSpec { name: "object_ownership", doc: "Who owns what others put into the bucket." },
            ReturnSpec { name: "object_lock_enabled", doc: "Whether objects can be locked." },
            ReturnSpec { name: "accelerate_enabled", doc: "Whether transfer acceleration is on." },
            ReturnSpec { name: "acl", doc: "The ready-made list that was set." },
            ReturnSpec { name: "acl_grants", doc: "Who may do what: `grantee` and `permission`." },
        ],
        examples: &[Example {
            title: "A bucket at a service of one's own",
            yaml: "amazon.aws.s3_bucket:\n  name: airflow-dags\n  endpoint_url: http://services1:9000\n  access_key: \"{{ s3_access_key }}\"\n  secret_key: \"{{ s3_secret_key }}\"\n  versioning: true",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Found, Failure> {
        check(args)?;
        run(host, &args.service(), async |client| found::read(&client, args).await)
    }

    fn plan(&self, args: &Args, found: &Found) -> Result<Plan<Change>, Failure> {
        if args.state == State::Absent {
            let mut plan = Plan::nothing();
            if found.exists {
                plan.changes.extend(args.force.then_some(Change::Empty));
                plan.changes.push(Change::Delete);
            }
            return Ok(plan);
        }
        if found.exists
            && args.object_lock_enabled.is_some_and(|wanted| found.object_lock.is_some_and(|is| is != wanted))
        {
            return Err(Failure::new("Changing object_lock_enabled for an existing bucket is not supported."));
        }
        let mut changes = Vec::new();
        if !found.exists {
            changes.push(Change::Create);
        }
        let mut after = found.clone();
        if !found.exists {
            after.acl = Some("private".into());
        }
        settings(args, found, &mut after, &mut changes)?;
        Ok(Plan { returns: after.returns(args), changes, ..Plan::default() })
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        run(host, &args.service(), async |client| {
            for change in &plan.changes {
                change.make(&client, args).await?;
            }
            Ok(Outcome::new())
        })
    }
}

fn check(args: &Args) -> Result<(), Failure> {
    if let Some(reason) = bad_bucket_name(&args.name).filter(|_| args.validate_bucket_name) {
        return Err(Failure::new(reason));
    }
    if args.encryption_key_id.is_some() && args.encryption != Some(EncryptionKind::Kms) {
        return Err(Failure::new(
            "Only 'aws:kms' is a valid option for encryption parameter when you specify encryption_key_id.",
        ));
    }
    if let Some(unknown) = args
        .public_access
        .iter()
        .flat_map(Map::keys)
        .find(|key| !BLOCKS.iter().any(|(name, _)| key.as_str() == Some(name)))
    {
        return Err(Failure::new(format!("public_access has no option '{unknown}'")));
    }
    if let Some(retention) = &args.object_lock_default_retention {
        let given = |name: &str| retention.get(name).is_some_and(|value| !value.is_null());
        if !given("mode") || given("days") == given("years") {
            return Err(Failure::new("object_lock_default_retention needs mode, and either days or years"));
        }
    }
    Ok(())
}

/// What differs, in the order in which it is set; `after` becomes what will be.
fn settings(args: &Args, found: &Found, after: &mut Found, changes: &mut Vec<Change>) -> Result<(), Failure> {
    if let Some(versioning) = args.versioning {
        let is = found.versioning.as_deref() == Some("Enabled");
        // Suspending what never was on would be a change without effect.
        if versioning != is && (versioning || found.versioning.is_some()) {
            changes.push(Change::Versioning(versioning));
            after.versioning = Some(if versioning { "Enabled" } else { "Suspended" }.into());
        }
    }
    if let Some(pays) = args.requester_pays.filter(|pays| found.requester_pays.unwrap_or(false) != *pays) {
        changes.push(Change::RequesterPays(pays));
        after.requester_pays = Some(pays);
    }
    if let Some(public) = wanted_blocks(args)?.filter(|blocks| found.public_access != Some(*blocks)) {
        changes.push(Change::PublicAccess(Some(public)));
        after.public_access = Some(public);
    }
    if args.delete_public_access && found.public_access.is_some() {
        changes.push(Change::PublicAccess(None));
        after.public_access = None;
    }
    if let Some(given) = &args.policy {
        let wanted = policy::read(given)?;
        if !policy::same(wanted.as_ref(), found.policy.as_ref()) {
            changes.push(Change::Policy(wanted.as_ref().map(policy::text)));
            after.policy = wanted;
        }
    }
    if let Some(given) = &args.tags {
        let given: Map =
            given.iter().map(|(key, value)| (key.to_string().into(), Value::from(value.to_string()))).collect();
        let mut wanted = if args.purge_tags { Map::new() } else { found.tags.clone() };
        wanted.extend(given);
        // Their order means nothing.
        if !same_entries(&wanted, &found.tags) {
            changes.push(Change::Tags(wanted.clone()));
            after.tags = wanted;
        }
    }
    encryption(args, found, after, changes);
    if let Some(ownership) = args.object_ownership.map(ObjectOwnership::as_str) {
        if found.object_ownership.as_deref() != Some(ownership) {
            changes.push(Change::Ownership(Some(ownership.to_owned())));
            after.object_ownership = Some(ownership.to_owned());
        }
    }
    if args.delete_object_ownership && found.object_ownership.is_some() {
        changes.push(Change::Ownership(None));
        after.object_ownership = None;
    }
    if let Some(acl) = args.acl.map(Acl::as_str).filter(|acl| found.acl.as_deref() != Some(*acl)) {
        // A new bucket is made with its list at once.
        if found.exists {
            changes.push(Change::Acl(acl.to_owned()));
        }
        after.acl = Some(acl.to_owned());
    }
    if let Some(accelerate) = args.accelerate_enabled.filter(|wanted| found.accelerate.unwrap_or(false) != *wanted) {
        changes.push(Change::Accelerate(accelerate));
        after.accelerate = Some(accelerate);
    }
    if let Some(enabled) = args.object_lock_enabled.filter(|_| !found.exists) {
        after.object_lock = Some(enabled);
        // Locks are of versions, so the service keeps them.
        if enabled {
            after.versioning = Some("Enabled".into());
        }
    }
    if let Some(retention) = &args.object_lock_default_retention {
        let number =
            |name: &str| retention.get(name).and_then(|value| value.to_string().parse::<i32>().ok()).unwrap_or(0);
        let mode = retention.get("mode").map(Value::to_string).unwrap_or_default();
        let wanted = found::Retention { mode, days: number("days"), years: number("years") };
        if found.retention.as_ref() != Some(&wanted) {
            changes.push(Change::Retention(wanted.clone()));
            after.retention = Some(wanted);
        }
    }
    Ok(())
}

fn encryption(args: &Args, found: &Found, after: &mut Found, changes: &mut Vec<Change>) {
    match args.encryption {
        Some(EncryptionKind::None) if found.encryption.is_some() => {
            changes.push(Change::Encryption(None));
            after.encryption = None;
        }
        Some(EncryptionKind::None) | None => {}
        Some(kind) => {
            let wanted = Encryption {
                algorithm: kind.as_str().to_owned(),
                key: args.encryption_key_id.clone(),
                bucket_key: found.encryption.as_ref().is_some_and(|encryption| encryption.bucket_key),
            };
            let differs =
                found.encryption.as_ref().is_none_or(|is| (&is.algorithm, &is.key) != (&wanted.algorithm, &wanted.key));
            if differs {
                changes.push(Change::Encryption(Some(wanted.clone())));
                after.encryption = Some(wanted);
            }
        }
    }
    if let Some(bucket_key) = args.bucket_key_enabled {
        if let Some(encryption) = after.encryption.clone().filter(|encryption| encryption.bucket_key != bucket_key) {
            let wanted = Encryption { bucket_key, ..encryption };
            changes.retain(|change| !matches!(change, Change::Encryption(_)));
            changes.push(Change::Encryption(Some(wanted.clone())));
            after.encryption = Some(wanted);
        }
    }
}

fn same_entries(left: &Map, right: &Map) -> bool {
    left.len() == right.len() && left.iter().all(|(key, value)| right.get(key) == Some(value))
}

fn wanted_blocks(args: &Args) -> Result<Option<[bool; 4]>, Failure> {
    let Some(given) = &args.public_access else { return Ok(None) };
    let mut blocks = [false; 4];
    for (block, (name, _)) in blocks.iter_mut().zip(BLOCKS) {
        if let Some(value) = given.get(name).filter(|value| !value.is_null()) {
            let truth = parse_bool(value);
            *block = truth
                .ok_or_else(|| Failure::new(format!("public_access: {name} is no truth value: {}", value.repr())))?;
        }
    }
    Ok(Some(blocks))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::parse_args;

    fn args(text: &str) -> Args {
        let value: Value = serde_norway::from_str(text).unwrap();
        let mut map = value.as_map().unwrap().clone();
        map.insert("name".into(), "airflow".into());
        parse_args(S3Bucket::SPEC.rules, &map).unwrap()
    }

    fn there() -> Found {
        Found { exists: true, ..Found::default() }
    }

    #[test]
    fn a_new_bucket_gets_all_its_settings() {
        let wanted = args("{versioning: true, tags: {a: 1}, encryption: AES256, policy: 'null'}");
        let plan = S3Bucket.plan(&wanted, &Found::default()).unwrap();
        let encryption = Encryption { algorithm: "AES256".into(), key: None, bucket_key: false };
        let tags = Map::from([("a".into(), Value::str("1"))]);
        assert_eq!(
            plan.changes,
            [Change::Create, Change::Versioning(true), Change::Tags(tags), Change::Encryption(Some(encryption))]
        );
        assert_eq!(plan.returns["versioning"].get("Versioning"), Some(&Value::str("Enabled")));
    }

    #[test]
    fn what_is_there_stays() {
        let mut found = there();
        found.versioning = Some("Enabled".into());
        found.tags = Map::from([("a".into(), Value::str("1")), ("b".into(), Value::str("2"))]);
        let planned = |text: &str| S3Bucket.plan(&args(text), &found).unwrap().changes;
        assert_eq!(planned("{versioning: true, tags: {b: '2', a: 1}}"), []);
        assert_eq!(planned("{tags: {b: '2'}, purge_tags: false}"), []);
        assert_eq!(planned("{tags: {}}"), [Change::Tags(Map::new())]);
        assert_eq!(planned("{versioning: false}"), [Change::Versioning(false)]);
        assert_eq!(S3Bucket.plan(&args("{versioning: false}"), &there()).unwrap().changes, []);
    }

    #[test]
    fn removes_with_what_is_in_it_only_by_force() {
        assert_eq!(S3Bucket.plan(&args("{state: absent}"), &there()).unwrap().changes, [Change::Delete]);
        assert_eq!(
            S3Bucket.plan(&args("{state: absent, force: true}"), &there()).unwrap().changes,
            [Change::Empty, Change::Delete]
        );
        assert_eq!(S3Bucket.plan(&args("{state: absent}"), &Found::default()).unwrap().changes, []);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        assert!(check(&args("{encryption: AES256, encryption_key_id: x}")).is_err());
        assert!(check(&args("{public_access: {nope: true}}")).is_err());
        assert!(check(&args("{object_lock_default_retention: {mode: GOVERNANCE}}")).is_err());
        let locked = Found { object_lock: Some(false), ..there() };
        assert!(S3Bucket.plan(&args("{object_lock_enabled: true}"), &locked).is_err());
    }
}
