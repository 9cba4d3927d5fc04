//! The command line.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use actix_web::web;
use anyhow::{Context, anyhow};
use inkstone::app::App;
use inkstone::commands::media_target::MediaTarget;
use inkstone::commands::remote::Server;
use inkstone::commands::site_database::SiteDatabase;
use inkstone::config::bulk::{Export, Import, Remote};
use inkstone::config::{Bodies, Cli, Command, Config, Database, MediaCommand, Refusal, SettingError};
use inkstone::contract::Contract;
use inkstone::edge::descriptors::raise_descriptor_limit;
use inkstone::edge::starting::StartingServer;
use inkstone::http::conditional::IfMatch;
use inkstone::keys::Ring;
use inkstone::mail::Mailer;
use inkstone::members::bootstrap;
use inkstone::members::passwords::Hasher;
use inkstone::server;
use inkstone::server::shared::Shared;
use inkstone::site::view::SitePatch;
use inkstone::{changes, commands, demo, media, site, telemetry, upgrade};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Bodies are parsed into many small pieces, which this allocator makes and drops in half the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the views gathered last wait for articles that others have locked.
const LAST_FLUSH_PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    keep_pages_small();
    give_back_memory();
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(Refusal::CommandLine(cause)) => cause.exit(),
        Err(Refusal::Setting(cause)) => return exit_with(&cause.into()),
    };
    if !telemetry::init() {
        let wanted = "must be a filter like warn or inkstone=debug";
        return exit_with(&SettingError::new("INKSTONE_LOG", wanted).into());
    }
    warn_of_unknown_variables();
    match run_command(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => exit_with(&cause),
    }
}

/// Lets the system give this process memory in small pages: in huge ones (2 MiB), what the allocator has reserved and does
/// not use doubles the memory of an idle server.
fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    // SAFETY: it reads nothing but its arguments. Where the system does not know it, it does nothing.
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

/// Gives the system back what has been freed, every five seconds. By itself the allocator does so while more is allocated, so that
/// an idle server would keep what its busiest moment took.
fn give_back_memory() {
    const INTERVAL: Duration = Duration::from_secs(5);
    let give_back = || {
        loop {
            std::thread::sleep(INTERVAL);
            // SAFETY: it takes no pointer, and any thread may call it at any time.
            unsafe { libmimalloc_sys::mi_collect(true) };
        }
    };
    // Without the thread, memory is given back later.
    let _ = std::thread::Builder::new().name("memory".to_owned()).spawn(give_back);
}

/// Says why the process ends. Its exit code is 2 for a setting that cannot be used.
fn exit_with(cause: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "inkstone: {cause:#}");
    if cause.is::<SettingError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

fn warn_of_unknown_variables() {
    for (variable, nearest) in Cli::unknown_variables() {
        tracing::warn!(variable, "No setting has the variable {variable}; did you mean {nearest}?");
    }
}

fn run_command(cli: Cli) -> anyhow::Result<()> {
    match cli.command.unwrap_or_else(|| Command::Serve(Box::new(cli.serve))) {
        Command::Serve(config) => serve(*config),
        Command::Migrate(database) => SiteDatabase::open(&database).map(drop),
        Command::Resanitise { database, bodies, all } => {
            say(&bodies.describe())?;
            administer(*database, Some(bodies), async |app, _| commands::resanitise(app, all).await)
        }
        Command::Reindex(database) => {
            administer(*database, None, async |app, _| commands::reindex(app).await)
        }
        Command::Member { database, command } => {
            administer(*database, None, async |app, hasher| commands::member(app, hasher, command).await)
        }
        Command::ApiKey { database, command } => {
            administer(*database, None, async |app, _| commands::api_key(app, command).await)
        }
        Command::SigningKey { database, command } => {
            administer(*database, None, async |app, _| commands::signing_key(app, command).await)
        }
        Command::Import { database, bodies, import } => run_import(*database, bodies, &import),
        Command::Export { database, export } => run_export(*database, &export),
        Command::Media { database, command: MediaCommand::Import { folder, remote } } => {
            bulk(*database, None, false, &remote, async |place| {
                commands::media::import_folder(&place.media(), &folder).await
            })
        }
        Command::Doctor(database) => {
            let said = Runtime::new()?.block_on(commands::doctor::doctor(&database))?;
            say(said.trim_end())
        }
        Command::Openapi => Contract::new().and_then(|contract| say(contract.json.trim_end())),
    }
}

/// Stores the media of a folder, if one is given, and then the rows.
fn run_import(database: Database, bodies: Bodies, import: &Import) -> anyhow::Result<()> {
    bulk(database, Some(bodies), import.compares_texts(), &import.remote, async |place| {
        let media = place.media();
        if import.fetch_media {
            media.check_store().await?;
        }
        if let Some(folder) = &import.media {
            say(&commands::media::import_media(&media, folder).await?)?;
        }
        match place {
            ImportTarget::Server(server) => commands::import::remotely(&server, import, media).await,
            ImportTarget::Database(app) => commands::import::directly(app, import, media).await,
        }
    })
}

/// Writes the rows, and then the media they use, if a folder is given.
fn run_export(database: Database, export: &Export) -> anyhow::Result<()> {
    bulk(database, None, false, &export.remote, async |place| {
        let media = place.media();
        match place {
            ImportTarget::Server(server) => commands::export::remotely(&server, export).await?,
            ImportTarget::Database(app) => commands::export::directly(app, export).await?,
        }
        if let Some(folder) = &export.media {
            commands::media::export_media(&media, folder).await?;
        }
        Ok(String::new())
    })
}

/// A line on standard output.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Runs a command over the site's database, beside a server that may be running, and prints what it says.
/// Without `bodies`, the environment says what bodies may hold.
fn administer(
    database: Database,
    bodies: Option<Bodies>,
    command: impl AsyncFnOnce(&web::Data<App>, &Hasher) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    administer_with(database, bodies, false, command)
}

/// As [`administer`]. If `is_indexed`, the command has a search index: that of a server that is not running, or one of
/// its own.
fn administer_with(
    database: Database,
    bodies: Option<Bodies>,
    is_indexed: bool,
    command: impl AsyncFnOnce(&web::Data<App>, &Hasher) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    // What a server of this environment would run with.
    let of_environment = read_environment()?.serve;
    let bodies = bodies.unwrap_or(of_environment.bodies);
    let config = Config { database, bodies, ..of_environment };
    let data = SiteDatabase::open_running(&config.database)?;
    let keys = data.keys(&config.access)?;
    let mailer = Mailer::new(&config.mail, &config.database.data_dir)?;
    let app = App::new(config, &data.url, data.runtime.handle().clone(), keys, mailer)?;
    let app = web::Data::new(app);
    if is_indexed {
        data.follow_index(app.clone().into_inner());
    }
    // Its table reserves the words that no slug may be.
    Contract::new()?;
    let hasher = Hasher::new()?;
    let said = actix_web::rt::System::new().block_on(command(&app, &hasher))?;
    if said.is_empty() { Ok(()) } else { say(said.trim_end()) }
}

/// The command line of a server that only the environment configures.
fn read_environment() -> anyhow::Result<Cli> {
    Cli::read(["inkstone".into()]).map_err(|refusal| match refusal {
        Refusal::Setting(cause) => cause.into(),
        Refusal::CommandLine(cause) => cause.into(),
    })
}

/// Where bulk work is done.
enum ImportTarget<'p> {
    Server(Rc<Server>),
    Database(&'p web::Data<App>),
}

impl ImportTarget<'_> {
    /// Where its media are kept.
    fn media(&self) -> MediaTarget {
        match self {
            Self::Server(server) => MediaTarget::Server(server.clone()),
            Self::Database(app) => MediaTarget::Database((*app).clone()),
        }
    }
}

/// Runs bulk work through the server that is named, or else on the database.
fn bulk(
    database: Database,
    bodies: Option<Bodies>,
    is_indexed: bool,
    remote: &Remote,
    work: impl AsyncFnOnce(ImportTarget<'_>) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    match Server::of(remote)? {
        None => {
            let work = async |app: &web::Data<App>, _: &Hasher| work(ImportTarget::Database(app)).await;
            administer_with(database, bodies, is_indexed, work)
        }
        Some(server) => {
            let said = actix_web::rt::System::new().block_on(work(ImportTarget::Server(Rc::new(server))))?;
            if said.is_empty() { Ok(()) } else { say(&said) }
        }
    }
}

/// Checks the settings that the command line cannot check, before anything is started.
fn check_settings(config: &Config) -> anyhow::Result<()> {
    bootstrap::check_first_admin(&config.bootstrap)?;
    if !config.access.signing_key_file.is_empty() {
        Ring::from_files(&config.access.signing_key_file).map_err(|cause| {
            SettingError::new("INKSTONE_SIGNING_KEY_FILE (--signing-key-file)", &format!("{cause:#}"))
        })?;
    }
    Ok(())
}

fn serve(mut config: Config) -> anyhow::Result<()> {
    check_settings(&config)?;
    let opens_demo = config.bootstrap.demo && config.http.cors_origins.is_empty();
    if opens_demo {
        // Whoever tries a frontend against the demo has no origin yet.
        config.http.cors_origins.push("*".to_owned());
    }
    raise_descriptor_limit();
    let listener = TcpListener::bind(config.http.listen)
        .with_context(|| format!("listening on {}", config.http.listen))?;
    let address = listener.local_addr()?;
    let starting = StartingServer::start(&listener)?;
    let get_postgres = config.database.get_postgres || config.bootstrap.demo;
    let data = SiteDatabase::open(&Database { get_postgres, ..config.database.clone() })?;
    let keys = data.keys(&config.access)?;
    let mailer = Mailer::new(&config.mail, &config.database.data_dir)?;
    let app = App::new(config, &data.url, data.runtime.handle().clone(), keys, mailer)?;
    let shared = Shared::new(app, Hasher::new()?, web::Data::new(Contract::new()?));
    let (follower, url) = (shared.app.follower.clone(), data.url.clone());
    data.runtime.spawn(async move { follower.follow(&url).await });
    data.follow_index(shared.app.clone().into_inner());
    let served = actix_web::rt::System::new().block_on(run(shared, starting, listener, address, opens_demo));
    tracing::info!("Stopped");
    served
}

async fn run(
    shared: Shared,
    starting: StartingServer,
    listener: TcpListener,
    address: SocketAddr,
    opens_demo: bool,
) -> anyhow::Result<()> {
    // From here on a signal waits for us instead of ending us.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut asked_to_stop =
        async || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
    let base_url = prepare(&shared, address).await?;
    drop(starting);
    let metrics_url = start_metrics(&shared)?;
    let server = server::start(&shared, listener)?;
    let handle = server.handle();
    let mut server = std::pin::pin!(server);
    let url = format!("http://{address}");
    say(&format!(
        "Inkstone is ready: {url}\n  API      {url}/api/v1\n  docs     {url}/docs/\n  guides   {url}/docs/guides/\n  OpenAPI  {url}/openapi.json\n  site     {base_url}"
    ))?;
    say_what_else(metrics_url, opens_demo)?;
    tokio::select! {
        done = &mut server => done?,
        () = asked_to_stop() => {
            let delay = shared.app.config.http.drain_delay();
            tracing::info!(seconds = delay.as_secs(), "Stopping; requests in flight may finish, a second signal ends them");
            shared.app.begin_leaving();
            let stopping = async {
                tokio::time::sleep(delay).await;
                drop(handle.stop(true));
                (&mut server).await
            };
            tokio::select! { done = stopping => done?, () = asked_to_stop() => {} }
        }
    }
    // Views gathered since the last write.
    shared
        .counter
        .flush_all(&shared.app, LAST_FLUSH_PATIENCE)
        .await
        .map_err(|cause| anyhow!("writing the last views: {cause}"))
}

/// Says what this start opens besides.
fn say_what_else(metrics_url: Option<String>, opens_demo: bool) -> anyhow::Result<()> {
    if let Some(url) = metrics_url {
        say(&format!("  metrics  {url}"))?;
    }
    if opens_demo {
        say(
            "  demo     pages of any origin may read without a credential; --cors-origins names yours instead",
        )?;
    }
    Ok(())
}

/// Serves the numbers of the process on their own address, if there is one. Returns their URL.
fn start_metrics(shared: &Shared) -> anyhow::Result<Option<String>> {
    let Some(address) = shared.app.config.http.metrics_listen else { return Ok(None) };
    let listening = || format!("listening on {address} (--metrics-listen)");
    let listener = TcpListener::bind(address).with_context(listening)?;
    let url = format!("http://{}/metrics", listener.local_addr()?);
    actix_web::rt::spawn(server::start_metrics(shared, listener).with_context(listening)?);
    Ok(Some(url))
}

/// Makes what a first start leaves behind, and returns the site's address.
async fn prepare(shared: &Shared, address: SocketAddr) -> anyhow::Result<String> {
    let app = &shared.app;
    let to_anyhow = |cause| anyhow!("{cause:?}");
    app.follower.measure_clock(&*app.long_reader().await.map_err(to_anyhow)?).await?;
    let renamed = upgrade::rename_reserved_slugs(app).await.map_err(to_anyhow)?;
    if renamed > 0 {
        tracing::warn!(renamed, "{renamed} slugs have become fixed words of paths, and got an ending");
    }
    upgrade::name_notices(app).await.map_err(to_anyhow)?;
    media::prepare(app).await.map_err(to_anyhow)?;
    if let Some(password) = bootstrap::ensure_first_admin(app, &shared.hasher).await? {
        let email = &app.config.bootstrap.admin_email;
        say(&format!("First admin: {email}\n   password: {password}   (shown this once)"))?;
    }
    if app.config.bootstrap.demo && demo::load(app).await? {
        say("Loaded the demo site.")?;
    }
    let current = site::queries::get(&*app.long_reader().await.map_err(to_anyhow)?).await?.content.base_url;
    let wanted = match &app.config.http.base_url {
        Some(url) => url.clone(),
        // A site that was never told its address has the one of the first start.
        None if current == "http://127.0.0.1:8080" => format!("http://{address}"),
        None => return Ok(current),
    };
    let patch = SitePatch { base_url: Some(wanted.clone()), ..SitePatch::default() };
    app.write(async move |tx| {
        site::writing::patch_site(tx, changes::model::Actor::SYSTEM, &IfMatch::Absent, patch.clone()).await
    })
    .await
    .map_err(to_anyhow)?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
