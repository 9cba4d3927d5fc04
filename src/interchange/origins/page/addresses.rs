//! Makes the addresses of a page absolute, and finds those of its pictures.

use dom_query::NodeRef;
use url::Url;

/// Attributes in which scripts find the address of a picture, the surest first.
pub const LAZY_ATTRIBUTES: [&str; 20] = [
    "data-src",
    "data-original",
    "data-lazy-src",
    "data-original-src",
    "data-lazyload",
    "data-lazy",
    "data-actualsrc",
    "data-echo",
    "data-url",
    "data-real-src",
    "data-image",
    "data-img",
    "data-hi-res-src",
    "data-croporisrc",
    "data-backsrc",
    "lazy-src",
    "real_src",
    "original",
    "file",
    "zoomfile",
];
/// Attributes that hold an address.
const ADDRESS_ATTRIBUTES: [&str; 4] = ["href", "src", "poster", "cite"];

/// What the addresses of a page are relative to.
#[derive(Debug, Default)]
pub struct Addresses {
    /// The address of the page, or of its `<base>`.
    pub base: Option<Url>,
    /// Addresses that stay relative, because the page's own is not known.
    pub relative: usize,
    /// Addresses of copies that a browser saved beside the page.
    pub local: usize,
    /// Pictures that the page itself holds, as data.
    pub inlined: usize,
    /// Addresses of plug-ins that became links.
    pub linked_media: Vec<String>,
    /// Names of films and sounds that show nothing without a script.
    pub missing_media: Vec<String>,
}

impl Addresses {
    /// The absolute form of an address. It stays as it is where there is none.
    pub fn resolve(&mut self, address: &str) -> String {
        let address = address.trim();
        let has_scheme = Url::parse(address).is_ok();
        if address.is_empty() || address.starts_with('#') || has_scheme && !is_file(address) {
            return match address.contains(char::is_whitespace) {
                true => Url::parse(address).map_or_else(|_| address.to_owned(), String::from),
                false => address.to_owned(),
            };
        }
        if is_file(address) || is_saved_copy(address) {
            self.local += 1;
            return address.to_owned();
        }
        let joined = match &self.base {
            Some(base) => base.join(address).ok(),
            None => address.strip_prefix("//").and_then(|rest| Url::parse(&format!("https://{rest}")).ok()),
        };
        self.relative += usize::from(joined.is_none());
        joined.map_or_else(|| address.to_owned(), String::from)
    }

    /// Gives each picture in `root` the address that a browser would show, and makes all addresses absolute.
    pub fn complete(&mut self, root: &NodeRef) {
        let nodes: Vec<_> = std::iter::once(*root).chain(root.descendants_it()).collect();
        for node in nodes.iter().filter(|node| node.is_element()) {
            if node.has_name("img") {
                self.complete_picture(node);
            }
            for name in ADDRESS_ATTRIBUTES {
                if let Some(address) = node.attr(name) {
                    node.set_attr(name, &self.resolve(&address));
                }
            }
        }
    }

    fn complete_picture(&mut self, picture: &NodeRef) {
        match find_picture(picture) {
            Some(address) => picture.set_attr("src", &address),
            None if picture.attr("src").is_some_and(|src| is_data(&src) && src.len() > 2000) => {
                self.inlined += 1
            }
            None => {}
        }
    }
}

/// The address that a script would give to an element.
pub fn find_lazy_address(node: &NodeRef) -> Option<String> {
    let named = |name: &&str| node.attr(name).map(|value| value.trim().to_owned());
    LAZY_ATTRIBUTES.iter().filter_map(named).find(|value| looks_like_address(value))
}

/// The address of a picture: that for its script, its own, or the largest of its sizes.
pub fn find_picture(picture: &NodeRef) -> Option<String> {
    let is_shown = |address: &String| !address.is_empty() && !is_placeholder(address);
    let named = |name: &&str| picture.attr(name).map(|value| value.trim().to_owned()).filter(is_shown);
    let lazy = LAZY_ATTRIBUTES.iter().filter_map(named).find(|value| looks_like_address(value));
    let own = || picture.attr("src").map(|src| src.trim().to_owned()).filter(is_shown);
    let sizes = || {
        let beside = picture.parent().filter(|parent| parent.has_name("picture"));
        let sources =
            beside.into_iter().flat_map(|parent| parent.children()).filter(|node| node.has_name("source"));
        let mut nodes = std::iter::once(*picture).chain(sources);
        nodes.find_map(|node| {
            let names = ["srcset", "data-srcset", "data-lazy-srcset"];
            names.iter().find_map(|name| choose_largest(&node.attr(name)?))
        })
    };
    // Any other attribute that can only be the address of a picture.
    let other = || {
        let attributes = picture.attrs();
        let values = attributes.iter().filter(|attribute| {
            !["src", "alt", "title", "srcset", "class", "id", "style"].contains(&&*attribute.name.local)
        });
        values
            .map(|attribute| attribute.value.trim().to_owned())
            .find(|value| names_picture(value) && is_shown(value))
    };
    lazy.or_else(own).or_else(sizes).or_else(other)
}

/// The address of the largest picture of a `srcset`.
fn choose_largest(sizes: &str) -> Option<String> {
    let candidates = sizes.split(", ").flat_map(|part| match part.contains("://") {
        true => vec![part],
        false => part.split(',').collect(),
    });
    let sized = candidates.filter_map(|candidate| {
        let mut words = candidate.split_whitespace();
        let address = words.next()?.trim_end_matches(',');
        let size =
            words.next().and_then(|size| size.trim_end_matches(['w', 'x', 'h', ',']).parse::<f64>().ok());
        (!is_placeholder(address)).then(|| (size.unwrap_or(1.0), address.to_owned()))
    });
    sized.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, address)| address)
}

/// Whether an address is that of an image which stands in until a script has loaded the real one.
fn is_placeholder(address: &str) -> bool {
    const NAMES: [&str; 14] = [
        "blank.",
        "spacer.",
        "loading.",
        "placeholder",
        "grey.",
        "gray.",
        "transparent.",
        "pixel.",
        "lazyload.",
        "lazy.",
        "1x1.",
        "space.",
        "empty.",
        "white.",
    ];
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    is_data(address)
        || address == "about:blank"
        || address == "#"
        || NAMES.iter().any(|known| name.starts_with(known))
}

fn is_data(address: &str) -> bool {
    address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

fn is_file(address: &str) -> bool {
    address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"))
}

/// Whether a browser has made this address when it saved the page with its files.
fn is_saved_copy(address: &str) -> bool {
    let path = address.trim_start_matches("./");
    path.split_once('/').is_some_and(|(folder, _)| folder.ends_with("_files") || folder.ends_with(".files"))
}

fn looks_like_address(value: &str) -> bool {
    value.contains('/') || names_picture(value)
}

fn names_picture(value: &str) -> bool {
    const ENDINGS: [&str; 9] = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp", ".svg", ".jfif"];
    let path = value.split(['?', '#', '!']).next().unwrap_or_default().to_lowercase();
    !value.contains(char::is_whitespace) && ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Puts the pictures for browsers without scripts in place of those that wait for one.
///
/// Each `noscript` with a picture has become an element with `data-noscript` before.
pub fn merge_noscript_twins(body: &NodeRef) {
    let wraps: Vec<_> = body.descendants_it().filter(|node| node.has_attr("data-noscript")).collect();
    for wrap in wraps {
        let Some(real) = wrap.descendants_it().find(|node| node.has_name("img")) else { continue };
        let mut beside = [wrap.prev_element_sibling(), wrap.next_element_sibling()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
        beside.extend(wrap.parent().and_then(|parent| parent.prev_element_sibling()));
        let pictures = beside.iter().filter_map(|node| {
            let mut inside = std::iter::once(*node).chain(node.descendants_it());
            inside.find(|node| node.has_name("img"))
        });
        let address = find_picture(&real);
        let twin = pictures.into_iter().find(|twin| {
            let known = find_picture(twin);
            known.is_none() || known == address
        });
        if let (Some(twin), Some(address)) = (twin, address) {
            twin.set_attr("src", &address);
            wrap.remove_from_parent();
        }
    }
}
