//! The README's commands run as they stand there, and the README in Chinese has the same.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::process::{Process, inkstone, open_folder};

const README: &str = include_str!("../../README.md");
const README_IN_CHINESE: &str = include_str!("../../README.zh-CN.md");

/// Stands in for `cargo`: what is built is there, and these are its tests.
const CARGO: &str = "#!/bin/sh\ncase $1 in\n  run) while [ $1 != -- ]; do shift; done; shift; exec INKSTONE \"$@\" ;;\n  test) ;;\n  *) exit 1 ;;\nesac\n";
/// Stands in for `curl`: the same, and the headers of each answer are kept.
const CURL: &str = "#!/bin/sh\nexec CURL --dump-header \"$(mktemp FOLDER/$(date +%s%N)-XXXX)\" \"$@\"\n";

/// The blocks of shell commands.
fn find_commands(markdown: &str) -> Vec<&str> {
    let blocks = markdown.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix("sh\n")).collect()
}

/// The statuses that the comments of commands say that they are refused with.
fn find_refusals(commands: &[&str]) -> Vec<u16> {
    let comments = commands.iter().flat_map(|block| block.lines()).filter_map(|line| line.split_once("# "));
    comments.filter_map(|(_, comment)| comment.get(..3)?.parse().ok()).collect()
}

/// The depths of the headings.
fn find_headings(markdown: &str) -> Vec<usize> {
    let is_text = |(at, _): &(usize, &str)| at % 2 == 0;
    let texts = markdown.split("\n```").enumerate().filter(is_text);
    let lines = texts.flat_map(|(_, text)| text.lines()).filter(|line| line.starts_with('#'));
    lines.map(|line| line.chars().take_while(|c| *c == '#').count()).collect()
}

/// The first cells of the rows of tables.
fn find_first_cells(markdown: &str) -> Vec<&str> {
    let rows = markdown.lines().filter_map(|line| line.strip_prefix('|'));
    let cells = rows.filter_map(|row| row.split('|').next()).map(str::trim);
    cells.filter(|cell| cell.starts_with('`')).collect()
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The statuses of answers that refuse something, in order.
fn read_refusals(folder: &Path) -> Vec<u16> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let heads = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let statuses = heads.map(|head| head.split(' ').nth(1).unwrap().parse::<u16>().unwrap());
    statuses.filter(|status| *status >= 400).collect()
}

#[actix_web::test]
async fn every_command_of_the_readme_runs_as_it_stands_there() {
    let dir = open_folder();
    let [programs, answers] = ["programs", "answers"].map(|name| dir.path().join(name));
    fs::create_dir(&programs).unwrap();
    fs::create_dir(&answers).unwrap();
    let command = inkstone(&[]);
    let find_curl = Command::new("sh").args(["-c", "command -v curl"]).output().unwrap();
    let curl = String::from_utf8(find_curl.stdout).unwrap();
    write_program(
        &programs.join("cargo"),
        &CARGO.replace("INKSTONE", command.get_program().to_str().unwrap()),
    );
    let with_curl = CURL.replace("CURL", curl.trim()).replace("FOLDER", answers.to_str().unwrap());
    write_program(&programs.join("curl"), &with_curl);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let run = |text: &str| {
        let mut shell = Command::new("bash");
        shell.args(["-c", text]).current_dir(dir.path()).env("PATH", &path).env("INKSTONE_DRAIN_DELAY", "0");
        shell
    };

    let commands = find_commands(README);
    let serve = commands[0].lines().next().unwrap();
    assert!(serve.contains("serve --demo"), "{serve}");
    let mut starting = run(&format!("exec {serve}"));
    starting.env("INKSTONE_LISTEN", "127.0.0.1:0");
    let server = Process::start(starting);
    let password = server.printed.iter().find_map(|line| line.trim().strip_prefix("password: ")).unwrap();
    let password = password.split_whitespace().next().unwrap();
    let address = server.url.strip_prefix("http://").unwrap();
    let script = commands[1..].join("\n");
    let script = script.replace("127.0.0.1:8080", address).replace("the password that was printed", password);
    let done = run(&format!("set -euo pipefail\n{script}")).output().unwrap();
    let [printed, faults] =
        [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(done.status.success(), "{printed}\n{faults}");
    assert_eq!(read_refusals(&answers), find_refusals(&commands), "{printed}\n{faults}");
}

#[test]
fn the_readme_in_chinese_has_the_same_commands_headings_and_settings() {
    assert_eq!(find_commands(README_IN_CHINESE), find_commands(README));
    assert_eq!(find_headings(README_IN_CHINESE), find_headings(README));
    assert_eq!(find_first_cells(README_IN_CHINESE), find_first_cells(README));
    assert!(find_commands(README).len() > 8 && find_first_cells(README).len() > 30);
}
