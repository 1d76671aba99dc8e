//! What the S3 modules share: arguments that reach the service, the client, errors.

pub mod client;
pub mod error;

/// Declares a module's arguments as [`module_args!`](crate::module_args) does, and adds those that
/// say how the service is reached. The struct gets a method `service`.
macro_rules! service_args {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($fields:tt)* }) => {
        $crate::module_args! {
            $(#[$meta])*
            $vis struct $name {
                $($fields)*
                /// The access key's id. Without one: AWS_ACCESS_KEY_ID, the profile, the machine's role.
                [aliases("aws_access_key_id", "aws_access_key")] access_key: Option<String>,
                /// The secret access key.
                [secret, aliases("aws_secret_access_key", "aws_secret_key")] secret_key: Option<String>,
                /// The token of temporary credentials.
                [secret, aliases("aws_session_token")] session_token: Option<String>,
                /// A profile of ~/.aws/config and ~/.aws/credentials.
                [aliases("aws_profile")] profile: Option<String>,
                /// The region; AWS_REGION, the profile's, or us-east-1.
                [aliases("aws_region")] region: Option<String>,
                /// The service's address, for others than Amazon. Buckets are then part of the path.
                [aliases("aws_endpoint_url")] endpoint_url: Option<String>,
                /// Use addresses that answer over IPv6 too.
                dualstack: bool = false,
                /// Keep to what Ceph's RGW knows; wants `endpoint_url`.
                [aliases("rgw")] ceph: bool = false,
                /// Check the server's certificate.
                validate_certs: bool = true,
                /// A PEM file of authorities; AWS_CA_BUNDLE, or the system's.
                aws_ca_bundle: Option<std::path::PathBuf>,
                /// Check the bucket's name by Amazon's rules.
                validate_bucket_name: bool = true,
            }
        }

        impl $name {
            /// How the service is reached.
            pub fn service(&self) -> $crate::modules::s3::client::Service {
                $crate::modules::s3::client::Service {
                    access_key: self.access_key.clone(),
                    secret_key: self.secret_key.clone(),
                    session_token: self.session_token.clone(),
                    profile: self.profile.clone(),
                    region: self.region.clone(),
                    endpoint_url: self.endpoint_url.clone(),
                    dualstack: self.dualstack,
                    ceph: self.ceph,
                    validate_certs: self.validate_certs,
                    ca_bundle: self.aws_ca_bundle.clone(),
                }
            }
        }
    };
}
pub(crate) use service_args;

/// Why a bucket's name breaks Amazon's rules; None when it does not.
pub fn bad_bucket_name(name: &str) -> Option<String> {
    let length = name.chars().count();
    if length < 3 {
        return Some("the length of an S3 bucket must be at least 3 characters".into());
    }
    if length > 63 {
        return Some("the length of an S3 bucket cannot exceed 63 characters".into());
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    match name.chars().all(allowed) && ends(name.chars().next()) && ends(name.chars().last()) {
        true => None,
        false if name.chars().all(allowed) => Some("bucket names must begin and end with a letter or number".into()),
        false => Some("invalid character(s) found in the bucket name".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names() {
        assert_eq!(bad_bucket_name("air-flow.dags"), None);
        for name in ["ab", "Airflow", "-x-", "a_b", &"a".repeat(64)] {
            assert!(bad_bucket_name(name).is_some(), "{name}");
        }
    }
}
