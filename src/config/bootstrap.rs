//! The contents that the first start adds.

use clap::Args;
use clap::builder::BoolishValueParser;

/// The contents that the first start adds.
#[derive(Args, Clone, Debug)]
pub struct Bootstrap {
    /// The email of the first admin.
    #[arg(long, env = "INKSTONE_ADMIN_EMAIL", default_value = "admin@localhost", value_name = "EMAIL")]
    pub admin_email: String,
    /// The password of the first admin. Without it, one is generated and printed once.
    #[arg(long, env = "INKSTONE_ADMIN_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub admin_password: Option<String>,
    /// Load a small demo site, once.
    #[arg(long, env = "INKSTONE_DEMO", value_parser = BoolishValueParser::new())]
    pub demo: bool,
}
