//! The client: its settings, and its requests, which go through the host's door like all others.

use crate::module::{Failure, Host, HttpRequest};
use crate::modules::expand;
use crate::modules::file::errno::reason;
use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::oneshot;

/// For one request with its answer.
const LONGEST: Duration = Duration::from_secs(900);

/// How the service is reached.
#[derive(Clone, Default)]
pub struct Service {
    /// The access key's id.
    pub access_key: Option<String>,
    /// The secret access key.
    pub secret_key: Option<String>,
    /// The token of temporary credentials.
    pub session_token: Option<String>,
    /// A profile of the configuration files.
    pub profile: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The service's address, when it is not Amazon's.
    pub endpoint_url: Option<String>,
    /// Use addresses that answer over IPv6 too.
    pub dualstack: bool,
    /// Ceph's RGW.
    pub ceph: bool,
    /// Check certificates.
    pub validate_certs: bool,
    /// A PEM file of authorities.
    pub ca_bundle: Option<PathBuf>,
}

/// Runs `work` with a client. The client's requests are sent by the calling thread, by `host`.
pub fn run<T, W>(host: &dyn Host, service: &Service, work: W) -> Result<T, Failure>
where
    T: Send,
    W: AsyncFnOnce(Client) -> Result<T, Failure> + Send,
{
    let service = service.complete(host)?;
    let ca_path = service.ca_bundle.as_ref().map(|path| expand::path(host, &path.to_string_lossy()));
    let validate_certs = service.validate_certs;
    let (sender, requests) = mpsc::channel::<Call>();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let runtime = runtime.map_err(|error| Failure::new(format!("no runtime: {error}")))?;
            runtime.block_on(async {
                let client = client(&service, sender).await;
                work(client).await
            })
        });
        // Ends when the client is gone.
        for call in requests {
            let request = HttpRequest {
                timeout: Some(LONGEST),
                validate_certs,
                ca_path: ca_path.clone(),
                use_proxy: true,
                ..call.request
            };
            // Nobody waits for the answer of a request that was given up.
            let _ = call.answer.send(send(host, &request));
        }
        worker.join().unwrap_or_else(|_| Err(Failure::new("the S3 client ended unexpectedly")))
    })
}

/// One request on its way to the thread that has the host.
struct Call {
    request: HttpRequest,
    answer: oneshot::Sender<io::Result<Answer>>,
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn send(host: &dyn Host, request: &HttpRequest) -> io::Result<Answer> {
    let mut answer = host.http(request)?;
    let mut body = Vec::new();
    answer.body.read_to_end(&mut body)?;
    Ok(Answer { status: answer.status, headers: answer.headers, body })
}

/// Sends the SDK's requests to the thread that has the host.
#[derive(Clone)]
struct Door(mpsc::Sender<Call>);

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

impl HttpConnector for Door {
    fn call(&self, request: orchestrator::HttpRequest) -> HttpConnectorFuture {
        let door = self.clone();
        HttpConnectorFuture::new(async move {
            let method = request.method().to_owned();
            let url = request.uri().to_owned();
            // The door sets these two from the body and the address.
            let headers = request
                .headers()
                .iter()
                .filter(|(name, _)| !matches!(*name, "content-length" | "host"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let body = ByteStream::new(request.into_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::user(error.into()))?.to_vec();
            let has_body = !body.is_empty() || matches!(method.as_str(), "PUT" | "POST");
            let request =
                HttpRequest { method, url, headers, body: has_body.then_some(body), ..HttpRequest::default() };
            let (answer, waiting) = oneshot::channel();
            let gone = || ConnectorError::user("the task has ended".into());
            let call = Call { request, answer };
            door.0.send(call).map_err(|_| gone())?;
            let answer = waiting.await.map_err(|_| gone())?.map_err(|error| match error.kind() {
                io::ErrorKind::Interrupted => ConnectorError::user(error.into()),
                io::ErrorKind::TimedOut => ConnectorError::timeout(error.into()),
                // In the words that the other modules use.
                _ => ConnectorError::io(io::Error::new(error.kind(), reason(&error)).into()),
            })?;
            let status =
                StatusCode::try_from(answer.status).map_err(|error| ConnectorError::other(error.into(), None))?;
            let mut response = orchestrator::HttpResponse::new(status, SdkBody::from(answer.body));
            for (name, value) in answer.headers {
                // A header that the SDK does not understand is none that it needs.
                let _ = response.headers_mut().try_append(name, value);
            }
            Ok(response)
        })
    }
}

impl Service {
    /// The settings with what the environment says where they say nothing.
    fn complete(&self, host: &dyn Host) -> Result<Service, Failure> {
        let env = |names: &[&str]| names.iter().find_map(|name| host.env(name)).filter(|value| !value.is_empty());
        let mut service = self.clone();
        if service.access_key.is_some() != service.secret_key.is_some() {
            return Err(Failure::new("access_key and secret_key go together: one of them is missing"));
        }
        if service.access_key.is_some() && service.profile.is_some() {
            return Err(Failure::new("Passing both a profile and access tokens is not supported."));
        }
        if service.access_key.is_none() && service.profile.is_none() {
            service.access_key = env(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]);
            service.secret_key = env(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]);
            service.session_token = service.session_token.or_else(|| env(&["AWS_SESSION_TOKEN"]));
            if service.access_key.is_none() || service.secret_key.is_none() {
                service.profile = env(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
            }
        }
        service.region = service.region.or_else(|| env(&["AWS_REGION", "AWS_DEFAULT_REGION"]));
        service.endpoint_url =
            service.endpoint_url.or_else(|| env(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_URL"]));
        service.ca_bundle = service.ca_bundle.or_else(|| env(&["AWS_CA_BUNDLE"]).map(PathBuf::from));
        match &service.endpoint_url {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err(Failure::new(format!("Invalid endpoint: {url}")))
            }
            Some(_) if service.dualstack => Err(Failure::new("dualstack and endpoint_url are mutually exclusive")),
            None if service.ceph => Err(Failure::new("ceph needs endpoint_url")),
            _ => Ok(service),
        }
    }
}

async fn client(service: &Service, calls: mpsc::Sender<Call>) -> Client {
    let door = SharedHttpConnector::new(Door(calls));
    let http: SharedHttpClient = http_client_fn(move |_, _| door.clone());
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    if let (Some(key), Some(secret)) = (&service.access_key, &service.secret_key) {
        loader =
            loader.credentials_provider(Credentials::new(key, secret, service.session_token.clone(), None, "task"));
    }
    if let Some(profile) = &service.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &service.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let shared = loader.load().await;
    let mut config = aws_sdk_s3::config::Builder::from(&shared);
    if shared.region().is_none() {
        config = config.region(Region::new("us-east-1"));
    }
    if let Some(url) = &service.endpoint_url {
        // Other services need not know Amazon's names of hosts nor its newer checksums.
        config = config
            .endpoint_url(url)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    }
    if service.dualstack {
        config.set_use_dual_stack(Some(true));
    }
    Client::from_conf(config.build())
}
