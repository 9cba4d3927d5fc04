//! Saved article pages: HTML, or the text copied from a page.
//!
//! Metadata comes from the markup first (canonical link, `article:published_time`, JSON-LD).
//! Otherwise it comes from the text, as Chinese portals write it: a breadcrumb, and a line
//! like `发布时间：2019-09-20 作者： 来源： 浏览：2600`. Text filters are not applied here.

pub mod folder;
pub mod html;
mod labels;
#[cfg(test)]
mod tests;
pub mod text;
