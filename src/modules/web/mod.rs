//! What the modules that speak HTTP share: requests with logins, bodies, checksums, dates.

pub mod body;
pub mod checksum;
pub mod date;
pub mod login;
pub mod request;
pub mod url;
