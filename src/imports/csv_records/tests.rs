//! Tests of cutting CSV.

use proptest::prelude::*;

use super::*;

fn cut(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut cutter = RecordCutter::new(text);
    let mut records = Vec::new();
    while let Some(item) = cutter.next_item().unwrap() {
        match item {
            CsvItem::Record { cells, .. } => records.push(cells.iter().map(<[u8]>::to_vec).collect()),
            CsvItem::Malformed { .. } => records.push(Vec::new()),
        }
    }
    records
}

proptest! {
    #[test]
    fn what_a_writer_of_csv_writes_is_read_as_it_was(
        rows in prop::collection::vec(prop::collection::vec("[a\"\r\n,质 ]{0,6}x", 3), 0..6),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let rows: Vec<Vec<Vec<u8>>> =
            rows.into_iter().map(|row| row.into_iter().map(String::into_bytes).collect()).collect();
        prop_assert_eq!(cut(&writer.into_inner().unwrap()), rows);
    }
}

#[test]
fn broken_text_is_read_in_time_that_grows_with_it() {
    // Each line opens a cell that goes on to the end, if it is read for itself.
    let text = format!("a,b,c\n{}", "a\",\",\n".repeat(300_000));
    let mut cutter = RecordCutter::new(text.as_bytes());
    cutter.take_header().unwrap();
    assert!(matches!(cutter.next_item(), Ok(Some(CsvItem::Malformed { line: 2, .. }))));
    assert!(matches!(cutter.next_item(), Ok(None)));
}
