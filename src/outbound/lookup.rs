//! Finds the IP addresses of a name, and lets only those through that may be reached.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::{error, fmt};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{AddressRefusal, Guard};

/// What a [`NameLookup`] finds in the end.
pub type LookupFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the IP addresses of names.
pub trait NameLookup: Send + Sync {
    /// Finds all IP addresses of a name. Fails with [`io::ErrorKind::NotFound`] if there is no such name; every other
    /// error is taken for a passing one.
    fn lookup<'a>(&'a self, name: &'a str) -> LookupFuture<'a>;
}

/// Finds names as all programs of the machine do (`getaddrinfo`).
pub struct SystemLookup;

impl NameLookup for SystemLookup {
    fn lookup<'a>(&'a self, name: &'a str) -> LookupFuture<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(mark_unknown_name)?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Gives the answer "no such name" the kind `NotFound`.
///
/// The standard library keeps nothing of the code of `getaddrinfo` but its text: `EAI_AGAIN` is "Temporary failure in
/// name resolution" in glibc, "Try again" in musl.
fn mark_unknown_name(cause: io::Error) -> io::Error {
    let text = cause.to_string();
    let is_passing = text.contains("Temporary failure") || text.contains("Try again");
    let is_of_system = cause.raw_os_error().is_some();
    if is_passing || is_of_system { cause } else { io::Error::new(io::ErrorKind::NotFound, cause) }
}

/// The resolver of the client. What it returns is what is connected to: a name is looked up once a connection.
pub(super) struct GuardedResolver {
    lookup: Arc<dyn NameLookup>,
    guard: Arc<Guard>,
}

impl GuardedResolver {
    pub(super) fn new(lookup: Arc<dyn NameLookup>, guard: Arc<Guard>) -> Self {
        Self { lookup, guard }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, guard) = (self.lookup.clone(), self.guard.clone());
        Box::pin(async move {
            let addresses = lookup.lookup(name.as_str()).await.map_err(ResolveError::from)?;
            if addresses.is_empty() {
                return Err(ResolveError::NotFound.into());
            }
            guard.check_addresses(&addresses).map_err(ResolveError::Refused)?;
            // Port 0 is replaced by that of the URL.
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Why a name has no addresses that could be connected to.
#[derive(Debug)]
pub(super) enum ResolveError {
    NotFound,
    Failed(io::Error),
    Refused(AddressRefusal),
}

impl From<io::Error> for ResolveError {
    fn from(cause: io::Error) -> Self {
        if cause.kind() == io::ErrorKind::NotFound { Self::NotFound } else { Self::Failed(cause) }
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such name"),
            Self::Failed(cause) => write!(f, "the look-up failed: {cause}"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl error::Error for ResolveError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passing_failure_is_not_taken_for_an_unknown_name() {
        let kind = |cause: io::Error| mark_unknown_name(cause).kind();
        for text in
            ["Name or service not known", "Name does not resolve", "No address associated with hostname"]
        {
            let cause = io::Error::other(format!("failed to lookup address information: {text}"));
            assert_eq!(kind(cause), io::ErrorKind::NotFound, "{text}");
        }
        for text in ["Temporary failure in name resolution", "Try again"] {
            let cause = io::Error::other(format!("failed to lookup address information: {text}"));
            assert_ne!(kind(cause), io::ErrorKind::NotFound, "{text}");
        }
        // Too many open files.
        assert_ne!(kind(io::Error::from_raw_os_error(24)), io::ErrorKind::NotFound);
    }
}
