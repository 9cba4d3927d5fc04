//! What the bodies of articles and notices may hold.

use clap::Args;

use super::values::parse_embed_host;

/// Stands for no host at all.
const NO_HOST: &str = "none";

/// What the bodies of articles and notices may hold.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Bodies {
    /// Hosts whose players may be framed in bodies, comma-separated, each exactly; `none` for no frames. A frame of
    /// another host becomes a link. `serve`, `import` and `resanitise` need the same list; after a change of it,
    /// `resanitise --all` renders the stored bodies again.
    #[arg(
        long,
        env = "INKSTONE_EMBED_HOSTS",
        value_parser = parse_embed_host,
        value_delimiter = ',',
        default_value = "player.bilibili.com,www.bilibili.com,player.youku.com,v.qq.com,www.youtube.com,youtube.com,www.youtube-nocookie.com,player.vimeo.com",
        value_name = "HOSTS"
    )]
    pub embed_hosts: Vec<String>,
}

impl Bodies {
    /// Returns the hosts whose players may be framed.
    pub fn embed_hosts(&self) -> Vec<String> {
        self.embed_hosts.iter().filter(|host| *host != NO_HOST).cloned().collect()
    }

    /// Returns a line for people that names the hosts.
    pub fn describe(&self) -> String {
        match self.embed_hosts().as_slice() {
            [] => "Keeping no frames (--embed-hosts)".to_owned(),
            hosts => format!("Keeping the frames of {} (--embed-hosts)", hosts.join(", ")),
        }
    }
}
