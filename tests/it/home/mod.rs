//! What home pages are made from: blocks, menus, and the newest articles of each category.

mod blocks;
mod latest;
mod menus;
