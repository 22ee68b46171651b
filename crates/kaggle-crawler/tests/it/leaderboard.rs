//! Leaderboards as they come: names of all kinds, old columns, what is not known.

use std::io::{Cursor, Write};

use kaggle_crawler::leaderboard::{Leaderboard, read_csv, read_zip};
use serde_json::{Value, json};

const HEADER: &str = "Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,TeamMemberUserNames";

fn zipped(members: &[(&str, &[u8])]) -> Cursor<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap()
}

fn top(board: &Leaderboard) -> Value {
    serde_json::to_value(&board.top).unwrap()
}

#[test]
fn a_download_gives_ranks_teams_scores_and_counts_whatever_the_names_hold() {
    let table = format!(
        "\u{feff}{HEADER}\r\n\
         1,11,\"a, \"\"b\"\"\r\nc\",2026-01-01 00:00:00,0.83500,7,x\r\n\
         2,12,\u{202e}gnp.😀,2026-01-01 00:00:00,,1,\"y,z\"\r\n\
         3,13,,2026-01-01 00:00:00,Infinity,,\r\n\
         4,14,short\r\n"
    );
    let name = "titanic-publicleaderboard-2026-09-30T17:41:44.csv";
    let board = read_zip(zipped(&[(name, table.as_bytes())])).unwrap();
    assert_eq!((board.rows, board.ranked, board.repeats), (4, true, false));
    assert_eq!(
        top(&board),
        json!([
            {"Rank": 1, "Team": "a, \"b\"\r\nc", "Score": 0.835, "SubmissionCount": 7},
            {"Rank": 2, "Team": "\u{202e}gnp.😀", "Score": null, "SubmissionCount": 1},
            {"Rank": 3, "Team": null, "Score": "Infinity", "SubmissionCount": null},
            {"Rank": 4, "Team": "short", "Score": null, "SubmissionCount": null},
        ])
    );
    // Digits are not rounded away.
    assert!(serde_json::to_string(&board.top[0]).unwrap().contains("\"Score\":0.83500,"));
}

#[test]
fn the_best_hundred_are_those_of_the_best_ranks() {
    let mut table = format!("{HEADER}\n");
    for rank in (1..=1000).rev() {
        table += &format!("{rank},{rank},team {rank},,{}.5,1,\n", 1000 - rank);
    }
    let board = read_csv(table.as_bytes()).unwrap();
    let ranks: Vec<_> = board.top.iter().map(|row| row.rank.unwrap()).collect();
    assert_eq!((board.rows, ranks), (1000, (1..=100).collect()));
}

#[test]
fn old_tables_have_no_rank_and_none_is_made_up() {
    let table = "TeamId,TeamName,SubmissionDate,Score\n5,five,2012-01-01,.5\n6,six,2012-01-02,1e400\n5,five,2012-01-03,0:01\n";
    let board = read_csv(table.as_bytes()).unwrap();
    assert_eq!((board.ranked, board.repeats, board.rows), (false, true, 3));
    assert_eq!(
        top(&board),
        json!([
            {"Rank": null, "Team": "five", "Score": 0.5, "SubmissionCount": null},
            {"Rank": null, "Team": "six", "Score": "1e400", "SubmissionCount": null},
            {"Rank": null, "Team": "five", "Score": "0:01", "SubmissionCount": null},
        ])
    );
}

#[test]
fn what_is_no_leaderboard_is_an_error() {
    for wrong in ["", "<html><body>denied</body></html>", "a,b\n1,2\n"] {
        assert!(read_csv(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let endless = format!("{HEADER}\n1,1,\"{}", "x".repeat(100_000));
    assert!(read_csv(endless.as_bytes()).is_err());
    assert!(read_zip(Cursor::new(b"PK\x03\x04 and no more".to_vec())).is_err());
    let table = HEADER.as_bytes();
    assert!(read_zip(zipped(&[("a.csv", table), ("b.csv", table)])).is_err());
    let mut damaged = zipped(&[("a.csv", format!("{HEADER}\n1,1,a,,1,1,\n").as_bytes())]).into_inner();
    // A bit of the packed bytes, which begin behind the head and the name.
    damaged[30 + 5 + 12] ^= 1;
    assert!(read_zip(Cursor::new(damaged)).is_err());
    // A bomb of zeros is cut at the bound.
    let zeros = vec![b'0'; 70 << 20];
    assert!(read_zip(zipped(&[("a.csv", &zeros)])).is_err());
}
