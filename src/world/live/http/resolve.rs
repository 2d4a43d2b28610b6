//! Names to addresses, by way of `--connect-to`.

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver as Resolves};
use ureq::unversioned::transport::NextTimeout;

use crate::world::live::connect_to::{self, ConnectTo};

/// Asks the system, unless a rule leads elsewhere; works for literal addresses too.
#[derive(Debug)]
pub(super) struct Resolver {
    rules: Vec<ConnectTo>,
    system: DefaultResolver,
}

impl Resolver {
    pub fn new(rules: Vec<ConnectTo>) -> Self {
        Self {
            rules,
            system: DefaultResolver::default(),
        }
    }
}

impl Resolves for Resolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let standard = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(standard);
        let Some((host, port)) = connect_to::redirect(&self.rules, host, port) else {
            return self.system.resolve(uri, config, timeout);
        };
        let authority = if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        let there = format!("http://{authority}/")
            .parse::<Uri>()
            .map_err(|error| Error::BadUri(format!("--connect-to {authority}: {error}")))?;
        self.system.resolve(&there, config, timeout)
    }
}
