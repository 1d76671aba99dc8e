//! The requests that change a bucket.

use super::Args;
use super::found::{Encryption, Retention};
use crate::module::Failure;
use crate::modules::s3::error::Refusal;
use crate::value::Map;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AccelerateConfiguration, BucketAccelerateStatus, BucketCannedAcl, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, DefaultRetention, Delete, ObjectIdentifier, ObjectLockConfiguration, ObjectLockEnabled,
    ObjectLockRule, ObjectOwnership, OwnershipControls, OwnershipControlsRule, Payer, PublicAccessBlockConfiguration,
    RequestPaymentConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};

/// One setting that is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The bucket is made.
    Create,
    /// Versions are kept or no longer kept.
    Versioning(bool),
    /// Who downloads pays, or not.
    RequesterPays(bool),
    /// The public access block is set or removed.
    PublicAccess(Option<[bool; 4]>),
    /// The policy is set or removed.
    Policy(Option<String>),
    /// The tags are set; none removes them.
    Tags(Map),
    /// The default encryption is set or removed.
    Encryption(Option<Encryption>),
    /// The ownership is set or removed.
    Ownership(Option<String>),
    /// A ready-made list of rights is set.
    Acl(String),
    /// Transfer acceleration is set.
    Accelerate(bool),
    /// The default lock is set.
    Retention(Retention),
    /// All objects and their versions are removed.
    Empty,
    /// The bucket is removed.
    Delete,
}

fn refused(what: &str) -> impl Fn(Refusal) -> Failure + '_ {
    move |refusal| refusal.failure(what)
}

fn incomplete(error: BuildError) -> Failure {
    Failure::new(format!("the request is incomplete: {error}"))
}

impl Change {
    /// Makes the change.
    pub async fn make(&self, client: &Client, args: &Args) -> Result<(), Failure> {
        let name = args.name.as_str();
        match self {
            Change::Create => create(client, args).await?,
            Change::Versioning(enabled) => {
                let status = if *enabled { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
                let versioning = VersioningConfiguration::builder().status(status).build();
                let request = client.put_bucket_versioning().bucket(name).versioning_configuration(versioning);
                request.send().await.map_err(Refusal::from).map_err(refused("Failed to update bucket versioning"))?;
            }
            Change::RequesterPays(pays) => {
                let payer = if *pays { Payer::Requester } else { Payer::BucketOwner };
                let payment = RequestPaymentConfiguration::builder().payer(payer).build().map_err(incomplete)?;
                let request = client.put_bucket_request_payment().bucket(name).request_payment_configuration(payment);
                request
                    .send()
                    .await
                    .map_err(Refusal::from)
                    .map_err(refused("Failed to update bucket request payment"))?;
            }
            Change::PublicAccess(Some([acls, policy, ignore, restrict])) => {
                let blocks = PublicAccessBlockConfiguration::builder()
                    .block_public_acls(*acls)
                    .block_public_policy(*policy)
                    .ignore_public_acls(*ignore)
                    .restrict_public_buckets(*restrict);
                let request =
                    client.put_public_access_block().bucket(name).public_access_block_configuration(blocks.build());
                request
                    .send()
                    .await
                    .map_err(Refusal::from)
                    .map_err(refused("Failed to put bucket public access configuration"))?;
            }
            Change::PublicAccess(None) => {
                let request = client.delete_public_access_block().bucket(name);
                request
                    .send()
                    .await
                    .map_err(Refusal::from)
                    .map_err(refused("Failed to delete bucket public access configuration"))?;
            }
            Change::Policy(Some(policy)) => {
                let request = client.put_bucket_policy().bucket(name).policy(policy);
                request.send().await.map_err(Refusal::from).map_err(refused("Failed to update bucket policy"))?;
            }
            Change::Policy(None) => {
                let request = client.delete_bucket_policy().bucket(name);
                request.send().await.map_err(Refusal::from).map_err(refused("Failed to update bucket policy"))?;
            }
            Change::Tags(tags) if tags.is_empty() => {
                let request = client.delete_bucket_tagging().bucket(name);
                request.send().await.map_err(Refusal::from).map_err(refused("Failed to delete bucket tags"))?;
            }
            Change::Tags(tags) => {
                let set = tags
                    .iter()
                    .map(|(key, value)| Tag::builder().key(key.to_string()).value(value.to_string()).build())
                    .collect::<Result<Vec<Tag>, BuildError>>()
                    .map_err(incomplete)?;
                let tagging = Tagging::builder().set_tag_set(Some(set)).build().map_err(incomplete)?;
                let request = client.put_bucket_tagging().bucket(name).tagging(tagging);
                request.send().await.map_err(Refusal::from).map_err(refused("Failed to update bucket tags"))?;
            }
            Change::Encryption(encryption) => set_encryption(client, name, encryption.as_ref()).await?,
            Change::Ownership(Some(ownership)) => {
                let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::from(ownership.as_str()));
                let rule = rule.build().map_err(incomplete)?;
                let controls = OwnershipControls::builder().rules(rule).build().map_err(incomplete)?;
                let request = client.put_bucket_ownership_controls().bucket(name).ownership_controls(controls);
                request
                    .send()
                    .await
                    .map_err(Refusal::from)
                    .map_err(refused("Failed to put bucket object ownership settings"))?;
            }
            Change::Ownership(None) => {
                let request = client.delete_bucket_ownership_controls().bucket(name);
                request
                    .send()
                    .await
                    .map_err(Refusal::from)
                    .map_err(refused("Failed to delete bucket object ownership settings"))?;
            }
            Change::Acl(acl) => {
                let request = client.put_bucket_acl().bucket(name).acl(BucketCannedAcl::from(acl.as_str()));
                request.send().await.map_err(Refusal::from).map_err(refused("Failed to update bucket ACL"))?;
            }
            Change::Accelerate(enabled) => {
                let status = if *enabled { BucketAccelerateStatus::Enabled } else { BucketAccelerateStatus::Suspended };
                let accelerate = AccelerateConfiguration::builder().status(status).build();
                let request =
                    client.put_bucket_accelerate_configuration().bucket(name).accelerate_configuration(accelerate);
                request
                    .send()
                    .await
                    .map_err(Refusal::from)
                    .map_err(refused("Failed to update bucket transfer accelerate state"))?;
            }
            Change::Retention(retention) => set_retention(client, name, retention).await?,
            Change::Empty => empty(client, name).await?,
            Change::Delete => {
                let request = client.delete_bucket().bucket(name);
                match request.send().await.map_err(Refusal::from) {
                    Err(refusal) if !refusal.is_missing() => return Err(refusal.failure("Failed to delete bucket")),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

async fn create(client: &Client, args: &Args) -> Result<(), Failure> {
    let mut request = client.create_bucket().bucket(&args.name);
    // Amazon's first region must not be named; other services take no region at all.
    let region = client.config().region().map(|region| region.as_ref()).filter(|region| *region != "us-east-1");
    if let Some(region) = region.filter(|_| !args.ceph) {
        let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region));
        request = request.create_bucket_configuration(place.build());
    }
    if let Some(acl) = args.acl {
        request = request.acl(BucketCannedAcl::from(acl.as_str()));
    }
    if let Some(ownership) = args.object_ownership {
        request = request.object_ownership(ObjectOwnership::from(ownership.as_str()));
    }
    if let Some(enabled) = args.object_lock_enabled {
        request = request.object_lock_enabled_for_bucket(enabled);
    }
    match request.send().await.map_err(Refusal::from) {
        // Somebody else on our account was faster.
        Err(refusal) if refusal.code == "BucketAlreadyOwnedByYou" => Ok(()),
        Err(refusal) => Err(refusal.failure(&format!("Failed while creating bucket {}", args.name))),
        Ok(_) => Ok(()),
    }
}

async fn set_encryption(client: &Client, name: &str, encryption: Option<&Encryption>) -> Result<(), Failure> {
    let Some(encryption) = encryption else {
        let request = client.delete_bucket_encryption().bucket(name);
        request.send().await.map_err(Refusal::from).map_err(refused("Failed to delete bucket encryption"))?;
        return Ok(());
    };
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::from(encryption.algorithm.as_str()))
        .set_kms_master_key_id(encryption.key.clone())
        .build()
        .map_err(incomplete)?;
    let mut rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
    if encryption.bucket_key {
        rule = rule.bucket_key_enabled(true);
    }
    let rules = ServerSideEncryptionConfiguration::builder().rules(rule.build()).build().map_err(incomplete)?;
    let request = client.put_bucket_encryption().bucket(name).server_side_encryption_configuration(rules);
    request.send().await.map_err(Refusal::from).map_err(refused("Failed to set bucket encryption"))?;
    Ok(())
}

async fn set_retention(client: &Client, name: &str, retention: &Retention) -> Result<(), Failure> {
    let positive = |number: i32| Some(number).filter(|number| *number > 0);
    let default = DefaultRetention::builder()
        .mode(retention.mode.as_str().into())
        .set_days(positive(retention.days))
        .set_years(positive(retention.years))
        .build();
    let lock = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(ObjectLockRule::builder().default_retention(default).build())
        .build();
    let request = client.put_object_lock_configuration().bucket(name).object_lock_configuration(lock);
    request.send().await.map_err(Refusal::from).map_err(refused("Failed to set bucket object lock configuration"))?;
    Ok(())
}

/// Removes objects by the thousand: all versions where the service knows them.
async fn empty(client: &Client, name: &str) -> Result<(), Failure> {
    let failed = refused("Failed while deleting bucket");
    let mut before = Vec::new();
    loop {
        let page = client.list_object_versions().bucket(name).send().await.map_err(Refusal::from);
        let found: Vec<(String, Option<String>)> = match page {
            Ok(page) => {
                let versions = page.versions().iter().map(|object| (object.key(), object.version_id()));
                let markers = page.delete_markers().iter().map(|object| (object.key(), object.version_id()));
                let named =
                    |(key, version): (Option<&str>, Option<&str>)| Some((key?.to_owned(), version.map(str::to_owned)));
                versions.chain(markers).filter_map(named).collect()
            }
            Err(refusal) if refusal.is_unsupported() => {
                let page =
                    client.list_objects_v2().bucket(name).send().await.map_err(Refusal::from).map_err(&failed)?;
                page.contents().iter().filter_map(|object| Some((object.key()?.to_owned(), None))).collect()
            }
            Err(refusal) => return Err(failed(refusal)),
        };
        if found.is_empty() {
            return Ok(());
        }
        if found == before {
            return Err(Failure::new(
                "Failed while deleting bucket: the service keeps objects that it was told to delete",
            ));
        }
        for objects in found.chunks(1000) {
            let objects = objects
                .iter()
                .map(|(key, version)| ObjectIdentifier::builder().key(key).set_version_id(version.clone()).build())
                .collect::<Result<Vec<_>, BuildError>>()
                .map_err(incomplete)?;
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(incomplete)?;
            let answer = client.delete_objects().bucket(name).delete(delete).send().await;
            let answer = answer.map_err(Refusal::from).map_err(&failed)?;
            if let Some(error) = answer.errors().first() {
                let (key, why) = (error.key().unwrap_or_default(), error.message().unwrap_or_default());
                return Err(Failure::new(format!("Failed while deleting bucket: object {key}: {why}")));
            }
        }
        before = found;
    }
}
