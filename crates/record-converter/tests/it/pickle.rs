//! Pickles: what is plain is read, what would run something is refused, and what is damaged is an error.

use std::fs;

use crawl_core::{Kind, Result};
use record_converter::{Options, Summary};

use crate::run;

/// The lines of a pickle.
fn read(bytes: &[u8]) -> Result<(Summary, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.pkl"), bytes).unwrap();
    let summary = run(&folder, "x.pkl", "out.jsonl", Options::default())?;
    let text = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    Ok((summary, text.lines().map(str::to_owned).collect()))
}

/// A short text of version 4.
fn text(text: &str) -> Vec<u8> {
    [&[0x8C, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
}

#[test]
fn plain_containers_are_objects_of_all_versions() {
    // pickle.dumps([{"a": 1, "b": [True, None, 1.5, "é"]}], 0), then 2, then 4.
    for bytes in [
        &b"(lp0\n(dp1\nVa\np2\nI1\nsVb\np3\n(lp4\nI01\naNaF1.5\naV\xe9\np5\nasa."[..],
        b"\x80\x02]q\x00}q\x01(X\x01\x00\x00\x00aq\x02K\x01X\x01\x00\x00\x00bq\x03]q\x04(\x88NG?\xf8\x00\x00\x00\x00\x00\x00X\x02\x00\x00\x00\xc3\xa9q\x05eua.",
        b"\x80\x04\x95\x25\x00\x00\x00\x00\x00\x00\x00]\x94}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94]\x94(\x88NG?\xf8\x00\x00\x00\x00\x00\x00\x8c\x02\xc3\xa9\x94eua.",
    ] {
        let (summary, lines) = read(bytes).unwrap();
        assert_eq!(lines, [r#"{"a":1,"b":[true,null,1.5,"é"]}"#]);
        assert!(summary.is_whole() && summary.records_read == 1);
    }
}

#[test]
fn a_pickle_that_would_run_something_is_refused_by_every_way() {
    let witness = std::env::temp_dir().join(format!("gleaner-pickle-{}", std::process::id()));
    let order = text(&format!("touch {}", witness.display()));
    let system = [text("os"), text("system"), vec![0x93]].concat();
    let global = b"cposix\nsystem\n".to_vec();
    let call = |function: &[u8], how: &[u8]| [b"\x80\x04", function, &order, how].concat();
    let date = b"cdatetime\ndatetime\n".to_vec();
    let info = b"chuggingface_hub.hf_api\nDatasetInfo\n".to_vec();
    let list = b"chuggingface_hub.hf_api\nlist_datasets\n".to_vec();
    let attacks: Vec<(&str, Vec<u8>)> = vec![
        ("GLOBAL and REDUCE", call(&global, b"\x85R.")),
        ("STACK_GLOBAL and REDUCE", call(&system, b"\x85R.")),
        ("a name with dots", [text("datetime"), text("sys.modules"), vec![0x93, b'.']].concat()),
        ("INST", [b"(".as_slice(), &order, b"ios\nsystem\n."].concat()),
        ("OBJ", [b"(".as_slice(), &global, &order, b"o."].concat()),
        ("OBJ of a known class", [b"(".as_slice(), &info, &order, b"o."].concat()),
        ("NEWOBJ", call(&global, b"\x85\x81.")),
        ("NEWOBJ of a known class with arguments", call(&info, b"\x85\x81.")),
        ("NEWOBJ_EX", [&global[..], b")}", b"\x92."].concat()),
        ("REDUCE of a known class", call(&info, b"\x85R.")),
        ("REDUCE of a function of the library", call(&list, b"\x85R.")),
        ("REDUCE of a date with a text", call(&date, b"\x85R.")),
        ("REDUCE of a text", [&order[..], b")R."].concat()),
        ("BUILD of a class", [&info[..], b"}b."].concat()),
        ("BUILD of a list", b"]}b.".to_vec()),
        ("BUILD with a state that is none", [&info[..], b")\x81", &order, b"b."].concat()),
        ("BUILD of a class with __setstate__", [b"cbuiltins\nset\n".as_slice(), b")R}b."].concat()),
        ("PERSID", b"Px\n.".to_vec()),
        ("BINPERSID", [&order[..], b"Q."].concat()),
        ("EXT1", b"\x82\x01.".to_vec()),
        ("EXT2", b"\x83\x01\x00.".to_vec()),
        ("EXT4", b"\x84\x01\x00\x00\x00.".to_vec()),
        ("eval", [&b"cbuiltins\neval\n"[..], &order, b"\x85R."].concat()),
        ("getattr", [&b"cbuiltins\ngetattr\n"[..], &order, b"\x85R."].concat()),
        (
            "encode with another codec",
            [&b"c_codecs\nencode\n"[..], &order, &text("rot13"), b"\x86R."].concat(),
        ),
        ("a buffer", b"\x97.".to_vec()),
    ];
    for (name, bytes) in attacks {
        let error = read(&bytes).err().unwrap_or_else(|| panic!("{name} was read"));
        assert_eq!(error.kind(), Kind::Config, "{name}: {error}");
        assert!(error.advice().contains("nothing in a pickle is executed"), "{name}");
    }
    let error = read(&call(&global, b"\x85R.")).unwrap_err();
    assert!(error.to_string().contains("posix.system"), "{error}");
    assert!(!witness.exists());
}

#[test]
fn what_would_fill_the_memory_or_never_end_is_an_error() {
    let deep = [vec![b']'; 200_000], vec![b'a'; 199_999], vec![b'.']].concat();
    let itself = b"]\x94h\x00a.".to_vec();
    let in_object = b"]}\x94(\x8c\x01ah\x00ua.".to_vec();
    // Each list holds the one before twice.
    let mut laughs = b"\x80\x04}\x8c\x01a]".to_vec();
    for number in 0..60_u8 {
        laughs.extend_from_slice(&[b'q', number, b'0', b']', b'(', b'h', number, b'h', number, b'e']);
    }
    laughs.extend_from_slice(b"s.");
    let huge = [&b"\x8d"[..], &u64::MAX.to_le_bytes(), b"x."].concat();
    let long = [&b"\x8b"[..], &u32::MAX.to_le_bytes(), b"x."].concat();
    for (name, bytes) in [
        ("deep", deep),
        ("itself", itself),
        ("object", in_object),
        ("huge", huge),
        ("long", long),
        ("laughs", laughs),
    ] {
        let error = read(&bytes).err().unwrap_or_else(|| panic!("{name} was read"));
        assert!(matches!(error.kind(), Kind::Shape | Kind::Config), "{name}: {error}");
    }
}

#[test]
fn what_is_no_pickle_or_is_cut_short_is_damaged() {
    let whole = b"\x80\x04\x95\x25\x00\x00\x00\x00\x00\x00\x00]\x94}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94]\x94(\x88NG?\xf8\x00\x00\x00\x00\x00\x00\x8c\x02\xc3\xa9\x94eua.";
    for length in 0..whole.len() - 1 {
        assert_eq!(read(&whole[..length]).unwrap_err().kind(), Kind::Shape, "{length}");
    }
    for bytes in [
        &b"{\"a\":1}\n"[..],
        b"no pickle",
        b"\x80\x09.",
        b"a.",
        b"h\x05.",
        b"\x93.",
        b"e.",
        b"t.",
        b"\x8c\x02\xff\xfe.",
    ] {
        assert_eq!(read(bytes).unwrap_err().kind(), Kind::Shape, "{bytes:?}");
    }
    let mut rng = fastrand::Rng::with_seed(5);
    for _ in 0..2000 {
        let mut bytes = whole.to_vec();
        (0..2).for_each(|_| {
            let at = rng.usize(..bytes.len());
            bytes[at] = rng.u8(..);
        });
        if let Err(error) = read(&bytes) {
            assert!(matches!(error.kind(), Kind::Shape | Kind::Config), "{error}");
        }
    }
}

#[test]
fn what_is_no_object_is_missing_and_several_pickles_follow_each_other() {
    let (summary, lines) = read(b"](K\x01}\x8c\x01xe.}\x8c\x01aK\x02s.").unwrap();
    assert_eq!(lines, ["{}", r#"{"a":2}"#]);
    assert_eq!((summary.missing, summary.records_read), (2, 2));
    let places: Vec<_> = summary.bad_lines.iter().map(|bad| bad.line).collect();
    assert_eq!(places, [1, 3]);
    let (summary, lines) = read(b"}\x8c\x01aG\x7f\xf8\x00\x00\x00\x00\x00\x00s.").unwrap();
    assert_eq!((lines, summary.cells_lost), (vec![r#"{"a":null}"#.to_owned()], 1));
}

#[test]
fn an_object_of_the_library_keeps_every_member_that_the_hub_gave_it() {
    let members = [text("id"), text("a/b"), text("_id"), text("6"), text("created_at"), text("x")].concat();
    let object = [&b"\x80\x04chuggingface_hub.hf_api\nDatasetInfo\n)\x81}("[..], &members, b"ub."].concat();
    let (summary, lines) = read(&object).unwrap();
    assert_eq!(lines, [r#"{"id":"a/b","_id":"6","createdAt":"x"}"#]);
    assert!(summary.is_whole());
}

#[test]
fn numbers_of_many_digits_and_halves_of_surrogate_pairs_are_kept_and_keys_that_become_one_are_named() {
    let long = [&b"\x8a\x1a"[..], &[0; 25], &[1]].concat();
    let bytes = [&b"\x80\x04}("[..], &text("n"), &long, &text("t"), b"\x8c\x04a\xed\xa0\xbd", b"u."].concat();
    let (summary, lines) = read(&bytes).unwrap();
    let digits = "1606938044258990275541962092341162602522202993782792835301376";
    assert_eq!(lines, [format!("{{\"n\":{digits},\"t\":\"a\\ud83d\"}}")]);
    assert!(summary.is_whole());
    // The old, readable form.
    let old = format!("(dVn\nL{digits}L\nsVt\nVa\\ud83d\ns.");
    assert_eq!(read(old.as_bytes()).unwrap().1, lines);
    let (summary, lines) = read(b"\x80\x04}(K\x01K\x02\x8c\x011K\x03u.").unwrap();
    assert_eq!((lines, summary.cells_lost), (vec![r#"{"1":3}"#.to_owned()], 1));
}
