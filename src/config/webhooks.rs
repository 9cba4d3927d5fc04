//! Servers that are told what has changed.

use clap::Args;
use ipnet::IpNet;

use super::values::parse_network;

/// Servers that are told what has changed.
#[derive(Args, Clone, Debug)]
pub struct Webhooks {
    /// Networks besides the public internet that webhooks may lead to, comma-separated.
    #[arg(id = "webhook-allow", long = "webhook-allow", env = "INKSTONE_WEBHOOK_ALLOW", value_parser = parse_network, value_delimiter = ',', value_name = "NETWORKS")]
    pub allow: Vec<IpNet>,
}
