//! Saved article pages: HTML, or the text copied from a page.
//!
//! [`main_text`] finds the article on the page, and [`roles`] decides on each line: text, a value of a field, or the
//! site's own. All text of the article is kept; a sentence that is not is told in a warning. Metadata comes from the
//! markup first (canonical link, `article:published_time`, JSON-LD). Otherwise it comes from the lines around the text,
//! as Chinese portals write it: a breadcrumb, and a line like `发布时间：2019-09-20 作者： 来源： 浏览：2600`. Text
//! filters are not applied here.

mod addresses;
mod archive;
mod body;
mod breadcrumb;
mod files;
pub mod folder;
mod furniture;
pub mod html;
mod label_names;
mod labels;
#[cfg(test)]
mod layouts;
mod line_kinds;
mod lines;
mod linked_data;
mod main_text;
mod media;
mod metadata;
pub mod page_source;
mod roles;
mod source;
mod tables;
#[cfg(test)]
pub mod tests;
pub mod text;
mod title;
